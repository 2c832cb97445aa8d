//! Whatever a person pastes, scans or types: messages, `bitcoin:` URIs and names, and what the DNS holds for a name.

#[cfg(feature = "dnssec")]
mod dnssec;
mod pasted;
mod percent;
mod txt;
mod uri;

#[cfg(feature = "dnssec")]
pub use dnssec::ResolvedName;
pub use pasted::{Bolt12, Pasted};
pub use txt::{printed_txt_records, txt_records};
pub use uri::{BitcoinUri, BitcoinUriBuilder, Instruction, ProofOfPayment};
