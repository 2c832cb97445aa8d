//! Where the two crates disagree about what is valid, and why.
//!
//! Every message that one accepts and the other refuses must be explained by one row of
//! [`DIFFERENCES`], by what the message holds and by what it is refused for; and every row must be
//! needed.
//!
//! What `lightning` does with the *length* that it puts before an invoice error (ERR-1) is no row
//! here, since the tests put it there and take it off: see [`crate::theirs::error_bytes`].

use bolt12::{ErrorKind, Rule};
use lightning::ln::msgs::DecodeError;
use lightning::offers::parse::{Bolt12ParseError, Bolt12SemanticError};

use crate::wire::{Kind, Record, number, records, value};

/// Who refuses what the other one accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refuses {
    We,
    They,
}

/// A message that the two judge differently.
pub(crate) struct Dispute {
    pub(crate) kind: Kind,
    records: Option<Vec<Record>>,
    len: usize,
    ours: Option<bolt12::Error>,
    theirs: Option<Bolt12ParseError>,
}

impl Dispute {
    /// A message with both verdicts, of which just one is an error.
    pub(crate) fn new(kind: Kind, bytes: &[u8], ours: Option<bolt12::Error>, theirs: Option<Bolt12ParseError>) -> Self {
        assert_ne!(ours.is_some(), theirs.is_some());
        Self { kind, records: records(bytes), len: bytes.len(), ours, theirs }
    }

    pub(crate) fn refuses(&self) -> Refuses {
        if self.ours.is_some() { Refuses::We } else { Refuses::They }
    }

    fn value(&self, number: u64) -> Option<&[u8]> {
        value(self.records.as_deref()?, number)
    }

    fn has(&self, number: u64) -> bool {
        self.value(number).is_some()
    }

    fn number(&self, field: u64) -> Option<u64> {
        number(self.value(field)?)
    }

    /// Whether this is, or answers, a request without an offer.
    fn is_refund(&self) -> bool {
        matches!(self.kind, Kind::Refund | Kind::Invoice) && !self.has(16) && !self.has(22)
    }

    fn answers_offer(&self) -> bool {
        matches!(self.kind, Kind::Request | Kind::Invoice) && (self.has(16) || self.has(22))
    }

    fn we_say(&self, rule: Rule, kind: &ErrorKind) -> bool {
        self.ours.as_ref().is_some_and(|error| error.rule() == rule && error.kind() == kind)
    }

    fn they_say(&self, expected: &Bolt12SemanticError) -> bool {
        matches!(&self.theirs, Some(Bolt12ParseError::InvalidSemantics(error)) if error == expected)
    }

    fn they_cannot_decode(&self) -> bool {
        matches!(self.theirs, Some(Bolt12ParseError::Decode(DecodeError::InvalidValue)))
    }
}

/// One reason for different verdicts.
pub(crate) struct Difference {
    pub(crate) name: &'static str,
    pub(crate) refuses: Refuses,
    /// The rule or decision that we follow.
    pub(crate) rule: &'static str,
    /// Why that is right, or at least meant.
    pub(crate) reason: &'static str,
    explains: fn(&Dispute) -> bool,
}

use Bolt12SemanticError as They;

