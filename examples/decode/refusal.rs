//! A refused string for people: what is wrong, where, and what may help.

use bolt12::{BitcoinUri, Error, ErrorKind, Instruction, LinkFault, LooksLike, Rule, Text};

use super::input::Refused;
use super::link;

/// The most characters of a string that are shown.
const WIDTH: usize = 72;

/// The page for a refused string.
pub(crate) fn page(refused: &Refused) -> String {
    let mut page = format!("Refused: {}.\n", refused.fault);
    let error = refused.fault.error();
    let looks_like = match error.map(Error::kind) {
        Some(ErrorKind::NotBolt12(found)) => Some(*found),
        _ => None,
    };
    // What should be shown to nobody is not shown here either.
    if looks_like != Some(LooksLike::Secret) && !refused.text.trim().is_empty() {
        // Where a text is something else altogether, no place in it is to blame.
        let column = refused.column.filter(|_| looks_like.is_none());
        page.push('\n');
        page.push_str(&excerpt(&refused.text, column));
    }
    if let Some(hint) = parts(&refused.text).or_else(|| error.and_then(hint).map(str::to_owned)) {
        page.push_str(&format!("\n{hint}\n"));
    }
    if let Some(name) = &refused.dns_name {
        page.push_str(&format!(
            "\nWhat it stands for is in the DNS, and `dig +short TXT {name}` shows it:\nhand that in here.\n"
        ));
    }
    if let Some(link) = refused.link.as_deref().filter(|link| says_more(link)) {
        page.push_str(&format!("\n{}", link::page(link, None)));
    }
    page.push_str(&format!("\n  ({})\n", details(refused, error)));
    page
}

/// The text around a column, with a caret under it.
fn excerpt(text: &str, column: Option<usize>) -> String {
    // One column for each character, and nothing that a terminal would act on.
    let is_plain = |c: &char| {
        *c == ' ' || !c.is_whitespace() && Text::new(c.encode_utf8(&mut [0; 4])).to_string().len() == c.len_utf8()
    };
    let shown: Vec<char> = text.chars().map(|c| if is_plain(&c) { c } else { char::REPLACEMENT_CHARACTER }).collect();
    let at = column.map(|column| column.saturating_sub(1).min(shown.len() - 1));
    let from = at.unwrap_or(0).saturating_sub(WIDTH / 2).min(shown.len().saturating_sub(WIDTH));
    let to = shown.len().min(from + WIDTH);
    let (before, after) = (if from > 0 { "…" } else { "" }, if to < shown.len() { "…" } else { "" });
    let line: String = shown[from..to].iter().collect();
    let caret = at.map(|at| format!("  {}^\n", " ".repeat(at - from + before.chars().count())));
    format!("  {before}{line}{after}\n{}", caret.unwrap_or_default())
}

/// For whoever wants to look it up.
fn details(refused: &Refused, error: Option<&Error>) -> String {
    let mut details = Vec::new();
    if let Some(field) = error.and_then(Error::field) {
        details.extend(field.name().map(str::to_owned));
        details.push(format!("TLV {}", field.number()));
    }
    details.extend(error.and_then(Error::offset).map(|offset| format!("byte {offset}")));
    details.extend(refused.column.map(|column| format!("column {column}")));
    details.extend(error.map(|error| format!("rule {}", error.rule())));
    details.push(refused.fault.code().to_owned());
    details.join(", ")
}

/// Whether a link says anything beside an offer that cannot be read.
fn says_more(link: &BitcoinUri) -> bool {
    let is_unreadable = |instruction: &Instruction| matches!(instruction, Instruction::UnreadableOffer { .. });
    link.instructions().len() != 1 || !link.instructions().iter().all(is_unreadable) || link.address().is_some()
}

