//! Payments of a subscription that ended without being made: what is tried again by itself, and what waits for its owner.

use bolt12::exchange::{Action, EndReason, Limit, Subscription, SubscriptionState};
use bolt12::{Msat, TimeUnit, UnixTime};

use super::messages::NOW;
use super::payer::is_refused;
use super::shop::*;
use super::sides::deliver;

const WEEK: u64 = 7 * DAY;

/// A subscription whose second payment is due, when that is, and when it is too late for it.
fn paid_once(shop: &mut Shop, limit: Option<Limit>) -> (Subscription, UnixTime, UnixTime) {
    let draft = shop.subscribe(NOW);
    let draft = shop.rate.into_iter().fold(draft, |draft, rate| draft.rate(rate));
    let draft = limit.into_iter().fold(draft, |draft, limit| draft.limit(limit));
    let mut subscription = draft.start(ENTROPY, NOW, later(DAY)).unwrap();
    pay(&mut subscription, shop, NOW);
    let SubscriptionState::Waiting(due) = subscription.state(NOW) else { panic!() };
    (subscription, due.due_at, at(due.window.end().0 + 1))
}

/// All invoices are above the limit, until no other one is asked for: when that is, and when it comes back.
fn is_too_dear(subscription: &mut Subscription, shop: &mut Shop, mut now: UnixTime) -> (UnixTime, UnixTime) {
    for _ in 0..500 {
        match subscription.poll(now, shop.rate).unwrap() {
            Action::Send(asked) => {
                let answer = shop.answer(deliver(&asked, 0x70), now).unwrap().unwrap();
                let _ = subscription.receive(deliver(&answer, 0x60), now).unwrap();
                *subscription = reload(subscription);
            }
            Action::WaitUntil(time) if matches!(subscription.state(now), SubscriptionState::Stopped(..)) => {
                return (now, time);
            }
            Action::WaitUntil(time) => now = time,
            other => panic!("{other:?}"),
        }
    }
    panic!("it asks for ever");
}

// REC-12: a price in bitcoin waits for its owner, and one in dollars for the rate; whoever allows more has it asked for
// at once.
#[test]
fn what_was_too_dear_is_asked_for_again_when_it_may_be_less() {
    let weekly = every(7, TimeUnit::Days);
    for mut shop in [Shop::new(weekly), Shop::in_dollars(weekly, 300, dollars(100_000))] {
        let in_dollars = shop.rate.is_some();
        let (mut subscription, due_at, closes) = paid_once(&mut shop, Some(Limit::AtMost(PRICE)));
        subscription.set_limit(Limit::AtMost(Msat(PRICE.0 - 1))).unwrap();
        let (now, comes_back) = is_too_dear(&mut subscription, &mut shop, due_at);
        assert!(now.0 < due_at.0 + WEEK / 2);
        let SubscriptionState::Stopped(due, reason) = subscription.state(now) else { panic!() };
        assert_eq!((due.counter, reason), (1, &EndReason::TooExpensive { amount: PRICE }));
        assert_eq!(comes_back, if in_dollars { at(now.0 + 3_600) } else { closes });
        let allows: [fn(&mut Subscription); 2] = [
            |subscription| subscription.set_limit(Limit::AtMost(PRICE)).unwrap(),
            |subscription| allow_once(subscription, PRICE).unwrap(),
        ];
        for allow in allows {
            let mut subscription = reload(&subscription);
            allow(&mut subscription);
            pay(&mut reload(&subscription), &mut shop.clone(), now);
        }
    }
}

// EXC-5: what cannot be sent at all has nothing to do with the rate.
#[test]
fn what_cannot_be_sent_waits_for_its_owner() {
    for mut shop in [Shop::new(daily()), Shop::in_dollars(daily(), 300, dollars(100_000))] {
        let limit = shop.rate.map(|_| Limit::Tolerance { basis_points: 100 });
        let (mut subscription, now, closes) = paid_once(&mut shop, limit);
        assert!(!subscription.unsendable(), "nothing is asked for");
        asks(&mut subscription, now, shop.rate);
        assert!(subscription.unsendable() && !subscription.unsendable());
        subscription = reload(&subscription);
        assert!(matches!(subscription.state(now), SubscriptionState::Stopped(_, EndReason::Unsendable)));
        assert_eq!(subscription.poll(now, shop.rate).unwrap(), Action::WaitUntil(closes));
        subscription.try_again();
        pay(&mut subscription, &mut shop, now);
        assert!(!subscription.unsendable(), "it is paid");
    }
    assert!(!Shop::new(daily()).start(NOW).unsendable());
}

// EXC-5: where the window is short, after half of what is left of it, but no sooner than after a minute.
#[test]
fn what_was_refused_is_tried_again_within_a_short_window() {
    for length in [3_600, 1_200, 600, 120] {
        let mut shop = Shop::with_one_path(every(length, TimeUnit::Seconds));
        let (mut subscription, due_at, closes) = paid_once(&mut shop, None);
        is_refused(&mut subscription, due_at);
        let now = at(due_at.0 + 1);
        let half = (closes.0 - 1 - now.0) / 2;
        assert_eq!(waits(&mut subscription, now), at((now.0 + half.max(60)).min(closes.0)));
    }
}
