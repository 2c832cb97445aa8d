//! Whatever somebody pasted or scanned.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::str::FromStr;

use crate::error::{Error, ErrorKind, MessageKind, Rule};
use crate::field::KnownFeatures;
use crate::invoice::Invoice;
use crate::invoice_request::{InvoiceRequest, Refund};
use crate::message::in_text;
use crate::offer::Offer;
use crate::payer_proof::PayerProof;
use crate::text;

/// Any BOLT 12 text: what a wallet's input field takes.
///
/// Reading is generous where [`Offer`] and the others are strict: white space and quotation marks around the text
/// are ignored, and so are `lightning:` and the rest of a `bitcoin:?lno=` URI.
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
            MessageKind::InvoiceRequest => match InvoiceRequest::read(bytes.clone(), known) {
                Err(error) if *error.kind() == ErrorKind::IsRefund => Refund::read(bytes, known).map(Self::from),
                request => request.map(Self::from),
            },
            MessageKind::Invoice => Invoice::read(bytes, known).map(Self::from),
            MessageKind::PayerProof => PayerProof::read(bytes).map(Self::from),
            found => Err(Error::new(ErrorKind::WrongKind { expected: MessageKind::Offer, found }, Rule::Txt5)),
        }
    }

    /// Reads what was pasted, knowing more features than the default ones.
    ///
    /// # Errors
    ///
    /// What the message's own type says, and TXT-1 to TXT-8.
    pub fn read_text(pasted: &str, known: &'static KnownFeatures) -> Result<Self, Error> {
        let found = Found::new(pasted);
        let text = found.text();
        let read = || {
            let (kind, bytes) = text::decode(&text)?;
            Self::read(kind, bytes, known).map_err(|error| in_text(error, &text))
        };
        read().map_err(|error| match error.column() {
            Some(column) => error.in_column(found.column(column)),
            None => error,
        })
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

/// Where in what was pasted the BOLT 12 text is.
struct Found<'a> {
    /// The number of characters before it.
    before: usize,
    text: &'a str,
    is_encoded: bool,
}

impl<'a> Found<'a> {
    /// Finds the text: behind `lightning:`, in the `lno` of a `bitcoin:` URI, or all that is neither white space,
    /// nor a quotation mark, nor a byte order mark at the ends.
    fn new(pasted: &'a str) -> Self {
        let trimmed = pasted.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\u{feff}'));
        let scheme = |name: &str| {
            let (start, rest) = trimmed.split_at_checked(name.len())?;
            start.eq_ignore_ascii_case(name).then(|| rest.split('#').next().unwrap_or(rest))
        };
        let parameters = scheme("bitcoin:").and_then(|rest| rest.split_once('?'));
        let offer = parameters.and_then(|(_, parameters)| {
            parameters.split('&').find_map(|parameter| {
                let (name, value) = parameter.split_once('=')?;
                name.eq_ignore_ascii_case("lno").then_some(value)
            })
        });
        let lightning = scheme("lightning:").map(|rest| {
            let rest = rest.strip_prefix("//").unwrap_or(rest);
            rest.split('?').next().unwrap_or(rest)
        });
        let of_uri = offer.or(lightning);
        let text = of_uri.unwrap_or(trimmed).trim();
        // The text is a part of what was pasted, so this is where it starts.
        let at = (text.as_ptr() as usize).saturating_sub(pasted.as_ptr() as usize);
        let before = pasted.get(..at).map_or(0, |before| before.chars().count());
        Self { before, text, is_encoded: of_uri.is_some() && text.contains('%') }
    }

    fn text(&self) -> Cow<'a, str> {
        match self.is_encoded {
            false => Cow::Borrowed(self.text),
            true => Cow::Owned(percent_decoded(self.text).map(|(letter, _)| letter).collect()),
        }
    }

    /// The column in what was pasted of a column in the text.
    fn column(&self, column: usize) -> usize {
        let skipped = column.saturating_sub(1);
        let skipped = match self.is_encoded {
            false => skipped,
            true => percent_decoded(self.text).take(skipped).map(|(_, len)| len).sum(),
        };
        self.before.saturating_add(skipped).saturating_add(1)
    }
}

/// Undoes the percent-encoding of a URI, in which `+` may come as `%2B`: the characters, and how many
/// each takes. What is not an encoding stays.
fn percent_decoded(text: &str) -> impl Iterator<Item = (char, usize)> + '_ {
    let mut rest = text.chars();
    core::iter::from_fn(move || {
        let letter = rest.next()?;
        let digits = rest.as_str().get(..2).filter(|_| letter == '%');
        let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if byte.is_ascii() => {
                rest.nth(1);
                Some((byte.into(), 3))
            }
            _ => Some((letter, 1)),
        }
    })
}
