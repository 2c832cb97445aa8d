//! A connection to Lightning peers over TCP, for a wallet or an issuer that is no node: BOLT 8 and init are the
//! `lightning` crate's, onion messages this crate's.
#![allow(dead_code, reason = "each example uses its own share")]

use std::collections::VecDeque;
use std::fmt::Display;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bolt12::UnixTime;
use bolt12::exchange::{ManagerLimits, OffersManager, Payee, Payer};
use bolt12::lightning::{Application, Desk, Limits, OnionPeers, ldk};
use bolt12::secp256k1::{Keypair, PublicKey, Secp256k1};
use ldk::ln::peer_handler::{ErroringMessageHandler, IgnoringMessageHandler, MessageHandler, PeerManager};
use ldk::sign::{EntropySource, KeysManager};
use ldk::util::logger::{Level, Logger, Record};
use lightning_net_tokio::SocketDescriptor;
use tokio::time::MissedTickBehavior;

pub(crate) type Peers<A> = OnionPeers<Arc<Desk<A>>, Arc<KeysManager>, IgnoringMessageHandler>;
pub(crate) type Manager<A> = PeerManager<
    SocketDescriptor,
    Arc<ErroringMessageHandler>,
    IgnoringMessageHandler,
    Arc<Peers<A>>,
    Arc<LastWords>,
    IgnoringMessageHandler,
    Arc<KeysManager>,
    IgnoringMessageHandler,
>;

/// How often peers may be sent one more message.
pub(crate) const TICK: Duration = Duration::from_millis(300);

/// The keys that follow from a seed.
pub(crate) struct Keys {
    pub(crate) manager: Arc<KeysManager>,
    pub(crate) node: Keypair,
    seed: [u8; 32],
}

impl Keys {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let manager = KeysManager::new(&seed, since.as_secs(), since.subsec_nanos(), true);
        let node = Keypair::from_secret_key(&Secp256k1::new(), &manager.get_node_secret_key());
        Self { manager: Arc::new(manager), node, seed }
    }

    /// A secret for each purpose.
    pub(crate) fn secret(&self, purpose: &str) -> [u8; 32] {
        use bolt12::bitcoin::hashes::{Hash, HashEngine, Hmac, HmacEngine, sha256};
        let mut engine = HmacEngine::<sha256::Hash>::new(&self.seed);
        engine.input(purpose.as_bytes());
        Hmac::from_engine(engine).to_byte_array()
    }

    pub(crate) fn issuer(&self) -> Payee {
        Payee::new(self.secret("issuer"))
    }

    pub(crate) fn payer(&self) -> Payer {
        Payer::new(self.secret("payer"))
    }

    pub(crate) fn random(&self) -> [u8; 32] {
        self.manager.get_secure_random_bytes()
    }
}

/// A desk, and its connections.
pub(crate) struct Connections<A: Application + Send + Sync + 'static> {
    pub(crate) desk: Arc<Desk<A>>,
    pub(crate) peers: Arc<Peers<A>>,
    pub(crate) manager: Arc<Manager<A>>,
    pub(crate) log: Arc<LastWords>,
}

impl<A: Application + Send + Sync + 'static> Connections<A> {
    pub(crate) fn new(keys: &Keys, application: A, limits: Limits) -> Self {
        let offers = OffersManager::new(keys.payer(), keys.issuer(), ManagerLimits::default());
        let desk = Arc::new(Desk::new(application, offers));
        let entropy = Arc::clone(&keys.manager);
        let peers = OnionPeers::new(keys.node, Arc::clone(&desk), entropy, IgnoringMessageHandler {}, limits);
        let peers = Arc::new(peers);
        let log = Arc::new(LastWords::default());
        let handlers = MessageHandler {
            chan_handler: Arc::new(ErroringMessageHandler::new()),
            route_handler: IgnoringMessageHandler {},
            onion_message_handler: Arc::clone(&peers),
            custom_message_handler: IgnoringMessageHandler {},
            send_only_message_handler: IgnoringMessageHandler {},
        };
        let signer = Arc::clone(&keys.manager);
        let started = u32::try_from(now().0).unwrap_or(u32::MAX);
        let manager = PeerManager::new(handlers, started, &keys.random(), Arc::clone(&log), signer);
        Self { desk, peers, manager: Arc::new(manager), log }
    }

    /// Lets time pass: peers may be sent more, and those that keep silent are sent away. Runs until it is dropped.
    pub(crate) fn keep_going(&self, polls: bool) -> impl Future<Output = ()> + Send + use<A> {
        let (peers, manager) = (Arc::clone(&self.peers), Arc::clone(&self.manager));
        async move {
            let mut ticks = tokio::time::interval(TICK);
            // Never two closer than this: made up for, those that were missed while the machine slept or was busy
            // would let so many messages out at once that peers drop them.
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut silence = tokio::time::interval(Duration::from_secs(10));
            silence.set_missed_tick_behavior(MissedTickBehavior::Delay);
            silence.tick().await;
            loop {
                tokio::select! {
                    _ = ticks.tick() => {
                        peers.tick();
                        if polls {
                            peers.poll();
                        }
                        manager.process_events();
                    }
                    _ = silence.tick() => manager.timer_tick_occurred(),
                }
            }
        }
    }

    /// Whether the peer is connected, and if so, whether it knows onion messages.
    pub(crate) fn knows_onion_messages(&self, peer: &PublicKey) -> Option<bool> {
        let peer = self.manager.peer_by_node_id(peer)?;
        Some(peer.init_features.supports_onion_messages())
    }
}

/// How many decimals a currency has.
pub(crate) fn minor_unit(code: &str) -> Option<u8> {
    iso_currency::Currency::from_code(code)?.exponent()?.try_into().ok()
}

/// Prints a line. Whoever closed the output wants no more of it, which is no reason to panic in the middle of
/// something.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// The same for what goes wrong.
pub(crate) fn complain(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

pub(crate) fn now() -> UnixTime {
    SystemTime::now().into()
}

/// What the `lightning` crate said last: it tells nobody else why it ends a connection.
#[derive(Default)]
pub(crate) struct LastWords(Mutex<VecDeque<String>>);

impl LastWords {
    const MAX: usize = 20;

    /// The last line that has this in it.
    pub(crate) fn last_with(&self, part: &str) -> Option<String> {
        self.0.lock().unwrap().iter().rev().find(|line| line.contains(part)).cloned()
    }
}

impl Logger for LastWords {
    fn log(&self, record: Record<'_>) {
        if record.level >= Level::Debug {
            let mut lines = self.0.lock().unwrap();
            while lines.len() >= Self::MAX {
                lines.pop_front();
            }
            lines.push_back(record.args.to_string());
        }
    }
}
