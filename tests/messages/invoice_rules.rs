//! The rules about invoices: what a reader refuses, and what a builder cannot write. What a payer
//! checks before it pays is in `invoice_checks.rs`.

use std::time::Duration;

use super::raw::{self, *};
use bolt12::bitcoin::ScriptBuf;
use bolt12::secp256k1::{Keypair, Message, PublicKey, Secp256k1};
use bolt12::{
    BlindedPath, ChainHash, Error, ErrorKind, Fallback, Feature, Features, Field, Invoice, InvoiceBuilder,
    InvoiceRequest, KnownFeatures, MAX_LEN, Msat, MultiPart, Offer, PayInfo, Refund, RequestArrival, RequestContext,
    Rule, UnixTime, Unverified,
};
use proptest::prelude::*;

/// An unsigned invoice that will be signed after it was edited.
fn plain() -> Raw {
    invoice_for(request(), issuer().public_key())
}

fn signed(raw: Raw) -> Raw {
    raw.sign_invoice(&issuer())
}

#[track_caller]
fn read(raw: Raw) -> Invoice {
    signed(raw).read()
}

#[track_caller]
fn refusal(raw: Raw) -> Error {
    signed(raw).refusal::<Invoice>()
}

/// What an issuer knows on either chain.
fn context(offer: &Offer) -> RequestContext<'_> {
    let chains = &[ChainHash::BITCOIN, ChainHash::TESTNET3];
    RequestContext { chains, ..request_context(offer) }
}

