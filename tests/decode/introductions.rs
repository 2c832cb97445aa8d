//! Who pays, in words and as JSON.

use bolt12::secp256k1::{Message, Secp256k1};
use serde_json::{Value, json};

use super::messages::{self, ALICE, BOB, Field, signed, stream, tagged};
use super::{MINIMAL, as_hex, run, value};

/// A request for Alice's offer, in which Bob says who he is.
fn request(own: &[Field]) -> Vec<Field> {
    let mut fields = vec![(0, vec![7; 16]), (22, messages::hex(ALICE)), (82, vec![9]), (88, messages::hex(BOB))];
    fields.extend_from_slice(own);
    fields
}

fn offer_value() -> Vec<u8> {
    stream(&[(22, messages::hex(ALICE))])
}

/// By a name, which Bob's key signs for.
fn named() -> (Vec<Field>, String) {
    let name = [&[3], &b"bob"[..], &[11], b"example.com"].concat();
    let mut fields = request(&[(2_000_001_729, vec![0x99; 32]), (2_000_001_733, name)]);
    let digest = tagged(b"lightninginvoice_requestinvreq_payer_bip_353_signature", &messages::root(&fields));
    let signature = Secp256k1::new().sign_schnorr_no_aux_rand(&Message::from_digest(digest), &messages::key(BOB));
    fields.push((2_000_001_735, [messages::hex(BOB), signature.as_ref().to_vec()].concat()));
    (fields, hex::encode(signature.as_ref()))
}

fn string(fields: &[Field]) -> String {
    as_hex("invoice_request", &signed("invoice_request", fields, BOB))
}

fn rows(string: &str) -> Vec<Vec<String>> {
    let (_, page, _) = run(&[string], b"", true);
    let of_contacts = page.lines().filter(|line| {
        ["  invreq_contact", "  invreq_payer_offer", "  invreq_payer_bip"].iter().any(|name| line.starts_with(name))
    });
    let columns =
        |line: &str| line.split("  ").filter(|part| !part.is_empty()).map(|part| part.trim().to_owned()).collect();
    of_contacts.map(columns).collect()
}

#[test]
fn who_pays_is_shown_in_words() {
    let by_offer = string(&request(&[(2_000_001_729, vec![0x99; 32]), (2_000_001_731, offer_value())]));
    assert_eq!(
        rows(&by_offer),
        [
            ["invreq_contact_secret", "contact's secret", "(not shown: by it a contact recognises the payer)"],
            ["invreq_payer_offer", "payer's offer", MINIMAL],
        ]
    );
    let (_, page, _) = run(&[&by_offer], b"", true);
    assert!(page.contains("  - The issuer learns who pays, if it knows the payer: "), "{page}");
    assert!(!page.contains("9999"), "{page}");
    let signed = format!("valid, by {BOB}");
    assert_eq!(
        rows(&string(&named().0)),
        [
            ["invreq_contact_secret", "contact's secret", "(not shown: by it a contact recognises the payer)"],
            ["invreq_payer_bip_353_name", "payer's name", "₿bob@example.com, if the DNS says so"],
            ["invreq_payer_bip_353_signature", "signature for the payer's name", &signed],
        ]
    );
    let no_offer = rows(&string(&request(&[(2_000_001_731, vec![10, 1, b'x'])])));
    assert!(no_offer[0][2].starts_with("(no offer: "), "{no_offer:?}");
    let lone = rows(&string(&request(&[(2_000_001_735, [messages::hex(BOB), vec![1; 64]].concat())])));
    assert_eq!(lone[0][2], format!("by {BOB}, not verified"));
}

#[test]
fn who_pays_is_shown_as_json() {
    let by_offer = value(&string(&request(&[(2_000_001_729, vec![0x99; 32]), (2_000_001_731, offer_value())])));
    assert_eq!(by_offer["invreq_contact_secret"], "99".repeat(32));
    assert_eq!(by_offer["invreq_payer_offer"], MINIMAL);
    assert_eq!(by_offer.get("unknown_invoice_request_tlvs"), None);
    let (fields, signature) = named();
    let by_name = value(&string(&fields));
    assert_eq!(by_name["invreq_payer_bip_353_name"], json!({ "name": "bob", "domain": "example.com" }));
    assert_eq!(by_name["invreq_payer_bip_353_signature"], json!({ "offer_signing_key": BOB, "signature": signature }));
    let no_offer = value(&string(&request(&[(2_000_001_731, vec![10, 1, b'x'])])));
    assert_eq!(no_offer["invreq_payer_offer"], Value::Null);
    // Somebody signed for another name.
    let mut forged = fields;
    forged.last_mut().unwrap().1[96] ^= 1;
    let forged = value(&string(&forged));
    assert_eq!((&forged["valid"], &forged["rule"]), (&json!(false), &json!("CON-4")));
}
