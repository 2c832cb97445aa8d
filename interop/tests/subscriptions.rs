//! Subscriptions at a desk: asked for, answered, paid and cancelled like payments.

#[path = "../../tests/common/messages.rs"]
mod messages;
#[path = "../../tests/common/naive.rs"]
mod naive;

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Weak, mpsc};
use std::time::Duration;

use bolt12::exchange::{
    EndReason, IncomingMessage, Limit, MessageArrival, OffersMessage, OutgoingMessage, Payee, Payer, ReceivedRequest,
    Refused, State, Subscription, SubscriptionEnd, SubscriptionId, SubscriptionState, Terms,
};
use bolt12::lightning::ldk::ln::peer_handler::IgnoringMessageHandler;
use bolt12::lightning::ldk::onion_message::offers::OffersMessageHandler;
use bolt12::lightning::{Application, Desk, NotOurs, OffersHandler};
use bolt12::secp256k1::Keypair;
use bolt12::{
    ChainHash, CurrencyCode, Error, ErrorKind, InvoiceError, MinorUnits, Msat, Offer, OfferAmount, OfferBuilder,
    PaidPeriod, Preimage, Rate, Recurrence, RecurrenceContext, RecurrenceRequest, TimeUnit, UnixTime,
};

use messages::{NOW, key, path, payinfo};

const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];
const DAY: u64 = 86_400;

fn usd() -> CurrencyCode {
    "USD".parse().unwrap()
}

/// A shop and its one subscriber.
#[derive(Default)]
struct Shop {
    now: Cell<u64>,
    rate: Cell<Option<Rate>>,
    asked_for_rates: Cell<u32>,
    saved: RefCell<Vec<Vec<u8>>>,
    paid: Cell<Option<PaidPeriod>>,
    seen: RefCell<Vec<RecurrenceRequest>>,
    refused: RefCell<Vec<ErrorKind>>,
    stuck: RefCell<Vec<(bolt12::exchange::ConversationId, ErrorKind)>>,
    given_up: Cell<u32>,
}

const PREIMAGE: Preimage = Preimage([5; 32]);

impl Application for Shop {
    fn now(&self) -> UnixTime {
        UnixTime(NOW.0 + self.now.get())
    }

    fn invoice_request(&self, request: ReceivedRequest, _: Option<&Keypair>) -> Option<OutgoingMessage> {
        self.seen.borrow_mut().push(request.recurrence().unwrap());
        if request.cancels() {
            return None;
        }
        let terms = Terms { rate: rate(100_000), ..Terms::new(self.now(), CHAINS) };
        let context = RecurrenceContext { previous: self.paid.get(), is_paid: false, is_cancelled: false };
        let accepted = request.accept_recurring(&terms, &context).unwrap();
        self.paid.set(accepted.paid_period());
        let invoice = accepted.invoice(PREIMAGE.payment_hash()).add_path(path(1), &payinfo()).build().unwrap();
        let invoice = accepted.sign(invoice).unwrap();
        accepted.answer(invoice).ok()
    }

    fn subscription_changed(&self, subscription: &Subscription) {
        self.saved.borrow_mut().push(subscription.to_bytes());
    }

    fn rate(&self, currency: CurrencyCode) -> Option<Rate> {
        assert_eq!(currency, usd());
        self.asked_for_rates.set(self.asked_for_rates.get() + 1);
        self.rate.get()
    }

    fn stuck(&self, id: bolt12::exchange::ConversationId, error: &Error) {
        self.stuck.borrow_mut().push((id, error.kind().clone()));
    }

    fn refused(&self, refused: &Refused) {
        self.refused.borrow_mut().push(refused.error().kind().clone());
    }

    fn given_up(&self, _: bolt12::exchange::ConversationId, _: &dyn std::error::Error) {
        self.given_up.set(self.given_up.get() + 1);
    }
}

