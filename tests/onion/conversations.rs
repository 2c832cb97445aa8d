//! The exchange over onion messages: a payer, two nodes that pass messages on, and an issuer, in one process.

use super::sides;
use bolt12::exchange::{
    Action, Destination, Inbound, MessageArrival, Messenger, OffersMessage, OutgoingMessage, PathId, Payee, Payer,
    Payment, Progress, Route, State, Terms,
};
use bolt12::onion::{
    BlindedPathBuilder, Contents, NextHop, OnionMessage, OnionMessageBuilder, PathHop, PaymentConstraints,
    PaymentRelay, Peeled, Refusal,
};
use bolt12::secp256k1::{Keypair, PublicKey};
use bolt12::{
    ChainHash, Direction, ErrorKind, Invoice, InvoiceError, Msat, Offer, OfferBuilder, Preimage, Rule, ShortChannelId,
    UnixTime,
};

use super::messages::{self, NOW, key, path, payinfo};

const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];

/// payer – left – right – issuer: each is connected to its neighbours.
struct Net {
    nodes: Vec<(PublicKey, Messenger)>,
    randomness: u64,
}

const PAYER: usize = 0;
const LEFT: usize = 1;
const RIGHT: usize = 2;
const ISSUER: usize = 3;

fn node_key(node: usize) -> Keypair {
    key(0x70 + node as u8)
}

impl Net {
    fn new() -> Self {
        let nodes = (0..4).map(|node| (node_key(node).public_key(), Messenger::new(node_key(node)))).collect();
        Self { nodes, randomness: 0 }
    }

    fn id(&self, node: usize) -> PublicKey {
        self.nodes[node].0
    }

    fn random(&mut self) -> [u8; 32] {
        self.randomness += 1;
        let mut bytes = [0x77; 32];
        bytes[..8].copy_from_slice(&self.randomness.to_be_bytes());
        bytes
    }

    /// A path to a node that starts at others.
    fn path(&mut self, node: usize, through: &[usize], path_id: PathId) -> bolt12::BlindedPath<'static> {
        let through: Vec<_> = through.iter().map(|node| self.id(*node)).collect();
        let path = self.nodes[node].1.path(&through, path_id).dummy_hops(1);
        path.build(self.random()).unwrap()
    }

    /// Sends a message, and passes it on from peer to peer until it arrives. Says how many hops it took.
    fn send(&mut self, from: usize, outgoing: &OutgoingMessage, through: &[usize], back: &[usize]) -> (Inbound, usize) {
        let ids = |nodes: &[usize]| nodes.iter().map(|node| self.id(*node)).collect::<Vec<_>>();
        let (through, reply_through) = (ids(through), ids(back));
        let route = Route { through: &through, reply_through: &reply_through, ..Route::default() };
        let randomness = self.random();
        let sent = self.nodes[from].1.send(outgoing, &route, randomness).unwrap();
        let (mut at, mut to, mut message, mut hops) = (from, sent.to, sent.message, 0);
        loop {
            let NextHop::NodeId(id) = to else { panic!("{to:?}") };
            let next = self.nodes.iter().position(|node| node.0 == id).unwrap();
            assert_eq!(at.abs_diff(next), 1, "{at} is not connected to {next}");
            hops += 1;
            // What travels is the bytes of message 513.
            let wire = OnionMessage::read(message.into_bytes()).unwrap();
            match self.nodes[next].1.receive(&wire).unwrap() {
                Inbound::Forward(forward) => (at, to, message) = (next, forward.next(), forward.message().unwrap()),
                received => return (received, hops),
            }
        }
    }
}

