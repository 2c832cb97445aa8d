//! The pages for people.

use std::path::Path;

use bolt12::UnixTime;

use super::messages::{self, ALICE, BOB, signed, stream};
use super::{CURRENCY, HIDDEN, MINIMAL, REQUEST, TESTNET_ONLY, as_hex, command, input, line, people, proofs, run};

/// The pages for people, at a fixed time.
#[test]
fn golden_pages() {
    let strings = [
        ("an official offer", CURRENCY.to_owned()),
        ("an official offer behind a path", HIDDEN.to_owned()),
        ("an official offer for another chain", TESTNET_ONLY.to_owned()),
        ("an official request", REQUEST.to_owned()),
        ("an offer with every field", as_hex("offer", &stream(&messages::offer()))),
        (
            "a request with every field",
            as_hex("invoice_request", &signed("invoice_request", &messages::request(), BOB)),
        ),
        ("a refund that has expired", as_hex("invoice_request", &stream(&messages::refund()))),
        ("an invoice with every field", as_hex("invoice", &signed("invoice", &messages::invoice(), ALICE))),
        ("an invoice error", "hex:invoice_error:0101560302000005086e6f207465610a21".to_owned()),
        ("an invoice error about a quantity", "hex:invoice_error:010156030103050174".to_owned()),
        ("an invoice error about an amount", "hex:invoice_error:010152030207d0050174".to_owned()),
        ("an empty invoice error", "hex:invoice_error:".to_owned()),
        ("nothing", String::new()),
        ("a truncated offer", CURRENCY[..60].to_owned()),
        ("an offer that lacks its last character", CURRENCY[..CURRENCY.len() - 1].to_owned()),
        ("an offer of which only the start is left", "lno1".to_owned()),
        ("an offer in mixed case", CURRENCY.replace("vwfz", "vWfz")),
        ("an offer with a line break in it", CURRENCY.replace("vwfz", "v\nwfz")),
        (
            "an offer without a description",
            "lno1pqpzwyqkyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvxg".to_owned(),
        ),
        ("a BOLT 11 invoice", "lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqf".to_owned()),
        ("a node id", ALICE.to_owned()),
        ("an on-chain address", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq".to_owned()),
        ("an LNURL", "lnurl1dp68gurn8ghj7".to_owned()),
        ("a name", "alice@example.com".to_owned()),
        ("a link without an offer", "bitcoin:bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq".to_owned()),
        ("a web page", "https://example.com/tea".to_owned()),
        ("a recovery phrase", "abandon ".repeat(11) + "about"),
        ("something else", "tea \u{1b}[31m for \u{202e}two".to_owned()),
        ("bytes of nothing", "hex:tea:00".to_owned()),
        ("bytes with a wrong digit", "hex:offer:0g".to_owned()),
        ("bytes with half a byte", "hex:offer:160".to_owned()),
        ("bytes that end too early", "hex:offer:16".to_owned()),
    ];
    let strings = strings.into_iter().chain(pasted()).collect::<Vec<_>>();
    let mut pages = String::new();
    for (name, string) in strings.iter().chain(&proofs::examples()) {
        let (code, page, complaints) = run(&[string], b"", true);
        assert_eq!(complaints, "");
        let valid = line(&string.replace('\n', " ")).contains("\"valid\":true");
        assert_eq!(code == command::OK, valid, "{name}");
        pages.push_str(&format!("# {name}\n\n{page}\n"));
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/decode.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &pages).unwrap();
    }
    assert_eq!(pages, std::fs::read_to_string(&file).unwrap());
}

