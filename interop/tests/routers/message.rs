//! Paths for messages.

use std::cell::Cell;
use std::collections::BTreeSet;

use bolt12::exchange::{
    Destination, MessageArrival, Messenger as OurMessenger, OffersMessage as OurMessage, OutgoingMessage, PathId, Route,
};
use bolt12::lightning::{NoPath, instructions, ldk, message_paths};
use bolt12::onion::NextHop;
use bolt12::secp256k1::{Keypair, PublicKey, Secp256k1, Signing, Verification};
use bolt12::{BlindedPath, ErrorKind, IntroductionNode};
use ldk::blinded_path::message::{BlindedMessagePath, MessageContext, MessageForwardNode};
use ldk::ln::msgs::{self, SocketAddress};
use ldk::onion_message::messenger::{Destination as TheirDestination, MessageRouter, OnionMessagePath};
use ldk::sign::{NodeSigner, ReceiveAuthKey};
use ldk::util::ser::LengthReadable;

use crate::gossip::{ByNodeId, Gossip, KNOWN, id, keys};
use crate::messages;
use crate::net::{Party, Peer, Witness, connect, deliver};

/// A position's path id.
fn path_id(position: u8) -> PathId {
    PathId([0x60 + position; 32])
}

fn peers(numbers: &[u8]) -> Vec<MessageForwardNode> {
    numbers.iter().map(|number| MessageForwardNode { node_id: id(*number), short_channel_id: None }).collect()
}

/// Our paths to a node, by a router.
fn paths<R: MessageRouter>(
    router: &R,
    recipient: u8,
    peers: &[MessageForwardNode],
    max: u8,
) -> Result<Vec<BlindedPath<'static>>, NoPath> {
    let key = keys(recipient).get_receive_auth_key();
    message_paths(router, id(recipient), key, peers, max, path_id, &Secp256k1::new())
}

/// What the router gives when it is asked once.
fn at_once<R: MessageRouter>(
    router: &R,
    recipient: u8,
    peers: &[MessageForwardNode],
) -> Result<Vec<BlindedPath<'static>>, ()> {
    let context = MessageContext::Offers(bolt12::lightning::context(&path_id(0)));
    let key = keys(recipient).get_receive_auth_key();
    let made = router.create_blinded_paths(id(recipient), key, context, peers.to_vec(), &Secp256k1::new())?;
    Ok(made.iter().map(|path| path.try_into().unwrap()).collect())
}

