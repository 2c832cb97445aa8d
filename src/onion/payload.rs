//! `onionmsg_tlv`: what an onion message carries for one hop.

use alloc::vec::Vec;
use core::fmt;

use super::data::read_known;
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{BlindedPath, BlindedPaths, Bytes, Spec, fields, named};
use crate::tlv::TlvStream;

/// The most hops that a reply path can have.
///
/// Each is a point to check for anyone who gets the message, and to decompress and multiply for anyone who answers, at
/// the cost of a few bytes to the sender.
pub const MAX_REPLY_HOPS: usize = 20;

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
    /// A [`DnssecQuery`](super::DnssecQuery) (TLV 65536).
    DnssecQuery(&'a [u8]),
    /// A [`DnssecProof`](super::DnssecProof) (TLV 65538).
    DnssecProof(&'a [u8]),
    /// A [`StaticInvoice`](crate::StaticInvoice) (feature `async_payments`).
    #[cfg(feature = "async_payments")]
    StaticInvoice(&'a [u8]),
    /// A payer says that a payment is held (feature `async_payments`).
    #[cfg(feature = "async_payments")]
    HeldHtlcAvailable(&'a [u8]),
    /// The payee asks for the payment that is held (feature `async_payments`).
    #[cfg(feature = "async_payments")]
    ReleaseHeldHtlc(&'a [u8]),
}

impl<'a> Contents<'a> {
    pub(super) fn field(&self) -> Field {
        match self {
            Self::InvoiceRequest(_) => Field::ONION_INVOICE_REQUEST,
            Self::Invoice(_) => Field::ONION_INVOICE,
            Self::InvoiceError(_) => Field::ONION_INVOICE_ERROR,
            Self::DnssecQuery(_) => Field::ONION_DNSSEC_QUERY,
            Self::DnssecProof(_) => Field::ONION_DNSSEC_PROOF,
            #[cfg(feature = "async_payments")]
            Self::StaticInvoice(_) => Field::ONION_STATIC_INVOICE,
            #[cfg(feature = "async_payments")]
            Self::HeldHtlcAvailable(_) => Field::ONION_HELD_HTLC_AVAILABLE,
            #[cfg(feature = "async_payments")]
            Self::ReleaseHeldHtlc(_) => Field::ONION_RELEASE_HELD_HTLC,
        }
    }

    /// The TLV of an onion message that carries it (MSG-1).
    pub fn tlv_type(&self) -> u64 {
        self.field().number()
    }

    /// The bytes of the message, whichever it is.
    pub fn as_bytes(&self) -> &'a [u8] {
        match self {
            Self::InvoiceRequest(bytes)
            | Self::Invoice(bytes)
            | Self::InvoiceError(bytes)
            | Self::DnssecQuery(bytes)
            | Self::DnssecProof(bytes) => bytes,
            #[cfg(feature = "async_payments")]
            Self::StaticInvoice(bytes) | Self::HeldHtlcAvailable(bytes) | Self::ReleaseHeldHtlc(bytes) => bytes,
        }
    }
}

fields! {
    PAYLOAD_FIELDS for Payload {
        2 REPLY_PATH "reply_path" "reply path": BlindedPaths<'_>;
        4 ENCRYPTED_RECIPIENT_DATA "encrypted_recipient_data" "encrypted data": Bytes<'_>;
        64 ONION_INVOICE_REQUEST "invoice_request" "invoice request": Bytes<'_>;
        66 ONION_INVOICE "invoice" "invoice": Bytes<'_>;
        68 ONION_INVOICE_ERROR "invoice_error" "invoice error": Bytes<'_>;
        65536 ONION_DNSSEC_QUERY "dnssec_query" "query for a name": Bytes<'_>;
        65538 ONION_DNSSEC_PROOF "dnssec_proof" "proof of a name": Bytes<'_>;
    }
}

/// The tables of every field that is understood.
static TABLES: &[&[Spec]] = &[
    PAYLOAD_FIELDS,
    #[cfg(feature = "async_payments")]
    crate::async_payments::ONION_FIELDS,
];

/// What the last hop gets: the specification's `onionmsg_tlv`.
///
/// `Debug` leaves out what the fields hold.
#[derive(Clone)]
pub struct Payload {
    tlvs: TlvStream,
}

impl Payload {
    /// Reads the payload of a last hop.
    ///
    /// # Errors
    ///
    /// - TLV-1 to TLV-3; `UnknownEvenField`, and `Unexpected` for a second field numbered 64 or above (MSG-1)
    /// - `TooManyEntries` (EXC-1) for a reply path of more than [`MAX_REPLY_HOPS`]
    /// - a reply path that is not one path as [`BlindedPath::from_bytes`] reads it
    pub fn read(bytes: Vec<u8>) -> Result<Self, Error> {
        Self::read_any(bytes)?.check_last()
    }

    /// Reads the payload of any hop.
    pub(super) fn read_any(bytes: Vec<u8>) -> Result<Self, Error> {
        read_known(bytes, TABLES, Rule::Msg1).map(|tlvs| Self { tlvs })
    }

    /// Checks what only a last hop's payload may hold.
    pub(super) fn check_last(self) -> Result<Self, Error> {
        // The cheap checks first: those of points are dear.
        let is_message = |number: u64| number >= Field::ONION_INVOICE_REQUEST.number();
        if let Some(second) = self.tlvs.records().filter(|record| is_message(record.number())).nth(1) {
            let field = named(TABLES, second.number());
            return Err(Error::of(field, ErrorKind::Unexpected, Rule::Msg1).at(second.offset()));
        }
        if let Some(record) = self.tlvs.get(Field::REPLY_PATH.number()) {
            if self.reply_path().is_some_and(|path| path.hops().nth(MAX_REPLY_HOPS).is_some()) {
                let error = Error::of(Field::REPLY_PATH, ErrorKind::TooManyEntries, Rule::Exc1);
                return Err(error.at(record.value_offset()));
            }
            let refused = |error: Error| error.in_field(Field::REPLY_PATH).within(record.value_offset());
            BlindedPath::from_bytes(record.value()).map_err(refused)?;
        }
        Ok(self)
    }

    /// Whether this may be the payload of a hop that passes the message on (MSG-1).
    pub(super) fn is_intermediate(&self) -> bool {
        self.tlvs.len() == 1 && self.encrypted_recipient_data().is_some()
    }

    /// The request, invoice, error, query, proof or other message, unread; `None` if there is none (MSG-1, DNS-1, DNS-2).
    pub fn contents(&self) -> Option<Contents<'_>> {
        let value = |field: Field| self.tlvs.value(field.number());
        let contents = None
            .or_else(|| value(Field::ONION_INVOICE_REQUEST).map(Contents::InvoiceRequest))
            .or_else(|| value(Field::ONION_INVOICE).map(Contents::Invoice))
            .or_else(|| value(Field::ONION_INVOICE_ERROR).map(Contents::InvoiceError))
            .or_else(|| value(Field::ONION_DNSSEC_QUERY).map(Contents::DnssecQuery))
            .or_else(|| value(Field::ONION_DNSSEC_PROOF).map(Contents::DnssecProof));
        #[cfg(feature = "async_payments")]
        let contents = contents
            .or_else(|| value(Field::ONION_STATIC_INVOICE).map(Contents::StaticInvoice))
            .or_else(|| value(Field::ONION_HELD_HTLC_AVAILABLE).map(Contents::HeldHtlcAvailable))
            .or_else(|| value(Field::ONION_RELEASE_HELD_HTLC).map(Contents::ReleaseHeldHtlc));
        contents
    }

    /// `reply_path` (TLV 2)
    ///
    /// Where the answer goes. Without it there is none (MSG-3).
    pub fn reply_path(&self) -> Option<BlindedPath<'_>> {
        self.tlvs.value(Field::REPLY_PATH.number()).and_then(|value| BlindedPaths::checked(value).iter().next())
    }

    /// `encrypted_recipient_data` (TLV 4)
    ///
    /// What [`HopData`](super::HopData) was decrypted from.
    pub fn encrypted_recipient_data(&self) -> Option<&[u8]> {
        self.tlvs.value(Field::ENCRYPTED_RECIPIENT_DATA.number())
    }

    /// All fields, those without a name too.
    pub fn tlvs(&self) -> &TlvStream {
        &self.tlvs
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = self.tlvs.records().map(|record| named(TABLES, record.number()));
        f.debug_set().entries(numbers).finish()
    }
}
