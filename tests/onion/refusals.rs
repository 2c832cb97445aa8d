//! What is refused: silently and at what cost when it comes from the network, with a reason when it is the caller's.

use super::onion::{self, id, node};
use super::onion_naive::{self, decrypted, encrypted, message, message_of, record};
use bolt12::onion::{
    BlindedPathBuilder, Contents, HopData, MAX_DUMMY_HOPS, MAX_REPLY_HOPS, NextHop, OnionMessage, OnionMessageBuilder,
    PathHop, Payload, Peeled, Refusal, Unblinded,
};
use bolt12::{BlindedPath, Direction, Error, ErrorKind, Features, Field, IntroductionNode, Rule, ShortChannelId};
use proptest::prelude::*;

/// An even message that is unknown: one of static invoices, where these are off.
const UNKNOWN: u8 = if cfg!(feature = "async_payments") { 76 } else { 70 };

/// A message for node 2, which is node 1's to pass on.
fn two_hops() -> OnionMessage {
    let path = BlindedPathBuilder::new(id(2)).through(id(1)).path_id([5; 32]).build([3; 32]).unwrap();
    OnionMessageBuilder::over(&path, Contents::InvoiceRequest(b"request")).build([4; 32]).unwrap().message
}

fn refused(bytes: &[u8], key: u8) -> Option<Refusal> {
    OnionMessage::read(bytes.to_vec()).unwrap().peel(&node(key)).err()
}

// MSG-6
#[test]
fn every_changed_byte_is_refused() {
    let first = two_hops();
    let second = onion::forward(&first, &node(1)).message().unwrap();
    for (message, key) in [(first, 1), (second, 2)] {
        let good = message.as_bytes();
        assert_eq!(refused(good, key), None);
        assert_eq!(refused(good, 7), Some(Refusal::NotAuthentic), "somebody else's");
        for at in 0..good.len() {
            let mut bytes = good.to_vec();
            bytes[at] ^= 0x10;
            let Ok(message) = OnionMessage::read(bytes) else {
                assert!(matches!(at, 0 | 1 | 35 | 36), "only type and length are read, not byte {at}");
                continue;
            };
            let refusal = message.peel(&node(key)).unwrap_err();
            assert!(refusal.is_unauthenticated(), "byte {at}");
            // Type, path key, length; version, ephemeral key; the rest is only authenticated.
            match at {
                2..35 | 38..71 => assert!([Refusal::Malformed, Refusal::NotAuthentic].contains(&refusal)),
                37 => assert_eq!(refusal, Refusal::Malformed),
                71.. => assert_eq!(refusal, Refusal::NotAuthentic, "byte {at}"),
                _ => panic!("byte {at} was read"),
            }
        }
    }
}

#[test]
fn every_length_is_refused_or_authenticated() {
    let good = two_hops().into_bytes();
    for len in 0..good.len() {
        assert!(OnionMessage::read(good[..len].to_vec()).is_err(), "{len} bytes");
    }
    assert!(OnionMessage::read([&good[..], &[0]].concat()).is_err());
    // Packets of all lengths, cut before the HMAC.
    for len in (67..1366).step_by(37) {
        let packet = [&good[37..37 + len - 32], &good[good.len() - 32..]].concat();
        let message = [&good[..35], &(len as u16).to_be_bytes(), &packet].concat();
        assert_eq!(refused(&message, 1), Some(Refusal::NotAuthentic), "{len} bytes");
    }
    let error = OnionMessage::from_payload(&good).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Truncated | ErrorKind::InvalidLength));
    assert_eq!(OnionMessage::from_payload(&good[2..]).unwrap().as_bytes(), good);
    let error = OnionMessage::read([&[2, 0], &good[2..]].concat()).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (&ErrorKind::OutOfRange, Some(0)));
}

// PTH-4
#[test]
fn every_changed_byte_of_encrypted_data_is_refused() {
    let path = BlindedPathBuilder::new(id(2)).path_id([5; 32]).build([3; 32]).unwrap();
    let hop = path.hops().next().unwrap();
    let path_key = path.first_path_key().public_key().unwrap();
    let unblind = |key, data: &[u8]| Unblinded::new(&node(key), &path_key, data);
    assert!(unblind(2, hop.encrypted_recipient_data).is_ok());
    let refused = |result: Result<Unblinded, Error>| {
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.rule()), (&ErrorKind::DoesNotDecrypt, Rule::Pth4));
    };
    refused(unblind(3, hop.encrypted_recipient_data));
    for at in 0..hop.encrypted_recipient_data.len() {
        let mut data = hop.encrypted_recipient_data.to_vec();
        data[at] ^= 1;
        refused(unblind(2, &data));
        refused(unblind(2, &hop.encrypted_recipient_data[..at]));
    }
}

