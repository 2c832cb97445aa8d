//! What a currency is worth in bitcoin.

use super::{CurrencyCode, OfferAmount};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::units::{MinorUnits, Msat};

/// An exchange rate: so many millisatoshi for so many minor units of a currency. Both are whole
/// numbers, so that nothing is lost in converting.
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
pub struct Rate {
    currency: CurrencyCode,
    minor_units: MinorUnits,
    msat: Msat,
}

impl Rate {
    /// The rate at which `minor_units` of a currency are worth `msat`.
    ///
    /// # Errors
    ///
    /// `Zero` if either is.
    pub fn new(currency: CurrencyCode, minor_units: MinorUnits, msat: Msat) -> Result<Self, Error> {
        if minor_units.0 == 0 || msat.0 == 0 {
            return Err(Error::of(Field::OFFER_CURRENCY, ErrorKind::Zero, Rule::Rqr9));
        }
        Ok(Self { currency, minor_units, msat })
    }

    /// The currency.
    pub const fn currency(&self) -> CurrencyCode {
        self.currency
    }

    /// What a price is in bitcoin, exactly, with a fraction of a millisatoshi rounded up: in favour of
    /// whoever is paid, by less than 1 msat. A price in bitcoin stays as it is.
    ///
    /// # Errors
    ///
    /// `NotConverted` for another currency, `Overflow` beyond 64 bits (RQR-9).
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
            OfferAmount::Currency { .. } => Err(refused(ErrorKind::NotConverted)),
        }
    }
}
