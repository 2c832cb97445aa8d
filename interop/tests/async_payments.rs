//! Payees that sleep, over onion messages, with `lightning` on the other side: our payer with an LDK payee, and an LDK
//! payer with what we have served. LDK's channels, which hold and pay HTLCs, take no part.

#[path = "common/flow.rs"]
mod flow;

use bolt12::exchange::{
    Action, AsyncPayment, AsyncProgress, AsyncState, OffersMessage, OffersMessageKind, OutgoingMessage, PathId, Payer,
    Release, Route as OurRoute,
};
use bolt12::onion::{Contents, OfferPaths, OfferPathsRequest, OnionMessageBuilder, Peeled, ServeStaticInvoice};
use bolt12::secp256k1::{All, Keypair, Secp256k1};
use bolt12::{
    BlindedPath, ChainHash, Msat, Offer, OfferBuilder, PayInfo, StaticInvoice, StaticInvoiceBuilder, UnixTime,
};
use flow::*;
use lightning::blinded_path::message::{AsyncPaymentsContext, MessageContext};
use lightning::ln::channelmanager::PaymentId;
use lightning::offers::flow::HeldHtlcReplyPath;
use lightning::offers::invoice_request::InvoiceRequest as TheirRequest;
use lightning::offers::static_invoice::StaticInvoice as TheirStaticInvoice;
use lightning::onion_message::async_payments::{
    AsyncPaymentsMessage, OfferPaths as TheirOfferPaths, OfferPathsRequest as TheirOfferPathsRequest, ReleaseHeldHtlc,
    ServeStaticInvoice as TheirServeStaticInvoice, StaticInvoicePersisted,
};
use lightning::onion_message::messenger::{Destination, MessageRouter, MessageSendInstructions, PeeledOnion};
use lightning::sign::NodeSigner;
use lightning::types::payment::PaymentSecret;
use lightning::util::ser::Writeable;

const DAY: u64 = 86_400;
const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];

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

// STA-8, STA-9: the same bytes under the same number, in both directions.
#[test]
fn both_write_what_is_said_about_serving_alike() {
    let (them, us) = (Theirs::new(7), node(8));
    let key = Keypair::from_seckey_slice(&Secp256k1::new(), &[8; 32]).unwrap();
    let path = |byte| us.path(&[], PathId([byte; 32])).build(random()).unwrap();
    let offer = OfferBuilder::new(key.public_key()).add_path(path(1)).build().unwrap();
    let invoice = StaticInvoiceBuilder::new(&offer, now()).add_path(path(2), &PayInfo::new(1, 2, 40, 1, 50_000_000));
    let invoice = invoice.add_message_path(path(3)).add_message_path(path(4)).build().unwrap().sign(&key).unwrap();
    let (first, second, forward) = (path(5), path(6), path(7));
    let request = OfferPathsRequest { invoice_slot: 513 }.to_bytes();
    let paths = OfferPaths::new([first.clone(), second.clone()], Some(UnixTime(5))).unwrap().to_bytes();
    let serve = ServeStaticInvoice::new(invoice.as_bytes(), &forward).unwrap().to_bytes();
    let theirs = [
        AsyncPaymentsMessage::OfferPathsRequest(TheirOfferPathsRequest { invoice_slot: 513 }),
        AsyncPaymentsMessage::OfferPaths(TheirOfferPaths {
            paths: vec![their_path(&first), their_path(&second)],
            paths_absolute_expiry: Some(5),
        }),
        AsyncPaymentsMessage::ServeStaticInvoice(TheirServeStaticInvoice {
            invoice: TheirStaticInvoice::try_from(invoice.as_bytes().to_vec()).unwrap(),
            forward_invoice_request_path: their_path(&forward),
        }),
        AsyncPaymentsMessage::StaticInvoicePersisted(StaticInvoicePersisted {}),
    ];
    let ours = [
        Contents::OfferPathsRequest(&request),
        Contents::OfferPaths(&paths),
        Contents::ServeStaticInvoice(&serve),
        Contents::StaticInvoicePersisted(&[0]),
    ];
    for (theirs, ours) in theirs.into_iter().zip(ours) {
        assert_eq!(theirs.encode(), ours.as_bytes());
        // What they send arrives here as what it is.
        let to_us = Destination::BlindedPath(their_path(&path(9)));
        let Ok(Peeled::Received(received)) = them.send(theirs.clone(), to_us, None).peel(&key) else { panic!() };
        assert_eq!(received.contents(), Some(ours));
        // And what we send, there: over a path of theirs for such messages.
        let context = AsyncPaymentsContext::OutboundPayment { payment_id: PaymentId([1; 32]) };
        let context = MessageContext::AsyncPayments(context);
        let to_them = them.roads().create_blinded_paths(
            them.id(),
            them.keys.get_receive_auth_key(),
            context,
            vec![],
            &Secp256k1::<All>::new(),
        );
        let to_them = BlindedPath::from_bytes(&to_them.unwrap()[0].encode()).unwrap().into_owned();
        let message = OnionMessageBuilder::over(&to_them, ours).build(random()).unwrap();
        let PeeledOnion::AsyncPayments(came, ..) = them.peel(&message.message) else { panic!() };
        assert_eq!(came.encode(), theirs.encode());
    }
}
