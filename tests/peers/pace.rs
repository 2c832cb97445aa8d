//! Somebody else sends over the same connections: what a peer takes is shared with them. And what of it a log shows.

use std::time::Duration;

use bolt12::exchange::{Action, Payer};
use bolt12::onion::OnionMessage;
use bolt12::peers::{Limits, NoChannels, Peers};
use bolt12::secp256k1::{Keypair, PublicKey, Secp256k1};
use bolt12::{HumanReadableName, UnixTime};

const NOW: Duration = Duration::from_secs(7);
/// In which a peer takes one message more.
const STEP: Duration = Duration::from_millis(300);

fn key(byte: u8) -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &[byte; 32]).unwrap()
}

/// We, and a peer that takes onion messages.
fn connected() -> (Peers, PublicKey) {
    let (mut peers, peer) = (Peers::new(key(1), Limits::default()), key(2).public_key());
    peers.connected(peer, false, true, NOW);
    (peers, peer)
}

/// A query of ours for the peer.
fn send(peers: &mut Peers, peer: PublicKey) {
    let name = HumanReadableName::parse("alice@example.com").unwrap();
    let until = UnixTime(60);
    let mut lookup = Payer::new([5; 32]).look_up(&name, &[peer], [6; 32], UnixTime(1), until).unwrap();
    let Action::Send(query) = lookup.poll(UnixTime(1)) else { panic!() };
    assert_eq!(peers.send_dns(&query, [7; 32], NOW, &NoChannels), Ok(peer));
}

fn reserved(peers: &mut Peers, peer: &PublicKey, now: Duration) -> usize {
    (0..100).take_while(|_| peers.reserve(peer, now)).count()
}

// EXC-20: what others send counts; what they did not send after all is given back.
#[test]
fn what_others_send_counts() {
    let (mut peers, peer) = connected();
    let all = reserved(&mut peers, &peer, NOW);
    assert!((1..100).contains(&all), "{all}");
    send(&mut peers, peer);
    assert!(peers.next_to_send(&peer, NOW).is_none());
    peers.not_used(&peer);
    assert!(peers.next_to_send(&peer, NOW).is_some());
    assert!(!peers.reserve(&peer, NOW));
    assert_eq!(reserved(&mut peers, &peer, NOW + STEP), 1);
}

// Ours go first.
#[test]
fn nobody_overtakes_what_waits() {
    let (mut peers, peer) = connected();
    send(&mut peers, peer);
    assert!(!peers.reserve(&peer, NOW));
    assert!(peers.next_to_send(&peer, NOW).is_some());
    assert!(peers.reserve(&peer, NOW));
}

/// Who is not ours to pace is not paced.
#[test]
fn strangers_to_us_are_not_our_business() {
    let (mut peers, _) = connected();
    assert_eq!(reserved(&mut peers, &key(3).public_key(), NOW), 100);
    peers.not_used(&key(3).public_key());
    let unable = key(4).public_key();
    peers.connected(unable, false, false, NOW);
    assert_eq!(reserved(&mut peers, &unable, NOW), 100);
}

/// Whom we know, and how many; and of a message what everybody sees who passes it on.
#[test]
fn a_log_shows_who_it_is() {
    let (mut peers, peer) = connected();
    let shown = format!("{peers:?}");
    assert!(shown.contains(&key(1).public_key().to_string()) && shown.contains("peers: 1"), "{shown}");
    send(&mut peers, peer);
    let message: OnionMessage = peers.next_to_send(&peer, NOW).unwrap();
    assert_eq!(message.as_ref(), message.as_bytes());
    let shown = format!("{message:?}");
    let packet: String = message.packet().iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(shown.contains(&packet) && shown.contains(&message.path_key().to_string()), "{shown}");
}

/// Keys are written as people know them, not as the curve library keeps them.
#[test]
fn a_log_shows_keys_as_they_are_written() {
    let node = key(1).public_key();
    for shown in [
        format!("{:?}", bolt12::exchange::Messenger::new(key(1))),
        format!("{:?}", bolt12::onion::PathHop::new(node)),
        format!("{:?}", Peers::new(key(1), Limits::default())),
    ] {
        assert!(shown.contains(&node.to_string()), "{shown}");
    }
}
