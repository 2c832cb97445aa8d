//! The values that fields hold: how they are read, written and shown.

use std::time::Duration;

use super::raw::*;
use bolt12::bitcoin::Network;
use bolt12::{
    BlindedPath, ChainHash, CurrencyCode, Direction, ErrorKind, Fallback, Feature, Features, Field, HumanReadableName,
    IntroductionNode, Invoice, InvoiceRequest, MinorUnits, Msat, Offer, OfferAmount, Point, Refund, Rule,
    ShortChannelId, Text, UnixTime,
};
use proptest::prelude::*;

// ---- Amounts ----

#[test]
fn bitcoin_is_shown_in_satoshi() {
    for (msat, shown) in [
        (0, "0 sat"),
        (1, "0.001 sat"),
        (10, "0.01 sat"),
        (999, "0.999 sat"),
        (1_000, "1 sat"),
        (1_500, "1.5 sat"),
        (999_999, "999.999 sat"),
        (1_000_000, "1,000 sat"),
        (1_001_001_010, "1,001,001.01 sat"),
        (2_100_000_000_000_000_000, "2,100,000,000,000,000 sat"),
        (u64::MAX, "18,446,744,073,709,551.615 sat"),
    ] {
        assert_eq!(Msat(msat).to_string(), shown);
        assert_eq!(OfferAmount::Bitcoin(Msat(msat)).to_string(), shown);
        assert_eq!(OfferAmount::Bitcoin(Msat(msat)).with_minor_unit(2).to_string(), shown);
    }
}

#[test]
fn a_price_is_shown_with_the_digits_of_its_currency() {
    let shown = |amount, digits| {
        let currency: CurrencyCode = "KWD".parse().unwrap();
        OfferAmount::Currency { currency, amount: MinorUnits(amount) }.with_minor_unit(digits).to_string()
    };
    assert_eq!(shown(0, 2), "0.00 KWD");
    assert_eq!(shown(5, 2), "0.05 KWD");
    assert_eq!(shown(150, 2), "1.50 KWD");
    assert_eq!(shown(1_234_567, 0), "1,234,567 KWD");
    assert_eq!(shown(1_234_567, 3), "1,234.567 KWD");
    assert_eq!(shown(u64::MAX, 0), "18,446,744,073,709,551,615 KWD");
    assert_eq!(shown(u64::MAX, 2), "184,467,440,737,095,516.15 KWD");
    assert_eq!(shown(u64::MAX, 19), "1.8446744073709551615 KWD");
    // More digits than a number has are not believed.
    assert_eq!(shown(u64::MAX, 20), "18,446,744,073,709,551,615 minor units of KWD");
    assert_eq!(shown(1, 255), "1 minor unit of KWD");
}

/// The table is that of ISO 4217, as another crate has it, for every code that there may be.
#[test]
fn the_digits_of_a_currency_are_those_of_iso_4217() {
    for number in 0..26 * 26 * 26u32 {
        let letters = [number / 676, number / 26 % 26, number % 26];
        let code: String = letters.iter().filter_map(|letter| char::from_digit(letter + 10, 36)).collect();
        let code = code.to_uppercase();
        let digits = iso_currency::Currency::from_code(&code).and_then(|currency| currency.exponent());
        let currency: CurrencyCode = code.parse().unwrap();
        assert_eq!(currency.minor_unit().map(u16::from), digits, "{code}");
        let price = OfferAmount::Currency { currency, amount: MinorUnits(1_234_567) };
        let shown = match digits {
            None => format!("1,234,567 minor units of {code}"),
            Some(0) => format!("1,234,567 {code}"),
            Some(digits) => price.with_minor_unit(u8::try_from(digits).unwrap()).to_string(),
        };
        assert_eq!(price.to_string(), shown);
    }
}

#[test]
fn amounts_multiply_and_convert_without_overflow() {
    assert_eq!(Msat::from_sat(u64::MAX / 1_000), Some(Msat(u64::MAX / 1_000 * 1_000)));
    assert_eq!(Msat::from_sat(u64::MAX / 1_000 + 1), None);
    assert_eq!(Msat(u64::MAX).checked_mul(1), Some(Msat(u64::MAX)));
    assert_eq!(Msat(u64::MAX / 2 + 1).checked_mul(2), None);
    assert_eq!(MinorUnits(u64::MAX / 2 + 1).checked_mul(2), None);
    assert_eq!(MinorUnits(u64::MAX / 2).checked_mul(2), Some(MinorUnits(u64::MAX - 1)));
    // D3
    assert_eq!(Msat::MAX_MONEY, Msat(TOO_MUCH - 1));
}

