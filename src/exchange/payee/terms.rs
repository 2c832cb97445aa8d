//! On what terms a request is accepted.

use core::time::Duration;

use bitcoin::constants::ChainHash;

use crate::field::Rate;
use crate::units::{Msat, UnixTime};

/// The most that an issuer takes for an offer with a price (RQR-9): what is far above it can only be a mistake.
///
/// The default is [`Any`](Self::Any).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum MaxAmount {
    /// Whatever the payer likes to give. This is the default.
    #[default]
    Any,
    /// So much.
    Msat(Msat),
    /// So many times the price. Where the payer chooses, anything.
    TimesPrice(u64),
}

/// What an issuer knows, and wants, when it accepts a request. Every field is asked for, so that none is forgotten.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The time.
    pub now: UnixTime,
    /// The chains the issuer is paid on.
    pub chains: &'a [ChainHash],
    /// What the offer's currency is worth now: see [`ReceivedRequest::currency`](crate::exchange::ReceivedRequest::currency).
    pub rate: Option<Rate>,
    /// How old that rate is, in whole seconds.
    pub rate_age: Duration,
    /// How old it may be: with an older one no price is made, and the payer is told to ask again later (EXC-9).
    pub max_rate_age: Duration,
    /// The most to take.
    pub max_amount: MaxAmount,
}
