//! What a payer checks before it pays, beyond what every reader does.

use alloc::vec::Vec;

use bitcoin::constants::ChainHash;
use bitcoin::hashes::sha256;
use secp256k1::PublicKey;

use super::capacity::{self, PathLimits};
use super::{Invoice, InvoiceFields, MultiPart};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{BlindedPath, PayInfo, Point};
use crate::invoice_request::{InvoiceRequest, Refund, RequestFields, TABLES};
use crate::recurrence;
use crate::units::{Msat, UnixTime};
use crate::{builder, field};

/// How a message reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Arrival {
    /// Over the path that was given for this very message: the reply path of the request it answers,
    /// or one of the paths of the refund.
    OwnPath,
    /// Over another blinded path of our own.
    OtherPath,
    /// Over no blinded path.
    Direct,
}

/// Where a request was sent (OFR-11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SentTo {
    /// To the offer's issuer id, because the offer has no paths.
    IssuerId,
    /// Over the path of the offer that ends in this blinded key.
    Path(Point),
}

/// What a payer knows when the answer to a request arrives. Every field is asked for, so that none is
/// forgotten.
#[derive(Clone, Copy, Debug)]
pub struct InvoiceContext<'a> {
    /// The request that was sent.
    pub request: &'a InvoiceRequest,
    /// Where it was sent.
    pub sent_to: SentTo,
    /// How the invoice came.
    pub arrival: Arrival,
    /// The time.
    pub now: UnixTime,
    /// The chains the payer can pay on.
    pub chains: &'a [ChainHash],
    /// The most that the user agreed to pay.
    pub max_amount: Msat,
}

/// What whoever published a refund knows when an invoice for it arrives.
#[derive(Clone, Copy, Debug)]
pub struct RefundContext<'a> {
    /// The refund that was published.
    pub refund: &'a Refund,
    /// How the invoice came.
    pub arrival: Arrival,
    /// The time.
    pub now: UnixTime,
    /// The chains that can be paid on.
    pub chains: &'a [ChainHash],
    /// The key that is to be paid, confirmed in another way; without it, whoever saw the refund first
    /// is paid (IVR-9).
    pub payee: Option<PublicKey>,
}

/// An invoice that was checked against the request it answers, or against the offer that somebody else fetched it for,
/// and may be paid now.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct PayableInvoice<'a> {
    invoice: &'a Invoice,
}

impl<'a> PayableInvoice<'a> {
    /// What was checked before, and kept.
    pub(crate) const fn again(invoice: &'a Invoice) -> Self {
        Self { invoice }
    }

    /// The invoice.
    pub const fn invoice(&self) -> &'a Invoice {
        self.invoice
    }

    /// What is to be paid.
    pub fn amount(&self) -> Msat {
        self.invoice.amount()
    }

    /// The hash whose preimage proves the payment.
    pub fn payment_hash(&self) -> sha256::Hash {
        self.invoice.payment_hash()
    }

    /// The last second at which it may be paid (IVR-4).
    pub fn expires_at(&self) -> UnixTime {
        self.invoice.expires_at()
    }

    /// The chain to pay on.
    pub fn chain(&self) -> ChainHash {
        self.invoice.request().chain()
    }

    /// The paths that can be used, in the order that the payee prefers (IVR-7, EXC-11).
    ///
    /// Each can carry the amount, or a part of it if the payment may be split; all together can carry it, so there is
    /// at least one. What a path carries at most is [`PayInfo::share`] of the amount.
    pub fn paths(&self) -> impl Iterator<Item = (BlindedPath<'a>, PayInfo<'a>)> + use<'a> {
        let (amount, multi_part, known) = (self.amount(), self.multi_part(), self.invoice.known().payinfo);
        self.invoice
            .payment_paths()
            .filter(move |(_, payinfo)| capacity::share(payinfo, amount, multi_part, known).is_some())
    }

    /// Those of the [paths](Self::paths) that are within limits of fee and delay (EXC-10), cheapest first: by the fee
    /// for each millisatoshi of what a path can carry, and among equals as the payee prefers.
    ///
    /// Each can carry the amount within the limits, or a part of it if the payment may be split. Either one of them
    /// carries it alone, or the cheapest ones carry it together for no more than the limit.
    ///
    /// # Errors
    ///
    /// `NoPathWithin` (EXC-10) if the amount cannot be paid within the limits.
    pub fn paths_within(&self, limits: &PathLimits) -> Result<Vec<(BlindedPath<'a>, PayInfo<'a>)>, Error> {
        let known = self.invoice.known().payinfo;
        capacity::within(self.invoice.payment_paths(), self.amount(), self.multi_part(), known, limits)
    }

    /// Whether the payment may be split (IVR-14).
    pub fn multi_part(&self) -> MultiPart {
        self.invoice.multi_part()
    }
}

