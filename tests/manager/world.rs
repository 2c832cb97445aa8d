//! Wallets that are shops too, each with a manager, a store that is slow and fails, crashes, a network that does
//! everything a network can do, and a bank that moves the money. All of it follows from a seed.
//!
//! The world plays by the documentation and watches: every check here holds in every run, whatever goes wrong.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::OnceLock;

use bolt12::bitcoin::hashes::sha256;
use bolt12::exchange::{
    Action, Activity, AskNode, Attempt, ConversationId, ConversationKind, Event, IncomingMessage, ManagerError,
    ManagerLimits, MessageArrival, OffersManager, OffersMessageKind, OutgoingMessage, PathId, Payee, Payer, Received,
    Refused, Retry, Save, State, Status,
};
use bolt12::secp256k1::{All, Keypair, PublicKey, Secp256k1};
use bolt12::{
    BlindedPath, Msat, Offer, OfferBuilder, PaidPeriod, Preimage, Recurrence, RecurrenceContext, SubscriptionKey,
    TimeUnit, UnixTime,
};

use super::messages::{NOW, path, payinfo};
use super::network::{Counts, Faults, Network, Packet, Random};
use super::sides::{CHAINS, last_key, point};

const HOUR: u64 = 3_600;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) seed: u64,
    pub(crate) parties: u16,
    /// How many of them sell. If not all do, these buy nothing.
    pub(crate) shops: u16,
    /// Over how many seconds it begins.
    pub(crate) seconds: u64,
    /// Out of 1000 steps, before how many a stranger sends something.
    pub(crate) strangers: u16,
    pub(crate) faults: Faults,
    /// Out of 1000 saves, how many fail.
    pub(crate) broken: u16,
    /// Out of 1000 steps, before how many a party crashes.
    pub(crate) crashes: u16,
    /// Out of 1000 decisions and payments, how many go wrong.
    pub(crate) unwilling: u16,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) paid: u64,
    pub(crate) ended: u64,
    pub(crate) crashes: u64,
    pub(crate) failed_saves: u64,
    pub(crate) saves: u64,
    pub(crate) claims: u64,
    pub(crate) failed_transfers: u64,
    pub(crate) steps: u64,
    pub(crate) strangers: u64,
    pub(crate) faults: Counts,
}

/// A wallet that is a shop.
struct Party {
    node: PublicKey,
    secret: [u8; 32],
    manager: OffersManager,
    disk: BTreeMap<ConversationId, Vec<u8>>,
    /// Saves under way, in order, and when they are done.
    store: VecDeque<(UnixTime, Save)>,
    /// The state that was given out last.
    given: BTreeMap<ConversationId, Vec<u8>>,
    /// What was told, and is to be done.
    to_do: VecDeque<(UnixTime, Event)>,
    subscribers: BTreeMap<SubscriptionKey, (u32, PaidPeriod)>,
    offers: Vec<Offer>,
    /// Where it stands in the agenda.
    next_at: Option<UnixTime>,
}

/// Money on its way.
struct Transfer {
    id: ConversationId,
    attempt: Attempt,
    from: usize,
    succeeds: bool,
    is_done: bool,
    /// Whether whoever paid knows how it ended.
    told: bool,
}

/// What somebody will be paid for.
struct Bill {
    to: usize,
    preimage: Preimage,
    amount: Msat,
    period: Option<(SubscriptionKey, u32, PaidPeriod)>,
    is_claim: bool,
}

pub(crate) struct World {
    setup: Setup,
    now: UnixTime,
    random: Random,
    network: Network,
    parties: Vec<Party>,
    /// Where each node is.
    nodes: BTreeMap<PublicKey, usize>,
    /// When each party has something to do next: nobody looks at a thousand of them to find the one that has.
    agenda: BTreeSet<(UnixTime, usize)>,
    /// When something begins that did not yet.
    beginnings: BTreeSet<(UnixTime, usize)>,
    /// What is on its way, by when it arrives.
    on_the_way: BTreeSet<(UnixTime, sha256::Hash)>,
    transfers: BTreeMap<sha256::Hash, Transfer>,
    bills: BTreeMap<sha256::Hash, Bill>,
    outcome: Outcome,
}

