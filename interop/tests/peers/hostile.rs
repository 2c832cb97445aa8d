//! What strangers can do to `serve_offers`: it goes on answering others.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bolt12::exchange::Action;
use bolt12::{ChainHash, Msat, UnixTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::node::{Node, Reach, eventually, now};
use crate::{Shop, shop, wallet};

/// A connection from another address than everybody else's.
async fn stranger(to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    socket.connect(to).await.unwrap()
}

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

/// Somebody who takes every connection there is gets only a few of them.
#[tokio::test]
async fn one_address_cannot_take_all_connections() {
    let open = shop(&["--price", "25sat"]).await;
    let mut streams = Vec::new();
    for _ in 0..300 {
        streams.push(stranger(open.address).await);
    }
    still_answers(&open).await;
    let mut kept = 0;
    for stream in &mut streams {
        kept += u32::from(!is_closed(stream, Duration::from_millis(20)).await);
    }
    assert_eq!(kept, 16);
    // And once those are gone, others from there are let in.
    drop(streams);
    let mut again = stranger(open.address).await;
    for _ in 0..100 {
        if !is_closed(&mut again, Duration::from_millis(50)).await {
            return;
        }
        again = stranger(open.address).await;
    }
    panic!("nobody is let in again");
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
