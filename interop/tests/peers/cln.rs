//! A peer that behaves as Core Lightning was seen to: what it says hello with, what it writes into onions and
//! messages, and what it drops without a word. Written down from the wire, since that node is not at hand.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::lightning::ldk;
use bolt12::onion::{BlindedPathBuilder, Contents, NextHop, OnionMessage, OnionMessageBuilder, Peeled};
use bolt12::secp256k1::{Keypair, PublicKey, Secp256k1};
use bolt12::{BlindedPath, IntroductionNode, InvoiceRequest, Offer, OfferBuilder};
use ldk::ln::msgs::{self, BaseMessageHandler, Init, MessageSendEvent, OnionMessageHandler};
use ldk::ln::peer_handler::{ErroringMessageHandler, IgnoringMessageHandler, MessageHandler, PeerManager};
use ldk::sign::KeysManager;
use ldk::types::features::{InitFeatures, NodeFeatures};
use ldk::util::ser::{LengthReadable, Writeable};
use lightning_net_tokio::SocketDescriptor;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::naive::{self, Record, record, truncated};
use crate::naive_onion;
use crate::node::{Log, now};

/// Compulsory bits of its init, and that for gossip queries, which others insist on.
const COMPULSORY: [usize; 6] = [0, 6, 8, 12, 14, 44];

/// One message in this time, and so many at once, in each connection.
pub(crate) const GAP: Duration = Duration::from_millis(250);
pub(crate) const BURST: u32 = 4;

/// What its one-hop paths say.
pub(crate) const MAX_HTLC: u64 = 2_100_000_000_000_000_000;

/// How it answers requests.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mood {
    Issues,
    /// With a text alone, which quotes the request.
    Refuses,
    /// Sends each invoice twice, with a reply path of its own, as others were seen to.
    Repeats,
    /// Answers nothing, and warns that it is asked too often, as others were seen to.
    Warns,
    /// Says that it hears only those with whom it has a channel.
    Deaf,
}

pub(crate) struct Cln {
    pub(crate) key: Keypair,
    pub(crate) mood: Mood,
    pub(crate) path_id: [u8; 32],
    pub(crate) knows_onion_messages: bool,
    pub(crate) state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    peers: BTreeMap<PublicKey, (u32, Instant)>,
    to_send: VecDeque<(PublicKey, msgs::OnionMessage)>,
    gossip: Vec<MessageSendEvent>,
    /// One invoice per payer id.
    invoices: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The numbers of the TLVs that arrived in a final onion payload.
    pub(crate) tlvs: Vec<Vec<u64>>,
    /// How long the packets were.
    pub(crate) sizes: Vec<usize>,
    pub(crate) answers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    pub(crate) dropped: u32,
}

impl Cln {
    /// One more token every 250 milliseconds.
    fn admit(&self, peer: PublicKey) -> bool {
        let mut state = self.state.lock().unwrap();
        let Some((tokens, since)) = state.peers.get_mut(&peer) else { return false };
        while since.elapsed() >= GAP {
            (*tokens, *since) = (BURST.min(*tokens + 1), *since + GAP);
        }
        let admitted = *tokens > 0;
        *tokens = tokens.saturating_sub(1);
        state.dropped += u32::from(!admitted);
        admitted
    }

    fn receive(&self, message: &msgs::OnionMessage) {
        let message = OnionMessage::from_payload(&message.encode()).unwrap();
        let Ok(Peeled::Received(received)) = message.peel(&self.key) else { return };
        let numbers = received.payload().tlvs().records().map(|record| record.number()).collect();
        {
            let mut state = self.state.lock().unwrap();
            state.tlvs.push(numbers);
            state.sizes.push(message.packet().len());
        }
        // Another length counts as none.
        let path_id = received.path_id().filter(|id| id.len() == 32).map(<[u8]>::to_vec);
        match received.contents() {
            Some(Contents::InvoiceRequest(request)) => {
                let (request, reply_path) = (request.to_vec(), received.reply_path().unwrap());
                self.answer(&request, path_id.as_deref(), &reply_path, received.signing_key());
            }
            Some(contents) => {
                let bytes = contents.as_bytes().to_vec();
                self.state.lock().unwrap().answers.push((bytes, path_id));
            }
            None => {}
        }
    }

