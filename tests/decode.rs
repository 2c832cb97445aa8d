//! The example `decode`: its JSON is exact and always there, and its pages are those of
//! `tests/data/decode.txt`. `BLESS=1 cargo test --test decode` writes that file anew.

#[path = "../examples/decode/command.rs"]
mod command;
#[cfg(feature = "contacts")]
#[path = "../examples/decode/contacts.rs"]
mod contacts;
#[path = "../examples/decode/dates.rs"]
mod dates;
#[path = "../examples/decode/input.rs"]
mod input;
#[cfg(feature = "contacts")]
#[path = "decode/introductions.rs"]
mod introductions;
#[path = "../examples/decode/json.rs"]
mod json;
#[path = "../examples/decode/link.rs"]
mod link;
#[allow(dead_code, reason = "the corpus is for others")]
#[path = "common/links.rs"]
mod links;
#[path = "decode/messages.rs"]
mod messages;
#[path = "decode/pages.rs"]
mod pages;
#[path = "../examples/decode/people.rs"]
mod people;
#[path = "../examples/decode/phrases.rs"]
mod phrases;
#[path = "../examples/decode/proof.rs"]
mod proof;
#[path = "decode/proofs.rs"]
mod proofs;
#[cfg(feature = "recurrence")]
#[path = "../examples/decode/recurrence.rs"]
mod recurrence;
#[path = "../examples/decode/refusal.rs"]
mod refusal;
#[path = "../examples/decode/remains.rs"]
mod remains;
#[cfg(feature = "async_payments")]
#[path = "decode/static_invoices.rs"]
mod static_invoices;
#[cfg(feature = "recurrence")]
#[path = "decode/subscriptions.rs"]
mod subscriptions;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::rc::Rc;

use bolt12::UnixTime;
use bolt12::bitcoin::hashes::{Hash, sha256};
use messages::{ALICE, BITCOIN, BOB, Field, TESTNET, root, signed, stream};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The time at which the pages are made: 2027-01-15 08:00:10 UTC.
const NOW: UnixTime = UnixTime(1_800_000_010);

const MINIMAL: &str = "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese";
const CURRENCY: &str =
    "lno1qcp4256ypqpzwyq2p32x2um5ypmx2cm5dae8x93pqthvwfzadd7jejes8q9lhc4rvjxd022zv5l44g6qah82ru5rdpnpj";
const HIDDEN: &str = "lno1pgx9getnwss8vetrw3hhyucs3yqqqqqqqqqqqqp2qgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqqyqqqqqqqqqqqqqqqqqqqqqqqqqqqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqqgzyg3zyg3zyg3z93pqthvwfzadd7jejes8q9lhc4rvjxd022zv5l44g6qah82ru5rdpnpj";
const TESTNET_ONLY: &str = "lno1qgsyxjtl6luzd9t3pr62xr7eemp6awnejusgf6gw45q75vcfqqqqqqq2p32x2um5ypmx2cm5dae8x93pqthvwfzadd7jejes8q9lhc4rvjxd022zv5l44g6qah82ru5rdpnpj";
const REQUEST: &str = "lnr1qqyqqqqqqqqqqqqqqcp4256ypqqkgzshgysy6ct5dpjk6ct5d93kzmpq23ex2ct5d9ek293pqthvwfzadd7jejes8q9lhc4rvjxd022zv5l44g6qah82ru5rdpnpjkppqvjx204vgdzgsqpvcp4mldl3plscny0rt707gvpdh6ndydfacz43euzqhrurageg3n7kafgsek6gz3e9w52parv8gs2hlxzk95tzeswywffxlkeyhml0hh46kndmwf4m6xma3tkq2lu04qz3slje2rfthc89vss";

/// Runs the command: exit code, answers, complaints.
fn run(arguments: &[&str], stdin: &[u8], stdin_is_terminal: bool) -> (u8, String, String) {
    let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
    let (mut out, mut complaints) = (Vec::new(), Vec::new());
    let code = command::run(&arguments, NOW, stdin, stdin_is_terminal, &mut out, &mut complaints).unwrap();
    (code, String::from_utf8(out).unwrap(), String::from_utf8(complaints).unwrap())
}

