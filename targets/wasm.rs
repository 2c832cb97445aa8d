//! Answers lines for whoever loads this as WebAssembly, without a generator of bindings:
//!
//! 1. `room(length)` is where the host writes a line of so many bytes;
//! 2. `ask()` answers it, and is the length of the answer;
//! 3. `answered()` is where the host reads the answer.

// The only unsafe thing about it is a promise: that nothing else has these names.
#![allow(unsafe_code, reason = "functions are exported by their names")]

use std::sync::{Mutex, MutexGuard, PoisonError};

use bolt12_targets::answer;

static LINE: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static ANSWER: Mutex<String> = Mutex::new(String::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes room for a line.
#[unsafe(no_mangle)]
pub extern "C" fn room(length: usize) -> *mut u8 {
    let mut line = lock(&LINE);
    *line = vec![0; length];
    line.as_mut_ptr()
}

/// Answers the line that was written there.
#[unsafe(no_mangle)]
pub extern "C" fn ask() -> usize {
    let line = lock(&LINE);
    *lock(&ANSWER) = answer(&String::from_utf8_lossy(&line));
    lock(&ANSWER).len()
}

/// Where the answer is.
#[unsafe(no_mangle)]
pub extern "C" fn answered() -> *const u8 {
    lock(&ANSWER).as_ptr()
}
