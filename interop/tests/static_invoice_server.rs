//! Whoever serves static invoices and whoever has them served, over onion messages, with `lightning` on the other side of
//! each: an LDK recipient with our server, and our recipient with an LDK server. LDK's channels take no part.

#[path = "common/flow.rs"]
mod flow;

use bolt12::exchange::{
    Action, AsyncPayment, AsyncProgress, AsyncRecipient, AsyncState, ClientId, Messenger, OutgoingMessage, Payee,
    Payer, Progress, RecipientProgress, RecipientState, RecipientTerms, Release, Route, ServerLimits, ServerStep,
    State, StaticInvoiceServer, Terms,
};
use bolt12::onion::OnionMessage;
use bolt12::secp256k1::{All, Secp256k1};
use bolt12::{BlindedPath, ChainHash, Msat, Offer, PayInfo, StaticInvoice, UnixTime};
use flow::*;
use lightning::blinded_path::message::{BlindedMessagePath, MessageContext, OffersContext};
use lightning::ln::channelmanager::PaymentId;
use lightning::offers::flow::{HeldHtlcReplyPath, InvreqResponseInstructions};
use lightning::offers::invoice_request::InvoiceRequestVerifiedFromOffer;
use lightning::offers::static_invoice::StaticInvoice as TheirStaticInvoice;
use lightning::onion_message::async_payments::AsyncPaymentsMessage;
use lightning::onion_message::messenger::{
    Destination, MessageRouter, MessageSendInstructions, PeeledOnion, Responder,
};
use lightning::onion_message::offers::OffersMessage as TheirOffersMessage;
use lightning::onion_message::packet::OnionMessageContents;
use lightning::sign::NodeSigner;
use lightning::types::payment::{PaymentHash, PaymentSecret};
use lightning::util::ser::{Readable, Writeable};

const DAY: u64 = 86_400;
const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];
const CLIENT: ClientId = ClientId([7; 8]);

impl Theirs {
    /// A path to it, by which it knows what comes over it.
    fn path(&self, context: MessageContext) -> BlindedMessagePath {
        let key = self.keys.get_receive_auth_key();
        self.roads().create_blinded_paths(self.id(), key, context, vec![], &Secp256k1::<All>::new()).unwrap().remove(0)
    }

    /// What it is told to send, as it would.
    fn sent<T: OnionMessageContents>(&self, message: T, instructions: MessageSendInstructions) -> OnionMessage {
        let (to, reply) = match instructions {
            MessageSendInstructions::WithSpecifiedReplyPath { destination, reply_path } => {
                (destination, Some(reply_path))
            }
            MessageSendInstructions::WithoutReplyPath { destination } => (destination, None),
            MessageSendInstructions::ForwardedMessage { destination, reply_path } => (destination, reply_path),
            MessageSendInstructions::WithReplyPath { destination, context } => (destination, Some(self.path(context))),
            MessageSendInstructions::ForReply { .. } => panic!("where it goes is not shown"),
        };
        self.send(message, to, reply)
    }

    /// The same for a reply, which goes where the message came from: LDK shows that to nobody.
    fn replied<T: OnionMessageContents>(
        &self,
        (message, instructions): (T, MessageSendInstructions),
        to: &BlindedMessagePath,
    ) -> OnionMessage {
        assert!(matches!(instructions, MessageSendInstructions::ForReply { .. }));
        self.send(message, Destination::BlindedPath(to.clone()), None)
    }
}

/// The other side's address, as LDK keeps it: nobody but LDK makes one of a path.
fn responder(path: &BlindedMessagePath) -> Responder {
    // Lengths of either form.
    let with_len = |bytes: &[u8]| match u8::try_from(bytes.len()) {
        Ok(len @ ..0xfd) => [&[len][..], bytes].concat(),
        _ => [&[0xfd][..], &u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat(),
    };
    let record = [&[0][..], &with_len(&path.encode())].concat();
    let bytes = with_len(&record);
    Responder::read(&mut &bytes[..]).unwrap()
}

fn our_path(path: &BlindedMessagePath) -> BlindedPath<'static> {
    BlindedPath::from_bytes(&path.encode()).unwrap().into_owned()
}

fn send(messenger: &Messenger, outgoing: &OutgoingMessage) -> OnionMessage {
    messenger.send(outgoing, &Route::default(), random()).unwrap().message
}

/// A payment that asks an offer for 5000 msat.
fn ask(offer: &Offer) -> (AsyncPayment, OutgoingMessage) {
    let draft = Payer::new([1; 32]).draft(offer, now(), CHAINS).unwrap();
    let draft = if offer.amount().is_some() { draft } else { draft.amount(Msat(5_000)) };
    let mut payment = AsyncPayment::new(draft.start([2; 32], now(), UnixTime(now().0 + DAY)).unwrap()).unwrap();
    let Action::Send(request) = payment.poll(now()).unwrap() else { panic!() };
    (payment, *request)
}

