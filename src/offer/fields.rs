//! The fields of an offer, wherever they stand: in an offer, or repeated in a request, an invoice or
//! a payer proof.

use bitcoin::constants::ChainHash;
use secp256k1::PublicKey;

use core::ops::RangeInclusive;

use crate::error::{Error, Field, Rule};
use crate::field::{
    BlindedPaths, Bytes, Chains, CurrencyCode, Features, OfferAmount, Point, Quantity, Text, Value, fields,
};
use crate::message::{Message, View, show, unknown};
use crate::signature::OfferId;
use crate::tlv::{TlvRecord, TlvStream, check_len, first_difference};
use crate::units::{MinorUnits, Msat, UnixTime};

/// The types of an offer's fields (TLV-5), known and unknown.
pub(crate) const OFFER_TYPES: [RangeInclusive<u64>; 2] = [1..=79, 1_000_000_000..=1_999_999_999];

/// The fields of an offer.
///
/// The same view serves an [`Offer`](crate::Offer) and every message that repeats it.
#[derive(Clone)]
pub struct OfferFields {
    pub(crate) message: Message,
}

/// The offer's fields by name, wherever they stand.
impl core::fmt::Debug for OfferFields {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        show("OfferFields", &[OFFER_FIELDS, crate::recurrence::FIELDS], self.records(), f)
    }
}

impl View for OfferFields {
    fn of(message: Message) -> Self {
        Self { message }
    }

    fn message(&self) -> &Message {
        &self.message
    }

    fn into_message(self) -> Message {
        self.message
    }
}

fields! {
    OFFER_FIELDS for OfferFields {
        2 OFFER_CHAINS "offer_chains" "list of chains": Chains<'_> =>
            /// The chains the offer can be paid on; absent for bitcoin alone.
            chains;
        4 OFFER_METADATA "offer_metadata" "offer's metadata": Bytes<'_>;
        6 OFFER_CURRENCY "offer_currency" "currency": CurrencyCode =>
            /// The currency of the amount, if it is not bitcoin.
            currency;
        8 OFFER_AMOUNT "offer_amount" "price": u64;
        10 OFFER_DESCRIPTION "offer_description" "description": Text<'_> =>
            /// What is offered, in the issuer's words.
            description;
        12 OFFER_FEATURES "offer_features" "list of offer features": Features<'_> =>
            /// The features of the offer. None is known today.
            features;
        14 OFFER_ABSOLUTE_EXPIRY "offer_absolute_expiry" "expiry": UnixTime =>
            /// The last second at which the offer may be used.
            absolute_expiry;
        16 OFFER_PATHS "offer_paths" "list of offer paths": BlindedPaths<'_> =>
            /// Blinded paths to the issuer, preferred ones first. A request goes over one of them (OFR-11).
            paths;
        18 OFFER_ISSUER "offer_issuer" "issuer's name": Text<'_> =>
            /// Who makes the offer, in the issuer's words: nothing proves it.
            issuer;
        20 OFFER_QUANTITY_MAX "offer_quantity_max" "maximum quantity": u64;
        22 OFFER_ISSUER_ID "offer_issuer_id" "issuer's key": Point;
    }
}

impl OfferFields {
    pub(crate) fn tlvs(&self) -> &TlvStream {
        &self.message.tlvs
    }

    /// `offer_metadata` (TLV 4)
    ///
    /// Whatever the issuer wants to get back.
    pub fn metadata(&self) -> Option<&[u8]> {
        self.tlvs().value(4)
    }

    /// `offer_amount` (TLV 8), in `offer_currency` (TLV 6)
    ///
    /// The price of one item; absent if the payer chooses.
    ///
    /// Also absent in a payer proof that does not disclose the currency: what looks like millisatoshi may be
    /// cents. See [`PayerProof::offer_amount`](crate::PayerProof::offer_amount).
    pub fn amount(&self) -> Option<OfferAmount> {
        let may_hide_currency = self.tlvs().contains(Field::PROOF_PREIMAGE.number());
        if may_hide_currency && self.currency().is_none() { None } else { self.stated_amount() }
    }

    /// The price, where no currency means bitcoin.
    pub(crate) fn stated_amount(&self) -> Option<OfferAmount> {
        let amount = u64::decode(self.tlvs().value(8)?).ok()?;
        Some(match self.currency() {
            None => OfferAmount::Bitcoin(Msat(amount)),
            Some(currency) => OfferAmount::Currency { currency, amount: MinorUnits(amount) },
        })
    }

    /// `offer_quantity_max` (TLV 20)
    ///
    /// How many items can be asked for. In a payer proof, a hidden field reads as an absent one.
    pub fn quantity_max(&self) -> Quantity {
        Quantity::from_field(self.tlvs().value(20).and_then(|value| u64::decode(value).ok()))
    }

