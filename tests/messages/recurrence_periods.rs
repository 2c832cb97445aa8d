//! Periods, pay windows and what is left to pay, against a calendar that counts days one month at a time.

use std::num::NonZeroU32;

use bolt12::{ErrorKind, Field, Msat, PayWindow, Recurrence, RecurrenceBase, Rule, TimeUnit, UnixTime};
use proptest::prelude::*;

const DAY: u64 = 86_400;
/// The last second of the year 9999.
const END_OF_9999: u64 = 253_402_300_799;

fn is_leap(year: u64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Year, month and day from 1, and the second of the day.
fn naive_date(time: u64) -> (u64, u64, u64, u64) {
    let (mut days, mut year, mut month) = (time / DAY, 1970, 1);
    while days >= days_in(year, month) {
        days -= days_in(year, month);
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    }
    (year, month, days + 1, time % DAY)
}

/// Seconds since 1970.
fn naive_time(year: u64, month: u64, day: u64, second: u64) -> u64 {
    let years: u64 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    let months: u64 = (1..month).map(|month| days_in(year, month)).sum();
    (years + months + day - 1) * DAY + second
}

/// The start of a period; nothing after the year 9999, or after 64 bits.
fn naive_start(recurrence: &Recurrence, base: u64, index: u64) -> Option<u64> {
    let count = index.checked_mul(recurrence.period.get().into())?;
    match recurrence.time_unit {
        TimeUnit::Seconds => base.checked_add(count),
        TimeUnit::Days => base.checked_add(count.checked_mul(DAY)?),
        TimeUnit::Months if count == 0 => Some(base),
        TimeUnit::Months => {
            if base > END_OF_9999 {
                return None;
            }
            let (year, month, day, second) = naive_date(base);
            let months = (year * 12 + month - 1).checked_add(count)?;
            let (year, month) = (months / 12, months % 12 + 1);
            (year <= 9999).then(|| naive_time(year, month, day.min(days_in(year, month)), second))
        }
        unit => panic!("{unit:?}"),
    }
}

fn every(period: u32, unit: TimeUnit) -> Recurrence {
    Recurrence::every(period, unit).unwrap()
}

fn with_base(recurrence: Recurrence, proportional_amount: bool) -> Recurrence {
    Recurrence { base: Some(RecurrenceBase { proportional_amount, basetime: UnixTime(0) }), ..recurrence }
}

fn date(year: u64, month: u64, day: u64) -> UnixTime {
    UnixTime(naive_time(year, month, day, 0))
}

fn units() -> impl Strategy<Value = TimeUnit> {
    prop_oneof![Just(TimeUnit::Seconds), Just(TimeUnit::Days), Just(TimeUnit::Months)]
}

fn recurrences() -> impl Strategy<Value = Recurrence> {
    let window = (any::<u32>(), any::<u32>())
        .prop_map(|(seconds_before, seconds_after)| PayWindow { seconds_before, seconds_after });
    let period = prop_oneof![1..40u32, 1..=u32::MAX];
    (units(), period, proptest::option::of(window), any::<bool>()).prop_map(|(unit, period, paywindow, has_base)| {
        let recurrence = Recurrence { paywindow, ..every(period, unit) };
        if has_base { with_base(recurrence, true) } else { recurrence }
    })
}

/// Near times, month ends, and times that no calendar knows.
fn times() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 0..5_000_000_000u64,
        2 => (0..1_000u64, 0..3 * DAY).prop_map(|(months, off)| naive_time(1970 + months / 12, months % 12 + 1, 1, off).saturating_sub(DAY)),
        1 => 253_300_000_000..253_500_000_000u64,
        1 => any::<u64>(),
    ]
}

