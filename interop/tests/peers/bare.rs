//! Without a node on our side: the wallet and the shop of the examples, against LDK nodes.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bolt12::lightning::ldk;
use bolt12::onion::{HopData, Htlc, NextHop, PaymentStep, Unblinded};
use bolt12::secp256k1::{Keypair, Secp256k1};
use bolt12::{Invoice, Msat, Offer, PayInfo, Refund, ShortChannelId};
use ldk::ln::channelmanager::{OptionalOfferPaymentParams, PaymentId, Retry};
use ldk::offers::offer::{Amount, Quantity};
use ldk::onion_message::messenger::NullMessageRouter;
use ldk::routing::router::RouteParametersConfig;

use crate::node::{Node, Reach, eventually, now};
use crate::{fetch, wallet};

/// An offer of an LDK node, as its text.
fn text(offer: &ldk::offers::offer::Offer) -> String {
    offer.to_string()
}

// Our payer, an LDK node that issues.

#[tokio::test]
async fn an_ldk_node_issues_over_a_path() {
    let node = Node::start(1, Reach::Announced).await;
    let offer = node.manager.create_offer_builder().unwrap().amount_msats(9_000).build().unwrap();
    assert_eq!(offer.paths().len(), 1);
    let invoice = wallet(&[&text(&offer), "--peer", &node.peer(), "--note", "thank you"]).await.unwrap();
    assert_eq!(invoice.amount(), Msat(9_000));
    assert_eq!(Some(invoice.node_id()), offer.issuer_signing_pubkey());
}

#[tokio::test]
async fn an_ldk_node_issues_under_its_node_id() {
    let node = Node::start(2, Reach::Announced).await;
    let offer = node.manager.create_offer_builder_using_router(&NullMessageRouter {}).unwrap();
    let offer = offer.amount_msats(9_000).build().unwrap();
    assert!(offer.paths().is_empty());
    let invoice = wallet(&[&text(&offer), "--peer", &node.peer()]).await.unwrap();
    assert_eq!(invoice.node_id(), node.id);
}

#[tokio::test]
async fn an_ldk_node_issues_for_a_quantity_and_an_amount() {
    let node = Node::start(3, Reach::Announced).await;
    let offer = node.manager.create_offer_builder().unwrap().amount_msats(9_000);
    let offer = offer.supported_quantity(Quantity::Unbounded).build().unwrap();
    let invoice = wallet(&[&text(&offer), "--peer", &node.peer(), "--quantity", "3"]).await.unwrap();
    assert_eq!(invoice.amount(), Msat(27_000));

    let offer = node.manager.create_offer_builder().unwrap().build().unwrap();
    let invoice = wallet(&[&text(&offer), "--peer", &node.peer(), "--amount", "7sat"]).await.unwrap();
    assert_eq!(invoice.amount(), Msat(7_000));
    let missing = wallet(&[&text(&offer), "--peer", &node.peer()]).await.unwrap_err();
    assert_eq!(missing.code(), "misuse");
}

/// The offer's path starts at the node in between, and so does our reply path.
#[tokio::test]
async fn an_ldk_node_issues_behind_another() {
    let (issuer, middle) = (Node::start(4, Reach::ThroughPeers).await, Node::start(5, Reach::Announced).await);
    issuer.connect(middle.id, middle.address).await;
    let offer = issuer.manager.create_offer_builder().unwrap().amount_msats(9_000).build().unwrap();
    let ours: Offer = text(&offer).parse().unwrap();
    let start = ours.paths().unwrap().iter().next().unwrap().introduction_node();
    assert_eq!(start, middle.id.into());
    wallet(&[&text(&offer), "--peer", &middle.peer()]).await.unwrap();
}

// Our issuer, an LDK node that pays.

