//! What comes back: an invoice or an error.

use alloc::boxed::Box;

use crate::error::{Error, ErrorKind, Field, MessageKind, Rule};
use crate::exchange::end::EndReason;
use crate::exchange::message::{IncomingMessage, MessageArrival, OffersMessageKind};
use crate::exchange::payer::payment::{Payment, Phase, Progress};
use crate::exchange::payer::purpose::{OfferPurpose, Purpose};
use crate::exchange::refused::Refused;
use crate::exchange::secret::Token;
use crate::invoice::Invoice;
use crate::invoice_error::InvoiceError;
use crate::signed::Unverified;
use crate::tlv::TlvStream;
use crate::units::UnixTime;

use super::is_open;

impl Payment {
    /// An invoice or an invoice error arrived.
    ///
    /// Only an *invoice* that came over the reply path of a request of this payment, or over a path of
    /// this refund, answers it (IVR-13); it is checked in full, and nothing changes unless it is right (EXC-4).
    ///
    /// An answer that is right but for having expired, or for being above the limit, makes the payment ask for
    /// another, or end.
    ///
    /// An *error* that came over the reply path of a request of this payment (EXC-6) closes that way, and ends the
    /// payment if it was the last. But if the price is in another currency, asking again is
    /// [allowed](crate::exchange::Draft::ask_again), and the error suggests a higher amount within the limit, then that
    /// is asked for (ERR-2).
    ///
    /// # Errors
    ///
    /// A refusal, after which everything is as before. `WrongKind` for a request, `WrongArrival` and `Differs` for what
    /// answers something else, `AlreadyAnswered` for what comes late or twice, and what [`Invoice::check`] refuses.
    pub fn receive(&mut self, message: IncomingMessage, now: UnixTime) -> Result<Progress, Box<Refused>> {
        match message.kind {
            OffersMessageKind::Invoice => self.receive_invoice(message, now),
            OffersMessageKind::InvoiceError => self.receive_error(message, now),
            OffersMessageKind::InvoiceRequest => Err(Refused::wrong_kind(MessageKind::Invoice, message.kind)),
        }
    }

    fn receive_invoice(&mut self, message: IncomingMessage, now: UnixTime) -> Result<Progress, Box<Refused>> {
        let IncomingMessage { bytes, arrival, reply_path, .. } = message;
        let token = self.token(&arrival, Rule::Ivr13, now)?;
        // EXC-1: a MAC is cheaper than a signature.
        let tlvs = TlvStream::read(bytes).map_err(Refused::silent)?;
        self.asked.check_own(&self.payer, &tlvs, token).map_err(Refused::silent)?;
        let verified = Unverified::<Invoice>::of(tlvs, self.payer.known()).and_then(Unverified::verify);
        let invoice = match verified {
            Ok(invoice) => invoice,
            Err(error) => return Err(Refused::about_invoice(error, reply_path)),
        };
        match self.asked.check(&invoice, token, now, self.bounds.max) {
            Ok(()) => {
                self.phase = Phase::Quoted(Box::new(invoice));
                Ok(Progress::Quoted)
            }
            // EXC-7
            Err(error) if error.rule() == Rule::Ivr11 => {
                let end = EndReason::TooExpensive { amount: invoice.amount() };
                if self.bounds.ask_again {
                    self.bounds.ask_again = false;
                    self.ask_anew(end);
                    self.schedule.restart(self.way_after(token), now);
                } else {
                    self.phase = Phase::Ended(end);
                }
                Ok(self.progress(Some(error)))
            }
            // RQR-5: whoever answers a repeated request with its first invoice does so for ever.
            Err(error) if error.rule() == Rule::Ivr4 && self.refund().is_none() => {
                self.ask_anew(EndReason::QuoteExpired);
                // Each time later, since all would expire at once if it is a clock that is wrong.
                self.schedule.restart_later(self.way_after(token), self.generation, now);
                Ok(self.progress(Some(error)))
            }
            Err(error) => Err(Refused::about_invoice(error, reply_path)),
        }
    }

    fn receive_error(&mut self, message: IncomingMessage, now: UnixTime) -> Result<Progress, Box<Refused>> {
        let token = self.token(&message.arrival, Rule::Exc6, now)?;
        let told = InvoiceError::try_from(message.bytes).map_err(Refused::silent)?;
        let Purpose::Offer(asked) = &self.asked else {
            return Err(Refused::silent(Error::new(ErrorKind::WrongArrival, Rule::Exc6)));
        };
        // Whoever says it again would make us ask the others again at once, and keep it each time.
        if self.refused.contains(&token.position) {
            return Err(Refused::late());
        }
        if let Some(better) = self.suggested(asked, &told) {
            self.asked = Purpose::Offer(Box::new(better));
            self.bounds.ask_again = false;
            self.ask_anew(EndReason::refused(told));
            self.schedule.restart(0, now);
            return Ok(self.progress(None));
        }
        self.refused.push(token.position);
        if !(0..asked.ways().into()).any(is_open(&self.refused)) {
            self.phase = Phase::Ended(EndReason::refused(told));
        } else {
            self.told = Some(EndReason::refused(told));
            self.schedule.hurry(now);
        }
        Ok(self.progress(None))
    }

    /// ERR-2: what to ask for instead, if that is possible and authorised.
    fn suggested(&self, asked: &OfferPurpose, told: &InvoiceError) -> Option<OfferPurpose> {
        told.erroneous_field().filter(|field| *field == Field::INVREQ_AMOUNT)?;
        let amount = told.suggested_amount()?;
        let is_more = asked.choices.amount.is_none_or(|asked| asked < amount);
        // What is priced in bitcoin needs nobody's suggestion.
        let flows = self.bounds.ask_again && asked.offer.currency().is_some();
        let next = self.generation.checked_add(1).filter(|_| flows && is_more && amount <= self.bounds.max)?;
        let better = OfferPurpose { choices: asked.choices.with_suggested(amount), ..asked.clone() };
        // What cannot be asked for does not replace what can.
        better.request(&self.payer, Token { generation: next, ..self.own_token(0) }).ok()?;
        Some(better)
    }

    /// The way whose turn is after the one that a token is for.
    fn way_after(&self, token: Token) -> u32 {
        u32::from(token.position).saturating_add(1)
    }

    /// Which message of this payment an answer is for, if it came the right way and one is still waited for.
    fn token(&self, arrival: &MessageArrival, rule: Rule, now: UnixTime) -> Result<Token, Box<Refused>> {
        let token = self.asked.token(&self.payer, arrival).filter(|token| token.id == self.id.0);
        let token = token.ok_or_else(|| Refused::silent(Error::new(ErrorKind::WrongArrival, rule)))?;
        let waits = matches!(self.phase, Phase::Asking) && now <= self.bounds.deadline;
        if token.generation == self.generation && waits { Ok(token) } else { Err(Refused::late()) }
    }

    fn progress(&self, error: Option<Error>) -> Progress {
        match &self.phase {
            Phase::Ended(_) => Progress::Ended,
            _ => Progress::AskingAgain(error),
        }
    }
}
