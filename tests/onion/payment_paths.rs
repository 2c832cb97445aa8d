//! Payment paths: what they cost, what their hops are told, and what the hops do with a payment (BOLT 4).

use bolt12::onion::{
    HopData, Htlc, MAX_DUMMY_HOPS, NextHop, PathHop, PaymentConstraints, PaymentHop, PaymentPathBuilder,
    PaymentRefusal, PaymentRelay, PaymentStep, Unblinded,
};
use bolt12::secp256k1::{Keypair, PublicKey, Secp256k1};
use bolt12::{BlindedPath, Error, ErrorKind, Feature, Features, IntroductionNode, Msat, PayInfo, Rule, ShortChannelId};
use proptest::prelude::*;

const PATH_ID: [u8; 32] = [9; 32];
const SESSION: [u8; 32] = [7; 32];
const HEIGHT: u32 = 925_000;
const UNLIMITED: u64 = 2_100_000_000_000_000_000;

fn node(number: u8) -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &[number; 32]).unwrap()
}

fn relay(fee_base_msat: u32, fee_proportional_millionths: u32, cltv_expiry_delta: u16) -> PaymentRelay {
    PaymentRelay { cltv_expiry_delta, fee_proportional_millionths, fee_base_msat }
}

fn scid(number: u8) -> ShortChannelId {
    ShortChannelId(number.into())
}

/// A hop whose channel has the number of its node.
fn hop(number: u8, relay: PaymentRelay, htlc_minimum_msat: u64, htlc_maximum_msat: u64) -> PaymentHop {
    let (node_id, short_channel_id) = (node(number).public_key(), scid(number));
    PaymentHop { node_id, short_channel_id, relay, htlc_minimum_msat, htlc_maximum_msat }
}

const RECIPIENT: u8 = 0x45;

fn builder(hops: &[PaymentHop], min_final_cltv_expiry_delta: u16) -> PaymentPathBuilder {
    let builder = PaymentPathBuilder::new(node(RECIPIENT).public_key(), PATH_ID, min_final_cltv_expiry_delta, HEIGHT);
    hops.iter().fold(builder, |builder, hop| builder.through(*hop))
}

/// What each hop of a path is told, read by its node.
fn told(path: &BlindedPath<'_>, nodes: &[Keypair]) -> Vec<HopData> {
    assert_eq!(path.hops().count(), nodes.len());
    let mut path_key = path.first_path_key().public_key().unwrap();
    let mut data = Vec::new();
    for (hop, node) in path.hops().zip(nodes) {
        let unblinded = Unblinded::new(node, &path_key, hop.encrypted_recipient_data).unwrap();
        assert_eq!(hop.blinded_node_id, unblinded.signing_key().public_key());
        let shown = format!("{unblinded:?}");
        assert!(shown.starts_with("Unblinded { data: ") && shown.ends_with(", .. }"), "{shown}");
        path_key = unblinded.next_path_key().unwrap();
        data.push(unblinded.data().clone());
    }
    data
}

/// What arrives at the last hop.
fn pay(data: &[HopData], mut htlc: Htlc) -> Result<Htlc, PaymentRefusal> {
    for data in data {
        match data.payment(htlc)? {
            PaymentStep::Forward { outgoing, .. } => htlc = outgoing,
            PaymentStep::Receive => break,
        }
    }
    Ok(htlc)
}

// The route of BOLT 4's payment to a partially blinded route: Bob, Carol, Dave and Eve.
fn example() -> [PaymentHop; 3] {
    [
        hop(0x42, relay(10_000, 0, 50), 50, UNLIMITED),
        hop(0x43, relay(100, 150, 75), 50, UNLIMITED),
        hop(0x44, relay(0, 100, 25), 50, UNLIMITED),
    ]
}

