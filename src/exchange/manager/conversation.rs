//! What conversations of all kinds have in common.

use alloc::boxed::Box;
use alloc::vec::Vec;

use bitcoin::hashes::sha256;

use crate::error::{Error, ErrorKind, Rule};
use crate::exchange::action::Action;
use crate::exchange::ids::{ConversationId, ConversationKind, PathId};
use crate::exchange::manager::keys::Keys;
use crate::exchange::manager::output::What;
use crate::exchange::manager::payments;
use crate::exchange::manager::stage::{Stage, Standing};
use crate::exchange::manager::status::Activity;
use crate::exchange::manager::subscriptions::Held;
use crate::exchange::message::IncomingMessage;
use crate::exchange::payee::claim::{Claim, ClaimState};
use crate::exchange::payee::keys::Payee;
use crate::exchange::payer::keys::Payer;
use crate::exchange::payer::payment::{Payment, Progress};
use crate::exchange::payer::state::Attempt;
use crate::exchange::payer::unsent::Step;
use crate::exchange::refused::Refused;
use crate::exchange::saved::{Kind, invalid, seal};
use crate::field::{CurrencyCode, Rate};
use crate::payer_proof::Preimage;
use crate::units::UnixTime;

/// Never.
pub(crate) const NEVER: UnixTime = UnixTime(u64::MAX);

/// Whose conversations they are.
#[derive(Clone, Debug)]
pub(crate) struct Parties {
    pub(crate) payer: Payer,
    pub(crate) payee: Payee,
}

/// A payment, a claim or a subscription.
#[derive(Debug)]
pub(crate) enum Conversation {
    Payment(Box<Payment>),
    Claim(Box<Claim>),
    Subscription(Box<Held>),
    /// One of them that has nothing to do for long, or is over: its fields as they are saved, which take a fraction of
    /// the room.
    Asleep(Box<[u8]>),
}

/// What to do, and when to look again.
pub(crate) struct Next {
    pub(crate) send: Option<What>,
    pub(crate) wake: UnixTime,
    /// The currency whose rate is needed to go on.
    pub(crate) needs: Option<CurrencyCode>,
}

impl Next {
    fn at(wake: UnixTime) -> Self {
        Self { send: None, wake, needs: None }
    }
}

impl Conversation {
    /// What was saved, whoever it belongs to.
    pub(crate) fn load(parties: &Parties, state: &[u8]) -> Result<(ConversationId, Self), Error> {
        let Parties { payer, payee } = parties;
        Ok(match Kind::of(state) {
            Some(Kind::Payment) => {
                let payment = payer.load(state)?;
                (payment.id().into(), Self::Payment(Box::new(payment)))
            }
            Some(Kind::Claim) => {
                let claim = payee.load_claim(state)?;
                (claim.id().into(), Self::Claim(Box::new(claim)))
            }
            #[cfg(feature = "recurrence")]
            Some(Kind::Subscription) => {
                let held = Held::load(payer, state)?;
                (held.id(), Self::Subscription(Box::new(held)))
            }
            _ => return Err(invalid()),
        })
    }

    /// A backup, whoever it belongs to (EXC-13).
    pub(crate) fn restore(parties: &Parties, state: &[u8]) -> Result<(ConversationId, Self), Error> {
        Ok(match Kind::of(state) {
            Some(Kind::Payment) => {
                let payment = parties.payer.restore(state)?;
                (payment.id().into(), Self::Payment(Box::new(payment)))
            }
            #[cfg(feature = "recurrence")]
            Some(Kind::Subscription) => {
                let held = Held::restore(&parties.payer, state)?;
                (held.id(), Self::Subscription(Box::new(held)))
            }
            // Sending an invoice again does no harm.
            _ => return Self::load(parties, state),
        })
    }

    /// What was kept in memory.
    pub(crate) fn reload(parties: &Parties, kind: ConversationKind, fields: &[u8]) -> Result<Self, Error> {
        let Parties { payer, payee } = parties;
        match kind {
            ConversationKind::Payment => payer.reload(fields).map(|payment| Self::Payment(Box::new(payment))),
            ConversationKind::Claim => payee.reload_claim(fields).map(|claim| Self::Claim(Box::new(claim))),
            ConversationKind::Subscription => {
                Held::reload(payer, fields).map(|held| Self::Subscription(Box::new(held)))
            }
        }
    }

