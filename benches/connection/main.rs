//! A connection to a peer, compared with the `PeerManager` of the `lightning` crate and with its floor. Both ends of a
//! connection are of the same crate, and there is no socket between them.
//!
//! ```text
//! cargo bench -p bolt12-benches --bench connection              everything
//! cargo bench -p bolt12-benches --bench connection -- --quick   rough figures, in seconds
//! ```
//!
//! The last table says what strangers cost at most who send what they can: the limits of `peers`.
//!
//! The **floor** of a handshake is what both sides must compute on the curve: their ephemeral keys, six shared points,
//! and the decompression of three keys.

#[path = "../common/allocations.rs"]
mod allocations;
#[path = "../common/measure.rs"]
mod measure;
mod strangers;
#[path = "../common/table.rs"]
mod table;
mod theirs;

use std::cell::RefCell;

use bolt12::bitcoin::Network;
use bolt12::onion::{Contents, OnionMessage, OnionMessageBuilder};
use bolt12::peer::{Config, Connection, Event};
use bolt12::secp256k1::ecdh::SharedSecret;
use bolt12::secp256k1::{All, Keypair, PublicKey, Secp256k1, SecretKey};
use bolt12::{ChainHash, UnixTime};

use measure::{Effort, Side};
use table::Comparison;
use theirs::Theirs;

const NOW: UnixTime = UnixTime(1_800_000_000);

/// Lets one read what the other sends.
fn carry(from: &mut Connection, to: &mut Connection) -> Option<Event> {
    let mut last = None;
    let mut bytes = from.transmit();
    while let Some(event) = to.receive(&mut bytes, NOW).expect("an honest peer") {
        last = Some(event);
    }
    from.transmitted(usize::MAX);
    last
}

fn ours(keys: &[Keypair; 2], config: &Config) -> [Connection; 2] {
    let [one, other] = keys;
    let mut one = Connection::outbound(one, other.public_key(), [3; 32], config, NOW).expect("a key");
    let mut other = Connection::inbound(other, [4; 32], config, NOW).expect("a key");
    carry(&mut one, &mut other);
    carry(&mut other, &mut one);
    carry(&mut one, &mut other);
    carry(&mut other, &mut one);
    assert!(one.is_connected() && other.is_connected());
    [one, other]
}

/// What a handshake must compute on the curve.
fn floor(context: &Secp256k1<All>, secret: &SecretKey, point: &[u8; 33]) {
    let mut keys = Vec::new();
    for _ in 0..3 {
        keys.push(PublicKey::from_slice(point).expect("a point"));
    }
    for _ in 0..2 {
        keys.push(secret.public_key(context));
    }
    for key in keys.iter().cycle().take(6) {
        std::hint::black_box(SharedSecret::new(key, secret));
    }
}

fn main() {
    let (effort, wanted) = Effort::asked_for();
    let context = Secp256k1::new();
    let keys = [1, 2].map(|byte| Keypair::from_seckey_slice(&context, &[byte; 32]).expect("a key"));
    let config = Config::new(ChainHash::using_genesis_block_const(Network::Bitcoin));
    let (secret, point) = (keys[0].secret_key(), keys[1].public_key().serialize());
    let theirs = Theirs::new();

    let message = |len| -> OnionMessage {
        let contents = vec![7; len];
        let message = OnionMessageBuilder::to_node(keys[1].public_key(), Contents::InvoiceRequest(&contents));
        message.build([5; 32]).expect("a message").message
    };
    let pair = RefCell::new(ours(&keys, &config));
    let sends = |name: &str, message: OnionMessage| {
        let theirs = Theirs::new();
        let connected = theirs.connect();
        let len = message.as_bytes().len();
        let their_message = theirs::read(&message);
        let pair = &pair;
        Comparison {
            name: format!("{name} of {len} bytes, sent and received"),
            ours: Side::new(
                || (),
                move |()| {
                    let [one, other] = &mut *pair.borrow_mut();
                    one.send(&message).expect("connected");
                    carry(one, other)
                },
            ),
            lightning: Some(Side::new(|| (), move |()| theirs.carry(&connected, their_message.clone()))),
            floor: None,
        }
    };
    let comparisons = [
        Comparison {
            name: "handshake and init, both sides".into(),
            ours: Side::new(|| (), |()| ours(&keys, &config)),
            lightning: Some(Side::new(
                || (),
                |()| {
                    let connected = theirs.connect();
                    theirs.disconnect(&connected);
                },
            )),
            floor: Some(Side::new(|| (), |()| floor(&context, &secret, &point)).into()),
        },
        sends("onion message", message(100)),
        sends("onion message", message(30_000)),
    ];
    let point = Side::new(|| (), |()| PublicKey::from_slice(&point).expect("a point"));
    table::print_head();
    for comparison in comparisons {
        if wanted(&comparison.name) {
            comparison.print(&comparison.measure(&point, effort));
        }
    }
    if wanted("strangers") {
        strangers::print(effort);
    }
}