/// The one line of JSON for a string.
fn line(string: &str) -> String {
    let (code, out, complaints) = run(&["--json", "--lines"], format!("{string}\n").as_bytes(), false);
    assert_eq!((code, complaints.as_str()), (command::OK, ""));
    let line = out.strip_suffix('\n').unwrap();
    assert!(!line.contains('\n'));
    line.to_owned()
}

fn value(string: &str) -> Value {
    serde_json::from_str(&line(string)).unwrap()
}

/// The same text means the same keys in the same order, and every digit of every number.
fn assert_json(string: &str, expected: &Value) {
    assert_eq!(line(string), json::harmless(&expected.to_string()));
}

fn as_hex(kind: &str, bytes: &[u8]) -> String {
    format!("hex:{kind}:{}", hex::encode(bytes))
}

fn of_offer(fields: &[Field]) -> Vec<Field> {
    let in_offer = |number: &u64| (1..=79).contains(number) || (1_000_000_000..=1_999_999_999).contains(number);
    fields.iter().filter(|(number, _)| in_offer(number)).cloned().collect()
}

/// What Core Lightning calls the id of an offer.
fn offer_id(fields: &[Field]) -> String {
    sha256::Hash::hash(&stream(&of_offer(fields))).to_string()
}

/// SIG-6
fn offer_root(fields: &[Field]) -> String {
    hex::encode(root(&of_offer(fields)))
}

/// The paths of `messages::paths`.
fn paths_json() -> [Value; 2] {
    let hop = |data: &str| json!({ "blinded_node_id": ALICE, "encrypted_recipient_data": data });
    [
        json!({ "first_scid": "1x2x3", "first_scid_dir": 1, "first_path_key": BOB, "path": [hop("aa"), hop("")] }),
        json!({ "first_node_id": BOB, "first_path_key": ALICE, "path": [hop("c0ffee")] }),
    ]
}

#[test]
fn official_offers() {
    assert_json(
        MINIMAL,
        &json!({
            "type": "bolt12 offer",
            "valid": true,
            "offer_id": offer_id(&[(22, messages::hex(ALICE))]),
            "offer_merkle_root": "6646d076c396c98ac05975a1c68fc327c5116e8853ce186b4a0e0787e4517c38",
            "offer_issuer_id": ALICE,
        }),
    );
    let description = b"Test vectors".to_vec();
    let currency = [(6, b"USD".to_vec()), (8, vec![39, 16]), (10, description), (22, messages::hex(ALICE))];
    assert_json(
        CURRENCY,
        &json!({
            "type": "bolt12 offer",
            "valid": true,
            "offer_id": offer_id(&currency),
            "offer_merkle_root": "d65bc1590cf8db6c2b700ee62a4b6a91b9fa83b01af4b5f3962318cfeba8fbda",
            "offer_currency": "USD",
            "offer_amount": 10000,
            "currency_minor_unit": 2,
            "offer_description": "Test vectors",
            "offer_issuer_id": ALICE,
        }),
    );
    let path = &value(HIDDEN)["offer_paths"][0];
    assert_eq!((&path["first_scid"], &path["first_scid_dir"]), (&json!("0x0x42"), &json!(0)));
    assert_eq!(path["first_node_id"], Value::Null);
    assert_eq!(path["path"][1]["encrypted_recipient_data"], json!("1111111111111111"));
    assert_eq!(value(TESTNET_ONLY)["offer_chains"], json!([TESTNET]));
    // The signature's official test vector.
    assert_eq!(value(REQUEST)["type"], json!("bolt12 invoice_request"));
    assert_eq!(value(REQUEST)["invreq_metadata"], json!("0000000000000000"));
}

