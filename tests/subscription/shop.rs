//! An issuer that remembers what it must of its subscribers, and a customer's way to it and back.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use bolt12::bitcoin::hashes::sha256;
use bolt12::exchange::{
    Action, IncomingMessage, MaxAmount, OffersMessage, OutgoingMessage, Payee, Payer, Progress, ReceivedRequest,
    Refused, State, Subscription, SubscriptionDraft, SubscriptionState, Terms,
};
use bolt12::{
    CurrencyCode, Error, ErrorKind, Invoice, InvoiceRequest, MinorUnits, Msat, Offer, OfferAmount, OfferBuilder,
    PaidPeriod, Preimage, Rate, Recurrence, RecurrenceBase, RecurrenceContext, RecurrenceRequest, SubscriptionKey,
    TimeUnit, UnixTime,
};

use super::messages::{NOW, path, payinfo};
use super::sides::{CHAINS, deliver, own_offer};

pub(crate) const DAY: u64 = 86_400;
/// The first of March 2026, a Sunday.
pub(crate) const MARCH: UnixTime = UnixTime(1_772_323_200);
pub(crate) const PRICE: Msat = Msat(3_000_000);
pub(crate) const ENTROPY: [u8; 32] = [3; 32];
pub(crate) const PAYER: [u8; 32] = [2; 32];

/// What an issuer knows of a subscription that nobody began.
pub(crate) const NOTHING: RecurrenceContext = RecurrenceContext { previous: None, is_paid: false, is_cancelled: false };

pub(crate) fn payer() -> Payer {
    Payer::new(PAYER)
}

pub(crate) fn at(seconds: u64) -> UnixTime {
    UnixTime(seconds)
}

/// A point in time, so many seconds after [`NOW`].
pub(crate) fn later(seconds: u64) -> UnixTime {
    UnixTime(NOW.0 + seconds)
}

pub(crate) fn every(period: u32, unit: TimeUnit) -> Recurrence {
    Recurrence::every(period, unit).unwrap()
}

pub(crate) fn monthly() -> Recurrence {
    every(1, TimeUnit::Months)
}

pub(crate) fn daily() -> Recurrence {
    every(1, TimeUnit::Days)
}

pub(crate) fn based(recurrence: Recurrence, basetime: UnixTime, proportional_amount: bool) -> Recurrence {
    Recurrence { base: Some(RecurrenceBase { proportional_amount, basetime }), ..recurrence }
}

pub(crate) fn limited(recurrence: Recurrence, last: u32) -> Recurrence {
    Recurrence { limit: NonZeroU32::new(last), ..recurrence }
}

pub(crate) fn usd() -> CurrencyCode {
    "USD".parse().unwrap()
}

/// What a bitcoin is worth, in dollars.
pub(crate) fn dollars(worth: u64) -> Rate {
    Rate::new(usd(), MinorUnits(worth * 100), Msat(100_000_000_000)).unwrap()
}

/// What the shop has been paid, and by whom.
#[derive(Clone, Debug)]
pub(crate) struct Bill {
    pub(crate) key: SubscriptionKey,
    pub(crate) request: RecurrenceRequest,
    pub(crate) amount: Msat,
    pub(crate) period: PaidPeriod,
    pub(crate) preimage: Preimage,
}

#[derive(Clone, Debug)]
pub(crate) struct Shop {
    pub(crate) issuer: Payee,
    pub(crate) offer: Offer,
    pub(crate) rate: Option<Rate>,
    /// What was invoiced.
    pub(crate) bills: BTreeMap<sha256::Hash, Bill>,
    /// What was paid, by subscription and counter.
    pub(crate) paid: BTreeMap<(SubscriptionKey, u32), PaidPeriod>,
    pub(crate) cancelled: BTreeSet<SubscriptionKey>,
    pub(crate) requests: Vec<InvoiceRequest>,
}

impl Shop {
    pub(crate) fn new(recurrence: Recurrence) -> Self {
        Self::with(recurrence, |offer| offer.description("a podcast").amount_msat(PRICE))
    }

