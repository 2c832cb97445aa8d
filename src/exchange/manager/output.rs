//! What a manager gives: what to save, what to send, and what to tell.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::error::Error;
use crate::exchange::ids::ConversationId;
use crate::exchange::message::OutgoingMessage;
use crate::exchange::payer::budget::Objection;
use crate::exchange::payer::unsent::UnsentRequest;
use crate::field::CurrencyCode;

/// A state to save, or one to delete. Any store will do that keeps bytes under a name.
///
/// Carry those of one conversation out in the order of their numbers, then
/// [confirm](super::OffersManager::saved) each.
#[derive(Clone, PartialEq, Eq)]
pub struct Save {
    /// The number to confirm it by.
    pub number: u64,
    /// Whose state it is: the name in the store. It has a [kind](ConversationId::kind) and [bytes](ConversationId::as_bytes).
    pub id: ConversationId,
    /// What to keep under that name, instead of what is there; nothing if that is to be deleted.
    pub state: Option<Vec<u8>>,
}

/// Does not show the state, which may hold a preimage.
impl fmt::Debug for Save {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.as_ref().map(Vec::len);
        f.debug_struct("Save").field("number", &self.number).field("id", &self.id).field("len", &state).finish()
    }
}

/// A message to send, of which all that it depends on is saved.
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

    /// The conversation that it belongs to.
    pub fn id(&self) -> ConversationId {
        self.id
    }

    /// The message. A request is made and signed only now, so do this outside of any lock around the manager.
    ///
    /// # Errors
    ///
    /// What [`InvoiceRequestBuilder::build`](crate::InvoiceRequestBuilder::build) refuses. What began without an error
    /// does not get here with one.
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

/// What became of a conversation. All that it depends on is saved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A request is to be signed elsewhere: show what [`Payment::to_sign`](crate::exchange::Payment::to_sign) gives to the
    /// signer, and [give the signature](super::OffersManager::sign).
    SignatureNeeded(ConversationId),
    /// There is an invoice. Show the quote to whoever owns the money, and [begin](super::OffersManager::begin) or
    /// [decline](super::OffersManager::decline). Of a subscription this comes only where its own authorisation does not
    /// suffice, or after an attempt to pay that failed.
    Quoted(ConversationId),
    /// There is an invoice that is not paid unless whoever owns the money [allows](super::OffersManager::allow) it; of a
    /// subscription, [once](super::OffersManager::allow_once) or from now on. See
    /// [`State::NeedsApproval`](crate::exchange::State::NeedsApproval).
    NeedsApproval {
        /// Which one.
        id: ConversationId,
        /// What speaks against it.
        objection: Objection,
    },
    /// It was begun, and that is saved: pay the invoice now, once. See [`State::Paying`](crate::exchange::State::Paying).
    Payable(ConversationId),
    /// The payment was made, or the claim was paid; of a subscription, the payment of this period. A program that ends just
    /// then does not hear it: see what has been paid after a start.
    Paid(ConversationId),
    /// A payment of a subscription is overdue, and so was the one before it (EXC-17): it is made later by itself, or
    /// [now](super::OffersManager::catch_up).
    Overdue(ConversationId),
    /// A payment of a subscription stopped: whoever owns the money can decide.
    Stopped(ConversationId),
    /// It is over. See [`status`](super::OffersManager::status) for why. It stays until it is
    /// [archived](super::OffersManager::archive) or [removed](super::OffersManager::remove). Of a payment or a claim this is
    /// told once at most, as [`Paid`](Self::Paid) is; of a subscription again after each start.
    Ended(ConversationId),
    /// The rate of this currency is needed: [give it](super::OffersManager::set_rate).
    RateNeeded(CurrencyCode),
    /// It could not be saved, and is again as it was before; what was asked of it has to be asked again. If a payment
    /// was being made, ask the node what became of it.
    NotSaved {
        /// Which one.
        id: ConversationId,
        /// Whether it is not here any more: it was new, and there is nothing of it in the store; or it was being removed,
        /// and its state is still there. Load that, and remove it again.
        is_gone: bool,
    },
    /// It could not say what to do next. It is asked again in an hour.
    Stuck {
        /// Which one.
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
