//! This crate beside the crate `lightning`.
#![no_main]

bolt12_fuzz::target!("differential", bytes);
