//! How fast a subscription may pay, and ask (EXC-17).

use alloc::vec::Vec;

use crate::exchange::payer::subscription::due::{DAY, Due};
use crate::exchange::saved::{Reader, Writer};
use crate::units::UnixTime;

/// How many requests go out in a day at most while no invoice comes.
pub const MAX_REQUESTS_A_DAY: usize = 5;

/// What was done when, by our own clock: neither an offer's windows nor an invoice's times can make it go faster.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    /// When the next payment may be begun without its owner.
    next_at: Option<UnixTime>,
    /// The latest requests that no invoice answered.
    unanswered: Vec<UnixTime>,
    /// Whether the owner lets the next payment be made at once.
    pub(crate) hurried: bool,
    /// Whether a backup was loaded, so that the next payment may have been made.
    pub(crate) restored: bool,
}

/// By how much a payment may be late before the ones after it move: a twentieth of the period, at most ten minutes.
fn slack(due: &Due) -> u64 {
    (length(due) / 20).min(600)
}

fn length(due: &Due) -> u64 {
    due.period.end.0.saturating_sub(due.period.start.0)
}

impl Pace {
    /// From when on a payment that is due is made without its owner, if that is not at once.
    pub(crate) fn overdue_until(&self, due: &Due, now: UnixTime) -> Option<UnixTime> {
        // A time that is more than a period away is one of a clock that was wrong.
        let is_to_come = |at: &UnixTime| now < *at && at.0.saturating_sub(now.0) <= length(due).max(DAY);
        self.next_at.filter(|at| !self.hurried && due.counter > 0 && is_to_come(at))
    }

    /// Paying was begun.
    pub(crate) fn begun(&mut self, due: &Due, now: UnixTime) {
        let on_time = now.0.saturating_sub(slack(due)).max(due.due_at.0.min(now.0));
        self.next_at = Some(UnixTime(on_time.saturating_add(length(due))));
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
        out.optional_number(self.next_at.map(|at| at.0));
        out.number(self.unanswered.len() as u64);
        self.unanswered.iter().for_each(|at| out.number(at.0));
        out.flag(self.hurried);
        out.flag(self.restored);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, crate::error::Error> {
        let next_at = reader.optional_number()?.map(UnixTime);
        let mut unanswered = Vec::new();
        for _ in 0..reader.number()? {
            unanswered.push(UnixTime(reader.number()?));
        }
        Ok(Self { next_at, unanswered, hurried: reader.flag()?, restored: reader.flag()? })
    }
}
