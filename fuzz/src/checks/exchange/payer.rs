//! Target `exchange_payer`: one payment, and whatever happens to it, with a live issuer beside it.
//!
//! The input says what happens: messages come, right ones and others, over right ways and others; the clock goes
//! forward and back; the program crashes and loads what it saved last; the user and the node do their part. After
//! every event it must hold that nothing is paid twice, or above what was agreed to, or because of a message that
//! does not belong to the payment; that what is over stays over; and that what is saved says it all.

use std::collections::BTreeSet;
use std::mem::discriminant;
use std::sync::OnceLock;
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use bolt12::bitcoin::hashes::sha256;
use bolt12::exchange::{
    Action, Attempt, Draft, EndReason, FeeLimit, IncomingMessage, Limit, MAX_CLAIMS, MessageArrival, Objection,
    OffersMessage, OffersMessageKind, OutgoingMessage, PathId, Payee, Payment, Progress, Refused, Retry, State, Terms,
};
use bolt12::{ErrorKind, Field, Invoice, InvoiceError, Msat, Preimage, TlvStream, UnixTime};

use super::sides::{self, CENTS, CHAINS, NOW, deliver, issuer, offers, path, payer, rate};
use crate::checks::{errors, keys};

/// A payment, event by event.
pub fn check(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(Some(mut world)) = World::begin(&mut input) else { return };
    world.holds();
    for _ in 0..40 {
        if input.is_empty() || world.happens(&mut input).is_err() {
            break;
        }
        world.holds();
    }
    world.ends();
}

/// What the node knows about the money.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Money {
    Here,
    Leaving(sha256::Hash, Attempt),
    /// Back, as far as the node knows.
    Failed(sha256::Hash),
    Gone(sha256::Hash, Preimage),
}

/// A message that came, or might have.
#[derive(Clone)]
struct Answer {
    is_invoice: bool,
    incoming: IncomingMessage,
}

struct World {
    payment: Payment,
    now: UnixTime,
    /// What a crash leaves.
    saved: Vec<u8>,
    /// The most that was agreed to.
    max: Msat,
    money: Money,
    sent: Vec<OutgoingMessage>,
    /// The ways over which something came that was listened to.
    came: BTreeSet<[u8; 32]>,
    /// The most that the paths may cost beside.
    fees: FeeLimit,
    /// Whether the limits are what the draft said.
    is_first_limit: bool,
    /// Whose claims were declined.
    declined: BTreeSet<[u8; 33]>,
    /// The refund's paths.
    refund_paths: Vec<PathId>,
    /// Everything that was answered, to be altered and said again.
    answers: Vec<Answer>,
    preimages: Vec<Preimage>,
    /// How it ended, once it has.
    end: Option<EndReason>,
    /// The state that was looked at last.
    held: Vec<u8>,
    /// The last poll, unless something was done since.
    polled: Option<(UnixTime, bool)>,
}

impl World {
    /// Nothing if what is to be paid is refused.
    fn begin(input: &mut Unstructured<'_>) -> Result<Option<Self>> {
        let deadline = UnixTime(NOW.0 + u64::from(input.arbitrary::<u8>()?) * 4);
        let (mut refund_paths, mut fees) = (Vec::new(), FeeLimit::default());
        let payment = if input.ratio(1, 6)? {
            let new = payer().new_refund([9; 32]);
            refund_paths.extend([new.path_id(0), new.path_id(1)]);
            let refund = new.builder("a cup that broke", Msat(5_000)).absolute_expiry(deadline);
            let refund = refund_paths.iter().fold(refund, |refund, id| refund.add_path(path(*id, 3)));
            new.publish(refund, NOW)
        } else {
            let offer = &offers()[input.int_in_range(0..=sides::OFFERS - 1)?];
            let draft = payer().draft(offer, NOW, CHAINS).expect("usable now");
            let mut draft = chosen(input, draft)?;
            if input.ratio(1, 4)? {
                fees = some_fees(input)?;
                draft = draft.fee_limit(fees);
            }
            let (needs, entropy) = (draft.needs(), [input.arbitrary()?; 32]);
            let started = draft.start(entropy, NOW, deadline);
            assert!(needs.is_empty() || started.is_err(), "{needs:?}");
            started
        };
        let payment = match payment {
            Ok(payment) => payment,
            Err(error) => {
                errors::any(&error);
                return Ok(None);
            }
        };
        Ok(Some(Self {
            saved: payment.to_bytes(),
            max: payment.max_amount(),
            payment,
            now: NOW,
            money: Money::Here,
            sent: Vec::new(),
            came: BTreeSet::new(),
            fees,
            is_first_limit: true,
            declined: BTreeSet::new(),
            refund_paths,
            answers: Vec::new(),
            preimages: Vec::new(),
            end: None,
            held: Vec::new(),
            polled: None,
        }))
    }

