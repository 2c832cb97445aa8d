//! Onion messages for peers of a wallet or issuer that is not a node, or beside those of a node.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;
use core::time::Duration;
use std::sync::Mutex;

use ldk::ln::msgs::{self, BaseMessageHandler, Init, MessageSendEvent, OnionMessageHandler};
use ldk::ln::peer_handler::IgnoringMessageHandler;
use ldk::sign::EntropySource;
use ldk::types::features::{InitFeatures, NodeFeatures};
use ldk::util::ser::{LengthReadable, Writeable};
use secp256k1::{Keypair, PublicKey};

use super::application::{Application, NotOurs, lock};
use super::convert::set_bits;
use super::desk::Desk;
use crate::exchange::{Messenger, OutgoingMessage};
use crate::field::{Direction, Feature, ShortChannelId};
use crate::onion::OnionMessage;
use crate::peers::{Arrived, Counts, Limits, Peers, SendError, Standing};
use crate::units::UnixTime;

/// What passes from one [tick](OnionPeers::tick) to the next.
const TICK: Duration = Duration::from_millis(300);

/// 66 and 67, `option_onion_messages_only_channels`.
const ONLY_CHANNELS: [Feature; 2] = [Feature(66), Feature(67)];

/// Peers, and how much time has passed.
struct State {
    peers: Peers,
    now: Duration,
    /// Those that have a channel with us, whether connected or not.
    channels: BTreeSet<PublicKey>,
    /// Those that are connected, and take onion messages of their channel partners only.
    only_channels: BTreeSet<PublicKey>,
}

impl State {
    fn set_channel(&mut self, peer: PublicKey, has_channel: bool) {
        if has_channel {
            self.channels.insert(peer);
        } else {
            self.channels.remove(&peer);
        }
        if self.only_channels.contains(&peer) {
            self.peers.set_takes_onion_messages(&peer, has_channel);
        }
    }

    fn disconnected(&mut self, peer: &PublicKey) {
        self.only_channels.remove(peer);
        self.peers.disconnected(peer);
    }
}

