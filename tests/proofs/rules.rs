//! The rules of payer proofs one by one: choices that cannot be made, and proofs that are refused, each spoiled
//! in one way and signed by the payer all the same.

use std::collections::BTreeSet;

use super::naive::{self, Record, record};
use super::proofs::{self, AMOUNT, Parts, answer, invoice_with, key, numbers, payer, preimage, read, with_always};
use bolt12::secp256k1::{Keypair, Message, Secp256k1, schnorr};
use bolt12::{Error, ErrorKind, Field, Invoice, PayerProof, PayerProofBuilder, Preimage, Rule, Unverified};
use proptest::prelude::*;

/// An invoice with something in every range, and a signature of a kind that nobody knows.
fn invoice() -> Vec<Record> {
    let text = |number, text: &str| (number, text.as_bytes().to_vec());
    let mut records = invoice_with(answer().into_iter().chain([
        text(10, "a description"),
        text(18, "an issuer"),
        (174, vec![2, 0, 0]),
        text(239, "the last below the signatures"),
        text(1_000_000_001, "an offer's"),
        text(2_000_000_001, "a request's"),
        text(3_000_000_001, "an invoice's"),
    ]));
    records.push(record(243, b"a signature of another kind"));
    records.sort_by_key(|record| record.number);
    records
}

/// A proof of it with runs of markers before, between and behind what is shown, and over the gap.
fn parts() -> Parts {
    let invoice = invoice();
    Parts::of(&invoice, &with_always(&invoice, [18, 239, 2_000_000_001]))
}

/// The rule for which a spoiled proof is refused; the payer signed it.
fn refused(spoil: impl FnOnce(&mut Parts)) -> Error {
    let mut parts = parts();
    spoil(&mut parts);
    parts.proof().map(drop).unwrap_err()
}

fn is(error: &Error, rule: Rule, field: u64) -> bool {
    error.rule() == rule && error.field().map(|field| field.number()) == Some(field)
}

/// The same for records that were changed.
fn refused_records(spoil: impl FnOnce(&mut Vec<Record>)) -> Error {
    let mut records = parts().records();
    spoil(&mut records);
    records.sort_by_key(|record| record.number);
    PayerProof::try_from(proofs::sign(records, &payer())).map(drop).unwrap_err()
}

