//! Where conversations are, and how they are found (EXC-16): every look-up and every change takes a number of steps
//! that grows with the logarithm of how many there are.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::ops::Bound;

use bitcoin::hashes::sha256;

use crate::exchange::ids::{ConversationId, ConversationKind, PaymentId};
use crate::exchange::manager::conversation::Conversation;
use crate::exchange::manager::held::NEVER;
use crate::exchange::manager::keys::Keys;
use crate::exchange::manager::output::{Event, Output};
use crate::exchange::manager::stage::{Stage, Standing};
use crate::field::CurrencyCode;
use crate::units::UnixTime;

/// A conversation, and what is known about it.
pub(crate) struct Entry {
    pub(crate) conversation: Conversation,
    /// What was told of it last.
    pub(crate) told: Standing,
    /// Since when it is as far as it is.
    pub(crate) since: UnixTime,
    /// When it has something to do.
    pub(crate) wake: UnixTime,
    /// Where it stands in the queue.
    queued: UnixTime,
    /// What is not confirmed to be saved.
    pub(crate) saving: Option<Box<Saving>>,
    /// How many saves failed in a row.
    pub(crate) failures: u8,
    /// How many answers to wrong invoices were sent.
    pub(crate) answers: u8,
    /// The currency whose rate it waits for.
    pub(crate) waits_for: Option<CurrencyCode>,
}

/// A change that is not confirmed to be saved.
pub(crate) struct Saving {
    /// The fields to go back to; `None` if it was never saved.
    pub(crate) confirmed: Option<Vec<u8>>,
    /// What was given out to be saved.
    pub(crate) in_flight: Option<InFlight>,
    /// The fields that it has now, if they are not what was given out.
    pub(crate) changed: Option<Vec<u8>>,
    /// How far it is.
    pub(crate) standing: Standing,
    /// What waits for the next save.
    pub(crate) outputs: Vec<Output>,
}

impl Saving {
    /// Has what comes of a step wait for the save that it depends on.
    pub(crate) fn hold(&mut self, standing: Standing, outputs: Vec<Output>) {
        let waits_for = match &mut self.in_flight {
            Some(in_flight) if self.changed.is_none() => &mut in_flight.outputs,
            _ => &mut self.outputs,
        };
        waits_for.extend(outputs);
        self.standing = standing;
    }

    /// What waits and belongs to a stage that is left is dropped.
    pub(crate) fn leave_stage(&mut self) {
        let in_flight = self.in_flight.iter_mut().map(|in_flight| &mut in_flight.outputs);
        in_flight.chain([&mut self.outputs]).for_each(|outputs| outputs.retain(|output| !output.is_superseded()));
    }
}

/// A state that was given out to be saved.
pub(crate) struct InFlight {
    pub(crate) fields: Vec<u8>,
    /// How far it was then.
    pub(crate) standing: Standing,
    /// What waits for it.
    pub(crate) outputs: Vec<Output>,
}

impl Entry {
    pub(crate) fn new(conversation: Conversation, told: Standing, now: UnixTime) -> Self {
        let (saving, failures, answers, waits_for) = (None, 0, 0, None);
        Self { conversation, told, since: now, wake: now, queued: NEVER, saving, failures, answers, waits_for }
    }

    /// How far it is, saved or not.
    pub(crate) fn stage(&self) -> Stage {
        self.saving.as_ref().map_or(self.told.stage, |saving| saving.standing.stage)
    }

    /// Whether nothing will happen any more, unless the node has news.
    pub(crate) fn is_over(&self) -> bool {
        self.stage().is_over() && self.wake == NEVER
    }

    /// What is to be told, now that it is saved as far as this. Of a stage that it has left since, nothing is true any
    /// more: who was told to pay then would pay what is paid (EXC-15).
    pub(crate) fn tell(&mut self, id: ConversationId, saved: Standing, has_left: bool) -> impl Iterator<Item = Event> {
        let is_paid = saved.made > self.told.made;
        let is_new = !has_left && !saved.stage.says_the_same(self.told.stage);
        self.told.made = self.told.made.max(saved.made);
        // What was not said in time is said when it comes back to that, but not that it is to be paid.
        if !has_left || matches!(saved.stage, Stage::Paying(_)) {
            self.told.stage = saved.stage;
        }
        let stage = saved.stage.event(id).filter(|_| is_new);
        is_paid.then_some(Event::Paid(id)).into_iter().chain(stage)
    }
}