    fn happens(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let polled = self.polled.take();
        match input.int_in_range(0..=23)? {
            0..=2 => drop(self.poll(polled)),
            3 | 4 => self.asks_and_is_answered(input)?,
            5 => self.is_answered(input)?,
            6..=8 => self.hears(input)?,
            9 | 10 => {
                let until = match self.payment.state() {
                    State::Quoted(quote) if input.arbitrary()? => quote.expires_at(),
                    _ => self.payment.deadline(),
                };
                self.now = sides::another_time(input, self.now, until)?;
            }
            11 | 12 => self.begins(input)?,
            13 => self.was_paid(input)?,
            14 => self.failed(input)?,
            15 => self.declined(),
            16 => self.unreachable(input)?,
            17 | 18 => self.hears_a_rate(input)?,
            19 => self.is_allowed(input)?,
            20 => self.is_restored(),
            21 => self.is_claimed_by_many(input)?,
            22 => self.declines_a_claim(input)?,
            _ => self.crashes(input)?,
        }
        Ok(())
    }

    /// What holds at any time.
    fn holds(&mut self) {
        let bytes = self.payment.to_bytes();
        let is_new = bytes != self.held;
        if is_new {
            let loaded = payer().load(&bytes).expect("what was saved can be loaded");
            assert_eq!(loaded.to_bytes(), bytes);
            assert_eq!(format!("{:?}", loaded.state()), format!("{:?}", self.payment.state()));
            assert_eq!(loaded.id(), self.payment.id());
            assert_eq!((self.payment.max_amount(), loaded.max_amount()), (self.max, self.max));
            self.held = bytes;
        }
        match (self.payment.state(), self.money) {
            (State::Paying(payable), Money::Leaving(hash, attempt)) => {
                assert_eq!((payable.payment_hash(), payable.attempt()), (hash, attempt));
                assert!(payable.amount() <= self.max, "EXC-7");
                // EXC-10
                assert_eq!(payable.limits(), self.fees.of(payable.amount()));
                assert!(!payable.paths().is_empty());
                for (_, payinfo) in payable.paths() {
                    let fee = payinfo.fee(payable.amount()).expect("it was compared");
                    assert!(fee <= payable.limits().max_fee);
                    assert!(u32::from(payinfo.cltv_expiry_delta) <= self.fees.max_cltv_expiry_delta);
                }
            }
            (State::Paid(receipt), Money::Gone(hash, preimage)) => {
                assert_eq!((receipt.invoice().payment_hash(), receipt.preimage()), (hash, preimage));
                if is_new {
                    let key = receipt.keypair().expect("an own request");
                    assert!(receipt.proof().build().expect("a proof").sign(&key).is_ok());
                }
            }
            (State::Quoted(quote), Money::Here) => {
                assert!(quote.amount() <= self.max && quote.fees().is_some() && self.end.is_none());
            }
            (State::NeedsApproval { quote, objection }, Money::Here) => {
                self.check_objection(quote.amount(), objection);
                assert!(self.end.is_none());
            }
            (State::Quoted(quote) | State::NeedsApproval { quote, .. }, Money::Failed(hash)) => {
                assert_eq!(quote.payment_hash(), hash)
            }
            (State::Asking { .. }, Money::Here) => assert_eq!(self.end, None),
            (State::Ended(end), Money::Here | Money::Failed(_)) => {
                assert_eq!(self.end.get_or_insert(end.clone()), end, "what is over is over");
            }
            (state, money) => panic!("{state:?} while the money is {money:?}"),
        }
    }

    /// Sooner or later.
    fn ends(&mut self) {
        let after = self.payment.deadline().saturating_add(Duration::from_secs(1));
        assert_eq!(self.payment.poll(after.max(self.now)), Ok(Action::Nothing));
        assert!(matches!(self.payment.state(), State::Paying(_) | State::Paid(_) | State::Ended(_)));
    }

    fn poll(&mut self, polled: Option<(UnixTime, bool)>) -> Option<OutgoingMessage> {
        let action = self.payment.poll(self.now).expect("what began without an error goes on without one");
        let sends = matches!(action, Action::Send(_));
        assert!(!sends || polled != Some((self.now, true)), "twice at once");
        self.polled = Some((self.now, sends));
        match action {
            Action::Send(outgoing) => {
                assert!(matches!(self.payment.state(), State::Asking { attempts: 1.. } | State::NeedsApproval { .. }));
                self.save();
                self.check_sent(&outgoing);
                self.sent.push((*outgoing).clone());
                Some(*outgoing)
            }
            Action::WaitUntil(time) => {
                assert!(time > self.now && self.now <= self.payment.deadline());
                match self.payment.state() {
                    State::Asking { .. } | State::NeedsApproval { .. } => {}
                    State::Quoted(quote) => assert!(self.now <= quote.expires_at()),
                    state => panic!("what is it waiting for? {state:?}"),
                }
                None
            }
            Action::Sign | Action::Nothing => {
                let state = self.payment.state();
                assert!(matches!(state, State::Paying(_) | State::Paid(_) | State::Ended(_)), "{state:?}");
                None
            }
        }
    }

