//! A TLV stream as a list of records that can be changed, and need not be well formed.

use crate::checks::naive;

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The type.
    pub number: u64,
    /// The value.
    pub value: Vec<u8>,
    /// How the record lies about itself.
    pub lie: Option<Lie>,
}

/// What can be wrong with the head of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// The type is written with needless bytes.
    LongNumber,
    /// The length is written with needless bytes.
    LongLength,
    /// The length is not that of the value.
    Length(u64),
}

impl Record {
    /// An honest record.
    pub fn new(number: u64, value: impl Into<Vec<u8>>) -> Self {
        Self { number, value: value.into(), lie: None }
    }
}

/// The records of a stream, in any order, up to the first that is malformed; and what is left.
pub fn parse(bytes: &[u8]) -> (Vec<Record>, &[u8]) {
    let mut records = Vec::new();
    let mut at = 0;
    while let Some((number, len_at)) = naive::bigsize(bytes, at) {
        let Some((len, value)) = naive::bigsize(bytes, len_at) else { break };
        let end = usize::try_from(len).ok().and_then(|len| value.checked_add(len));
        let Some((end, value)) = end.and_then(|end| Some((end, bytes.get(value..end)?))) else { break };
        records.push(Record::new(number, value));
        at = end;
    }
    (records, &bytes[at..])
}

/// The stream.
pub fn write(records: &[Record]) -> Vec<u8> {
    let mut out = Vec::new();
    for record in records {
        let len = match record.lie {
            Some(Lie::Length(len)) => len,
            _ => record.value.len() as u64,
        };
        bigsize(&mut out, record.number, record.lie == Some(Lie::LongNumber));
        bigsize(&mut out, len, record.lie == Some(Lie::LongLength));
        out.extend_from_slice(&record.value);
    }
    out
}

/// The record alone.
pub fn write_one(record: &Record) -> Vec<u8> {
    write(std::slice::from_ref(record))
}

/// Appends a number, in the shortest form or the next longer one.
pub fn bigsize(out: &mut Vec<u8>, number: u64, needlessly_long: bool) {
    let shortest = match number {
        0..=0xfc => 0,
        0xfd..=0xffff => 1,
        0x1_0000..=0xffff_ffff => 2,
        _ => 3,
    };
    let be = number.to_be_bytes();
    match shortest + usize::from(needlessly_long) {
        0 => out.push(number as u8),
        1 => out.extend([&[0xfd], &be[6..]].concat()),
        2 => out.extend([&[0xfe], &be[4..]].concat()),
        _ => out.extend([&[0xff], be.as_slice()].concat()),
    }
}

/// Puts the records in order, and keeps one of each type.
pub fn tidy(records: &mut Vec<Record>) {
    records.sort_by_key(|record| record.number);
    records.dedup_by_key(|record| record.number);
}

/// Sets the value of a record, which is added in its place if there is none of that type.
pub fn set(records: &mut Vec<Record>, number: u64, value: Vec<u8>) {
    match records.iter_mut().find(|record| record.number == number) {
        Some(record) => *record = Record::new(number, value),
        None => {
            let at = records.iter().position(|record| record.number > number).unwrap_or(records.len());
            records.insert(at, Record::new(number, value));
        }
    }
}
