//! How much of a budget is left.

use core::time::Duration;

use super::limits::{Budget, Pace};

/// A budget that fills up again. It can be overdrawn, since what a message costs shows only once it was opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    /// What is there, in parts.
    level: i64,
    /// What there is at most.
    full: i64,
    /// How many parts are one, so that a whole number of them is added in each millisecond.
    one: i64,
    /// That number.
    rate: u32,
    at: Duration,
}

impl Bucket {
    pub(super) fn full(budget: Budget, now: Duration) -> Self {
        Self::new(budget.burst, 1_000, budget.per_second, now)
    }

    /// For a number of messages.
    pub(super) fn paced(pace: Pace, now: Duration) -> Self {
        let millis = i64::try_from(pace.every.as_millis()).unwrap_or(i64::MAX).max(1);
        Self::new(pace.at_once.max(1), millis, 1, now)
    }

    fn new(count: u32, one: i64, rate: u32, now: Duration) -> Self {
        let full = i64::from(count).saturating_mul(one);
        Self { level: full, full, one, rate, at: now }
    }

    fn parts(&self, amount: u32) -> i64 {
        i64::from(amount).saturating_mul(self.one)
    }

    /// Lets time pass. A clock that was set back adds nothing.
    fn fill(&mut self, now: Duration) {
        let millis = u64::try_from(now.saturating_sub(self.at).as_millis()).unwrap_or(u64::MAX);
        let added = i64::try_from(u64::from(self.rate).saturating_mul(millis)).unwrap_or(i64::MAX);
        // Whole milliseconds: the rest counts the next time.
        self.at = self.at.saturating_add(Duration::from_millis(millis)).min(now);
        self.level = self.level.saturating_add(added).min(self.full);
    }

    /// Whether so much is there.
    pub(super) fn has(&mut self, amount: u32, now: Duration) -> bool {
        self.fill(now);
        self.full > 0 && self.level >= self.parts(amount).min(self.full)
    }

    /// Takes that, even if it is not there. Nobody gets deeper into debt than a full bucket.
    pub(super) fn spend(&mut self, amount: u32) {
        let level = self.level.saturating_sub(self.parts(amount));
        self.level = level.max(self.full.saturating_neg());
    }

    /// Gives one back.
    pub(super) fn give_back(&mut self) {
        self.level = self.level.saturating_add(self.one).min(self.full);
    }

    /// How much of it is missing.
    #[cfg(test)]
    pub(super) fn spent(&self) -> u32 {
        u32::try_from((self.full - self.level) / self.one).unwrap()
    }

    /// When so much will be there; never, if nothing is added or nothing fits in.
    pub(super) fn ready_at(&self, amount: u32) -> Option<Duration> {
        let wanted = self.parts(amount).min(self.full);
        let missing = u64::try_from(wanted.saturating_sub(self.level)).unwrap_or(0);
        let millis = match (missing, self.rate) {
            _ if self.full == 0 => return None,
            (0, _) => 0,
            (_, 0) => return None,
            (_, rate) => missing.div_ceil(rate.into()),
        };
        Some(self.at.saturating_add(Duration::from_millis(millis)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_pace_is_never_exceeded() {
        let mut bucket = Bucket::paced(Pace::default(), ms(7));
        let mut sent = alloc::vec::Vec::new();
        for now in 7..10_000 {
            if bucket.has(1, ms(now)) {
                bucket.spend(1);
                sent.push(now);
            }
        }
        assert_eq!(sent[..3], [7, 8, 9]);
        // Over any stretch: three, and one in 300 ms.
        for (at, from) in sent.iter().enumerate() {
            for (more, to) in sent[at..].iter().enumerate() {
                assert!(more as u64 <= 3 + (to - from) / 300, "{more} in {} ms", to - from);
            }
        }
        assert!(sent.len() >= 3 + 9_990 / 301 - 1, "{}", sent.len());
    }

    #[test]
    fn a_budget_fills_up_and_no_further() {
        let mut bucket = Bucket::full(Budget { burst: 10, per_second: 2 }, ms(0));
        bucket.spend(25);
        // No deeper than another ten.
        assert!(!bucket.has(1, ms(5_000)));
        assert_eq!(bucket.ready_at(1), Some(ms(5_500)));
        assert!(bucket.has(1, ms(5_500)) && !bucket.has(2, ms(5_500)));
        assert!(bucket.has(10, ms(1_000_000)));
        bucket.spend(10);
        // A clock that goes back adds nothing, and takes nothing.
        assert!(!bucket.has(1, ms(3)));
        assert!(bucket.has(1, ms(503)));
        // Who wants more than fits gets what fits.
        assert!(bucket.has(20, ms(1_000_000)));
    }

    /// Nothing is nothing: neither as much as one likes, nor something to wait for.
    #[test]
    fn a_budget_of_nothing_is_none() {
        for per_second in [0, 100] {
            let mut bucket = Bucket::full(Budget { burst: 0, per_second }, ms(0));
            assert!(!bucket.has(0, ms(1_000_000)) && !bucket.has(1, ms(1_000_000)));
            bucket.spend(5);
            assert_eq!(bucket.ready_at(1), None);
        }
        let mut bucket = Bucket::full(Budget { burst: 2, per_second: 0 }, ms(0));
        assert_eq!(bucket.ready_at(2), Some(ms(0)));
        bucket.spend(1);
        assert!(bucket.has(1, ms(1)) && !bucket.has(2, ms(u64::MAX)));
        assert_eq!(bucket.ready_at(2), None);
    }

    /// Whatever the clock does, nothing overflows, and time that passes afterwards counts.
    #[test]
    fn a_clock_that_jumps_breaks_nothing() {
        let extremes = [Duration::ZERO, ms(1), Duration::from_nanos(999_999), ms(u64::MAX), Duration::MAX];
        for budget in [Budget { burst: u32::MAX, per_second: u32::MAX }, Budget { burst: 3, per_second: 1 }] {
            for (from, to) in extremes.iter().flat_map(|from| extremes.iter().map(move |to| (*from, *to))) {
                let mut bucket = Bucket::full(budget, from);
                bucket.spend(u32::MAX);
                bucket.has(1, to);
                bucket.spend(u32::MAX);
                assert!(bucket.ready_at(u32::MAX).is_some());
                // It begins again wherever the clock now is.
                bucket.has(1, ms(5));
                assert!(bucket.has(budget.burst, ms(10_005)), "{budget:?} {from:?} {to:?}");
            }
        }
        let mut pace = Bucket::paced(Pace { at_once: u32::MAX, every: Duration::MAX }, Duration::MAX);
        assert!(pace.has(u32::MAX, Duration::ZERO));
        pace.spend(1);
        pace.give_back();
        assert!(pace.ready_at(u32::MAX).is_some());
    }
}
