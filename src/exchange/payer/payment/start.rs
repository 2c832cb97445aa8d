//! How a payment begins.

use alloc::boxed::Box;

use crate::error::Error;
use crate::exchange::payer::draft::Draft;
use crate::exchange::payer::payment::Payment;
use crate::exchange::payer::purpose::Purpose;
use crate::exchange::saved::{Kind, Writer};
use crate::exchange::schedule::Schedule;
use crate::units::UnixTime;

impl Draft {
    /// Starts the payment. Nothing is sent until it is [polled](Payment::poll), so [save](Payment::to_bytes) it first.
    /// The entropy must be new. Paying cannot begin after the deadline, and a payment whose deadline has passed ends
    /// when it is next polled.
    ///
    /// # Errors
    ///
    /// [`StaleName`](crate::LinkFault::StaleName) for a [name](Self::resolved) that has to be looked up again (NAM-8),
    /// `AmountTooHigh` for a cost above the limit (EXC-7), `Missing`, `LimitNeeded` or `RateNeeded` for what
    /// [`needs`](Self::needs) says, `WrongCurrency` for the rate of another currency, `TooLong` for more than
    /// [`MAX_REQUEST_LEN`](crate::exchange::MAX_REQUEST_LEN) bytes, and what
    /// [`InvoiceRequestBuilder::build`](crate::InvoiceRequestBuilder::build) refuses.
    pub fn start(self, entropy: [u8; 32], now: UnixTime, deadline: UnixTime) -> Result<Payment, Error> {
        self.check_name(now)?;
        // First what was chosen, by itself; then what it costs.
        let asked = self.asked(now);
        asked.check(&self.payer)?;
        let budget = self.budget(deadline)?;
        let mut what = Writer::new(Kind::Payment);
        what.bytes(asked.offer.as_bytes());
        what.array(asked.chain.to_bytes());
        asked.choices.write(&mut what);
        let id = self.payer.payment_id(&entropy, what.as_bytes());
        let asked = Purpose::Offer(Box::new(asked));
        Ok(Payment::new(self.payer, id, asked, budget, Schedule::new(self.retry, now)))
    }
}
