//! Differential tests against the `lightning` crate, in both directions: what one builds the other
//! reads, field by field; whole exchanges between the two; and thousands of mutated messages that
//! both accept or both refuse, but for the differences listed in `differences.rs`.

mod differences;
mod exchange;
mod material;
mod mutate;
mod mutations;
mod ours;
mod reading;
mod texts;
mod theirs;
mod view;
mod wire;
