//! The peers of a wallet or an issuer without a node, as far as onion messages go: limits and queues (feature `onion`).
//!
//! [`Peers`] decides whose messages to read, which to open first, through which peer to send, and how fast. The
//! [guide](crate::guide::peers) shows the loop around it, and what it decides.

mod answered;
mod bucket;
mod counts;
mod error;
mod hearing;
mod limits;
mod peer;
mod queue;
mod seen;
mod sending;
mod set;
mod ways;

pub use counts::Counts;
pub use error::SendError;
pub use hearing::Arrived;
pub use limits::{Budget, Limits, Pace};
pub use peer::Standing;
pub use set::{Channels, NoChannels, Peers};
