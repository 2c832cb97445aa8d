//! A peer that behaves as Core Lightning was seen to: what it says hello with, what it writes into onions and
//! messages, and what it drops without a word. Written down from the wire, since that node is not at hand.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::exchange::{Payer, Via};
use bolt12::lightning::ldk;
use bolt12::onion::{BlindedPathBuilder, Contents, NextHop, OnionMessage, OnionMessageBuilder, Peeled};
use bolt12::secp256k1::{Keypair, PublicKey, Secp256k1};
use bolt12::{BlindedPath, Feature, IntroductionNode, Invoice, InvoiceRequest, Offer, OfferBuilder};
use ldk::ln::msgs::{self, BaseMessageHandler, Init, MessageSendEvent, OnionMessageHandler};
use ldk::ln::peer_handler::{ErroringMessageHandler, IgnoringMessageHandler, MessageHandler, PeerManager};
use ldk::sign::KeysManager;
use ldk::types::features::{InitFeatures, NodeFeatures};
use ldk::util::ser::{LengthReadable, Writeable};
use lightning_net_tokio::SocketDescriptor;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::naive::{self, Record, record, truncated};
use crate::node::{Log, eventually, now};
use crate::wallet;

/// Compulsory bits of its init, and that for gossip queries, which others insist on.
const COMPULSORY: [usize; 6] = [0, 6, 8, 12, 14, 44];

/// One message in this time, and so many at once.
const GAP: Duration = Duration::from_millis(250);
const BURST: u32 = 4;

/// What its one-hop paths say.
const MAX_HTLC: u64 = 2_100_000_000_000_000_000;

/// How it answers requests.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Issues,
    /// With a text alone, which quotes the request.
    Refuses,
}

struct Cln {
    key: Keypair,
    mood: Mood,
    path_id: [u8; 32],
    knows_onion_messages: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    peers: BTreeMap<PublicKey, (u32, Instant)>,
    to_send: VecDeque<(PublicKey, msgs::OnionMessage)>,
    gossip: Vec<MessageSendEvent>,
    /// One invoice per payer id.
    invoices: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The numbers of the TLVs that arrived in a final onion payload.
    tlvs: Vec<Vec<u64>>,
    requests: Vec<Vec<u8>>,
    answers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    dropped: u32,
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
        self.state.lock().unwrap().tlvs.push(numbers);
        // Another length counts as none.
        let path_id = received.path_id().filter(|id| id.len() == 32).map(<[u8]>::to_vec);
        match received.contents() {
            Some(Contents::InvoiceRequest(request)) => {
                let (request, reply_path) = (request.to_vec(), received.reply_path().unwrap());
                self.state.lock().unwrap().requests.push(request.clone());
                self.answer(&request, path_id.as_deref(), &reply_path);
            }
            Some(contents) => {
                let bytes = contents.as_bytes().to_vec();
                self.state.lock().unwrap().answers.push((bytes, path_id));
            }
            None => {}
        }
    }

    fn answer(&self, request: &[u8], path_id: Option<&[u8]>, reply_path: &BlindedPath<'_>) {
        let records = naive::parse(request).unwrap();
        let value = |number| records.iter().find(|record| record.number == number).map(|record| record.value.clone());
        let text = InvoiceRequest::try_from(request.to_vec()).unwrap().to_string();
        let error = |why: &str| naive::concat(&[record(5, format!("Invoice request {text}: {why}").as_bytes())]);
        let came_right = match value(16) {
            Some(_) => path_id == Some(&self.path_id[..]),
            None => path_id.is_none(),
        };
        let payer = value(88).unwrap();
        let (contents, is_error) = if !came_right {
            (error("Unknown offer"), true)
        } else if self.mood == Mood::Refuses {
            (error("out of tea \u{202e}"), true)
        } else {
            let mut state = self.state.lock().unwrap();
            (state.invoices.entry(payer).or_insert_with(|| self.invoice(&records)).clone(), false)
        };
        let contents = if is_error { Contents::InvoiceError(&contents) } else { Contents::Invoice(&contents) };
        // What it cannot reach, it drops without a word.
        let start = match reply_path.introduction_node() {
            IntroductionNode::NodeId(point) => point.to_public_key().unwrap(),
            IntroductionNode::Channel { .. } => return,
        };
        let is_near = start == self.key.public_key() || self.state.lock().unwrap().peers.contains_key(&start);
        if is_near {
            let sent = OnionMessageBuilder::over(reply_path, contents).sender(&self.key).build(random());
            self.send(sent.unwrap());
        }
    }

    /// As a node without channels writes it.
    fn invoice(&self, request: &[Record]) -> Vec<u8> {
        let path = BlindedPathBuilder::new(self.key.public_key()).path_id([1; 32]).build(random()).unwrap();
        let number = |number: u64| request.iter().find(|record| record.number == number).map(|record| &record.value);
        let amount = number(82).or(number(8)).unwrap();
        let payinfo = [&[0; 10][..], &0u64.to_be_bytes(), &MAX_HTLC.to_be_bytes(), &[0, 0]].concat();
        let hash = sha256::Hash::hash(amount);
        let mut records: Vec<_> = request.iter().filter(|record| record.number < 160).cloned().collect();
        records.extend([
            record(160, path.as_bytes()),
            record(162, &payinfo),
            record(164, &truncated(now().as_secs())),
            record(168, hash.as_ref()),
            record(170, amount),
            record(174, &[2, 0, 0]),
            record(176, &self.key.public_key().serialize()),
        ]);
        naive::concat(&naive::sign("invoice", records, &self.key))
    }

    fn send(&self, sent: bolt12::onion::Outgoing) {
        let NextHop::NodeId(to) = sent.to else { panic!("{:?}", sent.to) };
        let message = msgs::OnionMessage::read_from_fixed_length_buffer(&mut sent.message.payload()).unwrap();
        self.state.lock().unwrap().to_send.push_back((to, message));
    }

    fn look<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.state.lock().unwrap())
    }
}

