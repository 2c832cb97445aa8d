//! Fees, attempts, backups, and claims of strangers: what a payment never does without its owner (EXC-10, EXC-12,
//! EXC-13, EXC-14).

use bolt12::exchange::{
    Action, Attempt, ClaimState, EndReason, FeeLimit, IncomingMessage, Limit, MAX_CLAIMS, MessageArrival, Objection,
    OffersMessageKind, Payee, Payment, Progress, State,
};
use bolt12::{
    ErrorKind, Field, InvoiceError, MinorUnits, Msat, Offer, OfferAmount, PathLimits, PayInfo, Preimage, Rate, Rule,
    UnixTime,
};

use super::helpers::{claim, sent};
use super::messages::{NOW, path, payinfo};
use super::plan::usd;
use super::sides::{self, CHAINS, copy, deliver, issuer, own_offer, path_with, payer, terms, try_begin};

const DEADLINE: UnixTime = UnixTime(NOW.0 + 600_000);

/// A thousand sat.
const PRICE: Msat = Msat(1_000_000);

fn tea(paths: u8) -> Offer {
    own_offer(&issuer(), paths, |offer| offer.description("tea").amount_msat(PRICE))
}

fn start(offer: &Offer) -> Payment {
    payer().draft(offer, NOW, CHAINS).unwrap().start([3; 32], NOW, DEADLINE).unwrap()
}

/// Asks, and is answered with an invoice that leads over such paths.
fn invoiced(payment: &mut Payment, paths: &[PayInfo<'static>]) -> (Progress, Preimage) {
    let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!("{:?}", payment.state()) };
    let accepted = issuer().receive(deliver(&asked, 0x70)).unwrap().accept(&terms(NOW, None)).unwrap();
    let preimage = accepted.expected_payment().preimage;
    let invoice = accepted.invoice(preimage.payment_hash());
    let invoice =
        paths.iter().enumerate().fold(invoice, |invoice, (hops, it)| invoice.add_path(path(hops as u8 + 1), it));
    let answer = accepted.answer(accepted.sign(invoice.build().unwrap()).unwrap()).unwrap();
    (payment.receive(deliver(&answer, 0x60), NOW).unwrap(), preimage)
}

fn cheap() -> PayInfo<'static> {
    PayInfo { fee_base_msat: 1_000, fee_proportional_millionths: 0, ..payinfo() }
}

/// Free of charge, and for a thousandth of a sat.
fn bait() -> PayInfo<'static> {
    PayInfo { fee_base_msat: 0, fee_proportional_millionths: 0, htlc_maximum_msat: 1, ..payinfo() }
}

/// 8,589,934 sat for a thousand.
fn robber() -> PayInfo<'static> {
    PayInfo { fee_base_msat: u32::MAX, fee_proportional_millionths: u32::MAX, ..payinfo() }
}

/// What the robber's path costs.
const ROBBERY: Msat = Msat(u32::MAX as u64 + u32::MAX as u64);

