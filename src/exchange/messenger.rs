//! The exchange over onion messages (feature `onion`): what a peer sent goes in, what to send to a peer comes out.

use core::fmt;

use secp256k1::{Keypair, PublicKey};

use super::secret::MacKey;
use super::via::{Destination, Incoming, OffersMessage, Outgoing, PathId, Via};
use crate::error::{Error, ErrorKind, Rule};
use crate::field::{BlindedPath, IntroductionNode};
use crate::invoice_error::without_length;
use crate::onion::{self, BlindedPathBuilder, Contents, Forward, OnionMessage, OnionMessageBuilder, Peeled, Refusal};

/// A node, as far as onion messages go: takes messages for it out of their onions, and puts those it sends into one.
///
/// ```
/// use bolt12::exchange::{Messenger, Received, Route};
/// # use bolt12::exchange::{Action, Incoming, Issuer, Payer, Payment, PaymentId};
/// # use bolt12::onion::{self, OnionMessage};
/// # use bolt12::secp256k1::PublicKey;
/// # use bolt12::{Error, UnixTime};
/// # use std::collections::BTreeMap;
///
/// # struct Wallet { messenger: Messenger, payer: Payer, payments: BTreeMap<PaymentId, Payment>, peer: PublicKey }
/// # impl Wallet {
/// /// What to send to a peer because of a payment.
/// fn send(&self, payment: &mut Payment, now: UnixTime, randomness: [u8; 32]) -> Result<Option<onion::Outgoing>, Error> {
///     let Action::Send(outgoing) = payment.poll(now)? else { return Ok(None) };
///     // A wallet that only its peer knows is reached through that peer, and sends through it.
///     let route = Route { through: &[self.peer], reply_through: &[self.peer], ..Route::default() };
///     self.messenger.send(&outgoing, &route, randomness).map(Some)
/// }
///
/// /// Message 513 came from a peer.
/// fn receive(&mut self, message: Vec<u8>, now: UnixTime) {
///     let Ok(message) = OnionMessage::read(message) else { return };
///     let Ok(Received::Invoice(incoming)) = self.messenger.receive(&message) else { return };
///     let Some(id) = self.payer.payment_of(&incoming.via) else { return };
///     if let Some(payment) = self.payments.get_mut(&id) {
///         let _ = payment.receive_invoice(incoming, now); // see `Payment::state`
///     }
/// }
/// # }
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct Messenger {
    node: Keypair,
}

impl Messenger {
    /// The messenger of the node with this key. A wallet that is no node makes a key up, and keeps it as long as its
    /// paths are to lead to it.
    pub fn new(node: Keypair) -> Self {
        Self { node }
    }

    /// The node's id.
    pub fn node_id(&self) -> PublicKey {
        self.node.public_key()
    }

    /// Takes a message out of its onion.
    ///
    /// # Errors
    ///
    /// A [`Refusal`], after which the message is dropped (MSG-6). Whoever sends many that were cheap to refuse can
    /// be throttled, and so can whoever sends many that [`Refused::is_cheap`](super::Refused::is_cheap).
    pub fn receive(&self, message: &OnionMessage) -> Result<Received, Refusal> {
        let received = match message.peel(&self.node)? {
            Peeled::Forward(forward) => return Ok(Received::Forward(forward)),
            Peeled::Received(received) => received,
        };
        // MSG-1
        let Some(contents) = received.contents() else { return Err(Refusal::Unusable) };
        let bytes = match contents {
            Contents::InvoiceError(bytes) => without_length(bytes),
            other => other.as_bytes(),
        };
        let incoming = Incoming {
            bytes: bytes.to_vec(),
            via: match received.path_id() {
                // Whoever sends to a node id makes the last hop itself, and tells it nothing. What is told something
                // is a path's, whoever made that and for whatever.
                None if received.data().tlvs().is_empty() => Via::Direct,
                path_id => Via::path(path_id),
            },
            reply_path: received.reply_path().map(BlindedPath::into_owned),
        };
        match contents {
            Contents::InvoiceRequest(_) => {
                Ok(Received::InvoiceRequest { incoming, signing_key: received.signing_key() })
            }
            Contents::Invoice(_) => Ok(Received::Invoice(incoming)),
            Contents::InvoiceError(_) => Ok(Received::InvoiceError(incoming)),
        }
    }

