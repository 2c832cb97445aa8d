//! Messages that arrive, and messages that cannot be sent.

use alloc::boxed::Box;

use crate::error::{Error, ErrorKind, Rule};
use crate::exchange::ids::ConversationId;
use crate::exchange::manager::OffersManager;
use crate::exchange::manager::conversation::Conversation;
use crate::exchange::manager::limits::MAX_ANSWERS;
use crate::exchange::manager::output::{Output, What};
use crate::exchange::manager::stage::Stage;
use crate::exchange::message::{IncomingMessage, MessageArrival, OffersMessageKind, OutgoingMessage};
use crate::exchange::payer::payment::Payment;
use crate::exchange::refused::Refused;
use crate::units::UnixTime;

/// The recipient of a message.
#[derive(Debug)]
#[non_exhaustive]
pub enum Received {
    /// A request, perhaps for one of our offers. Pass it to [`Payee::receive`](crate::exchange::Payee::receive),
    /// outside any lock around the manager. That needs only the [payee](OffersManager::payee), and the manager keeps
    /// nothing of it.
    Request(IncomingMessage),
    /// An answer, which this conversation accepted. Then take what there is to save, send and show.
    Answer(ConversationId),
}

impl OffersManager {
    /// Takes a message. It finds the conversation by the path id over which the message arrived, and passes the message
    /// to it.
    ///
    /// # Errors
    ///
    /// A refusal, which changes nothing. If it [is cheap](Refused::is_cheap), the message may be for somebody else. The
    /// answer, if there is one, is among the [messages to send](Self::next_message), at most eight times for each
    /// conversation; for a refund, as often as claims [are checked](crate::exchange::Payment::receive).
    pub fn receive(&mut self, message: IncomingMessage, now: UnixTime) -> Result<Received, Box<Refused>> {
        if message.kind == OffersMessageKind::InvoiceRequest {
            return Ok(Received::Request(message));
        }
        let Some(id) = self.conversation_of(&message.arrival) else {
            return Err(Refused::silent(Error::new(ErrorKind::WrongArrival, Rule::Ivr13)));
        };
        let entry = id.and_then(|id| Some((id, self.book.get(&id)?)));
        // What sleeps asked for nothing.
        let entry = entry.filter(|(_, entry)| !matches!(entry.conversation, Conversation::Asleep(_)));
        let Some((id, entry)) = entry else { return Err(Refused::late()) };
        let may_answer = entry.answers < MAX_ANSWERS;
        let received = self.change(id, now, |change| {
            let payment = change.conversation.as_any().downcast_ref::<Payment>();
            let is_refund = payment.is_some_and(|payment| payment.refund().is_some());
            let before = is_refund.then(|| change.conversation.stage(now));
            let quoted = change.conversation.receive(message, now, change.rate).map_err(|mut refused| {
                // A refusal changes nothing (EXC-4).
                change.is_as_before = true;
                let answer = refused.take_answer().filter(|_| may_answer || is_refund);
                let answers = answer.is_some();
                change.outputs.extend(answer.map(|answer| Output::Send(What::Message(Box::new(answer)))));
                (refused, answers)
            })?;
            // Another claim of a refund, beside the one that was told.
            let is_same = |before: Stage| before.says_the_same(change.conversation.stage(now));
            let beside = quoted.filter(|_| before.is_some_and(is_same));
            change.outputs.extend(beside.and_then(|stage| stage.event(id)).map(Output::Tell));
            Ok(())
        });
        match received.ok_or_else(Refused::late)? {
            Ok(()) => Ok(Received::Answer(id)),
            Err((refused, answers)) => {
                if let Some(entry) = self.book.get_mut(&id).filter(|_| answers) {
                    entry.answers = entry.answers.saturating_add(1);
                }
                Err(refused)
            }
        }
    }

    /// Reports that a message could not be delivered: if it waits for an answer, the next path is tried at once
    /// (EXC-5).
    pub fn unreachable(&mut self, message: &OutgoingMessage, now: UnixTime) {
        let Some(path_id) = &message.reply_path_id else { return };
        if let Some(Some(id)) = self.conversation_of(&MessageArrival::Path(*path_id)) {
            self.change(id, now, |change| change.conversation.unreachable(path_id, now));
        }
    }

    /// Reports that a message cannot be sent over any path: the conversation that waits for its answer
    /// [ends](super::Event::Ended).
    pub fn unsendable(&mut self, message: &OutgoingMessage, now: UnixTime) {
        let Some(path_id) = &message.reply_path_id else { return };
        if let Some(Some(id)) = self.conversation_of(&MessageArrival::Path(*path_id)) {
            self.change(id, now, |change| change.conversation.unsendable());
        }
    }

    /// The conversation that a path id was made for, if it is here; `None` if we made no such path id. Costs two or
    /// three MACs.
    fn conversation_of(&self, arrival: &MessageArrival) -> Option<Option<ConversationId>> {
        if let Some(id) = self.parties.payer.payment_of(arrival) {
            return Some(self.book.of_payment(id));
        }
        self.parties.payee.claim_of(arrival).map(|id| Some(id.into()))
    }
}
