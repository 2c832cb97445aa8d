//! The state of a payment.

use alloc::vec::Vec;
use core::fmt;

use bitcoin::constants::ChainHash;
use bitcoin::hashes::sha256;

use crate::exchange::end::EndReason;
use crate::exchange::payer::budget::Objection;
use crate::exchange::payer::quote::Quote;
use crate::exchange::payer::receipt::Receipt;
use crate::field::{BlindedPath, PayInfo};
use crate::invoice::{Invoice, MultiPart, PathLimits, PayableInvoice};
use crate::units::{Msat, UnixTime};

/// The state of a payment.
#[derive(Clone, Copy, Debug)]
pub enum State<'a> {
    /// No invoice has arrived yet.
    Asking {
        /// The number of requests that were sent in the current round.
        attempts: u32,
    },
    /// There is an invoice that may be paid: [begin](crate::exchange::Payment::begin), or
    /// [decline](crate::exchange::Payment::decline).
    Quoted(Quote<'a>),
    /// There is an invoice that is paid only if the user allows it: [raise the limit](crate::exchange::Payment::allow),
    /// [allow the fee](crate::exchange::Payment::allow_fee), or [decline](crate::exchange::Payment::decline). If the
    /// issuer converts a price, another invoice is requested in the meantime, because the rates may agree again.
    NeedsApproval {
        /// The invoice.
        quote: Quote<'a>,
        /// The reason why it needs approval.
        objection: Objection,
    },
    /// The payment may be in progress. This has all that the node needs to pay. After a crash, first ask the node about
    /// this payment hash.
    Paying(Paying<'a>),
    /// Paid.
    Paid(Receipt<'a>),
    /// Ended without being paid, unless an attempt that [failed](crate::exchange::Payment::failed_hashes) turns out to
    /// have succeeded.
    Ended(&'a EndReason),
}

/// The number of an attempt to pay an invoice (EXC-12). The first one of a payment is 1; a subscription counts on from each
/// payment to the next.
///
/// Store it with the payment that you start in your node, so that a repeated report of [its
/// failure](crate::exchange::Payment::failed) does not count for a later attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Attempt(pub u32);

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Everything that is needed to pay an invoice.
#[derive(Clone, Copy, Debug)]
pub struct Paying<'a> {
    invoice: &'a Invoice,
    attempt: Attempt,
    limits: PathLimits,
}

impl<'a> Paying<'a> {
    pub(crate) fn new(invoice: &'a Invoice, attempt: Attempt, limits: PathLimits) -> Self {
        Self { invoice, attempt, limits }
    }

    fn payable(&self) -> PayableInvoice<'a> {
        PayableInvoice::again(self.invoice)
    }

    /// The number of this attempt, for [`Payment::failed`](crate::exchange::Payment::failed).
    pub fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// The invoice.
    pub fn invoice(&self) -> &'a Invoice {
        self.invoice
    }

    /// The amount that the payee receives.
    pub fn amount(&self) -> Msat {
        self.payable().amount()
    }

    /// The hash whose preimage proves the payment.
    pub fn payment_hash(&self) -> sha256::Hash {
        self.payable().payment_hash()
    }

    /// The last second in which it may be paid (IVR-4).
    pub fn expires_at(&self) -> UnixTime {
        self.payable().expires_at()
    }

    /// The chain to pay on.
    pub fn chain(&self) -> ChainHash {
        self.payable().chain()
    }

    /// Whether the payment may be split (IVR-14).
    pub fn multi_part(&self) -> MultiPart {
        self.payable().multi_part()
    }

    /// The limits on the total fees of the paths, and on the delay of any part (EXC-10).
    pub fn limits(&self) -> PathLimits {
        self.limits
    }

    /// The paths that can carry the amount, or a share of it, within the [limits](Self::limits), cheapest first: see
    /// [`PayableInvoice::paths_within`]. There is at least one.
    pub fn paths(&self) -> Vec<(BlindedPath<'a>, PayInfo<'a>)> {
        self.payable().paths_within(&self.limits).unwrap_or_default()
    }
}
