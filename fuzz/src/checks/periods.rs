//! What an offer says of recurrence, and what periods and windows follow from it, beside a naive calendar.

#[cfg(feature = "recurrence")]
pub use present::offer;

/// The types of the fields.
pub const TYPES: [u64; 9] = [
    1_000_000_024,
    1_000_000_025,
    1_000_000_026,
    1_000_000_027,
    1_000_000_029,
    2_000_000_092,
    2_000_000_093,
    2_000_000_094,
    3_000_000_177,
];

#[cfg(feature = "recurrence")]
mod present {
    use bolt12::{ErrorKind, Msat, OfferFields, Recurrence, Rule, TimeUnit, UnixTime};

    use super::TYPES;
    use crate::checks::errors;

    const DAY: u64 = 86_400;

    /// What holds for every offer, wherever it stands.
    pub fn offer(fields: &OfferFields) {
        let Some(recurrence) = fields.recurrence() else { return };
        let there = |number| fields.tlvs_contain(number);
        assert_eq!((there(TYPES[0]), there(TYPES[1])), (recurrence.is_compulsory, !recurrence.is_compulsory), "REC-1");
        assert_eq!(fields.recurrence_base(), recurrence.base);
        assert_eq!(fields.recurrence_paywindow(), recurrence.paywindow);
        assert_eq!(fields.recurrence_limit(), recurrence.limit);
        let base = recurrence.base.map_or(UnixTime(1_800_000_000), |base| base.basetime);
        for index in [0, 1, 2, 11, 12, 1_000, u32::MAX.into(), 2 * u64::from(u32::MAX), u64::MAX] {
            periods(&recurrence, base, index);
        }
    }

    /// Looks for records by type in a view.
    trait Contain {
        fn tlvs_contain(&self, number: u64) -> bool;
    }

    impl Contain for OfferFields {
        fn tlvs_contain(&self, number: u64) -> bool {
            self.records().any(|record| record.number() == number)
        }
    }

    /// A period starts where a naive calendar says, ends where the next starts, and can be paid for no more than all
    /// of its price.
    fn periods(recurrence: &Recurrence, base: UnixTime, index: u64) {
        let start = match (recurrence.period_start(base, index), naive_start(recurrence, base.0, index)) {
            (Ok(start), Some(expected)) => {
                assert_eq!(start.0, expected);
                start
            }
            (Err(error), expected) => {
                // The last hours of the year 9999 belong to some time zones only.
                assert!(expected.is_none_or(|time| time > 253_402_300_800 - DAY), "{expected:?}");
                assert_eq!(error.kind(), &ErrorKind::Overflow);
                return errors::any(&error);
            }
            (Ok(start), None) => panic!("there is no period {index} at {start}"),
        };
        let Ok(period) = recurrence.period_at(base, index) else { return };
        assert!(period.start == start && start < period.end);
        let last = UnixTime(period.end.0 - 1);
        for time in [start, last] {
            assert_eq!(recurrence.period_index(base, time), Ok(Some(index)));
        }
        if let Ok(window) = recurrence.pay_window(base, index) {
            assert!(window.start() <= window.end());
            for time in [*window.start(), *window.end()] {
                assert_eq!(recurrence.check_pay_window(base, index, time), Ok(()));
            }
            let outside = [window.start().0.checked_sub(1), window.end().0.checked_add(1)];
            for time in outside.into_iter().flatten().map(UnixTime) {
                let error = recurrence.check_pay_window(base, index, time).expect_err("outside");
                errors::any(&error);
                assert_eq!(error.rule(), Rule::Rec6);
            }
        }
        let full = Msat(base.0 % 1_000_003 + 1);
        let middle = UnixTime(start.0 + (last.0 - start.0) / 2);
        let left = [start, middle, last].map(|now| recurrence.amount_left(full, base, index, now).expect("it lasts"));
        assert!(left[0] == full && left[0] >= left[1] && left[1] >= left[2] && left[2].0 > 0, "REC-8");
    }

    fn naive_start(recurrence: &Recurrence, base: u64, index: u64) -> Option<u64> {
        let count = index.checked_mul(recurrence.period.get().into())?;
        match recurrence.time_unit {
            TimeUnit::Seconds => base.checked_add(count),
            TimeUnit::Days => base.checked_add(count.checked_mul(DAY)?),
            _ if count == 0 => Some(base),
            _ => months_later(base, count),
        }
    }

    /// Counts the days of one month after the other.
    fn months_later(time: u64, count: u64) -> Option<u64> {
        let is_leap = |year: u64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        let length = |month: u64| match month % 12 {
            1 if is_leap(1970 + month / 12) => 29,
            1 => 28,
            3 | 5 | 8 | 10 => 30,
            _ => 31,
        };
        const MONTHS: u64 = (9999 - 1970 + 1) * 12;
        let (mut day, mut month) = (time / DAY, 0);
        while day >= length(month) {
            day -= length(month);
            month += 1;
            if month >= MONTHS {
                return None;
            }
        }
        let later = month.checked_add(count).filter(|later| *later < MONTHS)?;
        let days: u64 = (0..later).map(length).sum();
        Some((days + day.min(length(later) - 1)) * DAY + time % DAY)
    }
}
