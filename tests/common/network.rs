//! A network of onion messages that does everything a network can do to them, for tests of the invoice exchange.
//!
//! It needs this crate and nothing else: copy it into your own tests. Time is yours, chance comes from a seed, so
//! every run can be repeated. `send` takes what an exchange wants sent, `receive` gives what arrives, and `Faults`
//! says how often things go wrong; `counts` says what went wrong, so that a test can see that it tested something.
//!
//! There are no onions here: paths end in a hop whose data is the path id itself.
#![allow(dead_code, reason = "every test file uses its own share")]

use bolt12::exchange::{Destination, IncomingMessage, MessageArrival, OffersMessageKind, OutgoingMessage, PathId};
use bolt12::secp256k1::PublicKey;
use bolt12::{BlindedPath, IntroductionNode, UnixTime};

/// Numbers that look random and follow from a seed (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of `0..end`, and 0 if that is empty.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.number() % end.max(1)
    }

    pub(crate) fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    pub(crate) fn chance(&mut self, per_mille: u16) -> bool {
        self.below(1000) < per_mille.into()
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.number() as u8)
    }
}

/// What can happen to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The sender is told that there is no way.
    Unreachable,
    /// It is lost.
    Drop,
    /// It takes up to two minutes.
    Delay,
    /// It arrives twice.
    Duplicate,
    /// A bit of the message is flipped.
    Tamper,
    /// A bit of the path id that it arrives with is flipped.
    TamperPath,
    /// A bit of the reply path is flipped.
    TamperReply,
    /// One that was sent earlier arrives once more, up to half an hour later.
    Replay,
    /// It arrives over another path, over none, or at another node.
    Misroute,
    /// It changes places with another one of its kind that is on its way: each arrives over the other's path.
    Swap,
    /// It arrives after one that was sent later. Follows from delays; not to be asked for.
    Reorder,
}

pub(crate) const FAULTS: [Fault; 11] = [
    Fault::Unreachable,
    Fault::Drop,
    Fault::Delay,
    Fault::Duplicate,
    Fault::Tamper,
    Fault::TamperPath,
    Fault::TamperReply,
    Fault::Replay,
    Fault::Misroute,
    Fault::Swap,
    Fault::Reorder,
];

/// How often each fault happens, out of 1000 messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults([u16; FAULTS.len()]);

impl Faults {
    pub(crate) const NONE: Self = Self([0; FAULTS.len()]);

    /// All of them this often.
    pub(crate) fn all(per_mille: u16) -> Self {
        Self([per_mille; FAULTS.len()])
    }

    pub(crate) fn with(mut self, fault: Fault, per_mille: u16) -> Self {
        self.0[fault as usize] = per_mille;
        self
    }
}

/// How often each fault happened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts(pub(crate) [u64; FAULTS.len()]);

impl Counts {
    pub(crate) fn of(&self, fault: Fault) -> u64 {
        self.0[fault as usize]
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, count)| *sum += count);
    }
}

/// A message on its way to a node.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) to: PublicKey,
    /// The onion message's TLV that holds it: 64, 66 or 68.
    pub(crate) number: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) arrival: MessageArrival,
    pub(crate) reply_path: Option<BlindedPath<'static>>,
}

impl Packet {
    /// What leaves a node. `make_path` makes the reply path that holds a path id.
    pub(crate) fn new(outgoing: &OutgoingMessage, make_path: impl FnOnce(PathId) -> BlindedPath<'static>) -> Self {
        let (to, arrival) = match &outgoing.destination {
            Destination::Node(node) => (*node, MessageArrival::Direct),
            Destination::Path(path) => (first_node(path), path_via(path)),
        };
        Self {
            to,
            number: outgoing.message.kind().tlv_type(),
            bytes: outgoing.message.as_bytes().to_vec(),
            arrival,
            reply_path: outgoing.reply_path_id.map(make_path),
        }
    }

    /// What the node finds in its onion.
    pub(crate) fn incoming(&self) -> IncomingMessage {
        IncomingMessage {
            kind: OffersMessageKind::from_tlv_type(self.number).expect("one of the three"),
            bytes: self.bytes.clone(),
            arrival: self.arrival,
            reply_path: self.reply_path.clone(),
        }
    }
}

fn first_node(path: &BlindedPath<'_>) -> PublicKey {
    match path.introduction_node() {
        IntroductionNode::NodeId(node) => node.public_key().unwrap(),
        other => panic!("nobody lives at {other:?}"),
    }
}

