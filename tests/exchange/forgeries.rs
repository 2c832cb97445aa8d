//! Attacks on a payer: invoices and errors that are forged, swapped, late or too dear. None is paid, and none changes
//! anything that it must not change.

use bolt12::exchange::{
    Action, ClaimState, EndReason, IncomingMessage, Limit, MessageArrival, Objection, OffersMessage, OffersMessageKind,
    Payee, Payer, Payment, Progress, Refused, State,
};
use bolt12::secp256k1::Keypair;
use bolt12::{
    ChainHash, Error, ErrorKind, Field, InvoiceError, Msat, MultiPart, Offer, OfferBuilder, Preimage, Rule, UnixTime,
};

use super::helpers::{self, claim, sent};
use super::messages::{NOW, key, path, payinfo};
use super::naive::{self, Record, record};
use super::sides::{
    self, CHAINS, copy, deliver, is_about, issuer, last_key, own_offer, path_with, payer, terms, try_begin,
};

const DEADLINE: UnixTime = UnixTime(NOW.0 + 600_000);

/// The key of the node, which signs the invoices for [`tea`].
fn node() -> Keypair {
    key(0x60)
}

/// An offer whose invoices the node signs, so that an attack with the node's key can be made here.
fn tea(fill: impl FnOnce(OfferBuilder) -> OfferBuilder) -> Offer {
    let issuer = issuer();
    let new = issuer.new_offer([0x4f; 16]);
    let offer = OfferBuilder::new(node().public_key()).description("tea").add_path(path_with(0x60, new.path_id(0)));
    new.build(fill(offer)).unwrap()
}

fn priced() -> Offer {
    tea(|offer| offer.amount_msat(Msat(9_000)))
}

/// A payment that has sent its first request, and the path for the answer and the honest answer to it.
struct Asked {
    payment: Payment,
    arrival: MessageArrival,
    sent: IncomingMessage,
    invoice: Vec<u8>,
}

/// The honest answer to a request, signed by the node.
fn honest(outgoing: &bolt12::exchange::OutgoingMessage, now: UnixTime) -> Vec<u8> {
    let accepted = issuer().receive(deliver(outgoing, 0x70)).unwrap().accept(&terms(now, None)).unwrap();
    let hash = accepted.expected_payment().payment_hash();
    let invoice = accepted.invoice(hash).add_path(path(2), &payinfo()).build().unwrap();
    invoice.sign(&node()).unwrap().as_bytes().to_vec()
}

fn ask(mut payment: Payment, now: UnixTime) -> Asked {
    let Action::Send(outgoing) = payment.poll(now).unwrap() else { panic!() };
    let arrival = MessageArrival::Path(outgoing.reply_path_id.unwrap());
    Asked { payment, arrival, sent: deliver(&outgoing, 0x70), invoice: honest(&outgoing, now) }
}

fn asked(offer: &Offer, entropy: u8) -> Asked {
    let draft = payer().draft(offer, NOW, CHAINS).unwrap();
    let draft = if offer.amount().is_none() { draft.amount(Msat(9_000)) } else { draft };
    ask(draft.start([entropy; 32], NOW, DEADLINE).unwrap(), NOW)
}

impl Asked {
    fn answer(&mut self, bytes: &[u8], now: UnixTime) -> Result<Progress, Box<Refused>> {
        let reply_path = Some(path_with(0x60, bolt12::exchange::PathId([4; 32])));
        self.payment.receive(
            IncomingMessage {
                kind: OffersMessageKind::Invoice,
                bytes: bytes.to_vec(),
                arrival: self.arrival,
                reply_path,
            },
            now,
        )
    }

    /// The answer is refused for this reason, and everything is as before (EXC-4); the right answer is still taken.
    fn refuses(&mut self, bytes: &[u8], kind: &ErrorKind, rule: Rule) {
        let before = self.payment.to_bytes();
        let refused = self.answer(bytes, NOW).unwrap_err();
        assert_eq!((refused.error().kind(), refused.error().rule()), (kind, rule));
        assert_eq!(self.payment.to_bytes(), before);
        let mut later = copy(&payer(), &self.payment);
        let honest = IncomingMessage {
            kind: OffersMessageKind::Invoice,
            bytes: self.invoice.clone(),
            arrival: self.arrival,
            reply_path: None,
        };
        assert_eq!(later.receive(honest, NOW).unwrap(), Progress::Quoted);
    }
}

/// An invoice with other records, signed with any key.
fn forged(bytes: &[u8], key: &Keypair, change: impl FnOnce(&mut Vec<Record>)) -> Vec<u8> {
    helpers::forged("invoice", bytes, key, change)
}

fn put(records: &mut Vec<Record>, number: u64, value: &[u8]) {
    records.retain(|record| record.number != number);
    records.push(record(number, value));
}

