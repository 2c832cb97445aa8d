//! Onion messages for peers of a wallet or issuer that is not a node, or beside those of a node.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;
use std::sync::Mutex;

use ldk::ln::msgs::{self, BaseMessageHandler, Init, MessageSendEvent, OnionMessageHandler};
use ldk::ln::peer_handler::IgnoringMessageHandler;
use ldk::sign::EntropySource;
use ldk::types::features::{InitFeatures, NodeFeatures};
use ldk::util::ser::{LengthReadable, Writeable};
use secp256k1::{Keypair, PublicKey};

use super::application::{Application, NotOurs, lock};
use super::desk::Desk;
use crate::error::{Error, ErrorKind, Rule};
use crate::exchange::{Destination, Inbound, Messenger, OutgoingMessage, Route};
use crate::field::{Direction, IntroductionNode};
use crate::onion::{NextHop, OnionMessage};
use crate::units::UnixTime;

/// What peers may take. Anyone who sends more is not heard.
///
/// All that connect to us together are heard [`peers`](Self::peers) times [`per_tick`](Self::per_tick) messages and
/// [`newcomers`](Self::newcomers) more after each [tick](OnionPeers::tick), in the long run: 1480 in a second by
/// default and with the usual ticks. For each, [`waiting_bytes`](Self::waiting_bytes) are kept at most: 32 MiB in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many peers may connect to us at most, whatever they know; further ones are sent away. Those that we connect
    /// to are not counted. 128 by default.
    pub peers: usize,
    /// How many bytes of messages wait for one peer at most. 256 KiB by default.
    pub waiting_bytes: usize,
    /// How many messages a peer may send at once, once it was connected for a while. Each costs two point
    /// multiplications before it can be refused, and some more for every further layer that is for this node: its
    /// own dummy hops, of which a message has at most [`MAX_DUMMY_HOPS`](crate::onion::MAX_DUMMY_HOPS). 20 by default.
    pub burst: u32,
    /// How many it may send when it connects, and how many more after each [tick](OnionPeers::tick) from the second on,
    /// up to the burst. 3 by default, which is 10 in a second with the usual ticks.
    pub per_tick: u32,
    /// How many messages are heard between two ticks from all those together that connected to us in that time: who
    /// comes again and again under new names is heard no more often. The others are not affected. 60 by default, which
    /// is 200 in a second with the usual ticks.
    pub newcomers: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { peers: 128, waiting_bytes: 256 * 1024, burst: 20, per_tick: 3, newcomers: 60 }
    }
}

/// How many messages a peer is sent at once, before it gets one per tick. Core Lightning takes four, and one more for
/// every 250 milliseconds since the last, which it counts at its own end: a tick right after the first, and what the
/// network holds up and delivers together, would be one too many.
const SENT_AT_ONCE: u32 = 3;

/// Why a message was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// No peer is connected that knows onion messages.
    #[error("no connected peer forwards onion messages")]
    NoPeer,
    /// The next node on the way is not connected.
    #[error("{0} is not connected")]
    NotConnected(PublicKey),
    /// Too much waits for this peer.
    #[error("too many messages are waiting for {0}")]
    Full(PublicKey),
    /// This way cannot be gone: it starts at an unknown channel, or has too much in it. Another may.
    #[error(transparent)]
    Way(Error),
    /// This message cannot be sent, over any path: it is too long.
    #[error(transparent)]
    Message(Error),
}

/// A connected peer.
#[derive(Debug)]
struct Peer {
    /// Whether it came to us.
    inbound: bool,
    /// Whether there was no tick since it came.
    is_new: bool,
    /// Whether it knows onion messages: else it is sent none, and not heard.
    able: bool,
    waiting: VecDeque<OnionMessage>,
    waiting_bytes: usize,
    may_receive: u32,
    may_send: u32,
}

/// Who is connected.
#[derive(Debug, Default)]
struct Connected {
    peers: BTreeMap<PublicKey, Peer>,
    /// How many messages are still heard from those that came since the last tick.
    newcomers: u32,
    /// How often any peer would do.
    turns: usize,
}

impl Connected {
    /// The peers that know onion messages.
    fn able(&self, which: impl Fn(&Peer) -> bool) -> impl Iterator<Item = PublicKey> {
        self.peers.iter().filter(move |(_, peer)| peer.able && which(peer)).map(|(id, _)| *id)
    }

    fn get_able(&mut self, id: &PublicKey) -> Option<&mut Peer> {
        self.peers.get_mut(id).filter(|peer| peer.able)
    }

