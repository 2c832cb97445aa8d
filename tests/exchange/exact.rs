//! Limits to the byte, times to the second, and what a payment shows of itself.

use std::error::Error as _;

use bolt12::exchange::{
    Action, Destination, EndReason, IncomingMessage, Limit, MAX_OFFER_LEN, MAX_REQUEST_LEN, MessageArrival,
    OffersMessage, OffersMessageKind, OutgoingMessage, Payment, Progress, State,
};
use bolt12::{
    BlindedPath, ChainHash, ErrorKind, Feature, Features, Field, HumanReadableName, InvoiceError, KnownFeatures,
    MinorUnits, Msat, Offer, OfferAmount, OfferBuilder, Preimage, Quantity, Rate, RequestArrival, RequestContext, Rule,
    UnixTime,
};
use proptest::prelude::*;

use super::helpers::forged;
use super::messages::{NOW, key};
use super::naive::record;
use super::plan::usd;
use super::sides::{self, CHAINS, copy, deliver, issuer, own_offer, path_with, payer, point, tea, terms, try_begin};

const DEADLINE: UnixTime = UnixTime(NOW.0 + 600_000);

fn start(offer: &Offer) -> Payment {
    payer().draft(offer, NOW, CHAINS).unwrap().start([3; 32], NOW, DEADLINE).unwrap()
}

/// What is sent next, and when.
fn next(payment: &mut Payment, now: &mut UnixTime) -> OutgoingMessage {
    loop {
        match payment.poll(*now).unwrap() {
            Action::Send(asked) => return *asked,
            Action::WaitUntil(at) => *now = at,
            other => panic!("{other:?}, {:?}", payment.state()),
        }
    }
}

/// The way over which a request goes.
fn way(offer: &Offer, asked: &OutgoingMessage) -> usize {
    let Destination::Path(path) = &asked.destination else { panic!("{:?}", asked.destination) };
    offer.paths().unwrap().iter().position(|other| other.as_bytes() == path.as_bytes()).unwrap()
}

/// The answer to a request, from an issuer whose clock says this.
fn answer(asked: &OutgoingMessage, now: UnixTime) -> IncomingMessage {
    let accepted = issuer().receive(deliver(asked, 0x70)).unwrap().accept(&terms(now, None)).unwrap();
    deliver(&accepted.answer(sides::invoice(&accepted).1).unwrap(), 0x60)
}

fn told(asked: &OutgoingMessage, error: &InvoiceError) -> IncomingMessage {
    IncomingMessage {
        kind: OffersMessageKind::InvoiceError,
        bytes: error.clone().into_bytes(),
        arrival: MessageArrival::Path(asked.reply_path_id.unwrap()),
        reply_path: None,
    }
}

// ---- what a payment shows

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// A payment shows what was chosen, also after a restart.
    #[test]
    fn a_payment_shows_what_was_chosen(
        amount in proptest::option::of(100_000u64..1 << 50),
        quantity in 1u64..10,
        note in ".{0,20}",
        is_testnet: bool,
    ) {
        let chain = if is_testnet { ChainHash::TESTNET3 } else { ChainHash::BITCOIN };
        let offer = own_offer(&issuer(), 1, |offer| {
            let offer = offer.description("tea").amount_msat(Msat(9_000)).quantity_max(Quantity::Unlimited);
            offer.add_chain(ChainHash::BITCOIN).add_chain(ChainHash::TESTNET3)
        });
        let mut draft = payer().draft(&offer, NOW, &[chain]).unwrap().quantity(quantity).payer_note(&note);
        if let Some(amount) = amount {
            draft = draft.amount(Msat(amount));
        }
        let payment = draft.start([3; 32], NOW, DEADLINE).unwrap();
        for payment in [&payment, &copy(&payer(), &payment)] {
            prop_assert_eq!(payment.chain(), chain);
            prop_assert_eq!(payment.offer(), Some(&offer));
            prop_assert_eq!(payment.amount(), amount.map(Msat));
            prop_assert_eq!(payment.quantity(), Some(quantity));
            prop_assert_eq!(payment.payer_note(), &note);
        }
        let mut payment = payment;
        let OffersMessage::InvoiceRequest(request) = next(&mut payment, &mut { NOW }).message else { panic!() };
        prop_assert_eq!((request.chain(), request.amount(), request.quantity()), (chain, amount.map(Msat), Some(quantity)));
    }
}