/// Lets an LDK node ask the shop for an invoice, which LDK checks.
async fn pay(
    shop: &[&str],
    seed: u8,
    amount: Option<u64>,
    quantity: Option<u64>,
) -> ldk::offers::invoice::Bolt12Invoice {
    let open = crate::shop(shop).await;
    let node = Node::start(seed, Reach::Announced).await;
    node.connect(open.node_id, open.address).await;
    let offer = ldk::offers::offer::Offer::try_from(&open.offer).unwrap();
    ask(&node, &offer, amount, quantity);
    let invoice = node.invoice().await;
    // What LDK would pay is an invoice to us as well.
    assert_eq!(Invoice::try_from(&invoice).unwrap().amount().0, invoice.amount_msats());
    invoice
}

fn ask(node: &Node, offer: &ldk::offers::offer::Offer, amount: Option<u64>, quantity: Option<u64>) {
    let params = OptionalOfferPaymentParams { payer_note: Some("for you".into()), ..Default::default() };
    let id = PaymentId([7; 32]);
    match quantity {
        Some(quantity) => node.manager.pay_for_offer_with_quantity(offer, amount, id, params, quantity).unwrap(),
        None => node.manager.pay_for_offer(offer, amount, id, params).unwrap(),
    }
}

#[tokio::test]
async fn an_ldk_node_pays_an_offer_with_a_node_id() {
    let invoice = pay(&["--price", "25sat"], 10, None, None).await;
    assert_eq!(invoice.amount_msats(), 25_000);
    assert_eq!(invoice.amount(), Some(Amount::Bitcoin { amount_msats: 25_000 }));
    assert!(invoice.payer_note().unwrap().0.contains("for you"));
}

#[tokio::test]
async fn an_ldk_node_pays_an_offer_with_a_path_and_a_key_of_its_own() {
    let invoice = pay(&["--price", "25sat", "--hide"], 11, None, None).await;
    assert_eq!(Some(invoice.signing_pubkey()), invoice.issuer_signing_pubkey());
}

#[tokio::test]
async fn an_ldk_node_pays_an_offer_without_an_issuer_id() {
    let invoice = pay(&["--price", "25sat", "--hide-key"], 12, None, None).await;
    assert_eq!(invoice.issuer_signing_pubkey(), None);
}

#[tokio::test]
async fn an_ldk_node_pays_for_a_quantity() {
    let invoice = pay(&["--price", "25sat", "--max-quantity", "5"], 13, None, Some(4)).await;
    assert_eq!(invoice.amount_msats(), 100_000);
}

#[tokio::test]
async fn an_ldk_node_pays_what_it_likes() {
    let invoice = pay(&["--price", "any"], 14, Some(1_234), None).await;
    assert_eq!(invoice.amount_msats(), 1_234);
}

/// It reads such an offer, and does nothing with it.
#[tokio::test]
async fn an_ldk_node_does_not_pay_in_dollars() {
    let open = crate::shop(&["--price", "3.50USD"]).await;
    let node = Node::start(15, Reach::Announced).await;
    node.connect(open.node_id, open.address).await;
    let offer = ldk::offers::offer::Offer::try_from(&open.offer).unwrap();
    let refused = node.manager.pay_for_offer(&offer, None, PaymentId([7; 32]), Default::default()).unwrap_err();
    assert_eq!(refused, ldk::offers::parse::Bolt12SemanticError::UnsupportedCurrency);
}

// Refunds.

/// Lets an LDK node publish a refund, and the wallet claim it through a peer.
#[tokio::test]
async fn a_refund_of_an_ldk_node_is_claimed() {
    let node = Node::start(20, Reach::Announced).await;
    let expiry = now() + Duration::from_secs(600);
    let id = PaymentId([9; 32]);
    let refund =
        node.manager.create_refund_builder(5_000, expiry, id, Retry::Attempts(0), RouteParametersConfig::default());
    let refund = refund.unwrap().description("a cup".to_owned()).build().unwrap();
    let text = refund.to_string();
    let claimed = tokio::spawn({
        let peer = node.peer();
        async move { wallet(&["--refund", &text, "--peer", &peer]).await }
    });
    let invoice = node.invoice().await;
    assert_eq!(invoice.amount_msats(), 5_000);
    assert_eq!(claimed.await.unwrap().unwrap().payment_hash().to_string().len(), 64);
}

