//! The rules about requests that answer an offer: what a reader refuses, what a builder cannot write,
//! and what an issuer accepts.

use super::raw::{self, *};
use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::secp256k1::{Keypair, Message, Secp256k1};
use bolt12::{
    ChainHash, Error, ErrorKind, Feature, Features, Field, HumanReadableName, InvoiceRequest, InvoiceRequestBuilder,
    KnownFeatures, MAX_LEN, Msat, Offer, RequestContext, Rule, UnixTime, Unsigned, Unverified,
};

const MAX_QUANTITY: u64 = 300;

/// An unsigned request that will be signed after it was edited.
fn plain() -> Raw {
    request_for(offer())
}

/// A request for an offer that sells several items at once.
fn several(quantity: u64) -> Raw {
    request_for(offer().with_number(20, MAX_QUANTITY)).with_number(86, quantity)
}

fn signed(raw: Raw) -> Raw {
    raw.sign_request(&payer())
}

#[track_caller]
fn read(raw: Raw) -> InvoiceRequest {
    signed(raw).read()
}

#[track_caller]
fn refusal(raw: Raw) -> Error {
    signed(raw).refusal::<InvoiceRequest>()
}

fn builder(offer: &Offer) -> InvoiceRequestBuilder<'_> {
    let chain = offer.chains().map_or(ChainHash::BITCOIN, |chains| chains.iter().next().unwrap());
    let usable = offer.usable(NOW, &[chain]).unwrap();
    InvoiceRequestBuilder::new(usable, payer().public_key(), [0x24; 16])
}

#[track_caller]
fn built(builder: InvoiceRequestBuilder<'_>) -> Raw {
    let unsigned = builder.build().unwrap_or_else(|error| panic!("{error:#}"));
    Raw::of(unsigned.sign(&payer()).unwrap().as_bytes())
}

#[track_caller]
fn not_built(builder: InvoiceRequestBuilder<'_>) -> Error {
    builder.build().expect_err("this is against a rule")
}

fn context(offer: &Offer) -> RequestContext<'_> {
    request_context(offer)
}

// RQR-3
#[test]
fn the_request_that_the_other_tests_break_is_valid() {
    let request: InvoiceRequest = request().read();
    assert_eq!(request.payer_id(), payer().public_key());
    assert_eq!(request.metadata(), Some(&[0x24; 16][..]));
    assert_eq!(request.as_bytes(), raw::request().encode());
}

// ---- Readers ----

// RQR-1
#[test]
fn payer_id_and_metadata_are_required() {
    let error = refusal(plain().without(0));
    assert_error(&error, ErrorKind::Missing, Rule::Rqr1, Field::INVREQ_METADATA);
    let error = refusal(plain().without(88));
    assert_error(&error, ErrorKind::Missing, Rule::Rqr1, Field::INVREQ_PAYER_ID);
    // D6
    assert_eq!(read(plain().with(0, [])).metadata(), Some(&[][..]));
}

// RQR-2
#[test]
fn an_unknown_compulsory_feature_is_named() {
    static KNOWN: KnownFeatures = KnownFeatures { invoice_request: &[8], ..KnownFeatures::DEFAULT };
    for (bit, bytes) in [(0, vec![0b11]), (8, vec![1, 0]), (16, vec![1, 0, 0])] {
        let raw = signed(plain().with(84, bytes));
        let error = raw.refusal::<InvoiceRequest>();
        assert_error_at(&error, ErrorKind::UnknownFeature(bit), Rule::Rqr2, Field::INVREQ_FEATURES, raw.record_at(84));
        assert_eq!(InvoiceRequest::read(raw.encode(), &KNOWN).is_ok(), bit == 8);
    }
    assert!(read(plain().with(84, [0b1010_1010])).features().unwrap().contains(Feature(7)));
}

