//! Bytes as a request for an offer.
#![no_main]

bolt12_fuzz::target!("invoice_request", bytes);
