//! Payees that sleep, over onion messages, with `lightning` on the other side: our payer with an LDK payee, and an LDK
//! payer with what we have served. LDK's channels, which hold and pay HTLCs, take no part.

use bolt12::exchange::{
    Action, AsyncPayment, AsyncProgress, AsyncState, Inbound, IncomingMessage, Messenger, OffersMessage,
    OffersMessageKind, OutgoingMessage, PathId, Payer, Release, Route as OurRoute,
};
use bolt12::onion::{Contents, OnionMessage, OnionMessageBuilder, Peeled};
use bolt12::secp256k1::{All, Keypair, PublicKey, Secp256k1, Signing, Verification};
use bolt12::{
    BlindedPath, ChainHash, Msat, Offer, OfferBuilder, PayInfo, StaticInvoice, StaticInvoiceBuilder, UnixTime,
};
use lightning::blinded_path::NodeIdLookUp;
use lightning::blinded_path::message::{AsyncPaymentsContext, BlindedMessagePath, MessageContext, MessageForwardNode};
use lightning::blinded_path::payment::{BlindedPaymentPath, ReceiveTlvs};
use lightning::chain::BlockLocator;
use lightning::ln::channel_state::ChannelDetails;
use lightning::ln::channelmanager::PaymentId;
use lightning::ln::msgs::OnionMessage as TheirMessage;
use lightning::ln::peer_handler::IgnoringMessageHandler;
use lightning::offers::flow::{HeldHtlcReplyPath, OffersMessageFlow};
use lightning::offers::invoice_request::InvoiceRequest as TheirRequest;
use lightning::offers::static_invoice::StaticInvoice as TheirStaticInvoice;
use lightning::onion_message::async_payments::{AsyncPaymentsMessage, ReleaseHeldHtlc};
use lightning::onion_message::messenger::{
    Destination, MessageRouter, MessageSendInstructions, OnionMessagePath, PeeledOnion, create_onion_message,
    peel_onion_message,
};
use lightning::routing::router::{InFlightHtlcs, Route, RouteParameters, Router};
use lightning::sign::{KeysManager, NodeSigner, ReceiveAuthKey};
use lightning::types::payment::PaymentSecret;
use lightning::util::logger::{Logger, Record};
use lightning::util::ser::{LengthReadable, Readable, Writeable};

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
        Ok(vec![BlindedMessagePath::new(&[], recipient, key, context, false, &self.0, secp)])
    }
}

impl Router for Roads {
    fn find_route(
        &self,
        _: &PublicKey,
        _: &RouteParameters,
        _: Option<&[&ChannelDetails]>,
        _: InFlightHtlcs,
    ) -> Result<Route, &'static str> {
        Err("there is no channel")
    }

    fn create_blinded_payment_paths<T: Signing + Verification>(
        &self,
        recipient: PublicKey,
        key: ReceiveAuthKey,
        _: Vec<ChannelDetails>,
        tlvs: ReceiveTlvs,
        _: Option<u64>,
        secp: &Secp256k1<T>,
    ) -> Result<Vec<BlindedPaymentPath>, ()> {
        Ok(vec![BlindedPaymentPath::one_hop(recipient, key, tlvs, 40, &self.0, secp)?])
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
    flow: OffersMessageFlow<Roads, Silent>,
}

fn keys(number: u8) -> KeysManager {
    KeysManager::new(&[number; 32], 1, 1, true)
}

impl Theirs {
    fn new(number: u8) -> Self {
        let keys = keys(number);
        let secp = Secp256k1::<All>::new();
        let id = PublicKey::from_secret_key(&secp, &keys.get_node_secret_key());
        let block = BlockLocator::from_network(bolt12::bitcoin::Network::Bitcoin);
        let (expanded, receive) = (keys.get_expanded_key(), keys.get_receive_auth_key());
        let roads = Roads(self::keys(number));
        let flow = OffersMessageFlow::new(
            ChainHash::BITCOIN,
            block,
            id,
            now().0 as u32,
            expanded,
            receive,
            secp,
            roads,
            Silent,
        );
        Self { keys, flow }
    }

