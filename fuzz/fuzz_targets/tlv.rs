//! Bytes as a TLV stream.
#![no_main]

bolt12_fuzz::target!("tlv", bytes);
