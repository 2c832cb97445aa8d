//! A message for people: what it is, whether it can be used now, each field, and who sees what.

use std::fmt::{self, Display, Write};

use bolt12::{
    BlindedPath, BlindedPaths, ChainHash, Feature, Features, Field, InvoiceError, Msat, MultiPart, OfferAmount,
    OfferFields, PayInfo, PayerProof, Quantity, RequestFields, Revealed, Text, TlvRecord, UnixTime,
};

#[cfg(feature = "contacts")]
use super::contacts;
use super::input::{self, Message, Terms, Views};
use super::phrases::{chain, payer_key, single_hops};
#[cfg(feature = "recurrence")]
use super::recurrence;
use super::{dates, proof};

/// The most bytes without a meaning that are shown.
const MAX_BYTES: usize = 64;

/// The page for a message, at a given time.
pub(crate) fn page(message: &Message, now: UnixTime) -> String {
    let views = message.views();
    let mut page = Page { now, proof: views.as_ref().and_then(|views| views.proof), rows: Vec::new() };
    if let Message::Error(error) = message {
        page.invoice_error(error);
    }
    if let Some(views) = &views {
        page.fields(message, views);
    }
    let state = match message {
        Message::Proof(proof) => proof::verified(proof),
        _ => usable(message, now),
    };
    let mut text = format!("{}\n{state}\n\n", heading(message));
    // Writing to a string does not fail.
    let _ = page.write(&mut text);
    let seen = seen(message);
    if !seen.is_empty() {
        text.push_str("\nWho sees what\n");
    }
    for sentence in seen {
        text.push_str(&format!("  - {sentence}\n"));
    }
    text
}

fn heading(message: &Message) -> &'static str {
    #[cfg(feature = "recurrence")]
    if let Message::Offer(offer) = message {
        if let Some(words) = recurrence::heading(offer) {
            return words;
        }
    }
    match message {
        Message::Offer(_) => "AN OFFER: whoever has it can ask its issuer for an invoice, and pay that.",
        Message::Request(_) => "AN INVOICE REQUEST: a payer asks the issuer of an offer for an invoice.",
        Message::Refund(_) => {
            "A REFUND (an invoice request without an offer): whoever claims it with an invoice is paid."
        }
        Message::Invoice(_) if message.views().and_then(|views| views.has_offer()) == Some(true) => {
            "AN INVOICE: the issuer of an offer asks the payer who requested it for one payment."
        }
        Message::Invoice(_) => "AN INVOICE FOR A REFUND: whoever published the refund is asked to pay it.",
        Message::Proof(_) => "A PAYER PROOF: an invoice was paid, by whoever has the payer's key.",
        #[cfg(feature = "async_payments")]
        Message::StaticInvoice(_) => {
            "A STATIC INVOICE: somebody else hands it to every payer of an offer while the payee sleeps."
        }
        Message::Error(_) => "AN INVOICE ERROR: why an invoice request or an invoice was refused.",
    }
}