/// All conversations.
#[derive(Default)]
pub(crate) struct Book {
    entries: BTreeMap<ConversationId, Entry>,
    /// What has something to do, by time.
    queue: BTreeSet<(UnixTime, ConversationId)>,
    /// Ids in path ids that are not those of their conversations.
    replies: BTreeMap<PaymentId, ConversationId>,
    /// Payment hashes that the node may have news of.
    hashes: BTreeSet<(sha256::Hash, ConversationId)>,
    /// What has a quote whose price is in a currency.
    priced: BTreeSet<(CurrencyCode, ConversationId)>,
    counts: [usize; 3],
}

fn index_of(kind: ConversationKind) -> usize {
    match kind {
        ConversationKind::Payment => 0,
        ConversationKind::Claim => 1,
        ConversationKind::Subscription => 2,
    }
}

impl Book {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many there are of a kind.
    pub(crate) fn count(&self, kind: ConversationKind) -> usize {
        self.counts.get(index_of(kind)).copied().unwrap_or(0)
    }

    pub(crate) fn get(&self, id: &ConversationId) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// To change what nothing is found by: see [`index`](Self::index) and [`queue`](Self::queue).
    pub(crate) fn get_mut(&mut self, id: &ConversationId) -> Option<&mut Entry> {
        self.entries.get_mut(id)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = ConversationId> + '_ {
        self.entries.keys().copied()
    }

    /// The first conversation after this one.
    pub(crate) fn after(&self, id: Bound<ConversationId>) -> Option<ConversationId> {
        self.entries.range((id, Bound::Unbounded)).next().map(|(id, _)| *id)
    }

    pub(crate) fn insert(&mut self, id: ConversationId, entry: Entry, keys: &Keys) {
        self.entries.insert(id, entry);
        if let Some(count) = self.counts.get_mut(index_of(id.kind())) {
            *count = count.saturating_add(1);
        }
        self.index(id, &Keys::default(), keys);
        self.queue(&id);
    }

    pub(crate) fn remove(&mut self, id: &ConversationId, keys: &Keys) -> Option<Entry> {
        let entry = self.entries.remove(id)?;
        if let Some(count) = self.counts.get_mut(index_of(id.kind())) {
            *count = count.saturating_sub(1);
        }
        self.index(*id, keys, &Keys::default());
        self.queue.remove(&(entry.queued, *id));
        Some(entry)
    }

    /// Has it be found by other keys from now on.
    pub(crate) fn index(&mut self, id: ConversationId, before: &Keys, after: &Keys) {
        if before == after {
            return;
        }
        for reply in before.replies.iter().flatten() {
            self.replies.remove(reply);
        }
        for hash in &before.hashes {
            self.hashes.remove(&(*hash, id));
        }
        if let Some(currency) = before.priced_in {
            self.priced.remove(&(currency, id));
        }
        for reply in after.replies.iter().flatten() {
            self.replies.insert(*reply, id);
        }
        for hash in &after.hashes {
            self.hashes.insert((*hash, id));
        }
        if let Some(currency) = after.priced_in {
            self.priced.insert((currency, id));
        }
    }