/// What people paste into a wallet, beside a clean offer.
fn pasted() -> Vec<(&'static str, String)> {
    let priced = super::links::priced();
    let old = as_hex("offer", &stream(&[(10, b"tea".to_vec()), (20, b"shop".to_vec()), (30, vec![2; 32])]));
    let draft = as_hex("payer_proof", &stream(&[(88, messages::hex(ALICE)), (242, vec![7; 32])]));
    let named = stream(&[(10, "می\u{200c}خواهم ❤\u{fe0f} a\u{fe0f} 👩\u{200d}🚀".into()), (22, messages::hex(ALICE))]);
    vec![
        (
            "a link with all there is",
            format!(
                "bitcoin:bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq?amount=0.0005&label=Caf%C3%A9&message=two%20cups&lno={MINIMAL}&lightning=lnbc2500u1pvjluezpp5q&pop=wallet:&utm=1"
            ),
        ),
        ("a link from a QR code", format!("BITCOIN:?LNO={}", MINIMAL.to_uppercase())),
        ("a link that demands something", format!("bitcoin:?lno={MINIMAL}&req-something=50")),
        ("a link whose first offer is for another chain", format!("bitcoin:?lno={TESTNET_ONLY}&lno={MINIMAL}")),
        ("a link with an amount below the price", format!("bitcoin:?lno={priced}&amount=0.00000001")),
        ("a link with an amount for an offer with a price", format!("bitcoin:?lno={priced}&amount=0.00001")),
        ("a link with an amount beside a price in dollars", format!("bitcoin:?lno={CURRENCY}&amount=0.001")),
        ("a link with an offer under lightning", format!("bitcoin:?lightning={MINIMAL}")),
        ("a link with req-lno", format!("bitcoin:?req-lno={MINIMAL}")),
        ("a link that was cut off", format!("bitcoin:?lno={}", &MINIMAL[..40])),
        ("a link with an amount in thousands", format!("bitcoin:?lno={MINIMAL}&amount=50,000")),
        ("a link with two amounts", format!("bitcoin:?lno={MINIMAL}&amount=1&amount=2")),
        (
            "a link with a wrong letter in its address",
            format!("bitcoin:bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdz?lno={MINIMAL}"),
        ),
        ("a link with a per cent sign", format!("bitcoin:?lno={MINIMAL}&label=100%")),
        ("a link that wants to be told", format!("bitcoin:?lno={MINIMAL}&req-pop=https://evil.example")),
        ("a link with a label that deceives", format!("bitcoin:?lno={MINIMAL}&label=shop%E2%80%AEpohs%C2%9B")),
        (
            "a link with a BOLT 11 invoice only",
            "bitcoin:bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq?lightning=LNBC2500U1PVJLUEZPP5Q".to_owned(),
        ),
        ("a BOLT 11 link", "lightning:lnbc2500u1pvjluezpp5q".to_owned()),
        ("a name with the sign", " ₿alice@example.com".to_owned()),
        ("a name in a link", "lightning:alice@example.com".to_owned()),
        ("a name with an umlaut", "simon@bülow.de".to_owned()),
        ("a name with a zero-width space", "alice@example.com\u{200b}".to_owned()),
        ("a name with a slash", "alice@example.com/tea".to_owned()),
        ("what the DNS says", format!("\"bitcoin:?lno={}\" \"{}\"", &MINIMAL[..30], &MINIMAL[30..])),
        ("an offer of 2021", old),
        ("a payer proof of a draft", draft),
        ("an offer with words around it", format!("pay me here: {MINIMAL}")),
        ("an offer with a full stop", format!("{MINIMAL}.")),
        ("two offers", format!("{MINIMAL} {MINIMAL}")),
        ("an offer with invisible characters", as_hex("offer", &named)),
        ("a long offer", format!("lno1{}", "q".repeat(110_000))),
        ("an offer behind bitcoin:", format!("bitcoin:{MINIMAL}")),
        ("an offer behind a scheme of its own", format!("lno:{MINIMAL}")),
        ("an offer with a zero for an o", MINIMAL.replacen('o', "0", 1)),
        ("an offer with a Cyrillic letter", MINIMAL.replacen('o', "\u{43e}", 1)),
        ("an offer with a zero-width space", MINIMAL.replacen("zc", "z\u{200b}c", 1)),
        ("an offer with thanks behind it", format!("{MINIMAL} thanks!")),
        ("a web page with an offer in it", format!("https://example.com/?lno={MINIMAL}")),
        ("an offer in JSON", format!("{{\"offer\": \"{MINIMAL}\"}}")),
        ("an offer in hexadecimal", format!("1621{ALICE}")),
        ("a payment hash", "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b".to_owned()),
        ("half a name", "alice@".to_owned()),
        ("a name with two periods", "alice@example..com".to_owned()),
        ("a name that is too long", format!("{}@example.com", "a".repeat(64))),
        ("a name from a browser", "lightning:%E2%82%BFalice@example.com".to_owned()),
        ("what the DNS says, cut off", format!("\"bitcoin:?lno={}", &MINIMAL[..30])),
        (
            "a silent payment address",
            "sp1qqgste7k9hx0qftg6qmwlkqtwuy6cycyavzmzj85c6qdfhjdpdjtdgqjuexzk6murw56suy3e0rd2cgqvycxttddwsvgxe2usfpxumr70xc9pkqwv".to_owned(),
        ),
        ("a lightning address of a wallet", "lnurlp://example.com/.well-known/lnurlp/alice".to_owned()),
    ]
}

/// OFR-9: the last second is still good, and the page says how long ago it was.
#[test]
fn time_and_expiry() {
    let page = |expiry: u64, now: u64| {
        let message =
            input::read(&as_hex("offer", &stream(&[(14, messages::number(expiry)), (22, messages::hex(ALICE))])));
        people::page(&message.ok().unwrap().message, UnixTime(now)).lines().nth(1).unwrap().to_owned()
    };
    let day = 86_400;
    let start = 1_735_689_600;
    assert_eq!(page(start, start), "It can be used now; it expires 2025-01-01 00:00:00 UTC, now.");
    assert_eq!(page(start, start + 1), "It CANNOT be used: it expired 2025-01-01 00:00:00 UTC, 1 second ago.");
    assert_eq!(page(start, start + 3 * day), "It CANNOT be used: it expired 2025-01-01 00:00:00 UTC, 3 days ago.");
    assert_eq!(page(start, start - 31 * day), "It can be used now; it expires 2025-01-01 00:00:00 UTC, in 1 month.");
    let almost = page(start, start - 7199);
    assert_eq!(almost, "It can be used now; it expires 2025-01-01 00:00:00 UTC, in 1 hour 59 minutes.");
    assert_eq!(page(start, 0), "It can be used now; it expires 2025-01-01 00:00:00 UTC, in 55 years.");
    let far = u64::MAX;
    assert_eq!(page(far, start), format!("It can be used now; it expires after the year 9999 (Unix time {far})."));
    assert_eq!(page(0, far), "It CANNOT be used: it expired 1970-01-01 00:00:00 UTC.");
}
