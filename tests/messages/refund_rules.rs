//! The rules about refunds: requests that answer no offer.

use super::raw::*;
use bolt12::{
    ChainHash, Error, ErrorKind, Feature, Features, Field, InvoiceRequest, KnownFeatures, MAX_LEN, Msat, Refund,
    RefundBuilder, Rule, UnixTime, Unverified,
};
use proptest::prelude::*;

fn builder() -> RefundBuilder {
    RefundBuilder::new("broken cup", Msat(PRICE), payer().public_key(), [0x24; 16])
}

#[track_caller]
fn built(builder: RefundBuilder) -> Raw {
    Raw::of(builder.build().unwrap_or_else(|error| panic!("{error:#}")).as_bytes())
}

/// Both ways to build refuse the same.
#[track_caller]
fn not_built(builder: RefundBuilder) -> Error {
    let error = builder.clone().build().expect_err("this is against a rule");
    assert_eq!(builder.build_to_sign().expect_err("this is against a rule"), error);
    error
}

/// The refusal of a refund, signed or not.
#[track_caller]
fn refusal(raw: Raw) -> Error {
    let error = raw.refusal::<Refund>();
    assert_eq!(raw.sign_request(&payer()).refusal::<Refund>(), error);
    error
}

// D1
#[test]
fn a_refund_may_be_signed_and_then_verifies() {
    let unsigned: Refund = refund().read();
    assert_eq!((unsigned.signature(), unsigned.amount()), (None, Msat(PRICE)));
    let signed: Refund = refund().sign_request(&payer()).read();
    assert!(signed.signature().is_some());
    assert_eq!(signed.payer_id(), payer().public_key());

    let changed = refund().sign_request(&payer()).with(89, "more");
    for raw in [refund().sign_request(&issuer()), changed, refund().with(240, [0; 64])] {
        let error = raw.refusal::<Refund>();
        assert_error_at(&error, ErrorKind::InvalidSignature, Rule::D1, Field::SIGNATURE, raw.value_at(240));
        assert!(Unverified::<Refund>::try_from(raw.encode()).is_ok());
    }
}

// RQR-1
#[test]
fn payer_id_and_metadata_are_required() {
    assert_error(&refusal(refund().without(0)), ErrorKind::Missing, Rule::Rqr1, Field::INVREQ_METADATA);
    let error = refund().without(88).refusal::<Refund>();
    assert_error(&error, ErrorKind::Missing, Rule::Rqr1, Field::INVREQ_PAYER_ID);
}

// RQR-2
#[test]
fn an_unknown_compulsory_feature_is_named() {
    let error = refusal(refund().with(84, [0b0100_0000]));
    assert_error(&error, ErrorKind::UnknownFeature(6), Rule::Rqr2, Field::INVREQ_FEATURES);
    assert!(refund().with(84, [0b1000_0000]).read::<Refund>().features().is_some());
}

// RQR-4, D8
#[test]
fn paths_and_lists_of_paths_are_not_empty() {
    let raw = refund().with(90, [path(), path_over(&[])].concat());
    let at = raw.value_at(90) + path().len() + 66;
    assert_error_at(&raw.refusal::<Refund>(), ErrorKind::NoHops, Rule::Rqr4, Field::INVREQ_PATHS, at);
    let error = refusal(refund().with(90, []));
    assert_error(&error, ErrorKind::NoEntries, Rule::D8, Field::INVREQ_PATHS);
}

// RQR-11
#[test]
fn fields_that_only_an_offer_has_are_refused() {
    for (number, value, field) in [
        (2, mainnet().to_vec(), Field::OFFER_CHAINS),
        (12, vec![], Field::OFFER_FEATURES),
        (12, vec![2], Field::OFFER_FEATURES),
        (20, vec![], Field::OFFER_QUANTITY_MAX),
        (20, vec![1], Field::OFFER_QUANTITY_MAX),
    ] {
        let raw = refund().with(number, value);
        let error = raw.refusal::<Refund>();
        assert_error_at(&error, ErrorKind::Unexpected, Rule::Rqr11, field, raw.record_at(number));
    }
}

// RQR-11
#[test]
fn an_answer_to_an_offer_is_no_refund() {
    let key = issuer().public_key().serialize();
    for (raw, field) in
        [(refund().with(22, key), Field::OFFER_ISSUER_ID), (refund().with(16, path()), Field::OFFER_PATHS)]
    {
        assert_error(&raw.refusal::<Refund>(), ErrorKind::IsNotRefund, Rule::Rqr11, field);
    }
    assert_eq!(request().refusal::<Refund>().kind(), &ErrorKind::IsNotRefund);
    assert_eq!(refund().sign_request(&payer()).refusal::<InvoiceRequest>().kind(), &ErrorKind::IsRefund);
}

// RQR-11
#[test]
fn an_amount_is_required() {
    let error = refusal(refund().without(82));
    assert_error(&error, ErrorKind::Missing, Rule::Rqr11, Field::INVREQ_AMOUNT);
    let error = refusal(refund().without(82).with_number(8, PRICE));
    assert_error(&error, ErrorKind::Missing, Rule::Rqr11, Field::INVREQ_AMOUNT);
}

