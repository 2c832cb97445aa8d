//! What a subscription asks of its payments.

use alloc::boxed::Box;

use bitcoin::hashes::sha256;

use crate::error::Error;
use crate::exchange::message::IncomingMessage;
use crate::exchange::payer::budget::Budget;
use crate::exchange::payer::payment::{Payment, Progress};
use crate::exchange::payer::state::Attempt;
use crate::exchange::recurring::Series;
use crate::exchange::refused::Refused;
use crate::units::UnixTime;

impl Payment {
    /// Which payment of a subscription this is.
    pub(crate) fn series(&self) -> Option<&Series> {
        self.purpose.offer()?.series.as_deref()
    }

    /// What is authorised now, for the invoice that is asked for, or that is there.
    pub(crate) fn set_budget(&mut self, budget: Budget) {
        if self.is_open() {
            self.budget = Budget { quoted_at: self.budget.quoted_at, ..budget };
        }
    }

    /// A message arrived, and an invoice in it is compared with what is authorised now. These payment hashes were used
    /// before.
    pub(crate) fn receive_within(
        &mut self,
        budget: Budget,
        message: IncomingMessage,
        now: UnixTime,
        used: &[sha256::Hash],
    ) -> Result<Progress, Box<Refused>> {
        let before = self.budget;
        self.set_budget(budget);
        let received = self.receive_new(message, now, used);
        // What is refused changes nothing.
        if received.is_err() {
            self.budget = before;
        }
        received
    }

    /// Begins to pay what was quoted, if it is within what is authorised now. What is refused changes nothing.
    pub(crate) fn begin_within(
        &mut self,
        budget: Budget,
        payment_hash: sha256::Hash,
        now: UnixTime,
    ) -> Result<Attempt, Error> {
        let before = self.budget;
        self.set_budget(budget);
        let begun = self.begin(payment_hash, now, None);
        if begun.is_err() {
            self.budget = before;
        }
        begun
    }

    /// Comes after a payment that was made. Attempts are counted on: nodes say everything again (EXC-12).
    pub(crate) fn follow(&mut self, paid: &Self) {
        self.attempts = paid.attempts;
    }

    /// Takes the place of a payment that has ended without being made. What it began and failed to pay may turn out to
    /// be paid after all.
    pub(crate) fn replace(&mut self, ended: Self) {
        self.attempts = ended.attempts;
        // The same is asked for, unless it was with an amount that the issuer suggested.
        if self.amount() == ended.amount() {
            self.signature = ended.signature;
        }
        self.failed = ended.failed;
    }
}