/// Asks, answers, pays. The issuer signs with `signer`, where it does not sign with the key made for the offer.
fn run(
    net: &mut Net,
    issuer: &Payee,
    offer: &Offer,
    through: &[usize],
    back: &[usize],
    signs_blinded: bool,
) -> Invoice {
    let payer = Payer::new([2; 32]);
    let draft = payer.draft(offer, NOW, CHAINS).unwrap();
    let mut payment: Payment = draft.start(net.random(), NOW, UnixTime(NOW.0 + 600)).unwrap();
    let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!() };

    let (received, _) = net.send(PAYER, &asked, through, back);
    let Inbound::Message { message: incoming, hop_key: signing_key } = received else { panic!("{received:?}") };
    let received = issuer.receive(incoming).unwrap();
    let terms = Terms::new(NOW, CHAINS);
    let accepted = received.accept(&terms).unwrap();
    let preimage = accepted.expected_payment().preimage;
    let unsigned = accepted.invoice(preimage.payment_hash()).add_path(path(2), &payinfo()).build().unwrap();
    // PTH-3
    let invoice = if signs_blinded { unsigned.sign(&signing_key.keypair()) } else { accepted.sign(unsigned) }.unwrap();
    let answer = accepted.answer(invoice).unwrap();
    // MSG-4
    assert_eq!(answer.reply_path_id, None);

    // Only what is not on the way anyway is named: the reply path starts at `back`.
    let (received, _) = net.send(ISSUER, &answer, &[RIGHT], &[]);
    let Inbound::Message { message: incoming, .. } = received else { panic!("{received:?}") };
    assert_eq!(payer.payment_of(&incoming.arrival), Some(payment.id()));
    assert_eq!(payment.receive(incoming, NOW).unwrap(), Progress::Quoted);
    sides::begin(&mut payment, NOW);
    payment.paid(preimage).unwrap();
    let State::Paid(receipt) = payment.state() else { panic!() };
    receipt.proof().build().unwrap().sign(&receipt.keypair().unwrap()).unwrap();
    receipt.invoice().clone()
}

fn own_offer(net: &mut Net, issuer: &Payee, through: &[&[usize]], with_key: bool) -> Offer {
    let new = issuer.new_offer(net.random()[..16].try_into().unwrap());
    let paths: Vec<_> =
        through.iter().enumerate().map(|(at, through)| net.path(ISSUER, through, new.path_id(at as u8))).collect();
    let builder = if with_key { OfferBuilder::new(new.issuer_id()) } else { OfferBuilder::with_paths([]) };
    let builder = paths.into_iter().fold(builder, |builder, path| builder.add_path(path));
    new.build(builder.description("tea").amount_msat(Msat(9_000))).unwrap()
}

/// MSG-2, MSG-3, MSG-5, EXC-2: over two nodes there and back.
#[test]
fn a_request_and_an_invoice_travel_over_two_nodes() {
    let (mut net, issuer) = (Net::new(), Payee::new([1; 32]));
    let offer = own_offer(&mut net, &issuer, &[&[RIGHT]], true);
    let invoice = run(&mut net, &issuer, &offer, &[LEFT], &[LEFT], false);
    assert_eq!(Some(invoice.node_id()), offer.issuer_id());
}

/// PTH-3, IVW-3: without an issuer id, the key at the end of the path that was used signs.
#[test]
fn the_blinded_key_signs_for_an_offer_without_an_issuer_id() {
    let (mut net, issuer) = (Net::new(), Payee::new([1; 32]));
    let offer = own_offer(&mut net, &issuer, &[&[LEFT, RIGHT]], false);
    let invoice = run(&mut net, &issuer, &offer, &[], &[LEFT], true);
    assert_eq!(offer.paths().unwrap().iter().next().unwrap().last_blinded_node_id(), invoice.node_id());
}