/// IVR-13, IVR-8: the answer to one purchase over the reply path of another is taken for neither.
#[test]
fn a_swapped_reply_answers_nothing() {
    let offer = priced();
    let (mut one, mut two) = (asked(&offer, 3), asked(&offer, 4));
    let (first, second) = (one.invoice.clone(), two.invoice.clone());
    one.refuses(&second, &ErrorKind::Differs, Rule::Ivr8);
    two.refuses(&first, &ErrorKind::Differs, Rule::Ivr8);
    // Given to the wrong payment, with the path it came over.
    let wrong =
        IncomingMessage { kind: OffersMessageKind::Invoice, bytes: second, arrival: two.arrival, reply_path: None };
    let refused = one.payment.receive(wrong, NOW).unwrap_err();
    assert_eq!((refused.error().kind(), refused.error().rule()), (&ErrorKind::WrongArrival, Rule::Ivr13));
    assert!(refused.is_cheap() && refused.answer().is_none());
    assert_eq!(payer().payment_of(&one.arrival), Some(one.payment.id()));
    assert_ne!(one.payment.id(), two.payment.id());
}

/// IVR-13: over any other path, or over none.
#[test]
fn an_invoice_over_another_way_is_ignored() {
    let mut asked = asked(&priced(), 3);
    let mut flipped = asked.arrival;
    if let MessageArrival::Path(id) = &mut flipped {
        id.0[0] ^= 1;
    }
    for arrival in [
        MessageArrival::Direct,
        MessageArrival::OtherPath,
        flipped,
        MessageArrival::Path(issuer().new_offer([0x4f; 16]).path_id(0)),
    ] {
        let incoming = IncomingMessage {
            kind: OffersMessageKind::Invoice,
            bytes: asked.invoice.clone(),
            arrival,
            reply_path: None,
        };
        let refused = asked.payment.receive(incoming, NOW).unwrap_err();
        assert_eq!((refused.error().kind(), refused.error().rule()), (&ErrorKind::WrongArrival, Rule::Ivr13));
        assert!(refused.is_cheap() && refused.answer().is_none());
    }
    assert!(asked.answer(&asked.invoice.clone(), NOW).is_ok());
}

/// IVR-8: an invoice for another request for the same offer, honestly signed, over our reply path.
#[test]
fn an_invoice_for_another_request_with_the_same_offer_is_refused() {
    let offer = priced();
    let mut ours = asked(&offer, 3);
    // Of somebody else, and of our own over another of the offer's paths.
    let draft = Payer::new([5; 32]).draft(&offer, NOW, CHAINS).unwrap();
    let theirs = ask(draft.start([3; 32], NOW, DEADLINE).unwrap(), NOW);
    ours.refuses(&theirs.invoice, &ErrorKind::Differs, Rule::Ivr8);
    // One that repeats nearly everything: each record of the request changed, left out, or added.
    let numbers: Vec<u64> = naive::parse(&ours.invoice).unwrap().iter().map(|record| record.number).collect();
    for number in numbers.into_iter().filter(|number| *number < 160) {
        let honest = ours.invoice.clone();
        let changed = forged(&honest, &node(), |records| {
            let record = records.iter_mut().find(|record| record.number == number).unwrap();
            let mut value = record.value.clone();
            let last = value.len() - 1;
            value[last] ^= 1;
            *record = naive::record(number, &value);
        });
        ours.refuses(&changed, &ErrorKind::Differs, Rule::Ivr8);
        let left_out = forged(&honest, &node(), |records| records.retain(|record| record.number != number));
        ours.refuses(&left_out, &ErrorKind::Differs, Rule::Ivr8);
    }
    for number in [89, 1_000_000_001, 2_999_999_999] {
        let added = forged(&ours.invoice, &node(), |records| put(records, number, b"x"));
        ours.refuses(&added, &ErrorKind::Differs, Rule::Ivr8);
    }
    // What is the issuer's to add is taken.
    let added = forged(&ours.invoice, &node(), |records| put(records, 3_000_000_001, b"x"));
    assert!(ours.answer(&added, NOW).is_ok());
}

/// IVR-11, EXC-7: the issuer itself asks for more than was authorised.
#[test]
fn a_raised_amount_is_not_paid() {
    let raise = |records: &mut Vec<Record>| put(records, 170, &naive::truncated(9_001));
    let mut fixed = asked(&priced(), 3);
    let raised = forged(&fixed.invoice, &node(), raise);
    assert_eq!(fixed.answer(&raised, NOW).unwrap(), Progress::NeedsApproval);
    assert_eq!(try_begin(&mut fixed.payment, NOW).unwrap_err().kind().code(), "differs");
    // The amount that the request named is the only one.
    let mut free = asked(&tea(|offer| offer), 3);
    let raised = forged(&free.invoice, &node(), raise);
    free.refuses(&raised, &ErrorKind::AmountMismatch { expected: Msat(9_000) }, Rule::Ivr11);
    // Raised by somebody on the way, it is not signed.
    let mut records = naive::parse(&free.invoice).unwrap();
    let at = records.iter().position(|record| record.number == 170).unwrap();
    records[at] = record(170, &naive::truncated(9_001));
    let unsigned = naive::concat(&records);
    assert!(free.answer(&unsigned, NOW).is_err());
    let mut fixed = asked(&priced(), 3);
    fixed.refuses(
        &naive::concat(&{
            let mut records = naive::parse(&fixed.invoice).unwrap();
            let at = records.iter().position(|record| record.number == 170).unwrap();
            records[at] = record(170, &naive::truncated(9_001));
            records
        }),
        &ErrorKind::InvalidSignature,
        Rule::Ivr10,
    );
}

