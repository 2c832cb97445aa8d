//! A small world to run exchanges in: a shop, two customers, a network, a bank that moves the money, a market with a
//! rate, a disk each, and crashes. All of it follows from a seed.
//!
//! The world plays by the documentation and watches: every check here holds in every run, whatever goes wrong.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

use bolt12::bitcoin::hashes::sha256;
use bolt12::exchange::{
    Accepted, Action, Attempt, Claim, ClaimId, ClaimState, EndReason, Limit, MaxAmount, MessageArrival, OffersMessage,
    OutgoingMessage, PathId, Payee, Payer, Payment, PaymentId, Progress, Retry, State,
};
use bolt12::{
    BlindedPath, ErrorKind, Expectation, ExpectedPayee, Field, PayerProof, PayerProofBuilder, Preimage, Refund,
    UnixTime,
};

use super::messages::{NOW, key, payinfo};
use super::naive;
use super::network::{Counts, Network, Packet, Random};
use super::plan::{Market, Purchase, Setup, ShopOffer, Signer, records};
use super::sides::{CHAINS, last_key, path_with, point};

/// Whoever was at work lost its memory.
#[derive(Debug)]
struct Crash;

type Step = Result<(), Crash>;

/// Something in memory, and when to look at it again.
struct Live<T> {
    it: T,
    wake: UnixTime,
    /// When to decide about a quote, once there is one.
    decide: Option<UnixTime>,
}

impl<T> Live<T> {
    fn new(it: T, wake: UnixTime) -> Self {
        Self { it, wake, decide: None }
    }
}

/// A person or a shop: pays and is paid with one secret, the same for both, to be hostile.
struct Party {
    node: u8,
    issuer: Payee,
    payer: Payer,
    payments: BTreeMap<PaymentId, Live<Payment>>,
    claims: BTreeMap<ClaimId, Live<Claim>>,
    disk: Disk,
}

/// What survives a crash.
#[derive(Default)]
struct Disk {
    payments: BTreeMap<PaymentId, Vec<u8>>,
    claims: BTreeMap<ClaimId, Vec<u8>>,
    /// Requests that were accepted and will be answered at a time.
    answers: BTreeMap<u64, (UnixTime, Vec<u8>)>,
}

impl Party {
    fn new(node: u8, secret: [u8; 32]) -> Self {
        let (issuer, payer) = (Payee::new(secret), Payer::new(secret));
        let (payments, claims) = Default::default();
        Self { node, issuer, payer, payments, claims, disk: Disk::default() }
    }

    /// Begins again with what is on the disk.
    fn restart(&mut self, now: UnixTime) {
        let (issuer, payer) = (&self.issuer, &self.payer);
        let payments = self.disk.payments.iter().map(|(id, bytes)| {
            let payment = payer.load(bytes).unwrap();
            assert_eq!((payment.id(), &payment.to_bytes()), (*id, bytes));
            (*id, Live::new(payment, now))
        });
        self.payments = payments.collect();
        let claims = self.disk.claims.iter().map(|(id, bytes)| {
            let claim = issuer.load_claim(bytes).unwrap();
            assert_eq!((claim.id(), &claim.to_bytes()), (*id, bytes));
            (*id, Live::new(claim, now))
        });
        self.claims = claims.collect();
    }
}

/// Something that people do at a time.
enum Todo {
    Buy(Purchase),
    Claim(usize, Box<Refund>),
}

/// Whether a payment of the bank went through.
struct Transfer {
    party: usize,
    id: PaymentId,
    hash: sha256::Hash,
    done_at: UnixTime,
    succeeds: bool,
    told: bool,
}

struct Bill {
    preimage: Preimage,
    payee: usize,
    claim: Option<ClaimId>,
}

/// What became of everything in a world.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) begun: u64,
    pub(crate) paid: u64,
    pub(crate) refunds_paid: u64,
    pub(crate) claims_paid: u64,
    pub(crate) deadline: u64,
    pub(crate) refused: u64,
    pub(crate) too_expensive: u64,
    pub(crate) quote_expired: u64,
    pub(crate) declined: u64,
    pub(crate) offer_expired: u64,
    pub(crate) crashes: u64,
    pub(crate) probes: u64,
    pub(crate) late: u64,
    pub(crate) asked_again: u64,
    pub(crate) failed_transfers: u64,
    pub(crate) renewed: u64,
    pub(crate) allowed: u64,
    pub(crate) backups: u64,
    pub(crate) steps: u64,
    pub(crate) faults: Counts,
}

