//! The same as `static_invoice_server.rs` with LDK 0.2: its recipient with our server, and our recipient with its server.

use bolt12::exchange::{
    Action, AsyncPayment, AsyncProgress, ClientId, Inbound, IncomingMessage, Messenger, OutgoingMessage, PathId, Payee,
    Payer, RecipientProgress, RecipientTerms, Route, ServerLimits, ServerStep, StaticInvoiceServer, Terms,
};
use bolt12::onion::OnionMessage;
use bolt12::secp256k1::{All, Keypair, PublicKey, Secp256k1, Signing, Verification};
use bolt12::{BlindedPath, ChainHash, Msat, Offer, PayInfo, UnixTime};
use ldk::blinded_path::NodeIdLookUp;
use ldk::blinded_path::message::{BlindedMessagePath, MessageContext, MessageForwardNode};
use ldk::blinded_path::payment::{BlindedPaymentPath, ReceiveTlvs};
use ldk::chain::BestBlock;
use ldk::ln::channel_state::ChannelDetails;
use ldk::ln::msgs::OnionMessage as TheirMessage;
use ldk::ln::peer_handler::IgnoringMessageHandler;
use ldk::offers::flow::{InvreqResponseInstructions, OffersMessageFlow};
use ldk::onion_message::async_payments::AsyncPaymentsMessage;
use ldk::onion_message::messenger::{
    Destination, MessageRouter, MessageSendInstructions, OnionMessagePath, PeeledOnion, Responder,
    create_onion_message, peel_onion_message,
};
use ldk::onion_message::offers::OffersMessage;
use ldk::onion_message::packet::OnionMessageContents;
use ldk::routing::router::{InFlightHtlcs, Route as TheirRoute, RouteParameters, Router};
use ldk::sign::{KeysManager, NodeSigner, ReceiveAuthKey};
use ldk::util::logger::{Logger, Record};
use ldk::util::ser::{LengthReadable, Readable, Writeable};

const DAY: u64 = 86_400;
const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];

/// LDK looks at the system's clock.
fn now() -> UnixTime {
    std::time::SystemTime::now().into()
}

struct Silent;

impl Logger for Silent {
    fn log(&self, _: Record<'_>) {}
}

/// Paths of one hop, for messages and for payments.
struct Roads(KeysManager);

impl MessageRouter for Roads {
    fn find_path(&self, _: PublicKey, _: Vec<PublicKey>, to: Destination) -> Result<OnionMessagePath, ()> {
        Ok(OnionMessagePath { intermediate_nodes: Vec::new(), destination: to, first_node_addresses: Vec::new() })
    }

    fn create_blinded_paths<T: Signing + Verification>(
        &self,
        recipient: PublicKey,
        key: ReceiveAuthKey,
        context: MessageContext,
        _: Vec<MessageForwardNode>,
        secp: &Secp256k1<T>,
    ) -> Result<Vec<BlindedMessagePath>, ()> {
        Ok(vec![BlindedMessagePath::new(&[], recipient, key, context, &self.0, secp)])
    }
}

impl Router for Roads {
    fn find_route(
        &self,
        _: &PublicKey,
        _: &RouteParameters,
        _: Option<&[&ChannelDetails]>,
        _: InFlightHtlcs,
    ) -> Result<TheirRoute, &'static str> {
        Err("there is no channel")
    }

    fn create_blinded_payment_paths<T: Signing + Verification>(
        &self,
        recipient: PublicKey,
        _: Vec<ChannelDetails>,
        tlvs: ReceiveTlvs,
        _: Option<u64>,
        secp: &Secp256k1<T>,
    ) -> Result<Vec<BlindedPaymentPath>, ()> {
        Ok(vec![BlindedPaymentPath::one_hop(recipient, tlvs, 40, &self.0, secp)?])
    }
}

/// Nobody names a hop by its channel.
struct NoChannels;

impl NodeIdLookUp for NoChannels {
    fn next_node_id(&self, _: u64) -> Option<PublicKey> {
        None
    }
}

/// What LDK makes of messages without a node.
struct Theirs {
    keys: KeysManager,
    roads: Roads,
    flow: OffersMessageFlow<Box<Roads>, Box<Silent>>,
    secp: Secp256k1<All>,
}

impl Theirs {
    fn new(number: u8) -> Self {
        let keys = || KeysManager::new(&[number; 32], 1, 1, true);
        let secp = Secp256k1::<All>::new();
        let flow = OffersMessageFlow::new(
            ChainHash::BITCOIN,
            BestBlock::from_network(bolt12::bitcoin::Network::Bitcoin),
            PublicKey::from_secret_key(&secp, &keys().get_node_secret_key()),
            u32::try_from(now().0).unwrap(),
            keys().get_expanded_key(),
            keys().get_receive_auth_key(),
            secp.clone(),
            Box::new(Roads(keys())),
            Box::new(Silent),
        );
        Self { keys: keys(), roads: Roads(keys()), flow, secp }
    }