// RQR-3, SIG-5
#[test]
fn a_request_is_signed_by_its_payer() {
    let error = plain().refusal::<InvoiceRequest>();
    assert_error(&error, ErrorKind::Missing, Rule::Rqr3, Field::SIGNATURE);
    let others = plain().sign_request(&issuer());
    let changed = signed(plain()).with(89, "another note");
    let wrong_message = plain().sign_invoice(&payer());
    let mut flipped = signed(plain());
    flipped.0.get_mut(&240).unwrap()[63] ^= 1;
    for raw in [others, changed, wrong_message, flipped] {
        let error = raw.refusal::<InvoiceRequest>();
        assert_error_at(&error, ErrorKind::InvalidSignature, Rule::Rqr3, Field::SIGNATURE, raw.value_at(240));
        // Everything but the curve is fine.
        assert!(Unverified::<InvoiceRequest>::try_from(raw.encode()).is_ok());
    }
}

// RQR-4, D8
#[test]
fn paths_and_lists_of_paths_are_not_empty() {
    let raw = signed(plain().with(90, path_over(&[])));
    let error = raw.refusal::<InvoiceRequest>();
    assert_error_at(&error, ErrorKind::NoHops, Rule::Rqr4, Field::INVREQ_PATHS, raw.value_at(90) + 66);
    let raw = signed(plain().with(90, []));
    let error = raw.refusal::<InvoiceRequest>();
    assert_error_at(&error, ErrorKind::NoEntries, Rule::D8, Field::INVREQ_PATHS, raw.value_at(90));
    assert_eq!(read(plain().with(90, [path(), path()].concat())).paths().unwrap().count(), 2);
}

// RQR-8
#[test]
fn a_quantity_is_given_exactly_when_the_offer_asks_for_one() {
    let error = refusal(plain().with_number(86, 1));
    assert_error(&error, ErrorKind::Unexpected, Rule::Rqr8, Field::INVREQ_QUANTITY);
    let error = refusal(several(1).without(86));
    assert_error(&error, ErrorKind::Missing, Rule::Rqr8, Field::INVREQ_QUANTITY);
    let error = refusal(several(0));
    assert_error(&error, ErrorKind::Zero, Rule::Rqr8, Field::INVREQ_QUANTITY);
    let raw = signed(several(MAX_QUANTITY + 1));
    let kind = ErrorKind::QuantityTooLarge { max: MAX_QUANTITY };
    let error = raw.refusal::<InvoiceRequest>();
    assert_error_at(&error, kind, Rule::Rqr8, Field::INVREQ_QUANTITY, raw.record_at(86));
    for quantity in [1, 2, MAX_QUANTITY] {
        assert_eq!(read(several(quantity)).quantity(), Some(quantity));
    }
}

// RQR-8, D4
#[test]
fn an_unlimited_quantity_is_still_not_zero() {
    let unlimited = |quantity| several(quantity).with_number(20, 0);
    let error = refusal(unlimited(0));
    assert_error(&error, ErrorKind::Zero, Rule::D4, Field::INVREQ_QUANTITY);
    assert_eq!(read(unlimited(1)).quantity(), Some(1));
    assert_eq!(read(unlimited(u64::MAX / PRICE)).quantity(), Some(u64::MAX / PRICE));
}

// RQR-9
#[test]
fn the_amount_is_at_least_the_price_times_the_quantity() {
    let with = |quantity, amount| several(quantity).with_number(82, amount);
    for (quantity, due) in [(1, PRICE), (3, 3 * PRICE)] {
        let error = refusal(with(quantity, due - 1));
        assert_error(&error, ErrorKind::AmountTooLow { min: Msat(due) }, Rule::Rqr9, Field::INVREQ_AMOUNT);
        for enough in [due, due + 1, u64::MAX] {
            assert_eq!(read(with(quantity, enough)).amount(), Some(Msat(enough)));
        }
    }
    assert_eq!(refusal(plain().with_number(82, PRICE - 1)).rule(), Rule::Rqr9);
    assert_eq!(refusal(plain().with_number(82, 0)).rule(), Rule::Rqr9);
    // What a currency is worth is not known to a parser.
    assert!(read(plain().with(6, "USD").with_number(82, 1)).amount().is_some());
}

