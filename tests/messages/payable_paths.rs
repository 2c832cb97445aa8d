//! Paths that can carry what an invoice asks for, and what that costs (EXC-10, EXC-11, IVR-14).

use super::raw::{self, *};
use bolt12::{
    Arrival, Error, ErrorKind, Field, Invoice, InvoiceBuilder, InvoiceContext, InvoiceRequest, Msat, MultiPart, Offer,
    PathLimits, PayInfo, Rule, SentTo,
};
use proptest::prelude::*;

/// All the bitcoin there will ever be, which Core Lightning writes as the maximum of a path without channels.
const UNLIMITED: u64 = 2_100_000_000_000_000_000;

const FORMS: [MultiPart; 3] = [MultiPart::Forbidden, MultiPart::Allowed, MultiPart::Required];

/// A path that is known by the number of its first hop.
fn numbered(at: usize) -> Vec<u8> {
    path_over(&[point(at as u8 + 1), recipient().public_key()])
}

fn between(min: u64, max: u64) -> PayInfo<'static> {
    PayInfo::new(0, 0, 144, min, max)
}

/// What a peer may send: an invoice with such paths, signed and well-formed.
fn received(amount: u64, multi_part: MultiPart, payinfos: &[PayInfo<'_>]) -> (InvoiceRequest, Invoice) {
    let request = request_for(offer().without(8).with_number(82, amount)).sign_request(&payer());
    let paths: Vec<_> = (0..payinfos.len()).flat_map(numbered).collect();
    let written: Vec<u8> = payinfos.iter().flat_map(written).collect();
    let invoice = invoice_for(request.clone(), issuer().public_key()).with_number(170, amount);
    let invoice = invoice.with(160, paths).with(162, written);
    let invoice = match multi_part {
        MultiPart::Forbidden => invoice,
        MultiPart::Allowed => invoice.with(174, [2, 0, 0]),
        MultiPart::Required => invoice.with(174, [1, 0, 0]),
    };
    (request.read(), invoice.sign_invoice(&issuer()).read())
}

fn written(payinfo: &PayInfo<'_>) -> Vec<u8> {
    let mut bytes = payinfo.fee_base_msat.to_be_bytes().to_vec();
    bytes.extend(payinfo.fee_proportional_millionths.to_be_bytes());
    bytes.extend(payinfo.cltv_expiry_delta.to_be_bytes());
    bytes.extend(payinfo.htlc_minimum_msat.to_be_bytes());
    bytes.extend(payinfo.htlc_maximum_msat.to_be_bytes());
    bytes.extend((payinfo.features.as_bytes().len() as u16).to_be_bytes());
    bytes.extend(payinfo.features.as_bytes());
    bytes
}

fn payer_context(request: &InvoiceRequest) -> InvoiceContext<'_> {
    InvoiceContext {
        request,
        sent_to: SentTo::IssuerId,
        arrival: Arrival::OwnPath,
        now: NOW,
        chains: BITCOIN,
        max_amount: Msat::MAX_MONEY,
    }
}

