//! Takes one hop off a blinded path.

use core::fmt;

use secp256k1::{Keypair, PublicKey};

use super::data::HopData;
use super::keys::{DummyKey, Secret, Shared};
use crate::error::Error;

/// What the node of one hop of a blinded path gets out of it.
///
/// `Debug` shows no secret, and the keys are wiped when this is dropped.
pub struct Unblinded {
    data: HopData,
    path_key: PublicKey,
    shared: Shared,
    key: Secret,
}

impl Unblinded {
    /// Opens a hop with the key of its node, whether that is the introduction node, one in between or the
    /// recipient. `path_key` is the path's first, or the one that came with the message.
    ///
    /// # Errors
    ///
    /// `DoesNotDecrypt` (PTH-4) for a hop that is another node's or was changed, and whatever
    /// [`HopData::read`] refuses.
    pub fn new(node: &Keypair, path_key: &PublicKey, encrypted_recipient_data: &[u8]) -> Result<Self, Error> {
        let node = Secret::of(node);
        let shared = Shared::new(path_key, &node);
        let key = node.times(&shared.blinding()?)?;
        Self::open(shared, key, *path_key, encrypted_recipient_data)
    }

    pub(super) fn open(shared: Shared, key: Secret, path_key: PublicKey, encrypted: &[u8]) -> Result<Self, Error> {
        Ok(Self { data: HopData::decrypt(encrypted, &shared.rho())?, path_key, shared, key })
    }

    /// What the hop's node is told.
    pub fn data(&self) -> &HopData {
        &self.data
    }

    /// The path key for the next hop: the `next_path_key_override` if there is one. Costs a point multiplication
    /// otherwise.
    ///
    /// # Errors
    ///
    /// `InvalidSecret`, which nobody meets: it takes a hash that is not a scalar.
    pub fn next_path_key(&self) -> Result<PublicKey, Error> {
        match self.data.next_path_key_override() {
            Some(key) => key.public_key(),
            None => self.shared.next(&self.path_key)?.times(self.path_key),
        }
    }

    /// Whether the hop is a dummy that this node made.
    pub(super) fn is_dummy_of(&self, node: &Secret) -> bool {
        // What looks like no dummy costs nothing.
        let looks_so = self.data.path_id().is_some_and(|id| id.len() == DummyKey::TAG_LEN);
        looks_so && self.data.is_dummy(&DummyKey::of(node), &self.shared.rho())
    }

    /// The secret key of the hop's `blinded_node_id`. That of the last hop signs the invoices of an offer that has
    /// no issuer id (PTH-3).
    pub fn signing_key(&self) -> Keypair {
        self.key.keypair()
    }

    pub(super) fn into_parts(self) -> (HopData, Secret) {
        (self.data, self.key)
    }
}

/// The secret key of a hop's `blinded_node_id`. It is wiped when this is dropped, and never shown.
pub struct HopKey(Secret);

impl HopKey {
    pub(super) fn new(key: Secret) -> Self {
        Self(key)
    }

    /// The key pair, to sign with (PTH-3). Costs a point multiplication.
    pub fn keypair(&self) -> Keypair {
        self.0.keypair()
    }

    /// The `blinded_node_id` of the last hop, which an invoice names as its node id if this key signs it. Costs a point
    /// multiplication.
    pub fn public_key(&self) -> PublicKey {
        self.keypair().public_key()
    }
}

impl fmt::Debug for HopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HopKey(..)")
    }
}

impl fmt::Debug for Unblinded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unblinded").field("data", &self.data).field("path_key", &self.path_key).finish_non_exhaustive()
    }
}
