//! What a peer can make [`OnionPeers`] keep and compute is limited, whatever it sends.

#[path = "../../tests/common/messages.rs"]
mod messages;
#[path = "../../tests/common/naive.rs"]
mod naive;

use std::cell::Cell;

use bolt12::exchange::{
    Action, Activity, Destination, EndReason, Event, ManagerLimits, Messenger, OffersManager, OffersMessage,
    OutgoingMessage, PathId, Payee, Payer, ReceivedRequest, Route, Save,
};
use bolt12::lightning::{Application, Desk, Limits, OnionPeers, SendError, ldk};
use bolt12::onion::OnionMessage;
use bolt12::secp256k1::{Keypair, PublicKey};
use bolt12::{ChainHash, ErrorKind, InvoiceError, Msat, OfferBuilder, UnixTime};
use ldk::ln::msgs::{self, BaseMessageHandler, Init, OnionMessageHandler};
use ldk::ln::peer_handler::IgnoringMessageHandler;
use ldk::sign::EntropySource;
use ldk::types::features::InitFeatures;
use ldk::util::ser::LengthReadable;

use messages::{NOW, key};

/// Counts requests, and answers each with an error.
#[derive(Default)]
struct Counter {
    requests: Cell<u32>,
    ended: Cell<u32>,
}

impl Application for Counter {
    fn now(&self) -> UnixTime {
        NOW
    }

    fn invoice_request(&self, request: ReceivedRequest, _: Option<&Keypair>) -> Option<OutgoingMessage> {
        self.requests.set(self.requests.get() + 1);
        request.refuse(InvoiceError::new("out of tea").unwrap())
    }

    fn save(&self, _: &Save) -> bool {
        true
    }

    fn event(&self, event: Event) {
        assert!(matches!(event, Event::Ended(_)), "{event:?}");
        self.ended.set(self.ended.get() + 1);
    }
}

/// Not random, but never the same twice.
#[derive(Default)]
struct Numbers(Cell<u64>);

impl EntropySource for Numbers {
    fn get_secure_random_bytes(&self) -> [u8; 32] {
        self.0.set(self.0.get() + 1);
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&self.0.get().to_be_bytes());
        bytes
    }
}

type Peers<'a> = OnionPeers<&'a Desk<Counter>, &'a Numbers, IgnoringMessageHandler>;

fn desk() -> Desk<Counter> {
    let (payer, payee) = (Payer::new([2; 32]), Payee::new([1; 32]));
    Desk::new(Counter::default(), OffersManager::new(payer, payee, ManagerLimits::default()))
}

fn node() -> Keypair {
    key(0x70)
}

fn peers<'a>(desk: &'a Desk<Counter>, numbers: &'a Numbers, limits: Limits) -> Peers<'a> {
    OnionPeers::new(node(), desk, numbers, IgnoringMessageHandler {}, limits)
}

fn hello(knows_onion_messages: bool) -> Init {
    let mut features = InitFeatures::empty();
    if knows_onion_messages {
        features.set_onion_messages_optional();
    }
    Init { features, networks: None, remote_network_address: None }
}

fn peer(number: u8) -> PublicKey {
    key(number).public_key()
}

fn theirs(message: &OnionMessage) -> msgs::OnionMessage {
    msgs::OnionMessage::read_from_fixed_length_buffer(&mut message.payload()).unwrap()
}

/// A request for an offer of the desk, as a peer sends it.
fn request(desk: &Desk<Counter>, from: u8) -> msgs::OnionMessage {
    let offer = OfferBuilder::new(node().public_key()).description("tea").amount_msat(Msat(9_000));
    let offer = desk.payee().new_offer([3; 16]).build(offer).unwrap();
    let payer = Payer::new([from; 32]);
    let draft = payer.draft(&offer, NOW, &[ChainHash::BITCOIN]).unwrap();
    let mut payment = draft.start([4; 32], NOW, UnixTime(NOW.0 + 60)).unwrap();
    let Action::Send(outgoing) = payment.poll(NOW).unwrap() else { panic!() };
    theirs(&Messenger::new(key(from)).send(&outgoing, &Route::default(), [5; 32]).unwrap().message)
}

/// An answer to a peer.
fn answer(to: u8, len: usize) -> OutgoingMessage {
    let path = Messenger::new(key(to)).path(&[], PathId([6; 32])).build([7; 32]).unwrap();
    let told = InvoiceError::new(&"x".repeat(len)).unwrap();
    OutgoingMessage {
        message: OffersMessage::InvoiceError(told),
        destination: Destination::Path(path),
        reply_path_id: None,
    }
}