/// RQR-7: an offer without paths is asked for at its node, and there only.
#[test]
fn an_offer_without_paths_is_asked_for_directly() {
    let (mut net, issuer) = (Net::new(), Payee::new([1; 32]));
    let new = issuer.new_offer([9; 16]);
    let builder = OfferBuilder::new(net.id(ISSUER)).description("tea").amount_msat(Msat(9_000));
    let offer = new.build(builder).unwrap();
    let payer = Payer::new([2; 32]);
    let draft = payer.draft(&offer, NOW, CHAINS).unwrap();
    let mut payment = draft.start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!() };
    let (received, hops) = net.send(PAYER, &asked, &[LEFT, RIGHT], &[RIGHT, LEFT]);
    assert_eq!(hops, 3);
    let Inbound::Message { message: incoming, .. } = received else { panic!() };
    let _ = issuer.receive(incoming).unwrap();

    // Sent over a path of the same node, it is ignored.
    let other = own_offer(&mut net, &issuer, &[&[RIGHT]], true);
    let path = other.paths().unwrap().iter().next().unwrap().into_owned();
    let probe = OutgoingMessage { destination: bolt12::exchange::Destination::Path(path), ..*asked };
    let (received, _) = net.send(PAYER, &probe, &[LEFT], &[LEFT]);
    let Inbound::Message { message: incoming, .. } = received else { panic!() };
    let refused = issuer.receive(incoming).unwrap_err();
    assert_eq!((refused.error().rule(), refused.answer(), refused.is_cheap()), (Rule::Rqr7, None, true));
}

/// A message to the issuer, over a path of its own that it did not make for offers.
fn over(path: bolt12::BlindedPath<'static>, request: &OutgoingMessage) -> OnionMessage {
    let probe = OutgoingMessage { destination: Destination::Path(path), ..request.clone() };
    Messenger::new(key(9)).send(&probe, &Route::default(), [6; 32]).unwrap().message
}

/// RQR-7, PTH-2: only what came over no path at all came to the node id. Otherwise a path that the node made for
/// something else, such as a payment, would tell that the offer without paths is of the same node.
#[test]
fn a_message_over_any_path_did_not_come_directly() {
    let (peer, node) = (node_key(RIGHT), node_key(ISSUER));
    let issuer = Payee::new([1; 32]);
    let builder = OfferBuilder::new(node.public_key()).description("tea").amount_msat(Msat(9_000));
    let offer = issuer.new_offer([9; 16]).build(builder).unwrap();
    let payer = Payer::new([2; 32]);
    let mut payment = payer.draft(&offer, NOW, CHAINS).unwrap().start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!() };
    let messenger = Messenger::new(node);
    let arrival = |message: &OnionMessage| match messenger.receive(message).unwrap() {
        Inbound::Message { message: incoming, .. } => (incoming.arrival, issuer.receive(incoming).is_ok()),
        other => panic!("{other:?}"),
    };
    let direct = Messenger::new(key(9)).send(&asked, &Route::default(), [6; 32]).unwrap().message;
    assert_eq!(arrival(&direct), (MessageArrival::Direct, true));

    let own = || BlindedPathBuilder::new(node.public_key());
    let with_id = |len: usize| own().path_id(vec![7; len]).build([5; 32]).unwrap();
    assert_eq!(arrival(&over(with_id(32), &asked)), (MessageArrival::Path(PathId([7; 32])), false));
    for len in [0, 31, 33] {
        assert_eq!(arrival(&over(with_id(len), &asked)), (MessageArrival::OtherPath, false), "{len} bytes");
    }
    // However little the hop is told.
    assert_eq!(arrival(&over(own().build([5; 32]).unwrap(), &asked)), (MessageArrival::OtherPath, false));
    assert_eq!(arrival(&over(own().pad_to(0).build([5; 32]).unwrap(), &asked)), (MessageArrival::OtherPath, false));
    let told = PathHop::new(node.public_key()).field(15, b"?");
    assert_eq!(
        arrival(&over(BlindedPathBuilder::new(told).build([5; 32]).unwrap(), &asked)),
        (MessageArrival::OtherPath, false)
    );
    let through_peer = over(own().through(peer.public_key()).build([5; 32]).unwrap(), &asked);
    let Ok(Peeled::Forward(forward)) = through_peer.peel(&peer) else { panic!() };
    assert_eq!(arrival(&forward.message().unwrap()), (MessageArrival::OtherPath, false));

    // The path of an invoice of the same node.
    let constraints = PaymentConstraints { max_cltv_expiry: 9, htlc_minimum_msat: 1 };
    let relay = PaymentRelay { cltv_expiry_delta: 1, fee_proportional_millionths: 0, fee_base_msat: 0 };
    let last = PathHop::new(node.public_key()).payment_constraints(constraints);
    let payment_path = BlindedPathBuilder::new(last.clone()).build([5; 32]).unwrap();
    assert_eq!(messenger.receive(&over(payment_path, &asked)).err(), Some(Refusal::Unusable));
    let first = PathHop::new(peer.public_key()).payment_relay(relay).payment_constraints(constraints);
    let payment_path = BlindedPathBuilder::new(last).through(first).build([5; 32]).unwrap();
    assert_eq!(over(payment_path, &asked).peel(&peer).err(), Some(Refusal::Unusable));
}

