//! Conversions between this crate's types and those of `lightning` 0.2: nothing is lost, and what has no counterpart
//! is refused by name.

#[path = "common/auto_traits.rs"]
mod auto_traits;
#[path = "../../tests/common/messages.rs"]
mod messages;
#[path = "../../tests/common/naive.rs"]
mod naive;

use bolt12::exchange::OffersMessage;
use bolt12::lightning::{ConversionError, from_payment_path, to_payment_path};
use bolt12::secp256k1::PublicKey;
use bolt12::{
    BlindedPath, Direction, Feature, Features, Field, IntroductionNode, Invoice, InvoiceError, InvoiceRequest, Msat,
    Offer, OfferAmount, OfferBuilder, PayInfo, Rate, Refund, ShortChannelId,
};
use ldk::blinded_path::message::BlindedMessagePath;
use ldk::blinded_path::payment::{BlindedPayInfo, BlindedPaymentPath};
use ldk::offers::invoice::Bolt12Invoice;
use ldk::offers::invoice_error as their_error;
use ldk::offers::{invoice_request as their_request, offer as their_offer, refund as their_refund};
use ldk::onion_message::offers::OffersMessage as TheirMessage;
use ldk::types::features::{BlindedHopFeatures, Bolt12InvoiceFeatures, InvoiceRequestFeatures, OfferFeatures};
use ldk::types::string::UntrustedString;
use ldk::util::ser::Writeable;
use proptest::prelude::*;

use messages::{invoice, key, offer, path, payinfo, refund, request, request_for, unsigned_invoice};

/// To the other crate and back, and the bytes are the same in between and at the end.
fn there_and_back<'a, Ours, Theirs>(ours: &'a Ours)
where
    Ours: AsRef<[u8]> + PartialEq + std::fmt::Debug + for<'t> TryFrom<&'t Theirs, Error = ConversionError>,
    Theirs: TryFrom<&'a Ours, Error = ConversionError> + Writeable,
{
    let theirs = Theirs::try_from(ours).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(theirs.encode(), ours.as_ref());
    assert_eq!(&Ours::try_from(&theirs).unwrap(), ours);
}

#[test]
fn messages_stay_what_they_are() {
    there_and_back::<Offer, their_offer::Offer>(&offer());
    there_and_back::<InvoiceRequest, their_request::InvoiceRequest>(&request());
    there_and_back::<Refund, their_refund::Refund>(&refund());
    there_and_back::<Invoice, Bolt12Invoice>(&invoice());
    for message in [
        OffersMessage::InvoiceRequest(request()),
        OffersMessage::Invoice(invoice()),
        OffersMessage::InvoiceError(InvoiceError::new("out of tea").unwrap()),
    ] {
        let theirs = TheirMessage::try_from(&message).unwrap();
        assert_eq!(OffersMessage::try_from(&theirs).unwrap(), message);
    }
}

#[test]
fn every_valid_offer_of_the_tables_is_converted_or_refused_by_name() {
    let (mut converted, mut refused) = (0, 0);
    for line in include_str!("../../tests/data/offers.tsv").lines().filter(|line| line.starts_with("valid\t")) {
        let text = line.split('\t').nth(2).unwrap();
        let offer: Offer = text.parse().unwrap();
        match their_offer::Offer::try_from(&offer) {
            Ok(theirs) => {
                assert_eq!(theirs.encode(), offer.as_bytes());
                converted += 1;
            }
            Err(ConversionError::RefusedByLightning(why)) => {
                assert!(!why.is_empty(), "{text}");
                refused += 1;
            }
            Err(other) => panic!("{other}: {text}"),
        }
    }
    assert!(converted > 10, "{converted} converted, {refused} refused");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever `lightning` takes it keeps, unknown fields and all; whatever it does not take is an error.
    #[test]
    fn no_offer_is_changed(records in messages::offers()) {
        let offer = Offer::try_from(naive::concat(&records)).unwrap();
        match their_offer::Offer::try_from(&offer) {
            Ok(theirs) => prop_assert_eq!(&Offer::try_from(&theirs).unwrap(), &offer),
            Err(error) => prop_assert!(matches!(error, ConversionError::RefusedByLightning(_)), "{}", error),
        }
    }

    #[test]
    fn payinfo_and_features_keep_every_number(
        numbers in any::<(u32, u32, u16, u64, u64)>(),
        bits in proptest::collection::btree_set(0u32..2_000, 0..20),
    ) {
        let features = Features::new(bits.iter().map(|bit| Feature(*bit))).unwrap();
        let ours = PayInfo {
            fee_base_msat: numbers.0,
            fee_proportional_millionths: numbers.1,
            cltv_expiry_delta: numbers.2,
            htlc_minimum_msat: numbers.3,
            htlc_maximum_msat: numbers.4,
            features: features.clone(),
        };
        let theirs = BlindedPayInfo::from(&ours);
        prop_assert_eq!(theirs.htlc_maximum_msat, numbers.4);
        prop_assert_eq!(PayInfo::try_from(&theirs).unwrap(), ours);
        for bit in &bits {
            prop_assert!(theirs.features.le_flags()[*bit as usize / 8] >> (bit % 8) & 1 == 1);
        }
        prop_assert_eq!(&Features::try_from(&OfferFeatures::from(&features)).unwrap(), &features);
        prop_assert_eq!(&Features::try_from(&InvoiceRequestFeatures::from(&features)).unwrap(), &features);
        prop_assert_eq!(&Features::try_from(&Bolt12InvoiceFeatures::from(&features)).unwrap(), &features);
        prop_assert_eq!(&Features::try_from(&BlindedHopFeatures::from(&features)).unwrap(), &features);
    }
}