/// Each of the specification's offers, from the values its file lists.
#[test]
fn every_official_offer() {
    let shared = std::env::var("BOLT12_SHARED").unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
    let Ok(file) = std::fs::read_to_string(Path::new(&shared).join("vectors/offers-test.json")) else { return };
    let vectors: Vec<Value> = serde_json::from_str(&file).unwrap();
    assert!(vectors.len() > 40);
    for vector in &vectors {
        let found = value(vector["bolt12"].as_str().unwrap());
        assert_eq!(found["valid"], vector["valid"], "{vector}");
        if vector["valid"] == json!(false) {
            assert!(found["rule"].is_string() && found["error"].is_string(), "{found}");
            continue;
        }
        let listed = vector["fields"].as_array().unwrap();
        let has_currency = listed.iter().any(|field| field["type"] == json!(6));
        let mut expected =
            BTreeMap::from([("type".to_owned(), json!("bolt12 offer")), ("valid".to_owned(), json!(true))]);
        let mut raw = Vec::new();
        for field in listed {
            let (number, digits) = (field["type"].as_u64().unwrap(), field["hex"].as_str().unwrap());
            let bytes = messages::hex(digits);
            let integer = || json!(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)));
            let text = || json!(String::from_utf8(bytes.clone()).unwrap());
            let (name, value) = match number {
                2 => ("offer_chains", bytes.chunks(32).map(hex::encode).collect()),
                4 => ("offer_metadata", json!(digits)),
                6 => ("offer_currency", text()),
                8 if has_currency => ("offer_amount", integer()),
                8 => ("offer_amount_msat", integer()),
                10 => ("offer_description", text()),
                12 => ("offer_features", json!(digits)),
                14 => ("offer_absolute_expiry", integer()),
                16 => ("offer_paths", found["offer_paths"].clone()),
                18 => ("offer_issuer", text()),
                20 => ("offer_quantity_max", integer()),
                22 => ("offer_issuer_id", json!(digits)),
                _ => ("unknown_offer_tlvs", json!([{ "type": number, "length": field["length"], "value": digits }])),
            };
            expected.insert(name.to_owned(), value);
            raw.push((number, bytes));
        }
        expected.insert("offer_id".to_owned(), json!(offer_id(&raw)));
        expected.insert("offer_merkle_root".to_owned(), json!(offer_root(&raw)));
        if has_currency {
            expected.insert("currency_minor_unit".to_owned(), json!(2));
        }
        assert_eq!(found, json!(expected), "{vector}");
    }
}

/// Numbers keep all 64 bits, text is as it came, and a yen has no smaller unit.
#[test]
fn an_offer_with_every_field() {
    let fields = messages::offer();
    assert_json(
        &as_hex("offer", &stream(&fields)),
        &json!({
            "type": "bolt12 offer",
            "valid": true,
            "offer_id": offer_id(&fields),
            "offer_merkle_root": offer_root(&fields),
            "offer_chains": [BITCOIN, TESTNET],
            "offer_metadata": "00ff",
            "offer_currency": "JPY",
            "offer_amount": 18446744073709551615_u64,
            "currency_minor_unit": 0,
            "offer_description": "tea \"for\" two\n\u{202e}",
            "offer_features": "0800",
            "offer_absolute_expiry": 18446744073709551615_u64,
            "offer_paths": paths_json(),
            "offer_issuer": "Käthe",
            "offer_quantity_max": 18446744073709551615_u64,
            "offer_issuer_id": ALICE,
            "unknown_offer_tlvs": [
                { "type": 33, "length": 5, "value": "68656c6c6f" },
                { "type": 1_000_000_001, "length": 0, "value": "" },
            ],
        }),
    );
    // A currency that nobody knows has no minor unit.
    let unknown = stream(&[(6, b"QQQ".to_vec()), (8, vec![1]), (10, vec![]), (22, messages::hex(ALICE))]);
    assert_eq!(value(&as_hex("offer", &unknown))["offer_currency"], json!("QQQ"));
    assert_eq!(value(&as_hex("offer", &unknown)).get("currency_minor_unit"), None);
}

/// The keys that a request has, and an invoice repeats, with the offer's in their place.
fn request_json(object: &mut serde_json::Map<String, Value>) {
    let Value::Object(fields) = json!({
        "offer_id": offer_id(&messages::request()),
        "offer_merkle_root": offer_root(&messages::request()),
        "invreq_metadata": "00112233445566778899aabbccddeeff",
        "offer_chains": [BITCOIN, TESTNET],
        "offer_amount_msat": 100_000,
        "offer_description": "tea",
        "offer_quantity_max": 0,
        "offer_issuer_id": ALICE,
        "invreq_chain": TESTNET,
        "invreq_amount_msat": 300_500,
        "invreq_features": "020000",
        "invreq_quantity": 3,
        "invreq_payer_id": BOB,
        "invreq_payer_note": "thank you",
        "invreq_bip_353_name": { "name": "alice", "domain": "example.com" },
    }) else {
        unreachable!()
    };
    object.extend(fields);
}