fn build(change: impl FnOnce(PayerProofBuilder<'_>) -> PayerProofBuilder<'_>) -> Result<Vec<u64>, Error> {
    let invoice = read(&invoice());
    let builder = change(PayerProofBuilder::minimal(&invoice, preimage()));
    let preview = builder.preview();
    let built = builder.build();
    assert_eq!(preview.as_ref().err(), built.as_ref().err(), "a preview fails as building does");
    built.map(|unsigned| naive::parse(unsigned.as_bytes()).unwrap().iter().map(|record| record.number).collect())
}

#[test]
fn the_proof_to_spoil_is_valid() {
    assert_eq!(parts().markers, [1, 19, 20, 89, 90, 91, 169, 1_000_000_000, 2_000_000_002]);
    parts().proof().unwrap_or_else(|error| panic!("{error:#}"));
}

// PPW-1
#[test]
fn what_every_proof_shows_is_shown_and_cannot_be_hidden() {
    let minimal = [88, 168, 174, 176, 240, 1001, 1002, 1003, 1004];
    assert_eq!(build(|proof| proof).unwrap(), minimal);
    for number in [88, 168, 174, 176] {
        let error = build(|proof| proof.hide(Field::numbered(number))).unwrap_err();
        assert!(is(&error, Rule::Ppw1, number) && *error.kind() == ErrorKind::CannotBeHidden, "{error:#}");
        assert!(error.field().unwrap().name().is_some(), "{error:#}");
        // Nor does a later choice undo it.
        assert_eq!(
            build(|proof| proof.hide(Field::numbered(number)).reveal(Field::numbered(number))).unwrap_err(),
            error
        );
        // It may be named.
        assert_eq!(build(|proof| proof.reveal(Field::numbered(number))).unwrap(), minimal);
    }
    // The features only if the invoice has them.
    let records = invoice_with(answer());
    let invoice = read(&records);
    for proof in [PayerProofBuilder::minimal(&invoice, preimage()), PayerProofBuilder::receipt(&invoice, preimage())] {
        let proof = proof.hide(Field::INVOICE_FEATURES).build().unwrap();
        assert!(naive::parse(proof.as_bytes()).unwrap().iter().all(|record| record.number != 174));
    }
}

// PPW-2
#[test]
fn what_no_proof_shows_cannot_be_shown() {
    for number in [0, 240, 241, 243, 1000, 1001, 1005, 999_999_999, 4_000_000_000, u64::MAX] {
        let error = build(|proof| proof.reveal(Field::numbered(number))).unwrap_err();
        assert!(is(&error, Rule::Ppw2, number) && *error.kind() == ErrorKind::Unexpected, "{error:#}");
    }
    let error = build(|proof| proof.reveal(Field::INVREQ_METADATA)).unwrap_err();
    assert_eq!(error.field().unwrap().name(), Some("invreq_metadata"));
    // The ready choices know that: the unknown signature is not shown either.
    let records = invoice();
    let invoice = read(&records);
    let proof = PayerProofBuilder::without_paths(&invoice, preimage()).build().unwrap();
    let shown: BTreeSet<u64> = naive::parse(proof.as_bytes()).unwrap().iter().map(|record| record.number).collect();
    let mut expected = numbers(&records);
    expected.extend([240, 1001, 1002, 1003, 1004]);
    for hidden in [0, 160, 162] {
        expected.remove(&hidden);
    }
    assert_eq!(shown, expected);
}

// PPW-2
#[test]
fn only_fields_that_the_invoice_has_can_be_shown() {
    for number in [1, 8, 16, 89, 172, 238, 1_000_000_000, 3_999_999_999] {
        let error = build(|proof| proof.reveal(Field::numbered(number))).unwrap_err();
        assert!(is(&error, Rule::Ppw2, number) && *error.kind() == ErrorKind::Missing, "{error:#}");
    }
    for number in numbers(&invoice()).into_iter().filter(|number| *number != 0) {
        assert!(build(|proof| proof.reveal(Field::numbered(number))).unwrap().contains(&number));
    }
}

#[test]
fn the_ready_choices_are_what_they_are_called() {
    let invoice = read(&invoice());
    let shown = |proof: PayerProofBuilder<'_>| -> Vec<u64> {
        proof.preview().unwrap().revealed.iter().map(|field| field.number()).collect()
    };
    assert_eq!(shown(PayerProofBuilder::minimal(&invoice, preimage())), [88, 168, 174, 176]);
    assert_eq!(shown(PayerProofBuilder::receipt(&invoice, preimage())), [10, 18, 22, 82, 88, 164, 168, 170, 174, 176]);
    let without_issuer = PayerProofBuilder::receipt(&invoice, preimage()).hide(Field::OFFER_ISSUER);
    assert_eq!(shown(without_issuer), [10, 22, 82, 88, 164, 168, 170, 174, 176]);
    // All four fields that hold paths or what they cost.
    let paths = proofs::path(b"to some where...");
    let records = invoice_with(answer().into_iter().chain([(16, paths.clone()), (90, paths)]));
    let with_paths = read(&records);
    assert_eq!(shown(PayerProofBuilder::without_paths(&with_paths, preimage())), [22, 82, 88, 164, 168, 170, 176]);
}

// PPW-6
#[test]
fn there_is_no_proof_without_the_preimage() {
    let invoice = read(&invoice());
    for bit in 0..256 {
        let mut wrong = proofs::PREIMAGE;
        wrong[bit / 8] ^= 1 << (bit % 8);
        let proof = PayerProofBuilder::receipt(&invoice, Preimage(wrong));
        let error = proof.preview().unwrap_err();
        assert!(is(&error, Rule::Ppw6, 1001) && *error.kind() == ErrorKind::WrongPreimage, "{error:#}");
        assert_eq!(proof.build().unwrap_err(), error);
    }
}

