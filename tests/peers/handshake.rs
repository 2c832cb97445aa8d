//! The handshake with a peer, and the bytes of a connection: whole, in pieces, cut and changed.

use super::peers::{NOW, config, inbound, key, message, outbound, pair, received, sent, short_message, talk};
use bolt12::onion::OnionMessage;
use bolt12::peer::{Connection, ConnectionError, Event, SendError};
use proptest::prelude::*;

/// What an error is called.
fn name(error: &ConnectionError) -> String {
    format!("{error:?}").split([' ', '{']).next().unwrap().to_owned()
}

#[test]
fn the_vectors_hold() {
    let vectors = include_str!("../data/transport.tsv");
    let mut count = 0;
    for row in vectors.lines().map(|line| line.split('\t').collect::<Vec<_>>()) {
        let [role @ ("initiator" | "responder"), about, steps, end] = row[..] else { continue };
        count += 1;
        let mut connection = if role == "initiator" { outbound() } else { inbound() };
        let mut error = None;
        for step in steps.split(' ') {
            match step.split_once(':') {
                // What follows act three is not in the vectors.
                Some(("out", bytes)) => {
                    let bytes = hex::decode(bytes).unwrap();
                    assert_eq!(connection.transmit()[..bytes.len()], bytes, "{about}");
                    connection.transmitted(bytes.len());
                }
                Some((_, bytes)) => {
                    let bytes = hex::decode(bytes).unwrap();
                    error = received(&mut connection, &bytes, 1).1.err().or(error);
                }
                None => error = Some(connection.disconnected()),
            }
        }
        assert_eq!(error.as_ref().map_or("keys".to_owned(), name), end, "{about}");
        // After act three follows `init`; after a failure nothing.
        assert_eq!(connection.transmit().is_empty(), error.is_some(), "{about}");
        if let Some(error) = error {
            assert_eq!(connection.receive(&mut &[0; 100][..], NOW), Err(error.clone()));
            assert_eq!(connection.poll(NOW), Err(error.clone()));
            assert_eq!(connection.disconnected(), error);
            assert_eq!(connection.send(&message(10)), Err(SendError::Closed(error)));
            assert_eq!(connection.wake_at(), None);
        }
    }
    assert_eq!(count, 15);
}

#[test]
fn both_sides_learn_who_the_other_is() {
    let (one, other) = pair();
    assert_eq!(one.node_id(), Some(key(0x21).public_key()));
    assert_eq!(other.node_id(), Some(key(0x11).public_key()));
    assert_eq!(inbound().node_id(), None);
}

/// Handshake, `init` and messages of several lengths, in pieces of every size that makes a difference.
#[test]
fn pieces_of_every_size_are_the_same() {
    for piece in (1..=70).chain([1_000, 1_500, 4_096, 65_536]) {
        let (mut one, mut other) = (outbound(), inbound());
        let (ones, others) = talk(&mut one, &mut other, piece);
        assert!(matches!((&ones[..], &others[..]), ([Event::Connected(_)], [Event::Connected(_)])));
        let messages = [0, 1, 1_000, 30_000].map(message);
        messages.iter().for_each(|message| one.send(message).unwrap());
        let (_, others) = talk(&mut one, &mut other, piece);
        assert_eq!(others, messages.map(Event::OnionMessage));
    }
}

/// All that one side of a short conversation gets: where it starts, and how the bytes go on.
fn script(is_outbound: bool) -> (impl Fn() -> Connection, Vec<Vec<u8>>) {
    let (mut one, mut other) = (outbound(), inbound());
    let (mut to_one, mut to_other) = (Vec::new(), Vec::new());
    let mut are_sent = false;
    while !(one.transmit().is_empty() && other.transmit().is_empty()) {
        let bytes = sent(&mut one);
        received(&mut other, &bytes, usize::MAX).1.unwrap();
        to_other.push(bytes);
        let bytes = sent(&mut other);
        received(&mut one, &bytes, usize::MAX).1.unwrap();
        to_one.push(bytes);
        if one.is_connected() && other.is_connected() && !are_sent {
            are_sent = true;
            one.send(&short_message()).unwrap();
            other.send(&short_message()).unwrap();
        }
    }
    (move || if is_outbound { outbound() } else { inbound() }, if is_outbound { to_one } else { to_other })
}

#[test]
fn every_changed_byte_is_noticed() {
    for is_outbound in [true, false] {
        let (start, script) = script(is_outbound);
        let whole = script.concat();
        let (events, result) = received(&mut start(), &whole, usize::MAX);
        assert_eq!((events.len(), result), (2, Ok(())));
        for at in 0..whole.len() {
            for change in [1, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= change;
                let (events, result) = received(&mut start(), &bytes, usize::MAX);
                let error = result.unwrap_err();
                // In the handshake, the position says what is noticed.
                let expected: &[&str] = match (is_outbound, at) {
                    (_, 0) | (false, 50) => &["NotLightning"],
                    (true, 1..34) => &["InvalidKey", "WrongNodeId"],
                    (true, 34..50) => &["WrongNodeId"],
                    (false, 1..34) => &["InvalidKey", "NotForUs"],
                    (false, 34..50) => &["NotForUs"],
                    _ => &["NotAuthentic"],
                };
                assert!(expected.contains(&&*name(&error)), "{error:?} at {at}");
                assert!(events.iter().all(|event| matches!(event, Event::Connected(_))));
            }
        }
    }
}