fn signature(message: &[u8]) -> String {
    let tlvs = bolt12::TlvStream::read(message.to_vec()).unwrap();
    hex::encode(tlvs.get(240).unwrap().value())
}

/// A message lists its unknown fields together, those of the offer and signatures included.
#[test]
fn a_request_with_every_field() {
    let message = signed("invoice_request", &messages::request(), BOB);
    let mut expected = serde_json::Map::new();
    expected.insert("type".into(), json!("bolt12 invoice_request"));
    expected.insert("valid".into(), json!(true));
    request_json(&mut expected);
    expected.insert("signature".into(), json!(signature(&message)));
    let unknown = |number: u64, value: &str| json!({ "type": number, "length": 1, "value": value });
    let unknown = [unknown(33, "07"), unknown(93, "08"), unknown(241, "09"), unknown(2_000_000_001, "0a")];
    expected.insert("unknown_invoice_request_tlvs".into(), json!(unknown));
    assert_json(&as_hex("invoice_request", &message), &Value::Object(expected));
}

#[test]
fn an_invoice_with_every_field() {
    let message = signed("invoice", &messages::invoice(), ALICE);
    let [mut channel, mut node] = paths_json();
    channel["payinfo"] = json!({
        "fee_base_msat": 1000,
        "fee_proportional_millionths": 2500,
        "cltv_expiry_delta": 144,
        "htlc_minimum_msat": 1,
        "htlc_maximum_msat": 18446744073709551615_u64,
        "features": "02",
    });
    node["payinfo"] = json!({
        "fee_base_msat": 4294967295_u32,
        "fee_proportional_millionths": 4294967295_u32,
        "cltv_expiry_delta": 65535,
        "htlc_minimum_msat": 0,
        "htlc_maximum_msat": 1,
        "features": "",
    });
    let mut expected = serde_json::Map::new();
    expected.insert("type".into(), json!("bolt12 invoice"));
    expected.insert("valid".into(), json!(true));
    request_json(&mut expected);
    let unknown = |number: u64, value: &str| json!({ "type": number, "length": 1, "value": value });
    // IVR-12: an address only where there is one.
    let Value::Object(fields) = json!({
        "invoice_paths": [channel, node],
        "invoice_created_at": 1_800_000_000,
        "invoice_relative_expiry": 7200,
        "invoice_payment_hash": "11".repeat(32),
        "invoice_amount_msat": 300_500,
        "invoice_fallbacks": [
            {
                "version": 0,
                "hex": "22".repeat(20),
                "address": "tb1qyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zjuhu9x",
            },
            {
                "version": 1,
                "hex": "33".repeat(32),
                "address": "tb1pxvenxvenxvenxvenxvenxvenxvenxvenxvenxvenxvenxvenxves9ugrsc",
            },
            { "version": 17, "hex": "44".repeat(20) },
            { "version": 0, "hex": "5555" },
        ],
        "invoice_features": "020000",
        "invoice_node_id": ALICE,
        "signature": signature(&message),
        "unknown_invoice_tlvs": [
            unknown(33, "07"), unknown(93, "08"), unknown(177, "0b"), unknown(241, "09"),
            unknown(2_000_000_001, "0a"), unknown(3_000_000_001, "0c"),
        ],
    }) else {
        unreachable!()
    };
    expected.extend(fields);
    assert_json(&as_hex("invoice", &message), &Value::Object(expected));
}

/// It answers no offer, so there is no id of one; it is an invoice request; it needs no signature (D1).
#[test]
fn a_refund_with_every_field() {
    assert_json(
        &as_hex("invoice_request", &stream(&messages::refund())),
        &json!({
            "type": "bolt12 invoice_request",
            "valid": true,
            "invreq_metadata": "",
            "offer_currency": "USD",
            "offer_amount": 150,
            "currency_minor_unit": 2,
            "offer_description": "a cup that broke",
            "offer_absolute_expiry": 1_700_000_000,
            "invreq_amount_msat": 18446744073709551615_u64,
            "invreq_payer_id": BOB,
            "invreq_payer_note": "",
            "invreq_paths": paths_json(),
        }),
    );
}

