//! What a peer may say after the handshake, and what comes of it.

use std::time::Duration;

use super::noise::Noise;
use super::peers::{NOW, config, inbound, key, message, outbound, pair, received, sent, short_message, talk};
use bolt12::bitcoin::Network;
use bolt12::peer::{Config, Connection, ConnectionError, Event, Init, OnionMessages, SendError, Timeouts};
use bolt12::{ChainHash, Feature, Features, UnixTime};

/// A peer that can say anything, connected to one of ours, before `init`.
fn stranger(config: &Config) -> (Connection, Noise) {
    let mut ours = Connection::inbound(&key(0x21), [0x22; 32], config, NOW).unwrap();
    let (act_one, waiting) = Noise::connect([0x11; 32], [0x12; 32], key(0x21).public_key());
    received(&mut ours, &act_one, usize::MAX).1.unwrap();
    let (act_three, noise) = waiting.finish(&sent(&mut ours));
    received(&mut ours, &act_three, usize::MAX).1.unwrap();
    (ours, noise)
}

fn features(bits: impl IntoIterator<Item = u32>) -> Features<'static> {
    Features::new(bits.into_iter().map(Feature)).unwrap()
}

/// `init` with these features and these bytes behind them.
fn init(bits: &[u32], rest: &[u8]) -> Vec<u8> {
    let features = features(bits.iter().copied());
    let len = (features.as_bytes().len() as u16).to_be_bytes();
    [&[0, 16, 0, 0][..], &len, features.as_bytes(), rest].concat()
}

/// The same, after `init` was said.
fn connected() -> (Connection, Noise) {
    let (mut ours, mut noise) = stranger(&config());
    let frame = noise.frame(&init(&[39], &[]));
    let (events, result) = received(&mut ours, &frame, usize::MAX);
    assert!(matches!((&events[..], result), ([Event::Connected(_)], Ok(()))));
    noise.messages(&sent(&mut ours));
    (ours, noise)
}

/// What one message leads to: events, an error perhaps, and what is said in return.
fn said(message: &[u8]) -> (Vec<Event>, Result<(), ConnectionError>, Vec<Vec<u8>>) {
    let (mut ours, mut noise) = connected();
    say(&mut ours, &mut noise, message)
}

fn say(
    ours: &mut Connection,
    noise: &mut Noise,
    message: &[u8],
) -> (Vec<Event>, Result<(), ConnectionError>, Vec<Vec<u8>>) {
    let (events, result) = received(ours, &noise.frame(message), usize::MAX);
    (events, result, noise.messages(&sent(ours)))
}

fn typed(kind: u16, payload: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], payload].concat()
}

/// A warning or an error.
fn notice(kind: u16, text: &[u8]) -> Vec<u8> {
    typed(kind, &[&[0; 32][..], &(text.len() as u16).to_be_bytes(), text].concat())
}

fn chain(network: Network) -> ChainHash {
    ChainHash::using_genesis_block_const(network)
}

#[test]
fn init_says_features_and_networks() {
    let (mut ours, mut noise) = stranger(&config());
    let said = noise.messages(&sent(&mut ours));
    let networks = [&[1, 32][..], chain(Network::Bitcoin).as_bytes()].concat();
    assert_eq!(said, [init(&[1, 7, 9, 13, 15, 39, 45], &networks)]);

    let all = [chain(Network::Bitcoin), chain(Network::Signet)].repeat(4);
    let (mut ours, mut noise) = stranger(&Config { networks: all.clone(), ..config() });
    let networks: Vec<u8> = all.iter().flat_map(|chain| *chain.as_bytes()).collect();
    let networks = [&[1, 0xfd, 1, 0][..], &networks].concat();
    assert_eq!(noise.messages(&sent(&mut ours)), [init(&[1, 7, 9, 13, 15, 39, 45], &networks)]);

    // As much as a message holds, and more.
    for (bit, is_too_long) in [(167, false), (168, true)] {
        let networks = vec![chain(Network::Bitcoin); 2047];
        let config = Config { features: features([bit]), networks, ..config() };
        assert_eq!(Connection::inbound(&key(1), [2; 32], &config, NOW).is_err(), is_too_long);
    }
}

/// Reads an `init`, as a connection would.
fn greeted(message: &[u8]) -> Result<Init, ConnectionError> {
    let (mut ours, mut noise) = stranger(&config());
    let (events, result) = received(&mut ours, &noise.frame(message), usize::MAX);
    result.map(|()| match &events[..] {
        [Event::Connected(init)] => init.clone(),
        other => panic!("{other:?}"),
    })
}

