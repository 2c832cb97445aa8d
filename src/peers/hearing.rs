//! What peers send.

use alloc::collections::VecDeque;
use core::time::Duration;

use secp256k1::PublicKey;

use super::peer::Peer;
use super::set::{Channels, Peers};
use crate::exchange::{Inbound, IncomingMessage, MessageArrival, OffersMessageKind, ReceivedProof, ReceivedQuery};
use crate::field::{BlindedPath, Brought};
use crate::onion::{Forward, HopKey, OnionMessage, Refusal};

/// What it takes to open a message, before anything is known about it.
const OPENING: u32 = 2;

/// About as long as most answers are.
const ANSWER_LEN: usize = 1_403;

/// Which part of the bytes that strangers have together a peer has that is none.
const SHARE: usize = 16;

/// A message that came, and whose turn it is.
#[derive(Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "it is used at once, and kept nowhere")]
pub enum Arrived {
    /// A message about offers, for us. Give what is to be answered to [`Peers::send`].
    Message {
        /// The peer that brought it.
        from: PublicKey,
        /// The message.
        message: IncomingMessage,
        /// The key under which we were reached (PTH-3).
        hop_key: HopKey,
        /// The same as it came, for anyone else who may want it.
        onion: OnionMessage,
    },
    /// Somebody asks for the proof of a name (DNS-1): what a resolver [answers](Peers::send_dns), and everybody else
    /// drops.
    Query {
        /// The peer that brought it.
        from: PublicKey,
        /// The query.
        query: ReceivedQuery,
        /// The same as it came.
        onion: OnionMessage,
    },
    /// The proof of a name (DNS-2), for the lookup of [`Payer::lookup_of`](crate::exchange::Payer::lookup_of).
    Proof {
        /// The peer that brought it.
        from: PublicKey,
        /// The proof.
        proof: ReceivedProof,
        /// The same as it came.
        onion: OnionMessage,
    },
    /// A message that somebody else may want: it is for us, and about nothing that this crate knows, or to be passed on
    /// where [`Peers::pass_on`] is off.
    Other {
        /// The peer that brought it.
        from: PublicKey,
        /// The message as it came.
        onion: OnionMessage,
    },
}

/// What answers something itself: nobody is told about it, but about an invoice where the limits say so (EXC-19).
fn is_answer(kind: OffersMessageKind) -> bool {
    match kind {
        OffersMessageKind::Invoice | OffersMessageKind::InvoiceError => true,
        #[cfg(feature = "async_payments")]
        OffersMessageKind::StaticInvoice | OffersMessageKind::ReleaseHeldHtlc => true,
        _ => false,
    }
}

impl Peers {
    /// A peer sent a message. It is opened when its turn comes: ask for the [next](Self::next).
    pub fn receive(&mut self, from: &PublicKey, message: OnionMessage, now: Duration) {
        self.make_place(from, now);
        let Some(peer) = self.peers.get(from).filter(|peer| peer.has_place) else {
            self.counts.not_heard = self.counts.not_heard.saturating_add(1);
            return;
        };
        let len = message.as_bytes().len();
        let has_room = peer.unopened.len() < self.limits.unopened
            && match peer.is_stranger() {
                true => self.has_room_unopened(from, len),
                false => peer.unopened_bytes.saturating_add(len) <= self.limits.unopened_bytes / SHARE,
            };
        let Some(peer) = self.peers.get_mut(from).filter(|_| has_room) else {
            self.counts.too_many = self.counts.too_many.saturating_add(1);
            return;
        };
        if !self.seen.is_new(&message) {
            self.counts.replayed = self.counts.replayed.saturating_add(1);
            return;
        }
        // What is dropped is no sign of life: else a flood would keep its place before who waits.
        peer.active_at = now;
        peer.unopened_bytes = peer.unopened_bytes.saturating_add(len);
        if peer.is_stranger() {
            self.strangers_bytes = self.strangers_bytes.saturating_add(len);
        }
        peer.unopened.push_back(message);
        if peer.unopened.len() == 1 {
            self.unopened.push_back(*from);
        }
    }

