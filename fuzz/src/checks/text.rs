//! Target `text`: any string as any kind of message.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use bolt12::{
    Bolt12, Error, ErrorKind, Invoice, InvoiceRequest, Offer, PayerProof, Refund, Rule, SignedMessage, Unverified,
};

use super::{errors, naive};

/// Bytes that are not UTF-8 are no string, and not looked at.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let naive = &naive::text(text);
    let read = [
        strict::<Offer>(text, naive, "lno").map(|offer| Bolt12::Offer(Box::new(offer))),
        strict::<InvoiceRequest>(text, naive, "lnr").map(|request| Bolt12::InvoiceRequest(Box::new(request))),
        strict::<Refund>(text, naive, "lnr").map(|refund| Bolt12::Refund(Box::new(refund))),
        strict::<Invoice>(text, naive, "lni").map(|invoice| Bolt12::Invoice(Box::new(invoice))),
        strict::<PayerProof>(text, naive, "lnp").map(|proof| Bolt12::PayerProof(Box::new(proof))),
    ];
    two_steps::<InvoiceRequest>(text);
    two_steps::<Refund>(text);
    two_steps::<Invoice>(text);
    two_steps::<PayerProof>(text);

    let mut read = read.into_iter().flatten();
    let strict = read.next();
    assert_eq!(read.next(), None, "a text is one kind of message");
    match text.parse::<Bolt12>() {
        Ok(pasted) => {
            if let Some(strict) = strict {
                assert_eq!(pasted, strict);
            }
            assert!(!format!("{pasted:?}").is_empty());
        }
        Err(error) => {
            assert_eq!(strict, None, "{error:#}");
            errors::in_text(&error, text);
        }
    }
}

/// Reads a text as one kind of message. It is refused for its form exactly if a naive reader refuses
/// it, and otherwise prints back as what that one read.
fn strict<T>(text: &str, naive: &Option<(String, Vec<u8>)>, prefix: &str) -> Option<T>
where
    T: FromStr<Err = Error> + TryFrom<Vec<u8>, Error = Error> + Display + Debug + PartialEq + AsRef<[u8]>,
{
    let naive = naive.as_ref().filter(|(found, _)| found == prefix).map(|(_, bytes)| bytes.as_slice());
    let read = text.parse::<T>();
    match (read, naive) {
        (Ok(message), Some(bytes)) => {
            assert_eq!(message.as_ref(), bytes);
            let joined: String = text.chars().filter(|c| *c != '+' && !c.is_whitespace()).collect();
            assert_eq!(message.to_string(), joined.to_ascii_lowercase());
            Some(message)
        }
        (Err(error), Some(bytes)) => {
            errors::in_text(&error, text);
            assert!(!is_about_form(&error), "well formed: {error:#}");
            // The bytes alone are refused for the same reason.
            let same = T::try_from(bytes.to_vec()).expect_err("the text was refused");
            assert_eq!((same.kind(), same.rule(), same.offset()), (error.kind(), error.rule(), error.offset()));
            None
        }
        (Err(error), None) => {
            errors::in_text(&error, text);
            assert!(is_about_form(&error), "malformed: {error:#}");
            None
        }
        (Ok(_), None) => panic!("malformed, and was read: {text:?}"),
    }
}

/// Whether an error is about the text, and not about the bytes it stands for.
fn is_about_form(error: &Error) -> bool {
    let rules = [Rule::Txt1, Rule::Txt3, Rule::Txt4, Rule::Txt5, Rule::Txt8];
    rules.contains(&error.rule()) || matches!(error.kind(), ErrorKind::TooLong { .. })
}

/// Reading in two steps and in one give the same.
fn two_steps<T>(text: &str)
where
    T: SignedMessage + FromStr<Err = Error> + Debug + PartialEq,
{
    let one = text.parse::<T>();
    match text.parse::<Unverified<T>>() {
        Ok(unverified) => assert_eq!(unverified.verify().ok(), one.ok()),
        Err(error) => assert_eq!(one, Err(error)),
    }
}
