//! What was seen so far, and what each step does: every step of the crate's values is computed once.
//!
//! A saved state is one number here, and so is each request, message and invoice. The checker meets the same saved state
//! in thousands of worlds; it is loaded, asked and saved again in the first of them only.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bolt12::bitcoin::hashes::{Hash as _, sha256};
use bolt12::exchange::{
    IncomingMessage, MessageArrival, OffersMessage, OffersMessageKind, OutgoingMessage, PathId, Payer,
};
use bolt12::{InvoiceError, InvoiceRequest, Msat, Preimage, RecurrenceRequest, TlvStream, UnixTime};

use crate::setup::{Letter, Setup, Wish};
use crate::subject::{Call, Heard, Subject, View};

/// Numbers for values, in the order in which they came.
pub(crate) struct Names<T> {
    all: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self { all: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Names<T> {
    pub(crate) fn of(&mut self, value: T) -> u32 {
        let next = self.all.len() as u32;
        match self.numbers.entry(value) {
            std::collections::hash_map::Entry::Occupied(known) => *known.get(),
            std::collections::hash_map::Entry::Vacant(new) => {
                self.all.push(new.key().clone());
                *new.insert(next)
            }
        }
    }

    pub(crate) fn get(&self, number: u32) -> &T {
        &self.all[number as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    fn has<Q: Eq + std::hash::Hash + ?Sized>(&self, value: &Q) -> bool
    where
        T: std::borrow::Borrow<Q>,
    {
        self.numbers.contains_key(value)
    }
}

/// What can be wrong with a step, whatever the world around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Wrong {
    /// Two payments are on their way, or made, that are for the same thing.
    TwoPayments,
    AboveLimit,
    OffPrice,
    FeeAboveLimit,
    /// What was begun is not what was shown.
    NotShown,
    /// A message was taken that is not for this.
    Foreign,
    /// What was refused changed something.
    RefusalChanged,
    /// What was saved is not what is loaded.
    NotReloaded,
    PreimageLost,
    /// Money is on its way, and the state does not say so.
    Forgotten,
    /// A backup asked, or paid.
    BackupActs,
    /// It neither ends nor waits for anybody.
    WaitsForNobody,
    /// It asks again and again at the same time.
    Floods,
    /// It could not say what to do.
    CannotGoOn,
    /// A subscription paid what was overdue faster than a period after the other (EXC-17).
    TooFast,
    /// What is over is not.
    Revived,
    /// What the owner decided, or the node said, was refused, though nothing speaks against it.
    Stuck,
    /// What answers a request that is over was taken.
    Late,
    /// One way of several ended the payment.
    OneWay,
    /// Another invoice was begun after one that may still be paid.
    OtherInvoice,
    /// Paying was begun when it was too late, or too early.
    Untimely,
    /// An attempt has a number that another one had before.
    AttemptAgain,
    /// More periods are counted than were paid.
    Skipped,
    /// What ended, or was cancelled, was paid.
    NotOpen,
    /// What came before was taken once more.
    Repeated,
    /// What came over a way that is closed had the next request sent earlier.
    Hurried,
    /// A payment was asked for before its window.
    Early,
}

/// A request, the instant at which it was sent, and when period 0 of the subscription started, as its issuer knows.
type Sent = (u16, u8, Option<UnixTime>);

/// A message that can arrive.
struct Letters {
    letter: Letter,
    request: u16,
    message: IncomingMessage,
}

/// An invoice that somebody made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Invoiced {
    pub(crate) preimage: Preimage,
    pub(crate) amount: Msat,
    pub(crate) fee: u32,
    /// Which payment of a subscription it is for.
    pub(crate) counter: u32,
    pub(crate) created_at: UnixTime,
}

pub(crate) type Named = Call<u16, u16, u16>;

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    Done,
    Refused,
    Send(u16),
    Wait,
    Nothing,
    Begun,
}

/// What a step does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) after: u32,
    pub(crate) outcome: Outcome,
    pub(crate) wrong: Option<Wrong>,
}

/// What can be seen of a saved state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) view: View<u16>,
    /// How many payments of a subscription were made.
    pub(crate) made: u32,
    /// The receipt that is there.
    pub(crate) receipt: Option<u16>,
    /// When the next payment of a subscription is due, and the length of its period.
    pub(crate) due: Option<(u64, u64)>,
}