    fn check_sent(&self, outgoing: &OutgoingMessage) {
        let OffersMessage::InvoiceRequest(request) = &outgoing.message else { panic!("no request: {outgoing:?}") };
        let path_id = outgoing.reply_path_id.expect("a request wants an answer");
        assert!(self.now <= self.payment.deadline());
        assert!(payer().is_own(request.tlvs()));
        assert!(!self.is_first_limit || request.amount().is_none_or(|amount| amount <= self.max));
        for before in &self.sent {
            // EXC-5, RQR-5: repeated, or another's business.
            assert_eq!(before.reply_path_id == Some(path_id), before.message == outgoing.message);
        }
        let _ = issuer().receive(deliver(outgoing)).expect("what is sent is valid, and goes the right way");
    }

    /// A request goes out, and an honest answer comes at once: it has to be taken.
    fn asks_and_is_answered(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let asked = match self.payment.refund().cloned() {
            Some(_) => None,
            None => self.poll(None),
        };
        let Some(asked) = asked else { return self.is_answered(input) };
        let Some(answer) = self.answer(input, &asked)? else { return Ok(()) };
        self.polled = None;
        if answer.is_invoice {
            let progress = self.receive_invoice(answer.incoming).expect("an honest answer");
            assert!(progress != Progress::Ended, "an invoice that is right ends nothing");
        } else {
            self.receive_error(answer.incoming).expect("an honest refusal");
        }
        Ok(())
    }

    /// The issuer answers something that was sent before, or claims the refund; it is still on its way.
    fn is_answered(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        if self.payment.refund().is_some() {
            return self.is_claimed(input);
        }
        if self.sent.is_empty() {
            return Ok(());
        }
        let asked = self.sent[input.choose_index(self.sent.len())?].clone();
        self.answer(input, &asked).map(drop)
    }

    fn answer(&mut self, input: &mut Unstructured<'_>, asked: &OutgoingMessage) -> Result<Option<Answer>> {
        let received = issuer().receive(deliver(asked)).expect("a live request");
        let cents = match input.int_in_range(0..=3)? {
            0 => CENTS / 2,
            1 => input.arbitrary()?,
            _ => CENTS,
        };
        let terms = Terms { rate: Some(rate(cents)), ..Terms::new(self.now, CHAINS) };
        let outgoing = match received.accept(&terms) {
            Ok(accepted) => {
                let accepted = match input.ratio(1, 4)? {
                    true => accepted.relative_expiry(Duration::from_secs(input.arbitrary::<u8>()?.into())),
                    false => accepted,
                };
                let (preimage, invoice) = sides::unsigned(&accepted).expect("a valid invoice");
                self.preimages.push(preimage);
                let invoice = sides::sign(&accepted, invoice);
                Some(accepted.answer(invoice).expect("its own invoice"))
            }
            Err(refused) => refused.answer().cloned(),
        };
        Ok(outgoing.map(|outgoing| self.comes(&outgoing)))
    }

    fn is_claimed(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let refund = self.payment.refund().expect("a refund");
        let Ok(claimed) = issuer().claim(refund, self.now, CHAINS) else { return Ok(()) };
        let preimage = Preimage([input.arbitrary()?; 32]);
        let invoice = claimed.invoice(preimage.payment_hash()).add_path(path(PathId([0; 32]), 2), &sides::payinfo());
        let invoice = invoice.build().expect("a valid invoice");
        let deadline = UnixTime(self.now.0.saturating_add(100));
        let mut claim = claimed.sign(invoice, deadline, Retry::default()).expect("a valid invoice");
        let Ok(Action::Send(outgoing)) = claim.poll(self.now) else { return Ok(()) };
        self.preimages.push(preimage);
        self.comes(&outgoing);
        Ok(())
    }

    fn comes(&mut self, outgoing: &OutgoingMessage) -> Answer {
        let is_invoice = matches!(outgoing.message, OffersMessage::Invoice(_));
        let answer = Answer { is_invoice, incoming: deliver(outgoing) };
        self.answers.push(answer.clone());
        answer
    }

