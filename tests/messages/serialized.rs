//! serde: text where people read it, bytes elsewhere, and nothing invalid gets in.

use std::fmt::Debug;

use bolt12::exchange::{
    ClaimId, ConversationId, Destination, Limit, MaxAmount, OffersMessage, OutgoingMessage, PathId, PaymentId,
};
use bolt12::secp256k1::PublicKey;
use bolt12::{
    BlindedPath, CurrencyCode, InvoiceError, InvoiceRequest, MinorUnits, Msat, Offer, OfferAmount, OfferId, Point,
    Rate, Refund, RefundBuilder, UnixTime,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as ValueError, SeqDeserializer};
use serde_json::{Value, json};

const OFFER: &str = "lno1pqpzwyq2p32x2um5ypmx2cm5dae8x93pqthvwfzadd7jejes8q9lhc4rvjxd022zv5l44g6qah82ru5rdpnpj";

#[test]
fn a_message_is_its_text_in_json() {
    let offer: Offer = OFFER.parse().unwrap();
    let json = serde_json::to_string(&offer).unwrap();
    assert_eq!(json, format!("{OFFER:?}"));
    assert_eq!(serde_json::from_str::<Offer>(&json).unwrap(), offer);
}

#[test]
fn a_message_is_its_bytes_in_a_binary_format() {
    let offer: Offer = OFFER.parse().unwrap();
    let bytes = postcard::to_allocvec(&offer).unwrap();
    assert!(bytes.ends_with(offer.as_bytes()));
    assert_eq!(bytes.len(), offer.as_bytes().len() + 1);
    assert_eq!(postcard::from_bytes::<Offer>(&bytes).unwrap(), offer);
}

#[test]
fn a_refund_and_a_request_are_not_each_other() {
    let payer = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619".parse().unwrap();
    let refund = RefundBuilder::new("tea", Msat(1), payer, [1; 16]).build().unwrap();
    let json = serde_json::to_string(&refund).unwrap();
    assert_eq!(serde_json::from_str::<Refund>(&json).unwrap(), refund);
    let error = serde_json::from_str::<InvoiceRequest>(&json).unwrap_err();
    assert!(error.to_string().contains("it is a refund"), "{error}");
}

#[test]
fn what_is_invalid_is_refused_with_its_sentence() {
    let error = serde_json::from_str::<Offer>("\"lno1\"").unwrap_err();
    assert!(error.to_string().contains("there is nothing to read"), "{error}");
    let error = serde_json::from_str::<Offer>("7").unwrap_err();
    assert!(error.to_string().contains("a BOLT 12 message"), "{error}");
    assert!(postcard::from_bytes::<Offer>(&[3, 10, 1, 65]).is_err());
    assert!(serde_json::from_str::<Offer>(&format!("{:?}", "lno1".repeat(50_000))).is_err());
}

#[test]
fn amounts_and_times_are_numbers() {
    assert_eq!(serde_json::to_string(&(Msat(u64::MAX), UnixTime(7))).unwrap(), format!("[{},7]", u64::MAX));
    assert_eq!(serde_json::from_str::<Msat>("21").unwrap(), Msat(21));
}

/// What is written is read, for people and for machines; the former looks like this.
fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, expected: Value) {
    assert_eq!(serde_json::to_value(value).unwrap(), expected);
    assert_eq!(&serde_json::from_str::<T>(&expected.to_string()).unwrap(), value);
    let bytes = postcard::to_allocvec(value).unwrap();
    assert_eq!(&postcard::from_bytes::<T>(&bytes).unwrap(), value);
}

const KEY: &str = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619";

fn key() -> PublicKey {
    KEY.parse().unwrap()
}

fn path() -> BlindedPath<'static> {
    BlindedPath::new(key().into(), key(), [(key(), &[1, 2][..])]).unwrap()
}

#[test]
fn ids_are_hexadecimal() {
    round_trip(&PaymentId([1; 14]), json!("01".repeat(14)));
    round_trip(&ClaimId([2; 14]), json!("02".repeat(14)));
    round_trip(&OfferId::from_byte_array([3; 32]), json!("03".repeat(32)));
    round_trip(&ConversationId::from(PaymentId([4; 14])), json!({ "payment": "04".repeat(14) }));
    round_trip(&ConversationId::from(ClaimId([5; 14])), json!({ "claim": "05".repeat(14) }));
    #[cfg(feature = "recurrence")]
    {
        let id = bolt12::exchange::SubscriptionId([6; 16]);
        round_trip(&id, json!("06".repeat(16)));
        round_trip(&ConversationId::from(id), json!({ "subscription": "06".repeat(16) }));
    }
    assert_eq!(postcard::to_allocvec(&PaymentId([1; 14])).unwrap().len(), 15);
    for wrong in ["", "01", &"zz".repeat(14), &"01".repeat(15)] {
        assert!(serde_json::from_value::<PaymentId>(json!(wrong)).is_err(), "{wrong}");
    }
    assert!(serde_json::from_value::<PaymentId>(json!(vec![1; 14])).is_err());
    assert!(postcard::from_bytes::<PaymentId>(&[2, 1, 1]).is_err());
}

