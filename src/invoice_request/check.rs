//! What an issuer checks before it answers, beyond what every reader does.

use bitcoin::constants::ChainHash;
use secp256k1::PublicKey;

use super::accepted::AcceptedRequest;
use super::{InvoiceRequest, Refund, RequestFields};
use crate::builder::check_amount;
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{OfferAmount, Point, Rate};
use crate::offer::{Offer, OfferFields};
use crate::recurrence;
use crate::units::{Msat, UnixTime};

/// How a request reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestArrival {
    /// Over the path of an offer that ends in this blinded key.
    OfferPath(Point),
    /// Over another blinded path.
    OtherPath,
    /// Over no blinded path.
    Direct,
}

/// What an issuer knows when a request arrives. Every field is asked for, so that none is forgotten.
#[derive(Clone, Copy, Debug)]
pub struct RequestContext<'a> {
    /// The offer that was made.
    pub offer: &'a Offer,
    /// How the request came.
    pub arrival: RequestArrival,
    /// The time.
    pub now: UnixTime,
    /// The chains the issuer is paid on.
    pub chains: &'a [ChainHash],
    /// For an offer in another currency: what the currency is worth now.
    pub rate: Option<Rate>,
    /// The most the issuer takes, if it wants to refuse what can only be a mistake (RQR-9).
    pub max_amount: Option<Msat>,
}

impl<'a> RequestContext<'a> {
    pub(super) fn terms(&self) -> Terms<'a> {
        let Self { arrival, now, chains, rate, max_amount, .. } = *self;
        Terms { arrival, now, chains, rate, max_amount }
    }
}

/// A [`RequestContext`] for a request whose offer is known to be ours.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub(crate) arrival: RequestArrival,
    pub(crate) now: UnixTime,
    pub(crate) chains: &'a [ChainHash],
    pub(crate) rate: Option<Rate>,
    pub(crate) max_amount: Option<Msat>,
}