// RQR-9
#[test]
fn a_price_that_overflows_is_refused_with_and_without_an_amount() {
    let unlimited = |quantity| several(quantity).with_number(20, 0);
    let most = u64::MAX / PRICE;
    for raw in [unlimited(most + 1), unlimited(u64::MAX), unlimited(most + 1).with_number(82, u64::MAX)] {
        for raw in [raw.clone(), raw.with(6, "USD")] {
            let error = refusal(raw);
            assert_error(&error, ErrorKind::Overflow, Rule::Rqr9, Field::INVREQ_QUANTITY);
        }
    }
    assert!(read(unlimited(most)).price().is_ok());
}

// RQR-10
#[test]
fn somebody_names_an_amount() {
    let error = refusal(plain().without(8));
    assert_error(&error, ErrorKind::Missing, Rule::Rqr10, Field::INVREQ_AMOUNT);
    assert_eq!(read(plain().without(8).with_number(82, 1)).amount(), Some(Msat(1)));
    assert_eq!(read(plain()).amount(), None);
}

// RQR-14
#[test]
fn names_hold_few_characters() {
    let name = |name: &[u8], domain: &[u8]| [&[name.len() as u8], name, &[domain.len() as u8], domain].concat();
    let valid = read(plain().with(91, name(b"a-Z_0.9", b"example.com")));
    let read_name = valid.bip_353_name().unwrap();
    assert_eq!((read_name.user(), read_name.domain()), ("a-Z_0.9", "example.com"));
    for bad in [0xff, 0x00, b'@', b' ', b'/', b'"', b'\n', 0xc3, 0x7f] {
        // What is no character has no name.
        let kind = ErrorKind::InvalidName(if bad.is_ascii() { bad.into() } else { '\u{fffd}' });
        let raw = signed(plain().with(91, name(&[b'a', bad], b"b.c")));
        let error = raw.refusal::<InvoiceRequest>();
        let at = raw.value_at(91) + 2;
        assert_error_at(&error, kind.clone(), Rule::Rqr14, Field::INVREQ_BIP_353_NAME, at);
        let raw = signed(plain().with(91, name(b"a", &[b'b', b'.', bad])));
        let error = raw.refusal::<InvoiceRequest>();
        let at = raw.value_at(91) + 5;
        assert_error_at(&error, kind.clone(), Rule::Rqr14, Field::INVREQ_BIP_353_NAME, at);
    }
    // D12
    for (user, domain, place) in [(&b""[..], &b"c.d"[..], 1), (b"ab", b"", 4)] {
        let raw = signed(plain().with(91, name(user, domain)));
        let error = raw.refusal::<InvoiceRequest>();
        let at = raw.value_at(91) + place;
        assert_error_at(&error, ErrorKind::EmptyValue, Rule::D12, Field::INVREQ_BIP_353_NAME, at);
    }
    let whole = name(b"ab", b"c.d");
    for len in 0..whole.len() {
        let error = refusal(plain().with(91, &whole[..len]));
        assert_error(&error, ErrorKind::Truncated, Rule::Rqr14, Field::INVREQ_BIP_353_NAME);
    }
    let raw = signed(plain().with(91, [&whole[..], &[0]].concat()));
    let error = raw.refusal::<InvoiceRequest>();
    let at = raw.value_at(91) + whole.len();
    assert_error_at(&error, ErrorKind::InvalidLength, Rule::Rqr14, Field::INVREQ_BIP_353_NAME, at);
}

// D10: OFR-2, OFR-3, OFR-4, OFR-5, OFR-6, OFR-8
#[test]
fn the_offer_in_a_request_could_be_an_offer() {
    let amounted = || plain().with_number(82, PRICE);
    for (raw, kind, rule, field) in [
        (amounted().with(12, [1]), ErrorKind::UnknownFeature(0), Rule::Ofr2, Field::OFFER_FEATURES),
        (amounted().with(2, []), ErrorKind::NoEntries, Rule::Ofr3, Field::OFFER_CHAINS),
        (amounted().without(10), ErrorKind::Missing, Rule::Ofr4, Field::OFFER_DESCRIPTION),
        (amounted().with(8, []), ErrorKind::Zero, Rule::Ofr5, Field::OFFER_AMOUNT),
        (amounted().without(8).with(6, "USD"), ErrorKind::Missing, Rule::Ofr6, Field::OFFER_AMOUNT),
        (amounted().with(16, path_over(&[])), ErrorKind::NoHops, Rule::Ofr8, Field::OFFER_PATHS),
    ] {
        assert_error(&refusal(raw), kind, rule, field);
    }
    assert!(read(amounted()).offer().issuer_id().is_some());
}

