//! An allocator that counts, for each thread by itself.
#![allow(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts what its thread allocates.
struct Counting;

thread_local! {
    /// How often, and how many bytes.
    static COUNTED: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

fn note(bytes: usize) {
    COUNTED.with(|counted| {
        let (times, sum) = counted.get();
        counted.set((times + 1, sum + bytes));
    });
}

// SAFETY: all is done by the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as promised to this function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as promised to this function.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: as promised to this function.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a function gives, how often it allocates, and how many bytes.
pub(crate) fn counted<T>(run: impl FnOnce() -> T) -> (T, usize, usize) {
    let before = COUNTED.get();
    let result = run();
    let after = COUNTED.get();
    (result, after.0 - before.0, after.1 - before.1)
}
