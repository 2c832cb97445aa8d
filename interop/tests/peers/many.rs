//! Many of our own at a node that takes one onion message in 250 milliseconds and drops the others without a word: none is
//! lost, over this crate's connections and over those of LDK.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bolt12::exchange::{
    Action, Event, IncomingMessage, OutgoingMessage, Payer, Payment, PaymentId, ReceivedRequest, Save, State,
};
use bolt12::lightning::{Application, Limits};
use bolt12::onion::HopKey;
use bolt12::peers::SendError;
use bolt12::secp256k1::Keypair;
use bolt12::{ChainHash, Offer, UnixTime};
use tokio::net::TcpStream;

use crate::cln::{BURST, GAP, Mood, Running, random};
use crate::fetch::net::{self, Net};
use crate::node::eventually;
use crate::over_ldk::{Connections, Keys};
use crate::wallet;

const COUNT: usize = 50;

fn payment(payer: &Payer, offer: &Offer) -> Payment {
    let now = net::now();
    let draft = payer.draft(offer, now, &[ChainHash::BITCOIN]).unwrap();
    draft.start(random(), now, UnixTime(now.0 + 60)).unwrap()
}

fn is_quoted(payment: &Payment) -> bool {
    matches!(payment.state(), State::Quoted(_))
}

/// A wallet with many payments.
struct Many {
    payer: Payer,
    payments: Mutex<BTreeMap<PaymentId, Payment>>,
}

impl net::Application for Many {
    fn receive(&self, message: IncomingMessage, _: &HopKey) -> Option<OutgoingMessage> {
        let id = self.payer.payment_of(&message.arrival)?;
        self.payments.lock().unwrap().get_mut(&id)?.receive(message, net::now()).ok();
        None
    }

    fn not_sent(&self, why: &SendError) {
        panic!("{why}");
    }
}

