//! The operations that are compared.

use bolt12::secp256k1::Keypair;
use bolt12::{Arrival, BlindedPath, Invoice, InvoiceContext, InvoiceRequest, Offer, SentTo, Unverified};
use lightning::blinded_path::message::BlindedMessagePath;
use lightning::offers::invoice::{Bolt12Invoice, UnsignedBolt12Invoice};
use lightning::offers::invoice_request::InvoiceRequest as TheirRequest;
use lightning::offers::offer::Offer as TheirOffer;
use lightning::util::ser::Readable;

use crate::floor::{Floor, digest};
use crate::measure::Side;
use crate::messages::{
    AMOUNT, CHAINS, Keys, Messages, NOW, Path, accept, build_invoice, build_offer, build_request, build_their_invoice,
    build_their_offer, build_their_request, first_path, invoice_builder, offer_with_paths, sign_theirs,
};
use crate::table::Comparison;

/// Everything that can be compared for one shape of message.
pub(crate) fn all<'a>(messages: &'a Messages, keys: &'a Keys) -> Vec<Comparison<'a>> {
    let mut all = offers(messages, keys);
    all.extend(requests(messages, keys));
    all.extend(invoices(messages, keys));
    all
}

/// What consists of points that are only checked, mostly.
pub(crate) fn checked<'a>(messages: &'a Messages, keys: &'a Keys) -> Vec<Comparison<'a>> {
    let mut all: Vec<_> = [1, 2, 8, 32].map(|count| offer_of_paths(offer_with_paths(keys, count), keys)).into();
    let Messages { request, offer, .. } = messages;
    let reply_path = Path::new(&keys.context, 7, 0, 3).ours();
    let asked = move || (request.as_bytes().to_vec(), reply_path.as_bytes().to_vec());
    let reply_path = Path::new(&keys.context, 7, 0, 3).ours();
    let digest = digest("invoice_request", request.tlvs().records());
    let floor = Floor::request(request)
        .and_keys([request.payer_id()])
        .and_path(&reply_path)
        .and_digest(request.tlvs().records())
        .and_verify(request.signature(), digest, request.payer_id());
    all.push(Comparison {
        name: "request with a reply path of 3 hops: read and verify, two paths".to_owned(),
        ours: Side::new(asked.clone(), |(request, path)| {
            let path = BlindedPath::from_bytes(&path).map(BlindedPath::into_owned).expect("a path");
            (InvoiceRequest::try_from(request).expect("a request"), path)
        }),
        lightning: Some(Side::new(asked, |(request, path)| {
            let path = BlindedMessagePath::read(&mut &path[..]).expect("a path");
            (TheirRequest::try_from(request).expect("a request"), path)
        })),
        floor: Some(floor.sides(&keys.context)),
    });
    let bytes = || offer.as_bytes().to_vec();
    all.push(Comparison {
        name: "offer: read bytes, and ask for the issuer id, two paths".to_owned(),
        ours: Side::new(bytes, |bytes| {
            let offer = Offer::try_from(bytes).expect("an offer");
            (offer.issuer_id().expect("an issuer id"), offer)
        }),
        lightning: Some(Side::new(bytes, |bytes| {
            let offer = TheirOffer::try_from(bytes).expect("an offer");
            (offer.issuer_signing_pubkey().expect("an issuer id"), offer)
        })),
        floor: Some(Floor::offer(offer).and_keys(offer.issuer_id()).sides(&keys.context)),
    });
    all
}

fn offer_of_paths(offer: Offer, keys: &Keys) -> Comparison<'_> {
    let count = offer.paths().map_or(0, |paths| paths.count());
    let text = offer.to_string();
    let their_text = text.clone();
    Comparison {
        name: format!("offer: read text, {count} paths of 2 hops"),
        ours: Side::new(|| (), move |()| text.parse::<Offer>().expect("an offer")),
        lightning: Some(Side::new(|| (), move |()| their_text.parse::<TheirOffer>().expect("an offer"))),
        floor: Some(Floor::offer(&offer).sides(&keys.context)),
    }
}

fn offers<'a>(messages: &'a Messages, keys: &'a Keys) -> Vec<Comparison<'a>> {
    let Messages { shape, offer, their_offer, .. } = messages;
    let name = |operation| format!("{operation}, {}", shape.name);
    let text = offer.to_string();
    let their_text = text.clone();
    vec![
        Comparison {
            name: name("offer: read text"),
            ours: Side::new(|| (), move |()| text.parse::<Offer>().expect("an offer")),
            lightning: Some(Side::new(|| (), move |()| their_text.parse::<TheirOffer>().expect("an offer"))),
            floor: Some(Floor::offer(offer).sides(&keys.context)),
        },
        Comparison {
            name: name("offer: write text"),
            ours: Side::new(|| (), |()| offer.to_string()),
            lightning: Some(Side::new(|| (), |()| their_offer.to_string())),
            floor: None,
        },
        Comparison {
            name: name("offer: build"),
            ours: Side::new(|| messages.our_offer_paths(), |paths| build_offer(*shape, keys, paths)),
            lightning: Some(Side::new(|| messages.their_offer_paths(), |paths| build_their_offer(*shape, keys, paths))),
            floor: None,
        },
        Comparison {
            name: name("offer: merkle root"),
            ours: Side::new(|| (), |()| offer.id()),
            lightning: None,
            floor: Some(Floor::default().and_root(offer.records()).sides(&keys.context)),
        },
    ]
}

