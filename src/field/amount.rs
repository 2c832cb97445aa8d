//! Amounts: millisatoshi, and the minor units of a currency. The two never mix.

use alloc::string::ToString;
use core::fmt::{self, Write};

use super::CurrencyCode;
use super::Value;
use crate::error::Error;

/// An amount of bitcoin in millisatoshi (a thousandth of a satoshi).
///
/// ```
/// use bolt12::Msat;
/// assert_eq!(Msat::from_sat(2).unwrap() , Msat(2_000));
/// assert_eq!(Msat(1_000_500).to_string(), "1,000.5 sat");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Msat(pub u64);

impl Msat {
    /// All the bitcoin there will ever be: 21 million, in millisatoshi (D3).
    pub const MAX_MONEY: Self = Self(21_000_000 * 100_000_000 * 1_000);

    /// Whole satoshi as millisatoshi; nothing if that exceeds 64 bits.
    pub const fn from_sat(sat: u64) -> Option<Self> {
        match sat.checked_mul(1_000) {
            Some(msat) => Some(Self(msat)),
            None => None,
        }
    }

    /// This amount so many times; nothing if that exceeds 64 bits.
    pub const fn checked_mul(self, count: u64) -> Option<Self> {
        match self.0.checked_mul(count) {
            Some(msat) => Some(Self(msat)),
            None => None,
        }
    }
}

impl Value<'_> for Msat {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        u64::decode(value).map(Self)
    }
}

/// In satoshi, for people: `1,000 sat`, `0.001 sat`.
impl fmt::Display for Msat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        grouped(self.0 / 1_000, f)?;
        match self.0 % 1_000 {
            0 => {}
            part if part % 100 == 0 => fraction(part / 100, 1, f)?,
            part if part % 10 == 0 => fraction(part / 10, 2, f)?,
            part => fraction(part, 3, f)?,
        }
        f.write_str(" sat")
    }
}

/// An amount in the minor unit of a currency, for example cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct MinorUnits(pub u64);

impl MinorUnits {
    /// This amount so many times; nothing if that exceeds 64 bits.
    pub const fn checked_mul(self, count: u64) -> Option<Self> {
        match self.0.checked_mul(count) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }
}

impl Value<'_> for MinorUnits {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        u64::decode(value).map(Self)
    }
}

/// What one item of an offer costs: `offer_amount`, with `offer_currency` if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// Digits in groups of three.
fn grouped(number: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let digits = number.to_string();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && digits.len().saturating_sub(at) % 3 == 0 {
            f.write_char(',')?;
        }
        f.write_char(digit)?;
    }
    Ok(())
}

/// A decimal point and so many digits, if there are any.
fn fraction(number: u64, digits: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if digits == 0 { Ok(()) } else { write!(f, ".{number:0digits$}") }
}
