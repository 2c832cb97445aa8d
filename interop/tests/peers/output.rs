//! What `fetch_invoice` prints of an invoice, and of the link that its offer came in.

use std::time::Duration;

use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::{
    BitcoinUri, ChainHash, Invoice, InvoiceBuilder, InvoiceRequestBuilder, MinorUnits, Msat, Offer, OfferAmount,
    OfferBuilder, PayInfo, Quantity, Rate, RequestArrival, RequestContext, UnixTime,
};

use crate::fetch::beside::beside;
use crate::fetch::progress::row;
use crate::fetch::summary::shown;
use crate::key;

const NOW: UnixTime = UnixTime(1_800_000_000);

fn offer() -> OfferBuilder {
    OfferBuilder::new(key(1).public_key())
}

/// The invoice for an offer.
fn invoice(offer: &Offer, items: Option<u64>, chain: ChainHash, expiry: u64) -> Invoice {
    let chains = &[chain];
    let request = InvoiceRequestBuilder::new(offer.usable(NOW, chains).unwrap(), key(2).public_key(), [3; 16]);
    let rate = offer.currency().map(|currency| Rate::per_bitcoin(currency, "100000").unwrap());
    let request = rate.into_iter().fold(request.amount(Msat(7_000_001)), InvoiceRequestBuilder::rate);
    let request = items.into_iter().fold(request, InvoiceRequestBuilder::quantity);
    let request = request.build().unwrap().sign(&key(2)).unwrap();
    let context = RequestContext { offer, arrival: RequestArrival::Direct, now: NOW, chains, rate, max_amount: None };
    let accepted = request.accept(&context).unwrap();
    let path = bolt12::onion::BlindedPathBuilder::new(key(1).public_key()).build([4; 32]).unwrap();
    let invoice = InvoiceBuilder::new(accepted, NOW, sha256::Hash::hash(b"preimage"))
        .relative_expiry(Duration::from_secs(expiry))
        .add_path(path, &PayInfo::new(0, 0, 18, 1, Msat::MAX_MONEY.0));
    invoice.build().unwrap().sign(&key(1)).unwrap()
}

#[test]
fn the_invoice_stands_alone_and_a_summary_follows() {
    let price = OfferAmount::Currency { currency: "USD".parse().unwrap(), amount: MinorUnits(350) };
    let offer = offer().description("coffee").issuer("Café Zwölf").amount(price).quantity_max(Quantity::Unlimited);
    let invoice = invoice(&offer.build().unwrap(), Some(2), ChainHash::BITCOIN, 7_199);
    let summary = format!(
        r#"{invoice}

for           "coffee"
from          "Café Zwölf", a name that nothing proves
amount        7,000.001 sat
price         7.00 USD, which the payee converted
node id       {}
payment hash  {}
expires       in 1 h 59 min
signature     valid: the invoice answers the request, and may be paid

`decode` shows every field.
"#,
        key(1).public_key(),
        sha256::Hash::hash(b"preimage"),
    );
    assert_eq!(shown(&invoice, false, NOW), summary);
    let claim = shown(&invoice, true, NOW);
    assert!(claim.contains("\nsignature     made here: whoever published the refund can check it\n"), "{claim}");
}

/// What is written over the last row must be one row itself.
#[test]
fn the_terminal_cuts_a_row_that_is_too_long() {
    for (turns, len) in [(0, 1), (9, 79), (10, 1_000)] {
        let row = row(turns, &"x".repeat(len));
        let text = row.strip_prefix("\r\x1b[K\x1b[?7l").unwrap().strip_suffix("\x1b[?7h").unwrap();
        assert_eq!(text.chars().count(), len + 2);
    }
}

#[test]
fn it_says_how_long_an_invoice_is_good_and_where() {
    let offer = offer().add_chain(ChainHash::SIGNET).build().unwrap();
    for (expiry, words) in [
        (1, "in 1 s"),
        (60, "in 1 min"),
        (3_599, "in 59 min 59 s"),
        (3_600, "in 1 h"),
        (100_000, "in 1 d 3 h"),
        (14 * 86_400, "in 14 d"),
    ] {
        let invoice = invoice(&offer, None, ChainHash::SIGNET, expiry);
        let page = shown(&invoice, false, NOW);
        assert!(page.contains(&format!("\nexpires       {words}\n")), "{page}");
        assert!(page.contains("\namount        7,000.001 sat, on signet\n"), "{page}");
        let late = shown(&invoice, false, UnixTime(NOW.0 + expiry));
        assert!(late.contains("\nexpires       now, or before\n"), "{late}");
    }
}

/// They can neither write elsewhere on the terminal, nor pretend to be a row or the issuer, nor fill the screen.
#[test]
fn words_of_strangers_are_harmless() {
    let offer = offer().description("tea\", from \"a bank\x1b[2J\r\nfrom  \u{202e}me").issuer(&"x".repeat(1_000));
    let page = shown(&invoice(&offer.build().unwrap(), None, ChainHash::BITCOIN, 60), false, NOW);
    let rows: Vec<&str> = page.lines().collect();
    assert_eq!(rows[2], r#"for           "tea\", from \"a bank\u{1b}[2J\u{d}\u{a}from  \u{202e}me""#);
    assert_eq!(rows[3], format!("from          \"{}\" …, a name that nothing proves", "x".repeat(200)));
    assert_eq!(rows.len(), 11);
}

/// A link has more than its offer: what somebody who pays should know is said, in our words.
#[test]
fn what_a_link_has_beside_its_offer_is_said() {
    let (open, priced) = (offer().build().unwrap(), offer().amount_msat(Msat(25_000)).description("tea"));
    let priced = priced.build().unwrap();
    let address = "1andreas3batLhQa2FawWjeyjCqyBzypd";
    let also = |link: &str, offer: &Offer, asked: Option<u64>| {
        let link: BitcoinUri = link.parse().unwrap();
        beside(&link, offer, asked.map(Msat))
    };
    for (link, offer, asked) in [
        (format!("bitcoin:?lno={open}"), &open, Some(9_000)),
        (format!("bitcoin:?lno={open}&amount=0.00000025&label=\u{1b}&x=1"), &open, Some(25_000)),
        (format!("bitcoin:?lno={priced}&amount=0.00000025"), &priced, None),
    ] {
        assert_eq!(also(&link, offer, asked), None, "{link}");
    }
    for (link, offer, asked, words) in [
        (
            format!("bitcoin:{address}?lno={open}&amount=0.00000025&bc=bc1x"),
            &open,
            Some(9_000),
            "an amount of 25 sat, in place of which --amount counts, and an on-chain address",
        ),
        (
            format!("bitcoin:?lno={priced}&amount=0.00000026&lightning=lnbc1x&pop=initiatingapp%3a"),
            &priced,
            None,
            "an amount of 26 sat, in place of which the offer's price counts, and a Lightning invoice, \
             and something to open after paying",
        ),
        (
            format!("bitcoin:?lno={open}&lno={priced}&lno=lno1x&sp=sp1x&pop=http%3a//x"),
            &open,
            None,
            "another offer, and an offer that cannot be read, and a silent payment address",
        ),
    ] {
        assert_eq!(also(&link, offer, asked), Some(format!("the link also has {words}")));
    }
}
