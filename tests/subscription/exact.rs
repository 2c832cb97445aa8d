//! Subscriptions to the second: ends, windows, rates, and what belongs to which.

use bolt12::exchange::{
    Action, EndReason, IncomingMessage, Limit, MessageArrival, State, Subscription, SubscriptionEnd, SubscriptionState,
    Timing,
};
use bolt12::{ErrorKind, Field, Msat, PayWindow, PayerProofBuilder, Rate, Recurrence, Rule};

use super::messages::NOW;
use super::naive::{self, Record, record};
use super::shop::*;
use super::sides::{CHAINS, deliver, reseal};

/// REC-11: while a period is left, cancelling says so, also when it is the last one.
#[test]
fn the_last_period_can_be_cancelled() {
    let mut shop = Shop::new(limited(daily(), 1));
    let mut subscription = shop.start(NOW);
    assert!(!subscription.is_cancelled());
    pay(&mut subscription, &mut shop, NOW);
    let mut early = reload(&subscription);
    early.cancel();
    assert!(request(&asks(&mut early, NOW, None)).recurrence().unwrap().cancel);
    pay(&mut subscription, &mut shop, later(DAY));
    subscription.cancel();
    assert_eq!(ended(&mut subscription, later(DAY)), SubscriptionEnd::Cancelled);
}

/// REC-4, REC-5, REC-12: why there is no first payment is said as it is, at the last period and after it.
#[test]
fn why_nothing_begins_is_said() {
    let shop = Shop::new(limited(based(daily(), NOW, false), 3));
    let start = |period: u32, until: u64| {
        let draft = shop.subscribe(NOW).first_period(period).until(later(until));
        draft.start(ENTROPY, NOW, later(9 * DAY)).unwrap_err()
    };
    let error = start(4, 9 * DAY);
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::NoSuchPeriod { max: 3 }, Rule::Rec5));
    for period in [1, 2, 3] {
        let end = u64::from(period) * DAY;
        let error = start(period, end);
        assert_eq!((error.kind(), error.rule()), (&ErrorKind::Expired { at: later(end) }, Rule::Rec12));
        let draft = shop.subscribe(NOW).first_period(period);
        assert_eq!(draft.clone().until(later(end)).next_payments(3), Err(error));
        let draft = draft.until(later(end + 1));
        assert_eq!(draft.next_payments(3).unwrap().len(), 1);
        assert!(draft.start(ENTROPY, NOW, later(9 * DAY)).is_ok());
    }
    // No calendar knows that month, whatever was said of the end: nor is it before that.
    let far = Shop::new(based(monthly(), NOW, false));
    let draft = far.subscribe(NOW).first_period(4_000_000_000).until(later(DAY));
    assert_eq!(draft.start(ENTROPY, NOW, later(DAY)).unwrap_err().kind(), &ErrorKind::Overflow);
}

/// REC-8: of a period that is over nothing is left, so where the amount falls, no window is longer than its period.
#[test]
fn a_window_ends_with_its_period_where_the_amount_falls() {
    let paywindow = Some(PayWindow { seconds_before: 60, seconds_after: 2 * DAY as u32 });
    for is_proportional in [true, false] {
        let recurrence = Recurrence { paywindow, ..based(daily(), NOW, is_proportional) };
        let dues = Shop::new(recurrence).subscribe(NOW).next_payments(3).unwrap();
        for due in &dues[1..] {
            let end = if is_proportional { at(due.period.end.0 - 1) } else { at(due.period.start.0 + 2 * DAY) };
            assert_eq!(due.window, at(due.period.start.0 - 60)..=end);
        }
    }
}