fn server_step(server: &StaticInvoiceServer, node: &Messenger, message: &OnionMessage, now: UnixTime) -> ServerStep {
    server.receive(received(node, message), now).unwrap()
}

// STA-8, STA-9
#[test]
fn a_recipient_of_lightning_is_served_by_our_server() {
    let (them, us, wallet) = (Theirs::new(7), node(8), node(9));
    let server = StaticInvoiceServer::new([3; 32], ServerLimits::default());
    let to_us = us.path(&[], server.client_path_id(CLIENT, None)).build(random()).unwrap();
    // It asks for paths for one slot, over the path that we gave it.
    them.flow.set_paths_to_static_invoice_server(vec![their_path(&to_us)], vec![]).unwrap();
    let mut asked = them.flow.release_pending_async_messages();
    assert_eq!(asked.len(), 1);
    let (message, instructions) = asked.remove(0);
    let ServerStep::PathsAsked(asked) = server_step(&server, &us, &them.sent(message, instructions), now()) else {
        panic!()
    };
    assert_eq!((asked.slot().client, asked.slot().number), (CLIENT, 0));
    let offer_path = us.path(&[], asked.path_id()).build(random()).unwrap();
    let given = send(&us, &asked.answer([offer_path.clone()]).unwrap());

    // With them it makes an offer and a static invoice.
    let PeeledOnion::AsyncPayments(AsyncPaymentsMessage::OfferPaths(paths), context, Some(reply)) = them.peel(&given)
    else {
        panic!()
    };
    let (serve, context) = them
        .flow
        .handle_offer_paths(paths, context, responder(&reply), vec![], vec![], &them.keys, them.roads())
        .expect("it takes our paths");
    let serve = AsyncPaymentsMessage::ServeStaticInvoice(serve);
    let handed_in = them.send(serve, Destination::BlindedPath(reply), Some(them.path(context)));
    let ServerStep::Serve(to_serve) = server_step(&server, &us, &handed_in, now()) else { panic!() };
    assert_eq!(to_serve.slot().client, CLIENT);
    let storing = to_serve.compare(None).unwrap();
    let record = storing.record().unwrap().to_vec();
    // It does not show the offer before it hears that the static invoice is stored.
    assert!(them.flow.get_async_receive_offer().is_err());
    let stored = send(&us, &storing.stored());
    let PeeledOnion::AsyncPayments(AsyncPaymentsMessage::StaticInvoicePersisted(_), context, _) = them.peel(&stored)
    else {
        panic!()
    };
    assert!(them.flow.handle_static_invoice_persisted(context));
    let (their_offer, _) = them.flow.get_async_receive_offer().unwrap();
    let offer = Offer::try_from(their_offer.as_ref()).unwrap();
    assert!(offer.paths().unwrap().iter().eq([offer_path]));

    // A payer asks it, gets the static invoice, and the recipient gets the request.
    let (mut payment, request) = ask(&offer);
    let ServerStep::Request(request) = server_step(&server, &us, &send(&wallet, &request), now()) else { panic!() };
    let served = request.answer(Some(&record), now()).unwrap();
    let answer = received(&wallet, &send(&us, &served.answer.unwrap()));
    assert_eq!(payment.receive(answer, now()).unwrap(), AsyncProgress::Asleep);

    // It is awake, and answers itself, straight to the payer.
    let PeeledOnion::Offers(TheirOffersMessage::InvoiceRequest(request), context, Some(reply)) =
        them.peel(&send(&us, &served.forward))
    else {
        panic!()
    };
    assert!(matches!(context, Some(OffersContext::InvoiceRequest { .. })), "{context:?}");
    let Ok(InvreqResponseInstructions::SendInvoice(InvoiceRequestVerifiedFromOffer::DerivedKeys(request))) =
        them.flow.verify_invoice_request(request, context)
    else {
        panic!()
    };
    let secret = |_, _| Ok((PaymentHash([4; 32]), PaymentSecret([5; 32])));
    let (builder, _) = them
        .flow
        .create_invoice_builder_from_invoice_request_with_keys(&them.roads(), &request, vec![], secret, None)
        .unwrap();
    let invoice = builder.build_and_sign(&Secp256k1::new()).unwrap();
    let invoice = them.send(TheirOffersMessage::Invoice(invoice), Destination::BlindedPath(reply), None);
    let progress = payment.receive(received(&wallet, &invoice), now()).unwrap();
    assert_eq!(progress, AsyncProgress::AsUsual(Progress::Quoted));
    assert!(matches!(payment.state(), AsyncState::AsUsual(State::Quoted(_))));
}

