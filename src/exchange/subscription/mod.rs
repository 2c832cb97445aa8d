//! Subscriptions: one authorisation, and a payment in every period.

mod draft;
mod issuer;
mod payer;
mod plan;
mod series;
mod view;

use alloc::boxed::Box;
use alloc::vec::Vec;

use bitcoin::hashes::sha256;

pub use draft::SubscriptionDraft;
pub(in crate::exchange) use issuer::Period;
pub(in crate::exchange) use series::Series;
pub use view::{Due, SubscriptionEnd, SubscriptionId, SubscriptionState, Timing};

use super::fiat::Limit;
use super::payer::Payer;
use super::payment::{Action, Bounds, Payment, Progress};
use super::received::Refused;
use super::schedule::Schedule;
use super::via::{Incoming, PathId};
use super::view::{End, Quote, State};
use crate::builder::check_amount;
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{CurrencyCode, Rate};
use crate::offer::Offer;
use crate::payer_proof::Preimage;
use crate::recurrence::{Recurrence, RecurrenceRequest};
use crate::units::{Msat, UnixTime};
use payer::Cancel;
use plan::{CLOCKS, Plan};
use view::DAY;

/// A subscription: pays a period after the other, each in its window and at most once, within what was authorised
/// (REC-12).
///
/// Like a [`Payment`] it does nothing by itself. [`poll`](Self::poll) says what to do now and when to come back, which
/// may be in a month; it begins each period's payment when it is due, and [`payment`](Self::payment) shows it. Messages
/// go in through [`receive_invoice`](Self::receive_invoice) and [`receive_error`](Self::receive_error). What was
/// authorised needs nobody's decision: when [`state`](Self::state) shows a quote, [`begin`](Self::begin) it,
/// [save](Self::to_bytes) the subscription, pay, and say that it was [paid](Self::paid) or that it
/// [failed](Self::failed).
///
/// A period is paid when it starts; or a day before its pay window closes, if that is sooner, or after half of a window
/// of less than two days. The first payment is made at once.
///
/// Every step is safe to repeat, and the clock may jump. After a crash, [load](Payer::load_subscription) what was saved
/// last: what was being paid is still being paid, and what was due meanwhile is shown as late or missed.
///
/// ```
/// use bolt12::exchange::{Limit, Payer};
/// use bolt12::{ChainHash, MinorUnits, OfferAmount, OfferBuilder, Rate, Recurrence, TimeUnit, UnixTime};
///
/// # let usd = "USD".parse()?;
/// # let issuer_id = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619".parse()?;
/// let offer = OfferBuilder::new(issuer_id)
///     .amount(OfferAmount::Currency { currency: usd, amount: MinorUnits(300) })
///     .description("a podcast")
///     .recurrence(Recurrence::every(1, TimeUnit::Months)?)
///     .build()?;
/// let now = UnixTime(1_800_000_000);
/// let payer = Payer::new([0x42; 32]); // a secret of your own
///
/// let draft = payer.subscribe(&offer, now, &[ChainHash::BITCOIN])?.payments(24);
/// let draft = draft.rate(Rate::per_bitcoin(usd, "100000.00", 2)?).limit(Limit::Tolerance { basis_points: 200 });
/// for due in draft.next_payments(12)? {
///     println!("{}: {:?}", due.due_at, due.amount);
/// }
/// let subscription = draft.start([7; 32], now, UnixTime(now.0 + 600))?; // fresh randomness, and ten minutes
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What the draft leaves open, and what we decided
///
/// - **When in its window a period is paid.** When the period starts, since the issuer could answer no sooner to an
///   offer without pay window but a whole period ahead; a day before the window closes, if that is sooner, or after
///   half of a window that is open for less than two days; and never in its first minute, for clocks that differ. The
///   first payment is made at once.
/// - **A period that was missed.** The issuer accepts no later one, since the one before was not paid (REC-7), so the
///   subscription is over. That follows from the time alone, and is not noted: if it was the clock that was wrong, the
///   subscription goes on when the clock is right again.
/// - **What may pass.** If the issuer refuses, or its invoices expire, the payment is begun again after an hour, then
///   after two, and so on up to a day, while its window lasts: nobody may be looking. Not a first payment that is due
///   at once, since somebody is; nor one whose paying was begun, since it may have been made after all; nor one that
///   was too dear.
/// - **One payer id.** All requests have the same nonce in their metadata, from which the key follows (EXC-3); the MAC
///   beside it is another one for each payment, since it covers the counter. An invoice for another payment of the same
///   subscription is refused by its counter.
/// - **One request for each payment**, to the byte, over all paths and each time it is sent: there are issuers that
///   answer once for each counter, with the invoice that they made first. So an amount that the issuer suggests (ERR-2)
///   is not asked for, and a quote that has expired is asked for again with the same request.
/// - **The start of period 0**, where the offer says nothing, is when the first invoice was made. The payer
///   refuses one that was not made about now: an hour or a period before the subscription was begun, whichever is less,
///   is for clocks that differ. Otherwise an issuer could have a year of periods be due at once.
/// - **A first period that has begun** costs the rest of its price (REC-8), and an invoice for more than that is not
///   paid, unless the payer's limit is a fixed amount. An hour is for clocks that differ here, too. As the draft has it,
///   this holds for every period: whoever pays late pays less.
/// - **A price in another currency** is compared with the payer's rate on the day of each payment. If a chosen amount
///   has become too little, the issuer says so.
/// - **Cancelling** is said only of what was begun: before the first payment, and after the last one, there is nothing
///   to cancel. While a payment is on its way, it waits: the counter depends on what becomes of it. The request names a
///   reply path, because there are issuers that drop what has none (MSG-3); what comes over it is not listened to. It
///   is sent once, or over the next path if the first is known to lead nowhere.
/// - **The end of an authorisation** is not told to the issuer. [`cancel`](Self::cancel) does it.
#[derive(Debug)]
#[must_use]
pub struct Subscription {
    payer: Payer,
    id: SubscriptionId,
    plan: Plan,
    /// How many payments were made.
    counter: u32,
    /// When period 0 started, once that is known (REC-9).
    basetime: Option<UnixTime>,
    /// The payment hash of the payment that was made last.
    last_paid: Option<sha256::Hash>,
    /// The payment hashes of its other invoices that were begun, as long as the next payment is there in its place.
    last_begun: Vec<sha256::Hash>,
    /// The payment that was begun last: the next one, or the one before it, which was made.
    payment: Option<Payment>,
    /// How often the next payment was begun before.
    attempt: u32,
    /// From when on a payment that ended is begun again.
    again: Option<UnixTime>,
    /// What may be paid this once.
    consent: Option<Msat>,
    cancel: Cancel,
}

