//! What the user decides, and what the node says of it.

use crate::builder::check_amount;
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::payer::limit::Limit;
use crate::exchange::payer::payment::Payment;
use crate::exchange::payer::state::{Attempt, State};
use crate::exchange::payer::subscription::state::SubscriptionState;
use crate::exchange::payer::subscription::{Cancel, Subscription};
use crate::field::Rate;
use crate::payer_proof::Preimage;
use crate::units::{Msat, UnixTime};

impl Subscription {
    /// Begins to pay what was quoted. It was authorised, so nobody has to be asked. [Save](Self::to_bytes) the
    /// subscription now, and only then pay ([`State::Paying`]).
    ///
    /// The quote is compared again with what is authorised now, at this rate, if the price is in a currency. If it is
    /// above that, or off the price, nothing is begun, and [`poll`](Self::poll) asks for another, or its owner
    /// [allows](Self::allow_once) it.
    ///
    /// # Errors
    ///
    /// As for [`Payment::begin`]; `WrongState` also if the [state](Self::state) is not `Open`.
    pub fn begin(&mut self, now: UnixTime, rate: Option<Rate>) -> Result<Attempt, Error> {
        self.take_rate(rate)?;
        let Some(payment_hash) = self.quoted().map(|quote| quote.payment_hash()) else {
            return Err(self.wrong_state());
        };
        let (SubscriptionState::Open(_), Ok(due)) = (self.state(now), self.due(now)) else {
            return Err(self.wrong_state());
        };
        let budget = self.plan.budget(&self.payer, &due, self.consent, now)?;
        let Some(payment) = &mut self.payment else { return Err(self.wrong_state()) };
        let attempt = payment.begin_within(budget, payment_hash, now)?;
        // As from what the payer knows: an invoice may say that period 0 began earlier (EXC-18).
        let next = self.plan.due(&self.payer, due.counter.saturating_add(1), self.basetime, now).ok();
        self.pace.begun(&due, next.map(|next| next.due_at), now);
        Ok(attempt)
    }

    /// The payment was made: see [`Payment::paid`]. The next one is due in the next period. Saying it again does no
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
            // What cancels has another counter now.
            self.cancel_signature = None;
        }
        Ok(())
    }

    /// The payment failed for good: see [`Payment::failed`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn failed(&mut self, attempt: Attempt) -> Result<(), Error> {
        let Some(payment) = &mut self.payment else { return Err(self.wrong_state()) };
        payment.failed(attempt)?;
        if self.cancel != Cancel::No { payment.decline() } else { Ok(()) }
    }

    /// The user allows so much for this payment, this once (REC-12): the one after so many, as
    /// [`Due::counter`](crate::exchange::Due::counter) says, so that a decision about one is not taken for another. If
    /// it was too expensive, it goes on.
    ///
    /// # Errors
    ///
    /// `Differs` for another payment than the next, `Zero`, `AmountTooHigh` for more bitcoin than there is (D3).
    pub fn allow_once(&mut self, counter: u32, max: Msat) -> Result<(), Error> {
        if counter != self.counter {
            return Err(Error::of(Field::INVREQ_RECURRENCE_COUNTER, ErrorKind::Differs, Rule::Rec12));
        }
        check_amount(max, Field::OFFER_AMOUNT, Rule::Rec12)?;
        self.consent = Some(max);
        self.try_at_this_price();
        Ok(())
    }

    /// The user lets an [overdue](SubscriptionState::Overdue) payment be made at once. The ones after it wait again.
    pub fn catch_up(&mut self) {
        self.pace.hurried = true;
    }

    /// Whether its owner does not want to wait.
    pub(crate) fn is_hurried(&self) -> bool {
        self.pace.hurried
    }

    /// The user sets another limit for this and all later payments (REC-12). If this one was too expensive, it is asked
    /// for again.
    ///
    /// # Errors
    ///
    /// As for [`start`](crate::exchange::SubscriptionDraft::start), if the limit cannot be computed; `RateNeeded` for a
    /// tolerance, if no rate was ever given.
    pub fn set_limit(&mut self, limit: Limit) -> Result<(), Error> {
        self.plan.draft(&self.payer).limit(limit).ceiling()?;
        self.plan.limit = Some(limit);
        self.try_at_this_price();
        Ok(())
    }

    /// What was too dear may be no more. Whatever else ended a payment has nothing to do with it.
    fn try_at_this_price(&mut self) {
        let was_too_dear = |payment: &Payment| matches!(payment.state(), State::Ended(end) if end.can_be_allowed());
        if self.open().is_some_and(was_too_dear) {
            self.try_again();
        }
    }

    /// Begins a payment again that [stopped](SubscriptionState::Stopped), as if nothing had been asked for. If paying
    /// an invoice was begun, be sure that it [failed](Self::failed).
    pub fn try_again(&mut self) {
        let has_ended = self.open().is_some_and(|payment| matches!(payment.state(), State::Ended(_)));
        self.again = has_ended.then_some(UnixTime(0));
        self.pace.restored = false;
    }
}
