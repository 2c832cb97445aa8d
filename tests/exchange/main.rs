//! The exchange: both sides, step by step.

#[path = "../common/messages.rs"]
mod messages;
#[path = "../common/naive.rs"]
mod naive;
#[path = "../common/sides.rs"]
mod sides;

mod receipt;
mod walk;
