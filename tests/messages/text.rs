//! The text form: what is written, what is read, and what is refused in which column. The `bech32` crate
//! is the second opinion.

use super::messages::{bytes_of, invoice, issuer, offer, offers, refund, request, text_of};
use super::naive::{self, Record, record};
use bolt12::{Bolt12, Error, ErrorKind, Invoice, InvoiceRequest, LooksLike, MAX_LEN, MessageKind, Offer, Refund, Rule};
use proptest::prelude::*;
use proptest::sample::Index;

/// Some of the white space that may follow a `+`.
const WHITE_SPACE: [&str; 9] = ["", " ", "\n", "\r\n", "\t\u{b}", "\u{a0}", "\u{85}", "\u{2003}\u{3000}", "\u{2028} "];

/// An offer in few characters.
const SHORT: &str = "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese";

fn refused(text: &str) -> Error {
    let error = text.parse::<Offer>().expect_err(text);
    // The text is never at fault in one reader alone.
    assert_eq!(text.parse::<Bolt12>().err().map(|error| error.rule()), Some(error.rule()), "{text}");
    error
}

/// Text with something put before the character in a column.
fn with(text: &str, column: usize, part: &str) -> String {
    let at = text.char_indices().nth(column - 1).map_or(text.len(), |(at, _)| at);
    [&text[..at], part, &text[at..]].concat()
}

/// Text with another character in a column.
fn replaced(text: &str, column: usize, by: char) -> String {
    text.chars().enumerate().map(|(at, letter)| if at + 1 == column { by } else { letter }).collect()
}

/// An offer whose metadata and text have these lengths.
fn of_len(metadata: usize) -> Vec<u8> {
    let id = issuer().public_key().serialize();
    naive::concat(&[record(4, &vec![7; metadata]), record(22, &id)])
}