    /// The state, without the MAC.
    pub(crate) fn fields(&self) -> Vec<u8> {
        match self {
            Self::Payment(payment) => payment.state_fields().into_bytes(),
            Self::Claim(claim) => claim.state_fields().into_bytes(),
            Self::Subscription(held) => held.fields(),
            Self::Asleep(fields) => fields.to_vec(),
        }
    }

    /// Completes the state for the store.
    pub(crate) fn seal(parties: &Parties, kind: ConversationKind, fields: Vec<u8>) -> Vec<u8> {
        let key = match kind {
            ConversationKind::Payment | ConversationKind::Subscription => parties.payer.states(),
            ConversationKind::Claim => parties.payee.states(),
        };
        seal(fields, key)
    }

    pub(crate) fn sleep(&mut self) {
        if !matches!(self, Self::Asleep(_)) {
            *self = Self::Asleep(self.fields().into_boxed_slice());
        }
    }

    pub(crate) fn wake(&mut self, parties: &Parties, kind: ConversationKind) -> Result<(), Error> {
        if let Self::Asleep(fields) = self {
            *self = Self::reload(parties, kind, fields)?;
        }
        Ok(())
    }

    /// Of what is awake.
    pub(crate) fn keys(&self) -> Keys {
        match self {
            Self::Payment(payment) => Keys {
                hashes: payments::hashes(payment).collect(),
                priced_in: payments::priced_in(payment),
                ..Keys::default()
            },
            Self::Claim(claim) if *claim.state() == ClaimState::Sending => {
                Keys { hashes: Vec::from([claim.invoice().payment_hash()]), ..Keys::default() }
            }
            Self::Subscription(held) => held.keys(),
            Self::Claim(_) | Self::Asleep(_) => Keys::default(),
        }
    }

    /// The payment hashes to ask the node about, if it is awake: what is being paid comes first.
    pub(crate) fn open_hashes(&self) -> Vec<sha256::Hash> {
        match self {
            Self::Payment(payment) => payments::open_hashes(payment).collect(),
            Self::Subscription(held) => held.open_hashes(),
            Self::Claim(_) | Self::Asleep(_) => self.keys().hashes,
        }
    }

    /// How far it is, if it is awake.
    pub(crate) fn stage(&self, now: UnixTime) -> Option<Stage> {
        Some(match self {
            Self::Payment(payment) => payments::stage(payment),
            Self::Claim(claim) => match claim.state() {
                ClaimState::Sending => Stage::Asking,
                ClaimState::Paid => Stage::Paid,
                ClaimState::Ended(_) => Stage::Ended,
            },
            Self::Subscription(held) => held.stage(now),
            Self::Asleep(_) => return None,
        })
    }

    /// The same, with how many payments of a subscription were made.
    pub(crate) fn standing(&self, now: UnixTime) -> Option<Standing> {
        let made = match self {
            Self::Subscription(held) => held.made(),
            _ => 0,
        };
        self.stage(now).map(|stage| Standing { stage, made })
    }

    /// What happens, and until when at most, if it is awake.
    pub(crate) fn activity(&self, now: UnixTime) -> Option<(Activity, Option<UnixTime>)> {
        Some(match self {
            Self::Payment(payment) => payments::activity(payment),
            Self::Claim(claim) => match claim.state() {
                ClaimState::Sending => (Activity::Claiming, Some(claim.deadline())),
                ClaimState::Paid => (Activity::Paid, None),
                ClaimState::Ended(reason) => (Activity::Ended(reason.clone()), None),
            },
            Self::Subscription(held) => held.activity(now),
            Self::Asleep(_) => return None,
        })
    }

    /// The currency whose rate it has to know.
    pub(crate) fn currency(&self) -> Option<CurrencyCode> {
        match self {
            Self::Payment(payment) => payment.currency(),
            Self::Subscription(held) => held.currency(),
            _ => None,
        }
    }

    /// Does what is due.
    pub(crate) fn step(&mut self, now: UnixTime, rate: Option<Rate>) -> Result<Next, Error> {
        let mut next = self.one_step(now, rate)?;
        if next.send.is_some() {
            // Once more, to know when to come back.
            let after = self.one_step(now, rate)?;
            // Two messages at once would be one too many.
            next.wake = if after.send.is_some() { now.next_second() } else { after.wake };
            next.needs = after.needs;
        }
        Ok(next)
    }

