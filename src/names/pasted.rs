//! Whatever somebody pasted or scanned.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::str::FromStr;

use bitcoin::constants::ChainHash;

use super::percent;
use super::uri::BitcoinUri;
use crate::error::{Error, ErrorKind, LinkFault, LooksLike, MessageKind, Rule};
use crate::field::{HumanReadableName, KnownFeatures};
use crate::invoice::Invoice;
use crate::invoice_request::{InvoiceRequest, Refund};
use crate::message::in_text;
use crate::offer::{self, Offer};
use crate::payer_proof::PayerProof;
use crate::signed::{Sealed, Unverified};
use crate::text::{self, behind_scheme, characters_before, trim};
use crate::tlv::TlvStream;

/// Any BOLT 12 text: what a wallet's input field takes.
///
/// Reading is generous where [`Offer`] and the others are strict: white space and quotation marks around the text
/// are ignored, and so is `lightning:`. Of a `bitcoin:` URI this is the first offer for bitcoin, or the first one that
/// can be read; what the URI says beside it, such as an amount, is in [`BitcoinUri`], and [`Pasted`] takes names too.
///
/// ```
/// use bolt12::Bolt12;
///
/// let pasted = " lightning:LNO1ZCSS9MK8Y3WKKLFVEVCRSZLMU23KFRXH49PX20665DQWMN4P72PKSESE\n";
/// assert!(matches!(pasted.parse(), Ok(Bolt12::Offer(_))));
///
/// let error = "lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqf".parse::<Bolt12>().unwrap_err();
/// assert_eq!(error.to_string(), "this looks like a BOLT 11 invoice, not like BOLT 12");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Bolt12 {
    /// An offer.
    Offer(Box<Offer>),
    /// An invoice request that answers an offer.
    InvoiceRequest(Box<InvoiceRequest>),
    /// A request that answers no offer.
    Refund(Box<Refund>),
    /// An invoice.
    Invoice(Box<Invoice>),
    /// A payer proof.
    PayerProof(Box<PayerProof>),
}

impl Bolt12 {
    /// Reads the bytes of a message of a given kind.
    ///
    /// # Errors
    ///
    /// What the message's own type says; `WrongKind` for an invoice error, which nobody pastes.
    pub fn read(kind: MessageKind, bytes: Vec<u8>, known: &'static KnownFeatures) -> Result<Self, Error> {
        match kind {
            MessageKind::Offer => Offer::read(bytes, known).map(Self::from),
            MessageKind::InvoiceRequest => {
                let tlvs = TlvStream::read(bytes).map_err(|error| InvoiceRequest::SCHEMA.named(error))?;
                match tlvs.is_empty() || offer::is_reachable(&tlvs) {
                    true => Unverified::<InvoiceRequest>::of(tlvs, known)?.verify().map(Self::from),
                    false => Unverified::<Refund>::of(tlvs, known)?.verify().map(Self::from),
                }
            }
            MessageKind::Invoice => Invoice::read(bytes, known).map(Self::from),
            MessageKind::PayerProof => PayerProof::read(bytes).map(Self::from),
            found => Err(Error::new(ErrorKind::WrongKind { expected: MessageKind::Offer, found }, Rule::Txt5)),
        }
    }

    /// Reads what was pasted, knowing more features than the default ones.
    ///
    /// # Errors
    ///
    /// What the message's own type says, and TXT-1 to TXT-8; for a `bitcoin:` URI what
    /// [`BitcoinUri::read_text`] and [`BitcoinUri::offer`] say; `NotBolt12` for anything else, a name too.
    pub fn read_text(pasted: &str, known: &'static KnownFeatures) -> Result<Self, Error> {
        match Pasted::read_text(pasted, known)? {
            Pasted::Message(message) => Ok(message),
            Pasted::Uri(uri) => match uri.offer(ChainHash::BITCOIN) {
                Err(error) if *error.kind() == ErrorKind::UnsupportedChain => uri.offers().next().cloned().ok_or(error),
                offer => offer.cloned(),
            }
            .map(Self::from),
            Pasted::Name(_) => {
                Err(Error::new(ErrorKind::NotBolt12(LooksLike::HumanReadableName), Rule::Txt5).in_column(1))
            }
        }
    }

    /// The bytes that a pasted text of a message stands for, and of which kind it says they are: also for a message
    /// that is then refused, to show what can be read of it.
    ///
    /// # Errors
    ///
    /// TXT-1 to TXT-8, and D7; URI-1 behind `lightning:`.
    pub fn decode_text(pasted: &str) -> Result<(MessageKind, Vec<u8>), Error> {
        let trimmed = trim(pasted);
        let bare = bare(trimmed);
        text::decode(&decoded(pasted, trimmed, bare)?)
    }

    /// The kind of message.
    pub fn kind(&self) -> MessageKind {
        match self {
            Self::Offer(_) => MessageKind::Offer,
            Self::InvoiceRequest(_) | Self::Refund(_) => MessageKind::InvoiceRequest,
            Self::Invoice(_) => MessageKind::Invoice,
            Self::PayerProof(_) => MessageKind::PayerProof,
        }
    }
}

