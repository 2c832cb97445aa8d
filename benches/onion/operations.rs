//! What is compared.

use std::convert::Infallible;

use bolt12::BlindedPath;
use bolt12::onion::{BlindedPathBuilder, Contents, OnionMessage, OnionMessageBuilder, Peeled};
use bolt12::secp256k1::{All, Keypair, PublicKey, Secp256k1};
use lightning::blinded_path::EmptyNodeIdLookUp;
use lightning::blinded_path::message::{BlindedMessagePath, MessageContext, MessageForwardNode};
use lightning::ln::msgs::OnionMessage as TheirMessage;
use lightning::ln::peer_handler::IgnoringMessageHandler;
use lightning::offers::invoice_error::InvoiceError;
use lightning::onion_message::messenger::{
    Destination, OnionMessagePath, PeeledOnion, create_onion_message, peel_onion_message,
};
use lightning::onion_message::offers::OffersMessage;
use lightning::onion_message::packet::ParsedOnionMessageContents;
use lightning::sign::{KeysManager, NodeSigner};
use lightning::util::logger::{Logger, Record};
use lightning::util::ser::{LengthReadable, Readable, Writeable};

use crate::floor::Floor;
use crate::measure::Side;
use crate::table::Comparison;

struct Silent;

impl Logger for Silent {
    fn log(&self, _: Record<'_>) {}
}

/// A node on both sides.
struct Node {
    theirs: KeysManager,
    ours: Keypair,
}

impl Node {
    fn new(number: u8, context: &Secp256k1<All>) -> Self {
        let theirs = KeysManager::new(&[number; 32], 1, 1, true);
        let ours = Keypair::from_secret_key(context, &theirs.get_node_secret_key());
        Self { theirs, ours }
    }
}

/// Two nodes and a recipient, and a path over them.
pub(crate) struct World {
    context: Secp256k1<All>,
    nodes: [Node; 3],
    sender: Node,
    path: BlindedPath<'static>,
    their_path: BlindedMessagePath,
    reply_path: BlindedPath<'static>,
    their_reply_path: BlindedMessagePath,
    /// Of 3 and of 20 hops.
    long_reply_paths: [BlindedPath<'static>; 2],
    /// An `invoice_error`, which both sides read in no time.
    contents: OffersMessage,
    bytes: Vec<u8>,
}

impl World {
    pub(crate) fn new() -> Self {
        let context = Secp256k1::new();
        let nodes = [1, 2, 3].map(|number| Node::new(number, &context));
        let sender = Node::new(4, &context);
        let path = our_path(&nodes, None);
        let their_path = BlindedMessagePath::read(&mut path.as_bytes()).expect("a path");
        let [reply_path, three, twenty] = [1, 2, 19].map(|before| {
            let path = BlindedPathBuilder::new(sender.ours.public_key()).path_id([1; 32]);
            let peer = nodes[0].ours.public_key();
            (0..before).fold(path, |path, _| path.through(peer)).build([7; 32]).expect("a path")
        });
        let their_reply_path = BlindedMessagePath::read(&mut reply_path.as_bytes()).expect("a path");
        let contents = OffersMessage::InvoiceError(InvoiceError::from_string("x".repeat(300)));
        let bytes = contents.encode();
        Self {
            context,
            nodes,
            sender,
            path,
            their_path,
            reply_path,
            their_reply_path,
            long_reply_paths: [three, twenty],
            contents,
            bytes,
        }
    }

    pub(crate) fn recipient_id(&self) -> PublicKey {
        self.nodes[2].ours.public_key()
    }

    fn our_message(&self, reply_path: &BlindedPath<'_>) -> OnionMessage {
        OnionMessageBuilder::over(&self.path, Contents::InvoiceError(&self.bytes))
            .reply_path(reply_path)
            .build([8; 32])
            .expect("a message")
            .message
    }

    fn their_message(&self) -> TheirMessage {
        let route = OnionMessagePath {
            intermediate_nodes: Vec::new(),
            destination: Destination::BlindedPath(self.their_path.clone()),
            first_node_addresses: Vec::new(),
        };
        let contents = ParsedOnionMessageContents::<Infallible>::Offers(self.contents.clone());
        let signer = &self.sender.theirs;
        let reply_path = Some(self.their_reply_path.clone());
        create_onion_message(signer, signer, &EmptyNodeIdLookUp {}, &self.context, route, contents, reply_path)
            .expect("a message")
            .1
    }

    fn their_path(&self) -> BlindedMessagePath {
        let through =
            [0, 1].map(|at| MessageForwardNode { node_id: self.nodes[at].ours.public_key(), short_channel_id: None });
        let recipient = &self.nodes[2];
        BlindedMessagePath::new(
            &through,
            recipient.ours.public_key(),
            recipient.theirs.get_receive_auth_key(),
            MessageContext::Custom(vec![1; 32]),
            false,
            &recipient.theirs,
            &self.context,
        )
    }

