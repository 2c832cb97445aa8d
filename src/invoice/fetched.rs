//! What can be checked of an invoice by anyone who has the offer, and not the request.

use core::ops::RangeInclusive;

use bitcoin::constants::ChainHash;

use super::{Invoice, PayableInvoice};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field;
use crate::invoice_request::TABLES;
use crate::offer::Offer;
use crate::recurrence;
use crate::units::{Msat, UnixTime};

/// What is wanted of an invoice that somebody else fetched. Every field is asked for, so that none is forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedContext {
    /// The time.
    pub now: UnixTime,
    /// The chain to pay on.
    pub chain: ChainHash,
    /// What may be paid: the least that is wanted to arrive, and the most that the user agreed to.
    pub amount: RangeInclusive<Msat>,
    /// How many items are wanted, if the offer sells several.
    pub quantity: Option<u64>,
}

impl Offer {
    /// Checks an invoice for this offer that somebody else fetched: a swap service, or a node behind an interface of
    /// its own. It is for this offer byte for byte, signed by this offer's payee, and for the chain, the amount and the
    /// number of items that were wanted, on time.
    ///
    /// So nobody but the payee is paid. That it answers this payer's request, only whoever made that can tell: then use
    /// [`Invoice::check`]. Whoever fetched it has the payer's key, and can prove the payment; and can have said
    /// anything in the [request](crate::InvoiceFields::request), such as a note.
    ///
    /// An offer without an issuer id has several keys if it has several paths, and any of them will do.
    ///
    /// ```
    /// use bolt12::{ChainHash, Error, FetchedContext, Invoice, Msat, Offer, PayableInvoice, UnixTime};
    ///
    /// /// A swap service is paid on chain to pay this invoice.
    /// fn check<'i>(offer: &Offer, invoice: &'i Invoice, amount: Msat, now: UnixTime) -> Result<PayableInvoice<'i>, Error> {
    ///     let wanted = FetchedContext { now, chain: ChainHash::BITCOIN, amount: amount..=amount, quantity: None };
    ///     offer.check_invoice(invoice, &wanted)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// `Differs` with the field of the offer that differs (IVR-8), or the quantity; `WrongKey` (IVR-9),
    /// `UnsupportedChain` (IVR-2), `AmountTooLow` and `AmountTooHigh` (IVR-11), `Zero` or `AmountTooHigh` for an amount
    /// that nobody can pay (D3), `Expired` (IVR-4), `CannotCarry` (EXC-11), `IsRecurring` (REC-7) for an invoice of a
    /// subscription.
    pub fn check_invoice<'i>(
        &self,
        invoice: &'i Invoice,
        wanted: &FetchedContext,
    ) -> Result<PayableInvoice<'i>, Error> {
        recurrence::check_single(invoice.tlvs())?;
        let differs = |field| Err(Error::of(field, ErrorKind::Differs, Rule::Ivr8));
        if let Some(number) = self.difference(invoice.offer()) {
            return differs(field::named(&TABLES, number));
        }
        if !self.is_signed_by(invoice.node_id().into()) {
            return Err(Error::of(Field::INVOICE_NODE_ID, ErrorKind::WrongKey, Rule::Ivr9));
        }
        if invoice.request().quantity() != wanted.quantity {
            return differs(Field::INVREQ_QUANTITY);
        }
        invoice.check_common(&[wanted.chain], wanted.now)?;
        let refused = |kind| Err(Error::of(Field::INVOICE_AMOUNT, kind, Rule::Ivr11));
        match invoice.amount() {
            amount if amount < *wanted.amount.start() => {
                return refused(ErrorKind::AmountTooLow { min: *wanted.amount.start() });
            }
            amount if amount > *wanted.amount.end() => {
                return refused(ErrorKind::AmountTooHigh { max: *wanted.amount.end() });
            }
            _ => {}
        }
        invoice.check_capacity()?;
        Ok(PayableInvoice::again(invoice))
    }
}
