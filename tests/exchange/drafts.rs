//! What a payer is told before it begins, and when and where its requests go.

use std::num::NonZeroU64;
use std::time::Duration;

use bolt12::exchange::{
    Action, Destination, EndReason, Limit, Need, OffersMessage, OutgoingMessage, Payment, Retry, State,
};
use bolt12::{
    ChainHash, ErrorKind, Field, HumanReadableName, InvoiceError, MinorUnits, Msat, Offer, OfferAmount, OfferBuilder,
    Quantity, Rate, Rule, UnixTime,
};

use proptest::prelude::*;

use super::messages::{NOW, key};
use super::plan::usd;
use super::sides::{CHAINS, is_about, issuer, own_offer, path_with, payer};

const DEADLINE: UnixTime = UnixTime(NOW.0 + 1000);

fn tea(fill: impl FnOnce(OfferBuilder) -> OfferBuilder) -> Offer {
    own_offer(&issuer(), 1, |offer| fill(offer.description("tea")))
}

fn cents(amount: u64) -> OfferAmount {
    OfferAmount::Currency { currency: usd(), amount: MinorUnits(amount) }
}

fn five() -> Quantity {
    Quantity::AtMost(NonZeroU64::new(5).unwrap())
}

/// What is missing is named, and without it nothing begins.
#[test]
fn needs_are_named() {
    let payer = payer();
    let rate = Rate::per_bitcoin(usd(), "100000").unwrap();
    let (free, dollars, many) =
        (tea(|it| it), tea(|it| it.amount(cents(350))), tea(|it| it.amount(cents(350)).quantity_max(five())));
    let fixed = tea(|it| it.amount_msat(Msat(9)));
    let draft = |offer| payer.draft(offer, NOW, CHAINS).unwrap();
    let tolerance = Limit::Tolerance { basis_points: 100 };

    assert_eq!(draft(&fixed).needs(), []);
    assert_eq!(draft(&free).needs(), [Need::Amount]);
    assert_eq!(draft(&free).limit(Limit::AtMost(Msat(9))).needs(), [Need::Amount]);
    assert_eq!(draft(&free).amount(Msat(9)).needs(), []);
    assert_eq!(draft(&dollars).needs(), [Need::Limit(usd())]);
    assert_eq!(draft(&dollars).limit(tolerance).needs(), [Need::Rate(usd())]);
    assert_eq!(draft(&dollars).amount(Msat(9)).needs(), [Need::Rate(usd())]);
    assert_eq!(draft(&dollars).limit(Limit::AtMost(Msat(9))).needs(), []);
    assert_eq!(draft(&many).needs(), [Need::Quantity(five()), Need::Limit(usd())]);
    assert_eq!(draft(&many).quantity(2).limit(tolerance).rate(rate).needs(), []);

    for incomplete in [
        draft(&free),
        draft(&dollars),
        draft(&dollars).limit(tolerance),
        draft(&dollars).rate(rate).amount(Msat(1)),
        draft(&many).limit(tolerance).rate(rate),
        draft(&many).limit(tolerance).rate(rate).quantity(6),
        draft(&many).limit(tolerance).rate(rate).quantity(0),
    ] {
        assert!(incomplete.start([3; 32], NOW, DEADLINE).is_err());
    }
    assert!(draft(&many).limit(tolerance).rate(rate).quantity(5).start([3; 32], NOW, DEADLINE).is_ok());
}

