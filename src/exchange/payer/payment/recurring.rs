//! What a subscription asks of its payments.

use bitcoin::hashes::sha256;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::end::EndReason;
use crate::exchange::payer::payment::{Bounds, Payment, Phase};
use crate::exchange::payer::purpose::Purpose;
use crate::exchange::recurring::Series;
use crate::units::UnixTime;

impl Payment {
    /// Which payment of a subscription this is.
    pub(crate) fn series(&self) -> Option<&Series> {
        match &self.asked {
            Purpose::Offer(asked) => asked.series.as_deref(),
            Purpose::Refund(_) => None,
        }
    }

    /// Makes other limits those of the invoice that is asked for, or that is there: if it is above them, the payment
    /// ends (REC-12).
    pub(crate) fn rebound(&mut self, bounds: Bounds) -> Result<(), Error> {
        match &self.phase {
            Phase::Asking => self.bounds = bounds,
            Phase::Quoted(invoice) => {
                let (amount, max) = (invoice.amount(), bounds.max);
                self.bounds.max = max;
                if amount > max {
                    self.phase = Phase::Ended(EndReason::TooExpensive { amount });
                    return Err(Error::of(Field::INVOICE_AMOUNT, ErrorKind::AmountTooHigh { max }, Rule::Rec12));
                }
            }
            Phase::Paying(_) | Phase::Paid(..) | Phase::Ended(_) => {}
        }
        Ok(())
    }

    /// Begins to pay what was quoted if it is within these limits, and ends the payment if it is above them.
    pub(crate) fn begin_within(
        &mut self,
        bounds: Bounds,
        payment_hash: sha256::Hash,
        now: UnixTime,
    ) -> Result<(), Error> {
        let before = self.bounds;
        self.rebound(bounds)?;
        let begun = self.begin(payment_hash, now);
        if begun.is_err() {
            self.bounds = before;
        }
        begun
    }

    /// Takes the place of a payment that was not made, whose invoice may turn out to be paid after all.
    pub(crate) fn replace(&mut self, other: Self) {
        self.begun = other.begun;
        if let Phase::Quoted(invoice) | Phase::Paying(invoice) = other.phase {
            self.begun.push(*invoice);
        }
    }
}