impl Outcome {
    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, count) in [
            (&mut self.begun, other.begun),
            (&mut self.paid, other.paid),
            (&mut self.refunds_paid, other.refunds_paid),
            (&mut self.claims_paid, other.claims_paid),
            (&mut self.deadline, other.deadline),
            (&mut self.refused, other.refused),
            (&mut self.too_expensive, other.too_expensive),
            (&mut self.quote_expired, other.quote_expired),
            (&mut self.declined, other.declined),
            (&mut self.offer_expired, other.offer_expired),
            (&mut self.crashes, other.crashes),
            (&mut self.probes, other.probes),
            (&mut self.late, other.late),
            (&mut self.asked_again, other.asked_again),
            (&mut self.failed_transfers, other.failed_transfers),
            (&mut self.renewed, other.renewed),
            (&mut self.allowed, other.allowed),
            (&mut self.backups, other.backups),
            (&mut self.steps, other.steps),
        ] {
            *sum += count;
        }
        self.faults.add(&other.faults);
    }
}

/// What was seen to leave a payer: whose it is, and the records that an invoice has to repeat.
struct Asked {
    id: PaymentId,
    repeated: Vec<u8>,
}

pub(crate) struct World {
    setup: Setup,
    now: UnixTime,
    random: Random,
    network: Network,
    market: Market,
    parties: [Party; 3],
    shop: Vec<ShopOffer>,
    todo: Vec<(UnixTime, Todo)>,
    purchases: BTreeMap<PaymentId, Purchase>,
    transfers: Vec<Transfer>,
    bills: HashMap<sha256::Hash, Bill>,
    invoices: HashSet<Vec<u8>>,
    requests: HashSet<Vec<u8>>,
    asked: HashMap<PathId, Asked>,
    /// When paying was begun last.
    begun: BTreeMap<PaymentId, UnixTime>,
    /// When an end was first seen.
    ended: BTreeMap<PaymentId, UnixTime>,
    /// Everything that was written to a disk: whose payment it is, and the bytes.
    pub(crate) trace: Vec<(usize, Vec<u8>)>,
    pub(crate) outcome: Outcome,
}

const SHOP: usize = 0;

impl World {
    pub(crate) fn new(setup: Setup) -> Self {
        let mut random = Random::new(setup.seed);
        let parties = [0x60, 0x70, 0x71].map(|node| Party::new(node, random.bytes()));
        let market = Market::new(random.number(), if setup.willing { 100 } else { 400 });
        let shop: Vec<_> = (0..2).map(|_| ShopOffer::make(&parties[SHOP].issuer, 0x60, &mut random, &setup)).collect();
        let mut world = Self {
            setup,
            now: NOW,
            network: Network::new(random.number(), setup.faults),
            random,
            market,
            parties,
            shop,
            todo: Vec::new(),
            purchases: BTreeMap::new(),
            transfers: Vec::new(),
            bills: HashMap::new(),
            invoices: HashSet::new(),
            requests: HashSet::new(),
            asked: HashMap::new(),
            begun: BTreeMap::new(),
            ended: BTreeMap::new(),
            trace: Vec::new(),
            outcome: Outcome::default(),
        };
        for _ in 0..setup.purchases {
            let at = UnixTime(NOW.0 + world.random.below(90));
            let purchase = Purchase::of_offer(&world.shop, &mut world.random, &setup, at);
            world.todo.push((at, Todo::Buy(purchase)));
        }
        let at = UnixTime(NOW.0 + world.random.below(30));
        let refund = Purchase::of_refund(SHOP, &mut world.random, &setup, at);
        world.todo.push((at, Todo::Buy(refund)));
        world
    }

    /// Runs until nothing is left to do.
    pub(crate) fn run(mut self) -> Self {
        // Whatever happens, it ends: the longest run that was seen took a tenth of this.
        for _ in 0..20_000 {
            if !self.act() {
                let Some(next) = self.next_at() else { return self.finish() };
                assert!(next > self.now, "time stands still at {}", self.now);
                self.now = next;
            }
        }
        panic!("seed {}: no end at {}", self.setup.seed, self.now)
    }

