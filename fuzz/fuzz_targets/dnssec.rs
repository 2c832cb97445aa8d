//! Bytes as the proof of a name.
#![no_main]

bolt12_fuzz::target!("dnssec");
