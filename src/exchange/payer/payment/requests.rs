//! What a payment sends, and when (EXC-5).

use alloc::boxed::Box;

use crate::error::Error;
use crate::exchange::action::Action;
use crate::exchange::end::EndReason;
use crate::exchange::ids::PathId;
use crate::exchange::payer::payment::{Payment, Phase};
use crate::exchange::payer::purpose::{OfferPurpose, Purpose};
use crate::exchange::payer::unsent::{Step, UnsentRequest};
use crate::units::UnixTime;

use super::is_open;

impl Payment {
    /// What to do now. Never blocks, and may be called at any time. A clock that was set back makes the next request
    /// go out at once; one that jumps ahead may end the payment.
    ///
    /// A quote that has gone stale is asked for again (EXC-7), at most [`MAX_RENEWALS`] times, unless paying it was
    /// begun before: then the payment ends.
    ///
    /// # Errors
    ///
    /// What [`InvoiceRequestBuilder::build`](crate::InvoiceRequestBuilder::build) refuses. What began without an
    /// error goes on without one.
    pub fn poll(&mut self, now: UnixTime) -> Result<Action, Error> {
        self.step(now).sign()
    }

    /// The same, with a request that is still to be made: that takes a signature, and this does not.
    pub(crate) fn step(&mut self, now: UnixTime) -> Step {
        let expires_at = match &self.phase {
            Phase::Asking => None,
            Phase::Quoted(invoice) => Some(self.quoted_until(invoice)),
            Phase::Paying(_) | Phase::Paid(..) | Phase::Ended(_) => return Step::Nothing,
        };
        if now > self.bounds.deadline {
            self.end_because(EndReason::Deadline);
            return Step::Nothing;
        }
        match expires_at {
            Some(at) if now <= at => return Step::WaitUntil(at.min(self.bounds.deadline).next_second()),
            // Another invoice has another payment hash: both could be paid.
            Some(_) if !self.begun.is_empty() => self.phase = Phase::Ended(EndReason::QuoteExpired),
            Some(_) => {
                self.ask_anew(EndReason::QuoteExpired);
                self.schedule.restart(0, now);
            }
            None => {}
        }
        if !matches!(self.phase, Phase::Asking) {
            return Step::Nothing;
        }
        let deadline = self.bounds.deadline.next_second();
        let Purpose::Offer(asked) = &self.asked else {
            // A refund may stand for ever.
            let never = self.bounds.deadline == UnixTime(u64::MAX);
            return if never { Step::Nothing } else { Step::WaitUntil(deadline) };
        };
        if asked.has_expired(now) {
            // An answer to what was sent before may still come.
            if self.schedule.attempts() > 0 {
                return Step::WaitUntil(deadline);
            }
            self.end_because(EndReason::OfferExpired);
            return Step::Nothing;
        }
        let way = self.schedule.next(asked.ways().into(), is_open(&self.refused), now);
        match way.and_then(|way| u8::try_from(way).ok()) {
            Some(position) => Step::Send(Box::new(self.unsent(asked, position))),
            None => Step::WaitUntil(self.schedule.next_at().min(deadline)),
        }
    }

    /// The transport says that what was sent with this reply path cannot get there: the next way is tried at once
    /// (EXC-5).
    pub fn unreachable(&mut self, reply_path_id: &PathId, now: UnixTime) {
        let Purpose::Offer(asked) = &self.asked else { return };
        let token = self.payer.reply(reply_path_id);
        if let Some(token) = token.filter(|token| token.id == self.id.0 && token.generation == self.generation) {
            self.schedule.unreachable(token.position.into(), asked.ways().into(), is_open(&self.refused), now);
        }
    }

    /// The transport says that what is asked for cannot be sent at all, over any way (EXC-5): ends the payment, unless
    /// there is an invoice already. Returns whether it has ended because of this.
    pub fn unsendable(&mut self) -> bool {
        let asks = matches!((&self.phase, &self.asked), (Phase::Asking, Purpose::Offer(_)));
        if asks {
            self.phase = Phase::Ended(EndReason::Unsendable);
        }
        asks
    }

    fn unsent(&self, asked: &OfferPurpose, position: u8) -> UnsentRequest {
        UnsentRequest { payer: self.payer.clone(), asked: asked.clone(), token: self.own_token(position) }
    }

    /// Ends what was not begun in time: because of the last refusal, if there was one.
    fn end_because(&mut self, end: EndReason) {
        let told = self.told.take().filter(|_| matches!(self.phase, Phase::Asking));
        self.phase = Phase::Ended(told.unwrap_or(end));
    }
}