    fn answer(&self, request: &[u8], path_id: Option<&[u8]>, reply_path: &BlindedPath<'_>, blinded: Keypair) {
        let records = naive::parse(request).unwrap();
        let value = |number| records.iter().find(|record| record.number == number).map(|record| record.value.clone());
        let text = InvoiceRequest::try_from(request.to_vec()).unwrap().to_string();
        let error = |why: &str| naive::concat(&[record(5, format!("Invoice request {text}: {why}").as_bytes())]);
        let came_right = match value(16) {
            Some(_) => path_id == Some(&self.path_id[..]),
            None => path_id.is_none(),
        };
        let payer = value(88).unwrap();
        // With paths and without an issuer id, the end of the path signs.
        let signer = if value(22).is_some() { self.key } else { blinded };
        let too_much = match (value(82), value(8)) {
            (Some(amount), Some(price)) => value(6).is_none() && whole(&amount) > 5 * whole(&price),
            _ => false,
        };
        let (contents, is_error) = if !came_right {
            (error("Unknown offer"), true)
        } else if self.mood == Mood::Refuses {
            (error("out of tea \u{202e}"), true)
        } else if too_much {
            (error("Amount vastly exceeds price"), true)
        } else {
            let mut state = self.state.lock().unwrap();
            (state.invoices.entry(payer).or_insert_with(|| self.invoice(&records, &signer)).clone(), false)
        };
        let contents = if is_error { Contents::InvoiceError(&contents) } else { Contents::Invoice(&contents) };
        // What it cannot reach, it drops without a word.
        let start = match reply_path.introduction_node() {
            IntroductionNode::NodeId(point) => point.public_key().unwrap(),
            IntroductionNode::Channel { .. } => return,
        };
        let is_near = start == self.key.public_key() || self.state.lock().unwrap().peers.contains_key(&start);
        if !is_near {
            return;
        }
        let own_path = naive_onion::path(&[(self.key.public_key(), vec![])], random());
        for _ in 0..if self.mood == Mood::Repeats { 2 } else { 1 } {
            let mut sent = OnionMessageBuilder::over(reply_path, contents).sender(&self.key);
            if self.mood == Mood::Repeats {
                sent = sent.reply_path(&own_path);
            }
            self.send(sent.build(random()).unwrap());
        }
    }

    /// As a node without channels writes it.
    fn invoice(&self, request: &[Record], signer: &Keypair) -> Vec<u8> {
        let path = BlindedPathBuilder::new(self.key.public_key()).path_id([1; 32]).build(random()).unwrap();
        let number = |number: u64| request.iter().find(|record| record.number == number).map(|record| &record.value);
        // A hundred thousand dollars are a bitcoin.
        let in_dollars = number(6).and(number(8)).map(|cents| truncated(whole(cents) * 10_000));
        let amount = number(82).or(in_dollars.as_ref()).or(number(8)).unwrap();
        let payinfo = [&[0; 10][..], &0u64.to_be_bytes(), &MAX_HTLC.to_be_bytes(), &[0, 0]].concat();
        let hash = sha256::Hash::hash(amount);
        let mut records: Vec<_> = request.iter().filter(|record| record.number < 160).cloned().collect();
        records.extend([record(160, path.as_bytes()), record(162, &payinfo), record(164, &truncated(now().as_secs()))]);
        // Two hours are not named.
        records.extend(in_dollars.is_some().then(|| record(166, &truncated(600))));
        records.extend([
            record(168, hash.as_ref()),
            record(170, amount),
            record(174, &[2, 0, 0]),
            record(176, &signer.public_key().serialize()),
        ]);
        let mut records = naive::sign("invoice", records, signer);
        // An odd field among the signatures, which is not signed.
        records.extend((self.mood == Mood::Repeats).then(|| record(241, &[1, 2, 3])));
        naive::concat(&records)
    }

    pub(crate) fn send(&self, sent: bolt12::onion::PeerMessage) {
        let NextHop::NodeId(to) = sent.to else { panic!("{:?}", sent.to) };
        let message = msgs::OnionMessage::read_from_fixed_length_buffer(&mut sent.message.payload()).unwrap();
        self.state.lock().unwrap().to_send.push_back((to, message));
    }

    pub(crate) fn look<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.state.lock().unwrap())
    }
}

fn whole(number: &[u8]) -> u64 {
    number.iter().fold(0, |whole, byte| whole << 8 | u64::from(*byte))
}

pub(crate) fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// Something about a channel that nobody asked for.
fn gossip(to: PublicKey) -> MessageSendEvent {
    let contents = msgs::UnsignedChannelUpdate {
        chain_hash: bolt12::ChainHash::BITCOIN,
        short_channel_id: 1,
        timestamp: 1,
        message_flags: 1,
        channel_flags: 0,
        cltv_expiry_delta: 40,
        htlc_minimum_msat: 1,
        htlc_maximum_msat: 1,
        fee_base_msat: 1,
        fee_proportional_millionths: 1,
        excess_data: vec![],
    };
    let digest = bolt12::secp256k1::Message::from_digest([1; 32]);
    let signature = Secp256k1::new().sign_ecdsa(&digest, &crate::key(9).secret_key());
    MessageSendEvent::SendChannelUpdate { node_id: to, msg: msgs::ChannelUpdate { signature, contents } }
}

fn warning(to: PublicKey, text: &str) -> MessageSendEvent {
    let msg = msgs::WarningMessage { channel_id: ldk::ln::types::ChannelId([0; 32]), data: text.to_owned() };
    let action = msgs::ErrorAction::SendWarningMessage { msg, log_level: ldk::util::logger::Level::Debug };
    MessageSendEvent::HandleError { node_id: to, action }
}

