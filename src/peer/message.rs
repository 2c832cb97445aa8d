//! What BOLT 1 lets peers say, and how little of it there is to do for who has no channels.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::init::Init;
use crate::error::Error;
use crate::field::{Cursor, Text};
use crate::onion::OnionMessage;

const WARNING: u16 = 1;
const ERROR: u16 = 17;
pub(super) const PING: u16 = 18;
pub(super) const PONG: u16 = 19;

/// A ping that asks for more is not answered.
const MAX_PONG: u16 = 65531;

/// What a peer says in a `warning` or an `error`.
///
/// Both are for people: nothing follows from them where there are no channels. `Display` gives the text with what
/// could deceive a reader escaped, and a cut where it is too long.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Notice {
    channel_id: [u8; 32],
    text: String,
}

impl Notice {
    /// The longest text that is kept, in bytes. What is longer is cut there.
    pub const MAX_LEN: usize = 1000;

    /// The channel that it is about; `None` if it is about no channel, or about all.
    pub fn channel_id(&self) -> Option<[u8; 32]> {
        Some(self.channel_id).filter(|id| *id != [0; 32])
    }

    /// The text. Bytes that are no UTF-8 are replaced by `\u{fffd}`.
    pub fn text(&self) -> Text<'_> {
        Text::new(&self.text)
    }

    fn read(payload: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(payload);
        let channel_id = *cursor.array()?;
        let len = cursor.u16()?;
        let text = cursor.take(len.into())?;
        let text = String::from_utf8_lossy(text.get(..Self::MAX_LEN).unwrap_or(text));
        // Again, since bytes that were replaced became longer.
        Ok(Self { channel_id, text: cut(&text).into() })
    }

    /// A `warning` that is about no channel. Nothing here writes an `error`, which about no channel is about all of
    /// them.
    pub(super) fn warning(text: &str) -> Vec<u8> {
        let text = cut(text);
        // At most 1,000 bytes.
        let len = (text.len() as u16).to_be_bytes();
        [&WARNING.to_be_bytes()[..], &[0; 32], &len, text.as_bytes()].concat()
    }
}

/// As much of a text as is kept.
fn cut(text: &str) -> &str {
    let mut lens = (0..=text.len().min(Notice::MAX_LEN)).rev();
    lens.find_map(|len| text.get(..len)).unwrap_or_default()
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

/// A message from a peer, as far as it matters.
pub(super) enum Message {
    Init(Init),
    Warning(Notice),
    Error(Notice),
    /// How many zeros are wanted in return, if any.
    Ping(Option<u16>),
    /// An onion message is so many bytes long; an extension may follow.
    Onion(usize),
    /// About a channel, which does not exist here.
    Channel,
    /// Nothing to do.
    Ignored,
    /// An even type that nobody knows here.
    Unknown,
}

impl Message {
    /// Fails if the message is shorter than its type allows. Extensions are not looked at.
    pub(super) fn read(kind: u16, payload: &[u8]) -> Result<Self, Error> {
        Ok(match kind {
            Init::TYPE => Self::Init(Init::read(payload)?),
            WARNING => Self::Warning(Notice::read(payload)?),
            ERROR => Self::Error(Notice::read(payload)?),
            PING => {
                let mut cursor = Cursor::new(payload);
                let wanted = cursor.u16()?;
                let len = cursor.u16()?;
                cursor.take(len.into())?;
                Self::Ping(Some(wanted).filter(|wanted| *wanted <= MAX_PONG))
            }
            OnionMessage::TYPE => {
                let mut cursor = Cursor::new(payload);
                cursor.take(33)?;
                let len = cursor.u16()?;
                cursor.take(len.into())?;
                Self::Onion(cursor.offset().saturating_add(2))
            }
            // Gossip, and answers about it.
            256 | 258 | 262 | 264 => Self::Ignored,
            32..=255 if kind % 2 == 0 => Self::Channel,
            _ if kind % 2 == 1 => Self::Ignored,
            _ => Self::Unknown,
        })
    }
}
