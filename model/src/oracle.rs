//! What must not be, computed without the crate.

use bolt12::exchange::Limit;
use bolt12::{Msat, UnixTime};

use crate::setup::Wish;
use crate::subject::View;
use crate::tables::{Look, Wrong};
use crate::world::{Explored, Fate, Ghost, NONE, Seen, Slot, World};

impl Explored {
    /// What speaks against paying an invoice, as far as was authorised: computed without the crate.
    pub(crate) fn objection(&self, seen: &Seen, world: &World, ghost: &Ghost, invoice: u16) -> Option<Wrong> {
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

    /// Until when a payment goes on.
    pub(crate) fn deadline(&self, ghost: &Ghost) -> UnixTime {
        if ghost.has_more_time { self.setup.later_deadline() } else { self.setup.deadline() }
    }

    /// Whether paying an invoice can begin now, as far as time goes.
    pub(crate) fn is_good(&self, seen: &Seen, world: &World, ghost: &Ghost, invoice: u16) -> bool {
        let now = self.setup.at(world.now);
        let until = seen.tables.invoice(invoice).created_at.0 + u64::from(self.setup.expiry);
        let is_payment = !matches!(self.setup.wish, Wish::Subscription(_));
        is_payment && now.0 <= until && now <= self.deadline(ghost)
    }

    /// Whether it is not the time to begin to pay an invoice.
    pub(crate) fn untimely(
        &self,
        seen: &Seen,
        world: &World,
        ghost: &Ghost,
        invoice: u16,
        look: Look,
    ) -> Option<Wrong> {
        let (now, invoice) = (self.setup.at(world.now), seen.tables.invoice(invoice));
        let is_late = match self.setup.wish {
            Wish::Subscription(recurrence) => {
                let is_first = invoice.counter == 0 && now > self.setup.deadline();
                let basetime = recurrence.base.map(|base| base.basetime).or(self.first(seen, world));
                let window = |basetime| recurrence.check_pay_window(basetime, invoice.counter.into(), now);
                is_first || invoice.counter != look.made || basetime.is_some_and(|basetime| window(basetime).is_err())
            }
            _ => now > self.deadline(ghost),
        };
        let until = invoice.created_at.0 + u64::from(self.setup.expiry);
        (is_late || now.0 > until).then_some(Wrong::Untimely)
    }

    /// Whether the clock was set back on the way to this world.
    pub(crate) fn was_set_back(&self, world: &World) -> bool {
        world.set_back < self.setup.bounds.set_back
    }

    /// Whether it is too early to ask for the next payment of a subscription.
    pub(crate) fn too_early(&self, seen: &Seen, world: &World, look: Look) -> Option<Wrong> {
        let Wish::Subscription(recurrence) = self.setup.wish else { return None };
        let basetime = recurrence.base.map(|base| base.basetime).or(self.first(seen, world))?;
        let opens_at = recurrence.pay_window(basetime, look.made.into()).ok()?.start().0;
        (self.setup.at(world.now).0 < opens_at).then_some(Wrong::Early)
    }

    /// When the first invoice of a subscription was made, once it is paid.
    pub(crate) fn first(&self, seen: &Seen, world: &World) -> Option<UnixTime> {
        let invoices = world.node.iter().flatten().filter(|slot| slot.fate == Fate::Paid);
        let mut invoices = invoices.map(|slot| seen.tables.invoice(slot.invoice));
        invoices.find(|invoice| invoice.counter == 0).map(|invoice| invoice.created_at)
    }

    /// EXC-17: two payments that are both overdue are a period apart, unless the owner hurries.
    pub(crate) fn pace(&self, world: &World, ghost: &Ghost, look: Look) -> Option<Wrong> {
        let (due_at, length) = look.due?;
        let (before, counter) = ghost.begun_at?;
        let before = self.setup.at(before).0;
        let gap = self.setup.at(world.now).0.saturating_sub(before);
        let is_too_fast = counter != look.made && before >= due_at && gap < length - (length / 20).min(600);
        (is_too_fast && !ghost.hurried).then_some(Wrong::TooFast)
    }

    /// What holds after every step.
    pub(crate) fn invariant(&self, seen: &mut Seen, world: &World) -> Option<Wrong> {
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
