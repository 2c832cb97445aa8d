//! The crate `lightning` opens our paths and messages, and we open its.

#[path = "../../tests/common/onion.rs"]
mod onion;

use bolt12::onion::{
    BlindedPathBuilder, Contents, NextHop, OnionMessage, OnionMessageBuilder, PathHop, Peeled, Unblinded,
};
use bolt12::secp256k1::{All, Keypair, PublicKey, Secp256k1};
use bolt12::{
    BlindedPath, ChainHash, ErrorKind, InvoiceRequest, InvoiceRequestBuilder, Msat, OfferBuilder, ShortChannelId,
    UnixTime,
};
use lightning::blinded_path::NodeIdLookUp;
use lightning::blinded_path::message::{
    BlindedMessagePath, MessageContext, MessageForwardNode, NextMessageHop, OffersContext,
};
use lightning::ln::msgs::OnionMessage as TheirMessage;
use lightning::ln::peer_handler::IgnoringMessageHandler;
use lightning::offers::invoice_error::InvoiceError as TheirInvoiceError;
use lightning::offers::invoice_request::InvoiceRequest as TheirRequest;
use lightning::offers::nonce::Nonce;
use lightning::onion_message::messenger::{
    Destination, OnionMessagePath, PeeledOnion, create_onion_message, peel_onion_message,
};
use lightning::onion_message::offers::OffersMessage;
use lightning::onion_message::packet::ParsedOnionMessageContents;
use lightning::sign::{EntropySource, KeysManager, NodeSigner};
use lightning::util::logger::{Logger, Record};
use lightning::util::ser::{LengthReadable, Readable, Writeable};
use proptest::prelude::*;

struct Silent;

impl Logger for Silent {
    fn log(&self, _: Record<'_>) {}
}

/// A node that both sides can be.
struct Node {
    theirs: KeysManager,
    ours: Keypair,
}

impl Node {
    fn new(number: u8) -> Self {
        let theirs = KeysManager::new(&[number; 32], 1, 1, true);
        let ours = Keypair::from_secret_key(&Secp256k1::new(), &theirs.get_node_secret_key());
        Self { theirs, ours }
    }

    fn id(&self) -> PublicKey {
        self.ours.public_key()
    }

    /// As `lightning` peels it.
    fn peel(&self, message: &OnionMessage) -> Result<PeeledOnion<std::convert::Infallible>, ()> {
        let Some(message) = theirs(message) else { return Err(()) };
        peel_onion_message(&message, &Secp256k1::new(), &self.theirs, &Silent, IgnoringMessageHandler {})
    }
}

/// Finds a node by the channel that leads to it.
struct Channels(Vec<PublicKey>);

impl NodeIdLookUp for Channels {
    fn next_node_id(&self, scid: u64) -> Option<PublicKey> {
        self.0.get(scid as usize).copied()
    }
}

fn theirs(message: &OnionMessage) -> Option<TheirMessage> {
    TheirMessage::read_from_fixed_length_buffer(&mut message.payload()).ok()
}

fn ours(message: &TheirMessage) -> OnionMessage {
    OnionMessage::from_payload(&message.encode()).unwrap()
}

fn their_path(path: &BlindedPath<'_>) -> BlindedMessagePath {
    BlindedMessagePath::read(&mut path.as_bytes()).unwrap()
}

fn our_path(path: &BlindedMessagePath) -> BlindedPath<'static> {
    BlindedPath::from_bytes(&path.encode()).unwrap().into_owned()
}

fn their_hop(hop: NextHop) -> NextMessageHop {
    match hop {
        NextHop::NodeId(id) => NextMessageHop::NodeId(id),
        NextHop::Channel(scid) => NextMessageHop::ShortChannelId(scid.0),
        NextHop::ChannelEnd(..) => panic!("nobody forwards to the end of a channel"),
    }
}

/// The nodes 1 to n; the last is the recipient.
fn nodes(count: usize) -> Vec<Node> {
    (1..=count as u8).map(Node::new).collect()
}

/// The scid by which a node names the next, if it does: the place of the next in the list.
fn scid(by_channel: &[bool], at: usize) -> Option<u64> {
    by_channel[at].then_some(at as u64 + 1)
}