#[test]
fn the_example_of_the_specification_costs_what_it_says() {
    let builder = PaymentPathBuilder::new(node(RECIPIENT).public_key(), PATH_ID, 0, 750_000).htlc_minimum_msat(50);
    let builder = example().into_iter().fold(builder, PaymentPathBuilder::through);
    let (path, payinfo) = builder.build(SESSION).unwrap();
    assert_eq!((payinfo.fee_base_msat, payinfo.fee_proportional_millionths), (10_100, 251));
    assert_eq!(payinfo.cltv_expiry_delta, 150);
    assert_eq!(payinfo.fee(Msat(100_000)), Some(Msat(10_125)));
    assert_eq!(payinfo.features, Features::default());

    let data = told(&path, &[0x42, 0x43, 0x44, RECIPIENT].map(node));
    for ((data, max_cltv_expiry), hop) in data.iter().zip([750_150, 750_100, 750_025]).zip(example()) {
        assert_eq!(data.next(), Some(NextHop::Channel(hop.short_channel_id)));
        assert_eq!(data.payment_relay(), Some(hop.relay));
        assert_eq!(data.payment_constraints(), Some(PaymentConstraints { max_cltv_expiry, htlc_minimum_msat: 50 }));
        assert_eq!(data.allowed_features(), Some(Features::default()));
        assert_eq!(data.path_id(), None);
    }
    let last = &data[3];
    let constraints = PaymentConstraints { max_cltv_expiry: 750_000, htlc_minimum_msat: 50 };
    assert_eq!((last.next(), last.payment_relay()), (None, None));
    assert_eq!(last.payment_constraints(), Some(constraints));
    assert_eq!(last.allowed_features(), Some(Features::default()));
    assert_eq!(last.path_id(), Some(&PATH_ID[..]));

    let sent = Htlc { amount: Msat(110_125), cltv_expiry: 749_150 };
    assert_eq!(pay(&data, sent), Ok(Htlc { amount: Msat(100_000), cltv_expiry: 749_000 }));
}

/// The encrypted data of that route, as the specification has it, read by its nodes.
#[test]
fn the_hops_of_the_example_forward_what_the_next_ones_get() {
    let hops = [
        "cd7b00ff9c09ed28102b210ac73aa12d63e90852cebc496c49f57c499a2888b49f2e72b19446f7e60a818aa2938d8c625415b992b8928a\
         7321edb8f7cea40de362bed082ad51acc6156dca5532fb68",
        "cc0f16524fd7f8bb0f4e8d40ad71709ef140174c76faa574cac401bb8992fef76c4d004aa485dd599ed1cf2715f570f656a5aaecaf1ee8\
         dc9d0fa1d424759be1932a8f29fac08bc2d2a1ed7159f28b",
        "0fa1a72cff3b64a3d6e1e4903cf8c8b0a17144aeb249dcb86561adee1f679ee8db3e561d9e49895fd4bcebf6f58d6f61a6d41a9bf5aa4b\
         0453437856632e8255c351873143ddf2bb2b0832b091e1b4",
        "da1c7e5f7881219884beae6ae68971de73bab4c3055d9865b1afb60722a63c688768042ade22f2c22f5724767d171fd221d3e579e43b35\
         4cc72e3ef146ada91a892d95fc48662f5b158add0af457da",
    ];
    let mut path_key: PublicKey = "024d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d0766".parse().unwrap();
    let mut data = Vec::new();
    for (hop, number) in hops.iter().zip(0x42..) {
        let unblinded = Unblinded::new(&node(number), &path_key, &hex::decode(hop).unwrap()).unwrap();
        path_key = unblinded.next_path_key().unwrap();
        data.push(unblinded.data().clone());
    }
    let mut incoming = Htlc { amount: Msat(110_125), cltv_expiry: 749_150 };
    let expected = [(1, 100_125, 749_100), (2, 100_010, 749_025), (3, 100_000, 749_000)];
    for (data, (channel, amount, cltv_expiry)) in data.iter().zip(expected) {
        let outgoing = Htlc { amount: Msat(amount), cltv_expiry };
        let next = NextHop::Channel(ShortChannelId(channel));
        assert_eq!(data.payment(incoming), Ok(PaymentStep::Forward { next, outgoing }));
        incoming = outgoing;
    }
    assert_eq!(data[3].payment(incoming), Ok(PaymentStep::Receive));
    assert_eq!(data[3].path_id().map(hex::encode).as_deref(), Some("c9cf92f45ade68345bc20ae672e2012f4af487ed4415"));
}

