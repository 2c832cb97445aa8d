//! The rules about recurrence: what a reader refuses, what a builder cannot write, and what an issuer accepts.

use std::num::NonZeroU32;
use std::time::Duration;

use super::raw::*;
use bolt12::{
    AcceptedRequest, Arrival, Bolt12, ChainHash, Error, ErrorKind, FetchedContext, Field, Invoice, InvoiceContext,
    InvoiceError, InvoiceRequest, InvoiceRequestBuilder, MinorUnits, Msat, Offer, OfferAmount, OfferBuilder,
    PaidPeriod, PayWindow, PayerProofBuilder, Preimage, Recurrence, RecurrenceBase, RecurrenceContext,
    RecurrenceRequest, Refund, RequestContext, Rule, SentTo, TimeUnit, UnixTime,
};
use proptest::prelude::*;

const COMPULSORY: u64 = 1_000_000_024;
const OPTIONAL: u64 = 1_000_000_025;
const BASE: u64 = 1_000_000_026;
const PAYWINDOW: u64 = 1_000_000_027;
const LIMIT: u64 = 1_000_000_029;
const COUNTER: u64 = 2_000_000_092;
const START: u64 = 2_000_000_093;
const CANCEL: u64 = 2_000_000_094;
const BASETIME: u64 = 3_000_000_177;

/// A month, and a day more than the month before the first invoice.
const MONTH: [u8; 2] = [2, 1];
const DAY: u64 = 86_400;

fn monthly() -> Raw {
    offer().with(COMPULSORY, MONTH)
}

/// The start of period 0 for everybody: a little less than three months before [`NOW`].
fn base() -> u64 {
    CREATED_AT - 85 * DAY
}

fn based(proportional: u8) -> Raw {
    monthly().with(BASE, [vec![proportional], tu64(base())].concat())
}

fn signed(raw: Raw) -> Raw {
    raw.sign_request(&payer())
}

/// A request for one payment of an offer.
fn nth(offer: Raw, counter: u64) -> Raw {
    request_for(offer).with_number(COUNTER, counter)
}

/// The same for an offer with a base.
fn nth_from(offer: Raw, start: u64, counter: u64) -> Raw {
    nth(offer, counter).with_number(START, start)
}

fn invoice_of(request: Raw, basetime: u64) -> Raw {
    invoice_for(signed(request), issuer().public_key()).with_number(BASETIME, basetime)
}

#[track_caller]
fn refused_offer(raw: Raw, kind: ErrorKind, rule: Rule, field: Field) {
    assert_error(&raw.refusal::<Offer>(), kind.clone(), rule, field);
    // D10: so is what repeats it.
    let request = signed(nth(raw, 0)).refusal::<InvoiceRequest>();
    assert_error(&request, kind, rule, field);
}

#[track_caller]
fn refused_request(raw: Raw, kind: ErrorKind, rule: Rule, field: Field) {
    assert_error(&signed(raw.clone()).refusal::<InvoiceRequest>(), kind.clone(), rule, field);
    // D10
    let invoice = invoice_of(raw, CREATED_AT).sign_invoice(&issuer()).refusal::<Invoice>();
    assert_error(&invoice, kind, rule, field);
}

#[track_caller]
fn refused_invoice(raw: Raw, kind: ErrorKind, rule: Rule, field: Field) {
    assert_error(&raw.sign_invoice(&issuer()).refusal::<Invoice>(), kind, rule, field);
}

fn read_request(raw: Raw) -> InvoiceRequest {
    signed(raw).read()
}

fn every(period: u32, unit: TimeUnit) -> Recurrence {
    Recurrence::every(period, unit).unwrap()
}

// ---- Offers ----

#[test]
fn an_offer_says_how_it_recurs() {
    assert_eq!(offer().read::<Offer>().recurrence(), None);
    let read: Offer = monthly().read();
    assert_eq!(read.recurrence(), Some(every(1, TimeUnit::Months)));
    let optional: Offer = offer().with(OPTIONAL, [1, 0x01, 0x00]).read();
    assert_eq!(optional.recurrence(), Some(Recurrence { is_compulsory: false, ..every(256, TimeUnit::Days) }));
    let all: Offer = based(1)
        .with(COMPULSORY, [0, 255, 255, 255, 255])
        .with(PAYWINDOW, [0, 0, 0, 3, 1, 0])
        .with_number(LIMIT, 11)
        .read();
    let expected = Recurrence {
        base: Some(RecurrenceBase { proportional_amount: true, basetime: UnixTime(base()) }),
        paywindow: Some(PayWindow { seconds_before: 3, seconds_after: 256 }),
        limit: NonZeroU32::new(11),
        ..every(u32::MAX, TimeUnit::Seconds)
    };
    assert_eq!(all.recurrence(), Some(expected));
    assert_eq!(all.unknown().count(), 0);
    assert!(format!("{all:?}").contains("offer_recurrence_limit: 11"));
}

// REC-1
#[test]
fn an_offer_recurs_in_one_way() {
    let refused = |raw, field| refused_offer(raw, ErrorKind::Unexpected, Rule::Rec1, field);
    refused(monthly().with(OPTIONAL, MONTH), Field::OFFER_RECURRENCE_OPTIONAL);
    refused(based(0).without(COMPULSORY).with(OPTIONAL, MONTH), Field::OFFER_RECURRENCE_BASE);
    refused(based(0).without(COMPULSORY), Field::OFFER_RECURRENCE_BASE);
    refused(offer().with(PAYWINDOW, [0, 0, 0, 1]), Field::OFFER_RECURRENCE_PAYWINDOW);
    refused(offer().with_number(LIMIT, 1), Field::OFFER_RECURRENCE_LIMIT);
    let optional = offer().with(OPTIONAL, MONTH).with(PAYWINDOW, [0, 0, 0, 1]).with_number(LIMIT, 1);
    let _: Offer = optional.read();
}