/// Whether it can be used now, by somebody with bitcoin.
fn usable(message: &Message, now: UnixTime) -> String {
    let Some(views) = message.views() else {
        return "Nothing in it is signed: only who sent it can be believed about it.".to_owned();
    };
    #[cfg(feature = "recurrence")]
    if let Some(words) = views.request.and_then(recurrence::cancelled) {
        return words.to_owned();
    }
    #[cfg(feature = "recurrence")]
    if let (Message::Offer(_), Some(until)) = (message, recurrence::ended(views.offer, now)) {
        return format!("It CANNOT be used: its last period could be paid until {}.", dates::both(until, now));
    }
    let amount = match message {
        Message::Offer(offer) => match offer.amount() {
            Some(OfferAmount::Bitcoin(amount)) => Some(amount),
            _ => None,
        },
        _ => views.terms().and_then(|terms| terms.amount).or_else(|| views.request?.amount()),
    };
    let expiry = match views.terms() {
        Some(terms) => terms.expires_at,
        None => views.offer.absolute_expiry(),
    };
    let on_bitcoin = match views.request {
        Some(request) => request.chain() == ChainHash::BITCOIN,
        None => views.offer.supports_chain(ChainHash::BITCOIN),
    };
    let unusable = "It CANNOT be used:";
    let what = if matches!(message, Message::Request(_)) { "the offer" } else { "it" };
    if let Some(expiry) = expiry.filter(|expiry| now > *expiry) {
        return format!("{unusable} {what} expired {}.", dates::both(expiry, now));
    }
    if amount.is_some_and(|amount| amount > Msat::MAX_MONEY) {
        return format!("{unusable} it is about more bitcoin than there will ever be.");
    }
    if amount == Some(Msat(0)) {
        return format!("{unusable} its amount is zero.");
    }
    let chains = match (views.request, views.offer.chains()) {
        (Some(request), _) => chain(request.chain()),
        (None, Some(chains)) => list(chains.iter().map(chain)),
        (None, None) => chain(ChainHash::BITCOIN),
    };
    let who = match message {
        Message::Offer(_) => "It can be used now",
        Message::Request(_) => "Its signature is valid.\nThe issuer of the offer can answer it now",
        Message::Refund(_) => "It can be claimed now",
        #[cfg(feature = "async_payments")]
        Message::StaticInvoice(_) => {
            "Its signature is valid.\nWhoever requests an invoice for its offer can pay it now. No receipt will prove that, and it \
             is held until the payee wakes"
        }
        _ => "Its signature is valid.\nWhoever made the request in it, and nobody else, can pay it now",
    };
    let place = if on_bitcoin { String::new() } else { format!(", but NOT WITH BITCOIN, only on {chains}") };
    let time = match expiry {
        Some(expiry) => format!("expires {}", dates::both(expiry, now)),
        None => "does not expire".to_owned(),
    };
    format!("{who}{place}; {what} {time}.")
}

/// Who learns what from a message.
fn seen(message: &Message) -> Vec<String> {
    let Some(views) = message.views() else { return Vec::new() };
    let mut seen = Vec::new();
    match message {
        Message::Offer(offer) => {
            seen.extend(offer.reveals().into_iter().filter(|it| *it == Revealed::Metadata || is_of_node(it)).map(said));
        }
        Message::Request(request) => {
            seen.extend(request.offer().reveals().into_iter().filter(is_of_node).map(said));
            seen.push(payer_key(request, "request", "pays"));
            if request.payer_note().is_some() {
                seen.push("The payer's note is read by the issuer, and by nobody on the way there.".into());
            }
            if request.bip_353_name().is_some() {
                seen.push("The issuer learns by which name the payer found the offer.".into());
            }
            #[cfg(feature = "contacts")]
            seen.extend(contacts::seen(request).map(Into::into));
        }
        Message::Refund(refund) => {
            match refund.paths() {
                Some(paths) => {
                    seen.push("Invoices go over a blinded path, which does not show who published the refund.".into());
                    single_hops(paths, "whoever published the refund", &mut seen);
                }
                None => seen.push(
                    "Invoices go to the node whose id is the payer's key: everybody who sees the refund can find it."
                        .into(),
                ),
            }
            if refund.payer_note().is_some() {
                seen.push("The payer's note is read by everybody who sees the refund.".into());
            }
        }
        Message::Invoice(invoice) => {
            seen.push(
                "The payer sees where the payment paths start. Nodes on the way see neither payer nor payee.".into(),
            );
            if let Some(paths) = invoice.paths() {
                single_hops(paths, "the payee", &mut seen);
            }
            if invoice.fallbacks().is_some() {
                seen.push("A payment to an on-chain address is seen by everybody.".into());
            }
        }
        #[cfg(feature = "async_payments")]
        Message::StaticInvoice(invoice) => {
            seen.extend(invoice.offer().reveals().into_iter().filter(is_of_node).map(said));
            seen.push("Whoever serves it sees who asks for it, and when, but not what is paid.".into());
            seen.push("Every payer sees where the payment paths and the message paths start.".into());
            if let Some(paths) = invoice.paths() {
                single_hops(paths, "the payee", &mut seen);
            }
            if invoice.fallbacks().is_some() {
                seen.push("A payment to an on-chain address is seen by everybody.".into());
            }
        }
        Message::Proof(proof) => proof::seen(proof, &mut seen),
        Message::Error(_) => {}
    }
    if views.offer.issuer().is_some() {
        seen.push("Nothing proves the issuer's name.".into());
    }
    seen
}

/// Whether this is how well the issuer's node is hidden, which the fields themselves do not say.
fn is_of_node(revealed: &Revealed<'_>) -> bool {
    let (of_key, of_path) = (
        matches!(revealed, Revealed::NodeId(_) | Revealed::IssuerKey(_) | Revealed::NoIssuerKey),
        matches!(revealed, Revealed::Path { hops: 1, .. }),
    );
    of_key || of_path
}

