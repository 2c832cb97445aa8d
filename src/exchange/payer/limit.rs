//! How much a payment may cost (EXC-7).

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::units::Msat;

/// The most that an invoice may ask for, which whoever owns the money agreed to. What the nodes on the way ask for is
/// on top: see [`Quote::fee`](crate::exchange::Quote::fee).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Limit {
    /// So much.
    AtMost(Msat),
    /// What the draft says that it [costs](crate::exchange::Draft::cost), at the payer's own rate, and so many hundredths of a per
    /// cent of it more: 100 is 1 %. Rounded down.
    Tolerance {
        /// Hundredths of a per cent.
        basis_points: u32,
    },
}

impl Limit {
    /// The most, where `cost` is what the payer expects.
    pub(crate) fn max(self, cost: Option<Msat>) -> Result<Option<Msat>, Error> {
        match (self, cost) {
            (Self::AtMost(max), _) => Ok(Some(max)),
            (Self::Tolerance { .. }, None) => Ok(None),
            (Self::Tolerance { basis_points }, Some(cost)) => {
                let factor = u128::from(basis_points).saturating_add(10_000);
                let max = u128::from(cost.0).checked_mul(factor).and_then(|product| product.checked_div(10_000));
                let max = max.and_then(|max| u64::try_from(max).ok()).map(Msat);
                max.map(Some).ok_or(Error::of(Field::OFFER_AMOUNT, ErrorKind::Overflow, Rule::Exc7))
            }
        }
    }
}