/// What a node is told, and what it makes of it.
fn told(data: &[u8]) -> Result<HopData, Error> {
    let (path_key, encrypted) = encrypted(&id(1), data);
    let unblinded = Unblinded::new(&node(1), &path_key, &encrypted);
    let read = HopData::read(data.to_vec());
    assert_eq!(unblinded.as_ref().err(), read.as_ref().err());
    read
}

// PTH-4, TLV-1, TLV-2, TLV-3, TLV-7
#[test]
fn what_a_hop_is_told_is_checked() {
    let key = id(9).serialize();
    let no_key = [2; 33].map(|byte| byte ^ 0x05);
    let kinds = |data: &[u8]| told(data).map(drop).map_err(|error| (error.kind().clone(), error.field(), error.rule()));
    assert_eq!(kinds(&[]), Ok(()));
    assert_eq!(kinds(&[1, 0, 4, 33].into_iter().chain(key).collect::<Vec<u8>>()), Ok(()));
    assert_eq!(kinds(&record(15, b"odd")), Ok(()));
    let unknown = |number| Err((ErrorKind::UnknownEvenField, Some(Field::numbered(number)), Rule::Pth4));
    for number in [0, 16, 18, 64, 100] {
        assert_eq!(kinds(&record(number, b"even")), unknown(number.into()));
    }
    let invalid = |field, kind, rule| Err((kind, Some(field), rule));
    let length = |field| invalid(field, ErrorKind::InvalidLength, Rule::Tlv7);
    assert_eq!(kinds(&record(2, &[0; 7])), length(Field::SHORT_CHANNEL_ID));
    assert_eq!(kinds(&record(2, &[0; 9])), length(Field::SHORT_CHANNEL_ID));
    assert_eq!(kinds(&record(4, &key[..32])), length(Field::NEXT_NODE_ID));
    assert_eq!(kinds(&record(4, &no_key)), invalid(Field::NEXT_NODE_ID, ErrorKind::InvalidPoint, Rule::Tlv7));
    let over = Field::NEXT_PATH_KEY_OVERRIDE;
    assert_eq!(kinds(&record(8, &no_key)), invalid(over, ErrorKind::InvalidPoint, Rule::Tlv7));
    assert_eq!(kinds(&record(10, &[0; 5])), invalid(Field::PAYMENT_RELAY, ErrorKind::Truncated, Rule::Tlv3));
    let not_minimal = [0, 1, 0, 0, 0, 1, 0, 1];
    assert_eq!(kinds(&record(10, &not_minimal)), invalid(Field::PAYMENT_RELAY, ErrorKind::NotMinimal, Rule::Tlv2));
    assert_eq!(
        kinds(&record(12, &[0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])),
        invalid(Field::PAYMENT_CONSTRAINTS, ErrorKind::NumberTooLarge, Rule::Tlv2)
    );
    let twice = [record(6, b"a"), record(6, b"b")].concat();
    assert_eq!(kinds(&twice), invalid(Field::PATH_ID, ErrorKind::NotAscending, Rule::Tlv1));
    assert_eq!(kinds(&[6, 5, 1]), invalid(Field::PATH_ID, ErrorKind::Truncated, Rule::Tlv3));
    // A node id counts for more than a channel beside it.
    let both = told(&[record(2, &[7; 8]), record(4, &key)].concat()).unwrap();
    assert_eq!(both.next(), Some(bolt12::onion::NextHop::NodeId(id(9))));
}

/// The payload with a hop's data in front of other records.
fn payload(data: &[u8], before: &[u8], after: &[u8]) -> Vec<u8> {
    [before, &record(4, &encrypted(&id(1), data).1), after].concat()
}

fn peel(payload: &[u8], is_last: bool) -> Result<Peeled, Refusal> {
    message(&id(1), payload, is_last).peel(&node(1))
}

