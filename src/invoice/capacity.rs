//! Whether the paths of an invoice can carry its amount (EXC-10, EXC-11).

use alloc::vec::Vec;

use super::MultiPart;
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{FeatureBits, PayInfo};
use crate::units::Msat;

/// What the way to the recipient may cost (EXC-10).
///
/// The way from the payer to where a path starts is not in it: who finds that way counts its fee and its delay too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PathLimits {
    /// The most that the fees of all parts may be together.
    pub max_fee: Msat,
    /// The most blocks that any part may be delayed by.
    pub max_cltv_expiry_delta: u32,
}

/// The part of an amount that a path can carry: all of it, or some if the payment may be split. `None` if the path
/// cannot be used (IVR-7, EXC-11).
pub(crate) fn share(payinfo: &PayInfo<'_>, amount: Msat, multi_part: MultiPart, known: FeatureBits) -> Option<Msat> {
    if payinfo.features.first_unknown(known).is_some() {
        return None;
    }
    payinfo.share(amount).filter(|share| *share == amount || multi_part != MultiPart::Forbidden)
}

/// Refuses paths that cannot carry the amount (EXC-11): one of them alone, or all together if it may be split.
pub(crate) fn check<'a>(
    payinfos: impl Iterator<Item = PayInfo<'a>>,
    amount: Msat,
    multi_part: MultiPart,
    known: FeatureBits,
) -> Result<(), Error> {
    let (mut sum, mut min, mut max) = (0u64, u64::MAX, 0u64);
    for payinfo in payinfos.filter(|payinfo| payinfo.features.first_unknown(known).is_none()) {
        let share = share(&payinfo, amount, multi_part, known);
        sum = sum.saturating_add(share.map_or(0, |share| share.0));
        if payinfo.htlc_minimum_msat <= payinfo.htlc_maximum_msat {
            min = min.min(payinfo.htlc_minimum_msat);
            max = match multi_part {
                MultiPart::Forbidden => max.max(payinfo.htlc_maximum_msat),
                _ => max.saturating_add(payinfo.htlc_maximum_msat),
            };
        }
    }
    if sum >= amount.0 && amount.0 > 0 {
        return Ok(());
    }
    let kind = ErrorKind::CannotCarry { amount, min: Msat(min), max: Msat(max) };
    Err(Error::of(Field::INVOICE_BLINDEDPAY, kind, Rule::Exc11))
}

/// The most that can be sent over a path for a fee; `None` if the fee is too small for any amount.
fn affordable(payinfo: &PayInfo<'_>, max_fee: Msat) -> Option<Msat> {
    let rest = max_fee.checked_sub(Msat(payinfo.fee_base_msat.into()))?;
    let below = u128::from(rest.0).checked_add(1)?.checked_mul(1_000_000)?.checked_sub(1)?;
    // Without a proportional fee there is no such limit.
    let most = below.checked_div(payinfo.fee_proportional_millionths.into()).unwrap_or(u128::MAX);
    Some(Msat(u64::try_from(most).unwrap_or(u64::MAX)))
}

/// The paths within the limits (EXC-10), cheapest first: by the fee for each millisatoshi of the share that a path can
/// carry, and among equals as they came.
pub(crate) fn within<'a, P>(
    paths: impl Iterator<Item = (P, PayInfo<'a>)>,
    amount: Msat,
    multi_part: MultiPart,
    known: FeatureBits,
    limits: &PathLimits,
) -> Result<Vec<(P, PayInfo<'a>)>, Error> {
    let mut found: Vec<_> = paths
        .filter(|(_, payinfo)| u32::from(payinfo.cltv_expiry_delta) <= limits.max_cltv_expiry_delta)
        .filter_map(|(path, payinfo)| {
            // Its share is no more than the fee may be for.
            let share = share(&payinfo, amount, multi_part, known)?.min(affordable(&payinfo, limits.max_fee)?);
            let is_share = share == amount || (multi_part != MultiPart::Forbidden && payinfo.carries(share));
            let fee = payinfo.fee(share).filter(|_| is_share)?;
            Some((share, fee, path, payinfo))
        })
        .collect();
    let price = |fee: Msat, share: Msat| u128::from(fee.0).saturating_mul(share.0.into());
    found.sort_by(|(share, fee, ..), (other_share, other_fee, ..)| {
        price(*fee, *other_share).cmp(&price(*other_fee, *share))
    });
    let is_alone = found.iter().any(|(share, ..)| *share == amount);
    let mut parts = found.iter();
    let (mut left, mut fees) = (amount.0, Some(Msat(0)));
    while let (1.., Some((share, _, _, payinfo))) = (left, parts.next()) {
        // What is left may be less than the path carries: then more is paid than is due, as the specification allows.
        let part = Msat(share.0.min(left.max(payinfo.htlc_minimum_msat)));
        fees = payinfo.fee(part).and_then(|fee| fees?.checked_add(fee));
        left = left.saturating_sub(part.0);
    }
    let is_together = left == 0 && fees.is_some_and(|fees| fees <= limits.max_fee);
    if !is_alone && !is_together {
        let PathLimits { max_fee, max_cltv_expiry_delta } = *limits;
        let kind = ErrorKind::NoPathWithin { max_fee, max_cltv_expiry_delta };
        return Err(Error::of(Field::INVOICE_BLINDEDPAY, kind, Rule::Exc10));
    }
    Ok(found.into_iter().map(|(_, _, path, payinfo)| (path, payinfo)).collect())
}