/// REC-13: an offer that may be paid once is not asked for after it has expired, as long as nothing was sent.
#[test]
fn an_optional_subscription_is_not_begun_late() {
    let recurrence = Recurrence { is_compulsory: false, ..daily() };
    let shop = Shop::with(recurrence, |offer| offer.description("rain").amount_msat(PRICE).absolute_expiry(later(60)));
    let start = || payer().draft(&shop.offer, NOW, CHAINS).unwrap().start(ENTROPY, NOW, later(600)).unwrap();
    assert!(matches!(start().poll(later(60)).unwrap(), Action::Send(_)));
    let mut late = start();
    assert_eq!(late.poll(later(61)).unwrap(), Action::Nothing);
    assert!(matches!(late.state(), State::Ended(EndReason::OfferExpired)));
}

/// EXC-17: what is asked for is open from the first second of its window; before it, a clock was set back.
#[test]
fn what_is_asked_for_is_open_within_its_window() {
    let paywindow = Some(PayWindow { seconds_before: 3_600, seconds_after: 3_600 });
    let mut shop = Shop::new(Recurrence { paywindow, ..daily() });
    let mut subscription = shop.start(NOW);
    asks(&mut subscription, NOW, None);
    assert!(matches!(subscription.state(NOW), SubscriptionState::Open(_)));
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    let due = waits(&mut subscription, NOW);
    asks(&mut subscription, due, None);
    let opens = later(DAY - 3_600);
    for (now, is_open) in [(due, true), (opens, true), (at(opens.0 - 1), false)] {
        assert_eq!(matches!(subscription.state(now), SubscriptionState::Open(_)), is_open, "{now}");
    }
}

// ---- rates

/// REC-12: a fixed limit needs no rate, nor does what was allowed this once; a tolerance does.
#[test]
fn only_a_tolerance_needs_a_rate() {
    let shop = Shop::in_dollars(daily(), 300, dollars(100_000));
    let start = |limit| {
        let draft = shop.subscribe(NOW).limit(limit).rate(dollars(100_000));
        draft.start(ENTROPY, NOW, later(600)).unwrap()
    };
    assert!(matches!(start(Limit::AtMost(PRICE)).poll(NOW, None), Ok(Action::Send(_))));
    let mut subscription = start(Limit::Tolerance { basis_points: 200 });
    assert!(matches!(subscription.poll(NOW, None).unwrap_err().kind(), ErrorKind::RateNeeded { .. }));
    allow_once(&mut subscription, PRICE).unwrap();
    assert!(matches!(subscription.poll(NOW, None), Ok(Action::Send(_))));
}

/// REC-12: the rate of another currency is refused before it changes anything, whatever the limit is.
#[test]
fn a_rate_of_another_currency_changes_nothing() {
    let shop = Shop::in_dollars(daily(), 300, dollars(100_000));
    let euro = Rate::new("EUR".parse().unwrap(), bolt12::MinorUnits(1), Msat(1)).unwrap();
    for limit in [Limit::AtMost(PRICE), Limit::Tolerance { basis_points: 200 }] {
        let draft = shop.subscribe(NOW).limit(limit).rate(dollars(100_000));
        let mut subscription = draft.start(ENTROPY, NOW, later(600)).unwrap();
        let before = subscription.to_bytes();
        let error = subscription.poll(NOW, Some(euro)).unwrap_err();
        let kind = ErrorKind::WrongCurrency { expected: usd(), found: euro.currency() };
        assert_eq!((error.kind(), error.rule()), (&kind, Rule::Rec12));
        assert_eq!(subscription.to_bytes(), before);
    }
}

// ---- what belongs to which

/// IVR-13: answers to a cancellation belong to the subscription that was cancelled, and to no other.
#[test]
fn a_cancellation_is_answered_to_whom_it_is_of() {
    let mut shop = Shop::new(daily());
    let mut going_on = shop.start(NOW);
    pay(&mut going_on, &mut shop, NOW);
    let mut cancelled = reload(&going_on);
    cancelled.cancel();
    let said = MessageArrival::Path(asks(&mut cancelled, NOW, None).reply_path_id.unwrap());
    let mut other = shop.subscribe(NOW).start([8; 32], NOW, later(600)).unwrap();
    let asked = MessageArrival::Path(asks(&mut other, NOW, None).reply_path_id.unwrap());
    assert_eq!([cancelled.is_for(&said), going_on.is_for(&said), other.is_for(&said)], [true, false, false]);
    assert_eq!([cancelled.is_for(&asked), going_on.is_for(&asked), other.is_for(&asked)], [false, false, true]);
}

