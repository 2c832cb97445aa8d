//! What fields hold: one file for each type of value, decoded and encoded there and nowhere else.

mod amount;
mod bip353;
mod chain;
mod currency;
mod deceptive;
mod entries;
mod fallback;
mod features;
pub(crate) mod path;
mod payinfo;
pub(crate) mod point;
mod quantity;
mod rate;
mod text;

pub use amount::OfferAmount;
pub use bip353::HumanReadableName;
pub use chain::Chains;
pub use currency::CurrencyCode;
pub use entries::Entries;
pub(crate) use entries::into_entries;
pub use fallback::{Fallback, Fallbacks};
pub use features::{Feature, FeatureBits, Features, KnownFeatures};
#[cfg(feature = "onion")]
pub(crate) use path::Brought;
pub use path::{BlindedHop, BlindedPath, BlindedPaths, Direction, IntroductionNode, ShortChannelId};
pub use payinfo::{PayInfo, PayInfos};
pub use point::Point;
pub(crate) use point::Points;
pub use quantity::Quantity;
pub use rate::Rate;
pub use text::Text;

use core::fmt;

use bitcoin::hex::DisplayHex;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::tlv::bigsize;

/// A value as it stands in a field.
///
/// Decoding is what checks a field when a message is read, and what an accessor does later.
pub(crate) trait Value<'a>: Sized {
    /// Reads the whole value. An error's offset counts from the start of the value, and its field
    /// is not set. No point is checked to be on the curve here.
    fn decode(value: &'a [u8]) -> Result<Self, Error>;
}

/// A row of a table of fields: what the field is called and how its value is checked and shown.
pub(crate) struct Spec {
    pub(crate) field: Field,
    pub(crate) check: fn(&[u8]) -> Result<(), Error>,
    pub(crate) show: fn(&[u8], &mut fmt::Formatter<'_>) -> fmt::Result,
}

/// Finds a type in tables that are each in ascending order.
pub(crate) fn find(tables: &[&'static [Spec]], number: u64) -> Option<&'static Spec> {
    tables.iter().find_map(|table| {
        // Most tables are of another range.
        if table.last().is_none_or(|last| last.field.number() < number) {
            return None;
        }
        let at = table.binary_search_by_key(&number, |spec| spec.field.number()).ok()?;
        table.get(at)
    })
}

/// A type's field, with its name if it is in one of the tables.
pub(crate) fn named(tables: &[&'static [Spec]], number: u64) -> Field {
    find(tables, number).map_or(Field::numbered(number), |spec| spec.field)
}

/// Defines the fields of a message in one place: type number, constant, name, label for people, type of
/// the value, and the accessor with its documentation.
///
/// The accessor is left out where a field is not read alone; it then stands beside the table. So does the view,
/// where fields belong to several messages.
macro_rules! fields {
    ($table:ident for $view:ident {
        $($number:literal $constant:ident $name:literal $label:literal: $value:ty $(=> $(#[$doc:meta])* $accessor:ident)?;)*
    }) => {
        crate::field::fields! { $table { $($number $constant $name $label: $value;)* } }

        impl $view {
            $($(
                #[doc = concat!("`", $name, "` (TLV ", stringify!($number), ")")]
                ///
                $(#[$doc])*
                pub fn $accessor(&self) -> Option<$value> {
                    self.tlvs().value($number).and_then(|value| crate::field::Value::decode(value).ok())
                }
            )?)*
        }
    };
    ($table:ident { $($number:literal $constant:ident $name:literal $label:literal: $value:ty;)* }) => {
        impl crate::error::Field {
            $(
                #[doc = concat!(stringify!($number), " `", $name, "`")]
                pub const $constant: crate::error::Field = crate::error::Field::known($number, $name, $label);
            )*
        }

        /// The fields, in ascending order.
        pub(crate) static $table: &[crate::field::Spec] = &[$(
            crate::field::Spec {
                field: crate::error::Field::$constant,
                check: |value| <$value as crate::field::Value<'_>>::decode(value).map(|_| ()),
                show: |value, f| match <$value as crate::field::Value<'_>>::decode(value) {
                    Ok(value) => core::fmt::Debug::fmt(&value, f),
                    Err(_) => f.write_str("?"),
                },
            },
        )*];
    };
}
pub(crate) use fields;

/// Bytes without a meaning of their own.
impl<'a> Value<'a> for Bytes<'a> {
    fn decode(value: &'a [u8]) -> Result<Self, Error> {
        Ok(Self(value))
    }
}

/// Bytes that show as hexadecimal.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hex().fmt(f)
    }
}

/// A `tu64`.
impl Value<'_> for u64 {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        bigsize::read_truncated(value, 8)
    }
}

/// A `tu32`.
impl Value<'_> for u32 {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        // At most four bytes, so nothing is cut off.
        bigsize::read_truncated(value, 4).map(|number| number as u32)
    }
}

impl Value<'_> for bitcoin::hashes::sha256::Hash {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        use bitcoin::hashes::Hash;
        exactly(value).map(Self::from_byte_array)
    }
}

impl Value<'_> for secp256k1::schnorr::Signature {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        let bytes: [u8; 64] = exactly(value)?;
        // Any 64 bytes are a signature, though not necessarily a valid one.
        Self::from_slice(&bytes).map_err(|_| Error::new(ErrorKind::InvalidLength, Rule::Tlv7).at(0))
    }
}

/// A value of a fixed length (TLV-7).
pub(crate) fn exactly<const N: usize>(value: &[u8]) -> Result<[u8; N], Error> {
    value.try_into().map_err(|_| Error::new(ErrorKind::InvalidLength, Rule::Tlv7).at(0))
}

/// Walks through a value, checking every length against what is left (TLV-6).
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    value: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(value: &'a [u8]) -> Self {
        Self { value, at: 0 }
    }

    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.value.len()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.value.get(self.at).copied()
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let rest = self.value.get(self.at..).unwrap_or_default();
        let taken = rest.get(..len).ok_or_else(|| Error::new(ErrorKind::Truncated, Rule::Tlv3).at(self.at))?;
        self.at = self.at.saturating_add(len);
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Error> {
        let at = self.at;
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| Error::new(ErrorKind::Truncated, Rule::Tlv3).at(at))
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|&[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(|bytes| u16::from_be_bytes(*bytes))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(|bytes| u32::from_be_bytes(*bytes))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(|bytes| u64::from_be_bytes(*bytes))
    }
}