    /// Puts it into the queue at the time when it has something to do. What is not saved waits for that.
    pub(crate) fn queue(&mut self, id: &ConversationId) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        let at = if entry.saving.is_some() { NEVER } else { entry.wake };
        if at == entry.queued {
            return;
        }
        if entry.queued != NEVER {
            self.queue.remove(&(entry.queued, *id));
        }
        if at != NEVER {
            self.queue.insert((at, *id));
        }
        entry.queued = at;
    }

    /// The first in the queue.
    pub(crate) fn first(&self) -> Option<(UnixTime, ConversationId)> {
        self.queue.first().copied()
    }

    /// The conversation whose message has this id in its path id.
    pub(crate) fn of_payment(&self, id: PaymentId) -> Option<ConversationId> {
        let own = ConversationId::Payment(id);
        if self.entries.contains_key(&own) { Some(own) } else { self.replies.get(&id).copied() }
    }

    /// The conversations that the node may have news of under this payment hash.
    pub(crate) fn of_hash(&self, hash: sha256::Hash) -> impl Iterator<Item = ConversationId> + '_ {
        of_hash(&self.hashes, hash)
    }

    /// The conversations that have a quote whose price is in this currency.
    pub(crate) fn priced_in(&self, currency: CurrencyCode) -> impl Iterator<Item = ConversationId> + '_ {
        let priced = self.priced.range((currency, LEAST)..);
        priced.take_while(move |(other, _)| *other == currency).map(|(_, id)| *id)
    }

    /// A conversation, and whether another one is being paid with a payment hash.
    pub(crate) fn with_hashes(
        &mut self,
        id: &ConversationId,
    ) -> Option<(&mut Entry, impl Fn(sha256::Hash) -> Option<ConversationId> + '_)> {
        let (entry, hashes, own) = (self.entries.get_mut(id)?, &self.hashes, *id);
        Some((entry, move |hash| of_hash(hashes, hash).find(|id| *id != own && id.kind() != ConversationKind::Claim)))
    }
}

/// The first id that there can be.
const LEAST: ConversationId = ConversationId::Payment(PaymentId([0; 14]));

fn of_hash(
    hashes: &BTreeSet<(sha256::Hash, ConversationId)>,
    hash: sha256::Hash,
) -> impl Iterator<Item = ConversationId> + '_ {
    hashes.range((hash, LEAST)..).take_while(move |(other, _)| *other == hash).map(|(_, id)| *id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::ids::ClaimId;
    use alloc::vec;
    use bitcoin::hashes::Hash as _;

    /// A search begins at the least id that there is.
    #[test]
    fn payments_come_first() {
        let least = LEAST;
        assert!(least < ConversationId::Claim(ClaimId([0; 14])));
        let hash = sha256::Hash::from_byte_array([7; 32]);
        let hashes = BTreeSet::from([(hash, least), (hash, ConversationId::Claim(ClaimId([0; 14])))]);
        assert_eq!(of_hash(&hashes, hash).count(), 2);
    }

    /// EXC-16: what has moved on is found by what it has now, and what is gone is neither found nor due, nor takes room.
    #[test]
    fn nothing_is_found_by_what_it_has_no_more() {
        let reply = |byte| PaymentId([byte; 14]);
        let hash = |byte| sha256::Hash::from_byte_array([byte; 32]);
        let usd = "USD".parse().unwrap();
        let first = Keys { replies: [Some(reply(1)), Some(reply(2))], hashes: vec![hash(1)], priced_in: Some(usd) };
        let then = Keys { replies: [Some(reply(2)), Some(reply(3))], hashes: vec![hash(2)], priced_in: None };
        let (id, now) = (ConversationId::Payment(PaymentId([9; 14])), UnixTime(1_800_000_000));
        let standing = Standing { stage: Stage::Asking, made: 0 };
        let mut book = Book::default();
        book.insert(id, Entry::new(Conversation::Asleep(Box::new([])), standing, now), &first);
        assert_eq!(book.first(), Some((now, id)));
        book.index(id, &first, &then);
        assert_eq!([1, 2, 3].map(|byte| book.of_payment(reply(byte))), [None, Some(id), Some(id)]);
        assert_eq!([1, 2].map(|byte| book.of_hash(hash(byte)).count()), [0, 1]);
        assert_eq!(book.priced_in(usd).count(), 0);
        assert!(book.remove(&id, &then).is_some());
        assert_eq!(book.first(), None);
        assert!(book.replies.is_empty() && book.hashes.is_empty() && book.priced.is_empty());
        assert_eq!((book.len(), book.count(id.kind())), (0, 0));
    }
}
