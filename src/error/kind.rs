//! What can be wrong, as a closed list with a stable code and a sentence for each.

use core::fmt;

use super::Field;
use super::link::LinkFault;
use super::looks::{LooksLike, MessageKind};
use super::stage::Stage;
use super::words::{Column, FromColumn, Subject};
use crate::units::{CurrencyCode, Msat, UnixTime};

/// What is wrong. [`Error`](crate::Error) adds where and which rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text or message is empty.
    Empty,
    /// The text is not BOLT 12 at all.
    NotBolt12(LooksLike),
    /// The text or URI is BOLT 12, but another kind of message than asked for.
    WrongKind {
        /// What was asked for.
        expected: MessageKind,
        /// What it is.
        found: MessageKind,
    },
    /// Upper and lower case letters are mixed.
    MixedCase,
    /// A character that does not belong to the bech32 alphabet.
    InvalidCharacter(char),
    /// A `+` that does not join two characters.
    InvalidContinuation,
    /// White space that does not follow a `+`.
    UnexpectedWhitespace,
    /// Left-over bits are too many or not zero.
    InvalidPadding,
    /// More bytes than there may be: in a field, or in a message.
    TooLong {
        /// How many there are.
        len: usize,
        /// How many fit.
        max: usize,
    },
    /// The message ends in the middle of a field.
    Truncated,
    /// A number is not written in the shortest form.
    NotMinimal,
    /// A field is repeated or stands after one with a greater number.
    NotAscending,
    /// An even field that the reader does not know.
    UnknownEvenField,
    /// A field number that this kind of message does not have.
    OutOfRange,
    /// A value has the wrong length, or something is left at its end.
    InvalidLength,
    /// A number does not fit its field.
    NumberTooLarge,
    /// The text in a field is not UTF-8.
    InvalidUtf8,
    /// A public key that is not a point on the curve.
    InvalidPoint,
    /// A currency that is not three capital letters.
    InvalidCurrency,
    /// A character in a BIP 353 name that may not be there.
    InvalidName(char),
    /// An introduction node's direction that is neither 0 nor 1 (nor the start of a key).
    InvalidDirection,
    /// A list that must not be empty is.
    NoEntries,
    /// A blinded path without a hop.
    NoHops,
    /// A field that must be there is not.
    Missing,
    /// A field that must not be there is.
    Unexpected,
    /// A value that must not be zero is.
    Zero,
    /// A field that should have been left out was set to nothing.
    EmptyValue,
    /// A feature bit that the reader must know, and does not.
    UnknownFeature(u32),
    /// A quantity above the offer's maximum.
    QuantityTooLarge {
        /// The most the offer allows.
        max: u64,
    },
    /// An amount below what is due.
    AmountTooLow {
        /// What is due.
        min: Msat,
    },
    /// An amount above what is allowed.
    AmountTooHigh {
        /// The most that is allowed.
        max: Msat,
    },
    /// An amount that is not the one asked for.
    AmountMismatch {
        /// What was asked for.
        expected: Msat,
    },
    /// A computation exceeds 64 bits.
    Overflow,
    /// A price in a currency, for which nobody said how much may be paid in bitcoin.
    LimitNeeded {
        /// The currency.
        currency: CurrencyCode,
    },
    /// A price in a currency, and no rate to convert it with.
    RateNeeded {
        /// The currency.
        currency: CurrencyCode,
    },
    /// The rate of a currency that the price is not in.
    WrongCurrency {
        /// The currency of the price.
        expected: CurrencyCode,
        /// That of the rate.
        found: CurrencyCode,
    },
    /// A chain that the offer or the caller does not support.
    UnsupportedChain,
    /// The numbers of paths and payinfos differ.
    PayinfoCount {
        /// The number of paths.
        paths: usize,
        /// The number of payinfos.
        payinfos: usize,
    },
    /// No path is left that can be used.
    NoUsablePath,
    /// An amount that the paths cannot carry.
    CannotCarry {
        /// What has to be paid.
        amount: Msat,
        /// The least that one of the paths carries.
        min: Msat,
        /// The most that they carry: one of them, or all together if the payment may be split.
        max: Msat,
    },
    /// No path is within the limits of fee and delay.
    NoPathWithin {
        /// The most that the fees may be.
        max_fee: Msat,
        /// The most blocks that the payment may be delayed by.
        max_cltv_expiry_delta: u32,
    },
    /// The time for it is over.
    Expired {
        /// The last second it was good for.
        at: UnixTime,
    },
    /// A field differs from the message it repeats.
    Differs,
    /// A key other than the expected one.
    WrongKey,
    /// A message that came over another way than it should have.
    WrongArrival,
    /// A signature that does not verify.
    InvalidSignature,
    /// A fallback that is not a valid witness program.
    InvalidFallback,
    /// Too few unpredictable bytes.
    TooShort {
        /// The least number of bytes.
        min: usize,
    },
    /// A line too narrow to split a text into.
    TooNarrow,
    /// A refund, where an answer to an offer was expected.
    IsRefund,
    /// An answer to an offer, where a refund was expected.
    IsNotRefund,
    /// A number in the list of hidden fields that cannot stand there.
    InvalidMarker(u64),
    /// More or fewer hashes than it takes.
    HashCount,
    /// A preimage of another payment hash.
    WrongPreimage,
    /// A field that a payer proof always shows.
    CannotBeHidden,
    /// A path, hop or feature list longer than its length field can say.
    TooManyEntries,
    /// A request without a path for the answer.
    NoReplyPath,
    /// An answer to something that was answered before, or is over.
    AlreadyAnswered,
    /// A step that a payment cannot take at the stage it is at.
    WrongState {
        /// Where it stands.
        stage: Stage,
    },
    /// An amount that is off the price at the payer's rate.
    OffPrice {
        /// The price at that rate.
        estimate: Msat,
    },
    /// The deadline of a payment has passed.
    DeadlinePassed {
        /// The last second in which it could be begun.
        at: UnixTime,
    },
    /// News of another attempt at a payment than the one that is being made.
    OtherAttempt {
        /// The attempt that the news is about.
        attempt: u32,
        /// The attempt that is being made.
        present: u32,
    },
    /// Bytes that are no saved state, or one that was damaged or saved with another secret.
    InvalidState,
    /// A saved state of newer software.
    UnknownVersion,
    /// Encrypted data that this key does not open.
    DoesNotDecrypt,
    /// Bytes that are no secret key.
    InvalidSecret,
    /// A path that leads to nobody but its sender.
    OwnPath,
    /// A path that starts at a channel, where the node at its end must be known.
    UnknownIntroduction,
    /// A byte that stands for one of a few things, and for none that is known.
    UnknownCode(u8),
    /// A period after the offer's last one.
    NoSuchPeriod {
        /// The number of the last period.
        max: u32,
    },
    /// The time for it has not come.
    TooEarly {
        /// The first second at which it is good.
        from: UnixTime,
    },
    /// The time for paying a period is over.
    TooLate {
        /// The last second it was good for.
        until: UnixTime,
    },
    /// A time that is not the one it must be.
    TimeMismatch {
        /// What it must be.
        expected: UnixTime,
    },
    /// A subscription that was cancelled.
    Cancelled,
    /// A payment of a subscription before the one before it was made.
    PreviousUnpaid,
    /// A payment of a subscription that was made before.
    AlreadyPaid,
    /// A payment that was taken before, or another one for the same request.
    AlreadyTaken,
    /// An offer of which nothing is left.
    SoldOut,
    /// An offer that its issuer took back.
    Withdrawn,
    /// A rate that is too old to make a price of.
    StaleRate {
        /// How old it may be, in seconds.
        max_age: u64,
    },
    /// An offer or a request of a subscription, where one for a single payment was expected.
    IsRecurring,
    /// An offer or a request for a single payment, where one of a subscription was expected.
    IsNotRecurring,
    /// A price of a bitcoin that is no number.
    InvalidRate,
    /// A text that is no short channel id.
    InvalidShortChannelId,
    /// An offer of 2021 or 2022, or a payer proof with the numbers of a draft.
    Outdated(MessageKind),
    /// What is wrong with a link, with a name, or with what the DNS holds for it.
    Link(LinkFault),
}

