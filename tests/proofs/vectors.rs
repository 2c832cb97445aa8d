//! The specification's own payer proofs: the valid ones are made again byte for byte, and the invalid ones are
//! refused for the rule that they break.

use super::naive;
use std::collections::BTreeSet;
use std::path::PathBuf;

use super::proofs::{self, Parts};
use bolt12::secp256k1::{Keypair, Secp256k1, schnorr};
use bolt12::{Bolt12, Field, Invoice, MessageKind, PayerProof, PayerProofBuilder, Preimage};
use serde_json::Value;

const PROOFS: &str = include_str!("../data/payer_proofs.tsv");

/// The secret key of whoever paid.
const PAYER: [u8; 32] = [0x42; 32];

/// The columns of each line that is not a comment.
fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    PROOFS.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

fn list(column: &str) -> Vec<&str> {
    column.split(' ').filter(|entry| *entry != "-").collect()
}

fn numbers(column: &str) -> Vec<u64> {
    list(column).iter().map(|number| number.parse().unwrap()).collect()
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(bytes)
}

/// A valid proof, and what it was made from.
struct Valid {
    what: &'static str,
    invoice: Invoice,
    preimage: Preimage,
    shown: Vec<u64>,
    note: Option<&'static str>,
    text: &'static str,
    /// Invoice root, invoice digest, markers, missing hashes, leaf hashes, proof root.
    working: [&'static str; 6],
}

fn valid() -> Vec<Valid> {
    let rows: Vec<_> = rows().collect();
    let of = |pair: &[Vec<&'static str>]| match (&pair[0][..], &pair[1][..]) {
        (["valid", what, invoice, preimage, shown, note, text], ["working", working @ ..]) => Some(Valid {
            what,
            invoice: invoice.parse().unwrap(),
            preimage: Preimage(hex::decode(preimage).unwrap().try_into().unwrap()),
            shown: numbers(shown),
            note: Some(*note).filter(|note| *note != "-"),
            text,
            working: working.try_into().unwrap(),
        }),
        _ => None,
    };
    rows.windows(2).filter_map(of).collect()
}

impl Valid {
    /// The proof as the crate makes it, but for the signature.
    fn unsigned(&self) -> bolt12::Unsigned<PayerProof> {
        let minimal = PayerProofBuilder::minimal(&self.invoice, self.preimage);
        let shown = self.shown.iter().fold(minimal, |proof, number| proof.reveal(Field::numbered(*number)));
        shown.note(self.note.unwrap_or_default()).build().unwrap()
    }

    fn records(&self) -> Vec<naive::Record> {
        naive::parse(self.invoice.as_bytes()).unwrap()
    }

    fn read(&self) -> PayerProof {
        self.text.parse().unwrap_or_else(|error| panic!("{}: {error:#}", self.what))
    }

    /// The payer's signature, as it stands in the proof.
    fn signature(&self) -> schnorr::Signature {
        schnorr::Signature::from_slice(self.read().tlvs().get(241).unwrap().value()).unwrap()
    }

