//! Target `links`: any string as a link, a name, and what a tool prints of TXT records.

use bolt12::{
    BitcoinUri, Bolt12, ChainHash, Error, ErrorKind, HumanReadableName, Instruction, LinkFault, Offer, Pasted,
    printed_txt_records, txt_records,
};

use super::errors;

/// Bytes that are not UTF-8 are no string, and only a record.
pub fn check(data: &[u8]) {
    records(data);
    let Ok(text) = std::str::from_utf8(data) else { return };
    let name = name(text);
    let uri = uri(text);
    match Pasted::read(text) {
        Ok(Pasted::Uri(pasted)) => assert_eq!(Some(*pasted), uri),
        Ok(Pasted::Name(pasted)) => assert_eq!(Some(pasted), name, "NAM-1"),
        Ok(pasted) => assert!(name.is_none() && uri.is_none(), "{pasted:?}"),
        Err(error) => {
            assert!(name.is_none() && uri.is_none(), "{error:#}");
            errors::any(&error);
            column(&error, text);
        }
    }
    printed(text);
}

/// A column is one of the text, or behind its end.
fn column(error: &Error, text: &str) {
    let Some(column) = error.column() else { return };
    assert!((1..=text.chars().count() + 1).contains(&column), "{error:#}: not a column of {text:?}");
}

fn name(text: &str) -> Option<HumanReadableName<'_>> {
    match HumanReadableName::parse(text) {
        Ok(name) => {
            let shown = name.to_string();
            assert_eq!(shown.parse(), Ok(name.clone().into_owned()));
            let dns_name = name.dns_name().to_string();
            assert!(dns_name.is_ascii() && dns_name.ends_with('.') && !dns_name.contains(".."), "{dns_name}");
            assert!(dns_name.split('.').all(|label| label.len() <= 63), "{dns_name}");
            Some(name)
        }
        Err(error) => {
            errors::any(&error);
            column(&error, text);
            None
        }
    }
}

fn uri(text: &str) -> Option<BitcoinUri> {
    let uri: BitcoinUri = match text.parse() {
        Ok(uri) => uri,
        Err(error) => {
            errors::any(&error);
            column(&error, text);
            return None;
        }
    };
    every_part_counts(text, &uri);
    // URI-9: what is written says the same, in either case.
    let written = uri.to_string();
    assert!(written.is_ascii());
    let again: BitcoinUri = written.parse().expect("what is written is read");
    assert_eq!(again.to_string(), written);
    let upper: BitcoinUri = format!("{uri:#}").parse().expect("what is written is read");
    assert_eq!(upper.to_string().to_ascii_lowercase(), written.to_ascii_lowercase());
    assert_eq!(upper.offers().collect::<Vec<_>>(), uri.offers().collect::<Vec<_>>());

    for offer in uri.offers() {
        // URI-5
        match uri.amount_for(offer) {
            Ok(Some(amount)) => assert!(offer.amount().is_none() && uri.amount() == Some(amount)),
            Ok(None) => assert!(uri.amount().is_none() || offer.amount().is_some()),
            Err(error) => assert!(matches!(error.kind(), ErrorKind::Link(LinkFault::BelowPrice { .. }))),
        }
    }
    let unreadable = uri.instructions().iter().filter_map(|instruction| match instruction {
        Instruction::UnreadableOffer { error, .. } => Some(error),
        _ => None,
    });
    for error in unreadable {
        errors::any(error);
        column(error, text);
    }
    // URI-3, URI-7
    match uri.offer(ChainHash::BITCOIN) {
        Ok(offer) => {
            assert_eq!(uri.offers().find(|offer| offer.supports_chain(ChainHash::BITCOIN)), Some(offer));
            assert!(uri.proof_of_payment().is_none_or(|pop| !pop.is_required()));
            assert_eq!(text.parse(), Ok(Bolt12::from(offer.clone())));
        }
        Err(error) => errors::any(&error),
    }
    if let Ok((_, Some(pop))) = uri.offer_and_pop(ChainHash::BITCOIN) {
        assert!(pop.may_be_opened());
    }
    Some(uri)
}

