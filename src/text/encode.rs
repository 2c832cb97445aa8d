//! Bytes to text.

use alloc::string::String;
use core::fmt;

use crate::error::{Error, ErrorKind, MessageKind, Rule};

const LOWER: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const UPPER: &[u8; 32] = b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";

/// Three letters and the `1`.
const PREFIX_LEN: usize = 4;

/// The bytes that are written at once.
const PART_LEN: usize = 320;

/// Displays a message's text: lower case, or with `{:#}` upper case for QR codes (TXT-6).
pub(crate) struct Encoded<'a> {
    pub(crate) kind: MessageKind,
    pub(crate) bytes: &'a [u8],
}

impl Encoded<'_> {
    /// The exact number of characters.
    pub(crate) fn len(&self) -> usize {
        self.kind.prefix().map_or(0, str::len) + 1 + (self.bytes.len() * 8).div_ceil(5)
    }

    /// The text as a string, allocated once.
    pub(crate) fn to_text(&self, upper: bool) -> String {
        let mut text = String::with_capacity(self.len());
        // Writing to a string does not fail.
        let _ = self.write(upper, &mut text);
        text
    }

    fn write(&self, upper: bool, out: &mut impl fmt::Write) -> fmt::Result {
        let alphabet = if upper { UPPER } else { LOWER };
        let prefix = self.kind.prefix().unwrap_or_default().bytes().chain([b'1']);
        // Few texts are longer than this, so that a string that is written to grows once.
        let mut letters = [0u8; PREFIX_LEN + PART_LEN / 5 * 8];
        let mut used = 0;
        for (slot, letter) in letters.iter_mut().zip(prefix) {
            *slot = if upper { letter.to_ascii_uppercase() } else { letter };
            used += 1;
        }
        for part in self.bytes.chunks(PART_LEN) {
            let room = letters.get_mut(used..).unwrap_or_default();
            for (five, eight) in part.chunks(5).zip(room.chunks_exact_mut(8)) {
                let mut padded = [0u8; 8];
                for (slot, byte) in padded.iter_mut().skip(3).zip(five) {
                    *slot = *byte;
                }
                let bits = u64::from_be_bytes(padded);
                for (at, letter) in eight.iter_mut().enumerate() {
                    let value = (bits >> (35 - 5 * at)) as usize & 31;
                    *letter = alphabet.get(value).copied().unwrap_or_default();
                }
            }
            let len = used + (part.len() * 8).div_ceil(5);
            let text = letters.get(..len).and_then(|letters| core::str::from_utf8(letters).ok());
            out.write_str(text.ok_or(fmt::Error)?)?;
            used = 0;
        }
        Ok(())
    }
}

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f.alternate(), f)
    }
}

/// A message's text, split into lines with `+` (TXT-7).
///
/// Made by the messages' `wrapped` functions. Readers put the lines together again; `{:#}` gives
/// upper case.
#[derive(Clone, Copy, Debug)]
pub struct Wrapped<'a> {
    kind: MessageKind,
    bytes: &'a [u8],
    width: usize,
}

impl<'a> Wrapped<'a> {
    /// At most `width` characters to a line, the `+` included.
    pub(crate) fn new(kind: MessageKind, bytes: &'a [u8], width: usize) -> Result<Self, Error> {
        if width < 3 {
            return Err(Error::new(ErrorKind::TooNarrow, Rule::Txt7));
        }
        Ok(Self { kind, bytes, width })
    }
}

impl fmt::Display for Wrapped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Encoded { kind: self.kind, bytes: self.bytes }.to_text(f.alternate());
        let mut rest = text.as_str();
        while rest.len() > self.width {
            // The text is ASCII, so it can be split anywhere.
            let (line, more) = rest.split_at_checked(self.width - 1).ok_or(fmt::Error)?;
            writeln!(f, "{line}+")?;
            rest = more;
        }
        f.write_str(rest)
    }
}