// REC-1, REC-2, TLV-2, TLV-3
#[test]
fn every_value_has_its_form() {
    let long = |value: &[u8]| [value, &[0xff; 9]].concat();
    let cases: [(u64, Vec<u8>, ErrorKind, Rule, usize); 21] = [
        (COMPULSORY, vec![], ErrorKind::Truncated, Rule::Tlv3, 0),
        (COMPULSORY, vec![3, 1], ErrorKind::UnknownCode(3), Rule::Rec1, 0),
        (COMPULSORY, vec![255, 1], ErrorKind::UnknownCode(255), Rule::Rec1, 0),
        (COMPULSORY, vec![2], ErrorKind::Zero, Rule::Rec1, 1),
        (COMPULSORY, vec![2, 0], ErrorKind::NotMinimal, Rule::Tlv2, 1),
        (COMPULSORY, vec![2, 1, 0, 0, 0, 0], ErrorKind::NumberTooLarge, Rule::Tlv2, 1),
        (OPTIONAL, vec![1], ErrorKind::Zero, Rule::Rec1, 1),
        (OPTIONAL, vec![9], ErrorKind::UnknownCode(9), Rule::Rec1, 0),
        (BASE, vec![], ErrorKind::Truncated, Rule::Tlv3, 0),
        (BASE, vec![2, 1], ErrorKind::UnknownCode(2), Rule::Rec2, 0),
        (BASE, vec![0, 0, 1], ErrorKind::NotMinimal, Rule::Tlv2, 1),
        (BASE, long(&[1]), ErrorKind::NumberTooLarge, Rule::Tlv2, 1),
        (PAYWINDOW, vec![0, 0, 0], ErrorKind::Truncated, Rule::Tlv3, 0),
        (PAYWINDOW, vec![0, 0, 0, 1, 0], ErrorKind::NotMinimal, Rule::Tlv2, 4),
        (PAYWINDOW, long(&[0, 0, 0, 1]), ErrorKind::NumberTooLarge, Rule::Tlv2, 4),
        (LIMIT, vec![], ErrorKind::Zero, Rule::Rec1, 0),
        (LIMIT, vec![0], ErrorKind::NotMinimal, Rule::Tlv2, 0),
        (LIMIT, vec![1; 5], ErrorKind::NumberTooLarge, Rule::Tlv2, 0),
        (COUNTER, vec![1; 5], ErrorKind::NumberTooLarge, Rule::Tlv2, 0),
        (START, vec![0, 1], ErrorKind::NotMinimal, Rule::Tlv2, 0),
        (CANCEL, vec![1], ErrorKind::InvalidLength, Rule::Tlv7, 0),
    ];
    for (number, value, kind, rule, at) in cases {
        let raw = request_for(monthly()).with_number(COUNTER, 0).with(number, value);
        let raw = if number == OPTIONAL { raw.without(COMPULSORY) } else { raw };
        let raw = signed(raw);
        let error = raw.refusal::<InvoiceRequest>();
        assert_error_at(&error, kind, rule, named(number), raw.value_at(number) + at);
    }
    // Nothing before and nothing after the start, period 0 from 1970 on, and the first of payments, are values.
    let zeros = monthly().with(BASE, [0]).with(PAYWINDOW, [0, 0, 0, 0]);
    let zeros = read_request(nth_from(zeros, 0, 0));
    let recurrence = zeros.offer().recurrence().unwrap();
    assert_eq!(recurrence.base.unwrap().basetime, UnixTime(0));
    assert_eq!(recurrence.paywindow, Some(PayWindow { seconds_before: 0, seconds_after: 0 }));
    assert_eq!(zeros.recurrence(), Some(RecurrenceRequest { start: Some(0), ..Default::default() }));
}

fn named(number: u64) -> Field {
    let fields = [
        Field::OFFER_RECURRENCE_COMPULSORY,
        Field::OFFER_RECURRENCE_OPTIONAL,
        Field::OFFER_RECURRENCE_BASE,
        Field::OFFER_RECURRENCE_PAYWINDOW,
        Field::OFFER_RECURRENCE_LIMIT,
        Field::INVREQ_RECURRENCE_COUNTER,
        Field::INVREQ_RECURRENCE_START,
        Field::INVREQ_RECURRENCE_CANCEL,
        Field::INVOICE_RECURRENCE_BASETIME,
    ];
    fields.into_iter().find(|field| field.number() == number).unwrap()
}

// REC-2
#[test]
fn a_proportional_amount_needs_an_amount() {
    let free = based(1).without(8);
    refused_offer(free.clone(), ErrorKind::Missing, Rule::Rec2, Field::OFFER_AMOUNT);
    let _: Offer = free.with(BASE, [0, 1]).read();
    let _: Offer = based(1).with(6, "USD").read();
}

// REC-1: what answers no offer does not recur.
#[test]
fn a_refund_does_not_recur() {
    let values: [(u64, &[u8]); 8] = [
        (COMPULSORY, &MONTH),
        (OPTIONAL, &MONTH),
        (BASE, &[0, 1]),
        (PAYWINDOW, &[0, 0, 0, 1]),
        (LIMIT, &[1]),
        (COUNTER, &[]),
        (START, &[]),
        (CANCEL, &[]),
    ];
    for (number, value) in values {
        let error = refund().with(number, value).refusal::<Refund>();
        assert_error(&error, ErrorKind::Unexpected, Rule::Rec1, named(number));
    }
    let invoice = invoice_for(refund(), issuer().public_key()).with_number(BASETIME, CREATED_AT);
    refused_invoice(invoice, ErrorKind::Unexpected, Rule::Rec1, Field::INVOICE_RECURRENCE_BASETIME);
}