#[test]
fn features_that_no_field_can_hold_are_refused() {
    let theirs = OfferFeatures::from_le_bytes([vec![0; 0x2000], vec![1]].concat());
    let error = Features::try_from(&theirs).unwrap_err();
    assert!(matches!(error, ConversionError::Refused(_)), "{error}");
}

/// An offer in dollars can be read there, but nothing can be done with it.
#[test]
fn what_is_about_another_currency_is_refused_by_that_name() {
    let usd = "USD".parse().unwrap();
    let amount = OfferAmount::Currency { currency: usd, amount: bolt12::MinorUnits(350) };
    let offer = OfferBuilder::new(messages::issuer().public_key()).amount(amount).description("tea").build().unwrap();
    there_and_back::<Offer, their_offer::Offer>(&offer);

    let rate = Rate::per_bitcoin(usd, "100000.00").unwrap();
    let request = request_for(&offer).amount(Msat(3_500_000)).rate(rate).build().unwrap();
    let request = request.sign(&messages::payer()).unwrap();
    let error = their_request::InvoiceRequest::try_from(&request).unwrap_err();
    assert_eq!(error, ConversionError::Currency(usd));
    assert!(error.to_string().contains("USD"), "{error}");
    let message = OffersMessage::InvoiceRequest(request);
    assert_eq!(TheirMessage::try_from(&message).unwrap_err(), ConversionError::Currency(usd));
}

/// D1: `lightning` reads no signature in a refund.
#[test]
fn a_signed_refund_is_refused_there() {
    let unsigned = bolt12::RefundBuilder::new("a cup", Msat(5_000), messages::payer().public_key(), [1; 16]);
    let signed = unsigned.build_to_sign().unwrap().sign(&messages::payer()).unwrap();
    let error = their_refund::Refund::try_from(&signed).unwrap_err();
    assert!(matches!(error, ConversionError::RefusedByLightning(_)), "{error}");
}

/// What they take and we do not is refused with our own reasons.
#[test]
fn what_this_crate_refuses_is_refused_with_field_and_rule() {
    let mut refused = Vec::new();
    for line in include_str!("../../tests/data/offers.tsv").lines().filter(|line| line.starts_with("invalid\t")) {
        let [_, what, text, rule, _] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        if !text.starts_with("lno1") || text.bytes().any(|byte| !byte.is_ascii_lowercase() && !byte.is_ascii_digit()) {
            continue;
        }
        let Ok(theirs) = text.parse::<their_offer::Offer>() else { continue };
        match Offer::try_from(&theirs) {
            // The text was at fault, and is gone.
            Ok(_) => assert!(rule.starts_with("TXT-"), "{what}"),
            Err(ConversionError::Refused(error)) => {
                assert_eq!(error.rule().to_string(), rule, "{what}");
                refused.push(what);
            }
            Err(other) => panic!("{other}: {what}"),
        }
    }
    assert!(!refused.is_empty());
}

