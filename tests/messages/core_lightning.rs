//! What a Core Lightning node does that others do not: each a message or a wish that has to be met.

use bolt12::exchange::{
    Action, ExpectedPayment, IncomingMessage, Limit, OffersMessage, OutgoingMessage, Payee, Payer, Payment, Progress,
    State, Subscribers, Subscription,
};
use bolt12::{
    ErrorKind, Field, Invoice, InvoiceError, Msat, Offer, PayerProofBuilder, Preimage, Recurrence, Rule, TimeUnit,
    UnixTime,
};

use super::messages::{NOW, path, payinfo};
use super::sides::{CHAINS, copy, deliver, own_offer, path_with, terms};

const DAY: u64 = 86_400;

fn payee() -> Payee {
    Payee::new([1; 32])
}

fn payer() -> Payer {
    Payer::new([2; 32])
}

fn later(seconds: u64) -> UnixTime {
    UnixTime(NOW.0 + seconds)
}

fn daily(is_compulsory: bool) -> Offer {
    let recurrence = Recurrence { is_compulsory, ..Recurrence::every(1, TimeUnit::Days).unwrap() };
    own_offer(&payee(), 1, |offer| offer.description("news").amount_msat(Msat(5_000)).recurrence(recurrence))
}

fn sent(action: Action) -> OutgoingMessage {
    let Action::Send(outgoing) = action else { panic!("{action:?}") };
    *outgoing
}

/// Answers a request of a subscription, as the documentation says.
fn answer(subscribers: &Subscribers, asked: &OutgoingMessage, now: UnixTime) -> (ExpectedPayment, OutgoingMessage) {
    let received = payee().receive(deliver(asked, 0x70)).unwrap();
    let context = subscribers.context(&received).expect("a subscription");
    let accepted = received.accept_recurring(&terms(now, None), &context).unwrap();
    let expected = accepted.expected_payment();
    let invoice = accepted.invoice(expected.payment_hash()).add_path(path(2), &payinfo()).build().unwrap();
    let found = payee().expected_payment(expected.payment_hash(), expected.path_id.as_ref()).unwrap();
    (found, accepted.answer(accepted.sign(invoice).unwrap()).unwrap())
}

fn pay(subscription: &mut Subscription, subscribers: &mut Subscribers, now: UnixTime) -> ExpectedPayment {
    let asked = sent(subscription.poll(now, None).unwrap());
    let (expected, answer) = answer(subscribers, &asked, now);
    assert_eq!(subscription.receive(deliver(&answer, 0x60), now).unwrap(), Progress::Quoted);
    subscription.begin(now, None).unwrap();
    subscribers.take(&expected, b"one").unwrap();
    subscription.paid(expected.preimage).unwrap();
    expected
}

fn subscribed() -> Subscription {
    let offer = daily(true);
    payer().subscribe(&offer, NOW, CHAINS).unwrap().start([3; 32], NOW, later(600)).unwrap()
}

// REC-11, MSG-3, D13: it cancels without a reply path, since it wants no answer.
#[test]
fn a_cancellation_needs_no_reply_path() {
    let (mut subscription, mut subscribers) = (subscribed(), Subscribers::new());
    pay(&mut subscription, &mut subscribers, NOW);
    subscription.cancel();
    let cancels = sent(subscription.poll(later(60), None).unwrap());
    let bare = IncomingMessage { reply_path: None, ..deliver(&cancels, 0x70) };
    let received = payee().receive(bare.clone()).unwrap();
    let received = payee().load_received(&received.to_bytes()).unwrap();
    assert!(received.cancels() && subscribers.cancel(&received));
    // Once; and nobody is told anything.
    assert!(!subscribers.cancel(&received));
    assert_eq!(received.refuse(InvoiceError::new("no").unwrap()), None);
    // What wants an answer has to say where to.
    let mut other = subscribed();
    let asked = deliver(&sent(other.poll(NOW, None).unwrap()), 0x70);
    let refused = payee().receive(IncomingMessage { reply_path: None, ..asked }).unwrap_err();
    assert_eq!((refused.error().kind(), refused.error().rule()), (&ErrorKind::NoReplyPath, Rule::Msg3));
    // It is checked like any other request.
    let mut forged = bare;
    let last = forged.bytes.len() - 1;
    forged.bytes[last] ^= 1;
    assert!(payee().receive(forged).is_err());
}

