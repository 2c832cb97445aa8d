//! What a manager asks of a claim.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;

use bitcoin::hashes::sha256;

use crate::error::Error;
use crate::exchange::ids::{ConversationId, PathId};
use crate::exchange::manager::held::{Held, Next};
use crate::exchange::manager::keys::Keys;
use crate::exchange::manager::stage::Stage;
use crate::exchange::manager::status::Activity;
use crate::exchange::message::IncomingMessage;
use crate::exchange::payee::claim::{Claim, ClaimState};
use crate::exchange::refused::Refused;
use crate::field::Rate;
use crate::units::UnixTime;

impl Held for Claim {
    fn id(&self) -> ConversationId {
        self.id().into()
    }

    fn fields(&self) -> Vec<u8> {
        self.state_fields().into_bytes()
    }

    /// It may be paid after it has ended, too.
    fn keys(&self) -> Keys {
        Keys { hashes: Vec::from([self.invoice().payment_hash()]), ..Keys::default() }
    }

    fn open_hashes(&self) -> Vec<sha256::Hash> {
        let is_paid = *self.state() == ClaimState::Paid;
        if is_paid { Vec::new() } else { self.keys().hashes }
    }

    fn stage(&self, _: UnixTime) -> Stage {
        match self.state() {
            ClaimState::Sending => Stage::Asking,
            ClaimState::Paid => Stage::Paid,
            ClaimState::Ended(_) => Stage::Ended,
        }
    }

    fn activity(&self, _: UnixTime) -> (Activity, Option<UnixTime>) {
        match self.state() {
            ClaimState::Sending => (Activity::Claiming, Some(self.deadline())),
            ClaimState::Paid => (Activity::Paid, None),
            ClaimState::Ended(reason) => (Activity::Ended(reason.clone()), None),
        }
    }

    fn step(&mut self, now: UnixTime, _: Option<Rate>) -> Result<Next, Error> {
        Ok(self.step(now).into())
    }

    fn receive(
        &mut self,
        message: IncomingMessage,
        now: UnixTime,
        _: Option<Rate>,
    ) -> Result<Option<Stage>, Box<Refused>> {
        self.receive(message, now).map(|()| None)
    }

    fn unreachable(&mut self, reply_path_id: &PathId, now: UnixTime) {
        self.unreachable(reply_path_id, now);
    }

    fn unsendable(&mut self) {
        self.unsendable();
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
