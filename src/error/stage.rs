//! How far a payment has got, and what can be done next.

use core::fmt;

/// How far a payment has got, for [`ErrorKind::WrongState`](crate::ErrorKind::WrongState).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The payment of a subscription is not due, or it has stopped.
    NotOpen,
    /// No invoice has come yet.
    Asking,
    /// There is an invoice, and paying has not begun.
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
            Self::NotOpen => "no payment of the subscription is open: poll it, and see its state",
            Self::Asking => "the payment is waiting for an invoice: poll it, and try again once there is a quote",
            Self::Quoted => "paying this quote has not begun: begin it first",
            Self::Paying => "the invoice is being paid: wait until the node reports success or failure",
            Self::Paid => "the payment has been made: there is nothing left to do",
            Self::Ended => "the payment has ended: start another",
        })
    }
}
