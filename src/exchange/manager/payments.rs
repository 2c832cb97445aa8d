//! What a manager asks of a payment.

use bitcoin::hashes::sha256;

use crate::exchange::manager::stage::Stage;
use crate::exchange::manager::status::Activity;
use crate::exchange::payer::payment::Payment;
use crate::exchange::payer::state::State;
use crate::units::UnixTime;

pub(crate) fn stage(payment: &Payment) -> Stage {
    match payment.state() {
        State::Asking { .. } => Stage::Asking,
        State::Quoted(_) => Stage::Quoted,
        State::Paying(_) => Stage::Paying,
        State::Paid(_) => Stage::Paid,
        State::Ended(_) => Stage::Ended,
    }
}

/// The payment hash that is being paid.
pub(crate) fn paying(payment: &Payment) -> Option<sha256::Hash> {
    match payment.state() {
        State::Paying(invoice) => Some(invoice.payment_hash()),
        _ => None,
    }
}

/// The payment hashes that the node may have news of. The one that was paid is among them: it may be told again, and
/// nothing else is to be paid with it.
pub(crate) fn hashes(payment: &Payment) -> impl Iterator<Item = sha256::Hash> + '_ {
    let present = match payment.state() {
        State::Paying(invoice) => Some(invoice.payment_hash()),
        State::Paid(receipt) => Some(receipt.invoice().payment_hash()),
        _ => None,
    };
    present.into_iter().chain(payment.begun().filter(move |begun| Some(*begun) != present))
}

/// Those of them that may turn out to be paid.
pub(crate) fn open_hashes(payment: &Payment) -> impl Iterator<Item = sha256::Hash> + '_ {
    let is_paid = matches!(payment.state(), State::Paid(_));
    hashes(payment).filter(move |_| !is_paid)
}

/// What happens, and until when at most.
pub(crate) fn activity(payment: &Payment) -> (Activity, Option<UnixTime>) {
    let deadline = payment.deadline();
    let activity = match payment.state() {
        State::Asking { .. } if payment.refund().is_some() => Activity::Published,
        State::Asking { attempts } => Activity::Asking { requests: attempts },
        State::Quoted(quote) => {
            return (Activity::Quoted { amount: quote.amount() }, Some(quote.expires_at().min(deadline)));
        }
        State::Paying(invoice) => return (Activity::Paying { amount: invoice.amount() }, None),
        State::Paid(_) => return (Activity::Paid, None),
        State::Ended(reason) => return (Activity::Ended(reason.clone()), None),
    };
    (activity, (deadline != UnixTime(u64::MAX)).then_some(deadline))
}