    /// With one path, where it matters how many there are.
    pub(crate) fn with_one_path(recurrence: Recurrence) -> Self {
        Self::with_paths(1, recurrence, |offer| offer.description("a podcast").amount_msat(PRICE))
    }

    pub(crate) fn in_dollars(recurrence: Recurrence, cents: u64, rate: Rate) -> Self {
        let amount = OfferAmount::Currency { currency: usd(), amount: MinorUnits(cents) };
        Self { rate: Some(rate), ..Self::with(recurrence, |offer| offer.description("a podcast").amount(amount)) }
    }

    pub(crate) fn with(recurrence: Recurrence, fill: impl FnOnce(OfferBuilder) -> OfferBuilder) -> Self {
        Self::with_paths(2, recurrence, fill)
    }

    pub(crate) fn with_paths(
        paths: u8,
        recurrence: Recurrence,
        fill: impl FnOnce(OfferBuilder) -> OfferBuilder,
    ) -> Self {
        let issuer = Payee::new([1; 32]);
        let offer = own_offer(&issuer, paths, |offer| fill(offer).recurrence(recurrence));
        let (bills, paid, cancelled, requests) = Default::default();
        Self { issuer, offer, rate: None, bills, paid, cancelled, requests }
    }

    pub(crate) fn subscribe(&self, now: UnixTime) -> SubscriptionDraft {
        payer().subscribe(&self.offer, now, CHAINS).unwrap()
    }

    /// A subscription with a day for the first payment.
    pub(crate) fn start(&self, now: UnixTime) -> Subscription {
        self.subscribe(now).start(ENTROPY, now, UnixTime(now.0 + DAY)).unwrap()
    }

    pub(crate) fn context(&self, received: &ReceivedRequest) -> RecurrenceContext {
        let key = received.subscription_key();
        let paid = |counter: Option<u32>| self.paid.get(&(key?, counter?)).copied();
        let counter = received.recurrence().map(|request| request.counter);
        RecurrenceContext {
            previous: paid(counter.and_then(|counter| counter.checked_sub(1))),
            is_paid: paid(counter).is_some(),
            is_cancelled: key.is_some_and(|key| self.cancelled.contains(&key)),
        }
    }

    pub(crate) fn terms(&self, now: UnixTime) -> Terms<'static> {
        Terms { rate: self.rate, max_amount: MaxAmount::TimesPrice(20), ..Terms::new(now, CHAINS) }
    }

    /// What a merchant does with a request. Nothing is sent for one that cancels (REC-11).
    pub(crate) fn answer(
        &mut self,
        incoming: IncomingMessage,
        now: UnixTime,
    ) -> Result<Option<OutgoingMessage>, Box<Refused>> {
        let received = self.issuer.receive(incoming)?;
        let received = self.issuer.load_received(&received.to_bytes()).unwrap();
        self.requests.push(received.request().clone());
        let key = received.subscription_key().expect("a request of a subscription");
        let context = self.context(&received);
        if received.cancels() {
            // What was never begun needs no note.
            if context.previous.is_some() {
                self.cancelled.insert(key);
            }
            return Ok(None);
        }
        let request = received.recurrence().unwrap();
        let accepted = received.accept_recurring(&self.terms(now), &context)?;
        let bytes = accepted.to_bytes();
        let accepted = self.issuer.load_accepted(&bytes).unwrap();
        assert_eq!(accepted.to_bytes(), bytes);
        let expected = accepted.expected_payment();
        let invoice = accepted.invoice(expected.payment_hash()).add_path(path(2), &payinfo()).build().unwrap();
        let invoice = accepted.sign(invoice).unwrap();
        assert_eq!(invoice.expires_at(), expected.expires_at, "REC-10");
        let bill = Bill {
            key,
            request,
            amount: accepted.amount(),
            period: accepted.paid_period().unwrap(),
            preimage: expected.preimage,
        };
        self.bills.insert(expected.payment_hash(), bill);
        Ok(Some(accepted.answer(invoice).unwrap()))
    }

    /// The money arrives.
    pub(crate) fn is_paid(&mut self, payment_hash: sha256::Hash) -> Preimage {
        let bill = &self.bills[&payment_hash];
        self.paid.insert((bill.key, bill.request.counter), bill.period);
        bill.preimage
    }
}

