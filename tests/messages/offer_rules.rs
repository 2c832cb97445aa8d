//! The rules about offers: what a reader refuses, what a builder cannot write, and what makes an
//! offer usable.

use std::num::NonZeroU64;

use super::raw::*;
use bolt12::secp256k1::Keypair;
use bolt12::{
    BlindedPath, ChainHash, CurrencyCode, Error, ErrorKind, Feature, Features, Field, IntroductionNode, KnownFeatures,
    MAX_LEN, MinorUnits, Msat, Offer, OfferAmount, OfferBuilder, Quantity, Rule, UnixTime,
};
use proptest::prelude::*;

fn builder() -> OfferBuilder {
    OfferBuilder::new(issuer().public_key())
}

fn usd(amount: u64) -> OfferAmount {
    OfferAmount::Currency { currency: "USD".parse().unwrap(), amount: MinorUnits(amount) }
}

#[track_caller]
fn built(builder: OfferBuilder) -> Raw {
    Raw::of(builder.build().unwrap_or_else(|error| panic!("{error:#}")).as_bytes())
}

#[track_caller]
fn not_built(builder: OfferBuilder) -> Error {
    builder.build().expect_err("this is against a rule")
}

#[test]
fn the_offers_that_the_other_tests_break_are_valid() {
    assert_eq!(offer().read::<Offer>().as_bytes(), offer().encode());
    assert_eq!(hidden_offer().read::<Offer>().as_bytes(), hidden_offer().encode());
}

// ---- Readers ----

// OFR-1
#[test]
fn types_outside_the_ranges_are_refused() {
    for number in [0, 80, 81, 88, 240, 241, 999_999_999, 2_000_000_000, 2_000_000_001, u64::MAX - 1, u64::MAX] {
        let raw = offer().with(number, [1]);
        let error = raw.refusal::<Offer>();
        assert_error_at(&error, ErrorKind::OutOfRange, Rule::Tlv5, Field::numbered(number), raw.record_at(number));
    }
    for number in [1, 79, 1_000_000_001, 1_999_999_999] {
        let read: Offer = offer().with(number, [1]).read();
        assert_eq!(read.unknown().map(|record| record.number()).collect::<Vec<_>>(), [number]);
    }
}

// OFR-2
#[test]
fn an_unknown_compulsory_feature_is_named() {
    for (bit, bytes) in [(0, vec![0b11]), (16, vec![1, 0, 0]), (122, [vec![4], vec![0; 15]].concat())] {
        let raw = offer().with(12, bytes);
        let error = raw.refusal::<Offer>();
        assert_error_at(&error, ErrorKind::UnknownFeature(bit), Rule::Ofr2, Field::OFFER_FEATURES, raw.record_at(12));
        assert!(error.to_string().contains(&bit.to_string()), "{error}");
    }
}

// OFR-2
#[test]
fn optional_features_are_ignored_and_a_caller_can_know_more() {
    static KNOWN: KnownFeatures = KnownFeatures { offer: &[16, 2], ..KnownFeatures::DEFAULT };
    let optional: Offer = offer().with(12, [0b1010_1010, 0b1010_1010]).read();
    assert_eq!(optional.features().unwrap().iter().map(Feature::bit).collect::<Vec<_>>(), [1, 3, 5, 7, 9, 11, 13, 15]);
    let compulsory = offer().with(12, [1, 0, 0b100]);
    assert!(Offer::read(compulsory.encode(), &KNOWN).is_ok());
    let error = Offer::read(offer().with(12, [1, 0, 0b101]).encode(), &KNOWN).unwrap_err();
    assert_error(&error, ErrorKind::UnknownFeature(0), Rule::Ofr2, Field::OFFER_FEATURES);
    // What is known elsewhere is not known in an offer.
    static ELSEWHERE: KnownFeatures =
        KnownFeatures { offer: &[], invoice_request: &[16, 2], invoice: &[16, 2], payinfo: &[16, 2] };
    let error = Offer::read(compulsory.encode(), &ELSEWHERE).unwrap_err();
    assert_error(&error, ErrorKind::UnknownFeature(2), Rule::Ofr2, Field::OFFER_FEATURES);
}

