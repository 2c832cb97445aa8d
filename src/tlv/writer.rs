//! Writes a stream by merging new fields into the records of an earlier message.

use alloc::vec::Vec;
use core::iter::Peekable;
use core::ops::RangeInclusive;

use super::{TlvRecord, TlvStream, bigsize};

/// A field the caller adds by number: `(type, value)`.
pub(crate) type CustomField = (u64, Vec<u8>);

/// A sorted merge of up to three sources: the records that are repeated from an earlier message,
/// byte for byte; the fields of a builder, which are written in ascending order; and the caller's
/// own fields.
pub(crate) struct Writer<'a, R: Iterator<Item = TlvRecord<'a>>> {
    out: Vec<u8>,
    repeated: Peekable<R>,
    custom: Peekable<core::slice::Iter<'a, CustomField>>,
}

impl<'a> Writer<'a, core::iter::Empty<TlvRecord<'a>>> {
    /// A message that repeats nothing. `custom` is sorted; `len` is about what texts, paths and the like
    /// take.
    pub(crate) fn new(custom: &'a [CustomField], len: usize) -> Self {
        Self::over(core::iter::empty(), custom, len)
    }
}

impl<'a, R: Iterator<Item = TlvRecord<'a>>> Writer<'a, R> {
    pub(crate) fn over(repeated: R, custom: &'a [CustomField], len: usize) -> Self {
        // Room also for a few keys, numbers and a signature: growing costs more than all the writing.
        let custom_len: usize = custom.iter().map(|(_, value)| value.len() + 18).sum();
        let out = Vec::with_capacity(len + custom_len + 256);
        Self { out, repeated: repeated.peekable(), custom: custom.iter().peekable() }
    }

    /// Copies what comes before `number`.
    fn advance(&mut self, number: u64) {
        loop {
            let repeated = self.repeated.peek().map_or(u64::MAX, TlvRecord::number);
            let custom = self.custom.peek().map_or(u64::MAX, |(number, _)| *number);
            if repeated.min(custom) >= number {
                return;
            }
            if repeated <= custom {
                if let Some(record) = self.repeated.next() {
                    self.out.extend_from_slice(record.as_bytes());
                }
            } else if let Some((number, value)) = self.custom.next() {
                put(&mut self.out, *number, value);
            }
        }
    }

    /// Writes a field whose value is available.
    pub(crate) fn bytes(&mut self, number: u64, value: &[u8]) {
        self.advance(number);
        put(&mut self.out, number, value);
    }

    /// Writes a `tu64` or `tu32`.
    pub(crate) fn number(&mut self, number: u64, value: u64) {
        self.advance(number);
        bigsize::write(&mut self.out, number);
        self.out.push(8 - (value.leading_zeros() / 8) as u8);
        bigsize::write_truncated(&mut self.out, value);
    }

    /// Writes a list of byte strings as one value.
    pub(crate) fn concat<'b>(&mut self, number: u64, parts: impl Iterator<Item = &'b [u8]> + Clone) {
        self.advance(number);
        bigsize::write(&mut self.out, number);
        bigsize::write(&mut self.out, parts.clone().map(|part| part.len() as u64).sum());
        parts.for_each(|part| self.out.extend_from_slice(part));
    }

    /// Writes byte strings of at most 255 bytes, each after its length.
    pub(crate) fn prefixed<'b>(&mut self, number: u64, parts: impl IntoIterator<Item = &'b [u8]>) {
        let mut value = Vec::new();
        for part in parts {
            value.push(part.len() as u8);
            value.extend_from_slice(part);
        }
        self.bytes(number, &value);
    }

    /// Copies the rest, and returns the stream's bytes.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.advance(u64::MAX);
        self.out
    }
}

fn put(out: &mut Vec<u8>, number: u64, value: &[u8]) {
    bigsize::write(out, number);
    bigsize::write(out, value.len() as u64);
    out.extend_from_slice(value);
}

impl TlvStream {
    /// A writer that repeats all records of this stream outside `except`. `len` is about what it adds in
    /// texts, paths and the like.
    pub(crate) fn repeat<'a>(
        &'a self,
        except: RangeInclusive<u64>,
        custom: &'a [CustomField],
        len: usize,
    ) -> Writer<'a, impl Iterator<Item = TlvRecord<'a>>> {
        let records = self.records().filter(move |record| !except.contains(&record.number()));
        Writer::over(records, custom, self.bytes.len() + len)
    }
}
