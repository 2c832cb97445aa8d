//! A connection, from its first byte to its last.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

use bitcoin::constants::ChainHash;
use secp256k1::{Keypair, PublicKey};
use zeroize::Zeroizing;

use super::buffer::{HEAD_LEN, Outgoing, clear, make_room};
use super::error::{ConnectionError, SendError};
use super::handshake::{Handshake, Keys, check_version};
use super::init::{Init, OnionMessages};
use super::message::{Message, Notice, PING, PONG};
use super::timer::{Timeouts, Timer, Wait};
use crate::crypto::TAG_LEN;
use crate::error::Error;
use crate::field::{Feature, Features, Point};
use crate::onion::OnionMessage;
use crate::onion::keys::Secret;
use crate::tlv::MAX_LEN;
use crate::units::UnixTime;

/// What this side says about itself in `init`, and how patient it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The features of `init`: onion messages, and what BOLT 9 assumes that every node has, because some nodes
    /// end a connection without it. All are optional (odd), so that nobody is sent away.
    pub features: Features<'static>,
    /// The chains of `init`. A peer that names others only is refused; with none here, nobody is.
    pub networks: Vec<ChainHash>,
    /// How long to wait for a peer.
    pub timeouts: Timeouts,
}

impl Config {
    /// For a chain.
    pub fn new(network: ChainHash) -> Self {
        // Data loss protection, gossip queries, onions of any length, static keys, payment secrets, channel types.
        let assumed = [1, 7, 9, 13, 15, 45].map(Feature);
        let [_, onion_messages] = Init::ONION_MESSAGES;
        let features = Features::new(assumed.into_iter().chain([onion_messages])).unwrap_or_default();
        Self { features, networks: Vec::from([network]), timeouts: Timeouts::default() }
    }
}

/// What a peer sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The peer is who it should be, and can be sent onion messages, if it [takes](Init::onion_messages) them. Comes
    /// once.
    Connected(Init),
    /// Message 513, whether it is of use or not.
    OnionMessage(OnionMessage),
    /// Message 1. Worth a line in a log.
    Warning(Notice),
    /// Message 17. Worth a line in a log: without channels, nothing fails because of it. Most peers end the connection
    /// afterwards.
    Error(Notice),
}

/// The answer to whatever is about a channel. A warning, never an error: that would have the peer close a channel that
/// somebody else has with it under the same key.
const NO_CHANNELS: &str = "there are no channels here";

/// What is secret lies on the heap, where it stays until it is wiped. The rest does too, so that there is no unused
/// space here, in which a move could take along what else was on the stack.
enum State {
    Handshake(Box<Handshake>),
    Open(Box<Open>),
    Closed(Box<ConnectionError>),
}

/// A connection whose handshake is complete.
struct Open {
    keys: Keys,
    /// How long the message is that is awaited; before that is known, its length is awaited.
    body: Option<usize>,
    /// Whether `init` came, and what it means for onion messages.
    peer: Option<OnionMessages>,
}

/// One connection to a Lightning peer, without the socket: bytes go in and come out (BOLT 8, BOLT 1).
///
/// `key` should be this connection's alone, or that of a wallet without channels: to a peer that has a channel with a
/// node under the same key, this connection takes that node's place, and its channel is idle as long as this lasts. It
/// is never closed because of anything that is sent here.
///
/// What it holds is bounded, whatever the peer does: beside a few hundred bytes one message that arrives, of at most
/// 65,551 bytes, and three that wait to be sent, of 65,569 bytes each. Buffers grow with what arrives, not with what
/// is announced. All keys are wiped when they are no longer needed. `Debug` shows none.
pub struct Connection {
    state: State,
    init: Init,
    node_id: Option<PublicKey>,
    incoming: Vec<u8>,
    outgoing: Outgoing,
    timer: Timer,
    /// What the peer said last.
    said: Option<Box<Notice>>,
    /// What the peer requires and was not offered.
    requires: Option<Feature>,
}

impl Connection {
    /// A connection that we make, to the node with this id. `ephemeral` is the secret of this connection alone: 32
    /// random bytes, never used before. There are [bytes to send](Self::transmit) at once.
    ///
    /// # Errors
    ///
    /// `InvalidSecret` (TLV-7) for an ephemeral secret that is not a key, which random bytes never are, and `TooLong`
    /// (D7) for more features and networks than a message holds.
    pub fn outbound(
        key: &Keypair,
        node_id: PublicKey,
        ephemeral: [u8; 32],
        config: &Config,
        now: UnixTime,
    ) -> Result<Self, Error> {
        let ephemeral = Secret::new(&Zeroizing::new(ephemeral))?;
        let (handshake, act) = Handshake::outbound(key, ephemeral, node_id);
        let mut connection = Self::new(handshake, Some(node_id), config, now)?;
        connection.outgoing.push(&act);
        Ok(connection)
    }

