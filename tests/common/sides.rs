//! The two sides of an exchange, and what passes between them without an onion.
#![allow(dead_code, reason = "every test file uses its own share")]

use std::sync::OnceLock;

use bolt12::bitcoin::hashes::{Hash, HashEngine, Hmac, HmacEngine, sha256};
use bolt12::exchange::{
    Accepted, Destination, IncomingMessage, MessageArrival, OffersMessage, OutgoingMessage, PathId, Payee, Payer,
    Payment, State, Terms,
};
use bolt12::secp256k1::{All, Keypair, PublicKey, Secp256k1};
use bolt12::{BlindedPath, ChainHash, Error, Invoice, Msat, Offer, OfferBuilder, Preimage, Rate, UnixTime};

use super::messages::{key, payinfo};

pub(crate) const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];

pub(crate) fn issuer() -> Payee {
    Payee::new([1; 32])
}

pub(crate) fn payer() -> Payer {
    Payer::new([2; 32])
}

/// An offer of that issuer: tea for 9 sat.
pub(crate) fn tea(paths: u8) -> Offer {
    own_offer(&issuer(), paths, |offer| offer.description("tea").amount_msat(Msat(9_000)))
}

/// The public key for a number, computed once: simulations need some of them a hundred thousand times.
pub(crate) fn point(number: u8) -> PublicKey {
    static POINTS: [OnceLock<PublicKey>; 256] = [const { OnceLock::new() }; 256];
    *POINTS[usize::from(number)].get_or_init(|| key(number).public_key())
}

/// A path to a node whose last hop holds a path id, as it would after decryption.
pub(crate) fn path_with(node: u8, path_id: PathId) -> BlindedPath<'static> {
    let hops = [(point(node), &b"next"[..]), (last_key(node, path_id).public_key(), &path_id.0[..])];
    BlindedPath::new(point(node).into(), point(0x52), hops).unwrap()
}

/// The blinded key at the end of such a path.
pub(crate) fn last_key(node: u8, path_id: PathId) -> Keypair {
    let mut secret = path_id.0;
    secret[0] = node;
    static CONTEXT: OnceLock<Secp256k1<All>> = OnceLock::new();
    Keypair::from_seckey_slice(CONTEXT.get_or_init(Secp256k1::new), &secret).unwrap()
}

/// How a message arrives that is sent there.
pub(crate) fn arrival(destination: &Destination) -> MessageArrival {
    match destination {
        Destination::Node(_) => MessageArrival::Direct,
        Destination::Path(path) => MessageArrival::path(path.hops().last().map(|hop| hop.encrypted_recipient_data)),
    }
}

/// What arrives of a message that is sent, with a reply path to a node.
pub(crate) fn deliver(outgoing: &OutgoingMessage, reply_node: u8) -> IncomingMessage {
    IncomingMessage {
        kind: outgoing.message.kind(),
        bytes: outgoing.message.as_bytes().to_vec(),
        arrival: arrival(&outgoing.destination),
        reply_path: outgoing.reply_path_id.map(|path_id| path_with(reply_node, path_id)),
    }
}

/// An offer of the issuer's, with as many paths, and a key of its own.
pub(crate) fn own_offer(issuer: &Payee, paths: u8, fill: impl FnOnce(OfferBuilder) -> OfferBuilder) -> Offer {
    let new = issuer.new_offer([0x4f; 16]);
    let builder = (0..paths).fold(OfferBuilder::new(new.issuer_id()), |builder, position| {
        builder.add_path(path_with(0x60, new.path_id(position)))
    });
    new.build(fill(builder)).unwrap()
}

/// Whether a time is as far from another as a delay that is drawn around so many seconds.
pub(crate) fn is_about(at: UnixTime, from: UnixTime, seconds: u64) -> bool {
    let half = seconds / 2;
    (from.0 + seconds - half..=from.0 + seconds + half).contains(&at.0)
}

pub(crate) fn terms(now: UnixTime, rate: Option<Rate>) -> Terms<'static> {
    Terms { rate, ..Terms::new(now, CHAINS) }
}

/// The preimage that the issuer will reveal, and the invoice.
pub(crate) fn invoice(accepted: &Accepted) -> (Preimage, Invoice) {
    let preimage = accepted.expected_payment().preimage;
    let invoice = accepted.invoice(preimage.payment_hash()).add_path(super::messages::path(2), &payinfo());
    (preimage, accepted.sign(invoice.build().unwrap()).unwrap())
}

/// The invoice in a message.
pub(crate) fn sent_invoice(outgoing: &OutgoingMessage) -> &Invoice {
    match &outgoing.message {
        OffersMessage::Invoice(invoice) => invoice,
        other => panic!("no invoice: {other:?}"),
    }
}

/// Begins to pay whatever is quoted.
pub(crate) fn begin(payment: &mut Payment, now: UnixTime) {
    try_begin(payment, now).unwrap();
}

/// The same, if something is quoted and still good.
pub(crate) fn try_begin(payment: &mut Payment, now: UnixTime) -> Result<(), Error> {
    let payment_hash = match payment.state() {
        State::Quoted(quote) => quote.payment_hash(),
        _ => sha256::Hash::from_byte_array([0; 32]),
    };
    payment.begin(payment_hash, now, None).map(drop)
}

/// What is being paid has failed.
pub(crate) fn fail(payment: &mut Payment) {
    let State::Paying(paying) = payment.state() else { panic!("{:?}", payment.state()) };
    let attempt = paying.attempt();
    payment.failed(attempt).unwrap();
}

/// A second one, as if the first had been lost after it was saved. Never do this outside of tests: both can be paid.
pub(crate) fn copy(payer: &Payer, payment: &Payment) -> Payment {
    payer.load(&payment.to_bytes()).unwrap()
}

/// A saved state that was changed, with a MAC that says that nobody did. The purpose is that of the key, for example
/// `payer state`.
pub(crate) fn reseal(secret: [u8; 32], purpose: &str, state: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mac = |key: &[u8], parts: &[&[u8]]| {
        let mut engine = HmacEngine::<sha256::Hash>::new(key);
        parts.iter().for_each(|part| engine.input(part));
        Hmac::from_engine(engine).to_byte_array()
    };
    let key = mac(&secret, &[b"bolt12 ", purpose.as_bytes()]);
    let mut fields = state[..state.len() - 16].to_vec();
    change(&mut fields);
    let tag = mac(&key, &[&fields]);
    [&fields[..], &tag[..16]].concat()
}

/// A saved state as often as it has bytes, each time with another one changed by these bits, with the right MAC.
pub(crate) fn each_byte_resealed(
    secret: [u8; 32],
    purpose: &str,
    state: &[u8],
    masks: &[u8],
) -> impl Iterator<Item = (usize, Vec<u8>)> {
    let changes = (0..state.len() - 16).flat_map(|at| masks.iter().map(move |mask| (at, mask)));
    changes.map(move |(at, mask)| (at, reseal(secret, purpose, state, |fields| fields[at] ^= mask)))
}
