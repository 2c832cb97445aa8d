//! What somebody decides, or learns late, while a payment is under way.

use bolt12::ErrorKind;
use bolt12::bitcoin::hashes::sha256;
use bolt12::exchange::{
    IncomingMessage, Limit, MessageArrival, Objection, Progress, State, Subscription, SubscriptionEnd,
    SubscriptionState,
};
use bolt12::{Field, Msat, Preimage, RecurrenceRequest, Rule};

use super::messages::NOW;
use super::shop::*;
use super::sides::deliver;

const LESS: Msat = Msat(PRICE.0 - 1);

fn double() -> Limit {
    Limit::AtMost(Msat(2 * PRICE.0))
}

/// Begins what is quoted.
#[track_caller]
fn begins(subscription: &mut Subscription, now: bolt12::UnixTime) -> sha256::Hash {
    subscription.begin(now, None).unwrap();
    let State::Paying(payable) = subscription.payment().unwrap().state() else { panic!() };
    payable.payment_hash()
}

/// Says that it failed, and gets a quote for another one.
fn fails_and_asks_again(subscription: &mut Subscription, shop: &mut Shop, now: bolt12::UnixTime) {
    fails(subscription);
    subscription.poll(now, None).unwrap();
    subscription.try_again();
    quoted(subscription, shop, now);
}

#[track_caller]
fn too_expensive(subscription: &Subscription, now: bolt12::UnixTime) {
    let SubscriptionState::Open(payment) = subscription.state(now) else { panic!() };
    let State::NeedsApproval { quote, objection } = payment.state() else { panic!("{:?}", payment.state()) };
    assert_eq!((quote.amount(), objection), (PRICE, Objection::AboveLimit { max: LESS }));
}

// REC-12: a cap that was lowered binds what was quoted before, whether it is begun or polled first.
#[test]
fn a_lowered_limit_binds_a_quote() {
    let lower: [fn(&mut Subscription); 2] = [
        |subscription| subscription.set_limit(Limit::AtMost(LESS)).unwrap(),
        |subscription| allow_once(subscription, LESS).unwrap(),
    ];
    for lower in lower {
        let mut shop = Shop::new(daily());
        let mut subscription = shop.subscribe(NOW).limit(double()).start(ENTROPY, NOW, later(600)).unwrap();
        quoted(&mut subscription, &mut shop, NOW);
        lower(&mut subscription);
        let mut polled = reload(&subscription);
        let refuses = |subscription: &mut Subscription| {
            let before = subscription.to_bytes();
            let error = subscription.begin(NOW, None).unwrap_err();
            assert_eq!((error.kind(), error.rule()), (&ErrorKind::AmountTooHigh { max: LESS }, Rule::Exc7));
            assert_eq!(error.field(), Some(Field::INVOICE_AMOUNT));
            assert_eq!(subscription.to_bytes(), before, "what is refused changes nothing");
        };
        refuses(&mut subscription);
        waits(&mut polled, NOW);
        too_expensive(&polled, NOW);
        for mut subscription in [subscription, polled] {
            refuses(&mut subscription);
            // Whoever owns the money thinks again, and the quote is still good.
            allow_once(&mut subscription, PRICE).unwrap();
            subscription = reload(&subscription);
            begins(&mut subscription, NOW);
        }
    }
}

// REC-12: what is raised, or lowered to no less than the quote, leaves the quote as it is.
#[test]
fn a_limit_that_is_kept_changes_nothing() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    quoted(&mut subscription, &mut shop, NOW);
    for max in [PRICE, Msat(2 * PRICE.0)] {
        subscription.set_limit(Limit::AtMost(max)).unwrap();
        allow_once(&mut subscription, max).unwrap();
        waits(&mut subscription, NOW);
    }
    begins(&mut subscription, later(60));
}

