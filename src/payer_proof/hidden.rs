//! What may be hidden where, whatever the payer says.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use super::PayerProof;
use super::disclosure::always_present;
use super::leaves::{self, Leaf};
use crate::signature::merkle::Tree;

/// A leaf of the invoice's tree, as a proof shows it.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// `invreq_metadata`, the first, which is always hidden.
    Metadata,
    /// A field that is hidden.
    Hidden,
    /// A field of this type, which is shown.
    Shown(u64),
}

impl PayerProof {
    /// Whether a field with a type in one of these ranges may be hidden.
    pub(super) fn may_hide(&self, types: &[RangeInclusive<u64>]) -> bool {
        Shape::may_hide(leaves::leaves(self.tlvs()).map(Shape::of), types)
    }
}

impl Shape {
    fn of(leaf: Leaf<'_>) -> Self {
        match leaf {
            Leaf::Disclosed(record) => Self::Shown(record.number()),
            Leaf::Hidden(0) => Self::Metadata,
            Leaf::Hidden(_) => Self::Hidden,
        }
    }

    /// Whether a proof with these leaves may hide a field with a type in one of these ranges.
    ///
    /// It may be where the proof says that something is hidden, and on the other side of the fields beside it:
    /// the payee's signature does not say on which. Only the fields that every invoice has tell more, because
    /// they must be hidden somewhere.
    pub(super) fn may_hide(leaves: impl Iterator<Item = Self>, types: &[RangeInclusive<u64>]) -> bool {
        let (hidden, shown) = Self::hidden_subtrees(leaves);
        let (before, after) = ([0].iter().chain(&shown), shown.iter().chain(&[u64::MAX]));
        let mut gaps: Vec<Gap> = before.zip(after).map(|(before, after)| Gap::new(*before, *after, types)).collect();
        for subtree in &hidden {
            for gap in [subtree.before, subtree.after] {
                if let Some(gap) = gaps.get_mut(gap) {
                    gap.leaves = gap.leaves.saturating_add(subtree.leaves);
                }
            }
        }
        let can_leave = |subtree: &HiddenSubtree, gap: &Gap| gap.leaves.saturating_sub(subtree.leaves) >= gap.needed;
        // `invreq_metadata` comes before everything that is shown. If it can be nowhere but where the proof says, what
        // is hidden together with it cannot be behind what is shown.
        let may_have_metadata = |subtree: &HiddenSubtree| {
            subtree.before == 0 && gaps.get(subtree.after).is_none_or(|after| can_leave(subtree, after))
        };
        let is_certain = !hidden.iter().any(|subtree| !subtree.is_first && may_have_metadata(subtree));
        let suspect = |subtree: &HiddenSubtree| {
            gaps.get(subtree.before).zip(gaps.get(subtree.after)).is_none_or(|(before, after)| {
                if subtree.is_first && is_certain {
                    return before.has_room && subtree.leaves > 1;
                }
                before.has_room && can_leave(subtree, after) || after.has_room && can_leave(subtree, before)
            })
        };
        hidden.iter().any(suspect)
    }

    /// What is hidden as a whole, and the types of the fields that are shown.
    fn hidden_subtrees(leaves: impl Iterator<Item = Self>) -> (Vec<HiddenSubtree>, Vec<u64>) {
        let (mut hidden, mut shown) = (Vec::new(), Vec::new());
        let leaves: Vec<Self> = leaves.collect();
        shown.extend(leaves.iter().filter_map(|leaf| match leaf {
            Self::Shown(number) => Some(*number),
            _ => None,
        }));
        let mut tree = Tree::default();
        let mut join = |left: Node, right: Node| {
            let (both, beside) = match (left.shown, right.shown) {
                (Some((first, _)), Some((_, last))) => (Some((first, last)), None),
                (shown, None) => (shown, Some(right)),
                (None, shown) => (shown, Some(left)),
            };
            if let (Some((first, last)), Some(beside)) = (both, beside) {
                let after = last.saturating_add(1);
                // A subtree with something behind it is complete, and its size is known.
                let leaves = if after < shown.len() { beside.leaves } else { UNKNOWN_SIZE };
                hidden.push(HiddenSubtree { before: first, after, leaves, is_first: beside.is_first });
            }
            Node { shown: both, leaves: left.leaves.saturating_add(right.leaves), is_first: left.is_first }
        };
        let mut index = 0usize;
        for leaf in leaves {
            let shown = matches!(leaf, Self::Shown(_)).then_some((index, index));
            index = index.saturating_add(usize::from(shown.is_some()));
            tree.push(Node { shown, leaves: 1, is_first: matches!(leaf, Self::Metadata) }, &mut join);
        }
        tree.root(&mut join);
        (hidden, shown)
    }
}

/// More leaves than any gap needs.
const UNKNOWN_SIZE: u64 = 1 << 32;

/// A node of the invoice's tree: the first and the last of the shown fields below it, counted from 0.
#[derive(Clone, Copy, Default)]
struct Node {
    shown: Option<(usize, usize)>,
    leaves: u64,
    /// Whether it begins with the first leaf.
    is_first: bool,
}

/// A part of the invoice's tree that is hidden as a whole, beside one of which something is shown.
struct HiddenSubtree {
    /// The gap in which it stands if it comes before what is shown beside it.
    before: usize,
    /// The gap in which it stands if it comes after.
    after: usize,
    leaves: u64,
    /// Whether the proof says that it begins with `invreq_metadata`.
    is_first: bool,
}

/// What lies between two shown fields, or before the first or after the last.
struct Gap {
    /// Whether one of the fields that are asked for can stand here.
    has_room: bool,
    /// How many leaves may be hidden here.
    leaves: u64,
    /// How many fields every invoice has here.
    needed: u64,
}

impl Gap {
    fn new(before: u64, after: u64, types: &[RangeInclusive<u64>]) -> Self {
        let (first, last) = (before.saturating_add(1), after.saturating_sub(1));
        let has_room = types.iter().any(|range| first.max(*range.start()) <= last.min(*range.end()));
        Self { has_room, leaves: 0, needed: always_present(before, after) }
    }
}
