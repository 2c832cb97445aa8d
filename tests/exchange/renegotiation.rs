//! Prices that move between a quote and its payment: the payment asks again by itself until the rates of both sides
//! meet, within what its owner authorised, and never without end (EXC-7, EXC-9, EXC-10, EXC-14).

use bolt12::exchange::{
    Action, Draft, EndReason, FeeLimit, IncomingMessage, Limit, MAX_RENEWALS, MessageArrival, Objection,
    OffersMessageKind, OutgoingMessage, Payment, Progress, State,
};
use bolt12::{ErrorKind, InvoiceError, MinorUnits, Msat, Offer, OfferAmount, PayInfo, Rate, Rule, UnixTime};
use proptest::prelude::*;

use super::messages::{NOW, path, payinfo};
use super::network::Random;
use super::plan::usd;
use super::sides::{self, CHAINS, copy, deliver, issuer, own_offer, payer, terms, try_begin};

const DEADLINE: UnixTime = UnixTime(NOW.0 + 3600);

fn later(seconds: u64) -> UnixTime {
    UnixTime(NOW.0 + seconds)
}

/// 3.50 dollars: 3,500 sat at 100,000 dollars for a bitcoin.
fn coffee(paths: u8) -> Offer {
    own_offer(&issuer(), paths, |offer| {
        offer.description("coffee").amount(OfferAmount::Currency { currency: usd(), amount: MinorUnits(350) })
    })
}

/// So many dollars for a bitcoin.
fn at(dollars: u64) -> Rate {
    Rate::new(usd(), MinorUnits(dollars * 100), Msat(100_000_000_000)).unwrap()
}

/// What 3.50 dollars are then, rounded up.
fn price(dollars: u64) -> Msat {
    Msat(350_000_000_000_u64.div_ceil(dollars))
}

fn begin(offer: &Offer, limit: Limit) -> Payment {
    begin_until(offer, limit, DEADLINE)
}

fn begin_until(offer: &Offer, limit: Limit, deadline: UnixTime) -> Payment {
    let draft: Draft = payer().draft(offer, NOW, CHAINS).unwrap().rate(at(100_000)).limit(limit);
    draft.start([3; 32], NOW, deadline).unwrap()
}

const ONE_PER_CENT: Limit = Limit::Tolerance { basis_points: 100 };

/// What is asked for now.
#[track_caller]
fn asks(payment: &mut Payment, now: UnixTime) -> OutgoingMessage {
    match payment.poll(now).unwrap() {
        Action::Send(outgoing) => *outgoing,
        other => panic!("{other:?}: {:?}", payment.state()),
    }
}

/// The answer of an issuer who knows that rate.
fn answer(asked: &OutgoingMessage, now: UnixTime, rate: Rate) -> IncomingMessage {
    let accepted = issuer().receive(deliver(asked, 0x70)).unwrap().accept(&terms(now, Some(rate))).unwrap();
    let (_, invoice) = sides::invoice(&accepted);
    deliver(&accepted.answer(invoice).unwrap(), 0x60)
}

/// Asks, and is answered.
#[track_caller]
fn exchange(payment: &mut Payment, now: UnixTime, dollars: u64) -> Progress {
    let asked = asks(payment, now);
    payment.receive(answer(&asked, now, at(dollars)), now).unwrap()
}

#[track_caller]
fn quoted(payment: &Payment) -> Msat {
    let State::Quoted(quote) = payment.state() else { panic!("{:?}", payment.state()) };
    quote.amount()
}

#[track_caller]
fn objection(payment: &Payment) -> Objection {
    let State::NeedsApproval { objection, .. } = payment.state() else { panic!("{:?}", payment.state()) };
    objection
}

fn told(asked: &OutgoingMessage) -> IncomingMessage {
    IncomingMessage {
        kind: OffersMessageKind::InvoiceError,
        bytes: InvoiceError::new("closed").unwrap().into_bytes(),
        arrival: MessageArrival::Path(asked.reply_path_id.unwrap()),
        reply_path: None,
    }
}

