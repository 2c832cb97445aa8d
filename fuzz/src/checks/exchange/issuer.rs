//! Target `exchange_issuer`: requests that arrive at an issuer, and refunds that it claims, event by event.
//!
//! Payers ask, and what they ask is altered, repeated, and sent over other ways. What must hold: nobody who does not
//! answer an offer as it was made, over its way, hears anything, or costs a curve operation; who does is answered
//! with an invoice for no less than what is due, signed by the right key, and the same again whoever of the issuer's
//! replicas answers; and a claim ends, once.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use arbitrary::{Result, Unstructured};
use bolt12::exchange::{
    Accepted, Action, Claim, ClaimState, Destination, IncomingMessage, MaxAmount, MessageArrival, OffersMessage,
    OffersMessageKind, OutgoingMessage, PathId, Payee, Payment, ReceivedRequest, Retry, Terms,
};
use bolt12::secp256k1::Keypair;
use bolt12::{
    Error, ErrorKind, InvoiceError, InvoiceRequest, Msat, Offer, Preimage, Refund, RequestArrival, Rule, TlvStream,
    UnixTime,
};

use super::payer::chosen;
use super::sides::{self, CENTS, CHAINS, ISSUER_SECRET, NOW, OFFERS, deliver, issuer, offers, path, payer, rate};
use crate::checks::{errors, walk};

/// An issuer, event by event.
pub fn check(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let mut world = World { now: NOW, asked: Vec::new(), claim: None };
    for _ in 0..24 {
        if input.is_empty() || world.happens(&mut input).is_err() {
            break;
        }
    }
    if let Some(claiming) = &mut world.claim {
        claiming.ends();
    }
}

/// A payer's request on its way.
struct Asked {
    /// As the payer saved it.
    payment: Vec<u8>,
    sent: OutgoingMessage,
    key: Keypair,
}

struct World {
    now: UnixTime,
    asked: Vec<Asked>,
    claim: Option<Claiming>,
}

/// A second issuer with the same secret.
fn replica() -> &'static Payee {
    static REPLICA: OnceLock<Payee> = OnceLock::new();
    REPLICA.get_or_init(|| Payee::new(ISSUER_SECRET))
}

/// Another issuer, and its offers, which look the same.
fn stranger() -> &'static (Payee, [Offer; OFFERS]) {
    static STRANGER: OnceLock<(Payee, [Offer; OFFERS])> = OnceLock::new();
    STRANGER.get_or_init(|| {
        let issuer = Payee::new([9; 32]);
        let offers = sides::make_offers(&issuer);
        (issuer, offers)
    })
}

impl World {
    fn happens(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        match input.int_in_range(0..=9)? {
            0..=2 => self.somebody_asks(input)?,
            3..=6 => self.request_comes(input)?,
            7 => self.now = sides::another_time(input, self.now, UnixTime(NOW.0 + 100))?,
            8 => self.payment_comes(input)?,
            _ => match &mut self.claim {
                Some(claiming) => claiming.happens(input, self.now)?,
                None => self.claim = Claiming::begin(input, self.now)?,
            },
        }
        Ok(())
    }

    fn somebody_asks(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let offers = if input.ratio(1, 8)? { &stranger().1 } else { offers() };
        let offer = &offers[input.int_in_range(0..=OFFERS - 1)?];
        let draft = payer().draft(offer, NOW, CHAINS).expect("usable then");
        let draft = chosen(input, draft)?;
        let Ok(mut payment) = draft.start([input.arbitrary()?; 32], NOW, UnixTime(NOW.0 + 1_000)) else {
            return Ok(());
        };
        for now in [0, 100].map(|later| UnixTime(NOW.0 + later)) {
            // Over the first path, and over the second.
            let Ok(Action::Send(sent)) = payment.poll(now) else { continue };
            let OffersMessage::InvoiceRequest(request) = &sent.message else { panic!("a request") };
            let key = payer().keypair(request).expect("an own request");
            self.asked.push(Asked { payment: payment.to_bytes(), sent: *sent, key });
        }
        Ok(())
    }

