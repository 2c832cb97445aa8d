//! Payer proofs, `lnp1…`: that an invoice was paid, and by whom, without showing all of it.

mod builder;
mod check;
mod disclosure;
#[cfg(test)]
mod growth;
mod hidden;
mod leaves;
mod rules;
mod values;

pub use builder::{PayerProofBuilder, Preview};
pub use check::{Expectation, ExpectedPayee, Unmet, UnmetConditions};
pub use disclosure::Disclosure;
pub use values::Preimage;

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use bitcoin::hashes::sha256;
use secp256k1::{PublicKey, schnorr};

use crate::error::{Error, Field, MessageKind, Rule};
use crate::field::{KnownFeatures, Spec, Text, Value, fields};
use crate::invoice::{INVOICE_FIELDS, InvoiceFields};
use crate::invoice_request::REQUEST_FIELDS;
use crate::message::{Message, SIGNATURE_FIELDS, Schema, View, message_traits};
use crate::offer::OFFER_FIELDS;
use crate::signature::merkle::{self, Tree};
use crate::signature::{self, Tag};
use crate::signed::{self, Sealed, SignedMessage, Unverified};
use crate::tlv::TlvStream;

use leaves::Leaf;
use values::{Hashes, Markers};

/// The types that a proof may have (TLV-5): an invoice's, signatures, and the proof's own. That 0 is not
/// among them is a rule of its own (PPR-1).
const PROOF_RANGES: [RangeInclusive<u64>; 1] = [0..=3_999_999_999];

fields! {
    PROOF_FIELDS for PayerProof {
        241 PROOF_SIGNATURE "proof_signature" "payer's signature": schnorr::Signature;
        1001 PROOF_PREIMAGE "proof_preimage" "preimage": Preimage;
        1002 PROOF_OMITTED_TLVS "proof_omitted_tlvs" "list of hidden fields": Markers<'_>;
        1003 PROOF_MISSING_HASHES "proof_missing_hashes" "list of missing hashes": Hashes<'_>;
        1004 PROOF_LEAF_HASHES "proof_leaf_hashes" "list of leaf hashes": Hashes<'_>;
        1005 PROOF_NOTE "proof_note" "note": Text<'_> =>
            /// What the payer wanted to say, or was asked to say: a challenge.
            note;
    }
}

/// The tables of every field that a proof may hold.
static TABLES: [&[Spec]; 7] = [
    INVOICE_FIELDS,
    REQUEST_FIELDS,
    OFFER_FIELDS,
    SIGNATURE_FIELDS,
    PROOF_FIELDS,
    crate::recurrence::FIELDS,
    crate::contacts::FIELDS,
];

static SCHEMA: Schema = schema(rules::check);
static UNSIGNED: Schema = schema(rules::check_unsigned);

const fn schema(rules: fn(&TlvStream, &KnownFeatures) -> Result<(), Error>) -> Schema {
    Schema { kind: MessageKind::PayerProof, ranges: &PROOF_RANGES, range_rule: Rule::Tlv5, fields: &TABLES, rules }
}

/// A proof that an invoice was paid: a value that exists has been verified (PPR-1 to PPR-7).
///
/// It shows that anyone who has `invoice_node_id` made an invoice with the fields that are disclosed, that it was paid
/// (the preimage is known), and that anyone who has `invreq_payer_id` made this proof. What is left to the verifier,
/// [`check`](Self::check) answers: is this the payee, the amount and the note that I expected?
///
/// The fields are those of [`InvoiceFields`], which a proof dereferences to; each may be missing. See
/// [`disclosure`](Self::disclosure) for whether a missing one is hidden or was never there.
#[derive(Clone)]
pub struct PayerProof {
    fields: InvoiceFields,
    payer_id: PublicKey,
    node_id: PublicKey,
    payment_hash: sha256::Hash,
    preimage: Preimage,
}

impl PayerProof {
    /// Reads and verifies a proof.
    ///
    /// # Errors
    ///
    /// Any rule of PPR-1 to PPR-7, TLV-1 to TLV-7, D5 and D8.
    pub fn read(bytes: Vec<u8>) -> Result<Self, Error> {
        Unverified::read(bytes, KnownFeatures::default_ref())?.verify()
    }

    /// `invreq_payer_id` (TLV 88)
    ///
    /// The key that asked for the invoice, and signed this proof.
    pub fn payer_id(&self) -> PublicKey {
        self.payer_id
    }

    /// `invoice_node_id` (TLV 176)
    ///
    /// The key that signed the invoice.
    pub fn node_id(&self) -> PublicKey {
        self.node_id
    }

    /// `invoice_payment_hash` (TLV 168)
    pub fn payment_hash(&self) -> sha256::Hash {
        self.payment_hash
    }

    /// `proof_preimage` (TLV 1001)
    ///
    /// What the payer learned by paying.
    pub fn preimage(&self) -> Preimage {
        self.preimage
    }

