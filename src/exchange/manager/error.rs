//! Why a manager refused a call.

use core::fmt;

use bitcoin::hashes::sha256;

use crate::error::Error;
use crate::exchange::ids::ConversationId;

/// Why a manager refused a call. Nothing has begun or ended because of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ManagerError {
    /// The conversation is unknown, or was archived or removed.
    Unknown(ConversationId),
    /// The conversation already exists: a second one could be paid again.
    Exists(ConversationId),
    /// The conversation was never saved, or it was removed and is not deleted yet.
    Unsaved(ConversationId),
    /// The conversation has not ended.
    Open(ConversationId),
    /// The limit on conversations of this kind is reached.
    TooMany {
        /// The [limit](super::ManagerLimits).
        limit: usize,
    },
    /// Another payment with this payment hash has begun, and one preimage would have to prove both.
    HashInUse {
        /// The hash.
        payment_hash: sha256::Hash,
        /// The other one.
        by: ConversationId,
    },
    /// No payment in progress has this payment hash.
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
                write!(f, "the limit of {limit} conversations of this kind is reached: archive or remove ended ones")
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