// MSG-1, MSG-6
#[test]
fn a_last_payload_is_checked() {
    let path = BlindedPathBuilder::new(id(2)).build([3; 32]).unwrap();
    let reply = record(2, path.as_bytes());
    let request = record(64, b"request");
    let last = |data: &[u8], before: &[u8], after: &[u8]| match peel(&payload(data, before, after), true) {
        Ok(Peeled::Received(received)) => Ok(received),
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => Err(refusal),
    };
    let received = last(&[], &reply, &request).unwrap();
    assert_eq!(received.contents(), Some(Contents::InvoiceRequest(b"request")));
    assert_eq!(received.reply_path(), Some(path.clone()));
    // Odd fields below 64 are no matter; nor is it to carry nothing, or no message of offers.
    let received = last(&[], &record(1, b"odd"), &[record(5, b"odd"), record(63, b"odd"), record(66, b"i")].concat());
    assert_eq!(received.unwrap().contents(), Some(Contents::Invoice(b"i")));
    assert_eq!(last(&[], &[], &record(71, b"odd")).unwrap().contents(), None);
    assert_eq!(last(&[], &[], &[]).unwrap().contents(), None);
    assert_eq!(last(&[], &[], &record(68, b"")).unwrap().contents(), Some(Contents::InvoiceError(b"")));
    // A path_id of any length is given on as it is: what it is for is not known here.
    for id in [&b""[..], &[1; 31], &[1; 32], &[1; 33], &[1; 200]] {
        assert_eq!(last(&record(6, id), &[], &request).unwrap().path_id(), Some(id));
    }

    let unusable = |data: &[u8], before: &[u8], after: &[u8]| {
        assert_eq!(last(data, before, after).err(), Some(Refusal::Unusable));
    };
    for second in [66, 68] {
        unusable(&[], &[], &[request.clone(), record(second, b"second")].concat());
    }
    unusable(&[], &[], &[record(66, b"i"), record(68, b"e")].concat());
    // Fields from 64 on are messages, odd ones too, and there is one at most.
    unusable(&[], &[], &[record(65, b"odd"), record(66, b"i")].concat());
    unusable(&[], &[], &[record(66, b"i"), record(99, b"odd")].concat());
    unusable(&[], &[], &[record(65, b"odd"), record(99, b"odd")].concat());
    for unknown in [6, 62, UNKNOWN, 100] {
        unusable(&[], &[], &record(unknown, b"?"));
    }
    unusable(&[], &record(0, b""), &request);
    unusable(&[], &request, &request); // out of order
    unusable(&[], &[], &[64, 200, 1]); // cut off
    // Reply paths that are none, not one, or name no point.
    unusable(&[], &record(2, b""), &request);
    unusable(&[], &record(2, &[path.as_bytes(), path.as_bytes()].concat()), &request);
    unusable(&[], &record(2, &path.as_bytes()[..path.as_bytes().len() - 1]), &request);
    let mut off_curve = path.as_bytes().to_vec();
    off_curve[34..66].fill(0);
    off_curve[65] = 5; // has no root
    unusable(&[], &record(2, &off_curve), &request);
    // What the hop is told: another node, an unknown field, nothing that it can open.
    unusable(&record(4, &id(2).serialize()), &[], &request);
    unusable(&record(2, &[1; 8]), &[], &request);
    unusable(&record(16, b"even"), &[], &request);
    // What only payments have (PTH-4), and features, of which none is known, even or odd.
    unusable(&record(10, &[0; 6]), &[], &request);
    unusable(&record(12, &[0; 4]), &[], &request);
    for features in [&[1][..], &[2], &[0x40, 0, 0]] {
        unusable(&record(14, features), &[], &request);
    }
    for features in [&[][..], &[0], &[0, 0]] {
        assert!(last(&record(14, features), &[], &request).is_ok());
    }
    assert_eq!(peel(&[record(4, &[1; 40]), request.clone()].concat(), true).err(), Some(Refusal::Unusable));
    assert_eq!(peel(&request, true).err(), Some(Refusal::Unusable), "without encrypted data");
    assert!(!Refusal::Unusable.is_unauthenticated());
}

/// The same checks with a reason, for who has a payload only.
#[test]
fn a_payload_alone_is_refused_for_its_rule() {
    let error = |bytes: Vec<u8>| Payload::read(bytes).map(drop).unwrap_err();
    let second = error([record(64, b"a"), record(68, b"b")].concat());
    assert_eq!((second.kind(), second.rule()), (&ErrorKind::Unexpected, Rule::Msg1));
    assert_eq!((second.field(), second.offset()), (Some(Field::ONION_INVOICE_ERROR), Some(3)));
    let odd = error([record(64, b"a"), record(65, b"b")].concat());
    assert_eq!((odd.kind(), odd.field(), odd.offset()), (&ErrorKind::Unexpected, Some(Field::numbered(65)), Some(3)));
    let unknown = error(record(UNKNOWN, b"a"));
    assert_eq!((unknown.kind(), unknown.rule()), (&ErrorKind::UnknownEvenField, Rule::Msg1));
    let path = error(record(2, &[1; 5]));
    assert_eq!((path.kind(), path.field()), (&ErrorKind::Truncated, Some(Field::REPLY_PATH)));
    assert!(Payload::read(Vec::new()).unwrap().contents().is_none());
}

