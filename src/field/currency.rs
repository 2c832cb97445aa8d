//! Currencies, as ISO 4217 names them.

use core::str::FromStr;

use super::Value;
use crate::error::{Error, ErrorKind, Rule};
pub use crate::units::CurrencyCode;

#[cfg(feature = "iso_currency")]
impl CurrencyCode {
    /// The number of decimal digits of the minor unit, for example 2 for `USD` and 0 for `JPY`; `None` if the currency
    /// is not in ISO 4217 or has no minor unit.
    pub fn minor_unit(&self) -> Option<u8> {
        let currency = iso_currency::Currency::from_code(self.as_str())?;
        currency.exponent().and_then(|digits| u8::try_from(digits).ok())
    }
}

impl Value<'_> for CurrencyCode {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        if let Err(error) = core::str::from_utf8(value) {
            return Err(Error::new(ErrorKind::InvalidUtf8, Rule::Tlv7).at(error.valid_up_to()));
        }
        match value.try_into() {
            Ok(letters) if value.iter().all(u8::is_ascii_uppercase) => Ok(Self::checked(letters)),
            _ => Err(Error::new(ErrorKind::InvalidCurrency, Rule::D5).at(0)),
        }
    }
}

/// Three capital letters, such as `USD`.
impl FromStr for CurrencyCode {
    type Err = Error;

    /// # Errors
    ///
    /// `InvalidCurrency` for anything but three ASCII capital letters (D5).
    fn from_str(code: &str) -> Result<Self, Error> {
        Self::decode(code.as_bytes())
    }
}

/// The three letters.
#[cfg(feature = "serde")]
impl serde::Serialize for CurrencyCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for CurrencyCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = <alloc::string::String as serde::Deserialize>::deserialize(deserializer)?;
        code.parse().map_err(serde::de::Error::custom)
    }
}
