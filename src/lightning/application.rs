//! What the application around a desk knows, decides and keeps, and what it is told.

use alloc::vec::Vec;
use std::sync::{Mutex, MutexGuard, PoisonError};

use secp256k1::{Keypair, PublicKey};

use crate::error::Error;
#[cfg(feature = "recurrence")]
use crate::exchange::Subscription;
use crate::exchange::{Claim, ConversationId, OutgoingMessage, Payment, ReceivedRequest, Refused};
#[cfg(feature = "recurrence")]
use crate::field::{CurrencyCode, Rate};
use crate::field::{Direction, ShortChannelId};
use crate::units::UnixTime;

/// What the application around a [`Desk`](super::Desk) knows, decides and keeps.
///
/// [`now`](Self::now) and the `changed` functions are called while the desk is locked: they must not call it, and not
/// take long. All others may.
pub trait Application {
    /// The time.
    fn now(&self) -> UnixTime;

    /// A request came for one of our offers, by the right way, and signed. Returns the answer, if it is to be sent now:
    /// what [`Accepted::answer`](crate::exchange::Accepted::answer) or [`ReceivedRequest::refuse`] make. One that takes
    /// time can be sent later.
    ///
    /// `signing_key` signs the invoice of an offer without an issuer id (PTH-3). The onion messages of an LDK node
    /// do not reveal it; those of [`OnionPeers`](super::OnionPeers) do.
    fn invoice_request(&self, request: ReceivedRequest, signing_key: Option<&Keypair>) -> Option<OutgoingMessage>;

    /// A payment changed, and has to be saved ([`Payment::to_bytes`]): before this returns, nothing is sent.
    fn payment_changed(&self, payment: &Payment) {
        let _ = payment;
    }

    /// A claim changed, and has to be saved.
    fn claim_changed(&self, claim: &Claim) {
        let _ = claim;
    }

    /// A subscription changed, and has to be saved. It may have a quote now, which can be
    /// [begun](Subscription::begin) once the desk is not locked any more.
    #[cfg(feature = "recurrence")]
    fn subscription_changed(&self, subscription: &Subscription) {
        let _ = subscription;
    }

    /// What a currency is worth now, for a subscription that is priced in it. Without an answer its payments wait,
    /// unless the limit is a fixed amount.
    #[cfg(feature = "recurrence")]
    fn rate(&self, currency: CurrencyCode) -> Option<Rate> {
        let _ = currency;
        None
    }

    /// A message was refused. If that [is cheap](Refused::is_cheap), it may be for somebody else.
    fn refused(&self, refused: &Refused) {
        let _ = refused;
    }

    /// Something could not be sent: what is too long or has no counterpart in the `lightning` crate, or for which there
    /// is no way. The next way is tried, unless it is [given up](Self::given_up).
    fn not_sent(&self, outgoing: &OutgoingMessage, why: &dyn core::error::Error) {
        let _ = (outgoing, why);
    }

    /// What a conversation asks or says cannot be sent, over any path: the payment has [ended](Payment::unsendable)
    /// because of it, and the claim is [removed](super::Desk::remove), and the subscription has stopped.
    fn given_up(&self, id: ConversationId, why: &dyn core::error::Error) {
        let _ = (id, why);
    }

    /// The node at this end of a channel, if it is known (MSG-5): from gossip, for example.
    /// [`OnionPeers`](super::OnionPeers) needs it for paths that name their start so. Without it, an answer goes to the
    /// peer that brought the request, and is lost if that peer only passed it on; and a question is [not
    /// sent](Self::not_sent).
    fn channel_end(&self, scid: ShortChannelId, end: Direction) -> Option<PublicKey> {
        let _ = (scid, end);
        None
    }

    /// A conversation could not say what to do next. Of payments and claims, what began without an error does not get
    /// here; a subscription does for want of a [rate](Self::rate), and is asked again in a minute.
    fn stuck(&self, id: ConversationId, error: &Error) {
        let _ = (id, error);
    }
}

/// A message that is not for this desk: about no offer, request or refund of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOurs;

/// What to do now, and when to ask again.
#[derive(Debug, Default)]
#[must_use]
pub struct ToDo {
    /// Messages to send.
    pub send: Vec<OutgoingMessage>,
    /// When to ask again, unless a message arrives; never if nothing is waited for.
    pub next: Option<UnixTime>,
}

impl ToDo {
    /// Asks again at this time, if not before.
    pub(super) fn come_again(&mut self, at: UnixTime) {
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }
}

/// The lock, even if somebody panicked with it: every step leaves behind what is complete.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
