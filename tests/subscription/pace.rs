//! Subscriptions that rush: whatever windows an offer has and whatever times an invoice claims, a payment is made
//! without its owner once in a period of the payer's own clock, and an issuer that is silent is not pestered (EXC-17,
//! EXC-18).

use std::time::Duration;

use bolt12::exchange::{
    Action, EndReason, IncomingMessage, MessageArrival, Objection, OffersMessageKind, OutgoingMessage, Progress, Retry,
    State, Subscription, SubscriptionState,
};
use bolt12::{ErrorKind, InvoiceError, Msat, PayWindow, Recurrence, Rule, TimeUnit, UnixTime};
use proptest::prelude::*;

use super::messages::{NOW, path, payinfo};
use super::shop::NOTHING;
use super::shop::*;
use super::sides::{deliver, is_about};

/// A first invoice for what is asked for, made as if it were another time, and good for as long as can be.
pub(super) fn backdated(shop: &mut Shop, asked: &OutgoingMessage, made: UnixTime) -> IncomingMessage {
    let received = shop.issuer.receive(deliver(asked, 0x70)).unwrap();
    let (key, request) = (received.subscription_key().unwrap(), received.recurrence().unwrap());
    let accepted = received.accept_recurring(&shop.terms(made), &NOTHING).unwrap();
    let accepted = accepted.relative_expiry(std::time::Duration::from_secs(1 << 31));
    let (amount, period, preimage) =
        (accepted.amount(), accepted.paid_period().unwrap(), accepted.expected_payment().preimage);
    let invoice = accepted.invoice(preimage.payment_hash()).add_path(path(2), &payinfo());
    shop.bills.insert(preimage.payment_hash(), Bill { key, request, amount, period, preimage });
    deliver(&accepted.answer(accepted.sign(invoice.build().unwrap()).unwrap()).unwrap(), 0x60)
}

/// What can be paid until a year after it was due.
fn for_a_year(recurrence: Recurrence) -> Recurrence {
    Recurrence { paywindow: Some(PayWindow { seconds_before: 0, seconds_after: 365 * DAY as u32 }), ..recurrence }
}

/// Looks every so often, pays what there is to pay, and says when that was.
fn pays_at(subscription: &mut Subscription, shop: &mut Shop, from: UnixTime, until: UnixTime, step: u64) -> Vec<u64> {
    let mut times = Vec::new();
    let mut now = from;
    while now < until {
        match subscription.poll(now, None).unwrap() {
            Action::Send(asked) => {
                let answer = shop.answer(deliver(&asked, 0x70), now).unwrap().unwrap();
                assert_eq!(subscription.receive(deliver(&answer, 0x60), now).unwrap(), Progress::Quoted);
                subscription.begin(now, None).unwrap();
                let State::Paying(paying) = subscription.payment().unwrap().state() else { panic!() };
                let preimage = shop.is_paid(paying.payment_hash());
                subscription.paid(preimage).unwrap();
                *subscription = reload(subscription);
                times.push(now.0);
            }
            _ => now.0 += step,
        }
    }
    times
}

fn shortest(times: &[u64]) -> u64 {
    times.windows(2).map(|two| two[1] - two[0]).min().unwrap()
}

// EXC-17: after 200 days without a phone, one payment a day is made, and not 200 at once; one more if its owner says
// so.
#[test]
fn what_was_missed_is_not_paid_at_once() {
    let mut shop = Shop::new(for_a_year(daily()));
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    let mut now = later(200 * DAY + 7 * 3600);
    assert_eq!(pays_at(&mut subscription, &mut shop, now, at(now.0 + DAY / 2), 600), [now.0]);
    now.0 += DAY / 2;
    let SubscriptionState::Overdue { due, from } = subscription.state(now) else { panic!() };
    assert_eq!(due.counter, 2);
    assert!(now < from && from <= at(now.0 + DAY / 2), "{from}");
    assert_eq!(waits(&mut subscription, now), from);
    assert!(subscription.begin(now, None).is_err());
    // Whoever owns the money says so: one more, and no other.
    subscription.catch_up();
    subscription = reload(&subscription);
    assert_eq!(pays_at(&mut subscription, &mut shop, now, at(now.0 + DAY / 2), 600), [now.0]);
    assert!(matches!(subscription.state(now), SubscriptionState::Overdue { .. }));
    // Then one a day.
    let times = pays_at(&mut subscription, &mut shop, now, at(now.0 + 30 * DAY), 600);
    assert!((29..=30).contains(&times.len()), "{}", times.len());
    assert!(shortest(&times) >= DAY - 600, "{}", shortest(&times));
}

