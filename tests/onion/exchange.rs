//! A payer, two nodes that pass messages on, and an issuer, in one process: a request and an invoice travel as onion
//! messages between peers, in bytes.

use std::collections::VecDeque;

use super::onion::node;
use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::onion::{
    BlindedPathBuilder, Contents, NextHop, OnionMessage, OnionMessageBuilder, Peeled, PeerMessage, Received,
};
use bolt12::secp256k1::{Keypair, PublicKey};
use bolt12::{
    Arrival, BlindedPath, ChainHash, Features, Invoice, InvoiceBuilder, InvoiceContext, InvoiceError, InvoiceRequest,
    InvoiceRequestBuilder, Msat, Offer, OfferBuilder, PayInfo, RequestArrival, RequestContext, SentTo, UnixTime,
};

const NOW: UnixTime = UnixTime(1_800_000_000);
const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];
const OFFER_PATH: [u8; 32] = [0x11; 32];
const REPLY_PATH: [u8; 32] = [0x22; 32];

/// Random bytes, each different.
#[derive(Default)]
struct Random(u8);

impl Random {
    fn next(&mut self) -> [u8; 32] {
        self.0 += 1;
        sha256::Hash::hash(&[self.0]).to_byte_array()
    }
}

/// Nodes that pass on whatever is not for themselves, and who is connected to whom.
struct Network {
    nodes: Vec<Keypair>,
    connections: Vec<(PublicKey, PublicKey)>,
    /// Which wire every message was seen on, with its bytes.
    seen: Vec<(PublicKey, PublicKey, Vec<u8>)>,
}

impl Network {
    /// Nodes in a row, each connected to the next.
    fn row(nodes: &[&Keypair]) -> Self {
        let ids: Vec<PublicKey> = nodes.iter().map(|node| node.public_key()).collect();
        let connections = ids.windows(2).map(|pair| (pair[0], pair[1])).collect();
        Self { nodes: nodes.iter().map(|node| **node).collect(), connections, seen: Vec::new() }
    }

    fn are_connected(&self, a: PublicKey, b: PublicKey) -> bool {
        self.connections.contains(&(a, b)) || self.connections.contains(&(b, a))
    }

    /// Carries a message until it has arrived or nobody can carry it further.
    fn carry(&mut self, from: &Keypair, outgoing: PeerMessage) -> Option<(PublicKey, Received)> {
        let mut on_the_way = VecDeque::from([(from.public_key(), outgoing.to, outgoing.message.into_bytes())]);
        while let Some((from, to, bytes)) = on_the_way.pop_front() {
            let NextHop::NodeId(to) = to else { panic!("nobody here knows channels") };
            if !self.are_connected(from, to) {
                return None;
            }
            self.seen.push((from, to, bytes.clone()));
            let node = *self.nodes.iter().find(|node| node.public_key() == to).unwrap();
            match OnionMessage::read(bytes).unwrap().peel(&node) {
                Ok(Peeled::Received(received)) => return Some((to, received)),
                Ok(Peeled::Forward(forward)) => {
                    on_the_way.push_back((to, forward.next(), forward.message().unwrap().into_bytes()));
                }
                Err(_) => return None,
            }
        }
        None
    }
}

/// What an issuer does with a message: nothing, unless it is a request over the offer's path.
fn issue(offer: &Offer, received: &Received, own_path: BlindedPath<'static>) -> Option<Result<Invoice, InvoiceError>> {
    if received.path_id() != Some(&OFFER_PATH) {
        return None;
    }
    let Some(Contents::InvoiceRequest(bytes)) = received.contents() else { return None };
    let request = InvoiceRequest::try_from(bytes.to_vec()).ok()?;
    let reached_as = received.signing_key().public_key();
    let context = RequestContext {
        offer,
        arrival: RequestArrival::OfferPath(reached_as.into()),
        now: NOW,
        chains: CHAINS,
        rate: None,
        max_amount: None,
    };
    let accepted = match request.accept(&context) {
        Ok(accepted) => accepted,
        Err(error) => return InvoiceError::answering(&error).map(Err),
    };
    let payinfo = PayInfo {
        fee_base_msat: 0,
        fee_proportional_millionths: 0,
        cltv_expiry_delta: 144,
        htlc_minimum_msat: 1,
        htlc_maximum_msat: 1_000_000,
        features: Features::new([]).unwrap(),
    };
    let invoice =
        InvoiceBuilder::new(accepted, NOW, sha256::Hash::hash(&[7; 32])).add_path(own_path, &payinfo).build().unwrap();
    // PTH-3: no issuer id, so the last hop of the path signs.
    Some(Ok(invoice.sign(&received.signing_key()).unwrap()))
}