#[test]
fn both_maps_of_features_count() {
    let read = greeted(&[0, 16, 0, 2, 0x01, 0x02, 0, 1, 0x80]).unwrap();
    assert_eq!(read.features(), &features([1, 7, 8]));
    assert_eq!(read.networks(), None);
}

#[test]
fn networks_are_those_that_a_peer_names() {
    let named = [chain(Network::Testnet), chain(Network::Bitcoin)];
    let networks: Vec<u8> = named.iter().flat_map(|chain| *chain.as_bytes()).collect();
    assert_eq!(greeted(&init(&[39], &[&[1, 64][..], &networks].concat())).unwrap().networks(), Some(&named[..]));
}

/// What Core Lightning requires, and what nobody knows yet: neither ends a connection.
#[test]
fn compulsory_features_are_tolerated() {
    let read = greeted(&init(&[0, 6, 8, 12, 14, 39, 44, 1_000], &[])).unwrap();
    assert_eq!(read.onion_messages(), OnionMessages::Accepted);
}

/// Whoever requires what was not offered may go, and then that is the likely reason.
#[test]
fn a_required_feature_explains_why_a_peer_went() {
    for (bits, requires) in [(&[0, 6, 44, 39][..], None), (&[0, 22, 39, 100], Some(Feature(22))), (&[23, 39], None)] {
        let (mut ours, mut noise) = stranger(&config());
        received(&mut ours, &noise.frame(&init(bits, &[])), usize::MAX).1.unwrap();
        assert_eq!(ours.disconnected(), ConnectionError::ClosedByPeer { said: None, requires });
    }
}

#[test]
fn a_peer_that_takes_no_onion_messages_is_sent_none() {
    let only = SendError::OnlyOverChannels;
    for (bits, expected) in [
        (&[38][..], Ok(())),
        (&[39], Ok(())),
        (&[], Err(SendError::NoOnionMessages)),
        (&[39, 67], Err(only.clone())),
        (&[39, 66], Err(only.clone())),
        // Without the feature that it depends on.
        (&[67], Err(only)),
    ] {
        let (mut ours, mut noise) = stranger(&config());
        received(&mut ours, &noise.frame(&init(bits, &[])), usize::MAX).1.unwrap();
        sent(&mut ours);
        assert_eq!(ours.send(&message(5)), expected, "{bits:?}");
        assert_eq!(ours.transmit().is_empty(), expected.is_err());
        // It may still be heard.
        assert_eq!(received(&mut ours, &noise.frame(message(5).as_bytes()), 9).0, [Event::OnionMessage(message(5))]);
    }
}

#[test]
fn a_peer_on_another_network_is_refused() {
    let networks = |all: &[Network]| {
        let hashes: Vec<u8> = all.iter().flat_map(|network| *chain(*network).as_bytes()).collect();
        [&[1, hashes.len() as u8][..], &hashes].concat()
    };
    for (rest, is_refused) in [
        (vec![], false),
        (networks(&[Network::Bitcoin]), false),
        (networks(&[Network::Testnet, Network::Bitcoin]), false),
        (networks(&[Network::Testnet, Network::Signet]), true),
        // None at all is none in common.
        (networks(&[]), true),
    ] {
        let read = greeted(&init(&[39], &rest));
        assert_eq!(read.is_err(), is_refused);
        assert!(read.err().is_none_or(|error| error == ConnectionError::OtherNetwork));
    }
    // The peer is told.
    let (mut ours, mut noise) = stranger(&config());
    noise.messages(&sent(&mut ours));
    let (_, _, answers) = say(&mut ours, &mut noise, &init(&[39], &networks(&[Network::Signet])));
    let text = ConnectionError::OtherNetwork.to_string();
    assert_eq!(answers, [notice(1, text.as_bytes())]);
    // Who names none takes all.
    let (mut ours, mut noise) = stranger(&Config { networks: vec![], ..config() });
    received(&mut ours, &noise.frame(&init(&[39], &networks(&[Network::Signet]))), 100).1.unwrap();
}

#[test]
fn fields_of_init_that_nobody_knows_are_skipped_if_they_are_odd() {
    assert!(greeted(&init(&[39], &[3, 2, 1, 1, 5, 0, 99, 1, 7])).is_ok());
    for rest in [&[2, 0][..], &[1, 31], &[1, 1, 0], &[3, 0, 3, 0], &[0xfd, 0, 1, 0]] {
        let error = greeted(&init(&[39], rest)).unwrap_err();
        assert!(matches!(error, ConnectionError::InvalidMessage { kind: 16, .. }), "{rest:?}: {error}");
    }
}

