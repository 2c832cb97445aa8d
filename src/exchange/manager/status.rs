//! What an app shows while something is in progress.

use core::fmt;
use core::time::Duration;

use crate::exchange::end::EndReason;
use crate::exchange::payer::budget::Objection;
#[cfg(feature = "recurrence")]
use crate::exchange::payer::subscription::state::SubscriptionEnd;
use crate::units::{Msat, UnixTime};

/// What happens in a conversation, since when, what it is waiting for, and for how long.
///
/// ```
/// use bolt12::UnixTime;
/// use bolt12::exchange::{ConversationId, ManagerError, OffersManager, WaitsFor};
///
/// /// For below a spinner: "2 invoice requests were sent; waiting for the payee, for at most 2 minutes".
/// fn shown(manager: &OffersManager, id: ConversationId, now: UnixTime) -> Result<String, ManagerError> {
///     let status = manager.status(id, now)?;
///     match status.activity.waits_for() {
///         Some(WaitsFor::Owner) => Ok(format!("{} Tap here.", status.sentence(now))),
///         _ => Ok(status.sentence(now)),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The activity.
    pub activity: Activity,
    /// The time of the last change, or of loading.
    pub since: UnixTime,
    /// The time when it does something by itself.
    pub next: Option<UnixTime>,
    /// The time when the wait ends in any case; `None` if it may take for ever.
    pub until: Option<UnixTime>,
}

/// What happens in a conversation. `Display` prints a phrase for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activity {
    /// A change is being saved.
    Saving,
    /// A request is about to be sent, and lacks a signature.
    Signing,
    /// An invoice is being requested.
    Asking {
        /// The number of requests that were sent.
        requests: u32,
    },
    /// A refund is published, and has not been claimed yet.
    Published,
    /// There is an invoice.
    Quoted {
        /// Its amount.
        amount: Msat,
    },
    /// There is an invoice that is paid only if the user allows it.
    NeedsApproval {
        /// Its amount.
        amount: Msat,
        /// The reason why it needs approval.
        objection: Objection,
    },
    /// The invoice is being paid.
    Paying {
        /// Its amount.
        amount: Msat,
    },
    /// It was paid.
    Paid,
    /// It ended without being paid.
    Ended(EndReason),
    /// The invoice for a refund is sent to its payer.
    Claiming,
    /// The next payment of a subscription is not due yet.
    NotDue {
        /// The number of the payment, counted from 1.
        number: u64,
    },
    /// The next payment of a subscription is due, and the exchange rate is unknown.
    RateNeeded,
    /// The next payment of a subscription is overdue, like the one before it. It is made later.
    Overdue {
        /// The number of the payment, counted from 1.
        number: u64,
    },
    /// The payment of a subscription stopped.
    Stopped(EndReason),
    /// The subscription has ended.
    #[cfg(feature = "recurrence")]
    Over(SubscriptionEnd),
}

/// What a conversation is waiting for. `Display` prints a phrase for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitsFor {
    /// The application's store.
    Store,
    /// The issuer.
    Payee,
    /// The claimant of a refund.
    Claimant,
    /// The payer of a refund.
    Payer,
    /// The user.
    Owner,
    /// The node that pays.
    Node,
    /// The time of the next payment.
    NextPeriod,
    /// The rate of a currency.
    Rate,
    /// Anyone who signs requests.
    Signer,
}

impl Activity {
    /// What has to happen next; `None` if it has ended.
    pub const fn waits_for(&self) -> Option<WaitsFor> {
        Some(match self {
            Self::Saving => WaitsFor::Store,
            Self::Signing => WaitsFor::Signer,
            Self::Asking { .. } => WaitsFor::Payee,
            Self::Published => WaitsFor::Claimant,
            Self::Quoted { .. } | Self::NeedsApproval { .. } | Self::Stopped(_) => WaitsFor::Owner,
            Self::Paying { .. } => WaitsFor::Node,
            Self::Claiming => WaitsFor::Payer,
            Self::NotDue { .. } | Self::Overdue { .. } => WaitsFor::NextPeriod,
            Self::RateNeeded => WaitsFor::Rate,
            Self::Paid | Self::Ended(_) => return None,
            #[cfg(feature = "recurrence")]
            Self::Over(_) => return None,
        })
    }
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Saving => f.write_str("this is being saved"),
            Self::Signing => f.write_str("an invoice request is to be signed"),
            Self::Asking { requests: 0 } => f.write_str("an invoice is about to be requested"),
            Self::Asking { requests: 1 } => f.write_str("an invoice request was sent"),
            Self::Asking { requests } => write!(f, "{requests} invoice requests were sent"),
            Self::Published => f.write_str("the refund can be claimed"),
            Self::Quoted { amount } => write!(f, "there is an invoice for {amount}"),
            Self::NeedsApproval { amount, objection } => {
                write!(f, "there is an invoice for {amount}, which needs your approval: {objection}")
            }
            Self::Paying { amount } => write!(f, "{amount} is being paid"),
            Self::Paid => f.write_str("the payment has been made"),
            Self::Ended(reason) => reason.fmt(f),
            Self::Claiming => f.write_str("the invoice for the refund was sent"),
            Self::NotDue { number } => write!(f, "payment {number} is not due yet"),
            Self::Overdue { number } => {
                write!(f, "payment {number} is overdue, like the one before it, and is not made at once")
            }
            Self::RateNeeded => f.write_str("a payment is due, but the exchange rate is unknown"),
            Self::Stopped(reason) => write!(f, "this payment was not made: {reason}"),
            #[cfg(feature = "recurrence")]
            Self::Over(end) => end.fmt(f),
        }
    }
}

impl fmt::Display for WaitsFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Store => "the storage",
            Self::Payee => "the payee",
            Self::Claimant => "somebody to claim it",
            Self::Payer => "the payer",
            Self::Owner => "your decision",
            Self::Node => "the Lightning network",
            Self::NextPeriod => "its due date",
            Self::Rate => "the exchange rate",
            Self::Signer => "the signature",
        })
    }
}

impl Status {
    /// The rest of the wait; `None` if it has ended, or may take for ever.
    pub fn left(&self, now: UnixTime) -> Option<Duration> {
        self.until.map(|until| Duration::from_secs(until.0.saturating_sub(now.0)))
    }

    /// The status in one sentence, without a full stop.
    pub fn sentence(&self, now: UnixTime) -> alloc::string::String {
        let Some(waits_for) = self.activity.waits_for() else { return alloc::format!("{}", self.activity) };
        let time = match (self.left(now), waits_for) {
            (None, _) => return alloc::format!("{}; waiting for {waits_for}", self.activity),
            (Some(left), WaitsFor::NextPeriod) => alloc::format!("in {}", About(left)),
            (Some(left), _) => alloc::format!("for at most {}", About(left)),
        };
        alloc::format!("{}; waiting for {waits_for}, {time}", self.activity)
    }
}

/// A duration as a person would say it, rounded up.
struct About(Duration);

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (count, unit) = match seconds {
            0..=89 => (seconds, "second"),
            90..=5_399 => (seconds.div_ceil(60), "minute"),
            5_400..=129_599 => (seconds.div_ceil(3_600), "hour"),
            _ => (seconds.div_ceil(86_400), "day"),
        };
        write!(f, "{count} {unit}{}", if count == 1 { "" } else { "s" })
    }
}
