//! The invoice exchange: from an offer to an invoice that is safe to pay, on both sides.
//!
//! Nothing here sends, waits or reads a clock (EXC-8). Messages, the time, randomness and exchange rates are arguments.
//! The results say what to send, where to send it, and when to call again. Each side needs one secret of 32 bytes, from
//! which all its keys follow.
//!
//! | who | has | does | guide |
//! | --- | --- | --- | --- |
//! | a shop | [`Payee`] | makes offers ([`Payee::new_offer`]); turns a request that [arrives](Payee::receive) into a [`ReceivedRequest`], then into an [`Accepted`] one, and then into an invoice or a [refusal](Refused) | [getting paid](crate::guide::getting_paid) |
//! | a customer | [`Payer`] | makes a [`Draft`] of an offer, and from it a [`Payment`]: it requests an invoice, checks it, is paid once, and keeps the receipt | [paying](crate::guide::paying) |
//! | the payer of a refund | [`Payer`] | publishes a [refund](Payer::new_refund), which is a [`Payment`] too | [refunds](crate::guide::refunds) |
//! | the payee of a refund | [`Payee`] | [claims](Payee::claim) the refund, and sends the invoice until it is paid ([`Claim`]) | [refunds](crate::guide::refunds) |
//! | a subscriber (feature `recurrence`) | [`Payer`] | agrees to a `SubscriptionDraft`, and has a `Subscription`, which makes one payment in every period | [subscriptions](crate::guide::subscriptions) |
//! | a wallet with many of these | [`OffersManager`] | holds them all, finds the right one for each message, knows when each is due, and sends nothing before it is saved | [many at once](crate::guide::manager) |
//! | a wallet that was given a name (feature `onion`) | [`Payer`] | has resolvers [look it up](crate::guide::onion_messages) (`NameLookup`), and makes a [`Draft`] of the offer it stands for | [onion messages](crate::guide::onion_messages) |
//! | people who know each other (feature `contacts`) | `OfferKey`, `Contact` | tell each other who pays (`Draft::introduce`), and recognise it (`Sale::introduction`) | [contacts](crate::guide::contacts) |
//! | a payee that is often offline (features `async_payments` and `onion`) | [`Payee`], `AsyncRecipient` | has a server answer for it, renews what that serves, and has payments released when it is awake | [payees that sleep](crate::guide::async_payments) |
//! | who answers for such payees (the same features) | `StaticInvoiceServer` | gives out paths, stores static invoices, answers requests with them, and forwards the requests | [payees that sleep](crate::guide::async_payments) |
//! | a wallet without a node (feature `onion`) | `Messenger` | wraps messages into onions, and unwraps them | [onion messages](crate::guide::onion_messages) |
//!
//! # How messages are told apart
//!
//! Anybody can send anything. Each of our blinded paths has a [`PathId`] that only we can have made, and that says what
//! the path is for: a path of one offer, the reply path of one request, or the path of one refund. The software that
//! opens an onion reports how its message arrived ([`MessageArrival`]). That is a parameter everywhere, and is checked
//! first. Offers and requests have metadata with a MAC over all their other records. So a message that comes back is
//! known to be ours, and unchanged, before anything is spent on it (EXC-1).
//!
//! # State
//!
//! A payee has none (EXC-2). The payment that it [expects](Accepted::expected_payment) is described in the path id of
//! the invoice's paths, which comes back with the payment. A [`Payment`] is one value that is changed in place. Its
//! [`State`] says how far it has got, and only [`State::Paying`] has what a node needs to pay.
//!
//! Payments, subscriptions, claims, and received or accepted requests can be saved as bytes, and resume when they are
//! loaded: see [storage and restarts](crate::guide::storage).

mod action;
#[cfg(all(feature = "async_payments", feature = "onion"))]
mod between;
#[cfg(feature = "contacts")]
mod contacts;
#[cfg(feature = "onion")]
mod dns;
mod end;
mod ids;
mod limits;
mod manager;
mod message;
#[cfg(feature = "onion")]
pub(crate) mod messenger;
#[cfg(feature = "async_payments")]
mod nothing;
mod payee;
mod payer;
#[cfg(not(feature = "recurrence"))]
mod recurring_absent;
mod refused;
mod saved;
mod schedule;
mod secret;
#[cfg(all(feature = "async_payments", feature = "onion"))]
mod serving;
mod sold;

