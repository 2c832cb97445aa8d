//! What peers send.

use alloc::collections::VecDeque;
use core::time::Duration;

use secp256k1::PublicKey;

use super::peer::{Peer, Standing};
use super::queue::Source;
use super::set::{Channels, Peers};
use crate::exchange::{Destination, Inbound, IncomingMessage, MessageArrival, OffersMessageKind};
use crate::onion::{Forward, HopKey, OnionMessage, Refusal};

/// What it takes to open a message, before anything is known about it.
const OPENING: u32 = 2;

/// About as long as most answers are.
const ANSWER_LEN: usize = 1_403;

/// A message that came, and whose turn it is.
#[derive(Debug)]
#[non_exhaustive]
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
    /// A message that somebody else may want: it is for us, and not about offers, or to be passed on where
    /// [`Peers::pass_on`] is off.
    Other {
        /// The peer that brought it.
        from: PublicKey,
        /// The message as it came.
        onion: OnionMessage,
    },
}

impl Peers {
    /// A peer sent a message. It is opened when its turn comes: ask for the [next](Self::next).
    pub fn receive(&mut self, from: &PublicKey, message: OnionMessage, now: Duration) {
        self.make_place(from);
        let is_stranger = self.standing(from) == Standing::Stranger;
        let Some(peer) = self.peers.get_mut(from).filter(|peer| peer.has_place) else {
            self.counts.not_heard = self.counts.not_heard.saturating_add(1);
            return;
        };
        peer.active_at = now;
        let len = message.as_bytes().len();
        let is_full = peer.unopened.len() >= self.limits.unopened;
        if is_full || is_stranger && !self.has_room_unopened(from, len) {
            self.counts.too_many = self.counts.too_many.saturating_add(1);
            return;
        }
        if !self.seen.is_new(&message) {
            self.counts.replayed = self.counts.replayed.saturating_add(1);
            return;
        }
        if let Some(peer) = self.peers.get_mut(from) {
            peer.unopened_bytes = peer.unopened_bytes.saturating_add(len);
            peer.unopened.push_back(message);
            self.unopened.insert(*from);
            if is_stranger {
                self.strangers_bytes = self.strangers_bytes.saturating_add(len);
            }
        }
    }

