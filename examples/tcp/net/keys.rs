//! The keys that follow from a seed.

use bolt12::bitcoin::Network;
use bolt12::bitcoin::bip32::{ChildNumber, Xpriv};
use bolt12::bitcoin::hashes::{Hash, HashEngine, Hmac, HmacEngine, sha256};
use bolt12::exchange::{Payee, Payer};
use bolt12::secp256k1::{Keypair, Secp256k1};

/// The keys that follow from a seed.
pub(crate) struct Keys {
    pub(crate) node: Keypair,
    seed: [u8; 32],
}

impl Keys {
    /// The node's key is the one that an LDK node with this seed has.
    pub(crate) fn new(seed: [u8; 32]) -> Result<Self, String> {
        let secp = Secp256k1::new();
        let path = [ChildNumber::Hardened { index: 0 }];
        let key = Xpriv::new_master(Network::Testnet, &seed).and_then(|master| master.derive_priv(&secp, &path));
        let key = key.map_err(|error| error.to_string())?;
        Ok(Self { node: Keypair::from_secret_key(&secp, &key.private_key), seed })
    }

    /// A secret for each purpose.
    fn secret(&self, purpose: &str) -> [u8; 32] {
        let mut engine = HmacEngine::<sha256::Hash>::new(&self.seed);
        engine.input(purpose.as_bytes());
        Hmac::from_engine(engine).to_byte_array()
    }

    pub(crate) fn issuer(&self) -> Payee {
        Payee::new(self.secret("issuer"))
    }

    pub(crate) fn payer(&self) -> Payer {
        Payer::new(self.secret("payer"))
    }
}

/// Thirty-two random bytes. Where there are none, nothing can go on.
pub(crate) fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    bytes
}
