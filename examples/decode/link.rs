//! A `bitcoin:` link around an offer, for people and as JSON.

use bolt12::{BitcoinUri, ChainHash, Instruction, Offer, OfferAmount, Text};
use serde_json::{Map, Value};

/// The most characters of an instruction that are shown.
const WIDTH: usize = 60;

/// What a link says beside its offer, in lines.
pub(crate) fn page(link: &BitcoinUri, offer: Option<&Offer>) -> String {
    let mut rows = Vec::new();
    if let Some(label) = link.label() {
        rows.push(("label", format!("\"{label}\"")));
    }
    if let Some(message) = link.message() {
        rows.push(("message", format!("\"{message}\"")));
    }
    if let Some(amount) = link.amount() {
        rows.push(("amount", format!("{amount}{}", meaning(link, offer))));
    }
    if let Some(address) = link.address() {
        rows.push(("address", format!("{}, on-chain", address.assume_checked_ref())));
    }
    for instruction in link.instructions() {
        rows.push((key(instruction), words(instruction, offer)));
    }
    if let Some(pop) = link.proof_of_payment() {
        let opened = if pop.may_be_opened() { "to be opened after paying" } else { "which no wallet should open" };
        rows.push((if pop.is_required() { "req-pop" } else { "pop" }, format!("\"{}\", {opened}", pop.uri())));
    }
    let mut page = "A PAYMENT LINK, which says:\n\n".to_owned();
    for (name, words) in rows {
        page.push_str(&format!("  {name:9}  {words}\n"));
    }
    for (key, value) in link.ignored() {
        page.push_str(&format!("  {:9}  \"{key}\" with \"{value}\", which is unknown here\n", "(ignored)"));
    }
    page
}

/// What the link's amount is to its offer.
fn meaning(link: &BitcoinUri, offer: Option<&Offer>) -> String {
    let Some(offer) = offer else { return String::new() };
    match (link.amount_for(offer), offer.amount()) {
        (Err(error), _) => format!(". CAREFUL: {error}"),
        (Ok(Some(_)), _) => ", to be paid for the offer, which has no price".to_owned(),
        (Ok(None), Some(OfferAmount::Currency { .. })) => {
            ", but the offer's price is in another currency, and counts".to_owned()
        }
        (Ok(None), Some(OfferAmount::Bitcoin(price))) if link.amount() == Some(price) => ", as the offer".to_owned(),
        (Ok(None), _) => ", but the offer has a lower price, which counts".to_owned(),
    }
}

fn key(instruction: &Instruction) -> &str {
    match instruction {
        Instruction::Offer(_) | Instruction::UnreadableOffer { .. } => "lno",
        Instruction::Lightning(_) => "lightning",
        Instruction::SilentPayment(_) => "sp",
        Instruction::PrivatePayment(_) => "pay",
        Instruction::Address { key, .. } => key,
        _ => "other",
    }
}

fn words(instruction: &Instruction, shown: Option<&Offer>) -> String {
    match instruction {
        Instruction::Offer(offer) if Some(&**offer) == shown => "the offer below".to_owned(),
        Instruction::Offer(offer) => {
            let which = if shown.is_some() { "another offer" } else { "an offer" };
            let place = if offer.supports_chain(ChainHash::BITCOIN) { "" } else { ", which is not for bitcoin" };
            format!("{which}{place}: {}", shortened(&offer.to_string()))
        }
        Instruction::UnreadableOffer { error, .. } => format!("an offer that cannot be read: {error}"),
        Instruction::Lightning(text)
        | Instruction::SilentPayment(text)
        | Instruction::PrivatePayment(text)
        | Instruction::Address { address: text, .. } => shortened(text),
        _ => "something that this program does not know".to_owned(),
    }
}

fn shortened(text: &str) -> String {
    let start: String = text.chars().take(WIDTH).collect();
    let more = if start.len() < text.len() { "…" } else { "" };
    format!("{}{more}", Text::new(&start))
}

/// The link as JSON.
pub(crate) fn json(link: &BitcoinUri) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            object.insert(name.to_owned(), value);
        }
    };
    let raw = |text: Text<'_>| Value::from(text.as_raw());
    put("address", link.address().map(|address| address.assume_checked_ref().to_string().into()));
    put("amount_msat", link.amount().map(|amount| amount.0.into()));
    put("label", link.label().map(raw));
    put("message", link.message().map(raw));
    put("pop", link.proof_of_payment().map(|pop| raw(pop.uri())));
    put("pop_required", link.proof_of_payment().map(|pop| pop.is_required().into()));
    let instructions = link.instructions().iter().map(|instruction| {
        let value = match instruction {
            Instruction::Offer(offer) => offer.to_string(),
            Instruction::UnreadableOffer { text, .. }
            | Instruction::Lightning(text)
            | Instruction::SilentPayment(text)
            | Instruction::PrivatePayment(text)
            | Instruction::Address { address: text, .. } => text.clone(),
            _ => String::new(),
        };
        match instruction {
            Instruction::UnreadableOffer { error, .. } => {
                serde_json::json!({ "key": "lno", "value": value, "error": error.to_string() })
            }
            _ => serde_json::json!({ "key": key(instruction), "value": value }),
        }
    });
    put("instructions", Some(instructions.collect()));
    let ignored =
        link.ignored().map(|(key, value)| serde_json::json!({ "key": key.as_raw(), "value": value.as_raw() }));
    put("ignored", Some(ignored.collect()));
    Value::Object(object)
}