    /// Does one thing that is due; whoever crashes meanwhile begins again.
    fn act(&mut self) -> bool {
        let now = self.now;
        if let Some(at) = self.todo.iter().position(|(at, _)| *at <= now) {
            let (_, todo) = self.todo.remove(at);
            match todo {
                Todo::Buy(purchase) => {
                    let party = purchase.party;
                    // What was begun and not saved was never sent: it is begun again.
                    if self.buy(purchase.clone()).is_err() {
                        self.crash(party);
                        self.todo.push((now, Todo::Buy(purchase)));
                    }
                }
                Todo::Claim(party, refund) => {
                    if self.claim(party, &refund).is_err() {
                        self.crash(party);
                        self.todo.push((now, Todo::Claim(party, refund)));
                    }
                }
            }
            return true;
        }
        if let Some(packet) = self.network.receive(now) {
            if let Some(party) = self.parties.iter().position(|party| point(party.node) == packet.to) {
                let step = match packet.number {
                    64 => self.on_request(party, &packet),
                    66 => self.on_invoice(party, &packet),
                    68 => self.on_error(party, &packet),
                    other => panic!("what is {other}?"),
                };
                self.crash_if(party, step);
            }
            return true;
        }
        for party in 0..self.parties.len() {
            let it = &self.parties[party];
            if let Some((id, _)) = it.payments.iter().find(|(_, live)| live.wake <= now) {
                let id = *id;
                let step = self.pay_on(party, id);
                self.crash_if(party, step);
                return true;
            }
            if let Some((id, _)) = it.claims.iter().find(|(_, live)| live.wake <= now) {
                let id = *id;
                let step = self.claim_on(party, id);
                self.crash_if(party, step);
                return true;
            }
            if let Some((at, _)) = it.disk.answers.iter().find(|(_, (at, _))| *at <= now) {
                let at = *at;
                let step = self.answer(party, at);
                self.crash_if(party, step);
                return true;
            }
        }
        false
    }

    fn next_at(&self) -> Option<UnixTime> {
        let todo = self.todo.iter().map(|(at, _)| *at).min();
        let lives = self.parties.iter().flat_map(|party| {
            let payments = party.payments.values().map(|live| live.wake);
            let claims = party.claims.values().map(|live| live.wake);
            payments.chain(claims).chain(party.disk.answers.values().map(|(at, _)| *at))
        });
        let lives = lives.filter(|wake| *wake != NEVER).min();
        [todo, self.network.next_at(), lives].into_iter().flatten().min()
    }

    /// A place where a crash can happen.
    fn crash_here(&mut self) -> Step {
        self.outcome.steps += 1;
        let crashes = Some(self.outcome.steps) == self.setup.crash_at || self.random.chance(self.setup.crashes);
        if crashes { Err(Crash) } else { Ok(()) }
    }

    fn crash_if(&mut self, party: usize, step: Step) {
        if step.is_err() {
            self.crash(party);
        }
    }

    fn crash(&mut self, party: usize) {
        self.outcome.crashes += 1;
        self.parties[party].restart(self.now);
    }

    /// Something came that nobody waits for, and that nobody hears of.
    fn probe(&mut self) -> Step {
        self.outcome.probes += 1;
        Ok(())
    }

    fn live(&mut self, party: usize, id: PaymentId) -> &mut Live<Payment> {
        self.parties[party].payments.get_mut(&id).unwrap()
    }

    /// Saves a payment, as after every step.
    fn save(&mut self, party: usize, id: PaymentId) -> Step {
        self.crash_here()?;
        let bytes = self.live(party, id).it.to_bytes();
        self.trace.push((party, bytes.clone()));
        self.parties[party].disk.payments.insert(id, bytes);
        if self.random.chance(30) {
            self.check_backup(party, id);
        }
        self.crash_here()
    }

    /// EXC-13: whatever state is loaded as a backup, it pays nothing, asks for nothing, and cannot be allowed to.
    fn check_backup(&mut self, party: usize, id: PaymentId) {
        self.outcome.backups += 1;
        let party = &self.parties[party];
        let mut restored = party.payer.restore(&party.disk.payments[&id]).unwrap();
        let was_paying = match restored.state() {
            State::Paying(paying) => Some(paying.attempt()),
            State::Paid(_) => return,
            State::Ended(_) => None,
            other => panic!("a backup is {other:?}"),
        };
        if let Some(attempt) = was_paying {
            restored.failed(attempt).unwrap();
        }
        assert_eq!(restored.poll(self.now).unwrap(), Action::Nothing);
        assert!(super::sides::try_begin(&mut restored, self.now).is_err());
        let limit = Limit::AtMost(bolt12::Msat::MAX_MONEY);
        assert!(restored.allow(limit, self.now, NEVER).is_err(), "seed {}", self.setup.seed);
    }

    fn save_claim(&mut self, party: usize, id: ClaimId) -> Step {
        self.crash_here()?;
        let it = &mut self.parties[party];
        it.disk.claims.insert(id, it.claims[&id].it.to_bytes());
        self.crash_here()
    }

