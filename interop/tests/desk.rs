//! The desk tells its application what changed before anything is sent, and passes on what is not for it.

#[path = "../../tests/common/messages.rs"]
mod messages;
#[path = "../../tests/common/naive.rs"]
mod naive;

use std::cell::{Cell, RefCell};

use bolt12::exchange::{
    Accepted, Claim, EndReason, IncomingMessage, Limit, MessageArrival, OffersMessage, OutgoingMessage, PathId, Payee,
    Payer, Payment, PaymentId, ReceivedRequest, Refused, State, Terms,
};
use bolt12::lightning::{Application, Desk, NotOurs, OffersHandler, arrival, context, ldk};
use bolt12::secp256k1::Keypair;
use bolt12::{
    ChainHash, ErrorKind, InvoiceError, MinorUnits, Msat, Offer, OfferAmount, OfferBuilder, Rate, Refund, UnixTime,
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
    saved: RefCell<Vec<Vec<u8>>>,
    claims: Cell<u32>,
    refused: RefCell<Vec<(ErrorKind, bool)>>,
    not_sent: RefCell<Vec<String>>,
    given_up: RefCell<Vec<(bolt12::exchange::ConversationId, String)>>,
}

impl Application for Book {
    fn now(&self) -> UnixTime {
        UnixTime(NOW.0 + self.now.get())
    }

    fn invoice_request(&self, request: ReceivedRequest, _: Option<&Keypair>) -> Option<OutgoingMessage> {
        let terms = Terms { rate: self.rate.get(), ..Terms::new(self.now(), CHAINS) };
        let accepted: Accepted = request.accept(&terms).ok()?;
        let hash = bolt12::Preimage([5; 32]).payment_hash();
        let invoice = accepted.invoice(hash).add_path(path(1), &payinfo()).build().unwrap();
        let invoice = accepted.sign(invoice).unwrap();
        accepted.answer(invoice).ok()
    }

    fn payment_changed(&self, payment: &Payment) {
        self.saved.borrow_mut().push(payment.to_bytes());
    }

    fn claim_changed(&self, _: &Claim) {
        self.claims.set(self.claims.get() + 1);
    }

    fn refused(&self, refused: &Refused) {
        self.refused.borrow_mut().push((refused.error().kind().clone(), refused.is_cheap()));
    }

    fn not_sent(&self, _: &OutgoingMessage, why: &dyn std::error::Error) {
        self.not_sent.borrow_mut().push(why.to_string());
    }

    fn given_up(&self, id: bolt12::exchange::ConversationId, why: &dyn std::error::Error) {
        self.given_up.borrow_mut().push((id, why.to_string()));
    }
}

fn desk() -> Desk<Book> {
    Desk::new(Book::default(), Payee::new([1; 32]), Payer::new([2; 32]))
}

fn offer(desk: &Desk<Book>) -> Offer {
    priced(desk, OfferAmount::Bitcoin(Msat(9_000)))
}

fn priced(desk: &Desk<Book>, price: OfferAmount) -> Offer {
    let new = desk.issuer().new_offer([3; 16]);
    let path = bolt12::onion::BlindedPathBuilder::new(key(9).public_key()).path_id(new.path_id(0).0);
    let builder = OfferBuilder::new(new.issuer_id()).description("tea").amount(price);
    new.build(builder.add_path(path.build([8; 32]).unwrap())).unwrap()
}

fn begin(desk: &Desk<Book>, offer: &Offer) -> PaymentId {
    let draft = desk.payer().draft(offer, NOW, CHAINS).unwrap();
    desk.add_payment(draft.start([4; 32], NOW, UnixTime(NOW.0 + 600)).unwrap())
}

/// What arrives at the other end.
fn incoming(outgoing: &OutgoingMessage, arrival: MessageArrival) -> IncomingMessage {
    let reply_path = outgoing.reply_path_id.map(|_| path(1));
    IncomingMessage { kind: outgoing.message.kind(), bytes: outgoing.message.as_bytes().to_vec(), arrival, reply_path }
}

