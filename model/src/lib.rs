//! Model checking.

mod check;
mod setup;
mod setups;
mod shop;
mod subject;
mod tables;
mod world;

pub use check::{Report, Step, explore, explore_until_wrong};
pub use setup::Setup;
pub use setups::{BOUNDED, FULL};
pub use world::{Explored, World};