/// What to do with a text that holds a message among other things, or several, or the bytes of one.
fn parts(text: &str) -> Option<String> {
    let trimmed = text.trim();
    let messages = messages(trimmed);
    match messages.as_slice() {
        [] => {}
        // The text itself, or the offer of a link.
        [0] => {
            return has_more(trimmed)
                .then(|| "What stands behind it is not part of it: hand in the message alone.".to_owned());
        }
        [_] if ["bitcoin:", "lightning:"].iter().any(|scheme| starts(trimmed, scheme)) => {}
        [at] => {
            let before = text.chars().take_while(|c| c.is_whitespace()).count() + trimmed[..*at].chars().count();
            return Some(format!("From column {} on it begins like a message: hand in that alone.", before + 1));
        }
        _ => return Some("There is more than one message in it: hand in one at a time.".to_owned()),
    }
    let is_hexadecimal =
        trimmed.len() > 66 && trimmed.len() % 2 == 0 && trimmed.bytes().all(|it| it.is_ascii_hexdigit());
    is_hexadecimal.then(|| {
        "Are these the bytes of a message? Then say of which kind, as in hex:offer:… (--help names the kinds)."
            .to_owned()
    })
}

/// Whether other words follow a message, and not the next line of it.
fn has_more(text: &str) -> bool {
    let is_data = |c: char| c == '+' || "qpzry9x8gf2tvdw0s3jn54khce6mua7l".contains(c.to_ascii_lowercase());
    text.split_whitespace().skip(1).any(|word| !word.chars().all(is_data))
}

/// Where something long begins like a message.
fn messages(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some((at, rest)) = text.get(from..).and_then(|rest| {
        let at = rest.char_indices().map(|(at, _)| at).find(|at| {
            let before = rest[..*at].chars().next_back();
            let is_start = before.is_none_or(|c| !c.is_alphanumeric());
            is_start && ["lno1", "lnr1", "lni1", "lnp1"].iter().any(|prefix| starts(&rest[*at..], prefix))
        })?;
        Some((from + at, &rest[at..]))
    }) {
        let len = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '+').count();
        if len > 40 {
            found.push(at);
        }
        from = at + len.max(1);
    }
    found
}

fn starts(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// What somebody who sees the sentence for the first time may want to know.
fn hint(error: &Error) -> Option<&'static str> {
    Some(match error.kind() {
        ErrorKind::Empty if error.rule() == Rule::Txt5 => {
            "An offer starts with lno1, an invoice request or refund with lnr1, an invoice with lni1, a payer proof\n\
             with lnp1."
        }
        ErrorKind::NotBolt12(found) => match found {
            LooksLike::Bolt11 | LooksLike::Bolt11Test => {
                "A BOLT 11 invoice is for one payment, and any Lightning wallet takes it as it is. An offer starts\n\
                 with lno1."
            }
            LooksLike::NodeId | LooksLike::NodeAddress => {
                "That says which node to connect to, not whom to pay for what. An offer starts with lno1."
            }
            LooksLike::OnchainAddress | LooksLike::SilentPayment => {
                "It is paid with an on-chain transaction. An offer starts with lno1."
            }
            LooksLike::Lnurl => "A wallet has to ask a web server what is behind it. An offer starts with lno1.",
            LooksLike::HumanReadableName => {
                "A wallet looks such a name up in the DNS (BIP 353), and may find an offer, which starts with lno1. Behind many\n\
                 names there is none: they are Lightning addresses, for which a wallet asks a web server."
            }
            LooksLike::Uri => "There is no offer in the link; it would start with lno1.",
            LooksLike::WebAddress => "Perhaps that page shows an offer; it would start with lno1.",
            LooksLike::Secret => {
                "Whoever sees it can take what it guards. It is not repeated here, but may be in your shell's history."
            }
            _ => {
                "An offer starts with lno1, an invoice request or refund with lnr1, an invoice with lni1, a payer proof\n\
                 with lnp1. Was all of it copied?"
            }
        },
        ErrorKind::Link(LinkFault::NoOffer) => "A wallet that pays in another way can take the link as it is.",
        ErrorKind::Empty | ErrorKind::Truncated | ErrorKind::InvalidPadding => "Was the string copied to its end?",
        _ if error.rule().id().starts_with("PPR") => "So it proves nothing.",
        _ => return None,
    })
}
