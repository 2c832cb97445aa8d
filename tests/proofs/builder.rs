//! What payer proofs show and hide: every choice of fields of small invoices, compared with a second
//! implementation and with what can be known at all.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::naive::{self, Record};
use super::proofs::{
    self, ALWAYS, AMOUNT, PREIMAGE, Parts, REQUIRED, answer, invoice_with, is_leaf, numbers, payer, preimage, read,
    subsets, with_always,
};
use bolt12::{Disclosure, Field, Invoice, PayerProof, PayerProofBuilder, Preview};

/// An offer's fields as they stand in an invoice for it, each with a value that can be searched for.
fn offer_fields() -> Vec<(u64, Vec<u8>)> {
    vec![
        (4, b"the offer's own metadata".to_vec()),
        (10, b"a description to be found".to_vec()),
        (18, b"an issuer to be found".to_vec()),
        (22, proofs::point(&proofs::issuer())),
    ]
}

/// These fields, and those that make an answer to an offer of them.
fn answering(fields: &[(u64, &[u8])]) -> Vec<(u64, Vec<u8>)> {
    answer().into_iter().chain(fields.iter().map(|(number, value)| (*number, value.to_vec()))).collect()
}

/// Invoices with at most nine fields that can be shown or hidden.
fn small_invoices() -> Vec<Vec<Record>> {
    // 174: paying in parts is allowed.
    let parts = (174, vec![2, 0, 0]);
    let refund = [(10, b"a cup that broke, to be found".to_vec()), (82, AMOUNT.to_vec())];
    let note = (89, b"a note from the payer".to_vec());
    vec![
        invoice_with(answer().into_iter().chain([parts.clone()])),
        invoice_with(offer_fields().into_iter().chain([(8, vec![0x12, 0x34, 0x56]), parts])),
        invoice_with(refund.into_iter().chain([note])),
        // Around the ranges of signatures and of the proof's own fields.
        invoice_with(answering(&[
            (239, b"at the end of the range"),
            (1_000_000_001, b"at the start of the next"),
            (3_999_999_999, b"at the end of all"),
        ])),
        // One in each experimental range.
        invoice_with(answering(&[
            (1_999_999_999, b"the last of an offer"),
            (2_000_000_001, b"the first of a request"),
            (3_000_000_001, b"the first of an invoice"),
        ])),
    ]
}

/// The fields of an invoice that can be shown or hidden.
fn choices(invoice: &[Record]) -> Vec<u64> {
    numbers(invoice).into_iter().filter(|number| *number != 0 && !ALWAYS.contains(number)).collect()
}

fn builder<'a>(invoice: &'a Invoice, shown: &BTreeSet<u64>) -> PayerProofBuilder<'a> {
    let minimal = PayerProofBuilder::minimal(invoice, preimage());
    shown.iter().fold(minimal, |proof, number| proof.reveal(Field::numbered(*number)))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// A proof, the invoice it was made from, and what it shows.
struct Case {
    records: Vec<Record>,
    shown: BTreeSet<u64>,
    proof: PayerProof,
}

/// Every proof of every small invoice.
fn every_proof() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        let mut cases = Vec::new();
        for records in small_invoices() {
            let invoice = read(&records);
            let choices = choices(&records);
            assert!(choices.len() <= 9, "too many subsets");
            for chosen in subsets(&choices) {
                let proof = builder(&invoice, &chosen).build().unwrap().sign(&payer()).unwrap();
                cases.push(Case { records: records.clone(), shown: with_always(&records, chosen), proof });
            }
        }
        cases
    })
}

// PPW-1, PPW-3, PPW-4, PPW-5, PPW-7
#[test]
fn every_choice_gives_the_proof_that_the_rules_ask_for() {
    for Case { records, shown, proof } in every_proof() {
        assert_eq!(proof.as_bytes(), Parts::of(records, shown).sign());
    }
    assert!(every_proof().len() > 1000, "only {} proofs", every_proof().len());
}

// PPR-1, PPR-2, PPR-3, PPR-4, PPR-5, PPR-6, PPR-7
#[test]
fn every_choice_is_verified_and_shows_what_was_chosen_and_nothing_else() {
    for Case { records, shown, proof } in every_proof() {
        let bytes = proof.as_bytes();
        assert_eq!(&PayerProof::try_from(bytes).unwrap_or_else(|error| panic!("{shown:?}: {error:#}")), proof);
        let is_shown = |record: &Record| shown.contains(&record.number);
        for record in records.iter().filter(is_leaf) {
            let found = proof.tlvs().get(record.number).map(|record| record.as_bytes());
            assert_eq!(found, is_shown(record).then_some(&record.bytes[..]), "{shown:?}: {}", record.number);
            if !is_shown(record) {
                assert!(!contains(bytes, &record.bytes), "{shown:?}: record {}", record.number);
                let elsewhere = records.iter().any(|other| is_shown(other) && contains(&other.value, &record.value));
                assert!(elsewhere || !contains(bytes, &record.value), "{shown:?}: value of {}", record.number);
            }
        }
        // Nothing but what was chosen, both signatures, and the proof's own fields.
        let others: BTreeSet<u64> =
            proof.tlvs().records().map(|record| record.number()).filter(|number| !shown.contains(number)).collect();
        assert!(others.iter().all(|number| [240, 241, 1001, 1002, 1003, 1004].contains(number)), "{others:?}");
        assert!(contains(bytes, &PREIMAGE) && proof.note().is_none());
    }
}

