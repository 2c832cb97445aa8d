//! A small world with one subscription in it: a shop, a customer with a disk and a clock that may be wrong, a network,
//! a bank, a market, and crashes. All of it follows from a seed.
//!
//! The world plays by the documentation and watches: every check here holds in every run, whatever goes wrong.

use std::collections::BTreeMap;

use bolt12::bitcoin::hashes::sha256;
use bolt12::exchange::{
    Action, Attempt, Limit, MessageArrival, OutgoingMessage, Progress, Retry, State, Subscription, SubscriptionEnd,
    SubscriptionState,
};
use bolt12::{ErrorKind, Msat, PayWindow, Rate, Recurrence, TimeUnit, UnixTime};

use super::messages::NOW;
use super::network::{Counts, Faults, Network, Packet, Random};
use super::shop::*;
use super::sides::{path_with, point};

/// What a world is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) seed: u64,
    pub(crate) faults: Faults,
    /// Whether everybody does all to succeed: nobody cancels, windows are long, payments go through in the end, and who
    /// is asked agrees.
    pub(crate) willing: bool,
    /// Out of 1000 places where a crash can happen.
    pub(crate) crashes: u16,
    /// How often the customer's clock jumps.
    pub(crate) jumps: u64,
}

impl Setup {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed, faults: Faults::NONE, willing: true, crashes: 0, jumps: 0 }
    }
}

/// What became of everything.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) worlds: u64,
    pub(crate) completed: u64,
    pub(crate) missed: u64,
    pub(crate) cancelled: u64,
    pub(crate) not_started: u64,
    pub(crate) payments: u64,
    pub(crate) failed_transfers: u64,
    pub(crate) too_expensive: u64,
    pub(crate) overdue: u64,
    pub(crate) backups: u64,
    pub(crate) stopped: u64,
    pub(crate) late: u64,
    pub(crate) crashes: u64,
    pub(crate) jumps: u64,
    pub(crate) cancels_heard: u64,
    pub(crate) refused_by_shop: u64,
    pub(crate) faults: Counts,
}

impl Outcome {
    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, count) in [
            (&mut self.worlds, other.worlds),
            (&mut self.completed, other.completed),
            (&mut self.missed, other.missed),
            (&mut self.cancelled, other.cancelled),
            (&mut self.not_started, other.not_started),
            (&mut self.payments, other.payments),
            (&mut self.failed_transfers, other.failed_transfers),
            (&mut self.too_expensive, other.too_expensive),
            (&mut self.overdue, other.overdue),
            (&mut self.backups, other.backups),
            (&mut self.stopped, other.stopped),
            (&mut self.late, other.late),
            (&mut self.crashes, other.crashes),
            (&mut self.jumps, other.jumps),
            (&mut self.cancels_heard, other.cancels_heard),
            (&mut self.refused_by_shop, other.refused_by_shop),
        ] {
            *sum += count;
        }
        self.faults.add(&other.faults);
    }
}

#[derive(Debug)]
struct Crash;

type Step = Result<(), Crash>;

/// Money on its way.
struct Transfer {
    counter: u32,
    hash: sha256::Hash,
    done_at: UnixTime,
    succeeds: bool,
    /// The shop has it.
    is_done: bool,
    /// The customer knows that it failed.
    told: bool,
}

const CUSTOMER: u8 = 0x70;
const SHOP: u8 = 0x60;
const NEVER: UnixTime = UnixTime(u64::MAX);

