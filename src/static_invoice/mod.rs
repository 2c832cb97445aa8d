//! Static invoices: what somebody else answers for a payee that sleeps (feature `async_payments`, experimental).

mod builder;
mod check;
mod fields;
mod rules;

pub use builder::StaticInvoiceBuilder;
pub use check::{PayableStaticInvoice, StaticInvoiceContext};
pub use fields::StaticInvoiceFields;
#[cfg(feature = "onion")]
pub(crate) use rules::check_servable;

use alloc::vec::Vec;

use secp256k1::{PublicKey, schnorr};

use crate::error::{Error, Field, MessageKind, Rule};
use crate::field::KnownFeatures;
use crate::message::{Message, Schema, View, view_traits};
use crate::signature::Tag;
use crate::signed::{self, Sealed, SignedMessage, Unverified};
use crate::tlv::TlvStream;
use crate::units::UnixTime;

static SCHEMA: Schema = schema(rules::check);
static UNSIGNED: Schema = schema(rules::check_unsigned);

const fn schema(rules: fn(&TlvStream, &KnownFeatures) -> Result<(), Error>) -> Schema {
    Schema {
        kind: MessageKind::StaticInvoice,
        ranges: &fields::RANGES,
        range_rule: Rule::Sta1,
        fields: &fields::TABLES,
        rules,
    }
}

/// A static invoice: exact bytes that obey every rule for readers (STA-1, STA-2, STA-7), signed by the payee.
///
/// It answers every request for its [offer](StaticInvoiceFields::offer) while the payee sleeps, so it has no payment
/// hash, and no amount. The payer makes the preimage, so paying proves nothing (STA-6), and the payment is held until
/// the payee wakes.
///
/// It has no text form. People show and paste its *offer*; a developer shows its bytes in hexadecimal, as serde does.
///
/// That does not make it payable: see [`check`](Self::check). The fields are those of [`StaticInvoiceFields`], which a
/// static invoice dereferences to.
#[derive(Clone)]
pub struct StaticInvoice {
    fields: StaticInvoiceFields,
    required: Required,
    signature: schnorr::Signature,
}

/// The fields that no static invoice lacks, and that are looked at often (STA-1).
#[derive(Clone, Copy)]
struct Required {
    created_at: UnixTime,
    node_id: PublicKey,
}

impl StaticInvoice {
    /// Reads a static invoice and verifies its signature, knowing more features than the default ones. See
    /// [`Unverified`] to do the one without the other.
    ///
    /// # Errors
    ///
    /// STA-1, STA-2, STA-7, any rule of an offer (D10), IVR-3, IVR-6, IVR-7, and TLV-1 to TLV-7. `IsRecurring` (REC-3)
    /// for an offer of a subscription, whose requests somebody has to look at.
    pub fn read(bytes: Vec<u8>, known: &'static KnownFeatures) -> Result<Self, Error> {
        Unverified::read(bytes, known)?.verify()
    }

    /// `invoice_created_at` (TLV 164)
    ///
    /// When the static invoice was made.
    pub fn created_at(&self) -> UnixTime {
        self.required.created_at
    }

    /// The last second at which the static invoice can be paid; the end of time if that exceeds 64 bits (STA-3).
    pub fn expires_at(&self) -> UnixTime {
        self.created_at().saturating_add(self.relative_expiry())
    }

    /// `invoice_node_id` (TLV 176)
    ///
    /// The key that signed the static invoice (STA-2).
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

impl SignedMessage for StaticInvoice {}

impl Sealed for StaticInvoice {
    type Fields = StaticInvoiceFields;

    const SCHEMA: &'static Schema = &SCHEMA;
    const UNSIGNED: &'static Schema = &UNSIGNED;
    const TAG: Tag = Tag::STATIC_INVOICE;
    const RULE: Rule = Rule::Sta2;
    const SIGNER: Field = Field::INVOICE_NODE_ID;

    fn signer(message: &Message) -> Option<PublicKey> {
        message.keys().invoice_signer
    }

    fn finish(message: Message) -> Result<Self, Error> {
        let signature =
            signed::signature(&message.tlvs, Field::SIGNATURE).ok_or(Error::missing(Field::SIGNATURE, Rule::Sta2))?;
        let fields = StaticInvoiceFields::of(message);
        let missing = |field| Error::missing(field, Rule::Sta1);
        let required = Required {
            created_at: fields.created_at().ok_or(missing(Field::INVOICE_CREATED_AT))?,
            node_id: fields.node_id().ok_or(missing(Field::INVOICE_NODE_ID))?,
        };
        Ok(Self { fields, required, signature })
    }
}

impl TryFrom<Vec<u8>> for StaticInvoice {
    type Error = Error;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Error> {
        Self::read(bytes, KnownFeatures::default_ref())
    }
}

view_traits!(StaticInvoice, StaticInvoiceFields, SCHEMA);

#[cfg(feature = "serde")]
crate::serde::as_hex!(StaticInvoice, "a static invoice", Self::as_bytes, |bytes| Self::try_from(bytes));
