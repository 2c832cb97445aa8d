//! Payer proofs: of a typical invoice, and of long ones, for growth.

use bolt12::secp256k1::schnorr;
use bolt12::{Field, Invoice, PayerProof, PayerProofBuilder, Preimage};
use lightning::offers::invoice::Bolt12Invoice;
use lightning::offers::payer_proof::{PaidBolt12Invoice, PayerProof as TheirProof, UnsignedPayerProof};
use lightning::types::payment::PaymentPreimage;

use crate::floor::{Floor, digest};
use crate::measure::Side;
use crate::messages::{Keys, Messages, PREIMAGE, accept, build_request, invoice_builder};
use crate::table::Comparison;

/// What both libraries show unasked.
const ALWAYS: [u64; 4] = [88, 168, 174, 176];

/// Types of unknown records that an invoice may have.
const UNKNOWN: u64 = 3_500_000_001;

/// An invoice that was paid.
pub(crate) struct Paid {
    invoice: Invoice,
    theirs: PaidBolt12Invoice,
}

impl Paid {
    /// An invoice like that of a shape. The request is ours, since `lightning` does not give away the key that signs
    /// its own.
    pub(crate) fn new(messages: &Messages, keys: &Keys) -> Self {
        Self::with_records(messages, keys, 0)
    }

    /// The same with unknown records.
    pub(crate) fn with_records(messages: &Messages, keys: &Keys, count: u64) -> Self {
        let Messages { shape, offer, .. } = messages;
        let request = build_request(*shape, &keys.payer, offer);
        let builder = invoice_builder(*shape, accept(&request, offer), messages.our_invoice_paths());
        let builder = (0..count).fold(builder, |builder, at| builder.custom_field(UNKNOWN + 2 * at, [0x33; 16]));
        let invoice = builder.build().and_then(|unsigned| unsigned.sign(&keys.issuer)).expect("a valid invoice");
        let theirs = Bolt12Invoice::try_from(invoice.as_bytes().to_vec()).expect("an invoice");
        Self { invoice, theirs: PaidBolt12Invoice::Bolt12Invoice(theirs) }
    }
}

/// A choice of what to show, and the proof that shows it.
pub(crate) struct Proved<'a> {
    name: &'static str,
    paid: &'a Paid,
    start: fn(&'a Invoice, Preimage) -> PayerProofBuilder<'a>,
    /// What is shown beside that.
    more: Vec<Field>,
    /// The types that `lightning` has to be told.
    told: Vec<u64>,
    proof: PayerProof,
}

/// What can be compared for the proofs of one invoice.
pub(crate) fn all<'a>(proofs: &'a [Proved<'a>], keys: &'a Keys) -> Vec<Comparison<'a>> {
    let builds = proofs.iter().map(|proof| proof.build(keys));
    let beside_hidden = proofs.iter().map(|proof| proof.build_beside_hidden(keys));
    let reads = proofs.iter().map(|proof| proof.read(keys));
    builds.chain(beside_hidden).chain(reads).collect()
}

