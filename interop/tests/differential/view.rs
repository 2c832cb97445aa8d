//! What a message says, in a form that messages of both crates can be brought into and compared.

use bolt12::bitcoin::Address;
use bolt12::bitcoin::secp256k1::{PublicKey, schnorr};
use bolt12::{
    BlindedPath, BlindedPaths, ChainHash, Direction, Features, IntroductionNode, InvoiceFields, OfferAmount,
    OfferFields, Quantity, RequestFields,
};
use lightning::blinded_path::message::BlindedMessagePath;
use lightning::blinded_path::payment::BlindedPaymentPath;
use lightning::blinded_path::{BlindedHop, IntroductionNode as TheirStart};
use lightning::offers::offer::{Amount, Quantity as TheirQuantity};
use lightning::types::string::PrintableString;

/// A price: with a currency, in its minor units.
type Price = (Option<String>, u64);

#[derive(Debug, PartialEq)]
pub(crate) struct PathView {
    start: Result<PublicKey, (u64, bool)>,
    first_path_key: PublicKey,
    hops: Vec<(PublicKey, Vec<u8>)>,
}

impl PathView {
    fn ours(path: &BlindedPath<'_>) -> Self {
        let hops = path.hops();
        Self {
            start: match path.introduction_node() {
                IntroductionNode::NodeId(point) => Ok(point.public_key().unwrap()),
                IntroductionNode::Channel { scid, direction } => Err((scid.0, direction == Direction::NodeTwo)),
            },
            first_path_key: path.first_path_key().public_key().unwrap(),
            hops: hops
                .map(|hop| (hop.blinded_node_id.public_key().unwrap(), hop.encrypted_recipient_data.to_vec()))
                .collect(),
        }
    }

    fn theirs(start: &TheirStart, first_path_key: PublicKey, hops: &[BlindedHop]) -> Self {
        Self {
            start: match start {
                TheirStart::NodeId(key) => Ok(*key),
                TheirStart::DirectedShortChannelId(direction, scid) => {
                    Err((*scid, *direction == lightning::blinded_path::Direction::NodeTwo))
                }
            },
            first_path_key,
            hops: hops.iter().map(|hop| (hop.blinded_node_id, hop.encrypted_payload.clone())).collect(),
        }
    }
}

fn our_paths(paths: Option<BlindedPaths<'_>>) -> Vec<PathView> {
    paths.into_iter().flatten().map(|path| PathView::ours(&path)).collect()
}

fn their_paths(paths: &[BlindedMessagePath]) -> Vec<PathView> {
    let path = |path: &BlindedMessagePath| {
        PathView::theirs(path.introduction_node(), path.blinding_point(), path.blinded_hops())
    };
    paths.iter().map(path).collect()
}

fn bytes(features: Option<Features<'_>>) -> Vec<u8> {
    features.map(|features| features.as_bytes().to_vec()).unwrap_or_default()
}

fn reversed(flags: &[u8]) -> Vec<u8> {
    flags.iter().rev().copied().collect()
}

fn string(text: Option<PrintableString<'_>>) -> Option<String> {
    text.map(|text| text.0.to_owned())
}

fn their_price(amount: Option<Amount>) -> Option<Price> {
    amount.map(|amount| match amount {
        Amount::Bitcoin { amount_msats } => (None, amount_msats),
        Amount::Currency { iso4217_code, amount } => (Some(iso4217_code.as_str().to_owned()), amount),
    })
}

fn their_quantity(quantity: TheirQuantity) -> Quantity {
    match quantity {
        TheirQuantity::One => Quantity::One,
        TheirQuantity::Unbounded => Quantity::Unlimited,
        TheirQuantity::Bounded(max) => Quantity::AtMost(max),
    }
}