    /// `offer_issuer_id` (TLV 22)
    ///
    /// The key that signs invoices. A request goes to this node if the offer has no paths (OFR-11).
    ///
    /// It is decompressed when it is asked for, which takes several microseconds.
    pub fn issuer_id(&self) -> Option<PublicKey> {
        self.issuer_key().ok().flatten()
    }

    /// The same, with what libsecp256k1 refuses, which is nothing that was checked.
    pub(crate) fn issuer_key(&self) -> Result<Option<PublicKey>, Error> {
        let Some(value) = self.tlvs().value(22) else { return Ok(None) };
        // Most invoices have the same key as their node id (IVR-9), decompressed already.
        match self.message.keys().invoice_signer {
            Some(key) if self.tlvs().value(176) == Some(value) => Ok(Some(key)),
            _ => Point::decode(value)?.public_key().map(Some),
        }
    }

    /// The same as it stands in the message.
    pub(crate) fn issuer_point(&self) -> Option<Point> {
        self.tlvs().value(22).and_then(|value| Point::decode(value).ok())
    }

    /// Whether the offer can be paid on a chain (OFR-3). Without `offer_chains` that is bitcoin. In a payer proof, a
    /// hidden field reads as an absent one.
    pub fn supports_chain(&self, chain: ChainHash) -> bool {
        self.chains().map_or(chain == ChainHash::BITCOIN, |chains| chains.contains(&chain))
    }

    /// The offer's fields that this crate does not know, and keeps.
    pub fn unknown(&self) -> impl Iterator<Item = TlvRecord<'_>> + '_ {
        unknown(OFFER_FIELDS, self.tlvs(), &OFFER_TYPES)
    }

    /// The records of the offer, known and unknown, each exactly as it stands.
    pub fn records(&self) -> impl Iterator<Item = TlvRecord<'_>> + Clone + '_ {
        records(self.tlvs())
    }

    /// The id of the offer: the same for an offer and every request and invoice that answers it (SIG-6).
    ///
    /// A refund has no offer, and a payer proof may not show all of one: what is computed from their fields is the
    /// id of nothing.
    pub fn id(&self) -> Option<OfferId> {
        OfferId::of(self.records())
    }

    /// Whether a key is one that signs invoices for this offer: its issuer id or, without one, the last blinded key of
    /// one of its paths (IVW-3). Which path a payer has used only the payer knows.
    ///
    /// ```
    /// # use bolt12::OfferBuilder;
    /// # let key = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619".parse()?;
    /// let offer = OfferBuilder::new(key).description("tea").build()?;
    /// assert!(offer.is_signed_by(key.into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_signed_by(&self, key: Point) -> bool {
        match self.issuer_point() {
            Some(issuer_id) => issuer_id == key,
            None => self.has_path_to(key),
        }
    }

    /// Whether one of the offer's paths ends in a key.
    pub(crate) fn has_path_to(&self, last: Point) -> bool {
        self.paths().into_iter().flatten().any(|path| path.last_blinded_node_id() == last)
    }

    /// The type of the first field in which two offers differ.
    pub(crate) fn difference(&self, other: &Self) -> Option<u64> {
        if self.same_offer(other) { None } else { first_difference(self.records(), other.records()) }
    }

    /// Whether this and another message hold, byte for byte, the same offer (RQR-6).
    pub fn same_offer(&self, other: &Self) -> bool {
        same_records(self.tlvs(), other.tlvs())
    }
}

/// The records of the offer in a message.
fn records(tlvs: &TlvStream) -> impl Iterator<Item = TlvRecord<'_>> + Clone + '_ {
    tlvs.records().filter(|record| OFFER_TYPES.iter().any(|range| range.contains(&record.number())))
}

/// Whether two messages hold the same records of an offer.
pub(crate) fn same_records(one: &TlvStream, other: &TlvStream) -> bool {
    OFFER_TYPES.iter().all(|range| one.range(range) == other.range(range))
}

impl OfferId {
    /// The id of the offer in the bytes of a request or an invoice: to find the offer before anything else is
    /// looked at. Costs hashes, and no curve operation.
    ///
    /// # Errors
    ///
    /// Any of TLV-1, TLV-2, TLV-3, TLV-6 and D7; `Missing` if there is no offer (RQR-6).
    pub fn in_message(bytes: &[u8]) -> Result<Self, Error> {
        check_len(bytes)?;
        let tlvs = TlvStream::read(bytes.to_vec())?;
        OfferId::of(records(&tlvs)).ok_or(Error::missing(Field::OFFER_ISSUER_ID, Rule::Rqr6))
    }
}
