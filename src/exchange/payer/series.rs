//! What makes a payment one of a subscription's.

use core::ops::RangeInclusive;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::saved::{Reader, Writer, invalid};
use crate::exchange::secret::Nonce;
use crate::invoice::Invoice;
use crate::invoice_request::InvoiceRequestBuilder;
use crate::offer::Offer;
use crate::recurrence::{Recurrence, RecurrenceRequest, TimeUnit};
use crate::tlv::TlvStream;
use crate::units::UnixTime;

/// How much the clocks of both sides may differ, in seconds: a tenth of a period, at most an hour (EXC-18).
pub(crate) fn clock_tolerance(recurrence: &Recurrence) -> u64 {
    let length = match recurrence.time_unit {
        TimeUnit::Seconds => u64::from(recurrence.period.get()),
        _ => u64::MAX,
    };
    (length / 10).clamp(1, 3600)
}

/// Which payment of which subscription is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// That of all requests of the subscription; nothing where one payment is all of it.
    pub(crate) nonce: Option<Nonce>,
    pub(crate) request: RecurrenceRequest,
    /// When period 0 started; `None` if it does with this invoice (REC-9).
    pub(crate) basetime: Option<UnixTime>,
    /// When the subscription was begun.
    pub(crate) since: UnixTime,
    pub(crate) tolerance: u64,
}

impl Series {
    /// What an offer that may recur wants of a single payment: that it is a subscription's first, which nothing follows
    /// (there are issuers that refuse a request without a counter). One that must recur is not paid once.
    pub(crate) fn once(offer: &Offer, now: UnixTime) -> Option<Self> {
        let recurrence = offer.recurrence()?;
        let request = RecurrenceRequest { counter: 0, start: None, cancel: false };
        Some(Self { nonce: None, request, basetime: None, since: now, tolerance: clock_tolerance(&recurrence) })
    }

    /// The nonce of every request of the subscription, so that all have one payer id (REC-3).
    pub(crate) fn nonce(&self) -> Option<Nonce> {
        self.nonce
    }

    /// The request for this payment.
    pub(crate) fn ask<'a>(&self, request: InvoiceRequestBuilder<'a>) -> InvoiceRequestBuilder<'a> {
        request.recurrence(self.request)
    }

    /// Whether a message repeats the request for this payment, and not for another one of the subscription.
    pub(crate) fn is_asked_for(&self, tlvs: &TlvStream) -> bool {
        RecurrenceRequest::of(tlvs) == Some(self.request)
    }

    /// REC-13: an offer that has expired can be continued, though not started.
    pub(crate) fn goes_on(&self) -> bool {
        self.request.counter > 0
    }

    /// REC-9
    pub(crate) fn check(&self, invoice: &Invoice, now: UnixTime) -> Result<(), Error> {
        invoice.check_basetime(self.basetime)?;
        // Whoever says that period 0 was long ago has later ones be due at once.
        if self.basetime.is_none() && !self.first_times(now).contains(&invoice.created_at()) {
            let kind = ErrorKind::TimeMismatch { expected: now };
            return Err(Error::of(Field::INVOICE_CREATED_AT, kind, Rule::Rec9));
        }
        let until = self.until(invoice);
        if now > until {
            return Err(Error::of(Field::INVOICE_CREATED_AT, ErrorKind::TooLate { until }, Rule::Rec9));
        }
        Ok(())
    }

    /// The last second at which paying an invoice can be begun, beside its expiry: if period 0 starts with it, while
    /// that lasts, or later periods would be due at once.
    pub(crate) fn until(&self, invoice: &Invoice) -> UnixTime {
        let recurrence = invoice.offer().recurrence().filter(|_| self.basetime.is_none());
        let until = recurrence.map(|recurrence| recurrence.first_period_until(invoice.created_at()));
        // What no calendar knows has no later periods.
        until.and_then(Result::ok).unwrap_or(UnixTime(u64::MAX))
    }

    /// When a first invoice can have been made.
    fn first_times(&self, now: UnixTime) -> RangeInclusive<UnixTime> {
        // The clock may have been set back since.
        let from = self.since.min(now).0.saturating_sub(self.tolerance);
        UnixTime(from)..=UnixTime(now.0.saturating_add(self.tolerance))
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        out.optional(self.nonce);
        out.number(self.request.counter.into());
        out.optional_number(self.request.start.map(u64::from));
        out.optional_number(self.basetime.map(|time| time.0));
        out.number(self.since.0);
    }

    pub(crate) fn read(reader: &mut Reader<'_>, offer: &Offer) -> Result<Self, Error> {
        let recurrence = offer.recurrence().ok_or_else(invalid)?;
        let nonce = reader.optional()?;
        let counter = small(reader.number()?)?;
        let start = reader.optional_number()?.map(small).transpose()?;
        let basetime = reader.optional_number()?.map(UnixTime);
        let request = RecurrenceRequest { counter, start, cancel: false };
        let (since, tolerance) = (UnixTime(reader.number()?), clock_tolerance(&recurrence));
        Ok(Self { nonce, request, basetime, since, tolerance })
    }
}

/// A saved number of 32 bits.
pub(crate) fn small(number: u64) -> Result<u32, Error> {
    u32::try_from(number).map_err(|_| invalid())
}