#[derive(Debug, PartialEq)]
pub(crate) struct OfferView {
    chains: Vec<ChainHash>,
    metadata: Option<Vec<u8>>,
    amount: Option<Price>,
    description: Option<String>,
    features: Vec<u8>,
    absolute_expiry: Option<u64>,
    paths: Vec<PathView>,
    issuer: Option<String>,
    quantity: Quantity,
    issuer_id: Option<PublicKey>,
}

impl OfferView {
    pub(crate) fn ours(offer: &OfferFields) -> Self {
        Self {
            chains: offer.chains().map_or(vec![ChainHash::BITCOIN], |chains| chains.iter().collect()),
            metadata: offer.metadata().map(<[u8]>::to_vec),
            amount: offer.amount().map(|amount| match amount {
                OfferAmount::Bitcoin(msat) => (None, msat.0),
                OfferAmount::Currency { currency, amount } => (Some(currency.to_string()), amount.0),
            }),
            description: offer.description().map(|text| text.as_raw().to_owned()),
            features: bytes(offer.features()),
            absolute_expiry: offer.absolute_expiry().map(|time| time.0),
            paths: our_paths(offer.paths()),
            issuer: offer.issuer().map(|text| text.as_raw().to_owned()),
            quantity: offer.quantity_max(),
            issuer_id: offer.issuer_id(),
        }
    }
}

/// Offers and requests of `lightning` have the same accessors, but no trait for them.
macro_rules! their_offer {
    ($message:expr) => {
        OfferView {
            chains: $message.chains(),
            metadata: $message.metadata().cloned(),
            amount: their_price($message.amount()),
            description: string($message.description()),
            features: reversed($message.offer_features().le_flags()),
            absolute_expiry: $message.absolute_expiry().map(|time| time.as_secs()),
            paths: their_paths($message.paths()),
            issuer: string($message.issuer()),
            quantity: their_quantity($message.supported_quantity()),
            issuer_id: $message.issuer_signing_pubkey(),
        }
    };
}

impl From<&lightning::offers::offer::Offer> for OfferView {
    fn from(offer: &lightning::offers::offer::Offer) -> Self {
        their_offer!(offer)
    }
}

/// What a request says beside its offer.
#[derive(Debug, PartialEq)]
pub(crate) struct RequestView {
    metadata: Vec<u8>,
    chain: ChainHash,
    amount: Option<u64>,
    /// The amount, or the offer's price times the quantity.
    due: Option<u64>,
    features: Vec<u8>,
    quantity: Option<u64>,
    payer_id: PublicKey,
    payer_note: Option<String>,
    paths: Vec<PathView>,
    name: Option<(String, String)>,
}

impl RequestView {
    pub(crate) fn ours(request: &RequestFields) -> Self {
        let amount = request.amount().map(|amount| amount.0);
        let price = match request.price() {
            Ok(Some(OfferAmount::Bitcoin(price))) => Some(price.0),
            _ => None,
        };
        Self {
            metadata: request.metadata().unwrap().to_vec(),
            chain: request.chain(),
            amount,
            due: amount.or(price),
            features: bytes(request.features()),
            quantity: request.quantity(),
            payer_id: request.payer_id().unwrap(),
            payer_note: request.payer_note().map(|text| text.as_raw().to_owned()),
            paths: our_paths(request.paths()),
            // `lightning` drops one full stop at the end of a domain.
            name: request.bip_353_name().map(|name| {
                let domain = name.domain();
                (name.user().to_owned(), domain.strip_suffix('.').unwrap_or(domain).to_owned())
            }),
        }
    }
}

impl From<&lightning::offers::invoice_request::InvoiceRequest> for RequestView {
    fn from(request: &lightning::offers::invoice_request::InvoiceRequest) -> Self {
        Self {
            metadata: request.payer_metadata().to_vec(),
            chain: request.chain(),
            amount: request.amount_msats().filter(|_| request.has_amount_msats()),
            due: request.amount_msats(),
            features: reversed(request.invoice_request_features().le_flags()),
            quantity: request.quantity(),
            payer_id: request.payer_signing_pubkey(),
            payer_note: string(request.payer_note()),
            paths: Vec::new(),
            name: request.offer_from_hrn().as_ref().map(|name| (name.user().to_owned(), name.domain().to_owned())),
        }
    }
}

