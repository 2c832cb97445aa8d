//! Second implementations, as plain as they can be, of what the crate does fast: TLV streams, merkle
//! trees and signatures.
#![allow(dead_code, reason = "every test file uses its own share")]

use bolt12::Rule;
use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::secp256k1::{Keypair, Message, Secp256k1};

/// A record: its type, its value, and all its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) number: u64,
    pub(crate) value: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
}

/// Why and where a stream is refused, and the type of the record if it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) rule: Rule,
    pub(crate) offset: usize,
    pub(crate) number: Option<u64>,
}

pub(crate) fn bigsize(number: u64) -> Vec<u8> {
    match number {
        0..=0xfc => vec![number as u8],
        0xfd..=0xffff => [&[0xfd][..], &(number as u16).to_be_bytes()].concat(),
        0x1_0000..=0xffff_ffff => [&[0xfe][..], &(number as u32).to_be_bytes()].concat(),
        _ => [&[0xff][..], &number.to_be_bytes()].concat(),
    }
}

/// A `tu64`: no leading zeros.
pub(crate) fn truncated(number: u64) -> Vec<u8> {
    number.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

pub(crate) fn record(number: u64, value: &[u8]) -> Record {
    let bytes = [bigsize(number), bigsize(value.len() as u64), value.to_vec()].concat();
    Record { number, value: value.to_vec(), bytes }
}

pub(crate) fn concat(records: &[Record]) -> Vec<u8> {
    records.iter().flat_map(|record| record.bytes.clone()).collect()
}

/// Reads the number at the start of some bytes: the number, and how many bytes it takes.
fn read_bigsize(bytes: &[u8]) -> Result<(u64, usize), Rule> {
    let len = match bytes.first().ok_or(Rule::Tlv3)? {
        0xfd => 3,
        0xfe => 5,
        0xff => 9,
        _ => 1,
    };
    let taken = bytes.get(..len).ok_or(Rule::Tlv3)?;
    let digits = if len == 1 { taken } else { &taken[1..] };
    let number = digits.iter().fold(0u64, |number, digit| number * 256 + u64::from(*digit));
    // What another writer would write differently is not minimal.
    if bigsize(number) == taken { Ok((number, len)) } else { Err(Rule::Tlv2) }
}

/// Reads a whole stream.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Record>, Refusal> {
    let mut records: Vec<Record> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let refused = |rule, offset, number| Refusal { rule, offset, number };
        let (number, taken) = read_bigsize(&bytes[at..]).map_err(|rule| refused(rule, at, None))?;
        if records.last().is_some_and(|last| last.number >= number) {
            return Err(refused(Rule::Tlv1, at, Some(number)));
        }
        let length_at = at + taken;
        let (len, taken) = read_bigsize(&bytes[length_at..]).map_err(|rule| refused(rule, length_at, Some(number)))?;
        let value_at = length_at + taken;
        if len > (bytes.len() - value_at) as u64 {
            return Err(refused(Rule::Tlv3, value_at, Some(number)));
        }
        let end = value_at + len as usize;
        records.push(Record { number, value: bytes[value_at..end].to_vec(), bytes: bytes[at..end].to_vec() });
        at = end;
    }
    Ok(records)
}

pub(crate) type Hash32 = [u8; 32];

pub(crate) fn sha256(message: &[u8]) -> Hash32 {
    sha256::Hash::hash(message).to_byte_array()
}

/// `SHA256(SHA256(tag) || SHA256(tag) || message)`
pub(crate) fn tagged(tag: &[u8], message: &[u8]) -> Hash32 {
    sha256(&[&sha256(tag), &sha256(tag), message].concat())
}

/// What stands at the bottom of the tree for one record (SIG-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) leaf: Hash32,
    pub(crate) nonce: Hash32,
    pub(crate) joined: Hash32,
}

pub(crate) fn leaves(records: &[Record]) -> Vec<Leaf> {
    let signed: Vec<&Record> = records.iter().filter(|record| !(240..=1000).contains(&record.number)).collect();
    let first = &signed[0].bytes;
    signed
        .iter()
        .map(|record| {
            let leaf = tagged(b"LnLeaf", &record.bytes);
            let nonce = tagged(&[b"LnNonce", &first[..]].concat(), &bigsize(record.number));
            Leaf { leaf, nonce, joined: branch(leaf, nonce) }
        })
        .collect()
}

/// SIG-2
pub(crate) fn branch(a: Hash32, b: Hash32) -> Hash32 {
    tagged(b"LnBranch", &[a.min(b), a.max(b)].concat())
}

/// SIG-3, to the letter: joins pairs from the left until one node is left.
pub(crate) fn root_by_levels(nodes: &[Hash32]) -> Hash32 {
    match nodes {
        [root] => *root,
        _ => {
            let joined = |pair: &[Hash32]| if let [a, b] = pair { branch(*a, *b) } else { pair[0] };
            root_by_levels(&nodes.chunks(2).map(joined).collect::<Vec<_>>())
        }
    }
}

/// The same tree from the top: the largest complete subtree is on the low side. Notes the three
/// hashes of each branch, those below a branch first.
pub(crate) fn root_by_halves(nodes: &[Hash32], branches: &mut Vec<[Hash32; 3]>) -> Hash32 {
    if let [root] = nodes {
        return *root;
    }
    let (low, high) = nodes.split_at(nodes.len().next_power_of_two() / 2);
    let (low, high) = (root_by_halves(low, branches), root_by_halves(high, branches));
    let hash = branch(low, high);
    branches.push([low.min(high), low.max(high), hash]);
    hash
}

/// The merkle root over all records that are not signatures.
pub(crate) fn root(records: &[Record]) -> Hash32 {
    root_by_levels(&leaves(records).iter().map(|leaf| leaf.joined).collect::<Vec<_>>())
}

/// SIG-4, for the message name `invoice_request` or `invoice`.
pub(crate) fn digest(name: &str, records: &[Record]) -> Hash32 {
    tagged(format!("lightning{name}signature").as_bytes(), &root(records))
}

/// Adds the signature of a message (SIG-5).
pub(crate) fn sign(name: &str, mut records: Vec<Record>, key: &Keypair) -> Vec<Record> {
    let message = Message::from_digest(digest(name, &records));
    let signature = Secp256k1::new().sign_schnorr_no_aux_rand(&message, key);
    let place = records.partition_point(|record| record.number < 240);
    records.insert(place, record(240, signature.as_ref()));
    records
}