/// MSG-5: a reply path may start at whoever answers, which unwraps its own hops.
#[test]
fn a_reply_path_may_start_at_the_issuer() {
    let (mut net, issuer) = (Net::new(), Payee::new([1; 32]));
    let offer = own_offer(&mut net, &issuer, &[&[RIGHT]], true);
    run(&mut net, &issuer, &offer, &[LEFT], &[ISSUER, RIGHT, LEFT], false);
}

/// A request for an offer of the issuer, which has no path.
fn request() -> OutgoingMessage {
    let offer = OfferBuilder::new(node_key(ISSUER).public_key()).description("tea").amount_msat(Msat(9_000));
    let offer = offer.build().unwrap();
    let draft = Payer::new([2; 32]).draft(&offer, NOW, CHAINS).unwrap();
    let mut payment = draft.start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!() };
    *asked
}

fn answer_over(path: bolt12::BlindedPath<'static>) -> OutgoingMessage {
    OutgoingMessage { destination: Destination::Path(path), reply_path_id: None, ..request() }
}

/// Passes a message on from node to node, and says which ones it came over until it arrived.
fn way(net: &Net, sent: bolt12::onion::PeerMessage) -> Vec<usize> {
    let (mut to, mut message, mut way) = (sent.to, sent.message, Vec::new());
    loop {
        let NextHop::NodeId(id) = to else { panic!("{to:?}") };
        let next = net.nodes.iter().position(|node| node.0 == id).unwrap();
        way.push(next);
        match net.nodes[next].1.receive(&message).unwrap() {
            Inbound::Forward(forward) => (to, message) = (forward.next(), forward.message().unwrap()),
            _ => return way,
        }
    }
}

