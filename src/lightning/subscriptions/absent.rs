//! What a desk asks of subscriptions, where the feature is off: there are none.

use alloc::boxed::Box;

use super::desk::{Application, ToDo};
use crate::exchange::{Incoming, PathId, PaymentId, Progress, Refused};

#[derive(Default)]
pub(super) struct Subscriptions;

impl Subscriptions {
    pub(super) fn len(&self) -> usize {
        0
    }

    pub(super) fn poll(&self, _: &impl Application, _: &mut ToDo) {}

    pub(super) fn receive_invoice(
        &self,
        _: PaymentId,
        _: Incoming,
        _: &impl Application,
    ) -> Option<Result<Progress, Box<Refused>>> {
        None
    }

    pub(super) fn receive_error(
        &self,
        _: PaymentId,
        _: Incoming,
        _: &impl Application,
    ) -> Option<Result<Progress, Box<Refused>>> {
        None
    }

    pub(super) fn unreachable(&self, _: PaymentId, _: &PathId, _: &impl Application) {}

    pub(super) fn unsendable(&self, _: PaymentId, _: &impl Application) -> bool {
        false
    }
}
