//! What a payee has for contacts.

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::contacts::key::OfferKey;
use crate::exchange::payee::accepted::Accepted;
use crate::exchange::payee::keys::Payee;
use crate::offer::Offer;

impl Payee {
    /// The key of one of our offers that was made with [`NewOffer::issuer_id`](crate::exchange::NewOffer::issuer_id):
    /// what contacts know that offer by. It is the same every time, so the secrets that follow from it are restored
    /// with this payee's secret and the offers.
    ///
    /// # Errors
    ///
    /// `Differs` for an offer that is not this payee's, or was changed. `WrongKey` for one with another issuer id, or
    /// with paths alone: its key is elsewhere ([`OfferKey::new`]).
    pub fn offer_key(&self, own: &Offer) -> Result<OfferKey, Error> {
        let nonce = self.seal(own.tlvs()).ok_or(Error::new(ErrorKind::Differs, Rule::Rqr6))?;
        let key = OfferKey::new(self.offer_keypair(&nonce));
        if own.offer_node_id() != Some(key.node_id()) {
            return Err(Error::of(Field::OFFER_ISSUER_ID, ErrorKind::WrongKey, Rule::Con3));
        }
        Ok(key)
    }
}

impl Accepted {
    /// Says that the payer [is a contact](crate::exchange::Contact::find) already. What it said of itself is then not
    /// heeded (CON-7), and of all that only the secret comes back with the payment, which leaves more room in its
    /// onion.
    pub fn from_contact(mut self) -> Self {
        self.payer_is_known = true;
        self
    }
}