impl<'a> Proved<'a> {
    fn new(
        name: &'static str,
        paid: &'a Paid,
        start: fn(&'a Invoice, Preimage) -> PayerProofBuilder<'a>,
        more: Vec<Field>,
        keys: &Keys,
    ) -> Self {
        let proof = prove(start(&paid.invoice, Preimage(PREIMAGE)), &more, keys);
        let shown = paid.invoice.tlvs().records().map(|record| record.number());
        let told = shown.filter(|number| proof.tlvs().contains(*number) && *number != 240 && !ALWAYS.contains(number));
        let proved = Self { name, paid, start, more, told: told.collect(), proof };
        assert_eq!(proved.proof.as_bytes(), proved.their_proof(keys).bytes());
        proved
    }

    /// The proofs of one invoice that are compared.
    pub(crate) fn both(paid: &'a Paid, keys: &Keys) -> [Self; 2] {
        [
            Self::new("minimal", paid, PayerProofBuilder::minimal, Vec::new(), keys),
            Self::new("receipt", paid, PayerProofBuilder::receipt, Vec::new(), keys),
        ]
    }

    /// No more than is needed, and every fourth of the unknown records.
    pub(crate) fn every_fourth(paid: &'a Paid, keys: &Keys) -> Self {
        let unknown = paid.invoice.tlvs().records().map(|record| record.number()).filter(|number| *number >= UNKNOWN);
        let more = unknown.step_by(4).map(Field::numbered).collect();
        Self::new("every fourth", paid, PayerProofBuilder::minimal, more, keys)
    }

    fn our_proof(&self, keys: &Keys) -> PayerProof {
        prove((self.start)(&self.paid.invoice, Preimage(PREIMAGE)), &self.more, keys)
    }

    fn their_proof(&self, keys: &Keys) -> TheirProof {
        let builder = self.paid.theirs.prove_payer(PaymentPreimage(PREIMAGE)).expect("the right preimage");
        let told = self.told.iter();
        let builder = told.fold(builder, |builder, number| builder.include_type(*number).expect("a field to show"));
        let sign = |proof: &UnsignedPayerProof| {
            Ok(keys.context.sign_schnorr_no_aux_rand(proof.as_ref().as_digest(), &keys.payer))
        };
        builder.build().expect("a valid proof").sign(sign).expect("a valid signature")
    }

    /// Beside the invoice's whole tree.
    pub(crate) fn build<'b>(&'b self, keys: &'b Keys) -> Comparison<'b> {
        let floor = Floor::default().and_root(self.paid.invoice.tlvs().records());
        self.build_beside("payer proof: build and sign", floor, keys)
    }

    /// Beside as much of the invoice's tree as the proof speaks of.
    fn build_beside_hidden<'b>(&'b self, keys: &'b Keys) -> Comparison<'b> {
        let shown = |number| self.proof.tlvs().contains(number);
        let floor = Floor::default().and_hidden(self.paid.invoice.tlvs().records(), shown);
        self.build_beside("payer proof: build and sign, beside what is hidden", floor, keys)
    }

    fn build_beside<'b>(&'b self, operation: &str, invoice: Floor, keys: &'b Keys) -> Comparison<'b> {
        let floor = invoice.and_preimage().and_digest(self.proof.tlvs().records()).and_sign(&keys.payer);
        Comparison {
            name: format!("{operation}, {}", self.name),
            ours: Side::new(|| (), move |()| self.our_proof(keys)),
            lightning: Some(Side::new(|| (), move |()| self.their_proof(keys))),
            floor: Some(floor.sides(&keys.context)),
        }
    }

    pub(crate) fn read<'b>(&'b self, keys: &'b Keys) -> Comparison<'b> {
        let Self { proof, paid: Paid { invoice, .. }, .. } = self;
        let bytes = || proof.as_bytes().to_vec();
        // The name stands for two parts of the tag, the message's and the field's.
        let proof_digest = digest("payer_proofproof_", proof.tlvs().records());
        let proof_signature = proof.tlvs().get(241).expect("a signature").value();
        let proof_signature = schnorr::Signature::from_slice(proof_signature).expect("a signature");
        let floor = Floor::invoice(proof)
            .and_keys([proof.payer_id()])
            .and_preimage()
            .and_rebuilt(invoice.tlvs().records(), |number| proof.tlvs().contains(number))
            .and_verify(invoice.signature(), digest("invoice", invoice.tlvs().records()), invoice.node_id())
            .and_digest(proof.tlvs().records())
            .and_verify(proof_signature, proof_digest, proof.payer_id());
        Comparison {
            name: format!("payer proof: read and verify, {}", self.name),
            ours: Side::new(bytes, |bytes| PayerProof::try_from(bytes).expect("a proof")),
            lightning: Some(Side::new(bytes, |bytes| TheirProof::try_from(bytes).expect("a proof"))),
            floor: Some(floor.sides(&keys.context)),
        }
    }
}

fn prove(builder: PayerProofBuilder<'_>, more: &[Field], keys: &Keys) -> PayerProof {
    let builder = more.iter().fold(builder, |builder, field| builder.reveal(*field));
    builder.build().and_then(|unsigned| unsigned.sign(&keys.payer)).expect("a valid proof")
}
