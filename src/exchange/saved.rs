//! Saved states: a version, a kind, fields in a fixed order, and a MAC over all of it.
//!
//! A state is loaded whole or not at all. A state that another version wrote is refused rather than guessed at, and so
//! is one that is damaged or belongs to another secret: a payment that is mistaken for one that has not begun would be
//! made twice.

use alloc::vec::Vec;

use secp256k1::PublicKey;

use super::secret::MacKey;
use crate::error::{Error, ErrorKind, Rule};
use crate::field::{BlindedPath, Point};

/// The version of the states that this release saves and loads. It changes with every release that changes the fields
/// of any kind.
pub const SAVED_VERSION: u8 = 1;

/// What was saved.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Received = 0,
    Accepted = 1,
    Payment = 2,
    Claim = 3,
    #[cfg(feature = "recurrence")]
    Subscription = 4,
    Taken = 5,
    #[cfg(feature = "recurrence")]
    Subscribers = 6,
    Stock = 7,
    #[cfg(feature = "async_payments")]
    AsyncPayment = 8,
    #[cfg(all(feature = "async_payments", feature = "onion"))]
    ServedInvoice = 9,
    #[cfg(all(feature = "async_payments", feature = "onion"))]
    AsyncRecipient = 10,
}

impl Kind {
    /// Which kind of conversation a state says that it is of. Nobody has checked whether it is whole.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        Some(match bytes.get(1)? {
            2 => Self::Payment,
            3 => Self::Claim,
            #[cfg(feature = "recurrence")]
            4 => Self::Subscription,
            _ => return None,
        })
    }
}

/// A key that was checked before it was saved.
pub(crate) fn saved_key(bytes: [u8; 33]) -> Result<PublicKey, Error> {
    PublicKey::from_slice(&bytes).map_err(|_| invalid())
}

pub(crate) fn invalid() -> Error {
    Error::new(ErrorKind::InvalidState, Rule::Exc4)
}

/// The version of a saved state, without its secret: see [`SAVED_VERSION`]. `None` for bytes that are too short to be a
/// state.
///
/// Nothing is authenticated here: only loading checks that.
///
/// ```
/// # use bolt12::{ChainHash, Msat, OfferBuilder, UnixTime};
/// use bolt12::exchange::{Payer, SAVED_VERSION, saved_version};
///
/// # let key = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619".parse()?;
/// # let offer = OfferBuilder::new(key).description("tea").amount_msat(Msat(1_000)).build()?;
/// # let now = UnixTime(1_800_000_000);
/// # let draft = Payer::new([0x42; 32]).draft(&offer, now, &[ChainHash::BITCOIN])?;
/// # let payment = draft.start([7; 32], now, UnixTime(now.0 + 600))?;
/// assert_eq!(saved_version(&payment.to_bytes()), Some(SAVED_VERSION));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn saved_version(state: &[u8]) -> Option<u8> {
    // A version, a kind, and a MAC of 16 bytes.
    state.first().filter(|_| state.len() >= 18).copied()
}

/// Writes a state.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new(kind: Kind) -> Self {
        // Enough for most, so that it does not grow step by step.
        let mut bytes = Vec::with_capacity(1024);
        bytes.extend_from_slice(&[SAVED_VERSION, kind as u8]);
        Self(bytes)
    }

    /// Fields alone, for what is authenticated in another way.
    pub(crate) fn raw() -> Self {
        Self(Vec::new())
    }

    /// What was written, without a MAC: for memory, see [`Reader::reload`], or for what is authenticated in another
    /// way.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
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

    /// What nothing follows.
    #[cfg(feature = "contacts")]
    pub(crate) fn rest(&mut self, bytes: &[u8]) {
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

    /// The same for a state [without a MAC](Writer::into_bytes), which never left the memory.
    pub(crate) fn reload<T>(
        fields: &'a [u8],
        kind: Kind,
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut reader = Self(fields);
        // It is authentic, so what is not understood was written by other software.
        if reader.byte()? != SAVED_VERSION {
            return Err(Error::new(ErrorKind::UnknownVersion, Rule::Exc4));
        }
        if reader.byte()? != kind as u8 {
            return Err(invalid());
        }
        // What is wrong inside of what is authentic, a message with a feature that is not known here for example, is of
        // no use to anyone who loads it.
        let state = read(&mut reader).map_err(|_| invalid())?;
        reader.end()?;
        Ok(state)
    }

    /// Fields alone.
    pub(crate) fn raw(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.0)
    }

    /// Nothing is left.
    fn end(&self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(invalid()) }
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

    pub(crate) fn optional_path(&mut self) -> Result<Option<BlindedPath<'static>>, Error> {
        match self.bytes()? {
            [] => Ok(None),
            bytes => BlindedPath::from_bytes(bytes).map(|path| Some(path.into_owned())),
        }
    }
}
