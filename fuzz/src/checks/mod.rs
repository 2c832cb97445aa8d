//! What must hold for every input: one function for each fuzz target.
//!
//! A finding is a panic. The fuzz targets call these functions with what libFuzzer makes up, and
//! `tests/corpus.rs` calls the same functions with the seeds and with every input that was a finding
//! once, so that there is one copy of what is checked.

pub mod contacts;
#[cfg(feature = "dnssec")]
pub mod dnssec;
pub mod errors;
pub mod exchange;
pub mod keys;
pub mod links;
pub mod merkle;
pub mod messages;
pub mod mirror;
pub mod naive;
#[cfg(feature = "onion")]
pub mod onion;
#[cfg(feature = "peer")]
pub mod peer;
#[cfg(feature = "onion")]
pub mod peers;
pub mod periods;
pub mod point;
pub mod proof;
pub mod recurrence;
pub mod round_trip;
#[cfg(feature = "async_payments")]
pub mod static_invoice;
#[cfg(feature = "recurrence")]
pub mod subscription;
pub mod text;
pub mod tlv;
pub mod walk;

/// A fuzz target: its name, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets. Seeds lie in `seeds/NAME`, findings of the past in `regressions/NAME`.
pub const TARGETS: &[Target] = &[
    ("text", text::check),
    ("links", links::check),
    #[cfg(feature = "dnssec")]
    ("dnssec", dnssec::check),
    ("tlv", tlv::check),
    ("point", point::check),
    ("offer", messages::offer),
    ("invoice_request", messages::invoice_request),
    ("refund", messages::refund),
    ("invoice", messages::invoice),
    ("invoice_error", messages::invoice_error),
    ("payer_proof", proof::check),
    ("mirror", mirror::check),
    ("recurrence", recurrence::check),
    ("round_trip", round_trip::check),
    #[cfg(feature = "onion")]
    ("onion_peel", onion::peel),
    #[cfg(feature = "onion")]
    ("onion_payload", onion::payload),
    #[cfg(feature = "peer")]
    ("peer_handshake", peer::handshake),
    #[cfg(feature = "peer")]
    ("peer_frames", peer::frames),
    #[cfg(feature = "onion")]
    ("peers", peers::check),
    ("exchange_payer", exchange::payer::check),
    ("exchange_issuer", exchange::issuer::check),
    ("exchange_state", exchange::state::check),
    #[cfg(feature = "async_payments")]
    ("static_invoice", static_invoice::check),
    #[cfg(feature = "recurrence")]
    ("subscription", subscription::check),
];