// ---- Requests ----

// REC-3
#[test]
fn a_request_counts_where_the_offer_recurs() {
    refused_request(request_for(monthly()), ErrorKind::Missing, Rule::Rec3, Field::INVREQ_RECURRENCE_COUNTER);
    refused_request(nth(offer(), 0), ErrorKind::Unexpected, Rule::Rec3, Field::INVREQ_RECURRENCE_COUNTER);
    assert_eq!(read_request(nth(monthly(), 7)).recurrence().unwrap().counter, 7);
    // Who does not know about an optional recurrence pays once.
    let optional = offer().with(OPTIONAL, MONTH);
    assert_eq!(read_request(request_for(optional.clone())).recurrence(), None);
    assert_eq!(read_request(nth(optional, 0)).recurrence(), Some(RecurrenceRequest::default()));
}

// REC-4
#[test]
fn a_request_starts_somewhere_exactly_if_the_offer_has_a_base() {
    refused_request(nth(based(0), 0), ErrorKind::Missing, Rule::Rec4, Field::INVREQ_RECURRENCE_START);
    refused_request(nth_from(monthly(), 0, 0), ErrorKind::Unexpected, Rule::Rec4, Field::INVREQ_RECURRENCE_START);
    let lone = request_for(offer()).with_number(START, 0);
    refused_request(lone, ErrorKind::Unexpected, Rule::Rec4, Field::INVREQ_RECURRENCE_START);
    let request = read_request(nth_from(based(0), 5, 3));
    assert_eq!(request.recurrence(), Some(RecurrenceRequest { counter: 3, start: Some(5), cancel: false }));
    assert_eq!(request.recurrence().unwrap().period_index(), 8);
    assert_eq!(request.recurrence_start(), Some(5));
    let last = u64::from(u32::MAX);
    assert_eq!(read_request(nth_from(based(0), last, last)).recurrence().unwrap().period_index(), 2 * last);
}

// REC-5
#[test]
fn no_request_is_for_a_period_after_the_last() {
    let field = Field::INVREQ_RECURRENCE_COUNTER;
    let limited = |raw: Raw| raw.with_number(LIMIT, 11);
    let _ = read_request(nth(limited(monthly()), 11));
    refused_request(nth(limited(monthly()), 12), ErrorKind::NoSuchPeriod { max: 11 }, Rule::Rec5, field);
    let _ = read_request(nth_from(limited(based(0)), 4, 7));
    refused_request(nth_from(limited(based(0)), 4, 8), ErrorKind::NoSuchPeriod { max: 11 }, Rule::Rec5, field);
    let last = u64::from(u32::MAX);
    refused_request(nth_from(limited(based(0)), last, last), ErrorKind::NoSuchPeriod { max: 11 }, Rule::Rec5, field);
}

// REC-11
#[test]
fn what_cancels_pays_nothing() {
    // Neither quantity (RQR-8) nor amount (RQR-10) is needed, but a wrong quantity is still wrong.
    let bare = monthly().without(8).with_number(20, 3);
    let request = read_request(nth(bare.clone(), 2).with(CANCEL, []));
    assert_eq!(request.recurrence(), Some(RecurrenceRequest { counter: 2, start: None, cancel: true }));
    let error = signed(nth(bare.clone(), 2)).refusal::<InvoiceRequest>();
    assert_error(&error, ErrorKind::Missing, Rule::Rqr8, Field::INVREQ_QUANTITY);
    let error = signed(nth(monthly().without(8), 2)).refusal::<InvoiceRequest>();
    assert_error(&error, ErrorKind::Missing, Rule::Rqr10, Field::INVREQ_AMOUNT);
    let error = signed(nth(bare, 2).with(CANCEL, []).with_number(86, 4)).refusal::<InvoiceRequest>();
    assert_error(&error, ErrorKind::QuantityTooLarge { max: 3 }, Rule::Rqr8, Field::INVREQ_QUANTITY);
    let lone = request_for(offer()).with(CANCEL, []);
    let error = signed(lone).refusal::<InvoiceRequest>();
    assert_error(&error, ErrorKind::Unexpected, Rule::Rec3, Field::INVREQ_RECURRENCE_CANCEL);
}

// REC-7: whoever pays one invoice of an offer pays no subscription.
#[test]
fn the_invoice_of_a_subscription_is_not_fetched() {
    let offer = offer().with(OPTIONAL, MONTH);
    let wanted =
        FetchedContext { now: NOW, chain: ChainHash::BITCOIN, amount: Msat(PRICE)..=Msat(PRICE), quantity: None };
    let once = invoice_for(signed(request_for(offer.clone())), issuer().public_key());
    let first = invoice_of(nth(offer.clone(), 0), CREATED_AT);
    let [once, first] = [once, first].map(|raw| raw.sign_invoice(&issuer()).read::<Invoice>());
    let offer: Offer = offer.read();
    assert!(offer.check_invoice(&once, &wanted).is_ok());
    let error = offer.check_invoice(&first, &wanted).unwrap_err();
    assert_error(&error, ErrorKind::IsRecurring, Rule::Rec7, Field::INVREQ_RECURRENCE_COUNTER);
}

