//! Payees that are often offline (feature `async_payments`): every number that their drafts may still change, in this file
//! and nowhere else.
//!
//! The drafts are the specification's pull request 1149 and bLIP 66. Where they and LDK (0.2.7 and 0.3.0-rc3) differ,
//! LDK's numbers are what is on the wire: those are written, and both are read.

use core::time::Duration;

use crate::error::Field;
use crate::field::{BlindedPaths, Bytes, fields};

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