fn rate(dollars: u64) -> Option<Rate> {
    Some(Rate::per_bitcoin(usd(), &dollars.to_string(), 2).unwrap())
}

fn desk() -> Desk<Shop> {
    let desk = Desk::new(Shop::default(), Payee::new([1; 32]), Payer::new([2; 32]));
    desk.application().rate.set(rate(100_000));
    desk
}

/// Three dollars a day, over two paths.
fn offer(desk: &Desk<Shop>) -> Offer {
    offer_for(desk, OfferAmount::Currency { currency: usd(), amount: MinorUnits(300) })
}

fn offer_for(desk: &Desk<Shop>, amount: OfferAmount) -> Offer {
    let new = desk.issuer().new_offer([3; 16]);
    let builder = OfferBuilder::new(new.issuer_id()).description("a paper").amount(amount);
    let builder = builder.recurrence(Recurrence::every(1, TimeUnit::Days).unwrap());
    let path = |at: u8| {
        let path = bolt12::onion::BlindedPathBuilder::new(key(9).public_key()).path_id(new.path_id(at).0);
        path.build([8 + at; 32]).unwrap()
    };
    new.build(builder.add_path(path(0)).add_path(path(1))).unwrap()
}

fn subscribe(desk: &Desk<Shop>) -> SubscriptionId {
    let offer = offer(desk);
    let draft = desk.payer().subscribe(&offer, NOW, CHAINS).unwrap().rate(rate(100_000).unwrap());
    let draft = draft.limit(Limit::Tolerance { basis_points: 100 });
    desk.add_subscription(draft.start([4; 32], NOW, UnixTime(NOW.0 + 600)).unwrap())
}

fn incoming(outgoing: &OutgoingMessage, arrival: MessageArrival) -> IncomingMessage {
    let reply_path = outgoing.reply_path_id.map(|_| path(1));
    IncomingMessage { kind: outgoing.message.kind(), bytes: outgoing.message.as_bytes().to_vec(), arrival, reply_path }
}

fn back(asked: &OutgoingMessage) -> MessageArrival {
    MessageArrival::Path(asked.reply_path_id.unwrap())
}

fn to_shop(desk: &Desk<Shop>, asked: &OutgoingMessage) -> Option<OutgoingMessage> {
    let path_id = desk.issuer().new_offer([3; 16]).path_id(0);
    desk.receive(incoming(asked, MessageArrival::Path(path_id)), None).unwrap()
}

/// Asks, is answered, and pays.
fn pay(desk: &Desk<Shop>, id: SubscriptionId) -> OutgoingMessage {
    let asked = desk.poll().send.remove(0);
    let answer = to_shop(desk, &asked).unwrap();
    assert_eq!(desk.receive(incoming(&answer, back(&asked)), None), Ok(None));
    desk.update_subscription(id, |subscription| subscription.begin(desk.application().now(), None)).unwrap().unwrap();
    desk.update_subscription(id, |subscription| subscription.paid(PREIMAGE)).unwrap().unwrap();
    asked
}

fn counters(desk: &Desk<Shop>) -> Vec<(u32, bool)> {
    desk.application().seen.borrow().iter().map(|request| (request.counter, request.cancel)).collect()
}

