//! Why a manager does not do what it was asked for.

use core::fmt;

use bitcoin::hashes::sha256;

use crate::error::Error;
use crate::exchange::ids::ConversationId;

/// Why a manager did not do what it was asked for. Nothing was begun, and nothing ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ManagerError {
    /// It is not here: it never was, or it was archived or removed.
    Unknown(ConversationId),
    /// It is here already: a second one could be paid a second time.
    Exists(ConversationId),
    /// It was never saved, or it was removed and is not deleted yet: nothing is known about it for sure.
    Unsaved(ConversationId),
    /// It is not over yet.
    Open(ConversationId),
    /// There are as many of its kind as there may be.
    TooMany {
        /// The [limit](super::ManagerLimits).
        limit: usize,
    },
    /// Another payment with this payment hash was begun: one preimage would have to prove both.
    HashInUse {
        /// The hash.
        payment_hash: sha256::Hash,
        /// The other one.
        by: ConversationId,
    },
    /// Nothing that is being paid has this payment hash.
    UnknownHash(sha256::Hash),
    /// The conversation refused.
    Refused(Error),
}

impl fmt::Display for ManagerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(id) => write!(f, "{id} is unknown: load it if it was archived"),
            Self::UnknownHash(hash) => {
                write!(f, "no payment in progress has the hash {hash}: it may have been made already")
            }
            Self::Exists(id) => write!(f, "{id} already exists: go on with that one"),
            Self::Unsaved(id) => write!(f, "a change to {id} is not saved yet: save and confirm it first"),
            Self::Open(id) => write!(f, "{id} has not ended: wait, or end it first"),
            Self::TooMany { limit } => {
                write!(
                    f,
                    "the limit of {limit} conversations of this kind is reached: archive or remove those that have ended"
                )
            }
            Self::HashInUse { payment_hash, by } => {
                write!(f, "{by} is already being paid with the hash {payment_hash}: do not pay this one")
            }
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ManagerError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Refused(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Error> for ManagerError {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}