impl Subscription {
    /// Which subscription this is.
    pub fn id(&self) -> SubscriptionId {
        self.id
    }

    /// The offer that is paid for.
    pub fn offer(&self) -> &Offer {
        &self.plan.offer
    }

    /// How the offer recurs.
    pub fn recurrence(&self) -> &Recurrence {
        &self.plan.recurrence
    }

    /// The currency whose rate [`poll`](Self::poll) is to be given.
    pub fn currency(&self) -> Option<CurrencyCode> {
        self.plan.offer.currency()
    }

    /// The limit of each payment: nothing if it is the price in bitcoin, or the amount that was chosen.
    pub fn limit(&self) -> Option<Limit> {
        self.plan.limit
    }

    /// How many payments were made.
    pub fn payments_made(&self) -> u32 {
        self.counter
    }

    /// When period 0 started: known from the offer, or once the first payment was made (REC-9).
    pub fn basetime(&self) -> Option<UnixTime> {
        self.basetime
    }

    /// The payment that was begun last. When it was made it stays, with its [receipt](State::Paid), until the next is
    /// begun: its [bytes](Payment::to_bytes) can be kept for good. Its [id](Payment::id) is another one for each period
    /// and each try: [`is_for`](Self::is_for) finds the subscription that an answer is for.
    pub fn payment(&self) -> Option<&Payment> {
        self.payment.as_ref()
    }

