//! A world as the checker sees it, and what can happen in it.

use std::sync::Mutex;

use bolt12::exchange::Limit;
use bolt12::{Msat, UnixTime};

use crate::setup::{Setup, Wish};
use crate::subject::{Call, View, Why};
use crate::tables::{Look, Named, Names, Outcome, Tables, Wrong};

/// No invoice.
const NONE: u16 = u16::MAX;

/// How many attempts at paying the node can know.
const SLOTS: usize = 4;

/// What is known of a saved state that it does not say itself: what was done on the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ghost {
    /// The invoices that were begun.
    begun: [u16; SLOTS],
    /// The one that is known to be paid.
    paid: u16,
    /// The rate that was told last, and the one at which the present quote came.
    rate: u8,
    quoted_rate: u8,
    /// What the owner allowed instead of the limit, in millisatoshi, and for which payment.
    allowed: Option<(u64, u32)>,
    fee_allowed: bool,
    /// Whether it is from a backup that its owner did not look at since.
    restored: bool,
    /// Whether it ever was.
    from_backup: bool,
    /// When the last payment of a subscription was begun first, and which one that was.
    begun_at: Option<(u8, u32)>,
    hurried: bool,
    /// The generation that was asked for last, and the ways over which something came for it that closes them.
    asked: u8,
    closed: u8,
    /// Whether the owner said that what ended can be tried again.
    tried: bool,
    cancelled: bool,
}

impl Ghost {
    const NEW: Self = Self {
        begun: [NONE; SLOTS],
        paid: NONE,
        rate: 0,
        quoted_rate: 0,
        allowed: None,
        fee_allowed: false,
        restored: false,
        from_backup: false,
        begun_at: None,
        hurried: false,
        asked: 0,
        closed: 0,
        tried: false,
        cancelled: false,
    };

    fn has_begun(&self, invoice: u16) -> bool {
        self.begun.contains(&invoice)
    }
}

/// What became of an attempt at paying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fate {
    OnItsWay,
    Paid,
    Failed,
}

/// An attempt at paying, as the node knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot {
    invoice: u16,
    attempt: u32,
    fate: Fate,
}

/// Everything that the future depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// What the program has in memory, what is saved, and a backup: numbers of saved states and what is known of them.
    memory: u32,
    disk: u32,
    backup: Option<u32>,
    now: u8,
    /// The market's rate.
    rate: u8,
    /// The requests that were sent: everything that answers one of them can arrive from then on, again and again.
    sent: u128,
    /// How many requests were sent at this instant.
    sends: u8,
    node: [Option<Slot>; SLOTS],
    /// Whether the program that began to pay still runs, and will tell the node.
    fresh: bool,
    unsaved: u8,
    lies: u8,
    begins: u8,
    failures: u8,
    backups: u8,
    allows: u8,
    set_back: u8,
    declines: u8,
    tries: u8,
    mistakes: u8,
    pub(crate) wrong: Option<Wrong>,
}

/// Whether a step is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// It is, before anything else happens.
    Saved,
    /// Not yet: a crash loses it, and so does a save that fails.
    NotSaved,
    /// It is, but the store says that it failed: the program goes back.
    SaidNotSaved,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Step(Named, How),
    Save,
    Crash,
    Backup,
    Restore,
    /// The program has the node pay.
    Pay,
    NodePays(usize),
    NodeFails(usize),
    /// What the node said to have failed was paid after all.
    NodeWasWrong(usize),
    Tick,
    SetBack,
    Market,
}

/// Saved states, with what is known of each, and what steps do with them.
struct Seen {
    tables: Tables,
    memories: Names<(u32, Ghost)>,
}

/// What is explored.
pub struct Explored {
    setup: Setup,
    seen: Mutex<Seen>,
}

