//! What a slot of an async recipient waits for.

use crate::offer::Offer;
use crate::units::UnixTime;

/// What one slot of an [`AsyncRecipient`](crate::exchange::AsyncRecipient) waits for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum RecipientState<'a> {
    /// For the server, which is asked for paths.
    Asking,
    /// For the application to [make an offer](crate::exchange::AsyncRecipient::make_offer) over the server's paths.
    NeedsOffer {
        /// The last second at which the server answers over them.
        until: Option<UnixTime>,
        /// The slot of the offer that it is to take over from: one that says the same.
        follows: Option<u16>,
    },
    /// For the application to [make a static invoice](crate::exchange::AsyncRecipient::static_invoice), the first one or
    /// another in its place, and to [hand it in](crate::exchange::AsyncRecipient::serve).
    NeedsInvoice(ServedOffer<'a>),
    /// For the server, which is handed a static invoice.
    HandingIn(ServedOffer<'a>),
    /// For nothing: the server answers.
    Served(ServedOffer<'a>),
    /// For nothing: the offer has expired. Its slot is taken when another is wanted and none is free; until then it goes on
    /// if it was the clock that was wrong.
    Expired(ServedOffer<'a>),
}

impl<'a> RecipientState<'a> {
    /// The offer, if it has been made.
    pub fn offer(&self) -> Option<ServedOffer<'a>> {
        match self {
            Self::Asking | Self::NeedsOffer { .. } => None,
            Self::NeedsInvoice(offer) | Self::HandingIn(offer) | Self::Served(offer) | Self::Expired(offer) => {
                Some(*offer)
            }
        }
    }
}

/// An offer that a static invoice server answers for, or is to answer for.
#[derive(Clone, Copy, Debug)]
pub struct ServedOffer<'a> {
    pub(super) offer: &'a Offer,
    pub(super) until: Option<UnixTime>,
    pub(super) follows: Option<u16>,
}

impl<'a> ServedOffer<'a> {
    /// The offer. Show it to nobody before it is [served](Self::until), and that is saved.
    pub fn offer(&self) -> &'a Offer {
        self.offer
    }

    /// The last second at which the static invoice that the server has stored can be paid; nothing if it has stored none
    /// yet. Renewing it moves this.
    pub fn until(&self) -> Option<UnixTime> {
        self.until
    }

    /// The slot of the offer that this one takes over from: from when this one is served, show it in place of that one.
    pub fn follows(&self) -> Option<u16> {
        self.follows
    }
}
