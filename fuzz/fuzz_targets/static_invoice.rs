//! Bytes as a static invoice.
#![no_main]

bolt12_fuzz::target!("static_invoice", bytes);