fn random() -> [u8; 32] {
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
        features
    }
}

impl OnionMessageHandler for Cln {
    fn handle_onion_message(&self, peer: PublicKey, message: &msgs::OnionMessage) {
        if self.admit(peer) {
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
struct Running {
    cln: Arc<Cln>,
    peers: Arc<Peers>,
    address: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    async fn start(seed: u8, mood: Mood, knows_onion_messages: bool) -> Self {
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

    fn id(&self) -> PublicKey {
        self.cln.key.public_key()
    }

    fn peer(&self) -> String {
        format!("{}@{}", self.id(), self.address)
    }

    fn offer(&self, with_path: bool) -> Offer {
        let mut offer = OfferBuilder::new(self.id()).description("tea").amount_msat(bolt12::Msat(9_000));
        if with_path {
            let path = BlindedPathBuilder::new(self.id()).path_id(self.cln.path_id).build(random()).unwrap();
            offer = offer.add_path(path);
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

/// A peer connection, compulsory bits, gossip and pings in between; a reply path that starts at the peer; nothing but
/// TLVs 2, 4 and 64; a payer id of its own each time; its invoice.
#[tokio::test]
async fn it_is_asked_as_it_wants_and_its_invoice_is_checked() {
    let running = Running::start(90, Mood::Issues, true).await;
    for with_path in [false, true] {
        let text = running.offer(with_path).to_string();
        let invoices = [
            wallet(&[&text, "--peer", &running.peer()]).await.unwrap(),
            wallet(&[&text, "--peer", &running.peer()]).await.unwrap(),
        ];
        // Otherwise the second request would be answered with the first invoice, which does not fit.
        assert_ne!(invoices[0].payer_id(), invoices[1].payer_id());
        let invoice: &Invoice = &invoices[0];
        assert!(invoice.features().unwrap().contains(Feature::MULTI_PART_OPTIONAL));
        assert_eq!(invoice.payment_paths().next().unwrap().1.htlc_maximum_msat, MAX_HTLC);
        assert_eq!(invoice.node_id(), running.id());
    }
    running.cln.look(|state| {
        assert_eq!(state.tlvs, vec![vec![2, 4, 64]; 4]);
        assert_eq!(state.dropped, 0);
    });
}

/// Its errors are a text that quotes the whole request: long, and in the larger of the two onions.
#[tokio::test]
async fn its_long_errors_are_shown_escaped() {
    let running = Running::start(91, Mood::Refuses, true).await;
    let text = running.offer(true).to_string();
    let note = "a long note ".repeat(200);
    let failure = wallet(&[&text, "--peer", &running.peer(), "--note", &note]).await.unwrap_err();
    assert_eq!(failure.code(), "refused");
    // Of a long text, both ends are kept: the reason comes last.
    assert!(failure.text().len() > 1_000);
    assert!(failure.text().contains("Invoice request lnr1"), "{}", failure.text());
    assert!(failure.text().contains("out of tea") && !failure.text().contains('\u{202e}'), "{}", failure.text());
}

/// A node that never heard of onion messages is told apart.
#[tokio::test]
async fn a_peer_without_onion_messages_is_named() {
    let running = Running::start(92, Mood::Issues, false).await;
    let text = running.offer(false).to_string();
    let failure = wallet(&[&text, "--peer", &running.peer()]).await.unwrap_err();
    assert_eq!(failure.code(), "no_onion_messages");
}

/// The request it writes for an offer: features present and empty, metadata of 16 bytes, and perhaps an odd TLV
/// among the signatures, which is not signed.
fn request(offer: &Offer, payer: &Keypair, odd: bool) -> Vec<u8> {
    let mut records = vec![record(0, &[0x77; 16])];
    records.extend(naive::parse(offer.as_bytes()).unwrap());
    records.extend([record(84, &[]), record(88, &payer.public_key().serialize())]);
    let mut records = naive::sign("invoice_request", records, payer);
    if odd {
        records.push(record(241, &[1, 2, 3]));
    }
    naive::concat(&records)
}

/// It asks our issuer: directly with an empty TLV 4 or over the offer's path, with a reply path that starts at the
/// issuer itself, eight times at once. Each is answered, and no answer comes faster than it takes them.
#[tokio::test]
async fn it_asks_and_is_answered_at_its_pace() {
    for way in [&["--price", "25sat"][..], &["--price", "25sat", "--hide"]] {
        let open = crate::shop(way).await;
        let running = Running::start(93, Mood::Issues, true).await;
        let stream = TcpStream::connect(open.address).await.unwrap().into_std().unwrap();
        let peers = Arc::clone(&running.peers);
        tokio::spawn(lightning_net_tokio::setup_outbound(peers, open.node_id, stream));
        eventually("a connection", || running.peers.peer_by_node_id(&open.node_id)).await;
        // Who has just connected is not heard so often.
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        for number in 0..8u8 {
            let payer = crate::key(0x20 + number);
            let request = request(&open.offer, &payer, number % 2 == 1);
            let contents = Contents::InvoiceRequest(&request);
            let own_path = BlindedPathBuilder::new(running.id()).through(open.node_id).path_id([number; 32]);
            let reply_path = own_path.build(random()).unwrap();
            let path = open.offer.paths().and_then(|paths| paths.iter().next());
            let message = match &path {
                Some(path) => OnionMessageBuilder::over(path, contents),
                None => OnionMessageBuilder::to_node(open.node_id, contents),
            };
            running.cln.send(message.reply_path(&reply_path).build(random()).unwrap());
        }
        running.peers.process_events();
        eventually("all answers", || running.cln.look(|state| (state.answers.len() == 8).then_some(()))).await;
        running.cln.look(|state| {
            assert_eq!(state.dropped, 0);
            assert_eq!(state.tlvs, vec![vec![4, 66]; 8]);
            for (number, (bytes, path_id)) in state.answers.iter().enumerate() {
                let invoice = Invoice::try_from(bytes.clone()).unwrap();
                assert_eq!(invoice.payer_id(), crate::key(0x20 + number as u8).public_key());
                assert_eq!(path_id.as_deref(), Some(&[number as u8; 32][..]));
            }
        });
    }
}

/// Whoever sends to a node id makes the last hop itself, with nothing in it: that is no path of ours.
#[test]
fn an_empty_last_hop_counts_as_no_path() {
    let key = crate::key(1);
    let sent = OnionMessageBuilder::to_node(key.public_key(), Contents::InvoiceRequest(b"x")).build([7; 32]).unwrap();
    let Ok(Peeled::Received(received)) = sent.message.peel(&key) else { panic!() };
    assert_eq!(received.data().tlvs().records().count(), 0);
    assert_eq!(Via::path(received.path_id()), Via::OtherPath);
    assert_eq!(Payer::new([1; 32]).payment_of(&Via::Direct), None);
}