pub(crate) fn request(outgoing: &OutgoingMessage) -> &InvoiceRequest {
    match &outgoing.message {
        OffersMessage::InvoiceRequest(request) => request,
        other => panic!("no request: {other:?}"),
    }
}

/// What is asked for now.
#[track_caller]
pub(crate) fn asks(subscription: &mut Subscription, now: UnixTime, rate: Option<Rate>) -> OutgoingMessage {
    match subscription.poll(now, rate).unwrap() {
        Action::Send(outgoing) => *outgoing,
        other => panic!("nothing is asked for: {other:?}, {:?}", subscription.state(now)),
    }
}

/// Asks, and is answered with an invoice.
#[track_caller]
pub(crate) fn invoiced(subscription: &mut Subscription, shop: &mut Shop, now: UnixTime) -> IncomingMessage {
    let asked = asks(subscription, now, shop.rate);
    deliver(&shop.answer(deliver(&asked, 0x70), now).unwrap().unwrap(), 0x60)
}

/// Asks, and has a quote.
#[track_caller]
pub(crate) fn quoted(subscription: &mut Subscription, shop: &mut Shop, now: UnixTime) -> Msat {
    let answer = invoiced(subscription, shop, now);
    assert_eq!(subscription.receive(answer, now).unwrap(), Progress::Quoted);
    let State::Quoted(quote) = subscription.payment().unwrap().state() else { panic!() };
    quote.amount()
}

/// Pays one period, and comes back from the disk after each step.
#[track_caller]
pub(crate) fn pay(subscription: &mut Subscription, shop: &mut Shop, now: UnixTime) -> Invoice {
    quoted(subscription, shop, now);
    subscription.begin(now, None).unwrap();
    *subscription = reload(subscription);
    let State::Paying(payable) = subscription.payment().unwrap().state() else { panic!() };
    let invoice = payable.invoice().clone();
    assert_eq!(subscription.poll(now, None).unwrap(), Action::Nothing);
    let preimage = shop.is_paid(invoice.payment_hash());
    subscription.paid(preimage).unwrap();
    subscription.paid(preimage).unwrap();
    *subscription = reload(subscription);
    invoice
}

/// Off and on again.
#[track_caller]
pub(crate) fn reload(subscription: &Subscription) -> Subscription {
    let bytes = subscription.to_bytes();
    let again = payer().load_subscription(&bytes).unwrap();
    assert_eq!(again.to_bytes(), bytes);
    for now in [at(0), NOW, at(u64::MAX)] {
        assert_eq!(format!("{:?}", again.state(now)), format!("{:?}", subscription.state(now)));
    }
    again
}

/// What is being paid has failed.
#[track_caller]
pub(crate) fn fails(subscription: &mut Subscription) {
    let State::Paying(paying) = subscription.payment().unwrap().state() else { panic!() };
    let attempt = paying.attempt();
    subscription.failed(attempt).unwrap();
}

/// Whoever owns the money allows so much for the next payment.
pub(crate) fn allow_once(subscription: &mut Subscription, max: Msat) -> Result<(), Error> {
    subscription.allow_once(subscription.payments_made(), max)
}

/// When the next payment will be asked for.
#[track_caller]
pub(crate) fn waits(subscription: &mut Subscription, now: UnixTime) -> UnixTime {
    match subscription.poll(now, None).unwrap() {
        Action::WaitUntil(time) => time,
        other => panic!("{other:?}, {:?}", subscription.state(now)),
    }
}

#[track_caller]
pub(crate) fn ended(subscription: &mut Subscription, now: UnixTime) -> bolt12::exchange::SubscriptionEnd {
    assert_eq!(subscription.poll(now, None).unwrap(), Action::Nothing);
    match subscription.state(now) {
        SubscriptionState::Ended(end) => end,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_refused<T: std::fmt::Debug>(result: Result<T, Box<Refused>>, kind: ErrorKind) -> Box<Refused> {
    let refused = result.unwrap_err();
    assert_eq!(refused.error().kind(), &kind);
    refused
}