/// EXC-9: what moved within the tolerance is paid, and what moved beyond it, up or down, is asked for again by itself.
#[test]
fn a_rate_that_moves_after_a_quote_is_asked_for_again() {
    let offer = coffee(1);
    for (dollars, is_near) in [
        (100_000, true),
        (99_010, true),
        (100_990, true),
        (98_900, false),
        (95_000, false),
        (102_000, false),
        (150_000, false),
    ] {
        let mut payment = begin(&offer, ONE_PER_CENT);
        assert_eq!(exchange(&mut payment, NOW, 100_000), Progress::Quoted);
        let first = copy(&payer(), &payment);
        payment.set_rate(at(dollars)).unwrap();
        let mut payment = copy(&payer(), &payment);
        if is_near {
            assert_eq!(quoted(&payment), price(100_000));
            assert!(matches!(payment.poll(later(5)).unwrap(), Action::WaitUntil(_)));
        } else {
            let expected = match price(100_000) > payment.max_amount() {
                true => Objection::AboveLimit { max: payment.max_amount() },
                false => Objection::OffPrice { estimate: price(dollars) },
            };
            assert_eq!(objection(&payment), expected);
            let before = payment.to_bytes();
            let State::NeedsApproval { quote, .. } = payment.state() else { panic!() };
            let hash = quote.payment_hash();
            let error = payment.begin(hash, later(5), None).unwrap_err();
            assert!([Rule::Exc7, Rule::Exc9].contains(&error.rule()), "{error}");
            assert_eq!(payment.to_bytes(), before);
            assert_eq!(exchange(&mut payment, later(5), dollars), Progress::Quoted);
            assert_eq!(quoted(&payment), price(dollars));
        }
        let State::Quoted(quote) = payment.state() else { panic!() };
        let hash = quote.payment_hash();
        payment.begin(hash, later(6), Some(at(dollars))).unwrap();
        // Without being told, the first one would have been paid.
        try_begin(&mut copy(&payer(), &first), later(6)).unwrap();
    }
}

/// EXC-9: the rate of the very moment is the last thing that a quote is compared with. The answer to the request before
/// is late then.
#[test]
fn a_stale_quote_is_not_begun() {
    let offer = coffee(1);
    let mut payment = begin(&offer, ONE_PER_CENT);
    let asked = asks(&mut payment, NOW);
    let first = answer(&asked, NOW, at(100_000));
    assert_eq!(payment.receive(first.clone(), NOW).unwrap(), Progress::Quoted);
    let State::Quoted(quote) = payment.state() else { panic!() };
    let hash = quote.payment_hash();
    let before = payment.to_bytes();
    let euro = Rate::new("EUR".parse().unwrap(), MinorUnits(1), Msat(1)).unwrap();
    assert_eq!(payment.begin(hash, NOW, Some(euro)).unwrap_err().kind().code(), "wrong_currency");
    assert_eq!(payment.to_bytes(), before);
    let error = payment.begin(hash, NOW, Some(at(98_000))).unwrap_err();
    let expected = ErrorKind::OffPrice { estimate: price(98_000) };
    assert_eq!((error.kind(), error.rule()), (&expected, Rule::Exc9));
    // The rate stays, also after a crash.
    let mut payment = copy(&payer(), &payment);
    assert_eq!(objection(&payment), Objection::OffPrice { estimate: price(98_000) });
    let again = asks(&mut payment, NOW);
    assert_ne!(again.reply_path_id, asked.reply_path_id);
    assert_eq!(payment.receive(first, NOW).unwrap_err().error().kind(), &ErrorKind::AlreadyAnswered);
    assert_eq!(payment.receive(answer(&again, NOW, at(98_000)), NOW).unwrap(), Progress::Quoted);
    assert_eq!(payment.begin(hash, NOW, None).unwrap_err().kind(), &ErrorKind::Differs);
    try_begin(&mut payment, NOW).unwrap();
}

/// EXC-7: its owner can allow what is above the limit: by an amount, or by a tolerance. Less than that is asked for
/// again.
#[test]
fn its_owner_allows_what_is_off_the_price() {
    let offer = coffee(1);
    let mut payment = begin(&offer, ONE_PER_CENT);
    assert_eq!(exchange(&mut payment, NOW, 95_000), Progress::NeedsApproval);
    assert_eq!(objection(&payment), Objection::AboveLimit { max: Msat(3_535_000) });
    for enough in [Limit::AtMost(price(95_000)), Limit::Tolerance { basis_points: 527 }] {
        let mut payment = copy(&payer(), &payment);
        payment.allow(enough, NOW, DEADLINE).unwrap();
        let mut payment = copy(&payer(), &payment);
        assert_eq!(quoted(&payment), price(95_000));
        try_begin(&mut payment, NOW).unwrap();
        assert_eq!(payment.allow(enough, NOW, DEADLINE).unwrap_err().kind().code(), "wrong_state");
    }
    for less in [Limit::AtMost(Msat(price(95_000).0 - 1)), Limit::Tolerance { basis_points: 526 }] {
        let mut payment = copy(&payer(), &payment);
        payment.allow(less, NOW, DEADLINE).unwrap();
        assert_eq!(exchange(&mut payment, NOW, 95_000), Progress::NeedsApproval);
        assert!(try_begin(&mut payment, NOW).is_err());
        assert_eq!(exchange(&mut payment, later(60), 99_900), Progress::Quoted);
    }
    for none in [Limit::AtMost(Msat(0)), Limit::AtMost(Msat(u64::MAX))] {
        let before = payment.to_bytes();
        assert!(payment.allow(none, NOW, DEADLINE).is_err());
        assert_eq!(payment.to_bytes(), before);
    }
    // Cheaper than it can be is off the price, too.
    let mut payment = begin(&offer, ONE_PER_CENT);
    assert_eq!(exchange(&mut payment, NOW, 120_000), Progress::NeedsApproval);
    assert_eq!(objection(&payment), Objection::OffPrice { estimate: price(100_000) });
    payment.allow(Limit::Tolerance { basis_points: 1_700 }, NOW, DEADLINE).unwrap();
    assert_eq!(quoted(&payment), price(120_000));
}

