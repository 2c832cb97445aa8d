//! Connections to Lightning peers over TCP, for a wallet or an issuer that is no node: this crate's, with two threads
//! for each.
#![allow(dead_code, reason = "each example uses its own share")]

mod clock;
mod keys;
mod link;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bolt12::bitcoin::Network;
use bolt12::exchange::{IncomingMessage, Messenger, OutgoingDnsMessage, OutgoingMessage, ReceivedProof, ReceivedQuery};
use bolt12::onion::{HopKey, OnionMessage};
use bolt12::peer::{Config, Connection, Event, OnionMessages, Timeouts};
use bolt12::peers::{Arrived, Counts, Limits, NoChannels, Peers, SendError};
use bolt12::secp256k1::{Keypair, PublicKey};
use bolt12::{ChainHash, Direction, ShortChannelId};

pub(crate) use clock::now;
pub(crate) use keys::{Keys, random};
pub(crate) use link::{Link, lock};

/// What is done with messages that come.
pub(crate) trait Application: Send + Sync + 'static {
    /// A message for us. Returns the answer.
    fn receive(&self, message: IncomingMessage, hop_key: &HopKey) -> Option<OutgoingMessage>;

    /// An answer could not be sent.
    fn not_sent(&self, why: &SendError);

    /// Somebody asks for the proof of a name. Returns the answer of a resolver.
    fn query(&self, _: &ReceivedQuery) -> Option<OutgoingDnsMessage> {
        None
    }

    /// The proof of a name.
    fn proof(&self, _: &ReceivedProof) {}
}

/// All connections, and what they have in common.
pub(crate) struct Net<A> {
    pub(crate) application: A,
    key: Keypair,
    started: Instant,
    peers: Mutex<Peers>,
    links: Mutex<BTreeMap<PublicKey, Arc<Link>>>,
    /// Those that have not said hello yet as well.
    all: Mutex<Vec<Arc<Link>>>,
}

impl<A: Application> Net<A> {
    pub(crate) fn new(key: Keypair, application: A) -> Arc<Self> {
        let peers = Mutex::new(Peers::new(key, Limits::default()));
        let (links, all) = Default::default();
        Arc::new(Self { application, key, started: Instant::now(), peers, links, all })
    }

    pub(crate) fn messenger(&self) -> Messenger {
        lock(&self.peers).messenger().clone()
    }

    pub(crate) fn counts(&self) -> Counts {
        lock(&self.peers).counts()
    }

    /// How many messages wait for all peers together.
    pub(crate) fn waiting(&self) -> usize {
        let peers = lock(&self.peers);
        peers.able().map(|id| peers.waiting(&id)).sum()
    }

    /// Connects to a node over a stream.
    pub(crate) fn connect(self: &Arc<Self>, stream: TcpStream, id: PublicKey) -> Result<Arc<Link>, String> {
        let connection = Connection::outbound(&self.key, id, random(), &config(), now());
        self.start(connection.map_err(|error| error.to_string())?, stream, false)
    }

    /// Lets somebody connect.
    pub(crate) fn accept(self: &Arc<Self>, stream: TcpStream) -> Result<Arc<Link>, String> {
        let connection = Connection::inbound(&self.key, random(), &config(), now());
        self.start(connection.map_err(|error| error.to_string())?, stream, true)
    }

