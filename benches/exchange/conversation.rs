//! One exchange from offer to invoice, every message of which is at hand.

use std::time::Duration;

use bolt12::exchange::{
    Accepted, Action, IncomingMessage, MessageArrival, OffersMessage, OffersMessageKind, OutgoingMessage, Payee, Payer,
    Payment, Terms,
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

/// Whether a message is as long, and has as many records, as an issuer takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Padding {
    None,
    Full,
}

#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) signer: Signer,
    pub(crate) padding: Padding,
}

pub(crate) const PATH: Shape = Shape { name: "a path", rich: true, offer_paths: 1, invoice_paths: 1, hops: 3 };

pub(crate) fn cases() -> [Case; 5] {
    let [minimal, typical, _, many_paths] = SHAPES;
    let case = |name, shape, signer| Case { name, shape, signer, padding: Padding::None };
    [
        case("minimal, node key", minimal, Signer::Node),
        case("typical, node key", typical, Signer::Node),
        case("a path, derived key", PATH, Signer::Offer),
        case("a path, its own key", PATH, Signer::Path),
        case("many paths, derived key", many_paths, Signer::Offer),
    ]
}

/// 600 empty records of the offer, and as many of the request.
pub(crate) fn large_case() -> Case {
    Case { name: "1200 records more", shape: PATH, signer: Signer::Offer, padding: Padding::Full }
}

/// The types that fill a message.
fn padding(first: u64, count: u64) -> impl Iterator<Item = u64> {
    (0..count).map(move |at| first + 2 * at)
}

pub(crate) struct Conversation {
    pub(crate) case: Case,
    pub(crate) issuer: Payee,
    pub(crate) payer: Payer,
    pub(crate) offer: Offer,
    /// Has not asked yet.
    pub(crate) payment: Payment,
    /// Has.
    pub(crate) asking: Payment,
    pub(crate) request: InvoiceRequest,
    pub(crate) asked: IncomingMessage,
    pub(crate) signer: Keypair,
    pub(crate) invoice: Invoice,
    pub(crate) answered: IncomingMessage,
}

/// The same payment once more, as after a crash.
pub(crate) fn copy(payer: &Payer, payment: &Payment) -> Payment {
    payer.load(&payment.to_bytes()).expect("a saved payment")
}

impl Conversation {
    pub(crate) fn new(case: Case, keys: &Keys) -> Self {
        let (issuer, payer) = (Payee::new([1; 32]), Payer::new([2; 32]));
        let (offer, signer) = own_offer(&issuer, case, keys);
        let payment = begin(&payer, &offer, case);
        let mut asking = copy(&payer, &payment);
        let Ok(Action::Send(asked)) = asking.poll(NOW) else { panic!("a request is due") };
        let OffersMessage::InvoiceRequest(request) = &asked.message else { panic!("a request") };
        let reply_path = Path::new(&keys.context, 7, 0, 2).ours();
        let arrival = match case.shape.offer_paths {
            0 => MessageArrival::Direct,
            _ => MessageArrival::Path(issuer.new_offer(NONCE).path_id(0)),
        };
        let reply_via = MessageArrival::Path(asked.reply_path_id.expect("a request wants an answer"));
        let asked = IncomingMessage {
            kind: OffersMessageKind::InvoiceRequest,
            bytes: request.as_bytes().to_vec(),
            arrival,
            reply_path: Some(reply_path),
        };
        let request = request.clone();
        let paths = invoice_paths(case, keys);
        let answer = answer(&issuer, case, &signer, asked.clone(), paths);
        let OffersMessage::Invoice(invoice) = answer.message else { panic!("an invoice") };
        let answered = IncomingMessage {
            kind: OffersMessageKind::Invoice,
            bytes: invoice.as_bytes().to_vec(),
            arrival: reply_via,
            reply_path: None,
        };
        Self { case, issuer, payer, offer, payment, asking, request, asked, signer, invoice, answered }
    }