proptest! {
    // TXT-6
    #[test]
    fn offers_are_written_as_bech32_writes_them(records in offers()) {
        let bytes = naive::concat(&records);
        let offer = Offer::try_from(&bytes[..]).unwrap();
        let text = text_of("lno", &bytes);
        prop_assert_eq!(offer.to_string(), &text[..]);
        prop_assert_eq!(format!("{offer:#}"), text.to_ascii_uppercase());
        prop_assert_eq!(bytes_of(&text), bytes);
    }

    // TXT-1
    #[test]
    fn offers_are_read_in_either_case(records in offers()) {
        let bytes = naive::concat(&records);
        let text = text_of("lno", &bytes);
        let (lower, upper) = (text.parse::<Offer>().unwrap(), text.to_ascii_uppercase().parse::<Offer>().unwrap());
        prop_assert_eq!(lower.as_bytes(), &bytes[..]);
        prop_assert_eq!(&upper, &lower);
        prop_assert_eq!(text.parse(), Ok(Bolt12::Offer(Box::new(lower))));
    }

    // TXT-2, TXT-3
    #[test]
    fn anything_between_the_letters_is_a_continuation_or_refused(
        parts in proptest::collection::vec((any::<Index>(), 0..16usize), 0..4)
    ) {
        const PARTS: [&str; 7] = ["+", " ", "+ ", "\n", "+\r\n", "\u{2003}", "++"];
        let mut text = SHORT.to_owned();
        for (at, part) in parts {
            text = with(&text, at.index(text.chars().count() + 1) + 1, PARTS[part % PARTS.len()]);
        }
        match misplaced(&text) {
            None => {
                prop_assert_eq!(text.parse::<Offer>().map(|offer| offer.to_string()), Ok(SHORT.to_owned()));
            }
            Some(column) => {
                let error = text.parse::<Offer>().unwrap_err();
                prop_assert_eq!((error.rule(), error.column()), (Rule::Txt3, Some(column)), "{}", text);
            }
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in prop_oneof![".*", "[ ]*(lightning:|bitcoin:.?lno=)?[lL][nN][oOrRiIpP]1[qpzry9x8gf2tvdw0s3jn54khce6mua7lbQP+% 2B]*"]) {
        let errors = [
            text.parse::<Offer>().err(),
            text.parse::<InvoiceRequest>().err(),
            text.parse::<Refund>().err(),
            text.parse::<Invoice>().err(),
            text.parse::<Bolt12>().err(),
        ];
        for error in errors.into_iter().flatten() {
            prop_assert!(!error.to_string().is_empty());
            let column = error.column().unwrap_or(1);
            prop_assert!((1..=text.chars().count().max(1)).contains(&column), "{text:?}: {error:#}");
        }
    }
}

/// The first `+` or white space that TXT-3 forbids, by looking at its neighbours.
fn misplaced(text: &str) -> Option<usize> {
    let letters: Vec<char> = text.chars().collect();
    let is_letter = |letter: Option<&char>| letter.is_some_and(|c| *c != '+' && !c.is_whitespace());
    (0..letters.len()).map(|at| at + 1).find(|column| {
        let (before, after) = (&letters[..column - 1], &letters[*column..]);
        match letters[column - 1] {
            '+' => !is_letter(before.last()) || !is_letter(after.iter().find(|c| !c.is_whitespace())),
            c if c.is_whitespace() => before.iter().rfind(|c| !c.is_whitespace()) != Some(&'+'),
            _ => false,
        }
    })
}

#[test]
fn every_kind_has_its_own_prefix() {
    fn check<T>(message: &T, prefix: &str)
    where
        T: std::fmt::Display + AsRef<[u8]> + std::str::FromStr<Err = Error> + PartialEq + std::fmt::Debug,
    {
        let text = message.to_string();
        assert_eq!(text, text_of(prefix, message.as_ref()));
        assert_eq!(text.parse::<T>().as_ref(), Ok(message));
        assert_eq!(format!("{message:#}"), text.to_uppercase());
    }
    check(&offer(), "lno");
    check(&request(), "lnr");
    check(&refund(), "lnr");
    check(&invoice(), "lni");
}

// TXT-7
#[test]
fn wrapped_lines_are_as_wide_as_asked_for_and_read_back() {
    let offer = offer();
    let text = offer.to_string();
    for width in 3..=text.len() + 2 {
        let wrapped = offer.wrapped(width).unwrap().to_string();
        let lines: Vec<&str> = wrapped.split('\n').collect();
        let (last, others) = lines.split_last().unwrap();
        assert!((1..=width).contains(&last.len()), "{wrapped}");
        for line in others {
            assert_eq!(line.len(), width, "{wrapped}");
            assert!(line.ends_with('+'), "{wrapped}");
        }
        assert_eq!(wrapped.replace("+\n", ""), text);
        assert_eq!(wrapped.parse().as_ref(), Ok(&offer));
        // TXT-2: lines may end in other ways.
        for ending in WHITE_SPACE {
            assert_eq!(wrapped.replace('\n', ending).parse().as_ref(), Ok(&offer));
        }
        assert_eq!(format!("{:#}", offer.wrapped(width).unwrap()), wrapped.to_uppercase());
    }
}

// TXT-7
#[test]
fn a_width_without_room_is_refused() {
    for width in 0..3 {
        let error = offer().wrapped(width).unwrap_err();
        assert_eq!((error.kind(), error.rule()), (&ErrorKind::TooNarrow, Rule::Txt7));
    }
}

// TXT-2, TXT-8
#[test]
fn a_plus_joins_any_two_characters() {
    let offer = SHORT.parse::<Offer>().unwrap();
    for space in WHITE_SPACE {
        for column in 2..=SHORT.len() {
            let text = with(SHORT, column, &format!("+{space}"));
            assert_eq!(text.parse().as_ref(), Ok(&offer), "{text}");
            assert_eq!(text.to_uppercase().parse().as_ref(), Ok(&offer), "{text}");
        }
    }
}

// TXT-3
#[test]
fn a_plus_that_joins_nothing_is_refused() {
    let refused_at = |text: &str, column| {
        let error = text.parse::<Offer>().expect_err(text);
        let expected = (&ErrorKind::InvalidContinuation, Rule::Txt3, Some(column));
        assert_eq!((error.kind(), error.rule(), error.column()), expected, "{text}");
    };
    let end = SHORT.len() + 1;
    for space in WHITE_SPACE {
        refused_at(&with(SHORT, 1, &format!("+{space}")), 1);
        refused_at(&with(SHORT, end, &format!("+{space}")), end);
        for column in 2..=SHORT.len() {
            refused_at(&with(SHORT, column, &format!("+{space}+")), column);
        }
    }
}

// TXT-3
#[test]
fn white_space_without_a_plus_is_refused() {
    for space in WHITE_SPACE.into_iter().filter(|space| !space.is_empty()) {
        for column in 1..=SHORT.len() + 1 {
            for space in [space.to_owned(), format!("{space}+"), format!("{space}+{space}")] {
                let text = with(SHORT, column, &space);
                let error = text.parse::<Offer>().expect_err(&text);
                let expected = (&ErrorKind::UnexpectedWhitespace, Rule::Txt3, Some(column));
                assert_eq!((error.kind(), error.rule(), error.column()), expected, "{text}");
            }
        }
    }
}

// TXT-1
#[test]
fn one_letter_in_another_case_is_refused() {
    for text in [SHORT.to_owned(), SHORT.to_uppercase()] {
        for (at, letter) in text.char_indices().filter(|(_, letter)| letter.is_alphabetic()) {
            let other = if letter.is_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
            let mixed = replaced(&text, at + 1, other);
            let error = refused(&mixed);
            // The first letter sets the case; if it is the odd one, the second is the first that differs.
            let column = if at == 0 { 2 } else { at + 1 };
            let expected = (&ErrorKind::MixedCase, Rule::Txt1, Some(column));
            assert_eq!((error.kind(), error.rule(), error.column()), expected, "{mixed}");
        }
    }
}

// TXT-8
#[test]
fn a_character_outside_the_alphabet_is_refused() {
    let refused = |text: &str| {
        let Some(quoted) = text.strip_suffix(['"', '\'']) else { return refused(text) };
        // A quotation mark at the end is not part of what was pasted.
        assert_eq!(text.parse::<Bolt12>().unwrap_err(), quoted.parse::<Bolt12>().unwrap_err(), "{text}");
        text.parse::<Offer>().expect_err(text)
    };
    // With an @ in it, it is a name (NAM-1).
    let ascii =
        (0..=0x7f).map(char::from).filter(|c| !"+@".contains(*c) && !c.is_whitespace() && !c.is_ascii_uppercase());
    let others = ['\u{80}', 'ÿ', 'é', 'ſ', 'ɋ', 'К', '\u{301}', 'ｑ', '\u{200b}', '😀', '\u{10ffff}'];
    for letter in ascii.chain(others).filter(|letter| bech32::Fe32::from_char(*letter).is_err()) {
        for column in 5..=SHORT.len() {
            let text = replaced(SHORT, column, letter);
            let error = refused(&text);
            let expected = (&ErrorKind::InvalidCharacter(letter), Rule::Txt8, Some(column));
            assert_eq!((error.kind(), error.rule(), error.column()), expected, "{text}");
            // Columns are those of the text as it is, in characters.
            let text = with(&text, 5, "+\u{3000}\u{2003}\r\n");
            let expected = (Rule::Txt8, Some(column + 5));
            assert_eq!((refused(&text).rule(), refused(&text).column()), expected, "{text}");
        }
    }
}

// TXT-4
#[test]
fn padding_is_short_and_zero() {
    for metadata in 0..10 {
        let bytes = of_len(metadata);
        let text = text_of("lno", &bytes);
        assert!(text.parse::<Offer>().is_ok());
        let padding = (text.len() - 4) * 5 - bytes.len() * 8;
        let refused = |text: &str| {
            let error = refused(text);
            let expected = (&ErrorKind::InvalidPadding, Rule::Txt4, Some(text.len()));
            assert_eq!((error.kind(), error.rule(), error.column()), expected, "{text}");
        };
        let last = bech32::Fe32::from_char(text.chars().last().unwrap()).unwrap();
        for bit in 0..padding {
            let other = bech32::Fe32::try_from(last.to_u8() | 1 << bit).unwrap();
            refused(&replaced(&text, text.len(), other.to_char()));
        }
        // One more character makes 5 to 7 bits of padding; or 8 or 9, which is another byte.
        let longer = format!("{text}q");
        match padding + 5 {
            5..=7 => refused(&longer),
            _ => assert_eq!(longer.parse::<Offer>().unwrap_err().rule(), Rule::Tlv1),
        }
    }
}

// TXT-5
#[test]
fn a_text_of_another_kind_is_called_by_its_name() {
    let texts = [
        (MessageKind::Offer, offer().to_string()),
        (MessageKind::InvoiceRequest, request().to_string()),
        (MessageKind::Invoice, invoice().to_string()),
        (MessageKind::PayerProof, text_of("lnp", &[1, 0])),
    ];
    fn check<T: std::str::FromStr<Err = Error> + std::fmt::Debug>(
        expected: MessageKind,
        found: MessageKind,
        text: &str,
    ) {
        let mut writings = vec![text.to_owned(), text.to_uppercase()];
        writings.extend((2..=5).map(|column| with(text, column, "+ ")));
        for text in writings.iter().filter(|_| expected != found) {
            let error = text.parse::<T>().unwrap_err();
            assert_eq!((error.rule(), error.column()), (Rule::Txt5, Some(1)));
            assert_eq!(error.kind(), &ErrorKind::WrongKind { expected, found });
            let sentence = error.to_string();
            assert!(sentence.contains(&expected.to_string()) && sentence.contains(&found.to_string()), "{sentence}");
        }
    }
    for (found, text) in &texts {
        check::<Offer>(MessageKind::Offer, *found, text);
        check::<InvoiceRequest>(MessageKind::InvoiceRequest, *found, text);
        check::<Refund>(MessageKind::InvoiceRequest, *found, text);
        check::<Invoice>(MessageKind::Invoice, *found, text);
    }
}

// TXT-5: what lacks one mark of it is not said to be something.
#[test]
fn what_only_resembles_something_is_not_said_to_be_it() {
    let kind = |text: &str| text.parse::<Offer>().unwrap_err().kind().clone();
    let words = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    let base58 = "9DrJb8pUXnDcZvBfuSqyg1RQ3tYEmnHWkKeC2xAiPaGo4hVZ5sTjLwNdM6F7QzR";
    let samples = [
        format!("sp1q{}", "q".repeat(96)),
        "x".repeat(200),
        "05".repeat(33),
        "03".repeat(32),
        format!("03{}", "g".repeat(64)),
        format!("05{}@shop.example", "03".repeat(32)).replace('@', " @ "),
        "@shop.example".to_owned(),
        "alice@".to_owned(),
        "al ice@shop.example".to_owned(),
        "alice@shop example".to_owned(),
        format!("4{}", &base58[..30]),
        format!("1{}", &base58[..24]),
        format!("1{}", &base58[..35]),
        format!("1{}0", &base58[..29]),
        format!("1{}l", &base58[..29]),
        format!("1{}-", &base58[..29]),
        format!("bc1q{}", "-".repeat(30)),
        format!("xprv{}", &base58.repeat(2)[..96]),
        words.replace("year", "y3ar"),
        words.replace("year", "ye"),
        words.replace("year", "yearlings"),
        words.replacen("legal ", "", 1),
    ];
    for text in samples {
        assert_eq!(kind(&text), ErrorKind::NotBolt12(LooksLike::Unknown), "{text}");
    }
    assert_eq!(kind(&format!("sp1q{}", "q".repeat(97))), ErrorKind::NotBolt12(LooksLike::SilentPayment));
    assert_eq!(kind(&format!("xprv{}", &base58.repeat(2)[..97])), ErrorKind::NotBolt12(LooksLike::Secret));
    // Of what is long enough to be meant, the letter is named.
    assert_eq!(kind(&format!("1no1{}", "q".repeat(35))), ErrorKind::NotBolt12(LooksLike::Unknown));
    assert_eq!(kind(&format!("1no1{}", "q".repeat(36))), ErrorKind::InvalidCharacter('1'));
}

// TXT-5
#[test]
fn what_is_something_else_is_said_to_be_it() {
    let id = issuer().public_key().to_string();
    let words = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    let base58 = |len: usize| {
        "9DrJb8pUXnDcZvBfuSqyg1RQ3tYEmnHWkKeC2xAiPaGo4hVZ5sTjLwNdM6F7QzR9DrJb8pUXnDcZvBfuSqyg1RQ3tYEmnHWkKeC2xAiPaGo4hVZ"[..len].to_owned()
    };
    let samples: [(LooksLike, Vec<String>); 12] = [
        (LooksLike::SilentPayment, vec![format!("sp1q{}", "q".repeat(113)), format!("tsp1q{}", "q".repeat(113))]),
        (
            LooksLike::Bolt11,
            vec!["lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqf".into(), "LNBC1PVJLUEZPP5QQ".into(), "lnbc1".into()],
        ),
        (
            LooksLike::Bolt11Test,
            vec!["lntb20m1pvjluezhp58yjmdan".into(), "lntbs1pqqq".into(), "LNBCRT50U1P5UP6".into(), "lnbcrt1q".into()],
        ),
        (LooksLike::NodeId, vec![id.clone(), id.to_uppercase(), "03".repeat(33)]),
        (
            LooksLike::NodeAddress,
            vec![format!("{id}@127.0.0.1:9735"), format!("{id}@[::1]:9735"), format!("{id}@shop.example")],
        ),
        (
            LooksLike::OnchainAddress,
            vec![
                "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2".into(),
                "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy".into(),
                "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn".into(),
                "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc".into(),
                "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4".into(),
                "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4".into(),
                "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr".into(),
                "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx".into(),
                "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080".into(),
            ],
        ),
        (
            LooksLike::Lnurl,
            vec![
                "lnurl1dp68gurn8ghj7um9wfmxjcm99e".into(),
                "LNURL1DP68GURN8".into(),
                "lnurlp://shop.example/p".into(),
                "keyauth://a.example".into(),
            ],
        ),
        (
            LooksLike::HumanReadableName,
            vec!["alice@shop.example".into(), "₿alice@shop.example".into(), "a.b-c@d.e.f".into(), "a@b".into()],
        ),
        (
            LooksLike::Uri,
            vec![
                format!("lightning:{SHORT}"),
                "bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4?amount=1".into(),
                "BITCOIN:?LNO".into(),
            ],
        ),
        (LooksLike::WebAddress, vec!["https://shop.example/lno1qq".into(), "HTTP://shop.example".into()]),
        (
            LooksLike::Secret,
            vec![
                words.into(),
                [words, words].join(" "),
                words.replace(' ', "\n"),
                words.replacen('l', "L", 1),
                format!("xprv{}", base58(107)),
                format!("tprv{}", base58(107)),
                // Wallet import format, for a key of either form and kind of network.
                format!("5{}", base58(50)),
                format!("K{}", base58(51)),
                format!("L{}", base58(51)),
                format!("9{}", base58(50)),
                format!("c{}", base58(51)),
            ],
        ),
        (
            LooksLike::Unknown,
            vec![
                "hello".into(),
                "lno".into(),
                "lno2qqq".into(),
                "lnx1qqq".into(),
                "ln".into(),
                "ﬀ".into(),
                "lnоl1".into(),
            ],
        ),
    ];
    for (expected, texts) in samples {
        for text in texts {
            let error = text.parse::<Offer>().unwrap_err();
            let found = (error.kind(), error.rule(), error.column());
            assert_eq!(found, (&ErrorKind::NotBolt12(expected), Rule::Txt5, Some(1)), "{text}");
            let sentence = error.to_string();
            match expected {
                LooksLike::Unknown => assert!(sentence.contains("does not look like"), "{sentence}"),
                _ => assert!(sentence.contains(&expected.to_string()), "{sentence}"),
            }
            // White space around it does not hide what it is; and pasted text is recognised as well.
            let pasted = format!(" {text}\n").parse::<Bolt12>();
            if !text.starts_with("lightning:") && expected != LooksLike::Uri {
                assert_eq!(pasted.unwrap_err().kind(), error.kind(), "{text}");
            }
        }
    }
}

// TXT-5
#[test]
fn no_text_is_nothing_to_read() {
    let error = refused("");
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::Empty, Rule::Txt5));
    for text in [" ", "\r\n\t", "lightning:", " lightning:// ", "bitcoin:?lno="] {
        let error = text.parse::<Bolt12>().unwrap_err();
        assert_eq!((error.kind(), error.rule()), (&ErrorKind::Empty, Rule::Txt5), "{text:?}");
    }
}

