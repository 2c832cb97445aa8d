//! Messages as they arrive and as they go out.

use alloc::vec::Vec;

use secp256k1::PublicKey;

use crate::error::MessageKind;
use crate::exchange::ids::PathId;
use crate::field::BlindedPath;
use crate::invoice::Invoice;
use crate::invoice_error::InvoiceError;
use crate::invoice_request::InvoiceRequest;

/// How a message reached us: what the software knows that took it out of its onion.
///
/// Whether that is the way it had to come is decided by [`Payee`](crate::exchange::Payee) and [`Payment`](crate::exchange::Payment):
/// they recognise the path ids that they made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageArrival {
    /// To our node id, over no blinded path.
    Direct,
    /// Over a blinded path whose last hop holds this path id.
    Path(PathId),
    /// Over a blinded path with no path id, or one that we cannot have made.
    OtherPath,
}

impl MessageArrival {
    /// Over a blinded path with these bytes as path id. Other than 32 bytes count as none.
    pub fn path(path_id: Option<&[u8]>) -> Self {
        match path_id.and_then(|bytes| bytes.try_into().ok()) {
            Some(bytes) => Self::Path(PathId(bytes)),
            None => Self::OtherPath,
        }
    }
}

/// The three kinds of messages that travel between payer and payee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OffersMessageKind {
    /// TLV 64 of an onion message.
    InvoiceRequest,
    /// TLV 66 of an onion message.
    Invoice,
    /// TLV 68 of an onion message.
    InvoiceError,
}

impl OffersMessageKind {
    /// The kind that this TLV of an onion message carries (MSG-1).
    pub const fn from_tlv_type(tlv_type: u64) -> Option<Self> {
        match tlv_type {
            64 => Some(Self::InvoiceRequest),
            66 => Some(Self::Invoice),
            68 => Some(Self::InvoiceError),
            _ => None,
        }
    }

    /// The TLV of an onion message that carries it (MSG-1).
    pub const fn tlv_type(self) -> u64 {
        match self {
            Self::InvoiceRequest => 64,
            Self::Invoice => 66,
            Self::InvoiceError => 68,
        }
    }

    pub(crate) const fn message_kind(self) -> MessageKind {
        match self {
            Self::InvoiceRequest => MessageKind::InvoiceRequest,
            Self::Invoice => MessageKind::Invoice,
            Self::InvoiceError => MessageKind::InvoiceError,
        }
    }
}

/// A message that arrived.
#[derive(Clone, Debug)]
pub struct IncomingMessage {
    /// What the onion message says that it is.
    pub kind: OffersMessageKind,
    /// The message's bytes: the value of the onion message's TLV 64, 66 or 68.
    pub bytes: Vec<u8>,
    /// How it came.
    pub arrival: MessageArrival,
    /// Where an answer can go, if the sender wants one.
    pub reply_path: Option<BlindedPath<'static>>,
}

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// To a node, by its id.
    Node(PublicKey),
    /// Over a blinded path.
    Path(BlindedPath<'static>),
}

/// One of the three messages that travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OffersMessage {
    /// TLV 64 of an onion message.
    InvoiceRequest(InvoiceRequest),
    /// TLV 66 of an onion message.
    Invoice(Invoice),
    /// TLV 68 of an onion message.
    InvoiceError(InvoiceError),
}

impl OffersMessage {
    /// Which of the three it is.
    pub const fn kind(&self) -> OffersMessageKind {
        match self {
            Self::InvoiceRequest(_) => OffersMessageKind::InvoiceRequest,
            Self::Invoice(_) => OffersMessageKind::Invoice,
            Self::InvoiceError(_) => OffersMessageKind::InvoiceError,
        }
    }

    /// The exact bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::InvoiceRequest(message) => message.as_bytes(),
            Self::Invoice(message) => message.as_bytes(),
            Self::InvoiceError(message) => message.as_bytes(),
        }
    }
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingMessage {
    /// What to send.
    pub message: OffersMessage,
    /// Where.
    pub destination: Destination,
    /// If an answer is wanted: send it with a reply path made for this message alone, whose last hop holds this
    /// path id (MSG-2). Otherwise send no reply path (MSG-4).
    pub reply_path_id: Option<PathId>,
}

impl OutgoingMessage {
    /// An answer (MSG-3), which wants none.
    pub(crate) fn answer(message: OffersMessage, reply_path: BlindedPath<'static>) -> Self {
        Self { message, destination: Destination::Path(reply_path), reply_path_id: None }
    }
}
