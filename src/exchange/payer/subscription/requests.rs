//! What a subscription sends and when, and what comes back.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::action::{Action, Step};
use crate::exchange::end::EndReason;
use crate::exchange::ids::PathId;
use crate::exchange::message::IncomingMessage;
use crate::exchange::payer::budget::Budget;
use crate::exchange::payer::limit::Limit;
use crate::exchange::payer::payment::{Payment, Progress};
use crate::exchange::payer::purpose::Purpose;
use crate::exchange::payer::series::Series;
use crate::exchange::payer::state::State;
use crate::exchange::payer::subscription::Subscription;
use crate::exchange::payer::subscription::due::{DAY, Due};
use crate::exchange::payer::subscription::plan::CLOCKS;
use crate::exchange::payer::subscription::state::{SubscriptionEnd, SubscriptionState};
use crate::exchange::payer::unsent::UnsentRequest;
use crate::exchange::refused::Refused;
use crate::exchange::schedule::Schedule;
use crate::field::Rate;
use crate::units::UnixTime;

impl Subscription {
    /// What to do now, at the current rate of the [currency](Self::currency), if the price is in one. Never blocks, and
    /// may be called at any time. While the [state](Self::state) is `Open` and shows a quote, it can be begun.
    ///
    /// Without a rate, the last one is used for what is asked for already.
    ///
    /// # Errors
    ///
    /// `RateNeeded` if a payment is due whose limit is a tolerance, and the rate is missing; `WrongCurrency` for the
    /// rate of another currency; and what [`InvoiceRequestBuilder::build`](crate::InvoiceRequestBuilder::build)
    /// refuses.
    pub fn poll(&mut self, now: UnixTime, rate: Option<Rate>) -> Result<Action, Error> {
        self.step(now, rate)?.sign()
    }

    /// The same, with a request that is still to be made.
    pub(crate) fn step(&mut self, now: UnixTime, rate: Option<Rate>) -> Result<Step<UnsentRequest>, Error> {
        self.take_rate(rate)?;
        let due = match self.state(now) {
            SubscriptionState::Open(payment) if matches!(payment.state(), State::Paying(_)) => {
                return Ok(Step::Nothing);
            }
            SubscriptionState::Ended(SubscriptionEnd::Cancelled) => return Ok(self.send_cancel(now)),
            SubscriptionState::Ended(_) => return Ok(Step::Nothing),
            SubscriptionState::Stopped(due, _) => return Ok(Step::WaitUntil(self.come_again(&due, now))),
            SubscriptionState::Waiting(due) if now < due.due_at => return Ok(Step::WaitUntil(due.due_at)),
            SubscriptionState::Overdue { due, from } => {
                return Ok(Step::WaitUntil(from.min(due.window.end().next_second())));
            }
            SubscriptionState::Waiting(due) => {
                let compares = self.compares_with_rate() && !self.is_asking();
                if let (true, None, Some(currency)) = (compares, rate, self.currency()) {
                    return Err(Error::of(Field::OFFER_AMOUNT, ErrorKind::RateNeeded { currency }, Rule::Rec12));
                }
                due
            }
            SubscriptionState::Open(_) => {
                let Ok(due) = self.due(now) else { return Ok(Step::Nothing) };
                due
            }
        };
        let budget = self.plan.budget(&self.payer, &due, self.consent, now)?;
        if !self.is_asking() {
            self.begin_payment(budget, &due, now);
        }
        let silent_until = self.pace.silent_until(now).filter(|_| !self.is_watched(&due, now));
        let Some(payment) = &mut self.payment else { return Ok(Step::Nothing) };
        payment.set_budget(budget);
        // A clock that was set back must not make us ask too early.
        if now < *due.window.start() {
            return Ok(Step::WaitUntil(*due.window.start()));
        }
        if let Some(at) = silent_until {
            return Ok(Step::WaitUntil(at.min(due.window.end().next_second())));
        }
        match payment.step(now) {
            // It has just ended.
            Step::Nothing => Ok(Step::WaitUntil(self.come_again(&due, now))),
            Step::Send { message, wake } => {
                self.pace.sent(now);
                let silent_until = self.pace.silent_until(now).filter(|_| !self.is_watched(&due, now));
                Ok(Step::Send { message, wake: silent_until.map_or(wake, |at| at.min(due.window.end().next_second())) })
            }
            step => Ok(step),
        }
    }

    /// Whether somebody waits for the first payment, because it is made at once.
    fn is_watched(&self, due: &Due, now: UnixTime) -> bool {
        due.counter == 0 && due.due_at <= self.plan.since && now.0.abs_diff(self.plan.since.0) < WATCHED
    }

    /// Whether the limit is compared with a rate, which must be today's.
    pub(crate) fn compares_with_rate(&self) -> bool {
        let compares = self.consent.is_none() && matches!(self.plan.limit, Some(Limit::Tolerance { .. }));
        compares && self.currency().is_some()
    }

    /// Whether the next payment was begun, and can go on.
    fn is_asking(&self) -> bool {
        self.open().is_some_and(|payment| payment.is_open())
    }

