//! A whole exchange.
#![no_main]

bolt12_fuzz::target!("mirror", bytes);