/// EXC-10: a path that costs nothing and carries nothing, beside one that takes all there is, is neither shown as cheap
/// nor paid over, unless the owner says so; what is handed out is within the limit.
#[test]
fn a_path_that_robs_is_not_paid_over() {
    let offer = tea(1);
    let mut payment = start(&offer);
    assert_eq!(invoiced(&mut payment, &[bait(), robber()]).0, Progress::NeedsApproval);
    let mut payment = copy(&payer(), &payment);
    let limits = PathLimits { max_fee: Msat(60_000), max_cltv_expiry_delta: 1008 };
    let State::NeedsApproval { quote, objection } = payment.state() else { panic!() };
    assert_eq!(objection, Objection::FeeAboveLimit { limits });
    assert_eq!((quote.amount(), quote.fees()), (PRICE, None));
    let hash = quote.payment_hash();
    let before = payment.to_bytes();
    let error = payment.begin(hash, NOW, None).unwrap_err();
    assert_eq!((error.kind().code(), error.rule()), ("no_path_within", Rule::Exc10));
    assert_eq!(payment.to_bytes(), before);
    // More for the payee is not more for the way.
    payment.allow(Limit::AtMost(Msat(2 * ROBBERY.0)), NOW, DEADLINE).unwrap();
    assert!(matches!(payment.state(), State::Asking { .. } | State::NeedsApproval { .. }));
    // A limit in hundredths of a per cent that overflows is none that lets everything pass by itself.
    let mut payment = payer().load(&before).unwrap();
    let little = FeeLimit { base: Msat(ROBBERY.0 - 1), basis_points: 0, max_cltv_expiry_delta: 1008 };
    payment.allow_fee(little, NOW, DEADLINE).unwrap();
    assert!(!matches!(payment.state(), State::Quoted(_)));
    let mut payment = payer().load(&before).unwrap();
    payment.allow_fee(FeeLimit { base: ROBBERY, ..little }, NOW, DEADLINE).unwrap();
    let State::Quoted(quote) = payment.state() else { panic!("{:?}", payment.state()) };
    assert_eq!(quote.fees(), Some(ROBBERY..=ROBBERY));
    payment.begin(hash, NOW, None).unwrap();
    let State::Paying(paying) = payment.state() else { panic!() };
    assert_eq!((paying.paths().len(), paying.limits().max_fee), (1, ROBBERY));

    // With honest ones beside it, these are shown and handed out, cheapest first, and nothing else.
    let mut payment = start(&offer);
    let dearer = PayInfo { fee_base_msat: 60_000, ..cheap() };
    assert_eq!(invoiced(&mut payment, &[robber(), dearer.clone(), bait(), cheap()]).0, Progress::Quoted);
    let State::Quoted(quote) = payment.state() else { panic!() };
    assert_eq!(quote.fees(), Some(Msat(1_000)..=Msat(60_000)));
    try_begin(&mut payment, NOW).unwrap();
    let payment = copy(&payer(), &payment);
    let State::Paying(paying) = payment.state() else { panic!() };
    let fees: Vec<_> = paying.paths().iter().map(|(_, payinfo)| payinfo.fee(PRICE).unwrap()).collect();
    assert_eq!((fees, paying.limits()), (vec![Msat(1_000), Msat(60_000)], limits));
}

/// EXC-10: by default 50 sat and 1 %, and a week: to the millisatoshi, and to the block.
#[test]
fn the_default_limit_of_fees_is_exact() {
    assert_eq!(FeeLimit::default(), FeeLimit { base: Msat(50_000), basis_points: 100, max_cltv_expiry_delta: 1008 });
    let offer = tea(1);
    for (fee, delay, is_within) in [(60_000, 1008, true), (60_001, 1008, false), (60_000, 1009, false), (0, 0, true)] {
        let mut payment = start(&offer);
        let over = PayInfo { fee_base_msat: fee, cltv_expiry_delta: delay, ..cheap() };
        let expected = if is_within { Progress::Quoted } else { Progress::NeedsApproval };
        assert_eq!(invoiced(&mut payment, &[over]).0, expected, "{fee} {delay}");
    }
    let strict = FeeLimit { base: Msat(0), basis_points: 0, max_cltv_expiry_delta: 144 };
    let mut payment =
        payer().draft(&offer, NOW, CHAINS).unwrap().fee_limit(strict).start([3; 32], NOW, DEADLINE).unwrap();
    assert_eq!(invoiced(&mut payment, &[cheap()]).0, Progress::NeedsApproval);
    assert_eq!(strict.of(Msat(u64::MAX)).max_fee, Msat(0));
    assert_eq!(FeeLimit::default().of(Msat(u64::MAX)).max_fee, Msat(u64::MAX / 100 + 50_000));
}

