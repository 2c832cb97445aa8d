//! When a period can be paid, and for how much.

use core::ops::RangeInclusive;
use core::time::Duration;

use super::Recurrence;
use super::period::overflow;
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::units::{Msat, UnixTime};

/// The least time for paying a first invoice, in seconds, however short its period is.
const MIN_FIRST: u64 = 60;

impl Recurrence {
    /// The first and the last second at which a period can be paid (REC-6), if period 0 starts at `basetime`.
    ///
    /// Without a base, period 0 starts when it is first asked for, and can be paid at any time.
    ///
    /// # Errors
    ///
    /// `Overflow` beyond 64 bits, or, for months, beyond the year 9999.
    pub fn pay_window(&self, basetime: UnixTime, index: u64) -> Result<RangeInclusive<UnixTime>, Error> {
        if index == 0 && self.base.is_none() {
            return Ok(UnixTime(0)..=UnixTime(u64::MAX));
        }
        if let Some(window) = self.paywindow {
            let start = self.period_start(basetime, index)?.0;
            let last = start.checked_add(window.seconds_after.into()).ok_or(overflow())?;
            return Ok(UnixTime(start.saturating_sub(window.seconds_before.into()))..=UnixTime(last));
        }
        let first = match index.checked_sub(1) {
            Some(previous) => self.period_start(basetime, previous)?,
            None => UnixTime(0),
        };
        let end = self.period_at(basetime, index)?.end;
        Ok(first..=UnixTime(end.0.saturating_sub(1)))
    }

    /// The last second at which a first invoice can be paid, if period 0 starts when it is made: the last of period 0,
    /// or later ones would be due with it; but at least a minute.
    ///
    /// # Errors
    ///
    /// `Overflow` as for [`period_at`](Self::period_at).
    pub(crate) fn first_period_until(&self, created_at: UnixTime) -> Result<UnixTime, Error> {
        let last = self.period_at(created_at, 0)?.end.0.saturating_sub(1);
        Ok(UnixTime(last.max(created_at.0.saturating_add(MIN_FIRST))))
    }

    /// The same, as an issuer has it (REC-10): with a pay window, as long as that is open after the start of a period.
    ///
    /// # Errors
    ///
    /// As there.
    pub(crate) fn first_invoice_until(&self, created_at: UnixTime) -> Result<UnixTime, Error> {
        match self.paywindow {
            Some(window) => {
                Ok(created_at.saturating_add(Duration::from_secs(u64::from(window.seconds_after).max(MIN_FIRST))))
            }
            None => self.first_period_until(created_at),
        }
    }

    /// Checks that a period can be paid now.
    ///
    /// # Errors
    ///
    /// `TooEarly` and `TooLate` (REC-6), `Overflow` as for [`pay_window`](Self::pay_window).
    pub fn check_pay_window(&self, basetime: UnixTime, index: u64, now: UnixTime) -> Result<(), Error> {
        let (from, until) = self.pay_window(basetime, index)?.into_inner();
        let refused = |kind| Err(Error::of(Field::INVREQ_RECURRENCE_COUNTER, kind, Rule::Rec6));
        if now < from {
            return refused(ErrorKind::TooEarly { from });
        }
        if now > until {
            return refused(ErrorKind::TooLate { until });
        }
        Ok(())
    }

    /// What is left to be paid of a period's full price (REC-8): all of it, unless the offer is for a proportional
    /// amount and the period has begun.
    ///
    /// The rest is exact, and rounded down to whole millisatoshi, in the payer's favour; but at least 1 msat, if
    /// `full` is. It never exceeds `full`, and never grows with time.
    ///
    /// # Errors
    ///
    /// `TooLate` if nothing is left because the period has ended, `Overflow` as for
    /// [`period_start`](Self::period_start).
    pub fn amount_left(&self, full: Msat, basetime: UnixTime, index: u64, now: UnixTime) -> Result<Msat, Error> {
        if !self.base.is_some_and(|base| base.proportional_amount) {
            return Ok(full);
        }
        let period = self.period_at(basetime, index)?;
        if now <= period.start || full.0 == 0 {
            return Ok(full);
        }
        let length = u128::from(period.end.0.saturating_sub(period.start.0));
        let left = u128::from(period.end.0.saturating_sub(now.0));
        if left == 0 {
            let until = UnixTime(period.end.0.saturating_sub(1));
            return Err(Error::of(Field::INVREQ_RECURRENCE_COUNTER, ErrorKind::TooLate { until }, Rule::Rec8));
        }
        // Two numbers of 64 bits, so the product fits; less than the whole, so the share does.
        let share = left.saturating_mul(full.0.into()).checked_div(length).and_then(|msat| u64::try_from(msat).ok());
        Ok(Msat(share.unwrap_or(full.0).max(1)))
    }
}
