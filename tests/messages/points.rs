//! TLV-7: a point is taken exactly if it is on the curve. The judge is libsecp256k1, which takes the square root.

use std::fs;
use std::path::Path;

use bolt12::secp256k1::{PublicKey, Scalar, Secp256k1, SecretKey};
use bolt12::{BlindedPath, Direction, ErrorKind, Field, IntroductionNode, Offer, Point, Rule, ShortChannelId};
use num_bigint::BigUint;
use proptest::prelude::*;

type Encoded = [u8; 33];

fn p() -> BigUint {
    (BigUint::from(1u8) << 256) - (1u64 << 32) - 977u32
}

/// A point with that x, which is below 2^256 and need not be on the curve.
fn with_x(prefix: u8, x: &BigUint) -> Encoded {
    let x = x.to_bytes_be();
    let mut point = [0; 33];
    point[0] = prefix;
    point[33 - x.len()..].copy_from_slice(&x);
    point
}

/// Whether it is a point, on which both have to agree.
fn is_point(bytes: Encoded) -> bool {
    let point = Point::try_from(bytes);
    assert_eq!(point.is_ok(), PublicKey::from_slice(&bytes).is_ok(), "{bytes:02x?}");
    match &point {
        Ok(point) => assert_eq!(point.to_bytes(), bytes),
        Err(error) => assert_eq!((error.kind(), error.rule()), (&ErrorKind::InvalidPoint, Rule::Tlv7)),
    }
    point.is_ok()
}

/// The same for an x with either prefix.
fn is_x(x: &BigUint) -> bool {
    let (even, odd) = (is_point(with_x(2, x)), is_point(with_x(3, x)));
    assert_eq!(even, odd);
    even
}

#[test]
fn every_x_near_the_ends_of_the_field_is_judged_right() {
    let near = 0..10_000u32;
    let low = near.clone().filter(|x| is_x(&(*x).into())).count();
    let high = near.clone().filter(|x| is_x(&(p() - 1u8 - *x))).count();
    assert!((4_500..5_500).contains(&low) && (4_500..5_500).contains(&high), "{low}, {high}");
    assert!(!is_x(&0u8.into()), "7 is no square");
    assert!(is_x(&1u8.into()));
}

#[test]
fn an_x_that_is_not_below_p_is_refused() {
    let last = (BigUint::from(1u8) << 256) - 1u8;
    for more in 0..10_000u32 {
        assert!(!is_x(&(p() + more)));
        assert!(!is_x(&(&last - more)));
    }
}

#[test]
fn there_are_two_prefixes() {
    for x in [1u8, 5] {
        let right = (0..=u8::MAX).filter(|prefix| is_point(with_x(*prefix, &x.into()))).collect::<Vec<_>>();
        assert_eq!(right, if x == 1 { vec![2, 3] } else { vec![] });
    }
}

/// The public keys of BIP 340's vectors: points, one that is not on the curve, and one that is not below p.
#[test]
fn the_keys_of_bip_340_are_judged_right() {
    let keys = [
        ("F9308A019258C31049344F85F89D5229B531C845836F99B08601F113BCE036F9", true),
        ("DFF1D77F2A671C5F36183726DB2341BE58FEAE1DA2DECED843240F7B502BA659", true),
        ("DD308AFEC5777E13121FA72B9CC1B7CC0139715309B086C960E18FD969774EB8", true),
        ("25D1DFF95105F5253C4022F628A996AD3A0D95FBF21D468A1B33F8C160D8F517", true),
        ("D69C3509BB99E412E68B0FE8544E72837DFA30746D8BE2AA65975F29D22DC7B9", true),
        ("EEFDEA4CDB677750A420FEE807EACF21EB9898AE79B9768766E4FAA04A2D4A34", false),
        ("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC30", false),
        // Of signatures.
        ("067E337AD551B2276EC705E43F0920926A9CE08AC68159F9D258C9BBA412781C", true),
        ("4A298DACAE57395A15D0795DDBFD1DCB564DA82B0F269BC70A74F8220429BA1D", false),
        ("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F", false),
    ];
    for (x, is_on_curve) in keys {
        assert_eq!(is_x(&BigUint::from_bytes_be(&hex::decode(x).unwrap())), is_on_curve, "{x}");
    }
}

/// Whatever looks like a point in the vectors, for offers, onions and proofs: 33 bytes at any place.
#[test]
fn the_points_of_the_specifications_vectors_are_judged_right() {
    let mut points = 0;
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for word in text.split(|c: char| !c.is_ascii_hexdigit()).filter(|word| word.len() % 2 == 0) {
            let bytes = hex::decode(word).unwrap();
            let encoded = bytes.windows(33).filter(|bytes| matches!(bytes[0], 2 | 3));
            points += encoded.filter(|bytes| is_point((*bytes).try_into().unwrap())).count();
        }
    }
    assert!(points > 500, "{points}");
}

