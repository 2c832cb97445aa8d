//! What is due, in the order in which it became due.

use core::ops::Bound;

use crate::exchange::ids::{ConversationId, ConversationKind};
use crate::exchange::manager::OffersManager;
use crate::exchange::manager::book::Entry;
use crate::exchange::manager::held::LOOK_AGAIN_AFTER;
use crate::exchange::manager::keys::Keys;
use crate::exchange::manager::output::{Event, Output};
use crate::field::{CurrencyCode, Rate};
use crate::units::UnixTime;

/// By how many seconds a clock has to go back for everything to be looked at again.
const SET_BACK: u64 = 60;

impl OffersManager {
    /// Does what is due, for at most this number of conversations: it produces at most as many messages, and the saves
    /// before them. Returns whether more is due now. Never blocks, and may be called at any time.
    ///
    /// If the clock was set back, all conversations are looked at again, as many at a time.
    pub fn poll(&mut self, now: UnixTime, max: usize) -> bool {
        self.note_time(now);
        for _ in 0..max {
            let Some(id) = self.next_due() else { return false };
            self.step_one(id, now);
        }
        self.wake_at().is_some_and(|at| at <= now)
    }

    /// The time of the next [poll](Self::poll), unless something happens before; `None` if nothing is waiting. It may
    /// be in the past.
    pub fn wake_at(&self) -> Option<UnixTime> {
        if self.recheck_from.is_some() || !self.rate_came_for.is_empty() {
            return Some(self.now);
        }
        self.book.first().map(|(at, _)| at)
    }

    /// Sets the exchange rate of a currency. It is used for an hour, for everything that is priced in this currency.
    /// Conversations that wait for it go on with the next [poll](Self::poll), which also compares every quote that has
    /// not begun (EXC-9).
    pub fn set_rate(&mut self, rate: Rate, now: UnixTime) {
        self.rates.insert(rate.currency(), (rate, now));
        let waiting = self.waiting_for_rate.remove(&rate.currency()).unwrap_or_default();
        for id in &waiting {
            if let Some(entry) = self.book.get_mut(id) {
                entry.waits_for = None;
            }
        }
        self.rate_came_for.extend(waiting);
        self.rate_came_for.extend(self.book.priced_in(rate.currency()));
    }

    /// The currencies whose rates payments are waiting for.
    pub fn rates_needed(&self) -> impl Iterator<Item = CurrencyCode> + '_ {
        self.waiting_for_rate.keys().copied()
    }

    /// Notes what time it is.
    pub(crate) fn note_time(&mut self, now: UnixTime) {
        if now.0.saturating_add(SET_BACK) < self.now.0 {
            self.recheck_from = Some(Bound::Unbounded);
        }
        self.now = now;
    }

    /// What is due, what a rate concerns, and what is looked at again, by turns, so that none of them holds up the
    /// others.
    fn next_due(&mut self) -> Option<ConversationId> {
        for _ in 0..4 {
            self.turn = self.turn.wrapping_add(1);
            let next = match self.turn & 3 {
                0 => self.next_to_recheck(),
                2 => self.rate_came_for.pop_first(),
                _ => self.book.first().filter(|(at, _)| *at <= self.now).map(|(_, id)| id),
            };
            if next.is_some() {
                return next;
            }
        }
        None
    }

    fn next_to_recheck(&mut self) -> Option<ConversationId> {
        let next = self.book.after(self.recheck_from?);
        self.recheck_from = next.map(Bound::Excluded);
        next
    }

    fn step_one(&mut self, id: ConversationId, now: UnixTime) {
        let Some(entry) = self.book.get(&id) else { return };
        // A subscription that was missed may not have been, by a clock that was set back.
        if id.kind() != ConversationKind::Subscription && entry.is_over() {
            return;
        }
        if entry.saving.is_some() {
            // Once that is done.
            if let Some(entry) = self.book.get_mut(&id) {
                entry.wake = now;
            }
            return;
        }
        let result = self.change(id, now, |change| {
            let next = change.conversation.step(now, change.rate).inspect_err(|_| {
                change.wake = Some(now.saturating_add(LOOK_AGAIN_AFTER));
            })?;
            change.wake = Some(next.wake.max(now.next_second()));
            change.outputs.extend(next.send.map(Output::Send));
            Ok(next.needs)
        });
        match result {
            Some(Ok(needs)) => self.wait_for_rate(id, needs),
            Some(Err(error)) => self.events.push_back(Event::Stuck { id, error }),
            // What cannot be read any more would be due for ever.
            None => {
                if let Some(entry) = self.book.get_mut(&id) {
                    entry.wake = now.saturating_add(LOOK_AGAIN_AFTER);
                }
                self.book.queue(&id);
            }
        }
    }

    /// Has a conversation wait for the rate of this currency, or for none any more.
    pub(crate) fn wait_for_rate(&mut self, id: ConversationId, currency: Option<CurrencyCode>) {
        let Some(entry) = self.book.get_mut(&id) else { return };
        let before = core::mem::replace(&mut entry.waits_for, currency);
        if before == currency {
            return;
        }
        if let Some(before) = before {
            self.stop_waiting(id, before);
        }
        if let Some(currency) = currency {
            let waiting = self.waiting_for_rate.entry(currency).or_default();
            if waiting.is_empty() {
                self.events.push_back(Event::RateNeeded(currency));
            }
            waiting.insert(id);
        }
    }

    fn stop_waiting(&mut self, id: ConversationId, currency: CurrencyCode) {
        let Some(waiting) = self.waiting_for_rate.get_mut(&currency) else { return };
        waiting.remove(&id);
        if waiting.is_empty() {
            self.waiting_for_rate.remove(&currency);
        }
    }

    /// Takes a conversation out.
    pub(crate) fn forget(&mut self, id: &ConversationId, keys: &Keys) -> Option<Entry> {
        self.rate_came_for.remove(id);
        self.book.remove(id, keys)
    }
}