/// MSG-5: hops of our own are taken off first. Our own way leads to where the path starts then, and no further: who
/// asks does not choose whom we connect to.
#[test]
fn the_way_leads_to_where_the_path_starts_for_others() {
    let net = Net::new();
    let id = |node: usize| net.id(node);
    let path = |through: &[usize]| {
        let own = BlindedPathBuilder::new(id(PAYER));
        through.iter().fold(own, |path, node| path.through(id(*node))).build([5; 32]).unwrap()
    };
    let sent = |start: &[usize], through: &[usize]| {
        let through: Vec<_> = through.iter().map(|node| id(*node)).collect();
        let (answer, route) = (answer_over(path(start)), Route { through: &through, ..Route::default() });
        let start = net.nodes[ISSUER].1.start(&answer, None).unwrap();
        let sent = net.nodes[ISSUER].1.send(&answer, &route, [6; 32]).unwrap();
        (start, way(&net, sent))
    };
    let to = |node: usize, over: &[usize]| (NextHop::NodeId(id(node)), over.to_vec());
    for own in [&[][..], &[ISSUER]] {
        let start = |rest: &[usize]| [own, rest].concat();
        assert_eq!(sent(&start(&[]), &[RIGHT, LEFT]), to(PAYER, &[RIGHT, LEFT, PAYER]));
        assert_eq!(sent(&start(&[LEFT]), &[RIGHT]), to(LEFT, &[RIGHT, LEFT, PAYER]));
        // What is behind the start is left out, and so is the start.
        assert_eq!(sent(&start(&[LEFT]), &[RIGHT, LEFT, PAYER]), to(LEFT, &[RIGHT, LEFT, PAYER]));
        assert_eq!(sent(&start(&[LEFT]), &[LEFT, RIGHT]), to(LEFT, &[LEFT, PAYER]));
        assert_eq!(sent(&start(&[LEFT]), &[]), to(LEFT, &[LEFT, PAYER]));
    }
    // A message to a node goes the same way.
    let direct = OutgoingMessage { destination: Destination::Node(id(LEFT)), ..answer_over(path(&[])) };
    let through = [id(RIGHT), id(LEFT), id(PAYER)];
    assert_eq!(net.nodes[ISSUER].1.start(&direct, None), Ok(NextHop::NodeId(id(LEFT))));
    let sent = net.nodes[ISSUER].1.send(&direct, &Route { through: &through, ..Route::default() }, [6; 32]).unwrap();
    assert_eq!(way(&net, sent), [RIGHT, LEFT]);

    // A channel that our own hop names is our own, and the way there needs nobody.
    let scid = ShortChannelId(9);
    let own = PathHop::new(id(ISSUER)).by_channel(scid);
    let answer = answer_over(BlindedPathBuilder::new(id(PAYER)).through(own).build([5; 32]).unwrap());
    let route = Route { through: &[id(RIGHT)], ..Route::default() };
    assert_eq!(net.nodes[ISSUER].1.send(&answer, &route, [6; 32]).unwrap().to, NextHop::Channel(scid));
    // A path that leads to ourselves leads nowhere.
    let back = answer_over(BlindedPathBuilder::own(&node_key(ISSUER)).dummy_hops(2).build([5; 32]).unwrap());
    let error = net.nodes[ISSUER].1.send(&back, &route, [6; 32]).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::OwnPath, Rule::Msg5));
    // Where a path names its start, no route says otherwise.
    let route = Route { introduction: Some(id(RIGHT)), ..Route::default() };
    let sent = net.nodes[ISSUER].1.send(&answer_over(path(&[LEFT])), &route, [6; 32]).unwrap();
    assert_eq!(sent.to, NextHop::NodeId(id(LEFT)));
}