    /// Makes room for what a stranger sent, at the expense of the one that has the most.
    fn has_room_unopened(&mut self, from: &PublicKey, len: usize) -> bool {
        // Who has its share already is not worth a look at all others: else a flood would cost more than opening it.
        let share = self.limits.unopened_bytes.checked_div(self.places.len()).unwrap_or(0);
        let own = self.peers.get(from).map_or(0, |peer| peer.unopened_bytes).saturating_add(len);
        while self.strangers_bytes.saturating_add(len) > self.limits.unopened_bytes {
            if own > share {
                return false;
            }
            let waiting = self.unopened.iter().filter_map(|id| Some((self.peers.get(id)?, *id)));
            let strangers = waiting.filter(|(peer, _)| peer.is_stranger());
            // It has more than its share, or all would have room: so it is not `from`.
            let Some((_, greedy)) = strangers.max_by_key(|(peer, _)| peer.unopened_bytes) else { return false };
            self.take_unopened(&greedy, VecDeque::pop_back);
            self.counts.too_many = self.counts.too_many.saturating_add(1);
        }
        true
    }

    fn take_unopened(
        &mut self,
        id: &PublicKey,
        which: impl FnOnce(&mut VecDeque<OnionMessage>) -> Option<OnionMessage>,
    ) -> Option<OnionMessage> {
        let peer = self.peers.get_mut(id)?;
        let message = which(&mut peer.unopened);
        let len = message.as_ref().map_or(0, |message| message.as_bytes().len());
        peer.unopened_bytes = peer.unopened_bytes.saturating_sub(len);
        if peer.is_stranger() {
            self.strangers_bytes = self.strangers_bytes.saturating_sub(len);
        }
        if peer.unopened.is_empty() {
            self.unopened.retain(|other| other != id);
        }
        message
    }

    /// The next message that can be opened now: those of peers that we chose or keep first, then those of strangers,
    /// each in turns. What is passed on does not come out here.
    pub fn next(&mut self, now: Duration, channels: &impl Channels) -> Option<Arrived> {
        loop {
            let from = self.next_turn(now)?;
            let Some(onion) = self.take_unopened(&from, VecDeque::pop_front) else { continue };
            let mut operations = 0;
            let opened = self.messenger.receive_counting(&onion, &mut operations);
            // Reading the first point takes some time, too.
            self.charge(&from, operations.max(1), now);
            match opened {
                Ok(Inbound::Message { message, hop_key }) => {
                    if let Some(message) = self.answerable(message, &from, now, channels) {
                        self.counts.heard = self.counts.heard.saturating_add(1);
                        return Some(Arrived::Message { from, message, hop_key, onion });
                    }
                    self.counts.unanswerable = self.counts.unanswerable.saturating_add(1);
                }
                Ok(Inbound::Query(mut query)) => {
                    if self.is_answerable(query.reply_path(), &from, now, channels) {
                        query.set_brought(Brought { by: from, invoice_over: None });
                        self.counts.heard = self.counts.heard.saturating_add(1);
                        return Some(Arrived::Query { from, query, onion });
                    }
                    self.counts.unanswerable = self.counts.unanswerable.saturating_add(1);
                }
                Ok(Inbound::Proof(proof)) => {
                    self.counts.heard = self.counts.heard.saturating_add(1);
                    return Some(Arrived::Proof { from, proof, onion });
                }
                Ok(Inbound::Forward(forward)) if self.passes_on => self.forward(&forward, &from, now, channels),
                Ok(Inbound::Forward(_)) => {
                    self.counts.not_passed_on = self.counts.not_passed_on.saturating_add(1);
                    return Some(Arrived::Other { from, onion });
                }
                Err(Refusal::Unusable) => {
                    self.counts.unusable = self.counts.unusable.saturating_add(1);
                    return Some(Arrived::Other { from, onion });
                }
                Err(_) => self.counts.not_for_us = self.counts.not_for_us.saturating_add(1),
            }
        }
    }

