//! The rules about the fields that say who pays.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use secp256k1::schnorr;

use super::fields::{NameSignature, SIGNATURE_LEN, value};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::Points;
use crate::signature::{self, Tag, digest_of_root, merkle};
use crate::tlv::{TlvRecord, TlvStream};

const SECRET: Field = Field::INVREQ_CONTACT_SECRET;
const OFFER: Field = Field::INVREQ_PAYER_OFFER;
const NAME: Field = Field::INVREQ_PAYER_BIP_353_NAME;
const SIGNATURE: Field = Field::INVREQ_PAYER_BIP_353_SIGNATURE;

/// The most bytes of an offer that are sent to say who pays (CON-2): more would leave no room in a payment's onion,
/// where they come back (CON-8).
pub(crate) const MAX_PAYER_OFFER_LEN: usize = 300;

/// CON-4
pub(super) fn check_request(tlvs: &TlvStream) -> Result<(), Error> {
    if tlvs.contains(NAME.number()) && !tlvs.contains(SIGNATURE.number()) {
        return Err(Error::missing(SIGNATURE, Rule::Con4));
    }
    Ok(())
}

/// TLV-7, for the key that signed for a name.
pub(super) fn check_points<'a>(tlvs: &'a TlvStream, points: &mut Points<'a>) -> Result<(), Error> {
    let Some(record) = tlvs.get(SIGNATURE.number()) else { return Ok(()) };
    let key = record.value().get(..33).unwrap_or_default();
    points.check(key).map_err(|error| error.in_field(SIGNATURE).at(record.value_offset()))
}

/// CON-4
pub(super) fn verify(tlvs: &TlvStream) -> Result<(), Error> {
    if !tlvs.contains(NAME.number()) {
        return Ok(());
    }
    let signed = value::<NameSignature>(tlvs, SIGNATURE).ok_or(Error::missing(SIGNATURE, Rule::Con4))?;
    verify_name(tlvs, signed, Rule::Con4)
}

/// Whether a key signed for the name in a request.
pub(crate) fn verify_name(tlvs: &TlvStream, signed: NameSignature, rule: Rule) -> Result<(), Error> {
    let key = signed.key.public_key().map_err(|error| error.in_field(SIGNATURE))?;
    signature::verify(name_digest(tlvs), &signed.signature, &key, SIGNATURE, rule)
}

/// What is signed for a name (CON-3): the request, in whatever repeats it, without this signature and every other.
pub(crate) fn name_digest(tlvs: &TlvStream) -> [u8; 32] {
    let tag = Tag::new([b"lightninginvoice_request", b"invreq_payer_bip_353_signature"]);
    let is_signed = |record: &TlvRecord<'_>| {
        let number = record.number();
        matches!(number, 0..=159 | 1_000_000_000..=2_999_999_999) && number != SIGNATURE.number()
    };
    digest_of_root(tag, merkle::root(tlvs.records().filter(is_signed)).unwrap_or_default())
}

/// What anyone who writes a request has to obey (CON-2, CON-3).
pub(crate) fn check_written(tlvs: &TlvStream) -> Result<(), Error> {
    let there = |field: Field| tlvs.contains(field.number());
    let unexpected = |field, rule| Err(Error::of(field, ErrorKind::Unexpected, rule));
    match (there(SECRET), there(OFFER), there(NAME)) {
        (false, false, false) if there(SIGNATURE) => return unexpected(SIGNATURE, Rule::Con3),
        (false, false, false) => return Ok(()),
        (false, ..) => return Err(Error::missing(SECRET, Rule::Con2)),
        (true, true, true) => return unexpected(NAME, Rule::Con2),
        (true, false, false) => return Err(Error::missing(OFFER, Rule::Con2)),
        (true, true, false) if there(SIGNATURE) => return unexpected(SIGNATURE, Rule::Con3),
        (true, _, _) => {}
    }
    let len = tlvs.value(OFFER.number()).map_or(0, <[u8]>::len);
    if len > MAX_PAYER_OFFER_LEN {
        return Err(Error::of(OFFER, ErrorKind::TooLong { len, max: MAX_PAYER_OFFER_LEN }, Rule::Con2));
    }
    // Zeros keep the place of a signature that is still to be made.
    let is_signed = tlvs.value(SIGNATURE.number()).is_some_and(|value| value.iter().skip(33).any(|byte| *byte != 0));
    if there(NAME) && !is_signed {
        return Err(Error::missing(SIGNATURE, Rule::Con3));
    }
    Ok(())
}

/// The records of a range before and after the signature for a name.
pub(super) fn without_signature<'a>(tlvs: &'a TlvStream, range: &RangeInclusive<u64>) -> Option<[&'a [u8]; 2]> {
    let number = SIGNATURE.number();
    if !range.contains(&number) || !tlvs.contains(number) {
        return None;
    }
    let before = tlvs.range(&(*range.start()..=number));
    let (before, _) = before.split_at_checked(before.len().checked_sub(SIGNATURE_LEN)?)?;
    Some([before, tlvs.range(&(number.saturating_add(1)..=*range.end()))])
}

/// Puts a signature in its place in the bytes of a request.
pub(crate) fn put_signature(tlvs: TlvStream, signature: &schnorr::Signature) -> Vec<u8> {
    let end = tlvs.get(SIGNATURE.number()).map(|record| record.offset().saturating_add(record.as_bytes().len()));
    let mut bytes = tlvs.into_bytes();
    let place = end.and_then(|end| bytes.get_mut(end.checked_sub(SIGNATURE_LEN)?..end));
    if let Some(place) = place {
        place.copy_from_slice(signature.as_ref());
    }
    bytes
}
