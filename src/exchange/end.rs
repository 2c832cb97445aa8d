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
    /// No invoice arrived before the deadline, or none was paid before it.
    Deadline,
    /// The other side refused. Show its [text](InvoiceError::error), of which at most 1 KiB is kept (its start and its
    /// end), and do not act on it.
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
    /// The fees or the delay of the invoice's paths were above the limit.
    FeeTooHigh {
        /// What it asked for, without the fee.
        amount: Msat,
    },
    /// A backup was restored, and the payment may have been made since: see
    /// [`Payer::restore`](crate::exchange::Payer::restore).
    Restored,
    /// Every quote expired before it was paid.
    QuoteExpired,
    /// The owner declined.
    Declined,
    /// The message could not be sent over any path.
    Unsendable,
    /// The offer expired before an invoice, or another one, was requested.
    OfferExpired,
}

/// A sentence for a person.
impl core::fmt::Display for EndReason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Deadline => "the deadline passed before an invoice was paid",
            Self::Refused(told) => match told.reason() {
                Some(text) => return write!(f, "the other side declined: {text}"),
                None => "the other side declined without giving a reason",
            },
            Self::TooExpensive { amount } => {
                return write!(f, "the invoice asked for {amount}, which is above the limit");
            }
            Self::OffPrice { amount } => {
                return write!(
                    f,
                    "the invoice asked for {amount}, which is too far from the price at the current rate"
                );
            }
            Self::FeeTooHigh { amount } => {
                return write!(f, "the fees or the delay of paying {amount} were above the limit");
            }
            Self::Restored => "a backup was restored: this may have been paid since, so it is not paid again",
            Self::QuoteExpired => "every invoice expired before it was paid: check the clock of this device",
            Self::Declined => "the payment was declined",
            Self::Unsendable => "the message could not be sent over any path",
            Self::OfferExpired => "the offer has expired",
        })
    }
}

/// How much of an error's text is kept.
const MAX_TEXT_LEN: usize = 1024;

/// What stands for what was left out.
const GAP: &str = "…";

impl EndReason {
    /// Whether the owner can make a payment go on that ended like this, by allowing more.
    pub(crate) fn can_be_allowed(&self) -> bool {
        matches!(self, Self::TooExpensive { .. } | Self::OffPrice { .. } | Self::FeeTooHigh { .. })
    }

    /// Keeps the part of an error that is shown: its sender chose the length.
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

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::error::Field;

    fn kept(text: &str, suggested: usize) -> InvoiceError {
        let told = InvoiceError::new(text).unwrap();
        let told = match suggested {
            0 => told,
            len => told.about(Field::INVREQ_PAYER_NOTE, Some(&vec![b'a'; len])).unwrap(),
        };
        let EndReason::Refused(kept) = EndReason::refused(told) else { panic!("it was refused") };
        *kept
    }

    // EXC-6: of what is too long to be kept, both ends; of what is not, all.
    #[test]
    fn a_reason_is_kept_as_far_as_there_is_room() {
        let raw = |told: &InvoiceError| told.error().unwrap().as_raw().to_owned();
        let short = kept("no tea", 1);
        assert_eq!((raw(&short).as_str(), short.suggested_value()), ("no tea", Some(&b"a"[..])));
        // It is the value that is too long.
        for len in [6, MAX_TEXT_LEN] {
            let told = kept(&"x".repeat(len), 2_000);
            assert_eq!(raw(&told), "x".repeat(len));
            assert_eq!((told.erroneous_field(), told.suggested_value()), (Some(Field::INVREQ_PAYER_NOTE), None));
        }
        let long = format!("{}{}", "x".repeat(1_000), "y".repeat(1_000));
        let told = raw(&kept(&long, 0));
        let (start, end) = told.split_once(GAP).unwrap();
        let half = (MAX_TEXT_LEN - GAP.len()) / 2;
        assert_eq!((start, end), ("x".repeat(half).as_str(), "y".repeat(half).as_str()));
    }
}
