//! Subscriptions at a desk: asked for, answered, paid and cancelled like payments.

#[path = "../../tests/common/messages.rs"]
mod messages;
#[path = "../../tests/common/naive.rs"]
mod naive;

use std::cell::{Cell, RefCell};

use bolt12::exchange::{
    Activity, EndReason, Event, ExpectedPayment, IncomingMessage, Limit, ManagerLimits, MessageArrival, OffersManager,
    OutgoingMessage, Payee, Payer, ReceivedRequest, Save, State, Subscribers, Subscription, SubscriptionEnd,
    SubscriptionId, Terms,
};
use bolt12::lightning::ldk::ln::peer_handler::IgnoringMessageHandler;
use bolt12::lightning::ldk::onion_message::offers::OffersMessageHandler;
use bolt12::lightning::{Application, Desk, OffersHandler};
use bolt12::secp256k1::Keypair;
use bolt12::{
    ChainHash, CurrencyCode, MinorUnits, Msat, Offer, OfferAmount, OfferBuilder, Rate, Recurrence, TimeUnit, UnixTime,
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
    saved: RefCell<Vec<Vec<u8>>>,
    told: RefCell<Vec<Event>>,
    expected: RefCell<Vec<ExpectedPayment>>,
    subscribers: RefCell<Subscribers>,
    cancelled: Cell<bool>,
}

impl Application for Shop {
    fn now(&self) -> UnixTime {
        UnixTime(NOW.0 + self.now.get())
    }

    fn invoice_request(&self, request: ReceivedRequest, _: Option<&Keypair>) -> Option<OutgoingMessage> {
        let mut subscribers = self.subscribers.borrow_mut();
        if request.cancels() {
            self.cancelled.set(subscribers.cancel(&request));
            return None;
        }
        let terms = Terms { rate: Some(rate(100_000)), ..Terms::new(self.now(), CHAINS) };
        let context = subscribers.context(&request).unwrap();
        let accepted = request.accept_recurring(&terms, &context).unwrap();
        let expected = accepted.expected_payment();
        let invoice = accepted.invoice(expected.payment_hash()).add_path(path(1), &payinfo()).build().unwrap();
        self.expected.borrow_mut().push(expected);
        let invoice = accepted.sign(invoice).unwrap();
        accepted.answer(invoice).ok()
    }

    fn save(&self, save: &Save) -> bool {
        self.saved.borrow_mut().push(save.state.clone().unwrap());
        true
    }

    fn event(&self, event: Event) {
        self.told.borrow_mut().push(event);
    }
}

fn rate(dollars: u64) -> Rate {
    Rate::per_bitcoin(usd(), &dollars.to_string()).unwrap()
}

fn manager() -> OffersManager {
    OffersManager::new(Payer::new([2; 32]), Payee::new([1; 32]), ManagerLimits::default())
}

/// Three dollars a day, over two paths.
fn offer(desk: &Desk<Shop>, amount: OfferAmount) -> Offer {
    let new = desk.payee().new_offer([3; 16]);
    let builder = OfferBuilder::new(new.issuer_id()).description("a paper").amount(amount);
    let builder = builder.recurrence(Recurrence::every(1, TimeUnit::Days).unwrap());
    let path = |at: u8| {
        let path = bolt12::onion::BlindedPathBuilder::new(key(9).public_key()).path_id(new.path_id(at).0);
        path.build([8 + at; 32]).unwrap()
    };
    new.build(builder.add_path(path(0)).add_path(path(1))).unwrap()
}

