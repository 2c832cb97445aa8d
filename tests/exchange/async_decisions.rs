//! Payments whose payee may be asleep: to the second, and as any other as long as the payee answers itself.

use super::async_payments::*;
use super::messages::{NOW, issuer, key, path, payinfo};
use super::sides::{CHAINS, is_about};
use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::exchange::{
    Action, AsyncPayment, AsyncProgress, AsyncState, Attempt, EndReason, FeeLimit, Limit, Objection, OffersMessage,
    OffersMessageKind, OutgoingMessage, Progress, Release, State,
};
use bolt12::secp256k1::schnorr;
use bolt12::{
    ErrorKind, InvoiceBuilder, InvoiceError, Msat, Offer, OfferBuilder, PayInfo, RequestArrival, RequestContext, Rule,
    StaticInvoiceBuilder, UnixTime,
};
#[cfg(feature = "recurrence")]
use bolt12::{Recurrence, TimeUnit};

/// An invoice of the payee's own whose fee is above the limit.
fn dear_invoice(offer: &Offer, request: &OutgoingMessage) -> Vec<u8> {
    let OffersMessage::InvoiceRequest(request) = &request.message else { panic!() };
    let arrival = RequestArrival::OfferPath(offer.paths().unwrap().iter().next().unwrap().last_blinded_node_id());
    let context = RequestContext { offer, arrival, now: NOW, chains: CHAINS, rate: None, max_amount: None };
    let dear = PayInfo { fee_base_msat: 60_000, ..payinfo() };
    let invoice = InvoiceBuilder::new(request.accept(&context).unwrap(), NOW, sha256::Hash::hash(b"preimage"));
    invoice.add_path(path(1), &dear).build().unwrap().sign(&issuer()).unwrap().into_bytes()
}

/// Asks, and gets such an invoice.
fn is_too_dear(payment: &mut AsyncPayment) -> AsyncProgress {
    let request = sent(payment, NOW);
    let invoice = dear_invoice(&offer(), &request);
    payment.receive(reply(&request, OffersMessageKind::Invoice, &invoice), NOW).unwrap()
}

fn more_fees() -> FeeLimit {
    FeeLimit { base: Msat(60_000), ..FeeLimit::default() }
}

// EXC-4, STA-3
#[test]
fn paying_can_begin_until_the_last_second() {
    for (now, until, is_good) in [(DAY, 2 * DAY, true), (DAY + 1, 2 * DAY, false), (5, 5, true), (6, 5, false)] {
        let begun = asleep().begin_held(RANDOM, after(now), after(until), None);
        assert_eq!(begun.is_ok(), is_good, "{now} of {until}");
    }
    for (now, is_good) in [(100, true), (101, false)] {
        let mut payment = start(&offer(), None);
        let request = sent(&mut payment, NOW);
        let old = static_invoice(&offer(), UnixTime(NOW.0 - TWO_WEEKS + 100));
        payment.receive(answer(&request, &old), NOW).unwrap();
        assert_eq!(payment.begin_held(RANDOM, after(now), after(DAY), None).is_ok(), is_good, "{now}");
    }
}

// STA-2: without an issuer id, the last key of the path that was asked over signs, and no other.
#[test]
fn who_signs_for_another_path_is_refused() {
    let builder = OfferBuilder::with_paths([path(2), path(3)]).description("tips").amount_msat(PRICE);
    let offer = builder.build().unwrap();
    let mut payment = start(&offer, None);
    let request = sent(&mut payment, NOW);
    let by = |number| {
        let builder = StaticInvoiceBuilder::new(&offer, NOW).node_id(key(number).public_key());
        let builder =
            builder.add_path(path(2), &payinfo()).add_message_path(message_path(1)).add_message_path(message_path(2));
        builder.build().unwrap().sign(&key(number)).unwrap()
    };
    let error = refused(&mut payment, answer(&request, &by(3)), NOW);
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::WrongKey, Rule::Sta2));
    assert_eq!(payment.receive(answer(&request, &by(2)), NOW).unwrap(), AsyncProgress::Asleep);
}

