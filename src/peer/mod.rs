//! One connection to a Lightning peer, for whoever is no node: BOLT 8, and of BOLT 1 what onion messages need.
#![doc = include_str!("../../docs/guide/connection.md")]

mod buffer;
mod cipher;
mod connection;
mod error;
mod handshake;
mod init;
mod message;
mod timer;
#[cfg(test)]
mod vectors;

pub use connection::{Config, Connection, Event};
pub use error::{ConnectionError, SendError};
pub use init::{Init, OnionMessages};
pub use message::Notice;
pub use timer::Timeouts;
