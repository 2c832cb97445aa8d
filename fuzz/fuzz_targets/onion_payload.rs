//! What is in an onion message.
#![no_main]

bolt12_fuzz::target!("onion_payload", bytes);
