//! What a text that is not BOLT 12 looks like, so that an error can say so.

use crate::error::LooksLike;

/// Guesses from the shape of a text; nothing is verified.
pub(crate) fn looks_like(text: &str) -> LooksLike {
    let text = text.trim();
    let starts = |prefix: &str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if starts("lnurl") || starts("keyauth://") {
        LooksLike::Lnurl
    } else if ["lntb", "lnbcrt", "lntbs", "lnsb"].into_iter().any(starts) {
        LooksLike::Bolt11Test
    } else if starts("lnbc") {
        LooksLike::Bolt11
    } else if starts("bitcoin:") || starts("lightning:") {
        LooksLike::Uri
    } else if starts("http://") || starts("https://") {
        LooksLike::WebAddress
    } else if is_secret(text) {
        LooksLike::Secret
    } else if is_node_id(text) {
        LooksLike::NodeId
    } else if let Some((user, host)) = text.split_once('@') {
        at_sign(user, host)
    } else if (starts("sp1") || starts("tsp1")) && text.len() > 100 {
        LooksLike::SilentPayment
    } else if is_onchain_address(text, starts) {
        LooksLike::OnchainAddress
    } else {
        LooksLike::Unknown
    }
}

fn at_sign(user: &str, host: &str) -> LooksLike {
    if is_node_id(user) {
        LooksLike::NodeAddress
    } else if !user.is_empty() && !host.is_empty() && !text_has_space(user) && !text_has_space(host) {
        LooksLike::HumanReadableName
    } else {
        LooksLike::Unknown
    }
}

fn text_has_space(text: &str) -> bool {
    text.contains(char::is_whitespace)
}

fn is_node_id(text: &str) -> bool {
    text.len() == 66
        && (text.starts_with("02") || text.starts_with("03"))
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_base58(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() && !matches!(byte, b'0' | b'O' | b'I' | b'l'))
}

fn is_onchain_address(text: &str, starts: impl Fn(&str) -> bool) -> bool {
    let old = matches!(text.bytes().next(), Some(b'1' | b'3' | b'2' | b'm' | b'n'))
        && (26..=35).contains(&text.len())
        && is_base58(text);
    let segwit = ["bc1", "tb1", "bcrt1"].into_iter().any(starts)
        && (14..=90).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    old || segwit
}

/// Extended private keys, wallet import format, and recovery phrases of 12 to 24 words.
fn is_secret(text: &str) -> bool {
    let extended = text.len() > 100 && ["xprv", "yprv", "zprv", "tprv"].iter().any(|prefix| text.starts_with(prefix));
    let imported =
        matches!((text.len(), text.bytes().next()), (51, Some(b'5' | b'9')) | (52, Some(b'K' | b'L' | b'c')));
    let mut words = text.split_whitespace();
    let phrase = matches!(text.split_whitespace().count(), 12 | 15 | 18 | 21 | 24)
        && words.all(|word| (3..=8).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphabetic()));
    extended || imported && is_base58(text) || phrase
}