#[test]
fn a_payment_shows_that_nothing_was_chosen_and_a_refund_its_amount() {
    let payment = start(&tea(1));
    assert_eq!((payment.amount(), payment.quantity(), payment.payer_note()), (None, None, ""));
    let new = payer().new_refund([5; 32]);
    let builder = new.builder("a cup", Msat(5_000)).chain(ChainHash::TESTNET3);
    let builder = builder.add_path(path_with(0x70, new.path_id(0)));
    let refund = new.publish(builder, NOW).unwrap();
    assert_eq!((refund.chain(), refund.offer()), (ChainHash::TESTNET3, None));
    assert_eq!((refund.amount(), refund.quantity(), refund.payer_note()), (Some(Msat(5_000)), None, ""));
    assert_eq!((payment.bip_353_name(), refund.bip_353_name()), (None, None));
}

/// A payment is known by what it asks for: with the same entropy, whatever differs makes another id.
#[test]
fn whatever_is_asked_for_makes_another_id() {
    let offer = |text: &str| {
        own_offer(&issuer(), 1, |offer| {
            let offer = offer.description(text).amount_msat(Msat(9_000)).quantity_max(Quantity::Unlimited);
            offer.add_chain(ChainHash::BITCOIN).add_chain(ChainHash::TESTNET3)
        })
    };
    let draft = |text, chain| payer().draft(&offer(text), NOW, &[chain]).unwrap().quantity(1);
    let plain = || draft("tea", ChainHash::BITCOIN);
    let id = |draft: bolt12::exchange::Draft| draft.start([3; 32], NOW, DEADLINE).unwrap().id();
    assert_eq!(id(plain()), id(plain()));
    let name = HumanReadableName::new("alice", "example.com").unwrap();
    let ids = [
        id(plain()),
        id(draft("coffee", ChainHash::BITCOIN)),
        id(draft("tea", ChainHash::TESTNET3)),
        id(plain().quantity(2)),
        id(plain().amount(Msat(9_001))),
        id(plain().payer_note("with milk")),
        id(plain().bip_353_name(name)),
        id(plain().custom_field(2_000_000_001, *b"x")),
        id(plain().custom_field(2_000_000_001, *b"y")),
        id(plain().custom_field(2_000_000_003, *b"x")),
        id(plain().signer(point(0x31))),
    ];
    let different: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(different.len(), ids.len());
}

/// A custom field of a draft is in every request, and after a restart.
#[test]
fn a_custom_field_is_sent() {
    let draft = payer().draft(&tea(2), NOW, CHAINS).unwrap();
    let draft = draft.custom_field(2_000_000_001, *b"one").custom_field(2_000_000_003, *b"two");
    let (mut payment, mut now) = (draft.start([3; 32], NOW, DEADLINE).unwrap(), NOW);
    for _ in 0..3 {
        let asked = next(&mut payment, &mut now);
        let request = request(&asked);
        assert_eq!(request.tlvs().get(2_000_000_001).unwrap().value(), b"one");
        assert_eq!(request.tlvs().get(2_000_000_003).unwrap().value(), b"two");
        payment = copy(&payer(), &payment);
    }
}

fn request(asked: &OutgoingMessage) -> &bolt12::InvoiceRequest {
    match &asked.message {
        OffersMessage::InvoiceRequest(request) => request,
        other => panic!("{other:?}"),
    }
}

/// EXC-7: what an amount in dollars is worth is for the issuer to say, so the payer's rate alone is no limit.
#[test]
fn a_rate_is_no_limit() {
    let price = OfferAmount::Currency { currency: usd(), amount: MinorUnits(350) };
    let offer = own_offer(&issuer(), 1, |offer| offer.description("tea").amount(price));
    let draft = payer().draft(&offer, NOW, CHAINS).unwrap().rate(Rate::per_bitcoin(usd(), "100000").unwrap());
    let error = draft.check().unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::LimitNeeded { currency: usd() }, Rule::Exc7));
    assert_eq!(draft.clone().start([3; 32], NOW, DEADLINE).unwrap_err(), error);
    assert!(draft.limit(Limit::AtMost(Msat(3_500_000))).check().is_ok());
}

// ---- known features

static KNOWN: KnownFeatures =
    KnownFeatures { offer: &[8], invoice_request: &[8], invoice: &[8], ..KnownFeatures::DEFAULT };

