//! The examples of the documentation that need `lightning`, which this package has for its tests anyway.

#[doc = include_str!("../../docs/guide/ldk.md")]
pub mod ldk {}