#[test]
fn a_flood_is_not_heard_until_time_passes() {
    let (desk, numbers) = (desk(), Numbers::default());
    let peers = peers(&desk, &numbers, Limits { burst: 20, per_tick: 3, ..Limits::default() });
    for number in [1, 2] {
        peers.peer_connected(peer(number), &hello(true), true).unwrap();
    }
    (0..10).for_each(|_| peers.tick());
    let message = request(&desk, 1);
    for _ in 0..1_000 {
        peers.handle_onion_message(peer(1), &message);
    }
    let heard = || desk.application().requests.get();
    assert_eq!(heard(), 20);
    // Others are not affected.
    peers.handle_onion_message(peer(2), &message);
    assert_eq!(heard(), 21);
    peers.tick();
    for _ in 0..1_000 {
        peers.handle_onion_message(peer(1), &message);
    }
    assert_eq!(heard(), 24);
    // Patience is rewarded up to the burst, not beyond.
    (0..100).for_each(|_| peers.tick());
    for _ in 0..1_000 {
        peers.handle_onion_message(peer(1), &message);
    }
    assert_eq!(heard(), 44);
    // And who is not connected is not heard at all.
    peers.handle_onion_message(peer(3), &message);
    assert_eq!(heard(), 44);
}

/// What arrives broken counts as well: it costs as much.
#[test]
fn garbage_counts() {
    let (desk, numbers) = (desk(), Numbers::default());
    let peers = peers(&desk, &numbers, Limits { burst: 5, ..Limits::default() });
    peers.peer_connected(peer(1), &hello(true), true).unwrap();
    (0..2).for_each(|_| peers.tick());
    let good = request(&desk, 1);
    let mut broken = good.clone();
    broken.onion_routing_packet.hop_data[700] ^= 1;
    let mut version = good.clone();
    version.onion_routing_packet.version = 1;
    let mut empty = good.clone();
    empty.onion_routing_packet.hop_data.clear();
    for message in [broken, version, empty] {
        peers.handle_onion_message(peer(1), &message);
    }
    assert_eq!(desk.application().requests.get(), 0);
    for _ in 0..5 {
        peers.handle_onion_message(peer(1), &good);
    }
    assert_eq!(desk.application().requests.get(), 2);
}