    fn peel(&self, message: &OnionMessage) -> PeeledOnion<std::convert::Infallible> {
        let message = TheirMessage::read_from_fixed_length_buffer(&mut message.payload()).unwrap();
        peel_onion_message(&message, &self.secp, &self.keys, &Silent, IgnoringMessageHandler {}).unwrap()
    }

    fn path(&self, context: MessageContext) -> BlindedMessagePath {
        let node_id = PublicKey::from_secret_key(&self.secp, &self.keys.get_node_secret_key());
        let key = self.keys.get_receive_auth_key();
        self.roads.create_blinded_paths(node_id, key, context, vec![], &self.secp).unwrap().remove(0)
    }

    fn send(
        &self,
        message: impl OnionMessageContents,
        to: &BlindedMessagePath,
        reply: Option<BlindedMessagePath>,
    ) -> OnionMessage {
        let destination = Destination::BlindedPath(to.clone());
        let route = OnionMessagePath { intermediate_nodes: vec![], destination, first_node_addresses: vec![] };
        let (keys, lookup) = (&self.keys, &NoChannels);
        let (_, message, _) = create_onion_message(&keys, &keys, &lookup, &self.secp, route, message, reply).unwrap();
        OnionMessage::from_payload(&message.encode()).unwrap()
    }
}

fn node(number: u8) -> Messenger {
    Messenger::new(Keypair::from_seckey_slice(&Secp256k1::new(), &[number; 32]).unwrap())
}

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

fn their_path(path: &BlindedPath<'_>) -> BlindedMessagePath {
    BlindedMessagePath::read(&mut path.as_bytes()).unwrap()
}

fn our_path(path: &BlindedMessagePath) -> BlindedPath<'static> {
    BlindedPath::from_bytes(&path.encode()).unwrap().into_owned()
}

