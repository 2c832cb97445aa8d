//! What an issuer of subscriptions has to remember: what was paid, and who cancelled.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use secp256k1::PublicKey;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::payee::expected::ExpectedPayment;
use crate::exchange::payee::keys::Payee;
use crate::exchange::payee::received::ReceivedRequest;
use crate::exchange::payee::taken::{IncomingId, incoming_id};
use crate::exchange::saved::{Kind, Reader, Writer, invalid};
use crate::invoice_request::{PaidPeriod, RecurrenceContext, SubscriptionKey};
use crate::signature::OfferId;
use crate::units::UnixTime;

/// The subscriptions of which something was paid: 116 bytes each.
///
/// A request costs nothing here, however many there are: an entry begins with the first payment, whose invoice brings
/// with it [what was sold](crate::exchange::Sale). That a period is paid once is decided when the money comes
/// ([`take`](Self::take)), since several invoices for it can be open.
///
/// ```
/// # use bolt12::exchange::{Accepted, ExpectedPayment, IncomingMessage, OutgoingMessage, Payee, Refused, Subscribers};
/// # use bolt12::exchange::{TakenPayments, Terms};
/// # use bolt12::{BlindedPath, Error, Msat, PayInfo, Preimage, UnixTime};
/// /// A request came.
/// fn answer(
///     payee: &Payee,
///     subscribers: &mut Subscribers,
///     request: IncomingMessage,
///     terms: &Terms<'_>,
///     invoice: impl Fn(&Accepted, &ExpectedPayment) -> Result<OutgoingMessage, Error>, // with paths that hold its path id
/// ) -> Result<Option<OutgoingMessage>, Box<Refused>> {
///     let received = payee.receive(request)?;
///     if received.cancels() {
///         subscribers.cancel(&received);
///         return Ok(None);
///     }
///     let accepted = match subscribers.context(&received) {
///         Some(context) => received.accept_recurring(terms, &context)?,
///         None => received.accept(terms)?, // a single payment
///     };
///     let expected = accepted.expected_payment();
///     Ok(Some(invoice(&accepted, &expected)?))
/// }
///
/// /// The node holds a payment.
/// fn settle(
///     expected: &ExpectedPayment,
///     subscribers: &mut Subscribers,
///     taken: &mut TakenPayments,
///     id: &[u8], // what the node calls it
///     received: Msat,
///     now: UnixTime,
/// ) -> Result<Preimage, Error> {
///     if !taken.has(expected, id) {
///         expected.check(received, now)?;
///         subscribers.take(expected, id)?; // refuses a period that was paid
///         taken.take(expected, id, now)?;
///     }
///     Ok(expected.preimage) // once both are saved
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscribers(BTreeMap<SubscriptionKey, Subscriber>);

/// What is known of one subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Subscriber {
    /// The counter of the payment that was made last. All before it were made, too.
    counter: u32,
    period: PaidPeriod,
    /// The last second of the pay window of the period that was paid last.
    until: UnixTime,
    is_cancelled: bool,
    /// The payment for it, to the node.
    paid_with: IncomingId,
}

impl Subscribers {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What [`accept_recurring`](ReceivedRequest::accept_recurring) has to know; nothing for a request of a single
    /// payment.
    pub fn context(&self, request: &ReceivedRequest) -> Option<RecurrenceContext> {
        let asked = request.recurrence()?;
        let known = self.known(request);
        let previous = known.filter(|known| known.counter.checked_add(1) == Some(asked.counter));
        Some(RecurrenceContext {
            previous: previous.map(|known| known.period),
            is_paid: known.is_some_and(|known| asked.counter <= known.counter),
            is_cancelled: known.is_some_and(|known| known.is_cancelled),
        })
    }

    fn known(&self, request: &ReceivedRequest) -> Option<&Subscriber> {
        self.0.get(&request.subscription_key()?)
    }

    /// Notes that a request [cancels](ReceivedRequest::cancels) its subscription (REC-11), if the payment before it was
    /// made: what never began leaves no note. Returns whether anything was noted.
    pub fn cancel(&mut self, request: &ReceivedRequest) -> bool {
        let Some(asked) = request.recurrence().filter(|asked| asked.cancel) else { return false };
        let Some(key) = request.subscription_key() else { return false };
        let known = self.0.get_mut(&key).filter(|known| known.counter.checked_add(1) == Some(asked.counter));
        known.is_some_and(|known| !core::mem::replace(&mut known.is_cancelled, true))
    }

