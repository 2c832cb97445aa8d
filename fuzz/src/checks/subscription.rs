//! Target `subscription`: bytes as the saved state of a subscription, as they are, and with the right MAC behind them.
//!
//! What is read is what was written, and whatever it says, no step that follows panics, asks at the wrong time, or pays
//! more than it may or the same twice. The MAC keeps other people from ever getting that far; older software and
//! mistakes of our own might.

use std::collections::{BTreeSet, HashSet};
use std::sync::OnceLock;

use bolt12::bitcoin::hashes::{Hash, HashEngine, hmac, sha256};
use bolt12::exchange::{
    Accepted, Action, Attempt, Destination, IncomingMessage, Limit, MessageArrival, OffersMessage, OffersMessageKind,
    OutgoingMessage, PathId, Payee, Payer, State, Subscription, SubscriptionEnd, SubscriptionState, Terms,
};
use bolt12::{
    BlindedPath, ChainHash, Error, Features, InvoiceError, MinorUnits, Msat, Offer, OfferAmount, OfferBuilder,
    PaidPeriod, PayInfo, PayWindow, Preimage, Quantity, Rate, Recurrence, RecurrenceBase, RecurrenceContext, TimeUnit,
    UnixTime,
};

use super::{errors, keys};

const NOW: UnixTime = UnixTime(1_800_000_000);
const DAY: u64 = 86_400;
const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];
const SECRET: [u8; 32] = [2; 32];

fn payer() -> &'static Payer {
    static PAYER: OnceLock<Payer> = OnceLock::new();
    PAYER.get_or_init(|| Payer::new(SECRET))
}

fn issuer() -> &'static Payee {
    static ISSUER: OnceLock<Payee> = OnceLock::new();
    ISSUER.get_or_init(|| Payee::new([1; 32]))
}

/// A path that holds a path id.
fn path(path_id: PathId) -> BlindedPath<'static> {
    let keys = keys::public();
    let hops = [(keys[2], &b"next"[..]), (keys[3], &path_id.0[..])];
    BlindedPath::new(keys[2].into(), keys[3], hops).expect("two hops")
}

/// What arrives of a message that is sent.
fn deliver(outgoing: &OutgoingMessage) -> IncomingMessage {
    let arrival = match &outgoing.destination {
        Destination::Node(_) => MessageArrival::Direct,
        Destination::Path(path) => MessageArrival::path(path.hops().last().map(|hop| hop.encrypted_recipient_data)),
    };
    let reply_path = outgoing.reply_path_id.map(path);
    IncomingMessage { kind: outgoing.message.kind(), bytes: outgoing.message.as_bytes().to_vec(), arrival, reply_path }
}

/// What 100,000 dollars buy.
fn rate() -> Rate {
    Rate::new("USD".parse().expect("letters"), MinorUnits(10_000_000), Msat(100_000_000_000)).expect("not for nothing")
}

/// HMAC-SHA256.
fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut engine = hmac::HmacEngine::<sha256::Hash>::new(key);
    engine.input(message);
    hmac::Hmac::from_engine(engine).to_byte_array()
}

/// A state with the MAC that its owner would have made, so that it is not refused for that.
fn sealed(fields: &[u8]) -> Vec<u8> {
    let key = mac(&SECRET, b"bolt12 payer state");
    [fields, &mac(&key, fields)[..16]].concat()
}

/// Bytes as a saved state.
pub fn check(data: &[u8]) {
    for sealed in [data.to_vec(), sealed(data)] {
        match payer().load_subscription(&sealed) {
            Ok(subscription) => {
                assert_eq!(subscription.to_bytes(), sealed);
                assert!(payer().load(&sealed).is_err(), "no state is two things");
                holds(&sealed, &subscription);
            }
            Err(error) => errors::any(&error),
        }
    }
}

fn load(state: &[u8]) -> Subscription {
    payer().load_subscription(state).expect("what was saved can be loaded")
}

/// Off and on again.
fn survives(subscription: &Subscription) -> Subscription {
    let bytes = subscription.to_bytes();
    let again = load(&bytes);
    assert_eq!(again.to_bytes(), bytes);
    again
}

