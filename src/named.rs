//! The names of fields, by kind of message.

use crate::error::{Field, MessageKind};
use crate::invoice::Invoice;
use crate::invoice_request::InvoiceRequest;
use crate::message::Schema;
use crate::payer_proof::PayerProof;
use crate::signed::Sealed;
use crate::tlv::TlvRecord;
use crate::{invoice_error, offer};

impl MessageKind {
    /// The field with this TLV type in this kind of message. A type that is unknown there has a field without a name.
    ///
    /// ```
    /// use bolt12::{Field, MessageKind};
    /// assert_eq!(MessageKind::Invoice.field(8).name(), Some("offer_amount"));
    /// assert_eq!(MessageKind::Offer.field(170), Field::numbered(170));
    /// ```
    pub fn field(self, number: u64) -> Field {
        let schema: &Schema = match self {
            Self::Offer => &offer::SCHEMA,
            Self::InvoiceRequest => InvoiceRequest::SCHEMA,
            Self::Invoice => Invoice::SCHEMA,
            Self::PayerProof => PayerProof::SCHEMA,
            Self::InvoiceError => &invoice_error::SCHEMA,
            #[cfg(feature = "async_payments")]
            Self::StaticInvoice => crate::static_invoice::StaticInvoice::SCHEMA,
        };
        schema.field(number)
    }
}

impl TlvRecord<'_> {
    /// The field of the record in this kind of message: see [`MessageKind::field`].
    ///
    /// ```
    /// use bolt12::{MessageKind, Offer};
    ///
    /// let offer: Offer = "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese".parse()?;
    /// let names = offer.tlvs().records().map(|record| record.field(MessageKind::Offer).to_string());
    /// assert_eq!(names.collect::<Vec<_>>(), ["offer_issuer_id"]);
    /// # Ok::<(), bolt12::Error>(())
    /// ```
    pub fn field(&self, kind: MessageKind) -> Field {
        kind.field(self.number())
    }
}
