//! The rate moves between draft and invoice, in both directions (OFR-10, EXC-7, ERR-2, RQR-9).

use bolt12::exchange::{
    Action, Attempt, CURRENCY_RELATIVE_EXPIRY, Draft, EndReason, IncomingMessage, Limit, MAX_RENEWALS, MessageArrival,
    Objection, OffersMessage, OffersMessageKind, Payer, Payment, Progress, Refused, State,
};
use bolt12::{ErrorKind, Field, InvoiceError, MinorUnits, Msat, Offer, OfferAmount, Preimage, Rate, Rule, UnixTime};
use proptest::prelude::*;

use super::messages::NOW;
use super::plan::usd;
use super::sides::{self, CHAINS, copy, deliver, issuer, own_offer, payer, terms, try_begin};

const DEADLINE: UnixTime = UnixTime(NOW.0 + 3600);

/// 3.50 dollars: 3,500,000 msat at 100,000 dollars for a bitcoin.
fn coffee() -> Offer {
    own_offer(&issuer(), 1, |offer| {
        offer.description("coffee").amount(OfferAmount::Currency { currency: usd(), amount: MinorUnits(350) })
    })
}

/// So many dollars for a bitcoin.
fn at(dollars: &str) -> Rate {
    Rate::per_bitcoin(usd(), dollars).unwrap()
}

fn begin(offer: &Offer, fill: impl FnOnce(Draft) -> Draft) -> Payment {
    let draft = payer().draft(offer, NOW, CHAINS).unwrap().rate(at("100000.00"));
    fill(draft).start([3; 32], NOW, DEADLINE).unwrap()
}

fn one_per_cent(draft: Draft) -> Draft {
    draft.limit(Limit::Tolerance { basis_points: 100 })
}

/// Asks once, and is answered by an issuer who knows another rate.
fn exchange(payment: &mut Payment, now: UnixTime, rate: Rate) -> Result<Progress, Box<Refused>> {
    let Action::Send(asked) = payment.poll(now).unwrap() else { panic!("{:?}", payment.state()) };
    let arrival = MessageArrival::Path(asked.reply_path_id.unwrap());
    let received = issuer().receive(deliver(&asked, 0x70)).unwrap();
    assert_eq!(received.currency(), Some(usd()));
    assert_eq!(received.due(None).unwrap_err().kind(), &ErrorKind::RateNeeded { currency: usd() });
    let answer = match received.accept(&terms(now, Some(rate))) {
        Ok(accepted) => {
            let (_, invoice) = sides::invoice(&accepted);
            accepted.answer(invoice).unwrap()
        }
        Err(refused) => refused.answer().unwrap().clone(),
    };
    let incoming = IncomingMessage {
        kind: answer.message.kind(),
        bytes: answer.message.as_bytes().to_vec(),
        arrival,
        reply_path: None,
    };
    match answer.message {
        OffersMessage::Invoice(_) => payment.receive(incoming, now),
        _ => payment.receive(incoming, now),
    }
}

fn quoted(payment: &Payment) -> (Msat, Option<i64>) {
    let State::Quoted(quote) = payment.state() else { panic!("{:?}", payment.state()) };
    assert_eq!(quote.estimate(), Some(Msat(3_500_000)));
    (quote.amount(), quote.difference_basis_points())
}

/// OFR-10, EXC-7: up to the limit it is a quote, which says how far it is from the estimate; a millisatoshi above it
/// is not.
#[test]
fn the_rate_moves_within_and_beyond_the_tolerance() {
    let offer = coffee();
    for (rate, expected) in [
        // A bitcoin is worth less: more of it is due.
        (at("99500.00"), Some((Msat(3_517_588), Some(50)))),
        (Rate::new(usd(), MinorUnits(350), Msat(3_535_000)).unwrap(), Some((Msat(3_535_000), Some(100)))),
        (Rate::new(usd(), MinorUnits(350), Msat(3_535_001)).unwrap(), None),
        (at("99000.00"), None),
        (at("50000.00"), None),
        // It is worth more: the payer gains, up to what cannot be right.
        (at("100000.00"), Some((Msat(3_500_000), Some(0)))),
        (at("101000.00"), Some((Msat(3_465_347), Some(-99)))),
        (at("200000.00"), None),
    ] {
        let mut payment = begin(&offer, one_per_cent);
        assert_eq!(payment.max_amount(), Msat(3_535_000));
        match (exchange(&mut payment, NOW, rate).unwrap(), expected) {
            (Progress::Quoted, Some(expected)) => {
                assert_eq!(quoted(&payment), expected);
                let State::Quoted(quote) = payment.state() else { panic!() };
                // The issuer bears the risk for ten minutes.
                assert_eq!(quote.expires_at(), NOW.saturating_add(CURRENCY_RELATIVE_EXPIRY));
            }
            (Progress::NeedsApproval, None) => assert!(matches!(payment.state(), State::NeedsApproval { .. })),
            other => panic!("{rate:?}: {other:?}"),
        }
    }
}

