//! `bitcoin:` URIs (URI-1 to URI-9), and TXT records (NAM-4, NAM-5).

use super::link_corpus::{self, DOLLARS, FREE, TESTNET, priced};
use bolt12::{
    BitcoinUri, BitcoinUriBuilder, Bolt12, ChainHash, Error, ErrorKind, HumanReadableName, Instruction, LinkFault,
    LooksLike, Msat, Offer, Pasted, Rule, printed_txt_records, txt_records,
};
use proptest::prelude::*;

const ADDRESS: &str = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";

fn read(link: &str) -> BitcoinUri {
    link.parse().unwrap_or_else(|error| panic!("{link}: {error:#}"))
}

fn offer(text: &str) -> Offer {
    text.parse().unwrap()
}

fn refused(link: &str) -> (LinkFault, Rule, Option<usize>) {
    let error = link.parse::<BitcoinUri>().expect_err(link);
    let ErrorKind::Link(fault) = error.kind() else { panic!("{error:#}") };
    (fault.clone(), error.rule(), error.column())
}

/// What we say of a link, in a word.
fn verdict(link: &str) -> String {
    let uri = match Pasted::read(link) {
        Ok(Pasted::Uri(uri)) => uri,
        Ok(Pasted::Message(_)) => return "message".into(),
        Ok(_) => return "name".into(),
        Err(error) => return error.kind().code().into(),
    };
    match uri.offer(ChainHash::BITCOIN) {
        Ok(offer) => {
            let count = uri.offers().filter(|offer| offer.supports_chain(ChainHash::BITCOIN)).count();
            let plural = if count == 1 { "offer" } else { "offers" };
            let amount = if uri.amount_for(offer).is_err() { ", amount too low" } else { "" };
            format!("ok {count} {plural}{amount}")
        }
        Err(error) if *error.kind() == ErrorKind::Link(LinkFault::NoOffer) => "ok 0 offers".into(),
        Err(error) => error.kind().code().into(),
    }
}

#[test]
fn the_corpus_is_read_as_agreed() {
    let lines = link_corpus::lines();
    assert!(lines.len() > 50);
    for line in lines {
        assert_eq!(verdict(&line.link), line.ours, "{}", line.short);
        // Whether another reader agrees is for its own test to say; a difference has a reason.
        let agree = line.ours.starts_with("ok") && !line.ours.contains("low") || line.ours == "message";
        assert_eq!(agree != line.theirs.starts_with("ok"), !line.why.is_empty(), "{}", line.short);
    }
}

// URI-1, URI-3, URI-6
#[test]
fn a_link_holds_all_that_stands_in_it_in_order() {
    let damaged = FREE.replacen('9', "b", 1);
    let link = format!(
        " \"BitCoin:{ADDRESS}?Amount=0.00000001&lno={damaged}&LABEL=Caf%c3%a9&lightning=lnbc1x&x=%31&sp=sp1q&pay=p\
         &bc={ADDRESS}&message=a%26b=c&LNO={TESTNET}&lightning={}&req-lno={DOLLARS}&flag&pop=wallet:a?b#lno=lno1x\" ",
        FREE.to_uppercase()
    );
    let uri = read(&link);
    assert_eq!(uri.address().unwrap().clone().assume_checked().to_string(), ADDRESS);
    assert_eq!(uri.amount(), Some(Msat(1_000)));
    assert_eq!(uri.label().unwrap().as_raw(), "Café");
    assert_eq!(uri.message().unwrap().as_raw(), "a&b=c");
    let [bad, bolt11, silent, private, address, test, free, dollars] = uri.instructions() else { panic!("{uri:?}") };
    let Instruction::UnreadableOffer { text, error } = bad else { panic!("{bad:?}") };
    assert_eq!((text, error.kind()), (&damaged, &ErrorKind::InvalidCharacter('b')));
    let column = link.find(&damaged).unwrap() + damaged.find('b').unwrap() + 1;
    assert_eq!(error.column(), Some(column));
    assert_eq!(bolt11, &Instruction::Lightning("lnbc1x".into()));
    assert_eq!(silent, &Instruction::SilentPayment("sp1q".into()));
    assert_eq!(private, &Instruction::PrivatePayment("p".into()));
    assert_eq!(address, &Instruction::Address { key: "bc".into(), address: ADDRESS.into() });
    assert_eq!(test, &Instruction::Offer(Box::new(offer(TESTNET))));
    assert_eq!(free, &Instruction::Offer(Box::new(offer(FREE))));
    assert_eq!(dollars, &Instruction::Offer(Box::new(offer(DOLLARS))));
    assert_eq!(uri.offer(ChainHash::BITCOIN), Ok(&offer(FREE)));
    assert_eq!(uri.offer(ChainHash::TESTNET3), Ok(&offer(TESTNET)));
    assert_eq!(uri.offer(ChainHash::SIGNET).unwrap_err().rule(), Rule::Uri3);
    let ignored: Vec<_> = uri.ignored().map(|(key, value)| (key.as_raw(), value.as_raw())).collect();
    assert_eq!(ignored, [("x", "1"), ("flag", "")]);
    let pop = uri.proof_of_payment().unwrap();
    assert_eq!((pop.uri().as_raw(), pop.is_required(), pop.may_be_opened()), ("wallet:a?b", false, true));
    // What it says is written in one way, and says the same; the place of a fault is another.
    let again = read(&uri.to_string());
    assert_eq!(again.to_string(), uri.to_string());
    assert_eq!(again.instructions()[1..], uri.instructions()[1..]);
}

