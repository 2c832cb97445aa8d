//! A static invoice server, phones that it answers for, and what passes between them without an onion.
#![allow(dead_code, reason = "every test file uses its own share")]

use bolt12::exchange::{
    Action, AsyncRecipient, ClientId, IncomingMessage, MessageArrival, OffersMessage, OutgoingMessage, Payee,
    RecipientState, RecipientTerms, ServerLimits, ServerStep, Slot, StaticInvoiceServer,
};
use bolt12::onion::OfferPaths;
use bolt12::{BlindedPath, Error, Msat, Offer, StaticInvoice, UnixTime};

use super::messages::{path, payinfo};
use super::sides::{arrival, path_with};

pub(crate) const DAY: u64 = 86_400;
pub(crate) const PRICE: Msat = Msat(100_000);

/// Where everybody's paths end.
pub(crate) const SERVER: u8 = 0x53;
pub(crate) const PHONE: u8 = 0x54;
pub(crate) const PAYER: u8 = 0x55;

pub(crate) const CLIENT: ClientId = ClientId([7; 8]);

pub(crate) fn server() -> StaticInvoiceServer {
    StaticInvoiceServer::new([0x71; 32], ServerLimits::default())
}

/// A path for a client to the server.
pub(crate) fn client_path(client: ClientId) -> BlindedPath<'static> {
    path_with(SERVER, server().client_path_id(client, None))
}

/// What arrives of a message that is sent: what is forwarded comes with the reply path of whoever asked.
pub(crate) fn deliver(outgoing: &OutgoingMessage, reply_node: u8) -> IncomingMessage {
    let reply_path = match &outgoing.message {
        OffersMessage::Forwarded(forwarded) => Some(forwarded.reply_path().clone()),
        _ => outgoing.reply_path_id.map(|path_id| path_with(reply_node, path_id)),
    };
    IncomingMessage {
        kind: outgoing.message.kind(),
        bytes: outgoing.message.as_bytes().to_vec(),
        arrival: arrival(&outgoing.destination),
        reply_path,
    }
}

pub(crate) fn payee() -> Payee {
    Payee::new([0x72; 32])
}

pub(crate) fn recipient() -> AsyncRecipient {
    recipient_with(RecipientTerms::default())
}

pub(crate) fn recipient_with(terms: RecipientTerms) -> AsyncRecipient {
    payee().async_recipient([client_path(CLIENT)], [0x73; 32], terms).unwrap()
}

/// What it sends now.
#[track_caller]
pub(crate) fn sent(recipient: &mut AsyncRecipient, now: UnixTime) -> OutgoingMessage {
    match recipient.poll(now) {
        Action::Send(message) => *message,
        other => panic!("{other:?}"),
    }
}

/// The server's answer to a request for paths.
#[track_caller]
pub(crate) fn give_paths(server: &StaticInvoiceServer, asked: &OutgoingMessage, now: UnixTime) -> OutgoingMessage {
    match server.receive(deliver(asked, PHONE), now).unwrap() {
        ServerStep::PathsAsked(asked) => {
            let paths = [path_with(SERVER, asked.path_id()), path_with(SERVER + 0x10, asked.path_id())];
            asked.answer(paths).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

/// Takes a static invoice: the new record, and what is said once it is stored.
#[track_caller]
pub(crate) fn store(
    server: &StaticInvoiceServer,
    message: IncomingMessage,
    stored: Option<&[u8]>,
    now: UnixTime,
) -> (Slot, Option<Vec<u8>>, OutgoingMessage) {
    match server.receive(message, now).unwrap() {
        ServerStep::Serve(to_serve) => {
            let storing = to_serve.compare(stored).unwrap();
            (storing.slot(), storing.record().map(<[u8]>::to_vec), storing.stored())
        }
        other => panic!("{other:?}"),
    }
}

/// Does what a slot needs of its node.
pub(crate) fn fill(recipient: &mut AsyncRecipient, slot: u16, phone: u8, now: UnixTime) -> Result<(), Error> {
    if let Some(RecipientState::NeedsOffer { .. }) = recipient.state(slot, now) {
        recipient.make_offer(slot, now, |offer| offer.description("tips").amount_msat(PRICE))?;
    }
    if let Some(RecipientState::NeedsInvoice(_)) = recipient.state(slot, now) {
        let until = UnixTime(now.0 + 14 * DAY);
        let held = |position| Ok::<_, Error>(path_with(phone, recipient.held_path_id(slot, position, until)?));
        let builder = recipient.static_invoice(slot, now)?.add_path(path(2), &payinfo());
        let invoice = builder.add_message_path(held(0)?).add_message_path(held(1)?).build()?;
        let forward_path = path_with(phone, recipient.forward_path_id(slot)?);
        recipient.serve(slot, invoice, &forward_path, now)?;
    }
    Ok(())
}

/// A phone whose offer in slot 0 is served, and the server's record of it.
pub(crate) fn served(now: UnixTime) -> (AsyncRecipient, Vec<u8>) {
    let (server, mut recipient) = (server(), recipient());
    let slot = recipient.open(now).unwrap();
    let paths = give_paths(&server, &sent(&mut recipient, now), now);
    let _ = recipient.receive(deliver(&paths, SERVER), now).unwrap();
    fill(&mut recipient, slot, PHONE, now).unwrap();
    let (_, record, stored) = store(&server, deliver(&sent(&mut recipient, now), PHONE), None, now);
    let _ = recipient.receive(deliver(&stored, SERVER), now).unwrap();
    (recipient, record.unwrap())
}

/// The offer in a slot.
#[track_caller]
pub(crate) fn offer_of(recipient: &AsyncRecipient, slot: u16, now: UnixTime) -> Offer {
    recipient.state(slot, now).unwrap().offer().unwrap().offer().clone()
}

/// The static invoice in an answer to a request.
#[track_caller]
pub(crate) fn answered(outgoing: &OutgoingMessage) -> StaticInvoice {
    match &outgoing.message {
        OffersMessage::StaticInvoice(invoice) => invoice.clone(),
        other => panic!("{other:?}"),
    }
}

/// The paths in an answer to a request for some.
pub(crate) fn paths_in(outgoing: &OutgoingMessage) -> OfferPaths {
    OfferPaths::read(outgoing.message.as_bytes()).unwrap()
}

/// The same over a path whose path id differs in one bit.
pub(crate) fn astray(mut message: IncomingMessage, bit: usize) -> IncomingMessage {
    if let MessageArrival::Path(path_id) = &mut message.arrival {
        path_id.0[bit / 8] ^= 1 << (bit % 8);
    }
    message
}
