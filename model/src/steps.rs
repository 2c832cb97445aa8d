//! What comes of what happens.

use bolt12::exchange::MAX_REQUESTS_A_DAY;

use crate::setup::Wish;
use crate::shop::NOW;
use crate::subject::{Call, View};
use crate::tables::{Named, Outcome, Wrong};
use crate::world::{Act, Explored, Fate, Ghost, How, NONE, Seen, Slot, World};

impl Explored {
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
                // What was said to have failed, and was paid, is the node's mistake.
                let was_wrong = next.mistakes < self.setup.bounds.mistakes;
                let is_same = |slot: &Slot| {
                    let other = seen.tables.invoice(slot.invoice);
                    let is_for_the_same = other.counter == seen.tables.invoice(invoice).counter;
                    slot.fate != Fate::Failed && is_for_the_same && !was_wrong
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

    pub(crate) fn step(&self, seen: &mut Seen, next: &mut World, call: Named, how: How) {
        let (state, mut ghost) = *seen.memories.get(next.memory);
        let before = seen.tables.look(state, next.now);
        let step = seen.tables.step(state, call, next.now, next.rate);
        let after = seen.tables.look(step.after, next.now);
        let is_payment = !matches!(self.setup.wish, Wish::Subscription(_));
        let is_done = step.outcome != Outcome::Refused;
        let mut wrong = step.wrong;
        // Paying that cannot begin at all does not look at the rate.
        let takes_rate = match call {
            Call::Poll => true,
            Call::Begin(_) => step.after != state,
            _ => false,
        };
        if self.setup.rates() > 1 && takes_rate {
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
                            wrong = wrong.or(self.too_early(seen, next, before));
                            let is_waited_for = before.due.is_none_or(|(due_at, _)| due_at <= NOW.0);
                            ghost.unanswered += u8::from(!is_waited_for);
                            // All instants are in one day.
                            if usize::from(ghost.unanswered) > MAX_REQUESTS_A_DAY {
                                wrong = wrong.or(Some(Wrong::Floods));
                            }
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
                    let is_last = usize::from(next.now) + 1 == self.setup.instants.len()
                        && self.setup.is_whole()
                        && !ghost.has_more_time;
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
                    let is_again =
                        |slot: &Slot| matches!(after.view, View::Paying(_, attempt) if slot.attempt >= attempt);
                    if !ghost.from_backup && next.node.iter().flatten().any(is_again) {
                        wrong = wrong.or(Some(Wrong::AttemptAgain));
                    }
                    // What was asked for in time is not too early because the clock was set back since.
                    if is_payment || !self.was_set_back(next) {
                        wrong = wrong
                            .or(self.pace(next, &ghost, before))
                            .or(self.untimely(seen, next, &ghost, invoice, before));
                    }
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
                } else if is_shown && objection.is_none() && self.is_good(seen, next, &ghost, invoice) {
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
                let is_over = is_payment && self.setup.at(next.now) > self.deadline(&ghost);
                let is_asking = matches!(before.view, View::Asking | View::NeedsApproval(..));
                let is_claim = self.setup.wish == Wish::Refund && matches!(before.view, View::Quoted(_));
                let is_old = is_payment && generation < ghost.asked;
                let waits = before.view == View::Waiting && self.was_set_back(next);
                if is_old || is_over || !is_asking && !is_claim && !waits {
                    wrong = wrong.or(Some(Wrong::Late));
                }
                if seen.tables.step(step.after, call, next.now, next.rate).outcome != Outcome::Refused {
                    wrong = wrong.or(Some(Wrong::Repeated));
                }
                let mut asks = |state| {
                    matches!(seen.tables.step(state, Call::Poll, next.now, next.rate).outcome, Outcome::Send(_))
                };
                let is_closed = generation == ghost.asked && ghost.closed & 1 << way != 0;
                if is_payment && is_closed && asks(step.after) && !asks(state) {
                    wrong = wrong.or(Some(Wrong::Hurried));
                }
                ghost.closed |= 1 << way;
                let all = (1 << self.setup.ways) - 1;
                let is_decided = matches!(after.view, View::Ended(_));
                if is_payment && self.setup.ways > 1 && is_decided && ghost.closed != all {
                    wrong = wrong.or(Some(Wrong::OneWay));
                }
                if matches!(after.view, View::Quoted(_) | View::NeedsApproval(..)) {
                    ghost.quoted_rate = ghost.rate;
                    ghost.unanswered = 0;
                }
                if before.view.waits_for().is_none() {
                    wrong = wrong.or(Some(Wrong::Revived));
                }
            }
            Call::Allow(max) if is_done => {
                ghost.allowed = Some((max, before.made));
                ghost.has_more_time = is_payment;
                if is_payment {
                    ghost.quoted_rate = ghost.rate;
                }
                next.allows = next.allows.saturating_sub(1);
            }
            Call::AllowFee if is_done => {
                (ghost.fee_allowed, ghost.has_more_time) = (true, true);
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
}
