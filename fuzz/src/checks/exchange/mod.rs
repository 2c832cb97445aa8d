//! Targets `exchange_payer`, `exchange_issuer` and `exchange_state`: what happens to one side of an exchange, event
//! by event, with the other side live beside it; and what was saved of both.

#[cfg(feature = "async_payments")]
pub mod asleep;
pub mod issuer;
pub mod payer;
#[cfg(all(feature = "async_payments", feature = "onion"))]
pub mod serving;
pub mod sides;
pub mod state;
