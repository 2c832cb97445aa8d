//! The two sides, their offers, and what passes between them without an onion.

use std::sync::OnceLock;

use arbitrary::Unstructured;
use bolt12::bitcoin::hashes::{Hash, HashEngine, hmac, sha256};
use bolt12::exchange::{Accepted, Destination, IncomingMessage, MessageArrival, OutgoingMessage, PathId, Payee, Payer};
use bolt12::secp256k1::{Keypair, Message};
use bolt12::{
    BlindedPath, ChainHash, Error, Features, Invoice, MinorUnits, Msat, Offer, OfferAmount, OfferBuilder, PayInfo,
    Preimage, Quantity, Rate, TlvStream, UnixTime, Unsigned,
};

use crate::checks::{keys, merkle};

/// The time at which everything begins.
pub const NOW: UnixTime = UnixTime(1_800_000_000);

/// The chains of both sides.
pub const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];

/// What the issuer derives everything from.
pub const ISSUER_SECRET: [u8; 32] = [1; 32];

/// What the payer derives everything from.
pub const PAYER_SECRET: [u8; 32] = [2; 32];

/// The issuer.
pub fn issuer() -> &'static Payee {
    static ISSUER: OnceLock<Payee> = OnceLock::new();
    ISSUER.get_or_init(|| Payee::new(ISSUER_SECRET))
}

/// The payer.
pub fn payer() -> &'static Payer {
    static PAYER: OnceLock<Payer> = OnceLock::new();
    PAYER.get_or_init(|| Payer::new(PAYER_SECRET))
}

/// A path that holds a path id, and ends in one of the keys that everybody knows.
pub fn path(path_id: PathId, last: usize) -> BlindedPath<'static> {
    path_of(&path_id.0, last)
}

/// The same with a path id of any length.
pub fn path_of(path_id: &[u8], last: usize) -> BlindedPath<'static> {
    let keys = keys::public();
    let hops = [(keys[2], &b"next"[..]), (keys[last % 4], path_id)];
    BlindedPath::new(keys[2].into(), keys[3], hops).expect("two hops")
}

/// How a message arrives that is sent there.
pub fn arrival(destination: &Destination) -> MessageArrival {
    match destination {
        Destination::Node(_) => MessageArrival::Direct,
        Destination::Path(path) => MessageArrival::path(path.hops().last().map(|hop| hop.encrypted_recipient_data)),
    }
}

/// What arrives of a message that is sent.
pub fn deliver(outgoing: &OutgoingMessage) -> IncomingMessage {
    IncomingMessage {
        kind: outgoing.message.kind(),
        bytes: outgoing.message.as_bytes().to_vec(),
        arrival: arrival(&outgoing.destination),
        reply_path: outgoing.reply_path_id.map(|path_id| path(path_id, 1)),
    }
}

/// The currency of the offer that has one.
pub fn usd() -> bolt12::CurrencyCode {
    "USD".parse().expect("three letters")
}

/// What a bitcoin is worth in it, in cents.
pub fn rate(cents: u64) -> Rate {
    Rate::new(usd(), MinorUnits(cents.max(1)), Msat(100_000_000_000)).expect("not for nothing")
}

/// The usual worth.
pub const CENTS: u64 = 10_000_000;

/// The nonce of the offer at that place.
pub const fn nonce(at: usize) -> [u8; 16] {
    [0x40 + at as u8; 16]
}

/// How many offers there are.
pub const OFFERS: usize = 6;

/// The issuer's offers, with every way to be reached and every signer.
pub fn offers() -> &'static [Offer; OFFERS] {
    static MADE: OnceLock<[Offer; OFFERS]> = OnceLock::new();
    MADE.get_or_init(|| make_offers(issuer()))
}

/// The same offers of any issuer.
pub fn make_offers(issuer: &Payee) -> [Offer; OFFERS] {
    std::array::from_fn(|at| {
        let new = issuer.new_offer(nonce(at));
        let node = keys::issuer().public_key();
        let path = |position: u8| path(new.path_id(position), 3 - usize::from(position));
        let builder = match at {
            0 => OfferBuilder::new(new.issuer_id())
                .description("tea")
                .amount_msat(Msat(9_000))
                .add_path(path(0))
                .add_path(path(1)),
            1 => OfferBuilder::new(node),
            2 => OfferBuilder::new(new.issuer_id())
                .description("coffee")
                .amount(OfferAmount::Currency { currency: usd(), amount: MinorUnits(350) })
                .quantity_max(Quantity::Unlimited)
                .add_path(path(0)),
            3 => OfferBuilder::with_paths([path(0), path(1)]).description("milk").amount_msat(Msat(1_000)),
            4 => OfferBuilder::new(node)
                .description("bread")
                .amount_msat(Msat(2_000))
                .quantity_max(Quantity::AtMost(10.try_into().expect("ten")))
                .absolute_expiry(UnixTime(NOW.0 + 100)),
            _ => OfferBuilder::new(node)
                .description("cake")
                .amount_msat(Msat(5_000))
                .add_path(path(0))
                .custom_field(1_000_000_001, [7; 9]),
        };
        new.build(builder).expect("a valid offer")
    })
}