// RQR-9, REC-8: only a clock can tell how much is left.
#[test]
fn a_request_may_be_for_less_than_the_price_if_that_is_proportional() {
    let cheap = |raw: Raw| raw.with_number(82, 1);
    assert_eq!(read_request(cheap(nth_from(based(1), 0, 0))).amount(), Some(Msat(1)));
    let low = ErrorKind::AmountTooLow { min: Msat(PRICE) };
    let error = signed(cheap(nth_from(based(0), 0, 0))).refusal::<InvoiceRequest>();
    assert_error(&error, low.clone(), Rule::Rqr9, Field::INVREQ_AMOUNT);
    let error = signed(cheap(nth(monthly(), 0))).refusal::<InvoiceRequest>();
    assert_error(&error, low, Rule::Rqr9, Field::INVREQ_AMOUNT);
}

// ---- Invoices ----

// REC-9
#[test]
fn an_invoice_says_when_period_0_started() {
    let field = Field::INVOICE_RECURRENCE_BASETIME;
    let plain = || invoice_of(nth(monthly(), 0), CREATED_AT);
    let invoice: Invoice = plain().sign_invoice(&issuer()).read();
    assert_eq!(invoice.recurrence_basetime(), Some(UnixTime(CREATED_AT)));
    refused_invoice(plain().without(BASETIME), ErrorKind::Missing, Rule::Rec9, field);
    // Of a single payment there is none.
    refused_invoice(invoice_of(request_for(offer()), CREATED_AT), ErrorKind::Unexpected, Rule::Rec9, field);
    let once = request_for(offer().with(OPTIONAL, MONTH));
    refused_invoice(invoice_of(once, CREATED_AT), ErrorKind::Unexpected, Rule::Rec9, field);
    // The first invoice starts period 0; later ones may have another time, which only the first can tell.
    let mismatch = |expected| ErrorKind::TimeMismatch { expected: UnixTime(expected) };
    for wrong in [0, CREATED_AT - 1, CREATED_AT + 1, u64::MAX] {
        refused_invoice(invoice_of(nth(monthly(), 0), wrong), mismatch(CREATED_AT), Rule::Rec9, field);
        let _: Invoice = invoice_of(nth(monthly(), 1), wrong).sign_invoice(&issuer()).read();
        // The offer's base is everybody's.
        for counter in 0..2 {
            let request = nth_from(based(0), 2, counter);
            refused_invoice(invoice_of(request, wrong), mismatch(base()), Rule::Rec9, field);
        }
    }
    let _: Invoice = invoice_of(nth_from(based(0), 2, 0), base()).sign_invoice(&issuer()).read();
    let bad = plain().with(BASETIME, [0, 1]);
    refused_invoice(bad, ErrorKind::NotMinimal, Rule::Tlv2, field);
}

// REC-11
#[test]
fn no_invoice_answers_a_cancellation() {
    let invoice = invoice_of(nth(monthly(), 1).with(CANCEL, []), CREATED_AT);
    refused_invoice(invoice, ErrorKind::Cancelled, Rule::Rec11, Field::INVREQ_RECURRENCE_CANCEL);
}

/// A proof may hide any of it, and what is shown is read.
#[test]
fn a_proof_shows_what_was_paid_for() {
    let preimage = Preimage([7; 32]);
    let raw = invoice_of(nth_from(based(0).with_number(LIMIT, 11), 2, 0), base());
    let invoice: Invoice = raw.with(168, preimage.payment_hash()[..].to_vec()).sign_invoice(&issuer()).read();
    let shown = [COMPULSORY, LIMIT, START, BASETIME];
    let proof = shown
        .into_iter()
        .fold(PayerProofBuilder::minimal(&invoice, preimage), |proof, number| proof.reveal(named(number)));
    let proof = proof.build().unwrap().sign(&payer()).unwrap();
    assert_eq!(
        proof.offer().recurrence(),
        Some(Recurrence { limit: NonZeroU32::new(11), ..every(1, TimeUnit::Months) })
    );
    assert_eq!((proof.offer().recurrence_base(), proof.offer().recurrence_limit()), (None, NonZeroU32::new(11)));
    assert_eq!((proof.request().recurrence(), proof.request().recurrence_start()), (None, Some(2)));
    assert_eq!(proof.recurrence_basetime(), Some(UnixTime(base())));
    assert_eq!(proof.offer().unknown().count() + proof.request().unknown().count() + proof.unknown().count(), 0);
}

// ERW-2
#[test]
fn a_suggested_value_can_stand_in_its_field() {
    let about = |field, value: &[u8]| InvoiceError::new("no").unwrap().about(field, Some(value));
    assert!(about(Field::INVREQ_RECURRENCE_COUNTER, &[7]).is_ok());
    assert!(about(Field::INVREQ_RECURRENCE_COUNTER, &[0]).is_err());
    assert!(about(Field::OFFER_RECURRENCE_LIMIT, &[]).is_err());
    let error = about(Field::numbered(BASETIME), &[7]).unwrap();
    assert_eq!(error.erroneous_field().unwrap().name(), Some("invoice_recurrence_basetime"));
}

// ---- Builders ----

fn offer_builder() -> OfferBuilder {
    OfferBuilder::new(issuer().public_key()).description("tea").amount_msat(Msat(PRICE))
}

fn request_builder(offer: &Offer) -> InvoiceRequestBuilder<'_> {
    InvoiceRequestBuilder::new(offer.usable(NOW, BITCOIN).unwrap(), payer().public_key(), [0x24; 16])
}