    /// Something arrives: an answer, an altered one, or something else; over its way, or over another.
    fn hears(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let known = (!self.answers.is_empty() && input.ratio(9, 10)?).then(|| input.choose_index(self.answers.len()));
        let Answer { mut is_invoice, mut incoming } = match known {
            Some(at) => self.answers[at?].clone(),
            None => made_up(input)?,
        };
        if input.ratio(1, 8)? {
            is_invoice = !is_invoice;
        }
        if input.ratio(1, 3)? {
            incoming.bytes = sides::altered(input, incoming.bytes, 160)?;
            // Whoever has the issuer's key signs that.
            let tlvs = TlvStream::read(incoming.bytes.clone());
            if let Some(key) = tlvs.ok().and_then(|tlvs| tlvs.get(176).and_then(|record| keys::find(record.value()))) {
                incoming.bytes = sides::signed_again(incoming.bytes, "invoice", key);
            }
        }
        if input.ratio(1, 3)? {
            incoming.arrival = self.another_way(input)?;
        }
        if input.ratio(1, 3)? {
            incoming.reply_path = Some(path(PathId([7; 32]), 0));
        }
        match is_invoice {
            true => drop(self.receive_invoice(incoming)),
            false => drop(self.receive_error(incoming)),
        }
        Ok(())
    }

    fn another_way(&self, input: &mut Unstructured<'_>) -> Result<MessageArrival> {
        Ok(match input.int_in_range(0..=5)? {
            0 => MessageArrival::Direct,
            1 => MessageArrival::OtherPath,
            2 => MessageArrival::Path(PathId(input.arbitrary()?)),
            3 => MessageArrival::Path(reply_path_of_another()),
            4 => MessageArrival::Path(payer().new_refund([9; 32]).path_id(0)),
            _ => match self.sent.len() {
                0 => MessageArrival::Path(issuer().new_offer(sides::nonce(0)).path_id(0)),
                count => MessageArrival::Path(
                    self.sent[input.choose_index(count)?].reply_path_id.expect("every request has one"),
                ),
            },
        })
    }

    /// Whether it is a way over which an answer has to come.
    fn is_way(&self, arrival: &MessageArrival) -> bool {
        let MessageArrival::Path(path_id) = arrival else { return false };
        self.sent.iter().any(|sent| sent.reply_path_id == Some(*path_id)) || self.refund_paths.contains(path_id)
    }

    fn is_asking(&self) -> bool {
        // Something may be shown while the rest is asked for.
        !matches!(self.payment.state(), State::Paying(_) | State::Paid(_) | State::Ended(_))
    }

    fn receive_invoice(&mut self, incoming: IncomingMessage) -> std::result::Result<Progress, Box<Refused>> {
        let incoming = IncomingMessage { kind: OffersMessageKind::Invoice, ..incoming };
        let IncomingMessage { bytes, arrival, reply_path, .. } = incoming.clone();
        let is_way = self.is_way(&arrival);
        assert_eq!(payer().payment_of(&arrival) == Some(self.payment.id()), is_way);
        let (before, was_asking) = (self.payment.to_bytes(), self.is_asking());
        let progress = self.payment.receive(incoming, self.now);
        match &progress {
            Err(refused) => {
                errors::any(refused.error());
                assert_eq!(self.payment.to_bytes(), before, "EXC-4");
                let is_silent = refused.answer().is_none();
                assert!(is_silent || is_way && reply_path.is_some(), "MSG-4");
                assert!(is_silent || TlvStream::read(bytes).is_ok_and(|tlvs| payer().is_own(&tlvs)));
            }
            Ok(progress) => {
                assert!(is_way && was_asking);
                self.came.extend(path_id_of(&arrival));
                let invoice = Invoice::try_from(bytes).expect("what leads to something is an invoice");
                self.check_answers(&invoice, &arrival);
                let is_there = self.payment.quotes().any(|quote| quote.payment_hash() == invoice.payment_hash());
                match (progress, self.payment.state()) {
                    (Progress::Quoted, State::Quoted(_) | State::NeedsApproval { .. }) => {
                        assert!(is_there && invoice.amount() <= self.max && self.now <= invoice.expires_at());
                    }
                    // The one that asks for least is shown.
                    (Progress::NeedsApproval, State::NeedsApproval { .. } | State::Quoted(_)) => {
                        assert!(is_there || self.payment.refund().is_none());
                        self.check_all_came();
                    }
                    (Progress::AskingAgain(Some(error)), State::Asking { .. } | State::NeedsApproval { .. }) => {
                        errors::any(error);
                    }
                    (Progress::Ended, State::Ended(EndReason::QuoteExpired)) => {
                        assert!(self.now > invoice.expires_at())
                    }
                    (progress, state) => panic!("{progress:?}, but {state:?}"),
                }
            }
        }
        progress
    }