// OFR-3
#[test]
fn chains_are_absent_or_a_list_of_at_least_one() {
    let absent: Offer = offer().read();
    assert!(absent.chains().is_none());
    assert!(absent.supports_chain(ChainHash::BITCOIN) && !absent.supports_chain(ChainHash::TESTNET3));

    let on_testnet: Offer = offer().with(2, testnet()).read();
    assert!(on_testnet.supports_chain(ChainHash::TESTNET3) && !on_testnet.supports_chain(ChainHash::BITCOIN));

    let empty = offer().with(2, []);
    let error = empty.refusal::<Offer>();
    assert_error_at(&error, ErrorKind::NoEntries, Rule::Ofr3, Field::OFFER_CHAINS, empty.value_at(2));

    let cut = offer().with(2, [&testnet()[..], &testnet()[1..]].concat());
    let error = cut.refusal::<Offer>();
    assert_error_at(&error, ErrorKind::InvalidLength, Rule::Tlv3, Field::OFFER_CHAINS, cut.value_at(2) + 32);
}

// OFR-4
#[test]
fn an_amount_needs_a_description() {
    let error = offer().without(10).refusal::<Offer>();
    assert_error(&error, ErrorKind::Missing, Rule::Ofr4, Field::OFFER_DESCRIPTION);
    assert_eq!(error.offset(), None);
    assert!(offer().without(10).without(8).read::<Offer>().description().is_none());
    // D6: an empty one is a description.
    assert!(offer().with(10, "").read::<Offer>().description().unwrap().is_empty());
}

// OFR-5
#[test]
fn an_amount_of_zero_is_refused() {
    for raw in [offer().with_number(8, 0), offer().with(6, "USD").with_number(8, 0)] {
        let error = raw.refusal::<Offer>();
        assert_error_at(&error, ErrorKind::Zero, Rule::Ofr5, Field::OFFER_AMOUNT, raw.record_at(8));
    }
    assert_eq!(offer().with_number(8, 1).read::<Offer>().amount(), Some(OfferAmount::Bitcoin(Msat(1))));
}

// OFR-6
#[test]
fn a_currency_needs_an_amount() {
    let error = offer().with(6, "USD").without(8).refusal::<Offer>();
    assert_error(&error, ErrorKind::Missing, Rule::Ofr6, Field::OFFER_AMOUNT);
    assert_eq!(offer().with(6, "USD").read::<Offer>().amount(), Some(usd(PRICE)));
}

// OFR-7
#[test]
fn an_offer_can_be_reached() {
    let error = offer().without(22).refusal::<Offer>();
    assert_error(&error, ErrorKind::Missing, Rule::Ofr7, Field::OFFER_ISSUER_ID);
    let hidden: Offer = hidden_offer().read();
    assert_eq!((hidden.issuer_id(), hidden.paths().unwrap().count()), (None, 1));
    let both: Offer = hidden_offer().with(22, issuer().public_key().serialize()).read();
    assert_eq!((both.issuer_id(), both.paths().unwrap().count()), (Some(issuer().public_key()), 1));
}

// OFR-8, D8
#[test]
fn paths_and_lists_of_paths_are_not_empty() {
    let number_of_hops_at = 33 + 33;
    for before in [vec![], path()] {
        let raw = offer().with(16, [before.clone(), path_over(&[])].concat());
        let at = raw.value_at(16) + before.len() + number_of_hops_at;
        assert_error_at(&raw.refusal::<Offer>(), ErrorKind::NoHops, Rule::Ofr8, Field::OFFER_PATHS, at);
    }
    let raw = offer().with(16, []);
    let error = raw.refusal::<Offer>();
    assert_error_at(&error, ErrorKind::NoEntries, Rule::D8, Field::OFFER_PATHS, raw.value_at(16));
}

// D2
#[test]
fn repeated_hops_and_paths_and_unknown_chains_are_no_errors() {
    let twice = path_over(&[point(1), point(1)]);
    let read: Offer = hidden_offer().with(16, [twice.clone(), twice].concat()).with(2, [0xcc; 64]).read();
    assert_eq!(read.paths().unwrap().count(), 2);
    assert_eq!(read.chains().unwrap().iter().count(), 2);
}

// D3
#[test]
fn more_bitcoin_than_there_is_can_be_read() {
    let read: Offer = offer().with_number(8, u64::MAX).read();
    assert_eq!(read.amount(), Some(OfferAmount::Bitcoin(Msat(u64::MAX))));
}

// D5
#[test]
fn a_currency_is_three_capital_letters() {
    for code in ["", "US", "USDT", "usd", "Usd", "U$D", "ÄÖ", "U1D", "US\0"] {
        let raw = offer().with(6, code);
        let error = raw.refusal::<Offer>();
        assert_error_at(&error, ErrorKind::InvalidCurrency, Rule::D5, Field::OFFER_CURRENCY, raw.value_at(6));
        assert!(code.parse::<CurrencyCode>().is_err());
    }
    // Whether there is such a currency is asked elsewhere.
    assert_eq!(offer().with(6, "QQQ").read::<Offer>().currency().unwrap().as_str(), "QQQ");
    let raw = offer().with(6, [b'U', 0xff, b'D']);
    let error = raw.refusal::<Offer>();
    assert_error_at(&error, ErrorKind::InvalidUtf8, Rule::Tlv7, Field::OFFER_CURRENCY, raw.value_at(6) + 1);
}

