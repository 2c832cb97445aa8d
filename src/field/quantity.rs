//! How many items an offer sells at once.

use core::num::NonZeroU64;

/// What `offer_quantity_max` says (OFW-5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// One item; a request names no quantity. The field is absent.
    #[default]
    One,
    /// Any number from one on. The field is 0.
    Unlimited,
    /// From one to this many. A request names a quantity even if the most is one.
    AtMost(NonZeroU64),
}

impl Quantity {
    pub(crate) fn from_field(max: Option<u64>) -> Self {
        match max.map(NonZeroU64::new) {
            None => Self::One,
            Some(None) => Self::Unlimited,
            Some(Some(max)) => Self::AtMost(max),
        }
    }

    pub(crate) fn to_field(self) -> Option<u64> {
        match self {
            Self::One => None,
            Self::Unlimited => Some(0),
            Self::AtMost(max) => Some(max.get()),
        }
    }
}