// REC-12: a rate that has moved since makes a quote too expensive for a tolerance.
#[test]
fn a_rate_that_fell_binds_a_quote() {
    let mut shop = Shop::in_dollars(daily(), 300, dollars(100_000));
    let draft = shop.subscribe(NOW).rate(dollars(100_000)).limit(Limit::Tolerance { basis_points: 100 });
    let mut subscription = draft.start(ENTROPY, NOW, later(600)).unwrap();
    assert_eq!(quoted(&mut subscription, &mut shop, NOW), PRICE);
    subscription.poll(NOW, Some(dollars(101_000))).unwrap();
    let mut same = reload(&subscription);
    begins(&mut same, NOW);
    // It is not paid, and another is asked for at once, which is cheaper.
    let error = subscription.begin(NOW, Some(dollars(102_000))).unwrap_err();
    assert_eq!((error.kind().code(), error.rule()), ("amount_too_high", Rule::Exc7));
    shop.rate = Some(dollars(102_000));
    assert!(quoted(&mut subscription, &mut shop, NOW) < PRICE);
    subscription.begin(NOW, shop.rate).unwrap();
}

// REC-8, EXC-18: less is left of a period when a quote is begun than when it was made. An hour is for clocks; after
// that another is asked for, which costs less.
#[test]
fn a_quote_is_for_what_was_left_about_when_it_was_made() {
    let mut shop = Shop::new(based(daily(), NOW, true));
    let now = later(DAY / 4);
    let mut subscription = shop.start(now);
    let amount = quoted(&mut subscription, &mut shop, now);
    begins(&mut reload(&subscription), at(now.0 + 3600));
    let late = at(now.0 + 7200);
    assert_eq!(subscription.begin(late, None).unwrap_err().kind().code(), "amount_too_high");
    assert!(quoted(&mut subscription, &mut shop, late) < amount);
    begins(&mut subscription, late);
}

// REC-12: nothing is begun outside of what was authorised.
#[test]
fn a_quote_is_begun_only_while_the_subscription_is_open() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.subscribe(NOW).until(later(60)).start(ENTROPY, NOW, later(600)).unwrap();
    quoted(&mut subscription, &mut shop, NOW);
    for now in [later(60), later(61)] {
        let SubscriptionState::Ended(end) = subscription.state(now) else { panic!() };
        assert_eq!(end, SubscriptionEnd::NotStarted, "nothing was paid, so nothing is completed");
        assert_eq!(subscription.begin(now, None).unwrap_err().kind().code(), "wrong_state");
    }
    begins(&mut subscription, later(59));
}

// EXC-4: what is refused changes nothing, not even what the payment may cost by now.
#[test]
fn a_refusal_to_begin_changes_nothing() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    quoted(&mut subscription, &mut shop, NOW);
    subscription.set_limit(double()).unwrap();
    let before = subscription.to_bytes();
    // The quote has expired.
    assert!(matches!(subscription.begin(later(7201), None).unwrap_err().kind(), ErrorKind::Expired { .. }));
    assert_eq!(subscription.to_bytes(), before);
}

// EXC-4, REC-12: a message that is refused changes nothing, not even what the payment may cost by now; an invoice is
// compared with what is authorised when it comes.
#[test]
fn a_lowered_limit_binds_an_invoice_on_its_way() {
    let mut shop = Shop::with_one_path(daily());
    let mut subscription = shop.start(NOW);
    let invoice = invoiced(&mut subscription, &mut shop, NOW);
    subscription.set_limit(Limit::AtMost(LESS)).unwrap();
    let before = subscription.to_bytes();
    let mut forged = invoice.clone();
    *forged.bytes.last_mut().unwrap() ^= 1;
    let elsewhere = IncomingMessage { arrival: MessageArrival::Direct, ..invoice.clone() };
    for refused in [forged, elsewhere] {
        assert!(subscription.receive(refused, NOW).is_err());
        assert_eq!(subscription.to_bytes(), before);
    }
    assert_eq!(subscription.receive(invoice, NOW).unwrap(), Progress::NeedsApproval);
    too_expensive(&subscription, NOW);
}

// The end of the calendar is not the end of what was agreed to.
#[test]
fn no_calendar_is_its_own_end() {
    let mut shop = Shop::new(every(5000 * 12, bolt12::TimeUnit::Months));
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    let end = ended(&mut subscription, NOW);
    assert_eq!(end, SubscriptionEnd::Overflow);
    assert_eq!(end.to_string(), "the next period is beyond the end of the calendar");
    assert_eq!(subscription.next_payments(NOW, 3), []);
}

