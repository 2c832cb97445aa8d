//! Payer proofs: what they show, what they hide, and that nobody takes the one for the other.

use std::path::Path;

use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::{Field, Invoice, PayerProof, PayerProofBuilder, Preimage};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::messages::{self, ALICE, BOB, WITH_NOTE, number, signed, signed_in};
use super::{as_hex, assert_json, paths_json, proof, run, value};

const FULL: &str = "lnp1zcssyj7z5vfx29flqlnsuzatppeyu6u9ugtl3ntz3n4k996zg7a5jvuz2gpq86zcyypjgef743p5fzqq9nqxh0ah7y87rzv3ud0eleps9kl2d5348hq2k89qwcp87v0tc4rzc87uuxmn0m8l2tfh6aw75s7wz8r56fd299ckt74zqpcr9s9he72nyjs86pfe3vjqzaxups47g3xedv2e4fk877c7v6rgpxgszqhd4w73ddqusdcmjthj7pxprpd57qakmn2jh2dh3kwhezwg7gs3g5qpqqqqqqqqqqqqqqqqqqqqqqqqqq9zrsqqqqqpqqqqqqsqqvqqqqqqqqqqqpqqqqqqqqqqqqzsqq9yq3n4y7vg4qs89ntwss3vgplmd5ycdy83zv9hmmt7ctmltcwnp0va2g0sz5mr0ya2qgp73tsdpqqqqqqqqqqqqqqqqqqqpvppqf9u9gcjv52n7pl8pc96kzrjfe4ctcshlrxk9r8tv2t5y3amfyec9uzqlwun9e4f6k6d3r9qmhyul8uvezqw7s0raj2hfk5f7cjdhzv2k05a8mtv42r5gcems4gk0ksqjyvanq62uu0hkphsyuedcnqaaw4s2al3gpykzve5p8698d233l9uvc5ndl95dekpmwxev0zyke74valsll8r43wyy2far0qjnzcdvueq5aewyzsxcp5alfc8nhujq7m82dthxhwhl5p7jgqpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpq87s86eqpdgshfxx3pxkqv2eemf0pj3puaeyyj6eu54zrydml08swdmcqksl6qlvl5qkprys2lkc3u7956myg8w2cw67fnhmxc2eqntnv2uxu7zz07mftarp3hz549698hhx7grl55sk5v832e6yyufv4xy990rcndecs5pf9q709h40tuctu08d3878cfx5y2qehur27rjg5v2z8w7suf3570pauel4f7qvjj588qlj4rhhc0jxr33tv7j3mfdueakdj6nah2efh6j3lfuynw9c2msa9f3annnacxncupwtkt00rawhwzwy36rs0c99nlj3ux08unhwd06kcmzcnljsqd2fpsd8eydh209cqp7yk55r3fnh97vh7qv3cdgqqfr42judpgvk3x98jjlnm6yesft3z7xexxhlke20psddczuduql35zc9xxllz35c947kz0hku8hc6w7ajkgfw87p3kp4l77pfnll4gc5ycduhvhdfj3y64chhdsgmznvexgs0y9ur4y677zc4dlf9dmmncuyxeg0dnt7a99kw5l2nhe4xdcskpx7u6r26dm9zkjuh2a2hydnvl3sl6nsymd0nujepwm7nnp3mwpzraqp83nj383c7gkgl6edqhspq9pq";

const PREIMAGE: Preimage = Preimage([0x11; 32]);

/// The invoice with every field, in dollars and with an expiry, and a hash that somebody knows the preimage of.
fn paid() -> Vec<messages::Field> {
    pay(messages::invoice(), vec![(6, b"USD".to_vec()), (166, number(3600))])
}

fn pay(mut fields: Vec<messages::Field>, more: Vec<messages::Field>) -> Vec<messages::Field> {
    fields.retain(|(number, _)| *number != 168);
    fields.push((168, sha256::Hash::hash(&PREIMAGE.0).to_byte_array().to_vec()));
    fields.extend(more);
    fields.sort();
    fields
}