fn holds(saved: &[u8], subscription: &Subscription) {
    let mut times = BTreeSet::from([UnixTime(0), NOW, UnixTime(NOW.0 + DAY + 60), UnixTime(u64::MAX)]);
    for due in subscription.next_payments(NOW, 2) {
        let (from, until) = due.window.into_inner();
        times.extend([from, due.due_at, until, UnixTime(until.0.saturating_add(1))]);
    }
    for now in times {
        shows(subscription, now);
        goes_on(load(saved), now);
        never_pays(saved, now);
        // To load takes longer than any step: nobody loads again what a step left as it was, or looks at it twice.
        let (mut unchanged, mut shown) = (None, HashSet::from([saved.to_vec()]));
        for step in STEPS {
            let mut subscription = unchanged.take().unwrap_or_else(|| load(saved));
            if let Err(error) = step(&mut subscription, now) {
                errors::any(&error);
                assert!(subscription.to_bytes() == saved, "a refusal changed something: {error:?}");
            }
            let bytes = subscription.to_bytes();
            let is_changed = bytes != saved;
            if shown.insert(bytes) {
                shows(&survives(&subscription), now);
            }
            unchanged = (!is_changed).then_some(subscription);
        }
    }
}

/// EXC-13: a backup pays nothing before its owner says so.
fn never_pays(saved: &[u8], now: UnixTime) {
    let mut restored = payer().restore_subscription(saved).expect("what was saved can be loaded");
    shows(&survives(&restored), now);
    match restored.poll(now, Some(rate())) {
        Ok(Action::Send(said)) => {
            let OffersMessage::InvoiceRequest(said) = &said.message else { panic!("{said:?}") };
            assert!(said.recurrence().is_some_and(|recurrence| recurrence.cancel), "a backup asks");
        }
        Ok(_) => {}
        Err(error) => errors::any(&error),
    }
    drop(restored.set_limit(Limit::AtMost(Msat(7_000_000))));
    assert!(restored.begin(now, Some(rate())).is_err(), "a backup pays");
}

/// What is being paid has failed.
fn fails(subscription: &mut Subscription) -> Result<(), Error> {
    let attempt = match subscription.payment().map(|payment| payment.state()) {
        Some(State::Paying(paying)) => paying.attempt(),
        _ => Attempt(1),
    };
    subscription.failed(attempt)
}

type Step = fn(&mut Subscription, UnixTime) -> Result<(), Error>;

/// Every step of its owner's.
const STEPS: [Step; 9] = [
    |subscription, now| subscription.begin(now, None).map(drop),
    |subscription, _| subscription.paid(Preimage([0x33; 32])),
    |subscription, _| fails(subscription),
    |subscription, _| subscription.allow_once(subscription.payments_made(), Msat(5_000_000)),
    |subscription, _| {
        subscription.catch_up();
        Ok(())
    },
    |subscription, _| subscription.set_limit(Limit::AtMost(Msat(7_000_000))),
    |subscription, _| {
        subscription.try_again();
        Ok(())
    },
    |subscription, _| {
        subscription.cancel();
        Ok(())
    },
    |subscription, now| {
        subscription.unreachable(&PathId([7; 32]), now);
        Ok(())
    },
];

/// What is shown is one thing.
fn shows(subscription: &Subscription, now: UnixTime) {
    let dues = subscription.next_payments(now, 4);
    match subscription.state(now) {
        SubscriptionState::Waiting(due) | SubscriptionState::Stopped(due, _) => {
            assert_eq!((dues.first(), due.counter), (Some(&due), subscription.payments_made()));
            assert!(now <= *due.window.end());
        }
        SubscriptionState::Overdue { due, from } => assert!(now < from && dues.first() == Some(&due)),
        SubscriptionState::Open(payment) => assert!(!matches!(payment.state(), State::Paid(_) | State::Ended(_))),
        SubscriptionState::Ended(end) => {
            assert!(dues.is_empty() && !end.to_string().is_empty());
            if let SubscriptionEnd::Missed(due) = end {
                assert!(now > *due.window.end() && due.counter > 0);
            }
        }
    }
    let limit = subscription.recurrence().limit.map_or(u64::MAX, |limit| limit.get().into());
    for (due, next) in dues.iter().zip(dues.iter().skip(1)) {
        assert_eq!((due.counter + 1, due.period_index + 1), (next.counter, next.period_index));
        assert_eq!(due.period.end, next.period.start);
    }
    for due in &dues {
        assert!(due.period.start < due.period.end && due.period_index <= limit);
        // The first is limited by more than its window.
        assert!(due.counter == 0 || due.window.contains(&due.due_at), "{due:?}");
        assert!(due.amount <= due.full_amount);
    }
}

