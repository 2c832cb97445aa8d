//! What was sold comes back with the money, and is taken once (EXC-22); what comes is compared with the price of today
//! (EXC-9).

use std::time::Duration;

use bolt12::exchange::{Accepted, Action, ExpectedPayment, MAX_SALE_DATA, Payee, Payer, Payment, TakenPayments, Terms};
use bolt12::{
    CurrencyCode, ErrorKind, MinorUnits, Msat, Offer, OfferAmount, OfferBuilder, Quantity, Rate, Rule, UnixTime,
};
use proptest::prelude::*;

use super::messages::NOW;
use super::plan::usd;
use super::sides::{CHAINS, deliver, own_offer, terms};

const DAY: u64 = 86_400;

fn payee() -> Payee {
    Payee::new([1; 32])
}

fn at(price: &str) -> Rate {
    Rate::per_bitcoin(usd(), price).unwrap()
}

fn coffee(offer: OfferBuilder) -> OfferBuilder {
    let price = OfferAmount::Currency { currency: usd(), amount: MinorUnits(350) };
    offer.description("coffee").amount(price).quantity_max(Quantity::Unlimited)
}

fn ask(offer: &Offer, quantity: u64) -> (Payment, bolt12::exchange::OutgoingMessage) {
    let limit = bolt12::exchange::Limit::AtMost(Msat(1_000_000_000));
    let draft = Payer::new([2; 32]).draft(offer, NOW, CHAINS).unwrap().quantity(quantity).limit(limit);
    let mut payment = draft.start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!() };
    (payment, *asked)
}

fn accepted(offer: &Offer, quantity: u64, now: UnixTime, rate: &str) -> Accepted {
    let (_, asked) = ask(offer, quantity);
    payee().receive(deliver(&asked, 0x70)).unwrap().accept(&terms(now, Some(at(rate)))).unwrap()
}

fn found(expected: &ExpectedPayment) -> ExpectedPayment {
    payee().expected_payment(expected.payment_hash(), expected.path_id.as_ref()).unwrap()
}

// EXC-2, EXC-22
#[test]
fn what_was_sold_comes_back_with_the_money() {
    let offer = own_offer(&payee(), 1, coffee);
    let accepted = accepted(&offer, 3, NOW, "100000.00").sale_data(b"order 17").unwrap();
    // A replica, after a crash.
    let accepted = payee().load_accepted(&accepted.to_bytes()).unwrap();
    let found = found(&accepted.expected_payment());
    let sale = &found.sale;
    assert_eq!((sale.offer_id, sale.payer_id), (offer.id(), accepted.request().payer_id()));
    assert_eq!((sale.quantity, sale.quoted_at, &sale.data[..]), (Some(3), NOW, &b"order 17"[..]));
    assert_eq!(sale.price, Some((usd(), MinorUnits(1_050))));
    assert_eq!((found.amount, found.expires_at), (Msat(10_500_000), UnixTime(NOW.0 + 600)));
    // It fits into an onion: what a path id may take, and no more.
    let most = accepted.clone().sale_data(&[7; MAX_SALE_DATA]).unwrap().expected_payment();
    assert!(most.path_id.0.len() <= 238, "{}", most.path_id.0.len());
    assert!(accepted.sale_data(&[7; MAX_SALE_DATA + 1]).is_err());
    // Nobody else reads it, and it says nothing of what is in it.
    assert_eq!(Payee::new([9; 32]).expected_payment(most.payment_hash(), most.path_id.as_ref()), None);
    assert!(!most.path_id.0.windows(3).any(|bytes| bytes == b"USD" || bytes == [7; 3]));
}