/// OFR-2, RQR-2: what an application knows more is known at every step of both sides, and after a restart.
#[test]
fn a_feature_that_both_sides_know_leads_to_a_payment() {
    let (issuer, payer) = (issuer().knowing(&KNOWN), payer().knowing(&KNOWN));
    let features = Features::new([Feature(8)]).unwrap();
    let new = issuer.new_offer([0x4f; 16]);
    let builder = OfferBuilder::new(new.issuer_id()).description("tea").amount_msat(Msat(9_000)).features(features);
    let builder = builder.add_path(path_with(0x60, new.path_id(0)));
    let error = self::issuer().new_offer([0x4f; 16]).build(builder.clone()).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::UnknownFeature(8), Rule::Ofr2));
    let offer = new.build(builder).unwrap();
    let payment = payer.draft(&offer, NOW, CHAINS).unwrap().start([3; 32], NOW, DEADLINE).unwrap();
    assert!(self::payer().load(&payment.to_bytes()).is_err());
    let mut payment = payer.load(&payment.to_bytes()).unwrap();
    let asked = next(&mut payment, &mut { NOW });
    let stranger = self::issuer().receive(deliver(&asked, 0x70)).unwrap_err();
    assert_eq!(stranger.error().kind(), &ErrorKind::UnknownFeature(8));
    let received = issuer.receive(deliver(&asked, 0x70)).unwrap();
    let received = issuer.load_received(&received.to_bytes()).unwrap();
    let accepted = received.accept(&terms(NOW, None)).unwrap();
    let accepted = issuer.load_accepted(&accepted.to_bytes()).unwrap();
    let answer = accepted.answer(sides::invoice(&accepted).1).unwrap();
    assert_eq!(payment.receive(deliver(&answer, 0x60), NOW).unwrap(), Progress::Quoted);
    let mut payment = payer.load(&payment.to_bytes()).unwrap();
    try_begin(&mut payment, NOW).unwrap();
}

// ---- lengths

/// An offer whose records have this length, beside its metadata.
fn offer_of(len: usize) -> Result<Offer, bolt12::Error> {
    let new = issuer().new_offer([0x4f; 16]);
    let builder = |text: usize| {
        let builder = OfferBuilder::new(new.issuer_id()).amount_msat(Msat(9_000)).description(&"x".repeat(text));
        builder.add_path(path_with(0x60, new.path_id(0)))
    };
    let with = |offer: &Offer| offer.as_bytes().len() - offer.tlvs().get(4).unwrap().as_bytes().len();
    let spare = with(&new.build(builder(1_000)).unwrap()) - 1_000;
    new.build(builder(len - spare)).inspect(|offer| assert_eq!(with(offer), len))
}

/// A request, forged until it has this length.
fn request_of(asked: &OutgoingMessage, len: usize) -> IncomingMessage {
    let incoming = deliver(asked, 0x70);
    let payer = key(0x13);
    let with = |note: usize| {
        forged("invoice_request", &incoming.bytes, &payer, |records| {
            records.retain(|it| it.number != 88 && it.number != 89);
            records.push(record(88, &payer.public_key().serialize()));
            records.push(record(89, &vec![b'x'; note]));
        })
    };
    let spare = with(1_000).len() - 1_000;
    let bytes = with(len - spare);
    assert_eq!(bytes.len(), len);
    IncomingMessage { bytes, ..incoming }
}

/// EXC-1: the longest offer is made, asked for with the longest request, and answered; one byte more is too long.
#[test]
fn the_longest_offer_and_the_longest_request_are_taken() {
    let error = offer_of(MAX_OFFER_LEN + 1).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TooLong { len: MAX_OFFER_LEN + 1, max: MAX_OFFER_LEN });
    let offer = offer_of(MAX_OFFER_LEN).unwrap();
    let asked = next(&mut start(&offer), &mut { NOW });
    assert!(issuer().receive(deliver(&asked, 0x70)).is_ok());
    // The metadata are the request's to repeat.
    let most = MAX_OFFER_LEN + MAX_REQUEST_LEN;
    assert!(issuer().receive(request_of(&asked, most)).is_ok());
    let refused = issuer().receive(request_of(&asked, most + 1)).unwrap_err();
    assert_eq!(refused.error().kind(), &ErrorKind::TooLong { len: most + 1, max: most });
    assert!(refused.answer().is_none() && refused.is_cheap());

    // A short offer leaves no more to the request.
    let offer = tea(1);
    let rest = offer.as_bytes().len() - offer.tlvs().get(4).unwrap().as_bytes().len();
    let asked = next(&mut start(&offer), &mut { NOW });
    assert!(issuer().receive(request_of(&asked, rest + MAX_REQUEST_LEN)).is_ok());
    let refused = issuer().receive(request_of(&asked, rest + MAX_REQUEST_LEN + 1)).unwrap_err();
    assert_eq!((refused.error().rule(), refused.error().field()), (Rule::Exc1, Some(Field::INVREQ_PAYER_NOTE)));
}