// STA-8: until it hears that it is stored, an LDK recipient hands in another one every minute.
#[test]
fn what_a_recipient_of_lightning_hands_in_again_takes_the_slot() {
    let (them, us) = (Theirs::new(7), node(8));
    let server = StaticInvoiceServer::new([3; 32], ServerLimits::default());
    let to_us = us.path(&[], server.client_path_id(CLIENT, None)).build(random()).unwrap();
    them.flow.set_paths_to_static_invoice_server(vec![their_path(&to_us)], vec![]).unwrap();
    let (message, instructions) = them.flow.release_pending_async_messages().remove(0);
    let ServerStep::PathsAsked(asked) = server_step(&server, &us, &them.sent(message, instructions), now()) else {
        panic!()
    };
    let path = us.path(&[], asked.path_id()).build(random()).unwrap();
    let given = send(&us, &asked.answer([path]).unwrap());
    let PeeledOnion::AsyncPayments(AsyncPaymentsMessage::OfferPaths(paths), context, Some(reply)) = them.peel(&given)
    else {
        panic!()
    };
    let (serve, context) = them
        .flow
        .handle_offer_paths(paths, context, responder(&reply), vec![], vec![], &them.keys, them.roads())
        .unwrap();
    let serve = AsyncPaymentsMessage::ServeStaticInvoice(serve);
    let first = them.send(serve, Destination::BlindedPath(reply), Some(them.path(context)));
    let ServerStep::Serve(to_serve) = server_step(&server, &us, &first, now()) else { panic!() };
    let record = to_serve.compare(None).unwrap().record().unwrap().to_vec();

    // The news get lost. The next time it has another static invoice, of the same offer.
    them.flow.check_refresh_async_receive_offer_cache(vec![], vec![], them.roads(), true).unwrap();
    let again = them.flow.release_pending_async_messages().into_iter().find_map(|(message, instructions)| {
        matches!(message, AsyncPaymentsMessage::ServeStaticInvoice(_)).then(|| them.sent(message, instructions))
    });
    let again = again.expect("it hands in another one");
    let ServerStep::Serve(soon) = server_step(&server, &us, &again, now()) else { panic!() };
    assert!(soon.compare(Some(&record)).is_err(), "within ten seconds");
    let a_minute_later = UnixTime(now().0 + 60);
    let ServerStep::Serve(to_serve) = server_step(&server, &us, &again, a_minute_later) else { panic!() };
    let storing = to_serve.compare(Some(&record)).unwrap();
    assert!(storing.record().is_some_and(|new| new != record));
    let stored = send(&us, &storing.stored());
    let PeeledOnion::AsyncPayments(AsyncPaymentsMessage::StaticInvoicePersisted(_), context, _) = them.peel(&stored)
    else {
        panic!()
    };
    assert!(them.flow.handle_static_invoice_persisted(context));
    assert!(them.flow.get_async_receive_offer().is_ok());
}

/// Does what slot 0 needs of a node.
fn fill(recipient: &mut AsyncRecipient, us: &Messenger) {
    let now = now();
    let path = |path_id| us.path(&[], path_id).build(random()).unwrap();
    recipient.make_offer(0, now, |offer| offer.description("tips").amount_msat(Msat(5_000))).unwrap();
    let held = |position| path(recipient.held_path_id(0, position, UnixTime(now.0 + 14 * DAY)).unwrap());
    let payment_path = path(bolt12::exchange::PathId([9; 32]));
    let builder = recipient.static_invoice(0, now).unwrap();
    let builder = builder.add_path(payment_path, &PayInfo::new(1, 2, 40, 1, 50_000_000));
    let invoice = builder.add_message_path(held(0)).add_message_path(held(1)).build().unwrap();
    recipient.serve(0, invoice, &path(recipient.forward_path_id(0).unwrap()), now).unwrap();
}

