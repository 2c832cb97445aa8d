//! What an issuer checks before it answers, beyond what every reader does.

use bitcoin::constants::ChainHash;

use super::{InvoiceRequest, Refund, RequestFields};
use crate::builder::check_amount;
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{Msat, OfferAmount, UnixTime};
use crate::offer::Offer;

/// What an issuer knows when a request arrives.
#[derive(Clone, Copy, Debug)]
pub struct RequestContext<'a> {
    /// The offer that was made.
    pub offer: &'a Offer,
    /// The time.
    pub now: UnixTime,
    /// The chains the issuer is paid on.
    pub chains: &'a [ChainHash],
    /// For an offer in another currency: what the request's [price](RequestFields::price) is in
    /// bitcoin.
    pub converted: Option<Msat>,
    /// The most the issuer takes, if it wants to refuse what can only be a mistake (RQR-9).
    pub max_amount: Option<Msat>,
}

/// A request, or a refund, that may be answered with an invoice, and for how much.
#[derive(Clone, Copy)]
pub struct AcceptedRequest<'a> {
    fields: &'a RequestFields,
    amount: Msat,
}

impl<'a> AcceptedRequest<'a> {
    /// The request's fields.
    pub const fn fields(&self) -> &'a RequestFields {
        self.fields
    }

    /// What the invoice asks for (IVW-2).
    pub const fn amount(&self) -> Msat {
        self.amount
    }
}

impl core::fmt::Debug for AcceptedRequest<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("AcceptedRequest").field("amount", &self.amount).finish_non_exhaustive()
    }
}

impl InvoiceRequest {
    /// Checks that the request is for an offer of ours, on time, on our chain, and for enough.
    ///
    /// Whether it arrived the way it must (RQR-7) is not checked here.
    ///
    /// # Errors
    ///
    /// `Differs` (RQR-6), `Expired` (OFR-9), `UnsupportedChain` (RQR-13), and for RQR-9 `NotConverted`,
    /// `AmountTooLow` and `AmountTooHigh`.
    pub fn accept(&self, context: &RequestContext<'_>) -> Result<AcceptedRequest<'_>, Error> {
        if !self.offer().same_offer(context.offer) {
            // Which field differs is nobody's business who probes for offers.
            return Err(Error::new(ErrorKind::Differs, Rule::Rqr6));
        }
        self.offer().check_expiry(context.now)?;
        self.check_chain(context.chains)?;
        let due = match self.price()? {
            None => None,
            Some(OfferAmount::Bitcoin(price)) => Some(price),
            Some(OfferAmount::Currency { .. }) => {
                let missing = Error::of(Field::OFFER_AMOUNT, ErrorKind::NotConverted, Rule::Rqr9);
                Some(context.converted.ok_or(missing)?)
            }
        };
        let refused = |kind| Err(Error::of(Field::INVREQ_AMOUNT, kind, Rule::Rqr9));
        let amount = match (self.amount(), due) {
            (Some(amount), Some(Msat(min_msat))) if amount.0 < min_msat => {
                return refused(ErrorKind::AmountTooLow { min_msat });
            }
            (Some(amount), _) => amount,
            (None, Some(due)) => due,
            (None, None) => return Err(Error::missing(Field::INVREQ_AMOUNT, Rule::Rqr10)),
        };
        if let Some(Msat(max_msat)) = context.max_amount.filter(|max| amount > *max) {
            return refused(ErrorKind::AmountTooHigh { max_msat });
        }
        check_amount(amount, Field::INVREQ_AMOUNT, Rule::Rqr9)?;
        Ok(AcceptedRequest { fields: self, amount })
    }
}

impl Refund {
    /// Checks that a refund can be claimed: it has not expired and is on one of our chains.
    ///
    /// # Errors
    ///
    /// `Expired` (OFR-9), `UnsupportedChain` (RQR-13), `Zero` and `AmountTooHigh` (D3) for an amount
    /// nobody can pay.
    pub fn accept(&self, now: UnixTime, chains: &[ChainHash]) -> Result<AcceptedRequest<'_>, Error> {
        self.offer().check_expiry(now)?;
        self.check_chain(chains)?;
        check_amount(self.amount(), Field::INVREQ_AMOUNT, Rule::Rqr11)?;
        Ok(AcceptedRequest { fields: self, amount: self.amount() })
    }
}

impl RequestFields {
    /// RQR-13
    fn check_chain(&self, chains: &[ChainHash]) -> Result<(), Error> {
        if chains.contains(&self.chain()) {
            Ok(())
        } else {
            Err(Error::of(Field::INVREQ_CHAIN, ErrorKind::UnsupportedChain, Rule::Rqr13))
        }
    }
}
