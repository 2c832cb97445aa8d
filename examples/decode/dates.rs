//! Times for people: dates in UTC, and how far away they are.

use std::time::Duration;

use bolt12::UnixTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Unit, Zoned};

/// For example `2035-01-01 00:00:00 UTC`.
pub(crate) fn date(time: UnixTime) -> String {
    match zoned(time) {
        Some(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        None => format!("after the year 9999 (Unix time {time})"),
    }
}

/// For example `3 days ago` or `in 9 years`; nothing for a time beyond all calendars.
pub(crate) fn relative(time: UnixTime, now: UnixTime) -> Option<String> {
    let span = zoned(now)?.until((Unit::Year, &zoned(time)?)).ok()?;
    let units = [
        (i64::from(span.get_years()), "year"),
        (span.get_months().into(), "month"),
        (span.get_days().into(), "day"),
        (span.get_hours().into(), "hour"),
        (span.get_minutes(), "minute"),
        (span.get_seconds(), "second"),
    ];
    let words =
        |(count, unit): &(i64, &str)| format!("{} {unit}{}", count.abs(), if count.abs() == 1 { "" } else { "s" });
    let mut units = units.iter().skip_while(|(count, _)| *count == 0);
    let Some(first) = units.next() else { return Some("now".to_owned()) };
    let mut distance = words(first);
    // One and a half is neither one nor two.
    if let Some(second) = units.next().filter(|second| first.0.abs() == 1 && second.0 != 0) {
        distance = format!("{distance} {}", words(second));
    }
    Some(if first.0 < 0 { format!("{distance} ago") } else { format!("in {distance}") })
}

/// For example `2035-01-01 00:00:00 UTC, in 9 years`.
pub(crate) fn both(time: UnixTime, now: UnixTime) -> String {
    match relative(time, now) {
        Some(relative) => format!("{}, {relative}", date(time)),
        None => date(time),
    }
}

/// For example `2h 30m`, or `14 days`.
pub(crate) fn length(duration: Duration) -> String {
    const DAY: u64 = 86_400;
    let seconds = duration.as_secs();
    if seconds > DAY && seconds % DAY == 0 {
        return format!("{} days", seconds / DAY);
    }
    match SignedDuration::try_from(duration) {
        Ok(duration) => format!("{duration:#}"),
        Err(_) => format!("{} seconds", duration.as_secs()),
    }
}

/// The date in UTC; nothing for a time beyond all calendars.
#[cfg(feature = "recurrence")]
pub(crate) fn civil(time: UnixTime) -> Option<jiff::civil::DateTime> {
    zoned(time).map(|time| time.datetime())
}

fn zoned(time: UnixTime) -> Option<Zoned> {
    let seconds = i64::try_from(time.0).ok()?;
    Some(Timestamp::from_second(seconds).ok()?.to_zoned(TimeZone::UTC))
}