pub(crate) struct World {
    setup: Setup,
    random: Random,
    network: Network,
    shop: Shop,
    market: u64,
    /// The true time.
    now: UnixTime,
    /// How wrong the customer's clock is, and when it will be wrong otherwise.
    offset: i64,
    jumps: Vec<(UnixTime, i64)>,
    subscription: Subscription,
    disk: Vec<u8>,
    /// By the customer's clock.
    wake: UnixTime,
    transfers: Vec<Transfer>,
    /// How many payments there will be, if all goes well.
    expected: u32,
    /// What the customer agreed to: the limit, and what was allowed for one payment.
    limit: Limit,
    allowed: BTreeMap<u32, u64>,
    cancel_at: UnixTime,
    try_again_at: Option<UnixTime>,
    requests: BTreeMap<u32, Vec<u8>>,
    said_cancel: bool,
    /// When the payment of each counter was begun last, and how long its period is.
    begun: BTreeMap<u32, (u64, u64)>,
    /// Whether the owner hurried since.
    hurried: bool,
    /// When something was asked for that no invoice answered.
    unanswered: Vec<u64>,
    outcome: Outcome,
}

fn some_recurrence(random: &mut Random, setup: &Setup) -> Recurrence {
    let units = [(3600, TimeUnit::Seconds), (86_400, TimeUnit::Seconds), (1, TimeUnit::Days), (7, TimeUnit::Days)];
    let units = [&units[..], &[(1, TimeUnit::Months), (3, TimeUnit::Months)]].concat();
    // In an hour, not everything can be put right.
    // Nor in a day, where messages get lost: so many requests are sent in one.
    let first = match (setup.willing, setup.crashes) {
        (false, _) => 0,
        (true, 0) => 1,
        (true, _) => 3,
    };
    let (count, unit) = units[first + random.index(6 - first)];
    let mut recurrence = every(count, unit);
    if random.chance(500) {
        let basetime = NOW.0 - random.below(200 * DAY);
        recurrence = based(recurrence, UnixTime(basetime), random.chance(500));
    }
    if random.chance(500) {
        let (before, after) = if setup.willing {
            (random.below(DAY / 2), 3 * DAY + random.below(DAY / 3))
        } else {
            (random.below(3 * DAY), random.below(3 * DAY))
        };
        recurrence.paywindow = Some(PayWindow { seconds_before: before as u32, seconds_after: after as u32 });
    }
    recurrence
}

impl World {
    pub(crate) fn new(setup: Setup) -> Self {
        let mut random = Random::new(setup.seed);
        let mut recurrence = some_recurrence(&mut random, &setup);
        let count = 1 + random.below(9) as u32;
        let is_limited = recurrence.base.is_none() && random.chance(500) && count > 1;
        if is_limited {
            recurrence = limited(recurrence, count - 1);
        }
        let market = 80_000 + random.below(40_000);
        let in_dollars = random.chance(500);
        let mut shop =
            if in_dollars { Shop::in_dollars(recurrence, 300, dollars(market)) } else { Shop::new(recurrence) };
        if random.chance(200) {
            // REC-13
            let fill = |offer: bolt12::OfferBuilder| offer.description("news").absolute_expiry(later(100 * DAY));
            let rate = shop.rate;
            let amount = shop.offer.amount().unwrap();
            shop = Shop { rate, ..Shop::with(recurrence, |offer| fill(offer).amount(amount)) };
        }
        let limit = match (in_dollars, random.chance(500)) {
            (true, true) => Limit::Tolerance { basis_points: if setup.willing { 6_000 } else { 300 } },
            (true, false) => Limit::AtMost(Msat(3_900_000)),
            (false, _) => Limit::AtMost(PRICE),
        };
        let mut draft = shop.subscribe(NOW).limit(limit).rate(dollars(market));
        draft = draft.retry(Retry {
            first: std::time::Duration::from_secs(1 + random.below(60)),
            max: std::time::Duration::from_secs(60 + random.below(if setup.willing { 1800 } else { 9000 })),
        });
        if !is_limited {
            draft = draft.payments(count);
        }
        let opens = draft.next_payments(1).unwrap()[0].window.start().0.max(NOW.0);
        let patience = if setup.willing { 30 * DAY } else { [20, 600, DAY][random.index(3)] };
        let subscription = draft.start(random.bytes(), NOW, UnixTime(opens + patience)).unwrap();
        let cancel_at = if setup.willing || random.chance(700) { NEVER } else { later(random.below(60 * DAY)) };
        let mut jumps: Vec<_> = (0..setup.jumps)
            .map(|_| {
                let farthest = if random.chance(500) { 2 * DAY } else { 400 * DAY };
                let far = random.below(farthest) as i64;
                let back = NOW.0 as i64;
                (later(random.below(40 * DAY)), if random.chance(500) { far } else { -far.min(back) })
            })
            .collect();
        jumps.sort_unstable();
        // In the end the clock is right.
        jumps.extend(jumps.last().map(|(at, _)| (UnixTime(at.0 + random.below(2 * DAY)), 0)));
        Self {
            setup,
            network: Network::new(random.number(), setup.faults),
            random,
            disk: subscription.to_bytes(),
            subscription,
            shop,
            market,
            now: NOW,
            offset: 0,
            jumps,
            wake: NOW,
            transfers: Vec::new(),
            expected: count,
            limit,
            allowed: BTreeMap::new(),
            cancel_at,
            try_again_at: None,
            requests: BTreeMap::new(),
            said_cancel: false,
            begun: BTreeMap::new(),
            hurried: false,
            unanswered: Vec::new(),
            outcome: Outcome::default(),
        }
    }

