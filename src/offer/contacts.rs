//! What contacts know each other's offers by.

use secp256k1::PublicKey;

use super::OfferFields;

impl OfferFields {
    /// The key that stands for the offer where two contacts derive their [secret](crate::ContactSecret): the issuer id
    /// or, without one, the last blinded key of the first path. bLIP 42 calls it the offer's node id, but it need not
    /// be a node's.
    ///
    /// It is decompressed when it is asked for, which takes several microseconds. A refund has none.
    pub fn offer_node_id(&self) -> Option<PublicKey> {
        let last = || self.paths()?.iter().next()?.last_blinded_node_id().public_key().ok();
        self.issuer_id().or_else(last)
    }
}
