//! Model checking of payments and subscriptions: see README.md.

mod acts;
mod check;
mod oracle;
mod setup;
mod setups;
mod shop;
mod steps;
mod subject;
mod tables;
mod world;

pub use check::{Report, Step, explore, explore_until_wrong};
pub use setup::Setup;
pub use setups::{BOUNDED, FULL};
pub use world::{Explored, World};
