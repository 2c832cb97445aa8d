//! What a peer can make [`OnionPeers`] keep and compute is limited, whatever it sends.

#[path = "../../tests/common/messages.rs"]
mod messages;
#[path = "../../tests/common/naive.rs"]
mod naive;

use std::cell::Cell;

use bolt12::exchange::{
    Action, Activity, Destination, EndReason, Event, ManagerLimits, Messenger, OffersManager, OffersMessage,
    OutgoingMessage, PathId, Payee, Payer, PaymentId, ReceivedRequest, Route, Save,
};
use bolt12::lightning::{Application, Desk, Limits, OnionPeers, SendError, Standing, ldk};
use bolt12::onion::{Contents, OnionMessage, OnionMessageBuilder};
use bolt12::peers::Budget;
use bolt12::secp256k1::{Keypair, PublicKey};
use bolt12::{ChainHash, ErrorKind, Feature, Features, InvoiceError, Msat, OfferBuilder, UnixTime};
use ldk::ln::msgs::{self, BaseMessageHandler, Init, OnionMessageHandler};
use ldk::ln::peer_handler::IgnoringMessageHandler;
use ldk::sign::EntropySource;
use ldk::types::features::{InitFeatures, NodeFeatures};
use ldk::util::ser::LengthReadable;

use messages::{NOW, key};

/// Counts requests, and answers each with an error.
#[derive(Default)]
struct Counter {
    requests: Cell<u32>,
    ended: Cell<u32>,
    not_sent: Cell<u32>,
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

