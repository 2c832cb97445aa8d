//! Subscriptions: their words, their pages (`tests/data/subscriptions.txt`) and their JSON.

use std::path::Path;

use serde_json::{Value, json};

use super::messages::{self, ALICE, BOB, Field, number, signed, stream};
use super::{NOW, as_hex, command, proofs, recurrence, run, value};

/// 31 March 2026.
const MARCH: u64 = 1_774_915_200;

fn every(unit: u8, period: u64) -> Vec<u8> {
    [vec![unit], number(period)].concat()
}

fn base(proportional: u8, time: u64) -> Field {
    (1_000_000_026, [vec![proportional], number(time)].concat())
}

fn window(before: u32, after: u64) -> Field {
    (1_000_000_027, [before.to_be_bytes().to_vec(), number(after)].concat())
}

fn limit(last: u64) -> Field {
    (1_000_000_029, number(last))
}

fn offer(recurrence: &[Field]) -> Vec<Field> {
    let simple = [(8, number(3_000_000)), (10, b"a podcast".to_vec()), (22, messages::hex(ALICE))];
    simple.into_iter().chain(recurrence.iter().cloned()).collect()
}

/// Monthly on the 31st, a year long.
fn podcast() -> Vec<Field> {
    offer(&[(1_000_000_024, every(2, 1)), base(0, MARCH), window(259_200, 604_800), limit(11)])
}

fn request(offer: Vec<Field>, own: &[Field]) -> Vec<Field> {
    let mut fields = offer;
    fields.extend([(0, vec![7; 16]), (88, messages::hex(BOB))]);
    fields.extend_from_slice(own);
    fields.sort();
    fields
}

/// The ninth period, for a payer who began with the third.
fn ninth() -> Vec<Field> {
    request(podcast(), &[(2_000_000_092, number(6)), (2_000_000_093, number(2))])
}

fn invoice() -> Vec<Field> {
    let whole = messages::invoice();
    let mut fields = ninth();
    fields.extend(whole.into_iter().filter(|(number, _)| [160, 162, 176].contains(number)));
    let preimage = bolt12::Preimage([7; 32]);
    fields.extend([(164, number(1_793_000_000)), (168, preimage.payment_hash()[..].to_vec())]);
    fields.extend([(170, number(3_000_000)), (3_000_000_177, number(MARCH))]);
    fields.sort();
    fields
}

fn text(kind: &str, fields: &[Field]) -> String {
    match kind {
        "offer" => as_hex(kind, &stream(fields)),
        "invoice_request" => as_hex(kind, &signed(kind, fields, BOB)),
        _ => as_hex(kind, &signed(kind, fields, ALICE)),
    }
}

#[test]
fn recurrence_is_told_in_words() {
    let noon = 43_200;
    let table: &[(&[Field], &str)] = &[
        (
            &[(1_000_000_024, every(2, 1)), base(0, MARCH), window(259_200, 604_800), limit(11)],
            "every month on the 31st (or the month's last day), from 31 March 2026, 12 times, payable from 3 days \
             before to 7 days after",
        ),
        (
            &[(1_000_000_024, every(2, 1)), base(0, MARCH - 30 * 86_400), limit(1)],
            "every month on the 1st, from 1 March 2026, 2 times, payable while a period lasts and during the one before",
        ),
        (
            &[(1_000_000_024, every(2, 3)), base(1, MARCH - 2 * 86_400 + noon), window(0, 90)],
            "every 3 months on the 29th (or the month's last day), from 29 March 2026 12:00:00 UTC, without end, \
             payable from its start to 90 seconds after; who begins later in a period pays a part",
        ),
        (
            &[(1_000_000_024, every(2, 12)), base(0, MARCH), window(0, 0)],
            "every year on the 31st of March, from 31 March 2026, without end, payable in its first second",
        ),
        (
            // 29 February 2028.
            &[(1_000_000_024, every(2, 24)), base(0, 1_835_395_200), window(60, 0)],
            "every 2 years on the 29th of February (or the month's last day), from 29 February 2028, without end, \
             payable from 1 minute before to its start",
        ),
        (
            &[(1_000_000_025, every(1, 7)), window(3_600, 7_200), limit(u32::MAX.into())],
            "every 7 days, from the first payment on, 4294967296 times, payable from 1 hour before to 2 hours after; \
             or paid once",
        ),
        (
            &[(1_000_000_024, every(0, 1))],
            "every second, from the first payment on, without end, payable while a period lasts and during the one \
             before",
        ),
        (
            &[(1_000_000_024, every(0, 7_200)), base(0, u64::MAX)],
            "every 2 hours, from after the year 9999 (Unix time 18446744073709551615), without end, payable while a \
             period lasts and during the one before",
        ),
        (
            &[(1_000_000_024, every(1, 1)), base(0, 0)],
            "every day, from 1 January 1970, without end, payable while a period lasts and during the one before",
        ),
    ];
    for (fields, words) in table {
        let offer = bolt12::Offer::try_from(stream(&offer(fields))).unwrap_or_else(|error| panic!("{error:#}"));
        assert_eq!(recurrence::words(&offer.recurrence().unwrap()), *words);
    }
}

