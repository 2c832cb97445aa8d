// They come before the README's own, and so win over them, which lead to files.
//! [async-payments]: guide::async_payments
//! [attacks]: guide::attacks
//! [connection]: guide::connection
//! [contacts]: guide::contacts
//! [contributing]: guide::contributing
//! [decisions]: guide::decisions
//! [fiat]: guide::fiat
//! [fuzzing]: guide::fuzzing
//! [getting-paid]: guide::getting_paid
//! [ldk]: guide::ldk
//! [manager]: guide::manager
//! [onion-messages]: guide::onion_messages
//! [paying]: guide::paying
//! [peers]: guide::peers
//! [proofs]: guide::proofs
//! [refunds]: guide::refunds
//! [rules]: guide::rules
//! [storage]: guide::storage
//! [subscriptions]: guide::subscriptions
//! [targets]: guide::targets
//!
#![doc = include_str!("../README.md")]
//! # Where things are
//!
//! | to | use | guide |
//! | --- | --- | --- |
//! | read whatever the user pasted: messages, links and names | [`Pasted`], [`Bolt12`] | [paying] |
//! | read and make `bitcoin:` URIs | [`BitcoinUri`], [`BitcoinUriBuilder`] | |
//! | look up a name | [`HumanReadableName`], [`txt_records`], [`ResolvedName`] (proofs: feature `dnssec`) | [paying] |
//! | read a message of a known kind | [`Offer`], [`InvoiceRequest`], [`Refund`], [`Invoice`], [`InvoiceError`], [`PayerProof`] | |
//! | authenticate before any curve operation | [`Unverified`] | [fuzzing] |
//! | read fields, in any message | [`OfferFields`], [`RequestFields`], [`InvoiceFields`] | |
//! | build messages | [`OfferBuilder`], [`InvoiceRequestBuilder`], [`RefundBuilder`], [`InvoiceBuilder`] | |
//! | sign with a hardware or remote signer | [`Unsigned`] | [getting paid][getting-paid] |
//! | prove a payment, and check a proof | [`PayerProofBuilder`], [`PayerProof`], [`Expectation`] | [proofs] |
//! | check an invoice that somebody else fetched | [`Offer::check_invoice`] | [paying] |
//! | check what depends on time, chain and peer | [`Offer::usable`], [`InvoiceRequest::accept`], [`Refund::accept`], [`Invoice::check`], [`Invoice::check_refund`] | [paying] |
//! | run the whole exchange, as payer or payee | [`exchange`] | [paying], [getting paid][getting-paid], [storage] |
//! | hold all conversations of a wallet, with any store and transport | [`exchange::OffersManager`] | [many at once][manager] |
//! | convert prices in fiat | [`Rate`], [`OfferAmount`] | [fiat] |
//! | subscribe, and have subscribers (feature `recurrence`) | `exchange::Payer::subscribe`, `exchange::Subscription`, `exchange::ReceivedRequest::accept_recurring` | [subscriptions] |
//! | recognise those you pay, and be recognised by them (feature `contacts`) | `exchange::Contact`, `exchange::OfferKey`, `exchange::Draft::introduce`, `Introduction` | [contacts] |
//! | pay somebody who is often offline (feature `async_payments`) | `StaticInvoice`, `exchange::AsyncPayment` | [payees that sleep][async-payments] |
//! | make recurring offers, and count periods (feature `recurrence`) | `Recurrence`, `InvoiceRequest::accept_recurring`, `Invoice::check_recurring` | [subscriptions] |
//! | reach a payee over blinded paths and onion messages (feature `onion`) | `onion`, `exchange::Messenger` | [onion messages][onion-messages] |
//! | connect to a Lightning peer without a node (feature `peer`) | `peer` | [connecting to a peer][connection] |
//! | hold many peers, with limits and queues (feature `onion`) | `peers` | [many peers][peers] |
//! | work with an LDK node, or with the `lightning` crate without one (feature `lightning`) | `lightning` | [LDK][ldk] |
//! | handle errors | [`Error`], [`ErrorKind`], [`Field`], [`Rule`] | [rules] |
//! | read records without a name | [`TlvStream`] | |
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::missing_errors_doc)]
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

