//! TLV streams, alone and in messages, compared with a second parser.

use super::messages::{invoice, offer, path, refund, request};
use super::naive::{self, Record, Refusal, bigsize, concat, record};
use bolt12::{
    Error, ErrorKind, Invoice, InvoiceError, InvoiceRequest, MAX_LEN, Offer, Refund, Rule, TlvStream, Unverified,
};
use proptest::prelude::*;
use proptest::sample::Index;

/// The records of any stream: types of all sizes, in order.
fn streams() -> impl Strategy<Value = Vec<Record>> {
    let number = prop_oneof![0..=300u64, 0xfff0..=0x1_0010u64, 0xffff_fff0..=0x1_0000_0010u64, any::<u64>()];
    let len = prop_oneof![0..20usize, 0xfa..0x102usize];
    let value = (any::<u8>(), len).prop_map(|(byte, len)| vec![byte; len]);
    proptest::collection::btree_map(number, value, 0..12)
        .prop_map(|fields| fields.iter().map(|(number, value)| record(*number, value)).collect())
}

/// What the crate finds in a stream, in the words of the second parser.
fn read(bytes: &[u8]) -> Result<Vec<Record>, Refusal> {
    let stream = TlvStream::read(bytes.to_vec()).map_err(|error| Refusal {
        rule: error.rule(),
        offset: error.offset().unwrap(),
        number: error.field().map(|field| field.number()),
    })?;
    let own = |record: bolt12::TlvRecord<'_>| Record {
        number: record.number(),
        value: record.value().to_vec(),
        bytes: record.as_bytes().to_vec(),
    };
    Ok(stream.records().map(own).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    // TLV-1, TLV-2, TLV-3, TLV-6
    #[test]
    fn any_bytes_are_read_or_refused_as_naively(
        bytes in proptest::collection::vec(prop_oneof![0..6u8, 0xfd..=0xffu8, any::<u8>()], 0..40)
    ) {
        prop_assert_eq!(read(&bytes), naive::parse(&bytes));
    }

    // TLV-1, TLV-2, TLV-3, TLV-6
    #[test]
    fn a_stream_with_a_mistake_is_read_or_refused_as_naively(records in streams(), at in any::<Index>(), by in any::<u8>()) {
        let mut bytes = concat(&records);
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = by;
        }
        prop_assert_eq!(read(&bytes), naive::parse(&bytes));
    }

    #[test]
    fn a_stream_is_its_records(records in streams(), other in any::<u64>(), from in any::<Index>(), to in any::<Index>()) {
        let bytes = concat(&records);
        let stream = TlvStream::read(bytes.clone()).unwrap();
        prop_assert_eq!(read(&bytes), Ok(records.clone()));
        prop_assert_eq!(stream.as_bytes(), &bytes[..]);
        prop_assert_eq!((stream.len(), stream.is_empty()), (records.len(), records.is_empty()));
        let mut at = 0;
        for (found, record) in stream.records().zip(&records) {
            prop_assert_eq!(found.offset(), at);
            at += record.bytes.len();
            prop_assert_eq!(found.value_offset(), at - record.value.len());
            prop_assert_eq!(stream.get(record.number), Some(found));
            prop_assert!(stream.contains(record.number));
        }
        // A type that is not there, most likely; and its neighbours.
        for number in records.iter().flat_map(|record| [record.number.wrapping_sub(1), record.number.wrapping_add(1)]).chain([other]) {
            let found = records.iter().find(|record| record.number == number);
            prop_assert_eq!(stream.get(number).map(|record| record.value()), found.map(|record| &record.value[..]));
            prop_assert_eq!(stream.contains(number), found.is_some());
        }
        // Ranges that start and end at records, beside them, or anywhere.
        let mut ends: Vec<u64> = records.iter().flat_map(|record| [record.number, record.number.saturating_add(1)]).collect();
        ends.extend([0, other, u64::MAX]);
        let range = *from.get(&ends)..=*to.get(&ends);
        let inside: Vec<Record> = records.iter().filter(|record| range.contains(&record.number)).cloned().collect();
        prop_assert_eq!(stream.range(&range), concat(&inside));
        prop_assert_eq!(stream.into_bytes(), bytes);
    }

    // TLV-1
    #[test]
    fn types_in_any_other_order_are_refused(records in streams(), seed in any::<Index>()) {
        prop_assume!(records.len() > 1);
        // Exchanges two records, or repeats one.
        let (a, b) = (seed.index(records.len()), seed.index(records.len() * 7) / 7);
        let mut disorder = records.clone();
        if a == b { disorder.insert(a, records[a].clone()) } else { disorder.swap(a, b) }
        let error = TlvStream::read(concat(&disorder)).unwrap_err();
        prop_assert_eq!((error.kind(), error.rule()), (&ErrorKind::NotAscending, Rule::Tlv1));
        prop_assert_eq!(read(&concat(&disorder)), naive::parse(&concat(&disorder)));
    }

    // TLV-1
    #[test]
    fn shuffled_types_are_refused((records, shuffled) in streams().prop_flat_map(|records| (Just(records.clone()), Just(records).prop_shuffle()))) {
        let found = TlvStream::read(concat(&shuffled)).map_err(|error| error.rule()).map(TlvStream::into_bytes);
        prop_assert_eq!(found, if shuffled == records { Ok(concat(&records)) } else { Err(Rule::Tlv1) });
    }

    // TLV-3
    #[test]
    fn a_stream_cut_anywhere_but_between_records_is_refused(records in streams()) {
        let bytes = concat(&records);
        let mut ends = vec![0];
        ends.extend(records.iter().scan(0, |end, record| { *end += record.bytes.len(); Some(*end) }));
        for len in 0..bytes.len() {
            match TlvStream::read(bytes[..len].to_vec()) {
                Ok(stream) => prop_assert_eq!(ends.get(stream.len()), Some(&len)),
                Err(error) => {
                    prop_assert!(!ends.contains(&len));
                    prop_assert_eq!((error.kind(), error.rule()), (&ErrorKind::Truncated, Rule::Tlv3));
                    // Where that begins which is not whole: a type, a length or a value.
                    let start = *ends.iter().rfind(|end| **end < len).unwrap();
                    prop_assert!((start..=len).contains(&error.offset().unwrap()));
                }
            }
        }
    }
}

