//! Makes a message wrong, or differently right, in the ways that readers have been wrong about:
//! on the level of records, inside values, in the lengths, and byte by byte.

use bolt12::ChainHash;

use crate::material::*;
use crate::wire::{Kind, Record, records, sign, tu64, write, write_bigsize};

/// A generator of numbers that are the same in every run (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number less than `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    pub(crate) fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// Every field of offers, requests and invoices of both kinds.
const KNOWN: [u64; 32] = [
    0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 80, 82, 84, 86, 88, 89, 90, 91, 160, 162, 164, 166, 168, 170, 172, 174,
    176, 178, 236, 240,
];

/// Types nobody knows, around the ends of all ranges. (1, 3 and 5 are known in invoice errors.)
const UNKNOWN: [u64; 36] = [
    1,
    3,
    5,
    7,
    23,
    24,
    77,
    78,
    79,
    81,
    93,
    158,
    159,
    161,
    237,
    238,
    239,
    241,
    242,
    999,
    1_000,
    1_001,
    65_535,
    999_999_999,
    1_000_000_000,
    1_000_000_001,
    1_999_999_999,
    2_000_000_000,
    2_000_000_001,
    2_999_999_999,
    3_000_000_001,
    3_999_999_999,
    4_000_000_000,
    4_000_000_001,
    u64::MAX - 1,
    u64::MAX,
];

/// Numbers at which something changes.
const NUMBERS: [u64; 13] = [
    0,
    1,
    2,
    10,
    255,
    256,
    10_000,
    u32::MAX as u64,
    u32::MAX as u64 + 1,
    bolt12::Msat::MAX_MONEY.0,
    bolt12::Msat::MAX_MONEY.0 + 1,
    u64::MAX / 2,
    u64::MAX,
];

/// A value for a field: often a valid one, but not the one that is there.
fn fresh_value(random: &mut Random, number: u64) -> Vec<u8> {
    match number {
        2 | 80 => {
            let chains = [ChainHash::BITCOIN, SIGNET, ChainHash::TESTNET3, ChainHash::from([7; 32])];
            let count = if number == 80 { 1 } else { random.below(4) };
            (0..count).flat_map(|_| random.of(&chains).to_bytes()).collect()
        }
        6 => random
            .of(&[&b"USD"[..], b"EUR", b"usd", b"US", b"USDT", b"U\xc3\x84", b"U\xff\xff", b"XXX", b"U1D"])
            .to_vec(),
        8 | 14 | 20 | 82 | 86 | 164 | 166 | 170 => tu64(*random.of(&NUMBERS)),
        10 | 18 | 89 => {
            random.of(&[&b""[..], b"tea", b"\xff", b"t\xc3", b"\xed\xa0\x80", "\u{202e}té".as_bytes()]).to_vec()
        }
        12 | 84 | 174 => features(random),
        16 | 90 | 160 | 178 | 236 => paths(random),
        22 | 88 | 176 => point(random),
        91 => name(random),
        162 => {
            let count = random.below(4);
            payinfos(random, count)
        }
        168 => vec![0x55; *random.of(&[32, 32, 31, 33])],
        172 => fallbacks(random),
        240 => vec![0x55; *random.of(&[64, 63, 65])],
        _ => vec![0x5a; *random.of(&[0, 1, 16, 32, 252, 253, 300])],
    }
}

fn features(random: &mut Random) -> Vec<u8> {
    let bit = *random.of(&[0, 1, 8, 9, 14, 15, 16, 17, 18, 19, 122, 123, 500, 501]);
    let mut bytes = vec![0; bit / 8 + 1 + random.below(2)];
    let at = bytes.len() - 1 - bit / 8;
    bytes[at] = 1 << (bit % 8);
    bytes
}

fn point(random: &mut Random) -> Vec<u8> {
    let mut point = key(*random.of(&KEYS)).serialize().to_vec();
    match random.below(8) {
        // No point has this abscissa, nor this first byte; the negated point is one.
        0 => point = [&[2][..], &[0; 32]].concat(),
        1 => point[0] = *random.of(&[0, 1, 4, 5, 6, 7]),
        2 => point[0] ^= 1,
        _ => {}
    }
    point
}

