//! Who sleeps: an async recipient, for whom a static invoice server answers (STA-9).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

use self::place::{Phase, Place};
use self::state::RecipientState;
use self::terms::RecipientTerms;
use crate::error::{Error, ErrorKind, Field, Rule, ServingFault};
use crate::exchange::payee::keys::Payee;
use crate::field::BlindedPath;
use crate::units::UnixTime;

pub(crate) mod answers;
mod asking;
mod held;
mod making;
mod place;
mod saved;
pub(crate) mod state;
pub(crate) mod terms;

/// An async recipient: a payee that is often offline, and has a static invoice server answer for it.
///
/// It keeps one offer in each slot that it uses: asks the server for paths, makes the offer and a static invoice for it,
/// has that served, and renews both before they expire. Whoever makes the paths is asked for what only a node can make: see
/// [`RecipientState`].
///
/// It is one value that is changed in place. [Save](Self::to_bytes) it after every step, and before you act on it: before
/// you send a message that it gave out, or show an offer.
#[derive(Clone)]
#[must_use]
pub struct AsyncRecipient {
    payee: Payee,
    id: [u8; 8],
    /// The paths to the server, that it gave us in private.
    server: Vec<BlindedPath<'static>>,
    terms: RecipientTerms,
    places: BTreeMap<u16, Place>,
    /// The last round of asking for paths, of all slots.
    round: u32,
}

/// More paths to a server are not asked over.
const MAX_SERVER_PATHS: usize = 8;

impl Payee {
    /// An async recipient for which the server at the end of these paths answers, at most eight of them. The server gave
    /// them to it in private: anyone who has them can take its slots. The entropy must be new.
    ///
    /// Its offers are this payee's, which [receives](Self::receive) the requests that the server forwards.
    ///
    /// # Errors
    ///
    /// `NoEntries` without a path.
    pub fn async_recipient(
        &self,
        server: impl IntoIterator<Item = BlindedPath<'static>>,
        entropy: [u8; 32],
        terms: RecipientTerms,
    ) -> Result<AsyncRecipient, Error> {
        let server: Vec<_> = server.into_iter().take(MAX_SERVER_PATHS).collect();
        if server.is_empty() {
            return Err(Error::of(Field::SERVED_OFFER_PATHS, ErrorKind::NoEntries, Rule::Sta9));
        }
        let id = self.keys.recipients.short(&[b"i", &entropy]);
        Ok(AsyncRecipient { payee: self.clone(), id, server, terms, places: BTreeMap::new(), round: 0 })
    }
}

impl AsyncRecipient {
    /// Wants one more offer, in a slot that is free or whose offer has expired: [poll](Self::poll) then asks the server for
    /// paths. Returns the slot.
    ///
    /// # Errors
    ///
    /// `NoFreeSlot`.
    pub fn open(&mut self, now: UnixTime) -> Result<u16, Error> {
        self.open_after(None, now)
    }

    /// The same for an offer that takes over from another.
    fn open_after(&mut self, follows: Option<u16>, now: UnixTime) -> Result<u16, Error> {
        let slots = self.terms.slots;
        let free = (0..slots).find(|slot| !self.places.contains_key(slot));
        // What expired first: else one that nothing takes over from any more would seem to want that again.
        let made = (0..slots).filter_map(|slot| self.made(slot).ok().map(|made| (made, slot)));
        let expired =
            made.filter(|(made, _)| made.is_expired(now)).min_by_key(|(made, _)| made.offer.absolute_expiry());
        let no_slot = ErrorKind::Serving(ServingFault::NoFreeSlot { slots });
        let slot = free.or(expired.map(|(_, slot)| slot));
        let slot = slot.ok_or(Error::of(Field::SERVED_SLOT, no_slot, Rule::Sta9))?;
        self.close(slot);
        let follows = follows.filter(|follows| *follows != slot);
        let round = next_round(&mut self.round);
        let seed = u64::from_be_bytes(self.payee.keys.recipients.short(&[b"d", &self.id, &round.to_be_bytes()]));
        self.places.insert(slot, Place::new(follows, round, self.terms.retry, seed, now));
        Ok(slot)
    }

    /// Gives up a slot, and its offer if there is one: it is renewed no more. The server answers for it until the static
    /// invoice expires, or another one takes the slot. An offer that was to take over from another is begun anew, unless
    /// that one is closed too. Returns whether the slot was in use.
    pub fn close(&mut self, slot: u16) -> bool {
        for place in self.places.values_mut() {
            place.follows = place.follows.filter(|follows| *follows != slot);
        }
        self.places.remove(&slot).is_some()
    }

    /// What a slot waits for now; nothing for one that is free.
    pub fn state(&self, slot: u16, now: UnixTime) -> Option<RecipientState<'_>> {
        self.places.get(&slot).map(|place| place.state(&self.terms, now))
    }

    /// The slots in use, with what each waits for now.
    pub fn states(&self, now: UnixTime) -> impl Iterator<Item = (u16, RecipientState<'_>)> + '_ {
        self.places.iter().map(move |(slot, place)| (*slot, place.state(&self.terms, now)))
    }

    /// Takes other paths to the same server, for example because it gave out new ones.
    ///
    /// # Errors
    ///
    /// `NoEntries` without a path: then those before stay.
    pub fn set_server(&mut self, server: impl IntoIterator<Item = BlindedPath<'static>>) -> Result<(), Error> {
        let server: Vec<_> = server.into_iter().take(MAX_SERVER_PATHS).collect();
        if server.is_empty() {
            return Err(Error::of(Field::SERVED_OFFER_PATHS, ErrorKind::NoEntries, Rule::Sta9));
        }
        self.server = server;
        Ok(())
    }

    fn place(&self, slot: u16) -> Result<&Place, Error> {
        self.places.get(&slot).ok_or_else(not_now)
    }

    fn place_mut(&mut self, slot: u16) -> Result<&mut Place, Error> {
        self.places.get_mut(&slot).ok_or_else(not_now)
    }

    /// The offer in a slot, and what belongs to it.
    fn made(&self, slot: u16) -> Result<&place::Made, Error> {
        match &self.place(slot)?.phase {
            Phase::Made(made) => Ok(made),
            Phase::Asking | Phase::Offered(_) => Err(not_now()),
        }
    }
}

/// A number that no request for paths had before.
fn next_round(round: &mut u32) -> u32 {
    *round = round.wrapping_add(1);
    *round
}

/// A step that the slot does not wait for.
fn not_now() -> Error {
    Error::of(Field::SERVED_SLOT, ErrorKind::Serving(ServingFault::NotNow), Rule::Sta9)
}

/// Shows no path, which is a secret shared with the server.
impl fmt::Debug for AsyncRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncRecipient")
            .field("terms", &self.terms)
            .field("places", &self.places)
            .finish_non_exhaustive()
    }
}
