//! What a payment sends, and when (EXC-5).

use alloc::boxed::Box;

use crate::error::Error;
use crate::exchange::action::{Action, Step};
use crate::exchange::end::EndReason;
use crate::exchange::ids::PathId;
use crate::exchange::payer::payment::{Payment, Phase};
use crate::exchange::payer::purpose::{OfferPurpose, Purpose};
use crate::exchange::payer::unsent::UnsentRequest;
use crate::field::Rate;
use crate::units::UnixTime;

use super::RENEWAL;
use crate::exchange::schedule::is_open;

impl Payment {
    /// What to do now. This never blocks, and may be called at any time. If the clock was set back, the next request
    /// goes out at once. If it jumps ahead, the payment may end.
    ///
    /// If a quote has expired (EXC-7), or is too far from the price (EXC-9), another one is requested, at most
    /// [`MAX_RENEWALS`](crate::exchange::MAX_RENEWALS) times, unless paying has begun.
    ///
    /// # Errors
    ///
    /// The errors of [`InvoiceRequestBuilder::build`](crate::InvoiceRequestBuilder::build). If the first call had no
    /// error, later ones have none either.
    pub fn poll(&mut self, now: UnixTime) -> Result<Action, Error> {
        self.step(now).sign()
    }

    /// The same, with a request that is still to be made: that takes a signature, and this does not.
    pub(crate) fn step(&mut self, now: UnixTime) -> Step<UnsentRequest> {
        if !self.is_open() {
            return Step::Nothing;
        }
        if now > self.budget.deadline {
            self.end_because(EndReason::Deadline);
            return Step::Nothing;
        }
        self.take_objected();
        if let Some(step) = self.step_quote(now) {
            return step;
        }
        // Ways that never answer do not keep the others from being asked again.
        let why = self.waiting().and_then(|invoice| Some(self.budget.objection(invoice)?.end(invoice.amount())));
        let renewal = why.and_then(|why| self.renew(why, now).err().flatten());
        let deadline = self.budget.deadline.next_second();
        let Purpose::Offer(offer) = &self.purpose else {
            let wake = self.drop_old_claims(now).map_or(deadline, |until| until.next_second().min(deadline));
            // A refund may stand for ever.
            return if wake == UnixTime(u64::MAX) { Step::Nothing } else { Step::WaitUntil(wake) };
        };
        if offer.has_expired(now) {
            // An answer to what was sent before may still come.
            if self.schedule.attempts() > 0 {
                return Step::WaitUntil(deadline);
            }
            self.end_because(EndReason::OfferExpired);
            return Step::Nothing;
        }
        if self.lacks_signature() {
            return Step::Sign(renewal.unwrap_or(deadline).min(deadline));
        }
        let way = self.schedule.next(offer.ways().into(), is_open(&self.closed), now);
        let wake = self.schedule.next_at().min(renewal.unwrap_or(deadline)).min(deadline);
        match way.and_then(|way| u8::try_from(way).ok()) {
            Some(position) => Step::Send { message: Box::new(self.unsent(offer, position)), wake },
            None => Step::WaitUntil(wake),
        }
    }

    /// What to do because there is a quote; `None` if there is none, or not any more.
    fn step_quote(&mut self, now: UnixTime) -> Option<Step<UnsentRequest>> {
        let Phase::Quoted(invoice) = &self.phase else { return None };
        let until = self.quoted_until(invoice);
        let deadline = self.budget.deadline;
        if now > until {
            // Another invoice has another payment hash: both could be paid.
            let asks = self.failed.is_empty() && self.ask_anew(None);
            if !asks {
                self.end_because(EndReason::QuoteExpired);
                return Some(Step::Nothing);
            }
            self.schedule.restart(0, now);
            return None;
        }
        let wait = until.min(deadline).next_second();
        let Some(objection) = self.budget.objection(invoice) else { return Some(Step::WaitUntil(wait)) };
        let why = objection.end(invoice.amount());
        let at = self.renew(why, now).err()?;
        Some(Step::WaitUntil(at.map_or(wait, |at| at.min(wait))))
    }

