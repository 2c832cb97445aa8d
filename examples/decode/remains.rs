//! The readable part of a message that is refused.

use bolt12::{Bolt12, MessageKind};

/// Fields, with their numbers and bytes, in order.
pub(crate) type Remains = Vec<(u64, Vec<u8>)>;

/// The fields in a text, if it is the text of a message at all.
pub(crate) fn of_text(text: &str) -> Remains {
    Bolt12::decode_text(text).map(|(_, bytes)| of_bytes(&bytes)).unwrap_or_default()
}

/// The fields in bytes, up to the first that is damaged.
pub(crate) fn of_bytes(mut bytes: &[u8]) -> Remains {
    let mut fields = Vec::new();
    while let Some((number, value, rest)) = first(bytes) {
        fields.push((number, value.to_vec()));
        bytes = rest;
    }
    fields
}

/// The number and value of the first field, and the bytes after it.
fn first(bytes: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    let (number, rest) = bigsize(bytes)?;
    let (len, rest) = bigsize(rest)?;
    let (value, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
    Some((number, value, rest))
}

/// A number of one, three, five or nine bytes.
fn bigsize(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let len = match first {
        0xfd => 2,
        0xfe => 4,
        0xff => 8,
        small => return Some((u64::from(*small), rest)),
    };
    let (number, rest) = rest.split_at_checked(len)?;
    Some((number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)), rest))
}

/// The specification's name of a field, in whatever message.
pub(crate) fn name(number: u64) -> Option<&'static str> {
    const KINDS: &[MessageKind] = &[
        MessageKind::Invoice,
        MessageKind::PayerProof,
        #[cfg(feature = "async_payments")]
        MessageKind::StaticInvoice,
    ];
    KINDS.iter().find_map(|kind| kind.field(number).name())
}