    /// Whose message is opened next, if there is budget. Who has more is the last then.
    fn next_turn(&mut self, now: Duration) -> Option<PublicKey> {
        let strangers_may = self.all_strangers.has(OPENING, now);
        let newcomers_may = self.newcomers.has(OPENING, now);
        for wants_stranger in [false, true] {
            for turn in 0..self.unopened.len() {
                let Some(id) = self.unopened.get(turn).copied() else { continue };
                let Some(peer) = self.peers.get_mut(&id) else { continue };
                let is_stranger = peer.is_stranger();
                let may = !is_stranger || strangers_may && (newcomers_may || !peer.is_new(now));
                if is_stranger == wants_stranger && may && peer.budget.has(OPENING, now) {
                    self.unopened.remove(turn);
                    self.unopened.push_back(id);
                    return Some(id);
                }
            }
        }
        None
    }

    /// When the next message of a peer can be opened.
    pub(super) fn ready_at(&self, id: &PublicKey) -> Option<Duration> {
        let peer = self.peers.get(id)?;
        let own = peer.budget.ready_at(OPENING)?;
        if !peer.is_stranger() {
            return Some(own);
        }
        // A newcomer has its turn among newcomers, or when it is none any more, if that is sooner.
        let all = self.all_strangers.ready_at(OPENING)?.max(own);
        let among_newcomers = self.newcomers.ready_at(OPENING).unwrap_or(Duration::MAX);
        Some(all.max(among_newcomers.min(peer.new_until())))
    }