// D7
#[test]
fn a_text_holds_at_most_65535_bytes() {
    let id = issuer().public_key().serialize();
    let of_total = |total: usize| {
        let rest = record(22, &id).bytes.len();
        // Type and length take four bytes.
        naive::concat(&[record(4, &vec![7; total - rest - 4]), record(22, &id)])
    };
    let longest = of_total(MAX_LEN);
    assert_eq!(longest.len(), 65_535);
    let text = text_of("lno", &longest);
    for text in [text.clone(), text.to_uppercase(), with(&text, 70_000, "+\n")] {
        assert_eq!(text.parse::<Offer>().unwrap().as_bytes(), longest);
    }
    let text = text_of("lno", &of_total(MAX_LEN + 1));
    // The last character that could belong to 65535 bytes is in this column.
    let column = 4 + (MAX_LEN * 8) / 5;
    for (text, shift) in [(text.clone(), 0), (text.to_uppercase(), 0), (with(&text, 70_000, "+\n"), 2)] {
        let error = refused(&text);
        assert!(matches!((error.kind(), error.rule()), (ErrorKind::TooLong { .. }, Rule::D7)));
        assert!(error.column().unwrap() > column + shift && error.column().unwrap() <= text.len());
    }
    // It is refused before what it holds is looked at.
    assert_eq!(refused(&format!("lno1{}", "q".repeat(200_000))).rule(), Rule::D7);
}