fn recurrences() -> impl Strategy<Value = Recurrence> {
    let base = (any::<bool>(), any::<u64>()).prop_map(|(proportional_amount, basetime)| RecurrenceBase {
        proportional_amount,
        basetime: UnixTime(basetime),
    });
    let window = (any::<u32>(), any::<u32>())
        .prop_map(|(seconds_before, seconds_after)| PayWindow { seconds_before, seconds_after });
    let unit = prop_oneof![Just(TimeUnit::Seconds), Just(TimeUnit::Days), Just(TimeUnit::Months)];
    (any::<bool>(), unit, 1..=u32::MAX, proptest::option::of(base), proptest::option::of(window), any::<u32>())
        .prop_map(|(is_compulsory, unit, period, base, paywindow, limit)| Recurrence {
            is_compulsory,
            base,
            paywindow,
            limit: NonZeroU32::new(limit & 15),
            ..every(period, unit)
        })
}

proptest! {
    // REC-1 to REC-5: what is built reads back, and what is not breaks a rule.
    #[test]
    fn what_is_said_of_recurrence_reads_back(
        recurrence in recurrences(), counter in 0..20u32, start in proptest::option::of(0..20u32),
        cancel in any::<bool>(), has_amount in any::<bool>(),
    ) {
        let builder = if has_amount { offer_builder() } else { OfferBuilder::new(issuer().public_key()) };
        let built = builder.custom_field(1_000_000_023, [1]).custom_field(1_000_000_031, [2]).recurrence(recurrence);
        let offer = match built.build() {
            Ok(offer) => offer,
            Err(error) if error.rule() == Rule::Rec1 => {
                prop_assert!(!recurrence.is_compulsory && recurrence.base.is_some());
                return Ok(());
            }
            Err(error) => {
                prop_assert_eq!(error.rule(), Rule::Rec2);
                prop_assert!(!has_amount && recurrence.base.unwrap().proportional_amount);
                return Ok(());
            }
        };
        prop_assert!(recurrence.is_compulsory || recurrence.base.is_none());
        prop_assert_eq!(offer.recurrence(), Some(recurrence));
        prop_assert_eq!(Offer::try_from(offer.as_bytes()).unwrap().recurrence(), Some(recurrence));
        prop_assert_eq!(offer.unknown().count(), 2);

        let asked = RecurrenceRequest { counter, start, cancel };
        let builder = request_builder(&offer).amount(Msat(PRICE)).custom_field(2_000_000_091, [3]).recurrence(asked);
        match builder.build() {
            Ok(unsigned) => {
                prop_assert!(!cancel || counter > 0);
                prop_assert_eq!(start.is_some(), recurrence.base.is_some());
                prop_assert!(recurrence.limit.is_none_or(|limit| asked.period_index() <= limit.get().into()));
                let request = unsigned.sign(&payer()).unwrap();
                prop_assert_eq!(InvoiceRequest::try_from(request.as_bytes()).unwrap().recurrence(), Some(asked));
                prop_assert_eq!(request.unknown().count(), 1);
            }
            Err(error) if error.rule() == Rule::D13 => prop_assert!(cancel && counter == 0),
            Err(error) if error.rule() == Rule::Rec4 => prop_assert!(start.is_some() != recurrence.base.is_some()),
            Err(error) => {
                prop_assert_eq!(error.rule(), Rule::Rec5);
                prop_assert!(asked.period_index() > u64::from(recurrence.limit.unwrap().get()));
            }
        }
    }
}

#[test]
fn the_last_word_about_recurrence_counts() {
    let optional = Recurrence { is_compulsory: false, ..every(1, TimeUnit::Days) };
    let offer = offer_builder().recurrence(every(1, TimeUnit::Months)).recurrence(optional).build().unwrap();
    assert_eq!(offer.recurrence(), Some(optional));
    let first = RecurrenceRequest { counter: 3, ..Default::default() };
    let request = request_builder(&offer).recurrence(RecurrenceRequest { cancel: true, ..first }).recurrence(first);
    assert_eq!(request.build().unwrap().recurrence(), Some(first));
    // By number is possible too, as long as it is valid.
    let offer = offer_builder().custom_field(OPTIONAL, [1, 1]).build().unwrap();
    assert_eq!(offer.recurrence(), Some(optional));
    let error = offer_builder().custom_field(OPTIONAL, [1]).build().unwrap_err();
    assert_error(&error, ErrorKind::Zero, Rule::Rec1, Field::OFFER_RECURRENCE_OPTIONAL);
}

// ---- Issuers ----

const NEW: RecurrenceContext = RecurrenceContext { previous: None, is_paid: false, is_cancelled: false };

fn paid(basetime: u64, start: Option<u32>) -> RecurrenceContext {
    RecurrenceContext {
        previous: Some(PaidPeriod { basetime: UnixTime(basetime), start }),
        is_paid: false,
        is_cancelled: false,
    }
}

/// What an issuer answers a request with, at a time.
fn answer(request: Raw, now: u64, subscription: &RecurrenceContext) -> Result<Invoice, Error> {
    let offer: Offer =
        request.only(|number| (1..80).contains(&number) || (1_000_000_000..2_000_000_000).contains(&number)).read();
    let request = read_request(request);
    let context = RequestContext { now: UnixTime(now), ..request_context(&offer) };
    let accepted: AcceptedRequest<'_> = request.accept_recurring(&context, subscription)?;
    let invoice = bolt12::InvoiceBuilder::new(accepted, UnixTime(now), hash(0x66))
        .add_path(blinded_path(), &payinfo_value())
        .build()?;
    Ok(invoice.sign(&issuer()).unwrap())
}

