//! Points on the curve, in the form they have on the wire.

use core::fmt;

use bitcoin::hex::{DisplayHex, FromHex};
use secp256k1::PublicKey;

use super::{Value, exactly};
use crate::error::{Error, ErrorKind, Rule};

/// A public key in its compressed form of 33 bytes.
///
/// In a message it has been checked to be on the curve. Taking it apart again costs a square root
/// (several microseconds), so that happens only when asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point([u8; 33]);

impl Point {
    /// The compressed form.
    pub const fn to_bytes(self) -> [u8; 33] {
        self.0
    }

    /// The key to compute with.
    ///
    /// # Errors
    ///
    /// `InvalidPoint` (TLV-7), which does not happen for a point out of a message that was read.
    pub fn public_key(self) -> Result<PublicKey, Error> {
        decompress(&self.0)
    }

    pub(crate) const fn unchecked(bytes: [u8; 33]) -> Self {
        Self(bytes)
    }
}

/// Decompresses points, and remembers the first few, since some come again and again: an issuer's key
/// in the invoice it signs and at the start of a path, one introduction node in many paths.
///
/// Few, so that looking for a point costs next to nothing beside decompressing it.
#[derive(Default)]
pub(crate) struct Decompressor<'a> {
    known: [Option<(&'a [u8], PublicKey)>; 8],
}

impl<'a> Decompressor<'a> {
    /// TLV-7
    pub(crate) fn key(&mut self, bytes: &'a [u8]) -> Result<PublicKey, Error> {
        for place in &mut self.known {
            match place {
                Some((known, key)) if *known == bytes => return Ok(*key),
                Some(_) => {}
                None => {
                    let key = decompress(bytes)?;
                    *place = Some((bytes, key));
                    return Ok(key);
                }
            }
        }
        decompress(bytes)
    }

    /// TLV-7, for a point whose key is not asked for, and that hardly comes again: it is not remembered. But it may
    /// be known, as the blinded key that signs invoices for an offer without issuer id.
    pub(super) fn check(&self, bytes: &[u8]) -> Result<(), Error> {
        match self.known.iter().flatten().any(|(known, _)| *known == bytes) {
            true => Ok(()),
            false => decompress(bytes).map(drop),
        }
    }
}

/// TLV-7
pub(super) fn decompress(bytes: &[u8]) -> Result<PublicKey, Error> {
    PublicKey::from_slice(bytes).map_err(|_| Error::new(ErrorKind::InvalidPoint, Rule::Tlv7))
}

/// The length is checked here; whether it is on the curve is asked after everything else.
impl Value<'_> for Point {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        exactly(value).map(Self)
    }
}

impl From<PublicKey> for Point {
    fn from(key: PublicKey) -> Self {
        Self(key.serialize())
    }
}

impl TryFrom<Point> for PublicKey {
    type Error = Error;

    fn try_from(point: Point) -> Result<Self, Error> {
        point.public_key()
    }
}

impl PartialEq<PublicKey> for Point {
    fn eq(&self, key: &PublicKey) -> bool {
        self.0 == key.serialize()
    }
}

/// Hexadecimal. What is not on the curve is refused: `InvalidPoint` (TLV-7).
impl core::str::FromStr for Point {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bytes = <[u8; 33]>::from_hex(text).map_err(|_| Error::new(ErrorKind::InvalidPoint, Rule::Tlv7))?;
        decompress(&bytes).map(Self::from)
    }
}

#[cfg(feature = "serde")]
crate::serde::as_hex!(Point, "a public key", |point: &Self| point.0, |bytes| decompress(bytes).map(Self::from));

/// Hexadecimal.
impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hex().fmt(f)
    }
}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
