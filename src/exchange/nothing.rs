//! Messages that say all by being there (feature `async_payments`).

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::tlv::{TlvStream, bigsize};

/// What stands for no records: the length that LDK puts in front of them.
pub(crate) const NOTHING: &[u8] = &[0];

/// Checks a message that says all by being there: records that nobody has to understand, perhaps behind their length.
pub(crate) fn check_nothing(bytes: &[u8]) -> Result<(), Error> {
    let is_length = |(len, start): (u64, usize)| {
        let rest = bytes.get(start..)?;
        (u64::try_from(rest.len()) == Ok(len)).then_some(rest)
    };
    let without_length = bigsize::read(bytes, 0).ok().and_then(is_length);
    let tlvs = match without_length.map(|rest| TlvStream::read(rest.to_vec())) {
        Some(Ok(tlvs)) => tlvs,
        _ => TlvStream::read(bytes.to_vec())?,
    };
    match tlvs.records().find(|record| record.number() % 2 == 0) {
        Some(record) => Err(Error::of(Field::numbered(record.number()), ErrorKind::UnknownEvenField, Rule::Tlv4)),
        None => Ok(()),
    }
}
