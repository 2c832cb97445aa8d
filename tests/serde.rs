//! serde: text where people read it, bytes elsewhere, and nothing invalid gets in.
#![cfg(feature = "serde")]

use bolt12::{InvoiceRequest, Msat, Offer, Refund, RefundBuilder, UnixTime};

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
