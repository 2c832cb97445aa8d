//! What the module says of offers, and that it is what the module for LDK says of them.

use std::ffi::{CString, c_char, c_void};

use bolt12::secp256k1::PublicKey;
use bolt12::{BlindedPath, ChainHash, Msat, Offer, OfferBuilder, Quantity, UnixTime};
use bolt12_lib::{bolt12_des_offer, deserialize_offer};
use lightning::offers::offer::{Amount, Offer as LdkOffer, Quantity as LdkQuantity};

const BITCOIN: &str = "6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000";
const TESTNET: &str = "43497fd7f826957108f4a30fd9cec3aeba79972084e90ead01ea330900000000";
const KEY: &str = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619";

/// The offers of the crate's tests: whether one is valid, and its text.
fn vectors() -> Vec<(bool, String)> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/data/offers.tsv");
    let lines = std::fs::read_to_string(file).unwrap();
    let vectors = lines.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut columns = line.split('\t');
        (columns.next() == Some("valid"), columns.nth(1).unwrap().to_owned())
    });
    vectors.collect()
}

fn offer() -> OfferBuilder {
    OfferBuilder::new(KEY.parse().unwrap())
}

#[test]
fn an_offer_without_anything_is_for_bitcoin() {
    let said = deserialize_offer(&offer().build().unwrap().to_string()).unwrap();
    let rest = "METADATA=;DESCRIPTION=;FEATURES=;ABSOLUTE_EXPIRY=;ISSUER=;QUANTITY=;ISSUER_ID=";
    assert_eq!(said, format!("CHAINS={BITCOIN};{rest}{KEY}"));
}

#[test]
fn every_field_is_said() {
    let other = "0324653eac434488002cc06bbfb7f10fe18991e35f9fe4302dbea6d2353dc0ab1c";
    let (node, hop) = (KEY.parse::<PublicKey>().unwrap(), other.parse().unwrap());
    let path = BlindedPath::new(node.into(), node, [(hop, &[1, 2][..]), (node, &[][..])]).unwrap();
    let offer = offer().add_chain(ChainHash::BITCOIN).add_chain(ChainHash::TESTNET3).metadata([1, 0xab]);
    let offer = offer.amount_msat(Msat(1000)).absolute_expiry(UnixTime(1_800_000_000)).add_path(path);
    let offer = offer
        .description("tea; 1 cup")
        .issuer("Bell\0&")
        .quantity_max(Quantity::AtMost(5.try_into().unwrap()))
        .build()
        .unwrap();
    let expected = [
        format!("CHAINS={BITCOIN};{TESTNET};METADATA=01ab;AMOUNT=1000;DESCRIPTION=tea; 1 cup;FEATURES="),
        format!(";ABSOLUTE_EXPIRY=1800000000;PATH_0_HOP={other};PATH_0_HOP={KEY};ISSUER=Bell\0&;QUANTITY=5"),
        format!(";ISSUER_ID={KEY}"),
    ];
    assert_eq!(deserialize_offer(&offer.to_string()).unwrap(), expected.concat());
    assert_eq!(called(&offer.to_string()), Some(expected.concat()));
}

#[test]
fn what_is_refused_has_an_empty_answer_and_what_others_leave_to_their_users_has_none() {
    assert_eq!(deserialize_offer("lno1"), Some(String::new()));
    assert_eq!(called("no offer"), Some(String::new()));
    let mut skipped = 0;
    for (valid, text) in vectors() {
        match (deserialize_offer(&text), text.parse::<LdkOffer>()) {
            (Some(said), Ok(_)) => assert!(valid && !said.is_empty(), "{text}"),
            (Some(said), Err(_)) => assert!(!valid && said.is_empty(), "{text}"),
            (None, _) => skipped += 1,
        }
        assert_eq!(called(&text), deserialize_offer(&text), "{text}");
    }
    // An even feature, no chains, no paths.
    assert_eq!(skipped, 3);
}

#[test]
fn the_module_for_ldk_says_the_same() {
    let mut compared = 0;
    for (_, text) in vectors().into_iter().filter(|(valid, _)| *valid) {
        let said = deserialize_offer(&text).unwrap();
        assert_eq!(said, as_ldk(&text.parse().unwrap()), "{text}");
        // Only one that can be read at all says something.
        assert!(text.parse::<Offer>().is_ok());
        compared += 1;
    }
    assert!(compared >= 21, "{compared}");
}

/// The string that the module for LDK makes of an offer, in the order and the format in which it makes it.
fn as_ldk(offer: &LdkOffer) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let optional = |value: Option<String>| value.unwrap_or_default();
    let chains: Vec<String> = offer.chains().iter().map(ToString::to_string).collect();
    let amount = match offer.amount() {
        Some(Amount::Bitcoin { amount_msats }) => format!(";AMOUNT={amount_msats}"),
        Some(Amount::Currency { iso4217_code, amount }) => {
            format!(";AMOUNT={amount};CURRENCY={}", iso4217_code.as_str())
        }
        None => String::new(),
    };
    let features: Vec<u8> = offer.offer_features().le_flags().iter().rev().copied().collect();
    let paths = offer.paths().iter().enumerate().flat_map(|(at, path)| {
        path.blinded_hops().iter().map(move |hop| format!(";PATH_{at}_HOP={}", hop.blinded_node_id))
    });
    let quantity = match offer.supported_quantity() {
        LdkQuantity::Bounded(most) => most.to_string(),
        LdkQuantity::One | LdkQuantity::Unbounded => String::new(),
    };
    [
        format!("CHAINS={};METADATA={}", chains.join(";"), hex(offer.metadata().map_or(&[], |bytes| bytes))),
        amount,
        format!(";DESCRIPTION={}", optional(offer.description().map(|text| text.0.to_owned()))),
        format!(";FEATURES={}", hex(&features)),
        format!(";ABSOLUTE_EXPIRY={}", optional(offer.absolute_expiry().map(|time| time.as_secs().to_string()))),
        paths.collect(),
        format!(";ISSUER={}", optional(offer.issuer().map(|text| text.0.to_owned()))),
        format!(";QUANTITY={quantity}"),
        format!(";ISSUER_ID={}", optional(offer.issuer_signing_pubkey().map(|key| key.to_string()))),
    ]
    .concat()
}

/// The answer as C++ gets it.
fn called(text: &str) -> Option<String> {
    extern "C" fn take(out: *mut c_void, answer: *const c_char, length: usize) {
        // SAFETY: `out` is the string below, and the answer is so long.
        let (out, answer) = unsafe { (&mut *out.cast::<Vec<u8>>(), std::slice::from_raw_parts(answer.cast(), length)) };
        out.extend_from_slice(answer);
    }
    let (text, mut answer) = (CString::new(text).unwrap(), Vec::new());
    // SAFETY: the string lives longer than the call.
    let is_answered = unsafe { bolt12_des_offer(text.as_ptr(), take, (&raw mut answer).cast()) };
    is_answered.then(|| String::from_utf8(answer).unwrap())
}
