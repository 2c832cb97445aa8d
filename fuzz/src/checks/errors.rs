//! What holds for every error, whatever caused it.

use bolt12::{Error, ErrorKind, InvoiceError, Rule, Text};

/// An error about bytes: everything it says can be read, and the offset lies within them.
pub fn in_bytes(error: &Error, bytes: &[u8]) {
    any(error);
    assert_eq!(error.column(), None, "{error:#}");
    if let Some(offset) = error.offset() {
        assert!(offset <= bytes.len(), "{error:#}, of {} bytes", bytes.len());
    }
}

/// An error about text: the column is one of the text, and is that of the character to blame.
pub fn in_text(error: &Error, text: &str) {
    any(error);
    assert!(error.offset().is_none() || error.column().is_some(), "an offset without a column: {error:#}");
    let Some(column) = error.column() else { return };
    assert!(column >= 1, "{error:#}");
    // What a link lacks is missing at its end.
    if matches!(error.kind(), ErrorKind::Link(_)) && column == text.chars().count() + 1 {
        return;
    }
    // An empty text has no column but that of its end.
    let mut from_there = text.chars();
    if column > 1 {
        from_there.nth(column - 2);
    }
    let Some(found) = from_there.next() else { panic!("{error:#}: not a column of {text:?}") };
    let start = text.trim_start().trim_start_matches(['"', '\'']).to_ascii_lowercase();
    let is_uri = start.starts_with("bitcoin:") || start.starts_with("lightning:");
    // In a URI, a character may be escaped.
    let found = match found {
        '%' if is_uri => escaped(from_there.as_str()).unwrap_or(found),
        _ => found,
    };
    match error.kind() {
        ErrorKind::InvalidCharacter(blamed) => assert_eq!(found, *blamed, "{error:#}"),
        ErrorKind::InvalidContinuation => assert_eq!(found, '+', "{error:#}"),
        ErrorKind::UnexpectedWhitespace => assert!(found.is_whitespace(), "{error:#}"),
        ErrorKind::MixedCase => assert!(found.is_ascii_alphabetic(), "{error:#}"),
        _ => {}
    }
}

/// The character whose code in hexadecimal begins behind a percent sign: `e2%82%bf…` is ₿.
fn escaped(text: &str) -> Option<char> {
    let bytes: Vec<_> = text.split('%').map_while(|code| u8::from_str_radix(code.get(..2)?, 16).ok()).take(4).collect();
    let chunk = bytes.utf8_chunks().next()?;
    chunk.valid().chars().next()
}

/// What holds for errors of builders and checks too.
pub fn any(error: &Error) {
    let (sentence, detail) = (error.to_string(), format!("{error:#}"));
    assert!(!sentence.is_empty());
    assert!(detail.starts_with(&sentence) && detail.ends_with(&format!("rule {})", error.rule())), "{detail}");
    // A person can be shown the sentence: nothing in it needs an escape.
    assert_eq!(Text::new(&sentence).to_string(), sentence);
    assert!(!error.kind().code().is_empty());
    assert!(Rule::ALL.contains(&error.rule()));
    assert!(!format!("{error:?}").is_empty());

    // What the peer is told can be read by the peer.
    let answer = InvoiceError::answering(error);
    let is_limit = matches!(
        error.kind(),
        ErrorKind::AmountTooHigh { .. } | ErrorKind::OffPrice { .. } | ErrorKind::NoPathWithin { .. }
    );
    let is_of_rates = matches!(
        error.kind(),
        ErrorKind::LimitNeeded { .. }
            | ErrorKind::RateNeeded { .. }
            | ErrorKind::WrongCurrency { .. }
            | ErrorKind::StaleRate { .. }
            | ErrorKind::DeadlinePassed { .. }
    );
    let is_own = error.rule().id().as_bytes().get(2) == Some(&b'W') || is_of_rates;
    // A limit may be told whoever set it.
    if !(is_own && is_limit) {
        assert_eq!(answer.is_some(), error.field().is_some() && !is_own, "{error:#}");
    }
    if let Some(answer) = answer {
        let read = InvoiceError::try_from(answer.as_bytes()).expect("what was built can be read");
        assert_eq!(read.erroneous_field(), error.field());
        let told = read.error().expect("a text").as_raw();
        // What the limit is, is nobody else's business.
        match is_limit {
            true => assert!(!told.contains(|c: char| c.is_ascii_digit()), "{told}"),
            false => assert_eq!(told, sentence),
        }
    }
}
