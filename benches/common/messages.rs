//! The messages that are measured: the same bytes for both libraries, each built by both.
#![allow(dead_code, reason = "every benchmark uses its own share")]

use std::time::Duration;

use bitcoin::hashes::Hash;
use bitcoin::hashes::sha256;
use bolt12::secp256k1::{All, Keypair, PublicKey, Secp256k1};
use bolt12::{
    AcceptedRequest, BlindedPath, ChainHash, Features, Invoice, InvoiceBuilder, InvoiceRequest, InvoiceRequestBuilder,
    Msat, MultiPart, Offer, OfferBuilder, PayInfo, Point, RequestArrival, RequestContext, UnixTime,
};
use lightning::blinded_path::message::BlindedMessagePath;
use lightning::blinded_path::payment::{BlindedPayInfo, BlindedPaymentPath};
use lightning::ln::channelmanager::PaymentId;
use lightning::ln::inbound_payment::ExpandedKey;
use lightning::offers::invoice::{Bolt12Invoice, UnsignedBolt12Invoice};
use lightning::offers::invoice_request::InvoiceRequest as TheirRequest;
use lightning::offers::nonce::Nonce;
use lightning::offers::offer::{Offer as TheirOffer, OfferBuilder as TheirOfferBuilder};
use lightning::types::features::BlindedHopFeatures;
use lightning::types::payment::PaymentHash;
use lightning::util::ser::Writeable;

pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);
pub(crate) const AMOUNT: Msat = Msat(1_500_000);
pub(crate) const CHAINS: [ChainHash; 1] = [ChainHash::BITCOIN];

/// 2100-01-01, which no clock that reads this has passed.
pub(crate) const EXPIRY: u64 = 4_102_444_800;
pub(crate) const DESCRIPTION: &str = "A pound of coffee, freshly roasted";
pub(crate) const ISSUER: &str = "Corner Coffee Roasters";
pub(crate) const NOTE: &str = "ground for espresso, please";
pub(crate) const RELATIVE_EXPIRY: u32 = 600;
pub(crate) const PREIMAGE: [u8; 32] = [0x77; 32];
pub(crate) const PAYMENT_HASH: sha256::Hash = sha256::Hash::const_hash(&PREIMAGE);
pub(crate) const METADATA: [u8; 16] = [0x24; 16];

/// How much a message holds.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    /// Whether it has what people read: texts, a price, an expiry.
    pub(crate) rich: bool,
    pub(crate) offer_paths: u8,
    pub(crate) invoice_paths: u8,
    pub(crate) hops: u8,
}

pub(crate) const SHAPES: [Shape; 4] = [
    Shape { name: "minimal", rich: false, offer_paths: 0, invoice_paths: 1, hops: 1 },
    Shape { name: "typical", rich: true, offer_paths: 0, invoice_paths: 1, hops: 3 },
    Shape { name: "two paths", rich: true, offer_paths: 2, invoice_paths: 2, hops: 2 },
    Shape { name: "many paths", rich: true, offer_paths: 8, invoice_paths: 8, hops: 3 },
];

/// The keys of everybody.
pub(crate) struct Keys {
    pub(crate) context: Secp256k1<All>,
    pub(crate) issuer: Keypair,
    pub(crate) payer: Keypair,
    pub(crate) expanded: ExpandedKey,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let context = Secp256k1::new();
        let (issuer, payer) = (key(&context, [1, 1, 1]), key(&context, [2, 2, 2]));
        Self { context, issuer, payer, expanded: ExpandedKey::new([3; 32]) }
    }
}

pub(crate) fn key(context: &Secp256k1<All>, seed: [u8; 3]) -> Keypair {
    let [a, b, c] = seed;
    let mut secret = [0x11; 32];
    secret[29..].copy_from_slice(&[a, b, c]);
    Keypair::from_seckey_slice(context, &secret).expect("a valid secret")
}

/// A blinded path as both libraries take it.
#[derive(Clone)]
pub(crate) struct Path {
    introduction_node: PublicKey,
    path_key: PublicKey,
    hops: Vec<(PublicKey, Vec<u8>)>,
}

impl Path {
    /// A path with keys of its own, but for the introduction node, which is one of two.
    pub(crate) fn new(context: &Secp256k1<All>, list: u8, at: u8, hops: u8) -> Self {
        let point = |seed| key(context, seed).public_key();
        let hop = |hop| (point([list, at, hop]), vec![hop; 50]);
        Self {
            introduction_node: point([9, at % 2, 0]),
            path_key: point([list, at, 0]),
            hops: (1..=hops).map(hop).collect(),
        }
    }

