//! The specification's blinded routes and onion messages, made and taken apart byte for byte. What only the inside of
//! the crate sees is compared in `src/onion/vectors.rs`.

use super::onion;
use std::path::Path;

use bolt12::onion::{
    BlindedPathBuilder, Contents, HopData, NextHop, OnionMessage, OnionMessageBuilder, PathHop, PaymentConstraints,
    PaymentRelay, Unblinded,
};
use bolt12::secp256k1::{Keypair, PublicKey, Secp256k1};
use bolt12::{BlindedPath, Feature, Features, IntroductionNode, Point, ShortChannelId};
use serde_json::Value;

const VECTORS: &str = include_str!("../data/onion.json");

fn vectors(name: &str) -> Value {
    let all: Value = serde_json::from_str(VECTORS).unwrap();
    all[name].clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(text(value)).unwrap()
}

fn key(value: &Value) -> PublicKey {
    text(value).parse().unwrap()
}

fn keypair(value: &Value) -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &bytes(value)).unwrap()
}

fn secret(value: &Value) -> [u8; 32] {
    bytes(value).try_into().unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn scid(value: &Value) -> ShortChannelId {
    let parts: Vec<u64> = text(value).split('x').map(|part| part.parse().unwrap()).collect();
    ShortChannelId(parts[0] << 40 | parts[1] << 16 | parts[2])
}

fn relay(value: &Value) -> PaymentRelay {
    PaymentRelay {
        cltv_expiry_delta: number(&value["cltv_expiry_delta"]).try_into().unwrap(),
        fee_proportional_millionths: number(&value["fee_proportional_millionths"]).try_into().unwrap(),
        fee_base_msat: value.get("fee_base_msat").map_or(0, number).try_into().unwrap(),
    }
}

fn constraints(value: &Value) -> PaymentConstraints {
    PaymentConstraints {
        max_cltv_expiry: number(&value["max_cltv_expiry"]).try_into().unwrap(),
        htlc_minimum_msat: number(&value["htlc_minimum_msat"]),
    }
}

/// The feature bits that a vector allows.
fn features(value: &Value) -> Features<'static> {
    let bits = value["features"].as_array().unwrap().iter().map(|bit| Feature(number(bit) as u32));
    Features::new(bits).unwrap()
}

/// A hop as a vector gives it, but for padding and what its place in the path says.
fn hop(value: &Value, node_id: PublicKey) -> PathHop {
    let mut hop = PathHop::new(node_id);
    for (name, value) in value["tlvs"].as_object().unwrap() {
        hop = match name.as_str() {
            "short_channel_id" => hop.by_channel(scid(value)),
            "payment_relay" => hop.payment_relay(relay(value)),
            "payment_constraints" => hop.payment_constraints(constraints(value)),
            "allowed_features" => hop.allowed_features(&features(value)),
            "padding" | "next_path_key_override" | "path_key_override_secret" | "path_id" | "next_node_id" => hop,
            name => hop.field(name.strip_prefix("unknown_tag_").unwrap().parse().unwrap(), bytes(value)),
        };
    }
    hop
}

fn compare_path(path: &BlindedPath<'_>, route: &Value, data: &str) {
    assert_eq!(path.introduction_node(), IntroductionNode::from(key(&route["first_node_id"])));
    assert_eq!(path.first_path_key(), key(&route["first_path_key"]));
    let hops = route["hops"].as_array().unwrap();
    assert_eq!(path.hops().count(), hops.len());
    for (hop, expected) in path.hops().zip(hops) {
        assert_eq!(hop.blinded_node_id, key(&expected["blinded_node_id"]));
        assert_eq!(hex::encode(hop.encrypted_recipient_data), text(&expected[data]));
    }
}

