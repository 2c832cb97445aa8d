//! Whom a path was given to, for which slot and until when: in the path id.

use core::fmt;

use bitcoin::hex::DisplayHex;

use crate::exchange::ids::{ClientId, PathId, filled};
use crate::exchange::secret::{MacKey, Seal};
use crate::units::UnixTime;

/// The place of one static invoice: what a [record](super::storing::Storing::record) is stored under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// Whose it is.
    pub client: ClientId,
    /// Which of the client's, counted from 0.
    pub number: u16,
}

impl Slot {
    /// The client's id and the number, in 10 bytes: a key for a storage.
    pub fn to_bytes(&self) -> [u8; 10] {
        filled(self.client.0.into_iter().chain(self.number.to_be_bytes()))
    }
}

/// For example `slot 3 of client 00000000000001c8`.
impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slot {} of client {}", self.number, self.client.0.as_hex())
    }
}

/// What a path id of a server says.
#[derive(Clone, Copy, Debug)]
pub(super) struct SlotToken {
    pub(super) slot: Slot,
    /// The last second at which the path leads here.
    pub(super) until: UnixTime,
}

/// More seconds do not fit into 6 bytes.
const LAST: u64 = (1 << 48) - 1;

impl SlotToken {
    pub(super) fn path_id(&self, key: &MacKey) -> PathId {
        let [_, _, until @ ..] = self.until.0.min(LAST).to_be_bytes();
        let bytes = filled(self.slot.to_bytes().into_iter().chain(until));
        PathId(Seal { nonce: bytes, tag: key.short(&[&bytes]) }.to_bytes())
    }

    /// Reads a path id that was made with the key.
    pub(super) fn read(key: &MacKey, path_id: &PathId) -> Option<Self> {
        let seal = Seal::read(&path_id.0)?;
        if !key.verifies(&[&seal.nonce], &seal.tag) {
            return None;
        }
        let (client, rest) = seal.nonce.split_first_chunk()?;
        let (number, until) = rest.split_first_chunk()?;
        let until = until.iter().fold(0, |seconds, byte| (seconds << 8) | u64::from(*byte));
        let slot = Slot { client: ClientId(*client), number: u16::from_be_bytes(*number) };
        Some(Self { slot, until: UnixTime(until) })
    }
}
