//! Our payer and issuer on LDK nodes: their messages go through the nodes' own `OnionMessenger`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::exchange::{
    Accepted, EndReason, Event, Limit, ManagerLimits, MaxAmount, OffersManager, OutgoingMessage, Payee, Payer, Payment,
    PaymentId, ReceivedRequest, Refused, Save, State, Terms,
};
use bolt12::lightning::{Application, Desk, Limits, OffersHandler, OnionPeers, ldk, message_paths, payment_paths};
use bolt12::secp256k1::{Keypair, Secp256k1};
use bolt12::{
    BlindedPath, ChainHash, Invoice, MinorUnits, Msat, Offer, OfferAmount, OfferBuilder, Rate, Refund, UnixTime,
};
use ldk::blinded_path::payment::{Bolt12RefundContext, PaymentConstraints, PaymentContext, UnauthenticatedReceiveTlvs};
use ldk::ln::channelmanager::{PaymentId as TheirId, Retry};
use ldk::ln::peer_handler::{IgnoringMessageHandler, MessageHandler, PeerManager};
use ldk::offers::nonce::Nonce;
use ldk::routing::router::RouteParametersConfig;
use ldk::sign::{EntropySource, KeysManager, NodeSigner};

use crate::node::{Manager, Messenger, Node, Parts, Reach, Roads, eventually, now};
use crate::wallet;

const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];

/// An application on an LDK node.
struct Clerk {
    issuer: Payee,
    keys: Arc<KeysManager>,
    manager: Arc<Manager>,
    roads: Arc<Roads>,
    seen: Mutex<Vec<String>>,
}

impl Clerk {
    /// An invoice that the node would recognise a payment of.
    fn invoice(&self, accepted: &Accepted) -> Invoice {
        let secp = Secp256k1::new();
        let (hash, payment_secret) =
            self.manager.create_inbound_payment(Some(accepted.amount().0), 3_600, None).unwrap();
        let tlvs = UnauthenticatedReceiveTlvs {
            payment_secret,
            payment_constraints: PaymentConstraints { max_cltv_expiry: 1_000_000, htlc_minimum_msat: 1 },
            payment_context: PaymentContext::Bolt12Refund(Bolt12RefundContext {}),
        };
        let tlvs = tlvs.authenticate(Nonce::from_entropy_source(&*self.keys), &self.keys.get_expanded_key());
        let node = self.manager.get_our_node_id();
        let mut invoice = accepted.invoice(sha256::Hash::from_byte_array(hash.0));
        for (path, payinfo) in payment_paths(&*self.roads, node, vec![], tlvs, accepted.amount(), &secp).unwrap() {
            invoice = invoice.add_path(path, &payinfo);
        }
        let unsigned = invoice.build().unwrap();
        match accepted.node_id() == node {
            true => unsigned.sign(&Keypair::from_secret_key(&secp, &self.keys.get_node_secret_key())).unwrap(),
            false => accepted.sign(unsigned).unwrap(),
        }
    }

    fn note(&self, line: String) {
        self.seen.lock().unwrap().push(line);
    }
}

impl Application for Clerk {
    fn now(&self) -> UnixTime {
        UnixTime(now().as_secs())
    }

    fn invoice_request(&self, request: ReceivedRequest, _: Option<&Keypair>) -> Option<OutgoingMessage> {
        let usd = request.currency().map(|usd| Rate::per_bitcoin(usd, "100000.00").unwrap());
        let terms = Terms { rate: usd, max_amount: MaxAmount::TimesPrice(5), ..Terms::new(self.now(), CHAINS) };
        match request.accept(&terms) {
            Ok(accepted) => {
                let invoice = self.invoice(&accepted);
                accepted.answer(invoice).ok()
            }
            Err(refused) => refused.answer().cloned(),
        }
    }

    fn save(&self, _: &Save) -> bool {
        true
    }

    fn event(&self, _: Event) {}

    fn refused(&self, refused: &Refused) {
        self.note(format!("{:#}", refused.error()));
    }

    fn not_sent(&self, _: &OutgoingMessage, why: &dyn std::error::Error) {
        self.note(why.to_string());
    }
}

