//! Values that are worth trying in a field.

use bolt12::ChainHash;

use super::records::bigsize;
use super::rng::Rng;
use crate::checks::keys;

/// The fields of each message, in ascending order.
pub const OFFER: [u64; 16] =
    [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 1_000_000_024, 1_000_000_025, 1_000_000_026, 1_000_000_027, 1_000_000_029];
/// The fields that a request adds.
pub const REQUEST: [u64; 16] = [
    0,
    80,
    82,
    84,
    86,
    88,
    89,
    90,
    91,
    2_000_000_092,
    2_000_000_093,
    2_000_000_094,
    2_000_001_729,
    2_000_001_731,
    2_000_001_733,
    2_000_001_735,
];
/// The fields that an invoice adds.
pub const INVOICE: [u64; 12] = [160, 162, 164, 166, 168, 170, 172, 174, 176, 178, 236, 3_000_000_177];
/// The fields that only a payer proof has.
pub const PROOF: [u64; 5] = [1001, 1002, 1003, 1004, 1005];
/// The fields of an invoice error.
pub const ERROR: [u64; 3] = [1, 3, 5];

/// Types at the edges of the ranges, and beside known ones.
const EDGES: [u64; 25] = [
    0,
    1,
    23,
    79,
    80,
    81,
    159,
    160,
    161,
    239,
    240,
    241,
    1000,
    1001,
    65_535,
    65_536,
    999_999_999,
    1_000_000_000,
    1_999_999_999,
    2_000_000_001,
    2_999_999_999,
    3_000_000_001,
    3_999_999_999,
    4_000_000_000,
    u64::MAX,
];

/// A type that may or may not be allowed.
pub fn number(rng: &mut Rng) -> u64 {
    match rng.below(4) {
        0 => rng.pick(&EDGES),
        1 => rng.pick(&OFFER),
        2 => rng.pick(&REQUEST),
        _ => rng.pick(&INVOICE),
    }
}

/// An odd type that a message of this kind may carry, and nobody knows.
pub fn unknown_number(rng: &mut Rng, most: u64) -> u64 {
    let ranges = [(23, 56), (92, 68), (161, 78), (1_000_000_000, 1000), (2_000_000_000, 1000), (3_000_000_000, 1000)];
    let allowed: Vec<_> = ranges.into_iter().filter(|(from, _)| *from % 1_000_000_000 <= most).collect();
    let (from, len) = rng.pick(&allowed);
    (from + rng.number() % len) | 1
}

/// A value for a field of that type: mostly valid, and mostly at an edge.
pub fn value(rng: &mut Rng, number: u64) -> Vec<u8> {
    match number {
        2 | 80 => chains(rng, number == 80),
        6 => rng.pick(&["USD", "EUR", "JPY", "XXX", "usd", "US", "USDX", "", "U\u{20ac}"]).as_bytes().to_vec(),
        8 | 20 | 82 | 86 | 170 | 1 => truncated(rng, 8),
        14 | 164 => truncated(rng, 8),
        166 => truncated(rng, 4),
        5 | 10 | 18 | 89 | 1005 => text(rng),
        12 | 84 | 174 => features(rng, number == 174),
        16 | 90 | 160 | 178 | 236 => (0..count(rng)).flat_map(|_| path(rng)).collect(),
        162 => (0..count(rng)).flat_map(|_| payinfo(rng)).collect(),
        22 | 88 | 176 => point(rng),
        91 | 2_000_001_733 => name(rng),
        168 | 2_000_001_729 => sized(rng, 32),
        2_000_001_731 => [vec![22, 33], point(rng)].concat(),
        2_000_001_735 => [point(rng), sized(rng, 64)].concat(),
        1002 => markers(rng),
        1003 | 1004 => (0..count(rng)).flat_map(|_| sized(rng, 32)).collect(),
        172 => (0..count(rng)).flat_map(|_| fallback(rng)).collect(),
        240 | 241 => sized(rng, 64),
        1001 => vec![0x33; 32],
        1_000_000_024 | 1_000_000_025 => [vec![rng.pick(&[0, 1, 2, 2, 2, 3, 255])], short(rng, 4)].concat(),
        1_000_000_026 => [vec![rng.pick(&[0, 1, 1, 2])], short(rng, 8)].concat(),
        1_000_000_027 => [(rng.number() as u32 >> rng.below(32)).to_be_bytes().to_vec(), short(rng, 4)].concat(),
        1_000_000_029 | 2_000_000_092 | 2_000_000_093 => short(rng, 4),
        2_000_000_094 => Vec::new(),
        3_000_000_177 => short(rng, 8),
        _ => {
            let len = rng.pick(&[0, 1, 2, 16, 32, 33]);
            rng.bytes(len)
        }
    }
}

