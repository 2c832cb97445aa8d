//! What comes back: a static invoice, the payee's own answer, or its wish to be paid.

use alloc::boxed::Box;

use super::state::Release;
use super::{AsyncPayment, Held, Served};
use crate::error::{Error, ErrorKind, Field, MessageKind, Rule};
use crate::exchange::end::EndReason;
use crate::exchange::message::{IncomingMessage, MessageArrival, OffersMessageKind};
use crate::exchange::nothing::check_nothing;
use crate::exchange::payer::payment::{Phase, Progress};
use crate::exchange::refused::Refused;
use crate::offer::same_records;
use crate::signed::Unverified;
use crate::static_invoice::StaticInvoice;
use crate::tlv::TlvStream;
use crate::units::UnixTime;

/// What a message led to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AsyncProgress {
    /// The payee answered itself: it is a payment like any other.
    AsUsual(Progress),
    /// The payee is asleep: there is a static invoice. See [`AsyncPayment::state`].
    Asleep,
    /// A static invoice had expired, and another answer is asked for: [poll](AsyncPayment::poll).
    AskingAgain(Error),
    /// The payee is awake, and the node may release the payment, once this is [saved](AsyncPayment::to_bytes).
    Released,
}

impl AsyncPayment {
    /// An invoice, a static invoice, an invoice error, or the payee's wish to be paid arrived.
    ///
    /// A *static invoice* that came over the reply path of a request of this payment is compared with the offer, byte for
    /// byte, before its signature is looked at (STA-4). It is taken as a quote if it is right; if it has expired, another
    /// answer is asked for, later each time. Whatever else comes leads to what it leads to in [`Payment::receive`]; an
    /// *invoice* of the payee's own takes the place of a static one that was not begun, since it can be proved, and an
    /// *error* changes nothing once there is a static invoice.
    ///
    /// `release_held_htlc` that came over the reply path of a notice of the present attempt releases the payment. One that
    /// comes again, or too late, or for an earlier attempt, changes nothing.
    ///
    /// [`Payment::receive`]: crate::exchange::Payment::receive
    ///
    /// # Errors
    ///
    /// A refusal, after which everything is as before: as for [`Payment::receive`], and what [`StaticInvoice::check`]
    /// refuses.
    pub fn receive(&mut self, message: IncomingMessage, now: UnixTime) -> Result<AsyncProgress, Box<Refused>> {
        match message.kind {
            OffersMessageKind::StaticInvoice => self.receive_static(message, now),
            OffersMessageKind::ReleaseHeldHtlc => self.receive_release(message, now),
            OffersMessageKind::Invoice if self.can_change() => {
                let quoted_at = self.payment.budget.quoted_at;
                let progress = self.payment.receive(message, now)?;
                match self.held {
                    // Both could be paid.
                    _ if matches!(self.payment.phase, Phase::Quoted(_)) => self.held = Held::Nothing,
                    // EXC-9: what came does not move the price that the static invoice is compared with.
                    Held::Quoted(_) => self.payment.budget.quoted_at = quoted_at,
                    _ => {}
                }
                Ok(AsyncProgress::AsUsual(progress))
            }
            OffersMessageKind::InvoiceError if matches!(self.held, Held::Nothing) => {
                self.payment.receive(message, now).map(AsyncProgress::AsUsual)
            }
            OffersMessageKind::Invoice | OffersMessageKind::InvoiceError => Err(Refused::late()),
            kind => Err(Refused::wrong_kind(MessageKind::StaticInvoice, kind)),
        }
    }

    /// Whether another invoice may still be paid: none that has another payment hash, once one was begun.
    fn can_change(&self) -> bool {
        self.preimage.is_none() && matches!(self.held, Held::Nothing | Held::Quoted(_))
    }

    fn receive_static(&mut self, message: IncomingMessage, now: UnixTime) -> Result<AsyncProgress, Box<Refused>> {
        let token = self.payment.token(&message.arrival, Rule::Ivr13, now)?;
        if !matches!(self.held, Held::Nothing) {
            return Err(Refused::late());
        }
        let Some(offer) = self.offer() else { return Err(Refused::late()) };
        let tlvs = TlvStream::read(message.bytes).map_err(Refused::silent)?;
        // EXC-1, STA-4: comparing is cheaper than a signature.
        if !same_records(&tlvs, offer.offer.tlvs()) {
            return Err(Refused::silent(Error::of(Field::OFFER_PATHS, ErrorKind::Differs, Rule::Sta4)));
        }
        let known = self.payment.payer.known();
        let verified = Unverified::<StaticInvoice>::of(tlvs, known).and_then(Unverified::verify);
        let refused = |error| Refused::answered(error, None);
        let invoice = verified.map_err(refused)?;
        let sent_to = offer.sent_to(token.position).map_err(refused)?;
        match invoice.check_answer(&offer.offer, sent_to, now, &[offer.chain]) {
            Ok(()) => {}
            Err(error) if error.rule() == Rule::Ivr4 => return Ok(self.ask_later(error, token.position, now)),
            Err(error) => return Err(refused(error)),
        }
        if let Some(amount) = self.amount() {
            invoice.check_capacity(amount).map_err(refused)?;
        }
        self.payment.budget.quoted_at = self.payment.budget.estimate;
        let signature = self.payment.signature.clone();
        self.held = Held::Quoted(Served { invoice: Box::new(invoice), token, signature });
        Ok(AsyncProgress::Asleep)
    }

    /// Whoever serves an old static invoice may have a new one later, or another way leads to the payee itself.
    fn ask_later(&mut self, error: Error, position: u8, now: UnixTime) -> AsyncProgress {
        if !self.payment.ask_anew(None) {
            self.payment.phase = Phase::Ended(EndReason::QuoteExpired);
            return AsyncProgress::AsUsual(Progress::Ended);
        }
        let next = u32::from(position).saturating_add(1);
        self.payment.schedule.restart_later(next, self.payment.renewals, now);
        AsyncProgress::AskingAgain(error)
    }

    fn receive_release(&mut self, message: IncomingMessage, now: UnixTime) -> Result<AsyncProgress, Box<Refused>> {
        let wrong_arrival = || Refused::silent(Error::new(ErrorKind::WrongArrival, Rule::Exc6));
        let MessageArrival::Path(path_id) = message.arrival else { return Err(wrong_arrival()) };
        let token = self.payment.payer.notice(&path_id).filter(|token| token.id == self.payment.id.0);
        let token = token.ok_or_else(wrong_arrival)?;
        check_nothing(&message.bytes).map_err(|error| Refused::answered(error, None))?;
        match &mut self.held {
            Held::Paying(_, going) if going.generation() == token.generation => match going.release {
                Release::Hold if now <= going.until => going.release = Release::Release,
                _ => return Err(Refused::late()),
            },
            _ => return Err(Refused::late()),
        }
        Ok(AsyncProgress::Released)
    }
}
