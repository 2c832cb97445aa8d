//! Text that somebody else wrote.

use core::fmt::{self, Write};

use super::Value;
use crate::error::{Error, ErrorKind, Rule};

/// Text from a message: valid UTF-8, and otherwise whatever its author wanted people to see.
///
/// `Display` escapes what could deceive a reader: control characters, invisible characters, line
/// and paragraph separators, and characters that change the direction of writing. The text as it
/// came is there for those who ask for it by [name](Text::as_raw).
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
        while let Some(at) = rest.find(is_deceptive) {
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

/// Characters of the Unicode categories Cc, Cf, Zl, Zp and Co, noncharacters, and letters that show
/// as nothing.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1345f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{16fe4}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{10ffff}')
        || u32::from(c) & 0xfffe == 0xfffe
}