    fn not_sent(&self, _: &OutgoingMessage, _: &dyn std::error::Error) {
        self.not_sent.set(self.not_sent.get() + 1);
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
    request_in(desk, from, 1)
}

fn request_in(desk: &Desk<Counter>, from: u8, session: u64) -> msgs::OnionMessage {
    let offer = OfferBuilder::new(node().public_key()).description("tea").amount_msat(Msat(9_000));
    let offer = desk.payee().new_offer([3; 16]).build(offer).unwrap();
    let payer = Payer::new([from; 32]);
    let draft = payer.draft(&offer, NOW, &[ChainHash::BITCOIN]).unwrap();
    let mut payment = draft.start([4; 32], NOW, UnixTime(NOW.0 + 60)).unwrap();
    let Action::Send(outgoing) = payment.poll(NOW).unwrap() else { panic!() };
    let mut randomness = [from; 32];
    randomness[..8].copy_from_slice(&session.to_be_bytes());
    let route = Route { reply_dummy_hops: 0, ..Route::default() };
    theirs(&Messenger::new(key(from)).send(&outgoing, &route, randomness).unwrap().message)
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

/// What one request with its answer costs: opening it, and answering over a path of one hop.
const REQUEST: u32 = 2 + 2 * 2 + 4;

fn budget(requests: u32, per_second: u32) -> Budget {
    Budget { burst: requests * REQUEST, per_second: per_second * REQUEST }
}

/// A request under another onion each time: the same one is a replay.
fn requests(desk: &Desk<Counter>, from: u8) -> impl FnMut() -> msgs::OnionMessage + '_ {
    let mut number = 0u64;
    move || {
        number += 1;
        request_in(desk, from, number)
    }
}

#[test]
fn a_flood_is_not_heard_until_time_passes() {
    let (desk, numbers) = (desk(), Numbers::default());
    let peers =
        peers(&desk, &numbers, Limits { peer: budget(20, 10), unopened: 5, waiting: 1_000, ..Limits::default() });
    for number in [1, 2] {
        peers.peer_connected(peer(number), &hello(true), true).unwrap();
    }
    let mut message = requests(&desk, 1);
    let heard = || desk.application().requests.get();
    for _ in 0..100 {
        peers.handle_onion_message(peer(1), &message());
    }
    // What the budget does not allow waits, as far as there is room.
    assert!((20..=21).contains(&heard()), "{}", heard());
    let before = heard();
    assert_eq!(peers.counts().too_many, u64::from(100 - before - 5));
    // Others are not affected.
    peers.handle_onion_message(peer(2), &requests(&desk, 2)());
    assert_eq!(heard(), before + 1);
    // Three in 300 milliseconds.
    peers.tick();
    assert!((3..=4).contains(&(heard() - before - 1)), "{}", heard());
    (0..10).for_each(|_| peers.tick());
    assert_eq!(heard(), before + 1 + 5);
    // Who is not connected is not heard at all.
    peers.handle_onion_message(peer(3), &message());
    assert_eq!((heard(), peers.counts().not_heard), (before + 6, 1));
    assert!(peers.counts().to_string().contains("sent too fast"));
}

/// What arrives broken counts as well: it costs as much.
#[test]
fn garbage_counts() {
    let (desk, numbers) = (desk(), Numbers::default());
    let peers = peers(&desk, &numbers, Limits::default());
    peers.peer_connected(peer(1), &hello(true), true).unwrap();
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
    assert_eq!(desk.application().requests.get(), 1);
    // The empty one is no onion message at all.
    let counts = peers.counts();
    assert_eq!((counts.not_for_us, counts.replayed, counts.dropped()), (2, 4, 6));
}

#[test]
fn no_more_waits_for_a_peer_than_the_limit() {
    let (desk, numbers) = (desk(), Numbers::default());
    let waiting_bytes = 100_000;
    let peers = peers(&desk, &numbers, Limits { waiting_bytes, own_waiting: 3, ..Limits::default() });
    peers.peer_connected(peer(1), &hello(true), false).unwrap();
    let mut sent = 0;
    let error = loop {
        match peers.send(&answer(1, 10_000)) {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error, SendError::Full(peer(1)));
    assert_eq!((sent, peers.waiting(&peer(1))), (3, 3));
    // Once one is sent, there is room again.
    assert!(peers.next_onion_message_for_peer(peer(1)).is_some());
    peers.send(&answer(1, 10_000)).unwrap();
    // A connection that is lost takes everything with it.
    peers.peer_disconnected(peer(1));
    assert_eq!(peers.send(&answer(1, 10)).unwrap_err(), SendError::NoPeer);
    assert_eq!(peers.counts().disconnected, 3);
    peers.peer_connected(peer(1), &hello(true), false).unwrap();
    assert!(peers.next_onion_message_for_peer(peer(1)).is_none());
}

/// Core Lightning takes one message in 250 milliseconds, and four at once: with a tick right after the first, three and
/// one are as many.
#[test]
fn a_peer_is_sent_three_at_once_and_then_one_a_tick() {
    let (desk, numbers) = (desk(), Numbers::default());
    let peers = peers(&desk, &numbers, Limits::default());
    peers.peer_connected(peer(1), &hello(true), false).unwrap();
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

/// LDK drops a peer for its channels, too, if any handler refuses it.
#[test]
fn no_peer_is_refused() {
    let (desk, numbers) = (desk(), Numbers::default());
    let peers = peers(&desk, &numbers, Limits { strangers: 2, ..Limits::default() });
    peers.set_standing(peer(200), Standing::Kept);
    for number in 1..=200 {
        peers.peer_connected(peer(number), &hello(number % 3 > 0), true).unwrap();
    }
    for number in [200, 1, 199, 7] {
        peers.handle_onion_message(peer(number), &request(&desk, number));
        assert!(peers.next_onion_message_for_peer(peer(number)).is_some());
    }
    assert_eq!((desk.application().requests.get(), peers.counts().dropped()), (4, 0));
}

#[test]
fn peers_without_onion_messages_are_not_used() {
    let (desk, numbers) = (desk(), Numbers::default());
    let peers = peers(&desk, &numbers, Limits::default());
    peers.peer_connected(peer(1), &hello(false), true).unwrap();
    assert!(peers.peers().is_empty());
    assert_eq!(peers.send(&answer(1, 10)).unwrap_err(), SendError::NoPeer);
}

/// Those that take onion messages of their channel partners only may say nothing else about onion messages: Eclair turns
/// one of the two features on, and the other off.
#[test]
fn the_features_of_a_peer_say_when_it_is_sent_to() {
    for (bits, with_and_without) in [
        (&[][..], [false, false]),
        (&[37, 40], [false, false]),
        (&[38], [true, true]),
        (&[39], [true, true]),
        (&[66], [true, false]),
        (&[67], [true, false]),
        (&[38, 66], [true, false]),
        (&[39, 67], [true, false]),
        (&[39, 64, 65, 68, 69, 130, 131], [true, true]),
    ] {
        let mut init = hello(false);
        for bit in bits {
            let feature = Features::new([Feature(*bit)]).unwrap();
            init.features |= InitFeatures::from_be_bytes(feature.as_bytes().to_vec());
        }
        let is_sent_to = [true, false].map(|has_channel| {
            let (desk, numbers) = (desk(), Numbers::default());
            let peers = peers(&desk, &numbers, Limits::default());
            peers.set_channel(peer(1), has_channel);
            peers.peer_connected(peer(1), &init, false).unwrap();
            peers.send(&answer(1, 10)).is_ok()
        });
        assert_eq!(is_sent_to, with_and_without, "{bits:?}");
    }
}

/// Some nodes take onion messages of their channel partners only. They are heard in any case, and sent to while there
/// is a channel: whenever it was opened, whoever connected, and whatever else they are to us (EXC-19, EXC-20).
#[test]
fn who_takes_messages_over_channels_only_is_sent_to_while_there_is_one() {
    let mut init = hello(true);
    init.features |= InitFeatures::from_le_bytes([vec![0; 8], vec![1 << 3]].concat());
    for (inbound, standing) in [
        (true, Standing::Kept),
        (true, Standing::Chosen),
        (true, Standing::Stranger),
        (false, Standing::Chosen),
        (false, Standing::Kept),
    ] {
        for before in [true, false] {
            let (desk, numbers) = (desk(), Numbers::default());
            let peers = peers(&desk, &numbers, Limits::default());
            let mut ask = requests(&desk, 1);
            let mut is_answered = || {
                peers.handle_onion_message(peer(1), &ask());
                peers.next_onion_message_for_peer(peer(1)).is_some()
            };
            let opens = || {
                peers.set_standing(peer(1), standing);
                // Who is kept has one.
                if standing != Standing::Kept {
                    peers.set_channel(peer(1), true);
                }
            };
            if before {
                opens();
            }
            peers.peer_connected(peer(1), &init, inbound).unwrap();
            if !before {
                assert!(!is_answered());
                // It was heard, and there is nobody else to go through.
                assert_eq!((peers.counts().not_heard, peers.counts().unanswerable), (0, 1));
                opens();
            }
            assert!(is_answered(), "{standing:?} {inbound} {before}");
            assert_eq!(peers.peers(), [peer(1)]);
            peers.set_channel(peer(1), false);
            assert!(!is_answered() && peers.peers().is_empty());
            // Connecting again changes nothing about that; and who restricts nothing needs no channel.
            peers.peer_connected(peer(1), &init, inbound).unwrap();
            assert!(!is_answered());
            peers.peer_connected(peer(1), &hello(true), inbound).unwrap();
            assert!(is_answered());
            peers.set_channel(peer(1), true);
            peers.set_standing(peer(1), Standing::Stranger);
            assert!(is_answered());
        }
    }
}

/// What is too long by itself is not tried again and again; what the path makes too long may go another way.
#[test]
fn a_message_that_is_too_long_is_no_path_that_is_closed() {
    let (desk, numbers) = (desk(), Numbers::default());
    let peers = peers(&desk, &numbers, Limits::default());
    peers.peer_connected(peer(1), &hello(true), false).unwrap();
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
    let id = pay(&desk, "tea");
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

fn pay(desk: &Desk<Counter>, description: &str) -> PaymentId {
    let offer = OfferBuilder::new(peer(1)).description(description).amount_msat(Msat(9_000)).build().unwrap();
    let draft = desk.payer().draft(&offer, NOW, &[ChainHash::BITCOIN]).unwrap();
    let payment = draft.start([4; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    desk.update(|manager, now| manager.add_payment(payment, now)).unwrap()
}

/// A poll says when to come again: when there is more to do, or at once if a message went nowhere.
#[test]
fn who_polls_comes_again_at_once_only_for_what_was_not_sent() {
    for is_connected in [true, false] {
        let (desk, numbers) = (desk(), Numbers::default());
        let peers = peers(&desk, &numbers, Limits::default());
        if is_connected {
            peers.peer_connected(peer(1), &hello(true), false).unwrap();
        }
        assert_eq!(peers.poll(), None);
        pay(&desk, "tea");
        let next = peers.poll().unwrap();
        assert_eq!(next > NOW, is_connected);
        assert_eq!(
            (peers.waiting(&peer(1)) == 1, desk.application().not_sent.get() == 0),
            (is_connected, is_connected)
        );
        // The only way was tried: again later.
        assert!(peers.poll().unwrap() > NOW);
    }
}

/// EXC-5: a request that is too long for every way is not tried until the deadline; its payment ends.
#[test]
fn a_payment_whose_request_is_too_long_ends() {
    let (desk, numbers) = (desk(), Numbers::default());
    let peers = peers(&desk, &numbers, Limits::default());
    peers.peer_connected(peer(1), &hello(true), false).unwrap();
    let id = pay(&desk, &"x".repeat(40_000));
    assert_eq!(peers.poll(), Some(NOW));
    assert_eq!((desk.application().not_sent.get(), desk.application().ended.get()), (1, 1));
    let activity = desk.look(|manager| manager.status(id, NOW)).unwrap().activity;
    assert_eq!(activity, Activity::Ended(EndReason::Unsendable));
    assert_eq!((peers.poll(), peers.waiting(&peer(1))), (None, 0));
}

/// A way that starts at ourselves, and goes on to somebody who is not of our choice, leads over a peer that is
/// (EXC-19).
#[test]
fn an_answer_behind_our_own_hop_goes_through_a_peer() {
    let (desk, numbers) = (desk(), Numbers::default());
    let peers = peers(&desk, &numbers, Limits::default()).passing_on();
    peers.peer_connected(peer(2), &hello(true), false).unwrap();
    let path = Messenger::new(key(1)).path(&[node().public_key()], PathId([6; 32])).build([7; 32]).unwrap();
    let mut lost = answer(1, 10);
    lost.destination = Destination::Path(path);
    assert_eq!(peers.send(&lost).unwrap(), peer(2));
    peers.peer_connected(peer(1), &hello(true), true).unwrap();
    assert_eq!(peers.send(&lost).unwrap(), peer(2));
    // Who is of our choice needs nobody else.
    peers.set_standing(peer(1), Standing::Chosen);
    assert_eq!(peers.send(&lost).unwrap(), peer(1));
}

/// Where messages are passed on here, the node's own messenger does not open them once more; nor what is for nobody
/// here.
#[test]
fn what_is_passed_on_is_opened_once() {
    let (desk, numbers) = (desk(), Numbers::default());
    let inner = Inner::default();
    for (passes_on, handed_on) in [(false, 1), (true, 0)] {
        let peers = OnionPeers::new(node(), &desk, &numbers, &inner, Limits::default());
        let peers = if passes_on { peers.passing_on() } else { peers };
        for number in [1, 2] {
            peers.peer_connected(peer(number), &hello(true), true).unwrap();
        }
        let path = Messenger::new(key(2)).path(&[node().public_key()], PathId([6; 32])).build([7; 32]).unwrap();
        let through = OnionMessageBuilder::over(&path, Contents::Invoice(b"?")).build([8; 32]).unwrap().message;
        let to_nobody = OnionMessageBuilder::to_node(peer(9), Contents::Invoice(b"?")).build([9; 32]).unwrap().message;
        for message in [&through, &to_nobody] {
            peers.handle_onion_message(peer(1), &theirs(message));
        }
        assert_eq!(inner.messages.replace(0), handed_on);
        assert_eq!(peers.next_onion_message_for_peer(peer(2)).is_some(), passes_on);
        assert_eq!((peers.counts().passed_on, peers.counts().not_for_us), (u64::from(passes_on), 1));
    }
}

/// Who is behind has a clock of its own, which LDK moves.
#[test]
fn the_inner_handler_hears_the_ticks_of_ldk() {
    let (desk, numbers, inner) = (desk(), Numbers::default(), Inner::default());
    let peers = OnionPeers::new(node(), &desk, &numbers, &inner, Limits::default());
    (0..3).for_each(|_| peers.timer_tick_occurred());
    assert_eq!(inner.ticks.get(), 3);
}

/// Counts what is handed on to it.
#[derive(Default)]
struct Inner {
    messages: Cell<u32>,
    ticks: Cell<u32>,
}

impl OnionMessageHandler for Inner {
    fn handle_onion_message(&self, _: PublicKey, _: &msgs::OnionMessage) {
        self.messages.set(self.messages.get() + 1);
    }

    fn next_onion_message_for_peer(&self, _: PublicKey) -> Option<msgs::OnionMessage> {
        None
    }

    fn timer_tick_occurred(&self) {
        self.ticks.set(self.ticks.get() + 1);
    }
}

impl BaseMessageHandler for Inner {
    fn get_and_clear_pending_msg_events(&self) -> Vec<msgs::MessageSendEvent> {
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
        InitFeatures::empty()
    }
}
