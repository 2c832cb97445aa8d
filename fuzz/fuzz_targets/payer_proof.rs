//! Bytes as a payer proof.
#![no_main]

bolt12_fuzz::target!("payer_proof", bytes);