fn invoice(fields: &[messages::Field]) -> Invoice {
    signed("invoice", fields, ALICE).try_into().unwrap()
}

fn built(builder: PayerProofBuilder<'_>) -> PayerProof {
    builder.build().unwrap().sign(&messages::key(BOB)).unwrap()
}

/// A proof that discloses half of what belongs together.
fn halves() -> PayerProof {
    let fields = [
        Field::OFFER_AMOUNT,
        Field::INVREQ_QUANTITY,
        Field::INVOICE_BLINDEDPAY,
        Field::INVOICE_RELATIVE_EXPIRY,
        Field::INVOICE_FALLBACKS,
    ];
    let invoice = invoice(&paid());
    built(fields.into_iter().fold(PayerProofBuilder::minimal(&invoice, PREIMAGE), PayerProofBuilder::reveal))
}

/// The proof with one byte changed, the last of a field.
fn damaged(proof: &PayerProof, number: u64) -> String {
    let record = proof.tlvs().get(number).unwrap();
    let last = record.value_offset() + record.value().len() - 1;
    let mut bytes = proof.as_bytes().to_vec();
    bytes[last] ^= 1;
    as_hex("payer_proof", &bytes)
}

/// Proofs that have golden pages.
pub(crate) fn examples() -> Vec<(&'static str, String)> {
    let mut without_currency = paid();
    without_currency.retain(|(number, _)| *number != 6);
    let (paid, without_currency) = (invoice(&paid()), invoice(&without_currency));
    let own = messages::invoice().into_iter().filter(|(number, _)| (160..=164).contains(number));
    let refund = messages::refund().into_iter().chain(own);
    let refund = pay(refund.collect(), vec![(170, number(u64::MAX)), (176, messages::hex(ALICE))]);
    let receipt = PayerProofBuilder::receipt(&paid, PREIMAGE);
    let note = "for \u{202e}you\n\"(none)";
    vec![
        ("an official proof that discloses everything", FULL.to_owned()),
        ("an official proof with a note", WITH_NOTE.to_owned()),
        ("a receipt", as_hex("payer_proof", built(receipt.clone()).as_bytes())),
        (
            "a receipt from a test network, with a note that deceives",
            as_hex("payer_proof", built(receipt.clone().reveal(Field::INVREQ_CHAIN).note(note)).as_bytes()),
        ),
        ("a proof that discloses halves", as_hex("payer_proof", halves().as_bytes())),
        (
            "a proof that hides only paths",
            as_hex("payer_proof", built(PayerProofBuilder::without_paths(&without_currency, PREIMAGE)).as_bytes()),
        ),
        (
            "a proof that a refund was paid",
            as_hex("payer_proof", built(PayerProofBuilder::without_paths(&invoice(&refund), PREIMAGE)).as_bytes()),
        ),
        ("a proof with a wrong preimage", damaged(&halves(), 1001)),
        ("a proof that the payee did not sign", damaged(&built(receipt), 10)),
        ("a proof of which only the start is left", WITH_NOTE[..100].to_owned()),
    ]
}