impl Invoice {
    /// Checks the invoice against the request it has to answer: the only way to something payable.
    ///
    /// # Errors
    ///
    /// `WrongArrival` (IVR-13), `Differs` with the field (IVR-8), `UnsupportedChain` (IVR-2), `WrongKey`
    /// (IVR-9), `AmountTooHigh` (IVR-11), `Zero` or `AmountTooHigh` for an amount that nobody can pay
    /// (D3), `Expired` (IVR-4), `CannotCarry` for paths that cannot carry the amount (EXC-11).
    ///
    /// An invoice of a subscription is refused with `IsRecurring` (REC-7): it has to be compared with the one
    /// before, too. See `check_recurring`, with the feature `recurrence`.
    pub fn check(&self, context: &InvoiceContext<'_>) -> Result<PayableInvoice<'_>, Error> {
        recurrence::check_single(self.tlvs())?;
        self.check_answer(context)
    }

    /// The same for any answer to a request.
    pub(super) fn check_answer(&self, context: &InvoiceContext<'_>) -> Result<PayableInvoice<'_>, Error> {
        // IVR-13
        if context.arrival != Arrival::OwnPath {
            return Err(Error::new(ErrorKind::WrongArrival, Rule::Ivr13));
        }
        self.check_repeats(context.request)?;
        self.check_own_answer(context.sent_to, context.now, context.chains, context.max_amount)
    }

    /// The same for an invoice that is known to repeat its request, and to have come the right way.
    pub(crate) fn check_own_answer(
        &self,
        sent_to: SentTo,
        now: UnixTime,
        chains: &[ChainHash],
        max_amount: Msat,
    ) -> Result<PayableInvoice<'_>, Error> {
        // IVR-9, before what makes a payer ask anew or give up, so that no stranger can: that an issuer id signed was
        // seen when the invoice was read.
        let expected = match (self.offer().issuer_point(), sent_to) {
            (_, SentTo::Path(last)) if !self.offer().has_path_to(last) => false,
            (Some(_), _) => true,
            (None, SentTo::Path(last)) => last == self.node_id(),
            (None, SentTo::IssuerId) => false,
        };
        if !expected {
            return Err(Error::of(Field::INVOICE_NODE_ID, ErrorKind::WrongKey, Rule::Ivr9));
        }
        self.check_common(chains, now)?;
        // IVR-11
        if self.amount() > max_amount {
            let kind = ErrorKind::AmountTooHigh { max: max_amount };
            return Err(Error::of(Field::INVOICE_AMOUNT, kind, Rule::Ivr11));
        }
        self.check_capacity()?;
        Ok(PayableInvoice { invoice: self })
    }

    /// Checks an invoice that claims a refund.
    ///
    /// # Errors
    ///
    /// `WrongArrival` (IVR-13), `Differs` with the field (IVR-8), `UnsupportedChain` (IVR-2), `WrongKey`
    /// (IVR-9), `Expired` (IVR-4, or OFR-9 for the refund itself), `CannotCarry` for paths that cannot carry
    /// the amount (EXC-11). That the amount is the refund's was checked when the invoice was read (IVR-11).
    pub fn check_refund(&self, context: &RefundContext<'_>) -> Result<PayableInvoice<'_>, Error> {
        // IVR-13
        let expected = match context.refund.paths() {
            Some(_) => context.arrival == Arrival::OwnPath,
            None => context.arrival == Arrival::Direct,
        };
        if !expected {
            return Err(Error::new(ErrorKind::WrongArrival, Rule::Ivr13));
        }
        self.check_repeats(context.refund)?;
        self.check_common(context.chains, context.now)?;
        context.refund.offer().check_expiry(context.now)?;
        // IVR-9
        if context.payee.is_some_and(|payee| payee != self.node_id()) {
            return Err(Error::of(Field::INVOICE_NODE_ID, ErrorKind::WrongKey, Rule::Ivr9));
        }
        self.check_capacity()?;
        Ok(PayableInvoice { invoice: self })
    }

    /// EXC-11
    pub(super) fn check_capacity(&self) -> Result<(), Error> {
        let payinfos = self.payment_paths().map(|(_, payinfo)| payinfo);
        capacity::check(payinfos, self.amount(), self.multi_part(), self.known().payinfo)
    }

    /// Chain, amount and time.
    pub(super) fn check_common(&self, chains: &[ChainHash], now: UnixTime) -> Result<(), Error> {
        // IVR-2
        if !chains.contains(&self.request().chain()) {
            return Err(Error::of(Field::INVREQ_CHAIN, ErrorKind::UnsupportedChain, Rule::Ivr2));
        }
        // D3
        builder::check_amount(self.amount(), Field::INVOICE_AMOUNT, Rule::D3)?;
        // IVR-4: the last second is still good.
        let at = self.expires_at();
        if now > at {
            return Err(Error::of(Field::INVOICE_CREATED_AT, ErrorKind::Expired { at }, Rule::Ivr4));
        }
        Ok(())
    }
}

impl InvoiceFields {
    /// IVR-8
    pub(crate) fn check_repeats(&self, request: &RequestFields) -> Result<(), Error> {
        match self.request().difference(request) {
            Some(number) => Err(Error::of(field::named(&TABLES, number), ErrorKind::Differs, Rule::Ivr8)),
            None => Ok(()),
        }
    }
}
