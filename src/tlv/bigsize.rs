//! `bigsize` and `tuN`: the two variable-length numbers of BOLT 1.

use alloc::vec::Vec;

use crate::error::{Error, ErrorKind, Rule};

/// Reads the `bigsize` at `at`, and returns it with the offset after it.
///
/// TLV-2: a number in a longer form than needed is refused. TLV-3: so is a truncated one.
#[inline]
pub(crate) fn read(bytes: &[u8], at: usize) -> Result<(u64, usize), Error> {
    match bytes.get(at) {
        Some(&short) if short < 0xfd => Ok((u64::from(short), at + 1)),
        Some(0xfd) => read_long::<2>(bytes, at, 0xfd),
        Some(0xfe) => read_long::<4>(bytes, at, 0x1_0000),
        Some(_) => read_long::<8>(bytes, at, 0x1_0000_0000),
        None => Err(refused(ErrorKind::Truncated, Rule::Tlv3, at)),
    }
}

#[inline]
fn read_long<const N: usize>(bytes: &[u8], at: usize, least: u64) -> Result<(u64, usize), Error> {
    match bytes.get(at + 1..).and_then(|rest| rest.first_chunk::<N>()) {
        Some(digits) => match digits.iter().fold(0, |number, &digit| number << 8 | u64::from(digit)) {
            number if number < least => Err(refused(ErrorKind::NotMinimal, Rule::Tlv2, at)),
            number => Ok((number, at + 1 + N)),
        },
        None => Err(refused(ErrorKind::Truncated, Rule::Tlv3, at)),
    }
}

/// Out of the way of the numbers that are read.
#[cold]
fn refused(kind: ErrorKind, rule: Rule, at: usize) -> Error {
    Error::new(kind, rule).at(at)
}

/// A `bigsize` of at most nine bytes, without an allocation.
#[derive(Clone, Copy)]
pub(crate) struct BigSize {
    bytes: [u8; 16],
    len: usize,
}

impl BigSize {
    #[inline]
    pub(crate) fn new(number: u64) -> Self {
        let digits = u128::from(number);
        // As one number, which a processor makes faster than a copy of so many bytes.
        let (first, len) = match number {
            0..=0xfc => (digits << 120, 1),
            0xfd..=0xffff => (0xfd << 120 | digits << 104, 3),
            0x1_0000..=0xffff_ffff => (0xfe << 120 | digits << 88, 5),
            _ => (0xff << 120 | digits << 56, 9),
        };
        Self { bytes: first.to_be_bytes(), len }
    }
}

impl AsRef<[u8]> for BigSize {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&self.bytes)
    }
}

/// Appends a `bigsize`.
pub(crate) fn write(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(BigSize::new(number).as_ref());
}

/// Reads a whole value as a `tu64` (or, with `max_len` 4, a `tu32`): big-endian, no leading zeros.
pub(crate) fn read_truncated(value: &[u8], max_len: usize) -> Result<u64, Error> {
    if value.len() > max_len {
        return Err(Error::new(ErrorKind::NumberTooLarge, Rule::Tlv2).at(0));
    }
    if value.first() == Some(&0) {
        return Err(Error::new(ErrorKind::NotMinimal, Rule::Tlv2).at(0));
    }
    Ok(value.iter().fold(0, |number, &digit| number << 8 | u64::from(digit)))
}

/// Appends a `tu64`.
pub(crate) fn write_truncated(out: &mut Vec<u8>, number: u64) {
    let skip = number.leading_zeros() as usize / 8;
    out.extend(number.to_be_bytes().iter().skip(skip));
}
