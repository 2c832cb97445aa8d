//! Who answers for others: a static invoice server gives out paths, stores before it confirms, answers over its own paths
//! only, and forwards (STA-8).

use super::messages::{self, NOW, issuer, path, payinfo};
use super::serving::*;
use super::sides::{self, CHAINS, path_with};
use bolt12::exchange::{
    Action, ClientId, Destination, IncomingMessage, MessageArrival, OffersMessage, OffersMessageKind, OutgoingMessage,
    Payment, Refused, ServedRequest, ServerLimits, ServerStep, ServingKind, Slot, StaticInvoiceServer,
};
use bolt12::onion::{OfferPathsRequest, ServeStaticInvoice};
use bolt12::{
    ErrorKind, Feature, Features, KnownFeatures, Offer, OfferBuilder, Rule, ServingFault, StaticInvoice,
    StaticInvoiceBuilder, UnixTime,
};
use proptest::prelude::*;
use std::time::Duration;

const SLOT: Slot = Slot { client: CLIENT, number: 0 };

fn after(seconds: u64) -> UnixTime {
    UnixTime(NOW.0 + seconds)
}

/// A payment that asks the offer, and its request.
fn ask(offer: &Offer, entropy: u8, now: UnixTime) -> (Payment, OutgoingMessage) {
    let draft = sides::payer().draft(offer, now, CHAINS).unwrap();
    let mut payment = draft.start([entropy; 32], now, UnixTime(now.0 + DAY)).unwrap();
    let Action::Send(request) = payment.poll(now).unwrap() else { panic!() };
    (payment, *request)
}