// RQR-11, OFR-4, OFR-5, OFR-6
#[test]
fn the_amount_and_currency_of_an_offer_are_for_display_only() {
    for raw in [
        refund().with_number(8, 2 * PRICE),
        refund().without(10).with_number(8, PRICE),
        refund().with_number(8, 0),
        refund().with(6, "USD"),
        refund().with(6, "USD").with_number(8, u64::MAX).with_number(86, u64::MAX),
    ] {
        assert_eq!(raw.read::<Refund>().amount(), Msat(PRICE));
        let refund: Refund = raw.read();
        assert_eq!(refund.accept(NOW, BITCOIN, recipient().public_key()).unwrap().amount(), Msat(PRICE));
    }
}

// RQR-8
#[test]
fn the_rules_about_quantities_are_for_answers_to_offers() {
    assert_eq!(refund().with_number(86, 0).read::<Refund>().quantity(), Some(0));
}

// RQR-14
#[test]
fn a_name_holds_few_characters_in_a_refund_too() {
    let raw = refund().with(91, b"\x01\xff\x01a");
    let error = raw.refusal::<Refund>();
    assert_error_at(
        &error,
        ErrorKind::InvalidName('\u{fffd}'),
        Rule::Rqr14,
        Field::INVREQ_BIP_353_NAME,
        raw.value_at(91) + 1,
    );
}

// RQR-12
#[test]
fn the_invoice_goes_over_the_paths_or_to_the_payer() {
    let over: Refund = refund().with(90, [path(), path_over(&[point(9)])].concat()).read();
    let last: Vec<_> = over.paths().unwrap().iter().map(|path| path.last_blinded_node_id()).collect();
    assert_eq!(last, [recipient().public_key(), point(9)]);
    let direct: Refund = refund().read();
    assert!(direct.paths().is_none());
    assert_eq!(direct.payer_id(), payer().public_key());
}

// ---- Accepting ----

// OFR-9
#[test]
fn a_refund_is_claimed_until_its_last_second() {
    let expiring: Refund = refund().with_number(14, 1_000).read();
    assert!(expiring.accept(UnixTime(1_000), BITCOIN, recipient().public_key()).is_ok());
    let error = expiring.accept(UnixTime(1_001), BITCOIN, recipient().public_key()).unwrap_err();
    assert_error(&error, ErrorKind::Expired { at: UnixTime(1_000) }, Rule::Ofr9, Field::OFFER_ABSOLUTE_EXPIRY);
}

// RQR-13
#[test]
fn a_refund_is_on_a_chain_of_ours() {
    let on_bitcoin: Refund = refund().read();
    let on_testnet: Refund = refund().with(80, testnet()).read();
    assert!(on_bitcoin.accept(NOW, BITCOIN, recipient().public_key()).is_ok());
    assert!(on_testnet.accept(NOW, &[ChainHash::BITCOIN, ChainHash::TESTNET3], recipient().public_key()).is_ok());
    for error in [
        on_testnet.accept(NOW, BITCOIN, recipient().public_key()),
        on_bitcoin.accept(NOW, &[ChainHash::TESTNET3], recipient().public_key()),
    ] {
        assert_error(&error.unwrap_err(), ErrorKind::UnsupportedChain, Rule::Rqr13, Field::INVREQ_CHAIN);
    }
}

// D3
#[test]
fn an_amount_that_nobody_can_pay_is_read_but_not_accepted() {
    let of = |amount| refund().with_number(82, amount).read::<Refund>();
    let error = of(0).accept(NOW, BITCOIN, recipient().public_key()).unwrap_err();
    assert_error(&error, ErrorKind::Zero, Rule::Rqr11, Field::INVREQ_AMOUNT);
    assert!(of(TOO_MUCH - 1).accept(NOW, BITCOIN, recipient().public_key()).is_ok());
    for amount in [TOO_MUCH, u64::MAX] {
        let error = of(amount).accept(NOW, BITCOIN, recipient().public_key()).unwrap_err();
        assert_error(&error, ErrorKind::AmountTooHigh { max: Msat(TOO_MUCH - 1) }, Rule::D3, Field::INVREQ_AMOUNT);
    }
}

// ---- Builders ----

// RQW-9
#[test]
fn a_refund_holds_what_it_has_to() {
    assert_eq!(built(builder()), refund());
    let more = builder()
        .absolute_expiry(UnixTime(1_000))
        .issuer("shop")
        .chain(ChainHash::TESTNET3)
        .payer_note("sorry")
        .add_path(blinded_path());
    let expected =
        refund().with_number(14, 1_000).with(18, "shop").with(80, testnet()).with(89, "sorry").with(90, path());
    assert_eq!(built(more), expected);
    assert_eq!(built(builder().chain(ChainHash::BITCOIN)), refund());
}

