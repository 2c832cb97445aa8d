//! The side that is paid.

pub(crate) mod accepted;
pub(crate) mod claim;
#[cfg(feature = "contacts")]
mod contacts;
pub(crate) mod expected;
pub(crate) mod keys;
#[cfg(feature = "recurrence")]
pub(crate) mod ledger;
pub(crate) mod offer;
#[cfg(feature = "recurrence")]
pub(crate) mod period;
pub(crate) mod received;
pub(crate) mod sale;
pub(crate) mod stock;
#[cfg(feature = "recurrence")]
pub(crate) mod subscribers;
pub(crate) mod taken;
pub(crate) mod terms;
