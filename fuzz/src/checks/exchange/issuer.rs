//! Target `exchange_issuer`.

/// Events.
pub fn check(_data: &[u8]) {}
