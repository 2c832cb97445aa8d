//! How fast a subscription may pay, and ask (EXC-17).

use alloc::vec::Vec;

use crate::exchange::payer::series::small;
use crate::exchange::payer::subscription::due::{DAY, Due};
use crate::exchange::saved::{Reader, Writer};
use crate::units::UnixTime;

/// How many requests go out in a day at most while no invoice comes.
pub const MAX_REQUESTS_A_DAY: usize = 5;

/// What was done when, by our own clock: neither an offer's windows nor an invoice's times can make it go faster.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    /// How many payments there were before the one that was begun last.
    counter: u32,
    /// When the one after it may be begun without its owner.
    next_at: Option<UnixTime>,
    /// The latest requests that no invoice answered.
    unanswered: Vec<UnixTime>,
    /// Whether the owner lets the next payment be made at once.
    pub(crate) hurried: bool,
    /// Whether a backup was loaded, so that the next payment may have been made.
    pub(crate) restored: bool,
}

/// By how much less than a period may be between two that are overdue: a twentieth of it, at most ten minutes.
fn slack(due: &Due) -> u64 {
    (length(due) / 20).min(600)
}

fn length(due: &Due) -> u64 {
    due.period.end.0.saturating_sub(due.period.start.0)
}

impl Pace {
    /// From when on a payment that is due is made without its owner, if that is not at once.
    pub(crate) fn overdue_until(&self, due: &Due, now: UnixTime) -> Option<UnixTime> {
        // A time that is much more than a period away is one of a clock that was wrong. Months differ.
        let farthest = length(due).saturating_mul(2).max(DAY);
        let is_to_come = |at: &UnixTime| now < *at && at.0.saturating_sub(now.0) <= farthest;
        // What failed may be begun again.
        self.next_at.filter(|at| !self.hurried && due.counter > self.counter && is_to_come(at))
    }

    /// Paying was begun; the next payment is due then.
    pub(crate) fn begun(&mut self, due: &Due, next_due_at: Option<UnixTime>, now: UnixTime) {
        let next_at = UnixTime(now.0.saturating_sub(slack(due)).saturating_add(length(due)));
        // What is late by less than a period, or begins within one, puts off nothing.
        self.next_at = next_due_at.filter(|at| now < *at).or(Some(next_at));
        self.counter = due.counter;
        self.hurried = false;
    }

    /// When the next request may be sent, if that is not at once.
    pub(crate) fn silent_until(&self, now: UnixTime) -> Option<UnixTime> {
        let recent = |at: &&UnixTime| at.0 <= now.0 && now.0.saturating_sub(at.0) < DAY;
        let mut recent = self.unanswered.iter().filter(recent);
        let oldest = recent.next()?;
        (recent.count() >= MAX_REQUESTS_A_DAY.saturating_sub(1)).then(|| UnixTime(oldest.0.saturating_add(DAY)))
    }

    /// A request was sent.
    pub(crate) fn sent(&mut self, now: UnixTime) {
        if self.unanswered.len() >= MAX_REQUESTS_A_DAY {
            self.unanswered.remove(0);
        }
        self.unanswered.push(now);
    }

    /// An invoice came.
    pub(crate) fn answered(&mut self) {
        self.unanswered.clear();
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        out.number(self.counter.into());
        out.optional_number(self.next_at.map(|at| at.0));
        out.number(self.unanswered.len() as u64);
        self.unanswered.iter().for_each(|at| out.number(at.0));
        out.flag(self.hurried);
        out.flag(self.restored);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, crate::error::Error> {
        let counter = small(reader.number()?)?;
        let next_at = reader.optional_number()?.map(UnixTime);
        let mut unanswered = Vec::new();
        for _ in 0..reader.number()? {
            unanswered.push(UnixTime(reader.number()?));
        }
        Ok(Self { counter, next_at, unanswered, hurried: reader.flag()?, restored: reader.flag()? })
    }
}
