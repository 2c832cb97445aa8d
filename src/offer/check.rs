//! What depends on the time and the payer's chains (OFR-3, OFR-9).

use bitcoin::constants::ChainHash;

use super::Offer;
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::units::UnixTime;

/// An offer that can be used now, on a chain that the payer has.
///
/// What a request is made from.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct UsableOffer<'a> {
    offer: &'a Offer,
    chain: ChainHash,
}

impl<'a> UsableOffer<'a> {
    /// What was checked before, and kept.
    pub(crate) const fn again(offer: &'a Offer, chain: ChainHash) -> Self {
        Self { offer, chain }
    }

    /// The offer.
    pub const fn offer(&self) -> &'a Offer {
        self.offer
    }

    /// The chain to pay on: the first of the payer's that the offer names.
    pub const fn chain(&self) -> ChainHash {
        self.chain
    }
}

impl Offer {
    /// Checks that the offer has not expired, and can be paid on one of the payer's chains, which are
    /// given in the payer's order of preference.
    ///
    /// # Errors
    ///
    /// `UnsupportedChain` (OFR-3), `Expired` (OFR-9).
    pub fn usable(&self, now: UnixTime, chains: &[ChainHash]) -> Result<UsableOffer<'_>, Error> {
        let chain = chains.iter().copied().find(|chain| self.supports_chain(*chain));
        let chain = chain.ok_or(Error::of(Field::OFFER_CHAINS, ErrorKind::UnsupportedChain, Rule::Ofr3))?;
        self.check_expiry(now)?;
        Ok(UsableOffer { offer: self, chain })
    }
}

impl super::OfferFields {
    /// OFR-9: the last second is still good.
    pub(crate) fn check_expiry(&self, now: UnixTime) -> Result<(), Error> {
        match self.absolute_expiry() {
            Some(at) if now > at => Err(Error::of(Field::OFFER_ABSOLUTE_EXPIRY, ErrorKind::Expired { at }, Rule::Ofr9)),
            _ => Ok(()),
        }
    }
}