impl InvoiceRequest {
    /// Checks that the request is for one of our offers, came the way it must, on time, on our chain, and for enough.
    ///
    /// # Errors
    ///
    /// `Differs` (RQR-6), `WrongArrival` (RQR-7), `Expired` (OFR-9), `UnsupportedChain` (RQR-13), and for RQR-9
    /// `RateNeeded`, `WrongCurrency`, `Overflow`, `AmountTooLow` and `AmountTooHigh`.
    ///
    /// Do not answer the first two: somebody who probes for offers would learn something.
    ///
    /// A request that belongs to a subscription is refused with `IsRecurring` (REC-7): more has to be checked. See
    /// `accept_recurring`, with the feature `recurrence`.
    pub fn accept(&self, context: &RequestContext<'_>) -> Result<AcceptedRequest<'_>, Error> {
        self.check_offer(context.offer)?;
        self.accept_own(&context.terms())
    }

    /// RQR-6
    pub(super) fn check_offer(&self, offer: &Offer) -> Result<(), Error> {
        if self.offer().same_offer(offer) {
            Ok(())
        } else {
            // No field is named: which one differs is nobody's business who probes for offers.
            Err(Error::new(ErrorKind::Differs, Rule::Rqr6))
        }
    }

    /// [`accept`](Self::accept) for a request whose offer is known to be ours.
    pub(crate) fn accept_own(&self, terms: &Terms<'_>) -> Result<AcceptedRequest<'_>, Error> {
        let node_id = self.signer(terms.arrival)?;
        self.offer().check_expiry(terms.now)?;
        self.check_chain(terms.chains)?;
        recurrence::check_single(self.tlvs())?;
        let amount = self.accept_amount(terms, self.due(terms.rate)?)?;
        Ok(AcceptedRequest::new(self, amount, node_id))
    }

    /// RQR-9: what the invoice asks for, where so much is due.
    pub(super) fn accept_amount(&self, terms: &Terms<'_>, due: Option<Msat>) -> Result<Msat, Error> {
        // What is too much was named by the request, or follows from how many items it asks for.
        let named = [Field::INVREQ_AMOUNT, Field::INVREQ_QUANTITY];
        let field = named.into_iter().find(|field| self.tlvs().contains(field.number())).unwrap_or(Field::OFFER_AMOUNT);
        let refused = |kind| Err(Error::of(field, kind, Rule::Rqr9));
        // RQR-10: no request is without both.
        let amount = self.amount().or(due).ok_or_else(|| Error::missing(Field::INVREQ_AMOUNT, Rule::Rqr10))?;
        if let Some(min) = due.filter(|min| amount < *min) {
            return refused(ErrorKind::AmountTooLow { min });
        }
        if let Some(max) = terms.max_amount.filter(|max| amount > *max) {
            return refused(ErrorKind::AmountTooHigh { max });
        }
        check_amount(amount, field, Rule::Rqr9)?;
        Ok(amount)
    }

    /// RQR-7, and the key that the arrival obliges to sign (IVW-3).
    pub(super) fn signer(&self, arrival: RequestArrival) -> Result<PublicKey, Error> {
        let offer = self.offer();
        offer.check_arrival(arrival)?;
        match (offer.issuer_key()?, arrival) {
            (Some(issuer_id), _) => Ok(issuer_id),
            (None, RequestArrival::OfferPath(last)) => match offer.message.keys().invoice_signer {
                Some(key) if last == key => Ok(key),
                _ => last.public_key(),
            },
            (None, _) => Err(Error::missing(Field::OFFER_ISSUER_ID, Rule::Ofr7)),
        }
    }
}

impl Refund {
    /// Checks that a refund can be claimed: it has not expired and is on one of our chains. `node_id` is the key
    /// that will sign the invoice; any will do (IVW-3).
    ///
    /// # Errors
    ///
    /// `Expired` (OFR-9), `UnsupportedChain` (RQR-13), `Zero` and `AmountTooHigh` (D3) for an amount
    /// nobody can pay.
    pub fn accept(
        &self,
        now: UnixTime,
        chains: &[ChainHash],
        node_id: PublicKey,
    ) -> Result<AcceptedRequest<'_>, Error> {
        self.offer().check_expiry(now)?;
        self.check_chain(chains)?;
        check_amount(self.amount(), Field::INVREQ_AMOUNT, Rule::Rqr11)?;
        Ok(AcceptedRequest::new(self, self.amount(), node_id))
    }
}

impl RequestFields {
    /// The price of all items in bitcoin, if the offer has one (RQR-9).
    pub(crate) fn due(&self, rate: Option<Rate>) -> Result<Option<Msat>, Error> {
        match (self.price()?, rate) {
            (None, _) => Ok(None),
            (Some(OfferAmount::Bitcoin(price)), _) => Ok(Some(price)),
            (Some(price), Some(rate)) => rate.convert(price).map(Some),
            (Some(OfferAmount::Currency { currency, .. }), None) => {
                Err(Error::of(Field::OFFER_AMOUNT, ErrorKind::RateNeeded { currency }, Rule::Rqr9))
            }
        }
    }

    /// RQR-13
    pub(super) fn check_chain(&self, chains: &[ChainHash]) -> Result<(), Error> {
        if chains.contains(&self.chain()) {
            Ok(())
        } else {
            Err(Error::of(Field::INVREQ_CHAIN, ErrorKind::UnsupportedChain, Rule::Rqr13))
        }
    }
}

impl OfferFields {
    /// RQR-7
    pub(crate) fn check_arrival(&self, arrival: RequestArrival) -> Result<(), Error> {
        let arrived = match arrival {
            RequestArrival::OfferPath(last) => self.has_path_to(last),
            RequestArrival::OtherPath => false,
            RequestArrival::Direct => self.paths().is_none(),
        };
        if arrived { Ok(()) } else { Err(Error::new(ErrorKind::WrongArrival, Rule::Rqr7)) }
    }
}