impl Party {
    fn new(number: u16) -> Self {
        let mut secret = [0x60; 32];
        secret[..2].copy_from_slice(&number.to_be_bytes());
        let node = Keypair::from_seckey_slice(context(), &secret).unwrap().public_key();
        let (disk, store, given, to_do, subscribers) = Default::default();
        let manager = new_manager(secret);
        let payee = manager.payee().clone();
        let offer = |number: u8, fill: &dyn Fn(OfferBuilder) -> OfferBuilder| {
            let new = payee.new_offer([number; 16]);
            let builder = (0..2).fold(OfferBuilder::new(new.issuer_id()), |builder, position| {
                builder.add_path(path_with(node, new.path_id(position)))
            });
            new.build(fill(builder.description("tea").amount_msat(Msat(9_000)))).unwrap()
        };
        let daily = Recurrence::every(1, TimeUnit::Days).unwrap();
        let offers = vec![offer(0, &|offer| offer), offer(1, &|offer| offer.recurrence(daily))];
        Self { node, secret, manager, disk, store, given, to_do, subscribers, offers, next_at: None }
    }

    /// When there is something to do.
    fn due_at(&self) -> Option<UnixTime> {
        let store = self.store.front().map(|(at, _)| *at);
        let to_do = self.to_do.iter().map(|(at, _)| *at).min();
        [self.manager.wake_at(), store, to_do].into_iter().flatten().min()
    }

    /// Everything that is not on the disk is forgotten. Some of what was under way got there.
    fn crash(&mut self, done: usize, now: UnixTime, random: &mut Random) -> Vec<AskNode> {
        for (_, save) in self.store.drain(..).take(done) {
            match save.state {
                Some(state) => drop(self.disk.insert(save.id, state)),
                None => drop(self.disk.remove(&save.id)),
            }
        }
        self.manager = new_manager(self.secret);
        self.to_do.clear();
        self.given = self.disk.clone();
        let mut states: Vec<_> = self.disk.clone().into_iter().collect();
        for at in (1..states.len()).rev() {
            states.swap(at, random.index(at + 1));
        }
        let loaded = self.manager.load(states, now);
        assert_eq!((loaded.count, loaded.failed), (self.disk.len(), vec![]));
        assert!(self.manager.next_save().is_none(), "loading changes nothing");
        loaded.ask_node
    }

    /// What is being paid.
    fn paying(&self, id: ConversationId) -> Result<Option<(sha256::Hash, Attempt)>, ManagerError> {
        let paying = |state: State<'_>| match state {
            State::Paying(paying) => Some((paying.payment_hash(), paying.attempt())),
            _ => None,
        };
        match id {
            ConversationId::Payment(id) => self.manager.payment(id, |it| paying(it.state())),
            ConversationId::Subscription(id) => {
                self.manager.subscription(id, |it| it.payment().and_then(|it| paying(it.state())))
            }
            _ => Ok(None),
        }
    }

    /// Whether everything here is over, and known to be.
    fn is_done(&self) -> bool {
        self.store.is_empty() && self.to_do.is_empty() && self.manager.wake_at().is_none()
    }

    /// EXC-16: checks by each payment alone that the queue is not late.
    /// Only what could not be saved may wait longer than it has to.
    fn check_queue(&self, now: UnixTime, pause: u64) {
        if self.disk.len() > 100 {
            return;
        }
        let wake_at = self.manager.wake_at();
        if wake_at.is_some_and(|at| at <= now) {
            return;
        }
        let payer = self.manager.payer();
        for (id, state) in &self.disk {
            let ConversationId::Payment(payment) = id else { continue };
            // What is being saved waits for that.
            let is_saving = |status: Status| status.activity == Activity::Saving;
            if self.manager.status(*payment, now).map_or(true, is_saving) {
                continue;
            }
            let due = match payer.load(state).unwrap().poll(now).unwrap() {
                Action::WaitUntil(at) => at,
                Action::Send(_) => now,
                Action::Sign | Action::Nothing => continue,
            };
            let latest = UnixTime(due.0.max(now.0 + pause));
            assert!(wake_at.is_some_and(|wake| wake <= latest), "{wake_at:?} is later than {due}");
        }
    }
}

