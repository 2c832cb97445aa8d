//! Subscriptions: one authorisation, and a payment in every period.
//!
//! This file holds what a subscription is and shows; the files below it hold what changes it.

use alloc::boxed::Box;
use alloc::vec::Vec;

use bitcoin::hashes::sha256;
use secp256k1::schnorr;

use crate::error::{Error, ErrorKind, Rule, Stage};
use crate::exchange::end::EndReason;
use crate::exchange::ids::{PaymentId, SubscriptionId};
use crate::exchange::message::MessageArrival;
use crate::exchange::payer::keys::Payer;
use crate::exchange::payer::limit::Limit;
use crate::exchange::payer::payment::Payment;
use crate::exchange::payer::quote::Quote;
use crate::exchange::payer::series::clock_tolerance;
use crate::exchange::payer::state::State;
use crate::exchange::payer::subscription::due::Due;
use crate::exchange::payer::subscription::pace::Pace;
use crate::exchange::payer::subscription::plan::Plan;
use crate::exchange::payer::subscription::state::{SubscriptionEnd, SubscriptionState};
use crate::exchange::recurring::Series;
use crate::exchange::secret::{Nonce, Token};
use crate::field::CurrencyCode;
use crate::offer::Offer;
use crate::recurrence::{Recurrence, RecurrenceRequest};
use crate::units::{Msat, UnixTime};

mod cancel;
mod decisions;
pub(crate) mod draft;
pub(crate) mod due;
pub(crate) mod pace;
mod plan;
mod requests;
mod saved;
mod signing;
mod start;
pub(crate) mod state;

/// Whether a subscription goes on, and else over which way that is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancel {
    No,
    Wanted(u8),
    Sent(u8),
}

/// A subscription: pays a period after the other, each in its window and at most once, within what was authorised
/// (REC-12).
///
/// Like a [`Payment`] it does nothing by itself. [`poll`](Self::poll) says what to do now and when to come back, which
/// may be in a month; it begins each period's payment when it is due, and [`payment`](Self::payment) shows it. Messages
/// go in through [`receive`](Self::receive). What was
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
/// let draft = draft.rate(Rate::per_bitcoin(usd, "100000.00")?).limit(Limit::Tolerance { basis_points: 200 });
/// for due in draft.next_payments(12)? {
///     println!("{}: {:?}", due.due_at, due.amount);
/// }
/// let subscription = draft.start([7; 32], now, UnixTime(now.0 + 600))?; // fresh randomness, and ten minutes
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What the draft leaves open, and what we decided, is [a page of the guide](crate::guide::decisions#subscriptions).
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
    /// How fast it may go.
    pace: Pace,
    cancel: Cancel,
    /// That of the cancellation, if it is made elsewhere.
    cancel_signature: Option<Box<schnorr::Signature>>,
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

    /// What the delay of a payment is drawn with, which nobody else knows.
    pub(crate) fn delays(&self, counter: u32) -> u64 {
        u64::from_be_bytes(self.payer.subscriptions().short(&[&[3], &self.id.0, &counter.to_be_bytes()]))
    }

    /// The current state.
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
        // Whether it was made since the backup is not known (EXC-13).
        if self.pace.restored {
            return SubscriptionState::Stopped(due, &EndReason::Restored);
        }
        match open.map(|payment| (payment, payment.state())) {
            Some((payment, State::Quoted(_) | State::NeedsApproval { .. })) => SubscriptionState::Open(payment),
            // A clock that was set back must not make us ask too early.
            Some((payment, State::Asking { .. })) if now >= *due.window.start() => SubscriptionState::Open(payment),
            Some((_, State::Ended(end))) if self.again.is_none_or(|at| now < at) => {
                SubscriptionState::Stopped(due, end)
            }
            _ => match self.pace.overdue_until(&due, now).filter(|_| now >= due.due_at) {
                Some(from) => SubscriptionState::Overdue { due, from },
                None => SubscriptionState::Waiting(due),
            },
        }
    }

    /// The payment that was begun and not made.
    fn open(&self) -> Option<&Payment> {
        self.payment.as_ref().filter(|payment| !matches!(payment.state(), State::Paid(_)))
    }

    fn quoted(&self) -> Option<Quote<'_>> {
        match self.payment.as_ref()?.state() {
            State::Quoted(quote) | State::NeedsApproval { quote, .. } => Some(quote),
            _ => None,
        }
    }

    /// An error for a step that cannot be taken now.
    pub(crate) fn wrong_state(&self) -> Error {
        let not_open = Error::new(ErrorKind::WrongState { stage: Stage::NotOpen }, Rule::Exc4);
        self.open().map_or(not_open, Payment::wrong_state)
    }

    fn series(&self, counter: u32, cancel: bool) -> Series {
        Series {
            nonce: Some(self.payer.series_nonce(self.id)),
            request: RecurrenceRequest { counter, start: self.plan.start, cancel },
            basetime: self.basetime,
            since: self.plan.since,
            tolerance: clock_tolerance(&self.plan.recurrence),
        }
    }

    /// Whether an answer that came this way is for this subscription (IVR-13). Costs a MAC.
    pub fn is_for(&self, arrival: &MessageArrival) -> bool {
        self.payer.payment_of(arrival).is_some_and(|id| self.asks_as(id))
    }

    /// Whether answers for this payment are for this subscription.
    pub(crate) fn asks_as(&self, id: PaymentId) -> bool {
        let is_payment = self.payment.as_ref().is_some_and(|payment| payment.id() == id);
        is_payment || (self.is_cancelled() && id.0 == self.token(CANCELS, 0).id)
    }

    /// The payment ids whose answers are for this subscription: of its payment, and of its cancellation.
    pub(crate) fn reply_ids(&self) -> [Option<PaymentId>; 2] {
        let cancellation = self.is_cancelled().then(|| PaymentId(self.token(CANCELS, 0).id));
        [self.payment.as_ref().map(Payment::id), cancellation]
    }

    /// The payment hashes of the payment that was made last, once the next one is there in its place.
    pub(crate) fn last_hashes(&self) -> impl Iterator<Item = sha256::Hash> + '_ {
        let is_replaced = self.payment.as_ref().is_some_and(|payment| !matches!(payment.state(), State::Paid(_)));
        self.last_paid.iter().chain(&self.last_begun).filter(move |_| is_replaced).copied()
    }

    fn token(&self, attempt: u32, position: u8) -> Token {
        let PaymentId(id) = self.payer.series_payment_id(self.id, self.counter, attempt);
        Token { id, generation: 0, position }
    }

    /// Whether the subscription was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancel != Cancel::No
    }
}

impl Payer {
    /// RQW-6: unpredictable for everybody else.
    pub(crate) fn series_nonce(&self, id: SubscriptionId) -> Nonce {
        self.subscriptions().short(&[&[1], &id.0])
    }

    pub(crate) fn series_payment_id(&self, id: SubscriptionId, counter: u32, attempt: u32) -> PaymentId {
        let parts: [&[u8]; 4] = [&[2], &id.0, &counter.to_be_bytes(), &attempt.to_be_bytes()];
        PaymentId(self.subscriptions().short(&parts))
    }
}

/// The attempt that stands for a cancellation in the derivation of ids.
pub(crate) const CANCELS: u32 = u32::MAX;
