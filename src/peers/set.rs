//! All peers that are connected, and which of them are heard.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use secp256k1::{Keypair, PublicKey};

use super::bucket::Bucket;
use super::counts::Counts;
use super::limits::{Budget, Limits};
use super::lost::Lost;
use super::peer::{Peer, Standing};
use super::seen::Seen;
use crate::exchange::Messenger;
use crate::field::{Direction, ShortChannelId};

/// What is known of channels: our own, and those of others, from gossip for example. A function will do.
///
/// Paths may name a node by one end of a channel (MSG-5), as those of LDK do. With nothing known (`&NoChannels`), an
/// answer whose path starts so goes to the peer that brought the question.
pub trait Channels {
    /// The node at this end of a channel. Of our own channels, both ends are known (EXC-21).
    fn end(&self, scid: ShortChannelId, end: Direction) -> Option<PublicKey>;
}

impl<F: Fn(ShortChannelId, Direction) -> Option<PublicKey>> Channels for F {
    fn end(&self, scid: ShortChannelId, end: Direction) -> Option<PublicKey> {
        self(scid, end)
    }
}

/// Nothing is known of channels.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoChannels;

impl Channels for NoChannels {
    fn end(&self, _: ShortChannelId, _: Direction) -> Option<PublicKey> {
        None
    }
}

/// How often a place changes hands.
const TURNOVER: Budget = Budget { burst: 256, per_second: 64 };

/// How much of that is left for those that had no place for a while. Else a flood of those that lose one again and again
/// would use it up, and nobody new would be heard.
const FOR_OTHERS: u32 = 128;

/// How long it is not looked again for somebody that gives way, after there was nobody: looking takes time.
const LOOK_AGAIN: Duration = Duration::from_millis(15);

/// The peers of a wallet or an issuer, as far as onion messages go: whom to hear, how often, and over whom to send.
///
/// It knows no sockets and no clock. `now` is the time since any fixed moment, which never goes back: that of a
/// [`std::time::Instant`](https://doc.rust-lang.org/std/time/struct.Instant.html), for example. What arrives goes in by
/// [`receive`](Self::receive), and comes out of [`next`](Self::next) when it is its turn. What is to be sent goes in by
/// [`send`](Self::send), and comes out of [`next_to_send`](Self::next_to_send) as fast as the peer takes it. Come back
/// at [`wake_at`](Self::wake_at). [The module](crate::peers) has the whole loop.
pub struct Peers {
    pub(super) messenger: Messenger,
    pub(super) limits: Limits,
    pub(super) peers: BTreeMap<PublicKey, Peer>,
    /// What the application said.
    named: BTreeMap<PublicKey, Standing>,
    pub(super) newcomers: Bucket,
    pub(super) all_strangers: Bucket,
    pub(super) seen: Seen,
    /// Who has something that is not opened yet, the next in turn first: a name that somebody chose well comes no
    /// sooner.
    pub(super) unopened: VecDeque<PublicKey>,
    /// The strangers that are heard, and how often that changes.
    pub(super) places: Vec<PublicKey>,
    turnover: Bucket,
    /// When nobody gave way.
    nobody_at: Option<Duration>,
    lost: Lost,
    /// How many bytes of strangers are not opened yet.
    pub(super) strangers_bytes: usize,
    /// The requests for which a wrong invoice was answered.
    pub(super) answered: super::answered::Answered,
    pub(super) turns: usize,
    pub(super) passes_on: bool,
    pub(super) counts: Counts,
}

impl Peers {
    /// For the node with this key, which is the one that the peers know.
    pub fn new(node: Keypair, limits: Limits) -> Self {
        let start = Duration::ZERO;
        Self {
            messenger: Messenger::new(node),
            limits,
            peers: BTreeMap::new(),
            named: BTreeMap::new(),
            newcomers: Bucket::full(limits.newcomers, start),
            all_strangers: Bucket::full(limits.all_strangers, start),
            seen: Seen::default(),
            unopened: VecDeque::new(),
            places: Vec::new(),
            turnover: Bucket::full(TURNOVER, start),
            nobody_at: None,
            lost: Lost::default(),
            strangers_bytes: 0,
            answered: super::answered::Answered::default(),
            turns: 0,
            passes_on: false,
            counts: Counts::default(),
        }
    }

    /// Passes messages on from one peer to another, as nodes do. It does not by default.
    pub fn pass_on(&mut self, passes_on: bool) {
        self.passes_on = passes_on;
    }

    /// What makes paths to this node, for offers and refunds.
    pub fn messenger(&self) -> &Messenger {
        &self.messenger
    }

