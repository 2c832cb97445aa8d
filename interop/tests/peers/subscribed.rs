//! A subscription over TCP, with an LDK node in between: some days of it, in which the clock is put forward.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bolt12::exchange::{
    Activity, Event, OutgoingMessage, ReceivedRequest, Save, State, Subscription, SubscriptionEnd, Terms,
};
use bolt12::lightning::{Application, Limits};
use bolt12::secp256k1::{Keypair, PublicKey};
use bolt12::{
    ChainHash, Msat, OfferBuilder, PaidPeriod, PayInfo, Preimage, Recurrence, RecurrenceContext, TimeUnit, UnixTime,
};
use tokio::net::TcpStream;

use crate::node::{Node, Reach, eventually};
use crate::tcp::{self, Connections, Keys};

const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];
const DAY: u64 = 86_400;

/// The time of both sides, which goes on like everybody's, and now and then leaps forward.
#[derive(Clone, Default)]
struct Clock(Arc<AtomicU64>);

impl Clock {
    fn now(&self) -> UnixTime {
        UnixTime(tcp::now().0 + self.0.load(Ordering::Relaxed))
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
        let terms = Terms::new(self.now(), CHAINS);
        let context = RecurrenceContext { previous: books.paid, is_paid: false, is_cancelled: false };
        let accepted = request.accept_recurring(&terms, &context).ok()?;
        let expected = accepted.expected_payment();
        // It will be: nobody can pay it here.
        books.paid = accepted.paid_period();
        books.preimages.push(expected.preimage);
        let path =
            bolt12::onion::BlindedPathBuilder::new(crate::key(0x51).public_key()).path_id(expected.path_id.0.clone());
        let payinfo = PayInfo::new(0, 0, 80, 1, 1_000_000);
        let invoice = accepted.invoice(expected.payment_hash()).add_path(path.build([7; 32]).unwrap(), &payinfo);
        accepted.answer(accepted.sign(invoice.build().unwrap()).unwrap()).ok()
    }

    fn save(&self, _: &Save) -> bool {
        true
    }

    fn event(&self, event: Event) {
        panic!("it buys nothing: {event:?}");
    }
}

struct Customer {
    clock: Clock,
    told: Arc<Mutex<Vec<Event>>>,
}

impl Application for Customer {
    fn now(&self) -> UnixTime {
        self.clock.now()
    }

    fn invoice_request(&self, _: ReceivedRequest, _: Option<&Keypair>) -> Option<OutgoingMessage> {
        None
    }

    fn save(&self, _: &Save) -> bool {
        true
    }

    fn event(&self, event: Event) {
        self.told.lock().unwrap().push(event);
    }
}

async fn connect<A: Application + Send + Sync + 'static>(connections: &Connections<A>, node: &Node) {
    let stream = TcpStream::connect(node.address).await.unwrap().into_std().unwrap();
    let manager = Arc::clone(&connections.manager);
    tokio::spawn(lightning_net_tokio::setup_outbound(manager, node.id, stream));
    eventually("a connection", || connections.peers.peers().contains(&node.id).then_some(())).await;
}

fn offer(shop: &Connections<Shop>, middle: PublicKey) -> bolt12::Offer {
    let new = shop.desk.payee().new_offer([3; 16]);
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
    let told: Arc<Mutex<Vec<Event>>> = Arc::default();
    let customer = Customer { clock: clock.clone(), told: Arc::clone(&told) };
    let customer = Connections::new(&Keys::new([62; 32]), customer, Limits::default());
    let going = [tokio::spawn(shop.keep_going(false)), tokio::spawn(customer.keep_going(true))];
    connect(&shop, &middle).await;
    connect(&customer, &middle).await;

    let offer = offer(&shop, middle.id);
    let (now, entropy) = (clock.now(), [5; 32]);
    let draft = customer.desk.payer().subscribe(&offer, now, CHAINS).unwrap();
    let desk = &customer.desk;
    let subscription = draft.start(entropy, now, UnixTime(now.0 + 600)).unwrap();
    let id = desk.update(|manager, now| manager.add_subscription(subscription, now)).unwrap();
    for day in 1..=3 {
        // What was authorised is begun.
        let payable = Event::Payable(id.into());
        eventually("what is to be paid", || told.lock().unwrap().contains(&payable).then_some(())).await;
        let hash = desk.look(|manager| {
            manager.subscription(id, |it| match it.payment().unwrap().state() {
                State::Paying(paying) => paying.payment_hash(),
                other => panic!("{other:?}"),
            })
        });
        let hash = hash.unwrap();
        let preimages = books.lock().unwrap().preimages.clone();
        let preimage = preimages.into_iter().find(|preimage| preimage.payment_hash() == hash).unwrap();
        assert_eq!(desk.update(|manager, now| manager.paid(preimage, now)), Ok(id.into()));
        assert_eq!(*told.lock().unwrap(), [payable, Event::Paid(id.into())]);
        told.lock().unwrap().clear();
        assert_eq!(desk.look(|manager| manager.subscription(id, Subscription::payments_made)), Ok(day));
        // Over the night the connection is lost.
        customer.manager.disconnect_all_peers();
        // And an hour: each subscriber asks at a time of its own.
        clock.forward(DAY + 3_600);
        connect(&customer, &middle).await;
    }
    desk.update(|manager, now| manager.cancel(id, now)).unwrap();
    eventually("the end", || books.lock().unwrap().asked.iter().any(|(_, cancel)| *cancel).then_some(())).await;
    let activity = desk.look(|manager| manager.status(id, clock.now())).unwrap().activity;
    assert_eq!(activity, Activity::Over(SubscriptionEnd::Cancelled));
    // The fourth day may have been asked for before it was cancelled; a request may have been sent more than once.
    let mut asked = books.lock().unwrap().asked.clone();
    asked.dedup();
    asked.retain(|asked| *asked != (3, false));
    assert_eq!(asked, [(0, false), (1, false), (2, false), (3, true)]);
    going.iter().for_each(|task| task.abort());
}
