//! An allocator that counts.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static COUNT: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);
static FREED: AtomicU64 = AtomicU64::new(0);

fn note(bytes: usize) {
    COUNT.fetch_add(1, Relaxed);
    BYTES.fetch_add(bytes as u64, Relaxed);
}

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        FREED.fetch_add(layout.size() as u64, Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size.saturating_sub(layout.size()));
        FREED.fetch_add(layout.size().saturating_sub(size) as u64, Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// How many bytes are held now.
#[allow(dead_code, reason = "one of the benchmarks asks")]
pub(crate) fn held_now() -> u64 {
    BYTES.load(Relaxed) - FREED.load(Relaxed)
}

/// What an operation asks of the allocator. Growing counts as another allocation.
#[derive(Clone, Copy)]
pub(crate) struct Allocations {
    count: u64,
    bytes: u64,
}

impl Allocations {
    pub(crate) fn of<T>(run: impl FnOnce() -> T) -> Self {
        let (count, bytes) = (COUNT.load(Relaxed), BYTES.load(Relaxed));
        let result = black_box(run());
        let allocations = Self { count: COUNT.load(Relaxed) - count, bytes: BYTES.load(Relaxed) - bytes };
        drop(result);
        allocations
    }

    /// How many bytes a value holds on the heap that is made like this.
    #[allow(dead_code, reason = "one of the benchmarks asks")]
    pub(crate) fn held<T>(make: impl FnOnce() -> T) -> u64 {
        let (bytes, freed) = (BYTES.load(Relaxed), FREED.load(Relaxed));
        let value = black_box(make());
        let held = (BYTES.load(Relaxed) - bytes) - (FREED.load(Relaxed) - freed);
        drop(value);
        held
    }
}

impl fmt::Display for Allocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} B)", self.count, self.bytes)
    }
}