/// EXC-7: an invoice above the limit is not paid, whatever comes later over the same way, unless its owner allows it.
#[test]
fn an_invoice_above_the_limit_waits_for_its_owner() {
    let offer = priced();
    let mut asked = ask(payer().draft(&offer, NOW, CHAINS).unwrap().start([3; 32], NOW, DEADLINE).unwrap(), NOW);
    let raise = |records: &mut Vec<Record>| put(records, 170, &naive::truncated(9_001));
    let raised = forged(&asked.invoice, &node(), raise);
    assert_eq!(asked.answer(&raised, NOW).unwrap(), Progress::NeedsApproval);
    let mut payment = copy(&payer(), &asked.payment);
    let State::NeedsApproval { quote, objection } = payment.state() else { panic!("{:?}", payment.state()) };
    assert_eq!((quote.amount(), objection), (Msat(9_001), Objection::AboveLimit { max: Msat(9_000) }));
    let hash = quote.payment_hash();
    let error = payment.begin(hash, NOW, None).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::AmountTooHigh { max: Msat(9_000) }, Rule::Exc7));
    // What is priced in bitcoin costs no less later.
    assert_eq!(payment.poll(NOW).unwrap(), Action::WaitUntil(UnixTime(NOW.0 + 7_201)));
    // Allowed, it is paid without asking again.
    payment.allow(Limit::AtMost(Msat(9_000)), NOW, DEADLINE).unwrap();
    let mut again = copy(&payer(), &asked.payment);
    again.allow(Limit::AtMost(Msat(9_001)), NOW, DEADLINE).unwrap();
    assert!(matches!(again.state(), State::Quoted(_)));
    again.begin(hash, NOW, None).unwrap();
    // Nobody decided: it ended for that reason, and goes on when somebody does.
    let mut late = asked.payment;
    let after = UnixTime(DEADLINE.0 + 1);
    assert_eq!(late.poll(after).unwrap(), Action::Nothing);
    assert!(matches!(late.state(), State::Ended(EndReason::TooExpensive { amount: Msat(9_001) })));
    late.allow(Limit::AtMost(Msat(9_001)), after, UnixTime(after.0 + 60)).unwrap();
    assert!(matches!(late.poll(after).unwrap(), Action::Send(_)));
}

/// IVR-9: signed by a key that the offer does not name.
#[test]
fn a_swapped_node_id_is_refused() {
    let thief = key(0x13);
    let swap = |records: &mut Vec<Record>| put(records, 176, &thief.public_key().serialize());
    let mut asked = asked(&priced(), 3);
    let swapped = forged(&asked.invoice, &thief, swap);
    asked.refuses(&swapped, &ErrorKind::WrongKey, Rule::Ivr9);
    // An offer that is known by its paths alone.
    let issuer = issuer();
    let new = issuer.new_offer([0x4f; 16]);
    let offer = OfferBuilder::with_paths([path_with(0x60, new.path_id(0))]).description("tea");
    let offer = new.build(offer.amount_msat(Msat(9_000))).unwrap();
    let mut payment = payer().draft(&offer, NOW, CHAINS).unwrap().start([3; 32], NOW, DEADLINE).unwrap();
    let Action::Send(outgoing) = payment.poll(NOW).unwrap() else { panic!() };
    let arrival = MessageArrival::Path(outgoing.reply_path_id.unwrap());
    let accepted = issuer.receive(deliver(&outgoing, 0x70)).unwrap().accept(&terms(NOW, None)).unwrap();
    let invoice = accepted.invoice(Preimage([5; 32]).payment_hash()).add_path(path(1), &payinfo()).build().unwrap();
    let invoice = invoice.sign(&last_key(0x60, new.path_id(0))).unwrap().as_bytes().to_vec();
    let mut asked = Asked { payment, arrival, sent: deliver(&outgoing, 0x70), invoice };
    let swapped = forged(&asked.invoice, &thief, swap);
    asked.refuses(&swapped, &ErrorKind::WrongKey, Rule::Ivr9);
    // A strange key neither ends the payment nor makes it ask anew, however much it asks for, and however old its
    // invoice is (EXC-4).
    for (number, value) in [(170, 9_001), (170, Msat::MAX_MONEY.0 + 1), (164, NOW.0 - 7201)] {
        let swapped = forged(&asked.invoice, &thief, |records| {
            swap(records);
            put(records, number, &naive::truncated(value));
        });
        asked.refuses(&swapped, &ErrorKind::WrongKey, Rule::Ivr9);
    }
}

