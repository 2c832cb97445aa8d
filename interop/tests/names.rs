//! Queries and proofs of names (bLIP 32), against `OMNameResolver` of LDK 0.2.

use std::time::{SystemTime, UNIX_EPOCH};

use bolt12::onion::{DnssecProof, DnssecQuery};
use bolt12::{ErrorKind, HumanReadableName, LinkFault, ResolvedName, UnixTime};
use ldk::ln::channelmanager::PaymentId;
use ldk::onion_message::dns_resolution::{
    DNSResolverMessage, DNSSECProof, DNSSECQuery, HumanReadableName as TheirName, OMNameResolver,
};
use ldk::sign::EntropySource;
use ldk::util::ser::{ReadableArgs, Writeable};

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
