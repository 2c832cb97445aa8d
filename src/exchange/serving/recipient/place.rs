//! One slot of an async recipient: the offer in it, and how far that has got.

use alloc::boxed::Box;

use super::state::{RecipientState, ServedOffer};
use super::terms::RecipientTerms;
use crate::exchange::between::ServingMessage;
use crate::exchange::schedule::{Retry, Schedule};
use crate::field::BlindedPath;
use crate::offer::Offer;
use crate::onion::OfferPaths;
use crate::units::UnixTime;

#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The slot of the offer that this one takes over from.
    pub(super) follows: Option<u16>,
    /// Since when it asks for paths: what comes for an earlier round is too late.
    pub(super) round: u32,
    pub(super) schedule: Schedule,
    pub(super) phase: Phase,
}

#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// Asks for paths.
    Asking,
    /// Has paths, and no offer yet.
    Offered(Box<Offered>),
    /// Has an offer.
    Made(Box<Made>),
}

/// Paths that the server gave.
#[derive(Clone, Debug)]
pub(super) struct Offered {
    pub(super) paths: OfferPaths,
    /// Over which static invoices are handed in.
    pub(super) serve_path: BlindedPath<'static>,
}

/// An offer, and its static invoices.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) offer: Offer,
    pub(super) made_at: UnixTime,
    pub(super) serve_path: BlindedPath<'static>,
    /// The static invoice that the server has stored.
    pub(super) served: Option<Times>,
    /// The one that it has not, as far as we know.
    pub(super) pending: Option<Pending>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) created_at: UnixTime,
    pub(super) expires_at: UnixTime,
}

#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) message: ServingMessage,
    pub(super) times: Times,
}

impl Times {
    /// When another static invoice is wanted.
    fn renew_at(&self, terms: &RecipientTerms) -> UnixTime {
        let half = self.expires_at.0.saturating_sub(self.created_at.0) / 2;
        // Whoever makes them as fast as they are wanted is not kept busy.
        UnixTime(self.created_at.0.saturating_add(half.min(terms.renew_invoice.as_secs()).max(1)))
    }
}

impl Made {
    /// The last static invoice that was made, if any.
    pub(super) fn latest(&self) -> Option<Times> {
        self.pending.as_ref().map(|pending| pending.times).or(self.served)
    }

    /// When another static invoice is wanted; at once, if there is none.
    pub(super) fn renew_at(&self, terms: &RecipientTerms) -> UnixTime {
        self.latest().map_or(UnixTime(0), |times| times.renew_at(terms))
    }

    pub(super) fn is_expired(&self, now: UnixTime) -> bool {
        self.offer.check_expiry(now).is_err()
    }

    /// When another offer is wanted that takes over: after three quarters of this one's time.
    pub(super) fn follow_at(&self) -> Option<UnixTime> {
        let expiry = self.offer.absolute_expiry()?;
        let lifetime = expiry.0.saturating_sub(self.made_at.0);
        Some(UnixTime(expiry.0.saturating_sub(lifetime / 4)))
    }
}

impl Place {
    pub(super) fn new(follows: Option<u16>, round: u32, retry: Retry, seed: u64, now: UnixTime) -> Self {
        Self { follows, round, schedule: Schedule::new(retry, now).seeded(seed), phase: Phase::Asking }
    }

    /// Asks for paths, from the beginning.
    pub(super) fn ask(&mut self, round: u32, now: UnixTime) {
        self.round = round;
        self.phase = Phase::Asking;
        self.schedule.restart(0, now);
    }

    pub(super) fn state(&self, terms: &RecipientTerms, now: UnixTime) -> RecipientState<'_> {
        let made = match &self.phase {
            Phase::Asking => return RecipientState::Asking,
            Phase::Offered(offered) => {
                let until = offered.paths.paths_absolute_expiry();
                return RecipientState::NeedsOffer { until, follows: self.follows };
            }
            Phase::Made(made) => made,
        };
        let until = made.served.map(|times| times.expires_at);
        let offer = ServedOffer { offer: &made.offer, until, follows: self.follows };
        match &made.pending {
            _ if made.is_expired(now) => RecipientState::Expired(offer),
            _ if now >= made.renew_at(terms) => RecipientState::NeedsInvoice(offer),
            Some(_) => RecipientState::HandingIn(offer),
            None => RecipientState::Served(offer),
        }
    }
}