/// EXC-10: where the owner allows something else that is not enough, another invoice is asked for at once.
#[test]
fn what_is_still_not_within_the_limit_is_asked_for_anew() {
    let enough = FeeLimit { base: ROBBERY, ..FeeLimit::default() };
    for (limit, is_enough) in [(enough, true), (FeeLimit { base: Msat(100_000), ..enough }, false)] {
        let mut payment = start(&tea(1));
        let Action::Send(first) = copy(&payer(), &payment).poll(NOW).unwrap() else { panic!() };
        assert_eq!(invoiced(&mut payment, &[robber()]).0, Progress::NeedsApproval);
        payment.allow_fee(limit, NOW, DEADLINE).unwrap();
        match payment.poll(NOW).unwrap() {
            Action::Send(second) => assert!(!is_enough && second.message != first.message),
            action => assert!(is_enough && matches!(action, Action::WaitUntil(_)), "{action:?}"),
        }
        assert_eq!(matches!(payment.state(), State::Quoted(_)), is_enough);
    }
}

/// EXC-4: once paying an invoice was begun, no other is asked for, whatever its owner allows: what failed may turn out to
/// be paid.
#[test]
fn after_a_failure_no_other_invoice_is_asked_for() {
    let none = FeeLimit { base: Msat(0), basis_points: 0, ..FeeLimit::default() };
    let less = |payment: &mut Payment| payment.allow(Limit::AtMost(Msat(PRICE.0 - 1)), NOW, DEADLINE);
    let cheaper = |payment: &mut Payment| payment.allow_fee(none, NOW, DEADLINE);
    let mut payment = start(&tea(2));
    let (_, preimage) = invoiced(&mut payment, &[cheap()]);
    let hash = preimage.payment_hash();
    payment.begin(hash, NOW, None).unwrap();
    sides::fail(&mut payment);
    for allow in [&less as &dyn Fn(&mut Payment) -> _, &cheaper] {
        let mut payment = copy(&payer(), &payment);
        allow(&mut payment).unwrap();
        for now in [NOW, UnixTime(NOW.0 + 1_000), UnixTime(NOW.0 + 7_200)] {
            assert!(matches!(payment.poll(now).unwrap(), Action::WaitUntil(_)));
            let State::NeedsApproval { quote, .. } = payment.state() else { panic!("{:?}", payment.state()) };
            assert_eq!(quote.payment_hash(), hash);
            assert!(payment.begin(hash, now, None).is_err());
        }
        let mut again = copy(&payer(), &payment);
        again.allow(Limit::AtMost(PRICE), NOW, DEADLINE).unwrap();
        again.allow_fee(FeeLimit::default(), NOW, DEADLINE).unwrap();
        assert_eq!(again.begin(hash, NOW, None).unwrap(), Attempt(2));
        assert_eq!(payment.poll(UnixTime(NOW.0 + 7_201)).unwrap(), Action::Nothing);
        assert!(matches!(payment.state(), State::Ended(_)));
    }
}

/// EXC-14: what came over one way is for its owner to decide only after the others had time to answer.
#[test]
fn the_other_ways_have_time_to_answer() {
    for ways in 2..=4 {
        let mut payment = start(&tea(ways));
        assert!(matches!(invoiced(&mut payment, &[robber()]).0, Progress::AskingAgain(Some(_))));
        let mut now = NOW;
        for _ in 1..ways {
            let Action::Send(_) = payment.poll(now).unwrap() else { panic!("{:?}", payment.state()) };
            let Action::WaitUntil(at) = payment.poll(now).unwrap() else { panic!() };
            assert!(at > now);
            now = UnixTime(at.0 - 1);
            assert!(matches!(payment.poll(now).unwrap(), Action::WaitUntil(_)));
            assert!(matches!(payment.state(), State::Asking { .. }), "{:?}", payment.state());
            now = at;
        }
        let Action::Send(_) = payment.poll(now).unwrap() else { panic!("{:?}", payment.state()) };
        assert!(matches!(payment.state(), State::NeedsApproval { .. }), "{:?}", payment.state());
    }
}

