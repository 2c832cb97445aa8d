//! How much a payment may cost (EXC-7, EXC-10).

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::saved::{Reader, Writer, invalid};
use crate::invoice::PathLimits;
use crate::units::Msat;

/// The limit on the amount of an invoice, which the user agreed to. Fees are not included: see [`FeeLimit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Limit {
    /// This amount.
    AtMost(Msat),
    /// The [cost](crate::exchange::Draft::cost) of the draft at the payer's own rate, plus this many basis points of it
    /// (100 are 1 %), rounded down.
    ///
    /// It follows the rate: see [`Payment::set_rate`](crate::exchange::Payment::set_rate).
    Tolerance {
        /// The tolerance in basis points: 100 are 1 %.
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
                let max = share_of(cost, basis_points).and_then(|more| cost.checked_add(more));
                max.map(Some).ok_or(Error::of(Field::OFFER_AMOUNT, ErrorKind::Overflow, Rule::Exc7))
            }
        }
    }

    pub(crate) fn write(self, out: &mut Writer) {
        match self {
            Self::AtMost(max) => {
                out.array([1]);
                out.number(max.0);
            }
            Self::Tolerance { basis_points } => {
                out.array([2]);
                out.number(basis_points.into());
            }
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        match reader.byte()? {
            1 => Ok(Self::AtMost(Msat(reader.number()?))),
            2 => Ok(Self::Tolerance { basis_points: u32::try_from(reader.number()?).map_err(|_| invalid())? }),
            _ => Err(invalid()),
        }
    }
}

/// Whether an amount differs from another by more than so many basis points of the other.
pub(crate) fn is_off(amount: Msat, from: Msat, basis_points: u32) -> bool {
    amount.0.abs_diff(from.0) > share_of(from, basis_points).map_or(u64::MAX, |share| share.0)
}

/// So many basis points of an amount, rounded down.
pub(crate) fn share_of(amount: Msat, basis_points: u32) -> Option<Msat> {
    let share = u128::from(amount.0).checked_mul(basis_points.into())?.checked_div(10_000)?;
    u64::try_from(share).ok().map(Msat)
}

/// The limit on the fees of the payee's paths, and on their delay (EXC-10).
///
/// An invoice without a path within this limit is paid only if the user [allows
/// it](crate::exchange::Payment::allow_fee). The payer's own route to the start of a path is not included: limit its
/// fees in the node.
///
/// The default is 50 sat plus 1 % of the amount, and 1008 blocks, which is a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FeeLimit {
    /// The part of the fee limit that does not depend on the amount.
    pub base: Msat,
    /// The part in basis points of the amount: 100 are 1 %.
    pub basis_points: u32,
    /// The limit on the delay, in blocks.
    pub max_cltv_expiry_delta: u32,
}

impl Default for FeeLimit {
    fn default() -> Self {
        Self { base: Msat(50_000), basis_points: 100, max_cltv_expiry_delta: 1008 }
    }
}

impl FeeLimit {
    /// The limit for an amount.
    pub fn of(self, amount: Msat) -> PathLimits {
        let share = share_of(amount, self.basis_points).unwrap_or(Msat(u64::MAX));
        let max_fee = Msat(self.base.0.saturating_add(share.0));
        PathLimits { max_fee, max_cltv_expiry_delta: self.max_cltv_expiry_delta }
    }

    pub(crate) fn write(self, out: &mut Writer) {
        out.number(self.base.0);
        out.number(self.basis_points.into());
        out.number(self.max_cltv_expiry_delta.into());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let base = Msat(reader.number()?);
        let mut small = || u32::try_from(reader.number()?).map_err(|_| invalid());
        Ok(Self { base, basis_points: small()?, max_cltv_expiry_delta: small()? })
    }
}