/// What a refund says instead of an offer.
#[derive(Debug, PartialEq)]
pub(crate) struct RefundView {
    description: Option<String>,
    absolute_expiry: Option<u64>,
    issuer: Option<String>,
    request: RequestView,
}

impl RefundView {
    pub(crate) fn ours(refund: &RequestFields) -> Self {
        let OfferView { description, absolute_expiry, issuer, .. } = OfferView::ours(refund.offer());
        Self { description, absolute_expiry, issuer, request: RequestView::ours(refund) }
    }
}

impl From<&lightning::offers::refund::Refund> for RefundView {
    fn from(refund: &lightning::offers::refund::Refund) -> Self {
        Self {
            description: Some(refund.description().0.to_owned()),
            absolute_expiry: refund.absolute_expiry().map(|time| time.as_secs()),
            issuer: string(refund.issuer()),
            request: RequestView {
                metadata: refund.payer_metadata().to_vec(),
                chain: refund.chain(),
                amount: Some(refund.amount_msats()),
                due: Some(refund.amount_msats()),
                features: reversed(refund.features().le_flags()),
                quantity: refund.quantity(),
                payer_id: refund.payer_signing_pubkey(),
                payer_note: string(refund.payer_note()),
                paths: their_paths(refund.paths()),
                name: None,
            },
        }
    }
}

pub(crate) fn their_request(request: &lightning::offers::invoice_request::InvoiceRequest) -> (OfferView, RequestView) {
    (their_offer!(request), request.into())
}

#[derive(Debug, PartialEq)]
struct PayInfoView(u32, u32, u16, u64, u64, Vec<u8>);

/// What an invoice says, its request included as far as `lightning` shows it.
#[derive(Debug, PartialEq)]
pub(crate) struct InvoiceView {
    is_for_refund: bool,
    chains: Option<Vec<ChainHash>>,
    metadata: Option<Vec<u8>>,
    price: Option<Price>,
    description: Option<String>,
    offer_features: Option<Vec<u8>>,
    absolute_expiry: Option<u64>,
    issuer: Option<String>,
    message_paths: Vec<PathView>,
    quantity_max: Option<Quantity>,
    issuer_id: Option<PublicKey>,
    payer_metadata: Vec<u8>,
    chain: ChainHash,
    request_features: Vec<u8>,
    quantity: Option<u64>,
    payer_id: PublicKey,
    payer_note: Option<String>,
    paths: Vec<(PathView, PayInfoView)>,
    created_at: u64,
    relative_expiry: u64,
    payment_hash: [u8; 32],
    amount: u64,
    fallbacks: Vec<Address>,
    features: Vec<u8>,
    node_id: PublicKey,
    signature: Option<schnorr::Signature>,
}

fn our_payment_path((path, payinfo): (BlindedPath<'_>, bolt12::PayInfo<'_>)) -> (PathView, PayInfoView) {
    let payinfo = PayInfoView(
        payinfo.fee_base_msat,
        payinfo.fee_proportional_millionths,
        payinfo.cltv_expiry_delta,
        payinfo.htlc_minimum_msat,
        payinfo.htlc_maximum_msat,
        payinfo.features.as_bytes().to_vec(),
    );
    (PathView::ours(&path), payinfo)
}

fn their_payment_path(path: &BlindedPaymentPath) -> (PathView, PayInfoView) {
    let payinfo = PayInfoView(
        path.payinfo.fee_base_msat,
        path.payinfo.fee_proportional_millionths,
        path.payinfo.cltv_expiry_delta,
        path.payinfo.htlc_minimum_msat,
        path.payinfo.htlc_maximum_msat,
        reversed(path.payinfo.features.le_flags()),
    );
    (PathView::theirs(path.introduction_node(), path.blinding_point(), path.blinded_hops()), payinfo)
}