/// `BLESS=1 cargo test --all-features --test decode` writes the file anew.
#[test]
fn pages_of_subscriptions() {
    let cancel = [(2_000_000_092, number(7)), (2_000_000_093, number(2)), (2_000_000_094, vec![])];
    let late = [(1_000_000_024, every(2, 1)), base(1, MARCH)];
    let messages = [
        ("a subscription", text("offer", &podcast())),
        ("an optional one", text("offer", &offer(&[(1_000_000_025, every(1, 7)), limit(51)]))),
        ("a proportional one", text("offer", &offer(&late))),
        ("one that is over", text("offer", &offer(&[(1_000_000_024, every(2, 1)), base(0, MARCH), limit(7)]))),
        ("one that is not", text("offer", &offer(&[(1_000_000_024, every(2, 1)), base(0, MARCH), limit(9)]))),
        ("a payment", text("invoice_request", &ninth())),
        ("the end of it", text("invoice_request", &request(podcast(), &cancel))),
        ("an invoice", text("invoice", &invoice())),
        ("a proof", as_hex("payer_proof", &messages::proof(&invoice(), [7; 32]))),
    ];
    let mut pages = String::new();
    for (name, string) in messages {
        let (code, page, complaints) = run(&[string.as_str()], b"", true);
        assert_eq!((code, complaints.as_str()), (command::OK, ""), "{page}");
        pages.push_str(&format!("# {name}\n\n{page}\n"));
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/subscriptions.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &pages).unwrap();
    }
    assert_eq!(pages, std::fs::read_to_string(&file).unwrap());
}

fn object(kind: &str, fields: &[Field]) -> Value {
    let object = value(&text(kind, fields));
    assert_eq!(object["valid"], true, "{object}");
    assert!(!object.to_string().contains("unknown_"), "{object}");
    object
}

#[test]
fn json_is_that_of_core_lightning() {
    let whole = json!({
        "compulsory_field": true,
        "time_unit": 2,
        "time_unit_name": "months",
        "period": 1,
        "basetime": MARCH,
        "limit": 11,
        "paywindow": { "seconds_before": 259_200, "seconds_after": 604_800 },
    });
    assert_eq!(object("offer", &podcast())["offer_recurrence"].to_string(), whole.to_string());
    let request = object("invoice_request", &ninth());
    assert_eq!(request["offer_recurrence"], whole);
    assert_eq!((&request["invreq_recurrence_counter"], &request["invreq_recurrence_start"]), (&json!(6), &json!(2)));
    assert_eq!(request.get("invreq_recurrence_cancel"), None);
    assert_eq!(object("invoice", &invoice())["invoice_recurrence_basetime"], MARCH);
    let ends = [(2_000_000_092, number(1)), (2_000_000_094, vec![])];
    let optional = offer(&[(1_000_000_025, every(0, 60))]);
    let ends = object("invoice_request", &super::subscriptions::request(optional, &ends));
    assert_eq!(ends["invreq_recurrence_cancel"], true);
    assert_eq!(ends["invreq_recurrence_counter"], 1);
    let optional = json!({ "compulsory_field": false, "time_unit": 0, "time_unit_name": "seconds", "period": 60 });
    assert_eq!(ends["offer_recurrence"].to_string(), optional.to_string());
    let proportional = object("offer", &offer(&[(1_000_000_024, every(1, 1)), base(1, 0)]));
    let expected = json!({
        "compulsory_field": true,
        "time_unit": 1,
        "time_unit_name": "days",
        "period": 1,
        "basetime": 0,
        "proportional_amount": true,
    });
    assert_eq!(proportional["offer_recurrence"].to_string(), expected.to_string());
    assert_eq!(object("offer", &offer(&[])).get("offer_recurrence"), None);
}

/// What a proof shows of a subscription is shown, without a word about what it may hide.
#[test]
fn a_proof_shows_parts_of_a_subscription() {
    let invoice = bolt12::Invoice::try_from(signed("invoice", &invoice(), ALICE)).unwrap();
    let builder = bolt12::PayerProofBuilder::minimal(&invoice, bolt12::Preimage([7; 32]));
    let builder =
        builder.reveal(bolt12::Field::OFFER_RECURRENCE_COMPULSORY).reveal(bolt12::Field::OFFER_RECURRENCE_LIMIT);
    let proof = builder.reveal(bolt12::Field::INVREQ_RECURRENCE_COUNTER).build().unwrap();
    let proof = proof.sign(&messages::key(BOB)).unwrap().to_string();
    let (code, page, _) = run(&[proof.as_str()], b"", true);
    assert_eq!(code, command::OK);
    for line in ["every month\n", "11, where the first is 0\n", "6: the 7th payment\n"] {
        assert!(page.contains(line), "{line}: {page}");
    }
    assert!(!page.contains("without end"));
    let object = value(&proof);
    let expected =
        json!({ "compulsory_field": true, "time_unit": 2, "time_unit_name": "months", "period": 1, "limit": 11 });
    assert_eq!(object["offer_recurrence"].to_string(), expected.to_string());
    assert!(object.get("invreq_recurrence_start").is_none() && NOW.0 > MARCH && !proofs::examples().is_empty());
}
