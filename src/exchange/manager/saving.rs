//! Save before act (EXC-15): what follows from a change waits until that is confirmed to be saved.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use crate::exchange::ids::ConversationId;
use crate::exchange::manager::OffersManager;
use crate::exchange::manager::book::{Entry, InFlight, Saving};
use crate::exchange::manager::conversation::Conversation;
use crate::exchange::manager::held::{Held, NEVER};
use crate::exchange::manager::keys::Keys;
use crate::exchange::manager::output::{Event, Output, Save, ToSend, Unsaved};
use crate::exchange::manager::stage::{Stage, Standing};
use crate::field::Rate;
use crate::units::UnixTime;

/// How long after a save that failed a conversation goes on, at first.
const FIRST_PAUSE: u64 = 5;

/// The longest of these pauses.
const MAX_PAUSE: u64 = 300;

/// For how many seconds a rate is good.
const RATE_AGE: u64 = 3_600;

/// How long something has to have nothing to do to be put to sleep, in seconds.
const SLEEP_AFTER: u64 = 600;

impl OffersManager {
    /// The next state to save or delete. [Confirm](Self::saved) each by its number, or report that it
    /// [failed](Self::save_failed). Until then the conversation waits, and all others go on.
    ///
    /// Several changes of a conversation make a single save, unless this was called in between. A conversation that did
    /// not change is not saved.
    pub fn next_save(&mut self) -> Option<Save> {
        while let Some(unsaved) = self.unsaved.pop_front() {
            let id = match unsaved {
                Unsaved::State(id) => id,
                Unsaved::Removal(id) => {
                    self.number = self.number.saturating_add(1);
                    self.in_flight.insert(self.number, id);
                    return Some(Save { number: self.number, id, state: None });
                }
            };
            let Some(entry) = self.book.get_mut(&id) else { continue };
            let Some(saving) = &mut entry.saving else { continue };
            let Some(fields) = saving.changed.take() else { continue };
            if saving.confirmed.as_ref() == Some(&fields) {
                // It changed and changed back.
                let outputs = core::mem::take(&mut saving.outputs);
                self.confirm(id, outputs);
                continue;
            }
            let state = Conversation::seal(&self.parties, id.kind(), fields.clone());
            let outputs = core::mem::take(&mut saving.outputs);
            self.number = self.number.saturating_add(1);
            let number = self.number;
            saving.in_flight = Some(InFlight { fields, standing: saving.standing, outputs });
            self.in_flight.insert(number, id);
            return Some(Save { number, id, state: Some(state) });
        }
        None
    }

    /// Confirms that the save with this number was carried out, and survives a crash. Everything that waited for it can
    /// now be sent and reported. Returns whether there was such a save.
    pub fn saved(&mut self, number: u64) -> bool {
        let Some(id) = self.in_flight.remove(&number) else { return false };
        if self.removing.remove(&id) {
            return true;
        }
        let Some(entry) = self.book.get_mut(&id) else { return true };
        let Some(saving) = &mut entry.saving else { return true };
        let Some(in_flight) = saving.in_flight.take() else { return true };
        entry.failures = 0;
        if saving.changed.is_some() {
            saving.confirmed = Some(in_flight.fields);
            self.unsaved.push_back(Unsaved::State(id));
            let has_left = !in_flight.standing.stage.says_the_same(saving.standing.stage);
            let told = entry.tell(id, in_flight.standing, has_left);
            self.events.extend(told);
            self.release(id, in_flight.outputs);
        } else {
            self.confirm(id, in_flight.outputs);
        }
        true
    }

    /// Reports that the save with this number was not carried out. The conversation returns to its last saved state,
    /// and goes on after a pause, which grows with every failure from 5 seconds to 5 minutes. An
    /// [event](Event::NotSaved) reports it. A new conversation is gone.
    ///
    /// Report this only if the save will not be carried out later, because it would undo a later save of the same
    /// conversation.
    pub fn save_failed(&mut self, number: u64, now: UnixTime) {
        let Some(id) = self.in_flight.remove(&number) else { return };
        if self.removing.remove(&id) {
            self.events.push_back(Event::NotSaved { id, is_gone: true });
            return;
        }
        let Some(entry) = self.book.get_mut(&id) else { return };
        let Some(saving) = entry.saving.take() else { return };
        let keys = entry.conversation.look(&self.parties, id.kind(), |held| held.keys()).unwrap_or_default();
        let fields = saving.confirmed;
        let before = fields.and_then(|fields| Conversation::reload(&self.parties, id.kind(), &fields).ok());
        let Some(before) = before else {
            self.forget(&id, &keys);
            self.events.push_back(Event::NotSaved { id, is_gone: true });
            return;
        };
        entry.failures = entry.failures.saturating_add(1);
        let grown = FIRST_PAUSE.saturating_mul(1 << entry.failures.saturating_sub(1).min(6));
        entry.wake = now.saturating_add(Duration::from_secs(grown.min(MAX_PAUSE)));
        let (keys_before, standing) = (before.keys(), before.standing(now));
        entry.conversation = before.into();
        self.events.push_back(Event::NotSaved { id, is_gone: false });
        // What is being paid is not to be paid again.
        let told = entry.tell(id, standing, matches!(standing.stage, Stage::Paying(_)));
        self.events.extend(told);
        self.book.index(id, &keys, &keys_before);
        self.book.queue(&id);
    }

