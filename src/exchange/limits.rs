//! How long a message may be (EXC-1).

use alloc::vec::Vec;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::secret::offer_records;
use crate::tlv::TlvStream;

/// The limit on an offer of a [`Payee`](super::Payee), in bytes. It leaves room for a dozen paths, and keeps strangers
/// from making it hash long messages (EXC-1).
pub const MAX_OFFER_LEN: usize = 4096;

/// The limit on the bytes that a request adds to its offer. A [`Payee`](super::Payee) accepts no more, and a
/// [`Draft`](crate::exchange::Draft) sends no more.
pub const MAX_REQUEST_LEN: usize = 4096;

/// The most bytes of paths in a request, which no payer of an offer needs: each point in them costs a curve operation.
const MAX_REQUEST_PATHS_LEN: usize = 512;

/// The records of a request. One that is longer than any that is answered is not even taken apart.
pub(crate) fn read_request(bytes: Vec<u8>) -> Result<TlvStream, Error> {
    let max = MAX_OFFER_LEN.saturating_add(MAX_REQUEST_LEN);
    if bytes.len() > max {
        return Err(Error::new(ErrorKind::TooLong { len: bytes.len(), max }, Rule::Exc1));
    }
    TlvStream::read(bytes)
}

/// Refuses a request that has too many paths, or [adds too much](check_len) to its offer.
pub(crate) fn check_request(tlvs: &TlvStream) -> Result<(), Error> {
    let paths = tlvs.value(Field::INVREQ_PATHS.number()).map_or(0, <[u8]>::len);
    if paths > MAX_REQUEST_PATHS_LEN {
        let kind = ErrorKind::TooLong { len: paths, max: MAX_REQUEST_PATHS_LEN };
        return Err(Error::of(Field::INVREQ_PATHS, kind, Rule::Exc1));
    }
    check_len(tlvs)
}

/// Refuses a request that adds too much to its offer, in the bytes of the note if that can be shorter: little else is
/// the payer's to change.
pub(crate) fn check_len(tlvs: &TlvStream) -> Result<(), Error> {
    let added = added_len(tlvs);
    if added <= MAX_REQUEST_LEN {
        return Ok(());
    }
    let note = tlvs.value(Field::INVREQ_PAYER_NOTE.number()).map(<[u8]>::len);
    Err(match note.zip(max_note_len(tlvs)) {
        Some((len, max)) => Error::of(Field::INVREQ_PAYER_NOTE, ErrorKind::TooLong { len, max }, Rule::Exc1),
        None => Error::new(ErrorKind::TooLong { len: added, max: MAX_REQUEST_LEN }, Rule::Exc1),
    })
}

/// The longest note that a request can have, whatever it has now; `None` if there is no room for any.
pub(crate) fn max_note_len(tlvs: &TlvStream) -> Option<usize> {
    let note = tlvs.get(Field::INVREQ_PAYER_NOTE.number()).map_or(0, |record| record.as_bytes().len());
    let room = MAX_REQUEST_LEN.checked_sub(added_len(tlvs).saturating_sub(note))?;
    // Its type takes a byte, and its length one, or three from 253 on.
    room.checked_sub(4).filter(|len| *len > 252).or_else(|| room.checked_sub(2).map(|len| len.min(252)))
}

/// How much a request adds to its offer.
fn added_len(tlvs: &TlvStream) -> usize {
    tlvs.as_bytes().len().saturating_sub(offer_len(tlvs))
}

/// How long the offer in a message is.
pub(crate) fn offer_len(tlvs: &TlvStream) -> usize {
    offer_records(tlvs).iter().map(|records| records.len()).sum()
}