// TLV-2
#[test]
fn a_bigsize_in_a_longer_form_is_refused() {
    let longer = |number: u64| {
        let form = |prefix: u8, digits: usize| [&[prefix], &number.to_be_bytes()[8 - digits..]].concat();
        [form(0xfd, 2), form(0xfe, 4), form(0xff, 8)].into_iter().filter(move |form| form.len() > bigsize(number).len())
    };
    for number in [0, 1, 0xfc, 0xfd, 0xffff, 0x1_0000, 0xffff_ffff] {
        for long in longer(number) {
            let error = TlvStream::read([&long[..], &[0]].concat()).unwrap_err();
            let expected = (&ErrorKind::NotMinimal, Rule::Tlv2, Some(0), None);
            assert_eq!((error.kind(), error.rule(), error.offset(), error.field()), expected);
            // As a length, with as many bytes behind it as there can be.
            let error = TlvStream::read([&[1][..], &long, &vec![0; number.min(60_000) as usize]].concat()).unwrap_err();
            let expected = (&ErrorKind::NotMinimal, Rule::Tlv2, Some(1));
            assert_eq!((error.kind(), error.rule(), error.offset()), expected);
            assert_eq!(error.field().map(|field| field.number()), Some(1));
        }
    }
    // The shortest forms at the same bounds are fine.
    for number in [0, 0xfc, 0xfd, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000, u64::MAX] {
        let stream = TlvStream::read(record(number, b"value").bytes).unwrap();
        assert_eq!(stream.get(number).unwrap().value(), b"value");
    }
    for len in [0, 0xfc, 0xfd, 0xff00] {
        assert_eq!(TlvStream::read(record(1, &vec![7; len]).bytes).unwrap().get(1).unwrap().value().len(), len);
    }
}

