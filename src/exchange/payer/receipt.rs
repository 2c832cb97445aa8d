//! What was paid, and what proves it.

use secp256k1::Keypair;

use crate::error::Field;
use crate::exchange::payer::keys::Payer;
use crate::invoice::Invoice;
use crate::payer_proof::{PayerProofBuilder, Preimage};

/// What was paid, and what proves it.
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

    /// What the payment revealed.
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

    /// The key that asked for the invoice, and signs proofs that it was paid (EXC-3). It is found again in what the
    /// payer paid; `None` if that is not its own, which happens only to a state that was tampered with.
    pub fn keypair(&self) -> Option<Keypair> {
        self.payer.keypair(self.invoice.request())
    }
}