type Handler = OffersHandler<Arc<Desk<Clerk>>, Arc<Manager>>;
type OurNode = Node<Handler>;

fn desk(parts: &Parts, seed: u8) -> Arc<Desk<Clerk>> {
    let issuer = Payee::new([seed; 32]);
    let clerk = Clerk {
        issuer: issuer.clone(),
        keys: Arc::clone(&parts.keys),
        manager: Arc::clone(&parts.manager),
        roads: Arc::clone(&parts.roads),
        seen: Mutex::default(),
    };
    let manager = OffersManager::new(Payer::new([seed; 32]), issuer, ManagerLimits::default());
    Arc::new(Desk::new(clerk, manager))
}

/// An LDK node whose offers messages go to our desk first, and then to its own manager.
async fn start(seed: u8, reach: Reach) -> OurNode {
    let parts = Parts::new(seed, reach);
    let handler = Arc::new(OffersHandler::new(desk(&parts, seed), Arc::clone(&parts.manager)));
    Node::with_handler(parts, handler).await
}

impl OurNode {
    fn clerk(&self) -> &Clerk {
        self.handler.desk().application()
    }

    fn saw(&self, part: &str) -> bool {
        self.clerk().seen.lock().unwrap().iter().any(|line| line.contains(part))
    }

    /// Paths to this node that its router makes.
    fn paths(&self, path_id: impl Fn(u8) -> bolt12::exchange::PathId) -> Vec<BlindedPath<'static>> {
        let peers = self.peers.list_peers().into_iter().map(|peer| ldk::blinded_path::message::MessageForwardNode {
            node_id: peer.counterparty_node_id,
            short_channel_id: None,
        });
        let peers: Vec<_> = peers.collect();
        let key = self.keys.get_receive_auth_key();
        message_paths(&*self.roads, self.id, key, &peers, 2, path_id, &Secp256k1::new()).unwrap()
    }

    fn offer(&self, amount: OfferAmount) -> Offer {
        let nonce = self.keys.get_secure_random_bytes()[..16].try_into().unwrap();
        let new = self.clerk().issuer.new_offer(nonce);
        let offer = OfferBuilder::new(new.issuer_id()).description("tea").amount(amount);
        let offer = self.paths(|at| new.path_id(at)).into_iter().fold(offer, |offer, path| offer.add_path(path));
        new.build(offer).unwrap()
    }

    /// Begins to pay.
    fn pay(&self, offer: &Offer) -> PaymentId {
        let now = self.clerk().now();
        let draft = self.handler.desk().payer().draft(offer, now, CHAINS).unwrap();
        let draft = draft.limit(Limit::AtMost(Msat(5_000_000)));
        let payment = draft.start(self.keys.get_secure_random_bytes(), now, UnixTime(now.0 + 60)).unwrap();
        let id = self.handler.desk().update(|manager, now| manager.add_payment(payment, now)).unwrap();
        self.handler.poll();
        self.peers.process_events();
        id
    }

    fn look<R>(&self, id: PaymentId, look: impl FnOnce(&Payment) -> R) -> R {
        self.handler.desk().look(|manager| manager.payment(id, look)).unwrap()
    }

    async fn quote(&self, id: PaymentId) -> Msat {
        eventually("a quote", || {
            self.look(id, |payment| match payment.state() {
                State::Quoted(quote) => Some(quote.amount()),
                State::Ended(end) => panic!("{end:?}"),
                _ => None,
            })
        })
        .await
    }

    async fn refusal(&self, id: PaymentId) -> String {
        eventually("an error", || {
            self.look(id, |payment| match payment.state() {
                State::Ended(EndReason::Refused(told)) => Some(told.error().unwrap().to_string()),
                _ => None,
            })
        })
        .await
    }
}

fn bitcoin(msat: u64) -> OfferAmount {
    OfferAmount::Bitcoin(Msat(msat))
}

