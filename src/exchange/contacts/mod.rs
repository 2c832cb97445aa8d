//! People who pay each other (bLIP 42): what both sides of the exchange share of it.

pub(crate) mod contact;
pub(crate) mod key;
