//! The fields of an invoice, in an invoice or disclosed by a payer proof.

use core::ops::RangeInclusive;
use core::time::Duration;

use bitcoin::hashes::sha256;
use secp256k1::PublicKey;

use crate::field::{
    BlindedPath, BlindedPaths, Fallbacks, Feature, FeatureBits, Features, PayInfo, PayInfos, Point, Value, fields,
};
use crate::invoice_request::{REPEATED_TYPES, REQUEST_FIELDS, RequestFields};
use crate::message::{Message, View, show, unknown};
use crate::offer::{OFFER_FIELDS, OfferFields};
use crate::tlv::{TlvRecord, TlvStream};
use crate::units::{Msat, UnixTime};

/// The types that an invoice may have, its request's and signatures included (TLV-5).
pub(crate) const INVOICE_RANGES: [RangeInclusive<u64>; 3] = [0..=239, 240..=1000, 1_000_000_000..=3_999_999_999];

/// The types that an invoice adds to a request.
pub(crate) const INVOICE_TYPES: [RangeInclusive<u64>; 2] = [160..=239, 3_000_000_000..=3_999_999_999];

/// How long an invoice can be paid if it does not say.
pub(crate) const DEFAULT_RELATIVE_EXPIRY: Duration = Duration::from_secs(7200);

/// The fields of an invoice, beside those of its [request](Self::request) and
/// [offer](Self::offer).
#[derive(Clone)]
pub struct InvoiceFields {
    pub(crate) request: RequestFields,
}

/// The fields of the invoice, its request and its offer by name, wherever they stand: without signatures.
impl core::fmt::Debug for InvoiceFields {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let tables = [OFFER_FIELDS, REQUEST_FIELDS, INVOICE_FIELDS, crate::recurrence::FIELDS, crate::contacts::FIELDS];
        let records = self.tlvs().records();
        let is_there = |number| REPEATED_TYPES.iter().chain(&INVOICE_TYPES).any(|range| range.contains(&number));
        show("InvoiceFields", &tables, records.filter(|record| is_there(record.number())), f)
    }
}

impl View for InvoiceFields {
    fn of(message: Message) -> Self {
        Self { request: RequestFields::of(message) }
    }

    fn message(&self) -> &Message {
        self.request.message()
    }

    fn into_message(self) -> Message {
        self.request.into_message()
    }
}

fields! {
    INVOICE_FIELDS for InvoiceFields {
        160 INVOICE_PATHS "invoice_paths" "list of payment paths": BlindedPaths<'_> =>
            /// Blinded paths to the payee, preferred ones first.
            paths;
        162 INVOICE_BLINDEDPAY "invoice_blindedpay" "list of fees and limits": PayInfos<'_> =>
            /// Fees and limits of each path.
            blindedpay;
        164 INVOICE_CREATED_AT "invoice_created_at" "time of creation": UnixTime =>
            /// When the invoice was made.
            created_at;
        166 INVOICE_RELATIVE_EXPIRY "invoice_relative_expiry" "expiry": u32;
        168 INVOICE_PAYMENT_HASH "invoice_payment_hash" "payment hash": sha256::Hash =>
            /// The hash whose preimage proves the payment.
            payment_hash;
        170 INVOICE_AMOUNT "invoice_amount" "amount": Msat =>
            /// What is to be paid.
            amount;
        172 INVOICE_FALLBACKS "invoice_fallbacks" "list of on-chain addresses": Fallbacks<'_> =>
            /// On-chain addresses to pay if Lightning fails, preferred ones first.
            fallbacks;
        174 INVOICE_FEATURES "invoice_features" "list of invoice features": Features<'_> =>
            /// The features of the invoice.
            features;
        176 INVOICE_NODE_ID "invoice_node_id" "payee's key": Point;
    }
}

/// Whether a payment may be split (IVR-14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MultiPart {
    /// It must be one part: neither feature is set.
    Forbidden,
    /// It may be split: feature 17.
    Allowed,
    /// It must be sent as a payment of several parts: feature 16.
    Required,
}

impl InvoiceFields {
    pub(crate) fn tlvs(&self) -> &TlvStream {
        self.request.tlvs()
    }

    /// The fields of the request.
    pub fn request(&self) -> &RequestFields {
        &self.request
    }

    /// The fields of the offer.
    pub fn offer(&self) -> &OfferFields {
        self.request.offer()
    }

    /// `invoice_relative_expiry` (TLV 166)
    ///
    /// How long after its creation the invoice can be paid: two hours if the field is absent, or hidden by a payer
    /// proof.
    pub fn relative_expiry(&self) -> Duration {
        let seconds = self.tlvs().value(166).and_then(|value| u32::decode(value).ok());
        seconds.map_or(DEFAULT_RELATIVE_EXPIRY, |seconds| Duration::from_secs(seconds.into()))
    }

    /// The last second at which the invoice can be paid; the end of time if that exceeds 64 bits
    /// (IVR-4).
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.created_at().map(|created_at| created_at.saturating_add(self.relative_expiry()))
    }

    /// `invoice_node_id` (TLV 176)
    ///
    /// The key that signs the invoice.
    pub fn node_id(&self) -> Option<PublicKey> {
        self.request.offer.message.keys().invoice_signer
    }

    /// Every path with its fees and limits, preferred ones first: for display. What can be paid over is in a
    /// [`PayableInvoice`](crate::PayableInvoice).
    pub fn payment_paths(&self) -> impl Iterator<Item = (BlindedPath<'_>, PayInfo<'_>)> + '_ {
        let paths = self.paths().into_iter().flatten();
        paths.zip(self.blindedpay().into_iter().flat_map(|payinfos| payinfos.iter()))
    }

    /// The paths that a payer can use, who knows these compulsory features of payinfos (IVR-7).
    pub fn usable_paths(&self, known: FeatureBits) -> impl Iterator<Item = (BlindedPath<'_>, PayInfo<'_>)> + '_ {
        self.payment_paths().filter(move |(_, payinfo)| payinfo.features.first_unknown(known).is_none())
    }

    /// Whether the payment may be split (IVR-14).
    pub fn multi_part(&self) -> MultiPart {
        match self.features() {
            Some(features) if features.contains(Feature::MULTI_PART_REQUIRED) => MultiPart::Required,
            Some(features) if features.contains(Feature::MULTI_PART_OPTIONAL) => MultiPart::Allowed,
            _ => MultiPart::Forbidden,
        }
    }

    /// The invoice's own fields that this crate does not know, and keeps.
    pub fn unknown(&self) -> impl Iterator<Item = TlvRecord<'_>> + '_ {
        unknown(INVOICE_FIELDS, self.tlvs(), &INVOICE_TYPES)
    }
}