pub(crate) struct Tables {
    setup: Setup,
    payer: Payer,
    states: Names<Arc<[u8]>>,
    requests: Names<([u8; 32], Vec<u8>)>,
    /// Requests by the time at which they were sent, and what can answer each.
    sent: Names<Sent>,
    menus: Vec<Range<u16>>,
    letters: Vec<Letters>,
    invoices: Vec<Invoiced>,
    by_hash: HashMap<sha256::Hash, u16>,
    steps: HashMap<(u32, Named, u8, u8), Step>,
    looks: HashMap<(u32, u8), Look>,
    quoted: HashMap<u32, Vec<u16>>,
    /// The state that was loaded last, if nothing has changed it.
    loaded: Option<(u32, Subject)>,
}

impl Tables {
    pub(crate) fn new(setup: Setup) -> Self {
        Self {
            setup,
            payer: Payer::new([0x42; 32]),
            states: Names::default(),
            requests: Names::default(),
            sent: Names::default(),
            menus: Vec::new(),
            letters: Vec::new(),
            invoices: Vec::new(),
            by_hash: HashMap::new(),
            steps: HashMap::new(),
            looks: HashMap::new(),
            quoted: HashMap::new(),
            loaded: None,
        }
    }

    /// The first saved state, and what was asked with it.
    pub(crate) fn start(&mut self) -> (u32, u128) {
        let subject = self.setup.start(&self.payer);
        let Subject::Payment(payment) = &subject else { return (self.state(&subject), 0) };
        let published = payment.refund().map(|refund| refund.as_bytes().to_vec());
        let sent = published.map_or(0, |refund| {
            let path_id = self.payer.new_refund([3; 32]).path_id(0);
            let request = self.requests.of((path_id.0, refund)) as u16;
            self.send(request, 0, None)
        });
        (self.state(&subject), sent)
    }

    fn state(&mut self, subject: &Subject) -> u32 {
        self.states.of(subject.to_bytes().into())
    }

    fn is_payment(&self) -> bool {
        !matches!(self.setup.wish, Wish::Subscription(_))
    }

    /// A saved state as it is in memory: either as it was loaded, or as it was after steps that were refused.
    fn load(&mut self, state: u32) -> Subject {
        match self.loaded.take() {
            Some((loaded, subject)) if loaded == state => subject,
            _ => {
                let bytes = self.states.get(state);
                let subject = Subject::load(&self.payer, self.is_payment(), bytes);
                subject.expect("a state that was loaded before it was kept")
            }
        }
    }

    /// How many saved states, requests and invoices there are.
    pub(crate) fn counts(&self) -> [usize; 3] {
        [self.states.len(), self.requests.len(), self.invoices.len()]
    }

