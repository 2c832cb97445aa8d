//! One exchange from offer to invoice, every message of which is at hand.

use std::time::Duration;

use bolt12::exchange::{
    Accepted, Action, Incoming, Issuer, MaxAmount, OffersMessage, Outgoing, Payer, Payment, Terms, Via,
};
use bolt12::secp256k1::Keypair;
use bolt12::{BlindedPath, Invoice, InvoiceRequest, MultiPart, Offer, OfferBuilder, UnixTime};

use crate::messages::{
    CHAINS, Keys, NOTE, NOW, PAYMENT_HASH, Path, RELATIVE_EXPIRY, SHAPES, Shape, key, offer_builder, payinfo,
};

/// Who signs the invoice (IVW-3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signer {
    /// The caller, with its node's key.
    Node,
    /// The issuer, with a key derived for the offer.
    Offer,
    /// The caller, with the blinded key at the end of the path.
    Path,
}

/// Where the records are that make a message as large as it can be, with an answer that still fits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Padding {
    None,
    Offer,
    Request,
}

#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) signer: Signer,
    pub(crate) padding: Padding,
}

const PATH: Shape = Shape { name: "a path", rich: true, offer_paths: 1, invoice_paths: 1, hops: 3 };

pub(crate) fn cases() -> [Case; 5] {
    let [minimal, typical, many_paths] = SHAPES;
    let case = |name, shape, signer| Case { name, shape, signer, padding: Padding::None };
    [
        case("minimal, node key", minimal, Signer::Node),
        case("typical, node key", typical, Signer::Node),
        case("a path, derived key", PATH, Signer::Offer),
        case("a path, its own key", PATH, Signer::Path),
        case("many paths, derived key", many_paths, Signer::Offer),
    ]
}

/// 1000 records beside the usual ones, 62 bytes each.
pub(crate) fn large_cases() -> [Case; 2] {
    let case = |name, padding| Case { name, shape: PATH, signer: Signer::Offer, padding };
    [case("1000 records of the request", Padding::Request), case("1000 records of the offer", Padding::Offer)]
}

/// The types and values that fill a message.
fn padding(first: u64) -> impl Iterator<Item = (u64, [u8; 56])> {
    (0..1000).map(move |at| (first + 2 * at, [0x33; 56]))
}

pub(crate) struct Conversation {
    pub(crate) case: Case,
    pub(crate) issuer: Issuer,
    pub(crate) payer: Payer,
    pub(crate) offer: Offer,
    /// Has not asked yet.
    pub(crate) payment: Payment,
    /// Has.
    pub(crate) asking: Payment,
    pub(crate) request: InvoiceRequest,
    pub(crate) asked: Incoming,
    pub(crate) signer: Keypair,
    pub(crate) invoice: Invoice,
    pub(crate) answered: Incoming,
}

/// The same payment once more, as after a crash.
pub(crate) fn copy(payer: &Payer, payment: &Payment) -> Payment {
    payer.load(&payment.to_bytes()).expect("a saved payment")
}

impl Conversation {
    pub(crate) fn new(case: Case, keys: &Keys) -> Self {
        let (issuer, payer) = (Issuer::new([1; 32]), Payer::new([2; 32]));
        let (offer, signer) = own_offer(&issuer, case, keys);
        let payment = begin(&payer, &offer, case);
        let mut asking = copy(&payer, &payment);
        let Ok(Action::Send(asked)) = asking.poll(NOW) else { panic!("a request is due") };
        let OffersMessage::InvoiceRequest(request) = &asked.message else { panic!("a request") };
        let reply_path = Path::new(&keys.context, 7, 0, 2).ours();
        let via = match case.shape.offer_paths {
            0 => Via::Direct,
            _ => Via::Path(issuer.new_offer(NONCE).path_id(0)),
        };
        let reply_via = Via::Path(asked.reply_path_id.expect("a request wants an answer"));
        let asked = Incoming { bytes: request.as_bytes().to_vec(), via, reply_path: Some(reply_path) };
        let request = request.clone();
        let paths = invoice_paths(case, keys);
        let answer = answer(&issuer, case, &signer, asked.clone(), paths);
        let OffersMessage::Invoice(invoice) = answer.message else { panic!("an invoice") };
        let answered = Incoming { bytes: invoice.as_bytes().to_vec(), via: reply_via, reply_path: None };
        Self { case, issuer, payer, offer, payment, asking, request, asked, signer, invoice, answered }
    }

