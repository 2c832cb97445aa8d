//! What a record is called: in every kind of message, known or not.

use crate::error::{Field, MessageKind};
use crate::invoice::Invoice;
use crate::invoice_request::InvoiceRequest;
use crate::message::Schema;
use crate::payer_proof::PayerProof;
use crate::signed::Sealed;
use crate::tlv::TlvRecord;
use crate::{invoice_error, offer};

impl TlvRecord<'_> {
    /// The record's field, by the name that it has in this kind of message; by its number alone where it has none.
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
        let schema: &Schema = match kind {
            MessageKind::Offer => &offer::SCHEMA,
            MessageKind::InvoiceRequest => InvoiceRequest::SCHEMA,
            MessageKind::Invoice => Invoice::SCHEMA,
            MessageKind::PayerProof => PayerProof::SCHEMA,
            MessageKind::InvoiceError => &invoice_error::SCHEMA,
            #[cfg(feature = "async_payments")]
            MessageKind::StaticInvoice => crate::static_invoice::StaticInvoice::SCHEMA,
        };
        schema.field(self.number())
    }
}
