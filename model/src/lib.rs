//! Model checking.

mod check;
mod setup;
mod setups;
mod shop;
mod subject;
mod tables;
mod world;

pub use check::{Report, Step, explore};
pub use setup::Setup;
pub use setups::BOUNDED;
pub use world::{Explored, World};
