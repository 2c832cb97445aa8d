//! Currencies, as ISO 4217 names them.

use core::fmt;
use core::str::FromStr;

use super::Value;
use crate::error::{Error, ErrorKind, Rule};

/// Three capital letters that name a currency, for example `USD` (D5).
///
/// Whether ISO 4217 knows the code is asked only when an amount is converted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CurrencyCode([u8; 3]);

impl CurrencyCode {
    /// The three letters.
    pub fn as_str(&self) -> &str {
        // Capital letters are UTF-8.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The number of decimal digits of the minor unit, for example 2 for `USD` and 0 for `JPY`;
    /// nothing if the currency is not in ISO 4217 or has no minor unit.
    #[cfg(feature = "iso_currency")]
    pub fn minor_unit(&self) -> Option<u8> {
        let currency = iso_currency::Currency::from_code(self.as_str())?;
        currency.exponent().and_then(|digits| u8::try_from(digits).ok())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Value<'_> for CurrencyCode {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        if let Err(error) = core::str::from_utf8(value) {
            return Err(Error::new(ErrorKind::InvalidUtf8, Rule::Tlv7).at(error.valid_up_to()));
        }
        match value.try_into() {
            Ok(letters) if value.iter().all(u8::is_ascii_uppercase) => Ok(Self(letters)),
            _ => Err(Error::new(ErrorKind::InvalidCurrency, Rule::D5).at(0)),
        }
    }
}

impl FromStr for CurrencyCode {
    type Err = Error;

    fn from_str(code: &str) -> Result<Self, Error> {
        Self::decode(code.as_bytes())
    }
}

impl fmt::Display for CurrencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CurrencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
