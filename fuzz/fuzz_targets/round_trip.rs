//! Builders with arbitrary values.
#![no_main]

bolt12_fuzz::target!("round_trip");
