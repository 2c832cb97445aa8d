//! Payments whose payee may be asleep: quoted as what they are, held until the payee wakes, made once, and never proved.

use super::messages::{self, NOW, issuer, key, path, payinfo};
use super::sides::{self, CHAINS, arrival, deliver, is_about, path_with};
use bolt12::exchange::{
    Action, AsyncPayment, AsyncProgress, AsyncState, Attempt, Destination, EndReason, FeeLimit, IncomingMessage, Limit,
    MAX_RENEWALS, MessageArrival, Objection, OffersMessage, OffersMessageKind, OutgoingMessage, Payer, Payment,
    Progress, Release, State,
};
use bolt12::secp256k1::Keypair;
use bolt12::{
    ErrorKind, InvoiceError, MinorUnits, Msat, Offer, OfferAmount, OfferBuilder, PayInfo, Preimage, Rate, Rule,
    StaticInvoice, StaticInvoiceBuilder, UnixTime,
};
use proptest::prelude::*;

pub(super) const DAY: u64 = 86_400;
pub(super) const TWO_WEEKS: u64 = 14 * DAY;
pub(super) const PRICE: Msat = Msat(100_000);
pub(super) const RANDOM: [u8; 32] = [0x7a; 32];

pub(super) fn after(seconds: u64) -> UnixTime {
    UnixTime(NOW.0 + seconds)
}

pub(super) fn payer() -> Payer {
    Payer::new([0x31; 32])
}

/// An offer with two paths to whoever serves.
pub(super) fn offer_with(fill: impl FnOnce(OfferBuilder) -> OfferBuilder) -> Offer {
    let builder = OfferBuilder::new(issuer().public_key()).description("tips").add_path(path(2)).add_path(path(3));
    fill(builder).build().unwrap()
}

pub(super) fn offer() -> Offer {
    offer_with(|offer| offer.amount_msat(PRICE))
}

/// A path to the payee, over which it is told that a payment is held.
pub(super) fn message_path(number: u8) -> bolt12::BlindedPath<'static> {
    path_with(0x70, bolt12::exchange::PathId([number; 32]))
}

pub(super) fn static_invoice(offer: &Offer, created_at: UnixTime) -> StaticInvoice {
    static_invoice_with(offer, created_at, &payinfo())
}

pub(super) fn static_invoice_with(offer: &Offer, created_at: UnixTime, payinfo: &PayInfo<'_>) -> StaticInvoice {
    let builder = StaticInvoiceBuilder::new(offer, created_at).add_path(path(2), payinfo);
    let builder = builder.add_message_path(message_path(1)).add_message_path(message_path(2));
    builder.build().unwrap().sign(&issuer()).unwrap()
}

/// A payment for the offer that was just begun, with a day to wait for an invoice.
pub(super) fn start(offer: &Offer, limit: Option<Limit>) -> AsyncPayment {
    let draft = payer().draft(offer, NOW, CHAINS).unwrap();
    let draft = limit.into_iter().fold(draft, |draft, limit| draft.limit(limit));
    AsyncPayment::new(draft.start([7; 32], NOW, after(DAY)).unwrap()).unwrap()
}

/// What it sends now.
pub(super) fn sent(payment: &mut AsyncPayment, now: UnixTime) -> OutgoingMessage {
    match payment.poll(now).unwrap() {
        Action::Send(message) => *message,
        other => panic!("{other:?}"),
    }
}

/// Something that comes over the reply path of what was sent.
pub(super) fn reply(sent: &OutgoingMessage, kind: OffersMessageKind, bytes: &[u8]) -> IncomingMessage {
    let arrival = MessageArrival::Path(sent.reply_path_id.expect("an answer is wanted"));
    IncomingMessage { kind, bytes: bytes.to_vec(), arrival, reply_path: None }
}

pub(super) fn answer(sent: &OutgoingMessage, invoice: &StaticInvoice) -> IncomingMessage {
    reply(sent, OffersMessageKind::StaticInvoice, invoice.as_bytes())
}

fn release(notice: &OutgoingMessage) -> IncomingMessage {
    reply(notice, OffersMessageKind::ReleaseHeldHtlc, &[0])
}

/// The payee is found asleep.
pub(super) fn asleep() -> AsyncPayment {
    let mut payment = start(&offer(), None);
    let request = sent(&mut payment, NOW);
    let invoice = static_invoice(&offer(), NOW);
    assert_eq!(payment.receive(answer(&request, &invoice), NOW).unwrap(), AsyncProgress::Asleep);
    payment
}

/// The same, and the node holds the payment for a week.
pub(super) fn held() -> AsyncPayment {
    let mut payment = asleep();
    payment.begin_held(RANDOM, NOW, after(7 * DAY), None).unwrap();
    payment
}

pub(super) fn release_of(payment: &AsyncPayment) -> Release {
    match payment.state() {
        AsyncState::Paying(paying) => paying.release(),
        other => panic!("{other:?}"),
    }
}

