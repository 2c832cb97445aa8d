//! The exchange over onion messages (feature `onion`): what a peer sent goes in, what to send to a peer comes out.

use alloc::vec::Vec;
use core::fmt;

use secp256k1::{Keypair, PublicKey};

#[cfg(feature = "async_payments")]
use super::between::ServingKind;
use super::dns::{DnsMessage, OutgoingDnsMessage, ReceivedProof, ReceivedQuery};
use super::ids::PathId;
use super::message::{Destination, IncomingMessage, MessageArrival, OffersMessage, OffersMessageKind, OutgoingMessage};
use super::secret::MacKey;
use crate::error::{Error, ErrorKind, Rule};
use crate::field::{BlindedPath, IntroductionNode};
use crate::invoice_error::without_length;
use crate::onion::{
    self, BlindedPathBuilder, Contents, DnssecProof, DnssecQuery, Forward, HopKey, NextHop, OnionMessage,
    OnionMessageBuilder, Peeled, Received, Refusal,
};

/// A node, as far as onion messages go: takes messages for it out of their onions, and puts those it sends into one.
///
/// ```
/// use bolt12::exchange::{Inbound, Messenger, Route};
/// # use bolt12::exchange::{Action, Payer, Payment, PaymentId};
/// # use bolt12::onion::{self, OnionMessage};
/// # use bolt12::secp256k1::PublicKey;
/// # use bolt12::{Error, UnixTime};
/// # use std::collections::BTreeMap;
///
/// # struct Wallet { messenger: Messenger, payer: Payer, payments: BTreeMap<PaymentId, Payment>, peer: PublicKey }
/// # impl Wallet {
/// /// What to send to a peer because of a payment.
/// fn send(
///     &self,
///     payment: &mut Payment,
///     now: UnixTime,
///     randomness: [u8; 32],
/// ) -> Result<Option<onion::PeerMessage>, Error> {
///     let Action::Send(outgoing) = payment.poll(now)? else { return Ok(None) };
///     // A wallet that only its peer knows is reached through that peer, and sends through it.
///     let route = Route { through: &[self.peer], reply_through: &[self.peer], ..Route::default() };
///     self.messenger.send(&outgoing, &route, randomness).map(Some)
/// }
///
/// /// Message 513 came from a peer.
/// fn receive(&mut self, message: Vec<u8>, now: UnixTime) {
///     let Ok(message) = OnionMessage::read(message) else { return };
///     let Ok(Inbound::Message { message, .. }) = self.messenger.receive(&message) else { return };
///     let Some(id) = self.payer.payment_of(&message.arrival) else { return };
///     if let Some(payment) = self.payments.get_mut(&id) {
///         let _ = payment.receive(message, now); // see `Payment::state`
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
    /// The messenger of the node with this key. A wallet that is not a node makes a key up, and keeps it as long as its
    /// paths are to lead to it. Its peers know the wallet by this key, and so does anyone who answers, unless
    /// [`Route::reply_through`] hides it: a wallet that makes up another now and then cannot be followed for longer.
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
    /// A [`Refusal`], after which the message is dropped (MSG-6). Refusing costs nearly as much as receiving, so a peer
    /// is held to a number of messages in a time, good or not; and to fewer of those that are refused here, or later
    /// as [cheap](crate::exchange::Refused::is_cheap).
    pub fn receive(&self, message: &OnionMessage) -> Result<Inbound, Refusal> {
        self.receive_counting(message, &mut 0)
    }

    /// The same, and counts the point multiplications that it takes, also if it fails (EXC-20).
    pub(crate) fn receive_counting(&self, message: &OnionMessage, operations: &mut u32) -> Result<Inbound, Refusal> {
        let received = match message.peel_counting(&self.node, operations)? {
            Peeled::Forward(forward) => return Ok(Inbound::Forward(forward)),
            Peeled::Received(received) => received,
        };
        // MSG-1
        let Some(contents) = received.contents() else { return Err(Refusal::Unusable) };
        let (kind, bytes) = match contents {
            Contents::InvoiceRequest(bytes) => (OffersMessageKind::InvoiceRequest, bytes),
            Contents::Invoice(bytes) => (OffersMessageKind::Invoice, bytes),
            Contents::InvoiceError(bytes) => (OffersMessageKind::InvoiceError, without_length(bytes)),
            Contents::DnssecQuery(bytes) => {
                let query = DnssecQuery::read(bytes).map_err(|_| Refusal::Unusable)?.into_owned();
                // DNS-3
                let reply_path = received.reply_path().ok_or(Refusal::Unusable)?.into_owned();
                return Ok(Inbound::Query(ReceivedQuery::new(query, reply_path)));
            }
            Contents::DnssecProof(bytes) => {
                let proof = DnssecProof::read(bytes).map_err(|_| Refusal::Unusable)?.into_owned();
                return Ok(Inbound::Proof(ReceivedProof { proof, arrival: arrival(&received) }));
            }
            #[cfg(feature = "async_payments")]
            Contents::StaticInvoice(bytes) => (OffersMessageKind::StaticInvoice, bytes),
            #[cfg(feature = "async_payments")]
            Contents::HeldHtlcAvailable(bytes) => (OffersMessageKind::HeldHtlcAvailable, bytes),
            #[cfg(feature = "async_payments")]
            Contents::ReleaseHeldHtlc(bytes) => (OffersMessageKind::ReleaseHeldHtlc, bytes),
            #[cfg(feature = "async_payments")]
            Contents::OfferPathsRequest(bytes) => (OffersMessageKind::Serving(ServingKind::OfferPathsRequest), bytes),
            #[cfg(feature = "async_payments")]
            Contents::OfferPaths(bytes) => (OffersMessageKind::Serving(ServingKind::OfferPaths), bytes),
            #[cfg(feature = "async_payments")]
            Contents::ServeStaticInvoice(bytes) => (OffersMessageKind::Serving(ServingKind::ServeStaticInvoice), bytes),
            #[cfg(feature = "async_payments")]
            Contents::StaticInvoicePersisted(bytes) => {
                (OffersMessageKind::Serving(ServingKind::StaticInvoicePersisted), bytes)
            }
        };
        let message = IncomingMessage {
            kind,
            bytes: bytes.to_vec(),
            arrival: arrival(&received),
            reply_path: received.reply_path().map(BlindedPath::into_owned),
        };
        Ok(Inbound::Message { message, hop_key: received.into_hop_key() })
    }

    /// Puts a message into an onion, with a reply path if an answer is wanted (MSG-2), for a peer of ours.
    ///
    /// The randomness is new every time, also when the same message is sent again, and nobody else may know it.
    ///
    /// # Errors
    ///
    /// `UnknownIntroduction` for a path that starts at a channel, unless the [route](Route::introduction) says at
    /// which node: take that way for unreachable. `InvalidSecret` for zeros as randomness, `TooLong` above 32768
    /// bytes, `TooManyEntries` for more than [`MAX_REPLY_HOPS`](onion::MAX_REPLY_HOPS) hops of the reply path, and
    /// what else [`onion`] refuses.
    pub fn send(
        &self,
        outgoing: &OutgoingMessage,
        route: &Route<'_>,
        randomness: [u8; 32],
    ) -> Result<onion::PeerMessage, Error> {
        self.send_parcel(&Parcel::of(outgoing), route, randomness)
    }

    /// The same for a query for a name, or the answer to one (DNS-1, DNS-2).
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    pub fn send_dns(
        &self,
        outgoing: &OutgoingDnsMessage,
        route: &Route<'_>,
        randomness: [u8; 32],
    ) -> Result<onion::PeerMessage, Error> {
        self.send_parcel(&Parcel::about_a_name(outgoing, &outgoing.message.to_bytes()), route, randomness)
    }

    pub(crate) fn send_parcel(
        &self,
        parcel: &Parcel<'_>,
        route: &Route<'_>,
        randomness: [u8; 32],
    ) -> Result<onion::PeerMessage, Error> {
        if randomness == [0; 32] {
            return Err(Error::new(ErrorKind::InvalidSecret, Rule::Tlv7));
        }
        // What differs in anything has keys of its own, should the randomness be that of another message after all:
        // one keystream for two texts shows both.
        let told = self.told(parcel, route);
        let session = |purpose| MacKey::derive(&randomness, purpose).mac(&[&told]);
        let reply_path = parcel.reply_path_id.map(|path_id| {
            let path = self.path(route.reply_through, path_id).dummy_hops(route.reply_dummy_hops);
            path.build(session("reply path"))
        });
        let reply_path = reply_path.transpose()?;
        let mut message = self.message(parcel, route.introduction, route.whole_path)?;
        for node in route.through {
            message = message.through(*node);
        }
        if let Some(path) = reply_path.as_ref().or(parcel.reply_path) {
            message = message.reply_path(path);
        }
        message.only_to_start().build(session("message"))
    }

    /// Where a message has to get first: to its destination, or to where that path starts, hops of our own taken off
    /// (MSG-5). A node that is connected to it needs no [way](Route::through) there. `introduction` is as in [`Route`].
    ///
    /// # Errors
    ///
    /// `UnknownIntroduction`, `OwnPath` and other errors about the path as in [`send`](Self::send).
    pub fn start(&self, outgoing: &OutgoingMessage, introduction: Option<PublicKey>) -> Result<NextHop, Error> {
        self.message(&Parcel::of(outgoing), introduction, false)?.start()
    }

    /// The same for a path, which starts there if it does not say where.
    pub(crate) fn start_of(&self, path: &BlindedPath<'_>, introduction: PublicKey) -> Result<NextHop, Error> {
        let message = OnionMessageBuilder::over(path, Contents::Invoice(&[])).introduction(introduction);
        message.sender(&self.node).start()
    }

    fn message<'a>(
        &'a self,
        parcel: &Parcel<'a>,
        introduction: Option<PublicKey>,
        whole_path: bool,
    ) -> Result<OnionMessageBuilder<'a>, Error> {
        let contents = parcel.contents;
        let path = match parcel.destination {
            Destination::Node(node_id) => return Ok(OnionMessageBuilder::to_node(*node_id, contents)),
            Destination::Path(path) => path,
        };
        let message = OnionMessageBuilder::over(path, contents);
        let message = if whole_path { message } else { message.sender(&self.node) };
        match (path.introduction_node(), introduction) {
            (IntroductionNode::NodeId(_), _) => Ok(message),
            (IntroductionNode::Channel { .. }, Some(node_id)) => Ok(message.introduction(node_id)),
            (IntroductionNode::Channel { .. }, None) => Err(Error::new(ErrorKind::UnknownIntroduction, Rule::Msg5)),
        }
    }

    /// Everything that decides what is encrypted, and for whom.
    fn told(&self, parcel: &Parcel<'_>, route: &Route<'_>) -> Vec<u8> {
        let bytes = parcel.contents.as_bytes();
        let mut told = Vec::with_capacity(bytes.len().saturating_add(1024));
        let mut add = |bytes: &[u8]| {
            told.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            told.extend_from_slice(bytes);
        };
        add(&self.node_id().serialize());
        add(&parcel.contents.tlv_type().to_be_bytes());
        add(bytes);
        match parcel.destination {
            Destination::Node(node_id) => add(&node_id.serialize()),
            Destination::Path(path) => add(path.as_bytes()),
        }
        add(parcel.reply_path_id.as_ref().map_or(&[], |path_id| &path_id.0));
        add(parcel.reply_path.map_or(&[], |path| path.as_bytes()));
        add(&route.introduction.map_or([0; 33], |node_id| node_id.serialize()));
        add(&(route.reply_dummy_hops as u64).to_be_bytes());
        add(&[route.whole_path.into()]);
        for nodes in [route.through, route.reply_through] {
            add(&nodes.iter().flat_map(PublicKey::serialize).collect::<Vec<u8>>());
        }
        told
    }

    /// A path to this node, for offers, refunds and replies, that starts at the first of these nodes, each of which
    /// is a peer of the next, and the last of ours.
    pub fn path(&self, through: &[PublicKey], path_id: PathId) -> BlindedPathBuilder<'static> {
        let path = BlindedPathBuilder::own(&self.node).path_id(path_id.as_ref());
        through.iter().fold(path, |path, node| path.through(*node))
    }
}

