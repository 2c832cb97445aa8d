//! The exchange: both sides, step by step.

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

mod answers;
mod approval;
#[cfg(feature = "async_payments")]
mod async_decisions;
#[cfg(feature = "async_payments")]
mod async_payments;
#[cfg(feature = "contacts")]
mod contacts;
mod drafts;
mod exact;
mod forgeries;
mod helpers;
mod misdirected;
mod plan;
mod probes;
mod rates;
mod receipt;
mod refunds;
mod regressions;
mod renegotiation;
mod resealed;
mod sales;
mod simulation;
mod states;
mod stock;
mod walk;
mod world;