fn starts(gossip: &Gossip, paths: &[BlindedPath<'_>]) -> Vec<PublicKey> {
    paths.iter().map(|path| gossip.start(path)).collect()
}

fn is_compact(path: &BlindedPath<'_>) -> bool {
    matches!(path.introduction_node(), IntroductionNode::Channel { .. })
}

/// A request, to be sent over a path.
fn request_over(path: &BlindedPath<'static>) -> OutgoingMessage {
    let request = messages::request();
    OutgoingMessage {
        message: OurMessage::InvoiceRequest(request),
        destination: Destination::Path(path.clone()),
        reply_path_id: Some(PathId([9; 32])),
    }
}

/// Sends a request over each path, made by us and made by LDK, and expects each to arrive over the path of its
/// position (PTH-2).
fn each_arrives(gossip: &Gossip, recipient: u8, through: &[u8], paths: &[BlindedPath<'static>], private: &[(u64, u8)]) {
    let private = || private.iter().map(|(scid, node)| (*scid, id(*node))).collect::<Vec<_>>();
    let issuer = Party::new(gossip, recipient, Witness::default(), vec![]);
    let payer = Party::new(gossip, 150, Witness::default(), vec![]);
    let between: Vec<_> =
        through.iter().map(|number| Party::new(gossip, *number, Witness::default(), private())).collect();
    connect(&payer, &issuer);
    // LDK makes no reply path without a peer that is announced, unless there is only one.
    connect(&payer, &Party::new(gossip, KNOWN, Witness::default(), vec![]));
    for party in &between {
        connect(&payer, party);
        connect(party, &issuer);
    }
    let mut all: Vec<&dyn Peer> = vec![&issuer, &payer];
    all.extend(between.iter().map(|party| party as &dyn Peer));
    let ours = OurMessenger::new(Keypair::from_secret_key(&Secp256k1::new(), &keys(150).get_node_secret_key()));
    for (position, path) in paths.iter().enumerate() {
        let request = request_over(path);
        let expected = vec![(MessageArrival::Path(path_id(position as u8)), true)];

        let introduction = is_compact(path).then(|| gossip.start(path));
        if introduction.is_some() {
            let error = ours.send(&request, &Route::default(), [8; 32]).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::UnknownIntroduction);
        }
        let sent = ours.send(&request, &Route { introduction, ..Route::default() }, [8; 32]).unwrap();
        assert_eq!(sent.to, NextHop::NodeId(gossip.start(path)));
        let first = all.iter().find(|party| party.id() == gossip.start(path)).unwrap();
        let message = msgs::OnionMessage::read_from_fixed_length_buffer(&mut sent.message.payload()).unwrap();
        first.onions().handle_onion_message(payer.id, &message);
        deliver(&all);
        assert_eq!(std::mem::take(&mut *issuer.handler.0.lock().unwrap()), expected, "{position}");

        let (message, how) = instructions(&request).unwrap();
        payer.messenger.send_onion_message(message, how).unwrap();
        deliver(&all);
        assert_eq!(std::mem::take(&mut *issuer.handler.0.lock().unwrap()), expected, "{position}");
    }
}

// What the routers make.

/// Whoever is announced is found by its node id, and hides behind nobody: one path, that starts at itself.
#[test]
fn an_announced_node_has_one_path_that_starts_at_itself() {
    let gossip = Gossip::new();
    let through = [gossip.node(1, 1), gossip.node(2, 4), gossip.node(3, 2)];
    for peer in through {
        gossip.channel(10, peer);
    }
    for peers in [peers(&through), vec![]] {
        let compact = paths(&gossip.compact(10), 10, &peers, 3).unwrap();
        let plain = paths(&gossip.by_node_id(10), 10, &peers, 3).unwrap();
        assert_eq!((starts(&gossip, &compact), starts(&gossip, &plain)), (vec![id(10)], vec![id(10)]));
        // LDK's default names the start by a channel. The other router names the node, and adds dummy hops.
        assert_eq!((is_compact(&compact[0]), compact[0].hops().count()), (true, 1));
        assert_eq!((is_compact(&plain[0]), plain[0].hops().count()), (false, 4));
        each_arrives(&gossip, 10, &through, &compact, &[]);
        each_arrives(&gossip, 10, &through, &plain, &[]);
    }
}

/// Whoever is not announced is reached through peers that are: three at most, those with most channels first.
#[test]
fn a_wallet_has_a_path_through_each_of_three_peers() {
    let gossip = Gossip::new();
    let through = [gossip.node(1, 1), gossip.node(2, 4), gossip.node(3, 2), gossip.node(4, 3), 5];
    let peers = peers(&through);
    for max in 0..=5u8 {
        let expected: Vec<_> = [id(2), id(4), id(3)].into_iter().take(max.into()).collect();
        for made in [paths(&gossip.compact(10), 10, &peers, max), paths(&gossip.by_node_id(10), 10, &peers, max)] {
            if max == 0 {
                assert_eq!(made.unwrap_err(), NoPath);
                continue;
            }
            let made = made.unwrap();
            assert_eq!(starts(&gossip, &made), expected);
            each_arrives(&gossip, 10, &through, &made, &[]);
        }
    }
    assert_eq!(starts(&gossip, &at_once(&gossip.compact(10), 10, &peers).unwrap()), [id(2), id(4), id(3)]);
    // Whoever is behind Tor comes last.
    gossip.channel(6, 2);
    for other in 0..9 {
        gossip.channel(6, 220 + other);
    }
    gossip.announce(6, SocketAddress::OnionV3 { ed25519_pubkey: [1; 32], checksum: 1, version: 3, port: 1 });
    let made = paths(&gossip.compact(10), 10, &self::peers(&[6, 1]), 3).unwrap();
    assert_eq!(starts(&gossip, &made), [id(1), id(6)]);
}

/// With as many channels each, the peers keep their places: one path through each, however often the router is asked.
#[test]
fn paths_through_equal_peers_are_different() {
    let gossip = Gossip::new();
    let through: Vec<u8> = (1..=30).map(|number| gossip.node(number, 1 + number % 2)).collect();
    let peers = peers(&through);
    for _ in 0..3 {
        for made in [paths(&gossip.compact(50), 50, &peers, 9), paths(&gossip.by_node_id(50), 50, &peers, 9)] {
            let starts = starts(&gossip, &made.unwrap());
            assert_eq!(starts, self::starts(&gossip, &at_once(&gossip.compact(50), 50, &peers).unwrap()));
            assert_eq!(starts.iter().collect::<BTreeSet<_>>().len(), 3);
        }
    }
}

/// The only peer is good enough even if nobody else knows it. Of several, only those that are announced are.
#[test]
fn the_only_peer_may_be_unknown() {
    let gossip = Gossip::new();
    gossip.node(1, 2);
    // Of 8 and 9, nobody knows more than their peers do.
    for (through, expected) in [(&[1][..], Some(1)), (&[8], Some(8)), (&[8, 1], Some(1)), (&[8, 9], None), (&[], None)]
    {
        for made in
            [paths(&gossip.compact(10), 10, &peers(through), 3), paths(&gossip.by_node_id(10), 10, &peers(through), 3)]
        {
            match expected {
                Some(start) => {
                    let made = made.unwrap();
                    assert_eq!(starts(&gossip, &made), [id(start)]);
                    each_arrives(&gossip, 10, through, &made, &[]);
                }
                None => assert_eq!(made.unwrap_err(), NoPath),
            }
        }
    }
}

/// A peer that is told of a channel instead of a node id finds its end: the hop is smaller.
#[test]
fn the_next_hop_may_be_a_channel() {
    let gossip = Gossip::new();
    let through = [gossip.node(1, 1), gossip.node(2, 4)];
    let peers: Vec<_> = [(1, 70), (2, 71)]
        .map(|(number, scid)| MessageForwardNode { node_id: id(number), short_channel_id: Some(scid) })
        .into();
    let made = paths(&gossip.compact(10), 10, &peers, 3).unwrap();
    assert_eq!(starts(&gossip, &made), [id(2), id(1)]);
    each_arrives(&gossip, 10, &through, &made, &[(70, 10), (71, 10)]);
    // The other router always names nodes, whatever it knows of channels.
    let made = paths(&gossip.by_node_id(10), 10, &peers, 3).unwrap();
    each_arrives(&gossip, 10, &through, &made, &[]);
}

/// A start that is named by a channel is lost with the channel; one that is named by its node is not.
#[test]
fn a_channel_that_is_closed_takes_its_paths_with_it() {
    let gossip = Gossip::new();
    let peers = peers(&[gossip.node(1, 2)]);
    let compact = paths(&gossip.compact(10), 10, &peers, 1).unwrap();
    let plain = paths(&gossip.by_node_id(10), 10, &peers, 1).unwrap();
    let IntroductionNode::Channel { scid, .. } = compact[0].introduction_node() else { panic!() };
    gossip.graph.channel_failed_permanent(scid.0);
    let payer = Party::new(&gossip, 150, Witness::default(), vec![]);
    let middle = Party::new(&gossip, 1, Witness::default(), vec![]);
    connect(&payer, &middle);
    let send = |path| {
        let (message, how) = instructions(&request_over(path)).unwrap();
        payer.messenger.send_onion_message(message, how)
    };
    assert!(send(&compact[0]).is_err());
    assert!(send(&plain[0]).is_ok());
}

/// A router that gives the same paths in another order every time, as one would to spread the load, or that loses one.
struct Fickle {
    inner: ByNodeId,
    asked: Cell<usize>,
    loses: bool,
}

impl MessageRouter for Fickle {
    fn find_path(&self, from: PublicKey, peers: Vec<PublicKey>, to: TheirDestination) -> Result<OnionMessagePath, ()> {
        self.inner.find_path(from, peers, to)
    }

    fn create_blinded_paths<T: Signing + Verification>(
        &self,
        recipient: PublicKey,
        key: ReceiveAuthKey,
        context: MessageContext,
        peers: Vec<MessageForwardNode>,
        secp: &Secp256k1<T>,
    ) -> Result<Vec<BlindedMessagePath>, ()> {
        let mut paths = self.inner.create_blinded_paths(recipient, key, context, peers, secp)?;
        let asked = self.asked.replace(self.asked.get() + 1);
        match self.loses {
            true => paths.truncate(3 - asked.min(1)),
            false => paths.rotate_left(asked % 3),
        }
        Ok(paths)
    }
}

/// However the router orders them, no two paths start at the same node while there are others, and none is lost.
#[test]
fn the_order_may_change_from_call_to_call() {
    let gossip = Gossip::new();
    let through = [gossip.node(1, 1), gossip.node(2, 4), gossip.node(3, 2)];
    for start in 0..3 {
        let fickle = Fickle { inner: gossip.by_node_id(10), asked: Cell::new(start), loses: false };
        let made = paths(&fickle, 10, &peers(&through), 3).unwrap();
        assert_eq!(starts(&gossip, &made).into_iter().collect::<BTreeSet<_>>(), through.map(id).into());
        each_arrives(&gossip, 10, &through, &made, &[]);
    }
    // A channel was closed meanwhile: what there is, and nothing twice.
    let fickle = Fickle { inner: gossip.by_node_id(10), asked: Cell::new(0), loses: true };
    let made = paths(&fickle, 10, &peers(&through), 3).unwrap();
    assert_eq!(starts(&gossip, &made), [id(2), id(3)]);
}

/// A peer through which there are several ways may be the start of as many paths.
#[test]
fn a_peer_that_is_named_twice_is_used_twice() {
    let gossip = Gossip::new();
    let through = [gossip.node(1, 1), gossip.node(2, 4)];
    let peers = peers(&[1, 2, 2]);
    let made = paths(&gossip.by_node_id(10), 10, &peers, 3).unwrap();
    assert_eq!(starts(&gossip, &made), [id(2), id(2), id(1)]);
    each_arrives(&gossip, 10, &through, &made, &[]);
}
