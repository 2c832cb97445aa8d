//! The issuer's steps.

use std::time::Duration;

use bitcoin::hashes::Hash;
use lightning::blinded_path::payment::BlindedPaymentPath;
use lightning::ln::channelmanager::PaymentId;
use lightning::offers::invoice::Bolt12Invoice;
use lightning::offers::invoice_request::{InvoiceRequest as TheirRequest, InvoiceRequestVerifiedFromOffer};
use lightning::offers::nonce::Nonce;
use lightning::offers::offer::OfferBuilder as TheirOfferBuilder;
use lightning::types::payment::PaymentHash;
use lightning::util::ser::Writeable;

use crate::conversation::{Conversation, Signer};
use crate::floor::{Floor, digest};
use crate::measure::Side;
use crate::messages::{
    AMOUNT, DESCRIPTION, EXPIRY, ISSUER, Keys, METADATA, NOTE, NOW, PAYMENT_HASH, Path, RELATIVE_EXPIRY, Shape,
};
use crate::table::Comparison;

pub(crate) fn all<'a>(conversation: &'a Conversation, keys: &'a Keys) -> Vec<Comparison<'a>> {
    let asked = || conversation.asked.clone();
    vec![
        Comparison {
            name: conversation.name("issuer: receive"),
            ours: Side::new(asked, |asked| conversation.issuer.receive(asked).expect("an own offer")),
            lightning: None,
            floor: Some(verified(conversation).sides(&keys.context)),
        },
        Comparison {
            name: conversation.name("issuer: receive, accept, build and sign the invoice"),
            ours: Side::new(
                move || (asked(), conversation.invoice_paths(keys)),
                |(asked, paths)| conversation.answer(asked, paths),
            ),
            lightning: (conversation.case.signer == Signer::Offer).then(|| theirs(conversation, keys)),
            floor: Some(answered(conversation).sides(&keys.context)),
        },
    ]
}

/// What it takes to know that a request is valid.
fn verified(conversation: &Conversation) -> Floor {
    let request = &conversation.request;
    let records = || request.tlvs().records();
    Floor::request(request).and_keys([request.payer_id()]).and_digest(records()).and_verify(
        request.signature(),
        digest("invoice_request", records()),
        request.payer_id(),
    )
}

/// And to answer it.
fn answered(conversation: &Conversation) -> Floor {
    let floor = verified(conversation).and_digest(conversation.invoice.tlvs().records());
    let floor = floor.and_sign(&conversation.signer);
    match conversation.case.signer {
        Signer::Offer => floor.and_derive(&conversation.signer),
        Signer::Node | Signer::Path => floor,
    }
}

/// The same with `lightning`, which recognises its offer by the path's nonce, and derives the offer's key for it.
pub(crate) fn theirs<'a>(conversation: &'a Conversation, keys: &'a Keys) -> Side<'a> {
    let shape = conversation.case.shape;
    let nonce = Nonce::try_from(METADATA.as_slice()).expect("sixteen bytes");
    let node_id = keys.issuer.public_key();
    let mut builder = TheirOfferBuilder::deriving_signing_pubkey(node_id, &keys.expanded, nonce, &keys.context);
    if shape.rich {
        builder = builder
            .amount_msats(AMOUNT.0)
            .description(DESCRIPTION.to_owned())
            .issuer(ISSUER.to_owned())
            .absolute_expiry(Duration::from_secs(EXPIRY));
    }
    let path = |at| Path::new(&keys.context, 5, at, shape.hops).theirs();
    let offer = (0..shape.offer_paths).fold(builder, |builder, at| builder.path(path(at))).build().expect("an offer");
    let request = offer.request_invoice(&keys.expanded, nonce, &keys.context, PaymentId([8; 32]));
    let mut request = request.and_then(|request| request.amount_msats(AMOUNT.0)).expect("a usable offer");
    if shape.rich {
        request = request.payer_note(NOTE.to_owned());
    }
    let bytes = request.build_and_sign().expect("a valid request").encode();
    Side::new(
        move || (bytes.clone(), their_paths(shape, keys)),
        move |(bytes, paths)| {
            let request = TheirRequest::try_from(bytes).expect("a request");
            their_answer(shape, request, nonce, paths, keys)
        },
    )
}

/// The paths of an invoice.
pub(crate) fn their_paths(shape: Shape, keys: &Keys) -> Vec<BlindedPaymentPath> {
    (0..shape.invoice_paths).map(|at| Path::new(&keys.context, 6, at, shape.hops).theirs_to_pay()).collect()
}

/// The invoice of a request for an own offer.
pub(crate) fn their_answer(
    shape: Shape,
    request: TheirRequest,
    nonce: Nonce,
    paths: Vec<BlindedPaymentPath>,
    keys: &Keys,
) -> Bolt12Invoice {
    let verified = request.verify_using_recipient_data(nonce, &keys.expanded, &keys.context);
    let Ok(InvoiceRequestVerifiedFromOffer::DerivedKeys(verified)) = verified else { panic!("an own offer") };
    let hash = PaymentHash(PAYMENT_HASH.to_byte_array());
    let builder = verified.respond_using_derived_keys_no_std(paths, hash, Duration::from_secs(NOW.0));
    let mut builder = builder.expect("an own offer");
    if shape.rich {
        builder = builder.relative_expiry(RELATIVE_EXPIRY).allow_mpp();
    }
    builder.build_and_sign(&keys.context).expect("a valid invoice")
}
