//! What an issuer does with the requests of a subscription.

use std::time::Duration;

use bolt12::exchange::{MaxAmount, OutgoingMessage, Refused, SubscriptionState};
use bolt12::{ErrorKind, Field, Msat, PayWindow, Recurrence, RecurrenceRequest, Rule};

use super::attacks::forged;
use super::messages::{NOW, key, path, payinfo};
use super::shop::*;
use super::sides::{deliver, reseal, sent_invoice};

// REC-7: what belongs to a subscription is not accepted as a single payment.
#[test]
fn it_is_accepted_as_what_it_is() {
    let shop = Shop::new(daily());
    let asked = asks(&mut shop.start(NOW), NOW, None);
    let received = shop.issuer.receive(deliver(&asked, 0x70)).unwrap();
    assert_eq!(received.recurrence().map(|request| request.counter), Some(0));
    assert_refused(received.clone().accept(&shop.terms(NOW)), ErrorKind::IsRecurring);
    let accepted = received.accept_recurring(&shop.terms(NOW), &NOTHING).unwrap();
    assert_eq!((accepted.amount(), accepted.due()), (PRICE, Some(PRICE)));
    let period = accepted.paid_period().unwrap();
    assert_eq!((period.basetime, period.start), (NOW, None));
}

// REC-10: no invoice, and no expected payment, outlasts the pay window.
#[test]
fn an_invoice_expires_with_its_window() {
    let paywindow = Some(PayWindow { seconds_before: 3600, seconds_after: 1800 });
    let mut shop = Shop::new(Recurrence { paywindow, ..daily() });
    let mut subscription = shop.start(NOW);
    // No window is enforced for the first (REC-6), but it is made to be paid as fast as the others.
    let first = pay(&mut subscription, &mut shop, NOW);
    assert_eq!(first.expires_at(), later(1800));
    let now = later(DAY + 100);
    let asked = asks(&mut subscription, now, None);
    let received = shop.issuer.receive(deliver(&asked, 0x70)).unwrap();
    let context = shop.context(&received);
    let accepted = received.accept_recurring(&shop.terms(now), &context).unwrap();
    let saved = accepted.to_bytes();
    for accepted in [accepted, shop.issuer.load_accepted(&saved).unwrap()] {
        for expiry in [7200, 1700, 1701, u64::MAX] {
            let accepted = accepted.clone().relative_expiry(Duration::from_secs(expiry));
            let expected = accepted.expected_payment();
            assert_eq!(expected.expires_at, later(DAY + 1800));
            let invoice = accepted.invoice(expected.payment_hash()).add_path(path(2), &payinfo());
            let invoice = accepted.sign(invoice.build().unwrap()).unwrap();
            assert_eq!((invoice.expires_at(), invoice.recurrence_basetime()), (later(DAY + 1800), Some(NOW)));
            assert!(accepted.answer(invoice).is_ok());
        }
        let short = accepted.clone().relative_expiry(Duration::from_secs(1699));
        assert_eq!(short.expected_payment().expires_at, later(DAY + 1799));
    }
    // Of a state with other terms, nothing is signed that was made with these.
    let accepted = shop.issuer.load_accepted(&saved).unwrap();
    let invoice = accepted.invoice(accepted.expected_payment().payment_hash()).add_path(path(2), &payinfo());
    let invoice = invoice.build().unwrap();
    let other = |change: fn(&mut Vec<u8>)| {
        let state = reseal([1; 32], "issuer state", &saved, change);
        shop.issuer.load_accepted(&state).unwrap().sign(invoice.clone()).unwrap_err()
    };
    // The last 17 bytes are the start of period 0, which is known, and the end of the window.
    let moved = other(|state| *state.iter_mut().rev().nth(8).unwrap() ^= 1);
    assert_eq!(moved.rule(), Rule::Rec9);
    let closed = other(|state| *state.iter_mut().rev().nth(1).unwrap() -= 1);
    assert_eq!((closed.rule(), closed.field()), (Rule::Ivr4, Some(Field::INVOICE_RELATIVE_EXPIRY)), "REC-10");
}

// REC-6: too early and too late are refused, and why is said.
#[test]
fn a_window_is_enforced() {
    let paywindow = Some(PayWindow { seconds_before: 3600, seconds_after: 1800 });
    let mut shop = Shop::new(Recurrence { paywindow, ..daily() });
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    let asked = asks(&mut subscription, later(DAY), None);
    let (from, until) = (later(DAY - 3600), later(DAY + 1800));
    let early = assert_refused(shop.answer(deliver(&asked, 0x70), at(from.0 - 1)), ErrorKind::TooEarly { from });
    let late = assert_refused(shop.answer(deliver(&asked, 0x70), at(until.0 + 1)), ErrorKind::TooLate { until });
    assert!(early.answer().is_some() && late.answer().is_some());
    for now in [from, until] {
        assert!(shop.answer(deliver(&asked, 0x70), now).unwrap().is_some());
    }
}

