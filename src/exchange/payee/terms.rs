//! On what terms a request is accepted.

use core::time::Duration;

use bitcoin::constants::ChainHash;

use crate::field::Rate;
use crate::units::{Msat, UnixTime};

/// The most that an issuer takes for an offer with a price (RQR-9): an amount far above it can only be a mistake.
///
/// The default is [`Any`](Self::Any).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum MaxAmount {
    /// Whatever the payer chooses. This is the default.
    #[default]
    Any,
    /// This amount.
    Msat(Msat),
    /// This many times the price. If the offer has no price, any amount.
    TimesPrice(u64),
}

/// What an issuer knows, and demands, when it accepts a request.
///
/// ```
/// use bolt12::exchange::{MaxAmount, Terms};
/// use bolt12::{ChainHash, UnixTime};
///
/// let terms = Terms::new(UnixTime(1_800_000_000), &[ChainHash::BITCOIN]);
/// let terms = Terms { max_amount: MaxAmount::TimesPrice(5), ..terms };
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The time.
    pub now: UnixTime,
    /// The chains on which the issuer is paid.
    pub chains: &'a [ChainHash],
    /// The exchange rate of the offer's currency: see
    /// [`ReceivedRequest::currency`](crate::exchange::ReceivedRequest::currency).
    pub rate: Option<Rate>,
    /// The age of that rate, in whole seconds.
    pub rate_age: Duration,
    /// The greatest age that is acceptable. With an older rate the request is refused, and the payer is told to ask
    /// again later (EXC-9).
    pub max_rate_age: Duration,
    /// The most to take.
    pub max_amount: MaxAmount,
}

impl<'a> Terms<'a> {
    /// Terms for prices in bitcoin: without a rate, and for [any amount](MaxAmount::Any).
    ///
    /// Without a rate, a request for an offer in another currency is refused with `RateNeeded`. To add one, write
    /// `Terms { rate, rate_age, max_rate_age, ..Terms::new(now, chains) }`.
    pub const fn new(now: UnixTime, chains: &'a [ChainHash]) -> Self {
        let (rate_age, max_rate_age) = (Duration::ZERO, Duration::ZERO);
        Self { now, chains, rate: None, rate_age, max_rate_age, max_amount: MaxAmount::Any }
    }
}
