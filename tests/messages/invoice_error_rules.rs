//! The rules about invoice errors.

use super::raw::*;
use bolt12::{Error, ErrorKind, Field, InvoiceError, InvoiceRequest, MAX_LEN, Msat, Offer, Rule};
use proptest::prelude::*;

fn error() -> Raw {
    Raw::empty().with(5, "out of tea")
}

fn about(field: Field, value: &[u8]) -> Result<InvoiceError, Error> {
    InvoiceError::new("no").unwrap().about(field, Some(value))
}

// ---- Writers ----

// ERW-1
#[test]
fn an_error_says_something() {
    let refused = InvoiceError::new("").unwrap_err();
    assert_error(&refused, ErrorKind::EmptyValue, Rule::Erw1, Field::ERROR);
    assert_eq!(InvoiceError::new("out of tea").unwrap().as_bytes(), error().encode());
    // An error that was read without a text does not get one by naming a field.
    let silent: InvoiceError = Raw::empty().read();
    let refused = silent.about(Field::INVREQ_AMOUNT, None).unwrap_err();
    assert_error(&refused, ErrorKind::EmptyValue, Rule::Erw1, Field::ERROR);
    assert!(matches!(InvoiceError::new(&"x".repeat(MAX_LEN)).unwrap_err().kind(), ErrorKind::TooLong { .. }));
}

// ERW-2
#[test]
fn a_suggestion_comes_with_its_field() {
    let told = InvoiceError::new("out of tea").unwrap();
    assert_eq!((told.erroneous_field(), told.suggested_value()), (None, None));
    let named = told.clone().about(Field::INVREQ_QUANTITY, None).unwrap();
    assert_eq!(Raw::of(named.as_bytes()), error().with(1, [86]));
    let suggested = told.about(Field::INVREQ_QUANTITY, Some(&[3])).unwrap();
    assert_eq!(Raw::of(suggested.as_bytes()), error().with(1, [86]).with(3, [3]));
    // A second field takes the place of the first, and the suggestion for that goes.
    let other = suggested.about(Field::INVREQ_AMOUNT, None).unwrap();
    assert_eq!(Raw::of(other.as_bytes()), error().with(1, [82]));
}

// ERW-2, TLV-7, D5, D8, OFR-3, OFR-8, RQR-14
#[test]
fn a_suggestion_is_a_valid_value_of_its_field() {
    let off_curve = [&[2][..], &[0xff; 32]].concat();
    let mut bad_path = path();
    bad_path[1..33].fill(0xff);
    for (field, value, kind) in [
        (Field::INVREQ_AMOUNT, &[0, 1][..], ErrorKind::NotMinimal),
        (Field::INVREQ_AMOUNT, &[1; 9], ErrorKind::NumberTooLarge),
        (Field::INVOICE_RELATIVE_EXPIRY, &[1; 5], ErrorKind::NumberTooLarge),
        (Field::OFFER_DESCRIPTION, &[0xff], ErrorKind::InvalidUtf8),
        (Field::OFFER_CURRENCY, b"usd", ErrorKind::InvalidCurrency),
        (Field::INVREQ_CHAIN, &[1; 31], ErrorKind::InvalidLength),
        (Field::OFFER_CHAINS, &[], ErrorKind::NoEntries),
        (Field::INVREQ_PATHS, &[], ErrorKind::NoEntries),
        (Field::OFFER_PATHS, &path_over(&[]), ErrorKind::NoHops),
        (Field::INVREQ_BIP_353_NAME, &[1, 0xff, 0], ErrorKind::InvalidName('\u{fffd}')),
        (Field::INVOICE_PAYMENT_HASH, &[1; 33], ErrorKind::InvalidLength),
        (Field::INVOICE_BLINDEDPAY, &payinfo(&[])[1..], ErrorKind::Truncated),
        (Field::SIGNATURE, &[1; 63], ErrorKind::InvalidLength),
        (Field::INVREQ_PAYER_ID, &off_curve[1..], ErrorKind::InvalidLength),
        (Field::INVREQ_PAYER_ID, &off_curve, ErrorKind::InvalidPoint),
        (Field::OFFER_ISSUER_ID, &off_curve, ErrorKind::InvalidPoint),
        (Field::INVOICE_NODE_ID, &off_curve, ErrorKind::InvalidPoint),
        (Field::OFFER_PATHS, &bad_path, ErrorKind::InvalidPoint),
        (Field::INVREQ_PATHS, &bad_path, ErrorKind::InvalidPoint),
        (Field::INVOICE_PATHS, &bad_path, ErrorKind::InvalidPoint),
    ] {
        let refused = about(field, value).unwrap_err();
        assert_eq!((refused.kind(), refused.field()), (&kind, Some(field)), "{refused:#}");
        // A reader does not pass such a value on, either.
        let read: InvoiceError = error().with_number(1, field.number()).with(3, value).read();
        assert_eq!((read.erroneous_field(), read.suggested_value()), (Some(field), None));
    }
    for (field, value) in [
        (Field::INVREQ_AMOUNT, &[][..]),
        (Field::INVREQ_AMOUNT, &[0xff; 8]),
        (Field::OFFER_CURRENCY, b"EUR"),
        (Field::INVREQ_PAYER_ID, &point(9).serialize()),
        (Field::INVREQ_PATHS, &path()),
        (Field::INVOICE_BLINDEDPAY, &payinfo(&[2])),
        (Field::numbered(33), &[0xff; 40]),
    ] {
        assert_eq!(about(field, value).unwrap().suggested_value(), Some(value));
    }
}

