//! What a payer checks before it pays: an invoice against its request or refund, the time, the chain,
//! the way it came and the amount.

use super::raw::{self, *};
use bolt12::{
    Arrival, ChainHash, Error, ErrorKind, Field, Invoice, InvoiceContext, InvoiceRequest, KnownFeatures, Msat,
    MultiPart, PayableInvoice, Refund, RefundContext, Rule, SentTo, UnixTime,
};
use proptest::prelude::*;

fn context(request: &InvoiceRequest) -> InvoiceContext<'_> {
    InvoiceContext {
        request,
        sent_to: SentTo::IssuerId,
        arrival: Arrival::OwnPath,
        now: NOW,
        chains: BITCOIN,
        max_amount: Msat(PRICE),
    }
}

fn refund_context(refund: &Refund) -> RefundContext<'_> {
    RefundContext { refund, arrival: Arrival::Direct, now: NOW, chains: BITCOIN, payee: None }
}

#[track_caller]
fn refused(result: Result<PayableInvoice<'_>, Error>) -> Error {
    result.expect_err("this is against a rule")
}

/// A request with an unknown field in each of the ranges that an invoice repeats.
fn full_request() -> Raw {
    let offer = offer().with(4, [9]).with(18, "shop").with(33, [1]).with(1_000_000_001, [2]).with_number(20, 9);
    request_for(offer)
        .with(79, [0x79])
        .with_number(82, PRICE)
        .with(84, [])
        .with_number(86, 1)
        .with(89, "note")
        .with(91, b"\x01a\x01b")
        .with(101, [3])
        .with(159, [])
        .with(1_999_999_999, [])
        .with(2_000_000_001, [4])
        .with(2_999_999_999, [])
}

/// An invoice for a request that may not be the one that was sent.
fn answer(request: &Raw) -> Invoice {
    invoice_for(request.clone(), issuer().public_key()).sign_invoice(&issuer()).read()
}

// IVR-8
#[test]
fn an_invoice_that_repeats_its_request_can_be_paid() {
    for raw in [request(), full_request().sign_request(&payer())] {
        let (request, invoice): (InvoiceRequest, Invoice) = (raw.read(), answer(&raw));
        let payable = invoice.check(&context(&request)).unwrap();
        assert_eq!(payable.amount(), Msat(PRICE));
        assert_eq!(payable.invoice(), &invoice);
        assert_eq!(payable.paths().count(), 1);
        assert_eq!(payable.multi_part(), MultiPart::Forbidden);
    }
}

