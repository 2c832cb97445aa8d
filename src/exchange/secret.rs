//! What both sides derive from one secret of 32 bytes: keys, and bytes that prove where they come from.
//!
//! Everything is HMAC-SHA256 under a key of its own purpose, so that what was made for one purpose is nothing for
//! another. Comparing takes the same time whatever differs.

use hmac::{Hmac, KeyInit, Mac};
use secp256k1::{Keypair, SecretKey};
use sha2::Sha256;
use zeroize::Zeroize;

use super::via::{PathId, PaymentId};
use crate::signature;
use crate::tlv::TlvStream;

/// The key of one purpose. It is wiped when dropped.
#[derive(Clone)]
pub(super) struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// The key for a purpose.
    pub(super) fn derive(secret: &[u8; 32], purpose: &str) -> Self {
        let mut key = Self::new(secret).mac(&[b"bolt12 ", purpose.as_bytes()]);
        let derived = Self::new(&key);
        key.zeroize();
        derived
    }

    fn new(key: &[u8; 32]) -> Self {
        // HMAC pads a short key with zeros, so this is the key of 32 bytes.
        let mut block = [0; 64];
        if let Some(start) = block.first_chunk_mut() {
            *start = *key;
        }
        let mac = Hmac::new(&block.into());
        block.zeroize();
        Self(mac)
    }

    fn state(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut state = self.0.clone();
        parts.iter().for_each(|part| state.update(part));
        state
    }

    /// The HMAC of the parts, one after the other: at most the last one may vary in length.
    pub(super) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.state(parts).finalize().into_bytes().into()
    }

    /// The start of the HMAC.
    pub(super) fn short<const N: usize>(&self, parts: &[&[u8]]) -> [u8; N] {
        self.mac(parts).first_chunk().copied().unwrap_or([0; N])
    }

    /// Whether `tag` is the start of the parts' HMAC.
    pub(super) fn verifies(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        self.state(parts).verify_truncated_left(tag).is_ok()
    }

    /// Whether `mac` is the parts' HMAC.
    pub(super) fn verifies_whole(&self, parts: &[&[u8]], mac: &[u8; 32]) -> bool {
        self.state(parts).verify_slice(mac).is_ok()
    }

    /// A key pair for what the parts name. Costs one curve operation.
    pub(super) fn keypair(&self, parts: &[&[u8]]) -> Keypair {
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
pub(super) type Nonce = [u8; 16];

/// Metadata that authenticates the message it stands in: a nonce, and a MAC over it and all other records.
#[derive(Clone, Copy)]
pub(super) struct Seal {
    pub(super) nonce: Nonce,
    pub(super) tag: [u8; 16],
}

impl Seal {
    pub(super) const LEN: usize = 32;

    /// Reads metadata; that of another length is not of this kind.
    pub(super) fn read(metadata: &[u8]) -> Option<Self> {
        let metadata: &[u8; Self::LEN] = metadata.try_into().ok()?;
        Some(Self { nonce: *metadata.first_chunk()?, tag: *metadata.last_chunk()? })
    }

    pub(super) fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let (start, end) = bytes.split_at_mut(16);
        start.copy_from_slice(&self.nonce);
        end.copy_from_slice(&self.tag);
        bytes
    }
}

/// The two keys of an offer's metadata, which cover every other record of the offer, as it stands.
///
/// A quarter of the tag covers only their length. Whoever does not know an offer of ours thus fails before anything
/// is hashed, and whoever does cannot make us hash more than that offer has.
#[derive(Debug)]
pub(super) struct OfferKeys {
    pub(super) lengths: MacKey,
    pub(super) records: MacKey,
}

impl OfferKeys {
    /// The tag that completes the metadata of an offer.
    pub(super) fn tag(&self, nonce: &Nonce, offer: &TlvStream) -> [u8; 16] {
        let records = offer_records(offer);
        let length: [u8; 4] = self.lengths.short(&[nonce, &length(&records)]);
        let [first, middle, last] = records;
        let mac: [u8; 12] = self.records.short(&[nonce, first, middle, last]);
        let mut tag = [0; 16];
        tag.iter_mut().zip(length.iter().chain(&mac)).for_each(|(slot, byte)| *slot = *byte);
        tag
    }

    /// The metadata of an offer, wherever it stands, if it was made with these keys and all the rest is as it was.
    pub(super) fn seal(&self, tlvs: &TlvStream) -> Option<Seal> {
        let seal = Seal::read(tlvs.value(4)?)?;
        let records = offer_records(tlvs);
        let (of_length, of_records) = seal.tag.split_at_checked(4)?;
        let [first, middle, last] = records;
        let is_own = self.lengths.verifies(&[&seal.nonce, &length(&records)], of_length)
            && self.records.verifies(&[&seal.nonce, first, middle, last], of_records);
        is_own.then_some(seal)
    }
}

fn offer_records(tlvs: &TlvStream) -> [&[u8]; 3] {
    [tlvs.range(&(1..=3)), tlvs.range(&(5..=79)), tlvs.range(&(1_000_000_000..=1_999_999_999))]
}

fn length(records: &[&[u8]; 3]) -> [u8; 8] {
    let length: usize = records.iter().map(|records| records.len()).sum();
    (length as u64).to_be_bytes()
}

/// What a request's metadata covers: every other record that an invoice repeats (IVR-8).
pub(super) fn request_records(tlvs: &TlvStream) -> [&[u8]; 2] {
    [tlvs.range(&(1..=159)), tlvs.range(&(1_000_000_000..=2_999_999_999))]
}

/// What a path id says that its maker wants to find again: one of the messages of one payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) id: PaymentId,
    pub(super) generation: u8,
    pub(super) position: u8,
}

impl Token {
    /// The first half of the path id.
    fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        let parts = self.id.0.iter().chain([&self.generation, &self.position]);
        bytes.iter_mut().zip(parts).for_each(|(slot, part)| *slot = *part);
        bytes
    }

    pub(super) fn nonce(self, key: &MacKey) -> Nonce {
        key.short(&[&self.to_bytes()])
    }

    pub(super) fn path_id(self, key: &MacKey) -> PathId {
        let bytes = self.to_bytes();
        PathId(Seal { nonce: bytes, tag: key.short(&[&bytes]) }.to_bytes())
    }

    /// Reads a path id that was made with the key.
    pub(super) fn read(key: &MacKey, path_id: &PathId) -> Option<Self> {
        let seal = Seal::read(&path_id.0)?;
        if !key.verifies(&[&seal.nonce], &seal.tag) {
            return None;
        }
        let (id, [generation, position]) = seal.nonce.split_last_chunk()?;
        Some(Self { id: PaymentId(id.try_into().ok()?), generation: *generation, position: *position })
    }
}
