//! Mutators that know what a message looks like.
//!
//! libFuzzer's own changes rarely get past the reader of the stream, and never past a signature.
//! These take an input apart into its records, change those, put them back in order and sign again
//! with a key that everybody knows, so that the rules behind the signature are reached. A share of
//! the changes is left to libFuzzer, which finds what nobody thought of.

pub mod bytes;
pub mod records;
pub mod rng;
pub mod sign;
pub mod text;
pub mod values;

/// libFuzzer's own mutator: changes the first `size` bytes, and returns how many there are now, at
/// most `max_size`.
pub type Fallback = fn(data: &mut [u8], size: usize, max_size: usize) -> usize;

/// Puts an input back where libFuzzer expects it, cut off at what there is room for.
fn put(out: &mut [u8], input: &[u8], max_size: usize) -> usize {
    let len = input.len().min(max_size).min(out.len());
    out[..len].copy_from_slice(&input[..len]);
    len
}
