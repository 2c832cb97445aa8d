//! Answers of an issuer without a node to LDK nodes, whose reply paths start where LDK's default router lets them: at a
//! channel, by its number.

use std::sync::{Arc, Mutex};

use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::exchange::{
    Action, Destination, Event, ManagerLimits, MaxAmount, MessageArrival, OffersManager, OutgoingMessage, Payee, Payer,
    Payment, ReceivedRequest, Save, State, Terms,
};
use bolt12::lightning::{Application, Desk, Limits, OffersHandler, OnionPeers, instructions, ldk, message_paths};
use bolt12::secp256k1::{Keypair, PublicKey, Secp256k1};
use bolt12::{ChainHash, Direction, Msat, Offer, OfferBuilder, ShortChannelId, UnixTime};
use ldk::blinded_path::message::MessageForwardNode;
use ldk::ln::msgs::OnionMessageHandler;
use ldk::ln::peer_handler::IgnoringMessageHandler;
use ldk::sign::{KeysManager, NodeSigner};

use crate::gossip::{Gossip, KNOWN, id, keys};
use crate::messages::{NOW, path, payinfo};
use crate::net::{Party, Peer, Witness, connect, deliver};

const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];

/// Answers every request, and knows some ends of channels.
struct Clerk {
    ends: Vec<(ShortChannelId, Direction, PublicKey)>,
    not_sent: Mutex<Vec<String>>,
}

impl Application for Clerk {
    fn now(&self) -> UnixTime {
        NOW
    }

    fn invoice_request(&self, request: ReceivedRequest, _: Option<&Keypair>) -> Option<OutgoingMessage> {
        let terms = Terms { max_amount: MaxAmount::TimesPrice(5), ..Terms::new(NOW, CHAINS) };
        let accepted = request.accept(&terms).unwrap();
        let invoice = accepted.invoice(sha256::Hash::hash(b"preimage")).add_path(path(1), &payinfo()).build().unwrap();
        accepted.answer(accepted.sign(invoice).unwrap()).ok()
    }

    fn save(&self, _: &Save) -> bool {
        true
    }

    fn event(&self, _: Event) {}

    fn channel_end(&self, scid: ShortChannelId, direction: Direction) -> Option<PublicKey> {
        self.ends.iter().find(|end| (end.0, end.1) == (scid, direction)).map(|end| end.2)
    }

    fn not_sent(&self, _: &OutgoingMessage, why: &dyn std::error::Error) {
        self.not_sent.lock().unwrap().push(why.to_string());
    }
}

fn manager(number: u8) -> OffersManager {
    OffersManager::new(Payer::new([number; 32]), Payee::new([number; 32]), ManagerLimits::default())
}

type Onions = OnionPeers<Arc<Desk<Clerk>>, Arc<KeysManager>>;

struct Shop {
    id: PublicKey,
    onions: Onions,
}

impl Peer for Shop {
    fn id(&self) -> PublicKey {
        self.id
    }

    fn onions(&self) -> &dyn OnionMessageHandler {
        &self.onions
    }
}

impl Shop {
    fn new(number: u8, ends: Vec<(ShortChannelId, Direction, PublicKey)>) -> Self {
        let clerk = Clerk { ends, not_sent: Mutex::default() };
        let desk = Arc::new(Desk::new(clerk, manager(number)));
        let key = Keypair::from_secret_key(&Secp256k1::new(), &keys(number).get_node_secret_key());
        let limits = Limits::default();
        Self { id: id(number), onions: OnionPeers::new(key, desk, keys(number), IgnoringMessageHandler {}, limits) }
    }

    fn offer(&self, through: &[PublicKey]) -> Offer {
        let new = self.onions.desk().payee().new_offer([1; 16]);
        let path = self.onions.messenger().path(through, new.path_id(0)).build([2; 32]).unwrap();
        let offer = OfferBuilder::new(new.issuer_id()).description("tea").amount_msat(Msat(9_000));
        new.build(offer.add_path(path)).unwrap()
    }

    fn not_sent(&self) -> Vec<String> {
        std::mem::take(&mut self.onions.desk().application().not_sent.lock().unwrap())
    }
}

