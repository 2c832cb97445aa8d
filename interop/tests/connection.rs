//! This crate's connections and those of the crate `lightning`, over loopback TCP, each in both roles.

#[path = "peers/blocking.rs"]
mod blocking;
#[allow(dead_code, reason = "it has more to it than connections")]
#[path = "peers/node.rs"]
mod node;

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use blocking::{Ended, Peer};
use bolt12::bitcoin::Network;
use bolt12::lightning::ldk;
use bolt12::onion::{Contents, OnionMessage, OnionMessageBuilder};
use bolt12::peer::{Config, Connection, ConnectionError, Event, OnionMessages, SendError};
use bolt12::secp256k1::{Keypair, PublicKey, Secp256k1};
use bolt12::{ChainHash, Feature, Features, UnixTime};
use ldk::ln::msgs::{self, BaseMessageHandler, Init, MessageSendEvent, OnionMessageHandler};
use ldk::ln::peer_handler::{ErroringMessageHandler, IgnoringMessageHandler, MessageHandler, PeerManager};
use ldk::sign::KeysManager;
use ldk::types::features::{InitFeatures, NodeFeatures};
use ldk::util::ser::{LengthReadable, Writeable};
use lightning_net_tokio::SocketDescriptor;
use node::{Log, Node, Reach, eventually};

/// Long enough on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough to be sure that nothing comes.
const A_MOMENT: Duration = Duration::from_millis(50);

fn now() -> UnixTime {
    SystemTime::now().into()
}

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

fn key(number: u8) -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &[number; 32]).unwrap()
}

fn config() -> Config {
    Config::new(ChainHash::using_genesis_block_const(Network::Bitcoin))
}

fn message(len: usize) -> OnionMessage {
    let contents = vec![7; len];
    let message = OnionMessageBuilder::to_node(key(1).public_key(), Contents::InvoiceRequest(&contents));
    message.build(random()).unwrap().message
}

/// What one LDK peer hears and has to say.
#[derive(Default)]
struct Ears {
    heard: Mutex<Vec<OnionMessage>>,
    to_say: Mutex<VecDeque<OnionMessage>>,
    /// Bits of its `init` beside those that it always has.
    bits: Vec<usize>,
}

impl OnionMessageHandler for Ears {
    fn handle_onion_message(&self, _: PublicKey, message: &msgs::OnionMessage) {
        self.heard.lock().unwrap().push(OnionMessage::from_payload(&message.encode()).unwrap());
    }

    fn next_onion_message_for_peer(&self, _: PublicKey) -> Option<msgs::OnionMessage> {
        let message = self.to_say.lock().unwrap().pop_front()?;
        Some(msgs::OnionMessage::read_from_fixed_length_buffer(&mut message.payload()).unwrap())
    }

    fn timer_tick_occurred(&self) {}
}

impl BaseMessageHandler for Ears {
    fn get_and_clear_pending_msg_events(&self) -> Vec<MessageSendEvent> {
        Vec::new()
    }

    fn peer_disconnected(&self, _: PublicKey) {}

    fn peer_connected(&self, _: PublicKey, _: &Init, _: bool) -> Result<(), ()> {
        Ok(())
    }

    fn provided_node_features(&self) -> NodeFeatures {
        NodeFeatures::empty()
    }

    fn provided_init_features(&self, _: PublicKey) -> InitFeatures {
        let mut features = InitFeatures::empty();
        self.bits.iter().for_each(|bit| match bit % 2 {
            0 => features.set_required_custom_bit(*bit).or_else(|()| set(&mut features, *bit)).unwrap(),
            _ => features.set_optional_custom_bit(*bit).or_else(|()| set(&mut features, *bit)).unwrap(),
        });
        features
    }
}

/// Any bit, known to LDK or not.
fn set(features: &mut InitFeatures, bit: usize) -> Result<(), ()> {
    let mut bytes = vec![0; bit / 8 + 1];
    bytes[bit / 8] = 1 << (bit % 8);
    *features |= InitFeatures::from_le_bytes(bytes);
    Ok(())
}

type Manager = PeerManager<
    SocketDescriptor,
    Arc<ErroringMessageHandler>,
    IgnoringMessageHandler,
    Arc<Ears>,
    Arc<Log>,
    IgnoringMessageHandler,
    Arc<KeysManager>,
    IgnoringMessageHandler,
