//! What a desk asks of subscriptions, where the feature is off: there are none.

use alloc::boxed::Box;

use super::application::{Application, ToDo};
use crate::exchange::{IncomingMessage, PathId, PaymentId, Refused};

#[derive(Default)]
pub(super) struct Subscriptions;

impl Subscriptions {
    pub(super) fn len(&self) -> usize {
        0
    }

    pub(super) fn poll(&self, _: &impl Application, _: &mut ToDo) {}

    pub(super) fn receive(
        &self,
        _: PaymentId,
        _: IncomingMessage,
        _: &impl Application,
    ) -> Option<Result<(), Box<Refused>>> {
        None
    }

    pub(super) fn unreachable(&self, _: PaymentId, _: &PathId, _: &impl Application) {}

    pub(super) fn unsendable(&self, _: PaymentId, _: &impl Application) -> bool {
        false
    }
}
