//! An LDK node without channels and without a chain: its real `ChannelManager`, `OnionMessenger` and `PeerManager`,
//! on real TCP connections. What it would need a chain and channels for is a stand-in.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bolt12::bitcoin::{Network, Transaction};
use bolt12::lightning::ldk;
use bolt12::secp256k1::{self, PublicKey, Secp256k1, Signing, Verification};
use bolt12::{BlindedPath, Direction, ShortChannelId};
use ldk::blinded_path::IntroductionNode;
use ldk::blinded_path::message::{BlindedMessagePath, MessageContext, MessageForwardNode};
use ldk::blinded_path::payment::{BlindedPaymentPath, ReceiveTlvs};
use ldk::chain::chaininterface::{BroadcasterInterface, ConfirmationTarget, FeeEstimator};
use ldk::chain::channelmonitor::{ChannelMonitor, ChannelMonitorUpdate, MonitorEvent};
use ldk::chain::transaction::OutPoint;
use ldk::chain::{BestBlock, ChannelMonitorUpdateStatus, Watch};
use ldk::events::{Event, EventsProvider};
use ldk::ln::channel_state::ChannelDetails;
use ldk::ln::channelmanager::{ChainParameters, ChannelManager};
use ldk::ln::peer_handler::{IgnoringMessageHandler, MessageHandler, PeerManager};
use ldk::ln::types::ChannelId;
use ldk::onion_message::messenger::{Destination, MessageRouter, OnionMessagePath, OnionMessenger};
use ldk::onion_message::offers::OffersMessageHandler;
use ldk::routing::router::{InFlightHtlcs, Route, RouteParameters, Router};
use ldk::sign::{EntropySource, InMemorySigner, KeysManager, ReceiveAuthKey};
use ldk::util::config::UserConfig;
use ldk::util::logger::{Logger, Record};
use lightning_net_tokio::SocketDescriptor;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Nothing happens on the chain.
pub(crate) struct Chain;

impl Watch<InMemorySigner> for Chain {
    fn watch_channel(&self, _: ChannelId, _: ChannelMonitor<InMemorySigner>) -> Result<ChannelMonitorUpdateStatus, ()> {
        Err(())
    }
    fn update_channel(&self, _: ChannelId, _: &ChannelMonitorUpdate) -> ChannelMonitorUpdateStatus {
        panic!("there is no channel")
    }
    fn release_pending_monitor_events(&self) -> Vec<(OutPoint, ChannelId, Vec<MonitorEvent>, PublicKey)> {
        Vec::new()
    }
}

impl BroadcasterInterface for Chain {
    fn broadcast_transactions(&self, _: &[&Transaction]) {
        panic!("there is nothing to broadcast")
    }
}

impl FeeEstimator for Chain {
    fn get_est_sat_per_1000_weight(&self, _: ConfirmationTarget) -> u32 {
        1_000
    }
}

/// What the node said.
#[derive(Default)]
pub(crate) struct Log(Mutex<Vec<String>>);

impl Log {
    pub(crate) fn has(&self, part: &str) -> bool {
        self.0.lock().unwrap().iter().any(|line| line.contains(part))
    }
}

impl Logger for Log {
    fn log(&self, record: Record<'_>) {
        self.0.lock().unwrap().push(record.args.to_string());
    }
}

/// How the node is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Everybody knows it: its paths start at itself.
    Announced,
    /// The same, and its paths name their start by a channel, as LDK's default router does where it knows one.
    ByChannel,
    /// Only its peers know it: its paths start at them.
    ThroughPeers,
}

/// Ways for messages and payments.
pub(crate) struct Roads {
    keys: Arc<KeysManager>,
    reach: Reach,
    /// No way to be paid.
    pub(crate) broke: AtomicBool,
}

impl MessageRouter for Roads {
    fn find_path(&self, sender: PublicKey, peers: Vec<PublicKey>, to: Destination) -> Result<OnionMessagePath, ()> {
        let first = match &to {
            Destination::Node(id) => *id,
            Destination::BlindedPath(path) => match path.introduction_node() {
                IntroductionNode::NodeId(id) => *id,
                IntroductionNode::DirectedShortChannelId(..) => return Err(()),
            },
        };
        // A peer may be connected to whoever is not a peer.
        let is_near = sender == first || peers.contains(&first);
        let intermediate_nodes = if is_near { vec![] } else { vec![*peers.first().ok_or(())?] };
        Ok(OnionMessagePath { intermediate_nodes, destination: to, first_node_addresses: vec![] })
    }