/// The other side's address, as LDK keeps it: nobody but LDK makes one of a path.
fn responder(path: &BlindedMessagePath) -> Responder {
    let with_len = |bytes: &[u8]| match u8::try_from(bytes.len()) {
        Ok(len @ ..0xfd) => [&[len][..], bytes].concat(),
        _ => [&[0xfd][..], &u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat(),
    };
    let bytes = with_len(&[&[0][..], &with_len(&path.encode())].concat());
    Responder::read(&mut &bytes[..]).unwrap()
}

fn send(messenger: &Messenger, outgoing: &OutgoingMessage) -> OnionMessage {
    messenger.send(outgoing, &Route::default(), random()).unwrap().message
}

fn received(messenger: &Messenger, message: &OnionMessage) -> IncomingMessage {
    match messenger.receive(message).unwrap() {
        Inbound::Message { message, .. } => message,
        other => panic!("{other:?}"),
    }
}

fn ask(offer: &Offer) -> (AsyncPayment, OutgoingMessage) {
    let draft = Payer::new([1; 32]).draft(offer, now(), CHAINS).unwrap();
    let draft = if offer.amount().is_some() { draft } else { draft.amount(Msat(5_000)) };
    let mut payment = AsyncPayment::new(draft.start([2; 32], now(), UnixTime(now().0 + DAY)).unwrap()).unwrap();
    let Action::Send(request) = payment.poll(now()).unwrap() else { panic!() };
    (payment, *request)
}

// STA-8, STA-9
#[test]
fn a_recipient_of_lightning_0_2_is_served_by_our_server() {
    let (them, us, wallet) = (Theirs::new(7), node(8), node(9));
    let server = StaticInvoiceServer::new([3; 32], ServerLimits::default());
    let client = ClientId([7; 8]);
    let to_us = us.path(&[], server.client_path_id(client, None)).build(random()).unwrap();
    them.flow.set_paths_to_static_invoice_server(vec![their_path(&to_us)], vec![]).unwrap();
    let (message, instructions) = them.flow.release_pending_async_messages().remove(0);
    let MessageSendInstructions::WithSpecifiedReplyPath { reply_path, .. } = instructions else { panic!() };
    let asked = them.send(message, &their_path(&to_us), Some(reply_path));
    let Ok(ServerStep::PathsAsked(asked)) = server.receive(received(&us, &asked), now()) else { panic!() };
    let path = us.path(&[], asked.path_id()).build(random()).unwrap();
    let given = send(&us, &asked.answer([path]).unwrap());
    let PeeledOnion::AsyncPayments(AsyncPaymentsMessage::OfferPaths(paths), context, Some(reply)) = them.peel(&given)
    else {
        panic!()
    };
    let (serve, context) = them
        .flow
        .handle_offer_paths(paths, context, responder(&reply), vec![], vec![], &them.keys, &them.roads)
        .expect("it takes our paths");
    let handed_in = them.send(AsyncPaymentsMessage::ServeStaticInvoice(serve), &reply, Some(them.path(context)));
    let Ok(ServerStep::Serve(to_serve)) = server.receive(received(&us, &handed_in), now()) else { panic!() };
    let storing = to_serve.compare(None).unwrap();
    let record = storing.record().unwrap().to_vec();
    let stored = send(&us, &storing.stored());
    let PeeledOnion::AsyncPayments(AsyncPaymentsMessage::StaticInvoicePersisted(_), context, _) = them.peel(&stored)
    else {
        panic!()
    };
    assert!(them.flow.handle_static_invoice_persisted(context));
    let (offer, _) = them.flow.get_async_receive_offer().unwrap();

    let (mut payment, request) = ask(&Offer::try_from(offer.as_ref()).unwrap());
    let Ok(ServerStep::Request(request)) = server.receive(received(&us, &send(&wallet, &request)), now()) else {
        panic!()
    };
    let served = request.answer(Some(&record), now()).unwrap();
    let answer = received(&wallet, &send(&us, &served.answer.unwrap()));
    assert_eq!(payment.receive(answer, now()).unwrap(), AsyncProgress::Asleep);
    let PeeledOnion::Offers(OffersMessage::InvoiceRequest(request), context, Some(_)) =
        them.peel(&send(&us, &served.forward))
    else {
        panic!()
    };
    let instructions = them.flow.verify_invoice_request(request, context);
    assert!(matches!(instructions, Ok(InvreqResponseInstructions::SendInvoice(_))), "it would answer itself");
}

// STA-8, STA-9
#[test]
fn our_recipient_is_served_by_a_server_of_lightning_0_2() {
    let (them, us, wallet) = (Theirs::new(7), node(8), node(9));
    let id = b"client of theirs".to_vec();
    let to_them = them.flow.blinded_paths_for_async_recipient(id.clone(), None, vec![]).unwrap();
    let payee = Payee::new([3; 32]);
    let mut recipient =
        payee.async_recipient(to_them.iter().map(our_path), random(), RecipientTerms::default()).unwrap();
    assert_eq!(recipient.open(now()), Ok(0));
    let Action::Send(asked) = recipient.poll(now()) else { panic!() };
    let PeeledOnion::AsyncPayments(AsyncPaymentsMessage::OfferPathsRequest(request), context, Some(reply)) =
        them.peel(&send(&us, &asked))
    else {
        panic!()
    };
    let (paths, context) = them.flow.handle_offer_paths_request(&request, context, vec![]).expect("paths for us");
    let given = them.send(AsyncPaymentsMessage::OfferPaths(paths), &reply, Some(them.path(context)));
    assert_eq!(recipient.receive(received(&us, &given), now()).unwrap(), RecipientProgress::Paths(0));

    let path = |path_id| us.path(&[], path_id).build(random()).unwrap();
    recipient.make_offer(0, now(), |offer| offer.description("tips").amount_msat(Msat(5_000))).unwrap();
    let held = |position| path(recipient.held_path_id(0, position, UnixTime(now().0 + 14 * DAY)).unwrap());
    let payinfo = PayInfo::new(1, 2, 40, 1, 50_000_000);
    let builder = recipient.static_invoice(0, now()).unwrap().add_path(path(PathId([9; 32])), &payinfo);
    let invoice = builder.add_message_path(held(0)).add_message_path(held(1)).build().unwrap();
    let forward_path = path(recipient.forward_path_id(0).unwrap());
    recipient.serve(0, invoice, &forward_path, now()).unwrap();
    let Action::Send(handed_in) = recipient.poll(now()) else { panic!() };
    let PeeledOnion::AsyncPayments(AsyncPaymentsMessage::ServeStaticInvoice(serve), context, Some(reply)) =
        them.peel(&send(&us, &handed_in))
    else {
        panic!()
    };
    assert_eq!(them.flow.verify_serve_static_invoice_message(&serve, context), Ok((id.clone(), 0)));
    them.flow.static_invoice_persisted(responder(&reply));
    let (message, _) = them.flow.release_pending_async_messages().remove(0);
    let stored = received(&us, &them.send(message, &reply, None));
    assert_eq!(recipient.receive(stored, now()).unwrap(), RecipientProgress::Stored(0));

    let offer = recipient.state(0, now()).unwrap().offer().unwrap().offer().clone();
    let (mut payment, request) = ask(&offer);
    let PeeledOnion::Offers(OffersMessage::InvoiceRequest(request), context, Some(reply)) =
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
    them.flow.enqueue_static_invoice(serve.invoice, responder(&reply)).unwrap();
    let forward_path = serve.forward_invoice_request_path;
    them.flow.enqueue_invoice_request_to_forward(invoice_request, forward_path.clone(), responder(&reply));
    let mut sent = them.flow.release_pending_offers_messages().into_iter();
    let answer = them.send(sent.next().unwrap().0, &reply, None);
    assert_eq!(payment.receive(received(&wallet, &answer), now()).unwrap(), AsyncProgress::Asleep);
    let (message, instructions) = sent.next().unwrap();
    let MessageSendInstructions::ForwardedMessage { reply_path, .. } = instructions else { panic!() };
    let forwarded = them.send(message, &forward_path, reply_path);
    assert!(payee.receive(received(&us, &forwarded)).unwrap().accept(&Terms::new(now(), CHAINS)).is_ok());
}
