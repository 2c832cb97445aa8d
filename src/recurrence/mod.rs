//! Recurrence: offers that are paid once in every period, for subscriptions and regular donations. An experimental
//! draft, whose numbers may still change; they are in `fields.rs` and nowhere else.
//!
//! Without the feature `recurrence` this crate is an older reader: an offer with the compulsory field is refused
//! (TLV-4), and one with the optional field is paid once.
//!
//! # What the draft leaves open
//!
//! - An offer with the optional field may also be asked for a single payment, without a counter: that is what older
//!   payers do.
//! - A request that cancels pays nothing, so it needs neither an amount (RQR-10) nor a quantity (RQR-8).
//! - A refund does not recur: none of the fields is taken in one.
//! - Whatever follows from an invoice's own fields is checked when it is read: REC-9, as far as the offer has a base or
//!   the invoice is the first, and that it answers no cancellation (REC-11).
//! - A period has no number before 0: without a pay window, period 0 can be paid from the beginning of time on.
//! - A pay window includes its first and its last second.
//! - What is left of a period's price is rounded down to whole millisatoshi, in the payer's favour, but never to
//!   nothing; nothing is left to be paid for of a period that is over, which is an error (REC-8).
//! - Months can be counted until the end of the year 9999, seconds and days to the end of 64 bits.

mod fields;
mod period;
mod rules;
mod window;

pub(crate) use fields::{
    FIELDS, INVOICE_TYPES, OFFER_TYPES, REQUEST_TYPES, base, basetime, basetime_field, limit, paywindow, start,
};
pub use fields::{PayWindow, Recurrence, RecurrenceBase, RecurrenceRequest, TimeUnit};
pub(crate) use rules::{cancels, check_invoice, check_none, check_offer, check_request, check_single, is_proportional};
