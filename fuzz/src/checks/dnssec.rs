//! Target `dnssec`: a name, a time, and bytes as the proof of what the name stands for.
//!
//! Where the fuzzer builds everything, `dnssec-prover` takes any signature that begins with the byte 1: so what follows
//! a signature is reached.

use bolt12::{ErrorKind, HumanReadableName, LinkFault, ResolvedName, UnixTime};

use super::errors;

/// A name with its length before it, the time in eight bytes, and the proof.
pub fn check(data: &[u8]) {
    let Some((len, rest)) = data.split_first() else { return };
    let Some((name, rest)) = rest.split_at_checked((*len).into()) else { return };
    let Some((now, proof)) = rest.split_first_chunk() else { return };
    let now = UnixTime(u64::from_be_bytes(*now));
    let Ok(name) =
        std::str::from_utf8(name).map_err(drop).and_then(|name| HumanReadableName::parse(name).map_err(drop))
    else {
        return;
    };
    let found = match ResolvedName::verify(&name, proof, now) {
        Ok(found) => found,
        Err(error) => {
            errors::any(&error);
            return;
        }
    };
    assert_eq!(found.name(), &name.clone().into_owned());
    let records = split(proof).expect("a stream of records");
    // NAM-4, NAM-5: some record holds this text, and its strings are joined.
    assert!(found.as_str()[..8].eq_ignore_ascii_case("bitcoin:"));
    assert!(records.iter().any(|record| record.number == TXT && strings(record.data) == found.as_str().as_bytes()));
    let _ = found.uri();
    // NAM-8: for no longer than a signature says.
    let times = records.iter().filter(|record| record.number == SIGNATURE);
    let longest =
        times.filter_map(|record| record.data.get(4..8)).map(|ttl| u32::from_be_bytes(ttl.try_into().unwrap()));
    let longest = longest.max().expect("a signature");
    assert!(found.keep_until() >= now && found.keep_until().0 - now.0 <= longest.into());
    // NAM-7: it says the same as long as it may be kept, and in any order.
    let later = ResolvedName::verify(&name, proof, found.keep_until()).expect("what may be kept is good");
    assert_eq!(later.as_str(), found.as_str());
    let reversed: Vec<u8> = records.iter().rev().flat_map(|record| record.whole.to_vec()).collect();
    match ResolvedName::verify(&name, &reversed, now) {
        Ok(reversed) => assert_eq!(reversed, found),
        // Which of two keys with one tag is tried is a matter of order, and so is how many signatures are.
        Err(error) => assert_eq!(error.kind(), &ErrorKind::Link(LinkFault::InvalidProof)),
    }
}

const TXT: u16 = 16;

const SIGNATURE: u16 = 46;

/// A record of the DNS as it stands in a proof.
struct Record<'a> {
    number: u16,
    data: &'a [u8],
    whole: &'a [u8],
}

/// Reads a stream of records, in which no name refers to another.
fn split(mut bytes: &[u8]) -> Option<Vec<Record<'_>>> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let mut at = 0;
        loop {
            let len = usize::from(*bytes.get(at)?);
            at += 1 + len;
            if len == 0 {
                break;
            }
        }
        // Type, class, time to live, length.
        let number = u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?);
        let len = usize::from(u16::from_be_bytes(bytes.get(at + 8..at + 10)?.try_into().ok()?));
        let (whole, rest) = bytes.split_at_checked(at + 10 + len)?;
        records.push(Record { number, data: &whole[at + 10..], whole });
        bytes = rest;
    }
    Some(records)
}

/// The strings of a TXT record, joined.
fn strings(mut data: &[u8]) -> Vec<u8> {
    let mut joined = Vec::new();
    while let Some((len, rest)) = data.split_first() {
        let Some((string, rest)) = rest.split_at_checked((*len).into()) else { break };
        joined.extend_from_slice(string);
        data = rest;
    }
    joined
}

/// The proofs of real zones, at a time at which they are good, and at others.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    let lines = include_str!("../../../tests/data/dnssec.tsv").lines().filter(|line| !line.starts_with('#'));
    for (line, which) in lines.zip(["plain", "alias"]) {
        let [name, from, until, _, proof] = line.split('\t').collect::<Vec<_>>().try_into().expect("five columns");
        let digit = |at: usize| u8::from_str_radix(&proof[at..at + 2], 16).expect("hexadecimal");
        let proof: Vec<u8> = (0..proof.len()).step_by(2).map(digit).collect();
        let number = |text: &str| text.parse::<u64>().expect("a number");
        for (when, now) in [("good", number(from)), ("last", number(until)), ("early", number(from) - 1)] {
            let len = u8::try_from(name.len()).expect("a short name");
            let input = [&[len][..], name.as_bytes(), &now.to_be_bytes(), &proof].concat();
            seeds.push((format!("{which}-{when}"), input));
        }
    }
    seeds
}
