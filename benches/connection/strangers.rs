//! What strangers cost a node, at most: they send what they can, for some seconds of a clock that is put forward.

use std::fs;
use std::time::{Duration, Instant};

use bolt12::onion::{BlindedPathBuilder, Contents, OnionMessage, OnionMessageBuilder};
use bolt12::peers::{Limits, NoChannels, Peers};
use bolt12::secp256k1::{Keypair, PublicKey, Secp256k1};

use crate::measure::Effort;

fn key(number: u16) -> Keypair {
    let mut secret = [0x21; 32];
    secret[..2].copy_from_slice(&number.to_be_bytes());
    Keypair::from_seckey_slice(&Secp256k1::new(), &secret).expect("a key")
}

/// Messages that differ in a byte that nobody reads before the MAC is checked.
fn variants(message: &OnionMessage) -> impl FnMut() -> OnionMessage {
    let (mut bytes, mut number) = (message.as_bytes().to_vec(), 0u32);
    move || {
        number += 1;
        bytes[100..104].copy_from_slice(&number.to_be_bytes());
        OnionMessage::read(bytes.clone()).expect("a message")
    }
}

/// What this thread has computed so far, where the system says so: other programs do not count.
fn computed(since: Instant) -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = stat.and_then(|stat| stat.split_whitespace().next()?.parse().ok());
    nanos.map_or_else(|| since.elapsed(), Duration::from_nanos)
}

struct Cost {
    /// The time of the attack.
    seconds: u32,
    sent: u32,
    opened: u64,
    time: Duration,
}

/// So many strangers, each with so many messages in every tenth of a second.
fn flood(seconds: u32, strangers: u16, each: u32, comes_anew: bool, mut message: impl FnMut() -> OnionMessage) -> Cost {
    let mut peers = Peers::new(key(0), Limits::default());
    let ids: Vec<PublicKey> = (1..=strangers).map(|number| key(number).public_key()).collect();
    let mut now = Duration::from_secs(1_000);
    ids.iter().for_each(|id| peers.connected(*id, true, true, now));
    if !comes_anew {
        now += Duration::from_secs(60);
    }
    let (mut sent, mut time, since) = (0, Duration::ZERO, Instant::now());
    for _ in 0..seconds * 10 {
        let messages: Vec<_> = (0..strangers as u32 * each).map(|_| message()).collect();
        sent += messages.len() as u32;
        let start = computed(since);
        for (message, id) in messages.into_iter().zip(ids.iter().cycle()) {
            if comes_anew {
                peers.connected(*id, true, true, now);
            }
            peers.receive(id, message, now);
        }
        while peers.next(now, &NoChannels).is_some() {}
        time += computed(since).saturating_sub(start);
        now += Duration::from_millis(100);
    }
    let counts = peers.counts();
    Cost { seconds, sent, opened: counts.heard + counts.not_for_us + counts.unusable + counts.not_passed_on, time }
}

pub(crate) fn print(effort: Effort) {
    let seconds = effort.times(1, 5) as u32;
    println!("\n| strangers, for {seconds} s | messages | opened | ms of CPU in a second | µs a message |");
    println!("| --- | --: | --: | --: | --: |");
    let own = key(0).public_key();
    let request = || OnionMessageBuilder::to_node(own, Contents::InvoiceRequest(&[7; 300]));
    let good = request().build([3; 32]).expect("a message").message;
    // Ten hops more that all are the node's own, as anybody can make them.
    let path = (0..10).fold(BlindedPathBuilder::new(key(9_999).public_key()), |path, _| path.through(own));
    let path = path.build([4; 32]).expect("a path");
    let dummies = OnionMessageBuilder::over(&path, Contents::InvoiceRequest(&[7; 300]));
    let dummies = dummies.build([5; 32]).expect("a message").message;
    let mut session = 0u64;
    let many = || {
        session += 1;
        let mut random = [9; 32];
        random[..8].copy_from_slice(&session.to_be_bytes());
        OnionMessageBuilder::over(&path, Contents::InvoiceRequest(&[7; 300])).build(random).expect("a message").message
    };
    row("36 send what nobody can open", flood(seconds, 36, 50, false, variants(&good)));
    row("36 come anew for every message", flood(seconds, 36, 50, true, variants(&good)));
    row("36 send eleven layers in each", flood(seconds, 36, 5, false, many));
    row("36 repeat one of eleven layers", flood(seconds, 36, 50, false, || dummies.clone()));
    row("1,000, more than are heard", flood(seconds, 1_000, 1, false, variants(&good)));
    row("1,000, all at once", flood(seconds, 1_000, 10, false, variants(&good)));
    row("1 sends ten in a second", flood(seconds, 1, 1, false, variants(&good)));
}

fn row(name: &str, cost: Cost) {
    let millis = cost.time.as_secs_f64() * 1e3 / f64::from(cost.seconds);
    let each = cost.time.as_secs_f64() * 1e6 / f64::from(cost.sent);
    println!("| {name} | {} | {} | {millis:.1} | {each:.2} |", cost.sent, cost.opened);
}
