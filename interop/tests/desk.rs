//! The desk tells its application what changed before anything is sent, and passes on what is not for it.

#[path = "../../tests/common/messages.rs"]
mod messages;
#[path = "../../tests/common/naive.rs"]
mod naive;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak, mpsc};
use std::time::Duration;

use bolt12::exchange::{
    Accepted, Activity, ConversationId, EndReason, Event, IncomingMessage, Limit, ManagerLimits, MessageArrival,
    OffersManager, OffersMessage, OutgoingMessage, PathId, Payee, Payer, PaymentId, ReceivedRequest, Refused, Save,
    State, Terms,
};
use bolt12::lightning::{Application, Desk, NotOurs, OffersHandler, arrival, context, ldk};
use bolt12::secp256k1::Keypair;
use bolt12::{
    ChainHash, ErrorKind, InvoiceError, MinorUnits, Msat, Offer, OfferAmount, OfferBuilder, Preimage, Rate, Refund,
    UnixTime,
};
use ldk::blinded_path::message::OffersContext;
use ldk::ln::peer_handler::IgnoringMessageHandler;
use ldk::offers::nonce::Nonce;
use ldk::onion_message::offers::OffersMessageHandler;
use ldk::types::payment::PaymentHash;

use messages::{NOW, key, path, payinfo};

const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];

/// Writes down what it is told.
#[derive(Default)]
struct Book {
    now: Cell<u64>,
    rate: Cell<Option<Rate>>,
    disk: RefCell<BTreeMap<ConversationId, Vec<u8>>>,
    saves: Cell<u32>,
    breaks: Cell<bool>,
    told: RefCell<Vec<Event>>,
    refused: RefCell<Vec<(ErrorKind, bool)>>,
    not_sent: RefCell<Vec<String>>,
}

impl Application for Book {
    fn now(&self) -> UnixTime {
        UnixTime(NOW.0 + self.now.get())
    }

    fn invoice_request(&self, request: ReceivedRequest, _: Option<&Keypair>) -> Option<OutgoingMessage> {
        let terms = Terms { rate: self.rate.get(), ..Terms::new(self.now(), CHAINS) };
        let accepted: Accepted = request.accept(&terms).ok()?;
        let invoice = accepted.invoice(PREIMAGE.payment_hash()).add_path(path(1), &payinfo()).build().unwrap();
        let invoice = accepted.sign(invoice).unwrap();
        accepted.answer(invoice).ok()
    }

    fn save(&self, save: &Save) -> bool {
        if self.breaks.get() {
            return false;
        }
        self.saves.set(self.saves.get() + 1);
        match &save.state {
            Some(state) => drop(self.disk.borrow_mut().insert(save.id, state.clone())),
            None => drop(self.disk.borrow_mut().remove(&save.id)),
        }
        true
    }

    fn event(&self, event: Event) {
        self.told.borrow_mut().push(event);
    }

    fn refused(&self, refused: &Refused) {
        self.refused.borrow_mut().push((refused.error().kind().clone(), refused.is_cheap()));
    }

    fn not_sent(&self, _: &OutgoingMessage, why: &dyn std::error::Error) {
        self.not_sent.borrow_mut().push(why.to_string());
    }
}

const PREIMAGE: Preimage = Preimage([5; 32]);

fn manager(number: u8) -> OffersManager {
    OffersManager::new(Payer::new([number + 1; 32]), Payee::new([number; 32]), ManagerLimits::default())
}

fn desk() -> Desk<Book> {
    Desk::new(Book::default(), manager(1))
}

fn offer(desk: &Desk<Book>) -> Offer {
    priced(desk, OfferAmount::Bitcoin(Msat(9_000)))
}

fn priced(desk: &Desk<Book>, price: OfferAmount) -> Offer {
    let new = desk.payee().new_offer([3; 16]);
    let path = bolt12::onion::BlindedPathBuilder::new(key(9).public_key()).path_id(new.path_id(0).0);
    let builder = OfferBuilder::new(new.issuer_id()).description("tea").amount(price);
    new.build(builder.add_path(path.build([8; 32]).unwrap())).unwrap()
}