// MSG-1, PTH-4
#[test]
fn an_intermediate_payload_is_checked() {
    let next = record(4, &id(2).serialize());
    let hop = |data: &[u8], before: &[u8], after: &[u8]| peel(&payload(data, before, after), false);
    assert!(matches!(hop(&next, &[], &[]), Ok(Peeled::Forward(_))));
    assert!(matches!(hop(&record(2, &[1; 8]), &[], &[]), Ok(Peeled::Forward(_))));
    let unusable = |data: &[u8], before: &[u8], after: &[u8]| {
        assert_eq!(hop(data, before, after).err(), Some(Refusal::Unusable));
    };
    unusable(&next, &record(1, b"odd"), &[]);
    unusable(&next, &[], &record(5, b"odd"));
    unusable(&next, &[], &record(64, b"request"));
    unusable(&[], &[], &[]); // nowhere to go
    unusable(&[next.clone(), record(6, &[1; 32])].concat(), &[], &[]);
    for (number, value) in [(10, &[0; 6][..]), (12, &[0; 4]), (14, &[1]), (16, b"even")] {
        unusable(&[next.clone(), record(number, value)].concat(), &[], &[]);
    }
}

#[test]
fn a_layer_that_does_not_fit_is_refused() {
    let refusal = |layer: &[u8]| message_of(&id(1), layer).peel(&node(1)).err();
    for len in [&[0xfd, 0x04, 0xf2][..], &[0xfd, 0xff, 0xff], &[0xfe, 1, 0, 0, 0], &[0xff; 9], &[0xfd, 0, 1]] {
        assert_eq!(refusal(len), Some(Refusal::Unusable), "{len:?}");
    }
    assert_eq!(refusal(&[&[0][..], &[0; 32]].concat()), Some(Refusal::Unusable), "an empty payload");
}

// PTH-1
#[test]
fn dummy_hops_are_taken_off_up_to_a_number() {
    let dummies = |count| BlindedPathBuilder::own(&node(1)).dummy_hops(count);
    for count in 0..=MAX_DUMMY_HOPS {
        let path = dummies(count).build([3; 32]).unwrap();
        assert_eq!(path.hops().count(), count + 1);
        let received = onion::received(&over(&path), &node(1));
        assert_eq!(received.contents(), Some(Contents::InvoiceRequest(b"request")));
    }
    let refused = |builder: BlindedPathBuilder<'_>, kind: ErrorKind| {
        let error = builder.build([3; 32]).unwrap_err();
        assert_eq!((error.kind(), error.rule()), (&kind, Rule::Pth1));
    };
    refused(dummies(MAX_DUMMY_HOPS + 1), ErrorKind::TooManyEntries);
    // Only the recipient can make them, and it sends nothing to itself otherwise.
    refused(BlindedPathBuilder::new(id(1)).dummy_hops(1), ErrorKind::Unexpected);
    refused(dummies(0).through(id(1)), ErrorKind::Unexpected);
    let features = Features::new([]).unwrap();
    refused(dummies(0).through(PathHop::new(id(1)).allowed_features(&features)), ErrorKind::Unexpected);
    let by_channel = PathHop::new(id(1)).by_channel(ShortChannelId(1));
    dummies(MAX_DUMMY_HOPS).through(id(1)).through(id(2)).build([3; 32]).unwrap();
    dummies(MAX_DUMMY_HOPS).through(by_channel).build([3; 32]).unwrap();
}

fn over(path: &BlindedPath<'_>) -> OnionMessage {
    OnionMessageBuilder::over(path, Contents::InvoiceRequest(b"request")).build([4; 32]).unwrap().message
}

/// EXC-20: nobody else makes a node peel more than once. Its id as the next node leads nowhere; a hop that looks like a
/// dummy, with a wrong tag, another node's or one from another place, is refused.
#[test]
fn dummy_hops_of_others_are_not_taken_off() {
    let own = record(4, &id(1).serialize());
    let to_itself = message(&id(1), &payload(&own, &[], &[]), false);
    assert_eq!(onion::forward(&to_itself, &node(1)).next(), NextHop::NodeId(id(1)));
    for len in [0, 1, 15, 16, 17, 32] {
        assert_eq!(
            peel(&payload(&record(6, &vec![0x55; len]), &[], &[]), false).err(),
            Some(Refusal::Unusable),
            "{len}"
        );
    }
    // What node 1 made for itself, read by the letter, at another place and for another node.
    let path = BlindedPathBuilder::own(&node(1)).dummy_hops(1).build([3; 32]).unwrap();
    let path_key = path.first_path_key().public_key().unwrap();
    let tag = Unblinded::new(&node(1), &path_key, path.hops().next().unwrap().encrypted_recipient_data).unwrap();
    let tag = record(6, tag.data().path_id().unwrap());
    for (reader, session) in [(1, 5), (2, 3)] {
        let hops = [(id(reader), tag.clone()), (id(reader), record(6, b"end"))];
        let copied = onion_naive::path(&hops, [session; 32]);
        assert_eq!(over(&copied).peel(&node(reader)).err(), Some(Refusal::Unusable));
    }
    let same = onion_naive::path(&[(id(1), tag), (id(1), record(6, b"end"))], [3; 32]);
    assert_eq!(onion::received(&over(&same), &node(1)).path_id(), Some(&b"end"[..]));
}