// STA-8, STA-9
#[test]
fn our_recipient_is_served_by_a_server_of_lightning() {
    let (them, us, wallet) = (Theirs::new(7), node(8), node(9));
    let id = b"client of theirs".to_vec();
    let to_them = them.flow.blinded_paths_for_async_recipient(id.clone(), None, vec![]).unwrap();
    let payee = Payee::new([3; 32]);
    let mut recipient =
        payee.async_recipient(to_them.iter().map(our_path), random(), RecipientTerms::default()).unwrap();
    assert_eq!(recipient.open(now()), Ok(0));

    // They give us paths.
    let Action::Send(asked) = recipient.poll(now()) else { panic!() };
    let PeeledOnion::AsyncPayments(AsyncPaymentsMessage::OfferPathsRequest(request), context, Some(reply)) =
        them.peel(&send(&us, &asked))
    else {
        panic!()
    };
    assert_eq!(request.invoice_slot, 0);
    let (paths, context) = them.flow.handle_offer_paths_request(&request, context, vec![]).expect("paths for us");
    let paths = AsyncPaymentsMessage::OfferPaths(paths);
    let given = them.send(paths, Destination::BlindedPath(reply), Some(them.path(context)));
    assert_eq!(recipient.receive(received(&us, &given), now()).unwrap(), RecipientProgress::Paths(0));
    fill(&mut recipient, &us);

    // They store our static invoice.
    let Action::Send(handed_in) = recipient.poll(now()) else { panic!() };
    let PeeledOnion::AsyncPayments(AsyncPaymentsMessage::ServeStaticInvoice(serve), context, Some(reply)) =
        them.peel(&send(&us, &handed_in))
    else {
        panic!()
    };
    assert_eq!(them.flow.verify_serve_static_invoice_message(&serve, context), Ok((id.clone(), 0)));
    them.flow.static_invoice_persisted(responder(&reply));
    let stored = them.replied(them.flow.release_pending_async_messages().remove(0), &reply);
    let stored = received(&us, &stored);
    assert_eq!(recipient.receive(stored, now()).unwrap(), RecipientProgress::Stored(0));
    let Some(RecipientState::Served(served)) = recipient.state(0, now()) else { panic!() };
    let offer = served.offer().clone();

    // They answer a payer, and forward its request.
    let (mut payment, request) = ask(&offer);
    let PeeledOnion::Offers(TheirOffersMessage::InvoiceRequest(request), context, Some(reply)) =
        them.peel(&send(&wallet, &request))
    else {
        panic!()
    };
    let Ok(InvreqResponseInstructions::SendStaticInvoice { recipient_id, invoice_slot, invoice_request }) =
        them.flow.verify_invoice_request(request, context)
    else {
        panic!()
    };
    assert_eq!((recipient_id, invoice_slot), (id, 0));
    let forward_path = serve.forward_invoice_request_path;
    them.flow.enqueue_invoice_request_to_forward(invoice_request, forward_path, responder(&reply));
    them.flow.enqueue_static_invoice(serve.invoice.clone(), responder(&reply)).unwrap();
    let mut sent = them.flow.release_pending_offers_messages().into_iter();
    let (message, instructions) = sent.next().unwrap();
    let forwarded = them.sent(message, instructions);
    let answer = them.replied(sent.next().unwrap(), &reply);
    assert_eq!(payment.receive(received(&wallet, &answer), now()).unwrap(), AsyncProgress::Asleep);

    // We are awake, and answer ourselves.
    let accepted = payee.receive(received(&us, &forwarded)).unwrap().accept(&Terms::new(now(), CHAINS)).unwrap();
    let expected = accepted.expected_payment();
    let payment_path = us.path(&[], bolt12::exchange::PathId([9; 32])).build(random()).unwrap();
    let invoice = accepted.invoice(expected.payment_hash());
    let invoice = invoice.add_path(payment_path, &PayInfo::new(1, 2, 40, 1, 50_000_000)).build().unwrap();
    let invoice = accepted.answer(accepted.sign(invoice).unwrap()).unwrap();
    let mut asleep = Payer::new([1; 32]).load_async(&payment.to_bytes()).unwrap();
    let progress = payment.receive(received(&wallet, &send(&us, &invoice)), now()).unwrap();
    assert_eq!(progress, AsyncProgress::AsUsual(Progress::Quoted));

    // Had we slept, our payer would have held the payment until we wake.
    asleep.begin_held(random(), now(), UnixTime(now().0 + DAY), None).unwrap();
    let Action::Send(notice) = asleep.poll(now()).unwrap() else { panic!() };
    let notice = received(&us, &send(&wallet, &notice));
    let RecipientProgress::Held(release) = recipient.receive(notice, now()).unwrap() else { panic!() };
    let released = asleep.receive(received(&wallet, &send(&us, &release)), now()).unwrap();
    assert_eq!(released, AsyncProgress::Released);
    assert!(matches!(asleep.state(), AsyncState::Paying(paying) if paying.release() == Release::Release));

    // And so would an LDK payer.
    let invoice = StaticInvoice::try_from(serve.invoice.encode()).unwrap();
    let payer = Theirs::new(10);
    let theirs = TheirStaticInvoice::try_from(invoice.into_bytes()).unwrap();
    let reply = HeldHtlcReplyPath::ToUs { payment_id: PaymentId([9; 32]), peers: Vec::new() };
    payer.flow.enqueue_held_htlc_available(&theirs, reply).unwrap();
    for (message, instructions) in payer.flow.release_pending_async_messages() {
        let notice = received(&us, &payer.sent(message, instructions));
        let release = send(&us, &payee.release_held(notice, now()).unwrap());
        let PeeledOnion::AsyncPayments(message, ..) = payer.peel(&release) else { panic!() };
        assert!(matches!(message, AsyncPaymentsMessage::ReleaseHeldHtlc(_)), "{message:?}");
    }
}