// PPW-7, PPR-7
#[test]
fn a_proof_is_signed_here_or_elsewhere_with_the_payers_key_alone() {
    let records = invoice();
    let invoice = read(&records);
    let unsigned = || PayerProofBuilder::receipt(&invoice, preimage()).note("challenge 17").build().unwrap();
    // Whoever signs can look at the fields, and sees the digest that the specification asks for.
    assert_eq!(unsigned().offer().description().unwrap().as_raw(), "a description");
    let digest = proofs::proof_digest(&naive::parse(unsigned().as_bytes()).unwrap());
    assert_eq!(unsigned().digest(), digest);
    let sign = |key: &Keypair, digest| Secp256k1::new().sign_schnorr_no_aux_rand(&Message::from_digest(digest), key);
    let here = unsigned().sign(&payer()).unwrap();
    let elsewhere = unsigned().complete(&sign(&payer(), digest)).unwrap();
    assert_eq!(here, elsewhere);
    // With randomness, it is another valid signature.
    let message = Message::from_digest(digest);
    let random = Secp256k1::new().sign_schnorr_with_aux_rand(&message, &payer(), &[9; 32]);
    let other = unsigned().complete(&random).unwrap();
    assert_ne!(other, here);
    assert_eq!(PayerProof::try_from(other.as_bytes()).unwrap(), other);
    // The key's other half is the same key to BIP 340; any other is not.
    assert_eq!(unsigned().sign(&proofs::issuer()).unwrap_err().kind(), &ErrorKind::WrongKey);
    let root = naive::root(&naive::parse(unsigned().as_bytes()).unwrap());
    for (what, signature) in [
        ("another key", sign(&key(9), digest)),
        ("another digest", sign(&payer(), [0; 32])),
        ("the root alone", sign(&payer(), root)),
        ("the tag of invoices", sign(&payer(), naive::tagged(b"lightninginvoicesignature", &root))),
        ("the other field's tag", sign(&payer(), naive::tagged(b"lightningpayer_proofsignature", &root))),
        ("zeros", schnorr::Signature::from_slice(&[0; 64]).unwrap()),
    ] {
        let error = unsigned().complete(&signature).unwrap_err();
        assert!(is(&error, Rule::Ppr7, 241) && *error.kind() == ErrorKind::InvalidSignature, "{what}: {error:#}");
    }
}

#[test]
fn an_empty_note_is_left_out_and_the_last_one_counts() {
    assert!(!build(|proof| proof.note("")).unwrap().contains(&1005));
    let invoice = read(&invoice());
    let proof = PayerProofBuilder::minimal(&invoice, preimage()).note("first").note("sec\u{202e}ond");
    let proof = proof.build().unwrap().sign(&payer()).unwrap();
    assert_eq!(proof.note().unwrap().as_raw(), "sec\u{202e}ond");
    assert_eq!(proof.note().unwrap().to_string(), r"sec\u{202e}ond");
    // D7
    let long = "x".repeat(bolt12::MAX_LEN);
    let error = PayerProofBuilder::minimal(&invoice, preimage()).note(&long).build().unwrap_err();
    assert!(matches!((error.kind(), error.rule()), (ErrorKind::TooLong { .. }, Rule::D7)));
}

// PPR-1
#[test]
fn a_proof_that_lacks_something_is_refused() {
    for number in [88, 168, 176, 240, 1001, 1003, 1004] {
        let error = refused_records(|records| records.retain(|record| record.number != number));
        assert!(is(&error, Rule::Ppr1, number) && *error.kind() == ErrorKind::Missing, "{error:#}");
    }
    let error = PayerProof::try_from(naive::concat(&parts().records())).unwrap_err();
    assert!(is(&error, Rule::Ppr1, 241) && *error.kind() == ErrorKind::Missing, "{error:#}");
    let error = refused_records(|records| records.push(record(0, &[0x10; 16])));
    assert!(is(&error, Rule::Ppr1, 0) && *error.kind() == ErrorKind::Unexpected, "{error:#}");
    assert_eq!(error.offset(), Some(0));
}

