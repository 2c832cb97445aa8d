//! The rules about a static invoice's fields.

use crate::async_payments::MESSAGE_PATHS;
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{BlindedPaths, Chains, KnownFeatures, Value};
use crate::message::check_features;
#[cfg(feature = "onion")]
use crate::offer::Offer;
use crate::tlv::TlvStream;
use crate::{invoice, offer, recurrence};

/// The fields that no static invoice lacks (STA-1).
const REQUIRED: [Field; 4] =
    [Field::INVOICE_PATHS, Field::INVOICE_BLINDEDPAY, Field::INVOICE_CREATED_AT, Field::INVOICE_NODE_ID];

/// What a reader refuses in a static invoice.
pub(super) fn check(tlvs: &TlvStream, known: &KnownFeatures) -> Result<(), Error> {
    check_unsigned(tlvs, known)?;
    // STA-2
    if !tlvs.contains(Field::SIGNATURE.number()) {
        return Err(Error::missing(Field::SIGNATURE, Rule::Sta2));
    }
    Ok(())
}

/// The same for a static invoice that is still to be signed.
pub(super) fn check_unsigned(tlvs: &TlvStream, known: &KnownFeatures) -> Result<(), Error> {
    // STA-1; a field of a request is outside the ranges.
    for field in [Field::INVOICE_PAYMENT_HASH, Field::INVOICE_AMOUNT] {
        if tlvs.contains(field.number()) {
            return Err(Error::of(field, ErrorKind::Unexpected, Rule::Sta1));
        }
    }
    for field in REQUIRED {
        if !tlvs.contains(field.number()) {
            return Err(Error::missing(field, Rule::Sta1));
        }
    }
    match MESSAGE_PATHS.map(|field| tlvs.contains(field.number())) {
        [true, true] => return Err(Error::of(Field::DRAFT_MESSAGE_PATHS, ErrorKind::Unexpected, Rule::Sta1)),
        [false, false] => return Err(Error::missing(Field::STATIC_INVOICE_MESSAGE_PATHS, Rule::Sta1)),
        _ => {}
    }
    // D10
    offer::check_rules(tlvs, known)?;
    // REC-3: each payment of a subscription has a request of its own, which has to be looked at.
    recurrence::check_paid_once(tlvs)?;
    recurrence::check_invoice(tlvs)?;
    check_offer(tlvs)?;
    // IVR-6, IVR-7
    invoice::check_paths(tlvs, known)?;
    // IVR-3
    check_features(tlvs, Field::INVOICE_FEATURES, known.invoice, Rule::Ivr3)?;
    check_signer(tlvs)
}

/// Whether an offer can have a static invoice at all (STA-7, REC-3).
#[cfg(feature = "onion")]
pub(crate) fn check_servable(offer: &Offer) -> Result<(), Error> {
    check_offer(offer.tlvs())?;
    recurrence::check_paid_once(offer.tlvs())
}

/// STA-7
fn check_offer(tlvs: &TlvStream) -> Result<(), Error> {
    // Without paths, a request would go to whoever sleeps.
    if !tlvs.contains(Field::OFFER_PATHS.number()) {
        return Err(Error::missing(Field::OFFER_PATHS, Rule::Sta7));
    }
    let chains = tlvs.value(Field::OFFER_CHAINS.number()).and_then(|value| Chains::decode(value).ok());
    match chains.and_then(|chains| chains.iter().nth(1)) {
        Some(_) => Err(Error::of(Field::OFFER_CHAINS, ErrorKind::Unexpected, Rule::Sta7)),
        None => Ok(()),
    }
}

/// STA-2
fn check_signer(tlvs: &TlvStream) -> Result<(), Error> {
    let node_id = tlvs.value(Field::INVOICE_NODE_ID.number());
    let is_named = match tlvs.value(Field::OFFER_ISSUER_ID.number()) {
        Some(issuer_id) => node_id == Some(issuer_id),
        None => {
            let paths = BlindedPaths::checked(tlvs.value(Field::OFFER_PATHS.number()).unwrap_or_default());
            paths.iter().any(|path| Some(&path.last_blinded_node_id().to_bytes()[..]) == node_id)
        }
    };
    if is_named { Ok(()) } else { Err(Error::of(Field::INVOICE_NODE_ID, ErrorKind::WrongKey, Rule::Sta2)) }
}
