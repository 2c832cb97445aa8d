//! Currencies, as ISO 4217 names them, and how many decimal digits they have.

use core::str::FromStr;

use super::Value;
use crate::error::{Error, ErrorKind, Rule};
pub use crate::units::CurrencyCode;

/// How many decimal digits the currencies of ISO 4217 have, and some that were replaced lately. Precious metals, units
/// of account and codes for tests have no minor unit, and are not here.
const MINOR_UNITS: [(u8, &str); 4] = [
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
    (
        2,
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF \
         CHE CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD \
         GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL \
         MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN \
         QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY \
         TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG ZWL",
    ),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
];

impl CurrencyCode {
    /// The number of decimal digits of the minor unit, for example 2 for `USD` and 0 for `JPY`; `None` if the currency
    /// is not in ISO 4217 or has no minor unit. The table is that of 2026.
    pub fn minor_unit(&self) -> Option<u8> {
        let is_listed = |codes: &str| codes.split(' ').any(|code| code == self.as_str());
        MINOR_UNITS.iter().find(|(_, codes)| is_listed(codes)).map(|(digits, _)| *digits)
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