/// What the payer is handed out.
fn usable(amount: u64, multi_part: MultiPart, payinfos: &[PayInfo<'_>]) -> Result<Vec<PayInfo<'static>>, Error> {
    let (request, invoice) = received(amount, multi_part, payinfos);
    let payable = invoice.check(&payer_context(&request))?;
    Ok(payable.paths().map(|(path, payinfo)| known(&path, payinfo, payinfos)).collect())
}

/// The payinfo that a path was given, which has to be the one that came with it.
fn known(path: &bolt12::BlindedPath<'_>, payinfo: PayInfo<'_>, payinfos: &[PayInfo<'_>]) -> PayInfo<'static> {
    let at = (0..payinfos.len()).find(|at| numbered(*at) == path.as_bytes()).unwrap();
    assert_eq!(payinfo, payinfos[at]);
    let PayInfo { fee_base_msat: base, fee_proportional_millionths: millionths, cltv_expiry_delta, .. } = payinfo;
    PayInfo::new(base, millionths, cltv_expiry_delta, payinfo.htlc_minimum_msat, payinfo.htlc_maximum_msat)
}

/// What the builder makes of the same.
fn built(amount: u64, multi_part: MultiPart, payinfos: &[PayInfo<'_>]) -> Result<(), Error> {
    let offer: Offer = offer().without(8).read();
    let request: InvoiceRequest =
        request_for(raw::offer().without(8).with_number(82, amount)).sign_request(&payer()).read();
    let accepted = request.accept(&request_context(&offer)).unwrap();
    let mut builder = InvoiceBuilder::new(accepted, NOW, hash(1)).multi_part(multi_part);
    for payinfo in payinfos {
        builder = builder.add_path(blinded_path(), payinfo);
    }
    builder.build().map(drop)
}

#[track_caller]
fn refused(amount: u64, multi_part: MultiPart, payinfos: &[PayInfo<'_>], min: u64, max: u64) {
    let kind = ErrorKind::CannotCarry { amount: Msat(amount), min: Msat(min), max: Msat(max) };
    let errors = [
        usable(amount, multi_part, payinfos).expect_err("it cannot be paid"),
        built(amount, multi_part, payinfos).expect_err("nobody could pay it"),
    ];
    for error in errors {
        assert_error(&error, kind.clone(), Rule::Exc11, Field::INVOICE_BLINDEDPAY);
    }
}

#[track_caller]
fn accepted(amount: u64, multi_part: MultiPart, payinfos: &[PayInfo<'_>], handed_out: &[usize]) {
    built(amount, multi_part, payinfos).unwrap();
    let expected: Vec<_> = handed_out.iter().map(|at| payinfos[*at].clone()).collect();
    assert_eq!(usable(amount, multi_part, payinfos).unwrap(), expected);
}

// EXC-11
#[test]
fn a_path_that_cannot_carry_the_amount_is_not_used() {
    for form in FORMS {
        refused(100_000, form, &[between(0, 0)], 0, 0);
        refused(100_000, form, &[between(1, 50_000)], 1, 50_000);
        let error = usable(100_000, form, &[between(1, 50_000)]).unwrap_err();
        assert!(error.to_string().contains("is too much"), "{error}");
        refused(100_000, form, &[between(100_001, UNLIMITED)], 100_001, UNLIMITED);
        accepted(100_000, form, &[between(1, UNLIMITED)], &[0]);
        accepted(100_000, form, &[between(100_000, 100_000)], &[0]);
        // Others do not help, nor hurt.
        let mixed = [between(0, 0), between(1, 100_000), between(100_001, UNLIMITED), between(0, UNLIMITED)];
        accepted(100_000, form, &mixed, &[1, 3]);
        // Limits that exclude each other.
        refused(100_000, form, &[between(200_000, 150_000)], u64::MAX, 0);
    }
}

// EXC-11, IVR-14
#[test]
fn parts_add_up_only_where_the_payment_may_be_split() {
    let halves = [between(1, 50_000), between(1, 50_000)];
    refused(100_000, MultiPart::Forbidden, &halves, 1, 50_000);
    refused(100_001, MultiPart::Allowed, &halves, 1, 100_000);
    let with_large = [between(1, 50_000), between(150_000, 200_000), between(1, 49_999)];
    for form in [MultiPart::Allowed, MultiPart::Required] {
        accepted(100_000, form, &halves, &[0, 1]);
        accepted(99_999, form, &with_large, &[0, 2]);
        // What takes only more is no help.
        refused(100_000, form, &with_large, 1, 299_999);
    }
    // More than 64 bits in all.
    accepted(UNLIMITED, MultiPart::Allowed, &vec![between(0, UNLIMITED); 9], &[0, 1, 2, 3, 4, 5, 6, 7, 8]);
    accepted(UNLIMITED, MultiPart::Allowed, &[between(0, u64::MAX), between(0, u64::MAX)], &[0, 1]);
}

// EXC-11
#[test]
fn an_amount_and_its_fee_fit_64_bits() {
    let dear = PayInfo::new(u32::MAX, u32::MAX, 0, 0, u64::MAX);
    assert_eq!(dear.fee(Msat(u64::MAX)), None);
    assert!(!dear.carries(Msat(UNLIMITED)));
    assert!(dear.carries(Msat(1_000_000_000)));
    let free = between(0, u64::MAX);
    assert!(free.carries(Msat(u64::MAX)) && !free.carries(Msat(0)));
    assert!(!PayInfo::new(1, 0, 0, 0, u64::MAX).carries(Msat(u64::MAX)));
    assert_eq!(between(5, 9).share(Msat(20)), Some(Msat(9)));
    assert_eq!(between(5, 9).share(Msat(4)), None);
}

// EXC-11: decoding knows nothing of it.
#[test]
fn an_invoice_without_a_usable_path_is_read_all_the_same() {
    let (_, invoice) = received(100_000, MultiPart::Forbidden, &[between(0, 0)]);
    assert_eq!(invoice.payment_paths().count(), 1);
}

fn within(
    amount: u64,
    multi_part: MultiPart,
    payinfos: &[PayInfo<'_>],
    max_fee: u64,
    max_cltv_expiry_delta: u32,
) -> Result<Vec<PayInfo<'static>>, Error> {
    let (request, invoice) = received(amount, multi_part, payinfos);
    let payable = invoice.check(&payer_context(&request)).unwrap();
    let paths = payable.paths_within(&PathLimits { max_fee: Msat(max_fee), max_cltv_expiry_delta })?;
    Ok(paths.into_iter().map(|(path, payinfo)| known(&path, payinfo, payinfos)).collect())
}

// EXC-10
#[test]
fn the_cheapest_paths_come_first() {
    let fee = |base, millionths, cltv| PayInfo::new(base, millionths, cltv, 1, UNLIMITED);
    // 1,000 msat, 100 msat, 110 msat, 100 msat again.
    let payinfos = [fee(1_000, 0, 40), fee(0, 1_000, 80), fee(10, 1_000, 40), fee(100, 0, 20)];
    let sorted = |max_fee, max_cltv| within(100_000, MultiPart::Forbidden, &payinfos, max_fee, max_cltv);
    let pick = |at: &[usize]| Ok(at.iter().map(|at| payinfos[*at].clone()).collect::<Vec<_>>());
    assert_eq!(sorted(1_000, 80), pick(&[1, 3, 2, 0]));
    assert_eq!(sorted(999, 80), pick(&[1, 3, 2]));
    assert_eq!(sorted(1_000, 79), pick(&[3, 2, 0]));
    assert_eq!(sorted(100, 40), pick(&[3]));
    for (max_fee, max_cltv) in [(99, 80), (1_000, 19)] {
        let kind = ErrorKind::NoPathWithin { max_fee: Msat(max_fee), max_cltv_expiry_delta: max_cltv };
        let error = sorted(max_fee, max_cltv).unwrap_err();
        assert_error(&error, kind, Rule::Exc10, Field::INVOICE_BLINDEDPAY);
    }
}

// EXC-10
#[test]
fn the_fees_of_all_parts_count() {
    let payinfos = [PayInfo::new(30, 0, 10, 1, 50_000), PayInfo::new(20, 0, 10, 1, 50_000)];
    let both = within(100_000, MultiPart::Allowed, &payinfos, 50, 10).unwrap();
    assert_eq!(both, [payinfos[1].clone(), payinfos[0].clone()]);
    assert!(within(100_000, MultiPart::Allowed, &payinfos, 49, 10).is_err());
    // The rest is small, and costs as much.
    assert!(within(50_001, MultiPart::Allowed, &payinfos, 49, 10).is_err());
    assert!(within(50_000, MultiPart::Allowed, &payinfos, 49, 10).is_ok());
    // The whole would cost too much over the second path, the half does not.
    let payinfos = [PayInfo::new(0, 10, 10, 1, 50_000), PayInfo::new(0, 1_000, 10, 1, 100_000)];
    let both = within(100_000, MultiPart::Allowed, &payinfos, 51, 10).unwrap();
    assert_eq!(both, payinfos);
    assert!(within(100_000, MultiPart::Allowed, &payinfos, 49, 10).is_err());
    assert!(within(100_000, MultiPart::Forbidden, &payinfos, 51, 10).is_err());
    // One path alone is within the limit, though a cheaper small one is first.
    let payinfos = [PayInfo::new(10, 0, 10, 1, 50_000), PayInfo::new(30, 0, 10, 1, 100_000)];
    let both = within(100_000, MultiPart::Allowed, &payinfos, 30, 10).unwrap();
    assert_eq!(both, payinfos);
}

fn limits() -> impl Strategy<Value = PayInfo<'static>> {
    let amounts = || prop_oneof![0..4u64, 0..2_000u64, Just(UNLIMITED), any::<u64>()];
    let fees = (prop_oneof![0..50u32, any::<u32>()], prop_oneof![0..5_000u32, any::<u32>()]);
    (fees, 0..300u16, amounts(), amounts())
        .prop_map(|((base, millionths), cltv, min, max)| PayInfo::new(base, millionths, cltv, min, max))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    // EXC-11
    #[test]
    fn what_is_handed_out_carries_the_amount(
        payinfos in prop::collection::vec(limits(), 1..6),
        amount in prop_oneof![1..2_000u64, 1..=UNLIMITED],
        form in prop::sample::select(&FORMS[..]),
    ) {
        // Said in another way: the largest part that a path takes, by trying both of its limits.
        let fits = |payinfo: &PayInfo<'_>, part: u64| {
            let with_fee = part as u128
                + payinfo.fee_base_msat as u128
                + part as u128 * payinfo.fee_proportional_millionths as u128 / 1_000_000;
            part > 0 && payinfo.htlc_minimum_msat <= part && part <= payinfo.htlc_maximum_msat
                && with_fee <= u64::MAX as u128
        };
        let part = |payinfo: &PayInfo<'_>| match form {
            MultiPart::Forbidden => fits(payinfo, amount).then_some(amount),
            _ => [amount, payinfo.htlc_maximum_msat].into_iter().find(|part| *part <= amount && fits(payinfo, *part)),
        };
        let parts: u128 = payinfos.iter().filter_map(part).map(u128::from).sum();
        let usable = usable(amount, form, &payinfos);
        prop_assert_eq!(usable.is_ok(), parts >= amount as u128);
        prop_assert_eq!(usable.is_ok(), built(amount, form, &payinfos).is_ok());
        if let Ok(usable) = usable {
            let expected: Vec<_> = payinfos.iter().filter(|payinfo| part(payinfo).is_some()).cloned().collect();
            prop_assert_eq!(usable, expected);
        }
    }

    // EXC-10
    #[test]
    fn what_is_handed_out_keeps_to_the_limits(
        payinfos in prop::collection::vec(limits(), 1..6),
        amount in 1..2_000u64,
        form in prop::sample::select(&FORMS[..]),
        max_fee in prop_oneof![0..100u64, any::<u64>()],
        max_cltv in 0..400u32,
    ) {
        prop_assume!(usable(amount, form, &payinfos).is_ok());
        let all = usable(amount, form, &payinfos).unwrap();
        // The largest part that a path carries for the fee, found by trying.
        let part = |payinfo: &PayInfo<'_>| {
            let parts = if form == MultiPart::Forbidden { amount..=amount } else { 1..=amount };
            parts.rev().find(|part| payinfo.carries(Msat(*part)) && payinfo.fee(Msat(*part)).unwrap().0 <= max_fee)
        };
        let keeps = |payinfo: &&PayInfo<'_>| {
            part(payinfo).is_some() && u32::from(payinfo.cltv_expiry_delta) <= max_cltv
        };
        match within(amount, form, &payinfos, max_fee, max_cltv) {
            Ok(found) => {
                prop_assert_eq!(found.len(), all.iter().filter(keeps).count());
                prop_assert!(found.iter().all(|payinfo| keeps(&payinfo)));
                let price = |payinfo: &PayInfo<'_>| {
                    let part = part(payinfo).unwrap();
                    payinfo.fee(Msat(part)).unwrap().0 as f64 / part as f64
                };
                prop_assert!(found.windows(2).all(|pair| price(&pair[0]) <= price(&pair[1]) * (1.0 + 1e-12)));
                prop_assert!(found.iter().map(|payinfo| part(payinfo).unwrap()).sum::<u64>() >= amount);
            }
            // Then none carries all of it alone within the limits.
            Err(_) => prop_assert!(!all.iter().filter(keeps).any(|payinfo| part(payinfo) == Some(amount))),
        }
    }
}
