//! How a subscription is cancelled (REC-11).

use alloc::boxed::Box;

use crate::exchange::action::Step;
use crate::exchange::ids::PathId;
use crate::exchange::payer::purpose::OfferPurpose;
use crate::exchange::payer::subscription::{CANCELS, Cancel, Subscription};
use crate::exchange::payer::unsent::UnsentRequest;
use crate::units::UnixTime;

impl Subscription {
    /// Ends the subscription: nothing more is begun, and the issuer is told once (REC-11): [poll](Self::poll) says what
    /// to send. A payment that is being made is waited for before. Nothing is sent if nothing was paid yet, or if there
    /// is no period left. If requests are [signed elsewhere](crate::exchange::SubscriptionDraft::signer), this one
    /// waits for its [signature](Self::to_sign) until the pay window of the next period closes: after that the issuer
    /// accepts nothing anyway.
    pub fn cancel(&mut self) {
        if self.cancel != Cancel::No {
            return;
        }
        self.cancel = Cancel::Wanted(0);
        if let Some(payment) = &mut self.payment {
            if payment.is_open() {
                // These can be declined.
                drop(payment.decline());
            }
        }
    }

    /// Whether the issuer is still to be told: of what was begun, and not of what is complete.
    pub(crate) fn is_to_say_that_it_is_cancelled(&self) -> bool {
        let index = u64::from(self.plan.start.unwrap_or(0)).saturating_add(self.counter.into());
        let is_complete = self.plan.recurrence.limit.is_some_and(|limit| index > limit.get().into());
        matches!(self.cancel, Cancel::Wanted(_)) && self.counter > 0 && !is_complete
    }

    pub(crate) fn send_cancel(&mut self, now: UnixTime) -> Step<UnsentRequest> {
        let mut is_to_say = self.is_to_say_that_it_is_cancelled();
        let Cancel::Wanted(way) = self.cancel else { return Step::Nothing };
        if self.lacks_cancel_signature() {
            let until = self.cancel_until();
            if now <= until {
                return Step::Sign(until.next_second());
            }
            is_to_say = false;
        }
        self.cancel = Cancel::Sent(way);
        if !is_to_say {
            return Step::Nothing;
        }
        let (purpose, token) = (self.cancellation(), self.token(CANCELS, way));
        let signature = self.cancel_signature.as_deref().copied();
        let message = Box::new(UnsentRequest { payer: self.payer.clone(), purpose, token, signature });
        Step::Send { message, wake: UnixTime(u64::MAX) }
    }

    /// What says that it is cancelled.
    pub(crate) fn cancellation(&self) -> OfferPurpose {
        self.plan.asked(self.series(self.counter, true))
    }

    /// Until when it matters: the issuer accepts no period after one that was not paid (REC-7).
    pub(crate) fn cancel_until(&self) -> UnixTime {
        let index = u64::from(self.plan.start.unwrap_or(0)).saturating_add(self.counter.into());
        let window = self.basetime.and_then(|basetime| self.plan.recurrence.pay_window(basetime, index).ok());
        window.map_or(UnixTime(u64::MAX), |window| *window.end())
    }

    /// What could not be sent over one way is sent over the next.
    pub(crate) fn cancel_over_next_way(&mut self, reply_path_id: &PathId) {
        let Cancel::Sent(way) = self.cancel else { return };
        let is_it = self.payer.reply(reply_path_id) == Some(self.token(CANCELS, way));
        let ways = self.cancellation().ways();
        if let Some(next) = way.checked_add(1).filter(|next| is_it && *next < ways) {
            self.cancel = Cancel::Wanted(next);
        }
    }
}
