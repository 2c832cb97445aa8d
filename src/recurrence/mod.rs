//! Recurrence: offers that are paid once in every period, for subscriptions and regular donations. An experimental
//! draft, whose numbers may still change; they are in `fields.rs` and nowhere else.
//!
//! Without the feature `recurrence` this crate is an older reader: an offer with the compulsory field is refused
//! (TLV-4), and one with the optional field is paid once.

mod fields;
mod period;
mod rules;
mod window;

pub(crate) use fields::{
    FIELDS, INVOICE_TYPES, OFFER_TYPES, REQUEST_TYPES, base, basetime, basetime_field, limit, paywindow, start,
};
pub use fields::{PayWindow, Recurrence, RecurrenceBase, RecurrenceRequest, TimeUnit};
pub(crate) use rules::{
    cancels, check_invoice, check_none, check_offer, check_paid_once, check_request, check_single, is_proportional,
};
