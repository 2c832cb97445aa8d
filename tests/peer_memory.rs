//! What a connection takes of the heap, whatever the peer does, and what it leaves there.
#![cfg(feature = "peer")]
#![allow(unsafe_code, reason = "an allocator that looks at what is freed")]

#[path = "common/peers.rs"]
mod peers;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};

use bolt12::exchange::Messenger;
use bolt12::peer::Event;
use bolt12::secp256k1::{Keypair, Secp256k1};
use peers::{NOW, inbound, message, outbound, pair, received, sent, talk};

/// Counts, for each thread by itself, and looks for secrets in what is freed.
struct Watching;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
    static SECRETS: RefCell<[[u8; 32]; 6]> = const { RefCell::new([[0; 32]; 6]) };
    static LEFT: Cell<usize> = const { Cell::new(0) };
}

fn hold(bytes: isize) {
    HELD.set(HELD.get() + bytes);
    MOST.set(MOST.get().max(HELD.get()));
}

/// Looks at a block that is about to be freed.
fn look(block: &[u8]) {
    if block.len() >= 32 {
        SECRETS.with_borrow(|secrets| {
            let left = block.windows(32).filter(|part| part[0] != 0 && secrets.iter().any(|secret| secret == part));
            LEFT.set(LEFT.get() + left.count());
        });
    }
}

// SAFETY: all is done by the system's allocator.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.set(LARGEST.get().max(layout.size()));
        hold(layout.size() as isize);
        // Zeroed, so that all of a block can be looked at.
        // SAFETY: as promised to this function.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        hold(-(layout.size() as isize));
        // SAFETY: the block is of that size, and was zeroed or written.
        look(unsafe { std::slice::from_raw_parts(at, layout.size()) });
        // SAFETY: as promised to this function.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

const FRAME: usize = 2 + 16 + 65_535 + 16;
/// The message that is awaited, without its length.
const BODY: usize = 65_535 + 16;

/// A message that is passed over, and as long as there are.
fn longest() -> Vec<u8> {
    [&[0x80, 1][..], &[1; 65_533]].concat()
}

/// The most bytes that were held at once during a call beyond those before it, and the largest block.
fn watched<T>(run: impl FnOnce() -> T) -> (T, usize, usize) {
    LARGEST.set(0);
    MOST.set(HELD.get());
    let before = HELD.get();
    let result = run();
    (result, (MOST.get() - before).unsigned_abs(), LARGEST.get())
}

#[test]
fn nothing_larger_than_the_longest_message_is_allocated_for_what_arrives() {
    let (mut one, mut other) = pair();
    for piece in [1_000, 1_448, 4_096, FRAME] {
        one.send_raw(&longest()).unwrap();
        let bytes = sent(&mut one);
        let (_, most, largest) = watched(|| {
            for mut piece in bytes.chunks(piece) {
                assert_eq!(other.receive(&mut piece, NOW), Ok(None));
            }
        });
        assert!(largest <= BODY, "{largest}");
        // For a moment, a buffer that grows and what it grows into.
        assert!(most <= 2 * BODY, "{most}");
    }
}

/// A length is a promise: what it costs is paid when the bytes come.
#[test]
fn an_announced_message_takes_no_memory() {
    for arrived in [18, 19, 100, 1_000, 10_000] {
        let (mut one, mut other) = pair();
        one.send_raw(&longest()).unwrap();
        let bytes = sent(&mut one);
        let (_, most, _) = watched(|| received(&mut other, &bytes[..arrived], 100).1.unwrap());
        assert!(most <= 3 * arrived + 100, "{most} bytes for {arrived}");
    }
}

#[test]
fn an_idle_connection_is_small() {
    // The first connection of all pays for what the curve's library keeps for the whole process.
    drop(pair());
    let before = HELD.get();
    let (mut one, mut other) = pair();
    for len in [10, 30_000] {
        one.send(&message(len)).unwrap();
        one.send_raw(&longest()).unwrap();
        drop(talk(&mut one, &mut other, 1_448));
    }
    let held = HELD.get() - before;
    // Keys, features and chain of both, and buffers of at most 4 KiB each for what comes and goes.
    assert!(held < 2 * (2 * 4_096 + 1_000), "{held}");
    drop((one, other));
    assert_eq!(HELD.get(), before);
}

#[test]
fn what_waits_to_be_sent_is_bounded() {
    let (mut one, mut other) = pair();
    let (_, most, largest) = watched(|| {
        // The most that can be asked for by whoever reads nothing.
        while other.send_raw(&[0, 18, 255, 251, 0, 0]).is_ok() {
            let mut ping = other.transmit();
            if one.receive(&mut ping, NOW).is_err() {
                break;
            }
            let len = other.transmit().len();
            other.transmitted(len);
        }
    });
    assert!(one.transmit().len() > 2 * FRAME);
    assert!(largest <= 3 * FRAME && most <= 3 * FRAME + 2 * FRAME, "{most} bytes, {largest} in one block");
}

/// An onion message is handed over in the buffer in which it arrived.
#[test]
fn an_onion_message_is_not_copied() {
    let (mut one, mut other) = pair();
    let large = message(20_000);
    one.send(&large).unwrap();
    let bytes = sent(&mut one);
    let (events, most, _) = watched(|| received(&mut other, &bytes, usize::MAX).0);
    assert_eq!(events, [Event::OnionMessage(large.clone())]);
    assert!(most < large.as_bytes().len() + 1_000, "{most}");
}

/// Static keys, ephemeral keys and those of the connection are in nothing that is freed: not after a handshake that
/// went well, nor after one that did not, nor where a connection is moved or dropped.
#[test]
fn no_secret_is_left_on_the_heap() {
    let keys = include_str!("data/transport.tsv").lines().find_map(|line| line.strip_prefix("keys\t")).unwrap();
    let mut secrets = [[0; 32]; 6];
    for (slot, byte) in secrets.iter_mut().zip([0x11, 0x12, 0x21, 0x22]) {
        *slot = [byte; 32];
    }
    for (slot, key) in secrets[4..].iter_mut().zip(keys.split('\t')) {
        hex::decode_to_slice(key, slot).unwrap();
    }
    SECRETS.set(secrets);
    // It can fail.
    drop(vec![0x11u8; 40]);
    assert_eq!(LEFT.replace(0), 9);

    for stage in 0..4 {
        let (mut one, mut other) = (Box::new(outbound()), Box::new(inbound()));
        for _ in 0..stage {
            let bytes = sent(&mut one);
            received(&mut other, &bytes, usize::MAX).1.unwrap();
            let bytes = sent(&mut other);
            received(&mut one, &bytes, usize::MAX).1.unwrap();
        }
        // Moved elsewhere, then ended in one way or the other.
        let mut moved = vec![*one, *other];
        moved.reserve(10);
        if stage % 2 == 1 {
            moved[0].disconnected();
            let _ = moved[1].poll(bolt12::UnixTime(u64::MAX));
        }
        drop(moved);
        assert_eq!(LEFT.get(), 0, "stage {stage}");
    }
}

/// Nor is the key of a node in what is freed once nobody sends its messages any more.
#[test]
fn no_key_of_a_messenger_is_left_on_the_heap() {
    let key = [0x31; 32];
    SECRETS.set([key; 6]);
    let node = Keypair::from_seckey_slice(&Secp256k1::new(), &key).unwrap();
    let messenger = Box::new(Messenger::new(node));
    drop((messenger.clone(), messenger));
    assert_eq!(LEFT.get(), 0);
    // It can fail.
    drop(Box::new(node));
    assert_ne!(LEFT.get(), 0);
}
