//! Queries for names and their answers in onion messages (DNS-1 to DNS-5).
#![cfg(feature = "onion")]

#[path = "common/onion.rs"]
mod onion;

use bolt12::onion::{BlindedPathBuilder, Contents, DnssecProof, DnssecQuery, OnionMessageBuilder};
use bolt12::{Error, ErrorKind, HumanReadableName, Rule};
use onion::{id, node, received};
use proptest::prelude::*;

const DNS_NAME: &str = "alice.user._bitcoin-payment.example.com.";

fn query() -> DnssecQuery<'static> {
    DnssecQuery::new(&HumanReadableName::parse("₿alice@example.com").unwrap()).unwrap()
}

// DNS-1, DNS-2, DNS-3, DNS-5: a payer, a resolver, and one way there and back.
#[test]
fn a_question_and_its_answer() {
    let (payer, resolver) = (node(1), node(2));
    let asked = query().to_bytes();
    let reply_path = BlindedPathBuilder::new(id(1)).path_id([7; 32]).build([3; 32]).unwrap();
    let message = OnionMessageBuilder::to_node(id(2), Contents::DnssecQuery(&asked)).reply_path(&reply_path);
    let came = received(&message.build([4; 32]).unwrap().message, &resolver);
    let Some(Contents::DnssecQuery(bytes)) = came.contents() else { panic!("{came:?}") };
    let question = DnssecQuery::read(bytes).unwrap();
    assert_eq!(question.name(), DNS_NAME);

    let answer = question.answer(b"records").unwrap().to_bytes();
    let back = came.reply_path().unwrap();
    let message = OnionMessageBuilder::over(&back, Contents::DnssecProof(&answer)).build([5; 32]).unwrap();
    let came = received(&message.message, &payer);
    // DNS-3: over the path that was made for it.
    assert_eq!(came.path_id(), Some(&[7; 32][..]));
    let Some(Contents::DnssecProof(bytes)) = came.contents() else { panic!("{came:?}") };
    let proof = DnssecProof::read(bytes).unwrap();
    assert_eq!(query().proof_in(&proof), Some(&b"records"[..]));
}

// DNS-4
#[test]
fn an_answer_to_another_question_is_none() {
    let other = DnssecQuery::new(&HumanReadableName::parse("bob@example.com").unwrap()).unwrap();
    assert_eq!(query().proof_in(&other.answer(b"x").unwrap()), None);
    let upper = DnssecQuery::new(&HumanReadableName::parse("ALICE@Example.com").unwrap()).unwrap();
    assert_eq!(query().proof_in(&upper.answer(b"x").unwrap()), Some(&b"x"[..]));
}

// DNS-1, DNS-2
#[test]
fn what_is_malformed_is_refused() {
    let kind = |error: Error| (error.kind().clone(), error.rule(), error.offset());
    let query = |bytes: &[u8]| DnssecQuery::read(bytes).map(drop).map_err(kind);
    assert_eq!(query(b""), Err((ErrorKind::Truncated, Rule::Tlv3, Some(0))));
    assert_eq!(query(b"\x03a."), Err((ErrorKind::Truncated, Rule::Tlv3, Some(1))));
    assert_eq!(query(b"\x02a.x"), Err((ErrorKind::InvalidLength, Rule::Tlv3, Some(3))));
    assert_eq!(query(b"\x00"), Err((ErrorKind::Missing, Rule::Dns1, Some(1))));
    assert_eq!(query(b"\x02ab"), Err((ErrorKind::Missing, Rule::Dns1, Some(1))));
    for (bad, c) in [(b' ', ' '), (0, '\0'), (0x7f, '\x7f'), (0xff, '\u{fffd}')] {
        assert_eq!(query(&[2, bad, b'.']), Err((ErrorKind::InvalidName(c), Rule::Dns1, Some(1))));
    }
    let proof = |bytes: &[u8]| DnssecProof::read(bytes).map(drop).map_err(kind);
    assert_eq!(proof(b"\x02a."), Err((ErrorKind::Truncated, Rule::Tlv3, Some(3))));
    assert_eq!(proof(b"\x02a.\x00\x02x"), Err((ErrorKind::Truncated, Rule::Tlv3, Some(5))));
    assert_eq!(proof(b"\x02a.\x00\x01xy"), Err((ErrorKind::InvalidLength, Rule::Tlv3, Some(6))));
    assert_eq!(proof(b"\x01a\x00\x00"), Err((ErrorKind::Missing, Rule::Dns2, Some(1))));
    let long = HumanReadableName::new("a", "b").unwrap();
    let many = vec![0; 65_536];
    let answer = DnssecQuery::new(&long).unwrap();
    assert_eq!(answer.answer(&many).unwrap_err().kind(), &ErrorKind::TooLong { len: 65_536, max: 65_535 });
    let (user, domain) = ("a".repeat(200), "b".repeat(200));
    let long = HumanReadableName::new(&user, &domain).unwrap();
    assert!(matches!(DnssecQuery::new(&long).unwrap_err().kind(), ErrorKind::TooLong { len: 424, max: 255 }));
}

proptest! {
    #[test]
    fn what_is_written_is_read(user in "[a-zA-Z0-9._-]{1,60}", domain in "[a-z0-9.-]{1,60}", proof: Vec<u8>) {
        let name = HumanReadableName::new(&user, &domain).unwrap();
        let query = DnssecQuery::new(&name).unwrap();
        let bytes = query.to_bytes();
        prop_assert_eq!(&DnssecQuery::read(&bytes).unwrap(), &query);
        let answer = query.answer(&proof).unwrap().to_bytes();
        let read = DnssecProof::read(&answer).unwrap();
        prop_assert_eq!((read.name(), read.proof()), (query.name(), &*proof));
        prop_assert_eq!(query.proof_in(&read), Some(&*proof));
    }

    #[test]
    fn anything_is_read_as_it_is_or_refused(bytes: Vec<u8>) {
        if let Ok(query) = DnssecQuery::read(&bytes) {
            prop_assert_eq!(query.to_bytes(), &*bytes);
        }
        if let Ok(proof) = DnssecProof::read(&bytes) {
            prop_assert_eq!(proof.to_bytes(), &*bytes);
        }
    }
}
