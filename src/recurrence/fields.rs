//! The fields that make an offer recur, with their numbers, in one place.

use alloc::vec::Vec;
use core::num::NonZeroU32;
use core::ops::RangeInclusive;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{Cursor, Value, fields};
use crate::tlv::{CustomField, TlvStream, bigsize};
use crate::units::UnixTime;

fields! {
    FIELDS {
        1000000024 OFFER_RECURRENCE_COMPULSORY "offer_recurrence_compulsory" "compulsory recurrence": Every;
        1000000025 OFFER_RECURRENCE_OPTIONAL "offer_recurrence_optional" "optional recurrence": Every;
        1000000026 OFFER_RECURRENCE_BASE "offer_recurrence_base" "start of the first period": RecurrenceBase;
        1000000027 OFFER_RECURRENCE_PAYWINDOW "offer_recurrence_paywindow" "pay window": PayWindow;
        1000000029 OFFER_RECURRENCE_LIMIT "offer_recurrence_limit" "number of the last period": NonZeroU32;
        2000000092 INVREQ_RECURRENCE_COUNTER "invreq_recurrence_counter" "number of the payment": u32;
        2000000093 INVREQ_RECURRENCE_START "invreq_recurrence_start" "number of the first period": u32;
        2000000094 INVREQ_RECURRENCE_CANCEL "invreq_recurrence_cancel" "cancellation": Nothing;
        3000000177 INVOICE_RECURRENCE_BASETIME "invoice_recurrence_basetime" "start of the subscription's periods": UnixTime;
    }
}

/// The types of an offer, of a request and of an invoice in the table.
pub(crate) const OFFER_TYPES: RangeInclusive<u64> = 1_000_000_000..=1_999_999_999;
pub(crate) const REQUEST_TYPES: RangeInclusive<u64> = 2_000_000_000..=2_999_999_999;
pub(crate) const INVOICE_TYPES: RangeInclusive<u64> = 3_000_000_000..=3_999_999_999;

/// In what the length of a period is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TimeUnit {
    /// Seconds.
    Seconds = 0,
    /// Days of 24 hours: periods start at the same second of the day, in UTC.
    Days = 1,
    /// Months of the calendar, in UTC: periods start on the same day of the month, or on its last day if it is
    /// shorter, at the same second of the day.
    Months = 2,
}

impl TimeUnit {
    /// The number that stands for it: 0, 1 or 2.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The specification's name: `seconds`, `days` or `months`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Days => "days",
            Self::Months => "months",
        }
    }
}

/// `offer_recurrence_compulsory` or `offer_recurrence_optional`: a time unit, and how many of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Every {
    time_unit: TimeUnit,
    period: NonZeroU32,
}

/// REC-1
impl Value<'_> for Every {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(value);
        let time_unit = match cursor.u8()? {
            0 => TimeUnit::Seconds,
            1 => TimeUnit::Days,
            2 => TimeUnit::Months,
            code => return Err(Error::new(ErrorKind::UnknownCode(code), Rule::Rec1).at(0)),
        };
        Ok(Self { time_unit, period: positive(last_number(value, &cursor, 4)?, cursor.offset())? })
    }
}

/// When the first period starts (`offer_recurrence_base`): the same for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecurrenceBase {
    /// Whether a payment made after its period has begun costs less (REC-8).
    ///
    /// Give such an offer a [pay window](PayWindow) that closes soon after a period starts. Without one a period can be
    /// paid until its last second, and then costs next to nothing: the last payer pays least, every time.
    pub proportional_amount: bool,
    /// When period 0 starts.
    pub basetime: UnixTime,
}

/// REC-2
impl Value<'_> for RecurrenceBase {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(value);
        let proportional_amount = match cursor.u8()? {
            0 => false,
            1 => true,
            code => return Err(Error::new(ErrorKind::UnknownCode(code), Rule::Rec2).at(0)),
        };
        Ok(Self { proportional_amount, basetime: UnixTime(last_number(value, &cursor, 8)?) })
    }
}

/// When a period can be paid (`offer_recurrence_paywindow`), counted from its start (REC-6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PayWindow {
    /// From so many seconds before the period starts.
    pub seconds_before: u32,
    /// Until so many seconds after it has started.
    pub seconds_after: u32,
}

impl Value<'_> for PayWindow {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(value);
        let seconds_before = cursor.u32()?;
        // At most four bytes, so nothing is cut off.
        Ok(Self { seconds_before, seconds_after: last_number(value, &cursor, 4)? as u32 })
    }
}