impl InvoiceView {
    pub(crate) fn ours(invoice: &bolt12::Invoice) -> Self {
        Self { signature: Some(invoice.signature()), ..Self::fields(invoice) }
    }

    fn fields(invoice: &InvoiceFields) -> Self {
        let offer = OfferView::ours(invoice.offer());
        let request = RequestView::ours(invoice.request());
        let is_for_refund = offer.issuer_id.is_none() && offer.paths.is_empty();
        let fallbacks = invoice.fallbacks();
        let fallbacks = fallbacks.iter().flat_map(|fallbacks| fallbacks.iter());
        Self {
            is_for_refund,
            // Where there was no offer, `lightning` says nothing about its fields.
            chains: Some(offer.chains).filter(|_| !is_for_refund),
            metadata: offer.metadata,
            price: offer.amount,
            description: offer.description,
            offer_features: Some(offer.features).filter(|_| !is_for_refund),
            absolute_expiry: offer.absolute_expiry,
            issuer: offer.issuer,
            message_paths: if is_for_refund { request.paths } else { offer.paths },
            quantity_max: Some(offer.quantity).filter(|_| !is_for_refund),
            issuer_id: offer.issuer_id,
            payer_metadata: request.metadata,
            chain: request.chain,
            request_features: request.features,
            quantity: request.quantity,
            payer_id: request.payer_id,
            payer_note: request.payer_note,
            paths: invoice.payment_paths().map(our_payment_path).collect(),
            created_at: invoice.created_at().unwrap().0,
            relative_expiry: invoice.relative_expiry().as_secs(),
            payment_hash: *invoice.payment_hash().unwrap().as_ref(),
            amount: invoice.amount().unwrap().0,
            // IVR-12: invalid ones are ignored by both.
            fallbacks: fallbacks.filter_map(|fallback| fallback.address(request.chain)).collect(),
            features: bytes(invoice.features()),
            node_id: invoice.node_id().unwrap(),
            signature: None,
        }
    }
}

impl From<&lightning::offers::invoice::Bolt12Invoice> for InvoiceView {
    fn from(invoice: &lightning::offers::invoice::Bolt12Invoice) -> Self {
        Self {
            is_for_refund: invoice.is_for_refund(),
            chains: invoice.offer_chains(),
            metadata: invoice.metadata().cloned(),
            price: their_price(invoice.amount()),
            description: string(invoice.description()),
            offer_features: invoice.offer_features().map(|features| reversed(features.le_flags())),
            absolute_expiry: invoice.absolute_expiry().map(|time| time.as_secs()),
            issuer: string(invoice.issuer()),
            message_paths: their_paths(invoice.message_paths()),
            quantity_max: invoice.supported_quantity().map(their_quantity),
            issuer_id: invoice.issuer_signing_pubkey(),
            payer_metadata: invoice.payer_metadata().to_vec(),
            chain: invoice.chain(),
            request_features: reversed(invoice.invoice_request_features().le_flags()),
            quantity: invoice.quantity(),
            payer_id: invoice.payer_signing_pubkey(),
            payer_note: string(invoice.payer_note()),
            paths: invoice.payment_paths().iter().map(their_payment_path).collect(),
            created_at: invoice.created_at().as_secs(),
            relative_expiry: invoice.relative_expiry().as_secs(),
            payment_hash: invoice.payment_hash().0,
            amount: invoice.amount_msats(),
            fallbacks: invoice.fallbacks(),
            features: reversed(invoice.invoice_features().le_flags()),
            node_id: invoice.signing_pubkey(),
            signature: Some(invoice.signature()),
        }
    }
}

