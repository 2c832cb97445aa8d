//! What conversations are found by.

use alloc::vec::Vec;

use bitcoin::hashes::sha256;

use crate::exchange::ids::PaymentId;
use crate::field::CurrencyCode;

/// What a conversation is found by, beside its id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    /// Other ids that are in the path ids of its messages.
    pub(crate) replies: [Option<PaymentId>; 2],
    /// The payment hashes that the node may have news of.
    pub(crate) hashes: Vec<sha256::Hash>,
    /// The currency of a price that a quote is compared with.
    pub(crate) priced_in: Option<CurrencyCode>,
}
