//! What a checked invoice asks for.

use core::ops::RangeInclusive;

use bitcoin::hashes::sha256;
use secp256k1::PublicKey;

use crate::field::PayInfo;
use crate::invoice::{Invoice, PathLimits, PayableInvoice};
use crate::units::{Msat, UnixTime};

/// What a checked invoice asks for, to show to the user.
#[derive(Clone, Copy, Debug)]
pub struct Quote<'a> {
    invoice: &'a Invoice,
    estimate: Option<Msat>,
    limits: PathLimits,
}

impl<'a> Quote<'a> {
    pub(crate) fn new(invoice: &'a Invoice, estimate: Option<Msat>, limits: PathLimits) -> Self {
        Self { invoice, estimate, limits }
    }

    /// The amount that the payee receives.
    pub fn amount(&self) -> Msat {
        self.invoice.amount()
    }

    /// The lowest and the highest fee of the payee's paths within the [limit](crate::exchange::FeeLimit) (EXC-10), for
    /// a payment over a single path. If the payment is split, the total may be higher, but stays within the limit.
    /// `None` if no path is within it.
    ///
    /// The fees of the payer's own route to the start of a path are not included.
    pub fn fees(&self) -> Option<RangeInclusive<Msat>> {
        let paths = PayableInvoice::again(self.invoice).paths_within(&self.limits).ok()?;
        let fee = |payinfo: &PayInfo<'_>| payinfo.fee(payinfo.share(self.amount())?);
        let fees = || paths.iter().filter_map(|(_, payinfo)| fee(payinfo));
        Some(fees().min()?..=fees().max()?)
    }

    /// The invoice, to show to the user. [`State::Paying`](crate::exchange::State::Paying) has what is needed to pay
    /// it.
    pub fn invoice(&self) -> &'a Invoice {
        self.invoice
    }

    /// The amount that the payer expects (OFR-10): the one that was chosen, or the price at the payer's own rate.
    pub fn estimate(&self) -> Option<Msat> {
        self.estimate
    }

    /// The difference of the amount from the estimate, in basis points of the estimate, rounded towards zero. It is
    /// positive if the amount is higher. Warn the user of a large difference (OFR-10).
    pub fn difference_basis_points(&self) -> Option<i64> {
        let estimate = i128::from(self.estimate?.0);
        let difference = i128::from(self.amount().0).checked_sub(estimate)?.checked_mul(10_000)?;
        i64::try_from(difference.checked_div(estimate)?).ok()
    }

    /// The last second in which it may be paid.
    pub fn expires_at(&self) -> UnixTime {
        self.invoice.expires_at()
    }

    /// The key that signed the invoice. For a refund, confirm out of band that it is the right one (IVR-9).
    pub fn node_id(&self) -> PublicKey {
        self.invoice.node_id()
    }

    /// The payment hash of the invoice.
    pub fn payment_hash(&self) -> sha256::Hash {
        self.invoice.payment_hash()
    }
}
