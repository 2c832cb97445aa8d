//! Contacts (bLIP 42): two people who pay each other recognise each other's payments, if the payer wants that. The
//! fields of a request that say who pays; their numbers are in `fields.rs` and nowhere else.
//!
//! Without the feature `contacts` they are odd fields like any other: unknown, kept and repeated.

#[cfg(feature = "contacts")]
mod fields;
#[cfg(feature = "contacts")]
mod rules;
#[cfg(feature = "contacts")]
mod secret;

#[cfg(feature = "contacts")]
pub use fields::NameSignature;
#[cfg(feature = "contacts")]
pub(crate) use fields::{FIELDS, PayerOffer, unsigned_name, value};
#[cfg(feature = "contacts")]
pub(crate) use rules::{MAX_PAYER_OFFER_LEN, check_written, name_digest, put_signature, verify_name};
#[cfg(feature = "contacts")]
pub use secret::ContactSecret;

use core::ops::RangeInclusive;

use crate::error::Error;
use crate::field::Points;
use crate::tlv::TlvStream;

#[cfg(not(feature = "contacts"))]
pub(crate) static FIELDS: &[crate::field::Spec] = &[];

/// CON-4: what a reader refuses before it looks at a signature.
pub(crate) fn check_request(tlvs: &TlvStream) -> Result<(), Error> {
    #[cfg(feature = "contacts")]
    rules::check_request(tlvs)?;
    let TlvStream { .. } = tlvs;
    Ok(())
}

/// TLV-7
pub(crate) fn check_points<'a>(tlvs: &'a TlvStream, points: &mut Points<'a>) -> Result<(), Error> {
    #[cfg(feature = "contacts")]
    rules::check_points(tlvs, points)?;
    let (TlvStream { .. }, Points { .. }) = (tlvs, points);
    Ok(())
}

/// CON-4: whether the key that the payer names has signed for the payer's name, wherever a whole request stands.
pub(crate) fn verify(tlvs: &TlvStream) -> Result<(), Error> {
    #[cfg(feature = "contacts")]
    rules::verify(tlvs)?;
    let TlvStream { .. } = tlvs;
    Ok(())
}

/// The records of a range without the signature for a name, which is made over what a MAC in the request's metadata
/// covers: so the MAC covers the key that signs, and not what it signs with.
pub(crate) fn without_signature<'a>(tlvs: &'a TlvStream, range: &RangeInclusive<u64>) -> [&'a [u8]; 2] {
    #[cfg(feature = "contacts")]
    if let Some(parts) = rules::without_signature(tlvs, range) {
        return parts;
    }
    [tlvs.range(range), &[]]
}