// PTH-1
#[test]
fn a_route_is_blinded() {
    let vectors = vectors("route-blinding-test");
    let hops = vectors["generate"]["hops"].as_array().unwrap();
    let [bob, carol, dave, eve] = &hops[..] else { panic!() };
    // Hops of two paths that are joined are padded to one length.
    let len = bytes(&bob["encoded_tlvs"]).len();
    let hop = |value: &Value| hop(value, key(&value["node_id"]));
    let theirs = BlindedPathBuilder::new(hop(eve))
        .through(hop(dave))
        .path_id(bytes(&eve["tlvs"]["path_id"]))
        .pad_to(len)
        .build(secret(&dave["session_key"]))
        .unwrap();
    let path = BlindedPathBuilder::joining(&theirs, key(&dave["node_id"]))
        .through(hop(bob))
        .through(hop(carol))
        .pad_to(len)
        .build(secret(&bob["session_key"]))
        .unwrap();
    compare_path(&path, &vectors["route"], "encrypted_data");
    // PTH-1: somebody who sees the path cannot tell the hops apart.
    let lens: Vec<usize> = path.hops().map(|hop| hop.encrypted_recipient_data.len()).collect();
    assert_eq!(lens, [len + 16; 4]);
}

// PTH-3, PTH-4
#[test]
fn a_route_is_unblinded() {
    let vectors = vectors("route-blinding-test");
    let hops = vectors["generate"]["hops"].as_array().unwrap();
    let nodes = vectors["unblind"]["hops"].as_array().unwrap();
    let mut path_key = key(&vectors["route"]["first_path_key"]);
    for (at, (hop, node)) in hops.iter().zip(nodes).enumerate() {
        assert_eq!(path_key, key(&node["path_key"]));
        let unblinded =
            Unblinded::new(&keypair(&node["node_privkey"]), &path_key, &bytes(&hop["encrypted_data"])).unwrap();
        let data = unblinded.data();
        assert_eq!(data.tlvs().as_bytes(), bytes(&node["decrypted_data"]));
        assert_eq!(data.tlvs().as_bytes(), bytes(&hop["encoded_tlvs"]));
        let tlvs = &hop["tlvs"];
        assert_eq!(data.next(), tlvs.get("short_channel_id").map(|id| NextHop::Channel(scid(id))));
        let next_key = tlvs.get("next_path_key_override").map(|value| Point::from(key(value)));
        assert_eq!(data.next_path_key_override(), next_key);
        assert_eq!(data.path_id().map(hex::encode), tlvs.get("path_id").map(|id| text(id).to_owned()));
        assert_eq!(data.payment_relay(), tlvs.get("payment_relay").map(relay));
        assert_eq!(data.payment_constraints(), tlvs.get("payment_constraints").map(constraints));
        assert_eq!(data.allowed_features(), tlvs.get("allowed_features").map(features));
        let blinded = unblinded.signing_key();
        assert_eq!(blinded, keypair(&node["blinded_privkey"]));
        assert_eq!(blinded.public_key(), key(&hop["blinded_node_id"]));
        path_key = unblinded.next_path_key().unwrap();
        let next = node.get("next_path_key_override").unwrap_or(&node["next_path_key"]);
        assert_eq!(path_key, key(next), "hop {at}");
    }
}

/// Alice to Dave, over a path that Dave made from Bob to himself.
fn message_route(vectors: &Value) -> BlindedPath<'static> {
    let hops = vectors["generate"]["hops"].as_array().unwrap();
    let nodes = vectors["decrypt"]["hops"].as_array().unwrap();
    let [alice, bob, carol, dave] = [0, 1, 2, 3].map(|at| hop(&hops[at], keypair(&nodes[at]["privkey"]).public_key()));
    let theirs = BlindedPathBuilder::new(dave)
        .through(bob)
        .through(carol)
        .path_id(bytes(&hops[3]["tlvs"]["path_id"]))
        .build(secret(&hops[1]["path_key_secret"]))
        .unwrap();
    BlindedPathBuilder::joining(&theirs, keypair(&nodes[1]["privkey"]).public_key())
        .through(alice)
        .build(secret(&hops[0]["path_key_secret"]))
        .unwrap()
}