#[test]
fn an_official_proof_that_discloses_everything() {
    assert_json(
        FULL,
        &json!({
            "type": "bolt12 payer_proof",
            "valid": true,
            "offer_id": "e144e6168c289811f1723405d6cfb3112d04d02ca88c4110ca6e74980da7951a",
            "offer_merkle_root": "e25fb48c89e9b65e9b7883635c872611b66e413b0d8d1e198906a7a3ef95e5b8",
            "offer_issuer_id": "024bc2a31265153f07e70e0bab08724e6b85e217f8cd628ceb62974247bb493382",
            "invreq_amount_msat": 1000,
            "invreq_payer_id": BOB,
            "invoice_paths": [{
                "first_node_id": "027f31ebc5462c1fdce1b737ecff52d37d75dea43ce11c74d25aa297165faa2007",
                "first_path_key": "032c0b7cf95324a07d05398b240174dc0c2be444d96b159aa6c7f7b1e668680991",
                "path": [{
                    "blinded_node_id": "02edabbd16b41c8371b92ef2f04c1185b4f03b6dcd52ba9b78d9d7c89c8f221145",
                    "encrypted_recipient_data": "00000000000000000000000000000000",
                }],
                "payinfo": {
                    "fee_base_msat": 1,
                    "fee_proportional_millionths": 2,
                    "cltv_expiry_delta": 3,
                    "htlc_minimum_msat": 4,
                    "htlc_maximum_msat": 5,
                    "features": "",
                },
            }],
            "invoice_created_at": 1_733_458_312,
            "invoice_payment_hash": "72cd6e8422c407fb6d098690f1130b7ded7ec2f7f5e1d30bd9d521f015363793",
            "invoice_amount_msat": 1000,
            "invoice_features": "08000000000000000000000000",
            "invoice_node_id": "024bc2a31265153f07e70e0bab08724e6b85e217f8cd628ceb62974247bb493382",
            "signature": "fbb932e6a9d5b4d88ca0ddc9cf9f8cc880ef41e3ec9574da89f624db898ab3e9d3ed6caa8744633b855167da009119d9834ae71f7b06f02732dc4c1debab0577",
            "proof_signature": "4961333409f453b5518fcbc662936fcb46e6c1db8d963c44b67d5677f0ffce3ac5c42293d1bc1298b0d67320a772e20a06c069dfa7079df9207b675357735dd7",
            "proof_preimage": "0101010101010101010101010101010101010101010101010101010101010101",
            "proof_omitted_tlvs": [],
            "proof_missing_hashes": [
                "0b510ba4c6884d603159ced2f0ca21e772424b59e52a2191bbfbcf07377805a1",
            ],
            "proof_leaf_hashes": [
                "8c9057ed88f3c5a6b6441dcac3b5e4cefb3615904d7362b86e78427fb695f461",
                "8dc54a97453dee6f207fa5216a30f1567442712ca98852bc789b73885029283c",
                "f2deaf5f30be3ced89fc7c24d422819bf06af0e48a31423bbd0e2634f3c3de67",
                "f54f80c94a87383f2a8ef7c3e461c62b67a51da5bccf6cd96a7dbab29bea51fa",
                "7849b8b856e1d2a63d9ce7dc1a78e05cbb2def1f5d7709c48e8707e0a59fe51e",
                "19e7e4eee6bf56c6c589fe50035490c1a7c91b753cb8007c4b52838a6772f997",
                "f0191c35000247554b8d0a196898a794bf3de89982571178d931affb654f0c1a",
                "dc0b8de03f1a0b0531bff146982d7d613ef6e1ef8d3bdd9590971fc18d835ffb",
                "c14cfffaa314261bcbb2ed4ca24d5717bb608d8a6cc9910790bc1d49af7858ab",
                "7e92b77b9e3843650f6cd7ee94b6753ea9df3533710b04dee686ad376515a5cb",
                "abaab91b367e30fea7026daf9f2590bb7e9cc31db8221f4013c67289e38f22c8",
            ],
            "unknown_payer_proof_tlvs": [{ "type": 3_000_000_001_u64, "length": 1, "value": "42" }],
        }),
    );
}

