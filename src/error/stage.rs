//! How far a payment is, and what can be done then.

use core::fmt;

/// How far a payment is, for [`ErrorKind::WrongState`](crate::ErrorKind::WrongState).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The payment of a subscription is not due, or it has stopped.
    NotOpen,
    /// No invoice has come yet.
    Asking,
    /// There is an invoice that nobody began to pay.
    Quoted,
    /// The invoice is being paid.
    Paying,
    /// It was paid.
    Paid,
    /// It ended without being paid.
    Ended,
}

/// A sentence that says what can be done instead.
impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOpen => "no payment of the subscription is open: poll it, and look at its state",
            Self::Asking => "the payment still waits for an invoice: poll it, and try again when there is a quote",
            Self::Quoted => "nobody has begun to pay this quote: begin it first",
            Self::Paying => "the invoice is being paid: wait until the node says that it was paid or has failed",
            Self::Paid => "the payment was made: there is nothing left to do",
            Self::Ended => "the payment has ended: begin another",
        })
    }
}