#[test]
fn errors_keep_their_text_field_and_suggestion() {
    let plain = InvoiceError::new("out of tea").unwrap();
    let about = plain.clone().about(Field::INVREQ_QUANTITY, Some(&[2])).unwrap();
    let without = plain.clone().about(Field::OFFER_DESCRIPTION, None).unwrap();
    for ours in [plain, about.clone(), without] {
        let theirs = their_error::InvoiceError::try_from(&ours).unwrap();
        assert_eq!(theirs.message.0, "out of tea");
        assert_eq!(InvoiceError::try_from(&theirs).unwrap(), ours);
    }
    let theirs = their_error::InvoiceError::try_from(&about).unwrap();
    let field = theirs.erroneous_field.unwrap();
    assert_eq!((field.tlv_fieldnum, field.suggested_value), (86, Some(vec![2])));

    // Theirs may have no text at all.
    let empty = their_error::InvoiceError { erroneous_field: None, message: UntrustedString(String::new()) };
    let ours = InvoiceError::try_from(&empty).unwrap();
    assert_eq!(ours.error().unwrap().as_raw(), "");
}

#[test]
fn errors_that_would_lose_something_are_refused() {
    let convert = |bytes: &[u8]| their_error::InvoiceError::try_from(&InvoiceError::try_from(bytes.to_vec()).unwrap());
    // An unknown field.
    let error = convert(&[5, 1, b'x', 7, 1, 1]).unwrap_err();
    assert_eq!(error, ConversionError::ErrorField(Field::numbered(7)));
    // No text.
    assert_eq!(convert(&[1, 1, 10]).unwrap_err(), ConversionError::IncompleteError);
    // A suggestion for no field.
    assert_eq!(convert(&[3, 1, 10, 5, 1, b'x']).unwrap_err(), ConversionError::IncompleteError);
}

#[test]
fn paths_keep_their_hops_and_where_they_start() {
    let channel = |direction| {
        let start = IntroductionNode::Channel { scid: ShortChannelId(0x0123_4567_89ab_cdef), direction };
        let hops: [(PublicKey, &[u8]); 2] = [(key(1).public_key(), &[7; 50]), (key(2).public_key(), &[])];
        BlindedPath::new(start, key(3).public_key(), hops).unwrap()
    };
    for ours in [path(1), path(3), channel(Direction::NodeOne), channel(Direction::NodeTwo)] {
        let theirs = BlindedMessagePath::try_from(&ours).unwrap();
        assert_eq!(theirs.encode(), ours.as_bytes());
        assert_eq!(BlindedPath::try_from(&theirs).unwrap(), ours);
    }
}

#[test]
fn payment_paths_keep_what_they_cost() {
    let theirs: BlindedPaymentPath = to_payment_path(&path(2), &payinfo()).unwrap();
    assert_eq!(theirs.payinfo.fee_base_msat, 1_000);
    assert_eq!(from_payment_path(&theirs).unwrap(), (path(2), payinfo()));

    // Those of an invoice as `lightning` reads them are those that we read.
    let ours = invoice();
    let theirs = Bolt12Invoice::try_from(&ours).unwrap();
    let converted: Vec<_> = theirs.payment_paths().iter().map(|path| from_payment_path(path).unwrap().0).collect();
    assert!(ours.paths().unwrap().iter().eq(converted));

    let scid = ShortChannelId(9);
    let start = IntroductionNode::Channel { scid, direction: Direction::NodeOne };
    let hops: [(PublicKey, &[u8]); 1] = [(key(1).public_key(), &[7; 50])];
    let by_channel = BlindedPath::new(start, key(3).public_key(), hops).unwrap();
    assert_eq!(to_payment_path(&by_channel, &payinfo()).unwrap_err(), ConversionError::StartsAtChannel(scid));
}

/// IVW-3
#[test]
fn an_invoice_for_an_offer_without_an_issuer_id_is_converted() {
    let offer = OfferBuilder::with_paths([path(2)]).build().unwrap();
    let request = request_for(&offer).amount(Msat(9_000)).build().unwrap().sign(&messages::payer()).unwrap();
    let signed = unsigned_invoice(&offer, &request).sign(&key(2)).unwrap();
    there_and_back::<Invoice, Bolt12Invoice>(&signed);
}