    fn send(&mut self, party: usize, outgoing: &OutgoingMessage) -> Result<(), super::network::Unreachable> {
        let node = self.parties[party].node;
        let bytes = outgoing.message.as_bytes();
        match &outgoing.message {
            OffersMessage::InvoiceRequest(_) => self.requests.insert(bytes.to_vec()),
            OffersMessage::Invoice(_) => self.invoices.insert(bytes.to_vec()),
            _ => true,
        };
        self.network.send(Packet::new(outgoing, |path_id| path_with(node, path_id)), self.now)
    }

    // ---- whoever pays

    fn buy(&mut self, mut purchase: Purchase) -> Step {
        let (now, party) = (self.now, purchase.party);
        let payment = purchase.begin(&self.parties[party].payer, &self.shop, &self.market, &mut self.random, now);
        let id = payment.id();
        if let Some(refund) = payment.refund().cloned() {
            for position in 0..refund.paths().unwrap().count() {
                let path_id = purchase.refund_path_id(&self.parties[party].payer, position as u8);
                self.asked.insert(path_id, Asked { id, repeated: repeated(refund.as_bytes()) });
            }
        }
        self.parties[party].payments.insert(id, Live::new(payment, now));
        if let Err(crash) = self.save(party, id) {
            // It is on the disk, or it never was.
            if !self.parties[party].disk.payments.contains_key(&id) {
                return Err(crash);
            }
            self.crash(party);
        }
        self.outcome.begun += 1;
        if let Some(refund) = self.parties[party].payments[&id].it.refund().cloned() {
            for claimer in [1, 2] {
                if claimer == 1 || !self.setup.willing && self.random.chance(500) {
                    let at = UnixTime(now.0 + self.random.below(60));
                    self.todo.push((at, Todo::Claim(claimer, Box::new(refund.clone()))));
                }
            }
        }
        assert!(self.purchases.insert(id, purchase).is_none());
        Ok(())
    }

    /// Does what a payment needs next.
    fn pay_on(&mut self, party: usize, id: PaymentId) -> Step {
        let now = self.now;
        // The wallet is told each rate.
        let rate = self.market.rate(now);
        let live = self.live(party, id);
        live.it.set_rate(rate).unwrap();
        let was_quoted = matches!(live.it.state(), State::NeedsApproval { .. });
        let action = live.it.poll(now).unwrap();
        if let Action::Send(outgoing) = action {
            self.outcome.renewed += u64::from(was_quoted);
            let path_id = outgoing.reply_path_id.expect("MSG-2: an answer is wanted");
            let asked = Asked { id, repeated: repeated(outgoing.message.as_bytes()) };
            if let Some(before) = self.asked.insert(path_id, asked) {
                assert_eq!(before.repeated, self.asked[&path_id].repeated, "two requests have one reply path (EXC-5)");
            }
            self.live(party, id).wake = now;
            self.save(party, id)?;
            if self.send(party, &outgoing).is_err() {
                self.live(party, id).it.unreachable(&path_id, now);
                self.save(party, id)?;
            }
            return Ok(());
        }
        let wait = match action {
            Action::WaitUntil(at) => {
                assert!(at > now);
                at
            }
            _ => NEVER,
        };
        let purchase = self.purchases[&id].clone();
        let live = self.live(party, id);
        let wake = match live.it.state() {
            State::Asking { .. } => {
                live.decide = None;
                wait
            }
            State::Quoted(quote) => {
                let (expires_at, deadline) = (quote.expires_at(), live.it.deadline());
                let decide = match live.decide {
                    Some(at) => at,
                    None => {
                        let at = UnixTime(now.0 + self.random.below(purchase.hesitation));
                        self.live(party, id).decide = Some(at);
                        at
                    }
                };
                if decide <= now {
                    return self.decide(party, id, &purchase);
                }
                decide.min(UnixTime(expires_at.0 + 1)).min(UnixTime(deadline.0.saturating_add(1))).min(wait)
            }
            State::NeedsApproval { quote, .. } => {
                live.decide = None;
                let amount = quote.amount();
                assert!(super::sides::try_begin(&mut live.it, now).is_err());
                if !self.setup.willing && self.random.chance(300) {
                    return self.allow(party, id, amount);
                }
                wait
            }
            State::Paying(_) => return self.transfer(party, id, &purchase),
            State::Paid(_) | State::Ended(_) => {
                live.wake = NEVER;
                let deadline = live.it.deadline();
                // What was being paid at the deadline ends when the bank says what became of it.
                let last = self.last_transfer(id).map_or(deadline, |done_at| done_at.max(deadline));
                let ended = *self.ended.entry(id).or_insert(now);
                assert!(ended.0 <= last.0 + 1, "{id} ended at {ended}, not by {last}");
                return self.save(party, id);
            }
        };
        assert!(wake > now);
        self.live(party, id).wake = wake;
        self.save(party, id)
    }