fn party(gossip: &Gossip, number: u8) -> Party {
    Party::new(gossip, number, Witness::default(), vec![])
}

/// Lets an LDK node ask, and says whether an invoice came over the reply path.
fn is_answered(payer: &Party, offer: &Offer, all: &[&dyn Peer]) -> bool {
    let draft = Payer::new([9; 32]).draft(offer, NOW, CHAINS).unwrap();
    let Action::Send(request) = draft.start([4; 32], NOW, UnixTime(NOW.0 + 60)).unwrap().poll(NOW).unwrap() else {
        panic!()
    };
    let (message, how) = instructions(&request).unwrap();
    payer.messenger.send_onion_message(message, how).unwrap();
    deliver(all);
    let came = std::mem::take(&mut *payer.handler.0.lock().unwrap());
    assert!(came.is_empty() || came == [(MessageArrival::Path(request.reply_path_id.unwrap()), false)], "{came:?}");
    !came.is_empty()
}

/// A wallet's reply path starts at its peer, which brought the request.
#[test]
fn the_start_may_be_the_peer_that_brought_the_request() {
    let gossip = Gossip::new();
    let (shop, payer, middle) = (Shop::new(10, vec![]), party(&gossip, 20), party(&gossip, gossip.node(1, 3)));
    connect(&shop, &middle);
    connect(&payer, &middle);
    assert!(is_answered(&payer, &shop.offer(&[middle.id]), &[&shop, &payer, &middle]));
    assert_eq!(shop.not_sent(), [""; 0]);
}

/// An announced node's reply path starts at itself, which is connected to us.
#[test]
fn the_start_may_be_who_asks() {
    let gossip = Gossip::new();
    let (shop, payer) = (Shop::new(10, vec![]), party(&gossip, gossip.node(20, 3)));
    connect(&payer, &shop);
    assert!(is_answered(&payer, &shop.offer(&[]), &[&shop, &payer]));
}

/// It may be ourselves, if we are a node that others know: what opens is our hop (MSG-5).
#[test]
fn the_start_may_be_ourselves() {
    let gossip = Gossip::new();
    let (shop, payer) = (Shop::new(gossip.node(10, 2), vec![]), party(&gossip, 20));
    connect(&payer, &shop);
    assert!(is_answered(&payer, &shop.offer(&[]), &[&shop, &payer]));
}

/// It may be another peer of ours, which only somebody knows who has heard of the channel.
#[test]
fn the_start_may_be_a_channel_that_only_the_application_knows() {
    let gossip = Gossip::new();
    // The wallet's best known peer is the other, and the request comes from the middle.
    let middle = party(&gossip, gossip.node(1, 1));
    let scid = gossip.channel(2, KNOWN);
    let other = party(&gossip, gossip.node(2, 3));
    let ends = [Direction::NodeOne, Direction::NodeTwo].map(|direction| (scid, direction, gossip.end(scid, direction)));
    for (ends, expected) in [(vec![], false), (ends.to_vec(), true)] {
        let (shop, payer) = (Shop::new(10, ends), party(&gossip, 20));
        for peer in [&middle, &other] {
            connect(&shop, peer);
            connect(&payer, peer);
        }
        let offer = shop.offer(&[middle.id]);
        assert_eq!(is_answered(&payer, &offer, &[&shop, &payer, &middle, &other]), expected);
        for peer in [&middle, &other] {
            peer.onions().peer_disconnected(shop.id);
            peer.onions().peer_disconnected(payer.id);
        }
    }
}

/// A question has nobody that brought it: a path that starts at an unknown channel is an error that says so, and the
/// next path is tried (EXC-5).
#[test]
fn a_question_is_not_sent_at_random() {
    let gossip = Gossip::new();
    let shop = Shop::new(10, vec![]);
    let middle = party(&gossip, gossip.node(1, 3));
    connect(&shop, &middle);
    let key = keys(30).get_receive_auth_key();
    let peers = [MessageForwardNode { node_id: middle.id, short_channel_id: None }];
    let issuer = Payee::new([30; 32]);
    let new = issuer.new_offer([1; 16]);
    let secp = Secp256k1::new();
    let router = gossip.compact(30);
    let made = message_paths(&router, id(30), key, &peers, 1, |at| new.path_id(at), &secp).unwrap().remove(0);
    let offer = OfferBuilder::new(new.issuer_id()).description("tea").amount_msat(Msat(9_000)).add_path(made);
    let offer = new.build(offer).unwrap();
    let draft = shop.onions.desk().payer().draft(&offer, NOW, CHAINS).unwrap();
    let payment = draft.start([4; 32], NOW, UnixTime(NOW.0 + 60)).unwrap();
    shop.onions.desk().update(|manager, now| manager.add_payment(payment, now)).unwrap();
    shop.onions.poll();
    assert_eq!(shop.not_sent().len(), 1);
    assert_eq!(deliver(&[&shop, &middle]), 0);
}

