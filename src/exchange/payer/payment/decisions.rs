//! What whoever owns the money decides, and what the node says of it.

use alloc::boxed::Box;

use bitcoin::hashes::sha256;
use secp256k1::PublicKey;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::end::EndReason;
use crate::exchange::payer::payment::{Payment, Phase};
use crate::exchange::payer::purpose::Purpose;
use crate::invoice::Invoice;
use crate::payer_proof::Preimage;
use crate::units::UnixTime;

/// How many claims of a refund can be declined before it ends.
const MAX_DECLINED: usize = 100;

impl Payment {
    /// Begins to pay what was quoted: the quote with this payment hash, which is the one that was shown to whoever
    /// decided. [Save](Self::to_bytes) the payment now, and only then pay ([`State::Paying`](crate::exchange::State::Paying)): after a crash the
    /// saved state says that the money may be on its way.
    ///
    /// # Errors
    ///
    /// `WrongState` without that quote, or after the deadline; `Expired` for a quote that went stale (IVR-4):
    /// [poll](Self::poll) asks for another.
    pub fn begin(&mut self, payment_hash: sha256::Hash, now: UnixTime) -> Result<(), Error> {
        let Phase::Quoted(invoice) = &self.phase else { return Err(self.wrong_state()) };
        if invoice.payment_hash() != payment_hash || now > self.bounds.deadline {
            return Err(self.wrong_state());
        }
        let at = self.quoted_until(invoice);
        if now > at {
            return Err(Error::of(Field::INVOICE_CREATED_AT, ErrorKind::Expired { at }, Rule::Ivr4));
        }
        self.phase = Phase::Paying(invoice.clone());
        Ok(())
    }

    /// The payment was made. Saying it twice does no harm, and it is never too late: also a payment that was said to
    /// have [failed](Self::failed) is paid if this is its preimage.
    ///
    /// # Errors
    ///
    /// `WrongState` if nothing was quoted, `WrongPreimage`, and `AlreadyAnswered` for the preimage of another invoice than
    /// the one that is known to be paid: then money was sent twice, because a payment was said to have failed that had
    /// not.
    pub fn paid(&mut self, preimage: Preimage) -> Result<(), Error> {
        let hash = preimage.payment_hash();
        let is_paid = |invoice: &&Invoice| invoice.payment_hash() == hash;
        let present = match &self.phase {
            Phase::Paid(invoice, _) if is_paid(&invoice.as_ref()) => return Ok(()),
            Phase::Quoted(invoice) | Phase::Paying(invoice) | Phase::Paid(invoice, _) => Some(invoice.as_ref()),
            Phase::Asking | Phase::Ended(_) => None,
        };
        if present.is_none() && self.begun.is_empty() {
            return Err(self.wrong_state());
        }
        match present.into_iter().chain(&self.begun).find(is_paid) {
            None => Err(Error::of(Field::PROOF_PREIMAGE, ErrorKind::WrongPreimage, Rule::Exc4)),
            // The receipt that there is stays.
            Some(_) if matches!(self.phase, Phase::Paid(..)) => Err(Error::new(ErrorKind::AlreadyAnswered, Rule::Exc4)),
            Some(invoice) => {
                let paid = Phase::Paid(Box::new(invoice.clone()), preimage);
                let before = core::mem::replace(&mut self.phase, paid);
                // What is on its way beside it may arrive, too.
                if let Phase::Paying(other) = before {
                    if other.payment_hash() != hash && !self.begun.contains(&other) {
                        self.begun.push(*other);
                    }
                }
                Ok(())
            }
        }
    }

    /// The payment failed for good: the node says that nothing is on its way any more. That no answer came in time is
    /// no such failure. The quote stands as long as it has not expired, and can be [begun](Self::begin) again; after
    /// that the payment ends, and another takes a new one.
    ///
    /// # Errors
    ///
    /// `WrongState` unless it was begun.
    pub fn failed(&mut self) -> Result<(), Error> {
        let Phase::Paying(invoice) = &self.phase else { return Err(self.wrong_state()) };
        if !self.begun.contains(invoice) {
            self.begun.push(Invoice::clone(invoice));
        }
        self.phase = Phase::Quoted(invoice.clone());
        Ok(())
    }

    /// Whoever owns the money does not want to pay: ends the payment. Of a refund only the quote is dropped, and
    /// whoever signed it cannot claim it any more; others still can, until a hundred were declined.
    ///
    /// # Errors
    ///
    /// `WrongState` if the payment was begun.
    pub fn decline(&mut self) -> Result<(), Error> {
        match (&self.phase, &mut self.asked) {
            (Phase::Quoted(invoice), Purpose::Refund(asked))
                if self.begun.is_empty() && asked.declined.len() < MAX_DECLINED =>
            {
                asked.declined.push(invoice.node_id());
                self.phase = Phase::Asking;
            }
            (Phase::Asking | Phase::Quoted(_), _) => self.phase = Phase::Ended(EndReason::Declined),
            (Phase::Ended(_), _) => {}
            (Phase::Paying(_) | Phase::Paid(..), _) => return Err(self.wrong_state()),
        }
        Ok(())
    }

    /// Says who is to claim a refund, as was confirmed in another way: an invoice that another key signs is refused
    /// (IVR-9). Without it, whoever sees the refund first can claim it, and [`Quote::node_id`](crate::exchange::Quote::node_id) is to be looked at: the
    /// wrong one is [declined](Self::decline).
    ///
    /// # Errors
    ///
    /// `WrongState` if an invoice has come already, or if this is no refund.
    pub fn expect_payee(&mut self, node_id: PublicKey) -> Result<(), Error> {
        match (&self.phase, &mut self.asked) {
            (Phase::Asking, Purpose::Refund(asked)) => {
                asked.declined.retain(|declined| *declined != node_id);
                asked.payee = Some(node_id);
            }
            _ => return Err(self.wrong_state()),
        }
        Ok(())
    }
}
