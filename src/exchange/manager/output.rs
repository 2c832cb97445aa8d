//! The output of a manager: states to save, messages to send, and events.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::error::Error;
use crate::exchange::ids::ConversationId;
use crate::exchange::message::OutgoingMessage;
use crate::exchange::payer::budget::Objection;
use crate::exchange::payer::unsent::UnsentRequest;
use crate::field::CurrencyCode;

/// A state to save, or one to delete. Any storage that maps ids to bytes will do.
///
/// Carry out the saves of one conversation in the order of their numbers, and then
/// [confirm](super::OffersManager::saved) each.
#[derive(Clone, PartialEq, Eq)]
pub struct Save {
    /// The number for the confirmation.
    pub number: u64,
    /// The conversation, which is the key in the storage. It has a [kind](ConversationId::kind) and
    /// [bytes](ConversationId::as_bytes).
    pub id: ConversationId,
    /// The new state, which replaces the old one; `None` to delete it.
    pub state: Option<Vec<u8>>,
}

/// Does not show the state, because it may contain a preimage.
impl fmt::Debug for Save {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.as_ref().map(Vec::len);
        f.debug_struct("Save").field("number", &self.number).field("id", &self.id).field("len", &state).finish()
    }
}

/// A message to send. Everything that it depends on is saved.
#[must_use = "it is to be sent"]
pub struct ToSend {
    id: ConversationId,
    what: What,
}

pub(crate) enum What {
    /// Still to be signed.
    Request(Box<UnsentRequest>),
    Message(Box<OutgoingMessage>),
}

impl ToSend {
    pub(crate) fn new(id: ConversationId, what: What) -> Self {
        Self { id, what }
    }

    /// The conversation to which it belongs.
    pub fn id(&self) -> ConversationId {
        self.id
    }

    /// The message. A request is built and signed only now, so call this outside any lock around the manager.
    ///
    /// # Errors
    ///
    /// The errors of [`InvoiceRequestBuilder::build`](crate::InvoiceRequestBuilder::build). A conversation that started
    /// without an error does not fail here.
    pub fn message(self) -> Result<OutgoingMessage, Error> {
        match self.what {
            What::Request(unsent) => unsent.sign(),
            What::Message(message) => Ok(*message),
        }
    }
}

impl fmt::Debug for ToSend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToSend").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A change of a conversation. Everything that it depends on is saved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A request needs a signature from a remote signer: show the result of
    /// [`Payment::to_sign`](crate::exchange::Payment::to_sign), or of `to_sign` of a subscription, to the signer, and
    /// [pass on the signature](super::OffersManager::sign).
    SignatureNeeded(ConversationId),
    /// There is an invoice. Show the quote to the user, and [begin](super::OffersManager::begin) or
    /// [decline](super::OffersManager::decline). For a subscription, this event comes only if the subscription does not
    /// authorise the payment, or after a failed attempt.
    Quoted(ConversationId),
    /// There is an invoice that is paid only if the user [allows](super::OffersManager::allow) it; for a subscription,
    /// [once](super::OffersManager::allow_once) or from now on. See
    /// [`State::NeedsApproval`](crate::exchange::State::NeedsApproval).
    NeedsApproval {
        /// The conversation.
        id: ConversationId,
        /// The reason why it needs approval.
        objection: Objection,
    },
    /// Paying has begun, and that is saved: pay the invoice now, once. See
    /// [`State::Paying`](crate::exchange::State::Paying).
    Payable(ConversationId),
    /// The payment was made, or the claim was paid. For a subscription, the payment of this period was made.
    Paid(ConversationId),
    /// A payment of a subscription is overdue, like the one before it (EXC-17). It is made later by itself, or
    /// [now](super::OffersManager::catch_up).
    Overdue(ConversationId),
    /// A payment of a subscription has stopped, and the user can decide.
    Stopped(ConversationId),
    /// The conversation has ended. [`status`](super::OffersManager::status) says why. It stays until it is
    /// [archived](super::OffersManager::archive) or [removed](super::OffersManager::remove). For a payment or a claim
    /// this is reported once at most, like [`Paid`](Self::Paid); for a subscription, again after each start.
    Ended(ConversationId),
    /// The exchange rate of this currency is needed: [set it](super::OffersManager::set_rate).
    RateNeeded(CurrencyCode),
    /// The conversation could not be saved, and has returned to its last saved state. Repeat what you asked of it. If a
    /// payment was in progress, ask the node about it.
    NotSaved {
        /// The conversation.
        id: ConversationId,
        /// Whether it is gone. If it was new, the storage has nothing of it. If it was being removed, its state is
        /// still in the storage: load that, and remove it again.
        is_gone: bool,
    },
    /// The next step failed. It is tried again in an hour.
    Stuck {
        /// The conversation.
        id: ConversationId,
        /// Why.
        error: Error,
    },
}

/// What waits for a save.
pub(crate) enum Output {
    Send(What),
    /// Beside how far it is: another claim.
    Tell(Event),
}

impl Output {
    /// Whether it is idle once a conversation has left the stage at which it came.
    pub(crate) fn is_superseded(&self) -> bool {
        match self {
            Self::Send(What::Request(_)) | Self::Tell(_) => true,
            Self::Send(What::Message(_)) => false,
        }
    }
}

/// Something that waits to be given out to be saved.
pub(crate) enum Unsaved {
    State(ConversationId),
    Removal(ConversationId),
}