    /// What was asked arrives, as it was or altered, over its way or another.
    fn request_comes(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        if self.asked.is_empty() {
            return Ok(());
        }
        let asked = &self.asked[input.choose_index(self.asked.len())?];
        let mut incoming = deliver(&asked.sent);
        if input.ratio(1, 3)? {
            incoming.bytes = sides::altered(input, incoming.bytes, 0)?;
        }
        if input.ratio(1, 3)? {
            incoming.bytes = sides::altered(input, incoming.bytes, 80)?;
        }
        if input.ratio(3, 4)? {
            incoming.bytes = sides::signed_again(incoming.bytes, "invoice_request", &asked.key);
        }
        if input.ratio(1, 4)? {
            incoming.arrival = another_way(input, &incoming.arrival)?;
        }
        if input.ratio(1, 16)? {
            incoming.reply_path = None;
        }
        let terms = Terms {
            rate: match input.int_in_range(0..=3)? {
                0 => None,
                1 => Some(rate(input.arbitrary()?)),
                _ => Some(rate(CENTS)),
            },
            max_amount: match input.int_in_range(0..=4)? {
                0 => MaxAmount::Msat(Msat(input.arbitrary::<u16>()?.into())),
                1 => MaxAmount::TimesPrice(input.arbitrary::<u8>()?.into()),
                _ => MaxAmount::Any,
            },
            ..Terms::new(self.now, CHAINS)
        };
        let Some(answer) = arrives(&incoming, &terms) else { return Ok(()) };
        assert_eq!(answer.reply_path_id, None, "MSG-4");
        assert_eq!(Some(answer.destination.clone()), incoming.reply_path.map(Destination::Path), "MSG-3");
        // The payer takes the answer to what it asked, and no other.
        let is_own = incoming.bytes == asked.sent.message.as_bytes();
        let mut payment: Payment = payer().load(&asked.payment).expect("what was saved can be loaded");
        let heard = deliver(&answer);
        let in_time = self.now <= payment.deadline();
        match answer.message {
            OffersMessage::Invoice(invoice) => {
                let heard = payment.receive(heard, self.now);
                // Over another path of an offer without issuer id, another key signs (IVR-9).
                if !is_own || !in_time || incoming.arrival == sides::arrival(&asked.sent.destination) {
                    assert_eq!(heard.is_ok(), is_own && in_time, "{heard:?} {invoice:?}");
                }
            }
            OffersMessage::InvoiceError(_) => assert_eq!(payment.receive(heard, self.now).is_ok(), in_time),
            other => panic!("an answer that asks: {other:?}"),
        }
        Ok(())
    }

    /// Whoever pays without an invoice of ours is not expected.
    fn payment_comes(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let (preimage, path_id) = (Preimage([input.arbitrary()?; 32]), PathId(input.arbitrary()?));
        assert_eq!(issuer().expected_payment(preimage.payment_hash(), &path_id.0), None);
        Ok(())
    }
}

/// A request arrives everywhere, and what is answered by the issuer itself is to be sent.
fn arrives(incoming: &IncomingMessage, terms: &Terms<'_>) -> Option<OutgoingMessage> {
    let read = InvoiceRequest::try_from(incoming.bytes.as_slice());
    let expected = arrival(issuer(), offers(), incoming);
    let received = received(issuer(), incoming, &read, expected);
    let of_stranger = arrival(&stranger().0, &stranger().1, incoming);
    assert!(expected.is_none() || of_stranger.is_none());
    let strangers = self::received(&stranger().0, incoming, &read, of_stranger);
    if strangers.is_ok() {
        assert!(received.is_err(), "another's offer");
    }
    let received = match received {
        Ok(received) => received,
        Err(answer) => {
            assert_eq!(self::received(replica(), incoming, &read, expected).err(), Some(answer.clone()));
            return answer.map(|answer| *answer);
        }
    };
    let again = self::received(replica(), incoming, &read, expected).expect("replicas agree");
    assert_eq!(again.to_bytes(), received.to_bytes());
    let loaded = replica().load_received(&received.to_bytes()).expect("what was saved can be loaded");
    assert_eq!(loaded.to_bytes(), received.to_bytes());
    let answer = accepted(received, terms);
    assert_eq!(accepted(loaded, terms), answer, "the same again");
    answer
}

