//! The fields that say who pays, with their numbers, in one place.

use alloc::vec::Vec;
use core::fmt;

use secp256k1::schnorr;

use super::secret::ContactSecret;
use crate::error::{Error, Field};
use crate::field::{Bytes, Cursor, HumanReadableName, Point, Value, exactly, fields};
use crate::tlv::{self, TlvStream};

fields! {
    FIELDS {
        2000001729 INVREQ_CONTACT_SECRET "invreq_contact_secret" "contact's secret": ContactSecret;
        2000001731 INVREQ_PAYER_OFFER "invreq_payer_offer" "payer's offer": PayerOffer<'_>;
        2000001733 INVREQ_PAYER_BIP_353_NAME "invreq_payer_bip_353_name" "payer's name": HumanReadableName<'_>;
        2000001735 INVREQ_PAYER_BIP_353_SIGNATURE "invreq_payer_bip_353_signature" "signature for the payer's name": NameSignature;
    }
}

/// Any 32 bytes.
impl Value<'_> for ContactSecret {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        exactly(value).map(Self::from_byte_array)
    }
}

/// An offer's records. That they make an offer is seen when somebody wants to pay it.
pub(crate) struct PayerOffer<'a>(pub(crate) &'a [u8]);

/// TLV-3
impl<'a> Value<'a> for PayerOffer<'a> {
    fn decode(value: &'a [u8]) -> Result<Self, Error> {
        tlv::check(value)?;
        Ok(Self(value))
    }
}

impl fmt::Debug for PayerOffer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Bytes(self.0).fmt(f)
    }
}

/// `invreq_payer_bip_353_signature`: which key signed for the payer's name, and the signature (CON-3).
///
/// In a request or invoice that was read it is valid. That the name leads to an offer with this key only the DNS says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameSignature {
    /// The issuer id of the offer that the name leads to or, without one, the last key of one of its paths.
    pub key: Point,
    /// Its signature.
    pub signature: schnorr::Signature,
}

impl Value<'_> for NameSignature {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(value);
        let key = Point::decode(cursor.take(33)?)?;
        let rest = value.get(cursor.offset()..).unwrap_or_default();
        let signature = schnorr::Signature::decode(rest).map_err(|error| error.at(cursor.offset()))?;
        Ok(Self { key, signature })
    }
}

/// The field for a key whose signature is still to be made.
pub(crate) fn unsigned_name(key: Point) -> Vec<u8> {
    let mut value = key.to_bytes().to_vec();
    value.extend_from_slice(&[0; SIGNATURE_LEN]);
    value
}

/// What a signature takes, at the end of its field.
pub(super) const SIGNATURE_LEN: usize = 64;

/// The value of a field.
pub(crate) fn value<'a, T: Value<'a>>(tlvs: &'a TlvStream, field: Field) -> Option<T> {
    tlvs.value(field.number()).and_then(|value| T::decode(value).ok())
}
