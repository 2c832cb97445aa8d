//! What is allocated and kept, counted.

#[path = "../common/counting.rs"]
mod counting;
#[path = "../common/messages.rs"]
mod messages;
#[path = "../common/naive.rs"]
mod naive;
#[path = "../common/proofs.rs"]
mod sample_proofs;
#[path = "../common/sides.rs"]
mod sides;

mod allocations;
mod exchange;
mod proofs;