    /// A connection that somebody makes to us. `ephemeral` is as for [`outbound`](Self::outbound).
    ///
    /// # Errors
    ///
    /// As [`outbound`](Self::outbound).
    pub fn inbound(key: &Keypair, ephemeral: [u8; 32], config: &Config, now: UnixTime) -> Result<Self, Error> {
        let ephemeral = Secret::new(&Zeroizing::new(ephemeral))?;
        Self::new(Handshake::inbound(key, ephemeral), None, config, now)
    }

    fn new(handshake: Handshake, node_id: Option<PublicKey>, config: &Config, now: UnixTime) -> Result<Self, Error> {
        let init = Init::new(config.features.clone(), config.networks.clone());
        // What cannot be written is refused now.
        init.write()?;
        Ok(Self {
            state: State::Handshake(Box::new(handshake)),
            init,
            node_id,
            incoming: Vec::new(),
            outgoing: Outgoing::default(),
            timer: Timer::new(config.timeouts, now),
            said: None,
            requires: None,
        })
    }

    /// The peer's node id. Of who connected to us it is known, and proven, once the handshake is complete; of who we
    /// connect to it is the one we were given, and proven by [`Event::Connected`].
    pub fn node_id(&self) -> Option<PublicKey> {
        self.node_id
    }

    /// Whether the peer has said `init`, and the connection is not over.
    pub fn is_connected(&self) -> bool {
        matches!(&self.state, State::Open(open) if open.peer.is_some())
    }

    /// The bytes to send. Tell [`transmitted`](Self::transmitted) how many were. There may be some after the connection
    /// has ended, too: a warning that says why.
    pub fn transmit(&self) -> &[u8] {
        self.outgoing.waiting()
    }

    /// So many bytes of [`transmit`](Self::transmit) were sent.
    pub fn transmitted(&mut self, count: usize) {
        self.outgoing.sent(count);
    }

    /// When to [`poll`](Self::poll), whatever arrives until then; never, if the connection has ended.
    pub fn wake_at(&self) -> Option<UnixTime> {
        (!matches!(self.state, State::Closed(_))).then(|| self.timer.due())
    }

    /// Lets time pass: sends a ping to a peer that is silent, and gives up one that does not answer. To be called at
    /// [`wake_at`](Self::wake_at), or at any time.
    ///
    /// # Errors
    ///
    /// Why the connection has ended.
    pub fn poll(&mut self, now: UnixTime) -> Result<(), ConnectionError> {
        if let State::Closed(error) = &self.state {
            return Err((**error).clone());
        }
        let after = self.timer.limit();
        match self.timer.over(now) {
            None => Ok(()),
            Some(Wait::Handshake) => Err(self.close(ConnectionError::HandshakeTimeout { after })),
            Some(Wait::Pong) => Err(self.close(ConnectionError::Unresponsive { after })),
            Some(Wait::Anything) => {
                // Where there is no room, the peer has something to answer already.
                if self.outgoing.has_room(6, Outgoing::MAX_WITH_ANSWERS) {
                    // No bytes to be ignored, and none in the answer.
                    self.write(&[&PING.to_be_bytes(), &[0; 4]], 0);
                }
                self.timer.begin(Wait::Pong, now);
                Ok(())
            }
        }
    }

