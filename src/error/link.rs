//! What can be wrong with a link, a name, or the DNS records of a name.

use alloc::boxed::Box;
use core::fmt;

use super::words::Column;
use crate::units::{Msat, UnixTime};

/// What is wrong with a link, a name, or the DNS records of a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LinkFault {
    /// A required key of a URI that is unknown, such as `req-something`: in lower case, cut to 40 characters.
    UnknownRequiredKey(Box<str>),
    /// A key of a URI that occurs twice and may occur once.
    RepeatedKey(&'static str),
    /// An amount of a URI that is not a decimal number of bitcoin.
    InvalidUriAmount,
    /// An amount for a new URI whose offer has a price.
    NeedlessAmount,
    /// A `%` in a URI that is not followed by two hexadecimal digits, or bytes that are not UTF-8.
    InvalidEncoding,
    /// An invalid on-chain address.
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
    /// A name that leads to other offers than the one to be paid.
    OtherOffer,
    /// A URI that requires a proof of payment that cannot be given.
    ProofOfPayment,
    /// A name without an `@`, or with nothing on one side of it.
    IncompleteName,
    /// A name that cannot exist in the DNS: a label, which is a part between two periods, is empty or too long.
    InvalidLabel {
        /// The number of its characters; 1 to 63 are allowed.
        len: usize,
    },
    /// A name in a query or an answer that does not end with a period.
    RelativeName,
    /// A look-up without a resolver.
    NoResolver,
    /// No TXT record is a `bitcoin:` URI.
    NoPaymentRecord,
    /// Printed TXT records in which a quotation mark is not closed.
    CutRecord,
    /// More than one TXT record is a `bitcoin:` URI.
    SeveralPaymentRecords,
    /// A name that was looked up too long ago.
    StaleName {
        /// The last second in which it was valid.
        at: UnixTime,
    },
    /// A DNSSEC proof that is damaged, or not signed from the root down.
    InvalidProof,
    /// A DNSSEC proof that says nothing about the name.
    UnprovedName,
    /// A DNSSEC proof that has expired.
    ProofExpired {
        /// The last second in which it was valid.
        at: UnixTime,
    },
    /// A DNSSEC proof that is not valid yet.
    ProofTooEarly {
        /// The first second in which it is valid.
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
                "the link requires '{}'{}, which this version does not know, so it must not be paid; \
                 try a newer one",
                key.escape_debug(),
                Column(column)
            ),
            Self::RepeatedKey(key) => {
                write!(f, "the link repeats '{key}'{}, so it is unclear which one counts", Column(column))
            }
            Self::InvalidUriAmount => f.write_str(
                "the amount in the link must be in bitcoin, such as 0.0005: digits only, with at most 8 after the \
                 point, and at most 21 million in all",
            ),
            Self::NeedlessAmount => f.write_str("leave the amount out of the link: its offer has a price"),
            Self::InvalidEncoding => write!(
                f,
                "the link is damaged: the '%'{} does not encode a character; a literal '%' is written as %25",
                Column(column)
            ),
            Self::InvalidAddress => f.write_str(
                "the on-chain address after bitcoin: is invalid, perhaps by a single character: copy it again",
            ),
            Self::OfferAsAddress => f.write_str(
                "an offer stands where the link has an on-chain address: remove bitcoin:, or write bitcoin:?lno= before the offer",
            ),
            Self::NoOffer => f.write_str("this payment link contains no offer"),
            Self::BelowPrice { min } => write!(f, "the amount in the link is below the offer's price of {min}"),
            Self::OtherOffer => f.write_str("this name leads to another offer than the one to be paid"),
            Self::ProofOfPayment => f.write_str(
                "the link requires a proof of payment (req-pop), which cannot be given here, so it must not be paid",
            ),
            Self::IncompleteName => {
                f.write_str("the name is incomplete: it needs a user and a domain, such as alice@example.com")
            }
            Self::InvalidLabel { len: 0 } => {
                f.write_str("this name cannot exist: one of its parts, which are separated by periods, is empty")
            }
            Self::InvalidLabel { len } => write!(
                f,
                "this name cannot exist: one of its parts has {len} characters, and the limit is 63 between two periods"
            ),
            Self::RelativeName => f.write_str("the DNS name does not end with a period"),
            Self::NoResolver => f.write_str("there is no resolver to look up this name: name at least one"),
            Self::NoPaymentRecord => {
                f.write_str("this name cannot be paid: the DNS has no payment link for it; check the spelling")
            }
            Self::CutRecord => {
                f.write_str("the DNS record is cut off, since a quotation mark is not closed: copy it again")
            }
            Self::SeveralPaymentRecords => {
                f.write_str("the DNS has more than one payment link for this name, so none is valid: tell its owner")
            }
            Self::StaleName { .. } => f.write_str("this name was looked up too long ago: look it up again"),
            Self::InvalidProof => {
                f.write_str("the DNSSEC proof is invalid: it is damaged, or not signed from the root down")
            }
            Self::UnprovedName => f.write_str("the DNSSEC proof says nothing about this name"),
            Self::ProofExpired { .. } => f.write_str("the DNSSEC proof has expired: look the name up again"),
            Self::ProofTooEarly { .. } => {
                f.write_str("the DNSSEC proof is not valid yet: check the clock of this device")
            }
        }
    }
}
