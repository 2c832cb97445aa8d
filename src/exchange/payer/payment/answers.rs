//! What comes back: an invoice or an error.

use alloc::boxed::Box;

use bitcoin::hashes::{Hash as _, sha256};

use crate::error::{Error, ErrorKind, Field, MessageKind, Rule};
use crate::exchange::end::EndReason;
use crate::exchange::message::{IncomingMessage, MessageArrival, OffersMessageKind};
use crate::exchange::payer::budget::Budget;
use crate::exchange::payer::claims::PublishedRefund;
use crate::exchange::payer::payment::{Payment, Phase, Progress};
use crate::exchange::payer::purpose::{OfferPurpose, Purpose};
use crate::exchange::refused::Refused;
use crate::exchange::schedule::is_open;
use crate::exchange::secret::Token;
use crate::invoice::Invoice;
use crate::invoice_error::InvoiceError;
use crate::signed::Unverified;
use crate::tlv::TlvStream;
use crate::units::UnixTime;

impl Payment {
    /// An invoice or an invoice error arrived.
    ///
    /// An *invoice* counts only if it arrived over the reply path of one of this payment's requests, or over a path of
    /// this refund (IVR-13). It is checked in full, and an invalid one changes nothing (EXC-4).
    ///
    /// A valid invoice that has expired makes the payment request another one. An invoice above the limit, or too far
    /// from the price, closes the path over which it arrived (EXC-14). If that was the last path, it needs the user's
    /// approval.
    ///
    /// An *error* that arrived over the reply path of one of this payment's requests (EXC-6) closes that path too. If
    /// it was the last path, and no invoice can be approved, the payment ends. The one exception: if the price is in
    /// another currency, and the error suggests a higher amount than was chosen, within the limit, that amount is
    /// requested (ERR-2).
    ///
    /// Of a *refund*, sixteen claims are checked one after the other, and after that one in a minute (EXC-20). A
    /// claimant that sends more keeps others waiting, unless the [expected payee](Self::expect_payee) is known.
    ///
    /// # Errors
    ///
    /// A refusal, which changes nothing. `WrongKind` for a request; `WrongArrival` and `Differs` for an answer to
    /// something else; `TooManyClaims` for the claim of a refund; `AlreadyAnswered` for a late or repeated answer; and
    /// the errors of [`Invoice::check`].
    pub fn receive(&mut self, message: IncomingMessage, now: UnixTime) -> Result<Progress, Box<Refused>> {
        self.receive_new(message, now, &[])
    }

    /// The same, where these payment hashes were used before.
    pub(crate) fn receive_new(
        &mut self,
        message: IncomingMessage,
        now: UnixTime,
        used: &[sha256::Hash],
    ) -> Result<Progress, Box<Refused>> {
        match message.kind {
            OffersMessageKind::Invoice => self.receive_invoice(message, now, used),
            OffersMessageKind::InvoiceError => self.receive_error(message, now),
            kind => Err(Refused::wrong_kind(MessageKind::Invoice, kind)),
        }
    }

    fn receive_invoice(
        &mut self,
        message: IncomingMessage,
        now: UnixTime,
        used: &[sha256::Hash],
    ) -> Result<Progress, Box<Refused>> {
        let IncomingMessage { bytes, arrival, reply_path, .. } = message;
        let token = self.token(&arrival, Rule::Ivr13, now)?;
        // EXC-1: a MAC is cheaper than a signature.
        let tlvs = TlvStream::read(bytes).map_err(Refused::silent)?;
        self.purpose.check_own(&self.payer, &tlvs, token).map_err(Refused::silent)?;
        // EXC-4: whoever forwarded a payment knows its preimage, and could keep another with the same hash.
        let hash = tlvs.value(Field::INVOICE_PAYMENT_HASH.number());
        if used.iter().any(|used| hash == Some(used.as_byte_array())) {
            return Err(Refused::late());
        }
        if let Purpose::Refund(refund) = &mut self.purpose {
            refund.admit(&tlvs, now)?;
        }
        let verified = Unverified::<Invoice>::of(tlvs, self.payer.known()).and_then(Unverified::verify);
        let invoice = match verified {
            Ok(invoice) => invoice,
            Err(error) => return Err(Refused::answered(error, reply_path)),
        };
        match self.purpose.check(&invoice, token, now) {
            Ok(()) => match &mut self.purpose {
                Purpose::Offer(_) => self.take_quote(invoice, token, now),
                Purpose::Refund(refund) => take_claim(refund, &self.budget, invoice, now),
            },
            // RQR-5: whoever answers a repeated request with its first invoice does so for ever.
            Err(error) if error.rule() == Rule::Ivr4 && self.refund().is_none() => {
                if !self.ask_anew(None) {
                    self.phase = Phase::Ended(EndReason::QuoteExpired);
                    return Ok(Progress::Ended);
                }
                // Each time later, since all would expire at once if it is a clock that is wrong.
                self.schedule.restart_later(self.way_after(token), self.renewals, now);
                Ok(Progress::AskingAgain(Some(error)))
            }
            Err(error) => Err(Refused::answered(error, reply_path)),
        }
    }