// URI-2, URI-4, URI-5, URI-1
#[test]
fn what_spoils_a_link_is_said_with_its_column() {
    let at = |before: &str| Some(before.chars().count() + 1);
    let long = format!("req-{}", "x".repeat(80));
    for (before, rest, fault, rule) in [
        ("bitcoin:?label=é&", "req-Something=50", LinkFault::UnknownRequiredKey("req-something".into()), Rule::Uri2),
        (" bitcoin:?", "req%2dp%C3%A4=", LinkFault::UnknownRequiredKey("req-pä".into()), Rule::Uri2),
        ("bitcoin:?", &long, LinkFault::UnknownRequiredKey(long[..40].into()), Rule::Uri2),
        ("bitcoin:?label=a&", "LABEL=a", LinkFault::RepeatedKey("label"), Rule::Uri4),
        ("bitcoin:?message=&", "req-message=", LinkFault::RepeatedKey("message"), Rule::Uri4),
        ("bitcoin:?req-pop=a:&", "pop=b:", LinkFault::RepeatedKey("pop"), Rule::Uri4),
        ("bitcoin:?amount=1&", "amount=1", LinkFault::RepeatedKey("amount"), Rule::Uri5),
        ("bitcoin:?amount=", "1e3", LinkFault::InvalidUriAmount, Rule::Uri5),
        // What is missing is missing at the end.
        ("bitcoin:?amount", "", LinkFault::InvalidUriAmount, Rule::Uri5),
        ("bitcoin:?label=é&amount", "&x=1", LinkFault::InvalidUriAmount, Rule::Uri5),
        ("bitcoin:?amount=", "&x=1", LinkFault::InvalidUriAmount, Rule::Uri5),
        ("bitcoin:?label=é", "%+1", LinkFault::InvalidEncoding, Rule::Uri1),
        ("bitcoin:?label=%C3%A9", "%ff", LinkFault::InvalidEncoding, Rule::Uri1),
        ("bitcoin:?label=%C3%A9", "%", LinkFault::InvalidEncoding, Rule::Uri1),
        ("bitcoin:?label=%C3%A9", "%é", LinkFault::InvalidEncoding, Rule::Uri1),
        ("bitcoin:?", "%zz=1", LinkFault::InvalidEncoding, Rule::Uri1),
        ("bitcoin:", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3", LinkFault::InvalidAddress, Rule::Uri1),
    ] {
        assert_eq!(refused(&format!("{before}{rest}")), (fault, rule, at(before)), "{before}{rest}");
    }
    assert_eq!("lno1".parse::<BitcoinUri>().unwrap_err().rule(), Rule::Uri1);

    // The broken code is to blame, not the first good one.
    let before = " lightning:lno1%2B ";
    let error = Pasted::read(&format!("{before}%+2B")).unwrap_err();
    assert_eq!((error.kind(), error.column()), (&ErrorKind::Link(LinkFault::InvalidEncoding), at(before)));
}

// URI-5
#[test]
fn an_amount_is_what_a_person_reads() {
    let amount = |text: &str| format!("bitcoin:?amount={text}").parse::<BitcoinUri>().map(|uri| uri.amount());
    for (text, sat) in [
        ("1", 100_000_000),
        ("20.3", 2_030_000_000),
        ("50.00", 5_000_000_000),
        (".5", 50_000_000),
        ("1.", 100_000_000),
        ("000.00000001", 1),
        ("0", 0),
        ("21000000", 2_100_000_000_000_000),
        ("0%2e1", 10_000_000),
    ] {
        assert_eq!(amount(text), Ok(Msat::from_sat(sat)), "{text}");
    }
    let long = format!("{:0>32}", "1");
    assert_eq!(amount(&long), Ok(Msat::from_sat(100_000_000)));
    assert!(amount(&format!("0{long}")).is_err());
    let zeros = "0".repeat(1 << 20);
    for text in
        ["", ".", "1,0", "1e1", "+1", "-1", " 1", "0x1", "1.2.3", "0.000000001", "٣", "21000000.00000001", &zeros]
    {
        assert!(amount(text).is_err(), "{text:.20}");
    }
}

// URI-5: one contradiction is not settled without a word.
#[test]
fn an_amount_is_for_offers_without_a_price() {
    let amount = |offer: &str, amount: &str| {
        let uri = read(&format!("bitcoin:?lno={offer}{amount}"));
        uri.amount_for(uri.offer(ChainHash::BITCOIN).unwrap())
    };
    assert_eq!(amount(FREE, ""), Ok(None));
    assert_eq!(amount(FREE, "&amount=0.0005"), Ok(Some(Msat(50_000_000))));
    let priced = priced();
    for same in ["", "&amount=0.00001", "&amount=1"] {
        assert_eq!(amount(&priced, same), Ok(None));
    }
    let low = amount(&priced, "&amount=0.00000999").unwrap_err();
    let below = ErrorKind::Link(LinkFault::BelowPrice { min: Msat(1_000_000) });
    assert_eq!((low.kind(), low.rule()), (&below, Rule::Uri5));
    assert_eq!(amount(DOLLARS, "&amount=0.00000001"), Ok(None));
}

/// However many faults there are, finding their places takes one walk through the text.
#[test]
fn a_megabyte_of_faults_is_read_at_once() {
    for fault in ["lno=&", "lno=%&", "lno=é&", "x=%&", "sp=%&", "&"] {
        let link = format!("bitcoin:?{}", fault.repeat((1 << 20) / fault.len()));
        let uri = read(&link);
        let last = link.len() - fault.len() + "lno=".len();
        if let Some(Instruction::UnreadableOffer { error, .. }) = uri.instructions().last() {
            let column = link[..last].chars().count() + 1;
            assert!(error.column().is_none_or(|found| found == column), "{fault}: {error:?} {column}");
        }
    }
}

// URI-7
#[test]
fn who_cannot_tell_does_not_pay() {
    let uri = |pop: &str| read(&format!("bitcoin:{ADDRESS}?lno={FREE}&{pop}"));
    let offer = offer(FREE);
    let fault = |error: Error| (error.kind().clone(), error.rule());
    let no = (ErrorKind::Link(LinkFault::ProofOfPayment), Rule::Uri7);
    for opened in ["wallet:x", "WALLET+1:", "a.b-c://d"] {
        let required = uri(&format!("req-pop={opened}"));
        assert_eq!(required.offer(ChainHash::BITCOIN).map_err(fault), Err(no.clone()));
        let (found, pop) = required.offer_and_pop(ChainHash::BITCOIN).unwrap();
        assert_eq!((found, pop.unwrap().uri().as_raw()), (&offer, opened));
        let wished = uri(&format!("pop={opened}"));
        assert_eq!(wished.offer(ChainHash::BITCOIN), Ok(&offer));
        assert!(wished.offer_and_pop(ChainHash::BITCOIN).unwrap().1.is_some());
    }
    for other in
        ["https://a.b", "HTTP:a", "file:///x", "javascript:alert(1)", "mailto:a@b.c", "", "x", ":x", "1:", "ü:"]
            .into_iter()
            .chain([
                "web+coffee:x",
                "EXT+a:x",
                "ms-msdt:/id",
                "Search-MS:q",
                "geo:1,2",
                "tel:1",
                "blob:x",
                "intent:x",
                "bitcoin:?x",
            ])
    {
        let required = uri(&format!("req-pop={other}"));
        assert_eq!(required.offer_and_pop(ChainHash::BITCOIN).map_err(fault), Err(no.clone()), "{other}");
        assert_eq!(uri(&format!("pop={other}")).offer_and_pop(ChainHash::BITCOIN), Ok((&offer, None)));
    }
    assert_eq!(format!("bitcoin:?lno={FREE}&req-pop=a:").parse::<Bolt12>().map_err(fault), Err(no));
}

// URI-3, URI-8
#[test]
fn what_a_message_is_taken_from() {
    let is = |link: &str, expected: &str| assert_eq!(link.parse(), Ok(Bolt12::from(offer(expected))), "{link}");
    is(&format!("bitcoin:?lno={TESTNET}&lno={FREE}"), FREE);
    is(&format!("bitcoin:?lno={TESTNET}"), TESTNET);
    is(&format!("bitcoin:?lno=lno1qqq&lightning={FREE}"), FREE);
    is(&format!("bitcoin:?lightning=lnbc1&req-lno={FREE}"), FREE);
    let kind = |link: &str| link.parse::<Bolt12>().unwrap_err().kind().clone();
    assert_eq!(kind(&format!("bitcoin:{ADDRESS}?amount=1")), ErrorKind::Link(LinkFault::NoOffer));
    assert_eq!(kind("lightning:alice@example.com"), ErrorKind::NotBolt12(LooksLike::HumanReadableName));
    assert_eq!(kind("lightning:lnbc1"), ErrorKind::NotBolt12(LooksLike::Bolt11));
    assert_eq!(kind("lightning:LNURL1DP68"), ErrorKind::NotBolt12(LooksLike::Lnurl));
}

// URI-9
#[test]
fn a_link_is_made_for_people_and_for_squares() {
    let address = || ADDRESS.parse().unwrap();
    let uri = BitcoinUriBuilder::new().address(address()).offer(offer(FREE)).amount(Msat(50_000_000)).build().unwrap();
    assert_eq!(uri.to_string(), format!("bitcoin:{ADDRESS}?amount=0.0005&lno={FREE}"));
    assert_eq!(format!("{uri:#}"), format!("bitcoin:{ADDRESS}?amount=0.0005&lno={FREE}").to_uppercase());
    assert_eq!(read(&format!("{uri:#}")), uri);
    let uri = BitcoinUriBuilder::new().offer(offer(FREE)).label("a&b").proof_of_payment("wallet:ä").bolt11("lnbc1x");
    let uri = uri.address("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2".parse().unwrap()).message("=").build().unwrap();
    let upper = format!("{uri:#}");
    assert!(
        upper.starts_with("BITCOIN:1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2?LABEL=a%26b&MESSAGE=%3D&LNO=LNO1"),
        "{upper}"
    );
    assert!(upper.ends_with("&LIGHTNING=LNBC1X&POP=wallet:%C3%A4"), "{upper}");
    let refused = |builder: BitcoinUriBuilder| {
        let error = builder.build().unwrap_err();
        (error.kind().clone(), error.rule())
    };
    let new = BitcoinUriBuilder::new;
    let link = ErrorKind::Link;
    assert_eq!(refused(new().label("x")), (link(LinkFault::NoOffer), Rule::Uri9));
    let amount = |msat: u64| new().offer(offer(FREE)).amount(Msat(msat));
    assert_eq!(refused(amount(1)), (link(LinkFault::InvalidUriAmount), Rule::Uri5));
    assert_eq!(refused(amount(u64::MAX / 1_000 * 1_000)), (link(LinkFault::InvalidUriAmount), Rule::Uri5));
    let whole = new().address(address()).amount(Msat(300_000_000_000)).build().unwrap();
    assert!(whole.to_string().ends_with("?amount=3"), "{whole}");
    let all = new().address(address()).amount(Msat::MAX_MONEY).build().unwrap();
    assert_eq!(all.amount(), Some(Msat::MAX_MONEY));
    let twice = amount(1_000).offer(offer(&priced()));
    assert_eq!(refused(twice), (link(LinkFault::NeedlessAmount), Rule::Uri9));
}

// NAM-1, NAM-3
#[test]
fn a_name_may_begin_like_something_else() {
    for name in
        ["lnbcfan@example.com", "lnurl@example.com", "lntb.tom@example.com", "lno1@example.com", "alice@localhost"]
    {
        assert_eq!(Pasted::read(name), Ok(Pasted::Name(HumanReadableName::parse(name).unwrap())), "{name}");
    }
    // As a browser writes a link with a ₿ in it.
    for link in ["lightning:%E2%82%BFalice@example.com", " Lightning://%e2%82%bfalice@example.com "] {
        assert_eq!(Pasted::read(link), Ok(Pasted::Name(HumanReadableName::parse("alice@example.com").unwrap())));
    }
    assert!(HumanReadableName::parse("%E2%82%BFalice@example.com").is_err());
    let (long, fits) = (format!("{}@b.c", "a".repeat(64)), format!("{}@b.{}.c.", "a".repeat(63), "d".repeat(63)));
    assert!(HumanReadableName::parse(&fits).is_ok());
    for (bad, len) in [(&*long, 64), ("a..b@c.d", 0), (".a@c.d", 0), ("a@.c", 0), ("a@c..", 0)] {
        let error = HumanReadableName::parse(bad).unwrap_err();
        let fault = ErrorKind::Link(LinkFault::InvalidLabel { len });
        assert_eq!((error.kind(), error.rule()), (&fault, Rule::Nam3), "{bad}");
        assert_eq!(Pasted::read(bad), Err(error));
    }
    // What cannot be a name is what it looks like.
    let node = format!("02{}@example.com", "ab".repeat(32));
    assert_eq!(Pasted::read(&node).unwrap_err().kind(), &ErrorKind::NotBolt12(LooksLike::NodeAddress));
}

// NAM-4, NAM-5
#[test]
fn one_record_of_the_dns_is_the_link() {
    let uri = format!("bitcoin:?lno={FREE}");
    let (start, end) = uri.split_at(40);
    let found = |output: &str| printed_txt_records(output).map_err(|error| (error.kind().clone(), error.rule()));
    for output in [
        uri.clone(),
        format!("\"{uri}\""),
        format!("\"{start}\" \"{end}\""),
        format!("\"{start}\"\"{end}\"\n"),
        format!("\"v=spf1 -all\"\n\"bit\" \"{}\"\n", &uri[3..]),
        format!(
            "; <<>> DiG 9.18\n;; ANSWER\na.user._bitcoin-payment.b.c. 1800\tIN\tTXT\t\"{start}\" \"{end}\"\n\n;; \"bitcoin:\""
        ),
        format!("there.example.net.\n\"{start}\" \"{end}\""),
        format!("\"\\098{}\"", &uri[1..]),
        format!("say \"bitcoin:?x\"\n\"{uri}\""),
    ] {
        assert_eq!(found(&output), Ok(uri.clone()), "{output}");
    }
    assert_eq!(found("\"bitcoin:?label=a\\\"\\;\\195\\169\""), Ok("bitcoin:?label=a\";é".into()));
    let none = Err((ErrorKind::Link(LinkFault::NoPaymentRecord), Rule::Nam4));
    let several = Err((ErrorKind::Link(LinkFault::SeveralPaymentRecords), Rule::Nam4));
    for nothing in ["", "\"v=spf1\"", "\" bitcoin:\"", "\"bitcoin\" \"\"", "\"x\" \"bitcoin:\"", "; \"bitcoin:\""] {
        assert_eq!(found(nothing), none, "{nothing}");
    }
    assert_eq!(found(&format!("\"{uri}\"\n\"{uri}\"")), several);
    assert_eq!(found("\"BITCOIN:\"\n\"bitcoin:x\""), several);
    for cut in ["\"bitcoin:", "\"bitcoin:\\", "\"bitcoin:\\\"", "\"bitcoin:\" \"x"] {
        assert_eq!(found(cut), Err((ErrorKind::Link(LinkFault::CutRecord), Rule::Nam5)), "{cut}");
    }
    assert_eq!(found("\"bitcoin:\\255\""), Err((ErrorKind::InvalidUtf8, Rule::Uri1)));
    // What is no text counts as much, and spoils nothing where it does not count.
    assert_eq!(found(&format!("\"\\255\\254\"\n\"{uri}\"")), Ok(uri.clone()));
    assert_eq!(found(&format!("\"bitcoin:\\255\"\n\"{uri}\"")), several);
    let bytes: [&[u8]; 2] = [b"\xff", b"BitCoin:?x"];
    assert_eq!(txt_records(bytes), Ok("BitCoin:?x".into()));
    // Texts of records are taken as they are.
    let texts = |texts: &[&str]| txt_records(texts).map_err(|error| (error.kind().clone(), error.rule()));
    assert_eq!(texts(&["\"bitcoin:?x\"", "BITCOIN:?y \"z\""]), Ok("BITCOIN:?y \"z\"".into()));
    assert_eq!(texts(&["\"bitcoin:?x\""]), none);
    assert_eq!(texts(&["bitcoin:", "bitcoin:"]), several);
}

proptest! {
    // URI-1: whatever is pasted is read or refused, and what is read is written.
    #[test]
    fn any_link_is_read_or_refused(rest in ".{0,40}", key in "(lno|lightning|label|amount|req-pop|sp|é|bc|x)", value in ".{0,20}") {
        for link in [format!("bitcoin:{rest}"), format!("bitcoin:?{key}={value}&{rest}"), format!("BITCOIN:?{rest}={value}")] {
            match link.parse::<BitcoinUri>() {
                Ok(uri) => {
                    let again: BitcoinUri = uri.to_string().parse().unwrap();
                    prop_assert_eq!(again.to_string(), uri.to_string());
                    // URI-9: upper case means the same, whatever alphabet the keys are in.
                    let upper: BitcoinUri = format!("{uri:#}").parse().unwrap();
                    prop_assert_eq!(upper.to_string().to_ascii_lowercase(), uri.to_string().to_ascii_lowercase());
                }
                Err(error) => {
                    prop_assert!(error.column().is_none_or(|column| column <= link.chars().count() + 1));
                    prop_assert!(!error.to_string().contains(|c: char| c.is_control()));
                }
            }
            let _ = link.parse::<Bolt12>();
        }
    }

    // URI-9: a key in any alphabet is the same in both cases, and as long.
    #[test]
    fn keys_keep_their_letters(key in "[a-zßıİſKéÉ]{1,8}", value in "[a-zA-Z0-9]{0,8}") {
        let uri = read(&format!("bitcoin:?x{key}={value}"));
        let upper = read(&format!("{uri:#}"));
        prop_assert_eq!(&upper, &uri);
        let key = format!("x{key}").to_ascii_lowercase();
        let ignored: Vec<_> = upper.ignored().map(|(key, value)| (key.as_raw(), value.as_raw())).collect();
        prop_assert_eq!(ignored, [(&*key, &*value)]);
    }

    // NAM-1: the paste field and the type of a name take the same names.
    #[test]
    fn a_name_is_one_wherever_it_is_read(
        before in "(|lightning:|lightning:%E2%82%BF|%E2%82%BF|LIGHTNING://| \\n|\"|bitcoin:|mailto:|₿)",
        user in "(alice|lnbcfan|lntbtom|lnurlup|lno1fan|xprv|02|[a-z0-9._-]{1,8}|[ -~₿é]{0,6}|[0-9a-f]{64,66})",
        at in "(|@|@|@@)",
        domain in "(example\\.com|localhost|a\\.b\\.|[a-z0-9.-]{1,8}|[ -~é]{0,6}|[a-z]{63,64}\\.com)",
        after in "(| |\n|\"|\\?x=1|#x|:9735|/)",
    ) {
        let text = format!("{before}{user}{at}{domain}{after}");
        let name = HumanReadableName::parse(&text);
        match Pasted::read(&text) {
            Ok(Pasted::Name(found)) => prop_assert_eq!(Ok(found), name),
            // Nothing else is a name too, and what is meant as one is refused in the same way.
            found => {
                prop_assert!(name.is_err(), "{} is a name, and was read as {:?}", text, found);
                if let (Err(found), Err(name)) = (found, name) {
                    let is_same = found == name;
                    prop_assert!(is_same || !matches!(found.rule(), Rule::Nam2 | Rule::Nam3), "{:#} {:#}", found, name);
                }
            }
        }
    }

    // NAM-4: records count by their first bytes, whatever follows.
    #[test]
    fn records_count_by_their_bytes(
        records in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..12)), 0..4),
    ) {
        let record = |(counts, rest): &(bool, Vec<u8>)| if *counts { [b"bitCOIN:", &**rest].concat() } else { rest.clone() };
        let records: Vec<Vec<u8>> = records.iter().map(record).collect();
        let counted: Vec<&Vec<u8>> =
            records.iter().filter(|record| record.len() >= 8 && record[..8].eq_ignore_ascii_case(b"bitcoin:")).collect();
        let expected = match counted[..] {
            [] => Err(ErrorKind::Link(LinkFault::NoPaymentRecord)),
            [one] => String::from_utf8(one.clone()).map_err(|_| ErrorKind::InvalidUtf8),
            _ => Err(ErrorKind::Link(LinkFault::SeveralPaymentRecords)),
        };
        prop_assert_eq!(txt_records(&records).map_err(|error| error.kind().clone()), expected.clone());
        // The same as a tool prints it.
        let printed = |record: &Vec<u8>| format!("\"{}\"\n", record.iter().map(|byte| format!("\\{byte:03}")).collect::<String>());
        let output: String = records.iter().map(printed).collect();
        prop_assert_eq!(printed_txt_records(&output).map_err(|error| error.kind().clone()), expected);
    }

    // URI-1: any text comes out of a link as it went in.
    #[test]
    fn texts_survive(label: String, message: String, pop: String, sat in 0..=2_100_000_000_000_000u64) {
        let builder = BitcoinUriBuilder::new().offer(offer(FREE)).label(&*label).message(&*message);
        let uri = builder.proof_of_payment(&*pop).amount(Msat::from_sat(sat).unwrap()).build().unwrap();
        for text in [uri.to_string(), format!("{uri:#}")] {
            prop_assert!(text.is_ascii());
            prop_assert_eq!(&read(&text), &uri);
        }
    }

    // NAM-5
    #[test]
    fn printed_strings_are_joined(texts in proptest::collection::vec("[ -~é]{0,20}", 0..5)) {
        let whole = format!("bitcoin:{}", texts.concat());
        let printed = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let strings = ["bitcoin:"].into_iter().chain(texts.iter().map(String::as_str)).map(printed);
        let line = strings.collect::<Vec<_>>().join(" ");
        prop_assert_eq!(printed_txt_records(&line), Ok(whole));
    }

    #[test]
    fn anything_can_be_printed(output in ".{0,80}", quoted in "[\\\\\"0-9a-z bitcoin:\n]{0,40}") {
        let _ = printed_txt_records(&output);
        let _ = printed_txt_records(&format!("\"bitcoin:{quoted}"));
    }
}
