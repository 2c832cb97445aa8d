//! Invoice requests, `lnr1…`: what a customer's software sends; and refunds, which look alike.

mod accepted;
mod builder;
mod check;
#[cfg(feature = "contacts")]
mod contacts;
mod fields;
#[cfg(feature = "contacts")]
mod introduction;
#[cfg(feature = "contacts")]
mod named;
#[cfg(feature = "recurrence")]
mod recurrence;
mod refund;
mod rules;

pub use accepted::AcceptedRequest;
#[cfg(feature = "recurrence")]
pub(crate) use accepted::PeriodTerms;
pub use builder::InvoiceRequestBuilder;
pub(crate) use check::Terms;
pub use check::{RequestArrival, RequestContext};
#[cfg(feature = "contacts")]
pub use contacts::UnsignedName;
pub use fields::RequestFields;
pub(crate) use fields::{REPEATED_TYPES, REQUEST_FIELDS, REQUEST_RANGES};
#[cfg(feature = "contacts")]
pub use introduction::{Introduction, PayerIdentity};
#[cfg(feature = "recurrence")]
pub use recurrence::{PaidPeriod, RecurrenceContext, SubscriptionKey};
pub use refund::{Refund, RefundBuilder};
pub(crate) use rules::check_fields;

use alloc::vec::Vec;

use secp256k1::{PublicKey, schnorr};

use crate::error::{Error, Field, MessageKind, Rule};
use crate::field::{KnownFeatures, Spec};
use crate::message::{Message, SIGNATURE_FIELDS, Schema, View, message_traits};
use crate::offer::OFFER_FIELDS;
use crate::signature::Tag;
use crate::signed::{self, Sealed, SignedMessage, Unverified};

/// The tables of every field that a request may hold.
pub(crate) static TABLES: [&[Spec]; 5] =
    [REQUEST_FIELDS, OFFER_FIELDS, SIGNATURE_FIELDS, crate::recurrence::FIELDS, crate::contacts::FIELDS];

static SCHEMA: Schema = schema(rules::check_request);
static UNSIGNED: Schema = schema(rules::check_unsigned);

/// Requests and refunds differ only in their rules.
const fn schema(rules: fn(&crate::tlv::TlvStream, &KnownFeatures) -> Result<(), Error>) -> Schema {
    Schema {
        kind: MessageKind::InvoiceRequest,
        ranges: &REQUEST_RANGES,
        range_rule: Rule::Tlv5,
        fields: &TABLES,
        rules,
    }
}

/// A request for an invoice that answers an offer: exact bytes that obey every rule for readers
/// (RQR-1 to RQR-4, RQR-8 to RQR-10, RQR-14), signed by the payer.
///
/// The fields are those of [`RequestFields`], which a request dereferences to; the offer's are behind
/// [`offer`](RequestFields::offer).
#[derive(Clone)]
pub struct InvoiceRequest {
    fields: RequestFields,
    payer_id: PublicKey,
    signature: schnorr::Signature,
}

impl InvoiceRequest {
    /// Reads a request and verifies its signature, knowing more features than the default ones. See
    /// [`Unverified`] to do the one without the other.
    ///
    /// # Errors
    ///
    /// Any rule of RQR-1 to RQR-4, RQR-8 to RQR-10, RQR-14, D10, and TLV-1 to TLV-7.
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
    /// The key the payer made for this request alone, which signed it.
    pub fn payer_id(&self) -> PublicKey {
        self.payer_id
    }

    /// `signature` (TLV 240)
    pub fn signature(&self) -> schnorr::Signature {
        self.signature
    }
}

impl SignedMessage for InvoiceRequest {}

impl Sealed for InvoiceRequest {
    type Fields = RequestFields;

    const SCHEMA: &'static Schema = &SCHEMA;
    const UNSIGNED: &'static Schema = &UNSIGNED;
    const TAG: Tag = Tag::INVOICE_REQUEST;
    const RULE: Rule = Rule::Rqr3;
    const SIGNER: Field = Field::INVREQ_PAYER_ID;
    /// IVW-1
    const ANSWERED_AT: Option<u64> = Some(Field::INVOICE_PATHS.number());

    fn signer(message: &Message) -> Option<PublicKey> {
        message.keys().payer_id
    }

    /// CON-4
    fn verify_more(message: &Message) -> Result<(), Error> {
        crate::contacts::verify(&message.tlvs)
    }

    fn finish(message: Message) -> Result<Self, Error> {
        let payer_id = message.keys().payer_id.ok_or(Error::missing(Field::INVREQ_PAYER_ID, Rule::Rqr1))?;
        let signature =
            signed::signature(&message.tlvs, Field::SIGNATURE).ok_or(Error::missing(Field::SIGNATURE, Rule::Rqr3))?;
        Ok(Self { fields: RequestFields::of(message), payer_id, signature })
    }
}

impl TryFrom<Vec<u8>> for InvoiceRequest {
    type Error = Error;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Error> {
        Self::read(bytes, KnownFeatures::default_ref())
    }
}

message_traits!(InvoiceRequest, RequestFields, SCHEMA);
