//! Identifiers: path ids, and the ids of payments, claims and subscriptions.

use core::fmt;
use core::str::FromStr;

use bitcoin::hex::{DisplayHex, FromHex};

use crate::error::{Error, ErrorKind, Rule};

/// The 32 bytes in the last hop of a blinded path, by which the maker of the path recognises it (PTH-2).
///
/// They are a secret of the maker. Anyone else who knew them could pretend that a message arrived over the path. So
/// `Debug` does not show them.
///
/// Those of a [short offer](super::NewOffer::short) are 16 bytes, followed by zeros. [`as_ref`](AsRef::as_ref) omits
/// the zeros, which makes the path shorter. Both forms are recognised.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PathId(pub [u8; 32]);

/// These bytes, and zeros behind them.
pub(crate) fn filled<const N: usize>(bytes: impl IntoIterator<Item = u8>) -> [u8; N] {
    let mut array = [0; N];
    array.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
    array
}

impl PathId {
    /// One of 16 bytes.
    pub(crate) fn of_short(bytes: [u8; 16]) -> Self {
        Self(filled(bytes))
    }

    /// The 16 bytes, if there are no more.
    pub(crate) fn as_short(&self) -> Option<&[u8; 16]> {
        let (start, zeros) = self.0.split_first_chunk()?;
        zeros.iter().all(|byte| *byte == 0).then_some(start)
    }
}

/// What to put into the path: 32 bytes, or 16 of a short offer.
impl AsRef<[u8]> for PathId {
    fn as_ref(&self) -> &[u8] {
        self.as_short().map_or(&self.0, |start| start)
    }
}

impl fmt::Debug for PathId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PathId(..)")
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal, $what:literal) => {
        $(#[$doc])*
        ///
        /// `Display` and `FromStr` use hexadecimal.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hex().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let invalid = |_| Error::new(ErrorKind::InvalidId { digits: 2 * $len }, Rule::Exc4);
                <[u8; $len]>::from_hex(text).map(Self).map_err(invalid)
            }
        }

        #[cfg(feature = "serde")]
        crate::serde::as_hex!($name, $what, |id: &Self| id.0, |bytes| <[u8; $len]>::try_from(bytes).map(Self));
    };
}

id! {
    /// The id of a payment: see [`Payer::payment_of`](super::Payer::payment_of).
    PaymentId, 14, "the id of a payment"
}

id! {
    /// The id of a claim of a refund: see [`Payee::claim_of`](super::Payee::claim_of).
    ClaimId, 14, "the id of a claim"
}

#[cfg(feature = "onion")]
id! {
    /// The id of a look-up: see [`Payer::lookup_of`](super::Payer::lookup_of).
    LookupId, 14, "the id of a lookup"
}

#[cfg(all(feature = "async_payments", feature = "onion"))]
id! {
    /// The id of a client of a static invoice server, which the server chooses: the number of its account, for example.
    /// Only the server ever sees it.
    ClientId, 8, "the id of a client"
}

#[cfg(feature = "recurrence")]
id! {
    /// The id of a subscription. It is never sent to anybody.
    SubscriptionId, 16, "the id of a subscription"
}

/// The id of a conversation: a payment, a claim or a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ConversationId {
    /// A payment for an offer, or a refund that was published.
    Payment(PaymentId),
    /// The claim of a refund.
    Claim(ClaimId),
    /// A subscription.
    #[cfg(feature = "recurrence")]
    Subscription(SubscriptionId),
}

/// The kind of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ConversationKind {
    /// A payment for an offer, or a refund that was published.
    Payment,
    /// The claim of a refund.
    Claim,
    /// A subscription (feature `recurrence`).
    Subscription,
}

impl ConversationId {
    /// The kind of the conversation.
    pub const fn kind(&self) -> ConversationKind {
        match self {
            Self::Payment(_) => ConversationKind::Payment,
            Self::Claim(_) => ConversationKind::Claim,
            #[cfg(feature = "recurrence")]
            Self::Subscription(_) => ConversationKind::Subscription,
        }
    }

    /// The id's bytes, 14 or 16, which are unique among those of its kind.
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Payment(id) => &id.0,
            Self::Claim(id) => &id.0,
            #[cfg(feature = "recurrence")]
            Self::Subscription(id) => &id.0,
        }
    }
}

/// For example `payment 9f86d081884c7d659a2feaa0c55a`.
impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind() {
            ConversationKind::Payment => "payment",
            ConversationKind::Claim => "claim",
            ConversationKind::Subscription => "subscription",
        };
        write!(f, "{kind} {}", self.as_bytes().as_hex())
    }
}

impl From<PaymentId> for ConversationId {
    fn from(id: PaymentId) -> Self {
        Self::Payment(id)
    }
}

impl From<ClaimId> for ConversationId {
    fn from(id: ClaimId) -> Self {
        Self::Claim(id)
    }
}

#[cfg(feature = "recurrence")]
impl From<SubscriptionId> for ConversationId {
    fn from(id: SubscriptionId) -> Self {
        Self::Subscription(id)
    }
}