#[test]
fn what_is_sent_was_saved_and_what_waits_is_not_saved_again() {
    let desk = desk();
    let id = begin(&desk, &offer(&desk));
    let saved = || desk.application().saved.borrow().len();
    assert_eq!(saved(), 1);
    let due = desk.poll();
    let next = due.next.unwrap();
    assert_eq!((due.send.len(), saved()), (1, 2));
    // About five seconds: each payment draws its own delays.
    assert!((NOW.0 + 3..=NOW.0 + 7).contains(&next.0));
    // What was saved knows that it was sent.
    let last = desk.application().saved.borrow().last().unwrap().clone();
    assert!(matches!(desk.payer().load(&last).unwrap().state(), State::Asking { attempts: 1 }));
    for _ in 0..10 {
        let due = desk.poll();
        assert_eq!((due.send.len(), due.next, saved()), (0, Some(next), 2));
    }
    // The same payment in an older state does not take its place.
    assert_eq!((begin(&desk, &offer(&desk)), saved()), (id, 2));
    assert_eq!(desk.poll().send, []);
    // The end is saved, once.
    desk.application().now.set(601);
    for _ in 0..10 {
        assert_eq!((desk.poll().next, saved()), (None, 3));
    }
    assert!(desk.payment(id, |payment| matches!(payment.state(), State::Ended(_))).unwrap());
    desk.remove(id);
    assert_eq!(desk.payment(id, Payment::id), None);
}

#[test]
fn a_whole_exchange_at_one_desk() {
    let desk = desk();
    let offer = offer(&desk);
    let id = begin(&desk, &offer);
    let asked = desk.poll().send.remove(0);
    let path_id = desk.issuer().new_offer([3; 16]).path_id(0);
    let answer = desk.receive(incoming(&asked, MessageArrival::Path(path_id)), None).unwrap().unwrap();
    assert!(matches!(answer.message, OffersMessage::Invoice(_)));
    assert_eq!(desk.receive(incoming(&answer, MessageArrival::Path(asked.reply_path_id.unwrap())), None), Ok(None));
    assert!(desk.payment(id, |payment| matches!(payment.state(), State::Quoted(_))).unwrap());
    // Once more, late: ours, and refused.
    assert_eq!(desk.receive(incoming(&answer, MessageArrival::Path(asked.reply_path_id.unwrap())), None), Ok(None));
    assert_eq!(desk.application().refused.borrow()[..], [(ErrorKind::AlreadyAnswered, false)]);
}

fn rate(dollars: &str) -> Rate {
    Rate::per_bitcoin("USD".parse().unwrap(), dollars, 2).unwrap()
}

/// A payment of 3.50 dollars at 100,000 dollars a bitcoin, give or take 1.5 per cent, within ten minutes.
fn begin_in_dollars(desk: &Desk<Book>) -> PaymentId {
    let price = OfferAmount::Currency { currency: "USD".parse().unwrap(), amount: MinorUnits(350) };
    let offer = priced(desk, price);
    let draft = desk.payer().draft(&offer, NOW, CHAINS).unwrap().rate(rate("100000"));
    let draft = draft.limit(Limit::Tolerance { basis_points: 150 });
    desk.add_payment(draft.start([4; 32], NOW, UnixTime(NOW.0 + 600)).unwrap())
}

/// What is due is sent, and answered by an issuer with this rate.
fn answer_at(desk: &Desk<Book>, dollars: &str) {
    desk.application().rate.set(Some(rate(dollars)));
    let asked = desk.poll().send.remove(0);
    let path_id = desk.issuer().new_offer([3; 16]).path_id(0);
    let answer = desk.receive(incoming(&asked, MessageArrival::Path(path_id)), None).unwrap().unwrap();
    let back = MessageArrival::Path(asked.reply_path_id.unwrap());
    assert_eq!(desk.receive(incoming(&answer, back), None), Ok(None));
}

/// EXC-9: a payment that waits because of its price is asked for again by itself.
#[test]
fn a_price_above_the_limit_is_asked_for_again() {
    let desk = desk();
    let id = begin_in_dollars(&desk);
    for _ in 0..3 {
        answer_at(&desk, "50000");
        assert!(desk.payment(id, |payment| matches!(payment.state(), State::NeedsApproval { .. })).unwrap());
        let again = desk.poll().next.unwrap();
        assert!(again <= UnixTime(NOW.0 + 100), "{again}");
        desk.application().now.set(again.0 - NOW.0);
    }
    answer_at(&desk, "99000");
    let amount = |payment: &Payment| match payment.state() {
        State::Quoted(quote) => Some(quote.amount()),
        _ => None,
    };
    assert_eq!(desk.payment(id, amount).unwrap(), Some(Msat(3_535_354)));
}

/// EXC-7: a payment that waits because of its price has its deadline, and its end is told.
#[test]
fn a_price_above_the_limit_ends_at_the_deadline() {
    let desk = desk();
    let id = begin_in_dollars(&desk);
    answer_at(&desk, "50000");
    desk.application().now.set(601);
    let saved = desk.application().saved.borrow().len();
    assert_eq!(desk.poll().send, []);
    assert_eq!(desk.application().saved.borrow().len(), saved + 1);
    let end = desk.payment(id, |payment| match payment.state() {
        State::Ended(end) => Some(end.clone()),
        _ => None,
    });
    assert_eq!(end.unwrap(), Some(EndReason::TooExpensive { amount: Msat(7_000_000) }));
}