#[test]
fn prices_rates_and_limits_are_what_they_are_called() {
    let usd: CurrencyCode = "USD".parse().unwrap();
    round_trip(&usd, json!("USD"));
    assert!(serde_json::from_value::<CurrencyCode>(json!("usd")).is_err());
    round_trip(&OfferAmount::Bitcoin(Msat(7)), json!({ "bitcoin": 7 }));
    let price = OfferAmount::Currency { currency: usd, amount: MinorUnits(150) };
    round_trip(&price, json!({ "currency": { "currency": "USD", "amount": 150 } }));
    let rate = Rate::new(usd, MinorUnits(971), Msat(10)).unwrap();
    round_trip(&rate, json!({ "currency": "USD", "minor_units": 971, "msat": 10 }));
    let zero = json!({ "currency": "USD", "minor_units": 0, "msat": 10 });
    assert!(serde_json::from_value::<Rate>(zero).unwrap_err().to_string().contains("zero"));
    round_trip(&Limit::AtMost(Msat(9)), json!({ "at_most": 9 }));
    round_trip(&Limit::Tolerance { basis_points: 200 }, json!({ "tolerance": { "basis_points": 200 } }));
    round_trip(&MaxAmount::default(), json!("any"));
    round_trip(&MaxAmount::TimesPrice(2), json!({ "times_price": 2 }));
}

#[test]
fn what_is_to_be_sent_is_hexadecimal_or_bytes() {
    round_trip(&Point::from(key()), json!(KEY));
    round_trip(&Destination::Node(key()), json!({ "node": KEY }));
    let hex = hex::encode(path().as_bytes());
    round_trip(&path(), json!(hex));
    round_trip(&Destination::Path(path()), json!({ "path": hex }));
    let message = OffersMessage::InvoiceError(InvoiceError::new("out of tea").unwrap());
    let outgoing =
        OutgoingMessage { message, destination: Destination::Path(path()), reply_path_id: Some(PathId([7; 32])) };
    round_trip(&outgoing, json!(hex::encode(outgoing.to_bytes())));
    let off_curve = format!("02{}", "ff".repeat(32));
    assert!(serde_json::from_value::<Point>(json!(off_curve)).is_err());
    assert!(serde_json::from_value::<Destination>(json!({ "path": &hex[2..] })).is_err());
    let error = serde_json::from_value::<OutgoingMessage>(json!(7)).unwrap_err();
    assert!(error.to_string().contains("a message to send"), "{error}");
}

// D7: as many bytes as any value can have, and one more.
#[test]
fn hexadecimal_text_is_as_long_as_a_value_can_be() {
    let longest = json!("00".repeat(131_134));
    let error = serde_json::from_value::<BlindedPath<'static>>(longest).unwrap_err();
    assert!(!error.to_string().contains("the limit is"), "{error}");
    let error = serde_json::from_value::<BlindedPath<'static>>(json!("00".repeat(131_135))).unwrap_err();
    assert!(error.to_string().contains("the limit is"), "{error}");
}

/// What a service answers to what it was sent.
#[test]
fn an_error_says_all_that_it_knows() {
    let error = serde_json::to_value("lno1zcsb".parse::<Offer>().unwrap_err()).unwrap();
    assert_eq!((&error["code"], &error["rule"]), (&json!("invalid_character"), &json!("TXT-8")));
    assert_eq!((&error["column"], &error["field"], &error["offset"]), (&json!(8), &Value::Null, &Value::Null));
    let error = serde_json::to_value(Offer::try_from(vec![14, 1, 0]).unwrap_err()).unwrap();
    assert_eq!((&error["code"], &error["field"]), (&json!("not_minimal"), &json!("offer_absolute_expiry")));
    assert!(error["offset"].is_number() && error["sentence"].as_str().unwrap().contains("expiry"));
}

/// Some formats have bytes as a sequence of numbers.
#[test]
fn bytes_may_come_one_by_one() {
    fn one_by_one<T: DeserializeOwned>(bytes: impl Iterator<Item = u8>) -> Result<T, String> {
        T::deserialize(SeqDeserializer::<_, ValueError>::new(bytes)).map_err(|error| error.to_string())
    }
    let offer: Offer = OFFER.parse().unwrap();
    assert_eq!(one_by_one(offer.as_bytes().iter().copied()), Ok(offer.clone()));
    assert_eq!(one_by_one([7; 14].into_iter()), Ok(PaymentId([7; 14])));
    assert!(one_by_one::<PaymentId>([7; 15].into_iter()).is_err());
    // What never ends is not read to its end.
    let error = one_by_one::<Offer>(std::iter::repeat(0)).unwrap_err();
    assert!(error.contains("65536 bytes"), "{error}");
    let error = one_by_one::<PaymentId>(std::iter::repeat(0)).unwrap_err();
    assert!(error.contains("too long"), "{error}");
}
