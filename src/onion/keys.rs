//! What a hop shares with the maker of the path or the packet, and the keys derived from that.

use hmac::Mac;
use secp256k1::ecdh::SharedSecret;
use secp256k1::{Keypair, PublicKey, Scalar, SecretKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::crypto::{Bytes32, mac};
use crate::error::{Error, ErrorKind, Rule};
use crate::signature::context;

/// A secret key that is wiped when it is dropped, and shows nothing.
pub(crate) struct Secret(SecretKey);

impl Secret {
    pub(crate) fn new(bytes: &Bytes32) -> Result<Self, Error> {
        SecretKey::from_slice(bytes.as_slice()).map(Self).map_err(|_| invalid())
    }

    pub(crate) fn of(key: &Keypair) -> Self {
        Self(key.secret_key())
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        PublicKey::from_secret_key(context(), &self.0)
    }

    pub(super) fn keypair(&self) -> Keypair {
        Keypair::from_secret_key(context(), &self.0)
    }

    /// In constant time.
    pub(super) fn times(&self, factor: &Factor) -> Result<Self, Error> {
        self.0.mul_tweak(&factor.0).map(Self).map_err(|_| invalid())
    }

    pub(super) fn bytes(&self) -> Bytes32 {
        Zeroizing::new(self.0.secret_bytes())
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.non_secure_erase();
    }
}

/// What a key is multiplied with.
///
/// Points are multiplied in a time that depends on the factor, as everywhere that blinds public keys. That is a hash
/// which is used once; secret keys, which are used for long, are only multiplied in constant time.
pub(super) struct Factor(Scalar);

impl Factor {
    fn new(bytes: Bytes32) -> Result<Self, Error> {
        Scalar::from_be_bytes(*bytes).map(Self).map_err(|_| invalid())
    }

    pub(super) fn times(&self, point: PublicKey) -> Result<PublicKey, Error> {
        point.mul_tweak(context(), &self.0).map_err(|_| invalid())
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> [u8; 32] {
        self.0.to_be_bytes()
    }
}

impl Drop for Factor {
    fn drop(&mut self) {
        self.0.non_secure_erase();
    }
}

/// A number that is zero or not below the order of the curve: nobody meets one that is random or a hash.
fn invalid() -> Error {
    Error::new(ErrorKind::InvalidSecret, Rule::Tlv7)
}

/// The specification's `ss`: SHA-256 of the compressed point that both sides can compute.
pub(crate) struct Shared(Bytes32);

impl Shared {
    /// In constant time.
    pub(crate) fn new(point: &PublicKey, secret: &Secret) -> Self {
        let mut shared = SharedSecret::new(point, &secret.0);
        let bytes = Zeroizing::new(shared.secret_bytes());
        shared.non_secure_erase();
        Self(bytes)
    }

    #[cfg(any(test, feature = "peer"))]
    pub(crate) fn bytes(&self) -> Bytes32 {
        self.0.clone()
    }

    /// The key of the hop's encrypted data or of its payload.
    pub(super) fn rho(&self) -> Bytes32 {
        derive(b"rho", &self.0)
    }

    /// The key that authenticates a packet.
    pub(super) fn mu(&self) -> Bytes32 {
        derive(b"mu", &self.0)
    }

    /// What turns a node's key into its blinded key.
    pub(super) fn blinding(&self) -> Result<Factor, Error> {
        Factor::new(derive(b"blinded_node_id", &self.0))
    }

    /// What turns the ephemeral key of this hop into that of the next.
    pub(super) fn next(&self, ephemeral: &PublicKey) -> Result<Factor, Error> {
        let hash = Sha256::new().chain_update(ephemeral.serialize()).chain_update(self.0.as_slice()).finalize();
        Factor::new(Zeroizing::new(hash.into()))
    }
}

/// The key by which a node knows its own dummy hops (PTH-1): anyone else who puts its node id into a path several times
/// makes it do nothing.
#[derive(Clone)]
pub(super) struct DummyKey(Bytes32);

impl DummyKey {
    /// The bytes that authenticate a hop.
    pub(super) const TAG_LEN: usize = 16;

    pub(super) fn of(node: &Secret) -> Self {
        Self(derive(b"bolt12 dummy hop", &node.bytes()))
    }

    /// What is told to the hop whose data is encrypted with this key.
    pub(super) fn tag(&self, rho: &Bytes32) -> [u8; Self::TAG_LEN] {
        let whole: [u8; 32] = mac(self.0.as_slice()).chain_update(rho.as_slice()).finalize().into_bytes().into();
        whole.first_chunk().copied().unwrap_or_default()
    }

    /// In constant time.
    pub(super) fn verifies(&self, rho: &Bytes32, tag: &[u8]) -> bool {
        tag.len() == Self::TAG_LEN
            && mac(self.0.as_slice()).chain_update(rho.as_slice()).verify_truncated_left(tag).is_ok()
    }
}

/// HMAC-SHA256 under a label.
pub(super) fn derive(label: &[u8], secret: &Bytes32) -> Bytes32 {
    Zeroizing::new(mac(label).chain_update(secret.as_slice()).finalize().into_bytes().into())
}
