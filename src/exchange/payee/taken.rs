//! The payments that were taken: the one thing that a payee has to remember (EXC-22).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::payee::expected::ExpectedPayment;
use crate::exchange::payee::keys::Payee;
use crate::exchange::saved::{Kind, Reader, Writer};
use crate::units::UnixTime;

/// The payments that were taken, kept until their invoices have expired: 24 bytes each.
///
/// After a payment was taken, the nodes along its path know the preimage, and could keep the money of a second one. And
/// several invoices for one request have different payment hashes. So take every payment through this value: it refuses
/// a payment that was taken before, and a payment of another invoice for the same request.
///
/// ```
/// # use bolt12::exchange::{Payee, TakenPayments};
/// # use bolt12::{Error, Msat, Preimage, UnixTime, bitcoin::hashes::sha256};
/// # fn settle(payee: &Payee, taken: &mut TakenPayments, hash: sha256::Hash, path_id: &[u8], received: Msat, now: UnixTime)
/// # -> Result<Option<Preimage>, Error> {
/// // The node holds a payment, and says what came with it.
/// let Some(expected) = payee.expected_payment(hash, path_id) else { return Ok(None) };
/// expected.check(received, now)?; // else fail the payment
/// taken.take(&expected, now)?; // save `taken.to_bytes(payee)` before the next line
/// Ok(Some(expected.preimage)) // settle it
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenPayments {
    /// When the invoice of a request that was paid has expired.
    until: BTreeMap<[u8; 16], UnixTime>,
}

impl TakenPayments {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a payment. Save this value before you reveal the preimage. Expired entries are forgotten.
    ///
    /// If a payer may pay several invoices of one request, for example of a request that is used many times, decide by
    /// the payment hash yourself instead.
    ///
    /// # Errors
    ///
    /// `AlreadyTaken` if this payment was taken before, or one of another invoice for the same request. `Expired`,
    /// because an expired payment would be forgotten.
    pub fn take(&mut self, payment: &ExpectedPayment, now: UnixTime) -> Result<(), Error> {
        let at = payment.expires_at;
        if now > at {
            return Err(Error::of(Field::INVOICE_CREATED_AT, ErrorKind::Expired { at }, Rule::Ivr4));
        }
        self.until.retain(|_, until| now <= *until);
        let until = self.until.entry(payment.sale.request_id).or_insert(UnixTime(0));
        if until.0 > 0 {
            // A later invoice for the request is refused for as long as it can be paid, too.
            *until = (*until).max(at);
            return Err(Error::of(Field::INVOICE_PAYMENT_HASH, ErrorKind::AlreadyTaken, Rule::Exc22));
        }
        *until = at;
        Ok(())
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.until.len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.until.is_empty()
    }

    /// All of it as bytes, which [`Payee::load_taken`] reads.
    pub fn to_bytes(&self, payee: &Payee) -> Vec<u8> {
        let mut out = Writer::new(Kind::Taken);
        out.number(self.until.len() as u64);
        for (request_id, until) in &self.until {
            out.array(*request_id);
            out.number(until.0);
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
            let mut until = BTreeMap::new();
            for _ in 0..reader.number()? {
                until.insert(reader.array()?, UnixTime(reader.number()?));
            }
            Ok(TakenPayments { until })
        })
    }
}
