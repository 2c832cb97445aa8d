//! A static invoice server, a phone and a payer over onion messages (STA-8, STA-9).

use super::messages::{NOW, path, payinfo};
use super::serving::{self, CLIENT, DAY, payee, server};
use super::sides;
use super::town::{MIDDLE, STRANGERS, Town, id, key};
use bolt12::exchange::{
    Action, AsyncPayment, AsyncProgress, Destination, Inbound, IncomingMessage, Messenger, OffersMessage,
    OffersMessageKind, OutgoingMessage, Payer, RecipientProgress, RecipientTerms, Route, ServerStep, ServingKind,
    ServingMessage, Terms,
};
use bolt12::onion::{OfferPaths, OfferPathsRequest, ServeStaticInvoice};
use bolt12::peers::{Arrived, Limits, NoChannels, SendError};
use bolt12::{ErrorKind, InvoiceError, Rule, UnixTime};

fn node(number: u16) -> Messenger {
    Messenger::new(key(number))
}

/// Sends a message from one node to another, as an onion.
fn over(from: &Messenger, outgoing: &OutgoingMessage, to: &Messenger) -> IncomingMessage {
    let sent = from.send(outgoing, &Route::default(), sides::last_key(1, to_path_id()).secret_bytes()).unwrap();
    match to.receive(&sent.message).unwrap() {
        Inbound::Message { message, .. } => message,
        other => panic!("{other:?}"),
    }
}

/// Any bytes that are a secret.
fn to_path_id() -> bolt12::exchange::PathId {
    bolt12::exchange::PathId([0x31; 32])
}

/// STA-8, STA-9: from the first question to a payment that is released, and to an invoice of a phone that is awake.
#[test]
fn a_phone_is_served_over_onion_messages() {
    let (server_node, phone, wallet) = (node(1), node(2), node(3));
    let server = server();
    let to = |messenger: &Messenger, path_id| messenger.path(&[], path_id).build([7; 32]).unwrap();
    let client_path = to(&server_node, server.client_path_id(CLIENT, None));
    let mut recipient = payee().async_recipient([client_path], [9; 32], RecipientTerms::default()).unwrap();
    assert_eq!(recipient.open(NOW), Ok(0));
    let Action::Send(asked) = recipient.poll(NOW) else { panic!() };
    let Ok(ServerStep::PathsAsked(asked)) = server.receive(over(&phone, &asked, &server_node), NOW) else { panic!() };
    let path_id = asked.path_id();
    let given = asked.answer([to(&server_node, path_id)]).unwrap();
    let progress = recipient.receive(over(&server_node, &given, &phone), NOW).unwrap();
    assert_eq!(progress, RecipientProgress::Paths(0));

    let offer = recipient.make_offer(0, NOW, |offer| offer.description("tips").amount_msat(serving::PRICE)).unwrap();
    let offer = offer.clone();
    let held = |position| to(&phone, recipient.held_path_id(0, position, UnixTime(NOW.0 + DAY)).unwrap());
    let builder = recipient.static_invoice(0, NOW).unwrap().add_path(path(2), &payinfo());
    let invoice = builder.add_message_path(held(0)).add_message_path(held(1)).build().unwrap();
    let forward_path = to(&phone, recipient.forward_path_id(0).unwrap());
    recipient.serve(0, invoice, &forward_path, NOW).unwrap();
    let Action::Send(handed_in) = recipient.poll(NOW) else { panic!() };
    let Ok(ServerStep::Serve(to_serve)) = server.receive(over(&phone, &handed_in, &server_node), NOW) else { panic!() };
    assert_eq!(to_serve.forward_path(), &forward_path);
    let storing = to_serve.compare(None).unwrap();
    let record = storing.record().unwrap().to_vec();
    let progress = recipient.receive(over(&server_node, &storing.stored(), &phone), NOW).unwrap();
    assert_eq!(progress, RecipientProgress::Stored(0));

    let payer = Payer::new([3; 32]);
    let draft = payer.draft(&offer, NOW, sides::CHAINS).unwrap();
    let mut payment = AsyncPayment::new(draft.start([4; 32], NOW, UnixTime(NOW.0 + DAY)).unwrap()).unwrap();
    let Action::Send(request) = payment.poll(NOW).unwrap() else { panic!() };
    let Ok(ServerStep::Request(request)) = server.receive(over(&wallet, &request, &server_node), NOW) else { panic!() };
    let served = request.answer(Some(&record), NOW).unwrap();
    let answer = over(&server_node, &served.answer.unwrap(), &wallet);
    assert_eq!(payment.receive(answer, NOW).unwrap(), AsyncProgress::Asleep);

    // The phone is awake: its answer goes straight to the wallet, over the wallet's own path.
    let forwarded = over(&server_node, &served.forward, &phone);
    let accepted = payee().receive(forwarded).unwrap().accept(&Terms::new(NOW, sides::CHAINS)).unwrap();
    let (_, invoice) = sides::invoice(&accepted);
    let mut awake = payer.load_async(&payment.to_bytes()).unwrap();
    let answer = over(&phone, &accepted.answer(invoice).unwrap(), &wallet);
    assert!(matches!(awake.receive(answer, NOW), Ok(AsyncProgress::AsUsual(_))));

    // Or it wakes later.
    payment.begin_held([5; 32], NOW, UnixTime(NOW.0 + DAY), None).unwrap();
    let Action::Send(notice) = payment.poll(NOW).unwrap() else { panic!() };
    let Ok(RecipientProgress::Held(release)) = recipient.receive(over(&wallet, &notice, &phone), NOW) else { panic!() };
    let released = payment.receive(over(&phone, &release, &wallet), NOW).unwrap();
    assert_eq!(released, AsyncProgress::Released);
}