/// The columns of the letters that are left when continuations are removed.
fn columns(text: &str) -> Vec<usize> {
    let letters = text.chars().enumerate().filter(|(_, letter)| *letter != '+' && !letter.is_whitespace());
    letters.map(|(at, _)| at + 1).collect()
}

// TXT-2: what is wrong in the bytes is shown in the text.
#[test]
fn a_fault_in_the_bytes_has_the_column_of_its_text() {
    let offer = offer();
    let mut with_columns = 0;
    for len in 0..offer.as_bytes().len() {
        let text = text_of("lno", &offer.as_bytes()[..len]);
        for text in
            [text.clone(), with(&text, 3, "+"), with(&text, 9, "+\u{3000}"), with(&with(&text, 40, "+"), 20, "+\n ")]
        {
            let Err(error) = text.parse::<Offer>() else { continue };
            if text.ends_with(|letter: char| letter == '+' || letter.is_whitespace()) {
                assert_eq!(error.rule(), Rule::Txt3);
                continue;
            }
            let letters = columns(&text);
            let expected = error.offset().map(|offset| *letters.get(4 + offset * 8 / 5).or(letters.last()).unwrap());
            assert_eq!(error.column(), expected, "{text}: {error:#}");
            with_columns += usize::from(expected.is_some());
        }
    }
    assert!(with_columns > 500);
}

