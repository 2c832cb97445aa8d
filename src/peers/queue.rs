//! What waits to be sent to one peer.

use alloc::collections::{BTreeMap, VecDeque};

use secp256k1::PublicKey;

use super::limits::Limits;
use crate::onion::OnionMessage;

/// Which of our own conversations a message belongs to: a later one takes the place of one that still waits.
pub(super) type Conversation = [u8; 14];

/// Where a message comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// It begins here.
    Own(Option<Conversation>),
    /// It answers what this peer brought, or is passed on for it.
    Peer(PublicKey),
}

/// Messages that wait to be sent to one peer. Ours go first, then what the peer itself asked for, then what others did,
/// in turns. Room is shared in the same way: of what others wait for, anyone who has the most gives way.
#[derive(Default)]
pub(super) struct Queue {
    own: VecDeque<(Option<Conversation>, OnionMessage)>,
    others: BTreeMap<PublicKey, VecDeque<OnionMessage>>,
    count: usize,
    bytes: usize,
    /// Whose turn was last.
    last: Option<PublicKey>,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many messages wait.
    pub(super) fn len(&self) -> usize {
        self.own.len().saturating_add(self.count)
    }

    /// Whether a message from there has room, if that has to be made.
    pub(super) fn has_room(&self, source: Source, len: usize, limits: &Limits) -> bool {
        match source {
            Source::Own(conversation) => self.own.len() < limits.own_waiting || self.place(conversation).is_some(),
            Source::Peer(id) => {
                let fits = self.count < limits.waiting && self.bytes.saturating_add(len) <= limits.waiting_bytes;
                fits || len <= limits.waiting_bytes && self.greedier_than(&id).is_some()
            }
        }
    }

    fn place(&self, conversation: Option<Conversation>) -> Option<usize> {
        self.own.iter().position(|(waiting, _)| conversation.is_some() && *waiting == conversation)
    }

    /// Who has the most waiting, if that is more than this one would have with one more.
    fn greedier_than(&self, id: &PublicKey) -> Option<PublicKey> {
        let own = self.others.get(id).map_or(0, VecDeque::len).saturating_add(1);
        let most = self.others.iter().max_by_key(|(_, waiting)| waiting.len())?;
        (most.1.len() > own).then_some(*most.0)
    }

    /// Adds a message. Gives it back if there is no room, and says how many of others made room.
    pub(super) fn push(&mut self, source: Source, message: OnionMessage, limits: &Limits) -> Result<u64, ()> {
        let len = message.as_bytes().len();
        if !self.has_room(source, len, limits) {
            return Err(());
        }
        match source {
            Source::Own(conversation) => {
                match self.place(conversation).and_then(|at| self.own.get_mut(at)) {
                    Some(waiting) => waiting.1 = message,
                    None => self.own.push_back((conversation, message)),
                }
                Ok(0)
            }
            Source::Peer(id) => {
                let mut dropped = 0u64;
                while self.count >= limits.waiting || self.bytes.saturating_add(len) > limits.waiting_bytes {
                    let Some(greedy) = self.greedier_than(&id) else { break };
                    // The newest: what waited longest goes next.
                    self.take(&greedy, VecDeque::pop_back);
                    dropped = dropped.saturating_add(1);
                }
                self.count = self.count.saturating_add(1);
                self.bytes = self.bytes.saturating_add(len);
                self.others.entry(id).or_default().push_back(message);
                Ok(dropped)
            }
        }
    }

    fn take(
        &mut self,
        id: &PublicKey,
        which: impl FnOnce(&mut VecDeque<OnionMessage>) -> Option<OnionMessage>,
    ) -> Option<OnionMessage> {
        let waiting = self.others.get_mut(id)?;
        let message = which(waiting)?;
        if waiting.is_empty() {
            self.others.remove(id);
        }
        self.count = self.count.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(message.as_bytes().len());
        Some(message)
    }

    /// The next message for the peer with this id.
    pub(super) fn pop(&mut self, peer: &PublicKey) -> Option<OnionMessage> {
        if let Some((_, message)) = self.own.pop_front() {
            return Some(message);
        }
        if let Some(message) = self.take(peer, VecDeque::pop_front) {
            return Some(message);
        }
        let after = self.last.and_then(|last| self.others.keys().find(|id| **id > last));
        let next = *after.or_else(|| self.others.keys().next())?;
        self.last = Some(next);
        self.take(&next, VecDeque::pop_front)
    }
}
