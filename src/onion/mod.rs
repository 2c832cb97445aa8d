//! Blinded paths, onion messages and payment paths (BOLT 4), as far as offers need them (feature `onion`).
//!
//! With these, a wallet that is connected to a single peer can request an invoice. It needs no other part of a node.
//! The [guide](crate::guide::onion_messages) shows how, with [`Messenger`](crate::exchange::Messenger), which is built
//! on this module.
//!
//! | to | use |
//! | --- | --- |
//! | let others reach a node without naming it | [`BlindedPathBuilder`] |
//! | send a request, an invoice or an error to a node, or over somebody's path | [`OnionMessageBuilder`] |
//! | read a message from a peer | [`OnionMessage::read`], then [`OnionMessage::peel`] |
//! | reply | [`Received::reply_path`] |
//! | sign as the last hop of a path | [`Received::signing_key`], [`Unblinded::signing_key`] |
//! | forward a message for another node | [`Forward`] |
//! | build the payment paths of an invoice | [`PaymentPathBuilder`] |
//! | find out what a hop does with a payment | [`Unblinded::data`], then [`HopData::payment`] |
//!
//! The caller supplies the randomness: 32 bytes for each path and for each message, never used twice. Anyone who knows
//! them can read the message.
//!
//! ```
//! use bolt12::onion::{BlindedPathBuilder, Contents, NextHop, OnionMessage, OnionMessageBuilder, Peeled};
//! use bolt12::secp256k1::{Keypair, Secp256k1};
//!
//! # let secp = Secp256k1::new();
//! # let key = |byte| Keypair::from_seckey_slice(&secp, &[byte; 32]).unwrap();
//! # let (payer, peer, issuer) = (key(1), key(2), key(3));
//! # let (random, more_random, still_more_random) = ([4; 32], [5; 32], [6; 32]);
//! # let request = b"bytes of an invoice request";
//! // The issuer can be reached through a peer of its own.
//! let path = BlindedPathBuilder::new(issuer.public_key())
//!     .through(peer.public_key())
//!     .path_id(b"which offer this is for")
//!     .build(random)?;
//!
//! // The payer sends a request, and says how to answer.
//! let reply_path = BlindedPathBuilder::new(payer.public_key()).path_id(b"which request").build(more_random)?;
//! let outgoing = OnionMessageBuilder::over(&path, Contents::InvoiceRequest(request))
//!     .reply_path(&reply_path)
//!     .build(still_more_random)?;
//! assert_eq!(outgoing.to, NextHop::NodeId(peer.public_key()));
//! let wire = outgoing.message.as_bytes(); // message 513, for the peer
//!
//! // The peer passes it on, if it wants to.
//! let Ok(Peeled::Forward(forward)) = OnionMessage::read(wire.to_vec())?.peel(&peer) else { panic!() };
//! assert_eq!(forward.next(), NextHop::NodeId(issuer.public_key()));
//! let message = forward.message().expect("an honest message");
//!
//! // The issuer finds the request, and where it came from.
//! let Ok(Peeled::Received(received)) = message.peel(&issuer) else { panic!() };
//! assert_eq!(received.contents(), Some(Contents::InvoiceRequest(request)));
//! assert_eq!(received.path_id(), Some(&b"which offer this is for"[..]));
//! assert_eq!(received.reply_path(), Some(reply_path));
//! # Ok::<(), bolt12::Error>(())
//! ```

mod build;
mod data;
mod dns;
pub(crate) mod keys;
mod message;
#[allow(clippy::arithmetic_side_effects, reason = "positions in packets and payloads of at most 65535 bytes")]
mod packet;
mod path;
mod payload;
mod payment_path;
mod peel;
mod refusal;
mod unblind;
#[cfg(test)]
mod vectors;

pub use build::{OnionMessageBuilder, PeerMessage};
pub use data::{HopData, PaymentConstraints, PaymentRelay};
pub use dns::{DnssecProof, DnssecQuery};
pub use message::OnionMessage;
pub use path::{BlindedPathBuilder, MAX_DUMMY_HOPS, PathHop};
pub use payload::{Contents, MAX_REPLY_HOPS, Payload};
pub use payment_path::{Htlc, PaymentHop, PaymentPathBuilder, PaymentRefusal, PaymentStep};

pub use peel::{Forward, Peeled, Received};
pub use refusal::Refusal;
pub use unblind::{HopKey, Unblinded};

use secp256k1::PublicKey;

use crate::field::{Direction, IntroductionNode, ShortChannelId};

/// The node a message goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NextHop {
    /// The node with this key.
    NodeId(PublicKey),
    /// The node at the other end of a channel, as seen from the sender of the message.
    Channel(ShortChannelId),
    /// The node at one end of a channel that may be anywhere.
    ChannelEnd(ShortChannelId, Direction),
}

/// The node id, or the channel, with its direction where one is known.
impl core::fmt::Display for NextHop {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NodeId(node_id) => node_id.fmt(f),
            Self::Channel(scid) => scid.fmt(f),
            Self::ChannelEnd(scid, direction) => write!(f, "{scid}/{}", *direction as u8),
        }
    }
}

impl TryFrom<IntroductionNode> for NextHop {
    type Error = crate::error::Error;

    /// Fails with `InvalidPoint` (TLV-7), which does not happen for a path out of a message that was read.
    fn try_from(node: IntroductionNode) -> Result<Self, Self::Error> {
        Ok(match node {
            IntroductionNode::NodeId(point) => Self::NodeId(point.public_key()?),
            IntroductionNode::Channel { scid, direction } => Self::ChannelEnd(scid, direction),
        })
    }
}