/// The hops that the invoice's path leads over, as the node of the first one reads it, and what is charged.
fn first_hop(invoice: &Invoice, node: &Node) -> (HopData, PayInfo<'static>) {
    let (path, payinfo) = invoice.payment_paths().next().unwrap();
    assert_eq!((path.introduction_node(), path.hops().count()), (node.id.into(), 2));
    let keys = Keypair::from_secret_key(&Secp256k1::new(), &node.keys.get_node_secret_key());
    let path_key = path.first_path_key().public_key().unwrap();
    let hop = Unblinded::new(&keys, &path_key, path.hops().next().unwrap().encrypted_recipient_data).unwrap();
    let PayInfo { fee_base_msat, fee_proportional_millionths, cltv_expiry_delta, .. } = payinfo;
    let (min, max) = (payinfo.htlc_minimum_msat, payinfo.htlc_maximum_msat);
    let payinfo = PayInfo::new(fee_base_msat, fee_proportional_millionths, cltv_expiry_delta, min, max);
    (hop.data().clone(), payinfo)
}

const SCID: ShortChannelId = ShortChannelId(925_117 << 40 | 12 << 16 | 1);
const SECRET: &str = "4242424242424242424242424242424242424242424242424242424242424242";

/// Whoever pays a refund pays it at once: over a path for payments, or not at all (EXC-11).
#[tokio::test]
async fn a_claim_is_to_be_paid_over_the_channel_of_the_peer() {
    let node = Node::start(81, Reach::Announced).await;
    let open = crate::shop(&["--refund", "5sat"]).await;
    node.connect(open.node_id, open.address).await;
    let text = open.refund.as_ref().unwrap().to_string();
    let words = ["--refund", &text, "--peer", &node.peer(), "--secret", SECRET, "--channel", "925117x12x1"];
    let invoice = wallet(&[&words[..], &["--deadline", "2"]].concat()).await.unwrap();
    let (data, payinfo) = first_hop(&invoice, &node);
    assert_eq!(payinfo, PayInfo::new(1_000, 10, 34 + 18, 1, 2_099_979_000_209_996_901));
    let incoming = Htlc { amount: Msat(6_000), cltv_expiry: 1_000_000 };
    let outgoing = Htlc { amount: Msat(5_000), cltv_expiry: 999_966 };
    assert_eq!(data.payment(incoming), Ok(PaymentStep::Forward { next: NextHop::Channel(SCID), outgoing }));

    let terms = ["--base", "7", "--ppm", "2000", "--cltv", "40", "--height", "1000", "--deadline", "2"];
    let invoice = wallet(&[&words[..], &terms].concat()).await.unwrap();
    let (data, payinfo) = first_hop(&invoice, &node);
    let fees = (payinfo.fee_base_msat, payinfo.fee_proportional_millionths, payinfo.cltv_expiry_delta);
    assert_eq!(fees, (7, 2_000, 58));
    assert_eq!(data.payment_constraints().unwrap().max_cltv_expiry, 1_000 + 144 + 58);
}

/// The invoices of a shop lead over the channel of its node.
#[tokio::test]
async fn a_shop_is_paid_over_the_channel_of_its_peer() {
    let node = Node::start(82, Reach::Announced).await;
    let peer = node.id.to_string();
    let words = ["--price", "9sat", "--secret", SECRET, "--through", &peer, "--channel", "925117x12x1", "--base", "0"];
    let open = crate::shop(&words).await;
    let invoice = wallet(&[&open.offer.to_string(), "--peer", &open.peer()]).await.unwrap();
    let (data, payinfo) = first_hop(&invoice, &node);
    assert_eq!((payinfo.fee_base_msat, payinfo.fee_proportional_millionths), (0, 10));
    assert_eq!(data.next(), Some(NextHop::Channel(SCID)));
}