    fn create_blinded_paths<T: Signing + Verification>(
        &self,
        recipient: PublicKey,
        key: ReceiveAuthKey,
        context: MessageContext,
        peers: Vec<MessageForwardNode>,
        secp: &Secp256k1<T>,
    ) -> Result<Vec<BlindedMessagePath>, ()> {
        let path = |through: &[MessageForwardNode]| {
            BlindedMessagePath::new(through, recipient, key, context.clone(), &*self.keys, secp)
        };
        match self.reach {
            Reach::Announced => Ok(vec![path(&[])]),
            Reach::ByChannel => Ok(vec![at_a_channel(&path(&[]))]),
            Reach::ThroughPeers if peers.is_empty() => Err(()),
            Reach::ThroughPeers => Ok(peers.into_iter().map(|peer| path(&[peer])).collect()),
        }
    }
}

/// The same path, with another name for its start.
fn at_a_channel(path: &BlindedMessagePath) -> BlindedMessagePath {
    let path = BlindedPath::try_from(path).unwrap();
    let start = bolt12::IntroductionNode::Channel { scid: ShortChannelId(7), direction: Direction::NodeOne };
    let hops = path.hops().map(|hop| (hop.blinded_node_id.public_key().unwrap(), hop.encrypted_recipient_data));
    let path_key = path.first_path_key().public_key().unwrap();
    (&BlindedPath::new(start, path_key, hops).unwrap()).try_into().unwrap()
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

    fn create_blinded_payment_paths<T: secp256k1::Signing + secp256k1::Verification>(
        &self,
        recipient: PublicKey,
        _: Vec<ChannelDetails>,
        tlvs: ReceiveTlvs,
        _: Option<u64>,
        secp: &Secp256k1<T>,
    ) -> Result<Vec<BlindedPaymentPath>, ()> {
        if self.broke.load(Ordering::Relaxed) {
            return Err(());
        }
        BlindedPaymentPath::one_hop(recipient, tlvs, 80, &*self.keys, secp).map(|path| vec![path])
    }
}

pub(crate) type Manager = ChannelManager<
    Arc<Chain>,
    Arc<Chain>,
    Arc<KeysManager>,
    Arc<KeysManager>,
    Arc<KeysManager>,
    Arc<Chain>,
    Arc<Roads>,
    Arc<Roads>,
    Arc<Log>,
>;

pub(crate) type Messenger<H> = OnionMessenger<
    Arc<KeysManager>,
    Arc<KeysManager>,
    Arc<Log>,
    Arc<Manager>,
    Arc<Roads>,
    Arc<H>,
    IgnoringMessageHandler,
    IgnoringMessageHandler,
    IgnoringMessageHandler,
>;

pub(crate) type Peers<H> = PeerManager<
    SocketDescriptor,
    Arc<Manager>,
    IgnoringMessageHandler,
    Arc<Messenger<H>>,
    Arc<Log>,
    IgnoringMessageHandler,
    Arc<KeysManager>,
    IgnoringMessageHandler,
>;

/// A node whose offers messages go to `H`, which is its own `ChannelManager` by default.
pub(crate) struct Node<H: OffersMessageHandler + Send + Sync + 'static = Manager> {
    pub(crate) id: PublicKey,
    pub(crate) address: SocketAddr,
    pub(crate) keys: Arc<KeysManager>,
    pub(crate) manager: Arc<Manager>,
    pub(crate) handler: Arc<H>,
    pub(crate) messenger: Arc<Messenger<H>>,
    pub(crate) peers: Arc<Peers<H>>,
    pub(crate) roads: Arc<Roads>,
    pub(crate) log: Arc<Log>,
    tasks: Vec<JoinHandle<()>>,
}

/// The parts of a node that do not depend on who handles offers messages.
pub(crate) struct Parts {
    pub(crate) keys: Arc<KeysManager>,
    pub(crate) manager: Arc<Manager>,
    pub(crate) roads: Arc<Roads>,
    pub(crate) log: Arc<Log>,
}

pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap()
}