// PPR-2
#[test]
fn a_proof_with_another_preimage_is_refused() {
    for bit in [0, 7, 100, 255] {
        let error = refused(|parts| parts.preimage[bit / 8] ^= 1 << (bit % 8));
        assert!(is(&error, Rule::Ppr2, 1001) && *error.kind() == ErrorKind::WrongPreimage, "{error:#}");
    }
    // One of another length is no preimage at all (TLV-7).
    for len in [0, 31, 33] {
        let error = refused(|parts| parts.preimage.resize(len, 0));
        assert!(is(&error, Rule::Tlv7, 1001), "{error:#}");
    }
}

/// PPR-3 to the letter.
fn is_allowed(markers: &[u64], shown: &BTreeSet<u64>) -> bool {
    let next = |number| if number == 239 { 1_000_000_000 } else { number + 1 };
    markers.windows(2).all(|pair| pair[0] < pair[1])
        && markers.iter().enumerate().all(|(at, marker)| {
            let before = if at == 0 { 0 } else { markers[at - 1] };
            *marker != 0
                && ((1..=239).contains(marker) || (1_000_000_000..=3_999_999_999).contains(marker))
                && !shown.contains(marker)
                && (*marker == next(before) || shown.iter().any(|shown| *marker == next(*shown)))
        })
}

/// How many hashes it takes, from the top (PPR-5); for each leaf, whether it is shown.
fn needed(leaves: &[bool]) -> usize {
    if leaves.len() == 1 {
        return 0;
    }
    let (low, high) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    needed(low) + needed(high) + usize::from(low.contains(&true) != high.contains(&true))
}

/// The rule for which a list of markers is refused: its form, the number of hashes, or the root.
fn expected(parts: &Parts) -> Rule {
    let shown: BTreeSet<u64> = parts.shown.iter().filter(|record| record.number != 240).map(|r| r.number).collect();
    if !is_allowed(&parts.markers, &shown) {
        return Rule::Ppr3;
    }
    let mut leaves: Vec<(u64, bool)> = shown.iter().map(|number| (*number, true)).collect();
    leaves.extend([0].iter().chain(&parts.markers).map(|marker| (*marker, false)));
    leaves.sort_unstable();
    let leaves: Vec<bool> = leaves.iter().map(|leaf| leaf.1).collect();
    if needed(&leaves) != parts.missing.len() { Rule::Ppr5 } else { Rule::Ppr6 }
}

/// Drops, doubles, swaps with the next and adds before each entry of a list.
fn mutations<T: Clone + PartialEq>(list: &[T], add: &[T]) -> Vec<Vec<T>> {
    let mut mutations = Vec::new();
    for at in 0..list.len() {
        let mut change = |change: &dyn Fn(&mut Vec<T>)| {
            let mut list = list.to_vec();
            change(&mut list);
            mutations.push(list);
        };
        change(&|list| drop(list.remove(at)));
        change(&|list| list.insert(at, list[at].clone()));
        change(&|list| {
            let next = (at + 1) % list.len();
            list.swap(at, next);
        });
        for entry in add {
            change(&|list| list.insert(at, entry.clone()));
            change(&|list| list[at] = entry.clone());
        }
    }
    mutations.retain(|mutated| mutated != list);
    mutations
}

// PPR-3
#[test]
fn markers_that_cannot_stand_there_are_refused() {
    let add = [
        0,
        1,
        2,
        3,
        17,
        18,
        19,
        21,
        88,
        92,
        170,
        176,
        178,
        239,
        240,
        241,
        1000,
        1001,
        999_999_999,
        1_000_000_000,
        1_000_000_001,
        2_000_000_001,
        2_000_000_003,
        3_999_999_999,
        4_000_000_000,
        u64::MAX,
    ];
    let mut seen = BTreeSet::new();
    for markers in mutations(&parts().markers, &add) {
        let mut parts = parts();
        parts.markers = markers;
        let error = parts.proof().unwrap_err();
        assert_eq!(error.rule(), expected(&parts), "{:?}: {error:#}", parts.markers);
        if let ErrorKind::InvalidMarker(marker) = error.kind() {
            assert!(parts.markers.contains(marker) && is(&error, Rule::Ppr3, 1002), "{error:#}");
        }
        seen.insert(error.rule().id());
    }
    assert!(seen.contains("PPR-3") && seen.contains("PPR-5"), "{seen:?}");
}