impl Explored {
    /// A world to explore.
    pub fn new(setup: Setup) -> Self {
        let seen = Seen { tables: Tables::new(setup), memories: Names::default() };
        Self { setup, seen: Mutex::new(seen) }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// How many saved states, requests and invoices there are.
    pub(crate) fn counts(&self) -> [usize; 3] {
        self.seen().tables.counts()
    }

    /// All that was seen, without the numbers of invoices.
    pub(crate) fn views(&self) -> Vec<View<()>> {
        let mut views: Vec<_> = self.seen().tables.views().map(|view| view.map(|_| ())).collect();
        views.sort_unstable();
        views.dedup();
        views
    }

    /// A step for people.
    pub(crate) fn describe(&self, world: &World, act: Option<&Act>) -> String {
        let mut seen = self.seen();
        let (state, _) = *seen.memories.get(world.memory);
        let view = seen.tables.look(state, world.now).view;
        let saved = if world.memory == world.disk { "" } else { " (not saved)" };
        let act = match act {
            Some(Act::Step(Call::Receive(message), how)) => format!("{:?}, {how:?}", seen.tables.letter(*message)),
            Some(act) => format!("{act:?}"),
            None => "the end".to_owned(),
        };
        let seconds = self.setup.instants[usize::from(world.now)];
        format!("{seconds} s: {view:?}{saved}; {act}{}", world.wrong.map_or(String::new(), |it| format!("; {it:?}")))
    }

    pub(crate) fn start(&self) -> World {
        let mut seen = self.seen();
        let (state, sent) = seen.tables.start();
        let memory = seen.memories.of((state, Ghost::NEW));
        let b = self.setup.bounds;
        World {
            memory,
            disk: memory,
            backup: None,
            now: 0,
            rate: 0,
            sent,
            sends: 0,
            node: [None; SLOTS],
            fresh: false,
            unsaved: 0,
            lies: b.lies,
            begins: b.begins,
            failures: b.failures,
            backups: b.backups,
            allows: b.allows,
            set_back: b.set_back,
            declines: b.declines,
            tries: b.tries,
            mistakes: b.mistakes,
            wrong: None,
        }
    }

    /// What can happen now.
    pub(crate) fn acts(&self, world: &World, acts: &mut Vec<Act>) {
        if world.wrong.is_some() {
            return;
        }
        let mut seen = self.seen();
        let (state, ghost) = *seen.memories.get(world.memory);
        let look = seen.tables.look(state, world.now);
        let mut calls = vec![Call::Poll];
        calls.extend(seen.tables.answers(world.sent).map(Call::Receive));
        calls.extend(seen.tables.requests(world.sent).map(Call::Unreachable));
        self.owner(&mut seen.tables, world, (state, &ghost), look, &mut calls);
        self.news(world, &ghost, look, &mut calls);
        for call in calls {
            let step = seen.tables.step(state, call, world.now, world.rate);
            let is_looked_at = matches!(call, Call::Poll | Call::Begin(_) | Call::Paid(_));
            let is_done = matches!(step.outcome, Outcome::Send(_) | Outcome::Begun);
            if step.after == state && step.wrong.is_none() && !is_done && !is_looked_at {
                continue;
            }
            acts.push(Act::Step(call, How::Saved));
            if world.unsaved < self.setup.bounds.unsaved {
                acts.push(Act::Step(call, How::NotSaved));
            }
            if world.lies > 0 {
                acts.push(Act::Step(call, How::SaidNotSaved));
            }
        }
        if world.memory != world.disk {
            acts.push(Act::Save);
        }
        if world.memory != world.disk || world.fresh {
            acts.push(Act::Crash);
        }
        if world.backups > 0 {
            acts.push(if world.backup.is_some() { Act::Restore } else { Act::Backup });
        }
        if self.payable(&mut seen, world).is_some() {
            acts.push(Act::Pay);
        }
        for (number, slot) in world.node.iter().enumerate() {
            if slot.is_some_and(|slot| slot.fate == Fate::OnItsWay) {
                acts.push(Act::NodePays(number));
                if world.failures > 0 {
                    acts.push(Act::NodeFails(number));
                }
            }
            if world.mistakes > 0 && slot.is_some_and(|slot| slot.fate == Fate::Failed) {
                acts.push(Act::NodeWasWrong(number));
            }
        }
        if usize::from(world.now) + 1 < self.setup.instants.len() {
            acts.push(Act::Tick);
        }
        if world.set_back > 0 && world.now > 0 {
            acts.push(Act::SetBack);
        }
        if self.setup.rates() > 1 {
            acts.push(Act::Market);
        }
    }

    /// What whoever owns the money can decide.
    fn owner(
        &self,
        tables: &mut Tables,
        world: &World,
        (state, ghost): (u32, &Ghost),
        look: Look,
        calls: &mut Vec<Named>,
    ) {
        let allowed = world.allows > 0;
        // Whoever owns the money taps twice, or too late: nothing comes of it.
        match look.view {
            View::Paying(invoice, _) | View::Paid(invoice) => {
                calls.extend([Call::Begin(invoice), Call::AllowFee, Call::Decline]);
                // A subscription takes it, for what comes next.
                if allowed || !matches!(self.setup.wish, Wish::Subscription(_)) {
                    calls.push(Call::Allow(self.setup.cost(0).0 * 2));
                }
            }
            View::Ended(why) if why != Why::Price => {
                calls.extend([Call::Allow(self.setup.cost(0).0 * 2), Call::AllowFee]);
                calls.extend(ghost.begun.iter().filter(|it| **it != NONE).map(|it| Call::Begin(*it)));
            }
            View::Stopped(_) | View::Over(_) | View::Overdue => {
                calls.extend(ghost.begun.iter().filter(|it| **it != NONE).map(|it| Call::Begin(*it)));
            }
            _ => {}
        }
        match look.view {
            View::Quoted(invoice) | View::NeedsApproval(invoice, _) if world.begins > 0 => {
                let quoted = tables.quoted(state);
                calls.extend(quoted.iter().map(|invoice| Call::Begin(*invoice)));
                if quoted.is_empty() {
                    calls.push(Call::Begin(invoice));
                }
            }
            _ => {}
        }
        match look.view {
            View::NeedsApproval(invoice, _) if allowed => {
                calls.extend([Call::Allow(tables.invoice(invoice).amount.0), Call::AllowFee]);
            }
            View::Ended(Why::Price) if allowed => {
                calls.extend([Call::Allow(self.setup.cost(0).0 * 2), Call::AllowFee]);
            }
            View::Stopped(why) => {
                // Nothing is on its way, or made, for this period: whoever decides has looked.
                let taken =
                    |slot: &Slot| slot.fate != Fate::Failed && tables.invoice(slot.invoice).counter == look.made;
                if world.tries > 0 && !world.node.iter().flatten().any(taken) {
                    calls.push(Call::TryAgain);
                }
                if why == Why::Price && allowed {
                    calls.push(Call::Allow(self.setup.cost(0).0 * 2));
                }
            }
            View::Overdue => calls.push(Call::CatchUp),
            _ => {}
        }
        if world.declines > 0 {
            let is_subscription = matches!(self.setup.wish, Wish::Subscription(_));
            calls.extend([if is_subscription { Call::Cancel } else { Call::Decline }, Call::Unsendable]);
        }
    }

    /// What the node can say, for the first time or once more.
    fn news(&self, world: &World, ghost: &Ghost, look: Look, calls: &mut Vec<Named>) {
        let is_present = |slot: &Slot| matches!(look.view, View::Paying(invoice, _) if invoice == slot.invoice);
        for slot in world.node.iter().flatten() {
            match slot.fate {
                Fate::OnItsWay => {}
                Fate::Paid => calls.push(Call::Paid(slot.invoice)),
                // Attempts that were begun since a backup have numbers that come again.
                Fate::Failed if ghost.from_backup && !is_present(slot) => {}
                Fate::Failed => calls.push(Call::Failed(slot.attempt)),
            }
        }
        if let View::Paying(invoice, attempt) = look.view {
            // It has never heard of this.
            let knows = |slot: &Slot| slot.invoice == invoice && (slot.attempt == attempt || slot.fate != Fate::Failed);
            if !world.fresh && !world.node.iter().flatten().any(knows) {
                calls.push(Call::Failed(attempt));
            }
        }
    }

    /// What the program has the node pay: once it is saved, and after a crash only if the node says that it does not.
    fn payable(&self, seen: &mut Seen, world: &World) -> Option<(u16, u32)> {
        let (tables, memories) = (&mut seen.tables, &seen.memories);
        let mut view = |memory: u32| {
            let (state, _) = *memories.get(memory);
            tables.look(state, world.now).view
        };
        let View::Paying(invoice, attempt) = view(world.memory) else { return None };
        // What is in a backup, and the node has never heard of, is said to have failed: another may have been begun since.
        let (_, ghost) = memories.get(world.memory);
        if view(world.disk) != View::Paying(invoice, attempt) || ghost.restored {
            return None;
        }
        let knows = |slot: &Slot| {
            slot.invoice == invoice && (slot.attempt == attempt || !world.fresh && slot.fate != Fate::Failed)
        };
        (!world.node.iter().flatten().any(knows)).then_some((invoice, attempt))
    }

    /// What comes of it.
    pub(crate) fn next(&self, world: &World, act: Act) -> Option<World> {
        let mut seen = self.seen();
        let seen = &mut *seen;
        let mut next = *world;
        match act {
            Act::Step(call, how) => self.step(seen, &mut next, call, how),
            Act::Save => {
                next.disk = next.memory;
                next.unsaved = 0;
            }
            Act::Crash => {
                next.memory = next.disk;
                (next.unsaved, next.fresh) = (0, false);
            }
            Act::Backup => next.backup = Some(next.disk),
            Act::Restore => {
                let (state, ghost) = *seen.memories.get(next.backup?);
                let step = seen.tables.step(state, Call::Restore, next.now, next.rate);
                next.wrong = step.wrong;
                let ghost = Ghost { restored: true, from_backup: true, ..ghost };
                next.memory = seen.memories.of((step.after, ghost));
                next.disk = next.memory;
                (next.backup, next.unsaved, next.fresh) = (None, 0, false);
                next.backups -= 1;
            }
            Act::Pay => {
                let (invoice, attempt) = self.payable(seen, &next)?;
                // Whoever pays the same invoice again because the node was wrong about it can rely on the node alone.
                let was_wrong = next.mistakes < self.setup.bounds.mistakes;
                let is_same = |slot: &Slot| {
                    let other = seen.tables.invoice(slot.invoice);
                    let is_for_the_same = other.counter == seen.tables.invoice(invoice).counter;
                    slot.fate != Fate::Failed && is_for_the_same && !(was_wrong && slot.invoice == invoice)
                };
                if next.node.iter().flatten().any(is_same) {
                    next.wrong = Some(Wrong::TwoPayments);
                }
                let free = next.node.iter_mut().find(|slot| slot.is_none())?;
                *free = Some(Slot { invoice, attempt, fate: Fate::OnItsWay });
                next.fresh = false;
            }
            Act::NodePays(number) => next.node[number].as_mut()?.fate = Fate::Paid,
            Act::NodeFails(number) => {
                next.node[number].as_mut()?.fate = Fate::Failed;
                next.failures -= 1;
            }
            Act::NodeWasWrong(number) => {
                next.node[number].as_mut()?.fate = Fate::Paid;
                next.mistakes -= 1;
            }
            Act::Tick => (next.now, next.sends) = (next.now + 1, 0),
            Act::SetBack => {
                (next.now, next.sends) = (0, 0);
                next.set_back -= 1;
            }
            Act::Market => next.rate = 1 - next.rate,
        }
        if next.wrong.is_none() {
            next.wrong = self.invariant(seen, &next);
        }
        (next != *world).then_some(next)
    }

    fn step(&self, seen: &mut Seen, next: &mut World, call: Named, how: How) {
        let (state, mut ghost) = *seen.memories.get(next.memory);
        let before = seen.tables.look(state, next.now);
        let step = seen.tables.step(state, call, next.now, next.rate);
        let after = seen.tables.look(step.after, next.now);
        let is_payment = !matches!(self.setup.wish, Wish::Subscription(_));
        let is_done = step.outcome != Outcome::Refused;
        let mut wrong = step.wrong;
        if self.setup.rates() > 1 && matches!(call, Call::Poll | Call::Begin(_)) {
            ghost.rate = next.rate;
        }
        match call {
            Call::Poll => match step.outcome {
                Outcome::Send(request) => {
                    let cancels = !is_payment && seen.tables.cancels(request);
                    if ghost.restored && !cancels {
                        wrong = wrong.or(Some(Wrong::BackupActs));
                    }
                    let (generation, _) = seen.tables.token(request);
                    if generation != ghost.asked || !is_payment {
                        (ghost.asked, ghost.closed) = (generation, 0);
                    }
                    if how == How::Saved {
                        let basetime = self.setup.basetime().or(self.first(seen, next)).filter(|_| !is_payment);
                        if !cancels {
                            next.sent |= seen.tables.send(request, next.now, basetime);
                            while next.sent.count_ones() > self.setup.remembered {
                                next.sent &= next.sent - 1;
                            }
                        }
                        next.sends += 1;
                        if next.sends > 4 + 4 * self.setup.ways {
                            wrong = wrong.or(Some(Wrong::Floods));
                        }
                    }
                }
                _ => {
                    let is_last = usize::from(next.now) + 1 == self.setup.instants.len() && self.setup.is_whole();
                    if is_last && !matches!(after.view.waits_for(), None | Some("node")) {
                        wrong = wrong.or(Some(Wrong::WaitsForNobody));
                    }
                }
            },
            Call::Begin(invoice) => {
                let objection = self.objection(seen, next, &ghost, invoice);
                let is_shown = match self.setup.wish {
                    Wish::Refund => seen.tables.quoted(state).contains(&invoice),
                    // What the rate spoke against can be begun at another.
                    _ => matches!(before.view, View::Quoted(shown) | View::NeedsApproval(shown, _) if shown == invoice),
                };
                if is_done {
                    wrong = wrong.or(objection);
                    if !is_shown || !matches!(after.view, View::Paying(begun, _) if begun == invoice) {
                        wrong = wrong.or(Some(Wrong::NotShown));
                    }
                    if ghost.restored {
                        wrong = wrong.or(Some(Wrong::BackupActs));
                    }
                    wrong = wrong.or(self.pace(next, &ghost, before)).or(self.untimely(seen, next, invoice, before));
                    let (counter, others) = (seen.tables.invoice(invoice).counter, ghost.begun.iter());
                    let is_other = |other: &u16| {
                        *other != NONE && *other != invoice && seen.tables.invoice(*other).counter == counter
                    };
                    if !ghost.has_begun(invoice) && others.into_iter().any(is_other) && !ghost.tried {
                        wrong = wrong.or(Some(Wrong::OtherInvoice));
                    }
                    if ghost.cancelled || counter > 1 {
                        wrong = wrong.or(Some(Wrong::NotOpen));
                    }
                    ghost.tried = false;
                    if !ghost.has_begun(invoice) {
                        if let Some(free) = ghost.begun.iter_mut().find(|it| **it == NONE) {
                            *free = invoice;
                        }
                    }
                    if ghost.begun_at.is_none_or(|(_, counter)| counter != before.made) {
                        ghost.begun_at = Some((next.now, before.made));
                    }
                    ghost.hurried = false;
                    if how != How::SaidNotSaved {
                        next.fresh = true;
                    }
                    next.begins = next.begins.saturating_sub(1);
                } else if is_shown && objection.is_none() && self.is_good(seen, next, invoice) {
                    wrong = wrong.or(Some(Wrong::Stuck));
                }
            }
            Call::Paid(invoice) if ghost.has_begun(invoice) => {
                let is_known = match is_payment {
                    true => matches!(after.view, View::Paid(_)),
                    false => after.made > seen.tables.invoice(invoice).counter,
                };
                if !is_known {
                    wrong = wrong.or(Some(Wrong::PreimageLost));
                }
                if ghost.paid == invoice && !is_done {
                    wrong = wrong.or(Some(Wrong::Stuck));
                }
                if is_done {
                    ghost.paid = invoice;
                }
                if after.made > before.made {
                    ghost.allowed = None;
                }
            }
            Call::Receive(message) if is_done => {
                let (generation, way) = seen.tables.token(seen.tables.answered(message));
                let is_over = is_payment && self.setup.at(next.now) > self.setup.deadline();
                let is_asking = matches!(before.view, View::Asking | View::NeedsApproval(..));
                let is_claim = self.setup.wish == Wish::Refund && matches!(before.view, View::Quoted(_));
                let is_old = is_payment && generation < ghost.asked;
                if is_old || is_over || !is_asking && !is_claim {
                    wrong = wrong.or(Some(Wrong::Late));
                }
                ghost.closed |= 1 << way;
                let all = (1 << self.setup.ways) - 1;
                let is_decided = matches!(after.view, View::Ended(_));
                if is_payment && self.setup.ways > 1 && is_decided && ghost.closed != all {
                    wrong = wrong.or(Some(Wrong::OneWay));
                }
                if matches!(after.view, View::Quoted(_) | View::NeedsApproval(..)) {
                    ghost.quoted_rate = ghost.rate;
                }
                if before.view.waits_for().is_none() {
                    wrong = wrong.or(Some(Wrong::Revived));
                }
            }
            Call::Allow(max) if is_done => {
                ghost.allowed = Some((max, before.made));
                if is_payment {
                    ghost.quoted_rate = ghost.rate;
                }
                next.allows = next.allows.saturating_sub(1);
            }
            Call::AllowFee if is_done => {
                ghost.fee_allowed = true;
                next.allows = next.allows.saturating_sub(1);
            }
            Call::TryAgain => {
                (ghost.restored, ghost.tried) = (false, true);
                next.tries -= 1;
            }
            Call::CatchUp => ghost.hurried = true,
            Call::Decline | Call::Cancel | Call::Unsendable if is_done => {
                ghost.cancelled |= call == Call::Cancel;
                next.declines = next.declines.saturating_sub(1);
                let may_end = matches!(before.view, View::Asking | View::Quoted(_) | View::NeedsApproval(..));
                let sends = call == Call::Unsendable;
                if is_payment && before.view != after.view && (!may_end || sends && before.view != View::Asking) {
                    wrong = wrong.or(Some(Wrong::NotOpen));
                }
            }
            _ => {}
        }
        let memory = seen.memories.of((step.after, ghost));
        match how {
            How::Saved => {
                (next.memory, next.disk) = (memory, memory);
                next.unsaved = 0;
            }
            How::NotSaved if memory != next.memory => {
                next.memory = memory;
                next.unsaved += 1;
            }
            How::NotSaved => {}
            How::SaidNotSaved => {
                next.disk = memory;
                next.lies -= 1;
            }
        }
        next.wrong = wrong;
    }

    /// What speaks against paying an invoice, as far as was authorised: computed without the crate.
    fn objection(&self, seen: &Seen, world: &World, ghost: &Ghost, invoice: u16) -> Option<Wrong> {
        let invoice = seen.tables.invoice(invoice);
        let (amount, cost) = (invoice.amount.0, self.setup.cost(world.rate).0);
        let is_fiat = self.setup.rates() > 1;
        let allowed = ghost.allowed.filter(|(_, counter)| *counter == invoice.counter).map(|(max, _)| max);
        let (max, is_off) = match (allowed, self.setup.limit) {
            (None, Some(Limit::Tolerance { basis_points })) => {
                let share = cost * u64::from(basis_points) / 10_000;
                (cost + share, amount.abs_diff(cost) > share)
            }
            (max, limit) => {
                let authorised = match limit {
                    Some(Limit::AtMost(Msat(max))) => max,
                    _ => cost,
                };
                let then = self.setup.cost(ghost.quoted_rate).0;
                (max.unwrap_or(authorised), is_fiat && then.abs_diff(cost) > then / 100)
            }
        };
        if amount > max {
            return Some(Wrong::AboveLimit);
        }
        if is_off {
            return Some(Wrong::OffPrice);
        }
        (u64::from(invoice.fee) > 50_000 + amount / 100 && !ghost.fee_allowed).then_some(Wrong::FeeAboveLimit)
    }

    /// Whether paying an invoice can begin now, as far as time goes.
    fn is_good(&self, seen: &Seen, world: &World, invoice: u16) -> bool {
        let now = self.setup.at(world.now);
        let until = seen.tables.invoice(invoice).created_at.0 + u64::from(self.setup.expiry);
        let is_payment = !matches!(self.setup.wish, Wish::Subscription(_));
        is_payment && now.0 <= until && now <= self.setup.deadline()
    }

    /// Whether it is not the time to begin to pay an invoice.
    fn untimely(&self, seen: &Seen, world: &World, invoice: u16, look: Look) -> Option<Wrong> {
        let (now, invoice) = (self.setup.at(world.now), seen.tables.invoice(invoice));
        let is_late = match self.setup.wish {
            Wish::Subscription(recurrence) => {
                let is_first = invoice.counter == 0 && now > self.setup.deadline();
                let basetime = recurrence.base.map(|base| base.basetime).or(self.first(seen, world));
                let window = |basetime| recurrence.check_pay_window(basetime, invoice.counter.into(), now);
                is_first || invoice.counter != look.made || basetime.is_some_and(|basetime| window(basetime).is_err())
            }
            _ => now > self.setup.deadline(),
        };
        let until = invoice.created_at.0 + u64::from(self.setup.expiry);
        (is_late || now.0 > until).then_some(Wrong::Untimely)
    }

    /// When the first invoice of a subscription was made, once it is paid.
    fn first(&self, seen: &Seen, world: &World) -> Option<UnixTime> {
        let invoices = world.node.iter().flatten().filter(|slot| slot.fate == Fate::Paid);
        let mut invoices = invoices.map(|slot| seen.tables.invoice(slot.invoice));
        invoices.find(|invoice| invoice.counter == 0).map(|invoice| invoice.created_at)
    }

    /// EXC-17: two payments that are both overdue are a period apart, unless the owner hurries.
    fn pace(&self, world: &World, ghost: &Ghost, look: Look) -> Option<Wrong> {
        let (due_at, length) = look.due?;
        let (before, counter) = ghost.begun_at?;
        let before = self.setup.at(before).0;
        let gap = self.setup.at(world.now).0.saturating_sub(before);
        let is_too_fast = counter != look.made && before >= due_at && gap < length - (length / 20).min(600);
        (is_too_fast && !ghost.hurried).then_some(Wrong::TooFast)
    }

    /// What holds after every step.
    fn invariant(&self, seen: &mut Seen, world: &World) -> Option<Wrong> {
        for memory in [world.memory, world.disk] {
            let (state, ghost) = *seen.memories.get(memory);
            if ghost.paid == NONE {
                continue;
            }
            let look = seen.tables.look(state, world.now);
            let is_known = match self.setup.wish {
                Wish::Subscription(_) => look.made > seen.tables.invoice(ghost.paid).counter,
                _ => look.view == View::Paid(ghost.paid) && look.receipt == Some(ghost.paid),
            };
            if !is_known {
                return Some(Wrong::PreimageLost);
            }
        }
        let (state, ghost) = *seen.memories.get(world.memory);
        let look = seen.tables.look(state, world.now);
        let is_paid = |counter: u32| {
            let is_it = |slot: &Slot| slot.fate == Fate::Paid && seen.tables.invoice(slot.invoice).counter == counter;
            world.node.iter().flatten().any(is_it)
        };
        if !(0..look.made).all(is_paid) {
            return Some(Wrong::Skipped);
        }
        let is_forgotten = |slot: &Slot| {
            let is_it = matches!(look.view, View::Paying(invoice, _) if invoice == slot.invoice);
            slot.fate == Fate::OnItsWay && !is_it
        };
        let was_wrong = world.mistakes < self.setup.bounds.mistakes;
        (!ghost.from_backup && !was_wrong && world.node.iter().flatten().any(is_forgotten)).then_some(Wrong::Forgotten)
    }

    /// What is wrong with a world, if it is this.
    pub(crate) fn is_wrong(world: &World, wrong: Wrong) -> bool {
        world.wrong == Some(wrong)
    }
}