/// EXC-7: what has ended because it was too dear, or off the price, goes on when its owner allows more, and only then.
#[test]
fn what_was_too_dear_can_be_resumed() {
    let offer = coffee(1);
    for (dollars, is_dear) in [(90_000, true), (120_000, false)] {
        let mut payment = begin_until(&offer, ONE_PER_CENT, later(60));
        assert_eq!(exchange(&mut payment, NOW, dollars), Progress::NeedsApproval);
        assert_eq!(payment.poll(later(61)).unwrap(), Action::Nothing);
        let State::Ended(end) = payment.state() else { panic!() };
        assert!(matches!(end, EndReason::TooExpensive { .. }) == is_dear, "{end:?}");
        assert!(matches!(end, EndReason::OffPrice { .. }) != is_dear, "{end:?}");
        let mut payment = copy(&payer(), &payment);
        payment.set_rate(at(dollars)).unwrap();
        assert_eq!(payment.poll(later(62)).unwrap(), Action::Nothing, "a rate alone allows nothing");
        payment.allow(Limit::Tolerance { basis_points: 200 }, later(62), later(120)).unwrap();
        assert_eq!(exchange(&mut payment, later(62), dollars), Progress::Quoted);
        assert_eq!(quoted(&payment), price(dollars));
        try_begin(&mut payment, later(120)).unwrap();
    }
    // What its owner declined, or nobody answered, has nothing to be allowed.
    let mut declined = begin(&offer, ONE_PER_CENT);
    declined.decline().unwrap();
    assert_eq!(declined.allow(ONE_PER_CENT, NOW, DEADLINE).unwrap_err().kind().code(), "wrong_state");
}

/// EXC-9: rates that never meet are asked for so many times, later each time, and end with the deadline.
#[test]
fn renegotiation_has_an_end() {
    for paths in 1..=2 {
        let offer = coffee(paths);
        let deadline = later(86_400);
        let mut payment = begin_until(&offer, ONE_PER_CENT, deadline);
        let (mut now, mut sent) = (NOW, Vec::new());
        loop {
            match payment.poll(now).unwrap() {
                Action::Send(asked) => {
                    sent.push(now.0);
                    assert!(sent.len() < 100);
                    let _ = payment.receive(answer(&asked, now, at(90_000)), now).unwrap();
                }
                Action::WaitUntil(time) => {
                    assert!(time > now);
                    now = time;
                }
                Action::Sign | Action::Nothing => break,
            }
            payment = copy(&payer(), &payment);
        }
        assert_eq!(sent.len(), usize::from(paths) * usize::from(MAX_RENEWALS + 1));
        let rounds: Vec<u64> = sent.iter().step_by(paths.into()).copied().collect();
        let delays: Vec<u64> = rounds.windows(2).map(|two| two[1] - two[0]).collect();
        assert!(delays.is_sorted() && delays[0] == 10 && delays[14] == 320, "{delays:?}");
        assert!(matches!(payment.state(), State::Ended(EndReason::TooExpensive { .. })), "{:?}", payment.state());
        assert!(now <= UnixTime(deadline.0 + 1));
        // Its owner can still allow it.
        payment.allow(Limit::AtMost(price(90_000)), now, deadline).unwrap();
        assert!(matches!(payment.poll(now).unwrap(), Action::Send(_)));
    }
}

