//! Offers that their issuer recognises in requests.

use alloc::vec::Vec;

use secp256k1::PublicKey;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::ids::PathId;
use crate::exchange::limits::{MAX_OFFER_LEN, offer_len};
use crate::exchange::payee::keys::Payee;
use crate::exchange::secret::{Nonce, Seal, ShortSeal, offer_records};
use crate::offer::{Offer, OfferBuilder};

/// An offer that is being prepared: its key and path ids, which are needed before its paths and fields.
///
/// It borrows nothing, so a program can keep it while paths are made.
#[derive(Clone, Debug)]
#[must_use]
pub struct NewOffer {
    issuer: Payee,
    nonce: Nonce,
    is_short: bool,
}

impl Payee {
    /// Prepares an offer. The nonce must be new. The offer's key and path ids follow from it, so that nobody can tell
    /// that two offers come from one issuer.
    pub fn new_offer(&self, nonce: [u8; 16]) -> NewOffer {
        NewOffer { issuer: self.clone(), nonce, is_short: false }
    }
}

impl NewOffer {
    /// Makes the text of the offer 26 characters shorter, plus as many for each hop of a path with little other data:
    /// metadata and path ids have 16 bytes instead of 32. Call this first, because keys and path ids then follow from
    /// the first half of the nonce.
    ///
    /// It is still safe (EXC-24). To change the offer, one has to guess 64 bits of a MAC, and each guess is a message
    /// to the issuer, over a path to which only its offers lead. A million guesses in a second would take a hundred
    /// thousand years. A path id has 128 bits, which nobody can guess. Among billions of offers two may have the same
    /// nonce, and everybody could tell that they are of one issuer.
    pub fn short(mut self) -> Self {
        (self.nonce, self.is_short) = (ShortSeal::new(&self.nonce).nonce(), true);
        self
    }

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
        let parts = [&self.nonce[..], &[position]];
        match self.is_short {
            true => PathId::of_short(self.issuer.keys.offer_paths.short(&parts)),
            false => PathId(self.issuer.keys.offer_paths.mac(&parts)),
        }
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
        let unsealed = offer.clone().metadata(self.metadata([0; 16])).build()?;
        let len = offer_len(unsealed.tlvs());
        if len > MAX_OFFER_LEN {
            return Err(Error::new(ErrorKind::TooLong { len, max: MAX_OFFER_LEN }, Rule::Exc1));
        }
        if unsealed.paths().is_none() && unsealed.issuer_id() == Some(self.issuer_id()) {
            return Err(Error::missing(Field::OFFER_PATHS, Rule::Ofr11));
        }
        let [first, middle, last] = offer_records(unsealed.tlvs());
        let tag = self.issuer.keys.offers.short(&[&self.nonce, first, middle, last]);
        offer.metadata(self.metadata(tag)).build()
    }

    /// How many letters the text of the offer will have: for a QR code, ask before the description is final.
    ///
    /// # Errors
    ///
    /// As for [`build`](Self::build).
    pub fn text_len(&self, offer: OfferBuilder) -> Result<usize, Error> {
        self.build(offer).map(|offer| offer.text_len())
    }

    fn metadata(&self, tag: [u8; 16]) -> Vec<u8> {
        if !self.is_short {
            return Seal { nonce: self.nonce, tag }.to_bytes().to_vec();
        }
        let mut seal = ShortSeal::new(&self.nonce);
        seal.tag = tag.first_chunk().copied().unwrap_or_default();
        seal.to_bytes().to_vec()
    }
}
