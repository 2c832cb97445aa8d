//! What whoever serves static invoices and whoever is served send each other (features `async_payments` and `onion`).

use alloc::vec::Vec;

use super::nothing::{NOTHING, check_nothing};
use crate::error::{Error, ErrorKind, Rule};
use crate::field::{BlindedPath, Cursor, KnownFeatures};
use crate::invoice_request::InvoiceRequest;
use crate::onion::{Contents, OfferPaths, OfferPathsRequest, ServeStaticInvoice};

/// The kinds of messages between a static invoice server and an async recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServingKind {
    /// The recipient asks for paths for an offer: an [`OfferPathsRequest`].
    OfferPathsRequest,
    /// The server gives them: [`OfferPaths`].
    OfferPaths,
    /// The recipient has a static invoice served: [`ServeStaticInvoice`].
    ServeStaticInvoice,
    /// The server has stored it. No records.
    StaticInvoicePersisted,
}

mod numbers {
    use crate::error::Field;

    pub(super) const ASK: u64 = Field::ONION_OFFER_PATHS_REQUEST.number();
    pub(super) const GIVE: u64 = Field::ONION_OFFER_PATHS.number();
    pub(super) const SERVE: u64 = Field::ONION_SERVE_STATIC_INVOICE.number();
    pub(super) const STORED: u64 = Field::ONION_STATIC_INVOICE_PERSISTED.number();
    pub(super) const DRAFT_ASK: u64 = Field::DRAFT_ONION_OFFER_PATHS_REQUEST.number();
    pub(super) const DRAFT_GIVE: u64 = Field::DRAFT_ONION_OFFER_PATHS.number();
    pub(super) const DRAFT_SERVE: u64 = Field::DRAFT_ONION_SERVE_STATIC_INVOICE.number();
    pub(super) const DRAFT_STORED: u64 = Field::DRAFT_ONION_STATIC_INVOICE_PERSISTED.number();
}

impl ServingKind {
    /// The kind that this TLV of an onion message carries, by the draft's number or by LDK's (MSG-1).
    pub const fn from_tlv_type(tlv_type: u64) -> Option<Self> {
        match tlv_type {
            numbers::ASK | numbers::DRAFT_ASK => Some(Self::OfferPathsRequest),
            numbers::GIVE | numbers::DRAFT_GIVE => Some(Self::OfferPaths),
            numbers::SERVE | numbers::DRAFT_SERVE => Some(Self::ServeStaticInvoice),
            numbers::STORED | numbers::DRAFT_STORED => Some(Self::StaticInvoicePersisted),
            _ => None,
        }
    }

    /// The TLV of an onion message that carries it (MSG-1).
    pub const fn tlv_type(self) -> u64 {
        match self {
            Self::OfferPathsRequest => numbers::ASK,
            Self::OfferPaths => numbers::GIVE,
            Self::ServeStaticInvoice => numbers::SERVE,
            Self::StaticInvoicePersisted => numbers::STORED,
        }
    }

    /// The same in one byte, in an outbox.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::OfferPathsRequest => 1,
            Self::OfferPaths => 2,
            Self::ServeStaticInvoice => 3,
            Self::StaticInvoicePersisted => 4,
        }
    }

    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::OfferPathsRequest),
            2 => Some(Self::OfferPaths),
            3 => Some(Self::ServeStaticInvoice),
            4 => Some(Self::StaticInvoicePersisted),
            _ => None,
        }
    }
}

/// One of the messages between a static invoice server and an async recipient, as its bytes stand.
///
/// The types that read them are [`OfferPathsRequest`], [`OfferPaths`] and [`ServeStaticInvoice`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServingMessage {
    kind: ServingKind,
    bytes: Vec<u8>,
}

impl ServingMessage {
    /// Says that a static invoice is stored (`static_invoice_persisted`).
    pub(crate) fn persisted() -> Self {
        Self { kind: ServingKind::StaticInvoicePersisted, bytes: NOTHING.to_vec() }
    }