>;

/// An LDK `PeerManager` that listens, without a node around it.
struct Ldk {
    id: PublicKey,
    address: SocketAddr,
    manager: Arc<Manager>,
    ears: Arc<Ears>,
}

impl Ldk {
    async fn start(bits: &[usize]) -> Self {
        let keys = Arc::new(KeysManager::new(&random(), 1, 1, true));
        let id = ldk::sign::NodeSigner::get_node_id(&*keys, ldk::sign::Recipient::Node).unwrap();
        let ears = Arc::new(Ears { bits: bits.to_vec(), ..Ears::default() });
        let handlers = MessageHandler {
            chan_handler: Arc::new(ErroringMessageHandler::new()),
            route_handler: IgnoringMessageHandler {},
            onion_message_handler: Arc::clone(&ears),
            custom_message_handler: IgnoringMessageHandler {},
            send_only_message_handler: IgnoringMessageHandler {},
        };
        let manager = Arc::new(PeerManager::new(handlers, 1, &random(), Arc::new(Log::default()), keys));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = Arc::clone(&manager);
        tokio::spawn(async move {
            loop {
                let stream = listener.accept().await.unwrap().0.into_std().unwrap();
                tokio::spawn(lightning_net_tokio::setup_inbound(Arc::clone(&accepting), stream));
            }
        });
        Self { id, address, manager, ears }
    }

    fn say(&self, message: OnionMessage) {
        self.ears.to_say.lock().unwrap().push_back(message);
        self.manager.process_events();
    }

    async fn hears(&self, messages: &[OnionMessage]) {
        eventually("messages", || (self.ears.heard.lock().unwrap().len() >= messages.len()).then_some(())).await;
        assert!(*self.ears.heard.lock().unwrap() == messages);
    }
}

/// Connects to a node.
fn connect(id: PublicKey, address: SocketAddr, config: &Config) -> Peer {
    let connection = Connection::outbound(&key(1), id, random(), config, now()).unwrap();
    Peer::new(connection, TcpStream::connect(address).unwrap()).unwrap()
}

/// Waits for the next event, away from the runtime.
fn next(peer: &mut Peer) -> Result<Event, ConnectionError> {
    tokio::task::block_in_place(|| match peer.next(PATIENCE) {
        Ok(event) => Ok(event),
        Err(Ended::Closed(error)) => Err(error),
        Err(Ended::Waited) => panic!("waited too long"),
    })
}

/// Does what there is to do, and expects no event.
fn nothing(peer: &mut Peer) {
    tokio::task::block_in_place(|| assert!(matches!(peer.next(A_MOMENT), Err(Ended::Waited))));
}

fn connected(peer: &mut Peer) -> bolt12::peer::Init {
    match next(peer) {
        Ok(Event::Connected(init)) => init,
        other => panic!("{other:?}"),
    }
}

