//! The specification's vectors, where they give what no caller sees.

use alloc::string::String;
use alloc::vec::Vec;

use hex::FromHex;
use secp256k1::PublicKey;
use serde_json::Value;
use zeroize::Zeroizing;

use super::keys::{Secret, Shared, derive};
use super::packet::{self, Layer, Packet};
use super::refusal::Refusal;

fn vectors(name: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("../../tests/data/onion.json")).unwrap();
    all[name].clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    Vec::from_hex(text(value)).unwrap()
}

fn secret(value: &Value) -> Secret {
    Secret::new(&Zeroizing::new(FromHex::from_hex(text(value)).unwrap())).unwrap()
}

fn key(value: &Value) -> PublicKey {
    text(value).parse().unwrap()
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(bytes)
}

#[test]
fn a_route_is_blinded_step_by_step() {
    let vectors = vectors("route-blinding-test");
    let hops = vectors["generate"]["hops"].as_array().unwrap();
    let nodes = vectors["unblind"]["hops"].as_array().unwrap();
    assert_eq!((hops.len(), nodes.len()), (4, 4));
    for (at, (hop, node)) in hops.iter().zip(nodes).enumerate() {
        let session = secret(&hop["path_privkey"]);
        if let Some(first) = hop.get("session_key") {
            assert_eq!(text(first), hex(*session.bytes()));
        }
        let (node_id, path_key) = (key(&hop["node_id"]), session.public_key());
        assert_eq!(path_key, key(&hop["path_key"]));

        // The node finds the same secret.
        let node_key = secret(&node["node_privkey"]);
        assert_eq!(node_key.public_key(), node_id);
        let theirs = Shared::new(&path_key, &node_key);
        let shared = Shared::new(&node_id, &session);
        assert_eq!(hex(*shared.bytes()), text(&hop["shared_secret"]));
        assert_eq!(theirs.bytes(), shared.bytes());
        assert_eq!(hex(*shared.rho()), text(&hop["rho"]));

        let blinding = shared.blinding().unwrap();
        assert_eq!(blinding.times(node_id).unwrap(), key(&hop["blinded_node_id"]));
        let blinded = node_key.times(&blinding).unwrap();
        assert_eq!(hex(*blinded.bytes()), text(&node["blinded_privkey"]));
        assert_eq!(blinded.keypair().public_key(), key(&hop["blinded_node_id"]));

        let next = shared.next(&path_key).unwrap();
        assert_eq!(next.times(path_key).unwrap(), key(&node["next_path_key"]));
        if let Some(following) = hops.get(at + 1).filter(|hop| hop.get("session_key").is_none()) {
            let next_session = session.times(&next).unwrap();
            assert_eq!(hex(*next_session.bytes()), text(&following["path_privkey"]));
        }
    }
}

#[test]
fn the_route_of_a_message_is_blinded_step_by_step() {
    let vectors = vectors("blinded-onion-message-onion-test");
    let hops = vectors["generate"]["hops"].as_array().unwrap();
    let nodes = vectors["decrypt"]["hops"].as_array().unwrap();
    assert_eq!((hops.len(), nodes.len()), (4, 4));
    for (hop, node) in hops.iter().zip(nodes) {
        let session = secret(&hop["path_key_secret"]);
        let ephemeral = session.public_key();
        assert_eq!(ephemeral, key(&hop["E"]));
        let shared = Shared::new(&ephemeral, &secret(&node["privkey"]));
        assert_eq!(hex(*shared.bytes()), text(&hop["ss"]));
        assert_eq!(hex(*derive(b"blinded_node_id", &shared.bytes())), text(&hop["HMAC256('blinded_node_id', ss)"]));
        assert_eq!(hex(*shared.rho()), text(&hop["rho"]));
        let next = shared.next(&ephemeral).unwrap();
        assert_eq!(hex(next.bytes()), text(&hop["H(E || ss)"]));
        // The vectors' secrets carry the byte that wallets append to say that the key is compressed.
        assert_eq!(hex(*session.times(&next).unwrap().bytes()) + "01", text(&hop["next_e"]));
    }
}

/// The packet of a payment, which differs from a message's only in the data that is authenticated with it.
#[test]
fn a_packet_is_built_and_opened() {
    let vectors = vectors("onion-test");
    let generate = &vectors["generate"];
    let associated = bytes(&generate["associated_data"]);
    // There, the payloads are given with their lengths.
    let payload = |hop: &Value| {
        let payload = bytes(&hop["payload"]);
        payload[if payload[0] < 0xfd { 1 } else { 3 }..].to_vec()
    };
    let hops = generate["hops"].as_array().unwrap();
    let layers: Vec<Layer> = hops.iter().map(|hop| Layer { id: key(&hop["pubkey"]), payload: payload(hop) }).collect();
    let mut packet = Vec::new();
    packet::build(&mut packet, secret(&generate["session_key"]), &layers, &associated).unwrap();
    assert_eq!(hex(&packet), text(&vectors["onion"]));

    let nodes = vectors["decode"].as_array().unwrap();
    assert_eq!((hops.len(), nodes.len()), (5, 5));
    for (at, (node, layer)) in nodes.iter().zip(&layers).enumerate() {
        let read = Packet::read(&packet).unwrap();
        assert_eq!(read.open(&secret(node), &[]).err(), Some(Refusal::NotAuthentic), "without the data");
        let opened = read.open(&secret(node), &associated).unwrap();
        assert_eq!(opened.payload, layer.payload);
        assert_eq!(opened.rest.is_none(), at == 4);
        if let Some(rest) = opened.rest {
            let mut next = Vec::new();
            rest.write(&mut next).unwrap();
            assert_eq!(next.len(), rest.len());
            packet = next;
        }
    }
}
