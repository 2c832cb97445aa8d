//! Target `peers`: what peers of every standing do, in any order and at any time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::time::Duration;

use bolt12::exchange::{Destination, OffersMessage, OutgoingMessage, PathId};
use bolt12::onion::{BlindedPathBuilder, Contents, OnionMessage, OnionMessageBuilder};
use bolt12::peers::{Arrived, Budget, Limits, Pace, Peers, SendError, Standing};
use bolt12::secp256k1::{Keypair, PublicKey};
use bolt12::{BlindedPath, Direction, InvoiceError, ShortChannelId};

use super::keys;

/// How many peers there are.
const PEERS: usize = 6;

/// So little that a short input meets each of them.
const LIMITS: Limits = Limits {
    strangers: 2,
    peer: Budget { burst: 40, per_second: 8 },
    newcomers: Budget { burst: 60, per_second: 8 },
    all_strangers: Budget { burst: 80, per_second: 12 },
    unopened: 3,
    unopened_bytes: 8 << 10,
    waiting: 4,
    waiting_bytes: 6 << 10,
    own_waiting: 3,
    pace: Pace { at_once: 2, every: Duration::from_millis(300) },
    answers_invoices: true,
};

fn own() -> PublicKey {
    keys::issuer().public_key()
}

fn ids() -> &'static [PublicKey; PEERS] {
    static IDS: OnceLock<[PublicKey; PEERS]> = OnceLock::new();
    IDS.get_or_init(|| {
        let key = |byte: u8| Keypair::from_seckey_slice(keys::context(), &[byte; 32]).expect("in range");
        [0x61, 0x62, 0x63, 0x64, 0x65, 0x66].map(|byte| key(byte).public_key())
    })
}

/// Channels 0 to 5 are ours, with each of the peers. Of others nothing is known.
fn channels(scid: ShortChannelId, end: Direction) -> Option<PublicKey> {
    let peer = ids().get(usize::try_from(scid.0).ok()?)?;
    Some(if end == Direction::NodeOne { own() } else { *peer })
}

/// A path whose first key is its own.
fn path(builder: BlindedPathBuilder<'_>, session: u8) -> BlindedPath<'static> {
    builder.build([session; 32]).expect("a path")
}

/// Reply paths of every kind: to a peer, to a peer behind us, and from a channel, ours or another's.
fn reply_paths() -> &'static [BlindedPath<'static>] {
    static PATHS: OnceLock<Vec<BlindedPath<'static>>> = OnceLock::new();
    PATHS.get_or_init(make_reply_paths)
}

fn make_reply_paths() -> Vec<BlindedPath<'static>> {
    let mut paths = Vec::new();
    for (at, id) in (0u8..).zip(ids()) {
        paths.push(path(BlindedPathBuilder::new(*id), 0x80 + at));
        paths.push(path(BlindedPathBuilder::new(*id).through(own()), 0x90 + at));
    }
    for (at, scid) in [(0, 1), (1, 2), (2, 99)] {
        let builder = BlindedPathBuilder::new(ids()[5]).through(ids()[at]);
        paths.push(path(builder.introduction_by_channel(ShortChannelId(scid), Direction::NodeTwo), 0xa0 + at as u8));
    }
    paths
}

/// What there is to be said: requests and wrong invoices with each of these paths, requests that want no answer, and
/// what is to be passed on to each of the peers.
fn messages() -> &'static [OnionMessage] {
    static MESSAGES: OnceLock<Vec<OnionMessage>> = OnceLock::new();
    MESSAGES.get_or_init(|| {
        let ours = path(BlindedPathBuilder::own(keys::issuer()).path_id([7; 32]).dummy_hops(1), 0x70);
        let mut session = 0;
        let mut message = |over: &BlindedPath<'_>, contents, reply_path: Option<&BlindedPath<'_>>| {
            session += 1;
            let builder = OnionMessageBuilder::over(over, contents);
            let builder = reply_path.into_iter().fold(builder, |builder, path| builder.reply_path(path));
            builder.build([session; 32]).expect("a message").message
        };
        let mut all = Vec::new();
        for reply_path in reply_paths() {
            all.push(message(&ours, Contents::InvoiceRequest(b"a request"), Some(reply_path)));
        }
        all.push(message(&ours, Contents::InvoiceRequest(b"a request"), None));
        all.push(message(&ours, Contents::Invoice(b"an invoice"), Some(&reply_paths()[0])));
        for id in ids() {
            let through_us = path(BlindedPathBuilder::new(*id).through(own()), 0xb0);
            all.push(message(&through_us, Contents::InvoiceError(b"an error"), None));
        }
        all
    })
}

fn refusal() -> OffersMessage {
    OffersMessage::InvoiceError(InvoiceError::new("no").expect("a sentence"))
}

