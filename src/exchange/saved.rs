//! Saved states: a version, a kind, fields in a fixed order, and a MAC over all of it.
//!
//! A state is loaded whole or not at all. What newer software wrote is refused rather than guessed at, and so is
//! what was damaged or belongs to another secret: a payment that is taken for one that was not begun is made twice.

use alloc::vec::Vec;

use super::secret::MacKey;
use crate::error::{Error, ErrorKind, Rule};
use crate::field::{BlindedPath, Point};

/// Changes with every release that changes the fields of any kind.
const VERSION: u8 = 1;

/// What was saved.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Received = 0,
    Accepted = 1,
    Payment = 2,
    Claim = 3,
    #[cfg(feature = "recurrence")]
    Subscription = 4,
}

impl Kind {
    /// What a state says that it is. Nobody has checked whether it is whole.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        Some(match bytes.get(1)? {
            0 => Self::Received,
            1 => Self::Accepted,
            2 => Self::Payment,
            3 => Self::Claim,
            #[cfg(feature = "recurrence")]
            4 => Self::Subscription,
            _ => return None,
        })
    }
}

pub(crate) fn invalid() -> Error {
    Error::new(ErrorKind::InvalidState, Rule::Exc4)
}

/// Writes a state.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new(kind: Kind) -> Self {
        // Enough for most, so that it does not grow step by step.
        let mut bytes = Vec::with_capacity(1024);
        bytes.extend_from_slice(&[VERSION, kind as u8]);
        Self(bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self, bytes: [u8; N]) {
        self.0.extend_from_slice(&bytes);
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.array(number.to_be_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn optional<const N: usize>(&mut self, bytes: Option<[u8; N]>) {
        self.flag(bytes.is_some());
        if let Some(bytes) = bytes {
            self.array(bytes);
        }
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        self.array([u8::from(flag)]);
    }

    pub(crate) fn optional_number(&mut self, number: Option<u64>) {
        self.optional(number.map(u64::to_be_bytes));
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The state without a MAC, which is for memory only: see [`Reader::reload`].
    pub(crate) fn unsealed(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn finish(self, key: &MacKey) -> Vec<u8> {
        seal(self.0, key)
    }
}

/// Adds the MAC to a state that was kept without.
pub(crate) fn seal(mut state: Vec<u8>, key: &MacKey) -> Vec<u8> {
    let mac: [u8; 16] = key.short(&[&state]);
    state.extend_from_slice(&mac);
    state
}

/// Reads a state.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads all of a state with `read`.
    pub(crate) fn load<T>(
        bytes: &'a [u8],
        kind: Kind,
        key: &MacKey,
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (fields, mac) = bytes.split_last_chunk().ok_or_else(invalid)?;
        if !key.verifies(&[fields], mac) {
            return Err(invalid());
        }
        Self::reload(fields, kind, read)
    }

    /// The same for an [unsealed](Writer::unsealed) state, which never left the memory.
    pub(crate) fn reload<T>(
        fields: &'a [u8],
        kind: Kind,
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut reader = Self(fields);
        // It is authentic, so what is not understood was written by other software.
        if reader.byte()? != VERSION {
            return Err(Error::new(ErrorKind::UnknownVersion, Rule::Exc4));
        }
        if reader.byte()? != kind as u8 {
            return Err(invalid());
        }
        let state = read(&mut reader)?;
        if reader.0.is_empty() { Ok(state) } else { Err(invalid()) }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or_else(invalid)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.take(N)?.try_into().map_err(|_| invalid())
    }

    pub(crate) fn number(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Error> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Error> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(invalid()),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Error> {
        let len = usize::try_from(self.number()?).map_err(|_| invalid())?;
        self.take(len)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Error> {
        core::str::from_utf8(self.bytes()?).map_err(|_| invalid())
    }

    pub(crate) fn optional<const N: usize>(&mut self) -> Result<Option<[u8; N]>, Error> {
        if self.flag()? { self.array().map(Some) } else { Ok(None) }
    }

    pub(crate) fn optional_number(&mut self) -> Result<Option<u64>, Error> {
        Ok(self.optional()?.map(u64::from_be_bytes))
    }

    /// A point that was checked before it was saved.
    pub(crate) fn point(&self, bytes: [u8; 33]) -> Result<Point, Error> {
        Ok(Point::unchecked(bytes))
    }

    pub(crate) fn path(&mut self) -> Result<BlindedPath<'static>, Error> {
        BlindedPath::from_bytes(self.bytes()?).map(BlindedPath::into_owned)
    }
}
