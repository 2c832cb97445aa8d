//! What two connected peers say, and what happens to it on the way.
#![no_main]

bolt12_fuzz::target!("peer_frames");