impl Parts {
    pub(crate) fn new(seed: u8, reach: Reach) -> Self {
        let keys = Arc::new(KeysManager::new(&[seed; 32], now().as_secs(), now().subsec_nanos(), true));
        let roads = Arc::new(Roads { keys: Arc::clone(&keys), reach, broke: AtomicBool::new(false) });
        let (log, chain) = (Arc::new(Log::default()), Arc::new(Chain));
        let config = UserConfig { manually_handle_bolt12_invoices: true, ..UserConfig::default() };
        let network = Network::Bitcoin;
        let manager = ChannelManager::new(
            Arc::clone(&chain),
            Arc::clone(&chain),
            chain,
            Arc::clone(&roads),
            Arc::clone(&roads),
            Arc::clone(&log),
            Arc::clone(&keys),
            Arc::clone(&keys),
            Arc::clone(&keys),
            config,
            ChainParameters { network, best_block: BestBlock::from_network(network) },
            now().as_secs() as u32,
        );
        Self { keys, manager: Arc::new(manager), roads, log }
    }
}

impl Node {
    pub(crate) async fn start(seed: u8, reach: Reach) -> Self {
        let parts = Parts::new(seed, reach);
        let handler = Arc::clone(&parts.manager);
        Self::with_handler(parts, handler).await
    }
}

impl<H: OffersMessageHandler + Send + Sync + 'static> Node<H> {
    /// Starts to listen, on a port of its own.
    pub(crate) async fn with_handler(parts: Parts, handler: Arc<H>) -> Self {
        let Parts { keys, manager, roads, log } = parts;
        let messenger = Arc::new(OnionMessenger::new(
            Arc::clone(&keys),
            Arc::clone(&keys),
            Arc::clone(&log),
            Arc::clone(&manager),
            Arc::clone(&roads),
            Arc::clone(&handler),
            IgnoringMessageHandler {},
            IgnoringMessageHandler {},
            IgnoringMessageHandler {},
        ));
        let handlers = MessageHandler {
            chan_handler: Arc::clone(&manager),
            route_handler: IgnoringMessageHandler {},
            onion_message_handler: Arc::clone(&messenger),
            custom_message_handler: IgnoringMessageHandler {},
            send_only_message_handler: IgnoringMessageHandler {},
        };
        let random = keys.get_secure_random_bytes();
        let signer = Arc::clone(&keys);
        let peers = PeerManager::new(handlers, now().as_secs() as u32, &random, Arc::clone(&log), signer);
        let peers = Arc::new(peers);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = {
            let peers = Arc::clone(&peers);
            tokio::spawn(async move {
                loop {
                    let stream = listener.accept().await.unwrap().0.into_std().unwrap();
                    tokio::spawn(lightning_net_tokio::setup_inbound(Arc::clone(&peers), stream));
                }
            })
        };
        let working = {
            let peers = Arc::clone(&peers);
            tokio::spawn(async move {
                loop {
                    peers.process_events();
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            })
        };
        let id = manager.get_our_node_id();
        let tasks = vec![accepting, working];
        Self { id, address, keys, manager, handler, messenger, peers, roads, log, tasks }
    }

    /// NODEID@HOST:PORT
    pub(crate) fn peer(&self) -> String {
        format!("{}@{}", self.id, self.address)
    }

    /// Connects to another node, and waits until both have said hello.
    pub(crate) async fn connect(&self, id: PublicKey, address: SocketAddr) {
        let stream = TcpStream::connect(address).await.unwrap().into_std().unwrap();
        tokio::spawn(lightning_net_tokio::setup_outbound(Arc::clone(&self.peers), id, stream));
        eventually("a connection", || self.peers.peer_by_node_id(&id)).await;
    }

    /// What happened at the node since the last time.
    pub(crate) fn events(&self) -> Vec<Event> {
        let events = Mutex::new(Vec::new());
        self.manager.process_pending_events(&|event| {
            events.lock().unwrap().push(event);
            Ok(())
        });
        events.into_inner().unwrap()
    }

    /// Waits for an invoice that the node would pay: it was checked by LDK.
    pub(crate) async fn invoice(&self) -> ldk::offers::invoice::Bolt12Invoice {
        eventually("an invoice", || {
            self.events().into_iter().find_map(|event| match event {
                Event::InvoiceReceived { invoice, .. } => Some(invoice),
                _ => None,
            })
        })
        .await
    }
}

impl<H: OffersMessageHandler + Send + Sync + 'static> Drop for Node<H> {
    fn drop(&mut self) {
        self.peers.disconnect_all_peers();
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Waits until there is something, at most ten seconds.
pub(crate) async fn eventually<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    for _ in 0..1_000 {
        if let Some(found) = look() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited too long for {what}")
}
