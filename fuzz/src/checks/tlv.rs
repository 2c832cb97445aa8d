//! Target `tlv`: bytes as a stream of records.

use std::collections::BTreeSet;

use bolt12::{ErrorKind, MAX_LEN, TlvStream};

use super::{errors, naive};

/// The stream is read exactly if a naive reader reads it, and the index agrees with what that one
/// found.
pub fn check(data: &[u8]) {
    let expected = naive::records(data).filter(|_| data.len() <= MAX_LEN);
    let (stream, expected) = match (TlvStream::read(data.to_vec()), expected) {
        (Ok(stream), Some(expected)) => (stream, expected),
        (Err(error), None) => {
            errors::in_bytes(&error, data);
            assert_eq!(matches!(error.kind(), ErrorKind::TooLong { .. }), data.len() > MAX_LEN, "{error:#}");
            return;
        }
        (Ok(_), None) => panic!("malformed, and was read"),
        (Err(error), Some(_)) => panic!("well formed, and was refused: {error:#}"),
    };
    assert_eq!(stream.as_bytes(), data);
    assert_eq!((stream.len(), stream.is_empty()), (expected.len(), data.is_empty()));
    assert_eq!(stream.records().flat_map(|record| record.as_bytes().iter().copied()).collect::<Vec<_>>(), data);
    assert!(stream.records().rev().map(|record| record.number()).eq(expected.iter().rev().map(|record| record.number)));
    let types: BTreeSet<u64> = expected.iter().map(|record| record.number).collect();
    for (record, expected) in stream.records().zip(&expected) {
        assert_eq!(record.number(), expected.number);
        assert_eq!(record.offset(), expected.start);
        assert_eq!(record.value_offset(), expected.value);
        assert_eq!(record.as_bytes(), &data[expected.start..expected.end]);
        assert_eq!(record.value(), &data[expected.value..expected.end]);
        for number in [expected.number.saturating_sub(1), expected.number, expected.number.saturating_add(1)] {
            let found = stream.get(number);
            assert_eq!(found.is_some(), types.contains(&number), "{number}");
            assert_eq!(found.is_some(), stream.contains(number), "{number}");
            assert!(found.is_none_or(|found| found.number() == number), "{number}");
        }
        assert_eq!(stream.get(expected.number), Some(record));
    }
    // Each range that starts and ends at or beside one of a few records.
    let edges: Vec<u64> =
        [0, u64::MAX]
            .into_iter()
            .chain(
                expected.iter().take(2).chain(expected.iter().rev().take(2)).flat_map(|record| {
                    [record.number.saturating_sub(1), record.number, record.number.saturating_add(1)]
                }),
            )
            .collect();
    for (from, to) in edges.iter().flat_map(|from| edges.iter().map(move |to| (*from, *to))) {
        let within = expected.iter().filter(|record| (from..=to).contains(&record.number));
        let bytes: Vec<u8> = within.flat_map(|record| data[record.start..record.end].iter().copied()).collect();
        assert_eq!(stream.range(&(from..=to)), bytes, "{from}..={to}");
    }
    assert!(!format!("{stream:?}").is_empty());
    assert_eq!(stream.into_bytes(), data);
}
