//! Static invoices: what a reader refuses, what a builder cannot write, what is kept and signed, and what a payer checks.

use std::time::Duration;

use super::raw::*;
use bolt12::secp256k1::{Keypair, Message, PublicKey, Secp256k1};
use bolt12::{
    Arrival, ChainHash, Error, ErrorKind, Fallback, Field, InvoiceRequest, KnownFeatures, MessageKind, Msat, MultiPart,
    Offer, PayInfo, PayableStaticInvoice, Rule, SentTo, StaticInvoice, StaticInvoiceBuilder, StaticInvoiceContext,
    UnixTime, Unsigned, Unverified,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

/// Two weeks (STA-3).
const TWO_WEEKS: u64 = 1_209_600;

/// An offer whose invoices somebody else serves.
fn served_offer() -> Raw {
    offer().with(16, path())
}

/// A static invoice for an offer, not signed.
fn static_for(offer: Raw, node_id: PublicKey) -> Raw {
    offer
        .with(160, path())
        .with(162, payinfo(&[]))
        .with_number(164, CREATED_AT)
        .with(176, node_id.serialize())
        .with(236, path().repeat(2))
}

fn plain() -> Raw {
    static_for(served_offer(), issuer().public_key())
}

/// What the offer's path is known by.
fn over_the_path() -> SentTo {
    SentTo::Path(recipient().public_key().into())
}

trait Sign {
    fn sign_static(self, key: &Keypair) -> Self;
}

impl Sign for Raw {
    /// Signs with the digest of the plain implementation (STA-2).
    fn sign_static(mut self, key: &Keypair) -> Self {
        self.0.remove(&240);
        let digest = self.digest("static_invoice");
        let signature = Secp256k1::new().sign_schnorr_no_aux_rand(&Message::from_digest(digest), key);
        self.with(240, signature.as_ref().to_vec())
    }
}

#[track_caller]
fn read(raw: Raw) -> StaticInvoice {
    raw.sign_static(&issuer()).read()
}

#[track_caller]
fn refusal(raw: Raw) -> Error {
    raw.sign_static(&issuer()).refusal::<StaticInvoice>()
}

fn build(
    offer: &Raw,
    key: &Keypair,
    edit: impl FnOnce(StaticInvoiceBuilder<'_>) -> StaticInvoiceBuilder<'_>,
) -> Result<Raw, Error> {
    let offer: Offer = offer.read();
    let builder = StaticInvoiceBuilder::new(&offer, UnixTime(CREATED_AT))
        .add_path(blinded_path(), &payinfo_value())
        .add_message_path(blinded_path())
        .add_message_path(blinded_path());
    Ok(Raw::of(edit(builder).build()?.sign(key)?.as_bytes()))
}

#[track_caller]
fn built(edit: impl FnOnce(StaticInvoiceBuilder<'_>) -> StaticInvoiceBuilder<'_>) -> Raw {
    build(&served_offer(), &issuer(), edit).unwrap_or_else(|error| panic!("{error:#}"))
}

#[track_caller]
fn not_built(offer: &Raw, edit: impl FnOnce(StaticInvoiceBuilder<'_>) -> StaticInvoiceBuilder<'_>) -> Error {
    build(offer, &issuer(), edit).expect_err("this is against a rule")
}

// ---- Readers ----

// STA-2, REC-9: before any curve operation.
#[test]
fn the_first_half_of_reading_misses_a_signature_and_refuses_a_subscriptions_time() {
    let first_half = |raw: Raw| Unverified::<StaticInvoice>::try_from(raw.encode()).map(drop);
    assert_eq!(first_half(plain().sign_static(&issuer())), Ok(()));
    let error = first_half(plain()).unwrap_err();
    assert_error(&error, ErrorKind::Missing, Rule::Sta2, Field::SIGNATURE);
    #[cfg(feature = "recurrence")]
    {
        let error = first_half(plain().with(3_000_000_177, [1]).sign_static(&issuer())).unwrap_err();
        assert_error(&error, ErrorKind::Unexpected, Rule::Rec9, Field::INVOICE_RECURRENCE_BASETIME);
    }
}

// STA-1, STA-2
#[test]
fn the_static_invoice_that_the_other_tests_break_is_valid() {
    let invoice = read(plain());
    assert_eq!(invoice.created_at(), UnixTime(CREATED_AT));
    assert_eq!(invoice.node_id(), issuer().public_key());
    assert_eq!(invoice.offer().description().unwrap().as_raw(), "tea");
    assert_eq!(invoice.message_paths().unwrap().count(), 2);
    assert_eq!(invoice.payment_paths().count(), 1);
    assert_eq!(invoice.usable_paths(KnownFeatures::DEFAULT.payinfo).count(), 1);
    assert_eq!(invoice.multi_part(), MultiPart::Forbidden);
    assert_eq!(invoice.chain(), ChainHash::BITCOIN);
    assert_eq!((invoice.fallbacks(), invoice.features()), (None, None));
    assert_eq!(invoice.unknown().count(), 0);
}

// STA-1
#[test]
fn every_required_field_is_missed_by_its_name() {
    for field in [
        Field::INVOICE_PATHS,
        Field::INVOICE_BLINDEDPAY,
        Field::INVOICE_CREATED_AT,
        Field::INVOICE_NODE_ID,
        Field::STATIC_INVOICE_MESSAGE_PATHS,
    ] {
        assert_error(&refusal(plain().without(field.number())), ErrorKind::Missing, Rule::Sta1, field);
    }
}

// STA-1
#[test]
fn what_only_an_invoice_for_a_request_has_is_refused() {
    for (raw, field) in [
        (plain().with(168, [0x66; 32]), Field::INVOICE_PAYMENT_HASH),
        (plain().with_number(170, PRICE), Field::INVOICE_AMOUNT),
    ] {
        let number = field.number();
        let signed = raw.clone().sign_static(&issuer());
        assert_error_at(&refusal(raw), ErrorKind::Unexpected, Rule::Sta1, field, signed.record_at(number));
    }
}

// STA-1, D11
#[test]
fn a_field_of_a_request_is_refused() {
    for (number, field) in [
        (0, Some(Field::INVREQ_METADATA)),
        (80, Some(Field::INVREQ_CHAIN)),
        (82, Some(Field::INVREQ_AMOUNT)),
        (88, Some(Field::INVREQ_PAYER_ID)),
        (89, Some(Field::INVREQ_PAYER_NOTE)),
        (159, None),
        (1001, None),
        (999_999_999, None),
        (2_000_000_001, None),
        (2_999_999_999, None),
        (4_000_000_001, None),
    ] {
        let field = field.unwrap_or(Field::numbered(number));
        assert_error(&refusal(plain().with(number, [])), ErrorKind::OutOfRange, Rule::Sta1, field);
    }
    for number in [1, 79, 161, 239, 241, 999, 1_000_000_001, 1_999_999_999, 3_000_000_001, 3_999_999_999] {
        read(plain().with(number, []));
    }
}

// STA-1: the draft's number is read as well as LDK's, and keeps its place.
#[test]
fn the_number_of_the_draft_is_read_too() {
    let draft = plain().without(236).with(178, path());
    let invoice = read(draft.clone());
    assert_eq!(invoice.message_paths().unwrap().count(), 1);
    assert_eq!(Raw::of(invoice.as_bytes()).only(|_| true), draft);
    assert_eq!(invoice.unknown().count(), 0);
    let both = refusal(draft.with(236, path()));
    assert_error(&both, ErrorKind::Unexpected, Rule::Sta1, Field::DRAFT_MESSAGE_PATHS);
}

// STA-1, D8, TLV-7
#[test]
fn the_paths_to_the_payee_are_paths() {
    read(plain().with(236, path()));
    let field = Field::STATIC_INVOICE_MESSAGE_PATHS;
    assert_error(&refusal(plain().with(236, [])), ErrorKind::NoEntries, Rule::D8, field);
    assert_error(&refusal(plain().with(236, path_over(&[]))), ErrorKind::NoHops, Rule::Sta1, field);
    let mut off_the_curve = path();
    let last = off_the_curve.len() - 38 + 1;
    off_the_curve[last..last + 32].fill(0xff);
    let raw = plain().with(236, [path(), off_the_curve].concat()).sign_static(&issuer());
    let at = raw.value_at(236) + path().len() + last - 1;
    assert_error_at(&raw.refusal::<StaticInvoice>(), ErrorKind::InvalidPoint, Rule::Tlv7, field, at);
}

// STA-2
#[test]
fn the_signature_is_over_the_name_of_the_message() {
    let unsigned = plain();
    assert_error(&unsigned.refusal::<StaticInvoice>(), ErrorKind::Missing, Rule::Sta2, Field::SIGNATURE);
    // The name of another message makes another signature.
    let as_invoice = plain().sign_invoice(&issuer()).refusal::<StaticInvoice>();
    assert_error(&as_invoice, ErrorKind::InvalidSignature, Rule::Sta2, Field::SIGNATURE);
    let by_another = plain().sign_static(&payer()).refusal::<StaticInvoice>();
    assert_error(&by_another, ErrorKind::InvalidSignature, Rule::Sta2, Field::SIGNATURE);
}

// STA-2
#[test]
fn the_key_that_signs_is_named_by_the_offer() {
    let other = plain().with(176, payer().public_key().serialize());
    let refused = other.sign_static(&payer()).refusal::<StaticInvoice>();
    assert_error(&refused, ErrorKind::WrongKey, Rule::Sta2, Field::INVOICE_NODE_ID);
    // Without an issuer id, it is the last key of one of the paths.
    let paths = [path(), path_over(&[point(0x46), point(0x47)])].concat();
    let hidden = |node_id| static_for(hidden_offer().with(16, paths.clone()), node_id);
    for seed in [0x33, 0x47] {
        hidden(point(seed)).sign_static(&key(seed)).read::<StaticInvoice>();
    }
    let refused = hidden(point(0x46)).sign_static(&key(0x46)).refusal::<StaticInvoice>();
    assert_error(&refused, ErrorKind::WrongKey, Rule::Sta2, Field::INVOICE_NODE_ID);
}

// STA-3
#[test]
fn it_can_be_paid_for_two_weeks_unless_it_says_otherwise() {
    let expires_after = |raw: Raw| read(raw).expires_at().0 - CREATED_AT;
    assert_eq!(expires_after(plain()), TWO_WEEKS);
    assert_eq!(expires_after(plain().with(166, [])), 0);
    assert_eq!(expires_after(plain().with_number(166, 7200)), 7200);
    assert_eq!(read(plain().with(164, [0xff; 8])).expires_at(), UnixTime(u64::MAX));
}

// STA-7
#[test]
fn the_offer_has_paths_and_at_most_one_chain() {
    let other = static_for(served_offer().with(2, testnet()), issuer().public_key());
    assert_eq!(read(other).chain(), ChainHash::TESTNET3);
    let two = plain().with(2, [mainnet(), testnet()].concat());
    assert_error(&refusal(two), ErrorKind::Unexpected, Rule::Sta7, Field::OFFER_CHAINS);
    assert_error(&refusal(plain().without(16)), ErrorKind::Missing, Rule::Sta7, Field::OFFER_PATHS);
}

// D10, IVR-3, IVR-6, IVR-7
#[test]
fn the_rules_of_offers_and_invoices_hold() {
    assert_error(&refusal(plain().without(10)), ErrorKind::Missing, Rule::Ofr4, Field::OFFER_DESCRIPTION);
    assert_error(&refusal(plain().with(8, [])), ErrorKind::Zero, Rule::Ofr5, Field::OFFER_AMOUNT);
    assert_error(&refusal(plain().with(12, [1])), ErrorKind::UnknownFeature(0), Rule::Ofr2, Field::OFFER_FEATURES);
    assert_error(&refusal(plain().with(174, [1])), ErrorKind::UnknownFeature(0), Rule::Ivr3, Field::INVOICE_FEATURES);
    let unpayable = plain().with(162, payinfo(&[1]));
    assert_error(&refusal(unpayable), ErrorKind::NoUsablePath, Rule::Ivr7, Field::INVOICE_BLINDEDPAY);
    let two = plain().with(162, payinfo(&[]).repeat(2));
    let kind = ErrorKind::PayinfoCount { paths: 1, payinfos: 2 };
    assert_error(&refusal(two), kind, Rule::Ivr6, Field::INVOICE_BLINDEDPAY);
}

// REC-3
#[test]
fn nobody_serves_invoices_of_a_subscription() {
    let error = refusal(plain().with(1_000_000_024, [1, 1]));
    let rule = if cfg!(feature = "recurrence") { Rule::Rec3 } else { Rule::Tlv4 };
    assert_eq!((error.rule(), error.field().unwrap().number()), (rule, 1_000_000_024));
}

// TLV-4, D9
#[test]
fn unusual_bytes_are_kept() {
    let raw = plain()
        .with(1, [])
        .with(12, [2, 0, 0])
        .with(18, "")
        .with(161, [])
        .with(172, [])
        .with(174, [0, 2, 0, 0])
        .with(239, [9])
        .with(1_000_000_001, [7])
        .with(3_999_999_999, [8])
        .sign_static(&issuer());
    let invoice: StaticInvoice = raw.read();
    assert_eq!(invoice.as_bytes(), raw.encode());
    assert_eq!(invoice.multi_part(), MultiPart::Allowed);
    assert_eq!(invoice.fallbacks().map(|all| all.iter().count()), Some(0));
    assert_eq!(invoice.unknown().map(|record| record.number()).collect::<Vec<_>>(), [161, 239, 3_999_999_999]);
    for number in [1, 12, 18, 161, 172, 3_999_999_999] {
        let error = raw.clone().without(number).refusal::<StaticInvoice>();
        assert_error(&error, ErrorKind::InvalidSignature, Rule::Sta2, Field::SIGNATURE);
    }
}

// STA-1
#[test]
fn it_is_shown_by_names_and_in_hexadecimal() {
    let invoice = read(plain());
    let shown = format!("{invoice:?}");
    assert!(shown.starts_with("StaticInvoice {offer_amount: "), "{shown}");
    assert!(shown.contains("static_invoice_message_paths: [BlindedPath {"), "{shown}");
    let fields = format!("{:?}", *invoice);
    assert!(fields.contains("invoice_node_id") && !fields.contains("signature: "), "{fields}");
    let record = invoice.tlvs().get(236).unwrap();
    assert_eq!(record.field(MessageKind::StaticInvoice), Field::STATIC_INVOICE_MESSAGE_PATHS);
    assert_eq!(record.field(MessageKind::Invoice).name(), None);
    assert_eq!((MessageKind::StaticInvoice.prefix(), MessageKind::StaticInvoice.name()), (None, "static_invoice"));
    // It has no text: not even its bytes as an invoice's are read.
    let error = Unverified::<StaticInvoice>::read_text(
        "lni1qqgds4gweqxey37gexf5jus4kcrwuq3qqc3xu3s3rg94nj40zfsy866mhu5vxne6tcej5878k2mneuvgjy8s5cnzvypsxswhstxelwxrgx3xkelwhc6yclk",
        &KnownFeatures::DEFAULT,
    );
    let kind = ErrorKind::WrongKind { expected: MessageKind::StaticInvoice, found: MessageKind::Invoice };
    assert_eq!(error.unwrap_err().kind(), &kind);
    #[cfg(feature = "serde")]
    {
        let json = serde_json::to_string(&invoice).unwrap();
        assert_eq!(json, format!("\"{}\"", hex::encode(invoice.as_bytes())));
        assert_eq!(serde_json::from_str::<StaticInvoice>(&json).unwrap(), invoice);
        let bytes = postcard::to_allocvec(&invoice).unwrap();
        assert_eq!(postcard::from_bytes::<StaticInvoice>(&bytes).unwrap(), invoice);
    }
}

// ---- Writers ----

// STA-1, STA-2, STA-3, STA-7
#[test]
fn what_is_built_holds_the_offer_and_what_was_said() {
    let raw = built(|builder| builder);
    assert_eq!(raw.only(|_| true), plain());
    let offer = served_offer().with(33, [5]).with(1_000_000_001, [1]);
    let whole = build(&offer, &issuer(), |builder| {
        builder
            .relative_expiry(Duration::from_secs(60))
            .multi_part(MultiPart::Required)
            .custom_field(3_000_000_001, [2])
    });
    let expected = static_for(offer, issuer().public_key()).with_number(166, 60).with(174, [1, 0, 0]);
    assert_eq!(whole.unwrap().only(|_| true), expected.with(3_000_000_001, [2]));
}

#[test]
fn an_address_to_fall_back_on_is_written() {
    let fallback = Fallback { version: 1, program: [0x75; 32].as_slice().into() };
    let invoice = built(|builder| builder.add_fallback(&fallback)).read::<StaticInvoice>();
    let written: Vec<_> = invoice.fallbacks().unwrap().iter().collect();
    assert_eq!(written, [fallback]);
}

// STA-2, design: a signer is not a key
#[test]
fn it_can_be_signed_elsewhere() {
    let offer: Offer = served_offer().read();
    let unsigned = StaticInvoiceBuilder::new(&offer, UnixTime(CREATED_AT))
        .add_path(blinded_path(), &payinfo_value())
        .add_message_path(blinded_path())
        .add_message_path(blinded_path())
        .build()
        .unwrap();
    assert_eq!(unsigned.signer(), Some(issuer().public_key()));
    assert_eq!(unsigned.digest(), plain().digest("static_invoice"));
    let seen = Unsigned::<StaticInvoice>::try_from(unsigned.as_bytes().to_vec()).unwrap();
    assert_eq!(seen.expires_at(), Some(UnixTime(CREATED_AT + TWO_WEEKS)));
    let sign = |key: &Keypair| Secp256k1::new().sign_schnorr_no_aux_rand(&Message::from_digest(seen.digest()), key);
    let wrong = unsigned.clone().complete(&sign(&payer())).unwrap_err();
    assert_error(&wrong, ErrorKind::InvalidSignature, Rule::Sta2, Field::SIGNATURE);
    let wrong = unsigned.clone().sign(&payer()).unwrap_err();
    assert_error(&wrong, ErrorKind::WrongKey, Rule::Sta2, Field::INVOICE_NODE_ID);
    let invoice = unsigned.complete(&sign(&issuer())).unwrap();
    assert_eq!(Raw::of(invoice.as_bytes()).read::<StaticInvoice>(), invoice);
    // Without a curve operation, nothing but the signature is unknown.
    let unverified = Unverified::<StaticInvoice>::try_from(invoice.as_bytes().to_vec()).unwrap();
    assert_eq!(unverified.verify().unwrap().signature(), invoice.signature());
}

// STA-1, STA-2, STA-7, EXC-11, OFR-9
#[test]
fn what_a_reader_or_a_payer_would_refuse_is_not_built() {
    let offer: Offer = served_offer().read();
    let builder = || StaticInvoiceBuilder::new(&offer, UnixTime(CREATED_AT));
    let error = builder().add_message_path(blinded_path()).add_message_path(blinded_path()).build().unwrap_err();
    assert_error(&error, ErrorKind::Missing, Rule::Sta1, Field::INVOICE_PATHS);
    // A writer gives two.
    let one = builder().add_path(blinded_path(), &payinfo_value()).add_message_path(blinded_path());
    let field = Field::STATIC_INVOICE_MESSAGE_PATHS;
    assert_error(&one.build().unwrap_err(), ErrorKind::Missing, Rule::Sta1, field);
    assert_error(&not_built(&served_offer().without(16), |it| it), ErrorKind::Missing, Rule::Sta7, Field::OFFER_PATHS);
    let two = served_offer().with(2, [mainnet(), testnet()].concat());
    assert_error(&not_built(&two, |it| it), ErrorKind::Unexpected, Rule::Sta7, Field::OFFER_CHAINS);
    assert_error(&not_built(&hidden_offer(), |it| it), ErrorKind::Missing, Rule::Sta2, Field::INVOICE_NODE_ID);
    for (offer, seed) in [(served_offer(), 0x22), (hidden_offer(), 0x22)] {
        let error = not_built(&offer, |it| it.node_id(point(seed)));
        assert_error(&error, ErrorKind::WrongKey, Rule::Sta2, Field::INVOICE_NODE_ID);
    }
    build(&hidden_offer(), &recipient(), |it| it.node_id(point(0x33))).unwrap();
    let expired = served_offer().with_number(14, CREATED_AT - 1);
    let kind = ErrorKind::Expired { at: UnixTime(CREATED_AT - 1) };
    assert_error(&not_built(&expired, |it| it), kind, Rule::Ofr9, Field::OFFER_ABSOLUTE_EXPIRY);
    let narrow = builder().add_path(blinded_path(), &PayInfo::new(0, 0, 0, 1, PRICE - 1));
    let narrow = narrow.add_message_path(blinded_path()).add_message_path(blinded_path()).build().unwrap_err();
    let kind = ErrorKind::CannotCarry { amount: Msat(PRICE), min: Msat(1), max: Msat(PRICE - 1) };
    assert_error(&narrow, kind, Rule::Exc11, Field::INVOICE_BLINDEDPAY);
    let long = not_built(&served_offer(), |it| it.relative_expiry(Duration::from_secs(1 << 32)));
    assert_error(&long, ErrorKind::NumberTooLarge, Rule::Tlv2, Field::INVOICE_RELATIVE_EXPIRY);
    let fallback = Fallback { version: 17, program: vec![1; 20].into() };
    let error = not_built(&served_offer(), |it| it.add_fallback(&fallback));
    assert_error(&error, ErrorKind::InvalidFallback, Rule::Ivw8, Field::INVOICE_FALLBACKS);
    for (number, kind) in [(161, ErrorKind::OutOfRange), (3_000_000_002, ErrorKind::UnknownEvenField)] {
        assert_eq!(not_built(&served_offer(), |it| it.custom_field(number, [])).kind(), &kind);
    }
}

// ---- Payers ----

fn request_with(offer: Raw, edit: impl FnOnce(Raw) -> Raw) -> InvoiceRequest {
    edit(request_for(offer)).sign_request(&payer()).read()
}

fn context(request: &InvoiceRequest) -> StaticInvoiceContext<'_> {
    StaticInvoiceContext {
        request,
        sent_to: over_the_path(),
        arrival: Arrival::OwnPath,
        now: NOW,
        chains: BITCOIN,
        max_amount: MUCH,
        rate: None,
    }
}

#[track_caller]
fn refused(result: Result<PayableStaticInvoice<'_>, Error>) -> Error {
    result.expect_err("this is against a rule")
}

// STA-4, STA-5, STA-6
#[test]
fn one_that_answers_a_request_can_be_paid() {
    let request = request_with(served_offer(), |raw| raw);
    let invoice = read(plain());
    let payable = invoice.check(&context(&request)).unwrap();
    assert_eq!((payable.amount(), payable.chain()), (Msat(PRICE), ChainHash::BITCOIN));
    assert_eq!((payable.paths().count(), payable.message_paths().count()), (1, 2));
    assert_eq!(payable.expires_at(), invoice.expires_at());
    // It answers everybody.
    let other = request_with(served_offer(), |raw| raw.with(0, [9; 20]).with(89, "for Bob").with(2_000_000_001, [1]));
    assert!(invoice.check(&context(&other)).is_ok());
}

// STA-4
#[test]
fn one_for_another_offer_is_refused_by_the_field_that_differs() {
    let invoice = read(plain());
    let base = served_offer();
    for (offer, number) in [
        (base.clone().with(4, [1]), 4),
        (base.clone().with_number(8, PRICE - 1), 8),
        (base.clone().with(10, "Tea"), 10),
        (base.clone().with(18, ""), 18),
        (base.clone().with(33, []), 33),
        (base.clone().with(1_999_999_999, []), 1_999_999_999),
        (base.clone().without(22), 22),
        (base.with(16, [path(), path()].concat()), 16),
    ] {
        let request = request_with(offer, |raw| raw);
        let error = refused(invoice.check(&context(&request)));
        assert_eq!((error.kind(), error.rule()), (&ErrorKind::Differs, Rule::Sta4));
        assert_eq!(error.field().unwrap().number(), number);
    }
}

// STA-5
#[test]
fn what_is_paid_is_said_by_the_request_or_the_offer() {
    let due = |offer: Raw, edit: fn(Raw) -> Raw| {
        let request = request_with(offer.clone(), edit);
        let invoice = read(static_for(offer, issuer().public_key()));
        invoice.check(&context(&request)).map(|payable| payable.amount())
    };
    assert_eq!(due(served_offer(), |raw| raw), Ok(Msat(PRICE)));
    assert_eq!(due(served_offer(), |raw| raw.with_number(82, PRICE + 1)), Ok(Msat(PRICE + 1)));
    assert_eq!(due(served_offer().with(20, []), |raw| raw.with_number(86, 3)), Ok(Msat(PRICE * 3)));
    assert_eq!(due(served_offer().without(8), |raw| raw.with_number(82, 7)), Ok(Msat(7)));
    let zero = due(served_offer().without(8), |raw| raw.with(82, [])).unwrap_err();
    assert_error(&zero, ErrorKind::Zero, Rule::D3, Field::INVREQ_AMOUNT);
}

// STA-5
#[test]
fn a_price_in_dollars_is_converted_by_the_payer() {
    let offer = served_offer().with(6, "USD").with_number(8, 350);
    let invoice = read(static_for(offer.clone(), issuer().public_key()));
    let request = request_with(offer.clone(), |raw| raw);
    let usd = "USD".parse().unwrap();
    let error = refused(invoice.check(&context(&request)));
    assert_error(&error, ErrorKind::RateNeeded { currency: usd }, Rule::Sta5, Field::OFFER_AMOUNT);
    // 3 cents are 10 msat, rounded up.
    let rate = Some(rate(3, 10));
    let at_a_rate = StaticInvoiceContext { rate, ..context(&request) };
    assert_eq!(invoice.check(&at_a_rate).unwrap().amount(), Msat(1_167));
    let at_most = |max| invoice.check(&StaticInvoiceContext { max_amount: Msat(max), ..at_a_rate });
    assert!(at_most(1_167).is_ok());
    let kind = ErrorKind::AmountTooHigh { max: Msat(1_166) };
    assert_error(&refused(at_most(1_166)), kind.clone(), Rule::Sta5, Field::OFFER_AMOUNT);
    // What the request names needs no rate.
    let named = request_with(offer, |raw| raw.with_number(82, 1_167));
    assert_eq!(invoice.check(&context(&named)).unwrap().amount(), Msat(1_167));
    let limited = StaticInvoiceContext { max_amount: Msat(1_166), ..context(&named) };
    assert_error(&refused(invoice.check(&limited)), kind, Rule::Sta5, Field::INVREQ_AMOUNT);
}

// IVR-2, IVR-13, STA-2, STA-3, EXC-11
#[test]
fn the_way_the_chain_the_time_and_the_paths_are_checked() {
    let request = request_with(served_offer(), |raw| raw);
    let invoice = read(plain());
    for arrival in [Arrival::Direct, Arrival::OtherPath] {
        let error = refused(invoice.check(&StaticInvoiceContext { arrival, ..context(&request) }));
        assert_error(&error, ErrorKind::WrongArrival, Rule::Ivr13, None);
    }
    for sent_to in [SentTo::IssuerId, SentTo::Path(point(0x46).into())] {
        let error = refused(invoice.check(&StaticInvoiceContext { sent_to, ..context(&request) }));
        assert_error(&error, ErrorKind::WrongKey, Rule::Sta2, Field::INVOICE_NODE_ID);
    }
    let error = refused(invoice.check(&StaticInvoiceContext { chains: &[ChainHash::TESTNET3], ..context(&request) }));
    assert_error(&error, ErrorKind::UnsupportedChain, Rule::Ivr2, Field::OFFER_CHAINS);
    let at = UnixTime(CREATED_AT + TWO_WEEKS);
    assert!(invoice.check(&StaticInvoiceContext { now: at, ..context(&request) }).is_ok());
    let error = refused(invoice.check(&StaticInvoiceContext { now: UnixTime(at.0 + 1), ..context(&request) }));
    assert_error(&error, ErrorKind::Expired { at }, Rule::Ivr4, Field::INVOICE_CREATED_AT);
    let mut narrow = payinfo(&[]);
    narrow[18..26].copy_from_slice(&(PRICE - 1).to_be_bytes());
    let invoice = read(plain().with(162, narrow));
    let kind = ErrorKind::CannotCarry { amount: Msat(PRICE), min: Msat(1), max: Msat(PRICE - 1) };
    let error = refused(invoice.check(&context(&request)));
    assert_error(&error, kind, Rule::Exc11, Field::INVOICE_BLINDEDPAY);
}

// STA-2: of an offer without an issuer id, the path that was asked over says who signs.
#[test]
fn a_key_of_another_path_does_not_sign() {
    let offer = hidden_offer().with(16, [path(), path_over(&[point(0x46), point(0x47)])].concat());
    let request = request_with(offer.clone(), |raw| raw);
    let invoice: StaticInvoice = static_for(offer, point(0x47)).sign_static(&key(0x47)).read();
    let error = refused(invoice.check(&context(&request)));
    assert_error(&error, ErrorKind::WrongKey, Rule::Sta2, Field::INVOICE_NODE_ID);
    let over_it = StaticInvoiceContext { sent_to: SentTo::Path(point(0x47).into()), ..context(&request) };
    assert!(invoice.check(&over_it).is_ok());
}

prop_compose! {
    /// A valid static invoice, unsigned, with any set of fields.
    fn any_static_invoice()(
        amount in proptest::option::of(1..1_000_000_000u64),
        description in ".{0,30}",
        features in proptest::option::of(vec(any::<u8>().prop_map(|byte| byte & 0xaa), 0..5)),
        expiry in proptest::option::of(any::<u32>()),
        message_paths in 1usize..4,
        unknown in btree_map(
            prop_oneof![1u64..79, 179u64..235, 1_000_000_000u64..2_000_000_000, 3_000_000_000u64..4_000_000_000],
            vec(any::<u8>(), 0..20),
            0..6,
        ),
    ) -> Raw {
        let raw = static_for(served_offer().without(8).with(10, description), issuer().public_key());
        let mut raw = raw.with(236, path().repeat(message_paths));
        for (number, value) in [(8, amount.map(tu64)), (166, expiry.map(|it| tu64(it.into()))), (174, features)] {
            raw = value.into_iter().fold(raw, |raw, value| raw.with(number, value));
        }
        unknown.into_iter().fold(raw, |raw, (number, value)| raw.with(number | 1, value))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // TLV-4, STA-2
    #[test]
    fn reading_and_writing_is_the_identity(raw in any_static_invoice()) {
        let raw = raw.sign_static(&issuer());
        let invoice: StaticInvoice = raw.read();
        prop_assert_eq!(invoice.as_bytes(), raw.encode());
        prop_assert_eq!(invoice.clone().into_bytes(), raw.encode());
        let unsigned = Unsigned::<StaticInvoice>::try_from(raw.without(240).encode()).unwrap();
        prop_assert_eq!(unsigned.complete(&invoice.signature()).unwrap(), invoice);
    }

    // STA-2, SIG-5
    #[test]
    fn a_signature_covers_every_bit(raw in any_static_invoice(), at: prop::sample::Index, bit in 0u8..8) {
        let bytes = raw.sign_static(&issuer()).encode();
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] ^= 1 << bit;
        prop_assert!(StaticInvoice::try_from(changed).is_err());
    }

    // STA-4: whatever the offer holds, it is repeated and compared as it stands.
    #[test]
    fn the_offer_is_repeated_byte_for_byte(raw in any_static_invoice()) {
        let offer = raw.only(|number| matches!(number, 1..=79 | 1_000_000_000..=1_999_999_999));
        let invoice: StaticInvoice = raw.sign_static(&issuer()).read();
        let read: Offer = offer.read();
        prop_assert!(invoice.offer().same_offer(&read));
        prop_assert_eq!(invoice.offer().id(), Some(read.id()));
        let again = build(&offer, &issuer(), |builder| builder).unwrap();
        prop_assert_eq!(again.only(|number| matches!(number, 1..=79 | 1_000_000_000..=1_999_999_999)), offer);
    }
}
