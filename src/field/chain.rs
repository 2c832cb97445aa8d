//! Chains, by the hash of their first block.

use bitcoin::constants::ChainHash;

use super::{Entries, Value, exactly, into_entries};
use crate::error::{Error, ErrorKind, Rule};

impl Value<'_> for ChainHash {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        exactly(value).map(|hash: [u8; 32]| Self::from(hash))
    }
}

/// The chains an offer names, in its order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Chains<'a>(&'a [u8]);

impl<'a> Chains<'a> {
    /// The chains.
    pub fn iter(&self) -> Entries<'a, ChainHash> {
        Entries::new(self.0, |cursor| cursor.array().map(|hash: &[u8; 32]| ChainHash::from(*hash)))
    }

    /// Whether a chain is among them.
    pub fn contains(&self, chain: &ChainHash) -> bool {
        self.iter().any(|listed| listed == *chain)
    }
}

into_entries!(Chains, ChainHash);

impl<'a> Value<'a> for Chains<'a> {
    fn decode(value: &'a [u8]) -> Result<Self, Error> {
        if value.is_empty() {
            return Err(Error::new(ErrorKind::NoEntries, Rule::Ofr3).at(0));
        }
        let rest = value.chunks_exact(32).remainder().len();
        if rest != 0 {
            return Err(Error::new(ErrorKind::InvalidLength, Rule::Tlv3).at(value.len().saturating_sub(rest)));
        }
        Ok(Self(value))
    }
}

impl core::fmt::Debug for Chains<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
