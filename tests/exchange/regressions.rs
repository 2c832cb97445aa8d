//! What reviews found, each as it was found.

use core::time::Duration;

use bolt12::exchange::{
    Accepted, Action, Destination, EndReason, FeeLimit, IncomingMessage, MessageArrival, OffersMessageKind,
    OutgoingMessage, Payment, Progress, Retry, State,
};
use bolt12::{ErrorKind, InvoiceError, MessageKind, Msat, Offer, Preimage, Rule, UnixTime};

use super::messages::{NOW, path, payinfo};
use super::sides::{self, CHAINS, copy, deliver, issuer, path_with, payer, tea, terms};

fn start(offer: &Offer, deadline: UnixTime) -> Payment {
    payer().draft(offer, NOW, CHAINS).unwrap().start([3; 32], NOW, deadline).unwrap()
}

/// Waits until the payment sends something.
fn next(payment: &mut Payment, now: &mut UnixTime) -> Option<OutgoingMessage> {
    loop {
        match payment.poll(*now).unwrap() {
            Action::Send(outgoing) => return Some(*outgoing),
            Action::WaitUntil(at) => {
                assert!(at > *now);
                *now = at;
            }
            Action::Sign | Action::Nothing => return None,
        }
    }
}

fn accepted(asked: &OutgoingMessage, now: UnixTime) -> Accepted {
    issuer().receive(deliver(asked, 0x70)).unwrap().accept(&terms(now, None)).unwrap()
}

fn answer(asked: &OutgoingMessage, made: UnixTime) -> IncomingMessage {
    let accepted = accepted(asked, made);
    let (_, invoice) = sides::invoice(&accepted);
    deliver(&accepted.answer(invoice).unwrap(), 0x60)
}

fn position(offer: &Offer, outgoing: &OutgoingMessage) -> usize {
    let Destination::Path(path) = &outgoing.destination else { panic!() };
    offer.paths().unwrap().iter().position(|other| other.as_bytes() == path.as_bytes()).unwrap()
}

/// EXC-5, EXC-7: an answer that has expired when it comes does not keep the payment from asking over other ways, and
/// what is asked because of it comes later each time.
#[test]
fn one_way_with_a_wrong_clock_does_not_block_the_others() {
    let offer = tea(2);
    let (mut payment, mut now) = (start(&offer, UnixTime(NOW.0 + 3_600)), NOW);
    let first = next(&mut payment, &mut now).unwrap();
    assert_eq!(position(&offer, &first), 0);
    let stale = answer(&first, UnixTime(NOW.0 - 10_000));
    assert!(matches!(payment.receive(stale, now).unwrap(), Progress::AskingAgain(Some(_))));
    let second = next(&mut payment, &mut now).unwrap();
    assert_eq!(position(&offer, &second), 1);
    assert_eq!(payment.receive(answer(&second, now), now).unwrap(), Progress::Quoted);

    // Where all are wrong, it is not over within seconds.
    let offer = tea(1);
    let (mut payment, mut now) = (start(&offer, UnixTime(NOW.0 + 36_000)), NOW);
    while let Some(asked) = next(&mut payment, &mut now) {
        let stale = answer(&asked, UnixTime(now.0 - 10_000));
        let _ = payment.receive(stale, now).unwrap();
    }
    assert!(matches!(payment.state(), State::Ended(EndReason::QuoteExpired)));
    assert!(now.0 - NOW.0 > 600, "{}", now.0 - NOW.0);
}

/// MSG-1: what is no answer is called by its name.
#[test]
fn a_message_of_another_kind_is_not_an_answer() {
    let mut payment = start(&tea(1), UnixTime(NOW.0 + 600));
    let kind = OffersMessageKind::InvoiceRequest;
    let message = IncomingMessage { kind, bytes: vec![], arrival: MessageArrival::Direct, reply_path: None };
    let refused = payment.receive(message, NOW).unwrap_err();
    let wrong = ErrorKind::WrongKind { expected: MessageKind::Invoice, found: MessageKind::InvoiceRequest };
    assert_eq!((refused.error().kind(), refused.error().rule()), (&wrong, Rule::Msg1));
}

