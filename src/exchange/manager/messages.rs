//! What arrives, and what cannot be sent.

use alloc::boxed::Box;

use crate::error::{Error, ErrorKind, Rule};
use crate::exchange::ids::ConversationId;
use crate::exchange::manager::OffersManager;
use crate::exchange::manager::conversation::Conversation;
use crate::exchange::manager::limits::MAX_ANSWERS;
use crate::exchange::manager::output::{Output, What};
use crate::exchange::message::{IncomingMessage, MessageArrival, OffersMessageKind, OutgoingMessage};
use crate::exchange::refused::Refused;
use crate::units::UnixTime;

/// Where a message belongs.
#[derive(Debug)]
#[non_exhaustive]
pub enum Received {
    /// A request, perhaps for an offer of ours. Give it to [`Payee::receive`](crate::exchange::Payee::receive), outside of
    /// any lock around the manager: that needs the [payee](OffersManager::payee) and nothing else, and nothing of it is
    /// kept here.
    Request(IncomingMessage),
    /// An answer to this conversation, which took it. What follows is among what to save, send and tell.
    Answer(ConversationId),
}

impl OffersManager {
    /// Takes a message: finds the conversation by the path id that it came with, and gives it to that.
    ///
    /// # Errors
    ///
    /// A refusal, after which everything is as before. If it [is cheap](Refused::is_cheap), the message may be for
    /// somebody else. What there is to answer is among the [messages to send](Self::next_message), at most eight times
    /// for each conversation; of a refund, as often as claims [are looked at](crate::exchange::Payment::receive).
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
            let before = change.conversation.stage(now);
            let quoted = change.conversation.receive(message, now, change.rate).map_err(|mut refused| {
                let is_refund = change.conversation.as_payment().is_some_and(|payment| payment.refund().is_some());
                let answer = refused.take_answer().filter(|_| may_answer || is_refund);
                let answers = answer.is_some();
                change.outputs.extend(answer.map(|answer| Output::Send(What::Message(Box::new(answer)))));
                (refused, answers)
            })?;
            // Another claim of a refund, beside the one that was told.
            let beside = quoted.filter(|_| before.says_the_same(change.conversation.stage(now)));
            change.outputs.extend(beside.and_then(|stage| stage.event(id)).map(Output::Tell));
            Ok(())
        });
        match received {
            Some(Ok(())) => Ok(Received::Answer(id)),
            Some(Err((refused, answers))) => {
                if let Some(entry) = self.book.get_mut(&id).filter(|_| answers) {
                    entry.answers = entry.answers.saturating_add(1);
                }
                Err(refused)
            }
            None => Err(Refused::late()),
        }
    }

    /// A message cannot get where it was to go: if it waits for an answer, the next way is tried at once (EXC-5).
    pub fn unreachable(&mut self, message: &OutgoingMessage, now: UnixTime) {
        let Some(path_id) = &message.reply_path_id else { return };
        if let Some(Some(id)) = self.conversation_of(&MessageArrival::Path(*path_id)) {
            self.change(id, now, |change| change.conversation.unreachable(path_id, now));
        }
    }

    /// A message cannot be sent at all, over any way: what waits for an answer to it [ends](super::Event::Ended).
    pub fn unsendable(&mut self, message: &OutgoingMessage, now: UnixTime) {
        let Some(path_id) = &message.reply_path_id else { return };
        if let Some(Some(id)) = self.conversation_of(&MessageArrival::Path(*path_id)) {
            self.change(id, now, |change| change.conversation.unsendable());
        }
    }

    /// The conversation that a path id was made for, if that is here; nothing if we made no such path id. Costs two MACs,
    /// or three.
    fn conversation_of(&self, arrival: &MessageArrival) -> Option<Option<ConversationId>> {
        if let Some(id) = self.parties.payer.payment_of(arrival) {
            return Some(self.book.of_payment(id));
        }
        self.parties.payee.claim_of(arrival).map(|id| Some(id.into()))
    }
}
