//! What a manager asks of a payment.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;

use bitcoin::hashes::sha256;
use secp256k1::schnorr;

use crate::error::Error;
use crate::exchange::ids::{ConversationId, PathId};
use crate::exchange::manager::held::{Held, Next, Pays};
use crate::exchange::manager::keys::Keys;
use crate::exchange::manager::stage::Stage;
use crate::exchange::manager::status::Activity;
use crate::exchange::message::IncomingMessage;
use crate::exchange::payer::payment::{Payment, Progress};
use crate::exchange::payer::state::{Attempt, State};
use crate::exchange::refused::Refused;
use crate::field::{CurrencyCode, Rate};
use crate::payer_proof::Preimage;
use crate::units::UnixTime;

impl Held for Payment {
    fn id(&self) -> ConversationId {
        self.id().into()
    }

    fn fields(&self) -> Vec<u8> {
        self.state_fields().into_bytes()
    }

    fn keys(&self) -> Keys {
        Keys { hashes: hashes(self).collect(), priced_in: priced_in(self), ..Keys::default() }
    }

    fn open_hashes(&self) -> Vec<sha256::Hash> {
        open_hashes(self).collect()
    }

    fn stage(&self, _: UnixTime) -> Stage {
        stage(self)
    }

    fn activity(&self, _: UnixTime) -> (Activity, Option<UnixTime>) {
        activity(self)
    }

    fn currency(&self) -> Option<CurrencyCode> {
        self.currency()
    }

    fn step(&mut self, now: UnixTime, rate: Option<Rate>) -> Result<Next, Error> {
        take_rate(self, rate);
        Ok(self.step(now).into())
    }

    fn receive(
        &mut self,
        message: IncomingMessage,
        now: UnixTime,
        rate: Option<Rate>,
    ) -> Result<Option<Stage>, Box<Refused>> {
        let progress = self.receive(message, now)?;
        // What is refused changes nothing, and so the rate comes after it.
        take_rate(self, rate);
        Ok(quoted(self, &progress))
    }

    fn unreachable(&mut self, reply_path_id: &PathId, now: UnixTime) {
        self.unreachable(reply_path_id, now);
    }

    fn unsendable(&mut self) {
        self.unsendable();
    }

    fn paying(&self) -> Option<(sha256::Hash, Attempt)> {
        paying(self)
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

impl Pays for Payment {
    fn begin(&mut self, payment_hash: sha256::Hash, now: UnixTime, rate: Option<Rate>) -> Result<Attempt, Error> {
        self.begin(payment_hash, now, rate)
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

pub(crate) fn stage(payment: &Payment) -> Stage {
    match payment.state() {
        State::Asking { .. } if payment.lacks_signature() => Stage::Signing,
        State::Asking { .. } => Stage::Asking,
        State::Quoted(_) => Stage::Quoted,
        State::NeedsApproval { objection, .. } => Stage::NeedsApproval(objection),
        State::Paying(paying) => Stage::Paying(paying.attempt()),
        State::Paid(_) => Stage::Paid,
        State::Ended(_) => Stage::Ended,
    }
}

/// How far it is with the invoice that came last: of a refund, other claims may be farther (EXC-14).
pub(crate) fn quoted(payment: &Payment, progress: &Progress) -> Option<Stage> {
    match progress {
        Progress::Quoted => Some(Stage::Quoted),
        Progress::NeedsApproval => payment.latest_objection().map(Stage::NeedsApproval),
        _ => None,
    }
}

/// The payment hash that is being paid, and the attempt.
pub(crate) fn paying(payment: &Payment) -> Option<(sha256::Hash, Attempt)> {
    match payment.state() {
        State::Paying(paying) => Some((paying.payment_hash(), paying.attempt())),
        _ => None,
    }
}

/// The payment hashes that the node may have news of. The one that was paid is among them: it may be told again, and
/// nothing else is to be paid with it.
pub(crate) fn hashes(payment: &Payment) -> impl Iterator<Item = sha256::Hash> + '_ {
    let present = payment.begun_hash();
    present.into_iter().chain(payment.failed_hashes().filter(move |failed| Some(*failed) != present))
}

/// Those of them that may turn out to be paid.
pub(crate) fn open_hashes(payment: &Payment) -> impl Iterator<Item = sha256::Hash> + '_ {
    let is_paid = matches!(payment.state(), State::Paid(_));
    hashes(payment).filter(move |_| !is_paid)
}

/// The currency of a price that a quote is compared with.
pub(crate) fn priced_in(payment: &Payment) -> Option<CurrencyCode> {
    // Most have none, and a quote has to be compared with its limits to say how far it is.
    let currency = payment.currency()?;
    matches!(payment.state(), State::Quoted(_) | State::NeedsApproval { .. }).then_some(currency)
}

/// Has a payment compare with this rate from now on. One at which nothing can be computed leaves the one before.
fn take_rate(payment: &mut Payment, rate: Option<Rate>) {
    if let Some(rate) = rate.filter(|_| payment.is_open()) {
        let _ = payment.set_rate(rate);
    }
}

/// What happens, and until when at most.
pub(crate) fn activity(payment: &Payment) -> (Activity, Option<UnixTime>) {
    let deadline = payment.deadline();
    let activity = match payment.state() {
        State::Asking { .. } if payment.refund().is_some() => Activity::Published,
        State::Asking { .. } if payment.lacks_signature() => Activity::Signing,
        State::Asking { attempts } => Activity::Asking { requests: attempts },
        State::Quoted(quote) => {
            return (Activity::Quoted { amount: quote.amount() }, Some(quote.expires_at().min(deadline)));
        }
        State::NeedsApproval { quote, objection } => {
            let activity = Activity::NeedsApproval { amount: quote.amount(), objection };
            return (activity, Some(quote.expires_at().min(deadline)));
        }
        State::Paying(paying) => return (Activity::Paying { amount: paying.amount() }, None),
        State::Paid(_) => return (Activity::Paid, None),
        State::Ended(reason) => return (Activity::Ended(reason.clone()), None),
    };
    (activity, (deadline != UnixTime(u64::MAX)).then_some(deadline))
}
