//! What was authorised, and what follows from it and from the offer (REC-12).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use core::time::Duration;

use bitcoin::constants::ChainHash;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::payer::budget::Budget;
use crate::exchange::payer::choices::Choices;
use crate::exchange::payer::draft::Draft;
use crate::exchange::payer::keys::Payer;
use crate::exchange::payer::limit::{FeeLimit, Limit};
use crate::exchange::payer::purpose::OfferPurpose;
use crate::exchange::payer::series::{clock_tolerance, small};
use crate::exchange::payer::subscription::due::{DAY, Due};
use crate::exchange::payer::subscription::state::SubscriptionEnd;
use crate::exchange::recurring::Series;
use crate::exchange::saved::{Reader, Writer, invalid};
use crate::exchange::schedule::Retry;
use crate::offer::{Offer, UsableOffer};
use crate::recurrence::Recurrence;
use crate::units::{Msat, UnixTime};

/// How long after a window has opened a payment is first asked for, in seconds: the issuer's clock may be slow.
pub(crate) const CLOCKS: u64 = 60;

/// How long to wait for answers, if nothing else is said: 5 seconds, growing to an hour.
pub(crate) const RETRY: Retry = Retry { first: Duration::from_secs(5), max: Duration::from_secs(3600) };

/// One authorisation for all payments.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) offer: Offer,
    pub(crate) chain: ChainHash,
    pub(crate) choices: Choices,
    pub(crate) limit: Option<Limit>,
    pub(crate) fees: FeeLimit,
    pub(crate) retry: Retry,
    pub(crate) recurrence: Recurrence,
    /// The number of the first period, if the offer says when periods start (REC-4).
    pub(crate) start: Option<u32>,
    /// How many payments were authorised.
    pub(crate) payments: Option<u32>,
    /// From when on no period is paid any more.
    pub(crate) until: Option<UnixTime>,
    /// When the subscription was begun.
    pub(crate) since: UnixTime,
    /// Until when the first payment has to be made.
    pub(crate) deadline: UnixTime,
}

impl Plan {
    /// When period 0 starts, if the offer says so.
    pub(crate) fn base(&self) -> Option<UnixTime> {
        self.recurrence.base.map(|base| base.basetime)
    }

    /// What a payment for one period is.
    pub(crate) fn draft(&self, payer: &Payer) -> Draft {
        let mut draft = Draft::new(payer.clone(), UsableOffer::again(&self.offer, self.chain)).retry(self.retry);
        draft.choices = self.choices.clone();
        draft.limit = self.limit;
        draft
    }

    /// The payment after so many, or why there is none. Where it is not known yet when period 0 starts, it does now.
    pub(crate) fn due(
        &self,
        payer: &Payer,
        counter: u32,
        basetime: Option<UnixTime>,
        now: UnixTime,
    ) -> Result<Due, SubscriptionEnd> {
        // Of what never began, nothing is completed.
        let or_not_started = |end| if counter == 0 { SubscriptionEnd::NotStarted } else { end };
        let (completed, overflow) =
            (or_not_started(SubscriptionEnd::Completed), or_not_started(SubscriptionEnd::Overflow));
        let index = u64::from(self.start.unwrap_or(0)).saturating_add(counter.into());
        let is_over = self.recurrence.limit.is_some_and(|limit| index > limit.get().into());
        if is_over || self.payments.is_some_and(|payments| counter >= payments) {
            return Err(completed);
        }
        let basetime = basetime.unwrap_or(now);
        // What no calendar knows is not paid.
        let Ok(period) = self.recurrence.period_at(basetime, index) else { return Err(overflow) };
        if self.until.is_some_and(|until| period.start >= until) {
            return Err(completed);
        }
        let Ok(mut window) = self.recurrence.pay_window(basetime, index) else { return Err(overflow) };
        if self.is_proportional() {
            // Nothing is left to be paid for of a period that is over.
            let last = UnixTime(period.end.0.saturating_sub(1));
            window = *window.start()..=last.min(*window.end());
        }
        let due_at = if counter == 0 {
            let expiry = self.offer.absolute_expiry().unwrap_or(UnixTime(u64::MAX));
            // The clock may have been set back since.
            let from = self.since.min(now);
            let has_opened = *window.start() <= from;
            window = from.max(*window.start())..=self.deadline.min(expiry).min(*window.end());
            if has_opened { from } else { opened(&window) }
        } else {
            due_at(&window, period.start)
        };
        let full_amount = self.draft(payer).cost().ok().flatten();
        let amount = full_amount.and_then(|full| self.share(full, basetime, index, now.max(due_at)).ok());
        Ok(Due { counter, period_index: index, period, window, due_at, amount, full_amount })
    }

    /// The payments after so many, at most `count`.
    pub(crate) fn next_payments(
        &self,
        payer: &Payer,
        counter: u32,
        basetime: Option<UnixTime>,
        now: UnixTime,
        count: usize,
    ) -> Vec<Due> {
        let due = |counter| self.due(payer, counter, basetime, now).ok();
        (counter..=u32::MAX).map_while(due).take(count).collect()
    }

    fn is_proportional(&self) -> bool {
        self.recurrence.base.is_some_and(|base| base.proportional_amount)
    }

    /// What is left to be paid of a period (REC-8). Whoever chose an amount pays it.
    fn share(&self, full: Msat, basetime: UnixTime, index: u64, at: UnixTime) -> Result<Msat, Error> {
        match self.choices.amount {
            Some(_) => Ok(full),
            None => self.recurrence.amount_left(full, basetime, index, at),
        }
    }

