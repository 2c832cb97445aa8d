//! Onion messages from the network, and ways that they take.
#![no_main]

bolt12_fuzz::target!("onion_peel");