#[test]
fn invoice_errors() {
    let full = [(1, messages::number(u64::MAX)), (3, vec![1, 2]), (5, "no \u{7}\"tea\"".into()), (7, vec![3])];
    assert_json(
        &as_hex("invoice_error", &stream(&full)),
        &json!({
            "type": "bolt12 invoice_error",
            "valid": true,
            "erroneous_field": 18446744073709551615_u64,
            "suggested_value": "0102",
            "error": "no \u{7}\"tea\"",
            "unknown_invoice_error_tlvs": [{ "type": 7, "length": 1, "value": "03" }],
        }),
    );
    assert_json("hex:invoice_error:", &json!({ "type": "bolt12 invoice_error", "valid": true }));
    // ERW-2: what could not stand in the quantity is shown all the same, because it is there.
    let suggestion = stream(&[(1, vec![86]), (3, vec![0, 0])]);
    assert_eq!(value(&as_hex("invoice_error", &suggestion))["suggested_value"], json!("0000"));
    // ERR-1
    let refused = value(&as_hex("invoice_error", &stream(&[(2, vec![])])));
    assert_eq!((&refused["type"], &refused["valid"]), (&json!("bolt12 invoice_error"), &json!(false)));
    assert_eq!((&refused["rule"], &refused["type_number"]), (&json!("TLV-4"), &json!(2)));
}

/// `type` if the string says what it was meant to be, and the place where it is known.
#[test]
fn refused_strings() {
    let refused = |string: &str, expected: Value| {
        let mut found = value(string);
        assert_eq!(found["valid"], json!(false), "{string}");
        let error = found.as_object_mut().unwrap().shift_remove("error").unwrap();
        assert!(error.as_str().unwrap().len() > 10, "{error}");
        found.as_object_mut().unwrap().shift_remove("valid");
        found.as_object_mut().unwrap().shift_remove("readable_tlvs");
        assert_eq!(found.to_string(), expected.to_string(), "{string}");
    };
    let offer = "bolt12 offer";
    let empty = json!({ "code": "empty", "rule": "TXT-5" });
    refused("", empty.clone());
    refused(" \t ", empty);
    for other in ["lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqf", ALICE, "tea", "hex", "\u{fffd}"] {
        refused(other, json!({ "code": "not_bolt12", "rule": "TXT-5", "column": 1 }));
    }
    // NAM-3
    let dns_name = "alice.user._bitcoin-payment.example.com.";
    let name = json!({ "code": "not_bolt12", "rule": "TXT-5", "column": 1, "dns_name": dns_name });
    refused("lightning:₿alice@example.com", name);
    refused(
        "simon@bülow.de",
        json!({ "code": "invalid_name", "rule": "NAM-2", "field": "invreq_bip_353_name", "type_number": 91, "column": 8 }),
    );
    // URI-2, URI-3
    let link =
        json!({ "amount_msat": 100_000_000_000_u64, "instructions": [], "ignored": [{ "key": "x", "value": "" }] });
    refused("bitcoin:?amount=1&x", json!({ "code": "no_offer", "rule": "URI-3", "link": link }));
    let demand = format!("bitcoin:?lno={MINIMAL}&req-x=1");
    let column = demand.find("req-x").unwrap() + 1;
    refused(&demand, json!({ "type": offer, "code": "unknown_required_key", "rule": "URI-2", "column": column }));
    // TXT-1, TXT-3, TXT-4, TXT-8
    refused("lno1pG", json!({ "type": offer, "code": "mixed_case", "rule": "TXT-1", "column": 6 }));
    refused("l+No1pg", json!({ "type": offer, "code": "mixed_case", "rule": "TXT-1", "column": 3 }));
    refused("LNO1PG+", json!({ "type": offer, "code": "invalid_continuation", "rule": "TXT-3", "column": 7 }));
    refused("lightning:lno1p", json!({ "type": offer, "code": "invalid_padding", "rule": "TXT-4", "column": 15 }));
    let instructions = json!([{
        "key": "lno",
        "value": "lno1pb",
        "error": "the character 'b' in column 19 does not belong here: only the 32 characters of the bech32 alphabet \
                  (no 1, b, i or o) carry data",
    }]);
    refused(
        "bitcoin:?lno=lno1pb",
        json!({
            "type": offer, "code": "invalid_character", "rule": "TXT-8", "column": 19,
            "link": { "instructions": instructions, "ignored": [] },
        }),
    );
    // A truncated string, OFR-4, and TLV-4.
    refused(
        " lno1pgpyz",
        json!({
            "type": offer, "code": "truncated", "rule": "TLV-3", "field": "offer_description", "type_number": 10,
            "offset": 2, "column": 9,
        }),
    );
    refused(
        "hex:offer:08010a",
        json!({ "type": offer, "code": "missing", "rule": "OFR-4", "field": "offer_description", "type_number": 10 }),
    );
    refused(
        " hex:offer:0a004e00",
        json!({
            "type": offer, "code": "unknown_even_field", "rule": "TLV-4", "type_number": 78, "offset": 2, "column": 16,
        }),
    );
    // RQR-1
    refused("hex:invoice_request:", json!({ "type": "bolt12 invoice_request", "code": "empty", "rule": "RQR-1" }));
    let at_the_end = json!({
        "type": "bolt12 invoice", "code": "truncated", "rule": "TLV-3", "type_number": 1, "offset": 1, "column": 14,
    });
    refused("hex:invoice:01", at_the_end);
    refused("hex:offer:0g", json!({ "type": offer, "code": "invalid_hex", "column": 12 }));
    refused("hex:offer:ö0", json!({ "type": offer, "code": "invalid_hex" }));
    refused("hex:offer:0", json!({ "type": offer, "code": "invalid_hex" }));
    refused("hex:tea:00", json!({ "code": "unknown_kind", "column": 5 }));
    refused("hex:", json!({ "code": "unknown_kind", "column": 5 }));
}

