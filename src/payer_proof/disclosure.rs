//! Whether a field that a proof does not show is hidden or was never there.

use alloc::vec::Vec;

use super::PayerProof;
use super::leaves::{self, Leaf};
use crate::error::Field;
use crate::invoice::REQUIRED;
use crate::signature::SIGNATURE_TYPES;
use crate::tlv::TlvStream;

/// What a proof says about a field of the invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disclosure {
    /// The proof shows it, which the payee's signature proves.
    Disclosed,
    /// The invoice has it, and the proof does not show it. The payer says so, unless every invoice has the field.
    Hidden,
    /// The invoice does not have it. The payer says so, and nobody else.
    Absent,
    /// The proof cannot tell: some field is hidden where this one would stand.
    HiddenOrAbsent,
}

impl PayerProof {
    /// Whether a field of the invoice is disclosed, hidden, or absent.
    ///
    /// The proof says how many fields are hidden between two that are disclosed, but not which. So it can tell
    /// that a field is absent where nothing is hidden but what every invoice has, and that it is hidden where
    /// every invoice has it or where there is room for nothing else; otherwise it cannot tell.
    ///
    /// The payee's signature proves what is disclosed. Where something is hidden is what the payer says: the
    /// hash over two neighbours is the same whichever comes first (SIG-2), so a proof can show a hidden field on
    /// the other side of a disclosed one. [`check`](Self::check) does not fall for that.
    pub fn disclosure(&self, field: Field) -> Disclosure {
        Gaps::new(self.tlvs()).disclosure(field)
    }
}

/// How many fields a proof says to hide, by the shown types between which they are.
pub(super) struct Gaps<'a> {
    tlvs: &'a TlvStream,
    gaps: Vec<ClaimedGap>,
}

struct ClaimedGap {
    before: u64,
    after: u64,
    hidden: u64,
}

impl<'a> Gaps<'a> {
    /// One walk over the leaves.
    pub(super) fn new(tlvs: &'a TlvStream) -> Self {
        let mut gaps = Vec::new();
        let mut gap = ClaimedGap { before: 0, after: u64::MAX, hidden: 0 };
        for leaf in leaves::leaves(tlvs) {
            match leaf {
                // The first leaf is `invreq_metadata`, which is always hidden.
                Leaf::Hidden(0) => {}
                Leaf::Hidden(_) => gap.hidden = gap.hidden.saturating_add(1),
                Leaf::Disclosed(record) => {
                    let number = record.number();
                    gaps.push(ClaimedGap { after: number, ..gap });
                    gap = ClaimedGap { before: number, after: u64::MAX, hidden: 0 };
                }
            }
        }
        gaps.push(gap);
        Self { tlvs, gaps }
    }

    pub(super) fn disclosure(&self, field: Field) -> Disclosure {
        let number = field.number();
        if self.tlvs.contains(number) {
            return Disclosure::Disclosed;
        }
        if REQUIRED.contains(&field) {
            return Disclosure::Hidden;
        }
        // What stands beside the signature is not signed, and no proof repeats it.
        if SIGNATURE_TYPES.contains(&number) {
            return Disclosure::HiddenOrAbsent;
        }
        if !leaves::is_disclosable(number) {
            return Disclosure::Absent;
        }
        let at = self.gaps.partition_point(|gap| gap.after < number);
        let Some(ClaimedGap { before, after, hidden }) = self.gaps.get(at) else { return Disclosure::HiddenOrAbsent };
        let known = always_present(*before, *after);
        match hidden.saturating_sub(known) {
            0 => Disclosure::Absent,
            others if others == room(*before, *after).saturating_sub(known) => Disclosure::Hidden,
            _ => Disclosure::HiddenOrAbsent,
        }
    }
}

/// How many fields every invoice has between two types.
pub(super) fn always_present(before: u64, after: u64) -> u64 {
    let between = |field: &&Field| before < field.number() && field.number() < after;
    // `invreq_metadata` is before everything, and between nothing.
    REQUIRED.iter().filter(between).count() as u64
}

/// How many types of fields there are between two others.
fn room(before: u64, after: u64) -> u64 {
    let between = super::values::DISCLOSABLE.iter().map(|range| {
        let (first, last) = (before.saturating_add(1).max(*range.start()), after.saturating_sub(1).min(*range.end()));
        if first > last { 0 } else { last.saturating_sub(first).saturating_add(1) }
    });
    between.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Also where the types lie on both sides of the signatures.
    #[test]
    fn there_is_room_for_as_many_types_as_can_be_shown() {
        for (before, after, count) in [
            (5, 6, 0),
            (5, 7, 1),
            (5, 5, 0),
            (0, 4, 3),
            (238, 1_000_000_001, 2),
            (239, 1_000_000_000, 0),
            (1_000_000_000, 1_000_000_002, 1),
        ] {
            assert_eq!(room(before, after), count, "between {before} and {after}");
        }
    }
}
