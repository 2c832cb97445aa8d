//! Whatever way a message takes, it arrives as it was sent: 1 to 8 hops, next nodes by key and by channel, dummy hops,
//! paths that lead to paths, own nodes before a path, and paths that start at the sender.

use super::onion::{self, id, node, received};
use bolt12::onion::{BlindedPathBuilder, Contents, HopData, NextHop, OnionMessageBuilder, PathHop, Unblinded};
use bolt12::secp256k1::PublicKey;
use bolt12::{BlindedPath, Direction, ErrorKind, IntroductionNode, Rule, ShortChannelId, TlvStream};
use proptest::prelude::*;

/// One node on the way, by its number: whether it finds the next by a channel.
#[derive(Clone, Copy, Debug)]
struct Hop {
    node: u8,
    by_channel: bool,
}

impl Hop {
    fn scid(self) -> ShortChannelId {
        ShortChannelId(u64::from(self.node) << 40 | 7 << 16 | 1)
    }

    fn build(self) -> PathHop {
        let hop = PathHop::new(id(self.node));
        if self.by_channel { hop.by_channel(self.scid()) } else { hop }
    }
}

#[derive(Clone, Copy, Debug)]
enum Contained {
    Request,
    Invoice,
    Error,
}

/// A way from the sender to the recipient, which is the last of `nodes`.
#[derive(Clone, Debug)]
struct Way {
    nodes: Vec<Hop>,
    /// So many of the nodes are chosen by the sender, and so many by somebody whose path leads to the recipient's.
    own: usize,
    joining: usize,
    dummies: usize,
    by_channel: bool,
    sender_first: bool,
    path_id: Option<Vec<u8>>,
    contained: Contained,
    bytes: Vec<u8>,
    reply: bool,
    session: [u8; 32],
}

fn way() -> impl Strategy<Value = Way> {
    let shape = (
        prop::collection::vec(any::<bool>(), 1..=8),
        any::<[prop::sample::Index; 2]>(),
        0usize..4,
        any::<[bool; 3]>(),
        prop::option::of(prop::collection::vec(any::<u8>(), 0..70)),
    );
    let sent = (
        prop_oneof![Just(Contained::Request), Just(Contained::Invoice), Just(Contained::Error)],
        prop_oneof![9 => 0usize..900, 1 => 900usize..20_000],
        any::<u8>(),
        any::<[u8; 32]>(),
    );
    (shape, sent).prop_map(|((channels, cuts, dummies, flags, path_id), (contained, len, byte, session))| {
        let nodes: Vec<Hop> =
            channels.iter().zip(1..).map(|(by_channel, node)| Hop { node, by_channel: *by_channel }).collect();
        // The recipient is in nobody else's part.
        let own = cuts[0].index(nodes.len());
        let joining = cuts[1].index(nodes.len() - own);
        Way {
            nodes,
            own,
            joining,
            dummies,
            by_channel: flags[0],
            sender_first: flags[1],
            path_id,
            contained,
            bytes: vec![byte; len],
            reply: flags[2],
            session,
        }
    })
}

/// What it takes to make the parts of a path one after the other.
fn numbered(session: [u8; 32], number: u8) -> [u8; 32] {
    let mut session = session;
    session[0] = number;
    session[31] |= 1;
    session
}