// PTH-2, PTH-3, MSG-2, MSG-3
#[test]
fn a_request_is_answered_with_an_invoice() {
    let mut random = Random::default();
    let [payer, first, second, issuer] = [1, 2, 3, 4].map(node);
    let mut network = Network::row(&[&payer, &first, &second, &issuer]);

    let offer_path = BlindedPathBuilder::own(&issuer)
        .through(first.public_key())
        .through(second.public_key())
        .path_id(OFFER_PATH)
        .dummy_hops(2)
        .build(random.next())
        .unwrap();
    let offer =
        OfferBuilder::with_paths([offer_path.clone()]).description("tea").amount_msat(Msat(1_000)).build().unwrap();

    // The payer, who is connected to the introduction node and known to nobody else.
    let path = offer.paths().unwrap().iter().next().unwrap();
    let usable = offer.usable(NOW, CHAINS).unwrap();
    let payer_key = node(9);
    let request = InvoiceRequestBuilder::new(usable, payer_key.public_key(), [3; 16])
        .payer_note("hello")
        .build()
        .unwrap()
        .sign(&payer_key)
        .unwrap();
    let reply_path = BlindedPathBuilder::own(&payer)
        .through(first.public_key())
        .path_id(REPLY_PATH)
        .dummy_hops(1)
        .build(random.next())
        .unwrap();
    let outgoing = OnionMessageBuilder::over(&path, Contents::InvoiceRequest(request.as_bytes()))
        .sender(&payer)
        .reply_path(&reply_path)
        .build(random.next())
        .unwrap();
    let (reached, received) = network.carry(&payer, outgoing).unwrap();
    assert_eq!(reached, issuer.public_key());
    assert_eq!(received.contents(), Some(Contents::InvoiceRequest(request.as_bytes())));

    let own_path = BlindedPathBuilder::new(issuer.public_key()).build(random.next()).unwrap();
    let invoice = issue(&offer, &received, own_path).unwrap().unwrap();
    // The introduction node of the reply path is not the issuer's peer: it sends through its own.
    let answer_path = received.reply_path().unwrap();
    let direct = OnionMessageBuilder::over(&answer_path, Contents::Invoice(invoice.as_bytes())).build(random.next());
    assert!(network.carry(&issuer, direct.unwrap()).is_none());
    let outgoing = OnionMessageBuilder::over(&answer_path, Contents::Invoice(invoice.as_bytes()))
        .through(second.public_key())
        .sender(&issuer)
        .build(random.next())
        .unwrap();
    let (reached, answer) = network.carry(&issuer, outgoing).unwrap();
    assert_eq!(reached, payer.public_key());
    assert_eq!(answer.path_id(), Some(&REPLY_PATH[..]));
    assert!(answer.reply_path().is_none(), "MSG-4");
    let Some(Contents::Invoice(bytes)) = answer.contents() else { panic!() };
    let invoice = Invoice::try_from(bytes.to_vec()).unwrap();
    let context = InvoiceContext {
        request: &request,
        sent_to: SentTo::Path(path.last_blinded_node_id()),
        arrival: Arrival::OwnPath,
        now: NOW,
        chains: CHAINS,
        max_amount: Msat(1_000),
    };
    let payable = invoice.check(&context).unwrap();
    assert_eq!(payable.amount(), Msat(1_000));

    // Nobody on a wire sees what is in it, and a message looks the same on each.
    let (asked, answered) = network.seen.split_at(3);
    for legs in [asked, answered] {
        assert!(legs.iter().all(|(_, _, bytes)| bytes.len() == legs[0].2.len()));
        assert!(legs.iter().all(|(_, _, bytes)| !bytes.windows(5).any(|window| window == b"hello")));
    }
    assert_eq!(network.seen.len(), 6);
}