// EXC-14: an error closes the way that it came over, as with any payment.
#[test]
fn errors_over_all_ways_end_a_payment() {
    let mut payment = start(&offer(), None);
    for expected in [Progress::AskingAgain(None), Progress::Ended] {
        let request = sent(&mut payment, NOW);
        let told = InvoiceError::new("out of tips").unwrap();
        let told = reply(&request, OffersMessageKind::InvoiceError, told.as_bytes());
        assert_eq!(payment.receive(told, NOW).unwrap(), AsyncProgress::AsUsual(expected));
        payment = reload(payment);
    }
    assert!(matches!(payment.state(), AsyncState::AsUsual(State::Ended(EndReason::Refused(_)))));
}

// EXC-10: what the payee asks for itself needs approval as with any payment, and can fail as any.
#[test]
fn the_own_invoice_of_the_payee_is_decided_on_as_usual() {
    let mut payment = start(&offer(), None);
    assert!(matches!(is_too_dear(&mut payment), AsyncProgress::AsUsual(Progress::AskingAgain(Some(_)))));
    assert_eq!(is_too_dear(&mut payment), AsyncProgress::AsUsual(Progress::NeedsApproval));
    let double = Msat(2 * PRICE.0);
    payment.allow(Limit::AtMost(double), NOW, after(DAY)).unwrap();
    assert_eq!(payment.payment().max_amount(), double);

    let mut payment = start(&offer(), None);
    let _ = (is_too_dear(&mut payment), is_too_dear(&mut payment));
    let AsyncState::AsUsual(State::NeedsApproval { objection, .. }) = payment.state() else { panic!() };
    assert!(matches!(objection, Objection::FeeAboveLimit { .. }));
    payment.allow_fee(more_fees(), NOW, after(DAY)).unwrap();
    payment = reload(payment);
    for attempt in [Attempt(1), Attempt(2)] {
        let AsyncState::AsUsual(State::Quoted(quote)) = payment.state() else { panic!("{:?}", payment.state()) };
        let hash = quote.payment_hash();
        assert_eq!(payment.begin(hash, NOW, None).unwrap(), attempt);
        assert_eq!(payment.failed(Attempt(3)).unwrap_err().rule(), Rule::Exc12);
        payment.failed(attempt).unwrap();
        payment = reload(payment);
    }
}

// EXC-4: an invoice that was too dear before is not allowed after a static one was begun: both could be paid.
#[test]
fn nothing_is_allowed_once_something_was_begun() {
    let mut payment = start(&offer(), None);
    let _ = is_too_dear(&mut payment);
    let request = sent(&mut payment, NOW);
    payment.receive(answer(&request, &static_invoice(&offer(), NOW)), NOW).unwrap();
    let attempt = payment.begin_held(RANDOM, NOW, after(DAY), None).unwrap();
    payment.failed(attempt).unwrap();
    let late = after(DAY + 1);
    assert_eq!(payment.poll(late).unwrap(), Action::Nothing);
    assert!(matches!(payment.state(), AsyncState::AsUsual(State::Ended(EndReason::FeeTooHigh { .. }))));
    let until = after(9 * DAY);
    assert_eq!(payment.allow(Limit::AtMost(PRICE), late, until).unwrap_err().kind().code(), "wrong_state");
    assert_eq!(payment.allow_fee(more_fees(), late, until).unwrap_err().kind().code(), "wrong_state");
    assert_eq!(payment.poll(late).unwrap(), Action::Nothing);
}

// STA-3, EXC-5: an old static invoice puts off what is asked for next, also if it comes when that would have been due;
// each time later, and each way in turn.
#[test]
fn an_old_static_invoice_puts_off_the_next_request() {
    let mut payment = start(&offer(), None);
    let old = static_invoice(&offer(), UnixTime(NOW.0 - TWO_WEEKS - 1));
    let (mut now, mut before) = (NOW, None);
    for delay in [5, 10, 20, 40, 60, 60] {
        let request = sent(&mut payment, now);
        assert_ne!(Some(&request.destination), before.as_ref());
        now = UnixTime(now.0 + 600);
        let progress = payment.receive(answer(&request, &old), now).unwrap();
        assert!(matches!(progress, AsyncProgress::AskingAgain(_)), "{progress:?}");
        payment = reload(payment);
        let Action::WaitUntil(at) = payment.poll(now).unwrap() else { panic!("it asks at once") };
        assert!(is_about(at, now, delay), "{at} after {now}");
        (now, before) = (at, Some(request.destination));
    }
}

