//! Bytes as what a static invoice server and an async recipient saved: part of the target `exchange_state`.

use bolt12::exchange::{
    Action, AsyncRecipient, ClientId, IncomingMessage, MessageArrival, OffersMessageKind, OutgoingMessage, Payee,
    RecipientState, RecipientTerms, ServerLimits, ServerStep, ServingKind, StaticInvoiceServer,
};
use bolt12::onion::OfferPathsRequest;
use bolt12::{Error, ErrorKind, UnixTime};

use super::sides::{self, ISSUER_SECRET, NOW, deliver, issuer, payinfo};
use crate::checks::errors;

/// The secret of the server.
pub const SERVER_SECRET: [u8; 32] = [0x53; 32];

/// The server.
pub fn server() -> StaticInvoiceServer {
    StaticInvoiceServer::new(SERVER_SECRET, ServerLimits::default())
}

/// Its only client.
pub const CLIENT: ClientId = ClientId([7; 8]);

/// Bytes as they are, and with the right MACs behind them.
pub fn saved(data: &[u8]) {
    let error = issuer().load_async_recipient(data).map(drop).expect_err("the MAC is missing");
    assert_eq!(*error.kind(), ErrorKind::InvalidState);
    let sealed = sides::sealed(&ISSUER_SECRET, "issuer state", data);
    match issuer().load_async_recipient(&sealed) {
        Ok(recipient) => {
            assert_eq!(recipient.to_bytes(), sealed);
            for now in [UnixTime(0), NOW, UnixTime(NOW.0 + 300 * 86_400), UnixTime(u64::MAX)] {
                recipient_at(copy(issuer(), &recipient), now);
            }
        }
        Err(error) => errors::any(&error),
    }
    record(&sides::sealed(&SERVER_SECRET, "server record", data));
}

fn copy(payee: &Payee, recipient: &AsyncRecipient) -> AsyncRecipient {
    payee.load_async_recipient(&recipient.to_bytes()).expect("what was saved can be loaded")
}

/// What it sends is for the server, and what that answers is taken or refused.
fn recipient_at(mut recipient: AsyncRecipient, now: UnixTime) {
    for (slot, _) in copy(issuer(), &recipient).states(now) {
        fill(&mut recipient, slot, now);
    }
    let mut ids = Vec::new();
    // Each slot sends once at most in a second, and so does one that takes over.
    let slots = recipient.states(now).count().saturating_mul(2).saturating_add(2);
    for turn in 0..=slots {
        assert!(turn < slots || now == UnixTime(u64::MAX), "it spins");
        let Action::Send(message) = recipient.poll(now) else { break };
        let id = message.reply_path_id.expect("an answer is wanted");
        let mut arrives = deliver(&message);
        // The path that it was given is whoever's.
        arrives.arrival = MessageArrival::Path(server().client_path_id(CLIENT, None));
        if let Ok(ServerStep::PathsAsked(asked)) = server().receive(arrives, now) {
            let path = sides::path(asked.path_id(), 2);
            let answer = asked.answer([path]).expect("one path");
            hear(&mut recipient, &answer, now);
        }
        ids.push(id);
        let back = copy(issuer(), &recipient);
        assert_eq!(format!("{back:?}"), format!("{recipient:?}"));
    }
    if let Action::WaitUntil(at) = recipient.clone().poll(now) {
        assert!(at > now || at == UnixTime(u64::MAX));
    }
    ids.iter().for_each(|id| recipient.unreachable(id, now));
    let _ = recipient.poll(now);
}

fn hear(recipient: &mut AsyncRecipient, answer: &OutgoingMessage, now: UnixTime) {
    let before = recipient.to_bytes();
    if let Err(refused) = recipient.receive(deliver(answer), now) {
        errors::any(refused.error());
        assert_eq!(recipient.to_bytes(), before, "what is refused changes nothing");
    }
}

/// What its node does.
fn fill(recipient: &mut AsyncRecipient, slot: u16, now: UnixTime) {
    if let Some(RecipientState::NeedsOffer { .. }) = recipient.state(slot, now) {
        shown(recipient.make_offer(slot, now, |offer| offer.description("tips")).map(drop));
    }
    if let Some(RecipientState::NeedsInvoice(_)) = recipient.state(slot, now) {
        shown(hand_in(recipient, slot, now));
    }
}

