//! What an async recipient wants of its server, and how it asks.

use core::time::Duration;

use crate::exchange::schedule::Retry;

/// What an [`AsyncRecipient`](crate::exchange::AsyncRecipient) wants of its server, and how it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecipientTerms {
    /// How many slots it uses, counted from 0: at most as many as the server keeps. 10 by default, as LDK's recipients.
    pub slots: u16,
    /// The shortest time, in whole seconds, for which paths for an offer have to lead to the server. 90 days by default, as
    /// LDK's recipients.
    pub min_paths_lifetime: Duration,
    /// How long after a static invoice was made another is wanted, in whole seconds: what it says of fees and channels gets
    /// out of date. A day by default, and half of its lifetime at most.
    pub renew_invoice: Duration,
    /// The delays between messages that are not answered: about half a minute by default, growing to about an hour.
    pub retry: Retry,
}

impl Default for RecipientTerms {
    fn default() -> Self {
        Self {
            slots: 10,
            min_paths_lifetime: Duration::from_secs(90 * 86_400),
            renew_invoice: Duration::from_secs(86_400),
            retry: Retry { first: Duration::from_secs(30), max: Duration::from_secs(3_600) },
        }
    }
}