/// REC-3, REC-11, REC-12: three days, a crash in between, and the end.
#[test]
fn a_subscription_is_paid_at_a_desk() {
    let desk = desk();
    let id = subscribe(&desk);
    let clock = &desk.application().now;
    for day in 0..3 {
        clock.set(day * DAY);
        pay(&desk, id);
        let due = desk.poll();
        assert_eq!((due.send, due.next), (vec![], Some(UnixTime(NOW.0 + (day + 1) * DAY))));
        // What was saved last is what there is, and what is added once more does not take its place.
        let saved = desk.application().saved.borrow().last().unwrap().clone();
        desk.add_subscription(desk.payer().load_subscription(&desk.application().saved.borrow()[0]).unwrap());
        assert_eq!(desk.subscription(id, Subscription::to_bytes).unwrap(), saved);
        desk.remove(id);
        assert_eq!(desk.subscription(id, Subscription::id), None);
        desk.add_subscription(desk.payer().load_subscription(&saved).unwrap());
    }
    desk.update_subscription(id, Subscription::cancel).unwrap();
    let due = desk.poll();
    assert_eq!((due.send.len(), due.next), (1, None));
    assert_eq!(to_shop(&desk, &due.send[0]), None);
    assert_eq!(counters(&desk), [(0, false), (1, false), (2, false), (3, true)]);
    let is_cancelled =
        |it: &Subscription| matches!(it.state(NOW), SubscriptionState::Ended(SubscriptionEnd::Cancelled));
    assert!(desk.subscription(id, is_cancelled).unwrap());
    assert_eq!(desk.poll().next, None);
}

/// A rate is asked for when something is due, and what waits is not saved again.
#[test]
fn what_waits_costs_nothing() {
    let desk = desk();
    let id = subscribe(&desk);
    pay(&desk, id);
    let before = (desk.application().asked_for_rates.get(), desk.application().saved.borrow().len());
    for hour in 0..24 {
        desk.application().now.set(hour * 3600);
        desk.application().rate.set(rate(100_000 + hour));
        assert_eq!(desk.poll().next, Some(UnixTime(NOW.0 + DAY)));
    }
    assert_eq!((desk.application().asked_for_rates.get(), desk.application().saved.borrow().len()), before);
}

/// REC-12: without a rate nothing is asked for, which is told, and tried again.
#[test]
fn a_missing_rate_is_told() {
    let desk = desk();
    let id = subscribe(&desk);
    pay(&desk, id);
    desk.application().now.set(DAY);
    desk.application().rate.set(None);
    let due = desk.poll();
    assert_eq!((due.send, due.next), (vec![], Some(UnixTime(NOW.0 + DAY + 60))));
    assert_eq!(
        desk.application().stuck.borrow()[..],
        [(id.into(), ErrorKind::RateNeeded { currency: "USD".parse().unwrap() })]
    );
    desk.application().rate.set(rate(100_000));
    pay(&desk, id);
    assert_eq!(desk.subscription(id, Subscription::payments_made), Some(2));
}

