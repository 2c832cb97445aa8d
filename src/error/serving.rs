//! What can be wrong with serving a static invoice, or having one served.

use core::fmt;

use crate::units::UnixTime;

/// What is wrong with serving a static invoice, or with having one served (STA-8, STA-9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServingFault {
    /// A slot that the server does not keep.
    NoSuchSlot {
        /// How many it keeps for each client, counted from slot 0.
        slots: u16,
    },
    /// Every slot of the recipient is in use.
    NoFreeSlot {
        /// How many there are.
        slots: u16,
    },
    /// A step that does not fit what the slot waits for.
    NotNow,
    /// Paths for an offer that expire too soon.
    PathsExpire {
        /// The last second at which they lead anywhere.
        at: UnixTime,
    },
    /// A static invoice that follows too soon after the one before it.
    ReplacedTooSoon {
        /// The seconds until one is taken.
        seconds: u64,
    },
    /// A static invoice that is older than the one in its slot.
    LaterStored,
    /// A request for an offer whose static invoice is not in the slot.
    NotServed,
}

impl ServingFault {
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::NoSuchSlot { .. } => "no_such_slot",
            Self::NoFreeSlot { .. } => "no_free_slot",
            Self::NotNow => "not_now",
            Self::PathsExpire { .. } => "paths_expire",
            Self::ReplacedTooSoon { .. } => "replaced_too_soon",
            Self::LaterStored => "later_stored",
            Self::NotServed => "not_served",
        }
    }

    pub(super) fn sentence(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchSlot { slots } => {
                write!(f, "this server keeps {slots} static invoices for each client: use a slot below {slots}")
            }
            Self::NoFreeSlot { slots } => {
                write!(f, "all {slots} slots are in use: close one, or wait until its offer has expired")
            }
            Self::NotNow => {
                f.write_str("this slot does not wait for that: look at its state, which says what it needs")
            }
            Self::PathsExpire { .. } => {
                f.write_str("the paths for the offer expire too soon: the server has to give some that last longer")
            }
            Self::ReplacedTooSoon { seconds } => {
                write!(
                    f,
                    "the static invoice in this slot was replaced moments ago: send this one again in {seconds} seconds"
                )
            }
            Self::LaterStored => {
                f.write_str("a later static invoice is in this slot, so this one is not stored: send a new one")
            }
            Self::NotServed => f.write_str("nobody answers for this offer any more: ask the payee for a new one"),
        }
    }
}