/// Whatever differs between two messages, their keys do, even if the caller's randomness did not.
#[test]
fn randomness_used_twice_makes_other_keys() {
    let (messenger, base) = (Messenger::new(node_key(PAYER)), request());
    let ids: Vec<_> = (1..6).map(|byte| key(byte).public_key()).collect();
    let offer = OfferBuilder::new(ids[0]).description("coffee").amount_msat(Msat(9_000)).build().unwrap();
    let mut payment =
        Payer::new([2; 32]).draft(&offer, NOW, CHAINS).unwrap().start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    let Action::Send(coffee) = payment.poll(NOW).unwrap() else { panic!() };
    let told = InvoiceError::new("no").unwrap();
    let over = |session| BlindedPathBuilder::new(ids[0]).build([session; 32]).unwrap();
    let messages = [
        base.clone(),
        OutgoingMessage { message: coffee.message, ..base.clone() },
        OutgoingMessage { message: OffersMessage::InvoiceError(told), ..base.clone() },
        OutgoingMessage { destination: Destination::Node(ids[1]), ..base.clone() },
        OutgoingMessage { destination: Destination::Path(over(1)), ..base.clone() },
        OutgoingMessage { destination: Destination::Path(over(2)), ..base.clone() },
        OutgoingMessage { reply_path_id: Some(PathId([1; 32])), ..base.clone() },
        OutgoingMessage { reply_path_id: None, ..base.clone() },
    ];
    let by_channel = over(3);
    let by_channel = bolt12::BlindedPath::new(
        bolt12::IntroductionNode::Channel { scid: ShortChannelId(1), direction: Direction::NodeOne },
        by_channel.first_path_key().public_key().unwrap(),
        by_channel.hops().map(|hop| (hop.blinded_node_id.public_key().unwrap(), hop.encrypted_recipient_data)),
    );
    let by_channel = OutgoingMessage { destination: Destination::Path(by_channel.unwrap()), ..base.clone() };
    let route = Route::default;
    let routes = [
        Route { through: &ids[..1], ..route() },
        Route { through: &ids[..2], ..route() },
        Route { through: &ids[1..3], ..route() },
        Route { reply_through: &ids[..1], ..route() },
        Route { through: &ids[..1], reply_through: &ids[..1], ..route() },
        Route { reply_dummy_hops: 0, ..route() },
        Route { reply_dummy_hops: 2, ..route() },
    ];
    let introduced = [ids[0], ids[1]].map(|id| Route { introduction: Some(id), ..route() });

    // The path key, and the onion's ephemeral key.
    let random = [7; 32];
    let keys = |messenger: &Messenger, outgoing: &OutgoingMessage, route: &Route<'_>, random: [u8; 32]| {
        let message = messenger.send(outgoing, route, random).unwrap().message;
        [message.path_key().to_bytes(), *message.packet()[1..].first_chunk().unwrap()]
    };
    let mut seen: Vec<[u8; 33]> = Vec::new();
    seen.extend(messages.iter().map(|message| keys(&messenger, message, &route(), random)[1]));
    seen.extend(routes.iter().flat_map(|route| keys(&messenger, &base, route, random)));
    seen.extend(introduced.iter().map(|route| keys(&messenger, &by_channel, route, random)[1]));
    // Over a whole path, or with the hops left out that are our own.
    let whole = Route { whole_path: true, ..route() };
    seen.push(keys(&messenger, &messages[4], &whole, random)[1]);
    // Messages without contents differ in their type alone.
    #[cfg(feature = "async_payments")]
    for message in [OffersMessage::HeldHtlcAvailable, OffersMessage::ReleaseHeldHtlc] {
        seen.push(keys(&messenger, &OutgoingMessage { message, ..base.clone() }, &route(), random)[1]);
    }
    seen.extend(keys(&Messenger::new(node_key(LEFT)), &base, &route(), random));
    seen.extend(keys(&messenger, &base, &route(), [8; 32]));
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), count);
    // Which is all that they depend on.
    assert_eq!(messenger.send(&base, &route(), random).unwrap(), messenger.send(&base, &route(), random).unwrap());

    let error = messenger.send(&base, &route(), [0; 32]).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::InvalidSecret, Rule::Tlv7));
}

/// What arrives of a request and of an answer: each has keys of its own, and only a request has a reply path.
#[test]
fn a_reply_path_is_sent_where_an_answer_is_wanted() {
    let (messenger, issuer) = (Messenger::new(node_key(PAYER)), node_key(ISSUER));
    let arrives = |outgoing: &OutgoingMessage, route: &Route<'_>| {
        let message = messenger.send(outgoing, route, [7; 32]).unwrap().message;
        let Ok(Peeled::Received(received)) = message.peel(&issuer) else { panic!() };
        assert_eq!(received.contents().unwrap().as_bytes(), outgoing.message.as_bytes());
        (message, received)
    };
    let wanted = request();
    let (message, received) = arrives(&wanted, &Route::default());
    // MSG-2: with one dummy hop if nobody says otherwise.
    let reply_path = received.reply_path().unwrap();
    assert_eq!((reply_path.hops().count(), reply_path.introduction_node()), (2, messenger.node_id().into()));
    let first = reply_path.first_path_key();
    assert_ne!(first, message.path_key());
    assert_ne!(first.to_bytes(), message.packet()[1..34]);
    assert_ne!(message.path_key().to_bytes(), message.packet()[1..34]);
    // It leads back, to the path id that was asked for.
    let back = Messenger::new(issuer).send(&answer_over(reply_path.into_owned()), &Route::default(), [8; 32]).unwrap();
    let Inbound::Message { message: incoming, .. } = messenger.receive(&back.message).unwrap() else { panic!() };
    assert_eq!(incoming.arrival, MessageArrival::Path(wanted.reply_path_id.unwrap()));
    // MSG-4: an answer has none, and says none.
    assert!(incoming.reply_path.is_none());
    let (_, received) = arrives(&OutgoingMessage { reply_path_id: None, ..wanted.clone() }, &Route::default());
    assert!(received.reply_path().is_none() && !received.payload().tlvs().contains(2));

    let through = [node_key(LEFT).public_key()];
    let route = Route { reply_through: &through, reply_dummy_hops: 3, ..Route::default() };
    let (_, received) = arrives(&wanted, &route);
    let reply_path = received.reply_path().unwrap();
    assert_eq!((reply_path.hops().count(), reply_path.introduction_node()), (5, through[0].into()));
    let too_many = Route { reply_dummy_hops: 11, ..Route::default() };
    assert_eq!(messenger.send(&wanted, &too_many, [7; 32]).unwrap_err().kind(), &ErrorKind::TooManyEntries);
}

