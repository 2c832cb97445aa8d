//! What a payer checks before it pays a static invoice, beyond what every reader does.

use alloc::vec::Vec;

use bitcoin::constants::ChainHash;

use super::StaticInvoice;
use crate::builder::check_amount;
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{BlindedPath, OfferAmount, PayInfo, Rate, named};
use crate::invoice::{Arrival, MultiPart, PathLimits, SentTo, capacity};
use crate::invoice_request::{InvoiceRequest, RequestFields};
use crate::offer::{OFFER_FIELDS, OfferFields};
use crate::tlv::first_difference;
use crate::units::{Msat, UnixTime};

/// What a payer knows when a static invoice answers a request. Every field is asked for, so that none is forgotten.
#[derive(Clone, Copy, Debug)]
pub struct StaticInvoiceContext<'a> {
    /// The request that was sent.
    pub request: &'a InvoiceRequest,
    /// Where it was sent.
    pub sent_to: SentTo,
    /// How the static invoice came.
    pub arrival: Arrival,
    /// The time.
    pub now: UnixTime,
    /// The chains the payer can pay on.
    pub chains: &'a [ChainHash],
    /// The most that whoever owns the money agreed to pay.
    pub max_amount: Msat,
    /// For an offer in another currency, if the request names no amount: what the currency is worth now (STA-5).
    pub rate: Option<Rate>,
}

/// A static invoice that was checked against the request it answers, and what is paid for it.
///
/// Paying proves nothing: the payer makes the preimage (STA-6).
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct PayableStaticInvoice<'a> {
    invoice: &'a StaticInvoice,
    amount: Msat,
}

impl<'a> PayableStaticInvoice<'a> {
    /// What was checked before, and kept.
    pub(crate) const fn again(invoice: &'a StaticInvoice, amount: Msat) -> Self {
        Self { invoice, amount }
    }

    /// The static invoice.
    pub const fn invoice(&self) -> &'a StaticInvoice {
        self.invoice
    }

    /// What is to be paid: what the request says, or the offer's price (STA-5).
    pub const fn amount(&self) -> Msat {
        self.amount
    }

    /// The last second at which it may be paid (STA-3).
    pub fn expires_at(&self) -> UnixTime {
        self.invoice.expires_at()
    }

    /// The chain to pay on.
    pub fn chain(&self) -> ChainHash {
        self.invoice.chain()
    }

    /// The paths that can be used, in the order that the payee prefers (IVR-7, EXC-11).
    ///
    /// Each can carry the amount, or a part of it if the payment may be split; all together can carry it, so there is
    /// at least one. What a path carries at most is [`PayInfo::share`] of the amount.
    pub fn paths(&self) -> impl Iterator<Item = (BlindedPath<'a>, PayInfo<'a>)> + use<'a> {
        let (amount, multi_part, known) = (self.amount, self.multi_part(), self.invoice.known().payinfo);
        let paths = self.invoice.payment_paths();
        paths.filter(move |(_, payinfo)| capacity::share(payinfo, amount, multi_part, known).is_some())
    }

    /// Those of the [paths](Self::paths) that are within limits of fee and delay (EXC-10), cheapest first: see
    /// [`PayableInvoice::paths_within`](crate::PayableInvoice::paths_within).
    ///
    /// # Errors
    ///
    /// `NoPathWithin` (EXC-10) if the amount cannot be paid within the limits.
    pub fn paths_within(&self, limits: &PathLimits) -> Result<Vec<(BlindedPath<'a>, PayInfo<'a>)>, Error> {
        let known = self.invoice.known().payinfo;
        capacity::within(self.invoice.payment_paths(), self.amount, self.multi_part(), known, limits)
    }

    /// The paths over which the payee is told that the payment is held, preferred ones first (STA-1).
    pub fn message_paths(&self) -> impl Iterator<Item = BlindedPath<'a>> + use<'a> {
        self.invoice.message_paths().into_iter().flatten()
    }

    /// Whether the payment may be split (IVR-14).
    pub fn multi_part(&self) -> MultiPart {
        self.invoice.multi_part()
    }
}