// EXC-4: each invoice that was begun may turn out to be the one that was paid.
#[test]
fn any_of_two_failures_may_have_been_paid() {
    for paid in 0..2 {
        let mut shop = Shop::new(daily());
        let mut subscription = shop.start(NOW);
        quoted(&mut subscription, &mut shop, NOW);
        let first = begins(&mut subscription, NOW);
        fails_and_asks_again(&mut subscription, &mut shop, later(7300));
        let second = begins(&mut subscription, later(7300));
        fails(&mut subscription);
        let mut subscription = reload(&subscription);
        subscription.poll(later(15_000), None).unwrap();
        subscription.try_again();
        asks(&mut subscription, later(15_000), None);
        let hashes = [first, second];
        subscription.paid(shop.is_paid(hashes[paid])).unwrap();
        assert_eq!(subscription.payments_made(), 1);
        let State::Paid(receipt) = subscription.payment().unwrap().state() else { panic!() };
        assert_eq!(receipt.invoice().payment_hash(), hashes[paid]);
        // The other one, too: money was sent twice, and somebody has to hear of it.
        let basetime = subscription.basetime();
        let twice = subscription.paid(shop.is_paid(hashes[1 - paid])).unwrap_err();
        assert_eq!(twice.kind(), &ErrorKind::AlreadyAnswered);
        assert_eq!((subscription.payments_made(), subscription.basetime()), (1, basetime));
        // Also when the next one has been begun.
        let mut subscription = reload(&subscription);
        asks(&mut subscription, later(DAY + 15_000), None);
        let mut subscription = reload(&subscription);
        subscription.paid(shop.is_paid(hashes[paid])).unwrap();
        let twice = subscription.paid(shop.is_paid(hashes[1 - paid])).unwrap_err();
        assert_eq!(twice.kind(), &ErrorKind::AlreadyAnswered);
        assert_eq!((subscription.payments_made(), subscription.basetime()), (1, basetime));
    }
}

// EXC-4: what is being paid while another one turns out to be paid is not forgotten.
#[test]
fn what_is_on_its_way_beside_a_late_preimage_is_known() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    quoted(&mut subscription, &mut shop, NOW);
    let first = begins(&mut subscription, NOW);
    fails_and_asks_again(&mut subscription, &mut shop, later(7300));
    let second = begins(&mut subscription, later(7300));
    subscription.paid(shop.is_paid(first)).unwrap();
    let mut subscription = reload(&subscription);
    assert_eq!((subscription.payments_made(), subscription.basetime()), (1, Some(NOW)));
    assert!(subscription.payment().unwrap().failed_hashes().any(|hash| hash == second));
    let twice = subscription.paid(shop.is_paid(second)).unwrap_err();
    assert_eq!(twice.kind(), &ErrorKind::AlreadyAnswered);
    assert_eq!(subscription.payments_made(), 1);
}

// REC-11: a preimage that comes after the cancellation still counts, and is what the cancellation comes after.
#[test]
fn a_late_preimage_after_cancelling_counts() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    quoted(&mut subscription, &mut shop, later(DAY));
    let hash = begins(&mut subscription, later(DAY));
    fails(&mut subscription);
    subscription.cancel();
    subscription.paid(shop.is_paid(hash)).unwrap();
    let said = asks(&mut reload(&subscription), later(DAY), None);
    assert_eq!(request(&said).recurrence(), Some(RecurrenceRequest { counter: 2, start: None, cancel: true }));
    assert!(shop.answer(deliver(&said, 0x70), later(DAY)).unwrap().is_none());
}

// EXC-4: an event that comes twice, the second time when the next payment is under way, is no news.
#[test]
fn an_event_is_replayed() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    let hash = pay(&mut subscription, &mut shop, NOW).payment_hash();
    let preimage = shop.is_paid(hash);
    let other = Preimage([7; 32]);
    asks(&mut subscription, later(DAY), None);
    let mut subscription = reload(&subscription);
    subscription.paid(preimage).unwrap();
    assert_eq!(subscription.paid(other).unwrap_err().kind().code(), "wrong_state");
    quoted(&mut subscription, &mut shop, later(DAY + 5_400));
    subscription.paid(preimage).unwrap();
    begins(&mut subscription, later(DAY + 5_400));
    subscription.paid(preimage).unwrap();
    assert_eq!(subscription.paid(other).unwrap_err().kind(), &ErrorKind::WrongPreimage);
    assert!(matches!(subscription.payment().unwrap().state(), State::Paying(_)));
    assert_eq!(subscription.payments_made(), 1);
}