// TLV-7: a path key as it came may be no point, and no path starts there.
#[test]
fn a_path_starts_at_a_point_on_the_curve() {
    let mut made = 0;
    for byte in 0..=255 {
        let mut bytes = two_hops().into_bytes();
        bytes[34] = byte;
        let start = OnionMessage::read(bytes).unwrap().path_key();
        let path = BlindedPath::new(IntroductionNode::NodeId(start), id(1), [(id(2), &b"told"[..])]);
        let error = path.err().map(|error| (error.kind().clone(), error.rule()));
        let off_the_curve = start.public_key().is_err().then_some((ErrorKind::InvalidPoint, Rule::Tlv7));
        assert_eq!(error, off_the_curve);
        made += u32::from(error.is_none());
    }
    assert!((1..255).contains(&made));
}

/// A path of so many hops, whose points are none.
fn path_off_the_curve(hops: usize) -> Vec<u8> {
    let no_point = [&[2][..], &[0; 31], &[5]].concat();
    let hops = (0..hops).flat_map(|_| [&no_point[..], &[0, 1, 7]].concat());
    let count = hops.clone().count() / 36;
    [&no_point[..], &no_point, &[count as u8]].concat().into_iter().chain(hops).collect()
}

/// EXC-1: a reply path costs whoever answers a multiplication for each hop, so it is short.
#[test]
fn a_long_reply_path_is_refused_before_its_points_are_looked_at() {
    let read = |bytes: &[u8]| {
        let record = [&[2, 0xfd][..], &(bytes.len() as u16).to_be_bytes(), bytes].concat();
        Payload::read(record).map(drop).map_err(|error| (error.kind().clone(), error.rule(), error.offset()))
    };
    let reply = |hops: usize| {
        let through = (1..hops).fold(BlindedPathBuilder::new(id(2)), |builder, _| builder.through(id(3)));
        through.build([3; 32]).unwrap()
    };
    assert_eq!(read(reply(MAX_REPLY_HOPS).as_bytes()), Ok(()));
    let too_many = Err((ErrorKind::TooManyEntries, Rule::Exc1, Some(4)));
    for hops in [MAX_REPLY_HOPS + 1, 100, 255] {
        assert_eq!(read(reply(hops).as_bytes()), too_many);
        assert_eq!(read(&path_off_the_curve(hops)), too_many);
    }
    assert_eq!(read(&path_off_the_curve(MAX_REPLY_HOPS)), Err((ErrorKind::InvalidPoint, Rule::Tlv7, Some(4))));
    // Nor is a point looked at where there are two messages.
    let two = [record(64, b"a"), record(65, b"b")].concat();
    let path = path_off_the_curve(1);
    assert_eq!(Payload::read([record(2, &path), two].concat()).unwrap_err().kind(), &ErrorKind::Unexpected);

    // Nobody here sends one.
    let sent = |path: &BlindedPath<'_>| {
        OnionMessageBuilder::to_node(id(1), Contents::InvoiceRequest(b"?")).reply_path(path).build([4; 32])
    };
    let longest = reply(MAX_REPLY_HOPS);
    assert_eq!(onion::received(&sent(&longest).unwrap().message, &node(1)).reply_path(), Some(longest));
    let error = sent(&reply(MAX_REPLY_HOPS + 1)).unwrap_err();
    let expected = (&ErrorKind::TooManyEntries, Some(Field::REPLY_PATH), Rule::Exc1);
    assert_eq!((error.kind(), error.field(), error.rule()), expected);
}

/// MSG-5: whoever answers takes off one hop of its own, as a node does that passes the message on.
#[test]
fn one_own_hop_is_taken_off_a_path() {
    let sender = node(1);
    let answer = |own: usize| {
        let path = (0..own).fold(BlindedPathBuilder::new(id(2)), |builder, _| builder.through(id(1)));
        let path = path.build([3; 32]).unwrap();
        OnionMessageBuilder::over(&path, Contents::Invoice(b"?")).sender(&sender).build([4; 32])
    };
    for own in [0, 1] {
        assert_eq!(answer(own).unwrap().to, NextHop::NodeId(id(2)), "{own}");
    }
    for own in [2, 3, 11, 254] {
        let error = answer(own).unwrap_err();
        assert_eq!((error.kind(), error.rule()), (&ErrorKind::OwnPath, Rule::Msg5), "{own}");
    }
}