    fn peel(&self, message: &OnionMessage) -> PeeledOnion<std::convert::Infallible> {
        let message = TheirMessage::read_from_fixed_length_buffer(&mut message.payload()).unwrap();
        peel_onion_message(&message, &Secp256k1::new(), &self.keys, &Silent, IgnoringMessageHandler {}).unwrap()
    }

    fn send(&self, message: AsyncPaymentsMessage, to: Destination, reply: Option<BlindedMessagePath>) -> OnionMessage {
        let route = OnionMessagePath { intermediate_nodes: vec![], destination: to, first_node_addresses: vec![] };
        let (_, message, _) =
            create_onion_message(&self.keys, &self.keys, &NoChannels, &Secp256k1::new(), route, message, reply)
                .unwrap();
        OnionMessage::from_payload(&message.encode()).unwrap()
    }
}

fn node(number: u8) -> Messenger {
    Messenger::new(Keypair::from_seckey_slice(&Secp256k1::new(), &[number; 32]).unwrap())
}

fn their_path(path: &BlindedPath<'_>) -> BlindedMessagePath {
    BlindedMessagePath::read(&mut path.as_bytes()).unwrap()
}

/// Randomness that is new every time.
fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

fn received(messenger: &Messenger, message: &OnionMessage) -> IncomingMessage {
    match messenger.receive(message).unwrap() {
        Inbound::Message { message, .. } => message,
        other => panic!("{other:?}"),
    }
}

fn sent(payment: &mut AsyncPayment, now: UnixTime) -> OutgoingMessage {
    match payment.poll(now).unwrap() {
        Action::Send(message) => *message,
        other => panic!("{other:?}"),
    }
}

// STA-1 to STA-6, EXC-6
#[test]
fn our_payer_pays_a_payee_of_lightning_that_sleeps() {
    let (payee, server, wallet) = (Theirs::new(7), node(8), node(9));
    // The payee has its offer lead to whoever serves, and makes a static invoice for it.
    let to_server = server.path(&[], PathId([3; 32])).build(random()).unwrap();
    let (builder, nonce) =
        payee.flow.create_async_receive_offer_builder(&payee.keys, vec![their_path(&to_server)]).unwrap();
    let their_offer = builder.amount_msats(5_000).description("tips".to_owned()).build().unwrap();
    let secret = PaymentSecret([5; 32]);
    let builder = payee
        .flow
        .create_static_invoice_builder(
            &Roads(keys(7)),
            &their_offer,
            nonce,
            secret,
            14 * DAY as u32,
            Vec::new(),
            Vec::new(),
            None,
        )
        .unwrap();
    let their_invoice = builder.build_and_sign(&Secp256k1::new()).unwrap();

    // The payer asks; whoever serves answers with what it was given.
    let offer = Offer::try_from(their_offer.as_ref()).unwrap();
    let payer = Payer::new([1; 32]);
    let draft = payer.draft(&offer, now(), CHAINS).unwrap();
    let payment = draft.start([2; 32], now(), UnixTime(now().0 + DAY)).unwrap();
    let mut payment = AsyncPayment::new(payment).unwrap();
    let asked = wallet.send(&sent(&mut payment, now()), &OurRoute::default(), random()).unwrap();
    let request = received(&server, &asked.message);
    assert_eq!(request.kind, OffersMessageKind::InvoiceRequest);
    let invoice = StaticInvoice::try_from(their_invoice.encode()).unwrap();
    let answer = OutgoingMessage {
        message: OffersMessage::StaticInvoice(invoice),
        destination: bolt12::exchange::Destination::Path(request.reply_path.unwrap()),
        reply_path_id: None,
    };
    let answer = server.send(&answer, &OurRoute::default(), random()).unwrap();
    let came = received(&wallet, &answer.message);
    assert_eq!(payer.async_payment_of(&came.arrival), Some(payment.id()));
    assert_eq!(payment.receive(came, now()).unwrap(), AsyncProgress::Asleep);
    payment.begin_held(random(), now(), UnixTime(now().0 + DAY), None).unwrap();

    // The payee is told over its own message path, finds it to be so, and asks for the payment.
    let notice = wallet.send(&sent(&mut payment, now()), &OurRoute::default(), random()).unwrap();
    let PeeledOnion::AsyncPayments(message, context, reply_path) = payee.peel(&notice.message) else { panic!() };
    assert!(matches!(message, AsyncPaymentsMessage::HeldHtlcAvailable(_)), "{message:?}");
    payee.flow.verify_inbound_async_payment_context(context).unwrap();
    let release = AsyncPaymentsMessage::ReleaseHeldHtlc(ReleaseHeldHtlc {});
    let release = payee.send(release, Destination::BlindedPath(reply_path.unwrap()), None);
    let came = received(&wallet, &release);
    assert_eq!(came.bytes, [0], "its length stands in front of no records");
    assert_eq!(payer.async_payment_of(&came.arrival), Some(payment.id()));
    assert_eq!(payment.receive(came, UnixTime(now().0 + 60)).unwrap(), AsyncProgress::Released);
    let AsyncState::Paying(paying) = payment.state() else { panic!("{:?}", payment.state()) };
    assert_eq!((paying.release(), paying.amount()), (Release::Release, Msat(5_000)));
    assert!(!paying.paths().is_empty());

    // The request that goes into the payment onion is one that the payee takes for its offer.
    let request = TheirRequest::try_from(paying.request().unwrap().into_bytes()).unwrap();
    let expanded = payee.keys.get_expanded_key();
    request.verify_using_recipient_data(nonce, &expanded, &Secp256k1::new()).unwrap();
}