#[tokio::test]
async fn a_refund_of_ours_is_claimed_by_an_ldk_node() {
    let open = crate::shop(&["--refund", "5sat"]).await;
    let node = Node::start(21, Reach::Announced).await;
    node.connect(open.node_id, open.address).await;
    let refund: &Refund = open.refund.as_ref().unwrap();
    let theirs = ldk::offers::refund::Refund::try_from(refund).unwrap();
    let invoice = node.manager.request_refund_payment(&theirs).unwrap();
    let line = format!("the refund is claimed: 5 sat for {}", invoice.signing_pubkey());
    eventually("the claim", || open.said(&line).then_some(())).await;
    // D1: LDK reads no signed one. A claim of that is a claim of the same refund.
    let signed = open.signed_refund.as_ref().unwrap();
    assert!(ldk::offers::refund::Refund::try_from(signed).is_err());
    let words = ["--refund", &signed.to_string(), "--peer", &node.peer(), "--deadline", "2"];
    let invoice = wallet(&words).await.unwrap();
    let line = format!("the refund is claimed: 5 sat for {}", invoice.node_id());
    eventually("the claim of the signed one", || open.said(&line).then_some(())).await;
}

// Errors.

/// LDK writes a length in front of its errors, which is read all the same (ERR-1).
#[tokio::test]
async fn an_error_of_an_ldk_node_is_shown() {
    let node = Node::start(30, Reach::Announced).await;
    let offer = node.manager.create_offer_builder().unwrap().amount_msats(9_000).build().unwrap();
    node.roads.broke.store(true, Ordering::Relaxed);
    let failure = wallet(&[&text(&offer), "--peer", &node.peer()]).await.unwrap_err();
    assert_eq!((failure.code(), failure.text()), ("refused", "the issuer refused: MissingPaths"));
}

/// LDK does not read errors without that length: the onion message is dropped there, and nothing else happens.
#[tokio::test]
async fn an_error_of_ours_is_not_read_by_an_ldk_node() {
    let open = crate::shop(&["--price", "25sat"]).await;
    let node = Node::start(31, Reach::Announced).await;
    node.connect(open.node_id, open.address).await;
    let offer = ldk::offers::offer::Offer::try_from(&open.offer).unwrap();
    // More than five times the price is taken for a mistake.
    ask(&node, &offer, Some(1_000_000), None);
    eventually("the refusal", || open.said("refused, and told so").then_some(())).await;
    eventually("the drop", || node.log.has("Errored decoding onion message packet").then_some(())).await;
    assert!(node.events().is_empty());
}

/// The same errors between our own ends are whole.
#[tokio::test]
async fn an_error_of_ours_is_shown_escaped() {
    let open = crate::shop(&["--price", "25sat"]).await;
    let text = open.offer.to_string();
    let failure = wallet(&[&text, "--peer", &open.peer(), "--amount", "1000sat", "--max", "1000sat"]).await;
    let failure = failure.unwrap_err();
    assert_eq!(failure.code(), "refused");
    assert!(failure.text().contains("(about invreq_amount)"), "{}", failure.text());
}

// Through a node.

/// An LDK node passes on what goes from our payer to our issuer, and back; prices in dollars too.
#[tokio::test]
async fn an_ldk_node_forwards_between_our_ends() {
    let middle = Node::start(40, Reach::Announced).await;
    for way in [&[][..], &["--hide"], &["--hide-key"]] {
        let open = crate::shop(way).await;
        middle.connect(open.node_id, open.address).await;
        let text = open.offer.to_string();
        let invoice = wallet(&[&text, "--peer", &middle.peer(), "--rate", "100000"]).await.unwrap();
        assert_eq!(invoice.amount(), Msat(3_500_000));
    }
}

