//! Nodes with LDK's `OnionMessenger` and a router, whose messages pass from one to the next as their peers would.

use std::sync::{Arc, Mutex};

use bolt12::exchange::MessageArrival;
use bolt12::lightning::{arrival, ldk};
use bolt12::secp256k1::PublicKey;
use ldk::blinded_path::NodeIdLookUp;
use ldk::blinded_path::message::OffersContext;
use ldk::ln::msgs::{Init, OnionMessageHandler};
use ldk::ln::peer_handler::IgnoringMessageHandler;
use ldk::onion_message::messenger::{MessageSendInstructions, OnionMessenger, Responder, ResponseInstruction};
use ldk::onion_message::offers::{OffersMessage, OffersMessageHandler};
use ldk::sign::KeysManager;
use ldk::types::features::InitFeatures;

use crate::gossip::{Compact, Gossip, Silent, id, keys};

/// How offers messages came.
#[derive(Default)]
pub(crate) struct Witness(pub(crate) Mutex<Vec<(MessageArrival, bool)>>);

impl OffersMessageHandler for Witness {
    fn handle_message(
        &self,
        _: OffersMessage,
        context: Option<OffersContext>,
        responder: Option<Responder>,
    ) -> Option<(OffersMessage, ResponseInstruction)> {
        self.0.lock().unwrap().push((arrival(context.as_ref()), responder.is_some()));
        None
    }

    fn release_pending_messages(&self) -> Vec<(OffersMessage, MessageSendInstructions)> {
        Vec::new()
    }
}

/// The channels that nobody announced, by number, as both of their ends know them.
pub(crate) struct Private(pub(crate) Vec<(u64, PublicKey)>);

impl NodeIdLookUp for Private {
    fn next_node_id(&self, scid: u64) -> Option<PublicKey> {
        self.0.iter().find(|(number, _)| *number == scid).map(|(_, node)| *node)
    }
}

pub(crate) type Theirs<H> = OnionMessenger<
    Arc<KeysManager>,
    Arc<KeysManager>,
    Arc<Silent>,
    Arc<Private>,
    Arc<Compact>,
    Arc<H>,
    IgnoringMessageHandler,
    IgnoringMessageHandler,
    IgnoringMessageHandler,
>;

/// A node with LDK's messenger and router.
pub(crate) struct Party<H: OffersMessageHandler = Witness> {
    pub(crate) id: PublicKey,
    pub(crate) messenger: Theirs<H>,
    pub(crate) handler: Arc<H>,
}

/// Whoever takes onion messages from peers.
pub(crate) trait Peer {
    fn id(&self) -> PublicKey;
    fn onions(&self) -> &dyn OnionMessageHandler;
}

impl<H: OffersMessageHandler> Peer for Party<H> {
    fn id(&self) -> PublicKey {
        self.id
    }

    fn onions(&self) -> &dyn OnionMessageHandler {
        &self.messenger
    }
}

impl<H: OffersMessageHandler> Party<H> {
    pub(crate) fn new(gossip: &Gossip, number: u8, handler: H, private: Vec<(u64, PublicKey)>) -> Self {
        let (keys, handler) = (keys(number), Arc::new(handler));
        let messenger = OnionMessenger::new(
            Arc::clone(&keys),
            keys,
            Arc::new(Silent),
            Arc::new(Private(private)),
            Arc::new(gossip.compact(number)),
            Arc::clone(&handler),
            IgnoringMessageHandler {},
            IgnoringMessageHandler {},
            IgnoringMessageHandler {},
        );
        Self { id: id(number), messenger, handler }
    }
}

pub(crate) fn hello() -> Init {
    let mut features = InitFeatures::empty();
    features.set_onion_messages_optional();
    Init { features, networks: None, remote_network_address: None }
}

pub(crate) fn connect(one: &dyn Peer, two: &dyn Peer) {
    one.onions().peer_connected(two.id(), &hello(), false).unwrap();
    two.onions().peer_connected(one.id(), &hello(), true).unwrap();
}

/// Passes on whatever waits, until nothing does. Returns how many messages went from one to another.
pub(crate) fn deliver(parties: &[&dyn Peer]) -> usize {
    let mut passed = 0;
    loop {
        let mut is_quiet = true;
        for from in parties {
            for to in parties {
                while let Some(message) = from.onions().next_onion_message_for_peer(to.id()) {
                    (passed, is_quiet) = (passed + 1, false);
                    to.onions().handle_onion_message(from.id(), &message);
                }
            }
        }
        if is_quiet {
            return passed;
        }
    }
}
