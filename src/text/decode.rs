//! Text to bytes.

use alloc::vec::Vec;

use super::looks_like;
use crate::error::{Error, ErrorKind, MessageKind, Rule};
use crate::tlv::MAX_LEN;

/// The most characters of data that 65535 bytes take (D7).
const MAX_DATA: usize = (MAX_LEN * 8).div_ceil(5);

/// Marks a character outside the alphabet.
const INVALID: u8 = 0xff;

/// The values of the characters, in one case.
type Alphabet = [u8; 256];

static LOWER: Alphabet = alphabet(false);
static UPPER: Alphabet = alphabet(true);

#[allow(clippy::indexing_slicing, reason = "done by the compiler, which would say so")]
const fn alphabet(upper: bool) -> Alphabet {
    let letters = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let mut values = [INVALID; 256];
    let mut value = 0;
    while value < letters.len() {
        let letter = if upper { letters[value].to_ascii_uppercase() } else { letters[value] };
        values[letter as usize] = value as u8;
        value += 1;
    }
    values
}

#[inline]
fn value_of(alphabet: &Alphabet, letter: u8) -> u8 {
    alphabet.get(usize::from(letter)).copied().unwrap_or(INVALID)
}

/// Reads a text of any kind.
pub(crate) fn decode(text: &str) -> Result<(MessageKind, Vec<u8>), Error> {
    decode_any(text, None)
}

/// Reads a text of one kind (TXT-5).
pub(crate) fn decode_as(kind: MessageKind, text: &str) -> Result<Vec<u8>, Error> {
    decode_any(text, Some(kind)).map(|(_, bytes)| bytes)
}

fn decode_any(text: &str, expected: Option<MessageKind>) -> Result<(MessageKind, Vec<u8>), Error> {
    let mut bytes = Vec::new();
    if let Some(plain) = Plain::new(text.as_bytes()) {
        let found = kind_of(plain.prefix, text, expected)?;
        if plain.data.len() <= MAX_DATA {
            bytes = Vec::with_capacity(plain.data.len() * 5 / 8);
            if plain.decode(&mut bytes) {
                return Ok((found, bytes));
            }
        }
    }
    // The room that was made is used again: leaving out continuations takes no more of it.
    bytes.clear();
    decode_slowly(text, expected, bytes)
}

/// Finds the kind that a prefix (in either case) stands for.
fn kind_of(prefix: [u8; 3], text: &str, expected: Option<MessageKind>) -> Result<MessageKind, Error> {
    let found = match &prefix.map(|letter| letter.to_ascii_lowercase()) {
        b"lno" => MessageKind::Offer,
        b"lnr" => MessageKind::InvoiceRequest,
        b"lni" => MessageKind::Invoice,
        b"lnp" => MessageKind::PayerProof,
        _ => return Err(Error::new(ErrorKind::NotBolt12(looks_like(text)), Rule::Txt5).in_column(1)),
    };
    match expected {
        Some(expected) if expected != found => {
            Err(Error::new(ErrorKind::WrongKind { expected, found }, Rule::Txt5).in_column(1))
        }
        _ => Ok(found),
    }
}

/// A text that starts with three letters and a `1`, and is hoped to have no continuation.
struct Plain<'a> {
    prefix: [u8; 3],
    data: &'a [u8],
    alphabet: &'static Alphabet,
}

impl<'a> Plain<'a> {
    fn new(text: &'a [u8]) -> Option<Self> {
        let (&[a, b, c, one], data) = text.split_first_chunk::<4>()?;
        let prefix = [a, b, c];
        let alphabet = if prefix.iter().all(u8::is_ascii_lowercase) {
            &LOWER
        } else if prefix.iter().all(u8::is_ascii_uppercase) {
            &UPPER
        } else {
            return None;
        };
        (one == b'1').then_some(Self { prefix, data, alphabet })
    }