/// EXC-12: a node that says everything again says again that the first attempt failed, while the second is on its way.
#[test]
fn a_failure_that_is_told_again_is_not_of_the_present_attempt() {
    let mut payment = start(&tea(1));
    let (_, preimage) = invoiced(&mut payment, &[cheap()]);
    let hash = preimage.payment_hash();
    assert_eq!(payment.begin(hash, NOW, None).unwrap(), Attempt(1));
    assert_eq!([Attempt(1), Attempt(u32::MAX)].map(|it| it.to_string()), ["1", "4294967295"]);
    assert_eq!(payment.failed(Attempt(2)).unwrap_err().kind(), &ErrorKind::OtherAttempt { attempt: 2, present: 1 });
    payment.failed(Attempt(1)).unwrap();
    assert_eq!(payment.failed(Attempt(1)).unwrap_err().kind().code(), "wrong_state");
    assert_eq!(payment.begin(hash, NOW, None).unwrap(), Attempt(2));
    let before = payment.to_bytes();
    for mut payment in [copy(&payer(), &payment), payer().restore(&before).unwrap()] {
        let bytes = payment.to_bytes();
        for other in [0, 1, 3, u32::MAX] {
            let error = payment.failed(Attempt(other)).unwrap_err();
            let kind = ErrorKind::OtherAttempt { attempt: other, present: 2 };
            assert_eq!((error.kind(), error.rule()), (&kind, Rule::Exc12));
            assert_eq!(payment.to_bytes(), bytes);
            assert!(payment.begin(hash, NOW, None).is_err(), "paid twice");
        }
        let State::Paying(paying) = payment.state() else { panic!() };
        assert_eq!(paying.attempt(), Attempt(2));
        payment.paid(preimage).unwrap();
    }
}

/// EXC-13: whatever stage a backup is of, it pays nothing, asks for nothing, and nobody can allow it to.
#[test]
fn a_backup_never_pays() {
    let offer = tea(1);
    let mut backups = Vec::new();
    let mut payment = start(&offer);
    backups.push(payment.to_bytes());
    let (_, preimage) = invoiced(&mut payment, &[cheap()]);
    backups.push(payment.to_bytes());
    let mut dear = start(&offer);
    invoiced(&mut dear, &[robber()]);
    backups.push(dear.to_bytes());
    dear.poll(UnixTime(DEADLINE.0 + 1)).unwrap();
    assert!(matches!(dear.state(), State::Ended(EndReason::FeeTooHigh { .. })));
    backups.push(dear.to_bytes());
    try_begin(&mut payment, NOW).unwrap();
    let paying = payment.to_bytes();
    sides::fail(&mut payment);
    backups.push(payment.to_bytes());
    let mut refund = publish(1);
    backups.push(refund.to_bytes());
    let claim = sent(&mut claim(&issuer(), &refund.refund().unwrap().clone(), 1));
    assert_eq!(refund.receive(claim, NOW).unwrap(), Progress::Quoted);
    backups.push(refund.to_bytes());
    let never = |payment: &mut Payment| {
        for now in [NOW, UnixTime(0), DEADLINE, UnixTime(u64::MAX)] {
            assert!(payment.allow(Limit::AtMost(Msat(u64::MAX / 1_000_000)), now, DEADLINE).is_err());
            assert!(payment.allow_fee(FeeLimit { base: ROBBERY, ..FeeLimit::default() }, now, DEADLINE).is_err());
            assert_eq!(payment.poll(now).unwrap(), Action::Nothing);
            assert!(payment.begin(preimage.payment_hash(), now, None).is_err());
            assert_eq!(try_begin(payment, now).unwrap_err().kind().code(), "wrong_state");
        }
    };
    for backup in &backups {
        let restored = payer().restore(backup).unwrap();
        assert!(matches!(restored.state(), State::Ended(EndReason::Restored)), "{:?}", restored.state());
        let mut restored = copy(&payer(), &restored);
        never(&mut restored);
    }
    // What was being paid still is. When the node says that this attempt failed, a later one may be under way.
    let restored = payer().restore(&paying).unwrap();
    assert!(matches!(restored.state(), State::Paying(_)));
    let mut failed = copy(&payer(), &restored);
    sides::fail(&mut failed);
    never(&mut failed);
    assert!(matches!(copy(&payer(), &failed).state(), State::Ended(EndReason::Restored)));
    for mut payment in [restored, failed, payer().restore(&backups[4]).unwrap()] {
        payment.paid(preimage).unwrap();
        assert!(matches!(payment.state(), State::Paid(_)));
        let paid = payer().restore(&payment.to_bytes()).unwrap();
        assert!(matches!(paid.state(), State::Paid(_)));
    }
}

