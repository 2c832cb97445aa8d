//! A price in dollars over a year in which the dollar moves.

use bolt12::exchange::{Action, Limit, Progress, State, Subscription, SubscriptionEnd, SubscriptionState};
use bolt12::{ErrorKind, Msat, Rate, Rule};

use super::messages::NOW;
use super::shop::*;
use super::sides::deliver;

/// What a bitcoin is worth, in thousands of dollars, each month: once much less.
const WORTH: [u64; 12] = [100, 98, 103, 110, 121, 60, 118, 109, 99, 95, 101, 107];

/// 3 dollars at that worth, in msat.
fn cost(worth: u64) -> Msat {
    Msat(300_000_000_u64.div_ceil(worth))
}

fn start(shop: &Shop, limit: Limit) -> Subscription {
    let draft = shop.subscribe(NOW).limit(limit).rate(shop.rate.unwrap()).payments(12);
    draft.start(ENTROPY, NOW, later(600)).unwrap()
}

/// Asks for the payment that is due; the amount, if it may be paid.
fn ask(subscription: &mut Subscription, shop: &mut Shop, own: Rate, now: bolt12::UnixTime) -> Result<Msat, Msat> {
    loop {
        let asked = asks(subscription, now, Some(own));
        let answer = shop.answer(deliver(&asked, 0x70), now).unwrap().unwrap();
        let progress = subscription.receive(deliver(&answer, 0x60), now).unwrap();
        *subscription = reload(subscription);
        match subscription.payment().unwrap().state() {
            // Over the other path.
            State::Asking { .. } => assert!(matches!(progress, Progress::AskingAgain(Some(_)))),
            State::Quoted(quote) => {
                assert_eq!(progress, Progress::Quoted);
                return Ok(quote.amount());
            }
            State::NeedsApproval { quote, .. } => {
                assert_eq!(progress, Progress::NeedsApproval);
                return Err(quote.amount());
            }
            other => panic!("{other:?}"),
        }
    }
}

fn finish(subscription: &mut Subscription, shop: &mut Shop, now: bolt12::UnixTime) {
    subscription.begin(now, None).unwrap();
    let State::Paying(payable) = subscription.payment().unwrap().state() else { panic!() };
    subscription.paid(shop.is_paid(payable.payment_hash())).unwrap();
    *subscription = reload(subscription);
}