    pub(crate) fn invoice_paths(&self, keys: &Keys) -> Vec<BlindedPath<'static>> {
        invoice_paths(self.case, keys)
    }

    /// Everything from the bytes of the request to the message that answers it.
    pub(crate) fn answer(&self, asked: Incoming, paths: Vec<BlindedPath<'static>>) -> Outgoing {
        answer(&self.issuer, self.case, &self.signer, asked, paths)
    }

    /// The same request, for the same offer of another issuer.
    pub(crate) fn of_stranger(&self, keys: &Keys) -> Incoming {
        let (offer, _) = own_offer(&Issuer::new([9; 32]), self.case, keys);
        let Ok(Action::Send(asked)) = begin(&self.payer, &offer, self.case).poll(NOW) else { panic!("due") };
        Incoming { bytes: asked.message.as_bytes().to_vec(), ..self.asked.clone() }
    }

    pub(crate) fn name(&self, operation: &str) -> String {
        format!("{operation}, {}", self.case.name)
    }
}

const NONCE: [u8; 16] = [0x4f; 16];

/// An offer, and the key that signs its invoices.
fn own_offer(issuer: &Issuer, case: Case, keys: &Keys) -> (Offer, Keypair) {
    let Case { shape, signer, .. } = case;
    let new = issuer.new_offer(NONCE);
    let paths = (0..shape.offer_paths).map(|at| Path::new(&keys.context, 5, at, shape.hops).ours()).collect();
    let (builder, signer) = match signer {
        Signer::Node => (OfferBuilder::new(keys.issuer.public_key()), keys.issuer),
        // Its secret is the issuer's; only the floor needs some key.
        Signer::Offer => (OfferBuilder::new(new.issuer_id()), keys.issuer),
        Signer::Path => (OfferBuilder::with_paths([]), key(&keys.context, [5, 0, shape.hops])),
    };
    let builder = offer_builder(shape, builder, paths);
    let builder = match case.padding {
        Padding::Offer => {
            padding(1_000_000_001).fold(builder, |builder, (number, value)| builder.custom_field(number, value))
        }
        _ => builder,
    };
    (new.build(builder).expect("a valid offer"), signer)
}

fn begin(payer: &Payer, offer: &Offer, case: Case) -> Payment {
    let mut draft = payer.draft(offer, NOW, &CHAINS).expect("a usable offer").amount(crate::messages::AMOUNT);
    if case.shape.rich {
        draft = draft.payer_note(NOTE);
    }
    if case.padding == Padding::Request {
        draft = padding(2_000_000_001).fold(draft, |draft, (number, value)| draft.custom_field(number, value));
    }
    draft.start([3; 32], NOW, UnixTime(NOW.0 + 600)).expect("nothing is missing")
}

fn invoice_paths(case: Case, keys: &Keys) -> Vec<BlindedPath<'static>> {
    (0..case.shape.invoice_paths).map(|at| Path::new(&keys.context, 6, at, case.shape.hops).ours()).collect()
}

fn answer(
    issuer: &Issuer,
    case: Case,
    signer: &Keypair,
    asked: Incoming,
    paths: Vec<BlindedPath<'static>>,
) -> Outgoing {
    let received = issuer.receive(asked).expect("a request for an own offer");
    let terms = Terms { now: NOW, chains: &CHAINS, rate: None, max_amount: MaxAmount::Any };
    let accepted: Accepted = received.accept(&terms).expect("an acceptable request");
    let mut invoice = accepted.invoice(PAYMENT_HASH);
    if case.shape.rich {
        let expiry = Duration::from_secs(RELATIVE_EXPIRY.into());
        invoice = invoice.relative_expiry(expiry).multi_part(MultiPart::Allowed);
    }
    let invoice = paths.into_iter().fold(invoice, |invoice, path| invoice.add_path(path, &payinfo()));
    let unsigned = invoice.build().expect("a valid invoice");
    let invoice = match case.signer {
        Signer::Offer => accepted.sign(unsigned),
        Signer::Node | Signer::Path => unsigned.sign(signer),
    };
    accepted.answer(invoice.expect("the right key")).expect("the invoice of this request")
}
