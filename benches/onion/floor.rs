//! What an operation does on the curve, and nothing else.

use std::hint::black_box;

use bolt12::secp256k1::ecdh::SharedSecret;
use bolt12::secp256k1::{All, PublicKey, Scalar, Secp256k1, SecretKey};

use crate::measure::Side;

/// How often the primitives are needed.
#[derive(Clone, Copy, Default)]
pub(crate) struct Floor {
    /// Points decompressed.
    pub(crate) points: usize,
    /// A secret key's public key.
    pub(crate) public_keys: usize,
    /// A point times a secret key, in constant time.
    pub(crate) shared_secrets: usize,
    /// A point times a factor.
    pub(crate) products: usize,
}

impl Floor {
    pub(crate) fn side(self, context: &Secp256k1<All>) -> Side<'_> {
        let secret = SecretKey::from_slice(&[0x5a; 32]).expect("a key");
        let factor = Scalar::from_be_bytes([0x5b; 32]).expect("a factor");
        let point = PublicKey::from_secret_key(context, &secret);
        let bytes = point.serialize();
        Side::new(
            || (),
            move |()| {
                for _ in 0..self.points {
                    black_box(PublicKey::from_slice(black_box(&bytes)).expect("a point"));
                }
                for _ in 0..self.public_keys {
                    black_box(PublicKey::from_secret_key(context, black_box(&secret)));
                }
                for _ in 0..self.shared_secrets {
                    black_box(SharedSecret::new(black_box(&point), &secret));
                }
                for _ in 0..self.products {
                    black_box(black_box(point).mul_tweak(context, &factor).expect("a point"));
                }
            },
        )
    }
}
