//! Payment paths beside LDK's: the same fees and limits for the same hops, and each side reads what the other writes.

use std::sync::Mutex;

use bolt12::lightning::{from_payment_path, ldk, to_payment_path};
use bolt12::onion::{HopData, Htlc, PaymentHop, PaymentPathBuilder, PaymentRelay, PaymentStep, Unblinded};
use bolt12::secp256k1::{Keypair, PublicKey, Secp256k1};
use bolt12::{BlindedPath, ErrorKind, Msat, PayInfo, ShortChannelId};
use ldk::blinded_path::NodeIdLookUp;
use ldk::blinded_path::payment::{
    BlindedPaymentPath, Bolt12RefundContext, ForwardTlvs, PaymentConstraints, PaymentContext, PaymentForwardNode,
    PaymentRelay as TheirRelay, UnauthenticatedReceiveTlvs,
};
use ldk::ln::inbound_payment::ExpandedKey;
use ldk::offers::nonce::Nonce;
use ldk::sign::KeysManager;
use ldk::types::features::BlindedHopFeatures;
use ldk::types::payment::PaymentSecret;
use proptest::prelude::*;

const RECIPIENT: u8 = 100;
const HEIGHT: u32 = 900_000;

fn manager(number: u8) -> KeysManager {
    KeysManager::new(&[number; 32], 1, number.into(), true)
}

fn node(number: u8) -> Keypair {
    Keypair::from_secret_key(&Secp256k1::new(), &manager(number).get_node_secret_key())
}

fn id(number: u8) -> PublicKey {
    node(number).public_key()
}

/// The channel of a node with the next, by the node's number.
fn scid(number: u8) -> u64 {
    u64::from(number) << 40 | 1
}

/// What a node asks for, and its limits.
#[derive(Clone, Copy, Debug)]
struct Terms {
    base: u32,
    millionths: u32,
    cltv: u16,
    least: u64,
    most: u64,
}

fn ours(terms: &[Terms], last: &Terms) -> PaymentPathBuilder {
    let builder = PaymentPathBuilder::new(id(RECIPIENT), [9; 32], last.cltv, HEIGHT);
    let builder = builder.htlc_minimum_msat(last.least).htlc_maximum_msat(last.most);
    terms.iter().zip(1..).fold(builder, |builder, (terms, number)| {
        builder.through(PaymentHop {
            node_id: id(number),
            short_channel_id: ShortChannelId(scid(number)),
            relay: relay(terms),
            htlc_minimum_msat: terms.least,
            htlc_maximum_msat: terms.most,
        })
    })
}

fn relay(terms: &Terms) -> PaymentRelay {
    PaymentRelay {
        cltv_expiry_delta: terms.cltv,
        fee_proportional_millionths: terms.millionths,
        fee_base_msat: terms.base,
    }
}

fn theirs(terms: &[Terms], last: &Terms) -> Result<BlindedPaymentPath, ()> {
    let hop = |(terms, number): (&Terms, u8)| PaymentForwardNode {
        tlvs: ForwardTlvs {
            short_channel_id: scid(number),
            payment_relay: TheirRelay {
                cltv_expiry_delta: terms.cltv,
                fee_proportional_millionths: terms.millionths,
                fee_base_msat: terms.base,
            },
            payment_constraints: PaymentConstraints { max_cltv_expiry: HEIGHT, htlc_minimum_msat: terms.least },
            features: BlindedHopFeatures::empty(),
            next_blinding_override: None,
        },
        node_id: id(number),
        htlc_maximum_msat: terms.most,
    };
    let hops: Vec<_> = terms.iter().zip(1..).map(hop).collect();
    let keys = manager(RECIPIENT);
    let nonce = Nonce::from_entropy_source(&keys);
    let payee = UnauthenticatedReceiveTlvs {
        payment_secret: PaymentSecret([1; 32]),
        payment_constraints: PaymentConstraints { max_cltv_expiry: HEIGHT, htlc_minimum_msat: last.least },
        payment_context: PaymentContext::Bolt12Refund(Bolt12RefundContext {}),
    };
    let payee = payee.authenticate(nonce, &ExpandedKey::new([2; 32]));
    BlindedPaymentPath::new(&hops, id(RECIPIENT), payee, last.most, last.cltv, &keys, &Secp256k1::new())
}

/// Compares both, and returns what both found.
fn same(terms: &[Terms], last: &Terms) -> Option<PayInfo<'static>> {
    match (ours(terms, last).payinfo(), theirs(terms, last)) {
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(ours, PayInfo::try_from(&theirs.payinfo).unwrap(), "{terms:?} {last:?}");
            Some(ours)
        }
        (Err(error), Err(())) => {
            assert!(matches!(error.kind(), ErrorKind::Overflow | ErrorKind::CannotCarry { .. }), "{error}");
            None
        }
        (ours, theirs) => panic!("{terms:?} {last:?}: {ours:?} {:?}", theirs.map(|path| path.payinfo)),
    }
}

const LAST: Terms = Terms { base: 0, millionths: 0, cltv: 24, least: 1, most: 21_000_000_000 };