// D6
#[test]
fn empty_texts_and_empty_metadata_are_read() {
    let read: Offer = offer().with(4, []).with(10, []).with(18, []).read();
    assert_eq!(read.metadata(), Some(&[][..]));
    assert!(read.description().unwrap().is_empty() && read.issuer().unwrap().is_empty());
}

// D7
#[test]
fn a_message_has_at_most_65535_bytes() {
    let longest = |over: usize| {
        let others = offer().with(4, vec![0; 1_000]).encode().len() - 1_000;
        offer().with(4, vec![0; MAX_LEN - others + over])
    };
    assert_eq!(longest(0).read::<Offer>().as_bytes().len(), 65_535);
    let too_long = ErrorKind::TooLong { len: 65_536, max: 65_535 };
    assert_error(&longest(1).refusal::<Offer>(), too_long, Rule::D7, None);
    assert_eq!(not_built(builder().metadata(vec![0; MAX_LEN])).rule(), Rule::D7);
}

// ---- Using an offer ----

// OFR-9
#[test]
fn an_offer_is_usable_until_its_last_second() {
    let expiring: Offer = offer().with_number(14, 1_000).read();
    for now in [0, 999, 1_000] {
        assert!(expiring.usable(UnixTime(now), BITCOIN).is_ok());
    }
    for now in [1_001, u64::MAX] {
        let error = expiring.usable(UnixTime(now), BITCOIN).unwrap_err();
        assert_error(&error, ErrorKind::Expired { at: UnixTime(1_000) }, Rule::Ofr9, Field::OFFER_ABSOLUTE_EXPIRY);
    }
    assert!(offer().read::<Offer>().usable(UnixTime(u64::MAX), BITCOIN).is_ok());
    let at_once: Offer = offer().with_number(14, 0).read();
    assert!(at_once.usable(UnixTime(0), BITCOIN).is_ok() && at_once.usable(UnixTime(1), BITCOIN).is_err());
}

// OFR-3
#[test]
fn an_offer_is_used_on_the_first_chain_of_the_payer_that_it_names() {
    let both: Offer = offer().with(2, [testnet(), mainnet()].concat()).read();
    let chain = |offer: &Offer, chains: &[ChainHash]| offer.usable(NOW, chains).map(|usable| usable.chain());
    assert_eq!(chain(&both, &[ChainHash::BITCOIN, ChainHash::TESTNET3]), Ok(ChainHash::BITCOIN));
    assert_eq!(chain(&both, &[ChainHash::REGTEST, ChainHash::TESTNET3]), Ok(ChainHash::TESTNET3));
    let only_testnet: Offer = offer().with(2, testnet()).read();
    let silent: Offer = offer().read();
    for (offer, chains) in
        [(&both, &[ChainHash::REGTEST][..]), (&both, &[]), (&only_testnet, BITCOIN), (&silent, &[ChainHash::TESTNET3])]
    {
        let error = chain(offer, chains).unwrap_err();
        assert_error(&error, ErrorKind::UnsupportedChain, Rule::Ofr3, Field::OFFER_CHAINS);
    }
    assert_eq!(chain(&silent, BITCOIN), Ok(ChainHash::BITCOIN));
}

// OFR-11
#[test]
fn a_request_can_go_over_each_path_to_its_last_blinded_node() {
    let paths = [path(), path_over(&[point(7)]), path_over(&[point(8), point(9), point(10)])].concat();
    let read: Offer = hidden_offer().with(16, paths).read();
    let last: Vec<_> = read.paths().unwrap().iter().map(|path| path.last_blinded_node_id()).collect();
    assert_eq!(last, [recipient().public_key(), point(7), point(10)]);
}

// ---- Builders ----

// OFW-1
#[test]
fn chains_are_written_only_if_bitcoin_is_not_the_only_one() {
    assert!(!built(builder()).0.contains_key(&2));
    assert!(!built(builder().add_chain(ChainHash::BITCOIN)).0.contains_key(&2));
    assert!(!built(builder().add_chain(ChainHash::BITCOIN).add_chain(ChainHash::BITCOIN)).0.contains_key(&2));
    assert_eq!(built(builder().add_chain(ChainHash::TESTNET3)).get(2), testnet());
    let both = built(builder().add_chain(ChainHash::BITCOIN).add_chain(ChainHash::TESTNET3));
    assert_eq!(both.get(2), [mainnet(), testnet()].concat());
}