    /// Whether the proof holds a list of markers that is empty, which a writer may leave out (PPW-4).
    fn lists_no_markers(&self) -> bool {
        self.read().tlvs().get(1002).is_some_and(|record| record.value().is_empty())
    }
}

// PPR-1, PPR-2, PPR-3, PPR-4, PPR-5, PPR-6, PPR-7
#[test]
fn valid_proofs_are_read() {
    assert_eq!(valid().len(), 5);
    for proof in valid() {
        let read = proof.read();
        assert_eq!(read.to_string(), proof.text, "{}", proof.what);
        let pasted: Bolt12 = proof.text.parse().unwrap();
        assert_eq!((pasted.kind(), pasted.to_string().as_str()), (MessageKind::PayerProof, proof.text));
        assert!(matches!(pasted, Bolt12::PayerProof(pasted) if *pasted == read), "{}", proof.what);
        assert_eq!(read.note().map(|note| note.as_raw()), proof.note, "{}", proof.what);
        assert_eq!(read.preimage(), proof.preimage, "{}", proof.what);
        assert_eq!(read.payer_id(), proof.invoice.payer_id(), "{}", proof.what);
        assert_eq!(read.node_id(), proof.invoice.node_id(), "{}", proof.what);
        assert_eq!(read.payment_hash(), proof.invoice.payment_hash(), "{}", proof.what);
        for record in proof.invoice.tlvs().records().filter(|record| record.number() != 240) {
            let shown = proof.shown.contains(&record.number()).then_some(record.as_bytes());
            let found = read.tlvs().get(record.number()).map(|record| record.as_bytes());
            assert_eq!(found, shown, "{}: {}", proof.what, record.number());
        }
    }
}

// PPW-1, PPW-3, PPW-4, PPW-5, PPW-6, PPW-7
#[test]
fn valid_proofs_are_made_again_from_what_they_were_made_from() {
    let payer = Keypair::from_seckey_slice(&Secp256k1::new(), &PAYER).unwrap();
    let mut same = 0;
    for proof in valid().iter().filter(|proof| !proof.lists_no_markers()) {
        let signed = proof.unsigned().complete(&proof.signature()).unwrap();
        assert_eq!(signed.to_string(), proof.text, "{}", proof.what);
        same += usize::from(proof.unsigned().sign(&payer).unwrap() == signed);
    }
    assert_eq!(same, 4, "the signatures were made without randomness too");
    // The other one has a record that this crate leaves out.
    let given: Vec<_> = valid().into_iter().filter(Valid::lists_no_markers).collect();
    let [proof] = &given[..] else { panic!("one proof lists no markers") };
    let parts = Parts::of(&proof.records(), &proof.shown.iter().copied().collect());
    let parts = Parts { preimage: proof.preimage.0.to_vec(), ..parts };
    let mut unsigned = proof.unsigned().as_bytes().to_vec();
    assert_eq!(unsigned, naive::concat(&parts.records()));
    let place = unsigned.windows(4).position(|bytes| bytes == [0xfd, 0x03, 0xeb, 0x20]).unwrap();
    unsigned.splice(place..place, [0xfd, 0x03, 0xea, 0]);
    let signed = proofs::sign(naive::parse(&unsigned).unwrap(), &payer);
    assert_eq!(PayerProof::try_from(signed).unwrap().to_string(), proof.text);
}

// PPW-3, PPW-4, PPW-5
#[test]
fn working_values_are_those_of_a_second_implementation() {
    for proof in valid() {
        let [root, digest, markers, missing, nonces, proof_root] = proof.working;
        let records = proof.records();
        assert_eq!(hex(naive::root(&records)), root, "{}", proof.what);
        assert_eq!(hex(naive::digest("invoice", &records)), digest, "{}", proof.what);
        let shown: BTreeSet<u64> = proof.shown.iter().copied().collect();
        let naive = Parts::of(&records, &shown);
        let given = Parts::from_proof(proof.read().as_bytes());
        assert_eq!(
            Parts { preimage: given.preimage.clone(), note: given.note.clone(), ..naive },
            given,
            "{}",
            proof.what
        );
        assert_eq!(given.markers, numbers(markers), "{}", proof.what);
        assert_eq!(given.missing.iter().map(hex).collect::<Vec<_>>(), list(missing), "{}", proof.what);
        assert_eq!(given.nonces.iter().map(hex).collect::<Vec<_>>(), list(nonces), "{}", proof.what);
        let read = proof.read();
        assert!(read.omitted_tlvs().eq(numbers(markers)), "{}", proof.what);
        assert!(read.missing_hashes().map(hex).eq(list(missing)), "{}", proof.what);
        assert!(read.leaf_hashes().map(hex).eq(list(nonces)), "{}", proof.what);
        let own: Vec<_> = naive::parse(proof.read().as_bytes()).unwrap();
        assert_eq!(hex(naive::root(&own)), proof_root, "{}", proof.what);
        if !proof.lists_no_markers() {
            assert_eq!(proof.unsigned().digest(), proofs::proof_digest(&own), "{}", proof.what);
        }
    }
}

// PPR-1, PPR-2, PPR-3, PPR-4, PPR-5, PPR-6, PPR-7
#[test]
fn invalid_proofs_are_refused_for_the_rule_they_break() {
    let mut count = 0;
    for row in rows() {
        if let ["invalid", what, text, rule] = row[..] {
            let error = text.parse::<PayerProof>().expect_err(what);
            assert_eq!(error.rule().id(), rule, "{what}: {error:#}");
            assert_eq!(text.parse::<Bolt12>().expect_err(what), error, "{what}");
            // Where in the text, unless it is about something that is not there.
            let in_text = *error.kind() != bolt12::ErrorKind::Missing;
            assert_eq!(error.column().is_some(), in_text, "{what}: {error:#}");
            count += 1;
        }
    }
    assert_eq!(count, 23);
}

/// The specification's own file, where there is a copy: nothing was lost in ours.
#[test]
fn our_copy_is_complete() {
    let shared = std::env::var_os("BOLT12_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    let Ok(file) = std::fs::read_to_string(shared.join("vectors/payer-proof-test.json")) else { return };
    let file: Value = serde_json::from_str(&file).unwrap();
    assert_eq!(file["payer_secret"], hex(PAYER));
    let theirs = file["valid_vectors"].as_array().unwrap();
    assert_eq!(theirs.len(), valid().len());
    for (ours, theirs) in valid().iter().zip(theirs) {
        let (input, working) = (&theirs["input"], &theirs["working"]);
        assert_eq!(ours.invoice.to_string(), input["invoice"]);
        assert_eq!(hex(ours.invoice.as_bytes()), input["invoice_hex"]);
        assert_eq!(hex(ours.preimage.0), input["preimage"]);
        assert_eq!(ours.note, input["note"].as_str());
        let fields = input["invoice_fields"].as_array().unwrap();
        let shown =
            fields.iter().filter(|field| field["included"] == true).map(|field| field["type"].as_u64().unwrap());
        assert!(ours.shown.iter().copied().eq(shown));
        let column = |value: &Value| match value.as_array() {
            Some(entries) if entries.is_empty() => "-".to_owned(),
            Some(entries) => {
                entries.iter().map(|entry| entry.to_string().replace('"', "")).collect::<Vec<_>>().join(" ")
            }
            None => value.as_str().unwrap().to_owned(),
        };
        let names = [
            "invoice_merkle_root",
            "invoice_sighash",
            "proof_omitted_tlvs",
            "proof_missing_hashes",
            "proof_leaf_hashes",
            "proof_merkle_root",
        ];
        assert_eq!(ours.working.map(str::to_owned), names.map(|name| column(&working[name])));
        assert_eq!(hex(ours.signature().as_ref()), theirs["result"]["payer_sig"]);
        assert_eq!(ours.text, theirs["result"]["bech32"]);
        let fields = theirs["result"]["proof_fields"].as_array().unwrap();
        let proof = ours.read();
        assert_eq!(proof.tlvs().len(), fields.len());
        for (record, field) in proof.tlvs().records().zip(fields) {
            assert_eq!(record.number(), field["type"].as_u64().unwrap());
            assert_eq!(hex(record.value()), field["hex"]);
        }
    }
    let theirs = file["invalid_vectors"].as_array().unwrap().iter().map(|vector| vector["bech32"].as_str().unwrap());
    let rows: Vec<_> = rows().collect();
    assert!(rows.iter().filter(|row| row[0] == "invalid").map(|row| row[2]).eq(theirs));
}
