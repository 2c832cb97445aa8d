//! Payer proofs as plain as they can be: made, taken apart and put together again without the code under
//! test, and invoices to prove.
#![allow(dead_code, reason = "every test file uses its own share")]

use std::collections::{BTreeMap, BTreeSet};

use bolt12::secp256k1::{Keypair, Message, Secp256k1};
use bolt12::{Invoice, PayerProof, Preimage};

use super::naive::{self, Hash32, Record, branch, record};

pub(crate) const PREIMAGE: [u8; 32] = [0x77; 32];
/// 10,000.001 sat
pub(crate) const AMOUNT: [u8; 3] = [0x98, 0x96, 0x81];
/// What every proof shows if the invoice has it (PPW-1).
pub(crate) const ALWAYS: [u64; 4] = [88, 168, 174, 176];
/// What no invoice lacks (IVR-1).
pub(crate) const REQUIRED: [u64; 8] = [0, 88, 160, 162, 164, 168, 170, 176];

pub(crate) fn key(number: u8) -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &[number; 32]).unwrap()
}

pub(crate) fn issuer() -> Keypair {
    key(0x61)
}

pub(crate) fn payer() -> Keypair {
    key(0x62)
}

pub(crate) fn point(key: &Keypair) -> Vec<u8> {
    key.public_key().serialize().to_vec()
}

/// A path of one hop, with some data that can be searched for.
pub(crate) fn path(data: &[u8; 16]) -> Vec<u8> {
    let keys = [point(&key(0x63)), point(&key(0x64))].concat();
    [&keys[..], &[1], &point(&key(0x65)), &[0, 16], data].concat()
}

/// The invoice's own part of the fields: everything that no invoice lacks, and nothing else.
pub(crate) fn required() -> BTreeMap<u64, Vec<u8>> {
    BTreeMap::from([
        (0, vec![0x10; 16]),
        (88, point(&payer())),
        (160, path(b"the payment path")),
        (162, [&[0, 0, 3, 0xe8, 0, 0, 0, 100, 0, 144][..], &[0x21; 16], &[0, 0]].concat()),
        (164, vec![0x6b, 0x49, 0xd2, 0x07]),
        (168, naive::sha256(&PREIMAGE).to_vec()),
        (170, AMOUNT.to_vec()),
        (176, point(&issuer())),
    ])
}

/// The least that makes an invoice answer an offer: the issuer's key, and an amount since the offer has none.
pub(crate) fn answer() -> [(u64, Vec<u8>); 2] {
    [(22, point(&issuer())), (82, AMOUNT.to_vec())]
}

/// An invoice with these fields beside those that none lacks, signed by the issuer.
pub(crate) fn invoice_with<V: Into<Vec<u8>>>(fields: impl IntoIterator<Item = (u64, V)>) -> Vec<Record> {
    let mut all = required();
    all.extend(fields.into_iter().map(|(number, value)| (number, value.into())));
    let records = all.iter().map(|(number, value)| record(*number, value)).collect();
    naive::sign("invoice", records, &issuer())
}

pub(crate) fn read(invoice: &[Record]) -> Invoice {
    Invoice::try_from(naive::concat(invoice)).unwrap_or_else(|error| panic!("{error:#}"))
}

pub(crate) fn preimage() -> Preimage {
    Preimage(PREIMAGE)
}

/// Records that do not stand in the signature range.
pub(crate) fn is_leaf(record: &&Record) -> bool {
    !(240..=1000).contains(&record.number)
}

pub(crate) fn numbers(invoice: &[Record]) -> BTreeSet<u64> {
    invoice.iter().filter(is_leaf).map(|record| record.number).collect()
}

/// What every proof of this invoice shows, and these fields.
pub(crate) fn with_always(invoice: &[Record], shown: impl IntoIterator<Item = u64>) -> BTreeSet<u64> {
    let present = numbers(invoice);
    ALWAYS.into_iter().chain(shown).filter(|number| present.contains(number)).collect()
}

/// What a proof consists of, each part to be spoiled on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    /// The invoice's fields that are shown, and its signature.
    pub(crate) shown: Vec<Record>,
    pub(crate) preimage: Vec<u8>,
    pub(crate) markers: Vec<u64>,
    pub(crate) missing: Vec<Hash32>,
    pub(crate) nonces: Vec<Hash32>,
    pub(crate) note: Option<Vec<u8>>,
}

