//! Paths for payments, and what they cost.

use std::slice::from_ref;
use std::sync::{Arc, Mutex};

use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::lightning::{NoPath, from_payment_path, ldk, payment_paths};
use bolt12::onion::Unblinded;
use bolt12::secp256k1::{Keypair, PublicKey, Secp256k1};
use bolt12::{
    BlindedPath, ChainHash, Error, ErrorKind, IntroductionNode, Invoice, InvoiceBuilder, Msat, MultiPart, PayInfo,
    RequestArrival, RequestContext,
};
use ldk::blinded_path::payment::{
    Bolt12RefundContext, PaymentConstraints, PaymentContext, ReceiveTlvs, UnauthenticatedReceiveTlvs,
};
use ldk::ln::channel_state::{ChannelCounterparty, ChannelDetails, CounterpartyForwardingInfo};
use ldk::ln::channelmanager::MIN_FINAL_CLTV_EXPIRY_DELTA;
use ldk::ln::types::ChannelId;
use ldk::offers::invoice::Bolt12Invoice;
use ldk::offers::nonce::Nonce;
use ldk::routing::router::{DefaultRouter, InFlightHtlcs, PaymentParameters, RouteParameters, Router};
use ldk::routing::scoring::FixedPenaltyScorer;
use ldk::sign::{KeysManager, NodeSigner};
use ldk::types::features::InitFeatures;
use ldk::types::payment::PaymentSecret;

use crate::gossip::{Gossip, Graph, Silent, id, keys};
use crate::messages::{self, NOW};

type Roads =
    DefaultRouter<Graph, Arc<Silent>, Arc<KeysManager>, Arc<Mutex<FixedPenaltyScorer>>, (), FixedPenaltyScorer>;

fn router(gossip: &Gossip, number: u8) -> Roads {
    let scorer = Arc::new(Mutex::new(FixedPenaltyScorer::with_penalty(0)));
    DefaultRouter::new(Arc::clone(&gossip.graph), Arc::new(Silent), keys(number), scorer, ())
}

/// What a channel's other end asks for, and how much it can send us.
#[derive(Clone, Copy)]
struct Terms {
    base: u32,
    millionths: u32,
    cltv: u16,
    least: u64,
    most: u64,
    inbound: u64,
}

const FAIR: Terms =
    Terms { base: 1_000, millionths: 250, cltv: 80, least: 500, most: 90_000_000, inbound: 100_000_000 };

/// A channel with a peer, that can be used.
fn channel(peer: u8, scid: u64, terms: Terms) -> ChannelDetails {
    let mut features = InitFeatures::empty();
    features.set_route_blinding_optional();
    ChannelDetails {
        channel_id: ChannelId([peer; 32]),
        counterparty: ChannelCounterparty {
            node_id: id(peer),
            features,
            unspendable_punishment_reserve: 0,
            forwarding_info: Some(CounterpartyForwardingInfo {
                fee_base_msat: terms.base,
                fee_proportional_millionths: terms.millionths,
                cltv_expiry_delta: terms.cltv,
            }),
            outbound_htlc_minimum_msat: None,
            outbound_htlc_maximum_msat: None,
        },
        funding_txo: None,
        channel_type: None,
        short_channel_id: Some(scid),
        outbound_scid_alias: None,
        inbound_scid_alias: None,
        channel_value_satoshis: 200_000,
        unspendable_punishment_reserve: None,
        user_channel_id: 0,
        feerate_sat_per_1000_weight: None,
        outbound_capacity_msat: 0,
        next_outbound_htlc_limit_msat: 0,
        next_outbound_htlc_minimum_msat: 0,
        inbound_capacity_msat: terms.inbound,
        confirmations_required: None,
        confirmations: None,
        force_close_spend_delay: None,
        is_outbound: false,
        is_channel_ready: true,
        channel_shutdown_state: None,
        is_usable: true,
        is_announced: false,
        inbound_htlc_minimum_msat: Some(terms.least),
        inbound_htlc_maximum_msat: Some(terms.most),
        config: None,
        pending_inbound_htlcs: vec![],
        pending_outbound_htlcs: vec![],
        funding_redeem_script: None,
    }
}