// EXC-17: an issuer that is silent for eleven months and then answers gets one payment, and the next a month later.
#[test]
fn an_issuer_is_silent_for_eleven_months() {
    let mut shop = Shop::new(for_a_year(monthly()));
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    let mut now = waits(&mut subscription, NOW);
    let mut sent = Vec::new();
    while now < later(335 * DAY) {
        match subscription.poll(now, None).unwrap() {
            Action::Send(_) => sent.push(now.0),
            Action::WaitUntil(time) => {
                assert!(time > now);
                now = time;
            }
            Action::Sign | Action::Nothing => panic!("{:?}", subscription.state(now)),
        }
    }
    assert!(sent.windows(6).all(|six| six[5] - six[0] >= DAY));
    assert!(sent.len() > 300, "it goes on: {}", sent.len());
    let times = pays_at(&mut subscription, &mut shop, now, at(now.0 + 100 * DAY), 3600);
    assert!((3..=4).contains(&times.len()), "{times:?}");
    assert!(shortest(&times) >= 28 * DAY - 600, "{times:?}");
}

// REC-8, EXC-18: a day is left of a month, which costs 97 sat; an invoice that says that it was made on the first asks
// for 3,000.
#[test]
fn a_backdated_invoice_does_not_bring_back_a_period() {
    let mut shop = Shop::with_one_path(based(monthly(), MARCH, true));
    let now = at(MARCH.0 + 30 * DAY);
    let mut subscription = shop.start(now);
    let asked = asks(&mut subscription, now, None);
    let dear = backdated(&mut shop, &asked, at(MARCH.0 + 1));
    assert_eq!(subscription.receive(dear, now).unwrap(), Progress::NeedsApproval);
    let SubscriptionState::Open(payment) = subscription.state(now) else { panic!() };
    let State::NeedsApproval { quote, objection: Objection::AboveLimit { max } } = payment.state() else { panic!() };
    assert!(quote.amount() > Msat(2_999_000) && max < Msat(101_000), "{max}");
    let error = subscription.begin(now, None).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::AmountTooHigh { max });
    // The issuer thinks again.
    let now = waits(&mut subscription, now);
    pay(&mut subscription, &mut shop, now);
    assert_eq!(shop.bills.values().filter(|bill| bill.amount <= Msat(97_000)).count(), 1);
}

// EXC-17: periods of a minute are paid once a minute, also those that were missed.
#[test]
fn periods_of_a_minute_are_paid_once_a_minute() {
    let minute = every(60, TimeUnit::Seconds);
    let mut shop = Shop::new(minute);
    let mut subscription = shop.start(NOW);
    let times = pays_at(&mut subscription, &mut shop, NOW, later(1200), 1);
    assert_eq!(times.len(), 20, "{times:?}");
    assert!(shortest(&times) >= 57, "{times:?}");

    let mut shop = Shop::new(for_a_year(minute));
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    let times = pays_at(&mut subscription, &mut shop, later(36_000), later(37_200), 1);
    // (A twentieth of a period is for the network.)
    assert!((20..=22).contains(&times.len()), "{times:?}");
    assert!(shortest(&times) >= 57, "{times:?}");
}

// EXC-18: whatever the first invoice says of when it was made, the next payment is made a period after the first one.
#[test]
fn a_backdated_first_invoice_makes_nothing_due_early() {
    for (recurrence, length, made, paid) in [
        (daily(), DAY, at(NOW.0 - 3600), NOW),
        (every(7, TimeUnit::Days), 7 * DAY, NOW, later(5 * DAY)),
        (every(600, TimeUnit::Seconds), 600, at(NOW.0 - 60), NOW),
        (every(600, TimeUnit::Seconds), 600, NOW, later(500)),
    ] {
        let mut shop = Shop::with_one_path(recurrence);
        let mut subscription = shop.subscribe(NOW).start(ENTROPY, NOW, later(30 * DAY)).unwrap();
        let asked = asks(&mut subscription, NOW, None);
        let answer = backdated(&mut shop, &asked, made);
        assert_eq!(subscription.receive(answer, paid).unwrap(), Progress::Quoted);
        subscription.begin(paid, None).unwrap();
        let State::Paying(paying) = subscription.payment().unwrap().state() else { panic!() };
        subscription.paid(shop.is_paid(paying.payment_hash())).unwrap();
        assert_eq!(subscription.basetime(), Some(made));
        let SubscriptionState::Waiting(due) = subscription.state(paid) else { panic!() };
        let times = pays_at(&mut subscription, &mut shop, due.due_at, at(paid.0 + length + 1), 1);
        assert_eq!(times, [paid.0 + length]);
    }
}

