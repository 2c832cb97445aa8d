//! Message 513 as it stands on the wire.

use alloc::vec::Vec;
use core::fmt;

use bitcoin::hex::DisplayHex;

use super::packet;
use crate::error::{Error, ErrorKind, Rule};
use crate::field::{Cursor, Point};

/// A Lightning message of type 513, `onion_message`: what two peers send each other.
///
/// It is read without a look at its keys: whether it is for this node, and any good, is what
/// [`peel`](Self::peel) finds out.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct OnionMessage {
    bytes: Vec<u8>,
}

/// Type, path key and length.
const HEAD_LEN: usize = 2 + 33 + 2;

impl OnionMessage {
    /// The message's type.
    pub const TYPE: u16 = 513;

    /// Reads a message, with its type.
    ///
    /// # Errors
    ///
    /// `OutOfRange` (MSG-1) for another type, `Truncated`, and `InvalidLength` for bytes after the end or too few for
    /// an onion (TLV-3).
    pub fn read(bytes: Vec<u8>) -> Result<Self, Error> {
        let mut cursor = Cursor::new(&bytes);
        if cursor.u16()? != Self::TYPE {
            return Err(Error::new(ErrorKind::OutOfRange, Rule::Msg1).at(0));
        }
        cursor.take(33)?;
        let at = cursor.offset();
        let packet = cursor.u16()?;
        cursor.take(packet.into())?;
        if usize::from(packet) <= packet::OVERHEAD {
            return Err(Error::new(ErrorKind::InvalidLength, Rule::Tlv3).at(at));
        }
        if !cursor.is_at_end() {
            return Err(Error::new(ErrorKind::InvalidLength, Rule::Tlv3).at(cursor.offset()));
        }
        Ok(Self { bytes })
    }

    /// Reads a message without its type, as many libraries hand it over.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); offsets count the two bytes of the type.
    pub fn from_payload(payload: &[u8]) -> Result<Self, Error> {
        Self::read([&Self::TYPE.to_be_bytes(), payload].concat())
    }

    /// Puts a message together. `write` appends the packet, of that many bytes.
    pub(super) fn with(
        path_key: Point,
        len: usize,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let mut bytes = Vec::with_capacity(len.saturating_add(HEAD_LEN));
        bytes.extend_from_slice(&Self::TYPE.to_be_bytes());
        bytes.extend_from_slice(&path_key.to_bytes());
        bytes.extend_from_slice(&[0, 0]);
        write(&mut bytes)?;
        let len = bytes.len().saturating_sub(HEAD_LEN);
        let len =
            u16::try_from(len).map_err(|_| Error::new(ErrorKind::TooLong { len, max: u16::MAX.into() }, Rule::Msg1))?;
        if let Some(slot) = bytes.get_mut(HEAD_LEN - 2..HEAD_LEN) {
            slot.copy_from_slice(&len.to_be_bytes());
        }
        Ok(Self { bytes })
    }

    /// The message, with its type.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The message, with its type and without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The message without its type.
    pub fn payload(&self) -> &[u8] {
        self.bytes.get(2..).unwrap_or_default()
    }

    /// `path_key`: by which the hop finds its blinded key. Nobody has checked that it is on the curve.
    pub fn path_key(&self) -> Point {
        let bytes = self.bytes.get(2..).and_then(|rest| rest.first_chunk());
        Point::unchecked(bytes.copied().unwrap_or([0; 33]))
    }

    /// `onion_message_packet`: 1366 or 32834 bytes from most senders.
    pub fn packet(&self) -> &[u8] {
        self.bytes.get(HEAD_LEN..).unwrap_or_default()
    }
}

impl AsRef<[u8]> for OnionMessage {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for OnionMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnionMessage")
            .field("path_key", &self.path_key())
            .field("packet", &format_args!("{}", self.packet().as_hex()))
            .finish()
    }
}