fn requests<'a>(messages: &'a Messages, keys: &'a Keys) -> Vec<Comparison<'a>> {
    let Messages { shape, offer, their_offer, request, their_request, .. } = messages;
    let name = |operation| format!("{operation}, {}", shape.name);
    let bytes = || request.as_bytes().to_vec();
    let root = || Floor::default().and_digest(request.tlvs().records());
    let verified = || {
        Floor::request(request)
            .and_keys([request.payer_id()])
            .and_digest(request.tlvs().records())
            .and_verify(request.signature(), digest("invoice_request", request.tlvs().records()), request.payer_id())
            .sides(&keys.context)
    };
    let secret = keys.payer.secret_key();
    vec![
        Comparison {
            name: name("request: read and verify"),
            ours: Side::new(bytes, |bytes| InvoiceRequest::try_from(bytes).expect("a request")),
            lightning: Some(Side::new(bytes, |bytes| TheirRequest::try_from(bytes).expect("a request"))),
            floor: Some(verified()),
        },
        Comparison {
            name: name("request: verify"),
            ours: Side::new(
                move || Unverified::<InvoiceRequest>::try_from(bytes()).expect("a request"),
                |unverified| unverified.verify().expect("a valid request"),
            ),
            lightning: None,
            floor: Some(verified()),
        },
        Comparison {
            name: name("request: build and sign"),
            ours: Side::new(|| (), |()| build_request(*shape, &keys.payer, offer)),
            lightning: None,
            floor: Some(root().and_sign(&keys.payer).sides(&keys.context)),
        },
        Comparison {
            // All that `lightning` has: it makes the payer's key in the same step.
            name: name("request: derive key, build and sign"),
            ours: Side::new(
                || (),
                move |()| build_request(*shape, &Keypair::from_secret_key(&keys.context, &secret), offer),
            ),
            lightning: Some(Side::new(|| (), |()| build_their_request(*shape, keys, their_offer))),
            floor: Some(root().and_derive(&keys.payer).and_sign(&keys.payer).sides(&keys.context)),
        },
        Comparison {
            name: name("request: write bytes"),
            ours: Side::new(|| (), |()| request.as_bytes().to_vec()),
            lightning: Some(Side::new(|| (), |()| lightning::util::ser::Writeable::encode(their_request))),
            floor: None,
        },
    ]
}

fn invoices<'a>(messages: &'a Messages, keys: &'a Keys) -> Vec<Comparison<'a>> {
    let Messages { shape, offer, request, their_request, invoice, their_invoice, .. } = messages;
    let name = |operation| format!("{operation}, {}", shape.name);
    let bytes = || invoice.as_bytes().to_vec();
    let root = || Floor::default().and_digest(invoice.tlvs().records());
    let verified = || {
        Floor::invoice(invoice)
            .and_digest(invoice.tlvs().records())
            .and_verify(invoice.signature(), digest("invoice", invoice.tlvs().records()), invoice.node_id())
            .sides(&keys.context)
    };
    let context = InvoiceContext {
        request,
        sent_to: first_path(offer).map_or(SentTo::IssuerId, SentTo::Path),
        arrival: Arrival::OwnPath,
        now: NOW,
        chains: &CHAINS,
        max_amount: AMOUNT,
    };
    let repeated = invoice.tlvs().range(&(0..=159));
    let requested = request.tlvs().range(&(0..=159));
    vec![
        Comparison {
            name: name("invoice: read and verify"),
            ours: Side::new(bytes, |bytes| Invoice::try_from(bytes).expect("an invoice")),
            lightning: Some(Side::new(bytes, |bytes| Bolt12Invoice::try_from(bytes).expect("an invoice"))),
            floor: Some(verified()),
        },
        Comparison {
            name: name("invoice: verify"),
            ours: Side::new(
                move || Unverified::<Invoice>::try_from(bytes()).expect("an invoice"),
                |unverified| unverified.verify().expect("a valid invoice"),
            ),
            lightning: None,
            floor: Some(verified()),
        },
        Comparison {
            name: name("invoice: build and sign"),
            ours: Side::new(
                || (accept(request, offer), messages.our_invoice_paths()),
                |(accepted, paths)| build_invoice(*shape, keys, accepted, paths),
            ),
            lightning: Some(Side::new(
                || messages.their_invoice_paths(),
                |paths| sign_theirs(keys, build_their_invoice(*shape, their_request, paths)),
            )),
            floor: Some(root().and_sign(&keys.issuer).sides(&keys.context)),
        },
        Comparison {
            name: name("invoice: complete with an external signature"),
            ours: Side::new(
                || {
                    let builder = invoice_builder(*shape, accept(request, offer), messages.our_invoice_paths());
                    builder.build().expect("a valid invoice")
                },
                |unsigned| unsigned.complete(&invoice.signature()).expect("a valid signature"),
            ),
            lightning: Some(Side::new(
                || build_their_invoice(*shape, their_request, messages.their_invoice_paths()),
                |unsigned| {
                    unsigned.sign(|_: &UnsignedBolt12Invoice| Ok(their_invoice.signature())).expect("a valid signature")
                },
            )),
            floor: Some(
                Floor::default()
                    .and_verify(invoice.signature(), digest("invoice", invoice.tlvs().records()), invoice.node_id())
                    .sides(&keys.context),
            ),
        },
        Comparison {
            // `lightning` does not keep the request, but recognises its MAC and derives the key again.
            name: name("invoice: check against the request"),
            ours: Side::new(|| (), move |()| invoice.check(&context).expect("a payable invoice").amount()),
            lightning: Some(Side::new(
                || (),
                |()| their_invoice.verify_using_metadata(&keys.expanded, &keys.context).expect("an own request"),
            )),
            floor: Some(Side::new(|| (), move |()| repeated == requested).into()),
        },
        Comparison {
            name: name("invoice: write bytes"),
            ours: Side::new(|| (), |()| invoice.as_bytes().to_vec()),
            lightning: Some(Side::new(|| (), |()| lightning::util::ser::Writeable::encode(their_invoice))),
            floor: None,
        },
    ]
}