/// An LDK node asks through another, with a reply path that is itself alone: the answer takes the same way back.
#[tokio::test]
async fn an_ldk_node_that_others_know_asks_from_afar() {
    let middle = Node::start(44, Reach::Announced).await;
    for way in [&["--price", "25sat"][..], &["--price", "25sat", "--hide"]] {
        let payer = Node::start(43, Reach::Announced).await;
        payer.connect(middle.id, middle.address).await;
        let open = crate::shop(way).await;
        middle.connect(open.node_id, open.address).await;
        let offer = ldk::offers::offer::Offer::try_from(&open.offer).unwrap();
        ask(&payer, &offer, None, None);
        assert_eq!(payer.invoice().await.amount_msats(), 25_000);
    }
}

/// Large messages need the larger of the two sizes of onions.
#[tokio::test]
async fn an_ldk_node_forwards_large_onions() {
    let middle = Node::start(41, Reach::Announced).await;
    let (description, note) = ("long ".repeat(700), "longer ".repeat(400));
    let open = crate::shop(&["--description", &description]).await;
    middle.connect(open.node_id, open.address).await;
    let text = open.offer.to_string();
    let invoice = wallet(&[&text, "--peer", &middle.peer(), "--rate", "100000", "--note", &note]).await.unwrap();
    assert!(invoice.as_bytes().len() > 6_000);
}

/// The connection breaks while the answer is waited for: the wallet connects again, and asks again.
#[tokio::test]
async fn a_lost_connection_is_made_again() {
    let middle = Node::start(42, Reach::Announced).await;
    let open = crate::shop(&[]).await;
    let text = open.offer.to_string();
    let asking = tokio::spawn({
        let peer = middle.peer();
        async move { crate::told(&[&text, "--peer", &peer, "--rate", "100000"]).await }
    });
    // The shop cannot be reached yet: the first request is dropped on the way.
    let dropped = || middle.log.has("Dropping forwarded onion message").then_some(());
    eventually("the first request", dropped).await;
    middle.peers.disconnect_all_peers();
    middle.connect(open.node_id, open.address).await;
    let (result, said) = asking.await.unwrap();
    assert_eq!(result.unwrap().amount(), Msat(3_500_000));
    // At once: the next attempt would have been made some seconds later.
    assert!(said.iter().any(|line| line.contains("(attempt 1)")), "{said:?}");
    assert!(!said.iter().any(|line| line.contains("(attempt 2)")), "{said:?}");
}

/// EXC-7: the issuer's rate moves with each request; the payer says how far it may.
#[tokio::test]
async fn a_rate_that_moves_is_followed_within_the_limit() {
    let open = crate::shop(&["--rate", "100000,50000,99000,40000"]).await;
    let (text, peer) = (open.offer.to_string(), open.peer());
    let ask = |limit: &'static [&'static str]| {
        let words: Vec<String> =
            [&text[..], "--peer", &peer].iter().chain(limit).map(|word| (*word).to_owned()).collect();
        async move { wallet(&words.iter().map(String::as_str).collect::<Vec<_>>()).await }
    };
    assert_eq!(ask(&["--rate", "100000"]).await.unwrap().amount(), Msat(3_500_000));
    // The first invoice is twice as dear as allowed, and another is asked for.
    let invoice = ask(&["--rate", "100000", "--tolerance", "1.5"]).await.unwrap();
    assert_eq!(invoice.amount(), Msat(3_535_354));
    let failure = ask(&["--max", "3499sat", "--deadline", "2"]).await.unwrap_err();
    assert_eq!(failure.code(), "too_expensive");

    // A script takes the first line of what is printed.
    let printed = fetch::summary::shown(&invoice, false, fetch::net::now());
    let first: Invoice = printed.lines().next().unwrap().parse().unwrap();
    assert_eq!(first.as_bytes(), invoice.as_bytes());
}

// What goes wrong when connecting.