    pub(crate) fn take_rate(&mut self, rate: Option<Rate>) -> Result<(), Error> {
        match (self.currency(), rate) {
            (Some(expected), Some(rate)) if expected != rate.currency() => {
                let kind = ErrorKind::WrongCurrency { expected, found: rate.currency() };
                return Err(Error::of(Field::OFFER_CURRENCY, kind, Rule::Rec12));
            }
            (Some(_), Some(rate)) => self.plan.choices.rate = Some(rate),
            _ => {}
        }
        Ok(())
    }

    /// The transport says that what was sent with this reply path cannot get there: the next path is tried at once
    /// (EXC-5).
    pub fn unreachable(&mut self, reply_path_id: &PathId, now: UnixTime) {
        self.cancel_over_next_way(reply_path_id);
        if let Some(payment) = &mut self.payment {
            payment.unreachable(reply_path_id, now);
        }
    }

    /// The transport says that what is asked for cannot be sent at all: see [`Payment::unsendable`]. The payment has
    /// then [stopped](SubscriptionState::Stopped). Returns whether it has because of this.
    pub fn unsendable(&mut self) -> bool {
        self.payment.as_mut().is_some_and(Payment::unsendable)
    }

    /// An invoice or an invoice error arrived: see [`Payment::receive`].
    ///
    /// # Errors
    ///
    /// As there; `TimeMismatch` if period 0 started at another time (REC-9); and `AlreadyAnswered` for an invoice with
    /// the payment hash of the last payment (EXC-4). An invoice above the limit is not an error: the
    /// [state](Self::state) then says that it was too expensive (REC-12).
    pub fn receive(&mut self, message: IncomingMessage, now: UnixTime) -> Result<Progress, Box<Refused>> {
        // What is left of a period is counted when the invoice comes, not when it says that it was made (EXC-18).
        let budget = self.due(now).and_then(|due| {
            self.plan.budget(&self.payer, &due, self.consent, now).map_err(|_| SubscriptionEnd::Overflow)
        });
        let used: Vec<_> = self.last_hashes().collect();
        let Some(payment) = &mut self.payment else {
            return Err(Refused::silent(Error::new(ErrorKind::WrongArrival, Rule::Ivr13)));
        };
        let progress = match budget {
            Ok(budget) => payment.receive_within(budget, message, now, &used)?,
            Err(_) => payment.receive_new(message, now, &used)?,
        };
        if matches!(progress, Progress::Quoted | Progress::NeedsApproval) {
            self.pace.answered();
        }
        Ok(progress)
    }

    /// When there is something to do about a payment that has stopped.
    fn come_again(&mut self, due: &Due, now: UnixTime) -> UnixTime {
        let until = *due.window.end();
        let may_pass = self.open().is_some_and(|payment| {
            let State::Ended(end) = payment.state() else { return false };
            // The rate may.
            let can_be_allowed = end.can_be_allowed() && self.currency().is_some();
            let may_pass = can_be_allowed || matches!(end, EndReason::Refused(_) | EndReason::QuoteExpired);
            // What was begun may have been paid after all.
            may_pass && payment.failed_hashes().count() == 0
        });
        // Whoever subscribes is there when it begins at once.
        let begins_at_once = due.counter == 0 && due.due_at <= self.plan.since;
        // A backup waits for its owner, however long.
        if !may_pass || begins_at_once || self.pace.restored {
            return until.next_second();
        }
        let delay = (FIRST_DELAY << self.attempt.min(5)).min(DAY);
        // More than once, where the window is short.
        let delay = delay.min(until.0.saturating_sub(now.0) / 2).max(CLOCKS);
        let at = UnixTime(now.0.saturating_add(delay));
        // A clock that was set back does not make it later.
        let at = self.again.map_or(at, |before| before.min(at));
        self.again = Some(at);
        at.min(until.next_second())
    }

    /// Begins the next payment.
    fn begin_payment(&mut self, budget: Budget, due: &Due, now: UnixTime) {
        let (paid, before) = match self.payment.take() {
            Some(payment) if matches!(payment.state(), State::Paid(_)) => (Some(payment), None),
            payment => (None, payment),
        };
        if let Some(paid) = &paid {
            self.last_begun = paid.failed_hashes().filter(|hash| Some(*hash) != self.last_paid).collect();
        }
        if before.is_some() {
            self.attempt = self.attempt.saturating_add(1);
        }
        self.again = None;
        // An invoice for period 0 that is older than this was not asked for (EXC-18).
        let series = Series { since: now, ..self.series(self.counter, false) };
        let id = self.payer.series_payment_id(self.id, self.counter, self.attempt);
        let purpose = Purpose::Offer(Box::new(self.plan.asked(series)));
        let schedule = Schedule::new(self.plan.retry_in(due), now);
        let mut payment = Payment::new(self.payer.clone(), id, purpose, budget, schedule);
        if let Some(paid) = &paid {
            payment.follow(paid);
        }
        if let Some(before) = before {
            payment.replace(before);
        }
        self.payment = Some(payment);
    }
}

/// For how many seconds a first payment that is made at once is taken to be watched.
const WATCHED: u64 = 3_600;

/// How long after a refusal a payment is begun again for the first time, in seconds.
const FIRST_DELAY: u64 = 3_600;
