//! What a verifier wants to know of a proof.

use alloc::vec::Vec;

use secp256k1::PublicKey;

use super::disclosure::always_present;
use super::leaves::{self, Leaf};
use super::{Disclosure, PayerProof};
use crate::error::Field;
use crate::field::Msat;
use crate::offer::{OFFER_FIELDS, OFFER_TYPES, Offer};
use crate::signature::merkle::Tree;

/// Who should have been paid.
#[derive(Clone, Copy, Debug)]
pub enum Payee<'a> {
    /// The issuer of this offer, for this offer: all of its fields must be disclosed.
    Offer(&'a Offer),
    /// Whoever has this key, for whatever.
    NodeId(PublicKey),
}

/// What a proof should show.
#[derive(Clone, Copy, Debug)]
pub struct Expectation<'a> {
    /// Who was paid.
    pub payee: Payee<'a>,
    /// How much, at least.
    pub min_amount: Msat,
    /// The challenge that the note must hold, exactly; a proof can be shown by everyone who has seen it, so
    /// without a challenge it does not show who shows it.
    pub note: Option<&'a str>,
}

/// A condition that a proof does not show to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unmet {
    /// This field of the offer differs, or the invoice does not have it.
    OfferDiffers(Field),
    /// This field of the offer is not disclosed.
    OfferHidden(Field),
    /// The invoice may have more fields of an offer than this offer has: something is hidden that might be one. For
    /// an offer without paths, a proof made [`without_paths`](crate::PayerProofBuilder::without_paths) leaves no
    /// such doubt.
    OfferMayHaveMore,
    /// Somebody else was paid.
    WrongNodeId,
    /// The amount is less.
    AmountTooLow {
        /// What was paid.
        paid: Msat,
    },
    /// The amount is not disclosed.
    AmountHidden,
    /// There is no note.
    NoteMissing,
    /// The note is another one.
    NoteDiffers,
}

impl core::fmt::Display for Unmet {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::OfferDiffers(field) => write!(f, "{field} is not that of the offer"),
            Self::OfferHidden(field) => write!(f, "{field} is not disclosed"),
            Self::OfferMayHaveMore => f.write_str("hidden fields may make it another offer"),
            Self::WrongNodeId => f.write_str("somebody else was paid"),
            Self::AmountTooLow { paid } => write!(f, "only {paid} were paid"),
            Self::AmountHidden => f.write_str("the amount is not disclosed"),
            Self::NoteMissing => f.write_str("the note is missing"),
            Self::NoteDiffers => f.write_str("the note is another one"),
        }
    }
}

impl PayerProof {
    /// Whether the proof shows that this payee was paid at least this amount, with this challenge in the note.
    ///
    /// # Errors
    ///
    /// Every condition that does not hold, or that was not disclosed.
    ///
    /// An offer without an issuer id is signed by a key that only its paths show, so they must be disclosed to
    /// recognise it.
    pub fn verify(&self, expectation: &Expectation<'_>) -> Result<(), Vec<Unmet>> {
        let mut unmet = Vec::new();
        match expectation.payee {
            Payee::Offer(offer) => self.compare_offer(offer, &mut unmet),
            Payee::NodeId(node_id) if node_id != self.node_id() => unmet.push(Unmet::WrongNodeId),
            Payee::NodeId(_) => {}
        }
        match self.amount() {
            None => unmet.push(Unmet::AmountHidden),
            Some(paid) if paid < expectation.min_amount => unmet.push(Unmet::AmountTooLow { paid }),
            Some(_) => {}
        }
        match (expectation.note, self.note()) {
            (Some(_), None) => unmet.push(Unmet::NoteMissing),
            (Some(expected), Some(note)) if note.as_raw() != expected => unmet.push(Unmet::NoteDiffers),
            _ => {}
        }
        if unmet.is_empty() { Ok(()) } else { Err(unmet) }
    }

