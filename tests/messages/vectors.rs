//! The specification's own test vectors, each refused text with the rule and field to blame.

use std::path::PathBuf;

use super::naive::{self, Hash32, Record};
use bolt12::secp256k1::{Message, Secp256k1, schnorr};
use bolt12::{Bolt12, InvoiceRequest, Offer};
use serde_json::Value;

const OFFERS: &str = include_str!("../data/offers.tsv");
const FORMAT: &str = include_str!("../data/format.tsv");
const SIGNATURE: &str = include_str!("../data/signature.tsv");

/// The columns of each line that is not a comment.
fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

fn hash(hex: &str) -> Hash32 {
    hex::decode(hex).unwrap().try_into().unwrap()
}

fn unescaped(text: &str) -> String {
    text.replace("\\r", "\r").replace("\\n", "\n")
}

/// A text is valid for both readers, or for none, and then for the same reason.
fn read(text: &str) -> Result<Offer, bolt12::Error> {
    let offer = text.parse::<Offer>();
    match (&offer, text.parse::<Bolt12>()) {
        (Ok(offer), Ok(Bolt12::Offer(pasted))) => assert_eq!(offer, &*pasted),
        // The reader of pasted text forgives white space around it.
        (Err(error), Err(pasted)) if text.trim() == text => assert_eq!(error, &pasted),
        (Err(_), Err(_)) => {}
        (offer, pasted) => panic!("{text}: {offer:?}, but pasted {pasted:?}"),
    }
    offer
}

// OFR-2, OFR-3, OFR-4, OFR-5, OFR-6, OFR-7, OFR-8, OFR-1 (by TLV-5)
// TLV-1, TLV-3, TLV-4, TLV-5, TLV-7, TXT-4
#[test]
fn offers_are_read_or_refused_as_specified() {
    for row in rows(OFFERS) {
        match row[..] {
            ["valid", what, text, records] => {
                let offer = read(text).unwrap_or_else(|error| panic!("{what}: {error:#}"));
                assert_eq!(offer.to_string(), text, "{what}");
                let expected: Vec<Record> = records
                    .split(' ')
                    .map(|record| {
                        let (number, value) = record.split_once(':').unwrap();
                        naive::record(number.parse().unwrap(), &hex::decode(value).unwrap())
                    })
                    .collect();
                assert_eq!(offer.tlvs().len(), expected.len(), "{what}");
                for (record, expected) in offer.tlvs().records().zip(&expected) {
                    assert_eq!(record.number(), expected.number, "{what}");
                    assert_eq!(record.value(), expected.value, "{what}");
                    assert_eq!(record.as_bytes(), expected.bytes, "{what}");
                }
            }
            ["invalid", what, text, rule, field] => {
                let error = read(text).expect_err(what);
                assert_eq!(error.rule().id(), rule, "{what}: {error:#}");
                let found = error.field().map_or("-".to_owned(), |field| field.number().to_string());
                assert_eq!(found, field, "{what}: {error:#}");
            }
            _ => panic!("not understood: {row:?}"),
        }
    }
}

// TXT-1, TXT-2, TXT-3, TXT-6
#[test]
fn ways_to_write_an_offer_are_read_or_refused_as_specified() {
    let mut plain = None;
    for row in rows(FORMAT) {
        match row[..] {
            ["valid", what, text] => {
                let text = unescaped(text);
                let offer = read(&text).unwrap_or_else(|error| panic!("{what}: {error:#}"));
                // The first one is in one piece; all mean the same.
                let plain = plain.get_or_insert(text);
                assert_eq!(offer.to_string(), *plain, "{what}");
                assert_eq!(format!("{offer:#}"), plain.to_uppercase(), "{what}");
            }
            ["invalid", what, text, rule, column] => {
                let error = read(&unescaped(text)).expect_err(what);
                assert_eq!(error.rule().id(), rule, "{what}: {error:#}");
                assert_eq!(error.column().map(|column| column.to_string()).as_deref(), Some(column), "{what}");
            }
            _ => panic!("not understood: {row:?}"),
        }
    }
}