// IVR-8
#[test]
fn a_field_that_changed_appeared_or_vanished_is_named() {
    let sent = full_request();
    let request: InvoiceRequest = sent.clone().sign_request(&payer()).read();
    let difference = |answered: Raw| refused(answer(&answered).check(&context(&request)));
    let differs = |answered: Raw, field: Field| {
        assert_error(&difference(answered), ErrorKind::Differs, Rule::Ivr8, field);
    };
    for (changed, field) in [
        (sent.clone().with(0, [0x25; 16]), Field::INVREQ_METADATA),
        (sent.clone().with(4, [8]), Field::OFFER_METADATA),
        (sent.clone().with_number(8, PRICE - 1), Field::OFFER_AMOUNT),
        (sent.clone().with(10, "Tea"), Field::OFFER_DESCRIPTION),
        (sent.clone().with(18, "Shop"), Field::OFFER_ISSUER),
        (sent.clone().with_number(20, 8), Field::OFFER_QUANTITY_MAX),
        (sent.clone().with(84, [0]), Field::INVREQ_FEATURES),
        (sent.clone().with(88, point(9).serialize()), Field::INVREQ_PAYER_ID),
        (sent.clone().with(89, "Note"), Field::INVREQ_PAYER_NOTE),
        (sent.clone().with(91, b"\x01A\x01b"), Field::INVREQ_BIP_353_NAME),
        (sent.clone().with(12, []), Field::OFFER_FEATURES),
        (sent.clone().with_number(14, u64::MAX), Field::OFFER_ABSOLUTE_EXPIRY),
        (sent.clone().with(16, path()), Field::OFFER_PATHS),
        (sent.clone().with(80, mainnet()), Field::INVREQ_CHAIN),
        (sent.clone().with(90, path()), Field::INVREQ_PATHS),
    ] {
        differs(changed, field);
    }
    // Unknown fields: one at a time, each changed, gone, or joined by another in its range.
    for number in [33, 79, 101, 159, 1_000_000_001, 1_999_999_999, 2_000_000_001, 2_999_999_999] {
        differs(sent.clone().with(number, [0xee]), Field::numbered(number));
        differs(sent.clone().without(number), Field::numbered(number));
    }
    for number in [1, 23, 35, 81, 157, 1_000_000_003, 1_999_999_997, 2_000_000_003, 2_999_999_997] {
        differs(sent.clone().with(number, []), Field::numbered(number));
    }
    for (number, field) in [
        (4, Field::OFFER_METADATA),
        (18, Field::OFFER_ISSUER),
        (82, Field::INVREQ_AMOUNT),
        (84, Field::INVREQ_FEATURES),
        (89, Field::INVREQ_PAYER_NOTE),
        (91, Field::INVREQ_BIP_353_NAME),
    ] {
        differs(sent.clone().without(number), field);
    }
    // The invoice's own fields may be anything.
    let more = invoice_for(sent, issuer().public_key()).with(161, []).with(3_000_000_001, []).sign_invoice(&issuer());
    assert!(more.read::<Invoice>().check(&context(&request)).is_ok());
}

// IVR-8
#[test]
fn a_signature_is_not_repeated() {
    let raw = full_request().with(241, [1]).sign_request(&payer());
    let invoice = answer(&raw);
    assert!(invoice.check(&context(&raw.read())).is_ok());
}

// IVR-2
#[test]
fn an_invoice_is_on_a_chain_of_the_payers() {
    let on_testnet = request_for(offer().with(2, testnet())).with(80, testnet()).sign_request(&payer());
    for (raw, wrong, right) in [
        (request(), &[ChainHash::TESTNET3][..], BITCOIN),
        (request(), &[], &[ChainHash::REGTEST, ChainHash::BITCOIN]),
        (on_testnet, BITCOIN, &[ChainHash::TESTNET3]),
    ] {
        let (request, invoice): (InvoiceRequest, Invoice) = (raw.read(), answer(&raw));
        let error = refused(invoice.check(&InvoiceContext { chains: wrong, ..context(&request) }));
        assert_error(&error, ErrorKind::UnsupportedChain, Rule::Ivr2, Field::INVREQ_CHAIN);
        assert!(invoice.check(&InvoiceContext { chains: right, ..context(&request) }).is_ok());
    }
}

/// An invoice made at one time and good for some seconds, or for as long as is usual.
fn expiring(created_at: u64, expiry: Option<u64>) -> Invoice {
    let raw = invoice_for(request(), issuer().public_key()).with_number(164, created_at);
    let raw = expiry.into_iter().fold(raw, |raw, expiry| raw.with_number(166, expiry));
    raw.sign_invoice(&issuer()).read()
}