    /// Says what a peer is to us, whether it is connected or not. Who has a channel with us is [kept](Standing::Kept).
    pub fn set_standing(&mut self, peer: PublicKey, standing: Standing) {
        match standing {
            Standing::Stranger => drop(self.named.remove(&peer)),
            known => drop(self.named.insert(peer, known)),
        }
        let Some(connected) = self.peers.get_mut(&peer).filter(|peer| peer.is_inbound) else { return };
        let was_stranger = connected.is_stranger();
        connected.standing = standing;
        let bytes = connected.unopened_bytes;
        match (was_stranger, connected.is_stranger()) {
            (true, false) => {
                self.strangers_bytes = self.strangers_bytes.saturating_sub(bytes);
                self.places.retain(|id| *id != peer);
            }
            (false, true) => {
                self.strangers_bytes = self.strangers_bytes.saturating_add(bytes);
                if connected.has_place {
                    self.places.push(peer);
                }
            }
            _ => {}
        }
    }

    /// What a peer is to us.
    pub fn standing(&self, peer: &PublicKey) -> Standing {
        let named = || self.named.get(peer).copied().unwrap_or(Standing::Stranger);
        self.peers.get(peer).map_or_else(named, |peer| peer.standing)
    }

    /// A peer is connected, and has said `init`. `is_inbound` says that it came to us; `takes_onion_messages` whether
    /// it takes ours: its `init` says that it takes those of anyone, or of its channel partners and we are one. If not,
    /// it is sent none, but heard: what a node takes says nothing of what it sends. That can
    /// [change](Self::set_takes_onion_messages).
    ///
    /// Nobody is refused: who is one too many has the place of the stranger that was idle longest, as soon as it says
    /// something.
    pub fn connected(&mut self, peer: PublicKey, is_inbound: bool, takes_onion_messages: bool, now: Duration) {
        self.disconnected(&peer);
        let standing = if is_inbound { self.standing(&peer) } else { Standing::Chosen };
        self.peers.insert(peer, Peer::new(is_inbound, standing, takes_onion_messages, &self.limits, now));
        if standing != Standing::Stranger || self.places.len() < self.limits.strangers {
            self.make_place(&peer, now);
        }
    }

    /// Says that a connected peer takes our onion messages from now on, or no more: those that take them only from
    /// channel partners do while there is a channel.
    pub fn set_takes_onion_messages(&mut self, peer: &PublicKey, takes_onion_messages: bool) {
        if let Some(peer) = self.peers.get_mut(peer) {
            peer.is_able = takes_onion_messages;
        }
    }

    /// A connection has ended. What waits for the peer is dropped: anyone who waits for an answer asks again.
    pub fn disconnected(&mut self, peer: &PublicKey) {
        self.clear(peer);
        self.peers.remove(peer);
    }

    /// Drops what waits for a peer, or from it, and its place.
    fn clear(&mut self, id: &PublicKey) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        if peer.is_stranger() {
            self.strangers_bytes = self.strangers_bytes.saturating_sub(peer.unopened_bytes);
        }
        if peer.has_place {
            peer.has_place = false;
            self.places.retain(|other| other != id);
        }
        let lost = u64::try_from(peer.clear()).unwrap_or(u64::MAX);
        self.counts.disconnected = self.counts.disconnected.saturating_add(lost);
        self.unopened.retain(|other| other != id);
    }

    /// Gives a peer its place among those that are heard. A stranger takes that of the idlest, if there is no other.
    /// Where all are busy, one that has more than one message waiting makes room, or nobody: else all would be pushed
    /// out by turns before anything is opened.
    pub(super) fn make_place(&mut self, id: &PublicKey, now: Duration) {
        let Some(peer) = self.peers.get(id).filter(|peer| !peer.has_place) else { return };
        if peer.is_stranger() {
            if self.places.len() >= self.limits.strangers && !self.free_place(self.lost.has(id, now), now) {
                return;
            }
            self.places.push(*id);
        }
        if let Some(peer) = self.peers.get_mut(id) {
            peer.has_place = true;
        }
    }

    /// Takes the place of the idlest, if it is time for that.
    fn free_place(&mut self, lost_one_lately: bool, now: Duration) -> bool {
        let wanted = if lost_one_lately { FOR_OTHERS.saturating_add(1) } else { 1 };
        let looked_just_now = |at: Duration| at <= now && now < at.saturating_add(LOOK_AGAIN);
        if !self.turnover.has(wanted, now) || self.nobody_at.is_some_and(looked_just_now) {
            return false;
        }
        let Some(idlest) = self.idlest(now) else {
            self.nobody_at = Some(now);
            return false;
        };
        self.turnover.spend(1);
        self.clear(&idlest);
        self.lost.add(idlest, now);
        true
    }

    /// The stranger that gives way.
    fn idlest(&self, now: Duration) -> Option<PublicKey> {
        let placed = || self.places.iter().filter_map(|id| Some((id, self.peers.get(id)?)));
        let idle = placed().filter(|(_, peer)| !peer.is_busy(now)).min_by_key(|(_, peer)| peer.active_at);
        let greedy = || placed().filter(|(_, peer)| peer.waiting() > 1).max_by_key(|(_, peer)| peer.waiting());
        Some(*idle.or_else(greedy)?.0)
    }

    /// The peers that can be sent onion messages.
    pub fn able(&self) -> impl Iterator<Item = PublicKey> + '_ {
        self.peers.iter().filter(|(_, peer)| peer.is_able).map(|(id, _)| *id)
    }

    /// The peers through which we begin something: those that we connected to, and those that are named.
    pub fn chosen(&self) -> impl Iterator<Item = PublicKey> + '_ {
        let chosen = self.peers.iter().filter(|(_, peer)| peer.is_able && peer.standing == Standing::Chosen);
        chosen.map(|(id, _)| *id)
    }

    /// How many are connected, whether they take onion messages or not.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// How many messages wait to be sent to a peer.
    pub fn waiting(&self, peer: &PublicKey) -> usize {
        self.peers.get(peer).map_or(0, |peer| peer.queue.len())
    }

    /// What was heard, and what was dropped.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    pub(super) fn is_able(&self, peer: &PublicKey) -> bool {
        self.peers.get(peer).is_some_and(|peer| peer.is_able)
    }

    /// What was taken off the budgets: that of a peer, that of newcomers, and that of all strangers.
    #[cfg(test)]
    pub(super) fn spent(&self, peer: &PublicKey) -> [u32; 3] {
        [self.peers[peer].budget, self.newcomers, self.all_strangers].map(|bucket| bucket.spent())
    }
}