proptest! {
    #[test]
    fn what_is_shown_of_an_amount_is_all_of_it(number: u64, digits in 0u8..=19) {
        let digits_of = |shown: String| -> String { shown.chars().filter(char::is_ascii_digit).collect() };
        let amount = OfferAmount::Currency { currency: "USD".parse().unwrap(), amount: MinorUnits(number) };
        prop_assert_eq!(digits_of(amount.to_string()).parse::<u64>().unwrap(), number);
        prop_assert_eq!(digits_of(amount.with_minor_unit(digits).to_string()).parse::<u64>().unwrap(), number);
        let sat = Msat(number).to_string();
        let sat = sat.strip_suffix(" sat").unwrap().replace(',', "");
        let (whole, part) = sat.split_once('.').unwrap_or((&sat, ""));
        prop_assert!(!part.ends_with('0'));
        prop_assert_eq!(format!("{whole}{part:0<3}").parse::<u64>().unwrap(), number);
    }

    // TLV-2
    #[test]
    fn numbers_keep_all_their_bits(number in prop_oneof![any::<u64>(), any::<u8>().prop_map(u64::from)]) {
        let offer: Offer = offer().without(8).with_number(14, number).with_number(20, number).read();
        prop_assert_eq!(offer.absolute_expiry(), Some(UnixTime(number)));
        prop_assert_eq!(offer.quantity_max(), number.try_into().map_or(bolt12::Quantity::Unlimited, bolt12::Quantity::AtMost));
    }
}

// ---- Features ----

fn bits(features: &Features<'_>) -> Vec<u32> {
    features.iter().map(Feature::bit).collect()
}

// D9
#[test]
fn leading_zeros_and_nothing_are_kept_and_mean_nothing() {
    for (bytes, expected) in [
        (&[][..], &[][..]),
        (&[0], &[]),
        (&[0, 0, 0, 0], &[]),
        (&[2, 0, 0], &[17]),
        (&[0, 2, 0, 0], &[17]),
        (&[0, 0, 0x80, 0x02], &[1, 15]),
    ] {
        let read: Offer = offer().with(12, bytes).read();
        let features = read.features().unwrap();
        assert_eq!(features.as_bytes(), bytes);
        assert_eq!(bits(&features), expected);
    }
}

// D9
#[test]
fn features_are_made_minimal() {
    let made = |bits: &[u32]| Features::new(bits.iter().copied().map(Feature)).unwrap();
    assert_eq!(made(&[]).as_bytes(), [0; 0]);
    assert_eq!(made(&[0]).as_bytes(), [1]);
    assert_eq!(made(&[7, 8]).as_bytes(), [1, 0x80]);
    assert_eq!(made(&[17, 17]).as_bytes(), [2, 0, 0]);
    assert_eq!(made(&[65_535]).as_bytes().len(), 8_192);
    let refused = Features::new([Feature(65_536)]).unwrap_err();
    assert_error(&refused, ErrorKind::TooLong { len: 8_193, max: 8_192 }, Rule::D7, None);
}

// OFR-2
#[test]
fn a_feature_is_compulsory_if_it_is_even() {
    assert!(Feature(0).is_compulsory() && Feature::MULTI_PART_REQUIRED.is_compulsory());
    assert!(!Feature(1).is_compulsory() && !Feature::MULTI_PART_OPTIONAL.is_compulsory());
    let features = Features::new([Feature(3), Feature(20), Feature(16)]).unwrap();
    assert_eq!(features.first_unknown(&[]), Some(Feature(16)));
    assert_eq!(features.first_unknown(&[16]), Some(Feature(20)));
    assert_eq!(features.first_unknown(&[20, 16]), None);
    assert_eq!(format!("{features:?}"), "{3, 16 (multi-part payment required), 20}");
}