/// Builds an invoice for a request of an offer.
fn build(
    request: &Raw,
    offer: &Raw,
    key: &Keypair,
    edit: impl FnOnce(InvoiceBuilder<'_>) -> InvoiceBuilder<'_>,
) -> Result<Raw, Error> {
    let (request, offer): (InvoiceRequest, Offer) = (request.read(), offer.read());
    let accepted = request.accept(&context(&offer))?;
    let unsigned = edit(invoice_builder(accepted)).build()?;
    Ok(Raw::of(unsigned.sign(key)?.as_bytes()))
}

#[track_caller]
fn built(edit: impl FnOnce(InvoiceBuilder<'_>) -> InvoiceBuilder<'_>) -> Raw {
    build(&request(), &offer(), &issuer(), edit).unwrap_or_else(|error| panic!("{error:#}"))
}

#[track_caller]
fn not_built(edit: impl FnOnce(InvoiceBuilder<'_>) -> InvoiceBuilder<'_>) -> Error {
    build(&request(), &offer(), &issuer(), edit).expect_err("this is against a rule")
}

// ---- Readers ----

// IVR-1
#[test]
fn the_invoice_that_the_other_tests_break_is_valid() {
    let invoice: Invoice = invoice().read();
    assert_eq!(invoice.amount(), Msat(PRICE));
    assert_eq!(invoice.created_at(), UnixTime(CREATED_AT));
    assert_eq!(invoice.payment_hash(), hash(0x66));
    assert_eq!((invoice.payer_id(), invoice.node_id()), (payer().public_key(), issuer().public_key()));
}

// IVR-1
#[test]
fn every_required_field_is_missed_by_its_name() {
    for field in [
        Field::INVREQ_METADATA,
        Field::INVREQ_PAYER_ID,
        Field::INVOICE_PATHS,
        Field::INVOICE_BLINDEDPAY,
        Field::INVOICE_CREATED_AT,
        Field::INVOICE_PAYMENT_HASH,
        Field::INVOICE_AMOUNT,
        Field::INVOICE_NODE_ID,
    ] {
        assert_error(&refusal(plain().without(field.number())), ErrorKind::Missing, Rule::Ivr1, field);
    }
}

// IVR-1, D8
#[test]
fn the_list_of_paths_is_not_empty() {
    for payinfos in [vec![], payinfo(&[])] {
        let raw = signed(plain().with(160, []).with(162, payinfos));
        let error = raw.refusal::<Invoice>();
        assert_error_at(&error, ErrorKind::NoEntries, Rule::D8, Field::INVOICE_PATHS, raw.value_at(160));
    }
}

// IVR-3
#[test]
fn an_unknown_compulsory_feature_is_named() {
    static KNOWN: KnownFeatures = KnownFeatures { invoice: &[14], ..KnownFeatures::DEFAULT };
    for (bit, bytes) in [(0, vec![1]), (14, vec![0b0100_0000, 0]), (18, vec![4, 0, 0]), (0, vec![1, 0, 1])] {
        let raw = signed(plain().with(174, bytes));
        let error = raw.refusal::<Invoice>();
        assert_error_at(
            &error,
            ErrorKind::UnknownFeature(bit),
            Rule::Ivr3,
            Field::INVOICE_FEATURES,
            raw.record_at(174),
        );
        assert_eq!(Invoice::read(raw.encode(), &KNOWN).is_ok(), bit == 14);
    }
    assert!(read(plain().with(174, [0b1000_0001, 0, 0b10])).features().is_some());
    // What a caller knows replaces the default.
    let multi_part = signed(plain().with(174, [1, 0, 0]));
    assert!(Invoice::read(multi_part.encode(), &KnownFeatures::DEFAULT).is_ok());
    assert!(Invoice::read(multi_part.encode(), &KNOWN).is_err());
}

// IVR-14
#[test]
fn the_features_say_whether_a_payment_may_be_split() {
    for (features, expected) in [
        (None, MultiPart::Forbidden),
        (Some(vec![]), MultiPart::Forbidden),
        (Some(vec![2]), MultiPart::Forbidden),
        (Some(vec![2, 0, 0]), MultiPart::Allowed),
        (Some(vec![0, 2, 0, 0]), MultiPart::Allowed),
        (Some(vec![1, 0, 0]), MultiPart::Required),
        (Some(vec![3, 0, 0]), MultiPart::Required),
    ] {
        let raw = features.into_iter().fold(plain(), |raw, features| raw.with(174, features));
        assert_eq!(read(raw).multi_part(), expected);
    }
}

// IVR-5
#[test]
fn a_path_has_a_hop() {
    for before in [vec![], path()] {
        let raw = signed(plain().with(160, [before.clone(), path_over(&[])].concat()));
        let error = raw.refusal::<Invoice>();
        let at = raw.value_at(160) + before.len() + 66;
        assert_error_at(&error, ErrorKind::NoHops, Rule::Ivr5, Field::INVOICE_PATHS, at);
    }
}

// IVR-6
#[test]
fn every_path_has_exactly_one_payinfo() {
    for (paths, payinfos) in [(1, 0), (1, 2), (2, 1), (3, 4)] {
        let raw = signed(plain().with(160, path().repeat(paths)).with(162, payinfo(&[]).repeat(payinfos)));
        let error = raw.refusal::<Invoice>();
        let kind = ErrorKind::PayinfoCount { paths, payinfos };
        assert_error_at(&error, kind, Rule::Ivr6, Field::INVOICE_BLINDEDPAY, raw.record_at(162));
    }
    let three = read(plain().with(160, path().repeat(3)).with(162, payinfo(&[]).repeat(3)));
    assert_eq!(three.payment_paths().count(), 3);
}

// TLV-3
#[test]
fn a_payinfo_is_complete() {
    let whole = payinfo(&[2, 0]);
    for len in 1..whole.len() {
        let error = refusal(plain().with(162, &whole[..len]));
        assert_error(&error, ErrorKind::Truncated, Rule::Tlv3, Field::INVOICE_BLINDEDPAY);
    }
}

// IVR-7
#[test]
fn a_path_with_an_unknown_feature_is_not_used() {
    static KNOWN: KnownFeatures = KnownFeatures { payinfo: &[2], ..KnownFeatures::DEFAULT };
    let paths = [path_over(&[point(1)]), path_over(&[point(2)]), path_over(&[point(3)])].concat();
    let payinfos = [payinfo(&[0b100]), payinfo(&[0b1000]), payinfo(&[1])].concat();
    let raw = signed(plain().with(160, paths).with(162, payinfos));
    let used = |known: &'static KnownFeatures| {
        let invoice = Invoice::read(raw.encode(), known).unwrap();
        assert_eq!(invoice.payment_paths().count(), 3);
        let used = invoice.usable_paths(known.payinfo).map(|(path, _)| path.last_blinded_node_id());
        used.map(|id| id.public_key().unwrap()).collect::<Vec<PublicKey>>()
    };
    assert_eq!(used(&KnownFeatures::DEFAULT), [point(2)]);
    assert_eq!(used(&KNOWN), [point(1), point(2)]);

    let none = signed(plain().with(160, path().repeat(2)).with(162, [payinfo(&[4]), payinfo(&[1, 4])].concat()));
    let error = none.refusal::<Invoice>();
    let at = none.record_at(162);
    assert_error_at(&error, ErrorKind::NoUsablePath, Rule::Ivr7, Field::INVOICE_BLINDEDPAY, at);
    assert!(Invoice::read(none.encode(), &KNOWN).is_ok());
}

// IVR-9
#[test]
fn the_node_id_is_the_issuer_id_if_there_is_one() {
    let others = invoice_for(request(), recipient().public_key()).sign_invoice(&recipient());
    let error = others.refusal::<Invoice>();
    assert_error_at(&error, ErrorKind::WrongKey, Rule::Ivr9, Field::INVOICE_NODE_ID, others.record_at(176));
    // The issuer id signs also if there are paths.
    let both = offer().with(16, path());
    let request = request_for(both).sign_request(&payer());
    let by = |key: Keypair| invoice_for(request.clone(), key.public_key()).sign_invoice(&key);
    assert_eq!(by(recipient()).refusal::<Invoice>().rule(), Rule::Ivr9);
    assert_eq!(by(issuer()).read::<Invoice>().node_id(), issuer().public_key());
    // A key that differs only in its sign is another key.
    let mut negated = issuer().public_key().serialize();
    negated[0] ^= 1;
    assert_eq!(refusal(plain().with(176, negated)).rule(), Rule::Ivr9);
}

// IVR-10, SIG-5
#[test]
fn an_invoice_is_signed_by_its_node() {
    let error = plain().refusal::<Invoice>();
    assert_error(&error, ErrorKind::Missing, Rule::Ivr10, Field::SIGNATURE);
    let mut flipped = signed(plain());
    flipped.0.get_mut(&240).unwrap()[0] ^= 0x80;
    for raw in
        [plain().sign_invoice(&payer()), plain().sign_request(&issuer()), signed(plain()).with_number(164, 1), flipped]
    {
        let error = raw.refusal::<Invoice>();
        assert_error_at(&error, ErrorKind::InvalidSignature, Rule::Ivr10, Field::SIGNATURE, raw.value_at(240));
        assert!(Unverified::<Invoice>::try_from(raw.encode()).is_ok());
    }
}

// IVR-11
#[test]
fn the_amount_is_the_one_that_was_requested() {
    let for_amount = |requested: u64, asked: u64| plain().with_number(82, requested).with_number(170, asked);
    for (requested, asked) in [(PRICE, PRICE + 1), (PRICE + 1, PRICE), (PRICE, 0), (PRICE, u64::MAX)] {
        let raw = signed(for_amount(requested, asked));
        let error = raw.refusal::<Invoice>();
        let kind = ErrorKind::AmountMismatch { expected: Msat(requested) };
        assert_error_at(&error, kind, Rule::Ivr11, Field::INVOICE_AMOUNT, raw.record_at(170));
    }
    assert_eq!(read(for_amount(PRICE + 1, PRICE + 1)).amount(), Msat(PRICE + 1));
    // D3: whether an amount can be paid is asked by the payer.
    assert_eq!(read(plain().with_number(170, u64::MAX)).amount(), Msat(u64::MAX));
}

// IVR-12
#[test]
fn invalid_fallbacks_are_not_fatal() {
    let fallback =
        |version: u8, program: &[u8]| [&[version][..], &(program.len() as u16).to_be_bytes(), program].concat();
    let list = [
        fallback(17, &[1; 32]),
        fallback(255, &[1; 32]),
        fallback(1, &[1]),
        fallback(1, &[1; 41]),
        fallback(0, &[1; 21]),
        fallback(0, &[]),
        fallback(0, &[1; 20]),
        fallback(1, &[1; 32]),
    ];
    let invoice = read(plain().with(172, list.concat()));
    let fallbacks: Vec<_> = invoice.fallbacks().unwrap().iter().collect();
    assert_eq!(fallbacks.len(), 8);
    let addresses: Vec<_> =
        fallbacks.iter().filter_map(|fallback| fallback.address(invoice.request().chain())).collect();
    assert_eq!(addresses.len(), 2);
    assert!(addresses[0].to_string().starts_with("bc1q") && addresses[1].to_string().starts_with("bc1p"));
    assert!(read(plain().with(172, [])).fallbacks().unwrap().iter().next().is_none());
}

// TLV-3
#[test]
fn a_list_of_fallbacks_adds_up() {
    let list = [&[0, 0, 20][..], &[1; 20]].concat();
    for len in 1..list.len() {
        let error = refusal(plain().with(172, &list[..len]));
        assert_error(&error, ErrorKind::Truncated, Rule::Tlv3, Field::INVOICE_FALLBACKS);
    }
}

// D11, TLV-5
#[test]
fn types_outside_the_ranges_are_refused() {
    for number in [1_001, 999_999_999, 4_000_000_000, 4_000_000_001, u64::MAX] {
        let raw = signed(plain().with(number, []));
        let error = raw.refusal::<Invoice>();
        assert_error_at(&error, ErrorKind::OutOfRange, Rule::D11, Field::numbered(number), raw.record_at(number));
    }
    let own = [161, 239, 3_000_000_001, 3_999_999_999];
    let invoice = read(own.into_iter().fold(plain(), |raw, number| raw.with(number, [])));
    assert_eq!(invoice.unknown().map(|record| record.number()).collect::<Vec<_>>(), own);
}

// D10: OFR-2, OFR-3, OFR-4, OFR-5, OFR-6, OFR-8, RQR-2, RQR-4, RQR-8, RQR-9, RQR-10, RQR-11, RQR-14
#[test]
fn what_an_invoice_repeats_could_have_been_sent() {
    let amounted = || plain().with_number(82, PRICE);
    let several = || plain().with_number(20, 5).with_number(86, 1);
    let of_refund = || invoice_for(refund(), issuer().public_key());
    let max = ErrorKind::QuantityTooLarge { max: 5 };
    for (raw, kind, rule, field) in [
        (amounted().with(12, [1]), ErrorKind::UnknownFeature(0), Rule::Ofr2, Field::OFFER_FEATURES),
        (amounted().with(2, []), ErrorKind::NoEntries, Rule::Ofr3, Field::OFFER_CHAINS),
        (amounted().without(10), ErrorKind::Missing, Rule::Ofr4, Field::OFFER_DESCRIPTION),
        (amounted().with(8, []), ErrorKind::Zero, Rule::Ofr5, Field::OFFER_AMOUNT),
        (amounted().without(8).with(6, "USD"), ErrorKind::Missing, Rule::Ofr6, Field::OFFER_AMOUNT),
        (amounted().with(16, path_over(&[])), ErrorKind::NoHops, Rule::Ofr8, Field::OFFER_PATHS),
        (amounted().with(80, testnet()), ErrorKind::UnsupportedChain, Rule::D10, Field::INVREQ_CHAIN),
        (amounted().with(84, [1]), ErrorKind::UnknownFeature(0), Rule::Rqr2, Field::INVREQ_FEATURES),
        (amounted().with(90, path_over(&[])), ErrorKind::NoHops, Rule::Rqr4, Field::INVREQ_PATHS),
        (amounted().with(86, [1]), ErrorKind::Unexpected, Rule::Rqr8, Field::INVREQ_QUANTITY),
        (several().without(86), ErrorKind::Missing, Rule::Rqr8, Field::INVREQ_QUANTITY),
        (several().with(86, [6]), max, Rule::Rqr8, Field::INVREQ_QUANTITY),
        (several().with(86, []), ErrorKind::Zero, Rule::Rqr8, Field::INVREQ_QUANTITY),
        (several().with(20, []).with(86, []), ErrorKind::Zero, Rule::D4, Field::INVREQ_QUANTITY),
        (several().with(20, []).with(86, [0xff; 8]), ErrorKind::Overflow, Rule::Rqr9, Field::INVREQ_QUANTITY),
        (
            plain().with_number(82, PRICE - 1).with_number(170, PRICE - 1),
            ErrorKind::AmountTooLow { min: Msat(PRICE) },
            Rule::Rqr9,
            Field::INVREQ_AMOUNT,
        ),
        (plain().without(8), ErrorKind::Missing, Rule::Rqr10, Field::INVREQ_AMOUNT),
        (of_refund().without(82), ErrorKind::Missing, Rule::Rqr11, Field::INVREQ_AMOUNT),
        (of_refund().with(2, mainnet()), ErrorKind::Unexpected, Rule::Rqr11, Field::OFFER_CHAINS),
        (of_refund().with(12, []), ErrorKind::Unexpected, Rule::Rqr11, Field::OFFER_FEATURES),
        (of_refund().with(20, []), ErrorKind::Unexpected, Rule::Rqr11, Field::OFFER_QUANTITY_MAX),
        (
            amounted().with(91, [1, 0xff, 0]),
            ErrorKind::InvalidName('\u{fffd}'),
            Rule::Rqr14,
            Field::INVREQ_BIP_353_NAME,
        ),
    ] {
        assert_error(&refusal(raw), kind, rule, field);
    }
    for valid in [amounted(), several(), of_refund(), of_refund().with(8, [])] {
        assert!(read(valid).amount() > Msat(0));
    }
}

// ---- Builders ----

// IVW-1, IVW-4
#[test]
fn the_request_is_copied_and_the_required_fields_are_added() {
    let offer = offer().with(12, [0, 0]).with(33, [1]).with(1_000_000_001, []);
    let request = request_for(offer.clone()).with(84, []).with(103, [2; 300]).with(2_000_000_001, [3]).with(241, [4]);
    let request = request.sign_request(&payer());
    let invoice = build(&request, &offer, &issuer(), |builder| builder).unwrap();
    let expected = invoice_for(request.clone(), issuer().public_key()).sign_invoice(&issuer());
    assert_eq!(invoice, expected);
    assert_eq!(invoice.only(|number| request.0.contains_key(&number)), request.only(|_| true));
    assert_eq!(built(|builder| builder), raw::invoice());
}

// IVW-2
#[test]
fn the_amount_is_the_requested_or_else_the_expected_one() {
    let selling = offer().with_number(20, 0);
    let request = request_for(selling.clone()).with_number(86, 3);
    let amount = |request: Raw| {
        let raw = build(&request.sign_request(&payer()), &selling, &issuer(), |builder| builder).unwrap();
        raw.get(170).to_vec()
    };
    assert_eq!(amount(request.clone()), tu64(3 * PRICE));
    assert_eq!(amount(request.with_number(82, 3 * PRICE + 5)), tu64(3 * PRICE + 5));
}

// IVW-3
#[test]
fn the_node_id_is_what_the_offer_promises() {
    // Nobody else's key can sign what was built.
    for stranger in [recipient(), payer(), key(0x46)] {
        let error = build(&request(), &offer(), &stranger, |builder| builder).unwrap_err();
        assert_error(&error, ErrorKind::WrongKey, Rule::Ivr10, Field::INVOICE_NODE_ID);
    }

    let hidden = hidden_offer().with(16, [path_over(&[point(5)]), path()].concat());
    let (offer, request): (Offer, InvoiceRequest) = (hidden.read(), request_for(hidden).sign_request(&payer()).read());
    for signer in [key(5), recipient()] {
        let arrival = RequestArrival::OfferPath(signer.public_key().into());
        let accepted = request.accept(&RequestContext { arrival, ..context(&offer) }).unwrap();
        assert_eq!(accepted.node_id(), signer.public_key());
        let unsigned = invoice_builder(accepted).build().unwrap();
        assert_eq!(Raw::of(unsigned.as_bytes()).get(176), signer.public_key().serialize());
        // Neither the end of the other path, somebody else, nor a node within a path.
        for stranger in [key(5), recipient(), issuer(), key(0x46)].into_iter().filter(|key| *key != signer) {
            let error = unsigned.clone().sign(&stranger).unwrap_err();
            assert_error(&error, ErrorKind::WrongKey, Rule::Ivr10, Field::INVOICE_NODE_ID);
        }
    }

    let refund: Refund = refund().read();
    for key in [issuer(), key(9)] {
        let accepted = refund.accept(NOW, BITCOIN, key.public_key()).unwrap();
        assert_eq!(accepted.node_id(), key.public_key());
        let invoice = invoice_builder(accepted).build().unwrap().sign(&key).unwrap();
        assert_eq!(invoice.node_id(), key.public_key());
    }
}

// IVW-4
#[test]
fn an_invoice_has_paths_and_payinfos_in_order() {
    let offer: Offer = offer().read();
    let request: InvoiceRequest = request().read();
    let accepted = request.accept(&context(&offer)).unwrap();
    let error = InvoiceBuilder::new(accepted, NOW, hash(1)).build().expect_err("there is no path");
    assert_error(&error, ErrorKind::Missing, Rule::Ivw4, Field::INVOICE_PATHS);

    let second = path_over(&[point(9)]);
    let dear = PayInfo { fee_base_msat: 9, ..payinfo_value() };
    let raw = built(|builder| builder.add_path(BlindedPath::from_bytes(&second).unwrap().into_owned(), &dear));
    assert_eq!(raw.get(160), [path(), second].concat());
    let fees: Vec<_> = raw.read::<Invoice>().payment_paths().map(|(_, payinfo)| payinfo.fee_base_msat).collect();
    assert_eq!(fees, [1_000, 9]);
}

// IVR-7, D9
#[test]
fn a_payinfo_is_written_with_minimal_features_and_is_usable() {
    let padding = read(plain().with(162, payinfo(&[0, 2])));
    let padded = padding.blindedpay().unwrap().iter().next().unwrap();
    assert_eq!(padded.features.as_bytes(), [0, 2]);
    let raw = built(|builder| builder.add_path(blinded_path(), &padded));
    assert_eq!(raw.get(162), [payinfo(&[]), payinfo(&[2])].concat());

    let offer: Offer = offer().read();
    let request: InvoiceRequest = request().read();
    let unusable = PayInfo { features: Features::new([Feature(4)]).unwrap(), ..payinfo_value() };
    let accepted = request.accept(&context(&offer)).unwrap();
    let error = InvoiceBuilder::new(accepted, NOW, hash(1)).add_path(blinded_path(), &unusable).build().unwrap_err();
    assert_error(&error, ErrorKind::NoUsablePath, Rule::Ivr7, Field::INVOICE_BLINDEDPAY);
}

// IVW-5
#[test]
fn the_relative_expiry_is_left_out_when_it_is_two_hours() {
    let expiry = |expiry| built(|builder| builder.relative_expiry(expiry)).0.get(&166).cloned();
    assert_eq!(expiry(TWO_HOURS), None);
    assert_eq!(built(|builder| builder).0.get(&166), None);
    for seconds in [0, 1, 7_199, 7_201, u64::from(u32::MAX)] {
        assert_eq!(expiry(Duration::from_secs(seconds)), Some(tu64(seconds)));
        let invoice: Invoice = built(|builder| builder.relative_expiry(Duration::from_secs(seconds))).read();
        assert_eq!(invoice.relative_expiry(), Duration::from_secs(seconds));
    }
    for seconds in [u64::from(u32::MAX) + 1, u64::MAX] {
        let error = not_built(|builder| builder.relative_expiry(Duration::from_secs(seconds)));
        assert_error(&error, ErrorKind::NumberTooLarge, Rule::Tlv2, Field::INVOICE_RELATIVE_EXPIRY);
    }
}

// IVW-6
#[test]
fn an_invoice_has_one_signature_by_its_node_id() {
    let offer: Offer = offer().read();
    let request: InvoiceRequest = request().read();
    let unsigned = invoice_builder(request.accept(&context(&offer)).unwrap()).build().unwrap();
    assert_eq!(unsigned.digest(), Raw::of(unsigned.as_bytes()).digest("invoice"));
    assert!(!Raw::of(unsigned.as_bytes()).0.keys().any(|number| (240..=1000).contains(number)));
    let error = unsigned.clone().sign(&payer()).unwrap_err();
    assert_error(&error, ErrorKind::WrongKey, Rule::Ivr10, Field::INVOICE_NODE_ID);
    let by = |key: &Keypair| Secp256k1::new().sign_schnorr_no_aux_rand(&Message::from_digest(unsigned.digest()), key);
    let error = unsigned.clone().complete(&by(&payer())).unwrap_err();
    assert_error(&error, ErrorKind::InvalidSignature, Rule::Ivr10, Field::SIGNATURE);
    let complete = unsigned.clone().complete(&by(&issuer())).unwrap();
    assert_eq!(complete, unsigned.sign(&issuer()).unwrap());
    assert_eq!(complete, invoice().read());
}

// IVW-7
#[test]
fn splitting_is_16_when_required_and_17_when_allowed() {
    let features = |multi_part| built(|builder| builder.multi_part(multi_part)).0.get(&174).cloned();
    assert_eq!(features(MultiPart::Forbidden), None);
    assert_eq!(features(MultiPart::Allowed), Some(vec![2, 0, 0]));
    assert_eq!(features(MultiPart::Required), Some(vec![1, 0, 0]));
}

// IVW-8
#[test]
fn only_valid_fallbacks_are_written() {
    let fallback = |version, len| Fallback { version, program: vec![7; len].into() };
    for (version, len) in [(17, 32), (0, 0), (0, 19), (0, 21), (1, 1), (1, 41), (16, 41), (2, 70_000)] {
        let error = not_built(|builder| builder.add_fallback(&fallback(version, len)));
        assert_error(&error, ErrorKind::InvalidFallback, Rule::Ivw8, Field::INVOICE_FALLBACKS);
    }
    let valid = [(16, 2), (1, 32), (0, 20), (0, 32), (2, 40)];
    let raw =
        built(|builder| valid.iter().fold(builder, |builder, (v, len)| builder.add_fallback(&fallback(*v, *len))));
    let invoice: Invoice = raw.read();
    let written: Vec<_> = invoice.fallbacks().unwrap().iter().map(|f| (f.version, f.program.len())).collect();
    assert_eq!(written, valid);
    // A bad one is not forgotten because good ones follow.
    assert_eq!(
        not_built(|builder| builder.add_fallback(&fallback(17, 2)).add_fallback(&fallback(0, 20))).rule(),
        Rule::Ivw8
    );

    let script = ScriptBuf::from_bytes([&[0x51, 0x20][..], &[7; 32]].concat());
    assert_eq!(Fallback::from_script(&script).unwrap(), fallback(1, 32));
    let error = Fallback::from_script(&ScriptBuf::from_bytes(vec![0x6a, 1, 7])).unwrap_err();
    assert_error(&error, ErrorKind::InvalidFallback, Rule::Ivw8, None);
}

// IVW-8
#[test]
fn there_are_no_fallbacks_for_a_chain_that_is_not_bitcoins() {
    let foreign = [0xcc; 32];
    let offer: Raw = offer().with(2, foreign);
    let (offer, request): (Offer, InvoiceRequest) =
        (offer.read(), request_for(offer.clone()).with(80, foreign).sign_request(&payer()).read());
    let chains = [ChainHash::from(foreign)];
    let context = RequestContext { chains: &chains, ..context(&offer) };
    let builder = invoice_builder(request.accept(&context).unwrap());
    assert!(builder.clone().build().is_ok());
    let error = builder.add_fallback(&Fallback { version: 1, program: vec![7; 32].into() }).build().unwrap_err();
    assert_error(&error, ErrorKind::InvalidFallback, Rule::Ivw8, Field::INVOICE_FALLBACKS);
}

// TLV-5, D7
#[test]
fn custom_fields_are_odd_and_in_the_invoices_own_range() {
    for number in [3_000_000_001, 3_999_999_999] {
        assert_eq!(built(|builder| builder.custom_field(number, [7])).get(number), [7]);
    }
    for number in [161, 241, 1_000_000_001, 2_000_000_001, 2_999_999_999, 4_000_000_001] {
        let error = not_built(|builder| builder.custom_field(number, [7]));
        assert_error(&error, ErrorKind::OutOfRange, Rule::Tlv5, Field::numbered(number));
    }
    let error = not_built(|builder| builder.custom_field(3_000_000_000, []));
    assert_error(&error, ErrorKind::UnknownEvenField, Rule::Tlv4, Field::numbered(3_000_000_000));
    let error = not_built(|builder| builder.custom_field(3_000_000_001, vec![0; MAX_LEN]));
    assert!(matches!((error.kind(), error.rule()), (ErrorKind::TooLong { .. }, Rule::D7)));
}

proptest! {
    /// SIG-1: what is signed is the hash of all records, also of those that the request has hashed, however many
    /// these are.
    #[test]
    fn an_invoice_goes_on_with_the_hashes_of_its_request(
        (of_offer, of_request) in (0..28usize, 0..34usize),
        far in any::<[bool; 3]>(),
    ) {
        let odd = |from: u64, count: usize| (0..count as u64).map(move |at| from + 2 * at);
        let with = |raw: Raw, numbers: Vec<u64>| numbers.iter().fold(raw, |raw, number| raw.with(*number, [7; 40]));
        let [offers_own, requests_own, invoices_own] = far;
        let offer = with(offer(), odd(25, of_offer).chain(offers_own.then_some(1_000_000_001)).collect());
        let request = with(
            request_for(offer.clone()),
            odd(93, of_request).chain(requests_own.then_some(2_000_000_001)).collect(),
        );
        let invoice = build(&request.sign_request(&payer()), &offer, &issuer(), |builder| match invoices_own {
            true => builder.custom_field(3_000_000_001, [7]),
            false => builder,
        });
        let invoice = invoice.unwrap();
        prop_assert_eq!(invoice.clone().sign_invoice(&issuer()).encode(), invoice.encode());
    }
}
