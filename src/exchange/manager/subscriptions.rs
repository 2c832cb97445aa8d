//! What a manager asks of a subscription (feature `recurrence`).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;

use bitcoin::hashes::sha256;
use secp256k1::schnorr;

use crate::error::{Error, ErrorKind};
use crate::exchange::action::Step;
use crate::exchange::ids::{ConversationId, PathId};
use crate::exchange::manager::held::{Held, LOOK_AGAIN_AFTER, Next, Pays};
use crate::exchange::manager::keys::Keys;
use crate::exchange::manager::payments;
use crate::exchange::manager::stage::Stage;
use crate::exchange::manager::status::Activity;
use crate::exchange::message::IncomingMessage;
use crate::exchange::payer::payment::Payment;
use crate::exchange::payer::state::{Attempt, State};
use crate::exchange::payer::subscription::Subscription;
use crate::exchange::payer::subscription::due::Due;
use crate::exchange::payer::subscription::state::SubscriptionState;
use crate::exchange::payer::unsent::UnsentRequest;
use crate::exchange::refused::Refused;
use crate::exchange::schedule::at_most;
use crate::field::{CurrencyCode, Rate};
use crate::payer_proof::Preimage;
use crate::units::UnixTime;

/// How much later than it could be a payment is asked for at most, in seconds.
const MAX_DELAY: u64 = 3_600;

impl Held for Subscription {
    fn id(&self) -> ConversationId {
        self.id().into()
    }

    fn fields(&self) -> Vec<u8> {
        self.state_fields().into_bytes()
    }

    fn keys(&self) -> Keys {
        Keys {
            replies: self.reply_ids(),
            hashes: self.payment().into_iter().flat_map(payments::hashes).chain(self.last_hashes()).collect(),
            priced_in: self.payment().and_then(payments::priced_in),
        }
    }

    fn open_hashes(&self) -> Vec<sha256::Hash> {
        self.payment().into_iter().flat_map(payments::open_hashes).collect()
    }

    fn currency(&self) -> Option<CurrencyCode> {
        self.currency()
    }

    fn made(&self) -> u32 {
        self.payments_made()
    }

    fn has_more_to_say(&self) -> bool {
        self.is_to_say_that_it_is_cancelled()
    }

    fn stage(&self, now: UnixTime) -> Stage {
        match self.state(now) {
            SubscriptionState::Waiting(_) => Stage::Waiting,
            SubscriptionState::Open(payment) => payments::stage(payment),
            SubscriptionState::Overdue { .. } => Stage::Overdue,
            SubscriptionState::Stopped(..) => Stage::Stopped,
            SubscriptionState::Ended(_) if self.lacks_cancel_signature() => Stage::SigningCancellation,
            SubscriptionState::Ended(_) => Stage::Ended,
        }
    }

    fn activity(&self, now: UnixTime) -> (Activity, Option<UnixTime>) {
        let number = |due: &Due| u64::from(due.counter).saturating_add(1);
        match self.state(now) {
            SubscriptionState::Waiting(due) if own_time(self, &due) <= now => {
                let needs_rate = self.compares_with_rate();
                let activity = if needs_rate { Activity::RateNeeded } else { Activity::Asking { requests: 0 } };
                (activity, Some(*due.window.end()))
            }
            SubscriptionState::Waiting(due) => (Activity::NotDue { number: number(&due) }, Some(own_time(self, &due))),
            SubscriptionState::Overdue { due, from } => (Activity::Overdue { number: number(&due) }, Some(from)),
            SubscriptionState::Open(payment) => payments::activity(payment),
            SubscriptionState::Stopped(due, reason) => (Activity::Stopped(reason.clone()), Some(*due.window.end())),
            SubscriptionState::Ended(_) if self.lacks_cancel_signature() => {
                (Activity::Signing, Some(self.cancel_until()))
            }
            SubscriptionState::Ended(end) => (Activity::Over(end), None),
        }
    }

    fn step(&mut self, now: UnixTime, rate: Option<Rate>) -> Result<Next, Error> {
        if let SubscriptionState::Waiting(due) = self.state(now) {
            let at = own_time(self, &due);
            if now < at {
                return Ok(Step::<UnsentRequest>::WaitUntil(at).into());
            }
        }
        match self.step(now, rate) {
            Err(error) if matches!(error.kind(), ErrorKind::RateNeeded { .. }) => {
                let later = Step::<UnsentRequest>::WaitUntil(now.saturating_add(LOOK_AGAIN_AFTER));
                Ok(Next { needs: self.currency(), ..later.into() })
            }
            result => result.map(Into::into),
        }
    }

    fn receive(
        &mut self,
        message: IncomingMessage,
        now: UnixTime,
        _: Option<Rate>,
    ) -> Result<Option<Stage>, Box<Refused>> {
        let progress = self.receive(message, now)?;
        Ok(self.payment().and_then(|payment| payments::quoted(payment, &progress)))
    }

    fn unreachable(&mut self, reply_path_id: &PathId, now: UnixTime) {
        self.unreachable(reply_path_id, now);
    }

    fn unsendable(&mut self) {
        self.unsendable();
    }

    /// A quote that nobody tried to pay yet.
    fn authorised(&self, now: UnixTime) -> Option<sha256::Hash> {
        let (payment, hash) = quoted(self, now)?;
        (!payment.failed_hashes().any(|failed| failed == hash)).then_some(hash)
    }

    fn paying(&self) -> Option<(sha256::Hash, Attempt)> {
        self.payment().and_then(payments::paying)
    }

    fn pays(&mut self) -> Result<&mut dyn Pays, Error> {
        Ok(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

impl Pays for Subscription {
    fn begin(&mut self, payment_hash: sha256::Hash, now: UnixTime, rate: Option<Rate>) -> Result<Attempt, Error> {
        match quoted(self, now) {
            Some((_, quoted)) if quoted == payment_hash => self.begin(now, rate),
            _ => Err(self.wrong_state()),
        }
    }

    fn paid(&mut self, preimage: Preimage) -> Result<(), Error> {
        self.paid(preimage)
    }

    fn failed(&mut self, attempt: Attempt) -> Result<(), Error> {
        self.failed(attempt)
    }

    fn sign(&mut self, signature: &schnorr::Signature) -> Result<(), Error> {
        self.sign(signature)
    }
}

/// When a payment is asked for: up to an hour after it could be, but at most after a quarter of what is left of its
/// window. All who subscribe to an offer would ask in the same second. The first payment is made at once, and so is one
/// that its owner hurries.
fn own_time(subscription: &Subscription, due: &Due) -> UnixTime {
    if due.counter == 0 || subscription.is_hurried() {
        return due.due_at;
    }
    let room = due.window.end().0.saturating_sub(due.due_at.0) / 4;
    let later = at_most(room.min(MAX_DELAY), subscription.delays(due.counter));
    UnixTime(due.due_at.0.saturating_add(later))
}

/// The payment that has a quote which may be paid, and its payment hash.
fn quoted(subscription: &Subscription, now: UnixTime) -> Option<(&Payment, sha256::Hash)> {
    let SubscriptionState::Open(payment) = subscription.state(now) else { return None };
    let State::Quoted(quote) = payment.state() else { return None };
    Some((payment, quote.payment_hash()))
}
