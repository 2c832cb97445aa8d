//! Requests that belong to a subscription.

use secp256k1::PublicKey;

use super::accepted::{AcceptedRequest, PeriodTerms};
use super::check::Terms;
use super::{InvoiceRequest, InvoiceRequestBuilder, RequestContext, RequestFields};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::recurrence::{self, RecurrenceRequest};
use crate::signature::OfferId;
use crate::units::UnixTime;

impl RequestFields {
    /// `invreq_recurrence_counter`, `invreq_recurrence_start` and `invreq_recurrence_cancel`
    ///
    /// Which payment of a subscription the request is for; `None` if it is for a single payment. In a payer proof, a
    /// hidden field reads as an absent one.
    pub fn recurrence(&self) -> Option<RecurrenceRequest> {
        RecurrenceRequest::of(self.tlvs())
    }

    /// `invreq_recurrence_start`
    ///
    /// The same as in [`recurrence`](Self::recurrence), also where a payer proof hides the rest.
    pub fn recurrence_start(&self) -> Option<u32> {
        recurrence::start(self.tlvs())
    }
}

impl InvoiceRequestBuilder<'_> {
    /// Which payment of a subscription the request is for, or that it cancels one, in place of what was said of it
    /// before.
    ///
    /// An offer whose recurrence is compulsory needs it (REC-3). Every request of a subscription has the same payer
    /// id; the first has counter 0.
    pub fn recurrence(mut self, recurrence: RecurrenceRequest) -> Self {
        self.custom.replace(recurrence::FIELDS, &recurrence::REQUEST_TYPES, recurrence.to_fields());
        self
    }
}

/// A payment of a subscription that was made: what its invoice said of recurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PaidPeriod {
    /// `invoice_recurrence_basetime`: when period 0 started.
    pub basetime: UnixTime,
    /// `invreq_recurrence_start`: the number of the period that was paid first.
    pub start: Option<u32>,
}

/// Which subscription a request belongs to, for an issuer: whatever it remembers of one is kept under this, and what
/// was paid, under this and the counter.
///
/// A payer id alone is not enough. Anyone who pays for a cheap offer can use the same payer id for another one, and the
/// periods of the one are not those of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionKey {
    /// Which offer is subscribed to.
    pub offer_id: OfferId,
    /// Who does: one key for all payments, which signs the requests for them.
    pub payer_id: PublicKey,
}

impl SubscriptionKey {
    /// 65 bytes, for a database: the offer's id, then the payer's.
    pub fn to_bytes(self) -> [u8; 65] {
        let mut bytes = [0; 65];
        let (offer_id, payer_id) = bytes.split_at_mut(32);
        offer_id.copy_from_slice(&self.offer_id.to_byte_array());
        payer_id.copy_from_slice(&self.payer_id.serialize());
        bytes
    }
}

/// What an issuer knows of a subscription when a request for it arrives: what it kept under the
/// [key](InvoiceRequest::subscription_key) of that subscription. Every field is asked for, so that none is forgotten.
#[derive(Clone, Copy, Debug)]
pub struct RecurrenceContext {
    /// The payment with the counter before this request's, if it was made.
    pub previous: Option<PaidPeriod>,
    /// Whether the payment with this request's very counter was made: nobody pays twice for one period (REC-3).
    pub is_paid: bool,
    /// Whether the subscription was cancelled (REC-11).
    pub is_cancelled: bool,
}

impl InvoiceRequest {
    /// Which subscription the request belongs to; `None` if it is for a single payment.
    pub fn subscription_key(&self) -> Option<SubscriptionKey> {
        self.recurrence()?;
        Some(SubscriptionKey { offer_id: self.offer().id()?, payer_id: self.payer_id() })
    }

    /// Checks a request of a subscription: what [`accept`](Self::accept) checks, but for the expiry of an offer that
    /// was begun in time (REC-13); that the period before was paid and this one was not, and nothing was cancelled; and
    /// that this one can be paid now, for what is left of it.
    ///
    /// # Errors
    ///
    /// As for [`accept`](Self::accept); `IsNotRecurring` without a counter (REC-3), `Cancelled` (REC-11) if the
    /// subscription was cancelled or the request does so, `AlreadyPaid` (REC-3), `PreviousUnpaid` (REC-7), `Differs` if
    /// the subscription started with another period (REC-4), `TooEarly` and `TooLate` (REC-6, REC-8), `Overflow`.
    ///
    /// A request that cancels gets no answer: when [`recurrence`](RequestFields::recurrence) says that it does, note
    /// that, and send nothing.
    pub fn accept_recurring(
        &self,
        context: &RequestContext<'_>,
        subscription: &RecurrenceContext,
    ) -> Result<AcceptedRequest<'_>, Error> {
        self.check_offer(context.offer)?;
        self.accept_recurring_own(&context.terms(), subscription)
    }

    /// The same for a request whose offer is known to be ours.
    pub(crate) fn accept_recurring_own(
        &self,
        terms: &Terms<'_>,
        subscription: &RecurrenceContext,
    ) -> Result<AcceptedRequest<'_>, Error> {
        let (Some(offer), Some(request)) = (self.offer().recurrence(), self.recurrence()) else {
            return Err(Error::of(Field::INVREQ_RECURRENCE_COUNTER, ErrorKind::IsNotRecurring, Rule::Rec3));
        };
        // REC-11
        if subscription.is_cancelled || request.cancel {
            // No field is named: there is no answer.
            return Err(Error::new(ErrorKind::Cancelled, Rule::Rec11));
        }
        let node_id = self.signer(terms.arrival)?;
        self.check_chain(terms.chains)?;
        // REC-3
        if subscription.is_paid {
            return Err(Error::of(Field::INVREQ_RECURRENCE_COUNTER, ErrorKind::AlreadyPaid, Rule::Rec3));
        }
        let base = offer.base.map(|base| base.basetime);
        let basetime = match (request.counter, subscription.previous) {
            // REC-13
            (0, _) => {
                self.offer().check_expiry(terms.now)?;
                base
            }
            // REC-7
            (_, None) => {
                return Err(Error::of(Field::INVREQ_RECURRENCE_COUNTER, ErrorKind::PreviousUnpaid, Rule::Rec7));
            }
            // REC-4
            (_, Some(previous)) if previous.start != request.start => {
                return Err(Error::of(Field::INVREQ_RECURRENCE_START, ErrorKind::Differs, Rule::Rec4));
            }
            (_, Some(previous)) => Some(base.unwrap_or(previous.basetime)),
        };
        let (start, index) = (basetime.unwrap_or(terms.now), request.period_index());
        offer.check_pay_window(start, index, terms.now)?;
        let left = |full| offer.amount_left(full, start, index, terms.now);
        let due = self.due(terms.rate)?.map(left).transpose()?;
        let amount = self.accept_amount(terms, due)?;
        let until = match basetime {
            Some(_) => *offer.pay_window(start, index)?.end(),
            None => offer.first_invoice_until(start)?,
        };
        Ok(AcceptedRequest::new(self, amount, node_id).on(PeriodTerms { basetime, until, due }))
    }
}
