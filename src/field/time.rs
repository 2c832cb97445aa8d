//! Points in time, in Unix seconds.

use core::fmt;
use core::time::Duration;

use super::Value;
use crate::error::Error;

/// Seconds since 1970-01-01 00:00 UTC, leap seconds not counted.
///
/// This crate has no clock: whoever calls says what time it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// So much later, in whole seconds; the last moment there is, if that exceeds 64 bits.
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }
}

impl Value<'_> for UnixTime {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        u64::decode(value).map(Self)
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Times before 1970 become 0.
#[cfg(feature = "std")]
impl From<std::time::SystemTime> for UnixTime {
    fn from(time: std::time::SystemTime) -> Self {
        Self(time.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }
}