const MAX_CLTV: u32 = 800_000;

fn tlvs(number: u8) -> ReceiveTlvs {
    let tlvs = UnauthenticatedReceiveTlvs {
        payment_secret: PaymentSecret([7; 32]),
        payment_constraints: PaymentConstraints { max_cltv_expiry: MAX_CLTV, htlc_minimum_msat: 1 },
        payment_context: PaymentContext::Bolt12Refund(Bolt12RefundContext {}),
    };
    let keys = keys(number);
    tlvs.authenticate(Nonce::from_entropy_source(&*keys), &keys.get_expanded_key())
}

type Paths = Vec<(BlindedPath<'static>, PayInfo<'static>)>;

/// What the adapter makes of the router's paths, which cost what the router says.
fn paths(gossip: &Gossip, number: u8, channels: &[ChannelDetails], amount: u64) -> Result<Paths, NoPath> {
    let (router, secp) = (router(gossip, number), Secp256k1::new());
    let theirs = router.create_blinded_payment_paths(id(number), channels.to_vec(), tlvs(number), Some(amount), &secp);
    let ours = payment_paths(&router, id(number), channels.to_vec(), tlvs(number), Msat(amount), &secp);
    let Ok(theirs) = theirs else {
        assert_eq!(ours, Err(NoPath));
        return ours;
    };
    let ours = ours.unwrap();
    assert_eq!(ours.len(), theirs.len());
    for ((path, payinfo), theirs) in ours.iter().zip(&theirs) {
        assert_eq!(payinfo, &PayInfo::try_from(&theirs.payinfo).unwrap());
        assert_eq!(path.introduction_node(), from_payment_path(theirs).unwrap().0.introduction_node());
    }
    Ok(ours)
}

/// LDK names the start of a path for payments by its node.
fn starts(paths: &Paths) -> Vec<PublicKey> {
    let start = |path: &BlindedPath<'_>| match path.introduction_node() {
        IntroductionNode::NodeId(point) => point.public_key().unwrap(),
        IntroductionNode::Channel { scid, .. } => panic!("{scid}"),
    };
    paths.iter().map(|(path, _)| start(path)).collect()
}

/// An invoice with these paths, signed, if they can carry the amount.
fn invoice(number: u8, paths: &[(BlindedPath<'static>, PayInfo<'static>)], amount: u64) -> Result<Invoice, Error> {
    let signer = Keypair::from_secret_key(&Secp256k1::new(), &keys(number).get_node_secret_key());
    let offer = bolt12::OfferBuilder::new(signer.public_key()).description("tea").amount_msat(Msat(amount));
    let offer = offer.build().unwrap();
    let request = messages::request_for(&offer).build().unwrap().sign(&messages::payer()).unwrap();
    let chains = &[ChainHash::BITCOIN];
    let arrival = RequestArrival::Direct;
    let context = RequestContext { offer: &offer, arrival, now: NOW, chains, rate: None, max_amount: None };
    let accepted = request.accept(&context).unwrap();
    let builder = InvoiceBuilder::new(accepted, NOW, sha256::Hash::hash(b"preimage")).multi_part(MultiPart::Allowed);
    let builder = paths.iter().fold(builder, |builder, (path, payinfo)| builder.add_path(path.clone(), payinfo));
    Ok(builder.build()?.sign(&signer).unwrap())
}

/// EXC-11
#[track_caller]
fn refused(invoice: Result<Invoice, Error>, asked: u64) {
    let error = invoice.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::CannotCarry { amount: Msat(amount), .. } if *amount == asked), "{error}");
}

