//! The invoice exchange: from an offer to an invoice that is safe to pay, on both sides.
//!
//! Nothing here sends, waits, or looks at a clock (EXC-8). Messages, the time, randomness and exchange rates come in
//! as arguments; what to send where, and when to come back, come out. Both sides need one secret of 32 bytes, from
//! which all their keys follow.
//!
//! | who | has | does |
//! | --- | --- | --- |
//! | a merchant | [`Payee`] | makes offers with [`Payee::new_offer`]; turns each request that [arrives](Payee::receive) into a [`ReceivedRequest`], that into an [`Accepted`] one, and that into an invoice, or into a [refusal](Refused) |
//! | a customer | [`Payer`] | makes a [`Draft`] of an offer, and of it a [`Payment`], which asks, checks what comes, is paid once, and keeps the receipt |
//! | a merchant who pays back | [`Payer`] | publishes a [refund](Payer::new_refund), which is a [`Payment`] too |
//! | a subscriber | [`Payer`] | agrees to a `SubscriptionDraft`, and has a `Subscription`, which makes a payment in every period (feature `recurrence`) |
//! | whoever is paid back | [`Payee`] | [claims](Payee::claim) it, and sends the invoice until it is paid ([`Claim`]) |
//! | a wallet with any number of these | [`OffersManager`] | holds them all, finds the one a message is for, knows when each is due, and sends nothing before it is saved |
//!
//! # How messages are told apart
//!
//! Anybody can send anything. Each blinded path that we make holds a [`PathId`] that only we can have made, and that
//! says what the path is for: a path of one offer, the reply path of one request, the path of one refund. Whoever
//! takes a message out of its onion says how it came ([`MessageArrival`]); that is a parameter everywhere, and decides first.
//! Offers and requests carry metadata with a MAC over all their other records, so that what comes back is known to
//! be ours, and whole, before anything is spent on it (EXC-1).
//!
//! # State
//!
//! An issuer keeps none (EXC-2): what it [expects to be paid](Accepted::expected_payment) is in the path id of the
//! invoice's paths, and comes back with the payment. A [`Payment`] is one value that is changed in place rather than
//! a chain of types, because that is how it is kept: in a map, found by the [id](PaymentId) in an answer's path id,
//! met by messages that come late or twice, and saved. Its [`State`] says where it stands, and only the one that says
//! *being paid* shows what a payment needs.
//!
//! Payments, subscriptions, claims, and requests that are received or accepted can be saved as bytes and loaded again,
//! and go on where they stopped, whatever happened in between. Keys of the application's own are not in it: see
//! [`Accepted::sign`].
//!
//! # Names
//!
//! An offer may be found by a name, `₿user@domain` (BIP 353). Looking it up is for the caller:
//! [`HumanReadableName::dns_name`](crate::HumanReadableName::dns_name) says where, [`Bolt12`](crate::Bolt12) reads
//! what is there, and [`Draft::bip_353_name`] tells the issuer, as the specification asks (RQW-8).
//!
//! ```
//! use bolt12::exchange::Payer;
//! use bolt12::{Bolt12, ChainHash, Field, HumanReadableName, UnixTime};
//!
//! // Asks the DNS for TXT records, with DNSSEC, and gives the one that begins with `bitcoin:`.
//! fn txt_record(name: &str) -> String {
//! #   assert_eq!(name, "satoshi.user._bitcoin-payment.example.com.");
//! #   "bitcoin:?lno=lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese".into()
//! }
//!
//! let name = HumanReadableName::parse("₿satoshi@example.com")?;
//! let uri = txt_record(&name.dns_name().to_string());
//! let Bolt12::Offer(offer) = uri.parse()? else { return Err("no offer".into()) };
//!
//! let payer = Payer::new([0x42; 32]); // a secret of your own
//! let draft = payer.draft(&offer, UnixTime(1_800_000_000), &[ChainHash::BITCOIN])?.bip_353_name(name);
//! assert!(draft.reveals().contains(&Field::INVREQ_BIP_353_NAME));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod action;
mod end;
mod ids;
mod limits;
mod manager;
mod message;
#[cfg(feature = "onion")]
mod messenger;
mod payee;
mod payer;
mod refused;
mod saved;
mod schedule;
mod secret;
#[cfg(not(feature = "recurrence"))]
mod subscription_absent;

/// What the rest of the exchange asks of subscriptions.
mod recurring {
    #[cfg(not(feature = "recurrence"))]
    pub(crate) use super::subscription_absent::{Period, Series};
    #[cfg(feature = "recurrence")]
    pub(crate) use super::{payee::period::Period, payer::series::Series};
}

pub use action::Action;
pub use end::EndReason;
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
pub use payee::expected::ExpectedPayment;
pub use payee::keys::Payee;
pub use payee::offer::NewOffer;
pub use payee::received::ReceivedRequest;
pub use payee::terms::{MaxAmount, Terms};
pub use payer::draft::{Draft, Need};
pub use payer::keys::Payer;
pub use payer::limit::Limit;
pub use payer::payment::{MAX_RENEWALS, Payment, Progress};
pub use payer::quote::Quote;
pub use payer::receipt::Receipt;
pub use payer::refund::NewRefund;
pub use payer::state::State;
#[cfg(feature = "recurrence")]
pub use payer::subscription::{
    Subscription,
    draft::SubscriptionDraft,
    due::{Due, Timing},
    state::{SubscriptionEnd, SubscriptionState},
};
pub use refused::Refused;
pub use schedule::Retry;
