//! Onions of one layer with whatever payload, made by the letter of BOLT 4, to see what is refused.
#![allow(dead_code, reason = "each test uses some of it")]

use bolt12::BlindedPath;
use bolt12::bitcoin::hashes::{Hash, HashEngine, Hmac, HmacEngine, sha256};
use bolt12::onion::OnionMessage;
use bolt12::secp256k1::ecdh::SharedSecret;
use bolt12::secp256k1::{Keypair, PublicKey, Scalar, Secp256k1, SecretKey};
use chacha20::cipher::{KeyIvInit, StreamCipher};
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};

/// Secrets that nobody else should have.
const PATH: [u8; 32] = [0x77; 32];
const ONION: [u8; 32] = [0x78; 32];

pub(crate) fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut engine = HmacEngine::<sha256::Hash>::new(key);
    parts.iter().for_each(|part| engine.input(part));
    Hmac::from_engine(engine).to_byte_array()
}

fn public(secret: [u8; 32]) -> PublicKey {
    SecretKey::from_slice(&secret).unwrap().public_key(&Secp256k1::new())
}

fn shared(point: &PublicKey, secret: [u8; 32]) -> [u8; 32] {
    SharedSecret::new(point, &SecretKey::from_slice(&secret).unwrap()).secret_bytes()
}

/// One record with a type and a length below 253.
pub(crate) fn record(number: u8, value: &[u8]) -> Vec<u8> {
    let mut record = vec![number];
    match u8::try_from(value.len()) {
        Ok(len) if len < 253 => record.push(len),
        _ => record.extend([0xfd].into_iter().chain((value.len() as u16).to_be_bytes())),
    }
    record.extend_from_slice(value);
    record
}

/// A path key, and data that the node with this key finds encrypted to it.
pub(crate) fn encrypted(node: &PublicKey, data: &[u8]) -> (PublicKey, Vec<u8>) {
    (public(PATH), sealed(&shared(node, PATH), data))
}

fn sealed(shared: &[u8; 32], data: &[u8]) -> Vec<u8> {
    let rho = hmac(b"rho", &[shared]);
    let mut buffer = data.to_vec();
    let tag = ChaCha20Poly1305::new(&rho.into())
        .encrypt_inout_detached(&[0; 12].into(), &[], buffer.as_mut_slice().into())
        .unwrap();
    buffer.extend_from_slice(&tag);
    buffer
}

/// A path to the last of these nodes. Each is told exactly this: there is no padding.
pub(crate) fn path(hops: &[(PublicKey, Vec<u8>)], secret: [u8; 32]) -> BlindedPath<'static> {
    let secp = Secp256k1::new();
    let mut secret = SecretKey::from_slice(&secret).unwrap();
    let first_path_key = secret.public_key(&secp);
    let mut blinded = Vec::new();
    for (node, data) in hops {
        let shared = shared(node, secret.secret_bytes());
        let factor = Scalar::from_be_bytes(hmac(b"blinded_node_id", &[&shared])).unwrap();
        blinded.push((node.mul_tweak(&secp, &factor).unwrap(), sealed(&shared, data)));
        let next = sha256::Hash::hash(&[&secret.public_key(&secp).serialize()[..], &shared].concat());
        secret = secret.mul_tweak(&Scalar::from_be_bytes(next.to_byte_array()).unwrap()).unwrap();
    }
    let blinded = blinded.iter().map(|(id, data)| (*id, &data[..]));
    BlindedPath::new(hops[0].0.into(), first_path_key, blinded).unwrap()
}

/// A message whose only layer has these bytes in front, the length of the payload included.
pub(crate) fn message_of(node: &PublicKey, layer: &[u8]) -> OnionMessage {
    let factor = Scalar::from_be_bytes(hmac(b"blinded_node_id", &[&shared(node, PATH)])).unwrap();
    let blinded = node.mul_tweak(&Secp256k1::new(), &factor).unwrap();
    let secret = shared(&blinded, ONION);
    let mut data = layer.to_vec();
    data.resize(1300, 0x55);
    let rho = hmac(b"rho", &[&secret]);
    chacha20::ChaCha20::new(&rho.into(), &[0; 12].into()).apply_keystream(&mut data);
    let mac = hmac(&hmac(b"mu", &[&secret]), &[&data]);
    let packet = [&[0][..], &public(ONION).serialize(), &data, &mac].concat();
    let len = (packet.len() as u16).to_be_bytes();
    OnionMessage::read([&[2, 1][..], &public(PATH).serialize(), &len, &packet].concat()).unwrap()
}

/// A message with this payload, for the last hop or for one before.
pub(crate) fn message(node: &PublicKey, payload: &[u8], is_last: bool) -> OnionMessage {
    let mut layer = record(0, payload)[1..].to_vec();
    layer.extend_from_slice(&[if is_last { 0 } else { 0x99 }; 32]);
    message_of(node, &layer)
}

/// All that a node finds in a packet of which it is the last hop, whatever it uses of it.
pub(crate) fn decrypted(message: &OnionMessage, node: &Keypair) -> Vec<u8> {
    let blinding = hmac(b"blinded_node_id", &[&shared(&message.path_key().public_key().unwrap(), node.secret_bytes())]);
    let key = node.secret_key().mul_tweak(&Scalar::from_be_bytes(blinding).unwrap()).unwrap();
    let packet = message.packet();
    let secret = shared(&PublicKey::from_slice(&packet[1..34]).unwrap(), key.secret_bytes());
    let mut data = packet[34..packet.len() - 32].to_vec();
    assert_eq!(hmac(&hmac(b"mu", &[&secret]), &[&data]), packet[packet.len() - 32..]);
    chacha20::ChaCha20::new(&hmac(b"rho", &[&secret]).into(), &[0; 12].into()).apply_keystream(&mut data);
    data
}
