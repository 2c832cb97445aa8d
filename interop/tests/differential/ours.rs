//! Messages that we build, with every option of our builders.

use std::num::NonZeroU64;
use std::time::Duration;

use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::{
    AcceptedRequest, ChainHash, Fallback, Feature, Features, Field, HumanReadableName, Invoice, InvoiceBuilder,
    InvoiceError, InvoiceRequest, InvoiceRequestBuilder, MinorUnits, Msat, MultiPart, Offer, OfferAmount, OfferBuilder,
    Quantity, Rate, Refund, RefundBuilder, RequestArrival, RequestContext, StaticInvoice, StaticInvoiceBuilder,
    UnixTime,
};

use crate::material::*;

pub(crate) const CHAINS: [ChainHash; 3] = [ChainHash::BITCOIN, ChainHash::SIGNET, ChainHash::TESTNET3];

fn odd(bit: u32) -> Features<'static> {
    Features::new([Feature(bit)]).unwrap()
}

/// An offer with paths only, whose invoices [`PAYEE`] signs.
pub(crate) fn paths_only() -> Offer {
    let paths = [node_path(0x21), channel_path(PAYEE)];
    OfferBuilder::with_paths(paths).description("hidden").amount_msat(Msat(20_000)).build().unwrap()
}

pub(crate) fn currency() -> Offer {
    let price = OfferAmount::Currency { currency: "USD".parse().unwrap(), amount: MinorUnits(350) };
    OfferBuilder::new(key(ISSUER)).description("tea").amount(price).build().unwrap()
}

pub(crate) fn everything() -> Offer {
    OfferBuilder::new(key(ISSUER))
        .add_chain(SIGNET)
        .add_chain(ChainHash::BITCOIN)
        .metadata([0x43; 40])
        .amount_msat(Msat(10_000))
        .description("a cup of \u{202e}coffee \u{1f375}")
        .features(odd(123))
        .absolute_expiry(UnixTime(FAR))
        .add_path(node_path(0x21))
        .add_path(channel_path(0x22))
        .issuer("the café")
        .quantity_max(Quantity::AtMost(NonZeroU64::new(10).unwrap()))
        .custom_field(1_000_000_001, [1; 300])
        .custom_field(1_999_999_999, [])
        .build()
        .unwrap()
}

pub(crate) fn offers() -> Vec<Offer> {
    let plain = || OfferBuilder::new(key(ISSUER));
    vec![
        plain().build().unwrap(),
        everything(),
        paths_only(),
        currency(),
        plain().add_chain(ChainHash::TESTNET3).quantity_max(Quantity::Unlimited).build().unwrap(),
        plain().add_chain(ChainHash::BITCOIN).amount_msat(Msat::MAX_MONEY).description("all of it").build().unwrap(),
        plain().quantity_max(Quantity::AtMost(NonZeroU64::MAX)).absolute_expiry(UnixTime(u64::MAX)).build().unwrap(),
    ]
}

/// A request of ours for any offer, with whatever the offer needs.
pub(crate) fn request(offer: &Offer) -> InvoiceRequest {
    let mut builder =
        InvoiceRequestBuilder::new(offer.usable(NOW, &CHAINS).unwrap(), key(PAYER), [0x24; 16]).payer_note("thanks");
    if offer.quantity_max() != Quantity::One {
        builder = builder.quantity(1);
    }
    if offer.amount().is_none() {
        builder = builder.amount(Msat(7_000));
    }
    builder.build().unwrap().sign(&keypair(PAYER)).unwrap()
}

pub(crate) fn requests() -> Vec<InvoiceRequest> {
    let mut requests: Vec<_> = offers().iter().map(request).collect();
    let offer = everything();
    let full = InvoiceRequestBuilder::new(offer.usable(NOW, &[SIGNET]).unwrap(), key(PAYER), [0x25; 64])
        .amount(Msat(30_001))
        .quantity(3)
        .features(odd(9))
        .payer_note("for \u{7}the team")
        .bip_353_name(HumanReadableName::new("coffee", "example.com").unwrap())
        .custom_field(2_999_999_999, [7]);
    requests.push(full.build().unwrap().sign(&keypair(PAYER)).unwrap());
    requests
}

fn refund(amount: Msat) -> RefundBuilder {
    RefundBuilder::new("a cup that broke", amount, key(PAYER), [0x26; 16])
}

pub(crate) fn refund_everything() -> RefundBuilder {
    refund(Msat(5_000_000))
        .absolute_expiry(UnixTime(FAR))
        .issuer("the café")
        .chain(SIGNET)
        .features(odd(9))
        .payer_note("sorry")
        .add_path(channel_path(0x23))
        .add_path(node_path(0x24))
        .custom_field(1_000_000_003, [1])
        .custom_field(2_000_000_001, [2])
}

/// Without signatures, which `lightning` refuses in refunds (D1).
pub(crate) fn refunds() -> Vec<Refund> {
    [refund(Msat(1)), refund_everything(), refund(Msat::MAX_MONEY)].map(|builder| builder.build().unwrap()).into()
}