// REC-3, REC-7: one period's money is taken once, however many invoices for it are open, and nothing is kept of
// requests.
#[test]
fn a_period_is_paid_once() {
    let (mut subscription, mut subscribers) = (subscribed(), Subscribers::new());
    let asked = sent(subscription.poll(NOW, None).unwrap());
    let (first, _) = answer(&subscribers, &asked, NOW);
    let (second, _) = answer(&subscribers, &asked, later(1));
    assert_ne!(first.payment_hash(), second.payment_hash());
    assert_eq!((subscribers.keys().count(), &subscribers), (0, &Subscribers::new()));
    subscribers.take(&first, b"one").unwrap();
    // EXC-22: the node says again what it holds.
    subscribers.take(&first, b"one").unwrap();
    for (again, id) in [(&first, b"two"), (&second, b"one"), (&second, b"two")] {
        let error = subscribers.take(again, id).unwrap_err();
        assert_eq!((error.kind(), error.rule()), (&ErrorKind::AlreadyPaid, Rule::Rec7));
    }
    let mut subscribers = payee().load_subscribers(&subscribers.to_bytes(&payee())).unwrap();
    assert_eq!(subscribers.keys().count(), 1);
    // The next one follows, and none after the next.
    let mut subscription = subscribed();
    let mut kept = Subscribers::new();
    pay(&mut subscription, &mut kept, NOW);
    let next = pay(&mut subscription, &mut kept, later(DAY));
    assert_eq!(next.sale.period.unwrap().counter, 1);
    let after = pay(&mut subscription, &mut kept, later(2 * DAY));
    let mut behind = Subscribers::new();
    assert_eq!(behind.take(&after, b"one").unwrap_err().kind(), &ErrorKind::PreviousUnpaid);
    assert!(payee().load_subscribers(&Subscribers::new().to_bytes(&Payee::new([9; 32]))).is_err());
    subscribers.forget_before(later(100 * DAY));
    assert_eq!(subscribers, Subscribers::new());
}

// REC-3: an offer that may recur can be paid once, as a subscription's first payment that nothing follows.
#[test]
fn an_offer_that_may_recur_is_paid_once() {
    let offer = daily(false);
    let mut payment = payer().draft(&offer, NOW, CHAINS).unwrap().start([3; 32], NOW, later(600)).unwrap();
    let asked = sent(payment.poll(NOW).unwrap());
    let OffersMessage::InvoiceRequest(request) = &asked.message else { panic!() };
    let recurrence = request.recurrence().unwrap();
    assert_eq!((recurrence.counter, recurrence.start, recurrence.cancel), (0, None, false));
    let (expected, answer) = answer(&Subscribers::new(), &asked, NOW);
    let mut payment = copy(&payer(), &payment);
    assert_eq!(payment.receive(deliver(&answer, 0x60), NOW).unwrap(), Progress::Quoted);
    let payment = {
        payment.begin(expected.payment_hash(), NOW, None).unwrap();
        payment.paid(expected.preimage).unwrap();
        copy(&payer(), &payment)
    };
    let State::Paid(receipt) = payment.state() else { panic!() };
    assert!(receipt.proof().build().unwrap().sign(&receipt.keypair().unwrap()).is_ok());
    // Asked again, it is another payer.
    let again = payer().draft(&offer, NOW, CHAINS).unwrap().start([4; 32], NOW, later(600)).unwrap();
    let other = sent(copy(&payer(), &again).poll(NOW).unwrap());
    let OffersMessage::InvoiceRequest(other) = &other.message else { panic!() };
    assert_ne!(other.payer_id(), request.payer_id());
    // One that must recur is no single payment.
    assert_eq!(payer().draft(&daily(true), NOW, CHAINS).unwrap_err().kind(), &ErrorKind::IsRecurring);
}

fn published() -> Payment {
    let new = payer().new_refund([7; 32]);
    let refund = new.builder("a cup", Msat(5_000)).add_path(path_with(0x70, new.path_id(0)));
    new.publish(refund, NOW).unwrap()
}