/// `offer_recurrence_limit`: REC-1
impl Value<'_> for NonZeroU32 {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        positive(bigsize::read_truncated(value, 4)?, 0)
    }
}

/// A field that says all by being there.
#[derive(Debug)]
pub(super) struct Nothing;

impl Value<'_> for Nothing {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        crate::field::exactly::<0>(value).map(|_| Self)
    }
}

/// The `tuN` that a value ends with.
fn last_number(value: &[u8], cursor: &Cursor<'_>, max_len: usize) -> Result<u64, Error> {
    let rest = value.get(cursor.offset()..).unwrap_or_default();
    bigsize::read_truncated(rest, max_len).map_err(|error| error.at(cursor.offset()))
}

/// REC-1: at least one, in a `tu32`.
fn positive(number: u64, offset: usize) -> Result<NonZeroU32, Error> {
    let number = u32::try_from(number).ok().and_then(NonZeroU32::new);
    number.ok_or(Error::new(ErrorKind::Zero, Rule::Rec1).at(offset))
}

/// How an offer recurs: in an offer that is read, and for one that is made.
///
/// This follows a draft that is not merged: the numbers of the fields may still change.
///
/// ```
/// use std::num::NonZeroU32;
/// use bolt12::{Recurrence, RecurrenceBase, TimeUnit, UnixTime};
///
/// // Every month, twelve times (periods 0 to 11), from 1 March 2026 on.
/// let subscription = Recurrence {
///     base: Some(RecurrenceBase { basetime: UnixTime(1_772_323_200), proportional_amount: false }),
///     limit: NonZeroU32::new(11),
///     ..Recurrence::every(1, TimeUnit::Months)?
/// };
/// // The second period starts on 1 April, and can be paid from 1 March on.
/// let april = UnixTime(1_775_001_600);
/// assert_eq!(subscription.period_start(UnixTime(1_772_323_200), 1)?, april);
/// assert_eq!(*subscription.pay_window(UnixTime(1_772_323_200), 1)?.start(), UnixTime(1_772_323_200));
/// # Ok::<(), bolt12::Error>(())
/// ```
///
/// # What the draft leaves open
///
/// - An offer with the optional field may also be asked for a single payment, without a counter: that is what older
///   payers do.
/// - A request that cancels pays nothing, so it needs neither an amount (RQR-10) nor a quantity (RQR-8).
/// - A refund does not recur: none of the fields is taken in one.
/// - Whatever follows from an invoice's own fields is checked when it is read: REC-9, as far as the offer has a base or
///   the invoice is the first, and that it answers no cancellation (REC-11).
/// - A period has no number before 0: without a pay window, period 0 can be paid from the beginning of time on.
/// - A pay window includes its first and its last second.
/// - What is left of a period's price is rounded down to whole millisatoshi, in the payer's favour, but never to
///   nothing; nothing is left to be paid for of a period that has ended, which is an error (REC-8).
/// - Months can be counted until the end of the year 9999, seconds and days to the end of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Recurrence {
    /// Whether a payer must know about recurrence (`offer_recurrence_compulsory`), or can also pay once
    /// (`offer_recurrence_optional`).
    pub is_compulsory: bool,
    /// What the length of a period is counted in.
    pub time_unit: TimeUnit,
    /// The length of a period, in that unit.
    pub period: NonZeroU32,
    /// When period 0 starts. Without one, it starts with each payer's first invoice. Only if recurrence is
    /// compulsory (REC-1).
    pub base: Option<RecurrenceBase>,
    /// When a period can be paid. Without one: while it lasts, and during the period before (REC-6).
    pub paywindow: Option<PayWindow>,
    /// The number of the last period, counted from 0: one less than there are periods (REC-5). Without one,
    /// periods do not end.
    pub limit: Option<NonZeroU32>,
}

impl Recurrence {
    /// Compulsory, from each payer's first invoice on, without end.
    ///
    /// # Errors
    ///
    /// `Zero` if the period is (REC-1).
    pub fn every(period: u32, time_unit: TimeUnit) -> Result<Self, Error> {
        let period = NonZeroU32::new(period);
        let period = period.ok_or(Error::of(Field::OFFER_RECURRENCE_COMPULSORY, ErrorKind::Zero, Rule::Rec1))?;
        Ok(Self { is_compulsory: true, time_unit, period, base: None, paywindow: None, limit: None })
    }

    /// What the fields of an offer say.
    pub(crate) fn of(tlvs: &TlvStream) -> Option<Self> {
        let compulsory = value::<Every>(tlvs, Field::OFFER_RECURRENCE_COMPULSORY);
        let every = compulsory.or_else(|| value(tlvs, Field::OFFER_RECURRENCE_OPTIONAL))?;
        Some(Self {
            is_compulsory: compulsory.is_some(),
            time_unit: every.time_unit,
            period: every.period,
            base: base(tlvs),
            paywindow: paywindow(tlvs),
            limit: limit(tlvs),
        })
    }

