//! The side that pays.

pub(crate) mod budget;
pub(crate) mod choices;
pub(crate) mod claims;
#[cfg(feature = "contacts")]
mod contacts;
pub(crate) mod draft;
pub(crate) mod keys;
pub(crate) mod limit;
#[cfg(feature = "onion")]
pub(crate) mod lookup;
pub(crate) mod payment;
pub(crate) mod purpose;
pub(crate) mod quote;
pub(crate) mod receipt;
pub(crate) mod refund;
#[cfg(feature = "recurrence")]
pub(crate) mod series;
pub(crate) mod state;
#[cfg(feature = "recurrence")]
pub(crate) mod subscription;
pub(crate) mod unsent;
