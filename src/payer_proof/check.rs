//! What a verifier wants to know of a proof.

use alloc::vec::Vec;

use bitcoin::constants::ChainHash;
use secp256k1::PublicKey;

use super::disclosure::Gaps;
use super::{Disclosure, PayerProof};
use crate::error::Field;
use crate::field::OfferAmount;
use crate::offer::{OFFER_FIELDS, OFFER_TYPES, Offer};
use crate::units::Msat;

/// Who should have been paid.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ExpectedPayee<'a> {
    /// The issuer of this offer, for this offer: all of its fields must be disclosed.
    Offer(&'a Offer),
    /// Whoever issued this offer, for whatever: nothing of the offer has to be disclosed. Of an offer without an issuer
    /// id, anyone who has the last key of one of its paths.
    Issuer(&'a Offer),
    /// The holder of this key, for any purpose.
    NodeId(PublicKey),
}

/// What a proof should show. Every field is asked for, so that none is forgotten.
#[derive(Clone, Copy, Debug)]
pub struct Expectation<'a> {
    /// Who was paid.
    pub payee: ExpectedPayee<'a>,
    /// On which chain: coins of a test network are worth nothing.
    pub chain: ChainHash,
    /// How much, at least; if it is 0, the amount need not be disclosed.
    pub min_amount: Msat,
    /// The challenge that the note must hold, exactly; a proof can be shown by everyone who has seen it, so
    /// without a challenge it does not show who shows it.
    pub note: Option<&'a str>,
}

/// A condition that a proof does not show to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unmet {
    /// This field of the offer differs, or the invoice does not have it.
    OfferDiffers(Field),
    /// This field of the offer is not disclosed.
    OfferHidden(Field),
    /// The invoice may have more fields of an offer than this offer has: something is hidden that might be one. Named
    /// only if nothing else is wrong with the offer. For
    /// an offer without paths, a proof made [`without_paths`](crate::PayerProofBuilder::without_paths) leaves no
    /// such doubt.
    OfferMayHaveMore,
    /// Somebody else was paid.
    WrongNodeId,
    /// It was paid on another chain.
    WrongChain,
    /// It may have been paid on another chain: `invreq_chain` may be hidden.
    ChainHidden,
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
            Self::OfferDiffers(field) => write!(f, "{} is not that of the offer", Label(field)),
            Self::OfferHidden(field) => write!(f, "{} is not disclosed", Label(field)),
            Self::OfferMayHaveMore => f.write_str("hidden fields may make it another offer"),
            Self::WrongNodeId => f.write_str("somebody else was paid"),
            Self::WrongChain => f.write_str("it was paid on another chain"),
            Self::ChainHidden => f.write_str("the chain is not disclosed"),
            Self::AmountTooLow { paid } => write!(f, "only {paid} were paid"),
            Self::AmountHidden => f.write_str("the amount is not disclosed"),
            Self::NoteMissing => f.write_str("the note is missing"),
            Self::NoteDiffers => f.write_str("the note is another one"),
        }
    }
}

/// "the description", or "field 33".
struct Label<'a>(&'a Field);

impl core::fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0.label() {
            Some(label) => write!(f, "the {label}"),
            None => write!(f, "field {}", self.0.number()),
        }
    }
}

/// All conditions that a proof does not show to hold; at least one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnmetConditions(Vec<Unmet>);

impl UnmetConditions {
    /// The conditions.
    pub fn as_slice(&self) -> &[Unmet] {
        &self.0
    }
}

/// One after the other, with semicolons.
impl core::fmt::Display for UnmetConditions {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().enumerate().try_for_each(|(at, unmet)| {
            let separator = if at == 0 { "" } else { "; " };
            write!(f, "{separator}{unmet}")
        })
    }
}

impl core::error::Error for UnmetConditions {}