// PPR-3: behind the last type there is, nothing is left out.
#[test]
fn no_marker_stands_behind_the_last_type() {
    let last = 3_999_999_999;
    let fields = answer().into_iter().chain([(last, b"an invoice's".to_vec())]);
    let invoice = invoice_with(fields);
    let parts = || Parts::of(&invoice, &with_always(&invoice, [last]));
    parts().proof().unwrap();
    let mut parts = parts();
    parts.markers.push(last + 1);
    let error = parts.proof().unwrap_err();
    assert_eq!((error.rule(), error.kind()), (Rule::Ppr3, &ErrorKind::InvalidMarker(last + 1)));
}

proptest! {
    // PPR-3, PPR-5, PPR-6
    #[test]
    fn any_list_of_markers_is_judged_as_the_rules_say(
        shown in proptest::collection::btree_set(
            prop_oneof![1u64..8, 234u64..240, 1_000_000_000u64..1_000_000_006, 3_999_999_995u64..4_000_000_000], 1..6),
        tries in proptest::collection::btree_set(
            prop_oneof![1u64..12, 88u64..92, 168u64..180, 232u64..243, 1_000_000_000u64..1_000_000_010,
                3_999_999_995u64..4_000_000_003], 0..10),
        follow in any::<u16>(),
    ) {
        let shown: BTreeSet<u64> = shown.into_iter().filter(|number| number % 2 == 1).collect();
        let fields = shown.iter().map(|number| (*number, naive::bigsize(*number))).chain(answer());
        let invoice = invoice_with(fields);
        let mut parts = Parts::of(&invoice, &with_always(&invoice, shown));
        // Some are made to follow what stands before them.
        let mut last = 0;
        parts.markers = tries.into_iter().enumerate().map(|(at, marker)| {
            last = if follow >> at & 1 == 1 { last + 1 } else { marker };
            last
        }).collect();
        match parts.proof() {
            Err(error) => prop_assert_eq!(error.rule(), expected(&parts), "{:?}: {:#}", parts.markers, error),
            Ok(proof) => prop_assert_eq!(proof.as_bytes(), parts.sign()),
        }
    }
}

// PPR-3, TLV-2
#[test]
fn a_list_of_markers_holds_whole_numbers_in_their_shortest_form() {
    let spoiled = |value: &[u8]| {
        refused_records(|records| {
            records.iter_mut().filter(|record| record.number == 1002).for_each(|old| *old = record(1002, value));
        })
    };
    for (value, rule, at) in [
        (&[1, 0xfd, 0, 19][..], Rule::Tlv2, 1),
        (&[1, 0xfe, 0, 0, 0, 19], Rule::Tlv2, 1),
        (&[1, 0xfd, 1], Rule::Tlv3, 1),
        (&[1, 19, 20, 0xff], Rule::Tlv3, 3),
    ] {
        let error = spoiled(value);
        assert!(is(&error, rule, 1002), "{error:#}");
        let list = naive::parse(&naive::concat(&parts().records())).unwrap();
        let before: usize =
            list.iter().take_while(|record| record.number < 1002).map(|record| record.bytes.len()).sum();
        // The payer's signature stands before it too.
        assert_eq!(error.offset(), Some(before + 66 + 4 + at), "{error:#}");
    }
}

// PPR-4, PPR-6
#[test]
fn leaf_hashes_are_one_for_each_field_that_is_shown() {
    let count = parts().nonces.len();
    for nonces in mutations(&parts().nonces, &[[0; 32], parts().missing[0]]) {
        let expected = if nonces.len() == count { (Rule::Ppr6, 240) } else { (Rule::Ppr4, 1004) };
        let error = refused(|parts| parts.nonces = nonces);
        assert!(is(&error, expected.0, expected.1), "{error:#}");
    }
    assert!(is(&refused(|parts| parts.nonces.clear()), Rule::Ppr4, 1004));
}