// D7
#[test]
fn a_stream_has_at_most_65535_bytes() {
    let longest = record(1, &vec![7; MAX_LEN - 4]).bytes;
    assert_eq!(longest.len(), 65_535);
    assert_eq!(TlvStream::read(longest).unwrap().get(1).unwrap().value().len(), MAX_LEN - 4);
    let error = TlvStream::read(record(1, &vec![7; MAX_LEN - 3]).bytes).unwrap_err();
    assert!(matches!((error.kind(), error.rule()), (ErrorKind::TooLong { .. }, Rule::D7)));
    let most = (0..16_000u64).map(|half| record(2 * half, &[])).collect::<Vec<_>>();
    assert_eq!(TlvStream::read(concat(&most)).unwrap().len(), 16_000);
}

/// A kind of message: a valid one, and its reader without curve operations.
struct Kind {
    name: &'static str,
    records: Vec<Record>,
    read: fn(Vec<u8>) -> Result<TlvStream, Error>,
    ranges: &'static [core::ops::RangeInclusive<u64>],
    range_rule: Rule,
    known: &'static [u64],
}

const OFFER: &[u64] = &[2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22];
const REQUEST: &[u64] = &[0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 80, 82, 84, 86, 88, 89, 90, 91, 240];
const INVOICE: &[u64] = &[
    0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 80, 82, 84, 86, 88, 89, 90, 91, 160, 162, 164, 166, 168, 170, 172, 174,
    176, 240,
];

fn kinds() -> [Kind; 5] {
    fn of(message: &[u8]) -> Vec<Record> {
        naive::parse(message).unwrap()
    }
    let request_ranges: &[_] = &[0..=159, 240..=1000, 1_000_000_000..=2_999_999_999];
    [
        Kind {
            name: "offer",
            records: of(offer().as_bytes()),
            read: |bytes| Offer::try_from(bytes).map(|offer| offer.tlvs().clone()),
            ranges: &[1..=79, 1_000_000_000..=1_999_999_999],
            range_rule: Rule::Tlv5,
            known: OFFER,
        },
        Kind {
            name: "request",
            records: of(request().as_bytes()),
            read: |bytes| Unverified::<InvoiceRequest>::try_from(bytes).map(|request| request.tlvs().clone()),
            ranges: request_ranges,
            range_rule: Rule::Tlv5,
            known: REQUEST,
        },
        Kind {
            name: "refund",
            records: of(refund().as_bytes()),
            read: |bytes| Unverified::<Refund>::try_from(bytes).map(|refund| refund.tlvs().clone()),
            ranges: request_ranges,
            range_rule: Rule::Tlv5,
            known: REQUEST,
        },
        Kind {
            name: "invoice",
            records: of(invoice().as_bytes()),
            read: |bytes| Unverified::<Invoice>::try_from(bytes).map(|invoice| invoice.tlvs().clone()),
            ranges: &[0..=239, 240..=1000, 1_000_000_000..=3_999_999_999],
            // D11
            range_rule: Rule::D11,
            known: INVOICE,
        },
        Kind {
            name: "invoice error",
            records: of(InvoiceError::new("no more coffee").unwrap().as_bytes()),
            read: |bytes| TlvStream::read(InvoiceError::try_from(bytes)?.as_bytes().to_vec()),
            // ERR-1
            ranges: &[0..=u64::MAX],
            range_rule: Rule::Err1,
            known: &[1, 3, 5],
        },
    ]
}

/// Records with one of them replaced, added or, without a value, left out.
fn changed(records: &[Record], number: u64, value: Option<&[u8]>) -> Vec<u8> {
    let mut records: Vec<Record> = records.iter().filter(|record| record.number != number).cloned().collect();
    let place = records.partition_point(|record| record.number < number);
    if let Some(value) = value {
        records.insert(place, record(number, value));
    }
    concat(&records)
}

