//! When periods start and end: seconds, days and months in UTC.

use core::ops::Range;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{Span, Timestamp};

use super::{Recurrence, TimeUnit};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::units::UnixTime;

const DAY: u64 = 86_400;

impl Recurrence {
    /// The first second of a period, if period 0 starts at `basetime`.
    ///
    /// Months are always counted from period 0: if that starts on 31 January, period 1 starts on the last day of
    /// February and period 2 on 31 March.
    ///
    /// # Errors
    ///
    /// `Overflow` beyond 64 bits, or, for months, beyond the year 9999.
    pub fn period_start(&self, basetime: UnixTime, index: u64) -> Result<UnixTime, Error> {
        let count = index.checked_mul(self.period.get().into());
        let start = count.and_then(|count| match self.time_unit {
            TimeUnit::Seconds => basetime.0.checked_add(count),
            TimeUnit::Days => basetime.0.checked_add(count.checked_mul(DAY)?),
            TimeUnit::Months => months_later(basetime, count),
        });
        start.map(UnixTime).ok_or(overflow())
    }

    /// A period, from its first second to the first one after it.
    ///
    /// # Errors
    ///
    /// As for [`period_start`](Self::period_start).
    pub fn period_at(&self, basetime: UnixTime, index: u64) -> Result<Range<UnixTime>, Error> {
        let next = index.checked_add(1).ok_or(overflow())?;
        Ok(self.period_start(basetime, index)?..self.period_start(basetime, next)?)
    }

    /// The number of the period that lasts at a time; nothing before period 0.
    ///
    /// # Errors
    ///
    /// As for [`period_start`](Self::period_start).
    pub fn period_index(&self, basetime: UnixTime, time: UnixTime) -> Result<Option<u64>, Error> {
        let Some(elapsed) = time.0.checked_sub(basetime.0) else { return Ok(None) };
        let period = u64::from(self.period.get());
        let index = match self.time_unit {
            TimeUnit::Seconds => elapsed.checked_div(period),
            TimeUnit::Days => elapsed.checked_div(DAY).and_then(|days| days.checked_div(period)),
            // The first second of the next month has come, or it has not.
            TimeUnit::Months => months_between(basetime, time).and_then(|months| months.checked_div(period)),
        };
        let index = index.ok_or(overflow())?;
        // The month may have come without the day.
        if self.period_start(basetime, index)? > time { Ok(index.checked_sub(1)) } else { Ok(Some(index)) }
    }
}

pub(super) fn overflow() -> Error {
    Error::of(Field::INVREQ_RECURRENCE_COUNTER, ErrorKind::Overflow, Rule::Rec4)
}

/// Nothing beyond the year 9999.
fn date(time: UnixTime) -> Option<DateTime> {
    let time = Timestamp::from_second(i64::try_from(time.0).ok()?).ok()?;
    Some(Offset::UTC.to_datetime(time))
}

/// The same day and second of the day, or the last day of a shorter month.
fn months_later(time: UnixTime, months: u64) -> Option<u64> {
    if months == 0 {
        return Some(time.0);
    }
    let span = Span::new().try_months(i64::try_from(months).ok()?).ok()?;
    let later = date(time)?.checked_add(span).ok()?;
    u64::try_from(Offset::UTC.to_timestamp(later).ok()?.as_second()).ok()
}

/// From one month of the calendar to another, whatever the days.
fn months_between(from: UnixTime, to: UnixTime) -> Option<u64> {
    let months = |time| {
        let date = date(time)?;
        i64::from(date.year()).checked_mul(12)?.checked_add(date.month().into())
    };
    u64::try_from(months(to)?.checked_sub(months(from)?)?).ok()
}