/// A wallet is paid through its peers: three at most. What each asks for is in the payinfo, and in the hop that only
/// the peer can open.
#[test]
fn a_wallet_is_paid_through_its_peers() {
    let gossip = Gossip::new();
    let through = [gossip.node(1, 1), gossip.node(2, 4), gossip.node(3, 2), gossip.node(4, 2)];
    let dear = Terms { base: 5_000, millionths: 10_000, cltv: 144, least: 1, most: 20_000_000, inbound: 30_000_000 };
    let channels: Vec<_> = through
        .iter()
        .map(|peer| channel(*peer, 70 + u64::from(*peer), if *peer == 2 { dear } else { FAIR }))
        .collect();
    let amount = 10_000_000;
    let made = paths(&gossip, 10, &channels, amount).unwrap();
    // In the order of the channels.
    assert_eq!(starts(&made), [id(1), id(2), id(3)]);
    for ((path, payinfo), peer) in made.iter().zip(through) {
        let terms = if peer == 2 { dear } else { FAIR };
        assert_eq!((payinfo.fee_base_msat, payinfo.fee_proportional_millionths), (terms.base, terms.millionths));
        assert_eq!(payinfo.cltv_expiry_delta, terms.cltv + MIN_FINAL_CLTV_EXPIRY_DELTA);
        // What gets through once the peer took its fee.
        let taken = |most: u64| {
            let least_fee = |rest: u64| u64::from(terms.base) + rest * u64::from(terms.millionths) / 1_000_000;
            (0..=most).rev().find(|rest| rest + least_fee(*rest) <= most).unwrap()
        };
        assert_eq!(payinfo.htlc_maximum_msat, taken(terms.most));
        assert!(payinfo.htlc_maximum_msat >= amount);
        assert_eq!(payinfo.htlc_minimum_msat, 1);
        assert_eq!(payinfo.features.iter().count(), 0);

        let key = Keypair::from_secret_key(&Secp256k1::new(), &keys(peer).get_node_secret_key());
        let hop = path.hops().next().unwrap();
        let path_key = path.first_path_key().public_key().unwrap();
        let hop = Unblinded::new(&key, &path_key, hop.encrypted_recipient_data).unwrap();
        let relay = hop.data().payment_relay().unwrap();
        assert_eq!((relay.fee_base_msat, relay.fee_proportional_millionths), (terms.base, terms.millionths));
        assert_eq!(relay.cltv_expiry_delta, terms.cltv);
        let constraints = hop.data().payment_constraints().unwrap();
        assert_eq!(constraints.htlc_minimum_msat, terms.least);
        assert_eq!(constraints.max_cltv_expiry, MAX_CLTV + u32::from(terms.cltv));
        assert_eq!(
            hop.data().next(),
            Some(bolt12::onion::NextHop::Channel(bolt12::ShortChannelId(70 + u64::from(peer))))
        );
    }
}

/// An announced node hides behind peers with three channels at least; without any, the path is itself.
#[test]
fn an_announced_node_is_paid_through_well_connected_peers_or_directly() {
    let gossip = Gossip::new();
    for (number, channels) in [(1, 1), (2, 4), (3, 2), (4, 3), (10, 2)] {
        gossip.node(number, channels);
    }
    let channels: Vec<_> = [1, 2, 3, 4].map(|peer| channel(peer, 70 + u64::from(peer), FAIR)).into();
    assert_eq!(starts(&paths(&gossip, 10, &channels, 1_000_000).unwrap()), [id(2), id(4)]);
    for channels in [&channels[..1], &[]] {
        let made = paths(&gossip, 10, channels, 1_000_000).unwrap();
        assert_eq!(starts(&made), [id(10)]);
        let payinfo = &made[0].1;
        assert_eq!((payinfo.fee_base_msat, payinfo.fee_proportional_millionths), (0, 0));
        assert_eq!(payinfo.cltv_expiry_delta, MIN_FINAL_CLTV_EXPIRY_DELTA);
        // All bitcoin there can be: more than 2^53.
        assert_eq!(payinfo.htlc_maximum_msat, 2_100_000_000_000_000_000);
    }
}

