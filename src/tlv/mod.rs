//! TLV streams: exact bytes, and an index of the records in them.

pub(crate) mod bigsize;
mod writer;

pub(crate) use writer::{CustomField, Writer};

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use bigsize::BigSize;

use crate::error::{Error, ErrorKind, Field, Rule};

/// The most bytes a message may have (D7): what an onion message could carry at most.
pub const MAX_LEN: usize = 65535;

/// One record of a [`TlvStream`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TlvRecord<'a> {
    number: u64,
    offset: usize,
    record: &'a [u8],
    value: &'a [u8],
}

impl<'a> TlvRecord<'a> {
    /// The TLV type.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The record's value, without type and length.
    pub fn value(&self) -> &'a [u8] {
        self.value
    }

    /// The whole record: type, length and value.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.record
    }

    /// The type as it stands in the record.
    pub(crate) fn type_bytes(&self) -> &'a [u8] {
        self.record.get(..BigSize::new(self.number).as_ref().len()).unwrap_or(self.record)
    }

    /// Where the record starts in its stream.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Where the record's value starts in its stream.
    pub fn value_offset(&self) -> usize {
        self.offset + self.record.len() - self.value.len()
    }
}

/// Where a record is. Streams have at most 65535 bytes, so 16 bits are enough.
/// D7: what is too long is not even copied.
pub(crate) fn check_len(bytes: &[u8]) -> Result<(), Error> {
    match bytes.len() {
        0..=MAX_LEN => Ok(()),
        len => Err(Error::new(ErrorKind::TooLong { len, max: MAX_LEN }, Rule::D7)),
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    number: u64,
    start: u16,
    value: u16,
    end: u16,
}

/// Which types below 256 there are. The rules ask for little else, and mostly for what is not there.
#[derive(Clone, Copy, Default)]
struct LowTypes([u64; 4]);

impl LowTypes {
    fn insert(&mut self, number: u64) {
        // Types are at most 64 bits wide, and places may be narrower.
        if let Some(bits) = usize::try_from(number / 64).ok().and_then(|at| self.0.get_mut(at)) {
            *bits |= 1 << (number % 64);
        }
    }

    /// Nothing for types above.
    fn contains(&self, number: u64) -> Option<bool> {
        usize::try_from(number / 64).ok().and_then(|at| self.0.get(at)).map(|bits| bits >> (number % 64) & 1 == 1)
    }
}

/// A well-formed TLV stream (TLV-1, TLV-2, TLV-3, TLV-6): bytes that are never changed, and an
/// index of the records in them.
///
/// Reading takes time linear in the length and exactly one allocation, for the index.
#[derive(Clone)]
pub struct TlvStream {
    bytes: Vec<u8>,
    index: Vec<Entry>,
    low: LowTypes,
}

impl TlvStream {
    /// Reads a stream.
    ///
    /// # Errors
    ///
    /// `TooLong` above [`MAX_LEN`] bytes, `Truncated`, `NotMinimal`, and `NotAscending` for
    /// repeated or unordered types.
    pub fn read(bytes: Vec<u8>) -> Result<Self, Error> {
        Self::read_with_room(bytes, 0)
    }

    /// The same for a stream that will be added to.
    pub(crate) fn read_with_room(bytes: Vec<u8>, more: usize) -> Result<Self, Error> {
        check_len(&bytes)?;
        let mut count = 0;
        let mut low = LowTypes::default();
        for entry in Entries::new(&bytes) {
            low.insert(entry?.number);
            count += 1;
        }
        let mut index = Vec::with_capacity(count + more);
        index.extend(Entries::new(&bytes).map_while(Result::ok));
        Ok(Self { bytes, index, low })
    }

    /// The exact bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The exact bytes, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The records, in ascending order of their types.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = TlvRecord<'_>> + ExactSizeIterator + Clone {
        self.index.iter().map(|entry| self.record(entry))
    }

    /// The record of that type.
    pub fn get(&self, number: u64) -> Option<TlvRecord<'_>> {
        let last = || self.index.last().map_or(0, |entry| entry.number);
        if !self.low.contains(number).unwrap_or_else(|| number <= last()) {
            return None;
        }
        let at = self.index.binary_search_by_key(&number, |entry| entry.number).ok()?;
        self.index.get(at).map(|entry| self.record(entry))
    }

    /// The value of the record of that type.
    pub(crate) fn value(&self, number: u64) -> Option<&[u8]> {
        self.get(number).map(|record| record.value)
    }

    /// Whether there is a record of that type.
    pub fn contains(&self, number: u64) -> bool {
        self.low.contains(number).unwrap_or_else(|| self.get(number).is_some())
    }

    /// The bytes of all records whose types lie in the range: one slice, since types ascend.
    pub fn range(&self, numbers: &RangeInclusive<u64>) -> &[u8] {
        let from = self.index.partition_point(|entry| entry.number < *numbers.start());
        let to = self.index.partition_point(|entry| entry.number <= *numbers.end());
        let entries = self.index.get(from..to).unwrap_or_default();
        match (entries.first(), entries.last()) {
            (Some(first), Some(last)) => slice(&self.bytes, first.start, last.end),
            _ => &[],
        }
    }

    /// Adds a record that is not there yet, in its place.
    pub(crate) fn insert(&mut self, number: u64, value: &[u8]) -> Result<(), Error> {
        let place = self.index.partition_point(|entry| entry.number < number);
        let start = self.index.get(place).map_or(self.bytes.len(), |next| next.start.into());
        let (kind, size) = (BigSize::new(number), BigSize::new(value.len() as u64));
        let value_start = start + kind.as_ref().len() + size.as_ref().len();
        let end = value_start + value.len();
        let len = end - start;
        if self.bytes.len() + len > MAX_LEN {
            let kind = ErrorKind::TooLong { len: self.bytes.len() + len, max: MAX_LEN };
            return Err(Error::new(kind, Rule::D7));
        }
        self.bytes.reserve(len);
        for part in [kind.as_ref(), size.as_ref(), value] {
            self.bytes.extend_from_slice(part);
        }
        if let Some(moved) = self.bytes.get_mut(start..) {
            moved.rotate_right(len);
        }
        for entry in self.index.iter_mut().skip(place) {
            entry.start += len as u16;
            entry.value += len as u16;
            entry.end += len as u16;
        }
        self.index.insert(place, Entry { number, start: start as u16, value: value_start as u16, end: end as u16 });
        self.low.insert(number);
        Ok(())
    }

    fn record(&self, entry: &Entry) -> TlvRecord<'_> {
        #[cfg(test)]
        crate::work::step();
        TlvRecord {
            number: entry.number,
            offset: entry.start.into(),
            record: slice(&self.bytes, entry.start, entry.end),
            value: slice(&self.bytes, entry.value, entry.end),
        }
    }
}

