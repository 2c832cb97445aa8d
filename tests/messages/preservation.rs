//! Bytes in are bytes out: whatever a message holds is kept exactly as it came, through requests and
//! invoices that repeat it, and signatures are over those bytes.

use super::raw::*;
use bolt12::{
    Arrival, Invoice, InvoiceContext, InvoiceError, InvoiceRequest, InvoiceRequestBuilder, Msat, Offer, Refund, SentTo,
    TlvRecord,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

/// What an honest peer may write although this crate would not: features that are not minimal or
/// empty, empty texts and metadata, and unknown odd fields in every range, at its ends too.
fn unusual_offer() -> Raw {
    offer()
        .with(1, [])
        .with(4, [])
        .with(10, "")
        .with(12, [2, 0, 0])
        .with(18, "")
        .with(23, [0; 300])
        .with(79, [0xff])
        .with(1_000_000_001, [])
        .with(1_999_999_999, [1, 2, 3])
}

fn unusual_request() -> Raw {
    request_for(unusual_offer())
        .with_number(82, PRICE)
        .with(84, [])
        .with(89, "")
        .with(91, [1, b'a', 1, b'b'])
        .with(81, [7])
        .with(159, [])
        .with(2_000_000_001, [8; 260])
        .with(2_999_999_999, [])
}

fn unusual_invoice(request: Raw) -> Raw {
    invoice_for(request, issuer().public_key())
        .with(161, [])
        .with(172, [])
        .with(174, [0, 2, 0, 0])
        .with(239, [9])
        .with(3_000_000_001, [])
        .with(3_999_999_999, [9])
}

/// The whole way of an offer: requested, accepted, invoiced and checked, each message built from the
/// one before and then read from its bytes.
fn exchange(offer: &Raw, amount: Option<Msat>) -> (Offer, InvoiceRequest, Invoice) {
    let offer: Offer = offer.read();
    let usable = offer.usable(NOW, BITCOIN).unwrap();
    let builder = InvoiceRequestBuilder::new(usable, payer().public_key(), [0x24; 16]);
    let builder = amount.into_iter().fold(builder, InvoiceRequestBuilder::amount);
    let request = builder.build().unwrap().sign(&payer()).unwrap();
    let request: InvoiceRequest = Raw::of(request.as_bytes()).read();
    let accepted = request.accept(&request_context(&offer)).unwrap();
    let invoice = invoice_builder(accepted).build().unwrap().sign(&issuer()).unwrap();
    let invoice: Invoice = Raw::of(invoice.as_bytes()).read();
    let context = InvoiceContext {
        request: &request,
        sent_to: SentTo::IssuerId,
        arrival: Arrival::OwnPath,
        now: NOW,
        chains: BITCOIN,
        max_amount: MUCH,
    };
    assert!(invoice.check(&context).is_ok());
    (offer, request, invoice)
}

fn is_offers(number: u64) -> bool {
    matches!(number, 1..=79 | 1_000_000_000..=1_999_999_999)
}

fn is_repeated(number: u64) -> bool {
    matches!(number, 0..=159 | 1_000_000_000..=2_999_999_999)
}

// IVW-1, RQW-1, TLV-4, D9, D6
#[test]
fn unusual_messages_are_kept_and_repeated_byte_for_byte() {
    let raw = unusual_offer();
    assert_eq!(raw.read::<Offer>().as_bytes(), raw.encode());
    let (offer, request, invoice) = exchange(&raw, None);
    assert_eq!(Raw::of(request.as_bytes()).only(is_offers), raw);
    assert_eq!(Raw::of(invoice.as_bytes()).only(is_repeated), Raw::of(request.as_bytes()).only(is_repeated));
    assert_eq!(invoice.offer().features().unwrap().as_bytes(), [2, 0, 0]);
    assert!(invoice.offer().same_offer(&offer));
    let unknown: Vec<_> = invoice.offer().unknown().map(|record| record.number()).collect();
    assert_eq!(unknown, [1, 23, 79, 1_000_000_001, 1_999_999_999]);
}

// IVW-1, RQR-3, IVR-10
#[test]
fn signatures_are_over_the_bytes_as_they_came() {
    let request = unusual_request().with(241, [5]).with(999, [6]).sign_request(&payer());
    assert_eq!(request.read::<InvoiceRequest>().as_bytes(), request.encode());
    let invoice = unusual_invoice(request.clone()).sign_invoice(&issuer());
    let read: Invoice = invoice.read();
    assert_eq!(read.as_bytes(), invoice.encode());
    assert_eq!(read.request().features().unwrap().as_bytes(), [0; 0]);
    assert_eq!(read.features().unwrap().as_bytes(), [0, 2, 0, 0]);
    // The same values in another form are another message.
    for (number, value) in [(12, vec![0, 2, 0, 0]), (84, vec![0]), (174, vec![2, 0, 0])] {
        assert!(Invoice::try_from(invoice.clone().with(number, value).encode()).is_err());
    }
    for number in [1, 4, 12, 18, 84, 89, 161, 172, 3_000_000_001] {
        assert!(Invoice::try_from(invoice.clone().without(number).encode()).is_err(), "{number}");
    }
}

// IVW-1
#[test]
fn a_claim_repeats_an_unusual_refund() {
    let raw = refund().with(4, []).with(6, "XXX").with(8, []).with(84, [0, 0]).with(79, []).with(2_000_000_001, [1]);
    for raw in [raw.clone(), raw.with(241, []).sign_request(&payer())] {
        let refund: Refund = raw.read();
        assert_eq!(refund.as_bytes(), raw.encode());
        let accepted = refund.accept(NOW, BITCOIN, key(9).public_key()).unwrap();
        let invoice = invoice_builder(accepted).build().unwrap().sign(&key(9)).unwrap();
        let raw_invoice = Raw::of(invoice.as_bytes());
        assert_eq!(raw_invoice.only(is_repeated), raw.only(|_| true));
        assert_eq!(raw_invoice.read::<Invoice>(), invoice);
    }
}

/// Odd types of an offer that this crate does not know, with any values.
fn unknown_fields(ranges: impl Strategy<Value = u64>) -> impl Strategy<Value = Vec<(u64, Vec<u8>)>> {
    let number = ranges.prop_map(|number| number | 1);
    btree_map(number, vec(any::<u8>(), 0..20), 0..6).prop_map(|fields| fields.into_iter().collect())
}

prop_compose! {
    /// A valid offer with any set of fields, known and unknown.
    fn any_offer()(
        metadata in proptest::option::of(vec(any::<u8>(), 0..40)),
        amount in proptest::option::of(1..1_000_000_000u64),
        description in ".{0,30}",
        features in proptest::option::of(vec(any::<u8>().prop_map(|byte| byte & 0xaa), 0..5)),
        expiry in proptest::option::of(CREATED_AT..),
        paths in 0usize..4,
        issuer_name in proptest::option::of(".{0,20}"),
        chains in proptest::option::of(0usize..3),
        unknown in unknown_fields(prop_oneof![1u64..79, 1_000_000_000u64..2_000_000_000]),
    ) -> Raw {
        let mut raw = offer().without(8).with(10, description);
        for (number, value) in [
            (2, chains.map(|others| [[0xcc; 32].repeat(others), mainnet().to_vec()].concat())),
            (4, metadata),
            (8, amount.map(tu64)),
            (12, features),
            (14, expiry.map(tu64)),
            (16, (paths > 0).then(|| path().repeat(paths))),
            (18, issuer_name.map(String::into_bytes)),
        ] {
            raw = value.into_iter().fold(raw, |raw, value| raw.with(number, value));
        }
        unknown.into_iter().fold(raw, |raw, (number, value)| raw.with(number, value))
    }
}

prop_compose! {
    /// A valid request, unsigned, with any set of fields.
    fn any_request()(
        offer in any_offer(),
        amount in 1_000_000_000..2_000_000_000u64,
        features in proptest::option::of(vec(any::<u8>().prop_map(|byte| byte & 0xaa), 0..5)),
        note in proptest::option::of(".{0,20}"),
        metadata in vec(any::<u8>(), 0..40),
        unknown in unknown_fields(prop_oneof![92u64..159, 2_000_000_000u64..3_000_000_000]),
        introduction in proptest::option::of((any::<[u8; 32]>(), any_offer())),
    ) -> Raw {
        let mut raw = request_for(offer).with(0, metadata).with_number(82, amount);
        let (secret, own) = introduction.map(|(secret, own)| (secret.to_vec(), own.encode())).unzip();
        let texts = [(84, features), (89, note.map(String::into_bytes))];
        // Who pays, to a contact (bLIP 42): odd fields like any other, with and without the feature.
        for (number, value) in texts.into_iter().chain([(2_000_001_729, secret), (2_000_001_731, own)]) {
            raw = value.into_iter().fold(raw, |raw, value| raw.with(number, value));
        }
        unknown.into_iter().fold(raw, |raw, (number, value)| raw.with(number, value))
    }
}

prop_compose! {
    /// A valid invoice, unsigned, with any set of fields.
    fn any_invoice()(
        request in any_request(),
        features in proptest::option::of(vec(any::<u8>().prop_map(|byte| byte & 0xaa), 0..5)),
        expiry in proptest::option::of(any::<u32>()),
        unknown in unknown_fields(prop_oneof![177u64..239, 3_000_000_000u64..4_000_000_000]),
    ) -> Raw {
        let amount = request.get(82).to_vec();
        let mut raw = invoice_for(request, issuer().public_key()).with(170, amount);
        for (number, value) in [(166, expiry.map(|expiry| tu64(expiry.into()))), (174, features)] {
            raw = value.into_iter().fold(raw, |raw, value| raw.with(number, value));
        }
        unknown.into_iter().fold(raw, |raw, (number, value)| raw.with(number, value))
    }
}

/// Text and bytes of a message lead back to the same message and the same bytes.
fn is_identity<T>(raw: &Raw) -> Result<(), TestCaseError>
where
    T: TryFrom<Vec<u8>, Error = bolt12::Error> + std::str::FromStr<Err = bolt12::Error>,
    T: std::fmt::Display + std::fmt::Debug + AsRef<[u8]> + PartialEq,
{
    let read: T = raw.read();
    prop_assert_eq!(read.as_ref(), raw.encode());
    let lower = read.to_string();
    prop_assert_eq!(&lower.parse::<T>().unwrap(), &read);
    prop_assert_eq!(format!("{read:#}"), lower.to_uppercase());
    prop_assert_eq!(format!("{read:#}").parse::<T>().unwrap(), read);
    Ok(())
}

fn records<'a>(records: impl Iterator<Item = TlvRecord<'a>>) -> Raw {
    Raw(records.map(|record| (record.number(), record.value().to_vec())).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // TLV-4, D9
    #[test]
    fn reading_and_writing_an_offer_is_the_identity(raw in any_offer()) {
        is_identity::<Offer>(&raw)?;
        let offer: Offer = raw.read();
        prop_assert_eq!(records(offer.tlvs().records()), raw.clone());
        prop_assert_eq!(records(offer.records()), raw.clone());
        prop_assert_eq!(offer.into_bytes(), raw.encode());
    }

    // TLV-4, RQR-3
    #[test]
    fn reading_and_writing_a_request_is_the_identity(raw in any_request()) {
        is_identity::<InvoiceRequest>(&raw.sign_request(&payer()))?;
    }

    // TLV-4, IVR-10
    #[test]
    fn reading_and_writing_an_invoice_is_the_identity(raw in any_invoice()) {
        is_identity::<Invoice>(&raw.sign_invoice(&issuer()))?;
    }

    // D1
    #[test]
    fn reading_and_writing_a_refund_is_the_identity(
        unknown in unknown_fields(prop_oneof![23u64..79, 92u64..159, 1_000_000_000u64..3_000_000_000]),
        signed: bool,
    ) {
        let raw = unknown.into_iter().fold(refund(), |raw, (number, value)| raw.with(number, value));
        is_identity::<Refund>(&if signed { raw.sign_request(&payer()) } else { raw })?;
    }

    // ERR-1
    #[test]
    fn reading_and_writing_an_error_is_the_identity(unknown in unknown_fields(7u64..), text in ".{0,20}") {
        let raw = unknown.into_iter().fold(Raw::empty().with(5, text), |raw, (number, value)| raw.with(number, value));
        let read: InvoiceError = raw.read();
        prop_assert_eq!(read.as_bytes(), raw.encode());
    }

    // RQW-1, IVW-1, SIG-6
    #[test]
    fn what_is_repeated_is_identical(raw in any_offer()) {
        let amount = (!raw.0.contains_key(&8)).then_some(Msat(1));
        let (offer, request, invoice) = exchange(&raw, amount);
        prop_assert_eq!(Raw::of(request.as_bytes()).only(is_offers), raw.clone());
        prop_assert_eq!(records(invoice.offer().records()), raw);
        prop_assert_eq!(Raw::of(invoice.as_bytes()).only(is_repeated), Raw::of(request.as_bytes()).only(is_repeated));
        prop_assert_eq!(request.offer().id(), Some(offer.id()));
        prop_assert_eq!(invoice.offer().id(), Some(offer.id()));
    }

    // IVW-1
    #[test]
    fn a_request_of_somebody_else_is_repeated_as_it_came(raw in any_request()) {
        let request: InvoiceRequest = raw.clone().sign_request(&payer()).read();
        let offer: Offer = raw.only(is_offers).read();
        let accepted = request.accept(&request_context(&offer)).unwrap();
        let unsigned = invoice_builder(accepted).build().unwrap();
        prop_assert_eq!(unsigned.digest(), Raw::of(unsigned.as_bytes()).digest("invoice"));
        let invoice = unsigned.sign(&issuer()).unwrap();
        prop_assert_eq!(Raw::of(invoice.as_bytes()).only(is_repeated), raw);
        prop_assert_eq!(&Raw::of(invoice.as_bytes()).read::<Invoice>(), &invoice);
    }

    // RQR-3, SIG-5
    #[test]
    fn a_signature_covers_every_bit(raw in any_request(), at: prop::sample::Index, bit in 0u8..8) {
        let bytes = raw.sign_request(&payer()).encode();
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] ^= 1 << bit;
        prop_assert!(InvoiceRequest::try_from(changed).is_err());
    }
}
