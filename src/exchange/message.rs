//! Incoming and outgoing messages.

use alloc::vec::Vec;

use secp256k1::PublicKey;

#[cfg(all(feature = "async_payments", feature = "onion"))]
use super::between::{ForwardedRequest, ServingKind, ServingMessage};
#[cfg(feature = "async_payments")]
use super::nothing::{NOTHING, check_nothing};
use crate::error::{Error, ErrorKind, Field, MessageKind, Rule};
use crate::exchange::ids::PathId;
use crate::field::{BlindedPath, Cursor, KnownFeatures, Point, Value, named};
use crate::invoice::Invoice;
use crate::invoice_error::InvoiceError;
use crate::invoice_request::InvoiceRequest;
#[cfg(feature = "async_payments")]
use crate::static_invoice::StaticInvoice;

/// How a message arrived, as reported by the software that opened its onion.
///
/// [`Payee`](crate::exchange::Payee) and [`Payment`](crate::exchange::Payment) decide whether that is right, because
/// they recognise the path ids that they made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageArrival {
    /// Directly, to our node id.
    Direct,
    /// Over a blinded path with this path id in its last hop.
    Path(PathId),
    /// Over a blinded path with no path id, or one that we cannot have made.
    OtherPath,
}

impl MessageArrival {
    /// Over a blinded path with these bytes as path id. Any length but 32 bytes, or the 16 of a short offer, counts as
    /// none.
    pub fn path(path_id: Option<&[u8]>) -> Self {
        let Some(bytes) = path_id else { return Self::OtherPath };
        match (bytes.try_into(), bytes.try_into()) {
            (Ok(bytes), _) => Self::Path(PathId(bytes)),
            (_, Ok(short)) => Self::Path(PathId::of_short(short)),
            _ => Self::OtherPath,
        }
    }
}

/// The kinds of messages that travel between payer and payee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OffersMessageKind {
    /// TLV 64 of an onion message.
    InvoiceRequest,
    /// TLV 66 of an onion message.
    Invoice,
    /// TLV 68 of an onion message.
    InvoiceError,
    /// What somebody else serves for a payee that is asleep (feature `async_payments`).
    #[cfg(feature = "async_payments")]
    StaticInvoice,
    /// A payer tells a payee that a payment is held for it (feature `async_payments`).
    #[cfg(feature = "async_payments")]
    HeldHtlcAvailable,
    /// A payee asks for the payment that is held for it (feature `async_payments`).
    #[cfg(feature = "async_payments")]
    ReleaseHeldHtlc,
    /// Between a static invoice server and an async recipient (features `async_payments` and `onion`).
    #[cfg(all(feature = "async_payments", feature = "onion"))]
    Serving(ServingKind),
}

#[cfg(feature = "async_payments")]
mod numbers {
    use crate::error::Field;

    pub(super) const STATIC_INVOICE: u64 = Field::ONION_STATIC_INVOICE.number();
    pub(super) const HELD_HTLC_AVAILABLE: u64 = Field::ONION_HELD_HTLC_AVAILABLE.number();
    pub(super) const RELEASE_HELD_HTLC: u64 = Field::ONION_RELEASE_HELD_HTLC.number();
}

impl OffersMessageKind {
    /// The kind that this TLV of an onion message carries (MSG-1).
    pub const fn from_tlv_type(tlv_type: u64) -> Option<Self> {
        match tlv_type {
            64 => Some(Self::InvoiceRequest),
            66 => Some(Self::Invoice),
            68 => Some(Self::InvoiceError),
            #[cfg(feature = "async_payments")]
            numbers::STATIC_INVOICE => Some(Self::StaticInvoice),
            #[cfg(feature = "async_payments")]
            numbers::HELD_HTLC_AVAILABLE => Some(Self::HeldHtlcAvailable),
            #[cfg(feature = "async_payments")]
            numbers::RELEASE_HELD_HTLC => Some(Self::ReleaseHeldHtlc),
            #[cfg(all(feature = "async_payments", feature = "onion"))]
            _ => match ServingKind::from_tlv_type(tlv_type) {
                Some(kind) => Some(Self::Serving(kind)),
                None => None,
            },
            #[cfg(not(all(feature = "async_payments", feature = "onion")))]
            _ => None,
        }
    }