/// EXC-21: what a sender does with a path that starts at itself is what the same node does with a message that somebody
/// else sends over that path: on to the same node, with the same for it to find, or nothing at all.
fn own_and_forwarded(path: &BlindedPath<'_>) {
    let (own, over) = (node(1), || OnionMessageBuilder::over(path, Contents::Invoice(b"invoice")));
    let answered = over().sender(&own).build([4; 32]).map(|sent| (sent.to, sent.message));
    let forwarded = match over().build([5; 32]).unwrap().message.peel(&own) {
        // To itself is nowhere.
        Ok(Peeled::Forward(forward)) if forward.next() != NextHop::NodeId(id(1)) => {
            Some((forward.next(), forward.message().unwrap()))
        }
        _ => None,
    };
    match (answered, forwarded) {
        (Err(_), None) => {}
        (Ok((to, answer)), Some((next, forward))) => {
            assert_eq!(to, next);
            let found = [answer, forward].map(|message| match message.peel(&node(2)) {
                Ok(Peeled::Received(received)) => Ok(received.path_id().map(<[u8]>::to_vec)),
                Ok(Peeled::Forward(forward)) => panic!("{forward:?}"),
                Err(refusal) => Err(refusal),
            });
            assert_eq!(found[0], found[1]);
        }
        (answered, forwarded) => panic!("{answered:?}, but {forwarded:?} from another"),
    }
}

