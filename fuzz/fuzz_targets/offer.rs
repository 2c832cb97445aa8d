//! Bytes as an offer.
#![no_main]

bolt12_fuzz::target!("offer", bytes);
