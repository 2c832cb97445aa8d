//! Views of conversations.

#[cfg(feature = "recurrence")]
use crate::exchange::ids::SubscriptionId;
use crate::exchange::ids::{ClaimId, ConversationId, PaymentId};
use crate::exchange::manager::OffersManager;
use crate::exchange::manager::conversation::Conversation;
use crate::exchange::manager::error::ManagerError;
use crate::exchange::manager::held::{Held, NEVER};
use crate::exchange::manager::status::{Activity, Status};
use crate::exchange::payee::claim::Claim;
use crate::exchange::payer::payment::Payment;
#[cfg(feature = "recurrence")]
use crate::exchange::payer::subscription::Subscription;
use crate::units::UnixTime;

/// Views of conversations, each in its last saved state. A change that is not saved yet is not shown, because it may be
/// undone.
impl OffersManager {
    /// Looks at a payment.
    ///
    /// # Errors
    ///
    /// `Unknown`, `Unsaved` if it was never saved.
    pub fn payment<R>(&self, id: PaymentId, look: impl FnOnce(&Payment) -> R) -> Result<R, ManagerError> {
        self.view(id.into(), look)
    }

    /// Looks at a claim.
    ///
    /// # Errors
    ///
    /// `Unknown`, `Unsaved` if it was never saved.
    pub fn claim<R>(&self, id: ClaimId, look: impl FnOnce(&Claim) -> R) -> Result<R, ManagerError> {
        self.view(id.into(), look)
    }

    /// Looks at a subscription.
    ///
    /// # Errors
    ///
    /// `Unknown`, `Unsaved` if it was never saved.
    #[cfg(feature = "recurrence")]
    pub fn subscription<R>(
        &self,
        id: SubscriptionId,
        look: impl FnOnce(&Subscription) -> R,
    ) -> Result<R, ManagerError> {
        self.view(id.into(), look)
    }

    fn view<T: Held + 'static, R>(&self, id: ConversationId, look: impl FnOnce(&T) -> R) -> Result<R, ManagerError> {
        let look = |held: &dyn Held| held.as_any().downcast_ref().map(look);
        let entry = self.book.get(&id).ok_or(ManagerError::Unknown(id))?;
        let seen = match &entry.saving {
            Some(saving) => {
                let confirmed = saving.confirmed.as_ref().ok_or(ManagerError::Unsaved(id))?;
                look(Conversation::reload(&self.parties, id.kind(), confirmed)?.as_ref())
            }
            None => entry.conversation.look(&self.parties, id.kind(), look)?,
        };
        seen.ok_or(ManagerError::Unknown(id))
    }

    /// The status of a conversation: what happens, since when, what it is waiting for, and for how long.
    ///
    /// # Errors
    ///
    /// `Unknown`.
    pub fn status(&self, id: impl Into<ConversationId>, now: UnixTime) -> Result<Status, ManagerError> {
        let id = id.into();
        let entry = self.book.get(&id).ok_or(ManagerError::Unknown(id))?;
        let next = (entry.wake != NEVER).then_some(entry.wake);
        let (activity, until) = match entry.saving {
            Some(_) => (Activity::Saving, None),
            None => entry.conversation.look(&self.parties, id.kind(), |held| held.activity(now))?,
        };
        Ok(Status { activity, since: entry.since, next, until })
    }

    /// All conversations, in the order of their ids.
    pub fn ids(&self) -> impl Iterator<Item = ConversationId> + '_ {
        self.book.ids()
    }

    /// The number of conversations.
    pub fn len(&self) -> usize {
        self.book.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