/// The text, as the message's own type has it.
impl core::fmt::Display for Bolt12 {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Offer(offer) => offer.fmt(f),
            Self::InvoiceRequest(request) => request.fmt(f),
            Self::Refund(refund) => refund.fmt(f),
            Self::Invoice(invoice) => invoice.fmt(f),
            Self::PayerProof(proof) => proof.fmt(f),
        }
    }
}

macro_rules! from_message {
    ($($message:ident)*) => {$(
        impl From<$message> for Bolt12 {
            fn from(message: $message) -> Self {
                Self::$message(Box::new(message))
            }
        }
    )*};
}

from_message!(Offer InvoiceRequest Refund Invoice PayerProof);

impl FromStr for Bolt12 {
    type Err = Error;

    fn from_str(pasted: &str) -> Result<Self, Error> {
        Self::read_text(pasted, KnownFeatures::default_ref())
    }
}

/// Whatever somebody pasted, scanned or typed to pay, or to see what it is (URI-8, NAM-1).
///
/// ```
/// use bolt12::{ChainHash, Pasted};
///
/// match Pasted::read(" lightning:alice@example.com\n")? {
///     Pasted::Message(message) => println!("{message}"),
///     Pasted::Uri(uri) => println!("{:?} for {}", uri.amount(), uri.offer(ChainHash::BITCOIN)?),
///     Pasted::Name(name) => println!("look up {}", name.dns_name()),
///     _ => {}
/// }
/// # Ok::<(), bolt12::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pasted<'a> {
    /// A message, with `lightning:` before it or without.
    Message(Bolt12),
    /// A `bitcoin:` URI, which may hold no offer that can be paid.
    Uri(Box<BitcoinUri>),
    /// A name, which has to be looked up: see [`HumanReadableName::dns_name`].
    Name(HumanReadableName<'a>),
}

impl<'a> Pasted<'a> {
    /// Reads what was pasted.
    ///
    /// # Errors
    ///
    /// As for [`read_text`](Self::read_text).
    pub fn read(pasted: &'a str) -> Result<Self, Error> {
        Self::read_text(pasted, KnownFeatures::default_ref())
    }

    /// Reads what was pasted, knowing more features than the default ones.
    ///
    /// # Errors
    ///
    /// What the message's own type says, and TXT-1 to TXT-8, URI-1 behind `lightning:`; what [`BitcoinUri::read_text`]
    /// says, and [`HumanReadableName::parse`], which takes the same names (NAM-1); `NotBolt12` for anything else, with
    /// what it looks like. Columns count the characters of all that was pasted.
    pub fn read_text(pasted: &'a str, known: &'static KnownFeatures) -> Result<Self, Error> {
        let trimmed = trim(pasted);
        if behind_scheme(trimmed, "bitcoin:").is_some() {
            return BitcoinUri::read_text(pasted, known).map(|uri| Self::Uri(Box::new(uri)));
        }
        let bare = bare(trimmed);
        // NAM-1: what the type of a name takes is one. What it refuses may be meant as one.
        match HumanReadableName::parse(pasted) {
            Ok(name) => return Ok(Self::Name(name)),
            Err(error) if is_meant_as_name(bare) => return Err(error),
            Err(_) => {}
        }
        let decoded = decoded(pasted, trimmed, bare)?;
        let read = || {
            let (kind, bytes) = text::decode(&decoded)?;
            Bolt12::read(kind, bytes, known).map_err(|error| in_text(error, &decoded))
        };
        read().map(Self::Message).map_err(|error| match error.column() {
            Some(column) => {
                let character = column.saturating_sub(1);
                let character = match decoded {
                    Cow::Borrowed(_) => character,
                    Cow::Owned(_) => percent::encoded_position(bare, &decoded, character),
                };
                error.in_column(characters_before(pasted, bare).saturating_add(character).saturating_add(1))
            }
            None => error,
        })
    }
}

/// Whether a text that is not a name was meant as one.
fn is_meant_as_name(bare: &str) -> bool {
    let looks_like = text::looks_like(bare);
    let is_half = || looks_like == LooksLike::Unknown && bare.contains('@') && !bare.contains(char::is_whitespace);
    bare.starts_with('₿') || looks_like == LooksLike::HumanReadableName || is_half()
}

/// What a text that is not a `bitcoin:` URI is about: all of it, or what stands behind `lightning:`.
fn bare(trimmed: &str) -> &str {
    behind_scheme(trimmed, "lightning:").map_or(trimmed, |rest| rest.split(['?', '#']).next().unwrap_or(rest).trim())
}

/// The same without the encoding of a URI, in which a `+` comes as `%2B`.
///
/// # Errors
///
/// URI-1, in the column of what was pasted.
fn decoded<'a>(pasted: &str, trimmed: &str, bare: &'a str) -> Result<Cow<'a, str>, Error> {
    if bare.len() == trimmed.len() {
        return Ok(Cow::Borrowed(bare));
    }
    percent::decode(bare).map_err(|at| {
        let column = characters_before(pasted, bare).saturating_add(at).saturating_add(1);
        Error::new(ErrorKind::Link(LinkFault::InvalidEncoding), Rule::Uri1).in_column(column)
    })
}
