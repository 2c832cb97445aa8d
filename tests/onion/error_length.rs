//! ERR-1: LDK nodes write a length in front of an invoice error in an onion message. It is read with and without.

use super::messages::key;
use super::naive::{self, Record, bigsize, concat, record};
use bolt12::exchange::{Inbound, Messenger};
use bolt12::onion::{Contents, OnionMessageBuilder};
use proptest::prelude::*;

/// What arrives when these bytes are sent as TLV 68.
fn arrives(bytes: &[u8]) -> Vec<u8> {
    let contents = Contents::InvoiceError(bytes);
    let sent = OnionMessageBuilder::to_node(key(1).public_key(), contents).build([7; 32]).unwrap();
    match Messenger::new(key(1)).receive(&sent.message).unwrap() {
        Inbound::Message { message: incoming, .. } => incoming.bytes,
        other => panic!("{other:?}"),
    }
}

fn with_length(bytes: &[u8]) -> Vec<u8> {
    [bigsize(bytes.len() as u64), bytes.to_vec()].concat()
}

/// Errors with a text, and whatever else may stand in one.
fn errors() -> impl Strategy<Value = Vec<u8>> {
    let bytes = |len| proptest::collection::vec(any::<u8>(), len);
    let field = |number, value: BoxedStrategy<Vec<u8>>| {
        prop_oneof![Just(vec![]), value.prop_map(move |value| vec![record(number, &value)])]
    };
    let number = any::<u64>().prop_map(naive::truncated).boxed();
    let text = prop_oneof![".{0,10}", "[a-z]{230,270}"].prop_map(|text| record(5, text.as_bytes()));
    (field(1, number), field(3, bytes(0..40).boxed()), text, field(7, bytes(0..40).boxed())).prop_map(
        |(erroneous_field, suggested_value, text, unknown)| {
            let records: Vec<Record> = [erroneous_field, suggested_value, vec![text], unknown].concat();
            concat(&records)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_length_in_front_makes_no_difference(error in errors()) {
        prop_assert_eq!(arrives(&error), &error[..]);
        prop_assert_eq!(arrives(&with_length(&error)), &error[..]);
    }

    /// Only a length that is exactly right is left out, and only once.
    #[test]
    fn other_bytes_stay_as_they_are(error in errors(), wrong in 0u64..300) {
        prop_assume!(wrong != error.len() as u64);
        let bytes = [bigsize(wrong), error.clone()].concat();
        prop_assert_eq!(arrives(&bytes), &bytes[..]);
        let twice = with_length(&with_length(&error));
        prop_assert_eq!(arrives(&twice), &twice[..]);
    }

    #[test]
    fn no_bytes_are_lost(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
        let arrived = arrives(&bytes);
        prop_assert!(arrived == bytes || with_length(&arrived) == bytes);
    }
}

/// Three bytes of length, and the larger size of onions.
#[test]
fn a_long_error_is_read() {
    let error = concat(&[record(5, &[b'x'; 20_000])]);
    assert_eq!(arrives(&error), error);
    assert_eq!(arrives(&with_length(&error)), error);
}