// EXC-17: what is paid before its period starts is not put off to the last second of its window.
#[test]
fn a_window_before_the_period_is_kept() {
    for before in [2 * 3600, DAY, 3 * DAY] {
        let paywindow = Some(PayWindow { seconds_before: before as u32, seconds_after: 0 });
        let mut shop = Shop::new(Recurrence { paywindow, ..monthly() });
        let mut subscription = shop.start(NOW);
        pay(&mut subscription, &mut shop, NOW);
        for _ in 0..3 {
            let due_at = waits(&mut subscription, NOW);
            let SubscriptionState::Waiting(due) = subscription.state(due_at) else { panic!() };
            assert!(due.due_at == due_at && due_at.0 + 3600 <= due.window.end().0);
            pay(&mut subscription, &mut shop, due_at);
        }
    }
}

// EXC-17: what failed can be tried again at once, and does not count as paid.
#[test]
fn a_payment_that_failed_does_not_wait_for_itself() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    let now = later(DAY);
    quoted(&mut subscription, &mut shop, now);
    subscription.begin(now, None).unwrap();
    fails(&mut subscription);
    let late = at(now.0 + 7201);
    waits(&mut subscription, late);
    assert!(matches!(subscription.state(late), SubscriptionState::Stopped(_, EndReason::QuoteExpired)));
    subscription.try_again();
    pay(&mut subscription, &mut shop, late);
    let SubscriptionState::Waiting(due) = subscription.state(late) else { panic!() };
    assert_eq!(waits(&mut subscription, late), due.due_at);
    pay(&mut subscription, &mut shop, due.due_at);
}

// EXC-17: a phone that is off for some days makes one payment late, and not all that follow; those would all be missed
// in the end, or cost too little.
#[test]
fn a_payment_that_is_late_puts_off_nothing_else() {
    let paywindow = Some(PayWindow { seconds_before: 0, seconds_after: 5 * DAY as u32 });
    for recurrence in [Recurrence { paywindow, ..monthly() }, based(monthly(), MARCH, true)] {
        let mut shop = Shop::new(recurrence);
        let mut now = recurrence.base.map_or(NOW, |base| base.basetime);
        let mut subscription = shop.start(now);
        pay(&mut subscription, &mut shop, now);
        for days_off in [0, 4, 3, 4, 0, 4] {
            let due_at = waits(&mut subscription, now);
            let start = subscription.next_payments(now, 1)[0].period.start;
            assert!(due_at.0 - start.0 <= 60, "{due_at}");
            now = at(due_at.0 + days_off * DAY);
            pay(&mut subscription, &mut shop, now);
        }
    }
}

// EXC-17: who subscribes within a period pays the next one when that starts, as the draft said.
#[test]
fn a_first_payment_within_a_period_puts_off_nothing() {
    let paywindow = Some(PayWindow { seconds_before: 0, seconds_after: 5 * DAY as u32 });
    let mut shop = Shop::new(based(Recurrence { paywindow, ..monthly() }, MARCH, false));
    let now = at(MARCH.0 + 4 * DAY);
    let dues = shop.subscribe(now).next_payments(2).unwrap();
    let mut subscription = shop.start(now);
    pay(&mut subscription, &mut shop, now);
    let due_at = waits(&mut subscription, now);
    assert_eq!(due_at, dues[1].due_at);
    pay(&mut subscription, &mut shop, due_at);
}

/// What becomes of what is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    None,
    Refusal,
    Expired,
    Unreachable,
}

