//! Messages to test with, and the text form as the `bech32` crate writes it.
#![allow(dead_code, reason = "every test file uses its own share")]

use bech32::{ByteIterExt, Fe32IterExt};
use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::secp256k1::{Keypair, Secp256k1};
use bolt12::{
    BlindedPath, ChainHash, Features, Invoice, InvoiceBuilder, InvoiceRequest, InvoiceRequestBuilder, Msat, Offer,
    OfferBuilder, PayInfo, Refund, RefundBuilder, RequestArrival, RequestContext, UnixTime, Unsigned,
};
use proptest::prelude::*;

use super::naive::{self, Record, record};

pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);

/// A key for each number.
pub(crate) fn key(number: u8) -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &[number; 32]).unwrap()
}

pub(crate) fn issuer() -> Keypair {
    key(0x41)
}

pub(crate) fn payer() -> Keypair {
    key(0x42)
}

fn point(number: u8) -> [u8; 33] {
    key(number).public_key().serialize()
}

pub(crate) fn path(hops: u8) -> BlindedPath<'static> {
    let hops: Vec<_> = (0..hops).map(|hop| (key(hop + 1).public_key(), [hop; 24])).collect();
    let hops = hops.iter().map(|(key, data)| (*key, &data[..]));
    BlindedPath::new(key(0x51).public_key().into(), key(0x52).public_key(), hops).unwrap()
}

pub(crate) fn payinfo() -> PayInfo<'static> {
    PayInfo {
        fee_base_msat: 1_000,
        fee_proportional_millionths: 10,
        cltv_expiry_delta: 144,
        htlc_minimum_msat: 1,
        htlc_maximum_msat: 2_100_000_000_000_000_000,
        features: Features::new([]).unwrap(),
    }
}

/// What a shop would show, with a field that nobody knows.
pub(crate) fn offer() -> Offer {
    OfferBuilder::new(issuer().public_key())
        .description("a cup of coffee")
        .amount_msat(Msat(100_000))
        .issuer("a shop")
        .add_path(path(2))
        .custom_field(1_000_000_001, *b"custom")
        .build()
        .unwrap()
}

pub(crate) fn request_for(offer: &Offer) -> InvoiceRequestBuilder<'_> {
    let usable = offer.usable(NOW, &[ChainHash::BITCOIN]).unwrap();
    InvoiceRequestBuilder::new(usable, payer().public_key(), [0x24; 16])
}

pub(crate) fn request() -> InvoiceRequest {
    request_for(&offer()).payer_note("thank you").build().unwrap().sign(&payer()).unwrap()
}

/// The invoice for a request of [`offer`], signed by the issuer, whose key the offer shows.
pub(crate) fn unsigned_invoice(offer: &Offer, request: &InvoiceRequest) -> Unsigned<Invoice> {
    let arrival = match offer.paths() {
        Some(paths) => RequestArrival::OfferPath(paths.iter().next().unwrap().last_blinded_node_id()),
        None => RequestArrival::Direct,
    };
    let chains = &[ChainHash::BITCOIN];
    let context = RequestContext { offer, arrival, now: NOW, chains, rate: None, max_amount: None };
    let accepted = request.accept(&context).unwrap();
    InvoiceBuilder::new(accepted, NOW, sha256::Hash::hash(b"preimage"))
        .add_path(path(1), &payinfo())
        .custom_field(3_000_000_001, *b"custom")
        .build()
        .unwrap()
}

pub(crate) fn invoice() -> Invoice {
    unsigned_invoice(&offer(), &request()).sign(&issuer()).unwrap()
}

pub(crate) fn refund() -> Refund {
    RefundBuilder::new("a cup that broke", Msat(5_000_000), payer().public_key(), [0x24; 16]).build().unwrap()
}

/// The text of a message.
pub(crate) fn text_of(prefix: &str, bytes: &[u8]) -> String {
    let letters = bytes.iter().copied().bytes_to_fes().map(|letter| letter.to_char());
    format!("{prefix}1").chars().chain(letters).collect()
}

/// The whole bytes in a text without continuations.
pub(crate) fn bytes_of(text: &str) -> Vec<u8> {
    let (_, data) = text.split_once('1').unwrap();
    data.chars().map(|letter| bech32::Fe32::from_char(letter).unwrap()).fes_to_bytes().collect()
}

/// A field that is there or not.
fn field(number: u64, value: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<Record>> {
    prop_oneof![Just(vec![]), value.prop_map(move |value| vec![record(number, &value)])]
}

fn bytes(len: core::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), len)
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    ".{0,20}".prop_map(String::into_bytes)
}

/// Some records with odd types that nobody knows.
pub(crate) fn unknown(numbers: core::ops::RangeInclusive<u64>) -> impl Strategy<Value = Vec<Record>> {
    let (start, end) = numbers.into_inner();
    // Lengths around those at which SHA-256 needs another block.
    let value = prop_oneof![bytes(0..9), bytes(53..58), bytes(61..66), bytes(117..122)];
    proptest::collection::btree_map(start / 2..end / 2, value, 0..4)
        .prop_map(|fields| fields.iter().map(|(half, value)| record(half * 2 + 1, value)).collect())
}

/// The records of any valid offer; the types are in order.
pub(crate) fn offers() -> impl Strategy<Value = Vec<Record>> {
    let chains = proptest::collection::vec(any::<[u8; 32]>(), 1..3).prop_map(|chains| chains.concat());
    let number = || any::<u64>().prop_map(naive::truncated);
    // A price needs a description, and a currency a price.
    let price = (field(6, "[A-Z]{3}".prop_map(String::into_bytes)), 1..=u64::MAX, text()).prop_map(
        |(mut records, amount, description)| {
            records.extend([record(8, &naive::truncated(amount)), record(10, &description)]);
            records
        },
    );
    // Even features are unknown, odd ones are not looked at.
    let features = bytes(0..6).prop_map(|bytes| bytes.iter().map(|byte| byte & 0xaa).collect());
    let paths = proptest::collection::vec(1u8..4, 1..3)
        .prop_map(|hops| hops.iter().flat_map(|hops| path(*hops).as_bytes().to_vec()).collect::<Vec<_>>());
    let reachable = (field(16, paths.clone()), field(22, (1u8..9).prop_map(|number| point(number).to_vec())))
        .prop_filter("nobody to ask", |(paths, id)| !paths.is_empty() || !id.is_empty());
    let known = (
        field(2, chains),
        field(4, bytes(0..40)),
        prop_oneof![price, field(10, text())],
        field(12, features),
        field(14, number()),
        reachable,
        field(18, text()),
        field(20, number()),
    );
    (known, unknown(0..=39), unknown(1_000_000_000..=1_999_999_999)).prop_map(
        |((chains, metadata, price, features, expiry, (paths, id), issuer, quantity), unknown, experimental)| {
            let known = [chains, metadata, price, features, expiry, paths, id, issuer, quantity].concat();
            let mut records = [known, unknown, experimental].concat();
            records.sort_by_key(|record| record.number);
            records
        },
    )
}