    /// IVR-8: the invoice repeats what was asked for over that way.
    fn check_answers(&self, invoice: &Invoice, arrival: &MessageArrival) {
        let repeated =
            |tlvs: &TlvStream| [tlvs.range(&(0..=159)), tlvs.range(&(1_000_000_000..=2_999_999_999))].concat();
        let asked = match self.payment.refund() {
            Some(refund) => {
                assert_eq!(invoice.amount(), refund.amount());
                repeated(refund.tlvs())
            }
            None => {
                let OffersMessage::InvoiceRequest(request) = &self.present(arrival).message else {
                    panic!("a request")
                };
                repeated(request.tlvs())
            }
        };
        assert_eq!(repeated(invoice.tlvs()), asked);
    }

    fn receive_error(&mut self, incoming: IncomingMessage) -> std::result::Result<Progress, Box<Refused>> {
        let incoming = IncomingMessage { kind: OffersMessageKind::InvoiceError, ..incoming };
        let IncomingMessage { bytes, arrival, .. } = incoming.clone();
        let is_way = self.is_way(&arrival) && self.payment.refund().is_none();
        let (before, was_asking) = (self.payment.to_bytes(), self.is_asking());
        let progress = self.payment.receive(incoming.clone(), self.now);
        match &progress {
            Err(refused) => {
                errors::any(refused.error());
                assert_eq!(self.payment.to_bytes(), before, "EXC-6");
                assert!(refused.answer().is_none(), "ERR-1");
            }
            Ok(progress) => {
                assert!(is_way && was_asking);
                self.came.extend(path_id_of(&arrival));
                self.check_refused_once(&incoming);
                self.present(&arrival);
                let told = InvoiceError::try_from(bytes).expect("what ends a payment is an error");
                match (progress, self.payment.state()) {
                    (Progress::Ended, State::Ended(EndReason::Refused(shown))) => {
                        assert_eq!(**shown, told);
                        self.check_all_came();
                    }
                    // Over another way, or for the suggested amount.
                    (Progress::AskingAgain(None), State::Asking { .. } | State::NeedsApproval { .. }) => {}
                    (Progress::NeedsApproval, State::NeedsApproval { .. } | State::Quoted(_)) => self.check_all_came(),
                    (progress, state) => panic!("{progress:?}, but {state:?}"),
                }
            }
        }
        progress
    }

    /// EXC-6: saying it twice says nothing more.
    fn check_refused_once(&self, incoming: &IncomingMessage) {
        let mut again = copy(&self.payment);
        assert!(again.receive(incoming.clone(), self.now).is_err());
        assert_eq!(again.to_bytes(), self.payment.to_bytes());
    }

    /// The request of the present try that is answered over that way.
    fn present(&self, arrival: &MessageArrival) -> &OutgoingMessage {
        let is_it = |sent: &&OutgoingMessage| sent.reply_path_id.map(MessageArrival::Path) == Some(*arrival);
        let sent = self.sent.iter().rfind(is_it).expect("what was sent");
        let last = self.sent.iter().rfind(|other| other.destination == sent.destination).expect("at least this");
        assert_eq!(last.reply_path_id, sent.reply_path_id, "what was asked for before is late");
        sent
    }

    /// EXC-14: nothing ends or is decided on because of one way while another is open.
    fn check_all_came(&self) {
        let Some(offer) = self.payment.offer() else { return };
        let ways = offer.paths().map_or(1, |paths| paths.iter().count());
        let mut seen = Vec::new();
        for sent in self.sent.iter().rev() {
            if !seen.contains(&&sent.destination) {
                seen.push(&sent.destination);
                assert!(self.came.contains(&sent.reply_path_id.expect("an answer is wanted").0), "a way is open");
            }
        }
        assert_eq!(seen.len(), ways, "a way was not tried");
    }

    fn check_objection(&self, amount: Msat, objection: Objection) {
        match objection {
            Objection::AboveLimit { max } => assert!(amount > max && max == self.max),
            Objection::OffPrice { estimate } => assert!(amount <= self.max && estimate.0 > 0),
            Objection::FeeAboveLimit { limits } => assert_eq!(limits, self.fees.of(amount)),
            other => panic!("what is {other:?}?"),
        }
    }

    /// The wallet hears of another rate.
    fn hears_a_rate(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let rate = some_rate(input)?;
        let before = self.payment.to_bytes();
        match self.payment.set_rate(rate) {
            Ok(()) => self.max = self.payment.max_amount(),
            Err(error) => {
                errors::any(&error);
                assert_eq!(self.payment.to_bytes(), before);
            }
        }
        Ok(())
    }

