//! What a payee is told about a subscription, and what it has to be told.

use alloc::boxed::Box;

use crate::exchange::payee::accepted::Accepted;
use crate::exchange::payee::received::ReceivedRequest;
use crate::exchange::payee::terms::Terms;
use crate::exchange::recurring::Period;
use crate::exchange::refused::Refused;
use crate::invoice_request::{PaidPeriod, RecurrenceContext, SubscriptionKey};
use crate::recurrence::RecurrenceRequest;

impl ReceivedRequest {
    /// Which payment of a subscription is asked for; `None` if it is a single payment, to be [accepted](Self::accept)
    /// as such.
    ///
    /// The subscription is that of its [key](Self::subscription_key): nobody else can sign for it.
    pub fn recurrence(&self) -> Option<RecurrenceRequest> {
        self.request().recurrence()
    }

    /// Which subscription the request belongs to: what is kept of one is kept under this.
    pub fn subscription_key(&self) -> Option<SubscriptionKey> {
        self.request().subscription_key()
    }

    /// Whether the request cancels its subscription (REC-11): send nothing, and note it under the
    /// [key](Self::subscription_key), but only if the payment with the counter before was made. Otherwise drop it:
    /// anybody can cancel what never began, and there would be no end of notes.
    ///
    /// It is signed with the key of the payments before, so nobody else can have sent it.
    pub fn cancels(&self) -> bool {
        self.recurrence().is_some_and(|request| request.cancel)
    }

    /// Accepts a request of a subscription, with what the caller remembers of it: whether the payment before this one
    /// was made ([`Accepted::paid_period`]), whether this one was, and whether the subscription was cancelled.
    ///
    /// [`Subscribers`](crate::exchange::Subscribers) keeps what has to be known, and has an example of the whole way.
    /// Anyone who keeps it in a database of its own notes, when the money comes, under the
    /// [key](Self::subscription_key): the counter that was paid last, and its [`paid_period`](Accepted::paid_period);
    /// and that a subscription was [cancelled](Self::cancels). A period is paid once: that is decided when the money
    /// comes, not when the invoice is made, since several invoices for it can be open. It can all be dropped when the
    /// pay window of the period after the last one has ended, since nothing that follows it is accepted any more; a
    /// request for counter 0, of an offer without base, then begins the subscription anew.
    ///
    /// # Errors
    ///
    /// A refusal as for [`accept`](Self::accept), but that an offer which was begun in time may have expired (REC-13).
    /// `IsNotRecurring` (REC-3) for a single payment, `AlreadyPaid` (REC-3), `PreviousUnpaid` (REC-7), `Differs` if the
    /// subscription started with another period (REC-4), `TooEarly` and `TooLate` (REC-6, REC-8), and, with no answer,
    /// `Cancelled` (REC-11).
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
    /// What to remember when the invoice is paid, under the request's [key](crate::InvoiceRequest::subscription_key)
    /// and counter: the [`previous`](RecurrenceContext::previous) of the payment after it. Nothing for a single
    /// payment.
    pub fn paid_period(&self) -> Option<PaidPeriod> {
        let start = self.request().recurrence()?.start;
        self.period().map(|period| PaidPeriod { basetime: period.basetime(self.created_at()), start })
    }
}
