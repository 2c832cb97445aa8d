//! One peer that is connected.

use alloc::collections::VecDeque;
use core::time::Duration;

use super::bucket::Bucket;
use super::limits::Limits;
use super::queue::Queue;
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
    /// When it lost its place to another.
    pub(super) lost_place_at: Option<Duration>,
    since: Duration,
    pub(super) active_at: Duration,
    pub(super) budget: Bucket,
    pub(super) pace: Bucket,
    /// What it sent, and there was no budget to open yet.
    pub(super) unopened: VecDeque<OnionMessage>,
    pub(super) unopened_bytes: usize,
    pub(super) queue: Queue,
}

impl Peer {
    pub(super) fn new(is_inbound: bool, standing: Standing, is_able: bool, limits: &Limits, now: Duration) -> Self {
        Self {
            is_inbound,
            standing,
            is_able,
            has_place: false,
            lost_place_at: None,
            since: now,
            active_at: now,
            budget: Bucket::full(limits.peer, now),
            pace: Bucket::paced(limits.pace, now),
            unopened: VecDeque::new(),
            unopened_bytes: 0,
            queue: Queue::default(),
        }
    }

    pub(super) fn is_new(&self, now: Duration) -> bool {
        now < self.new_until()
    }

    /// From when on it is new no more.
    pub(super) fn new_until(&self) -> Duration {
        self.since.saturating_add(NEW)
    }

    /// Whether it had a place, and lost it, not long ago: who is new comes before it.
    pub(super) fn lost_place_lately(&self, now: Duration) -> bool {
        self.lost_place_at.is_some_and(|at| now < at.saturating_add(NEW))
    }

    pub(super) fn is_stranger(&self) -> bool {
        self.standing == Standing::Stranger
    }

    /// How many messages wait for it, or from it.
    pub(super) fn waiting(&self) -> usize {
        self.unopened.len().saturating_add(self.queue.len())
    }

    /// Whether something has waited for it, or from it, since not too long ago: who does not take its answers cannot
    /// keep a place with them.
    pub(super) fn is_busy(&self, now: Duration) -> bool {
        self.waiting() > 0 && now < self.active_at.saturating_add(PATIENCE)
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

    #[test]
    fn newcomers_are_new_for_a_minute() {
        let start = Duration::from_secs(1_000);
        let peer = peer(start);
        assert!(peer.is_new(start) && peer.is_new(start + NEW - Duration::from_nanos(1)));
        assert!(!peer.is_new(start + NEW));
    }
}