#[test]
fn no_more_waits_for_a_peer_than_the_limit() {
    let (desk, numbers) = (desk(), Numbers::default());
    let waiting_bytes = 100_000;
    let peers = peers(&desk, &numbers, Limits { waiting_bytes, ..Limits::default() });
    peers.peer_connected(peer(1), &hello(true), true).unwrap();
    let mut sent = 0;
    let error = loop {
        match peers.send(&answer(1, 10_000)) {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error, SendError::Full(peer(1)));
    // Each takes the larger size of 32834 bytes.
    assert_eq!(sent, 3);
    // Once one is sent, there is room again.
    assert!(peers.next_onion_message_for_peer(peer(1)).is_some());
    peers.send(&answer(1, 10_000)).unwrap();
    // A connection that is lost takes everything with it.
    peers.peer_disconnected(peer(1));
    assert_eq!(peers.send(&answer(1, 10)).unwrap_err(), SendError::NoPeer);
    peers.peer_connected(peer(1), &hello(true), true).unwrap();
    assert!(peers.next_onion_message_for_peer(peer(1)).is_none());
}

/// Core Lightning takes one message in 250 milliseconds, and four at once: with a tick right after the first, three and
/// one are as many.
#[test]
fn a_peer_is_sent_three_at_once_and_then_one_a_tick() {
    let (desk, numbers) = (desk(), Numbers::default());
    let peers = peers(&desk, &numbers, Limits::default());
    peers.peer_connected(peer(1), &hello(true), true).unwrap();
    for _ in 0..10 {
        peers.send(&answer(1, 10)).unwrap();
    }
    let sent = || std::iter::from_fn(|| peers.next_onion_message_for_peer(peer(1))).count();
    assert_eq!(sent(), 3);
    assert_eq!(sent(), 0);
    for _ in 0..7 {
        peers.tick();
        assert_eq!(sent(), 1);
    }
    peers.tick();
    assert_eq!(sent(), 0);
}

#[test]
fn only_so_many_peers_are_let_in() {
    let (desk, numbers) = (desk(), Numbers::default());
    let peers = peers(&desk, &numbers, Limits { peers: 2, ..Limits::default() });
    peers.peer_connected(peer(1), &hello(true), true).unwrap();
    peers.peer_connected(peer(2), &hello(true), true).unwrap();
    assert!(peers.peer_connected(peer(3), &hello(true), true).is_err());
    // Whoever we connect to is wanted.
    peers.peer_connected(peer(4), &hello(true), false).unwrap();
    peers.peer_disconnected(peer(1));
    peers.peer_disconnected(peer(4));
    peers.peer_connected(peer(3), &hello(true), true).unwrap();
}

/// Those that know no onion messages take room as well.
#[test]
fn every_peer_that_connects_is_counted() {
    let (desk, numbers) = (desk(), Numbers::default());
    let peers = peers(&desk, &numbers, Limits { peers: 2, ..Limits::default() });
    let let_in = |number: &u8| peers.peer_connected(peer(*number), &hello(false), true).is_ok();
    assert_eq!((1..100).filter(let_in).collect::<Vec<u8>>(), [1, 2]);
    peers.peer_disconnected(peer(2));
    assert!(let_in(&3) && !let_in(&4));
}

/// Nobody is heard more often by connecting again and again.
#[test]
fn connecting_again_does_not_start_the_burst_anew() {
    let (desk, numbers) = (desk(), Numbers::default());
    let peers = peers(&desk, &numbers, Limits { burst: 20, per_tick: 3, ..Limits::default() });
    let message = request(&desk, 1);
    for round in 1..=10 {
        peers.peer_connected(peer(1), &hello(true), true).unwrap();
        (0..50).for_each(|_| peers.handle_onion_message(peer(1), &message));
        peers.peer_disconnected(peer(1));
        assert_eq!(desk.application().requests.get(), 3 * round);
    }
}

/// Whoever comes under a new name each time is heard as often as all others together that have just come, and those
/// that have been there for a while are heard as always.
#[test]
fn new_names_do_not_make_new_room() {
    let (desk, numbers) = (desk(), Numbers::default());
    let peers = peers(&desk, &numbers, Limits { newcomers: 10, per_tick: 3, ..Limits::default() });
    let message = request(&desk, 1);
    let heard = || desk.application().requests.replace(0);
    let all_say = |who: PublicKey| (0..50).for_each(|_| peers.handle_onion_message(who, &message));
    let flood = || {
        for number in 100..180 {
            peers.peer_connected(peer(number), &hello(true), true).unwrap();
            all_say(peer(number));
            peers.peer_disconnected(peer(number));
        }
    };
    peers.peer_connected(peer(1), &hello(true), true).unwrap();
    peers.tick();
    for _ in 0..3 {
        flood();
        assert_eq!(heard(), 10);
        all_say(peer(1));
        assert_eq!(heard(), 3);
        // Who comes honestly has to wait for the next tick, unless we asked it to come.
        peers.peer_connected(peer(2), &hello(true), true).unwrap();
        all_say(peer(2));
        assert_eq!(heard(), 0);
        peers.peer_connected(peer(3), &hello(true), false).unwrap();
        all_say(peer(3));
        assert_eq!(heard(), 3);
        peers.tick();
        [2, 3].into_iter().for_each(|number| all_say(peer(number)));
        assert_eq!(heard(), 6);
        [2, 3].into_iter().for_each(|number| peers.peer_disconnected(peer(number)));
    }
}

/// All that is heard after a tick, whatever comes and goes, is what the peers that may be there may send, and what
/// newcomers may.
#[test]
fn there_is_a_limit_for_all_together() {
    let (desk, numbers) = (desk(), Numbers::default());
    let limits = Limits { peers: 4, per_tick: 3, newcomers: 10, burst: 20, ..Limits::default() };
    let peers = peers(&desk, &numbers, limits);
    let message = request(&desk, 1);
    let mut name = 0;
    for _ in 0..5 {
        // Just before the tick, everybody comes anew and is silent; right after it, they talk, and go.
        let there: Vec<_> = (0..4).map(|at| peer(1 + (name + at) % 200)).collect();
        there.iter().for_each(|who| peers.peer_connected(*who, &hello(true), true).unwrap());
        peers.tick();
        desk.application().requests.set(0);
        for who in there {
            (0..50).for_each(|_| peers.handle_onion_message(who, &message));
            peers.peer_disconnected(who);
        }
        for at in 4..50 {
            let who = peer(1 + (name + at) % 200);
            peers.peer_connected(who, &hello(true), true).unwrap();
            (0..50).for_each(|_| peers.handle_onion_message(who, &message));
            peers.peer_disconnected(who);
        }
        assert_eq!(desk.application().requests.get(), 4 * 3 + 10);
        name += 50;
    }
}

/// Where any peer would do, it is one that we chose, and another one every time.
#[test]
fn strangers_get_no_requests_while_there_are_peers_of_our_choice() {
    let (desk, numbers) = (desk(), Numbers::default());
    let peers = peers(&desk, &numbers, Limits::default());
    let mut keys: Vec<_> = (1..9).map(peer).collect();
    keys.sort();
    let offer = OfferBuilder::new(key(0x55).public_key()).description("tea").amount_msat(Msat(9_000));
    let offer = offer.build().unwrap();
    let draft = Payer::new([9; 32]).draft(&offer, NOW, &[ChainHash::BITCOIN]).unwrap();
    let Action::Send(request) = draft.start([4; 32], NOW, UnixTime(NOW.0 + 60)).unwrap().poll(NOW).unwrap() else {
        panic!()
    };
    let taken = || [0; 4].map(|_| peers.send(&request).unwrap());
    // With none of our choice, every stranger gets its turn.
    for stranger in [0, 7] {
        peers.peer_connected(keys[stranger], &hello(true), true).unwrap();
    }
    let strangers = taken();
    assert_eq!([strangers[0], strangers[1]], [strangers[2], strangers[3]]);
    assert_ne!(strangers[0], strangers[1]);
    // One that we chose and that knows no onion messages is of no use.
    peers.peer_connected(keys[1], &hello(false), false).unwrap();
    assert_eq!(taken(), strangers);
    peers.peer_connected(keys[5], &hello(true), false).unwrap();
    assert_eq!(taken(), [keys[5]; 4]);
    peers.peer_connected(keys[3], &hello(true), false).unwrap();
    let chosen = taken();
    assert!(chosen.contains(&keys[3]) && chosen.contains(&keys[5]));
    assert!(chosen.iter().all(|taken| [keys[3], keys[5]].contains(taken)));
    // The destination itself needs nobody.
    peers.peer_connected(key(0x55).public_key(), &hello(true), true).unwrap();
    assert_eq!(taken(), [key(0x55).public_key(); 4]);
}

#[test]
fn peers_without_onion_messages_are_not_used() {
    let (desk, numbers) = (desk(), Numbers::default());
    let peers = peers(&desk, &numbers, Limits::default());
    peers.peer_connected(peer(1), &hello(false), true).unwrap();
    assert!(peers.peers().is_empty());
    assert_eq!(peers.send(&answer(1, 10)).unwrap_err(), SendError::NoPeer);
}

/// What is too long by itself is not tried again and again; what the path makes too long may go another way.
#[test]
fn a_message_that_is_too_long_is_no_path_that_is_closed() {
    let (desk, numbers) = (desk(), Numbers::default());
    let peers = peers(&desk, &numbers, Limits::default());
    peers.peer_connected(peer(1), &hello(true), true).unwrap();
    let error = peers.send(&answer(1, 40_000)).unwrap_err();
    assert!(
        matches!(&error, SendError::Message(error) if matches!(error.kind(), ErrorKind::TooLong { .. })),
        "{error:?}"
    );
    let long = Messenger::new(key(1)).path(&[peer(2); 100], PathId([6; 32])).build([7; 32]).unwrap();
    let mut answer = answer(1, 25_000);
    answer.destination = Destination::Path(long);
    let error = peers.send(&answer).unwrap_err();
    assert!(matches!(&error, SendError::Way(error) if matches!(error.kind(), ErrorKind::TooLong { .. })), "{error:?}");
    assert_eq!(desk.application().ended.get(), 0);
}

/// A payment whose request cannot be sent ends, and its owner is told; one that is being paid does not.
#[test]
fn what_cannot_be_sent_is_given_up() {
    let (desk, numbers) = (desk(), Numbers::default());
    let _peers = peers(&desk, &numbers, Limits::default());
    let offer = OfferBuilder::new(peer(1)).description("tea").amount_msat(Msat(9_000)).build().unwrap();
    let draft = desk.payer().draft(&offer, NOW, &[ChainHash::BITCOIN]).unwrap();
    let payment = draft.start([4; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    let id = desk.update(|manager, now| manager.add_payment(payment, now)).unwrap();
    let request = desk.poll().send.remove(0);
    let nobody = answer(1, 10);
    desk.unsendable(&nobody);
    assert_eq!(desk.application().ended.get(), 0);
    desk.unsendable(&request);
    assert_eq!(desk.application().ended.get(), 1);
    let activity = desk.look(|manager| manager.status(id, NOW)).unwrap().activity;
    assert_eq!(activity, Activity::Ended(EndReason::Unsendable));
    assert_eq!(desk.poll().send, []);
}

/// A way that starts at ourselves, and goes on to somebody who is not connected, leads over a peer of ours.
#[test]
fn an_answer_behind_our_own_hop_goes_through_a_peer() {
    let (desk, numbers) = (desk(), Numbers::default());
    let peers = peers(&desk, &numbers, Limits::default());
    peers.peer_connected(peer(2), &hello(true), true).unwrap();
    let path = Messenger::new(key(1)).path(&[node().public_key()], PathId([6; 32])).build([7; 32]).unwrap();
    let mut lost = answer(1, 10);
    lost.destination = Destination::Path(path);
    assert_eq!(peers.send(&lost).unwrap(), peer(2));
    // Who is connected needs nobody else.
    peers.peer_connected(peer(1), &hello(true), true).unwrap();
    assert_eq!(peers.send(&lost).unwrap(), peer(1));
}
