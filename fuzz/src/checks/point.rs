//! Target `point`: bytes as points.

use bolt12::secp256k1::PublicKey;
use bolt12::{ErrorKind, Point, Rule};

/// How many bytes a point takes.
const LEN: usize = 33;

/// TLV-7: taken exactly if libsecp256k1 takes it, for the input's points as they stand, and with the prefix that
/// they lack.
pub fn check(data: &[u8]) {
    for chunk in data.chunks(LEN) {
        let mut point = [0; LEN];
        point[..chunk.len()].copy_from_slice(chunk);
        is_judged_right(point);
        point[0] = 2 | point[0] & 1;
        is_judged_right(point);
    }
}

fn is_judged_right(bytes: [u8; LEN]) {
    let key = PublicKey::from_slice(&bytes);
    match Point::try_from(bytes) {
        Ok(point) => {
            assert_eq!(point.to_bytes(), bytes);
            assert_eq!(point.public_key().ok(), Some(key.expect("a point")));
        }
        Err(error) => {
            assert!(key.is_err(), "a point, and was refused");
            assert_eq!((error.kind(), error.rule()), (&ErrorKind::InvalidPoint, Rule::Tlv7));
        }
    }
}
