//! The rules about an invoice's fields, in the order of the specification.

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{BlindedPaths, KnownFeatures, PayInfos, Value};
use crate::invoice_request;
use crate::message::check_features;
use crate::recurrence;
use crate::tlv::TlvStream;
use crate::units::Msat;

/// The fields that no invoice lacks (IVR-1).
pub(crate) const REQUIRED: [Field; 8] = [
    Field::INVREQ_METADATA,
    Field::INVREQ_PAYER_ID,
    Field::INVOICE_PATHS,
    Field::INVOICE_BLINDEDPAY,
    Field::INVOICE_CREATED_AT,
    Field::INVOICE_PAYMENT_HASH,
    Field::INVOICE_AMOUNT,
    Field::INVOICE_NODE_ID,
];

/// What a reader refuses in an invoice.
pub(super) fn check(tlvs: &TlvStream, known: &KnownFeatures) -> Result<(), Error> {
    check_unsigned(tlvs, known)?;
    // IVR-10
    if !tlvs.contains(Field::SIGNATURE.number()) {
        return Err(Error::missing(Field::SIGNATURE, Rule::Ivr10));
    }
    Ok(())
}

/// The same for an invoice that is still to be signed.
pub(super) fn check_unsigned(tlvs: &TlvStream, known: &KnownFeatures) -> Result<(), Error> {
    // IVR-1
    for field in REQUIRED {
        if !tlvs.contains(field.number()) {
            return Err(Error::missing(field, Rule::Ivr1));
        }
    }
    // D10
    invoice_request::check_fields(tlvs, known)?;
    check_paths(tlvs, known)?;
    // IVR-3
    check_features(tlvs, Field::INVOICE_FEATURES, known.invoice, Rule::Ivr3)?;
    // IVR-9
    let value = |field: Field| tlvs.value(field.number());
    match value(Field::OFFER_ISSUER_ID) {
        Some(issuer_id) if value(Field::INVOICE_NODE_ID) != Some(issuer_id) => {
            return Err(Error::of(Field::INVOICE_NODE_ID, ErrorKind::WrongKey, Rule::Ivr9));
        }
        _ => {}
    }
    // IVR-11: both are written in the shortest form, so equal numbers are equal bytes.
    match value(Field::INVREQ_AMOUNT) {
        Some(requested) if value(Field::INVOICE_AMOUNT) != Some(requested) => {
            let kind = ErrorKind::AmountMismatch { expected: Msat::decode(requested)? };
            return Err(Error::of(Field::INVOICE_AMOUNT, kind, Rule::Ivr11));
        }
        _ => {}
    }
    // REC-9, REC-11
    recurrence::check_invoice(tlvs)
}

/// IVR-6 and IVR-7, of whatever has an invoice's paths.
pub(crate) fn check_paths(tlvs: &TlvStream, known: &KnownFeatures) -> Result<(), Error> {
    let value = |field: Field| tlvs.value(field.number()).unwrap_or_default();
    let paths = BlindedPaths::checked(value(Field::INVOICE_PATHS)).count();
    let payinfos = PayInfos::checked(value(Field::INVOICE_BLINDEDPAY));
    // IVR-6
    if paths != payinfos.count() {
        let kind = ErrorKind::PayinfoCount { paths, payinfos: payinfos.count() };
        return Err(Error::of(Field::INVOICE_BLINDEDPAY, kind, Rule::Ivr6));
    }
    // IVR-7
    if payinfos.iter().all(|payinfo| payinfo.features.first_unknown(known.payinfo).is_some()) {
        return Err(Error::of(Field::INVOICE_BLINDEDPAY, ErrorKind::NoUsablePath, Rule::Ivr7));
    }
    Ok(())
}