// OFR-7
#[test]
fn a_refund_is_no_answer_to_an_offer() {
    for raw in [refund(), signed(refund())] {
        let error = raw.refusal::<InvoiceRequest>();
        assert_error(&error, ErrorKind::IsRefund, Rule::Ofr7, Field::OFFER_ISSUER_ID);
    }
}

// D10, RQW-2
#[test]
fn the_chain_is_one_of_the_offers() {
    let error = refusal(plain().with(80, testnet()));
    assert_error(&error, ErrorKind::UnsupportedChain, Rule::D10, Field::INVREQ_CHAIN);
    let error = refusal(plain().with(2, testnet()));
    assert_error(&error, ErrorKind::UnsupportedChain, Rule::D10, Field::INVREQ_CHAIN);
    assert_eq!(read(plain().with(2, testnet()).with(80, testnet())).chain(), ChainHash::TESTNET3);
    let both = || plain().with(2, [testnet(), mainnet()].concat());
    assert_eq!(read(both()).chain(), ChainHash::BITCOIN);
    assert_eq!(read(both().with(80, testnet())).chain(), ChainHash::TESTNET3);
}

// ---- Accepting ----

// IVW-2
#[test]
fn what_is_accepted_is_the_requested_or_else_the_expected_amount() {
    let offer: Offer = offer().read();
    assert_eq!(read(plain()).accept(&context(&offer)).unwrap().amount(), Msat(PRICE));
    let more = read(plain().with_number(82, PRICE + 7));
    assert_eq!(more.accept(&context(&offer)).unwrap().amount(), Msat(PRICE + 7));
    let selling: Offer = raw::offer().with_number(20, MAX_QUANTITY).read();
    assert_eq!(read(several(3)).accept(&context(&selling)).unwrap().amount(), Msat(3 * PRICE));
}

// RQR-6
#[test]
fn a_request_for_another_offer_is_refused() {
    let offer: Offer = raw::offer().with(77, [1, 2]).with(1_000_000_001, [3]).read();
    let mirrored = || request_for(Raw::of(offer.as_bytes()));
    assert!(read(mirrored()).accept(&context(&offer)).is_ok());
    for changed in [
        mirrored().with_number(8, PRICE + 1),
        mirrored().with(10, "Tea"),
        mirrored().with(18, ""),
        mirrored().with(12, []),
        mirrored().with(77, [1, 3]),
        mirrored().without(77),
        mirrored().with(79, []),
        mirrored().with(1_000_000_001, [4]),
        mirrored().without(1_000_000_001),
        mirrored().with(1_999_999_999, []),
    ] {
        let error = read(changed).accept(&context(&offer)).unwrap_err();
        assert_error(&error, ErrorKind::Differs, Rule::Rqr6, None);
    }
    // What is the request's own does not matter.
    let own = mirrored().with(101, []).with(2_000_000_001, []);
    assert!(read(own).accept(&context(&offer)).is_ok());
}

// RQR-6, OFR-9
#[test]
fn a_request_is_accepted_until_the_offers_last_second() {
    let offer: Offer = raw::offer().with_number(14, CREATED_AT).read();
    let request = read(request_for(Raw::of(offer.as_bytes())));
    let at = |now| RequestContext { now: UnixTime(now), ..context(&offer) };
    assert!(request.accept(&at(CREATED_AT)).is_ok());
    let error = request.accept(&at(CREATED_AT + 1)).unwrap_err();
    let kind = ErrorKind::Expired { at: UnixTime(CREATED_AT) };
    assert_error(&error, kind, Rule::Ofr9, Field::OFFER_ABSOLUTE_EXPIRY);
}

