//! What comes to an async recipient: paths, news of what is stored, and of payments that are held.

use alloc::boxed::Box;

use super::AsyncRecipient;
use super::asking::{PATHS, STORED};
use super::place::{Offered, Phase};
use crate::error::{Error, ErrorKind, Field, Rule, ServingFault};
use crate::exchange::between::ServingKind;
use crate::exchange::message::{IncomingMessage, MessageArrival, OffersMessageKind, OutgoingMessage};
use crate::exchange::nothing::check_nothing;
use crate::exchange::refused::Refused;
use crate::onion::OfferPaths;
use crate::units::UnixTime;

/// The longest message with paths, in bytes. An offer has room for no more, beside what it says.
const MAX_PATHS_LEN: usize = 3_072;

/// The longest path for static invoices to be handed in over, in bytes: it is kept.
const MAX_SERVE_PATH_LEN: usize = 4_096;

/// What a message to an [`AsyncRecipient`] leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum RecipientProgress {
    /// The server gave paths for this slot, which [needs an offer](super::state::RecipientState::NeedsOffer) now.
    Paths(u16),
    /// The server has stored the static invoice of this slot. Save this, and then show the offer.
    Stored(u16),
    /// A payment is held: send this, to get it now. Nothing has changed.
    ///
    /// Send it once the node is ready for payments. Whoever gets it learns that the payee is awake.
    Held(Box<OutgoingMessage>),
}

impl AsyncRecipient {
    /// A message from the server, or from a payer whose payment is held.
    ///
    /// Paths are taken over the reply path of a request of ours for them, once, and only if they last
    /// [long enough](super::terms::RecipientTerms::min_paths_lifetime) (STA-9). That a static invoice is stored is believed
    /// over the reply path that it was handed in with. What a payer sends is answered over the message paths of a static
    /// invoice: as [`Payee::release_held`](crate::exchange::Payee::release_held) does, without this value.
    ///
    /// # Errors
    ///
    /// A refusal, after which everything is as before, and nothing is to be sent. `WrongArrival` (STA-9) for what came in
    /// another way, which [is cheap](Refused::is_cheap); `AlreadyAnswered` for what comes late or again; `NoReplyPath`;
    /// `PathsExpire` (STA-9); `TooLong`, and the errors of [`OfferPaths::read`].
    pub fn receive(&mut self, message: IncomingMessage, now: UnixTime) -> Result<RecipientProgress, Box<Refused>> {
        let kind = match message.kind {
            OffersMessageKind::HeldHtlcAvailable => {
                return self.payee.release_held(message, now).map(|answer| RecipientProgress::Held(Box::new(answer)));
            }
            OffersMessageKind::Serving(kind @ (ServingKind::OfferPaths | ServingKind::StaticInvoicePersisted)) => kind,
            kind => return Err(Refused::silent(Error::of(kind.field(), ErrorKind::Unexpected, Rule::Sta9))),
        };
        let token = match &message.arrival {
            MessageArrival::Path(path_id) => self.token(path_id),
            _ => None,
        };
        let expected = if kind == ServingKind::OfferPaths { PATHS } else { STORED };
        let token = token.filter(|(_, _, token)| token.generation == expected);
        let Some((slot, about, _)) = token else {
            return Err(Refused::silent(Error::new(ErrorKind::WrongArrival, Rule::Sta9)));
        };
        match kind {
            ServingKind::OfferPaths => self.take_paths(slot, u32::from_be_bytes(about), message, now),
            _ => self.take_news(slot, about, &message),
        }
    }

    fn take_paths(
        &mut self,
        slot: u16,
        round: u32,
        message: IncomingMessage,
        now: UnixTime,
    ) -> Result<RecipientProgress, Box<Refused>> {
        let min = self.terms.min_paths_lifetime;
        let place = self.places.get_mut(&slot).filter(|place| place.round == round);
        let Some(place) = place.filter(|place| matches!(place.phase, Phase::Asking)) else {
            return Err(Refused::late());
        };
        let refused = |error| Refused::answered(error, None);
        let (field, len) = (Field::SERVED_OFFER_PATHS, message.bytes.len());
        if len > MAX_PATHS_LEN {
            return Err(refused(Error::of(field, ErrorKind::TooLong { len, max: MAX_PATHS_LEN }, Rule::Sta9)));
        }
        let paths = OfferPaths::read(&message.bytes).map_err(refused)?;
        if let Some(at) = paths.paths_absolute_expiry().filter(|at| *at < now.saturating_add(min)) {
            let kind = ErrorKind::Serving(ServingFault::PathsExpire { at });
            return Err(refused(Error::of(Field::SERVED_PATHS_EXPIRY, kind, Rule::Sta9)));
        }
        let no_way = Error::new(ErrorKind::NoReplyPath, Rule::Msg3);
        let serve_path = message.reply_path.ok_or_else(|| refused(no_way))?;
        let len = serve_path.as_bytes().len();
        if len > MAX_SERVE_PATH_LEN {
            let kind = ErrorKind::TooLong { len, max: MAX_SERVE_PATH_LEN };
            return Err(refused(Error::of(Field::REPLY_PATH, kind, Rule::Sta9)));
        }
        place.phase = Phase::Offered(Box::new(Offered { paths, serve_path }));
        Ok(RecipientProgress::Paths(slot))
    }

    fn take_news(
        &mut self,
        slot: u16,
        about: [u8; 4],
        message: &IncomingMessage,
    ) -> Result<RecipientProgress, Box<Refused>> {
        check_nothing(&message.bytes).map_err(|error| Refused::answered(error, None))?;
        let pending = self.made(slot).ok().and_then(|made| made.pending.as_ref());
        let times = pending.filter(|pending| self.about(&pending.message) == about).map(|pending| pending.times);
        match (times, self.places.get_mut(&slot).map(|place| &mut place.phase)) {
            (Some(times), Some(Phase::Made(made))) => {
                made.served = Some(times);
                made.pending = None;
                Ok(RecipientProgress::Stored(slot))
            }
            _ => Err(Refused::late()),
        }
    }
}
