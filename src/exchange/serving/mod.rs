//! Static invoices that somebody else serves (STA-8, STA-9, features `async_payments` and `onion`): the static invoice
//! server, and the async recipient that it answers for.

pub(crate) mod recipient;
pub(crate) mod server;
