//! What an operation does on the curve, and nothing else.

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
                let points = (0..self.points).map(|_| PublicKey::from_slice(&bytes)).filter(Result::is_ok).count();
                let keys = (0..self.public_keys).map(|_| PublicKey::from_secret_key(context, &secret));
                let products = (0..self.products).filter_map(|_| point.mul_tweak(context, &factor).ok());
                let last = keys.chain(products).last();
                let shared = (0..self.shared_secrets).map(|_| SharedSecret::new(&point, &secret)).last();
                (points, last, shared)
            },
        )
    }
}