// RQR-13
#[test]
fn a_request_is_for_a_chain_of_ours() {
    let offer: Offer = raw::offer().with(2, [testnet(), mainnet()].concat()).read();
    let on_testnet = read(request_for(Raw::of(offer.as_bytes())).with(80, testnet()));
    let on_bitcoin = read(request_for(Raw::of(offer.as_bytes())));
    let error = on_testnet.accept(&context(&offer)).unwrap_err();
    assert_error(&error, ErrorKind::UnsupportedChain, Rule::Rqr13, Field::INVREQ_CHAIN);
    assert!(on_bitcoin.accept(&context(&offer)).is_ok());
    let ours = RequestContext { chains: &[ChainHash::TESTNET3], ..context(&offer) };
    assert!(on_testnet.accept(&ours).is_ok());
    assert_eq!(on_bitcoin.accept(&ours).unwrap_err().rule(), Rule::Rqr13);
}

// RQR-9
#[test]
fn a_price_in_a_currency_is_converted() {
    let offer: Offer = raw::offer().with(6, "USD").read();
    let request = |amount: Option<u64>| {
        let raw = request_for(Raw::of(offer.as_bytes()));
        read(amount.map_or(raw.clone(), |amount| raw.with_number(82, amount)))
    };
    let error = request(None).accept(&context(&offer)).unwrap_err();
    assert_error(&error, ErrorKind::RateNeeded { currency: "USD".parse().unwrap() }, Rule::Rqr9, Field::OFFER_AMOUNT);
    // PRICE cents, of which two are worth a millisatoshi.
    let converted = RequestContext { rate: Some(rate(2, 1)), ..context(&offer) };
    assert_eq!(request(None).accept(&converted).unwrap().amount(), Msat(5_000));
    assert_eq!(request(Some(5_001)).accept(&converted).unwrap().amount(), Msat(5_001));
    let error = request(Some(4_999)).accept(&converted).unwrap_err();
    assert_error(&error, ErrorKind::AmountTooLow { min: Msat(5_000) }, Rule::Rqr9, Field::INVREQ_AMOUNT);
}

// RQR-9, D3
#[test]
fn a_greatly_larger_amount_may_be_refused_and_an_impossible_one_is() {
    let offer: Offer = raw::offer().without(8).read();
    let request = |amount| read(request_for(Raw::of(offer.as_bytes())).with_number(82, amount));
    let limited = RequestContext { max_amount: Some(Msat(50_000)), ..context(&offer) };
    assert_eq!(request(50_000).accept(&limited).unwrap().amount(), Msat(50_000));
    let error = request(50_001).accept(&limited).unwrap_err();
    assert_error(&error, ErrorKind::AmountTooHigh { max: Msat(50_000) }, Rule::Rqr9, Field::INVREQ_AMOUNT);

    assert!(request(TOO_MUCH - 1).accept(&context(&offer)).is_ok());
    let error = request(TOO_MUCH).accept(&context(&offer)).unwrap_err();
    assert_error(&error, ErrorKind::AmountTooHigh { max: Msat(TOO_MUCH - 1) }, Rule::D3, Field::INVREQ_AMOUNT);
    let error = request(0).accept(&context(&offer)).unwrap_err();
    assert_error(&error, ErrorKind::Zero, Rule::Rqr9, Field::INVREQ_AMOUNT);
    // What was converted may be too much as well, but never nothing: a fraction is rounded up.
    let currency: Offer = raw::offer().with(6, "USD").with_number(8, 1).read();
    let silent = read(request_for(Raw::of(currency.as_bytes())));
    let at = |rate| silent.accept(&RequestContext { rate: Some(rate), ..context(&currency) });
    assert_eq!(at(rate(u64::MAX, 1)).unwrap().amount(), Msat(1));
    assert_eq!(at(rate(1, TOO_MUCH - 1)).unwrap().amount(), Msat(TOO_MUCH - 1));
    // The request names no amount, so the price is to blame.
    let error = at(rate(1, TOO_MUCH)).unwrap_err();
    assert_error(&error, ErrorKind::AmountTooHigh { max: Msat(TOO_MUCH - 1) }, Rule::D3, Field::OFFER_AMOUNT);
}

