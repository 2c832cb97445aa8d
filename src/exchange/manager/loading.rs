//! How conversations are added, loaded and removed.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use bitcoin::hashes::sha256;

use crate::error::Error;
#[cfg(feature = "recurrence")]
use crate::exchange::ids::SubscriptionId;
use crate::exchange::ids::{ClaimId, ConversationId, ConversationKind, PaymentId};
use crate::exchange::manager::OffersManager;
use crate::exchange::manager::book::Entry;
use crate::exchange::manager::conversation::{self, Conversation, Parties};
use crate::exchange::manager::error::ManagerError;
use crate::exchange::manager::held::{Held, NEVER};
use crate::exchange::manager::keys::Keys;
use crate::exchange::manager::output::Unsaved;
use crate::exchange::manager::saving::sleep_if_idle;
use crate::exchange::manager::stage::Stage;
use crate::exchange::payee::claim::Claim;
use crate::exchange::payer::payment::Payment;
use crate::exchange::payer::state::Attempt;
#[cfg(feature = "recurrence")]
use crate::exchange::payer::subscription::Subscription;
use crate::units::UnixTime;

/// The result of [loading](OffersManager::load) states.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Loaded<N> {
    /// The number of conversations that were loaded.
    pub count: usize,
    /// The questions for the node, for each conversation that may have been paid or may be in flight.
    pub ask_node: Vec<AskNode>,
    /// The states that were not loaded, by the name that you gave, with the reason. All others were loaded.
    pub failed: Vec<(N, LoadError)>,
}

/// The payment hashes of a conversation to ask the node about. Then report what the node knows:
/// [`paid`](OffersManager::paid), [`failed`](OffersManager::failed) or [`claim_paid`](OffersManager::claim_paid). If
/// the node has never heard of a hash, and cannot be paying it, report that it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskNode {
    /// The conversation.
    pub id: ConversationId,
    /// The payment hashes. If a payment is in progress, its hash is the first.
    pub payment_hashes: Vec<sha256::Hash>,
    /// The attempt in progress for the first hash, which [`failed`](OffersManager::failed) takes. `None` if none is in
    /// progress.
    pub attempt: Option<Attempt>,
}

/// Why a state was not loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// It is damaged, or was saved with another secret or by another version.
    Invalid(Error),
    /// The conversation is already loaded, or was given twice. One of the two states is older, and using it could pay
    /// again.
    Exists(ConversationId),
    /// It was removed, and the deletion is not confirmed yet.
    Removing(ConversationId),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(f),
            Self::Removing(id) => write!(f, "{id} is being removed: confirm its removal first"),
            Self::Exists(id) => write!(f, "{id} is already loaded: find out which of its states is the latest"),
        }
    }
}

impl core::error::Error for LoadError {}

/// A conversation that was taken out of a manager.
#[derive(Clone, PartialEq, Eq)]
pub struct Archived {
    /// The conversation.
    pub id: ConversationId,
    /// Its saved state: pass it to [`load`](OffersManager::load) to get the conversation back.
    pub state: Vec<u8>,
    /// The payment hashes of all attempts, whatever the node reported, or that of a claim. If one of them is paid that
    /// was not known to be, load the conversation again and report it.
    pub payment_hashes: Vec<sha256::Hash>,
}

/// Does not show the state, because it may contain a preimage.
impl fmt::Debug for Archived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, state, payment_hashes } = self;
        f.debug_struct("Archived")
            .field("id", id)
            .field("state", &format_args!("{} bytes", state.len()))
            .field("payment_hashes", payment_hashes)
            .finish()
    }
}

/// Adding, loading and removing conversations.
impl OffersManager {
    /// Adds a new payment. It is among the states to [save](Self::next_save), and goes on when that is confirmed.
    ///
    /// # Errors
    ///
    /// `Exists`, `TooMany`; `Unsaved` if it was removed and the deletion is not confirmed.
    pub fn add_payment(&mut self, payment: Payment, now: UnixTime) -> Result<PaymentId, ManagerError> {
        let id = payment.id();
        self.add(id.into(), payment, self.limits.payments, now).map(|()| id)
    }