// SIG-1, SIG-2, SIG-3, SIG-4, SIG-5
#[test]
fn signatures_are_made_over_the_specified_trees() {
    let mut records: Vec<Record> = Vec::new();
    let mut leaves = Vec::new();
    let mut branches = Vec::new();
    let mut root = [0; 32];
    let mut signed = 0;
    for row in rows(SIGNATURE) {
        match row[..] {
            ["tree", _] => {
                records.clear();
                leaves.clear();
                branches.clear();
            }
            ["record", record, leaf, nonce, joined] => {
                records.extend(naive::parse(&hex::decode(record).unwrap()).unwrap());
                leaves.push(naive::Leaf { leaf: hash(leaf), nonce: hash(nonce), joined: hash(joined) });
            }
            ["branch", smaller, greater, joined] => branches.push([hash(smaller), hash(greater), hash(joined)]),
            ["root", expected] => {
                root = hash(expected);
                assert_eq!(naive::leaves(&records), leaves);
                let nodes: Vec<_> = leaves.iter().map(|leaf| leaf.joined).collect();
                let mut found = Vec::new();
                assert_eq!(naive::root_by_halves(&nodes, &mut found), root);
                assert_eq!(found, branches);
                assert_eq!(naive::root_by_levels(&nodes), root);
            }
            ["signed", text, tag, digest, signature] => {
                signed += 1;
                assert_eq!(naive::tagged(tag.as_bytes(), &root), hash(digest));
                assert_eq!(naive::digest("invoice_request", &records), hash(digest));
                // The crate reads it only if it computes the same digest.
                let request: InvoiceRequest = text.parse().unwrap();
                assert_eq!(request.to_string(), text);
                assert_eq!(request.as_bytes()[..request.tlvs().get(240).unwrap().offset()], naive::concat(&records));
                let signature = schnorr::Signature::from_slice(&hex::decode(signature).unwrap()).unwrap();
                assert_eq!(request.signature(), signature);
                let key = request.payer_id().x_only_public_key().0;
                Secp256k1::new().verify_schnorr(&signature, &Message::from_digest(hash(digest)), &key).unwrap();
            }
            _ => panic!("not understood: {row:?}"),
        }
    }
    assert_eq!(signed, 1);
}

/// The specification's file, where a copy of it is at hand.
fn official(name: &str) -> Option<Value> {
    let shared = std::env::var_os("BOLT12_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let text = std::fs::read_to_string(shared.join("vectors").join(name)).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

fn verdict(row: &Value) -> &'static str {
    if row["valid"].as_bool().unwrap() { "valid" } else { "invalid" }
}

#[test]
fn no_offer_of_the_specification_is_left_out() {
    let Some(official) = official("offers-test.json") else { return };
    let ours: Vec<_> = rows(OFFERS).collect();
    for (row, ours) in official.as_array().unwrap().iter().zip(ours_in_order(&official, &ours)) {
        if verdict(row) == "valid" {
            let records: Vec<String> = row["fields"]
                .as_array()
                .unwrap()
                .iter()
                .map(|field| {
                    let value = field["hex"].as_str().unwrap();
                    assert_eq!(field["length"].as_u64().unwrap() as usize * 2, value.len());
                    format!("{}:{value}", field["type"])
                })
                .collect();
            assert_eq!(ours[3], records.join(" "));
        }
    }
}

/// Our row for each of the specification's.
fn ours_in_order<'a, 'b>(official: &'a Value, ours: &'a [Vec<&'b str>]) -> Vec<&'a Vec<&'b str>> {
    let find = |row: &Value| {
        let text = row["bolt12"].as_str().unwrap();
        let found = ours.iter().find(|ours| ours[0] == verdict(row) && ours[2] == text);
        found.unwrap_or_else(|| panic!("left out: {row}"))
    };
    official.as_array().unwrap().iter().map(find).collect()
}

#[test]
fn no_format_of_the_specification_is_left_out() {
    let Some(official) = official("format-string-test.json") else { return };
    let ours: Vec<_> = rows(FORMAT).map(|row| (row[0], unescaped(row[2]))).collect();
    let theirs: Vec<_> = official.as_array().unwrap().iter().map(|row| (verdict(row), text(&row["string"]))).collect();
    assert_eq!(ours, theirs);
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn no_tree_of_the_specification_is_left_out() {
    let Some(official) = official("signature-test.json") else { return };
    let mut theirs = Vec::new();
    for tree in official.as_array().unwrap() {
        for leaf in tree["leaves"].as_array().unwrap() {
            theirs.extend(leaf.as_object().unwrap().iter().flat_map(|(what, hash)| [what.clone(), text(hash)]));
        }
        for branch in tree["branches"].as_array().unwrap() {
            let hashes = branch.as_object().unwrap().iter().filter(|(what, _)| *what != "desc");
            theirs.extend(hashes.flat_map(|(what, hash)| [what.clone(), text(hash)]));
        }
        theirs.push(text(&tree["merkle"]));
        for name in ["bolt12", "signature_tag", "H(signature_tag,merkle)", "signature"] {
            theirs.extend(tree.get(name).map(text));
        }
    }
    // What is hashed stands in the names of the hashes; only the part that is data is ours as well.
    let ours: Vec<String> = rows(SIGNATURE)
        .map(|row| {
            if row[0] == "branch" {
                vec![format!("{}{}", row[1], row[2]), row[3].to_owned()]
            } else {
                row[1..].iter().map(|cell| (*cell).to_owned()).collect()
            }
        })
        .collect::<Vec<_>>()
        .concat();
    for cell in theirs {
        let data = cell.strip_prefix("H(`LnLeaf`,").or(cell.strip_prefix("H(`LnBranch`,"));
        let data = match data {
            Some("leaf+nonce)") => continue,
            Some(data) => data.trim_end_matches(')'),
            None if cell.starts_with("H(") => continue,
            None => &cell,
        };
        assert!(ours.iter().any(|ours| ours == data), "left out: {data}");
    }
    let trees = rows(SIGNATURE).filter(|row| row[0] == "tree").count();
    assert_eq!(trees, official.as_array().unwrap().len());
}
