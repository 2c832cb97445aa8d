//! Which sentences already give the reason.

use super::ErrorKind;

impl ErrorKind {
    /// Whether the rule's reason adds something to the sentence.
    pub(super) const fn wants_reason(&self) -> bool {
        #[cfg(all(feature = "async_payments", feature = "onion"))]
        if let Self::Serving(_) = self {
            return false;
        }
        !matches!(
            self,
            Self::Empty
                | Self::NotBolt12(_)
                | Self::WrongKind { .. }
                | Self::Truncated
                | Self::UnknownFeature(_)
                | Self::QuantityTooLarge { .. }
                | Self::AmountTooLow { .. }
                | Self::AmountTooHigh { .. }
                | Self::AmountMismatch { .. }
                | Self::Overflow
                | Self::PayinfoCount { .. }
                | Self::Expired { .. }
                | Self::IsRefund
                | Self::IsNotRefund
                | Self::NoHops
                | Self::NoEntries
                | Self::InvalidUtf8
                | Self::InvalidPoint
                | Self::InvalidDirection
                | Self::InvalidPadding
                | Self::UnexpectedWhitespace
                | Self::UnknownEvenField
                | Self::TooManyEntries
                | Self::LimitNeeded { .. }
                | Self::RateNeeded { .. }
                | Self::WrongCurrency { .. }
                | Self::UnsupportedChain
                | Self::NoUsablePath
                | Self::CannotCarry { .. }
                | Self::NoPathWithin { .. }
                | Self::InvalidFallback
                | Self::NoReplyPath
                | Self::AlreadyAnswered
                | Self::WrongState { .. }
                | Self::OffPrice { .. }
                | Self::DeadlinePassed { .. }
                | Self::OtherAttempt { .. }
                | Self::InvalidState
                | Self::UnknownVersion
                | Self::DoesNotDecrypt
                | Self::InvalidSecret
                | Self::OwnPath
                | Self::UnknownIntroduction
                | Self::UnknownCode(_)
                | Self::NoSuchPeriod { .. }
                | Self::TooEarly { .. }
                | Self::TooLate { .. }
                | Self::Cancelled
                | Self::PreviousUnpaid
                | Self::AlreadyPaid
                | Self::AlreadyTaken
                | Self::SoldOut
                | Self::Withdrawn
                | Self::StaleRate { .. }
                | Self::TooManyClaims { .. }
                | Self::IsRecurring
                | Self::IsNotRecurring
                | Self::InvalidRate
                | Self::UnknownMinorUnit(_)
                | Self::InvalidId { .. }
                | Self::InvalidShortChannelId
                | Self::InvalidName(_)
                | Self::TooLong { .. }
                | Self::Outdated(_)
                | Self::Link(_)
        )
    }
}
