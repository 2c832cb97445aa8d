//! LDK's messages about offers and payees that sleep, without a node.
#![allow(dead_code, reason = "every test file uses its own share")]

use bolt12::exchange::{Inbound, IncomingMessage, Messenger};
use bolt12::onion::OnionMessage;
use bolt12::secp256k1::{All, Keypair, PublicKey, Secp256k1, Signing, Verification};
use bolt12::{BlindedPath, ChainHash, UnixTime};
use lightning::blinded_path::NodeIdLookUp;
use lightning::blinded_path::message::{BlindedMessagePath, MessageContext, MessageForwardNode};
use lightning::blinded_path::payment::{BlindedPaymentPath, ReceiveTlvs};
use lightning::chain::BlockLocator;
use lightning::ln::channel_state::ChannelDetails;
use lightning::ln::msgs::OnionMessage as TheirMessage;
use lightning::ln::peer_handler::IgnoringMessageHandler;
use lightning::offers::flow::OffersMessageFlow;
use lightning::onion_message::messenger::{
    Destination, MessageRouter, OnionMessagePath, PeeledOnion, create_onion_message, peel_onion_message,
};
use lightning::onion_message::packet::OnionMessageContents;
use lightning::routing::router::{InFlightHtlcs, Route, RouteParameters, Router};
use lightning::sign::{KeysManager, NodeSigner, ReceiveAuthKey};
use lightning::util::logger::{Logger, Record};
use lightning::util::ser::{LengthReadable, Readable, Writeable};

/// LDK looks at the system's clock.
pub(crate) fn now() -> UnixTime {
    std::time::SystemTime::now().into()
}

pub(crate) struct Silent;

impl Logger for Silent {
    fn log(&self, _: Record<'_>) {}
}

/// Paths of one hop, for messages and for payments.
pub(crate) struct Roads(pub(crate) KeysManager);

impl MessageRouter for Roads {
    fn find_path(&self, _: PublicKey, _: Vec<PublicKey>, to: Destination) -> Result<OnionMessagePath, ()> {
        Ok(OnionMessagePath { intermediate_nodes: Vec::new(), destination: to, first_node_addresses: Vec::new() })
    }

    fn create_blinded_paths<T: Signing + Verification>(
        &self,
        recipient: PublicKey,
        key: ReceiveAuthKey,
        context: MessageContext,
        _: Vec<MessageForwardNode>,
        secp: &Secp256k1<T>,
    ) -> Result<Vec<BlindedMessagePath>, ()> {
        Ok(vec![BlindedMessagePath::new(&[], recipient, key, context, false, &self.0, secp)])
    }
}

impl Router for Roads {
    fn find_route(
        &self,
        _: &PublicKey,
        _: &RouteParameters,
        _: Option<&[&ChannelDetails]>,
        _: InFlightHtlcs,
    ) -> Result<Route, &'static str> {
        Err("there is no channel")
    }

    fn create_blinded_payment_paths<T: Signing + Verification>(
        &self,
        recipient: PublicKey,
        key: ReceiveAuthKey,
        _: Vec<ChannelDetails>,
        tlvs: ReceiveTlvs,
        _: Option<u64>,
        secp: &Secp256k1<T>,
    ) -> Result<Vec<BlindedPaymentPath>, ()> {
        Ok(vec![BlindedPaymentPath::one_hop(recipient, key, tlvs, 40, &self.0, secp)?])
    }
}

/// Nobody names a hop by its channel.
pub(crate) struct NoChannels;

impl NodeIdLookUp for NoChannels {
    fn next_node_id(&self, _: u64) -> Option<PublicKey> {
        None
    }
}

/// What LDK makes of messages without a node.
pub(crate) struct Theirs {
    pub(crate) keys: KeysManager,
    pub(crate) flow: OffersMessageFlow<Roads, Silent>,
}

pub(crate) fn keys(number: u8) -> KeysManager {
    KeysManager::new(&[number; 32], 1, 1, true)
}

impl Theirs {
    pub(crate) fn new(number: u8) -> Self {
        let keys = keys(number);
        let secp = Secp256k1::<All>::new();
        let id = PublicKey::from_secret_key(&secp, &keys.get_node_secret_key());
        let block = BlockLocator::from_network(bolt12::bitcoin::Network::Bitcoin);
        let (expanded, receive) = (keys.get_expanded_key(), keys.get_receive_auth_key());
        let roads = Roads(self::keys(number));
        let flow = OffersMessageFlow::new(
            ChainHash::BITCOIN,
            block,
            id,
            now().0 as u32,
            expanded,
            receive,
            secp,
            roads,
            Silent,
        );
        Self { keys, flow }
    }

    pub(crate) fn id(&self) -> PublicKey {
        PublicKey::from_secret_key(&Secp256k1::<All>::new(), &self.keys.get_node_secret_key())
    }

    pub(crate) fn roads(&self) -> Roads {
        Roads(keys(7))
    }

    pub(crate) fn peel(&self, message: &OnionMessage) -> PeeledOnion<std::convert::Infallible> {
        let message = TheirMessage::read_from_fixed_length_buffer(&mut message.payload()).unwrap();
        peel_onion_message(&message, &Secp256k1::new(), &self.keys, &Silent, IgnoringMessageHandler {}).unwrap()
    }

    pub(crate) fn send(
        &self,
        message: impl OnionMessageContents,
        to: Destination,
        reply: Option<BlindedMessagePath>,
    ) -> OnionMessage {
        let route = OnionMessagePath { intermediate_nodes: vec![], destination: to, first_node_addresses: vec![] };
        let (_, message, _) =
            create_onion_message(&self.keys, &self.keys, &NoChannels, &Secp256k1::new(), route, message, reply)
                .unwrap();
        OnionMessage::from_payload(&message.encode()).unwrap()
    }
}

pub(crate) fn node(number: u8) -> Messenger {
    Messenger::new(Keypair::from_seckey_slice(&Secp256k1::new(), &[number; 32]).unwrap())
}

pub(crate) fn their_path(path: &BlindedPath<'_>) -> BlindedMessagePath {
    BlindedMessagePath::read(&mut path.as_bytes()).unwrap()
}

/// Randomness that is new every time.
pub(crate) fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

pub(crate) fn received(messenger: &Messenger, message: &OnionMessage) -> IncomingMessage {
    match messenger.receive(message).unwrap() {
        Inbound::Message { message, .. } => message,
        other => panic!("{other:?}"),
    }
}
