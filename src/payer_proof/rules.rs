//! The rules for readers, in an order that makes junk cheap to refuse: presence, numbers and
//! counts; the preimage; then (in `mod.rs`) points, the invoice's root, and the two signatures.

use super::leaves::{self, Leaf};
use super::values::Preimage;
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{KnownFeatures, Value};
use crate::signature::merkle::Tree;
use crate::tlv::TlvStream;

/// What a reader refuses without a curve operation.
pub(super) fn check(tlvs: &TlvStream, known: &KnownFeatures) -> Result<(), Error> {
    check_unsigned(tlvs, known)?;
    present(tlvs, Field::PROOF_SIGNATURE)
}

/// The same for a proof that is still to be signed. Features are not asked for: nothing is to be done
/// with what a proof discloses (D10).
pub(super) fn check_unsigned(tlvs: &TlvStream, _: &KnownFeatures) -> Result<(), Error> {
    // PPR-1
    if tlvs.contains(Field::INVREQ_METADATA.number()) {
        return Err(Error::of(Field::INVREQ_METADATA, ErrorKind::Unexpected, Rule::Ppr1));
    }
    for field in [
        Field::INVREQ_PAYER_ID,
        Field::INVOICE_PAYMENT_HASH,
        Field::INVOICE_NODE_ID,
        Field::SIGNATURE,
        Field::PROOF_PREIMAGE,
        Field::PROOF_MISSING_HASHES,
        Field::PROOF_LEAF_HASHES,
    ] {
        present(tlvs, field)?;
    }
    leaves::check_markers(tlvs)?;
    // PPR-4
    let count = |field| leaves::hashes(tlvs, field).count();
    if count(Field::PROOF_LEAF_HASHES) != leaves::disclosed(tlvs).count() {
        return Err(Error::of(Field::PROOF_LEAF_HASHES, ErrorKind::HashCount, Rule::Ppr4));
    }
    // PPR-5
    if count(Field::PROOF_MISSING_HASHES) != needed(tlvs) {
        return Err(Error::of(Field::PROOF_MISSING_HASHES, ErrorKind::HashCount, Rule::Ppr5));
    }
    check_preimage(tlvs)
}

fn present(tlvs: &TlvStream, field: Field) -> Result<(), Error> {
    if tlvs.contains(field.number()) { Ok(()) } else { Err(Error::missing(field, Rule::Ppr1)) }
}

/// How many hashes it takes to rebuild the invoice's root: one for each node with exactly one side
/// wholly hidden.
fn needed(tlvs: &TlvStream) -> usize {
    let mut count = 0usize;
    let mut tree = Tree::default();
    let mut join = |left: bool, right: bool| {
        count = count.saturating_add(usize::from(left != right));
        left || right
    };
    for leaf in leaves::leaves(tlvs) {
        tree.push(matches!(leaf, Leaf::Disclosed(_)), &mut join);
    }
    tree.root(&mut join);
    count
}

/// PPR-2
fn check_preimage(tlvs: &TlvStream) -> Result<(), Error> {
    let preimage = tlvs.value(Field::PROOF_PREIMAGE.number()).and_then(|value| Preimage::decode(value).ok());
    let hash = preimage.map(|preimage| preimage.payment_hash());
    if hash.as_ref().map(AsRef::as_ref) == tlvs.value(Field::INVOICE_PAYMENT_HASH.number()) {
        Ok(())
    } else {
        Err(Error::of(Field::PROOF_PREIMAGE, ErrorKind::WrongPreimage, Rule::Ppr2))
    }
}
