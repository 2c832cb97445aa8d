//! Offers, `lno1…`: what a merchant shows.

mod builder;
mod check;
#[cfg(feature = "contacts")]
mod contacts;
mod fields;
#[cfg(feature = "recurrence")]
mod recurrence;
mod reveals;
mod rules;

pub use builder::OfferBuilder;
pub use check::UsableOffer;
pub use fields::OfferFields;
pub(crate) use fields::{OFFER_FIELDS, OFFER_TYPES, same_records};
pub use reveals::Revealed;
pub(crate) use rules::{check as check_rules, is_reachable};

use alloc::vec::Vec;

use crate::error::{Error, MessageKind, Rule};
use crate::field::KnownFeatures;
use crate::message::{Schema, Structure, View, message_traits};
use crate::signature::OfferId;

pub(crate) static SCHEMA: Schema = Schema {
    kind: MessageKind::Offer,
    ranges: &OFFER_TYPES,
    range_rule: Rule::Tlv5,
    fields: &[OFFER_FIELDS, crate::recurrence::FIELDS],
    rules: check_rules,
};

/// An offer: exact bytes that obey every rule for readers (OFR-1 to OFR-8).
///
/// The fields are those of [`OfferFields`], which an offer dereferences to.
///
/// ```
/// use bolt12::{Offer, OfferAmount};
///
/// let offer: Offer = "lno1qcp4256ypqpzwyq2p32x2um5ypmx2cm5dae8x93pqthvwfzadd7jejes8q9lhc4rvjxd022zv5l44g6qah82ru5rdpnpj".parse()?;
/// assert_eq!(offer.description().unwrap().to_string(), "Test vectors");
/// let Some(OfferAmount::Currency { currency, amount }) = offer.amount() else { panic!() };
/// assert_eq!((currency.as_str(), amount.0), ("USD", 10_000));
/// # Ok::<(), bolt12::Error>(())
/// ```
#[derive(Clone)]
pub struct Offer {
    fields: OfferFields,
}

impl Offer {
    /// Reads an offer, knowing more features than the default ones.
    ///
    /// # Errors
    ///
    /// Any rule of OFR-1 to OFR-8 and TLV-1 to TLV-7.
    pub fn read(bytes: Vec<u8>, known: &'static KnownFeatures) -> Result<Self, Error> {
        Structure::read(&SCHEMA, bytes, known)?.check_points().map(|message| Self { fields: OfferFields::of(message) })
    }

    /// Reads text, knowing more features than the default ones.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read), and TXT-1 to TXT-8.
    pub fn read_text(text: &str, known: &'static KnownFeatures) -> Result<Self, Error> {
        SCHEMA.read_text(text, |bytes| Self::read(bytes, known))
    }

    /// The id of the offer (SIG-6).
    pub fn id(&self) -> OfferId {
        // An offer has a field, so the root of no fields does not stand for it.
        self.fields.id().unwrap_or(OfferId::from_byte_array([0; 32]))
    }
}

impl TryFrom<Vec<u8>> for Offer {
    type Error = Error;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Error> {
        Self::read(bytes, KnownFeatures::default_ref())
    }
}

message_traits!(Offer, OfferFields, SCHEMA);