#[test]
fn a_connection_can_be_cut_at_every_byte() {
    for is_outbound in [true, false] {
        let (start, script) = script(is_outbound);
        let whole = script.concat();
        let handshake = if is_outbound { 50 } else { 50 + 66 };
        let mut seen = 0;
        for at in 0..whole.len() {
            let mut connection = start();
            let (events, result) = received(&mut connection, &whole[..at], usize::MAX);
            result.unwrap();
            // What is whole is there at once, and nothing earlier.
            assert!(events.len() >= seen && events.len() <= 2);
            seen = events.len();
            let error = connection.disconnected();
            let expected = match at {
                0 if is_outbound => ConnectionError::Refused { expected: key(0x21).public_key() },
                _ if at < handshake => ConnectionError::HandshakeInterrupted,
                _ if events.is_empty() => ConnectionError::ClosedBeforeInit { said: None },
                _ => ConnectionError::ClosedByPeer { said: None, requires: None },
            };
            assert_eq!(error, expected, "after {at} bytes");
            assert!(connection.transmit().is_empty());
        }
        assert_eq!(seen, 1);
    }
}

/// Who is not meant says nothing, and that is all that is known on the other side.
#[test]
fn a_node_that_is_not_meant_is_refused() {
    let mut one = Connection::outbound(&key(1), key(2).public_key(), [3; 32], &config(), NOW).unwrap();
    let mut other = Connection::inbound(&key(4), [5; 32], &config(), NOW).unwrap();
    let (events, result) = received(&mut other, &sent(&mut one), usize::MAX);
    assert_eq!((events, result), (vec![], Err(ConnectionError::NotForUs)));
    assert!(other.transmit().is_empty());
    assert_eq!(one.disconnected(), ConnectionError::Refused { expected: key(2).public_key() });
}

/// Somebody in between who answers for a node that it is not.
#[test]
fn an_impostor_is_called_one() {
    let mut one = Connection::outbound(&key(1), key(2).public_key(), [3; 32], &config(), NOW).unwrap();
    let mut misled = Connection::outbound(&key(1), key(4).public_key(), [3; 32], &config(), NOW).unwrap();
    let mut impostor = Connection::inbound(&key(4), [5; 32], &config(), NOW).unwrap();
    received(&mut impostor, &sent(&mut misled), usize::MAX).1.unwrap();
    let (_, result) = received(&mut one, &sent(&mut impostor), usize::MAX);
    assert_eq!(result, Err(ConnectionError::WrongNodeId { expected: key(2).public_key() }));
}

#[test]
fn what_is_no_lightning_node_is_noticed_at_its_first_byte() {
    for greeting in ["SSH-2.0-OpenSSH_9.6\r\n", "HTTP/1.1 400 Bad Request\r\n", "\u{15}\u{3}\u{1}"] {
        let mut connection = outbound();
        let (_, result) = received(&mut connection, &greeting.as_bytes()[..1], 1);
        assert_eq!(result, Err(ConnectionError::NotLightning { first_byte: greeting.as_bytes()[0] }));
    }
}

#[test]
fn secrets_that_are_none_are_refused() {
    for secret in [[0; 32], [0xff; 32]] {
        assert!(Connection::outbound(&key(1), key(2).public_key(), secret, &config(), NOW).is_err());
        assert!(Connection::inbound(&key(1), secret, &config(), NOW).is_err());
    }
}

#[test]
fn nothing_is_sent_before_init() {
    let (mut one, mut other) = (outbound(), inbound());
    assert_eq!(one.send(&message(1)), Err(SendError::NotConnected));
    received(&mut other, &sent(&mut one), usize::MAX).1.unwrap();
    received(&mut one, &sent(&mut other), usize::MAX).1.unwrap();
    assert_eq!(one.send(&message(1)), Err(SendError::NotConnected));
    assert_eq!(one.warn("hello"), Err(SendError::NotConnected));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 12, ..ProptestConfig::default() })]

    /// Whatever the messages and the pieces, what is sent arrives, both ways, over changes of keys.
    #[test]
    fn what_is_sent_arrives(
        lens in prop::collection::vec(0..40usize, 1..1_100),
        piece in 1..5_000usize,
        back in any::<bool>(),
    ) {
        let (mut one, mut other) = pair();
        let (from, to) = if back { (&mut other, &mut one) } else { (&mut one, &mut other) };
        let template = message(0).into_bytes();
        for lens in lens.chunks(70) {
            let messages: Vec<OnionMessage> = lens
                .iter()
                .map(|len| {
                    // A packet of any length is passed on as it is.
                    let len = 67 + len * 11;
                    let head = [&template[..35], &u16::try_from(len).unwrap().to_be_bytes()].concat();
                    OnionMessage::read([&head[..], &vec![*lens.first().unwrap() as u8; len]].concat()).unwrap()
                })
                .collect();
            messages.iter().for_each(|message| from.send(message).unwrap());
            let (events, result) = received(to, &sent(from), piece);
            prop_assert_eq!(result, Ok(()));
            prop_assert_eq!(events, messages.into_iter().map(Event::OnionMessage).collect::<Vec<_>>());
        }
    }
}
