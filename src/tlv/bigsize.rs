//! `bigsize` and `tuN`: the two variable-length numbers of BOLT 1.

use alloc::vec::Vec;

use crate::error::{Error, ErrorKind, Rule};

/// Reads the `bigsize` at `at`, and returns it with the offset after it.
///
/// TLV-2: a number in a longer form than needed is refused. TLV-3: so is a truncated one.
pub(crate) fn read(bytes: &[u8], at: usize) -> Result<(u64, usize), Error> {
    match bytes.get(at) {
        Some(&short) if short < 0xfd => Ok((u64::from(short), at + 1)),
        Some(0xfd) => read_long::<2>(bytes, at, 0xfd),
        Some(0xfe) => read_long::<4>(bytes, at, 0x1_0000),
        Some(_) => read_long::<8>(bytes, at, 0x1_0000_0000),
        None => Err(Error::new(ErrorKind::Truncated, Rule::Tlv3).at(at)),
    }
}

fn read_long<const N: usize>(bytes: &[u8], at: usize, least: u64) -> Result<(u64, usize), Error> {
    let digits = bytes
        .get(at + 1..)
        .and_then(|rest| rest.first_chunk::<N>())
        .ok_or_else(|| Error::new(ErrorKind::Truncated, Rule::Tlv3).at(at))?;
    let number = digits.iter().fold(0, |number, &digit| number << 8 | u64::from(digit));
    if number < least {
        return Err(Error::new(ErrorKind::NotMinimal, Rule::Tlv2).at(at));
    }
    Ok((number, at + 1 + N))
}

/// A `bigsize` of at most nine bytes, without an allocation.
#[derive(Clone, Copy)]
pub(crate) struct BigSize {
    bytes: [u8; 9],
    len: usize,
}

impl BigSize {
    pub(crate) fn new(number: u64) -> Self {
        let be = number.to_be_bytes();
        let (prefix, digits): (&[u8], &[u8]) = match number {
            0..=0xfc => (&[], &be[7..]),
            0xfd..=0xffff => (&[0xfd], &be[6..]),
            0x1_0000..=0xffff_ffff => (&[0xfe], &be[4..]),
            _ => (&[0xff], &be),
        };
        let len = prefix.len() + digits.len();
        let mut bytes = [0; 9];
        for (slot, byte) in bytes.iter_mut().zip(prefix.iter().chain(digits)) {
            *slot = *byte;
        }
        Self { bytes, len }
    }
}

impl AsRef<[u8]> for BigSize {
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
