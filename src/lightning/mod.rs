//! Works with the [`lightning`](ldk) crate (LDK) 0.2, on a node and without one (feature `lightning`).
//!
//! It is tested with 0.2.7.
//!
//! | to | use |
//! | --- | --- |
//! | convert messages, paths, fees and features | `TryFrom` in both directions, with [`ConversionError`] |
//! | run payee and payer in one place, subscriptions too (feature `recurrence`) | [`Desk`]: an [`OffersManager`](crate::exchange::OffersManager) behind a lock, with an [`Application`] of yours |
//! | run them on an LDK node, except for subscriptions | [`OffersHandler`] as the `offers_handler` of its `OnionMessenger` |
//! | run them without a node, or in front of one | [`OnionPeers`] as the `onion_message_handler` of a `PeerManager` |
//! | have the node's routers make paths | [`message_paths`] for offers and refunds, [`payment_paths`] for invoices |
//! | name its types | [`ldk`], the crate that this was built with |
//!
//! [The guide](crate::guide::ldk) says which of the two to take, how to set it up, and how an LDK node makes invoices.
//! `cargo run -p bolt12-interop --example fetch_invoice` and `--example serve_offers` are a wallet and a shop without a
//! node.

mod application;
mod convert;
mod desk;
mod node;
mod peers;

pub use ldk;

pub use application::{Application, NotOurs, ToDo};
pub use convert::{ConversionError, from_payment_path, to_payment_path};
pub use desk::Desk;
pub use node::{NoPath, OffersHandler, arrival, context, instructions, message_paths, payment_paths};
pub use peers::OnionPeers;

pub use crate::peers::{Counts, Limits, SendError, Standing};
