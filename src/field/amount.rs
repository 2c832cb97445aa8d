//! What an offer costs.

use core::fmt;

use super::{CurrencyCode, Value};
use crate::error::Error;
use crate::units::{MinorUnits, Msat, UnixTime, fraction, grouped};

impl Value<'_> for Msat {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        u64::decode(value).map(Self)
    }
}

impl Value<'_> for UnixTime {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        u64::decode(value).map(Self)
    }
}

/// What one item of an offer costs: `offer_amount`, with `offer_currency` if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum OfferAmount {
    /// A price in bitcoin.
    Bitcoin(Msat),
    /// A price in another currency, which the issuer converts when it is asked for an invoice.
    Currency {
        /// The ISO 4217 code.
        currency: CurrencyCode,
        /// The price, in the currency's minor unit.
        amount: MinorUnits,
    },
}

impl OfferAmount {
    /// For people, if the currency is one that [`CurrencyCode::minor_unit`] does not know: with so many decimal digits.
    ///
    /// ```
    /// # use bolt12::{MinorUnits, OfferAmount};
    /// let price = |currency: &str| {
    ///     currency.parse().map(|currency| OfferAmount::Currency { currency, amount: MinorUnits(150) })
    /// };
    /// assert_eq!(price("USD")?.to_string(), "1.50 USD");
    /// assert_eq!(price("ZZZ")?.to_string(), "150 minor units of ZZZ");
    /// assert_eq!(price("ZZZ")?.with_minor_unit(1).to_string(), "15.0 ZZZ");
    /// # Ok::<(), bolt12::Error>(())
    /// ```
    pub fn with_minor_unit(self, digits: u8) -> impl fmt::Display {
        struct WithMinorUnit(OfferAmount, u8);
        impl fmt::Display for WithMinorUnit {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.write(Some(self.1), f)
            }
        }
        WithMinorUnit(self, digits)
    }

    fn write(&self, digits: Option<u8>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (currency, amount) = match self {
            Self::Bitcoin(amount) => return fmt::Display::fmt(amount, f),
            Self::Currency { currency, amount } => (currency, amount),
        };
        let one = digits.and_then(|digits| 10u64.checked_pow(digits.into()));
        let split = one.and_then(|one| Some((amount.0.checked_div(one)?, amount.0.checked_rem(one)?)));
        let (Some((whole, part)), Some(digits)) = (split, digits) else {
            grouped(amount.0, f)?;
            let unit = if amount.0 == 1 { "unit" } else { "units" };
            return write!(f, " minor {unit} of {currency}");
        };
        grouped(whole, f)?;
        fraction(part, digits.into(), f)?;
        write!(f, " {currency}")
    }
}

/// `1,000 sat`, `1.50 USD`, or, if it is not known how many digits the currency has, `150 minor units of ZZZ`.
impl fmt::Display for OfferAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = match self {
            Self::Bitcoin(_) => None,
            Self::Currency { currency, .. } => currency.minor_unit(),
        };
        self.write(digits, f)
    }
}