/// IVR-4: an expired invoice is no quote, and a quote that expired is not paid; the last second is still good.
#[test]
fn an_expired_invoice_is_not_paid() {
    let mut asked = asked(&priced(), 3);
    let expires_at = UnixTime(NOW.0 + 7200);
    let (late, honest) = (UnixTime(expires_at.0 + 1), asked.invoice.clone());
    // RQR-5: who repeats an old invoice is asked with another request, after a pause.
    let before = copy(&payer(), &asked.payment);
    let Progress::AskingAgain(Some(error)) = asked.answer(&honest, late).unwrap() else { panic!() };
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::Expired { at: expires_at }, Rule::Ivr4));
    assert!(matches!(asked.payment.poll(late).unwrap(), Action::WaitUntil(at) if is_about(at, late, 5)));
    assert!(asked.answer(&honest, expires_at).is_err());
    asked.payment = before;
    assert_eq!(asked.answer(&honest, expires_at).unwrap(), Progress::Quoted);
    let error = try_begin(&mut copy(&payer(), &asked.payment), late).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::Expired { at: expires_at }, Rule::Ivr4));
    assert!(try_begin(&mut asked.payment, expires_at).is_ok());
    let State::Paying(paying) = asked.payment.state() else { panic!() };
    assert_eq!(paying.expires_at(), expires_at);
    // Created at the end of time, it does not overflow.
    let mut asked = self::asked(&priced(), 3);
    let forever = forged(&asked.invoice, &node(), |records| put(records, 164, &[0xff; 8]));
    assert_eq!(asked.answer(&forever, NOW).unwrap(), Progress::Quoted);
    let State::Quoted(quote) = asked.payment.state() else { panic!() };
    assert_eq!(quote.expires_at(), UnixTime(u64::MAX));
}

/// IVR-2: that the chain is the one that was chosen.
#[test]
fn an_invoice_for_another_chain_is_refused() {
    let offer = tea(|offer| offer.amount_msat(Msat(9)).add_chain(ChainHash::TESTNET3).add_chain(ChainHash::BITCOIN));
    let on = |chain| payer().draft(&offer, NOW, &[chain]).unwrap().start([3; 32], NOW, DEADLINE).unwrap();
    // The payer was careless about its randomness, and began the same payment on two chains.
    let (mut main, mut test) = (on(ChainHash::BITCOIN), on(ChainHash::TESTNET3));
    let (Action::Send(main_sent), Action::Send(test_sent)) = (main.poll(NOW).unwrap(), test.poll(NOW).unwrap()) else {
        panic!()
    };
    let testnet = bolt12::exchange::Terms { chains: &[ChainHash::TESTNET3], ..terms(NOW, None) };
    let accepted = issuer().receive(deliver(&test_sent, 0x70)).unwrap().accept(&testnet).unwrap();
    let invoice = accepted.invoice(Preimage([5; 32]).payment_hash()).add_path(path(1), &payinfo()).build().unwrap();
    let bytes = invoice.sign(&node()).unwrap().as_bytes().to_vec();
    let incoming = |path_id| IncomingMessage {
        kind: OffersMessageKind::Invoice,
        bytes: bytes.clone(),
        arrival: MessageArrival::Path(path_id),
        reply_path: None,
    };
    let refused = main.receive(incoming(main_sent.reply_path_id.unwrap()), NOW).unwrap_err();
    let right = [(&ErrorKind::UnsupportedChain, Rule::Ivr2), (&ErrorKind::Differs, Rule::Ivr8)];
    assert!(right.contains(&(refused.error().kind(), refused.error().rule())), "{refused:?}");
    assert!(test.receive(incoming(test_sent.reply_path_id.unwrap()), NOW).is_ok());
    try_begin(&mut test, NOW).unwrap();
    let State::Paying(payable) = test.state() else { panic!() };
    assert_eq!(payable.chain(), ChainHash::TESTNET3);
}

/// IVR-14: whether a payment may be split is shown where it is paid.
#[test]
fn multi_part_is_shown_when_paying() {
    let cases: [(Option<[u8; 3]>, MultiPart); 3] =
        [(None, MultiPart::Forbidden), (Some([1, 0, 0]), MultiPart::Required), (Some([2, 0, 0]), MultiPart::Allowed)];
    for (bits, expected) in cases {
        let mut asked = asked(&priced(), 3);
        let invoice = match bits {
            Some(bits) => forged(&asked.invoice, &node(), |records| put(records, 174, &bits)),
            None => asked.invoice.clone(),
        };
        assert_eq!(asked.answer(&invoice, NOW).unwrap(), Progress::Quoted);
        try_begin(&mut asked.payment, NOW).unwrap();
        let State::Paying(payable) = asked.payment.state() else { panic!() };
        assert_eq!(payable.multi_part(), expected);
    }
}