// RQW-9
#[test]
fn description_and_amount_are_not_nothing() {
    let with = |description, amount| RefundBuilder::new(description, Msat(amount), payer().public_key(), [0x24; 16]);
    let error = not_built(with("", PRICE));
    assert_error(&error, ErrorKind::Missing, Rule::Rqw9, Field::OFFER_DESCRIPTION);
    let error = not_built(with("cup", 0));
    assert_error(&error, ErrorKind::Zero, Rule::Rqw9, Field::INVREQ_AMOUNT);
    assert_eq!(built(with("cup", 1)).get(82), [1]);
    // D3
    assert_eq!(built(with("cup", TOO_MUCH - 1)).get(82), tu64(TOO_MUCH - 1));
    let error = not_built(with("cup", TOO_MUCH));
    assert_error(&error, ErrorKind::AmountTooHigh { max: Msat(TOO_MUCH - 1) }, Rule::D3, Field::INVREQ_AMOUNT);
}

// RQW-6
#[test]
fn metadata_has_at_least_16_bytes() {
    let with = |len| RefundBuilder::new("cup", Msat(1), payer().public_key(), vec![1; len]);
    for len in [0, 15] {
        let error = not_built(with(len));
        assert_error(&error, ErrorKind::TooShort { min: 16 }, Rule::Rqw6, Field::INVREQ_METADATA);
    }
    assert_eq!(built(with(16)).get(0), [1; 16]);
    // D7
    assert!(matches!(not_built(with(MAX_LEN)).kind(), ErrorKind::TooLong { .. }));
}

// RQW-10, D1
#[test]
fn a_refund_is_signed_only_when_that_is_asked_for() {
    assert!(!built(builder()).0.contains_key(&240));
    let unsigned = builder().build_to_sign().unwrap();
    let error = unsigned.clone().sign(&issuer()).unwrap_err();
    assert_error(&error, ErrorKind::WrongKey, Rule::D1, Field::INVREQ_PAYER_ID);
    let signed = unsigned.sign(&payer()).unwrap();
    assert_eq!(Raw::of(signed.as_bytes()), refund().sign_request(&payer()));
}

// RQR-2, OFW-6, D9
#[test]
fn features_are_known_and_minimal_and_empty_fields_left_out() {
    static KNOWN: KnownFeatures = KnownFeatures { invoice_request: &[8], ..KnownFeatures::DEFAULT };
    assert_eq!(built(builder().issuer("").payer_note("").features(Features::new([]).unwrap())), refund());
    let padded: &'static Refund = Box::leak(Box::new(refund().with(84, [0, 0b10]).read()));
    assert_eq!(built(builder().features(padded.features().unwrap())).get(84), [0b10]);
    let compulsory = || Features::new([Feature(8)]).unwrap();
    let error = not_built(builder().features(compulsory()));
    assert_error(&error, ErrorKind::UnknownFeature(8), Rule::Rqr2, Field::INVREQ_FEATURES);
    assert_eq!(built(builder().features(compulsory()).knowing(&KNOWN)).get(84), [1, 0]);
}

// RQW-10
#[test]
fn custom_fields_cannot_bring_in_what_a_refund_must_not_have() {
    for number in [1_000_000_001, 1_999_999_999, 2_000_000_001, 2_999_999_999] {
        assert_eq!(built(builder().custom_field(number, [7])), refund().with(number, [7]));
    }
    for number in [2, 4, 6, 8, 12, 16, 20, 22, 240, 79, 159, 999_999_999, 3_000_000_001] {
        let error = not_built(builder().custom_field(number, [7]));
        assert_error(&error, ErrorKind::OutOfRange, Rule::Tlv5, Field::numbered(number));
    }
}

proptest! {
    // RQW-9, RQW-10
    #[test]
    fn what_a_builder_writes_is_a_refund_without_an_offers_fields(
        description in ".{1,30}",
        issuer in ".{0,10}",
        note in ".{0,10}",
        amount in 1..TOO_MUCH,
        expiry in any::<u64>(),
        metadata in proptest::collection::vec(any::<u8>(), 16..40),
        paths in 0usize..3,
    ) {
        let mut builder = RefundBuilder::new(&description, Msat(amount), payer().public_key(), metadata.clone())
            .issuer(&issuer).payer_note(&note).absolute_expiry(UnixTime(expiry));
        for _ in 0..paths {
            builder = builder.add_path(blinded_path());
        }
        let refund = builder.build().unwrap();
        let raw = Raw::of(refund.as_bytes());
        for number in [2, 4, 6, 8, 12, 16, 20, 22, 240] {
            prop_assert!(!raw.0.contains_key(&number));
        }
        let read: Refund = raw.read();
        prop_assert_eq!(&read, &refund);
        prop_assert_eq!(read.amount(), Msat(amount));
        prop_assert_eq!(read.metadata(), Some(&*metadata));
        prop_assert_eq!(read.offer().description().unwrap().as_raw(), &*description);
        prop_assert_eq!(read.offer().issuer().map_or("", |text| text.as_raw()), &*issuer);
        prop_assert_eq!(read.payer_note().map_or("", |text| text.as_raw()), &*note);
        prop_assert_eq!(read.offer().absolute_expiry(), Some(UnixTime(expiry)));
        prop_assert_eq!(read.paths().map_or(0, |paths| paths.count()), paths);
    }
}
