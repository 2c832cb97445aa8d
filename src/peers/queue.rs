//! What waits to be sent to one peer.

use alloc::collections::VecDeque;

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
    Peer(PublicKey, Kind),
}

/// What the peer that a message comes from is to the one that gets it, and to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The same.
    Itself,
    /// One that we keep or chose.
    Known,
    Stranger,
}

/// What waits of one peer's.
struct Line {
    id: PublicKey,
    kind: Kind,
    waiting: VecDeque<OnionMessage>,
    bytes: usize,
}

/// Messages that wait to be sent to one peer. Ours go first, then what the peer itself asked for. What others did comes
/// next: that of peers we know and that of strangers by turns, and each of those by turns, whoever came first. Room is
/// shared in the same way: anyone who has the most of its kind gives way, and each kind can have half.
#[derive(Default)]
pub(super) struct Queue {
    own: VecDeque<(Option<Conversation>, OnionMessage)>,
    /// The next in turn is at the front: a name that somebody chose well comes no sooner.
    lines: VecDeque<Line>,
    count: usize,
    bytes: usize,
    /// Whether strangers had the last turn.
    strangers_were_last: bool,
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
            Source::Peer(id, kind) => {
                let fits = self.fits(len, limits);
                fits || len <= limits.waiting_bytes && self.giving_way_to(&id, kind, len, limits).is_some()
            }
        }
    }

    fn fits(&self, len: usize, limits: &Limits) -> bool {
        self.count < limits.waiting && self.bytes.saturating_add(len) <= limits.waiting_bytes
    }

    fn place(&self, conversation: Option<Conversation>) -> Option<usize> {
        self.own.iter().position(|(waiting, _)| conversation.is_some() && *waiting == conversation)
    }

    /// Who makes room for one more of this peer's.
    fn giving_way_to(&self, id: &PublicKey, kind: Kind, len: usize, limits: &Limits) -> Option<PublicKey> {
        let most = |among: &dyn Fn(&&Line) -> bool| {
            let others = self.lines.iter().filter(|line| line.id != *id);
            others.filter(among).max_by_key(|line| line.bytes)
        };
        let own = self.lines.iter().find(|line| line.id == *id).map_or(0, |line| line.bytes).saturating_add(len);
        let greedier = most(&|line| line.kind == kind).filter(|line| line.bytes > own);
        let other = || match kind {
            Kind::Itself => most(&|_| true),
            _ if self.would_have_over_half(kind, len, limits) => None,
            kind => most(&|line| line.kind != kind && line.kind != Kind::Itself),
        };
        Some(greedier.or_else(other)?.id)
    }

    /// Whether peers of this kind would have more than half of the room with one more.
    fn would_have_over_half(&self, kind: Kind, len: usize, limits: &Limits) -> bool {
        let (mut count, mut bytes) = (1usize, len);
        for line in self.lines.iter().filter(|line| line.kind == kind) {
            count = count.saturating_add(line.waiting.len());
            bytes = bytes.saturating_add(line.bytes);
        }
        count > limits.waiting / 2 || bytes > limits.waiting_bytes / 2
    }

    /// Adds a message. Says whether it had room, and how many of others made room.
    pub(super) fn push(&mut self, source: Source, message: OnionMessage, limits: &Limits) -> (bool, u64) {
        let len = message.as_bytes().len();
        if !self.has_room(source, len, limits) {
            return (false, 0);
        }
        let mut displaced = 0u64;
        match source {
            Source::Own(conversation) => match self.place(conversation).and_then(|at| self.own.get_mut(at)) {
                Some(waiting) => waiting.1 = message,
                None => self.own.push_back((conversation, message)),
            },
            Source::Peer(id, kind) => {
                while !self.fits(len, limits) {
                    let greedy = self.giving_way_to(&id, kind, len, limits);
                    let greedy = greedy.and_then(|greedy| self.lines.iter().position(|line| line.id == greedy));
                    let Some(greedy) = greedy else { return (false, displaced) };
                    // The newest: what waited longest goes next.
                    self.take(greedy, VecDeque::pop_back);
                    displaced = displaced.saturating_add(1);
                }
                self.count = self.count.saturating_add(1);
                self.bytes = self.bytes.saturating_add(len);
                match self.lines.iter_mut().find(|line| line.id == id) {
                    Some(line) => {
                        line.kind = kind;
                        line.bytes = line.bytes.saturating_add(len);
                        line.waiting.push_back(message);
                    }
                    None => self.lines.push_back(Line { id, kind, waiting: VecDeque::from([message]), bytes: len }),
                }
            }
        }
        (true, displaced)
    }

    /// Takes a message out of a line, which then has had its turn.
    fn take(
        &mut self,
        line: usize,
        which: impl FnOnce(&mut VecDeque<OnionMessage>) -> Option<OnionMessage>,
    ) -> Option<OnionMessage> {
        let found = self.lines.get_mut(line)?;
        let message = which(&mut found.waiting)?;
        let len = message.as_bytes().len();
        found.bytes = found.bytes.saturating_sub(len);
        let is_empty = found.waiting.is_empty();
        self.count = self.count.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(len);
        if is_empty {
            self.lines.remove(line);
        }
        Some(message)
    }

    /// The next message.
    pub(super) fn pop(&mut self) -> Option<OnionMessage> {
        if let Some((_, message)) = self.own.pop_front() {
            return Some(message);
        }
        let first = |kind: Kind| self.lines.iter().position(|line| line.kind == kind);
        let line = first(Kind::Itself).or_else(|| {
            let [first, second] = match self.strangers_were_last {
                true => [first(Kind::Known), first(Kind::Stranger)],
                false => [first(Kind::Stranger), first(Kind::Known)],
            };
            first.or(second)
        })?;
        let (id, kind) = self.lines.get(line).map(|line| (line.id, line.kind))?;
        if kind != Kind::Itself {
            self.strangers_were_last = kind == Kind::Stranger;
        }
        let message = self.take(line, VecDeque::pop_front);
        // Whose turn it was, and who has more, is the last now.
        if let Some(line) = self.lines.get(line).is_some_and(|line| line.id == id).then(|| self.lines.remove(line)) {
            self.lines.extend(line);
        }
        message
    }
}