/// A payer without a node, and an LDK node, ask an issuer on an LDK node. Its router makes all paths.
#[tokio::test]
async fn an_issuer_on_an_ldk_node() {
    let ours = start(60, Reach::Announced).await;
    let offer = ours.offer(bitcoin(9_000));
    let invoice = wallet(&[&offer.to_string(), "--peer", &ours.peer()]).await.unwrap();
    assert_eq!((invoice.amount(), Some(invoice.node_id())), (Msat(9_000), offer.issuer_id()));

    let theirs = Node::start(61, Reach::Announced).await;
    theirs.connect(ours.id, ours.address).await;
    let offer = ldk::offers::offer::Offer::try_from(&offer).unwrap();
    theirs.manager.pay_for_offer(&offer, None, TheirId([1; 32]), Default::default()).unwrap();
    assert_eq!(theirs.invoice().await.amount_msats(), 9_000);
}

/// Without a path, the node's own key signs.
#[tokio::test]
async fn an_issuer_under_the_node_id_of_an_ldk_node() {
    let ours = start(62, Reach::Announced).await;
    let new = ours.clerk().issuer.new_offer([1; 16]);
    let offer = new.build(OfferBuilder::new(ours.id).description("tea").amount_msat(Msat(9_000))).unwrap();
    let invoice = wallet(&[&offer.to_string(), "--peer", &ours.peer()]).await.unwrap();
    assert_eq!(invoice.node_id(), ours.id);
}

/// Behind another node, where the path starts; the node's router knows only peers.
#[tokio::test]
async fn an_issuer_on_an_ldk_node_behind_another() {
    let (ours, middle) = (start(63, Reach::ThroughPeers).await, Node::start(64, Reach::Announced).await);
    ours.connect(middle.id, middle.address).await;
    let offer = ours.offer(bitcoin(9_000));
    wallet(&[&offer.to_string(), "--peer", &middle.peer()]).await.unwrap();
}

/// What is not for our desk goes on to the node's manager.
#[tokio::test]
async fn the_nodes_own_offers_still_work() {
    let ours = start(65, Reach::Announced).await;
    let own = ours.manager.create_offer_builder().unwrap().amount_msats(4_000).build().unwrap();
    let invoice = wallet(&[&own.to_string(), "--peer", &ours.peer()]).await.unwrap();
    assert_eq!(invoice.amount(), Msat(4_000));

    // And its payments: the context in their reply paths is LDK's own.
    let theirs = Node::start(66, Reach::Announced).await;
    ours.connect(theirs.id, theirs.address).await;
    let offer = theirs.manager.create_offer_builder().unwrap().amount_msats(3_000).build().unwrap();
    ours.manager.pay_for_offer(&offer, None, TheirId([1; 32]), Default::default()).unwrap();
    assert_eq!(ours.invoice().await.amount_msats(), 3_000);
}

#[tokio::test]
async fn a_payer_on_an_ldk_node() {
    let ours = start(67, Reach::Announced).await;
    // An LDK node issues.
    let theirs = Node::start(68, Reach::Announced).await;
    ours.connect(theirs.id, theirs.address).await;
    let offer = theirs.manager.create_offer_builder().unwrap().amount_msats(9_000).build().unwrap();
    let id = ours.pay(&Offer::try_from(&offer).unwrap());
    assert_eq!(ours.quote(id).await, Msat(9_000));

    // And the shop without a node, in each of its ways.
    for way in [&[][..], &["--hide"], &["--hide-key"]] {
        let open = crate::shop(&[&["--price", "25sat"], way].concat()).await;
        ours.connect(open.node_id, open.address).await;
        let id = ours.pay(&open.offer);
        assert_eq!(ours.quote(id).await, Msat(25_000));
    }
}

/// Both ends on LDK nodes, and one between them.
#[tokio::test]
async fn a_payer_and_an_issuer_on_ldk_nodes() {
    let middle = Node::start(69, Reach::Announced).await;
    let (payer, issuer) = (start(70, Reach::ThroughPeers).await, start(71, Reach::ThroughPeers).await);
    payer.connect(middle.id, middle.address).await;
    issuer.connect(middle.id, middle.address).await;
    let id = payer.pay(&issuer.offer(bitcoin(9_000)));
    assert_eq!(payer.quote(id).await, Msat(9_000));
}

