//! What both sides derive from one secret of 32 bytes: keys, and bytes that prove where they come from.
//!
//! Everything is HMAC-SHA256 under a key of its own purpose, so that what was made for one purpose is nothing for
//! another. Comparing takes the same time whatever differs.

use bitcoin::constants::ChainHash;
use hmac::{Hmac, Mac};
use secp256k1::{Keypair, SecretKey};
use sha2::Sha256;
use zeroize::Zeroize;

use super::ids::{PathId, filled};
use crate::crypto;
use crate::signature;
use crate::tlv::TlvStream;
use crate::units::Msat;

/// The key of one purpose. It is wiped when dropped.
#[derive(Clone)]
pub(crate) struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// The key for a purpose.
    pub(crate) fn derive(secret: &[u8; 32], purpose: &str) -> Self {
        let mut key = Self::new(secret).mac(&[b"bolt12 ", purpose.as_bytes()]);
        let derived = Self::new(&key);
        key.zeroize();
        derived
    }

    fn new(key: &[u8; 32]) -> Self {
        Self(crypto::mac(key))
    }

    fn state(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut state = self.0.clone();
        parts.iter().for_each(|part| state.update(part));
        state
    }

    /// The HMAC of the parts, one after the other: at most the last one may vary in length.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.state(parts).finalize().into_bytes().into()
    }

    /// The start of the HMAC.
    pub(crate) fn short<const N: usize>(&self, parts: &[&[u8]]) -> [u8; N] {
        self.mac(parts).first_chunk().copied().unwrap_or([0; N])
    }

    /// Whether `tag` is the start of the parts' HMAC.
    pub(crate) fn verifies(&self, parts: &[&[u8]], tag: &[u8; 16]) -> bool {
        self.state(parts).verify_truncated_left(tag).is_ok()
    }

    /// The same for a tag of half the length (EXC-24).
    pub(crate) fn verifies_short(&self, parts: &[&[u8]], tag: &[u8; 8]) -> bool {
        self.state(parts).verify_truncated_left(tag).is_ok()
    }

    /// Whether `mac` is the parts' HMAC.
    pub(crate) fn verifies_whole(&self, parts: &[&[u8]], mac: &[u8; 32]) -> bool {
        self.state(parts).verify_slice(mac).is_ok()
    }

    /// A key pair for what the parts name. Costs one curve operation. It is the caller's to wipe: a [`Keypair`] is
    /// copied like a number, and wipes itself nowhere.
    pub(crate) fn keypair(&self, parts: &[&[u8]]) -> Keypair {
        let mut bytes = self.mac(parts);
        loop {
            // One in 2^128 numbers of 256 bits is no key; its successor is.
            if let Ok(mut key) = SecretKey::from_slice(&bytes) {
                let pair = Keypair::from_secret_key(signature::context(), &key);
                key.non_secure_erase();
                bytes.zeroize();
                return pair;
            }
            bytes = self.mac(&[&bytes]);
        }
    }
}

impl core::fmt::Debug for MacKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("MacKey(..)")
    }
}

/// The number that everything about one offer, request or refund is derived from.
pub(crate) type Nonce = [u8; 16];

/// Metadata that authenticates the message it stands in: a nonce, and a MAC over it and all other records.
#[derive(Clone, Copy)]
pub(crate) struct Seal {
    pub(crate) nonce: Nonce,
    pub(crate) tag: [u8; 16],
}

impl Seal {
    pub(crate) const LEN: usize = 32;

    /// Reads metadata; that of another length is not of this kind.
    pub(crate) fn read(metadata: &[u8]) -> Option<Self> {
        let metadata: &[u8; Self::LEN] = metadata.try_into().ok()?;
        Some(Self { nonce: *metadata.first_chunk()?, tag: *metadata.last_chunk()? })
    }

    pub(crate) fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let (start, end) = bytes.split_at_mut(16);
        start.copy_from_slice(&self.nonce);
        end.copy_from_slice(&self.tag);
        bytes
    }
}

/// Metadata of half the length, of an offer for which every letter counts (EXC-24): a nonce of 8 bytes, and 8 bytes of
/// a MAC.
#[derive(Clone, Copy)]
pub(crate) struct ShortSeal {
    start: [u8; 8],
    pub(crate) tag: [u8; 8],
}

impl ShortSeal {
    pub(crate) fn new(nonce: &Nonce) -> Self {
        Self { start: nonce.first_chunk().copied().unwrap_or_default(), tag: [0; 8] }
    }

    pub(crate) fn read(metadata: &[u8]) -> Option<Self> {
        let metadata: &[u8; 16] = metadata.try_into().ok()?;
        Some(Self { start: *metadata.first_chunk()?, tag: *metadata.last_chunk()? })
    }

    /// A nonce that no other metadata has.
    pub(crate) fn nonce(self) -> Nonce {
        filled(self.start)
    }

    pub(crate) fn to_bytes(self) -> [u8; 16] {
        filled(self.start.into_iter().chain(self.tag))
    }
}

/// What an offer's metadata covers: every other record of the offer, as it stands.
pub(crate) fn offer_records(tlvs: &TlvStream) -> [&[u8]; 3] {
    [tlvs.range(&(1..=3)), tlvs.range(&(5..=79)), tlvs.range(&(1_000_000_000..=1_999_999_999))]
}

/// What a request's metadata covers: every other record that an invoice repeats (IVR-8), but for the signature for a
/// name of the payer's (CON-3), which is made after the MAC: the key that made it is covered.
pub(crate) fn request_records(tlvs: &TlvStream) -> [&[u8]; 3] {
    let [high, rest] = crate::contacts::without_signature(tlvs, &(1_000_000_000..=2_999_999_999));
    [tlvs.range(&(1..=159)), high, rest]
}

/// What a path id says that its maker wants to find again: one of the messages of one payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) id: [u8; 14],
    pub(crate) generation: u8,
    pub(crate) position: u8,
}

impl Token {
    /// The first half of the path id.
    fn to_bytes(self) -> [u8; 16] {
        filled(self.id.into_iter().chain([self.generation, self.position]))
    }

    /// The nonce of what the token stands for: a request on a chain, for an amount if it names one. What differs
    /// in either has another nonce, whatever happened to the state that the token comes from.
    pub(crate) fn nonce(self, key: &MacKey, chain: ChainHash, amount: Option<Msat>) -> Nonce {
        key.short(&[&self.to_bytes(), chain.as_ref(), &amount.unwrap_or_default().0.to_be_bytes()])
    }

    pub(crate) fn path_id(self, key: &MacKey) -> PathId {
        let bytes = self.to_bytes();
        PathId(Seal { nonce: bytes, tag: key.short(&[&bytes]) }.to_bytes())
    }

    /// Reads a path id that was made with the key.
    pub(crate) fn read(key: &MacKey, path_id: &PathId) -> Option<Self> {
        let seal = Seal::read(&path_id.0)?;
        if !key.verifies(&[&seal.nonce], &seal.tag) {
            return None;
        }
        let (id, [generation, position]) = seal.nonce.split_last_chunk()?;
        Some(Self { id: id.try_into().ok()?, generation: *generation, position: *position })
    }
}