/// OFR-10: what it will cost, as far as that is known.
#[test]
fn cost_honours_quantity_and_currency() {
    let payer = payer();
    let (bitcoin, dollars) = (
        tea(|it| it.amount_msat(Msat(9_000)).quantity_max(Quantity::Unlimited)),
        tea(|it| it.amount(cents(350)).quantity_max(Quantity::Unlimited)),
    );
    let draft = |offer| payer.draft(offer, NOW, CHAINS).unwrap();
    let rate = Rate::per_bitcoin(usd(), "97123.45").unwrap();
    assert_eq!(draft(&bitcoin).quantity(3).cost().unwrap(), Some(Msat(27_000)));
    assert_eq!(draft(&bitcoin).quantity(3).amount(Msat(30_000)).cost().unwrap(), Some(Msat(30_000)));
    assert_eq!(draft(&dollars).quantity(3).price().unwrap(), Some(cents(1_050)));
    assert_eq!(draft(&dollars).quantity(3).cost().unwrap(), None);
    // 10.50 dollars are 10,810,983.3… msat, rounded up.
    assert_eq!(draft(&dollars).quantity(3).rate(rate).cost().unwrap(), Some(Msat(10_810_984)));
    let eur = Rate::per_bitcoin("EUR".parse().unwrap(), "90000").unwrap();
    let wrong = ErrorKind::WrongCurrency { expected: usd(), found: eur.currency() };
    assert_eq!(draft(&dollars).quantity(3).rate(eur).cost().unwrap_err().kind(), &wrong);
    // RQR-9
    let overflow = draft(&bitcoin).quantity(u64::MAX);
    assert_eq!(overflow.cost().unwrap_err().kind(), &ErrorKind::Overflow);
    assert_eq!(overflow.start([3; 32], NOW, DEADLINE).unwrap_err().rule(), Rule::Rqr9);
    // EXC-7: a cost above the limit is refused before anything is asked.
    let error = draft(&bitcoin).quantity(3).limit(Limit::AtMost(Msat(26_999))).start([3; 32], NOW, DEADLINE);
    let error = error.unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::AmountTooHigh { max: Msat(26_999) }, Rule::Exc7));
}

/// What is wrong is said of what was chosen, before anything of what it costs; and whatever `start` refuses, `check`
/// does.
#[test]
fn what_cannot_be_asked_for_is_named() {
    let payer = payer();
    let many = tea(|it| it.amount_msat(Msat(1_000)).quantity_max(five()));
    let (fixed, free, dollars) = (tea(|it| it.amount_msat(Msat(50))), tea(|it| it), tea(|it| it.amount(cents(350))));
    let draft = |offer| payer.draft(offer, NOW, CHAINS).unwrap();
    let (quantity, amount, price) = (Field::INVREQ_QUANTITY, Field::INVREQ_AMOUNT, Field::OFFER_AMOUNT);
    let tolerance = Limit::Tolerance { basis_points: 9 };
    let eur = Rate::per_bitcoin("EUR".parse().unwrap(), "90000").unwrap();
    let wrong = ErrorKind::WrongCurrency { expected: usd(), found: eur.currency() };
    for (draft, field, kind) in [
        (draft(&many), quantity, ErrorKind::Missing),
        (draft(&many).quantity(0), quantity, ErrorKind::Zero),
        (draft(&many).quantity(0).limit(Limit::AtMost(Msat(1))), quantity, ErrorKind::Zero),
        (draft(&many).quantity(6), quantity, ErrorKind::QuantityTooLarge { max: 5 }),
        (draft(&many).quantity(2).amount(Msat(1_999)), amount, ErrorKind::AmountTooLow { min: Msat(2_000) }),
        (draft(&fixed).quantity(1), quantity, ErrorKind::Unexpected),
        (draft(&fixed).amount(Msat(0)), amount, ErrorKind::Zero),
        (
            draft(&fixed).amount(Msat(70)).limit(Limit::AtMost(Msat(60))),
            amount,
            ErrorKind::AmountTooHigh { max: Msat(60) },
        ),
        (draft(&fixed).limit(Limit::AtMost(Msat(40))), price, ErrorKind::AmountTooHigh { max: Msat(40) }),
        (draft(&free), amount, ErrorKind::Missing),
        (draft(&free).limit(Limit::AtMost(Msat(40))), amount, ErrorKind::Missing),
        (draft(&free).amount(Msat(0)), amount, ErrorKind::Zero),
        (draft(&dollars), price, ErrorKind::LimitNeeded { currency: usd() }),
        (draft(&dollars).limit(tolerance), price, ErrorKind::RateNeeded { currency: usd() }),
        (draft(&dollars).amount(Msat(9)), price, ErrorKind::RateNeeded { currency: usd() }),
        (draft(&dollars).limit(tolerance).rate(eur), price, wrong.clone()),
        (draft(&dollars).amount(Msat(9)).rate(eur), price, wrong.clone()),
        (draft(&dollars).limit(Limit::AtMost(Msat(9))).rate(eur), price, wrong),
    ] {
        let error = draft.check().unwrap_err();
        assert_eq!((error.field(), error.kind()), (Some(field), &kind), "{error:#}");
        assert_eq!(draft.start([3; 32], NOW, DEADLINE).unwrap_err(), error);
    }
    draft(&many).quantity(5).check().unwrap();
    draft(&fixed).amount(Msat(60)).limit(Limit::AtMost(Msat(60))).check().unwrap();
    // Nothing is known of what it costs before it is known how many.
    assert_eq!((draft(&many).price(), draft(&many).cost()), (Ok(None), Ok(None)));
    assert_eq!(draft(&fixed).cost(), Ok(Some(Msat(50))));
}

