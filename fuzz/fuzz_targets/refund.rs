//! Bytes as a refund.
#![no_main]

bolt12_fuzz::target!("refund", bytes);