#[test]
fn a_preview_says_what_the_proof_will_show_and_hide() {
    for records in small_invoices() {
        let invoice = read(&records);
        for chosen in subsets(&choices(&records)) {
            let builder = builder(&invoice, &chosen);
            let Preview { revealed, hidden, .. } = builder.preview().unwrap();
            let unsigned = builder.build().unwrap();
            let sent = naive::parse(unsigned.as_bytes()).unwrap();
            let (shown, kept): (Vec<u64>, Vec<u64>) =
                numbers(&records).into_iter().partition(|number| sent.iter().any(|r| r.number == *number));
            assert_eq!(revealed.iter().map(Field::number).collect::<Vec<_>>(), shown);
            assert_eq!(hidden.iter().map(Field::number).collect::<Vec<_>>(), kept);
            // A person sees names.
            let unnamed = revealed.iter().chain(&hidden).filter(|field| field.name().is_none());
            assert!(unnamed.clone().all(|field| field.number() > 176), "{:?}", unnamed.collect::<Vec<_>>());
        }
    }
}

/// What can be said about a type, if nothing is known but what is shown, how many fields are hidden in each
/// gap, and what no invoice lacks: looks for an invoice with it and for one without it.
fn oracle(records: &[Record], shown: &BTreeSet<u64>, number: u64) -> Disclosure {
    if shown.contains(&number) {
        return Disclosure::Disclosed;
    }
    let before = shown.range(..number).next_back().copied();
    let after = shown.range(number..).next().copied();
    let in_gap = |other: &u64| before.is_none_or(|before| before < *other) && after.is_none_or(|after| *other < after);
    let hidden = numbers(records).iter().filter(|other| in_gap(other)).count();
    let required: Vec<u64> = REQUIRED.into_iter().filter(in_gap).collect();
    let (first, last) = (before.map_or(0, |before| before + 1), after.map_or(u64::MAX, |after| after - 1));
    let room = [0..=239u64, 1_000_000_000..=3_999_999_999]
        .iter()
        .map(|range| (first.max(*range.start())..=last.min(*range.end())).take(1000).count())
        .sum::<usize>();
    // An invoice has what is required in this gap, this field or not, and any others.
    let fits = |with: bool| {
        let is_required = required.contains(&number);
        let can_be = (0..=239).contains(&number) || (1_000_000_000..=3_999_999_999).contains(&number);
        let least = required.len() + usize::from(with && !is_required);
        let most = room - usize::from(!with && can_be);
        (if with { can_be } else { !is_required }) && (least..=most).contains(&hidden)
    };
    match (fits(true), fits(false)) {
        (true, true) => Disclosure::HiddenOrAbsent,
        (true, false) => Disclosure::Hidden,
        (false, true) => Disclosure::Absent,
        (false, false) => panic!("{number} can neither be there nor be absent"),
    }
}

#[test]
fn disclosure_is_truthful_and_says_all_that_can_be_known() {
    let mut seen = [0; 4];
    let experimental = [1_000_000_000, 1_000_000_001, 1_999_999_999, 2_000_000_001, 2_000_000_002, 3_999_999_999];
    let asked: Vec<u64> =
        (0..=240).chain([1000, 1001, 999_999_999]).chain(experimental).chain([4_000_000_000]).collect();
    for (count, Case { records, shown, proof }) in every_proof().iter().enumerate() {
        // All types for some of the proofs, and those around the invoice's own for all.
        for number in asked.iter().filter(|number| count % 16 == 0 || numbers(records).contains(number)) {
            let said = proof.disclosure(Field::numbered(*number));
            let has = numbers(records).contains(number);
            match said {
                Disclosure::Disclosed => {
                    assert!(has || [240, 1001].contains(number), "{shown:?}: {number}");
                    assert!(proof.tlvs().contains(*number), "{shown:?}: {number}");
                }
                Disclosure::Hidden => assert!(has && !proof.tlvs().contains(*number), "{shown:?}: {number}"),
                Disclosure::Absent => assert!(!has, "{shown:?}: {number}"),
                Disclosure::HiddenOrAbsent => {}
            }
            match number {
                // Beside the invoice's fields, the proof shows the payee's signature and its own fields.
                240 | 1001 => assert_eq!(said, Disclosure::Disclosed, "{number}"),
                // Another signature in the invoice is repeated by no proof.
                1000 => assert_eq!(said, Disclosure::HiddenOrAbsent, "{number}"),
                999_999_999 | 4_000_000_000 => {
                    assert_eq!(said, Disclosure::Absent, "{number} is no field of an invoice");
                }
                _ => assert_eq!(said, oracle(records, shown, *number), "{shown:?}: {number}"),
            }
            seen[said as usize] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count > 100), "{seen:?}");
}