    /// Appends the bytes; false if a character or the padding is not right.
    fn decode(&self, bytes: &mut Vec<u8>) -> bool {
        bytes.resize(self.data.len() * 5 / 8, 0);
        let mut places = bytes.chunks_exact_mut(5);
        let groups = self.data.chunks_exact(8);
        let rest = groups.remainder();
        let mut seen = 0;
        for (group, place) in groups.zip(&mut places) {
            let [_, _, _, five @ ..] = self.bits(group, &mut seen).to_be_bytes();
            place.copy_from_slice(&five);
        }
        // One to seven characters are left: 5 to 35 bits, of which the last 0 to 7 are padding.
        let bits = self.bits(rest, &mut seen);
        let len = rest.len() * 5;
        let padding = len % 8;
        let whole = (bits >> padding).to_be_bytes();
        for (place, byte) in places.into_remainder().iter_mut().zip(whole.iter().skip(8 - len / 8)) {
            *place = *byte;
        }
        seen != INVALID && padding <= 4 && bits & ((1 << padding) - 1) == 0
    }

    /// The bits of at most eight characters. One that is not right leaves its mark in `seen`, and the
    /// bits mean nothing.
    #[inline]
    fn bits(&self, letters: &[u8], seen: &mut u8) -> u64 {
        letters.iter().fold(0, |bits, &letter| {
            let value = value_of(self.alphabet, letter);
            *seen |= value;
            bits << 5 | u64::from(value)
        })
    }
}

/// Reads text with continuations, or finds out what is wrong with it and in which column.
fn decode_slowly(text: &str, expected: Option<MessageKind>, room: Vec<u8>) -> Result<(MessageKind, Vec<u8>), Error> {
    if text.is_empty() {
        return Err(Error::new(ErrorKind::Empty, Rule::Txt5));
    }
    let mut letters = Letters::new(text);
    let mut case = Case::default();
    let found = read_prefix(&mut letters, &mut case, expected)?;
    let mut bits = Bits::within(room, text.len());
    let mut last = 4;
    while let Some(letter) = letters.next() {
        let (column, letter) = letter?;
        case.note(column, letter)?;
        let value = u8::try_from(letter).map_or(INVALID, |letter| value_of(&LOWER, letter.to_ascii_lowercase()));
        if value == INVALID {
            return Err(Error::new(ErrorKind::InvalidCharacter(letter), Rule::Txt8).in_column(column));
        }
        if !bits.push(value) {
            // The letter before filled no byte either: MAX_LEN bytes are whole letters.
            let len = MAX_LEN + (2 + letters.flatten().count()) * 5 / 8;
            return Err(Error::new(ErrorKind::TooLong { len, max: MAX_LEN }, Rule::D7).in_column(column));
        }
        last = column;
    }
    match bits.finish() {
        Some(bytes) => Ok((found, bytes)),
        None => Err(Error::new(ErrorKind::InvalidPadding, Rule::Txt4).in_column(last)),
    }
}

/// Reads three letters and the `1`, so that text of another kind is called by its name.
fn read_prefix(
    letters: &mut Letters<'_>,
    case: &mut Case,
    expected: Option<MessageKind>,
) -> Result<MessageKind, Error> {
    let text = letters.text;
    let mut prefix = [(0, '\0'); 4];
    for place in &mut prefix {
        *place = match letters.next() {
            Some(Ok(letter)) => letter,
            // A misplaced `+` or space is what is wrong only if the rest is BOLT 12.
            Some(Err(error)) if starts_with_prefix(text) => return Err(error),
            _ => break,
        };
    }
    if let Some((column, letter)) = misspelt(&prefix, text) {
        return Err(Error::new(ErrorKind::InvalidCharacter(letter), Rule::Txt5).in_column(column));
    }
    let [a, b, c, one] = prefix.map(|(_, letter)| u8::try_from(letter).unwrap_or(INVALID));
    if one != b'1' {
        return Err(Error::new(ErrorKind::NotBolt12(looks_like(text)), Rule::Txt5).in_column(1));
    }
    let found = kind_of([a, b, c], text, expected)?;
    for (column, letter) in prefix {
        case.note(column, letter)?;
    }
    Ok(found)
}

/// The least characters of a text of which one letter of the prefix is said to be wrong, where it could be something
/// else.
const MIN_LEN: usize = 40;

