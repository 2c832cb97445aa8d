//! What a currency is worth in bitcoin.

use super::{CurrencyCode, OfferAmount};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::units::{MinorUnits, Msat};

/// The most characters of a price that are looked at. No price has as many digits that count.
const MAX_PRICE_LEN: usize = 64;

/// An exchange rate: a number of millisatoshi for a number of minor units of a currency. Both are whole
/// numbers, so a conversion loses nothing.
///
/// ```
/// use bolt12::{MinorUnits, Msat, OfferAmount, Rate};
/// let usd = "USD".parse()?;
/// // 100,000 dollars for a bitcoin: 100 million satoshi for 10 million cents.
/// let rate = Rate::new(usd, MinorUnits(10_000_000), Msat(100_000_000_000))?;
/// let price = OfferAmount::Currency { currency: usd, amount: MinorUnits(350) };
/// assert_eq!(rate.convert(price)?, Msat(3_500_000));
/// # Ok::<(), bolt12::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(try_from = "Parts"))]
pub struct Rate {
    currency: CurrencyCode,
    minor_units: MinorUnits,
    msat: Msat,
}

/// A rate that may have zeros in it.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct Parts {
    currency: CurrencyCode,
    minor_units: MinorUnits,
    msat: Msat,
}

#[cfg(feature = "serde")]
impl TryFrom<Parts> for Rate {
    type Error = Error;

    fn try_from(parts: Parts) -> Result<Self, Error> {
        Self::new(parts.currency, parts.minor_units, parts.msat)
    }
}

impl Rate {
    /// The rate at which `minor_units` of a currency are worth `msat`.
    ///
    /// # Errors
    ///
    /// `Zero` if either of them is zero (RQR-9).
    pub fn new(currency: CurrencyCode, minor_units: MinorUnits, msat: Msat) -> Result<Self, Error> {
        if minor_units.0 == 0 || msat.0 == 0 {
            return Err(Error::of(Field::OFFER_CURRENCY, ErrorKind::Zero, Rule::Rqr9));
        }
        Ok(Self { currency, minor_units, msat })
    }

    /// The rate from the price of one bitcoin as exchanges write it: a decimal number in the currency's major unit.
    /// Digits below a hundred-millionth of a minor unit do not count, nor do last digits that do not fit into 64 bits.
    ///
    /// ```
    /// # use bolt12::{MinorUnits, Msat, Rate};
    /// let usd = "USD".parse()?;
    /// let rate = Rate::per_bitcoin(usd, "97123.4567")?;
    /// assert_eq!(rate, Rate::new(usd, MinorUnits(971_234_567), Msat(10_000_000_000_000))?);
    /// # Ok::<(), bolt12::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidRate` (RQR-9) for anything but digits and one point, for zero, for more than 64 characters, and for more
    /// minor units than fit into 64 bits. `UnknownMinorUnit` (D5) if [`CurrencyCode::minor_unit`] does not know the
    /// currency.
    pub fn per_bitcoin(currency: CurrencyCode, price: &str) -> Result<Self, Error> {
        let digits = currency.minor_unit().ok_or(Error::new(ErrorKind::UnknownMinorUnit(currency), Rule::D5))?;
        Self::per_bitcoin_with_minor_unit(currency, price, digits)
    }

    /// The same for a currency that [`CurrencyCode::minor_unit`] does not know. `digits` is the number of decimal digits
    /// of its minor unit.
    ///
    /// # Errors
    ///
    /// `InvalidRate` (RQR-9) as in [`per_bitcoin`](Self::per_bitcoin).
    pub fn per_bitcoin_with_minor_unit(currency: CurrencyCode, price: &str, digits: u8) -> Result<Self, Error> {
        let refused = Error::new(ErrorKind::InvalidRate, Rule::Rqr9);
        if price.len() > MAX_PRICE_LEN {
            return Err(refused);
        }
        let (whole, fraction) = price.split_once('.').unwrap_or((price, ""));
        if ![whole, fraction].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(refused);
        }
        // As many digits as count, and fit.
        let most = fraction.len().min(usize::from(digits).saturating_add(8));
        let fitting = (0..=most).rev().find_map(|len| Self::scaled(whole, fraction.get(..len)?, digits));
        let (minor_units, msat) = fitting.ok_or(refused.clone())?;
        Self::new(currency, minor_units, msat).map_err(|_| refused)
    }

    /// A price of a bitcoin as a ratio of whole numbers, if both fit.
    fn scaled(whole: &str, fraction: &str, digits: u8) -> Option<(MinorUnits, Msat)> {
        let mut number = 0u64;
        for letter in whole.chars().chain(fraction.chars()) {
            number = number.checked_mul(10)?.checked_add(letter.to_digit(10)?.into())?;
        }
        // One bitcoin is 10^11 msat. Digits beyond the minor unit multiply the other side.
        let (written, needed) = (u32::try_from(fraction.len()).ok()?, u32::from(digits));
        let minor_units = number.checked_mul(10u64.checked_pow(needed.saturating_sub(written))?)?;
        let msat = 100_000_000_000u64.checked_mul(10u64.checked_pow(written.saturating_sub(needed))?)?;
        Some((MinorUnits(minor_units), Msat(msat)))
    }

    /// The currency.
    pub const fn currency(&self) -> CurrencyCode {
        self.currency
    }

    /// What it was made of.
    pub(crate) const fn parts(&self) -> (CurrencyCode, MinorUnits, Msat) {
        (self.currency, self.minor_units, self.msat)
    }

    /// What a price is in bitcoin, exactly, with a fraction of a millisatoshi rounded up: in favour of the payee, by
    /// less than 1 msat. A price in bitcoin stays as it is.
    ///
    /// # Errors
    ///
    /// `WrongCurrency` for a price in another currency, `Overflow` beyond 64 bits (RQR-9).
    pub fn convert(&self, price: OfferAmount) -> Result<Msat, Error> {
        let refused = |kind| Error::of(Field::OFFER_AMOUNT, kind, Rule::Rqr9);
        match price {
            OfferAmount::Bitcoin(price) => Ok(price),
            OfferAmount::Currency { currency, amount } if currency == self.currency => {
                let product = u128::from(amount.0).checked_mul(self.msat.0.into());
                let msat = product.map(|product| product.div_ceil(self.minor_units.0.into()));
                let msat = msat.and_then(|msat| u64::try_from(msat).ok());
                msat.map(Msat).ok_or(refused(ErrorKind::Overflow))
            }
            OfferAmount::Currency { currency: expected, .. } => {
                Err(refused(ErrorKind::WrongCurrency { expected, found: self.currency }))
            }
        }
    }

    /// What an amount of bitcoin is worth in the currency, to be shown beside it: rounded down, so that
    /// [converting](Self::convert) it back never gives more. `None` if that exceeds 64 bits.
    ///
    /// ```
    /// # use bolt12::{MinorUnits, Msat, Rate};
    /// let rate = Rate::per_bitcoin("USD".parse()?, "100000.00")?;
    /// assert_eq!(rate.to_minor_units(Msat(3_500_000)), Some(MinorUnits(350)));
    /// assert_eq!(rate.to_minor_units(Msat(3_509_999)), Some(MinorUnits(350)));
    /// # Ok::<(), bolt12::Error>(())
    /// ```
    pub fn to_minor_units(&self, amount: Msat) -> Option<MinorUnits> {
        let product = u128::from(amount.0).checked_mul(self.minor_units.0.into())?;
        u64::try_from(product.checked_div(self.msat.0.into())?).ok().map(MinorUnits)
    }
}