/// How a request has to be taken: with one of the issuer's offers as it was made, over its way.
fn arrival(issuer: &Payee, offers: &[Offer; OFFERS], incoming: &IncomingMessage) -> Option<RequestArrival> {
    incoming.reply_path.as_ref()?;
    let tlvs = TlvStream::read(incoming.bytes.clone()).ok()?;
    let of_offer = |tlvs: &TlvStream| [tlvs.range(&(1..=79)), tlvs.range(&(1_000_000_000..=1_999_999_999))].concat();
    let at = offers.iter().position(|offer| of_offer(offer.tlvs()) == of_offer(&tlvs))?;
    let paths: Vec<_> = offers[at].paths().into_iter().flat_map(|paths| paths.iter()).collect();
    match incoming.arrival {
        MessageArrival::Direct if paths.is_empty() => Some(RequestArrival::Direct),
        MessageArrival::Path(path_id) => {
            let new = issuer.new_offer(sides::nonce(at));
            let at = (0..paths.len()).find(|at| new.path_id(*at as u8) == path_id)?;
            Some(RequestArrival::OfferPath(paths[at].last_blinded_node_id()))
        }
        _ => None,
    }
}

/// Or the answer to a refusal. `read` is what the bytes are by themselves, and `expected` how they have to be taken, if
/// they have.
fn received(
    issuer: &Payee,
    incoming: &IncomingMessage,
    read: &std::result::Result<InvoiceRequest, Error>,
    expected: Option<RequestArrival>,
) -> std::result::Result<ReceivedRequest, Option<Box<OutgoingMessage>>> {
    match issuer.receive(incoming.clone()) {
        Ok(received) => {
            assert_eq!(Some(received.request()), read.as_ref().ok(), "what is received is a request");
            assert_eq!(Some(received.arrival()), expected, "RQR-6, RQR-7");
            Ok(received)
        }
        Err(refused) => {
            errors::any(refused.error());
            match expected {
                None => assert!(refused.is_cheap() && refused.answer().is_none(), "RQR-6, RQR-7"),
                Some(_) => {
                    let error = read.as_ref().expect_err("an own offer, over its way");
                    assert!(!refused.is_cheap());
                    assert_eq!((refused.error().kind(), refused.error().rule()), (error.kind(), error.rule()));
                }
            }
            Err(refused.into_answer().map(Box::new))
        }
    }
}

fn accepted(received: ReceivedRequest, terms: &Terms<'_>) -> Option<OutgoingMessage> {
    let (request, due) = (received.request().clone(), received.due(terms.rate));
    let arrival = received.arrival();
    let accepted = match received.accept(terms) {
        Ok(accepted) => accepted,
        Err(refused) => {
            errors::any(refused.error());
            assert!(!refused.is_cheap());
            if let Some(OutgoingMessage { message: OffersMessage::InvoiceError(told), .. }) = refused.answer() {
                walk::text(told.error().as_ref().expect("it says why"));
            }
            if let ErrorKind::AmountTooLow { min } = refused.error().kind() {
                assert!(request.amount() < Some(*min) && due == Ok(Some(*min)));
            }
            return refused.into_answer();
        }
    };
    let due = due.expect("what is accepted has a price that is known");
    assert_eq!(accepted.due(), due);
    assert_eq!(Some(accepted.amount()), request.amount().or(due));
    assert!(due.is_none_or(|due| due <= accepted.amount()), "RQR-9");
    assert!(request.offer().absolute_expiry().is_none_or(|expiry| terms.now <= expiry), "OFR-9");
    match (terms.max_amount, due) {
        (MaxAmount::Msat(max), _) => assert!(accepted.amount() <= max),
        (MaxAmount::TimesPrice(times), Some(due)) => {
            assert!(u128::from(accepted.amount().0) <= u128::from(due.0) * u128::from(times));
        }
        _ => {}
    }
    // IVW-3
    match (request.offer().issuer_id(), arrival) {
        (Some(issuer_id), _) => assert_eq!(accepted.node_id(), issuer_id),
        (None, RequestArrival::OfferPath(last)) => assert_eq!(last, accepted.node_id()),
        (None, arrival) => panic!("who signs? {arrival:?}"),
    }
    let loaded = replica().load_accepted(&accepted.to_bytes()).expect("what was saved can be loaded");
    assert_eq!(loaded.to_bytes(), accepted.to_bytes());
    Some(invoiced(accepted))
}