/// One payment path, to anywhere.
pub fn payinfo() -> PayInfo<'static> {
    PayInfo {
        fee_base_msat: 1_000,
        fee_proportional_millionths: 10,
        cltv_expiry_delta: 144,
        htlc_minimum_msat: 1,
        htlc_maximum_msat: 2_100_000_000_000_000_000,
        features: Features::new([]).expect("none"),
    }
}

/// The invoice for an accepted request, whose preimage the issuer derives.
pub fn unsigned(accepted: &Accepted) -> Result<(Preimage, Unsigned<Invoice>), Error> {
    let expected = accepted.expected_payment();
    let found = issuer().expected_payment(expected.payment_hash(), expected.path_id.as_ref());
    assert_eq!((found.as_ref(), expected.amount), (Some(&expected), accepted.amount()));
    let invoice = accepted.invoice(expected.payment_hash()).add_path(path_of(expected.path_id.as_ref(), 2), &payinfo());
    Ok((expected.preimage, invoice.build()?))
}

/// Signs with whoever has to.
pub fn sign(accepted: &Accepted, invoice: Unsigned<Invoice>) -> Invoice {
    let signed = match keys::find(&accepted.node_id().serialize()) {
        Some(key) => invoice.sign(key),
        None => accepted.sign(invoice),
    };
    signed.expect("the right key")
}

/// One byte is another: anywhere, or in a value, mostly of a field from that number on.
pub fn altered(input: &mut Unstructured<'_>, mut bytes: Vec<u8>, from: u64) -> arbitrary::Result<Vec<u8>> {
    let records: Vec<(u64, usize, usize)> = match TlvStream::read(bytes.clone()) {
        Ok(tlvs) => {
            tlvs.records().map(|record| (record.number(), record.value_offset(), record.value().len())).collect()
        }
        Err(_) => Vec::new(),
    };
    let own: Vec<_> = records.iter().filter(|(number, ..)| (from..240).contains(number)).collect();
    let (start, len) = match (own.is_empty(), input.int_in_range(0..=7)?) {
        (false, 0..=4) => {
            let (_, start, len) = own[input.choose_index(own.len())?];
            (*start, *len)
        }
        (_, 5 | 6) if !records.is_empty() => {
            let (_, start, len) = records[input.choose_index(records.len())?];
            (start, len)
        }
        _ => (0, bytes.len()),
    };
    if len > 0 {
        bytes[start + input.choose_index(len)?] ^= input.arbitrary::<u8>()?;
    }
    Ok(bytes)
}

/// A message with a signature in its place, by that key.
pub fn signed_again(mut bytes: Vec<u8>, message: &str, key: &Keypair) -> Vec<u8> {
    let Ok(tlvs) = TlvStream::read(bytes.clone()) else { return bytes };
    let (Some(signature), Some(root)) = (tlvs.get(240), merkle::root_of(tlvs.records())) else { return bytes };
    let digest = Message::from_digest(merkle::digest(message, "signature", root));
    let made = keys::context().sign_schnorr_no_aux_rand(&digest, key);
    let at = signature.value_offset();
    if let Some(place) = bytes.get_mut(at..at + 64) {
        place.copy_from_slice(made.as_ref());
    }
    bytes
}

/// Forward, mostly a little; or back.
pub fn another_time(input: &mut Unstructured<'_>, now: UnixTime, deadline: UnixTime) -> arbitrary::Result<UnixTime> {
    let step = u64::from(input.arbitrary::<u8>()?);
    Ok(UnixTime(match input.int_in_range(0..=9)? {
        0 => now.0.saturating_sub(step),
        1 => NOW.0 - step * 100,
        2 => deadline.0,
        3 => deadline.0.saturating_add(1),
        4 => now.0.saturating_add(step * 60),
        5 => NOW.0 + step,
        6..=8 => now.0.saturating_add(step / 4),
        _ => [0, NOW.0, 1 << 40][input.choose_index(3)?],
    }))
}

/// HMAC-SHA256.
fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut engine = hmac::HmacEngine::<sha256::Hash>::new(key);
    engine.input(message);
    hmac::Hmac::from_engine(engine).to_byte_array()
}

/// A state with the MAC that its owner would have made, so that it is not refused for that.
pub fn sealed(secret: &[u8; 32], purpose: &str, fields: &[u8]) -> Vec<u8> {
    let key = mac(secret, format!("bolt12 {purpose}").as_bytes());
    [fields, &mac(&key, fields)[..16]].concat()
}

/// The same for the payer's states.
pub fn sealed_by_payer(fields: &[u8]) -> Vec<u8> {
    sealed(&PAYER_SECRET, "payer state", fields)
}

/// The same for the issuer's states.
pub fn sealed_by_issuer(fields: &[u8]) -> Vec<u8> {
    sealed(&ISSUER_SECRET, "issuer state", fields)
}
