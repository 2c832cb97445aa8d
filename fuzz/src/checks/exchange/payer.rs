//! Target `exchange_payer`: one payment, and whatever happens to it, with a live issuer beside it.
//!
//! The input says what happens: messages come, right ones and others, over right ways and others; the clock goes
//! forward and back; the program crashes and loads what it saved last; the user and the node do their part. After
//! every event it must hold that nothing is paid twice, or above what was agreed to, or because of a message that
//! does not belong to the payment; that what is over stays over; and that what is saved says it all.

use std::mem::discriminant;
use std::sync::OnceLock;
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use bolt12::bitcoin::hashes::sha256;
use bolt12::exchange::{
    Action, Draft, EndReason, IncomingMessage, Limit, MaxAmount, MessageArrival, OffersMessage, OffersMessageKind,
    OutgoingMessage, PathId, Payment, Progress, Refused, Retry, State, Terms,
};
use bolt12::{Field, Invoice, InvoiceError, Msat, Preimage, TlvStream, UnixTime};

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
    Leaving(sha256::Hash),
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
    /// How many of these are not to be answered any more, and how many were not when the payment was saved.
    stale: [usize; 2],
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
        let mut refund_paths = Vec::new();
        let payment = if input.ratio(1, 6)? {
            let new = payer().new_refund([9; 32]);
            refund_paths.extend([new.path_id(0), new.path_id(1)]);
            let refund = new.builder("a cup that broke", Msat(5_000)).absolute_expiry(deadline);
            let refund = refund_paths.iter().fold(refund, |refund, id| refund.add_path(path(*id, 3)));
            new.publish(refund, NOW)
        } else {
            let offer = &offers()[input.int_in_range(0..=sides::OFFERS - 1)?];
            let draft = payer().draft(offer, NOW, CHAINS).expect("usable now");
            let draft = chosen(input, draft)?;
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
            stale: [0; 2],
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
        match input.int_in_range(0..=17)? {
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
            14 => self.failed()?,
            15 => self.declined(),
            16 => self.unreachable(input)?,
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
            (State::Paying(payable), Money::Leaving(hash)) => {
                assert_eq!(payable.payment_hash(), hash);
                assert!(payable.amount() <= self.max);
            }
            (State::Paid(receipt), Money::Gone(hash, preimage)) => {
                assert_eq!((receipt.invoice().payment_hash(), receipt.preimage()), (hash, preimage));
                if is_new {
                    let key = receipt.keypair().expect("an own request");
                    assert!(receipt.proof().build().expect("a proof").sign(&key).is_ok());
                }
            }
            (State::Quoted(quote), Money::Here) => assert!(quote.amount() <= self.max && self.end.is_none()),
            (State::Quoted(quote), Money::Failed(hash)) => assert_eq!(quote.payment_hash(), hash),
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
        let was_quoted = matches!(self.payment.state(), State::Quoted(_));
        let action = self.payment.poll(self.now).expect("what began without an error goes on without one");
        let sends = matches!(action, Action::Send(_));
        if was_quoted && !matches!(self.payment.state(), State::Quoted(_)) {
            self.stale[0] = self.sent.len();
        }
        assert!(!sends || polled != Some((self.now, true)), "twice at once");
        self.polled = Some((self.now, sends));
        match action {
            Action::Send(outgoing) => {
                assert!(matches!(self.payment.state(), State::Asking { attempts: 1.. }));
                self.save();
                self.check_sent(&outgoing);
                self.sent.push((*outgoing).clone());
                Some(*outgoing)
            }
            Action::WaitUntil(time) => {
                assert!(time > self.now && self.now <= self.payment.deadline());
                match self.payment.state() {
                    State::Asking { .. } => {}
                    State::Quoted(quote) => assert!(self.now <= quote.expires_at()),
                    state => panic!("what is it waiting for? {state:?}"),
                }
                None
            }
            Action::Nothing => {
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
        assert!(payer().is_own(request.tlvs()) && request.amount().is_none_or(|amount| amount <= self.max));
        for before in &self.sent {
            // EXC-5, RQR-5: repeated, or another's business.
            assert_eq!(before.reply_path_id == Some(path_id), before.message == outgoing.message);
        }
        issuer().receive(deliver(outgoing)).expect("what is sent is valid, and goes the right way");
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
        if let (true, Ok(invoice)) = (answer.is_invoice, Invoice::try_from(answer.incoming.bytes.as_slice())) {
            let progress = self.receive_invoice(answer.incoming).expect("an honest answer");
            assert_eq!(progress == Progress::Quoted, invoice.amount() <= self.max, "{progress:?}");
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
        let terms = Terms { now: self.now, chains: CHAINS, rate: Some(rate(cents)), max_amount: MaxAmount::Any };
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
        matches!(self.payment.state(), State::Asking { .. })
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
                let invoice = Invoice::try_from(bytes).expect("what leads to something is an invoice");
                self.check_answers(&invoice, &arrival);
                if matches!(progress, Progress::AskingAgain(_)) {
                    self.stale[0] = self.sent.len();
                }
                match (progress, self.payment.state()) {
                    (Progress::Quoted, State::Quoted(quote)) => {
                        assert_eq!((quote.amount(), quote.payment_hash()), (invoice.amount(), invoice.payment_hash()));
                        assert!(invoice.amount() <= self.max && self.now <= invoice.expires_at());
                    }
                    (Progress::AskingAgain(Some(error)), State::Asking { .. }) => {
                        errors::any(error);
                        assert!(invoice.amount() > self.max || self.now > invoice.expires_at(), "EXC-7");
                    }
                    (Progress::Ended, State::Ended(EndReason::TooExpensive { amount })) => {
                        assert!(*amount == invoice.amount() && *amount > self.max, "EXC-7");
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
                let mut sent = self.sent.iter().skip(self.stale[0]);
                let sent = sent.find(|sent| sent.reply_path_id.map(MessageArrival::Path) == Some(*arrival));
                let OffersMessage::InvoiceRequest(request) = &sent.expect("the present try").message else {
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
                self.check_refused_once(&incoming);
                let mut sent = self.sent.iter().skip(self.stale[0]);
                assert!(
                    sent.any(|sent| sent.reply_path_id.map(MessageArrival::Path) == Some(arrival)),
                    "the present try"
                );
                let told = InvoiceError::try_from(bytes).expect("what ends a payment is an error");
                match (progress, self.payment.state()) {
                    (Progress::Ended, State::Ended(EndReason::Refused(shown))) => assert_eq!(**shown, told),
                    // Over another way, or for the suggested amount.
                    (Progress::AskingAgain(None), State::Asking { .. }) => {}
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

    /// The user agrees. What is begun is saved before any money leaves; or the program crashes between the two.
    fn begins(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let quoted = match self.payment.state() {
            State::Quoted(quote) => Some((quote.payment_hash(), quote.amount(), quote.expires_at())),
            _ => None,
        };
        let wanted = match quoted {
            Some((hash, ..)) if input.ratio(7, 8)? => hash,
            _ => Preimage([input.arbitrary()?; 32]).payment_hash(),
        };
        match self.payment.begin(wanted, self.now) {
            Ok(()) => {
                let (hash, amount, expires_at) = quoted.expect("nothing else is begun");
                assert_eq!(hash, wanted);
                assert!(self.money == Money::Here || self.money == Money::Failed(hash), "paid twice");
                assert!(amount <= self.max && self.now <= expires_at && self.now <= self.payment.deadline());
                if input.ratio(1, 4)? {
                    self.load();
                } else {
                    self.save();
                    self.money = Money::Leaving(hash);
                }
            }
            Err(error) => {
                errors::any(&error);
                let is_late = |(_, _, at)| self.now > at || self.now > self.payment.deadline();
                assert!(quoted.is_none_or(|quote| is_late(quote) || quote.0 != wanted));
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
        let (is_quoted, right) = match (self.payment.state(), self.money) {
            (State::Quoted(quote), Money::Here) => (true, quote.payment_hash() == hash),
            (_, Money::Here) => (false, false),
            (_, Money::Leaving(paid) | Money::Failed(paid) | Money::Gone(paid, _)) => (false, paid == hash),
        };
        let said = self.payment.paid(preimage);
        assert_eq!(said.is_ok(), right);
        if right {
            self.money = Money::Gone(hash, preimage);
            self.end = None;
            // Who pays without beginning has nothing to find it again by.
            if is_quoted || input.ratio(1, 2)? {
                self.save();
            }
        }
        Ok(())
    }

    /// The node says so.
    fn failed(&mut self) -> Result<()> {
        let failed = self.payment.failed();
        match self.money {
            Money::Leaving(hash) => {
                failed.expect("it was being made");
                self.money = Money::Failed(hash);
            }
            _ => assert!(failed.is_err()),
        }
        Ok(())
    }

    fn declined(&mut self) {
        let (was, is_refund) = (copy(&self.payment), self.payment.refund().is_some());
        let declined = self.payment.decline();
        assert_eq!(declined.is_ok(), matches!(self.money, Money::Here | Money::Failed(_)));
        match (was.state(), self.payment.state()) {
            (State::Quoted(_), State::Asking { .. }) => assert!(is_refund && self.money == Money::Here),
            (State::Asking { .. } | State::Quoted(_), State::Ended(end)) => assert_eq!(*end, EndReason::Declined),
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
        self.stale[1] = self.stale[0];
    }

    /// Starts again with what was saved last, and with asking the node what became of a payment that was begun.
    fn load(&mut self) {
        self.payment = payer().load(&self.saved).expect("what was saved can be loaded");
        self.end = None;
        self.stale[0] = self.stale[1];
        match (self.payment.state(), self.money) {
            (State::Paying(payable), Money::Failed(hash)) => {
                assert_eq!(payable.payment_hash(), hash);
                self.payment.failed().expect("it was being made");
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
pub fn chosen<'a>(input: &mut Unstructured<'_>, mut draft: Draft<'a>) -> Result<Draft<'a>> {
    if input.arbitrary()? {
        draft = draft.quantity(input.int_in_range(0..=12)?);
    }
    if input.arbitrary()? {
        draft = draft.amount(Msat(u64::from(input.arbitrary::<u16>()?) * 10));
    }
    if input.arbitrary()? {
        draft = draft.rate(rate(CENTS));
    }
    draft = match input.int_in_range(0..=3)? {
        0 => draft.limit(Limit::AtMost(Msat(u64::from(input.arbitrary::<u16>()?) * 100))),
        1 => draft.limit(Limit::Tolerance { basis_points: input.arbitrary::<u16>()?.into() }),
        _ => draft,
    };
    if input.arbitrary()? {
        draft = draft.ask_again();
    }
    if input.ratio(1, 4)? {
        let seconds = |seconds: u8| Duration::from_secs(seconds.into());
        draft = draft.retry(Retry { first: seconds(input.arbitrary()?), max: seconds(input.arbitrary()?) });
    }
    Ok(draft.payer_note("please"))
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