/// Between 0 and 2 there is room for one type only.
#[test]
fn a_gap_that_is_filled_hides_what_could_stand_there() {
    let chain = bolt12::ChainHash::BITCOIN.to_bytes();
    let records = invoice_with(answering(&[(1, b"one"), (2, &chain)]));
    let invoice = read(&records);
    let proof = builder(&invoice, &BTreeSet::from([2])).build().unwrap().sign(&payer()).unwrap();
    assert_eq!(proof.disclosure(Field::numbered(1)), Disclosure::Hidden);
}

// PPW-4, PPR-3
#[test]
fn markers_leap_over_the_ranges_of_signatures_and_proofs() {
    let value = |number: u64| (number, naive::bigsize(number));
    let odd = |from: u64, count: u64| (0..count).map(move |at| value(from + 2 * at));
    // Fields beside those of an answer, what is shown of them, and the markers.
    type Fields<'a> = (Vec<(u64, Vec<u8>)>, &'a [u64], &'a [u64]);
    let cases: [Fields<'_>; 5] = [
        (vec![value(239), value(1_000_000_001)], &[239], &[1, 2, 89, 90, 91, 169, 1_000_000_000]),
        (vec![value(237), value(239), value(1_000_000_001)], &[237], &[1, 2, 89, 90, 91, 169, 238, 239]),
        (
            vec![value(237), value(239), value(1_000_000_001), value(1_000_000_003)],
            &[237, 1_000_000_003],
            &[1, 2, 89, 90, 91, 169, 238, 239],
        ),
        (
            vec![value(237), value(239), value(1_000_000_001), value(1_000_000_003), value(1_000_000_007)],
            &[237, 1_000_000_007],
            &[1, 2, 89, 90, 91, 169, 238, 239, 1_000_000_000],
        ),
        (
            odd(1_500_000_001, 70).collect(),
            &[],
            &[
                &[1, 2, 89, 90, 91, 169][..],
                &(177..=239).collect::<Vec<_>>(),
                &(1_000_000_000..1_000_000_007).collect::<Vec<_>>(),
            ]
            .concat(),
        ),
    ];
    for (fields, shown, markers) in cases {
        let records = invoice_with(fields.into_iter().chain(answer()));
        let invoice = read(&records);
        let proof = builder(&invoice, &shown.iter().copied().collect()).build().unwrap().sign(&payer()).unwrap();
        let parts = Parts::from_proof(proof.as_bytes());
        assert_eq!(parts.markers, markers, "{shown:?}");
        assert_eq!(PayerProof::try_from(proof.as_bytes()).unwrap(), proof, "{shown:?}");
    }
}

/// The specification's example: 10, 20, 30, 50 and 60 are hidden, 40 is shown, and 0 has no marker.
// PPW-4, PPW-5
#[test]
fn the_worked_example_works() {
    let records: Vec<Record> =
        [0, 10, 20, 30, 40, 50, 60].map(|number| naive::record(number, &[number as u8])).to_vec();
    let parts = Parts::of(&records, &BTreeSet::from([40]));
    let joined: Vec<_> = naive::leaves(&records).iter().map(|leaf| leaf.joined).collect();
    assert_eq!(parts.markers, [1, 2, 3, 41, 42]);
    assert_eq!(parts.nonces, [naive::leaves(&records)[4].nonce]);
    let left = naive::root_by_levels(&joined[..4]);
    assert_eq!(parts.missing, [joined[5], joined[6], left]);
}

#[test]
fn an_invoice_for_a_refund_can_be_proven() {
    use bolt12::{ChainHash, Features, InvoiceBuilder, Msat, PayInfo, RefundBuilder, UnixTime};
    let (now, chains) = (UnixTime(1_800_000_000), &[ChainHash::BITCOIN]);
    let refund = RefundBuilder::new("a cup that broke", Msat(5_000_000), payer().public_key(), [0x24; 16]).build();
    let refund = refund.unwrap();
    let payinfo = PayInfo {
        fee_base_msat: 0,
        fee_proportional_millionths: 0,
        cltv_expiry_delta: 80,
        htlc_minimum_msat: 1,
        htlc_maximum_msat: 1_000_000_000,
        features: Features::new([]).unwrap(),
    };
    let path = bolt12::BlindedPath::from_bytes(&proofs::path(b"to whom is paid!")).unwrap().into_owned();
    let accepted = refund.accept(now, chains, proofs::issuer().public_key()).unwrap();
    let invoice = InvoiceBuilder::new(accepted, now, preimage().payment_hash())
        .add_path(path, &payinfo)
        .build()
        .unwrap()
        .sign(&proofs::issuer())
        .unwrap();
    let proof = PayerProofBuilder::receipt(&invoice, preimage()).build().unwrap().sign(&payer()).unwrap();
    let proof: PayerProof = proof.to_string().parse().unwrap();
    assert_eq!(proof.offer().description().unwrap().as_raw(), "a cup that broke");
    assert_eq!(proof.amount(), Some(Msat(5_000_000)));
    assert_eq!(proof.request().metadata(), None);
    assert_eq!(proof.node_id(), proofs::issuer().public_key());
}