type Handler = OffersHandler<Arc<Desk<Clerk>>>;

/// Our desk on an LDK node.
fn desk_on(gossip: &Gossip, number: u8) -> Party<Handler> {
    let clerk = Clerk { ends: vec![], not_sent: Mutex::default() };
    let desk = Arc::new(Desk::new(clerk, manager(number)));
    Party::new(gossip, number, OffersHandler::new(desk, IgnoringMessageHandler {}), vec![])
}

/// Both ends on LDK nodes with LDK's default router, which makes the paths of the offer and of the replies: announced
/// nodes and wallets behind two peers, which are the same or others.
#[test]
fn both_ends_may_have_ldks_default_router() {
    let gossip = Gossip::new();
    let middles = [1, 2, 3].map(|number| party(&gossip, gossip.node(number, 5 - number)));
    gossip.node(10, 2);
    gossip.node(20, 2);
    let mut asked = 0;
    for (issuer, payer) in [(10, 20), (10, 21), (11, 20), (11, 21)] {
        let (issuer, payer) = (desk_on(&gossip, issuer), desk_on(&gossip, payer));
        for middle in &middles[..2] {
            connect(&issuer, middle);
        }
        for middle in &middles[1..] {
            connect(&payer, middle);
        }
        // LDK does not look for a way from peer to peer: it connects to where a path starts.
        connect(&payer, &issuer);
        connect(&payer, &middles[0]);
        connect(&issuer, &middles[2]);
        let all: Vec<&dyn Peer> = vec![&issuer, &payer, &middles[0], &middles[1], &middles[2]];

        let peers: Vec<_> = middles[..2]
            .iter()
            .map(|middle| MessageForwardNode { node_id: middle.id, short_channel_id: None })
            .collect();
        let issuer_keys = keys(if issuer.id == id(10) { 10 } else { 11 });
        let key = issuer_keys.get_receive_auth_key();
        let new = issuer.handler.desk().payee().new_offer([1; 16]);
        let router = gossip.compact(12);
        let paths = message_paths(&router, issuer.id, key, &peers, 3, |at| new.path_id(at), &Secp256k1::new()).unwrap();
        let offer = OfferBuilder::new(new.issuer_id()).description("tea").amount_msat(Msat(9_000));
        let offer = new.build(paths.iter().fold(offer, |offer, path| offer.add_path(path.clone()))).unwrap();
        assert_eq!(paths.len(), if issuer.id == id(10) { 1 } else { 2 });

        // Over each of the paths: the others are found unreachable.
        for (position, path) in paths.iter().enumerate() {
            let desk = payer.handler.desk();
            let draft = desk.payer().draft(&offer, NOW, CHAINS).unwrap();
            asked += 1;
            let payment = draft.start([asked; 32], NOW, UnixTime(NOW.0 + 60)).unwrap();
            let payment = desk.update(|manager, now| manager.add_payment(payment, now)).unwrap();
            let mut sent = desk.poll().send.remove(0);
            for _ in 0..position {
                desk.unreachable(&sent);
                sent = desk.poll().send.remove(0);
            }
            assert_eq!(sent.destination, Destination::Path(path.clone()));
            payer.handler.send(&sent);
            assert!(deliver(&all) >= 2);
            let is_quoted = |payment: &Payment| matches!(payment.state(), State::Quoted(_));
            assert_eq!(desk.look(|manager| manager.payment(payment, is_quoted)), Ok(true));
        }
        for party in all {
            for middle in &middles {
                middle.onions().peer_disconnected(party.id());
            }
        }
    }
}