/// What is sent, whatever it is about.
pub(crate) struct Parcel<'a> {
    pub(crate) contents: Contents<'a>,
    pub(crate) destination: &'a Destination,
    /// What a reply path of ours ends with.
    pub(crate) reply_path_id: Option<PathId>,
    /// Somebody else's reply path, for what is forwarded.
    pub(crate) reply_path: Option<&'a BlindedPath<'static>>,
}

impl<'a> Parcel<'a> {
    /// A message about a name, and the bytes of it.
    pub(crate) fn about_a_name(outgoing: &'a OutgoingDnsMessage, bytes: &'a [u8]) -> Self {
        let contents = match &outgoing.message {
            DnsMessage::Query(_) => Contents::DnssecQuery(bytes),
            DnsMessage::Proof(_) => Contents::DnssecProof(bytes),
        };
        let OutgoingDnsMessage { destination, reply_path_id, .. } = outgoing;
        Self { contents, destination, reply_path_id: *reply_path_id, reply_path: None }
    }

    pub(crate) fn of(outgoing: &'a OutgoingMessage) -> Self {
        let bytes = outgoing.message.as_bytes();
        let contents = match &outgoing.message {
            OffersMessage::InvoiceRequest(_) => Contents::InvoiceRequest(bytes),
            OffersMessage::Invoice(_) => Contents::Invoice(bytes),
            OffersMessage::InvoiceError(_) => Contents::InvoiceError(bytes),
            #[cfg(feature = "async_payments")]
            OffersMessage::StaticInvoice(_) => Contents::StaticInvoice(bytes),
            #[cfg(feature = "async_payments")]
            OffersMessage::HeldHtlcAvailable => Contents::HeldHtlcAvailable(bytes),
            #[cfg(feature = "async_payments")]
            OffersMessage::ReleaseHeldHtlc => Contents::ReleaseHeldHtlc(bytes),
            #[cfg(feature = "async_payments")]
            OffersMessage::Serving(message) => message.contents(),
            #[cfg(feature = "async_payments")]
            OffersMessage::Forwarded(_) => Contents::InvoiceRequest(bytes),
        };
        #[cfg(feature = "async_payments")]
        let reply_path = match &outgoing.message {
            OffersMessage::Forwarded(message) => Some(message.reply_path()),
            _ => None,
        };
        #[cfg(not(feature = "async_payments"))]
        let reply_path = None;
        Self { contents, destination: &outgoing.destination, reply_path_id: outgoing.reply_path_id, reply_path }
    }
}