// PPR-5, PPR-6
#[test]
fn missing_hashes_are_exactly_those_that_are_needed() {
    let count = parts().missing.len();
    for missing in mutations(&parts().missing, &[[0; 32], parts().nonces[0]]) {
        let expected = if missing.len() == count { (Rule::Ppr6, 240) } else { (Rule::Ppr5, 1003) };
        let error = refused(|parts| parts.missing = missing);
        assert!(is(&error, expected.0, expected.1), "{error:#}");
    }
    assert!(is(&refused(|parts| parts.missing.clear()), Rule::Ppr5, 1003));
}

// TLV-3
#[test]
fn a_list_of_hashes_holds_whole_hashes() {
    for number in [1003, 1004] {
        for len in [1, 31, 33] {
            let error = refused_records(|records| {
                records.iter_mut().filter(|r| r.number == number).for_each(|old| *old = record(number, &vec![7; len]));
            });
            assert!(is(&error, Rule::Tlv3, number) && *error.kind() == ErrorKind::InvalidLength, "{error:#}");
        }
    }
}

// PPR-6
#[test]
fn what_is_shown_is_what_the_payee_signed() {
    // Each field that is shown: another value of the same length, left out, or one that was not there.
    for at in 0..parts().shown.len() {
        let number = parts().shown[at].number;
        let error = refused(|parts| {
            let mut value = parts.shown[at].value.clone();
            *value.last_mut().unwrap() ^= 1;
            parts.shown[at] = record(number, &value);
        });
        // The two keys are points, of which one is no longer the signer's; another payment hash has another preimage.
        let rules = match number {
            88 => [Rule::Ppr6, Rule::Tlv7],
            176 => [Rule::Ppr6, Rule::Tlv7],
            168 => [Rule::Ppr2, Rule::Ppr2],
            _ => [Rule::Ppr6, Rule::Ppr6],
        };
        assert!(rules.contains(&error.rule()), "{number}: {error:#}");
    }
    // A field that the invoice does not have, beside others, and in place of a marker.
    for number in [17, 21, 171, 239 - 2, 1_000_000_003, 3_999_999_999] {
        let mut parts = parts();
        let place = parts.shown.partition_point(|record| record.number < number);
        let signatures = parts.shown[..place].iter().filter(|record| record.number == 240).count();
        parts.shown.insert(place, record(number, b"new"));
        parts.nonces.insert(place - signatures, [1; 32]);
        assert_eq!(parts.proof().unwrap_err().rule(), expected(&parts), "{number}");
        parts.markers.pop();
        assert_eq!(parts.proof().unwrap_err().rule(), expected(&parts), "{number}");
    }
    // Another key signed.
    let error = refused(|parts| {
        let records = naive::sign("invoice", invoice().into_iter().filter(|r| r.number < 240).collect(), &key(9));
        let signature = records.into_iter().find(|record| record.number == 240).unwrap();
        parts.shown.iter_mut().filter(|record| record.number == 240).for_each(|old| *old = signature.clone());
    });
    assert!(is(&error, Rule::Ppr6, 240) && *error.kind() == ErrorKind::InvalidSignature, "{error:#}");
}

// PPR-7
#[test]
fn a_proof_that_somebody_else_signed_is_refused() {
    for key in [key(9), proofs::issuer()] {
        let error = PayerProof::try_from(proofs::sign(parts().records(), &key)).unwrap_err();
        assert!(is(&error, Rule::Ppr7, 241) && *error.kind() == ErrorKind::InvalidSignature, "{error:#}");
    }
    // The note is signed too, and so is a field that nobody knows.
    let signed = Parts { note: Some(b"for Alice".to_vec()), ..parts() }.sign();
    let text = b"for Alice";
    let at = signed.windows(text.len()).position(|window| window == text).unwrap();
    let mut changed = signed.clone();
    changed[at + 4..at + 9].copy_from_slice(b"Mary!");
    assert!(is(&PayerProof::try_from(changed).unwrap_err(), Rule::Ppr7, 241));
    let mut records = naive::parse(&signed).unwrap();
    records.push(record(1007, b"unknown"));
    records.sort_by_key(|record| record.number);
    assert!(is(&PayerProof::try_from(naive::concat(&records)).unwrap_err(), Rule::Ppr7, 241));
    records.retain(|record| record.number != 241);
    PayerProof::try_from(proofs::sign(records, &payer())).unwrap();
}