// OFR-9: an offer that has expired is asked for no more; what was asked for before may still be answered.
#[test]
fn an_offer_expires() {
    let offer = tea(|it| it.amount_msat(Msat(9)).absolute_expiry(UnixTime(NOW.0 + 100)));
    let begin = || payer().draft(&offer, NOW, CHAINS).unwrap().start([3; 32], NOW, DEADLINE).unwrap();
    let mut late = begin();
    assert_eq!(late.poll(UnixTime(NOW.0 + 101)).unwrap(), Action::Nothing);
    assert!(matches!(payer().load(&late.to_bytes()).unwrap().state(), State::Ended(EndReason::OfferExpired)));
    let mut asked = begin();
    sent(&mut asked, NOW);
    assert_eq!(asked.poll(UnixTime(NOW.0 + 101)).unwrap(), Action::WaitUntil(UnixTime(DEADLINE.0 + 1)));
    assert!(matches!(asked.state(), State::Asking { .. }));
}

fn sent(payment: &mut Payment, now: UnixTime) -> OutgoingMessage {
    match payment.poll(now).unwrap() {
        Action::Send(outgoing) => *outgoing,
        other => panic!("{other:?}"),
    }
}

/// What a draft says that it reveals is what the request holds beside the offer.
#[test]
fn what_is_revealed_is_what_is_sent() {
    let payer = payer();
    let offer = tea(|it| it.amount_msat(Msat(9)).quantity_max(five()).add_chain(ChainHash::TESTNET3));
    let plain = tea(|it| it.amount_msat(Msat(9)));
    let name = HumanReadableName::parse("₿tea@example.com").unwrap();
    let all = payer.draft(&offer, NOW, &[ChainHash::TESTNET3]).unwrap().quantity(2).amount(Msat(20));
    let all = all.payer_note("thanks").bip_353_name(name.clone()).custom_field(2_000_000_001, *b"x");
    for draft in [all, payer.draft(&plain, NOW, CHAINS).unwrap()] {
        let revealed = draft.reveals();
        let mut payment = draft.start([3; 32], NOW, DEADLINE).unwrap();
        let OffersMessage::InvoiceRequest(request) = sent(&mut payment, NOW).message else { panic!() };
        let records = request.tlvs().records().map(|record| Field::numbered(record.number()));
        let own = records.filter(|field| {
            !((1..=79).contains(&field.number())
                || field.number() == 240
                || (1..2).contains(&(field.number() / 1_000_000_000)))
        });
        assert_eq!(own.collect::<Vec<_>>(), revealed);
    }
    // RQW-8: the name that led to the offer.
    let draft = payer.draft(&plain, NOW, CHAINS).unwrap().bip_353_name(name.clone());
    let mut payment = draft.start([3; 32], NOW, DEADLINE).unwrap();
    let OffersMessage::InvoiceRequest(request) = sent(&mut payment, NOW).message else { panic!() };
    assert_eq!(request.bip_353_name(), Some(name));
}

/// OFR-3, OFR-9: what cannot be paid is refused at the beginning.
#[test]
fn an_offer_that_cannot_be_used_is_not_drafted() {
    let offer = tea(|it| it.amount_msat(Msat(9)).absolute_expiry(NOW));
    assert!(payer().draft(&offer, NOW, CHAINS).is_ok());
    let late = payer().draft(&offer, UnixTime(NOW.0 + 1), CHAINS).unwrap_err();
    assert_eq!((late.kind(), late.rule()), (&ErrorKind::Expired { at: NOW }, Rule::Ofr9));
    let chain = payer().draft(&offer, NOW, &[ChainHash::TESTNET3]).unwrap_err();
    assert_eq!(chain.rule(), Rule::Ofr3);
    // OFR-9: one that expires while it is asked for is asked for no more.
    let mut payment = payer().draft(&offer, NOW, CHAINS).unwrap().start([3; 32], NOW, DEADLINE).unwrap();
    sent(&mut payment, NOW);
    assert_eq!(payment.poll(UnixTime(NOW.0 + 1)).unwrap(), Action::WaitUntil(UnixTime(DEADLINE.0 + 1)));
    assert_eq!(payment.poll(UnixTime(DEADLINE.0 + 1)).unwrap(), Action::Nothing);
    assert!(matches!(payment.state(), State::Ended(EndReason::Deadline)));
}