    /// Reads the bytes of a message of this kind.
    ///
    /// # Errors
    ///
    /// Those of [`OfferPathsRequest::read`], [`OfferPaths::read`] and [`ServeStaticInvoice::read`]; `UnknownEvenField` for
    /// records in a message that has none.
    pub fn read(kind: ServingKind, bytes: &[u8]) -> Result<Self, Error> {
        Ok(match kind {
            ServingKind::OfferPathsRequest => OfferPathsRequest::read(bytes)?.into(),
            ServingKind::OfferPaths => OfferPaths::read(bytes)?.into(),
            ServingKind::ServeStaticInvoice => ServeStaticInvoice::read(bytes)?.into(),
            ServingKind::StaticInvoicePersisted => check_nothing(bytes).map(|()| Self::persisted())?,
        })
    }

    /// Which of them it is.
    pub const fn kind(&self) -> ServingKind {
        self.kind
    }

    /// The bytes, with their length in front of them, as LDK writes them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same as an onion message carries it.
    pub(crate) fn contents(&self) -> Contents<'_> {
        match self.kind {
            ServingKind::OfferPathsRequest => Contents::OfferPathsRequest(&self.bytes),
            ServingKind::OfferPaths => Contents::OfferPaths(&self.bytes),
            ServingKind::ServeStaticInvoice => Contents::ServeStaticInvoice(&self.bytes),
            ServingKind::StaticInvoicePersisted => Contents::StaticInvoicePersisted(&self.bytes),
        }
    }
}

impl From<OfferPathsRequest> for ServingMessage {
    fn from(request: OfferPathsRequest) -> Self {
        Self { kind: ServingKind::OfferPathsRequest, bytes: request.to_bytes() }
    }
}

impl From<OfferPaths> for ServingMessage {
    fn from(paths: OfferPaths) -> Self {
        Self { kind: ServingKind::OfferPaths, bytes: paths.to_bytes() }
    }
}

impl From<ServeStaticInvoice> for ServingMessage {
    fn from(serve: ServeStaticInvoice) -> Self {
        Self { kind: ServingKind::ServeStaticInvoice, bytes: serve.to_bytes() }
    }
}

/// Somebody's request on its way from a static invoice server to the async recipient.
///
/// The recipient answers to whoever asked, if it is awake: so the request goes with the reply path that it came with,
/// and not with one of the server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardedRequest {
    request: InvoiceRequest,
    reply_path: BlindedPath<'static>,
}

impl ForwardedRequest {
    /// What [`ServingKind::code`] is for others.
    pub(crate) const CODE: u8 = 5;

    pub(crate) fn new(request: InvoiceRequest, reply_path: BlindedPath<'static>) -> Self {
        Self { request, reply_path }
    }

    /// The request, as it came.
    pub fn request(&self) -> &InvoiceRequest {
        &self.request
    }

    /// Where whoever asked waits for the answer: send the message with this reply path.
    pub fn reply_path(&self) -> &BlindedPath<'static> {
        &self.reply_path
    }

    /// Writes what stands before the request in an outbox.
    pub(crate) fn write_reply_path(&self, out: &mut Vec<u8>) {
        let path = self.reply_path.as_bytes();
        out.extend_from_slice(&u32::try_from(path.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(path);
    }

    /// Reads that, and the request behind it.
    pub(crate) fn read(bytes: &[u8], known: &'static KnownFeatures) -> Result<Self, Error> {
        let invalid = || Error::new(ErrorKind::InvalidState, Rule::Exc4);
        let mut cursor = Cursor::new(bytes);
        let mut next = |len: usize| cursor.take(len).map_err(|_| invalid());
        let len = u32::from_be_bytes(next(4)?.try_into().map_err(|_| invalid())?);
        let path = next(usize::try_from(len).map_err(|_| invalid())?)?;
        let reply_path = BlindedPath::from_bytes(path)?.into_owned();
        let request = bytes.get(cursor.offset()..).unwrap_or_default().to_vec();
        Ok(Self { request: InvoiceRequest::read(request, known)?, reply_path })
    }
}
