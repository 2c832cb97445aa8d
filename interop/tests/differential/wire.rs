//! TLV streams, merkle roots, signatures and texts, written again in the plainest way, so that tests
//! can take messages apart, put them together wrongly, and sign the result.

use bolt12::bitcoin::hashes::{Hash, HashEngine, sha256};
use bolt12::bitcoin::secp256k1::{Keypair, Message};

use crate::material::{keypair_of, secp};

/// The things that have bytes, as the tests tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Offer,
    Request,
    Refund,
    Invoice,
    StaticInvoice,
    Error,
}

impl Kind {
    /// The field that names the signer, and the name of the message in the signature's tag.
    fn signed_by(self) -> Option<(u64, &'static str)> {
        match self {
            Self::Request | Self::Refund => Some((88, "lightninginvoice_requestsignature")),
            Self::Invoice => Some((176, "lightninginvoicesignature")),
            Self::StaticInvoice => Some((176, "lightningstatic_invoicesignature")),
            Self::Offer | Self::Error => None,
        }
    }
}

/// The type and value of a field.
pub(crate) type Record = (u64, Vec<u8>);

/// Takes a well-formed stream apart; the order of types is not checked.
pub(crate) fn records(mut bytes: &[u8]) -> Option<Vec<Record>> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let number = bigsize(&mut bytes)?;
        let len = usize::try_from(bigsize(&mut bytes)?).ok()?;
        if len > bytes.len() {
            return None;
        }
        let (value, rest) = bytes.split_at(len);
        records.push((number, value.to_vec()));
        bytes = rest;
    }
    Some(records)
}

pub(crate) fn value(records: &[Record], number: u64) -> Option<&[u8]> {
    records.iter().find(|record| record.0 == number).map(|record| record.1.as_slice())
}

fn bigsize(bytes: &mut &[u8]) -> Option<u64> {
    let (&first, rest) = bytes.split_first()?;
    let len = match first {
        0xfd => 2,
        0xfe => 4,
        0xff => 8,
        _ => 0,
    };
    if len > rest.len() {
        return None;
    }
    let (digits, rest) = rest.split_at(len);
    *bytes = rest;
    Some(if len == 0 { first.into() } else { digits.iter().fold(0, |number, digit| number << 8 | u64::from(*digit)) })
}

/// A `bigsize` of at least so many digits: more than needed is malformed.
pub(crate) fn write_bigsize(number: u64, least: usize) -> Vec<u8> {
    let needed = match number {
        0..=0xfc => 0,
        0xfd..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    };
    let be = number.to_be_bytes();
    match needed.max(least) {
        0 => vec![be[7]],
        2 => [&[0xfd], &be[6..]].concat(),
        4 => [&[0xfe], &be[4..]].concat(),
        _ => [&[0xff], &be[..]].concat(),
    }
}

pub(crate) fn write_record((number, value): &Record) -> Vec<u8> {
    [write_bigsize(*number, 0), write_bigsize(value.len() as u64, 0), value.clone()].concat()
}

pub(crate) fn write(records: &[Record]) -> Vec<u8> {
    records.iter().flat_map(write_record).collect()
}

/// A number without leading zeros.
pub(crate) fn tu64(number: u64) -> Vec<u8> {
    number.to_be_bytes().into_iter().skip_while(|digit| *digit == 0).collect()
}

pub(crate) fn number(value: &[u8]) -> Option<u64> {
    (value.len() <= 8).then(|| value.iter().fold(0, |number, digit| number << 8 | u64::from(*digit)))
}

fn tagged(tag: &[u8], message: &[u8]) -> [u8; 32] {
    let tag = sha256::Hash::hash(tag);
    let mut engine = sha256::Hash::engine();
    engine.input(tag.as_ref());
    engine.input(tag.as_ref());
    engine.input(message);
    sha256::Hash::from_engine(engine).to_byte_array()
}

fn branch(a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
    tagged(b"LnBranch", &if a < b { [a, b] } else { [b, a] }.concat())
}

// SIG-1, SIG-2, SIG-3
pub(crate) fn merkle_root(records: &[Record]) -> Option<[u8; 32]> {
    let nonce_tag = [b"LnNonce".to_vec(), write_record(records.first()?)].concat();
    let covered = records.iter().filter(|record| !(240..=1000).contains(&record.0));
    let mut level: Vec<_> = covered
        .map(|record| {
            let leaf = tagged(b"LnLeaf", &write_record(record));
            branch(leaf, tagged(&nonce_tag, &write_bigsize(record.0, 0)))
        })
        .collect();
    while level.len() > 1 {
        level = level.chunks(2).map(|pair| pair.iter().copied().reduce(branch).unwrap()).collect();
    }
    level.pop()
}

// SIG-4
pub(crate) fn digest(kind: Kind, records: &[Record]) -> Option<[u8; 32]> {
    let (_, tag) = kind.signed_by()?;
    Some(tagged(tag.as_bytes(), &merkle_root(records)?))
}

// SIG-6. What `lightning` calls the offer's id is a tagged hash of ours, so that the two can be
// compared although they are never equal.
pub(crate) fn their_offer_id(ours: bolt12::OfferId) -> [u8; 32] {
    tagged(b"LDK Offer ID", &ours.to_byte_array())
}

/// The key of [`KEYS`](crate::material::KEYS) that has to sign this message.
pub(crate) fn signer(kind: Kind, records: &[Record]) -> Option<Keypair> {
    keypair_of(value(records, kind.signed_by()?.0)?)
}

/// Puts a valid signature into a message whose signer's secret is known; false for any other.
pub(crate) fn sign(kind: Kind, records: &mut Vec<Record>) -> bool {
    let (Some(digest), Some(signer)) = (digest(kind, records), signer(kind, records)) else {
        return false;
    };
    let signature = secp().sign_schnorr_no_aux_rand(&Message::from_digest(digest), &signer);
    records.retain(|record| record.0 != 240);
    let at = records.iter().position(|record| record.0 > 240).unwrap_or(records.len());
    records.insert(at, (240, signature.as_ref().to_vec()));
    true
}

const LETTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// The text of bytes: five bits to a letter, no checksum.
pub(crate) fn text(prefix: &str, bytes: &[u8]) -> String {
    let mut bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    bits.resize(bits.len().div_ceil(5) * 5, 0);
    let data = bits.chunks(5).map(|five| LETTERS[five.iter().fold(0, |value, bit| value << 1 | usize::from(*bit))]);
    format!("{prefix}1{}", String::from_utf8(data.collect()).unwrap())
}

/// The bytes that are meant by a text, valid or not.
pub(crate) fn bytes_of(text: &str) -> Vec<u8> {
    let data = text.split_once('1').map_or("", |(_, data)| data).to_ascii_lowercase();
    let values = data.bytes().filter_map(|letter| LETTERS.iter().position(|valid| *valid == letter));
    let bits: Vec<_> = values.flat_map(|value| (0..5).rev().map(move |bit| (value >> bit & 1) as u8)).collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |value, bit| value << 1 | bit)).collect()
}
