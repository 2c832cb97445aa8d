//! The rules about an offer's fields, in the order of the specification.

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::KnownFeatures;
use crate::message::check_features;
use crate::recurrence;
use crate::tlv::TlvStream;

/// What a reader refuses in an offer (and, D10, in what repeats one). OFR-1 is TLV-5; OFR-8 and the
/// empty list of OFR-3 are refused where the fields are decoded.
pub(crate) fn check(tlvs: &TlvStream, known: &KnownFeatures) -> Result<(), Error> {
    let amount = tlvs.value(Field::OFFER_AMOUNT.number());
    // OFR-6
    if tlvs.contains(Field::OFFER_CURRENCY.number()) && amount.is_none() {
        return Err(Error::missing(Field::OFFER_AMOUNT, Rule::Ofr6));
    }
    // OFR-5: a tu64 of zero is the empty string.
    if amount.is_some_and(<[u8]>::is_empty) {
        return Err(Error::of(Field::OFFER_AMOUNT, ErrorKind::Zero, Rule::Ofr5));
    }
    // OFR-4
    if amount.is_some() && !tlvs.contains(Field::OFFER_DESCRIPTION.number()) {
        return Err(Error::missing(Field::OFFER_DESCRIPTION, Rule::Ofr4));
    }
    // OFR-2
    check_features(tlvs, Field::OFFER_FEATURES, known.offer, Rule::Ofr2)?;
    // OFR-7
    if !is_reachable(tlvs) {
        return Err(Error::missing(Field::OFFER_ISSUER_ID, Rule::Ofr7));
    }
    // REC-1, REC-2
    recurrence::check_offer(tlvs)
}

/// Whether there is an issuer key or a path: what tells an offer, and an answer to one, from a
/// refund.
pub(crate) fn is_reachable(tlvs: &TlvStream) -> bool {
    tlvs.contains(Field::OFFER_ISSUER_ID.number()) || tlvs.contains(Field::OFFER_PATHS.number())
}