/// When requests are sent, and to which of the offer's ways.
fn timetable(offer: &Offer, retry: Retry, until: u64) -> Vec<(u64, usize)> {
    let mut payment = payer().draft(offer, NOW, CHAINS).unwrap().retry(retry).start([3; 32], NOW, DEADLINE).unwrap();
    let mut now = NOW;
    let mut sent = Vec::new();
    while now.0 <= NOW.0 + until {
        match payment.poll(now).unwrap() {
            Action::Send(outgoing) => {
                let way = match outgoing.destination {
                    Destination::Node(node) => {
                        assert_eq!(Some(node), offer.issuer_id());
                        0
                    }
                    Destination::Path(path) => {
                        let mut paths = offer.paths().unwrap().iter();
                        paths.position(|other| other.as_bytes() == path.as_bytes()).unwrap()
                    }
                };
                sent.push((now.0 - NOW.0, way));
            }
            Action::WaitUntil(at) => now = at,
            Action::Sign | Action::Nothing => break,
        }
    }
    sent
}

/// Checks that an offer's ways are asked in turn, and that the delays are about these.
#[track_caller]
fn check_timetable(offer: &Offer, retry: Retry, delays: &[u64]) {
    let ways = offer.paths().map_or(1, |paths| paths.iter().count());
    let sent = timetable(offer, retry, 10_000);
    assert_eq!(sent, timetable(offer, retry, 10_000), "not reproducible");
    assert!(sent.iter().enumerate().all(|(at, (_, way))| *way == at % ways), "{sent:?}");
    assert!(sent.len() > delays.len(), "{sent:?}");
    for (pair, delay) in sent.windows(2).zip(delays) {
        assert!(is_about(UnixTime(pair[1].0), UnixTime(pair[0].0), *delay), "{sent:?}: {delay}");
    }
}

/// EXC-5, OFR-11: each path in order, with a delay after each that doubles with every round, until the deadline.
#[test]
fn paths_are_tried_in_order_with_growing_delays() {
    let two = own_offer(&issuer(), 2, |it| it.description("tea").amount_msat(Msat(9)));
    check_timetable(&two, Retry::default(), &[5, 5, 10, 10, 20, 20, 40, 40, 60, 60, 60]);
    let quick = Retry { first: Duration::from_millis(10), max: Duration::from_secs(3) };
    check_timetable(&two, quick, &[1, 1, 2, 2, 3, 3, 3, 3, 3]);
    // The longest delay holds also for the first.
    let slow = Retry { first: Duration::from_secs(100), max: Duration::from_secs(40) };
    check_timetable(&two, slow, &[40, 40, 40]);
    let extreme = Retry { first: Duration::MAX, max: Duration::MAX };
    assert_eq!(timetable(&two, extreme, 1000), [(0, 0)]);
    // OFR-11: without paths, to the issuer.
    let issuer = issuer();
    let node = OfferBuilder::new(key(0x60).public_key()).description("tea").amount_msat(Msat(9));
    let node = issuer.new_offer([0x4f; 16]).build(node).unwrap();
    check_timetable(&node, Retry::default(), &[5, 10, 20, 40, 60, 60]);
    // An offer that leads nowhere is not made.
    let new = issuer.new_offer([0x4f; 16]);
    let error = new.build(OfferBuilder::new(new.issuer_id()).description("tea")).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::Missing, Rule::Ofr11));
}

/// EXC-5: what cannot be reached is left at once, and when nothing can be reached, it is tried again later.
#[test]
fn an_unreachable_path_is_left_at_once() {
    let three = own_offer(&issuer(), 3, |it| it.description("tea").amount_msat(Msat(9)));
    let mut payment = payer().draft(&three, NOW, CHAINS).unwrap().start([3; 32], NOW, DEADLINE).unwrap();
    let mut now = NOW;
    let mut ids = Vec::new();
    for round in 0..3u64 {
        for way in 0..3 {
            let outgoing = sent(&mut payment, now);
            let Destination::Path(path) = &outgoing.destination else { panic!() };
            assert_eq!(path.as_bytes(), three.paths().unwrap().iter().nth(way).unwrap().as_bytes());
            let id = outgoing.reply_path_id.unwrap();
            // MSG-2: one reply path for each request, and the same for the same request.
            ids.push(id);
            assert_eq!(id, ids[way]);
            payment.unreachable(&id, now);
            payment.unreachable(&id, now);
        }
        // No endless loop: after the last of all, the delay holds.
        let Action::WaitUntil(at) = payment.poll(now).unwrap() else { panic!() };
        assert!(is_about(at, now, 5 << round));
        now = at;
    }
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    // One that was given up before, of another payment, or made up, says nothing about the present.
    sent(&mut payment, now);
    let waiting = payment.poll(now).unwrap();
    let other = payer().draft(&three, NOW, CHAINS).unwrap().start([4; 32], NOW, DEADLINE).unwrap();
    let mut other = other;
    let foreign = sent(&mut other, NOW).reply_path_id.unwrap();
    for id in [ids[1], ids[2], foreign, bolt12::exchange::PathId([0; 32])] {
        payment.unreachable(&id, now);
        assert_eq!(payment.poll(now).unwrap(), waiting);
    }
}