/// All known differences.
pub(crate) static DIFFERENCES: &[Difference] = &[
    Difference {
        name: "unknown compulsory feature",
        refuses: Refuses::We,
        rule: "OFR-2, RQR-2, IVR-3",
        reason: "they refuse to answer the message, not to read it",
        explains: |dispute| {
            let fields = [(12, Rule::Ofr2), (84, Rule::Rqr2), (174, Rule::Ivr3)];
            fields.into_iter().any(|(field, rule)| {
                unknown_feature(dispute.value(field), field)
                    .is_some_and(|bit| dispute.we_say(rule, &ErrorKind::UnknownFeature(bit)))
            })
        },
    },
    Difference {
        name: "no path with known features",
        refuses: Refuses::We,
        rule: "IVR-7",
        reason: "they look at a path's features when they choose one to pay over",
        explains: |dispute| dispute.has(162) && dispute.we_say(Rule::Ivr7, &ErrorKind::NoUsablePath),
    },
    Difference {
        name: "empty list of chains",
        refuses: Refuses::We,
        rule: "OFR-3",
        reason: "such an offer can be paid on no chain at all",
        explains: |dispute| dispute.value(2) == Some(&[]) && dispute.we_say(Rule::Ofr3, &ErrorKind::NoEntries),
    },
    Difference {
        name: "empty list of paths",
        refuses: Refuses::We,
        rule: "D8",
        reason: "they refuse it only in offers without an issuer's key and in invoice_paths",
        explains: |dispute| {
            let empty = [16, 90, 178, 236].into_iter().any(|field| dispute.value(field) == Some(&[]));
            empty && dispute.we_say(Rule::D8, &ErrorKind::NoEntries)
        },
    },
    Difference {
        name: "more than 65535 bytes",
        refuses: Refuses::We,
        rule: "D7",
        reason: "no onion message could carry it",
        explains: |dispute| {
            dispute.len > 65_535 && dispute.we_say(Rule::D7, &ErrorKind::TooLong { len: dispute.len, max: 65_535 })
        },
    },
    Difference {
        name: "more than all bitcoin",
        refuses: Refuses::They,
        rule: "D3",
        reason: "the specification has no limit; nothing is built, accepted or paid above it",
        explains: |dispute| {
            let price = dispute.number(8).map_or(0, |price| price.saturating_mul(dispute.number(86).unwrap_or(1)));
            let most = [price, dispute.number(8).unwrap_or(0), dispute.number(82).unwrap_or(0)].into_iter().max();
            most > Some(bolt12::Msat::MAX_MONEY.0) && dispute.they_say(&They::InvalidAmount)
        },
    },
    Difference {
        name: "invoice for another amount than the price",
        refuses: Refuses::They,
        rule: "IVR-11",
        reason: "the request named no amount, so what the payer authorised decides, with the request at hand",
        explains: |dispute| {
            let price = dispute.number(8).and_then(|price| price.checked_mul(dispute.number(86).unwrap_or(1)));
            dispute.kind == Kind::Invoice
                && dispute.answers_offer()
                && !dispute.has(82)
                && dispute.number(170) != price
                && dispute.they_say(&They::InvalidAmount)
        },
    },
    Difference {
        name: "request for an offer in another currency",
        refuses: Refuses::They,
        rule: "RQR-9",
        reason: "they do not convert currencies",
        explains: |dispute| dispute.answers_offer() && dispute.has(6) && dispute.they_say(&They::UnsupportedCurrency),
    },
    Difference {
        name: "paths in a request for an offer",
        refuses: Refuses::They,
        rule: "RQR-4",
        reason: "a reader has no use for them, but no reason to refuse them",
        explains: |dispute| dispute.answers_offer() && dispute.has(90) && dispute.they_say(&They::UnexpectedPaths),
    },
    Difference {
        name: "name that the DNS cannot have",
        refuses: Refuses::They,
        rule: "RQR-14",
        reason: "the specification restricts the characters; they also want labels of 1 to 63",
        explains: |dispute| dispute.value(91).is_some_and(|value| !is_dns_name(value)) && dispute.they_cannot_decode(),
    },
    Difference {
        name: "signature in a refund",
        refuses: Refuses::They,
        rule: "D1",
        reason: "some implementations demand one, so it may be there, and must then be valid",
        explains: |dispute| {
            let signed = dispute.records.iter().flatten().any(|record| (240..=1000).contains(&record.0));
            dispute.kind == Kind::Refund && signed && dispute.they_cannot_decode()
        },
    },
    Difference {
        name: "offer_metadata in a refund",
        refuses: Refuses::They,
        rule: "RQR-11",
        reason: "only writers must not, and it is nobody's business but the writer's",
        explains: |dispute| dispute.is_refund() && dispute.has(4) && dispute.they_say(&They::UnexpectedMetadata),
    },
    Difference {
        name: "price in a refund",
        refuses: Refuses::They,
        rule: "RQR-11",
        reason: "it is for display only",
        explains: |dispute| {
            dispute.is_refund() && (dispute.has(6) || dispute.has(8)) && dispute.they_say(&They::UnexpectedAmount)
        },
    },
    Difference {
        name: "refund without a description",
        refuses: Refuses::They,
        rule: "RQR-11",
        reason: "only writers must have one, and Core Lightning leaves it out",
        explains: |dispute| dispute.is_refund() && !dispute.has(10) && dispute.they_say(&They::MissingDescription),
    },
    Difference {
        name: "name in a refund",
        refuses: Refuses::They,
        rule: "RQR-14",
        reason: "it means nothing there, but no rule forbids it",
        explains: |dispute| {
            dispute.is_refund() && dispute.has(91) && dispute.they_say(&They::UnexpectedHumanReadableName)
        },
    },
    Difference {
        name: "key of a hidden issuer",
        refuses: Refuses::They,
        rule: "IVR-9",
        reason: "which path's last hop must sign is known to the payer, who checks it with the request at hand",
        explains: |dispute| {
            dispute.kind == Kind::Invoice
                && dispute.has(16)
                && !dispute.has(22)
                && dispute.they_say(&They::InvalidSigningPubkey)
        },
    },
    Difference {
        name: "the draft's number for message paths",
        refuses: Refuses::They,
        rule: "STA-1",
        reason: "they write another one, which is what is on the wire; both are read",
        explains: |dispute| {
            let unknown = Bolt12ParseError::Decode(DecodeError::UnknownRequiredFeature);
            dispute.kind == Kind::StaticInvoice && dispute.has(178) && dispute.theirs == Some(unknown)
        },
    },
    Difference {
        name: "invoice error without a text",
        refuses: Refuses::They,
        rule: "ERR-1",
        reason: "an error is an error even if it does not say why",
        explains: |dispute| dispute.kind == Kind::Error && !dispute.has(5) && dispute.they_cannot_decode(),
    },
    Difference {
        name: "suggestion for no field",
        refuses: Refuses::They,
        rule: "ERR-1",
        reason: "a useless field is no reason to lose the error; it is not shown",
        explains: |dispute| {
            dispute.kind == Kind::Error && dispute.has(3) && !dispute.has(1) && dispute.they_cannot_decode()
        },
    },
];

/// The row that explains why the two disagree.
pub(crate) fn known_difference(dispute: &Dispute) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|row| row.refuses == dispute.refuses() && (row.explains)(dispute))
}

/// The first compulsory feature that is set and nobody knows; 16 is known in invoices.
fn unknown_feature(value: Option<&[u8]>, field: u64) -> Option<u32> {
    let bits = value?.iter().rev().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
    bits.zip(0..).find_map(|(set, bit)| (set && bit % 2 == 0 && (field, bit) != (174, 16)).then_some(bit))
}

/// Whether the DNS could have the name `user.user._bitcoin-payment.domain`.
fn is_dns_name(value: &[u8]) -> bool {
    let Some((&len, rest)) = value.split_first() else { return false };
    let Some((user, rest)) = rest.split_at_checked(len.into()) else { return false };
    let domain = rest.get(1..).unwrap_or_default();
    let domain = domain.strip_suffix(b".").unwrap_or(domain);
    let labels = |name: &[u8]| name.split(|byte| *byte == b'.').all(|label| (1..=63).contains(&label.len()));
    labels(user) && labels(domain) && user.len() + domain.len() + ".user._bitcoin-payment.".len() <= 255
}