    pub(crate) fn ours(&self) -> BlindedPath<'static> {
        let hops = self.hops.iter().map(|(key, data)| (*key, data.as_slice()));
        BlindedPath::new(self.introduction_node.into(), self.path_key, hops).expect("a valid path")
    }

    fn their_hops(&self) -> Vec<lightning::blinded_path::BlindedHop> {
        let hop = |(key, data): &(PublicKey, Vec<u8>)| lightning::blinded_path::BlindedHop {
            blinded_node_id: *key,
            encrypted_payload: data.clone(),
        };
        self.hops.iter().map(hop).collect()
    }

    pub(crate) fn theirs(&self) -> BlindedMessagePath {
        BlindedMessagePath::from_blinded_path(self.introduction_node, self.path_key, self.their_hops())
    }

    pub(crate) fn theirs_to_pay(&self) -> BlindedPaymentPath {
        let payinfo = BlindedPayInfo {
            fee_base_msat: 1000,
            fee_proportional_millionths: 100,
            cltv_expiry_delta: 80,
            htlc_minimum_msat: 1,
            htlc_maximum_msat: 1_000_000_000,
            features: BlindedHopFeatures::empty(),
        };
        let hops = self.their_hops();
        BlindedPaymentPath::from_blinded_path_and_payinfo(self.introduction_node, self.path_key, hops, payinfo)
    }
}

pub(crate) fn payinfo() -> PayInfo<'static> {
    PayInfo {
        fee_base_msat: 1000,
        fee_proportional_millionths: 100,
        cltv_expiry_delta: 80,
        htlc_minimum_msat: 1,
        htlc_maximum_msat: 1_000_000_000,
        features: Features::new([]).expect("no features"),
    }
}

/// An offer with paths of two hops, for growth.
pub(crate) fn offer_with_paths(keys: &Keys, count: u8) -> Offer {
    let builder = OfferBuilder::new(keys.issuer.public_key());
    // Introduction nodes differ, since all that is to grow is the number of paths.
    let path = |at| Path {
        introduction_node: key(&keys.context, [9, at, 1]).public_key(),
        ..Path::new(&keys.context, 4, at, 2)
    };
    (0..count).fold(builder, |builder, at| builder.add_path(path(at).ours())).build().expect("a valid offer")
}

/// An offer with unknown records, for growth.
pub(crate) fn offer_with_records(keys: &Keys, count: u64) -> Offer {
    let builder = OfferBuilder::new(keys.issuer.public_key());
    let add = |builder: OfferBuilder, at| builder.custom_field(1_500_000_001 + 2 * at, [0x33; 16]);
    (0..count).fold(builder, add).build().expect("a valid offer")
}

/// An offer, a request and an invoice of one shape.
pub(crate) struct Messages {
    pub(crate) shape: Shape,
    pub(crate) offer_paths: Vec<Path>,
    pub(crate) invoice_paths: Vec<Path>,
    pub(crate) offer: Offer,
    pub(crate) their_offer: TheirOffer,
    /// Built by `lightning`, so that it knows it again when an invoice comes.
    pub(crate) request: InvoiceRequest,
    pub(crate) their_request: TheirRequest,
    pub(crate) invoice: Invoice,
    pub(crate) their_invoice: Bolt12Invoice,
}

impl Messages {
    /// Builds everything with both libraries, which have to agree on every byte.
    pub(crate) fn new(shape: Shape, keys: &Keys) -> Self {
        let paths = |list, count| (0..count).map(|at| Path::new(&keys.context, list, at, shape.hops)).collect();
        let (offer_paths, invoice_paths): (Vec<Path>, Vec<Path>) =
            (paths(5, shape.offer_paths), paths(6, shape.invoice_paths));

        let offer = build_offer(shape, keys, offer_paths.iter().map(Path::ours).collect());
        let their_offer = build_their_offer(shape, keys, offer_paths.iter().map(Path::theirs).collect());
        assert_eq!(offer.as_bytes(), their_offer.as_ref());

        let their_request = build_their_request(shape, keys, &their_offer);
        let request = InvoiceRequest::try_from(their_request.encode()).expect("a valid request");

        let our_paths = invoice_paths.iter().map(Path::ours).collect();
        let invoice = build_invoice(shape, keys, accept(&request, &offer), our_paths);
        let their_paths = invoice_paths.iter().map(Path::theirs_to_pay).collect();
        let their_invoice = sign_theirs(keys, build_their_invoice(shape, &their_request, their_paths));
        assert_eq!(invoice.as_bytes(), their_invoice.encode());

        Self { shape, offer_paths, invoice_paths, offer, their_offer, request, their_request, invoice, their_invoice }
    }

    pub(crate) fn our_offer_paths(&self) -> Vec<BlindedPath<'static>> {
        self.offer_paths.iter().map(Path::ours).collect()
    }

    pub(crate) fn their_offer_paths(&self) -> Vec<BlindedMessagePath> {
        self.offer_paths.iter().map(Path::theirs).collect()
    }

    pub(crate) fn our_invoice_paths(&self) -> Vec<BlindedPath<'static>> {
        self.invoice_paths.iter().map(Path::ours).collect()
    }

    pub(crate) fn their_invoice_paths(&self) -> Vec<BlindedPaymentPath> {
        self.invoice_paths.iter().map(Path::theirs_to_pay).collect()
    }
}

