//! Decodes an offer with the `lightning` crate.

#![allow(unsafe_code, reason = "functions are exported by their names")]

use lightning::offers::offer::Offer;
use std::sync::{Mutex, PoisonError};

static TEXT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Where the host writes so many bytes.
#[unsafe(no_mangle)]
pub extern "C" fn room(length: usize) -> *mut u8 {
    let mut text = TEXT.lock().unwrap_or_else(PoisonError::into_inner);
    *text = vec![0; length];
    text.as_mut_ptr()
}

/// How long the description is of the offer that they are.
#[unsafe(no_mangle)]
pub extern "C" fn length() -> usize {
    let text = TEXT.lock().unwrap_or_else(PoisonError::into_inner);
    let offer = std::str::from_utf8(&text).ok().and_then(|text| text.parse::<Offer>().ok());
    offer.and_then(|offer| Some(offer.description()?.0.len())).unwrap_or(0)
}