/// No channel, none that could bring so much, no peer that others know: nobody can pay us.
#[test]
fn without_a_channel_that_serves_there_is_no_path() {
    let gossip = Gossip::new();
    gossip.node(1, 3);
    let good = channel(1, 71, FAIR);
    assert_eq!(paths(&gossip, 10, &[], 1_000_000), Err(NoPath));
    assert_eq!(paths(&gossip, 10, from_ref(&good), FAIR.inbound + 1), Err(NoPath));
    assert_eq!(paths(&gossip, 10, from_ref(&good), FAIR.most + 1), Err(NoPath));
    assert_eq!(paths(&gossip, 10, from_ref(&good), FAIR.least - 1), Err(NoPath));
    let mut cannot_blind = good.clone();
    cannot_blind.counterparty.features = InitFeatures::empty();
    assert_eq!(paths(&gossip, 10, &[cannot_blind], 1_000_000), Err(NoPath));
    let mut said_nothing = good.clone();
    said_nothing.counterparty.forwarding_info = None;
    assert_eq!(paths(&gossip, 10, &[said_nothing], 1_000_000), Err(NoPath));
    // The only peer may be unknown; of several, only those count that are known.
    let (unknown, other) = (channel(8, 78, FAIR), channel(9, 79, FAIR));
    assert_eq!(starts(&paths(&gossip, 10, from_ref(&unknown), 1_000_000).unwrap()), [id(8)]);
    assert_eq!(paths(&gossip, 10, &[unknown.clone(), other], 1_000_000), Err(NoPath));
    assert_eq!(starts(&paths(&gossip, 10, &[unknown, good], 1_000_000).unwrap()), [id(1)]);
}

/// LDK takes the peer's fee off what the channel carries: close to that, an invoice is more than its path's maximum,
/// and can be paid only in parts. Over one path alone it cannot be paid, and is not made (EXC-11).
#[test]
fn a_path_may_carry_less_than_the_amount() {
    let gossip = Gossip::new();
    gossip.node(20, 1);
    for peer in [gossip.node(1, 3), gossip.node(2, 3)] {
        gossip.channel(20, peer);
    }
    let channels = [channel(1, 71, FAIR), channel(2, 72, FAIR)];
    let made = paths(&gossip, 10, &channels, FAIR.most).unwrap();
    assert!(made.iter().all(|(_, payinfo)| payinfo.htlc_maximum_msat < FAIR.most));
    let route = |paths: &Paths| {
        let theirs = Bolt12Invoice::try_from(&invoice(10, paths, FAIR.most).unwrap()).unwrap();
        let params = PaymentParameters::from_bolt12_invoice(&theirs).with_expiry_time(u64::MAX);
        let params = RouteParameters::from_payment_params_and_value(params, FAIR.most);
        router(&gossip, 20).find_route(&id(20), &params, None, InFlightHtlcs::new())
    };
    assert_eq!(route(&made).unwrap().paths.len(), 2);
    refused(invoice(10, &made[..1], FAIR.most), FAIR.most);
}

/// LDK reads our invoice, finds a way over its path, and pays the fee that stands there.
#[test]
fn ldk_finds_a_route_over_our_invoice() {
    let gossip = Gossip::new();
    gossip.node(1, 3);
    gossip.node(20, 1);
    gossip.channel(20, 1);
    for (amount, least_fee) in [(1_000_000, 1_250), (50_000_000, 13_500)] {
        let made = paths(&gossip, 10, &[channel(1, 71, FAIR)], amount).unwrap();
        let theirs = Bolt12Invoice::try_from(&invoice(10, &made, amount).unwrap()).unwrap();
        let params = PaymentParameters::from_bolt12_invoice(&theirs).with_expiry_time(u64::MAX);
        let params = RouteParameters::from_payment_params_and_value(params, amount);
        let route = router(&gossip, 20).find_route(&id(20), &params, None, InFlightHtlcs::new()).unwrap();
        assert_eq!((route.get_total_amount(), route.get_total_fees()), (amount, least_fee));
        assert_eq!(route.paths[0].hops[0].pubkey, id(1));
    }
    // More than the path carries could not be sent, not even in parts.
    let made = paths(&gossip, 10, &[channel(1, 71, FAIR)], 1_000_000).unwrap();
    refused(invoice(10, &made, 95_000_000), 95_000_000);
}
