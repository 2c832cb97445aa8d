//! Takes a text: what every module has.

#![allow(unsafe_code, reason = "functions are exported by their names")]

use std::sync::{Mutex, PoisonError};

static TEXT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Where the host writes so many bytes.
#[unsafe(no_mangle)]
pub extern "C" fn room(length: usize) -> *mut u8 {
    let mut text = TEXT.lock().unwrap_or_else(PoisonError::into_inner);
    *text = vec![0; length];
    text.as_mut_ptr()
}

/// How many characters they are.
#[unsafe(no_mangle)]
pub extern "C" fn length() -> usize {
    let text = TEXT.lock().unwrap_or_else(PoisonError::into_inner);
    std::str::from_utf8(&text).map_or(0, str::len)
}