// ---- claims of strangers

fn publish(paths: u8) -> Payment {
    let new = payer().new_refund([5; 32]);
    let builder = new.builder("a cup that broke", Msat(5_000));
    let builder =
        (0..paths).fold(builder, |builder, position| builder.add_path(path_with(0x70, new.path_id(position))));
    new.publish(builder, NOW).unwrap()
}

fn stranger(number: u8) -> Payee {
    Payee::new([number.wrapping_add(100); 32])
}

/// EXC-14: however many strangers claim a refund, and before or after whom it is for, that claim is taken, by itself or
/// when it is sent again, and can be paid. EXC-20: one is looked at in a minute.
#[test]
fn strangers_claims_block_nobodys() {
    for before in [0, 1, 15, 16, 40] {
        let (mut payment, mut now) = (publish(1), NOW);
        let mut in_a_minute = || {
            now.0 += 60;
            now
        };
        let refund = payment.refund().unwrap().clone();
        let mut honest = claim(&issuer(), &refund, 1);
        let first = sent(&mut honest);
        for number in 0..before {
            let theirs = sent(&mut claim(&stranger(number), &refund, 2));
            assert_eq!(payment.receive(theirs, in_a_minute()).unwrap(), Progress::Quoted);
        }
        assert_eq!(payment.receive(first.clone(), in_a_minute()).unwrap(), Progress::Quoted);
        for number in before..20 {
            let theirs = sent(&mut claim(&stranger(number), &refund, 2));
            assert_eq!(payment.receive(theirs, in_a_minute()).unwrap(), Progress::Quoted);
        }
        assert!(payment.quotes().count() <= MAX_CLAIMS);
        payment = copy(&payer(), &payment);
        let node_id = honest.invoice().node_id();
        let is_there = |payment: &Payment| payment.quotes().any(|quote| quote.node_id() == node_id);
        if !is_there(&payment) {
            // It is sent again, as claims are.
            assert_eq!(payment.receive(first, in_a_minute()).unwrap(), Progress::Quoted);
        }
        assert!(is_there(&payment), "{before}");
        let mut told = copy(&payer(), &payment);
        told.expect_payee(node_id).unwrap();
        assert_eq!(told.quotes().count(), 1);
        let hash = honest.invoice().payment_hash();
        for mut payment in [payment, told] {
            payment.begin(hash, NOW, None).unwrap();
            payment.paid(Preimage([1; 32])).unwrap();
        }
    }
}

