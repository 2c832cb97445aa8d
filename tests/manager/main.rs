//! All of a wallet's conversations in one value: nothing before it is saved, nothing searched, nothing too late.

#[path = "../common/messages.rs"]
mod messages;
#[path = "../common/naive.rs"]
mod naive;
#[path = "../common/network.rs"]
mod network;
#[path = "../common/sides.rs"]
mod sides;

mod approval;
mod decisions;
mod limits;
mod loading;
#[cfg(feature = "recurrence")]
mod pace;
mod queue;
mod refunds;
mod saving;
mod signing;
#[cfg(feature = "recurrence")]
mod simulation;
mod status;
#[cfg(feature = "recurrence")]
mod subscriptions;
mod wallet;
#[cfg(feature = "recurrence")]
mod world;
