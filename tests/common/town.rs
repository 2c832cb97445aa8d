//! Some nodes with their peers, and a clock that is put forward: no sockets.
#![allow(dead_code, reason = "every test uses its own share")]

use std::time::Duration;

use bolt12::exchange::{Action, MessageArrival, OffersMessageKind, OutgoingMessage, PathId, Payee, Payer};
use bolt12::onion::{BlindedPathBuilder, Contents, OnionMessage, OnionMessageBuilder};
use bolt12::peers::{Arrived, Limits, NoChannels, Peers, SendError, Standing};
use bolt12::secp256k1::{Keypair, PublicKey, Secp256k1};
use bolt12::{BlindedPath, ChainHash, InvoiceError, Msat, Offer, OfferBuilder, UnixTime};

pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// The parts that are played.
pub(crate) const ISSUER: u16 = 0;
pub(crate) const MIDDLE: u16 = 1;
pub(crate) const PAYER: u16 = 2;
/// Numbers of strangers begin here.
pub(crate) const STRANGERS: u16 = 1_000;

pub(crate) fn key(number: u16) -> Keypair {
    let mut secret = [0x21; 32];
    secret[..2].copy_from_slice(&number.to_be_bytes());
    Keypair::from_seckey_slice(&Secp256k1::new(), &secret).unwrap()
}

pub(crate) fn id(number: u16) -> PublicKey {
    key(number).public_key()
}

/// One node: it answers requests for its offer with an error, and counts the answers to its own.
pub(crate) struct Node {
    pub(crate) number: u16,
    pub(crate) peers: Peers,
    pub(crate) payee: Payee,
    pub(crate) offer: Offer,
    pub(crate) requests: u32,
    pub(crate) answers: Vec<PathId>,
    pub(crate) unanswered: Vec<SendError>,
    /// Who gave it the onions that it opened, in their order.
    pub(crate) brought: Vec<PublicKey>,
    pub(crate) others: u32,
}

impl Node {
    /// Another offer of it, over such a path, or without one.
    pub(crate) fn offer_over(&self, through: &[u16]) -> Offer {
        offer(&self.peers, &self.payee, through)
    }
}

pub(crate) struct Town {
    pub(crate) now: Duration,
    pub(crate) nodes: Vec<Node>,
    randomness: u64,
    /// A request for an offer, which strangers send again and again in new onions.
    made: Option<(Offer, Vec<u8>)>,
}

impl Town {
    /// So many nodes, numbered from 0, that pass messages on or do not. Nobody is connected to anybody.
    pub(crate) fn new(count: u16, limits: Limits, passes_on: bool) -> Self {
        let mut town = Self { now: Duration::from_secs(1_000), nodes: Vec::new(), randomness: 0, made: None };
        for number in 0..count {
            town.add(number, limits, passes_on);
        }
        town
    }

    pub(crate) fn add(&mut self, number: u16, limits: Limits, passes_on: bool) {
        let mut peers = Peers::new(key(number), limits);
        peers.pass_on(passes_on);
        let payee = Payee::new(key(number).secret_bytes());
        let offer = offer(&peers, &payee, &[]);
        let (answers, unanswered, brought) = Default::default();
        let node = Node { number, peers, payee, offer, requests: 0, answers, unanswered, brought, others: 0 };
        self.nodes.push(node);
    }

    pub(crate) fn node(&mut self, number: u16) -> &mut Node {
        self.nodes.iter_mut().find(|node| node.number == number).unwrap()
    }

    pub(crate) fn random(&mut self) -> [u8; 32] {
        self.randomness += 1;
        let mut bytes = [0x31; 32];
        bytes[..8].copy_from_slice(&self.randomness.to_be_bytes());
        bytes
    }

    /// One node connects to another.
    pub(crate) fn connect(&mut self, from: u16, to: u16) {
        let now = self.now;
        self.node(from).peers.connected(id(to), false, true, now);
        self.node(to).peers.connected(id(from), true, true, now);
    }

    /// Somebody who is no node here comes to one.
    pub(crate) fn comes(&mut self, stranger: u16, to: u16) {
        let now = self.now;
        self.node(to).peers.connected(id(stranger), true, true, now);
    }

    /// Has a node send something of its own.
    pub(crate) fn send(&mut self, from: u16, outgoing: &OutgoingMessage) -> Result<PublicKey, SendError> {
        let (randomness, now) = (self.random(), self.now);
        self.node(from).peers.send(outgoing, randomness, now, &NoChannels)
    }

    /// A stranger hands a node an onion.
    pub(crate) fn hand(&mut self, stranger: u16, to: u16, onion: OnionMessage) {
        let now = self.now;
        self.node(to).peers.receive(&id(stranger), onion, now);
    }