/// EXC-6: what the issuer said over one way is told in the end, if the others are silent.
#[test]
fn a_reason_is_not_lost() {
    let (mut payment, mut now) = (start(&tea(2), UnixTime(NOW.0 + 600)), NOW);
    let first = next(&mut payment, &mut now).unwrap();
    let told = InvoiceError::new("out of tea").unwrap();
    let arrival = MessageArrival::Path(first.reply_path_id.unwrap());
    let incoming = IncomingMessage {
        kind: OffersMessageKind::InvoiceError,
        bytes: told.as_bytes().to_vec(),
        arrival,
        reply_path: None,
    };
    assert_eq!(payment.receive(incoming, now).unwrap(), Progress::AskingAgain(None));
    let mut payment = copy(&payer(), &payment);
    while next(&mut payment, &mut now).is_some() {}
    let State::Ended(EndReason::Refused(kept)) = payment.state() else { panic!("{:?}", payment.state()) };
    assert_eq!(kept.as_ref(), &told);
}

/// EXC-4: a payment that was said to have failed is found again by its hash when it turns out to have been made.
#[test]
fn a_late_preimage_finds_its_payment() {
    let (mut payment, mut now) = (start(&tea(1), UnixTime(NOW.0 + 600)), NOW);
    let asked = next(&mut payment, &mut now).unwrap();
    let preimage = accepted(&asked, NOW).expected_payment().preimage;
    assert_eq!(payment.receive(answer(&asked, NOW), NOW).unwrap(), Progress::Quoted);
    sides::begin(&mut payment, NOW);
    sides::fail(&mut payment);
    payment.decline().unwrap();
    let mut payment = copy(&payer(), &payment);
    assert!(matches!(payment.state(), State::Ended(EndReason::Declined)));
    assert_eq!(payment.failed_hashes().collect::<Vec<_>>(), [preimage.payment_hash()]);
    assert_eq!(payment.paid(Preimage([0; 32])).unwrap_err().kind(), &ErrorKind::WrongPreimage);
    payment.paid(preimage).unwrap();
    payment.paid(preimage).unwrap();
    assert!(matches!(payment.state(), State::Paid(_)));
}

// EXC-5: what cannot be sent over any way ends a payment that asks, and no other; an answer to it comes too late.
#[test]
fn what_cannot_be_sent_ends_what_asks() {
    let (mut payment, mut now) = (start(&tea(2), UnixTime(NOW.0 + 600)), NOW);
    let asked = next(&mut payment, &mut now).unwrap();
    let mut quoted = copy(&payer(), &payment);
    payment.unsendable();
    payment = copy(&payer(), &payment);
    assert!(matches!(payment.state(), State::Ended(EndReason::Unsendable)));
    assert_eq!(payment.poll(now).unwrap(), Action::Nothing);
    assert_eq!(payment.receive(answer(&asked, NOW), NOW).unwrap_err().error().kind(), &ErrorKind::AlreadyAnswered);
    assert_eq!(quoted.receive(answer(&asked, NOW), NOW).unwrap(), Progress::Quoted);
    quoted.unsendable();
    assert!(matches!(quoted.state(), State::Quoted(_)));
    sides::begin(&mut quoted, NOW);
    quoted.unsendable();
    assert!(matches!(quoted.state(), State::Paying(_)));
}

/// The invoice is what its path id says that is expected: for as much, as long, and signed by the same key.
#[test]
fn an_invoice_expires_when_its_path_id_says() {
    let (mut payment, mut now) = (start(&tea(1), UnixTime(NOW.0 + 600)), NOW);
    let asked = next(&mut payment, &mut now).unwrap();
    let hour = Duration::from_secs(3_600);
    let make = |accepted: &Accepted, expiry| {
        let invoice = accepted.invoice(accepted.expected_payment().payment_hash()).add_path(path(2), &payinfo());
        accepted.sign(invoice.relative_expiry(expiry).build().unwrap())
    };
    let plain = accepted(&asked, NOW);
    let expected = UnixTime(NOW.0 + 7_200);
    assert_eq!(make(&plain, hour).unwrap_err().kind(), &ErrorKind::TimeMismatch { expected });
    let short = accepted(&asked, NOW).relative_expiry(hour);
    assert_eq!(short.expected_payment().expires_at, UnixTime(NOW.0 + 3_600));
    let invoice = make(&short, hour).unwrap();
    let found = issuer().expected_payment(invoice.payment_hash(), short.expected_payment().path_id.as_ref());
    assert_eq!(found, Some(short.expected_payment()));
    assert_eq!(issuer().expected_payment(invoice.payment_hash(), plain.expected_payment().path_id.as_ref()), None);
}

