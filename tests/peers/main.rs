//! Connections to peers, and what strangers may do there.
#![cfg(feature = "onion")]

#[path = "../common/onion_naive.rs"]
mod onion_naive;
#[cfg(feature = "peer")]
#[path = "../common/peers.rs"]
mod peers;
#[path = "../common/town.rs"]
mod town;

#[cfg(feature = "peer")]
mod handshake;
mod hostile;
mod late;
mod many_fetches;
#[cfg(feature = "peer")]
mod messages;
#[cfg(feature = "peer")]
mod noise;
mod pace;
mod strangers;
mod turns;
mod ways;