#[test]
fn an_official_proof_with_a_note() {
    assert_json(
        WITH_NOTE,
        &json!({
            "type": "bolt12 payer_proof",
            "valid": true,
            "invreq_payer_id": BOB,
            "invoice_payment_hash": "72cd6e8422c407fb6d098690f1130b7ded7ec2f7f5e1d30bd9d521f015363793",
            "invoice_node_id": "024bc2a31265153f07e70e0bab08724e6b85e217f8cd628ceb62974247bb493382",
            "signature": "0a33224568b6aae6ed252012bd7fe1072c03ebdca7fa44f95b03f1cd09be28b0a83c9c32105978cd80da068979662c80fa00ff250ccdc4d18b709ffd1c7ae319",
            "proof_signature": "2a47f98770ae814119d682a7b19f7ce9e050a3bb49d9b0a031c46d9cb57a3075ddc23a742f6d33bc4ec8e1778327494bea76d2ee564625e99bfb95cc209a7722",
            "proof_preimage": "0101010101010101010101010101010101010101010101010101010101010101",
            "proof_omitted_tlvs": [1, 2, 89, 90, 91, 169],
            "proof_missing_hashes": [
                "bf8cb2b1d6fa9bcdcab501b59f82c65c506b7f43514737f7197f1fcfeaebad41",
                "b9406f4ce526a6a0d4e0b3a63ed89a832e31cb9939dfe1a7b5dd7232d32c02ab",
                "cd9c44b53b31700c9ed0e3330ce425f7f18fac2fc1d566a34468439274f0e316",
                "9f9830f2c3070cfbad13fde30ee36cd7143591164ed12040a9cd595c96840ac9",
                "998ab7fa9c743fb9dbdb0d8d46fbe3ad333400bd07f328dcdb6008790bc9d2db",
            ],
            "proof_leaf_hashes": [
                "f2deaf5f30be3ced89fc7c24d422819bf06af0e48a31423bbd0e2634f3c3de67",
                "f0191c35000247554b8d0a196898a794bf3de89982571178d931affb654f0c1a",
                "7e92b77b9e3843650f6cd7ee94b6753ea9df3533710b04dee686ad376515a5cb",
            ],
            "proof_note": "test note",
        }),
    );
}

/// Each of the specification's proofs, from the values its file lists.
#[test]
fn every_official_proof() {
    let shared = std::env::var("BOLT12_SHARED").unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
    let Ok(file) = std::fs::read_to_string(Path::new(&shared).join("vectors/payer-proof-test.json")) else { return };
    let file: Value = serde_json::from_str(&file).unwrap();
    let of = |list: &str| file[list].as_array().unwrap().clone();
    assert_eq!((of("valid_vectors").len(), of("invalid_vectors").len()), (5, 23));
    for vector in of("valid_vectors") {
        let found = value(vector["result"]["bech32"].as_str().unwrap());
        assert_eq!(found["valid"], json!(true), "{vector}");
        let fields = vector["result"]["proof_fields"].as_array().unwrap();
        let digits = |number: u64| {
            let field = fields.iter().find(|field| field["type"] == json!(number));
            field.map_or(Value::Null, |field| field["hex"].clone())
        };
        assert_eq!(found["signature"], digits(240));
        assert_eq!(found["proof_signature"], digits(241));
        assert_eq!(found["proof_preimage"], digits(1001));
        for list in ["proof_omitted_tlvs", "proof_missing_hashes", "proof_leaf_hashes"] {
            assert_eq!(found[list], vector["working"][list]);
        }
    }
    for vector in of("invalid_vectors") {
        let found = value(vector["bech32"].as_str().unwrap());
        assert_eq!((&found["type"], &found["valid"]), (&json!("bolt12 payer_proof"), &json!(false)), "{vector}");
        assert!(found["rule"].as_str().unwrap().starts_with("PPR-"), "{found}");
    }
}

