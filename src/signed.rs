//! The two ends of a signature: messages that are not signed yet, and messages whose signature has
//! not been looked at yet.

use alloc::vec::Vec;
use core::ops::Deref;

use secp256k1::{Keypair, PublicKey, schnorr};

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{KnownFeatures, Point, Value};
use crate::message::{Message, Schema, Structure, View};
use crate::signature::{Tag, digest, digest_and_start, digest_from, sign, verify};
use crate::tlv::TlvStream;

/// A message that is signed: [`InvoiceRequest`](crate::InvoiceRequest), [`Refund`](crate::Refund) (which need not
/// be), [`Invoice`](crate::Invoice) and [`PayerProof`](crate::PayerProof). Cannot be implemented outside this crate.
pub trait SignedMessage: Sealed {}

/// The part of [`SignedMessage`] that is nobody else's business.
pub trait Sealed: Sized + 'static {
    /// The view of the message's fields.
    type Fields: View;

    const SCHEMA: &'static Schema;
    /// The same for a message that is still to be signed.
    const UNSIGNED: &'static Schema;
    const TAG: Tag;
    /// The rule that an invalid signature breaks.
    const RULE: Rule;
    /// The field that holds the signer's key.
    const SIGNER: Field;
    /// The field that holds the signature.
    const SIGNATURE: Field = Field::SIGNATURE;
    /// The type at which the fields begin that a message adds that begins with the fields of this one.
    const ANSWERED_AT: Option<u64> = None;
    /// Whether a message without a signature is complete (D1).
    const NEEDS_SIGNATURE: bool = true;

    fn signer(message: &Message) -> Option<PublicKey>;
    /// What is to be verified beside the message's own signature.
    fn verify_more(_: &Message) -> Result<(), Error> {
        Ok(())
    }
    /// The finished message; its signature, if it has one, is valid.
    fn finish(message: Message) -> Result<Self, Error>;
}

/// The signer's key. Every message that is signed has it, so it is missing only in theory.
fn signer<T: Sealed>(message: &Message) -> Result<PublicKey, Error> {
    T::signer(message).ok_or(Error::missing(T::SIGNER, T::RULE))
}

/// The signature in a field.
pub(crate) fn signature(tlvs: &TlvStream, field: Field) -> Option<schnorr::Signature> {
    tlvs.value(field.number()).and_then(|value| schnorr::Signature::decode(value).ok())
}

/// A message that is complete but for its signature.
///
/// It can be read through its fields, which it dereferences to ([`RequestFields`](crate::RequestFields) for a request
/// or refund, [`InvoiceFields`](crate::InvoiceFields) for an invoice or payer proof), and shown to the holder of the
/// key. The [digest](Self::digest) is what has to be signed with BIP 340, by the key that the message names (RQW-7,
/// IVW-6).
///
/// ```
/// # use bolt12::secp256k1::{Keypair, Message, Secp256k1};
/// # use bolt12::{Msat, Refund, RefundBuilder, Unsigned};
/// # let secp = Secp256k1::new();
/// # let key = Keypair::from_seckey_slice(&secp, &[7; 32])?;
/// # let builder = RefundBuilder::new("tea", Msat(1), key.public_key(), [1; 16]);
/// let unsigned = builder.build_to_sign()?;
/// // Over there, at the signer:
/// let seen = Unsigned::<Refund>::try_from(unsigned.as_bytes().to_vec())?;
/// println!("sign {} for {:?}?", seen.offer().description().unwrap(), seen.amount());
/// let signature = secp.sign_schnorr_no_aux_rand(&Message::from_digest(seen.digest()), &key);
/// // And back here, where it is verified:
/// let refund = unsigned.complete(&signature)?;
/// # assert_eq!(refund.signature(), Some(signature));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct Unsigned<T: SignedMessage> {
    fields: T::Fields,
    digest: [u8; 32],
}

impl<T: SignedMessage> Unsigned<T> {
    pub(crate) fn new(mut message: Message) -> Self {
        let digest = match &message.keys().start {
            Some(start) => digest_from(start, T::TAG, &message.tlvs),
            None => digest(T::TAG, &message.tlvs),
        };
        message.keep(None);
        Self { fields: T::Fields::of(message), digest }
    }

    /// Reads the bytes of a message that is still to be signed, for example at a signer.
    ///
    /// # Errors
    ///
    /// Any rule of the message but that it is signed.
    pub fn read(bytes: Vec<u8>, known: &'static KnownFeatures) -> Result<Self, Error> {
        let message = Structure::to_sign(T::UNSIGNED, bytes, known)?.check_points()?;
        if let Some(record) = message.tlvs.get(T::SIGNATURE.number()) {
            return Err(Error::of(T::SIGNATURE, ErrorKind::Unexpected, T::RULE).at(record.offset()));
        }
        T::verify_more(&message).map_err(|error| message.located(error))?;
        Ok(Self::new(message))
    }

    /// The key that has to sign.
    pub fn signer(&self) -> Option<PublicKey> {
        T::signer(self.fields.message())
    }

    /// The records, whatever they mean.
    pub fn tlvs(&self) -> &TlvStream {
        &self.fields.message().tlvs
    }

    /// The bytes of the message, which lack only the signature's record.
    pub fn as_bytes(&self) -> &[u8] {
        self.fields.message().tlvs.as_bytes()
    }