/// What stands in the prefix of a long text in place of a letter or the `1` that looks like it: a digit, `l` or `I` for
/// the `1`, or a letter of another alphabet.
fn misspelt(prefix: &[(usize, char); 4], text: &str) -> Option<(usize, char)> {
    if text.len() < MIN_LEN {
        return None;
    }
    let wrong = |right: &str| {
        let mut pairs =
            prefix.iter().zip(right.chars()).filter(|((_, letter), right)| letter.to_ascii_lowercase() != *right);
        let (found, right) = pairs.next()?;
        let looks_like = found.1.is_ascii_digit() || !found.1.is_ascii() || right == '1' && "lIi|!".contains(found.1);
        (looks_like && pairs.next().is_none()).then_some(*found)
    };
    ["lno1", "lnr1", "lni1", "lnp1"].into_iter().find_map(wrong)
}

/// Whether a text is meant to be BOLT 12, whatever stands in or before its prefix.
fn starts_with_prefix(text: &str) -> bool {
    let mut letters = text.chars().filter(|c| *c != '+' && !c.is_whitespace()).map(|c| c.to_ascii_lowercase());
    let start = [letters.next(), letters.next(), letters.next(), letters.next()];
    matches!(start, [Some('l'), Some('n'), Some('o' | 'r' | 'i' | 'p'), Some('1')])
}

/// Bytes made of groups of five bits.
struct Bits {
    bytes: Vec<u8>,
    pending: u32,
    len: u32,
}

impl Bits {
    /// Uses an empty vector's room; makes enough for so many characters only if it has none.
    fn within(mut bytes: Vec<u8>, characters: usize) -> Self {
        if bytes.capacity() == 0 {
            bytes.reserve(characters.min(MAX_DATA) * 5 / 8);
        }
        Self { bytes, pending: 0, len: 0 }
    }

    /// Takes five bits, unless there are too many of them (D7).
    fn push(&mut self, value: u8) -> bool {
        self.pending = self.pending << 5 | u32::from(value);
        self.len += 5;
        if self.len >= 8 {
            if self.bytes.len() == MAX_LEN {
                return false;
            }
            self.len -= 8;
            self.bytes.push((self.pending >> self.len) as u8);
            self.pending &= (1 << self.len) - 1;
        }
        true
    }

    /// The bytes, if what is left is padding (TXT-4).
    fn finish(self) -> Option<Vec<u8>> {
        (self.len <= 4 && self.pending == 0).then_some(self.bytes)
    }
}

/// Remembers the case of the first letter (TXT-1).
#[derive(Default)]
struct Case {
    upper: Option<bool>,
}

impl Case {
    fn note(&mut self, column: usize, letter: char) -> Result<(), Error> {
        if letter.is_ascii_alphabetic() {
            let upper = letter.is_ascii_uppercase();
            if *self.upper.get_or_insert(upper) != upper {
                return Err(Error::new(ErrorKind::MixedCase, Rule::Txt1).in_column(column));
            }
        }
        Ok(())
    }
}

/// The characters of a text with their columns, continuations removed (TXT-2, TXT-3).
struct Letters<'a> {
    text: &'a str,
    chars: core::iter::Peekable<core::iter::Enumerate<core::str::Chars<'a>>>,
    started: bool,
}

impl<'a> Letters<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, chars: text.chars().enumerate().peekable(), started: false }
    }
}

impl Iterator for Letters<'_> {
    /// A column, counted from 1, and a character.
    type Item = Result<(usize, char), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let (at, letter) = self.chars.next()?;
        if letter.is_whitespace() {
            return Some(Err(Error::new(ErrorKind::UnexpectedWhitespace, Rule::Txt3).in_column(at + 1)));
        }
        if letter != '+' {
            self.started = true;
            return Some(Ok((at + 1, letter)));
        }
        while self.chars.next_if(|(_, letter)| letter.is_whitespace()).is_some() {}
        match self.chars.next() {
            Some((next, letter)) if self.started && letter != '+' => Some(Ok((next + 1, letter))),
            _ => Some(Err(Error::new(ErrorKind::InvalidContinuation, Rule::Txt3).in_column(at + 1))),
        }
    }
}

/// The column, counted from 1, of the character in which the byte at `offset` begins; of the last
/// character, if there is no such byte.
pub(crate) fn column_of(text: &str, offset: usize) -> usize {
    let wanted = 4 + offset * 8 / 5;
    let mut last = 1;
    for (column, _) in Letters::new(text).flatten().take(wanted + 1) {
        last = column;
    }
    last
}