/// EXC-5, EXC-6: what cannot get there goes the next way, at once; errors count by their path; what cannot be sent at
/// all stops the payment.
#[test]
fn what_happens_to_a_request_is_told_to_its_subscription() {
    let desk = desk();
    let id = subscribe(&desk);
    let other = Desk::new(Shop::default(), Payee::new([7; 32]), Payer::new([8; 32]));
    let first = desk.poll().send.remove(0);
    // What is sent was saved, once.
    let saved = || desk.application().saved.borrow().len();
    assert_eq!(saved(), 2);
    assert_eq!(desk.subscription(id, Subscription::to_bytes).as_ref(), desk.application().saved.borrow().last());
    for _ in 0..3 {
        assert_eq!((desk.poll().send, saved()), (vec![], 2));
    }
    desk.unreachable(&first);
    let second = desk.poll().send.remove(0);
    assert_ne!(first.destination, second.destination);

    let told = OffersMessage::InvoiceError(InvoiceError::new("no paper today").unwrap());
    let told = OutgoingMessage { message: told, ..first.clone() };
    assert_eq!(other.receive(incoming(&told, back(&first)), None), Err(NotOurs));
    assert_eq!(desk.receive(incoming(&told, back(&first)), None), Ok(None));
    assert_eq!(desk.application().refused.borrow().len(), 0);
    // Said again, it is refused; over the other path, it is the end of this payment.
    assert_eq!(desk.receive(incoming(&told, back(&first)), None), Ok(None));
    assert_eq!(desk.application().refused.borrow()[..], [ErrorKind::AlreadyAnswered]);
    assert_eq!(desk.receive(incoming(&told, back(&second)), None), Ok(None));
    let stopped_by = |end: fn(&EndReason) -> bool| {
        desk.subscription(id, |it| match it.state(NOW) {
            SubscriptionState::Stopped(_, why) => end(why),
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(stopped_by(|end| matches!(end, EndReason::Refused(_))), Some(true));

    desk.update_subscription(id, Subscription::try_again);
    let asked = desk.poll().send.remove(0);
    desk.unsendable(&asked, &std::fmt::Error);
    assert_eq!((stopped_by(|end| *end == EndReason::Unsendable), desk.application().given_up.get()), (Some(true), 1));
    desk.update_subscription(id, Subscription::try_again);
    let asked = pay(&desk, id);
    // What is paid goes on being paid, and nothing is given up that is over.
    desk.unsendable(&asked, &std::fmt::Error);
    desk.update_subscription(id, Subscription::cancel);
    let cancels = desk.poll().send.remove(0);
    desk.unsendable(&cancels, &std::fmt::Error);
    assert_eq!(desk.application().given_up.get(), 1);
    // What cannot get there one way is said another way.
    assert_eq!(desk.poll().send, []);
    desk.unreachable(&cancels);
    let other_way = desk.poll().send.remove(0);
    assert_ne!(other_way.destination, cancels.destination);
    assert_eq!(other_way.message, cancels.message);
    let is_paid = |it: &Subscription| matches!(it.payment().unwrap().state(), State::Paid(_));
    assert!(desk.subscription(id, is_paid).unwrap());
}

/// Looks at its desk when it is asked for a rate.
struct Curious {
    desk: Weak<Desk<Curious>>,
}

impl Application for Curious {
    fn now(&self) -> UnixTime {
        NOW
    }

    fn invoice_request(&self, _: ReceivedRequest, _: Option<&Keypair>) -> Option<OutgoingMessage> {
        None
    }

    fn rate(&self, _: CurrencyCode) -> Option<Rate> {
        assert!(format!("{:?}", self.desk.upgrade().unwrap()).contains("subscriptions: 1"));
        rate(100_000)
    }
}

/// Whoever is asked for a rate may look at the desk, and take its time: nothing is locked.
#[test]
fn a_rate_is_asked_for_when_nothing_is_locked() {
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        let offer = offer(&desk());
        let desk =
            Arc::new_cyclic(|desk| Desk::new(Curious { desk: desk.clone() }, Payee::new([1; 32]), Payer::new([2; 32])));
        let draft = desk.payer().subscribe(&offer, NOW, CHAINS).unwrap().rate(rate(100_000).unwrap());
        let draft = draft.limit(Limit::Tolerance { basis_points: 100 });
        desk.add_subscription(draft.start([4; 32], NOW, UnixTime(NOW.0 + 600)).unwrap());
        done.send(desk.poll().send.len()).unwrap();
    });
    assert_eq!(is_done.recv_timeout(Duration::from_secs(60)), Ok(1), "it waits for itself");
}

// REC-3: LDK reads no request of a subscription, so none goes over its onion messages, and that is said.
#[test]
fn ldk_carries_no_subscription() {
    let desk = desk();
    let offer = offer_for(&desk, OfferAmount::Bitcoin(Msat(3_000)));
    let draft = desk.payer().subscribe(&offer, NOW, CHAINS).unwrap();
    let id = desk.add_subscription(draft.start([4; 32], NOW, UnixTime(NOW.0 + 600)).unwrap());
    let handler = OffersHandler::new(&desk, IgnoringMessageHandler {});
    handler.poll();
    assert_eq!(desk.application().given_up.get(), 1);
    let has_stopped = |it: &Subscription| matches!(it.state(NOW), SubscriptionState::Stopped(_, EndReason::Unsendable));
    assert!(desk.subscription(id, has_stopped).unwrap());
    assert_eq!(handler.release_pending_messages().len(), 0);
}