fn indexes() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..500u64, 2 => 0..=2 * u64::from(u32::MAX), 1 => any::<u64>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    // REC-4
    #[test]
    fn periods_start_when_a_naive_calendar_says(recurrence in recurrences(), base in times(), index in indexes()) {
        let start = recurrence.period_start(UnixTime(base), index);
        match (naive_start(&recurrence, base, index), start) {
            (Some(expected), Ok(start)) => prop_assert_eq!(start.0, expected),
            (None, Err(error)) => {
                prop_assert_eq!(error.kind(), &ErrorKind::Overflow);
                prop_assert_eq!(error.field(), Some(Field::INVREQ_RECURRENCE_COUNTER));
            }
            // The calendar's last hours belong to some time zones only.
            (Some(expected), Err(_)) => prop_assert!(expected > END_OF_9999 - DAY),
            (expected, found) => prop_assert!(false, "{:?} {:?}", expected, found),
        }
    }

    // REC-4: periods touch, and every time is in the one that is named.
    #[test]
    fn every_time_lies_in_its_period(
        recurrence in recurrences(), base in 0..4_000_000_000u64, after in 0..4_000_000_000u64,
    ) {
        let (base, time) = (UnixTime(base), UnixTime(base + after));
        let index = recurrence.period_index(base, time).unwrap().expect("after period 0 started");
        match recurrence.period_at(base, index) {
            Ok(period) => {
                prop_assert!(period.contains(&time), "{:?} {:?}", period, time);
                prop_assert!(period.start < period.end);
                if let Ok(next) = recurrence.period_at(base, index + 1) {
                    prop_assert_eq!(next.start, period.end);
                }
            }
            // A period that the calendar does not see the end of.
            Err(_) => prop_assert!(recurrence.period_start(base, index).unwrap() <= time),
        }
        if let Some(before) = base.0.checked_sub(1) {
            prop_assert_eq!(recurrence.period_index(base, UnixTime(before)).unwrap(), None);
        }
    }

    // REC-6
    #[test]
    fn a_period_is_paid_in_its_window(
        recurrence in recurrences(), base in 0..4_000_000_000u64, index in 0..50u64, now in times(),
    ) {
        let base = UnixTime(base);
        let start = |index| naive_start(&recurrence, base.0, index);
        let window = match (index, recurrence.base, recurrence.paywindow) {
            (0, None, _) => Some((0, u64::MAX)),
            (_, _, Some(window)) => start(index).map(|start| {
                (start.saturating_sub(window.seconds_before.into()), start + u64::from(window.seconds_after))
            }),
            (0, _, None) => start(1).map(|end| (0, end - 1)),
            (_, _, None) => start(index + 1).map(|end| (start(index - 1).unwrap(), end - 1)),
        };
        let found = recurrence.pay_window(base, index);
        let Some((from, until)) = window.filter(|(_, until)| *until < END_OF_9999 - DAY || *until == u64::MAX) else {
            return Ok(());
        };
        prop_assert_eq!(found.unwrap(), UnixTime(from)..=UnixTime(until));
        let checked = recurrence.check_pay_window(base, index, UnixTime(now));
        match checked.as_ref().map_err(|error| (error.kind().clone(), error.rule())) {
            Ok(()) => prop_assert!(from <= now && now <= until),
            Err((kind, rule)) => {
                prop_assert_eq!(rule, Rule::Rec6);
                let expected = if now < from {
                    ErrorKind::TooEarly { from: UnixTime(from) }
                } else {
                    ErrorKind::TooLate { until: UnixTime(until) }
                };
                prop_assert_eq!(kind, expected);
                prop_assert!(now < from || now > until);
            }
        }
    }

    // REC-8: exact, never more than the price, never nothing, never more later.
    #[test]
    fn what_is_left_only_shrinks(
        unit in units(), period in 1..40u32, full in prop_oneof![1..5_000u64, 1..=u64::MAX],
        index in 0..20u64, part in 0..=1_000u64, later in 0..=1_000u64,
    ) {
        let recurrence = with_base(every(period, unit), true);
        let base = UnixTime(1_700_000_000);
        let range = recurrence.period_at(base, index).unwrap();
        let length = range.end.0 - range.start.0;
        let at = |part: u64| UnixTime(range.start.0 + length * part / 1_000);
        let left = |now: UnixTime| recurrence.amount_left(Msat(full), base, index, now);
        let now = at(part);
        if now >= range.end {
            let error = left(now).unwrap_err();
            prop_assert_eq!(error.kind(), &ErrorKind::TooLate { until: UnixTime(range.end.0 - 1) });
            prop_assert_eq!(error.rule(), Rule::Rec8);
        } else {
            let due = left(now).unwrap().0;
            let exact = u128::from(full) * u128::from(range.end.0 - now.0) / u128::from(length);
            prop_assert_eq!(u128::from(due), exact.max(1));
            prop_assert!(1 <= due && due <= full);
            if let Ok(rest) = left(at((part + later).min(1_000))) {
                prop_assert!(rest.0 <= due);
            }
        }
        // Before its start, all of it; and always all of it without a proportional amount.
        prop_assert_eq!(left(UnixTime(range.start.0 - 1)).unwrap(), Msat(full));
        prop_assert_eq!(left(range.start).unwrap(), Msat(full));
        let flat = with_base(every(period, unit), false);
        prop_assert_eq!(flat.amount_left(Msat(full), base, index, UnixTime(u64::MAX)).unwrap(), Msat(full));
    }
}