#[track_caller]
fn request(server: &StaticInvoiceServer, message: IncomingMessage, now: UnixTime) -> ServedRequest {
    match server.receive(message, now).unwrap() {
        ServerStep::Request(request) => request,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_quiet(refused: &Refused, kind: ErrorKind, rule: Rule) {
    assert_eq!((refused.error().kind(), refused.error().rule()), (&kind, rule));
    assert!(refused.answer().is_none());
}

fn fault(fault: ServingFault) -> ErrorKind {
    ErrorKind::Serving(fault)
}

/// An offer over a path to the server, and a static invoice of so many bytes more than it needs.
fn hand_in(serve: &OutgoingMessage, created_at: UnixTime, more: usize) -> (StaticInvoice, IncomingMessage) {
    let to_server = paths_in(serve).paths().iter().next().unwrap().into_owned();
    let offer = OfferBuilder::new(issuer().public_key()).add_path(to_server).build().unwrap();
    let builder = StaticInvoiceBuilder::new(&offer, created_at).add_path(path(2), &payinfo());
    let builder = builder.add_message_path(path(1)).add_message_path(path(2));
    let invoice = builder.custom_field(3_000_000_001, vec![0; more]).build().unwrap().sign(&issuer()).unwrap();
    let message = message_with(serve, &invoice, 0x24);
    (invoice, message)
}

/// An offer over the path that the server gave, which expires in 100 seconds, and a record of a static invoice for it.
fn short_lived(gives: &OutgoingMessage) -> (Offer, IncomingMessage) {
    let to_server = paths_in(gives).paths().iter().next().unwrap().into_owned();
    let builder = OfferBuilder::new(issuer().public_key()).absolute_expiry(after(100)).amount_msat(PRICE);
    let offer = builder.description("tips").add_path(to_server).build().unwrap();
    let builder = StaticInvoiceBuilder::new(&offer, NOW).add_path(path(2), &payinfo());
    let builder = builder.add_message_path(path(1)).add_message_path(path(2));
    let message = message_with(gives, &builder.build().unwrap().sign(&issuer()).unwrap(), 0x24);
    (offer, message)
}

fn message_with(serve: &OutgoingMessage, invoice: &StaticInvoice, forward: u8) -> IncomingMessage {
    let forward_path = path_with(PHONE, bolt12::exchange::PathId([forward; 32]));
    IncomingMessage {
        kind: OffersMessageKind::Serving(ServingKind::ServeStaticInvoice),
        bytes: ServeStaticInvoice::new(invoice.as_bytes(), &forward_path).unwrap().to_bytes(),
        arrival: MessageArrival::Path(serve.reply_path_id.unwrap()),
        reply_path: Some(path(3)),
    }
}

/// The paths for slot 0 of a client.
fn paths_for(server: &StaticInvoiceServer, client: ClientId, number: u16, now: UnixTime) -> OutgoingMessage {
    let asked = IncomingMessage {
        kind: OffersMessageKind::Serving(ServingKind::OfferPathsRequest),
        bytes: OfferPathsRequest { invoice_slot: number }.to_bytes(),
        arrival: MessageArrival::Path(server.client_path_id(client, None)),
        reply_path: Some(path(1)),
    };
    match server.receive(asked, now).unwrap() {
        ServerStep::PathsAsked(asked) => {
            assert_eq!(asked.slot(), Slot { client, number });
            let paths = [path_with(SERVER, asked.path_id())];
            asked.answer(paths).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

/// What a message to be stored leads to.
fn compare(
    server: &StaticInvoiceServer,
    message: IncomingMessage,
    stored: Option<&[u8]>,
    now: UnixTime,
) -> Result<Option<Vec<u8>>, ErrorKind> {
    match server.receive(message, now).unwrap() {
        ServerStep::Serve(to_serve) => {
            let storing = to_serve.compare(stored).map_err(|refused| {
                assert!(refused.answer().is_none() && !refused.is_cheap());
                assert_eq!(refused.error().rule(), Rule::Sta8);
                refused.error().kind().clone()
            })?;
            Ok(storing.record().map(<[u8]>::to_vec))
        }
        other => panic!("{other:?}"),
    }
}

// STA-8, EXC-15
#[test]
fn a_request_is_answered_and_forwarded() {
    let (recipient, record) = served(NOW);
    let offer = offer_of(&recipient, 0, NOW);
    let (_, asked) = ask(&offer, 1, after(9));
    // Over each of the paths that the server gave out for it.
    let request = request(&server(), deliver(&asked, PAYER), after(10));
    assert_eq!(request.slot(), SLOT);
    let served = request.answer(Some(&record), after(10)).unwrap();
    let to_payer = Destination::Path(path_with(PAYER, asked.reply_path_id.unwrap()));
    let answer = served.answer.unwrap();
    assert_eq!((&answer.destination, answer.reply_path_id), (&to_payer, None));
    assert_eq!(answered(&answer).offer().id(), Some(offer.id()));
    // The request as it was, with the payer's reply path, over the payee's path.
    let OffersMessage::Forwarded(forwarded) = &served.forward.message else { panic!("{:?}", served.forward) };
    assert_eq!(forwarded.request().as_bytes(), asked.message.as_bytes());
    assert_eq!(Destination::Path(forwarded.reply_path().clone()), to_payer);
    let forward_path = path_with(PHONE, recipient.forward_path_id(0).unwrap());
    assert_eq!(served.forward.destination, Destination::Path(forward_path));
    assert_eq!(served.forward.reply_path_id, None);
    assert_eq!(served.forward.message.kind(), OffersMessageKind::InvoiceRequest);
    // All of it fits into an outbox.
    for outgoing in [&answer, &served.forward] {
        assert_eq!(&OutgoingMessage::from_bytes(&outgoing.to_bytes()).unwrap(), outgoing);
    }
}

/// STA-8: every bit of a path id says whose path it is, for what, and until when.
#[test]
fn only_over_its_own_paths_is_anything_heard() {
    let (mut recipient, record) = (recipient(), served(NOW).1);
    let _ = recipient.open(NOW).unwrap();
    let asks = sent(&mut recipient, NOW);
    let gives = give_paths(&server(), &asks, NOW);
    let (_, serves) = hand_in(&gives, NOW, 0);
    let (_, asked) = ask(&offer_of(&served(NOW).0, 0, NOW), 1, NOW);
    let messages = [deliver(&asks, PHONE), serves, deliver(&asked, PAYER)];
    for message in &messages {
        assert!(server().receive(message.clone(), NOW).is_ok());
        for bit in 0..256 {
            let refused = server().receive(astray(message.clone(), bit), NOW).unwrap_err();
            assert_quiet(&refused, ErrorKind::WrongArrival, Rule::Sta8);
            assert!(refused.is_cheap());
        }
        for arrival in [MessageArrival::Direct, MessageArrival::OtherPath] {
            let refused = server().receive(IncomingMessage { arrival, ..message.clone() }, NOW).unwrap_err();
            assert_quiet(&refused, ErrorKind::WrongArrival, Rule::Sta8);
        }
        // Over a path for something else, and at another server.
        for other in messages.iter().filter(|other| other.kind != message.kind) {
            let crossed = IncomingMessage { arrival: other.arrival, ..message.clone() };
            assert_quiet(&server().receive(crossed, NOW).unwrap_err(), ErrorKind::WrongArrival, Rule::Sta8);
        }
        let stranger = StaticInvoiceServer::new([0x11; 32], ServerLimits::default());
        assert!(stranger.receive(message.clone(), NOW).unwrap_err().is_cheap());
        // Whoever wants no answer gets nothing done.
        let refused = server().receive(IncomingMessage { reply_path: None, ..message.clone() }, NOW).unwrap_err();
        assert_quiet(&refused, ErrorKind::NoReplyPath, Rule::Msg3);
    }
    // What a server sends is nothing for a server.
    let answer = IncomingMessage { arrival: messages[0].arrival, ..deliver(&gives, SERVER) };
    assert_quiet(&server().receive(answer, NOW).unwrap_err(), ErrorKind::Unexpected, Rule::Sta8);
    assert!(!record.is_empty());
}

/// STA-8: a year, or as long as the client's own path.
#[test]
fn paths_lead_to_the_server_for_a_time() {
    let (recipient, record) = served(NOW);
    let offer = offer_of(&recipient, 0, NOW);
    assert_eq!(offer.absolute_expiry(), Some(after(365 * DAY)));
    let (_, asked) = ask(&offer, 1, NOW);
    let last = request(&server(), deliver(&asked, PAYER), after(365 * DAY));
    // The static invoice has expired long ago: the payee may still answer itself.
    let served = last.answer(Some(&record), after(365 * DAY)).unwrap();
    assert!(served.answer.is_none() && matches!(served.forward.message, OffersMessage::Forwarded(_)));
    let refused = server().receive(deliver(&asked, PAYER), after(365 * DAY + 1)).unwrap_err();
    assert_quiet(&refused, ErrorKind::Expired { at: after(365 * DAY) }, Rule::Sta8);
    assert!(!refused.is_cheap());

    let ends = IncomingMessage {
        kind: OffersMessageKind::Serving(ServingKind::OfferPathsRequest),
        bytes: OfferPathsRequest { invoice_slot: 3 }.to_bytes(),
        arrival: MessageArrival::Path(server().client_path_id(CLIENT, Some(after(100)))),
        reply_path: Some(path(1)),
    };
    let Ok(ServerStep::PathsAsked(asked)) = server().receive(ends.clone(), after(100)) else { panic!() };
    assert_eq!(asked.expires_at(), after(100), "no later than the client's own path");
    assert!(server().receive(ends, after(101)).is_err());
}

/// STA-3: the last second is good. STA-8, EXC-15
#[test]
fn an_old_static_invoice_is_not_served() {
    let (recipient, record) = served(NOW);
    let (_, asked) = ask(&offer_of(&recipient, 0, NOW), 1, NOW);
    for (now, is_good) in [(after(14 * DAY), true), (after(14 * DAY + 1), false)] {
        let served = request(&server(), deliver(&asked, PAYER), now).answer(Some(&record), now).unwrap();
        assert_eq!(served.answer.is_some(), is_good);
    }
    // Nor taken.
    let gives = paths_for(&server(), CLIENT, 0, NOW);
    let (_, message) = hand_in(&gives, NOW, 0);
    assert!(server().receive(message.clone(), after(14 * DAY)).is_ok());
    let refused = server().receive(message, after(14 * DAY + 1)).unwrap_err();
    assert_quiet(&refused, ErrorKind::Expired { at: after(14 * DAY) }, Rule::Ivr4);
}

/// STA-8: never that of another client or slot, whatever the storage does; nor one for another offer.
#[test]
fn an_answer_is_of_the_slot_that_was_asked() {
    let (recipient, record) = served(NOW);
    let (_, asked) = ask(&offer_of(&recipient, 0, NOW), 1, NOW);
    let ask = || request(&server(), deliver(&asked, PAYER), NOW);
    // The storage mixes records up.
    for slot in [Slot { number: 1, ..SLOT }, Slot { client: ClientId([8; 8]), number: 0 }] {
        let gives = paths_for(&server(), slot.client, slot.number, NOW);
        let (_, message) = hand_in(&gives, NOW, 0);
        let (stored, other, _) = store(&server(), message, None, NOW);
        assert_eq!(stored, slot);
        let refused = ask().answer(Some(&other.unwrap()), NOW).unwrap_err();
        assert_quiet(&refused, ErrorKind::InvalidState, Rule::Exc4);
    }
    // Nothing is there, or that of another offer: whoever asks is told the same.
    let gives = paths_for(&server(), CLIENT, 0, NOW);
    let (_, other, _) = store(&server(), hand_in(&gives, NOW, 0).1, None, NOW);
    for stored in [None, other.as_deref()] {
        let refused = ask().answer(stored, NOW).unwrap_err();
        assert_eq!(refused.error().kind(), &fault(ServingFault::NotServed));
        let answer = refused.answer().unwrap();
        let OffersMessage::InvoiceError(told) = &answer.message else { panic!("{answer:?}") };
        let sentence = "nobody answers for this offer any more: ask the payee for a new one";
        assert_eq!(told.error().unwrap().as_raw(), sentence);
    }
    assert!(ask().answer(Some(&record), NOW).is_ok());
}

/// EXC-4, STA-8: a record is loaded as it was saved, or not at all.
#[test]
fn a_damaged_record_answers_nothing_and_gives_way() {
    let (recipient, record) = served(NOW);
    let (_, asked) = ask(&offer_of(&recipient, 0, NOW), 1, NOW);
    let renewed = {
        let gives = paths_for(&server(), CLIENT, 0, NOW);
        hand_in(&gives, NOW, 0).1
    };
    for at in (0..record.len()).step_by(17).chain([record.len() - 1]) {
        let mut damaged = record.clone();
        damaged[at] ^= 1;
        let refused = request(&server(), deliver(&asked, PAYER), NOW).answer(Some(&damaged), NOW).unwrap_err();
        assert!(refused.answer().is_none());
        assert_eq!(refused.error().rule(), Rule::Exc4);
        assert!(compare(&server(), renewed.clone(), Some(&damaged), NOW).unwrap().is_some());
    }
    for len in [0, 1, 17, record.len() - 1] {
        let refused = request(&server(), deliver(&asked, PAYER), NOW).answer(Some(&record[..len]), NOW).unwrap_err();
        assert_quiet(&refused, ErrorKind::InvalidState, Rule::Exc4);
    }
    // Another version of this software wrote it.
    let later = sides::reseal([0x71; 32], "server record", &record, |state| state[0] += 1);
    let refused = request(&server(), deliver(&asked, PAYER), NOW).answer(Some(&later), NOW).unwrap_err();
    assert_quiet(&refused, ErrorKind::UnknownVersion, Rule::Exc4);
}

/// STA-8, EXC-15: it replaces by slot, a later one only, and not too often; the same one is confirmed again without a save.
#[test]
fn a_slot_is_replaced_by_what_is_later() {
    let server = server();
    let gives = paths_for(&server, CLIENT, 0, NOW);
    let (first, message) = hand_in(&gives, after(5), 0);
    let record = compare(&server, message.clone(), None, after(10)).unwrap().unwrap();
    assert_eq!(compare(&server, message, Some(&record), after(10)), Ok(None), "it is stored already");
    // The network brings an old one late.
    let (_, old) = hand_in(&gives, after(4), 0);
    for now in [after(10), after(10_000)] {
        assert_eq!(compare(&server, old.clone(), Some(&record), now), Err(fault(ServingFault::LaterStored)));
    }
    // A later one, or the same with another path.
    for later in [hand_in(&gives, after(6), 0).1, message_with(&gives, &first, 0x25)] {
        for (now, seconds) in [(after(10), 10), (after(19), 1)] {
            let soon = fault(ServingFault::ReplacedTooSoon { seconds });
            assert_eq!(compare(&server, later.clone(), Some(&record), now), Err(soon));
        }
        assert!(compare(&server, later.clone(), Some(&record), after(20)).unwrap().is_some());
        // The server's clock was set back.
        assert!(compare(&server, later, Some(&record), after(9)).unwrap().is_some());
    }
    // A client whose clock is right again takes the place of what it made in the future.
    let (_, ahead) = hand_in(&gives, after(3_600 + 61), 0);
    let ahead = compare(&server, ahead, None, NOW).unwrap().unwrap();
    let (_, right) = hand_in(&gives, after(60), 0);
    assert_eq!(compare(&server, right.clone(), Some(&ahead), after(61)), Err(fault(ServingFault::LaterStored)));
    assert!(compare(&server, right, Some(&ahead), after(60)).unwrap().is_some());
}

/// OFR-2, STA-8: a server whose application knows a feature takes static invoices that need it, and answers with them.
#[test]
fn what_a_server_knows_is_served() {
    static KNOWN: KnownFeatures =
        KnownFeatures { offer: &[8], invoice_request: &[8], invoice: &[8], ..KnownFeatures::DEFAULT };
    let knowing = server().knowing(&KNOWN);
    let gives = paths_for(&knowing, CLIENT, 0, NOW);
    let to_server = paths_in(&gives).paths().iter().next().unwrap().into_owned();
    let builder = OfferBuilder::new(issuer().public_key()).description("tips").amount_msat(PRICE).knowing(&KNOWN);
    let offer = builder.features(Features::new([Feature(8)]).unwrap()).add_path(to_server).build().unwrap();
    let builder = StaticInvoiceBuilder::new(&offer, NOW).add_path(path(2), &payinfo());
    let builder = builder.add_message_path(path(1)).add_message_path(path(2));
    let invoice = builder.build().unwrap().sign(&issuer()).unwrap();
    let message = message_with(&gives, &invoice, 0x24);
    let refused = server().receive(message.clone(), NOW).unwrap_err();
    assert_eq!((refused.error().kind(), refused.error().rule()), (&ErrorKind::UnknownFeature(8), Rule::Ofr2));
    let ServerStep::Serve(to_serve) = knowing.receive(message, NOW).unwrap() else { panic!("it is handed in") };
    assert_eq!((to_serve.slot(), to_serve.invoice()), (SLOT, &invoice));
    let record = to_serve.compare(None).unwrap().record().unwrap().to_vec();
    let draft = sides::payer().knowing(&KNOWN).draft(&offer, NOW, CHAINS).unwrap();
    let mut payment = draft.start([1; 32], NOW, UnixTime(NOW.0 + DAY)).unwrap();
    let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!("{:?}", payment.state()) };
    assert!(request(&knowing, deliver(&asked, PAYER), NOW).answer(Some(&record), NOW).is_ok());
}

/// STA-8: so many slots, each of so many bytes.
#[test]
fn what_a_client_can_store_is_bounded() {
    let limits = ServerLimits { slots: 2, invoice_len: 2_000, ..ServerLimits::default() };
    let server = StaticInvoiceServer::new([0x71; 32], limits);
    let mut asked = IncomingMessage {
        kind: OffersMessageKind::Serving(ServingKind::OfferPathsRequest),
        bytes: OfferPathsRequest { invoice_slot: 2 }.to_bytes(),
        arrival: MessageArrival::Path(server.client_path_id(CLIENT, None)),
        reply_path: Some(path(1)),
    };
    let refused = server.receive(asked.clone(), NOW).unwrap_err();
    assert_quiet(&refused, fault(ServingFault::NoSuchSlot { slots: 2 }), Rule::Sta8);
    assert!(!refused.is_cheap(), "an honest client may have been allowed more once");
    asked.bytes = vec![0, 1, 0];
    assert_quiet(&server.receive(asked, NOW).unwrap_err(), ErrorKind::InvalidLength, Rule::Tlv7);

    let gives = paths_for(&server, CLIENT, 1, NOW);
    let len = hand_in(&gives, NOW, 100).0.as_bytes().len();
    let (longest, message) = hand_in(&gives, NOW, 100 + 2_000 - len - 2);
    let more = if longest.as_bytes().len() == 2_000 { 0 } else { 2_000 - longest.as_bytes().len() };
    let message = if more == 0 { message } else { hand_in(&gives, NOW, 100 + 2_000 - len - 2 + more).1 };
    assert!(compare(&server, message, None, NOW).unwrap().is_some());
    let (_, too_long) = hand_in(&gives, NOW, 100 + 2_000 - len - 2 + more + 1);
    let refused = server.receive(too_long, NOW).unwrap_err();
    assert_quiet(&refused, ErrorKind::TooLong { len: 2_001, max: 2_000 }, Rule::Sta8);

    // The slots of those who were allowed more are closed when the limit is lowered.
    let two = paths_for(&super::serving::server(), CLIENT, 5, NOW);
    let refused = server.receive(hand_in(&two, NOW, 0).1, NOW).unwrap_err();
    assert_quiet(&refused, fault(ServingFault::NoSuchSlot { slots: 2 }), Rule::Sta8);

    // TLV-7
    let (invoice, mut message) = hand_in(&gives, NOW, 0);
    let path = bolt12::BlindedPath::new(sides::point(3).into(), sides::point(4), [(sides::point(5), &[0; 20][..])]);
    let bytes = ServeStaticInvoice::new(invoice.as_bytes(), &path.unwrap()).unwrap().to_bytes();
    let at = bytes.windows(33).position(|window| window == sides::point(5).serialize()).unwrap();
    message.bytes = bytes;
    message.bytes[at..at + 33].copy_from_slice(&[2; 33]);
    message.bytes[at + 1..at + 33].fill(0xff);
    assert_quiet(&server.receive(message, NOW).unwrap_err(), ErrorKind::InvalidPoint, Rule::Tlv7);

    // A forward path is no list of nodes to be worked through.
    let (invoice, mut message) = hand_in(&gives, NOW, 0);
    let hops: Vec<_> = (0..21).map(|_| (sides::point(3), &[0; 20][..])).collect();
    let long = bolt12::BlindedPath::new(sides::point(3).into(), sides::point(4), hops).unwrap();
    message.bytes = ServeStaticInvoice::new(invoice.as_bytes(), &long).unwrap().to_bytes();
    assert_quiet(&server.receive(message.clone(), NOW).unwrap_err(), ErrorKind::TooManyEntries, Rule::Sta8);
    let wide = [(sides::point(3), &[0; 4_096][..])];
    let wide = bolt12::BlindedPath::new(sides::point(3).into(), sides::point(4), wide).unwrap();
    message.bytes = ServeStaticInvoice::new(invoice.as_bytes(), &wide).unwrap().to_bytes();
    let kind = server.receive(message, NOW).unwrap_err().error().kind().clone();
    assert!(matches!(kind, ErrorKind::TooLong { max: 4_096, .. }), "{kind:?}");
}

/// STA-1, STA-2, STA-8: nothing is stored that a payer would refuse for itself.
#[test]
fn what_is_no_static_invoice_is_not_stored() {
    let gives = paths_for(&server(), CLIENT, 0, NOW);
    let (invoice, message) = hand_in(&gives, NOW, 0);
    let mut forged = invoice.as_bytes().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let unsigned = |bytes: &[u8]| {
        let forward_path = path_with(PHONE, bolt12::exchange::PathId([1; 32]));
        IncomingMessage { bytes: ServeStaticInvoice::new(bytes, &forward_path).unwrap().to_bytes(), ..message.clone() }
    };
    let custom = forged.len() - 6;
    for (bytes, rule) in [(&forged[..custom], None), (b"invoice", None), (&forged, None)] {
        let refused = server().receive(unsigned(bytes), NOW).unwrap_err();
        assert!(refused.answer().is_none() && rule.is_none_or(|rule| refused.error().rule() == rule));
    }
    let refused = server().receive(IncomingMessage { bytes: vec![], ..message }, NOW).unwrap_err();
    assert_quiet(&refused, ErrorKind::Missing, Rule::Sta8);
}

/// EXC-1, STA-8: a request is looked at before it is forwarded: a phone is not woken by what is no request.
#[test]
fn what_is_no_request_is_not_forwarded() {
    let (recipient, record) = served(NOW);
    let (_, asked) = ask(&offer_of(&recipient, 0, NOW), 1, NOW);
    let good = deliver(&asked, PAYER);
    let answer = |bytes: Vec<u8>| {
        let request = request(&server(), IncomingMessage { bytes, ..good.clone() }, NOW);
        request.answer(Some(&record), NOW).map(drop).map_err(|refused| refused.error().clone())
    };
    assert!(answer(good.bytes.clone()).is_ok());
    let mut forged = good.bytes.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(answer(forged).unwrap_err().kind(), &ErrorKind::InvalidSignature);
    assert_eq!(answer(vec![0; 9_000]).unwrap_err().rule(), Rule::Exc1);
    assert_eq!(answer(vec![0, 9]).unwrap_err().kind(), &ErrorKind::Truncated);
    assert_eq!(answer(Vec::new()).unwrap_err().kind(), &fault(ServingFault::NotServed));
}

/// OFR-9: the last second is good; after it nothing is stored, answered or forwarded, whatever the static invoice says.
#[test]
fn an_offer_that_has_expired_is_not_served() {
    let gives = paths_for(&server(), CLIENT, 0, NOW);
    let (offer, message) = short_lived(&gives);
    let (_, record, _) = store(&server(), message.clone(), None, NOW);
    let (_, asked) = ask(&offer, 1, NOW);
    for (now, is_good) in [(after(100), true), (after(101), false)] {
        assert_eq!(server().receive(message.clone(), now).is_ok(), is_good);
        let answer = request(&server(), deliver(&asked, PAYER), now).answer(record.as_deref(), now);
        assert_eq!(answer.is_ok(), is_good);
        if let Err(refused) = answer {
            let expired = ErrorKind::Expired { at: after(100) };
            assert_eq!((refused.error().kind(), refused.error().rule()), (&expired, Rule::Ofr9));
            assert!(refused.answer().is_some());
        }
    }
}

/// EXC-1: what no payee would answer is not forwarded.
#[test]
fn a_request_that_is_too_long_is_not_forwarded() {
    let gives = paths_for(&server(), CLIENT, 0, NOW);
    let (offer, message) = short_lived(&gives);
    let (_, record, _) = store(&server(), message, None, NOW);
    let (_, asked) = ask(&offer, 1, NOW);
    let with_note = |len: usize| {
        let request = messages::request_for(&offer).payer_note(&"x".repeat(len)).build().unwrap();
        let bytes = request.sign(&messages::payer()).unwrap().into_bytes();
        let request = self::request(&server(), IncomingMessage { bytes, ..deliver(&asked, PAYER) }, NOW);
        request.answer(record.as_deref(), NOW).map(drop).map_err(|refused| refused.error().rule())
    };
    assert_eq!(with_note(3_000), Ok(()));
    assert_eq!(with_note(4_100), Err(Rule::Exc1));
}

/// Replicas with one secret are one server.
#[test]
fn a_replica_knows_what_another_gave_out() {
    let (recipient, record) = served(NOW);
    let replica = StaticInvoiceServer::new([0x71; 32], ServerLimits::default());
    let (_, asked) = ask(&offer_of(&recipient, 0, NOW), 1, NOW);
    assert!(request(&replica, deliver(&asked, PAYER), NOW).answer(Some(&record), NOW).is_ok());
    assert_eq!(SLOT.to_string(), "slot 0 of client 0707070707070707");
    assert_eq!(SLOT.to_bytes(), [7, 7, 7, 7, 7, 7, 7, 7, 0, 0]);
}

proptest! {
    /// STA-8: a path id says whose it is, and until when, whatever these are.
    #[test]
    fn every_client_slot_and_time_is_kept(
        client: [u8; 8], number: u16, until: u64, lifetime in 0..u64::MAX, now: u64,
    ) {
        let limits =
            ServerLimits { slots: u16::MAX, paths_lifetime: Duration::from_secs(lifetime), ..ServerLimits::default() };
        let server = StaticInvoiceServer::new([0x71; 32], limits);
        let now = UnixTime(now);
        let asked = IncomingMessage {
            kind: OffersMessageKind::Serving(ServingKind::OfferPathsRequest),
            bytes: OfferPathsRequest { invoice_slot: number }.to_bytes(),
            arrival: MessageArrival::Path(server.client_path_id(ClientId(client), Some(UnixTime(until)))),
            reply_path: Some(path(1)),
        };
        let until = until.min((1 << 48) - 1);
        match server.receive(asked, now) {
            Ok(ServerStep::PathsAsked(asked)) => {
                prop_assert!(now.0 <= until && number < u16::MAX);
                prop_assert_eq!(asked.slot(), Slot { client: ClientId(client), number });
                prop_assert_eq!(asked.expires_at().0, until.min(now.0.saturating_add(lifetime)));
            }
            Ok(other) => panic!("{other:?}"),
            Err(_) => prop_assert!(now.0 > until || number == u16::MAX),
        }
    }

    /// Whatever arrives over the right path is taken or refused, and never answered with more than silence.
    #[test]
    fn any_bytes_of_a_client_are_taken_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let gives = paths_for(&server(), CLIENT, 0, NOW);
        let (_, good) = hand_in(&gives, NOW, 0);
        if let Err(refused) = server().receive(IncomingMessage { bytes, ..good }, NOW) {
            prop_assert!(refused.answer().is_none());
        }
    }
}