/// Where the value of a record starts.
fn value_offset(bytes: &[u8], number: u64) -> usize {
    TlvStream::read(bytes.to_vec()).unwrap().get(number).unwrap().value_offset()
}

// TLV-4, TLV-5, D11, ERR-1
#[test]
fn unknown_fields_are_kept_if_odd_and_in_range() {
    let around = |number: u64| number.saturating_sub(6)..=number.saturating_add(6);
    let bounds = [1000, 1_000_000_000, 2_000_000_000, 3_000_000_000, 4_000_000_000, u64::MAX];
    let numbers: Vec<u64> = (0..=260).chain(bounds.into_iter().flat_map(around)).collect();
    for kind in kinds() {
        (kind.read)(concat(&kind.records)).unwrap_or_else(|error| panic!("{}: {error:#}", kind.name));
        let taken = |number| kind.known.contains(&number) || kind.records.iter().any(|record| record.number == number);
        for number in numbers.iter().copied().filter(|number| !taken(*number)) {
            let bytes = changed(&kind.records, number, Some(b"unknown"));
            let expected = if !kind.ranges.iter().any(|range| range.contains(&number)) {
                Some((ErrorKind::OutOfRange, kind.range_rule))
            } else if number % 2 == 0 {
                Some((ErrorKind::UnknownEvenField, Rule::Tlv4))
            } else {
                None
            };
            match ((kind.read)(bytes.clone()), expected) {
                (Ok(stream), None) => {
                    assert_eq!(stream.as_bytes(), bytes);
                    assert_eq!(stream.get(number).unwrap().as_bytes(), record(number, b"unknown").bytes);
                }
                (Err(error), Some((expected, rule))) => {
                    assert_eq!((error.kind(), error.rule()), (&expected, rule), "{} {number}", kind.name);
                    assert_eq!(error.field().map(|field| field.number()), Some(number));
                    let head = record(number, b"unknown").bytes.len() - 7;
                    assert_eq!(error.offset(), Some(value_offset(&bytes, number) - head));
                }
                (found, expected) => panic!("{} {number}: {found:?}, not {expected:?}", kind.name),
            }
        }
    }
}

// TLV-3
#[test]
fn a_message_cut_anywhere_is_refused() {
    for kind in kinds() {
        let bytes = concat(&kind.records);
        for len in 0..bytes.len() {
            match ((kind.read)(bytes[..len].to_vec()), naive::parse(&bytes[..len])) {
                (Err(error), Err(refusal)) => {
                    assert_eq!((error.rule(), error.offset()), (refusal.rule, Some(refusal.offset)));
                    assert_eq!(error.field().map(|field| field.number()), refusal.number);
                    // What is known has a name.
                    let named = refusal.number.is_some_and(|number| kind.known.contains(&number));
                    assert_eq!(error.field().and_then(|field| field.name()).is_some(), named);
                }
                // Cut between records, it lacks what it must have, if anything.
                (Err(error), Ok(_)) => assert_ne!(error.rule(), Rule::Tlv3, "{} of {len} bytes", kind.name),
                (Ok(stream), naive) => assert_eq!(naive.map(|records| concat(&records)), Ok(stream.into_bytes())),
            }
        }
    }
}

/// What is wrong with a message in which one field has another value: kind, rule, and where in the value.
#[track_caller]
fn check_value(kind: &Kind, number: u64, value: &[u8], expected: (ErrorKind, Rule, usize)) {
    let bytes = changed(&kind.records, number, Some(value));
    let error = (kind.read)(bytes.clone()).map(|_| kind.name).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&expected.0, expected.1), "{} {number}: {error:#}", kind.name);
    assert_eq!(error.field().map(|field| field.number()), Some(number));
    assert_eq!(error.offset(), Some(value_offset(&bytes, number) + expected.2), "{} {number}", kind.name);
}