    /// Its owner allows something else.
    fn is_allowed(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let (before, deadline) = (copy(&self.payment), self.payment.deadline());
        let limit = some_limit(input)?;
        let fees = if input.arbitrary()? { Some(some_fees(input)?) } else { None };
        let allowed = match fees {
            Some(fees) => self.payment.allow_fee(fees, self.now, deadline),
            None => self.payment.allow(limit, self.now, deadline),
        };
        match allowed {
            Ok(()) => {
                let may = match before.state() {
                    State::Ended(end) => matches!(
                        end,
                        EndReason::TooExpensive { .. } | EndReason::OffPrice { .. } | EndReason::FeeTooHigh { .. }
                    ),
                    State::Paying(_) | State::Paid(_) => false,
                    _ => true,
                };
                assert!(may, "{:?}", before.state());
                (self.max, self.fees) = (self.payment.max_amount(), fees.unwrap_or(self.fees));
                (self.end, self.is_first_limit) = (None, false);
                match (self.payment.state(), self.money) {
                    (State::Ended(end), _) => self.end = Some(end.clone()),
                    (_, Money::Failed(_)) | (_, Money::Here) => {}
                    (state, money) => panic!("{state:?} while the money is {money:?}"),
                }
                self.save();
            }
            Err(error) => {
                errors::any(&error);
                assert_eq!(self.payment.to_bytes(), before.to_bytes());
            }
        }
        Ok(())
    }

    /// EXC-13: a backup pays nothing, and cannot be allowed to.
    fn is_restored(&self) {
        for backup in [&self.saved, &self.payment.to_bytes()] {
            let mut restored = payer().restore(backup).expect("what was saved can be loaded");
            match restored.state() {
                State::Paying(paying) => {
                    let attempt = paying.attempt();
                    restored.failed(attempt).expect("it was being made");
                }
                State::Paid(_) | State::Ended(_) => {}
                state => panic!("a backup is {state:?}"),
            }
            assert_eq!(restored.poll(self.now), Ok(Action::Nothing));
            assert!(restored.allow(Limit::AtMost(Msat::MAX_MONEY), self.now, UnixTime(u64::MAX)).is_err());
            for answer in &self.answers {
                if let Ok(invoice) = Invoice::try_from(answer.incoming.bytes.as_slice()) {
                    assert!(restored.begin(invoice.payment_hash(), self.now, None).is_err(), "a backup pays");
                }
            }
        }
    }

    /// EXC-14, EXC-20: however many strangers claim a refund, the next claim is taken, or told when to come again.
    fn is_claimed_by_many(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let Some(refund) = self.payment.refund().cloned() else { return Ok(()) };
        for _ in 0..input.int_in_range(1..=20)? {
            let claimer = Payee::new([input.arbitrary()?; 32]);
            let Ok(claimed) = claimer.claim(&refund, self.now, CHAINS) else { return Ok(()) };
            let preimage = Preimage([input.arbitrary()?; 32]);
            let invoice = claimed.invoice(preimage.payment_hash());
            let invoice = invoice.add_path(path(PathId([0; 32]), 2), &sides::payinfo()).build();
            let deadline = UnixTime(self.now.0.saturating_add(100));
            let claim = claimed.sign(invoice.expect("a valid invoice"), deadline, Retry::default());
            let Ok(Action::Send(outgoing)) = claim.expect("a valid invoice").poll(self.now) else { return Ok(()) };
            self.preimages.push(preimage);
            let answer = self.comes(&outgoing);
            let Ok(invoice) = Invoice::try_from(answer.incoming.bytes.as_slice()) else { return Ok(()) };
            let waits = matches!(self.payment.state(), State::Asking { .. })
                || self.payment.quotes().count() > 0 && self.money == Money::Here;
            let is_open = waits && self.now <= self.payment.deadline();
            let is_declined = self.declined.contains(&invoice.node_id().serialize());
            let is_there = |it: &Self| it.payment.quotes().any(|quote| quote.payment_hash() == invoice.payment_hash());
            let was_there = is_there(self);
            let progress = self.receive_invoice(answer.incoming);
            let comes_again = progress.as_ref().err().is_some_and(|refused| {
                matches!(refused.error().kind(), ErrorKind::TooManyClaims { seconds } if (1..=60).contains(seconds))
            });
            let is_taken = progress.is_ok() || comes_again;
            assert!(!is_open || is_declined || was_there || is_taken, "EXC-14: {progress:?}");
            assert!(progress.is_err() || is_there(self));
            assert!(self.payment.quotes().count() <= MAX_CLAIMS);
        }
        Ok(())
    }

    fn declines_a_claim(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let quotes: Vec<_> = self.payment.quotes().map(|quote| quote.node_id()).collect();
        if quotes.is_empty() {
            return Ok(());
        }
        let node_id = quotes[input.choose_index(quotes.len())?];
        if self.payment.decline_claim(node_id).is_ok() {
            self.declined.insert(node_id.serialize());
            assert_eq!(self.payment.quotes().count(), quotes.len() - 1, "and no other");
        }
        Ok(())
    }

