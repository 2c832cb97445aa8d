//! Each kind of message arrives in an onion as what it was sent as.

use super::raw::*;
use bolt12::StaticInvoice;
use bolt12::exchange::{
    Destination, Inbound, MessageArrival, Messenger, OffersMessage, OffersMessageKind, OutgoingMessage, PathId, Route,
};
use bolt12::onion::NextHop;
use bolt12::secp256k1::{Keypair, Message, Secp256k1};

fn node(byte: u8) -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &[byte; 32]).unwrap()
}

/// What another node receives of it, over no path.
fn sent(message: &OffersMessage, reply_path_id: Option<PathId>) -> Inbound {
    let destination = Destination::Node(node(2).public_key());
    let outgoing = OutgoingMessage { message: message.clone(), destination, reply_path_id };
    let onion = Messenger::new(node(1)).send(&outgoing, &Route::default(), [6; 32]).unwrap();
    assert_eq!(onion.to, NextHop::NodeId(node(2).public_key()));
    Messenger::new(node(2)).receive(&onion.message).unwrap()
}

fn arrives_as(message: OffersMessage, kind: OffersMessageKind) {
    for reply_path_id in [None, Some(PathId([7; 32]))] {
        let shown = format!("{:?}", sent(&message, reply_path_id));
        assert!(shown.starts_with("Message"), "{shown}");
        let Inbound::Message { message: received, .. } = sent(&message, reply_path_id) else { panic!() };
        assert_eq!((received.kind, &received.bytes[..]), (kind, message.as_bytes()));
        assert_eq!(received.arrival, MessageArrival::Direct);
        assert_eq!(received.reply_path.is_some(), reply_path_id.is_some());
    }
}

// MSG-1
#[test]
fn a_payment_that_is_held_is_announced_and_released() {
    arrives_as(OffersMessage::HeldHtlcAvailable, OffersMessageKind::HeldHtlcAvailable);
    arrives_as(OffersMessage::ReleaseHeldHtlc, OffersMessageKind::ReleaseHeldHtlc);
}

// MSG-1
#[test]
fn a_static_invoice_arrives_whole() {
    let invoice = offer().with(16, path()).with(160, path()).with(162, payinfo(&[])).with_number(164, CREATED_AT);
    let invoice = invoice.with(176, issuer().public_key().serialize()).with(236, path());
    let digest = invoice.digest("static_invoice");
    let signature = Secp256k1::new().sign_schnorr_no_aux_rand(&Message::from_digest(digest), &issuer());
    let invoice: StaticInvoice = invoice.with(240, signature.as_ref().to_vec()).read();
    arrives_as(OffersMessage::StaticInvoice(invoice), OffersMessageKind::StaticInvoice);
}
