//! How far a conversation is, as far as others are told of it.

use crate::exchange::ids::ConversationId;
use crate::exchange::manager::output::Event;

/// How far a conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// For the next period.
    #[cfg_attr(not(feature = "recurrence"), allow(dead_code, reason = "only subscriptions have periods"))]
    Waiting,
    Asking,
    Quoted,
    Paying,
    Paid,
    #[cfg_attr(not(feature = "recurrence"), allow(dead_code, reason = "only subscriptions stop"))]
    Stopped,
    Ended,
}

impl Stage {
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Paid | Self::Ended)
    }

    /// What is told of a conversation that has come so far.
    pub(crate) fn event(self, id: ConversationId) -> Option<Event> {
        match self {
            Self::Waiting | Self::Asking => None,
            Self::Quoted => Some(Event::Quoted(id)),
            Self::Paying => Some(Event::Payable(id)),
            Self::Paid => Some(Event::Paid(id)),
            Self::Stopped => Some(Event::Stopped(id)),
            Self::Ended => Some(Event::Ended(id)),
        }
    }
}
