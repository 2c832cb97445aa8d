//! The key of one of our offers, for what contacts need of it.

use core::fmt;

use secp256k1::{Keypair, PublicKey};

use crate::contacts::ContactSecret;
use crate::error::{Error, Field, Rule};
use crate::exchange::contacts::contact::Contact;
use crate::offer::Offer;

/// The key of one of our offers: what contacts know the offer by. It makes secrets and signs for names, and is not
/// given away.
///
/// [`Payee::offer_key`](crate::exchange::Payee::offer_key) has those of the offers that a payee made with a key of
/// their own. It is wiped when dropped. A key that is elsewhere, in a signer, makes secrets with
/// [`ContactSecret::from_shared_point`], and signs for names with
/// [`InvoiceRequestBuilder::build_named`](crate::InvoiceRequestBuilder::build_named).
pub struct OfferKey(Keypair);

impl OfferKey {
    /// The key of an offer that was made in another way: its issuer id's or, without one, that of the last hop of its
    /// first path.
    pub fn new(keypair: Keypair) -> Self {
        Self(keypair)
    }

    /// The own offer's [node id](crate::OfferFields::offer_node_id).
    pub fn node_id(&self) -> PublicKey {
        self.0.public_key()
    }

    /// The secret between this offer and another (CON-5): the same for both sides.
    ///
    /// # Errors
    ///
    /// `Missing` for an offer without a key, of which there is none.
    pub fn contact_secret(&self, theirs: &Offer) -> Result<ContactSecret, Error> {
        let theirs = theirs.offer_node_id().ok_or(Error::missing(Field::OFFER_ISSUER_ID, Rule::Ofr7))?;
        let mut key = self.0.secret_key();
        let secret = ContactSecret::derive(&key, &theirs);
        key.non_secure_erase();
        Ok(secret)
    }

    /// Makes a contact of somebody else's offer, with the secret between the two (CON-5). For anyone who has paid
    /// first, use [`Contact::from_payment`], which keeps the secret that came.
    ///
    /// # Errors
    ///
    /// As for [`contact_secret`](Self::contact_secret).
    pub fn contact(&self, theirs: Offer) -> Result<Contact, Error> {
        Ok(Contact::new(self.contact_secret(&theirs)?, theirs))
    }

    pub(crate) fn keypair(&self) -> &Keypair {
        &self.0
    }
}

impl Drop for OfferKey {
    fn drop(&mut self) {
        self.0.non_secure_erase();
    }
}

impl fmt::Debug for OfferKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfferKey").field("node_id", &format_args!("{}", self.node_id())).finish_non_exhaustive()
    }
}
