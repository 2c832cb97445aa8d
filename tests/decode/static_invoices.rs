//! Static invoices: their page (`tests/data/static_invoices.txt`), and their JSON.

use std::path::Path;

use serde_json::json;

use super::messages::{self, ALICE, BOB, Field, number, signed};
use super::{as_hex, assert_json, command, offer_id, offer_root, paths_json, run, signature, value};

/// An offer that somebody else serves, and what is served for it.
fn fields() -> Vec<Field> {
    let of_invoice = messages::invoice().into_iter().filter(|(number, _)| [160, 162, 174].contains(number));
    let paths = messages::offer().into_iter().find(|(number, _)| *number == 16).unwrap().1;
    let mut fields = vec![
        (8, number(3_000_000)),
        (10, b"tips for the busker".to_vec()),
        (16, paths.clone()),
        (22, messages::hex(ALICE)),
        (33, vec![7]),
        (164, number(1_800_000_000)),
        (176, messages::hex(ALICE)),
        (236, paths),
        (239, vec![8]),
    ];
    fields.extend(of_invoice);
    fields.sort();
    fields
}

fn message() -> String {
    as_hex("static_invoice", &signed("static_invoice", &fields(), ALICE))
}

// STA-1
#[test]
fn a_static_invoice_as_json() {
    let [mut channel, mut node] = paths_json();
    let message = signed("static_invoice", &fields(), ALICE);
    let whole = value(&self::message());
    channel["payinfo"] = whole["invoice_paths"][0]["payinfo"].clone();
    node["payinfo"] = whole["invoice_paths"][1]["payinfo"].clone();
    assert_eq!(channel["payinfo"]["fee_base_msat"], json!(1000));
    assert_json(
        &self::message(),
        &json!({
            "type": "bolt12 static_invoice",
            "valid": true,
            "offer_id": offer_id(&fields()),
            "offer_merkle_root": offer_root(&fields()),
            "offer_amount_msat": 3_000_000,
            "offer_description": "tips for the busker",
            "offer_paths": paths_json(),
            "offer_issuer_id": ALICE,
            "invoice_paths": [channel, node],
            "invoice_created_at": 1_800_000_000,
            "invoice_relative_expiry": 1_209_600,
            "invoice_features": "020000",
            "invoice_node_id": ALICE,
            "static_invoice_message_paths": paths_json(),
            "signature": signature(&message),
            "unknown_static_invoice_tlvs": [
                { "type": 33, "length": 1, "value": "07" },
                { "type": 239, "length": 1, "value": "08" },
            ],
        }),
    );
}

// STA-1, STA-2
#[test]
fn a_static_invoice_that_is_none_says_why() {
    let mut with_hash = fields();
    with_hash.push((168, vec![1; 32]));
    with_hash.sort();
    let refused = value(&as_hex("static_invoice", &signed("static_invoice", &with_hash, ALICE)));
    assert_eq!((&refused["valid"], &refused["rule"]), (&json!(false), &json!("STA-1")));
    assert_eq!((&refused["field"], &refused["code"]), (&json!("invoice_payment_hash"), &json!("unexpected")));
    assert_eq!(refused["readable_tlvs"].as_array().unwrap().len(), with_hash.len() + 1);
    let named = refused["readable_tlvs"]
        .as_array()
        .unwrap()
        .iter()
        .any(|tlv| tlv["name"] == json!("static_invoice_message_paths"));
    assert!(named);
    let refused = value(&as_hex("static_invoice", &signed("invoice", &fields(), ALICE)));
    assert_eq!((&refused["rule"], &refused["code"]), (&json!("STA-2"), &json!("invalid_signature")));
    let refused = value(&as_hex("static_invoice", &signed("static_invoice", &fields(), BOB)));
    assert_eq!(refused["rule"], json!("STA-2"));
}

/// What `decode` tells people. `BLESS=1 cargo test --features full --test decode` writes the file anew.
#[test]
fn the_page_of_a_static_invoice() {
    let (code, mut page, _) = run(&[&message()], b"", false);
    assert_eq!(code, command::OK);
    let (code, refused, _) = run(&[&as_hex("static_invoice", &signed("invoice", &fields(), ALICE))], b"", false);
    assert_eq!(code, command::REFUSED);
    page.push_str(&format!("\n---- signed as an invoice ----\n\n{refused}"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/static_invoices.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let agreed = std::fs::read_to_string(&path).unwrap();
    assert_eq!(page, agreed);
}