/// EXC-1, RQR-7: what is about nothing of ours is for somebody else.
#[test]
fn what_is_not_ours_is_passed_on() {
    let (desk, other) = (desk(), Desk::new(Book::default(), Payee::new([3; 32]), Payer::new([4; 32])));
    begin(&desk, &offer(&desk));
    let asked = desk.poll().send.remove(0);
    let answer = OutgoingMessage { message: OffersMessage::Invoice(messages::invoice()), ..asked.clone() };
    let told = InvoiceError::new("no").unwrap();
    let told = OutgoingMessage { message: OffersMessage::InvoiceError(told), ..asked.clone() };
    let theirs = MessageArrival::Path(asked.reply_path_id.unwrap());
    for arrival in [MessageArrival::Direct, MessageArrival::OtherPath, MessageArrival::Path(PathId([7; 32])), theirs] {
        assert_eq!(other.receive(incoming(&asked, arrival), None), Err(NotOurs));
        assert_eq!(other.receive(incoming(&answer, arrival), None), Err(NotOurs));
        assert_eq!(other.receive(incoming(&told, arrival), None), Err(NotOurs));
    }
    // A request of ours that came by the wrong way is not told apart from one that is not ours.
    assert_eq!(desk.receive(incoming(&asked, MessageArrival::Direct), None), Err(NotOurs));
    // An error by the right way is ours, and ends the payment.
    assert_eq!(desk.receive(incoming(&told, theirs), None), Ok(None));
    assert_eq!(desk.poll().next, None);
}

/// A claim, and an error about it.
#[test]
fn claims_are_sent_and_saved() {
    let desk = desk();
    let new = Payer::new([9; 32]).new_refund([1; 32]);
    let builder = new.builder("a cup", Msat(5_000)).add_path(path(1));
    let payment = new.publish(builder, NOW);
    let refund: Refund = payment.unwrap().refund().unwrap().clone();
    let accepted = desk.issuer().claim(&refund, NOW, CHAINS).unwrap();
    let hash = bolt12::Preimage([5; 32]).payment_hash();
    let invoice = accepted.invoice(hash).add_path(path(1), &payinfo()).build().unwrap();
    let id = desk.add_claim(accepted.sign(invoice, UnixTime(NOW.0 + 60), Default::default()).unwrap());
    let sent = desk.poll().send.remove(0);
    assert_eq!(desk.application().claims.get(), 2);
    // The same claim in an older state does not take its place.
    let older = desk.claim(id, |claim| claim.to_bytes()).unwrap();
    let told =
        OutgoingMessage { message: OffersMessage::InvoiceError(InvoiceError::new("no").unwrap()), ..sent.clone() };
    assert_eq!(desk.receive(incoming(&told, MessageArrival::Path(sent.reply_path_id.unwrap())), None), Ok(None));
    let has_ended = || desk.claim(id, |claim| matches!(claim.state(), bolt12::exchange::ClaimState::Ended(_))).unwrap();
    assert!(has_ended());
    desk.add_claim(desk.issuer().load_claim(&older).unwrap());
    assert!(has_ended());
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
    let new = desk.issuer().new_offer([3; 16]);
    let price = bolt12::OfferAmount::Currency { currency: "USD".parse().unwrap(), amount: bolt12::MinorUnits(350) };
    let offer = new.build(OfferBuilder::new(new.issuer_id()).description("tea").amount(price).add_path(path(1)));
    let offer = offer.unwrap();
    let draft = desk.payer().draft(&offer, NOW, CHAINS).unwrap().limit(Limit::AtMost(Msat(4_000_000)));
    let id = desk.add_payment(draft.start([4; 32], NOW, UnixTime(NOW.0 + 600)).unwrap());
    let handler = OffersHandler::new(&desk, IgnoringMessageHandler {});
    assert_eq!(handler.poll(), Some(NOW));
    let why = "the lightning crate does not handle offers in USD";
    assert_eq!(desk.application().not_sent.borrow()[..], [why]);
    assert_eq!(desk.application().given_up.borrow()[..], [(id.into(), why.to_owned())]);
    assert!(desk.payment(id, |payment| matches!(payment.state(), State::Ended(EndReason::Unsendable))).unwrap());
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
