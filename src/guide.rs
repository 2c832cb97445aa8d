//! The guide: the steps in order, what can go wrong, and what to save.
//!
//! These are the pages in `docs/`. They are compiled here, so their examples are tested.
//!
//! | page | for |
//! | --- | --- |
//! | [Paying](paying) | wallets: from a pasted text to a receipt |
//! | [Getting paid](getting_paid) | shops: from the first offer to the money |
//! | [Fiat](fiat) | prices in dollars, on both sides |
//! | [Refunds](refunds) | refunds and withdrawals, where the money flows the other way |
//! | [Subscriptions](subscriptions) | one agreement, and a payment in every period (feature `recurrence`) |
//! | [Contacts](contacts) | people who pay each other: who it was, and paying back (feature `contacts`) |
//! | [Payees that sleep](async_payments) | paying somebody who is often offline, being that, and answering for others (features `async_payments` and `onion`) |
//! | [Proofs](proofs) | proving a payment, and checking a proof |
//! | [Onion messages](onion_messages) | reaching a payee without a node (feature `onion`) |
//! | [Connecting to a peer](connection) | the connection that carries onion messages, without a node (feature `peer`) |
//! | [Many peers](peers) | limits and queues for hundreds of peers, without a node (feature `onion`) |
//! | [LDK](ldk) | the exchange on an LDK node, or in front of one (feature `lightning`) |
//! | [Many at once](manager) | all conversations of a wallet in one value |
//! | [Storage and restarts](storage) | what to save, and what to do after a crash |
//! | [Fuzzing](fuzzing) | fuzzing this crate, or your implementation against it |
//! | [Targets and sizes](targets) | WebAssembly and bare processors, and what decoding adds to a program |
//! | [Decisions](decisions) | what the specification leaves open, and how the crate is built |
//! | [Contributing](contributing) | the source, and how to change it |
//! | [Attacks](attacks) | what strangers can try, and why it fails |
//! | [Rules](rules) | the specification as rules, each with an ID |

/// Where links between pages lead in these docs. They come first, and so win over the pages' own, which lead to files.
macro_rules! links {
    () => {
        "[async-payments]: crate::guide::async_payments
[connection]: crate::guide::connection
[contacts]: crate::guide::contacts
[decisions]: crate::guide::decisions
[decisions-subscriptions]: crate::guide::decisions#subscriptions
[fiat]: crate::guide::fiat
[getting-paid-once]: crate::guide::getting_paid#limited-offers
[getting-paid-short-offers]: crate::guide::getting_paid#short-offers
[getting-paid-take-the-money]: crate::guide::getting_paid#take-the-money
[getting-paid]: crate::guide::getting_paid
[ldk]: crate::guide::ldk
[manager]: crate::guide::manager
[onion-messages]: crate::guide::onion_messages
[onion-messages-look-a-name-up]: crate::guide::onion_messages#look-a-name-up
[onion-messages-payment-paths]: crate::guide::onion_messages#payment-paths
[paying]: crate::guide::paying
[paying-look-a-name-up]: crate::guide::paying#look-a-name-up
[paying-when-the-user-has-to-decide]: crate::guide::paying#when-the-user-has-to-decide
[peers]: crate::guide::peers
[proofs]: crate::guide::proofs
[rules]: crate::guide::rules
[rules-decisions]: crate::guide::rules#decisions
[storage]: crate::guide::storage
[subscriptions]: crate::guide::subscriptions
[subscriptions-the-payee]: crate::guide::subscriptions#the-payee
"
    };
}

