//! Signs what was changed, with one of the keys that everybody knows.

use bolt12::secp256k1::Message;

use super::records::{Record, bigsize, set, write_one};
use crate::checks::{keys, merkle};

/// `invreq_payer_id`, `invoice_node_id` and `signature`.
const PAYER_ID: u64 = 88;
const NODE_ID: u64 = 176;
const SIGNATURE: u64 = 240;

/// What a stream is, by the key that signs it: that of an invoice, or else that of a request.
pub fn signer(records: &[Record]) -> Option<(&'static str, &Record)> {
    let find = |number| records.iter().find(|record| record.number == number);
    let invoice = find(NODE_ID).map(|key| ("invoice", key));
    invoice.or_else(|| find(PAYER_ID).map(|key| ("invoice_request", key)))
}

/// Adds the signature, or replaces it; unless the key that has to sign is not one of ours.
pub fn sign(records: &mut Vec<Record>) {
    let Some((name, key)) = signer(records).and_then(|(name, key)| Some((name, keys::find(&key.value)?))) else {
        return;
    };
    let whole: Vec<_> = records
        .iter()
        .map(|record| {
            let mut number = Vec::new();
            bigsize(&mut number, record.number, false);
            (record.number, number, write_one(record))
        })
        .collect();
    let root = merkle::root(whole.iter().map(|(number, head, record)| (*number, head.as_slice(), record.as_slice())));
    let Some(root) = root else { return };
    let message = Message::from_digest(merkle::digest(name, root));
    let signature = keys::context().sign_schnorr_no_aux_rand(&message, key);
    set(records, SIGNATURE, signature.as_ref().to_vec());
}
