//! Invoices, `lni1…`: what a merchant's software answers.

mod builder;
pub(crate) mod capacity;
mod check;
mod fetched;
mod fields;
#[cfg(feature = "recurrence")]
mod recurrence;
mod rules;

pub use builder::InvoiceBuilder;
#[cfg(feature = "async_payments")]
pub(crate) use builder::{multi_part_feature, write_fallback};
pub use capacity::PathLimits;
pub use check::{Arrival, InvoiceContext, PayableInvoice, RefundContext, SentTo};
pub use fetched::FetchedContext;
#[cfg(feature = "async_payments")]
pub(crate) use fields::INVOICE_TYPES;
pub(crate) use fields::{DEFAULT_RELATIVE_EXPIRY, INVOICE_FIELDS, INVOICE_RANGES};
pub use fields::{InvoiceFields, MultiPart};
pub(crate) use rules::REQUIRED;
#[cfg(feature = "async_payments")]
pub(crate) use rules::check_paths;

use alloc::vec::Vec;

use bitcoin::hashes::sha256;
use secp256k1::{PublicKey, schnorr};

use crate::error::{Error, Field, MessageKind, Rule};
use crate::field::{KnownFeatures, Spec};
use crate::invoice_request::REQUEST_FIELDS;
use crate::message::{Message, SIGNATURE_FIELDS, Schema, View, message_traits};
use crate::offer::OFFER_FIELDS;
use crate::signature::Tag;
use crate::signed::{self, Sealed, SignedMessage, Unverified};
use crate::units::{Msat, UnixTime};

/// The tables of every field that an invoice may hold.
pub(crate) static TABLES: [&[Spec]; 6] = [
    INVOICE_FIELDS,
    REQUEST_FIELDS,
    OFFER_FIELDS,
    SIGNATURE_FIELDS,
    crate::recurrence::FIELDS,
    crate::contacts::FIELDS,
];

static SCHEMA: Schema = schema(rules::check);
static UNSIGNED: Schema = schema(rules::check_unsigned);

const fn schema(rules: fn(&crate::tlv::TlvStream, &KnownFeatures) -> Result<(), Error>) -> Schema {
    Schema {
        kind: MessageKind::Invoice,
        ranges: &INVOICE_RANGES,
        // D11: the range is stated for writers only.
        range_rule: Rule::D11,
        fields: &TABLES,
        rules,
    }
}

/// An invoice: exact bytes that obey every rule for readers (IVR-1, IVR-3, IVR-5 to IVR-7, IVR-9 to
/// IVR-12), signed by the payee.
///
/// That does not make it payable: see [`check`](Self::check). The fields are those of
/// [`InvoiceFields`], which an invoice dereferences to.
#[derive(Clone)]
pub struct Invoice {
    fields: InvoiceFields,
    required: Required,
    signature: schnorr::Signature,
}

/// The fields that no invoice lacks (IVR-1).
#[derive(Clone, Copy)]
struct Required {
    payer_id: PublicKey,
    created_at: UnixTime,
    payment_hash: sha256::Hash,
    amount: Msat,
    node_id: PublicKey,
}

impl Required {
    fn of(fields: &InvoiceFields) -> Result<Self, Error> {
        let missing = |field| Error::missing(field, Rule::Ivr1);
        Ok(Self {
            payer_id: fields.request().payer_id().ok_or(missing(Field::INVREQ_PAYER_ID))?,
            created_at: fields.created_at().ok_or(missing(Field::INVOICE_CREATED_AT))?,
            payment_hash: fields.payment_hash().ok_or(missing(Field::INVOICE_PAYMENT_HASH))?,
            amount: fields.amount().ok_or(missing(Field::INVOICE_AMOUNT))?,
            node_id: fields.node_id().ok_or(missing(Field::INVOICE_NODE_ID))?,
        })
    }
}

impl Invoice {
    /// Reads an invoice and verifies its signature, knowing more features than the default ones. See
    /// [`Unverified`] to do the one without the other.
    ///
    /// # Errors
    ///
    /// Any rule of IVR-1, IVR-3, IVR-5 to IVR-7, IVR-9 to IVR-11, D10, and TLV-1 to TLV-7.
    pub fn read(bytes: Vec<u8>, known: &'static KnownFeatures) -> Result<Self, Error> {
        Unverified::read(bytes, known)?.verify()
    }

    /// Reads text, knowing more features than the default ones.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read), and TXT-1 to TXT-8.
    pub fn read_text(text: &str, known: &'static KnownFeatures) -> Result<Self, Error> {
        SCHEMA.read_text(text, |bytes| Self::read(bytes, known))
    }

    /// `invreq_payer_id` (TLV 88)
    ///
    /// The key the payer made for the request.
    pub fn payer_id(&self) -> PublicKey {
        self.required.payer_id
    }

    /// `invoice_created_at` (TLV 164)
    ///
    /// When the invoice was made.
    pub fn created_at(&self) -> UnixTime {
        self.required.created_at
    }

    /// The last second at which the invoice can be paid; the end of time if that exceeds 64 bits
    /// (IVR-4).
    pub fn expires_at(&self) -> UnixTime {
        self.created_at().saturating_add(self.relative_expiry())
    }

    /// `invoice_payment_hash` (TLV 168)
    ///
    /// The hash whose preimage proves the payment.
    pub fn payment_hash(&self) -> sha256::Hash {
        self.required.payment_hash
    }

    /// `invoice_amount` (TLV 170)
    ///
    /// What is to be paid.
    pub fn amount(&self) -> Msat {
        self.required.amount
    }

    /// `invoice_node_id` (TLV 176)
    ///
    /// The key that signed the invoice.
    pub fn node_id(&self) -> PublicKey {
        self.required.node_id
    }

    /// `signature` (TLV 240)
    pub fn signature(&self) -> schnorr::Signature {
        self.signature
    }

    pub(crate) fn known(&self) -> &'static KnownFeatures {
        self.fields.message().known
    }
}

impl SignedMessage for Invoice {}

impl Sealed for Invoice {
    type Fields = InvoiceFields;

    const SCHEMA: &'static Schema = &SCHEMA;
    const UNSIGNED: &'static Schema = &UNSIGNED;
    const TAG: Tag = Tag::INVOICE;
    const RULE: Rule = Rule::Ivr10;
    const SIGNER: Field = Field::INVOICE_NODE_ID;

    fn signer(message: &Message) -> Option<PublicKey> {
        message.keys().invoice_signer
    }

    /// CON-4, D10
    fn verify_more(message: &Message) -> Result<(), Error> {
        crate::contacts::verify(&message.tlvs)
    }

    fn finish(message: Message) -> Result<Self, Error> {
        let signature =
            signed::signature(&message.tlvs, Field::SIGNATURE).ok_or(Error::missing(Field::SIGNATURE, Rule::Ivr10))?;
        let fields = InvoiceFields::of(message);
        Ok(Self { required: Required::of(&fields)?, fields, signature })
    }
}

impl TryFrom<Vec<u8>> for Invoice {
    type Error = Error;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Error> {
        Self::read(bytes, KnownFeatures::default_ref())
    }
}

message_traits!(Invoice, InvoiceFields, SCHEMA);