    /// Its owner agrees to another amount.
    fn allow(&mut self, party: usize, id: PaymentId, amount: bolt12::Msat) -> Step {
        let now = self.now;
        self.outcome.allowed += 1;
        let live = self.live(party, id);
        let deadline = live.it.deadline();
        live.it.allow(Limit::AtMost(amount), now, deadline).unwrap();
        live.wake = now;
        let bytes = live.it.to_bytes();
        let step = self.save(party, id);
        // What was forgotten in a crash was not agreed to.
        if self.parties[party].disk.payments[&id] == bytes {
            self.purchases.get_mut(&id).unwrap().allow(amount);
        }
        step
    }

    fn decide(&mut self, party: usize, id: PaymentId, purchase: &Purchase) -> Step {
        let now = self.now;
        let declines = purchase.declines;
        let live = self.live(party, id);
        live.decide = None;
        live.wake = now;
        if declines {
            live.it.decline().unwrap();
            return self.save(party, id);
        }
        let rate = self.market.rate(now);
        let live = self.live(party, id);
        let State::Quoted(quote) = live.it.state() else { panic!() };
        let hash = quote.payment_hash();
        live.it.begin(hash, now, Some(rate)).unwrap();
        self.begun.insert(id, now);
        // The money moves only after this is saved.
        self.save(party, id)
    }

    fn last_transfer(&self, id: PaymentId) -> Option<UnixTime> {
        self.transfers.iter().rev().find(|transfer| transfer.id == id).map(|transfer| transfer.done_at)
    }

    /// Asks the bank what became of a payment, and pays if it knows nothing of it.
    fn transfer(&mut self, party: usize, id: PaymentId, purchase: &Purchase) -> Step {
        let now = self.now;
        let live = &self.parties[party].payments[&id];
        let State::Paying(payable) = live.it.state() else { panic!() };
        let (hash, amount) = (payable.payment_hash(), payable.amount());
        let limits = payable.limits();
        assert!(limits.max_fee.0 <= 50_000 + amount.0 / 100 && limits.max_cltv_expiry_delta == 1008, "EXC-10");
        assert!(!payable.paths().is_empty());
        for (_, payinfo) in payable.paths() {
            assert!(payinfo.fee(amount).is_some_and(|fee| fee <= limits.max_fee), "EXC-10");
        }
        let bytes = payable.invoice().as_bytes().to_vec();
        let known = self.transfers.iter_mut().rev().find(|known| known.id == id && known.hash == hash && !known.told);
        match known {
            None => {
                assert!(self.invoices.contains(&bytes), "an invoice that nobody made is paid");
                purchase.check_amount(amount, live.it.max_amount());
                purchase.check_price(amount, &self.shop, &self.market, self.begun[&id]);
                let unsettled = |other: &&Transfer| other.id == id && (other.succeeds || other.done_at > now);
                let twice = self.transfers.iter().find(unsettled);
                assert!(twice.is_none(), "seed {}: {id} is paid twice", self.setup.seed);
                let failures = self.transfers.iter().filter(|other| other.id == id).count();
                let succeeds =
                    if self.setup.willing { failures > 0 || self.random.chance(800) } else { self.random.chance(700) };
                self.outcome.failed_transfers += u64::from(!succeeds);
                let done_at = UnixTime(now.0 + 1 + self.random.below(20));
                self.transfers.push(Transfer { party, id, hash, done_at, succeeds, told: false });
                self.live(party, id).wake = done_at;
                self.crash_here()
            }
            Some(known) if known.done_at > now => {
                let at = known.done_at;
                self.live(party, id).wake = at;
                Ok(())
            }
            Some(known) if known.succeeds => {
                let bill = &self.bills[&hash];
                let (preimage, payee, claim) = (bill.preimage, bill.payee, bill.claim);
                if let Some(live) = claim.and_then(|id| self.parties[payee].claims.get_mut(&id)) {
                    live.wake = now;
                }
                let live = self.live(party, id);
                assert_eq!(live.it.paid(Preimage([9; 32])).unwrap_err().kind(), &ErrorKind::WrongPreimage);
                live.it.paid(preimage).unwrap();
                live.wake = now;
                self.save(party, id)
            }
            Some(_) => {
                let live = self.live(party, id);
                // EXC-12: news of another attempt changes nothing.
                let State::Paying(paying) = live.it.state() else { panic!() };
                let (Attempt(attempt), before) = (paying.attempt(), live.it.to_bytes());
                for other in [attempt - 1, attempt + 1] {
                    let kind = ErrorKind::OtherAttempt { attempt: other, present: attempt };
                    assert_eq!(live.it.failed(Attempt(other)).unwrap_err().kind(), &kind);
                }
                assert_eq!(live.it.to_bytes(), before);
                super::sides::fail(&mut live.it);
                live.wake = now;
                let bytes = live.it.to_bytes();
                let step = self.save(party, id);
                // Until it is on the disk, the bank is asked again.
                let told = self.parties[party].disk.payments[&id] == bytes;
                let last = self.transfers.iter_mut().rev().find(|known| known.id == id && known.hash == hash);
                last.unwrap().told = told;
                step
            }
        }
    }

