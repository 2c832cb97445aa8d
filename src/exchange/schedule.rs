//! When to send a message again that was not answered, and over which path (EXC-5).

use core::time::Duration;

use super::saved::{Reader, Writer};
use crate::error::Error;
use crate::units::UnixTime;

/// The delays between requests. They grow after each round over all paths.
///
/// Each delay is drawn at random within half of it in either direction. Exact delays would reveal which software sends
/// the requests, and conversations that started together would send their requests together. The draw follows from the
/// conversation's secret, so it can be reproduced with that secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The average of the first delay, in whole seconds, at least one.
    pub first: Duration,
    /// The average of the longest delay.
    pub max: Duration,
}

/// About 5 seconds, growing to about a minute.
impl Default for Retry {
    fn default() -> Self {
        Self { first: Duration::from_secs(5), max: Duration::from_secs(60) }
    }
}

impl Retry {
    /// The middle of the delay after an attempt of this round, counted from 0: twice as long each round.
    fn delay(&self, round: u32) -> Duration {
        let first = self.first.as_secs().max(1);
        let grown = 1u64.checked_shl(round).and_then(|factor| first.checked_mul(factor)).unwrap_or(u64::MAX);
        Duration::from_secs(grown.min(self.max.as_secs()).max(1))
    }

    /// The longest delay that can be drawn.
    fn longest(&self) -> Duration {
        let middle = self.delay(u32::MAX).as_secs();
        Duration::from_secs(middle.saturating_add(middle / 2))
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        out.number(self.first.as_secs());
        out.number(self.max.as_secs());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let mut seconds = || reader.number().map(Duration::from_secs);
        Ok(Self { first: seconds()?, max: seconds()? })
    }
}

/// Attempts over several ways: each in order, with a delay after each, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    retry: Retry,
    /// How many attempts were made.
    attempts: u32,
    /// How often a way was tried or passed over, because it is closed.
    turns: u32,
    /// When the next is due.
    next_at: UnixTime,
    /// What the next delay is drawn with.
    seed: u64,
}