/// A range of the index, which always lies within the bytes.
fn slice(bytes: &[u8], from: u16, to: u16) -> &[u8] {
    bytes.get(usize::from(from)..usize::from(to)).unwrap_or_default()
}

/// Whether bytes are a well-formed stream.
#[cfg(feature = "contacts")]
pub(crate) fn check(bytes: &[u8]) -> Result<(), Error> {
    if bytes.len() > MAX_LEN {
        return Err(Error::new(ErrorKind::TooLong { len: bytes.len(), max: MAX_LEN }, Rule::D7));
    }
    Entries::new(bytes).try_for_each(|entry| entry.map(drop))
}

/// The records of at most [`MAX_LEN`] bytes that may still be malformed.
struct Entries<'a> {
    bytes: &'a [u8],
    at: usize,
    last: Option<u64>,
}

impl<'a> Entries<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, last: None }
    }

    #[inline]
    fn read(&mut self) -> Result<Entry, Error> {
        #[cfg(test)]
        crate::work::step();
        let start = self.at;
        let (number, at) = bigsize::read(self.bytes, start)?;
        if self.last.is_some_and(|last| number <= last) {
            return Err(refused(number, ErrorKind::NotAscending, Rule::Tlv1, start));
        }
        self.last = Some(number);
        let (len, value) = bigsize::read(self.bytes, at).map_err(|error| error.in_field(Field::numbered(number)))?;
        let rest = self.bytes.len() - value;
        if len > rest as u64 {
            return Err(refused(number, ErrorKind::Truncated, Rule::Tlv3, value));
        }
        let end = value + len as usize;
        self.at = end;
        // No more than 65535 bytes, so nothing is cut off.
        Ok(Entry { number, start: start as u16, value: value as u16, end: end as u16 })
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, Error>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        (self.at < self.bytes.len()).then(|| self.read())
    }
}

/// Out of the way of the records that are read.
#[cold]
fn refused(number: u64, kind: ErrorKind, rule: Rule, at: usize) -> Error {
    Error::of(Field::numbered(number), kind, rule).at(at)
}

/// Streams are equal if their bytes are.
impl PartialEq for TlvStream {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for TlvStream {}

impl core::hash::Hash for TlvStream {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl core::fmt::Debug for TlvStream {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        use bitcoin::hex::DisplayHex;
        f.debug_map()
            .entries(self.records().map(|record| (record.number, format_args_hex(record.value.as_hex()))))
            .finish()
    }
}

/// Lets hexadecimal stand in a debug map without quotes.
fn format_args_hex(hex: impl core::fmt::Display) -> impl core::fmt::Debug {
    struct Plain<T>(T);
    impl<T: core::fmt::Display> core::fmt::Debug for Plain<T> {
        fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            self.0.fmt(f)
        }
    }
    Plain(hex)
}

/// The number of the first record by which two messages differ.
pub(crate) fn first_difference<'a>(
    mut ours: impl Iterator<Item = TlvRecord<'a>>,
    mut theirs: impl Iterator<Item = TlvRecord<'a>>,
) -> Option<u64> {
    loop {
        match (ours.next(), theirs.next()) {
            (Some(our), Some(their)) if our.as_bytes() == their.as_bytes() => {}
            (Some(our), Some(their)) => return Some(our.number().min(their.number())),
            (Some(record), None) | (None, Some(record)) => return Some(record.number()),
            (None, None) => return None,
        }
    }
}

#[cfg(all(test, feature = "contacts"))]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    /// A stream of so many bytes: one record.
    fn of_len(len: usize) -> Vec<u8> {
        let value = len - 4;
        let mut bytes = vec![1, 0xfd, (value >> 8) as u8, value as u8];
        bytes.resize(len, 0);
        bytes
    }

    // D7
    #[test]
    fn a_stream_is_as_long_as_a_message_can_be() {
        let kind = |len| ErrorKind::TooLong { len, max: MAX_LEN };
        assert_eq!(check(&of_len(MAX_LEN)), Ok(()));
        assert_eq!(check(&of_len(MAX_LEN - 1)), Ok(()));
        assert_eq!(check(&vec![0; MAX_LEN + 1]).unwrap_err().kind(), &kind(MAX_LEN + 1));
        let mut stream = TlvStream::read(of_len(MAX_LEN - 12)).unwrap();
        assert_eq!(stream.insert(3, &[7; 11]).unwrap_err().kind(), &kind(MAX_LEN + 1));
        stream.insert(3, &[7; 10]).unwrap();
        assert_eq!((stream.len(), stream.as_bytes().len(), stream.value(3)), (2, MAX_LEN, Some(&[7; 10][..])));
    }
}