/// The id of an offer is shown only where no field of it can be hidden: whatever else is, it is the right one.
#[test]
fn the_id_of_an_offer_that_is_not_all_there_is_not_shown() {
    let invoice = invoice(&paid());
    let fields: Vec<Field> = invoice.tlvs().records().map(|record| Field::numbered(record.number())).collect();
    let hideable = |field: &&Field| !matches!(field.number(), 0 | 88 | 168 | 174 | 176 | 240..=1000);
    let fields: Vec<Field> = fields.iter().filter(hideable).copied().collect();
    let id = invoice.offer().id().unwrap().to_string();
    let shown = |hidden: &[usize]| {
        let mut proof = PayerProofBuilder::minimal(&invoice, PREIMAGE);
        for (at, field) in fields.iter().enumerate() {
            proof = if hidden.contains(&at) { proof } else { proof.reveal(*field) };
        }
        value(&as_hex("payer_proof", built(proof).as_bytes())).get("offer_merkle_root").cloned()
    };
    assert_eq!(shown(&[]), Some(json!(id)));
    for one in 0..fields.len() {
        for other in 0..fields.len() {
            let found = shown(&[one, other]);
            assert!(found.is_none() || found == Some(json!(id)), "{:?} {:?}", fields[one], fields[other]);
            let is_of_offer = |at: usize| invoice.offer().records().any(|it| it.number() == fields[at].number());
            assert!(
                found.is_none() || !is_of_offer(one) && !is_of_offer(other),
                "{:?} {:?}",
                fields[one],
                fields[other]
            );
        }
    }
}

/// What a proof does not tell, its JSON does not either: the unit of an amount whose currency may be hidden, the
/// address of an output on a hidden chain, whose fees are disclosed without the paths.
#[test]
fn a_proof_that_discloses_halves() {
    let mut found = value(&as_hex("payer_proof", halves().as_bytes()));
    for name in ["signature", "proof_signature", "proof_omitted_tlvs", "proof_missing_hashes", "proof_leaf_hashes"] {
        assert!(found.as_object_mut().unwrap().shift_remove(name).is_some(), "{name}");
    }
    let payinfo = |numbers: [u64; 5], features: &str| {
        json!({
            "fee_base_msat": numbers[0],
            "fee_proportional_millionths": numbers[1],
            "cltv_expiry_delta": numbers[2],
            "htlc_minimum_msat": numbers[3],
            "htlc_maximum_msat": numbers[4],
            "features": features,
        })
    };
    let expected = json!({
        "type": "bolt12 payer_proof",
        "valid": true,
        "offer_amount": 100_000,
        "invreq_quantity": 3,
        "invreq_payer_id": BOB,
        "invoice_blindedpay": [
            payinfo([1000, 2500, 144, 1, u64::MAX], "02"),
            payinfo([u32::MAX.into(), u32::MAX.into(), u16::MAX.into(), 0, 1], ""),
        ],
        "invoice_relative_expiry": 3600,
        "invoice_payment_hash": PREIMAGE.payment_hash().to_string(),
        "invoice_fallbacks": [
            { "version": 0, "hex": "22".repeat(20) },
            { "version": 1, "hex": "33".repeat(32) },
            { "version": 17, "hex": "44".repeat(20) },
            { "version": 0, "hex": "5555" },
        ],
        "invoice_features": "020000",
        "invoice_node_id": ALICE,
        "proof_preimage": "11".repeat(32),
    });
    assert_eq!(found.to_string(), expected.to_string());
}

/// The payee's signature does not prove that there are as many payinfos as paths.
#[test]
fn paths_without_their_fees() {
    let invoice = invoice(&paid());
    let found = |builder| value(&as_hex("payer_proof", built(builder).as_bytes()));
    let paths = PayerProofBuilder::minimal(&invoice, PREIMAGE).reveal(Field::INVOICE_PATHS);
    assert_eq!(found(paths.clone())["invoice_paths"], json!(paths_json()));
    let both = found(paths.reveal(Field::INVOICE_BLINDEDPAY));
    assert_eq!(both["invoice_paths"][1]["payinfo"]["cltv_expiry_delta"], json!(65535));
    assert_eq!(both.get("invoice_blindedpay"), None);
    // Too few or too many: no path is given another's.
    for count in [1, 3] {
        let mut fields = paid();
        fields.retain(|(number, _)| *number != 241);
        let payinfos = fields.iter_mut().find(|(number, _)| *number == 162).unwrap();
        payinfos.1 = [0; 28].repeat(count);
        let found = value(&as_hex("payer_proof", &messages::proof(&fields, PREIMAGE.0)));
        assert_eq!(found["invoice_paths"], json!(paths_json()), "{found}");
        assert_eq!(found["invoice_blindedpay"].as_array().unwrap().len(), count);
    }
}