fn begin(desk: &Desk<Book>, offer: &Offer) -> PaymentId {
    let draft = desk.payer().draft(offer, NOW, CHAINS).unwrap().limit(Limit::AtMost(Msat(4_000_000)));
    let payment = draft.start([4; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    desk.update(|manager, now| manager.add_payment(payment, now)).unwrap()
}

fn told(desk: &Desk<Book>) -> Vec<Event> {
    std::mem::take(&mut desk.application().told.borrow_mut())
}

/// What arrives at the other end.
fn incoming(outgoing: &OutgoingMessage, arrival: MessageArrival) -> IncomingMessage {
    let reply_path = outgoing.reply_path_id.map(|_| path(1));
    IncomingMessage { kind: outgoing.message.kind(), bytes: outgoing.message.as_bytes().to_vec(), arrival, reply_path }
}

fn back(asked: &OutgoingMessage) -> MessageArrival {
    MessageArrival::Path(asked.reply_path_id.unwrap())
}

// EXC-15
#[test]
fn what_is_sent_was_saved_and_what_waits_is_not_saved_again() {
    let desk = desk();
    let id = begin(&desk, &offer(&desk));
    let saves = || desk.application().saves.get();
    assert_eq!(saves(), 1);
    let due = desk.poll();
    let next = due.next.unwrap();
    assert_eq!((due.send.len(), saves()), (1, 2));
    // About five seconds: each payment draws its own delays.
    assert!((NOW.0 + 3..=NOW.0 + 7).contains(&next.0));
    // What was saved knows that it was sent.
    let saved = desk.application().disk.borrow()[&id.into()].clone();
    assert!(matches!(desk.payer().load(&saved).unwrap().state(), State::Asking { attempts: 1 }));
    for _ in 0..10 {
        let due = desk.poll();
        assert_eq!((due.send.len(), due.next, saves()), (0, Some(next), 2));
    }
    // What cannot be saved is not sent.
    desk.application().now.set(20);
    desk.application().breaks.set(true);
    assert_eq!(desk.poll().send, []);
    assert_eq!(told(&desk), [Event::NotSaved { id: id.into(), is_gone: false }]);
    desk.application().breaks.set(false);
    // The end is saved, once.
    desk.application().now.set(601);
    for _ in 0..10 {
        assert_eq!((desk.poll().next, saves()), (None, 3));
    }
    assert_eq!(told(&desk), [Event::Ended(id.into())]);
    desk.update(|manager, _| manager.remove(id)).unwrap();
    assert!(desk.application().disk.borrow().is_empty() && desk.look(OffersManager::is_empty));
}

/// A whole exchange, with a restart in the middle of it.
#[test]
fn a_whole_exchange_at_one_desk() {
    let mut desk = desk();
    let offer = offer(&desk);
    let id = begin(&desk, &offer);
    let asked = desk.poll().send.remove(0);
    let path_id = desk.payee().new_offer([3; 16]).path_id(0);
    let answer = desk.receive(incoming(&asked, MessageArrival::Path(path_id)), None).unwrap().unwrap();
    assert!(matches!(answer.message, OffersMessage::Invoice(_)));
    assert_eq!(desk.receive(incoming(&answer, back(&asked)), None), Ok(None));
    assert_eq!(told(&desk), [Event::Quoted(id.into())]);
    // Once more, late: ours, and refused.
    assert_eq!(desk.receive(incoming(&answer, back(&asked)), None), Ok(None));
    assert_eq!(desk.application().refused.borrow()[..], [(ErrorKind::AlreadyAnswered, false)]);
    let hash = PREIMAGE.payment_hash();
    desk.update(|manager, now| manager.begin(id, hash, now)).unwrap();
    assert_eq!(told(&desk), [Event::Payable(id.into())]);
    let mut again = manager(1);
    let states = desk.application().disk.borrow().clone();
    let loaded = again.load(states, NOW);
    assert_eq!(loaded.ask_node[0].payment_hashes, [hash]);
    desk = Desk::new(Book::default(), again);
    assert_eq!(desk.update(|manager, now| manager.paid(PREIMAGE, now)), Ok(id.into()));
    assert_eq!(told(&desk), [Event::Paid(id.into())]);
}

/// EXC-1, RQR-7: what is about nothing of ours is for somebody else.
#[test]
fn what_is_not_ours_is_passed_on() {
    let (desk, other) = (desk(), Desk::new(Book::default(), manager(3)));
    let id = begin(&desk, &offer(&desk));
    let asked = desk.poll().send.remove(0);
    let answer = OutgoingMessage { message: OffersMessage::Invoice(messages::invoice()), ..asked.clone() };
    let error = InvoiceError::new("no").unwrap();
    let error = OutgoingMessage { message: OffersMessage::InvoiceError(error), ..asked.clone() };
    let theirs = back(&asked);
    for arrival in [MessageArrival::Direct, MessageArrival::OtherPath, MessageArrival::Path(PathId([7; 32])), theirs] {
        assert_eq!(other.receive(incoming(&asked, arrival), None), Err(NotOurs));
        assert_eq!(other.receive(incoming(&answer, arrival), None), Err(NotOurs));
        assert_eq!(other.receive(incoming(&error, arrival), None), Err(NotOurs));
    }
    // A request of ours that came by the wrong way is not told apart from one that is not ours.
    assert_eq!(desk.receive(incoming(&asked, MessageArrival::Direct), None), Err(NotOurs));
    // An error by the right way is ours, and ends the payment.
    assert_eq!(desk.receive(incoming(&error, theirs), None), Ok(None));
    assert_eq!((told(&desk), desk.poll().next), (vec![Event::Ended(id.into())], None));
}

/// MSG-4: who sends a wrong invoice and wants to know why is told.
#[test]
fn a_wrong_invoice_is_answered() {
    let desk = desk();
    begin(&desk, &offer(&desk));
    let asked = desk.poll().send.remove(0);
    let path_id = desk.payee().new_offer([3; 16]).path_id(0);
    let answer = desk.receive(incoming(&asked, MessageArrival::Path(path_id)), None).unwrap().unwrap();
    let mut wrong = incoming(&answer, back(&asked));
    wrong.reply_path = Some(path(2));
    *wrong.bytes.last_mut().unwrap() ^= 1;
    assert_eq!(desk.receive(wrong, None), Ok(None));
    let sent = desk.poll().send;
    assert!(matches!(&sent[..], [OutgoingMessage { message: OffersMessage::InvoiceError(_), .. }]), "{sent:?}");
}

/// A claim, and an error about it.
#[test]
fn claims_are_sent_and_saved() {
    let desk = desk();
    let new = Payer::new([9; 32]).new_refund([1; 32]);
    let builder = new.builder("a cup", Msat(5_000)).add_path(path(1));
    let payment = new.publish(builder, NOW);
    let refund: Refund = payment.unwrap().refund().unwrap().clone();
    let accepted = desk.payee().claim(&refund, NOW, CHAINS).unwrap();
    let invoice = accepted.invoice(PREIMAGE.payment_hash()).add_path(path(1), &payinfo()).build().unwrap();
    let claim = accepted.sign(invoice, UnixTime(NOW.0 + 60), Default::default()).unwrap();
    let id = desk.update(|manager, now| manager.add_claim(claim, now)).unwrap();
    let sent = desk.poll().send.remove(0);
    assert_eq!(desk.application().saves.get(), 2);
    let error = InvoiceError::new("no").unwrap();
    let error = OutgoingMessage { message: OffersMessage::InvoiceError(error), ..sent.clone() };
    assert_eq!(desk.receive(incoming(&error, back(&sent)), None), Ok(None));
    assert_eq!(told(&desk), [Event::Ended(id.into())]);
}

/// Looks at its desk whenever it is called.
struct Curious {
    desk: Weak<Desk<Curious>>,
    calls: AtomicU32,
}

impl Curious {
    fn look(&self) {
        assert_eq!(self.desk.upgrade().unwrap().look(OffersManager::len), 1);
        self.calls.fetch_add(1, Ordering::Relaxed);
    }
}

impl Application for Curious {
    fn now(&self) -> UnixTime {
        NOW
    }

    fn invoice_request(&self, request: ReceivedRequest, _: Option<&Keypair>) -> Option<OutgoingMessage> {
        self.look();
        request.refuse(InvoiceError::new("no").unwrap())
    }

    fn save(&self, _: &Save) -> bool {
        self.look();
        true
    }

    fn event(&self, _: Event) {
        self.look();
    }

    fn refused(&self, _: &Refused) {
        self.look();
    }
}

/// Whoever is called may call the desk, and take its time: nothing is locked.
#[test]
fn nothing_is_locked_while_the_application_is_called() {
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        let offer = offer(&desk());
        let curious = |desk: &Weak<_>| Curious { desk: desk.clone(), calls: AtomicU32::new(0) };
        let desk = Arc::new_cyclic(|desk| Desk::new(curious(desk), manager(1)));
        let draft = desk.payer().draft(&offer, NOW, CHAINS).unwrap();
        let payment = draft.start([4; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
        desk.update(|manager, now| manager.add_payment(payment, now)).unwrap();
        let asked = desk.poll().send.remove(0);
        let path_id = desk.payee().new_offer([3; 16]).path_id(0);
        let error = desk.receive(incoming(&asked, MessageArrival::Path(path_id)), None).unwrap().unwrap();
        desk.receive(incoming(&error, back(&asked)), None).unwrap();
        desk.receive(incoming(&error, back(&asked)), None).unwrap();
        done.send(desk.application().calls.load(Ordering::Relaxed)).unwrap();
    });
    assert_eq!(is_done.recv_timeout(Duration::from_secs(60)), Ok(6), "it waits for itself");
}

/// A node's queue has an end, and what does not fit is told.
#[test]
fn no_more_waits_for_a_node_than_the_limit() {
    let desk = desk();
    begin(&desk, &offer(&desk));
    let asked = desk.poll().send.remove(0);
    let handler = OffersHandler::new(&desk, IgnoringMessageHandler {});
    for _ in 0..1_005 {
        handler.send(&asked);
    }
    let told = desk.application().not_sent.borrow().clone();
    assert_eq!(told, ["too many messages are waiting to be sent"; 5]);
    assert_eq!(handler.release_pending_messages().len(), 1_000);
    assert_eq!(handler.release_pending_messages().len(), 0);
}

/// LDK takes no request for an offer in dollars, whatever the way: the payment ends, at once.
#[test]
fn what_ldk_does_not_take_is_given_up() {
    let desk = desk();
    let price = OfferAmount::Currency { currency: "USD".parse().unwrap(), amount: MinorUnits(350) };
    let id = begin(&desk, &priced(&desk, price));
    let handler = OffersHandler::new(&desk, IgnoringMessageHandler {});
    assert_eq!(handler.poll(), Some(NOW));
    let why = "the lightning crate does not handle offers in USD";
    assert_eq!(desk.application().not_sent.borrow()[..], [why]);
    assert_eq!(told(&desk), [Event::Ended(id.into())]);
    let activity = desk.look(|manager| manager.status(id, NOW)).unwrap().activity;
    assert_eq!(activity, Activity::Ended(EndReason::Unsendable));
    assert_eq!((handler.poll(), handler.release_pending_messages().len()), (None, 0));
}

/// PTH-2: 32 bytes survive in what LDK keeps in a path, and no other kind of its contexts is taken for them.
#[test]
fn a_path_id_survives_in_a_context() {
    let id = PathId([0x5a; 32]);
    assert_eq!(arrival(Some(&context(&id))), MessageArrival::Path(id));
    assert_eq!(context(&id), OffersContext::InboundPayment { payment_hash: PaymentHash([0x5a; 32]) });
    assert_eq!(arrival(None), MessageArrival::Direct);
    let nonce = Nonce::try_from(&[1; 16][..]).unwrap();
    assert_eq!(arrival(Some(&OffersContext::InvoiceRequest { nonce })), MessageArrival::OtherPath);
    let payment_id = ldk::ln::channelmanager::PaymentId(id.0);
    assert_eq!(arrival(Some(&OffersContext::OutboundPayment { payment_id, nonce })), MessageArrival::OtherPath);
}
