//! `onionmsg_tlv`: what an onion message carries for one hop.

use alloc::vec::Vec;

use super::data::read_known;
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::path::check_points;
use crate::field::{BlindedPath, BlindedPaths, Bytes, Decompressor, Value, fields};
use crate::tlv::TlvStream;

/// What an onion message carries, as bytes that the types of this crate read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Contents<'a> {
    /// An [`InvoiceRequest`](crate::InvoiceRequest) (TLV 64).
    InvoiceRequest(&'a [u8]),
    /// An [`Invoice`](crate::Invoice) (TLV 66).
    Invoice(&'a [u8]),
    /// An [`InvoiceError`](crate::InvoiceError) (TLV 68).
    InvoiceError(&'a [u8]),
}

impl<'a> Contents<'a> {
    pub(super) fn field(&self) -> Field {
        match self {
            Self::InvoiceRequest(_) => Field::ONION_INVOICE_REQUEST,
            Self::Invoice(_) => Field::ONION_INVOICE,
            Self::InvoiceError(_) => Field::ONION_INVOICE_ERROR,
        }
    }

    /// The bytes of the message, whichever it is.
    pub fn as_bytes(&self) -> &'a [u8] {
        match self {
            Self::InvoiceRequest(bytes) | Self::Invoice(bytes) | Self::InvoiceError(bytes) => bytes,
        }
    }
}

fields! {
    PAYLOAD_FIELDS for Payload {
        2 REPLY_PATH "reply_path" "path for the answer": BlindedPaths<'_>;
        4 ENCRYPTED_RECIPIENT_DATA "encrypted_recipient_data" "encrypted data": Bytes<'_>;
        64 ONION_INVOICE_REQUEST "invoice_request" "invoice request": Bytes<'_>;
        66 ONION_INVOICE "invoice" "invoice": Bytes<'_>;
        68 ONION_INVOICE_ERROR "invoice_error" "invoice error": Bytes<'_>;
    }
}

/// The payload of one hop.
pub(super) struct Payload {
    tlvs: TlvStream,
}

impl Payload {
    pub(super) fn read(bytes: Vec<u8>) -> Result<Self, Error> {
        read_known(bytes, PAYLOAD_FIELDS, Rule::Msg1).map(|tlvs| Self { tlvs })
    }

    pub(super) fn encrypted_recipient_data(&self) -> Option<&[u8]> {
        self.tlvs.value(Field::ENCRYPTED_RECIPIENT_DATA.number())
    }

    /// Whether this may be the payload of a hop that passes the message on (MSG-1).
    pub(super) fn is_intermediate(&self) -> bool {
        self.tlvs.len() == 1 && self.encrypted_recipient_data().is_some()
    }

    /// Checks what only the last hop's payload may hold, and gives the stream (MSG-1).
    pub(super) fn into_last(self) -> Result<TlvStream, Error> {
        if let Some(record) = self.tlvs.get(Field::REPLY_PATH.number()) {
            let refused = |error: Error| error.in_field(Field::REPLY_PATH).within(record.value_offset());
            // One path, not a list of them.
            if BlindedPaths::decode(record.value()).map_err(refused)?.count() != 1 {
                return Err(refused(Error::new(ErrorKind::InvalidLength, Rule::Tlv3)));
            }
            check_points(record.value(), &mut Decompressor::default()).map_err(refused)?;
        }
        let messages = self.tlvs.records().filter(|record| record.number() >= Field::ONION_INVOICE_REQUEST.number());
        if let Some(second) = messages.skip(1).find(|record| record.number() % 2 == 0) {
            let field = Field::numbered(second.number());
            return Err(Error::of(field, ErrorKind::Unexpected, Rule::Msg1).at(second.offset()));
        }
        Ok(self.tlvs)
    }
}

/// The offers message in a last hop's payload, if that is what it carries.
pub(super) fn contents(tlvs: &TlvStream) -> Option<Contents<'_>> {
    let value = |field: Field| tlvs.value(field.number());
    None.or_else(|| value(Field::ONION_INVOICE_REQUEST).map(Contents::InvoiceRequest))
        .or_else(|| value(Field::ONION_INVOICE).map(Contents::Invoice))
        .or_else(|| value(Field::ONION_INVOICE_ERROR).map(Contents::InvoiceError))
}

/// The reply path in a last hop's payload, which was checked.
pub(super) fn reply_path(tlvs: &TlvStream) -> Option<BlindedPath<'_>> {
    tlvs.value(Field::REPLY_PATH.number()).and_then(|value| BlindedPaths::checked(value).iter().next())
}
