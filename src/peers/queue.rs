//! What waits to be sent to one peer.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

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

/// How much of the room a peer has.
struct Share {
    id: PublicKey,
    kind: Kind,
    count: usize,
    bytes: usize,
}

/// Who makes room for one more of a peer's, that has so many bytes.
fn greediest(shares: &[Share], id: &PublicKey, kind: Kind, len: usize, limits: &Limits) -> Option<usize> {
    let most = |among: &dyn Fn(&Share) -> bool| {
        let others = shares.iter().enumerate().filter(|(_, share)| share.id != *id);
        others
            .filter(|(_, share)| among(share))
            .max_by_key(|(_, share)| share.bytes)
            .map(|(at, share)| (at, share.bytes))
    };
    let own = shares.iter().find(|share| share.id == *id).map_or(0, |share| share.bytes).saturating_add(len);
    let greedier = most(&|share| share.kind == kind).filter(|(_, bytes)| *bytes > own);
    let other = || match kind {
        Kind::Itself => most(&|_| true),
        _ if would_have_over_half(shares, kind, len, limits) => None,
        kind => most(&|share| share.kind != kind && share.kind != Kind::Itself),
    };
    greedier.or_else(other).map(|(at, _)| at)
}

/// Whether peers of this kind would have more than half of the room with one more.
fn would_have_over_half(shares: &[Share], kind: Kind, len: usize, limits: &Limits) -> bool {
    let (mut count, mut bytes) = (1usize, len);
    for share in shares.iter().filter(|share| share.kind == kind) {
        count = count.saturating_add(share.count);
        bytes = bytes.saturating_add(share.bytes);
    }
    count > limits.waiting / 2 || bytes > limits.waiting_bytes / 2
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
            Source::Peer(id, kind) => self.giving_way_to(&id, kind, len, limits).is_some(),
        }
    }

    fn place(&self, conversation: Option<Conversation>) -> Option<usize> {
        self.own.iter().position(|(waiting, _)| conversation.is_some() && *waiting == conversation)
    }

    /// Who gives up a message each, one after the other, so that one more of this peer's has room: nobody, if it has
    /// room anyway. `None` if it is not to have any; then nobody gives up anything for nothing.
    fn giving_way_to(&self, id: &PublicKey, kind: Kind, len: usize, limits: &Limits) -> Option<Vec<PublicKey>> {
        let (mut count, mut bytes) = (self.count, self.bytes);
        let mut fits = |given: usize| {
            count = count.saturating_sub(usize::from(given > 0));
            bytes = bytes.saturating_sub(given);
            count < limits.waiting && bytes.saturating_add(len) <= limits.waiting_bytes
        };
        let mut giving = Vec::new();
        if fits(0) {
            return Some(giving);
        }
        let share = |line: &Line| Share { id: line.id, kind: line.kind, count: line.waiting.len(), bytes: line.bytes };
        let mut shares: Vec<Share> = self.lines.iter().map(share).collect();
        loop {
            let at = greediest(&shares, id, kind, len, limits)?;
            let share = shares.get_mut(at)?;
            share.count = share.count.checked_sub(1)?;
            // The newest: what waited longest goes next.
            let given = self.lines.get(at)?.waiting.get(share.count)?.as_bytes().len();
            share.bytes = share.bytes.saturating_sub(given);
            giving.push(share.id);
            if fits(given) {
                return Some(giving);
            }
        }
    }

    /// Adds a message. Says whether it had room, and how many of others made room.
    pub(super) fn push(&mut self, source: Source, message: OnionMessage, limits: &Limits) -> (bool, u64) {
        let len = message.as_bytes().len();
        match source {
            Source::Own(conversation) => match self.place(conversation) {
                Some(at) => {
                    if let Some((_, waiting)) = self.own.get_mut(at) {
                        *waiting = message;
                    }
                }
                None if self.own.len() < limits.own_waiting => self.own.push_back((conversation, message)),
                None => return (false, 0),
            },
            Source::Peer(id, kind) => {
                let Some(giving) = self.giving_way_to(&id, kind, len, limits) else { return (false, 0) };
                let displaced = giving.len() as u64;
                for greedy in giving {
                    if let Some(line) = self.lines.iter().position(|line| line.id == greedy) {
                        self.take(line, VecDeque::pop_back);
                    }
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
                return (true, displaced);
            }
        }
        (true, 0)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::onion;
    use crate::signature::context;
    use Kind::{Itself, Known, Stranger};

    const LEN: usize = 200;

    fn id(number: u8) -> PublicKey {
        PublicKey::from_secret_key(context(), &secp256k1::SecretKey::from_slice(&[number; 32]).unwrap())
    }

    fn push(queue: &mut Queue, number: u8, kind: Kind, limits: &Limits) -> (bool, u64) {
        queue.push(Source::Peer(id(number), kind), onion(LEN, number.into()), limits)
    }

    /// How many messages wait of those with these numbers.
    fn waiting(queue: &Queue, numbers: &[u8]) -> Vec<usize> {
        for line in &queue.lines {
            assert_eq!(line.bytes, line.waiting.iter().map(|message| message.as_bytes().len()).sum::<usize>());
        }
        let of =
            |number: &u8| queue.lines.iter().find(|line| line.id == id(*number)).map_or(0, |line| line.waiting.len());
        numbers.iter().map(of).collect()
    }

    /// Who gives way to one more message of a peer, where these have so many each, and no more have room: messages, or
    /// bytes.
    fn giving_way(lines: &[(u8, Kind, usize)], number: u8, kind: Kind) -> Option<u8> {
        let full = lines.iter().map(|(_, _, count)| count).sum();
        let by_count = Limits { waiting: full, waiting_bytes: usize::MAX, ..Limits::default() };
        let by_bytes = Limits { waiting: usize::MAX, waiting_bytes: full * LEN, ..Limits::default() };
        let numbers: Vec<u8> = lines.iter().map(|(number, ..)| *number).collect();
        let [first, second] = [by_count, by_bytes].map(|limits| {
            let mut queue = Queue::default();
            for (number, kind, count) in lines {
                (0..*count).for_each(|_| assert_eq!(push(&mut queue, *number, *kind, &limits), (true, 0)));
            }
            let others: Vec<u8> = numbers.iter().copied().filter(|other| *other != number).collect();
            let before = waiting(&queue, &others);
            let (has_room, displaced) = push(&mut queue, number, kind, &limits);
            assert_eq!((queue.len(), queue.bytes, displaced), (full, full * LEN, has_room.into()));
            let after = waiting(&queue, &others);
            (0..others.len()).find(|at| after[*at] < before[*at]).map(|at| others[at])
        });
        assert_eq!(first, second);
        first
    }

    // EXC-20: whoever has the most of its kind gives way to who has less, also with one more.
    #[test]
    fn who_has_more_gives_way() {
        for kind in [Known, Stranger] {
            for (lines, expected) in [
                (&[(1, 3), (2, 1)][..], Some(1)),
                (&[(1, 2), (2, 1)], None),
                (&[(1, 2), (2, 2)], None),
                (&[(3, 1), (1, 3), (2, 2)], None),
                (&[(3, 1), (1, 3), (4, 4), (2, 2)], Some(4)),
                (&[(1, 2), (3, 2)], Some(3)),
                (&[(1, 1), (3, 1)], None),
            ] {
                let lines: Vec<_> = lines.iter().map(|(number, count)| (*number, kind, *count)).collect();
                assert_eq!(giving_way(&lines, 2, kind), expected, "{lines:?}");
            }
        }
    }

    // EXC-20: each kind can have half, and takes no more from the other; within a kind, its own give way first.
    #[test]
    fn each_kind_can_have_half() {
        for (one, other) in [(Known, Stranger), (Stranger, Known)] {
            for (lines, expected) in [
                (&[(1, other, 5), (2, one, 3)][..], Some(1)),
                (&[(1, other, 4), (2, one, 4)], None),
                (&[(1, other, 2), (2, one, 2)], None),
                (&[(1, other, 5), (3, one, 4), (2, one, 1)], Some(3)),
                (&[(1, other, 2), (3, other, 4), (2, one, 1)], Some(3)),
                (&[(1, other, 8)], Some(1)),
            ] {
                assert_eq!(giving_way(lines, 2, one), expected, "{lines:?}");
            }
        }
    }

    // EXC-20: ours have room of their own, and a later one takes the place of its conversation's.
    #[test]
    fn ours_have_room_of_their_own() {
        let limits = Limits { own_waiting: 2, waiting: 0, ..Limits::default() };
        let mut queue = Queue::default();
        let mut push = |conversation: Option<u8>, len| {
            let source = Source::Own(conversation.map(|byte| [byte; 14]));
            let has_room = queue.has_room(source, len, &limits);
            assert_eq!(queue.push(source, onion(len, 1), &limits), (has_room, 0));
            (has_room, queue.len())
        };
        assert_eq!([push(Some(1), 200), push(None, 200)], [(true, 1), (true, 2)]);
        assert_eq!([push(None, 200), push(Some(2), 200)], [(false, 2); 2]);
        assert_eq!(push(Some(1), 300), (true, 2));
        assert_eq!(queue.pop().map(|message| message.as_bytes().len()), Some(300));
    }

    // EXC-20: nobody loses a message to one that then has no room, and who is told that there is room has it.
    #[test]
    fn nothing_gives_way_for_nothing() {
        let limits = Limits { waiting: 9, waiting_bytes: 3 * LEN, ..Limits::default() };
        for len in (150..=4 * LEN).step_by(50) {
            for lines in [&[(1, 2), (3, 1)][..], &[(1, 3)], &[(1, 1), (2, 1), (3, 1)], &[(2, 2), (1, 1)]] {
                let mut queue = Queue::default();
                for (number, count) in lines {
                    (0..*count).for_each(|_| assert!(push(&mut queue, *number, Stranger, &limits).0));
                }
                let source = Source::Peer(id(2), Stranger);
                let (before, has_room) = (queue.len(), queue.has_room(source, len, &limits));
                let (pushed, displaced) = queue.push(source, onion(len, 9), &limits);
                assert_eq!((pushed, queue.len()), (has_room, before + usize::from(pushed) - displaced as usize));
                assert!(pushed || displaced == 0, "{len} bytes to {lines:?}");
                assert!(queue.bytes <= limits.waiting_bytes);
            }
        }
    }

    // EXC-20: where several messages give way, each is one of whoever then has the most.
    #[test]
    fn who_gave_way_has_less() {
        let limits = Limits { waiting_bytes: 3 * 200 + 2 * 250, ..Limits::default() };
        let mut queue = Queue::default();
        for (number, len, count) in [(1, 200, 3), (3, 250, 2)] {
            for _ in 0..count {
                let source = Source::Peer(id(number), Stranger);
                assert_eq!(queue.push(source, onion(len, 0), &limits), (true, 0));
            }
        }
        assert_eq!(queue.push(Source::Peer(id(2), Stranger), onion(300, 0), &limits), (true, 2));
        assert_eq!(waiting(&queue, &[1, 2, 3]), [2, 1, 1]);
    }

    // EXC-20: who had its turn has less, and others give way then.
    #[test]
    fn who_was_served_has_less() {
        let limits = Limits { waiting: 7, ..Limits::default() };
        let mut queue = Queue::default();
        for (number, count) in [(1, 4), (3, 3)] {
            (0..count).for_each(|_| assert_eq!(push(&mut queue, number, Known, &limits), (true, 0)));
        }
        // By turns, so that the first has had two.
        (0..3).for_each(|_| assert!(queue.pop().is_some()));
        (0..3).for_each(|_| assert_eq!(push(&mut queue, 3, Known, &limits), (true, 0)));
        assert_eq!(waiting(&queue, &[1, 3]), [2, 5]);
        assert_eq!(push(&mut queue, 2, Known, &limits), (true, 1));
        assert_eq!(waiting(&queue, &[1, 2, 3]), [2, 1, 4]);
    }

    // EXC-20: who becomes known, or a stranger again, has its turn as what it is now.
    #[test]
    fn a_line_is_of_the_kind_of_its_peer() {
        for (was, is) in [(Stranger, Known), (Known, Stranger), (Stranger, Itself), (Known, Itself)] {
            let (mut queue, limits) = (Queue::default(), Limits::default());
            for kind in [was, is] {
                assert_eq!(push(&mut queue, 1, kind, &limits), (true, 0));
                assert!(queue.lines.iter().all(|line| line.kind == kind));
            }
            // The other kind had its turn before.
            queue.strangers_were_last = is == Known;
            assert_eq!(push(&mut queue, 3, was, &limits), (true, 0));
            (0..2).for_each(|_| assert!(queue.pop().is_some()));
            assert_eq!(waiting(&queue, &[1, 3]), if is == Itself { [0, 1] } else { [1, 0] });
        }
    }

    // EXC-20: what the peer itself asked for gives way to nothing, and everything else to it.
    #[test]
    fn what_a_peer_asked_for_itself_comes_before() {
        for kind in [Known, Stranger] {
            assert_eq!(giving_way(&[(9, Itself, 6), (2, kind, 2)], 2, kind), None);
            assert_eq!(giving_way(&[(9, Itself, 8)], 2, kind), None);
        }
        assert_eq!(giving_way(&[(9, Itself, 5), (1, Known, 2), (2, Stranger, 1)], 2, Stranger), Some(1));
        assert_eq!(giving_way(&[(9, Itself, 3), (1, Known, 2), (2, Stranger, 3)], 9, Itself), Some(2));
        assert_eq!(giving_way(&[(9, Itself, 7), (1, Known, 1)], 9, Itself), Some(1));
        assert_eq!(giving_way(&[(9, Itself, 8)], 9, Itself), None);
    }

    // EXC-20: whom we know and strangers by turns, which what the peer itself asked for leaves as they are.
    #[test]
    fn kinds_take_turns() {
        let (mut queue, limits) = (Queue::default(), Limits::default());
        for (number, kind) in [(1, Known), (2, Known), (3, Stranger), (4, Stranger)] {
            (0..2).for_each(|_| assert_eq!(push(&mut queue, number, kind, &limits), (true, 0)));
        }
        let mut next = || {
            let before = waiting(&queue, &[1, 2, 3, 4]);
            push(&mut queue, 9, Itself, &limits);
            queue.pop();
            assert_eq!(waiting(&queue, &[1, 2, 3, 4, 9]), [&before[..], &[0]].concat());
            queue.pop()?;
            let after = waiting(&queue, &[1, 2, 3, 4]);
            (0..4).find(|at| after[*at] < before[*at]).map(|at| at + 1)
        };
        let turns: Vec<usize> = core::iter::from_fn(&mut next).collect();
        assert_eq!(turns, [3, 1, 4, 2, 3, 1, 4, 2]);
    }
}
