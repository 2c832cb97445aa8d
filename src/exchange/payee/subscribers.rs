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
    /// Which payment of a subscription is asked for; nothing if it is a single payment, to be
    /// [accepted](Self::accept) as such.
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
    /// An issuer needs to keep, under the [key](Self::subscription_key):
    ///
    /// - for each invoice, from when it is sent until it expires, which subscription and counter it is for, and its
    ///   [`paid_period`](Accepted::paid_period);
    /// - of the payment that was made last, from when the money comes, its counter and that `paid_period`: all before it
    ///   were paid, too. It can be dropped when the pay window of the period after it is over, since nothing that follows
    ///   it is accepted any more; what is forgotten then is that counter 0 was paid, so that a request for it, of an
    ///   offer without base, begins the subscription anew;
    /// - that the subscription was [cancelled](Self::cancels), for as long.
    ///
    /// ```
    /// # use std::collections::{BTreeMap, BTreeSet};
    /// # use bolt12::bitcoin::hashes::sha256;
    /// # use bolt12::exchange::{IncomingMessage, Payee, OutgoingMessage, Refused, Terms};
    /// # use bolt12::{BlindedPath, PaidPeriod, PayInfo, RecurrenceContext, SubscriptionKey};
    /// #[derive(Default)]
    /// struct Subscribers {
    ///     invoiced: BTreeMap<sha256::Hash, (SubscriptionKey, u32, PaidPeriod)>,
    ///     paid: BTreeMap<SubscriptionKey, (u32, PaidPeriod)>,
    ///     cancelled: BTreeSet<SubscriptionKey>,
    /// }
    ///
    /// # fn answer(issuer: &Payee, subscribers: &mut Subscribers, incoming: IncomingMessage, terms: &Terms<'_>,
    /// #     path: BlindedPath<'static>, payinfo: &PayInfo<'_>) -> Result<Option<OutgoingMessage>, Box<Refused>> {
    /// let received = issuer.receive(incoming)?;
    /// let (Some(key), Some(asked)) = (received.subscription_key(), received.recurrence()) else {
    ///     return Ok(None); // a single payment: accept it as one
    /// };
    /// let last = subscribers.paid.get(&key);
    /// let previous = last.filter(|(counter, _)| counter.checked_add(1) == Some(asked.counter));
    /// if received.cancels() {
    ///     if previous.is_some() {
    ///         subscribers.cancelled.insert(key);
    ///     }
    ///     return Ok(None);
    /// }
    /// let context = RecurrenceContext {
    ///     previous: previous.map(|(_, period)| *period),
    ///     is_paid: last.is_some_and(|(counter, _)| asked.counter <= *counter),
    ///     is_cancelled: subscribers.cancelled.contains(&key),
    /// };
    /// let accepted = received.accept_recurring(terms, &context)?;
    /// let expected = accepted.expected_payment();
    /// if let Some(period) = accepted.paid_period() {
    ///     subscribers.invoiced.insert(expected.payment_hash(), (key, asked.counter, period));
    /// }
    /// let invoice = accepted.invoice(expected.payment_hash()).add_path(path, payinfo).build()?;
    /// Ok(Some(accepted.answer(accepted.sign(invoice)?)?))
    /// # }
    ///
    /// # fn is_paid(subscribers: &mut Subscribers, payment_hash: &sha256::Hash) {
    /// // When the money comes:
    /// if let Some((key, counter, period)) = subscribers.invoiced.remove(payment_hash) {
    ///     let last = subscribers.paid.entry(key).or_insert((counter, period));
    ///     if last.0 < counter {
    ///         *last = (counter, period);
    ///     }
    /// }
    /// # }
    /// ```
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
    /// What to remember when the invoice is paid, under the request's [key](crate::InvoiceRequest::subscription_key) and
    /// counter: the [`previous`](RecurrenceContext::previous) of the payment after it. Nothing for a single payment.
    pub fn paid_period(&self) -> Option<PaidPeriod> {
        let start = self.request().recurrence()?.start;
        self.period().map(|period| PaidPeriod { basetime: period.basetime(self.created_at()), start })
    }
}