    /// The payments that are to come, at most so many, at the rate that was given last. The first is the one that is
    /// being made, if one is.
    pub fn next_payments(&self, now: UnixTime, count: usize) -> Vec<Due> {
        match self.state(now) {
            SubscriptionState::Ended(_) => Vec::new(),
            _ => self.plan.next_payments(&self.payer, self.counter, self.basetime, now, count),
        }
    }

    fn due(&self, now: UnixTime) -> Result<Due, SubscriptionEnd> {
        self.plan.due(&self.payer, self.counter, self.basetime, now)
    }

    /// Where things stand.
    pub fn state(&self, now: UnixTime) -> SubscriptionState<'_> {
        let open = self.open();
        if let Some(payment) = open.filter(|payment| matches!(payment.state(), State::Paying(_))) {
            return SubscriptionState::Open(payment);
        }
        if self.cancel != Cancel::No {
            return SubscriptionState::Ended(SubscriptionEnd::Cancelled);
        }
        let due = match self.due(now) {
            Ok(due) => due,
            Err(end) => return SubscriptionState::Ended(end),
        };
        if now > *due.window.end() {
            let end = if self.counter == 0 { SubscriptionEnd::NotStarted } else { SubscriptionEnd::Missed(due) };
            return SubscriptionState::Ended(end);
        }
        match open.map(|payment| (payment, payment.state())) {
            Some((payment, State::Quoted(_))) => SubscriptionState::Open(payment),
            // A clock that was set back must not make us ask too early.
            Some((payment, State::Asking { .. })) if now >= *due.window.start() => SubscriptionState::Open(payment),
            // It was the clock that ended it, and is right again.
            Some((_, State::Ended(End::Deadline))) => SubscriptionState::Waiting(due),
            Some((_, State::Ended(end))) if self.again.is_none_or(|at| now < at) => {
                SubscriptionState::Stopped(due, end)
            }
            _ => SubscriptionState::Waiting(due),
        }
    }

    /// The payment that was begun and not made.
    fn open(&self) -> Option<&Payment> {
        self.payment.as_ref().filter(|payment| !matches!(payment.state(), State::Paid(_)))
    }

    /// What to do now, at the present rate of the [currency](Self::currency), if the price is in one. Never blocks, and
    /// may be called at any time. While the [state](Self::state) is `Open` and shows a quote, it can be begun.
    ///
    /// Without a rate, the last one is used for what is asked for already.
    ///
    /// # Errors
    ///
    /// `NotConverted` if a payment is due whose limit is a tolerance, and the rate is missing or of another currency,
    /// and what [`InvoiceRequestBuilder::build`](crate::InvoiceRequestBuilder::build) refuses.
    pub fn poll(&mut self, now: UnixTime, rate: Option<Rate>) -> Result<Action, Error> {
        self.take_rate(rate)?;
        let due = match self.state(now) {
            SubscriptionState::Open(payment) if matches!(payment.state(), State::Paying(_)) => {
                return Ok(Action::Nothing);
            }
            SubscriptionState::Ended(SubscriptionEnd::Cancelled) => return self.send_cancel(),
            SubscriptionState::Ended(_) => return Ok(Action::Nothing),
            SubscriptionState::Stopped(due, _) => return Ok(Action::WaitUntil(self.come_again(&due, now))),
            SubscriptionState::Waiting(due) if now < due.due_at => return Ok(Action::WaitUntil(due.due_at)),
            SubscriptionState::Waiting(due) => {
                // What a limit is compared with must be today's.
                let compares = self.consent.is_none() && matches!(self.plan.limit, Some(Limit::Tolerance { .. }));
                if compares && rate.is_none() && self.currency().is_some() && !self.is_asking() {
                    return Err(Error::of(Field::OFFER_AMOUNT, ErrorKind::NotConverted, Rule::Rec12));
                }
                due
            }
            SubscriptionState::Open(_) => match self.due(now) {
                Ok(due) => due,
                Err(_) => return Ok(Action::Nothing),
            },
        };
        let bounds = self.plan.bounds(&self.payer, &due, self.consent, self.priced_at(now))?;
        if !self.is_asking() {
            self.begin_payment(bounds, now);
        }
        let Some(payment) = &mut self.payment else { return Ok(Action::Nothing) };
        // What is too expensive has ended with this, which the state says.
        let _ = payment.rebound(bounds);
        match payment.poll(now)? {
            // It has just ended.
            Action::Nothing => Ok(Action::WaitUntil(self.come_again(&due, now))),
            action => Ok(action),
        }
    }

    /// Whether the next payment was begun, and can go on.
    fn is_asking(&self) -> bool {
        self.open().is_some_and(|payment| matches!(payment.state(), State::Asking { .. } | State::Quoted(_)))
    }

    fn take_rate(&mut self, rate: Option<Rate>) -> Result<(), Error> {
        match (self.currency(), rate) {
            (Some(currency), Some(rate)) if currency != rate.currency() => {
                return Err(Error::of(Field::OFFER_CURRENCY, ErrorKind::NotConverted, Rule::Rec12));
            }
            (Some(_), Some(rate)) => self.plan.choices.rate = Some(rate),
            _ => {}
        }
        Ok(())
    }

    /// The transport says that what was sent with this reply path cannot get there: the next way is tried at once
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

    /// An invoice arrived: see [`Payment::receive_invoice`].
    ///
    /// # Errors
    ///
    /// As there, and `TimeMismatch` if period 0 started at another time (REC-9). An invoice above the limit is no error:
    /// the [state](Self::state) then says that it was too expensive (REC-12).
    pub fn receive_invoice(&mut self, incoming: Incoming, now: UnixTime) -> Result<Progress, Box<Refused>> {
        match &mut self.payment {
            Some(payment) => payment.receive_invoice(incoming, now),
            None => Err(Refused::silent(Error::new(ErrorKind::WrongArrival, Rule::Ivr13))),
        }
    }

    /// An invoice error arrived: see [`Payment::receive_error`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn receive_error(&mut self, incoming: Incoming, now: UnixTime) -> Result<Progress, Box<Refused>> {
        match &mut self.payment {
            Some(payment) => payment.receive_error(incoming, now),
            None => Err(Refused::silent(Error::new(ErrorKind::WrongArrival, Rule::Exc6))),
        }
    }

    /// Begins to pay what was quoted. It was authorised, so nobody has to be asked. [Save](Self::to_bytes) the
    /// subscription now, and only then pay ([`State::Paying`]).
    ///
    /// The quote is compared once more with what is authorised now. If that is less than it was, or the rate has
    /// fallen, the payment ends as [too expensive](End::TooExpensive).
    ///
    /// # Errors
    ///
    /// As for [`Payment::begin`]; `NotNow` also if the [state](Self::state) is not `Open`, and `AmountTooHigh` (REC-12).
    pub fn begin(&mut self, now: UnixTime) -> Result<(), Error> {
        let Some(payment_hash) = self.quoted().map(|quote| quote.payment_hash()) else { return Err(not_now()) };
        let (SubscriptionState::Open(_), Ok(due)) = (self.state(now), self.due(now)) else { return Err(not_now()) };
        let bounds = self.plan.bounds(&self.payer, &due, self.consent, self.priced_at(now))?;
        let Some(payment) = &mut self.payment else { return Err(not_now()) };
        payment.begin_within(bounds, payment_hash, now)
    }

    fn quoted(&self) -> Option<Quote<'_>> {
        match self.payment.as_ref()?.state() {
            State::Quoted(quote) => Some(quote),
            _ => None,
        }
    }

    /// When a payment costs what it may cost at most: when its invoice was made, since less is left of its period later
    /// (REC-8); or now, as long as there is none.
    fn priced_at(&self, now: UnixTime) -> UnixTime {
        self.quoted().map_or(now, |quote| quote.invoice().created_at().min(now))
    }

    /// The payment was made: see [`Payment::paid`]. The next one is due in the next period. Saying it once more does no
    /// harm, also after the next one was begun.
    ///
    /// # Errors
    ///
    /// As there; `AlreadyAnswered` also after the next one was begun.
    pub fn paid(&mut self, preimage: Preimage) -> Result<(), Error> {
        let Some(payment) = &mut self.payment else { return Err(not_now()) };
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
        let Some(payment) = &mut self.payment else { return Err(not_now()) };
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
    /// As for [`start`](SubscriptionDraft::start), if the limit cannot be computed; `NotConverted` for a tolerance, if
    /// no rate was ever given.
    pub fn set_limit(&mut self, limit: Limit) -> Result<(), Error> {
        self.plan.draft(&self.payer).limit(limit).ceiling()?;
        self.plan.limit = Some(limit);
        self.try_at_this_price();
        Ok(())
    }

    /// What was too dear may be no more. Whatever else ended a payment has nothing to do with it.
    fn try_at_this_price(&mut self) {
        let was_too_dear = |payment: &Payment| matches!(payment.state(), State::Ended(End::TooExpensive { .. }));
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

    /// When there is something to do about a payment that has stopped.
    fn come_again(&mut self, due: &Due, now: UnixTime) -> UnixTime {
        let until = *due.window.end();
        let may_pass = self.open().is_some_and(|payment| {
            // What was begun may have been paid after all.
            matches!(payment.state(), State::Ended(End::Refused(_) | End::QuoteExpired)) && payment.begun().count() == 0
        });
        // Whoever subscribes is there when it begins at once.
        let is_watched = due.counter == 0 && due.due_at <= self.plan.since;
        if !may_pass || is_watched {
            return after(until);
        }
        let delay = (FIRST_DELAY << self.attempt.min(5)).min(DAY);
        // More than once, where the window is short.
        let delay = delay.min(until.0.saturating_sub(now.0) / 2).max(CLOCKS);
        let at = UnixTime(now.0.saturating_add(delay));
        // A clock that was set back does not make it later.
        let at = self.again.map_or(at, |before| before.min(at));
        self.again = Some(at);
        at.min(after(until))
    }

    /// Begins the next payment.
    fn begin_payment(&mut self, bounds: Bounds, now: UnixTime) {
        let (paid, before) = match self.payment.take() {
            Some(payment) if matches!(payment.state(), State::Paid(_)) => (Some(payment), None),
            payment => (None, payment),
        };
        if let Some(paid) = paid {
            self.last_begun = paid.begun().filter(|hash| Some(*hash) != self.last_paid).collect();
        }
        if before.is_some() {
            self.attempt = self.attempt.saturating_add(1);
        }
        self.again = None;
        let series = self.series(self.counter, false);
        let id = self.payer.series_payment_id(self.id, self.counter, self.attempt);
        let (asked, schedule) = (plan::boxed(self.plan.asked(series)), Schedule::new(self.plan.retry, now));
        let mut payment = Payment::new(self.payer.clone(), id, asked, bounds, schedule);
        if let Some(before) = before {
            payment.replace(before);
        }
        self.payment = Some(payment);
    }

    fn series(&self, counter: u32, cancel: bool) -> Series {
        Series {
            nonce: self.payer.series_nonce(self.id),
            request: RecurrenceRequest { counter, start: self.plan.start, cancel },
            basetime: self.basetime,
            since: self.plan.since,
            tolerance: series::clock_tolerance(&self.plan.recurrence),
        }
    }
}

/// How long after a refusal a payment is begun again for the first time, in seconds.
const FIRST_DELAY: u64 = 3_600;

/// The second after.
fn after(time: UnixTime) -> UnixTime {
    UnixTime(time.0.saturating_add(1))
}

fn not_now() -> Error {
    Error::new(ErrorKind::NotNow, Rule::Exc4)
}
