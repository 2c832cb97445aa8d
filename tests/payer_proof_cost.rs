//! What payer proofs cost: few allocations to read, time in proportion to their length, and no recursion.

#[path = "common/counting.rs"]
mod counting;
#[path = "common/naive.rs"]
mod naive;
#[path = "common/proofs.rs"]
mod proofs;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bolt12::{ChainHash, Invoice, MAX_LEN, PayerProof, PayerProofBuilder};
use counting::counted;
use naive::Record;
use proofs::{Parts, answer, invoice_with, payer, preimage, read, with_always};

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

/// The shortest of some runs, which is the least disturbed.
fn shortest(mut run: impl FnMut()) -> Duration {
    let times = (0..7).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed()
    });
    times.min().unwrap()
}

/// Time that grows with the square would be 16 times as long for four times as many records. A machine that is
/// busy elsewhere gets more tries.
fn is_linear(what: &str, run: impl Fn(u64) -> Duration) {
    let mut tries = Vec::new();
    let is_done = (0..5).any(|_| {
        let times = [500, 1000, 2000].map(&run);
        tries.push(times);
        times[2] < times[0] * 9
    });
    assert!(is_done, "{what}: {tries:?} for 500, 1000 and 2000 records");
}

fn sized(records: u64, choice: usize) -> (Invoice, BTreeSet<u64>, PayerProof) {
    let records = invoice(records);
    let shown = choices(&records)[choice].clone();
    let proof = Parts::of(&records, &shown).proof().unwrap_or_else(|error| panic!("{error:#}"));
    (read(&records), shown, proof)
}

#[test]
fn reading_takes_time_in_proportion_to_the_records() {
    // All of 2000 would not fit into a message: a leaf hash for each.
    for choice in [0, 1] {
        is_linear("reading", |records| {
            let (_, _, proof) = sized(records, choice);
            assert!(proof.as_bytes().len() <= MAX_LEN);
            shortest(|| assert!(PayerProof::try_from(proof.as_bytes()).is_ok()))
        });
    }
}

#[test]
fn building_takes_time_in_proportion_to_the_records() {
    for choice in [0, 1] {
        is_linear("building", |records| {
            let (invoice, shown, proof) = sized(records, choice);
            shortest(|| {
                let minimal = PayerProofBuilder::minimal(&invoice, preimage());
                let builder = shown.iter().fold(minimal, |builder, n| builder.reveal(bolt12::Field::numbered(*n)));
                assert_eq!(builder.build().unwrap().sign(&payer()).unwrap(), proof);
            })
        });
    }
}

#[test]
fn asking_takes_time_in_proportion_to_the_records() {
    use bolt12::{Expectation, ExpectedPayee, Field, Msat, Offer};
    is_linear("asking", |records| {
        let (invoice, _, proof) = sized(records, 1);
        let offer = invoice.offer().records().flat_map(|record| record.as_bytes().to_vec()).collect::<Vec<_>>();
        let offer = Offer::try_from(offer).unwrap();
        let expectation = Expectation {
            payee: ExpectedPayee::Offer(&offer),
            chain: ChainHash::BITCOIN,
            min_amount: Msat(1),
            note: None,
        };
        shortest(|| {
            for number in [10, 89, 3_000_000_003] {
                proof.disclosure(Field::numbered(number));
            }
            assert!(proof.check(&expectation).is_err());
        })
    });
}

/// The largest proof there can be is read with the stack of a small thread.
#[test]
fn no_recursion_is_deepened_by_a_proof() {
    let (_, _, proof) = sized(2000, 1);
    let bytes = proof.as_bytes().to_vec();
    let read = std::thread::Builder::new().stack_size(128 * 1024).spawn(move || PayerProof::try_from(bytes).is_ok());
    assert!(read.unwrap().join().unwrap());
}
