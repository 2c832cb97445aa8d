//! Where a subscription stands.

use crate::exchange::end::EndReason;
use crate::exchange::payer::payment::Payment;
use crate::exchange::payer::subscription::due::Due;

use crate::units::UnixTime;

use core::fmt;

/// Where a subscription stands.
#[derive(Clone, Debug)]
pub enum SubscriptionState<'a> {
    /// The next payment is not asked for yet. It is when it is [polled](crate::exchange::Subscription::poll) after
    /// [`Due::due_at`].
    Waiting(Due),
    /// The payment is asked for, or there is an invoice. If that is within what was authorised,
    /// [begin](crate::exchange::Subscription::begin) it; if it [needs approval](crate::exchange::State::NeedsApproval),
    /// ask the user (REC-12), and then [allow more once](crate::exchange::Subscription::allow_once) or [from now
    /// on](crate::exchange::Subscription::set_limit), or [cancel](crate::exchange::Subscription::cancel). Or it is
    /// being made.
    Open(&'a Payment),
    /// The payment is due, and so was the one before it less than a period ago: payments that were missed are not made
    /// all at once (EXC-17). It is made by itself later, or [now](crate::exchange::Subscription::catch_up), if the user
    /// says so.
    Overdue {
        /// The payment.
        due: Due,
        /// From when on it is made by itself, if its window is still open.
        from: UnixTime,
    },
    /// The payment ended without being made, and somebody can decide, until its window closes.
    ///
    /// It can be [tried again](crate::exchange::Subscription::try_again), which
    /// [`poll`](crate::exchange::Subscription::poll) does by itself after some hours if it may pass: see
    /// [`Subscription`](crate::exchange::Subscription). After a [backup](EndReason::Restored), be sure first that the
    /// period was not paid.
    Stopped(Due, &'a EndReason),
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
            Self::Completed => "all agreed payments were made",
            Self::NotStarted => "the first payment was not made in time, so the subscription did not begin",
            Self::Overflow => "the next period is beyond the end of the calendar",
            Self::Missed(due) => {
                let number = u64::from(due.counter).saturating_add(1);
                return write!(f, "payment {number} was not made in time, so the subscription has ended");
            }
        })
    }
}