#[tokio::test]
async fn a_wrong_node_id_is_named() {
    let (node, other) = (Node::start(50, Reach::Announced).await, Node::start(51, Reach::Announced).await);
    let offer = node.manager.create_offer_builder().unwrap().amount_msats(9_000).build().unwrap();
    let peer = format!("{}@{}", other.id, node.address);
    let failure = wallet(&[&text(&offer), "--peer", &peer]).await.unwrap_err();
    // It hangs up without a word, which may have other reasons: only who answers with another key is a wrong node.
    assert_eq!(failure.code(), "hung_up");
    assert!(failure.text().contains(&other.id.to_string()));
}

#[tokio::test]
async fn nobody_there_is_named() {
    let (_kept, address) = crate::nobody();
    let node = Node::start(52, Reach::Announced).await;
    let offer = node.manager.create_offer_builder().unwrap().amount_msats(9_000).build().unwrap();
    let failure = wallet(&[&text(&offer), "--peer", &format!("{}@{address}", node.id)]).await.unwrap_err();
    assert_eq!(failure.code(), "cannot_connect");
}

#[tokio::test]
async fn silence_ends_by_the_deadline() {
    let middle = Node::start(53, Reach::Announced).await;
    let open = crate::shop(&["--price", "25sat"]).await;
    let text = open.offer.to_string();
    let failure = wallet(&[&text, "--peer", &middle.peer(), "--deadline", "1"]).await.unwrap_err();
    assert_eq!(failure.code(), "deadline");
    assert!(failure.text().contains("the offer has no path"), "{}", failure.text());
}

/// A path that starts at a channel, which only somebody with gossip can look up: it is taken for one of each peer.
#[tokio::test]
async fn a_channel_is_taken_for_the_peers() {
    let node = Node::start(54, Reach::ByChannel).await;
    let offer = node.manager.create_offer_builder().unwrap().amount_msats(9_000).build().unwrap();
    let ours: Offer = text(&offer).parse().unwrap();
    let start = ours.paths().unwrap().iter().next().unwrap().introduction_node();
    assert!(matches!(start, bolt12::IntroductionNode::Channel { .. }));
    let invoice = wallet(&[&text(&offer), "--peer", &node.peer()]).await.unwrap();
    assert_eq!(invoice.amount(), Msat(9_000));
    // If that is wrong, the end says so.
    let other = Node::start(57, Reach::Announced).await;
    let failure = wallet(&[&text(&offer), "--peer", &other.peer(), "--deadline", "1"]).await.unwrap_err();
    assert_eq!(failure.code(), "deadline");
    assert!(failure.text().contains("the offer's path starts at a channel"), "{}", failure.text());
    // Whichever of several it is.
    for peers in [[node.peer(), other.peer()], [other.peer(), node.peer()]] {
        let (result, said) = crate::told(&[&text(&offer), "--peer", &peers[0], "--peer", &peers[1]]).await;
        assert_eq!(result.unwrap().amount(), Msat(9_000), "{said:?}");
    }
}

/// An LDK node names the start of its reply path by a channel, too: the answer goes to whoever brought the request.
#[tokio::test]
async fn an_ldk_node_is_answered_whose_reply_path_starts_at_a_channel() {
    for way in [&["--price", "25sat"][..], &["--price", "25sat", "--hide"]] {
        let open = crate::shop(way).await;
        let node = Node::start(58, Reach::ByChannel).await;
        node.connect(open.node_id, open.address).await;
        let offer = ldk::offers::offer::Offer::try_from(&open.offer).unwrap();
        ask(&node, &offer, None, None);
        assert_eq!(node.invoice().await.amount_msats(), 25_000);
    }
}

/// A request has room for 4096 bytes.
#[tokio::test]
async fn a_note_that_is_too_long_is_named() {
    let node = Node::start(55, Reach::Announced).await;
    let offer = node.manager.create_offer_builder().unwrap().amount_msats(9_000).build().unwrap();
    let note = "n".repeat(4_097);
    let failure = wallet(&[&text(&offer), "--peer", &node.peer(), "--note", &note]).await.unwrap_err();
    assert!(failure.code() == "misuse" && failure.text().starts_with("--note is too long: "), "{failure:?}");
}