    pub(crate) fn invoice_paths(&self, keys: &Keys) -> Vec<BlindedPath<'static>> {
        invoice_paths(self.case, keys)
    }

    /// Everything from the bytes of the request to the message that answers it.
    pub(crate) fn answer(&self, asked: IncomingMessage, paths: Vec<BlindedPath<'static>>) -> OutgoingMessage {
        answer(&self.issuer, self.case, &self.signer, asked, paths)
    }

    /// The same request, for the same offer of another issuer.
    pub(crate) fn of_stranger(&self, keys: &Keys) -> IncomingMessage {
        let (offer, _) = own_offer(&Payee::new([9; 32]), self.case, keys);
        let Ok(Action::Send(asked)) = begin(&self.payer, &offer, self.case).poll(NOW) else { panic!("due") };
        IncomingMessage { bytes: asked.message.as_bytes().to_vec(), ..self.asked.clone() }
    }

    /// A request as long as a message can be, with 1000 more records, for an offer that nobody made.
    pub(crate) fn of_nobody(&self) -> IncomingMessage {
        let key = self.signer.public_key();
        let offer = padding(1_500_000_001, 1000)
            .fold(OfferBuilder::new(key), |offer, number| offer.custom_field(number, [0x33; 58]));
        let offer = offer.metadata([0x24; 32]).build().expect("a valid offer");
        let draft = self.payer.draft(&offer, NOW, &CHAINS).expect("a usable offer").amount(crate::messages::AMOUNT);
        let Ok(Action::Send(asked)) = draft.start([3; 32], NOW, NOW).and_then(|mut payment| payment.poll(NOW)) else {
            panic!("due")
        };
        IncomingMessage { bytes: asked.message.as_bytes().to_vec(), ..self.asked.clone() }
    }

    pub(crate) fn name(&self, operation: &str) -> String {
        format!("{operation}, {}", self.case.name)
    }
}

const NONCE: [u8; 16] = [0x4f; 16];

/// An offer, and the key that signs its invoices.
fn own_offer(issuer: &Payee, case: Case, keys: &Keys) -> (Offer, Keypair) {
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
        Padding::Full => padding(1_500_000_001, 600).fold(builder, |builder, number| builder.custom_field(number, [])),
        Padding::None => builder,
    };
    (new.build(builder).expect("a valid offer"), signer)
}

fn begin(payer: &Payer, offer: &Offer, case: Case) -> Payment {
    let mut draft = payer.draft(offer, NOW, &CHAINS).expect("a usable offer").amount(crate::messages::AMOUNT);
    if case.shape.rich {
        draft = draft.payer_note(NOTE);
    }
    if case.padding == Padding::Full {
        // Beyond the fields of recurrence, which mean something where the feature is on.
        draft = padding(2_500_000_001, 600).fold(draft, |draft, number| draft.custom_field(number, []));
    }
    draft.start([3; 32], NOW, UnixTime(NOW.0 + 600)).expect("nothing is missing")
}

fn invoice_paths(case: Case, keys: &Keys) -> Vec<BlindedPath<'static>> {
    (0..case.shape.invoice_paths).map(|at| Path::new(&keys.context, 6, at, case.shape.hops).ours()).collect()
}

pub(crate) fn answer(
    issuer: &Payee,
    case: Case,
    signer: &Keypair,
    asked: IncomingMessage,
    paths: Vec<BlindedPath<'static>>,
) -> OutgoingMessage {
    let received = issuer.receive(asked).expect("a request for an own offer");
    let terms = Terms::new(NOW, &CHAINS);
    let mut accepted: Accepted = received.accept(&terms).expect("an acceptable request");
    if case.shape.rich {
        accepted = accepted.relative_expiry(Duration::from_secs(RELATIVE_EXPIRY.into()));
    }
    let mut invoice = accepted.invoice(PAYMENT_HASH);
    if case.shape.rich {
        invoice = invoice.multi_part(MultiPart::Allowed);
    }
    let invoice = paths.into_iter().fold(invoice, |invoice, path| invoice.add_path(path, &payinfo()));
    let unsigned = invoice.build().expect("a valid invoice");
    let invoice = match case.signer {
        Signer::Offer => accepted.sign(unsigned),
        Signer::Node | Signer::Path => unsigned.sign(signer),
    };
    accepted.answer(invoice.expect("the right key")).expect("the invoice of this request")
}