    /// Any peer, another one every time: one of those that we chose if there are any, since anyone who connects to us
    /// may be there to see, and drop, what we send.
    fn any(&mut self) -> Option<PublicKey> {
        let mut able: Vec<_> = self.able(|peer| !peer.inbound).collect();
        if able.is_empty() {
            able = self.able(|_| true).collect();
        }
        let turn = self.turns.checked_rem(able.len())?;
        self.turns = self.turns.wrapping_add(1);
        able.get(turn).copied()
    }
}

/// Runs a [`Desk`] without a node: the `onion_message_handler` of a
/// [`PeerManager`](ldk::ln::peer_handler::PeerManager).
///
/// Onion messages are taken apart and made by this crate ([`Messenger`]), so everything is possible that the
/// exchange can do: offers in any currency and without an issuer id, and errors of every kind of node.
///
/// Messages that are not for the desk, among them those to be passed on, go to `inner`: a node's
/// [`OnionMessenger`](ldk::onion_message::messenger::OnionMessenger), or nobody.
///
/// What a peer can make it keep and compute has [`Limits`]. Call [`tick`](Self::tick) every 300 milliseconds.
pub struct OnionPeers<D, E, H = IgnoringMessageHandler> {
    messenger: Messenger,
    desk: D,
    entropy: E,
    inner: H,
    limits: Limits,
    connected: Mutex<Connected>,
}