/// The blinded route of the specification was made for messages and payments alike.
#[test]
fn the_hops_of_the_blinded_route_take_part_in_payments() {
    let vectors: serde_json::Value = serde_json::from_str(include_str!("../data/onion.json")).unwrap();
    let hops = vectors["route-blinding-test"]["generate"]["hops"].as_array().unwrap();
    let data: Vec<_> = hops
        .iter()
        .map(|hop| HopData::read(hex::decode(hop["encoded_tlvs"].as_str().unwrap()).unwrap()).unwrap())
        .collect();
    let incoming = Htlc { amount: Msat(110_000), cltv_expiry: 748_005 };
    let Ok(PaymentStep::Forward { next, outgoing }) = data[0].payment(incoming) else { panic!() };
    assert_eq!(next, NextHop::Channel(ShortChannelId(1_729)));
    // 100,000 · 1,000,000 / 1,000,150, rounded up
    assert_eq!(outgoing, Htlc { amount: Msat(99_986), cltv_expiry: 747_969 });
    let Ok(PaymentStep::Forward { outgoing, .. }) = data[1].payment(outgoing) else { panic!() };
    let Ok(PaymentStep::Forward { outgoing, .. }) = data[2].payment(outgoing) else { panic!() };
    assert_eq!(outgoing.cltv_expiry, 747_777);
    // The last allows a feature that nobody knows.
    assert_eq!(data[3].payment(outgoing), Err(PaymentRefusal::UnknownFeature(113)));
}

#[test]
fn a_path_without_hops_costs_nothing() {
    let (path, payinfo) = builder(&[], 18).build(SESSION).unwrap();
    assert_eq!(payinfo, PayInfo::new(0, 0, 18, 1, UNLIMITED));
    assert_eq!(path.introduction_node(), IntroductionNode::from(node(RECIPIENT).public_key()));
    let data = told(&path, &[node(RECIPIENT)]);
    let constraints = PaymentConstraints { max_cltv_expiry: HEIGHT + 18, htlc_minimum_msat: 1 };
    assert_eq!(data[0].payment_constraints(), Some(constraints));
    assert_eq!(data[0].payment(Htlc { amount: Msat(1), cltv_expiry: HEIGHT + 18 }), Ok(PaymentStep::Receive));
    let limits = builder(&[], 18).htlc_minimum_msat(5).htlc_maximum_msat(7).payinfo().unwrap();
    assert_eq!((limits.htlc_minimum_msat, limits.htlc_maximum_msat), (5, 7));
}

// PTH-1
#[test]
fn dummy_hops_are_the_recipient_and_look_like_others() {
    let hops = example();
    let charge = relay(77, 1_000, 40);
    let (path, payinfo) = builder(&hops, 18).dummy_hops(3, charge).build(SESSION).unwrap();
    let nodes = [0x42, 0x43, 0x44, RECIPIENT, RECIPIENT, RECIPIENT, RECIPIENT].map(node);
    let data = told(&path, &nodes);
    for data in &data[3..6] {
        assert_eq!(data.next(), Some(NextHop::NodeId(node(RECIPIENT).public_key())));
        assert_eq!(data.payment_relay(), Some(charge));
    }
    let lens: Vec<usize> = path.hops().map(|hop| hop.encrypted_recipient_data.len()).collect();
    assert!(lens.windows(2).all(|pair| pair[0] == pair[1]), "{lens:?}");
    // They cost what as many nodes with channels would.
    let longer = [hops[0], hops[1], hops[2], hop(1, charge, 1, u64::MAX), hop(2, charge, 1, u64::MAX)];
    let longer = builder(&longer, 18).through(hop(3, charge, 1, u64::MAX)).payinfo().unwrap();
    assert_eq!(payinfo, longer);
    let sent = payinfo.fee(Msat(1_000_000)).unwrap().checked_add(Msat(1_000_000)).unwrap();
    let delta = u32::from(payinfo.cltv_expiry_delta);
    let arrived = pay(&data, Htlc { amount: sent, cltv_expiry: HEIGHT + delta }).unwrap();
    assert!(arrived.amount >= Msat(1_000_000));
    assert_eq!(arrived.cltv_expiry, HEIGHT + 18);
    // Those that charge nothing change nothing.
    let free = builder(&hops, 18).dummy_hops(MAX_DUMMY_HOPS, PaymentRelay::default()).payinfo();
    assert_eq!(free, builder(&hops, 18).payinfo());
}

