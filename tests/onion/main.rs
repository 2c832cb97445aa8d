//! Blinded paths and onion messages.
#![cfg(feature = "onion")]

#[path = "../common/messages.rs"]
mod messages;
#[path = "../common/naive.rs"]
mod naive;
#[path = "../common/onion.rs"]
mod onion;
#[path = "../common/onion_naive.rs"]
mod onion_naive;
#[path = "../common/sides.rs"]
mod sides;

mod conversations;
mod error_length;
mod exchange;
mod names;
mod payment_paths;
mod refusals;
mod round_trip;
#[cfg(feature = "async_payments")]
mod serving;
mod vectors;
