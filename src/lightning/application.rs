//! What the application around a [`Desk`](super::Desk) knows, decides and stores. Nothing is locked while it is called,
//! so it may call the desk.

use alloc::vec::Vec;
use std::sync::{Mutex, MutexGuard, PoisonError};

use secp256k1::{Keypair, PublicKey};

use crate::exchange::{Event, OutgoingMessage, ReceivedRequest, Refused, Save};
use crate::field::{Direction, ShortChannelId};
use crate::units::UnixTime;

/// What the application around a [`Desk`](super::Desk) knows, decides and stores. Nothing is locked while it is called,
/// so it may call the desk.
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

    /// Keeps a state under its id, instead of what is there, or deletes it. Returns whether that survives a crash: if
    /// not, the conversation is again as it was before. Nothing that follows from the change is sent or told before
    /// this returns (EXC-15). There is one call at a time for each conversation; those of others may come from other
    /// threads meanwhile.
    fn save(&self, save: &Save) -> bool;

    /// Something became of a conversation: see [`Event`]. What it depends on is saved. What is
    /// [payable](Event::Payable) is to be paid now, once.
    fn event(&self, event: Event);

    /// A message was refused. If that [is cheap](Refused::is_cheap), it may be for somebody else.
    fn refused(&self, refused: &Refused) {
        let _ = refused;
    }

    /// Something could not be sent: what is too long or has no counterpart in the `lightning` crate, or for which there
    /// is no way. The next way is tried; if none could do, the conversation [ends](Event::Ended), or
    /// [stops](Event::Stopped).
    fn not_sent(&self, outgoing: &OutgoingMessage, why: &dyn core::error::Error) {
        let _ = (outgoing, why);
    }

    /// The node at this end of a channel, if it is known (MSG-5), for example from gossip.
    /// [`OnionPeers`](super::OnionPeers) needs it for paths that start at a channel. Without it, an answer goes to the
    /// peer that brought the request, and is lost if that peer only forwarded it; and a request is [not
    /// sent](Self::not_sent).
    fn channel_end(&self, scid: ShortChannelId, end: Direction) -> Option<PublicKey> {
        let _ = (scid, end);
        None
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
    /// When to ask again, unless a message arrives: at once, if it lies in the past; never, if nothing is waited for.
    pub next: Option<UnixTime>,
}

/// The lock, even if somebody panicked with it: every step leaves behind what is complete.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