impl Way {
    fn path(&self) -> BlindedPath<'static> {
        let (joining, rest) = self.nodes[self.own..].split_at(self.joining);
        let (recipient, through) = rest.split_last().unwrap();
        let introduction = |builder: BlindedPathBuilder<'static>| match self.by_channel {
            true => builder.introduction_by_channel(ShortChannelId(77), Direction::NodeTwo),
            false => builder,
        };
        let mut builder = BlindedPathBuilder::own(&node(recipient.node)).dummy_hops(self.dummies);
        builder = through.iter().fold(builder, |builder, hop| builder.through(hop.build()));
        if let Some(path_id) = &self.path_id {
            builder = builder.path_id(path_id.clone());
        }
        if joining.is_empty() {
            return introduction(builder).build(numbered(self.session, 1)).unwrap();
        }
        let theirs = introduction(builder).build(numbered(self.session, 1)).unwrap();
        let joined = BlindedPathBuilder::joining(&theirs, id(rest[0].node));
        let joined = joining.iter().fold(joined, |builder, hop| builder.through(hop.build()));
        joined.build(numbered(self.session, 2)).unwrap()
    }

    fn contents(&self) -> Contents<'_> {
        match self.contained {
            Contained::Request => Contents::InvoiceRequest(&self.bytes),
            Contained::Invoice => Contents::Invoice(&self.bytes),
            Contained::Error => Contents::InvoiceError(&self.bytes),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    // PTH-1, PTH-2, PTH-3, MSG-1, MSG-5
    #[test]
    fn a_message_arrives_as_it_was_sent(way in way()) {
        let path = way.path();
        let recipient = node(way.nodes.last().unwrap().node);
        prop_assert_eq!(path.hops().count(), way.nodes.len() - way.own + way.dummies);
        // PTH-1: what each maker of a path padded looks the same.
        let lens: Vec<usize> = path.hops().map(|hop| hop.encrypted_recipient_data.len()).collect();
        prop_assert!(lens[..way.joining].windows(2).all(|pair| pair[0] == pair[1]));
        prop_assert!(lens[way.joining..].windows(2).all(|pair| pair[0] == pair[1]));

        let reply_path = BlindedPathBuilder::new(id(99)).through(id(98)).build(numbered(way.session, 4)).unwrap();
        let (own, rest) = way.nodes.split_at(way.own);
        let sender = node(rest[0].node);
        let starts_at_sender = way.sender_first && own.is_empty();
        let mut builder = OnionMessageBuilder::over(&path, way.contents());
        builder = own.iter().fold(builder, |builder, hop| builder.through(hop.build()));
        if way.by_channel && way.joining == 0 {
            let unknown = builder.clone().build(numbered(way.session, 3));
            match (own.last(), unknown) {
                // Nobody on the way has to know more than the sender.
                (Some(Hop { by_channel: false, .. }), outgoing) => {
                    let error = outgoing.unwrap_err();
                    prop_assert_eq!(error.kind(), &ErrorKind::UnknownIntroduction);
                    prop_assert_eq!(error.rule(), Rule::Msg5);
                }
                (Some(_), outgoing) => prop_assert_eq!(outgoing.unwrap().to, NextHop::NodeId(id(own[0].node))),
                (None, outgoing) => {
                    prop_assert_eq!(outgoing.unwrap().to, NextHop::ChannelEnd(ShortChannelId(77), Direction::NodeTwo));
                }
            }
            builder = builder.introduction(id(rest[0].node));
        }
        if starts_at_sender {
            builder = builder.sender(&sender);
        }
        if way.reply {
            builder = builder.reply_path(&reply_path);
        }
        let outgoing = builder.build(numbered(way.session, 3));
        if starts_at_sender && rest.len() == 1 {
            let error = outgoing.unwrap_err();
            prop_assert_eq!(error.kind(), &ErrorKind::OwnPath);
            return Ok(());
        }
        let outgoing = outgoing.unwrap();
        prop_assert!([1366, 32834].contains(&outgoing.message.packet().len()));

        let mut message = outgoing.message;
        let mut to = outgoing.to;
        let on_the_way = &way.nodes[usize::from(starts_at_sender)..];
        for (at, hop) in on_the_way.iter().enumerate() {
            let by_channel = |before: Hop| before.by_channel.then_some(NextHop::Channel(before.scid()));
            let before = match at.checked_sub(1) {
                Some(before) => Some(on_the_way[before]),
                None => starts_at_sender.then_some(way.nodes[0]),
            };
            prop_assert_eq!(to, before.and_then(by_channel).unwrap_or(NextHop::NodeId(id(hop.node))));
            if hop.node == way.nodes.len() as u8 {
                break;
            }
            let forward = onion::forward(&message, &node(hop.node));
            let next = forward.message().unwrap();
            prop_assert_eq!(next.as_bytes().len(), message.as_bytes().len());
            to = forward.next();
            message = next;
        }
        let received = received(&message, &recipient);
        prop_assert_eq!(received.contents(), Some(way.contents()));
        prop_assert_eq!(received.path_id(), way.path_id.as_deref());
        prop_assert_eq!(received.reply_path(), way.reply.then_some(reply_path));
        let signing_key = received.signing_key().public_key();
        prop_assert_eq!(path.last_blinded_node_id(), signing_key);
    }

    #[test]
    fn a_message_reaches_a_node_by_its_key(
        channels in prop::collection::vec(any::<bool>(), 0..7),
        bytes in prop::collection::vec(any::<u8>(), 0..500),
        session in any::<[u8; 32]>(),
    ) {
        let hops: Vec<Hop> =
            channels.iter().zip(1..).map(|(by_channel, node)| Hop { node, by_channel: *by_channel }).collect();
        let builder = OnionMessageBuilder::to_node(id(100), Contents::InvoiceRequest(&bytes));
        let builder = hops.iter().fold(builder, |builder, hop| builder.through(hop.build()));
        let outgoing = builder.build(numbered(session, 3)).unwrap();
        let first = hops.first().map_or(id(100), |hop| id(hop.node));
        prop_assert_eq!(outgoing.to, NextHop::NodeId(first));
        let mut message = outgoing.message;
        for (at, hop) in hops.iter().enumerate() {
            let next = hops.get(at + 1).map_or(id(100), |next| id(next.node));
            let next = if hop.by_channel { NextHop::Channel(hop.scid()) } else { NextHop::NodeId(next) };
            message = onion::passed_on(&message, &node(hop.node), next);
        }
        let received = received(&message, &node(100));
        prop_assert_eq!(received.contents(), Some(Contents::InvoiceRequest(&bytes)));
        // As elsewhere, such a hop is told nothing, not even nothing padded.
        prop_assert!(received.data().tlvs().is_empty());
        prop_assert_eq!(received.payload().encrypted_recipient_data().unwrap().len(), 16);
        prop_assert_eq!(received.path_id(), None);
        prop_assert_eq!(received.reply_path(), None);
    }

    /// MSG-1, TLV-2: whatever number it has, and however many bytes it takes to write that.
    #[test]
    fn a_message_of_any_odd_number_arrives(
        bits in 7u32..=64,
        number in any::<u64>(),
        value in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let number = (1 << (bits - 1) | number >> (64 - bits)) | 1;
        let builder = OnionMessageBuilder::to_node(id(100), Contents::InvoiceRequest(b"")).without_contents();
        let outgoing = builder.field(number, value.clone()).build([3; 32]).unwrap();
        let received = received(&outgoing.message, &node(100));
        let records: Vec<_> = received.payload().tlvs().records().map(|record| (record.number(), record.value())).collect();
        prop_assert_eq!(records.last(), Some(&(number, &value[..])));
        prop_assert_eq!(received.contents(), None);
    }

    /// TLV-1 to TLV-3: what is no stream is refused as any other, at the same place.
    #[test]
    fn what_a_hop_is_told_is_a_stream(bytes in prop::collection::vec(prop_oneof![0u8..20, 0xfdu8..], 0..30)) {
        let place = |error: &bolt12::Error| (error.kind().clone(), error.rule(), error.offset(), error.field());
        if let Err(error) = TlvStream::read(bytes.clone()) {
            prop_assert_eq!(place(&HopData::read(bytes).unwrap_err()), place(&error));
        }
    }

    /// PTH-1: no length, however odd, gives a hop away.
    #[test]
    fn hops_of_a_path_look_alike(
        lens in prop::collection::vec(0usize..700, 1..6),
        least in 0usize..1000,
        session in any::<[u8; 32]>(),
    ) {
        let mut builder = BlindedPathBuilder::new(PathHop::new(id(1)).field(101, vec![1; lens[0]])).pad_to(least);
        for len in &lens[1..] {
            builder = builder.through(PathHop::new(id(2)).field(101, vec![1; *len]));
        }
        let path = builder.build(numbered(session, 1)).unwrap();
        let len = path.hops().next().unwrap().encrypted_recipient_data.len();
        prop_assert!(path.hops().all(|hop| hop.encrypted_recipient_data.len() == len));
        prop_assert!(len >= least + 16);
        // Not much more than it takes.
        let longest = lens.iter().max().unwrap() + 35 + 6;
        prop_assert!(len <= longest.max(least) + 16 + 257);
    }
}