/// EXC-6: an error that anybody can write ends nothing, unless it comes over the reply path; then it does.
#[test]
fn a_forged_error_ends_nothing() {
    let offer = priced();
    let (mut one, two) = (asked(&offer, 3), asked(&offer, 4));
    let bytes = InvoiceError::new("go away").unwrap().into_bytes();
    let offer_path = MessageArrival::Path(issuer().new_offer([0x4f; 16]).path_id(0));
    let before = one.payment.to_bytes();
    for arrival in [MessageArrival::Direct, MessageArrival::OtherPath, offer_path, two.arrival] {
        let incoming =
            IncomingMessage { kind: OffersMessageKind::InvoiceError, bytes: bytes.clone(), arrival, reply_path: None };
        let refused = one.payment.receive(incoming, NOW).unwrap_err();
        assert_eq!((refused.error().kind(), refused.error().rule()), (&ErrorKind::WrongArrival, Rule::Exc6));
        assert!(refused.is_cheap() && refused.answer().is_none());
    }
    // ERR-1: nor does one that cannot be read.
    for bytes in [vec![2, 0], vec![5, 1], vec![5, 1, 0xff]] {
        assert!(
            one.payment
                .receive(
                    IncomingMessage {
                        kind: OffersMessageKind::InvoiceError,
                        bytes,
                        arrival: one.arrival,
                        reply_path: None
                    },
                    NOW
                )
                .is_err()
        );
    }
    assert_eq!(one.payment.to_bytes(), before);
    assert_eq!(
        one.payment
            .receive(
                IncomingMessage {
                    kind: OffersMessageKind::InvoiceError,
                    bytes,
                    arrival: one.arrival,
                    reply_path: None
                },
                NOW
            )
            .unwrap(),
        Progress::Ended
    );
}

/// EXC-4: once there is a quote, nothing that comes replaces it: no second invoice, no error.
#[test]
fn what_comes_after_a_quote_changes_nothing() {
    let mut asked = asked(&priced(), 3);
    let cheaper = forged(&asked.invoice, &node(), |records| put(records, 168, &[7; 32]));
    let (invoice, arrival) = (asked.invoice.clone(), asked.arrival);
    assert_eq!(asked.answer(&invoice, NOW).unwrap(), Progress::Quoted);
    let mut stages = vec![copy(&payer(), &asked.payment)];
    try_begin(&mut asked.payment, NOW).unwrap();
    stages.push(copy(&payer(), &asked.payment));
    let State::Paying(payable) = asked.payment.state() else { panic!() };
    // EXC-2: the issuer finds the preimage again from what the payment comes with.
    let accepted = issuer().receive(IncomingMessage { bytes: request_of(&invoice), ..asked.sent.clone() }).unwrap();
    let expected = accepted.accept(&terms(NOW, None)).unwrap().expected_payment();
    let found = issuer().expected_payment(payable.payment_hash(), expected.path_id.as_ref()).unwrap();
    assert_eq!((&found, found.amount), (&expected, payable.amount()));
    assert_eq!(issuer().expected_payment(payable.payment_hash(), &PATH_ID.0), None);
    let preimage = expected.preimage;
    asked.payment.paid(preimage).unwrap();
    // Saying it twice does no harm, saying something else is refused.
    asked.payment.paid(preimage).unwrap();
    assert_eq!(asked.payment.paid(Preimage([0; 32])).unwrap_err().kind(), &ErrorKind::WrongPreimage);
    stages.push(copy(&payer(), &asked.payment));
    for mut payment in stages {
        let before = payment.to_bytes();
        for bytes in [&invoice, &cheaper] {
            let again = IncomingMessage {
                kind: OffersMessageKind::Invoice,
                bytes: bytes.clone(),
                arrival,
                reply_path: Some(path_with(0x60, PATH_ID)),
            };
            let refused = payment.receive(again, NOW).unwrap_err();
            assert_eq!((refused.error().kind(), refused.error().rule()), (&ErrorKind::AlreadyAnswered, Rule::Exc4));
            assert!(refused.answer().is_none());
        }
        let error = InvoiceError::new("too late").unwrap().into_bytes();
        let refused = payment
            .receive(
                IncomingMessage { kind: OffersMessageKind::InvoiceError, bytes: error, arrival, reply_path: None },
                NOW,
            )
            .unwrap_err();
        assert_eq!(refused.error().kind(), &ErrorKind::AlreadyAnswered);
        assert_eq!(payment.to_bytes(), before);
        // Nor can what is being paid, or was, be given up.
        if !matches!(payment.state(), State::Quoted(_)) {
            assert_eq!(payment.decline().unwrap_err().kind().code(), "wrong_state");
            assert_eq!(try_begin(&mut payment, NOW).unwrap_err().kind().code(), "wrong_state");
            assert_eq!(payment.poll(UnixTime(u64::MAX)).unwrap(), Action::Nothing);
            assert_eq!(payment.to_bytes(), before);
        }
    }
}

const PATH_ID: bolt12::exchange::PathId = bolt12::exchange::PathId([4; 32]);

/// The request that an invoice repeats. Its signature is not in the invoice, but follows from the payer's key.
fn request_of(invoice: &[u8]) -> Vec<u8> {
    let invoice = bolt12::Invoice::try_from(invoice).unwrap();
    let key = payer().keypair(invoice.request()).unwrap();
    assert_eq!(key.public_key(), invoice.payer_id(), "EXC-3");
    let records = naive::parse(invoice.as_bytes()).unwrap().into_iter().filter(|record| record.number < 160).collect();
    naive::concat(&naive::sign("invoice_request", records, &key))
}