#[track_caller]
fn not_answered(
    request: Raw,
    now: u64,
    subscription: &RecurrenceContext,
    kind: ErrorKind,
    rule: Rule,
    field: Option<Field>,
) {
    assert_error(&answer(request, now, subscription).unwrap_err(), kind, rule, field);
}

// REC-7: who does not know about subscriptions does not answer them.
#[test]
fn a_subscription_is_not_accepted_as_a_single_payment() {
    let (request, offer) = (read_request(nth(monthly(), 0)), monthly().read::<Offer>());
    let error = request.accept(&request_context(&offer)).unwrap_err();
    assert_error(&error, ErrorKind::IsRecurring, Rule::Rec7, Field::INVREQ_RECURRENCE_COUNTER);
    let optional = offer_of(OPTIONAL);
    let (once, optional) = (read_request(request_for(optional.clone())), optional.read::<Offer>());
    assert_eq!(once.accept(&request_context(&optional)).unwrap().amount(), Msat(PRICE));
    let error = once.accept_recurring(&request_context(&optional), &NEW).unwrap_err();
    assert_error(&error, ErrorKind::IsNotRecurring, Rule::Rec3, Field::INVREQ_RECURRENCE_COUNTER);
}

fn offer_of(number: u64) -> Raw {
    offer().with(number, MONTH)
}

// REC-9
#[test]
fn period_0_starts_with_the_first_invoice_or_with_the_offer() {
    let first = answer(nth(monthly(), 0), CREATED_AT, &NEW).unwrap();
    assert_eq!(first.recurrence_basetime(), Some(UnixTime(CREATED_AT)));
    let second = answer(nth(monthly(), 1), CREATED_AT + 20 * DAY, &paid(CREATED_AT, None)).unwrap();
    assert_eq!(second.recurrence_basetime(), Some(UnixTime(CREATED_AT)));
    let joined = answer(nth_from(based(0), 2, 0), CREATED_AT, &NEW).unwrap();
    assert_eq!(joined.recurrence_basetime(), Some(UnixTime(base())));
    assert_eq!(joined.amount(), Msat(PRICE));
}

// REC-7, REC-9
#[test]
fn a_payer_compares_each_invoice_with_the_first() {
    let check = |counter, edit: fn(&mut InvoiceContext<'_>), basetime| {
        let previous = if counter == 0 { NEW } else { paid(CREATED_AT, None) };
        let invoice = answer(nth(monthly(), counter), CREATED_AT + counter, &previous).unwrap();
        let request = read_request(nth(monthly(), counter));
        let mut context = InvoiceContext {
            request: &request,
            sent_to: SentTo::IssuerId,
            arrival: Arrival::OwnPath,
            now: NOW,
            chains: BITCOIN,
            max_amount: Msat(PRICE),
        };
        edit(&mut context);
        let single = invoice.check(&context).unwrap_err();
        assert_error(&single, ErrorKind::IsRecurring, Rule::Rec7, Field::INVREQ_RECURRENCE_COUNTER);
        invoice.check_recurring(&context, basetime).map(|payable| payable.amount())
    };
    assert_eq!(check(0, |_| {}, None).unwrap(), Msat(PRICE));
    assert_eq!(check(1, |_| {}, Some(NOW)).unwrap(), Msat(PRICE));
    let unpaid = check(1, |_| {}, None).unwrap_err();
    assert_error(&unpaid, ErrorKind::PreviousUnpaid, Rule::Rec7, Field::INVREQ_RECURRENCE_COUNTER);
    let earlier = UnixTime(CREATED_AT - 1);
    let moved = check(1, |_| {}, Some(earlier)).unwrap_err();
    let kind = ErrorKind::TimeMismatch { expected: earlier };
    assert_error(&moved, kind, Rule::Rec9, Field::INVOICE_RECURRENCE_BASETIME);
    // IVR-11, and all else that is checked of any invoice.
    let raised = check(1, |context| context.max_amount = Msat(PRICE - 1), Some(NOW)).unwrap_err();
    assert_error(&raised, ErrorKind::AmountTooHigh { max: Msat(PRICE - 1) }, Rule::Ivr11, Field::INVOICE_AMOUNT);
    let astray = check(1, |context| context.arrival = Arrival::Direct, Some(NOW)).unwrap_err();
    assert_error(&astray, ErrorKind::WrongArrival, Rule::Ivr13, None);
    // An invoice of a single payment is no subscription's.
    let (request, single): (InvoiceRequest, Invoice) = (request().read(), invoice().read());
    let context = InvoiceContext {
        request: &request,
        sent_to: SentTo::IssuerId,
        arrival: Arrival::OwnPath,
        now: NOW,
        chains: BITCOIN,
        max_amount: Msat(PRICE),
    };
    let error = single.check_recurring(&context, None).unwrap_err();
    assert_error(&error, ErrorKind::IsNotRecurring, Rule::Rec3, Field::INVREQ_RECURRENCE_COUNTER);
}

