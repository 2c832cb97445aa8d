//! Where messages come from and go to.

use bitcoin::hex::DisplayHex;
use secp256k1::PublicKey;

use alloc::vec::Vec;

use crate::field::BlindedPath;
use crate::invoice::Invoice;
use crate::invoice_error::InvoiceError;
use crate::invoice_request::InvoiceRequest;

/// The 32 bytes in the last hop of a blinded path, by which whoever made the path recognises it (PTH-2).
///
/// They are a secret between the maker and itself: whoever else knew them could pretend that a message came over
/// the path. So `Debug` does not show them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PathId(pub [u8; 32]);

impl core::fmt::Debug for PathId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PathId(..)")
    }
}

/// Which payment a message belongs to: see [`Payer::payment_of`](super::Payer::payment_of).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaymentId(pub [u8; 14]);

/// Hexadecimal.
impl core::fmt::Display for PaymentId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.as_hex().fmt(f)
    }
}

impl core::fmt::Debug for PaymentId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{self}")
    }
}

/// How a message reached us: what the software knows that took it out of its onion.
///
/// Whether that is the way it had to come is decided by [`Issuer`](super::Issuer) and [`Payment`](super::Payment):
/// they recognise the path ids that they made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Via {
    /// To our node id, over no blinded path.
    Direct,
    /// Over a blinded path whose last hop holds this path id.
    Path(PathId),
    /// Over a blinded path with no path id, or one that we cannot have made.
    OtherPath,
}

impl Via {
    /// Over a blinded path with these bytes as path id. Other than 32 bytes count as none.
    pub fn path(path_id: Option<&[u8]>) -> Self {
        match path_id.and_then(|bytes| bytes.try_into().ok()) {
            Some(bytes) => Self::Path(PathId(bytes)),
            None => Self::OtherPath,
        }
    }
}

/// A message that arrived.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The message's bytes: the value of the onion message's TLV 64, 66 or 68.
    pub bytes: Vec<u8>,
    /// How it came.
    pub via: Via,
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
    /// The TLV of an onion message that carries it (MSG-1).
    pub const fn number(&self) -> u64 {
        match self {
            Self::InvoiceRequest(_) => 64,
            Self::Invoice(_) => 66,
            Self::InvoiceError(_) => 68,
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
pub struct Outgoing {
    /// What to send.
    pub message: OffersMessage,
    /// Where.
    pub destination: Destination,
    /// If an answer is wanted: send it with a reply path made for this message alone, whose last hop holds this
    /// path id (MSG-2). Otherwise send no reply path (MSG-4).
    pub reply_path_id: Option<PathId>,
}

impl Outgoing {
    /// An answer (MSG-3), which wants none.
    pub(super) fn answer(message: OffersMessage, reply_path: BlindedPath<'static>) -> Self {
        Self { message, destination: Destination::Path(reply_path), reply_path_id: None }
    }
}