/// As a sentence of its own.
fn said(revealed: Revealed<'_>) -> String {
    let words = revealed.to_string();
    let (first, rest) = words.split_at(1);
    format!("{}{rest}.", first.to_uppercase())
}

/// The fields in rows of three columns.
struct Page<'a> {
    now: UnixTime,
    /// The proof that the fields are disclosed by.
    proof: Option<&'a PayerProof>,
    rows: Vec<Row>,
}

struct Row {
    /// The specification's name.
    name: String,
    /// What people call it.
    label: String,
    /// One line each.
    lines: Vec<String>,
}

impl Page<'_> {
    fn write(&self, out: &mut String) -> fmt::Result {
        if self.rows.is_empty() {
            writeln!(out, "  (no field)")?;
        }
        let width =
            |column: fn(&Row) -> &str| self.rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0);
        let (names, labels) = (width(|row| &row.name), width(|row| &row.label));
        for row in &self.rows {
            let mut head = (row.name.as_str(), row.label.as_str());
            for line in &row.lines {
                writeln!(out, "  {:names$}  {:labels$}  {line}", head.0, head.1)?;
                head = ("", "");
            }
        }
        Ok(())
    }

    fn row(&mut self, field: Field, value: Option<impl Display>) {
        self.lines(field, value.map(|value| vec![value.to_string()]));
    }

    #[cfg(any(feature = "recurrence", feature = "contacts"))]
    fn rows(&mut self, rows: impl IntoIterator<Item = (Field, Option<String>)>) {
        for (field, words) in rows {
            self.row(field, words);
        }
    }

    fn lines(&mut self, field: Field, lines: Option<Vec<String>>) {
        let undisclosed = || Some(vec![proof::undisclosed(self.proof?, field)?.to_owned()]);
        if let Some(lines) = lines.or_else(undisclosed) {
            let label = field.label().unwrap_or("unknown field").to_owned();
            self.rows.push(Row { name: field.to_string(), label, lines });
        }
    }

    fn unknown<'a>(&mut self, records: impl IntoIterator<Item = TlvRecord<'a>>) {
        for record in records {
            self.row(Field::numbered(record.number()), Some(bytes(record.value())));
        }
    }

    fn fields(&mut self, message: &Message, views: &Views<'_>) {
        if let Some(id) = views.offer.id().filter(|_| views.has_whole_offer()) {
            for (name, id) in [("offer_id", input::offer_id(views.offer)), ("offer_merkle_root", id.to_string())] {
                self.rows.push(Row { name: name.into(), label: "(from the fields)".into(), lines: vec![id] });
            }
        }
        self.row(Field::INVREQ_METADATA, views.request.and_then(RequestFields::metadata).map(bytes));
        self.offer(views.offer, views);
        if let Some(request) = views.request {
            self.request(message, request, views);
        }
        if let Some(terms) = views.terms() {
            self.invoice(&terms, views);
        }
        let valid = if views.proof.is_some() { "valid, by the payee's key" } else { "valid" };
        self.row(Field::SIGNATURE, views.value(Field::SIGNATURE).map(|_| valid));
        if let Some(proof) = views.proof {
            self.proof(proof);
        }
        self.unknown(views.unknown());
    }

    fn offer(&mut self, offer: &OfferFields, views: &Views<'_>) {
        let has_offer = views.has_offer();
        self.row(Field::OFFER_CHAINS, offer.chains().map(|chains| list(chains.iter().map(chain))));
        self.row(Field::OFFER_METADATA, offer.metadata().map(bytes));
        let currency = offer.currency().map(|code| match iso_currency::Currency::from_code(code.as_str()) {
            Some(currency) => format!("{code}, {}", currency.name()),
            None => format!("{code}, which ISO 4217 does not know"),
        });
        self.row(Field::OFFER_CURRENCY, currency);
        let each = if offer.quantity_max() == Quantity::One { "" } else { " for each item" };
        let amount = views.price().map(|amount| {
            let meaning = match (amount, has_offer) {
                (_, Some(false)) => ", for information only",
                (OfferAmount::Currency { .. }, Some(true)) => ", paid in bitcoin at the issuer's rate",
                _ => "",
            };
            format!("{}{each}{meaning}", amount)
        });
        let amount = amount.or_else(|| {
            let number = views.price_without_unit()?;
            Some(format!("{number}{each}, in millisatoshi, or in a currency if one is hidden"))
        });
        let is_open = views.proof.is_none() && has_offer == Some(true);
        self.row(Field::OFFER_AMOUNT, amount.or_else(|| is_open.then(|| "(none: the payer chooses)".to_owned())));
        self.row(Field::OFFER_DESCRIPTION, offer.description().map(quoted));
        self.row(Field::OFFER_FEATURES, offer.features().map(|features| feature_list(&features, |_| None)));
        let now = self.now;
        self.row(Field::OFFER_ABSOLUTE_EXPIRY, offer.absolute_expiry().map(|time| dates::both(time, now)));
        self.lines(Field::OFFER_PATHS, offer.paths().map(path_lines));
        self.row(Field::OFFER_ISSUER, offer.issuer().map(quoted));
        let quantity = match offer.quantity_max() {
            Quantity::One => None,
            Quantity::Unlimited => Some("any number of items".to_owned()),
            Quantity::AtMost(max) => Some(format!("{max} at once")),
        };
        self.row(Field::OFFER_QUANTITY_MAX, quantity);
        self.row(Field::OFFER_ISSUER_ID, offer.issuer_id());
        #[cfg(feature = "recurrence")]
        self.rows(recurrence::offer_rows(offer, views, now));
    }

    fn request(&mut self, message: &Message, request: &RequestFields, views: &Views<'_>) {
        self.row(Field::INVREQ_CHAIN, views.value(Field::INVREQ_CHAIN).map(|_| chain(request.chain())));
        let amount = request.amount().map(|amount| match message {
            Message::Refund(_) => format!("{amount}, for whoever claims the refund"),
            _ => format!("{amount}, which the payer chose"),
        });
        self.row(Field::INVREQ_AMOUNT, amount);
        self.row(Field::INVREQ_FEATURES, request.features().map(|features| feature_list(&features, |_| None)));
        // A message that was read has no price that overflows.
        let total = request.price().ok().flatten();
        let total = total.filter(|_| views.has_offer() == Some(true) && views.price().is_some());
        let quantity = request.quantity().map(|count| match total {
            Some(total) => format!("{count}, together {total}"),
            None => count.to_string(),
        });
        self.row(Field::INVREQ_QUANTITY, quantity);
        self.row(Field::INVREQ_PAYER_ID, request.payer_id());
        self.row(Field::INVREQ_PAYER_NOTE, request.payer_note().map(quoted));
        self.lines(Field::INVREQ_PATHS, request.paths().map(path_lines));
        self.row(Field::INVREQ_BIP_353_NAME, request.bip_353_name());
        #[cfg(feature = "recurrence")]
        self.rows(recurrence::request_rows(request, views));
        #[cfg(feature = "contacts")]
        self.rows(contacts::request_rows(request, views));
    }

    fn invoice(&mut self, invoice: &Terms<'_>, views: &Views<'_>) {
        self.lines(Field::INVOICE_PATHS, invoice.paths.map(path_lines));
        let payinfos = invoice.blindedpay.map(|payinfos| {
            payinfos.iter().zip(1..).map(|(payinfo, number)| format!("{number}: {}", payinfo_line(&payinfo))).collect()
        });
        self.lines(Field::INVOICE_BLINDEDPAY, payinfos);
        let now = self.now;
        self.row(Field::INVOICE_CREATED_AT, invoice.created_at.map(|time| dates::both(time, now)));
        let length = dates::length(invoice.relative_expiry);
        let expiry = match invoice.expires_at {
            Some(time) => format!("{length} later: {}", dates::both(time, now)),
            None => length,
        };
        self.row(Field::INVOICE_RELATIVE_EXPIRY, views.shows_expiry().then_some(expiry));
        self.row(Field::INVOICE_PAYMENT_HASH, invoice.payment_hash);
        let to_be_paid = if views.proof.is_some() { "" } else { " to be paid" };
        let amount = invoice.amount.map(|amount| format!("{amount}{to_be_paid}, beside the fees"));
        self.row(Field::INVOICE_AMOUNT, amount);
        let fallbacks = invoice.fallbacks.as_ref().map(|fallbacks| {
            let line = |fallback: bolt12::Fallback<'_>| match fallback.address(invoice.chain) {
                _ if !views.knows_chain() => {
                    format!("(its chain may be hidden: version {}, {})", fallback.version, bytes(&fallback.program))
                }
                Some(address) => address.to_string(),
                None => format!("(not an address: version {}, {})", fallback.version, bytes(&fallback.program)),
            };
            fallbacks.iter().map(line).collect()
        });
        self.lines(Field::INVOICE_FALLBACKS, fallbacks);
        let features = invoice.features.as_ref().map(|features| {
            let parts = match invoice.multi_part {
                MultiPart::Forbidden => "the payment must not be split",
                MultiPart::Allowed => "the payment may be split",
                MultiPart::Required => "the payment must be split",
            };
            format!("{}: {parts}", feature_list(features, Feature::name))
        });
        self.row(Field::INVOICE_FEATURES, features);
        self.row(Field::INVOICE_NODE_ID, invoice.node_id);
        #[cfg(feature = "recurrence")]
        self.rows(views.invoice.map(|invoice| recurrence::invoice_row(invoice, now)));
        #[cfg(feature = "async_payments")]
        self.lines(Field::STATIC_INVOICE_MESSAGE_PATHS, views.message_paths().map(path_lines));
    }

    fn proof(&mut self, proof: &PayerProof) {
        self.row(Field::PROOF_SIGNATURE, Some("valid, by the payer's key"));
        self.row(Field::PROOF_PREIMAGE, Some(proof.preimage()));
        self.row(Field::PROOF_OMITTED_TLVS, Some(proof::hidden(proof)));
        self.row(Field::PROOF_NOTE, Some(proof.note().map_or("(none)".to_owned(), quoted)));
    }

    fn invoice_error(&mut self, error: &InvoiceError) {
        let field = error.erroneous_field().map(|field| match field.label() {
            Some(label) => format!("{}: {field}, the {label}", field.number()),
            None => format!("{field}, an unknown field"),
        });
        self.row(Field::ERRONEOUS_FIELD, field);
        let number = error.suggested_amount().map(|amount| amount.to_string());
        let number = number.or(error.suggested_quantity().map(|quantity| quantity.to_string()));
        let suggested = input::suggested_value(error).map(|value| match (error.suggested_value(), number) {
            (Some(_), Some(number)) => number,
            (Some(_), None) => bytes(&value),
            (None, _) => format!("{}, which is no value of that field", bytes(&value)),
        });
        self.row(Field::SUGGESTED_VALUE, suggested);
        self.row(Field::ERROR, error.error().map(quoted));
        self.unknown(error.unknown());
    }
}

