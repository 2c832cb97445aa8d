//! What can be wrong with a link, with a name, and with what the DNS holds for it.

use alloc::boxed::Box;
use core::fmt;

use super::words::Column;
use crate::units::{Msat, UnixTime};

/// What is wrong with a link, with a name, or with what the DNS holds for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LinkFault {
    /// A key of a URI, such as `req-something`, that must be understood and is not: in lower case, without what
    /// follows its first 40 characters.
    UnknownRequiredKey(Box<str>),
    /// A key of a URI that may stand there once, and stands there again.
    RepeatedKey(&'static str),
    /// An amount of a URI that is no decimal number of bitcoin.
    InvalidUriAmount,
    /// An amount in a URI that is being made, where an offer in it has a price.
    NeedlessAmount,
    /// A `%` in a URI that is not followed by two hexadecimal digits, or leads to what is not UTF-8.
    InvalidEncoding,
    /// An on-chain address that is damaged, or none.
    InvalidAddress,
    /// An offer where a URI has its on-chain address.
    OfferAsAddress,
    /// A URI without an offer.
    NoOffer,
    /// An amount of a URI that is below the price of its offer.
    BelowPrice {
        /// The price.
        min: Msat,
    },
    /// A name that stands for other offers than the one that is to be paid.
    OtherOffer,
    /// A URI that demands to be told of the payment, where that cannot be done.
    ProofOfPayment,
    /// A name without an `@`, or with nothing on one side of it.
    IncompleteName,
    /// A name that the DNS cannot hold: a part between two periods is empty or too long.
    InvalidLabel {
        /// How many characters it has, where 1 to 63 fit.
        len: usize,
    },
    /// A name in a query or an answer that does not end with a period.
    RelativeName,
    /// Nobody who could be asked for a name.
    NoResolver,
    /// No TXT record holds a `bitcoin:` URI.
    NoPaymentRecord,
    /// What was printed of TXT records, where a quotation mark is not closed.
    CutRecord,
    /// More than one TXT record holds a `bitcoin:` URI.
    SeveralPaymentRecords,
    /// What a name stands for, looked up too long ago.
    StaleName {
        /// The last second it was good for.
        at: UnixTime,
    },
    /// A DNSSEC proof that is damaged, or not signed from the root down.
    InvalidProof,
    /// A DNSSEC proof that does not show what the name stands for.
    UnprovedName,
    /// A DNSSEC proof that is too old.
    ProofExpired {
        /// The last second it was good for.
        at: UnixTime,
    },
    /// A DNSSEC proof that is not good yet.
    ProofTooEarly {
        /// The first second at which it is good.
        from: UnixTime,
    },
}

impl LinkFault {
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::UnknownRequiredKey(_) => "unknown_required_key",
            Self::RepeatedKey(_) => "repeated_key",
            Self::InvalidUriAmount => "invalid_uri_amount",
            Self::NeedlessAmount => "needless_amount",
            Self::InvalidEncoding => "invalid_encoding",
            Self::InvalidAddress => "invalid_address",
            Self::OfferAsAddress => "offer_as_address",
            Self::NoOffer => "no_offer",
            Self::BelowPrice { .. } => "below_price",
            Self::OtherOffer => "other_offer",
            Self::ProofOfPayment => "proof_of_payment",
            Self::IncompleteName => "incomplete_name",
            Self::InvalidLabel { .. } => "invalid_label",
            Self::RelativeName => "relative_name",
            Self::NoResolver => "no_resolver",
            Self::NoPaymentRecord => "no_payment_record",
            Self::CutRecord => "cut_record",
            Self::SeveralPaymentRecords => "several_payment_records",
            Self::StaleName { .. } => "stale_name",
            Self::InvalidProof => "invalid_proof",
            Self::UnprovedName => "unproved_name",
            Self::ProofExpired { .. } => "proof_expired",
            Self::ProofTooEarly { .. } => "proof_too_early",
        }
    }

    pub(super) fn sentence(&self, column: Option<usize>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownRequiredKey(key) => write!(
                f,
                "the link demands '{}'{}, which is not known here, so it must not be paid; newer software may help",
                key.escape_debug(),
                Column(column)
            ),
            Self::RepeatedKey(key) => write!(f, "the link says {key} a second time{}, so that it is not clear which one counts", Column(column)),
            Self::InvalidUriAmount => f.write_str(
                "the amount in the link is no number of bitcoin, such as 0.0005: only digits, at most 8 of them after a \
                 point, and at most 21 million in all",
            ),
            Self::NeedlessAmount => f.write_str("the link needs no amount: an offer in it has a price"),
            Self::InvalidEncoding => write!(
                f,
                "the link is damaged: what '%' begins{} stands for no character; a plain one is written as %25",
                Column(column)
            ),
            Self::InvalidAddress => f.write_str(
                "what stands after bitcoin: is not an on-chain address; one wrong character is enough: copy it again",
            ),
            Self::OfferAsAddress => f.write_str(
                "an offer stands where the link has an on-chain address: take bitcoin: away, or write bitcoin:?lno= before it",
            ),
            Self::NoOffer => f.write_str("this payment link holds no offer"),
            Self::BelowPrice { min } => {
                write!(f, "the amount in the link is less than the {min} that the offer asks for")
            }
            Self::OtherOffer => f.write_str("this name stands for another offer than the one that is to be paid"),
            Self::ProofOfPayment => f.write_str(
                "the link demands to be told of the payment (req-pop), which cannot be done here, so it must not be paid",
            ),
            Self::IncompleteName => {
                f.write_str("a name has something on each side of an @, as alice@example.com has, and here it is missing")
            }
            Self::InvalidLabel { len: 0 } => f.write_str(
                "nothing stands before, behind or between the periods of this name: no such name can be looked up",
            ),
            Self::InvalidLabel { len } => write!(
                f,
                "a part of this name has {len} characters, and 63 fit between two periods: no such name can be looked up"
            ),
            Self::RelativeName => f.write_str("the name that is to be looked up does not end with a period"),
            Self::NoResolver => f.write_str("nobody was named who could look this name up: name a resolver"),
            Self::NoPaymentRecord => f.write_str("nobody can be paid under this name: the DNS holds no payment link for it"),
            Self::CutRecord => f.write_str(
                "what the DNS holds was not copied whole: a quotation mark is not closed; copy it again to its end",
            ),
            Self::SeveralPaymentRecords => f.write_str(
                "the DNS holds more than one payment link for this name, so that none counts; its owner has to mend it",
            ),
            Self::StaleName { .. } => {
                f.write_str("what this name stands for was looked up too long ago: look it up again")
            }
            Self::InvalidProof => f.write_str("the DNSSEC proof does not hold: it is damaged, or not signed from the root down"),
            Self::UnprovedName => f.write_str("the DNSSEC proof does not show what this name stands for"),
            Self::ProofExpired { .. } => f.write_str("the DNSSEC proof is too old: look the name up again"),
            Self::ProofTooEarly { .. } => {
                f.write_str("the DNSSEC proof is from the future: is the clock of this device right?")
            }
        }
    }
}
