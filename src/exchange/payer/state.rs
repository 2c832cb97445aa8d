//! Where a payment stands.

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

/// Where a payment stands.
#[derive(Clone, Copy, Debug)]
pub enum State<'a> {
    /// No invoice has come yet.
    Asking {
        /// How many requests were sent for the present try.
        attempts: u32,
    },
    /// There is an invoice that may be paid: [begin](crate::exchange::Payment::begin), or
    /// [decline](crate::exchange::Payment::decline).
    Quoted(Quote<'a>),
    /// There is an invoice that is not paid unless whoever owns the money allows it: [allow more](
    /// crate::exchange::Payment::allow), [allow the fee](crate::exchange::Payment::allow_fee), or
    /// [decline](crate::exchange::Payment::decline). Where the issuer converts a price, another invoice is asked for
    /// meanwhile, since the rates may come together again.
    NeedsApproval {
        /// The invoice.
        quote: Quote<'a>,
        /// What speaks against it.
        objection: Objection,
    },
    /// Being paid, perhaps: this is what a payment needs. After a crash, ask the node first what became of this
    /// payment hash.
    Paying(Paying<'a>),
    /// Paid.
    Paid(Receipt<'a>),
    /// Over, and nothing was paid, unless a payment that [failed](crate::exchange::Payment::failed_hashes) turns out not
    /// to have.
    Ended(&'a EndReason),
}

/// One attempt at paying an invoice: the first of a payment is number 1, and a subscription counts on from each payment to
/// the next (EXC-12).
///
/// Keep it with what the node is told to pay, so that [its failure](crate::exchange::Payment::failed) is not taken for
/// that of a later attempt when the node says it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Attempt(pub u32);

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What it takes to pay an invoice.
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

    /// Which attempt this is: what [`Payment::failed`](crate::exchange::Payment::failed) takes.
    pub fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// The invoice.
    pub fn invoice(&self) -> &'a Invoice {
        self.invoice
    }

    /// What the payee is to get.
    pub fn amount(&self) -> Msat {
        self.payable().amount()
    }

    /// The hash whose preimage proves the payment.
    pub fn payment_hash(&self) -> sha256::Hash {
        self.payable().payment_hash()
    }

    /// The last second at which it may be paid (IVR-4).
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

    /// The most that the paths may cost in all, and delay any part (EXC-10).
    pub fn limits(&self) -> PathLimits {
        self.limits
    }

    /// The paths that can carry the amount, or their share of it, within the [limits](Self::limits), cheapest first:
    /// see [`PayableInvoice::paths_within`]. There is at least one.
    pub fn paths(&self) -> Vec<(BlindedPath<'a>, PayInfo<'a>)> {
        self.payable().paths_within(&self.limits).unwrap_or_default()
    }
}