#[test]
fn init_comes_first_and_once() {
    let (mut ours, mut noise) = stranger(&config());
    noise.messages(&sent(&mut ours));
    let (_, result, answers) = say(&mut ours, &mut noise, message(1).as_bytes());
    assert_eq!(result, Err(ConnectionError::WrongTime { kind: 513 }));
    // Before `init` came, nothing is said but `init`.
    assert!(answers.is_empty());
    assert_eq!(said(&init(&[39], &[])).1, Err(ConnectionError::WrongTime { kind: 16 }));
}

#[test]
fn a_peer_may_say_what_is_wrong_before_it_says_hello() {
    let (mut ours, mut noise) = stranger(&config());
    let (events, result) = received(&mut ours, &noise.frame(&notice(17, b"too many peers")), usize::MAX);
    let [Event::Error(said)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((said.to_string(), said.channel_id(), result), ("too many peers".to_owned(), None, Ok(())));
    let error = ours.disconnected();
    assert_eq!(error.to_string(), "the peer ended the connection, after it said: \"too many peers\"");
}

#[test]
fn pings_are_answered_as_they_ask() {
    for (wanted, ignored) in [(0, 0), (1, 3), (65_531, 0), (0, 65_529), (700, 700)] {
        let ping =
            typed(18, &[&u16::to_be_bytes(wanted)[..], &u16::to_be_bytes(ignored), &vec![1; ignored.into()]].concat());
        let pong = typed(19, &[&wanted.to_be_bytes()[..], &vec![0; wanted.into()]].concat());
        assert_eq!(said(&ping), (vec![], Ok(()), vec![pong]));
    }
    for wanted in [65_532, 65_535] {
        let ping = typed(18, &[&u16::to_be_bytes(wanted)[..], &[0, 0]].concat());
        assert_eq!(said(&ping), (vec![], Ok(()), vec![]));
    }
}

#[test]
fn gossip_and_odd_messages_are_passed_over() {
    // Pongs that nobody asked for, gossip, its answers, peer storage, and what does not exist.
    for kind in [3, 7, 9, 19, 101, 133, 256, 257, 258, 259, 261, 262, 263, 264, 265, 515, 32_769, 65_535] {
        for payload in [&[][..], &[0xff; 10], &[0; 65_533]] {
            assert_eq!(said(&typed(kind, payload)), (vec![], Ok(()), vec![]), "{kind}");
        }
    }
}

#[test]
fn even_messages_that_nobody_knows_end_the_connection() {
    for kind in [0, 2, 14, 20, 266, 512, 514, 32_768, 65_534] {
        let (events, result, answers) = said(&typed(kind, &[1; 100]));
        let error = ConnectionError::UnknownMessage { kind };
        assert_eq!(answers, [notice(1, error.to_string().as_bytes())]);
        assert_eq!((events, result), (vec![], Err(error)));
    }
}

/// Somebody who wants a channel learns that there are none, and stays.
#[test]
fn what_is_about_a_channel_is_answered() {
    let text = b"there are no channels here";
    let warning = typed(1, &[&[0; 32][..], &[0, text.len() as u8], text].concat());
    // `open_channel`, `open_channel2`, `channel_ready`, `shutdown`, `channel_reestablish`, and what may come: with the
    // id of a channel, with that of all, or cut. An error would close channels that a node has under the same key.
    for kind in [32, 64, 36, 38, 136, 254] {
        for payload in [&[[1; 32], [2; 32], [3; 32]].concat()[..], &[2; 100], &[0; 100], &[2; 31], &[]] {
            assert_eq!(said(&typed(kind, payload)), (vec![], Ok(()), vec![warning.clone()]), "{kind}");
        }
    }
    // Odd ones are passed over, as everywhere.
    assert_eq!(said(&typed(135, &[2; 32])), (vec![], Ok(()), vec![]));
}

#[test]
fn messages_that_are_cut_end_the_connection_and_extensions_do_not() {
    let onion = short_message().into_bytes();
    let ping = typed(18, &[0, 1, 0, 2, 9, 9]);
    for whole in [&onion, &ping, &notice(1, b"warning"), &notice(17, b"error")] {
        for len in 2..whole.len() {
            let (events, result, answers) = said(&whole[..len]);
            assert!(matches!(result, Err(ConnectionError::InvalidMessage { .. })), "{len} of {whole:?}");
            assert_eq!((events.len(), answers.len()), (0, 1));
        }
        let (events, result, _) = said(whole);
        assert_eq!(result, Ok(()));
        assert_eq!(said(&[whole, &[3, 1, 7][..]].concat()).0, events);
    }
    for len in [0, 1] {
        assert_eq!(said(&vec![0; len]).1, Err(ConnectionError::NoType { len }));
    }
    // A packet without room for a hop.
    let empty = [&onion[..35], &[0, 66], &[0; 66]].concat();
    assert!(matches!(said(&empty).1, Err(ConnectionError::InvalidMessage { kind: 513, .. })));
}

#[test]
fn the_longest_message_arrives() {
    let len = u16::MAX - 37;
    let longest = [&message(0).as_bytes()[..35], &len.to_be_bytes(), &vec![5; len.into()]].concat();
    assert_eq!(longest.len(), 65_535);
    let (events, result, _) = said(&longest);
    let [Event::OnionMessage(read)] = &events[..] else { panic!() };
    assert_eq!((read.as_bytes(), result), (&longest[..], Ok(())));
    let (mut one, mut other) = pair();
    one.send(read).unwrap();
    assert_eq!(talk(&mut one, &mut other, 1_000).1, events);
}

// ERR-1
#[test]
fn texts_of_a_peer_are_escaped_and_cut() {
    let (mut ours, mut noise) = connected();
    let text = "all is well\u{202e}\n\"";
    let (events, ..) = say(&mut ours, &mut noise, &notice(1, text.as_bytes()));
    let [Event::Warning(warning)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(warning.to_string(), "all is well\\u{202e}\\u{a}\"");
    assert_eq!(format!("{warning:?}"), r#""all is well\u{202e}\u{a}\"""#);
    assert_eq!(warning.text().as_raw(), text);
    let error = ours.disconnected().to_string();
    assert_eq!(error, r#"the peer ended the connection, after it said: "all is well\u{202e}\u{a}\"""#);

    for (text, kept) in [
        (vec![b'a'; 60_000], "a".repeat(1_000)),
        ("€".repeat(400).into_bytes(), "€".repeat(333)),
        // Bytes that are no text.
        (vec![0xff; 60_000], "\u{fffd}".repeat(333)),
    ] {
        let (events, ..) = said(&notice(17, &text));
        let [Event::Error(error)] = &events[..] else { panic!() };
        assert_eq!(error.text().as_raw().trim_end_matches('\u{fffd}'), kept.trim_end_matches('\u{fffd}'));
        assert!(error.text().as_raw().len() <= 1_000);
    }
    let about_one = typed(17, &[&[5; 32][..], &[0, 1, b'x']].concat());
    let [Event::Error(error)] = &said(&about_one).0[..] else { panic!() };
    assert_eq!(error.channel_id(), Some([5; 32]));
}

#[test]
fn a_warning_of_ours_is_one_of_theirs() {
    let (mut one, mut other) = pair();
    one.warn(&"€".repeat(1_000)).unwrap();
    let events = talk(&mut one, &mut other, 7).1;
    let [Event::Warning(warning)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(warning.text().as_raw(), "€".repeat(333));
}

#[test]
fn only_messages_are_sent() {
    let (mut one, _) = pair();
    for len in [0, 1, 65_536] {
        assert_eq!(one.send_raw(&vec![0; len]), Err(SendError::InvalidLength { len }));
    }
    assert!(one.transmit().is_empty());
    one.send_raw(&[0x80, 1]).unwrap();
    assert_eq!(one.transmit().len(), 2 + 34);
}

/// Both directions, with keys that change at other times.
#[test]
fn keys_change_in_both_directions() {
    let (mut ours, mut noise) = connected();
    for number in 0..2_600u32 {
        let ping = typed(18, &[0, 1, 0, 0]);
        let answers = usize::from(number % 3 == 0);
        let message = if answers == 1 { ping } else { typed(32_769, &number.to_be_bytes()) };
        let (_, result, said) = say(&mut ours, &mut noise, &message);
        assert_eq!((result, said.len()), (Ok(()), answers), "message {number}");
    }
}

#[test]
fn a_peer_that_takes_nothing_is_sent_no_more_than_a_bound() {
    let (mut ours, mut noise) = connected();
    let large = message(30_000);
    let full = loop {
        if let Err(error) = ours.send(&large) {
            break error;
        }
    };
    let waiting = ours.transmit().len();
    assert_eq!(full, SendError::Full { waiting });
    assert!((65_569..=2 * 65_569).contains(&waiting), "{waiting}");

    // There is room for the longest answer that it can ask for, and not for ever more of them.
    let ping = typed(18, &[255, 251, 0, 0]);
    received(&mut ours, &noise.frame(&ping), usize::MAX).1.unwrap();
    let result = (0..3).find_map(|_| received(&mut ours, &noise.frame(&ping), usize::MAX).1.err());
    assert_eq!(result, Some(ConnectionError::Flooded));
    assert!(ours.transmit().len() <= 3 * 65_569);
    // What was queued before is whole.
    assert!(noise.messages(&sent(&mut ours)).len() >= 4);
}

#[test]
fn what_is_sent_in_part_goes_on_where_it_was() {
    let (mut one, mut other) = pair();
    let messages: Vec<_> = (0..60).map(|len| message(len * 20)).collect();
    let mut arrived = Vec::new();
    for message in &messages {
        one.send(message).unwrap();
        // Always less than what waits, until the end.
        let part = one.transmit()[..one.transmit().len() / 3].to_vec();
        one.transmitted(part.len());
        arrived.extend(received(&mut other, &part, 100).0);
    }
    arrived.extend(talk(&mut one, &mut other, 100).1);
    assert_eq!(arrived, messages.into_iter().map(Event::OnionMessage).collect::<Vec<_>>());
    // More than there is.
    one.transmitted(usize::MAX);
    assert!(one.transmit().is_empty());
}

fn at(seconds: u64) -> UnixTime {
    UnixTime(NOW.0 + seconds)
}

#[test]
fn a_handshake_has_its_time() {
    let after = Duration::from_secs(30);
    for stage in 0..3 {
        let (mut one, mut other) = (outbound(), inbound());
        if stage > 0 {
            received(&mut other, &sent(&mut one), usize::MAX).1.unwrap();
        }
        if stage > 1 {
            received(&mut one, &sent(&mut other), usize::MAX).1.unwrap();
        }
        for connection in [&mut one, &mut other] {
            assert_eq!(connection.wake_at(), Some(at(30)));
            assert_eq!(connection.poll(at(29)), Ok(()));
            assert_eq!(connection.poll(at(30)), Err(ConnectionError::HandshakeTimeout { after }));
            assert_eq!(connection.wake_at(), None);
        }
    }
}

#[test]
fn a_silent_peer_is_asked_and_given_up() {
    let (mut one, mut other) = pair();
    assert_eq!(one.wake_at(), Some(at(60)));
    one.poll(at(59)).unwrap();
    assert!(one.transmit().is_empty());
    one.poll(at(60)).unwrap();
    assert_eq!(one.wake_at(), Some(at(90)));
    let ping = sent(&mut one);
    received(&mut other, &ping, usize::MAX).1.unwrap();
    let pong = sent(&mut other);
    assert_eq!((ping.len(), pong.len()), (6 + 34, 4 + 34));

    // Half an answer is none.
    received(&mut one, &pong[..20], usize::MAX).1.unwrap();
    one.poll(at(89)).unwrap();
    assert!(one.transmit().is_empty());
    let mut rest = &pong[20..];
    assert_eq!(one.receive(&mut rest, at(89)), Ok(None));
    assert_eq!(one.wake_at(), Some(at(149)));

    one.poll(at(149)).unwrap();
    let after = Duration::from_secs(30);
    assert_eq!(one.poll(at(179)), Err(ConnectionError::Unresponsive { after }));
}

#[test]
fn a_clock_that_moves_hangs_and_breaks_nothing() {
    let (mut one, _) = pair();
    // Set back by a day: the next ping is a minute away, not a day.
    let back = UnixTime(NOW.0 - 86_400);
    one.poll(back).unwrap();
    assert_eq!(one.wake_at(), Some(UnixTime(back.0 + 60)));
    one.poll(UnixTime(u64::MAX)).unwrap();
    assert!(!one.transmit().is_empty());
    one.poll(UnixTime(0)).unwrap();
    assert_eq!(one.wake_at(), Some(UnixTime(30)));
}

#[test]
fn timeouts_of_nothing_are_a_second() {
    let timeouts = Timeouts { handshake: Duration::ZERO, ping: Duration::ZERO, pong: Duration::ZERO };
    let ours = Connection::inbound(&key(1), [2; 32], &Config { timeouts, ..config() }, NOW).unwrap();
    assert_eq!(ours.wake_at(), Some(at(1)));
}

/// The sentences that the other tests do not read.
#[test]
fn errors_are_sentences() {
    let node = key(0x21).public_key();
    let after = Duration::from_secs(30);
    let sentences = [
        (
            ConnectionError::InvalidKey,
            "the other side is probably not a Lightning node, since its handshake has no valid key: check address and port"
                .into(),
        ),
        (
            ConnectionError::WrongNodeId { expected: node },
            format!("the node that answered is not {node}: check node id and address"),
        ),
        (ConnectionError::NotForUs, "the peer was looking for another node than this one".into()),
        (ConnectionError::HandshakeInterrupted, "the connection ended in the middle of the handshake".into()),
        (ConnectionError::NotAuthentic, "the data that arrived was damaged or changed on its way".into()),
        (
            ConnectionError::Unresponsive { after },
            "the peer no longer answers: nothing came within 30 seconds of a ping".into(),
        ),
        (ConnectionError::OtherNetwork, "the peer is on another network, for example on a test network".into()),
        (
            ConnectionError::UnknownMessage { kind: 2 },
            "the peer sent a message of type 2, which is unknown to this software and must not be ignored".into(),
        ),
        (ConnectionError::NoType { len: 1 }, "the peer sent a message of 1 bytes, which is too short for a type".into()),
        (
            ConnectionError::WrongTime { kind: 16 },
            "the peer sent a message of type 16 at the wrong time: init comes first, and once".into(),
        ),
        (
            ConnectionError::Flooded,
            "the peer sends pings without reading the answers, so too many answers are waiting".into(),
        ),
        (
            ConnectionError::ClosedByPeer { said: None, requires: None },
            "the peer ended the connection without giving a reason".into(),
        ),
    ];
    for (error, sentence) in sentences {
        assert_eq!(error.to_string(), sentence);
    }
    let sentences = [
        (SendError::NotConnected, "the peer has not sent init yet: wait for it before sending"),
        (
            SendError::OnlyOverChannels,
            "the peer accepts onion messages only from peers with a channel: use another peer",
        ),
        (SendError::NoOnionMessages, "the peer does not support onion messages: use another peer"),
        (
            SendError::Full { waiting: 7 },
            "7 bytes are waiting for this peer: send them first, or disconnect if it reads nothing",
        ),
        (SendError::InvalidLength { len: 1 }, "a message of 1 bytes cannot be sent: it must have 2 to 65535"),
        (
            SendError::Closed(ConnectionError::NotForUs),
            "the connection has ended: the peer was looking for another node than this one",
        ),
    ];
    for (error, sentence) in sentences {
        assert_eq!(error.to_string(), sentence);
    }
}

/// Sentences as a person reads them.
#[test]
fn errors_say_what_to_do() {
    let node = key(0x21).public_key();
    let sentence = |error: ConnectionError| error.to_string();
    assert_eq!(
        sentence(outbound().disconnected()),
        format!(
            "the node ended the connection before it said anything: maybe its id is not {node}, or it takes no \
                 more peers"
        )
    );
    assert_eq!(
        sentence(received(&mut outbound(), b"HTTP", 4).1.unwrap_err()),
        "the other side is no Lightning node: it began with byte 0x48 instead of 0x00; check address and port"
    );
    assert_eq!(
        sentence(outbound().poll(at(30)).unwrap_err()),
        "no connection after 30 seconds: the peer is too slow, or not a Lightning node"
    );
    assert_eq!(
        sentence(said(&typed(18, &[])).1.unwrap_err()),
        "the peer sent an invalid message of type 18: the message is cut off: the end is missing"
    );
    assert_eq!(
        sentence(stranger(&config()).0.disconnected()),
        "the peer ended the connection without sending init: it may be on another network, or require a feature \
         that was not offered"
    );
    let (mut ours, mut noise) = stranger(&config());
    received(&mut ours, &noise.frame(&init(&[22], &[])), usize::MAX).1.unwrap();
    assert_eq!(
        sentence(ours.disconnected()),
        "the peer ended the connection: it requires feature 22, which was not offered"
    );
}

#[test]
fn nothing_secret_is_shown() {
    let (one, other) = pair();
    for connection in [outbound(), inbound(), one, other] {
        let shown = format!("{connection:?} {connection:#?}");
        for secret in [0x11u8, 0x12, 0x21, 0x22] {
            assert!(!shown.contains(&hex::encode([secret; 8])), "{shown}");
            assert!(!shown.contains(&format!("{secret}, {secret}")), "{shown}");
        }
    }
}