/// What a hop may be told, of every kind.
fn hop_data() -> impl Strategy<Value = Vec<u8>> {
    let maybe = |record: Vec<u8>| prop::option::weighted(0.25, Just(record));
    let next = prop_oneof![
        4 => Just(record(4, &id(2).serialize())),
        1 => Just(record(4, &id(1).serialize())),
        1 => Just(Vec::new()),
    ];
    let fields = [
        record(6, b"a path id"),
        record(8, &id(3).serialize()),
        record(10, &[0; 6]),
        record(12, &[0, 0, 0, 1]),
        record(14, &[2]),
        record(15, b"odd"),
        record(16, b"even"),
    ];
    let rest = fields.map(maybe).into_iter().collect::<Vec<_>>();
    (maybe(record(1, &[0; 9])), maybe(record(2, &[7; 8])), next, rest).prop_map(|(padding, channel, next, rest)| {
        let parts = [padding, channel, Some(next)].into_iter().chain(rest);
        parts.flatten().flatten().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    // EXC-21, MSG-5
    #[test]
    fn an_own_hop_is_what_it_is_to_others(data in hop_data(), last in prop::bool::weighted(0.1)) {
        let mut hops = vec![(id(1), data), (id(2), record(6, b"the end"))];
        hops.truncate(if last { 1 } else { 2 });
        own_and_forwarded(&onion_naive::path(&hops, [3; 32]));
    }
}

/// The kinds of hops by which a node could be told from others, one by one.
#[test]
fn an_own_hop_that_others_would_not_pass_on_is_not_taken_off() {
    let next = record(4, &id(2).serialize());
    let path = |data: Vec<u8>| onion_naive::path(&[(id(1), data), (id(2), record(6, b"end"))], [3; 32]);
    let answer = |path: &BlindedPath<'_>| {
        OnionMessageBuilder::over(path, Contents::Invoice(b"?")).sender(&node(1)).build([4; 32]).map(|sent| sent.to)
    };
    assert_eq!(answer(&path(next.clone())), Ok(NextHop::NodeId(id(2))));
    assert_eq!(answer(&path(record(2, &[7; 8]))), Ok(NextHop::Channel(ShortChannelId(0x0707_0707_0707_0707))));
    let refused = |after: Vec<u8>, kind, field| {
        let path = path([next.clone(), after].concat());
        own_and_forwarded(&path);
        let error = answer(&path).unwrap_err();
        assert_eq!((error.kind(), error.field()), (&kind, Some(field)));
    };
    refused(record(6, b"secret"), ErrorKind::Unexpected, Field::PATH_ID);
    refused(record(10, &[0; 6]), ErrorKind::Unexpected, Field::PAYMENT_RELAY);
    refused(record(12, &[0, 0, 0, 1]), ErrorKind::Unexpected, Field::PAYMENT_CONSTRAINTS);
    refused(record(14, &[2]), ErrorKind::UnknownFeature(1), Field::ALLOWED_FEATURES);
    refused(record(16, b"even"), ErrorKind::UnknownEvenField, Field::numbered(16));
    // Nor is a dummy hop of its own in somebody else's path.
    let own = BlindedPathBuilder::own(&node(1)).dummy_hops(2).build([3; 32]).unwrap();
    own_and_forwarded(&own);
    assert_eq!(answer(&own).unwrap_err().kind(), &ErrorKind::OwnPath);
}

/// A dummy hop that is itself good, with something wrong inside, was not cheap.
#[test]
fn what_fails_behind_a_dummy_hop_is_not_cheap() {
    let path = BlindedPathBuilder::own(&node(1)).dummy_hops(1).build([3; 32]).unwrap();
    let hops = path.hops().map(|hop| (hop.blinded_node_id.public_key().unwrap(), hop.encrypted_recipient_data));
    // The layer behind is made for another key.
    let hops: Vec<_> = hops.take(1).chain([(id(9), &[0; 20][..])]).collect();
    let path = BlindedPath::new(id(1).into(), path.first_path_key().public_key().unwrap(), hops).unwrap();
    assert_eq!(over(&path).peel(&node(1)).err(), Some(Refusal::Unusable));
}

#[test]
fn builders_refuse_contradictions() {
    let path = BlindedPathBuilder::new(id(2)).through(id(1)).build([3; 32]).unwrap();
    let kind = |result: Result<BlindedPath<'static>, Error>| {
        let error = result.unwrap_err();
        (error.kind().clone(), error.rule())
    };
    let own = || BlindedPathBuilder::new(id(2));
    let joining = || BlindedPathBuilder::joining(&path, id(1));
    assert_eq!(kind(own().build([0; 32])), (ErrorKind::InvalidSecret, Rule::Tlv7));
    assert_eq!(kind(own().build([0xff; 32])), (ErrorKind::InvalidSecret, Rule::Tlv7));
    assert_eq!(kind(joining().build([3; 32])), (ErrorKind::NoHops, Rule::Ofr8));
    assert_eq!(kind(joining().through(id(5)).path_id([1; 32]).build([3; 32])), (ErrorKind::Unexpected, Rule::Pth2));
    assert_eq!(kind(joining().through(id(5)).dummy_hops(1).build([3; 32])), (ErrorKind::Unexpected, Rule::Pth1));
    let wrong = BlindedPathBuilder::joining(&path, id(4)).through(id(5));
    assert_eq!(kind(wrong.build([3; 32])), (ErrorKind::WrongKey, Rule::Msg5));
    let scid = ShortChannelId(1);
    let hop = PathHop::new(id(2)).by_channel(scid);
    assert_eq!(kind(BlindedPathBuilder::new(hop).build([3; 32])), (ErrorKind::Unexpected, Rule::Pth4));
    for number in [0, 1, 2, 4, 6, 8, 10, 12, 14, 16, 1 << 40] {
        let hop = PathHop::new(id(1)).field(number, b"?");
        assert_eq!(kind(own().through(hop).build([3; 32])), (ErrorKind::OutOfRange, Rule::Pth4), "{number}");
    }
    let hop = PathHop::new(id(1)).field(15, b"a").field(15, b"b");
    assert_eq!(kind(own().through(hop).build([3; 32])), (ErrorKind::NotAscending, Rule::Tlv1));
    assert_eq!(kind(own().path_id(vec![0; 65_530]).build([3; 32])), (ErrorKind::TooManyEntries, Rule::Tlv6));
    assert_eq!(kind(own().pad_to(usize::MAX).build([3; 32])), (ErrorKind::TooManyEntries, Rule::Tlv6));
    let many = (0..255).fold(own(), |builder, _| builder.through(id(1)));
    assert_eq!(kind(many.build([3; 32])), (ErrorKind::TooManyEntries, Rule::Tlv6));

    let kind = |builder: OnionMessageBuilder<'_>| {
        let error = builder.build([4; 32]).unwrap_err();
        (error.kind().clone(), error.rule())
    };
    let large = vec![0; 40_000];
    let request = |bytes| OnionMessageBuilder::to_node(id(1), Contents::InvoiceRequest(bytes));
    let too_long = ErrorKind::TooLong { len: 40_057, max: 32_768 };
    assert_eq!(kind(request(&large)), (too_long, Rule::Msg1));
    assert_eq!(kind(request(b"?").field(70, b"even")), (ErrorKind::OutOfRange, Rule::Msg1));
    assert_eq!(kind(request(b"?").field(61, b"a").field(61, b"b")), (ErrorKind::NotAscending, Rule::Tlv1));
    // MSG-1: one message, of offers or not.
    for number in [65, 71, 1 << 40 | 1] {
        assert_eq!(kind(request(b"?").field(number, b"a")), (ErrorKind::Unexpected, Rule::Msg1));
    }
    assert!(request(b"?").field(63, b"a").build([4; 32]).is_ok());
    let without = || request(b"?").without_contents().field(71, b"a");
    assert_eq!(kind(without().field(73, b"b")), (ErrorKind::Unexpected, Rule::Msg1));
    let received = onion::received(&without().field(63, b"b").build([4; 32]).unwrap().message, &node(1));
    assert_eq!((received.contents(), received.payload().tlvs().len()), (None, 3));
    assert_eq!(request(b"?").build([0; 32]).unwrap_err().kind(), &ErrorKind::InvalidSecret);
    // A path that seems to start at the sender, but does not.
    let sender = node(1);
    let other = BlindedPathBuilder::new(id(2)).through(id(5)).introduction_by_channel(scid, Direction::NodeOne);
    let other = other.build([3; 32]).unwrap();
    let builder = OnionMessageBuilder::over(&other, Contents::Invoice(b"?")).introduction(id(1)).sender(&sender);
    assert_eq!(kind(builder), (ErrorKind::DoesNotDecrypt, Rule::Pth4));
    // MSG-5: a path that names its start does not start elsewhere.
    let builder = || OnionMessageBuilder::over(&path, Contents::Invoice(b"?"));
    assert_eq!(kind(builder().introduction(id(5))), (ErrorKind::WrongKey, Rule::Msg5));
    assert_eq!(builder().introduction(id(1)).build([4; 32]), builder().build([4; 32]));
}