    /// The TLV of an onion message that carries it (MSG-1).
    pub const fn tlv_type(self) -> u64 {
        match self {
            Self::InvoiceRequest => 64,
            Self::Invoice => 66,
            Self::InvoiceError => 68,
            #[cfg(feature = "async_payments")]
            Self::StaticInvoice => numbers::STATIC_INVOICE,
            #[cfg(feature = "async_payments")]
            Self::HeldHtlcAvailable => numbers::HELD_HTLC_AVAILABLE,
            #[cfg(feature = "async_payments")]
            Self::ReleaseHeldHtlc => numbers::RELEASE_HELD_HTLC,
            #[cfg(all(feature = "async_payments", feature = "onion"))]
            Self::Serving(kind) => kind.tlv_type(),
        }
    }

    /// The TLV with its name, where it is one of a draft.
    pub(crate) fn field(self) -> Field {
        #[cfg(feature = "async_payments")]
        let tables = &[crate::async_payments::ONION_FIELDS];
        #[cfg(not(feature = "async_payments"))]
        let tables = &[];
        named(tables, self.tlv_type())
    }

    /// What it holds; nothing for what says all by being there.
    pub(crate) const fn message_kind(self) -> Option<MessageKind> {
        Some(match self {
            Self::InvoiceRequest => MessageKind::InvoiceRequest,
            Self::Invoice => MessageKind::Invoice,
            Self::InvoiceError => MessageKind::InvoiceError,
            #[cfg(feature = "async_payments")]
            Self::StaticInvoice => MessageKind::StaticInvoice,
            #[cfg(feature = "async_payments")]
            Self::HeldHtlcAvailable | Self::ReleaseHeldHtlc => return None,
            #[cfg(all(feature = "async_payments", feature = "onion"))]
            Self::Serving(_) => return None,
        })
    }
}

/// A message that arrived.
#[derive(Clone, Debug)]
pub struct IncomingMessage {
    /// The kind of message, by its TLV in the onion message.
    pub kind: OffersMessageKind,
    /// The message's bytes: the value of the onion message's TLV.
    pub bytes: Vec<u8>,
    /// How it arrived.
    pub arrival: MessageArrival,
    /// The reply path, if the sender wants an answer.
    pub reply_path: Option<BlindedPath<'static>>,
}

/// The destination of a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Destination {
    /// To a node, by its id.
    Node(PublicKey),
    /// Over a blinded path.
    Path(BlindedPath<'static>),
}

/// One of the messages that travel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OffersMessage {
    /// TLV 64 of an onion message.
    InvoiceRequest(InvoiceRequest),
    /// TLV 66 of an onion message.
    Invoice(Invoice),
    /// TLV 68 of an onion message.
    InvoiceError(InvoiceError),
    /// What somebody else serves for a payee that is asleep (feature `async_payments`).
    #[cfg(feature = "async_payments")]
    StaticInvoice(StaticInvoice),
    /// A payer tells a payee that a payment is held for it (feature `async_payments`).
    #[cfg(feature = "async_payments")]
    HeldHtlcAvailable,
    /// A payee asks for the payment that is held for it (feature `async_payments`).
    #[cfg(feature = "async_payments")]
    ReleaseHeldHtlc,
    /// Between a static invoice server and an async recipient (features `async_payments` and `onion`).
    #[cfg(all(feature = "async_payments", feature = "onion"))]
    Serving(ServingMessage),
    /// Somebody's request, which a static invoice server forwards to the async recipient: it goes with a reply path of
    /// its own (features `async_payments` and `onion`).
    #[cfg(all(feature = "async_payments", feature = "onion"))]
    Forwarded(ForwardedRequest),
}