    /// Puts a message into an onion, with a reply path if an answer is wanted (MSG-2), for a peer of ours.
    ///
    /// The randomness must be new, and nobody else may know it.
    ///
    /// # Errors
    ///
    /// `UnknownIntroduction` for a path that starts at a channel, unless the [route](Route::introduction) says at
    /// which node: take that way for unreachable. `TooLong` above 32768 bytes, and what [`onion`] refuses.
    pub fn send(&self, outgoing: &Outgoing, route: &Route<'_>, randomness: [u8; 32]) -> Result<onion::Outgoing, Error> {
        let session = |purpose| MacKey::derive(&randomness, purpose).mac(&[]);
        let reply_path =
            outgoing.reply_path_id.map(|path_id| self.path(route.reply_through, path_id).build(session("reply path")));
        let reply_path = reply_path.transpose()?;
        let bytes = outgoing.message.as_bytes();
        let contents = match &outgoing.message {
            OffersMessage::InvoiceRequest(_) => Contents::InvoiceRequest(bytes),
            OffersMessage::Invoice(_) => Contents::Invoice(bytes),
            OffersMessage::InvoiceError(_) => Contents::InvoiceError(bytes),
        };
        let (mut message, start) = match &outgoing.destination {
            Destination::Node(node_id) => (OnionMessageBuilder::to_node(*node_id, contents), *node_id),
            Destination::Path(path) => {
                let start = match (path.introduction_node(), route.introduction) {
                    (IntroductionNode::NodeId(point), _) => point.to_public_key()?,
                    (IntroductionNode::Channel { .. }, Some(node_id)) => node_id,
                    (IntroductionNode::Channel { .. }, None) => {
                        return Err(Error::new(ErrorKind::UnknownIntroduction, Rule::Msg5));
                    }
                };
                (OnionMessageBuilder::over(path, contents).introduction(start).sender(&self.node), start)
            }
        };
        // The way ends where the destination is reached, and where it starts at ourselves there is none.
        let way = route.through.iter().take_while(|node| **node != start);
        for node in way.filter(|_| start != self.node_id()) {
            message = message.through(*node);
        }
        if let Some(path) = &reply_path {
            message = message.reply_path(path);
        }
        message.build(session("message"))
    }

    /// A path to this node, for offers, refunds and replies, that starts at the first of these nodes, each of which
    /// is a peer of the next, and the last of ours.
    pub fn path(&self, through: &[PublicKey], path_id: PathId) -> BlindedPathBuilder<'static> {
        let path = BlindedPathBuilder::new(self.node_id()).path_id(path_id.0);
        through.iter().fold(path, |path, node| path.through(*node))
    }
}

impl fmt::Debug for Messenger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messenger").field("node_id", &self.node_id()).finish_non_exhaustive()
    }
}

/// The way a message takes. By default it goes to a peer of ours, and the answer comes straight to our node.
#[derive(Clone, Copy, Debug, Default)]
pub struct Route<'a> {
    /// The nodes on the way to the destination, or to where its path starts, the first of which is a peer of ours.
    /// A node that is the destination, and those after it, are left out.
    pub through: &'a [PublicKey],
    /// At which node the path starts, where that is named by a channel.
    pub introduction: Option<PublicKey>,
    /// The nodes on the way back, the last of which is a peer of ours. A node that others do not know or cannot
    /// connect to is reached only through a peer.
    pub reply_through: &'a [PublicKey],
}

/// What was in an onion message.
#[derive(Debug)]
#[non_exhaustive]
pub enum Received {
    /// For [`Issuer::receive`](super::Issuer::receive).
    InvoiceRequest {
        /// The request.
        incoming: Incoming,
        /// The key under which the node was reached. It signs the invoice if the offer has no issuer id (PTH-3).
        signing_key: Keypair,
    },
    /// For the [`Payment::receive_invoice`](super::Payment::receive_invoice) of
    /// [`Payer::payment_of`](super::Payer::payment_of).
    Invoice(Incoming),
    /// For [`Payment::receive_error`](super::Payment::receive_error), or
    /// [`Claim::receive_error`](super::Claim::receive_error).
    InvoiceError(Incoming),
    /// Something for another node: [pass it on](Forward::message), or drop it.
    Forward(Forward),
}
