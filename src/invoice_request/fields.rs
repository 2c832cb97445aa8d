//! The fields of a request, wherever they stand: in a request or refund, or repeated in an invoice or
//! a payer proof.

use core::ops::RangeInclusive;

use bitcoin::constants::ChainHash;
use secp256k1::PublicKey;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{
    BlindedPaths, Bytes, CurrencyCode, Features, HumanReadableName, OfferAmount, Point, Text, Value, fields,
};
use crate::message::{Message, View, show, unknown};
use crate::offer::{self, OFFER_FIELDS, OfferFields};
use crate::tlv::{TlvRecord, TlvStream, first_difference};
use crate::units::{MinorUnits, Msat};

/// The types that a request may have, its offer's and signatures included (TLV-5).
pub(crate) const REQUEST_RANGES: [RangeInclusive<u64>; 3] = [0..=159, 240..=1000, 1_000_000_000..=2_999_999_999];

/// The types that a request adds to an offer.
pub(crate) const REQUEST_TYPES: [RangeInclusive<u64>; 3] = [0..=0, 80..=159, 2_000_000_000..=2_999_999_999];

/// The types that an invoice repeats from its request (IVR-8).
pub(crate) const REPEATED_TYPES: [RangeInclusive<u64>; 2] = [0..=159, 1_000_000_000..=2_999_999_999];

/// The fields of an invoice request, beside those of its [offer](Self::offer).
#[derive(Clone)]
pub struct RequestFields {
    pub(crate) offer: OfferFields,
}

/// The fields of the request and its offer by name, wherever they stand.
impl core::fmt::Debug for RequestFields {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let tables = [OFFER_FIELDS, REQUEST_FIELDS, crate::recurrence::FIELDS, crate::contacts::FIELDS];
        let records = self.tlvs().records();
        let is_repeated = |number| REPEATED_TYPES.iter().any(|range| range.contains(&number));
        show("RequestFields", &tables, records.filter(|record| is_repeated(record.number())), f)
    }
}

impl View for RequestFields {
    fn of(message: Message) -> Self {
        Self { offer: OfferFields::of(message) }
    }

    fn message(&self) -> &Message {
        self.offer.message()
    }

    fn into_message(self) -> Message {
        self.offer.into_message()
    }
}

fields! {
    REQUEST_FIELDS for RequestFields {
        0 INVREQ_METADATA "invreq_metadata" "payer's metadata": Bytes<'_>;
        80 INVREQ_CHAIN "invreq_chain" "chain": ChainHash;
        82 INVREQ_AMOUNT "invreq_amount" "amount": Msat =>
            /// What the payer offers to pay; if absent, what the offer asks for.
            amount;
        84 INVREQ_FEATURES "invreq_features" "list of request features": Features<'_> =>
            /// The features of the request. None is known today.
            features;
        86 INVREQ_QUANTITY "invreq_quantity" "quantity": u64 =>
            /// How many items of the offer are asked for.
            quantity;
        88 INVREQ_PAYER_ID "invreq_payer_id" "payer's key": Point;
        89 INVREQ_PAYER_NOTE "invreq_payer_note" "payer's note": Text<'_> =>
            /// What the payer wants to say.
            payer_note;
        90 INVREQ_PATHS "invreq_paths" "list of payer paths": BlindedPaths<'_> =>
            /// Blinded paths to the payer of a refund, preferred ones first; the invoice goes over one
            /// (RQR-12).
            paths;
        91 INVREQ_BIP_353_NAME "invreq_bip_353_name" "payee's name": HumanReadableName<'_> =>
            /// The BIP 353 name that led the payer to the offer.
            bip_353_name;
    }
}

impl RequestFields {
    pub(crate) fn tlvs(&self) -> &TlvStream {
        self.offer.tlvs()
    }

    /// The fields of the offer. In a refund, they describe the refund.
    pub fn offer(&self) -> &OfferFields {
        &self.offer
    }

    /// Whether this answers an offer, or an invoice for it does; otherwise it is a refund. A payer proof may not
    /// show it.
    pub fn answers_offer(&self) -> bool {
        offer::is_reachable(self.tlvs())
    }

    /// `invreq_metadata` (TLV 0)
    ///
    /// What only the payer can make sense of.
    pub fn metadata(&self) -> Option<&[u8]> {
        self.tlvs().value(0)
    }

    /// `invreq_chain` (TLV 80)
    ///
    /// The chain to pay on: bitcoin if the field is absent. In a payer proof it may be hidden: see
    /// [`PayerProof::chain`](crate::PayerProof::chain).
    pub fn chain(&self) -> ChainHash {
        self.tlvs().value(80).and_then(|value| ChainHash::decode(value).ok()).unwrap_or(ChainHash::BITCOIN)
    }

    /// `invreq_payer_id` (TLV 88)
    ///
    /// The key the payer made for this request alone.
    pub fn payer_id(&self) -> Option<PublicKey> {
        self.offer.message.keys().payer_id
    }

    /// The request's own fields that this crate does not know, and keeps.
    pub fn unknown(&self) -> impl Iterator<Item = TlvRecord<'_>> + '_ {
        unknown(REQUEST_FIELDS, self.tlvs(), &REQUEST_TYPES)
    }

    /// The offer's price times the quantity (RQR-9); `None` if the offer has no price, or if a payer proof does not
    /// show in which currency, or for how many.
    ///
    /// # Errors
    ///
    /// `Overflow` beyond 64 bits, which only a refund or a payer proof can have.
    pub fn price(&self) -> Result<Option<OfferAmount>, Error> {
        price(self.tlvs())
    }

    /// Whether an invoice repeats this request byte for byte (IVR-8): the first field that differs.
    pub(crate) fn difference(&self, other: &Self) -> Option<u64> {
        let repeated = |fields: &Self| {
            let tlvs = fields.tlvs();
            REPEATED_TYPES.iter().all(|range| tlvs.range(range) == self.tlvs().range(range))
        };
        if repeated(other) {
            return None;
        }
        let records = |tlvs| {
            TlvStream::records(tlvs)
                .filter(|record| REPEATED_TYPES.iter().any(|range| range.contains(&record.number())))
        };
        first_difference(records(self.tlvs()), records(other.tlvs()))
    }
}

/// The offer's price times the quantity.
pub(super) fn price(tlvs: &TlvStream) -> Result<Option<OfferAmount>, Error> {
    let number = |field: Field| tlvs.value(field.number()).and_then(|value| u64::decode(value).ok());
    let Some(amount) = number(Field::OFFER_AMOUNT) else { return Ok(None) };
    let total = amount.checked_mul(number(Field::INVREQ_QUANTITY).unwrap_or(1));
    let total = total.ok_or(Error::of(Field::INVREQ_QUANTITY, ErrorKind::Overflow, Rule::Rqr9))?;
    let currency = tlvs.value(Field::OFFER_CURRENCY.number()).and_then(|value| CurrencyCode::decode(value).ok());
    // What a payer proof shows of a price may be cents or millisatoshi, and for several items.
    let is_shown = currency.is_some() && tlvs.contains(Field::INVREQ_QUANTITY.number());
    if !is_shown && tlvs.contains(Field::PROOF_PREIMAGE.number()) {
        return Ok(None);
    }
    Ok(Some(match currency {
        Some(currency) => OfferAmount::Currency { currency, amount: MinorUnits(total) },
        None => OfferAmount::Bitcoin(Msat(total)),
    }))
}
