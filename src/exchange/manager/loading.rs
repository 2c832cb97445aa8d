//! How conversations come, after a start too, and how they go.

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

/// What became of the states that were [loaded](OffersManager::load).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Loaded<N> {
    /// How many conversations were loaded.
    pub count: usize,
    /// What to ask the node, for each conversation that may have been paid, or be on its way.
    pub ask_node: Vec<AskNode>,
    /// What was not loaded, by the name that it was given with, and why. The others are there all the same.
    pub failed: Vec<(N, LoadError)>,
}

/// What to ask the node about a conversation: whether these were paid. Then say what is known:
/// [`paid`](OffersManager::paid), [`failed`](OffersManager::failed) or [`claim_paid`](OffersManager::claim_paid). Of what
/// the node has never heard, and cannot be paying, say that it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskNode {
    /// Which conversation.
    pub id: ConversationId,
    /// The payment hashes; of a payment that is being made, that one is the first.
    pub payment_hashes: Vec<sha256::Hash>,
    /// The attempt that is being made at the first of them: what [`failed`](OffersManager::failed) takes. Nothing if none
    /// is.
    pub attempt: Option<Attempt>,
}

/// Why a state was not loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// It is damaged, was saved with another secret, or by newer software.
    Invalid(Error),
    /// The same conversation is here already, or was given twice: one of both is an older state, and paying by that would
    /// pay again.
    Exists(ConversationId),
    /// It was removed, and the store did not confirm yet that it is deleted there.
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

/// What was taken out of a manager.
#[derive(Clone, PartialEq, Eq)]
pub struct Archived {
    /// Which conversation it is.
    pub id: ConversationId,
    /// Its state, as it was saved: give it to [`load`](OffersManager::load) to have it back.
    pub state: Vec<u8>,
    /// The payment hashes that were begun, whatever the node said of them, or that of a claim. If one is paid that was not
    /// known to be, have the conversation back and say so.
    pub payment_hashes: Vec<sha256::Hash>,
}

/// Does not show the state, which may hold a preimage.
impl fmt::Debug for Archived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, state, payment_hashes } = self;
        let state = format_args!("{} bytes", state.len());
        f.debug_struct("Archived")
            .field("id", id)
            .field("state", &state)
            .field("payment_hashes", payment_hashes)
            .finish()
    }
}

/// How conversations come and go.
impl OffersManager {
    /// Takes over a new payment. It is among what to [save](Self::next_save), and goes on when that is confirmed.
    ///
    /// # Errors
    ///
    /// `Exists`, `TooMany`; `Unsaved` if it was removed, and that is not confirmed.
    pub fn add_payment(&mut self, payment: Payment, now: UnixTime) -> Result<PaymentId, ManagerError> {
        let id = payment.id();
        self.add(id.into(), payment, self.limits.payments, now).map(|()| id)
    }

    /// Takes over a new claim, as [payments](Self::add_payment).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn add_claim(&mut self, claim: Claim, now: UnixTime) -> Result<ClaimId, ManagerError> {
        let id = claim.id();
        self.add(id.into(), claim, self.limits.claims, now).map(|()| id)
    }

    /// Takes over a new subscription, as [payments](Self::add_payment). What it authorises is
    /// [payable](super::Event::Payable) without further ado.
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

    /// Takes over what was saved, in any order, each with a name by which you know it: its key in the store, for example.
    /// What whoever owns the money has to decide is [told](Self::next_event) again. Then [poll](Self::poll).
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

    /// Takes over a backup: states of which it is not known whether they were the last (EXC-13). See
    /// [`Payer::restore`](crate::exchange::Payer::restore): what was not begun has ended, subscriptions have
    /// [stopped](super::Event::Stopped) until their owner says to [try again](Self::try_again), and what was being paid
    /// still is. All of it is among what to [save](Self::next_save).
    ///
    /// What is here already is the later state, and stays.
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

    /// Takes out a conversation that is over. Its state stays in the store: say there that it is archived, so that it is
    /// not loaded next time.
    ///
    /// # Errors
    ///
    /// `Unknown`; `Open` if it is not over, and `Unsaved` if that is not saved.
    pub fn archive(&mut self, id: impl Into<ConversationId>) -> Result<Archived, ManagerError> {
        let id = id.into();
        let (fields, keys) = self.take(id)?;
        let state = Conversation::seal(&self.parties, id.kind(), fields);
        Ok(Archived { id, state, payment_hashes: keys })
    }

    /// Removes a conversation that is over, and its state from the store.
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