// REC-12: within the cap all is paid without asking; in the month above it nothing is, until the owner of the money
// says so; and after that all goes on, under the old cap.
#[test]
fn a_year_of_three_dollars_a_month() {
    let mut shop = Shop::in_dollars(monthly(), 300, dollars(100_000));
    let mut subscription = start(&shop, Limit::AtMost(Msat(4_000_000)));
    let mut now = NOW;
    for (month, worth) in WORTH.into_iter().enumerate() {
        shop.rate = Some(dollars(worth * 1000));
        let rate = shop.rate.unwrap();
        let asked = ask(&mut subscription, &mut shop, rate, now);
        if cost(worth) > Msat(4_000_000) {
            assert_eq!((month, asked), (5, Err(cost(worth))));
            // Nothing is paid, and it is asked for again, since the rate may come back.
            let again = waits(&mut subscription, now);
            assert!(again <= at(now.0 + 60), "{again}");
            assert_eq!(subscription.begin(now, None).unwrap_err().kind().code(), "amount_too_high");
            // Too little, and then enough.
            allow_once(&mut subscription, Msat(cost(worth).0 - 1)).unwrap();
            assert_eq!(subscription.begin(now, None).unwrap_err().kind().code(), "amount_too_high");
            now = at(now.0 + 3600);
            assert_eq!(ask(&mut subscription, &mut shop, rate, now), Err(cost(worth)));
            allow_once(&mut subscription, cost(worth)).unwrap();
            subscription = reload(&subscription);
        } else {
            assert_eq!(asked, Ok(cost(worth)), "month {month}");
        }
        finish(&mut subscription, &mut shop, now);
        assert_eq!(subscription.payment().unwrap().max_amount() == Msat(4_000_000), month != 5, "{month}");
        match subscription.state(now) {
            SubscriptionState::Waiting(due) => now = due.due_at,
            SubscriptionState::Ended(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ended(&mut subscription, now), SubscriptionEnd::Completed);
    assert_eq!(shop.paid.len(), 12);
}

// REC-12: the month above the cap is not agreed to, so it is missed, and said to be.
#[test]
fn a_month_that_is_too_expensive_can_end_it() {
    let mut shop = Shop::in_dollars(monthly(), 300, dollars(100_000));
    let mut subscription = start(&shop, Limit::AtMost(Msat(4_000_000)));
    let rate = shop.rate.unwrap();
    ask(&mut subscription, &mut shop, rate, NOW).unwrap();
    finish(&mut subscription, &mut shop, NOW);
    shop.rate = Some(dollars(50_000));
    let now = waits(&mut subscription, NOW);
    ask(&mut subscription, &mut shop, rate, now).unwrap_err();
    let SubscriptionState::Open(payment) = subscription.state(now) else { panic!() };
    let until = at(payment.deadline().0 + 1);
    assert!(matches!(ended(&mut reload(&subscription), until), SubscriptionEnd::Missed(due) if due.counter == 1));
    // Or it is cancelled before that, which the shop hears.
    let mut subscription = reload(&subscription);
    subscription.cancel();
    let said = asks(&mut subscription, now, None);
    assert!(shop.answer(deliver(&said, 0x70), now).unwrap().is_none());
    assert_eq!(shop.cancelled.len(), 1);
}

// REC-12: a tolerance is counted from the payer's own rate of the day, which follows the dollar.
#[test]
fn a_tolerance_follows_the_rate() {
    let mut shop = Shop::in_dollars(monthly(), 300, dollars(100_000));
    let mut subscription = start(&shop, Limit::Tolerance { basis_points: 200 });
    let mut now = NOW;
    for worth in WORTH {
        shop.rate = Some(dollars(worth * 1010));
        let own = dollars(worth * 1000);
        // The old rate is not good enough.
        let is_first = subscription.payments_made() == 0;
        let error = subscription.poll(now, None).unwrap_err();
        assert_eq!((error.kind(), error.rule()), (&ErrorKind::RateNeeded { currency: usd() }, Rule::Rec12));
        let euro = Rate::new("EUR".parse().unwrap(), bolt12::MinorUnits(1), Msat(1)).unwrap();
        let wrong = ErrorKind::WrongCurrency { expected: usd(), found: euro.currency() };
        assert_eq!(subscription.poll(now, Some(euro)).unwrap_err().kind(), &wrong);
        assert_eq!(subscription.payment().is_none(), is_first);
        ask(&mut subscription, &mut shop, own, now).unwrap();
        finish(&mut subscription, &mut shop, now);
        if let SubscriptionState::Waiting(due) = subscription.state(now) {
            // At the last rate.
            assert_eq!(due.amount, Some(cost(worth)));
            now = due.due_at;
        }
    }
    assert_eq!(shop.paid.len(), 12);

    // An issuer whose dollar is 3 % dearer than the payer's is not paid.
    let mut shop = Shop::in_dollars(monthly(), 300, dollars(100_000));
    let mut subscription = start(&shop, Limit::Tolerance { basis_points: 200 });
    shop.rate = Some(dollars(97_000));
    ask(&mut subscription, &mut shop, dollars(100_000), NOW).unwrap_err();
    assert_eq!(subscription.begin(NOW, None).unwrap_err().kind().code(), "amount_too_high");
    // From now on, somewhat more is allowed, and the quote is good.
    subscription.set_limit(Limit::Tolerance { basis_points: 400 }).unwrap();
    subscription.begin(NOW, None).unwrap();
}

// REC-12: while nobody answers, the limit moves with the rate.
#[test]
fn the_limit_of_an_unanswered_request_follows_the_rate() {
    let mut shop = Shop::in_dollars(monthly(), 300, dollars(100_000));
    let mut subscription = start(&shop, Limit::Tolerance { basis_points: 0 });
    asks(&mut subscription, NOW, shop.rate);
    assert_eq!(subscription.payment().unwrap().max_amount(), Msat(3_000_000));
    shop.rate = Some(dollars(150_000));
    let asked = asks(&mut subscription, later(300), shop.rate);
    assert_eq!(subscription.payment().unwrap().max_amount(), Msat(2_000_000));
    let answer = shop.answer(deliver(&asked, 0x70), later(300)).unwrap().unwrap();
    assert_eq!(subscription.receive(deliver(&answer, 0x60), later(300)).unwrap(), Progress::Quoted);
}

// EXC-9, REC-12: where the limit is an amount, what was quoted is not begun after the rate has moved by more than a
// per cent since, in either direction.
#[test]
fn a_quote_is_compared_with_the_rate_that_it_was_made_at() {
    let mut shop = Shop::in_dollars(monthly(), 300, dollars(100_000));
    for (own, is_near) in [(100_000, true), (100_900, true), (99_100, true), (102_000, false), (98_000, false)] {
        let mut subscription = start(&shop, Limit::AtMost(Msat(4_000_000)));
        assert_eq!(ask(&mut subscription, &mut shop, dollars(100_000), NOW), Ok(cost(100)));
        let begun = reload(&subscription).begin(NOW, Some(dollars(own)));
        assert_eq!(begun.is_ok(), is_near, "{own}");
        if let Err(error) = begun {
            let estimate = Msat(300_000_000_000_u64.div_ceil(own));
            assert_eq!((error.kind(), error.rule()), (&ErrorKind::OffPrice { estimate }, Rule::Exc9));
        }
        // So it is while nothing is begun: another is asked for.
        let action = subscription.poll(later(1), Some(dollars(own))).unwrap();
        assert_eq!(matches!(action, Action::WaitUntil(_)), is_near, "{action:?}");
    }
}

// RQW-3: an amount that was chosen is compared with the price when the subscription begins. Later on the issuer compares
// it, so no rate keeps it from being asked for.
#[test]
fn an_amount_that_was_chosen_is_asked_for_at_any_rate() {
    let mut shop = Shop::in_dollars(daily(), 300, dollars(100_000));
    let draft = shop.subscribe(NOW).amount(PRICE).rate(dollars(100_000));
    let mut subscription = draft.start(ENTROPY, NOW, later(600)).unwrap();
    pay(&mut subscription, &mut shop, NOW);
    let now = waits(&mut subscription, NOW);
    let asked = asks(&mut subscription, now, Some(dollars(50_000)));
    assert_eq!(request(&asked).amount(), Some(PRICE));
}

/// Limits that are none.
#[test]
fn limits_are_checked() {
    let shop = Shop::in_dollars(monthly(), 300, dollars(100_000));
    let draft = |limit| shop.subscribe(NOW).limit(limit).rate(dollars(100_000)).start(ENTROPY, NOW, later(600));
    let error = draft(Limit::AtMost(Msat(2_999_999))).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::AmountTooHigh { max: Msat(2_999_999) }, Rule::Exc7));
    let mut subscription = draft(Limit::AtMost(Msat(3_000_000))).unwrap();
    assert_eq!(subscription.set_limit(Limit::AtMost(Msat(0))).unwrap_err().kind(), &ErrorKind::Zero);
    assert_eq!(allow_once(&mut subscription, Msat(0)).unwrap_err().kind(), &ErrorKind::Zero);
    assert!(allow_once(&mut subscription, Msat(u64::MAX)).is_err());
    assert_eq!(subscription.limit(), Some(Limit::AtMost(Msat(3_000_000))));
    let amount = shop.subscribe(NOW).amount(Msat(1)).rate(dollars(100_000)).start(ENTROPY, NOW, later(600));
    assert_eq!(amount.unwrap_err().kind(), &ErrorKind::AmountTooLow { min: PRICE });
}

// REC-12, EXC-9: a quote may be off the price by the tolerance, above it and below, also at the rate of the last moment.
#[test]
fn a_tolerance_is_what_a_quote_may_be_off_by() {
    let mut shop = Shop::in_dollars(daily(), 300, dollars(100_000));
    let draft = shop.subscribe(NOW).rate(dollars(100_000)).limit(Limit::Tolerance { basis_points: 500 });
    let mut subscription = draft.start(ENTROPY, NOW, later(600)).unwrap();
    assert_eq!(quoted(&mut subscription, &mut shop, NOW), PRICE);
    for (worth, refusal) in
        [(94_000, Some("off_price")), (96_000, None), (104_000, None), (106_000, Some("amount_too_high"))]
    {
        let begun = reload(&subscription).begin(NOW, Some(dollars(worth)));
        assert_eq!(begun.err().map(|error| error.kind().code()), refusal, "{worth}");
    }
}