pub(crate) fn build_offer(shape: Shape, keys: &Keys, paths: Vec<BlindedPath<'static>>) -> Offer {
    offer_builder(shape, OfferBuilder::new(keys.issuer.public_key()), paths).build().expect("a valid offer")
}

/// Fills an offer of whatever key.
pub(crate) fn offer_builder(shape: Shape, mut builder: OfferBuilder, paths: Vec<BlindedPath<'static>>) -> OfferBuilder {
    if shape.rich {
        builder = builder.amount_msat(AMOUNT).description(DESCRIPTION).issuer(ISSUER).absolute_expiry(UnixTime(EXPIRY));
    }
    paths.into_iter().fold(builder, OfferBuilder::add_path)
}

pub(crate) fn build_their_offer(shape: Shape, keys: &Keys, paths: Vec<BlindedMessagePath>) -> TheirOffer {
    let mut builder = TheirOfferBuilder::new(keys.issuer.public_key());
    if shape.rich {
        builder = builder
            .amount_msats(AMOUNT.0)
            .description(DESCRIPTION.to_owned())
            .issuer(ISSUER.to_owned())
            .absolute_expiry(Duration::from_secs(EXPIRY));
    }
    paths.into_iter().fold(builder, |builder, path| builder.path(path)).build().expect("a valid offer")
}

pub(crate) fn build_request(shape: Shape, payer: &Keypair, offer: &Offer) -> InvoiceRequest {
    let usable = offer.usable(NOW, &CHAINS).expect("a usable offer");
    let mut builder = InvoiceRequestBuilder::new(usable, payer.public_key(), METADATA).amount(AMOUNT);
    if shape.rich {
        builder = builder.payer_note(NOTE);
    }
    builder.build().and_then(|unsigned| unsigned.sign(payer)).expect("a valid request")
}

pub(crate) fn build_their_request(shape: Shape, keys: &Keys, offer: &TheirOffer) -> TheirRequest {
    let nonce = Nonce::try_from(METADATA.as_slice()).expect("sixteen bytes");
    let builder = offer.request_invoice(&keys.expanded, nonce, &keys.context, PaymentId([8; 32]));
    let mut builder = builder.and_then(|builder| builder.amount_msats(AMOUNT.0)).expect("a usable offer");
    if shape.rich {
        builder = builder.payer_note(NOTE.to_owned());
    }
    builder.build_and_sign().expect("a valid request")
}

/// Where the first path of an offer ends.
pub(crate) fn first_path(offer: &Offer) -> Option<Point> {
    offer.paths()?.iter().next().map(|path| path.last_blinded_node_id())
}

pub(crate) fn accept<'a>(request: &'a InvoiceRequest, offer: &Offer) -> AcceptedRequest<'a> {
    let arrival = match first_path(offer) {
        Some(last) => RequestArrival::OfferPath(last),
        None => RequestArrival::Direct,
    };
    let context = RequestContext { offer, arrival, now: NOW, chains: &CHAINS, rate: None, max_amount: None };
    request.accept(&context).expect("an acceptable request")
}

pub(crate) fn invoice_builder<'a>(
    shape: Shape,
    request: AcceptedRequest<'a>,
    paths: Vec<BlindedPath<'static>>,
) -> InvoiceBuilder<'a> {
    let mut builder = InvoiceBuilder::new(request, NOW, PAYMENT_HASH);
    if shape.rich {
        builder = builder.relative_expiry(Duration::from_secs(RELATIVE_EXPIRY.into())).multi_part(MultiPart::Allowed);
    }
    paths.into_iter().fold(builder, |builder, path| builder.add_path(path, &payinfo()))
}

pub(crate) fn build_invoice(
    shape: Shape,
    keys: &Keys,
    request: AcceptedRequest<'_>,
    paths: Vec<BlindedPath<'static>>,
) -> Invoice {
    let unsigned = invoice_builder(shape, request, paths).build();
    unsigned.and_then(|unsigned| unsigned.sign(&keys.issuer)).expect("a valid invoice")
}

pub(crate) fn build_their_invoice(
    shape: Shape,
    request: &TheirRequest,
    paths: Vec<BlindedPaymentPath>,
) -> UnsignedBolt12Invoice {
    let hash = PaymentHash(PAYMENT_HASH.to_byte_array());
    let mut builder = request.respond_with_no_std(paths, hash, Duration::from_secs(NOW.0)).expect("an issuer's key");
    if shape.rich {
        builder = builder.relative_expiry(RELATIVE_EXPIRY).allow_mpp();
    }
    builder.build().expect("a valid invoice")
}

pub(crate) fn sign_theirs(keys: &Keys, unsigned: UnsignedBolt12Invoice) -> Bolt12Invoice {
    let sign = |unsigned: &UnsignedBolt12Invoice| {
        Ok(keys.context.sign_schnorr_no_aux_rand(unsigned.tagged_hash().as_digest(), &keys.issuer))
    };
    unsigned.sign(sign).expect("a valid signature")
}
