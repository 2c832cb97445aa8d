//! Every public type can be sent to another thread, shared between threads, and kept when one of them panics. What is
//! not does not compile here. `interface/tests/guidelines.rs` checks that none is missing.

use std::panic::UnwindSafe;

use bolt12::exchange::*;
use bolt12::*;

/// All three.
fn assert<T: Send + Sync + UnwindSafe>() {}

macro_rules! all {
    ($($type:ty),* $(,)?) => { $(assert::<$type>();)* };
}

#[cfg(feature = "async_payments")]
#[test]
fn static_invoices() {
    all!(
        StaticInvoice,
        StaticInvoiceFields,
        StaticInvoiceBuilder<'static>,
        StaticInvoiceContext<'static>,
        PayableStaticInvoice<'static>,
        Unsigned<StaticInvoice>,
        Unverified<StaticInvoice>,
        AsyncPayment,
        AsyncState<'static>,
        AsyncQuote<'static>,
        AsyncPaying<'static>,
        AsyncPaid<'static>,
        AsyncProgress,
        Release,
    );
}

#[test]
fn messages_and_what_is_in_them() {
    all!(
        Offer,
        InvoiceRequest,
        Refund,
        Invoice,
        InvoiceError,
        PayerProof,
        Bolt12,
        OfferFields,
        RequestFields,
        InvoiceFields,
        Unsigned<Invoice>,
        Unsigned<InvoiceRequest>,
        Unsigned<Refund>,
        Unsigned<PayerProof>,
        Unverified<Invoice>,
        Unverified<InvoiceRequest>,
        Unverified<Refund>,
        Unverified<PayerProof>,
        TlvStream,
        TlvRecord<'static>,
        Wrapped<'static>,
        OfferId,
        Preimage,
        BlindedHop<'static>,
        BlindedPath<'static>,
        BlindedPaths<'static>,
        Chains<'static>,
        CurrencyCode,
        Direction,
        BitcoinUri,
        BitcoinUriBuilder,
        Instruction,
        Pasted<'_>,
        ProofOfPayment,
        LinkFault,
        Entries<'static, BlindedPath<'static>>,
        Entries<'static, ChainHash>,
        Fallback<'static>,
        Fallbacks<'static>,
        Feature,
        FeatureBits,
        Features<'static>,
        HumanReadableName<'static>,
        IntroductionNode,
        KnownFeatures,
        OfferAmount,
        PayInfo<'static>,
        PayInfos<'static>,
        Point,
        Quantity,
        Rate,
        ShortChannelId,
        Text<'static>,
        MinorUnits,
        Msat,
        UnixTime,
        ChainHash,
        Error,
        ErrorKind,
        Field,
        LooksLike,
        MessageKind,
        Rule,
        Stage,
    );
    #[cfg(feature = "recurrence")]
    all!(
        PayWindow,
        Recurrence,
        RecurrenceBase,
        RecurrenceRequest,
        TimeUnit,
        PaidPeriod,
        RecurrenceContext,
        SubscriptionKey
    );
}

#[test]
fn what_makes_and_checks_messages() {
    all!(
        OfferBuilder,
        InvoiceRequestBuilder<'static>,
        RefundBuilder,
        InvoiceBuilder<'static>,
        PayerProofBuilder<'static>,
        UsableOffer<'static>,
        Revealed<'static>,
        AcceptedRequest<'static>,
        RequestArrival,
        RequestContext<'static>,
        Arrival,
        InvoiceContext<'static>,
        FetchedContext,
        MultiPart,
        PayableInvoice<'static>,
        PathLimits,
        RefundContext<'static>,
        SentTo,
        Disclosure,
        Expectation<'static>,
        ExpectedPayee<'static>,
        Preview,
        Unmet,
        UnmetConditions,
    );
}

#[test]
fn the_exchange() {
    all!(
        Payer,
        Draft,
        Need,
        Limit,
        Payment,
        OffersManager,
        ManagerLimits,
        ManagerError,
        Save,
        ToSend,
        Event,
        Loaded<()>,
        AskNode,
        Archived,
        LoadError,
        Status,
        Activity,
        WaitsFor,
        ConversationKind,
        Attempt,
        Objection,
        FeeLimit,
        Paying<'static>,
        Sale,
        TakenPayments,
        Stock,
        PaymentPathId,
        SoldPeriod,
        Progress,
        Quote<'static>,
        Receipt<'static>,
        NewRefund,
        State<'static>,
        Retry,
        Payee,
        NewOffer,
        ReceivedRequest,
        Accepted,
        ExpectedPayment,
        AcceptedRefund,
        Claim,
        ClaimState,
        MaxAmount,
        Terms<'static>,
        Action,
        EndReason,
        ClaimId,
        ConversationId,
        PathId,
        PaymentId,
        Destination,
        IncomingMessage,
        MessageArrival,
        OffersMessage,
        OffersMessageKind,
        OutgoingMessage,
        Refused,
    );
    #[cfg(feature = "onion")]
    all!(Inbound, Messenger, Route<'static>);
    #[cfg(feature = "recurrence")]
    all!(
        Subscription,
        Subscribers,
        SubscriptionDraft,
        Due,
        Timing,
        SubscriptionEnd,
        SubscriptionState<'static>,
        SubscriptionId
    );
}

#[cfg(feature = "onion")]
#[test]
fn onions() {
    use bolt12::onion::*;
    #[cfg(feature = "async_payments")]
    all!(
        OfferPaths,
        OfferPathsRequest,
        ServeStaticInvoice,
        AsyncRecipient,
        RecipientTerms,
        RecipientState<'static>,
        RecipientProgress,
        ServedOffer<'static>,
        StaticInvoiceServer,
        ServerLimits,
        ServerStep,
        PathsAsked,
        ToServe,
        Storing,
        ServedRequest,
        ServedAnswer,
        Slot,
        ClientId,
        ServingKind,
        ServingMessage,
        ForwardedRequest,
        ServingFault,
    );
    all!(
        DnssecProof<'_>,
        DnssecQuery<'_>,
        OnionMessageBuilder<'static>,
        PeerMessage,
        HopData,
        PaymentConstraints,
        PaymentRelay,
        OnionMessage,
        BlindedPathBuilder<'static>,
        PathHop,
        Htlc,
        PaymentHop,
        PaymentPathBuilder,
        PaymentRefusal,
        PaymentStep,
        Contents<'static>,
        Payload,
        Forward,
        Peeled,
        Received,
        Refusal,
        HopKey,
        Unblinded,
        NextHop,
    );
}

#[cfg(feature = "onion")]
#[test]
fn names_that_are_looked_up() {
    all!(DnsMessage, LookupId, LookupState<'static>, NameLookup, OutgoingDnsMessage, ReceivedProof, ReceivedQuery);
}

#[cfg(feature = "contacts")]
#[test]
fn people_who_know_each_other() {
    all!(Contact, ContactSecret, Introduction, NameSignature, OfferKey, PayerIdentity, UnsignedName<'static>);
}

#[cfg(feature = "dnssec")]
#[test]
fn what_a_proof_says() {
    all!(ResolvedName);
}

#[cfg(feature = "peer")]
#[test]
fn connections_to_peers() {
    all!(
        peer::Config,
        peer::Connection,
        peer::ConnectionError,
        peer::Event,
        peer::Init,
        peer::Notice,
        peer::OnionMessages,
        peer::SendError,
        peer::Timeouts,
        peers::Arrived,
        peers::Budget,
        peers::Counts,
        peers::Limits,
        peers::NoChannels,
        peers::Pace,
        peers::Peers,
        peers::SendError,
        peers::Standing,
    );
}
