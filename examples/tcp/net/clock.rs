//! The time.

use std::time::SystemTime;

use bolt12::UnixTime;

pub(crate) fn now() -> UnixTime {
    SystemTime::now().into()
}
