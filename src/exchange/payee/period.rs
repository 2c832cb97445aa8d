//! What recurrence asks of the invoice for an accepted request.

use core::time::Duration;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::saved::{Reader, Writer, invalid};
use crate::exchange::sold::SoldPeriod;
use crate::invoice::InvoiceFields;
use crate::invoice_request::{AcceptedRequest, InvoiceRequest, PeriodTerms};
use crate::recurrence::RecurrenceRequest;
use crate::units::{Msat, UnixTime};

/// What recurrence asks of the invoice for an accepted request.
#[derive(Clone, Debug)]
pub(crate) struct Period(PeriodTerms);

impl Period {
    pub(crate) fn of(accepted: &AcceptedRequest<'_>) -> Option<Self> {
        accepted.terms().map(Self)
    }

    /// What is left to be paid of the period (REC-8).
    pub(crate) fn due(&self) -> Option<Msat> {
        self.0.due
    }

    /// REC-10: an invoice does not outlast the pay window.
    pub(crate) fn limit(&self, created_at: UnixTime, expiry: Duration) -> Duration {
        expiry.min(Duration::from_secs(self.0.until.0.saturating_sub(created_at.0)))
    }

    pub(crate) fn accept<'a>(&self, request: AcceptedRequest<'a>) -> AcceptedRequest<'a> {
        request.on(self.0)
    }

    /// When period 0 started: now, if it starts with the invoice.
    pub(crate) fn basetime(&self, created_at: UnixTime) -> UnixTime {
        self.0.basetime.unwrap_or(created_at)
    }

    /// REC-9. That it does not outlast the pay window (REC-10) follows from when it has to expire.
    pub(crate) fn check(&self, invoice: &InvoiceFields, created_at: UnixTime) -> Result<(), Error> {
        let expected = self.basetime(created_at);
        if invoice.recurrence_basetime() != Some(expected) {
            let kind = ErrorKind::TimeMismatch { expected };
            return Err(Error::of(Field::INVOICE_RECURRENCE_BASETIME, kind, Rule::Rec9));
        }
        Ok(())
    }

    /// Which payment of the subscription it is, for anyone who takes the money.
    pub(crate) fn sold(&self, request: &InvoiceRequest, created_at: UnixTime) -> Option<SoldPeriod> {
        let RecurrenceRequest { counter, start, .. } = request.recurrence()?;
        Some(SoldPeriod { counter, basetime: self.basetime(created_at), start, until: self.0.until })
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        out.optional_number(self.0.basetime.map(|time| time.0));
        out.number(self.0.until.0);
    }

    /// There is one exactly if the request belongs to a subscription.
    pub(crate) fn read(
        reader: &mut Reader<'_>,
        request: &InvoiceRequest,
        due: Option<Msat>,
    ) -> Result<Option<Self>, Error> {
        match request.recurrence() {
            None => Ok(None),
            Some(request) if request.cancel => Err(invalid()),
            Some(_) => {
                let basetime = reader.optional_number()?.map(UnixTime);
                let until = UnixTime(reader.number()?);
                Ok(Some(Self(PeriodTerms { basetime, until, due })))
            }
        }
    }
}