proptest! {
    // D9
    #[test]
    fn a_bitmap_holds_what_was_put_in(set in proptest::collection::btree_set(0u32..2_000, 0..20)) {
        let features = Features::new(set.iter().copied().map(Feature)).unwrap();
        prop_assert_eq!(bits(&features), set.iter().copied().collect::<Vec<_>>());
        for bit in 0..2_100 {
            prop_assert_eq!(features.contains(Feature(bit)), set.contains(&bit));
        }
        prop_assert_ne!(features.as_bytes().first(), Some(&0));
    }
}

// ---- Time ----

#[test]
fn times_add_up_and_stop_at_the_end() {
    assert_eq!(UnixTime(1).saturating_add(Duration::from_millis(1_999)), UnixTime(2));
    assert_eq!(UnixTime(u64::MAX).saturating_add(Duration::MAX), UnixTime(u64::MAX));
    assert_eq!(UnixTime(1_800_000_000).to_string(), "1800000000");
}

#[cfg(feature = "std")]
#[test]
fn a_system_time_is_cut_to_whole_seconds() {
    let moment = std::time::UNIX_EPOCH + Duration::from_millis(5_999);
    assert_eq!(UnixTime::from(moment), UnixTime(5));
    assert_eq!(UnixTime::from(std::time::UNIX_EPOCH - Duration::from_secs(1)), UnixTime(0));
}

// ---- Blinded paths ----

/// `539268x845x1`
const SCID: u64 = 539_268 << 40 | 845 << 16 | 1;

fn path_from_channel(direction: u8) -> Vec<u8> {
    [&[direction][..], &SCID.to_be_bytes(), &path()[33..]].concat()
}

#[test]
fn a_path_starts_at_a_node_or_at_either_end_of_a_channel() {
    let start = |bytes: &[u8]| BlindedPath::from_bytes(bytes).unwrap().introduction_node();
    assert_eq!(start(&path()), IntroductionNode::NodeId(point(0x44).into()));
    for (byte, direction) in [(0, Direction::NodeOne), (1, Direction::NodeTwo)] {
        let bytes = path_from_channel(byte);
        assert_eq!(start(&bytes), IntroductionNode::Channel { scid: ShortChannelId(SCID), direction });
        let offer: Offer = hidden_offer().with(16, [bytes.clone(), path()].concat()).read();
        assert_eq!(
            offer.paths().unwrap().iter().map(|path| path.as_bytes().to_vec()).collect::<Vec<_>>(),
            [bytes, path()]
        );
    }
    assert_eq!(ShortChannelId(SCID).to_string(), "539268x845x1");
    assert_eq!(ShortChannelId(u64::MAX).to_string(), "16777215x16777215x65535");
}

// TLV-7
#[test]
fn a_path_starts_at_nothing_else() {
    for first in [4, 5, 0x42, 0xff] {
        let raw = hidden_offer().with(16, [&path()[..], &[first], &path()[1..]].concat());
        let refused = raw.refusal::<Offer>();
        let at = raw.value_at(16) + path().len();
        assert_error_at(&refused, ErrorKind::InvalidDirection, Rule::Tlv7, Field::OFFER_PATHS, at);
    }
}

// TLV-3
#[test]
fn a_path_that_ends_early_is_refused() {
    for whole in [path(), path_from_channel(1)] {
        for len in 1..whole.len() {
            let refused = hidden_offer().with(16, &whole[..len]).refusal::<Offer>();
            assert_error(&refused, ErrorKind::Truncated, Rule::Tlv3, Field::OFFER_PATHS);
            assert_eq!(BlindedPath::from_bytes(&whole[..len]).unwrap_err().kind(), &ErrorKind::Truncated);
        }
        let longer = [&whole[..], &[0]].concat();
        assert_eq!(BlindedPath::from_bytes(&longer).unwrap_err().kind(), &ErrorKind::InvalidLength);
    }
}