/// Nobody says whether an invoice for a refund arrived; that there was no time to send it is another matter.
#[tokio::test]
async fn a_claim_that_was_sent_is_no_failure_at_the_deadline() {
    let middle = Node::start(56, Reach::Announced).await;
    let open = crate::shop(&["--refund", "5sat"]).await;
    let text = open.refund.as_ref().unwrap().to_string();
    // The middle is not connected to the shop, and drops it.
    let invoice = wallet(&["--refund", &text, "--peer", &middle.peer(), "--deadline", "2"]).await.unwrap();
    assert_eq!(invoice.amount(), Msat(5_000));
}

#[test]
fn mistakes_in_the_command_are_told() {
    let read =
        |words: &[&str]| fetch::options::Options::read(&words.iter().map(|word| (*word).into()).collect::<Vec<_>>());
    let peer = format!("{}@127.0.0.1:1", "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619");
    let offer = "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese";
    read(&[offer, "--peer", &peer, "--amount", "0.00000025btc"]).unwrap();
    // URI-5, URI-2
    let link = format!("bitcoin:?lno={offer}&amount=0.00000025&label=tea");
    assert_eq!(read(&[&link, "--peer", &peer]).unwrap().amount, Some(Msat(25_000)));
    let more = read(&[&link, "--peer", &peer, "--amount", "26sat"]).unwrap();
    assert_eq!((more.amount, more.link.is_some()), (Some(Msat(26_000)), true));
    let demand = format!("{link}&req-x=1");
    assert!(read(&[&demand, "--peer", &peer]).unwrap_err().text().contains("req-x"));
    let new = bolt12::exchange::Payer::new([9; 32]).new_refund([1; 32]);
    let path = bolt12::onion::BlindedPathBuilder::new(crate::key(1).public_key()).build([3; 32]).unwrap();
    let refund = new.builder("a cup", Msat(5_000)).add_path(path);
    let refund = new.publish(refund, bolt12::UnixTime(1)).unwrap().refund().unwrap().to_string();
    read(&["--refund", &refund, "--peer", &peer]).unwrap();
    read(&["--refund", &refund, "--peer", &peer, "--secret", SECRET, "--channel", "1x2x3"]).unwrap();
    for words in [
        &[][..],
        &[offer],
        &[offer, "--peer"],
        &[offer, "--peer", "nobody"],
        &[offer, "--peer", &peer, "--amount", "25"],
        &[offer, "--peer", &peer, "--amount", "99999999999999999999sat"],
        &[offer, "--peer", &peer, "--what"],
        &[offer, "--peer", &peer, "--quantity", "0"],
        &[offer, "--peer", &peer, "--tolerance", "3"],
        &[offer, "--peer", &peer, "--rate", "100000", "--max", "9sat", "--tolerance", "3"],
        &["--refund", &refund, "--peer", &peer, "--note", "hello"],
        &["--refund", offer, "--peer", &peer],
        &[offer, offer, "--peer", &peer],
        &[offer, "--peer", &peer, "--secret", SECRET, "--channel", "1x2x3"],
        &["--refund", &refund, "--peer", &peer, "--channel", "1x2x3"],
        &["--refund", &refund, "--peer", &peer, "--secret", SECRET, "--channel", "1x2"],
        &["--refund", &refund, "--peer", &peer, "--secret", SECRET, "--channel", "1x2x65536"],
        &["--refund", &refund, "--peer", &peer, "--secret", SECRET, "--base", "1"],
        &["--refund", &refund, "--peer", &peer, "--secret", SECRET, "--channel", "1x2x3", "--cltv", "65536"],
        &["--refund", &refund, "--peer", &peer, "--secret", "42"],
        &["lnbc1", "--peer", &peer],
    ] {
        assert_eq!(read(words).unwrap_err().code(), "misuse", "{words:?}");
    }
}
