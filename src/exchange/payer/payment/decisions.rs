//! What the user decides, and what the node says of it.

use alloc::boxed::Box;

use bitcoin::hashes::sha256;
use secp256k1::PublicKey;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::end::EndReason;
use crate::exchange::payer::limit::{FeeLimit, Limit};
use crate::exchange::payer::payment::{Payment, Phase};
use crate::exchange::payer::purpose::Purpose;
use crate::exchange::payer::state::Attempt;
use crate::field::Rate;
use crate::invoice::Invoice;
use crate::payer_proof::Preimage;
use crate::units::UnixTime;

impl Payment {
    /// Begins to pay the quote with this payment hash, which is the one that the user agreed to. [Save](Self::to_bytes)
    /// the payment now, and only then pay ([`State::Paying`](crate::exchange::State)). After a crash the saved state
    /// says that the payment may be in flight.
    ///
    /// If there is a current rate, the quote is compared with it for the last time (EXC-9). The rate is kept, as by
    /// [`set_rate`](Self::set_rate), even if the quote is refused: [poll](Self::poll) then requests another one.
    ///
    /// # Errors
    ///
    /// Paying does not begin: `WrongState` without a quote; `Differs` if the quote is another one; `DeadlinePassed`;
    /// `Expired` (IVR-4); `AmountTooHigh` (EXC-7), `OffPrice` (EXC-9) and `NoPathWithin` (EXC-10) if the user has to
    /// [approve](Self::allow) it; and the errors of [`set_rate`](Self::set_rate).
    pub fn begin(&mut self, payment_hash: sha256::Hash, now: UnixTime, rate: Option<Rate>) -> Result<Attempt, Error> {
        let is_it = |invoice: &&Invoice| invoice.payment_hash() == payment_hash;
        let quoted = match &self.phase {
            Phase::Quoted(invoice) => Some(invoice.as_ref()).into_iter().chain(None).find(is_it),
            Phase::Asking if self.purpose.claims().next().is_some() => self.purpose.claims().find(is_it),
            _ => return Err(self.wrong_state()),
        };
        let differs = Error::of(Field::INVOICE_PAYMENT_HASH, ErrorKind::Differs, Rule::Exc4);
        let invoice = quoted.ok_or(differs)?.clone();
        let at = self.budget.deadline;
        if now > at {
            return Err(Error::new(ErrorKind::DeadlinePassed { at }, Rule::Exc4));
        }
        let at = self.quoted_until(&invoice);
        if now > at {
            return Err(Error::of(Field::INVOICE_CREATED_AT, ErrorKind::Expired { at }, Rule::Ivr4));
        }
        if let Some(rate) = rate {
            self.budget.set_rate(rate)?;
        }
        if let Some(objection) = self.budget.objection(&invoice) {
            return Err(objection.error());
        }
        self.attempts = self.attempts.saturating_add(1);
        let attempt = Attempt(self.attempts);
        self.phase = Phase::Paying(Box::new(invoice), attempt);
        Ok(attempt)
    }

    /// The user allows another amount, or another tolerance around the price at the payer's rate. This answers
    /// [`NeedsApproval`](crate::exchange::State::NeedsApproval). If there is an invoice within the new limit, it can
    /// [begin](Self::begin) now. Otherwise another one is requested until the new deadline. A payment that ended
    /// because it was too expensive, or too far from the price, goes on.
    ///
    /// # Errors
    ///
    /// `WrongState` for a payment that has begun, or that ended for another reason; `RateNeeded` for a tolerance
    /// without a rate; `Zero`; `AmountTooHigh` above the total supply of bitcoin (D3). None of them changes anything.
    pub fn allow(&mut self, limit: Limit, now: UnixTime, deadline: UnixTime) -> Result<(), Error> {
        self.check_can_allow()?;
        self.budget.set_limit(limit)?;
        self.go_on(now, deadline);
        Ok(())
    }

    /// The user allows higher fees, or a longer delay (EXC-10).
    ///
    /// # Errors
    ///
    /// `WrongState` as for [`allow`](Self::allow).
    pub fn allow_fee(&mut self, limit: FeeLimit, now: UnixTime, deadline: UnixTime) -> Result<(), Error> {
        self.check_can_allow()?;
        self.budget.fees = limit;
        self.go_on(now, deadline);
        Ok(())
    }

    fn check_can_allow(&self) -> Result<(), Error> {
        match &self.phase {
            Phase::Asking | Phase::Quoted(_) => Ok(()),
            Phase::Ended(end) if end.can_be_allowed() && self.failed.is_empty() => Ok(()),
            _ => Err(self.wrong_state()),
        }
    }

    /// After the owner's decision: what is there is looked at again, or asked for anew.
    pub(crate) fn go_on(&mut self, now: UnixTime, deadline: UnixTime) {
        self.budget.deadline = deadline;
        self.renewals = 0;
        self.renewed_at = None;
        // What only this was missing for is there.
        self.take_objected();
        let goes_on = match &self.phase {
            Phase::Quoted(invoice) => self.budget.objection(invoice).is_none() || !self.failed.is_empty(),
            Phase::Asking => self.closed.is_empty(),
            _ => false,
        };
        if !goes_on && self.ask_anew(None) {
            self.schedule.restart(0, now);
        }
    }