// ERW-2: numbers are suggested for what they count, within what a request may hold, and read back.
#[test]
fn amounts_and_quantities_are_suggested() {
    let no = || InvoiceError::new("no").unwrap();
    let amount = no().suggest_amount(Msat(2_000)).unwrap();
    assert_eq!(
        (amount.erroneous_field(), amount.suggested_value()),
        (Some(Field::INVREQ_AMOUNT), Some(&[7, 0xd0][..]))
    );
    assert_eq!((amount.suggested_amount(), amount.suggested_quantity()), (Some(Msat(2_000)), None));
    assert_eq!(amount.error().unwrap().as_raw(), "no");
    // The last suggestion counts.
    let quantity = amount.suggest_quantity(3).unwrap();
    assert_eq!((quantity.erroneous_field(), quantity.suggested_quantity()), (Some(Field::INVREQ_QUANTITY), Some(3)));
    assert_eq!(quantity.suggested_amount(), None);
    assert_eq!(no().suggest_quantity(u64::MAX).unwrap().suggested_quantity(), Some(u64::MAX));
    for (error, kind) in [
        (no().suggest_amount(Msat(0)), ErrorKind::Zero),
        (no().suggest_amount(Msat(u64::MAX)), ErrorKind::AmountTooHigh { max: MAX_MONEY }),
        (no().suggest_quantity(0), ErrorKind::Zero),
    ] {
        assert_eq!(error.unwrap_err().kind(), &kind);
    }
    // An invoice's amount is an amount, too; what is about something else, or no number, is neither.
    assert_eq!(about(Field::INVOICE_AMOUNT, &[9]).unwrap().suggested_amount(), Some(Msat(9)));
    assert_eq!(about(Field::OFFER_AMOUNT, &[9]).unwrap().suggested_amount(), None);
    assert_eq!(error().with(1, [86]).with(3, [0, 0]).read::<InvoiceError>().suggested_quantity(), None);
}

/// All the bitcoin there will ever be.
const MAX_MONEY: Msat = Msat(2_100_000_000_000_000_000);

// ERW-1
#[test]
fn what_was_refused_is_told_with_the_field() {
    let refused = offer().without(10).refusal::<Offer>();
    let told = InvoiceError::answering(&refused).unwrap();
    assert_eq!(told.erroneous_field(), Some(Field::OFFER_DESCRIPTION));
    assert_eq!(told.error().unwrap().as_raw(), refused.to_string());
    assert_eq!(told.suggested_value(), None);
    // Whoever says no number of what is sold by number can say one.
    for raw in [request_for(offer().with(20, [5])), request_for(offer().with(20, [5])).with(86, [])] {
        let refused = raw.sign_request(&payer()).refusal::<InvoiceRequest>();
        let told = InvoiceError::answering(&refused).unwrap();
        assert_eq!((told.erroneous_field(), told.suggested_quantity()), (Some(Field::INVREQ_QUANTITY), Some(1)));
    }
    // Where no field is to blame, there is nothing to tell.
    assert!(InvoiceError::answering(&Raw::empty().refusal::<InvoiceRequest>()).is_none());
}

