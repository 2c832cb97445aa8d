//! Payer proofs side by side with the `lightning` crate: what one makes the other reads, the same choices give
//! the same bytes, and what one refuses the other refuses, but for the differences listed here.

#[path = "../../tests/common/naive.rs"]
mod naive;
#[path = "../../tests/common/proofs.rs"]
mod proofs;

use std::collections::BTreeSet;

use bolt12::bitcoin::hashes::Hash;
use bolt12::secp256k1::Secp256k1;
use bolt12::{Field, PayerProof, PayerProofBuilder};
use lightning::offers::invoice::Bolt12Invoice;
use lightning::offers::payer_proof::{self, PaidBolt12Invoice, PayerProofError, UnsignedPayerProof};
use lightning::types::payment::PaymentPreimage;
use naive::{Record, concat, record};
use proofs::{AMOUNT, PREIMAGE, Parts, answer, invoice_with, numbers, payer, preimage, read, subsets, with_always};
use proptest::prelude::*;

/// What `lightning` makes of the same invoice.
fn theirs(
    invoice: &[Record],
    shown: &BTreeSet<u64>,
    note: Option<&str>,
) -> Result<payer_proof::PayerProof, PayerProofError> {
    let invoice = Bolt12Invoice::try_from(concat(invoice)).unwrap_or_else(|error| panic!("{error:?}"));
    let builder = PaidBolt12Invoice::Bolt12Invoice(invoice).prove_payer(PaymentPreimage(PREIMAGE))?;
    let builder = shown.iter().try_fold(builder, |builder, number| builder.include_type(*number))?;
    let builder = match note {
        Some(note) => builder.with_proof_note(note.to_owned()),
        None => builder,
    };
    let sign = |proof: &UnsignedPayerProof| {
        Ok(Secp256k1::new().sign_schnorr_no_aux_rand(proof.as_ref().as_digest(), &payer()))
    };
    Ok(builder.build()?.sign(sign).unwrap())
}

fn ours(invoice: &[Record], shown: &BTreeSet<u64>, note: &str) -> Result<PayerProof, bolt12::Error> {
    let invoice = read(invoice);
    let minimal = PayerProofBuilder::minimal(&invoice, preimage()).note(note);
    let proof = shown.iter().fold(minimal, |proof, number| proof.reveal(Field::numbered(*number)));
    proof.build()?.sign(&payer())
}

fn they_read(bytes: &[u8]) -> bool {
    payer_proof::PayerProof::try_from(bytes.to_vec()).is_ok()
}

fn we_read(bytes: &[u8]) -> bool {
    PayerProof::try_from(bytes).is_ok()
}

fn invoices() -> Vec<Vec<Record>> {
    let text = |number, text: &str| (number, text.as_bytes().to_vec());
    vec![
        invoice_with(answer().into_iter().chain([(174, vec![2, 0, 0])])),
        invoice_with([(8, AMOUNT.to_vec()), text(10, "tea"), text(18, "a shop"), answer()[0].clone()]),
        invoice_with([text(10, "a cup that broke"), (82, AMOUNT.to_vec()), text(89, "sorry")]),
        invoice_with(answer().into_iter().chain([text(239, "last"), text(1_000_000_001, "first")])),
        invoice_with(
            answer().into_iter().chain([text(2_000_000_001, "a request's"), text(3_000_000_001, "an invoice's")]),
        ),
    ]
}

#[test]
fn the_same_choices_give_the_same_bytes() {
    for invoice in invoices() {
        let free: Vec<u64> = numbers(&invoice).into_iter().filter(|number| *number != 0).collect();
        let free: Vec<u64> = free.into_iter().filter(|number| !proofs::ALWAYS.contains(number)).collect();
        for shown in subsets(&free) {
            let (ours, theirs) = (ours(&invoice, &shown, "").unwrap(), theirs(&invoice, &shown, None).unwrap());
            assert_eq!(hex::encode(ours.as_bytes()), hex::encode(theirs.bytes()), "{shown:?}");
            assert_eq!(ours.to_string(), theirs.to_string());
        }
    }
}