// EXC-22
#[test]
fn a_payment_is_taken_once_and_so_is_a_request() {
    let offer = own_offer(&payee(), 1, coffee);
    let first = accepted(&offer, 1, NOW, "100000.00").expected_payment();
    let later = UnixTime(NOW.0 + 60);
    let second = accepted(&offer, 1, later, "99000.00").expected_payment();
    assert_ne!(first.payment_hash(), second.payment_hash());
    let other = accepted(&offer, 2, NOW, "100000.00").expected_payment();
    let mut taken = TakenPayments::new();
    assert!(taken.is_empty());
    taken.take(&first, b"one", NOW).unwrap();
    assert_eq!((taken.len(), taken.is_empty()), (1, false));
    let mut taken = payee().load_taken(&taken.to_bytes(&payee())).unwrap();
    // After a start the node says again what it holds: that is the same payment, and to be settled, even late.
    assert!(taken.has(&first, b"one") && !taken.has(&first, b"two") && !taken.has(&second, b"one"));
    for now in [later, UnixTime(NOW.0 + 601)] {
        let before = taken.clone();
        taken.take(&first, b"one", now).unwrap();
        assert_eq!(taken, before);
    }
    for (again, id) in [(&first, b"two"), (&second, b"one"), (&second, b"two")] {
        let error = taken.take(again, id, later).unwrap_err();
        assert_eq!((error.kind(), error.rule()), (&ErrorKind::AlreadyTaken, Rule::Exc22));
    }
    taken.take(&other, b"one", later).unwrap();
    assert_eq!(taken.len(), 2);
    // What has expired cannot be paid any more, so it is forgotten, and the second invoice no sooner than it expires.
    let error = taken.take(&first, b"two", UnixTime(NOW.0 + 601)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Expired { .. }));
    assert_eq!(taken.take(&second, b"two", UnixTime(NOW.0 + 660)).unwrap_err().kind(), &ErrorKind::AlreadyTaken);
    assert!(Payee::new([9; 32]).load_taken(&taken.to_bytes(&payee())).is_err());
}

// EXC-22: a node may say again for a day what it holds; then nothing is left of it.
#[test]
fn what_was_taken_is_forgotten_a_day_after_its_invoice_has_expired() {
    let offer = own_offer(&payee(), 1, coffee);
    let first = accepted(&offer, 1, NOW, "100000.00").expected_payment();
    let mut taken = TakenPayments::new();
    taken.take(&first, b"one", NOW).unwrap();
    let until = first.expires_at.0 + DAY;
    for (now, is_remembered) in [(until, true), (until + 1, false)] {
        let (mut taken, now) = (taken.clone(), UnixTime(now));
        let other = accepted(&offer, 2, now, "100000.00").expected_payment();
        taken.take(&other, b"one", now).unwrap();
        assert_eq!((taken.has(&first, b"one"), taken.len()), (is_remembered, if is_remembered { 2 } else { 1 }));
    }
}

// EXC-22: none of a request's invoices is taken beside another, however much later it expires.
#[test]
fn a_request_counts_as_taken_until_the_last_of_its_invoices_has_expired() {
    let offer = own_offer(&payee(), 1, coffee);
    let later = UnixTime(NOW.0 + 60);
    let first = accepted(&offer, 1, NOW, "100000.00").expected_payment();
    let week = Duration::from_secs(7 * DAY);
    let last = accepted(&offer, 1, later, "100000.00").relative_expiry(week).expected_payment();
    let between = accepted(&offer, 1, later, "99000.00").expected_payment();
    let mut taken = TakenPayments::new();
    taken.take(&first, b"one", NOW).unwrap();
    for (again, now) in
        [(&last, later), (&between, later), (&last, UnixTime(NOW.0 + 3 * DAY)), (&last, last.expires_at)]
    {
        let mut loaded = payee().load_taken(&taken.to_bytes(&payee())).unwrap();
        assert_eq!(loaded.take(again, b"two", now).unwrap_err().kind(), &ErrorKind::AlreadyTaken);
        taken = loaded;
    }
}

