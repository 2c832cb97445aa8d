#![doc = include_str!("../README.md")]
//! # Where things are
//!
//! | to | use |
//! | --- | --- |
//! | read whatever was pasted | [`Bolt12`] |
//! | read one kind of message | [`Offer`], [`InvoiceRequest`], [`Refund`], [`Invoice`], [`InvoiceError`] |
//! | authenticate before paying for a curve operation | [`Unverified`] |
//! | look at fields, wherever they are | [`OfferFields`], [`RequestFields`], [`InvoiceFields`] |
//! | make messages | [`OfferBuilder`], [`InvoiceRequestBuilder`], [`RefundBuilder`], [`InvoiceBuilder`] |
//! | sign elsewhere | [`Unsigned`] |
//! | prove a payment, and check such a proof | [`PayerProofBuilder`], [`PayerProof`], [`Expectation`] |
//! | check what depends on time, chain and peer | [`Offer::usable`], [`InvoiceRequest::accept`], [`Refund::accept`], [`Invoice::check`], [`Invoice::check_refund`] |
//! | run the whole conversation, as payer or issuer | [`exchange`] |
//! | hold all conversations of a wallet, with any store and transport | [`exchange::OffersManager`] |
//! | subscribe, and have subscribers (feature `recurrence`) | `exchange::Payer::subscribe`, `exchange::Subscription`, `exchange::ReceivedRequest::accept_recurring` |
//! | let an offer recur, and count its periods (feature `recurrence`) | `Recurrence`, `InvoiceRequest::accept_recurring`, `Invoice::check_recurring` |
//! | reach people over blinded paths and onion messages | the module `onion` (feature `onion`) |
//! | work with an LDK node, or with the `lightning` crate without one (feature `lightning`) | `lightning` |
//! | find out what is wrong | [`Error`], [`ErrorKind`], [`Field`], [`Rule`] |
//! | look at records that have no name | [`TlvStream`] |
#![no_std]
#![forbid(unsafe_code)]
// Says what needs a feature, on docs.rs.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::todo,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
    )
)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod builder;
mod error;
pub mod exchange;
mod field;
mod invoice;
mod invoice_error;
mod invoice_request;
#[cfg(feature = "lightning")]
pub mod lightning;
mod message;
mod offer;
#[cfg(feature = "onion")]
pub mod onion;
mod pasted;
mod payer_proof;
#[cfg(feature = "recurrence")]
mod recurrence;
#[cfg(not(feature = "recurrence"))]
#[path = "recurrence/absent.rs"]
mod recurrence;
#[cfg(feature = "serde")]
mod serde;
#[allow(clippy::arithmetic_side_effects, reason = "counts and positions in a message of at most 65535 bytes")]
mod signature;
mod signed;
#[allow(clippy::arithmetic_side_effects, reason = "positions in a text, and groups of bits")]
mod text;
#[allow(clippy::arithmetic_side_effects, reason = "positions in a stream of at most 65535 bytes")]
mod tlv;
mod units;

pub use bitcoin;
pub use bitcoin::constants::ChainHash;
pub use secp256k1;

pub use error::{Error, ErrorKind, Field, LooksLike, MessageKind, Rule, Stage};
pub use field::{
    BlindedHop, BlindedPath, BlindedPaths, Chains, CurrencyCode, Direction, Fallback, Fallbacks, Feature, FeatureBits,
    Features, HumanReadableName, IntroductionNode, KnownFeatures, OfferAmount, PayInfo, PayInfos, Point, Quantity,
    Rate, ShortChannelId, Text,
};
pub use invoice::{
    Arrival, Invoice, InvoiceBuilder, InvoiceContext, InvoiceFields, MultiPart, PayableInvoice, RefundContext, SentTo,
};
pub use invoice_error::InvoiceError;
pub use invoice_request::{
    AcceptedRequest, InvoiceRequest, InvoiceRequestBuilder, Refund, RefundBuilder, RequestArrival, RequestContext,
    RequestFields,
};
#[cfg(feature = "recurrence")]
pub use invoice_request::{PaidPeriod, RecurrenceContext, SubscriptionKey};
pub use offer::{Offer, OfferBuilder, OfferFields, UsableOffer};
pub use pasted::Bolt12;
pub use payer_proof::{
    Disclosure, Expectation, ExpectedPayee, PayerProof, PayerProofBuilder, Preimage, Preview, Unmet, UnmetConditions,
};
#[cfg(feature = "recurrence")]
pub use recurrence::{PayWindow, Recurrence, RecurrenceBase, RecurrenceRequest, TimeUnit};
pub use signature::OfferId;
pub use signed::{SignedMessage, Unsigned, Unverified};
pub use text::Wrapped;
pub use tlv::{MAX_LEN, TlvRecord, TlvStream};
pub use units::{MinorUnits, Msat, UnixTime};
