//! What a manager asks of whatever it holds: payments, claims and subscriptions.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::time::Duration;

use bitcoin::hashes::sha256;
use secp256k1::schnorr;

use crate::error::{Error, ErrorKind, Rule};
use crate::exchange::action::Step;
use crate::exchange::ids::{ConversationId, PathId};
use crate::exchange::manager::keys::Keys;
use crate::exchange::manager::output::What;
use crate::exchange::manager::stage::{Stage, Standing};
use crate::exchange::manager::status::Activity;
use crate::exchange::message::{IncomingMessage, OutgoingMessage};
use crate::exchange::payer::state::Attempt;
use crate::exchange::payer::unsent::UnsentRequest;
use crate::exchange::refused::Refused;
use crate::field::{CurrencyCode, Rate};
use crate::payer_proof::Preimage;
use crate::units::UnixTime;

/// Never.
pub(crate) const NEVER: UnixTime = UnixTime(u64::MAX);

/// How long after something that should not happen, or for want of a rate, a conversation is looked at again.
pub(crate) const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(3_600);

/// A conversation: a payment, a claim or a subscription.
pub(crate) trait Held: fmt::Debug + Send + Sync + UnwindSafe + RefUnwindSafe {
    fn id(&self) -> ConversationId;

    /// The state, without the MAC.
    fn fields(&self) -> Vec<u8>;

    fn keys(&self) -> Keys;

    /// The payment hashes to ask the node about: what is being paid comes first.
    fn open_hashes(&self) -> Vec<sha256::Hash>;

    /// How far it is.
    fn stage(&self, now: UnixTime) -> Stage;

    /// What happens, and until when at most.
    fn activity(&self, now: UnixTime) -> (Activity, Option<UnixTime>);

    /// Does what is due.
    fn step(&mut self, now: UnixTime, rate: Option<Rate>) -> Result<Next, Error>;

    /// Takes an answer. Returns how far it is with the invoice that came, if that is for the user to decide about.
    fn receive(
        &mut self,
        message: IncomingMessage,
        now: UnixTime,
        rate: Option<Rate>,
    ) -> Result<Option<Stage>, Box<Refused>>;

    fn unreachable(&mut self, reply_path_id: &PathId, now: UnixTime);

    fn unsendable(&mut self);

    /// How far it is, and how many payments of a subscription were made.
    fn standing(&self, now: UnixTime) -> Standing {
        Standing { stage: self.stage(now), made: self.made() }
    }

    /// Whether there may be something to do though it has ended.
    fn has_more_to_say(&self) -> bool {
        false
    }

    /// How many payments of a subscription were made.
    fn made(&self) -> u32 {
        0
    }

    /// The currency whose rate it has to know.
    fn currency(&self) -> Option<CurrencyCode> {
        None
    }

    /// The payment hash of what may be begun without asking anybody.
    fn authorised(&self, _: UnixTime) -> Option<sha256::Hash> {
        None
    }

    /// The payment hash that is being paid, and the attempt.
    fn paying(&self) -> Option<(sha256::Hash, Attempt)> {
        None
    }

    /// What pays; `WrongState` for a claim.
    fn pays(&mut self) -> Result<&mut dyn Pays, Error> {
        Err(Error::new(ErrorKind::WrongState { stage: crate::error::Stage::NotOpen }, Rule::Exc4))
    }

    /// Which of them it is, for what only one of them does.
    fn as_any(&self) -> &dyn Any;

    fn as_any_mut(&mut self) -> &mut dyn Any;
}

/// A payment or a subscription.
pub(crate) trait Pays {
    fn begin(&mut self, payment_hash: sha256::Hash, now: UnixTime, rate: Option<Rate>) -> Result<Attempt, Error>;

    fn paid(&mut self, preimage: Preimage) -> Result<(), Error>;

    fn failed(&mut self, attempt: Attempt) -> Result<(), Error>;

    /// The signature of a request that is signed elsewhere.
    fn sign(&mut self, signature: &schnorr::Signature) -> Result<(), Error>;
}

/// What to do, and when to look again.
pub(crate) struct Next {
    pub(crate) send: Option<What>,
    pub(crate) wake: UnixTime,
    /// The currency whose rate is needed to go on.
    pub(crate) needs: Option<CurrencyCode>,
}

impl Next {
    fn after<T>(step: Step<T>, what: impl FnOnce(Box<T>) -> What) -> Self {
        let (send, wake) = match step {
            Step::Send { message, wake } => (Some(what(message)), wake),
            Step::WaitUntil(at) | Step::Sign(at) => (None, at),
            Step::Nothing => (None, NEVER),
        };
        Self { send, wake, needs: None }
    }
}

impl From<Step<UnsentRequest>> for Next {
    fn from(step: Step<UnsentRequest>) -> Self {
        Self::after(step, What::Request)
    }
}

impl From<Step<OutgoingMessage>> for Next {
    fn from(step: Step<OutgoingMessage>) -> Self {
        Self::after(step, What::Message)
    }
}