    fn one_step(&mut self, now: UnixTime, rate: Option<Rate>) -> Result<Next, Error> {
        let step = match self {
            Self::Payment(payment) => {
                payments::take_rate(payment, rate);
                payment.step(now)
            }
            Self::Claim(claim) => {
                return Ok(match claim.poll(now)? {
                    Action::Send(message) => Next { send: Some(What::Message(message)), ..Next::at(now) },
                    Action::WaitUntil(at) => Next::at(at),
                    Action::Nothing => Next::at(NEVER),
                });
            }
            Self::Subscription(held) => match held.step(now, rate)? {
                Some(step) => step,
                None => return Ok(Next { needs: held.currency(), ..Next::at(now.saturating_add(A_WHILE)) }),
            },
            Self::Asleep(_) => return Ok(Next::at(NEVER)),
        };
        Ok(match step {
            Step::Send(unsent) => Next { send: Some(What::Request(unsent)), ..Next::at(now) },
            Step::WaitUntil(at) => Next::at(at),
            Step::Nothing => Next::at(NEVER),
        })
    }

    /// Takes an answer. Returns whether there is an invoice for whoever owns the money to decide about.
    pub(crate) fn receive(
        &mut self,
        message: IncomingMessage,
        now: UnixTime,
        rate: Option<Rate>,
    ) -> Result<bool, Box<Refused>> {
        let progress = match self {
            Self::Payment(payment) => {
                let progress = payment.receive(message, now)?;
                // What is refused changes nothing, and so the rate comes after it.
                payments::take_rate(payment, rate);
                progress
            }
            Self::Claim(claim) => return claim.receive(message, now).map(|()| false),
            Self::Subscription(held) => held.receive(message, now)?,
            Self::Asleep(_) => return Err(Refused::late()),
        };
        Ok(matches!(progress, Progress::Quoted | Progress::NeedsApproval))
    }

    pub(crate) fn unreachable(&mut self, reply_path_id: &PathId, now: UnixTime) {
        match self {
            Self::Payment(payment) => payment.unreachable(reply_path_id, now),
            Self::Claim(claim) => claim.unreachable(reply_path_id, now),
            Self::Subscription(held) => held.unreachable(reply_path_id, now),
            Self::Asleep(_) => {}
        }
    }

    pub(crate) fn unsendable(&mut self) {
        match self {
            Self::Payment(payment) => drop(payment.unsendable()),
            Self::Claim(claim) => drop(claim.unsendable()),
            Self::Subscription(held) => held.unsendable(),
            Self::Asleep(_) => {}
        }
    }

    /// The payment hash of what may be begun without asking anybody.
    pub(crate) fn authorised(&self, now: UnixTime) -> Option<sha256::Hash> {
        match self {
            Self::Subscription(held) => held.authorised(now),
            _ => None,
        }
    }

    pub(crate) fn begin(
        &mut self,
        payment_hash: sha256::Hash,
        now: UnixTime,
        rate: Option<Rate>,
    ) -> Result<Attempt, Error> {
        match self {
            Self::Payment(payment) => payment.begin(payment_hash, now, rate),
            Self::Subscription(held) => held.begin(payment_hash, now, rate),
            Self::Claim(_) | Self::Asleep(_) => Err(no_payment()),
        }
    }

    /// The payment hash that is being paid, and the attempt.
    pub(crate) fn paying(&self) -> Option<(sha256::Hash, Attempt)> {
        match self {
            Self::Payment(payment) => payments::paying(payment),
            Self::Subscription(held) => held.paying(),
            Self::Claim(_) | Self::Asleep(_) => None,
        }
    }

    pub(crate) fn paid(&mut self, preimage: Preimage) -> Result<(), Error> {
        match self {
            Self::Payment(payment) => payment.paid(preimage),
            Self::Subscription(held) => held.paid(preimage),
            Self::Claim(_) | Self::Asleep(_) => Err(no_payment()),
        }
    }

    pub(crate) fn failed(&mut self, attempt: Attempt) -> Result<(), Error> {
        match self {
            Self::Payment(payment) => payment.failed(attempt),
            Self::Subscription(held) => held.failed(attempt),
            Self::Claim(_) | Self::Asleep(_) => Err(no_payment()),
        }
    }
}

/// How long after something that should not happen a conversation is looked at again.
pub(crate) const A_WHILE: core::time::Duration = core::time::Duration::from_secs(3_600);

fn no_payment() -> Error {
    Error::new(ErrorKind::WrongState { stage: crate::error::Stage::NotOpen }, Rule::Exc4)
}