impl OffersMessage {
    /// Which of them it is.
    pub const fn kind(&self) -> OffersMessageKind {
        match self {
            Self::InvoiceRequest(_) => OffersMessageKind::InvoiceRequest,
            Self::Invoice(_) => OffersMessageKind::Invoice,
            Self::InvoiceError(_) => OffersMessageKind::InvoiceError,
            #[cfg(feature = "async_payments")]
            Self::StaticInvoice(_) => OffersMessageKind::StaticInvoice,
            #[cfg(feature = "async_payments")]
            Self::HeldHtlcAvailable => OffersMessageKind::HeldHtlcAvailable,
            #[cfg(feature = "async_payments")]
            Self::ReleaseHeldHtlc => OffersMessageKind::ReleaseHeldHtlc,
            #[cfg(all(feature = "async_payments", feature = "onion"))]
            Self::Serving(message) => OffersMessageKind::Serving(message.kind()),
            #[cfg(all(feature = "async_payments", feature = "onion"))]
            Self::Forwarded(_) => OffersMessageKind::InvoiceRequest,
        }
    }

    /// What [`OutgoingMessage::to_bytes`] calls it.
    const fn code(&self) -> u8 {
        match self {
            #[cfg(all(feature = "async_payments", feature = "onion"))]
            Self::Serving(message) => message.kind().code(),
            #[cfg(all(feature = "async_payments", feature = "onion"))]
            Self::Forwarded(_) => ForwardedRequest::CODE,
            // The others' numbers are one byte each.
            _ => self.kind().tlv_type() as u8,
        }
    }

    /// Reads what [`OutgoingMessage::to_bytes`] wrote of it.
    fn read(code: u8, bytes: &[u8], known: &'static KnownFeatures) -> Result<Self, Error> {
        #[cfg(all(feature = "async_payments", feature = "onion"))]
        if code == ForwardedRequest::CODE {
            return ForwardedRequest::read(bytes, known).map(Self::Forwarded);
        }
        let kind = OffersMessageKind::from_tlv_type(code.into());
        #[cfg(all(feature = "async_payments", feature = "onion"))]
        let kind = kind.or_else(|| ServingKind::from_code(code).map(OffersMessageKind::Serving));
        Ok(match kind.ok_or(Error::new(ErrorKind::InvalidState, Rule::Exc4))? {
            OffersMessageKind::InvoiceRequest => Self::InvoiceRequest(InvoiceRequest::read(bytes.to_vec(), known)?),
            OffersMessageKind::Invoice => Self::Invoice(Invoice::read(bytes.to_vec(), known)?),
            OffersMessageKind::InvoiceError => Self::InvoiceError(InvoiceError::try_from(bytes)?),
            #[cfg(feature = "async_payments")]
            OffersMessageKind::StaticInvoice => Self::StaticInvoice(StaticInvoice::read(bytes.to_vec(), known)?),
            #[cfg(feature = "async_payments")]
            OffersMessageKind::HeldHtlcAvailable => check_nothing(bytes).map(|()| Self::HeldHtlcAvailable)?,
            #[cfg(feature = "async_payments")]
            OffersMessageKind::ReleaseHeldHtlc => check_nothing(bytes).map(|()| Self::ReleaseHeldHtlc)?,
            #[cfg(all(feature = "async_payments", feature = "onion"))]
            OffersMessageKind::Serving(kind) => ServingMessage::read(kind, bytes).map(Self::Serving)?,
        })
    }

    /// The exact bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::InvoiceRequest(message) => message.as_bytes(),
            Self::Invoice(message) => message.as_bytes(),
            Self::InvoiceError(message) => message.as_bytes(),
            #[cfg(feature = "async_payments")]
            Self::StaticInvoice(message) => message.as_bytes(),
            #[cfg(feature = "async_payments")]
            Self::HeldHtlcAvailable | Self::ReleaseHeldHtlc => NOTHING,
            #[cfg(all(feature = "async_payments", feature = "onion"))]
            Self::Serving(message) => message.as_bytes(),
            #[cfg(all(feature = "async_payments", feature = "onion"))]
            Self::Forwarded(message) => message.request().as_bytes(),
        }
    }
}