    /// All that was seen.
    pub(crate) fn views(&self) -> impl Iterator<Item = View<u16>> + '_ {
        self.looks.values().map(|look| look.view)
    }

    pub(crate) fn invoice(&self, number: u16) -> &Invoiced {
        &self.invoices[usize::from(number)]
    }

    pub(crate) fn letter(&self, number: u16) -> Letter {
        self.letters[usize::from(number)].letter
    }

    /// The messages that can answer what was sent.
    pub(crate) fn answers(&self, sent: u128) -> impl Iterator<Item = u16> + '_ {
        bits(sent).flat_map(|bit| self.menus[bit].clone())
    }

    /// The requests that were sent.
    pub(crate) fn requests(&self, sent: u128) -> impl Iterator<Item = u16> + '_ {
        bits(sent).map(|bit| self.sent.get(bit as u32).0)
    }

    /// The generation and the way of a request, which its path id says.
    pub(crate) fn token(&self, request: u16) -> (u8, u8) {
        let path_id = self.requests.get(request.into()).0;
        (path_id[14], path_id[15])
    }

    /// The request that a message answers.
    pub(crate) fn answered(&self, message: u16) -> u16 {
        self.letters[usize::from(message)].request
    }

    /// A request is sent: returns its bit.
    pub(crate) fn send(&mut self, request: u16, instant: u8, basetime: Option<UnixTime>) -> u128 {
        let bit = self.sent.of((request, instant, basetime));
        assert!(bit < 128, "more than 128 requests: explore less at a time");
        if bit as usize == self.menus.len() {
            let from = self.letters.len() as u16;
            for letter in self.setup.letters {
                self.write(*letter, request, instant, basetime);
            }
            self.menus.push(from..self.letters.len() as u16);
        }
        1 << bit
    }

    /// Writes a message.
    fn write(&mut self, letter: Letter, request: u16, instant: u8, basetime: Option<UnixTime>) {
        let path_id = self.requests.get(request.into()).0;
        let own = MessageArrival::Path(PathId(path_id));
        let arrival = match letter {
            Letter::Direct => MessageArrival::Direct,
            Letter::StrayRefusal => MessageArrival::OtherPath,
            Letter::Misled | Letter::MisledRefusal => MessageArrival::Path(self.setup.other_path_id(&self.payer)),
            _ => own,
        };
        let message = |kind, bytes| IncomingMessage { kind, bytes, arrival, reply_path: None };
        if letter.is_error() {
            let told = InvoiceError::new("no").expect("a short text");
            let told = match letter {
                Letter::Suggestion => told.suggest_amount(Msat(self.setup.cost(0).0 / 100 * 101)).expect("an amount"),
                _ => told,
            };
            let message = message(OffersMessageKind::InvoiceError, told.into_bytes());
            self.letters.push(Letters { letter, request, message });
            return;
        }
        // Of another request than the one that the path is for.
        let source = match letter {
            Letter::Crossed => {
                let own = &self.requests.get(request.into()).1;
                let is_other = |other: &u16| self.requests.get((*other).into()).1 != *own && !self.cancels(*other);
                (0..request).rev().find(is_other)
            }
            _ => Some(request),
        };
        let Some(source) = source else { return };
        let bytes = self.requests.get(source.into()).1.clone();
        let seed = sha256::Hash::hash(&[&path_id[..], &bytes, &[letter as u8, instant]].concat()).to_byte_array();
        // Period 0 starts with the first invoice, which is as old as that when it comes again.
        let basetime = basetime.filter(|_| self.setup.basetime().is_some() || self.counter(request) > 0);
        let mut bill = self.setup.bill(letter, seed, instant, basetime);
        if let (Letter::Crossed, 0, Some(basetime)) = (letter, self.counter(source), basetime) {
            bill.created_at = basetime;
        }
        // An amount that was asked for is the only one that an invoice can have.
        let asked = TlvStream::read(bytes.clone()).ok().and_then(|tlvs| tlvs.get(82).map(|it| number(it.value())));
        bill.amount = asked.map_or(bill.amount, Msat);
        let invoice = bill.invoice(&bytes);
        let counter = self.counter(source);
        let number = self.invoices.len() as u16;
        self.by_hash.insert(bill.payment_hash(), number);
        let (preimage, amount, fee, created_at) = (bill.preimage, bill.amount, bill.fee, bill.created_at);
        self.invoices.push(Invoiced { preimage, amount, fee, counter, created_at });
        let mut bytes = invoice.as_bytes().to_vec();
        if letter == Letter::Forged {
            let signature = invoice.signature().serialize();
            let at = bytes.windows(64).position(|window| window == signature).expect("its signature");
            bytes[at + 63] ^= 1;
        }
        let message = message(OffersMessageKind::Invoice, bytes);
        self.letters.push(Letters { letter, request, message });
    }

    fn named(&self, hash: sha256::Hash) -> u16 {
        *self.by_hash.get(&hash).expect("an invoice that somebody made")
    }

    /// Where a saved state stands at a time.
    pub(crate) fn look(&mut self, state: u32, instant: u8) -> Look {
        if let Some(look) = self.looks.get(&(state, instant)) {
            return *look;
        }
        let now = self.setup.at(instant);
        let subject = self.load(state);
        let (view, made) = subject.look(now);
        let view = view.map(|hash| self.named(hash));
        let receipt = subject.receipt().map(|hash| self.named(hash));
        let look = Look { view, made, receipt, due: subject.due(now) };
        self.loaded = Some((state, subject));
        self.looks.insert((state, instant), look);
        look
    }

    /// All invoices that can be begun.
    pub(crate) fn quoted(&mut self, state: u32) -> Vec<u16> {
        if let Some(quoted) = self.quoted.get(&state) {
            return quoted.clone();
        }
        let subject = self.load(state);
        let quoted: Vec<_> = subject.quoted().into_iter().map(|hash| self.named(hash)).collect();
        self.loaded = Some((state, subject));
        self.quoted.insert(state, quoted.clone());
        quoted
    }

    /// What a step does with a saved state.
    pub(crate) fn step(&mut self, state: u32, call: Named, instant: u8, rate: u8) -> Step {
        let key = (state, call, instant, rate);
        if let Some(step) = self.steps.get(&key) {
            return *step;
        }
        let step = self.compute(state, call, instant, rate);
        self.steps.insert(key, step);
        step
    }

    fn compute(&mut self, state: u32, call: Named, instant: u8, rate: u8) -> Step {
        let now = self.setup.at(instant);
        let before = self.states.get(state).clone();
        let mut subject = match call {
            Call::Restore => Subject::restore(&self.payer, self.is_payment(), &before).expect("what was saved"),
            _ => self.load(state),
        };
        let heard = match self.real(call) {
            Some(call) => subject.call(call, now, self.setup.rate(rate), self.setup.later_deadline()),
            None => Heard::Done,
        };
        let after = subject.to_bytes();
        let is_known = self.states.has(&after[..]);
        let mut wrong = (!is_known && !self.is_loaded_as(&subject, &after)).then_some(Wrong::NotReloaded);
        let is_changed = *after != *before;
        let outcome = match heard {
            Heard::Done => Outcome::Done,
            Heard::Nothing => Outcome::Nothing,
            Heard::Begun => Outcome::Begun,
            Heard::Send(message) => Outcome::Send(self.request(&message)),
            Heard::Wait(at) => {
                let latest = subject.deadline(now).saturating_add(1);
                if at <= now || at.0 > latest && self.is_payment() {
                    wrong = wrong.or(Some(Wrong::WaitsForNobody));
                }
                Outcome::Wait
            }
            Heard::Refused => {
                if matches!(call, Call::Poll) {
                    wrong = wrong.or(Some(Wrong::CannotGoOn));
                }
                // A rate is kept, whatever it is good for.
                let keeps_rate = matches!(call, Call::Begin(_)) && self.setup.currency().is_some();
                if is_changed && !keeps_rate {
                    wrong = wrong.or(Some(Wrong::RefusalChanged));
                }
                Outcome::Refused
            }
        };
        if let Call::Receive(message) = call {
            if self.letter(message).is_foreign() && (outcome != Outcome::Refused || is_changed) {
                wrong = wrong.or(Some(Wrong::Foreign));
            }
        }
        if !is_changed && !self.forgets() {
            self.loaded = Some((state, subject));
        }
        let after = if wrong == Some(Wrong::NotReloaded) { state } else { self.states.of(after.into()) };
        Step { after, outcome, wrong }
    }

    /// Whether what was saved is loaded as it was: seen by its bytes, and by what can be seen of it.
    fn is_loaded_as(&self, subject: &Subject, bytes: &[u8]) -> bool {
        let again = Subject::load(&self.payer, self.is_payment(), bytes);
        let looks_the_same = |again: &Subject| self.forgets() || format!("{again:?}") == format!("{subject:?}");
        again.is_ok_and(|again| again.to_bytes() == bytes && looks_the_same(&again))
    }

    /// Whether something is kept in memory alone: how many claims of a refund came lately (EXC-20).
    fn forgets(&self) -> bool {
        self.setup.wish == Wish::Refund
    }

    fn request(&mut self, message: &OutgoingMessage) -> u16 {
        let OffersMessage::InvoiceRequest(request) = &message.message else { unreachable!("payers send requests") };
        let path_id = message.reply_path_id.map_or([0; 32], |path_id| path_id.0);
        self.requests.of((path_id, request.as_bytes().to_vec())) as u16
    }

    fn recurrence(&self, request: u16) -> Option<RecurrenceRequest> {
        InvoiceRequest::try_from(self.requests.get(request.into()).1.clone()).ok()?.recurrence()
    }

    /// Whether a request cancels a subscription.
    pub(crate) fn cancels(&self, request: u16) -> bool {
        self.recurrence(request).is_some_and(|recurrence| recurrence.cancel)
    }

    fn counter(&self, request: u16) -> u32 {
        self.recurrence(request).map_or(0, |recurrence| recurrence.counter)
    }

    /// What the names stand for; nothing where loading is all.
    fn real(&self, call: Named) -> Option<Call<IncomingMessage, PathId, Preimage>> {
        let preimage = |invoice: u16| self.invoice(invoice).preimage;
        Some(match call {
            Call::Restore => return None,
            Call::Receive(message) => Call::Receive(self.letters[usize::from(message)].message.clone()),
            Call::Unreachable(request) => Call::Unreachable(PathId(self.requests.get(request.into()).0)),
            Call::Begin(invoice) => Call::Begin(preimage(invoice)),
            Call::Paid(invoice) => Call::Paid(preimage(invoice)),
            Call::Poll => Call::Poll,
            Call::Unsendable => Call::Unsendable,
            Call::Failed(attempt) => Call::Failed(attempt),
            Call::Decline => Call::Decline,
            Call::Allow(max) => Call::Allow(max),
            Call::AllowFee => Call::AllowFee,
            Call::TryAgain => Call::TryAgain,
            Call::CatchUp => Call::CatchUp,
            Call::Cancel => Call::Cancel,
        })
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn bits(set: u128) -> impl Iterator<Item = usize> {
    (0..128).filter(move |bit| set >> bit & 1 == 1)
}
