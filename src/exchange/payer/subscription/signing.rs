//! Requests that are signed elsewhere.

use alloc::boxed::Box;

use secp256k1::schnorr;

use crate::error::Error;
use crate::exchange::payer::payment::Payment;
use crate::exchange::payer::state::State;
use crate::exchange::payer::subscription::{CANCELS, Cancel, Subscription};
use crate::invoice_request::InvoiceRequest;
use crate::signed::Unsigned;

impl Subscription {
    /// The request that lacks a signature, whole, to be shown to its
    /// [signer](crate::exchange::SubscriptionDraft::signer); `None` if none does. It asks for the payment of a period,
    /// or [cancels](Self::cancel) the subscription: [`recurrence`](crate::RequestFields::recurrence) says which. It is
    /// the same every time, also after a restart, and however often a period is tried.
    pub fn to_sign(&self) -> Option<Unsigned<InvoiceRequest>> {
        if self.lacks_cancel_signature() {
            return self.cancellation().to_sign(&self.payer, self.token(CANCELS, 0)).ok();
        }
        self.payment.as_ref().and_then(Payment::to_sign)
    }

    /// The signature of [what is to be signed](Self::to_sign). [Save](Self::to_bytes) the subscription, and
    /// [poll](Self::poll) it: the request goes out with this signature, over whatever way and however often.
    ///
    /// # Errors
    ///
    /// `InvalidSignature`, also for that of another period; `WrongState` if none is waited for.
    pub fn sign(&mut self, signature: &schnorr::Signature) -> Result<(), Error> {
        if self.lacks_cancel_signature() {
            let unsigned = self.to_sign().ok_or_else(|| self.wrong_state())?;
            unsigned.complete(signature)?;
            self.cancel_signature = Some(Box::new(*signature));
            return Ok(());
        }
        match &mut self.payment {
            Some(payment) => payment.sign(signature),
            None => Err(self.wrong_state()),
        }
    }

    /// Whether the issuer is to be told that it is cancelled, and somebody has to sign that. What is being paid is
    /// waited for before: it decides which period comes next.
    pub(crate) fn lacks_cancel_signature(&self) -> bool {
        let is_elsewhere = self.plan.choices.signer.is_some() && self.cancel_signature.is_none();
        let is_paying = self.payment.as_ref().is_some_and(|payment| matches!(payment.state(), State::Paying(_)));
        is_elsewhere && !is_paying && matches!(self.cancel, Cancel::Wanted(_)) && self.is_to_say_that_it_is_cancelled()
    }
}