/// MSG-1: a message without contents is none of ours.
#[test]
fn a_message_of_no_kind_is_dropped() {
    let messenger = Messenger::new(node_key(ISSUER));
    let empty = || OnionMessageBuilder::to_node(messenger.node_id(), Contents::Invoice(b"")).without_contents();
    for builder in [empty(), empty().field(71, b"?"), empty().field(61, b"?")] {
        let message = builder.build([4; 32]).unwrap().message;
        assert!(matches!(message.peel(&node_key(ISSUER)), Ok(Peeled::Received(_))));
        assert_eq!(messenger.receive(&message).err(), Some(Refusal::Unusable));
    }
}

/// Neither what was received nor a key is shown.
#[test]
fn debug_shows_no_contents_and_no_key() {
    let node = node_key(ISSUER);
    let messenger = Messenger::new(node);
    let path = BlindedPathBuilder::new(node.public_key()).path_id([0xab; 32]).build([5; 32]).unwrap();
    let reply = BlindedPathBuilder::new(node.public_key()).path_id([0xab; 32]).build([6; 32]).unwrap();
    let bytes = [0xab; 40];
    let key = |bytes: [u8; 32]| [hex::encode(bytes), format!("{bytes:?}")];
    for contents in [Contents::InvoiceRequest(&bytes), Contents::Invoice(&bytes), Contents::InvoiceError(&bytes)] {
        let message = OnionMessageBuilder::over(&path, contents).reply_path(&reply).build([4; 32]).unwrap().message;
        let received = messenger.receive(&message).unwrap();
        let mut secrets = vec!["abababab".into(), "171, 171".into()];
        if let Inbound::Message { hop_key: signing_key, .. } = &received {
            let Ok(Peeled::Received(again)) = message.peel(&node) else { panic!() };
            assert_eq!(signing_key.keypair(), again.signing_key());
            assert_eq!(signing_key.keypair().public_key(), path.last_blinded_node_id().public_key().unwrap());
            assert_eq!(format!("{signing_key:?}"), "HopKey(..)");
            assert_eq!(signing_key.public_key(), signing_key.keypair().public_key());
            secrets.extend(key(signing_key.keypair().secret_bytes()));
        }
        let text = format!("{received:?}");
        assert!(text.contains("Invoice") && text.contains("Path("), "{text}");
        assert!(!secrets.iter().any(|secret| text.contains(secret)), "{text}");
    }
    let text = format!("{messenger:?}");
    assert!(text.starts_with("Messenger { node_id: ") && text.ends_with(", .. }"), "{text}");
    assert!(!key(node.secret_bytes()).iter().any(|secret| text.contains(secret)), "{text}");
}