/// An invoice of the payee's own, at a rate of its own.
fn own_invoice(offer: &Offer, request: &OutgoingMessage, then: UnixTime, rate: bolt12::Rate) -> Vec<u8> {
    let OffersMessage::InvoiceRequest(request) = &request.message else { panic!() };
    let arrival = RequestArrival::OfferPath(offer.paths().unwrap().iter().next().unwrap().last_blinded_node_id());
    let context = RequestContext { offer, arrival, now: then, chains: CHAINS, rate: Some(rate), max_amount: None };
    let invoice = InvoiceBuilder::new(request.accept(&context).unwrap(), then, sha256::Hash::hash(b"preimage"));
    invoice.add_path(path(1), &payinfo()).build().unwrap().sign(&issuer()).unwrap().into_bytes()
}

// EXC-9, STA-5: where the limit is an amount, what is begun is about the price at the time when the static invoice came.
// An invoice of the payee's own that comes while it waits, and has expired or is too dear, made everything within the limit
// pass.
#[test]
fn a_static_invoice_is_begun_at_about_the_price_when_it_came() {
    let dollars = offer_with(|offer| offer.amount(usd(350)));
    let own = [None, Some((UnixTime(NOW.0 - DAY), rate(12))), Some((NOW, rate(2_000)))];
    for own in own {
        let mut payment = start(&dollars, Some(Limit::AtMost(Msat(500_000))));
        payment.set_rate(rate(1_200)).unwrap();
        let request = sent(&mut payment, NOW);
        payment.receive(answer(&request, &static_invoice(&dollars, NOW)), NOW).unwrap();
        if let Some((then, theirs)) = own {
            // The rate has moved since.
            payment.set_rate(rate(1_220)).unwrap();
            let own = reply(&request, OffersMessageKind::Invoice, &own_invoice(&dollars, &request, then, theirs));
            let progress = payment.receive(own, NOW).unwrap();
            assert!(matches!(progress, AsyncProgress::AsUsual(Progress::AskingAgain(Some(_)))), "{progress:?}");
        }
        payment = reload(payment);
        let error = payment.begin_held(RANDOM, NOW, after(DAY), Some(rate(1_220))).unwrap_err();
        assert_eq!((error.kind(), error.rule()), (&ErrorKind::OffPrice { estimate: Msat(427_000) }, Rule::Exc9));
        payment.begin_held(RANDOM, NOW, after(DAY), Some(rate(1_210))).unwrap();
    }
}

// EXC-11, D3: at the rate of the last moment, the amount may be one that no path carries, whatever its owner allows, or
// more than there is.
#[test]
fn what_cannot_be_carried_at_the_last_rate_is_not_begun() {
    let dollars = offer_with(|offer| offer.amount(usd(350)));
    let mut payment = start(&dollars, Some(Limit::AtMost(Msat::MAX_MONEY)));
    let request = sent(&mut payment, NOW);
    let narrow = static_invoice_with(&dollars, NOW, &PayInfo::new(0, 0, 0, 1, 4_200));
    payment.receive(answer(&request, &narrow), NOW).unwrap();
    let mut refused = |msat| payment.begin_held(RANDOM, NOW, after(DAY), Some(rate(msat))).unwrap_err();
    let error = refused(13);
    let kind = ErrorKind::CannotCarry { amount: Msat(4_550), min: Msat(1), max: Msat(4_200) };
    assert_eq!((error.kind(), error.rule()), (&kind, Rule::Exc11));
    let error = refused(Msat::MAX_MONEY.0 / 100);
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::AmountTooHigh { max: Msat::MAX_MONEY }, Rule::D3));
    payment.begin_held(RANDOM, NOW, after(DAY), Some(rate(12))).unwrap();
}

