//! Two connections, and the bytes between them.
#![allow(dead_code, reason = "every test file uses its own share")]

use std::sync::LazyLock;

use bolt12::bitcoin::Network;
use bolt12::onion::{Contents, OnionMessage, OnionMessageBuilder};
use bolt12::peer::{Config, Connection, ConnectionError, Event};
use bolt12::secp256k1::{All, Keypair, Secp256k1};
use bolt12::{ChainHash, UnixTime};

pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);

pub(crate) fn key(byte: u8) -> Keypair {
    static CONTEXT: LazyLock<Secp256k1<All>> = LazyLock::new(Secp256k1::new);
    Keypair::from_seckey_slice(&CONTEXT, &[byte; 32]).unwrap()
}

pub(crate) fn config() -> Config {
    Config::new(ChainHash::using_genesis_block_const(Network::Bitcoin))
}

/// The vectors' sides.
pub(crate) fn outbound() -> Connection {
    Connection::outbound(&key(0x11), key(0x21).public_key(), [0x12; 32], &config(), NOW).unwrap()
}

pub(crate) fn inbound() -> Connection {
    Connection::inbound(&key(0x21), [0x22; 32], &config(), NOW).unwrap()
}

/// An onion message with contents of that length.
pub(crate) fn message(len: usize) -> OnionMessage {
    let contents = vec![7; len];
    let message = OnionMessageBuilder::to_node(key(0x21).public_key(), Contents::InvoiceRequest(&contents));
    message.build([9; 32]).unwrap().message
}

/// As short as a packet may be, so that each of its bytes can have its turn.
pub(crate) fn short_message() -> OnionMessage {
    let len = 67;
    OnionMessage::read([&message(0).as_bytes()[..35], &[0, len], &vec![7; len.into()]].concat()).unwrap()
}

/// What is to be sent.
pub(crate) fn sent(connection: &mut Connection) -> Vec<u8> {
    let bytes = connection.transmit().to_vec();
    connection.transmitted(bytes.len());
    bytes
}

/// What comes of bytes that arrive in pieces of that size.
pub(crate) fn received(
    connection: &mut Connection,
    bytes: &[u8],
    piece: usize,
) -> (Vec<Event>, Result<(), ConnectionError>) {
    let mut events = Vec::new();
    for mut piece in bytes.chunks(piece) {
        loop {
            match connection.receive(&mut piece, NOW) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => return (events, Err(error)),
            }
        }
        assert!(piece.is_empty());
    }
    (events, Ok(()))
}

/// Lets both talk until they are silent, and gives what each got.
pub(crate) fn talk(one: &mut Connection, other: &mut Connection, piece: usize) -> (Vec<Event>, Vec<Event>) {
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    while !(one.transmit().is_empty() && other.transmit().is_empty()) {
        let bytes = sent(one);
        let (events, result) = received(other, &bytes, piece);
        result.unwrap();
        others.extend(events);
        let bytes = sent(other);
        let (events, result) = received(one, &bytes, piece);
        result.unwrap();
        ones.extend(events);
    }
    (ones, others)
}

/// Two that are connected.
pub(crate) fn pair() -> (Connection, Connection) {
    let (mut one, mut other) = (outbound(), inbound());
    talk(&mut one, &mut other, usize::MAX);
    assert!(one.is_connected() && other.is_connected());
    (one, other)
}