// TLV-7
#[test]
fn every_point_of_a_path_is_on_the_curve() {
    // The introduction node, the path key, and the two hops, which hold three bytes each.
    for at in [0, 33, 67, 67 + 38] {
        for before in [vec![], path()] {
            let mut bad = path();
            bad[at + 1..at + 33].fill(0xff);
            assert_eq!(BlindedPath::from_bytes(&bad).unwrap_err().kind(), &ErrorKind::InvalidPoint);
            let raw = hidden_offer().with(16, [before.clone(), bad].concat());
            let refused = raw.refusal::<Offer>();
            let at = raw.value_at(16) + before.len() + at;
            assert_error_at(&refused, ErrorKind::InvalidPoint, Rule::Tlv7, Field::OFFER_PATHS, at);
        }
    }
}

#[test]
fn a_path_is_made_of_its_parts() {
    let hops = [(point(0x46), &[0xaa, 0xbb, 0xcc][..]), (recipient().public_key(), &[0xaa, 0xbb, 0xcc])];
    let made = BlindedPath::new(point(0x44).into(), point(0x45), hops).unwrap();
    assert_eq!(made.as_bytes(), path());
    let channel = IntroductionNode::Channel { scid: ShortChannelId(SCID), direction: Direction::NodeTwo };
    let made = BlindedPath::new(channel, point(0x45), hops).unwrap();
    assert_eq!(made.as_bytes(), path_from_channel(1));
    assert_eq!(made.introduction_node(), channel);
    assert_eq!(made.first_path_key(), point(0x45));
    assert_eq!(made.last_blinded_node_id(), recipient().public_key());
    let back: Vec<_> = made.hops().map(|hop| (hop.blinded_node_id, hop.encrypted_recipient_data)).collect();
    assert_eq!(back, hops.map(|(id, data)| (Point::from(id), data)));
    assert_eq!(BlindedPath::from_bytes(made.as_bytes()).unwrap(), made);
}

// TLV-6
#[test]
fn a_path_has_room_for_255_hops_of_65535_bytes() {
    let of = |hops: usize, len: usize| {
        let data = vec![0; len];
        BlindedPath::new(point(1).into(), point(2), (0..hops).map(|_| (point(3), &*data))).map(drop)
    };
    assert_eq!((of(255, 0), of(1, 65_535)), (Ok(()), Ok(())));
    for refused in [of(256, 0), of(1, 65_536)] {
        assert_eq!(refused.unwrap_err().kind(), &ErrorKind::TooManyEntries);
    }
}

// ---- Payinfos ----

#[test]
fn a_payinfo_keeps_all_its_bits() {
    let invoice: Invoice = invoice().read();
    let (_, payinfo) = invoice.payment_paths().next().unwrap();
    assert_eq!(payinfo, payinfo_value());
    assert_eq!(payinfo.htlc_maximum_msat, 2_100_000_000_000_000_000);

    let widest = [&[0xff; 26][..], &[0, 1, 0xaa]].concat();
    let raw = invoice_for(request(), issuer().public_key()).with(162, widest).sign_invoice(&issuer());
    let invoice: Invoice = raw.read();
    let (_, payinfo) = invoice.payment_paths().next().unwrap();
    assert_eq!((payinfo.fee_base_msat, payinfo.fee_proportional_millionths), (u32::MAX, u32::MAX));
    assert_eq!(payinfo.cltv_expiry_delta, u16::MAX);
    assert_eq!((payinfo.htlc_minimum_msat, payinfo.htlc_maximum_msat), (u64::MAX, u64::MAX));
    assert_eq!(bits(&payinfo.features), [1, 3, 5, 7]);
}

// ---- Fallbacks ----

// IVR-12
#[test]
fn a_fallback_is_an_address_on_bitcoins_chains_if_it_is_valid() {
    let address = |version, len, chain| {
        let fallback = Fallback { version, program: vec![0x75; len].into() };
        fallback.address(chain).map(|address| address.to_string())
    };
    let prefix = |version, len, network: Network| {
        let address = address(version, len, ChainHash::using_genesis_block_const(network)).unwrap();
        address.rsplit_once('1').map(|(hrp, _)| hrp.to_owned()).unwrap()
    };
    for (version, len) in [(0, 20), (0, 32), (1, 32), (1, 2), (2, 40), (16, 2), (16, 40)] {
        assert!(prefix(version, len, Network::Bitcoin).starts_with("bc"));
        assert!(prefix(version, len, Network::Testnet).starts_with("tb"));
        assert!(prefix(version, len, Network::Signet).starts_with("tb"));
        assert!(prefix(version, len, Network::Regtest).starts_with("bcrt"));
        assert_eq!(address(version, len, ChainHash::from([0xcc; 32])), None);
    }
    let ones = [(17, 32), (u8::MAX, 20), (0, 2), (0, 19), (0, 33), (0, 40), (1, 0), (1, 1), (1, 41), (16, 300)];
    for (version, len) in ones {
        assert_eq!(address(version, len, ChainHash::BITCOIN), None, "{version} {len}");
    }
    // What a well-known program looks like (BIP 173).
    let program = hex::decode("751e76e8199196d454941c45d1b3a323f1433bd6").unwrap();
    let known = Fallback { version: 0, program: program.into() };
    let expected = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
    assert_eq!(known.address(ChainHash::BITCOIN).unwrap().to_string(), expected);
}