// ---- Builders ----

// RQW-1
#[test]
fn all_fields_of_the_offer_are_copied() {
    let raw = offer()
        .with(4, [])
        .with(12, [0, 0])
        .with(18, "")
        .with(33, [1; 300])
        .with(79, [])
        .with(1_000_000_001, [2])
        .with(1_999_999_999, []);
    let offer: Offer = raw.read();
    let request = built(builder(&offer).custom_field(2_000_000_001, [3]));
    assert_eq!(request.only(|number| ![0, 88, 2_000_000_001].contains(&number)), raw);
}

// RQW-2
#[test]
fn the_chain_is_written_unless_it_is_bitcoin() {
    let silent: Offer = offer().read();
    assert!(!built(builder(&silent)).0.contains_key(&80));
    let both: Offer = offer().with(2, [mainnet(), testnet()].concat()).read();
    assert!(!built(builder(&both)).0.contains_key(&80));
    let on_testnet: Offer = offer().with(2, [testnet(), mainnet()].concat()).read();
    assert_eq!(built(builder(&on_testnet)).get(80), testnet());
}

// RQW-3
#[test]
fn an_amount_is_named_if_the_offer_does_not_and_is_never_too_small() {
    let priced: Offer = offer().with_number(20, 0).read();
    let error = not_built(builder(&priced).quantity(2).amount(Msat(2 * PRICE - 1)));
    assert_error(&error, ErrorKind::AmountTooLow { min: Msat(2 * PRICE) }, Rule::Rqr9, Field::INVREQ_AMOUNT);
    for enough in [2 * PRICE, 2 * PRICE + 1] {
        assert_eq!(built(builder(&priced).quantity(2).amount(Msat(enough))).get(82), tu64(enough));
    }
    assert!(!built(builder(&priced).quantity(2)).0.contains_key(&82));

    let open: Offer = offer().without(8).read();
    let error = not_built(builder(&open));
    assert_error(&error, ErrorKind::Missing, Rule::Rqr10, Field::INVREQ_AMOUNT);
    let error = not_built(builder(&open).amount(Msat(0)));
    assert_error(&error, ErrorKind::Zero, Rule::Rqw3, Field::INVREQ_AMOUNT);
    assert_eq!(built(builder(&open).amount(Msat(1))).get(82), [1]);
}

// RQW-3
#[test]
fn an_amount_for_a_price_in_a_currency_is_compared_with_what_it_is_worth() {
    let offer: Offer = offer().with(6, "USD").read();
    let error = not_built(builder(&offer).amount(Msat(5_000)));
    assert_error(&error, ErrorKind::RateNeeded { currency: "USD".parse().unwrap() }, Rule::Rqw3, Field::OFFER_AMOUNT);
    let error = not_built(builder(&offer).amount(Msat(4_999)).rate(rate(2, 1)));
    assert_error(&error, ErrorKind::AmountTooLow { min: Msat(5_000) }, Rule::Rqw3, Field::INVREQ_AMOUNT);
    let raw = built(builder(&offer).amount(Msat(5_000)).rate(rate(2, 1)));
    assert_eq!(raw.get(82), tu64(5_000));
    // Without an amount, the issuer converts.
    assert!(!built(builder(&offer)).0.contains_key(&82));
}

// D3
#[test]
fn no_amount_exceeds_all_the_bitcoin() {
    let open: Offer = offer().without(8).read();
    let kind = || ErrorKind::AmountTooHigh { max: Msat(TOO_MUCH - 1) };
    assert_eq!(built(builder(&open).amount(Msat(TOO_MUCH - 1))).get(82), tu64(TOO_MUCH - 1));
    let error = not_built(builder(&open).amount(Msat(TOO_MUCH)));
    assert_error(&error, kind(), Rule::D3, Field::INVREQ_AMOUNT);
    // The price may be too much as well, alone or times the quantity.
    let dear: Offer = offer().with_number(8, TOO_MUCH).read();
    assert_eq!(not_built(builder(&dear)).rule(), Rule::D3);
    let many: Offer = offer().with_number(8, 21_000_000).with_number(20, 0).read();
    let most = 100_000_000_000;
    assert_eq!(built(builder(&many).quantity(most)).get(86), tu64(most));
    assert_error(&not_built(builder(&many).quantity(most + 1)), kind(), Rule::D3, Field::INVREQ_QUANTITY);
    let error = not_built(builder(&many).quantity(u64::MAX));
    assert_error(&error, ErrorKind::Overflow, Rule::Rqr9, Field::INVREQ_QUANTITY);
}

