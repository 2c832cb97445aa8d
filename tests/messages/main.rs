//! The messages: what is read, refused, built, signed, shown and stored.

#[path = "../common/links.rs"]
mod link_corpus;
#[path = "../common/messages.rs"]
mod messages;
#[path = "../common/naive.rs"]
mod naive;
#[path = "../common/proofs.rs"]
mod proofs;
#[cfg(all(feature = "async_payments", feature = "onion"))]
#[path = "../common/serving.rs"]
mod serving;
#[path = "../common/sides.rs"]
mod sides;

mod api;
mod arrival_and_rates;
#[cfg(not(feature = "async_payments"))]
mod async_payments_absent;
mod auto_traits;
#[cfg(feature = "contacts")]
mod contacts;
#[cfg(not(feature = "contacts"))]
mod contacts_absent;
#[cfg(feature = "recurrence")]
mod core_lightning;
#[cfg(feature = "dnssec")]
mod dnssec;
// Its list of errors is that of all features.
#[cfg(all(feature = "contacts", feature = "recurrence"))]
mod errors;
mod fetched_invoice;
mod field_values;
mod history;
mod interface;
mod invoice_checks;
mod invoice_error_rules;
mod invoice_rules;
mod links;
#[cfg(all(feature = "async_payments", feature = "onion"))]
mod messenger;
mod offer_rules;
mod outbox;
mod owned;
mod payable_paths;
mod points;
mod preservation;
mod printed;
mod raw;
#[cfg(not(feature = "recurrence"))]
mod recurrence_absent;
#[cfg(feature = "recurrence")]
mod recurrence_periods;
#[cfg(feature = "recurrence")]
mod recurrence_rules;
mod refund_rules;
mod request_rules;
#[cfg(feature = "serde")]
mod serialized;
#[cfg(all(feature = "async_payments", feature = "contacts", feature = "onion", feature = "recurrence"))]
mod serving_errors;
mod settings;
#[cfg(feature = "onion")]
mod short_offers;
mod shown;
mod signature;
#[cfg(feature = "async_payments")]
mod static_invoice;
mod text;
mod tlv;
mod vectors;