/// The fields of a saved subscription before those of its payment, which are the other half.
fn halves(subscription: &Subscription) -> (Vec<u8>, Vec<u8>) {
    let fields = subscription.to_bytes();
    let payment = subscription.payment().unwrap().to_bytes();
    // Without a version, a kind, and a MAC.
    let payment = payment[2..payment.len() - 16].to_vec();
    let head = fields[..fields.len() - 16].strip_suffix(&payment[..]).unwrap().to_vec();
    (head, payment)
}

/// Loads two halves, as if they had been saved together.
fn joined(head: &[u8], payment: &[u8]) -> bool {
    let fields = [head, payment, &[0; 16]].concat();
    let state = reseal(PAYER, "payer state", &fields, |_| {});
    match payer().load_subscription(&state) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), &ErrorKind::InvalidState);
            false
        }
    }
}

/// EXC-4: a subscription is not loaded with a payment that is another one's, of another period, or of another try.
#[test]
fn halves_that_do_not_belong_together_are_not_loaded() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    let mut other = shop.subscribe(NOW).start([8; 32], NOW, later(600)).unwrap();
    let mut all = Vec::new();
    let mut keep = |subscription: &Subscription| all.push(halves(subscription));
    asks(&mut other, NOW, None);
    keep(&other);
    quoted(&mut subscription, &mut shop, NOW);
    keep(&subscription);
    subscription.begin(NOW, None).unwrap();
    fails(&mut subscription);
    subscription.poll(later(7_201), None).unwrap();
    subscription.try_again();
    asks(&mut subscription, later(7_201), None);
    keep(&subscription);
    pay(&mut subscription, &mut shop, later(7_300));
    let due = waits(&mut subscription, later(7_300));
    asks(&mut subscription, due, None);
    keep(&subscription);
    for (at, (head, _)) in all.iter().enumerate() {
        for (of, (_, payment)) in all.iter().enumerate() {
            assert_eq!(joined(head, payment), at == of, "{at} {of}");
        }
    }
}

/// REC-9: when period 0 started is what the offer says, and known exactly when something was paid where it says nothing.
#[test]
fn a_start_that_the_offer_does_not_say_is_not_loaded() {
    let shop = Shop::new(based(daily(), MARCH, false));
    let mut subscription = shop.start(NOW);
    asks(&mut subscription, NOW, None);
    let (head, payment) = halves(&subscription);
    assert!(joined(&head, &payment));
    let written = MARCH.0.to_be_bytes();
    let place = head.windows(8).rposition(|bytes| bytes == written).unwrap();
    let mut head = head.clone();
    head[place + 7] ^= 1;
    assert!(!joined(&head, &payment));
}

/// REC-4: the first period has a number exactly where the offer says when periods start.
#[test]
fn a_first_period_that_the_offer_does_not_count_is_not_loaded() {
    // The delays between requests, which are before it.
    let delays = [5u64, 3_600].map(u64::to_be_bytes).concat();
    for recurrence in [daily(), based(daily(), MARCH, false)] {
        let state = Shop::new(recurrence).start(NOW).to_bytes();
        let place = state.windows(16).position(|bytes| bytes == delays).unwrap() + 16;
        let changed = reseal(PAYER, "payer state", &state, |fields| {
            if recurrence.base.is_some() {
                fields.splice(place..place + 9, [0]);
            } else {
                fields.splice(place..=place, [1, 0, 0, 0, 0, 0, 0, 0, 7]);
            }
        });
        assert_eq!(payer().load_subscription(&changed).unwrap_err().kind(), &ErrorKind::InvalidState);
    }
}