/// EXC-14: declining a hundred and one claims leaves room for whom the refund is for, and declines nobody else.
#[test]
fn a_hundred_and_one_declines_close_nothing() {
    let mut payment = publish(1);
    let refund = payment.refund().unwrap().clone();
    let mut last = None;
    for number in 0..101 {
        let theirs = sent(&mut claim(&stranger(number), &refund, 2));
        // They last for two hours.
        let now = UnixTime(NOW.0 + 60 * u64::from(number));
        assert_eq!(payment.receive(theirs.clone(), now).unwrap(), Progress::Quoted);
        let State::Quoted(quote) = payment.state() else { panic!() };
        let node_id = quote.node_id();
        payment.decline_claim(node_id).unwrap();
        let refused = payment.receive(theirs.clone(), now).unwrap_err();
        let is_told = matches!(refused.error().kind(), ErrorKind::WrongKey | ErrorKind::TooManyClaims { .. });
        assert!(is_told, "{refused}");
        last = Some(theirs);
    }
    let mut payment = copy(&payer(), &payment);
    assert!(payment.receive(last.unwrap(), NOW).is_err());
    assert!(matches!(payment.state(), State::Asking { .. }));
    let mut honest = claim(&issuer(), &refund, 1);
    assert_eq!(payment.receive(sent(&mut honest), NOW).unwrap(), Progress::Quoted);
    assert_eq!(payment.quotes().count(), 1);
    try_begin(&mut payment, NOW).unwrap();
}

/// EXC-14: an error over one of two paths of a refund stops neither the refund nor the claim.
#[test]
fn an_error_over_one_refund_path_ends_nothing() {
    let mut payment = publish(2);
    let refund = payment.refund().unwrap().clone();
    let new = payer().new_refund([5; 32]);
    let told = |arrival| IncomingMessage {
        kind: OffersMessageKind::InvoiceError,
        bytes: InvoiceError::new("no").unwrap().into_bytes(),
        arrival,
        reply_path: None,
    };
    let before = payment.to_bytes();
    for position in 0..2 {
        assert!(payment.receive(told(MessageArrival::Path(new.path_id(position))), NOW).is_err());
        assert_eq!(payment.to_bytes(), before);
    }
    let mut claim = claim(&issuer(), &refund, 1);
    let Action::Send(first) = claim.poll(NOW).unwrap() else { panic!() };
    let error = told(MessageArrival::Path(first.reply_path_id.unwrap()));
    claim.receive(error.clone(), NOW).unwrap();
    assert!(claim.receive(error, NOW).is_err(), "said again, it says nothing");
    assert_eq!(claim.state(), &ClaimState::Sending);
    let Action::Send(second) = claim.poll(NOW).unwrap() else { panic!() };
    assert_ne!(first.destination, second.destination);
    assert_eq!(payment.receive(deliver(&second, 0x66), NOW).unwrap(), Progress::Quoted);
    claim.receive(told(MessageArrival::Path(second.reply_path_id.unwrap())), NOW).unwrap();
    assert!(matches!(claim.state(), ClaimState::Ended(EndReason::Refused(_))));
}

/// EXC-7: a tolerance is counted from the price at a rate, and without one there is none to allow.
#[test]
fn a_tolerance_is_allowed_once_the_rate_is_known() {
    let price = OfferAmount::Currency { currency: usd(), amount: MinorUnits(350) };
    let offer = own_offer(&issuer(), 1, |offer| offer.description("coffee").amount(price));
    let draft = payer().draft(&offer, NOW, CHAINS).unwrap().limit(Limit::AtMost(Msat(4_000_000)));
    let mut payment = draft.start([3; 32], NOW, DEADLINE).unwrap();
    let (tolerance, before) = (Limit::Tolerance { basis_points: 100 }, payment.to_bytes());
    let error = payment.allow(tolerance, NOW, DEADLINE).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::RateNeeded { currency: usd() }, Rule::Exc7));
    assert_eq!((error.field(), payment.to_bytes()), (Some(Field::OFFER_AMOUNT), before));
    payment.set_rate(Rate::per_bitcoin(usd(), "100000").unwrap()).unwrap();
    payment.allow(tolerance, NOW, DEADLINE).unwrap();
    assert_eq!(payment.max_amount(), Msat(3_535_000));
}