/// A message that comes by the wrong way is nobody's business (RQR-7): neither answered, nor passed to an answer.
#[tokio::test]
async fn a_probe_at_the_node_is_not_answered() {
    let ours = start(72, Reach::Announced).await;
    let offer = ours.offer(bitcoin(9_000));
    // The same fields without the path: the MAC does not fit.
    let probe = OfferBuilder::new(ours.id)
        .metadata(offer.metadata().unwrap())
        .description("tea")
        .amount_msat(Msat(9_000))
        .build()
        .unwrap();
    let failure = wallet(&[&probe.to_string(), "--peer", &ours.peer(), "--deadline", "1"]).await.unwrap_err();
    assert_eq!(failure.code(), "deadline");
    assert!(ours.saw("RQR-6"));
}

#[tokio::test]
async fn an_error_of_an_ldk_node_ends_a_payment_on_another() {
    let (ours, theirs) = (start(73, Reach::Announced).await, Node::start(74, Reach::Announced).await);
    ours.connect(theirs.id, theirs.address).await;
    let offer = theirs.manager.create_offer_builder().unwrap().amount_msats(9_000).build().unwrap();
    theirs.roads.broke.store(true, std::sync::atomic::Ordering::Relaxed);
    let id = ours.pay(&Offer::try_from(&offer).unwrap());
    assert_eq!(ours.refusal(id).await, "MissingPaths");
}

/// And ours, between LDK nodes, which write and read the length in front.
#[tokio::test]
async fn an_error_of_ours_between_ldk_nodes() {
    let (issuer, payer) = (start(75, Reach::Announced).await, Node::start(76, Reach::Announced).await);
    payer.connect(issuer.id, issuer.address).await;
    let offer = ldk::offers::offer::Offer::try_from(&issuer.offer(bitcoin(9_000))).unwrap();
    payer.manager.pay_for_offer(&offer, Some(900_000), TheirId([1; 32]), Default::default()).unwrap();
    let failed = || {
        let is_failure = |event: &ldk::events::Event| matches!(event, ldk::events::Event::PaymentFailed { .. });
        payer.events().iter().any(is_failure).then_some(())
    };
    eventually("a failure", failed).await;
    assert!(payer.log.has("Received invoice_error: "));
}

/// EXC-5: the first path starts at a channel that nobody here knows, so the second is tried at once.
#[tokio::test]
async fn the_next_path_is_tried_when_one_is_unreachable() {
    let ours = start(81, Reach::Announced).await;
    let new = ours.clerk().issuer.new_offer([1; 16]);
    let lost = |at: u8| {
        let path = bolt12::onion::BlindedPathBuilder::new(ours.id);
        let path = path.introduction_by_channel(bolt12::ShortChannelId(7), bolt12::Direction::NodeOne);
        path.path_id(new.path_id(at).0).build([3 + at; 32]).unwrap()
    };
    let good = ours.paths(|at| new.path_id(at + 3)).remove(0);
    let offer = OfferBuilder::new(new.issuer_id()).description("tea").amount(bitcoin(9_000));
    let offer = (0..3).map(lost).fold(offer, OfferBuilder::add_path);
    let offer = new.build(offer.add_path(good)).unwrap();
    // Whoever waited for an answer over each of them would still be at the third.
    wallet(&[&offer.to_string(), "--peer", &ours.peer(), "--deadline", "25"]).await.unwrap();
}

/// LDK does not handle prices in dollars: that is told, and nothing is sent.
#[tokio::test]
async fn a_price_in_dollars_is_refused_by_name() {
    let ours = start(77, Reach::Announced).await;
    let open = crate::shop(&[]).await;
    ours.connect(open.node_id, open.address).await;
    ours.pay(&open.offer);
    assert!(ours.saw("does not handle offers in USD"));
}