/// What is no x on the curve, but one on its twist or on a curve with another constant.
#[test]
fn points_of_other_curves_are_refused() {
    let is_square = |n: &BigUint| n.modpow(&((p() - 1u8) >> 1), &p()) == BigUint::from(1u8);
    let (mut twist, mut others) = (0, 0);
    for x in 1u32..200 {
        let cube = BigUint::from(x).pow(3);
        let on_curve = is_square(&(&cube + 7u8));
        assert_eq!(is_x(&x.into()), on_curve, "{x}");
        // -1 is no square modulo p, so every x is on the curve or on its quadratic twist.
        twist += usize::from(is_square(&(p() - (&cube + 7u8))));
        // Some of the six twists have points of small order.
        others += (1u8..7).filter(|b| !on_curve && is_square(&(&cube + *b))).count();
    }
    assert!(twist > 50 && others > 150, "{twist}, {others}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn random_encodings_are_judged_right(bytes in any::<[u8; 32]>(), prefix in 0u8..6) {
        let x = BigUint::from_bytes_be(&bytes);
        is_point(with_x(prefix, &x));
        is_x(&x);
    }

    /// The three cube roots of the same number are x of three points, or of none.
    #[test]
    fn the_curves_endomorphism_leads_to_points(bytes in any::<[u8; 32]>()) {
        let x = BigUint::from_bytes_be(&bytes) % p();
        let beta = BigUint::from(2u8).modpow(&((p() - 1u8) / 3u8), &p());
        prop_assert!(beta != BigUint::from(1u8));
        let (second, third) = (&x * &beta % p(), &x * &beta * &beta % p());
        prop_assert_eq!([is_x(&second), is_x(&third)], [is_x(&x); 2]);
    }

    /// The key of every secret is a point, and so is what comes of computing with it.
    #[test]
    fn public_keys_are_points(secret in any::<[u8; 32]>(), factor in any::<[u8; 32]>()) {
        let secp = Secp256k1::new();
        let (Ok(secret), Ok(factor)) = (SecretKey::from_slice(&secret), Scalar::from_be_bytes(factor)) else {
            return Ok(());
        };
        let key = secret.public_key(&secp);
        prop_assert!(is_point(key.serialize()));
        if let Ok(product) = key.mul_tweak(&secp, &factor) {
            prop_assert!(is_point(product.serialize()));
        }
    }
}

fn good() -> Encoded {
    with_x(2, &1u8.into())
}

fn bad() -> Encoded {
    with_x(2, &5u8.into())
}

/// Every point of a path is checked, and the error says where it stands.
#[test]
fn each_point_of_a_path_is_checked() {
    let read = |points: [Encoded; 4]| {
        let [introduction, path_key, first, second] = points;
        let hop = |id: Encoded| [&id[..], &[0, 1, 9]].concat();
        let bytes = [&introduction[..], &path_key, &[2], &hop(first), &hop(second)].concat();
        BlindedPath::from_bytes(&bytes).map(BlindedPath::into_owned)
    };
    read([good(); 4]).unwrap();
    for (at, offset) in [0, 33, 67, 103].into_iter().enumerate() {
        let mut points = [good(); 4];
        points[at] = bad();
        let error = read(points).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (&ErrorKind::InvalidPoint, Some(offset)));
    }
    let key = PublicKey::from_slice(&good()).unwrap();
    let at_channel = IntroductionNode::Channel { scid: ShortChannelId(1), direction: Direction::NodeOne };
    BlindedPath::new(at_channel, key, [(key, &[][..])]).unwrap();
}

/// An offer's key is checked when the offer is read, and is the same whenever it is asked for.
#[test]
fn an_issuer_id_is_checked_before_it_is_asked_for() {
    let offer = |id: Encoded| Offer::try_from([&[22, 33], &id[..]].concat());
    let error = offer(bad()).unwrap_err();
    assert_eq!(
        (error.kind(), error.field(), error.offset()),
        (&ErrorKind::InvalidPoint, Some(Field::OFFER_ISSUER_ID), Some(2))
    );
    let (offer, key) = (offer(good()).unwrap(), PublicKey::from_slice(&good()).unwrap());
    let unasked = offer.clone();
    assert_eq!([offer.issuer_id(), offer.issuer_id(), offer.clone().issuer_id()], [Some(key); 3]);
    assert_eq!(unasked, offer);
    assert_eq!(unasked.issuer_id(), Some(key));
}

/// `POINTS=100000000 SEED=1 cargo test --release --test messages points -- --ignored --nocapture`: ten minutes.
#[test]
#[ignore = "takes minutes, and is for a release build"]
fn a_hundred_million_random_encodings_are_judged_right() {
    let count: u64 = std::env::var("POINTS").map_or(100_000_000, |count| count.parse().unwrap());
    let seed: u64 = std::env::var("SEED").map_or(1, |seed| seed.parse().unwrap());
    // SplitMix64.
    let mut state = seed;
    let mut random = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    };
    let mut points = 0;
    for _ in 0..count {
        let mut bytes = [2; 33];
        bytes[1..].chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&random().to_be_bytes()));
        bytes[0] |= bytes[32] & 1;
        points += u64::from(is_point(bytes));
    }
    println!("{points} points in {count} encodings, from seed {seed}");
    assert!(points.abs_diff(count / 2) < count / 100 + 1_000);
}
