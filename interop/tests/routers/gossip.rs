//! A graph of channels, as nodes know it from gossip, and LDK's routers over it.

use std::cell::Cell;
use std::sync::Arc;
use std::time::SystemTime;

use bolt12::bitcoin::Network;
use bolt12::lightning::ldk;
use bolt12::secp256k1::PublicKey;
use bolt12::{BlindedPath, ChainHash, Direction, IntroductionNode, ShortChannelId};
use ldk::ln::msgs::{self, SocketAddress};
use ldk::onion_message::messenger::{DefaultMessageRouter, NodeIdMessageRouter};
use ldk::routing::gossip::{NetworkGraph, NodeAlias, NodeId};
use ldk::routing::utxo::UtxoLookup;
use ldk::sign::{KeysManager, NodeSigner, Recipient};
use ldk::types::features::{ChannelFeatures, NodeFeatures};
use ldk::util::logger::{Logger, Record};

pub(crate) struct Silent;

impl Logger for Silent {
    fn log(&self, _: Record<'_>) {}
}

pub(crate) type Graph = Arc<NetworkGraph<Arc<Silent>>>;
pub(crate) type Compact = DefaultMessageRouter<Graph, Arc<Silent>, Arc<KeysManager>>;
pub(crate) type ByNodeId = NodeIdMessageRouter<Graph, Arc<Silent>, Arc<KeysManager>>;

/// A node that everybody knows.
pub(crate) const KNOWN: u8 = 199;

/// What everybody knows.
pub(crate) struct Gossip {
    pub(crate) graph: Graph,
    next: Cell<u64>,
}

pub(crate) fn now() -> u32 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as u32
}

pub(crate) fn keys(number: u8) -> Arc<KeysManager> {
    Arc::new(KeysManager::new(&[number; 32], 1, number.into(), true))
}

pub(crate) fn id(number: u8) -> PublicKey {
    keys(number).get_node_id(Recipient::Node).unwrap()
}

impl Gossip {
    pub(crate) fn new() -> Self {
        let graph = Arc::new(NetworkGraph::new(Network::Bitcoin, Arc::new(Silent)));
        let gossip = Self { graph, next: Cell::new(1) };
        gossip.node(KNOWN, 1);
        gossip
    }

    /// Announces a channel that both ends can use, and returns its number.
    pub(crate) fn channel(&self, a: u8, b: u8) -> ShortChannelId {
        let (one, two) = (id(a).min(id(b)), id(a).max(id(b)));
        let short_channel_id = self.next.get() << 40 | 1 << 16;
        self.next.set(self.next.get() + 1);
        let announcement = msgs::UnsignedChannelAnnouncement {
            features: ChannelFeatures::empty(),
            chain_hash: ChainHash::BITCOIN,
            short_channel_id,
            node_id_1: NodeId::from_pubkey(&one),
            node_id_2: NodeId::from_pubkey(&two),
            bitcoin_key_1: NodeId::from_pubkey(&one),
            bitcoin_key_2: NodeId::from_pubkey(&two),
            excess_data: vec![],
        };
        let nobody: Option<&dyn UtxoLookup> = None;
        self.graph.update_channel_from_unsigned_announcement(&announcement, &nobody).unwrap();
        for channel_flags in [0, 1] {
            let update = msgs::UnsignedChannelUpdate {
                chain_hash: ChainHash::BITCOIN,
                short_channel_id,
                timestamp: now(),
                message_flags: 1,
                channel_flags,
                cltv_expiry_delta: 40,
                htlc_minimum_msat: 1,
                htlc_maximum_msat: 1_000_000_000,
                fee_base_msat: 0,
                fee_proportional_millionths: 0,
                excess_data: vec![],
            };
            self.graph.update_channel_unsigned(&update).unwrap();
        }
        ShortChannelId(short_channel_id)
    }

    /// A node that says which addresses it has, and that it knows onion messages.
    pub(crate) fn announce(&self, number: u8, address: SocketAddress) {
        let mut features = NodeFeatures::empty();
        features.set_onion_messages_optional();
        let announcement = msgs::UnsignedNodeAnnouncement {
            features,
            timestamp: now(),
            node_id: NodeId::from_pubkey(&id(number)),
            rgb: [0; 3],
            alias: NodeAlias([0; 32]),
            addresses: vec![address],
            excess_address_data: vec![],
            excess_data: vec![],
        };
        self.graph.update_node_from_unsigned_announcement(&announcement).unwrap();
    }

    /// A node with so many channels to others that nobody asks.
    pub(crate) fn node(&self, number: u8, channels: u8) -> u8 {
        for other in 0..channels {
            self.channel(number, 200 + other);
        }
        self.announce(number, SocketAddress::TcpIpV4 { addr: [127, 0, 0, 1], port: 9735 });
        number
    }

    /// Where a path starts, as somebody finds it who knows all channels.
    pub(crate) fn start(&self, path: &BlindedPath<'_>) -> PublicKey {
        match path.introduction_node() {
            IntroductionNode::NodeId(point) => point.public_key().unwrap(),
            IntroductionNode::Channel { scid, direction } => self.end(scid, direction),
        }
    }

    /// The node at an end of a channel.
    pub(crate) fn end(&self, scid: ShortChannelId, direction: Direction) -> PublicKey {
        let graph = self.graph.read_only();
        let channel = graph.channel(scid.0).unwrap();
        let end = if direction == Direction::NodeOne { channel.node_one } else { channel.node_two };
        end.try_into().unwrap()
    }

    pub(crate) fn compact(&self, number: u8) -> Compact {
        DefaultMessageRouter::new(Arc::clone(&self.graph), keys(number))
    }

    pub(crate) fn by_node_id(&self, number: u8) -> ByNodeId {
        NodeIdMessageRouter::new(Arc::clone(&self.graph), keys(number))
    }
}
