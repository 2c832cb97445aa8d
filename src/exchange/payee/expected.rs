//! The payment that a payee expects, which need not be stored.

use core::fmt;

use alloc::vec::Vec;

use bitcoin::hashes::sha256;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::payee::keys::Payee;
use crate::exchange::payee::sale::Sale;
use crate::exchange::payer::limit::is_off;
use crate::field::{OfferAmount, Rate};
use crate::payer_proof::Preimage;
use crate::units::{Msat, UnixTime};

/// The bytes in the last hop of an invoice's paths. By them its maker recognises the payment, and what was sold.
///
/// They are 141 to 238 bytes, of which at most 64 are the application's. Over a path through one peer, the payment
/// onion of 1300 bytes then has room for ten hops before it. A payer that [identifies itself](crate::guide::contacts)
/// makes it up to 571 bytes: then give the path an [unpadded end](crate::onion::PaymentPathBuilder::unpadded_end),
/// which leaves room for eight. Only the maker can read them, and `Debug` does not show them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PaymentPathId(pub Vec<u8>);

impl AsRef<[u8]> for PaymentPathId {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for PaymentPathId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PaymentPathId(..)")
    }
}

/// The payment that an invoice asks for.
///
/// It follows from the request, the amount and the time, so replicas agree on it (EXC-2). With the payee's secret it is
/// found again when the payment arrives, from the payment hash and the path id: see [`Payee::expected_payment`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpectedPayment {
    /// The path id for the blinded paths of the invoice.
    pub path_id: PaymentPathId,
    /// The amount due.
    pub amount: Msat,
    /// The last second in which it may be paid.
    pub expires_at: UnixTime,
    /// The preimage, which the payer gets in exchange. Nobody may know it before.
    pub preimage: Preimage,
    /// What was sold.
    pub sale: Sale,
}

impl ExpectedPayment {
    pub(crate) fn new(payee: &Payee, sale: Sale, amount: Msat, expires_at: UnixTime) -> Self {
        let path_id = sale.seal(payee, amount, expires_at);
        let preimage = Preimage(payee.preimages().mac(&[&path_id]));
        Self { path_id: PaymentPathId(path_id), amount, expires_at, preimage, sale }
    }

    /// The invoice's payment hash.
    pub fn payment_hash(&self) -> sha256::Hash {
        self.preimage.payment_hash()
    }

    /// Whether to take this amount, which is the sum of all parts, now.
    ///
    /// This does not check whether it was taken before: see [`TakenPayments`](crate::exchange::TakenPayments).
    ///
    /// # Errors
    ///
    /// `Expired` (IVR-4), `AmountTooLow` for less than is due, and `AmountTooHigh` for more than twice that (BOLT 4).
    pub fn check(&self, received: Msat, now: UnixTime) -> Result<(), Error> {
        if now > self.expires_at {
            let kind = ErrorKind::Expired { at: self.expires_at };
            return Err(Error::of(Field::INVOICE_CREATED_AT, kind, Rule::Ivr4));
        }
        let max = Msat(self.amount.0.saturating_mul(2));
        let kind = match received {
            _ if received < self.amount => ErrorKind::AmountTooLow { min: self.amount },
            _ if received > max => ErrorKind::AmountTooHigh { max },
            _ => return Ok(()),
        };
        Err(Error::of(Field::INVOICE_AMOUNT, kind, Rule::Exc22))
    }

    /// Whether the amount is still the price at the payee's current rate, with at most this difference in basis points,
    /// in either direction (EXC-9). Always true without a price in a currency.
    ///
    /// # Errors
    ///
    /// `OffPrice`, `WrongCurrency` for the rate of another currency, `Overflow`.
    pub fn check_price(&self, rate: Rate, basis_points: u32) -> Result<(), Error> {
        let Some((currency, amount)) = self.sale.price else { return Ok(()) };
        let estimate = rate.convert(OfferAmount::Currency { currency, amount })?;
        if is_off(self.amount, estimate, basis_points) {
            return Err(Error::of(Field::INVOICE_AMOUNT, ErrorKind::OffPrice { estimate }, Rule::Exc9));
        }
        Ok(())
    }
}

impl Payee {
    /// Recognises a payment that has arrived, and what was sold, by the payment hash and the path id in the last hop
    /// (EXC-22). Then [check](ExpectedPayment::check) it, and [take it once](crate::exchange::TakenPayments::take).
    ///
    /// `None` if the invoice was not made with an [`ExpectedPayment`] of this payee.
    pub fn expected_payment(&self, payment_hash: sha256::Hash, path_id: &[u8]) -> Option<ExpectedPayment> {
        // Nobody else knows a preimage for a path id, so the hash that was paid proves every byte of it.
        let preimage = Preimage(self.preimages().mac(&[path_id]));
        if preimage.payment_hash() != payment_hash {
            return None;
        }
        let (sale, amount, expires_at) = Sale::open(self, path_id)?;
        Some(ExpectedPayment { path_id: PaymentPathId(path_id.to_vec()), amount, expires_at, preimage, sale })
    }
}