/// Mostly one, sometimes none, seldom many.
pub fn count(rng: &mut Rng) -> usize {
    rng.pick(&[0, 1, 1, 1, 1, 2, 2, 3, 9])
}

/// Bytes of the right length, but for once in a while.
fn sized(rng: &mut Rng, len: usize) -> Vec<u8> {
    let len = if rng.one_in(16) { rng.pick(&[0, len - 1, len + 1]) } else { len };
    rng.bytes(len)
}

/// A `tuN` of so many bytes at most.
fn truncated(rng: &mut Rng, most: usize) -> Vec<u8> {
    let number = match rng.below(4) {
        0 => rng.pick(&[0, 1, 2, 255, 256, 1000, 7200, 65_535, 65_536]),
        1 => rng.pick(&[2_100_000_000_000_000_000, 2_100_000_000_000_000_001, u32::MAX.into(), 1 << 32, 1 << 63]),
        2 => u64::MAX >> rng.below(64),
        _ => 1 << rng.below(64),
    };
    let digits = number.to_be_bytes();
    let skip = if rng.one_in(32) { rng.below(8) } else { number.leading_zeros() as usize / 8 };
    let skip = if rng.one_in(32) { skip } else { skip.max(8 - most) };
    digits[skip..].to_vec()
}

/// A `tuN`: mostly a small number, or the time of a seed.
fn short(rng: &mut Rng, most: usize) -> Vec<u8> {
    match rng.below(4) {
        0 => truncated(rng, most),
        1 if most == 8 => 1_800_000_000u32.to_be_bytes().to_vec(),
        _ => vec![rng.pick(&[1, 1, 2, 3, 12, 31, 255])],
    }
}

fn text(rng: &mut Rng) -> Vec<u8> {
    let texts: [&[u8]; 14] = [
        b"",
        b"a",
        b"coffee",
        "tea\u{202e}eert rof".as_bytes(),
        "\u{200b}\u{feff}\u{2028}\u{0}\u{7f}\u{85}".as_bytes(),
        "\u{1f469}\u{200d}\u{1f680} \u{e0001}\u{10ffff}".as_bytes(),
        "\u{fffe}\u{1fffe}\u{e000}\u{ad}".as_bytes(),
        b"\"}\n{\"",
        b"\xff",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe2\x82",
        &[b'x'; 300],
    ];
    rng.pick(&texts).to_vec()
}

fn chains(rng: &mut Rng, one: bool) -> Vec<u8> {
    let known = [ChainHash::BITCOIN, ChainHash::TESTNET3, ChainHash::SIGNET, ChainHash::REGTEST];
    let count = if one && !rng.one_in(16) { 1 } else { count(rng) };
    let mut chains: Vec<u8> = (0..count).flat_map(|_| rng.pick(&known).to_bytes()).collect();
    if rng.one_in(16) {
        chains.pop();
    }
    chains
}