// ---- Names ----

// RQR-14
#[test]
fn a_name_is_shown_as_people_write_it() {
    let raw = request_for(offer()).with(91, b"\x05alice\x08test.net").sign_request(&payer());
    let request: InvoiceRequest = raw.read();
    let name = request.bip_353_name().unwrap();
    assert_eq!(name, HumanReadableName::new("alice", "test.net").unwrap());
    assert_eq!(name.to_string(), "₿alice@test.net");
}

proptest! {
    // RQR-14, RQW-8
    #[test]
    fn a_name_is_read_exactly_if_it_could_be_written(
        user in proptest::collection::vec(any::<u8>(), 0..3),
        domain in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'.')], 0..3),
    ) {
        let value = [&[user.len() as u8][..], &user, &[domain.len() as u8], &domain].concat();
        let written = std::str::from_utf8(&user).ok().zip(std::str::from_utf8(&domain).ok())
            .and_then(|(user, domain)| HumanReadableName::new(user, domain).ok());
        match Refund::try_from(refund().with(91, value).encode()) {
            Ok(read) => {
                prop_assert!(written.is_some());
                prop_assert_eq!(read.bip_353_name(), written);
            }
            Err(error) => {
                // D12
                let is_empty = *error.kind() == ErrorKind::EmptyValue;
                prop_assert_eq!(error.rule(), if is_empty { Rule::D12 } else { Rule::Rqr14 });
                prop_assert!(!is_empty || user.is_empty() || domain.is_empty());
                prop_assert_eq!(written, None);
            }
        }
    }
}

// ---- Text ----

#[test]
fn what_could_deceive_is_escaped_and_the_text_stays() {
    for (deceptive, what) in [
        ('\0', "control"),
        ('\n', "control"),
        ('\u{1b}', "control"),
        ('\u{7f}', "control"),
        ('\u{85}', "control"),
        ('\u{9b}', "control"),
        ('\u{200b}', "zero width"),
        ('\u{200d}', "zero width"),
        ('\u{feff}', "zero width"),
        ('\u{ad}', "zero width"),
        ('\u{2060}', "zero width"),
        ('\u{200e}', "direction"),
        ('\u{200f}', "direction"),
        ('\u{61c}', "direction"),
        ('\u{202a}', "direction"),
        ('\u{202e}', "direction"),
        ('\u{2066}', "direction"),
        ('\u{2069}', "direction"),
        ('\u{2028}', "separator"),
        ('\u{2029}', "separator"),
        ('\u{e0041}', "tag"),
        ('\u{fff9}', "annotation"),
        ('\u{e000}', "private"),
        ('\u{ffff}', "no character"),
        ('\u{3164}', "letter that shows as nothing"),
        ('\u{1160}', "letter that shows as nothing"),
    ] {
        let raw = format!("a{deceptive}b");
        let offer: Offer = offer().with(10, &*raw).read();
        let text = offer.description().unwrap();
        assert_eq!(text.as_raw(), raw);
        assert_eq!(text.to_string(), format!("a{}b", deceptive.escape_unicode()), "{what}");
        assert_eq!(format!("{text:?}"), format!("\"a{}b\"", deceptive.escape_unicode()), "{what}");
    }
}