fn paths(random: &mut Random) -> Vec<u8> {
    let choices = [node_path(PAYEE), channel_path(PAYEE), node_path(0x22), channel_path(ISSUER)];
    let mut paths: Vec<u8> = (0..random.below(4)).flat_map(|_| random.of(&choices).as_bytes().to_vec()).collect();
    if random.one_in(4) {
        // Without hops: a start, a key, and no number but 0.
        paths.extend_from_slice(&node_path(PAYEE).as_bytes()[..66]);
        paths.push(0);
    }
    paths
}

fn payinfos(random: &mut Random, count: usize) -> Vec<u8> {
    // The same in all, so that there is often no path that can be used.
    let features = if random.one_in(2) { features(random) } else { Vec::new() };
    let mut payinfos = Vec::new();
    for _ in 0..count {
        payinfos.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 2, 0, 3]);
        payinfos.extend_from_slice(&random.of(&NUMBERS).to_be_bytes());
        payinfos.extend_from_slice(&random.of(&NUMBERS).to_be_bytes());
        payinfos.extend_from_slice(&(features.len() as u16).to_be_bytes());
        payinfos.extend_from_slice(&features);
    }
    payinfos
}

fn fallbacks(random: &mut Random) -> Vec<u8> {
    let mut fallbacks = Vec::new();
    for _ in 0..random.below(4) {
        let len = *random.of(&[0u8, 1, 2, 20, 32, 33, 40, 41, 255]);
        fallbacks.extend_from_slice(&[*random.of(&[0u8, 1, 2, 16, 17, 255]), 0, len]);
        fallbacks.resize(fallbacks.len() + usize::from(len), 0x61);
    }
    fallbacks
}

fn name(random: &mut Random) -> Vec<u8> {
    let long = "l".repeat(63);
    let longer = "l".repeat(64);
    let longest = [long.as_str(); 4].join(".");
    let part = |random: &mut Random| {
        let parts = [
            "tea",
            "example.com",
            "example.com.",
            "",
            "a..b",
            ".a",
            "A-z_0.9",
            "a\u{e9}",
            "a b",
            &long,
            &longer,
            &longest,
        ];
        (*random.of(&parts)).to_owned()
    };
    let (user, domain) = (part(random), part(random));
    [&[user.len() as u8], user.as_bytes(), &[domain.len() as u8], domain.as_bytes()].concat()
}

/// Changes a few of a value's bytes, or its length.
fn spoil(random: &mut Random, value: &mut Vec<u8>) {
    let at = random.below(value.len());
    match random.below(11) {
        0 => value.clear(),
        1 => *value = vec![0],
        2 => value.insert(0, 0),
        3 => value.push(0),
        4 => value.truncate(at),
        5 => value.fill(0xff),
        6 => value.insert(at, random.next() as u8),
        7 => value.extend_from_within(..),
        _ if value.is_empty() => value.push(1),
        8 => value[at] = random.next() as u8,
        9 => value[at] ^= 1 << random.below(8),
        _ => drop(value.remove(at)),
    }
}

/// Changes the records.
fn rearrange(random: &mut Random, records: &mut Vec<Record>, others: &[Record]) {
    let at = random.below(records.len());
    match random.below(12) {
        0 if !records.is_empty() => drop(records.remove(at)),
        1 if !records.is_empty() => records.insert(at, records[at].clone()),
        2 if at > 0 => records.swap(at - 1, at),
        3 if !records.is_empty() => records[at].0 = *random.of(&UNKNOWN),
        4 => {
            let number = *random.of(&UNKNOWN);
            put(records, number, fresh_value(random, number));
        }
        5 => {
            let stray = random.of(others).clone();
            put(records, stray.0, stray.1);
        }
        6 | 7 => {
            let number = *random.of(&KNOWN);
            refresh(random, records, number);
        }
        8 | 9 if !records.is_empty() => records[at].1 = fresh_value(random, records[at].0),
        _ if !records.is_empty() => spoil(random, &mut records[at].1),
        _ => {}
    }
}