    fn compare_offer(&self, offer: &Offer, unmet: &mut Vec<Unmet>) {
        let name =
            |number| crate::field::find(&[OFFER_FIELDS], number).map_or(Field::unknown(number), |spec| spec.field);
        for record in offer.records() {
            let field = name(record.number());
            match self.tlvs().get(record.number()) {
                Some(shown) if shown.as_bytes() == record.as_bytes() => {}
                Some(_) => unmet.push(Unmet::OfferDiffers(field)),
                None if self.disclosure(field) == Disclosure::Absent => unmet.push(Unmet::OfferDiffers(field)),
                None => unmet.push(Unmet::OfferHidden(field)),
            }
        }
        for record in self.offer().records().filter(|record| !offer.tlvs().contains(record.number())) {
            unmet.push(Unmet::OfferDiffers(name(record.number())));
        }
        // The invoice was signed for the offer, by the key the offer promises.
        match offer.issuer_id() {
            Some(issuer_id) if issuer_id != self.node_id() => unmet.push(Unmet::WrongNodeId),
            None if !self.is_last_of_a_path(offer) => unmet.push(Unmet::WrongNodeId),
            _ => {}
        }
        if unmet.is_empty() && self.may_hide_offer_fields() {
            unmet.push(Unmet::OfferMayHaveMore);
        }
    }

    fn is_last_of_a_path(&self, offer: &Offer) -> bool {
        let mut paths = offer.paths().into_iter().flat_map(|paths| paths.iter());
        paths.any(|path| path.last_blinded_node_id() == self.node_id())
    }

    /// Whether a field of the offer's ranges may be hidden.
    ///
    /// It may be where the proof says that something is hidden, and on the other side of the fields beside it:
    /// the payee's signature does not say on which. Only the fields that every invoice has tell more, because
    /// they must be hidden somewhere.
    fn may_hide_offer_fields(&self) -> bool {
        let (hidden, shown) = self.hidden_subtrees();
        let (before, after) = ([0].iter().chain(&shown), shown.iter().chain(&[u64::MAX]));
        let mut gaps: Vec<Gap> = before.zip(after).map(|(before, after)| Gap::new(*before, *after)).collect();
        for subtree in &hidden {
            for gap in [subtree.before, subtree.after] {
                if let Some(gap) = gaps.get_mut(gap) {
                    gap.leaves = gap.leaves.saturating_add(subtree.leaves);
                }
            }
        }
        let suspect = |subtree: &HiddenSubtree| {
            let (Some(before), Some(after)) = (gaps.get(subtree.before), gaps.get(subtree.after)) else {
                return true;
            };
            let can_leave = |gap: &Gap| gap.leaves.saturating_sub(subtree.leaves) >= gap.needed;
            before.may_be_offer && can_leave(after) || after.may_be_offer && can_leave(before)
        };
        hidden.iter().any(|subtree| !subtree.is_metadata && suspect(subtree))
    }

    /// What is hidden as a whole, and the types of the fields that are shown.
    fn hidden_subtrees(&self) -> (Vec<HiddenSubtree>, Vec<u64>) {
        let shown: Vec<u64> = leaves::disclosed(self.tlvs()).map(|record| record.number()).collect();
        let mut hidden = Vec::new();
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
                hidden.push(HiddenSubtree { before: first, after, leaves, is_metadata: beside.is_metadata });
            }
            Node { shown: both, leaves: left.leaves.saturating_add(right.leaves), is_metadata: false }
        };
        let mut index = 0usize;
        for leaf in leaves::leaves(self.tlvs()) {
            let (shown, is_metadata) = match leaf {
                Leaf::Hidden(marker) => (None, marker == 0),
                Leaf::Disclosed(_) => (Some((index, index)), false),
            };
            index = index.saturating_add(usize::from(shown.is_some()));
            tree.push(Node { shown, leaves: 1, is_metadata }, &mut join);
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
    is_metadata: bool,
}

/// A part of the invoice's tree that is hidden as a whole, beside one of which something is shown.
struct HiddenSubtree {
    /// The gap in which it stands if it comes before what is shown beside it.
    before: usize,
    /// The gap in which it stands if it comes after.
    after: usize,
    leaves: u64,
    /// `invreq_metadata` alone, which is always first.
    is_metadata: bool,
}

/// What lies between two shown fields, or before the first or after the last.
struct Gap {
    /// Whether an offer's field can stand here.
    may_be_offer: bool,
    /// How many leaves may be hidden here.
    leaves: u64,
    /// How many fields every invoice has here.
    needed: u64,
}

impl Gap {
    fn new(before: u64, after: u64) -> Self {
        let (first, last) = (before.saturating_add(1), after.saturating_sub(1));
        let may_be_offer = OFFER_TYPES.iter().any(|range| first.max(*range.start()) <= last.min(*range.end()));
        Self { may_be_offer, leaves: 0, needed: always_present(before, after) }
    }
}