    /// The 32 bytes to sign with BIP 340 (SIG-4).
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Signs with a given key.
    ///
    /// # Errors
    ///
    /// `WrongKey` if it is not the key that the message names, `TooLong` (D7).
    pub fn sign(self, key: &Keypair) -> Result<T, Error> {
        let named = signer::<T>(self.fields.message())?;
        if named.x_only_public_key().0 != key.x_only_public_key().0 {
            return Err(Error::of(T::SIGNER, ErrorKind::WrongKey, T::RULE));
        }
        // A signature that was made here, with the right key, needs no verification.
        let signature = sign(self.digest, key);
        self.append(&signature)
    }

    /// Completes the message with a signature that was made elsewhere, and verifies it.
    ///
    /// # Errors
    ///
    /// `InvalidSignature` (SIG-5), `TooLong` (D7).
    pub fn complete(self, signature: &schnorr::Signature) -> Result<T, Error> {
        let key = signer::<T>(self.fields.message())?;
        verify(self.digest, signature, &key, T::SIGNATURE, T::RULE)?;
        self.append(signature)
    }

    fn append(self, signature: &schnorr::Signature) -> Result<T, Error> {
        let mut message = self.fields.into_message();
        message.tlvs.insert(T::SIGNATURE.number(), signature.as_ref())?;
        T::finish(message)
    }
}

impl<T: SignedMessage> TryFrom<Vec<u8>> for Unsigned<T> {
    type Error = Error;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Error> {
        Self::read(bytes, KnownFeatures::default_ref())
    }
}

impl<T: SignedMessage> Deref for Unsigned<T> {
    type Target = T::Fields;

    fn deref(&self) -> &T::Fields {
        &self.fields
    }
}

impl<T: SignedMessage> Clone for Unsigned<T>
where
    T::Fields: Clone,
{
    fn clone(&self) -> Self {
        Self { fields: self.fields.clone(), digest: self.digest }
    }
}

impl<T: SignedMessage> core::fmt::Debug for Unsigned<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        T::SCHEMA.debug("Unsigned", &self.fields.message().tlvs, f)
    }
}

/// A message that obeys every rule but two, which cost curve operations: that its keys are points on
/// the curve, and that its signature is valid.
///
/// Reading stops here to let a caller authenticate the message by cheaper means, for example a MAC in
/// `offer_metadata`, before paying for more (EXC-1). The records can be read; they are not to be
/// acted on before [`verify`](Self::verify).
#[derive(Clone)]
#[must_use]
pub struct Unverified<T: SignedMessage> {
    structure: Structure,
    kind: core::marker::PhantomData<fn() -> T>,
}

impl<T: SignedMessage> Unverified<T> {
    /// Reads bytes, without a curve operation.
    ///
    /// # Errors
    ///
    /// Any rule that [`verify`](Self::verify) does not check.
    pub fn read(bytes: Vec<u8>, known: &'static KnownFeatures) -> Result<Self, Error> {
        let structure = Structure::read(T::SCHEMA, bytes, known)?;
        Ok(Self { structure, kind: core::marker::PhantomData })
    }

    /// The same for a stream that was read already.
    pub(crate) fn of(tlvs: TlvStream, known: &'static KnownFeatures) -> Result<Self, Error> {
        let structure = Structure::of(T::SCHEMA, tlvs, known)?;
        Ok(Self { structure, kind: core::marker::PhantomData })
    }

    /// Reads text, without a curve operation.
    ///
    /// # Errors
    ///
    /// Any rule that [`verify`](Self::verify) does not check, and TXT-1 to TXT-8.
    pub fn read_text(text: &str, known: &'static KnownFeatures) -> Result<Self, Error> {
        T::SCHEMA.read_text(text, |bytes| Self::read(bytes, known))
    }

    /// The records as they are.
    pub fn tlvs(&self) -> &TlvStream {
        &self.structure.tlvs
    }

    /// Checks the points (TLV-7) and verifies the signature (SIG-5).
    ///
    /// # Errors
    ///
    /// `InvalidPoint`, `InvalidSignature`.
    pub fn verify(self) -> Result<T, Error> {
        self.verify_with(None)
    }

    /// The same for a message whose answer will be signed by a point in one of its paths.
    pub(crate) fn verify_with(self, answered_by: Option<Point>) -> Result<T, Error> {
        let mut message = self.structure.check_points_with(answered_by)?;
        let mut start = None;
        let verified = T::verify_more(&message).and_then(|()| match signature(&message.tlvs, T::SIGNATURE) {
            Some(signature) => {
                let (digest, kept) = match T::ANSWERED_AT {
                    Some(end) => digest_and_start(T::TAG, &message.tlvs, end),
                    None => (digest(T::TAG, &message.tlvs), None),
                };
                start = kept;
                verify(digest, &signature, &signer::<T>(&message)?, T::SIGNATURE, T::RULE)
            }
            // The rules ask for the field, and its form is checked: this is a second lock on the same door.
            None if T::NEEDS_SIGNATURE => Err(Error::missing(T::SIGNATURE, T::RULE)),
            None => Ok(()),
        });
        verified.map_err(|error| message.located(error))?;
        message.keep(start);
        T::finish(message)
    }
}

impl<T: SignedMessage> TryFrom<Vec<u8>> for Unverified<T> {
    type Error = Error;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Error> {
        Self::read(bytes, KnownFeatures::default_ref())
    }
}

impl<T: SignedMessage> core::str::FromStr for Unverified<T> {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::read_text(text, KnownFeatures::default_ref())
    }
}

impl<T: SignedMessage> core::fmt::Debug for Unverified<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        T::SCHEMA.debug("Unverified", &self.structure.tlvs, f)
    }
}
