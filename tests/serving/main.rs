//! Payees that sleep: static invoice servers, and whoever is served by them (STA-8, STA-9).
#![cfg(all(feature = "onion", feature = "async_payments"))]

#[path = "../common/long.rs"]
mod long;
#[path = "../common/messages.rs"]
mod messages;
#[path = "../common/naive.rs"]
mod naive;
#[path = "../common/network.rs"]
mod network;
#[path = "../common/serving.rs"]
mod serving;
#[path = "../common/sides.rs"]
mod sides;
#[path = "../common/town.rs"]
mod town;

mod exact;
mod onion;
mod parties;
mod recipient;
mod server;
mod simulation;
mod world;