#[test]
fn each_reads_what_the_other_makes_and_sees_the_same() {
    for invoice in invoices() {
        for shown in [with_always(&invoice, []), with_always(&invoice, [10, 18, 164, 170])] {
            let ours = ours(&invoice, &shown, "challenge 17").unwrap();
            let theirs = theirs(&invoice, &shown, Some("challenge 17")).unwrap();
            let (read_by_them, read_by_us): (payer_proof::PayerProof, PayerProof) =
                (ours.to_string().parse().unwrap(), theirs.to_string().parse().unwrap());
            assert_eq!(read_by_us, ours);
            assert_eq!(read_by_them.bytes(), theirs.bytes());
            assert_eq!(read_by_them.merkle_root().to_byte_array(), naive::root(&invoice));
            assert_eq!(read_by_them.payer_signing_pubkey(), read_by_us.payer_id());
            assert_eq!(read_by_them.issuer_signing_pubkey(), read_by_us.node_id());
            assert_eq!(read_by_them.payment_hash().0, read_by_us.payment_hash().to_byte_array());
            assert_eq!(read_by_them.payment_preimage().0, read_by_us.preimage().0);
            assert_eq!(read_by_them.invoice_amount_msats(), read_by_us.amount().map(|amount| amount.0));
            assert_eq!(
                read_by_them.invoice_created_at().map(|at| at.as_secs()),
                read_by_us.created_at().map(|at| at.0)
            );
            let description = read_by_us.offer().description().map(|text| text.as_raw());
            assert_eq!(read_by_them.offer_description().map(|text| text.0), description);
            assert_eq!(read_by_them.offer_issuer().map(|text| text.0), read_by_us.offer().issuer().map(|t| t.as_raw()));
            assert_eq!(read_by_them.proof_note().map(|text| text.0), Some("challenge 17"));
        }
    }
}

/// What is read by one and refused by the other.
struct Difference {
    case: &'static str,
    we_read: bool,
    reason: &'static str,
}

const fn differs(case: &'static str, we_read: bool, reason: &'static str) -> Difference {
    Difference { case, we_read, reason }
}

/// Cases in which only one of the two reads a proof.
const DIFFERENCES: &[Difference] = &[
    differs("2: empty", false, "OFR-3: a list of chains names at least one"),
    differs("6: lower case", false, "D5: a currency is three capital letters"),
    differs("16: empty", false, "D8: a list of paths holds at least one"),
    differs("90: empty", false, "D8: a list of paths holds at least one"),
    differs("160: empty", false, "D8: a list of paths holds at least one"),
    differs("236: empty", false, "TLV-4: even, and only known from static invoices, which nobody can prove"),
    differs("236: a path", false, "TLV-4: even, and only known from static invoices, which nobody can prove"),
];

/// Ways in which a builder is stricter or writes something else.
#[test]
fn builders_differ_where_it_is_meant() {
    let invoice = &invoices()[0];
    // A field that the invoice does not have: we say so, they leave it out.
    let absent = with_always(invoice, []).into_iter().chain([18]).collect();
    assert_eq!(ours(invoice, &absent, "").unwrap_err().rule(), bolt12::Rule::Ppw2);
    assert_eq!(
        theirs(invoice, &absent, None).unwrap().bytes(),
        ours(invoice, &with_always(invoice, []), "").unwrap().as_bytes()
    );
    // An empty note: we leave it out (OFW-6), they write it; both read it.
    let empty = theirs(invoice, &absent, Some("")).unwrap();
    assert_eq!(PayerProof::try_from(empty.bytes()).unwrap().note().unwrap().as_raw(), "");
    // What no proof shows: both refuse (PPW-2), but for a type above all ranges, which they take and leave out.
    for number in [0, 240, 1000, 1001, 999_999_999] {
        let shown = BTreeSet::from([number]);
        assert!(matches!(theirs(invoice, &shown, None), Err(PayerProofError::DisallowedTlvType(_))), "{number}");
        assert_eq!(ours(invoice, &shown, "").unwrap_err().rule(), bolt12::Rule::Ppw2, "{number}");
    }
    let above = BTreeSet::from([4_000_000_000]);
    assert_eq!(ours(invoice, &above, "").unwrap_err().rule(), bolt12::Rule::Ppw2);
    assert!(theirs(invoice, &above, None).is_ok());
}