/// Makes a static invoice for the offer of a slot, and hands it in.
pub fn hand_in(recipient: &mut AsyncRecipient, slot: u16, now: UnixTime) -> Result<(), Error> {
    let held = |position| Ok::<_, Error>(sides::path(recipient.held_path_id(slot, position, now)?, 1));
    let builder = recipient.static_invoice(slot, now)?.add_path(sides::path_of(&[1; 32], 2), &payinfo());
    let invoice = builder.add_message_path(held(0)?).add_message_path(held(1)?).build()?;
    let forward_path = sides::path(recipient.forward_path_id(slot)?, 1);
    recipient.serve(slot, invoice, &forward_path, now)
}

fn shown(result: Result<(), Error>) {
    if let Err(error) = result {
        errors::any(&error);
    }
}

/// Whatever a record says, a request for something else is not answered with it, and another static invoice may take its
/// place.
fn record(sealed: &[u8]) {
    let asked = IncomingMessage {
        kind: OffersMessageKind::Serving(ServingKind::OfferPathsRequest),
        bytes: OfferPathsRequest { invoice_slot: 0 }.to_bytes(),
        arrival: MessageArrival::Path(server().client_path_id(CLIENT, None)),
        reply_path: Some(sides::path_of(&[2; 32], 1)),
    };
    let Ok(ServerStep::PathsAsked(paths)) = server().receive(asked.clone(), NOW) else { panic!("a client asks") };
    let request = IncomingMessage {
        kind: OffersMessageKind::InvoiceRequest,
        bytes: Vec::new(),
        arrival: MessageArrival::Path(paths.path_id()),
        ..asked
    };
    let Ok(ServerStep::Request(request)) = server().receive(request, NOW) else { panic!("somebody asks") };
    let refused = request.answer(Some(sealed), NOW).expect_err("no offer is asked");
    errors::any(refused.error());
}

/// A recipient's states, from asking for paths to being served twice, and the server's record.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut states = Vec::new();
    let mut add = |name: &str, state: Vec<u8>| states.push((format!("recipient-{name}"), state));
    let path = sides::path(server().client_path_id(CLIENT, None), 2);
    let mut recipient =
        issuer().async_recipient([path], [7; 32], RecipientTerms::default()).expect("there is a path to the server");
    recipient.open(NOW).expect("a slot is free");
    let asked = sent(&mut recipient, NOW);
    add("asking", recipient.to_bytes());
    let Ok(ServerStep::PathsAsked(asked)) = server().receive(deliver(&asked), NOW) else { panic!("a client asks") };
    let path = sides::path(asked.path_id(), 2);
    hear(&mut recipient, &asked.answer([path]).expect("one path"), NOW);
    add("offered", recipient.to_bytes());
    recipient.make_offer(0, NOW, |offer| offer.description("tips")).expect("an offer over these paths");
    add("made", recipient.to_bytes());
    hand_in(&mut recipient, 0, NOW).expect("a static invoice");
    add("handing-in", recipient.to_bytes());
    let handed_in = sent(&mut recipient, NOW);
    let Ok(ServerStep::Serve(to_serve)) = server().receive(deliver(&handed_in), NOW) else { panic!("it is good") };
    let storing = to_serve.compare(None).expect("the slot is free");
    let record = storing.record().expect("it is new").to_vec();
    hear(&mut recipient, &storing.stored(), NOW);
    add("served", recipient.to_bytes());
    let later = UnixTime(NOW.0 + 300 * 86_400);
    let _ = sent(&mut recipient, later);
    add("followed", recipient.to_bytes());
    add("renewed", {
        hand_in(&mut recipient, 0, later).expect("another one");
        recipient.to_bytes()
    });
    states.push(("record".to_owned(), record));
    states
}

fn sent(recipient: &mut AsyncRecipient, now: UnixTime) -> OutgoingMessage {
    match recipient.poll(now) {
        Action::Send(message) => *message,
        other => panic!("{other:?}"),
    }
}