    /// The fields, for a builder.
    pub(crate) fn to_fields(self) -> impl Iterator<Item = CustomField> {
        let every = joined(&[self.time_unit.number()], self.period.get().into());
        let (compulsory, optional) = if self.is_compulsory { (Some(every), None) } else { (None, Some(every)) };
        let base = self.base.map(|base| joined(&[base.proportional_amount.into()], base.basetime.0));
        let window =
            self.paywindow.map(|window| joined(&window.seconds_before.to_be_bytes(), window.seconds_after.into()));
        let limit = self.limit.map(|limit| joined(&[], limit.get().into()));
        let fields = [
            (Field::OFFER_RECURRENCE_COMPULSORY, compulsory),
            (Field::OFFER_RECURRENCE_OPTIONAL, optional),
            (Field::OFFER_RECURRENCE_BASE, base),
            (Field::OFFER_RECURRENCE_PAYWINDOW, window),
            (Field::OFFER_RECURRENCE_LIMIT, limit),
        ];
        fields.into_iter().filter_map(|(field, value)| Some((field.number(), value?)))
    }
}

/// Which payment of a subscription a request is for, or that it cancels the subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RecurrenceRequest {
    /// `invreq_recurrence_counter`: the payments before this one (REC-3).
    pub counter: u32,
    /// `invreq_recurrence_start`: the number of the period that was paid first, exactly if the offer has a base
    /// (REC-4).
    pub start: Option<u32>,
    /// `invreq_recurrence_cancel`: whether nothing more will be paid, this included (REC-11).
    pub cancel: bool,
}

impl RecurrenceRequest {
    /// The number of the period that the request is for (REC-4).
    pub fn period_index(&self) -> u64 {
        u64::from(self.start.unwrap_or(0)).saturating_add(self.counter.into())
    }

    /// What the fields of a request say; nothing without a counter.
    pub(crate) fn of(tlvs: &TlvStream) -> Option<Self> {
        Some(Self {
            counter: value(tlvs, Field::INVREQ_RECURRENCE_COUNTER)?,
            start: start(tlvs),
            cancel: tlvs.contains(Field::INVREQ_RECURRENCE_CANCEL.number()),
        })
    }

    /// The fields, for a builder.
    pub(crate) fn to_fields(self) -> impl Iterator<Item = CustomField> {
        let fields = [
            (Field::INVREQ_RECURRENCE_COUNTER, Some(joined(&[], self.counter.into()))),
            (Field::INVREQ_RECURRENCE_START, self.start.map(|start| joined(&[], start.into()))),
            (Field::INVREQ_RECURRENCE_CANCEL, self.cancel.then(Vec::new)),
        ];
        fields.into_iter().filter_map(|(field, value)| Some((field.number(), value?)))
    }
}

/// The field of an invoice, for a builder.
pub(crate) fn basetime_field(basetime: UnixTime) -> CustomField {
    (Field::INVOICE_RECURRENCE_BASETIME.number(), joined(&[], basetime.0))
}

pub(crate) fn base(tlvs: &TlvStream) -> Option<RecurrenceBase> {
    value(tlvs, Field::OFFER_RECURRENCE_BASE)
}

pub(crate) fn paywindow(tlvs: &TlvStream) -> Option<PayWindow> {
    value(tlvs, Field::OFFER_RECURRENCE_PAYWINDOW)
}

pub(crate) fn limit(tlvs: &TlvStream) -> Option<NonZeroU32> {
    value(tlvs, Field::OFFER_RECURRENCE_LIMIT)
}

pub(crate) fn start(tlvs: &TlvStream) -> Option<u32> {
    value(tlvs, Field::INVREQ_RECURRENCE_START)
}

pub(crate) fn basetime(tlvs: &TlvStream) -> Option<UnixTime> {
    value(tlvs, Field::INVOICE_RECURRENCE_BASETIME)
}

/// The value of a field.
pub(super) fn value<'a, T: Value<'a>>(tlvs: &'a TlvStream, field: Field) -> Option<T> {
    tlvs.value(field.number()).and_then(|value| T::decode(value).ok())
}

/// Bytes, and a `tuN` after them.
fn joined(first: &[u8], number: u64) -> Vec<u8> {
    let mut value = first.to_vec();
    bigsize::write_truncated(&mut value, number);
    value
}
