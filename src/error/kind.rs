//! What can be wrong, as a closed list with a stable code and a sentence for each.

use core::fmt;

use super::Field;
use super::link::LinkFault;
use super::looks::{LooksLike, MessageKind};
#[cfg(all(feature = "async_payments", feature = "onion"))]
use super::serving::ServingFault;
use super::stage::Stage;
use super::words::{Column, FromColumn, Letter, Subject};
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
    /// The padding is too long, or not zero.
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
    /// A field is repeated, or comes after one with a greater number.
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
    /// A character that is not allowed in a BIP 353 name.
    InvalidName(char),
    /// An introduction node's direction that is neither 0 nor 1 (nor the start of a key).
    InvalidDirection,
    /// A list is empty that must not be.
    NoEntries,
    /// A blinded path without a hop.
    NoHops,
    /// A required field is absent.
    Missing,
    /// A field is present that must not be.
    Unexpected,
    /// A value is zero that must not be.
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
    /// The price is in a currency, and no limit in bitcoin was set.
    LimitNeeded {
        /// The currency.
        currency: CurrencyCode,
    },
    /// The price is in a currency, and no exchange rate was given.
    RateNeeded {
        /// The currency.
        currency: CurrencyCode,
    },
    /// The exchange rate is for another currency than the price.
    WrongCurrency {
        /// The currency of the price.
        expected: CurrencyCode,
        /// The currency of the rate.
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
    /// The paths cannot carry the amount.
    CannotCarry {
        /// What has to be paid.
        amount: Msat,
        /// The least that one of the paths can carry.
        min: Msat,
        /// The most that the paths can carry: a single one, or all together if the payment may be split.
        max: Msat,
    },
    /// No path is within the limits of fee and delay.
    NoPathWithin {
        /// The limit on the fees.
        max_fee: Msat,
        /// The limit on the delay, in blocks.
        max_cltv_expiry_delta: u32,
    },
    /// It has expired.
    Expired {
        /// The last second in which it was valid.
        at: UnixTime,
    },
    /// A field differs from the message it repeats.
    Differs,
    /// A key other than the expected one.
    WrongKey,
    /// A message that arrived over another path than it should have.
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
    /// A number that is not allowed in the list of hidden fields.
    InvalidMarker(u64),
    /// Too many or too few hashes.
    HashCount,
    /// A preimage that does not match the payment hash.
    WrongPreimage,
    /// A field that a payer proof always shows.
    CannotBeHidden,
    /// A path, hop or feature list longer than its length field can say.
    TooManyEntries,
    /// A request without a reply path.
    NoReplyPath,
    /// An answer to something that was already answered, or has ended.
    AlreadyAnswered,
    /// A step that the payment cannot take at its present stage.
    WrongState {
        /// The present stage.
        stage: Stage,
    },
    /// An amount that is off the price at the payer's rate.
    OffPrice {
        /// The price at that rate.
        estimate: Msat,
    },
    /// The deadline of a payment has passed.
    DeadlinePassed {
        /// The last second in which paying could begin.
        at: UnixTime,
    },
    /// A result for another attempt than the one in progress.
    OtherAttempt {
        /// The attempt that the result is for.
        attempt: u32,
        /// The attempt in progress.
        present: u32,
    },
    /// Bytes that are not a saved state, or a state that was damaged or saved with another secret.
    InvalidState,
    /// A saved state that another version of this crate wrote.
    UnknownVersion,
    /// Encrypted data that this key does not open.
    DoesNotDecrypt,
    /// Bytes that are not a valid secret key.
    InvalidSecret,
    /// A path that ends at its sender.
    OwnPath,
    /// A path that starts at a channel whose nodes are not known.
    UnknownIntroduction,
    /// A code that this crate does not know.
    UnknownCode(u8),
    /// A period after the offer's last one.
    NoSuchPeriod {
        /// The number of the last period.
        max: u32,
    },
    /// It is too early.
    TooEarly {
        /// The first second in which it is valid.
        from: UnixTime,
    },
    /// It is too late to pay for a period.
    TooLate {
        /// The last second in which it could be paid.
        until: UnixTime,
    },
    /// A time that differs from the one agreed on.
    TimeMismatch {
        /// What it must be.
        expected: UnixTime,
    },
    /// A subscription that was cancelled.
    Cancelled,
    /// A payment of a subscription whose previous period was not paid.
    PreviousUnpaid,
    /// A payment of a subscription that was already made.
    AlreadyPaid,
    /// A payment that was already taken, or one for a request that was already paid.
    AlreadyTaken,
    /// An offer of which nothing is left.
    SoldOut,
    /// An offer that its issuer took back.
    Withdrawn,
    /// An exchange rate that is too old.
    StaleRate {
        /// How old it may be, in seconds.
        max_age: u64,
    },
    /// A claim of a refund that came after too many others.
    TooManyClaims {
        /// The seconds until a claim is accepted again.
        seconds: u64,
    },
    /// An offer or a request of a subscription, where one for a single payment was expected.
    IsRecurring,
    /// An offer or a request for a single payment, where one of a subscription was expected.
    IsNotRecurring,
    /// A price of one bitcoin that is not a valid number.
    InvalidRate,
    /// A currency of which it is not known how many decimal digits it has.
    UnknownMinorUnit(CurrencyCode),
    /// A text that is not an id or a preimage.
    InvalidId {
        /// How many hexadecimal digits one has.
        digits: usize,
    },
    /// A text that is not a short channel id.
    InvalidShortChannelId,
    /// An offer of 2021 or 2022, or a payer proof with the numbers of a draft.
    Outdated(MessageKind),
    /// What is wrong with a link, a name, or the DNS records of a name.
    Link(LinkFault),
    /// What is wrong with serving a static invoice, or with having one served (features `async_payments` and `onion`).
    #[cfg(all(feature = "async_payments", feature = "onion"))]
    Serving(ServingFault),
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
            Self::TooManyClaims { .. } => "too_many_claims",
            Self::IsRecurring => "is_recurring",
            Self::IsNotRecurring => "is_not_recurring",
            Self::InvalidRate => "invalid_rate",
            Self::UnknownMinorUnit(_) => "unknown_minor_unit",
            Self::InvalidId { .. } => "invalid_id",
            Self::InvalidShortChannelId => "invalid_short_channel_id",
            Self::Outdated(_) => "outdated",
            Self::Link(fault) => fault.code(),
            #[cfg(all(feature = "async_payments", feature = "onion"))]
            Self::Serving(fault) => fault.code(),
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
                f.write_str("this does not look like an offer or any other BOLT 12 text")
            }
            Self::NotBolt12(LooksLike::Secret) => {
                f.write_str("this looks like a secret key or recovery phrase: never show it to anyone")
            }
            Self::NotBolt12(found) => write!(f, "this looks like {found}, not like BOLT 12"),
            Self::WrongKind { expected, found } => {
                write!(f, "this is {found}, but {expected} was expected")
            }
            Self::MixedCase => write!(f, "upper and lower case are mixed{}", FromColumn(column)),
            Self::InvalidCharacter(c) => write!(f, "{}{} does not belong here", Letter(*c), Column(column)),
            Self::InvalidContinuation => write!(f, "the '+'{} is misplaced", Column(column)),
            Self::UnexpectedWhitespace => {
                write!(f, "there is white space{} in the middle of the text: remove it", Column(column))
            }
            Self::InvalidPadding => {
                f.write_str("the text is incomplete: its end is missing or has one character too many; copy it again")
            }
            Self::TooLong { len, max } => {
                let what: &dyn fmt::Display = if field.is_some() { &what } else { &"this" };
                write!(f, "{what} is too long: it has {len} bytes, and the limit is {max}")
            }
            Self::Truncated => match field {
                Some(_) => write!(f, "{what} is cut off: the end is missing"),
                None => f.write_str("the message is cut off: the end is missing"),
            },
            Self::NotMinimal => write!(f, "{what} is longer than necessary"),
            Self::NotAscending => write!(f, "{what} is repeated or out of order"),
            Self::UnknownEvenField => {
                write!(f, "{what} must be understood, but this version does not know it; try a newer one")
            }
            Self::OutOfRange => write!(f, "{what} does not belong in this kind of message"),
            Self::InvalidLength => write!(f, "{what} has the wrong length"),
            Self::NumberTooLarge => write!(f, "{what} is too large"),
            Self::InvalidUtf8 if field.is_none() => {
                f.write_str("the payment record of this name is not valid UTF-8 text: tell its owner")
            }
            Self::InvalidUtf8 => write!(f, "{what} is not valid UTF-8 text"),
            Self::InvalidPoint => match field.and_then(Field::label) {
                Some(label) if label.starts_with("list") => write!(f, "{what} contains an invalid public key"),
                _ => write!(f, "{what} is not a valid public key"),
            },
            Self::InvalidCurrency => write!(f, "{what} is not a currency code"),
            Self::InvalidName(c) => {
                write!(f, "{}{} is not allowed in a name", Letter(*c), Column(column))?;
                f.write_str(match c.is_alphabetic() {
                    true => ": ask the owner for the punycode form of the name (xn--…)",
                    false => ", which has only letters, digits, '-', '_' and '.'",
                })
            }
            Self::InvalidDirection => write!(f, "{what} contains a path that starts at neither a node nor a channel"),
            Self::NoEntries => write!(f, "{what} is present but empty"),
            Self::NoHops => write!(f, "{what} contains a path without hops, which leads nowhere"),
            Self::Missing => write!(f, "{what} is missing"),
            Self::Unexpected => write!(f, "{what} is not allowed here"),
            Self::Zero => write!(f, "{what} is zero"),
            Self::EmptyValue => write!(f, "{what} is empty"),
            Self::UnknownFeature(bit) => {
                write!(f, "{what} requires feature {bit}, which this version does not know; try a newer one")
            }
            Self::QuantityTooLarge { max } => write!(f, "{what} exceeds the offer's maximum of {max}"),
            Self::AmountTooLow { min } => write!(f, "{what} is below the {min} due"),
            Self::AmountTooHigh { max } => write!(f, "{what} exceeds the limit of {max}"),
            Self::AmountMismatch { expected } => {
                write!(f, "{what} is not the requested {expected}")
            }
            Self::Overflow => write!(f, "{what} leads to a number above the limit of 64 bits"),
            Self::LimitNeeded { currency } => {
                write!(f, "the price is in {currency}: set a limit in bitcoin, or a tolerance around an exchange rate")
            }
            Self::RateNeeded { currency } => {
                write!(f, "the price is in {currency}: supply the current exchange rate for {currency}")
            }
            Self::WrongCurrency { expected, found } => {
                write!(f, "the price is in {expected}, but the rate is for {found}: supply the rate for {expected}")
            }
            Self::UnsupportedChain => f.write_str("this is for a blockchain that is not accepted here"),
            Self::PayinfoCount { paths, payinfos } => {
                write!(f, "the number of paths ({paths}) differs from the number of payinfos ({payinfos})")
            }
            Self::NoUsablePath => {
                write!(f, "{what} leaves no usable path: each one requires a feature that this version does not know")
            }
            Self::CannotCarry { amount, max: Msat(0), .. } => {
                write!(f, "the paths cannot carry anything, so {amount} cannot be paid: other paths are needed")
            }
            Self::CannotCarry { amount, max, .. } if amount > max => {
                write!(f, "the paths can carry at most {max}, so {amount} is too much: other paths are needed")
            }
            Self::CannotCarry { amount, min, .. } if amount < min => {
                write!(f, "the paths can carry no less than {min}, so {amount} is too little: other paths are needed")
            }
            Self::CannotCarry { amount, .. } => {
                write!(
                    f,
                    "no path can carry {amount}, which is too much for some and too little for others: other paths are needed"
                )
            }
            Self::NoPathWithin { max_fee, max_cltv_expiry_delta } => write!(
                f,
                "no path keeps the fees within {max_fee} and the delay within {max_cltv_expiry_delta} blocks: \
                 raise these limits, or request another invoice"
            ),
            Self::Expired { .. } => match field {
                Some(field) if *field == Field::INVOICE_CREATED_AT => {
                    f.write_str("the invoice has expired: request a new one")
                }
                _ => f.write_str("the offer or refund has expired: ask for a new one"),
            },
            Self::Differs => write!(f, "{what} differs from the message that it should repeat"),
            Self::WrongKey if field.is_none() => f.write_str("the key is not the expected one"),
            Self::WrongKey => write!(f, "{what} is not the expected one"),
            Self::WrongArrival => f.write_str("the message arrived over the wrong path"),
            Self::InvalidSignature => write!(f, "{what} is not valid for this message"),
            Self::InvalidFallback => write!(f, "{what} contains an address that cannot be paid"),
            Self::TooShort { min } => write!(f, "{what} has fewer than {min} bytes"),
            Self::TooNarrow => f.write_str("the line width is too small"),
            Self::IsRefund => f.write_str("this request is not for an offer: it is a refund"),
            Self::IsNotRefund => f.write_str("this request is for an offer: it is not a refund"),
            Self::InvalidMarker(marker) => write!(f, "{what} contains {marker}, which is not allowed there"),
            Self::HashCount => write!(f, "{what} has too many or too few hashes"),
            Self::WrongPreimage => write!(f, "{what} does not match the payment hash"),
            Self::CannotBeHidden => write!(f, "{what} cannot be hidden"),
            Self::TooManyEntries => write!(f, "{what} has more or longer entries than can be encoded"),
            Self::NoReplyPath => f.write_str("the request has no reply path, so it cannot be answered"),
            Self::AlreadyAnswered => {
                f.write_str("this comes too late: what it answers has already been answered, or has ended")
            }
            Self::WrongState { stage } => write!(f, "{stage}"),
            Self::OffPrice { estimate } => {
                write!(
                    f,
                    "{what} is too far from the price of {estimate} at the current rate; another invoice is requested"
                )
            }
            Self::DeadlinePassed { .. } => {
                f.write_str("the deadline of this payment has passed: allow more time, or start another payment")
            }
            Self::OtherAttempt { attempt, present } => {
                write!(f, "this is about attempt {attempt}, but attempt {present} is in progress: nothing was changed")
            }
            Self::InvalidState => f.write_str("the saved state is damaged, or was saved with another secret"),
            Self::UnknownVersion => f.write_str(
                "the saved state was written by another version of this software: load it with that version",
            ),
            Self::DoesNotDecrypt => f.write_str("the hop's data cannot be decrypted with this key"),
            Self::InvalidSecret => f.write_str("these 32 bytes are not a valid secret key"),
            Self::OwnPath => f.write_str("the path ends at the sender itself"),
            Self::UnknownIntroduction => {
                f.write_str("the path starts at a channel whose nodes are unknown: name the node, or use another path")
            }
            Self::UnknownCode(code) => {
                write!(f, "{what} has the code {code}, which this version does not know; try a newer one")
            }
            Self::NoSuchPeriod { max } => write!(f, "the offer ends with period {max}, but this is for a later one"),
            Self::TooEarly { .. } => f.write_str("it is too early to pay for this period"),
            Self::TooLate { .. } => f.write_str("it is too late to pay for this period"),
            Self::TimeMismatch { .. } => write!(f, "{what} differs from the one agreed on"),
            Self::Cancelled => f.write_str("the subscription was cancelled: there is nothing more to pay"),
            Self::PreviousUnpaid => f.write_str("the previous period was not paid"),
            Self::AlreadyPaid => f.write_str("this period has already been paid"),
            Self::AlreadyTaken => f.write_str(
                "this invoice, or another one for the same request, has already been paid: fail this payment",
            ),
            Self::SoldOut => f.write_str("everything of this offer has been sold"),
            Self::Withdrawn => f.write_str("this offer was withdrawn by its issuer: ask for a new one"),
            Self::StaleRate { max_age } => {
                write!(
                    f,
                    "the exchange rate is older than {max_age} seconds: fetch a new one; the payer will ask again"
                )
            }
            Self::TooManyClaims { seconds } => {
                write!(f, "too many claims of this refund have arrived: send this one again in {seconds} seconds")
            }
            Self::IsRecurring => f.write_str("this is for a subscription, but a single payment was expected"),
            Self::InvalidRate => f.write_str(
                "the price of one bitcoin must be a decimal number such as 97123.45, above zero and not too large",
            ),
            Self::UnknownMinorUnit(currency) => {
                write!(f, "how many decimal digits {currency} has is not known: check the code, or state it")
            }
            Self::InvalidId { digits } => write!(f, "this is written with {digits} hexadecimal digits"),
            Self::InvalidShortChannelId => {
                f.write_str("a short channel id is written as block, transaction and output, such as 539268x845x1")
            }
            Self::Outdated(MessageKind::Offer) => f.write_str(
                "this offer was made by software from 2021 or 2022 and can no longer be paid: ask for a new one",
            ),
            Self::Outdated(kind) => {
                write!(f, "this is {kind} in an old draft format that is no longer read: ask for a new one")
            }
            Self::Link(fault) => fault.sentence(column, f),
            #[cfg(all(feature = "async_payments", feature = "onion"))]
            Self::Serving(fault) => fault.sentence(f),
            Self::IsNotRecurring => f.write_str("this is for a single payment, but a subscription was expected"),
        }
    }
}
