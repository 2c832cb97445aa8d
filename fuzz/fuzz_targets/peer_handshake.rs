//! Bytes from whoever connects, or is connected to.
#![no_main]

bolt12_fuzz::target!("peer_handshake");