    /// A request for a node's offer, with any reply path: what a stranger can make.
    pub(crate) fn request(&mut self, offer: &Offer, reply_path: Option<&BlindedPath<'_>>) -> OnionMessage {
        let made = self.made.take().filter(|(made, _)| made == offer);
        let made = made.unwrap_or_else(|| (offer.clone(), self.ask(offer).message.as_bytes().to_vec()));
        let bytes = self.made.insert(made).1.clone();
        let path = offer.paths().and_then(|paths| paths.iter().next());
        let contents = Contents::InvoiceRequest(&bytes);
        let mut message = match &path {
            Some(path) => OnionMessageBuilder::over(path, contents),
            None => OnionMessageBuilder::to_node(offer.issuer_id().unwrap(), contents),
        };
        if let Some(path) = reply_path {
            message = message.reply_path(path);
        }
        message.build(self.random()).unwrap().message
    }

    /// What a node asks for an offer.
    pub(crate) fn ask(&mut self, offer: &Offer) -> OutgoingMessage {
        match payment(offer, self.random()) {
            Action::Send(outgoing) => *outgoing,
            other => panic!("{other:?}"),
        }
    }

    /// Lets a node open what it can, and answer.
    pub(crate) fn hear(&mut self, number: u16) {
        let now = self.now;
        while let Some(arrived) = self.node(number).peers.next(now, &NoChannels) {
            let node = self.node(number);
            let (from, message) = match arrived {
                Arrived::Message { from, message, .. } => (from, message),
                _ => {
                    node.others += 1;
                    continue;
                }
            };
            node.brought.push(from);
            match (message.kind, message.arrival) {
                (OffersMessageKind::InvoiceRequest, _) => {
                    node.requests += 1;
                    let Ok(request) = node.payee.receive(message) else { continue };
                    let Some(answer) = request.refuse(InvoiceError::new("out of tea").unwrap()) else { continue };
                    if let Err(error) = self.send(number, &answer) {
                        self.node(number).unanswered.push(error);
                    }
                }
                (_, MessageArrival::Path(path_id)) => node.answers.push(path_id),
                _ => node.others += 1,
            }
        }
    }

    /// What a node gives a peer now.
    pub(crate) fn given(&mut self, from: u16, to: u16) -> Vec<OnionMessage> {
        let now = self.now;
        std::iter::from_fn(|| self.node(from).peers.next_to_send(&id(to), now)).collect()
    }

    /// Lets time pass, in steps of ten milliseconds, and carries what nodes of the town send each other.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let numbers: Vec<u16> = self.nodes.iter().map(|node| node.number).collect();
        loop {
            for from in &numbers {
                for to in &numbers {
                    for onion in self.given(*from, *to) {
                        let now = self.now;
                        self.node(*to).peers.receive(&id(*from), onion, now);
                    }
                }
            }
            numbers.iter().for_each(|number| self.hear(*number));
            if self.now >= end {
                return;
            }
            self.now += Duration::from_millis(10);
        }
    }
}

/// An offer of a node that can be reached over such a path; over none, it names the node.
fn offer(peers: &Peers, payee: &Payee, through: &[u16]) -> Offer {
    let new = payee.new_offer([7; 16]);
    let builder = match through {
        [] => OfferBuilder::new(peers.messenger().node_id()),
        through => {
            let through: Vec<_> = through.iter().map(|number| id(*number)).collect();
            let path = peers.messenger().path(&through, new.path_id(0)).dummy_hops(1);
            OfferBuilder::with_paths([path.build([9; 32]).unwrap()])
        }
    };
    new.build(builder.description("tea").amount_msat(Msat(9_000))).unwrap()
}

/// The path of somebody who is no node here, through these.
pub(crate) fn path_to(number: u16, through: &[u16]) -> BlindedPath<'static> {
    let path = BlindedPathBuilder::new(id(number)).path_id([8; 32]);
    through.iter().fold(path, |path, number| path.through(id(*number))).build([3; 32]).unwrap()
}

fn payment(offer: &Offer, entropy: [u8; 32]) -> Action {
    let draft = Payer::new([5; 32]).draft(offer, NOW, &[ChainHash::BITCOIN]).unwrap();
    draft.start(entropy, NOW, UnixTime(NOW.0 + 600)).unwrap().poll(NOW).unwrap()
}

/// Has a node take one of its peers for somebody that it knows.
pub(crate) fn know(town: &mut Town, node: u16, peer: u16, standing: Standing) {
    town.node(node).peers.set_standing(id(peer), standing);
}
