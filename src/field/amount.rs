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
    /// For people, with the number of decimal digits of the currency's minor unit, for example 2:
    /// `1.50 USD`. See `CurrencyCode::minor_unit` (feature `iso_currency`).
    ///
    /// ```
    /// # use bolt12::{MinorUnits, OfferAmount};
    /// let price = OfferAmount::Currency { currency: "USD".parse()?, amount: MinorUnits(150) };
    /// assert_eq!(price.with_minor_unit(2).to_string(), "1.50 USD");
    /// assert_eq!(price.to_string(), "150 minor units of USD");
    /// # Ok::<(), bolt12::Error>(())
    /// ```
    pub fn with_minor_unit(self, digits: u8) -> impl fmt::Display {
        struct WithMinorUnit(OfferAmount, u8);
        impl fmt::Display for WithMinorUnit {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let OfferAmount::Currency { currency, amount } = self.0 else { return self.0.fmt(f) };
                let one = 10u64.checked_pow(self.1.into());
                let split = one.and_then(|one| Some((amount.0.checked_div(one)?, amount.0.checked_rem(one)?)));
                let Some((whole, part)) = split else { return self.0.fmt(f) };
                grouped(whole, f)?;
                fraction(part, self.1.into(), f)?;
                write!(f, " {currency}")
            }
        }
        WithMinorUnit(self, digits)
    }
}

/// `1,000 sat`, or `150 minor units of USD`: how many digits a currency has is not known here.
impl fmt::Display for OfferAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bitcoin(amount) => amount.fmt(f),
            Self::Currency { currency, amount } => {
                grouped(amount.0, f)?;
                write!(f, " minor units of {currency}")
            }
        }
    }
}