impl BaseMessageHandler for Cln {
    fn get_and_clear_pending_msg_events(&self) -> Vec<MessageSendEvent> {
        std::mem::take(&mut self.state.lock().unwrap().gossip)
    }

    fn peer_connected(&self, peer: PublicKey, _: &Init, _: bool) -> Result<(), ()> {
        let mut state = self.state.lock().unwrap();
        state.peers.insert(peer, (BURST, Instant::now()));
        state.gossip.push(gossip(peer));
        Ok(())
    }

    fn peer_disconnected(&self, peer: PublicKey) {
        self.state.lock().unwrap().peers.remove(&peer);
    }

    fn provided_node_features(&self) -> NodeFeatures {
        NodeFeatures::empty()
    }

    fn provided_init_features(&self, _: PublicKey) -> InitFeatures {
        let mut features = InitFeatures::empty();
        for bit in COMPULSORY {
            features.set_required_feature_bit(bit).unwrap();
        }
        if self.knows_onion_messages {
            features.set_onion_messages_optional();
        }
        if self.mood == Mood::Deaf {
            // `option_onion_messages_only_channels`, which LDK does not know.
            features |= InitFeatures::from_le_bytes([vec![0; 8], vec![1 << 3]].concat());
        }
        features
    }
}

impl OnionMessageHandler for Cln {
    fn handle_onion_message(&self, peer: PublicKey, message: &msgs::OnionMessage) {
        if self.mood == Mood::Warns {
            self.state.lock().unwrap().gossip.push(warning(peer, "Ratelimiting onion_message: try later"));
        } else if self.admit(peer) {
            self.receive(message);
        }
    }

    fn next_onion_message_for_peer(&self, peer: PublicKey) -> Option<msgs::OnionMessage> {
        let mut state = self.state.lock().unwrap();
        let at = state.to_send.iter().position(|(to, _)| *to == peer)?;
        state.to_send.remove(at).map(|(_, message)| message)
    }

    fn timer_tick_occurred(&self) {}
}

impl ldk::ln::msgs::SendOnlyMessageHandler for Cln {}

type Peers = PeerManager<
    SocketDescriptor,
    Arc<ErroringMessageHandler>,
    IgnoringMessageHandler,
    Arc<Cln>,
    Arc<Log>,
    IgnoringMessageHandler,
    Arc<KeysManager>,
    Arc<Cln>,
>;

/// Such a peer, which listens.
pub(crate) struct Running {
    pub(crate) cln: Arc<Cln>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) address: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    pub(crate) async fn start(seed: u8, mood: Mood, knows_onion_messages: bool) -> Self {
        let keys = Arc::new(KeysManager::new(&[seed; 32], now().as_secs(), 1, true));
        let key = Keypair::from_secret_key(&Secp256k1::new(), &keys.get_node_secret_key());
        let cln = Arc::new(Cln { key, mood, path_id: [0x33; 32], knows_onion_messages, state: Mutex::default() });
        let handlers = MessageHandler {
            chan_handler: Arc::new(ErroringMessageHandler::new()),
            route_handler: IgnoringMessageHandler {},
            onion_message_handler: Arc::clone(&cln),
            custom_message_handler: IgnoringMessageHandler {},
            send_only_message_handler: Arc::clone(&cln),
        };
        let peers = Arc::new(PeerManager::new(handlers, 1, &random(), Arc::new(Log::default()), keys));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = Arc::clone(&peers);
        let working = Arc::clone(&peers);
        let tasks = vec![
            tokio::spawn(async move {
                loop {
                    let stream = listener.accept().await.unwrap().0.into_std().unwrap();
                    tokio::spawn(lightning_net_tokio::setup_inbound(Arc::clone(&accepting), stream));
                }
            }),
            tokio::spawn(async move {
                for round in 0u64.. {
                    working.process_events();
                    // A ping now and then. Who did not answer the last one is sent away.
                    if round % 50 == 20 {
                        working.timer_tick_occurred();
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }),
        ];
        Self { cln, peers, address, tasks }
    }

    pub(crate) fn id(&self) -> PublicKey {
        self.cln.key.public_key()
    }

    pub(crate) fn peer(&self) -> String {
        format!("{}@{}", self.id(), self.address)
    }

    /// A path to it, of which it knows that offers have it.
    pub(crate) fn offer_path(&self) -> BlindedPath<'static> {
        let data = record(6, &self.cln.path_id).bytes;
        naive_onion::path(&[(self.id(), data)], random())
    }

    pub(crate) fn offer(&self, with_path: bool) -> Offer {
        let mut offer = OfferBuilder::new(self.id()).description("tea").amount_msat(bolt12::Msat(9_000));
        if with_path {
            offer = offer.add_path(self.offer_path());
        }
        offer.build().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.peers.disconnect_all_peers();
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
