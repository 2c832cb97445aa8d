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
mod lost;
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

/// A message of that many bytes, which nobody can open. Numbers tell them apart.
#[cfg(test)]
fn onion(len: usize, number: usize) -> crate::onion::OnionMessage {
    const HEAD: usize = 2 + 33 + 2;
    let packet = u16::try_from(len - HEAD).unwrap();
    let mut bytes = [&crate::onion::OnionMessage::TYPE.to_be_bytes()[..], &[0; 33], &packet.to_be_bytes()].concat();
    bytes.extend_from_slice(&number.to_be_bytes());
    bytes.resize(len, 0);
    crate::onion::OnionMessage::read(bytes).unwrap()
}

#[cfg(test)]
fn key(byte: u8) -> secp256k1::Keypair {
    secp256k1::Keypair::from_seckey_slice(crate::signature::context(), &[byte; 32]).unwrap()
}

#[cfg(test)]
fn id(byte: u8) -> secp256k1::PublicKey {
    key(byte).public_key()
}

/// Limits whose budgets do not fill up, so that they show what was taken off.
#[cfg(test)]
fn spending() -> Limits {
    let budget = Budget { burst: 100, per_second: 0 };
    Limits { peer: budget, newcomers: budget, all_strangers: budget, ..Limits::default() }
}