/// An invoice in which one field has another value, and a proof that shows all of it; the payee and the payer
/// signed whatever it was.
fn showing(number: u64, value: &[u8]) -> Vec<u8> {
    let fields = [(10, b"tea".to_vec()), (174, vec![2, 0, 0])];
    let invoice = invoice_with(answer().into_iter().chain(fields).chain([(number, value.to_vec())]));
    Parts::of(&invoice, &numbers(&invoice).into_iter().filter(|number| *number != 0).collect()).sign()
}

/// The proof to spoil.
fn whole() -> Parts {
    let invoice = &invoices()[3];
    Parts::of(invoice, &with_always(invoice, [22, 164, 1_000_000_001]))
}

/// Proofs with something odd in them, by name.
fn cases() -> Vec<(String, Vec<u8>)> {
    let key = proofs::point(&payer());
    let path = proofs::path(b"some path's data");
    let no_hops = [&key[..], &key, &[0]].concat();
    let values: [(&str, Vec<u8>); 14] = [
        ("empty", vec![]),
        ("a zero", vec![0]),
        ("a one", vec![1]),
        ("two bytes", vec![0x81, 0]),
        ("lower case", b"usd".to_vec()),
        ("upper case", b"USD".to_vec()),
        ("no UTF-8", vec![b't', 0xff]),
        ("nine bytes", vec![1; 9]),
        ("32 bytes", vec![2; 32]),
        ("33 bytes", vec![5; 33]),
        ("a key", key),
        ("a path", path.clone()),
        ("half a path", path[..90].to_vec()),
        ("a path without hops", no_hops),
    ];
    let known = [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 80, 82, 84, 86, 89, 90, 91, 160, 162, 164, 166, 170, 172, 174];
    let unknown = [1, 24, 79, 92, 93, 158, 159, 178, 179, 236, 238, 239, 1_000_000_000, 1_000_000_001, 1_999_999_998];
    let more = [2_000_000_000, 2_999_999_999, 3_000_000_000, 3_999_999_999, 4_000_000_000, 4_000_000_001];
    let mut cases = Vec::new();
    for number in known.into_iter().chain(unknown).chain(more) {
        cases.extend(values.iter().map(|(name, value)| (format!("{number}: {name}"), showing(number, value))));
    }
    let mut add = |name: &str, spoil: &dyn Fn(&mut Vec<Record>)| {
        let mut records = whole().records();
        spoil(&mut records);
        records.sort_by_key(|record| record.number);
        cases.push((name.to_owned(), proofs::sign(records, &payer())));
    };
    for number in [242, 243, 999, 1000, 1006, 1007, 999_999_998, 999_999_999] {
        add(&format!("{number} among the proof's own"), &|records| records.push(record(number, b"?")));
    }
    for number in [88, 168, 176, 240, 1001, 1002, 1003, 1004] {
        add(&format!("{number} left out"), &|records| records.retain(|record| record.number != number));
        add(&format!("{number} empty"), &|records| {
            records.iter_mut().filter(|old| old.number == number).for_each(|old| *old = record(number, &[]));
        });
        add(&format!("{number} longer"), &|records| {
            let longer = |old: &Record| record(number, &[&old.value[..], &[0]].concat());
            records.iter_mut().filter(|old| old.number == number).for_each(|old| *old = longer(old));
        });
    }
    add("the metadata shown", &|records| records.push(record(0, &[0x10; 16])));
    add("a note that is no UTF-8", &|records| records.push(record(1005, &[0xff])));
    add("an empty note", &|records| records.push(record(1005, &[])));
    add("a note", &|records| records.push(record(1005, b"challenge 17")));
    let mut add = |name: &str, spoil: &dyn Fn(&mut Parts)| {
        let mut parts = whole();
        spoil(&mut parts);
        cases.push((name.to_owned(), parts.sign()));
    };
    add("nothing", &|_| {});
    add("no leaf hash", &|parts| drop(std::mem::take(&mut parts.nonces)));
    add("another leaf hash", &|parts| parts.nonces[0] = [0; 32]);
    add("a leaf hash more", &|parts| parts.nonces.push([0; 32]));
    add("leaf hashes swapped", &|parts| parts.nonces.swap(0, 1));
    add("another missing hash", &|parts| parts.missing[0] = [0; 32]);
    add("a missing hash more", &|parts| parts.missing.push([0; 32]));
    add("a missing hash less", &|parts| parts.missing.truncate(1));
    add("missing hashes swapped", &|parts| parts.missing.swap(0, 1));
    add("another preimage", &|parts| parts.preimage[0] ^= 1);
    cases
}