fn invoiced(accepted: Accepted) -> OutgoingMessage {
    let (_, unsigned) = sides::unsigned(&accepted).expect("a valid invoice");
    let invoice = sides::sign(&accepted, unsigned);
    assert_eq!((invoice.amount(), invoice.node_id()), (accepted.amount(), accepted.node_id()));
    let repeated = |tlvs: &TlvStream| [tlvs.range(&(0..=159)), tlvs.range(&(1_000_000_000..=2_999_999_999))].concat();
    assert_eq!(repeated(invoice.tlvs()), repeated(accepted.request().tlvs()), "IVW-1");
    assert_eq!(invoice.created_at(), accepted.created_at());
    accepted.answer(invoice).expect("the invoice of this request")
}

fn another_way(input: &mut Unstructured<'_>, arrival: &MessageArrival) -> Result<MessageArrival> {
    let offer = sides::nonce(input.int_in_range(0..=OFFERS)?);
    let position = input.int_in_range(0..=2)?;
    Ok(match (input.int_in_range(0..=5)?, arrival) {
        (0, _) => MessageArrival::Direct,
        (1, _) => MessageArrival::OtherPath,
        (2, _) => MessageArrival::Path(PathId(input.arbitrary()?)),
        (3, _) => MessageArrival::Path(stranger().0.new_offer(offer).path_id(position)),
        (4, MessageArrival::Path(PathId(bytes))) => {
            let mut bytes = *bytes;
            bytes[input.choose_index(32)?] ^= input.arbitrary::<u8>()?;
            MessageArrival::Path(PathId(bytes))
        }
        _ => MessageArrival::Path(issuer().new_offer(offer).path_id(position)),
    })
}

/// A refund that is claimed.
struct Claiming {
    claim: Claim,
    refund: Refund,
    deadline: UnixTime,
    ways: Vec<PathId>,
    /// The ways over which a refusal came.
    came: BTreeSet<[u8; 32]>,
    /// How it ended, once it has.
    over: Option<ClaimState>,
}

impl Claiming {
    fn begin(input: &mut Unstructured<'_>, now: UnixTime) -> Result<Option<Self>> {
        let new = payer().new_refund([input.arbitrary()?; 32]);
        let expiry = UnixTime(NOW.0 + u64::from(input.arbitrary::<u8>()?) * 10);
        let paths = [new.path_id(0), new.path_id(1)];
        let refund = new.builder("a cup that broke", Msat(5_000)).absolute_expiry(expiry);
        let refund = paths.iter().fold(refund, |refund, id| refund.add_path(path(*id, 3)));
        let payment = new.publish(refund, NOW).expect("not expired yet");
        let refund = payment.refund().expect("a refund").clone();
        let claimed = match issuer().claim(&refund, now, CHAINS) {
            Ok(claimed) => claimed,
            Err(error) => {
                assert_eq!(error.rule(), Rule::Ofr9);
                assert!(now > expiry);
                return Ok(None);
            }
        };
        let expected = claimed.expected_payment();
        let invoice = claimed
            .invoice(expected.payment_hash())
            .add_path(sides::path_of(expected.path_id.as_ref(), 2), &sides::payinfo());
        let deadline = UnixTime(now.0.saturating_add(input.arbitrary::<u16>()?.into()));
        let invoice = invoice.build().expect("a valid invoice");
        let claim = claimed.sign(invoice, deadline, Retry::default());
        let claim = claim.expect("its own invoice");
        assert_eq!(claim.invoice().amount(), refund.amount());
        let deadline = deadline.min(expiry).min(claim.invoice().expires_at());
        Ok(Some(Self { claim, refund, deadline, ways: Vec::new(), came: BTreeSet::new(), over: None }))
    }