    /// Notes that a period was paid, with what the node [calls](crate::exchange::TakenPayments::has) the payment. Do it
    /// before the preimage is given away. The same payment again changes nothing. Single payments are not noted.
    ///
    /// # Errors
    ///
    /// `AlreadyPaid` for a period that was paid, with whatever invoice, and `PreviousUnpaid` for one before whose
    /// predecessor (REC-7): fail the payment, so that the money goes back.
    pub fn take(&mut self, payment: &ExpectedPayment, id: &[u8]) -> Result<(), Error> {
        let Some(sold) = payment.sale.period else { return Ok(()) };
        let key = SubscriptionKey { offer_id: payment.sale.offer_id, payer_id: payment.sale.payer_id };
        let refused = |kind| Err(Error::of(Field::INVREQ_RECURRENCE_COUNTER, kind, Rule::Rec7));
        let (paid, paid_with) = (self.0.get(&key), incoming_id(payment, id));
        if paid.is_some_and(|paid| paid.paid_with == paid_with) {
            return Ok(());
        }
        match paid.map(|paid| paid.counter) {
            Some(last) if sold.counter <= last => return refused(ErrorKind::AlreadyPaid),
            last if sold.counter != last.map_or(0, |last| last.saturating_add(1)) => {
                return refused(ErrorKind::PreviousUnpaid);
            }
            _ => {}
        }
        let period = PaidPeriod { basetime: sold.basetime, start: sold.start };
        let is_cancelled = paid.is_some_and(|paid| paid.is_cancelled);
        let known = Subscriber { counter: sold.counter, period, until: sold.until, is_cancelled, paid_with };
        self.0.insert(key, known);
        Ok(())
    }

    /// Forgets the subscriptions whose last payment was for a period that could be paid until before this time. Choose
    /// a time so long ago that the period after it cannot be paid any more either: who is forgotten begins anew.
    pub fn forget_before(&mut self, time: UnixTime) {
        self.0.retain(|_, known| known.until >= time);
    }

    /// The subscriptions of which something was paid, and that were not cancelled.
    pub fn keys(&self) -> impl Iterator<Item = SubscriptionKey> + '_ {
        self.0.iter().filter(|(_, known)| !known.is_cancelled).map(|(key, _)| *key)
    }

    /// All of it as bytes, which [`Payee::load_subscribers`] reads.
    pub fn to_bytes(&self, payee: &Payee) -> Vec<u8> {
        let mut out = Writer::new(Kind::Subscribers);
        out.number(self.0.len() as u64);
        for (key, known) in &self.0 {
            out.array(key.to_bytes());
            out.array(known.counter.to_be_bytes());
            out.number(known.period.basetime.0);
            out.optional(known.period.start.map(u32::to_be_bytes));
            out.number(known.until.0);
            out.flag(known.is_cancelled);
            out.array(known.paid_with);
        }
        out.finish(payee.states())
    }
}

impl Payee {
    /// Loads what [`Subscribers::to_bytes`] saved.
    ///
    /// # Errors
    ///
    /// As for [`Payer::load`](crate::exchange::Payer::load).
    pub fn load_subscribers(&self, bytes: &[u8]) -> Result<Subscribers, Error> {
        Reader::load(bytes, Kind::Subscribers, self.states(), |reader| {
            let mut subscribers = BTreeMap::new();
            for _ in 0..reader.number()? {
                let offer_id = OfferId::from_byte_array(reader.array()?);
                let payer_id = PublicKey::from_slice(&reader.array::<33>()?).map_err(|_| invalid())?;
                let counter = u32::from_be_bytes(reader.array()?);
                let basetime = UnixTime(reader.number()?);
                let start = reader.optional()?.map(u32::from_be_bytes);
                let (until, is_cancelled) = (UnixTime(reader.number()?), reader.flag()?);
                let period = PaidPeriod { basetime, start };
                let known = Subscriber { counter, period, until, is_cancelled, paid_with: reader.array()? };
                subscribers.insert(SubscriptionKey { offer_id, payer_id }, known);
            }
            Ok(Subscribers(subscribers))
        })
    }
}