// IVR-4
#[test]
fn an_invoice_is_paid_until_its_last_second() {
    let request: InvoiceRequest = request().read();
    for (created_at, expiry, last) in [
        (CREATED_AT, None, CREATED_AT + TWO_HOURS.as_secs()),
        (CREATED_AT, Some(7_200), CREATED_AT + 7_200),
        (CREATED_AT, Some(600), CREATED_AT + 600),
        (CREATED_AT, Some(0), CREATED_AT),
        (CREATED_AT, Some(u32::MAX.into()), CREATED_AT + u64::from(u32::MAX)),
        (0, Some(0), 0),
        (u64::MAX - 7_201, None, u64::MAX - 1),
    ] {
        let invoice = expiring(created_at, expiry);
        assert_eq!(invoice.expires_at(), UnixTime(last));
        let at = |now| InvoiceContext { now: UnixTime(now), ..context(&request) };
        assert!(invoice.check(&at(last)).is_ok());
        // An invoice from the future is odd, but the payer's clock may be slow.
        assert!(invoice.check(&at(0)).is_ok());
        let error = refused(invoice.check(&at(last + 1)));
        assert_error(&error, ErrorKind::Expired { at: UnixTime(last) }, Rule::Ivr4, Field::INVOICE_CREATED_AT);
        assert_eq!(refused(invoice.check(&at(u64::MAX))).rule(), Rule::Ivr4);
    }
}

// IVR-4
#[test]
fn creation_and_expiry_do_not_overflow() {
    let request: InvoiceRequest = request().read();
    for (created_at, expiry) in [
        (u64::MAX, None),
        (u64::MAX, Some(0)),
        (u64::MAX, Some(u32::MAX.into())),
        (u64::MAX - 7_200, None),
        (u64::MAX - 7_199, None),
    ] {
        let invoice = expiring(created_at, expiry);
        assert_eq!(invoice.expires_at(), UnixTime(u64::MAX));
        assert!(invoice.check(&InvoiceContext { now: UnixTime(u64::MAX), ..context(&request) }).is_ok());
    }
}

