//! What payer proofs cost in memory: few allocations to read, and no recursion. That the work is in proportion to their
//! length is a test in `src/payer_proof/growth.rs`, which can count it.

use std::collections::BTreeSet;

use super::counting::counted;
use super::naive::Record;
use super::sample_proofs::{Parts, answer, invoice_with, with_always};
use bolt12::PayerProof;

/// An invoice with that many records, most of them unknown and empty or short.
fn invoice(records: u64) -> Vec<Record> {
    let own = 10;
    let fields = (0..records - own).map(|at| (3_500_000_001 + 2 * at, vec![7; at as usize % 5]));
    invoice_with(answer().into_iter().chain(fields))
}

/// Which of the records to show: none that need not be, every fourth, or all.
fn choices(records: &[Record]) -> [BTreeSet<u64>; 3] {
    let numbers = || records.iter().map(|record| record.number).filter(|number| ![0, 240].contains(number));
    let every_fourth = numbers().filter(|number| number % 8 == 1);
    [with_always(records, []), with_always(records, every_fourth), numbers().collect()]
}

fn all_proofs(counts: &[u64]) -> Vec<PayerProof> {
    let of = |records: Vec<Record>| {
        choices(&records).map(|shown| {
            let proof = Parts { note: Some(b"challenge".to_vec()), ..Parts::of(&records, &shown) }.proof();
            proof.unwrap_or_else(|error| panic!("{error:#}"))
        })
    };
    counts.iter().flat_map(|count| of(invoice(*count))).collect()
}

#[test]
fn reading_a_proof_allocates_at_most_five_times() {
    // What is made once for all messages is made by the first.
    for proof in all_proofs(&[10, 11, 100, 500]) {
        let bytes = proof.as_bytes().to_vec();
        let (read, times, _) = counted(|| PayerProof::try_from(bytes));
        assert_eq!(read.unwrap(), proof);
        assert!(times <= 5, "{times} allocations for {} bytes", proof.as_bytes().len());
        for text in [proof.to_string(), format!("{proof:#}"), proof.wrapped(70).unwrap().to_string()] {
            let (read, times, _) = counted(|| text.parse::<PayerProof>());
            assert_eq!(read.unwrap(), proof);
            assert!(times <= 5, "{times} allocations for {} characters", text.len());
        }
    }
}

// TLV-6
#[test]
fn a_list_that_is_refused_allocates_nothing_of_its_own() {
    let records = invoice(10);
    let parts = Parts::of(&records, &with_always(&records, []));
    let many: [fn(&mut Parts); 3] = [
        |parts| parts.markers = (1..=50_000).collect(),
        |parts| parts.missing = vec![[0; 32]; 1800],
        |parts| parts.nonces = vec![[0; 32]; 1800],
    ];
    for spoil in many {
        let mut parts = parts.clone();
        spoil(&mut parts);
        let bytes = parts.sign();
        let len = bytes.len();
        assert!(len > 50_000);
        let (read, times, sum) = counted(|| PayerProof::try_from(bytes).map(drop));
        assert!(read.is_err());
        assert!(times <= 1 && sum < 1_000, "{sum} bytes in {times} allocations for {len} bytes");
    }
}

/// The largest proof there can be is read with the stack of a small thread.
#[test]
fn no_recursion_is_deepened_by_a_proof() {
    let records = invoice(2000);
    let proof = Parts::of(&records, &choices(&records)[1]).proof().unwrap_or_else(|error| panic!("{error:#}"));
    let bytes = proof.as_bytes().to_vec();
    let read = std::thread::Builder::new().stack_size(128 * 1024).spawn(move || PayerProof::try_from(bytes).is_ok());
    assert!(read.unwrap().join().unwrap());
}
