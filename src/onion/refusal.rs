//! Why an onion message is dropped.

/// Why an onion message was dropped, which is all there is to do with it (MSG-6).
///
/// It says no more than what a peer that sends such messages costs. Its sender learns nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Not version 0, or a key that is not on the curve. Cheap: costs at most two square roots.
    #[error("this is not an onion message")]
    Malformed,
    /// Not for this node, or changed on the way. Costs two point multiplications and a MAC over the packet, nearly as
    /// much as a good message.
    #[error("the onion message is not for this node, or was changed on its way")]
    NotAuthentic,
    /// Made for this node, but its contents cannot be used. Costs as much as a good message, with the dummy hops that
    /// this node put into the path.
    #[error("the onion message is for this node, but its contents are unusable")]
    Unusable,
}

impl Refusal {
    /// Whether nothing showed that the message was made for this node. That says little about the cost.
    ///
    /// A peer answers for what it sends, its maker: it can be held to a number of messages in a time, whether they are
    /// refused or not.
    pub const fn is_unauthenticated(self) -> bool {
        matches!(self, Self::Malformed | Self::NotAuthentic)
    }
}