    fn start(
        self: &Arc<Self>,
        connection: Connection,
        stream: TcpStream,
        is_inbound: bool,
    ) -> Result<Arc<Link>, String> {
        let link = Link::new(connection, stream, is_inbound).map_err(|error| error.to_string())?;
        let link = Arc::new(link);
        lock(&self.all).push(Arc::clone(&link));
        let (net, reading) = (Arc::clone(self), Arc::clone(&link));
        thread::spawn(move || {
            reading.read(|event| net.heard(&reading, event));
            net.ended(&reading);
        });
        let (net, writing) = (Arc::clone(self), Arc::clone(&link));
        thread::spawn(move || writing.write(|id| net.next_for(&id)));
        Ok(link)
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn heard(&self, link: &Arc<Link>, event: Event) {
        let Some(id) = link.node_id() else { return };
        match event {
            Event::Connected(init) => {
                let takes = init.onion_messages() == OnionMessages::Accepted;
                let before = lock(&self.links).insert(id, Arc::clone(link));
                lock(&self.peers).connected(id, link.is_inbound, takes, self.now());
                // Who connects again has lost the first connection.
                before.iter().for_each(|before| before.close());
            }
            Event::OnionMessage(message) => {
                lock(&self.peers).receive(&id, message, self.now());
                self.turn();
            }
            _ => {}
        }
    }

    fn ended(&self, link: &Arc<Link>) {
        lock(&self.all).retain(|other| !Arc::ptr_eq(other, link));
        let Some(id) = link.node_id() else { return };
        let mut links = lock(&self.links);
        if links.get(&id).is_some_and(|other| Arc::ptr_eq(other, link)) {
            links.remove(&id);
            lock(&self.peers).disconnected(&id);
        }
    }

    fn next_for(&self, id: &PublicKey) -> (Option<OnionMessage>, Option<Duration>) {
        let mut peers = lock(&self.peers);
        let message = peers.next_to_send(id, self.now());
        let again = (peers.waiting(id) > 0).then_some(Duration::from_millis(50));
        (message, again)
    }

    /// Opens what can be opened now, and answers it. To be called now and then, since some may have to wait.
    pub(crate) fn turn(&self) {
        let next = || lock(&self.peers).next(self.now(), &NoChannels);
        while let Some(arrived) = next() {
            let sent = match arrived {
                Arrived::Message { message, hop_key, .. } => {
                    self.application.receive(message, &hop_key).map(|answer| self.send(&answer))
                }
                Arrived::Query { query, .. } => self.application.query(&query).map(|answer| self.send_dns(&answer)),
                Arrived::Proof { proof, .. } => {
                    self.application.proof(&proof);
                    None
                }
                _ => None,
            };
            if let Some(Err(error)) = sent {
                self.application.not_sent(&error);
            }
        }
    }

    pub(crate) fn send(&self, outgoing: &OutgoingMessage) -> Result<PublicKey, SendError> {
        self.send_from(None, outgoing)
    }

    /// The same, over a path that starts at a channel of this node, if it starts at a channel.
    pub(crate) fn send_from(
        &self,
        start: Option<PublicKey>,
        outgoing: &OutgoingMessage,
    ) -> Result<PublicKey, SendError> {
        let channels = |_: ShortChannelId, _: Direction| start;
        let sent = lock(&self.peers).send(outgoing, random(), self.now(), &channels);
        sent.inspect(|id| self.wake(id))
    }

    /// Asks for a name, or answers.
    pub(crate) fn send_dns(&self, outgoing: &OutgoingDnsMessage) -> Result<PublicKey, SendError> {
        let sent = lock(&self.peers).send_dns(outgoing, random(), self.now(), &NoChannels);
        sent.inspect(|id| self.wake(id))
    }

    fn wake(&self, id: &PublicKey) {
        let link = lock(&self.links).get(id).cloned();
        link.iter().for_each(|link| link.wake());
    }

    /// Ends all connections.
    pub(crate) fn close(&self) {
        lock(&self.all).iter().for_each(|link| link.close());
    }
}

fn config() -> Config {
    // Mainnet is meant where no chain is named; this does not care.
    let config = Config::new(ChainHash::using_genesis_block_const(Network::Bitcoin));
    let timeouts = Timeouts { handshake: Duration::from_secs(10), ..Timeouts::default() };
    Config { networks: Vec::new(), timeouts, ..config }
}

/// Prints a line. Whoever closed the output wants no more of it, which is no reason to panic in the middle of
/// something.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// The same for what goes wrong.
pub(crate) fn complain(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}