    /// The user agrees. What is begun is saved before any money leaves; or the program crashes between the two.
    fn begins(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let quotes: Vec<_> =
            self.payment.quotes().map(|it| (it.payment_hash(), it.amount(), it.expires_at())).collect();
        let wanted = match quotes.len() {
            count @ 1.. if input.ratio(7, 8)? => quotes[input.choose_index(count)?].0,
            _ => Preimage([input.arbitrary()?; 32]).payment_hash(),
        };
        let quoted = quotes.iter().find(|(hash, ..)| *hash == wanted).copied();
        let rate = if input.ratio(1, 4)? { Some(some_rate(input)?) } else { None };
        let is_shown = match self.payment.state() {
            State::Quoted(quote) => rate.is_none() && quote.payment_hash() == wanted,
            _ => false,
        };
        let before = self.payment.to_bytes();
        let begun = self.payment.begin(wanted, self.now, rate);
        self.max = self.payment.max_amount();
        match begun {
            Ok(attempt) => {
                let (hash, amount, expires_at) = quoted.expect("nothing else is begun");
                assert!(self.money == Money::Here || self.money == Money::Failed(hash), "paid twice");
                assert!(amount <= self.max && self.now <= expires_at && self.now <= self.payment.deadline());
                if input.ratio(1, 4)? {
                    self.load();
                } else {
                    self.save();
                    self.money = Money::Leaving(hash, attempt);
                }
            }
            Err(error) => {
                errors::any(&error);
                let is_late = |(_, _, at)| self.now > at || self.now > self.payment.deadline();
                assert!(!is_shown || quoted.is_none_or(is_late));
                assert!(rate.is_some() || self.payment.to_bytes() == before);
            }
        }
        Ok(())
    }

    fn was_paid(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let preimage = match self.preimages.len() {
            0 => Preimage(input.arbitrary()?),
            count => self.preimages[input.choose_index(count)?],
        };
        let hash = preimage.payment_hash();
        let is_quoted = self.payment.quotes().any(|quote| quote.payment_hash() == hash);
        let has_failed = self.payment.failed_hashes().any(|failed| failed == hash);
        let is_known = match self.money {
            Money::Gone(paid, _) => paid == hash,
            Money::Leaving(paid, _) if paid == hash => true,
            _ => is_quoted || has_failed,
        };
        let before = self.payment.to_bytes();
        let said = self.payment.paid(preimage);
        assert!(said.is_ok() || !is_known, "{said:?}");
        if said.is_err() {
            assert_eq!(self.payment.to_bytes(), before);
            return Ok(());
        }
        let is_of = |answer: &Answer| {
            Invoice::try_from(answer.incoming.bytes.as_slice()).is_ok_and(|invoice| invoice.payment_hash() == hash)
        };
        assert!(self.answers.iter().any(is_of), "what nobody invoiced");
        let was_begun = matches!(self.money, Money::Leaving(..));
        self.money = Money::Gone(hash, preimage);
        self.end = None;
        // Who pays without beginning has nothing to find it again by.
        if !was_begun || input.ratio(1, 2)? {
            self.save();
        }
        Ok(())
    }

    /// The node says so; or says something again that is over (EXC-12).
    fn failed(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let other = Attempt(input.arbitrary::<u8>()?.into());
        let before = self.payment.to_bytes();
        match self.money {
            Money::Leaving(hash, attempt) => {
                if other != attempt {
                    assert!(self.payment.failed(other).is_err());
                    assert_eq!(self.payment.to_bytes(), before, "EXC-12");
                }
                self.payment.failed(attempt).expect("it was being made");
                self.money = Money::Failed(hash);
            }
            _ => {
                assert!(self.payment.failed(other).is_err());
                assert_eq!(self.payment.to_bytes(), before);
            }
        }
        Ok(())
    }

    fn declined(&mut self) {
        let was = copy(&self.payment);
        let declined = self.payment.decline();
        assert_eq!(declined.is_ok(), matches!(self.money, Money::Here | Money::Failed(_)));
        match (was.state(), self.payment.state()) {
            (State::Asking { .. } | State::Quoted(_) | State::NeedsApproval { .. }, State::Ended(end)) => {
                assert_eq!(*end, EndReason::Declined)
            }
            (before, after) => assert_eq!(discriminant(&before), discriminant(&after)),
        }
    }

    fn unreachable(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let MessageArrival::Path(path_id) = self.another_way(input)? else { return Ok(()) };
        let before = copy(&self.payment);
        self.payment.unreachable(&path_id, self.now);
        assert_eq!(format!("{:?}", before.state()), format!("{:?}", self.payment.state()));
        if !self.is_way(&MessageArrival::Path(path_id)) {
            assert_eq!(before.to_bytes(), self.payment.to_bytes());
        }
        Ok(())
    }

    fn crashes(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        self.perhaps_save(input)?;
        self.load();
        Ok(())
    }

