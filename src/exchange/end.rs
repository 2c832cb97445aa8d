//! Why a conversation ended without a payment.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;

use crate::error::Error;
use crate::exchange::saved::{Reader, Writer, invalid};
use crate::invoice_error::InvoiceError;
use crate::units::Msat;

/// Why a payment ended without being made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// No invoice came in time, or what came was not paid in time.
    Deadline,
    /// The issuer refused: show the [text](InvoiceError::error), of which both ends are kept, at most 1 KiB, and do not
    /// act on it.
    Refused(Box<InvoiceError>),
    /// The invoice was above the limit.
    TooExpensive {
        /// What it asked for.
        amount: Msat,
    },
    /// The invoice was off the price at the payer's rate.
    OffPrice {
        /// What it asked for.
        amount: Msat,
    },
    /// The invoice's paths cost more, or take longer, than was allowed.
    FeeTooHigh {
        /// What it asked for, without the fee.
        amount: Msat,
    },
    /// A backup was loaded that is older than what became of the payment: see
    /// [`Payer::restore`](crate::exchange::Payer::restore).
    Restored,
    /// One quote after the other expired before it was paid.
    QuoteExpired,
    /// Whoever owns the money did not want to.
    Declined,
    /// What had to be said cannot be sent, whatever the way.
    Unsendable,
    /// The offer expired before it was asked for, or before another invoice was.
    OfferExpired,
}

/// A sentence for a person.
impl core::fmt::Display for EndReason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Deadline => "it took too long: no invoice was paid in time",
            Self::Refused(told) => match told.reason() {
                Some(text) => return write!(f, "the answer was: {text}"),
                None => "the answer was no, for no reason that was given",
            },
            Self::TooExpensive { amount } => {
                return write!(f, "the invoice asked for {amount}, which is more than was allowed");
            }
            Self::OffPrice { amount } => {
                return write!(f, "the invoice asked for {amount}, which is far from the price at the present rate");
            }
            Self::FeeTooHigh { amount } => {
                return write!(f, "the fees for an invoice of {amount}, or its delay, were more than was allowed");
            }
            Self::Restored => {
                "a backup was restored: whether this was paid since is not known, so it is not paid again"
            }
            Self::QuoteExpired => "every invoice expired before it was paid, or had when it came: is the clock right?",
            Self::Declined => "whoever owns the money did not want to pay",
            Self::Unsendable => "what had to be said could not be sent",
            Self::OfferExpired => "the offer has expired",
        })
    }
}

/// How much of an error's text is kept.
const MAX_TEXT_LEN: usize = 1024;

/// What stands for what was left out.
const GAP: &str = "…";

impl EndReason {
    /// Whether whoever owns the money can have a payment go on that ended so, by allowing more.
    pub(crate) fn can_be_allowed(&self) -> bool {
        matches!(self, Self::TooExpensive { .. } | Self::OffPrice { .. } | Self::FeeTooHigh { .. })
    }

    /// Keeps of an error what is shown, since whoever sent it says how long it is.
    pub(crate) fn refused(told: InvoiceError) -> Self {
        if told.as_bytes().len() <= MAX_TEXT_LEN {
            return Self::Refused(Box::new(told));
        }
        let text = told.error().map_or("", |error| error.as_raw());
        // Both ends: some put the request in front of the reason, whole.
        let half = MAX_TEXT_LEN.saturating_sub(GAP.len()) / 2;
        let until = (0..=half).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let from = text.len().saturating_sub(half);
        let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        let short = match (text.get(..until), text.get(from..)) {
            (Some(start), Some(end)) if text.len() > MAX_TEXT_LEN => format!("{start}{GAP}{end}"),
            _ => text.to_owned(),
        };
        let short = InvoiceError::new(if short.is_empty() { GAP } else { &short });
        let short = short.map(|short| match told.erroneous_field() {
            Some(field) => short.clone().about(field, None).unwrap_or(short),
            None => short,
        });
        Self::Refused(Box::new(short.unwrap_or(told)))
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        out.array([match self {
            Self::Deadline => 0,
            Self::Refused(_) => 1,
            Self::TooExpensive { .. } => 2,
            Self::QuoteExpired => 3,
            Self::Declined => 4,
            Self::Unsendable => 5,
            Self::OfferExpired => 6,
            Self::OffPrice { .. } => 7,
            Self::FeeTooHigh { .. } => 8,
            Self::Restored => 9,
        }]);
        match self {
            Self::Refused(told) => out.bytes(told.as_bytes()),
            Self::TooExpensive { amount } | Self::OffPrice { amount } | Self::FeeTooHigh { amount } => {
                out.number(amount.0);
            }
            _ => {}
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        match reader.byte()? {
            0 => Ok(Self::Deadline),
            1 => InvoiceError::try_from(reader.bytes()?).map(|told| Self::Refused(Box::new(told))),
            2 => Ok(Self::TooExpensive { amount: Msat(reader.number()?) }),
            3 => Ok(Self::QuoteExpired),
            4 => Ok(Self::Declined),
            5 => Ok(Self::Unsendable),
            6 => Ok(Self::OfferExpired),
            7 => Ok(Self::OffPrice { amount: Msat(reader.number()?) }),
            8 => Ok(Self::FeeTooHigh { amount: Msat(reader.number()?) }),
            9 => Ok(Self::Restored),
            _ => Err(invalid()),
        }
    }
}