/// EXC-9: two feeds that take turns, on one side or on both, do not make messages go back and forth without end, and
/// nothing is begun that is off the price.
#[test]
fn two_feeds_that_alternate_play_no_ping_pong() {
    for paths in 1..=2_u8 {
        for issuer_alternates in [false, true] {
            let offer = coffee(paths);
            let mut payment = begin_until(&offer, ONE_PER_CENT, later(7200));
            let mut sent = 0;
            for second in 0..7200 {
                let now = later(second);
                let own = if second % 2 == 0 { 100_000 } else { 95_000 };
                payment.set_rate(at(own)).unwrap();
                let theirs = if issuer_alternates && second % 3 == 0 { 104_000 } else { 97_500 };
                while let Action::Send(asked) = payment.poll(now).unwrap() {
                    sent += 1;
                    assert!(sent <= u32::from(paths) * u32::from(MAX_RENEWALS + 1));
                    let _ = payment.receive(answer(&asked, now, at(theirs)), now);
                    // More often than is polled.
                    payment.set_rate(at(195_000 - own)).unwrap();
                    payment.set_rate(at(own)).unwrap();
                }
                assert!(try_begin(&mut payment, now).is_err());
            }
            assert!(sent >= u32::from(MAX_RENEWALS), "{sent}");
        }
    }
}

/// EXC-9: who authorised an amount, and gave a rate, is not told that an old price is the present one. Without a rate,
/// there is nothing to compare with.
#[test]
fn a_fixed_limit_notices_that_the_rate_moved() {
    let offer = coffee(1);
    let fixed = Limit::AtMost(Msat(4_000_000));
    for (dollars, stays) in [(100_900, true), (99_100, true), (102_000, false), (98_000, false)] {
        let mut payment = begin(&offer, fixed);
        // The amount may be anything up to the limit.
        assert_eq!(exchange(&mut payment, NOW, 90_000), Progress::Quoted);
        payment.set_rate(at(dollars)).unwrap();
        assert_eq!(payment.max_amount(), Msat(4_000_000));
        if !stays {
            assert_eq!(objection(&payment), Objection::OffPrice { estimate: price(dollars) });
            assert_eq!(exchange(&mut payment, NOW, 90_000), Progress::Quoted);
        }
        let State::Quoted(quote) = payment.state() else { panic!("{:?}", payment.state()) };
        let hash = quote.payment_hash();
        payment.begin(hash, NOW, Some(at(dollars))).unwrap();
    }
    // Above it, nothing is paid, wherever the rate goes.
    let mut payment = begin(&offer, fixed);
    assert_eq!(exchange(&mut payment, NOW, 87_000), Progress::NeedsApproval);
    payment.set_rate(at(87_000)).unwrap();
    assert_eq!(objection(&payment), Objection::AboveLimit { max: Msat(4_000_000) });
    let draft = payer().draft(&offer, NOW, CHAINS).unwrap().limit(fixed);
    let mut payment = draft.start([3; 32], NOW, DEADLINE).unwrap();
    assert_eq!(exchange(&mut payment, NOW, 100_000), Progress::Quoted);
    assert_eq!(quoted(&payment), price(100_000));
    // A price in bitcoin has no rate.
    let tea = own_offer(&issuer(), 1, |offer| offer.description("tea").amount_msat(Msat(9_000)));
    let mut payment = payer().draft(&tea, NOW, CHAINS).unwrap().start([3; 32], NOW, DEADLINE).unwrap();
    let before = payment.to_bytes();
    payment.set_rate(at(1)).unwrap();
    assert_eq!(payment.to_bytes(), before);
}

/// EXC-14: what one path answers that is above the limit, or no, ends nothing while another path is there.
#[test]
fn one_path_above_the_limit_ends_nothing() {
    let offer = coffee(2);
    // The other is within it.
    let mut payment = begin(&offer, ONE_PER_CENT);
    let first = asks(&mut payment, NOW);
    let above = answer(&first, NOW, at(90_000));
    assert!(matches!(payment.receive(above.clone(), NOW).unwrap(), Progress::AskingAgain(Some(_))));
    let again = payment.receive(above, NOW).unwrap_err();
    assert_eq!(again.error().kind(), &ErrorKind::AlreadyAnswered, "saying it again changes nothing");
    let mut payment = copy(&payer(), &payment);
    let second = asks(&mut payment, NOW);
    assert_ne!(first.destination, second.destination);
    let mut refused = copy(&payer(), &payment);
    assert_eq!(payment.receive(answer(&second, NOW, at(100_000)), NOW).unwrap(), Progress::Quoted);
    try_begin(&mut payment, NOW).unwrap();
    // The other says no: then what is above the limit is for its owner to decide.
    assert_eq!(refused.receive(told(&second), NOW).unwrap(), Progress::NeedsApproval);
    refused.allow(Limit::AtMost(price(90_000)), NOW, DEADLINE).unwrap();
    assert_eq!(quoted(&refused), price(90_000));
    // The first says no, and the other is above it.
    let mut payment = begin(&offer, ONE_PER_CENT);
    let first = asks(&mut payment, NOW);
    assert!(matches!(payment.receive(told(&first), NOW).unwrap(), Progress::AskingAgain(None)));
    assert_eq!(exchange(&mut payment, NOW, 90_000), Progress::NeedsApproval);
    // Both are above it: the cheaper one is shown.
    for rates in [[90_000, 95_000], [95_000, 90_000]] {
        let mut payment = begin(&offer, ONE_PER_CENT);
        assert!(matches!(exchange(&mut payment, NOW, rates[0]), Progress::AskingAgain(Some(_))));
        assert_eq!(exchange(&mut payment, NOW, rates[1]), Progress::NeedsApproval);
        let State::NeedsApproval { quote, .. } = payment.state() else { panic!() };
        assert_eq!(quote.amount(), price(95_000));
    }
}