#[test]
fn pasted_text_may_be_in_a_uri_or_among_white_space() {
    let offer = SHORT.parse::<Offer>().unwrap();
    let upper = SHORT.to_uppercase();
    let wrapped = offer.wrapped(20).unwrap().to_string();
    let encoded: String = wrapped.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let pasted = [
        SHORT.to_owned(),
        format!(" \t{SHORT}\r\n"),
        format!("\u{3000}{wrapped}\u{2003}"),
        format!("lightning:{SHORT}"),
        format!(" LIGHTNING:{upper} "),
        format!("lightning://{SHORT}"),
        format!("bitcoin:?lno={SHORT}"),
        format!("BITCOIN:?LNO={upper}"),
        format!("bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4?amount=1&lno={SHORT}&label=a%20b"),
        format!("bitcoin:?x=lno1&lno={}", wrapped.replace('+', "%2B").replace('\n', "%0a")),
        format!("bitcoin:?lno={encoded}"),
        format!("bitcoin:?lno={}", encoded.to_lowercase()),
    ];
    for pasted in pasted {
        assert_eq!(pasted.parse(), Ok(Bolt12::Offer(Box::new(offer.clone()))), "{pasted}");
    }
    assert_eq!(request().to_string().parse(), Ok(Bolt12::InvoiceRequest(Box::new(request()))));
    assert_eq!(refund().to_string().parse(), Ok(Bolt12::Refund(Box::new(refund()))));
    assert_eq!(invoice().to_string().parse(), Ok(Bolt12::Invoice(Box::new(invoice()))));
}