struct Connected {
    is_inbound: bool,
    is_able: bool,
}

struct World {
    peers: Peers,
    now: Duration,
    connected: BTreeMap<usize, Connected>,
    named: [Standing; PEERS],
    /// How many messages came, how many were to be sent, and how many were taken to be sent.
    came: u64,
    sent: u64,
    taken: u64,
    /// What was opened, for us.
    opened: BTreeSet<Vec<u8>>,
    /// Answers that take their time, and who brought what they answer.
    late: Vec<(PublicKey, OutgoingMessage)>,
    number: u16,
}

impl World {
    fn standing(&self, at: usize) -> Standing {
        match self.connected.get(&at) {
            Some(peer) if !peer.is_inbound => Standing::Chosen,
            _ => self.named[at],
        }
    }

    fn at(id: &PublicKey) -> usize {
        ids().iter().position(|other| other == id).expect("one of the peers")
    }

    /// EXC-19: only whoever asked, and peers of our choice, get what we send.
    fn sent(&mut self, result: Result<PublicKey, SendError>, asked: Option<PublicKey>) {
        match result {
            Ok(first) => {
                self.sent += 1;
                assert!(Some(first) == asked || self.standing(Self::at(&first)) == Standing::Chosen);
                assert!(self.connected.get(&Self::at(&first)).is_some_and(|peer| peer.is_able));
            }
            Err(SendError::Full(first)) => assert!(self.peers.waiting(&first) > 0),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }

    fn numbered(&mut self) -> [u8; 32] {
        self.number += 1;
        let mut bytes = [9; 32];
        bytes[..2].copy_from_slice(&self.number.to_be_bytes());
        bytes
    }

    /// Opens the next message, and answers it, now or later.
    fn open(&mut self, answers: bool) -> bool {
        let Some(arrived) = self.peers.next(self.now, &channels) else { return false };
        let (Arrived::Message { onion, .. } | Arrived::Query { onion, .. } | Arrived::Proof { onion, .. }) = &arrived
        else {
            return true;
        };
        assert!(self.opened.insert(onion.as_bytes().to_vec()), "this was opened before");
        if let Arrived::Message { from, message, .. } = arrived {
            if let Some(reply_path) = message.reply_path {
                let destination = Destination::Path(reply_path);
                let answer = OutgoingMessage { message: refusal(), destination, reply_path_id: None };
                match answers {
                    true => self.answer(&answer, from),
                    false => self.late.push((from, answer)),
                }
            }
        }
        true
    }

    fn answer(&mut self, answer: &OutgoingMessage, from: PublicKey) {
        let randomness = self.numbered();
        let result = self.peers.send(answer, randomness, self.now, &channels);
        self.sent(result, Some(from));
    }

    /// One of those that were put off.
    fn answer_late(&mut self, detail: u8) {
        if let Some(at) = usize::from(detail).checked_rem(self.late.len()) {
            let (from, answer) = self.late.swap_remove(at);
            self.answer(&answer, from);
        }
    }

    /// Something of ours, to a peer or over a path.
    fn begin(&mut self, detail: u8) {
        let destination = match usize::from(detail) {
            at @ 0..PEERS => Destination::Node(ids()[at]),
            at => {
                let paths = reply_paths();
                Destination::Path(paths[at % paths.len()].clone())
            }
        };
        let (reply_path_id, randomness) = (Some(PathId(self.numbered())), self.numbered());
        let asked = OutgoingMessage { message: refusal(), destination, reply_path_id };
        let result = self.peers.send(&asked, randomness, self.now, &channels);
        self.sent(result, None);
    }

    fn take(&mut self, at: usize) -> bool {
        let taken = self.peers.next_to_send(&ids()[at], self.now).is_some();
        assert!(!taken || self.connected.contains_key(&at));
        self.taken += u64::from(taken);
        taken
    }

    /// Does all that can be done now. Then there is nothing to do before another time.
    fn settle(&mut self, answers: bool) {
        while self.open(answers) || (0..PEERS).any(|at| self.take(at)) {}
        assert!(self.peers.wake_at().is_none_or(|at| at > self.now), "woken for nothing");
    }

    /// How many messages wait to be opened: nothing else is unaccounted for.
    fn unopened(&self) -> u64 {
        let counts = self.peers.counts();
        let waiting: usize = ids().iter().map(|id| self.peers.waiting(id)).sum();
        // What is passed on is counted when it came, and when it was taken.
        let came = self.came + self.sent + counts.passed_on;
        let went = counts.heard + counts.passed_on + counts.dropped() + self.taken + waiting as u64;
        came.checked_sub(went).expect("nothing is counted twice")
    }

    fn holds(&self) {
        assert_eq!(self.peers.len(), self.connected.len());
        for (at, id) in ids().iter().enumerate() {
            assert_eq!(self.peers.standing(id), self.standing(at));
            assert!(self.peers.waiting(id) <= LIMITS.waiting + LIMITS.own_waiting);
            assert!(self.connected.contains_key(&at) || self.peers.waiting(id) == 0);
        }
        let able: BTreeSet<PublicKey> = self.peers.able().collect();
        let expected = self.connected.iter().filter(|(_, peer)| peer.is_able).map(|(at, _)| ids()[*at]);
        assert_eq!(able, expected.collect());
        assert!(self.unopened() <= (LIMITS.unopened * self.connected.len()) as u64);
    }
}

/// What happens, one after the other: each is a byte, and one that says to whom and how. The first byte says whether
/// messages are passed on.
pub fn check(data: &[u8]) {
    let Some((passes_on, events)) = data.split_first() else { return };
    let mut peers = Peers::new(*keys::issuer(), LIMITS);
    peers.pass_on(passes_on % 2 == 1);
    let mut world = World {
        peers,
        now: Duration::from_secs(1_000),
        connected: BTreeMap::new(),
        named: [Standing::Stranger; PEERS],
        came: 0,
        sent: 0,
        taken: 0,
        opened: BTreeSet::new(),
        late: Vec::new(),
        number: 0,
    };
    for event in events.chunks_exact(2).take(500) {
        let (kind, detail) = (event[0], event[1]);
        let at = usize::from(detail) % PEERS;
        let id = ids()[at];
        match kind % 10 {
            0 => {
                let (is_inbound, is_able) = (detail & 0x80 == 0, detail & 0x60 != 0);
                world.peers.connected(id, is_inbound, is_able, world.now);
                world.connected.insert(at, Connected { is_inbound, is_able });
            }
            1 => {
                world.peers.disconnected(&id);
                world.connected.remove(&at);
            }
            2 => {
                let standing = [Standing::Stranger, Standing::Kept, Standing::Chosen][usize::from(detail) / PEERS % 3];
                world.peers.set_standing(id, standing);
                world.named[at] = standing;
            }
            3 | 4 => {
                let mut bytes = messages()[usize::from(kind) / 10 % messages().len()].as_bytes().to_vec();
                // Mostly something that nobody can open, and another one each time.
                if kind % 10 == 4 {
                    *bytes.last_mut().expect("a MAC") ^= detail / PEERS as u8 + 1;
                }
                let message = OnionMessage::read(bytes).expect("a message");
                world.peers.receive(&id, message, world.now);
                world.came += 1;
            }
            5 => drop(world.open(detail & 1 == 0)),
            6 => world.settle(detail & 1 == 0),
            7 if detail & 0x80 != 0 => world.answer_late(detail),
            7 => world.begin(detail),
            8 => drop(world.take(at)),
            _ => world.now += Duration::from_millis(4 * u64::from(detail) * u64::from(detail)),
        }
        world.holds();
    }
    // Whatever waits comes to its turn, in a time that the limits give.
    let start = world.now;
    world.settle(true);
    while let Some(at) = world.peers.wake_at() {
        assert!(at > world.now && at < start + Duration::from_secs(120), "waits for {:?}", at - start);
        world.now = at;
        world.settle(true);
    }
    world.holds();
    assert_eq!(world.unopened(), 0, "{}", world.peers.counts());
    assert!(!format!("{:?}", world.peers).is_empty());
}

/// Each kind of event, for each of the peers.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    // 36 is a multiple of 6 whose bits say that it came to us, and takes onion messages.
    let all: Vec<u8> = (0..6u8).flat_map(|at| [0, 36 + at]).collect();
    let asks: Vec<u8> = (0..17u8).flat_map(|message| [message * 10 + 3, message]).collect();
    let junk: Vec<u8> = (0..60u8).flat_map(|number| [4 + number / 6 % 20 * 10, number]).collect();
    let ours: Vec<u8> = (0..20u8).flat_map(|to| [7, to]).collect();
    let named = [2, 6, 2, 13, 2, 2];
    let strangers = [&[0][..], &all, &asks, &[6, 0, 9, 30], &junk, &[6, 0, 9, 100, 6, 0]].concat();
    let known = [&[1][..], &named, &all, &asks, &[5, 0, 6, 0], &ours, &[8, 0, 8, 1, 9, 200, 6, 0], &junk].concat();
    let gone = [&[1][..], &all, &asks, &ours, &[1, 0, 1, 3], &all, &junk, &[2, 12, 2, 0, 6, 1]].concat();
    [("strangers", strangers), ("known", known), ("gone", gone)].map(|(name, it)| (name.to_owned(), it)).into()
}