    fn they_peel(&self, at: usize, bytes: &[u8]) -> PeeledOnion<Infallible> {
        let message = TheirMessage::read_from_fixed_length_buffer(&mut &bytes[2..]).expect("a message");
        let signer = &self.nodes[at].theirs;
        peel_onion_message(&message, &self.context, signer, &Silent, IgnoringMessageHandler {}).expect("an onion")
    }

    /// The message as the nodes get it.
    fn on_the_way(&self, reply_path: &BlindedPath<'_>) -> [Vec<u8>; 3] {
        let first = self.our_message(reply_path);
        let second = pass_on(&first, &self.nodes[0].ours);
        let third = pass_on(&second, &self.nodes[1].ours);
        [first, second, third].map(OnionMessage::into_bytes)
    }
}

fn our_path(nodes: &[Node; 3], path_id: Option<[u8; 32]>) -> BlindedPath<'static> {
    let [first, second, recipient] = nodes.each_ref().map(|node| node.ours.public_key());
    let builder = BlindedPathBuilder::new(recipient).through(first).through(second);
    let builder = if let Some(id) = path_id { builder.path_id(id) } else { builder };
    builder.build([6; 32]).expect("a path")
}

fn pass_on(message: &OnionMessage, node: &Keypair) -> OnionMessage {
    match message.peel(node) {
        Ok(Peeled::Forward(forward)) => forward.message().expect("an honest message"),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn all(world: &World) -> Vec<Comparison<'_>> {
    let [first, _, last] = world.on_the_way(&world.reply_path);
    let [three, twenty] = [0, 1].map(|at| arrived(world, &world.long_reply_paths[at]));
    let (our_first, our_last) = (first.clone(), last.clone());
    // The message that comes last, changed: what an attacker can make a node do.
    let mut changed = last.clone();
    if let Some(byte) = changed.last_mut() {
        *byte ^= 1;
    }
    vec![
        Comparison {
            name: "build a path of 3 hops".to_owned(),
            ours: Side::new(|| (), |()| our_path(&world.nodes, Some([1; 32]))),
            lightning: Some(Side::new(|| (), |()| world.their_path())),
            floor: Some(
                Floor { public_keys: 2, shared_secrets: 3, products: 3, ..Floor::default() }.sides(&world.context),
            ),
        },
        Comparison {
            name: "build a message over 3 hops".to_owned(),
            ours: Side::new(|| (), |()| world.our_message(&world.reply_path)),
            lightning: Some(Side::new(|| (), |()| world.their_message().encode())),
            // The path comes as bytes.
            floor: Some(
                Floor { points: 4, public_keys: 2, shared_secrets: 3, ..Floor::default() }.sides(&world.context),
            ),
        },
        Comparison {
            name: "peel a message to pass on".to_owned(),
            ours: Side::new(
                move || our_first.clone(),
                |bytes| pass_on(&OnionMessage::read(bytes).expect("a message"), &world.nodes[0].ours),
            ),
            lightning: Some(Side::new(|| (), {
                let first = first.clone();
                move |()| match world.they_peel(0, &first) {
                    PeeledOnion::Forward(_, message) => message.encode(),
                    _ => panic!("to pass on"),
                }
            })),
            // Path key, ephemeral key and next node.
            floor: Some(Floor { points: 3, shared_secrets: 2, products: 2, ..Floor::default() }.sides(&world.context)),
        },
        Comparison {
            name: "peel a message that has arrived".to_owned(),
            ours: Side::new(
                move || our_last.clone(),
                |bytes| OnionMessage::read(bytes).expect("a message").peel(&world.nodes[2].ours).expect("an onion"),
            ),
            lightning: Some(Side::new(|| (), move |()| world.they_peel(2, &last))),
            // Path key and ephemeral key, and those of the reply path: start, path key, two hops.
            floor: Some(Floor { points: 2, checked: 4, shared_secrets: 2, ..Floor::default() }.sides(&world.context)),
        },
        three,
        twenty,
        Comparison {
            name: "refuse a message that does not authenticate".to_owned(),
            ours: Side::new(
                move || changed.clone(),
                |bytes| OnionMessage::read(bytes).expect("a message").peel(&world.nodes[2].ours).expect_err("changed"),
            ),
            lightning: None,
            floor: Some(Floor { points: 2, shared_secrets: 2, ..Floor::default() }.sides(&world.context)),
        },
    ]
}

/// A message that has arrived, with a reply path: start, path key, and so many hops.
fn arrived<'a>(world: &'a World, reply_path: &BlindedPath<'_>) -> Comparison<'a> {
    let [_, _, last] = world.on_the_way(reply_path);
    let ours = last.clone();
    let hops = reply_path.hops().count();
    Comparison {
        name: format!("peel a message that has arrived, reply path of {hops} hops"),
        ours: Side::new(
            move || ours.clone(),
            |bytes| OnionMessage::read(bytes).expect("a message").peel(&world.nodes[2].ours).expect("an onion"),
        ),
        lightning: Some(Side::new(|| (), move |()| world.they_peel(2, &last))),
        floor: Some(
            Floor { points: 2, checked: 2 + hops, shared_secrets: 2, ..Floor::default() }.sides(&world.context),
        ),
    }
}