/// PTH-2: what does not come over the offer's path is not answered at all.
#[test]
fn a_request_that_comes_another_way_is_ignored() {
    let mut random = Random::default();
    let [payer, issuer] = [1, 4].map(node);
    let mut network = Network::row(&[&payer, &issuer]);
    let path = BlindedPathBuilder::new(issuer.public_key()).path_id(OFFER_PATH).build(random.next()).unwrap();
    let offer = OfferBuilder::with_paths([path]).build().unwrap();
    let request = InvoiceRequestBuilder::new(offer.usable(NOW, CHAINS).unwrap(), node(9).public_key(), [3; 16])
        .amount(Msat(5))
        .build()
        .unwrap()
        .sign(&node(9))
        .unwrap();
    let own_path = BlindedPathBuilder::new(issuer.public_key()).build(random.next()).unwrap();
    let contents = Contents::InvoiceRequest(request.as_bytes());
    let other = BlindedPathBuilder::new(issuer.public_key()).path_id(REPLY_PATH).build(random.next()).unwrap();
    let ways =
        [OnionMessageBuilder::to_node(issuer.public_key(), contents), OnionMessageBuilder::over(&other, contents)];
    for way in ways {
        let (_, received) = network.carry(&payer, way.build(random.next()).unwrap()).unwrap();
        assert_eq!(received.contents(), Some(contents));
        assert!(issue(&offer, &received, own_path.clone()).is_none());
    }
    let over_path = offer.paths().unwrap().iter().next().unwrap();
    let outgoing = OnionMessageBuilder::over(&over_path, contents).build(random.next()).unwrap();
    let (_, received) = network.carry(&payer, outgoing).unwrap();
    assert!(issue(&offer, &received, own_path).unwrap().is_ok());
}

/// MSG-3: an error takes the same way back.
#[test]
fn a_request_that_is_refused_is_answered_with_an_error() {
    let mut random = Random::default();
    let [payer, issuer] = [1, 4].map(node);
    let mut network = Network::row(&[&payer, &issuer]);
    let path = BlindedPathBuilder::new(issuer.public_key()).path_id(OFFER_PATH).build(random.next()).unwrap();
    let expired = OfferBuilder::with_paths([path]).absolute_expiry(UnixTime(NOW.0 - 1)).build().unwrap();
    let usable = expired.usable(UnixTime(NOW.0 - 2), CHAINS).unwrap();
    let request = InvoiceRequestBuilder::new(usable, node(9).public_key(), [3; 16]).amount(Msat(5)).build().unwrap();
    let request = request.sign(&node(9)).unwrap();
    let reply_path = BlindedPathBuilder::new(payer.public_key())
        .through(issuer.public_key())
        .path_id(REPLY_PATH)
        .build(random.next())
        .unwrap();
    let over_path = expired.paths().unwrap().iter().next().unwrap();
    let outgoing = OnionMessageBuilder::over(&over_path, Contents::InvoiceRequest(request.as_bytes()))
        .reply_path(&reply_path)
        .build(random.next())
        .unwrap();
    let (_, received) = network.carry(&payer, outgoing).unwrap();
    let own_path = BlindedPathBuilder::new(issuer.public_key()).build(random.next()).unwrap();
    let error = issue(&expired, &received, own_path).unwrap().unwrap_err();
    // The reply path starts at the issuer itself (MSG-5).
    let answer_path = received.reply_path().unwrap();
    let outgoing = OnionMessageBuilder::over(&answer_path, Contents::InvoiceError(error.as_bytes()))
        .sender(&issuer)
        .build(random.next())
        .unwrap();
    assert_eq!(outgoing.to, NextHop::NodeId(payer.public_key()));
    let (_, answer) = network.carry(&issuer, outgoing).unwrap();
    assert_eq!(answer.path_id(), Some(&REPLY_PATH[..]));
    assert_eq!(answer.contents(), Some(Contents::InvoiceError(error.as_bytes())));
}