fn some_answer() -> impl Strategy<Value = Answer> {
    prop_oneof![Just(Answer::None), Just(Answer::Refusal), Just(Answer::Expired), Just(Answer::Unreachable)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    // EXC-17: at most five requests that no invoice answers go out in any 24 hours, whatever the window and the
    // answers, and however often somebody looks.
    #[test]
    fn a_silent_issuer_is_asked_five_times_a_day(
        period in prop_oneof![Just(every(60, TimeUnit::Seconds)), Just(every(5_000, TimeUnit::Seconds)), Just(daily()), Just(monthly())],
        before in 0..400 * DAY as u32,
        after in 0..400 * DAY as u32,
        has_window in any::<bool>(),
        answers in prop::collection::vec(some_answer(), 1..20),
        looks in prop::collection::vec(1..50_000u64, 1..20),
    ) {
        let paywindow = has_window.then_some(PayWindow { seconds_before: before, seconds_after: after });
        let mut shop = Shop::new(Recurrence { paywindow, ..period });
        let mut subscription = shop.start(NOW);
        pay(&mut subscription, &mut shop, NOW);
        let (mut now, mut sent) = (NOW, Vec::new());
        for look in looks.iter().cycle().take(600) {
            match subscription.poll(now, None).unwrap() {
                Action::Send(asked) => {
                    sent.push(now.0);
                    let arrival = MessageArrival::Path(asked.reply_path_id.unwrap());
                    match answers[sent.len() % answers.len()] {
                        Answer::None => {}
                        Answer::Unreachable => subscription.unreachable(&asked.reply_path_id.unwrap(), now),
                        Answer::Refusal => {
                            let bytes = InvoiceError::new("later").unwrap().into_bytes();
                            let kind = OffersMessageKind::InvoiceError;
                            let told = IncomingMessage { kind, bytes, arrival, reply_path: None };
                            let _ = subscription.receive(told, now);
                        }
                        Answer::Expired => {
                            if let Ok(Some(answer)) = shop.answer(deliver(&asked, 0x70), now) {
                                let _ = subscription.receive(deliver(&answer, 0x60), later(now.0));
                            }
                        }
                    }
                    subscription = payer().load_subscription(&subscription.to_bytes()).unwrap();
                }
                Action::WaitUntil(time) => {
                    prop_assert!(time > now);
                    now = if look % 2 == 0 { time } else { at(time.0.min(now.0 + look)) };
                }
                Action::Sign | Action::Nothing => break,
            }
        }
        prop_assert!(sent.windows(6).all(|six| six[5] - six[0] >= DAY), "{:?}", sent);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // EXC-5: whatever a clock shows, whoever polls until there is nothing to send comes to an end.
    #[test]
    fn polling_comes_to_an_end_at_any_time(
        times in prop::collection::vec(prop_oneof![Just(u64::MAX), Just(0), any::<u64>(), NOW.0..NOW.0 + 9 * DAY], 1..20),
        before in 0..9 * DAY as u32,
        after in 0..9 * DAY as u32,
        is_paid in any::<bool>(),
    ) {
        let paywindow = Some(PayWindow { seconds_before: before, seconds_after: after });
        let mut shop = Shop::new(Recurrence { paywindow, ..daily() });
        let mut subscription = shop.subscribe(NOW).start(ENTROPY, NOW, at(u64::MAX)).unwrap();
        if is_paid {
            pay(&mut subscription, &mut shop, NOW);
        }
        for now in times.into_iter().map(at) {
            let mut sent = 0;
            loop {
                match subscription.poll(now, None).unwrap() {
                    Action::Send(_) => sent += 1,
                    Action::WaitUntil(time) => {
                        prop_assert!(time > now || now.0 == u64::MAX, "{} at {}", time, now);
                        break;
                    }
                    Action::Sign | Action::Nothing => break,
                }
                prop_assert!(sent <= 2, "{:?}", subscription.state(now));
            }
            subscription = payer().load_subscription(&subscription.to_bytes()).unwrap();
        }
    }
}

// EXC-13: a subscription from a backup pays nothing before its owner says that the period was not paid since.
#[test]
fn a_backup_of_a_subscription_waits_for_its_owner() {
    let mut shop = Shop::new(for_a_year(daily()));
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    let mut backups = vec![subscription.to_bytes()];
    let now = later(DAY + 60);
    asks(&mut subscription, now, None);
    backups.push(subscription.to_bytes());
    let mut subscription = payer().load_subscription(&backups[0]).unwrap();
    quoted(&mut subscription, &mut shop, now);
    backups.push(subscription.to_bytes());
    subscription.begin(now, None).unwrap();
    let paying = subscription.to_bytes();
    fails(&mut subscription);
    backups.push(subscription.to_bytes());
    for backup in &backups {
        let mut restored = reload(&payer().restore_subscription(backup).unwrap());
        let decisions: [fn(&mut Subscription); 4] = [
            |_| {},
            |it| allow_once(it, Msat(2 * PRICE.0)).unwrap(),
            |it| it.set_limit(bolt12::exchange::Limit::AtMost(Msat(2 * PRICE.0))).unwrap(),
            |it| it.catch_up(),
        ];
        for decide in decisions {
            decide(&mut restored);
            for days in [0, 1, 2, 40] {
                let now = later(DAY + 60 + days * DAY);
                assert!(matches!(restored.state(now), SubscriptionState::Stopped(_, EndReason::Restored)));
                assert!(matches!(restored.poll(now, None).unwrap(), Action::WaitUntil(time) if time > now));
                assert!(restored.begin(now, None).is_err());
            }
            restored = reload(&restored);
        }
        restored.try_again();
        pay(&mut reload(&restored), &mut shop.clone(), now);
    }
    // One that was refused, and would have been tried again by itself, is not, and does not keep anybody awake.
    let mut refused = payer().load_subscription(&backups[0]).unwrap();
    while let Action::Send(asked) = refused.poll(now, None).unwrap() {
        let bytes = InvoiceError::new("later").unwrap().into_bytes();
        let (kind, arrival) = (OffersMessageKind::InvoiceError, MessageArrival::Path(asked.reply_path_id.unwrap()));
        let _ = refused.receive(IncomingMessage { kind, bytes, arrival, reply_path: None }, now).unwrap();
    }
    let mut refused = payer().restore_subscription(&refused.to_bytes()).unwrap();
    for now in [now, at(now.0 + DAY), at(now.0 + 40 * DAY)] {
        assert!(waits(&mut refused, now) > now);
    }
    // What was being paid still is: the node says what became of it, and after that it has stopped.
    let mut restored = payer().restore_subscription(&paying).unwrap();
    assert!(matches!(restored.state(now), SubscriptionState::Open(_)));
    let State::Paying(it) = restored.payment().unwrap().state() else { panic!() };
    let preimage = shop.is_paid(it.payment_hash());
    let mut failed = reload(&restored);
    fails(&mut failed);
    assert!(failed.begin(now, None).is_err());
    assert!(matches!(failed.state(now), SubscriptionState::Stopped(_, EndReason::Restored)));
    restored.paid(preimage).unwrap();
    assert!(matches!(restored.state(later(2 * DAY)), SubscriptionState::Stopped(_, EndReason::Restored)));
}

// EXC-17: what is due in the very second in which the one before it is begun waits for a period, less a twentieth of it
// for the network, at most ten minutes.
#[test]
fn what_is_overdue_waits_to_the_second() {
    for (length, slack) in [(60, 3), (1_010, 50), (3_600, 180), (12_000, 600), (DAY, 600)] {
        let mut shop = Shop::new(for_a_year(every(length as u32, TimeUnit::Seconds)));
        let mut subscription = shop.start(NOW);
        pay(&mut subscription, &mut shop, NOW);
        let now = subscription.next_payments(NOW, 2)[1].due_at;
        let mut early = reload(&subscription);
        pay(&mut early, &mut shop.clone(), at(now.0 - 1));
        assert_eq!(waits(&mut early, at(now.0 - 1)), now, "what is not due yet is not put off");
        pay(&mut subscription, &mut shop, now);
        let SubscriptionState::Overdue { due, from } = subscription.state(now) else { panic!() };
        assert_eq!((due.counter, due.due_at, from), (2, now, at(now.0 + length - slack)));
        assert_eq!(waits(&mut subscription, at(from.0 - 1)), from);
        pay(&mut subscription, &mut shop, from);
    }
}

/// How often it asks until then, if nobody answers.
fn requests_until(subscription: &mut Subscription, mut now: UnixTime, until: UnixTime) -> usize {
    let mut sent = 0;
    while now < until {
        match subscription.poll(now, None).unwrap() {
            Action::Send(_) => sent += 1,
            Action::WaitUntil(time) => now = time,
            Action::Sign | Action::Nothing => panic!("{:?}", subscription.state(now)),
        }
    }
    sent
}

// EXC-17: whoever has just subscribed looks on for an hour; after that, it is silent for a day.
#[test]
fn a_first_payment_is_watched_for_an_hour() {
    let mut subscription = Shop::new(daily()).start(NOW);
    assert!(requests_until(&mut subscription, NOW, later(600)) > 5);
    asks(&mut reload(&subscription), later(3_599), None);
    assert!(waits(&mut subscription, later(3_600)) > later(DAY / 2));
}

// EXC-17: the latest five are what counts, however many there were while somebody looked on; no more are kept.
#[test]
fn only_the_latest_requests_are_remembered() {
    let draft = Shop::new(monthly()).subscribe(NOW);
    let mut subscription = draft.start(ENTROPY, NOW, later(9 * DAY)).unwrap();
    let (mut now, mut times, mut lens) = (NOW, Vec::new(), Vec::new());
    while now < later(3_600) {
        match subscription.poll(now, None).unwrap() {
            Action::Send(_) => {
                times.push(now.0);
                lens.push(subscription.to_bytes().len());
            }
            Action::WaitUntil(time) => now = time,
            Action::Sign | Action::Nothing => panic!("{:?}", subscription.state(now)),
        }
    }
    assert!(times.len() > 10 && lens[4..].iter().all(|len| *len == lens[4]), "{lens:?}");
    assert_eq!(waits(&mut subscription, later(3_600)), at(times[times.len() - 5] + DAY));
}

// EXC-5: the delays are those that were said.
#[test]
fn whoever_subscribes_says_how_long_to_wait() {
    let retry = Retry { first: Duration::from_secs(100), max: Duration::from_secs(100) };
    let draft = Shop::with_one_path(daily()).subscribe(NOW).retry(retry);
    let mut subscription = draft.start(ENTROPY, NOW, later(DAY)).unwrap();
    let mut now = NOW;
    for _ in 0..3 {
        asks(&mut subscription, now, None);
        let again = waits(&mut subscription, now);
        assert!(is_about(again, now, 100), "{again}");
        now = again;
    }
}

// EXC-17: nobody looks on when a first payment is due ten minutes after its start.
#[test]
fn a_first_payment_that_is_to_come_is_not_watched() {
    let paywindow = Some(PayWindow { seconds_before: 3_600, seconds_after: 2 * DAY as u32 });
    let shop = Shop::new(Recurrence { paywindow, ..based(monthly(), MARCH, false) });
    let start = at(MARCH.0 - 4_200);
    let mut subscription = shop.subscribe(start).start(ENTROPY, start, at(MARCH.0 + 2 * DAY)).unwrap();
    let due_at = waits(&mut subscription, start);
    assert!(due_at.0 < start.0 + 3_600);
    assert_eq!(requests_until(&mut subscription, due_at, at(due_at.0 + DAY)), 5);
}

// EXC-5: nobody looks on when a later payment is due, so the first delay is an eighth of its window, at most an hour.
#[test]
fn requests_are_spread_over_the_window() {
    for seconds in [20, 100, 1_600, 8_000, 20_000, 5 * DAY] {
        let paywindow = Some(PayWindow { seconds_before: 0, seconds_after: seconds as u32 });
        let mut shop = Shop::new(Recurrence { paywindow, ..monthly() });
        let mut subscription = shop.start(NOW);
        pay(&mut subscription, &mut shop, NOW);
        let SubscriptionState::Waiting(due) = subscription.state(NOW) else { panic!() };
        asks(&mut subscription, due.due_at, None);
        let again = waits(&mut subscription, due.due_at);
        let eighth = (due.window.end().0 - due.due_at.0) / 8;
        assert!(is_about(again, due.due_at, eighth.clamp(5, 3_600)), "{again} in {seconds}");
    }
}

// EXC-18: what a subscription asks for first may be asked for long after it was begun; its answer is no older, but for
// clocks that differ by an hour.
#[test]
fn a_first_invoice_is_no_older_than_what_asks_for_it() {
    let mut shop = Shop::with_one_path(daily());
    let mut subscription = shop.start(NOW);
    let now = later(4 * 3_600);
    let asked = asks(&mut subscription, now, None);
    for made in [NOW, at(now.0 - 3_601)] {
        let old = backdated(&mut shop, &asked, made);
        let refused = subscription.receive(old, now).unwrap_err();
        assert_eq!(
            (refused.error().kind(), refused.error().rule()),
            (&ErrorKind::TimeMismatch { expected: now }, Rule::Rec9)
        );
    }
    let good = backdated(&mut shop, &asked, at(now.0 - 3_600));
    assert_eq!(subscription.receive(good, now).unwrap(), Progress::Quoted);
}