/// EXC-4, EXC-7: a quote that nobody pays is renewed, each time with another request, and at most sixteen times
/// asked for. What answers an earlier request is late.
#[test]
fn a_quote_that_expires_is_renewed_so_often() {
    let mut now = NOW;
    let mut asked = asked(&priced(), 3);
    let mut requests = std::collections::BTreeSet::new();
    for round in 1.. {
        assert!(requests.insert(asked.via_bytes()), "the same request twice");
        let (invoice, arrival) = (asked.invoice.clone(), asked.arrival);
        assert_eq!(asked.answer(&invoice, now).unwrap(), Progress::Quoted);
        now = UnixTime(now.0 + 7201);
        // It is too late to begin, and asking is begun at the next poll.
        assert!(try_begin(&mut copy(&payer(), &asked.payment), now).is_err());
        match asked.payment.poll(now).unwrap() {
            Action::Send(outgoing) => {
                let late =
                    IncomingMessage { kind: OffersMessageKind::Invoice, bytes: invoice, arrival, reply_path: None };
                let refused = asked.payment.receive(late, now).unwrap_err();
                assert_eq!(refused.error().kind(), &ErrorKind::AlreadyAnswered);
                asked.arrival = MessageArrival::Path(outgoing.reply_path_id.unwrap());
                asked.invoice = honest(&outgoing, now);
            }
            Action::Nothing => {
                assert!(matches!(asked.payment.state(), State::Ended(EndReason::QuoteExpired)));
                assert_eq!(round, 16);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
}

impl Asked {
    fn via_bytes(&self) -> [u8; 32] {
        let MessageArrival::Path(id) = self.arrival else { panic!() };
        id.0
    }
}

/// EXC-5, EXC-8: a clock that is set back neither stops a payment nor makes it ask without end.
#[test]
fn a_clock_that_runs_backwards_stops_nothing() {
    let offer = priced();
    let begin = || payer().draft(&offer, NOW, CHAINS).unwrap().start([3; 32], NOW, DEADLINE).unwrap();
    let mut payment = begin();
    assert!(matches!(payment.poll(NOW).unwrap(), Action::Send(_)));
    // By a little: it waits for the time that it was to be.
    let back = UnixTime(NOW.0 - 30);
    assert!(matches!(payment.poll(back).unwrap(), Action::WaitUntil(at) if is_about(at, NOW, 5)));
    // By a lot: it asks at once, and goes on from there.
    let back = UnixTime(NOW.0 - 1_000_000);
    assert!(matches!(payment.poll(back).unwrap(), Action::Send(_)));
    assert!(matches!(payment.poll(back).unwrap(), Action::WaitUntil(at) if is_about(at, back, 10)));
    // Whatever the clock does, no second gives more than one request.
    let mut random = super::network::Random::new(5);
    for _ in 0..200 {
        let now = UnixTime(random.below(2 * NOW.0));
        if now > DEADLINE {
            continue;
        }
        if let Action::Send(_) = payment.poll(now).unwrap() {
            assert!(matches!(payment.poll(now).unwrap(), Action::WaitUntil(at) if at > now));
        }
    }
    // A quote that looked expired comes to life again, unless it was renewed.
    let mut asked = ask(begin(), NOW);
    let invoice = asked.invoice.clone();
    assert_eq!(asked.answer(&invoice, UnixTime(0)).unwrap(), Progress::Quoted);
    assert!(try_begin(&mut asked.payment, UnixTime(NOW.0 + 7201)).is_err());
    assert!(try_begin(&mut asked.payment, NOW).is_ok());
}

// ---- refunds

fn publish(expiry: Option<UnixTime>) -> Payment {
    let new = payer().new_refund([5; 32]);
    let mut builder = new.builder("a cup that broke", Msat(5_000)).add_path(path_with(0x70, new.path_id(0)));
    if let Some(expiry) = expiry {
        builder = builder.absolute_expiry(expiry);
    }
    new.publish(builder, NOW).unwrap()
}

/// EXC-4, IVR-9: of two who claim a refund, one is paid; whoever publishes it sees whom, and can decline.
#[test]
fn a_refund_claimed_by_two_is_paid_once() {
    let mut payment = publish(None);
    let refund = payment.refund().unwrap().clone();
    let (mut one, mut two) = (claim(&issuer(), &refund, 1), claim(&Payee::new([9; 32]), &refund, 2));
    assert_ne!(one.invoice().node_id(), two.invoice().node_id());
    let (first, second) = (sent(&mut one), sent(&mut two));
    assert_eq!(payer().payment_of(&first.arrival), Some(payment.id()));
    assert_eq!(payment.receive(first.clone(), NOW).unwrap(), Progress::Quoted);
    // EXC-14: nobody's claim keeps another out. The same one again changes nothing.
    assert_eq!(payment.receive(second.clone(), NOW).unwrap(), Progress::Quoted);
    let refused = payment.receive(second, NOW).unwrap_err();
    assert_eq!(refused.error().kind(), &ErrorKind::AlreadyAnswered);
    let quotes: Vec<_> = payment.quotes().map(|quote| (quote.node_id(), quote.amount())).collect();
    let claims = [one.invoice().node_id(), two.invoice().node_id()];
    assert_eq!(quotes, claims.map(|node_id| (node_id, Msat(5_000))));
    // The first is the wrong one.
    payment.decline_claim(claims[0]).unwrap();
    let mut payment = payer().load(&payment.to_bytes()).unwrap();
    try_begin(&mut payment, NOW).unwrap();
    assert!(payment.receive(first, NOW).is_err());
    payment.paid(Preimage([2; 32])).unwrap();
    two.paid();
    assert_eq!(two.poll(NOW).unwrap(), Action::Nothing);
    assert_eq!(two.state(), &ClaimState::Paid);
    let State::Paid(receipt) = payment.state() else { panic!() };
    assert!(receipt.proof().build().unwrap().sign(&receipt.keypair().unwrap()).is_ok());
}

/// IVR-13, RQR-12: a refund is claimed over its own path, and not by other ways.
#[test]
fn a_refund_claimed_over_the_wrong_path_is_not_paid() {
    let mut payment = publish(None);
    let incoming = sent(&mut claim(&issuer(), &payment.refund().unwrap().clone(), 1));
    let other = payer().new_refund([6; 32]).path_id(0);
    for arrival in [MessageArrival::Direct, MessageArrival::OtherPath, MessageArrival::Path(other)] {
        let refused = payment.receive(IncomingMessage { arrival, ..incoming.clone() }, NOW).unwrap_err();
        assert_eq!((refused.error().kind(), refused.error().rule()), (&ErrorKind::WrongArrival, Rule::Ivr13));
        assert!(refused.answer().is_none() && refused.is_cheap());
    }
    assert!(payment.receive(incoming, NOW).is_ok());
}

/// IVR-8: a refund with one record changed is not the one that was published. RQR-12: one that leads nowhere is not
/// published.
#[test]
fn a_changed_refund_is_not_paid() {
    let mut payment = publish(Some(UnixTime(NOW.0 + 60)));
    let honest = sent(&mut claim(&issuer(), &payment.refund().unwrap().clone(), 1));
    let signer = key(0x13);
    for number in [0u64, 10, 14, 82, 88, 90] {
        let bytes = forged(&honest.bytes, &signer, |records| {
            let record = records.iter_mut().find(|record| record.number == number).unwrap();
            let mut value = record.value.clone();
            let last = value.len() - 1;
            value[last] ^= 1;
            *record = naive::record(number, &value);
            let amount = records.iter().find(|record| record.number == 82).unwrap().value.clone();
            put(records, 170, &amount);
            put(records, 176, &signer.public_key().serialize());
        });
        let refused = payment.receive(IncomingMessage { bytes, ..honest.clone() }, NOW).unwrap_err();
        assert_eq!((refused.error().kind(), refused.error().rule()), (&ErrorKind::Differs, Rule::Ivr8), "{number}");
        assert!(refused.answer().is_none());
    }
    // OFR-9: nor is one that has expired.
    let late = UnixTime(NOW.0 + 61);
    assert!(copy(&payer(), &payment).receive(honest.clone(), late).is_err());
    assert_eq!(issuer().claim(payment.refund().unwrap(), late, CHAINS).unwrap_err().rule(), Rule::Ofr9);
    assert_eq!(issuer().claim(payment.refund().unwrap(), NOW, &[]).unwrap_err().rule(), Rule::Rqr13);
    let mut over = copy(&payer(), &payment);
    assert_eq!(over.poll(late).unwrap(), Action::Nothing);
    assert!(matches!(over.state(), State::Ended(EndReason::Deadline)));
    assert!(payment.receive(honest, NOW).is_ok());

    let new = payer().new_refund([5; 32]);
    let builder = new.builder("a cup", Msat(5));
    let refused: Error = new.publish(builder, NOW).unwrap_err();
    assert_eq!((refused.kind(), refused.rule()), (&ErrorKind::Missing, Rule::Rqr12));
    assert_eq!(refused.field(), Some(Field::INVREQ_PATHS));
}

/// MSG-4, EXC-5, EXC-6: a claim sends its invoice over the refund's paths in turn, hears why it is not paid, and ends.
#[test]
fn a_claim_is_told_why_it_is_not_paid() {
    let payment = publish(None);
    let refund = payment.refund().unwrap().clone();
    let mut claim = claim(&issuer(), &refund, 1);
    let Action::Send(outgoing) = claim.poll(NOW).unwrap() else { panic!() };
    assert!(matches!(outgoing.message, OffersMessage::Invoice(_)));
    let arrival = MessageArrival::Path(outgoing.reply_path_id.unwrap());
    let bytes = InvoiceError::new("the cup is whole").unwrap().into_bytes();
    let error = |arrival| IncomingMessage {
        kind: OffersMessageKind::InvoiceError,
        bytes: bytes.clone(),
        arrival,
        reply_path: None,
    };
    assert_eq!(claim.receive(error(MessageArrival::Direct), NOW).unwrap_err().error().rule(), Rule::Exc6);
    let mut other = self::claim(&Payee::new([9; 32]), &refund, 1);
    assert!(other.receive(error(arrival), NOW).is_err());
    let mut claim = issuer().load_claim(&claim.to_bytes()).unwrap();
    assert!(matches!(claim.poll(NOW).unwrap(), Action::WaitUntil(at) if is_about(at, NOW, 5)));
    let mut told = claim.clone();
    told.receive(error(arrival), NOW).unwrap();
    assert!(matches!(told.state(), ClaimState::Ended(EndReason::Refused(_))));
    assert!(told.receive(error(arrival), NOW).is_err());
    assert_eq!(told.poll(NOW).unwrap(), Action::Nothing);
    assert_eq!(claim.poll(UnixTime(NOW.0 + 601)).unwrap(), Action::Nothing);
    assert_eq!(claim.state(), &ClaimState::Ended(EndReason::Deadline));
    // The node knows better than the clock.
    claim.paid();
    assert_eq!(issuer().load_claim(&claim.to_bytes()).unwrap().state(), &ClaimState::Paid);
}

/// IVR-9: who is to claim a refund can be said beforehand, and who was declined cannot claim it again.
#[test]
fn a_refund_is_paid_to_whom_it_is_for() {
    let mut payment = publish(None);
    let refund = payment.refund().unwrap().clone();
    let thief = Payee::new([9; 32]);
    let right = issuer().claim(&refund, NOW, CHAINS).unwrap().node_id();
    let (mine, theirs) = (sent(&mut claim(&issuer(), &refund, 1)), sent(&mut claim(&thief, &refund, 2)));
    let refuses = |payment: &mut Payment, incoming: &IncomingMessage| {
        let before = payment.to_bytes();
        let refused = payment.receive(incoming.clone(), NOW).unwrap_err();
        assert_eq!((refused.error().kind(), refused.error().rule()), (&ErrorKind::WrongKey, Rule::Ivr9));
        assert_eq!(payment.to_bytes(), before);
    };
    // Declined, with the same invoice or another.
    let mut declined = copy(&payer(), &payment);
    assert_eq!(declined.receive(theirs.clone(), NOW).unwrap(), Progress::Quoted);
    let State::Quoted(quote) = declined.state() else { panic!() };
    let thief_id = quote.node_id();
    declined.decline_claim(thief_id).unwrap();
    let mut declined = copy(&payer(), &declined);
    refuses(&mut declined, &theirs);
    refuses(&mut declined, &sent(&mut claim(&thief, &refund, 3)));
    assert_eq!(declined.receive(mine.clone(), NOW).unwrap(), Progress::Quoted);
    // Expected.
    payment.expect_payee(right).unwrap();
    let mut payment = copy(&payer(), &payment);
    refuses(&mut payment, &theirs);
    assert_eq!(payment.receive(mine, NOW).unwrap(), Progress::Quoted);
    try_begin(&mut payment, NOW).unwrap();
    assert_eq!(payment.expect_payee(right).unwrap_err().kind().code(), "wrong_state");
}

/// OFR-9: a claim is not sent for longer than the refund can be claimed.
#[test]
fn a_claim_ends_with_its_refund() {
    let expiry = UnixTime(NOW.0 + 60);
    let mut claim = claim(&issuer(), publish(Some(expiry)).refund().unwrap(), 1);
    assert!(matches!(claim.poll(expiry).unwrap(), Action::Send(_)));
    assert_eq!(claim.poll(UnixTime(expiry.0 + 1)).unwrap(), Action::Nothing);
    assert_eq!(claim.state(), &ClaimState::Ended(EndReason::Deadline));
}

/// EXC-4: what is begun is the quote that was shown, before the deadline.
#[test]
fn only_the_quote_that_was_shown_is_begun() {
    let offer = priced();
    let draft = payer().draft(&offer, NOW, CHAINS).unwrap();
    let mut asked = ask(draft.start([3; 32], NOW, UnixTime(NOW.0 + 60)).unwrap(), NOW);
    let invoice = asked.invoice.clone();
    assert_eq!(asked.answer(&invoice, NOW).unwrap(), Progress::Quoted);
    let other = asked.payment.begin(Preimage([7; 32]).payment_hash(), NOW, None).unwrap_err();
    let late = try_begin(&mut asked.payment, UnixTime(NOW.0 + 61)).unwrap_err();
    assert_eq!((other.kind().code(), late.kind().code()), ("differs", "deadline_passed"));
    assert!(matches!(asked.payment.state(), State::Quoted(_)));
    assert!(try_begin(&mut asked.payment, UnixTime(NOW.0 + 60)).is_ok());
}

/// An honest walk with this file's own key, so that no test above passes for want of one.
#[test]
fn the_honest_answer_is_taken() {
    let offer = own_offer(&issuer(), 1, |offer| offer.description("tea").amount_msat(Msat(9_000)));
    let draft = payer().draft(&offer, NOW, CHAINS).unwrap().limit(Limit::AtMost(Msat(9_000)));
    let mut payment = draft.start([3; 32], NOW, DEADLINE).unwrap();
    let Action::Send(outgoing) = payment.poll(NOW).unwrap() else { panic!() };
    let accepted = issuer().receive(deliver(&outgoing, 0x70)).unwrap().accept(&terms(NOW, None)).unwrap();
    let answer = accepted.answer(sides::invoice(&accepted).1).unwrap();
    assert_eq!(payment.receive(deliver(&answer, 0x60), NOW).unwrap(), Progress::Quoted);
}
