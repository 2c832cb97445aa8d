//! How a subscription is cancelled (REC-11).

use alloc::boxed::Box;

use crate::exchange::action::Step;
use crate::exchange::ids::PathId;
use crate::exchange::payer::subscription::{CANCELS, Cancel, Subscription};
use crate::exchange::payer::unsent::UnsentRequest;
use crate::units::UnixTime;

impl Subscription {
    /// Ends the subscription: nothing more is begun, and the issuer is told once (REC-11): [poll](Self::poll) says what
    /// to send. A payment that is being made is waited for before. Nothing is sent if nothing was paid yet, or if there
    /// is no period left.
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

    pub(crate) fn send_cancel(&mut self) -> Step<UnsentRequest> {
        let is_to_say = self.is_to_say_that_it_is_cancelled();
        let Cancel::Wanted(way) = self.cancel else { return Step::Nothing };
        self.cancel = Cancel::Sent(way);
        if !is_to_say {
            return Step::Nothing;
        }
        let (purpose, token) = (self.plan.asked(self.series(self.counter, true)), self.token(CANCELS, way));
        let message = Box::new(UnsentRequest { payer: self.payer.clone(), purpose, token, signature: None });
        Step::Send { message, wake: UnixTime(u64::MAX) }
    }

    /// What could not be sent over one way is sent over the next.
    pub(crate) fn cancel_over_next_way(&mut self, reply_path_id: &PathId) {
        let Cancel::Sent(way) = self.cancel else { return };
        let is_it = self.payer.reply(reply_path_id) == Some(self.token(CANCELS, way));
        let ways = self.plan.asked(self.series(self.counter, true)).ways();
        if let Some(next) = way.checked_add(1).filter(|next| is_it && *next < ways) {
            self.cancel = Cancel::Wanted(next);
        }
    }
}
