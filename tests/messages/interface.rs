//! The public interface as others use it: traits of its types, and functions that nothing else here calls.

use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::raw::{self, *};
use bolt12::exchange::{FeeLimit, Limit, Need, Objection, PathId, PaymentId, Retry};
use bolt12::{
    Error, ErrorKind, Field, Invoice, InvoiceFields, InvoiceRequest, KnownFeatures, MessageKind, Msat, Offer,
    OfferFields, OfferId, Refund, RequestFields, Rule, TlvRecord, TlvStream, Unmet, UnmetConditions,
};
use proptest::prelude::*;

/// What can be shown.
fn shown<T: Debug>() {}

/// What can be compared, and be a key.
fn key_of_a_map<T: Clone + Debug + Eq + Hash>() {}

/// C-COMMON-TRAITS of the Rust API guidelines.
#[test]
fn types_have_the_traits_that_others_expect() {
    shown::<OfferFields>();
    shown::<RequestFields>();
    shown::<InvoiceFields>();
    shown::<Retry>();
    key_of_a_map::<TlvStream>();
    key_of_a_map::<TlvRecord<'static>>();
    key_of_a_map::<Error>();
    key_of_a_map::<ErrorKind>();
    key_of_a_map::<Field>();
    key_of_a_map::<Rule>();
    key_of_a_map::<MessageKind>();
    key_of_a_map::<Unmet>();
    key_of_a_map::<UnmetConditions>();
    key_of_a_map::<KnownFeatures>();
    key_of_a_map::<Need>();
    key_of_a_map::<Limit>();
    key_of_a_map::<FeeLimit>();
    key_of_a_map::<Objection>();
    key_of_a_map::<PathId>();
    key_of_a_map::<PaymentId>();
    key_of_a_map::<OfferId>();
}

/// What differs is found apart, in a map of a million.
#[test]
fn what_differs_has_another_hash() {
    fn differ<T: Hash + Eq + Debug>(all: &[T]) {
        let of = |value: &T| {
            let mut hasher = DefaultHasher::new();
            value.hash(&mut hasher);
            hasher.finish()
        };
        for (at, value) in all.iter().enumerate() {
            assert_eq!(all.iter().position(|other| of(other) == of(value)), Some(at), "{value:?}");
        }
    }
    differ(&[Field::OFFER_AMOUNT, Field::OFFER_DESCRIPTION, Field::INVREQ_AMOUNT]);
    differ(&[TlvStream::read(vec![1, 0]).unwrap(), TlvStream::read(vec![3, 0]).unwrap()]);
    differ(&[offer().read::<Offer>().id(), offer().with(10, "coffee").read::<Offer>().id()]);
}

/// The views of fields show what their messages hold.
#[test]
fn views_show_their_fields() {
    let invoice: Invoice = invoice().read();
    let fields: &InvoiceFields = &invoice;
    let shown = [format!("{:?}", fields.offer()), format!("{:?}", fields.request()), format!("{fields:?}")];
    for (shown, field) in shown.iter().zip(["offer_description", "invreq_payer_id", "invoice_payment_hash"]) {
        assert!(shown.contains(field), "{field} is not in {shown}");
    }
}

proptest! {
    /// Amounts are added and subtracted as their numbers are.
    #[test]
    fn amounts_are_added_and_subtracted(a in any::<u64>(), b in any::<u64>()) {
        prop_assert_eq!(Msat(a).checked_add(Msat(b)), a.checked_add(b).map(Msat));
        prop_assert_eq!(Msat(a).checked_sub(Msat(b)), a.checked_sub(b).map(Msat));
        prop_assert_eq!(Msat(a / 2).checked_add(Msat(b / 2)), Some(Msat(a / 2 + b / 2)));
    }

    /// An amount in satoshi is a thousand times as much, as far as that fits.
    #[test]
    fn satoshi_are_a_thousand_each(sat in prop_oneof![any::<u64>(), 0..=u64::MAX / 1_000]) {
        let amount = bolt12::bitcoin::Amount::from_sat(sat);
        let msat = Msat::from_amount(amount);
        prop_assert_eq!(msat, sat.checked_mul(1_000).map(Msat));
        prop_assert_eq!(msat.and_then(Msat::to_amount), msat.map(|_| amount));
    }

    /// A path's fee is a base and a share of the amount, rounded down; what exceeds 64 bits is none.
    #[test]
    fn a_fee_is_a_base_and_a_share(amount in any::<u64>(), base in any::<u32>(), share in any::<u32>()) {
        let payinfo = bolt12::PayInfo { fee_base_msat: base, fee_proportional_millionths: share, ..payinfo_value() };
        let fee = u128::from(base) + u128::from(amount) * u128::from(share) / 1_000_000;
        prop_assert_eq!(payinfo.fee(Msat(amount)), u64::try_from(fee).ok().map(Msat));
    }
}

/// SIG-6: the id of an offer is found in every message that repeats it, before anything is checked.
#[test]
fn an_offer_is_found_in_the_bytes_of_a_message() {
    let offer: Offer = offer().read();
    for raw in [raw::offer(), request(), request().without(240), invoice()] {
        assert_eq!(OfferId::in_message(&raw.encode()), Ok(offer.id()));
    }
    assert_ne!(OfferId::in_message(&raw::offer().with(10, "coffee").encode()), Ok(offer.id()));
    let error = OfferId::in_message(&raw::Raw::empty().with(0, [1; 16]).encode()).unwrap_err();
    assert_error(&error, ErrorKind::Missing, Rule::Rqr6, Field::OFFER_ISSUER_ID);
    assert_eq!(OfferId::in_message(&[1]).unwrap_err().rule(), Rule::Tlv3);
}

static KNOWN: KnownFeatures = KnownFeatures { invoice_request: &[8], invoice: &[16, 8], ..KnownFeatures::DEFAULT };

/// RQR-2, IVR-2: the text of every message is read knowing more features, and refused without.
#[test]
fn every_text_is_read_knowing_more_features() {
    let feature = [1, 0];
    let request = request().with(84, feature).sign_request(&payer());
    let refund = refund().with(84, feature);
    let invoice = invoice().with(174, feature).sign_invoice(&issuer());
    let text = InvoiceRequest::read(request.encode(), &KNOWN).unwrap().to_string();
    assert_eq!(InvoiceRequest::read_text(&text, &KNOWN).unwrap().as_bytes(), request.encode());
    assert_eq!(text.parse::<InvoiceRequest>().unwrap_err().kind(), &ErrorKind::UnknownFeature(8));
    let text = Refund::read(refund.encode(), &KNOWN).unwrap().to_string();
    assert_eq!(Refund::read_text(&text, &KNOWN).unwrap().as_bytes(), refund.encode());
    assert_eq!(text.parse::<Refund>().unwrap_err().kind(), &ErrorKind::UnknownFeature(8));
    let text = Invoice::read(invoice.encode(), &KNOWN).unwrap().to_string();
    assert_eq!(Invoice::read_text(&text, &KNOWN).unwrap().as_bytes(), invoice.encode());
    assert_eq!(text.parse::<Invoice>().unwrap_err().kind(), &ErrorKind::UnknownFeature(8));
}