// TLV-2
#[test]
fn a_number_with_needless_or_too_many_bytes_is_refused() {
    let [offer, request, refund, invoice, error] = kinds();
    let offer_numbers = [8, 14, 20].map(|number| (&offer, number, 8));
    let request_numbers = [82, 86].map(|number| (&request, number, 8));
    let invoice_numbers = [(164, 8), (166, 4), (170, 8)].map(|(number, most)| (&invoice, number, most));
    let others = [(&refund, 82, 8), (&invoice, 8, 8), (&error, 1, 8)];
    for (kind, number, most) in offer_numbers.into_iter().chain(request_numbers).chain(invoice_numbers).chain(others) {
        for needless in [&[0][..], &[0, 1], &[0, 0, 0, 1], &[0, 0xff, 0xff]] {
            check_value(kind, number, needless, (ErrorKind::NotMinimal, Rule::Tlv2, 0));
        }
        check_value(kind, number, &vec![0xff; most + 1], (ErrorKind::NumberTooLarge, Rule::Tlv2, 0));
        check_value(kind, number, &[1; 40], (ErrorKind::NumberTooLarge, Rule::Tlv2, 0));
        // As many bytes as fit are none of that, whatever other rule they break.
        if let Err(error) = (kind.read)(changed(&kind.records, number, Some(&vec![0xff; most]))) {
            assert_ne!(error.rule(), Rule::Tlv2);
        }
    }
}

// TLV-7
#[test]
fn keys_hashes_and_signatures_have_their_length() {
    let [offer, request, refund, invoice, _] = kinds();
    let fields = [
        (&offer, 22, 33),
        (&request, 22, 33),
        (&request, 80, 32),
        (&request, 88, 33),
        (&request, 240, 64),
        (&refund, 80, 32),
        (&refund, 88, 33),
        (&refund, 240, 64),
        (&invoice, 168, 32),
        (&invoice, 176, 33),
        (&invoice, 240, 64),
    ];
    for (kind, number, len) in fields {
        for wrong in [0, 1, len - 1, len + 1, 2 * len] {
            check_value(kind, number, &vec![2; wrong], (ErrorKind::InvalidLength, Rule::Tlv7, 0));
        }
    }
}

// TLV-7
#[test]
fn text_is_utf8() {
    let [offer, request, refund, invoice, error] = kinds();
    let fields =
        [(&offer, 10), (&offer, 18), (&request, 10), (&request, 89), (&refund, 18), (&invoice, 89), (&error, 5)];
    for (kind, number) in fields {
        // Each is wrong after the first two bytes.
        for wrong in [&b"ab\xff"[..], b"ab\x80cd", b"ab\xe2\x82", b"ab\xed\xa0\x80", b"ab\xf8\x88", b"ab\xc0\x80"] {
            check_value(kind, number, wrong, (ErrorKind::InvalidUtf8, Rule::Tlv7, 2));
        }
        (kind.read)(changed(&kind.records, number, Some("ab\u{10ffff}\0".as_bytes()))).unwrap();
    }
    check_value(&offer, 6, b"U\xffD", (ErrorKind::InvalidUtf8, Rule::Tlv7, 1));
}

/// Compressed forms that stand for no point: not on the curve, beyond the field, and of another form.
fn no_points() -> [[u8; 33]; 5] {
    let mut off_curve = [0; 33];
    off_curve[0] = 2;
    off_curve[32] = 5;
    let beyond = core::array::from_fn(|at| if at == 0 { 2 } else { 0xff });
    let uncompressed = core::array::from_fn(|at| if at == 0 { 4 } else { 2 });
    let infinity = [0; 33];
    [[3; 33], off_curve, beyond, uncompressed, infinity]
}