/// Those of the invoice, further signatures, and those of the proof itself.
#[test]
fn unknown_fields() {
    let records: Vec<messages::Field> = built(
        PayerProofBuilder::minimal(&invoice(&paid()), PREIMAGE)
            .reveal(Field::numbered(33))
            .reveal(Field::numbered(177)),
    )
    .tlvs()
    .records()
    .filter(|record| record.number() != 241)
    .map(|record| (record.number(), record.value().to_vec()))
    .chain([(243, vec![1]), (1007, vec![2, 3]), (999_999_999, vec![])])
    .collect();
    let mut sorted = records;
    sorted.sort();
    let proof = signed_in((241, "proof_signature"), "payer_proof", &sorted, BOB);
    let unknown = |number: u64, value: &str| json!({ "type": number, "length": value.len() / 2, "value": value });
    assert_eq!(
        value(&as_hex("payer_proof", &proof))["unknown_payer_proof_tlvs"],
        json!([
            unknown(33, "07"),
            unknown(177, "0b"),
            unknown(243, "01"),
            unknown(1007, "0203"),
            unknown(999_999_999, ""),
        ])
    );
}

/// PPR-2, PPR-6, PPR-7
#[test]
fn refused_proofs() {
    let wrong = WITH_NOTE.replacen("qyqszqgpqyqszqgpqyqszq", "qyqszqgpqyqszqgpqyqszp", 1);
    let mut found = value(&wrong);
    let remains = found.as_object_mut().unwrap().shift_remove("readable_tlvs").unwrap();
    assert_eq!(remains.as_array().unwrap().last().unwrap()["name"], json!("proof_note"));
    assert_eq!(
        found,
        json!({
            "type": "bolt12 payer_proof",
            "valid": false,
            "error": "the preimage does not match the payment hash: the preimage proves that the invoice was paid",
            "code": "wrong_preimage",
            "rule": "PPR-2",
            "field": "proof_preimage",
            "type_number": 1001,
            "offset": 236,
            "column": 382,
        }),
    );
    let proof = built(PayerProofBuilder::receipt(&invoice(&paid()), PREIMAGE).note("for you"));
    for (number, rule, field) in [
        (10, "PPR-6", "signature"),
        (240, "PPR-6", "signature"),
        (1003, "PPR-6", "signature"),
        (241, "PPR-7", "proof_signature"),
        (1005, "PPR-7", "proof_signature"),
    ] {
        let found = value(&damaged(&proof, number));
        assert_eq!((&found["type"], &found["valid"]), (&json!("bolt12 payer_proof"), &json!(false)));
        assert_eq!((&found["rule"], &found["field"]), (&json!(rule), &json!(field)), "{number}");
    }
    // PPR-1
    let found = value("hex:payer_proof:");
    assert_eq!((&found["code"], &found["rule"]), (&json!("empty"), &json!("PPR-1")));
}