    /// All of it is saved.
    fn confirm(&mut self, id: ConversationId, outputs: Vec<Output>) {
        let Some(entry) = self.book.get_mut(&id) else { return };
        if let Some(saving) = entry.saving.take() {
            let told = entry.tell(id, saving.standing, false);
            self.events.extend(told);
        }
        sleep_if_idle(entry, self.now);
        self.release(id, outputs);
        self.book.queue(&id);
    }

    fn release(&mut self, id: ConversationId, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Send(what) => self.messages.push_back(ToSend::new(id, what)),
                Output::Tell(event) => self.events.push_back(event),
            }
        }
    }

    /// Takes a step with a conversation, and sees to all that follows: that it is saved if it changed, that what is
    /// told and sent waits for that, and that it is found by its new keys. What is sent, and when it is looked at
    /// again, is for `step` to say; without a time it is looked at at once if it changed.
    ///
    /// Returns what `step` did; nothing without such a conversation.
    pub(crate) fn change<R>(
        &mut self,
        id: ConversationId,
        now: UnixTime,
        step: impl FnOnce(&mut Change<'_>) -> R,
    ) -> Option<R> {
        self.note_time(now);
        let parties = &self.parties;
        let (entry, used_by) = self.book.with_hashes(&id)?;
        // One from a clock that was ahead is not fresh for longer.
        let is_fresh = |(_, at): &&(Rate, UnixTime)| now.0.abs_diff(at.0) <= RATE_AGE;
        let before = entry.stage();
        let held = entry.conversation.wake(parties, id.kind()).ok()?;
        let (keys, currency) = (held.keys(), held.currency());
        let changed = entry.saving.as_mut().and_then(|saving| saving.changed.take());
        let was_changed = changed.is_some();
        let fields = changed.unwrap_or_else(|| held.fields());
        let rate = currency.and_then(|it| self.rates.get(&it)).filter(is_fresh).map(|(rate, _)| *rate);
        let mut change = Change { conversation: held, rate, outputs: Vec::new(), wake: None, is_as_before: false };
        let result = step(&mut change);
        let Change { conversation: held, outputs, wake, mut is_as_before, .. } = change;
        // What was authorised needs nobody's decision.
        if let Some(hash) = held.authorised(now) {
            if used_by(hash).is_none() {
                is_as_before = false;
                // If it cannot be begun, its state says why.
                let _ = held.pays().and_then(|conversation| conversation.begin(hash, now, rate));
            }
        }
        drop(used_by);
        debug_assert!(!is_as_before || held.fields() == fields, "it changed");
        let after = if is_as_before { None } else { Some(held.fields()).filter(|after| *after != fields) };
        let has_changed = after.is_some();
        let (standing, keys_after) = (held.standing(now), held.keys());
        let is_over = standing.stage.is_over() && !held.has_more_to_say();
        let has_left = !standing.stage.says_the_same(before);
        if has_left {
            entry.since = now;
        }
        entry.wake = match wake {
            // Whoever hears of the end may archive it at once.
            _ if is_over => NEVER,
            Some(at) => at,
            None if has_changed => now,
            None => entry.wake,
        };
        match (&mut entry.saving, after) {
            (Some(saving), after) if was_changed => saving.changed = Some(after.unwrap_or(fields)),
            (saving, Some(after)) => {
                let saving = saving.get_or_insert_with(|| {
                    let (confirmed, in_flight, changed, outputs) = (Some(fields), None, None, Vec::new());
                    Box::new(Saving { confirmed, in_flight, changed, standing, outputs })
                });
                saving.changed = Some(after);
                if saving.in_flight.is_none() {
                    self.unsaved.push_back(Unsaved::State(id));
                }
            }
            (_, None) => {}
        }
        let released = match &mut entry.saving {
            Some(saving) => {
                if has_left {
                    saving.leave_stage();
                }
                saving.hold(standing, outputs);
                Vec::new()
            }
            None => {
                let told = entry.tell(id, standing, false);
                self.events.extend(told);
                outputs
            }
        };
        sleep_if_idle(entry, now);
        self.book.index(id, &keys, &keys_after);
        self.book.queue(&id);
        self.release(id, released);
        if is_over {
            self.wait_for_rate(id, None);
        }
        Some(result)
    }

    /// Takes over what was never saved, and is as far as this.
    pub(crate) fn begin_to_save(&mut self, id: ConversationId, mut entry: Entry, keys: &Keys, standing: Standing) {
        let (confirmed, in_flight, outputs) = (None, None, Vec::new());
        let changed = Some(entry.conversation.fields());
        entry.saving = Some(Box::new(Saving { confirmed, in_flight, changed, standing, outputs }));
        self.book.insert(id, entry, keys);
        self.unsaved.push_back(Unsaved::State(id));
    }

    /// What finds a conversation.
    pub(crate) fn keys(&self, id: &ConversationId) -> Option<Keys> {
        self.book.get(id)?.conversation.look(&self.parties, id.kind(), |held| held.keys()).ok()
    }
}

