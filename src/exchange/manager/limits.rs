//! Limits on the number of conversations.

/// The limits on the number of conversations of each kind. Conversations that have ended count until they are archived
/// or removed. Saved states are loaded beyond the limits.
///
/// Only the application starts conversations, so these limits guard it against itself, for example against a program
/// that starts payments in a loop. The [guide](crate::guide::manager) says what others can make a manager keep and
/// compute.
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