fn context() -> &'static Secp256k1<All> {
    static CONTEXT: OnceLock<Secp256k1<All>> = OnceLock::new();
    CONTEXT.get_or_init(Secp256k1::new)
}

/// A path to a node whose last hop holds a path id, as it would after decryption.
fn path_with(node: PublicKey, path_id: PathId) -> BlindedPath<'static> {
    let hops = [(node, &b"next"[..]), (last_key(0x60, path_id).public_key(), &path_id.0[..])];
    BlindedPath::new(node.into(), point(0x52), hops).unwrap()
}

fn new_manager(secret: [u8; 32]) -> OffersManager {
    OffersManager::new(Payer::new(secret), Payee::new(secret), ManagerLimits::default())
}

impl World {
    pub(crate) fn new(setup: Setup) -> Self {
        let random = Random::new(setup.seed);
        let network = Network::new(setup.seed, setup.faults);
        let parties: Vec<_> = (0..setup.parties).map(Party::new).collect();
        let nodes = parties.iter().enumerate().map(|(at, party)| (party.node, at)).collect();
        let (agenda, beginnings, on_the_way, transfers, bills, outcome) = Default::default();
        let now = NOW;
        Self { setup, now, random, network, parties, nodes, agenda, beginnings, on_the_way, transfers, bills, outcome }
    }

    /// Everybody buys something from somebody, subscribes, and refunds.
    pub(crate) fn run(mut self, purchases: usize) -> Outcome {
        for number in 0..purchases {
            let at = UnixTime(NOW.0 + self.random.below(self.setup.seconds));
            self.beginnings.insert((at, number));
        }
        while let Some(at) = self.next_at() {
            self.now = self.now.max(at);
            while let Some(at) = self.act() {
                self.outcome.steps += 1;
                let most = 10_000 * (purchases as u64 + 1);
                assert!(self.outcome.steps < most, "seed {}: it spins at {}", self.setup.seed, self.now);
                // It costs a signature for each payment.
                if self.outcome.steps % 4 == 0 {
                    let pause = if self.setup.broken > 0 { 300 } else { 0 };
                    self.parties[at].check_queue(self.now, pause);
                }
            }
        }
        self.finish()
    }

    fn begin_something(&mut self) -> usize {
        let (parties, shops) = (usize::from(self.setup.parties), usize::from(self.setup.shops));
        let to = self.random.index(shops);
        let from =
            if shops < parties { shops + self.random.index(parties - shops) } else { self.random.index(parties) };
        let (entropy, now) = (self.random.bytes(), self.now);
        let (offers, payee) = (self.parties[to].offers.clone(), self.parties[to].manager.payee().clone());
        let party = &mut self.parties[from];
        let payer = party.manager.payer().clone();
        match self.random.below(4) {
            0 => {
                let draft = payer.subscribe(&offers[1], now, CHAINS).unwrap().payments(2);
                let subscription = draft.start(entropy, now, UnixTime(now.0 + HOUR)).unwrap();
                party.manager.add_subscription(subscription, now).unwrap();
            }
            1 => {
                let new = payer.new_refund(entropy);
                let path = path_with(party.node, new.path_id(0));
                let refund = new.builder("a cup", Msat(5_000)).add_path(path).absolute_expiry(UnixTime(now.0 + HOUR));
                let payment = new.publish(refund, now).unwrap();
                let refund = payment.refund().unwrap().clone();
                party.manager.add_payment(payment, now).unwrap();
                let accepted = payee.claim(&refund, now, CHAINS).unwrap();
                let expected = accepted.expected_payment();
                let invoice = accepted.invoice(expected.payment_hash()).add_path(super::messages::path(2), &payinfo());
                let claim = accepted.sign(invoice.build().unwrap(), UnixTime(now.0 + HOUR), Retry::default()).unwrap();
                let (preimage, amount) = (expected.preimage, expected.amount);
                self.bills.insert(expected.payment_hash(), Bill { to, preimage, amount, period: None, is_claim: true });
                self.parties[to].manager.add_claim(claim, now).unwrap();
            }
            _ => {
                let draft = payer.draft(&offers[0], now, CHAINS).unwrap();
                let payment = draft.start(entropy, now, UnixTime(now.0 + 600)).unwrap();
                party.manager.add_payment(payment, now).unwrap();
            }
        }
        self.take(from);
        self.take(to);
        from
    }