/// EXC-9: after the last time that another invoice is asked for because of the price, nothing is to be done until the
/// quote expires.
#[test]
fn after_the_last_renewal_there_is_nothing_to_wake_up_for() {
    let draft = one_per_cent(payer().draft(&coffee(), NOW, CHAINS).unwrap().rate(at("100000.00")));
    let mut payment = draft.start([3; 32], NOW, UnixTime(NOW.0 + 86_400)).unwrap();
    let mut now = NOW;
    for renewals in 0..=MAX_RENEWALS {
        assert_eq!(exchange(&mut payment, now, at("90000.00")).unwrap(), Progress::NeedsApproval);
        let State::NeedsApproval { quote, .. } = payment.state() else { panic!() };
        let (expires_at, before) = (quote.expires_at(), now);
        let Action::WaitUntil(wake) = payment.poll(now).unwrap() else { panic!("{:?}", payment.state()) };
        now = wake;
        if renewals == MAX_RENEWALS {
            assert_eq!(now, UnixTime(expires_at.0 + 1));
        } else {
            assert!(now > before && now <= UnixTime(before.0 + 320), "{renewals}");
        }
    }
    assert_eq!(payment.poll(now).unwrap(), Action::Nothing);
    assert!(matches!(payment.state(), State::Ended(EndReason::TooExpensive { .. })));
}

/// EXC-7: without a rate of its own, the payer fixes a most.
#[test]
fn a_fixed_limit_needs_no_rate() {
    let offer = coffee();
    for (rate, progress) in [("100000.00", Progress::Quoted), ("99999.99", Progress::NeedsApproval)] {
        let draft = payer().draft(&offer, NOW, CHAINS).unwrap().limit(Limit::AtMost(Msat(3_500_000)));
        assert_eq!((draft.needs(), draft.cost().unwrap()), (vec![], None));
        let mut payment = draft.start([3; 32], NOW, DEADLINE).unwrap();
        assert_eq!(exchange(&mut payment, NOW, at(rate)).unwrap(), progress);
        if let State::Quoted(quote) = payment.state() {
            assert_eq!((quote.estimate(), quote.difference_basis_points()), (None, None));
        }
    }
}

/// ERR-2, RQR-9: the amount that the payer named was the price a moment ago. The issuer suggests today's, and that
/// drives one new request, within what was authorised.
#[test]
fn a_suggested_amount_drives_one_new_request() {
    let offer = coffee();
    let named = |limit| begin(&offer, |draft| draft.amount(Msat(3_500_000)).limit(Limit::AtMost(Msat(limit))));
    let mut payment = named(3_600_000);
    assert_eq!(exchange(&mut payment, NOW, at("99000.00")).unwrap(), Progress::AskingAgain(None));
    let mut again = copy(&payer(), &payment);
    assert_eq!(exchange(&mut payment, NOW, at("99000.00")).unwrap(), Progress::Quoted);
    // Now as an amount that the request names (IVR-11).
    assert_eq!(quoted(&payment), (Msat(3_535_354), Some(101)));
    // It moves on: again, as long as that is within the limit.
    assert_eq!(exchange(&mut again, NOW, at("98000.00")).unwrap(), Progress::AskingAgain(None));
    assert_eq!(exchange(&mut again, NOW, at("97000.00")).unwrap(), Progress::Ended);
    let State::Ended(EndReason::Refused(told)) = again.state() else { panic!() };
    assert_eq!(told.erroneous_field(), Some(Field::INVREQ_AMOUNT));
    // The tip absorbs a small move: what was named is paid.
    let mut tipped = begin(&offer, |draft| draft.amount(Msat(3_850_000)));
    assert_eq!(exchange(&mut tipped, NOW, at("95000.00")).unwrap(), Progress::Quoted);
    let State::Quoted(quote) = tipped.state() else { panic!() };
    assert_eq!((quote.amount(), quote.difference_basis_points()), (Msat(3_850_000), Some(0)));
    // Not beyond the limit.
    assert_eq!(exchange(&mut named(3_535_353), NOW, at("99000.00")).unwrap(), Progress::Ended);
}