    /// Makes room for what a stranger sent, at the expense of the one that has the most.
    fn has_room_unopened(&mut self, from: &PublicKey, len: usize) -> bool {
        while self.strangers_bytes.saturating_add(len) > self.limits.unopened_bytes {
            let bytes = |id: &PublicKey| self.peers.get(id).map_or(0, |peer| peer.unopened_bytes);
            let strangers = self.unopened.iter().filter(|id| self.standing(id) == Standing::Stranger);
            let Some(greedy) = strangers.max_by_key(|id| bytes(id)).copied() else { return false };
            if bytes(&greedy) <= bytes(from).saturating_add(len) {
                return false;
            }
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
        let is_stranger = self.standing(id) == Standing::Stranger;
        let peer = self.peers.get_mut(id)?;
        let message = which(&mut peer.unopened);
        let len = message.as_ref().map_or(0, |message| message.as_bytes().len());
        peer.unopened_bytes = peer.unopened_bytes.saturating_sub(len);
        if is_stranger {
            self.strangers_bytes = self.strangers_bytes.saturating_sub(len);
        }
        if peer.unopened.is_empty() {
            self.unopened.remove(id);
        }
        message
    }

    /// The next message that can be opened now: those of peers that we chose or keep first, then those of strangers,
    /// each in turns. What is passed on does not come out here.
    pub fn next(&mut self, now: Duration, channels: &impl Channels) -> Option<Arrived> {
        loop {
            let from = self.next_turn(now)?;
            self.last_opened = Some(from);
            let Some(onion) = self.take_unopened(&from, VecDeque::pop_front) else { continue };
            let mut operations = 0;
            let opened = self.messenger.receive_counting(&onion, &mut operations);
            self.charge(&from, operations, now);
            match opened {
                Ok(Inbound::Message { message, hop_key }) => {
                    if let Some(message) = self.answerable(message, &from, now, channels) {
                        self.counts.heard = self.counts.heard.saturating_add(1);
                        return Some(Arrived::Message { from, message, hop_key, onion });
                    }
                    self.counts.unanswerable = self.counts.unanswerable.saturating_add(1);
                }
                Ok(Inbound::Forward(forward)) if self.passes_on => self.forward(&forward, &from, now, channels),
                Ok(Inbound::Forward(_)) => {
                    self.counts.not_passed_on = self.counts.not_passed_on.saturating_add(1);
                    return Some(Arrived::Other { from, onion });
                }
                // Queries and proofs for names, too, are for who has the onion.
                Ok(Inbound::Query(_) | Inbound::Proof(_)) => return Some(Arrived::Other { from, onion }),
                Err(Refusal::Unusable) => {
                    self.counts.unusable = self.counts.unusable.saturating_add(1);
                    return Some(Arrived::Other { from, onion });
                }
                Err(_) => self.counts.not_for_us = self.counts.not_for_us.saturating_add(1),
            }
        }
    }

    /// Whose message is opened next, if there is budget.
    fn next_turn(&mut self, now: Duration) -> Option<PublicKey> {
        let after = |id: &&PublicKey| self.last_opened.is_none_or(|last| **id > last);
        let turns: alloc::vec::Vec<PublicKey> =
            self.unopened.iter().filter(after).chain(self.unopened.iter().filter(|id| !after(id))).copied().collect();
        let strangers_may = self.all_strangers.has(OPENING, now);
        let newcomers_may = self.newcomers.has(OPENING, now);
        for stranger in [false, true] {
            for id in &turns {
                let is_stranger = self.standing(id) == Standing::Stranger;
                let Some(peer) = self.peers.get_mut(id) else { continue };
                let may = !is_stranger || strangers_may && (newcomers_may || !peer.is_new(now));
                if is_stranger == stranger && may && peer.budget.has(OPENING, now) {
                    return Some(*id);
                }
            }
        }
        None
    }

    /// When the next message of a peer can be opened.
    pub(super) fn ready_at(&self, id: &PublicKey) -> Option<Duration> {
        let peer = self.peers.get(id)?;
        let own = peer.budget.ready_at(OPENING);
        if self.standing(id) != Standing::Stranger {
            return Some(own);
        }
        // A newcomer is none any more after a while, but may well be asked for once too often.
        let all = self.all_strangers.ready_at(OPENING).max(own);
        Some(if peer.is_new(all) { self.newcomers.ready_at(OPENING).max(all) } else { all })
    }

    /// Takes what was done for a peer off its budgets.
    pub(super) fn charge(&mut self, id: &PublicKey, operations: u32, now: Duration) {
        let is_stranger = self.standing(id) == Standing::Stranger;
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.budget.spend(operations);
        if is_stranger {
            self.all_strangers.spend(operations);
            if peer.is_new(now) {
                self.newcomers.spend(operations);
            }
        }
    }

    /// The message, if what it asks for can be answered: before anything is computed for it. An invoice is taken
    /// anyway.
    fn answerable(
        &mut self,
        mut message: IncomingMessage,
        from: &PublicKey,
        now: Duration,
        channels: &impl Channels,
    ) -> Option<IncomingMessage> {
        let is_request = message.kind == OffersMessageKind::InvoiceRequest;
        let is_wanted = is_request || self.may_answer_invoice(&message.arrival);
        let Some(path) = message.reply_path.take() else { return Some(message) };
        let key = path.first_path_key().to_bytes();
        let destination = Destination::Path(path);
        let way = if is_wanted { self.way(&destination, Some(*from), channels).ok() } else { None };
        self.charge(from, way.map_or(0, |way| way.operations), now);
        let has_room = |peer: &Peer| peer.queue.has_room(Source::Peer(*from), ANSWER_LEN, &self.limits);
        let Some(_) = way.and_then(|way| self.peers.get(&way.first)).filter(|peer| has_room(peer)) else {
            return if is_request { None } else { Some(message) };
        };
        if let Some(peer) = self.peers.get_mut(from) {
            if let Some(forgotten) = peer.ask(key) {
                self.asked.remove(&forgotten);
            }
            self.asked.insert(key, *from);
        }
        if let Destination::Path(path) = destination {
            message.reply_path = Some(path);
        }
        Some(message)
    }

    /// Whether what is wrong with an invoice may be told.
    fn may_answer_invoice(&mut self, arrival: &MessageArrival) -> bool {
        match arrival {
            MessageArrival::Path(path_id) => self.limits.answers_invoices && self.answered.is_first(*path_id),
            _ => false,
        }
    }

    /// Passes a message on, if the node is connected.
    fn forward(&mut self, forward: &Forward, from: &PublicKey, now: Duration, channels: &impl Channels) {
        let source = Source::Peer(*from);
        let to = self.node_at(forward.next(), channels);
        let to = to.and_then(|id| self.peers.get_mut(&id)).filter(|peer| peer.is_able);
        // Room is looked for before the message is made.
        let Some(peer) = to.filter(|peer| peer.queue.has_room(source, ANSWER_LEN, &self.limits)) else {
            self.counts.not_passed_on = self.counts.not_passed_on.saturating_add(1);
            return;
        };
        let pushed = forward.message().map_err(|_| ()).and_then(|next| peer.queue.push(source, next, &self.limits));
        match pushed {
            Ok(displaced) => {
                self.counts.passed_on = self.counts.passed_on.saturating_add(1);
                self.counts.displaced = self.counts.displaced.saturating_add(displaced);
            }
            Err(()) => self.counts.not_passed_on = self.counts.not_passed_on.saturating_add(1),
        }
        self.charge(from, 2, now);
    }
}