/// The onion is as small as its payload allows.
#[test]
fn an_onion_has_one_of_two_sizes() {
    let len = |bytes: usize| {
        let contents = vec![7; bytes];
        let builder = OnionMessageBuilder::to_node(id(1), Contents::InvoiceRequest(&contents));
        let message = builder.build([4; 32])?.message;
        let received = onion::received(&message, &node(1));
        assert_eq!(received.contents(), Some(Contents::InvoiceRequest(&contents)));
        Ok::<_, Error>(message.packet().len())
    };
    // Length 3, encrypted data 2 + 16, type 1 and length 3, HMAC 32.
    assert_eq!(len(1300 - 57), Ok(1366));
    assert_eq!(len(1300 - 56), Ok(32834));
    assert_eq!(len(32768 - 57), Ok(32834));
    assert!(matches!(len(32768 - 56).unwrap_err().kind(), ErrorKind::TooLong { .. }));
}

/// What no hop uses of a packet looks like what hops use: the last hop, which peels it all, finds no zeros, and nothing
/// that two packets have in common.
#[test]
fn what_is_not_used_of_an_onion_is_random() {
    let unused = |session: u8, contents: usize| {
        let contents = vec![7; contents];
        let builder = OnionMessageBuilder::to_node(id(1), Contents::InvoiceRequest(&contents));
        let message = builder.build([session; 32]).unwrap().message;
        let mut data = decrypted(&message, &node(1));
        // Length 3, encrypted data 2 + 16, type 1 and length 3, HMAC 32.
        data.drain(..contents.len() + 57);
        data
    };
    for (contents, len) in [(300, 1300), (1300, 32768), (20_000, 32768)] {
        let (first, second) = (unused(4, contents), unused(5, contents));
        assert_eq!((first.len(), second.len()), (len - contents - 57, len - contents - 57));
        let equal = first.iter().zip(&second).filter(|(a, b)| a == b).count();
        let bound = first.len() / 100;
        assert!(equal < bound, "{equal} equal bytes of {}", first.len());
        for bytes in [&first, &second] {
            let zeros = bytes.iter().filter(|byte| **byte == 0).count();
            assert!(zeros < bound, "{zeros} zeros of {}", bytes.len());
            // Nor does the end differ from the start.
            assert!(bytes.rchunks(64).all(|chunk| chunk.len() < 64 || chunk.iter().any(|byte| *byte != chunk[0])));
        }
    }
}

/// What a server needs of types that it keeps and sends between threads.
#[test]
fn types_can_be_shared() {
    fn shared<T: Send + Sync + std::fmt::Debug>() {}
    shared::<BlindedPathBuilder<'_>>();
    shared::<OnionMessageBuilder<'_>>();
    shared::<OnionMessage>();
    shared::<Peeled>();
    shared::<Unblinded>();
    shared::<HopData>();
    shared::<Payload>();
    shared::<Refusal>();
}

/// Nothing that is secret is shown.
#[test]
fn debug_shows_no_secret() {
    let secret = "abababababababab";
    let path = |end: PathHop| BlindedPathBuilder::new(end).path_id([0xab; 32]);
    let hop = || PathHop::new(id(2)).field(15, [0xab; 32]);
    let built = path(hop()).through(id(1)).build([3; 32]).unwrap();
    let sent = OnionMessageBuilder::over(&built, Contents::InvoiceRequest(&[0xab; 32])).field(63, [0xab; 32]);
    let message = sent.clone().build([4; 32]).unwrap().message;
    let forward = onion::forward(&message, &node(1));
    let received = onion::received(&forward.message().unwrap(), &node(2));
    let data = received.data();
    assert_eq!(data.path_id(), Some(&[0xab; 32][..]));
    let texts = [
        format!("{:?}", path(hop())),
        format!("{:?}", hop()),
        format!("{sent:?}"),
        format!("{forward:?}"),
        format!("{received:?}"),
        format!("{data:?}"),
        format!("{:?}", received.payload()),
    ];
    let key = hex::encode(received.signing_key().secret_bytes());
    for text in texts {
        assert!(!text.contains(secret) && !text.contains("171, 171") && !text.contains(&key), "{text}");
    }
}