fn request() -> InvoiceRequest {
    let (issuer, payer) = (onion::node(0x51), onion::node(0x52));
    let offer = OfferBuilder::new(issuer.public_key()).description("tea").amount_msat(Msat(1_000)).build().unwrap();
    let usable = offer.usable(UnixTime(1_800_000_000), &[ChainHash::BITCOIN]).unwrap();
    InvoiceRequestBuilder::new(usable, payer.public_key(), [7; 16]).build().unwrap().sign(&payer).unwrap()
}

fn their_request() -> TheirRequest {
    TheirRequest::try_from(request().as_bytes().to_vec()).unwrap()
}

/// What both sides send.
fn offers_message(is_error: bool) -> (OffersMessage, Vec<u8>) {
    let message = match is_error {
        true => OffersMessage::InvoiceError(TheirInvoiceError::from_string("no".into())),
        false => OffersMessage::InvoiceRequest(their_request()),
    };
    let bytes = message.encode();
    (message, bytes)
}

fn contents(bytes: &[u8], is_error: bool) -> Contents<'_> {
    if is_error { Contents::InvoiceError(bytes) } else { Contents::InvoiceRequest(bytes) }
}

/// Passes a message on, each node peeling it on both sides, which find the same.
fn pass_on(mut message: OnionMessage, nodes: &[Node], by_channel: &[bool], from: usize) -> OnionMessage {
    let last = nodes.len() - 1;
    for at in from..last {
        let Ok(Peeled::Forward(forward)) = message.peel(&nodes[at].ours) else { panic!("hop {at}") };
        let Ok(PeeledOnion::Forward(next, their_message)) = nodes[at].peel(&message) else { panic!("hop {at}") };
        let expected = match scid(by_channel, at) {
            Some(scid) => NextMessageHop::ShortChannelId(scid),
            None => NextMessageHop::NodeId(nodes[at + 1].id()),
        };
        assert_eq!(next, expected);
        assert_eq!(their_hop(forward.next()), next);
        let next = forward.message().unwrap();
        assert_eq!(next, ours(&their_message));
        message = next;
    }
    message
}

/// A path of theirs to the last of the nodes.
fn path_of_theirs(nodes: &[Node], by_channel: &[bool], dummies: usize, compact: bool) -> BlindedMessagePath {
    let (recipient, through) = nodes.split_last().unwrap();
    let through: Vec<MessageForwardNode> = through
        .iter()
        .enumerate()
        .map(|(at, node)| MessageForwardNode { node_id: node.id(), short_channel_id: scid(by_channel, at) })
        .collect();
    let context = MessageContext::Offers(OffersContext::InvoiceRequest {
        nonce: Nonce::from_entropy_source(&recipient.theirs),
        payment_metadata: None,
    });
    let key = recipient.theirs.get_receive_auth_key();
    BlindedMessagePath::new_with_dummy_hops(
        &through,
        recipient.id(),
        dummies,
        key,
        context,
        compact,
        &recipient.theirs,
        &Secp256k1::<All>::new(),
    )
}