#[test]
fn what_only_looks_like_an_encoding_is_none() {
    // The text goes on behind a plus and white space, which these are not.
    for encoding in ["%", "%2", "%+b", "%+B", "%-1", "%ff", "%é", "%2é", "% b"] {
        let pasted = format!("bitcoin:?lno={}", with(SHORT, 20, &format!("+{encoding}")));
        let error = pasted.parse::<Bolt12>().unwrap_err();
        let column = "bitcoin:?lno=".len() + 20;
        // The column is that of the plus, or of what stands after it.
        let columns = if encoding.starts_with("%+") { column + 1..=column + 1 } else { column + 1..=column + 3 };
        assert!(columns.contains(&error.column().unwrap()), "{encoding}: {error:#}");
    }
}

#[test]
fn columns_of_pasted_text_count_all_of_it() {
    // A character in column 30 that does not belong there.
    let wrong = replaced(SHORT, 30, 'b');
    let column = |pasted: &str| pasted.parse::<Bolt12>().unwrap_err().column();
    for before in ["", " ", "\u{3000}\n", "lightning:", " lightning://", "bitcoin:?lno=", "bitcoin:?label=é&lno="] {
        for after in ["", " ", "\u{3000}"] {
            let pasted = format!("{before}{wrong}{after}");
            assert_eq!(column(&pasted), Some(before.chars().count() + 30), "{pasted}");
        }
    }
    // In a URI, a character may take three.
    let pasted = format!("bitcoin:?lno={}&label=b", with(&with(&wrong, 10, "%2B%0A"), 5, "%2b"));
    assert_eq!(column(&pasted), Some("bitcoin:?lno=".len() + 9 + 30));
    let pasted = format!("bitcoin:?lno={}", replaced(SHORT, 30, '!').replace('!', "%62"));
    assert_eq!(column(&pasted), Some("bitcoin:?lno=".len() + 30));
    // The same text stands twice; the second is meant.
    assert_eq!(column("bitcoin:?x=lno1b&lno=lno1b"), Some("bitcoin:?x=lno1b&lno=lno1b".len()));
    // A fault in the bytes is shown where it is, too.
    let records: [Record; 2] = [record(10, b"a"), record(8, &[1])];
    let text = text_of("lno", &naive::concat(&records));
    let inside = text.parse::<Offer>().unwrap_err();
    assert_eq!((inside.rule(), inside.column()), (Rule::Tlv1, Some(4 + 3 * 8 / 5 + 1)));
    assert_eq!(column(&format!("lightning:{text}")), Some("lightning:".len() + inside.column().unwrap()));
    let pasted = format!("bitcoin:?lno={}", with(&text, 6, "%2B"));
    assert_eq!(column(&pasted), Some("bitcoin:?lno=".len() + 3 + inside.column().unwrap()));
}