#[test]
fn an_expired_path_carries_nothing_more() {
    let (path, payinfo) = builder(&example(), 18).build(SESSION).unwrap();
    let data = told(&path, &[0x42, 0x43, 0x44, RECIPIENT].map(node));
    let begun_at =
        |height| Htlc { amount: Msat(1_000_000), cltv_expiry: height + u32::from(payinfo.cltv_expiry_delta) };
    assert!(pay(&data, begun_at(HEIGHT)).is_ok());
    // Every hop says so alike.
    let mut late = begun_at(HEIGHT + 1);
    for (data, relay) in data.iter().zip(example().map(|hop| Some(hop.relay)).into_iter().chain([None])) {
        let max = late.cltv_expiry - 1;
        assert_eq!(data.payment(late), Err(PaymentRefusal::ExpiryTooHigh { cltv_expiry: late.cltv_expiry, max }));
        late.cltv_expiry -= relay.map_or(0, |relay| u32::from(relay.cltv_expiry_delta));
    }
}

/// The data of one hop, with some of its fields.
fn data(change: impl FnOnce(PathHop) -> PathHop) -> HopData {
    let path = bolt12::onion::BlindedPathBuilder::new(node(RECIPIENT).public_key())
        .through(change(PathHop::new(node(0x42).public_key())))
        .build(SESSION)
        .unwrap();
    told(&path, &[node(0x42), node(RECIPIENT)]).remove(0)
}

#[test]
fn what_a_hop_may_not_pass_on_is_refused() {
    let charge = relay(1_000, 500_000, 40);
    let limits = PaymentConstraints { max_cltv_expiry: 1_000, htlc_minimum_msat: 700 };
    let whole = || data(|hop| hop.by_channel(scid(1)).payment_relay(charge).payment_constraints(limits));
    let payment = |data: &HopData, amount, cltv_expiry| data.payment(Htlc { amount: Msat(amount), cltv_expiry });
    let forwarded = |amount, cltv_expiry| {
        Ok(PaymentStep::Forward {
            next: NextHop::Channel(scid(1)),
            outgoing: Htlc { amount: Msat(amount), cltv_expiry },
        })
    };
    assert_eq!(payment(&whole(), 2_500, 1_000), forwarded(1_000, 960));
    // Rounded up: 1,000.67
    assert_eq!(payment(&whole(), 2_501, 40), forwarded(1_001, 0));
    assert_eq!(payment(&whole(), 1_001, 40), forwarded(1, 0));
    let amount = Msat(1_000);
    assert_eq!(payment(&whole(), 1_000, 40), Err(PaymentRefusal::BelowFee { amount, relay: charge }));
    assert_eq!(payment(&whole(), 700, 40), Err(PaymentRefusal::BelowFee { amount: Msat(700), relay: charge }));
    let below = PaymentRefusal::BelowMinimum { amount: Msat(699), min: Msat(700) };
    assert_eq!(payment(&whole(), 699, 40), Err(below));
    let late = PaymentRefusal::ExpiryTooHigh { cltv_expiry: 1_001, max: 1_000 };
    assert_eq!(payment(&whole(), 2_500, 1_001), Err(late));
    let early = PaymentRefusal::ExpiryTooLow { cltv_expiry: 39, delta: 40 };
    assert_eq!(payment(&whole(), 2_500, 39), Err(early));
    // Unknown features count even if they are odd.
    let features = Features::new([Feature(3)]).unwrap();
    let odd = data(|hop| hop.payment_relay(charge).allowed_features(&features));
    assert_eq!(payment(&odd, 2_500, 40), Err(PaymentRefusal::UnknownFeature(3)));
    // A path for messages.
    assert_eq!(payment(&data(|hop| hop), 2_500, 40), Err(PaymentRefusal::NoRelay));
    let channel_and_node = [&[2, 8][..], &[0; 8], &[4, 33], &node(1).public_key().serialize(), &[10, 6], &[0; 6]];
    let both = HopData::read(channel_and_node.concat()).unwrap();
    assert_eq!(payment(&both, 2_500, 40), Err(PaymentRefusal::TwoNextHops));
    // Without constraints all goes through.
    let free = data(|hop| hop.by_channel(scid(1)).payment_relay(PaymentRelay::default()));
    assert_eq!(payment(&free, u64::MAX, u32::MAX), forwarded(u64::MAX, u32::MAX));

    let sentences = [late, below, PaymentRefusal::BelowFee { amount, relay: charge }, early]
        .into_iter()
        .chain([PaymentRefusal::UnknownFeature(3), PaymentRefusal::TwoNextHops, PaymentRefusal::NoRelay])
        .map(|refusal| refusal.to_string());
    let expected = [
        "the payment expires at height 1001, and its path allows 1000 at most",
        "the payment is 0.699 sat, and its path carries no less than 0.7 sat",
        "the payment is 1 sat, which does not exceed the fee of 1 sat and 500000 millionths",
        "the payment expires at height 39, which leaves no 40 blocks",
        "the path allows feature 3, which this version does not know; try a newer one",
        "the path names both a channel and a node as the next hop",
        "the path is one for messages: it names no fee for a payment",
    ];
    assert_eq!(sentences.collect::<Vec<_>>(), expected);
}