#[test]
fn both_read_and_refuse_the_same_but_for_listed_differences() {
    let (mut read, mut refused, mut listed) = (0, 0, BTreeSet::new());
    let mut unlisted = Vec::new();
    for (case, proof) in cases() {
        let (ours, theirs) = (PayerProof::try_from(&proof[..]), payer_proof::PayerProof::try_from(proof.clone()));
        let difference = DIFFERENCES.iter().find(|difference| difference.case == case);
        match (ours.is_ok(), theirs.is_ok(), difference) {
            (true, true, None) => read += 1,
            (false, false, None) => refused += 1,
            (we_read, they_read, Some(difference)) if we_read != they_read && we_read == difference.we_read => {
                listed.insert(difference.case);
            }
            _ => unlisted.push(format!("{case}: we say {:?}, they say {:?}", ours.map(drop), theirs.map(drop))),
        }
    }
    assert!(unlisted.is_empty(), "{}", unlisted.join("\n"));
    assert_eq!(listed.len(), DIFFERENCES.len(), "a difference is gone");
    assert!(DIFFERENCES.iter().all(|difference| !difference.reason.is_empty()));
    assert!(read > 50 && refused > 200, "{read} read, {refused} refused");
}

// PPR-1, PPR-2, PPR-3, PPR-4, PPR-5, PPR-6, PPR-7
#[test]
fn both_refuse_every_change_of_a_single_bit() {
    let invoice = &invoices()[1];
    let proof = ours(invoice, &with_always(invoice, [10]), "challenge").unwrap();
    assert!(they_read(proof.as_bytes()) && we_read(proof.as_bytes()));
    for bit in 0..proof.as_bytes().len() * 8 {
        let mut changed = proof.as_bytes().to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!we_read(&changed) && !they_read(&changed), "bit {bit}");
    }
}

proptest! {
    // PPR-3, PPR-5
    #[test]
    fn both_judge_any_list_of_markers_in_the_same_way(
        markers in proptest::collection::vec(
            prop_oneof![0u64..4, 20u64..26, 87u64..93, 163u64..181, 237u64..242, 999_999_999u64..1_000_000_004], 0..8),
        sorted in any::<bool>(),
        keep in any::<bool>(),
    ) {
        let mut parts = whole();
        parts.markers = if keep { [parts.markers, markers].concat() } else { markers };
        if sorted {
            parts.markers.sort_unstable();
            parts.markers.dedup();
        }
        let bytes = parts.sign();
        prop_assert_eq!(we_read(&bytes), they_read(&bytes), "{:?}", parts.markers);
    }
}
