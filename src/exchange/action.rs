//! What to do next, for every conversation of the exchange.

use alloc::boxed::Box;

use crate::error::Error;
use crate::exchange::message::OutgoingMessage;
use crate::units::UnixTime;

/// What to do next. The message to send belongs to a payment, unless stated otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action<M = OutgoingMessage> {
    /// [Save](super::Payment::to_bytes) the payment, send this, and [poll](super::Payment::poll) again.
    Send(Box<M>),
    /// Poll again at this time, unless a message arrives or the user decides before.
    WaitUntil(UnixTime),
    /// The request needs a signature from a [remote signer](super::Draft::signer): show
    /// [`to_sign`](super::Payment::to_sign) to the signer, pass the signature to [`sign`](super::Payment::sign), and
    /// [poll](super::Payment::poll) again. That may take until the [deadline](super::Payment::deadline). Only payments
    /// and subscriptions return this.
    Sign,
    /// Nothing: it is paid, in progress, or has ended; or it is a refund without expiry, which only waits for claims.
    /// See [`Payment::state`](super::Payment::state).
    Nothing,
}

/// The same for anyone who does not ask again at once: what is sent comes with when to come back.
#[derive(Debug)]
pub(crate) enum Step<T> {
    Send {
        message: Box<T>,
        wake: UnixTime,
    },
    WaitUntil(UnixTime),
    /// Poll again at this time, unless a message arrives or the user decides before.
    Sign(UnixTime),
    Nothing,
}

impl<T> Step<T> {
    /// The same for whoever asks again at once, with the message as it is sent.
    pub(crate) fn with<M>(self, make: impl FnOnce(Box<T>) -> Result<Box<M>, Error>) -> Result<Action<M>, Error> {
        Ok(match self {
            Self::Send { message, .. } => Action::Send(make(message)?),
            Self::WaitUntil(at) => Action::WaitUntil(at),
            Self::Sign(_) => Action::Sign,
            Self::Nothing => Action::Nothing,
        })
    }
}