    /// Adds a new claim: see [`add_payment`](Self::add_payment).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn add_claim(&mut self, claim: Claim, now: UnixTime) -> Result<ClaimId, ManagerError> {
        let id = claim.id();
        self.add(id.into(), claim, self.limits.claims, now).map(|()| id)
    }

    /// Adds a new subscription: see [`add_payment`](Self::add_payment). Payments that it authorises become
    /// [payable](super::Event::Payable) by themselves.
    ///
    /// # Errors
    ///
    /// As there.
    #[cfg(feature = "recurrence")]
    pub fn add_subscription(
        &mut self,
        subscription: Subscription,
        now: UnixTime,
    ) -> Result<SubscriptionId, ManagerError> {
        let id = subscription.id();
        self.add(id.into(), subscription, self.limits.subscriptions, now).map(|()| id)
    }

    fn add(
        &mut self,
        id: ConversationId,
        held: impl Held + 'static,
        limit: usize,
        now: UnixTime,
    ) -> Result<(), ManagerError> {
        if self.book.get(&id).is_some() {
            return Err(ManagerError::Exists(id));
        }
        if self.removing.contains(&id) {
            return Err(ManagerError::Unsaved(id));
        }
        if self.book.count(id.kind()) >= limit {
            return Err(ManagerError::TooMany { limit });
        }
        self.note_time(now);
        let (standing, keys) = (held.standing(now), held.keys());
        self.begin_to_save(id, Entry::new(Conversation::new(held), standing.untold(), now), &keys, standing);
        Ok(())
    }

    /// Loads saved states, in any order, each with a name by which you recognise it, for example its key in the
    /// storage. [Events](Self::next_event) that wait for the user's decision are repeated. Then [poll](Self::poll).
    pub fn load<N>(&mut self, states: impl IntoIterator<Item = (N, Vec<u8>)>, now: UnixTime) -> Loaded<N> {
        self.load_with(states, now, conversation::load, |manager, id, mut entry, keys| {
            let stage = entry.told.stage;
            // A subscription can have ended while nobody looked.
            let has_ended = stage == Stage::Ended && id.kind() == ConversationKind::Subscription;
            if stage.is_decision() || has_ended {
                manager.events.extend(stage.event(id));
            }
            if stage.is_over() && id.kind() != ConversationKind::Subscription {
                entry.wake = NEVER;
            }
            manager.book.insert(id, entry, keys);
            if let Some(entry) = manager.book.get_mut(&id) {
                sleep_if_idle(entry, now);
            }
        })
    }

    /// Loads a backup: states that may not be the latest ones (EXC-13). See
    /// [`Payer::restore`](crate::exchange::Payer::restore): payments that had not begun have ended, subscriptions have
    /// [stopped](super::Event::Stopped) until the user decides to [try again](Self::try_again), and payments in
    /// progress still are. All of them are among the states to [save](Self::next_save).
    ///
    /// A conversation that is already loaded is the later state, and stays.
    pub fn restore<N>(&mut self, states: impl IntoIterator<Item = (N, Vec<u8>)>, now: UnixTime) -> Loaded<N> {
        self.load_with(states, now, conversation::restore, |manager, id, mut entry, keys| {
            let standing = entry.told;
            entry.told = standing.untold();
            manager.begin_to_save(id, entry, keys, standing);
        })
    }

    fn load_with<N>(
        &mut self,
        states: impl IntoIterator<Item = (N, Vec<u8>)>,
        now: UnixTime,
        load: impl Fn(&Parties, &[u8]) -> Result<Box<dyn Held>, Error>,
        take: impl Fn(&mut Self, ConversationId, Entry, &Keys),
    ) -> Loaded<N> {
        self.note_time(now);
        let mut loaded = Loaded { count: 0, ask_node: Vec::new(), failed: Vec::new() };
        for (name, state) in states {
            let held = match load(&self.parties, &state).map_err(LoadError::Invalid) {
                Ok(held) if self.book.get(&held.id()).is_some() => Err(LoadError::Exists(held.id())),
                Ok(held) if self.removing.contains(&held.id()) => Err(LoadError::Removing(held.id())),
                result => result,
            };
            let held = match held {
                Ok(held) => held,
                Err(error) => {
                    loaded.failed.push((name, error));
                    continue;
                }
            };
            loaded.count = loaded.count.saturating_add(1);
            let (id, keys, payment_hashes) = (held.id(), held.keys(), held.open_hashes());
            if !payment_hashes.is_empty() {
                let attempt = held.paying().map(|(_, attempt)| attempt);
                loaded.ask_node.push(AskNode { id, payment_hashes, attempt });
            }
            let standing = held.standing(now);
            take(self, id, Entry::new(held.into(), standing, now), &keys);
        }
        loaded
    }

    /// Takes out a conversation that has ended. Its state stays in the storage: mark it there as archived, so that it
    /// is not loaded next time.
    ///
    /// # Errors
    ///
    /// `Unknown`; `Open` if it has not ended; `Unsaved` if its end is not saved.
    pub fn archive(&mut self, id: impl Into<ConversationId>) -> Result<Archived, ManagerError> {
        let id = id.into();
        let (fields, keys) = self.take(id)?;
        let state = Conversation::seal(&self.parties, id.kind(), fields);
        Ok(Archived { id, state, payment_hashes: keys })
    }

    /// Removes a conversation that has ended, and its state from the storage.
    ///
    /// # Errors
    ///
    /// As for [`archive`](Self::archive).
    pub fn remove(&mut self, id: impl Into<ConversationId>) -> Result<(), ManagerError> {
        let id = id.into();
        self.take(id)?;
        self.removing.insert(id);
        self.unsaved.push_back(Unsaved::Removal(id));
        Ok(())
    }

    fn take(&mut self, id: ConversationId) -> Result<(Vec<u8>, Vec<sha256::Hash>), ManagerError> {
        let entry = self.book.get(&id).ok_or(ManagerError::Unknown(id))?;
        if entry.saving.is_some() {
            return Err(ManagerError::Unsaved(id));
        }
        if !entry.is_over() {
            return Err(ManagerError::Open(id));
        }
        let keys = self.keys(&id).unwrap_or_default();
        let entry = self.forget(&id, &keys).ok_or(ManagerError::Unknown(id))?;
        Ok((entry.conversation.fields(), keys.hashes))
    }
}
