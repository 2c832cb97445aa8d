//! Offers that their issuer recognises in requests.

use secp256k1::PublicKey;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::ids::PathId;
use crate::exchange::limits::{MAX_OFFER_LEN, offer_len};
use crate::exchange::payee::keys::Payee;
use crate::exchange::secret::{Nonce, Seal, offer_records};
use crate::offer::{Offer, OfferBuilder};

/// An offer that is being prepared: its key and path ids, which are needed before its paths and fields.
///
/// It borrows nothing, so a program can keep it while paths are made.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewOffer {
    issuer: Payee,
    nonce: Nonce,
}

impl Payee {
    /// Prepares an offer. The nonce must be new. The offer's key and path ids follow from it, so that nobody can tell
    /// that two offers come from one issuer.
    pub fn new_offer(&self, nonce: [u8; 16]) -> NewOffer {
        NewOffer { issuer: self.clone(), nonce }
    }
}

impl NewOffer {
    /// A key for this offer alone, for the [`OfferBuilder::new`] of an offer with paths.
    /// [`Accepted::sign`](crate::exchange::Accepted::sign) signs its invoices. You may also use another key, whose
    /// holder then signs. An offer without paths needs the id of the node that receives the requests.
    pub fn issuer_id(&self) -> PublicKey {
        self.issuer.offer_keypair(&self.nonce).public_key()
    }

    /// The path id for the offer's path at this position, counted from 0. Each path has its own, in the order in which
    /// the paths are added to the offer. The position later tells over which path a request arrived, and so which key
    /// signs for an offer without an issuer id.
    ///
    /// Only the last node of a path can see its path id, so nothing here can detect a path with a wrong one, or with
    /// none: requests over it are silently refused. Request an invoice once before you publish the offer.
    pub fn path_id(&self, position: u8) -> PathId {
        PathId(self.issuer.keys.offer_paths.mac(&[&self.nonce, &[position]]))
    }

    /// Finishes the offer. The metadata authenticate all its other fields. Its key and path ids must be those of this
    /// value.
    ///
    /// # Errors
    ///
    /// `Missing` for an offer without a path whose issuer id is the [key made for it](Self::issuer_id): that is not the
    /// id of a node, so nothing would lead to the issuer (OFR-11). `TooLong` above [`MAX_OFFER_LEN`]. Otherwise as for
    /// [`OfferBuilder::build`].
    pub fn build(&self, offer: OfferBuilder) -> Result<Offer, Error> {
        let offer = offer.knowing(self.issuer.known);
        let mut seal = Seal { nonce: self.nonce, tag: [0; 16] };
        let unsealed = offer.clone().metadata(seal.to_bytes()).build()?;
        let len = offer_len(unsealed.tlvs());
        if len > MAX_OFFER_LEN {
            return Err(Error::new(ErrorKind::TooLong { len, max: MAX_OFFER_LEN }, Rule::Exc1));
        }
        if unsealed.paths().is_none() && unsealed.issuer_id() == Some(self.issuer_id()) {
            return Err(Error::missing(Field::OFFER_PATHS, Rule::Ofr11));
        }
        let [first, middle, last] = offer_records(unsealed.tlvs());
        seal.tag = self.issuer.keys.offers.short(&[&seal.nonce, first, middle, last]);
        offer.metadata(seal.to_bytes()).build()
    }
}
