//! Subscribes to a podcast at 3 dollars a month. A year of it takes a second:
//!
//! ```sh
//! cargo run --features recurrence --example subscription
//! ```
//!
//! Bob's phone is off now and then. The podcast's shop keeps a list of the periods that were paid. The dollar moves,
//! and once it moves too far.

#[path = "stand_in/mod.rs"]
mod stand_in;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use bolt12::bitcoin::hashes::sha256;
use bolt12::exchange::{
    Action, Due, IncomingMessage, Limit, OutgoingMessage, Payee, Payer, Progress, State, Subscription,
    SubscriptionState, Terms, Timing,
};
use bolt12::{
    ChainHash, MinorUnits, Msat, Offer, OfferAmount, OfferBuilder, PaidPeriod, PayInfo, Preimage, Rate, Recurrence,
    RecurrenceBase, RecurrenceContext, SubscriptionKey, TimeUnit, UnixTime,
};
use stand_in::{deliver, path_to};

const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];
const DAY: u64 = 86_400;
/// 1 March 2026, when the podcast began.
const MARCH: UnixTime = UnixTime(1_772_323_200);

/// What a bitcoin is worth in dollars each month, and for how many days Bob's phone is off when a payment is due.
const YEAR: [(&str, u64); 12] = [
    ("91250.00", 0),
    ("94100.00", 0),
    ("98820.00", 0),
    ("103400.00", 0),
    ("97065.00", 9),
    ("88930.00", 0),
    ("61200.00", 0),
    ("79990.00", 0),
    ("86510.00", 2),
    ("92777.00", 0),
    ("99350.00", 0),
    ("104008.00", 0),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut shop = Shop::new(rate(YEAR[0].0)?)?;
    println!("The podcast's offer:\n{}\n", shop.offer.wrapped(98)?);

    // Bob subscribes on the 11th. A third of March has passed, and he pays for the rest.
    let mut now = UnixTime(MARCH.0 + 10 * DAY);
    let payer = Payer::new([0x42; 32]); // a secret of his own
    let cap = Limit::AtMost(Msat(4_000_000));
    let draft = payer.subscribe(&shop.offer, now, CHAINS)?.payments(12).rate(shop.rate).limit(cap);
    println!("Bob agrees to 12 payments of at most 4,000 sat. At today's rate, they will be:");
    for due in draft.next_payments(3)? {
        println!("  on {}: {}", date(due.due_at), amount(due.amount));
    }
    println!("  and so on.\n");
    let mut bob = draft.start([7; 32], now, UnixTime(now.0 + 600))?; // new randomness, and ten minutes

    println!("payment | for the month from | asked on   | a bitcoin is worth |     it costs | result");
    println!(
        "--------|--------------------|------------|--------------------|--------------|-------------------------"
    );
    for (worth, days_off) in YEAR {
        shop.rate = rate(worth)?;
        let SubscriptionState::Waiting(due) = bob.state(now) else { return Err("nothing is due".into()) };
        now = UnixTime(due.due_at.max(now).0 + days_off * DAY);
        // The phone was off: only the saved state is left.
        bob = payer.load_subscription(&bob.to_bytes())?;
        let line = |now, cost: Msat, what: &str| {
            let (number, worth) = (due.counter + 1, format!("{worth} USD"));
            let (from, on, cost) =
                (date(due.period.start), date(now), format!("{}.{:03} sat", cost.0 / 1000, cost.0 % 1000));
            println!("{number:7} | {from:<18} | {on} | {worth:>18} | {cost:>12} | {what}");
        };
        if let Err(too_much) = ask(&mut bob, &mut shop, now)? {
            line(now, too_much, "too much: not paid until Bob agrees");
            now = UnixTime(now.0 + 2 * DAY);
            bob.allow_once(due.counter, Msat(too_much.0 * 11 / 10))?;
            ask(&mut bob, &mut shop, now)?.map_err(|_| "too much again")?;
        }
        let invoice = pay(&mut bob, &mut shop, now, &payer)?;
        line(now, invoice, &what_of(&due, now, invoice));
    }

    println!("\nThe shop was paid {} times, and knows only one key of Bob.", shop.paid.len());
    println!(
        "Next: {}.",
        match bob.state(now) {
            SubscriptionState::Ended(end) => end.to_string(),
            other => format!("{other:?}"),
        }
    );
    bob.cancel();
    if let Action::Send(said) = bob.poll(now, None)? {
        shop.receive(deliver(&said, "Bob"), now)?;
    }
    println!(
        "He tells the shop that he has cancelled, which it {}.",
        if shop.cancelled.is_empty() { "missed" } else { "notes" }
    );
    Ok(())
}

/// The result that the table shows for a payment.
fn what_of(due: &Due, now: UnixTime, paid: Msat) -> String {
    let days = due.period.end.0.saturating_sub(now.0) / DAY;
    let left = if now > due.period.start { format!(" for the {days} days that are left") } else { String::new() };
    let why = match due.timing(now) {
        Timing::Late if paid > Msat(4_000_000) => ", since Bob allowed it once",
        Timing::Late => ", late because the phone was off",
        _ => "",
    };
    format!("paid{left}{why}")
}