/// How a message arrives over a path whose last hop holds the path id.
pub(crate) fn path_via(path: &BlindedPath<'_>) -> MessageArrival {
    MessageArrival::path(path.hops().last().map(|hop| hop.encrypted_recipient_data))
}

/// There is no way to where the message should go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreachable;

/// The messages that are under way.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub(crate) faults: Faults,
    pub(crate) counts: Counts,
    random: Random,
    /// When it arrives, the how manyth message it is, and the message.
    on_the_way: Vec<(UnixTime, u64, Packet)>,
    /// Some of what was sent, for replays and wrong paths.
    seen: Vec<Packet>,
    sent: u64,
    /// The latest message that was received.
    latest: u64,
}

impl Network {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        let (random, counts) = (Random::new(seed), Counts::default());
        Self { faults, counts, random, on_the_way: Vec::new(), seen: Vec::new(), sent: 0, latest: 0 }
    }

    fn happens(&mut self, fault: Fault) -> bool {
        let happens = self.random.chance(self.faults.0[fault as usize]);
        self.counts.0[fault as usize] += u64::from(happens);
        happens
    }

    /// Sends a message, which takes 0 to 2 seconds if nothing happens to it.
    pub(crate) fn send(&mut self, mut packet: Packet, now: UnixTime) -> Result<(), Unreachable> {
        if self.happens(Fault::Unreachable) {
            return Err(Unreachable);
        }
        if self.seen.len() < 64 {
            self.seen.push(packet.clone());
        }
        if self.happens(Fault::Replay) {
            let again = self.seen[self.random.index(self.seen.len())].clone();
            self.put(again, now, 1800);
        }
        if self.happens(Fault::Drop) {
            return Ok(());
        }
        if self.happens(Fault::Tamper) {
            let bit = self.random.index(packet.bytes.len() * 8);
            packet.bytes[bit / 8] ^= 1 << (bit % 8);
        }
        if let (MessageArrival::Path(path_id), true) = (&mut packet.arrival, self.happens(Fault::TamperPath)) {
            let bit = self.random.index(256);
            path_id.0[bit / 8] ^= 1 << (bit % 8);
        }
        if let (Some(path), true) = (&packet.reply_path, self.happens(Fault::TamperReply)) {
            let mut bytes = path.as_bytes().to_vec();
            // In the path id, at the end: elsewhere it would be no path.
            let bit = self.random.index(256);
            let at = bytes.len() - 32 + bit / 8;
            bytes[at] ^= 1 << (bit % 8);
            packet.reply_path = Some(BlindedPath::from_bytes(&bytes).unwrap().into_owned());
        }
        if self.happens(Fault::Misroute) {
            let other = self.seen[self.random.index(self.seen.len())].clone();
            match self.random.below(4) {
                0 => packet.arrival = MessageArrival::Direct,
                1 => packet.arrival = MessageArrival::OtherPath,
                2 => packet.arrival = other.arrival,
                _ => (packet.to, packet.arrival) = (other.to, other.arrival),
            }
        }
        let other = self.random.index(self.on_the_way.len());
        if self.happens(Fault::Swap) {
            match self.on_the_way.get_mut(other) {
                Some((_, _, other)) if other.number == packet.number => {
                    std::mem::swap(&mut other.bytes, &mut packet.bytes);
                }
                _ => self.counts.0[Fault::Swap as usize] -= 1,
            }
        }
        let seconds = if self.happens(Fault::Delay) { 120 } else { 3 };
        if self.happens(Fault::Duplicate) {
            self.put(packet.clone(), now, seconds.max(30));
        }
        self.put(packet, now, seconds);
        Ok(())
    }

    fn put(&mut self, packet: Packet, now: UnixTime, seconds: u64) {
        let at = UnixTime(now.0 + self.random.below(seconds));
        self.sent += 1;
        self.on_the_way.push((at, self.sent, packet));
    }

    /// When the next message arrives.
    pub(crate) fn next_at(&self) -> Option<UnixTime> {
        self.on_the_way.iter().map(|(at, _, _)| *at).min()
    }

    /// The next message that has arrived.
    pub(crate) fn receive(&mut self, now: UnixTime) -> Option<Packet> {
        let arrived = self.on_the_way.iter().enumerate().filter(|(_, (at, _, _))| *at <= now);
        let (index, _) = arrived.min_by_key(|(_, (at, sent, _))| (*at, *sent))?;
        let (_, sent, packet) = self.on_the_way.swap_remove(index);
        self.counts.0[Fault::Reorder as usize] += u64::from(sent < self.latest);
        self.latest = self.latest.max(sent);
        Some(packet)
    }
}
