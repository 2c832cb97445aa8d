//! An invoice in a few rows: what is paid, to whom, and until when.

use bolt12::bitcoin::Network;
use bolt12::{Invoice, OfferAmount, Text, UnixTime};

/// The most bytes of a stranger's words that are shown.
const MAX_WORDS: usize = 200;

/// The invoice alone on the first line, where a script finds it, and then the summary. One that we made is a claim of a
/// refund.
pub(crate) fn shown(invoice: &Invoice, is_claim: bool, now: UnixTime) -> String {
    let (offer, request) = (invoice.offer(), invoice.request());
    let mut rows = Vec::new();
    if let Some(description) = offer.description() {
        rows.push(("for", quoted(description)));
    }
    if let Some(issuer) = offer.issuer() {
        rows.push(("from", format!("{}, a name that nothing proves", quoted(issuer))));
    }
    let chain = request.chain();
    let place = match Network::try_from(chain) {
        Ok(Network::Bitcoin) => String::new(),
        Ok(network) => format!(", on {network}"),
        Err(_) => format!(", on the chain {chain}"),
    };
    rows.push(("amount", format!("{}{place}", invoice.amount())));
    // What a refund says about a price is for information only.
    let price = request.price().ok().flatten().filter(|_| request.answers_offer());
    if let Some(price @ OfferAmount::Currency { .. }) = price {
        rows.push(("price", format!("{price}, which the payee converted")));
    }
    rows.push(("node id", invoice.node_id().to_string()));
    rows.push(("payment hash", invoice.payment_hash().to_string()));
    rows.push(("expires", until(invoice.expires_at(), now)));
    let signature = match is_claim {
        true => "made here: whoever published the refund can check it",
        false => "valid: the invoice answers the request, and may be paid",
    };
    rows.push(("signature", signature.to_owned()));
    let rows: String = rows.iter().map(|(name, words)| format!("{name:12}  {words}\n")).collect();
    format!("{invoice}\n\n{rows}\n`decode` shows every field.\n")
}

/// A stranger's words, with everything escaped that could deceive or end the quotation.
fn quoted(text: Text<'_>) -> String {
    let start = text.start(MAX_WORDS);
    let more = if start == text { "" } else { " …" };
    format!("{start:?}{more}")
}

/// For example `in 1 h 59 min`.
fn until(time: UnixTime, now: UnixTime) -> String {
    let seconds = time.0.saturating_sub(now.0);
    let (large, small) = match seconds {
        0 => return "now, or before".to_owned(),
        1..60 => ((1, "s"), None),
        60..3_600 => ((60, "min"), Some((1, "s"))),
        3_600..86_400 => ((3_600, "h"), Some((60, "min"))),
        _ => ((86_400, "d"), Some((3_600, "h"))),
    };
    let rest = small.map(|(length, unit)| (seconds % large.0 / length, unit)).filter(|(count, _)| *count > 0);
    let rest = rest.map_or(String::new(), |(count, unit)| format!(" {count} {unit}"));
    format!("in {} {}{rest}", seconds / large.0, large.1)
}