    /// The customer's time.
    fn clock(&self) -> UnixTime {
        UnixTime(self.now.0.checked_add_signed(self.offset).unwrap())
    }

    /// What a bitcoin is worth now, by steps of an hour.
    fn rate(&self) -> Rate {
        let swing = if self.setup.willing { 2_000 } else { 60_000 };
        let moved = Random::new(self.setup.seed ^ (self.now.0 / 3600)).below(swing);
        dollars(self.market + moved - swing / 2)
    }

    pub(crate) fn run(mut self) -> Outcome {
        for _ in 0..30_000 {
            if self.act() {
                continue;
            }
            let Some(next) = self.next_at() else { return self.finish() };
            assert!(next > self.now, "seed {}: time stands still at {}", self.setup.seed, self.now);
            self.now = next;
        }
        panic!("seed {}: no end at {}: {:?}", self.setup.seed, self.now, self.subscription.state(self.clock()));
    }

    /// The true time at which the customer's clock shows something.
    fn truly(&self, clock: UnixTime) -> UnixTime {
        if clock == NEVER { NEVER } else { UnixTime(clock.0.saturating_add_signed(-self.offset)) }
    }

    fn next_at(&self) -> Option<UnixTime> {
        let transfers = self.transfers.iter().filter(|it| !it.is_done).map(|it| it.done_at).min();
        let own = [Some(self.truly(self.wake)), Some(self.cancel_at), self.try_again_at.map(|at| self.truly(at))];
        let jump = self.jumps.first().map(|(at, _)| *at);
        let all = own.into_iter().chain([transfers, jump, self.network.next_at()]);
        all.flatten().filter(|at| *at != NEVER).min()
    }

    /// Does one thing that is due.
    fn act(&mut self) -> bool {
        let now = self.now;
        if self.jumps.first().is_some_and(|(at, _)| *at <= now) {
            (_, self.offset) = self.jumps.remove(0);
            self.outcome.jumps += 1;
            self.wake = self.clock();
            return true;
        }
        if let Some(transfer) = self.transfers.iter_mut().find(|it| !it.is_done && it.done_at <= now) {
            transfer.is_done = true;
            if transfer.succeeds {
                self.shop.is_paid(transfer.hash);
            }
            self.wake = self.clock();
            return true;
        }
        if let Some(packet) = self.network.receive(now) {
            let step = if packet.to == point(SHOP) {
                self.on_request(&packet);
                Ok(())
            } else {
                self.on_answer(&packet)
            };
            self.crash_if(step);
            return true;
        }
        if self.cancel_at <= now {
            self.cancel_at = NEVER;
            self.subscription.cancel();
            self.wake = self.clock();
            let step = self.save();
            // Whoever wanted to cancel, and sees that it was forgotten, does so again.
            if step.is_err() {
                self.crash();
                self.cancel_at = if self.subscription.is_cancelled() { NEVER } else { now };
            }
            return true;
        }
        if self.try_again_at.is_some_and(|at| at <= self.clock()) {
            self.try_again_at = None;
            self.subscription.try_again();
            self.wake = self.clock();
            let step = self.save();
            self.crash_if(step);
            return true;
        }
        if self.truly(self.wake) <= now {
            let step = self.go_on();
            self.crash_if(step);
            return true;
        }
        false
    }