/// Sends messages of several sizes both ways.
async fn converse(ldk: &Ldk, ours: &mut Peer) {
    let messages = [0, 100, 1_400, 20_000].map(message);
    for message in &messages {
        ours.connection.send(message).unwrap();
    }
    ours.flush().unwrap();
    ldk.hears(&messages).await;
    for message in messages {
        ldk.say(message.clone());
        assert_eq!(next(ours), Ok(Event::OnionMessage(message)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn we_connect_to_ldk() {
    let ldk = Ldk::start(&[39]).await;
    let mut ours = connect(ldk.id, ldk.address, &config());
    assert_eq!(connected(&mut ours).onion_messages(), OnionMessages::Accepted);
    converse(&ldk, &mut ours).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ldk_connects_to_us() {
    let ldk = Ldk::start(&[39]).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap().into_std().unwrap();
    let outbound = lightning_net_tokio::setup_outbound(Arc::clone(&ldk.manager), key(1).public_key(), stream);
    tokio::spawn(outbound);
    let (stream, _) = tokio::task::block_in_place(|| listener.accept().unwrap());
    let connection = Connection::inbound(&key(1), random(), &config(), now()).unwrap();
    let mut ours = Peer::new(connection, stream).unwrap();
    connected(&mut ours);
    assert_eq!(ours.connection.node_id(), Some(ldk.id));
    converse(&ldk, &mut ours).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn we_connect_to_us() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut one = connect(key(2).public_key(), listener.local_addr().unwrap(), &config());
    let connection = Connection::inbound(&key(2), random(), &config(), now()).unwrap();
    let mut other = Peer::new(connection, listener.accept().unwrap().0).unwrap();
    let there = std::thread::spawn(move || {
        let mut heard = Vec::new();
        loop {
            match other.next(PATIENCE) {
                Ok(Event::OnionMessage(message)) => {
                    other.connection.send(&message).unwrap();
                    heard.push(message);
                }
                Ok(_) => {}
                Err(Ended::Closed(error)) => return (heard, error),
                Err(Ended::Waited) => panic!("waited too long"),
            }
        }
    });
    connected(&mut one);
    let messages = [0, 1_400, 30_000].map(message);
    for message in &messages {
        one.connection.send(message).unwrap();
        assert_eq!(next(&mut one), Ok(Event::OnionMessage(message.clone())));
    }
    drop(one);
    let (heard, error) = there.join().unwrap();
    assert_eq!((&heard[..], error), (&messages[..], ConnectionError::ClosedByPeer { said: None, requires: None }));
}

/// A node with its real `ChannelManager`, which requires features, and ends a connection without them.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_requires_features_is_content() {
    let node = Node::start(70, Reach::Announced).await;
    let mut ours = connect(node.id, node.address, &config());
    let init = connected(&mut ours);
    assert!(init.features().iter().any(Feature::is_compulsory));
    assert_eq!(init.onion_messages(), OnionMessages::Accepted);
    ours.connection.send(&message(10)).unwrap();
    nothing(&mut ours);

    // LDK goes without a word; whether its `init` comes before that is a race.
    let features = Features::new([Feature(39)]).unwrap();
    let mut ours = connect(node.id, node.address, &Config { features, ..config() });
    let requires = init.features().iter().find(|feature| feature.is_compulsory());
    let end = match next(&mut ours) {
        Ok(Event::Connected(_)) => next(&mut ours),
        end => end,
    };
    match end {
        Err(ConnectionError::ClosedBeforeInit { said: None }) => {}
        end => assert_eq!(end, Err(ConnectionError::ClosedByPeer { said: None, requires })),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_on_another_network_is_refused() {
    let node = Node::start(71, Reach::Announced).await;
    let signet = Config::new(ChainHash::using_genesis_block_const(Network::Signet));
    let mut ours = connect(node.id, node.address, &signet);
    // Who is faster decides who says so.
    let end = next(&mut ours).unwrap_err();
    assert!(matches!(end, ConnectionError::OtherNetwork | ConnectionError::ClosedBeforeInit { said: None }), "{end:?}");
}

/// Features that nobody knows, and a feature that makes a peer useless to a stranger.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_peer_says_about_onion_messages_is_heard() {
    for (bits, expected) in [
        (&[38, 1_000][..], Ok(())),
        (&[39, 67], Err(SendError::OnlyOverChannels)),
        (&[39, 66], Err(SendError::OnlyOverChannels)),
        (&[], Err(SendError::NoOnionMessages)),
    ] {
        let ldk = Ldk::start(bits).await;
        // LDK wants those that connect to know what it requires.
        let own = config();
        let offered = own.features.iter().chain(bits.iter().map(|bit| Feature(*bit as u32 | 1)));
        let features = Features::new(offered).unwrap();
        let mut ours = connect(ldk.id, ldk.address, &Config { features, ..own });
        connected(&mut ours);
        assert_eq!(ours.connection.send(&message(1)), expected, "{bits:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_node_id_is_refused_without_a_word() {
    let ldk = Ldk::start(&[39]).await;
    let expected = key(9).public_key();
    let mut ours = connect(expected, ldk.address, &config());
    assert_eq!(next(&mut ours), Err(ConnectionError::Refused { expected }));
}

/// Many more messages than a key is good for, in both directions.
#[tokio::test(flavor = "multi_thread")]
async fn keys_change_as_ldk_changes_them() {
    let ldk = Ldk::start(&[39]).await;
    let mut ours = connect(ldk.id, ldk.address, &config());
    connected(&mut ours);
    for number in 0..1_300u16 {
        // A ping, which LDK answers.
        ours.connection.send_raw(&[[0, 18], (number % 50).to_be_bytes(), [0, 0]].concat()).unwrap();
        if number % 100 == 0 {
            nothing(&mut ours);
        }
    }
    nothing(&mut ours);
    converse(&ldk, &mut ours).await;
}

/// LDK pings, and sends away who does not answer.
#[tokio::test(flavor = "multi_thread")]
async fn pings_of_ldk_are_answered() {
    let ldk = Ldk::start(&[39]).await;
    let mut ours = connect(ldk.id, ldk.address, &config());
    connected(&mut ours);
    for _ in 0..6 {
        ldk.manager.timer_tick_occurred();
        nothing(&mut ours);
    }
    converse(&ldk, &mut ours).await;
    // It would send us away.
    for _ in 0..6 {
        ldk.manager.timer_tick_occurred();
    }
    assert!(matches!(next(&mut ours), Err(ConnectionError::ClosedByPeer { .. })));
}

/// What we send arrives in pieces of every size that makes a difference.
#[tokio::test(flavor = "multi_thread")]
async fn ldk_takes_pieces_of_every_size() {
    let ldk = Ldk::start(&[39]).await;
    let mut sent = Vec::new();
    for piece in (1..=70).chain([117, 1_000]) {
        let mut ours = connect(ldk.id, ldk.address, &config());
        ours.piece = piece;
        connected(&mut ours);
        let message = message(1);
        ours.connection.send(&message).unwrap();
        ours.flush().unwrap();
        sent.push(message);
        ldk.hears(&sent).await;
        ldk.manager.disconnect_by_node_id(key(1).public_key());
    }
}

/// What happens to a connection on its way.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// Which byte of ours is changed, and which of theirs.
    to: Option<usize>,
    from: Option<usize>,
    /// After how many bytes of ours it is cut.
    cut: Option<usize>,
    /// How many bytes are carried at once.
    piece: usize,
}

const CLEAR: Way = Way { to: None, from: None, cut: None, piece: 1_000 };

/// Who connects to whom.
#[derive(Clone, Copy, Debug)]
enum Role {
    We,
    Ldk,
}

/// A new connection, with a key of its own, since LDK takes one connection from each node.
async fn new_connection(ldk: &Ldk, role: Role) -> (Connection, TcpStream) {
    let key = Keypair::from_seckey_slice(&Secp256k1::new(), &random()).unwrap();
    match role {
        Role::We => {
            let connection = Connection::outbound(&key, ldk.id, random(), &config(), now()).unwrap();
            (connection, TcpStream::connect(ldk.address).unwrap())
        }
        Role::Ldk => {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let stream = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let manager = Arc::clone(&ldk.manager);
            let stream = stream.into_std().unwrap();
            tokio::spawn(lightning_net_tokio::setup_outbound(manager, key.public_key(), stream));
            let connection = Connection::inbound(&key, random(), &config(), now()).unwrap();
            (connection, tokio::task::block_in_place(|| listener.accept().unwrap().0))
        }
    }
}

/// Carries a connection until LDK has said `init` and heard ours, or says how it ended for us.
async fn carried(ldk: &Ldk, role: Role, way: Way) -> Result<(), ConnectionError> {
    let (mut connection, mut stream) = new_connection(ldk, role).await;
    tokio::task::block_in_place(|| {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let (mut sent, mut got) = (0, 0);
        let change = |bytes: &mut [u8], before: usize, at: Option<usize>| {
            if let Some(byte) = at.and_then(|at| at.checked_sub(before)).and_then(|at| bytes.get_mut(at)) {
                *byte ^= 0x55;
            }
        };
        let mut is_connected = false;
        loop {
            while !connection.transmit().is_empty() {
                let waiting = connection.transmit();
                let left = way.cut.map_or(usize::MAX, |cut| cut - sent);
                let mut bytes = waiting[..waiting.len().min(way.piece).min(left)].to_vec();
                change(&mut bytes, sent, way.to);
                sent += bytes.len();
                connection.transmitted(bytes.len());
                if stream.write_all(&bytes).is_err() || way.cut == Some(sent) {
                    let _ = stream.shutdown(Shutdown::Both);
                    return Err(connection.disconnected());
                }
            }
            if is_connected && way.to.is_none() {
                return Ok(());
            }
            let mut buffer = [0; 1_000];
            let Ok(count @ 1..) = stream.read(&mut buffer[..way.piece]) else { return Err(connection.disconnected()) };
            change(&mut buffer[..count], got, way.from);
            got += count;
            let mut bytes = &buffer[..count];
            loop {
                match connection.receive(&mut bytes, now()) {
                    Ok(Some(event)) => is_connected |= matches!(event, Event::Connected(_)),
                    Ok(None) => break,
                    Err(error) => {
                        let _ = stream.shutdown(Shutdown::Both);
                        return Err(error);
                    }
                }
            }
        }
    })
}

/// Both sides send and receive in pieces of every size that makes a difference, whoever connects.
#[tokio::test(flavor = "multi_thread")]
async fn pieces_of_every_size_do_for_both_roles() {
    let ldk = Ldk::start(&[39]).await;
    for role in [Role::We, Role::Ldk] {
        for piece in (1..=70).chain([117, 1_000]) {
            assert_eq!(carried(&ldk, role, Way { piece, ..CLEAR }).await, Ok(()), "{role:?} {piece}");
        }
    }
}

/// Each byte of the handshake and of the first frame, changed on its way to LDK, then from LDK; whoever connects.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_byte_ends_the_connection_on_both_sides() {
    let ldk = Ldk::start(&[39]).await;
    // Acts one and three, and the head of `init`; act two, and the head of LDK's.
    for at in 0..50 + 66 + 18 {
        let end = carried(&ldk, Role::We, Way { to: Some(at), ..CLEAR }).await.unwrap_err();
        let expected = ConnectionError::Refused { expected: ldk.id };
        match at {
            0..50 => assert_eq!(end, expected, "byte {at}"),
            // Act three is not answered; `init` of LDK is there before it sees that ours is wrong, or not.
            _ => assert!(
                matches!(end, ConnectionError::ClosedByPeer { .. } | ConnectionError::ClosedBeforeInit { .. }),
                "{end:?} after byte {at}"
            ),
        }
    }
    for at in 0..50 + 18 {
        let end = carried(&ldk, Role::We, Way { from: Some(at), ..CLEAR }).await.unwrap_err();
        let is_noticed = match at {
            0 => matches!(end, ConnectionError::NotLightning { .. }),
            1..34 => matches!(end, ConnectionError::InvalidKey | ConnectionError::WrongNodeId { .. }),
            34..50 => matches!(end, ConnectionError::WrongNodeId { .. }),
            _ => end == ConnectionError::NotAuthentic,
        };
        assert!(is_noticed, "{end:?} after byte {at}");
    }
    // Act two, and the head of our `init`; acts one and three, and the head of LDK's.
    for at in 0..50 + 18 {
        let end = carried(&ldk, Role::Ldk, Way { to: Some(at), ..CLEAR }).await.unwrap_err();
        let is_ended = match at {
            0..50 => matches!(end, ConnectionError::HandshakeInterrupted),
            _ => matches!(end, ConnectionError::ClosedByPeer { .. } | ConnectionError::ClosedBeforeInit { .. }),
        };
        assert!(is_ended, "{end:?} after byte {at}");
    }
    for at in 0..50 + 66 + 18 {
        let end = carried(&ldk, Role::Ldk, Way { from: Some(at), ..CLEAR }).await.unwrap_err();
        let is_noticed = match at {
            0 | 50 | 51 => matches!(end, ConnectionError::NotLightning { .. } | ConnectionError::NotAuthentic),
            1..34 => matches!(end, ConnectionError::InvalidKey | ConnectionError::NotForUs),
            34..50 => end == ConnectionError::NotForUs,
            _ => end == ConnectionError::NotAuthentic,
        };
        assert!(is_noticed, "{end:?} after byte {at}");
    }
    assert!(ldk.ears.heard.lock().unwrap().is_empty());
}

/// Cut after any byte, the connection is over for both, and the next is none the worse.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_can_be_cut_anywhere() {
    let ldk = Ldk::start(&[39]).await;
    for (role, len) in [(Role::We, 50 + 66 + 18), (Role::Ldk, 50 + 18)] {
        for cut in 1..len {
            assert!(carried(&ldk, role, Way { cut: Some(cut), ..CLEAR }).await.is_err(), "{role:?} {cut}");
        }
        carried(&ldk, role, CLEAR).await.unwrap();
    }
    eventually("the end of all", || ldk.manager.list_peers().is_empty().then_some(())).await;
}
