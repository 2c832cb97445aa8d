//! Many requests of one wallet at a node that takes one onion message in 250 milliseconds from each peer, and drops the
//! others without a word: none is lost, and it is known at every moment what is waited for. Nobody sleeps.

use std::time::Duration;

use super::town::{NOW, Town, id, key};
use bolt12::exchange::{Action, Payer, Payment, State, Terms};
use bolt12::onion::PaymentPathBuilder;
use bolt12::peers::{Arrived, Counts, Limits, NoChannels, Peers};
use bolt12::{ChainHash, UnixTime};

const ISSUER: u16 = 0;
const WALLET: u16 = 1;
const COUNT: usize = 50;

const STEP: Duration = Duration::from_millis(50);

/// What the node takes: four at once, and one more in 250 milliseconds.
struct Strict {
    tokens: u32,
    filled: Duration,
    dropped: u32,
}

impl Strict {
    fn takes(&mut self, now: Duration) -> bool {
        while now >= self.filled + Duration::from_millis(250) {
            (self.tokens, self.filled) = (4.min(self.tokens + 1), self.filled + Duration::from_millis(250));
        }
        let takes = self.tokens > 0;
        self.tokens -= u32::from(takes);
        self.dropped += u32::from(!takes);
        takes
    }
}

/// What came of it.
struct Run {
    took: Duration,
    /// How many waited in each step.
    waited: Vec<usize>,
    dropped: (u32, Counts),
}

/// Fetches invoices, as many at a time.
fn fetch(at_a_time: usize) -> Run {
    let mut town = Town::new(1, Limits::default(), false);
    let offer = town.node(ISSUER).offer.clone();
    let payer = Payer::new([5; 32]);
    let mut peers = Peers::new(key(WALLET), Limits::default());
    let start = town.now;
    peers.connected(id(ISSUER), false, true, start);
    town.comes(WALLET, ISSUER);
    let mut strict = Strict { tokens: 4, filled: start, dropped: 0 };
    let mut payments: Vec<Payment> = Vec::new();
    let is_quoted = |payment: &&Payment| matches!(payment.state(), State::Quoted(_));
    let mut waited = Vec::new();
    loop {
        let (now, unix) = (town.now, UnixTime(NOW.0 + (town.now - start).as_secs()));
        let mut open = payments.len() - payments.iter().filter(is_quoted).count();
        if payments.len() == COUNT && open == 0 {
            return Run { took: now - start, waited, dropped: (strict.dropped, peers.counts()) };
        }
        while open < at_a_time && payments.len() < COUNT {
            let draft = payer.draft(&offer, unix, &[ChainHash::BITCOIN]).unwrap();
            payments.push(draft.start(town.random(), unix, UnixTime(NOW.0 + 600)).unwrap());
            open += 1;
        }
        for payment in &mut payments {
            if let Action::Send(outgoing) = payment.poll(unix).unwrap() {
                peers.send(&outgoing, town.random(), now, &NoChannels).unwrap();
            }
        }
        // What waits is told, and each payment says that it asks: nothing else is waited for.
        let asking = payments.iter().filter(|payment| matches!(payment.state(), State::Asking { attempts: 1.. }));
        assert_eq!(asking.count(), open);
        waited.push(peers.waiting(&id(ISSUER)));
        while let Some(onion) = peers.next_to_send(&id(ISSUER), now) {
            if strict.takes(now) {
                town.hand(WALLET, ISSUER, onion);
            }
        }
        answer(&mut town);
        for onion in town.given(ISSUER, WALLET) {
            peers.receive(&id(ISSUER), onion, now);
        }
        while let Some(arrived) = peers.next(now, &NoChannels) {
            let Arrived::Message { message, .. } = arrived else { panic!("{arrived:?}") };
            let payment = payer.payment_of(&message.arrival);
            let payment = payments.iter_mut().find(|other| Some(other.id()) == payment).unwrap();
            payment.receive(message, unix).unwrap();
        }
        town.now += STEP;
    }
}

/// The node makes an invoice for each request.
fn answer(town: &mut Town) {
    let now = town.now;
    while let Some(arrived) = town.node(ISSUER).peers.next(now, &NoChannels) {
        let Arrived::Message { message, .. } = arrived else { panic!("{arrived:?}") };
        let random = [town.random(), town.random()];
        let node = town.node(ISSUER);
        let accepted = node.payee.receive(message).unwrap().accept(&Terms::new(NOW, &[ChainHash::BITCOIN])).unwrap();
        let expected = accepted.expected_payment();
        let path = PaymentPathBuilder::new(id(ISSUER), expected.path_id.0.clone(), 18, 499_900_000);
        let (path, payinfo) = path.build(random[0]).unwrap();
        let unsigned = accepted.invoice(expected.payment_hash()).add_path(path, &payinfo).build().unwrap();
        let answer = accepted.answer(unsigned.sign(&key(ISSUER)).unwrap()).unwrap();
        node.peers.send(&answer, random[1], now, &NoChannels).unwrap();
    }
}

/// EXC-20: one after the other.
#[test]
fn fifty_fetches_in_a_row_are_all_answered() {
    let run = fetch(1);
    assert_eq!((run.dropped.0, run.dropped.1.dropped()), (0, 0));
    assert!(run.waited.iter().all(|waiting| *waiting <= 1));
    // Three at once, then one in 300 milliseconds, in steps.
    let paced = Duration::from_millis(300) * (COUNT as u32 - 3);
    assert!(run.took >= paced && run.took <= paced + 2 * STEP * COUNT as u32, "{:?}", run.took);
}

/// EXC-20: all at once, which ask again while they wait.
#[test]
fn fifty_fetches_at_once_are_all_answered() {
    let run = fetch(COUNT);
    assert_eq!((run.dropped.0, run.dropped.1.dropped()), (0, 0));
    // Who asks again while it waits takes its own place.
    assert_eq!((run.waited.first(), run.waited.iter().max()), (Some(&COUNT), Some(&COUNT)));
    assert!(run.waited.windows(2).all(|two| two[1] <= two[0]), "{:?}", run.waited);
    let paced = Duration::from_millis(300) * (COUNT as u32 - 3);
    assert!(run.took >= paced && run.took <= paced + 2 * STEP * COUNT as u32, "{:?}", run.took);
}