#[tokio::test]
async fn refunds_both_ways() {
    // Of an LDK node, claimed by ours.
    let (ours, theirs) = (start(78, Reach::Announced).await, Node::start(79, Reach::Announced).await);
    ours.connect(theirs.id, theirs.address).await;
    let (expiry, config) = (now() + Duration::from_secs(600), RouteParametersConfig::default());
    let refund = theirs.manager.create_refund_builder(5_000, expiry, TheirId([2; 32]), Retry::Attempts(0), config);
    let refund = Refund::try_from(&refund.unwrap().build().unwrap()).unwrap();
    let now = ours.clerk().now();
    let accepted = ours.clerk().issuer.claim(&refund, now, CHAINS).unwrap();
    let expected = accepted.expected_payment();
    let path = ours.paths(|_| bolt12::exchange::PathId([7; 32])).remove(0);
    let payinfo = bolt12::PayInfo::new(0, 0, 80, 1, 1_000_000);
    let invoice = accepted.invoice(expected.payment_hash()).add_path(path, &payinfo).build().unwrap();
    let claim = accepted.sign(invoice, UnixTime(now.0 + 60), Default::default()).unwrap();
    ours.handler.desk().update(|manager, now| manager.add_claim(claim, now)).unwrap();
    ours.handler.poll();
    assert_eq!(theirs.invoice().await.amount_msats(), 5_000);

    // Of ours, claimed by the LDK node.
    let new = ours.handler.desk().payer().new_refund([3; 32]);
    let path = ours.paths(|at| new.path_id(at)).remove(0);
    let builder = new.builder("a cup", Msat(6_000)).add_path(path);
    let payment = new.publish(builder, now).unwrap();
    let refund = ldk::offers::refund::Refund::try_from(payment.refund().unwrap()).unwrap();
    let id = ours.handler.desk().update(|manager, now| manager.add_payment(payment, now)).unwrap();
    theirs.manager.request_refund_payment(&refund).unwrap();
    assert_eq!(ours.quote(id).await, Msat(6_000));
}

/// This crate's onions in front of a node's own messenger: prices in dollars, and the node's own offers too.
#[tokio::test]
async fn both_kinds_of_onions_on_one_node() {
    let inner = Node::start(80, Reach::Announced).await;
    let parts = Parts {
        keys: Arc::clone(&inner.keys),
        manager: Arc::clone(&inner.manager),
        roads: Arc::clone(&inner.roads),
        log: Arc::clone(&inner.log),
    };
    let desk = desk(&parts, 80);
    let key = Keypair::from_secret_key(&Secp256k1::new(), &parts.keys.get_node_secret_key());
    type Front = OnionPeers<Arc<Desk<Clerk>>, Arc<KeysManager>, Arc<Messenger<Manager>>>;
    let messenger = Arc::clone(&inner.messenger);
    let front: Arc<Front> =
        Arc::new(OnionPeers::new(key, Arc::clone(&desk), Arc::clone(&parts.keys), messenger, Limits::default()));
    let handlers = MessageHandler {
        chan_handler: Arc::clone(&parts.manager),
        route_handler: IgnoringMessageHandler {},
        onion_message_handler: Arc::clone(&front),
        custom_message_handler: IgnoringMessageHandler {},
        send_only_message_handler: IgnoringMessageHandler {},
    };
    let keys = Arc::clone(&parts.keys);
    let peers = PeerManager::new(handlers, 1, &[7; 32], Arc::clone(&parts.log), keys);
    let peers = Arc::new(peers);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = tokio::spawn(async move {
        loop {
            let stream = listener.accept().await.unwrap().0.into_std().unwrap();
            tokio::spawn(lightning_net_tokio::setup_inbound(Arc::clone(&peers), stream));
        }
    });

    let new = desk.payee().new_offer([5; 16]);
    let path = front.messenger().path(&[], new.path_id(0)).build([6; 32]).unwrap();
    let price = OfferAmount::Currency { currency: "USD".parse().unwrap(), amount: MinorUnits(350) };
    let offer = OfferBuilder::new(new.issuer_id()).description("tea").amount(price).add_path(path);
    let offer = new.build(offer).unwrap();
    let peer = format!("{}@{address}", inner.id);
    let invoice = wallet(&[&offer.to_string(), "--peer", &peer, "--rate", "100000"]).await.unwrap();
    assert_eq!(invoice.amount(), Msat(3_500_000));

    let own = parts.manager.create_offer_builder().unwrap().amount_msats(4_000).build().unwrap();
    let invoice = wallet(&[&own.to_string(), "--peer", &peer]).await.unwrap();
    assert_eq!(invoice.amount(), Msat(4_000));
    accepting.abort();
}