/// IVR-9: who was declined by mistake can still be named, and a refund without expiry waits for ever.
#[test]
fn a_payee_who_was_declined_can_be_confirmed() {
    let new = payer().new_refund([5; 32]);
    let builder = new.builder("a cup", Msat(5_000)).add_path(path_with(0x61, new.path_id(0)));
    let mut payment = new.publish(builder, NOW).unwrap();
    assert_eq!(payment.poll(NOW).unwrap(), Action::Nothing);
    let accepted =
        issuer().claim(payment.refund().unwrap(), NOW, CHAINS).unwrap().relative_expiry(Duration::from_secs(60));
    let node_id = accepted.node_id();
    let expected = accepted.expected_payment();
    assert_eq!(expected.expires_at, UnixTime(NOW.0 + 60));
    let invoice = accepted.invoice(expected.payment_hash()).add_path(path(2), &payinfo()).build().unwrap();
    let mut claim = accepted.sign(invoice, UnixTime(NOW.0 + 600), Retry::default()).unwrap();
    let Action::Send(sent) = claim.poll(NOW).unwrap() else { panic!() };
    let arrived = deliver(&sent, 0x62);
    assert_eq!(payment.receive(arrived.clone(), NOW).unwrap(), Progress::Quoted);
    payment.decline_claim(node_id).unwrap();
    let refused = payment.receive(arrived.clone(), NOW).unwrap_err();
    assert_eq!(refused.error().kind(), &ErrorKind::WrongKey);
    payment.expect_payee(node_id).unwrap();
    assert_eq!(payment.receive(arrived, NOW).unwrap(), Progress::Quoted);

    // A claim keeps no more of an error than is shown, and a late one costs nobody anything.
    let arrival = MessageArrival::Path(sent.reply_path_id.unwrap());
    let long = InvoiceError::new(&"no ".repeat(10_000)).unwrap().into_bytes();
    claim
        .receive(
            IncomingMessage { kind: OffersMessageKind::InvoiceError, bytes: long.clone(), arrival, reply_path: None },
            NOW,
        )
        .unwrap();
    assert!(claim.to_bytes().len() < 4_000, "{}", claim.to_bytes().len());
    let late = claim
        .receive(IncomingMessage { kind: OffersMessageKind::InvoiceError, bytes: long, arrival, reply_path: None }, NOW)
        .unwrap_err();
    assert!(!late.is_cheap());
}

/// EXC-5, EXC-14: an invoice that is too dear closes its way. Sent again, it made the payment ask over the other ways at
/// once, each time.
#[test]
fn an_invoice_that_is_refused_again_asks_nobody_again() {
    let offer = tea(2);
    let strict = FeeLimit { base: Msat(0), basis_points: 0, max_cltv_expiry_delta: 1008 };
    let draft = payer().draft(&offer, NOW, CHAINS).unwrap().fee_limit(strict);
    let mut payment = draft.start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    let mut now = NOW;
    let asked = next(&mut payment, &mut now).unwrap();
    assert_eq!(position(&offer, &asked), 0);
    assert!(matches!(payment.receive(answer(&asked, now), now), Ok(Progress::AskingAgain(Some(_)))));
    // Once, because of it.
    let Action::Send(other) = payment.poll(now).unwrap() else { panic!() };
    assert_eq!(position(&offer, &other), 1);
    let Action::WaitUntil(at) = payment.poll(now).unwrap() else { panic!() };
    for _ in 0..3 {
        let before = payment.to_bytes();
        let refused = payment.receive(answer(&asked, now), now).unwrap_err();
        assert_eq!(refused.error().kind(), &ErrorKind::AlreadyAnswered);
        assert_eq!(payment.to_bytes(), before);
        assert_eq!(payment.poll(now).unwrap(), Action::WaitUntil(at));
    }
    // What the other way says still counts.
    assert_eq!(payment.receive(answer(&other, now), now).unwrap(), Progress::NeedsApproval);
}
