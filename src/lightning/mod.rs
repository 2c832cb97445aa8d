//! Works with the [`lightning`](ldk) crate (LDK), version 0.2, of which 0.2.7 is tested: on a node, and without one.
//!
//! | to | use |
//! | --- | --- |
//! | convert messages, paths, payinfo and features | `TryFrom` both ways, with [`ConversionError`] |
//! | run issuer and payer in one place, subscriptions too | [`Desk`], with an [`Application`] of yours |
//! | run these on an LDK node, but for subscriptions | [`OffersHandler`] as the `offers_handler` of its `OnionMessenger` |
//! | run these without a node, or in front of one | [`OnionPeers`] as the `onion_message_handler` of a `PeerManager` |
//! | let the node's routers make paths | [`message_paths`] for offers and refunds, [`payment_paths`] for invoices |
//! | see the types | [`ldk`], the crate that this was built with |
//!
//! `cargo run --example fetch_invoice` and `--example serve_offers` are a wallet and an issuer without a node.
//!
//! # Which of the two
//!
//! An LDK node takes onion messages apart itself and hands over what it could read. It does not read requests for
//! offers in dollars, nor those of subscriptions, nor errors that other implementations write, and it does not reveal
//! the key that signs for an offer without an issuer id. With [`OnionPeers`] all of that is possible, since the onions
//! are this crate's. It needs the node's secret key, and can stand before the node's own `OnionMessenger`, which then
//! gets whatever is not for the desk.
//!
//! LDK nodes name the start of their paths by a channel, which they look up in their gossip. [`OnionPeers`] has none: it
//! answers such a node through whoever brought its request, and asks one only if [`Application::channel_end`] knows the
//! channel.
//!
//! # An issuer on an LDK node
//!
//! ```
//! use bolt12::bitcoin::hashes::{Hash, sha256};
//! use bolt12::exchange::{Accepted, OutgoingMessage};
//! use bolt12::lightning::{ldk, payment_paths};
//! use bolt12::secp256k1::{All, PublicKey, Secp256k1};
//! use ldk::blinded_path::payment::ReceiveTlvs;
//! use ldk::routing::router::Router;
//! use ldk::types::payment::PaymentHash;
//!
//! /// The answer to a request, in [`Application::invoice_request`](bolt12::lightning::Application::invoice_request).
//! /// `hash` and `tlvs` are of the node's `create_inbound_payment`.
//! fn answer(
//!     accepted: Accepted,
//!     router: &impl Router,
//!     node: PublicKey,
//!     (hash, tlvs): (PaymentHash, ReceiveTlvs),
//!     secp: &Secp256k1<All>,
//! ) -> Result<OutgoingMessage, Box<dyn std::error::Error>> {
//!     let channels = Vec::new(); // those of the node that can be used
//!     let mut invoice = accepted.invoice(sha256::Hash::from_byte_array(hash.0));
//!     for (path, payinfo) in payment_paths(router, node, channels, tlvs, accepted.amount(), secp)? {
//!         invoice = invoice.add_path(path, &payinfo);
//!     }
//!     let invoice = accepted.sign(invoice.build()?)?;
//!     Ok(accepted.answer(invoice)?)
//! }
//! ```

mod application;
mod convert;
mod desk;
mod node;
mod peers;
#[cfg(feature = "recurrence")]
mod subscriptions;
#[cfg(not(feature = "recurrence"))]
#[path = "subscriptions/absent.rs"]
mod subscriptions;

pub use ldk;

pub use application::{Application, NotOurs, ToDo};
pub use convert::{ConversionError, from_payment_path, to_payment_path};
pub use desk::Desk;
pub use node::{NoPath, OffersHandler, arrival, context, instructions, message_paths, payment_paths};
pub use peers::{Limits, OnionPeers, SendError};
