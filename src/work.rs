//! Counts steps of work in unit tests: whether work grows in proportion is counted, where a clock would judge how busy
//! the machine is. A step is a record or a list's entry that is looked at, or a hash.

extern crate std;

use core::cell::Cell;

std::thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
}

/// One more, of this thread.
pub(crate) fn step() {
    STEPS.set(STEPS.get().saturating_add(1));
}

/// How many steps something takes.
pub(crate) fn steps(run: impl FnOnce()) -> u64 {
    let before = STEPS.get();
    run();
    STEPS.get().saturating_sub(before)
}
