//! Why a message was refused, and the answer to it.

use alloc::boxed::Box;

use crate::error::{Error, ErrorKind, Field, MessageKind, Rule};
use crate::exchange::message::{OffersMessage, OffersMessageKind, OutgoingMessage};
use crate::field::BlindedPath;
use crate::invoice_error::InvoiceError;

use core::fmt;

/// Why a message was refused, and the answer to it.
#[derive(Clone, Debug)]
pub struct Refused {
    error: Error,
    answer: Option<OutgoingMessage>,
    is_cheap: bool,
}

impl Refused {
    /// Before anything was authenticated. An answer would tell somebody who probes that we are here.
    pub(crate) fn silent(error: Error) -> Box<Self> {
        Box::new(Self { error, answer: None, is_cheap: true })
    }

    /// A message of another kind than is received here.
    pub(crate) fn wrong_kind(expected: MessageKind, found: OffersMessageKind) -> Box<Self> {
        Self::silent(match found.message_kind() {
            Some(found) => Error::new(ErrorKind::WrongKind { expected, found }, Rule::Msg1),
            None => Error::of(Field::numbered(found.tlv_type()), ErrorKind::Unexpected, Rule::Msg1),
        })
    }

    /// An answer to something of ours that is not open any more. Honest peers send them too.
    pub(crate) fn late() -> Box<Self> {
        let error = Error::new(ErrorKind::AlreadyAnswered, Rule::Exc4);
        Box::new(Self { error, answer: None, is_cheap: false })
    }

    /// After the offer and the arrival were found to be right.
    pub(crate) fn with_answer(error: Error, reply_path: BlindedPath<'static>) -> Box<Self> {
        let told = InvoiceError::answering(&error);
        Self::telling(error, told, Some(reply_path))
    }

    /// After the message was found to be for us. Its sender is told only where an answer is wanted (MSG-3, MSG-4).
    pub(crate) fn answered(error: Error, reply_path: Option<BlindedPath<'static>>) -> Box<Self> {
        match reply_path {
            Some(reply_path) => Self::with_answer(error, reply_path),
            None => Box::new(Self { error, answer: None, is_cheap: false }),
        }
    }

    pub(crate) fn telling(
        error: Error,
        told: Option<InvoiceError>,
        reply_path: Option<BlindedPath<'static>>,
    ) -> Box<Self> {
        let answer = told.zip(reply_path);
        let answer = answer.map(|(told, path)| OutgoingMessage::answer(OffersMessage::InvoiceError(told), path));
        Box::new(Self { error, answer, is_cheap: false })
    }

    /// What is wrong.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The answer to send. `None` if silence is better: before an answer could help somebody who probes for the node
    /// behind an offer, and if the fault is our own.
    pub fn answer(&self) -> Option<&OutgoingMessage> {
        self.answer.as_ref()
    }

    /// Takes out what to send.
    pub(crate) fn take_answer(&mut self) -> Option<OutgoingMessage> {
        self.answer.take()
    }

    /// The answer, by value.
    pub fn into_answer(self) -> Option<OutgoingMessage> {
        self.answer
    }

    /// Whether the message was refused before any curve operation, because it is not for one of our offers, arrived
    /// over the wrong path, or is not a message. A peer that sends many of these can be throttled.
    pub fn is_cheap(&self) -> bool {
        self.is_cheap
    }
}

/// A fault of our own, for example in making the invoice. Nothing is sent, so the payer retries. With this conversion,
/// `?` works at every step from a request to its answer.
impl From<Error> for Box<Refused> {
    fn from(error: Error) -> Self {
        Self::new(Refused { error, answer: None, is_cheap: false })
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl core::error::Error for Refused {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.error)
    }
}