    fn happens(&mut self, input: &mut Unstructured<'_>, now: UnixTime) -> Result<()> {
        match input.int_in_range(0..=5)? {
            0..=2 => self.polls(now),
            3 => self.hears(input, now)?,
            4 => match self.ways.last() {
                Some(way) if input.arbitrary()? => self.claim.unreachable(way, now),
                _ => self.claim.unreachable(&PathId(input.arbitrary()?), now),
            },
            _ => {
                self.claim.paid();
                self.over = Some(ClaimState::Paid);
            }
        }
        let bytes = self.claim.to_bytes();
        let loaded = replica().load_claim(&bytes).expect("what was saved can be loaded");
        assert_eq!((loaded.to_bytes(), loaded.state(), loaded.id()), (bytes, self.claim.state(), self.claim.id()));
        self.claim = loaded;
        match (&self.over, self.claim.state()) {
            (None, ClaimState::Sending) => {}
            (None, state) => self.over = Some(state.clone()),
            (Some(over), state) => assert_eq!(over, state, "what is over is over"),
        }
        Ok(())
    }

    fn polls(&mut self, now: UnixTime) {
        match self.claim.poll(now).expect("an invoice is there to be sent") {
            Action::Send(outgoing) => {
                assert!(now <= self.deadline && self.over.is_none());
                assert_eq!(outgoing.message.as_bytes(), self.claim.invoice().as_bytes());
                let Destination::Path(path) = &outgoing.destination else { panic!("the refund has paths") };
                assert!(self.refund.paths().expect("two").iter().any(|other| other == *path));
                let way = outgoing.reply_path_id.expect("whoever refuses says why");
                assert_eq!(issuer().claim_of(&MessageArrival::Path(way)), Some(self.claim.id()));
                self.ways.push(way);
            }
            Action::WaitUntil(time) => assert!(time > now && self.over.is_none()),
            Action::Sign | Action::Nothing => assert_ne!(*self.claim.state(), ClaimState::Sending),
        }
    }

    fn hears(&mut self, input: &mut Unstructured<'_>, now: UnixTime) -> Result<()> {
        let mut bytes = InvoiceError::new("no").expect("a text").into_bytes();
        if input.ratio(1, 4)? {
            bytes = sides::altered(input, bytes, 0)?;
        }
        let arrival = match self.ways.last() {
            Some(way) if input.ratio(1, 2)? => MessageArrival::Path(*way),
            _ => another_way(input, &MessageArrival::OtherPath)?,
        };
        let is_way = matches!(arrival, MessageArrival::Path(way) if self.ways.contains(&way));
        let before = self.claim.to_bytes();
        let incoming = IncomingMessage { kind: OffersMessageKind::InvoiceError, bytes, arrival, reply_path: None };
        match self.claim.receive(incoming, now) {
            Ok(()) => {
                assert!(is_way && self.over.is_none());
                if let MessageArrival::Path(way) = arrival {
                    assert!(self.came.insert(way.0), "said again, it says nothing");
                }
                // EXC-14: one way ends nothing.
                assert_eq!(matches!(self.claim.state(), ClaimState::Ended(_)), self.came.len() == 2);
            }
            Err(refused) => {
                errors::any(refused.error());
                assert!(refused.answer().is_none());
                assert_eq!(self.claim.to_bytes(), before, "EXC-6");
            }
        }
        Ok(())
    }

    fn ends(&mut self) {
        let after = UnixTime(self.deadline.0.saturating_add(1));
        assert_eq!(self.claim.poll(after), Ok(Action::Nothing));
        assert_ne!(*self.claim.state(), ClaimState::Sending);
    }
}
