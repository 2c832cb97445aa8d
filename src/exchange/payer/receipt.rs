//! What was paid, and the proof of it.

use secp256k1::Keypair;

use crate::exchange::payer::keys::Payer;
use crate::field::Text;
use crate::invoice::Invoice;
use crate::payer_proof::{PayerProofBuilder, Preimage};

/// What was paid, and the proof of it.
#[derive(Clone, Copy, Debug)]
pub struct Receipt<'a> {
    payer: &'a Payer,
    invoice: &'a Invoice,
    preimage: Preimage,
}

impl<'a> Receipt<'a> {
    pub(crate) fn new(payer: &'a Payer, invoice: &'a Invoice, preimage: Preimage) -> Self {
        Self { payer, invoice, preimage }
    }

    /// The invoice that was paid.
    pub fn invoice(&self) -> &'a Invoice {
        self.invoice
    }

    /// The preimage, which the payment revealed.
    pub fn preimage(&self) -> Preimage {
        self.preimage
    }

    /// What the payer said to the payee, in the request that the invoice repeats. A [proof](Self::proof) hides it,
    /// unless it is [revealed](PayerProofBuilder::reveal).
    pub fn payer_note(&self) -> Option<Text<'a>> {
        self.invoice.request().payer_note()
    }

    /// Begins a proof of the payment: a [receipt](PayerProofBuilder::receipt) that shows the
    /// [whole offer](PayerProofBuilder::whole_offer), with its paths, so that it holds against
    /// [`ExpectedPayee::Offer`](crate::ExpectedPayee::Offer) and shows on which chain was paid. Sign it with
    /// [`keypair`](Self::keypair).
    ///
    /// Anyone who sees it can use the offer. [Hide](PayerProofBuilder::hide) its paths where that is not meant: then
    /// the proof holds against [`ExpectedPayee::Issuer`](crate::ExpectedPayee::Issuer).
    pub fn proof(&self) -> PayerProofBuilder<'a> {
        PayerProofBuilder::receipt(self.invoice, self.preimage).whole_offer()
    }

    /// The key that requested the invoice, and that signs payer proofs (EXC-3). It is derived from the invoice. `None`
    /// if the request was signed [elsewhere](crate::exchange::Draft::signer).
    pub fn keypair(&self) -> Option<Keypair> {
        self.payer.keypair(self.invoice.request())
    }
}