#[cfg(feature = "async_payments")]
mod async_payments;
mod builder;
mod contacts;
mod crypto;
#[allow(clippy::arithmetic_side_effects, reason = "numbers whose bounds are stated where they are computed")]
mod curve;
mod error;
pub mod exchange;
mod field;
#[cfg(any(doc, doctest))]
pub mod guide;
mod invoice;
mod invoice_error;
mod invoice_request;
#[cfg(feature = "lightning")]
pub mod lightning;
mod message;
mod named;
mod names;
mod offer;
#[cfg(feature = "onion")]
pub mod onion;
mod payer_proof;
#[cfg(feature = "peer")]
pub mod peer;
#[cfg(feature = "onion")]
pub mod peers;
mod recurrence;
#[cfg(feature = "serde")]
mod serde;
#[allow(clippy::arithmetic_side_effects, reason = "counts and positions in a message of at most 65535 bytes")]
mod signature;
mod signed;
#[cfg(feature = "async_payments")]
mod static_invoice;
#[allow(clippy::arithmetic_side_effects, reason = "positions in a text, and groups of bits")]
mod text;
#[allow(clippy::arithmetic_side_effects, reason = "positions in a stream of at most 65535 bytes")]
mod tlv;
mod units;
#[cfg(test)]
mod work;

#[cfg(feature = "async_payments")]
pub use async_payments::{PAYMENT_INVOICE_REQUEST_TLV, PAYMENT_PREIMAGE_TLV};
pub use bitcoin;
pub use bitcoin::constants::ChainHash;
pub use secp256k1;

#[cfg(feature = "contacts")]
pub use contacts::{ContactSecret, NameSignature};
#[cfg(all(feature = "async_payments", feature = "onion"))]
pub use error::ServingFault;
pub use error::{Error, ErrorKind, Field, LinkFault, LooksLike, MessageKind, Rule, Stage};
pub use field::{
    BlindedHop, BlindedPath, BlindedPaths, Chains, CurrencyCode, Direction, Entries, Fallback, Fallbacks, Feature,
    FeatureBits, Features, HumanReadableName, IntroductionNode, KnownFeatures, OfferAmount, PayInfo, PayInfos, Point,
    Quantity, Rate, ShortChannelId, Text,
};
pub use invoice::{
    Arrival, FetchedContext, Invoice, InvoiceBuilder, InvoiceContext, InvoiceFields, MultiPart, PathLimits,
    PayableInvoice, RefundContext, SentTo,
};
pub use invoice_error::InvoiceError;
pub use invoice_request::{
    AcceptedRequest, InvoiceRequest, InvoiceRequestBuilder, Refund, RefundBuilder, RequestArrival, RequestContext,
    RequestFields,
};
#[cfg(feature = "contacts")]
pub use invoice_request::{Introduction, PayerIdentity, UnsignedName};
#[cfg(feature = "recurrence")]
pub use invoice_request::{PaidPeriod, RecurrenceContext, SubscriptionKey};
pub use names::{
    BitcoinUri, BitcoinUriBuilder, Bolt12, Instruction, Pasted, ProofOfPayment, ResolvedName, printed_txt_records,
    txt_records,
};
pub use offer::{Offer, OfferBuilder, OfferFields, Revealed, UsableOffer};
pub use payer_proof::{
    Disclosure, Expectation, ExpectedPayee, PayerProof, PayerProofBuilder, Preimage, Preview, Unmet, UnmetConditions,
};
#[cfg(feature = "recurrence")]
pub use recurrence::{PayWindow, Recurrence, RecurrenceBase, RecurrenceRequest, TimeUnit};
pub use signature::OfferId;
pub use signed::{SignedMessage, Unsigned, Unverified};
#[cfg(feature = "async_payments")]
pub use static_invoice::{
    PayableStaticInvoice, StaticInvoice, StaticInvoiceBuilder, StaticInvoiceContext, StaticInvoiceFields,
};
pub use text::Wrapped;
pub use tlv::{MAX_LEN, TlvRecord, TlvStream};
pub use units::{MinorUnits, Msat, UnixTime};