    /// Reports that the payment was made. Reporting it twice does no harm, and it is never too late: a payment that was
    /// reported as [failed](Self::failed) becomes paid with its preimage.
    ///
    /// # Errors
    ///
    /// `WrongState` if there was no quote; `WrongPreimage`; `AlreadyAnswered` for the preimage of another invoice after
    /// one was paid. In the last case both were paid, because a payment was reported as failed too early.
    pub fn paid(&mut self, preimage: Preimage) -> Result<(), Error> {
        let hash = preimage.payment_hash();
        let is_paid = |invoice: &&Invoice| invoice.payment_hash() == hash;
        let present = match &self.phase {
            Phase::Paid(invoice, _) if is_paid(&invoice.as_ref()) => return Ok(()),
            Phase::Quoted(invoice) | Phase::Paying(invoice, _) | Phase::Paid(invoice, _) => Some(invoice.as_ref()),
            Phase::Asking | Phase::Ended(_) => None,
        };
        let known = || present.into_iter().chain(self.purpose.claims()).chain(&self.failed);
        if known().next().is_none() {
            return Err(self.wrong_state());
        }
        let Some(invoice) = known().find(is_paid) else {
            return Err(Error::of(Field::PROOF_PREIMAGE, ErrorKind::WrongPreimage, Rule::Exc4));
        };
        // The receipt that there is stays.
        if matches!(self.phase, Phase::Paid(..)) {
            return Err(Error::new(ErrorKind::AlreadyAnswered, Rule::Exc4));
        }
        let paid = Phase::Paid(Box::new(invoice.clone()), preimage);
        // What is on its way beside it may arrive, too.
        if let Phase::Paying(other, _) = core::mem::replace(&mut self.phase, paid) {
            if other.payment_hash() != hash && !self.failed.contains(&other) {
                self.failed.push(*other);
            }
        }
        Ok(())
    }

    /// Reports that this [attempt](crate::exchange::Paying::attempt) failed for good: the node knows that no part of it
    /// is in flight any more. A timeout is not such a failure. The quote can [begin](Self::begin) again until it
    /// expires. After that the payment ends, and a new one needs a new invoice. A payment from a
    /// [backup](crate::exchange::Payer::restore) ends at once.
    ///
    /// # Errors
    ///
    /// They change nothing: `WrongState` if the payment is not in progress; `OtherAttempt` for the failure of an
    /// earlier attempt, which some nodes report again while the next one is in progress (EXC-12).
    pub fn failed(&mut self, attempt: Attempt) -> Result<(), Error> {
        let Phase::Paying(invoice, present) = &self.phase else { return Err(self.wrong_state()) };
        if attempt != *present {
            let kind = ErrorKind::OtherAttempt { attempt: attempt.0, present: present.0 };
            return Err(Error::new(kind, Rule::Exc12));
        }
        if !self.failed.contains(invoice) {
            self.failed.push(Invoice::clone(invoice));
        }
        let quoted = Phase::Quoted(invoice.clone());
        // A later attempt may be under way (EXC-13).
        self.phase = if self.restored { Phase::Ended(EndReason::Restored) } else { quoted };
        Ok(())
    }

    /// The user declines: the payment ends, or the refund is withdrawn. To refuse a single claim of a refund, call
    /// [`decline_claim`](Self::decline_claim).
    ///
    /// # Errors
    ///
    /// `WrongState` if the payment is in progress or has been made.
    pub fn decline(&mut self) -> Result<(), Error> {
        match &self.phase {
            Phase::Asking | Phase::Quoted(_) => self.phase = Phase::Ended(EndReason::Declined),
            Phase::Ended(_) => {}
            Phase::Paying(..) | Phase::Paid(..) => return Err(self.wrong_state()),
        }
        Ok(())
    }

    /// The user declines this claim of a refund: its quote is dropped, and the same key cannot claim the refund again.
    /// Others still can.
    ///
    /// # Errors
    ///
    /// `WrongState` if this is not a refund, or if it no longer waits for claims.
    pub fn decline_claim(&mut self, node_id: PublicKey) -> Result<(), Error> {
        match (&self.phase, &mut self.purpose) {
            (Phase::Asking, Purpose::Refund(refund)) => refund.decline(node_id),
            _ => return Err(self.wrong_state()),
        }
        Ok(())
    }

    /// Sets the expected payee of a refund, as confirmed out of band: an invoice with another key is refused (IVR-9).
    /// Without it, anyone who sees the refund can claim it, and you have to check
    /// [`Quote::node_id`](crate::exchange::Quote::node_id).
    ///
    /// # Errors
    ///
    /// `WrongState` if this is not a refund, or if it no longer waits for claims.
    pub fn expect_payee(&mut self, node_id: PublicKey) -> Result<(), Error> {
        match (&self.phase, &mut self.purpose) {
            (Phase::Asking, Purpose::Refund(refund)) => refund.expect_payee(node_id),
            _ => return Err(self.wrong_state()),
        }
        Ok(())
    }
}