/// Polls, is answered, and pays.
fn goes_on(mut subscription: Subscription, now: UnixTime) {
    let mut twin = survives(&subscription);
    let made = subscription.payments_made();
    let polled = subscription.poll(now, Some(rate()));
    assert_eq!(polled, twin.poll(now, Some(rate())), "one state does two things");
    assert_eq!(subscription.to_bytes(), twin.to_bytes());
    shows(&subscription, now);
    let outgoing = match polled {
        Ok(Action::Send(outgoing)) => *outgoing,
        Ok(Action::WaitUntil(time)) => return assert!(time > now || now.0 == u64::MAX),
        Ok(Action::Sign | Action::Nothing) => return,
        Err(error) => return errors::any(&error),
    };
    let OffersMessage::InvoiceRequest(request) = &outgoing.message else { panic!("no request: {outgoing:?}") };
    let recurrence = request.recurrence().expect("REC-3");
    assert_eq!(recurrence.counter, made, "REC-3");
    let path_id = outgoing.reply_path_id.expect("an answer is wanted, or looks as if");
    let id = payer().payment_of(&MessageArrival::Path(path_id)).expect("an own path");
    if recurrence.cancel {
        // REC-11
        assert!(subscription.is_cancelled() && made > 0);
        assert_eq!(subscription.poll(now, Some(rate())), Ok(Action::Nothing));
        return;
    }
    assert!(!subscription.is_cancelled());
    let payment = subscription.payment().expect("it was begun");
    assert_eq!(payment.id(), id);
    // REC-6
    let due = subscription.next_payments(now, 1).remove(0);
    assert!(due.window.contains(&now), "{due:?} at {now}");
    refuses(survives(&subscription), path_id, now);
    let Some((accepted, preimage)) = accept(&outgoing, &subscription, now) else { return };
    let payinfo = PayInfo {
        fee_base_msat: 1_000,
        fee_proportional_millionths: 10,
        cltv_expiry_delta: 144,
        htlc_minimum_msat: 1,
        htlc_maximum_msat: 2_100_000_000_000_000_000,
        features: Features::new([]).expect("none"),
    };
    let invoice = accepted.invoice(preimage.payment_hash()).add_path(path(PathId([9; 32])), &payinfo).build();
    let Ok(invoice) = invoice.and_then(|invoice| accepted.sign(invoice)) else { return };
    let answer = deliver(&accepted.answer(invoice).expect("its own invoice"));
    if let Err(refused) = subscription.receive(answer.clone(), now) {
        return errors::any(refused.error());
    }
    shows(&survives(&subscription), now);
    let payment = subscription.payment().expect("it is still there");
    let State::Quoted(quote) = payment.state() else { return };
    assert!(quote.amount() <= payment.max_amount(), "REC-12");
    if subscription.begin(now, None).is_err() {
        return;
    }
    assert_eq!(survives(&subscription).poll(now, None), Ok(Action::Nothing), "it is being paid");
    subscription.paid(preimage).expect("the right preimage");
    subscription.paid(preimage).expect("the right preimage");
    assert_eq!(subscription.payments_made(), made.saturating_add(1));
    assert!(!matches!(subscription.state(now), SubscriptionState::Open(_)));
    assert!(survives(&subscription).receive(answer, now).is_err());
}

/// The issuer accepts, if it is its offer, and the payer's clock is right.
fn accept(outgoing: &OutgoingMessage, subscription: &Subscription, now: UnixTime) -> Option<(Accepted, Preimage)> {
    let received = issuer().receive(deliver(outgoing)).ok()?;
    let start = received.recurrence()?.start;
    let previous = match subscription.payments_made() {
        0 => None,
        _ => Some(PaidPeriod { basetime: subscription.basetime()?, start }),
    };
    let context = RecurrenceContext { previous, is_paid: false, is_cancelled: false };
    let terms = Terms { rate: Some(rate()), ..Terms::new(now, CHAINS) };
    let accepted = received.accept_recurring(&terms, &context).ok()?;
    let bytes = accepted.to_bytes();
    assert_eq!(issuer().load_accepted(&bytes).expect("what was saved can be loaded").to_bytes(), bytes);
    let preimage = accepted.expected_payment().preimage;
    Some((accepted, preimage))
}

/// The issuer refuses.
fn refuses(mut subscription: Subscription, path_id: PathId, now: UnixTime) {
    let bytes = InvoiceError::new("no news").expect("a text").into_bytes();
    let told = IncomingMessage {
        kind: OffersMessageKind::InvoiceError,
        bytes,
        arrival: MessageArrival::Path(path_id),
        reply_path: None,
    };
    if let Err(refused) = subscription.receive(told, now) {
        errors::any(refused.error());
    }
    subscription.try_again();
    shows(&survives(&subscription), now);
    drop(subscription.poll(now, Some(rate())));
    subscription.cancel();
    drop(subscription.poll(now, None));
    shows(&survives(&subscription), now);
}