/// A page, with the items that it is about. With features, its examples are compiled only where these are on.
macro_rules! page {
    ($name:ident, $path:literal, $items:literal $(, $feature:literal)*) => {
        #[doc = links!()]
        $(#[cfg_attr(not(feature = $feature), doc = concat!("(This page needs the feature `", $feature, "`.)"))])*
        #[cfg_attr(all($(feature = $feature),*), doc = include_str!($path))]
        #[cfg_attr(all($(feature = $feature),*), doc = concat!("\n# Items on this page\n\n", $items))]
        pub mod $name {}
    };
}

page!(
    paying,
    "../docs/guide/paying.md",
    "[`Pasted`](crate::Pasted), [`BitcoinUri`](crate::BitcoinUri), [`Bolt12`](crate::Bolt12),
[`HumanReadableName`](crate::HumanReadableName), [`ResolvedName`](crate::ResolvedName),
[`Payer`](crate::exchange::Payer), [`Draft`](crate::exchange::Draft),
[`Need`](crate::exchange::Need), [`Limit`](crate::exchange::Limit), [`Payment`](crate::exchange::Payment),
[`Action`](crate::exchange::Action), [`State`](crate::exchange::State), [`Quote`](crate::exchange::Quote),
[`Receipt`](crate::exchange::Receipt), [`EndReason`](crate::exchange::EndReason),
[`Paying`](crate::exchange::Paying), [`Objection`](crate::exchange::Objection),
[`FeeLimit`](crate::exchange::FeeLimit), [`Error`](crate::Error), [`ErrorKind`](crate::ErrorKind)"
);
page!(
    getting_paid,
    "../docs/guide/getting-paid.md",
    "[`Payee`](crate::exchange::Payee), [`NewOffer`](crate::exchange::NewOffer), [`OfferBuilder`](crate::OfferBuilder),
[`ReceivedRequest`](crate::exchange::ReceivedRequest), [`Terms`](crate::exchange::Terms),
[`Accepted`](crate::exchange::Accepted), [`ExpectedPayment`](crate::exchange::ExpectedPayment),
[`Sale`](crate::exchange::Sale), [`TakenPayments`](crate::exchange::TakenPayments),
[`Stock`](crate::exchange::Stock), [`Refused`](crate::exchange::Refused), [`Unsigned`](crate::Unsigned), [`InvoiceBuilder`](crate::InvoiceBuilder)"
);
page!(
    fiat,
    "../docs/guide/fiat.md",
    "[`Rate`](crate::Rate), [`OfferAmount`](crate::OfferAmount), [`MinorUnits`](crate::MinorUnits),
[`CurrencyCode`](crate::CurrencyCode), [`Limit`](crate::exchange::Limit), [`Quote`](crate::exchange::Quote),
[`CURRENCY_RELATIVE_EXPIRY`](crate::exchange::CURRENCY_RELATIVE_EXPIRY)"
);
page!(
    refunds,
    "../docs/guide/refunds.md",
    "[`Refund`](crate::Refund), [`RefundBuilder`](crate::RefundBuilder), [`NewRefund`](crate::exchange::NewRefund),
[`Payment`](crate::exchange::Payment), [`AcceptedRefund`](crate::exchange::AcceptedRefund),
[`Claim`](crate::exchange::Claim), [`ClaimState`](crate::exchange::ClaimState)"
);
page!(
    subscriptions,
    "../docs/guide/subscriptions.md",
    "[`SubscriptionDraft`](crate::exchange::SubscriptionDraft), [`Subscription`](crate::exchange::Subscription),
[`SubscriptionState`](crate::exchange::SubscriptionState), [`Due`](crate::exchange::Due),
[`accept_recurring`](crate::exchange::ReceivedRequest::accept_recurring),
[`Subscribers`](crate::exchange::Subscribers), [`RecurrenceContext`](crate::RecurrenceContext),
[`SubscriptionKey`](crate::SubscriptionKey), [`Recurrence`](crate::Recurrence)",
    "recurrence"
);
page!(
    contacts,
    "../docs/guide/contacts.md",
    "[`Contact`](crate::exchange::Contact), [`OfferKey`](crate::exchange::OfferKey),
[`Introduction`](crate::Introduction), [`PayerIdentity`](crate::PayerIdentity),
[`ContactSecret`](crate::ContactSecret), [`Draft::introduce`](crate::exchange::Draft::introduce),
[`Accepted::from_contact`](crate::exchange::Accepted::from_contact), [`Sale`](crate::exchange::Sale),
[`UnsignedName`](crate::UnsignedName)",
    "contacts"
);
page!(
    async_payments,
    "../docs/guide/async-payments.md",
    "[`StaticInvoice`](crate::StaticInvoice), [`StaticInvoiceBuilder`](crate::StaticInvoiceBuilder),
[`StaticInvoiceContext`](crate::StaticInvoiceContext), [`AsyncPayment`](crate::exchange::AsyncPayment),
[`AsyncState`](crate::exchange::AsyncState), [`AsyncQuote`](crate::exchange::AsyncQuote),
[`AsyncPaying`](crate::exchange::AsyncPaying), [`Release`](crate::exchange::Release),
[`AsyncRecipient`](crate::exchange::AsyncRecipient), [`RecipientTerms`](crate::exchange::RecipientTerms),
[`RecipientState`](crate::exchange::RecipientState), [`RecipientProgress`](crate::exchange::RecipientProgress),
[`StaticInvoiceServer`](crate::exchange::StaticInvoiceServer), [`ServerLimits`](crate::exchange::ServerLimits),
[`ServerStep`](crate::exchange::ServerStep), [`PathsAsked`](crate::exchange::PathsAsked),
[`ToServe`](crate::exchange::ToServe), [`Storing`](crate::exchange::Storing),
[`ServedRequest`](crate::exchange::ServedRequest), [`ServedAnswer`](crate::exchange::ServedAnswer)",
    "async_payments",
    "onion"
);
page!(
    proofs,
    "../docs/guide/proofs.md",
    "[`PayerProof`](crate::PayerProof), [`PayerProofBuilder`](crate::PayerProofBuilder),
[`Preview`](crate::Preview), [`Expectation`](crate::Expectation), [`ExpectedPayee`](crate::ExpectedPayee),
[`Disclosure`](crate::Disclosure), [`Receipt`](crate::exchange::Receipt)"
);
page!(
    onion_messages,
    "../docs/guide/onion-messages.md",
    "[`Messenger`](crate::exchange::Messenger), [`NameLookup`](crate::exchange::NameLookup),
[`ReceivedQuery`](crate::exchange::ReceivedQuery), [`Route`](crate::exchange::Route),
[`Inbound`](crate::exchange::Inbound), [`OnionMessage`](crate::onion::OnionMessage),
[`HopKey`](crate::onion::HopKey), [`Forward`](crate::onion::Forward),
[`PaymentPathBuilder`](crate::onion::PaymentPathBuilder),
[`IncomingMessage`](crate::exchange::IncomingMessage), [`OutgoingMessage`](crate::exchange::OutgoingMessage),
[`MessageArrival`](crate::exchange::MessageArrival)",
    "onion"
);
page!(
    connection,
    "../docs/guide/connection.md",
    "[`Connection`](crate::peer::Connection), [`Config`](crate::peer::Config), [`Event`](crate::peer::Event),
[`Init`](crate::peer::Init), [`Notice`](crate::peer::Notice), [`Timeouts`](crate::peer::Timeouts),
[`ConnectionError`](crate::peer::ConnectionError), [`SendError`](crate::peer::SendError)",
    "peer"
);
page!(
    peers,
    "../docs/guide/peers.md",
    "[`Peers`](crate::peers::Peers), [`Limits`](crate::peers::Limits), [`Standing`](crate::peers::Standing),
[`Pace`](crate::peers::Pace), [`Counts`](crate::peers::Counts), [`SendError`](crate::peers::SendError)",
    "onion"
);
page!(
    ldk,
    "../docs/guide/ldk.md",
    "[`Desk`](crate::lightning::Desk), [`Application`](crate::lightning::Application),
[`OffersHandler`](crate::lightning::OffersHandler), [`OnionPeers`](crate::lightning::OnionPeers),
[`message_paths`](crate::lightning::message_paths), [`payment_paths`](crate::lightning::payment_paths),
[`ConversionError`](crate::lightning::ConversionError)",
    "lightning"
);
page!(
    manager,
    "../docs/guide/manager.md",
    "[`OffersManager`](crate::exchange::OffersManager), [`ManagerLimits`](crate::exchange::ManagerLimits),
[`Save`](crate::exchange::Save), [`ToSend`](crate::exchange::ToSend), [`Event`](crate::exchange::Event),
[`Received`](crate::exchange::Received), [`Loaded`](crate::exchange::Loaded), [`AskNode`](crate::exchange::AskNode),
[`Archived`](crate::exchange::Archived), [`Status`](crate::exchange::Status),
[`Activity`](crate::exchange::Activity), [`ManagerError`](crate::exchange::ManagerError)"
);
page!(
    storage,
    "../docs/guide/storage.md",
    "[`Payment::to_bytes`](crate::exchange::Payment::to_bytes), [`Payer::load`](crate::exchange::Payer::load),
[`Payer::restore`](crate::exchange::Payer::restore),
[`Payment::failed_hashes`](crate::exchange::Payment::failed_hashes), [`State`](crate::exchange::State),
[`Claim`](crate::exchange::Claim), [`TakenPayments`](crate::exchange::TakenPayments),
[`Payee::load_claim`](crate::exchange::Payee::load_claim)"
);
page!(
    fuzzing,
    "../docs/guide/fuzzing.md",
    "[`MAX_LEN`](crate::MAX_LEN), [`Unverified`](crate::Unverified), [`KnownFeatures`](crate::KnownFeatures),
[`Rule`](crate::Rule), [`TlvStream`](crate::TlvStream)"
);
page!(targets, "../docs/guide/targets.md", "[`Error`](crate::Error), [`ErrorKind`](crate::ErrorKind)");
page!(
    decisions,
    "../docs/guide/decisions.md",
    "[`Rule`](crate::Rule), [`Retry`](crate::exchange::Retry), [`MAX_RENEWALS`](crate::exchange::MAX_RENEWALS),
[`MAX_OFFER_LEN`](crate::exchange::MAX_OFFER_LEN), [`MAX_REQUEST_LEN`](crate::exchange::MAX_REQUEST_LEN)"
);

#[doc = links!()]
#[doc = include_str!("../CONTRIBUTING.md")]
pub mod contributing {}

#[doc = include_str!("../docs/attacks.md")]
pub mod attacks {}

#[doc = include_str!("../docs/rules/bolt12.md")]
pub mod rules {
    #[doc = include_str!("../docs/rules/contacts.md")]
    pub mod contacts {}
    #[doc = include_str!("../docs/rules/names.md")]
    pub mod names {}
    #[doc = include_str!("../docs/rules/onion-messages.md")]
    pub mod onion_messages {}
    #[doc = include_str!("../docs/rules/payer-proof.md")]
    pub mod payer_proof {}
    #[doc = include_str!("../docs/rules/recurrence.md")]
    pub mod recurrence {}
    #[doc = include_str!("../docs/rules/static-invoices.md")]
    pub mod static_invoices {}
}
