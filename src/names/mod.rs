//! Whatever a person pastes, scans or types: messages, `bitcoin:` URIs and names, and what the DNS holds for a name.

#[cfg(feature = "dnssec")]
mod dnssec;
mod pasted;
mod percent;
pub(crate) mod resolved;
mod txt;
mod uri;

pub use pasted::{Bolt12, Pasted};
pub use resolved::ResolvedName;
pub use txt::{printed_txt_records, txt_records};
pub use uri::{BitcoinUri, BitcoinUriBuilder, Instruction, ProofOfPayment};