/// Somebody else's words, which are escaped.
fn quoted(text: Text<'_>) -> String {
    format!("\"{text}\"")
}

fn bytes(bytes: &[u8]) -> String {
    match bytes.get(..MAX_BYTES) {
        _ if bytes.is_empty() => "(empty)".to_owned(),
        Some(start) if bytes.len() > MAX_BYTES => format!("{}… ({} bytes)", hex::encode(start), bytes.len()),
        _ => hex::encode(bytes),
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(" or ")
}

/// The bits, with their names where bits have names: only in invoices, so far.
fn feature_list(features: &Features<'_>, name: impl Fn(Feature) -> Option<&'static str>) -> String {
    let words = |feature: Feature| match name(feature) {
        Some(name) => format!("{} ({name})", feature.bit()),
        None => format!("{} (unknown)", feature.bit()),
    };
    let bits: Vec<_> = features.iter().map(words).collect();
    if bits.is_empty() { "none".to_owned() } else { bits.join(", ") }
}

fn path_lines(paths: BlindedPaths<'_>) -> Vec<String> {
    let line = |(path, number): (BlindedPath<'_>, usize)| {
        let hops = path.hops().count();
        let plural = if hops == 1 { "hop" } else { "hops" };
        format!("{number}: {hops} {plural}, starting at {}", path.introduction_node())
    };
    paths.iter().zip(1..).map(line).collect()
}

fn payinfo_line(payinfo: &PayInfo<'_>) -> String {
    let rate = payinfo.fee_proportional_millionths;
    let percent = format!("{}.{:04}", rate / 10_000, rate % 10_000);
    format!(
        "fee {} + {} %, up to {} blocks, {} to {} at once",
        Msat(payinfo.fee_base_msat.into()),
        percent.trim_end_matches('0').trim_end_matches('.'),
        payinfo.cltv_expiry_delta,
        Msat(payinfo.htlc_minimum_msat),
        Msat(payinfo.htlc_maximum_msat),
    )
}