/// What a step does with a conversation.
pub(crate) struct Change<'a> {
    pub(crate) conversation: &'a mut dyn Held,
    /// What its currency is worth, if that is known.
    pub(crate) rate: Option<Rate>,
    pub(crate) outputs: Vec<Output>,
    /// When to look at it again.
    pub(crate) wake: Option<UnixTime>,
    /// Whether it is known that nothing has changed, so that nothing has to be compared.
    pub(crate) is_as_before: bool,
}

/// Puts to sleep what has nothing to do for long.
pub(crate) fn sleep_if_idle(entry: &mut Entry, now: UnixTime) {
    let is_idle = match entry.stage() {
        Stage::Waiting => entry.wake.0 > now.0.saturating_add(SLEEP_AFTER),
        stage => stage.is_over() && entry.wake == NEVER,
    };
    if is_idle && entry.saving.is_none() {
        entry.conversation.sleep();
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::constants::ChainHash;

    use super::*;
    use crate::exchange::ids::PaymentId;
    use crate::exchange::manager::held::LOOK_AGAIN_AFTER;
    use crate::exchange::manager::limits::ManagerLimits;
    use crate::exchange::payee::keys::Payee;
    use crate::exchange::payer::keys::Payer;
    use crate::offer::OfferBuilder;
    use crate::units::Msat;

    // EXC-16: what cannot be read is not due for ever.
    #[test]
    fn what_cannot_be_read_is_looked_at_again_after_an_hour() {
        let mut manager = OffersManager::new(Payer::new([1; 32]), Payee::new([1; 32]), ManagerLimits::default());
        let id = ConversationId::Payment(PaymentId([2; 14]));
        let mut now = UnixTime(1_800_000_000);
        let standing = Standing { stage: Stage::Waiting, made: 0 };
        let entry = Entry::new(Conversation::Asleep(Box::new([0])), standing, now);
        manager.book.insert(id, entry, &Keys::default());
        for _ in 0..2 {
            assert_eq!(manager.wake_at(), Some(now));
            assert!(!manager.poll(now, 10));
            assert!(manager.next_save().is_none() && manager.next_event().is_none());
            now = now.saturating_add(LOOK_AGAIN_AFTER);
        }
    }

    /// Asleep is what waits long for its next period, and what is over for good. Whoever may be answered is awake, also
    /// where it does nothing by itself.
    #[test]
    fn nothing_sleeps_that_may_be_answered() {
        let node = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619".parse().unwrap();
        let offer = OfferBuilder::new(node).description("tea").amount_msat(Msat(9_000)).build().unwrap();
        let now = UnixTime(1_800_000_000);
        let after = |seconds| UnixTime(now.0 + seconds);
        for (stage, wake, sleeps) in [
            (Stage::Waiting, after(1), false),
            (Stage::Waiting, after(SLEEP_AFTER), false),
            (Stage::Waiting, after(SLEEP_AFTER + 1), true),
            (Stage::Waiting, NEVER, true),
            (Stage::Asking, after(SLEEP_AFTER + 1), false),
            (Stage::Asking, NEVER, false),
            (Stage::Paid, NEVER, true),
            (Stage::Ended, NEVER, true),
            (Stage::Ended, after(SLEEP_AFTER + 1), false),
        ] {
            let draft = Payer::new([1; 32]).draft(&offer, now, &[ChainHash::BITCOIN]).unwrap();
            let payment = draft.start([2; 32], now, after(600)).unwrap();
            let mut entry = Entry::new(Conversation::new(payment), Standing { stage, made: 0 }, now);
            entry.wake = wake;
            sleep_if_idle(&mut entry, now);
            assert_eq!(matches!(entry.conversation, Conversation::Asleep(_)), sleeps, "{stage:?} until {wake}");
        }
    }
}