/// A path of ours. `lightning` does not read a `path_id`, so there is none where it is the recipient.
fn path_of_ours(
    nodes: &[Node],
    by_channel: &[bool],
    dummies: usize,
    path_id: Option<[u8; 32]>,
) -> BlindedPath<'static> {
    let (recipient, through) = nodes.split_last().unwrap();
    let mut builder = BlindedPathBuilder::own(&recipient.ours).dummy_hops(dummies);
    for (at, node) in through.iter().enumerate() {
        let hop = PathHop::new(node.id());
        builder = builder.through(match scid(by_channel, at) {
            Some(scid) => hop.by_channel(ShortChannelId(scid)),
            None => hop,
        });
    }
    if let Some(id) = path_id {
        builder = builder.path_id(id);
    }
    builder.build(nodes[0].theirs.get_secure_random_bytes()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Their paths: our nodes find the way, and our messages arrive.
    #[test]
    fn we_use_their_paths(
        by_channel in prop::collection::vec(any::<bool>(), 1..6),
        dummies in 0usize..4,
        compact: bool,
        is_error: bool,
        own in 0usize..3,
    ) {
        let nodes = nodes(by_channel.len());
        let path = our_path(&path_of_theirs(&nodes, &by_channel, dummies, compact));
        prop_assert_eq!(path.hops().count(), nodes.len() + dummies);

        // Hop by hop. The last ones carry their own authentication, which nobody else can check.
        let mut path_key = path.first_path_key().public_key().unwrap();
        for (at, (hop, node)) in path.hops().zip(&nodes).enumerate() {
            let unblinded = Unblinded::new(&node.ours, &path_key, hop.encrypted_recipient_data);
            if at + 1 == nodes.len() {
                let error = unblinded.unwrap_err();
                prop_assert_eq!(error.kind(), &ErrorKind::DoesNotDecrypt);
                break;
            }
            let unblinded = unblinded.unwrap();
            let next = unblinded.data().next().unwrap();
            let by_id = NextMessageHop::NodeId(nodes[at + 1].id());
            prop_assert_eq!(their_hop(next), scid(&by_channel, at).map_or(by_id, NextMessageHop::ShortChannelId));
            prop_assert_eq!(hop.blinded_node_id, unblinded.signing_key().public_key());
            path_key = unblinded.next_path_key().unwrap();
        }

        // A message, over nodes of our own choice too.
        let (_, bytes) = offers_message(is_error);
        let reply = path_of_ours(&nodes, &by_channel, 0, None);
        let mut builder = OnionMessageBuilder::over(&path, contents(&bytes, is_error)).reply_path(&reply);
        let before: Vec<Node> = (0..own as u8).map(|number| Node::new(100 + number)).collect();
        for node in &before {
            builder = builder.through(node.id());
        }
        let outgoing = builder.build(nodes[0].theirs.get_secure_random_bytes()).unwrap();
        let route: Vec<Node> = before.into_iter().chain(nodes).collect();
        let by_channel: Vec<bool> = vec![false; own].into_iter().chain(by_channel).collect();
        // Channels are numbered by their place in the path.
        prop_assert_eq!(&outgoing.to, &NextHop::NodeId(route[0].id()));
        let mut message = outgoing.message;
        for node in &route[..own] {
            let Ok(PeeledOnion::Forward(_, next)) = node.peel(&message) else { panic!() };
            prop_assert_eq!(onion::forward(&message, &node.ours).message().unwrap(), ours(&next));
            message = ours(&next);
        }
        let message = pass_on(message, &route[own..], &by_channel[own..], 0);
        let peeled = route.last().unwrap().peel(&message);
        let Ok(PeeledOnion::Offers(received, context, reply_path)) = peeled else { panic!() };
        prop_assert_eq!(received.encode(), bytes);
        let is_for_requests = matches!(context, Some(OffersContext::InvoiceRequest { .. }));
        prop_assert!(is_for_requests);
        prop_assert_eq!(reply_path, Some(their_path(&reply)));
    }

    /// Our paths: their nodes find the way, and their messages arrive, at us and at them.
    #[test]
    fn they_use_our_paths(
        by_channel in prop::collection::vec(any::<bool>(), 1..6),
        dummies in 0usize..4,
        is_error: bool,
        own in 0usize..3,
        ours_last: bool,
    ) {
        let nodes = nodes(by_channel.len());
        let (dummies, path_id) = if ours_last { (dummies, Some([9; 32])) } else { (0, None) };
        let path = path_of_ours(&nodes, &by_channel, dummies, path_id);
        let sender = Node::new(200);
        let (message, bytes) = offers_message(is_error);
        let reply = path_of_theirs(&nodes, &by_channel, 1, false);
        let before: Vec<Node> = (0..own as u8).map(|number| Node::new(100 + number)).collect();
        let route = OnionMessagePath {
            intermediate_nodes: before.iter().map(Node::id).collect(),
            destination: Destination::BlindedPath(their_path(&path)),
            first_node_addresses: Vec::new(),
        };
        let contents_of_theirs = ParsedOnionMessageContents::<std::convert::Infallible>::Offers(message);
        let (first, message, _) = create_onion_message(
            &sender.theirs,
            &sender.theirs,
            &Channels(Vec::new()),
            &Secp256k1::new(),
            route,
            contents_of_theirs,
            Some(reply.clone()),
        )
        .unwrap();
        prop_assert_eq!(first, before.first().unwrap_or(&nodes[0]).id());
        let mut message = ours(&message);
        for node in &before {
            let Ok(PeeledOnion::Forward(_, next)) = node.peel(&message) else { panic!() };
            prop_assert_eq!(onion::forward(&message, &node.ours).message().unwrap(), ours(&next));
            message = ours(&next);
        }
        let message = pass_on(message, &nodes, &by_channel, 0);
        let recipient = nodes.last().unwrap();
        if ours_last {
            let received = onion::received(&message, &recipient.ours);
            prop_assert_eq!(received.contents(), Some(contents(&bytes, is_error)));
            prop_assert_eq!(received.path_id(), Some(&[9; 32][..]));
            prop_assert_eq!(received.reply_path(), Some(our_path(&reply)));
        } else {
            let Ok(PeeledOnion::Offers(received, context, reply_path)) = recipient.peel(&message) else { panic!() };
            prop_assert_eq!(received.encode(), bytes);
            prop_assert!(context.is_none());
            prop_assert_eq!(reply_path, Some(reply));
        }
    }

    /// To a node by its key: theirs to us, and ours to them.
    #[test]
    fn we_reach_each_other_by_key(count in 1usize..6, is_error: bool) {
        let nodes = nodes(count);
        let sender = Node::new(200);
        let (recipient, through) = nodes.split_last().unwrap();
        let by_channel = vec![false; count];
        let (message, bytes) = offers_message(is_error);

        let route = OnionMessagePath {
            intermediate_nodes: through.iter().map(Node::id).collect(),
            destination: Destination::Node(recipient.id()),
            first_node_addresses: Vec::new(),
        };
        let theirs = ParsedOnionMessageContents::<std::convert::Infallible>::Offers(message);
        let (_, message, _) = create_onion_message(
            &sender.theirs, &sender.theirs, &Channels(Vec::new()), &Secp256k1::new(), route, theirs, None,
        )
        .unwrap();
        let received = onion::received(&pass_on(ours(&message), &nodes, &by_channel, 0), &recipient.ours);
        prop_assert_eq!(received.contents(), Some(contents(&bytes, is_error)));
        // By which a message to a node id is known.
        prop_assert!(received.data().tlvs().is_empty());

        let builder = OnionMessageBuilder::to_node(recipient.id(), contents(&bytes, is_error));
        let builder = through.iter().fold(builder, |builder, node| builder.through(node.id()));
        let outgoing = builder.build(sender.theirs.get_secure_random_bytes()).unwrap();
        let message = pass_on(outgoing.message, &nodes, &by_channel, 0);
        let Ok(PeeledOnion::Offers(received, None, None)) = recipient.peel(&message) else { panic!() };
        prop_assert_eq!(received.encode(), bytes);
    }

    /// Paths that start at the sender, on both sides, over channels too.
    #[test]
    fn a_path_that_starts_at_its_sender_is_used(
        by_channel in prop::collection::vec(any::<bool>(), 2..6),
        is_error: bool,
    ) {
        let nodes = nodes(by_channel.len());
        let (message, bytes) = offers_message(is_error);

        let path = our_path(&path_of_theirs(&nodes, &by_channel, 0, true));
        let outgoing = OnionMessageBuilder::over(&path, contents(&bytes, is_error))
            .sender(&nodes[0].ours)
            .build(nodes[0].theirs.get_secure_random_bytes())
            .unwrap();
        let by_id = NextMessageHop::NodeId(nodes[1].id());
        prop_assert_eq!(their_hop(outgoing.to), scid(&by_channel, 0).map_or(by_id, NextMessageHop::ShortChannelId));
        let arrived = pass_on(outgoing.message, &nodes, &by_channel, 1);
        let Ok(PeeledOnion::Offers(received, ..)) = nodes.last().unwrap().peel(&arrived) else { panic!() };
        prop_assert_eq!(received.encode(), bytes.clone());

        let path = path_of_ours(&nodes, &by_channel, 2, Some([9; 32]));
        let route = OnionMessagePath {
            intermediate_nodes: Vec::new(),
            destination: Destination::BlindedPath(their_path(&path)),
            first_node_addresses: Vec::new(),
        };
        let theirs = ParsedOnionMessageContents::<std::convert::Infallible>::Offers(message);
        let channels = Channels(nodes.iter().map(Node::id).collect());
        let signer = &nodes[0].theirs;
        let (first, message, _) =
            create_onion_message(signer, signer, &channels, &Secp256k1::new(), route, theirs, None).unwrap();
        prop_assert_eq!(first, nodes[1].id());
        let arrived = pass_on(ours(&message), &nodes, &by_channel, 1);
        let received = onion::received(&arrived, &nodes.last().unwrap().ours);
        prop_assert_eq!(received.contents(), Some(contents(&bytes, is_error)));
        prop_assert_eq!(received.path_id(), Some(&[9; 32][..]));
    }

    /// What is changed, both sides refuse.
    #[test]
    fn we_refuse_the_same(at in any::<prop::sample::Index>(), change in 1u8..) {
        let nodes = nodes(2);
        let path = path_of_ours(&nodes, &[false, false], 0, None);
        let (_, bytes) = offers_message(false);
        let outgoing = OnionMessageBuilder::over(&path, contents(&bytes, false))
            .build(nodes[0].theirs.get_secure_random_bytes())
            .unwrap();
        for (at_node, node) in nodes.iter().enumerate() {
            let good = pass_on(outgoing.message.clone(), &nodes[..at_node + 1], &[false, false], 0);
            prop_assert!(good.peel(&node.ours).is_ok() && node.peel(&good).is_ok());
            let mut bytes = good.into_bytes();
            // Behind type and length, which only decide whether it is a message.
            let index = 37 + at.index(bytes.len() - 37);
            bytes[index] ^= change;
            let changed = OnionMessage::read(bytes).unwrap();
            prop_assert!(changed.peel(&node.ours).is_err());
            // The version is not looked at there.
            if index != 37 {
                prop_assert!(node.peel(&changed).is_err());
            }
        }
    }
}

