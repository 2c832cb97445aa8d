//! Which payment of a subscription was sold.

use crate::units::UnixTime;

/// Which payment of a subscription was sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SoldPeriod {
    /// How many payments came before it.
    pub counter: u32,
    /// When period 0 started (REC-9).
    pub basetime: UnixTime,
    /// The number of the period that was paid first (REC-4).
    pub start: Option<u32>,
    /// The last second of its pay window (REC-6).
    pub until: UnixTime,
}
