//! Signatures: the digest that is signed, and BIP 340 (SIG-4, SIG-5).

pub(crate) mod merkle;
mod sha256;

use alloc::boxed::Box;
use bitcoin::hex::FromHex;
use once_cell::race::OnceBox;
use secp256k1::{All, Keypair, Message, PublicKey, Secp256k1, schnorr};

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::tlv::{TlvRecord, TlvStream};

pub(crate) use merkle::{SIGNATURE_TYPES, Start};
pub(crate) use sha256::{Tag, Words, to_bytes, words};

impl Field {
    /// 240 `signature`: a BIP 340 signature.
    pub const SIGNATURE: Field = Field::known(240, "signature", "signature");
}

/// The context that everything on the curve uses, made once.
///
/// It holds tables and blinding, and nothing that a caller could observe.
pub(crate) fn context() -> &'static Secp256k1<All> {
    static CONTEXT: OnceBox<Secp256k1<All>> = OnceBox::new();
    CONTEXT.get_or_init(|| Box::new(Secp256k1::new()))
}

/// The digest that is signed: the merkle root, tagged with the message's name (SIG-4).
pub(crate) fn digest(tag: Tag, tlvs: &TlvStream) -> [u8; 32] {
    // Every message that is signed has fields, and the root of none is not signed.
    digest_of_root(tag, merkle::root(tlvs.records()).unwrap_or_default())
}

/// The same, and where a message that begins with all its records below a type goes on.
pub(crate) fn digest_and_start(tag: Tag, tlvs: &TlvStream, end: u64) -> ([u8; 32], Option<Start>) {
    let (start, root) = Start::and_root(tlvs, end);
    (digest_of_root(tag, root.unwrap_or_default()), start)
}

/// The same for a message that begins with records whose hashes are known.
pub(crate) fn digest_from(start: &Start, tag: Tag, tlvs: &TlvStream) -> [u8; 32] {
    let digest = digest_of_root(tag, start.root(tlvs).unwrap_or_default());
    debug_assert_eq!(digest, self::digest(tag, tlvs), "the message begins with other records");
    digest
}

/// The same where the root is known.
pub(crate) fn digest_of_root(tag: Tag, root: [u8; 32]) -> [u8; 32] {
    to_bytes(&tag.hash(&root))
}

/// Signs without auxiliary randomness, which BIP 340 allows: the caller has none to give.
pub(crate) fn sign(digest: [u8; 32], key: &Keypair) -> schnorr::Signature {
    context().sign_schnorr_no_aux_rand(&Message::from_digest(digest), key)
}

/// Verifies the signature that stands in a field (SIG-5).
pub(crate) fn verify(
    digest: [u8; 32],
    signature: &schnorr::Signature,
    key: &PublicKey,
    field: Field,
    rule: Rule,
) -> Result<(), Error> {
    let (key, _) = key.x_only_public_key();
    context()
        .verify_schnorr(signature, &Message::from_digest(digest), &key)
        .map_err(|_| Error::of(field, ErrorKind::InvalidSignature, rule))
}

/// The id of an offer: the merkle root over the fields that an invoice shares with it (SIG-6).
///
/// The same for an offer and for every request and invoice that answers it.
///
/// Three ids are in use, and this is one: Core Lightning and decoders on npm print the SHA-256 of the offer's records,
/// and LDK uses a tagged hash of this.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfferId([u8; 32]);

impl OfferId {
    /// The id as bytes.
    pub const fn to_byte_array(self) -> [u8; 32] {
        self.0
    }

    /// An id that was stored.
    pub const fn from_byte_array(id: [u8; 32]) -> Self {
        Self(id)
    }

    pub(crate) fn of<'a>(records: impl Iterator<Item = TlvRecord<'a>>) -> Option<Self> {
        merkle::root(records).map(Self)
    }
}

impl core::fmt::Display for OfferId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        use bitcoin::hex::DisplayHex;
        self.0.as_hex().fmt(f)
    }
}

/// Hexadecimal. Anything else is refused: `InvalidId` (SIG-6).
impl core::str::FromStr for OfferId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |_| Error::new(ErrorKind::InvalidId { digits: 64 }, Rule::Sig6);
        <[u8; 32]>::from_hex(text).map(Self).map_err(invalid)
    }
}

#[cfg(feature = "serde")]
crate::serde::as_hex!(OfferId, "the id of an offer", |id: &Self| id.0, |bytes| <[u8; 32]>::try_from(bytes).map(Self));

impl core::fmt::Debug for OfferId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{self}")
    }
}
