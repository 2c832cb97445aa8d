//! Bytes as a saved state.
#![no_main]

bolt12_fuzz::target!("exchange_state");