    /// What is authorised for the payment: all of a fixed limit, and of others as much as is left of the period now.
    pub(crate) fn budget(
        &self,
        payer: &Payer,
        due: &Due,
        consent: Option<Msat>,
        now: UnixTime,
    ) -> Result<Budget, Error> {
        let draft = self.draft(payer);
        let falls = self.is_proportional() && self.choices.amount.is_none();
        let max = match (consent, self.limit) {
            (Some(max), _) => max,
            (None, limit) => {
                let full = draft.ceiling()?;
                let at = UnixTime(now.0.saturating_sub(clock_tolerance(&self.recurrence)));
                match (limit, self.base()) {
                    (Some(Limit::AtMost(_)), _) | (_, None) => full,
                    (_, Some(base)) => self.share(full, base, due.period_index, at)?,
                }
            }
        };
        let limit = match (consent, self.limit) {
            (None, Some(limit)) => limit,
            _ => Limit::AtMost(max),
        };
        // What is left of a period differs from the price, and is bounded above.
        let price = if falls { None } else { draft.converted()? };
        let deadline = *due.window.end();
        Ok(Budget { limit, max, estimate: due.amount, price, falls, quoted_at: None, fees: self.fees, deadline })
    }

    /// How long to wait for answers: nobody watches, so requests are spread over the window.
    pub(crate) fn retry_in(&self, due: &Due) -> Retry {
        if self.retry != RETRY || due.counter == 0 {
            return self.retry;
        }
        let window = due.window.end().0.saturating_sub(due.due_at.0);
        let first = Duration::from_secs((window / 8).clamp(RETRY.first.as_secs(), RETRY.max.as_secs()));
        Retry { first, max: RETRY.max }
    }

    /// What is asked for.
    pub(crate) fn asked(&self, series: Series) -> OfferPurpose {
        let (offer, chain) = (self.offer.clone(), self.chain);
        OfferPurpose { offer, chain, choices: self.choices.clone(), series: Some(Box::new(series)) }
    }

    /// Why there is no first payment.
    pub(crate) fn check(&self, payer: &Payer, now: UnixTime) -> Result<Due, Error> {
        if let Ok(due) = self.due(payer, 0, self.base(), now) {
            let (from, until) = due.window.clone().into_inner();
            let kind = match now {
                _ if now > until => ErrorKind::TooLate { until },
                // The window opens after the deadline, or after the offer has expired.
                _ if from > until => ErrorKind::TooEarly { from },
                _ => return Ok(due),
            };
            return Err(Error::of(Field::INVREQ_RECURRENCE_START, kind, Rule::Rec6));
        }
        let index = self.start.unwrap_or(0);
        if self.payments == Some(0) {
            return Err(Error::new(ErrorKind::Zero, Rule::Rec12));
        }
        match (self.recurrence.limit, self.until) {
            (Some(limit), _) if index > limit.get() => {
                let kind = ErrorKind::NoSuchPeriod { max: limit.get() };
                Err(Error::of(Field::INVREQ_RECURRENCE_START, kind, Rule::Rec5))
            }
            (_, Some(at)) if self.recurrence.period_start(self.base().unwrap_or(now), index.into())? >= at => {
                Err(Error::new(ErrorKind::Expired { at }, Rule::Rec12))
            }
            _ => Err(Error::of(Field::INVREQ_RECURRENCE_START, ErrorKind::Overflow, Rule::Rec4)),
        }
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        out.bytes(self.offer.as_bytes());
        out.array(self.chain.to_bytes());
        self.choices.write(out);
        match self.limit {
            None => out.array([0]),
            Some(Limit::AtMost(max)) => {
                out.array([1]);
                out.number(max.0);
            }
            Some(Limit::Tolerance { basis_points }) => {
                out.array([2]);
                out.number(basis_points.into());
            }
        }
        self.fees.write(out);
        self.retry.write(out);
        out.optional_number(self.start.map(u64::from));
        out.optional_number(self.payments.map(u64::from));
        out.optional_number(self.until.map(|until| until.0));
        out.number(self.since.0);
        out.number(self.deadline.0);
    }

    pub(crate) fn read(reader: &mut Reader<'_>, payer: &Payer) -> Result<Self, Error> {
        let offer = Offer::read(reader.bytes()?.to_vec(), payer.known())?;
        let recurrence = offer.recurrence().ok_or_else(invalid)?;
        let (chain, choices) = (ChainHash::from(reader.array()?), Choices::read(reader)?);
        let limit = match reader.byte()? {
            0 => None,
            1 => Some(Limit::AtMost(Msat(reader.number()?))),
            2 => Some(Limit::Tolerance { basis_points: small(reader.number()?)? }),
            _ => return Err(invalid()),
        };
        let fees = FeeLimit::read(reader)?;
        let retry = Retry::read(reader)?;
        let start = reader.optional_number()?.map(small).transpose()?;
        if start.is_some() != recurrence.base.is_some() {
            return Err(invalid());
        }
        let payments = reader.optional_number()?.map(small).transpose()?;
        let until = reader.optional_number()?.map(UnixTime);
        let (since, deadline) = (UnixTime(reader.number()?), UnixTime(reader.number()?));
        Ok(Self { offer, chain, choices, limit, fees, retry, recurrence, start, payments, until, since, deadline })
    }
}

/// When a period starts; or a day before its window closes, if that is sooner, or at half of a window of less than two
/// days.
fn due_at(window: &RangeInclusive<UnixTime>, start: UnixTime) -> UnixTime {
    let latest = window.end().0.saturating_sub(half(window).min(DAY));
    UnixTime(start.0.min(latest)).max(opened(window))
}

/// When a window has opened for every clock.
fn opened(window: &RangeInclusive<UnixTime>) -> UnixTime {
    UnixTime(window.start().0.saturating_add(half(window).min(CLOCKS)))
}

fn half(window: &RangeInclusive<UnixTime>) -> u64 {
    window.end().0.saturating_sub(window.start().0) / 2
}