/// A message to send.
///
/// If you cannot send it at once, keep it in an outbox, as [bytes](Self::to_bytes):
///
/// ```
/// # use bolt12::{Error, OfferBuilder, UnixTime, ChainHash};
/// use bolt12::exchange::{Action, OutgoingMessage, Payer};
///
/// # let key = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619".parse()?;
/// # let offer = OfferBuilder::new(key).description("tea").amount_msat(bolt12::Msat(1_000)).build()?;
/// # let now = UnixTime(1_800_000_000);
/// # let draft = Payer::new([0x42; 32]).draft(&offer, now, &[ChainHash::BITCOIN])?;
/// let mut payment = draft.start([7; 32], now, UnixTime(now.0 + 600))?; // fresh randomness, and ten minutes
/// if let Action::Send(message) = payment.poll(now)? {
///     let row = message.to_bytes(); // for a table
///     assert_eq!(OutgoingMessage::from_bytes(&row)?, *message);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingMessage {
    /// The message.
    pub message: OffersMessage,
    /// The destination.
    pub destination: Destination,
    /// The path id for the answer. If there is one, make a reply path for this message alone, with this path id in its
    /// last hop, and send it along (MSG-2). Otherwise send no reply path (MSG-4).
    pub reply_path_id: Option<PathId>,
}

impl OutgoingMessage {
    /// An answer (MSG-3), which wants none.
    pub(crate) fn answer(message: OffersMessage, reply_path: BlindedPath<'static>) -> Self {
        Self { message, destination: Destination::Path(reply_path), reply_path_id: None }
    }

    /// The message as bytes, which [`from_bytes`](Self::from_bytes) reads: a version, the kind of message, the
    /// destination, the path id for the answer if there is one, and the message itself.
    ///
    /// Keep them private, because the path id is a secret. They have no MAC, so store them where only you can write.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::from([VERSION, self.message.code()]);
        let (node, path) = match &self.destination {
            Destination::Node(node) => (node.serialize(), &[][..]),
            Destination::Path(path) => ([0; 33], path.as_bytes()),
        };
        // A path has at most 255 hops, with 16 bits for the length of each.
        out.extend_from_slice(&u32::try_from(path.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(if path.is_empty() { &node } else { path });
        out.push(self.reply_path_id.is_some().into());
        out.extend_from_slice(self.reply_path_id.as_ref().map_or(&[][..], |id| &id.0));
        #[cfg(all(feature = "async_payments", feature = "onion"))]
        if let OffersMessage::Forwarded(message) = &self.message {
            message.write_reply_path(&mut out);
        }
        out.extend_from_slice(self.message.as_bytes());
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// `UnknownVersion` for bytes that another version wrote, `InvalidState` for anything else that it did not write
    /// (EXC-4), and the errors of a path or message in it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::read(bytes, KnownFeatures::default_ref())
    }

    /// The same, knowing more features than the default ones.
    ///
    /// # Errors
    ///
    /// As for [`from_bytes`](Self::from_bytes).
    pub fn read(bytes: &[u8], known: &'static KnownFeatures) -> Result<Self, Error> {
        let invalid = || Error::new(ErrorKind::InvalidState, Rule::Exc4);
        let mut cursor = Cursor::new(bytes);
        let mut next = |len: usize| cursor.take(len).map_err(|_| invalid());
        if next(1)? != [VERSION] {
            return Err(Error::new(ErrorKind::UnknownVersion, Rule::Exc4));
        }
        let code = next(1)?.first().copied().ok_or_else(invalid)?;
        let path_len = u32::from_be_bytes(next(4)?.try_into().map_err(|_| invalid())?);
        let destination = match usize::try_from(path_len).map_err(|_| invalid())? {
            0 => Destination::Node(Point::decode(next(33)?)?.public_key()?),
            len => Destination::Path(BlindedPath::from_bytes(next(len)?)?.into_owned()),
        };
        let reply_path_id = match next(1)? {
            [0] => None,
            [1] => Some(PathId(next(32)?.try_into().map_err(|_| invalid())?)),
            _ => return Err(invalid()),
        };
        let message = OffersMessage::read(code, bytes.get(cursor.offset()..).unwrap_or_default(), known)?;
        Ok(Self { message, destination, reply_path_id })
    }
}

/// Changes with every release that changes how a message to send is kept.
const VERSION: u8 = 1;

#[cfg(feature = "serde")]
crate::serde::as_hex!(OutgoingMessage, "a message to send", Self::to_bytes, Self::from_bytes);
