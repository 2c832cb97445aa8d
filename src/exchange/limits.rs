//! How long a message may be (EXC-1).

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
pub(crate) const MAX_REQUEST_PATHS_LEN: usize = 512;

/// Refuses a request that adds too much to its offer, in the bytes of the note: the payer can change nothing else.
pub(crate) fn check_len(tlvs: &TlvStream) -> Result<(), Error> {
    let added = tlvs.as_bytes().len().saturating_sub(offer_len(tlvs));
    let excess = added.saturating_sub(MAX_REQUEST_LEN);
    if excess == 0 {
        return Ok(());
    }
    let note = tlvs.value(Field::INVREQ_PAYER_NOTE.number()).map_or(0, <[u8]>::len);
    Err(match note.checked_sub(excess) {
        Some(max) => Error::of(Field::INVREQ_PAYER_NOTE, ErrorKind::TooLong { len: note, max }, Rule::Exc1),
        None => Error::new(ErrorKind::TooLong { len: added, max: MAX_REQUEST_LEN }, Rule::Exc1),
    })
}

/// How long the offer in a message is.
pub(crate) fn offer_len(tlvs: &TlvStream) -> usize {
    offer_records(tlvs).iter().map(|records| records.len()).sum()
}