// IVR-7
#[test]
fn only_paths_whose_features_are_known_are_paid_over() {
    static KNOWN: KnownFeatures = KnownFeatures { payinfo: &[0], ..KnownFeatures::DEFAULT };
    let raw = invoice_for(request(), issuer().public_key())
        .with(160, [path_over(&[point(1)]), path_over(&[point(2)])].concat())
        .with(162, [payinfo(&[1]), payinfo(&[2])].concat())
        .sign_invoice(&issuer());
    let request: InvoiceRequest = request().read();
    let paths = |invoice: Invoice| {
        let payable = invoice.check(&context(&request)).unwrap();
        payable.paths().map(|(path, _)| path.last_blinded_node_id().public_key().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(paths(raw.read()), [point(2)]);
    assert_eq!(paths(Invoice::read(raw.encode(), &KNOWN).unwrap()), [point(1), point(2)]);
}

// IVR-9
#[test]
fn without_an_issuer_id_the_last_node_of_the_path_that_was_used_signs() {
    let hidden = hidden_offer().with(16, [path(), path_over(&[point(5)])].concat());
    let raw = request_for(hidden).sign_request(&payer());
    let request: InvoiceRequest = raw.read();
    let by = |key: bolt12::secp256k1::Keypair| -> Invoice {
        invoice_for(raw.clone(), key.public_key()).sign_invoice(&key).read()
    };
    let over = |last| InvoiceContext { sent_to: SentTo::Path(last), ..context(&request) };
    assert!(by(recipient()).check(&over(recipient().public_key().into())).is_ok());
    assert!(by(key(5)).check(&over(point(5).into())).is_ok());
    for (invoice, sent) in [
        // The end of another path of the offer, a node within the path, and somebody else.
        (by(key(5)), over(recipient().public_key().into())),
        (by(recipient()), over(point(5).into())),
        (by(key(0x46)), over(recipient().public_key().into())),
        (by(issuer()), over(recipient().public_key().into())),
        // There is no issuer id to which it could have been sent.
        (by(recipient()), context(&request)),
    ] {
        let error = refused(invoice.check(&sent));
        assert_error(&error, ErrorKind::WrongKey, Rule::Ivr9, Field::INVOICE_NODE_ID);
    }
}

// IVR-9
#[test]
fn with_an_issuer_id_it_signs_whatever_the_way_was() {
    let raw = request_for(offer().with(16, path())).sign_request(&payer());
    let (request, invoice): (InvoiceRequest, Invoice) = (raw.read(), answer(&raw));
    for sent_to in [SentTo::IssuerId, SentTo::Path(recipient().public_key().into())] {
        assert!(invoice.check(&InvoiceContext { sent_to, ..context(&request) }).is_ok());
    }
}

// IVR-11
#[test]
fn an_invoice_asks_for_no_more_than_was_authorised() {
    let request: InvoiceRequest = request().read();
    let of = |amount| -> Invoice {
        invoice_for(raw::request(), issuer().public_key()).with_number(170, amount).sign_invoice(&issuer()).read()
    };
    let max = |max| InvoiceContext { max_amount: Msat(max), ..context(&request) };
    for (amount, authorised) in [(PRICE, PRICE), (PRICE, PRICE + 1), (PRICE - 1, PRICE), (1, PRICE)] {
        assert_eq!(of(amount).check(&max(authorised)).unwrap().amount(), Msat(amount));
    }
    for (amount, authorised) in [(PRICE + 1, PRICE), (PRICE, PRICE - 1), (PRICE, 0), (1, 0)] {
        let error = refused(of(amount).check(&max(authorised)));
        let kind = ErrorKind::AmountTooHigh { max: Msat(authorised) };
        assert_error(&error, kind, Rule::Ivr11, Field::INVOICE_AMOUNT);
    }
    // D3
    assert!(of(TOO_MUCH - 1).check(&max(u64::MAX)).is_ok());
    for amount in [TOO_MUCH, u64::MAX] {
        let error = refused(of(amount).check(&max(u64::MAX)));
        assert_error(&error, ErrorKind::AmountTooHigh { max: Msat(TOO_MUCH - 1) }, Rule::D3, Field::INVOICE_AMOUNT);
    }
    let error = refused(of(0).check(&max(PRICE)));
    assert_error(&error, ErrorKind::Zero, Rule::D3, Field::INVOICE_AMOUNT);
}

// IVR-13
#[test]
fn an_answer_comes_over_the_reply_path_of_its_request() {
    let (request, invoice): (InvoiceRequest, Invoice) = (request().read(), invoice().read());
    for arrival in [Arrival::OtherPath, Arrival::Direct] {
        let error = refused(invoice.check(&InvoiceContext { arrival, ..context(&request) }));
        assert_error(&error, ErrorKind::WrongArrival, Rule::Ivr13, None);
    }
}

// ---- Refunds ----

/// An invoice that claims a refund.
fn claim(refund: &Raw) -> Raw {
    invoice_for(refund.clone(), recipient().public_key()).sign_invoice(&recipient())
}

// IVR-13
#[test]
fn a_claim_comes_over_a_path_of_the_refund_if_it_has_any() {
    let with_paths = refund().with(90, path());
    for (raw, right) in [(with_paths, Arrival::OwnPath), (refund(), Arrival::Direct)] {
        let (refund, invoice): (Refund, Invoice) = (raw.read(), claim(&raw).read());
        for arrival in [Arrival::OwnPath, Arrival::OtherPath, Arrival::Direct] {
            let checked = invoice.check_refund(&RefundContext { arrival, ..refund_context(&refund) });
            if arrival == right {
                assert_eq!(checked.unwrap().amount(), Msat(PRICE));
            } else {
                assert_error(&refused(checked), ErrorKind::WrongArrival, Rule::Ivr13, None);
            }
        }
    }
}

// IVR-9
#[test]
fn a_refund_is_paid_to_who_was_confirmed() {
    let (refund, invoice): (Refund, Invoice) = (refund().read(), claim(&refund()).read());
    let to = |payee| RefundContext { payee, ..refund_context(&refund) };
    assert!(invoice.check_refund(&to(None)).is_ok());
    assert!(invoice.check_refund(&to(Some(recipient().public_key()))).is_ok());
    let error = refused(invoice.check_refund(&to(Some(issuer().public_key()))));
    assert_error(&error, ErrorKind::WrongKey, Rule::Ivr9, Field::INVOICE_NODE_ID);
}

// IVR-8
#[test]
fn a_claim_repeats_the_refund() {
    let sent = refund().with(89, "sorry").with(33, [1]).with(1_000_000_001, [2]).with(2_000_000_001, [3]);
    let refund: Refund = sent.read();
    let check = |raw: Raw| claim(&raw).read::<Invoice>().check_refund(&refund_context(&refund)).map(drop);
    assert_eq!(check(sent.clone()), Ok(()));
    for (changed, field) in [
        (sent.clone().with(0, [1; 16]), Field::INVREQ_METADATA),
        (sent.clone().with(10, "cup"), Field::OFFER_DESCRIPTION),
        (sent.clone().without(10), Field::OFFER_DESCRIPTION),
        (sent.clone().with(4, []), Field::OFFER_METADATA),
        (sent.clone().with(89, "Sorry"), Field::INVREQ_PAYER_NOTE),
        (sent.clone().with(22, recipient().public_key().serialize()), Field::OFFER_ISSUER_ID),
        (sent.clone().with(33, [2]), Field::numbered(33)),
        (sent.clone().without(33), Field::numbered(33)),
        (sent.clone().with(1_000_000_001, []), Field::numbered(1_000_000_001)),
        (sent.clone().without(2_000_000_001), Field::numbered(2_000_000_001)),
        (sent.clone().with(2_999_999_999, []), Field::numbered(2_999_999_999)),
        (sent.clone().with(33, [2]).with(1_000_000_001, []).with(2_000_000_001, []), Field::numbered(33)),
    ] {
        assert_error(&check(changed).unwrap_err(), ErrorKind::Differs, Rule::Ivr8, field);
    }
    // D1: it does not matter whether the published refund was signed.
    assert_eq!(check(sent.sign_request(&payer())), Ok(()));
}

// EXC-11
#[test]
fn a_claim_has_paths_that_carry_the_refund() {
    let mut narrow = payinfo(&[]);
    narrow[18..26].copy_from_slice(&(PRICE - 1).to_be_bytes());
    let invoice = invoice_for(refund(), recipient().public_key()).with(162, narrow).sign_invoice(&recipient());
    let (refund, invoice): (Refund, Invoice) = (refund().read(), invoice.read());
    let error = refused(invoice.check_refund(&refund_context(&refund)));
    let kind = ErrorKind::CannotCarry { amount: Msat(PRICE), min: Msat(1), max: Msat(PRICE - 1) };
    assert_error(&error, kind, Rule::Exc11, Field::INVOICE_BLINDEDPAY);
}

// IVR-2
#[test]
fn a_claim_is_on_a_chain_of_the_payers() {
    let raw = refund().with(80, testnet());
    let (refund, invoice): (Refund, Invoice) = (raw.read(), claim(&raw).read());
    let error = refused(invoice.check_refund(&refund_context(&refund)));
    assert_error(&error, ErrorKind::UnsupportedChain, Rule::Ivr2, Field::INVREQ_CHAIN);
    let context = RefundContext { chains: &[ChainHash::TESTNET3], ..refund_context(&refund) };
    assert!(invoice.check_refund(&context).is_ok());
}

// EXC-11
#[test]
fn a_claim_that_its_paths_cannot_carry_is_not_paid() {
    let mut info = payinfo(&[]);
    info[18..26].copy_from_slice(&(PRICE - 1).to_be_bytes());
    let refund: Refund = refund().read();
    let claim = invoice_for(raw::refund(), recipient().public_key()).with(162, info).sign_invoice(&recipient());
    let error = refused(claim.read::<Invoice>().check_refund(&refund_context(&refund)));
    let kind = ErrorKind::CannotCarry { amount: Msat(PRICE), min: Msat(1), max: Msat(PRICE - 1) };
    assert_error(&error, kind, Rule::Exc11, Field::INVOICE_BLINDEDPAY);
}

// IVR-4, OFR-9
#[test]
fn neither_the_claim_nor_the_refund_has_expired() {
    let last = CREATED_AT + 7_200;
    let raw = refund().with_number(14, last + 1);
    let (refund, invoice): (Refund, Invoice) = (raw.read(), claim(&raw).read());
    let at = |now| RefundContext { now: UnixTime(now), ..refund_context(&refund) };
    assert!(invoice.check_refund(&at(last)).is_ok());
    let error = refused(invoice.check_refund(&at(last + 1)));
    assert_error(&error, ErrorKind::Expired { at: UnixTime(last) }, Rule::Ivr4, Field::INVOICE_CREATED_AT);

    let raw = raw::refund().with_number(14, CREATED_AT);
    let (refund, invoice): (Refund, Invoice) = (raw.read(), claim(&raw).read());
    let at = |now| RefundContext { now: UnixTime(now), ..refund_context(&refund) };
    assert!(invoice.check_refund(&at(CREATED_AT)).is_ok());
    let error = refused(invoice.check_refund(&at(CREATED_AT + 1)));
    let kind = ErrorKind::Expired { at: UnixTime(CREATED_AT) };
    assert_error(&error, kind, Rule::Ofr9, Field::OFFER_ABSOLUTE_EXPIRY);
}

// IVR-11, D3
#[test]
fn a_claim_is_for_the_amount_of_the_refund_which_somebody_can_pay() {
    let more = invoice_for(refund(), recipient().public_key()).with_number(170, PRICE + 1);
    let error = more.sign_invoice(&recipient()).refusal::<Invoice>();
    let kind = ErrorKind::AmountMismatch { expected: Msat(PRICE) };
    assert_error(&error, kind, Rule::Ivr11, Field::INVOICE_AMOUNT);
    for (amount, kind, rule) in
        [(0, ErrorKind::Zero, Rule::D3), (TOO_MUCH, ErrorKind::AmountTooHigh { max: Msat(TOO_MUCH - 1) }, Rule::D3)]
    {
        let raw = refund().with_number(82, amount);
        let refund: Refund = raw.read();
        let claim = invoice_for(raw, recipient().public_key()).with_number(170, amount);
        let invoice: Invoice = claim.sign_invoice(&recipient()).read();
        let error = refused(invoice.check_refund(&refund_context(&refund)));
        assert_error(&error, kind, rule, Field::INVOICE_AMOUNT);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // IVR-4
    #[test]
    fn the_last_second_is_the_sum_or_the_end_of_time(created_at: u64, expiry: u32, now: u64) {
        let invoice = expiring(created_at, Some(expiry.into()));
        let request: InvoiceRequest = request().read();
        let checked = invoice.check(&InvoiceContext { now: UnixTime(now), ..context(&request) });
        let expired = u128::from(now) > u128::from(created_at) + u128::from(expiry);
        prop_assert_eq!(checked.is_err(), expired);
    }

    // IVR-8
    #[test]
    fn any_difference_in_what_is_repeated_is_found(
        number in prop_oneof![0u64..=159, 1_000_000_000u64..=2_999_999_999],
        value in proptest::collection::vec(any::<u8>(), 0..4),
    ) {
        // Odd, unknown, and not in the request already.
        let number = number | 1;
        let sent = full_request();
        prop_assume!(!sent.0.contains_key(&number));
        let request: InvoiceRequest = sent.clone().sign_request(&payer()).read();
        let error = refused(answer(&sent.clone().with(number, value.clone())).check(&context(&request)));
        prop_assert_eq!(error.field(), Some(Field::numbered(number)));
        let longer: InvoiceRequest = sent.clone().with(number, value).sign_request(&payer()).read();
        let error = refused(answer(&sent).check(&context(&longer)));
        prop_assert_eq!(error.field(), Some(Field::numbered(number)));
        prop_assert_eq!(error.rule(), Rule::Ivr8);
    }
}