fn subscribe(desk: &Desk<Shop>) -> SubscriptionId {
    let offer = offer(desk, OfferAmount::Currency { currency: usd(), amount: MinorUnits(300) });
    let draft = desk.payer().subscribe(&offer, NOW, CHAINS).unwrap().rate(rate(100_000));
    let draft = draft.limit(Limit::Tolerance { basis_points: 100 });
    let subscription = draft.start([4; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    desk.update(|manager, now| manager.add_subscription(subscription, now)).unwrap()
}

fn told(desk: &Desk<Shop>) -> Vec<Event> {
    std::mem::take(&mut desk.application().told.borrow_mut())
}

fn to_shop(desk: &Desk<Shop>, asked: &OutgoingMessage) -> Option<OutgoingMessage> {
    let path_id = desk.payee().new_offer([3; 16]).path_id(0);
    let reply_path = Some(path(1));
    let (kind, bytes) = (asked.message.kind(), asked.message.as_bytes().to_vec());
    desk.receive(IncomingMessage { kind, bytes, arrival: MessageArrival::Path(path_id), reply_path }, None).unwrap()
}

/// Asks, is answered, and pays.
fn pay(desk: &Desk<Shop>, id: SubscriptionId) {
    let asked = desk.poll().send.remove(0);
    let answer = to_shop(desk, &asked).unwrap();
    let arrival = MessageArrival::Path(asked.reply_path_id.unwrap());
    let (kind, bytes) = (answer.message.kind(), answer.message.as_bytes().to_vec());
    let answer = IncomingMessage { kind, bytes, arrival, reply_path: None };
    assert_eq!(desk.receive(answer, None), Ok(None));
    // What was authorised is begun.
    assert_eq!(told(desk), [Event::Payable(id.into())]);
    let expected = desk.application().expected.borrow().last().unwrap().clone();
    desk.application().subscribers.borrow_mut().take(&expected, b"htlc").unwrap();
    desk.update(|manager, now| manager.paid(expected.preimage, now)).unwrap();
    assert_eq!(told(desk), [Event::Paid(id.into())]);
}

/// REC-3, REC-11, REC-12: three days, a crash after each, and the end. A rate is asked for when something is due.
#[test]
fn a_subscription_is_paid_at_a_desk() {
    let mut desk = Desk::new(Shop::default(), manager());
    let id = subscribe(&desk);
    let mut next = NOW;
    for day in 1..=3 {
        desk.application().now.set(next.0 - NOW.0);
        assert_eq!(desk.poll().send, []);
        assert_eq!(told(&desk), [Event::RateNeeded(usd())]);
        desk.update(|manager, now| manager.set_rate(rate(100_000), now));
        pay(&desk, id);
        let due = desk.poll();
        next = due.next.unwrap();
        assert_eq!(due.send, []);
        // In its window, and not in the same second as everybody else.
        assert!(next.0 > NOW.0 + (day - 1) * DAY && next.0 <= NOW.0 + day * DAY + 3_600, "{next}");
        assert_eq!(desk.look(|manager| manager.subscription(id, Subscription::payments_made)), Ok(day as u32));
        let mut again = manager();
        let states = desk.application().saved.borrow().last().cloned().map(|state| ((), state));
        assert_eq!(again.load(states, next).count, 1);
        let before = desk.application();
        let (now, subscribers) = (Cell::new(next.0 - NOW.0), before.subscribers.clone());
        let shop = Shop { now, subscribers, ..Shop::default() };
        desk = Desk::new(shop, again);
    }
    desk.update(|manager, now| manager.cancel(id, now)).unwrap();
    assert_eq!(told(&desk), [Event::Ended(id.into())]);
    let due = desk.poll();
    assert_eq!((due.send.len(), due.next), (1, None));
    assert_eq!(to_shop(&desk, &due.send[0]), None);
    assert!(desk.application().cancelled.get());
    let activity = desk.look(|manager| manager.status(id, NOW)).unwrap().activity;
    assert_eq!(activity, Activity::Over(SubscriptionEnd::Cancelled));
    let is_paid = |it: &Subscription| matches!(it.payment().unwrap().state(), State::Paid(_));
    assert_eq!(desk.look(|manager| manager.subscription(id, is_paid)), Ok(true));
}

// REC-3: LDK reads no request of a subscription, so none goes over its onion messages, and that is said.
#[test]
fn ldk_carries_no_subscription() {
    let desk = Desk::new(Shop::default(), manager());
    let offer = offer(&desk, OfferAmount::Bitcoin(Msat(3_000)));
    let draft = desk.payer().subscribe(&offer, NOW, CHAINS).unwrap();
    let subscription = draft.start([4; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    let id = desk.update(|manager, now| manager.add_subscription(subscription, now)).unwrap();
    let handler = OffersHandler::new(&desk, IgnoringMessageHandler {});
    handler.poll();
    assert_eq!(told(&desk), [Event::Stopped(id.into())]);
    let activity = desk.look(|manager| manager.status(id, NOW)).unwrap().activity;
    assert_eq!(activity, Activity::Stopped(EndReason::Unsendable));
    assert_eq!(handler.release_pending_messages().len(), 0);
}