pub(crate) fn accept<'a>(request: &'a InvoiceRequest, offer: &Offer) -> AcceptedRequest<'a> {
    // For the price of `currency`.
    let rate = Some(Rate::new("USD".parse().unwrap(), MinorUnits(350), Msat(9_000_000)).unwrap());
    // Of the paths of `paths_only`, the last one leads to `PAYEE`.
    let arrival = match offer.paths() {
        Some(paths) => RequestArrival::OfferPath(paths.iter().last().unwrap().last_blinded_node_id()),
        None => RequestArrival::Direct,
    };
    let context = RequestContext { offer, arrival, now: NOW, chains: &CHAINS, rate, max_amount: None };
    request.accept(&context).unwrap()
}

fn builder(request: AcceptedRequest<'_>) -> InvoiceBuilder<'_> {
    InvoiceBuilder::new(request, NOW, sha256::Hash::from_byte_array(HASH)).add_path(node_path(0x31), &payinfo(1))
}

/// The plainest invoice for a request or refund.
pub(crate) fn invoice(request: AcceptedRequest<'_>, signer: u8) -> Invoice {
    builder(request).build().unwrap().sign(&keypair(signer)).unwrap()
}

fn invoice_everything(request: AcceptedRequest<'_>, signer: u8) -> Invoice {
    let fallback = |version, len: usize| Fallback { version, program: vec![0x61; len].into() };
    let full = builder(request)
        .add_path(channel_path(0x32), &payinfo(u32::MAX))
        .relative_expiry(Duration::from_secs(u32::MAX.into()))
        .add_fallback(&fallback(0, 20))
        .add_fallback(&fallback(0, 32))
        .add_fallback(&fallback(1, 32))
        .add_fallback(&fallback(16, 2))
        .multi_part(MultiPart::Allowed)
        .custom_field(3_999_999_999, [9; 300]);
    full.build().unwrap().sign(&keypair(signer)).unwrap()
}

pub(crate) fn invoices() -> Vec<Invoice> {
    let (offers, requests) = (offers(), requests());
    let mut invoices = Vec::new();
    for (offer, request) in offers.iter().zip(&requests) {
        let signer = if offer.issuer_id().is_some() { ISSUER } else { PAYEE };
        invoices.push(invoice(accept(request, offer), signer));
    }
    invoices.push(invoice_everything(accept(requests.last().unwrap(), &everything()), ISSUER));
    let refunds = refunds();
    for refund in &refunds {
        invoices.push(invoice(refund.accept(NOW, &CHAINS, key(PAYEE)).unwrap(), PAYEE));
    }
    invoices.push(invoice_everything(refunds[1].accept(NOW, &CHAINS, key(PAYEE)).unwrap(), PAYEE));
    invoices
}

/// What somebody else serves, signed by [`ISSUER`], or by [`PAYEE`] where only paths are known.
pub(crate) fn static_invoices() -> Vec<StaticInvoice> {
    let served = OfferBuilder::new(key(ISSUER)).description("tips").amount_msat(Msat(10_000)).add_path(node_path(0x21));
    let open = OfferBuilder::new(key(ISSUER)).add_chain(SIGNET).quantity_max(Quantity::Unlimited).metadata([0x43; 40]);
    let open = open.add_path(channel_path(0x22)).absolute_expiry(UnixTime(FAR)).issuer("the café").features(odd(123));
    let open = open.custom_field(1_000_000_001, [1; 300]).custom_field(1_999_999_999, []);
    let dollars = OfferAmount::Currency { currency: "USD".parse().unwrap(), amount: MinorUnits(350) };
    let dollars = OfferBuilder::new(key(ISSUER)).description("tea").amount(dollars).add_path(node_path(0x21));
    let offers = [served.build().unwrap(), open.build().unwrap(), dollars.build().unwrap(), paths_only()];
    let mut invoices: Vec<_> = offers.iter().map(|offer| static_invoice(offer, |builder| builder)).collect();
    let fallback = |version, len: usize| Fallback { version, program: vec![0x61; len].into() };
    invoices.push(static_invoice(&offers[1], |builder| {
        builder
            .add_path(channel_path(0x32), &payinfo(u32::MAX))
            .add_message_path(node_path(0x35))
            .relative_expiry(Duration::from_secs(u32::MAX.into()))
            .add_fallback(&fallback(0, 20))
            .add_fallback(&fallback(1, 32))
            .multi_part(MultiPart::Allowed)
            .custom_field(3_999_999_999, [9; 300])
    }));
    invoices
}

fn static_invoice(
    offer: &Offer,
    fill: impl FnOnce(StaticInvoiceBuilder<'_>) -> StaticInvoiceBuilder<'_>,
) -> StaticInvoice {
    let builder = StaticInvoiceBuilder::new(offer, NOW).add_path(node_path(0x31), &payinfo(1));
    let builder = fill(builder.add_message_path(node_path(0x33)).add_message_path(channel_path(0x34)));
    match offer.issuer_id() {
        Some(_) => builder.build().unwrap().sign(&keypair(ISSUER)).unwrap(),
        None => builder.node_id(key(PAYEE)).build().unwrap().sign(&keypair(PAYEE)).unwrap(),
    }
}

pub(crate) fn errors() -> Vec<InvoiceError> {
    let error = InvoiceError::new("out of \u{7}coffee").unwrap();
    vec![
        error.clone(),
        error.clone().about(Field::INVREQ_QUANTITY, Some(&[1])).unwrap(),
        error.about(Field::OFFER_AMOUNT, None).unwrap(),
    ]
}