impl<A, D, E, H> OnionPeers<D, E, H>
where
    A: Application,
    D: Deref<Target = Desk<A>>,
    E: Deref,
    E::Target: EntropySource,
    H: Deref,
    H::Target: OnionMessageHandler,
{
    /// For the node with this key, which must be the one that the peers know.
    pub fn new(node: Keypair, desk: D, entropy: E, inner: H, limits: Limits) -> Self {
        let connected = Mutex::new(Connected { newcomers: limits.newcomers, ..Connected::default() });
        Self { messenger: Messenger::new(node), desk, entropy, inner, limits, connected }
    }

    /// The desk.
    pub fn desk(&self) -> &Desk<A> {
        &self.desk
    }

    /// What makes paths to this node, for offers and refunds.
    pub fn messenger(&self) -> &Messenger {
        &self.messenger
    }

    /// The peers that know onion messages.
    pub fn peers(&self) -> Vec<PublicKey> {
        lock(&self.connected).able(|_| true).collect()
    }

    /// Lets each peer send, and be sent, some more. To be called every 300 milliseconds, never two closer than 300 ms,
    /// since nodes take no more than one message in 250 and drop the rest: ticks that were missed are not made up for.
    /// Then let the [peers be handled](ldk::ln::peer_handler::PeerManager::process_events).
    pub fn tick(&self) {
        let mut connected = lock(&self.connected);
        connected.newcomers = self.limits.newcomers;
        for peer in connected.peers.values_mut() {
            // What a newcomer did not use is not added: it would be twice as much for who always comes anew.
            let saved = if core::mem::take(&mut peer.is_new) { 0 } else { peer.may_receive };
            peer.may_receive = saved.saturating_add(self.limits.per_tick).min(self.limits.burst);
            peer.may_send = peer.may_send.saturating_add(1).min(SENT_AT_ONCE);
        }
    }

    /// Polls the desk, and sends what is due. What cannot be sent is told to [`Application::not_sent`]. Returns when
    /// to come again.
    pub fn poll(&self) -> Option<UnixTime> {
        let due = self.desk.poll();
        let sent = due.send.iter().filter(|outgoing| self.send_or_tell(outgoing, None)).count();
        // What cannot be sent one way is tried the next way, at once.
        if sent < due.send.len() { Some(self.desk.application().now()) } else { due.next }
    }

    /// Sends a message: to the node where its way starts if that is a peer, else through one. The answer comes back
    /// through the same peer. Returns the peer.
    ///
    /// # Errors
    ///
    /// [`SendError`]: tell [`Desk::unsendable`] of a `Message`, and [`Desk::unreachable`] of the others.
    pub fn send(&self, outgoing: &OutgoingMessage) -> Result<PublicKey, SendError> {
        self.send_through(outgoing, None)
    }

    fn send_or_tell(&self, outgoing: &OutgoingMessage, from: Option<PublicKey>) -> bool {
        match self.send_through(outgoing, from) {
            Ok(_) => true,
            Err(error) => {
                self.desk.application().not_sent(outgoing, &error);
                match error {
                    SendError::Message(_) => self.desk.unsendable(outgoing, &error),
                    _ => self.desk.unreachable(outgoing),
                }
                false
            }
        }
    }

    /// `from` is the peer that brought what is answered: it is most likely to know the way back.
    fn send_through(&self, outgoing: &OutgoingMessage, from: Option<PublicKey>) -> Result<PublicKey, SendError> {
        let introduction = self.introduction(outgoing, from);
        let start = match self.messenger.start(outgoing, introduction) {
            Ok(next) => self.node_at(next),
            // Sending says what is wrong.
            Err(_) => None,
        };
        let peer = self.peer_towards(start, from).ok_or(SendError::NoPeer)?;
        let through = &[peer];
        let route = Route { through, introduction, reply_through: through, ..Route::default() };
        let randomness = self.entropy.get_secure_random_bytes();
        let sent = self.messenger.send(outgoing, &route, randomness).map_err(|error| {
            // On the shortest way there is: is it the message, or the path?
            let shortest = OutgoingMessage { destination: Destination::Node(peer), ..outgoing.clone() };
            match self.messenger.send(&shortest, &Route::default(), randomness) {
                Ok(_) => SendError::Way(error),
                Err(error) => SendError::Message(error),
            }
        })?;
        // A path that starts here, with a node that only a channel leads to.
        let unknown = SendError::Way(Error::new(ErrorKind::UnknownIntroduction, Rule::Msg5));
        let to = self.node_at(sent.to).ok_or(unknown)?;
        let mut connected = lock(&self.connected);
        let peer = connected.get_able(&to).ok_or(SendError::NotConnected(to))?;
        let waiting_bytes = peer.waiting_bytes.saturating_add(sent.message.as_bytes().len());
        if waiting_bytes > self.limits.waiting_bytes {
            return Err(SendError::Full(to));
        }
        peer.waiting_bytes = waiting_bytes;
        peer.waiting.push_back(sent.message);
        Ok(to)
    }

    /// At which node a path starts that names a channel, as those of LDK nodes do. `from` is the best guess: who asks
    /// lets the answer start at itself, or at the peer through which it asks.
    fn introduction(&self, outgoing: &OutgoingMessage, from: Option<PublicKey>) -> Option<PublicKey> {
        let Destination::Path(path) = &outgoing.destination else { return None };
        let IntroductionNode::Channel { scid, direction } = path.introduction_node() else { return None };
        let own = self.messenger.node_id();
        if self.messenger.start(outgoing, Some(own)).is_ok() {
            return Some(own);
        }
        self.desk.application().channel_end(scid, direction).or(from)
    }

    /// The node that is meant: a channel of our own leads to the node at its other end (EXC-21).
    fn node_at(&self, next: NextHop) -> Option<PublicKey> {
        let end = |scid, direction| self.desk.application().channel_end(scid, direction);
        match next {
            NextHop::NodeId(id) => Some(id),
            NextHop::ChannelEnd(scid, direction) => end(scid, direction),
            NextHop::Channel(scid) => {
                let ends = [Direction::NodeOne, Direction::NodeTwo].map(|direction| end(scid, direction));
                let own = Some(self.messenger.node_id());
                let other = ends.iter().find(|id| **id != own).copied().flatten();
                other.filter(|_| ends.contains(&own))
            }
        }
    }

    /// The first hop on the way to a node: that node, or who came from there, or [anybody](Connected::any).
    fn peer_towards(&self, node: Option<PublicKey>, from: Option<PublicKey>) -> Option<PublicKey> {
        let mut connected = lock(&self.connected);
        let known = [node, from].into_iter().flatten().find(|node| connected.get_able(node).is_some());
        known.or_else(|| connected.any())
    }

    /// Whether the peer may send one more.
    fn admit(&self, peer: &PublicKey) -> bool {
        let mut connected = lock(&self.connected);
        let newcomers = connected.newcomers;
        let Some(peer) = connected.get_able(peer) else { return false };
        let Some(left) = peer.may_receive.checked_sub(1) else { return false };
        // Those that we connect to are no strangers.
        let newcomers_left = newcomers.checked_sub(u32::from(peer.is_new && peer.inbound));
        let Some(newcomers_left) = newcomers_left else { return false };
        peer.may_receive = left;
        connected.newcomers = newcomers_left;
        true
    }

    fn receive(&self, message: &msgs::OnionMessage) -> Result<Option<OutgoingMessage>, NotOurs> {
        let message = OnionMessage::from_payload(&message.encode()).map_err(|_| NotOurs)?;
        match self.messenger.receive(&message).map_err(|_| NotOurs)? {
            Inbound::Message { message, hop_key } => self.desk.receive(message, Some(&hop_key)),
            // Nor is it a resolver of names, or asks one.
            Inbound::Forward(_) | Inbound::Query(_) | Inbound::Proof(_) => Err(NotOurs),
        }
    }
}

