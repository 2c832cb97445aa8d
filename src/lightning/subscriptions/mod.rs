//! Subscriptions at a desk (feature `recurrence`).

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use std::sync::Mutex;

use super::application::{Application, ToDo, lock};
use crate::exchange::{
    Action, IncomingMessage, PathId, PaymentId, Refused, Subscription, SubscriptionId, SubscriptionState,
};
use crate::field::{CurrencyCode, Rate};
use crate::units::UnixTime;

/// How long after an error a subscription is looked at again, in seconds: the rate may be there by then.
const RATE_DELAY: u64 = 60;

#[derive(Default)]
pub(super) struct Subscriptions(pub(super) Mutex<BTreeMap<SubscriptionId, Subscription>>);

impl Subscriptions {
    pub(super) fn len(&self) -> usize {
        lock(&self.0).len()
    }

    /// Adds what to send now to what there is to do.
    pub(super) fn poll(&self, application: &impl Application, to_do: &mut ToDo) {
        let now = application.now();
        let currencies: BTreeSet<CurrencyCode> = {
            let subscriptions = lock(&self.0);
            let active = subscriptions.values().filter(|subscription| waits_until(subscription, now).is_none());
            active.filter_map(Subscription::currency).collect()
        };
        // Nothing is locked: whoever is asked may look at the desk, and may take its time.
        let rates: Vec<Rate> = currencies.into_iter().filter_map(|currency| application.rate(currency)).collect();
        let mut stuck = Vec::new();
        for (id, subscription) in lock(&self.0).iter_mut() {
            // Most wait, for weeks.
            if let Some(at) = waits_until(subscription, now) {
                to_do.come_again(at);
                continue;
            }
            let before = subscription.to_bytes();
            let rate = rates.iter().copied().find(|rate| subscription.currency() == Some(rate.currency()));
            let mut next = subscription.poll(now, rate);
            if let Ok(Action::Send(outgoing)) = next {
                to_do.send.push(*outgoing);
                next = subscription.poll(now, rate);
            }
            if subscription.to_bytes() != before {
                application.subscription_changed(subscription);
            }
            match next {
                Ok(Action::WaitUntil(at)) => to_do.come_again(at),
                Ok(Action::Nothing) => {}
                // Two messages at once would be one too many.
                Ok(Action::Send(_)) => to_do.come_again(now),
                Err(error) => {
                    to_do.come_again(UnixTime(now.0.saturating_add(RATE_DELAY)));
                    stuck.push((*id, error));
                }
            }
        }
        // Now that nothing is locked: whoever hears it may want to do something about it.
        stuck.iter().for_each(|(id, error)| application.stuck((*id).into(), error));
    }

    /// Takes a step with the subscription that asked for this payment.
    fn update<R>(
        &self,
        id: PaymentId,
        application: &impl Application,
        step: impl FnOnce(&mut Subscription) -> R,
    ) -> Option<R> {
        let mut subscriptions = lock(&self.0);
        let subscription = subscriptions.values_mut().find(|subscription| subscription.asks_as(id))?;
        let result = step(subscription);
        application.subscription_changed(subscription);
        Some(result)
    }

    pub(super) fn receive(
        &self,
        id: PaymentId,
        message: IncomingMessage,
        application: &impl Application,
    ) -> Option<Result<(), Box<Refused>>> {
        let now = application.now();
        self.update(id, application, |subscription| subscription.receive(message, now).map(drop))
    }

    pub(super) fn remove(&self, id: SubscriptionId) {
        lock(&self.0).remove(&id);
    }

    pub(super) fn unreachable(&self, id: PaymentId, path_id: &PathId, application: &impl Application) {
        let now = application.now();
        self.update(id, application, |subscription| subscription.unreachable(path_id, now));
    }

    /// Whether the payment of one of them has stopped because of this.
    pub(super) fn unsendable(&self, id: PaymentId, application: &impl Application) -> bool {
        self.update(id, application, Subscription::unsendable).unwrap_or(false)
    }
}

/// When there will be something to do, if there is nothing before.
fn waits_until(subscription: &Subscription, now: UnixTime) -> Option<UnixTime> {
    match subscription.state(now) {
        SubscriptionState::Waiting(due) if now < due.due_at => Some(due.due_at),
        _ => None,
    }
}