/// Asks the node for fifty invoices over one connection, for so many at a time. Returns how many came, how many
/// messages waited at most, and how many were dropped here.
fn ask_for_fifty(running: &Running, at_a_time: usize) -> impl Future<Output = (usize, usize, u64)> {
    let (offer, address, id) = (running.offer(true), running.address, running.id());
    let asked = tokio::task::spawn_blocking(move || {
        let keys = net::Keys::new([1; 32]).unwrap();
        let payments = (0..COUNT).map(|_| payment(&keys.payer(), &offer));
        let payments = payments.map(|payment| (payment.id(), payment)).collect();
        let net = Net::new(keys.node, Many { payer: keys.payer(), payments: Mutex::new(payments) });
        let link = net.connect(std::net::TcpStream::connect(address).unwrap(), id).unwrap();
        while link.init().is_none() {
            std::thread::sleep(Duration::from_millis(10));
        }
        let mut most = 0;
        for _ in 0..800 {
            let due = |payment: &mut Payment| match payment.poll(net::now()).unwrap() {
                Action::Send(outgoing) => Some(*outgoing),
                _ => None,
            };
            let mut payments = net.application.payments.lock().unwrap();
            let open = payments.values_mut().filter(|payment| !is_quoted(payment)).take(at_a_time);
            let due: Vec<_> = open.filter_map(due).collect();
            drop(payments);
            for outgoing in &due {
                net.send(outgoing).unwrap();
            }
            most = most.max(net.waiting());
            net.turn();
            if net.application.payments.lock().unwrap().values().all(is_quoted) {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let quoted = net.application.payments.lock().unwrap().values().filter(|payment| is_quoted(payment)).count();
        net.close();
        (quoted, most, net.counts().dropped())
    });
    async move { asked.await.unwrap() }
}

/// EXC-20: fifty at once, which ask again while they wait.
#[tokio::test]
async fn fifty_at_once_are_all_answered() {
    let running = Running::start(110, Mood::Issues, true).await;
    let (quoted, most, dropped) = ask_for_fifty(&running, COUNT).await;
    assert_eq!((quoted, dropped), (COUNT, 0));
    // They say how many wait.
    assert!((COUNT - 10..=COUNT).contains(&most), "{most}");
    running.cln.look(|state| assert_eq!(state.dropped, 0));
}

/// Fifty one after the other from one node, which are asked for no faster than it takes them.
#[tokio::test]
async fn fifty_in_a_row_are_all_answered() {
    let running = Running::start(116, Mood::Issues, true).await;
    let began = Instant::now();
    let (quoted, most, dropped) = ask_for_fifty(&running, 1).await;
    assert_eq!((quoted, most, dropped), (COUNT, 1, 0));
    assert!(began.elapsed() >= GAP * (COUNT as u32 - BURST), "they were too slow for its limit: {:?}", began.elapsed());
    running.cln.look(|state| assert_eq!(state.dropped, 0));
}

/// A customer on LDK's connections.
struct Customer;

impl Application for Customer {
    fn now(&self) -> UnixTime {
        net::now()
    }

    fn invoice_request(&self, _: ReceivedRequest, _: Option<&Keypair>) -> Option<OutgoingMessage> {
        None
    }

    fn save(&self, _: &Save) -> bool {
        true
    }

    fn event(&self, _: Event) {}
}

/// The same over the connections of LDK.
#[tokio::test]
async fn fifty_at_once_are_all_answered_over_ldk() {
    let running = Running::start(111, Mood::Issues, true).await;
    let offer = running.offer(true);
    let customer = Connections::new(&Keys::new([112; 32]), Customer, Limits::default());
    let stream = TcpStream::connect(running.address).await.unwrap().into_std().unwrap();
    let manager = Arc::clone(&customer.manager);
    tokio::spawn(lightning_net_tokio::setup_outbound(manager, running.id(), stream));
    eventually("a connection", || customer.peers.peers().contains(&running.id()).then_some(())).await;
    let new = || payment(customer.desk.payer(), &offer);
    let ids = (0..COUNT).map(|_| customer.desk.update(|manager, now| manager.add_payment(new(), now)).unwrap());
    let ids: Vec<_> = ids.collect();
    let going = tokio::spawn(customer.keep_going(true));
    let quoted =
        || ids.iter().filter(|id| customer.desk.look(|manager| manager.payment(**id, is_quoted)).unwrap()).count();
    for _ in 0..300 {
        if quoted() == COUNT {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!((quoted(), customer.peers.counts().dropped()), (COUNT, 0));
    running.cln.look(|state| assert_eq!(state.dropped, 0));
    going.abort();
}

/// Fifty one after the other, as `fetch_invoice` does it: each is another node, with limits of its own.
#[tokio::test]
async fn fifty_runs_in_a_row_are_all_answered() {
    let running = Running::start(113, Mood::Issues, true).await;
    let text = running.offer(true).to_string();
    for _ in 0..COUNT {
        wallet(&[&text, "--peer", &running.peer()]).await.unwrap();
    }
    running.cln.look(|state| assert_eq!(state.dropped, 0));
}

/// One that is not there, one that hears nobody, and one that answers: one is enough.
#[tokio::test]
async fn one_of_several_peers_is_enough() {
    let (deaf, good) = (Running::start(114, Mood::Deaf, true).await, Running::start(115, Mood::Issues, true).await);
    let (_kept, nobody) = crate::nobody();
    let gone = format!("{}@{nobody}", crate::key(1).public_key());
    let text = good.offer(true).to_string();
    let peers = ["--peer", &gone, "--peer", &deaf.peer(), "--peer", &good.peer()].map(str::to_owned);
    let words: Vec<&str> = [&text[..]].into_iter().chain(peers.iter().map(String::as_str)).collect();
    wallet(&words).await.unwrap();
    // Without the good one, all reasons are said, and not that the deadline has passed.
    let failure = wallet(&words[..5]).await.unwrap_err();
    assert_eq!(failure.code(), "cannot_connect");
    assert!(failure.text().contains("only from those who have a channel"), "{}", failure.text());
    let failure = wallet(&[words[0], "--peer", &deaf.peer()]).await.unwrap_err();
    assert_eq!(failure.code(), "only_over_channels");
    // The offer says which node it is that has this address.
    wallet(&[words[0], "--peer", &good.address.to_string()]).await.unwrap();
}
