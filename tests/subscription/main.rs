//! Subscriptions: the payer's and the issuer's side of them, over whole lifetimes.
#![cfg(feature = "recurrence")]

#[path = "../common/long.rs"]
mod long;
#[path = "../common/messages.rs"]
mod messages;
#[path = "../common/naive.rs"]
mod naive;
#[path = "../common/network.rs"]
mod network;
#[path = "../common/sides.rs"]
mod sides;

mod again;
mod attacks;
mod decisions;
mod exact;
mod fiat;
mod issuer;
mod pace;
mod payer;
mod shop;
mod signing;
mod simulation;
mod state;
mod world;
