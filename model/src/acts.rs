//! What can happen next.

use crate::setup::Wish;
use crate::subject::{Call, View, Why};
use crate::tables::{Look, Named, Outcome, Tables};
use crate::world::{Act, Explored, Fate, Ghost, How, NONE, Seen, Slot, World};

impl Explored {
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
    pub(crate) fn owner(
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
                calls.extend(tables.quoted(state).into_iter().map(Call::Begin));
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
    pub(crate) fn news(&self, world: &World, ghost: &Ghost, look: Look, calls: &mut Vec<Named>) {
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
    pub(crate) fn payable(&self, seen: &mut Seen, world: &World) -> Option<(u16, u32)> {
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
}
