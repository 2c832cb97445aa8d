//! The offer in a slot, and its static invoices.

use alloc::boxed::Box;

use super::AsyncRecipient;
use super::not_now;
use super::place::{Made, Pending, Phase, Times};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::between::ServingMessage;
use crate::exchange::ids::PathId;
use crate::exchange::payee::offer::NewOffer;
use crate::exchange::secret::Nonce;
use crate::field::BlindedPath;
use crate::offer::{Offer, OfferBuilder};
use crate::onion::ServeStaticInvoice;
use crate::signed::Unsigned;
use crate::static_invoice::{StaticInvoice, StaticInvoiceBuilder, check_servable};
use crate::units::UnixTime;

impl AsyncRecipient {
    /// Makes the offer of a slot that [needs one](super::state::RecipientState::NeedsOffer). `fill` gets a builder that has
    /// the offer's key, the server's paths and their expiry, and adds the description, the price and so on. The offer may
    /// expire earlier.
    ///
    /// # Errors
    ///
    /// `NotNow` (STA-9) for a slot that needs none. `Differs` for other paths, another key, or a later expiry than the
    /// builder had; `Unexpected` for several chains (STA-7), `IsRecurring` (REC-3), `TooLong` above
    /// [`MAX_OFFER_LEN`](crate::exchange::MAX_OFFER_LEN). Otherwise as for [`OfferBuilder::build`]. Nothing has changed then.
    pub fn make_offer(
        &mut self,
        slot: u16,
        now: UnixTime,
        fill: impl FnOnce(OfferBuilder) -> OfferBuilder,
    ) -> Result<&Offer, Error> {
        let Phase::Offered(offered) = &self.place(slot)?.phase else { return Err(not_now()) };
        let (paths, until) = (offered.paths.paths(), offered.paths.paths_absolute_expiry());
        // Other paths make another key: two offers of one key would be known to be of one payee.
        let nonce: Nonce =
            self.payee.keys.recipients.short(&[b"o", &self.id, &slot.to_be_bytes(), &offered.paths.to_bytes()]);
        let new: NewOffer = self.payee.new_offer(nonce);
        let builder = OfferBuilder::new(new.issuer_id());
        let builder = until.into_iter().fold(builder, OfferBuilder::absolute_expiry);
        let builder = paths.iter().map(BlindedPath::into_owned).fold(builder, OfferBuilder::add_path);
        let offer = new.build(fill(builder))?;
        let differs = |field| Err(Error::of(field, ErrorKind::Differs, Rule::Sta9));
        if !offer.paths().is_some_and(|given| given.iter().eq(paths.iter())) {
            return differs(Field::OFFER_PATHS);
        }
        if offer.issuer_id() != Some(new.issuer_id()) {
            return differs(Field::OFFER_ISSUER_ID);
        }
        if until.is_some_and(|until| offer.absolute_expiry().is_none_or(|expiry| expiry > until)) {
            return differs(Field::OFFER_ABSOLUTE_EXPIRY);
        }
        check_servable(&offer)?;
        let serve_path = offered.serve_path.clone();
        let made = Made { offer, made_at: now, serve_path, served: None, pending: None };
        self.place_mut(slot)?.phase = Phase::Made(Box::new(made));
        self.made(slot).map(|made| &made.offer)
    }

    /// Begins a static invoice for the offer of a slot. It needs at least one payment path to this node, and two
    /// [message paths](Self::held_path_id); then [hand it in](Self::serve).
    ///
    /// # Errors
    ///
    /// `NotNow` (STA-9) for a slot that has no offer.
    pub fn static_invoice(&self, slot: u16, now: UnixTime) -> Result<StaticInvoiceBuilder<'_>, Error> {
        self.made(slot).map(|made| StaticInvoiceBuilder::new(&made.offer, now))
    }

    /// The path id for the path over which the server forwards requests for the offer of a slot: its last hop holds it. The
    /// path starts at the server, or at one of its peers.
    ///
    /// # Errors
    ///
    /// `NotNow` (STA-9) for a slot that has no offer.
    pub fn forward_path_id(&self, slot: u16) -> Result<PathId, Error> {
        let nonce = self.nonce(slot)?;
        Ok(PathId(self.payee.keys.forward_paths.mac(&[&nonce])))
    }

    /// The path id for the message path of a static invoice at this position, over which payers say that a payment is held.
    /// `until` is the last second at which that static invoice can be paid: a week later, nobody over that path learns
    /// anything any more.
    ///
    /// # Errors
    ///
    /// `NotNow` (STA-9) for a slot that has no offer.
    pub fn held_path_id(&self, slot: u16, position: u8, until: UnixTime) -> Result<PathId, Error> {
        Ok(self.payee.held_path_id(&self.nonce(slot)?, position, until))
    }

    /// Hands in a static invoice for the offer of a slot, signed with the offer's key: [poll](Self::poll) sends it to the
    /// server until that says that it is stored. It takes the place of one that is not stored yet.
    ///
    /// # Errors
    ///
    /// `NotNow` (STA-9) for a slot that has no offer; `Differs` (STA-4) for a static invoice of another offer, `WrongKey`
    /// (STA-2), `TooLong` (D7).
    pub fn serve(
        &mut self,
        slot: u16,
        invoice: Unsigned<StaticInvoice>,
        forward_path: &BlindedPath<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let made = self.made(slot)?;
        if !crate::offer::same_records(invoice.tlvs(), made.offer.tlvs()) {
            return Err(Error::of(Field::OFFER_PATHS, ErrorKind::Differs, Rule::Sta4));
        }
        let invoice = invoice.sign(&self.payee.offer_keypair(&self.nonce(slot)?))?;
        let times = Times { created_at: invoice.created_at(), expires_at: invoice.expires_at() };
        let message = ServingMessage::from(ServeStaticInvoice::new(invoice.as_bytes(), forward_path)?);
        let place = self.place_mut(slot)?;
        place.schedule.restart(0, now);
        if let Phase::Made(made) = &mut place.phase {
            made.pending = Some(Pending { message, times });
        }
        Ok(())
    }

    /// What everything about the offer of a slot is derived from.
    fn nonce(&self, slot: u16) -> Result<Nonce, Error> {
        self.payee.seal(self.made(slot)?.offer.tlvs()).ok_or_else(not_now)
    }
}