impl StaticInvoice {
    /// Checks the static invoice against the request it has to answer: the only way to something payable.
    ///
    /// # Errors
    ///
    /// `WrongArrival` (IVR-13), `Differs` with the field of the offer (STA-4), `WrongKey` for the signer of another path
    /// than the one that was asked over (STA-2), `UnsupportedChain` (IVR-2), `Expired` (STA-3), `CannotCarry` for paths
    /// that cannot carry the amount (EXC-11); for what is to be paid (STA-5), `RateNeeded`, `WrongCurrency`, `Overflow`,
    /// `Zero` and `AmountTooHigh` (D3), and `AmountTooHigh` above the limit.
    pub fn check(&self, context: &StaticInvoiceContext<'_>) -> Result<PayableStaticInvoice<'_>, Error> {
        // IVR-13
        if context.arrival != Arrival::OwnPath {
            return Err(Error::new(ErrorKind::WrongArrival, Rule::Ivr13));
        }
        self.check_answer(context.request.offer(), context.sent_to, context.now, context.chains)?;
        let amount = due(context.request, context.rate)?;
        if amount > context.max_amount {
            let kind = ErrorKind::AmountTooHigh { max: context.max_amount };
            let named = context.request.amount().map_or(Field::OFFER_AMOUNT, |_| Field::INVREQ_AMOUNT);
            return Err(Error::of(named, kind, Rule::Sta5));
        }
        self.check_capacity(amount)?;
        Ok(PayableStaticInvoice { invoice: self, amount })
    }

    /// Whether it answers requests for this offer, whatever that costs.
    pub(crate) fn check_answer(
        &self,
        offer: &OfferFields,
        sent_to: SentTo,
        now: UnixTime,
        chains: &[ChainHash],
    ) -> Result<(), Error> {
        // STA-4
        if let Some(number) = first_difference(self.offer().records(), offer.records()) {
            return Err(Error::of(named(&[OFFER_FIELDS], number), ErrorKind::Differs, Rule::Sta4));
        }
        // STA-2: that an issuer id signed was seen when the static invoice was read.
        let is_asked = match sent_to {
            SentTo::Path(last) => {
                let signs = self.offer().issuer_point().is_some() || last == self.node_id();
                signs && self.offer().has_path_to(last)
            }
            // STA-7: there are paths.
            SentTo::IssuerId => false,
        };
        if !is_asked {
            return Err(Error::of(Field::INVOICE_NODE_ID, ErrorKind::WrongKey, Rule::Sta2));
        }
        // IVR-2; the request's chain is one of the offer's (D10).
        if !chains.contains(&self.chain()) {
            return Err(Error::of(Field::OFFER_CHAINS, ErrorKind::UnsupportedChain, Rule::Ivr2));
        }
        // STA-3: the last second is still good.
        let at = self.expires_at();
        if now > at {
            return Err(Error::of(Field::INVOICE_CREATED_AT, ErrorKind::Expired { at }, Rule::Ivr4));
        }
        Ok(())
    }

    /// EXC-11
    pub(crate) fn check_capacity(&self, amount: Msat) -> Result<(), Error> {
        let payinfos = self.payment_paths().map(|(_, payinfo)| payinfo);
        capacity::check(payinfos, amount, self.multi_part(), self.known().payinfo)
    }
}

/// What a request is paid with (STA-5): its own amount, or the price at the payer's rate.
fn due(request: &RequestFields, rate: Option<Rate>) -> Result<Msat, Error> {
    let price = request.price()?;
    // RQR-10: no request is without both.
    let asked = request.amount().map(OfferAmount::Bitcoin).or(price);
    let amount = match asked.ok_or_else(|| Error::missing(Field::INVREQ_AMOUNT, Rule::Rqr10))? {
        OfferAmount::Bitcoin(amount) => amount,
        price @ OfferAmount::Currency { currency, .. } => match rate {
            Some(rate) => rate.convert(price)?,
            None => return Err(Error::of(Field::OFFER_AMOUNT, ErrorKind::RateNeeded { currency }, Rule::Sta5)),
        },
    };
    check_amount(amount, Field::INVREQ_AMOUNT, Rule::D3)?;
    Ok(amount)
}
