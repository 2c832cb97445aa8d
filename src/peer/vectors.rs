//! The specification's vectors, where they give what no caller sees: keys, and frames of what is not a message.

use alloc::string::String;
use alloc::vec::Vec;

use secp256k1::Keypair;
use zeroize::Zeroizing;

use super::buffer::{HEAD_LEN, Outgoing};
use super::handshake::{Handshake, Keys};
use crate::onion::keys::Secret;
use crate::signature::context;

fn rows(kind: &str) -> Vec<Vec<&'static str>> {
    let rows = include_str!("../../tests/data/transport.tsv").lines().map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter(|row| row[0] == kind).collect()
}

fn secret(byte: u8) -> Secret {
    Secret::new(&Zeroizing::new([byte; 32])).unwrap()
}

fn key(byte: u8) -> Keypair {
    Keypair::from_seckey_slice(context(), &[byte; 32]).unwrap()
}

/// The initiator's keys and the responder's.
fn keys() -> (Keys, Keys) {
    let (initiator, responder) = (key(0x11), key(0x21));
    let (mut outbound, act_one) = Handshake::outbound(&initiator, secret(0x12), responder.public_key());
    let mut inbound = Handshake::inbound(&responder, secret(0x22));
    let mut sent = Outgoing::default();
    assert!(inbound.advance(&act_one, &mut sent).unwrap().is_none());
    let act_two = sent.waiting().to_vec();
    sent.sent(act_two.len());
    let (peer, ours) = outbound.advance(&act_two, &mut sent).unwrap().unwrap();
    assert_eq!(peer, responder.public_key());
    let (peer, theirs) = inbound.advance(sent.waiting(), &mut Outgoing::default()).unwrap().unwrap();
    assert_eq!(peer, initiator.public_key());
    (ours, theirs)
}

#[test]
fn both_sides_get_the_keys() {
    let (ours, theirs) = keys();
    let [row] = &rows("keys")[..] else { panic!() };
    let hex = |cipher: &super::cipher::Cipher| hex::encode(cipher.key().as_slice());
    assert_eq!([hex(&ours.sending), hex(&ours.receiving)], row[1..]);
    assert_eq!([hex(&theirs.receiving), hex(&theirs.sending)], row[1..]);
}

#[test]
fn keys_change_after_500_messages() {
    let (mut ours, mut theirs) = keys();
    let mut out = Outgoing::default();
    let frames: Vec<String> = (0..=1001)
        .map(|_| {
            out.push_message(&mut ours.sending, &[b"hello"], 0);
            let mut frame = out.waiting().to_vec();
            out.sent(frame.len());
            let written = hex::encode(&frame);
            let (head, body) = frame.split_at_mut(HEAD_LEN);
            assert_eq!(theirs.receiving.open(head), Some(&mut [0, 5][..]));
            assert_eq!(theirs.receiving.open(body), Some(&mut { *b"hello" }[..]));
            written
        })
        .collect();
    let rows = rows("message");
    assert_eq!(rows.len(), 6);
    for row in rows {
        assert_eq!(frames[row[1].parse::<usize>().unwrap()], row[2], "message {}", row[1]);
    }
}