/// A reply path that starts at whoever answers, as nodes write it that everybody knows (MSG-5).
#[test]
fn a_reply_path_that_starts_at_the_sender_is_used() {
    let (asker, responder) = (node(1), node(2));
    let path = BlindedPathBuilder::new(asker.public_key())
        .through(responder.public_key())
        .path_id([9; 32])
        .build([3; 32])
        .unwrap();
    let outgoing =
        OnionMessageBuilder::over(&path, Contents::Invoice(b"invoice")).sender(&responder).build([4; 32]).unwrap();
    assert_eq!(outgoing.to, NextHop::NodeId(asker.public_key()));
    let answer = received(&outgoing.message, &asker);
    assert_eq!(answer.path_id(), Some(&[9; 32][..]));
    assert_eq!(answer.contents(), Some(Contents::Invoice(b"invoice")));

    // Who does not say who it is sends to itself, which works too, with a node that listens to itself.
    let outgoing = OnionMessageBuilder::over(&path, Contents::Invoice(b"invoice")).build([4; 32]).unwrap();
    assert_eq!(outgoing.to, NextHop::NodeId(responder.public_key()));
    // Another sender is not disturbed.
    let other = node(3);
    let outgoing =
        OnionMessageBuilder::over(&path, Contents::Invoice(b"invoice")).sender(&other).build([4; 32]).unwrap();
    assert_eq!(outgoing.to, NextHop::NodeId(responder.public_key()));
}