/// EXC-1: a request has at most 512 bytes of paths.
#[test]
fn a_request_has_so_many_bytes_of_paths() {
    let asked = next(&mut start(&tea(1)), &mut { NOW });
    let incoming = deliver(&asked, 0x70);
    for (len, is_taken) in [(512, true), (513, false)] {
        let data = vec![7; len - 102];
        let path = BlindedPath::new(point(0x50).into(), point(0x51), [(point(0x52), &data[..])]).unwrap();
        assert_eq!(path.as_bytes().len(), len);
        let bytes = forged("invoice_request", &incoming.bytes, &key(0x13), |records| {
            records.retain(|it| it.number != 88);
            records.push(record(88, &key(0x13).public_key().serialize()));
            records.push(record(90, path.as_bytes()));
        });
        let received = issuer().receive(IncomingMessage { bytes, ..incoming.clone() });
        assert_eq!(received.is_ok(), is_taken, "{len}");
        if let Err(refused) = received {
            assert_eq!(refused.error().kind(), &ErrorKind::TooLong { len, max: 512 });
            assert_eq!(refused.error().field(), Some(Field::INVREQ_PATHS));
        }
    }
}

// ---- refusals

/// A refusal says what its error says, leads to it, and gives out its answer.
#[test]
fn a_refusal_is_an_error_with_an_answer() {
    let mut incoming = deliver(&next(&mut start(&tea(1)), &mut { NOW }), 0x70);
    let last = incoming.bytes.len() - 1;
    incoming.bytes[last] ^= 1;
    let refused = issuer().receive(incoming).unwrap_err();
    assert_eq!(refused.to_string(), refused.error().to_string());
    let source: &bolt12::Error = refused.source().unwrap().downcast_ref().unwrap();
    assert_eq!(source, refused.error());
    let answer = refused.answer().unwrap().clone();
    assert_eq!(refused.into_answer(), Some(answer));
}

// ---- asking again

/// EXC-7: a quote is good in its last second. After that, everything is asked for anew: over the first way first, and
/// over those that had refused.
#[test]
fn a_quote_that_has_expired_is_asked_for_over_every_way_again() {
    let offer = tea(3);
    let no = InvoiceError::new("no").unwrap();
    for (refusing, answering) in [(0, 1), (1, 2), (1, 0)] {
        let (mut payment, mut now) = (start(&offer), NOW);
        let mut asked = Vec::new();
        while asked.len() < 3 {
            asked.push(next(&mut payment, &mut now));
        }
        assert!(matches!(payment.receive(told(&asked[refusing], &no), now).unwrap(), Progress::AskingAgain(None)));
        assert_eq!(payment.receive(answer(&asked[answering], now), now).unwrap(), Progress::Quoted);
        let last = UnixTime(now.0 + 7_200);
        assert_eq!(payment.poll(last).unwrap(), Action::WaitUntil(UnixTime(last.0 + 1)));
        assert!(matches!(payment.state(), State::Quoted(_)));
        assert!(try_begin(&mut copy(&payer(), &payment), last).is_ok());
        let mut now = UnixTime(last.0 + 1);
        let ways = [0; 3].map(|_| way(&offer, &next(&mut payment, &mut now)));
        assert_eq!(ways, [0, 1, 2]);
        // What was said of the requests before does not explain the end of these.
        assert_eq!(payment.poll(UnixTime(DEADLINE.0 + 1)).unwrap(), Action::Nothing);
        assert!(matches!(payment.state(), State::Ended(EndReason::Deadline)), "{:?}", payment.state());
    }
}

