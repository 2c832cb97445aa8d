//! The whole way of a server that answers requests: how many a core answers in a second, from bytes to bytes.

use std::convert::Infallible;

use bolt12::exchange::{Action, Inbound, IncomingMessage, Messenger, OutgoingMessage, Payee, Payer, Route};
use bolt12::onion::{OnionMessage, Peeled};
use bolt12::secp256k1::{Keypair, PublicKey};
use bolt12::{OfferBuilder, UnixTime};
use lightning::blinded_path::EmptyNodeIdLookUp;
use lightning::blinded_path::message::{BlindedMessagePath, MessageContext, MessageForwardNode, OffersContext};
use lightning::ln::channelmanager::PaymentId;
use lightning::ln::msgs::OnionMessage as TheirMessage;
use lightning::ln::peer_handler::IgnoringMessageHandler;
use lightning::offers::nonce::Nonce;
use lightning::offers::offer::OfferBuilder as TheirOfferBuilder;
use lightning::onion_message::messenger::{
    Destination, OnionMessagePath, PeeledOnion, create_onion_message, peel_onion_message,
};
use lightning::onion_message::offers::OffersMessage;
use lightning::onion_message::packet::ParsedOnionMessageContents;
use lightning::sign::{KeysManager, NodeSigner};
use lightning::util::logger::{Logger, Record};
use lightning::util::ser::Writeable;

use crate::conversation::{Conversation, PATH};
use crate::issuer;
use crate::measure::{Effort, Side, interleave};
use crate::messages::{AMOUNT, CHAINS, DESCRIPTION, EXPIRY, ISSUER, Keys, METADATA, NOTE, NOW, offer_builder};

pub(crate) fn print(conversation: &Conversation, keys: &Keys, effort: Effort) {
    println!("\n| server, requests per second and core | ours | lightning | time of ours / of lightning |");
    println!("| --- | --: | --: | --: |");
    let asked = || (conversation.asked.clone(), conversation.invoice_paths(keys));
    let ours = Side::new(asked, |(asked, paths)| conversation.answer(asked, paths));
    row("request in, invoice out", &ours, &issuer::theirs(conversation, keys), effort);
    let nodes = Nodes::new(keys);
    row("the same, each in an onion", &nodes.ours(conversation, keys), &nodes.theirs(keys), effort);
}

fn row(name: &str, ours: &Side<'_>, theirs: &Side<'_>, effort: Effort) {
    let [Some(ours), Some(theirs)] = interleave([Some(ours), Some(theirs)], effort) else {
        unreachable!("both sides are there");
    };
    let rate = |nanoseconds: f64| 1e9 / nanoseconds;
    println!("| {name} | {:.0} | {:.0} | {:.3} |", rate(ours.median()), rate(theirs.median()), ours.ratio(&theirs));
}

struct Silent;

impl Logger for Silent {
    fn log(&self, _: Record<'_>) {}
}

/// A server that is reached through its peer, and a payer who is reached through another.
struct Nodes {
    server: (KeysManager, Keypair),
    peer: (KeysManager, Keypair),
    payer: (KeysManager, Keypair),
}

impl Nodes {
    fn new(keys: &Keys) -> Self {
        let node = |number| {
            let theirs = KeysManager::new(&[number; 32], 1, 1, true);
            let ours = Keypair::from_secret_key(&keys.context, &theirs.get_node_secret_key());
            (theirs, ours)
        };
        Self { server: node(1), peer: node(2), payer: node(3) }
    }

    fn ours<'a>(&self, conversation: &'a Conversation, keys: &'a Keys) -> Side<'a> {
        let (issuer, payer) = (Payee::new([1; 32]), Payer::new([2; 32]));
        let [server, wallet] = [self.server.1, self.payer.1].map(Messenger::new);
        let peer = [self.peer.1.public_key()];
        let new = issuer.new_offer([0x4f; 16]);
        let path = server.path(&peer, new.path_id(0)).build([4; 32]).expect("a path");
        let offer = offer_builder(PATH, OfferBuilder::new(new.issuer_id()), vec![path]);
        let offer = new.build(offer).expect("a valid offer");
        let draft = payer.draft(&offer, NOW, &CHAINS).expect("a usable offer").payer_note(NOTE);
        let mut payment = draft.start([3; 32], NOW, UnixTime(NOW.0 + 600)).expect("nothing is missing");
        let Ok(Action::Send(asked)) = payment.poll(NOW) else { panic!("a request is due") };
        let route = Route { through: &peer, reply_through: &peer, ..Route::default() };
        let sent = wallet.send(&asked, &route, [5; 32]).expect("a message");
        let Ok(Peeled::Forward(forward)) = sent.message.peel(&self.peer.1) else { panic!("to pass on") };
        let bytes = forward.message().expect("an honest message").into_bytes();
        Side::new(
            move || (bytes.clone(), conversation.invoice_paths(keys)),
            move |(bytes, paths)| {
                let message = OnionMessage::read(bytes).expect("a message");
                let Ok(Inbound::Message { message: incoming, .. }) = server.receive(&message) else {
                    panic!("a request")
                };
                let answer: OutgoingMessage = answer(conversation, &issuer, incoming, paths);
                server.send(&answer, &Route::default(), [6; 32]).expect("a message").message.into_bytes()
            },
        )
    }