/// EXC-9, EXC-14: a path that never answers keeps nobody from deciding about what came over the other, nor the rates
/// from meeting; and while its owner thinks, the silent one can still answer.
#[test]
fn a_silent_path_does_not_stop_renegotiation() {
    let offer = coffee(2);
    let answers = offer.paths().unwrap().iter().next().unwrap().into_owned();
    let is_live = |asked: &OutgoingMessage| match &asked.destination {
        bolt12::exchange::Destination::Path(path) => path.as_bytes() == answers.as_bytes(),
        bolt12::exchange::Destination::Node(_) => false,
    };
    let mut payment = begin(&offer, ONE_PER_CENT);
    let (mut now, mut was_shown, mut silent) = (NOW, None, None);
    while now < later(120) && was_shown.is_none() {
        match payment.poll(now).unwrap() {
            Action::Send(asked) if is_live(&asked) => {
                let _ = payment.receive(answer(&asked, now, at(95_000)), now).unwrap();
            }
            Action::Send(asked) => silent = Some(asked),
            Action::WaitUntil(time) => now = time,
            Action::Sign | Action::Nothing => panic!("{:?}", payment.state()),
        }
        payment = copy(&payer(), &payment);
        if let State::NeedsApproval { .. } = payment.state() {
            was_shown = Some(now);
        }
    }
    assert!(was_shown.is_some_and(|at| at <= later(30)), "{was_shown:?}");
    let allowed = |mut payment: Payment| {
        payment.allow(Limit::AtMost(price(95_000)), now, DEADLINE).unwrap();
        quoted(&payment)
    };
    assert_eq!(allowed(copy(&payer(), &payment)), price(95_000));
    // The silent one wakes up.
    let mut woken = copy(&payer(), &payment);
    let late = answer(&silent.unwrap(), now, at(100_000));
    assert_eq!(woken.receive(late, now).unwrap(), Progress::Quoted);
    // Or the rates meet, and the live one is asked again.
    let mut is_paid = false;
    while now < later(600) && !is_paid {
        payment.set_rate(at(99_000)).unwrap();
        match payment.poll(now).unwrap() {
            Action::Send(asked) if is_live(&asked) => {
                let _ = payment.receive(answer(&asked, now, at(99_500)), now).unwrap();
                is_paid = try_begin(&mut payment, now).is_ok();
            }
            Action::Send(_) => {}
            Action::WaitUntil(time) => now = time,
            Action::Sign | Action::Nothing => panic!("{:?}", payment.state()),
        }
    }
    assert!(is_paid, "{:?}", payment.state());
}

/// EXC-7, D3: a rate at which a tolerance comes to more bitcoin than there is changes nothing; an amount stays what it is.
#[test]
fn no_rate_authorises_more_bitcoin_than_there_is() {
    let most = Rate::new(usd(), MinorUnits(350), Msat::MAX_MONEY).unwrap();
    let mut payment = begin(&coffee(1), ONE_PER_CENT);
    let before = payment.to_bytes();
    let error = payment.set_rate(most).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::AmountTooHigh { max: Msat::MAX_MONEY }, Rule::D3));
    assert_eq!(payment.to_bytes(), before);
    let mut payment = begin(&coffee(1), Limit::AtMost(Msat(4_000_000)));
    payment.set_rate(most).unwrap();
    assert_eq!(payment.max_amount(), Msat(4_000_000));
}

/// EXC-9: what is asked for because of the price is a reason to wait before the next time.
#[test]
fn a_rate_that_moves_on_is_not_asked_for_at_once() {
    let mut payment = begin(&coffee(1), ONE_PER_CENT);
    assert_eq!(exchange(&mut payment, NOW, 100_000), Progress::Quoted);
    payment.set_rate(at(95_000)).unwrap();
    assert_eq!(exchange(&mut payment, later(1), 95_000), Progress::Quoted);
    payment.set_rate(at(100_000)).unwrap();
    assert_eq!(copy(&payer(), &payment).poll(later(2)).unwrap(), Action::WaitUntil(later(21)));
    asks(&mut payment, later(21));
}

