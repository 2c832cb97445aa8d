//! Recurrence: offers that are paid once in every period, for subscriptions and regular donations. An experimental
//! draft, whose numbers may still change; they are in `fields.rs` and nowhere else.
//!
//! Without the feature `recurrence` this crate is an older reader: an offer with the compulsory field is refused
//! (TLV-4), and one with the optional field is paid once.

#[cfg(feature = "recurrence")]
mod fields;
#[cfg(feature = "recurrence")]
mod period;
#[cfg(feature = "recurrence")]
mod rules;
#[cfg(feature = "recurrence")]
mod window;

#[cfg(feature = "recurrence")]
pub(crate) use fields::{
    FIELDS, INVOICE_TYPES, OFFER_TYPES, REQUEST_TYPES, base, basetime, basetime_field, limit, paywindow, start,
};
#[cfg(feature = "recurrence")]
pub use fields::{PayWindow, Recurrence, RecurrenceBase, RecurrenceRequest, TimeUnit};

use crate::error::Error;
use crate::tlv::TlvStream;

#[cfg(not(feature = "recurrence"))]
pub(crate) static FIELDS: &[crate::field::Spec] = &[];

/// What the rest of the crate asks about a message: a function of `rules.rs`, or the answer without the feature.
macro_rules! ask {
    ($($name:ident),* -> $answer:ty, else $without:expr) => {$(
        pub(crate) fn $name(tlvs: &TlvStream) -> $answer {
            #[cfg(feature = "recurrence")]
            let answer = rules::$name(tlvs);
            #[cfg(not(feature = "recurrence"))]
            let (TlvStream { .. }, answer) = (tlvs, $without);
            answer
        }
    )*};
}

ask!(check_offer, check_request, check_invoice, check_none, check_single, check_paid_once -> Result<(), Error>, else Ok(()));
ask!(cancels, is_proportional -> bool, else false);