/// ERR-2: nothing else that an error suggests drives anything.
#[test]
fn nothing_but_a_higher_amount_is_followed() {
    let offer = coffee();
    let named = || {
        let mut payment = begin(&offer, |draft| draft.amount(Msat(3_500_000)).limit(Limit::AtMost(Msat(4_000_000))));
        let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!() };
        (payment, MessageArrival::Path(asked.reply_path_id.unwrap()))
    };
    let suggested = |amount: u64| super::naive::truncated(amount);
    let error = || InvoiceError::new("another, please").unwrap();
    for (told, progress) in [
        (error().about(Field::INVREQ_AMOUNT, Some(&suggested(3_600_000))), Progress::AskingAgain(None)),
        (error().about(Field::INVREQ_AMOUNT, Some(&suggested(4_000_000))), Progress::AskingAgain(None)),
        (error().about(Field::INVREQ_AMOUNT, Some(&suggested(4_000_001))), Progress::Ended),
        (error().about(Field::INVREQ_AMOUNT, Some(&suggested(3_500_000))), Progress::Ended),
        (error().about(Field::INVREQ_AMOUNT, Some(&suggested(3_400_000))), Progress::Ended),
        (error().about(Field::INVREQ_AMOUNT, None), Progress::Ended),
        (error().about(Field::OFFER_AMOUNT, Some(&suggested(3_600_000))), Progress::Ended),
        (error().about(Field::INVREQ_QUANTITY, Some(&suggested(2))), Progress::Ended),
        (Ok(error()), Progress::Ended),
    ] {
        let (mut payment, arrival) = named();
        let incoming = IncomingMessage {
            kind: OffersMessageKind::InvoiceError,
            bytes: told.unwrap().into_bytes(),
            arrival,
            reply_path: None,
        };
        assert_eq!(payment.receive(incoming, NOW).unwrap(), progress);
    }
}

/// EXC-7: a quote that has gone stale before it is paid is asked for again, at the new rate and within the old limit.
#[test]
fn a_stale_quote_is_renewed_at_the_new_rate() {
    let offer = coffee();
    let mut payment = begin(&offer, one_per_cent);
    assert_eq!(exchange(&mut payment, NOW, at("100000.00")).unwrap(), Progress::Quoted);
    let stale = UnixTime(NOW.0 + 601);
    let error = try_begin(&mut payment, stale).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::Expired { at: UnixTime(NOW.0 + 600) }, Rule::Ivr4));
    let mut dearer = copy(&payer(), &payment);
    assert_eq!(exchange(&mut payment, stale, at("99500.00")).unwrap(), Progress::Quoted);
    assert_eq!(quoted(&payment), (Msat(3_517_588), Some(50)));
    try_begin(&mut payment, stale).unwrap();
    // The limit holds all the same.
    assert_eq!(exchange(&mut dearer, stale, at("98000.00")).unwrap(), Progress::NeedsApproval);
    assert!(matches!(dearer.state(), State::NeedsApproval { objection: Objection::AboveLimit { .. }, .. }));
}

/// EXC-7: a payment that failed keeps its quote as long as that is good, and no longer.
#[test]
fn a_payment_that_failed_is_tried_again_and_not_renewed() {
    let offer = coffee();
    let mut payment = begin(&offer, one_per_cent);
    let preimage = {
        let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!() };
        let received = issuer().receive(deliver(&asked, 0x70)).unwrap();
        let accepted = received.accept(&terms(NOW, Some(at("100000.00")))).unwrap();
        let (preimage, invoice) = sides::invoice(&accepted);
        let answer = deliver(&accepted.answer(invoice).unwrap(), 0x60);
        assert_eq!(payment.receive(answer, NOW).unwrap(), Progress::Quoted);
        preimage
    };
    try_begin(&mut payment, NOW).unwrap();
    sides::fail(&mut payment);
    assert_eq!(payment.failed(Attempt(1)).unwrap_err().kind().code(), "wrong_state");
    try_begin(&mut payment, UnixTime(NOW.0 + 600)).unwrap();
    sides::fail(&mut payment);
    // EXC-4: another invoice has another payment hash, and this one could still turn out to be paid.
    assert_eq!(payment.poll(UnixTime(NOW.0 + 601)).unwrap(), Action::Nothing);
    assert!(matches!(payment.state(), State::Ended(EndReason::QuoteExpired)));
    let mut payment = copy(&payer(), &payment);
    assert_eq!(payment.paid(Preimage([0; 32])).unwrap_err().kind(), &ErrorKind::WrongPreimage);
    payment.paid(preimage).unwrap();
    assert!(matches!(payment.state(), State::Paid(_)));
}

