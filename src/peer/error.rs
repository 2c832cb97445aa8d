//! Why a connection ended, or a message was not sent.

use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

use secp256k1::PublicKey;
use thiserror::Error;

use super::message::Notice;
use crate::error::Error as MessageError;
use crate::field::Feature;

/// Why a connection ended. Its sentence can be shown to a person; what the peer wrote is escaped in it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The first byte is of something else, for example a web server, or of a handshake that is not known here.
    #[error(
        "the other side is no Lightning node: it began with byte {first_byte:#04x} instead of 0x00; check address and \
         port"
    )]
    NotLightning {
        /// What should have been the handshake's version, 0.
        first_byte: u8,
    },
    /// A key in the handshake is not on the curve.
    #[error(
        "the other side is probably not a Lightning node, since its handshake has no valid key: check address and port"
    )]
    InvalidKey,
    /// Who answered does not have the key of the node that was to be reached.
    #[error("the node that answered is not {expected}: check node id and address")]
    WrongNodeId {
        /// Who was to be reached.
        expected: PublicKey,
    },
    /// Who was connected to ended the connection as nodes do that were not meant. They may have other reasons too, so
    /// this is a guess.
    #[error(
        "the node ended the connection before it said anything: maybe its id is not {expected}, or it takes no more \
         peers"
    )]
    Refused {
        /// Who was to be reached.
        expected: PublicKey,
    },
    /// Who connected looks for a node with another key.
    #[error("the peer was looking for another node than this one")]
    NotForUs,
    /// The connection ended in the middle of the handshake.
    #[error("the connection ended in the middle of the handshake")]
    HandshakeInterrupted,
    /// What arrived is not what the peer sent.
    #[error("the data that arrived was damaged or changed on its way")]
    NotAuthentic,
    /// Handshake and `init` were not there in time.
    #[error("no connection after {} seconds: the peer is too slow, or not a Lightning node", after.as_secs())]
    HandshakeTimeout {
        /// How long it was waited for.
        after: Duration,
    },
    /// Nothing came after a ping.
    #[error("the peer no longer answers: nothing came within {} seconds of a ping", after.as_secs())]
    Unresponsive {
        /// How long it was waited for.
        after: Duration,
    },
    /// The peer names chains, and ours is not among them.
    #[error("the peer is on another network, for example on a test network")]
    OtherNetwork,
    /// A message of an even type, which must not be ignored.
    #[error("the peer sent a message of type {kind}, which is unknown to this software and must not be ignored")]
    UnknownMessage {
        /// Its type.
        kind: u16,
    },
    /// A message that its type does not allow.
    #[error("the peer sent an invalid message of type {kind}: {error}")]
    InvalidMessage {
        /// Its type.
        kind: u16,
        /// What is wrong with it.
        #[source]
        error: Box<MessageError>,
    },
    /// A message that is too short to have a type.
    #[error("the peer sent a message of {len} bytes, which is too short for a type")]
    NoType {
        /// How many bytes it has.
        len: usize,
    },
    /// `init` comes first, and once.
    #[error("the peer sent a message of type {kind} at the wrong time: init comes first, and once")]
    WrongTime {
        /// Its type.
        kind: u16,
    },
    /// The peer asks for more answers than it takes.
    #[error("the peer sends pings without reading the answers, so too many answers are waiting")]
    Flooded,
    /// The other side ended the connection after the handshake, without `init`: it did not like ours. Why is a guess.
    #[error("{}", Last(said.as_deref(), Why::NoInit))]
    ClosedBeforeInit {
        /// The last warning or error before.
        said: Option<Box<Notice>>,
    },
    /// The other side, or the network, ended the connection.
    #[error("{}", Last(said.as_deref(), Why::Requires(*requires)))]
    ClosedByPeer {
        /// The last warning or error before.
        said: Option<Box<Notice>>,
        /// A feature that it requires and that was not offered: the likely reason, if it said nothing.
        requires: Option<Feature>,
    },
}

/// The sentence for a connection that the peer ended: what it said last, or a guess.
struct Last<'a>(Option<&'a Notice>, Why);

enum Why {
    NoInit,
    Requires(Option<Feature>),
}

impl fmt::Display for Last<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the peer ended the connection")?;
        match self {
            Self(Some(said), _) => write!(f, ", after it said: {:?}", said.text()),
            Self(None, Why::NoInit) => f.write_str(
                " without sending init: it may be on another network, or require a feature that was not offered",
            ),
            Self(None, Why::Requires(Some(feature))) => {
                write!(f, ": it requires feature {}, which was not offered", feature.bit())
            }
            Self(None, Why::Requires(None)) => f.write_str(" without giving a reason"),
        }
    }
}

/// Why a message was not sent. The connection itself is none the worse.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The peer has not said `init` yet.
    #[error("the peer has not sent init yet: wait for it before sending")]
    NotConnected,
    /// The peer drops onion messages of strangers.
    #[error("the peer accepts onion messages only from peers with a channel: use another peer")]
    OnlyOverChannels,
    /// The peer does not know onion messages.
    #[error("the peer does not support onion messages: use another peer")]
    NoOnionMessages,
    /// Too much waits to be sent.
    #[error("{waiting} bytes are waiting for this peer: send them first, or disconnect if it reads nothing")]
    Full {
        /// How many bytes wait.
        waiting: usize,
    },
    /// A message has from 2 to 65535 bytes.
    #[error("a message of {len} bytes cannot be sent: it must have 2 to 65535")]
    InvalidLength {
        /// How many bytes it has.
        len: usize,
    },
    /// The connection has ended.
    #[error("the connection has ended: {0}")]
    Closed(#[source] ConnectionError),
}