// RQW-4
#[test]
fn the_payers_secret_can_be_found_again() {
    // Whoever keeps one secret derives a key for each request from its metadata, and finds it again
    // in every message that repeats the metadata.
    let derive = |metadata: &[u8]| {
        let secret = sha256::Hash::hash(&[&[0x77; 32], metadata].concat()).to_byte_array();
        Keypair::from_seckey_slice(&Secp256k1::new(), &secret).unwrap()
    };
    let offer: Offer = offer().read();
    let usable = offer.usable(NOW, BITCOIN).unwrap();
    let mut payer_ids = Vec::new();
    for metadata in [[1; 16], [2; 16]] {
        let key = derive(&metadata);
        let request = InvoiceRequestBuilder::new(usable, key.public_key(), metadata).build().unwrap();
        let request = request.sign(&key).unwrap();
        let accepted = request.accept(&context(&offer)).unwrap();
        let invoice = invoice_builder(accepted).build().unwrap().sign(&issuer()).unwrap();
        assert_eq!(derive(invoice.request().metadata().unwrap()).public_key(), invoice.payer_id());
        payer_ids.push(invoice.payer_id());
    }
    assert_ne!(payer_ids[0], payer_ids[1]);
}

// RQW-5
#[test]
fn a_quantity_is_written_exactly_when_the_offer_asks_for_one() {
    let (one, some, any): (Offer, Offer, Offer) =
        (offer().read(), offer().with_number(20, MAX_QUANTITY).read(), offer().with_number(20, 0).read());
    for (offer, quantity, kind) in [
        (&one, Some(1), ErrorKind::Unexpected),
        (&one, Some(0), ErrorKind::Unexpected),
        (&some, None, ErrorKind::Missing),
        (&some, Some(0), ErrorKind::Zero),
        (&some, Some(MAX_QUANTITY + 1), ErrorKind::QuantityTooLarge { max: MAX_QUANTITY }),
        (&any, None, ErrorKind::Missing),
        (&any, Some(0), ErrorKind::Zero),
    ] {
        let builder = builder(offer);
        let builder = quantity.into_iter().fold(builder, InvoiceRequestBuilder::quantity);
        let rule = if quantity == Some(0) && offer == &any { Rule::D4 } else { Rule::Rqr8 };
        assert_error(&not_built(builder), kind, rule, Field::INVREQ_QUANTITY);
    }
    for (offer, quantity) in [(&some, 1), (&some, MAX_QUANTITY), (&any, 1), (&any, MAX_QUANTITY + 1)] {
        assert_eq!(built(builder(offer).quantity(quantity)).get(86), tu64(quantity));
    }
    assert!(!built(builder(&one)).0.contains_key(&86));
}

// RQW-6
#[test]
fn metadata_has_at_least_16_bytes() {
    let offer: Offer = offer().read();
    let with = |len| {
        let usable = offer.usable(NOW, BITCOIN).unwrap();
        InvoiceRequestBuilder::new(usable, payer().public_key(), vec![0x24; len])
    };
    for len in [0, 1, 15] {
        let error = not_built(with(len));
        assert_error(&error, ErrorKind::TooShort { min: 16 }, Rule::Rqw6, Field::INVREQ_METADATA);
    }
    for len in [16, 17, 1_000] {
        assert_eq!(built(with(len)).get(0), vec![0x24; len]);
    }
    let error = not_built(with(MAX_LEN));
    assert!(matches!((error.kind(), error.rule()), (ErrorKind::TooLong { .. }, Rule::D7)));
}

