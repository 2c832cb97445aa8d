//! The fields of a static invoice: an offer's, an invoice's, and one of its own.

use core::ops::RangeInclusive;
use core::time::Duration;

use bitcoin::constants::ChainHash;
use secp256k1::PublicKey;

use crate::async_payments::{DEFAULT_RELATIVE_EXPIRY, MESSAGE_PATHS, STATIC_INVOICE_FIELDS};
use crate::error::Field;
use crate::field::{BlindedPath, BlindedPaths, Fallbacks, FeatureBits, Features, PayInfo, PayInfos, Spec, Value, find};
use crate::invoice::{INVOICE_FIELDS, INVOICE_TYPES, InvoiceFields, MultiPart};
use crate::invoice_request::REQUEST_FIELDS;
use crate::message::{Message, SIGNATURE_FIELDS, View, show, unknown};
use crate::offer::{OFFER_FIELDS, OFFER_TYPES, OfferFields};
use crate::tlv::{TlvRecord, TlvStream};
use crate::units::UnixTime;

/// The types that a static invoice may have: an offer's, an invoice's own, and signatures (STA-1).
pub(crate) const RANGES: [RangeInclusive<u64>; 5] =
    [1..=79, 160..=239, 240..=1000, 1_000_000_000..=1_999_999_999, 3_000_000_000..=3_999_999_999];

/// The tables of every field that a static invoice may hold, and of those of a request, which it is refused by name for.
pub(crate) static TABLES: [&[Spec]; 6] =
    [INVOICE_FIELDS, STATIC_INVOICE_FIELDS, OFFER_FIELDS, SIGNATURE_FIELDS, crate::recurrence::FIELDS, REQUEST_FIELDS];

/// The fields of a static invoice, beside those of its [offer](Self::offer): an invoice's, without those of a request,
/// a payment hash and an amount (STA-1).
#[derive(Clone)]
pub struct StaticInvoiceFields {
    /// Whose accessors for what a static invoice does not have are not shown.
    invoice: InvoiceFields,
}

/// The fields of the static invoice and its offer by name, wherever they stand: without the signature.
impl core::fmt::Debug for StaticInvoiceFields {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let is_there = |number| OFFER_TYPES.iter().chain(&INVOICE_TYPES).any(|range| range.contains(&number));
        let records = self.tlvs().records().filter(|record| is_there(record.number()));
        show("StaticInvoiceFields", &TABLES, records, f)
    }
}

impl View for StaticInvoiceFields {
    fn of(message: Message) -> Self {
        Self { invoice: InvoiceFields::of(message) }
    }

    fn message(&self) -> &Message {
        self.invoice.message()
    }

    fn into_message(self) -> Message {
        self.invoice.into_message()
    }
}

impl StaticInvoiceFields {
    pub(crate) fn tlvs(&self) -> &TlvStream {
        self.invoice.tlvs()
    }

    /// The fields of the offer.
    pub fn offer(&self) -> &OfferFields {
        self.invoice.offer()
    }

    /// `static_invoice_message_paths`
    ///
    /// Blinded paths to the payee, preferred ones first, over which a payer says that a payment is held for it.
    pub fn message_paths(&self) -> Option<BlindedPaths<'_>> {
        let value = MESSAGE_PATHS.into_iter().find_map(|field| self.tlvs().value(field.number()))?;
        BlindedPaths::decode(value).ok()
    }

    /// `invoice_paths` (TLV 160)
    ///
    /// Blinded paths to be paid over, preferred ones first.
    pub fn paths(&self) -> Option<BlindedPaths<'_>> {
        self.invoice.paths()
    }

    /// `invoice_blindedpay` (TLV 162)
    ///
    /// Fees and limits of each path.
    pub fn blindedpay(&self) -> Option<PayInfos<'_>> {
        self.invoice.blindedpay()
    }

    /// `invoice_created_at` (TLV 164)
    ///
    /// When the static invoice was made.
    pub fn created_at(&self) -> Option<UnixTime> {
        self.invoice.created_at()
    }

    /// `invoice_relative_expiry` (TLV 166)
    ///
    /// How long after its creation the static invoice can be paid: two weeks if the field is absent (STA-3).
    pub fn relative_expiry(&self) -> Duration {
        match self.tlvs().contains(Field::INVOICE_RELATIVE_EXPIRY.number()) {
            true => self.invoice.relative_expiry(),
            false => DEFAULT_RELATIVE_EXPIRY,
        }
    }

    /// The last second at which the static invoice can be paid; the end of time if that exceeds 64 bits.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.created_at().map(|created_at| created_at.saturating_add(self.relative_expiry()))
    }

    /// `invoice_fallbacks` (TLV 172)
    ///
    /// On-chain addresses to pay if Lightning fails, preferred ones first.
    pub fn fallbacks(&self) -> Option<Fallbacks<'_>> {
        self.invoice.fallbacks()
    }

    /// `invoice_features` (TLV 174)
    ///
    /// The features of the static invoice.
    pub fn features(&self) -> Option<Features<'_>> {
        self.invoice.features()
    }

    /// `invoice_node_id` (TLV 176)
    ///
    /// The key that signs the static invoice (STA-2).
    pub fn node_id(&self) -> Option<PublicKey> {
        self.invoice.node_id()
    }

    /// Every path with its fees and limits, preferred ones first: for display. What can be paid over is in a
    /// [`PayableStaticInvoice`](crate::PayableStaticInvoice).
    pub fn payment_paths(&self) -> impl Iterator<Item = (BlindedPath<'_>, PayInfo<'_>)> + '_ {
        self.invoice.payment_paths()
    }

    /// The paths that a payer can use, who knows these compulsory features of payinfos (IVR-7).
    pub fn usable_paths(&self, known: FeatureBits) -> impl Iterator<Item = (BlindedPath<'_>, PayInfo<'_>)> + '_ {
        self.invoice.usable_paths(known)
    }

    /// Whether the payment may be split (IVR-14).
    pub fn multi_part(&self) -> MultiPart {
        self.invoice.multi_part()
    }

    /// The chain to pay on: the one that the offer names (STA-7), bitcoin if it names none.
    pub fn chain(&self) -> ChainHash {
        self.offer().chains().and_then(|chains| chains.iter().next()).unwrap_or(ChainHash::BITCOIN)
    }

    /// The static invoice's own fields that this crate does not know, and keeps.
    pub fn unknown(&self) -> impl Iterator<Item = TlvRecord<'_>> + '_ {
        let others = unknown(INVOICE_FIELDS, self.tlvs(), &INVOICE_TYPES);
        others.filter(|record| find(&[STATIC_INVOICE_FIELDS], record.number()).is_none())
    }
}