#[track_caller]
fn refused(error: Error, kind: ErrorKind, rule: Rule) {
    assert_eq!((error.kind(), error.rule()), (&kind, rule), "{error:#}");
}

#[test]
fn a_path_that_cannot_be_said_is_refused() {
    let through = |relay| builder(&[hop(1, relay, 1, UNLIMITED)], 18);
    let twice = |relay| through(relay).through(hop(2, relay, 1, UNLIMITED));
    // Fees and delays that have just enough room.
    let most = through(relay(u32::MAX, 0, u16::MAX - 18)).payinfo().unwrap();
    assert_eq!((most.fee_base_msat, most.cltv_expiry_delta), (u32::MAX, u16::MAX));
    let most = through(relay(0, u32::MAX, 0)).payinfo().unwrap();
    assert_eq!(most.fee_proportional_millionths, u32::MAX);
    for builder in [
        through(relay(0, 0, u16::MAX - 17)),
        twice(relay(0, 0, 40_000)),
        twice(relay(1 << 31, 0, 0)),
        twice(relay(0, u32::MAX, 0)),
        twice(relay(u32::MAX, u32::MAX, u16::MAX)),
    ] {
        refused(builder.payinfo().unwrap_err(), ErrorKind::Overflow, Rule::Tlv2);
        refused(builder.build(SESSION).unwrap_err(), ErrorKind::Overflow, Rule::Tlv2);
    }
    // A height that leaves no room.
    let at = |height| {
        let builder = PaymentPathBuilder::new(node(RECIPIENT).public_key(), PATH_ID, 18, height);
        builder.through(hop(1, relay(0, 0, 40), 1, UNLIMITED)).build(SESSION)
    };
    at(u32::MAX - 58).unwrap();
    refused(at(u32::MAX - 57).unwrap_err(), ErrorKind::Overflow, Rule::Tlv2);
    // EXC-11: limits that leave nothing.
    let limited = |min, max| builder(&[hop(1, relay(1_000, 0, 40), min, max)], 18);
    let nothing = |min, max| ErrorKind::CannotCarry { amount: Msat(min), min: Msat(min), max: Msat(max) };
    assert_eq!(limited(1, 1_001).payinfo().unwrap().htlc_maximum_msat, 1);
    refused(limited(1, 1_000).payinfo().unwrap_err(), nothing(1, 0), Rule::Exc11);
    refused(limited(1, 0).build(SESSION).unwrap_err(), nothing(1, 0), Rule::Exc11);
    refused(limited(3_000, 2_500).payinfo().unwrap_err(), nothing(2_000, 1_500), Rule::Exc11);
    let picky = limited(1, 2_500).htlc_minimum_msat(1_501);
    refused(picky.payinfo().unwrap_err(), nothing(1_501, 1_500), Rule::Exc11);
    // PTH-1
    for count in [MAX_DUMMY_HOPS + 1, usize::MAX] {
        let builder = builder(&[], 18).dummy_hops(count, PaymentRelay::default());
        refused(builder.payinfo().unwrap_err(), ErrorKind::TooManyEntries, Rule::Pth1);
        refused(builder.build(SESSION).unwrap_err(), ErrorKind::TooManyEntries, Rule::Pth1);
    }
    refused(builder(&[], 18).build([0; 32]).unwrap_err(), ErrorKind::InvalidSecret, Rule::Tlv7);
}

