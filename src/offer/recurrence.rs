//! How an offer recurs.

use super::{OfferBuilder, OfferFields};
use crate::recurrence::{self, PayWindow, Recurrence, RecurrenceBase};

impl OfferFields {
    /// `offer_recurrence_compulsory` or `offer_recurrence_optional`, with `offer_recurrence_base`,
    /// `offer_recurrence_paywindow` and `offer_recurrence_limit`
    ///
    /// How the offer recurs; `None` if it is paid once. In a payer proof, a hidden field reads as an absent one.
    pub fn recurrence(&self) -> Option<Recurrence> {
        Recurrence::of(self.tlvs())
    }

    /// `offer_recurrence_base`
    ///
    /// The same as in [`recurrence`](Self::recurrence), also where a payer proof hides the rest.
    pub fn recurrence_base(&self) -> Option<RecurrenceBase> {
        recurrence::base(self.tlvs())
    }

    /// `offer_recurrence_paywindow`
    ///
    /// The same as in [`recurrence`](Self::recurrence), also where a payer proof hides the rest.
    pub fn recurrence_paywindow(&self) -> Option<PayWindow> {
        recurrence::paywindow(self.tlvs())
    }

    /// `offer_recurrence_limit`
    ///
    /// The same as in [`recurrence`](Self::recurrence), also where a payer proof hides the rest.
    pub fn recurrence_limit(&self) -> Option<core::num::NonZeroU32> {
        recurrence::limit(self.tlvs())
    }
}

impl OfferBuilder {
    /// How the offer recurs, in place of what was said of it before.
    ///
    /// An optional recurrence has no base (REC-1), and a proportional amount needs an [amount](Self::amount)
    /// (REC-2).
    pub fn recurrence(mut self, recurrence: Recurrence) -> Self {
        self.custom.replace(recurrence::FIELDS, &recurrence::OFFER_TYPES, recurrence.to_fields());
        self
    }
}