    /// An invoice that can be paid, unless something speaks against it: then the other ways are asked first (EXC-14).
    fn take_quote(&mut self, invoice: Invoice, token: Token, now: UnixTime) -> Result<Progress, Box<Refused>> {
        let budget = Budget { quoted_at: self.budget.estimate, ..self.budget };
        let Some(objection) = budget.objection(&invoice) else {
            self.budget = budget;
            self.phase = Phase::Quoted(Box::new(invoice));
            return Ok(Progress::Quoted);
        };
        // The one that asks for least is the one to be decided on.
        let is_dearer = self.objected.as_ref().is_some_and(|before| before.amount() <= invoice.amount());
        // Whoever sends it again would make us ask the others again at once, and save it each time.
        if is_dearer && self.closed.contains(&token.position) {
            return Err(Refused::late());
        }
        self.budget = budget;
        self.last_refusal = Some(Box::new(objection.end(invoice.amount())));
        // What was asked for just now is not asked for again at once.
        self.renewed_at = Some(now);
        if !is_dearer {
            self.objected = Some(Box::new(invoice));
        }
        Ok(self.close(token.position, now, None).unwrap_or(Progress::AskingAgain(Some(objection.error()))))
    }

    /// Closes a way. If it was the last, what can be decided on is shown, or the payment ends.
    fn close(&mut self, position: u8, now: UnixTime, end: Option<EndReason>) -> Option<Progress> {
        let is_new = !self.closed.contains(&position);
        if is_new {
            self.closed.push(position);
        }
        let Purpose::Offer(offer) = &self.purpose else { return None };
        if (0..offer.ways().into()).any(is_open(&self.closed)) {
            self.last_refusal = end.map(Box::new).or(self.last_refusal.take());
            if is_new {
                self.schedule.hurry(now);
            }
            return None;
        }
        if let Some(invoice) = self.objected.take() {
            self.phase = Phase::Quoted(invoice);
            return Some(Progress::NeedsApproval);
        }
        self.phase = Phase::Ended(end.unwrap_or(EndReason::Deadline));
        Some(Progress::Ended)
    }

    fn receive_error(&mut self, message: IncomingMessage, now: UnixTime) -> Result<Progress, Box<Refused>> {
        let token = self.token(&message.arrival, Rule::Exc6, now)?;
        let told = InvoiceError::try_from(message.bytes).map_err(Refused::silent)?;
        let Purpose::Offer(offer) = &self.purpose else {
            return Err(Refused::silent(Error::new(ErrorKind::WrongArrival, Rule::Exc6)));
        };
        // Whoever says it again would make us ask the others again at once, and keep it each time.
        if self.closed.contains(&token.position) {
            return Err(Refused::late());
        }
        let better = self.suggested(offer, &told);
        let end = EndReason::refused(told);
        if let Some(better) = better {
            if self.ask_anew(Some(end.clone())) {
                self.purpose = Purpose::Offer(Box::new(better));
                self.signature = None;
                self.schedule.restart(0, now);
                return Ok(Progress::AskingAgain(None));
            }
        }
        Ok(self.close(token.position, now, Some(end)).unwrap_or(Progress::AskingAgain(None)))
    }

    /// ERR-2: what to ask for instead, if that is possible and authorised.
    fn suggested(&self, offer: &OfferPurpose, told: &InvoiceError) -> Option<OfferPurpose> {
        told.erroneous_field().filter(|field| *field == Field::INVREQ_AMOUNT)?;
        let amount = told.suggested_amount()?;
        // What is priced in bitcoin needs nobody's suggestion.
        let is_more = offer.choices.amount.is_none_or(|chosen| chosen < amount) && offer.offer.currency().is_some();
        if !is_more || amount > self.budget.max {
            return None;
        }
        let better = OfferPurpose { choices: offer.choices.with_suggested(amount), ..offer.clone() };
        // What cannot be asked for does not replace what can.
        better.to_sign(&self.payer, self.own_token(0)).is_ok().then_some(better)
    }

    /// The way whose turn is after the one that a token is for.
    fn way_after(&self, token: Token) -> u32 {
        u32::from(token.position).saturating_add(1)
    }

    /// Which message of this payment an answer is for, if it came the right way and one is still waited for.
    pub(super) fn token(&self, arrival: &MessageArrival, rule: Rule, now: UnixTime) -> Result<Token, Box<Refused>> {
        let token = self.purpose.token(&self.payer, arrival).filter(|token| token.id == self.id.0);
        let token = token.ok_or_else(|| Refused::silent(Error::new(ErrorKind::WrongArrival, rule)))?;
        let waits = matches!(self.phase, Phase::Asking) && now <= self.budget.deadline;
        if token.generation == self.generation && waits { Ok(token) } else { Err(Refused::late()) }
    }
}

/// Keeps a claim beside others, none of which blocks it (EXC-14).
fn take_claim(
    refund: &mut PublishedRefund,
    budget: &Budget,
    invoice: Invoice,
    now: UnixTime,
) -> Result<Progress, Box<Refused>> {
    let objection = budget.objection(&invoice);
    refund.kept(now)?;
    refund.add(invoice, now);
    Ok(objection.map_or(Progress::Quoted, |_| Progress::NeedsApproval))
}