// D1: some pay only the claim of a signed refund, some read only one without a signature. Both are one payment.
#[test]
fn a_refund_has_two_texts_and_one_claim() {
    for signed in [false, true] {
        let mut payment = published();
        let refund = payment.refund().unwrap().clone();
        let other = payment.signed_refund().unwrap();
        assert_eq!((refund.signature(), other.signature().is_some()), (None, true));
        assert_ne!(refund.to_string(), other.to_string());
        let shown: bolt12::Refund = if signed { other } else { refund }.to_string().parse().unwrap();
        let accepted = payee().claim(&shown, NOW, CHAINS).unwrap();
        let expected = accepted.expected_payment();
        let invoice = accepted.invoice(expected.payment_hash()).add_path(path(1), &payinfo()).build().unwrap();
        let mut claim = accepted.sign(invoice, later(600), Default::default()).unwrap();
        let claiming = sent(claim.poll(NOW).unwrap());
        assert_eq!(payment.receive(deliver(&claiming, 0x60), NOW).unwrap(), Progress::Quoted);
        payment.begin(expected.payment_hash(), NOW, None).unwrap();
    }
}

// EXC-6: errors quote the whole message before the reason.
#[test]
fn the_reason_of_an_error_is_what_a_person_sees() {
    let request = "lnr1qqsx57krkzmr7ysh3m4k58vk9nu955jzkzqpr3ld7zzg";
    for (text, reason) in [
        (format!("Failed invreq {request}: Amount vastly exceeds 7000msat"), "Amount vastly exceeds 7000msat"),
        (format!("Failed invoice {}: Unknown", request.replace("lnr", "lni")), "Unknown"),
        (format!("{request}: no"), "no"),
        ("out of tea: sorry".to_owned(), "out of tea: sorry"),
        (format!("Failed invreq {request}"), ""),
        (format!("Failed invreq {request}: "), ""),
        ("Failed invreq lnr1short: no".to_owned(), ""),
        (format!("Failed invreq lnr1{}: no", "q".repeat(26)), ""),
        (format!("Failed invreq lnr1{}: no", "q".repeat(27)), "no"),
    ] {
        let error = InvoiceError::new(&text).unwrap();
        let expected = if reason.is_empty() { text.as_str() } else { reason };
        assert_eq!(error.reason().unwrap().as_raw(), expected);
        let end = bolt12::exchange::EndReason::Refused(error.into());
        assert_eq!(end.to_string(), format!("the other side declined: {expected}"), "{text}");
    }
}

// PPW-2: its reader refuses proofs that show even fields which it does not know.
#[test]
fn a_proof_leaves_out_what_some_readers_refuse() {
    let (mut subscription, subscribers) = (subscribed(), Subscribers::new());
    let asked = sent(subscription.poll(NOW, None).unwrap());
    let (expected, answer) = answer(&subscribers, &asked, NOW);
    let OffersMessage::Invoice(invoice) = answer.message else { panic!() };
    let invoice: Invoice = invoice;
    let even = |number: u64| number >= 1_000_000_000 && number % 2 == 0;
    assert!(invoice.tlvs().records().any(|record| even(record.number())));
    let key = payer().keypair(invoice.request()).unwrap();
    let preimage: Preimage = expected.preimage;
    let all = || PayerProofBuilder::without_paths(&invoice, preimage);
    let proof = all().build().unwrap().sign(&key).unwrap();
    assert!(!proof.tlvs().records().any(|record| even(record.number())));
    let named = all().reveal(Field::OFFER_RECURRENCE_COMPULSORY).build().unwrap().sign(&key).unwrap();
    assert!(named.tlvs().records().any(|record| even(record.number())));
}

// EXC-17: what can be caught up with is told before anything begins.
#[test]
fn a_draft_says_how_much_can_be_overdue() {
    let overdue = |recurrence: Recurrence| {
        let offer =
            own_offer(&payee(), 1, |offer| offer.description("news").amount_msat(Msat(5_000)).recurrence(recurrence));
        payer().subscribe(&offer, NOW, CHAINS).unwrap().limit(Limit::AtMost(Msat(5_000))).most_overdue()
    };
    let every_day = Recurrence::every(1, TimeUnit::Days).unwrap();
    assert_eq!(overdue(every_day), 2, "the period that lasts, and the next");
    let window = |before, after| {
        let paywindow = bolt12::PayWindow { seconds_before: before, seconds_after: after };
        Recurrence { paywindow: Some(paywindow), ..every_day }
    };
    assert_eq!(overdue(window(0, 3_600)), 1);
    assert_eq!(overdue(window(0, 365 * 86_400)), 366);
}
