//! Bytes as the saved state of a subscription.
#![no_main]

bolt12_fuzz::target!("subscription");
