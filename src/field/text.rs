//! Text that somebody else wrote.

use core::fmt::{self, Write};

use super::Value;
use super::deceptive::plain_len;
use crate::error::{Error, ErrorKind, Rule};

/// Text from a message: valid UTF-8, and otherwise whatever its author wanted people to see.
///
/// `Display` escapes what could deceive a reader: control characters, invisible characters, line and paragraph
/// separators, characters that change the direction of writing, and variation selectors behind what is not an emoji.
/// Two invisible characters stay where they change what is seen: U+200C and U+200D behind the virama of an Indian
/// script and before a letter of the same, U+200C between Arabic letters of which the first would join the second (both
/// as RFC 5892 has it), and U+200D between two emoji. The text as it came is there for those who ask for it by
/// [name](Text::as_raw).
///
/// ```
/// # use bolt12::{Offer, OfferBuilder};
/// # let key = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619".parse()?;
/// let offer = OfferBuilder::new(key).description("tea\u{202e}eert rof").build()?;
/// let description = offer.description().unwrap();
/// assert_eq!(description.to_string(), r"tea\u{202e}eert rof");
/// assert_eq!(description.as_raw(), "tea\u{202e}eert rof");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    /// Text from elsewhere, to be shown in the same way.
    pub const fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The text exactly as it came, with nothing escaped. Do not show it to people.
    pub const fn as_raw(&self) -> &'a str {
        self.0
    }

    /// The beginning, of at most so many bytes, which ends before a character rather than in it.
    ///
    /// ```
    /// # use bolt12::Text;
    /// assert_eq!(Text::new("für zwei").start(2).as_raw(), "f");
    /// ```
    #[must_use]
    pub fn start(self, max: usize) -> Self {
        if self.0.len() <= max {
            return self;
        }
        Self((0..=max).rev().find_map(|len| self.0.get(..len)).unwrap_or_default())
    }

    /// Whether there is no text.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Value<'a> for Text<'a> {
    fn decode(value: &'a [u8]) -> Result<Self, Error> {
        core::str::from_utf8(value)
            .map(Self)
            .map_err(|error| Error::new(ErrorKind::InvalidUtf8, Rule::Tlv7).at(error.valid_up_to()))
    }
}

/// Deceptive characters as `\u{…}`, everything else as it is.
impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = plain_len(rest) {
            let (plain, more) = rest.split_at_checked(at).ok_or(fmt::Error)?;
            f.write_str(plain)?;
            let mut chars = more.chars();
            chars.next().map_or(Ok(()), |c| write!(f, "{}", c.escape_unicode()))?;
            rest = chars.as_str();
        }
        f.write_str(rest)
    }
}

/// In quotes, with the same escapes, and quotes and backslashes escaped, so that a text cannot pretend to have
/// ended.
impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for part in self.0.split_inclusive(['"', '\\']) {
            match part.strip_suffix(['"', '\\']) {
                Some(plain) => write!(f, "{}\\{}", Text(plain), part.get(plain.len()..).unwrap_or_default())?,
                None => write!(f, "{}", Text(part))?,
            }
        }
        f.write_char('"')
    }
}