// A joiner belongs between two emoji, and not behind whatever stands somewhere before one.
#[test]
fn a_joiner_joins_emoji_alone() {
    for (raw, is_plain) in [
        ("\u{1f44d}\u{200d}\u{1f44d}", true),
        ("\u{1f44d}\u{1f3ff}\u{200d}\u{1f44d}", true),
        ("\u{2764}\u{fe0f}\u{200d}\u{1f525}", true),
        ("ab\u{200d}\u{1f44d}", false),
        ("a\u{200d}\u{1f44d}", false),
        ("\u{1f44d}b\u{200d}\u{1f44d}", false),
        ("\u{1f44d}b\u{1f3ff}", true),
    ] {
        let offer: Offer = offer().with(10, raw).read();
        assert_eq!(offer.description().unwrap().to_string() == raw, is_plain, "{}", raw.escape_unicode());
    }
}

// TLV-7: what is wrong with a list is not said of a single key, nor the other way round.
#[test]
fn an_invalid_key_is_said_to_be_in_its_list() {
    let off_curve = [&[2][..], &[0xff; 32]].concat();
    let issuer = offer().with(22, off_curve.clone()).refusal::<Offer>();
    assert_eq!(issuer.to_string(), "the issuer's key is not a valid public key");
    let mut bytes = path();
    bytes[33..66].copy_from_slice(&off_curve);
    let list = hidden_offer().with(16, bytes).refusal::<Offer>();
    assert_eq!(list.to_string(), "the list of offer paths contains an invalid public key");
}

