//! What was paid, and the proof of it.

use secp256k1::Keypair;

use crate::error::Field;
use crate::exchange::payer::keys::Payer;
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

    /// Begins a proof of the payment: a [receipt](PayerProofBuilder::receipt) that also shows the offer's price and
    /// metadata, beside which `invreq_chain` and `offer_chains` could be hidden, so that it shows on which chain was
    /// paid. Sign it with [`keypair`](Self::keypair).
    pub fn proof(&self) -> PayerProofBuilder<'a> {
        let fields = [Field::OFFER_METADATA, Field::OFFER_CURRENCY, Field::OFFER_AMOUNT];
        let fields = fields.into_iter().filter(|field| self.invoice.tlvs().contains(field.number()));
        fields.fold(PayerProofBuilder::receipt(self.invoice, self.preimage), PayerProofBuilder::reveal)
    }

    /// The key that requested the invoice, and that signs payer proofs (EXC-3). It is derived from the invoice. `None`
    /// if the request in the invoice is not the payer's own, which happens only if a state was tampered with.
    pub fn keypair(&self) -> Option<Keypair> {
        self.payer.keypair(self.invoice.request())
    }
}
