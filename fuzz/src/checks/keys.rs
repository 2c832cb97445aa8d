//! The keys that sign in fuzzing. Everybody knows them: a mutator can sign again what it changed.

use std::sync::OnceLock;

use bolt12::secp256k1::{All, Keypair, PublicKey, Secp256k1};

/// The context, made once.
pub fn context() -> &'static Secp256k1<All> {
    static CONTEXT: OnceLock<Secp256k1<All>> = OnceLock::new();
    CONTEXT.get_or_init(Secp256k1::new)
}

/// Four keys: the issuer's, the payer's, and two that belong to nobody in particular.
pub fn all() -> &'static [Keypair; 4] {
    static KEYS: OnceLock<[Keypair; 4]> = OnceLock::new();
    KEYS.get_or_init(|| {
        [0x41, 0x42, 0x43, 0x44].map(|byte| Keypair::from_seckey_slice(context(), &[byte; 32]).expect("in range"))
    })
}

/// The issuer's key.
pub fn issuer() -> &'static Keypair {
    &all()[0]
}

/// The payer's key.
pub fn payer() -> &'static Keypair {
    &all()[1]
}

/// Which of the keys has this public key.
pub fn find(public: &[u8]) -> Option<&'static Keypair> {
    all().iter().find(|key| key.public_key().serialize() == public)
}

/// The public keys.
pub fn public() -> [PublicKey; 4] {
    all().each_ref().map(Keypair::public_key)
}