/// What the rest of the exchange asks of subscriptions.
mod recurring {
    #[cfg(not(feature = "recurrence"))]
    pub(crate) use super::recurring_absent::{Period, Series};
    #[cfg(feature = "recurrence")]
    pub(crate) use super::{payee::period::Period, payer::series::Series};
}

pub use action::Action;
#[cfg(all(feature = "async_payments", feature = "onion"))]
pub use between::{ForwardedRequest, ServingKind, ServingMessage};
#[cfg(feature = "contacts")]
pub use contacts::{contact::Contact, key::OfferKey};
#[cfg(feature = "onion")]
pub use dns::{DnsMessage, OutgoingDnsMessage, ReceivedProof, ReceivedQuery};
pub use end::EndReason;
#[cfg(all(feature = "async_payments", feature = "onion"))]
pub use ids::ClientId;
#[cfg(feature = "onion")]
pub use ids::LookupId;
#[cfg(feature = "recurrence")]
pub use ids::SubscriptionId;
pub use ids::{ClaimId, ConversationId, ConversationKind, PathId, PaymentId};
pub use limits::{MAX_OFFER_LEN, MAX_REQUEST_LEN};
pub use manager::OffersManager;
pub use manager::error::ManagerError;
pub use manager::limits::ManagerLimits;
pub use manager::loading::{Archived, AskNode, LoadError, Loaded};
pub use manager::messages::Received;
pub use manager::output::{Event, Save, ToSend};
pub use manager::status::{Activity, Status, WaitsFor};
pub use message::{Destination, IncomingMessage, MessageArrival, OffersMessage, OffersMessageKind, OutgoingMessage};
#[cfg(feature = "onion")]
pub use messenger::{Inbound, Messenger, Route};
pub use payee::accepted::{Accepted, CURRENCY_RELATIVE_EXPIRY};
pub use payee::claim::{AcceptedRefund, Claim, ClaimState};
pub use payee::expected::{ExpectedPayment, PaymentPathId};
pub use payee::keys::Payee;
#[cfg(feature = "recurrence")]
pub use payee::ledger::Subscribers;
pub use payee::offer::NewOffer;
pub use payee::received::ReceivedRequest;
pub use payee::sale::{MAX_SALE_DATA, Sale};
pub use payee::stock::Stock;
pub use payee::taken::TakenPayments;
pub use payee::terms::{MaxAmount, Terms};
pub use payer::budget::Objection;
pub use payer::claims::MAX_CLAIMS;
pub use payer::draft::{Draft, Need};
pub use payer::keys::Payer;
pub use payer::limit::{FeeLimit, Limit};
#[cfg(feature = "onion")]
pub use payer::lookup::{LookupState, NameLookup};
#[cfg(feature = "async_payments")]
pub use payer::payment::asleep::{
    AsyncPayment,
    answers::AsyncProgress,
    state::{AsyncPaid, AsyncPaying, AsyncQuote, AsyncState, Release},
};
pub use payer::payment::{MAX_RENEWALS, Payment, Progress};
pub use payer::quote::Quote;
pub use payer::receipt::Receipt;
pub use payer::refund::NewRefund;
pub use payer::state::{Attempt, Paying, State};
#[cfg(feature = "recurrence")]
pub use payer::subscription::{
    Subscription,
    draft::SubscriptionDraft,
    due::{Due, Timing},
    pace::MAX_REQUESTS_A_DAY,
    state::{SubscriptionEnd, SubscriptionState},
};
pub use refused::Refused;
pub use saved::{SAVED_VERSION, saved_version};
pub use schedule::Retry;
#[cfg(all(feature = "async_payments", feature = "onion"))]
pub use serving::{
    recipient::{
        AsyncRecipient,
        answers::RecipientProgress,
        state::{RecipientState, ServedOffer},
        terms::RecipientTerms,
    },
    server::{
        asked::PathsAsked,
        keys::{ServerLimits, StaticInvoiceServer},
        receiving::ServerStep,
        requested::{ServedAnswer, ServedRequest},
        slot::Slot,
        storing::{Storing, ToServe},
    },
};
pub use sold::SoldPeriod;