/// Bob's phone requests an invoice when a payment is due. Returns its amount: `Ok` if that is within what he agreed to.
fn ask(bob: &mut Subscription, shop: &mut Shop, now: UnixTime) -> Result<Result<Msat, Msat>, Box<dyn Error>> {
    let Action::Send(request) = bob.poll(now, Some(shop.rate))? else { return Err("nothing to ask".into()) };
    let answer = shop.receive(deliver(&request, "Bob"), now)?.ok_or("no answer")?;
    match (bob.receive(deliver(&answer, "shop"), now)?, bob.state(now)) {
        (Progress::Quoted, SubscriptionState::Open(payment)) => match payment.state() {
            State::Quoted(quote) => Ok(Ok(quote.amount())),
            other => Err(format!("{other:?}").into()),
        },
        (Progress::NeedsApproval, SubscriptionState::Open(payment)) => match payment.state() {
            State::NeedsApproval { quote, .. } => Ok(Err(quote.amount())),
            other => Err(format!("{other:?}").into()),
        },
        (_, other) => Err(format!("{other:?}").into()),
    }
}

/// Pays the quote. Bob has already agreed to it.
fn pay(bob: &mut Subscription, shop: &mut Shop, now: UnixTime, payer: &Payer) -> Result<Msat, Box<dyn Error>> {
    bob.begin(now, Some(shop.rate))?;
    // Save first, then pay: if the phone dies now, it knows that the payment may be in flight.
    *bob = payer.load_subscription(&bob.to_bytes())?;
    let Some(State::Paying(payable)) = bob.payment().map(|payment| payment.state()) else { return Err("lost".into()) };
    let (amount, hash) = (payable.amount(), payable.payment_hash());
    bob.paid(shop.is_paid(&hash).ok_or("an unknown invoice")?)?;
    Ok(amount)
}

/// The podcast's shop. For each invoice it remembers what it needs when the payment arrives.
struct Shop {
    issuer: Payee,
    offer: Offer,
    rate: Rate,
    invoiced: BTreeMap<sha256::Hash, (SubscriptionKey, u32, PaidPeriod, Preimage)>,
    paid: BTreeMap<(SubscriptionKey, u32), PaidPeriod>,
    cancelled: BTreeSet<SubscriptionKey>,
}

impl Shop {
    fn new(rate: Rate) -> Result<Self, bolt12::Error> {
        let issuer = Payee::new([0x17; 32]); // a secret of its own
        let new = issuer.new_offer([0x07; 16]);
        let price = OfferAmount::Currency { currency: rate.currency(), amount: MinorUnits(300) };
        let base = RecurrenceBase { basetime: MARCH, proportional_amount: true };
        let offer = OfferBuilder::new(new.issuer_id())
            .amount(price)
            .description("The Half-Life of News, every Friday")
            .recurrence(Recurrence { base: Some(base), ..Recurrence::every(1, TimeUnit::Months)? });
        let offer = new.build(offer.add_path(path_to("shop", new.path_id(0))))?;
        let (invoiced, paid, cancelled) = Default::default();
        Ok(Self { issuer, offer, rate, invoiced, paid, cancelled })
    }

    fn receive(&mut self, request: IncomingMessage, now: UnixTime) -> Result<Option<OutgoingMessage>, Box<dyn Error>> {
        let received = self.issuer.receive(request)?; // for our own offer, and signed by the subscriber
        let key = received.subscription_key().ok_or("a single payment")?;
        let counter = received.recurrence().ok_or("a single payment")?.counter;
        let previous = counter.checked_sub(1).and_then(|before| self.paid.get(&(key, before)).copied());
        if received.cancels() {
            if previous.is_some() {
                self.cancelled.insert(key); // nothing is stored for somebody who never paid
            }
            return Ok(None);
        }
        let (is_paid, is_cancelled) = (self.paid.contains_key(&(key, counter)), self.cancelled.contains(&key));
        let context = RecurrenceContext { previous, is_paid, is_cancelled };
        let terms = Terms { rate: Some(self.rate), ..Terms::new(now, CHAINS) };
        let accepted = received.accept_recurring(&terms, &context)?; // in its window, after the one before

        let expected = accepted.expected_payment();
        let period = accepted.paid_period().ok_or("a single payment")?;
        self.invoiced.insert(expected.payment_hash(), (key, counter, period, expected.preimage));
        let payinfo = PayInfo::new(1_000, 100, 144, 1, 100_000_000);
        let invoice = accepted.invoice(expected.payment_hash());
        let invoice = accepted.sign(invoice.add_path(path_to("shop", &expected.path_id), &payinfo).build()?)?;
        Ok(Some(accepted.answer(invoice)?))
    }

    /// The payment arrives. Only now the period counts as paid.
    fn is_paid(&mut self, hash: &sha256::Hash) -> Option<Preimage> {
        let (key, counter, period, preimage) = self.invoiced.remove(hash)?;
        self.paid.insert((key, counter), period);
        Some(preimage)
    }
}

/// The rate as exchanges quote it: the price of one bitcoin in dollars, which have two decimal digits.
fn rate(dollars_per_bitcoin: &str) -> Result<Rate, bolt12::Error> {
    Rate::per_bitcoin("USD".parse()?, dollars_per_bitcoin)
}

fn amount(msat: Option<Msat>) -> String {
    msat.map_or("?".into(), |msat| msat.to_string())
}

fn date(UnixTime(seconds): UnixTime) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    time.map_or("never".into(), |time| time.strftime("%Y-%m-%d").to_string())
}
