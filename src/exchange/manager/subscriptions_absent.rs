//! What a manager asks of subscriptions, where the feature is off: there are none.

use alloc::boxed::Box;
use alloc::vec::Vec;

use bitcoin::hashes::sha256;

use crate::error::Error;
use crate::exchange::ids::PathId;
use crate::exchange::manager::keys::Keys;
use crate::exchange::manager::stage::Stage;
use crate::exchange::manager::status::Activity;
use crate::exchange::message::IncomingMessage;
use crate::exchange::payer::keys::Payer;
use crate::exchange::payer::payment::Progress;
use crate::exchange::payer::state::Attempt;
use crate::exchange::payer::unsent::Step;
use crate::exchange::refused::Refused;
use crate::exchange::saved::invalid;
use crate::field::{CurrencyCode, Rate};
use crate::payer_proof::Preimage;
use crate::units::UnixTime;

#[derive(Debug)]
pub(crate) enum Held {}

impl Held {
    pub(crate) fn reload(_: &Payer, _: &[u8]) -> Result<Self, Error> {
        Err(invalid())
    }

    pub(crate) fn fields(&self) -> Vec<u8> {
        match *self {}
    }

    pub(crate) fn keys(&self) -> Keys {
        match *self {}
    }

    pub(crate) fn open_hashes(&self) -> Vec<sha256::Hash> {
        match *self {}
    }

    pub(crate) fn currency(&self) -> Option<CurrencyCode> {
        match *self {}
    }

    pub(crate) fn made(&self) -> u32 {
        match *self {}
    }

    pub(crate) fn stage(&self, _: UnixTime) -> Stage {
        match *self {}
    }

    pub(crate) fn activity(&self, _: UnixTime) -> (Activity, Option<UnixTime>) {
        match *self {}
    }

    pub(crate) fn step(&mut self, _: UnixTime, _: Option<Rate>) -> Result<Option<Step>, Error> {
        match *self {}
    }

    pub(crate) fn receive(&mut self, _: IncomingMessage, _: UnixTime) -> Result<Progress, Box<Refused>> {
        match *self {}
    }

    pub(crate) fn unreachable(&mut self, _: &PathId, _: UnixTime) {
        match *self {}
    }

    pub(crate) fn unsendable(&mut self) {
        match *self {}
    }

    pub(crate) fn authorised(&self, _: UnixTime) -> Option<sha256::Hash> {
        match *self {}
    }

    pub(crate) fn begin(&mut self, _: sha256::Hash, _: UnixTime, _: Option<Rate>) -> Result<Attempt, Error> {
        match *self {}
    }

    pub(crate) fn paying(&self) -> Option<(sha256::Hash, Attempt)> {
        match *self {}
    }

    pub(crate) fn paid(&mut self, _: Preimage) -> Result<(), Error> {
        match *self {}
    }

    pub(crate) fn failed(&mut self, _: Attempt) -> Result<(), Error> {
        match *self {}
    }
}