impl<A, D, E, H> OnionMessageHandler for OnionPeers<D, E, H>
where
    A: Application,
    D: Deref<Target = Desk<A>>,
    E: Deref,
    E::Target: EntropySource,
    H: Deref,
    H::Target: OnionMessageHandler,
{
    fn handle_onion_message(&self, peer: PublicKey, message: &msgs::OnionMessage) {
        if !self.admit(&peer) {
            return;
        }
        match self.receive(message) {
            Ok(Some(answer)) => {
                self.send_or_tell(&answer, Some(peer));
            }
            Ok(None) => {}
            Err(NotOurs) => self.inner.handle_onion_message(peer, message),
        }
    }

    fn next_onion_message_for_peer(&self, peer: PublicKey) -> Option<msgs::OnionMessage> {
        {
            let mut connected = lock(&self.connected);
            if let Some(peer) = connected.get_able(&peer) {
                // The inner handler's messages count as well.
                peer.may_send = peer.may_send.checked_sub(1)?;
                while let Some(message) = peer.waiting.pop_front() {
                    peer.waiting_bytes = peer.waiting_bytes.saturating_sub(message.as_bytes().len());
                    // What was made here can be read.
                    let theirs = msgs::OnionMessage::read_from_fixed_length_buffer(&mut message.payload());
                    if let Ok(theirs) = theirs {
                        return Some(theirs);
                    }
                }
            }
        }
        let message = self.inner.next_onion_message_for_peer(peer);
        if message.is_none() {
            if let Some(peer) = lock(&self.connected).get_able(&peer) {
                peer.may_send = peer.may_send.saturating_add(1);
            }
        }
        message
    }

    fn timer_tick_occurred(&self) {
        self.inner.timer_tick_occurred();
    }
}

impl<A, D, E, H> BaseMessageHandler for OnionPeers<D, E, H>
where
    A: Application,
    D: Deref<Target = Desk<A>>,
    E: Deref,
    E::Target: EntropySource,
    H: Deref,
    H::Target: OnionMessageHandler,
{
    fn get_and_clear_pending_msg_events(&self) -> Vec<MessageSendEvent> {
        self.inner.get_and_clear_pending_msg_events()
    }

    fn peer_connected(&self, peer: PublicKey, init: &Init, inbound: bool) -> Result<(), ()> {
        {
            let peers = &mut lock(&self.connected).peers;
            let others = peers.iter().filter(|(id, other)| other.inbound && **id != peer);
            if inbound && others.count() >= self.limits.peers {
                return Err(());
            }
            let new = Peer {
                inbound,
                is_new: true,
                able: init.features.supports_onion_messages(),
                waiting: VecDeque::new(),
                waiting_bytes: 0,
                // Not the whole burst: whoever connects anew would not have to wait.
                may_receive: self.limits.per_tick.min(self.limits.burst),
                may_send: SENT_AT_ONCE,
            };
            peers.insert(peer, new);
        }
        let connected = self.inner.peer_connected(peer, init, inbound);
        if connected.is_err() {
            lock(&self.connected).peers.remove(&peer);
        }
        connected
    }

    /// What waits for the peer is dropped: anyone who waits for an answer asks again.
    fn peer_disconnected(&self, peer: PublicKey) {
        lock(&self.connected).peers.remove(&peer);
        self.inner.peer_disconnected(peer);
    }

    fn provided_node_features(&self) -> NodeFeatures {
        let mut features = NodeFeatures::empty();
        features.set_onion_messages_optional();
        features | self.inner.provided_node_features()
    }

    fn provided_init_features(&self, peer: PublicKey) -> InitFeatures {
        let mut features = InitFeatures::empty();
        features.set_onion_messages_optional();
        // Some nodes insist on it. Who never asks for gossip gets none.
        features.set_gossip_queries_optional();
        features | self.inner.provided_init_features(peer)
    }
}

impl<D, E, H> fmt::Debug for OnionPeers<D, E, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnionPeers")
            .field("node_id", &self.messenger.node_id())
            .field("peers", &lock(&self.connected).peers.len())
            .finish_non_exhaustive()
    }
}