/// Shows no secret.
impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peers")
            .field("node_id", &format_args!("{}", self.messenger.node_id()))
            .field("peers", &self.peers.len())
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onion::NextHop;
    use crate::peers::queue::{Kind, Source};
    use crate::peers::{id, key, onion};
    use sha2::{Digest, Sha256};

    /// MSG-5: a channel of ours is its other end, and of others' the end that is named.
    #[test]
    fn a_node_can_be_named_by_a_channel() {
        let peers = Peers::new(key(1), Limits::default());
        let [own, one, other] = [1, 2, 3].map(|byte| key(byte).public_key());
        let channels = |scid, end| match (scid, end) {
            (ShortChannelId(1), Direction::NodeOne) => Some(one),
            (ShortChannelId(1), Direction::NodeTwo) => Some(own),
            (ShortChannelId(2), Direction::NodeOne) => Some(one),
            (ShortChannelId(2), Direction::NodeTwo) => Some(other),
            _ => None,
        };
        let [ours, others, unknown] = [1, 2, 3].map(ShortChannelId);
        for (next, node) in [
            (NextHop::NodeId(other), Some(other)),
            (NextHop::Channel(ours), Some(one)),
            (NextHop::Channel(others), None),
            (NextHop::Channel(unknown), None),
            (NextHop::ChannelEnd(ours, Direction::NodeTwo), Some(own)),
            (NextHop::ChannelEnd(others, Direction::NodeOne), Some(one)),
            (NextHop::ChannelEnd(others, Direction::NodeTwo), Some(other)),
            (NextHop::ChannelEnd(unknown, Direction::NodeOne), None),
        ] {
            assert_eq!(peers.node_at(next, &channels), node, "{next}");
        }
    }

    /// EXC-20: who comes is heard while there is room. Whom we know is heard anyway.
    #[test]
    fn so_many_strangers_have_a_place_at_once() {
        let now = Duration::from_secs(1_000);
        let mut peers = Peers::new(key(1), Limits { strangers: 3, ..Limits::default() });
        let has_place = |peers: &Peers, number| peers.peers[&key(number).public_key()].has_place;
        for number in 11..=15 {
            peers.connected(key(number).public_key(), true, true, now);
            assert_eq!(has_place(&peers, number), number <= 13);
        }
        peers.set_standing(key(16).public_key(), Standing::Kept);
        for (number, is_inbound) in [(16, true), (17, false)] {
            peers.connected(key(number).public_key(), is_inbound, true, now);
            assert!(has_place(&peers, number));
        }
        // Nobody has lost one for it.
        assert!((11..=13).all(|number| has_place(&peers, number)));
    }

    /// EXC-20: where nobody gives way, no turn of a place is used up, and soon it is looked again.
    #[test]
    fn looking_for_a_place_in_vain_uses_up_nothing() {
        let now = Duration::from_secs(1_000);
        let mut peers = Peers::new(key(1), Limits { strangers: 1, ..Limits::default() });
        let [placed, other] = [2, 3].map(|byte| key(byte).public_key());
        for id in [placed, other] {
            peers.connected(id, true, true, now);
            peers.receive(&id, onion(200, 1), now);
        }
        for number in 2..1_000 {
            peers.receive(&other, onion(200, number), now);
        }
        assert!(peers.turnover.has(TURNOVER.burst, now));
        // A second message, and the first gives way: but only after a rest.
        peers.receive(&placed, onion(200, 1_000), now);
        let mut has_place = |now| {
            peers.receive(&other, onion(200, 1_001), now);
            peers.peers[&other].has_place
        };
        assert!(!has_place(now + LOOK_AGAIN - Duration::from_nanos(1)));
        assert!(has_place(now + LOOK_AGAIN));
    }

    /// EXC-20: who loses its place keeps nothing, neither what it sent nor what waits for it, and is heard no more.
    #[test]
    fn nothing_is_kept_of_who_loses_its_place() {
        let now = Duration::from_secs(1_000);
        let limits = Limits { strangers: 1, ..Limits::default() };
        let mut peers = Peers::new(key(1), limits);
        let [placed, other] = [id(2), id(3)];
        for id in [placed, other] {
            peers.connected(id, true, true, now);
        }
        for number in 0..3 {
            peers.receive(&placed, onion(200, number), now);
        }
        let queue = &mut peers.peers.get_mut(&placed).unwrap().queue;
        assert_eq!(queue.push(Source::Peer(other, Kind::Stranger), onion(200, 3), &limits), (true, 0));
        peers.receive(&other, onion(300, 4), now);
        let lost = &peers.peers[&placed];
        assert_eq!((lost.has_place, lost.waiting(), lost.unopened_bytes), (false, 0, 0));
        assert_eq!((&peers.places, peers.strangers_bytes, peers.counts.disconnected), (&Vec::from([other]), 300, 4));
        // It was not pushed out for more than it had: what it sends is not heard while the other keeps its place.
        peers.receive(&placed, onion(200, 5), now);
        assert_eq!((peers.peers[&placed].waiting(), peers.counts.not_heard), (0, 1));
        assert_eq!(peers.next_to_send(&placed, now), None);
    }

    /// EXC-20: whatever peers do, and whatever they become, what strangers have counts, and what others have does not.
    #[test]
    fn what_strangers_have_is_counted_once() {
        let mut peers = Peers::new(key(1), Limits { strangers: 3, unopened_bytes: 8_000, ..Limits::default() });
        let ids = [2, 3, 4, 5, 6].map(|byte| key(byte).public_key());
        for step in 0..3_000usize {
            let now = Duration::from_secs(step as u64);
            let random: [u8; 32] = Sha256::digest(step.to_be_bytes()).into();
            let id = ids[usize::from(random[0]) % ids.len()];
            match random[1] % 16 {
                0 => peers.connected(id, random[2] % 4 > 0, random[3] % 8 > 0, now),
                1 => peers.disconnected(&id),
                2 => peers.set_standing(id, Standing::Stranger),
                3 => peers.set_standing(id, Standing::Kept),
                4 => peers.set_standing(id, Standing::Chosen),
                5 => assert!(peers.next(now, &NoChannels).is_none()),
                _ => peers.receive(&id, onion(200 + usize::from(random[2]), step), now),
            }
            let strangers = || peers.peers.iter().filter(|(_, peer)| peer.is_stranger());
            assert_eq!(peers.strangers_bytes, strangers().map(|(_, peer)| peer.unopened_bytes).sum::<usize>());
            for peer in peers.peers.values() {
                assert_eq!(
                    peer.unopened_bytes,
                    peer.unopened.iter().map(|onion| onion.as_bytes().len()).sum::<usize>()
                );
            }
            let ids = |ids: &mut dyn Iterator<Item = &PublicKey>| {
                let mut ids: Vec<_> = ids.copied().collect();
                ids.sort_unstable();
                ids
            };
            let placed = ids(&mut strangers().filter(|(_, peer)| peer.has_place).map(|(id, _)| id));
            assert_eq!(ids(&mut peers.places.iter()), placed);
            let waiting = ids(&mut peers.peers.iter().filter(|(_, peer)| !peer.unopened.is_empty()).map(|(id, _)| id));
            assert_eq!(ids(&mut peers.unopened.iter()), waiting);
        }
        let counts = peers.counts();
        assert!(counts.too_many > 0 && counts.not_for_us > 0 && counts.disconnected > 0, "{counts}");
    }
}
