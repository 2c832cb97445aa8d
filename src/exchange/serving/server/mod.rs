//! Who answers for others: a static invoice server (STA-8).

pub(crate) mod asked;
pub(crate) mod keys;
pub(crate) mod receiving;
mod record;
pub(crate) mod requested;
pub(crate) mod slot;
pub(crate) mod storing;
