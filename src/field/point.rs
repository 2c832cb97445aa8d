//! Points on the curve, in the form they have on the wire.

use core::fmt;

use bitcoin::hex::{DisplayHex, FromHex};
use secp256k1::PublicKey;

use super::{Value, exactly};
use crate::curve;
use crate::error::{Error, ErrorKind, Rule};

/// A public key in its compressed form of 33 bytes.
///
/// In a message it has been checked to be on the curve. Decompressing it costs a square root (several
/// microseconds), so that happens only when asked for. The check costs a quarter of that; how long it takes depends on
/// the point, so points that are secret do not belong here.
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

/// Checks points, and remembers the first few, since some come again and again: an issuer's key in the invoice it
/// signs and at the start of a path, one introduction node in many paths.
///
/// Few, so that looking for a point costs next to nothing beside checking it.
#[derive(Default)]
pub(crate) struct Points<'a> {
    known: [Option<&'a [u8]>; 8],
}

impl<'a> Points<'a> {
    /// TLV-7, for a point whose key is needed at once.
    pub(crate) fn key(&mut self, bytes: &'a [u8]) -> Result<PublicKey, Error> {
        let key = decompress(bytes)?;
        self.remember(bytes);
        Ok(key)
    }

    /// TLV-7, for a point that may come again.
    pub(crate) fn check(&mut self, bytes: &'a [u8]) -> Result<(), Error> {
        if !self.is_known(bytes) {
            check(bytes)?;
            self.remember(bytes);
        }
        Ok(())
    }

    /// TLV-7, for a point that hardly comes again: it is not remembered. But it may be known, as the blinded key that
    /// signs invoices for an offer without issuer id.
    pub(super) fn check_once(&self, bytes: &[u8]) -> Result<(), Error> {
        if self.is_known(bytes) { Ok(()) } else { check(bytes) }
    }

    fn is_known(&self, bytes: &[u8]) -> bool {
        self.known.iter().flatten().any(|known| *known == bytes)
    }

    fn remember(&mut self, bytes: &'a [u8]) {
        if let Some(place) = self.known.iter_mut().find(|place| place.is_none()) {
            *place = Some(bytes);
        }
    }
}

/// TLV-7
pub(crate) fn check(bytes: &[u8]) -> Result<(), Error> {
    match bytes.try_into().is_ok_and(curve::is_point) {
        true => Ok(()),
        false => Err(invalid()),
    }
}

/// TLV-7
fn decompress(bytes: &[u8]) -> Result<PublicKey, Error> {
    PublicKey::from_slice(bytes).map_err(|_| invalid())
}

fn invalid() -> Error {
    Error::new(ErrorKind::InvalidPoint, Rule::Tlv7)
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

/// Checks that the point is on the curve, at a quarter of the cost of decompressing it.
impl TryFrom<[u8; 33]> for Point {
    type Error = Error;

    /// # Errors
    ///
    /// `InvalidPoint` (TLV-7).
    fn try_from(bytes: [u8; 33]) -> Result<Self, Error> {
        check(&bytes).map(|()| Self(bytes))
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

/// 66 hexadecimal digits.
impl core::str::FromStr for Point {
    type Err = Error;

    /// # Errors
    ///
    /// `InvalidPoint` for anything else, and for a point that is not on the curve (TLV-7).
    fn from_str(text: &str) -> Result<Self, Error> {
        let bytes = <[u8; 33]>::from_hex(text).map_err(|_| Error::new(ErrorKind::InvalidPoint, Rule::Tlv7))?;
        Self::try_from(bytes)
    }
}

#[cfg(feature = "serde")]
crate::serde::as_hex!(Point, "a public key", |point: &Self| point.0, |bytes| {
    bytes.try_into().map_err(|_| invalid()).and_then(|bytes: [u8; 33]| Self::try_from(bytes))
});

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::steps;

    const POINT: [u8; 33] = [
        2, 0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b, 0x07, 0x02, 0x9b,
        0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98,
    ];

    /// TLV-7: a point that comes again is not checked again, as long as there is room to remember it.
    #[test]
    fn a_point_is_checked_once() {
        let mut points = Points::default();
        assert!(steps(|| points.check(&POINT).unwrap()) > 0);
        assert_eq!(steps(|| points.check(&POINT).unwrap()), 0);
        assert_eq!(steps(|| points.check_once(&POINT).unwrap()), 0);
        // One whose key was needed was checked with it.
        let mut points = Points::default();
        points.key(&POINT).unwrap();
        assert_eq!(steps(|| points.check(&POINT).unwrap()), 0);
    }
}
