//! Payees that are often offline (feature `async_payments`): every number that their drafts may still change, in this file
//! and nowhere else.
//!
//! The drafts are the specification's pull request 1149 and bLIP 66. Where they and LDK (0.2.7 and 0.3.0-rc3) differ,
//! LDK's numbers are what is on the wire: those are written, and both are read.

use core::time::Duration;

use crate::error::Field;
use crate::field::{BlindedPaths, Bytes, fields};
#[cfg(feature = "onion")]
use crate::{
    error::Error,
    field::{Value, exactly},
};

// The first number is the draft's, the second LDK's.
fields! {
    STATIC_INVOICE_FIELDS {
        178 DRAFT_MESSAGE_PATHS "static_invoice_message_paths" "list of paths to the sleeping payee": BlindedPaths<'_>;
        236 STATIC_INVOICE_MESSAGE_PATHS "static_invoice_message_paths" "list of paths to the sleeping payee": BlindedPaths<'_>;
    }
}

/// Where a static invoice may have its message paths: as they are written first.
pub(crate) const MESSAGE_PATHS: [Field; 2] = [Field::STATIC_INVOICE_MESSAGE_PATHS, Field::DRAFT_MESSAGE_PATHS];

fields! {
    ONION_FIELDS {
        70 ONION_STATIC_INVOICE "static_invoice" "static invoice": Bytes<'_>;
        72 ONION_HELD_HTLC_AVAILABLE "held_htlc_available" "notice of a payment that is held": Bytes<'_>;
        74 ONION_RELEASE_HELD_HTLC "release_held_htlc" "release of a payment that is held": Bytes<'_>;
        65540 DRAFT_ONION_OFFER_PATHS_REQUEST "offer_paths_request" "request for offer paths": Bytes<'_>;
        65542 DRAFT_ONION_OFFER_PATHS "offer_paths" "list of paths for an offer": Bytes<'_>;
        65544 DRAFT_ONION_SERVE_STATIC_INVOICE "serve_static_invoice" "static invoice to be served": Bytes<'_>;
        65546 DRAFT_ONION_STATIC_INVOICE_PERSISTED "static_invoice_persisted" "news that a static invoice is served": Bytes<'_>;
        75540 ONION_OFFER_PATHS_REQUEST "offer_paths_request" "request for offer paths": Bytes<'_>;
        75542 ONION_OFFER_PATHS "offer_paths" "list of paths for an offer": Bytes<'_>;
        75544 ONION_SERVE_STATIC_INVOICE "serve_static_invoice" "static invoice to be served": Bytes<'_>;
        75546 ONION_STATIC_INVOICE_PERSISTED "static_invoice_persisted" "news that a static invoice is served": Bytes<'_>;
    }
}

#[cfg(feature = "onion")]
fields! {
    OFFER_PATHS_REQUEST_FIELDS {
        0 SERVED_SLOT "invoice_slot" "slot of the static invoice": Fixed<2>;
    }
}

#[cfg(feature = "onion")]
fields! {
    OFFER_PATHS_FIELDS {
        0 SERVED_OFFER_PATHS "paths" "list of offer paths": BlindedPaths<'_>;
        2 SERVED_PATHS_EXPIRY "paths_absolute_expiry" "expiry of the offer paths": Fixed<8>;
    }
}

#[cfg(feature = "onion")]
fields! {
    SERVE_STATIC_INVOICE_FIELDS {
        0 SERVED_STATIC_INVOICE "invoice" "static invoice": Bytes<'_>;
        2 SERVED_FORWARD_PATH "forward_invoice_request_path" "path for requests to the payee": BlindedPaths<'_>;
    }
}

/// A number of so many bytes, the most significant first.
#[cfg(feature = "onion")]
#[derive(Debug)]
pub(crate) struct Fixed<const N: usize>(pub(crate) [u8; N]);

#[cfg(feature = "onion")]
impl<const N: usize> Value<'_> for Fixed<N> {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        exactly(value).map(Self)
    }
}
// Without onions the numbers are all that is used.
#[cfg(not(feature = "onion"))]
const _: &[crate::field::Spec] = ONION_FIELDS;

/// How long a static invoice can be paid if it does not say: two weeks (STA-3).
pub(crate) const DEFAULT_RELATIVE_EXPIRY: Duration = Duration::from_secs(1_209_600);

/// The TLV of the last hop's payload in the payment onion that holds the request which the payment answers, as LDK
/// writes it.
pub const PAYMENT_INVOICE_REQUEST_TLV: u64 = 77_777;

/// The TLV of the last hop's payload in the payment onion that holds the payer's preimage (STA-6), as LDK writes it.
pub const PAYMENT_PREIMAGE_TLV: u64 = 5_482_373_484;
