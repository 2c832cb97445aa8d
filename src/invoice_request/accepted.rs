//! A request that may be answered.

use secp256k1::PublicKey;

use super::RequestFields;
use crate::units::Msat;
#[cfg(feature = "recurrence")]
use crate::units::UnixTime;

/// A request, or a refund, that may be answered with an invoice: for how much, and signed by whom.
#[derive(Clone, Copy)]
#[must_use]
pub struct AcceptedRequest<'a> {
    fields: &'a RequestFields,
    amount: Msat,
    node_id: PublicKey,
    /// Of a request that belongs to a subscription.
    #[cfg(feature = "recurrence")]
    terms: Option<PeriodTerms>,
}

impl<'a> AcceptedRequest<'a> {
    pub(crate) const fn new(fields: &'a RequestFields, amount: Msat, node_id: PublicKey) -> Self {
        #[cfg(feature = "recurrence")]
        let terms = None;
        Self {
            fields,
            amount,
            node_id,
            #[cfg(feature = "recurrence")]
            terms,
        }
    }

    #[cfg(feature = "recurrence")]
    pub(crate) const fn on(self, terms: PeriodTerms) -> Self {
        Self { terms: Some(terms), ..self }
    }

    #[cfg(feature = "recurrence")]
    pub(crate) const fn terms(&self) -> Option<PeriodTerms> {
        self.terms
    }

    /// The request's fields.
    pub const fn fields(&self) -> &'a RequestFields {
        self.fields
    }

    /// What the invoice asks for (IVW-2).
    pub const fn amount(&self) -> Msat {
        self.amount
    }

    /// The key that signs the invoice (IVW-3).
    pub const fn node_id(&self) -> PublicKey {
        self.node_id
    }
}

impl core::fmt::Debug for AcceptedRequest<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut shown = f.debug_struct("AcceptedRequest");
        shown.field("amount", &self.amount).field("node_id", &format_args!("{}", self.node_id)).finish_non_exhaustive()
    }
}

/// What recurrence asks of the invoice that answers a request.
#[cfg(feature = "recurrence")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeriodTerms {
    /// When period 0 starts; `None` if it does with this invoice (REC-9).
    pub(crate) basetime: Option<UnixTime>,
    /// The last second at which the invoice may be paid (REC-10).
    pub(crate) until: UnixTime,
    /// What is left to be paid of the period, if the offer has a price (REC-8).
    pub(crate) due: Option<Msat>,
}
