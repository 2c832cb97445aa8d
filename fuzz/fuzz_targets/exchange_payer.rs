//! Events at the payer.
#![no_main]

bolt12_fuzz::target!("exchange_payer");