/// However the payer's signature is left out or replaced, no way of reading takes the proof.
// PPR-7, PPR-1, TLV-7
#[test]
fn no_proof_goes_without_the_payers_signature() {
    use bolt12::{Bolt12, KnownFeatures, MessageKind};

    let with = |number: u64, value: &[u8]| {
        let mut records = parts().records();
        records.push(record(number, value));
        records.sort_by_key(|record| record.number);
        naive::concat(&records)
    };
    let good = naive::parse(&parts().sign()).unwrap().into_iter().find(|record| record.number == 241).unwrap().value;
    assert_eq!(with(241, &good), parts().sign());
    PayerProof::try_from(with(241, &good)).unwrap();
    let payees = parts().shown.into_iter().find(|record| record.number == 240).unwrap().value;
    let other = |key: &Keypair| proofs::sign(parts().records(), key);
    // The proof, the rule, and whether the curve is needed to tell.
    for (what, bytes, rule, kind, on_curve) in [
        ("absent", naive::concat(&parts().records()), Rule::Ppr1, ErrorKind::Missing, false),
        ("0 bytes", with(241, &[]), Rule::Tlv7, ErrorKind::InvalidLength, false),
        ("63 bytes", with(241, &good[..63]), Rule::Tlv7, ErrorKind::InvalidLength, false),
        ("65 bytes", with(241, &[&good[..], &[1]].concat()), Rule::Tlv7, ErrorKind::InvalidLength, false),
        ("twice", with(241, &[&good[..], &good].concat()), Rule::Tlv7, ErrorKind::InvalidLength, false),
        ("in another field", with(243, &good), Rule::Ppr1, ErrorKind::Missing, false),
        ("zeros", with(241, &[0; 64]), Rule::Ppr7, ErrorKind::InvalidSignature, true),
        ("that of the invoice", with(241, &payees), Rule::Ppr7, ErrorKind::InvalidSignature, true),
        ("by a stranger", other(&key(9)), Rule::Ppr7, ErrorKind::InvalidSignature, true),
        ("by the payee", other(&proofs::issuer()), Rule::Ppr7, ErrorKind::InvalidSignature, true),
    ] {
        let error = PayerProof::try_from(&bytes[..]).expect_err(what);
        assert!(is(&error, rule, 241) && *error.kind() == kind, "{what}: {error:#}");
        let known = const { &KnownFeatures::DEFAULT };
        assert_eq!(PayerProof::read(bytes.clone()).expect_err(what), error);
        assert_eq!(Bolt12::read(MessageKind::PayerProof, bytes.clone(), known).expect_err(what), error);
        // In two steps: it is not even a proof to be verified, or it does not verify.
        let unverified = Unverified::<PayerProof>::read(bytes, known);
        assert_eq!(unverified.is_ok(), on_curve, "{what}");
        assert_eq!(unverified.and_then(Unverified::verify).expect_err(what), error);
    }
}

// PPR-7, TLV-7
#[test]
fn a_payers_signature_of_another_length_is_no_signature() {
    let mut records = naive::parse(&parts().proof().unwrap().into_bytes()).unwrap();
    let at = records.iter().position(|record| record.number == 241).unwrap();
    for len in [0, 63, 65, 67, 128] {
        records[at] = record(241, &vec![7; len]);
        let error = PayerProof::try_from(naive::concat(&records)).map(drop).unwrap_err();
        assert!(is(&error, Rule::Tlv7, 241), "{len} bytes: {error:#}");
        assert_eq!(error.kind(), &ErrorKind::InvalidLength);
    }
}

