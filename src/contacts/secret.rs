//! The secret by which two contacts recognise each other's payments.

use core::fmt;

use ctutils::CtEq;
use secp256k1::ecdh::shared_secret_point;
use secp256k1::{PublicKey, SecretKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

/// What two contacts have in common, and nobody else knows: who pays says it, and who is paid recognises it.
///
/// Comparing takes the same time whatever differs (CON-9), and `Debug` does not show it. Anyone who learns it can make
/// payments that seem to come from the contact, and nothing else.
///
/// ```
/// use bolt12::ContactSecret;
/// use bolt12::secp256k1::{Keypair, Secp256k1};
///
/// let secp = Secp256k1::new();
/// let (alice, bob) = (Keypair::from_seckey_slice(&secp, &[1; 32])?, Keypair::from_seckey_slice(&secp, &[2; 32])?);
/// let secret = ContactSecret::derive(&alice.secret_key(), &bob.public_key());
/// assert_eq!(secret, ContactSecret::derive(&bob.secret_key(), &alice.public_key()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct ContactSecret([u8; 32]);

impl ContactSecret {
    /// A secret that was stored or received.
    pub const fn from_byte_array(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The secret as bytes.
    pub const fn to_byte_array(self) -> [u8; 32] {
        self.0
    }

    /// The secret of two offers (CON-5), from the private key of the own one's [node
    /// id](crate::OfferFields::offer_node_id) and the node id of the other. Both sides come to the same. In constant
    /// time.
    pub fn derive(own: &SecretKey, theirs: &PublicKey) -> Self {
        let mut shared = shared_secret_point(theirs, own);
        let (x, y) = shared.split_at(32);
        let parity = y.last().map_or(0, |last| last & 1);
        let mut point = [2 | parity; 33];
        point.iter_mut().skip(1).zip(x).for_each(|(slot, byte)| *slot = *byte);
        let secret = Self::of(&point);
        shared.zeroize();
        point.zeroize();
        secret
    }

    /// The same from the product of that private key and that node id, computed by the holder of the key.
    pub fn from_shared_point(product: &PublicKey) -> Self {
        Self::of(&product.serialize())
    }

    fn of(point: &[u8; 33]) -> Self {
        Self(Sha256::new().chain_update(b"blip42_contact_secret").chain_update(point).finalize().into())
    }
}

/// CON-9
impl PartialEq for ContactSecret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).to_bool()
    }
}

impl Eq for ContactSecret {}

impl fmt::Debug for ContactSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContactSecret(..)")
    }
}
