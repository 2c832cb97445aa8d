//! A connection to a Lightning peer without a node: BOLT 8, and the part of BOLT 1 that onion messages need (feature
//! `peer`).
//!
//! A [`Connection`] is the protocol without the socket. Bytes that arrive and the time go in; [`Event`]s and bytes to
//! send come out. The [guide](crate::guide::connection) shows the loop around a socket, what a connection does by
//! itself, and what is left to you.

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
