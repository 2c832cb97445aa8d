//! Queries and proofs of names (bLIP 32), against `OMNameResolver` of LDK 0.2.

use std::time::{SystemTime, UNIX_EPOCH};

use bolt12::exchange::{Action, Inbound, LookupState, Messenger, Payer, Route};
use bolt12::onion::{DnssecProof, DnssecQuery, NextHop, OnionMessage, PeerMessage};
use bolt12::secp256k1::{All, Keypair, PublicKey, Secp256k1};
use bolt12::{ErrorKind, HumanReadableName, LinkFault, ResolvedName, UnixTime};
use ldk::blinded_path::NodeIdLookUp;
use ldk::blinded_path::message::{BlindedMessagePath, MessageContext};
use ldk::ln::channelmanager::PaymentId;
use ldk::ln::msgs::OnionMessage as TheirMessage;
use ldk::ln::peer_handler::IgnoringMessageHandler;
use ldk::onion_message::dns_resolution::{
    DNSResolverMessage, DNSSECProof, DNSSECQuery, HumanReadableName as TheirName, OMNameResolver,
};
use ldk::onion_message::messenger::{
    Destination, OnionMessagePath, PeeledOnion, create_onion_message, peel_onion_message,
};
use ldk::onion_message::packet::ParsedOnionMessageContents;
use ldk::sign::{EntropySource, KeysManager, NodeSigner};
use ldk::util::logger::{Logger, Record};
use ldk::util::ser::{LengthReadable, ReadableArgs, Writeable};

struct Fixed;

impl EntropySource for Fixed {
    fn get_secure_random_bytes(&self) -> [u8; 32] {
        [7; 32]
    }
}

fn sample() -> (HumanReadableName<'static>, u64, Vec<u8>) {
    let line = include_str!("../../tests/data/dnssec.tsv").lines().find(|line| line.starts_with("matt@")).unwrap();
    let parts: Vec<&str> = line.split('\t').collect();
    (HumanReadableName::parse(parts[0]).unwrap(), parts[1].parse().unwrap(), hex::decode(parts[4]).unwrap())
}

// DNS-1
#[test]
fn a_query_is_the_same_from_both() {
    let (name, _, _) = sample();
    let resolver = OMNameResolver::new(0, 0);
    let theirs = TheirName::new(name.user(), name.domain()).unwrap();
    let (query, _) = resolver.resolve_name(PaymentId([1; 32]), theirs, &Fixed).unwrap();
    let bytes = DNSResolverMessage::DNSSECQuery(query).encode();
    assert_eq!(bytes, DnssecQuery::new(&name).unwrap().to_bytes());
    assert_eq!(DnssecQuery::read(&bytes).unwrap(), DnssecQuery::new(&name).unwrap());
    let read = <DNSResolverMessage as ReadableArgs<u64>>::read(&mut &bytes[..], 65536).unwrap();
    assert!(matches!(read, DNSResolverMessage::DNSSECQuery(DNSSECQuery(read)) if *read == name.dns_name().to_string()));
}

// DNS-2, NAM-7: with the machine's clock, which that resolver asks by itself, a proof of August 2026 is too old for
// both.
#[test]
fn a_proof_is_the_same_for_both() {
    let (name, from, proof) = sample();
    let query = DnssecQuery::new(&name).unwrap();
    let bytes = query.answer(&proof).unwrap().to_bytes();
    let DNSResolverMessage::DNSSECProof(theirs) =
        <DNSResolverMessage as ReadableArgs<u64>>::read(&mut &bytes[..], 65538).unwrap()
    else {
        panic!()
    };
    assert_eq!((theirs.name.as_str(), &theirs.proof), (query.name(), &proof));
    assert_eq!(DNSResolverMessage::DNSSECProof(theirs.clone()).encode(), bytes);
    assert_eq!(query.proof_in(&DnssecProof::read(&bytes).unwrap()), Some(&*proof));

    let resolver = OMNameResolver::new(from.try_into().unwrap(), 0);
    let asked = TheirName::new(name.user(), name.domain()).unwrap();
    let (_, context) = resolver.resolve_name(PaymentId([1; 32]), asked, &Fixed).unwrap();
    let accepted = resolver.handle_dnssec_proof_for_uri(DNSSECProof { ..theirs }, context);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let ours = ResolvedName::verify(&name, &proof, UnixTime(now));
    assert_eq!(accepted.map(|(_, uri)| uri), ours.clone().ok().map(|found| found.as_str().to_owned()));
    if let Err(error) = ours {
        assert!(matches!(error.kind(), ErrorKind::Link(LinkFault::ProofExpired { .. })), "{error:#}");
    }
}

struct Silent;

