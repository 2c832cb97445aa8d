//! Amounts, currencies and times: numbers that must not be mixed up.

use alloc::string::ToString;
use core::fmt::{self, Write};
use core::time::Duration;

use bitcoin::Amount;

/// An amount of bitcoin in millisatoshi (a thousandth of a satoshi).
///
/// ```
/// use bolt12::Msat;
/// assert_eq!(Msat::from_sat(2).unwrap(), Msat(2_000));
/// assert_eq!(Msat(1_000_500).to_string(), "1,000.5 sat");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Msat(pub u64);

impl Msat {
    /// All the bitcoin there will ever be: 21 million, in millisatoshi (D3).
    pub const MAX_MONEY: Self = Self(21_000_000 * 100_000_000 * 1_000);

    /// Whole satoshi as millisatoshi; `None` if that exceeds 64 bits.
    pub const fn from_sat(sat: u64) -> Option<Self> {
        match sat.checked_mul(1_000) {
            Some(msat) => Some(Self(msat)),
            None => None,
        }
    }

    /// An amount as the `bitcoin` crate counts it, in satoshi; `None` if that exceeds 64 bits of millisatoshi.
    ///
    /// ```
    /// use bolt12::{Msat, bitcoin::Amount};
    /// assert_eq!(Msat::from_amount(Amount::from_sat(21)), Some(Msat(21_000)));
    /// assert_eq!(Msat(21_000).to_amount(), Some(Amount::from_sat(21)));
    /// // What is no whole satoshi has to be rounded.
    /// assert_eq!(Msat(21_001).to_amount(), None);
    /// assert_eq!(Msat(21_001).to_amount_floor(), Amount::from_sat(21));
    /// assert_eq!(Msat(21_001).to_amount_ceil(), Amount::from_sat(22));
    /// ```
    pub fn from_amount(amount: Amount) -> Option<Self> {
        Self::from_sat(amount.to_sat())
    }

    /// The same in satoshi, exactly; `None` if it is not a whole number of them.
    pub const fn to_amount(self) -> Option<Amount> {
        match self.0 % 1_000 {
            0 => Some(self.to_amount_floor()),
            _ => None,
        }
    }

    /// In satoshi, rounded down: what somebody who receives it can be sure of. Less than a satoshi is lost.
    pub const fn to_amount_floor(self) -> Amount {
        Amount::from_sat(self.0 / 1_000)
    }

    /// In satoshi, rounded up: what is enough to pay it. Less than a satoshi is added.
    pub const fn to_amount_ceil(self) -> Amount {
        Amount::from_sat(self.0.div_ceil(1_000))
    }

    /// The sum of two amounts; `None` if that exceeds 64 bits.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(msat) => Some(Self(msat)),
            None => None,
        }
    }

    /// The difference of two amounts; `None` if the other is greater.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(msat) => Some(Self(msat)),
            None => None,
        }
    }

    /// This amount so many times; `None` if that exceeds 64 bits.
    #[must_use]
    pub const fn checked_mul(self, count: u64) -> Option<Self> {
        match self.0.checked_mul(count) {
            Some(msat) => Some(Self(msat)),
            None => None,
        }
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
    /// This amount so many times; `None` if that exceeds 64 bits.
    #[must_use]
    pub const fn checked_mul(self, count: u64) -> Option<Self> {
        match self.0.checked_mul(count) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }
}

/// Three capital letters that name a currency, for example `USD` (D5).
///
/// Whether ISO 4217 knows the code is asked only when an amount is converted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CurrencyCode([u8; 3]);

impl CurrencyCode {
    /// Letters that were found to be capital.
    pub(crate) const fn checked(letters: [u8; 3]) -> Self {
        Self(letters)
    }

    /// The three letters.
    pub fn as_str(&self) -> &str {
        // Capital letters are UTF-8.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
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

/// Seconds since 1970-01-01 00:00 UTC, leap seconds not counted.
///
/// This crate has no clock: anyone who calls says what time it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// So much later, in whole seconds; the last moment there is, if that exceeds 64 bits.
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }

    /// The second after this one, if there is one.
    pub(crate) const fn next_second(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Times before 1970 become 0.
#[cfg(feature = "std")]
impl From<std::time::SystemTime> for UnixTime {
    fn from(time: std::time::SystemTime) -> Self {
        Self(time.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }
}

/// Digits in groups of three.
pub(crate) fn grouped(number: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
pub(crate) fn fraction(number: u64, digits: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if digits == 0 { Ok(()) } else { write!(f, ".{number:0digits$}") }
}