/// An own hop at the start, and a channel after it.
#[test]
fn the_senders_own_hop_is_taken_off() {
    let sender = node(1);
    let scid = ShortChannelId(5);
    let builder = BlindedPathBuilder::new(id(9)).through(PathHop::new(sender.public_key()).by_channel(scid));
    let path = builder.build([3; 32]).unwrap();
    let outgoing =
        OnionMessageBuilder::over(&path, Contents::InvoiceError(b"no")).sender(&sender).build([4; 32]).unwrap();
    assert_eq!(outgoing.to, NextHop::Channel(scid));
    assert_eq!(received(&outgoing.message, &node(9)).contents(), Some(Contents::InvoiceError(b"no")));

    // Nodes on the way lead to the first hop that is left.
    let path = BlindedPathBuilder::new(id(9)).through(sender.public_key()).build([3; 32]).unwrap();
    let builder = OnionMessageBuilder::over(&path, Contents::InvoiceError(b"no")).sender(&sender).through(id(8));
    let outgoing = builder.build([4; 32]).unwrap();
    assert_eq!(outgoing.to, NextHop::NodeId(id(8)));
    let message = onion::passed_on(&outgoing.message, &node(8), NextHop::NodeId(id(9)));
    assert_eq!(received(&message, &node(9)).contents(), Some(Contents::InvoiceError(b"no")));

    // The path's own dummy hops are no way out either.
    let path = BlindedPathBuilder::own(&sender).dummy_hops(3).build([3; 32]).unwrap();
    let error = OnionMessageBuilder::over(&path, Contents::InvoiceError(b"no")).sender(&sender).build([4; 32]);
    let error = error.unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::OwnPath, Rule::Msg5));
}

/// PTH-3: the maker of a path and its last node find the same key.
#[test]
fn the_last_hop_has_the_key_that_the_path_names() {
    let issuer = node(1);
    let path = BlindedPathBuilder::new(issuer.public_key()).build([3; 32]).unwrap();
    let hop = path.hops().next().unwrap();
    let path_key: PublicKey = path.first_path_key().public_key().unwrap();
    let unblinded = Unblinded::new(&issuer, &path_key, hop.encrypted_recipient_data).unwrap();
    assert_eq!(path.last_blinded_node_id(), unblinded.signing_key().public_key());
    assert_eq!(unblinded.data().next(), None);
}

#[test]
fn a_path_can_name_its_start_by_a_channel() {
    let path = BlindedPathBuilder::new(id(1))
        .introduction_by_channel(ShortChannelId(6), Direction::NodeOne)
        .build([3; 32])
        .unwrap();
    let start = IntroductionNode::Channel { scid: ShortChannelId(6), direction: Direction::NodeOne };
    assert_eq!(path.introduction_node(), start);
    assert_eq!(BlindedPath::from_bytes(path.as_bytes()).unwrap(), path);
}

/// The first hop of a sender's own path must not be told so by equal keys.
#[test]
fn path_and_onion_have_keys_of_their_own() {
    let outgoing = OnionMessageBuilder::to_node(id(1), Contents::InvoiceRequest(b"?")).build([3; 32]).unwrap();
    assert_ne!(outgoing.message.packet()[1..34], outgoing.message.path_key().to_bytes());
}

// MSG-1
#[test]
fn each_message_has_its_type() {
    let all = [Contents::InvoiceRequest(b""), Contents::Invoice(b""), Contents::InvoiceError(b"")];
    assert_eq!(all.map(|contents| contents.tlv_type()), [64, 66, 68]);
    let names = [Contents::DnssecQuery(b""), Contents::DnssecProof(b"")];
    assert_eq!(names.map(|contents| contents.tlv_type()), [65_536, 65_538]);
}