/// What can be read of a message that is refused, for whoever wants to know what it was.
#[test]
fn what_is_left_of_a_refused_message() {
    let fields = [(8, vec![10]), (22, messages::hex(ALICE)), (24, b"x".to_vec())];
    let mut bytes = stream(&fields);
    bytes.extend([0xfd, 1, 0, 5, 1]);
    let known = |number: u64, name: &str, value: &str| json!({ "type": number, "name": name, "length": value.len() / 2, "value": value });
    let expected = json!([
        known(8, "offer_amount", "0a"),
        known(22, "offer_issuer_id", ALICE),
        json!({ "type": 24, "length": 1, "value": "78" }),
    ]);
    let as_text = "lno1pqq5593pqthvwfzadd7jejes8q9lhc4rvjxd022zv5l44g6qah82ru5rdpnpj".to_owned();
    assert_eq!(value(&as_hex("offer", &bytes))["readable_tlvs"], expected);
    for link in [as_text.clone(), format!("lightning:{}", as_text.to_uppercase())] {
        assert_eq!(value(&link)["readable_tlvs"][0]["name"], json!("offer_amount"), "{link}");
    }
    assert_eq!(value("tea").get("readable_tlvs"), None);
}

/// URI-1 to URI-9: what a link says beside its offer is not lost.
#[test]
fn a_link_and_its_offer() {
    let link = format!("bitcoin:?amount=0.0005&label=Caf%C3%A9&lightning=lnbc1x&lno={MINIMAL}&pop=wallet:&x=%E2%80%AE");
    let found = value(&link);
    assert_eq!(found["offer_issuer_id"], json!(ALICE));
    let expected = json!({
        "amount_msat": 50_000_000,
        "label": "Café",
        "pop": "wallet:",
        "pop_required": false,
        "instructions": [{ "key": "lightning", "value": "lnbc1x" }, { "key": "lno", "value": MINIMAL }],
        "ignored": [{ "key": "x", "value": "\u{202e}" }],
    });
    assert_eq!(found["link"], expected);
    // What could deceive is not raw in the text either.
    assert!(line(&link).contains(r#""value":"\u202e""#));
    // NAM-5: what `dig` prints.
    let uri = format!("bitcoin:?lno={MINIMAL}");
    let printed = format!("\"{}\" \"{}\"", &uri[..30], &uri[30..]);
    assert_eq!(value(&printed), value(&uri));
}

/// PPR-2: a preimage is that of an invoice, or is not.
#[test]
fn a_preimage_is_checked() {
    let (right, wrong) = ("07".repeat(32), "08".repeat(32));
    let hash = sha256::Hash::hash(&[7; 32]).to_byte_array();
    let mut fields = messages::invoice();
    fields.iter_mut().filter(|(number, _)| *number == 168).for_each(|(_, value)| *value = hash.to_vec());
    let invoice = as_hex("invoice", &signed("invoice", &fields, ALICE));
    let said = |preimage: &str, string: &str| run(&["--preimage", preimage, string], b"", true);
    let (code, page, _) = said(&right, &invoice);
    assert!(code == command::OK && page.contains("The preimage is that of its payment hash"), "{page}");
    let (code, page, _) = said(&wrong, &invoice);
    assert!(code == command::REFUSED && page.contains("NOT that of its payment hash"), "{page}");
    assert_eq!(said(&right, MINIMAL).0, command::REFUSED);
    let (_, json, _) = run(&["--json", "--preimage", &right, &invoice], b"", true);
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["preimage_valid"], json!(true));
    for bad in ["", "07", "zz"] {
        assert_eq!(said(bad, &invoice).0, command::MISUSED);
    }
}

/// A signature over other fields (RQR-3, IVR-10).
#[test]
fn bad_signatures() {
    for (kind, fields, by, rule) in
        [("invoice_request", messages::request(), BOB, "RQR-3"), ("invoice", messages::invoice(), ALICE, "IVR-10")]
    {
        let good = signed(kind, &fields, by);
        let at = good.windows(3).position(|bytes| bytes == b"tea").unwrap();
        let mut bad = good;
        bad[at] ^= 1;
        let found = value(&as_hex(kind, &bad));
        assert_eq!(found["valid"], json!(false));
        assert_eq!(found["type"], json!(format!("bolt12 {kind}")));
        assert_eq!((&found["field"], &found["rule"]), (&json!("signature"), &json!(rule)));
    }
}

/// `--json` alone prints the same objects, for people's eyes, and tells by the exit code.
#[test]
fn json_for_single_strings() {
    let (code, out, _) = run(&["--json", MINIMAL, "tea"], b"", true);
    assert_eq!(code, command::REFUSED);
    let objects: Vec<Value> = serde_json::Deserializer::from_str(&out).into_iter().map(Result::unwrap).collect();
    assert_eq!(objects, [value(MINIMAL), value("tea")]);
    assert!(out.lines().count() > 8);
    assert_eq!(run(&[MINIMAL, "--json"], b"", true).0, command::OK);
}

#[test]
fn strings_from_standard_input() {
    let folded = CURRENCY.replacen("pqp", "pqp+\n  ", 1) + "\n";
    assert_eq!(run(&[], folded.as_bytes(), false), run(&[CURRENCY], b"", true));
    assert_eq!(run(&[], b"\xff", false).0, command::REFUSED);
}

#[test]
fn commands_that_make_no_sense() {
    let usage = run(&["--help"], b"", true);
    assert_eq!(usage.0, command::OK);
    assert!(usage.1.contains("hex:offer:"));
    assert_eq!(run(&[], b"", true), (command::MISUSED, String::new(), usage.1));
    for arguments in [&["--lines"][..], &["--json", "--lines", MINIMAL], &["--jsonn", MINIMAL]] {
        let (code, out, complaints) = run(arguments, b"", true);
        assert_eq!((code, out.as_str()), (command::MISUSED, ""));
        assert_eq!(complaints.lines().count(), 1);
    }
}

/// Hands out a line at a time, and only when the line before was answered.
struct Patient {
    lines: Vec<&'static [u8]>,
    asked: usize,
    answered: Rc<RefCell<Vec<u8>>>,
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let answers = self.answered.borrow().iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(answers, self.asked);
        let Some(line) = self.lines.get(self.asked) else { return Ok(0) };
        self.asked += 1;
        buffer[..line.len()].copy_from_slice(line);
        Ok(line.len())
    }
}