/// URI-2, URI-3, URI-6: each key and value is somewhere, and none must be known that is not.
fn every_part_counts(text: &str, uri: &BitcoinUri) {
    let trimmed = text.trim_matches(|c: char| c.is_whitespace() || "\"'\u{feff}".contains(c));
    let rest = trimmed.split('#').next().unwrap_or_default();
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    let parts = query.split('&').filter(|part| !part.is_empty()).count();
    let once = [uri.amount().is_some(), uri.label().is_some(), uri.message().is_some()];
    let once = once.into_iter().chain([uri.proof_of_payment().is_some()]).filter(|is_there| *is_there).count();
    assert_eq!(uri.instructions().len() + uri.ignored().count() + once, parts, "{text:?}");
    assert!(uri.ignored().all(|(key, _)| !key.as_raw().starts_with("req-")), "{text:?}");
}

fn printed(text: &str) {
    match printed_txt_records(text) {
        // NAM-4
        Ok(uri) => assert!(uri.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("bitcoin:"))),
        Err(error) => errors::any(&error),
    }
}

/// NAM-4: the lines of the input as records of a name.
fn records(data: &[u8]) {
    let records: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let counts = |record: &&&[u8]| record.len() >= 8 && record[..8].eq_ignore_ascii_case(b"bitcoin:");
    let counted: Vec<_> = records.iter().filter(counts).collect();
    let found = txt_records(&records);
    match (counted.as_slice(), found) {
        ([one], Ok(uri)) => assert_eq!(uri.as_bytes(), **one),
        ([one], Err(error)) => {
            assert_eq!(error.kind(), &ErrorKind::InvalidUtf8);
            assert!(std::str::from_utf8(one).is_err());
        }
        ([], Err(error)) => assert_eq!(error.kind(), &ErrorKind::Link(LinkFault::NoPaymentRecord)),
        (_, Err(error)) => assert_eq!(error.kind(), &ErrorKind::Link(LinkFault::SeveralPaymentRecords)),
        (_, Ok(uri)) => panic!("{uri:?} of {} records", counted.len()),
    }
}

/// A link for each kind of part, and names.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let offer = "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese";
    assert!(offer.parse::<Offer>().is_ok());
    let address = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
    let seeds = [
        ("offer", format!("bitcoin:?lno={offer}")),
        ("upper", format!("BITCOIN:?LNO={}&LABEL=TEA", offer.to_uppercase())),
        (
            "all",
            format!(
                "bitcoin:{address}?amount=0.5&label=a%20b&message=%C3%A9&pop=wallet:x&lno={offer}&sp=sp1&pay=p&bc={address}&x=1#y"
            ),
        ),
        ("required", format!("bitcoin:?req-lno={offer}&req-pop=wallet:x&req-x=1")),
        ("other-letters", "bitcoin:?\u{df}\u{131}=1&\u{c9}=2".to_owned()),
        ("no-value", "bitcoin:?amount".to_owned()),
        ("broken-code", format!("bitcoin:?lno={offer}%&label=%ff")),
        ("lightning", format!("lightning:{offer}")),
        ("name", "\u{20bf}alice@example.com".to_owned()),
        ("name-link", "lightning:%E2%82%BFalice@example.com".to_owned()),
        ("name-like-an-invoice", "lnbcfan@example.com".to_owned()),
        ("long-label", format!("{}@example.com", "a".repeat(64))),
        ("dig", format!("\"v=spf1\"\n\"bitcoin:?lno={}\" \"{}\"\n", &offer[..20], &offer[20..])),
        ("dig-bytes", "\"\\255\"\n\"bitcoin:\\195\\169\"".to_owned()),
        ("records", "v=spf1\nbitcoin:?a\nBITCOIN:?b".to_owned()),
    ];
    let mut seeds: Vec<_> = seeds.into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes())).collect();
    seeds.push(("records-bytes".to_owned(), b"\xff\xfe\nbitcoin:?x".to_vec()));
    seeds
}
