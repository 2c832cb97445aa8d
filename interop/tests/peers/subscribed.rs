//! A subscription over TCP, with an LDK node in between: some days of it, in which the clock is put forward.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bolt12::exchange::{
    MaxAmount, OutgoingMessage, ReceivedRequest, State, Subscription, SubscriptionEnd, SubscriptionState, Terms,
};
use bolt12::lightning::{Application, Limits};
use bolt12::secp256k1::{Keypair, PublicKey};
use bolt12::{
    ChainHash, Features, Msat, OfferBuilder, PaidPeriod, PayInfo, Preimage, Recurrence, RecurrenceContext, TimeUnit,
    UnixTime,
};
use tokio::net::TcpStream;

use crate::node::{Node, Reach, eventually};
use crate::over_ldk::{self, Connections, Keys};

const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];
const DAY: u64 = 86_400;

/// The time of both sides, which goes on like everybody's, and now and then leaps forward.
#[derive(Clone, Default)]
struct Clock(Arc<AtomicU64>);

impl Clock {
    fn now(&self) -> UnixTime {
        UnixTime(over_ldk::now().0 + self.0.load(Ordering::Relaxed))
    }

    fn forward(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

/// What the shop was asked for and paid.
#[derive(Default)]
struct Books {
    asked: Vec<(u32, bool)>,
    paid: Option<PaidPeriod>,
    preimages: Vec<Preimage>,
}

struct Shop {
    clock: Clock,
    books: Arc<Mutex<Books>>,
}

impl Application for Shop {
    fn now(&self) -> UnixTime {
        self.clock.now()
    }

    fn invoice_request(&self, request: ReceivedRequest, _: Option<&Keypair>) -> Option<OutgoingMessage> {
        let mut books = self.books.lock().unwrap();
        let asked = request.recurrence().unwrap();
        books.asked.push((asked.counter, asked.cancel));
        if request.cancels() {
            return None;
        }
        let terms = Terms {
            now: self.now(),
            chains: CHAINS,
            rate: None,
            rate_age: std::time::Duration::ZERO,
            max_rate_age: std::time::Duration::from_secs(600),
            max_amount: MaxAmount::Any,
        };
        let context = RecurrenceContext { previous: books.paid, is_paid: false, is_cancelled: false };
        let accepted = request.accept_recurring(&terms, &context).ok()?;
        let expected = accepted.expected_payment();
        // It will be: nobody can pay it here.
        books.paid = accepted.paid_period();
        books.preimages.push(expected.preimage);
        let path =
            bolt12::onion::BlindedPathBuilder::new(crate::key(0x51).public_key()).path_id(expected.path_id.0.clone());
        let payinfo = PayInfo {
            fee_base_msat: 0,
            fee_proportional_millionths: 0,
            cltv_expiry_delta: 80,
            htlc_minimum_msat: 1,
            htlc_maximum_msat: 1_000_000,
            features: Features::default(),
        };
        let invoice = accepted.invoice(expected.payment_hash()).add_path(path.build([7; 32]).unwrap(), &payinfo);
        accepted.answer(accepted.sign(invoice.build().unwrap()).unwrap()).ok()
    }
}

struct Customer {
    clock: Clock,
}

impl Application for Customer {
    fn now(&self) -> UnixTime {
        self.clock.now()
    }

    fn invoice_request(&self, _: ReceivedRequest, _: Option<&Keypair>) -> Option<OutgoingMessage> {
        None
    }

    fn given_up(&self, id: bolt12::exchange::ConversationId, why: &dyn std::error::Error) {
        panic!("{id:?}: {why}");
    }
}

async fn connect<A: Application + Send + Sync + 'static>(connections: &Connections<A>, node: &Node) {
    let stream = TcpStream::connect(node.address).await.unwrap().into_std().unwrap();
    let manager = Arc::clone(&connections.manager);
    tokio::spawn(lightning_net_tokio::setup_outbound(manager, node.id, stream));
    eventually("a connection", || connections.peers.peers().contains(&node.id).then_some(())).await;
}

fn offer(shop: &Connections<Shop>, middle: PublicKey) -> bolt12::Offer {
    let new = shop.desk.issuer().new_offer([3; 16]);
    let path = shop.peers.messenger().path(&[middle], new.path_id(0)).build([9; 32]).unwrap();
    let builder = OfferBuilder::new(new.issuer_id()).description("a paper").amount_msat(Msat(3_000));
    new.build(builder.recurrence(Recurrence::every(1, TimeUnit::Days).unwrap()).add_path(path)).unwrap()
}

/// REC-3, REC-9, REC-11, REC-12: three days are paid, each once and in order, and the shop hears of the end.
#[tokio::test]
async fn a_subscription_goes_through_an_ldk_node() {
    let middle = Node::start(60, Reach::Announced).await;
    let (clock, books) = (Clock::default(), Arc::default());
    let shop = Shop { clock: clock.clone(), books: Arc::clone(&books) };
    let shop = Connections::new(&Keys::new([61; 32]), shop, Limits::default());
    let customer = Connections::new(&Keys::new([62; 32]), Customer { clock: clock.clone() }, Limits::default());
    let going = [tokio::spawn(shop.keep_going(false)), tokio::spawn(customer.keep_going(true))];
    connect(&shop, &middle).await;
    connect(&customer, &middle).await;

    let offer = offer(&shop, middle.id);
    let (now, entropy) = (clock.now(), [5; 32]);
    let draft = customer.desk.payer().subscribe(&offer, now, CHAINS).unwrap();
    let desk = &customer.desk;
    let id = desk.add_subscription(draft.start(entropy, now, UnixTime(now.0 + 600)).unwrap());
    for day in 1..=3 {
        eventually("an invoice", || {
            let quoted = |it: &Subscription| matches!(it.payment().map(|it| it.state()), Some(State::Quoted(_)));
            desk.subscription(id, quoted).unwrap().then_some(())
        })
        .await;
        desk.update_subscription(id, |subscription| subscription.begin(clock.now(), None)).unwrap().unwrap();
        let preimage = *books.lock().unwrap().preimages.last().unwrap();
        desk.update_subscription(id, |subscription| subscription.paid(preimage)).unwrap().unwrap();
        assert_eq!(desk.subscription(id, Subscription::payments_made), Some(day));
        assert!(matches!(
            desk.subscription(id, |it| matches!(it.state(clock.now()), SubscriptionState::Waiting(_))),
            Some(true)
        ));
        // Over the night the connection is lost.
        customer.manager.disconnect_all_peers();
        clock.forward(DAY);
        connect(&customer, &middle).await;
    }
    desk.update_subscription(id, Subscription::cancel).unwrap();
    eventually("the end", || books.lock().unwrap().asked.iter().any(|(_, cancel)| *cancel).then_some(())).await;
    let ended = desk.subscription(id, |it| match it.state(clock.now()) {
        SubscriptionState::Ended(end) => Some(end),
        _ => None,
    });
    assert_eq!(ended.flatten(), Some(SubscriptionEnd::Cancelled));
    // The fourth day may have been asked for before it was cancelled; a request may have been sent more than once.
    let mut asked = books.lock().unwrap().asked.clone();
    asked.dedup();
    asked.retain(|asked| *asked != (3, false));
    assert_eq!(asked, [(0, false), (1, false), (2, false), (3, true)]);
    going.iter().for_each(|task| task.abort());
}