fn offer(at: u8, recurrence: Recurrence) -> Result<Offer, Error> {
    let new = issuer().new_offer([at; 16]);
    let builder = OfferBuilder::new(new.issuer_id()).recurrence(recurrence).description("news");
    let builder = match at {
        0 => builder.amount(OfferAmount::Currency { currency: rate().currency(), amount: MinorUnits(300) }),
        1 => builder.amount_msat(Msat(3_000_000)).absolute_expiry(UnixTime(NOW.0 + DAY / 2)),
        _ => builder.quantity_max(Quantity::Unlimited),
    };
    new.build(builder.add_path(path(new.path_id(0))).add_path(path(new.path_id(1))))
}

/// Named inputs.
pub type Seeds = Vec<(String, Vec<u8>)>;

/// States of subscriptions in all their phases, without their MACs.
///
/// # Errors
///
/// None that is expected.
///
/// # Panics
///
/// If a step cannot be taken.
pub fn seeds() -> Result<Seeds, Box<dyn std::error::Error>> {
    let daily = Recurrence::every(1, TimeUnit::Days)?;
    let base = RecurrenceBase { proportional_amount: true, basetime: UnixTime(NOW.0 - 5 * DAY / 2) };
    let window = PayWindow { seconds_before: 7_200, seconds_after: 50_000 };
    let recurrences = [
        daily,
        Recurrence { base: Some(base), limit: Some(11.try_into()?), ..daily },
        Recurrence { paywindow: Some(window), ..Recurrence::every(1, TimeUnit::Months)? },
    ];
    let mut seeds = Vec::new();
    for (at, recurrence) in recurrences.into_iter().enumerate() {
        let offer = offer(at as u8, recurrence)?;
        let mut now = NOW;
        let draft = payer().subscribe(&offer, now, CHAINS)?;
        let draft = match at {
            0 => draft.rate(rate()).limit(Limit::Tolerance { basis_points: 100 }).payments(12),
            1 => draft.payer_note("thanks").until(UnixTime(NOW.0 + 9 * DAY)),
            _ => draft.amount(Msat(1_234)).quantity(3).custom_field(2_000_000_001, [4, 5, 6]),
        };
        let mut it = draft.start([at as u8; 32], now, UnixTime(NOW.0 + 600))?;
        let mut keep = |name: &str, it: &Subscription| {
            let state = it.to_bytes();
            seeds.push((format!("{at}-{name}"), state[..state.len() - 16].to_vec()));
        };
        keep("new", &it);
        for round in ["first", "second"] {
            let Action::Send(asked) = it.poll(now, Some(rate()))? else { return Err("nothing is sent".into()) };
            keep(&format!("{round}-asking"), &it);
            let (accepted, preimage) = accept(&asked, &it, now).ok_or("not accepted")?;
            let payinfo = PayInfo {
                fee_base_msat: 1,
                fee_proportional_millionths: 1,
                cltv_expiry_delta: 9,
                htlc_minimum_msat: 1,
                htlc_maximum_msat: 9_000_000_000,
                features: Features::new([])?,
            };
            let invoice = accepted.invoice(preimage.payment_hash()).add_path(path(PathId([9; 32])), &payinfo);
            let answer = deliver(&accepted.answer(accepted.sign(invoice.build()?)?)?);
            let _ = it.receive(answer, now)?;
            keep(&format!("{round}-quoted"), &it);
            it.begin(now, None)?;
            keep(&format!("{round}-paying"), &it);
            let mut failed = survives(&it);
            fails(&mut failed)?;
            failed.poll(UnixTime(now.0 + 8_000), Some(rate()))?;
            keep(&format!("{round}-stopped"), &failed);
            failed.allow_once(failed.payments_made(), Msat(4_000_000))?;
            keep(&format!("{round}-again"), &failed);
            it.paid(preimage)?;
            keep(&format!("{round}-paid"), &it);
            let SubscriptionState::Waiting(due) = it.state(now) else { return Err("nothing more".into()) };
            now = due.due_at;
        }
        it.cancel();
        keep("cancelled", &it);
        it.poll(now, None)?;
        keep("said", &it);
    }
    Ok(seeds)
}
