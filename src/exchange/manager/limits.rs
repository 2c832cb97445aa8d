//! How much there may be at once.

/// How many conversations of each kind there may be at once, those that have ended included, until they are archived or
/// removed. What was saved is loaded all the same.
///
/// Only the application begins conversations, so these limits guard against itself: against a program that begins
/// payments in a loop, for example. What others can make a manager keep and compute is on [a page of the
/// guide](crate::guide::manager).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManagerLimits {
    /// Payments and published refunds. 1,000,000 by default.
    pub payments: usize,
    /// Claims of refunds. 1,000,000 by default.
    pub claims: usize,
    /// Subscriptions. 1,000,000 by default.
    pub subscriptions: usize,
}

impl Default for ManagerLimits {
    fn default() -> Self {
        Self { payments: 1_000_000, claims: 1_000_000, subscriptions: 1_000_000 }
    }
}

/// How many answers to wrong invoices one conversation sends at most: anyone who sends more of them is not told.
pub(crate) const MAX_ANSWERS: u8 = 8;
