//! What whoever owns the money decides, and what the node says of it.

use crate::builder::check_amount;
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::end::EndReason;
use crate::exchange::payer::limit::Limit;
use crate::exchange::payer::payment::Payment;
use crate::exchange::payer::state::State;
use crate::exchange::payer::subscription::state::SubscriptionState;
use crate::exchange::payer::subscription::{Cancel, Subscription};
use crate::payer_proof::Preimage;
use crate::units::{Msat, UnixTime};

impl Subscription {
    /// Begins to pay what was quoted. It was authorised, so nobody has to be asked. [Save](Self::to_bytes) the
    /// subscription now, and only then pay ([`State::Paying`]).
    ///
    /// The quote is compared once more with what is authorised now. If that is less than it was, or the rate has
    /// fallen, the payment ends as [too expensive](EndReason::TooExpensive).
    ///
    /// # Errors
    ///
    /// As for [`Payment::begin`]; `WrongState` also if the [state](Self::state) is not `Open`, and `AmountTooHigh` (REC-12).
    pub fn begin(&mut self, now: UnixTime) -> Result<(), Error> {
        let Some(payment_hash) = self.quoted().map(|quote| quote.payment_hash()) else {
            return Err(self.wrong_state());
        };
        let (SubscriptionState::Open(_), Ok(due)) = (self.state(now), self.due(now)) else {
            return Err(self.wrong_state());
        };
        let bounds = self.plan.bounds(&self.payer, &due, self.consent, self.priced_at(now))?;
        let Some(payment) = &mut self.payment else { return Err(self.wrong_state()) };
        payment.begin_within(bounds, payment_hash, now)
    }

    /// When a payment costs what it may cost at most: when its invoice was made, since less is left of its period later
    /// (REC-8); or now, as long as there is none.
    pub(crate) fn priced_at(&self, now: UnixTime) -> UnixTime {
        self.quoted().map_or(now, |quote| quote.invoice().created_at().min(now))
    }

    /// The payment was made: see [`Payment::paid`]. The next one is due in the next period. Saying it once more does no
    /// harm, also after the next one was begun.
    ///
    /// # Errors
    ///
    /// As there; `AlreadyAnswered` also after the next one was begun.
    pub fn paid(&mut self, preimage: Preimage) -> Result<(), Error> {
        let Some(payment) = &mut self.payment else { return Err(self.wrong_state()) };
        let (hash, was_paid) = (preimage.payment_hash(), matches!(payment.state(), State::Paid(_)));
        match payment.paid(preimage) {
            // Said again, after the next payment was begun.
            Err(_) if self.last_paid == Some(hash) => return Ok(()),
            Err(_) if self.last_begun.contains(&hash) => {
                return Err(Error::new(ErrorKind::AlreadyAnswered, Rule::Exc4));
            }
            result => result?,
        }
        if let (false, State::Paid(receipt)) = (was_paid, payment.state()) {
            // REC-9: the first invoice's, which the others repeat.
            self.basetime = receipt.invoice().recurrence_basetime();
            self.last_paid = Some(receipt.invoice().payment_hash());
            self.counter = self.counter.saturating_add(1);
            (self.attempt, self.again, self.consent) = (0, None, None);
        }
        Ok(())
    }

    /// The payment failed for good: see [`Payment::failed`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn failed(&mut self) -> Result<(), Error> {
        let Some(payment) = &mut self.payment else { return Err(self.wrong_state()) };
        payment.failed()?;
        if self.cancel != Cancel::No { payment.decline() } else { Ok(()) }
    }

    /// Whoever owns the money allows so much for the next payment, this once (REC-12). If that was too expensive, it is
    /// asked for again.
    ///
    /// # Errors
    ///
    /// `Zero`, `AmountTooHigh` for more bitcoin than there is (D3).
    pub fn allow_once(&mut self, max: Msat) -> Result<(), Error> {
        check_amount(max, Field::OFFER_AMOUNT, Rule::Rec12)?;
        self.consent = Some(max);
        self.try_at_this_price();
        Ok(())
    }

    /// Whoever owns the money sets another limit for this and all later payments (REC-12). If this one was too
    /// expensive, it is asked for again.
    ///
    /// # Errors
    ///
    /// As for [`start`](SubscriptionDraft::start), if the limit cannot be computed; `RateNeeded` for a tolerance, if
    /// no rate was ever given.
    pub fn set_limit(&mut self, limit: Limit) -> Result<(), Error> {
        self.plan.draft(&self.payer).limit(limit).ceiling()?;
        self.plan.limit = Some(limit);
        self.try_at_this_price();
        Ok(())
    }

    /// What was too dear may be no more. Whatever else ended a payment has nothing to do with it.
    fn try_at_this_price(&mut self) {
        let was_too_dear = |payment: &Payment| matches!(payment.state(), State::Ended(EndReason::TooExpensive { .. }));
        if self.open().is_some_and(was_too_dear) {
            self.try_again();
        }
    }

    /// Begins a payment again that [stopped](SubscriptionState::Stopped), as if nothing had been asked for. If paying
    /// an invoice was begun, be sure that it [failed](Self::failed).
    pub fn try_again(&mut self) {
        let has_ended = self.open().is_some_and(|payment| matches!(payment.state(), State::Ended(_)));
        self.again = has_ended.then_some(UnixTime(0));
    }
}