proptest! {
    /// RQR-9, OFR-10: exact, and rounded up by less than a millisatoshi, never below.
    #[test]
    fn conversion_is_exact(cents in 1u64.., per in 1u64.., msat in 1u64..) {
        let rate = Rate::new(usd(), MinorUnits(per), Msat(msat)).unwrap();
        let exact = u128::from(cents) * u128::from(msat);
        match rate.convert(OfferAmount::Currency { currency: usd(), amount: MinorUnits(cents) }) {
            Ok(due) => {
                let due = u128::from(due.0);
                prop_assert!(due * u128::from(per) >= exact);
                prop_assert!((due - 1) * u128::from(per) < exact);
            }
            Err(error) => {
                prop_assert_eq!(error.kind(), &ErrorKind::Overflow);
                prop_assert!(exact > u128::from(u64::MAX) * u128::from(per));
            }
        }
        let eur = "EUR".parse().unwrap();
        let refused = rate.convert(OfferAmount::Currency { currency: eur, amount: MinorUnits(cents) }).unwrap_err();
        prop_assert_eq!(refused.kind(), &ErrorKind::WrongCurrency { expected: eur, found: usd() });
        prop_assert_eq!(rate.convert(OfferAmount::Bitcoin(Msat(cents))).unwrap(), Msat(cents));
    }

    /// EXC-7: a tolerance is rounded down, so that nothing above it is authorised.
    #[test]
    fn a_tolerance_is_exact(cents in 1u64..1_000_000, per in 1_000u64..1_000_000_000, basis_points in 0u32..100_000) {
        let offer = own_offer(&issuer(), 1, |offer| {
            offer.description("tea").amount(OfferAmount::Currency { currency: usd(), amount: MinorUnits(cents) })
        });
        let rate = Rate::new(usd(), MinorUnits(per), Msat(100_000_000)).unwrap();
        let payer = Payer::new([2; 32]);
        let draft = payer.draft(&offer, NOW, CHAINS).unwrap().rate(rate).limit(Limit::Tolerance { basis_points });
        let cost = draft.cost().unwrap().unwrap();
        let max = draft.start([3; 32], NOW, DEADLINE).unwrap().max_amount();
        let exact = u128::from(cost.0) * u128::from(10_000 + basis_points);
        prop_assert!(u128::from(max.0) * 10_000 <= exact && exact < u128::from(max.0 + 1) * 10_000);
        prop_assert!(max >= cost);
    }
}

/// What exchanges write is read exactly, or refused.
#[test]
fn prices_of_a_bitcoin() {
    let ok = |price, digits, minor_units, msat| {
        let expected = Rate::new(usd(), MinorUnits(minor_units), Msat(msat)).unwrap();
        assert_eq!(Rate::per_bitcoin_with_minor_unit(usd(), price, digits).unwrap(), expected, "{price}");
    };
    ok("97123", 2, 9_712_300, 100_000_000_000);
    ok("97123.4", 2, 9_712_340, 100_000_000_000);
    ok("97123.45", 2, 9_712_345, 100_000_000_000);
    ok("97123.", 2, 9_712_300, 100_000_000_000);
    ok(".5", 2, 50, 100_000_000_000);
    ok("0097123", 0, 97_123, 100_000_000_000);
    ok("15000000.25", 0, 1_500_000_025, 10_000_000_000_000);
    ok("29123.4567", 3, 291_234_567, 1_000_000_000_000);
    ok("0.00000001", 2, 1, 100_000_000_000_000_000);
    ok("18446744073709551615", 0, u64::MAX, 100_000_000_000);
    // Whatever a floating-point number is printed as, without what is too small to count.
    ok("97123.45670000001", 2, 971_234_567_000_000, 10_000_000_000_000_000_000);
    ok("97123.4567000000199999999999999999999999999", 2, 971_234_567_000_000, 10_000_000_000_000_000_000);
    ok("15000000.123456789", 0, 1_500_000_012_345_678, 10_000_000_000_000_000_000);
    let refused = |price: &str, digits| {
        let error = Rate::per_bitcoin_with_minor_unit(usd(), price, digits).unwrap_err();
        assert_eq!((error.kind(), error.field()), (&ErrorKind::InvalidRate, None), "{price}");
    };
    for price in
        ["", ".", "1,5", "1.2.3", "-1", "+1", "1e5", " 1", "1 ", "٣", "1.٣", "NaN", "0", "0.00", "0.00000000001"]
    {
        refused(price, 2);
    }
    // Last digits that do not fit do not count either.
    ok("8912345678.1234567890123", 2, 8_912_345_678_123_456_789, 1_000_000_000_000_000_000);
    ok("200000000.1234567890", 3, 2_000_000_001_234_567_890, 1_000_000_000_000_000_000);
    for price in ["97123.4500000000.9", "1.2345678901.5", "1.0000000000.", "97.1234567890.12"] {
        refused(price, 2);
    }
    // Also beyond what counts.
    refused("1.0000000000000x", 2);
    refused("18446744073709551616", 0);
    refused("18446744073709551615", 1);
    refused("1", 20);
    refused("1", 255);
}
