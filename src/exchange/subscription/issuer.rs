//! The issuer's side: what it is told about a subscription, and what it has to be told.

use alloc::boxed::Box;
use core::time::Duration;

use super::super::received::{Accepted, ReceivedRequest, Refused, Terms};
use super::super::state::{Reader, Writer, invalid};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::invoice::InvoiceFields;
use crate::invoice_request::{AcceptedRequest, InvoiceRequest, PaidPeriod, PeriodTerms, RecurrenceContext};
use crate::recurrence::RecurrenceRequest;
use crate::units::{Msat, UnixTime};

/// What recurrence asks of the invoice for an accepted request.
#[derive(Clone, Debug)]
pub(in crate::exchange) struct Period(PeriodTerms);

impl Period {
    pub(super) fn of(accepted: &AcceptedRequest<'_>) -> Option<Self> {
        accepted.terms().map(Self)
    }

    /// What is left to be paid of the period (REC-8).
    pub(in crate::exchange) fn due(&self) -> Option<Msat> {
        self.0.due
    }

    /// REC-10: an invoice does not outlast the pay window.
    pub(in crate::exchange) fn limit(&self, created_at: UnixTime, expiry: Duration) -> Duration {
        expiry.min(Duration::from_secs(self.0.until.0.saturating_sub(created_at.0)))
    }

    pub(in crate::exchange) fn accept<'a>(&self, request: AcceptedRequest<'a>) -> AcceptedRequest<'a> {
        request.on(self.0)
    }

    /// When period 0 started: now, if it starts with the invoice.
    fn basetime(&self, created_at: UnixTime) -> UnixTime {
        self.0.basetime.unwrap_or(created_at)
    }

    /// REC-9, REC-10
    pub(in crate::exchange) fn check(&self, invoice: &InvoiceFields, created_at: UnixTime) -> Result<(), Error> {
        let expected = self.basetime(created_at);
        if invoice.recurrence_basetime() != Some(expected) {
            let kind = ErrorKind::TimeMismatch { expected };
            return Err(Error::of(Field::INVOICE_RECURRENCE_BASETIME, kind, Rule::Rec9));
        }
        if invoice.expires_at().is_some_and(|at| at > self.0.until) {
            let kind = ErrorKind::TooLate { until: self.0.until };
            return Err(Error::of(Field::INVOICE_RELATIVE_EXPIRY, kind, Rule::Rec10));
        }
        Ok(())
    }

    pub(in crate::exchange) fn write(&self, out: &mut Writer) {
        out.optional_number(self.0.basetime.map(|time| time.0));
        out.number(self.0.until.0);
    }

    /// There is one exactly if the request belongs to a subscription.
    pub(in crate::exchange) fn read(
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

impl ReceivedRequest {
    /// Which payment of a subscription is asked for; nothing if it is a single payment, to be
    /// [accepted](Self::accept) as such.
    ///
    /// The subscription is that of the request's [payer id](crate::RequestFields::payer_id) and of its offer: nobody
    /// else can sign for it.
    pub fn recurrence(&self) -> Option<RecurrenceRequest> {
        self.request().recurrence()
    }

    /// Whether the request cancels its subscription (REC-11): note that, under the payer id, and send nothing. It is
    /// signed with the key of the payments before, so nobody else can have sent it.
    pub fn cancels(&self) -> bool {
        self.recurrence().is_some_and(|request| request.cancel)
    }

    /// Accepts a request of a subscription, with what the caller remembers of it: whether the payment before this one
    /// was made ([`Accepted::paid_period`]), and whether the subscription was cancelled.
    ///
    /// # Errors
    ///
    /// A refusal as for [`accept`](Self::accept), but that an offer which was begun in time may have expired (REC-13).
    /// `IsNotRecurring` (REC-3) for a single payment, `PreviousUnpaid` (REC-7), `Differs` if the subscription started
    /// with another period (REC-4), `TooEarly` and `TooLate` (REC-6, REC-8), and, with no answer, `Cancelled` (REC-11).
    pub fn accept_recurring(
        self,
        terms: &Terms<'_>,
        subscription: &RecurrenceContext,
    ) -> Result<Accepted, Box<Refused>> {
        self.accept_with(terms, |request, own| {
            let accepted = request.accept_recurring_own(own, subscription)?;
            Ok((accepted, Period::of(&accepted)))
        })
    }
}

impl Accepted {
    /// What to remember when the invoice is paid, under the request's payer id and counter: the
    /// [`previous`](RecurrenceContext::previous) of the payment after it. Nothing for a single payment.
    pub fn paid_period(&self) -> Option<PaidPeriod> {
        let start = self.request().recurrence()?.start;
        self.period().map(|period| PaidPeriod { basetime: period.basetime(self.created_at()), start })
    }
}