/// EXC-5: a path that starts at an unknown channel is an error that says so, and the next path is tried.
#[test]
fn an_unknown_channel_at_the_start_is_a_typed_error() {
    let (mut net, issuer) = (Net::new(), Payee::new([1; 32]));
    let new = issuer.new_offer([9; 16]);
    let builder = net.nodes[ISSUER].1.path(&[net.id(RIGHT)], new.path_id(0));
    let by_channel = builder.introduction_by_channel(ShortChannelId(7), Direction::NodeOne).build([5; 32]).unwrap();
    let second = net.path(ISSUER, &[RIGHT], new.path_id(1));
    let offer = OfferBuilder::new(new.issuer_id()).add_path(by_channel).add_path(second);
    let offer = new.build(offer.description("tea").amount_msat(Msat(9_000))).unwrap();
    let payer = Payer::new([2; 32]);
    let mut payment = payer.draft(&offer, NOW, CHAINS).unwrap().start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();

    let Action::Send(first) = payment.poll(NOW).unwrap() else { panic!() };
    let error = net.nodes[PAYER].1.send(&first, &Route::default(), [6; 32]).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::UnknownIntroduction);
    assert!(matches!(payment.poll(NOW).unwrap(), Action::WaitUntil(_)));
    payment.unreachable(&first.reply_path_id.unwrap(), NOW);
    let Action::Send(second) = payment.poll(NOW).unwrap() else { panic!() };
    let (received, _) = net.send(PAYER, &second, &[LEFT], &[LEFT]);
    assert!(matches!(received, Inbound::Message { .. }));

    // Who knows the channel can use the first path as well.
    let route = Route { introduction: Some(net.id(RIGHT)), through: &[net.id(LEFT)], ..Route::default() };
    let sent = net.nodes[PAYER].1.send(&first, &route, [6; 32]).unwrap();
    assert_eq!(sent.to, NextHop::NodeId(net.id(LEFT)));
}

/// EXC-6, ERR-2: errors travel as well, and suggest what would be accepted.
#[test]
fn an_error_comes_back_over_the_reply_path() {
    let (mut net, issuer, payer) = (Net::new(), Payee::new([1; 32]), Payer::new([2; 32]));
    let offer = own_offer(&mut net, &issuer, &[&[RIGHT]], true);
    let mut payment = payer.draft(&offer, NOW, CHAINS).unwrap().start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!() };
    let (received, _) = net.send(PAYER, &asked, &[LEFT], &[LEFT]);
    let Inbound::Message { message: incoming, .. } = received else { panic!() };
    let answer = issuer.receive(incoming).unwrap().refuse(InvoiceError::new("out of tea").unwrap()).unwrap();
    let (received, _) = net.send(ISSUER, &answer, &[RIGHT], &[]);
    let Inbound::Message { message: incoming, .. } = received else { panic!() };
    assert_eq!(payment.receive(incoming, NOW).unwrap(), Progress::Ended);
    let State::Ended(bolt12::exchange::EndReason::Refused(told)) = payment.state() else { panic!() };
    assert_eq!(told.error().unwrap().to_string(), "out of tea");
}

/// Refunds go the other way.
#[test]
fn a_refund_is_claimed_over_onion_messages() {
    let (mut net, shop, customer) = (Net::new(), Payer::new([1; 32]), Payee::new([2; 32]));
    let new = shop.new_refund([4; 32]);
    let path = net.path(ISSUER, &[RIGHT], new.path_id(0));
    let builder = new.builder("a cup", Msat(5_000)).add_path(path);
    let mut payment = new.publish(builder, NOW).unwrap();
    let refund: bolt12::Refund = payment.refund().unwrap().to_string().parse().unwrap();

    let accepted = customer.claim(&refund, NOW, CHAINS).unwrap();
    let preimage = Preimage([8; 32]);
    let unsigned = accepted.invoice(preimage.payment_hash()).add_path(messages::path(2), &payinfo()).build().unwrap();
    let mut claim = accepted.sign(unsigned, UnixTime(NOW.0 + 600), Default::default()).unwrap();
    let Action::Send(sent) = claim.poll(NOW).unwrap() else { panic!() };
    let (received, _) = net.send(PAYER, &sent, &[LEFT], &[LEFT]);
    let Inbound::Message { message: incoming, .. } = received else { panic!() };
    assert!(incoming.reply_path.is_some());
    assert_eq!(shop.payment_of(&incoming.arrival), Some(payment.id()));
    assert_eq!(payment.receive(incoming, NOW).unwrap(), Progress::Quoted);
    sides::begin(&mut payment, NOW);
    payment.paid(preimage).unwrap();
}
