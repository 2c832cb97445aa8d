//! Percent-encoding: how a URI holds characters that mean something in it.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

/// Undoes the encoding of a part of a URI (URI-1).
///
/// # Errors
///
/// The position, in characters counted from 0, of a `%` without two hexadecimal digits, or of the first one of bytes
/// that are not UTF-8.
pub(super) fn decode(text: &str) -> Result<Cow<'_, str>, usize> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = behind.split_first_chunk::<2>().and_then(|(digits, behind)| {
            rest = behind;
            Some([hexadecimal(digits[0])?, hexadecimal(digits[1])?])
        });
        match digits {
            Some([high, low]) => bytes.push(high << 4 | low),
            // As many characters as were decoded before it.
            None => return Err(position(text, text.len().saturating_sub(behind.len()).saturating_sub(1))),
        }
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        position(text, encoded_len(text, valid))
    })
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The number of characters before a byte.
fn position(text: &str, byte: usize) -> usize {
    text.char_indices().take_while(|(at, _)| *at < byte).count()
}

/// How many bytes of the encoded text stand for so many decoded bytes.
fn encoded_len(text: &str, decoded: usize) -> usize {
    let mut len = 0usize;
    for _ in 0..decoded {
        let is_encoded = text.as_bytes().get(len) == Some(&b'%');
        len = len.saturating_add(if is_encoded { 3 } else { 1 });
    }
    len
}

/// Where a character of the decoded text stands in the encoded one: characters counted from 0.
pub(super) fn encoded_position(text: &str, decoded: &str, character: usize) -> usize {
    let before = decoded.char_indices().nth(character).map_or(decoded.len(), |(at, _)| at);
    position(text, encoded_len(text, before))
}

/// Text with everything encoded that could mean something in a URI.
pub(super) struct Encoded<'a>(pub(super) &'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            match byte.is_ascii_alphanumeric() || b"-._~/:@,".contains(&byte) {
                true => f.write_char(byte.into())?,
                false => write!(f, "%{byte:02X}")?,
            }
        }
        Ok(())
    }
}