    /// `proof_omitted_tlvs` (TLV 1002)
    ///
    /// A number for each hidden field but `invreq_metadata`, which is always hidden: not the field's own, but
    /// one that shows between which of the disclosed fields it stands. See [`disclosure`](Self::disclosure).
    pub fn omitted_tlvs(&self) -> impl Iterator<Item = u64> + '_ {
        leaves::markers(self.tlvs()).iter()
    }

    /// `proof_missing_hashes` (TLV 1003)
    ///
    /// What stands for the hidden fields where the invoice's signature is checked.
    pub fn missing_hashes(&self) -> impl Iterator<Item = [u8; 32]> + '_ {
        leaves::hashes(self.tlvs(), Field::PROOF_MISSING_HASHES).iter()
    }

    /// `proof_leaf_hashes` (TLV 1004)
    ///
    /// One for each disclosed field, in their order.
    pub fn leaf_hashes(&self) -> impl Iterator<Item = [u8; 32]> + '_ {
        leaves::hashes(self.tlvs(), Field::PROOF_LEAF_HASHES).iter()
    }
}

/// The hash of one of the invoice's leaves, whose nonce the proof gives.
fn leaf(record: &[u8], nonce: [u8; 32]) -> signature::Words {
    merkle::branch(&Tag::LEAF.hash(record), &signature::words(nonce))
}

/// Rebuilds the invoice's root from what is disclosed and the hashes of what is not (PPR-5).
fn invoice_root(tlvs: &TlvStream) -> [u8; 32] {
    let mut nonces = leaves::hashes(tlvs, Field::PROOF_LEAF_HASHES).iter();
    let mut missing = leaves::hashes(tlvs, Field::PROOF_MISSING_HASHES).iter().map(signature::words);
    let mut join = |left: Option<signature::Words>, right: Option<signature::Words>| {
        // A node with nothing disclosed below it stands for itself until something beside it is.
        if left.is_none() && right.is_none() {
            return None;
        }
        // There are exactly as many hashes as are needed, as was checked.
        let left = left.or_else(|| missing.next())?;
        let right = right.or_else(|| missing.next())?;
        Some(merkle::branch(&left, &right))
    };
    let mut tree = Tree::default();
    for node in leaves::leaves(tlvs) {
        let hash = match node {
            Leaf::Disclosed(record) => nonces.next().map(|nonce| leaf(record.as_bytes(), nonce)),
            Leaf::Hidden(_) => None,
        };
        tree.push(hash, &mut join);
    }
    signature::to_bytes(&tree.root(&mut join).flatten().unwrap_or_default())
}

impl SignedMessage for PayerProof {}

impl Sealed for PayerProof {
    type Fields = InvoiceFields;

    const SCHEMA: &'static Schema = &SCHEMA;
    const UNSIGNED: &'static Schema = &UNSIGNED;
    const TAG: Tag = Tag::PAYER_PROOF;
    const RULE: Rule = Rule::Ppr7;
    const SIGNER: Field = Field::INVREQ_PAYER_ID;
    const SIGNATURE: Field = Field::PROOF_SIGNATURE;

    fn signer(message: &Message) -> Option<PublicKey> {
        message.keys().payer_id
    }

    /// PPR-6: the invoice's own signature, over the root that the proof allows to rebuild.
    fn verify_more(message: &Message) -> Result<(), Error> {
        let missing = |field| Error::missing(field, Rule::Ppr1);
        let signature = signed::signature(&message.tlvs, Field::SIGNATURE).ok_or(missing(Field::SIGNATURE))?;
        let node_id = message.keys().invoice_signer.ok_or(missing(Field::INVOICE_NODE_ID))?;
        let digest = signature::digest_of_root(Tag::INVOICE, invoice_root(&message.tlvs));
        signature::verify(digest, &signature, &node_id, Field::SIGNATURE, Rule::Ppr6)
    }

    fn finish(message: Message) -> Result<Self, Error> {
        let missing = |field| Error::missing(field, Rule::Ppr1);
        let payer_id = message.keys().payer_id.ok_or(missing(Field::INVREQ_PAYER_ID))?;
        let node_id = message.keys().invoice_signer.ok_or(missing(Field::INVOICE_NODE_ID))?;
        let preimage = message.tlvs.value(Field::PROOF_PREIMAGE.number());
        let preimage = preimage.and_then(|value| Preimage::decode(value).ok()).ok_or(missing(Field::PROOF_PREIMAGE))?;
        let fields = InvoiceFields::of(message);
        let payment_hash = fields.payment_hash().ok_or(missing(Field::INVOICE_PAYMENT_HASH))?;
        Ok(Self { fields, payer_id, node_id, payment_hash, preimage })
    }
}

impl TryFrom<Vec<u8>> for PayerProof {
    type Error = Error;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Error> {
        Self::read(bytes)
    }
}

message_traits!(PayerProof, InvoiceFields, SCHEMA);
