//! Whatever somebody pasted or scanned.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::str::FromStr;

use crate::error::{Error, ErrorKind, MessageKind, Rule};
use crate::invoice::Invoice;
use crate::invoice_request::{InvoiceRequest, Refund};
use crate::message::in_text;
use crate::offer::Offer;
use crate::payer_proof::PayerProof;
use crate::text;

/// Any BOLT 12 text: what a wallet's input field takes.
///
/// Reading is generous where [`Offer`] and the others are strict: white space around the text is
/// ignored, and so are `lightning:` and the rest of a `bitcoin:?lno=` URI.
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
    /// What the message's own type says; `WrongKind` for a kind without text.
    pub fn read(kind: MessageKind, bytes: Vec<u8>) -> Result<Self, Error> {
        match kind {
            MessageKind::Offer => Offer::try_from(bytes).map(|offer| Self::Offer(Box::new(offer))),
            MessageKind::InvoiceRequest => match InvoiceRequest::try_from(bytes.as_slice()) {
                Ok(request) => Ok(Self::InvoiceRequest(Box::new(request))),
                Err(error) if *error.kind() == ErrorKind::IsRefund => {
                    Refund::try_from(bytes).map(|refund| Self::Refund(Box::new(refund)))
                }
                Err(error) => Err(error),
            },
            MessageKind::Invoice => Invoice::try_from(bytes).map(|invoice| Self::Invoice(Box::new(invoice))),
            MessageKind::PayerProof => PayerProof::try_from(bytes).map(|proof| Self::PayerProof(Box::new(proof))),
            found => Err(Error::new(ErrorKind::WrongKind { expected: MessageKind::Offer, found }, Rule::Txt5)),
        }
    }
}

impl FromStr for Bolt12 {
    type Err = Error;

    fn from_str(pasted: &str) -> Result<Self, Error> {
        let found = Found::new(pasted);
        let text = found.text();
        let read = || {
            let (kind, bytes) = text::decode(&text)?;
            Self::read(kind, bytes).map_err(|error| in_text(error, &text))
        };
        read().map_err(|error| match error.column() {
            Some(column) => error.in_column(found.column(column)),
            None => error,
        })
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
    /// Finds the text: behind `lightning:`, in the `lno` of a `bitcoin:` URI, or all that is no white
    /// space at the ends.
    fn new(pasted: &'a str) -> Self {
        let trimmed = pasted.trim();
        let scheme = |name: &str| {
            let (start, rest) = trimmed.split_at_checked(name.len())?;
            start.eq_ignore_ascii_case(name).then_some(rest)
        };
        let parameters = scheme("bitcoin:").and_then(|rest| rest.split_once('?'));
        let offer = parameters.and_then(|(_, parameters)| {
            parameters.split('&').find_map(|parameter| {
                let (name, value) = parameter.split_once('=')?;
                name.eq_ignore_ascii_case("lno").then_some(value)
            })
        });
        let lightning = scheme("lightning:").map(|rest| rest.strip_prefix("//").unwrap_or(rest));
        let text = offer.or(lightning).unwrap_or(trimmed);
        // The text is a part of what was pasted, so this is where it starts.
        let at = (text.as_ptr() as usize).saturating_sub(pasted.as_ptr() as usize);
        let before = pasted.get(..at).map_or(0, |before| before.chars().count());
        Self { before, text, is_encoded: offer.is_some() && text.contains('%') }
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
