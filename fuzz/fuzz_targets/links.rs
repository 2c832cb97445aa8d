//! Any string, as a link, a name, and TXT records.
#![no_main]

bolt12_fuzz::target!("links", text);
