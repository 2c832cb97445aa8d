//! What a verifier wants to know of a proof.

use alloc::vec::Vec;

use secp256k1::PublicKey;

use super::leaves::{self, Leaf};
use super::{Disclosure, PayerProof};
use crate::error::Field;
use crate::field::Msat;
use crate::offer::{OFFER_FIELDS, OFFER_TYPES, Offer};

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
    /// The invoice may have more fields of an offer than this offer has: something is hidden there.
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

    /// Whether a field of the offer's ranges may be hidden: whether something is hidden between two disclosed
    /// fields that have such types between them.
    fn may_hide_offer_fields(&self) -> bool {
        let room = |before: u64, after: u64| {
            let (first, last) = (before.saturating_add(1), after.saturating_sub(1));
            OFFER_TYPES.iter().any(|range| first.max(*range.start()) <= last.min(*range.end()))
        };
        let (mut before, mut hidden) = (0, false);
        for leaf in leaves::leaves(self.tlvs()) {
            match leaf {
                // The first leaf is `invreq_metadata`, which is always hidden.
                Leaf::Hidden(marker) => hidden |= marker != 0,
                Leaf::Disclosed(record) => {
                    if hidden && room(before, record.number()) {
                        return true;
                    }
                    (before, hidden) = (record.number(), false);
                }
            }
        }
        hidden && room(before, u64::MAX)
    }
}
