//! What an invoice of a subscription says beside others.

use core::time::Duration;

use super::{Invoice, InvoiceBuilder, InvoiceContext, InvoiceFields, PayableInvoice};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::recurrence;
use crate::units::UnixTime;

impl InvoiceFields {
    /// `invoice_recurrence_basetime`
    ///
    /// When period 0 of the subscription started (REC-9).
    pub fn recurrence_basetime(&self) -> Option<UnixTime> {
        recurrence::basetime(self.tlvs())
    }
}

impl Invoice {
    /// Checks an invoice of a subscription: what [`check`](Self::check) checks, and that period 0 starts when it did
    /// (REC-9). `basetime` is that of the subscription's first invoice; nothing for that one.
    ///
    /// # Errors
    ///
    /// As for [`check`](Self::check); `IsNotRecurring` without a counter (REC-3), `TimeMismatch` for another start
    /// (REC-9), `PreviousUnpaid` without a `basetime` for a later invoice (REC-7).
    pub fn check_recurring(
        &self,
        context: &InvoiceContext<'_>,
        basetime: Option<UnixTime>,
    ) -> Result<PayableInvoice<'_>, Error> {
        let payable = self.check_answer(context)?;
        self.check_basetime(basetime).map(|()| payable)
    }

    /// REC-9
    pub(crate) fn check_basetime(&self, basetime: Option<UnixTime>) -> Result<(), Error> {
        let Some(request) = self.request().recurrence() else {
            return Err(Error::of(Field::INVREQ_RECURRENCE_COUNTER, ErrorKind::IsNotRecurring, Rule::Rec3));
        };
        match basetime {
            Some(expected) if self.recurrence_basetime() != Some(expected) => {
                let kind = ErrorKind::TimeMismatch { expected };
                Err(Error::of(Field::INVOICE_RECURRENCE_BASETIME, kind, Rule::Rec9))
            }
            // That the first says the right thing was seen when it was read.
            None if request.counter > 0 => {
                Err(Error::of(Field::INVREQ_RECURRENCE_COUNTER, ErrorKind::PreviousUnpaid, Rule::Rec7))
            }
            _ => Ok(()),
        }
    }
}

impl InvoiceBuilder<'_> {
    /// REC-9: the start of period 0. REC-10: no longer expiry than the pay window.
    pub(super) fn recur(&mut self) -> Result<(), Error> {
        let Some(terms) = self.request.terms() else { return Ok(()) };
        let basetime = terms.basetime.unwrap_or(self.created_at);
        self.custom.replace(recurrence::FIELDS, &recurrence::INVOICE_TYPES, [recurrence::basetime_field(basetime)]);
        let left = terms.until.0.checked_sub(self.created_at.0).ok_or(Error::of(
            Field::INVREQ_RECURRENCE_COUNTER,
            ErrorKind::TooLate { until: terms.until },
            Rule::Rec6,
        ))?;
        self.relative_expiry = self.relative_expiry.min(Duration::from_secs(left));
        Ok(())
    }
}
