//! Where a payment stands.

use crate::exchange::end::EndReason;
use crate::exchange::payer::quote::Quote;
use crate::exchange::payer::receipt::Receipt;
use crate::invoice::PayableInvoice;

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
    /// Being paid, perhaps: this is what a payment needs. After a crash, ask the node first what became of this
    /// payment hash.
    Paying(PayableInvoice<'a>),
    /// Paid.
    Paid(Receipt<'a>),
    /// Over, and nothing was paid, unless a payment that [failed](crate::exchange::Payment::begun) turns out not to have.
    Ended(&'a EndReason),
}
