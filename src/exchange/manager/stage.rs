//! How far a conversation is, as far as others are told of it.

use core::mem::discriminant;

use crate::exchange::ids::ConversationId;
use crate::exchange::manager::output::Event;
use crate::exchange::payer::budget::Objection;
use crate::exchange::payer::state::Attempt;

/// How far a conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// For the next period.
    #[cfg_attr(not(feature = "recurrence"), allow(dead_code, reason = "only subscriptions have periods"))]
    Waiting,
    /// For a signature.
    Signing,
    /// For that of a cancellation.
    #[cfg_attr(not(feature = "recurrence"), allow(dead_code, reason = "only subscriptions are cancelled"))]
    SigningCancellation,
    Asking,
    Quoted,
    NeedsApproval(Objection),
    Paying(Attempt),
    Paid,
    #[cfg_attr(not(feature = "recurrence"), allow(dead_code, reason = "only subscriptions are overdue"))]
    Overdue,
    #[cfg_attr(not(feature = "recurrence"), allow(dead_code, reason = "only subscriptions stop"))]
    Stopped,
    Ended,
}

/// How far a conversation is, and how many payments of a subscription were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) stage: Stage,
    pub(crate) made: u32,
}

impl Standing {
    /// The same before anybody was told what there is to decide, or that it has ended.
    pub(crate) fn untold(self) -> Self {
        let is_told = self.stage.is_decision() || self.stage == Stage::Ended;
        Self { stage: if is_told { Stage::Asking } else { self.stage }, ..self }
    }
}

impl Stage {
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Paid | Self::Ended)
    }

    /// Whether the same would be told of it. That a rate moved a little more is nothing new.
    pub(crate) fn says_the_same(self, other: Self) -> bool {
        match (self, other) {
            (Self::NeedsApproval(one), Self::NeedsApproval(other)) => discriminant(&one) == discriminant(&other),
            _ => self == other,
        }
    }

    /// Whether it is for the user to decide or sign something.
    pub(crate) fn is_decision(self) -> bool {
        matches!(
            self,
            Self::Signing
                | Self::SigningCancellation
                | Self::Quoted
                | Self::NeedsApproval(_)
                | Self::Overdue
                | Self::Stopped
        )
    }

    /// What is told of a conversation that has come so far.
    pub(crate) fn event(self, id: ConversationId) -> Option<Event> {
        match self {
            Self::Waiting | Self::Asking => None,
            Self::Signing | Self::SigningCancellation => Some(Event::SignatureNeeded(id)),
            Self::Quoted => Some(Event::Quoted(id)),
            Self::NeedsApproval(objection) => Some(Event::NeedsApproval { id, objection }),
            Self::Paying(_) => Some(Event::Payable(id)),
            Self::Paid => Some(Event::Paid(id)),
            Self::Overdue => Some(Event::Overdue(id)),
            Self::Stopped => Some(Event::Stopped(id)),
            Self::Ended => Some(Event::Ended(id)),
        }
    }
}
