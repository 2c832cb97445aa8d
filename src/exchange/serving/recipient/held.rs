//! Payments that are held for a payee that slept, and has them released (STA-9).

use alloc::boxed::Box;

use crate::error::{Error, ErrorKind, MessageKind, Rule};
use crate::exchange::ids::{PathId, filled};
use crate::exchange::message::{IncomingMessage, MessageArrival, OffersMessage, OffersMessageKind, OutgoingMessage};
use crate::exchange::nothing::check_nothing;
use crate::exchange::payee::keys::Payee;
use crate::exchange::refused::Refused;
use crate::exchange::secret::{Nonce, Seal};
use crate::units::UnixTime;

/// For how many seconds a payment may be held that was begun when its static invoice expired.
const HELD_FOR: u64 = 7 * 86_400;

impl Payee {
    /// A path id for a message path of a static invoice. Both ends of time fit into it.
    pub(super) fn held_path_id(&self, nonce: &Nonce, position: u8, until: UnixTime) -> PathId {
        // Each offer and each static invoice has its own.
        let offer: [u8; 7] = self.keys.recipients.short(&[b"h", nonce]);
        let bytes = filled(offer.into_iter().chain([position]).chain(until.0.to_be_bytes()));
        PathId(Seal { nonce: bytes, tag: self.keys.held_paths.short(&[&bytes]) }.to_bytes())
    }

    /// A payer says that a payment is held (`held_htlc_available`): the answer that asks for it. Costs a MAC, and needs no
    /// state: an [`AsyncRecipient`](crate::exchange::AsyncRecipient) need not be loaded.
    ///
    /// Send it once the node is ready for payments. Whoever gets it learns that the payee is awake: anyone can who asks for
    /// the static invoice.
    ///
    /// # Errors
    ///
    /// A refusal, and nothing to send. `WrongArrival` (STA-9) for what came over no message path of a static invoice of
    /// this payee, which [is cheap](Refused::is_cheap); `Expired` a week after that static invoice did; `NoReplyPath`;
    /// `UnknownEvenField`.
    pub fn release_held(&self, message: IncomingMessage, now: UnixTime) -> Result<OutgoingMessage, Box<Refused>> {
        let IncomingMessage { kind, bytes, arrival, reply_path } = message;
        if kind != OffersMessageKind::HeldHtlcAvailable {
            return Err(Refused::wrong_kind(MessageKind::StaticInvoice, kind));
        }
        let wrong_arrival = || Refused::silent(Error::new(ErrorKind::WrongArrival, Rule::Sta9));
        let MessageArrival::Path(path_id) = arrival else { return Err(wrong_arrival()) };
        let until = self.held_until(&path_id).ok_or_else(wrong_arrival)?;
        let at = UnixTime(until.0.saturating_add(HELD_FOR));
        let refused = |error| Refused::answered(error, None);
        if now > at {
            return Err(refused(Error::new(ErrorKind::Expired { at }, Rule::Sta9)));
        }
        let no_way = || refused(Error::new(ErrorKind::NoReplyPath, Rule::Msg3));
        let reply_path = reply_path.ok_or_else(no_way)?;
        check_nothing(&bytes).map_err(refused)?;
        Ok(OutgoingMessage::answer(OffersMessage::ReleaseHeldHtlc, reply_path))
    }

    fn held_until(&self, path_id: &PathId) -> Option<UnixTime> {
        let seal = Seal::read(&path_id.0)?;
        let is_ours = self.keys.held_paths.verifies(&[&seal.nonce], &seal.tag);
        let until = seal.nonce.last_chunk().filter(|_| is_ours)?;
        Some(UnixTime(u64::from_be_bytes(*until)))
    }
}