impl Parts {
    /// PPW-3, PPW-4 and PPW-5 to the letter.
    pub(crate) fn of(invoice: &[Record], shown: &BTreeSet<u64>) -> Self {
        let leaves = naive::leaves(invoice);
        let records: Vec<&Record> = invoice.iter().filter(is_leaf).collect();
        let mut parts = Self {
            shown: Vec::new(),
            preimage: PREIMAGE.to_vec(),
            markers: Vec::new(),
            missing: Vec::new(),
            nonces: Vec::new(),
            note: None,
        };
        let mut last = 0;
        let mut nodes = Vec::new();
        for (record, leaf) in records.iter().zip(&leaves) {
            let is_shown = shown.contains(&record.number);
            if is_shown {
                parts.nonces.push(leaf.nonce);
                last = record.number;
            } else if record.number != 0 {
                last = if last == 239 { 1_000_000_000 } else { last + 1 };
                parts.markers.push(last);
            }
            nodes.push((leaf.joined, is_shown));
        }
        missing_hashes(&nodes, &mut parts.missing);
        parts.shown = invoice.iter().filter(|r| shown.contains(&r.number) || r.number == 240).cloned().collect();
        parts
    }

    /// Takes a proof apart.
    pub(crate) fn from_proof(bytes: &[u8]) -> Self {
        let records = naive::parse(bytes).unwrap();
        let value = |number| records.iter().find(|r| r.number == number).map(|r| r.value.clone());
        let hashes =
            |number| value(number).unwrap().chunks(32).map(|hash| hash.try_into().unwrap()).collect::<Vec<Hash32>>();
        let in_invoice = |record: &&Record| !(241..=999_999_999).contains(&record.number);
        Self {
            shown: records.iter().filter(in_invoice).cloned().collect(),
            preimage: value(1001).unwrap(),
            markers: numbers_in(&value(1002).unwrap_or_default()),
            missing: hashes(1003),
            nonces: hashes(1004),
            note: value(1005),
        }
    }

    /// The records that the payer signs, and the invoice's signature.
    pub(crate) fn records(&self) -> Vec<Record> {
        let markers: Vec<u8> = self.markers.iter().flat_map(|marker| naive::bigsize(*marker)).collect();
        let mut records = self.shown.clone();
        records.push(record(1001, &self.preimage));
        if !markers.is_empty() {
            records.push(record(1002, &markers));
        }
        records.push(record(1003, &self.missing.concat()));
        records.push(record(1004, &self.nonces.concat()));
        records.extend(self.note.iter().map(|note| record(1005, note)));
        records.sort_by_key(|record| record.number);
        records
    }

    /// The whole proof, signed by the payer, whatever is wrong with it.
    pub(crate) fn sign(&self) -> Vec<u8> {
        sign(self.records(), &payer())
    }

    pub(crate) fn proof(&self) -> Result<PayerProof, bolt12::Error> {
        PayerProof::try_from(self.sign())
    }
}

/// PPW-5: a node with one side wholly hidden gives that side's hash, once everything below is done.
fn missing_hashes(nodes: &[(Hash32, bool)], missing: &mut Vec<Hash32>) -> (Hash32, bool) {
    if let [node] = nodes {
        return *node;
    }
    let (low, high) = nodes.split_at(nodes.len().next_power_of_two() / 2);
    let (low, high) = (missing_hashes(low, missing), missing_hashes(high, missing));
    if low.1 != high.1 {
        missing.push(if low.1 { high.0 } else { low.0 });
    }
    (branch(low.0, high.0), low.1 || high.1)
}

/// The numbers in a list of markers.
fn numbers_in(value: &[u8]) -> Vec<u64> {
    let mut rest = value;
    let mut numbers = Vec::new();
    while let [first, tail @ ..] = rest {
        let len = [2, 4, 8].get(usize::from(*first).wrapping_sub(0xfd)).copied().unwrap_or(0);
        let (digits, after) = if len == 0 { (&rest[..1], tail) } else { tail.split_at(len) };
        numbers.push(digits.iter().fold(0, |number, digit| number * 256 + u64::from(*digit)));
        rest = after;
    }
    numbers
}

/// PPW-7: the digest that the payer signs.
pub(crate) fn proof_digest(records: &[Record]) -> Hash32 {
    naive::tagged(b"lightningpayer_proofproof_signature", &naive::root(records))
}

/// Adds the payer's signature.
pub(crate) fn sign(mut records: Vec<Record>, key: &Keypair) -> Vec<u8> {
    let message = Message::from_digest(proof_digest(&records));
    let signature = Secp256k1::new().sign_schnorr_no_aux_rand(&message, key);
    records.push(record(241, signature.as_ref()));
    records.sort_by_key(|record| record.number);
    naive::concat(&records)
}

/// Every subset of some numbers.
pub(crate) fn subsets(of: &[u64]) -> impl Iterator<Item = BTreeSet<u64>> + '_ {
    (0u32..1 << of.len())
        .map(|bits| of.iter().enumerate().filter(move |(at, _)| bits >> at & 1 == 1).map(|(_, n)| *n).collect())
}
