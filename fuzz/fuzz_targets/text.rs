//! Any string.
#![no_main]

bolt12_fuzz::target!("text", text);
