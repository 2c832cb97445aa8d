//! The text form: `lno1…`, `lnr1…`, `lni1…`, `lnp1…`.
//!
//! The bech32 alphabet without a checksum and without a length limit but D7. Reading takes one
//! allocation. Text without continuations is decoded eight characters at a time; anything else
//! (a `+`, or a mistake) takes a second look, which is where columns come from.

mod decode;
mod encode;
mod recognise;
mod trim;

pub(crate) use decode::{column_of, decode, decode_as};
pub(crate) use encode::Encoded;
pub use encode::Wrapped;
pub(crate) use recognise::looks_like;
pub(crate) use trim::{behind_scheme, characters_before, trim};