// OFW-2
#[test]
fn amounts_are_more_than_zero_and_described() {
    let described = || builder().description("tea");
    for zero in [OfferAmount::Bitcoin(Msat(0)), usd(0)] {
        let error = not_built(described().amount(zero));
        assert_error(&error, ErrorKind::Zero, Rule::Ofw2, Field::OFFER_AMOUNT);
    }
    for amount in [OfferAmount::Bitcoin(Msat(1)), usd(1)] {
        assert_eq!(built(described().amount(amount)).get(8), [1]);
        let error = not_built(builder().amount(amount));
        assert_error(&error, ErrorKind::Missing, Rule::Ofr4, Field::OFFER_DESCRIPTION);
        let error = not_built(builder().amount(amount).description(""));
        assert_error(&error, ErrorKind::Missing, Rule::Ofr4, Field::OFFER_DESCRIPTION);
    }
}

// D3
#[test]
fn no_price_exceeds_all_the_bitcoin() {
    let described = || builder().description("the moon");
    assert_eq!(built(described().amount_msat(Msat::MAX_MONEY)).get(8), tu64(TOO_MUCH - 1));
    for msat in [TOO_MUCH, u64::MAX] {
        let error = not_built(described().amount_msat(Msat(msat)));
        let kind = ErrorKind::AmountTooHigh { max: Msat(2_100_000_000_000_000_000) };
        assert_error(&error, kind, Rule::D3, Field::OFFER_AMOUNT);
    }
    // Nobody knows how many dollars there will be.
    assert_eq!(built(described().amount(usd(u64::MAX))).get(8), [0xff; 8]);
}

// OFW-3
#[test]
fn a_currency_is_written_with_its_amount_in_the_minor_unit() {
    let raw = built(builder().description("tea").amount(usd(350)));
    assert_eq!((raw.get(6), raw.get(8)), (&b"USD"[..], &[1, 94][..]));
    let raw = built(builder().description("tea").amount_msat(Msat(350)));
    assert!(!raw.0.contains_key(&6));
}

// OFW-4
#[test]
fn an_offer_without_a_key_has_a_path() {
    for builder in [OfferBuilder::with_paths([]), OfferBuilder::with_paths([]).description("tea")] {
        assert_error(&not_built(builder), ErrorKind::Missing, Rule::Ofw4, Field::OFFER_PATHS);
    }
    let hidden = built(OfferBuilder::with_paths([blinded_path()]));
    assert_eq!(hidden, Raw::empty().with(16, path()));
    assert_eq!(built(builder()), Raw::empty().with(22, issuer().public_key().serialize()));
    let both = built(builder().add_path(blinded_path()).add_path(blinded_path()));
    assert_eq!(both.get(16), [path(), path()].concat());
}

// OFW-4, OFR-8
#[test]
fn a_path_without_hops_cannot_be_made() {
    let introduction = IntroductionNode::from(point(1));
    let error = BlindedPath::new(introduction, point(2), []).unwrap_err();
    assert_error(&error, ErrorKind::NoHops, Rule::Ofr8, None);
}

// OFW-5
#[test]
fn quantities_are_absent_zero_or_the_maximum() {
    let written = |quantity| built(builder().quantity_max(quantity)).0.get(&20).cloned();
    let at_most = |max| Quantity::AtMost(NonZeroU64::new(max).unwrap());
    assert_eq!(written(Quantity::One), None);
    assert_eq!(written(Quantity::Unlimited), Some(vec![]));
    assert_eq!(written(at_most(1)), Some(vec![1]));
    assert_eq!(written(at_most(u64::MAX)), Some(vec![0xff; 8]));
    for quantity in [Quantity::One, Quantity::Unlimited, at_most(1), at_most(300)] {
        assert_eq!(builder().quantity_max(quantity).build().unwrap().quantity_max(), quantity);
    }
}

// OFW-6
#[test]
fn empty_fields_are_left_out() {
    let empty = builder().metadata([]).description("").issuer("").features(Features::new([]).unwrap());
    assert_eq!(built(empty), Raw::empty().with(22, issuer().public_key().serialize()));
}