    /// Takes what was done for a peer off its budgets.
    pub(super) fn charge(&mut self, id: &PublicKey, operations: u32, now: Duration) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.budget.spend(operations);
        if peer.is_stranger() {
            self.all_strangers.spend(operations);
            if peer.is_new(now) {
                self.newcomers.spend(operations);
            }
        }
    }

    /// The message, if what it asks for can be answered: before anything is computed for it. An invoice is taken
    /// anyway, and any other answer.
    fn answerable(
        &mut self,
        mut message: IncomingMessage,
        from: &PublicKey,
        now: Duration,
        channels: &impl Channels,
    ) -> Option<IncomingMessage> {
        let Some(mut path) = message.reply_path.take() else { return Some(message) };
        let is_answer = is_answer(message.kind);
        let invoice_over = match &message.arrival {
            _ if !is_answer => None,
            MessageArrival::Path(path_id) if self.limits.answers_invoices && !self.answered.has(path_id) => {
                Some(path_id.0)
            }
            _ => return Some(message),
        };
        if self.is_answerable(&path, from, now, channels) {
            path.set_brought(Brought { by: *from, invoice_over });
            message.reply_path = Some(path);
        } else if !is_answer {
            return None;
        }
        Some(message)
    }

    /// Whether there is a way and room for an answer over this path.
    fn is_answerable(
        &mut self,
        path: &BlindedPath<'static>,
        from: &PublicKey,
        now: Duration,
        channels: &impl Channels,
    ) -> bool {
        let mut operations = 0;
        let way = self.way_over(path, Some(*from), channels, &mut operations);
        // It is looked for also where there is none: who asks for nothing but that pays for it.
        self.charge(from, operations, now);
        let Ok(way) = way else { return false };
        let source = self.source(*from, &way.first);
        let has_room = |peer: &Peer| peer.queue.has_room(source, ANSWER_LEN, &self.limits);
        self.peers.get(&way.first).is_some_and(has_room)
    }

    /// Passes a message on, if the node is connected.
    fn forward(&mut self, forward: &Forward, from: &PublicKey, now: Duration, channels: &impl Channels) {
        let to = self.node_at(forward.next(), channels);
        let to = to.map(|id| (self.source(*from, &id), id));
        let to = to.and_then(|(source, id)| Some((source, self.peers.get_mut(&id).filter(|peer| peer.is_able)?)));
        // Room is looked for before the message is made.
        let to = to.filter(|(source, peer)| peer.queue.has_room(*source, ANSWER_LEN, &self.limits));
        let Some((source, peer)) = to else {
            self.counts.not_passed_on = self.counts.not_passed_on.saturating_add(1);
            return;
        };
        let pushed = forward.message().map(|next| peer.push(source, next, &self.limits, now));
        let (has_room, displaced) = pushed.unwrap_or_default();
        self.counts.displaced = self.counts.displaced.saturating_add(displaced);
        let passed_on = if has_room { &mut self.counts.passed_on } else { &mut self.counts.not_passed_on };
        *passed_on = passed_on.saturating_add(1);
        self.charge(from, 2, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{Direction, ShortChannelId};
    use crate::onion::{BlindedPathBuilder, Contents, OnionMessageBuilder, PathHop};
    use crate::peers::queue::{Kind, Source};
    use crate::peers::{Limits, NoChannels, id, key, onion, spending};

    const NOW: Duration = Duration::from_secs(1_000);

    /// Ourselves, a stranger that asks, and a peer that we chose.
    const OWN: u8 = 1;
    const STRANGER: u8 = 2;
    const CHOSEN: u8 = 3;

    fn peers(limits: Limits) -> Peers {
        let mut peers = Peers::new(key(OWN), limits);
        peers.connected(id(STRANGER), true, true, NOW);
        peers.connected(id(CHOSEN), false, true, NOW);
        peers
    }

    /// Something for one peer to pass on, as another brings it.
    fn to_pass_on(to: u8) -> OnionMessage {
        let onion = OnionMessageBuilder::to_node(id(to), Contents::Invoice(b"?")).through(id(OWN));
        onion.build([9; 32]).unwrap().message
    }

    /// What comes of a message of a peer, and what was taken off the budgets beside what it took to open it.
    fn brought(peers: &mut Peers, from: u8, onion: &OnionMessage) -> (Option<Arrived>, [u32; 3]) {
        let mut opening = 0;
        peers.messenger.receive_counting(onion, &mut opening).unwrap();
        let before = peers.spent(&id(from));
        peers.receive(&id(from), onion.clone(), NOW);
        let arrived = peers.next(NOW, &NoChannels);
        let after = peers.spent(&id(from));
        (arrived, [0, 1, 2].map(|at| (after[at] - before[at]).saturating_sub(opening)))
    }

    // EXC-20: passing a message on costs the peer that brought it as much as opening one; what nobody gets costs no
    // more than opening it.
    #[test]
    fn what_is_passed_on_is_charged() {
        for (from, expected) in [(STRANGER, [2, 2, 2]), (CHOSEN, [2, 0, 0])] {
            let to = if from == STRANGER { CHOSEN } else { STRANGER };
            let mut passing = peers(spending());
            passing.pass_on(true);
            let (arrived, charged) = brought(&mut passing, from, &to_pass_on(to));
            assert!(arrived.is_none());
            assert_eq!((charged, passing.counts.passed_on, passing.waiting(&id(to))), (expected, 1, 1));
            let (arrived, charged) = brought(&mut passing, from, &to_pass_on(9));
            assert!(arrived.is_none());
            assert_eq!((charged, passing.counts.passed_on, passing.counts.not_passed_on), ([0; 3], 1, 1));
        }
        let mut silent = peers(spending());
        let onion = to_pass_on(CHOSEN);
        let (arrived, charged) = brought(&mut silent, STRANGER, &onion);
        assert!(matches!(arrived, Some(Arrived::Other { onion: same, .. }) if same == onion));
        assert_eq!((charged, silent.counts.not_passed_on, silent.counts.dropped()), ([0; 3], 1, 1));
    }

    // EXC-20: looking into hops of our own costs whoever asks for an answer over them.
    #[test]
    fn looking_for_a_way_is_charged() {
        let channel = (ShortChannelId(7 << 40), Direction::NodeOne);
        for (through, channel, operations) in
            [(None, None, 0), (Some(OWN), None, 2), (None, Some(channel), 2), (Some(OWN), Some(channel), 4)]
        {
            let mut peers = peers(spending());
            let path = BlindedPathBuilder::new(id(STRANGER));
            let path = through.into_iter().fold(path, |path, byte| path.through(PathHop::new(id(byte))));
            let path = channel.into_iter().fold(path, |path, (scid, end)| path.introduction_by_channel(scid, end));
            let path = path.build([3; 32]).unwrap();
            let onion = OnionMessageBuilder::to_node(id(OWN), Contents::InvoiceRequest(b"?")).reply_path(&path);
            let (arrived, charged) = brought(&mut peers, STRANGER, &onion.build([9; 32]).unwrap().message);
            assert_eq!((arrived.is_some(), charged), (true, [operations; 3]), "{through:?} {channel:?}");
        }
    }

    // EXC-20: also where there is no way: because nobody knows where it leads, or nobody takes the message.
    #[test]
    fn looking_for_a_way_in_vain_is_charged() {
        let channel = ShortChannelId(7 << 40);
        let nowhere = BlindedPathBuilder::new(id(STRANGER)).through(PathHop::new(id(OWN)).by_channel(channel));
        let by_channel = nowhere.clone().introduction_by_channel(channel, Direction::NodeOne);
        let back = BlindedPathBuilder::new(id(STRANGER)).through(PathHop::new(id(OWN)));
        for (path, is_able, operations) in [(nowhere, true, 2), (by_channel, true, 4), (back, false, 2)] {
            let mut peers = Peers::new(key(OWN), spending());
            peers.connected(id(STRANGER), true, is_able, NOW);
            let path = path.build([3; 32]).unwrap();
            let onion = OnionMessageBuilder::to_node(id(OWN), Contents::InvoiceRequest(b"?")).reply_path(&path);
            let (arrived, charged) = brought(&mut peers, STRANGER, &onion.build([9; 32]).unwrap().message);
            assert_eq!((arrived.is_some(), charged), (false, [operations; 3]));
            assert_eq!((peers.counts.heard, peers.counts.unanswerable), (0, 1));
        }
    }

    // EXC-20: what gave way to something that is passed on is counted.
    #[test]
    fn what_gives_way_to_others_is_counted() {
        let limits = Limits { waiting: 2, ..Limits::default() };
        let mut peers = peers(limits);
        peers.pass_on(true);
        peers.connected(id(4), false, true, NOW);
        let queue = &mut peers.peers.get_mut(&id(CHOSEN)).unwrap().queue;
        for number in 0..2 {
            queue.push(Source::Peer(id(STRANGER), Kind::Stranger), onion(200, number), &limits);
        }
        brought(&mut peers, 4, &to_pass_on(CHOSEN));
        assert_eq!((peers.counts.passed_on, peers.counts.displaced, peers.waiting(&id(CHOSEN))), (1, 1, 2));
    }

    // EXC-20: who has its share of the bytes takes nothing from those that have no more than theirs.
    #[test]
    fn who_has_its_share_takes_none_of_others() {
        for greedy in [4, 5] {
            let mut peers = Peers::new(key(OWN), Limits { unopened_bytes: 2_000, ..Limits::default() });
            for byte in [4, 5] {
                peers.connected(id(byte), true, true, NOW);
                (0..5).for_each(|number| peers.receive(&id(byte), onion(200, number + 10 * usize::from(byte)), NOW));
            }
            peers.receive(&id(greedy), onion(200, 100), NOW);
            assert_eq!([4, 5].map(|byte| peers.peers[&id(byte)].unopened_bytes), [1_000; 2]);
            assert_eq!((peers.counts.too_many, peers.counts.dropped()), (1, 1));
        }
    }
}