/// How a message came.
fn arrival(received: &Received) -> MessageArrival {
    match received.path_id() {
        // Whoever sends to a node id makes the last hop itself, and tells it nothing. What is told something
        // is a path's, whoever made that and for whatever.
        None if received.data().tlvs().is_empty() => MessageArrival::Direct,
        path_id => MessageArrival::path(path_id),
    }
}

/// Wipes the key.
impl Drop for Messenger {
    fn drop(&mut self) {
        self.node.non_secure_erase();
    }
}

/// Shows no secret.
impl fmt::Debug for Messenger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messenger").field("node_id", &format_args!("{}", self.node_id())).finish_non_exhaustive()
    }
}

/// The way a message takes. By default it goes to a peer of ours, and the answer comes straight to our node.
///
/// That tells the other side our node id, and so that several payments are ours: name a peer in
/// [`reply_through`](Self::reply_through) where that is not meant.
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    /// The nodes on the way to the destination, or to where its path starts once hops of our own are taken off. The
    /// first is a peer of ours. A node that is the destination or that start, and those after it, are left out.
    pub through: &'a [PublicKey],
    /// At which node the path starts, where that is named by a channel.
    pub introduction: Option<PublicKey>,
    /// The nodes on the way back, the last of which is a peer of ours. The other side learns the first one's node
    /// id, or ours if there is none. A node that others do not know or cannot connect to is reached only through a
    /// peer.
    pub reply_through: &'a [PublicKey],
    /// How many dummy hops end the way back (PTH-1), 1 by default, so that its length does not tell that it ends
    /// where it starts. Each costs us four point multiplications when the answer comes.
    pub reply_dummy_hops: usize,
    /// Leaves a hop of our own at the start of the path: the message goes [through](Self::through) others first, comes
    /// back, and goes on from here as everybody's does, if we pass messages on. Nobody can tell then that it began here
    /// (EXC-21).
    pub whole_path: bool,
}