/// An error so long that its onion is the larger one, over a path of theirs and over one of ours, with a node on the
/// way and a reply path: they open ours, and we open theirs.
#[test]
fn large_onions_are_the_same() {
    let nodes = nodes(3);
    let by_channel = [false; 3];
    let sender = Node::new(200);
    let message = || OffersMessage::InvoiceError(TheirInvoiceError::from_string("no ".repeat(5_000)));
    let bytes = message().encode();
    let large = |message: &OnionMessage| assert_eq!(message.packet().len(), 32834);

    let path = our_path(&path_of_theirs(&nodes, &by_channel, 1, false));
    let reply = path_of_ours(&nodes, &by_channel, 0, None);
    let outgoing = OnionMessageBuilder::over(&path, Contents::InvoiceError(&bytes)).reply_path(&reply);
    let outgoing = outgoing.build([7; 32]).unwrap();
    large(&outgoing.message);
    let arrived = pass_on(outgoing.message, &nodes, &by_channel, 0);
    let Ok(PeeledOnion::Offers(received, _, reply_path)) = nodes[2].peel(&arrived) else { panic!() };
    assert_eq!((received.encode(), reply_path), (bytes.clone(), Some(their_path(&reply))));

    let path = path_of_ours(&nodes, &by_channel, 2, Some([9; 32]));
    let route = OnionMessagePath {
        intermediate_nodes: Vec::new(),
        destination: Destination::BlindedPath(their_path(&path)),
        first_node_addresses: Vec::new(),
    };
    let theirs = ParsedOnionMessageContents::<std::convert::Infallible>::Offers(message());
    let (signer, channels) = (&sender.theirs, Channels(Vec::new()));
    let (_, message, _) =
        create_onion_message(signer, signer, &channels, &Secp256k1::new(), route, theirs, None).unwrap();
    let message = ours(&message);
    large(&message);
    let received = onion::received(&pass_on(message, &nodes, &by_channel, 0), &nodes[2].ours);
    assert_eq!(received.contents(), Some(Contents::InvoiceError(&bytes)));
    assert_eq!(received.path_id(), Some(&[9; 32][..]));
}
