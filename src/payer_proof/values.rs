//! The values that only a payer proof holds.

use core::ops::RangeInclusive;

use bitcoin::hex::{DisplayHex, FromHex};

use crate::error::{Error, ErrorKind, Rule};
use crate::field::{Value, exactly};
use crate::tlv::bigsize;

/// The types of an invoice's fields that a proof can disclose, below and above the signatures and
/// the proof's own.
pub(super) const DISCLOSABLE: [RangeInclusive<u64>; 2] = [1..=239, 1_000_000_000..=3_999_999_999];

/// The preimage of a payment hash: who has it has paid, or was paid.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Preimage(pub [u8; 32]);

impl Preimage {
    /// The payment hash that this is the preimage of.
    pub fn payment_hash(&self) -> bitcoin::hashes::sha256::Hash {
        bitcoin::hashes::Hash::hash(&self.0)
    }
}

impl Value<'_> for Preimage {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        exactly(value).map(Self)
    }
}

/// Hexadecimal, as nodes print it.
impl core::str::FromStr for Preimage {
    type Err = Error;

    /// # Errors
    ///
    /// `InvalidId` for anything but 64 hexadecimal digits (TLV-7).
    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = |_| Error::new(ErrorKind::InvalidId { digits: 64 }, Rule::Tlv7);
        <[u8; 32]>::from_hex(text).map(Self).map_err(invalid)
    }
}

/// Hexadecimal.
impl core::fmt::Display for Preimage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.as_hex().fmt(f)
    }
}

/// Not the preimage: until a proof is published, it is a secret.
impl core::fmt::Debug for Preimage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Preimage")
    }
}

/// Numbers that stand for the fields that are hidden.
#[derive(Clone, Copy)]
pub(super) struct Markers<'a>(&'a [u8]);

impl<'a> Markers<'a> {
    pub(super) const NONE: Self = Self(&[]);

    /// The markers. A list that was read is well formed.
    pub(super) fn iter(self) -> impl Iterator<Item = u64> + Clone + use<'a> {
        let mut at = 0;
        core::iter::from_fn(move || {
            #[cfg(test)]
            crate::work::step();
            let (marker, next) = bigsize::read(self.0, at).ok()?;
            at = next;
            Some(marker)
        })
    }
}

/// The encoding of each number (TLV-2); what the numbers may be is PPR-3.
impl<'a> Value<'a> for Markers<'a> {
    fn decode(value: &'a [u8]) -> Result<Self, Error> {
        let mut at = 0;
        while at < value.len() {
            (_, at) = bigsize::read(value, at)?;
        }
        Ok(Self(value))
    }
}

impl core::fmt::Debug for Markers<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// SHA-256 hashes, one after the other.
#[derive(Clone, Copy)]
pub(super) struct Hashes<'a>(&'a [u8]);

impl<'a> Hashes<'a> {
    pub(super) const NONE: Self = Self(&[]);

    pub(super) fn iter(self) -> impl Iterator<Item = [u8; 32]> + use<'a> {
        self.0.chunks_exact(32).filter_map(|hash| {
            #[cfg(test)]
            crate::work::step();
            hash.try_into().ok()
        })
    }

    pub(super) fn count(self) -> usize {
        self.0.len() / 32
    }
}

impl<'a> Value<'a> for Hashes<'a> {
    fn decode(value: &'a [u8]) -> Result<Self, Error> {
        match value.chunks_exact(32).remainder().len() {
            0 => Ok(Self(value)),
            rest => Err(Error::new(ErrorKind::InvalidLength, Rule::Tlv3).at(value.len().saturating_sub(rest))),
        }
    }
}

impl core::fmt::Debug for Hashes<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter().map(|hash| alloc::format!("{}", hash.as_hex()))).finish()
    }
}