// REC-4
#[test]
fn months_end_with_their_last_day_but_are_counted_from_the_first_period() {
    let monthly = every(1, TimeUnit::Months);
    let starts = |base: UnixTime| [0, 1, 2, 3, 13].map(|index| monthly.period_start(base, index).unwrap());
    let noon = |time: UnixTime| UnixTime(time.0 + DAY / 2);
    assert_eq!(
        starts(noon(date(2026, 1, 31))),
        [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30), date(2027, 2, 28)].map(noon)
    );
    assert_eq!(monthly.period_start(date(2028, 1, 31), 1).unwrap(), date(2028, 2, 29));
    assert_eq!(monthly.period_start(date(2099, 12, 31), 2).unwrap(), date(2100, 2, 28));
    let yearly = every(12, TimeUnit::Months);
    assert_eq!(yearly.period_start(date(2028, 2, 29), 1).unwrap(), date(2029, 2, 28));
    assert_eq!(yearly.period_start(date(2028, 2, 29), 4).unwrap(), date(2032, 2, 29));
    // The last day of February is the first of the period that 31 January started.
    assert_eq!(monthly.period_index(date(2026, 1, 31), UnixTime(date(2026, 2, 28).0 - 1)).unwrap(), Some(0));
    assert_eq!(monthly.period_index(date(2026, 1, 31), date(2026, 2, 28)).unwrap(), Some(1));
}

// REC-4
#[test]
fn what_no_number_or_calendar_holds_is_an_error() {
    let refused = |recurrence: Recurrence, base, index| {
        let error = recurrence.period_start(UnixTime(base), index).unwrap_err();
        assert_eq!((error.kind(), error.rule()), (&ErrorKind::Overflow, Rule::Rec4));
    };
    let last = |unit| every(u32::MAX, unit);
    refused(every(1, TimeUnit::Seconds), u64::MAX, 1);
    refused(last(TimeUnit::Seconds), 0, u64::MAX);
    refused(last(TimeUnit::Days), 0, 2 * u64::from(u32::MAX));
    refused(last(TimeUnit::Months), 0, 1);
    refused(every(1, TimeUnit::Months), END_OF_9999, 1);
    refused(every(1, TimeUnit::Months), u64::MAX, 1);
    // Period 0 starts where it is said to.
    for unit in [TimeUnit::Seconds, TimeUnit::Days, TimeUnit::Months] {
        assert_eq!(last(unit).period_start(UnixTime(u64::MAX), 0).unwrap(), UnixTime(u64::MAX));
        assert!(last(unit).period_at(UnixTime(u64::MAX), 0).is_err());
    }
    let window = PayWindow { seconds_before: u32::MAX, seconds_after: u32::MAX };
    let recurrence = Recurrence { paywindow: Some(window), ..with_base(every(1, TimeUnit::Seconds), false) };
    assert!(recurrence.pay_window(UnixTime(u64::MAX), 0).is_err());
    assert_eq!(recurrence.pay_window(UnixTime(7), 0).unwrap(), UnixTime(0)..=UnixTime(7 + u64::from(u32::MAX)));
}

// REC-8: the price of a day in the middle of a month, which integers of the wrong kind made 1 msat of.
#[test]
fn half_a_month_costs_half() {
    let monthly = with_base(every(1, TimeUnit::Months), true);
    let noon = UnixTime(date(2026, 4, 1).0 + 15 * DAY);
    assert_eq!(monthly.amount_left(Msat(3_000_000), date(2026, 3, 1), 1, noon).unwrap(), Msat(1_500_000));
    let last = UnixTime(date(2026, 5, 1).0 - 1);
    assert_eq!(monthly.amount_left(Msat(1_000), date(2026, 3, 1), 1, last).unwrap(), Msat(1));
    assert_eq!(monthly.amount_left(Msat::MAX_MONEY, date(2026, 3, 1), 1, noon).unwrap().0, Msat::MAX_MONEY.0 / 2);
}

// REC-1
#[test]
fn a_period_has_a_length() {
    for unit in [TimeUnit::Seconds, TimeUnit::Days, TimeUnit::Months] {
        let error = Recurrence::every(0, unit).unwrap_err();
        assert_eq!((error.kind(), error.rule()), (&ErrorKind::Zero, Rule::Rec1));
        assert_eq!(Recurrence::every(7, unit).unwrap().period, NonZeroU32::new(7).unwrap());
    }
    assert_eq!([TimeUnit::Seconds, TimeUnit::Days, TimeUnit::Months].map(TimeUnit::number), [0, 1, 2]);
}
