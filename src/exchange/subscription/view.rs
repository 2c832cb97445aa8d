//! What a subscription shows of itself.

use core::fmt;
use core::ops::{Range, RangeInclusive};

use bitcoin::hex::DisplayHex;

use super::super::payment::Payment;
use super::super::view::End;
use crate::units::{Msat, UnixTime};

/// Which subscription this is. It is never sent to anybody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub [u8; 16]);

/// Hexadecimal.
impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hex().fmt(f)
    }
}

impl fmt::Debug for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

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
    /// When it will be paid: see [`Subscription`](super::Subscription).
    pub due_at: UnixTime,
    /// What it will cost, at the rate that was given last; nothing if that is not known.
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

pub(super) const DAY: u64 = 86_400;

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

/// Where a subscription stands.
#[derive(Clone, Debug)]
pub enum SubscriptionState<'a> {
    /// The next payment is not asked for yet. It is when it is [polled](super::Subscription::poll) after
    /// [`Due::due_at`].
    Waiting(Due),
    /// The payment is asked for, or there is an invoice, which is within what was authorised:
    /// [begin](super::Subscription::begin) it. Or it is being made.
    Open(&'a Payment),
    /// The payment ended without being made, and somebody can decide, until its window closes.
    ///
    /// If it was [too expensive](End::TooExpensive), ask whoever owns the money (REC-12), and then
    /// [allow more once](super::Subscription::allow_once) or [from now on](super::Subscription::set_limit), or
    /// [cancel](super::Subscription::cancel). Otherwise it can be [tried again](super::Subscription::try_again), which
    /// [`poll`](super::Subscription::poll) does by itself after some hours if it may pass: see
    /// [`Subscription`](super::Subscription).
    Stopped(Due, &'a End),
    /// Nothing more will be paid.
    Ended(SubscriptionEnd),
}

/// Why a subscription has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscriptionEnd {
    /// It was cancelled.
    Cancelled,
    /// All was paid that the offer has, or that was authorised.
    Completed,
    /// The first payment was not made in time: by its deadline, or before the authorisation ended.
    NotStarted,
    /// No calendar knows the next period: it is beyond the year 9999, or 64 bits.
    Overflow,
    /// This payment was not made in its window, so none after it will be accepted (REC-7).
    Missed(Due),
}

/// A sentence for a person.
impl fmt::Display for SubscriptionEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancelled => "the subscription was cancelled",
            Self::Completed => "everything was paid that was agreed to",
            Self::NotStarted => "the first payment was not made in time, so the subscription did not begin",
            Self::Overflow => "the next period is beyond the end of the calendar",
            Self::Missed(due) => {
                let number = u64::from(due.counter).saturating_add(1);
                return write!(f, "payment {number} was not made in time, so the subscription is over");
            }
        })
    }
}
