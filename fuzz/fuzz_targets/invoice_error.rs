//! Bytes as an invoice error.
#![no_main]

bolt12_fuzz::target!("invoice_error", bytes);
