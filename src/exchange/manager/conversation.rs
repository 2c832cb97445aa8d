//! A conversation that is awake, or asleep: as bytes, which take a fraction of the room.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::error::Error;
use crate::exchange::ids::ConversationKind;
use crate::exchange::manager::held::Held;
use crate::exchange::payee::keys::Payee;
use crate::exchange::payer::keys::Payer;
use crate::exchange::saved::{Kind, invalid, seal};

/// Whose conversations they are.
#[derive(Clone, Debug)]
pub(crate) struct Parties {
    pub(crate) payer: Payer,
    pub(crate) payee: Payee,
}

/// A payment, a claim or a subscription.
#[derive(Debug)]
pub(crate) enum Conversation {
    Awake(Box<dyn Held>),
    /// One that has nothing to do for long, or has ended: its fields as they are saved.
    Asleep(Box<[u8]>),
}

impl Conversation {
    pub(crate) fn new(held: impl Held + 'static) -> Self {
        Self::Awake(Box::new(held))
    }

    /// What was kept in memory.
    pub(crate) fn reload(parties: &Parties, kind: ConversationKind, fields: &[u8]) -> Result<Box<dyn Held>, Error> {
        let Parties { payer, payee } = parties;
        Ok(match kind {
            ConversationKind::Payment => Box::new(payer.reload(fields)?),
            ConversationKind::Claim => Box::new(payee.reload_claim(fields)?),
            #[cfg(feature = "recurrence")]
            ConversationKind::Subscription => Box::new(payer.reload_subscription(fields)?),
            #[cfg(not(feature = "recurrence"))]
            ConversationKind::Subscription => return Err(invalid()),
        })
    }

    /// Completes the state for the store.
    pub(crate) fn seal(parties: &Parties, kind: ConversationKind, fields: Vec<u8>) -> Vec<u8> {
        let key = match kind {
            ConversationKind::Payment | ConversationKind::Subscription => parties.payer.states(),
            ConversationKind::Claim => parties.payee.states(),
        };
        seal(fields, key)
    }

    /// The state, without the MAC.
    pub(crate) fn fields(&self) -> Vec<u8> {
        match self {
            Self::Awake(held) => held.fields(),
            Self::Asleep(fields) => fields.to_vec(),
        }
    }

    pub(crate) fn sleep(&mut self) {
        if let Self::Awake(held) = self {
            *self = Self::Asleep(held.fields().into_boxed_slice());
        }
    }

    pub(crate) fn wake(&mut self, parties: &Parties, kind: ConversationKind) -> Result<&mut dyn Held, Error> {
        loop {
            match self {
                Self::Awake(held) => return Ok(held.as_mut()),
                Self::Asleep(fields) => *self = Self::Awake(Self::reload(parties, kind, fields)?),
            }
        }
    }

    /// Looks at it, awake or not.
    pub(crate) fn look<R>(
        &self,
        parties: &Parties,
        kind: ConversationKind,
        look: impl FnOnce(&dyn Held) -> R,
    ) -> Result<R, Error> {
        match self {
            Self::Awake(held) => Ok(look(held.as_ref())),
            Self::Asleep(fields) => Self::reload(parties, kind, fields).map(|held| look(held.as_ref())),
        }
    }
}

/// What was saved, whoever it belongs to.
pub(crate) fn load(parties: &Parties, state: &[u8]) -> Result<Box<dyn Held>, Error> {
    Ok(match Kind::of(state) {
        Some(Kind::Payment) => Box::new(parties.payer.load(state)?),
        Some(Kind::Claim) => Box::new(parties.payee.load_claim(state)?),
        #[cfg(feature = "recurrence")]
        Some(Kind::Subscription) => Box::new(parties.payer.load_subscription(state)?),
        _ => return Err(invalid()),
    })
}

/// A backup, whoever it belongs to (EXC-13).
pub(crate) fn restore(parties: &Parties, state: &[u8]) -> Result<Box<dyn Held>, Error> {
    Ok(match Kind::of(state) {
        Some(Kind::Payment) => Box::new(parties.payer.restore(state)?),
        #[cfg(feature = "recurrence")]
        Some(Kind::Subscription) => Box::new(parties.payer.restore_subscription(state)?),
        // Sending an invoice again does no harm.
        _ => return load(parties, state),
    })
}

impl From<Box<dyn Held>> for Conversation {
    fn from(held: Box<dyn Held>) -> Self {
        Self::Awake(held)
    }
}
