//! Why a message was not sent.

use alloc::boxed::Box;

use secp256k1::PublicKey;

use crate::error::Error;

/// Why a message was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// Neither the peer that asked is connected any more, nor a peer that we chose and that passes onion messages on.
    /// What begins at us goes to no other (EXC-19).
    #[error("no peer of our choice that accepts onion messages is connected: connect to one, or name one")]
    NoPeer,
    /// Too much waits for this peer.
    #[error("too many messages are waiting for {0}: try again later")]
    Full(PublicKey),
    /// Another invoice for the same request was answered before this one: one is, and no more (EXC-19).
    #[error("another invoice for this request was answered already")]
    Answered,
    /// This way cannot be gone: it starts at an unknown channel, or has too much in it. Another may.
    #[error(transparent)]
    Way(Box<Error>),
    /// This message cannot be sent, over any path: it is too long.
    #[error(transparent)]
    Message(Box<Error>),
}
