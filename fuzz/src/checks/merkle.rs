//! Merkle roots and digests again, written for clarity alone: what the crate's own are compared
//! with, and what the mutators sign with. (SIG-1, SIG-2, SIG-3, SIG-4)

use bolt12::bitcoin::hashes::{Hash, sha256};

/// A digest of 32 bytes.
pub type Digest = [u8; 32];

fn tagged(tag: &[u8], message: &[u8]) -> Digest {
    let tag = sha256::Hash::hash(tag).to_byte_array();
    sha256::Hash::hash(&[&tag, &tag, message].concat()).to_byte_array()
}

/// An inner node. (SIG-2)
pub fn branch(a: Digest, b: Digest) -> Digest {
    tagged(b"LnBranch", &[a.min(b), a.max(b)].concat())
}

/// A leaf beside a nonce that is known. (SIG-1)
pub fn leaf_with_nonce(record: &[u8], nonce: Digest) -> Digest {
    branch(tagged(b"LnLeaf", record), nonce)
}

/// The root over records that are given as `(type, type as bigsize, whole record)`, signatures
/// included; nothing if there is no record to sign.
pub fn root<'a>(records: impl IntoIterator<Item = (u64, &'a [u8], &'a [u8])>) -> Option<Digest> {
    let records: Vec<_> = records.into_iter().filter(|(number, ..)| !(240..=1000).contains(number)).collect();
    let nonce_tag = [b"LnNonce", records.first()?.2].concat();
    // SIG-1
    let mut level: Vec<Digest> =
        records.iter().map(|(_, number, record)| leaf_with_nonce(record, tagged(&nonce_tag, number))).collect();
    // SIG-3
    while level.len() > 1 {
        level = level.chunks(2).map(|pair| pair.iter().copied().reduce(branch).expect("not empty")).collect();
    }
    level.pop()
}

/// The root over the records of a stream.
pub fn root_of<'a>(records: impl IntoIterator<Item = bolt12::TlvRecord<'a>>) -> Option<Digest> {
    root(records.into_iter().map(|record| {
        let bytes = record.as_bytes();
        (record.number(), &bytes[..bigsize_len(bytes[0])], bytes)
    }))
}

fn bigsize_len(first: u8) -> usize {
    match first {
        0xfd => 3,
        0xfe => 5,
        0xff => 9,
        _ => 1,
    }
}

/// What is signed: the root of a message of that name, in a field of that name. (SIG-4)
pub fn digest(message: &str, field: &str, root: Digest) -> Digest {
    tagged(format!("lightning{message}{field}").as_bytes(), &root)
}
