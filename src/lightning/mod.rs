//! Works with the [`lightning`](ldk) crate (LDK), version 0.2, of which 0.2.7 is tested: on a node, and without one.
//!
//! | to | use |
//! | --- | --- |
//! | convert messages, paths, payinfo and features | `TryFrom` both ways, with [`ConversionError`] |
//! | run issuer and payer in one place | [`Desk`], with an [`Application`] of yours |
//! | run them on an LDK node | [`OffersHandler`] as the `offers_handler` of its `OnionMessenger` |
//! | run them without a node | [`OnionPeers`] as the `onion_message_handler` of a `PeerManager` |
//! | let the node's router make paths | [`paths`] for offers and refunds; for invoices see below |
//! | see the types | [`ldk`], the crate that this was built with |
//!
//! `cargo run --example fetch_invoice` and `--example serve_offers` are a wallet and an issuer without a node.
//!
//! # Which of the two
//!
//! An LDK node takes onion messages apart itself and hands over what it could read. It does not read requests for
//! offers in dollars, nor errors that other implementations write, and it does not reveal the key that signs for an
//! offer without an issuer id. With [`OnionPeers`] all of that is possible, since the onions are this crate's. It
//! needs the node's secret key, and can stand before the node's own `OnionMessenger`, which then gets whatever is
//! not for the desk.
//!
//! # Paths for an invoice
//!
//! Payments arrive at the node, so its router makes the paths, with a payment hash and secret of the node:
//!
//! ```
//! use bolt12::exchange::{Accepted, Outgoing};
//! use bolt12::bitcoin::hashes::{Hash, sha256};
//! use bolt12::lightning::{ConversionError, from_payment_path, ldk};
//! use ldk::blinded_path::payment::BlindedPaymentPath;
//! use ldk::types::payment::PaymentHash;
//!
//! /// `hash` and `paths` are what `ChannelManager::create_inbound_payment` and
//! /// `Router::create_blinded_payment_paths` made.
//! fn answer(accepted: Accepted, hash: PaymentHash, paths: &[BlindedPaymentPath]) -> Result<Outgoing, ConversionError> {
//!     let mut invoice = accepted.invoice(sha256::Hash::from_byte_array(hash.0));
//!     for path in paths {
//!         let (path, payinfo) = from_payment_path(path)?;
//!         invoice = invoice.add_path(path, &payinfo);
//!     }
//!     let invoice = accepted.sign(invoice.build()?)?;
//!     Ok(accepted.answer(invoice))
//! }
//! ```

mod convert;
mod desk;
mod node;
mod peers;

pub use ldk;

pub use convert::{ConversionError, from_payment_path, to_payment_path};
pub use desk::{Application, Desk, Due, NotOurs};
pub use node::{NoPath, OffersHandler, context, instructions, paths, via};
pub use peers::{Limits, OnionPeers, SendError};
