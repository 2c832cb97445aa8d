//! The invoice's leaves as a proof shows them: some disclosed, some hidden behind a marker.

use super::values::{DISCLOSABLE, Hashes, Markers};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::Value;
use crate::tlv::{TlvRecord, TlvStream};

/// A leaf of the invoice's merkle tree.
#[derive(Clone, Copy)]
pub(super) enum Leaf<'a> {
    /// A field that the proof shows.
    Disclosed(TlvRecord<'a>),
    /// A field that it hides. The marker is not the field's number.
    Hidden(u64),
}

/// Whether a type belongs to the invoice's own fields, which a proof can show.
pub(super) fn is_disclosable(number: u64) -> bool {
    DISCLOSABLE.iter().any(|range| range.contains(&number))
}

/// The invoice's fields that a proof shows.
pub(super) fn disclosed(tlvs: &TlvStream) -> impl Iterator<Item = TlvRecord<'_>> + Clone {
    tlvs.records().filter(|record| is_disclosable(record.number()))
}

pub(super) fn markers(tlvs: &TlvStream) -> Markers<'_> {
    let value = tlvs.value(Field::PROOF_OMITTED_TLVS.number());
    value.and_then(|value| Markers::decode(value).ok()).unwrap_or(Markers::NONE)
}

pub(super) fn hashes(tlvs: &TlvStream, field: Field) -> Hashes<'_> {
    tlvs.value(field.number()).and_then(|value| Hashes::decode(value).ok()).unwrap_or(Hashes::NONE)
}

/// All leaves in the invoice's order. The first is `invreq_metadata`, which has no marker.
///
/// A marker is greater than the type before its field and at most the field's type, so merging
/// types and markers restores the order.
pub(super) fn leaves(tlvs: &TlvStream) -> impl Iterator<Item = Leaf<'_>> {
    let mut disclosed = disclosed(tlvs).peekable();
    let mut markers = core::iter::once(0).chain(markers(tlvs).iter()).peekable();
    core::iter::from_fn(move || match (disclosed.peek(), markers.peek()) {
        (Some(record), Some(marker)) if record.number() < *marker => disclosed.next().map(Leaf::Disclosed),
        (_, Some(_)) => markers.next().map(Leaf::Hidden),
        (_, None) => disclosed.next().map(Leaf::Disclosed),
    })
}

/// The number after a type or marker, where nothing lies between 239 and 1000000000 (PPW-4, PPR-3).
pub(super) fn following(number: u64) -> u64 {
    if number == 239 { 1_000_000_000 } else { number.saturating_add(1) }
}

/// PPR-3, in one walk over types and markers.
pub(super) fn check_markers(tlvs: &TlvStream) -> Result<(), Error> {
    let refused = |marker| Err(Error::of(Field::PROOF_OMITTED_TLVS, ErrorKind::InvalidMarker(marker), Rule::Ppr3));
    let mut disclosed = disclosed(tlvs).map(|record| record.number()).peekable();
    let mut last_marker = 0;
    for marker in markers(tlvs).iter() {
        // Zero is not above the marker before the first, which is zero.
        if marker <= last_marker || !is_disclosable(marker) {
            return refused(marker);
        }
        let mut last_type = None;
        while let Some(number) = disclosed.next_if(|number| *number < marker) {
            last_type = Some(number);
        }
        // Only the greatest type below the marker can precede it directly.
        let follows = marker == following(last_marker) || last_type.map(following) == Some(marker);
        if disclosed.peek() == Some(&marker) || !follows {
            return refused(marker);
        }
        last_marker = marker;
    }
    Ok(())
}
