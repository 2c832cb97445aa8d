//! Messages that `lightning` builds, with every option of its builders.
//!
//! Two things it cannot build: an offer in another currency, and an offer with paths but without an
//! issuer's key. Those come from our side only.

use std::num::NonZeroU64;
use std::time::Duration;

use bolt12::bitcoin::hashes::Hash;
use bolt12::bitcoin::key::TweakedPublicKey;
use bolt12::bitcoin::secp256k1::Keypair;
use bolt12::bitcoin::{Network, WPubkeyHash, WScriptHash};
use lightning::ln::channelmanager::PaymentId;
use lightning::ln::inbound_payment::ExpandedKey;
use lightning::offers::invoice::{Bolt12Invoice, UnsignedBolt12Invoice};
use lightning::offers::invoice_error::{ErroneousField, InvoiceError};
use lightning::offers::invoice_request::{InvoiceRequest, InvoiceRequestVerifiedFromOffer};
use lightning::offers::nonce::Nonce;
use lightning::offers::offer::{Offer, OfferBuilder, Quantity};
use lightning::offers::refund::{Refund, RefundBuilder};
use lightning::offers::static_invoice::{StaticInvoice, StaticInvoiceBuilder};
use lightning::onion_message::dns_resolution::HumanReadableName;
use lightning::types::payment::PaymentHash;
use lightning::types::string::UntrustedString;
use lightning::util::ser::{Readable, Writeable};

use crate::material::*;

pub(crate) const PAYMENT: PaymentId = PaymentId([0x99; 32]);

pub(crate) fn expanded_key() -> ExpandedKey {
    ExpandedKey::new([0x55; 32])
}

pub(crate) fn nonce(number: u8) -> Nonce {
    Nonce::try_from(&[number; Nonce::LENGTH][..]).unwrap()
}

pub(crate) fn offers() -> Vec<Offer> {
    let plain = || OfferBuilder::new(key(ISSUER));
    let derived = || OfferBuilder::deriving_signing_pubkey(key(ISSUER), &expanded_key(), nonce(1), secp());
    let everything = plain()
        .chain(Network::Bitcoin)
        .chain(Network::Signet)
        .metadata(vec![0x42; 32])
        .unwrap()
        .amount_msats(10_000)
        .description("a cup of \u{202e}coffee \u{1f375}".to_owned())
        .absolute_expiry(Duration::from_secs(FAR))
        .issuer("the café".to_owned())
        .path(their_path(&node_path(0x21)))
        .path(their_path(&channel_path(ISSUER)))
        .supported_quantity(Quantity::Bounded(NonZeroU64::new(10).unwrap()));
    vec![
        plain().build().unwrap(),
        everything.build().unwrap(),
        // Bitcoin alone is left out; a price gets an empty description.
        plain().chain(Network::Bitcoin).amount_msats(1).build().unwrap(),
        plain().chain(Network::Testnet).supported_quantity(Quantity::Unbounded).build().unwrap(),
        plain().supported_quantity(Quantity::Bounded(NonZeroU64::MIN)).amount_msats(1_000).build().unwrap(),
        plain().supported_quantity(Quantity::Bounded(NonZeroU64::MAX)).description(String::new()).build().unwrap(),
        plain().absolute_expiry(Duration::from_secs(u64::MAX)).issuer(String::new()).build().unwrap(),
        plain().absolute_expiry(Duration::ZERO).metadata(Vec::new()).unwrap().build().unwrap(),
        plain().amount_msats(bolt12::Msat::MAX_MONEY.0).build().unwrap(),
        derived().build().unwrap(),
        derived().path(their_path(&node_path(0x22))).amount_msats(5_000).build().unwrap(),
    ]
}

/// A request of `lightning` for any offer, with whatever the offer needs.
pub(crate) fn request(offer: &Offer, number: u8) -> InvoiceRequest {
    let key = expanded_key();
    let mut builder = offer.request_invoice(&key, nonce(number), secp(), PAYMENT).unwrap();
    if !offer.supports_chain(bolt12::ChainHash::BITCOIN) {
        let networks = [Network::Testnet, Network::Signet];
        let network = networks
            .into_iter()
            .find(|chain| offer.supports_chain(bolt12::ChainHash::using_genesis_block(*chain)))
            .unwrap();
        builder = builder.chain(network).unwrap();
    }
    if offer.expects_quantity() {
        builder = builder.quantity(1).unwrap();
    }
    if offer.amount().is_none() {
        builder = builder.amount_msats(7_000).unwrap();
    }
    builder.build_and_sign().unwrap()
}

pub(crate) fn requests() -> Vec<InvoiceRequest> {
    let offers = offers();
    let unexpired = |offer: &&Offer| !offer.is_expired();
    let mut requests: Vec<_> = offers.iter().filter(unexpired).map(|offer| request(offer, 2)).collect();
    let key = expanded_key();
    let everything = offers[1].request_invoice(&key, nonce(3), secp(), PAYMENT).unwrap();
    let everything = everything
        .chain(Network::Signet)
        .unwrap()
        .quantity(3)
        .unwrap()
        .amount_msats(30_001)
        .unwrap()
        .payer_note("for \u{7}the team".to_owned())
        .sourced_from_human_readable_name(HumanReadableName::new("coffee", "example.com").unwrap());
    requests.push(everything.build_and_sign().unwrap());
    requests
}