/// REC-11: what cancels is not accepted, so nothing is loaded that says it was.
#[test]
fn a_cancellation_is_not_loaded_as_accepted() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    let asked = asks(&mut subscription, later(DAY), None);
    let key = payer().keypair(request(&asked)).unwrap();
    // As long as the same one that cancels.
    let with = |number| {
        let mut records = naive::parse(asked.message.as_bytes()).unwrap();
        records.retain(|it: &Record| it.number != 240);
        records.push(record(number, &[]));
        records.sort_by_key(|it| it.number);
        naive::concat(&naive::sign("invoice_request", records, &key))
    };
    let (plain, cancels) = (with(2_000_000_095), with(2_000_000_094));
    let received = shop.issuer.receive(IncomingMessage { bytes: plain.clone(), ..deliver(&asked, 0x70) }).unwrap();
    let context = shop.context(&received);
    let state = received.accept_recurring(&shop.terms(later(DAY)), &context).unwrap().to_bytes();
    let load = |request: &[u8]| {
        let state = reseal([1; 32], "issuer state", &state, |fields| {
            let at = fields.windows(plain.len()).position(|bytes| bytes == plain).unwrap();
            fields.splice(at..at + plain.len(), request.iter().copied());
        });
        shop.issuer.load_accepted(&state).map(drop)
    };
    assert_eq!(load(&plain), Ok(()));
    assert_eq!(load(&cancels).unwrap_err().kind(), &ErrorKind::InvalidState);
}

/// A payment is late when it has been due for more than a day, or half of what is left of its window, and missed after the
/// last second of that.
#[test]
fn how_late_a_payment_is_follows_from_its_window() {
    let window = |seconds| Some(PayWindow { seconds_before: 0, seconds_after: seconds });
    let hourly = every(3_600, bolt12::TimeUnit::Seconds);
    let windows = [3_600, 3_601, 5 * DAY as u32].map(|seconds| Recurrence { paywindow: window(seconds), ..monthly() });
    for recurrence in [daily(), monthly(), hourly].into_iter().chain(windows) {
        for due in &Shop::new(recurrence).subscribe(NOW).next_payments(4).unwrap()[1..] {
            let until = due.window.end().0;
            let late = due.due_at.0 + DAY.min((until - due.due_at.0) / 2);
            for (seconds, timing) in [
                (due.due_at.0 - 1, Timing::Early),
                (due.due_at.0, Timing::Due),
                (late, Timing::Due),
                (late + 1, Timing::Late),
                (until, Timing::Late),
                (until + 1, Timing::Missed),
            ] {
                assert_eq!(due.timing(at(seconds)), timing, "{seconds} of {due:?}");
            }
        }
    }
}

// PPW-2: what shows a whole offer leaves out how it recurs, which makes readers that do not know it refuse the proof.
#[test]
fn a_proof_of_the_whole_offer_does_not_show_how_it_recurs() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    let invoice = pay(&mut subscription, &mut shop, NOW);
    let preimage = shop.bills[&invoice.payment_hash()].preimage;
    let preview = PayerProofBuilder::minimal(&invoice, preimage).whole_offer().preview().unwrap();
    let number = |field: &Field| field.number();
    let revealed: Vec<u64> = preview.revealed.iter().map(number).collect();
    let (recurring, offer): (Vec<u64>, Vec<u64>) =
        shop.offer.tlvs().records().map(|record| record.number()).partition(|number| *number >= 1_000_000_000);
    assert!(!recurring.is_empty() && recurring.iter().all(|number| !revealed.contains(number)), "{revealed:?}");
    assert!(!offer.is_empty() && offer.iter().all(|number| revealed.contains(number)), "{revealed:?}");
}
