//! What a manager asks of a subscription (feature `recurrence`).

use alloc::boxed::Box;
use alloc::vec::Vec;

use bitcoin::hashes::sha256;

use crate::error::{Error, ErrorKind};
use crate::exchange::ids::{ConversationId, PathId};
use crate::exchange::manager::keys::Keys;
use crate::exchange::manager::payments;
use crate::exchange::manager::stage::Stage;
use crate::exchange::manager::status::Activity;
use crate::exchange::message::IncomingMessage;
use crate::exchange::payer::keys::Payer;
use crate::exchange::payer::payment::{Payment, Progress};
use crate::exchange::payer::state::{Attempt, State};
use crate::exchange::payer::subscription::Subscription;
use crate::exchange::payer::subscription::due::Due;
use crate::exchange::payer::subscription::state::SubscriptionState;
use crate::exchange::payer::unsent::Step;
use crate::exchange::refused::Refused;
use crate::exchange::schedule::at_most;
use crate::field::{CurrencyCode, Rate};
use crate::payer_proof::Preimage;
use crate::units::UnixTime;

/// How much later than it could be a payment is asked for at most, in seconds.
const MAX_DELAY: u64 = 3_600;

/// A subscription in a manager.
#[derive(Debug)]
pub(crate) struct Held(pub(crate) Subscription);

impl Held {
    pub(crate) fn id(&self) -> ConversationId {
        self.0.id().into()
    }

    pub(crate) fn fields(&self) -> Vec<u8> {
        self.0.state_fields().into_bytes()
    }

    pub(crate) fn reload(payer: &Payer, fields: &[u8]) -> Result<Self, Error> {
        payer.reload_subscription(fields).map(Self)
    }

    pub(crate) fn load(payer: &Payer, state: &[u8]) -> Result<Self, Error> {
        payer.load_subscription(state).map(Self)
    }

    pub(crate) fn restore(payer: &Payer, state: &[u8]) -> Result<Self, Error> {
        payer.restore_subscription(state).map(Self)
    }

    pub(crate) fn keys(&self) -> Keys {
        Keys {
            replies: self.0.reply_ids(),
            hashes: self.0.payment().into_iter().flat_map(payments::hashes).chain(self.0.last_hashes()).collect(),
            priced_in: self.0.payment().and_then(payments::priced_in),
        }
    }

    pub(crate) fn open_hashes(&self) -> Vec<sha256::Hash> {
        self.0.payment().into_iter().flat_map(payments::open_hashes).collect()
    }

    pub(crate) fn currency(&self) -> Option<CurrencyCode> {
        self.0.currency()
    }

    /// How many payments were made.
    pub(crate) fn made(&self) -> u32 {
        self.0.payments_made()
    }

    pub(crate) fn stage(&self, now: UnixTime) -> Stage {
        match self.0.state(now) {
            SubscriptionState::Waiting(_) => Stage::Waiting,
            SubscriptionState::Open(payment) => payments::stage(payment),
            SubscriptionState::Overdue { .. } => Stage::Overdue,
            SubscriptionState::Stopped(..) => Stage::Stopped,
            // That it was cancelled is still to be said.
            SubscriptionState::Ended(_) => Stage::Ended,
        }
    }

    pub(crate) fn activity(&self, now: UnixTime) -> (Activity, Option<UnixTime>) {
        match self.0.state(now) {
            SubscriptionState::Waiting(due) if self.own_time(&due) <= now => {
                let in_bitcoin = self.currency().is_none();
                let activity = if in_bitcoin { Activity::Asking { requests: 0 } } else { Activity::RateNeeded };
                (activity, Some(*due.window.end()))
            }
            SubscriptionState::Waiting(due) => {
                (Activity::NotDue { number: u64::from(due.counter).saturating_add(1) }, Some(self.own_time(&due)))
            }
            SubscriptionState::Overdue { due, from } => {
                (Activity::Overdue { number: u64::from(due.counter).saturating_add(1) }, Some(from))
            }
            SubscriptionState::Open(payment) => payments::activity(payment),
            SubscriptionState::Stopped(due, reason) => (Activity::Stopped(reason.clone()), Some(*due.window.end())),
            SubscriptionState::Ended(end) => (Activity::Over(end), None),
        }
    }

    /// When a payment is asked for: up to an hour after it could be, but at most after a quarter of what is left of its
    /// window. All who subscribe to an offer would ask in the same second. The first payment is made at once.
    fn own_time(&self, due: &Due) -> UnixTime {
        if due.counter == 0 {
            return due.due_at;
        }
        let room = due.window.end().0.saturating_sub(due.due_at.0) / 4;
        let later = at_most(room.min(MAX_DELAY), self.0.delays(due.counter));
        UnixTime(due.due_at.0.saturating_add(later))
    }

    /// What to do now; nothing for want of a rate.
    pub(crate) fn step(&mut self, now: UnixTime, rate: Option<Rate>) -> Result<Option<Step>, Error> {
        if let SubscriptionState::Waiting(due) = self.0.state(now) {
            let at = self.own_time(&due);
            if now < at {
                return Ok(Some(Step::WaitUntil(at)));
            }
        }
        match self.0.step(now, rate) {
            Err(error) if matches!(error.kind(), ErrorKind::RateNeeded { .. }) => Ok(None),
            result => result.map(Some),
        }
    }

    pub(crate) fn receive(&mut self, message: IncomingMessage, now: UnixTime) -> Result<Progress, Box<Refused>> {
        self.0.receive(message, now)
    }

    pub(crate) fn unreachable(&mut self, reply_path_id: &PathId, now: UnixTime) {
        self.0.unreachable(reply_path_id, now);
    }

    pub(crate) fn unsendable(&mut self) {
        self.0.unsendable();
    }

    fn quoted(&self, now: UnixTime) -> Option<&Payment> {
        match self.0.state(now) {
            SubscriptionState::Open(payment) if matches!(payment.state(), State::Quoted(_)) => Some(payment),
            _ => None,
        }
    }

    /// The payment hash of what may be begun without asking anybody: a quote that nobody tried to pay yet.
    pub(crate) fn authorised(&self, now: UnixTime) -> Option<sha256::Hash> {
        let payment = self.quoted(now)?;
        let State::Quoted(quote) = payment.state() else { return None };
        let hash = quote.payment_hash();
        (!payment.failed_hashes().any(|failed| failed == hash)).then_some(hash)
    }

    pub(crate) fn begin(
        &mut self,
        payment_hash: sha256::Hash,
        now: UnixTime,
        rate: Option<Rate>,
    ) -> Result<Attempt, Error> {
        let quoted = self.quoted(now).and_then(|payment| match payment.state() {
            State::Quoted(quote) => Some(quote.payment_hash()),
            _ => None,
        });
        if quoted == Some(payment_hash) { self.0.begin(now, rate) } else { Err(self.0.wrong_state()) }
    }

    pub(crate) fn paying(&self) -> Option<(sha256::Hash, Attempt)> {
        self.0.payment().and_then(payments::paying)
    }

    pub(crate) fn paid(&mut self, preimage: Preimage) -> Result<(), Error> {
        self.0.paid(preimage)
    }

    pub(crate) fn failed(&mut self, attempt: Attempt) -> Result<(), Error> {
        self.0.failed(attempt)
    }
}
