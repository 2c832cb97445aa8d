//! What an invoice of a subscription says beside others.

use core::time::Duration;

use super::{InvoiceBuilder, InvoiceFields};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::recurrence;
use crate::units::UnixTime;

impl InvoiceFields {
    /// `invoice_recurrence_basetime` (TLV 3000000177)
    ///
    /// When period 0 of the subscription started (REC-9).
    pub fn recurrence_basetime(&self) -> Option<UnixTime> {
        recurrence::basetime(self.tlvs())
    }
}

impl InvoiceBuilder<'_> {
    /// REC-9: the start of period 0. REC-10: no longer expiry than the pay window.
    pub(super) fn recur(&mut self) -> Result<(), Error> {
        let Some(terms) = self.request.terms() else { return Ok(()) };
        let basetime = terms.basetime.unwrap_or(self.created_at);
        self.custom.replace(&recurrence::INVOICE_TYPES, [recurrence::basetime_field(basetime)]);
        let left = terms.until.0.checked_sub(self.created_at.0).ok_or(Error::of(
            Field::INVREQ_RECURRENCE_COUNTER,
            ErrorKind::TooLate { until: terms.until },
            Rule::Rec6,
        ))?;
        self.relative_expiry = self.relative_expiry.min(Duration::from_secs(left));
        Ok(())
    }
}