// ---- Readers ----

// ERR-1
#[test]
fn almost_anything_is_tolerated() {
    let silent: InvoiceError = Raw::empty().read();
    assert!(silent.error().is_none() && silent.erroneous_field().is_none());
    let empty: InvoiceError = Raw::empty().with(5, "").read();
    assert!(empty.error().unwrap().is_empty());
    let odd = [7, 81, 241, 1_001, 999_999_999, 4_000_000_001, u64::MAX];
    let raw = odd.into_iter().fold(error(), |raw, number| raw.with(number, [1]));
    let read: InvoiceError = raw.read();
    assert_eq!(read.unknown().map(|record| record.number()).collect::<Vec<_>>(), odd);
    assert_eq!(read.as_bytes(), raw.encode());
    // A suggestion without a field says nothing.
    assert_eq!(error().with(3, [1]).read::<InvoiceError>().suggested_value(), None);
    // The field may be one that is not known here.
    let foreign: InvoiceError = error().with_number(1, u64::MAX).read();
    assert_eq!(foreign.erroneous_field(), Some(Field::numbered(u64::MAX)));
}

// ERR-1, TLV-4
#[test]
fn an_unknown_even_field_is_refused() {
    for number in [0, 2, 4, 6, 240, 1_000_000_000, u64::MAX - 1] {
        let raw = error().with(number, []);
        let refused = raw.refusal::<InvoiceError>();
        let at = raw.record_at(number);
        assert_error_at(&refused, ErrorKind::UnknownEvenField, Rule::Tlv4, Field::numbered(number), at);
    }
}

// ERR-1, TLV-2, TLV-7
#[test]
fn its_own_fields_are_well_formed() {
    for (raw, kind, rule, field) in [
        (error().with(1, [0]), ErrorKind::NotMinimal, Rule::Tlv2, Field::ERRONEOUS_FIELD),
        (error().with(1, [1; 9]), ErrorKind::NumberTooLarge, Rule::Tlv2, Field::ERRONEOUS_FIELD),
        (error().with(5, [b'a', 0xff]), ErrorKind::InvalidUtf8, Rule::Tlv7, Field::ERROR),
    ] {
        assert_error(&raw.refusal::<InvoiceError>(), kind, rule, field);
    }
}

// ERR-1
#[test]
fn its_text_is_shown_with_control_characters_escaped() {
    let read: InvoiceError = Raw::empty().with(5, "no\u{1b}[2Jway\r\n\u{202e}").read();
    let text = read.error().unwrap();
    assert_eq!(text.to_string(), r"no\u{1b}[2Jway\u{d}\u{a}\u{202e}");
    assert_eq!(text.as_raw(), "no\u{1b}[2Jway\r\n\u{202e}");
    assert!(!format!("{read:?}").contains(char::is_control));
}

proptest! {
    // ERW-1, ERW-2
    #[test]
    fn what_was_written_is_read(text in ".{1,50}", number: u64, value in proptest::collection::vec(any::<u8>(), 0..40)) {
        let field = Field::numbered(number);
        let Ok(written) = InvoiceError::new(&text).unwrap().about(field, Some(&value)) else { return Ok(()) };
        let read = InvoiceError::try_from(written.as_bytes()).unwrap();
        prop_assert_eq!(read.error().unwrap().as_raw(), &*text);
        prop_assert_eq!(read.erroneous_field(), Some(field));
        prop_assert_eq!(read.suggested_value(), Some(&*value));
    }

    // ERR-1
    #[test]
    fn whatever_is_shown_has_no_control_characters(text: String) {
        let read: InvoiceError = Raw::empty().with(5, &*text).read();
        prop_assert!(!read.error().unwrap().to_string().contains(char::is_control));
    }
}
