//! What an operation does on the curve, and nothing else.

use std::hint::black_box;

use bolt12::Point;
use bolt12::secp256k1::ecdh::SharedSecret;
use bolt12::secp256k1::{All, PublicKey, Scalar, Secp256k1, SecretKey};

use crate::measure::Side;
use crate::table::Floors;

/// How often the primitives are needed.
#[derive(Clone, Copy, Default)]
pub(crate) struct Floor {
    /// Points decompressed.
    pub(crate) points: usize,
    /// Points that only have to be on the curve.
    pub(crate) checked: usize,
    /// A secret key's public key.
    pub(crate) public_keys: usize,
    /// A point times a secret key, in constant time.
    pub(crate) shared_secrets: usize,
    /// A point times a factor.
    pub(crate) products: usize,
}

impl Floor {
    /// Both floors: with a symbol for each point that is only checked, and with a root for every point.
    pub(crate) fn sides(self, context: &Secp256k1<All>) -> Floors<'_> {
        let roots = Self { points: self.points + self.checked, checked: 0, ..self };
        Floors { least: self.side(context), roots: Some(roots.side(context)) }
    }

    fn side(self, context: &Secp256k1<All>) -> Side<'_> {
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
                for _ in 0..self.checked {
                    black_box(Point::try_from(black_box(bytes)).expect("a point"));
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