struct Answers(Rc<RefCell<Vec<u8>>>);

impl Write for Answers {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A program can write a line, and wait for its answer.
#[test]
fn answers_are_not_held_back() {
    let answered = Rc::new(RefCell::new(Vec::new()));
    let lines = vec![&b"tea\n"[..], b"\n", b"\xff\n", b"hex:invoice_error:\n"];
    let asking = Patient { lines, asked: 0, answered: answered.clone() };
    let arguments = ["--json".to_owned(), "--lines".to_owned()];
    let mut out = BufWriter::with_capacity(1 << 20, Answers(answered.clone()));
    command::run(&arguments, NOW, asking, false, &mut out, &mut io::sink()).unwrap();
    assert_eq!(answered.borrow().iter().filter(|byte| **byte == b'\n').count(), 4);
}

/// Strings that are nearly right.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let hex_line = |kind, message: &[u8]| as_hex(kind, message).into_bytes();
    let good = prop::sample::select(vec![
        CURRENCY.as_bytes().to_vec(),
        REQUEST.as_bytes().to_vec(),
        hex_line("offer", &stream(&messages::offer())),
        hex_line("invoice_request", &stream(&messages::refund())),
        hex_line("invoice", &signed("invoice", &messages::invoice(), ALICE)),
        messages::WITH_NOTE.as_bytes().to_vec(),
        b"hex:invoice_error:050474657374".to_vec(),
    ]);
    let change = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    (good, change, any::<prop::sample::Index>(), any::<bool>()).prop_map(|(mut line, changes, end, cut)| {
        for (at, byte) in changes {
            let at = at.index(line.len());
            line[at] = byte;
        }
        if cut {
            line.truncate(end.index(line.len()));
        }
        line
    })
}