    fn on_invoice(&mut self, party: usize, packet: &Packet) -> Step {
        let now = self.now;
        let Some(id) = self.parties[party].payer.payment_of(&packet.arrival) else {
            return self.probe();
        };
        self.give_to_another(party, id, packet);
        let is_genuine = self.invoices.contains(&packet.bytes) && self.repeats(id, packet);
        let Some(live) = self.parties[party].payments.get_mut(&id) else { return Ok(()) };
        let before = live.it.to_bytes();
        match live.it.receive(packet.incoming(), now) {
            Ok(progress) => {
                assert!(is_genuine, "seed {}: {progress:?} because of a forged invoice", self.setup.seed);
                self.outcome.asked_again += u64::from(matches!(progress, Progress::AskingAgain(_)));
                live.wake = now;
                self.save(party, id)
            }
            Err(refused) => {
                assert_eq!(live.it.to_bytes(), before, "a refusal changed something");
                self.outcome.late += u64::from(refused.error().kind() == &ErrorKind::AlreadyAnswered);
                if let Some(answer) = refused.answer() {
                    let repeats = self.repeats(id, packet);
                    assert!(repeats && !refused.is_cheap(), "an answer to a stranger: {}", refused.error());
                    let _ = self.send(party, &answer.clone());
                }
                Ok(())
            }
        }
    }

    /// Whether an invoice came over the reply path of a request of this payment, or over a path of this refund, and
    /// repeats it, by the plain second implementation.
    fn repeats(&self, id: PaymentId, packet: &Packet) -> bool {
        let MessageArrival::Path(path_id) = packet.arrival else { return false };
        let asked = self.asked.get(&path_id);
        asked.is_some_and(|asked| asked.id == id && asked.repeated == repeated(&packet.bytes))
    }

    /// A caller that mixes payments up does no harm.
    fn give_to_another(&mut self, party: usize, id: PaymentId, packet: &Packet) {
        let now = self.now;
        let mut others = self.parties[party].payments.iter_mut().filter(|(other, _)| **other != id);
        let Some((_, other)) = others.next() else { return };
        let before = other.it.to_bytes();
        let refused = other.it.receive(packet.incoming(), now).unwrap_err();
        assert_eq!(refused.error().kind(), &ErrorKind::WrongArrival);
        assert!(refused.is_cheap() && refused.answer().is_none() && other.it.to_bytes() == before);
    }

    fn on_error(&mut self, party: usize, packet: &Packet) -> Step {
        let now = self.now;
        if let Some(id) = self.parties[party].issuer.claim_of(&packet.arrival) {
            let Some(live) = self.parties[party].claims.get_mut(&id) else { return Ok(()) };
            if live.it.receive(packet.incoming(), now).is_ok() {
                live.wake = now;
                self.save_claim(party, id)?;
            }
            return Ok(());
        }
        let Some(id) = self.parties[party].payer.payment_of(&packet.arrival) else {
            return self.probe();
        };
        self.give_to_another(party, id, packet);
        let MessageArrival::Path(path_id) = packet.arrival else { panic!() };
        let is_own = self.asked.get(&path_id).is_some_and(|asked| asked.id == id);
        let Some(live) = self.parties[party].payments.get_mut(&id) else { return Ok(()) };
        let before = live.it.to_bytes();
        match live.it.receive(packet.incoming(), now) {
            Ok(progress) => {
                assert!(is_own, "EXC-6");
                self.outcome.asked_again += u64::from(matches!(progress, Progress::AskingAgain(_)));
                live.wake = now;
                self.save(party, id)
            }
            Err(refused) => {
                assert!(refused.answer().is_none() && live.it.to_bytes() == before);
                Ok(())
            }
        }
    }

    // ---- whoever is paid