pub(crate) fn refunds() -> Vec<Refund> {
    let plain = || RefundBuilder::new(vec![0x24; 16], key(PAYER), 1_000).unwrap();
    let derived =
        || RefundBuilder::deriving_signing_pubkey(key(PAYER), &expanded_key(), nonce(4), secp(), 2_000, PAYMENT);
    let everything = plain()
        .description("a broken cup".to_owned())
        .absolute_expiry(Duration::from_secs(FAR))
        .issuer("the café".to_owned())
        .path(their_path(&channel_path(0x23)))
        .path(their_path(&node_path(PAYER)))
        .chain(Network::Signet)
        .quantity(2)
        .payer_note("sorry".to_owned());
    vec![
        plain().build().unwrap(),
        everything.build().unwrap(),
        plain().chain(Network::Bitcoin).issuer(String::new()).payer_note(String::new()).build().unwrap(),
        derived().unwrap().build().unwrap(),
        derived().unwrap().path(their_path(&node_path(0x24))).build().unwrap(),
        RefundBuilder::new(Vec::new(), key(PAYER), 0).unwrap().build().unwrap(),
        RefundBuilder::new(vec![1], key(PAYER), bolt12::Msat::MAX_MONEY.0).unwrap().build().unwrap(),
    ]
}

pub(crate) fn sign(invoice: UnsignedBolt12Invoice, keys: &Keypair) -> Bolt12Invoice {
    let signed = invoice.sign(|message: &UnsignedBolt12Invoice| {
        Ok(secp().sign_schnorr_no_aux_rand(message.as_ref().as_digest(), keys))
    });
    signed.unwrap()
}

fn payment_paths(count: u32) -> Vec<lightning::blinded_path::payment::BlindedPaymentPath> {
    (0..count).map(|number| their_payment_path(&node_path(0x31), &payinfo(number))).collect()
}

const CREATED: Duration = Duration::from_secs(NOW.0);

/// The plainest invoice for a request for an offer with the key [`ISSUER`].
pub(crate) fn invoice(request: &InvoiceRequest) -> Bolt12Invoice {
    let builder = request.respond_with_no_std(payment_paths(1), PaymentHash(HASH), CREATED).unwrap();
    sign(builder.build().unwrap(), &keypair(ISSUER))
}

/// An invoice for a request for an offer that `lightning` derived a key or metadata for.
pub(crate) fn invoice_with_derived_keys(request: InvoiceRequest, has_paths: bool) -> Bolt12Invoice {
    let key = expanded_key();
    let verified = match has_paths {
        true => request.verify_using_recipient_data(nonce(1), &key, secp()),
        false => request.verify_using_metadata(&key, secp()),
    };
    match verified.expect("the request is for the offer") {
        InvoiceRequestVerifiedFromOffer::DerivedKeys(request) => {
            let builder = request.respond_using_derived_keys_no_std(payment_paths(2), PaymentHash(HASH), CREATED);
            builder.unwrap().build_and_sign(secp()).unwrap()
        }
        InvoiceRequestVerifiedFromOffer::ExplicitKeys(request) => {
            let builder = request.respond_with_no_std(payment_paths(2), PaymentHash(HASH), CREATED).unwrap();
            sign(builder.build().unwrap(), &keypair(ISSUER))
        }
    }
}

/// The plainest invoice for a refund, signed by [`PAYEE`].
pub(crate) fn refund_invoice(refund: &Refund) -> Bolt12Invoice {
    let builder = refund.respond_with_no_std(payment_paths(1), PaymentHash(HASH), key(PAYEE), CREATED).unwrap();
    sign(builder.build().unwrap(), &keypair(PAYEE))
}

pub(crate) fn invoices() -> Vec<Bolt12Invoice> {
    let requests = requests();
    let by_issuer = requests.iter().filter(|request| request.issuer_signing_pubkey() == Some(key(ISSUER)));
    let mut invoices: Vec<_> = by_issuer.map(invoice).collect();
    invoices.extend(refunds().iter().map(refund_invoice));
    let everything = requests.last().unwrap();
    let everything = everything.respond_with_no_std(payment_paths(3), PaymentHash(HASH), CREATED).unwrap();
    let everything = everything
        .relative_expiry(u32::MAX)
        .fallback_v0_p2wsh(&WScriptHash::from_byte_array([0x61; 32]))
        .fallback_v0_p2wpkh(&WPubkeyHash::from_byte_array([0x62; 20]))
        .fallback_v1_p2tr_tweaked(&TweakedPublicKey::dangerous_assume_tweaked(key(0x63).x_only_public_key().0))
        .allow_mpp();
    invoices.push(sign(everything.build().unwrap(), &keypair(ISSUER)));
    invoices
}