/// EXC-5: what is asked for anew goes over the first way first, also where the others had not been asked before.
#[test]
fn another_quote_is_asked_for_over_the_first_way_first() {
    let offer = tea(3);
    let (mut payment, mut now) = (start(&offer), NOW);
    let asked = next(&mut payment, &mut now);
    assert_eq!(payment.receive(answer(&asked, now), now).unwrap(), Progress::Quoted);
    now = UnixTime(now.0 + 7_201);
    assert_eq!(way(&offer, &next(&mut payment, &mut now)), 0);
    assert!(matches!(payment.state(), State::Asking { attempts: 1 }));
}

/// IVW-3: whoever signs for an offer without an issuer id is at the end of the path that is said, also where the request
/// had come over another one.
#[test]
fn the_path_that_is_said_decides_who_signs() {
    let new = issuer().new_offer([0x4f; 16]);
    let paths = [0, 1].map(|position| path_with(0x60 + position, new.path_id(position)));
    let builder = OfferBuilder::with_paths(paths).description("tea").amount_msat(Msat(9_000));
    let offer = new.build(builder).unwrap();
    let asked = next(&mut start(&offer), &mut { NOW });
    let received = issuer().receive(deliver(&asked, 0x70)).unwrap();
    for path in offer.paths().unwrap().iter() {
        let last = path.last_blinded_node_id();
        let (arrival, chains) = (RequestArrival::OfferPath(last), CHAINS);
        let context = RequestContext { offer: &offer, arrival, now: NOW, chains, rate: None, max_amount: None };
        let node_id = received.request().accept(&context).unwrap().node_id();
        assert_eq!(node_id, last.public_key().unwrap());
    }
}

/// EXC-5: after an answer that had expired when it came, the way after it is next.
#[test]
fn an_expired_answer_leads_to_the_next_way() {
    let offer = tea(3);
    for at in 0..3 {
        let (mut payment, mut now) = (start(&offer), NOW);
        let mut asked = next(&mut payment, &mut now);
        while way(&offer, &asked) != at {
            asked = next(&mut payment, &mut now);
        }
        let old = answer(&asked, UnixTime(now.0 - 7_201));
        assert!(matches!(payment.receive(old, now).unwrap(), Progress::AskingAgain(Some(_))));
        assert_eq!(way(&offer, &next(&mut payment, &mut now)), (at + 1) % 3);
    }
}

/// ERR-2: only what an error says of the amount of a request is followed.
#[test]
fn a_suggestion_for_another_field_is_not_followed() {
    let price = OfferAmount::Currency { currency: usd(), amount: MinorUnits(350) };
    let offer = own_offer(&issuer(), 1, |offer| offer.description("tea").amount(price));
    for (field, is_followed) in [(Field::INVREQ_AMOUNT, true), (Field::INVOICE_AMOUNT, false)] {
        let draft = payer().draft(&offer, NOW, CHAINS).unwrap().limit(Limit::AtMost(Msat(10_000)));
        let mut payment = draft.start([3; 32], NOW, DEADLINE).unwrap();
        let asked = next(&mut payment, &mut { NOW });
        let error = InvoiceError::new("more").unwrap().about(field, Some(&[0x20, 0])).unwrap();
        assert_eq!(error.suggested_amount(), Some(Msat(0x2000)));
        let progress = payment.receive(told(&asked, &error), NOW).unwrap();
        assert_eq!(matches!(progress, Progress::AskingAgain(None)), is_followed, "{field}");
        assert_eq!(payment.amount(), is_followed.then_some(Msat(0x2000)));
    }
}

/// EXC-4: the attempt that was paid has not failed; one that failed before has, once.
#[test]
fn what_was_paid_has_not_failed() {
    let (mut payment, mut now) = (start(&tea(1)), NOW);
    let asked = next(&mut payment, &mut now);
    let incoming = answer(&asked, NOW);
    assert_eq!(payment.receive(incoming, NOW).unwrap(), Progress::Quoted);
    let accepted = issuer().receive(deliver(&asked, 0x70)).unwrap().accept(&terms(NOW, None)).unwrap();
    let preimage: Preimage = accepted.expected_payment().preimage;
    sides::begin(&mut payment, NOW);
    let mut at_once = copy(&payer(), &payment);
    at_once.paid(preimage).unwrap();
    assert_eq!(at_once.failed_hashes().count(), 0);
    sides::fail(&mut payment);
    sides::begin(&mut payment, NOW);
    payment.paid(preimage).unwrap();
    assert_eq!(payment.failed_hashes().collect::<Vec<_>>(), [preimage.payment_hash()]);
}
