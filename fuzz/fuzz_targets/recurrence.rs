//! One stream as an offer that recurs, and a subscription to it.
#![no_main]

bolt12_fuzz::target!("recurrence", bytes);