/// EXC-9: whoever has just decided does not wait for the delays of what was decided on.
#[test]
fn a_decision_begins_the_delays_anew() {
    let mut payment = begin(&coffee(1), ONE_PER_CENT);
    assert_eq!(exchange(&mut payment, NOW, 95_000), Progress::NeedsApproval);
    assert_eq!(copy(&payer(), &payment).poll(later(1)).unwrap(), Action::WaitUntil(later(10)));
    payment.allow(Limit::Tolerance { basis_points: 527 }, NOW, DEADLINE).unwrap();
    assert_eq!(quoted(&payment), price(95_000));
    payment.set_rate(at(120_000)).unwrap();
    asks(&mut copy(&payer(), &payment), later(1));
}

/// EXC-14: where the rate has come to what one way asked for, the others are not asked.
#[test]
fn what_was_too_dear_is_taken_when_the_rate_comes_to_it() {
    let mut payment = begin(&coffee(2), ONE_PER_CENT);
    assert!(matches!(exchange(&mut payment, NOW, 90_000), Progress::AskingAgain(Some(_))));
    payment.set_rate(at(90_000)).unwrap();
    let mut payment = copy(&payer(), &payment);
    assert!(matches!(payment.poll(NOW).unwrap(), Action::WaitUntil(_)));
    assert_eq!(quoted(&payment), price(90_000));
    try_begin(&mut payment, NOW).unwrap();
}

/// EXC-14: its owner decides on what came last. What was too dear before another invoice was asked for is not shown
/// again, nor taken when the rate comes to it.
#[test]
fn what_came_before_is_not_decided_on() {
    let mut payment = begin(&coffee(2), ONE_PER_CENT);
    assert!(matches!(exchange(&mut payment, NOW, 90_000), Progress::AskingAgain(Some(_))));
    let second = asks(&mut payment, NOW);
    let expired = answer(&second, UnixTime(NOW.0 - 10_000), at(100_000));
    assert!(matches!(payment.receive(expired, NOW).unwrap(), Progress::AskingAgain(Some(_))));
    let Action::WaitUntil(now) = payment.poll(NOW).unwrap() else { panic!("{:?}", payment.state()) };
    let mut met = copy(&payer(), &payment);
    met.set_rate(at(90_000)).unwrap();
    assert_eq!(exchange(&mut met, now, 90_500), Progress::Quoted);
    assert_eq!(quoted(&met), price(90_500));
    assert!(matches!(exchange(&mut payment, now, 85_000), Progress::AskingAgain(Some(_))));
    assert_eq!(exchange(&mut payment, now, 85_000), Progress::NeedsApproval);
    let State::NeedsApproval { quote, .. } = payment.state() else { panic!() };
    assert_eq!(quote.amount(), price(85_000));
}