impl Default for Route<'_> {
    fn default() -> Self {
        Self { through: &[], introduction: None, reply_through: &[], reply_dummy_hops: 1, whole_path: false }
    }
}

/// What an onion message was.
///
/// `Debug` leaves out the contents and the key.
#[non_exhaustive]
pub enum Inbound {
    /// A message for us: a request for [`Payee::receive`](crate::exchange::Payee::receive), or an answer for the
    /// payment of [`Payer::payment_of`](crate::exchange::Payer::payment_of) or the claim of
    /// [`Payee::claim_of`](crate::exchange::Payee::claim_of). With the feature `async_payments`, also a message for a
    /// `StaticInvoiceServer` or an `AsyncRecipient`.
    Message {
        /// The message.
        message: IncomingMessage,
        /// The key under which the node was reached. It signs the invoice if the offer has no issuer id (PTH-3).
        hop_key: HopKey,
    },
    /// Somebody asks for the proof of a name: for a resolver to [answer](ReceivedQuery::answer), and for everybody else
    /// to drop.
    Query(ReceivedQuery),
    /// The proof of a name, for the lookup of [`Payer::lookup_of`](crate::exchange::Payer::lookup_of).
    Proof(ReceivedProof),
    /// Something for another node: [pass it on](Forward::message), or drop it.
    Forward(Forward),
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message { message, .. } => f
                .debug_struct("Message")
                .field("kind", &message.kind)
                .field("arrival", &message.arrival)
                .finish_non_exhaustive(),
            Self::Query(query) => f.debug_tuple("Query").field(&query.name()).finish(),
            Self::Proof(proof) => f.debug_tuple("Proof").field(&proof.arrival).finish(),
            Self::Forward(forward) => f.debug_tuple("Forward").field(forward).finish(),
        }
    }
}
