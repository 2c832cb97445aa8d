//! How a subscription begins.

use alloc::vec::Vec;

use crate::error::Error;
use crate::exchange::ids::SubscriptionId;
use crate::exchange::payer::keys::Payer;
use crate::exchange::payer::purpose::OfferPurpose;
use crate::exchange::payer::subscription::draft::SubscriptionDraft;
use crate::exchange::payer::subscription::pace::Pace;
use crate::exchange::payer::subscription::plan::Plan;
use crate::exchange::payer::subscription::{Cancel, Subscription};
use crate::exchange::saved::{Kind, Writer};
use crate::units::UnixTime;

impl SubscriptionDraft {
    /// Begins the subscription. Nothing is sent before it is [polled](Subscription::poll), so there is time to
    /// [save](Subscription::to_bytes) it. The entropy must be new. If the first payment is not made by the deadline,
    /// it does not begin.
    ///
    /// # Errors
    ///
    /// [`StaleName`](crate::LinkFault::StaleName) for a [name](Self::resolved) that has to be looked up again (NAM-8),
    /// `AmountTooHigh` for a cost above the limit (EXC-7), `Missing`, `LimitNeeded` or `RateNeeded` for what
    /// [`needs`](Self::needs) says, `WrongCurrency` for the rate of another currency, `TooLong` for more than
    /// [`MAX_REQUEST_LEN`](crate::exchange::MAX_REQUEST_LEN) bytes, what
    /// [`InvoiceRequestBuilder::build`](crate::InvoiceRequestBuilder::build) refuses, `Zero` for no payments and
    /// `Expired` for an end before the first period (REC-12), `Unexpected` for a first period of an offer without base
    /// (REC-4), `NoSuchPeriod` (REC-5), `TooLate` (REC-6) for a period, deadline or expiry of the offer that has ended,
    /// `TooEarly` (REC-6) for a first period that cannot be paid before these, and `Overflow` for what no calendar
    /// knows.
    pub fn start(self, entropy: [u8; 32], now: UnixTime, deadline: UnixTime) -> Result<Subscription, Error> {
        self.draft.check_name(now)?;
        let mut plan = self.plan(now, deadline)?;
        plan.check(&self.draft.payer, now)?;
        // A price is compared with the rate of the first day only: later ones are for the issuer to compare (RQW-3).
        Subscription::check_request(&self.draft.payer, &plan)?;
        self.draft.max()?;
        let mut what = Writer::new(Kind::Subscription);
        plan.write(&mut what);
        plan.choices.suggested = true;
        Ok(Subscription::new(self.draft.payer, &entropy, what.as_bytes(), plan))
    }
}

impl Payer {
    fn subscription_id(&self, entropy: &[u8; 32], what: &[u8]) -> SubscriptionId {
        SubscriptionId(self.subscriptions().short(&[&[0], entropy, what]))
    }
}

impl Subscription {
    pub(crate) fn new(payer: Payer, entropy: &[u8; 32], what: &[u8], plan: Plan) -> Self {
        Self {
            id: payer.subscription_id(entropy, what),
            payer,
            counter: 0,
            basetime: plan.base(),
            plan,
            last_paid: None,
            last_begun: Vec::new(),
            payment: None,
            attempt: 0,
            again: None,
            consent: None,
            pace: Pace::default(),
            cancel: Cancel::No,
            cancel_signature: None,
        }
    }

    /// Checks that the first request can be made, and that none is too long, so that whatever cannot be asked for is
    /// refused at once.
    pub(crate) fn check_request(payer: &Payer, plan: &Plan) -> Result<(), Error> {
        Self::samples(payer, plan).iter().try_for_each(|asked| asked.check(payer))
    }

    /// The most bytes that fit into the note of every request.
    pub(crate) fn max_note_len(payer: &Payer, plan: &Plan) -> Result<usize, Error> {
        let [first, longest] = Self::samples(payer, plan);
        // What is missing in the first would not be in one that cancels.
        Ok(first.max_note_len(payer)?.min(longest.max_note_len(payer)?))
    }

    /// The first request, and one as long as the longest: what cancels it as late as can be.
    fn samples(payer: &Payer, plan: &Plan) -> [OfferPurpose; 2] {
        let first = Self::new(payer.clone(), &[0; 32], &[], plan.clone());
        let last = plan.recurrence.limit.map_or(u32::MAX, |limit| limit.get().saturating_sub(plan.start.unwrap_or(0)));
        let last = plan.payments.map_or(last, |payments| payments.min(last));
        [plan.asked(first.series(0, false)), plan.asked(first.series(last, last > 0))]
    }
}