#[test]
fn a_builder_does_not_show_the_path_id() {
    let shown = format!("{:?}", builder(&example(), 18));
    assert!(shown.contains("through") && !shown.contains("9, 9"), "{shown}");
}

/// Hops as they are, and as they could be.
fn relays(max: usize) -> impl Strategy<Value = Vec<PaymentRelay>> {
    let base = prop_oneof![0..5_000u32, 0..1_000_000_000u32];
    let millionths = prop_oneof![Just(0u32), 0..5_000u32, 0..2_000_000u32];
    let one = (base, millionths, 0..2_016u16).prop_map(|(base, millionths, cltv)| relay(base, millionths, cltv));
    prop::collection::vec(one, 0..=max)
}

fn amounts() -> impl Strategy<Value = u64> {
    prop_oneof![1..2_000u64, 1..10_000_000u64, 1..100_000_000_000_000u64]
}

/// What a node takes for forwarding, as channels announce it: BOLT 7's fee, rounded down.
fn with_fee(relay: &PaymentRelay, amount: u128) -> u128 {
    let millionths = u128::from(relay.fee_proportional_millionths);
    amount + u128::from(relay.fee_base_msat) + amount * millionths / 1_000_000
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    // The specification's formulas, from the last hop to the first.
    #[test]
    fn fees_are_those_of_the_hops_one_by_one(relays in relays(8), last in 0..2_016u16) {
        let hops: Vec<_> = relays.iter().zip(1..).map(|(relay, number)| hop(number, *relay, 0, u64::MAX)).collect();
        let up = |millionths: u128| millionths / 1_000_000 + u128::from(millionths % 1_000_000 > 0);
        let (mut base, mut all, mut delta) = (0u128, 0u128, u128::from(last));
        for relay in relays.iter().rev() {
            let own = u128::from(relay.fee_proportional_millionths);
            base = up(u128::from(relay.fee_base_msat) * 1_000_000 + base * (1_000_000 + own));
            all = up((all + own) * 1_000_000 + all * own);
            delta += u128::from(relay.cltv_expiry_delta);
        }
        let fits = base <= u32::MAX.into() && all <= u32::MAX.into() && delta <= u16::MAX.into();
        match builder(&hops, last).payinfo() {
            Ok(payinfo) => {
                prop_assert!(fits);
                prop_assert_eq!(u128::from(payinfo.fee_base_msat), base);
                prop_assert_eq!(u128::from(payinfo.fee_proportional_millionths), all);
                prop_assert_eq!(u128::from(payinfo.cltv_expiry_delta), delta);
            }
            Err(error) => {
                let is_empty = matches!(error.kind(), ErrorKind::CannotCarry { .. });
                prop_assert!(is_empty || !fits, "{error}");
            }
        }
    }

    /// The payer pays what it has to and not much more, and the recipient gets what was agreed, when it was agreed.
    #[test]
    fn the_recipient_gets_at_least_the_amount(relays in relays(8), amount in amounts(), last in 0..200u16) {
        let hops: Vec<_> = relays.iter().zip(1..).map(|(relay, number)| hop(number, *relay, 0, u64::MAX)).collect();
        let payinfo = builder(&hops, last).payinfo();
        prop_assume!(payinfo.is_ok());
        let payinfo = payinfo.unwrap();
        prop_assume!(payinfo.carries(Msat(amount)));
        let fee = payinfo.fee(Msat(amount)).unwrap();
        let (sent, mut arrived) = (amount + fee.0, Some(Msat(amount + fee.0)));
        for relay in &relays {
            arrived = arrived.and_then(|amount| relay.amount_to_forward(amount));
        }
        prop_assert!(arrived.unwrap() >= Msat(amount));
        // The least that has to come in so that an amount goes out, hop by hop from the last: with one less, the
        // fraction rounds up to one less.
        let mut least = u128::from(amount);
        let mut rounding = 0u128;
        for relay in relays.iter().rev() {
            let price = 1_000_000 + u128::from(relay.fee_proportional_millionths);
            let before = least;
            least = u128::from(relay.fee_base_msat) + (before - 1) * price / 1_000_000 + 1;
            let needed = Msat(u64::try_from(least).unwrap());
            prop_assert_eq!(relay.amount_to_forward(needed), Some(Msat(before as u64)));
            prop_assert!(relay.amount_to_forward(Msat(needed.0 - 1)).is_none_or(|less| u128::from(less.0) < before));
            // Rounding up: less than one for the base fee, less than a millionth of the amount for the other, and less
            // than one with its fee for each step of the least.
            rounding = (rounding * price).div_ceil(1_000_000) + u128::from(amount) / 1_000_000 + 2 + price / 1_000_000;
        }
        let sent = u128::from(sent);
        prop_assert!(sent >= least, "{sent} {least}");
        prop_assert!(sent - least <= rounding, "{} {rounding}", sent - least);
    }

    /// What is sent at the limits keeps to those of every hop, up to rounding.
    #[test]
    fn limits_are_those_of_the_hops(
        relays in relays(8),
        limits in prop::collection::vec((0..2_000_000_000u64, 0..4_000_000_000_000u64), 9),
    ) {
        let hop = |(at, relay): (usize, &PaymentRelay)| hop(at as u8 + 1, *relay, limits[at].0, limits[at].1);
        let hops: Vec<_> = relays.iter().enumerate().map(hop).collect();
        let (min, max) = limits[8];
        let builder = builder(&hops, 0).htlc_minimum_msat(min).htlc_maximum_msat(max);
        // What each hop gets if its followers take what they announce, from the first to the recipient.
        let received = |amount: u64| {
            let mut received = vec![u128::from(amount)];
            for relay in relays.iter().rev() {
                received.insert(0, with_fee(relay, received[0]));
            }
            received
        };
        let all: Vec<(u128, u128)> = (0..hops.len()).chain([8]).map(|at| (limits[at].0.into(), limits[at].1.into())).collect();
        let below_all = |amount| received(amount).iter().zip(&all).all(|(amount, (_, max))| amount <= max);
        match builder.payinfo() {
            Ok(payinfo) => {
                let (least, most) = (payinfo.htlc_minimum_msat, payinfo.htlc_maximum_msat);
                prop_assert!(least <= most && least > 0);
                prop_assert!(below_all(most));
                prop_assert!(!below_all(most + 1) || most == UNLIMITED);
                // One more than the minimum is enough everywhere. The minimum itself may be short by the rounding, and
                // what is less than it by one is short somewhere.
                let above_all = |amount| received(amount).iter().zip(&all).all(|(amount, (min, _))| amount >= min);
                prop_assert!(above_all(least + 1));
                prop_assert!(least == 1 || !above_all(least - 1));
            }
            Err(error) => {
                let ErrorKind::CannotCarry { min, max, .. } = error.kind() else {
                    return Err(TestCaseError::reject("too large a fee"));
                };
                prop_assert!(max < min);
                prop_assert!(!below_all(min.0.max(1)) || max.0 > 0);
            }
        }
    }

    /// Built paths say what was asked for.
    #[test]
    fn hops_are_told_what_they_need(relays in relays(4), dummies in 0..3usize, last in 0..200u16, height in any::<u32>()) {
        let hops: Vec<_> = relays.iter().zip(1..).map(|(relay, number)| hop(number, *relay, 7, UNLIMITED)).collect();
        let new = PaymentPathBuilder::new(node(RECIPIENT).public_key(), PATH_ID, last, height / 2);
        let builder = hops.iter().fold(new, |builder, hop| builder.through(*hop)).dummy_hops(dummies, relay(3, 4, 5));
        let built = builder.clone().build(SESSION);
        prop_assert_eq!(built.is_ok(), builder.payinfo().is_ok());
        prop_assume!(built.is_ok());
        let (path, payinfo) = built.unwrap();
        prop_assert_eq!(&payinfo, &builder.payinfo().unwrap());
        let numbers = (1..=hops.len() as u8).chain(vec![RECIPIENT; dummies + 1]);
        let data = told(&path, &numbers.map(node).collect::<Vec<_>>());
        let mut max = height / 2 + u32::from(payinfo.cltv_expiry_delta);
        for data in &data {
            prop_assert_eq!(data.payment_constraints().unwrap().max_cltv_expiry, max);
            max -= data.payment_relay().map_or(0, |relay| u32::from(relay.cltv_expiry_delta));
        }
        prop_assert_eq!(max, height / 2 + u32::from(last));
    }
}