impl ErrorKind {
    /// A stable identifier for translations and logs, for example `missing`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotBolt12(_) => "not_bolt12",
            Self::WrongKind { .. } => "wrong_kind",
            Self::MixedCase => "mixed_case",
            Self::InvalidCharacter(_) => "invalid_character",
            Self::InvalidContinuation => "invalid_continuation",
            Self::UnexpectedWhitespace => "unexpected_whitespace",
            Self::InvalidPadding => "invalid_padding",
            Self::TooLong { .. } => "too_long",
            Self::Truncated => "truncated",
            Self::NotMinimal => "not_minimal",
            Self::NotAscending => "not_ascending",
            Self::UnknownEvenField => "unknown_even_field",
            Self::OutOfRange => "out_of_range",
            Self::InvalidLength => "invalid_length",
            Self::NumberTooLarge => "number_too_large",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::InvalidPoint => "invalid_point",
            Self::InvalidCurrency => "invalid_currency",
            Self::InvalidName(_) => "invalid_name",
            Self::InvalidDirection => "invalid_direction",
            Self::NoEntries => "no_entries",
            Self::NoHops => "no_hops",
            Self::Missing => "missing",
            Self::Unexpected => "unexpected",
            Self::Zero => "zero",
            Self::EmptyValue => "empty_value",
            Self::UnknownFeature(_) => "unknown_feature",
            Self::QuantityTooLarge { .. } => "quantity_too_large",
            Self::AmountTooLow { .. } => "amount_too_low",
            Self::AmountTooHigh { .. } => "amount_too_high",
            Self::AmountMismatch { .. } => "amount_mismatch",
            Self::Overflow => "overflow",
            Self::LimitNeeded { .. } => "limit_needed",
            Self::RateNeeded { .. } => "rate_needed",
            Self::WrongCurrency { .. } => "wrong_currency",
            Self::UnsupportedChain => "unsupported_chain",
            Self::PayinfoCount { .. } => "payinfo_count",
            Self::NoUsablePath => "no_usable_path",
            Self::CannotCarry { .. } => "cannot_carry",
            Self::NoPathWithin { .. } => "no_path_within",
            Self::Expired { .. } => "expired",
            Self::Differs => "differs",
            Self::WrongKey => "wrong_key",
            Self::WrongArrival => "wrong_arrival",
            Self::InvalidSignature => "invalid_signature",
            Self::InvalidFallback => "invalid_fallback",
            Self::TooShort { .. } => "too_short",
            Self::TooNarrow => "too_narrow",
            Self::IsRefund => "is_refund",
            Self::IsNotRefund => "is_not_refund",
            Self::InvalidMarker(_) => "invalid_marker",
            Self::HashCount => "hash_count",
            Self::WrongPreimage => "wrong_preimage",
            Self::CannotBeHidden => "cannot_be_hidden",
            Self::TooManyEntries => "too_many_entries",
            Self::NoReplyPath => "no_reply_path",
            Self::AlreadyAnswered => "already_answered",
            Self::WrongState { .. } => "wrong_state",
            Self::OffPrice { .. } => "off_price",
            Self::DeadlinePassed { .. } => "deadline_passed",
            Self::OtherAttempt { .. } => "other_attempt",
            Self::InvalidState => "invalid_state",
            Self::UnknownVersion => "unknown_version",
            Self::DoesNotDecrypt => "does_not_decrypt",
            Self::InvalidSecret => "invalid_secret",
            Self::OwnPath => "own_path",
            Self::UnknownIntroduction => "unknown_introduction",
            Self::UnknownCode(_) => "unknown_code",
            Self::NoSuchPeriod { .. } => "no_such_period",
            Self::TooEarly { .. } => "too_early",
            Self::TooLate { .. } => "too_late",
            Self::TimeMismatch { .. } => "time_mismatch",
            Self::Cancelled => "cancelled",
            Self::PreviousUnpaid => "previous_unpaid",
            Self::AlreadyPaid => "already_paid",
            Self::AlreadyTaken => "already_taken",
            Self::SoldOut => "sold_out",
            Self::Withdrawn => "withdrawn",
            Self::StaleRate { .. } => "stale_rate",
            Self::IsRecurring => "is_recurring",
            Self::IsNotRecurring => "is_not_recurring",
            Self::InvalidRate => "invalid_rate",
            Self::InvalidShortChannelId => "invalid_short_channel_id",
            Self::Outdated(_) => "outdated",
            Self::Link(fault) => fault.code(),
        }
    }

    pub(super) fn sentence(
        &self,
        field: Option<&Field>,
        column: Option<usize>,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let what = Subject(field);
        match self {
            Self::Empty => f.write_str("there is nothing to read"),
            Self::NotBolt12(LooksLike::Unknown) => {
                f.write_str("this does not look like an offer, or like any other BOLT 12 text")
            }
            Self::NotBolt12(LooksLike::Secret) => {
                f.write_str("this looks like a secret key or recovery phrase: never show it to anybody")
            }
            Self::NotBolt12(found) => write!(f, "this looks like {found}, not like BOLT 12"),
            Self::WrongKind { expected, found } => {
                write!(f, "this is {found}, and {expected} was expected")
            }
            Self::MixedCase => write!(f, "upper and lower case are mixed{}", FromColumn(column)),
            // One that looks like another is told by its number.
            Self::InvalidCharacter(c) if !c.is_ascii() => {
                let (number, letter) = (u32::from(*c), c.escape_debug());
                write!(f, "the character '{letter}' (U+{number:04X}) does not belong here{}", Column(column))
            }
            Self::InvalidCharacter(c) => {
                write!(f, "the character '{}' does not belong here{}", c.escape_debug(), Column(column))
            }
            Self::InvalidContinuation => write!(f, "there is a misplaced '+'{}", Column(column)),
            Self::UnexpectedWhitespace => write!(f, "there is white space{}", Column(column)),
            Self::InvalidPadding => {
                f.write_str("the text is not complete: its end is missing, or has a character too many")
            }
            Self::TooLong { len, max } => {
                let what: &dyn fmt::Display = if field.is_some() { &what } else { &"this" };
                write!(f, "{what} is too long: {len} bytes, and {max} fit")
            }
            Self::Truncated => match field {
                Some(_) => write!(f, "{what} is cut off: the end is missing"),
                None => f.write_str("the message is cut off: the end is missing"),
            },
            Self::NotMinimal => write!(f, "{what} is written with needless bytes"),
            Self::NotAscending => write!(f, "{what} is repeated or out of order"),
            Self::UnknownEvenField => {
                write!(f, "{what} is not known here, but must be understood; newer software may help")
            }
            Self::OutOfRange => write!(f, "{what} does not belong in this kind of message"),
            Self::InvalidLength => write!(f, "{what} has the wrong length"),
            Self::NumberTooLarge => write!(f, "{what} is too large a number"),
            Self::InvalidUtf8 => write!(f, "{what} is not valid text"),
            Self::InvalidPoint => write!(f, "{what} holds something that is not a public key"),
            Self::InvalidCurrency => write!(f, "{what} is not a currency code"),
            Self::InvalidName(c) => {
                // One that looks like another, or like nothing, is told by its number.
                let (number, column) = (u32::from(*c), Column(column));
                match c.is_ascii_graphic() || *c == ' ' {
                    true => write!(f, "the character '{c}'")?,
                    false if c.escape_debug().count() == 1 => write!(f, "the character '{c}' (U+{number:04X})")?,
                    false => write!(f, "the invisible character U+{number:04X}")?,
                }
                write!(f, "{column} cannot stand in a name")?;
                f.write_str(match c.is_alphabetic() {
                    true => ": such a domain is written in punycode, xn--…, as its owner can tell",
                    false => ", which holds only letters, digits, '-', '_' and '.'",
                })
            }
            Self::InvalidDirection => write!(f, "{what} starts at something that is neither a key nor a channel"),
            Self::NoEntries => write!(f, "{what} is there, but empty"),
            Self::NoHops => write!(f, "{what} holds a path without a hop, which leads nowhere"),
            Self::Missing => write!(f, "{what} is missing"),
            Self::Unexpected => write!(f, "{what} should not be there"),
            Self::Zero => write!(f, "{what} is zero"),
            Self::EmptyValue => write!(f, "{what} is empty"),
            Self::UnknownFeature(bit) => {
                write!(f, "{what} asks for feature {bit}, which is not known here; newer software may help")
            }
            Self::QuantityTooLarge { max } => write!(f, "{what} is more than the offer's maximum of {max}"),
            Self::AmountTooLow { min } if field.is_none() => {
                write!(f, "the amount in the link is less than the {min} that the offer asks for")
            }
            Self::AmountTooLow { min } => write!(f, "{what} is less than the {min} due"),
            Self::AmountTooHigh { max } => write!(f, "{what} is more than the {max} allowed"),
            Self::AmountMismatch { expected } => {
                write!(f, "{what} is not the {expected} asked for")
            }
            Self::Overflow => write!(f, "{what} leads to a number too large to compute with"),
            Self::LimitNeeded { currency } => {
                write!(f, "the price is in {currency}: say how much bitcoin to pay at most, or how far from a rate")
            }
            Self::RateNeeded { currency } => {
                write!(f, "the price is in {currency}: say what {currency} is worth in bitcoin now")
            }
            Self::WrongCurrency { expected, found } => {
                write!(f, "the price is in {expected}, and the rate is that of {found}: give the rate of {expected}")
            }
            Self::UnsupportedChain => f.write_str("this is for a chain that cannot be used here"),
            Self::PayinfoCount { paths, payinfos } => {
                write!(f, "paths and their fees do not match: {paths} and {payinfos}")
            }
            Self::NoUsablePath => write!(f, "{what} leaves no path that can be used"),
            Self::CannotCarry { amount, max: Msat(0), .. } => {
                write!(f, "the paths carry nothing, so {amount} cannot be paid: other paths are needed")
            }
            Self::CannotCarry { amount, max, .. } if amount > max => {
                write!(f, "the paths carry at most {max}, so {amount} cannot be paid: other paths are needed")
            }
            Self::CannotCarry { amount, min, .. } if amount < min => {
                write!(f, "the paths carry no less than {min}, so {amount} cannot be paid: other paths are needed")
            }
            Self::CannotCarry { amount, .. } => {
                write!(f, "each path carries either less or more than {amount}: other paths are needed")
            }
            Self::NoPathWithin { max_fee, max_cltv_expiry_delta } => write!(
                f,
                "no way to pay keeps the fees within {max_fee} and the delay within {max_cltv_expiry_delta} blocks: \
                 allow more of them, or ask for another invoice"
            ),
            Self::Expired { .. } => match field {
                Some(field) if *field == Field::INVOICE_CREATED_AT => f.write_str("the invoice has expired"),
                _ => f.write_str("the offer or refund has expired"),
            },
            Self::Differs => write!(f, "{what} differs from the message it repeats"),
            Self::WrongKey => write!(f, "{what} is not the key that was expected"),
            Self::WrongArrival => f.write_str("the message arrived by the wrong route"),
            Self::InvalidSignature => write!(f, "{what} is not valid for this message"),
            Self::InvalidFallback => write!(f, "{what} holds one that cannot be paid"),
            Self::TooShort { min } => write!(f, "{what} has fewer than {min} bytes"),
            Self::TooNarrow => f.write_str("the width is too small"),
            Self::IsRefund => f.write_str("this request answers no offer: it is a refund"),
            Self::IsNotRefund => f.write_str("this request answers an offer: it is not a refund"),
            Self::InvalidMarker(marker) => write!(f, "{what} holds {marker}, which does not belong there"),
            Self::HashCount => write!(f, "{what} has more or fewer hashes than are needed"),
            Self::WrongPreimage => write!(f, "{what} is not that of the payment hash"),
            Self::CannotBeHidden => write!(f, "{what} cannot be hidden"),
            Self::TooManyEntries => write!(f, "{what} has more or longer entries than can be written"),
            Self::NoReplyPath => f.write_str("the request does not say where an answer can go"),
            Self::AlreadyAnswered => f.write_str("this comes too late: no answer is waited for any more"),
            Self::WrongState { stage } => write!(f, "{stage}"),
            Self::OffPrice { estimate } => {
                write!(f, "{what} is far from the price, which is {estimate} at the present rate; another is asked for")
            }
            Self::DeadlinePassed { .. } => {
                f.write_str("the deadline of this payment has passed: allow more time, or begin another")
            }
            Self::OtherAttempt { attempt, present } => {
                write!(f, "this is about attempt {attempt}, and attempt {present} is being made: nothing has changed")
            }
            Self::InvalidState => f.write_str("the saved state is damaged, or belongs to another secret"),
            Self::UnknownVersion => f.write_str("the saved state is from newer software"),
            Self::DoesNotDecrypt => f.write_str("what the hop is told cannot be decrypted with this key"),
            Self::InvalidSecret => f.write_str("these 32 bytes are no secret key"),
            Self::OwnPath => f.write_str("the path leads to nobody but its sender"),
            Self::UnknownIntroduction => {
                f.write_str("the path starts at a channel, and which node that means is not known")
            }
            Self::UnknownCode(code) => {
                write!(f, "{what} holds the code {code}, which is not known here; newer software may help")
            }
            Self::NoSuchPeriod { max } => write!(f, "the offer ends with period {max}, and this is for a later one"),
            Self::TooEarly { .. } => f.write_str("it is too early to pay this period"),
            Self::TooLate { .. } => f.write_str("it is too late to pay this period"),
            Self::TimeMismatch { .. } => write!(f, "{what} is not the one that was agreed"),
            Self::Cancelled => f.write_str("the subscription was cancelled: there is nothing more to pay"),
            Self::PreviousUnpaid => f.write_str("the period before this one was not paid"),
            Self::AlreadyPaid => f.write_str("this period was paid before"),
            Self::AlreadyTaken => f.write_str("this was paid before, or another invoice for the same request was"),
            Self::SoldOut => f.write_str("everything of this offer has been sold"),
            Self::Withdrawn => f.write_str("this offer was withdrawn by its issuer: ask for a new one"),
            Self::StaleRate { max_age } => {
                write!(f, "the rate is older than {max_age} seconds: get a new one, and the payer will ask again")
            }
            Self::IsRecurring => f.write_str("this is for a subscription, and a single payment was expected"),
            Self::InvalidRate => f.write_str(
                "the price of a bitcoin is a decimal number above zero, such as 97123.45, and not too large",
            ),
            Self::InvalidShortChannelId => {
                f.write_str("a channel is written as block, transaction and output, such as 539268x845x1")
            }
            Self::Outdated(MessageKind::Offer) => {
                f.write_str("this offer was made by software of 2021 or 2022, and nobody answers it: ask for a new one")
            }
            Self::Outdated(kind) => write!(
                f,
                "this is {kind} by software that followed a draft, and nothing reads it any more: ask for a new one"
            ),
            Self::Link(fault) => fault.sentence(column, f),
            Self::IsNotRecurring => f.write_str("this is for a single payment, and a subscription was expected"),
        }
    }
}