/// EXC-5: a retry repeats the identical bytes, also after a crash.
#[test]
fn a_retry_repeats_the_identical_bytes() {
    let two = own_offer(&issuer(), 2, |it| it.description("tea").amount_msat(Msat(9)));
    let payer = payer();
    let mut payment = payer.draft(&two, NOW, CHAINS).unwrap().start([3; 32], NOW, DEADLINE).unwrap();
    let first = sent(&mut payment, NOW);
    let second = sent(&mut payment, UnixTime(NOW.0 + 7));
    assert_ne!(first.message.as_bytes(), second.message.as_bytes());
    let mut loaded = payer.load(&payment.to_bytes()).unwrap();
    assert!(matches!(loaded.state(), State::Asking { attempts: 2 }));
    let third = sent(&mut loaded, UnixTime(NOW.0 + 14));
    assert_eq!((third.message.as_bytes(), third.reply_path_id), (first.message.as_bytes(), first.reply_path_id));
    assert_eq!(third, sent(&mut payment, UnixTime(NOW.0 + 14)));
}

/// EXC-5: two payments for one offer do not ask at the same times, and no delay tells which software asks.
#[test]
fn delays_differ_between_payments() {
    let offer = tea(|it| it.amount_msat(Msat(9)));
    let delay = |entropy| {
        let mut payment = payer().draft(&offer, NOW, CHAINS).unwrap().start(entropy, NOW, DEADLINE).unwrap();
        sent(&mut payment, NOW);
        let Action::WaitUntil(at) = payment.poll(NOW).unwrap() else { panic!() };
        assert!(is_about(at, NOW, 5));
        at.0 - NOW.0
    };
    let mut delays: Vec<_> = (0..100).map(|number| delay([number; 32])).collect();
    delays.sort_unstable();
    delays.dedup();
    assert_eq!(delays, [3, 4, 5, 6, 7]);
}

/// EXC-5: a deadline at the end of time, and one that has passed.
#[test]
fn deadlines_at_the_edges() {
    let offer = tea(|it| it.amount_msat(Msat(9)));
    let begin = |deadline| payer().draft(&offer, NOW, CHAINS).unwrap().start([3; 32], NOW, deadline).unwrap();
    let mut forever = begin(UnixTime(u64::MAX));
    sent(&mut forever, UnixTime(u64::MAX));
    assert!(matches!(forever.state(), State::Asking { attempts: 1 }));
    let mut over = begin(UnixTime(NOW.0 - 1));
    assert_eq!(over.poll(NOW).unwrap(), Action::Nothing);
    assert!(matches!(over.state(), State::Ended(EndReason::Deadline)));
}

