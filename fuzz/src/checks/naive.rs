//! Readers written a second time, for clarity alone, that the crate's own are compared with.

/// A record: its type, and where it starts, where its value starts, and where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The type.
    pub number: u64,
    /// Where the record starts.
    pub start: usize,
    /// Where the value starts.
    pub value: usize,
    /// Where the record ends.
    pub end: usize,
}

/// The records of a stream, if it is well formed. (TLV-1, TLV-2, TLV-3)
pub fn records(bytes: &[u8]) -> Option<Vec<Record>> {
    let mut records: Vec<Record> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let (number, len_at) = bigsize(bytes, at)?;
        let (len, value) = bigsize(bytes, len_at)?;
        let end = value.checked_add(usize::try_from(len).ok()?)?;
        if end > bytes.len() || records.last().is_some_and(|last| last.number >= number) {
            return None;
        }
        records.push(Record { number, start: at, value, end });
        at = end;
    }
    Some(records)
}

/// A number and where it ends, if it is written in the shortest form.
pub fn bigsize(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let (digits, least) = match bytes.get(at)? {
        0xfd => (2, 0xfd),
        0xfe => (4, 1 << 16),
        0xff => (8, 1 << 32),
        short => return Some((u64::from(*short), at + 1)),
    };
    let end = at + 1 + digits;
    let number = bytes.get(at + 1..end)?.iter().fold(0, |number, digit| number * 256 + u64::from(*digit));
    (number >= least).then_some((number, end))
}

/// The alphabet of the text form.
pub const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// The prefix and the bytes of a text, if it is well formed. (TXT-1 to TXT-4, TXT-8, D7)
pub fn text(text: &str) -> Option<(String, Vec<u8>)> {
    let joined = joined(text)?;
    let lower = joined.to_ascii_lowercase();
    if joined != lower && joined != joined.to_ascii_uppercase() {
        return None;
    }
    let (prefix, data) = lower.split_once('1')?;
    if !["lno", "lnr", "lni", "lnp"].contains(&prefix) {
        return None;
    }
    bytes(data).map(|bytes| (prefix.to_owned(), bytes))
}

/// The bytes that the characters of the alphabet stand for, if what is left over is padding.
pub fn bytes(data: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for letter in data.bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        bits = bits << 5 | value as u32;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    (count <= 4 && bits == 0 && bytes.len() <= bolt12::MAX_LEN).then_some(bytes)
}

/// The text without its continuations, if each stands between two other characters.
fn joined(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('+').collect();
    let last = parts.len() - 1;
    let mut joined = String::new();
    for (at, part) in parts.into_iter().enumerate() {
        let part = if at == 0 { part } else { part.trim_start() };
        if (part.is_empty() && last > 0) || part.contains(char::is_whitespace) {
            return None;
        }
        joined.push_str(part);
    }
    Some(joined)
}
