//! Whatever somebody pasted or scanned.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
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
        let found = find_text(pasted);
        let skipped = |found: &str| match pasted.find(found) {
            Some(at) => pasted.get(..at).map_or(0, |skipped| skipped.chars().count()),
            None => 0,
        };
        let read = || {
            let (kind, bytes) = text::decode(&found)?;
            Self::read(kind, bytes).map_err(|error| in_text(error, &found))
        };
        read().map_err(|error| match error.column() {
            Some(column) => error.in_column(column.saturating_add(skipped(&found))),
            None => error,
        })
    }
}

/// The BOLT 12 text in what was pasted: behind `lightning:`, in the `lno` of a `bitcoin:` URI, or all
/// of it.
fn find_text(pasted: &str) -> Cow<'_, str> {
    let trimmed = pasted.trim();
    let scheme = |name: &str| {
        let (start, rest) = trimmed.split_at_checked(name.len())?;
        start.eq_ignore_ascii_case(name).then_some(rest)
    };
    if let Some(rest) = scheme("lightning:") {
        return Cow::Borrowed(rest.strip_prefix("//").unwrap_or(rest));
    }
    let parameters = scheme("bitcoin:").and_then(|rest| rest.split_once('?'));
    let offer = parameters.and_then(|(_, parameters)| {
        parameters.split('&').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.eq_ignore_ascii_case("lno").then_some(value)
        })
    });
    match offer {
        Some(value) => percent_decode(value),
        None => Cow::Borrowed(trimmed),
    }
}

/// Undoes the percent-encoding of a URI: `+` may come as `%2B`. What is not an encoding stays.
fn percent_decode(value: &str) -> Cow<'_, str> {
    if !value.contains('%') {
        return Cow::Borrowed(value);
    }
    let mut decoded = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((plain, encoded)) = rest.split_once('%') {
        decoded.push_str(plain);
        let digits = encoded.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (digits, encoded.get(2..)) {
            (Some(byte), Some(more)) if byte.is_ascii() => {
                decoded.push(byte.into());
                rest = more;
            }
            _ => {
                decoded.push('%');
                rest = encoded;
            }
        }
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}