    /// Asks anew because of the price, if it is time; else when it will be, if ever.
    fn renew(&mut self, why: EndReason, now: UnixTime) -> Result<(), Option<UnixTime>> {
        match self.next_renewal() {
            // A clock that was set back does not stop it.
            Some(at) if now < at && at.0.saturating_sub(now.0) <= *RENEWAL.end() => Err(Some(at)),
            Some(_) if self.ask_anew(Some(why)) => {
                self.renewed_at = Some(now);
                self.schedule.restart(0, now);
                Ok(())
            }
            _ => Err(None),
        }
    }

    /// What nothing speaks against any more, since the rate or the limit has changed, can be paid.
    pub(crate) fn take_objected(&mut self) {
        let objected = self.objected.take_if(|invoice| self.budget.objection(invoice).is_none());
        if let Some(invoice) = objected.filter(|_| matches!(self.phase, Phase::Asking)) {
            self.phase = Phase::Quoted(invoice);
        }
    }

    /// Of a refund: forgets claims whose time has ended, and says when that of the next is.
    fn drop_old_claims(&mut self, now: UnixTime) -> Option<UnixTime> {
        let Purpose::Refund(refund) = &mut self.purpose else { return None };
        refund.drop_old(now);
        refund.claims.iter().map(|claim| claim.until).min()
    }

    /// Sets the payer's exchange rate. Call this with each new rate until paying begins: if the invoice is too far from
    /// the price at this rate, [`poll`](Self::poll) requests another one (EXC-9). It has no effect if the offer has no
    /// price in a currency, or if an amount was chosen.
    ///
    /// # Errors
    ///
    /// `WrongCurrency` for the rate of another currency; `Overflow`; `AmountTooHigh` and `Zero` for a limit above the
    /// total supply of bitcoin, or of zero (D3).
    pub fn set_rate(&mut self, rate: Rate) -> Result<(), Error> {
        self.budget.set_rate(rate)
    }

    /// Reports that the message with this reply path could not be delivered: the next path is tried at once (EXC-5),
    /// unless there is an invoice already.
    pub fn unreachable(&mut self, reply_path_id: &PathId, now: UnixTime) {
        let (Phase::Asking, Purpose::Offer(offer)) = (&self.phase, &self.purpose) else { return };
        let token = self.payer.reply(reply_path_id);
        if let Some(token) = token.filter(|token| token.id == self.id.0 && token.generation == self.generation) {
            self.schedule.unreachable(token.position.into(), offer.ways().into(), is_open(&self.closed), now);
        }
    }

    /// Reports that the request cannot be sent over any path (EXC-5): the payment ends, unless there is an invoice
    /// already. Returns whether it has ended because of this.
    pub fn unsendable(&mut self) -> bool {
        let asks = matches!((&self.phase, &self.purpose), (Phase::Asking, Purpose::Offer(_)));
        if asks {
            self.phase = Phase::Ended(EndReason::Unsendable);
        }
        asks
    }

    fn unsent(&self, offer: &OfferPurpose, position: u8) -> UnsentRequest {
        let (payer, purpose) = (self.payer.clone(), offer.clone());
        UnsentRequest { payer, purpose, token: self.own_token(position), signature: self.signature.as_deref().copied() }
    }

    /// Ends what was not begun in time: because of the last refusal, if there was one.
    fn end_because(&mut self, end: EndReason) {
        let refusal = match &self.phase {
            Phase::Quoted(invoice) => {
                let objection = self.budget.objection(invoice);
                objection.map(|objection| objection.end(invoice.amount()))
            }
            _ => self.last_refusal.take().map(|end| *end),
        };
        self.phase = Phase::Ended(refusal.unwrap_or(end));
    }
}