    fn on_request(&mut self, party: usize, packet: &Packet) -> Step {
        let issuer = self.parties[party].issuer.clone();
        // Whose offer it is and how it may come, by the plain second implementation.
        let own = naive::parse(&packet.bytes).ok().and_then(|found| {
            let offer = records(&found, &[1..=79, 1_000_000_000..=1_999_999_999]);
            self.shop.iter().find(|own| party == SHOP && own.records == offer && own.ways.contains(&packet.arrival))
        });
        let own = own.cloned();
        let received = match (issuer.receive(packet.incoming()), &own) {
            (Ok(received), Some(_)) => {
                assert!(self.requests.contains(&packet.bytes), "a request that nobody signed");
                received
            }
            (Err(refused), None) => {
                assert!(refused.is_cheap() && refused.answer().is_none(), "a probe is answered: {}", refused.error());
                return self.probe();
            }
            (Err(refused), Some(_)) => {
                assert!(!refused.is_cheap() || packet.reply_path.is_none());
                if let Some(answer) = refused.answer() {
                    let _ = self.send(party, &answer.clone());
                }
                return Ok(());
            }
            (Ok(_), None) => panic!("seed {}: a probe is taken for a request", self.setup.seed),
        };
        let received = match self.random.chance(250) {
            true => issuer.load_received(&received.to_bytes()).unwrap(),
            false => received,
        };
        let rate = received.currency().map(|_| self.market.rate(self.now));
        let max_amount = MaxAmount::TimesPrice(20);
        let terms = bolt12::exchange::Terms { rate, max_amount, ..bolt12::exchange::Terms::new(self.now, CHAINS) };
        match received.accept(&terms) {
            Ok(accepted) => {
                let bytes = accepted.to_bytes();
                if self.random.chance(300) {
                    // It takes a while to find a way to be paid.
                    let number = self.outcome.steps;
                    let at = UnixTime(self.now.0 + self.random.below(4));
                    self.parties[party].disk.answers.insert(number, (at, bytes));
                    return self.crash_here();
                }
                self.send_invoice(party, accepted)
            }
            Err(refused) => {
                if let Some(answer) = refused.answer() {
                    let _ = self.send(party, &answer.clone());
                }
                self.crash_here()
            }
        }
    }

    /// Answers an accepted request that was put by.
    fn answer(&mut self, party: usize, number: u64) -> Step {
        let (_, bytes) = self.parties[party].disk.answers[&number].clone();
        let accepted = self.parties[party].issuer.load_accepted(&bytes).unwrap();
        assert_eq!(accepted.to_bytes(), bytes);
        self.send_invoice(party, accepted)?;
        self.parties[party].disk.answers.remove(&number);
        self.crash_here()
    }

    fn send_invoice(&mut self, party: usize, accepted: Accepted) -> Step {
        let preimage = accepted.expected_payment().preimage;
        let unsigned = accepted.invoice(preimage.payment_hash()).add_path(to_be_paid(), &payinfo()).build().unwrap();
        let offer =
            records(&naive::parse(accepted.request().as_bytes()).unwrap(), &[1..=79, 1_000_000_000..=1_999_999_999]);
        let own = self.shop.iter().find(|own| own.records == offer).unwrap();
        let invoice = match own.signer {
            Signer::Derived => accepted.sign(unsigned).unwrap(),
            Signer::Node => unsigned.sign(&key(self.parties[party].node)).unwrap(),
            Signer::Blinded => {
                let mut keys = own.ways.iter().filter_map(|way| match way {
                    MessageArrival::Path(path_id) => Some(last_key(self.parties[party].node, *path_id)),
                    _ => None,
                });
                let signer = keys.find(|key| key.public_key() == accepted.node_id()).expect("RQR-5");
                unsigned.sign(&signer).unwrap()
            }
        };
        self.bills.insert(preimage.payment_hash(), Bill { preimage, payee: party, claim: None });
        let answer = accepted.answer(invoice).unwrap();
        assert_eq!(answer.reply_path_id, None, "MSG-4");
        let _ = self.send(party, &answer);
        self.crash_here()
    }

    fn claim(&mut self, party: usize, refund: &Refund) -> Step {
        let now = self.now;
        let preimage = Preimage(self.random.bytes());
        let Ok(accepted) = self.parties[party].issuer.claim(refund, now, CHAINS) else { return Ok(()) };
        let invoice = accepted.invoice(preimage.payment_hash()).add_path(to_be_paid(), &payinfo()).build().unwrap();
        let claim = accepted.sign(invoice, UnixTime(now.0 + 1200), Retry::default()).unwrap();
        let id = claim.id();
        self.parties[party].claims.insert(id, Live::new(claim, now));
        self.bills.insert(preimage.payment_hash(), Bill { preimage, payee: party, claim: Some(id) });
        self.save_claim(party, id)
    }