// REC-8: exact, and what is due is what is left.
#[test]
fn what_is_left_of_a_period_is_due() {
    let mut shop = Shop::new(based(daily(), NOW, true));
    let mut subscription = shop.start(later(DAY / 3));
    let asked = asks(&mut subscription, later(DAY / 3), None);
    let received = shop.issuer.receive(deliver(&asked, 0x70)).unwrap();
    let terms = bolt12::exchange::Terms { max_amount: MaxAmount::TimesPrice(1), ..shop.terms(later(DAY / 3)) };
    let accepted = received.accept_recurring(&terms, &NOTHING).unwrap();
    let left = bolt12::Msat(PRICE.0 * 2 / 3);
    assert_eq!((accepted.amount(), accepted.due()), (left, Some(left)));
    let again = shop.issuer.load_accepted(&accepted.to_bytes()).unwrap();
    assert_eq!(again.due(), Some(left));
    // Of what is over, nothing.
    let until = later(DAY - 1);
    assert_refused(shop.answer(deliver(&asked, 0x70), later(DAY)), ErrorKind::TooLate { until });
}

// REC-9: each invoice says when period 0 started, also those of an issuer that forgets all but what it must.
#[test]
fn replicas_agree() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    for day in 0..4 {
        let SubscriptionState::Waiting(due) = subscription.state(later(day * DAY)) else { panic!() };
        assert_eq!(u64::from(due.counter), day);
        let asked = asks(&mut subscription, later(day * DAY), None);
        let mut replica = shop.clone();
        let answers = [&mut shop, &mut replica]
            .map(|shop| shop.answer(deliver(&asked, 0x70), later(day * DAY)).unwrap().unwrap());
        let [one, two] = [&answers[0], &answers[1]].map(sent_invoice);
        assert_eq!(one.payment_hash(), two.payment_hash());
        assert_eq!(one.recurrence_basetime(), Some(NOW));
        assert!(subscription.receive(deliver(&answers[1], 0x60), later(day * DAY)).is_ok());
        subscription.begin(later(day * DAY), None).unwrap();
        subscription.paid(shop.is_paid(two.payment_hash())).unwrap();
    }
}

// REC-3: a payer that lost its last state, or a request that somebody sends again, is not billed for what is paid.
#[test]
fn what_is_paid_is_not_billed_again() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    for (counter, now) in [(0, NOW), (1, later(DAY))] {
        let mut old = reload(&subscription);
        pay(&mut subscription, &mut shop, now);
        let asked = asks(&mut old, at(now.0 + 60), None);
        assert_eq!(request(&asked).recurrence().unwrap().counter, counter);
        let bills = shop.bills.len();
        let refused = assert_refused(shop.answer(deliver(&asked, 0x70), at(now.0 + 60)), ErrorKind::AlreadyPaid);
        assert_eq!(
            (refused.error().rule(), refused.error().to_string()),
            (Rule::Rec3, "this period has already been paid".into())
        );
        assert!(refused.answer().is_some(), "the payer is told");
        assert_eq!((shop.bills.len(), subscription.basetime()), (bills, Some(NOW)));
    }
}

/// What a shop says to a request of a payer whose id somebody chose.
fn answer(
    shop: &mut Shop,
    (seed, counter, cancel): (u8, u32, bool),
    now: bolt12::UnixTime,
) -> Result<Option<OutgoingMessage>, Box<Refused>> {
    let recurrence = RecurrenceRequest { counter, start: None, cancel };
    let asked = forged(&shop.offer, &key(seed), &[5; 32], recurrence);
    shop.answer(asked, now)
}

// REC-7: what was paid for one offer is not paid for another one, though the payer id is the same.
#[test]
fn a_payer_id_is_not_a_subscription() {
    let mut cheap = Shop::with(daily(), |offer| offer.description("cheap").amount_msat(Msat(1)));
    answer(&mut cheap, (9, 0, false), NOW).unwrap();
    let hash = *cheap.bills.keys().next().unwrap();
    cheap.is_paid(hash);
    // The same database, another offer of the same issuer.
    let mut dear = Shop::with(daily(), |offer| offer.description("dear").amount_msat(Msat(900_000_000)));
    dear.paid = cheap.paid.clone();
    let now = later(DAY);
    assert_refused(answer(&mut dear, (9, 1, false), now), ErrorKind::PreviousUnpaid);
    assert!(answer(&mut cheap, (9, 1, false), now).unwrap().is_some());
}

// REC-11: whoever never paid has nothing to cancel, and leaves no note.
#[test]
fn only_who_paid_cancels() {
    let mut shop = Shop::new(daily());
    for seed in 1..9 {
        for counter in [1, 2, 7] {
            assert!(answer(&mut shop, (seed, counter, true), NOW).unwrap().is_none());
        }
    }
    assert_eq!(shop.cancelled.len(), 0);
    answer(&mut shop, (9, 0, false), NOW).unwrap();
    let hash = *shop.bills.keys().next().unwrap();
    shop.is_paid(hash);
    assert!(answer(&mut shop, (9, 1, true), NOW).unwrap().is_none());
    assert_eq!(shop.cancelled.len(), 1);
}