/// MSG-1: each message has its place in an onion message.
#[test]
fn messages_have_their_numbers() {
    let offer = tea(|it| it.amount_msat(Msat(9)));
    let mut payment = payer().draft(&offer, NOW, CHAINS).unwrap().start([3; 32], NOW, DEADLINE).unwrap();
    let asked = sent(&mut payment, NOW);
    let received = issuer().receive(super::sides::deliver(&asked, 0x70)).unwrap();
    let why = InvoiceError::new("three are left").unwrap().suggest_quantity(3).unwrap();
    let refusal = received.clone().refuse(why.clone()).unwrap();
    assert_eq!(refusal.message, OffersMessage::InvoiceError(why.clone()));
    assert_eq!((why.suggested_quantity(), why.suggested_amount()), (Some(3), None));
    let accepted = received.clone().accept(&super::sides::terms(NOW, None)).unwrap();
    let (_, invoice) = super::sides::invoice(&accepted);
    assert_eq!(accepted.clone().refuse(why).unwrap().destination, refusal.destination);
    let numbers =
        [&asked, &accepted.answer(invoice).unwrap(), &refusal].map(|outgoing| outgoing.message.kind().tlv_type());
    assert_eq!(numbers, [64, 66, 68]);
    // MSG-3
    let reply = path_with(0x70, asked.reply_path_id.unwrap());
    assert_eq!(refusal.destination, Destination::Path(reply));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    // EXC-1: a note that fits is sent, and one byte more is refused with what fits, however much else was chosen.
    #[test]
    fn a_note_fits_or_it_is_said_how_much_does(custom in 0usize..4_200, more in 1usize..70_000) {
        let custom = if custom % 3 == 0 { 3_700 + custom % 200 } else { custom };
        let draft = payer().draft(&tea(|it| it), NOW, CHAINS).unwrap().amount(Msat(9));
        let draft = draft.custom_field(2_000_000_001, vec![7; custom]);
        let start = |note: usize| draft.clone().payer_note(&"x".repeat(note)).start([3; 32], NOW, DEADLINE).map(drop);
        let kind = |result: Result<(), bolt12::Error>| result.map_err(|error| (error.kind().clone(), error.field()));
        match draft.max_note_len() {
            Ok(max) => {
                prop_assert_eq!(start(max), Ok(()));
                prop_assert_eq!(draft.clone().payer_note("thanks").max_note_len(), Ok(max));
                for len in [max + 1, max + more] {
                    let refused = (ErrorKind::TooLong { len, max }, Some(Field::INVREQ_PAYER_NOTE));
                    // Without room for any note the length of it is not to blame.
                    prop_assert!(max == 0 || kind(start(len)) == Err(refused.clone()), "{:?} {:?}", start(len), refused);
                }
            }
            Err(error) => {
                prop_assert!(matches!(error.kind(), ErrorKind::TooLong { .. }), "{:#}", error);
                prop_assert!(start(0).is_err());
            }
        }
    }
}

/// Where a name is looked up.
#[test]
fn names_and_where_they_are_looked_up() {
    for (name, expected) in [
        ("₿satoshi@example.com", "satoshi.user._bitcoin-payment.example.com."),
        ("satoshi@example.com", "satoshi.user._bitcoin-payment.example.com."),
        ("a.b_c-d@sub.example.com.", "a.b_c-d.user._bitcoin-payment.sub.example.com."),
    ] {
        assert_eq!(HumanReadableName::parse(name).unwrap().dns_name().to_string(), expected);
    }
    for name in ["", "satoshi", "@example.com", "satoshi@", "a@b@c", "sa toshi@example.com", "₿₿a@b", "a@exämple.com"]
    {
        assert!(HumanReadableName::parse(name).is_err(), "{name}");
    }
}

// EXC-3, RQW-6: nothing in two requests shows that one payer made them, be it for one offer; sent again, one is the
// same.
#[test]
fn nothing_links_two_requests() {
    let offer = own_offer(&issuer(), 2, |offer| offer.description("tea").amount_msat(Msat(9)));
    let mut seen = std::collections::BTreeMap::new();
    for entropy in 0..20 {
        let mut payment = payer().draft(&offer, NOW, CHAINS).unwrap().start([entropy; 32], NOW, DEADLINE).unwrap();
        let mut now = NOW;
        let mut sent = Vec::new();
        while sent.len() < 4 {
            match payment.poll(now).unwrap() {
                Action::Send(outgoing) => sent.push(*outgoing),
                Action::WaitUntil(at) => now = at,
                Action::Sign | Action::Nothing => panic!(),
            }
        }
        for outgoing in sent {
            let OffersMessage::InvoiceRequest(request) = &outgoing.message else { panic!() };
            let Destination::Path(path) = &outgoing.destination else { panic!() };
            let (metadata, payer_id) = (request.metadata().unwrap().to_vec(), request.payer_id().serialize().to_vec());
            for bytes in [metadata, payer_id] {
                // Neither is any part of it that is long enough to be recognised.
                for part in bytes.windows(8) {
                    let first = seen.entry(part.to_vec()).or_insert_with(|| (entropy, path.as_bytes().to_vec()));
                    assert_eq!(first, &(entropy, path.as_bytes().to_vec()));
                }
            }
        }
    }
    // Twenty payments over two paths: metadata of 32 bytes, and a key of 33.
    assert_eq!(seen.len(), 20 * 2 * (25 + 26));
}
