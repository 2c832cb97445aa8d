//! Nodes, and ways from one to another.
#![allow(dead_code, reason = "each test uses some of it")]

use bolt12::onion::{Forward, NextHop, OnionMessage, Peeled, Received};
use bolt12::secp256k1::{Keypair, PublicKey, Secp256k1};

/// A node's key.
pub(crate) fn node(byte: u8) -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &[byte; 32]).unwrap()
}

pub(crate) fn id(byte: u8) -> PublicKey {
    node(byte).public_key()
}

/// What somebody else is to pass on.
pub(crate) fn forward(message: &OnionMessage, node: &Keypair) -> Forward {
    match message.peel(node) {
        Ok(Peeled::Forward(forward)) => forward,
        other => panic!("{other:?}"),
    }
}

/// The message after a node has passed it on to the one expected.
pub(crate) fn passed_on(message: &OnionMessage, node: &Keypair, next: NextHop) -> OnionMessage {
    let forward = forward(message, node);
    assert_eq!(forward.next(), next);
    forward.message().unwrap()
}

pub(crate) fn received(message: &OnionMessage, node: &Keypair) -> Received {
    match message.peel(node) {
        Ok(Peeled::Received(received)) => received,
        other => panic!("{other:?}"),
    }
}