    fn next_at(&self) -> Option<UnixTime> {
        let transfers = self.on_the_way.first().map(|(at, _)| *at);
        let beginnings = self.beginnings.first().map(|(at, _)| *at);
        let parties = self.agenda.first().map(|(at, _)| *at);
        parties.into_iter().chain(transfers).chain(beginnings).chain(self.network.next_at()).min()
    }

    /// Does one thing that is due, and says where.
    fn act(&mut self) -> Option<usize> {
        let now = self.now;
        if self.random.chance(self.setup.strangers) {
            self.stranger();
        }
        if self.beginnings.first().is_some_and(|(at, _)| *at <= now) {
            self.beginnings.pop_first();
            return Some(self.begin_something());
        }
        if self.random.chance(self.setup.crashes) {
            let party = self.random.index(self.parties.len());
            self.crash(party);
        }
        if let Some(packet) = self.network.receive(now) {
            return Some(self.deliver(&packet));
        }
        if let Some((_, hash)) = self.on_the_way.first().copied().filter(|(at, _)| *at <= now) {
            self.on_the_way.pop_first();
            return Some(self.transfer(hash));
        }
        let (_, at) = self.agenda.first().copied().filter(|(at, _)| *at <= now)?;
        let party = &mut self.parties[at];
        if party.store.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, save)) = party.store.pop_front() else { unreachable!() };
            self.outcome.saves += 1;
            if self.random.chance(self.setup.broken) {
                self.outcome.failed_saves += 1;
                // What was given out before holds again.
                match party.disk.get(&save.id) {
                    Some(state) => drop(party.given.insert(save.id, state.clone())),
                    None => drop(party.given.remove(&save.id)),
                }
                party.manager.save_failed(save.number, now);
            } else {
                match save.state {
                    Some(state) => drop(party.disk.insert(save.id, state)),
                    None => drop(party.disk.remove(&save.id)),
                }
                assert!(party.manager.saved(save.number));
            }
        } else if let Some(due) = party.to_do.iter().position(|(at, _)| *at <= now) {
            let (_, event) = party.to_do.remove(due).unwrap();
            self.decide(at, &event);
        } else {
            assert!(party.manager.wake_at().is_some_and(|at| at <= now));
            party.manager.poll(now, 3);
        }
        self.take(at);
        Some(at)
    }

    /// Notes when a party has something to do next.
    fn note_due(&mut self, at: usize) {
        let due_at = self.parties[at].due_at();
        let before = std::mem::replace(&mut self.parties[at].next_at, due_at);
        if before != due_at {
            before.map(|before| self.agenda.remove(&(before, at)));
            self.agenda.extend(due_at.map(|due_at| (due_at, at)));
        }
    }

    /// Takes what a manager gives.
    fn take(&mut self, at: usize) {
        let now = self.now;
        while let Some(save) = self.parties[at].manager.next_save() {
            let party = &mut self.parties[at];
            if let Some(state) = &save.state {
                let before = party.given.insert(save.id, state.clone());
                assert_ne!(before.as_ref(), Some(state), "seed {}: nothing changed", self.setup.seed);
            }
            let done_at = party.store.back().map_or(now, |(at, _)| *at).0 + self.random.below(3);
            party.store.push_back((UnixTime(done_at.max(now.0)), save));
        }
        if let Some(message) = self.parties[at].manager.next_message() {
            let id = message.id();
            let message = message.message().unwrap();
            self.check_sent(at, id);
            self.send(at, &message);
            // That there is no way is to be saved.
            return self.take(at);
        }
        while let Some(event) = self.parties[at].manager.next_event() {
            self.check_told(at, &event);
            let later = UnixTime(now.0 + self.random.below(20));
            self.parties[at].to_do.push_back((later, event));
        }
        self.note_due(at);
    }

    fn send(&mut self, at: usize, message: &OutgoingMessage) {
        let node = self.parties[at].node;
        let packet = Packet::new(message, |path_id| path_with(node, path_id));
        if self.network.send(packet, self.now).is_err() {
            self.parties[at].manager.unreachable(message, self.now);
        }
    }

    /// EXC-15: what is sent follows from what is on the disk.
    fn check_sent(&self, at: usize, id: ConversationId) {
        let party = &self.parties[at];
        let state = party.disk.get(&id).unwrap_or_else(|| panic!("seed {}: {id} was not saved", self.setup.seed));
        if let ConversationId::Payment(_) = id {
            let payment = party.manager.payer().load(state).unwrap();
            assert!(
                matches!(payment.state(), State::Asking { attempts } if attempts > 0) || payment.refund().is_some()
            );
        }
    }

    /// EXC-15: so does what is told.
    fn check_told(&self, at: usize, event: &Event) {
        let (Event::Payable(id) | Event::Quoted(id) | Event::Paid(id)) = event else { return };
        let party = &self.parties[at];
        let state = &party.disk[id];
        let payer = party.manager.payer();
        let is_right = |state: State<'_>| match event {
            Event::Payable(_) => matches!(state, State::Paying(_)),
            Event::Quoted(_) => matches!(state, State::Quoted(_)),
            _ => matches!(state, State::Paid(_)),
        };
        match id {
            ConversationId::Payment(_) => assert!(is_right(payer.load(state).unwrap().state())),
            ConversationId::Subscription(_) => {
                let subscription = payer.load_subscription(state).unwrap();
                assert!(is_right(subscription.payment().unwrap().state()));
            }
            _ => {}
        }
    }

    fn decide(&mut self, at: usize, event: &Event) {
        let (now, unwilling) = (self.now, self.random.chance(self.setup.unwilling));
        let party = &mut self.parties[at];
        match event {
            Event::Quoted(ConversationId::Payment(id)) => {
                let quote = |payment: &bolt12::exchange::Payment| match payment.state() {
                    State::Quoted(quote) => Some((quote.payment_hash(), quote.amount())),
                    _ => None,
                };
                let Ok(Some((hash, amount))) = party.manager.payment(*id, quote) else { return };
                assert_eq!(amount, self.bills[&hash].amount);
                if unwilling {
                    party.manager.decline(*id, now).unwrap();
                } else {
                    // It may have expired.
                    let _ = party.manager.begin(*id, hash, now);
                }
            }
            Event::Quoted(id @ ConversationId::Subscription(subscription)) => {
                let quote = |it: &bolt12::exchange::Subscription| match it.payment().map(|payment| payment.state()) {
                    Some(State::Quoted(quote)) => Some(quote.payment_hash()),
                    _ => None,
                };
                if let Ok(Some(hash)) = party.manager.subscription(*subscription, quote) {
                    let _ = party.manager.begin(*id, hash, now);
                }
            }
            Event::Payable(id) => {
                let (hash, attempt) = party.paying(*id).unwrap().expect("it is payable");
                self.pay(at, *id, hash, attempt);
            }
            Event::Paid(id) if id.kind() != ConversationKind::Claim => self.outcome.paid += 1,
            Event::Paid(_) => self.outcome.claims += 1,
            Event::Ended(_) => self.outcome.ended += 1,
            Event::NotSaved { id, .. } => {
                // What the node said may be forgotten, also that it never heard of a payment.
                let id = *id;
                let is_to_come = party.to_do.iter().any(|(_, event)| *event == Event::Payable(id));
                match party.paying(id) {
                    Err(ManagerError::Unsaved(_)) => party.to_do.push_back((UnixTime(now.0 + 1), event.clone())),
                    Ok(Some((hash, attempt))) if !is_to_come => self.tell(at, id, hash, Some(attempt)),
                    _ => {}
                }
                let hashes: Vec<_> = self
                    .transfers
                    .iter()
                    .filter(|(_, it)| it.from == at && it.id == id)
                    .map(|(hash, _)| *hash)
                    .collect();
                hashes.into_iter().for_each(|hash| self.tell(at, id, hash, None));
            }
            Event::Overdue(ConversationId::Subscription(id)) => party.manager.catch_up(*id, now).unwrap_or(()),
            Event::Stopped(ConversationId::Subscription(id)) => party.manager.try_again(*id, now).unwrap_or(()),
            other => panic!("what is {other:?}?"),
        }
    }

    /// The money leaves.
    fn pay(&mut self, at: usize, id: ConversationId, hash: sha256::Hash, attempt: Attempt) {
        let seed = self.setup.seed;
        let before = self.transfers.get(&hash);
        assert!(before.is_none_or(|it| it.is_done && !it.succeeds), "seed {seed}: {id} is paid twice");
        let is_kind = |kind| id.kind() == kind;
        if is_kind(ConversationKind::Payment) {
            let other = self.transfers.iter().find(|(other, it)| **other != hash && it.id == id && it.from == at);
            assert!(other.is_none_or(|(_, it)| it.is_done && !it.succeeds), "seed {seed}: {id} is paid twice");
        }
        let succeeds = !self.random.chance(self.setup.unwilling);
        let done_at = UnixTime(self.now.0 + 1 + self.random.below(30));
        self.on_the_way.insert((done_at, hash));
        self.transfers.insert(hash, Transfer { id, attempt, from: at, succeeds, is_done: false, told: false });
    }

    /// The money arrives, or does not.
    fn transfer(&mut self, hash: sha256::Hash) -> usize {
        let transfer = self.transfers.get_mut(&hash).unwrap();
        transfer.is_done = true;
        let (from, id, succeeds) = (transfer.from, transfer.id, transfer.succeeds);
        if succeeds {
            let bill = &self.bills[&hash];
            let to = &mut self.parties[bill.to];
            if let Some((key, counter, period)) = bill.period {
                to.subscribers.insert(key, (counter, period));
            }
            if bill.is_claim {
                // It is told again after a crash, and after a save that failed.
                let _ = to.manager.claim_paid(hash, self.now);
            }
        } else {
            self.outcome.failed_transfers += 1;
        }
        let to = self.bills[&hash].to;
        self.tell(from, id, hash, None);
        self.take(from);
        self.take(to);
        from
    }

    /// What the node says, of this attempt when it is asked. It has not heard of what it was never told to pay.
    fn tell(&mut self, at: usize, id: ConversationId, hash: sha256::Hash, asked: Option<Attempt>) {
        let (now, party) = (self.now, &mut self.parties[at]);
        if id.kind() == ConversationKind::Claim {
            if self.transfers.get(&hash).is_some_and(|it| it.is_done && it.succeeds) {
                let _ = party.manager.claim_paid(hash, now);
            }
            return;
        }
        match self.transfers.get_mut(&hash) {
            Some(it) if it.is_done => {
                it.told = true;
                if it.succeeds {
                    let _ = party.manager.paid(self.bills[&hash].preimage, now);
                } else {
                    let _ = party.manager.failed(hash, asked.unwrap_or(it.attempt), now);
                }
            }
            None => {
                if let Some(attempt) = asked {
                    let _ = party.manager.failed(hash, attempt, now);
                }
            }
            _ => {}
        }
    }

    fn crash(&mut self, at: usize) {
        self.outcome.crashes += 1;
        let (now, party) = (self.now, &mut self.parties[at]);
        let done = self.random.index(party.store.len() + 1);
        let ask = party.crash(done, now, &mut self.random);
        for AskNode { id, payment_hashes, attempt, .. } in ask {
            payment_hashes.into_iter().for_each(|hash| self.tell(at, id, hash, attempt));
        }
        self.take(at);
    }

    fn deliver(&mut self, packet: &Packet) -> usize {
        let now = self.now;
        let at = self.nodes[&packet.to];
        match self.parties[at].manager.receive(packet.incoming(), now) {
            Ok(Received::Request(message)) => {
                let answer = self.sell(at, message).unwrap_or_else(|refused| refused.into_answer());
                if let Some(answer) = answer {
                    self.send(at, &answer);
                }
            }
            Ok(_) => {}
            Err(refused) => assert!(refused.answer().is_none()),
        }
        self.take(at);
        at
    }

    /// Somebody who is nobody sends something to somebody: it is refused, and nothing is kept of it.
    fn stranger(&mut self) {
        self.outcome.strangers += 1;
        let at = self.random.index(self.parties.len());
        let arrival = match self.random.below(3) {
            0 => MessageArrival::Direct,
            1 => MessageArrival::OtherPath,
            _ => MessageArrival::Path(PathId(self.random.bytes())),
        };
        let kinds = [OffersMessageKind::InvoiceRequest, OffersMessageKind::Invoice, OffersMessageKind::InvoiceError];
        let kind = kinds[self.random.index(3)];
        let bytes = self.random.bytes::<64>().to_vec();
        let message = IncomingMessage { kind, bytes, arrival, reply_path: Some(path(1)) };
        let manager = &mut self.parties[at].manager;
        let refused = match manager.receive(message, self.now) {
            Ok(Received::Request(message)) => manager.payee().receive(message).unwrap_err(),
            Ok(other) => panic!("{other:?}"),
            Err(refused) => refused,
        };
        assert!(refused.is_cheap() && refused.answer().is_none());
        assert!(manager.next_save().is_none() && manager.next_message().is_none() && manager.next_event().is_none());
    }

    /// What a shop does with a request.
    fn sell(&mut self, at: usize, message: IncomingMessage) -> Result<Option<OutgoingMessage>, Box<Refused>> {
        let party = &mut self.parties[at];
        let received = party.manager.payee().receive(message)?;
        let terms = super::sides::terms(self.now, None);
        let key = received.subscription_key();
        let counter = received.recurrence().map(|request| request.counter);
        let accepted = match (key, counter) {
            (Some(_), Some(_)) if received.cancels() => return Ok(None),
            (Some(key), Some(counter)) => {
                let last = party.subscribers.get(&key);
                let previous = last.filter(|(last, _)| last + 1 == counter).map(|(_, period)| *period);
                let is_paid = last.is_some_and(|(last, _)| counter <= *last);
                received.accept_recurring(&terms, &RecurrenceContext { previous, is_paid, is_cancelled: false })?
            }
            _ => received.accept(&terms)?,
        };
        let expected = accepted.expected_payment();
        let invoice = accepted.invoice(expected.payment_hash()).add_path(path(2), &payinfo()).build()?;
        let period =
            key.zip(counter).zip(accepted.paid_period()).map(|((key, counter), period)| (key, counter, period));
        let (preimage, amount) = (expected.preimage, expected.amount);
        self.bills.insert(expected.payment_hash(), Bill { to: at, preimage, amount, period, is_claim: false });
        let invoice = accepted.sign(invoice)?;
        Ok(Some(accepted.answer(invoice)?))
    }

    /// Looks at what became of everything.
    fn finish(mut self) -> Outcome {
        let seed = self.setup.seed;
        for party in &self.parties {
            assert_eq!(party.due_at(), party.next_at, "seed {seed}: the agenda is wrong");
            assert!(party.is_done(), "seed {seed}: {:?} waits for nothing", party.manager);
            for id in party.manager.ids() {
                let status = party.manager.status(id, self.now).unwrap();
                let is_over = status.activity.waits_for().is_none();
                assert!(is_over, "seed {seed}: {id} has not ended: {status:?}");
            }
        }
        // What was paid is known to be, and nothing else is.
        for (hash, transfer) in &self.transfers {
            let party = &self.parties[transfer.from];
            let ConversationId::Payment(id) = transfer.id else { continue };
            let is_paid = |payment: &bolt12::exchange::Payment| match payment.state() {
                State::Paid(receipt) => receipt.invoice().payment_hash() == *hash,
                _ => false,
            };
            assert_eq!(party.manager.payment(id, is_paid), Ok(transfer.succeeds), "seed {seed}");
        }
        self.outcome.faults = self.network.counts;
        self.outcome
    }
}
