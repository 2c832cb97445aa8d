//! An allocator that counts, for each thread by itself.
#![allow(unsafe_code, reason = "an allocator that counts")]
#![allow(dead_code, reason = "every test file uses its own share")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts what its thread allocates.
struct Counting;

thread_local! {
    /// How often, and how many bytes.
    static COUNTED: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
    /// How many bytes more than were given back.
    static HELD: Cell<isize> = const { Cell::new(0) };
}

fn hold(taken: usize, given_back: usize) {
    HELD.with(|held| held.set(held.get() + taken as isize - given_back as isize));
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
        hold(layout.size(), 0);
        // SAFETY: as promised to this function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        hold(0, layout.size());
        // SAFETY: as promised to this function.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        hold(size, layout.size());
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

/// What a function gives, and how many bytes are held on the heap because of it.
pub(crate) fn held<T>(run: impl FnOnce() -> T) -> (T, isize) {
    let before = HELD.get();
    let result = run();
    (result, HELD.get() - before)
}