/// The names of an invoice's fields in JSON.
const NAMES: [(u64, &str); 25] = [
    (2, "offer_chains"),
    (6, "offer_currency"),
    (8, "offer_amount"),
    (10, "offer_description"),
    (16, "offer_paths"),
    (18, "offer_issuer"),
    (20, "offer_quantity_max"),
    (22, "offer_issuer_id"),
    (80, "invreq_chain"),
    (82, "invreq_amount_msat"),
    (84, "invreq_features"),
    (86, "invreq_quantity"),
    (88, "invreq_payer_id"),
    (89, "invreq_payer_note"),
    (90, "invreq_paths"),
    (91, "invreq_bip_353_name"),
    (160, "invoice_paths"),
    (162, "invoice_blindedpay"),
    (164, "invoice_created_at"),
    (166, "invoice_relative_expiry"),
    (168, "invoice_payment_hash"),
    (170, "invoice_amount_msat"),
    (172, "invoice_fallbacks"),
    (174, "invoice_features"),
    (176, "invoice_node_id"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is disclosed, the JSON has that and nothing else, and the page takes no field that is hidden for
    /// one that is absent, or the other way.
    #[test]
    fn disclosed_hidden_and_absent(choices in prop::collection::vec(any::<bool>(), 40), all in 0..4) {
        let fields = paid();
        let invoice = invoice(&fields);
        let mut builder = PayerProofBuilder::minimal(&invoice, PREIMAGE);
        for ((number, _), chosen) in fields.iter().zip(&choices) {
            // Sometimes nearly everything, so that absence can be told.
            if !matches!(number, 0 | 240..=1000) && (*chosen || all > 1) && (all != 3 || *number != 89) {
                builder = builder.reveal(Field::numbered(*number));
            }
        }
        let preview = builder.preview().unwrap();
        let proof = built(builder);
        let string = as_hex("payer_proof", proof.as_bytes());
        let shown = |number: u64| preview.revealed.contains(&Field::numbered(number));
        let found = value(&string);
        for (number, name) in NAMES {
            let merged = number == 162 && shown(160);
            prop_assert_eq!(found.get(name).is_some(), shown(number) && !merged, "{}", name);
        }
        prop_assert_eq!(found.get("currency_minor_unit").is_some(), shown(6));
        // Hidden fields are not listed, and those that are stand in ascending order, signatures and proof behind.
        let names: Vec<&str> = found.as_object().unwrap().keys().map(String::as_str).collect();
        let places: Vec<_> = names.iter().filter_map(|name| NAMES.iter().position(|(_, known)| known == name)).collect();
        prop_assert!(places.is_sorted());
        let unknown: Vec<u64> = found["unknown_payer_proof_tlvs"].as_array().into_iter().flatten()
            .map(|record| record["type"].as_u64().unwrap()).collect();
        let expected: Vec<u64> = fields.iter().map(|(number, _)| *number)
            .filter(|number| shown(*number) && NAMES.iter().all(|(known, _)| known != number)).collect();
        prop_assert_eq!(unknown, expected);

        let (_, page, _) = run(&[&string], b"", true);
        for field in proof::TELLING {
            let row = page.lines().find(|line| line.split_whitespace().next() == field.name());
            let row = row.unwrap_or_else(|| panic!("no row of {field} in {page}"));
            let (hidden, absent) = (row.contains("  (hidden"), row.contains("not in the invoice"));
            match (shown(field.number()), fields.iter().any(|(number, _)| *number == field.number())) {
                (true, _) => prop_assert!(!hidden && !absent, "{}", row),
                (false, true) => prop_assert!(hidden, "{}", row),
                (false, false) => prop_assert!(absent, "{}", row),
            }
        }
    }

    /// A note comes out of the JSON as it went in, and onto the page without what deceives.
    #[test]
    fn notes(note in "\\PC+|(?s:.+)") {
        let proof = built(PayerProofBuilder::minimal(&invoice(&paid()), PREIMAGE).note(&note));
        let string = proof.to_string();
        prop_assert_eq!(&value(&string)["proof_note"], &json!(note));
        let (_, page, _) = run(&[&string], b"", true);
        let harmless = |c: char| c == '\n' || bolt12::Text::new(&c.to_string()).to_string() == c.to_string();
        prop_assert!(page.chars().all(harmless), "{:?}", page);
    }
}
