//! Signs what was changed, with one of the keys that everybody knows.

use bolt12::secp256k1::Message;

use super::records::{Record, bigsize, set, write, write_one};
use crate::checks::merkle::{self, Digest};
use crate::checks::{keys, proof};

/// `invreq_payer_id`, `invoice_node_id`, the signatures, and what tells a proof and a static invoice from an invoice.
const PAYER_ID: u64 = 88;
const NODE_ID: u64 = 176;
const SIGNATURE: u64 = 240;
const PROOF_SIGNATURE: u64 = 241;
const PREIMAGE: u64 = 1001;
const NAME_SIGNATURE: u64 = 2_000_001_735;
const MESSAGE_PATHS: [u64; 2] = [178, 236];

fn find(records: &[Record], number: u64) -> Option<&Record> {
    records.iter().find(|record| record.number == number)
}

/// Whether the stream is of a kind that is signed.
pub fn is_signed(records: &[Record]) -> bool {
    find(records, PAYER_ID).is_some() || find(records, NODE_ID).is_some()
}

/// Adds the signature, or replaces it; unless the key that has to sign is not one of ours. Before that, the signature for
/// the payer's name, if there is one.
pub fn sign(records: &mut Vec<Record>) {
    if find(records, PREIMAGE).is_none() {
        sign_name(records);
    }
    if find(records, PREIMAGE).is_some() {
        sign_proof(records);
    } else if find(records, NODE_ID).is_some() {
        let root = root(records);
        let name = if MESSAGE_PATHS.into_iter().any(|number| find(records, number).is_some()) {
            "static_invoice"
        } else {
            "invoice"
        };
        sign_root(records, NODE_ID, root, name, "signature", SIGNATURE);
    } else {
        let root = root(records);
        sign_root(records, PAYER_ID, root, "invoice_request", "signature", SIGNATURE);
    }
}

/// A proof has two signatures: the payee's, over the invoice that it stands for, and the payer's.
fn sign_proof(records: &mut Vec<Record>) {
    let invoice = proof::invoice_root(&write(records));
    sign_root(records, NODE_ID, invoice, "invoice", "signature", SIGNATURE);
    let root = root(records);
    sign_root(records, PAYER_ID, root, "payer_proof", "proof_signature", PROOF_SIGNATURE);
}

/// CON-3: the signature stands behind its key, and is over the request in whatever repeats it.
fn sign_name(records: &mut Vec<Record>) {
    let value = find(records, NAME_SIGNATURE).map(|record| record.value.clone());
    let Some(key) = value.as_ref().and_then(|value| value.get(..33)).and_then(keys::find) else { return };
    let is_signed =
        |number: u64| (number <= 159 || (1_000_000_000..=2_999_999_999).contains(&number)) && number != NAME_SIGNATURE;
    let signed: Vec<_> = records.iter().filter(|record| is_signed(record.number)).cloned().collect();
    let Some(root) = root(&signed) else { return };
    let message = Message::from_digest(merkle::digest("invoice_request", "invreq_payer_bip_353_signature", root));
    let signature = keys::context().sign_schnorr_no_aux_rand(&message, key);
    set(records, NAME_SIGNATURE, [&key.public_key().serialize()[..], signature.as_ref()].concat());
}

fn sign_root(records: &mut Vec<Record>, by: u64, root: Option<Digest>, message: &str, field: &str, number: u64) {
    let key = find(records, by).and_then(|key| keys::find(&key.value));
    if let (Some(key), Some(root)) = (key, root) {
        let message = Message::from_digest(merkle::digest(message, field, root));
        let signature = keys::context().sign_schnorr_no_aux_rand(&message, key);
        set(records, number, signature.as_ref().to_vec());
    }
}

fn root(records: &[Record]) -> Option<Digest> {
    let whole: Vec<_> = records
        .iter()
        .map(|record| {
            let mut number = Vec::new();
            bigsize(&mut number, record.number, false);
            (record.number, number, write_one(record))
        })
        .collect();
    merkle::root(whole.iter().map(|(number, head, record)| (*number, head.as_slice(), record.as_slice())))
}