/// A number that looks random, and the seed of the next (SplitMix64). Nobody gains by guessing it, beyond knowing when
/// one conversation asks again.
fn draw(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// One of `0..=max`, by a number that looks random.
pub(crate) fn at_most(max: u64, number: u64) -> u64 {
    max.checked_add(1).and_then(|count| number.checked_rem(count)).unwrap_or(number)
}

impl Schedule {
    pub(crate) fn new(retry: Retry, now: UnixTime) -> Self {
        Self { retry, attempts: 0, turns: 0, next_at: now, seed: 0 }
    }

    /// Has delays be drawn with this, which nobody else knows.
    pub(crate) fn seeded(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Waits for so long from now on.
    #[cfg(feature = "onion")]
    pub(crate) fn with(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// The delay after this round.
    fn delay(&mut self, round: u32) -> Duration {
        let middle = self.retry.delay(round).as_secs();
        let half = middle / 2;
        let more = at_most(half.saturating_mul(2), draw(&mut self.seed));
        Duration::from_secs(middle.saturating_sub(half).saturating_add(more))
    }

    /// Begins anew, for another request, with this way (or the first, after the last).
    pub(crate) fn restart(&mut self, way: u32, now: UnixTime) {
        *self = Self { turns: way, seed: self.seed, ..Self::new(self.retry, now) };
    }

    /// The same after a delay, because the last request was answered at once, and in vain, for the so-manieth time.
    pub(crate) fn restart_later(&mut self, way: u32, times: u8, now: UnixTime) {
        let delay = self.delay(u32::from(times).saturating_sub(1));
        self.restart(way, now.saturating_add(delay));
    }

    /// The next attempt is due now.
    pub(crate) fn hurry(&mut self, now: UnixTime) {
        self.next_at = now;
    }

    /// How many attempts were made.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(crate) fn next_at(&self) -> UnixTime {
        self.next_at
    }

    /// The way to try now, out of so many of which some are open, if an attempt is due.
    pub(crate) fn next(&mut self, ways: usize, is_open: impl Fn(usize) -> bool, now: UnixTime) -> Option<usize> {
        let ways = u32::try_from(ways).unwrap_or(u32::MAX).max(1);
        // A clock that was set back must not stop everything.
        let farthest = now.saturating_add(self.retry.longest());
        // No second follows the last one: whoever polls then would be told to send without end.
        if now.next_second() == now && self.next_at == now && self.attempts > 0 {
            return None;
        }
        if now < self.next_at && self.next_at <= farthest {
            return None;
        }
        // Closed ways keep their turn, so that the others stay in order.
        for _ in 0..ways {
            let way = usize::try_from(self.turns.checked_rem(ways)?).ok()?;
            let round = self.turns.checked_div(ways)?;
            self.turns = self.turns.wrapping_add(1);
            if is_open(way) {
                self.next_at = now.saturating_add(self.delay(round));
                self.attempts = self.attempts.saturating_add(1);
                return Some(way);
            }
        }
        None
    }

    /// The way that was tried last leads nowhere: the next is due at once, but after the last of all open ways the
    /// delay stays, or unreachable ways would be tried without end.
    pub(crate) fn unreachable(&mut self, way: usize, ways: usize, is_open: impl Fn(usize) -> bool, now: UnixTime) {
        let last = usize::try_from(self.turns).ok().and_then(|turns| turns.checked_sub(1)?.checked_rem(ways.max(1)));
        if last == Some(way) && (way..ways).skip(1).any(is_open) {
            self.hurry(now);
        }
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        self.retry.write(out);
        out.number(self.attempts.into());
        out.number(self.turns.into());
        out.number(self.next_at.0);
        out.number(self.seed);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let retry = Retry::read(reader)?;
        let mut count = || u32::try_from(reader.number()?).map_err(|_| super::saved::invalid());
        let (attempts, turns) = (count()?, count()?);
        Ok(Self { retry, attempts, turns, next_at: UnixTime(reader.number()?), seed: reader.number()? })
    }
}

/// Whether a way is not among those that are closed.
pub(crate) fn is_open(closed: &[u8]) -> impl Fn(usize) -> bool {
    move |way| !closed.iter().any(|position| usize::from(*position) == way)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    // EXC-5: numbers that the reference implementation of SplitMix64 draws.
    #[test]
    fn numbers_are_drawn_as_splitmix64_does() {
        let mut seed = 1_234_567;
        let drawn = [draw(&mut seed), draw(&mut seed), draw(&mut seed)];
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    // EXC-5: where every way is closed, nothing is counted as an attempt.
    #[test]
    fn no_way_is_taken_where_all_are_closed() {
        let now = UnixTime(1_000);
        let mut schedule = Schedule::new(Retry::default(), now);
        assert_eq!(schedule.next(3, is_open(&[0, 1, 2]), now), None);
        assert_eq!((schedule.attempts(), schedule.next_at()), (0, now));
        assert_eq!(schedule.next(3, is_open(&[0, 2]), now), Some(1));
        assert_eq!(schedule.attempts(), 1);
    }

    // At the end of time there is one attempt, and not one for each time somebody asks.
    #[test]
    fn what_begins_at_the_end_of_time_is_sent_once() {
        let end = UnixTime(u64::MAX);
        let mut schedule = Schedule::new(Retry::default(), end);
        assert_eq!([0; 3].map(|_| schedule.next(1, |_| true, end)), [Some(0), None, None]);
    }

    // EXC-5: who asks anew is still told apart by nobody.
    #[test]
    fn what_begins_anew_is_drawn_with_its_own_seed() {
        let now = UnixTime(1_000);
        let due = |seed| {
            let mut schedule = Schedule::new(Retry::default(), now).seeded(seed);
            schedule.restart(0, now);
            let mut draws = Vec::new();
            for _ in 0..8 {
                schedule.next(1, |_| true, schedule.next_at()).unwrap();
                draws.push(schedule.next_at());
            }
            draws
        };
        assert_eq!(due(7), due(7));
        assert_ne!(due(7), due(8));
    }
}
