//! One peer that is connected.

use alloc::collections::VecDeque;
use core::time::Duration;

use super::bucket::Bucket;
use super::limits::Limits;
use super::queue::{Queue, Source};
use crate::onion::OnionMessage;

/// What a peer is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Standing {
    /// It came to us, for whatever reason. Nothing that begins at us goes to it first (EXC-19).
    Stranger,
    /// It came to us, and has a channel with us: it is always heard.
    Kept,
    /// We connected to it, or the application named it: it is always heard, and what begins at us can go through it.
    Chosen,
}

/// How long a stranger counts as a newcomer.
const NEW: Duration = Duration::from_secs(60);

/// How long a peer for which something waits counts as busy, without doing anything.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Peer {
    pub(super) is_inbound: bool,
    pub(super) standing: Standing,
    /// Whether it takes our onion messages: else it is sent none.
    pub(super) is_able: bool,
    /// Whether it is heard at the moment.
    pub(super) has_place: bool,
    since: Duration,
    pub(super) active_at: Duration,
    pub(super) budget: Bucket,
    pub(super) pace: Bucket,
    /// What it sent, and there was no budget to open yet.
    pub(super) unopened: VecDeque<OnionMessage>,
    pub(super) unopened_bytes: usize,
    pub(super) queue: Queue,
    /// Since when something has been in the queue.
    queued_since: Duration,
}

impl Peer {
    pub(super) fn new(is_inbound: bool, standing: Standing, is_able: bool, limits: &Limits, now: Duration) -> Self {
        Self {
            is_inbound,
            standing,
            is_able,
            has_place: false,
            since: now,
            active_at: now,
            budget: Bucket::full(limits.peer, now),
            pace: Bucket::paced(limits.pace, now),
            unopened: VecDeque::new(),
            unopened_bytes: 0,
            queue: Queue::default(),
            queued_since: now,
        }
    }

    /// Puts a message into its queue: see [`Queue::push`].
    pub(super) fn push(
        &mut self,
        source: Source,
        message: OnionMessage,
        limits: &Limits,
        now: Duration,
    ) -> (bool, u64) {
        if self.queue.is_empty() {
            self.queued_since = now;
        }
        self.queue.push(source, message, limits)
    }

    pub(super) fn is_new(&self, now: Duration) -> bool {
        now < self.new_until()
    }

    /// From when on it is new no more.
    pub(super) fn new_until(&self) -> Duration {
        self.since.saturating_add(NEW)
    }

    pub(super) fn is_stranger(&self) -> bool {
        self.standing == Standing::Stranger
    }

    /// How many messages wait for it, or from it.
    pub(super) fn waiting(&self) -> usize {
        self.unopened.len().saturating_add(self.queue.len())
    }

    /// Whether something has waited for it, or from it, since not too long ago: who does not take its answers, or only
    /// one now and then, cannot keep a place with them.
    pub(super) fn is_busy(&self, now: Duration) -> bool {
        let is_short = |since: Duration| now < since.saturating_add(PATIENCE);
        let sends = !self.unopened.is_empty() && is_short(self.active_at);
        let is_sent = !self.queue.is_empty() && is_short(self.queued_since);
        sends || is_sent
    }

    /// Forgets what waits, and says how much that was.
    pub(super) fn clear(&mut self) -> usize {
        let count = self.waiting();
        self.unopened = VecDeque::new();
        self.unopened_bytes = 0;
        self.queue = Queue::default();
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(now: Duration) -> Peer {
        Peer::new(true, Standing::Stranger, true, &Limits::default(), now)
    }

    // EXC-20: who takes an answer now and then, and asks again, always has one waiting, and is not busy for ever.
    #[test]
    fn who_takes_its_answers_slowly_is_not_busy() {
        let (start, limits) = (Duration::from_secs(1_000), Limits::default());
        let mut peer = peer(start);
        let message = |number| crate::peers::onion(200, number);
        assert!(!peer.is_busy(start));
        let source = Source::Peer(crate::peers::id(2), crate::peers::queue::Kind::Itself);
        for number in 0..=20 {
            let now = start + PATIENCE / 20 * u32::try_from(number).unwrap();
            peer.push(source, message(number), &limits, now);
            peer.active_at = now;
            if number > 0 {
                peer.queue.pop().unwrap();
            }
            assert_eq!(peer.is_busy(now), number < 20);
        }
        // Who takes all begins anew.
        peer.queue.pop().unwrap();
        let now = start + PATIENCE;
        peer.push(source, message(30), &limits, now);
        assert!(peer.is_busy(now) && !peer.is_busy(now + PATIENCE));
        // What it sent waits for us.
        let mut peer = peer_that_sent(now, message(31));
        assert!(peer.is_busy(now) && !peer.is_busy(now + PATIENCE));
        peer.active_at = now + PATIENCE;
        assert!(peer.is_busy(now + PATIENCE));
    }

    fn peer_that_sent(now: Duration, message: OnionMessage) -> Peer {
        let mut peer = peer(now);
        peer.unopened.push_back(message);
        peer
    }

    #[test]
    fn newcomers_are_new_for_a_minute() {
        let start = Duration::from_secs(1_000);
        let peer = peer(start);
        assert!(peer.is_new(start) && peer.is_new(start + NEW - Duration::from_nanos(1)));
        assert!(!peer.is_new(start + NEW));
    }
}