/// What a server forwards, and the path of the phone.
fn forward() -> OutgoingMessage {
    let (recipient, record) = serving::served(NOW);
    let offer = serving::offer_of(&recipient, 0, NOW);
    let draft = sides::payer().draft(&offer, NOW, sides::CHAINS).unwrap();
    let mut payment = draft.start([4; 32], NOW, UnixTime(NOW.0 + DAY)).unwrap();
    let Action::Send(request) = payment.poll(NOW).unwrap() else { panic!() };
    let Ok(ServerStep::Request(request)) = server().receive(serving::deliver(&request, serving::PAYER), NOW) else {
        panic!()
    };
    request.answer(Some(&record), NOW).unwrap().forward
}

/// Randomness used twice makes other keys, also if only the reply path is another.
#[test]
fn what_is_forwarded_has_keys_of_its_own() {
    let forward = forward();
    let OffersMessage::Forwarded(forwarded) = &forward.message else { panic!() };
    let plain = OutgoingMessage {
        message: OffersMessage::InvoiceRequest(forwarded.request().clone()),
        destination: forward.destination.clone(),
        reply_path_id: None,
    };
    let route = Route::default();
    let [one, again, other] = [&forward, &forward, &plain]
        .map(|message| node(1).send(message, &route, [6; 32]).unwrap().message.as_bytes().to_vec());
    assert_eq!(one, again);
    // Behind the type, the path key, a length and a version.
    assert_ne!(one[38..71], other[38..71], "the key of the onion");
}

/// EXC-19: a request that is forwarded starts here, whoever asked over the phone's path: a stranger that knows it, and uses
/// it as a reply path, does not get what others ask.
#[test]
fn what_is_forwarded_goes_through_peers_of_our_choice() {
    let (server, stranger) = (2, STRANGERS);
    let mut town = Town::new(3, Limits::default(), false);
    town.comes(stranger, server);
    let forward = forward();
    let Destination::Path(forward_path) = &forward.destination else { panic!() };
    let own = town.node(server).offer.clone();
    let ask = |town: &mut Town| {
        let question = town.request(&own, Some(forward_path));
        town.hand(stranger, server, question);
        let now = town.now;
        let Some(Arrived::Message { message, .. }) = town.node(server).peers.next(now, &NoChannels) else { panic!() };
        message.reply_path.unwrap()
    };
    let reply_path = ask(&mut town);
    assert_eq!(reply_path, *forward_path);
    assert_eq!(town.send(server, &forward), Err(SendError::NoPeer));
    // What answers the stranger goes to it, and nothing else over the same path.
    let message = OffersMessage::InvoiceError(InvoiceError::new("out of tea").unwrap());
    let other = OutgoingMessage { message, ..forward.clone() };
    let answer = OutgoingMessage { destination: Destination::Path(reply_path), ..other.clone() };
    assert_eq!(town.send(server, &other), Err(SendError::NoPeer));
    assert_eq!(town.send(server, &answer), Ok(id(stranger)));
    town.connect(server, MIDDLE);
    ask(&mut town);
    assert_eq!(town.send(server, &forward), Ok(id(MIDDLE)));
}

/// MSG-1: by the draft's number or by LDK's, which is written; and in an outbox.
#[test]
fn every_message_about_serving_has_its_number() {
    let serve = ServeStaticInvoice::new(b"invoice", &path(1)).unwrap();
    let paths = OfferPaths::new([path(2)], Some(UnixTime(5))).unwrap();
    let messages = [
        (ServingMessage::from(OfferPathsRequest { invoice_slot: 3 }), ServingKind::OfferPathsRequest),
        (ServingMessage::from(paths), ServingKind::OfferPaths),
        (ServingMessage::from(serve), ServingKind::ServeStaticInvoice),
        (ServingMessage::read(ServingKind::StaticInvoicePersisted, &[]).unwrap(), ServingKind::StaticInvoicePersisted),
    ];
    for (number, (message, kind)) in (75_540..).step_by(2).zip(messages) {
        assert_eq!((message.kind(), kind.tlv_type()), (kind, number));
        for number in [number, number - 10_000] {
            assert_eq!(OffersMessageKind::from_tlv_type(number), Some(OffersMessageKind::Serving(kind)));
        }
        assert_eq!(OffersMessageKind::Serving(kind).tlv_type(), number);
        assert_eq!(ServingMessage::read(kind, message.as_bytes()).unwrap(), message);
        let outgoing = OutgoingMessage {
            message: OffersMessage::Serving(message),
            destination: Destination::Path(path(2)),
            reply_path_id: Some(to_path_id()),
        };
        let bytes = outgoing.to_bytes();
        assert_eq!(OutgoingMessage::from_bytes(&bytes).unwrap(), outgoing);
        for len in 0..bytes.len() {
            // But for what has no records, whose length may be left out.
            let read = OutgoingMessage::from_bytes(&bytes[..len]);
            assert!(read.is_err() || kind == ServingKind::StaticInvoicePersisted && len == bytes.len() - 1);
        }
    }
    let odd = ServingMessage::read(ServingKind::StaticInvoicePersisted, &[2, 2, 0]).unwrap_err();
    assert_eq!((odd.kind(), odd.rule()), (&ErrorKind::UnknownEvenField, Rule::Tlv4));
    // What is forwarded, with its reply path.
    let bytes = forward().to_bytes();
    assert_eq!(OutgoingMessage::from_bytes(&bytes).unwrap(), forward());
    for len in (0..bytes.len()).step_by(3) {
        assert!(OutgoingMessage::from_bytes(&bytes[..len]).is_err(), "{len}");
    }
}