impl PayerProof {
    /// The chain that was paid on, if the proof shows it: `invreq_chain` is disclosed; or it is absent, which means
    /// bitcoin, and cannot be hidden; or the offer cannot be for another chain (D10).
    pub fn chain(&self) -> Option<ChainHash> {
        let surely_absent = |field: Field| {
            let number = field.number();
            !self.tlvs().contains(number) && !self.may_hide(&[number..=number])
        };
        if self.tlvs().contains(Field::INVREQ_CHAIN.number()) {
            return Some(self.request().chain());
        }
        let for_bitcoin = || self.request().answers_offer() && surely_absent(Field::OFFER_CHAINS);
        (surely_absent(Field::INVREQ_CHAIN) || for_bitcoin()).then_some(ChainHash::BITCOIN)
    }

    /// The offer's price, if the proof shows both number and currency: a currency that may be hidden makes cents of
    /// millisatoshi.
    pub fn offer_amount(&self) -> Option<OfferAmount> {
        let number = Field::OFFER_CURRENCY.number();
        if !self.tlvs().contains(number) && self.may_hide(&[number..=number]) {
            return None;
        }
        self.offer().stated_amount()
    }

    /// Whether the proof shows that this payee was paid at least this amount on this chain, with this challenge in the
    /// note.
    ///
    /// # Errors
    ///
    /// Every condition that does not hold, or that was not disclosed.
    ///
    /// An offer without an issuer id is signed by a key that only its paths show, so they must be disclosed to
    /// recognise it.
    pub fn check(&self, expectation: &Expectation<'_>) -> Result<(), UnmetConditions> {
        let mut unmet = Vec::new();
        match expectation.payee {
            ExpectedPayee::Offer(offer) => self.compare_offer(offer, &mut unmet),
            ExpectedPayee::Issuer(offer) if !offer.is_signed_by(self.node_id().into()) => {
                unmet.push(Unmet::WrongNodeId)
            }
            ExpectedPayee::Issuer(_) => {}
            ExpectedPayee::NodeId(node_id) if node_id != self.node_id() => unmet.push(Unmet::WrongNodeId),
            ExpectedPayee::NodeId(_) => {}
        }
        match self.chain() {
            Some(chain) if chain == expectation.chain => {}
            Some(_) => unmet.push(Unmet::WrongChain),
            None => unmet.push(Unmet::ChainHidden),
        }
        match self.amount() {
            None if expectation.min_amount.0 == 0 => {}
            None => unmet.push(Unmet::AmountHidden),
            Some(paid) if paid < expectation.min_amount => unmet.push(Unmet::AmountTooLow { paid }),
            Some(_) => {}
        }
        match (expectation.note, self.note()) {
            (Some(_), None) => unmet.push(Unmet::NoteMissing),
            (Some(expected), Some(note)) if note.as_raw() != expected => unmet.push(Unmet::NoteDiffers),
            _ => {}
        }
        if unmet.is_empty() { Ok(()) } else { Err(UnmetConditions(unmet)) }
    }

    fn compare_offer(&self, offer: &Offer, unmet: &mut Vec<Unmet>) {
        let name = |number| crate::field::named(&[OFFER_FIELDS, crate::recurrence::FIELDS], number);
        let gaps = Gaps::new(self.tlvs());
        for record in offer.records() {
            let field = name(record.number());
            match self.tlvs().get(record.number()) {
                Some(shown) if shown.as_bytes() == record.as_bytes() => {}
                Some(_) => unmet.push(Unmet::OfferDiffers(field)),
                None if gaps.disclosure(field) == Disclosure::Absent => unmet.push(Unmet::OfferDiffers(field)),
                None => unmet.push(Unmet::OfferHidden(field)),
            }
        }
        for record in self.offer().records().filter(|record| !offer.tlvs().contains(record.number())) {
            unmet.push(Unmet::OfferDiffers(name(record.number())));
        }
        // The invoice was signed for the offer, by the key the offer promises.
        if !offer.is_signed_by(self.node_id().into()) {
            unmet.push(Unmet::WrongNodeId);
        }
        if unmet.is_empty() && self.may_hide(&OFFER_TYPES) {
            unmet.push(Unmet::OfferMayHaveMore);
        }
    }
}