    /// Takes bytes as they arrive, in parts of any size, up to the next event: the slice is moved behind what was
    /// taken. Call it until it gives nothing, which is when all was taken; then [send](Self::transmit) what there is to
    /// send.
    ///
    /// # Errors
    ///
    /// Why the connection has ended. Nothing more is taken then.
    pub fn receive(&mut self, bytes: &mut &[u8], now: UnixTime) -> Result<Option<Event>, ConnectionError> {
        loop {
            match self.take(bytes) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) => return Err(self.close(error)),
            }
            match self.step(now) {
                Ok(None) => {}
                Ok(Some(event)) => return Ok(Some(event)),
                Err(error) => return Err(self.close(error)),
            }
        }
    }

    /// The other side, or the network, has ended the connection. Returns why, as far as that can be known.
    pub fn disconnected(&mut self) -> ConnectionError {
        let error = match &self.state {
            State::Closed(error) => return (**error).clone(),
            State::Handshake(handshake) => match handshake.expects() {
                Some(expected) if self.incoming.is_empty() => ConnectionError::Refused { expected },
                _ => ConnectionError::HandshakeInterrupted,
            },
            State::Open(open) if open.peer.is_none() => ConnectionError::ClosedBeforeInit { said: self.said.take() },
            State::Open(_) => ConnectionError::ClosedByPeer { said: self.said.take(), requires: self.requires },
        };
        // There is nobody left to be sent anything.
        self.outgoing = Outgoing::default();
        self.end(error)
    }

    /// Sends an onion message: it is among the bytes to [send](Self::transmit).
    ///
    /// # Errors
    ///
    /// `OnlyOverChannels` and `NoOnionMessages` for a peer that would drop it without a word, and `NotConnected`,
    /// `Full` and `Closed`. Nothing is sent then.
    pub fn send(&mut self, message: &OnionMessage) -> Result<(), SendError> {
        let State::Open(open) = &self.state else { return self.send_raw(message.as_bytes()) };
        match open.peer {
            Some(OnionMessages::OnlyOverChannels) => Err(SendError::OnlyOverChannels),
            Some(OnionMessages::Unknown) => Err(SendError::NoOnionMessages),
            Some(OnionMessages::Accepted) | None => self.send_raw(message.as_bytes()),
        }
    }

    /// Sends a text for the operator of the peer, of at most [`Notice::MAX_LEN`] bytes; more are cut off.
    ///
    /// # Errors
    ///
    /// `NotConnected`, `Full` and `Closed`.
    pub fn warn(&mut self, text: &str) -> Result<(), SendError> {
        self.send_raw(&Notice::warning(text))
    }

    /// Sends a message of any type, with its type, which nobody looks at: for custom types, and to test other
    /// implementations.
    ///
    /// # Errors
    ///
    /// `NotConnected`, `Full`, `Closed`, and `InvalidLength` for less than 2 or more than 65535 bytes.
    pub fn send_raw(&mut self, message: &[u8]) -> Result<(), SendError> {
        match &self.state {
            State::Open(open) if open.peer.is_some() => {}
            State::Closed(error) => return Err(SendError::Closed((**error).clone())),
            _ => return Err(SendError::NotConnected),
        }
        if !(2..=MAX_LEN).contains(&message.len()) {
            return Err(SendError::InvalidLength { len: message.len() });
        }
        if !self.outgoing.has_room(message.len(), Outgoing::MAX) {
            return Err(SendError::Full { waiting: self.outgoing.waiting().len() });
        }
        self.write(&[message], 0);
        Ok(())
    }

    /// How many bytes are awaited, those that came included.
    fn awaited(&self) -> usize {
        match &self.state {
            State::Handshake(handshake) => handshake.awaited(),
            State::Open(open) => open.body.map_or(HEAD_LEN, |len| len.saturating_add(TAG_LEN)),
            State::Closed(_) => 0,
        }
    }

    /// Takes what is awaited. Returns whether all of it is there.
    fn take(&mut self, bytes: &mut &[u8]) -> Result<bool, ConnectionError> {
        let awaited = self.awaited();
        let missing = awaited.saturating_sub(self.incoming.len());
        let (part, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
        *bytes = rest;
        make_room(&mut self.incoming, part.len(), awaited);
        self.incoming.extend_from_slice(part);
        if matches!(self.state, State::Handshake(_)) {
            check_version(&self.incoming)?;
        }
        Ok(part.len() == missing)
    }

    /// Goes on with what is there in full.
    fn step(&mut self, now: UnixTime) -> Result<Option<Event>, ConnectionError> {
        match &mut self.state {
            State::Handshake(handshake) => {
                let keys = handshake.advance(&self.incoming, &mut self.outgoing)?;
                self.incoming.clear();
                if let Some((node_id, keys)) = keys {
                    self.node_id = Some(node_id);
                    self.state = State::Open(Box::new(Open { keys, body: None, peer: None }));
                    let init = self.init.write().unwrap_or_default();
                    self.write(&[&init], 0);
                }
                Ok(None)
            }
            State::Open(open) => {
                let text = open.keys.receiving.open(&mut self.incoming).ok_or(ConnectionError::NotAuthentic)?;
                if open.body.take().is_none() {
                    open.body = text.first_chunk().map(|len| u16::from_be_bytes(*len).into());
                    self.incoming.clear();
                    return Ok(None);
                }
                let len = text.len();
                self.incoming.truncate(len);
                self.timer.heard(now);
                let event = self.message(now);
                clear(&mut self.incoming);
                event
            }
            State::Closed(error) => Err((**error).clone()),
        }
    }

    /// Does what a message asks for.
    fn message(&mut self, now: UnixTime) -> Result<Option<Event>, ConnectionError> {
        let Some((kind, payload)) = self.incoming.split_first_chunk() else {
            return Err(ConnectionError::NoType { len: self.incoming.len() });
        };
        let kind = u16::from_be_bytes(*kind);
        let invalid = |error| ConnectionError::InvalidMessage { kind, error: Box::new(error) };
        let is_connected = self.is_connected();
        match Message::read(kind, payload).map_err(invalid)? {
            Message::Init(init) if !is_connected => self.greet(&init, now).map(|()| Some(Event::Connected(init))),
            // Some say what is wrong with us before they say hello.
            Message::Warning(notice) => {
                self.said = Some(Box::new(notice.clone()));
                Ok(Some(Event::Warning(notice)))
            }
            Message::Error(notice) => {
                self.said = Some(Box::new(notice.clone()));
                Ok(Some(Event::Error(notice)))
            }
            Message::Init(_) => Err(ConnectionError::WrongTime { kind }),
            _ if !is_connected => Err(ConnectionError::WrongTime { kind }),
            Message::Ping(None) | Message::Ignored => Ok(None),
            Message::Ping(Some(len)) => {
                self.answer(&[&PONG.to_be_bytes(), &len.to_be_bytes()], len.into()).map(|()| None)
            }
            Message::Channel => self.answer(&[&Notice::warning(NO_CHANNELS)], 0).map(|()| None),
            Message::Onion(len) => {
                let mut bytes = core::mem::take(&mut self.incoming);
                // An extension is nothing to us.
                bytes.truncate(len);
                OnionMessage::read(bytes).map(|message| Some(Event::OnionMessage(message))).map_err(invalid)
            }
            Message::Unknown => Err(ConnectionError::UnknownMessage { kind }),
        }
    }

    fn greet(&mut self, init: &Init, now: UnixTime) -> Result<(), ConnectionError> {
        if let State::Open(open) = &mut self.state {
            open.peer = Some(init.onion_messages());
        }
        if !self.init.shares_network(init) {
            return Err(ConnectionError::OtherNetwork);
        }
        self.requires = init.first_missing_from(&self.init);
        self.timer.begin(Wait::Anything, now);
        Ok(())
    }

    /// Answers something, if the peer takes answers.
    fn answer(&mut self, parts: &[&[u8]], zeros: usize) -> Result<(), ConnectionError> {
        let len = parts.iter().fold(zeros, |len, part| len.saturating_add(part.len()));
        if !self.outgoing.has_room(len, Outgoing::MAX_WITH_ANSWERS) {
            return Err(ConnectionError::Flooded);
        }
        self.write(parts, zeros);
        Ok(())
    }

    fn write(&mut self, parts: &[&[u8]], zeros: usize) {
        if let State::Open(open) = &mut self.state {
            self.outgoing.push_message(&mut open.keys.sending, parts, zeros);
        }
    }

    /// Ends the connection, and lets the peer know what it did wrong.
    fn close(&mut self, error: ConnectionError) -> ConnectionError {
        let its_fault = matches!(
            error,
            ConnectionError::OtherNetwork
                | ConnectionError::UnknownMessage { .. }
                | ConnectionError::InvalidMessage { .. }
                | ConnectionError::NoType { .. }
                | ConnectionError::WrongTime { .. }
        );
        let warning = Notice::warning(&error.to_string());
        // Nothing may be sent before the peer's `init`.
        if its_fault && self.is_connected() && self.outgoing.has_room(warning.len(), Outgoing::MAX_WITH_ANSWERS) {
            self.write(&[&warning], 0);
        }
        self.end(error)
    }

    /// Forgets the keys.
    fn end(&mut self, error: ConnectionError) -> ConnectionError {
        self.state = State::Closed(Box::new(error.clone()));
        self.incoming = Vec::new();
        error
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Handshake(_) => "handshake",
            State::Open(open) if open.peer.is_none() => "waiting for init",
            State::Open(_) => "connected",
            State::Closed(_) => "closed",
        };
        f.debug_struct("Connection")
            .field("node_id", &self.node_id.map(Point::from))
            .field("state", &state)
            .field("to_send", &self.outgoing.waiting().len())
            .finish_non_exhaustive()
    }
}
