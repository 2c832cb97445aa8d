//! The rules about a request's fields, in the order of the specification.

use bitcoin::constants::ChainHash;

use super::fields::price;
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{Chains, KnownFeatures, OfferAmount, Value};
use crate::message::check_features;
use crate::offer;
use crate::recurrence;
use crate::tlv::TlvStream;
use crate::units::Msat;

/// What a reader refuses in a request that answers an offer.
pub(super) fn check_request(tlvs: &TlvStream, known: &KnownFeatures) -> Result<(), Error> {
    check_unsigned(tlvs, known)?;
    // RQR-3
    if !tlvs.contains(Field::SIGNATURE.number()) {
        return Err(Error::missing(Field::SIGNATURE, Rule::Rqr3));
    }
    Ok(())
}

/// The same for a request that is still to be signed.
pub(super) fn check_unsigned(tlvs: &TlvStream, known: &KnownFeatures) -> Result<(), Error> {
    // Nothing at all is no refund either.
    if !tlvs.is_empty() && !offer::is_reachable(tlvs) {
        return Err(Error::of(Field::OFFER_ISSUER_ID, ErrorKind::IsRefund, Rule::Ofr7));
    }
    check_fields(tlvs, known)
}

/// What a reader refuses in a refund. D1: a refund need not be signed.
pub(super) fn check_refund(tlvs: &TlvStream, known: &KnownFeatures) -> Result<(), Error> {
    let offered = [Field::OFFER_ISSUER_ID, Field::OFFER_PATHS];
    match offered.into_iter().find(|field| tlvs.contains(field.number())) {
        Some(field) => Err(Error::of(field, ErrorKind::IsNotRefund, Rule::Rqr11)),
        None => check_fields(tlvs, known),
    }
}

/// The rules about the fields of requests and refunds, wherever they stand. (D10)
pub(crate) fn check_fields(tlvs: &TlvStream, known: &KnownFeatures) -> Result<(), Error> {
    // RQR-1
    for field in [Field::INVREQ_METADATA, Field::INVREQ_PAYER_ID] {
        if !tlvs.contains(field.number()) {
            return Err(Error::missing(field, Rule::Rqr1));
        }
    }
    // RQR-2
    check_features(tlvs, Field::INVREQ_FEATURES, known.invoice_request, Rule::Rqr2)?;
    // CON-4
    crate::contacts::check_request(tlvs)?;
    if offer::is_reachable(tlvs) {
        // D10
        offer::check_rules(tlvs, known)?;
        check_chain(tlvs)?;
        check_quantity(tlvs)?;
        check_amount(tlvs)?;
        // REC-3 to REC-5, REC-11
        recurrence::check_request(tlvs)
    } else {
        check_refund_fields(tlvs)
    }
}

/// D10: the chain is one of the offer's.
fn check_chain(tlvs: &TlvStream) -> Result<(), Error> {
    let chain = tlvs.value(Field::INVREQ_CHAIN.number()).and_then(|value| ChainHash::decode(value).ok());
    let chain = chain.unwrap_or(ChainHash::BITCOIN);
    let offered = tlvs.value(Field::OFFER_CHAINS.number()).and_then(|value| Chains::decode(value).ok());
    if offered.map_or(chain == ChainHash::BITCOIN, |chains| chains.contains(&chain)) {
        Ok(())
    } else {
        Err(Error::of(Field::INVREQ_CHAIN, ErrorKind::UnsupportedChain, Rule::D10))
    }
}

/// RQR-8
fn check_quantity(tlvs: &TlvStream) -> Result<(), Error> {
    let number = |field: Field| tlvs.value(field.number()).and_then(|value| u64::decode(value).ok());
    let (max, quantity) = (number(Field::OFFER_QUANTITY_MAX), number(Field::INVREQ_QUANTITY));
    let refused = |kind, rule| Err(Error::of(Field::INVREQ_QUANTITY, kind, rule));
    match (max, quantity) {
        (None, None) => Ok(()),
        (None, Some(_)) => refused(ErrorKind::Unexpected, Rule::Rqr8),
        // REC-11: what cancels buys nothing.
        (Some(_), None) if recurrence::cancels(tlvs) => Ok(()),
        (Some(_), None) => refused(ErrorKind::Missing, Rule::Rqr8),
        // D4
        (Some(0), Some(0)) => refused(ErrorKind::Zero, Rule::D4),
        (Some(_), Some(0)) => refused(ErrorKind::Zero, Rule::Rqr8),
        (Some(max), Some(quantity)) if max != 0 && quantity > max => {
            refused(ErrorKind::QuantityTooLarge { max }, Rule::Rqr8)
        }
        (Some(_), Some(_)) => Ok(()),
    }
}

/// RQR-9 and RQR-10, as far as they need no rate.
fn check_amount(tlvs: &TlvStream) -> Result<(), Error> {
    let amount = tlvs.value(Field::INVREQ_AMOUNT.number()).and_then(|value| Msat::decode(value).ok());
    match (price(tlvs)?, amount) {
        // REC-11: what cancels pays nothing.
        (None, None) if recurrence::cancels(tlvs) => Ok(()),
        // RQR-10
        (None, None) => Err(Error::missing(Field::INVREQ_AMOUNT, Rule::Rqr10)),
        // RQR-9; how much of a period is over (REC-8), only a clock can tell.
        (Some(OfferAmount::Bitcoin(price)), Some(amount)) if amount < price && !recurrence::is_proportional(tlvs) => {
            let kind = ErrorKind::AmountTooLow { min: price };
            Err(Error::of(Field::INVREQ_AMOUNT, kind, Rule::Rqr9))
        }
        _ => Ok(()),
    }
}

/// RQR-11. An `offer_amount` and `offer_currency` are for display only.
fn check_refund_fields(tlvs: &TlvStream) -> Result<(), Error> {
    for field in [Field::OFFER_CHAINS, Field::OFFER_FEATURES, Field::OFFER_QUANTITY_MAX] {
        if tlvs.contains(field.number()) {
            return Err(Error::of(field, ErrorKind::Unexpected, Rule::Rqr11));
        }
    }
    if !tlvs.contains(Field::INVREQ_AMOUNT.number()) {
        return Err(Error::missing(Field::INVREQ_AMOUNT, Rule::Rqr11));
    }
    // REC-1
    recurrence::check_none(tlvs)
}