// OFW-6, D9
#[test]
fn features_are_written_minimal_wherever_they_come_from() {
    let read: &'static Offer = Box::leak(Box::new(offer().with(12, [0, 0, 0b10]).read()));
    let none: &'static Offer = Box::leak(Box::new(offer().with(12, [0, 0]).read()));
    assert_eq!(built(builder().features(read.features().unwrap())).get(12), [0b10]);
    assert!(!built(builder().features(none.features().unwrap())).0.contains_key(&12));
    let made = Features::new([Feature(9), Feature(1)]).unwrap();
    assert_eq!(built(builder().features(made)).get(12), [0b10, 0b10]);
}

// OFR-2
#[test]
fn a_builder_writes_compulsory_features_only_if_they_are_known() {
    static KNOWN: KnownFeatures = KnownFeatures { offer: &[8], ..KnownFeatures::DEFAULT };
    let features = || Features::new([Feature(8)]).unwrap();
    let error = not_built(builder().features(features()));
    assert_error(&error, ErrorKind::UnknownFeature(8), Rule::Ofr2, Field::OFFER_FEATURES);
    assert_eq!(built(builder().features(features()).knowing(&KNOWN)).get(12), [1, 0]);
}

// OFR-1
#[test]
fn custom_fields_are_odd_experimental_and_not_repeated() {
    let raw = built(builder().custom_field(1_999_999_999, [2]).custom_field(1_000_000_001, [1]));
    assert_eq!((raw.get(1_000_000_001), raw.get(1_999_999_999)), (&[1][..], &[2][..]));
    for number in [1, 79, 80, 999_999_999, 2_000_000_001, u64::MAX] {
        let error = not_built(builder().custom_field(number, []));
        assert_error(&error, ErrorKind::OutOfRange, Rule::Tlv5, Field::numbered(number));
    }
    let error = not_built(builder().custom_field(1_000_000_000, []));
    assert_error(&error, ErrorKind::UnknownEvenField, Rule::Tlv4, Field::numbered(1_000_000_000));
    let error = not_built(builder().custom_field(1_000_000_001, []).custom_field(1_000_000_001, []));
    assert_error(&error, ErrorKind::NotAscending, Rule::Tlv1, Field::numbered(1_000_000_001));
}

fn amounts() -> impl Strategy<Value = Option<OfferAmount>> {
    let msat = (1..TOO_MUCH).prop_map(|msat| OfferAmount::Bitcoin(Msat(msat)));
    proptest::option::of(prop_oneof![msat, (1..=u64::MAX).prop_map(usd)])
}

proptest! {
    // OFW-2, OFW-3, OFW-4, OFW-5, OFW-6
    #[test]
    fn what_a_builder_writes_is_read_as_what_was_meant(
        amount in amounts(),
        description in ".{1,40}",
        issuer_name in ".{0,20}",
        metadata in proptest::collection::vec(any::<u8>(), 0..20),
        expiry in proptest::option::of(any::<u64>()),
        max in proptest::option::of(any::<u64>()),
        paths in 0usize..3,
        seed in 1u8..=254,
    ) {
        let key: Keypair = key(seed);
        let quantity = match max.map(NonZeroU64::new) {
            None => Quantity::One,
            Some(None) => Quantity::Unlimited,
            Some(Some(max)) => Quantity::AtMost(max),
        };
        let mut builder = OfferBuilder::new(key.public_key())
            .description(&description).issuer(&issuer_name).metadata(metadata.clone()).quantity_max(quantity);
        if let Some(amount) = amount {
            builder = builder.amount(amount);
        }
        if let Some(expiry) = expiry {
            builder = builder.absolute_expiry(UnixTime(expiry));
        }
        for _ in 0..paths {
            builder = builder.add_path(blinded_path());
        }
        let built = builder.build().unwrap();
        let read = Offer::try_from(built.as_bytes()).unwrap();
        prop_assert_eq!(&read, &built);
        prop_assert_eq!(read.amount(), amount);
        prop_assert_eq!(read.description().map(|text| text.as_raw()), Some(&*description));
        prop_assert_eq!(read.issuer().map_or("", |text| text.as_raw()), &*issuer_name);
        prop_assert_eq!(read.metadata().unwrap_or_default(), &*metadata);
        prop_assert_eq!(read.absolute_expiry(), expiry.map(UnixTime));
        prop_assert_eq!(read.quantity_max(), quantity);
        prop_assert_eq!(read.paths().map_or(0, |paths| paths.count()), paths);
        prop_assert_eq!(read.issuer_id(), Some(key.public_key()));
        prop_assert_eq!(built.issuer_id(), Some(key.public_key()));
        prop_assert_eq!(read.id(), built.id());
    }
}