proptest! {
    /// One object for each line, in order, whatever bytes there are; and each the same as alone.
    #[test]
    fn one_object_for_each_line(
        lines in prop::collection::vec(prop_oneof![nearly(), prop::collection::vec(any::<u8>(), 0..40)], 0..8),
        ended in any::<bool>(),
    ) {
        let mut input = lines.join(&b'\n');
        if ended {
            input.push(b'\n');
        }
        let mut expected: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
        if expected.last().is_some_and(|last| last.is_empty()) {
            expected.pop();
        }
        let (code, out, complaints) = run(&["--json", "--lines"], &input, false);
        prop_assert_eq!((code, complaints.as_str()), (command::OK, ""));
        prop_assert_eq!(out.lines().count(), expected.len());
        for (answer, alone) in out.lines().zip(expected) {
            let object: Value = serde_json::from_str(answer).unwrap();
            prop_assert!(object["valid"].is_boolean());
            prop_assert_eq!(object["valid"] == json!(false), object["code"].is_string());
            let again = run(&["--json", "--lines"], alone, false).1;
            // A line of nothing at the very end is no line, and has no answer.
            prop_assert!(alone.is_empty() || again.trim_end() == answer);
        }
    }

    /// A page holds nothing that a terminal would act on or that deceives, and there is always one.
    #[test]
    fn pages_are_harmless(string in prop_oneof![nearly(), prop::collection::vec(any::<u8>(), 0..40)]) {
        let (code, out, _) = run(&[], &string, false);
        prop_assert!(code == command::OK || code == command::REFUSED);
        prop_assert!(!out.is_empty());
        prop_assert!(out.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", out);
    }

    /// Text comes out of the JSON as it went in, and onto the page without what deceives.
    #[test]
    fn text_is_exact_in_json_and_escaped_for_people(text in any::<String>()) {
        let fields = [(10, text.clone().into_bytes()), (22, messages::hex(ALICE))];
        let string = as_hex("offer", &stream(&fields));
        prop_assert_eq!(&value(&string)["offer_description"], &json!(text));
        let (_, page, _) = run(&[&string], b"", true);
        let harmless = |c: char| c == '\n' || bolt12::Text::new(&c.to_string()).to_string() == c.to_string();
        prop_assert!(page.chars().all(harmless), "{:?}", page);
    }

    /// Every number that fits is in the JSON with all its digits.
    #[test]
    fn numbers_are_exact(number in any::<u64>()) {
        let fields = [(14, messages::number(number)), (22, messages::hex(ALICE))];
        let line = line(&as_hex("offer", &stream(&fields)));
        let expected = format!("\"offer_absolute_expiry\":{number},");
        prop_assert!(line.contains(&expected));
    }
}