// TLV-4, TLV-5
#[test]
fn unknown_fields_are_kept_if_odd_and_refused_if_even_or_outside_the_ranges() {
    for number in [1007, 999_999_999] {
        let mut records = parts().records();
        records.push(record(number, b"?"));
        records.sort_by_key(|record| record.number);
        let proof = PayerProof::try_from(proofs::sign(records, &payer())).unwrap();
        assert_eq!(proof.tlvs().get(number).unwrap().value(), b"?");
    }
    for number in [1006, 1008, 999_999_998] {
        let error = refused_records(|records| records.push(record(number, b"?")));
        assert!(is(&error, Rule::Tlv4, number), "{error:#}");
    }
    for number in [4_000_000_000, 4_000_000_001] {
        let error = refused_records(|records| records.push(record(number, b"?")));
        assert!(is(&error, Rule::Tlv5, number), "{error:#}");
    }
}

/// Small enough to try every bit.
fn small_proof() -> Vec<u8> {
    let records = invoice_with(answer().into_iter().chain([(174, vec![2, 0, 0])]));
    let parts = Parts::of(&records, &with_always(&records, [170]));
    Parts { note: Some(b"challenge".to_vec()), ..parts }.sign()
}

// PPR-1, PPR-2, PPR-3, PPR-6, PPR-7
#[test]
fn every_change_of_a_single_bit_is_refused() {
    let proof = small_proof();
    assert!(PayerProof::try_from(&proof[..]).is_ok());
    let mut rules = BTreeSet::new();
    for bit in 0..proof.len() * 8 {
        let mut changed = proof.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        match PayerProof::try_from(changed) {
            Err(error) => rules.insert(error.rule()),
            Ok(proof) => panic!("bit {bit}: {proof:?}"),
        };
    }
    // A single bit does not change how many hashes there are (PPR-4, PPR-5).
    for rule in [Rule::Ppr1, Rule::Ppr2, Rule::Ppr3, Rule::Ppr6, Rule::Ppr7] {
        assert!(rules.contains(&rule), "no bit broke {rule}: {rules:?}");
    }
}

#[test]
fn every_shorter_proof_is_refused() {
    let proof = small_proof();
    for len in 0..proof.len() {
        assert!(PayerProof::try_from(&proof[..len]).is_err(), "{len}");
    }
}

// EXC-1
#[test]
fn junk_is_refused_before_any_curve_operation() {
    let is_cheap = |bytes: Vec<u8>| Unverified::<PayerProof>::try_from(bytes).map(drop);
    for (what, spoil) in [
        ("a hash too few", (|parts| parts.missing.truncate(1)) as fn(&mut Parts)),
        ("a nonce too many", |parts| parts.nonces.push([0; 32])),
        ("another preimage", |parts| parts.preimage[0] ^= 1),
        ("a marker of 0", |parts| parts.markers[0] = 0),
    ] {
        let mut parts = parts();
        spoil(&mut parts);
        let bytes = parts.sign();
        assert_eq!(is_cheap(bytes.clone()).expect_err(what), PayerProof::try_from(bytes).expect_err(what));
    }
    // What only the curve can tell is told later.
    let mut parts = parts();
    parts.nonces[0][0] ^= 1;
    is_cheap(parts.sign()).unwrap();
    let unverified: Unverified<PayerProof> = parts.sign().try_into().unwrap();
    assert_eq!(unverified.verify().unwrap_err().rule(), Rule::Ppr6);
}

// D10
#[test]
fn fields_that_are_shown_without_the_others_need_not_make_a_whole() {
    // A price without a description, and a quantity without a limit, could not stand in an offer or request.
    let offer = [(8, vec![1]), (10, b"tea".to_vec()), (20, vec![]), (22, proofs::point(&proofs::issuer()))];
    let records = invoice_with(offer.into_iter().chain([(86, vec![2]), (82, AMOUNT.to_vec())]));
    let invoice: Invoice = read(&records);
    let proof = PayerProofBuilder::minimal(&invoice, preimage());
    let proof = proof.reveal(Field::OFFER_AMOUNT).reveal(Field::INVREQ_QUANTITY).build().unwrap();
    let proof = proof.sign(&payer()).unwrap();
    assert_eq!(PayerProof::try_from(proof.as_bytes()).unwrap(), proof);
    assert!(proof.offer().description().is_none() && proof.tlvs().contains(8));
    // Nor is the number that is shown a price: its currency may be hidden.
    assert_eq!((proof.offer().amount(), proof.offer_amount()), (None, None));
}