    fn theirs<'a>(&'a self, keys: &'a Keys) -> Side<'a> {
        let nonce = Nonce::try_from(METADATA.as_slice()).expect("sixteen bytes");
        let node_id = self.server.1.public_key();
        let context = MessageContext::Offers(OffersContext::InvoiceRequest { nonce, payment_metadata: None });
        let path = self.their_path(&self.server, context, keys);
        let offer = TheirOfferBuilder::deriving_signing_pubkey(node_id, &keys.expanded, nonce, &keys.context)
            .amount_msats(AMOUNT.0)
            .description(DESCRIPTION.to_owned())
            .issuer(ISSUER.to_owned())
            .absolute_expiry(std::time::Duration::from_secs(EXPIRY))
            .path(path.clone())
            .build()
            .expect("an offer");
        let request = offer.request_invoice(&keys.expanded, nonce, &keys.context, PaymentId([8; 32]));
        let request = request.expect("a usable offer").payer_note(NOTE.to_owned()).build_and_sign();
        let asked = OffersMessage::InvoiceRequest(request.expect("a valid request"));
        let reply = self.their_path(&self.payer, MessageContext::Custom(vec![1; 32]), keys);
        let sent = send(&self.payer.0, path, asked, Some(reply), keys);
        let PeeledOnion::Forward(_, message) = peel(&self.peer.0, &sent, keys) else { panic!("to pass on") };
        let message = message.encode();
        Side::new(
            move || (message.clone(), issuer::their_paths(PATH, keys)),
            move |(message, paths)| {
                let PeeledOnion::Offers(OffersMessage::InvoiceRequest(request), context, Some(reply_path)) =
                    peel(&self.server.0, &message, keys)
                else {
                    panic!("a request")
                };
                let Some(OffersContext::InvoiceRequest { nonce, .. }) = context else { panic!("an own path") };
                let invoice = issuer::their_answer(PATH, request, nonce, paths, keys);
                send(&self.server.0, reply_path, OffersMessage::Invoice(invoice), None, keys)
            },
        )
    }

    fn their_path(&self, end: &(KeysManager, Keypair), context: MessageContext, keys: &Keys) -> BlindedMessagePath {
        let peer: PublicKey = self.peer.1.public_key();
        let through = [MessageForwardNode { node_id: peer, short_channel_id: None }];
        let (signer, key) = (&end.0, end.1.public_key());
        BlindedMessagePath::new(&through, key, signer.get_receive_auth_key(), context, false, signer, &keys.context)
    }
}

fn answer(
    conversation: &Conversation,
    issuer: &Payee,
    asked: IncomingMessage,
    paths: Vec<bolt12::BlindedPath<'static>>,
) -> OutgoingMessage {
    crate::conversation::answer(issuer, conversation.case, &conversation.signer, asked, paths)
}

fn send(
    signer: &KeysManager,
    path: BlindedMessagePath,
    message: OffersMessage,
    reply_path: Option<BlindedMessagePath>,
    keys: &Keys,
) -> Vec<u8> {
    let destination = Destination::BlindedPath(path);
    let route = OnionMessagePath { intermediate_nodes: Vec::new(), destination, first_node_addresses: Vec::new() };
    let contents = ParsedOnionMessageContents::<Infallible>::Offers(message);
    let lookup = EmptyNodeIdLookUp {};
    let sent = create_onion_message(signer, signer, &lookup, &keys.context, route, contents, reply_path);
    sent.expect("a message").1.encode()
}

fn peel(signer: &KeysManager, message: &[u8], keys: &Keys) -> PeeledOnion<Infallible> {
    use lightning::util::ser::LengthReadable;
    let message = TheirMessage::read_from_fixed_length_buffer(&mut &message[..]).expect("a message");
    peel_onion_message(&message, &keys.context, signer, &Silent, IgnoringMessageHandler {}).expect("an onion")
}