// IVR-4, EXC-22
#[test]
fn what_comes_is_compared_with_what_is_due() {
    let expected = found(&accepted(&own_offer(&payee(), 1, coffee), 1, NOW, "100000.00").expected_payment());
    let until = expected.expires_at;
    assert_eq!(
        expected.check(Msat(3_499_999), NOW).unwrap_err().kind(),
        &ErrorKind::AmountTooLow { min: Msat(3_500_000) }
    );
    expected.check(Msat(3_500_000), until).unwrap();
    expected.check(Msat(7_000_000), NOW).unwrap();
    assert!(matches!(expected.check(Msat(7_000_001), NOW).unwrap_err().kind(), ErrorKind::AmountTooHigh { .. }));
    assert!(matches!(
        expected.check(Msat(3_500_000), UnixTime(until.0 + 1)).unwrap_err().kind(),
        ErrorKind::Expired { .. }
    ));
}

// EXC-9: an issuer whose rate is old says so, rather than a wrong price; a repeated request gets the price of today.
#[test]
fn an_old_rate_makes_no_price() {
    let offer = own_offer(&payee(), 1, coffee);
    let (_, asked) = ask(&offer, 1);
    let received = payee().receive(deliver(&asked, 0x70)).unwrap();
    let aged = |seconds| Terms {
        rate: Some(at("100000.00")),
        rate_age: Duration::from_secs(seconds),
        max_rate_age: Duration::from_secs(600),
        ..Terms::new(NOW, CHAINS)
    };
    let today = received.clone().accept(&aged(600)).unwrap();
    let refused = received.clone().accept(&aged(601)).unwrap_err();
    assert_eq!((refused.error().kind(), refused.error().rule()), (&ErrorKind::StaleRate { max_age: 600 }, Rule::Exc9));
    let bolt12::exchange::OffersMessage::InvoiceError(told) = &refused.answer().unwrap().message else { panic!() };
    assert_eq!(told.error().unwrap().as_raw(), "the exchange rate is not known right now: please try again later");
    let tomorrow = received.accept(&terms(UnixTime(NOW.0 + 60), Some(at("90000.00")))).unwrap();
    assert!(tomorrow.amount() > today.amount());
    // What is priced in bitcoin needs no rate.
    let tea = own_offer(&payee(), 1, |offer| offer.description("tea").amount_msat(Msat(9_000)));
    let draft = Payer::new([2; 32]).draft(&tea, NOW, CHAINS).unwrap();
    let mut payment = draft.start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!() };
    assert!(payee().receive(deliver(&asked, 0x70)).unwrap().accept(&aged(100_000)).is_ok());
}

proptest! {
    /// EXC-9: what comes is taken as long as it is within the tolerance of the price at the rate of that moment, in
    /// either direction.
    #[test]
    fn what_comes_is_compared_with_the_price_of_today(
        quoted in 1_000_000u64..50_000_000,
        now in 1_000_000u64..50_000_000,
        tolerance in 0u32..3_000,
        quantity in 1u64..50,
    ) {
        let rate = |cents| Rate::new(usd(), MinorUnits(cents), Msat(100_000_000_000)).unwrap();
        let (_, asked) = ask(&own_offer(&payee(), 1, coffee), quantity);
        let accepted = payee().receive(deliver(&asked, 0x70)).unwrap().accept(&terms(NOW, Some(rate(quoted)))).unwrap();
        let expected = found(&accepted.expected_payment());
        let estimate = rate(now)
            .convert(OfferAmount::Currency { currency: usd(), amount: MinorUnits(350 * quantity) })
            .unwrap();
        let most = u128::from(estimate.0) * u128::from(tolerance) / 10_000;
        let is_near = u128::from(expected.amount.0.abs_diff(estimate.0)) <= most;
        prop_assert_eq!(expected.check_price(rate(now), tolerance).is_ok(), is_near);
        let euro: CurrencyCode = "EUR".parse().unwrap();
        let other = Rate::new(euro, MinorUnits(1), Msat(1)).unwrap();
        prop_assert!(expected.check_price(other, tolerance).is_err());
    }
}