/// What a path takes of a payment's onion (BOLT 4): for each hop its payload's length, the payload, and an HMAC of 32
/// bytes. The payload has the encrypted data, in the first hop the path key, and in the last amount, height and total.
fn onion_len(path: &BlindedPath<'_>) -> usize {
    let size = |len: usize| if len < 253 { 1 } else { 3 };
    let last = path.hops().count() - 1;
    let payload = |(at, len): (usize, usize)| {
        let key = if at == 0 { 2 + 33 } else { 0 };
        let amounts = if at == last { (2 + 8) + (2 + 4) + (2 + 8) } else { 0 };
        let payload = 1 + size(len) + len + key + amounts;
        size(payload) + payload + 32
    };
    path.hops().map(|hop| hop.encrypted_recipient_data.len()).enumerate().map(payload).sum()
}

/// The most that a hop before the path takes: amount, height, channel, length and HMAC.
const PLAIN_HOP: usize = (2 + 8) + (2 + 4) + (2 + 8) + 1 + 32;

// CON-8, EXC-22: path ids of the lengths that a payee's have, over one peer and over two. An onion has 1300 bytes.
#[test]
fn a_long_path_id_leaves_room_in_the_onion() {
    let through = |peers: u8, path_id: usize, pads: bool| {
        let builder = PaymentPathBuilder::new(node(RECIPIENT).public_key(), vec![9; path_id], 18, HEIGHT);
        let hops = (1..=peers).map(|number| hop(number, relay(1_000, 10, 34), 1, UNLIMITED));
        let builder = hops.fold(builder, PaymentPathBuilder::through);
        let builder = if pads { builder } else { builder.unpadded_end() };
        1300usize.checked_sub(onion_len(&builder.build(SESSION).unwrap().0)).map(|left| left / PLAIN_HOP)
    };
    // What was sold, with 64 bytes of the application's; the same with a contact's secret; and with the payer's offer.
    let left = |pads| [238, 270, 571].map(|len| [1, 2].map(|peers| through(peers, len, pads)));
    assert_eq!(left(true), [[Some(10), Some(5)], [Some(9), Some(3)], [None, None]]);
    assert_eq!(left(false), [[Some(14), Some(13)], [Some(13), Some(12)], [Some(8), Some(7)]]);
}

