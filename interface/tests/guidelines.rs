//! What the Rust API guidelines ask of every public type, read off the list of public items. Exceptions have reasons.

use std::collections::BTreeSet;

const ITEMS: &str = include_str!("../public-items.txt");

/// Texts that are made for people or for a log. What they stand for has other ways in: rules and fields are constants,
/// amounts and times are numbers, errors are matched on.
const FOR_PEOPLE: &[&str] = &[
    "exchange::Activity",
    "exchange::AsyncQuote",
    "exchange::Attempt",
    "exchange::ConversationId",
    "exchange::EndReason",
    "exchange::Need",
    "exchange::Objection",
    "exchange::Refused",
    "exchange::Slot",
    "exchange::SubscriptionEnd",
    "exchange::WaitsFor",
    "onion::NextHop",
    "peer::Notice",
    "Error",
    "Field",
    "IntroductionNode",
    "LooksLike",
    "MessageKind",
    "Msat",
    "OfferAmount",
    "Revealed",
    "Rule",
    "Stage",
    // What deceives is escaped, and so it does not read back.
    "Text",
    "UnixTime",
    "Unmet",
    "UnmetConditions",
    // A message broken into lines: the message reads them.
    "Wrapped",
];

/// Every type is asked whether it can be sent to another thread, shared between threads, and kept when one of them
/// panics. What is not does not compile there.
#[test]
fn every_type_is_asked_for_auto_traits() {
    let files = [
        include_str!("../../tests/messages/auto_traits.rs"),
        include_str!("../../interop/tests/common/auto_traits.rs"),
    ];
    let lines = files.iter().flat_map(|text| text.lines()).filter(|line| !line.trim_start().starts_with("//"));
    let asked: BTreeSet<&str> = lines.flat_map(|line| line.split(|c| !char::is_alphanumeric(c) && c != ':')).collect();
    // Those of other modules are imported there.
    let short = |path: &'static str| path.strip_prefix("exchange::").or(path.strip_prefix("onion::")).unwrap_or(path);
    let missing: Vec<_> = types().iter().map(|(path, _)| short(path)).filter(|path| !asked.contains(path)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// A path without what follows the name: parameters, or the fields of a tuple.
fn name(path: &str) -> &str {
    path.split(['<', '(', ' ']).next().unwrap_or_default()
}

/// The public enums and structs, each once: `lightning` has some of `peers` again.
fn types() -> Vec<(&'static str, &'static str)> {
    let lines = ITEMS.lines().filter_map(|line| {
        let declared = line.strip_prefix("#[non_exhaustive] ").unwrap_or(line);
        let path = declared.strip_prefix("pub enum bolt12::").or(declared.strip_prefix("pub struct bolt12::"))?;
        Some((name(path), line))
    });
    let all: Vec<_> = lines.collect();
    let again = |path: &str| {
        let elsewhere = path.strip_prefix("lightning::").map(|name| format!("peers::{name}"));
        elsewhere.is_some_and(|path| all.iter().any(|(other, _)| *other == path))
    };
    all.iter().copied().filter(|(path, _)| !again(path)).collect()
}

/// The public types that implement a trait, by their paths.
fn implementing(of: &str) -> BTreeSet<&'static str> {
    let found = ITEMS.lines().filter(|line| line.starts_with("impl")).filter_map(|line| {
        let (implemented, on) = line.split_once(" for bolt12::")?;
        implemented.ends_with(of).then(|| name(on))
    });
    // Where the list says that of another path to the same type.
    found.flat_map(|path| [path, path.strip_prefix("lightning::").unwrap_or(path)]).collect()
}

fn has(of: &BTreeSet<&str>, path: &str) -> bool {
    of.contains(path) || path.strip_prefix("peers::").is_some_and(|name| of.contains(name))
}

#[test]
fn every_type_can_be_debugged() {
    let debugged = implementing("core::fmt::Debug");
    assert!(types().len() > 200, "the list was read");
    for (path, _) in types() {
        assert!(has(&debugged, path), "{path} has no `Debug`");
    }
}

/// Whoever reports an error needs it as an error; whoever tests needs it compared.
#[test]
fn every_error_is_one() {
    let (errors, shown) = (implementing("core::error::Error"), implementing("core::fmt::Display"));
    let compared = implementing("core::cmp::PartialEq");
    for (path, _) in types() {
        let is_named_so = path.ends_with("Error") && path != "InvoiceError" || path.ends_with("Refusal");
        assert!(!is_named_so || has(&errors, path), "{path} is no error");
        if has(&errors, path) {
            assert!(has(&shown, path), "{path}");
            // It holds the message that was refused, which is for nobody to compare.
            assert!(has(&compared, path) || path == "exchange::Refused", "{path}");
        }
    }
}

#[test]
fn what_is_printed_reads_back_or_is_for_people() {
    let (shown, errors) = (implementing("core::fmt::Display"), implementing("core::error::Error"));
    let read = implementing("core::str::traits::FromStr");
    for (path, _) in types() {
        let is_listed = FOR_PEOPLE.contains(&path);
        let reads_back = has(&read, path) || has(&errors, path) || path == "peers::Counts";
        assert!(!has(&shown, path) || reads_back || is_listed, "{path} prints what it does not read");
        assert!(!is_listed || has(&shown, path), "{path} is listed, and prints nothing");
    }
}

/// `exhaustive.txt` has the reasons.
#[test]
fn what_cannot_grow_was_decided() {
    let decided = include_str!("../exhaustive.txt").lines().filter_map(|line| line.strip_prefix("bolt12::"));
    let decided: BTreeSet<&str> = decided.collect();
    let exhaustive = types().into_iter().filter(|(path, line)| {
        let field = format!("pub bolt12::{path}::");
        let has_public_fields = line.contains("(pub ") || ITEMS.lines().any(|line| line.starts_with(&field));
        !line.starts_with("#[non_exhaustive]") && has_public_fields
    });
    let exhaustive: BTreeSet<&str> = exhaustive.map(|(path, _)| path).collect();
    let both = (&exhaustive - &decided, &decided - &exhaustive);
    assert!(both.0.is_empty() && both.1.is_empty(), "not decided: {:?}; not so: {:?}", both.0, both.1);
}