pub(super) fn attempt_of(payment: &AsyncPayment) -> Attempt {
    match payment.state() {
        AsyncState::Paying(paying) => paying.attempt(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(super) fn refused(payment: &mut AsyncPayment, message: IncomingMessage, now: UnixTime) -> bolt12::Error {
    let before = format!("{payment:?}");
    let refused = payment.receive(message, now).expect_err("nothing is to come of this");
    assert_eq!(format!("{payment:?}"), before, "what is refused changes nothing");
    assert!(refused.answer().is_none());
    refused.error().clone()
}

/// What is saved says all.
#[track_caller]
pub(super) fn reload(payment: AsyncPayment) -> AsyncPayment {
    let loaded = payer().load_async(&payment.to_bytes()).unwrap();
    assert_eq!(format!("{loaded:?}"), format!("{payment:?}"));
    loaded
}

// STA-4, STA-5, STA-6
#[test]
fn a_payee_that_sleeps_is_paid_when_it_wakes() {
    let mut payment = start(&offer(), None);
    let request = sent(&mut payment, NOW);
    assert_eq!(
        payer().async_payment_of(&reply(&request, OffersMessageKind::StaticInvoice, &[]).arrival),
        Some(payment.id())
    );
    let invoice = static_invoice(&offer(), NOW);
    payment.receive(answer(&request, &invoice), after(1)).unwrap();
    payment = reload(payment);
    let AsyncState::Quoted(quote) = payment.state() else { panic!("{:?}", payment.state()) };
    assert_eq!(quote.to_string(), "the payee is asleep; no receipt will prove this payment");
    assert_eq!((quote.amount(), quote.invoice(), quote.node_id()), (Some(PRICE), &invoice, issuer().public_key()));
    assert_eq!(quote.expires_at(), after(TWO_WEEKS));
    assert_eq!(quote.fees().unwrap(), Msat(1_001)..=Msat(1_001));
    // Nothing is sent while somebody decides.
    assert_eq!(payment.poll(after(60)).unwrap(), Action::WaitUntil(after(DAY + 1)));

    let attempt = payment.begin_held(RANDOM, after(60), after(7 * DAY), None).unwrap();
    assert_eq!(attempt, Attempt(1));
    payment = reload(payment);
    let AsyncState::Paying(paying) = payment.state() else { panic!("{:?}", payment.state()) };
    assert_eq!((paying.release(), paying.until(), paying.amount()), (Release::Hold, after(7 * DAY), PRICE));
    assert_eq!((paying.paths().len(), paying.invoice()), (1, &invoice));
    assert_eq!(paying.preimage().payment_hash(), paying.payment_hash());
    assert_ne!(paying.preimage(), Preimage(RANDOM));
    let OffersMessage::InvoiceRequest(asked) = &request.message else { panic!("{request:?}") };
    assert_eq!(&paying.request().unwrap(), asked, "what goes into the payment onion is what was asked");
    let preimage = paying.preimage();

    let notice = sent(&mut payment, after(60));
    assert_eq!(notice.message, OffersMessage::HeldHtlcAvailable);
    assert_eq!(notice.destination, Destination::Path(message_path(1)));
    let came = release(&notice);
    assert_eq!(payer().async_payment_of(&came.arrival), Some(payment.id()));
    assert_eq!(payer().payment_of(&came.arrival), None);
    assert_eq!(payment.receive(came.clone(), after(500)).unwrap(), AsyncProgress::Released);
    payment = reload(payment);
    assert_eq!(release_of(&payment), Release::Release);
    // It comes again, and nothing more is to be done.
    assert_eq!(refused(&mut payment, came, after(501)).kind(), &ErrorKind::AlreadyAnswered);
    assert_eq!(payment.poll(after(8 * DAY)).unwrap(), Action::Nothing);

    assert_eq!(payment.paid(Preimage([1; 32])).unwrap_err().kind(), &ErrorKind::WrongPreimage);
    payment.paid(preimage).unwrap();
    payment.paid(preimage).unwrap();
    payment = reload(payment);
    let AsyncState::Paid(paid) = payment.state() else { panic!("{:?}", payment.state()) };
    assert_eq!((paid.amount(), paid.payment_hash(), paid.invoice()), (PRICE, preimage.payment_hash(), &invoice));
    assert_eq!(payment.poll(after(9 * DAY)).unwrap(), Action::Nothing);
    assert!(payment.decline().is_err() && payment.failed(attempt).is_err());
    assert!(payment.begin_held(RANDOM, NOW, after(DAY), None).is_err());
}

/// EXC-5: about half a minute, then longer each round, at most about an hour; over each path in turn.
#[test]
fn the_payee_is_told_again_and_again_with_growing_delays() {
    let mut payment = held();
    let (mut now, mut delays, mut ways) = (NOW, Vec::new(), Vec::new());
    while now.0 < NOW.0 + 7 * DAY {
        match payment.poll(now).unwrap() {
            Action::Send(notice) => {
                assert_eq!(notice.message.kind(), OffersMessageKind::HeldHtlcAvailable);
                assert_eq!(notice.message.as_bytes(), [0], "the length that LDK puts in front of no records");
                ways.push(notice.destination == Destination::Path(message_path(1)));
                payment = reload(payment);
            }
            Action::WaitUntil(at) => {
                delays.push(at.0 - now.0);
                assert!(at > now);
                now = at;
            }
            Action::Sign | Action::Nothing => break,
        }
    }
    assert!(ways.windows(2).all(|pair| pair[0] != pair[1]), "the paths take turns");
    let near = |delay: u64, middle: u64| is_about(after(delay), NOW, middle);
    assert!(near(delays[0], 30) && near(delays[2], 60) && near(delays[4], 120), "{delays:?}");
    assert!(delays.iter().rev().skip(1).take(50).all(|delay| near(*delay, 3_600)), "{delays:?}");
    assert!((150..300).contains(&ways.len()), "{} notices in a week", ways.len());
    // At the end it is given up, and a wish that comes later changes nothing.
    assert_eq!(payment.poll(after(7 * DAY + 1)).unwrap(), Action::Nothing);
    assert_eq!(release_of(&payment), Release::GiveUp);
    payment = reload(payment);
    let mut earlier = held();
    let late = release(&sent(&mut earlier, NOW));
    assert_eq!(refused(&mut payment, late, after(7 * DAY + 2)).kind(), &ErrorKind::AlreadyAnswered);
    assert_eq!(release_of(&payment), Release::GiveUp);
    let attempt = attempt_of(&payment);
    payment.failed(attempt).unwrap();
    assert_eq!(payment.poll(after(7 * DAY + 3)).unwrap(), Action::Nothing);
    assert!(matches!(payment.state(), AsyncState::AsUsual(State::Ended(EndReason::Deadline))), "{:?}", payment.state());
}

/// Between two polls nobody has given it up yet, but it is too late all the same.
#[test]
fn the_last_second_is_still_good() {
    for (seconds, is_good) in [(7 * DAY, true), (7 * DAY + 1, false)] {
        let mut payment = held();
        let notice = sent(&mut payment, NOW);
        assert_eq!(payment.receive(release(&notice), after(seconds)).is_ok(), is_good);
        assert_eq!(release_of(&payment) == Release::Release, is_good);
    }
    // Nor is it held for longer than the static invoice is good for.
    let mut payment = asleep();
    payment.begin_held(RANDOM, NOW, after(100 * DAY), None).unwrap();
    let AsyncState::Paying(paying) = payment.state() else { panic!() };
    assert_eq!(paying.until(), after(TWO_WEEKS));
}

// EXC-6
#[test]
fn only_the_payee_that_was_told_releases_a_payment() {
    let mut payment = held();
    let notice = sent(&mut payment, NOW);
    let good = release(&notice);
    for arrival in [MessageArrival::Direct, MessageArrival::OtherPath, arrival(&notice.destination)] {
        let error = refused(&mut payment, IncomingMessage { arrival, ..good.clone() }, NOW);
        assert_eq!((error.kind(), error.rule()), (&ErrorKind::WrongArrival, Rule::Exc6));
    }
    // Over the reply path of the request, whoever serves would release it.
    let mut asking = start(&offer(), None);
    let request = sent(&mut asking, NOW);
    assert_eq!(refused(&mut payment, release(&request), NOW).kind(), &ErrorKind::WrongArrival);
    // Another payment's.
    let draft = payer().draft(&offer(), NOW, CHAINS).unwrap().start([8; 32], NOW, after(DAY)).unwrap();
    let mut other = AsyncPayment::new(draft).unwrap();
    let asked = sent(&mut other, NOW);
    other.receive(answer(&asked, &static_invoice(&offer(), NOW)), NOW).unwrap();
    other.begin_held(RANDOM, NOW, after(DAY), None).unwrap();
    assert_eq!(refused(&mut payment, release(&sent(&mut other, NOW)), NOW).kind(), &ErrorKind::WrongArrival);
    // Nor does another kind of message, or something that has to be understood.
    for kind in [OffersMessageKind::HeldHtlcAvailable, OffersMessageKind::InvoiceRequest] {
        let error = refused(&mut payment, IncomingMessage { kind, ..good.clone() }, NOW);
        assert_eq!(error.rule(), Rule::Msg1);
    }
    for bytes in [&[2, 0][..], &[2, 2, 0], &[0, 0], &[1], &[3, 2, 1], &[1, 0, 1, 0]] {
        assert!(payment.receive(IncomingMessage { bytes: bytes.to_vec(), ..good.clone() }, NOW).is_err(), "{bytes:?}");
    }
    assert_eq!(release_of(&payment), Release::Hold);
    for bytes in [&[][..], &[0], &[1, 0], &[3, 1, 1, 7], &[1, 1, 7]] {
        let mut payment = reload_copy(&payment);
        payment.receive(IncomingMessage { bytes: bytes.to_vec(), ..good.clone() }, NOW).unwrap();
    }
}

fn reload_copy(payment: &AsyncPayment) -> AsyncPayment {
    payer().load_async(&payment.to_bytes()).unwrap()
}

// EXC-4, EXC-12, STA-6
#[test]
fn what_failed_is_paid_under_the_same_hash_or_not_at_all() {
    let mut payment = held();
    let first = sent(&mut payment, NOW);
    let AsyncState::Paying(paying) = payment.state() else { panic!() };
    let (preimage, attempt) = (paying.preimage(), paying.attempt());
    payment.receive(release(&first), NOW).unwrap();
    assert_eq!(payment.failed(Attempt(2)).unwrap_err().rule(), Rule::Exc12);
    payment.failed(attempt).unwrap();
    payment = reload(payment);
    assert!(matches!(payment.state(), AsyncState::Quoted(_)), "{:?}", payment.state());
    // The payee's own invoice would have another hash.
    let own = IncomingMessage { kind: OffersMessageKind::Invoice, ..release(&first) };
    assert_eq!(refused(&mut payment, own, NOW).kind(), &ErrorKind::AlreadyAnswered);
    assert_eq!(payment.begin_held([1; 32], NOW, after(DAY), None).unwrap(), Attempt(2));
    let AsyncState::Paying(paying) = payment.state() else { panic!() };
    assert_eq!((paying.preimage(), paying.release()), (preimage, Release::Hold));
    // What was said about the attempt before counts for nothing.
    assert_eq!(refused(&mut payment, release(&first), NOW).kind(), &ErrorKind::AlreadyAnswered);
    assert_eq!(payment.failed(Attempt(1)).unwrap_err().rule(), Rule::Exc12);
    let second = sent(&mut payment, NOW);
    payment.receive(release(&second), NOW).unwrap();
    payment.failed(Attempt(2)).unwrap();
    // It expires, and nothing else is asked for.
    assert_eq!(payment.poll(after(DAY + 1)).unwrap(), Action::Nothing);
    payment = reload(payment);
    assert!(matches!(payment.state(), AsyncState::AsUsual(State::Ended(_))), "{:?}", payment.state());
    assert!(payment.allow(Limit::AtMost(Msat(1_000_000)), after(DAY + 1), after(9 * DAY)).is_err());
    assert!(payment.allow_fee(FeeLimit::default(), after(DAY + 1), after(9 * DAY)).is_err());
    // The node was wrong: it was paid after all.
    payment.paid(preimage).unwrap();
    assert!(matches!(reload(payment).state(), AsyncState::Paid(paid) if paid.amount() == PRICE));
}

// EXC-4: the static invoice expires before the deadline, after a failure.
#[test]
fn nothing_else_is_asked_for_once_something_was_begun() {
    let mut payment = start(&offer(), None);
    let request = sent(&mut payment, NOW);
    let old = static_invoice(&offer(), UnixTime(NOW.0 - TWO_WEEKS + 100));
    payment.receive(answer(&request, &old), NOW).unwrap();
    let attempt = payment.begin_held(RANDOM, NOW, after(DAY), None).unwrap();
    payment.failed(attempt).unwrap();
    assert_eq!(payment.poll(after(100)).unwrap(), Action::WaitUntil(after(101)));
    assert_eq!(payment.begin_held(RANDOM, after(101), after(DAY), None).unwrap_err().rule(), Rule::Ivr4);
    assert_eq!(payment.poll(after(101)).unwrap(), Action::Nothing);
    assert!(matches!(payment.state(), AsyncState::AsUsual(State::Ended(EndReason::QuoteExpired))));
}

/// The server has a payee that wakes in time: its own invoice can be proved.
#[test]
fn the_own_invoice_of_the_payee_takes_the_place_of_a_static_one() {
    let payee = bolt12::exchange::Payee::new([0x51; 32]);
    let offer = sides::own_offer(&payee, 2, |offer| offer.description("tips").amount_msat(PRICE));
    let keys = payee.new_offer([0x4f; 16]);
    assert_eq!(keys.issuer_id(), offer.issuer_id().unwrap());
    let mut payment = start(&offer, None);
    let request = sent(&mut payment, NOW);
    let received = payee.receive(deliver(&request, 0x71)).unwrap();
    let accepted = received.accept(&sides::terms(NOW, None)).unwrap();
    let (preimage, invoice) = sides::invoice(&accepted);
    // Whoever serves cannot make a static invoice: it has not the key. The payee can.
    let builder = StaticInvoiceBuilder::new(&offer, NOW).add_path(path(2), &payinfo());
    let builder = builder.add_message_path(message_path(1)).add_message_path(message_path(2));
    let unsigned = builder.build().unwrap();
    assert!(unsigned.clone().sign(&key(0x60)).is_err());
    let _ = unsigned;
    let own = reply(&request, OffersMessageKind::Invoice, invoice.as_bytes());
    assert_eq!(payment.receive(own, NOW).unwrap(), AsyncProgress::AsUsual(Progress::Quoted));
    let AsyncState::AsUsual(State::Quoted(quote)) = payment.state() else { panic!("{:?}", payment.state()) };
    let hash = quote.payment_hash();
    assert!(payment.begin_held(RANDOM, NOW, after(DAY), None).is_err());
    payment.begin(hash, NOW, None).unwrap();
    payment.paid(preimage).unwrap();
    let AsyncState::AsUsual(State::Paid(receipt)) = payment.state() else { panic!("{:?}", payment.state()) };
    assert!(receipt.proof().build().is_ok(), "this one can be proved");
}

/// An invoice of the payee's own for a request, with the key of the offer.
pub(super) fn own_invoice(offer: &Offer, request: &OutgoingMessage, by: &Keypair) -> Vec<u8> {
    let OffersMessage::InvoiceRequest(request) = &request.message else { panic!() };
    messages::unsigned_invoice(offer, request).sign(by).unwrap().into_bytes()
}

#[test]
fn the_payee_may_wake_before_anything_is_begun() {
    let mut payment = start(&offer(), None);
    let request = sent(&mut payment, NOW);
    payment.receive(answer(&request, &static_invoice(&offer(), NOW)), NOW).unwrap();
    let own = reply(&request, OffersMessageKind::Invoice, &own_invoice(&offer(), &request, &issuer()));
    // An error of whoever serves changes nothing; nor does a second static invoice.
    let error = InvoiceError::new("out of tips").unwrap();
    let told = reply(&request, OffersMessageKind::InvoiceError, error.as_bytes());
    assert_eq!(refused(&mut payment, told, NOW).kind(), &ErrorKind::AlreadyAnswered);
    let again = answer(&request, &static_invoice(&offer(), after(1)));
    assert_eq!(refused(&mut payment, again, NOW).kind(), &ErrorKind::AlreadyAnswered);
    // Once something was begun it is too late.
    let mut begun = reload_copy(&payment);
    begun.begin_held(RANDOM, NOW, after(DAY), None).unwrap();
    assert_eq!(refused(&mut begun, own.clone(), NOW).kind(), &ErrorKind::AlreadyAnswered);
    assert_eq!(payment.receive(own, NOW).unwrap(), AsyncProgress::AsUsual(Progress::Quoted));
    assert!(matches!(payment.state(), AsyncState::AsUsual(State::Quoted(_))));
    assert!(matches!(reload(payment).state(), AsyncState::AsUsual(State::Quoted(_))));
}

/// A request that was signed elsewhere is made again with that signature, also once another was to be signed.
#[test]
fn what_goes_into_the_payment_onion_is_what_was_signed_elsewhere() {
    let signer = key(0x66);
    let draft = payer().draft(&offer(), NOW, CHAINS).unwrap().signer(signer.public_key());
    let mut payment = AsyncPayment::new(draft.start([7; 32], NOW, after(DAY)).unwrap()).unwrap();
    assert_eq!(payment.poll(NOW).unwrap(), Action::Sign);
    let unsigned = payment.to_sign().unwrap();
    let message = bolt12::secp256k1::Message::from_digest(unsigned.digest());
    let signature = bolt12::secp256k1::Secp256k1::new().sign_schnorr_no_aux_rand(&message, &signer);
    payment.sign(&signature).unwrap();
    payment = reload(payment);
    let request = sent(&mut payment, NOW);
    payment.receive(answer(&request, &static_invoice(&offer(), NOW)), NOW).unwrap();
    // The payee's own invoice comes three hours late, and has expired.
    let own = reply(&request, OffersMessageKind::Invoice, &own_invoice(&offer(), &request, &issuer()));
    let late = payment.receive(own, after(3 * 3_600)).unwrap();
    assert!(matches!(late, AsyncProgress::AsUsual(Progress::AskingAgain(Some(_)))), "{late:?}");
    assert!(payment.to_sign().is_none(), "the static invoice is there");
    payment = reload(payment);
    payment.begin_held(RANDOM, after(3 * 3_600), after(DAY), None).unwrap();
    payment = reload(payment);
    let AsyncState::Paying(paying) = payment.state() else { panic!("{:?}", payment.state()) };
    let OffersMessage::InvoiceRequest(asked) = &request.message else { panic!() };
    assert_eq!(&paying.request().unwrap(), asked);
    assert_eq!(asked.payer_id(), signer.public_key());
}

// STA-2, STA-4, EXC-1
#[test]
fn what_does_not_answer_the_request_is_refused() {
    let mut payment = start(&offer(), None);
    let request = sent(&mut payment, NOW);
    let good = static_invoice(&offer(), NOW);
    // Compared before anything is verified: cheaply.
    let other = static_invoice(&offer_with(|offer| offer.amount_msat(Msat(99_999))), NOW);
    let error = payment.receive(answer(&request, &other), NOW).unwrap_err();
    assert_eq!((error.error().kind(), error.error().rule()), (&ErrorKind::Differs, Rule::Sta4));
    assert!(error.is_cheap());
    let mut forged = good.as_bytes().to_vec();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let error = refused(&mut payment, reply(&request, OffersMessageKind::StaticInvoice, &forged), NOW);
    assert_eq!(error.rule(), Rule::Sta2);
    for arrival in [MessageArrival::Direct, MessageArrival::OtherPath] {
        let error = refused(&mut payment, IncomingMessage { arrival, ..answer(&request, &good) }, NOW);
        assert_eq!(error.rule(), Rule::Ivr13);
    }
    // The path that was asked over is the first: without an issuer id, only its last key signs.
    let narrow = static_invoice_with(&offer_with(|offer| offer), NOW, &PayInfo::new(0, 0, 0, 1, 99_999));
    let open = offer_with(|offer| offer);
    let draft = payer().draft(&open, NOW, CHAINS).unwrap().amount(PRICE);
    let mut chosen = AsyncPayment::new(draft.start([7; 32], NOW, after(DAY)).unwrap()).unwrap();
    let asked = sent(&mut chosen, NOW);
    assert_eq!(refused(&mut chosen, answer(&asked, &narrow), NOW).rule(), Rule::Exc11);
    chosen.receive(answer(&asked, &static_invoice(&open, NOW)), NOW).unwrap();
    let AsyncState::Quoted(quote) = chosen.state() else { panic!() };
    assert_eq!(quote.amount(), Some(PRICE), "STA-5: what was chosen");
    assert_eq!(payment.receive(answer(&request, &good), NOW).unwrap(), AsyncProgress::Asleep);
}

/// STA-3: a server that serves old invoices is asked again, later each time, over each way, and not for ever.
#[test]
fn old_static_invoices_are_asked_for_again_and_not_for_ever() {
    let mut payment = start(&offer(), None);
    let old = static_invoice(&offer(), UnixTime(NOW.0 - TWO_WEEKS - 1));
    let (mut now, mut times) = (NOW, 0);
    loop {
        let request = match payment.poll(now).unwrap() {
            Action::Send(request) => request,
            Action::WaitUntil(at) => {
                now = at;
                continue;
            }
            Action::Sign | Action::Nothing => break,
        };
        times += 1;
        match payment.receive(answer(&request, &old), now).unwrap() {
            AsyncProgress::AskingAgain(error) => assert_eq!(error.rule(), Rule::Ivr4),
            AsyncProgress::AsUsual(Progress::Ended) => break,
            other => panic!("{other:?}"),
        }
        payment = reload(payment);
        // The answer to the request before is late.
        assert_eq!(refused(&mut payment, answer(&request, &old), now).kind(), &ErrorKind::AlreadyAnswered);
    }
    assert_eq!(times, usize::from(MAX_RENEWALS) + 1);
    assert!(now.0 - NOW.0 > 300, "{}", now.0 - NOW.0);
    assert!(matches!(payment.state(), AsyncState::AsUsual(State::Ended(EndReason::QuoteExpired))));
}

pub(super) fn usd(cents: u64) -> OfferAmount {
    OfferAmount::Currency { currency: "USD".parse().unwrap(), amount: MinorUnits(cents) }
}

/// One cent is so many millisatoshi.
pub(super) fn rate(msat: u64) -> Rate {
    Rate::new("USD".parse().unwrap(), MinorUnits(1), Msat(msat)).unwrap()
}

// STA-5, EXC-7, EXC-9
#[test]
fn a_price_in_dollars_is_converted_by_the_payer_within_its_limit() {
    let dollars = offer_with(|offer| offer.amount(usd(350)));
    let mut payment = start(&dollars, Some(Limit::AtMost(Msat(4_000))));
    let request = sent(&mut payment, NOW);
    payment.receive(answer(&request, &static_invoice(&dollars, NOW)), NOW).unwrap();
    let AsyncState::Quoted(quote) = payment.state() else { panic!("{:?}", payment.state()) };
    assert_eq!((quote.amount(), quote.fees()), (None, None), "no rate is known");
    assert_eq!(payment.begin_held(RANDOM, NOW, after(DAY), None).unwrap_err().rule(), Rule::Sta5);
    // Above the limit: 350 cents at 12 msat.
    payment.set_rate(rate(12)).unwrap();
    payment = reload(payment);
    let AsyncState::NeedsApproval { quote, objection } = payment.state() else { panic!("{:?}", payment.state()) };
    assert_eq!((quote.amount(), objection), (Some(Msat(4_200)), Objection::AboveLimit { max: Msat(4_000) }));
    assert_eq!(payment.begin_held(RANDOM, NOW, after(DAY), None).unwrap_err().rule(), Rule::Exc7);
    let mut cheaper = reload_copy(&payment);
    cheaper.begin_held(RANDOM, NOW, after(DAY), Some(rate(11))).unwrap();
    let AsyncState::Paying(paying) = cheaper.state() else { panic!() };
    assert_eq!(paying.amount(), Msat(3_850));
    payment.allow(Limit::AtMost(Msat(5_000)), NOW, after(DAY)).unwrap();
    assert!(matches!(payment.state(), AsyncState::Quoted(_)), "{:?}", payment.state());
    // The rate moves between what was shown and what is begun: by more than a hundredth, it is shown again.
    assert_eq!(payment.begin_held(RANDOM, NOW, after(DAY), Some(rate(13))).unwrap_err().rule(), Rule::Exc9);
    let AsyncState::NeedsApproval { objection, .. } = payment.state() else { panic!("{:?}", payment.state()) };
    assert_eq!(objection, Objection::OffPrice { estimate: Msat(4_550) });
    payment.begin_held(RANDOM, NOW, after(DAY), Some(rate(12))).unwrap();
    let AsyncState::Paying(paying) = payment.state() else { panic!() };
    assert_eq!(paying.amount(), Msat(4_200));
    // What is being paid stays what it is.
    payment.set_rate(rate(1)).unwrap();
    let AsyncState::Paying(paying) = payment.state() else { panic!() };
    assert_eq!(paying.amount(), Msat(4_200));
}

// EXC-10
#[test]
fn fees_above_the_limit_need_approval() {
    let mut payment = start(&offer(), None);
    let request = sent(&mut payment, NOW);
    let dear = static_invoice_with(&offer(), NOW, &PayInfo::new(60_000, 0, 40, 1, 1_000_000));
    payment.receive(answer(&request, &dear), NOW).unwrap();
    let AsyncState::NeedsApproval { objection: Objection::FeeAboveLimit { .. }, quote } = payment.state() else {
        panic!("{:?}", payment.state())
    };
    assert_eq!(quote.fees(), None);
    assert_eq!(payment.begin_held(RANDOM, NOW, after(DAY), None).unwrap_err().rule(), Rule::Exc10);
    let more = FeeLimit { base: Msat(60_000), ..FeeLimit::default() };
    payment.allow_fee(more, NOW, after(DAY)).unwrap();
    payment.begin_held(RANDOM, NOW, after(DAY), None).unwrap();
    let AsyncState::Paying(paying) = payment.state() else { panic!() };
    assert_eq!((paying.paths().len(), paying.limits().max_fee), (1, Msat(61_000)));
}

#[test]
fn what_was_not_begun_can_be_declined_and_ends_by_its_deadline() {
    let mut payment = asleep();
    assert_eq!(payment.begin_held(RANDOM, after(DAY + 1), after(2 * DAY), None).unwrap_err().rule(), Rule::Exc4);
    assert_eq!(payment.begin_held(RANDOM, after(2), after(1), None).unwrap_err().rule(), Rule::Exc4);
    assert_eq!(payment.poll(after(DAY + 1)).unwrap(), Action::Nothing);
    assert!(matches!(payment.state(), AsyncState::AsUsual(State::Ended(EndReason::Deadline))));
    let mut payment = asleep();
    assert!(!payment.unsendable());
    payment.decline().unwrap();
    assert!(matches!(reload(payment).state(), AsyncState::AsUsual(State::Ended(EndReason::Declined))));
    let mut payment = held();
    assert!(payment.decline().is_err() && payment.allow(Limit::AtMost(Msat(1)), NOW, NOW).is_err());
    let mut payment = start(&offer(), None);
    assert!(payment.unsendable());
    assert!(matches!(payment.state(), AsyncState::AsUsual(State::Ended(EndReason::Unsendable))));
}

// EXC-5
#[test]
fn a_message_path_that_leads_nowhere_makes_the_next_be_tried_at_once() {
    let mut payment = held();
    let first = sent(&mut payment, NOW);
    payment.unreachable(&first.reply_path_id.unwrap(), NOW);
    let second = sent(&mut payment, NOW);
    assert_eq!(second.destination, Destination::Path(message_path(2)));
    payment.unreachable(&second.reply_path_id.unwrap(), NOW);
    assert!(matches!(payment.poll(NOW).unwrap(), Action::WaitUntil(_)));
    let mut asking = start(&offer(), None);
    let first = sent(&mut asking, NOW);
    asking.unreachable(&first.reply_path_id.unwrap(), NOW);
    assert_ne!(sent(&mut asking, NOW).destination, first.destination);
}

// EXC-13
#[test]
fn a_backup_begins_nothing() {
    let restore = |payment: &AsyncPayment| payer().restore_async(&payment.to_bytes()).unwrap();
    for payment in [start(&offer(), None), asleep()] {
        let restored = restore(&payment);
        assert!(matches!(restored.state(), AsyncState::AsUsual(State::Ended(EndReason::Restored))));
    }
    // The node says what became of it.
    let mut restored = restore(&held());
    assert_eq!(release_of(&restored), Release::Hold);
    let attempt = attempt_of(&restored);
    restored.failed(attempt).unwrap();
    assert!(matches!(reload(restored).state(), AsyncState::AsUsual(State::Ended(EndReason::Restored))));
    let mut restored = restore(&held());
    let AsyncState::Paying(paying) = restored.state() else { panic!() };
    let preimage = paying.preimage();
    restored.paid(preimage).unwrap();
    assert!(matches!(restored.state(), AsyncState::Paid(_)));
}

// EXC-4
#[test]
fn only_what_was_saved_is_loaded() {
    let mut released = held();
    let notice = sent(&mut released, NOW);
    released.receive(release(&notice), NOW).unwrap();
    for payment in [start(&offer(), None), asleep(), held(), released] {
        let (payer, bytes) = (payer(), payment.to_bytes());
        assert!(Payer::new([9; 32]).load_async(&bytes).is_err());
        assert!(payer.load(&bytes).is_err(), "a payment of another kind");
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            assert!(payer.load_async(&damaged).is_err(), "byte {at}");
            assert!(payer.load_async(&bytes[..at]).is_err());
        }
    }
}

// STA-6: no two payments have one preimage, whatever the randomness is worth; and nobody can tell it from the request.
#[test]
fn every_payment_has_a_preimage_of_its_own() {
    let preimage = |entropy: u8, randomness: u8, secret: u8| {
        let payer = Payer::new([secret; 32]);
        let draft = payer.draft(&offer(), NOW, CHAINS).unwrap();
        let mut payment = AsyncPayment::new(draft.start([entropy; 32], NOW, after(DAY)).unwrap()).unwrap();
        let request = sent(&mut payment, NOW);
        payment.receive(answer(&request, &static_invoice(&offer(), NOW)), NOW).unwrap();
        payment.begin_held([randomness; 32], NOW, after(DAY), None).unwrap();
        let AsyncState::Paying(paying) = payment.state() else { panic!() };
        paying.preimage().0
    };
    let all = [preimage(1, 1, 1), preimage(1, 2, 1), preimage(2, 1, 1), preimage(1, 1, 2)];
    assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    assert_eq!(preimage(1, 1, 1), all[0]);
}

#[test]
fn refunds_and_payments_that_have_an_invoice_are_not_taken() {
    let new = payer().new_refund([1; 32]);
    let refund = new.builder("broken cup", Msat(1_000)).add_path(path(2));
    let refund = new.publish(refund, NOW).unwrap();
    assert_eq!(AsyncPayment::new(refund).unwrap_err().kind(), &ErrorKind::IsRefund);
    let draft = || payer().draft(&offer(), NOW, CHAINS).unwrap().start([7; 32], NOW, after(DAY)).unwrap();
    let mut declined: Payment = draft();
    declined.decline().unwrap();
    assert!(matches!(AsyncPayment::new(declined).unwrap_err().kind(), ErrorKind::WrongState { .. }));
    let mut payment = draft();
    let Action::Send(request) = payment.poll(NOW).unwrap() else { panic!() };
    // A plain payment takes no static invoice.
    let refused = payment.receive(answer(&request, &static_invoice(&offer(), NOW)), NOW).unwrap_err();
    assert_eq!(refused.error().rule(), Rule::Msg1);
    let own = reply(&request, OffersMessageKind::Invoice, &own_invoice(&offer(), &request, &issuer()));
    payment.receive(own, NOW).unwrap();
    assert!(matches!(AsyncPayment::new(payment).unwrap_err().kind(), ErrorKind::WrongState { .. }));
}

/// What travels is kept in an outbox, too.
#[test]
fn messages_about_payments_that_are_held_can_be_kept() {
    let mut payment = held();
    let notice = sent(&mut payment, NOW);
    let answer = OutgoingMessage { message: OffersMessage::ReleaseHeldHtlc, ..notice.clone() };
    let invoice =
        OutgoingMessage { message: OffersMessage::StaticInvoice(static_invoice(&offer(), NOW)), ..notice.clone() };
    for message in [notice, answer, invoice] {
        assert_eq!(OutgoingMessage::from_bytes(&message.to_bytes()).unwrap(), message);
        let kind = message.message.kind();
        assert_eq!(OffersMessageKind::from_tlv_type(kind.tlv_type()), Some(kind));
    }
    let kinds =
        [OffersMessageKind::StaticInvoice, OffersMessageKind::HeldHtlcAvailable, OffersMessageKind::ReleaseHeldHtlc];
    assert_eq!(kinds.map(OffersMessageKind::tlv_type), [70, 72, 74]);
}

/// What happens to one payment.
#[derive(Clone, Debug)]
enum Event {
    Wait(u64),
    Poll,
    Static(u64),
    Own,
    Error,
    Release(usize),
    Begin,
    BeginOwn,
    Failed(u32),
    Paid,
    Decline,
    Reload,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        3 => prop_oneof![1u64..100, Just(4_000u64), Just(DAY)].prop_map(Event::Wait),
        6 => Just(Event::Poll),
        4 => prop_oneof![Just(0u64), Just(TWO_WEEKS - 5_000), Just(TWO_WEEKS + 9)].prop_map(Event::Static),
        1 => Just(Event::Own),
        1 => Just(Event::Error),
        4 => (0usize..4).prop_map(Event::Release),
        4 => Just(Event::Begin),
        1 => Just(Event::BeginOwn),
        2 => (1u32..4).prop_map(Event::Failed),
        1 => Just(Event::Paid),
        1 => Just(Event::Decline),
        2 => Just(Event::Reload),
    ];
    proptest::collection::vec(event, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// EXC-4, STA-6: whatever comes in whatever order, at most one payment hash is ever begun, a payment is released at most
    /// once for each attempt and only while it is held, and what is over stays over.
    #[test]
    fn at_most_one_hash_is_ever_begun(events in events()) {
        let offer = offer();
        let mut payment = start(&offer, None);
        let (mut now, mut requests, mut notices) = (NOW, Vec::new(), Vec::new());
        let (mut hashes, mut released) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
        let mut paid = false;
        for event in events {
            match event {
                Event::Wait(seconds) => now = UnixTime(now.0 + seconds),
                Event::Poll => match payment.poll(now).unwrap() {
                    Action::Send(message) if message.message.kind() == OffersMessageKind::InvoiceRequest => requests.push(*message),
                    Action::Send(message) => {
                        prop_assert_eq!(release_of(&payment), Release::Hold);
                        notices.push(*message);
                    }
                    Action::WaitUntil(at) => prop_assert!(at > now),
                    Action::Sign | Action::Nothing => {}
                },
                Event::Static(age) => if let Some(request) = requests.last() {
                    let _ = payment.receive(answer(request, &static_invoice(&offer, UnixTime(now.0 - age))), now);
                },
                Event::Own => if let Some(request) = requests.last() {
                    let own = own_invoice(&offer, request, &issuer());
                    let _ = payment.receive(reply(request, OffersMessageKind::Invoice, &own), now);
                },
                Event::Error => if let Some(request) = requests.last() {
                    let error = InvoiceError::new("no").unwrap();
                    let _ = payment.receive(reply(request, OffersMessageKind::InvoiceError, error.as_bytes()), now);
                },
                Event::Release(back) => if let Some(notice) = notices.iter().rev().nth(back) {
                    if payment.receive(release(notice), now).is_ok() {
                        prop_assert!(released.insert(attempt_of(&payment)), "an attempt is released once");
                        prop_assert_eq!(release_of(&payment), Release::Release);
                    }
                },
                Event::Begin => drop(payment.begin_held([hashes.len() as u8; 32], now, UnixTime(now.0 + 2 * DAY), None)),
                Event::BeginOwn => {
                    if let AsyncState::AsUsual(State::Quoted(quote)) = payment.state() {
                        let hash = quote.payment_hash();
                        let _ = payment.begin(hash, now, None);
                    }
                }
                Event::Failed(attempt) => drop(payment.failed(Attempt(attempt))),
                Event::Paid => if let AsyncState::Paying(paying) = payment.state() {
                    let preimage = paying.preimage();
                    payment.paid(preimage).unwrap();
                    paid = true;
                },
                Event::Decline => drop(payment.decline()),
                Event::Reload => payment = reload(payment),
            }
            match payment.state() {
                AsyncState::Paying(paying) => drop(hashes.insert(paying.payment_hash())),
                AsyncState::AsUsual(State::Paying(paying)) => drop(hashes.insert(paying.payment_hash())),
                _ => {}
            }
            prop_assert!(hashes.len() <= 1, "two could be paid");
            prop_assert_eq!(matches!(payment.state(), AsyncState::Paid(_)), paid);
        }
    }
}