/// EXC-9: where the limit is an amount, the price is compared with what it was when the invoice came, also if its fees
/// were what its owner had to allow.
#[test]
fn higher_fees_do_not_allow_another_price() {
    let mut payment = begin(&coffee(1), Limit::AtMost(Msat(4_000_000)));
    let asked = asks(&mut payment, NOW);
    let accepted = issuer().receive(deliver(&asked, 0x70)).unwrap().accept(&terms(NOW, Some(at(100_000)))).unwrap();
    let over = PayInfo { fee_base_msat: 100_000, ..payinfo() };
    let invoice = accepted.invoice(accepted.expected_payment().payment_hash()).add_path(path(2), &over);
    let answer = accepted.answer(accepted.sign(invoice.build().unwrap()).unwrap()).unwrap();
    assert_eq!(payment.receive(deliver(&answer, 0x60), NOW).unwrap(), Progress::NeedsApproval);
    assert!(matches!(objection(&payment), Objection::FeeAboveLimit { .. }));
    let more = FeeLimit { base: Msat(200_000), ..FeeLimit::default() };
    for (dollars, is_near) in [(99_100, true), (98_000, false), (102_000, false)] {
        let mut payment = copy(&payer(), &payment);
        payment.set_rate(at(dollars)).unwrap();
        payment.allow_fee(more, NOW, DEADLINE).unwrap();
        assert_eq!(matches!(payment.state(), State::Quoted(_)), is_near, "{dollars}");
        assert_eq!(try_begin(&mut payment, NOW).is_ok(), is_near, "{dollars}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// EXC-5: whatever a clock shows, whoever polls until there is nothing to send comes to an end, and is told to wait
    /// for a time that is to come.
    #[test]
    fn polling_comes_to_an_end_at_any_time(
        times in prop::collection::vec(prop_oneof![Just(u64::MAX), Just(0), any::<u64>(), NOW.0..NOW.0 + 4000], 1..30),
        deadline in prop_oneof![Just(u64::MAX), any::<u64>(), NOW.0..NOW.0 + 4000],
        paths in 1..=3u8,
        rates in prop::collection::vec(80_000..120_000u64, 1..10),
        kind in 0..3u8,
    ) {
        let offer = coffee(paths);
        let mut payment = match kind {
            0 => {
                let new = payer().new_refund([5; 32]);
                let builder = new.builder("a cup", Msat(5_000)).absolute_expiry(UnixTime(deadline.max(NOW.0)));
                let builder = builder.add_path(sides::path_with(0x70, new.path_id(0)));
                new.publish(builder, NOW).unwrap()
            }
            _ => begin_until(&offer, ONE_PER_CENT, UnixTime(deadline)),
        };
        let mut rates = rates.iter().cycle();
        for now in times.into_iter().map(UnixTime) {
            let mut rounds = 0;
            loop {
                // Issuers that answer at once, some of the time.
                match payment.poll(now).unwrap() {
                    Action::Send(asked) => {
                        rounds += 1;
                        // Every way once more for each time that another invoice is asked for.
                        prop_assert!(rounds <= 3 * (u32::from(MAX_RENEWALS) + 2), "{:?}", payment.state());
                        let rate = at(*rates.next().unwrap());
                        if kind == 1 {
                            if let Ok(accepted) = issuer().receive(deliver(&asked, 0x70)).unwrap().accept(&terms(now, Some(rate))) {
                                let (_, invoice) = sides::invoice(&accepted);
                                let _ = payment.receive(deliver(&accepted.answer(invoice).unwrap(), 0x60), now);
                            }
                        }
                        payment.set_rate(rate).unwrap();
                    }
                    Action::WaitUntil(time) => {
                        prop_assert!(time > now || now.0 == u64::MAX, "{} at {}", time, now);
                        break;
                    }
                    Action::Sign | Action::Nothing => break,
                }
            }
            payment = copy(&payer(), &payment);
        }
    }
}

// ---- a simulation of rates

/// What somebody hears of the market.
#[derive(Clone, Copy, Debug)]
struct Feed {
    /// Hundredths of a per cent that it is off.
    bias: i64,
    /// How many seconds late.
    lag: u64,
    /// From when on it says the same for ever.
    stops_at: u64,
    /// How often it says something.
    every: u64,
}

impl Feed {
    fn new(random: &mut Random) -> Self {
        Self {
            bias: if random.chance(300) { random.below(160) as i64 - 80 } else { 0 },
            lag: if random.chance(300) { random.below(60) } else { 0 },
            stops_at: if random.chance(100) { random.below(300) } else { u64::MAX },
            every: 1 + random.below(30),
        }
    }

    fn dollars(&self, market: &[u64], second: u64) -> u64 {
        let second = second.min(self.stops_at).saturating_sub(self.lag);
        let second = second - second % self.every;
        let at = usize::try_from(second).unwrap().min(market.len() - 1);
        (market[at] as i64 * (10_000 + self.bias) / 10_000) as u64
    }
}

/// A walk, second by second, with jumps.
fn market(random: &mut Random, seconds: usize) -> Vec<u64> {
    let (mut dollars, step) = (60_000 + random.below(80_000), 1 + random.below(150));
    let jumps = random.below(12);
    let mut market = Vec::with_capacity(seconds);
    for _ in 0..seconds {
        dollars = dollars + random.below(2 * step + 1) - step;
        if random.below(1000) < jumps {
            let far = dollars * random.below(600) / 10_000;
            dollars = if random.chance(500) { dollars + far } else { dollars - far };
        }
        dollars = dollars.clamp(20_000, 500_000);
        market.push(dollars);
    }
    market
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Outcome {
    payments: u32,
    paid: u32,
    /// Of these, the first quote was above the limit, or went stale before it was begun.
    saved: u32,
    /// First quotes that were no good.
    stale: u32,
    most_messages: u32,
    ended_dear: u32,
}

/// One payment in a market that moves.
fn pay_in_a_market(seed: u64, sum: &mut Outcome) {
    let mut random = Random::new(seed);
    const SECONDS: u64 = 900;
    let market = market(&mut random, SECONDS as usize + 1);
    let (own, theirs) = (Feed::new(&mut random), Feed::new(&mut random));
    let paths = 1 + random.below(2) as u8;
    let offer = coffee(paths);
    let basis_points = 30 + random.below(170) as u32;
    let first = own.dollars(&market, 0);
    let is_fixed = random.chance(200);
    let limit = match is_fixed {
        true => Limit::AtMost(Msat(price(first).0 * (10_000 + u64::from(basis_points)) / 10_000)),
        false => Limit::Tolerance { basis_points },
    };
    let losses = if random.chance(300) { 100 } else { 0 };
    let draft = payer().draft(&offer, NOW, CHAINS).unwrap().rate(at(first)).limit(limit);
    let mut payment = draft.start(random.bytes(), NOW, later(SECONDS)).unwrap();
    let hesitation = random.below(120);
    let (mut sent, mut lost, mut first_is_good, mut decide) = (0, 0, None, None);
    let mut second = 0;
    'time: while second <= SECONDS {
        let now = later(second);
        let own_rate = own.dollars(&market, second);
        payment.set_rate(at(own_rate)).unwrap();
        loop {
            let was_quoted = matches!(payment.state(), State::Quoted(_) | State::NeedsApproval { .. });
            match payment.poll(now).unwrap() {
                Action::Send(asked) => {
                    sent += 1;
                    if was_quoted {
                        first_is_good.get_or_insert(false);
                    }
                    decide = None;
                    if random.chance(losses) {
                        lost += 1;
                        continue;
                    }
                    let invoice = answer(&asked, now, at(theirs.dollars(&market, second)));
                    if payment.receive(invoice, now).unwrap() != Progress::Quoted {
                        first_is_good.get_or_insert(false);
                    }
                }
                Action::WaitUntil(_) => break,
                Action::Sign | Action::Nothing => break 'time,
            }
        }
        if let State::Quoted(quote) = payment.state() {
            let hash = quote.payment_hash();
            if *decide.get_or_insert(second + random.below(hesitation + 1)) <= second {
                match payment.begin(hash, now, Some(at(own.dollars(&market, second)))) {
                    Ok(_) => break,
                    Err(_) => drop(first_is_good.get_or_insert(false)),
                }
            }
        } else if let State::NeedsApproval { .. } = payment.state() {
            first_is_good.get_or_insert(false);
        }
        second += 1;
    }
    sum.payments += 1;
    // A request for each way and try, and again for each that was lost.
    assert!(sent <= u32::from(paths) * u32::from(MAX_RENEWALS + 1) + lost, "seed {seed}: {sent} requests");
    sum.most_messages = sum.most_messages.max(sent);
    sum.stale += u32::from(first_is_good == Some(false));
    match payment.state() {
        State::Paying(paying) => {
            let (amount, now) = (paying.amount().0, price(own.dollars(&market, second)).0);
            let tolerance = now * u64::from(basis_points) / 10_000;
            assert!(amount <= payment.max_amount().0, "seed {seed}: above the limit");
            match limit {
                Limit::AtMost(max) => assert!(amount <= max.0, "seed {seed}: above the limit"),
                Limit::Tolerance { .. } => assert!(amount.abs_diff(now) <= tolerance, "seed {seed}: off the price"),
            }
            sum.paid += 1;
            sum.saved += u32::from(first_is_good == Some(false));
        }
        _ => {
            payment.poll(later(SECONDS + 1)).unwrap();
            let State::Ended(end) = payment.state() else { panic!("seed {seed}: {:?}", payment.state()) };
            sum.ended_dear += u32::from(matches!(end, EndReason::TooExpensive { .. } | EndReason::OffPrice { .. }));
        }
    }
}

fn simulate(seeds: std::ops::Range<u64>) -> Outcome {
    let mut sum = Outcome::default();
    seeds.for_each(|seed| pay_in_a_market(seed, &mut sum));
    println!("{sum:?}");
    sum
}

/// EXC-7, EXC-9: whatever the market does, what is paid is the price at the payer's rate of the moment, within the
/// tolerance and never above the limit, for so many messages; and most payments that would have ended with their first
/// quote are made.
#[test]
fn in_a_market_that_moves_the_price_is_paid() {
    let outcome = simulate(0..500);
    assert!(outcome.paid * 10 > outcome.payments * 8, "{outcome:?}");
    assert!(outcome.stale > 50 && outcome.saved * 2 > outcome.stale, "{outcome:?}");
    assert!(outcome.most_messages <= 2 * (u32::from(MAX_RENEWALS) + 1) + 20, "{outcome:?}");
}

/// The same for five thousand.
#[test]
#[ignore = "takes minutes"]
fn in_a_market_that_moves_the_price_is_paid_thousands_of_times() {
    let outcome = simulate(0..5_000);
    assert!(outcome.saved * 2 > outcome.stale, "{outcome:?}");
}
