//! What can be read of a message that is refused.

use bolt12::{Bolt12, Field};

/// Fields, with their numbers and bytes, in the order in which they stand.
pub(crate) type Remains = Vec<(u64, Vec<u8>)>;

/// The fields in a text, if it is the text of a message at all.
pub(crate) fn of_text(text: &str) -> Remains {
    Bolt12::decode_text(text).map(|(_, bytes)| of_bytes(&bytes)).unwrap_or_default()
}

/// The fields in bytes, up to where these do not hold together.
pub(crate) fn of_bytes(mut bytes: &[u8]) -> Remains {
    let mut fields = Vec::new();
    while let Some((number, value, rest)) = first(bytes) {
        fields.push((number, value.to_vec()));
        bytes = rest;
    }
    fields
}

/// The first field's number and value, and what stands behind it.
fn first(bytes: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    let (number, rest) = bigsize(bytes)?;
    let (len, rest) = bigsize(rest)?;
    let (value, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
    Some((number, value, rest))
}

/// A number of one, three, five or nine bytes.
fn bigsize(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let len = match first {
        0xfd => 2,
        0xfe => 4,
        0xff => 8,
        small => return Some((u64::from(*small), rest)),
    };
    let (number, rest) = rest.split_at_checked(len)?;
    Some((number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)), rest))
}

/// The specification's name of a field.
pub(crate) fn name(number: u64) -> Option<&'static str> {
    FIELDS.iter().find(|field| field.number() == number).and_then(Field::name)
}

const FIELDS: &[Field] = &[
    Field::INVREQ_METADATA,
    Field::OFFER_CHAINS,
    Field::OFFER_METADATA,
    Field::OFFER_CURRENCY,
    Field::OFFER_AMOUNT,
    Field::OFFER_DESCRIPTION,
    Field::OFFER_FEATURES,
    Field::OFFER_ABSOLUTE_EXPIRY,
    Field::OFFER_PATHS,
    Field::OFFER_ISSUER,
    Field::OFFER_QUANTITY_MAX,
    Field::OFFER_ISSUER_ID,
    Field::INVREQ_CHAIN,
    Field::INVREQ_AMOUNT,
    Field::INVREQ_FEATURES,
    Field::INVREQ_QUANTITY,
    Field::INVREQ_PAYER_ID,
    Field::INVREQ_PAYER_NOTE,
    Field::INVREQ_PATHS,
    Field::INVREQ_BIP_353_NAME,
    Field::INVOICE_PATHS,
    Field::INVOICE_BLINDEDPAY,
    Field::INVOICE_CREATED_AT,
    Field::INVOICE_RELATIVE_EXPIRY,
    Field::INVOICE_PAYMENT_HASH,
    Field::INVOICE_AMOUNT,
    Field::INVOICE_FALLBACKS,
    Field::INVOICE_FEATURES,
    Field::INVOICE_NODE_ID,
    #[cfg(feature = "async_payments")]
    Field::STATIC_INVOICE_MESSAGE_PATHS,
    #[cfg(feature = "async_payments")]
    Field::DRAFT_MESSAGE_PATHS,
    Field::SIGNATURE,
    Field::PROOF_SIGNATURE,
    Field::PROOF_PREIMAGE,
    Field::PROOF_OMITTED_TLVS,
    Field::PROOF_MISSING_HASHES,
    Field::PROOF_LEAF_HASHES,
    Field::PROOF_NOTE,
];
