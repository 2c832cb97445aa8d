//! Incoming and outgoing messages.

use alloc::vec::Vec;

use secp256k1::PublicKey;

use crate::error::{Error, ErrorKind, MessageKind, Rule};
use crate::exchange::ids::PathId;
use crate::field::{BlindedPath, Cursor, KnownFeatures, Point, Value};
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
            _ => None,
        }
    }

    /// The TLV of an onion message that carries it (MSG-1).
    pub const fn tlv_type(self) -> u64 {
        self.code() as u64
    }

    /// The same in one byte.
    const fn code(self) -> u8 {
        match self {
            Self::InvoiceRequest => 64,
            Self::Invoice => 66,
            Self::InvoiceError => 68,
            #[cfg(feature = "async_payments")]
            Self::StaticInvoice => numbers::STATIC_INVOICE as u8,
            #[cfg(feature = "async_payments")]
            Self::HeldHtlcAvailable => numbers::HELD_HTLC_AVAILABLE as u8,
            #[cfg(feature = "async_payments")]
            Self::ReleaseHeldHtlc => numbers::RELEASE_HELD_HTLC as u8,
        }
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
}

/// What stands for no records: the length that LDK puts in front of them.
#[cfg(feature = "async_payments")]
const NOTHING: &[u8] = &[0];

/// Checks a message that says all by being there: records that nobody has to understand, perhaps behind their length.
#[cfg(feature = "async_payments")]
pub(crate) fn check_nothing(bytes: &[u8]) -> Result<(), Error> {
    use crate::error::Field;
    use crate::tlv::{TlvStream, bigsize};

    let is_length = |(len, start): (u64, usize)| {
        let rest = bytes.get(start..)?;
        (u64::try_from(rest.len()) == Ok(len)).then_some(rest)
    };
    let without_length = bigsize::read(bytes, 0).ok().and_then(is_length);
    let tlvs = match without_length.map(|rest| TlvStream::read(rest.to_vec())) {
        Some(Ok(tlvs)) => tlvs,
        _ => TlvStream::read(bytes.to_vec())?,
    };
    match tlvs.records().find(|record| record.number() % 2 == 0) {
        Some(record) => Err(Error::of(Field::numbered(record.number()), ErrorKind::UnknownEvenField, Rule::Tlv4)),
        None => Ok(()),
    }
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
        }
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
        let mut out = Vec::from([VERSION, self.message.kind().code()]);
        let (node, path) = match &self.destination {
            Destination::Node(node) => (node.serialize(), &[][..]),
            Destination::Path(path) => ([0; 33], path.as_bytes()),
        };
        // A path has at most 255 hops, with 16 bits for the length of each.
        out.extend_from_slice(&u32::try_from(path.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(if path.is_empty() { &node } else { path });
        out.push(self.reply_path_id.is_some().into());
        out.extend_from_slice(self.reply_path_id.as_ref().map_or(&[][..], |id| &id.0));
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
        let kind = next(1)?.first().and_then(|code| OffersMessageKind::from_tlv_type(u64::from(*code)));
        let kind = kind.ok_or_else(invalid)?;
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
        let message = bytes.get(cursor.offset()..).unwrap_or_default().to_vec();
        let message = match kind {
            OffersMessageKind::InvoiceRequest => OffersMessage::InvoiceRequest(InvoiceRequest::read(message, known)?),
            OffersMessageKind::Invoice => OffersMessage::Invoice(Invoice::read(message, known)?),
            OffersMessageKind::InvoiceError => OffersMessage::InvoiceError(InvoiceError::try_from(message)?),
            #[cfg(feature = "async_payments")]
            OffersMessageKind::StaticInvoice => OffersMessage::StaticInvoice(StaticInvoice::read(message, known)?),
            #[cfg(feature = "async_payments")]
            OffersMessageKind::HeldHtlcAvailable => {
                check_nothing(&message).map(|()| OffersMessage::HeldHtlcAvailable)?
            }
            #[cfg(feature = "async_payments")]
            OffersMessageKind::ReleaseHeldHtlc => check_nothing(&message).map(|()| OffersMessage::ReleaseHeldHtlc)?,
        };
        Ok(Self { message, destination, reply_path_id })
    }
}

/// Changes with every release that changes how a message to send is kept.
const VERSION: u8 = 1;

#[cfg(feature = "serde")]
crate::serde::as_hex!(OutgoingMessage, "a message to send", Self::to_bytes, Self::from_bytes);