/// What they have others serve. They sign with the key that they derived for the offer.
pub(crate) fn static_invoices() -> Vec<StaticInvoice> {
    let derived = || OfferBuilder::deriving_signing_pubkey(key(ISSUER), &expanded_key(), nonce(1), secp());
    let derived = || derived().path(their_path(&node_path(0x22)));
    let offers = [
        derived().build().unwrap(),
        derived().amount_msats(5_000).path(their_path(&channel_path(0x23))).chain(Network::Signet).build().unwrap(),
        derived().supported_quantity(Quantity::Unbounded).issuer("the café".to_owned()).build().unwrap(),
    ];
    let key = expanded_key();
    let builder = |offer| {
        let paths = vec![their_path(&node_path(0x33)), their_path(&channel_path(0x34))];
        let derived = StaticInvoiceBuilder::for_offer_using_derived_keys;
        derived(offer, payment_paths(2), paths, CREATED, &key, nonce(1), secp()).unwrap()
    };
    let mut invoices: Vec<_> = offers.iter().map(|offer| builder(offer).build_and_sign(secp()).unwrap()).collect();
    let everything = builder(&offers[1])
        .relative_expiry(u32::MAX)
        .fallback_v0_p2wsh(&WScriptHash::from_byte_array([0x61; 32]))
        .fallback_v0_p2wpkh(&WPubkeyHash::from_byte_array([0x62; 20]))
        .allow_mpp();
    invoices.push(everything.build_and_sign(secp()).unwrap());
    invoices
}

/// The same by the older version, which builds its own offers and paths.
pub(crate) fn older_static_invoices() -> Vec<ldk::offers::static_invoice::StaticInvoice> {
    use ldk::blinded_path::message::BlindedMessagePath;
    use ldk::blinded_path::payment::{BlindedPayInfo, BlindedPaymentPath};
    use ldk::offers::offer::OfferBuilder;
    use ldk::util::ser::Readable;

    let key_of_them = ldk::ln::inbound_payment::ExpandedKey::new([0x55; 32]);
    let nonce = ldk::offers::nonce::Nonce::try_from(&[1; 16][..]).unwrap();
    let path = |path: &bolt12::BlindedPath<'_>| BlindedMessagePath::read(&mut path.as_bytes()).unwrap();
    let derived = || {
        let builder = OfferBuilder::deriving_signing_pubkey(key(ISSUER), &key_of_them, nonce, secp());
        builder.path(path(&node_path(0x22)))
    };
    let hops = path(&node_path(0x31)).blinded_hops().to_vec();
    let payinfo = BlindedPayInfo {
        fee_base_msat: 1,
        fee_proportional_millionths: 2,
        cltv_expiry_delta: 3,
        htlc_minimum_msat: 4,
        htlc_maximum_msat: 2_100_000_000_000_000_000,
        features: ldk::types::features::BlindedHopFeatures::empty(),
    };
    let payment_path =
        || BlindedPaymentPath::from_blinded_path_and_payinfo(key(0x11), key(0x13), hops.clone(), payinfo.clone());
    let offers = [derived().build().unwrap(), derived().amount_msats(5_000).build().unwrap()];
    let build = |offer| {
        let paths = vec![path(&node_path(0x33)), path(&channel_path(0x34))];
        let derived = ldk::offers::static_invoice::StaticInvoiceBuilder::for_offer_using_derived_keys;
        let builder = derived(offer, vec![payment_path()], paths, CREATED, &key_of_them, nonce, secp()).unwrap();
        builder.build_and_sign(secp()).unwrap()
    };
    offers.iter().map(build).collect()
}

pub(crate) fn errors() -> Vec<InvoiceError> {
    let error = |tlv_fieldnum, suggested_value| InvoiceError {
        erroneous_field: Some(ErroneousField { tlv_fieldnum, suggested_value }),
        message: UntrustedString("no such thing".to_owned()),
    };
    vec![
        InvoiceError::from_string("out of coffee".to_owned()),
        InvoiceError::from_string(String::new()),
        error(86, Some(vec![1])),
        error(u64::MAX, Some(vec![])),
        error(0, None),
    ]
}

/// ERR-1. `lightning` puts the length of an invoice error before it, which the specification does not,
/// and which the onion message says already: here it is taken off and put on.
pub(crate) fn error_bytes(error: &InvoiceError) -> Vec<u8> {
    let encoded = error.encode();
    let (len, bytes) = encoded.split_first().unwrap();
    assert_eq!(usize::from(*len), bytes.len(), "a short error has one byte of length");
    bytes.to_vec()
}

pub(crate) fn read_error(bytes: &[u8]) -> Result<InvoiceError, lightning::ln::msgs::DecodeError> {
    let prefixed = [crate::wire::write_bigsize(bytes.len() as u64, 0), bytes.to_vec()].concat();
    InvoiceError::read(&mut &prefixed[..])
}

pub(crate) fn bytes(message: &impl Writeable) -> Vec<u8> {
    message.encode()
}
