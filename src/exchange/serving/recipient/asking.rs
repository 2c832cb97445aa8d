//! What an async recipient sends, and when.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::place::{Phase, Place};
use super::{AsyncRecipient, next_round};
use crate::exchange::action::Action;
use crate::exchange::between::ServingMessage;
use crate::exchange::ids::{PathId, filled};
use crate::exchange::message::{Destination, OffersMessage, OutgoingMessage};
use crate::exchange::secret::Token;
use crate::onion::OfferPathsRequest;
use crate::units::UnixTime;

/// How often the first static invoice of an offer is handed in before other paths are asked for: about eight hours. The
/// server may have lost the first ones, and nobody knows the offer yet.
const MAX_FIRST_TRIES: u32 = 12;

/// What answers a request for paths.
pub(super) const PATHS: u8 = 0;
/// What says that a static invoice is stored.
pub(super) const STORED: u8 = 1;

impl AsyncRecipient {
    /// What to do now. Never blocks, and may be called at any time. After [`Action::Send`] call it again; once it says when
    /// to come back, look at the [states](Self::states), which may need something.
    ///
    /// It asks for paths where none have come, hands in static invoices that are not confirmed, and opens a slot for an offer
    /// that takes over from another after three quarters of its time.
    pub fn poll(&mut self, now: UnixTime) -> Action {
        self.ask_again(now);
        self.open_followers(now);
        let slots: Vec<u16> = self.places.keys().copied().collect();
        for slot in slots {
            if let Some(message) = self.next_message(slot, now) {
                return Action::Send(Box::new(message));
            }
        }
        let wakes = self.places.values().filter_map(|place| self.wake_at(place, now));
        wakes.min().map_or(Action::Nothing, Action::WaitUntil)
    }

    /// The transport says that what was sent with this reply path cannot get there: the next path to the server is taken at
    /// once (EXC-5).
    pub fn unreachable(&mut self, reply_path_id: &PathId, now: UnixTime) {
        let Some((slot, _, token)) = self.token(reply_path_id) else { return };
        let ways = self.server.len();
        let place = self.places.get_mut(&slot).filter(|place| matches!(place.phase, Phase::Asking));
        if let Some(place) = place.filter(|_| token.generation == PATHS) {
            place.schedule.unreachable(token.position.into(), ways, |_| true, now);
        }
    }

    /// Paths that have expired, while nobody made an offer, are asked for again.
    fn ask_again(&mut self, now: UnixTime) {
        for place in self.places.values_mut() {
            match &place.phase {
                Phase::Offered(offered) if offered.paths.paths_absolute_expiry().is_some_and(|at| now > at) => {
                    place.ask(next_round(&mut self.round), now);
                }
                _ => {}
            }
        }
    }

    /// Whether an offer has lived so long that another is to take over, and none does.
    fn wants_follower(&self, slot: u16, now: UnixTime) -> bool {
        let is_old = |at: UnixTime| now >= at;
        let made = self.made(slot).ok().filter(|made| made.served.is_some());
        made.and_then(|made| made.follow_at()).is_some_and(is_old)
            && !self.places.values().any(|place| place.follows == Some(slot))
    }

    fn open_followers(&mut self, now: UnixTime) {
        let old: Vec<u16> = self.places.keys().copied().filter(|slot| self.wants_follower(*slot, now)).collect();
        for slot in old {
            // If there is no room now, there is when an offer has expired.
            let _ = self.open_after(Some(slot), now);
        }
    }

    fn next_message(&mut self, slot: u16, now: UnixTime) -> Option<OutgoingMessage> {
        let place = self.places.get_mut(&slot)?;
        if let Phase::Made(made) = &place.phase {
            let pending = made.pending.as_ref().filter(|_| !made.is_expired(now))?;
            if made.served.is_some() || place.schedule.attempts() < MAX_FIRST_TRIES {
                let (message, destination) = (pending.message.clone(), made.serve_path.clone());
                place.schedule.next(1, |_| true, now)?;
                return Some(OutgoingMessage {
                    reply_path_id: Some(self.stored_path_id(slot, &message)),
                    message: OffersMessage::Serving(message),
                    destination: Destination::Path(destination),
                });
            }
            if now < place.schedule.next_at() {
                return None;
            }
            place.ask(next_round(&mut self.round), now);
        }
        let Phase::Asking = place.phase else { return None };
        let way = place.schedule.next(self.server.len(), |_| true, now)?;
        let round = place.round.to_be_bytes();
        let token = self.new_token(slot, round, PATHS, u8::try_from(way).ok()?);
        Some(OutgoingMessage {
            message: OffersMessage::Serving(ServingMessage::from(OfferPathsRequest { invoice_slot: slot })),
            destination: Destination::Path(self.server.get(way)?.clone()),
            reply_path_id: Some(token.path_id(&self.payee.keys.recipient_paths)),
        })
    }

    /// When something is due; not what is due already, and waits for the application.
    fn wake_at(&self, place: &Place, now: UnixTime) -> Option<UnixTime> {
        let next_try = Some(place.schedule.next_at().max(now.next_second()));
        let made = match &place.phase {
            Phase::Asking => return next_try,
            Phase::Offered(offered) => return offered.paths.paths_absolute_expiry().map(UnixTime::next_second),
            Phase::Made(made) if made.is_expired(now) => return None,
            Phase::Made(made) => made,
        };
        let times = [
            next_try.filter(|_| made.pending.is_some()),
            Some(made.renew_at(&self.terms)),
            made.follow_at(),
            made.offer.absolute_expiry().map(UnixTime::next_second),
        ];
        times.into_iter().flatten().filter(|at| *at > now).min()
    }

    /// What the path id of a reply says: the slot, what it is about, and the rest.
    pub(super) fn token(&self, path_id: &PathId) -> Option<(u16, [u8; 4], Token)> {
        let token = Token::read(&self.payee.keys.recipient_paths, path_id)?;
        let (id, rest) = token.id.split_first_chunk::<8>()?;
        let (slot, about) = rest.split_first_chunk::<2>()?;
        (*id == self.id).then_some((u16::from_be_bytes(*slot), about.try_into().ok()?, token))
    }

    fn stored_path_id(&self, slot: u16, message: &ServingMessage) -> PathId {
        self.new_token(slot, self.about(message), STORED, 0).path_id(&self.payee.keys.recipient_paths)
    }

    /// What tells a static invoice that is handed in from every other: also from those of a state that was lost.
    pub(super) fn about(&self, message: &ServingMessage) -> [u8; 4] {
        self.payee.keys.recipients.short(&[b"s", message.as_bytes()])
    }

    fn new_token(&self, slot: u16, about: [u8; 4], generation: u8, position: u8) -> Token {
        let id = filled(self.id.into_iter().chain(slot.to_be_bytes()).chain(about));
        Token { id, generation, position }
    }
}
