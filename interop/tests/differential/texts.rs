//! Mutated texts of offers and refunds, the two kinds that `lightning` has a text for.

use lightning::offers::offer::Offer;
use lightning::offers::refund::Refund;

use crate::mutate::Random;
use crate::mutations::{Tally, Verdict, judge, rounds};
use crate::reading::{same_offer, same_refund};
use crate::wire::{Kind, bytes_of, text, write_record};
use crate::{ours, theirs};

/// Characters that somebody might take for white space, for letters of the alphabet, or for nothing.
const CHARACTERS: [char; 24] = [
    ' ', '\n', '\t', '\r', '\u{b}', '\u{a0}', '\u{2003}', '\u{2028}', '\u{200b}', '\u{feff}', '1', 'b', 'i', 'o', 'B',
    'q', 'Q', '-', '+', '\u{ff2b}', '\u{212a}', 'é', '\0', '\u{ff0b}',
];

/// What stands between the halves of a text that is split, rightly or wrongly.
const SPLITS: [&str; 14] = [
    "+",
    "+ ",
    "+\r\n",
    "+\u{2028}\t",
    "+\u{b}\u{a0}",
    "++",
    "+ +",
    " +",
    " + ",
    "+\u{200b}",
    "+\u{feff}",
    " ",
    "\n",
    "+1",
];

/// Prefixes, of which one is right.
const PREFIXES: [&str; 16] = [
    "lno1",
    "LNO1",
    "Lno1",
    "lnO1",
    "lnr1",
    "LNR1",
    "lni1",
    "lnp1",
    "lnbc1",
    "lno",
    "lno11",
    "ln1",
    "1",
    "",
    "lno1lno1",
    "ＬＮＯ1",
];

fn mutate(random: &mut Random, text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for _ in 0..1 + random.below(2) {
        let at = random.below(letters.len());
        let put = |letters: &mut Vec<char>, at: usize, text: &str| drop(letters.splice(at..at, text.chars()));
        match random.below(14) {
            0 => letters.iter_mut().for_each(|letter| letter.make_ascii_uppercase()),
            1 if !letters.is_empty() => letters[at].make_ascii_uppercase(),
            2 => letters.iter_mut().skip(at).for_each(|letter| letter.make_ascii_uppercase()),
            3 | 4 => put(&mut letters, at, random.of::<&str>(&SPLITS)),
            5 => put(&mut letters, random.below(6).min(at), random.of::<&str>(&SPLITS)),
            6 => letters.insert(at, *random.of(&CHARACTERS)),
            7 if !letters.is_empty() => letters[at] = *random.of(&CHARACTERS),
            8 if !letters.is_empty() => drop(letters.remove(at)),
            // Left-over letters: padding that is too long, or not zero.
            9 => letters.extend(random.of(&["q", "qq", "p", "l", "qp", "+", "+ ", " ", "\n", "1"]).chars()),
            10 if !letters.is_empty() => {
                let last = letters.len() - 1;
                letters[last] = *random.of(&['q', 'p', 'z', 'g', 's', 'l', 'L']);
            }
            11 => drop(letters.splice(..4.min(letters.len()), random.of(&PREFIXES).chars())),
            12 => letters.truncate(at),
            _ => put(&mut letters, 0, random.of::<&str>(&[" ", "+", "\n", "lightning:", "\u{feff}", ""])),
        }
    }
    letters.into_iter().collect()
}

fn compare(kind: Kind, text: &str) -> Verdict {
    let bytes = &bytes_of(text);
    match kind {
        Kind::Offer => judge(kind, bytes, text.parse::<bolt12::Offer>(), text.parse::<Offer>(), same_offer),
        Kind::Refund => judge(kind, bytes, text.parse::<bolt12::Refund>(), text.parse::<Refund>(), same_refund),
        other => panic!("{other:?} has no text in lightning"),
    }
}

#[test]
fn texts_are_judged_alike() {
    let mut corpus: Vec<(Kind, String)> = Vec::new();
    corpus.extend(ours::offers().iter().map(|offer| (Kind::Offer, offer.to_string())));
    corpus.extend(theirs::offers().iter().map(|offer| (Kind::Offer, offer.to_string())));
    corpus.extend(ours::refunds().iter().map(|refund| (Kind::Refund, refund.to_string())));
    corpus.extend(theirs::refunds().iter().map(|refund| (Kind::Refund, refund.to_string())));
    let mut tally = Tally::default();
    for (at, (kind, valid)) in corpus.iter().enumerate() {
        let mut random = Random(at as u64);
        // TXT-1, TXT-2, TXT-3, TXT-4, TXT-5, TXT-8
        for _ in 0..rounds() {
            tally.note(*kind, compare(*kind, &mutate(&mut random, valid)));
        }
    }
    // D7
    let long = [ours::offers()[0].as_bytes(), &write_record(&(79, vec![0; 65_536]))].concat();
    tally.note(Kind::Offer, compare(Kind::Offer, &text("lno", &long)));
    tally.check(&[Kind::Offer, Kind::Refund]);
}

#[test]
fn both_write_the_plainest_text() {
    // TXT-6
    for offer in ours::offers() {
        assert_eq!(offer.to_string(), text("lno", offer.as_bytes()));
        assert_eq!(format!("{offer:#}"), text("lno", offer.as_bytes()).to_uppercase());
    }
    for offer in theirs::offers() {
        assert_eq!(offer.to_string(), text("lno", offer.as_ref()));
    }
    for request in ours::requests() {
        assert_eq!(request.to_string(), text("lnr", request.as_bytes()));
    }
    for refund in theirs::refunds() {
        assert_eq!(refund.to_string(), text("lnr", refund.as_ref()));
    }
    for invoice in ours::invoices() {
        assert_eq!(invoice.to_string(), text("lni", invoice.as_bytes()));
    }
}