    fn claim_on(&mut self, party: usize, id: ClaimId) -> Step {
        let now = self.now;
        let live = self.parties[party].claims.get_mut(&id).unwrap();
        let hash = live.it.invoice().payment_hash();
        // The bank tells as often as it is asked.
        if self.transfers.iter().any(|it| it.hash == hash && it.succeeds && it.done_at <= now) {
            live.it.paid();
        }
        let action = live.it.poll(now).unwrap();
        live.wake = match &action {
            Action::Send(_) => now,
            Action::WaitUntil(at) => *at,
            Action::Sign | Action::Nothing => NEVER,
        };
        self.save_claim(party, id)?;
        if let Action::Send(outgoing) = action {
            if self.send(party, &outgoing).is_err() {
                let path_id = outgoing.reply_path_id.unwrap();
                self.parties[party].claims.get_mut(&id).unwrap().it.unreachable(&path_id, now);
            }
        }
        Ok(())
    }

    /// Looks at what became of everything.
    fn finish(mut self) -> Self {
        let transferred: BTreeMap<PaymentId, usize> =
            self.transfers.iter().filter(|it| it.succeeds).fold(BTreeMap::new(), |mut counts, transfer| {
                assert!(self.parties[transfer.party].payments.contains_key(&transfer.id), "a payment is lost");
                *counts.entry(transfer.id).or_default() += 1;
                counts
            });
        let outcome = &mut self.outcome;
        for party in &self.parties {
            assert!(party.disk.answers.is_empty());
            assert_eq!(party.payments.len(), party.disk.payments.len());
            for (id, live) in &party.payments {
                let purchase = &self.purchases[id];
                let paid = transferred.get(id).copied().unwrap_or(0);
                match live.it.state() {
                    State::Paid(receipt) => {
                        assert_eq!(paid, 1);
                        let payee = match purchase.offer() {
                            Some(offer) => ExpectedPayee::Offer(&self.shop[offer].offer),
                            None => ExpectedPayee::NodeId(receipt.invoice().node_id()),
                        };
                        // A receipt does not show all of an offer; this does.
                        let mut proof = PayerProofBuilder::without_paths(receipt.invoice(), receipt.preimage());
                        if receipt.invoice().offer().paths().is_some() {
                            proof = proof.reveal(Field::OFFER_PATHS);
                        }
                        let proof = proof.build().unwrap().sign(&receipt.keypair().unwrap()).unwrap();
                        let proof = PayerProof::try_from(proof.as_bytes()).unwrap();
                        let (min_amount, chain) = (receipt.invoice().amount(), CHAINS[0]);
                        proof.check(&Expectation { payee, chain, min_amount, note: None }).unwrap();
                        outcome.paid += 1;
                        outcome.refunds_paid += u64::from(purchase.offer().is_none());
                    }
                    State::Ended(end) => {
                        assert_eq!(paid, 0, "seed {}: money was spent, and forgotten", self.setup.seed);
                        *match end {
                            EndReason::Deadline => &mut outcome.deadline,
                            EndReason::Refused(_) => &mut outcome.refused,
                            EndReason::TooExpensive { .. } | EndReason::OffPrice { .. } => &mut outcome.too_expensive,
                            EndReason::QuoteExpired => &mut outcome.quote_expired,
                            EndReason::Declined => &mut outcome.declined,
                            EndReason::OfferExpired => &mut outcome.offer_expired,
                            other => panic!("what is {other:?}?"),
                        } += 1;
                    }
                    other => panic!("seed {}: {id} has not ended: {other:?}", self.setup.seed),
                }
            }
            for live in party.claims.values() {
                match live.it.state() {
                    ClaimState::Paid => outcome.claims_paid += 1,
                    ClaimState::Ended(_) => {}
                    other => panic!("a claim has not ended: {other:?}"),
                }
            }
        }
        outcome.faults = self.network.counts;
        self
    }

    pub(crate) fn payer(&self, party: usize) -> &Payer {
        &self.parties[party].payer
    }
}

const NEVER: UnixTime = UnixTime(u64::MAX);

/// What an invoice has to repeat of a request (IVR-8), by the plain second implementation.
fn repeated(bytes: &[u8]) -> Vec<u8> {
    naive::parse(bytes).map(|found| records(&found, &[0..=159, 1_000_000_000..=2_999_999_999])).unwrap_or_default()
}

/// The path that everybody is paid over.
fn to_be_paid() -> BlindedPath<'static> {
    static PATH: OnceLock<BlindedPath<'static>> = OnceLock::new();
    PATH.get_or_init(|| path_with(0x55, PathId([1; 32]))).clone()
}
