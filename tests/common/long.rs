//! How much a long test does: all of it with `BOLT12_LONG=1` in the environment, and else a part, which is the same
//! every time.
#![allow(dead_code, reason = "every test file uses its own share")]

use std::ops::Range;

/// Whether everything is to be tried.
pub(crate) fn is_long() -> bool {
    std::env::var_os("BOLT12_LONG").is_some_and(|value| value == "1")
}

/// The seeds to try, of which the first `part` are enough for every day.
pub(crate) fn seeds(all: Range<u64>, part: u64) -> Range<u64> {
    let end = if is_long() { all.end } else { all.end.min(all.start + part) };
    all.start..end
}
