//! Bytes as an invoice.
#![no_main]

bolt12_fuzz::target!("invoice", bytes);