/// Runs a [`Desk`] without a node: the `onion_message_handler` of a
/// [`PeerManager`](ldk::ln::peer_handler::PeerManager).
///
/// Onion messages are taken apart and made by this crate ([`Messenger`]), so everything is possible that the exchange
/// can do: offers in any currency and without an issuer id, and errors of every kind of node. Limits, queues and ways
/// are those of [`Peers`].
///
/// Messages that are not for the desk go to `inner`: a node's
/// [`OnionMessenger`](ldk::onion_message::messenger::OnionMessenger), or nobody. So do messages to be passed on, unless
/// [`passing_on`](Self::passing_on) has them passed on here, where they were opened already. What is for nobody here
/// does not get there.
///
/// Call [`tick`](Self::tick) every 300 milliseconds. [`Application::channel_end`] is called while this is locked: it
/// must not call back.
pub struct OnionPeers<D, E, H = IgnoringMessageHandler> {
    messenger: Messenger,
    desk: D,
    entropy: E,
    inner: H,
    state: Mutex<State>,
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
        let (channels, only_channels) = Default::default();
        let state = State { peers: Peers::new(node, limits), now: Duration::ZERO, channels, only_channels };
        let state = Mutex::new(state);
        Self { messenger: Messenger::new(node), desk, entropy, inner, state }
    }

    /// Passes messages on from peer to peer itself. A node in front of whose messenger this stands should do so: that
    /// would open each again.
    pub fn passing_on(self) -> Self {
        lock(&self.state).peers.pass_on(true);
        self
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
        lock(&self.state).peers.able().collect()
    }

    /// Says what a peer is to us: see [`Peers::set_standing`]. To be called for each peer that has a channel: who is
    /// [kept](Standing::Kept) has one, and a [stranger](Standing::Stranger) has none. Of others, say so with
    /// [`set_channel`](Self::set_channel).
    pub fn set_standing(&self, peer: PublicKey, standing: Standing) {
        let mut state = lock(&self.state);
        state.peers.set_standing(peer, standing);
        match standing {
            Standing::Stranger => state.set_channel(peer, false),
            Standing::Kept => state.set_channel(peer, true),
            Standing::Chosen => {}
        }
    }

    /// Says whether a peer has a channel with us, whatever else it is to us, and whether it is connected or not. Some
    /// nodes take onion messages of nobody else (`option_onion_messages_only_channels`). To be called for each peer of
    /// our choice, those that the node connected to among them, whenever that changes.
    pub fn set_channel(&self, peer: PublicKey, has_channel: bool) {
        lock(&self.state).set_channel(peer, has_channel);
    }

    /// What was heard, and what was dropped.
    pub fn counts(&self) -> Counts {
        lock(&self.state).peers.counts()
    }

    /// How many messages wait to be sent to a peer.
    pub fn waiting(&self, peer: &PublicKey) -> usize {
        lock(&self.state).peers.waiting(peer)
    }

    /// Lets time pass: 300 milliseconds, so never to be called two closer than that. Ticks that were missed are not
    /// made up for. Then let the [peers be handled](ldk::ln::peer_handler::PeerManager::process_events).
    pub fn tick(&self) {
        {
            let mut state = lock(&self.state);
            state.now = state.now.saturating_add(TICK);
        }
        self.hear();
    }

    /// Polls the desk, and sends what is due. What cannot be sent is told to [`Application::not_sent`]. Returns when
    /// to come again.
    pub fn poll(&self) -> Option<UnixTime> {
        let due = self.desk.poll();
        let sent = due.send.iter().filter(|outgoing| self.send_or_tell(outgoing)).count();
        // What cannot be sent one way is tried the next way, at once.
        if sent < due.send.len() { Some(self.desk.application().now()) } else { due.next }
    }

    /// Sends a message: see [`Peers::send`]. Returns the peer that it goes to first.
    ///
    /// # Errors
    ///
    /// [`SendError`]: tell [`Desk::unsendable`] of a `Message`, and [`Desk::unreachable`] of the others.
    pub fn send(&self, outgoing: &OutgoingMessage) -> Result<PublicKey, SendError> {
        let randomness = self.entropy.get_secure_random_bytes();
        let State { peers, now, .. } = &mut *lock(&self.state);
        peers.send(outgoing, randomness, *now, &self.channels())
    }

    fn send_or_tell(&self, outgoing: &OutgoingMessage) -> bool {
        match self.send(outgoing) {
            Ok(_) => true,
            Err(error) => {
                self.desk.application().not_sent(outgoing, &error);
                match error {
                    SendError::Message(_) => self.desk.unsendable(outgoing),
                    _ => self.desk.unreachable(outgoing),
                }
                false
            }
        }
    }

    fn channels(&self) -> impl Fn(ShortChannelId, Direction) -> Option<PublicKey> + '_ {
        |scid, end| self.desk.application().channel_end(scid, end)
    }

    /// Opens what can be opened now.
    fn hear(&self) {
        let next = || {
            let State { peers, now, .. } = &mut *lock(&self.state);
            peers.next(*now, &self.channels())
        };
        while let Some(arrived) = next() {
            match arrived {
                Arrived::Message { from, message, hop_key, onion } => {
                    match self.desk.receive(message, Some(&hop_key)) {
                        Ok(Some(answer)) => drop(self.send_or_tell(&answer)),
                        Ok(None) => {}
                        Err(NotOurs) => self.hand_on(from, &onion),
                    }
                }
                // Names are for the inner handler, which may have a resolver.
                Arrived::Query { from, onion, .. } | Arrived::Proof { from, onion, .. } => self.hand_on(from, &onion),
                Arrived::Other { from, onion } => self.hand_on(from, &onion),
            }
        }
    }

    fn hand_on(&self, from: PublicKey, onion: &OnionMessage) {
        if let Ok(theirs) = msgs::OnionMessage::read_from_fixed_length_buffer(&mut onion.payload()) {
            self.inner.handle_onion_message(from, &theirs);
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
        if let Ok(message) = OnionMessage::from_payload(&message.encode()) {
            let State { peers, now, .. } = &mut *lock(&self.state);
            peers.receive(&peer, message, *now);
        }
        self.hear();
    }

    fn next_onion_message_for_peer(&self, peer: PublicKey) -> Option<msgs::OnionMessage> {
        {
            let State { peers, now, .. } = &mut *lock(&self.state);
            if let Some(message) = peers.next_to_send(&peer, *now) {
                // What was made here can be read.
                return msgs::OnionMessage::read_from_fixed_length_buffer(&mut message.payload()).ok();
            }
            // The inner handler's messages count as well.
            if !peers.reserve(&peer, *now) {
                return None;
            }
        }
        let message = self.inner.next_onion_message_for_peer(peer);
        if message.is_none() {
            lock(&self.state).peers.not_used(&peer);
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

    /// Refuses nobody itself: LDK would end the connection for its channels, too.
    fn peer_connected(&self, peer: PublicKey, init: &Init, inbound: bool) -> Result<(), ()> {
        {
            let State { peers, now, channels, only_channels } = &mut *lock(&self.state);
            // Some nodes set these bits alone, without those of the feature that they restrict.
            let restricts = set_bits(init.features.le_flags()).any(|feature| ONLY_CHANNELS.contains(&feature));
            let takes_ours = if restricts {
                only_channels.insert(peer);
                channels.contains(&peer)
            } else {
                only_channels.remove(&peer);
                init.features.supports_onion_messages()
            };
            peers.connected(peer, inbound, takes_ours, *now);
        }
        let connected = self.inner.peer_connected(peer, init, inbound);
        if connected.is_err() {
            lock(&self.state).disconnected(&peer);
        }
        connected
    }

    /// What waits for the peer is dropped: anyone who waits for an answer asks again.
    fn peer_disconnected(&self, peer: PublicKey) {
        lock(&self.state).disconnected(&peer);
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
        f.debug_struct("OnionPeers").field("peers", &lock(&self.state).peers).finish_non_exhaustive()
    }
}