/// Writes records, one of them with a length or number that is too long or not true.
fn write_wrongly(random: &mut Random, records: &[Record]) -> Vec<u8> {
    let wrong = random.below(records.len());
    let mut bytes = Vec::new();
    for (at, (number, value)) in records.iter().enumerate() {
        let (mut number_digits, mut len_digits, mut len) = (0, 0, value.len() as u64);
        if at == wrong {
            match random.below(5) {
                0 => number_digits = *random.of(&[2, 4, 8]),
                1 => len_digits = *random.of(&[2, 4, 8]),
                2 => len = len.wrapping_sub(1),
                3 => len += 1,
                _ => len = *random.of(&NUMBERS),
            }
        }
        bytes.extend(write_bigsize(*number, number_digits));
        bytes.extend(write_bigsize(len, len_digits));
        bytes.extend_from_slice(value);
    }
    bytes
}

/// Spoils bytes, whatever they mean.
fn spoil_bytes(random: &mut Random, bytes: &mut Vec<u8>) {
    match random.below(4) {
        0 => bytes.truncate(random.below(bytes.len())),
        _ => spoil(random, bytes),
    }
}

/// Whether to sign a message again, so that what is wrong with it is not just the signature.
fn resign(random: &mut Random, kind: Kind, records: &mut Vec<Record>) {
    let wanted = match kind {
        Kind::Request | Kind::Invoice | Kind::StaticInvoice => !random.one_in(8),
        // Which need none (D1).
        Kind::Refund => random.one_in(8),
        Kind::Offer | Kind::Error => false,
    };
    if wanted {
        sign(kind, records);
    }
}

fn put(records: &mut Vec<Record>, number: u64, value: Vec<u8>) {
    records.retain(|record| record.0 != number);
    let place = records.iter().position(|record| record.0 > number).unwrap_or(records.len());
    records.insert(place, (number, value));
}

/// Gives a field another value; paths often get the payinfos that belong to them.
fn refresh(random: &mut Random, records: &mut Vec<Record>, number: u64) {
    put(records, number, fresh_value(random, number));
    if matches!(number, 160 | 162) && !random.one_in(4) {
        let count = 1 + random.below(3);
        put(records, 160, node_path(0x31).as_bytes().repeat(count));
        put(records, 162, payinfos(random, count));
    }
}

/// A message without each of its fields, and with another value for each field there is.
pub(crate) fn vary(random: &mut Random, kind: Kind, message: &[Record]) -> Vec<Vec<u8>> {
    let mut varied = Vec::new();
    for at in 0..message.len() {
        let mut lacking = message.to_vec();
        lacking.remove(at);
        varied.push(lacking);
    }
    for number in KNOWN {
        let mut changed = message.to_vec();
        refresh(random, &mut changed, number);
        varied.push(changed);
    }
    varied.iter_mut().for_each(|records| resign(random, kind, records));
    varied.iter().map(|records| write(records)).collect()
}

/// A mutation of a message. `others` are records of other messages, to be put where they do not
/// belong.
pub(crate) fn mutate(random: &mut Random, kind: Kind, message: &[Record], others: &[Record]) -> Vec<u8> {
    let mut mutated = message.to_vec();
    for _ in 0..*random.of(&[0, 1, 1, 1, 1, 1, 2, 3]) {
        rearrange(random, &mut mutated, others);
    }
    resign(random, kind, &mut mutated);
    match random.below(10) {
        0 => write_wrongly(random, &mutated),
        1 => {
            let mut bytes = write(&mutated);
            spoil_bytes(random, &mut bytes);
            // What is still a stream may deserve a valid signature.
            if let Some(mut spoilt) = records(&bytes).filter(|spoilt| random.one_in(2) && write(spoilt) == bytes) {
                sign(kind, &mut spoilt);
                bytes = write(&spoilt);
            }
            bytes
        }
        _ => write(&mutated),
    }
}