    fn crash_here(&mut self) -> Step {
        if self.random.chance(self.setup.crashes) { Err(Crash) } else { Ok(()) }
    }

    fn crash_if(&mut self, step: Step) {
        if step.is_err() {
            self.crash();
        }
    }

    fn crash(&mut self) {
        self.outcome.crashes += 1;
        self.subscription = payer().load_subscription(&self.disk).unwrap();
        assert_eq!(self.subscription.to_bytes(), self.disk);
        self.wake = self.clock();
        self.try_again_at = None;
    }

    fn save(&mut self) -> Step {
        self.crash_here()?;
        self.disk = self.subscription.to_bytes();
        if self.random.chance(20) {
            self.check_backup();
        }
        self.crash_here()
    }

    /// EXC-13: whatever state is loaded as a backup, and whenever, it pays nothing and asks for nothing.
    fn check_backup(&mut self) {
        self.outcome.backups += 1;
        let mut restored = payer().restore_subscription(&self.disk).unwrap();
        for seconds in [0, DAY, 400 * DAY] {
            let now = UnixTime(self.clock().0 + seconds);
            match restored.poll(now, Some(self.rate())).unwrap() {
                Action::Send(said) => assert!(request(&said).recurrence().unwrap().cancel),
                Action::WaitUntil(time) => assert!(time > now),
                Action::Sign | Action::Nothing => {}
            }
            assert!(restored.begin(now, Some(self.rate())).is_err(), "seed {}: a backup pays", self.setup.seed);
        }
    }