// EXC-7, EXC-10: what is allowed holds until the new deadline.
#[test]
fn whoever_allows_more_has_more_time() {
    let until = after(2 * DAY);
    let allows: [fn(&mut AsyncPayment, UnixTime); 2] = [
        |payment, until| payment.allow(Limit::AtMost(PRICE), NOW, until).unwrap(),
        |payment, until| payment.allow_fee(more_fees(), NOW, until).unwrap(),
    ];
    for allow in allows {
        let mut payment = asleep();
        allow(&mut payment, until);
        payment = reload(payment);
        assert_eq!(payment.payment().deadline(), until);
        assert_eq!(payment.poll(after(DAY + 1)).unwrap(), Action::WaitUntil(after(2 * DAY + 1)));
        payment.begin_held(RANDOM, until, until, None).unwrap();
    }
}

// EXC-5: a payment is held until the last second that was said, and given up in the next.
#[test]
fn what_is_held_is_given_up_after_its_last_second() {
    let mut payment = asleep();
    payment.begin_held(RANDOM, NOW, after(100), None).unwrap();
    for (now, expected) in [(0, Release::Hold), (100, Release::Hold), (101, Release::GiveUp)] {
        payment.poll(after(now)).unwrap();
        assert_eq!(release_of(&payment), expected, "{now}");
    }
}

// EXC-9: in the last second before the deadline, what has expired is asked for anew, and not once more.
#[test]
fn what_has_expired_is_asked_for_anew_until_the_last_second() {
    for (now, is_asked_for) in [(DAY, true), (DAY + 1, false)] {
        let mut payment = start(&offer(), None);
        let request = sent(&mut payment, NOW);
        let old = static_invoice(&offer(), UnixTime(NOW.0 - TWO_WEEKS + 100));
        payment.receive(answer(&request, &old), NOW).unwrap();
        if !is_asked_for {
            assert_eq!(payment.poll(after(now)).unwrap(), Action::Nothing);
            continue;
        }
        let again = sent(&mut payment, after(now));
        // Its path id says that it is another request. The first way is first again.
        assert_ne!(again.reply_path_id.unwrap().0[14], request.reply_path_id.unwrap().0[14]);
        assert_eq!(again.destination, request.destination);
        assert!(matches!(payment.state(), AsyncState::AsUsual(State::Asking { attempts: 1 })));
    }
}

// EXC-5: what is known of an attempt that failed hurries nothing of the next.
#[test]
fn a_way_of_an_attempt_before_says_nothing_of_the_next() {
    let mut payment = held();
    let first = sent(&mut payment, NOW);
    payment.failed(attempt_of(&payment)).unwrap();
    payment.begin_held(RANDOM, NOW, after(DAY), None).unwrap();
    let second = sent(&mut payment, NOW);
    let Action::WaitUntil(at) = payment.poll(NOW).unwrap() else { panic!("it was just sent") };
    payment.unreachable(&first.reply_path_id.unwrap(), NOW);
    assert_eq!(payment.poll(NOW).unwrap(), Action::WaitUntil(at));
    payment.unreachable(&second.reply_path_id.unwrap(), NOW);
    assert!(matches!(payment.poll(NOW).unwrap(), Action::Send(_)));
}

// EXC-4: what is quoted is a static invoice: there is no other to begin, and nothing to sign.
#[test]
fn a_static_invoice_is_not_begun_as_another() {
    let hash = sha256::Hash::hash(b"preimage");
    let signature = schnorr::Signature::from_slice(&[1; 64]).unwrap();
    for mut payment in [asleep(), held()] {
        let before = payment.to_bytes();
        assert_eq!(payment.begin(hash, NOW, None).unwrap_err().kind().code(), "wrong_state");
        assert_eq!(payment.sign(&signature).unwrap_err().kind().code(), "wrong_state");
        assert_eq!(payment.to_bytes(), before);
    }
}

// REC-3: what is paid again and again is not for a payee that sleeps, even if it is paid once.
#[cfg(feature = "recurrence")]
#[test]
fn a_payment_of_a_subscription_does_not_wait_for_a_payee_to_wake() {
    let recurrence = Recurrence { is_compulsory: false, ..Recurrence::every(1, TimeUnit::Days).unwrap() };
    let builder = OfferBuilder::new(issuer().public_key()).description("tips").add_path(path(2)).amount_msat(PRICE);
    let offer = builder.recurrence(recurrence).build().unwrap();
    let once = payer().draft(&offer, NOW, CHAINS).unwrap().start([7; 32], NOW, after(DAY)).unwrap();
    let error = AsyncPayment::new(once).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::IsRecurring, Rule::Rec3));
}
