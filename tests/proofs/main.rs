//! Payer proofs.

#[path = "../common/long.rs"]
mod long;
#[path = "../common/messages.rs"]
mod messages;
#[path = "../common/naive.rs"]
mod naive;
#[path = "../common/proofs.rs"]
mod proofs;

mod builder;
mod offers;
mod rules;
mod vectors;
mod verify;