// TLV-7
#[test]
fn keys_are_points_on_the_curve() {
    fn check<T: TryFrom<Vec<u8>, Error = Error>>(records: &[Record], number: u64, value: &[u8], at: usize) {
        let bytes = changed(records, number, Some(value));
        let error = T::try_from(bytes.clone()).err().unwrap_or_else(|| panic!("{number}: {value:?}"));
        assert_eq!((error.kind(), error.rule()), (&ErrorKind::InvalidPoint, Rule::Tlv7), "{number}: {error:#}");
        assert_eq!(error.field().map(|field| field.number()), Some(number));
        assert_eq!(error.offset(), Some(value_offset(&bytes, number) + at));
    }
    let [offer, request, refund, invoice, _] = kinds();
    // Without an issuer's key, any key may have signed the invoice.
    let invoice = naive::parse(&changed(&invoice.records, 22, None)).unwrap();
    let two_paths = [path(2).as_bytes(), path(1).as_bytes()].concat();
    let first = path(2).as_bytes().len();
    // The introduction node, the path key, and the hops of each path.
    let points = [0, 33, 67, 67 + 33 + 2 + 24, first, first + 33, first + 67];
    for no_point in no_points() {
        check::<Offer>(&offer.records, 22, &no_point, 0);
        check::<InvoiceRequest>(&request.records, 88, &no_point, 0);
        check::<InvoiceRequest>(&request.records, 22, &no_point, 0);
        check::<Refund>(&refund.records, 88, &no_point, 0);
        check::<Invoice>(&invoice, 176, &no_point, 0);
        check::<Invoice>(&invoice, 88, &no_point, 0);
        for at in points {
            let mut paths = two_paths.clone();
            paths[at..at + 33].copy_from_slice(&no_point);
            // Another first byte makes another kind of introduction node.
            if at % first == 0 && !matches!(no_point[0], 2 | 3) {
                continue;
            }
            check::<Offer>(&offer.records, 16, &paths, at);
            check::<Refund>(&refund.records, 90, &paths, at);
            let payinfos = naive::parse(&changed(&invoice, 162, Some(&[0; 56]))).unwrap();
            check::<Invoice>(&payinfos, 160, &paths, at);
        }
    }
}

// TLV-3
#[test]
fn a_list_cut_anywhere_but_between_its_entries_is_refused() {
    let [offer, request, refund, invoice, _] = kinds();
    let paths = [path(2).as_bytes(), path(1).as_bytes()].concat();
    let between_paths = vec![path(2).as_bytes().len()];
    let payinfos = [vec![7; 26], vec![0, 2, 8, 0], vec![7; 26], vec![0, 0]].concat();
    let fallbacks = [&[0, 0, 20][..], &[7; 20], &[1, 0, 32], &[7; 32], &[9, 0, 0]].concat();
    let lists = [
        (&offer, 16, paths.clone(), between_paths.clone()),
        (&request, 16, paths.clone(), between_paths.clone()),
        (&refund, 90, paths.clone(), between_paths.clone()),
        (&invoice, 160, paths, between_paths),
        (&invoice, 162, payinfos, vec![30]),
        (&invoice, 172, fallbacks, vec![23, 58]),
        (&offer, 2, vec![7; 96], vec![32, 64]),
    ];
    for (kind, number, value, between) in lists {
        for len in 1..value.len() {
            let bytes = changed(&kind.records, number, Some(&value[..len]));
            let found = (kind.read)(bytes.clone()).err();
            if between.contains(&len) {
                assert!(found.is_none_or(|error| error.rule() != Rule::Tlv3));
                continue;
            }
            let error = found.unwrap_or_else(|| panic!("{} {number}, {len} bytes", kind.name));
            assert_eq!((error.rule(), error.field().map(|field| field.number())), (Rule::Tlv3, Some(number)));
            let value_at = value_offset(&bytes, number);
            assert!((value_at..=value_at + len).contains(&error.offset().unwrap()));
        }
        // What is left over at the end is the start of another entry.
        let trailing = changed(&kind.records, number, Some(&[&value[..], &[0]].concat()));
        assert_eq!((kind.read)(trailing).map(|_| kind.name).unwrap_err().rule(), Rule::Tlv3);
    }
}
