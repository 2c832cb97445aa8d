//! What whoever owns the money decides, and what the node says of it.

use core::time::Duration;

use bitcoin::hashes::sha256;
use secp256k1::schnorr;

use super::state::Release;
use super::{AsyncPayment, Failed, Going, Held};
use crate::builder::check_amount;
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::payer::limit::{FeeLimit, Limit};
use crate::exchange::payer::state::Attempt;
use crate::exchange::schedule::{Retry, Schedule};
use crate::field::Rate;
use crate::invoice_request::InvoiceRequest;
use crate::payer_proof::Preimage;
use crate::signed::Unsigned;
use crate::units::UnixTime;

/// How often a payee that sleeps is told: after about half a minute first, and about every hour in the end.
const NOTICES: Retry = Retry { first: Duration::from_secs(30), max: Duration::from_secs(3_600) };

impl AsyncPayment {
    /// The request that lacks a signature: as [`Payment::to_sign`](crate::exchange::Payment::to_sign).
    pub fn to_sign(&self) -> Option<Unsigned<InvoiceRequest>> {
        self.payment.to_sign().filter(|_| matches!(self.held, Held::Nothing))
    }

    /// The signature of what is to be signed: as [`Payment::sign`](crate::exchange::Payment::sign).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn sign(&mut self, signature: &schnorr::Signature) -> Result<(), Error> {
        match self.held {
            Held::Nothing => self.payment.sign(signature),
            _ => Err(self.wrong_state()),
        }
    }

    /// Begins to pay the invoice that the payee sent itself: as [`Payment::begin`](crate::exchange::Payment::begin).
    ///
    /// # Errors
    ///
    /// As there; `WrongState` where the quote is a static invoice.
    pub fn begin(&mut self, payment_hash: sha256::Hash, now: UnixTime, rate: Option<Rate>) -> Result<Attempt, Error> {
        match self.held {
            Held::Nothing => self.payment.begin(payment_hash, now, rate),
            _ => Err(self.wrong_state()),
        }
    }

    /// Begins to pay the static invoice that was quoted, by holding the payment until the payee wakes, at the latest until
    /// the last second in which it may ask for it. [Save](Self::to_bytes) the payment now, and only then have the node
    /// hold it ([`AsyncState::Paying`](super::AsyncState)).
    ///
    /// The randomness becomes the preimage (STA-6), together with the payer's secret: it is new, and nobody else may know
    /// it. After a failure it is not looked at, because there is a preimage already, so that nothing is paid twice.
    ///
    /// The present rate is what a price in a currency is converted by (STA-5). It is kept as by
    /// [`set_rate`](Self::set_rate), also if the quote is refused.
    ///
    /// # Errors
    ///
    /// Nothing is begun: `WrongState` without such a quote, `DeadlinePassed`, `Expired` (STA-3), `RateNeeded` (STA-5);
    /// `AmountTooHigh` (EXC-7), `OffPrice` (EXC-9) and `NoPathWithin` (EXC-10) for what needs its owner's
    /// [approval](Self::allow); `CannotCarry` (EXC-11), `Zero` and `AmountTooHigh` (D3), and as for
    /// [`set_rate`](Self::set_rate).
    pub fn begin_held(
        &mut self,
        randomness: [u8; 32],
        now: UnixTime,
        until: UnixTime,
        rate: Option<Rate>,
    ) -> Result<Attempt, Error> {
        let Held::Quoted(served) = &self.held else { return Err(self.wrong_state()) };
        let served = served.clone();
        let at = self.payment.budget.deadline;
        if now > at || now > until {
            return Err(Error::new(ErrorKind::DeadlinePassed { at: at.min(until) }, Rule::Exc4));
        }
        let at = served.invoice.expires_at();
        if now > at {
            return Err(Error::of(Field::INVOICE_CREATED_AT, ErrorKind::Expired { at }, Rule::Ivr4));
        }
        if let Some(rate) = rate {
            self.payment.budget.set_rate(rate)?;
        }
        let amount = self.due()?;
        check_amount(amount, Field::INVREQ_AMOUNT, Rule::D3)?;
        // Before what its owner can allow: where no path carries the amount, higher fees do not help.
        served.invoice.check_capacity(amount)?;
        if let Some(objection) = self.objection(&served.invoice, amount) {
            return Err(objection.error());
        }
        let id = self.payment.id;
        let preimage = self.preimage.unwrap_or_else(|| self.payment.payer.preimage(&randomness, id));
        self.preimage = Some(preimage);
        self.attempts = self.attempts.saturating_add(1);
        let attempt = Attempt(self.attempts);
        let schedule = Schedule::new(NOTICES, now).seeded(self.payment.payer.delays(id));
        let going = Going { attempt, amount, preimage, until: until.min(at), release: Release::Hold, schedule };
        self.held = Held::Paying(served, going);
        Ok(attempt)
    }

    /// Whoever owns the money allows another amount: as [`Payment::allow`](crate::exchange::Payment::allow). A static
    /// invoice that waits for it can be begun now.
    ///
    /// # Errors
    ///
    /// As there; `WrongState` once a static invoice was begun.
    pub fn allow(&mut self, limit: Limit, now: UnixTime, deadline: UnixTime) -> Result<(), Error> {
        match self.held {
            // Another invoice has another payment hash: both could be paid.
            Held::Nothing if self.preimage.is_none() => self.payment.allow(limit, now, deadline),
            Held::Quoted(_) => {
                self.payment.budget.set_limit(limit)?;
                self.payment.budget.deadline = deadline;
                Ok(())
            }
            _ => Err(self.wrong_state()),
        }
    }

    /// Whoever owns the money allows higher fees, or a longer delay (EXC-10).
    ///
    /// # Errors
    ///
    /// `WrongState` as for [`allow`](Self::allow).
    pub fn allow_fee(&mut self, limit: FeeLimit, now: UnixTime, deadline: UnixTime) -> Result<(), Error> {
        match self.held {
            Held::Nothing if self.preimage.is_none() => self.payment.allow_fee(limit, now, deadline),
            Held::Quoted(_) => {
                self.payment.budget.fees = limit;
                self.payment.budget.deadline = deadline;
                Ok(())
            }
            _ => Err(self.wrong_state()),
        }
    }

    /// The payer's rate, by which it converts what a static invoice costs (STA-5): as
    /// [`Payment::set_rate`](crate::exchange::Payment::set_rate).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn set_rate(&mut self, rate: Rate) -> Result<(), Error> {
        self.payment.set_rate(rate)
    }

    /// The payment was made: the node says so. Saying it twice does no harm, and it is never too late: also an attempt that
    /// was said to have [failed](Self::failed) is paid if this is its preimage.
    ///
    /// # Errors
    ///
    /// As for [`Payment::paid`](crate::exchange::Payment::paid).
    pub fn paid(&mut self, preimage: Preimage) -> Result<(), Error> {
        let Some(own) = self.preimage else { return self.payment.paid(preimage) };
        if preimage != own {
            return Err(Error::of(Field::PROOF_PREIMAGE, ErrorKind::WrongPreimage, Rule::Exc4));
        }
        let (served, amount) = match &self.held {
            Held::Paid(..) => return Ok(()),
            Held::Paying(served, going) => (served.clone(), going.amount),
            Held::Nothing | Held::Quoted(_) => {
                let Failed { served, amount } = self.failed.clone().ok_or_else(|| self.wrong_state())?;
                (served, amount)
            }
        };
        self.held = Held::Paid(served, amount, own);
        Ok(())
    }

    /// This [attempt](super::AsyncPaying::attempt) failed for good: the node says that nothing is held and nothing is on its
    /// way any more. The static invoice can be [begun](Self::begin_held) again as long as it and the deadline allow it.
    ///
    /// # Errors
    ///
    /// Nothing changes: as for [`Payment::failed`](crate::exchange::Payment::failed).
    pub fn failed(&mut self, attempt: Attempt) -> Result<(), Error> {
        let (served, going) = match &self.held {
            Held::Nothing => return self.payment.failed(attempt),
            Held::Paying(served, going) => (served, going),
            _ => return Err(self.wrong_state()),
        };
        if attempt != going.attempt {
            let kind = ErrorKind::OtherAttempt { attempt: attempt.0, present: going.attempt.0 };
            return Err(Error::new(kind, Rule::Exc12));
        }
        self.failed = Some(Failed { served: served.clone(), amount: going.amount });
        // A later attempt may be under way (EXC-13): the payment itself ended when it was restored.
        self.held = if self.payment.restored { Held::Nothing } else { Held::Quoted(served.clone()) };
        Ok(())
    }

    /// Whoever owns the money does not want to pay: ends the payment.
    ///
    /// # Errors
    ///
    /// `WrongState` if it is being paid, or was.
    pub fn decline(&mut self) -> Result<(), Error> {
        match self.held {
            Held::Nothing | Held::Quoted(_) => {
                self.payment.decline()?;
                self.held = Held::Nothing;
                Ok(())
            }
            _ => Err(self.wrong_state()),
        }
    }
}
