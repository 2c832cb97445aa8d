//! The payments that were taken: the one thing that a payee has to remember (EXC-22).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use bitcoin::hashes::{Hash as _, HashEngine as _, sha256};

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::payee::expected::ExpectedPayment;
use crate::exchange::payee::keys::Payee;
use crate::exchange::saved::{Kind, Reader, Writer};
use crate::units::UnixTime;

/// The payments that were taken, kept until a day after their invoices have expired: 40 bytes each.
///
/// After a payment was taken, the nodes along its path know the preimage, and could keep the money of a second one. And
/// several invoices for one request have different payment hashes. So take every payment through this value: it refuses
/// a payment that was taken before, and a payment of another invoice for the same request.
///
/// After a restart, for example, a node reports again the payments that it still holds. Such a payment is not a second
/// one: it is recognised by the node's id of it, and settled.
///
/// ```
/// # use bolt12::exchange::{Payee, TakenPayments};
/// # use bolt12::{Error, Msat, Preimage, UnixTime, bitcoin::hashes::sha256};
/// # fn settle(payee: &Payee, taken: &mut TakenPayments, hash: sha256::Hash, path_id: &[u8], id: &[u8], received: Msat, now: UnixTime)
/// # -> Result<Option<Preimage>, Error> {
/// // The node holds a payment, says what came with it, and what it calls it: LDK's `payment_id`, for example.
/// let Some(expected) = payee.expected_payment(hash, path_id) else { return Ok(None) };
/// if !taken.has(&expected, id) {
///     expected.check(received, now)?; // else fail the payment
///     taken.take(&expected, id, now)?; // save `taken.to_bytes(payee)` before the next line
/// }
/// Ok(Some(expected.preimage)) // settle it
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenPayments {
    /// By the id of the request.
    requests: BTreeMap<[u8; 16], TakenPayment>,
}

/// The payment that was taken for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TakenPayment {
    id: IncomingId,
    /// When the last of the request's invoices that came to be paid has expired.
    until: UnixTime,
}

/// Which incoming payment it is, to the node that holds it.
pub(crate) type IncomingId = [u8; 16];

/// What the node calls a payment, and what was paid.
pub(crate) fn incoming_id(payment: &ExpectedPayment, id: &[u8]) -> IncomingId {
    let mut engine = sha256::Hash::engine();
    engine.input(&payment.payment_hash()[..]);
    engine.input(id);
    let hash = sha256::Hash::from_engine(engine).to_byte_array();
    hash.first_chunk().copied().unwrap_or_default()
}

/// For how many seconds after the expiry of its invoice a node may still say again what it holds.
const HELD_FOR: u64 = 86_400;

impl TakenPayments {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether this very payment was taken before: then the node reports it again, so settle it. `id` is the node's id
    /// of the payment: any bytes that are the same when it is reported again, and different for a second payment with
    /// the same hash. LDK has a `payment_id`; elsewhere use the channels and the numbers of its HTLCs.
    pub fn has(&self, payment: &ExpectedPayment, id: &[u8]) -> bool {
        let taken = self.requests.get(&payment.sale.request_id);
        taken.is_some_and(|taken| taken.id == incoming_id(payment, id))
    }

    /// Takes the payment that the node calls `id`. Save this value before you reveal the preimage. Taking the same
    /// payment again changes nothing. Expired entries are forgotten.
    ///
    /// If a payer may pay several invoices of one request, for example of a request that is used many times, decide by
    /// the payment hash yourself instead.
    ///
    /// # Errors
    ///
    /// `AlreadyTaken` if another payment of this invoice, or of another invoice for the same request, was taken before.
    /// `Expired`, because an expired payment would be forgotten.
    pub fn take(&mut self, payment: &ExpectedPayment, id: &[u8], now: UnixTime) -> Result<(), Error> {
        if self.has(payment, id) {
            return Ok(());
        }
        let at = payment.expires_at;
        if now > at {
            return Err(Error::of(Field::INVOICE_CREATED_AT, ErrorKind::Expired { at }, Rule::Ivr4));
        }
        self.requests.retain(|_, taken| now.0 <= taken.until.0.saturating_add(HELD_FOR));
        if let Some(taken) = self.requests.get_mut(&payment.sale.request_id) {
            // A later invoice for the request is refused for as long as it can be paid, too.
            taken.until = taken.until.max(at);
            return Err(Error::of(Field::INVOICE_PAYMENT_HASH, ErrorKind::AlreadyTaken, Rule::Exc22));
        }
        let taken = TakenPayment { id: incoming_id(payment, id), until: at };
        self.requests.insert(payment.sale.request_id, taken);
        Ok(())
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.requests.len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// All of it as bytes, which [`Payee::load_taken`] reads.
    pub fn to_bytes(&self, payee: &Payee) -> Vec<u8> {
        let mut out = Writer::new(Kind::Taken);
        out.number(self.requests.len() as u64);
        for (request_id, taken) in &self.requests {
            out.array(*request_id);
            out.array(taken.id);
            out.number(taken.until.0);
        }
        out.finish(payee.states())
    }
}

impl Payee {
    /// Loads what [`TakenPayments::to_bytes`] saved.
    ///
    /// # Errors
    ///
    /// As for [`Payer::load`](crate::exchange::Payer::load).
    pub fn load_taken(&self, bytes: &[u8]) -> Result<TakenPayments, Error> {
        Reader::load(bytes, Kind::Taken, self.states(), |reader| {
            let mut requests = BTreeMap::new();
            for _ in 0..reader.number()? {
                let (request_id, id) = (reader.array()?, reader.array()?);
                requests.insert(request_id, TakenPayment { id, until: UnixTime(reader.number()?) });
            }
            Ok(TakenPayments { requests })
        })
    }
}