    /// EXC-12: news of another attempt changes nothing.
    fn check_attempts(&mut self) {
        let State::Paying(paying) = self.subscription.payment().unwrap().state() else { panic!() };
        let (Attempt(attempt), before) = (paying.attempt(), self.subscription.to_bytes());
        for other in [attempt - 1, attempt + 1] {
            let error = self.subscription.failed(Attempt(other)).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::OtherAttempt { attempt: other, present: attempt });
        }
        assert_eq!(self.subscription.to_bytes(), before);
    }

    /// EXC-17: by a clock that is right, no two payments that are overdue are begun in the length of a period, unless
    /// their owner says so.
    fn check_pace(&mut self) {
        let clock = self.clock();
        let due = self.subscription.next_payments(clock, 1).remove(0);
        if let Some((at, length)) = due.counter.checked_sub(1).and_then(|before| self.begun.get(&before)) {
            // What was due later than that is on time, and what failed is begun again.
            let is_first = !self.begun.contains_key(&due.counter);
            let is_right = self.setup.jumps == 0 && *at >= due.due_at.0 && is_first && !self.hurried;
            assert!(
                !is_right || clock.0 - at >= length - length.div_ceil(20).min(600),
                "seed {}: {at} {length} {clock} {due:?}",
                self.setup.seed
            );
        }
        self.begun.insert(due.counter, (clock.0, due.period.end.0 - due.period.start.0));
        self.hurried = false;
    }

    /// EXC-17: by a clock that is right, five requests a day go out that nobody answers, once nobody looks any more.
    fn check_silence(&mut self) {
        let clock = self.clock().0;
        if self.subscription.payments_made() == 0 && clock < NOW.0 + 3_600 {
            return;
        }
        self.unanswered.push(clock);
        let recent = self.unanswered.iter().filter(|at| **at + DAY > clock).count();
        assert!(self.setup.jumps > 0 || recent <= 5, "seed {}: {:?}", self.setup.seed, self.unanswered);
    }

    /// What the customer's phone does when it is time.
    fn go_on(&mut self) -> Step {
        let (clock, rate) = (self.clock(), self.rate());
        let counter = self.subscription.payments_made();
        let is_open = |subscription: &Subscription| {
            subscription.payment().is_some_and(|payment| !matches!(payment.state(), State::Paid(_) | State::Paying(_)))
        };
        let action = self.subscription.poll(clock, Some(rate)).unwrap();
        if is_open(&self.subscription) {
            // What a quote may cost, by the rate of this moment.
            let max = match self.limit {
                Limit::AtMost(max) => max.0,
                Limit::Tolerance { basis_points } => {
                    let cost = rate.convert(self.shop.offer.amount().unwrap()).unwrap().0;
                    cost * (10_000 + u64::from(basis_points)) / 10_000
                }
            };
            let allowed = self.allowed.entry(counter).or_default();
            *allowed = max.max(*allowed);
        }
        match action {
            Action::Send(outgoing) => {
                self.check_sent(&outgoing);
                self.wake = clock;
                self.save()?;
                if !self.said_cancel {
                    self.check_silence();
                }
                let packet = Packet::new(&outgoing, |path_id| path_with(CUSTOMER, path_id));
                if self.network.send(packet, self.now).is_err() {
                    self.subscription.unreachable(&outgoing.reply_path_id.unwrap(), clock);
                    self.save()?;
                }
                return Ok(());
            }
            Action::WaitUntil(time) => {
                assert!(time > clock, "seed {}", self.setup.seed);
                self.wake = time;
            }
            Action::Sign | Action::Nothing => self.wake = NEVER,
        }
        self.save()?;
        self.decide()
    }

    /// What the customer does, or its phone for it.
    fn decide(&mut self) -> Step {
        let (clock, counter) = (self.clock(), self.subscription.payments_made());
        match self.subscription.state(clock) {
            SubscriptionState::Open(payment) => match payment.state() {
                State::Quoted(_) => {
                    self.subscription.begin(clock, Some(self.rate())).unwrap();
                    self.save()?;
                    self.check_pace();
                    self.transfer()
                }
                State::Paying(_) => self.transfer(),
                State::NeedsApproval { quote, .. } => {
                    let amount = quote.amount();
                    assert!(self.subscription.begin(clock, Some(self.rate())).is_err(), "seed {}", self.setup.seed);
                    self.outcome.too_expensive += 1;
                    match if self.setup.willing { 0 } else { self.random.below(12) } {
                        0 => {
                            // A decision about another payment is none about this.
                            assert!(self.subscription.allow_once(counter + 1, amount).is_err());
                            self.subscription.allow_once(counter, amount).unwrap();
                            let allowed = self.allowed.entry(counter).or_default();
                            *allowed = amount.0.max(*allowed);
                        }
                        1 => {
                            self.limit = Limit::AtMost(Msat(amount.0 * 2));
                            self.subscription.set_limit(self.limit).unwrap();
                            let allowed = self.allowed.entry(counter).or_default();
                            *allowed = (amount.0 * 2).max(*allowed);
                        }
                        2 => self.subscription.cancel(),
                        // Thinks about it, perhaps for too long.
                        _ => return Ok(()),
                    }
                    self.wake = clock;
                    self.save()
                }
                _ => Ok(()),
            },
            SubscriptionState::Overdue { due, from } => {
                assert!(due.counter == counter && clock < from, "seed {}", self.setup.seed);
                assert!(self.subscription.begin(clock, None).is_err());
                self.outcome.overdue += 1;
                if self.random.chance(300) {
                    self.subscription.catch_up();
                    self.hurried = true;
                    self.wake = clock;
                }
                self.save()
            }
            SubscriptionState::Stopped(..) => {
                self.outcome.stopped += 1;
                if self.try_again_at.is_none() && (self.setup.willing || self.random.chance(800)) {
                    self.try_again_at = Some(UnixTime(clock.0 + 600));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check_sent(&mut self, outgoing: &OutgoingMessage) {
        let asked = request(outgoing);
        let recurrence = asked.recurrence().unwrap();
        let (counter, seed) = (recurrence.counter, self.setup.seed);
        assert_eq!(counter, self.subscription.payments_made(), "REC-3");
        let first = self.requests.values().next().cloned();
        if let Some(first) = first {
            let first = bolt12::InvoiceRequest::try_from(first).unwrap();
            assert_eq!(asked.payer_id(), first.payer_id(), "REC-3");
            assert_eq!(recurrence.start, first.recurrence().unwrap().start, "REC-4");
        }
        if recurrence.cancel {
            assert!(self.subscription.is_cancelled() && counter > 0);
            self.said_cancel = true;
            return;
        }
        assert!(!self.said_cancel, "REC-11: seed {seed}");
        let before = self.requests.entry(counter).or_insert_with(|| asked.as_bytes().to_vec());
        assert_eq!(before, asked.as_bytes(), "seed {seed}: two requests for one payment");
        // REC-6, with the period 0 of the shop.
        let offer = self.shop.offer.recurrence().unwrap();
        let basetime = offer.base.map(|base| base.basetime);
        let basetime = basetime.or(self.shop.paid.values().next().map(|period| period.basetime)).unwrap_or(NOW);
        // Period 0 of an offer without base starts when it is paid, by whatever clock.
        if offer.base.is_some() || counter > 0 {
            let checked = offer.check_pay_window(basetime, recurrence.period_index(), self.clock());
            assert!(checked.is_ok(), "seed {seed}: {checked:?} {counter} {offer:?} at {}, {}", self.clock(), self.now);
        }
    }

    /// Asks the bank what became of a payment, and pays if it knows nothing of it.
    fn transfer(&mut self) -> Step {
        let clock = self.clock();
        let State::Paying(payable) = self.subscription.payment().unwrap().state() else { panic!() };
        let (hash, amount) = (payable.payment_hash(), payable.amount().0);
        let limits = payable.limits();
        assert!(limits.max_fee.0 <= 50_000 + amount / 100 && limits.max_cltv_expiry_delta == 1008, "EXC-10");
        for (_, payinfo) in payable.paths() {
            assert!(payinfo.fee(payable.amount()).is_some_and(|fee| fee <= limits.max_fee), "EXC-10");
        }
        let counter = payable.invoice().request().recurrence().unwrap().counter;
        let seed = self.setup.seed;
        let known = self.transfers.iter().rposition(|known| known.hash == hash && !known.told);
        let Some(known) = known else {
            let bill = &self.shop.bills[&hash];
            assert_eq!((bill.amount.0, bill.request.counter), (amount, counter));
            assert!(amount <= self.allowed[&counter], "REC-12: seed {seed}");
            let unsettled = |other: &Transfer| other.counter == counter && (other.succeeds || !other.is_done);
            assert!(!self.transfers.iter().any(unsettled), "seed {seed}: a period is paid twice");
            assert_eq!(self.paid(), counter, "seed {seed}: a period is skipped");
            assert!(!self.said_cancel, "seed {seed}: paid after cancelling");
            let failures = self.transfers.iter().filter(|other| other.counter == counter).count();
            let succeeds = self.setup.willing && failures > 1 || self.random.chance(700);
            self.outcome.failed_transfers += u64::from(!succeeds);
            let done_at = UnixTime(self.now.0 + 1 + self.random.below(30));
            self.transfers.push(Transfer { counter, hash, done_at, succeeds, is_done: false, told: false });
            self.wake = NEVER;
            return self.crash_here();
        };
        if !self.transfers[known].is_done {
            self.wake = NEVER;
            return Ok(());
        }
        self.wake = clock;
        if self.transfers[known].succeeds {
            let preimage = self.shop.bills[&hash].preimage;
            self.subscription.paid(preimage).unwrap();
            return self.save();
        }
        self.check_attempts();
        fails(&mut self.subscription);
        let bytes = self.subscription.to_bytes();
        let step = self.save();
        // Until it is on the disk, the bank is asked again.
        self.transfers[known].told = self.disk == bytes;
        step
    }

    /// How many payments went through.
    fn paid(&self) -> u32 {
        self.transfers.iter().filter(|transfer| transfer.succeeds && transfer.is_done).count() as u32
    }

    fn on_answer(&mut self, packet: &Packet) -> Step {
        let clock = self.clock();
        let id = payer().payment_of(&packet.arrival);
        let before = self.subscription.to_bytes();
        let received = self.subscription.receive(packet.incoming(), clock);
        match received {
            Ok(progress) => {
                if matches!(progress, Progress::Quoted | Progress::NeedsApproval) {
                    self.unanswered.clear();
                }
                assert!(id.is_some() && id == self.subscription.payment().map(|payment| payment.id()));
                self.wake = clock;
                self.save()
            }
            Err(_) => {
                self.outcome.late += 1;
                assert_eq!(self.subscription.to_bytes(), before, "a refusal changed something");
                Ok(())
            }
        }
    }

    fn on_request(&mut self, packet: &Packet) {
        self.shop.rate = self.shop.rate.map(|_| self.rate());
        let cancelled = self.shop.cancelled.len();
        match self.shop.answer(packet.incoming(), self.now) {
            Ok(Some(answer)) => self.send(&answer),
            Ok(None) => self.outcome.cancels_heard += (self.shop.cancelled.len() - cancelled) as u64,
            Err(refused) => {
                self.outcome.refused_by_shop += 1;
                if let Some(answer) = refused.into_answer() {
                    self.send(&answer);
                }
            }
        }
        assert!(!matches!(packet.arrival, MessageArrival::Direct) || self.shop.offer.paths().is_some());
    }

    fn send(&mut self, answer: &OutgoingMessage) {
        let _ = self.network.send(Packet::new(answer, |path_id| path_with(SHOP, path_id)), self.now);
    }

    /// Looks at what became of everything.
    fn finish(mut self) -> Outcome {
        let seed = self.setup.seed;
        let paid: Vec<u32> = self.transfers.iter().filter(|it| it.succeeds).map(|it| it.counter).collect();
        assert_eq!(paid, (0..paid.len() as u32).collect::<Vec<_>>(), "seed {seed}");
        let made = self.subscription.payments_made();
        assert_eq!((made, made as usize), (self.paid(), self.shop.paid.len()), "seed {seed}");
        let SubscriptionState::Ended(end) = self.subscription.state(self.clock()) else {
            panic!("seed {seed}: it has not ended: {:?}", self.subscription.state(self.clock()))
        };
        match end {
            SubscriptionEnd::Completed => {
                assert_eq!(made, self.expected, "seed {seed}");
                self.outcome.completed += 1;
            }
            SubscriptionEnd::Missed(due) => {
                assert!(due.counter == made && made > 0 && self.now > *due.window.end(), "seed {seed}");
                self.outcome.missed += 1;
            }
            SubscriptionEnd::NotStarted => {
                assert_eq!(made, 0, "seed {seed}");
                self.outcome.not_started += 1;
            }
            SubscriptionEnd::Cancelled => {
                assert!(self.subscription.is_cancelled() && !self.setup.willing, "seed {seed}");
                self.outcome.cancelled += 1;
            }
            other => panic!("what is {other:?}?"),
        }
        self.outcome.worlds = 1;
        self.outcome.payments = made.into();
        self.outcome.faults = self.network.counts;
        self.outcome
    }
}
