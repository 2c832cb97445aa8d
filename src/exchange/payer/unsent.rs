//! A request that is due, before it is made and signed.

use alloc::boxed::Box;

use secp256k1::schnorr;

use crate::error::Error;
use crate::exchange::action::{Action, Step};
use crate::exchange::message::{OffersMessage, OutgoingMessage};
use crate::exchange::payer::keys::Payer;
use crate::exchange::payer::purpose::OfferPurpose;
use crate::exchange::secret::Token;

/// What it takes to make a request: all of it, so that signing needs neither the payment nor a lock around it.
#[derive(Clone, Debug)]
pub(crate) struct UnsentRequest {
    pub(crate) payer: Payer,
    pub(crate) purpose: OfferPurpose,
    pub(crate) token: Token,
    /// What was made elsewhere.
    pub(crate) signature: Option<schnorr::Signature>,
}

impl UnsentRequest {
    /// Makes the request and signs it.
    ///
    /// # Errors
    ///
    /// What [`InvoiceRequestBuilder::build`](crate::InvoiceRequestBuilder::build) refuses.
    pub(crate) fn sign(&self) -> Result<OutgoingMessage, Error> {
        let Self { payer, purpose, token, signature } = self;
        Ok(OutgoingMessage {
            message: OffersMessage::InvoiceRequest(purpose.request(payer, *token, signature.as_ref())?),
            destination: purpose.destination(token.position)?,
            // MSG-2
            reply_path_id: Some(payer.reply_path_id(*token)),
        })
    }
}

impl Step<UnsentRequest> {
    /// The same with the request made.
    pub(crate) fn sign(self) -> Result<Action, Error> {
        self.with(|message| message.sign().map(Box::new))
    }
}
