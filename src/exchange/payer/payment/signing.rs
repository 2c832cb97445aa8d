//! Requests that are signed elsewhere.

use alloc::boxed::Box;

use secp256k1::schnorr;

use crate::error::Error;
use crate::exchange::payer::payment::{Payment, Phase};
use crate::exchange::payer::purpose::Purpose;
use crate::invoice_request::InvoiceRequest;
use crate::signed::Unsigned;

impl Payment {
    /// The request that lacks a signature, whole, to be shown to its [signer](crate::exchange::Draft::signer); `None`
    /// if none does. It is the same every time, also after a restart, until another invoice is asked for: then it is
    /// another request, with a signature of its own.
    pub fn to_sign(&self) -> Option<Unsigned<InvoiceRequest>> {
        match &self.purpose {
            Purpose::Offer(offer) if self.lacks_signature() => offer.to_sign(&self.payer, self.own_token(0)).ok(),
            _ => None,
        }
    }

    /// The signature of [what is to be signed](Self::to_sign). [Save](Self::to_bytes) the payment, and
    /// [poll](Self::poll) it: the request goes out with this signature, over whatever way and however often.
    ///
    /// # Errors
    ///
    /// `InvalidSignature`, also for that of a request before this one; `WrongState` if none is waited for.
    pub fn sign(&mut self, signature: &schnorr::Signature) -> Result<(), Error> {
        let unsigned = self.to_sign().ok_or_else(|| self.wrong_state())?;
        unsigned.complete(signature)?;
        self.signature = Some(Box::new(*signature));
        Ok(())
    }

    /// Whether another invoice is asked for with the same bytes: all requests for a period are one (REC-3).
    pub(crate) fn asks_the_same_again(&self) -> bool {
        matches!(&self.purpose, Purpose::Offer(offer) if offer.series.as_ref().is_some_and(|it| it.nonce().is_some()))
    }

    pub(crate) fn lacks_signature(&self) -> bool {
        let is_elsewhere = matches!(&self.purpose, Purpose::Offer(offer) if offer.choices.signer.is_some());
        is_elsewhere && self.signature.is_none() && matches!(self.phase, Phase::Asking)
    }
}
