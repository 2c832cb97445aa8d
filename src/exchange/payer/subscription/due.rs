//! One payment of a subscription that is to come.

use core::ops::{Range, RangeInclusive};

use crate::units::{Msat, UnixTime};

/// One payment of a subscription: which period it is for, when it can be made, and what it will cost.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Due {
    /// How many payments there are before it.
    pub counter: u32,
    /// The number of its period.
    pub period_index: u64,
    /// The period, from its first second to the first one after it. An estimate, as long as nothing was paid and the
    /// offer does not say when period 0 starts: it does with the first invoice.
    pub period: Range<UnixTime>,
    /// The first and the last second at which it can be paid (REC-6). What else limits the first payment, its
    /// deadline and the expiry of the offer (REC-13), is taken into account.
    pub window: RangeInclusive<UnixTime>,
    /// When it will be paid: see [`Subscription`](crate::exchange::Subscription).
    pub due_at: UnixTime,
    /// What it will cost, at the rate that was given last; `None` if that is not known.
    pub amount: Option<Msat>,
    /// What a whole period costs. More than the [amount](Self::amount) if part of the period will be over, and the
    /// offer takes less for the rest (REC-8).
    pub full_amount: Option<Msat>,
}

/// How a payment stands to the clock, as long as it is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timing {
    /// It is not due yet.
    Early,
    /// It is due.
    Due,
    /// It has been due for a day, or for half of the time in which it can be paid, if that is less.
    Late,
    /// It cannot be paid any more.
    Missed,
}

pub(crate) const DAY: u64 = 86_400;

impl Due {
    /// How the payment stands to the clock.
    pub fn timing(&self, now: UnixTime) -> Timing {
        let until = *self.window.end();
        let patience = DAY.min(until.0.saturating_sub(self.due_at.0).checked_div(2).unwrap_or(0));
        match now {
            _ if now > until => Timing::Missed,
            _ if now < self.due_at => Timing::Early,
            _ if now.0.saturating_sub(self.due_at.0) > patience => Timing::Late,
            _ => Timing::Due,
        }
    }
}
