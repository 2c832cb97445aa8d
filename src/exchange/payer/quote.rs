//! What an invoice that was checked asks for.

use core::ops::RangeInclusive;

use bitcoin::hashes::sha256;
use secp256k1::PublicKey;

use crate::field::PayInfo;
use crate::invoice::{Invoice, PathLimits, PayableInvoice};
use crate::units::{Msat, UnixTime};

/// What an invoice that was checked asks for, to be shown to anyone who decides.
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

    /// What the payee is to get.
    pub fn amount(&self) -> Msat {
        self.invoice.amount()
    }

    /// The least and the most that the payee's paths ask for on top, among those within the
    /// [limit](crate::exchange::FeeLimit) (EXC-10): what a part over each costs, so several parts can come to more, but
    /// not to more than the limit. `None` if no path is within it.
    ///
    /// What the payer's own route to the start of a path costs is not in it.
    pub fn fees(&self) -> Option<RangeInclusive<Msat>> {
        let paths = PayableInvoice::again(self.invoice).paths_within(&self.limits).ok()?;
        let fee = |payinfo: &PayInfo<'_>| payinfo.fee(payinfo.share(self.amount())?);
        let fees = || paths.iter().filter_map(|(_, payinfo)| fee(payinfo));
        Some(fees().min()?..=fees().max()?)
    }

    /// The invoice, to be shown. What is needed to pay it is in [`State::Paying`](crate::exchange::State::Paying).
    pub fn invoice(&self) -> &'a Invoice {
        self.invoice
    }

    /// What the payer expected (OFR-10): its own amount, or the price, at its own rate.
    pub fn estimate(&self) -> Option<Msat> {
        self.estimate
    }

    /// How much the amount differs from the estimate, in basis points of it, rounded towards zero: above zero if it is
    /// dearer. Anyone who sees a large difference should be asked (OFR-10).
    pub fn difference_basis_points(&self) -> Option<i64> {
        let estimate = i128::from(self.estimate?.0);
        let difference = i128::from(self.amount().0).checked_sub(estimate)?.checked_mul(10_000)?;
        i64::try_from(difference.checked_div(estimate)?).ok()
    }

    /// The last second at which it may be paid.
    pub fn expires_at(&self) -> UnixTime {
        self.invoice.expires_at()
    }

    /// The key that signed the invoice. For a refund, confirm in another way that it is the right one (IVR-9).
    pub fn node_id(&self) -> PublicKey {
        self.invoice.node_id()
    }

    /// The hash under which it would be paid.
    pub fn payment_hash(&self) -> sha256::Hash {
        self.invoice.payment_hash()
    }
}