impl Logger for Silent {
    fn log(&self, _: Record<'_>) {}
}

struct NoChannels;

impl NodeIdLookUp for NoChannels {
    fn next_node_id(&self, _: u64) -> Option<PublicKey> {
        None
    }
}

/// A node of theirs, which is a peer of ours.
struct Node {
    keys: KeysManager,
    id: PublicKey,
}

impl Node {
    fn new(number: u8) -> Self {
        let keys = KeysManager::new(&[number; 32], 1, 1, true);
        let id = Keypair::from_secret_key(&Secp256k1::new(), &keys.get_node_secret_key()).public_key();
        Self { keys, id }
    }

    /// Sends to one of ours.
    fn send(
        &self,
        message: DNSResolverMessage,
        destination: Destination,
        reply_path: Option<BlindedMessagePath>,
    ) -> OnionMessage {
        let route = OnionMessagePath { intermediate_nodes: Vec::new(), destination, first_node_addresses: Vec::new() };
        let contents = ParsedOnionMessageContents::<std::convert::Infallible>::DNSResolver(message);
        let secp = Secp256k1::new();
        let (keys, channels) = (&self.keys, &NoChannels);
        let (_, message, _) =
            create_onion_message(&keys, &keys, &channels, &secp, route, contents, reply_path).unwrap();
        OnionMessage::from_payload(&message.encode()).unwrap()
    }

    /// Takes what one of ours sends it.
    fn receive(&self, sent: PeerMessage) -> PeeledOnion<std::convert::Infallible> {
        assert_eq!(sent.to, NextHop::NodeId(self.id));
        let message = TheirMessage::read_from_fixed_length_buffer(&mut sent.message.payload()).unwrap();
        let secp = Secp256k1::new();
        peel_onion_message(&message, &secp, &self.keys, &Silent, IgnoringMessageHandler {}).expect("for this node")
    }
}

fn our_node(byte: u8) -> Messenger {
    Messenger::new(Keypair::from_seckey_slice(&Secp256k1::new(), &[byte; 32]).unwrap())
}

// DNS-1 to DNS-4: we ask, and a node of theirs answers with the proof that its application found.
#[test]
fn their_resolver_answers_us() {
    let (name, from, proof) = sample();
    let (resolver, wallet, payer) = (Node::new(1), our_node(2), Payer::new([3; 32]));
    let now = UnixTime(from);
    let mut lookup = payer.look_up(&name, &[resolver.id], [4; 32], now, UnixTime(from + 30)).unwrap();
    let Action::Send(asked) = lookup.poll(now) else { panic!() };
    let sent = wallet.send_dns(&asked, &Route::default(), [5; 32]).unwrap();
    let PeeledOnion::DNSResolver(DNSResolverMessage::DNSSECQuery(query), None, Some(reply_path)) =
        resolver.receive(sent)
    else {
        panic!()
    };
    assert_eq!(query.0.to_string(), name.dns_name().to_string());
    let answer = DNSResolverMessage::DNSSECProof(DNSSECProof { name: query.0, proof });
    let came = resolver.send(answer, Destination::BlindedPath(reply_path), None);
    let Inbound::Proof(answer) = wallet.receive(&came).unwrap() else { panic!() };
    assert_eq!(payer.lookup_of(&answer.arrival), Some(lookup.id()));
    lookup.receive(&answer, now, ResolvedName::verify).unwrap();
    let LookupState::Resolved(found) = lookup.state() else { panic!("{:?}", lookup.state()) };
    assert_eq!(found.name(), &name);
}

// DNS-3, DNS-5: a node of theirs asks, and we answer over its path; what it makes of the proof is for its clock to say.
#[test]
fn our_resolver_answers_them() {
    let (name, from, proof) = sample();
    let (node, resolver) = (Node::new(1), our_node(2));
    let names = OMNameResolver::new(from.try_into().unwrap(), 0);
    let theirs = TheirName::new(name.user(), name.domain()).unwrap();
    let (query, context) = names.resolve_name(PaymentId([1; 32]), theirs, &node.keys).unwrap();
    let reply_path = BlindedMessagePath::one_hop(
        node.id,
        node.keys.get_receive_auth_key(),
        MessageContext::DNSResolver(context.clone()),
        &node.keys,
        &Secp256k1::<All>::new(),
    );
    let to = Destination::Node(resolver.node_id());
    let came = node.send(DNSResolverMessage::DNSSECQuery(query), to, Some(reply_path));
    let Inbound::Query(question) = resolver.receive(&came).unwrap() else { panic!() };
    assert_eq!(question.name(), name.dns_name().to_string());
    let answer = question.answer(&proof).unwrap();
    let sent = resolver.send_dns(&answer, &Route::default(), [5; 32]).unwrap();
    let PeeledOnion::DNSResolver(DNSResolverMessage::DNSSECProof(answer), Some(found), None) = node.receive(sent)
    else {
        panic!()
    };
    assert_eq!((found, &answer.proof), (context.clone(), &proof));
    let accepted = names.handle_dnssec_proof_for_uri(answer, context);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let ours = ResolvedName::verify(&name, &proof, UnixTime(now)).ok();
    assert_eq!(accepted.map(|(_, uri)| uri), ours.map(|found| found.as_str().to_owned()));
}