#[test]
fn one_to_eight_hops_cost_the_same() {
    for count in 0..=8u8 {
        let terms = |number: u8| Terms {
            base: 1_000 * u32::from(number),
            millionths: 333 * u32::from(number),
            cltv: 40 + u16::from(number),
            least: 1_000 * u64::from(number % 3),
            most: 9_000_000_000 - u64::from(number),
        };
        let payinfo = same(&(1..=count).map(terms).collect::<Vec<_>>(), &LAST).unwrap();
        assert_eq!(payinfo.cltv_expiry_delta, 24 + (1..=u16::from(count)).map(|number| 40 + number).sum::<u16>());
    }
}

fn terms() -> impl Strategy<Value = Terms> {
    let base = prop_oneof![0..10_000u32, any::<u32>()];
    let millionths = prop_oneof![0..10_000u32, 0..3_000_000u32, any::<u32>()];
    let cltv = prop_oneof![0..300u16, any::<u16>()];
    let least = prop_oneof![0..3u64, 0..5_000_000u64, any::<u64>()];
    let most = prop_oneof![0..2_000_000_000u64, Just(2_100_000_000_000_000_000), any::<u64>()];
    (base, millionths, cltv, least, most).prop_map(|(base, millionths, cltv, least, most)| Terms {
        base,
        millionths,
        cltv,
        least,
        most,
    })
}

/// Terms that rarely exclude each other.
fn fair() -> impl Strategy<Value = Terms> {
    (0..10_000u32, 0..20_000u32, 0..300u16, 0..100_000u64, 1_000_000_000..u64::MAX)
        .prop_map(|(base, millionths, cltv, least, most)| Terms { base, millionths, cltv, least, most })
}

/// Who is at the other end of a channel, and which channels were asked for.
struct Channels(u8, Mutex<Vec<u64>>);

impl NodeIdLookUp for Channels {
    fn next_node_id(&self, channel: u64) -> Option<PublicKey> {
        self.1.lock().unwrap().push(channel);
        let number = (1..=self.0).find(|number| scid(*number) == channel)?;
        Some(id(if number == self.0 { RECIPIENT } else { number + 1 }))
    }
}

/// What each hop is told, as we read it.
fn told(path: &BlindedPath<'_>, numbers: impl Iterator<Item = u8>) -> Vec<HopData> {
    let mut path_key = path.first_path_key().public_key().unwrap();
    let read = |(hop, number): (bolt12::BlindedHop<'_>, u8)| {
        let unblinded = Unblinded::new(&node(number), &path_key, hop.encrypted_recipient_data).unwrap();
        path_key = unblinded.next_path_key().unwrap();
        unblinded.data().clone()
    };
    path.hops().zip(numbers).map(read).collect()
}

#[test]
fn each_side_reads_the_hops_of_the_other() {
    let terms = |number: u8| Terms { base: 1_000, millionths: 100 * u32::from(number), cltv: 40, least: 5, ..LAST };
    for count in 1..=8u8 {
        let terms: Vec<_> = (1..=count).map(terms).collect();
        // LDK takes our hops off, one by one, and finds who is next.
        let (path, payinfo) = ours(&terms, &LAST).build([7; 32]).unwrap();
        let mut advanced = to_payment_path(&path, &payinfo).unwrap();
        let channels = Channels(count, Mutex::default());
        for number in 1..=count {
            advanced.advance_path_by_one(&&manager(number), &&channels, &Secp256k1::new()).unwrap();
        }
        assert_eq!(*channels.1.lock().unwrap(), (1..=count).map(scid).collect::<Vec<_>>());
        // What is left is the recipient's own hop.
        let (rest, _) = from_payment_path(&advanced).unwrap();
        let last = told(&rest, [RECIPIENT].into_iter());
        assert_eq!(last[0].path_id(), Some(&[9; 32][..]));
        assert_eq!(rest.introduction_node(), id(RECIPIENT).into());

        // We read the hops that LDK wrote, and they forward what the recipient has to get.
        let (path, payinfo) = from_payment_path(&theirs(&terms, &LAST).unwrap()).unwrap();
        let amount = Msat(1_000_000);
        let sent = payinfo.fee(amount).unwrap().checked_add(amount).unwrap();
        let mut htlc = Htlc { amount: sent, cltv_expiry: HEIGHT };
        for (data, terms) in told(&path, 1..=count).iter().zip(&terms) {
            assert_eq!(data.payment_relay(), Some(relay(terms)));
            let Ok(PaymentStep::Forward { outgoing, .. }) = data.payment(htlc) else { panic!("{data:?}") };
            htlc = outgoing;
        }
        assert!(htlc.amount >= amount);
        assert_eq!(htlc.cltv_expiry, HEIGHT - 40 * u32::from(count));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_hops_cost_the_same(terms in prop::collection::vec(terms(), 0..=8), last in terms()) {
        same(&terms, &last);
    }

    #[test]
    fn hops_as_they_are_cost_the_same(terms in prop::collection::vec(fair(), 0..=8), last in fair()) {
        same(&terms, &last);
    }
}
