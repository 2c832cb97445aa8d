//! What to do next, for every conversation of the exchange.

use alloc::boxed::Box;

use crate::exchange::message::OutgoingMessage;
use crate::units::UnixTime;

/// What to do next. What there is to send is a message about a payment, unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action<M = OutgoingMessage> {
    /// [Save](super::Payment::to_bytes) the payment if it is kept, send this, and [poll](super::Payment::poll) again.
    Send(Box<M>),
    /// Nothing before this time, unless a message arrives or whoever owns the money decides.
    WaitUntil(UnixTime),
    /// The request lacks a signature, which is made [elsewhere](super::Draft::signer): show
    /// [`to_sign`](super::Payment::to_sign) to the signer, give what it makes to [`sign`](super::Payment::sign), and
    /// [poll](super::Payment::poll) again. That may take until the [deadline](super::Payment::deadline). Of no other
    /// conversation does this come.
    Sign,
    /// Nothing: it is paid, being paid, or over; or it is a refund without expiry, for which messages come or do not.
    /// See [`Payment::state`](super::Payment::state).
    Nothing,
}

/// The same for whoever does not ask again at once: what is sent comes with when to come back.
#[derive(Debug)]
pub(crate) enum Step<T> {
    Send {
        message: Box<T>,
        wake: UnixTime,
    },
    WaitUntil(UnixTime),
    /// Nothing before this time, unless a signature comes.
    Sign(UnixTime),
    Nothing,
}

impl From<Step<OutgoingMessage>> for Action {
    fn from(step: Step<OutgoingMessage>) -> Self {
        match step {
            Step::Send { message, .. } => Self::Send(message),
            Step::WaitUntil(at) => Self::WaitUntil(at),
            Step::Sign(_) => Self::Sign,
            Step::Nothing => Self::Nothing,
        }
    }
}
