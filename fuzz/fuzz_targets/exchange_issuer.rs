//! Events at the issuer.
#![no_main]

bolt12_fuzz::target!("exchange_issuer");