// REC-4, REC-7, REC-11
#[test]
fn a_payment_follows_the_one_before_it() {
    let field = Field::INVREQ_RECURRENCE_COUNTER;
    not_answered(nth(monthly(), 1), CREATED_AT, &NEW, ErrorKind::PreviousUnpaid, Rule::Rec7, Some(field));
    let start = Some(Field::INVREQ_RECURRENCE_START);
    let moved = nth_from(based(0), 1, 1);
    not_answered(moved, CREATED_AT, &paid(base(), Some(2)), ErrorKind::Differs, Rule::Rec4, start);
    let cancelled = RecurrenceContext { is_cancelled: true, ..paid(CREATED_AT, None) };
    for subscription in [cancelled, RecurrenceContext { is_cancelled: true, ..NEW }] {
        not_answered(nth(monthly(), 1), CREATED_AT, &subscription, ErrorKind::Cancelled, Rule::Rec11, None);
        not_answered(nth(monthly(), 0), CREATED_AT, &subscription, ErrorKind::Cancelled, Rule::Rec11, None);
    }
    let cancels = nth(monthly(), 1).with(CANCEL, []);
    let error = answer(cancels, CREATED_AT, &paid(CREATED_AT, None)).unwrap_err();
    assert_error(&error, ErrorKind::Cancelled, Rule::Rec11, None);
    // And nobody is told.
    assert_eq!(InvoiceError::answering(&error), None);
}

// REC-3: one above the highest paid, so not one that is paid; also not the first.
#[test]
fn a_payment_is_not_billed_again() {
    let field = Field::INVREQ_RECURRENCE_COUNTER;
    for (counter, before) in [(0, NEW), (1, paid(CREATED_AT, None))] {
        let again = RecurrenceContext { is_paid: true, ..before };
        not_answered(nth(monthly(), counter), CREATED_AT, &again, ErrorKind::AlreadyPaid, Rule::Rec3, Some(field));
        let _ = answer(nth(monthly(), counter), CREATED_AT, &before).unwrap();
        // Who is told? Whoever asks, unless it was cancelled (REC-11).
        let error = answer(nth(monthly(), counter), CREATED_AT, &again).unwrap_err();
        assert_eq!(InvoiceError::answering(&error).unwrap().error().unwrap().as_raw(), error.to_string());
        let cancelled = RecurrenceContext { is_cancelled: true, ..again };
        not_answered(nth(monthly(), counter), CREATED_AT, &cancelled, ErrorKind::Cancelled, Rule::Rec11, None);
    }
}

// REC-11: before anything that would be answered with an error.
#[test]
fn what_was_cancelled_gets_no_answer_whatever_is_wrong() {
    let offer: Offer = monthly().read();
    let request = read_request(nth(monthly(), 1));
    let elsewhere = RequestContext { chains: &[bolt12::ChainHash::REGTEST], ..request_context(&offer) };
    let known = paid(CREATED_AT, None);
    let error = request.accept_recurring(&elsewhere, &known).unwrap_err();
    assert_error(&error, ErrorKind::UnsupportedChain, Rule::Rqr13, error.field());
    let cancelled = RecurrenceContext { is_cancelled: true, ..known };
    let error = request.accept_recurring(&elsewhere, &cancelled).unwrap_err();
    assert_error(&error, ErrorKind::Cancelled, Rule::Rec11, None);
}

// RQR-6: a request for another offer is not accepted, and nobody who probes is told.
#[test]
fn a_request_for_another_offer_is_not_accepted() {
    let request = read_request(nth(monthly(), 0));
    let (own, other) = (monthly().read::<Offer>(), monthly().with(10, "coffee").read::<Offer>());
    assert!(request.accept_recurring(&request_context(&own), &NEW).is_ok());
    let error = request.accept_recurring(&request_context(&other), &NEW).unwrap_err();
    assert_error(&error, ErrorKind::Differs, Rule::Rqr6, None);
    assert!(InvoiceError::answering(&error).is_none());
}

// REC-3: a subscription is one payer's to one offer.
#[test]
fn a_key_names_the_offer_and_the_payer() {
    let key = |raw| read_request(raw).subscription_key();
    let first = key(nth(monthly(), 0)).unwrap();
    assert_eq!(first.offer_id, monthly().read::<Offer>().id());
    assert_eq!(first.payer_id, read_request(nth(monthly(), 0)).payer_id());
    assert_eq!(key(nth(monthly(), 3)), Some(first));
    let dearer = monthly().with_number(8, 2 * PRICE);
    let other = key(nth(dearer, 0)).unwrap();
    assert_eq!(other.payer_id, first.payer_id);
    assert_ne!(other, first);
    assert_eq!(first.to_bytes(), *[&first.offer_id.to_byte_array()[..], &first.payer_id.serialize()].concat());
    assert_eq!(key(request_for(offer_of(OPTIONAL))), None, "a single payment");
}