// STA-1 to STA-3
#[test]
fn a_payer_of_lightning_tells_us_and_hears_that_we_are_awake() {
    let (payer, us) = (Theirs::new(7), node(8));
    let key = Keypair::from_seckey_slice(&Secp256k1::new(), &[6; 32]).unwrap();
    let path = |byte| us.path(&[], PathId([byte; 32])).build(random()).unwrap();
    let offer = OfferBuilder::new(key.public_key()).description("tips").amount_msat(Msat(5_000)).add_path(path(1));
    let offer = offer.build().unwrap();
    let invoice = StaticInvoiceBuilder::new(&offer, now())
        .add_path(path(2), &PayInfo::new(1, 2, 40, 1, 50_000_000))
        .add_message_path(path(3))
        .add_message_path(path(4))
        .build()
        .unwrap()
        .sign(&key)
        .unwrap();
    let theirs = TheirStaticInvoice::try_from(invoice.into_bytes()).unwrap();
    let payment_id = PaymentId([9; 32]);
    let reply = HeldHtlcReplyPath::ToUs { payment_id, peers: Vec::new() };
    payer.flow.enqueue_held_htlc_available(&theirs, reply).unwrap();
    let mut told = 0;
    for (message, instructions) in payer.flow.release_pending_async_messages() {
        let MessageSendInstructions::WithSpecifiedReplyPath { destination, reply_path } = instructions else {
            panic!()
        };
        let notice = payer.send(message, destination, Some(reply_path));
        let key = Keypair::from_seckey_slice(&Secp256k1::new(), &[8; 32]).unwrap();
        let Ok(Peeled::Received(received)) = notice.peel(&key) else { panic!() };
        assert!(matches!(received.contents(), Some(Contents::HeldHtlcAvailable([0]))), "{:?}", received.contents());
        assert!([[3; 32], [4; 32]].iter().any(|id| received.path_id() == Some(&id[..])));
        let back = received.reply_path().unwrap();
        let release = OnionMessageBuilder::over(&back, Contents::ReleaseHeldHtlc(&[0])).build(random()).unwrap();
        let PeeledOnion::AsyncPayments(message, context, _) = payer.peel(&release.message) else { panic!() };
        assert!(matches!(message, AsyncPaymentsMessage::ReleaseHeldHtlc(_)), "{message:?}");
        assert!(matches!(context, AsyncPaymentsContext::OutboundPayment { payment_id: id } if id == payment_id));
        told += 1;
    }
    assert!(told >= 2, "over each message path: {told}");
}