    fn perhaps_save(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        if input.ratio(1, 2)? {
            self.save();
        }
        Ok(())
    }

    fn save(&mut self) {
        self.saved = self.payment.to_bytes();
    }

    /// Starts again with what was saved last, and with asking the node what became of a payment that was begun.
    fn load(&mut self) {
        self.payment = payer().load(&self.saved).expect("what was saved can be loaded");
        self.end = None;
        self.max = self.payment.max_amount();
        match (self.payment.state(), self.money) {
            (State::Paying(payable), Money::Failed(hash)) => {
                assert_eq!(payable.payment_hash(), hash);
                let attempt = payable.attempt();
                self.payment.failed(attempt).expect("it was being made");
            }
            (_, Money::Gone(_, preimage)) => self.payment.paid(preimage).expect("the right preimage"),
            _ => {}
        }
    }
}

/// A second one, which nobody but a test has.
fn copy(payment: &Payment) -> Payment {
    payer().load(&payment.to_bytes()).expect("what was saved can be loaded")
}

/// What the payer says and wants.
pub fn chosen(input: &mut Unstructured<'_>, mut draft: Draft) -> Result<Draft> {
    if input.arbitrary()? {
        draft = draft.quantity(input.int_in_range(0..=12)?);
    }
    if input.arbitrary()? {
        draft = draft.amount(Msat(u64::from(input.arbitrary::<u16>()?) * 10));
    }
    if input.arbitrary()? {
        draft = draft.rate(rate(CENTS));
    }
    if input.arbitrary()? {
        draft = draft.limit(some_limit(input)?);
    }
    if input.ratio(1, 4)? {
        let seconds = |seconds: u8| Duration::from_secs(seconds.into());
        draft = draft.retry(Retry { first: seconds(input.arbitrary()?), max: seconds(input.arbitrary()?) });
    }
    Ok(draft.payer_note("please"))
}

fn some_limit(input: &mut Unstructured<'_>) -> Result<Limit> {
    Ok(match input.arbitrary()? {
        true => Limit::AtMost(Msat(u64::from(input.arbitrary::<u16>()?) * 100)),
        false => Limit::Tolerance { basis_points: input.arbitrary::<u16>()?.into() },
    })
}

/// Around what the paths cost.
fn some_fees(input: &mut Unstructured<'_>) -> Result<FeeLimit> {
    let basis_points = u32::from(input.arbitrary::<u8>()?);
    let max_cltv_expiry_delta = u32::from(input.arbitrary::<u8>()?) * 2;
    Ok(FeeLimit { base: Msat(u64::from(input.arbitrary::<u8>()?) * 10), basis_points, max_cltv_expiry_delta })
}

fn some_rate(input: &mut Unstructured<'_>) -> Result<bolt12::Rate> {
    let cents = match input.int_in_range(0..=3)? {
        0 => input.arbitrary()?,
        1 => CENTS,
        _ => CENTS / 100 * u64::from(input.int_in_range(90..=110_u8)?),
    };
    Ok(rate(cents))
}

fn path_id_of(arrival: &MessageArrival) -> Option<[u8; 32]> {
    match arrival {
        MessageArrival::Path(path_id) => Some(path_id.0),
        _ => None,
    }
}

/// A message that nobody sent.
fn made_up(input: &mut Unstructured<'_>) -> Result<Answer> {
    let told = InvoiceError::new("no").expect("a text");
    let amount: u16 = input.arbitrary()?;
    let suggested = amount.to_be_bytes();
    let told = match input.int_in_range(0..=2)? {
        0 => told,
        1 => told.about(Field::INVREQ_QUANTITY, Some(&[3])).unwrap_or_else(|_| made_up_told()),
        _ => told.about(Field::INVREQ_AMOUNT, Some(trimmed(&suggested))).unwrap_or_else(|_| made_up_told()),
    };
    Ok(Answer {
        is_invoice: false,
        incoming: IncomingMessage {
            kind: OffersMessageKind::InvoiceError,
            bytes: told.into_bytes(),
            arrival: MessageArrival::OtherPath,
            reply_path: None,
        },
    })
}

fn made_up_told() -> InvoiceError {
    InvoiceError::new("?").expect("a text")
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

/// A path id that belongs to another payment of the same payer.
fn reply_path_of_another() -> PathId {
    static MADE: OnceLock<PathId> = OnceLock::new();
    *MADE.get_or_init(|| {
        let draft = payer().draft(&offers()[0], NOW, CHAINS).expect("usable now");
        let mut payment = draft.start([0xaa; 32], NOW, UnixTime(NOW.0 + 60)).expect("a payment");
        let Ok(Action::Send(outgoing)) = payment.poll(NOW) else { panic!("a request is due") };
        outgoing.reply_path_id.expect("a request wants an answer")
    })
}