// PTH-1: the hops before the last still look alike, dummy hops too.
#[test]
fn only_the_last_hop_has_a_length_of_its_own() {
    let peer = hop(1, relay(1_000, 10, 34), 1, UNLIMITED);
    let builder = builder(&[peer], 18).dummy_hops(2, PaymentRelay::default());
    let lens = |builder: PaymentPathBuilder| -> Vec<usize> {
        let (path, _) = builder.build(SESSION).unwrap();
        path.hops().map(|hop| hop.encrypted_recipient_data.len()).collect()
    };
    let padded = lens(builder.clone());
    assert!(padded.windows(2).all(|pair| pair[0] == pair[1]));
    let unpadded = lens(builder.unpadded_end());
    assert!(unpadded[..3].windows(2).all(|pair| pair[0] == pair[1]));
    assert!(unpadded[3] < unpadded[0] && unpadded[0] <= padded[0]);
    // It can be read all the same.
    let nodes = [node(1), node(RECIPIENT), node(RECIPIENT), node(RECIPIENT)];
    let dummies = PaymentPathBuilder::new(node(RECIPIENT).public_key(), PATH_ID, 18, HEIGHT).through(peer);
    let (path, _) = dummies.dummy_hops(2, PaymentRelay::default()).unpadded_end().build(SESSION).unwrap();
    assert_eq!(told(&path, &nodes).last().unwrap().path_id(), Some(&PATH_ID[..]));
}