/// What a static invoice says.
#[derive(Debug, PartialEq)]
pub(crate) struct StaticInvoiceView {
    chain: ChainHash,
    metadata: Option<Vec<u8>>,
    price: Option<Price>,
    description: Option<String>,
    offer_features: Vec<u8>,
    absolute_expiry: Option<u64>,
    issuer: Option<String>,
    offer_paths: Vec<PathView>,
    message_paths: Vec<PathView>,
    quantity_max: Quantity,
    issuer_id: Option<PublicKey>,
    paths: Vec<(PathView, PayInfoView)>,
    created_at: u64,
    relative_expiry: u64,
    fallbacks: Vec<Address>,
    features: Vec<u8>,
    node_id: PublicKey,
    signature: schnorr::Signature,
}

impl StaticInvoiceView {
    pub(crate) fn ours(invoice: &bolt12::StaticInvoice) -> Self {
        let offer = OfferView::ours(invoice.offer());
        let fallbacks = invoice.fallbacks();
        let fallbacks = fallbacks.iter().flat_map(|fallbacks| fallbacks.iter());
        Self {
            chain: invoice.chain(),
            metadata: offer.metadata,
            price: offer.amount,
            description: offer.description,
            offer_features: offer.features,
            absolute_expiry: offer.absolute_expiry,
            issuer: offer.issuer,
            offer_paths: offer.paths,
            message_paths: our_paths(invoice.message_paths()),
            quantity_max: offer.quantity,
            issuer_id: offer.issuer_id,
            paths: invoice.payment_paths().map(our_payment_path).collect(),
            created_at: invoice.created_at().0,
            relative_expiry: invoice.relative_expiry().as_secs(),
            fallbacks: fallbacks.filter_map(|fallback| fallback.address(invoice.chain())).collect(),
            features: bytes(invoice.features()),
            node_id: invoice.node_id(),
            signature: invoice.signature(),
        }
    }
}

impl From<&lightning::offers::static_invoice::StaticInvoice> for StaticInvoiceView {
    fn from(invoice: &lightning::offers::static_invoice::StaticInvoice) -> Self {
        Self {
            chain: invoice.chain(),
            metadata: invoice.metadata().cloned(),
            price: their_price(invoice.amount()),
            description: string(invoice.description()),
            offer_features: reversed(invoice.offer_features().le_flags()),
            absolute_expiry: invoice.absolute_expiry().map(|time| time.as_secs()),
            issuer: string(invoice.issuer()),
            offer_paths: their_paths(invoice.offer_message_paths()),
            message_paths: their_paths(invoice.held_htlc_available_paths()),
            quantity_max: their_quantity(invoice.supported_quantity()),
            issuer_id: invoice.issuer_signing_pubkey(),
            paths: invoice.payment_paths().iter().map(their_payment_path).collect(),
            created_at: invoice.created_at().as_secs(),
            relative_expiry: invoice.relative_expiry().as_secs(),
            fallbacks: invoice.fallbacks(),
            features: reversed(invoice.invoice_features().le_flags()),
            node_id: invoice.signing_pubkey(),
            signature: invoice.signature(),
        }
    }
}

/// What an invoice error says.
#[derive(Debug, PartialEq)]
pub(crate) struct ErrorView {
    erroneous_field: Option<u64>,
    error: Option<String>,
}

impl ErrorView {
    pub(crate) fn ours(error: &bolt12::InvoiceError) -> Self {
        Self {
            erroneous_field: error.erroneous_field().map(|field| field.number()),
            error: error.error().map(|text| text.as_raw().to_owned()),
        }
    }
}

impl From<&lightning::offers::invoice_error::InvoiceError> for ErrorView {
    fn from(error: &lightning::offers::invoice_error::InvoiceError) -> Self {
        Self {
            erroneous_field: error.erroneous_field.as_ref().map(|field| field.tlv_fieldnum),
            error: Some(error.message.0.clone()),
        }
    }
}
