//! Changes a TLV stream record by record.

use super::records::{self, Lie, Record};
use super::rng::Rng;
use super::{Fallback, put, sign, values};

/// The mutator of targets that read bytes.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32, fallback: Fallback) -> usize {
    let mut rng = Rng::new(seed);
    if rng.one_in(5) {
        let size = fallback(data, size, max_size);
        if rng.one_in(2) {
            return size;
        }
        // What libFuzzer did may be well formed, and lack only a signature.
        let (mut stream, rest) = records::parse(&data[..size]);
        if !rest.is_empty() || !sign::is_signed(&stream) {
            return size;
        }
        sign::sign(&mut stream);
        return put(data, &records::write(&stream), max_size);
    }
    let changed = change(&data[..size], &mut rng, fallback);
    put(data, &changed, max_size)
}

/// Takes records of both inputs.
pub fn cross(one: &[u8], other: &[u8], out: &mut [u8], seed: u32) -> usize {
    let crossed = crossed(one, other, &mut Rng::new(seed));
    put(out, &crossed, out.len())
}

pub(super) fn crossed(one: &[u8], other: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut stream = records::parse(one).0;
    for record in records::parse(other).0 {
        if rng.one_in(2) {
            records::set(&mut stream, record.number, record.value);
        }
    }
    finish(&mut stream, rng)
}

/// A stream with one to four changes.
pub(super) fn change(bytes: &[u8], rng: &mut Rng, fallback: Fallback) -> Vec<u8> {
    let (mut stream, rest) = records::parse(bytes);
    let most = most_type(&stream);
    for _ in 0..rng.pick(&[1, 1, 1, 2, 2, 3, 4]) {
        change_once(&mut stream, most, rng, fallback);
    }
    let mut changed = finish(&mut stream, rng);
    if !rest.is_empty() && rng.one_in(2) {
        changed.extend_from_slice(rest);
    }
    changed
}

/// In order and signed, mostly.
fn finish(stream: &mut Vec<Record>, rng: &mut Rng) -> Vec<u8> {
    if !rng.one_in(16) {
        records::tidy(stream);
    }
    if !rng.one_in(16) {
        let has_signature = stream.iter().any(|record| record.number == 240);
        // A refund need not have one (D1).
        if has_signature || rng.one_in(4) {
            sign::sign(stream);
        }
    }
    records::write(stream)
}

/// The greatest type of its own that the kind of message has, which is guessed from its fields.
fn most_type(stream: &[Record]) -> u64 {
    let has = |numbers: &[u64]| stream.iter().any(|record| numbers.contains(&record.number));
    if has(&values::PROOF) {
        1005
    } else if has(&values::INVOICE) {
        239
    } else if has(&values::REQUEST) {
        159
    } else if has(&values::OFFER) || !has(&values::ERROR) {
        79
    } else {
        5
    }
}

/// A field that a message of that kind has.
fn known(most: u64, rng: &mut Rng) -> u64 {
    let fields = match most {
        1005 => [&values::OFFER[..], &values::REQUEST[1..], &values::INVOICE, &values::PROOF].concat(),
        239 => [&values::OFFER[..], &values::REQUEST, &values::INVOICE, &values::INVOICE].concat(),
        159 => [&values::OFFER[..], &values::REQUEST].concat(),
        79 => values::OFFER.to_vec(),
        _ => values::ERROR.to_vec(),
    };
    rng.pick(&fields)
}

fn change_once(stream: &mut Vec<Record>, most: u64, rng: &mut Rng, fallback: Fallback) {
    let choice = rng.below(20);
    if stream.is_empty() || choice < 5 {
        return add(stream, most, rng);
    }
    let at = rng.below(stream.len());
    match choice {
        5..=6 => drop(stream.remove(at)),
        7..=9 => stream[at].value = values::value(rng, stream[at].number),
        10..=12 => change_value(&mut stream[at].value, rng, fallback),
        13 => {
            let copy = Record { number: stream[at].number.wrapping_add(rng.below(3) as u64), ..stream[at].clone() };
            stream.insert(at + 1, copy);
        }
        14 => {
            let other = rng.below(stream.len());
            stream.swap(at, other);
        }
        15 => stream[at].number = values::number(rng),
        16 => {
            let half = stream[at].value.len() / 2;
            stream[at].value.truncate(half);
        }
        17 => {
            let len = stream[at].value.len() as u64;
            let told = rng.pick(&[0, len.saturating_sub(1), len + 1, 0xfc, 0xfd, 0xffff, 0x1_0000, u64::MAX]);
            stream[at].lie = Some(rng.pick(&[Lie::LongNumber, Lie::LongLength, Lie::Length(told)]));
        }
        _ => add_path(stream, rng),
    }
}

/// Adds or sets a field, known or not.
fn add(stream: &mut Vec<Record>, most: u64, rng: &mut Rng) {
    let number = match rng.below(8) {
        0 => values::number(rng),
        1 | 2 if most > 5 => values::unknown_number(rng, most),
        _ => known(most, rng),
    };
    records::set(stream, number, values::value(rng, number));
}

/// Leaves a value to libFuzzer.
fn change_value(value: &mut Vec<u8>, rng: &mut Rng, fallback: Fallback) {
    let size = value.len();
    let max_size = size + rng.below(8) + 1;
    value.resize(max_size, 0);
    let size = fallback(value, size, max_size);
    value.truncate(size);
}

/// Adds a path to a list, and what it costs if there is a list of that.
fn add_path(stream: &mut [Record], rng: &mut Rng) {
    let lists = stream.iter().enumerate().filter(|(_, record)| [16, 90, 160].contains(&record.number));
    let lists: Vec<usize> = lists.map(|(at, _)| at).collect();
    if lists.is_empty() {
        return;
    }
    let at = rng.pick(&lists);
    let path = values::path(rng);
    stream[at].value.extend(path);
    if stream[at].number == 160 && !rng.one_in(8) {
        if let Some(payinfos) = stream.iter_mut().find(|record| record.number == 162) {
            payinfos.value.extend(values::payinfo(rng));
        }
    }
}
