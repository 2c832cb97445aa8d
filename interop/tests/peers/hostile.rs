//! What strangers can do to `serve_offers`: it goes on answering others.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bolt12::bitcoin::Network;
use bolt12::exchange::Action;
use bolt12::peer::{Config, Connection, Event};
use bolt12::secp256k1::{Keypair, Secp256k1};
use bolt12::{ChainHash, Msat, UnixTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::blocking::Peer;
use crate::cln::random;
use crate::node::{Node, Reach, eventually, now};
use crate::{Shop, shop, wallet};

/// A connection from another address than everybody else's.
async fn stranger(to: SocketAddr) -> TcpStream {
    from(2, to).await
}

/// A connection from an address of its own for each number.
async fn from(number: u16, to: SocketAddr) -> TcpStream {
    let [high, low] = number.to_be_bytes();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((IpAddr::V4(Ipv4Addr::new(127, 0, high, low)), 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

/// A connection that has shaken hands, under a node id of its own.
async fn shaken(stream: TcpStream, open: &Shop) -> Peer {
    let (stream, id) = (stream.into_std().unwrap(), open.node_id);
    stream.set_nonblocking(false).unwrap();
    let shake = move || {
        let key = Keypair::from_seckey_slice(&Secp256k1::new(), &random()).unwrap();
        let config = Config::new(ChainHash::using_genesis_block_const(Network::Bitcoin));
        let connection = Connection::outbound(&key, id, random(), &config, UnixTime(now().as_secs())).unwrap();
        let mut peer = Peer::new(connection, stream).unwrap();
        assert!(matches!(peer.next(Duration::from_secs(20)), Ok(Event::Connected(_))));
        peer
    };
    tokio::task::spawn_blocking(shake).await.unwrap()
}

/// One at a time, as a process may have only so many files.
static CROWD: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// How many connections a shop has at most.
const PLACES: usize = 256;

/// Whether the other side has ended the connection.
async fn is_closed(stream: &mut TcpStream, within: Duration) -> bool {
    let mut bytes = [0; 64];
    let end = Instant::now() + within;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        match tokio::time::timeout(left, stream.read(&mut bytes)).await {
            Err(_) => return false,
            Ok(Ok(0) | Err(_)) => return true,
            Ok(Ok(_)) => {}
        }
    }
    false
}

async fn still_answers(open: &Shop) {
    let invoice = wallet(&[&open.offer.to_string(), "--peer", &open.peer()]).await.unwrap();
    assert_eq!(invoice.amount(), Msat(25_000));
}

/// Bytes that are no handshake, in all sizes.
#[tokio::test]
async fn garbage_ends_the_connection() {
    let open = shop(&["--price", "25sat"]).await;
    for (number, len) in [1usize, 49, 50, 51, 100, 65_535, 1_000_000].into_iter().enumerate() {
        let mut stream = stranger(open.address).await;
        // Version 0 of a handshake, and something else.
        let bytes: Vec<u8> = (0..len).map(|at| if at == 0 { number as u8 % 2 } else { (at * 7 % 251) as u8 }).collect();
        let _ = stream.write_all(&bytes).await;
        // Fewer bytes than the first act has are waited for, if it may be one.
        let is_bad = len >= 50 || bytes[0] != 0;
        let within = Duration::from_millis(if is_bad { 10_000 } else { 200 });
        assert_eq!(is_closed(&mut stream, within).await, is_bad, "{len}");
    }
    still_answers(&open).await;
}

/// Who wants all connections there are only pushes out itself, and not even others who have the same address.
#[tokio::test]
async fn one_address_cannot_take_all_connections() {
    let _one = CROWD.lock().await;
    let open = shop(&["--price", "25sat"]).await;
    for number in [1, 2] {
        let mut streams = Vec::new();
        for _ in 0..PLACES + 20 {
            streams.push(from(number, open.address).await.into_std().unwrap());
        }
        still_answers(&open).await;
        let is_open = |stream: &std::net::TcpStream| {
            stream.peek(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
        };
        let left = streams.iter().filter(|stream| is_open(stream)).count();
        assert!(left < PLACES, "{left}");
    }
}

/// EXC-20: all places taken from many addresses, by some who say nothing at all, then by some who shake hands.
#[tokio::test]
async fn silent_connections_lock_nobody_out() {
    let _one = CROWD.lock().await;
    let open = shop(&["--price", "25sat"]).await;
    let (mut raw, mut known) = (Vec::new(), Vec::new());
    for number in 0..PLACES as u16 {
        raw.push(from(2 + number % 16, open.address).await);
    }
    still_answers(&open).await;
    drop(raw);
    for number in 0..PLACES as u16 {
        known.push(shaken(from(2 + number % 16, open.address).await, &open).await);
    }
    still_answers(&open).await;
}

/// EXC-20: the peer with the channel stays, however long it says nothing, and however many come from elsewhere.
#[tokio::test]
async fn a_named_peer_keeps_its_connection() {
    let _one = CROWD.lock().await;
    let node = Node::start(102, Reach::Announced).await;
    let (secret, id) = ("07".repeat(32), node.id.to_string());
    let open = shop(&["--price", "25sat", "--secret", &secret, "--channel", "1x2x3", "--through", &id]).await;
    node.connect(open.node_id, open.address).await;
    let mut streams = Vec::new();
    for number in 2..PLACES as u16 + 20 {
        streams.push(from(number, open.address).await);
    }
    still_answers(&open).await;
    assert!(node.peers.peer_by_node_id(&open.node_id).is_some());
}

/// A peer that sends more requests than anybody could want is heard now and then, and the others as always.
#[tokio::test]
async fn a_flood_of_requests_is_not_heard() {
    let open = shop(&["--price", "25sat"]).await;
    let node = Node::start(100, Reach::Announced).await;
    node.connect(open.node_id, open.address).await;
    let began = Instant::now();
    let payer = bolt12::exchange::Payer::new([9; 32]);
    let now = UnixTime(now().as_secs());
    let draft = payer.draft(&open.offer, now, &[ChainHash::BITCOIN]).unwrap();
    let mut payment = draft.start([1; 32], now, UnixTime(now.0 + 60)).unwrap();
    let Action::Send(outgoing) = payment.poll(now).unwrap() else { panic!() };
    let (message, instructions) = bolt12::lightning::instructions(&outgoing).unwrap();
    let mut sent = 0;
    while sent < 400 {
        match node.messenger.send_onion_message(message.clone(), instructions.clone()) {
            Ok(_) => sent += 1,
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    still_answers(&open).await;
    let answered = || open.lines.lock().unwrap().iter().filter(|line| line.contains("answered")).count();
    eventually("some answers", || (answered() >= 20).then_some(())).await;
    // A budget of fifty at once and ten in a second, and one for the wallet.
    let most = 50 + 10 * (began.elapsed().as_secs_f32() + 1.0) as usize + 3 + 1;
    assert!(answered() <= most, "{} answers, {most} at most", answered());
}

/// Whoever closes the shop ends all connections.
#[tokio::test]
async fn closing_ends_all_connections() {
    let open = shop(&["--price", "25sat"]).await;
    let node = Node::start(101, Reach::Announced).await;
    node.connect(open.node_id, open.address).await;
    open.close();
    eventually("the end", || node.peers.list_peers().is_empty().then_some(())).await;
    let failure = wallet(&[&open.offer.to_string(), "--peer", &open.peer()]).await.unwrap_err();
    assert_eq!(failure.code(), "cannot_connect");
}