// MSG-1, MSG-5
#[test]
fn a_message_is_made_and_passed_on() {
    let vectors = vectors("blinded-onion-message-onion-test");
    let path = message_route(&vectors);
    compare_path(&path, &vectors["route"], "encrypted_recipient_data");

    let hello = bytes(&vectors["onionmessage"]["unknown_tag_1"]);
    assert_eq!(hello, b"hello");
    let session = secret(&vectors["generate"]["session_key"]);
    let outgoing = OnionMessageBuilder::over(&path, Contents::Invoice(&[]))
        .without_contents()
        .field(1, hello.clone())
        .build(session)
        .unwrap();
    assert_eq!(hex::encode(outgoing.message.packet()), text(&vectors["onionmessage"]["onion_message_packet"]));

    let nodes = vectors["decrypt"]["hops"].as_array().unwrap();
    assert_eq!(outgoing.to, NextHop::NodeId(keypair(&nodes[0]["privkey"]).public_key()));
    let mut message = outgoing.message;
    for node in &nodes[..3] {
        assert_eq!(hex::encode(message.as_bytes()), text(&node["onion_message"]));
        let next = NextHop::NodeId(key(&node["next_node_id"]));
        message = onion::passed_on(&message, &keypair(&node["privkey"]), next);
    }
    assert_eq!(hex::encode(message.as_bytes()), text(&nodes[3]["onion_message"]));
    assert_eq!(OnionMessage::read(bytes(&nodes[3]["onion_message"])).unwrap(), message);
    let received = onion::received(&message, &keypair(&nodes[3]["privkey"]));
    let numbers: Vec<u64> = received.payload().tlvs().records().map(|record| record.number()).collect();
    assert_eq!(numbers, [1, 4]);
    assert_eq!(received.payload().tlvs().get(1).unwrap().value(), hello);
    let encrypted = bytes(&nodes[3]["tlvs"]["encrypted_recipient_data"]);
    assert_eq!(received.payload().tlvs().get(4).unwrap().value(), encrypted);
    assert_eq!(received.contents(), None);
    assert_eq!(received.reply_path(), None);
    let hops = vectors["generate"]["hops"].as_array().unwrap();
    assert_eq!(received.path_id().map(hex::encode).as_deref(), Some(text(&hops[3]["tlvs"]["path_id"])));
    assert_eq!(received.signing_key().public_key(), key(&hops[3]["blinded_node_id"]));
    assert_eq!(received.data().tlvs().as_bytes(), bytes(&hops[3]["encrypted_data_tlv"]));
}

#[test]
fn what_hops_are_told_is_read_as_it_stands() {
    let route = vectors("route-blinding-test");
    let message = vectors("blinded-onion-message-onion-test");
    let hops = route["generate"]["hops"].as_array().unwrap().iter().map(|hop| bytes(&hop["encoded_tlvs"]));
    let others = message["generate"]["hops"].as_array().unwrap().iter().map(|hop| bytes(&hop["encrypted_data_tlv"]));
    for data in hops.chain(others) {
        assert_eq!(HopData::read(data.clone()).unwrap().tlvs().as_bytes(), data);
    }
}

/// Everything but the comments.
fn without_comments(value: Value) -> Value {
    match value {
        Value::Object(entries) => entries
            .into_iter()
            .filter(|(name, _)| name != "comment")
            .map(|(name, value)| (name, without_comments(value)))
            .collect(),
        Value::Array(entries) => entries.into_iter().map(without_comments).collect(),
        other => other,
    }
}

/// Our copy is the specification's, where that is at hand.
#[test]
fn the_copy_is_up_to_date() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors");
    if !directory.exists() {
        return;
    }
    let copies: Value = serde_json::from_str(VECTORS).unwrap();
    for (name, copy) in copies.as_object().unwrap() {
        let original = std::fs::read_to_string(directory.join(name).with_extension("json")).unwrap();
        let original: Value = serde_json::from_str(&original).unwrap();
        assert_eq!(*copy, without_comments(original), "{name}");
    }
}
