//! What peers of every standing do, in any order and at any time.
#![no_main]

bolt12_fuzz::target!("peers");