#[test]
fn a_text_in_quotes_cannot_pretend_to_have_ended() {
    for (raw, shown) in [
        ("", r#""""#),
        (r#"tea", price: 1"#, r#""tea\", price: 1""#),
        (r"\", r#""\\""#),
        (r#"\""#, r#""\\\"""#),
        ("\u{202e}\"\n", r#""\u{202e}\"\u{a}""#),
        (r"\u{202e}", r#""\\u{202e}""#),
    ] {
        assert_eq!(format!("{:?}", Text::new(raw)), shown);
    }
}

#[test]
fn other_text_is_shown_as_it_is() {
    for plain in ["", "tea", "Grüße, 東京 – ₿", "שלום", "مرحبا", "🍵 ☕\u{fe0f}", "e\u{301}", "\"quoted\" \\ <b>"]
    {
        assert_eq!(Text::new(plain).to_string(), plain);
    }
}

/// What joins or selects is shown where it changes what is seen, and nowhere else (RFC 5892, A.1 and A.2).
#[test]
fn joiners_and_selectors_stay_where_they_mean_something() {
    for plain in [
        "می\u{200c}خواهم", // Persian: a letter that would join the next
        "خانه\u{200c}ای",
        "क्\u{200d}ष", // Hindi: behind a virama
        "क्\u{200c}ष",
        "ශ්\u{200d}රී", // Sinhala
        "👩\u{200d}🚀",
        "👩🏽\u{200d}🚀",
        "🏳\u{fe0f}\u{200d}🌈",
        "❤\u{fe0f}\u{200d}🔥 ☎\u{fe0e}",
        "1\u{fe0f}\u{20e3}",
    ] {
        assert_eq!(Text::new(plain).to_string(), plain);
    }
    for (raw, shown) in [
        ("a\u{fe0f}b", r"a\u{fe0f}b"),
        ("1\u{fe0f}", r"1\u{fe0f}"),
        ("❤\u{fe0f}\u{fe0f}", "❤\u{fe0f}\\u{fe0f}"),
        ("❤\u{fe00}", r"❤\u{fe00}"),
        ("\u{fe0f}❤", r"\u{fe0f}❤"),
        ("a\u{200d}b", r"a\u{200d}b"),
        ("👩\u{200d}", r"👩\u{200d}"),
        ("👩\u{200d}\u{200d}🚀", r"👩\u{200d}\u{200d}🚀"),
        ("👩\u{200c}🚀", r"👩\u{200c}🚀"),
        ("\u{200d}🚀", r"\u{200d}🚀"),
        ("د\u{200c}ر", r"د\u{200c}ر"), // does not join anyway
        ("ی\u{200d}خ", r"ی\u{200d}خ"), // joins anyway
        ("ی\u{200c}a", r"ی\u{200c}a"),
        ("ی\u{200c}", r"ی\u{200c}"),
        ("क\u{200d}ष", r"क\u{200d}ष"), // no virama
        ("क्\u{200d}a", r"क्\u{200d}a"),
        ("क्\u{200d}শ", r"क्\u{200d}শ"), // another script
        ("क्\u{200d} ", r"क्\u{200d} "),
    ] {
        assert_eq!(Text::new(raw).to_string(), shown);
    }
}

/// Arabic letters that join the next one are kept apart from it by U+200C. Behind all others it changes nothing
/// (Unicode's `ArabicShaping.txt`).
#[test]
fn arabic_letters_are_kept_apart_where_they_would_join() {
    let joining = "ئبتثجحخسشصضطظعغفقكلمنهىيپچڤکگیݐݖ";
    let others = "ءآأؤإاةدذرزوٱٵڈژڙۀۃۇۋۍۏےۓەۮۯݙݛݫݬݱݳݴݸݹ";
    for (letters, joins) in [(joining, true), (others, false)] {
        for letter in letters.chars() {
            let raw = format!("{letter}\u{200c}ب");
            let shown = if joins { raw.clone() } else { format!("{letter}\\u{{200c}}ب") };
            assert_eq!(Text::new(&raw).to_string(), shown, "{}", letter.escape_unicode());
        }
    }
}

proptest! {
    #[test]
    fn shown_text_holds_no_line_break_and_every_other_character(raw: String) {
        let shown = Text::new(&raw).to_string();
        // However joiners and selectors are mixed in, none stands beside another.
        let doubled = ["\u{200d}\u{200d}", "\u{fe0f}\u{fe0f}"].iter().any(|pair| shown.contains(pair));
        prop_assert!(!doubled);
        let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202e}');
        prop_assert!(!shown.contains(breaks));
        let kept: String = raw.chars().filter(|c| shown.contains(*c)).collect();
        let escaped = raw.chars().filter(|c| shown.contains(&c.escape_unicode().to_string())).count();
        prop_assert!(kept.chars().count() + escaped >= raw.chars().count());
    }
}

// ---- Debug ----

#[test]
fn debug_names_the_fields() {
    let raw = request_for(offer().with(33, [0xab]).with(12, [2]).with_number(14, 9).with(2, mainnet()))
        .with(89, "note\u{202e}")
        .sign_request(&payer());
    let shown = format!("{:?}", raw.read::<InvoiceRequest>());
    for part in [
        "InvoiceRequest {",
        "invreq_metadata: 24242424",
        "offer_amount: 10000",
        "offer_description: \"tea\"",
        "offer_features: {1}",
        "offer_absolute_expiry: UnixTime(9)",
        &format!("offer_issuer_id: {}", issuer().public_key()),
        "33: ab",
        r#"invreq_payer_note: "note\u{202e}""#,
        "signature: ",
    ] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    assert!(
        format!("{:?}", hidden_offer().read::<Offer>()).contains("offer_paths: [BlindedPath { introduction_node: ")
    );
    let shown = format!("{:?}", invoice().read::<Invoice>());
    assert!(shown.starts_with("Invoice {"));
    assert!(shown.contains("htlc_maximum_msat: 2100000000000000000"), "{shown}");
    assert!(shown.contains(&format!("invoice_payment_hash: {:?}", hash(0x66))), "{shown}");
    assert!(format!("{:?}", refund().read::<Refund>()).starts_with("Refund {"));
}

// A price of a megabyte took seconds.
#[test]
fn a_long_price_is_refused_at_once() {
    let usd = "USD".parse().unwrap();
    for digits in ["0", "9"] {
        let long = digits.repeat(1 << 20);
        for price in [long.clone(), format!("1.{long}"), format!("{long}.1")] {
            assert!(bolt12::Rate::per_bitcoin_with_minor_unit(usd, &price, 255).is_err());
        }
    }
    let price = |len: usize| bolt12::Rate::per_bitcoin(usd, &format!("{:0>len$}", "97123.4567"));
    assert!(price(64).is_ok() && price(65).is_err());
    let zeros = format!("{}97123.4567", "0".repeat(20));
    assert_eq!(bolt12::Rate::per_bitcoin(usd, &zeros), bolt12::Rate::per_bitcoin(usd, "97123.4567"));
}