fn features(rng: &mut Rng, invoice: bool) -> Vec<u8> {
    match rng.below(8) {
        0 => Vec::new(),
        1 => vec![0; count(rng)],
        2 if invoice => vec![1, 0, 0],
        3 if invoice => vec![2, 0, 0],
        // Any odd bit, and seldom an even one; with needless zeros.
        _ => {
            let mut bits = vec![0; 1 + rng.below(20)];
            let at = rng.below(bits.len());
            bits[at] = if rng.one_in(8) { 1 << rng.below(8) } else { 2 << (rng.below(4) * 2) };
            bits
        }
    }
}

/// Numbers that stand for hidden fields: mostly ascending by one.
fn markers(rng: &mut Rng) -> Vec<u8> {
    let mut marker = rng.pick(&[1, 1, 1, 0, 2, 89, 169, 177, 239, 1_000_000_000, 3_999_999_999]);
    let mut markers = Vec::new();
    for _ in 0..count(rng) {
        bigsize(&mut markers, marker, rng.one_in(64));
        marker += rng.pick(&[1, 1, 1, 1, 1, 0, 2]);
    }
    markers
}

/// One of our keys, mostly.
pub fn point(rng: &mut Rng) -> Vec<u8> {
    let mut point = rng.pick(&keys::public()).serialize().to_vec();
    match rng.below(32) {
        0 => point[0] = rng.pick(&[0, 1, 4, 5, 6, 0xff]),
        1 => point[1..].fill(rng.pick(&[0, 5, 0xff])),
        2 => drop(point.pop()),
        3 => point[0] ^= 1,
        _ => {}
    }
    point
}

/// A blinded path with no hop, one, or many.
pub fn path(rng: &mut Rng) -> Vec<u8> {
    let mut path = match rng.below(4) {
        0 => [vec![rng.pick(&[0, 1])], rng.bytes(8)].concat(),
        1 if rng.one_in(8) => vec![rng.pick(&[4, 6, 0xff]); 9],
        _ => point(rng),
    };
    path.extend(point(rng));
    let hops = rng.pick(&[0, 1, 1, 1, 1, 1, 1, 2, 2, 3, 3, 8]);
    path.push(if rng.one_in(32) { rng.number() as u8 } else { hops });
    for _ in 0..hops {
        path.extend(point(rng));
        let len = rng.pick(&[0, 1, 24, 50]);
        let told = if rng.one_in(64) { rng.pick(&[len + 1, 0xffff]) } else { len };
        path.extend((told as u16).to_be_bytes());
        path.extend(rng.bytes(len));
    }
    path
}

/// Fees and limits.
pub fn payinfo(rng: &mut Rng) -> Vec<u8> {
    let mut payinfo = Vec::new();
    for len in [4, 4, 2, 8, 8] {
        let number = rng.pick(&[0, 1, 1000, 2_100_000_000_000_000_000, u64::MAX]).to_be_bytes();
        payinfo.extend_from_slice(&number[8 - len..]);
    }
    let features = if rng.one_in(4) { features(rng, false) } else { Vec::new() };
    payinfo.extend((features.len() as u16).to_be_bytes());
    payinfo.extend(features);
    if rng.one_in(32) {
        payinfo.pop();
    }
    payinfo
}

fn fallback(rng: &mut Rng) -> Vec<u8> {
    let len = rng.pick(&[20, 32, 20, 32, 2, 40, 1, 41, 0, 33]);
    let version = rng.pick(&[0, 0, 1, 1, 2, 16, 17, 255]);
    [vec![version], (len as u16).to_be_bytes().to_vec(), rng.bytes(len)].concat()
}

fn name(rng: &mut Rng) -> Vec<u8> {
    let parts: [&[u8]; 8] = [b"satoshi", b"example.com", b"", b"a", b"A-_.9", b"\xff", b"a b", &[b'x'; 255]];
    let mut name = Vec::new();
    for _ in 0..2 {
        let part = if rng.one_in(2) { rng.pick(&parts[..2]) } else { rng.pick(&parts) };
        name.push(part.len() as u8);
        name.extend_from_slice(part);
    }
    if rng.one_in(16) {
        name.push(0);
    }
    name
}