// REC-6, REC-10
#[test]
fn a_period_is_paid_in_its_window_and_not_later() {
    let offer = monthly().with(PAYWINDOW, [[0, 0, 0, 60].as_slice(), &tu64(600)].concat());
    let month = 31 * DAY; // NOW is 15 January 2027.
    let next = CREATED_AT + month;
    let paid = paid(CREATED_AT, None);
    let field = Some(Field::INVREQ_RECURRENCE_COUNTER);
    let request = || nth(offer.clone(), 1);
    not_answered(request(), next - 61, &paid, ErrorKind::TooEarly { from: UnixTime(next - 60) }, Rule::Rec6, field);
    not_answered(request(), next + 601, &paid, ErrorKind::TooLate { until: UnixTime(next + 600) }, Rule::Rec6, field);
    for now in [next - 60, next, next + 600] {
        let invoice = answer(request(), now, &paid).unwrap();
        assert_eq!(invoice.expires_at(), UnixTime(next + 600));
        assert_eq!(invoice.relative_expiry(), Duration::from_secs(next + 600 - now));
    }
    // Without a base, the first can come at any time, and is to be paid as fast as the others, or in its period; but a
    // minute is left for it.
    let after = |seconds| monthly().with(PAYWINDOW, [[0, 0, 0, 0].as_slice(), &tu64(seconds)].concat());
    let seconds = |number| monthly().with(COMPULSORY, [[0].as_slice(), &tu64(number)].concat());
    for (offer, expiry) in
        [(offer.clone(), 600), (after(59), 60), (after(61), 61), (after(8000), 7200), (monthly(), 7200)]
    {
        let first = answer(nth(offer, 0), CREATED_AT, &NEW).unwrap();
        assert_eq!(first.relative_expiry(), Duration::from_secs(expiry));
    }
    for (period, expiry) in [(1, 60), (61, 60), (62, 61), (7200, 7199), (7201, 7200)] {
        let first = answer(nth(seconds(period), 0), CREATED_AT, &NEW).unwrap();
        assert_eq!(first.relative_expiry(), Duration::from_secs(expiry), "{period}");
    }
    // Without a window: while it lasts, and during the period before.
    let request = || nth(monthly(), 1);
    let _ = answer(request(), CREATED_AT, &paid).unwrap();
    let end = next + 28 * DAY;
    let last = answer(request(), end - 1, &paid).unwrap();
    assert_eq!(last.relative_expiry(), Duration::ZERO);
    not_answered(request(), end, &paid, ErrorKind::TooLate { until: UnixTime(end - 1) }, Rule::Rec6, field);
    let early = ErrorKind::TooEarly { from: UnixTime(CREATED_AT) };
    not_answered(request(), CREATED_AT - 1, &paid, early, Rule::Rec6, field);
}

/// An invoice that is made when the window of its period is over: the request was accepted in time.
// REC-6, REC-10
#[test]
fn an_invoice_is_made_while_it_can_be_paid() {
    let raw = monthly().with(PAYWINDOW, [[0, 0, 0, 60].as_slice(), &tu64(600)].concat());
    let (offer, request) = (raw.read::<Offer>(), read_request(nth(raw, 1)));
    let until = CREATED_AT + 31 * DAY + 600;
    let context = RequestContext { now: UnixTime(until), ..request_context(&offer) };
    let made = |created_at: u64| {
        let accepted = request.accept_recurring(&context, &paid(CREATED_AT, None)).unwrap();
        bolt12::InvoiceBuilder::new(accepted, UnixTime(created_at), hash(0x66))
            .add_path(blinded_path(), &payinfo_value())
            .build()
    };
    assert_eq!(made(until).unwrap().relative_expiry(), Duration::ZERO);
    let too_late = ErrorKind::TooLate { until: UnixTime(until) };
    assert_error(&made(until + 1).unwrap_err(), too_late, Rule::Rec6, Field::INVREQ_RECURRENCE_COUNTER);
}

// REC-8
#[test]
fn who_comes_late_pays_what_is_left() {
    let period = |index| every(1, TimeUnit::Months).period_at(UnixTime(base()), index).unwrap();
    let (start, end) = (period(2).start.0, period(2).end.0);
    let half = (start + end) / 2;
    let request = || nth_from(based(1), 2, 0);
    assert_eq!(answer(request(), half, &NEW).unwrap().amount(), Msat(PRICE / 2));
    assert_eq!(answer(request(), start, &NEW).unwrap().amount(), Msat(PRICE));
    assert_eq!(answer(request(), start - 1, &NEW).unwrap().amount(), Msat(PRICE));
    // Who offers less than that is refused, who offers more pays it (IVW-2).
    let offering = |amount| answer(request().with_number(82, amount), half, &NEW).map(|invoice| invoice.amount());
    assert_eq!(offering(PRICE / 2).unwrap(), Msat(PRICE / 2));
    assert_eq!(offering(PRICE).unwrap(), Msat(PRICE));
    let low = ErrorKind::AmountTooLow { min: Msat(PRICE / 2) };
    assert_error(&offering(PRICE / 2 - 1).unwrap_err(), low, Rule::Rqr9, Field::INVREQ_AMOUNT);
    // So it is with a price in dollars.
    let dollars = OfferAmount::Currency { currency: "USD".parse().unwrap(), amount: MinorUnits(300) };
    let raw = nth_from(based(1).with(6, "USD").with_number(8, 300), 2, 0);
    let offer: Offer = based(1).with(6, "USD").with_number(8, 300).read();
    assert_eq!(offer.amount(), Some(dollars));
    let context = RequestContext { now: UnixTime(half), rate: Some(rate(1, 1_000)), ..request_context(&offer) };
    let accepted = read_request(raw);
    assert_eq!(accepted.accept_recurring(&context, &NEW).unwrap().amount(), Msat(150_000));
}

// REC-13
#[test]
fn an_expired_offer_goes_on_for_who_began_in_time() {
    let offer = monthly().with_number(14, CREATED_AT);
    let _ = answer(nth(offer.clone(), 0), CREATED_AT, &NEW).unwrap();
    let expired = ErrorKind::Expired { at: UnixTime(CREATED_AT) };
    let field = Some(Field::OFFER_ABSOLUTE_EXPIRY);
    not_answered(nth(offer.clone(), 0), CREATED_AT + 1, &NEW, expired, Rule::Ofr9, field);
    let _ = answer(nth(offer, 1), CREATED_AT + 1, &paid(CREATED_AT, None)).unwrap();
}

/// What is pasted is what it says.
#[test]
fn a_subscription_can_be_pasted() {
    let text = monthly().read::<Offer>().to_string();
    let Ok(Bolt12::Offer(offer)) = text.parse::<Bolt12>() else { panic!("{text}") };
    assert!(offer.recurrence().is_some());
}