// RQW-7
#[test]
fn a_request_is_signed_with_the_payers_key_and_no_other() {
    let offer: Offer = offer().read();
    let unsigned: Unsigned<InvoiceRequest> = builder(&offer).build().unwrap();
    assert_eq!(unsigned.digest(), Raw::of(unsigned.as_bytes()).digest("invoice_request"));
    let error = unsigned.clone().sign(&issuer()).unwrap_err();
    assert_error(&error, ErrorKind::WrongKey, Rule::Rqr3, Field::INVREQ_PAYER_ID);
    let digest = Message::from_digest(unsigned.digest());
    let by = |key: &Keypair| Secp256k1::new().sign_schnorr_no_aux_rand(&digest, key);
    let error = unsigned.clone().complete(&by(&issuer())).unwrap_err();
    assert_error(&error, ErrorKind::InvalidSignature, Rule::Rqr3, Field::SIGNATURE);
    let elsewhere = unsigned.clone().complete(&by(&payer())).unwrap();
    assert_eq!(elsewhere, unsigned.sign(&payer()).unwrap());
    assert_eq!(elsewhere, request().read());
}

// RQW-8
#[test]
fn a_name_is_carried_and_holds_few_characters() {
    let offer: Offer = offer().read();
    let name = HumanReadableName::new("satoshi", "example.com").unwrap();
    let raw = built(builder(&offer).bip_353_name(name));
    assert_eq!(raw.get(91), b"\x07satoshi\x0bexample.com");
    for (bad, c) in [("a b", ' '), ("ä", 'ä'), ("a@b", '@'), ("a/b", '/'), ("\0", '\0')] {
        for error in [HumanReadableName::new(bad, "b.c"), HumanReadableName::new("a", bad)].map(Result::unwrap_err) {
            assert_error(&error, ErrorKind::InvalidName(c), Rule::Rqw8, Field::INVREQ_BIP_353_NAME);
        }
    }
    let long = "a".repeat(256);
    assert!(HumanReadableName::new(&long[1..], &long[1..]).is_ok());
    for error in [HumanReadableName::new(&long, "b"), HumanReadableName::new("a", &long)].map(Result::unwrap_err) {
        assert_error(&error, ErrorKind::TooLong { len: 256, max: 255 }, Rule::Rqw8, Field::INVREQ_BIP_353_NAME);
    }
}

// OFW-6, D9, RQR-2
#[test]
fn empty_fields_are_left_out_and_features_are_minimal_and_known() {
    static KNOWN: KnownFeatures = KnownFeatures { invoice_request: &[8], ..KnownFeatures::DEFAULT };
    let plain: Offer = offer().read();
    let bare = built(builder(&plain).payer_note("").features(Features::new([]).unwrap()));
    assert_eq!(bare, request());
    let padded: &'static Offer = Box::leak(Box::new(offer().with(12, [0, 0b10]).read()));
    assert_eq!(built(builder(&plain).features(padded.features().unwrap())).get(84), [0b10]);
    let compulsory = || Features::new([Feature(8)]).unwrap();
    let error = not_built(builder(&plain).features(compulsory()));
    assert_error(&error, ErrorKind::UnknownFeature(8), Rule::Rqr2, Field::INVREQ_FEATURES);
    let knowing = Offer::read(offer().encode(), &KNOWN).unwrap();
    assert_eq!(built(builder(&knowing).features(compulsory())).get(84), [1, 0]);
}

// TLV-5
#[test]
fn custom_fields_are_odd_and_in_the_requests_own_range() {
    let offer: Offer = offer().with(1_000_000_001, []).read();
    let custom = |number| builder(&offer).custom_field(number, [7]);
    for number in [2_000_000_001, 2_999_999_999] {
        assert_eq!(built(custom(number)).get(number), [7]);
    }
    for number in [1, 81, 241, 1_000_000_001, 1_000_000_003, 1_999_999_999, 3_000_000_001] {
        assert_error(&not_built(custom(number)), ErrorKind::OutOfRange, Rule::Tlv5, Field::numbered(number));
    }
    let error = not_built(custom(2_000_000_000));
    assert_error(&error, ErrorKind::UnknownEvenField, Rule::Tlv4, Field::numbered(2_000_000_000));
}
