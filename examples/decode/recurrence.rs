//! Subscriptions for people and as JSON: how an offer recurs, and which payment of it a message is for.

use bolt12::{
    Field, InvoiceFields, OfferFields, PayWindow, Recurrence, RecurrenceBase, RequestFields, TimeUnit, UnixTime,
};
use serde_json::{Map, Value};

use super::{dates, input::Views};

/// A field, and what is to be said of it if it is there.
pub(crate) type Row = (Field, Option<String>);

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;

/// The rows of an offer.
pub(crate) fn offer_rows(offer: &OfferFields, views: &Views<'_>, now: UnixTime) -> [Row; 5] {
    // What a proof hides may be there.
    let whole = views.proof.is_none();
    let text = offer.recurrence().map(|recurrence| if whole { words(&recurrence) } else { every(&recurrence) });
    let is_compulsory = offer.recurrence().is_some_and(|recurrence| recurrence.is_compulsory);
    let (compulsory, optional) = if is_compulsory { (text, None) } else { (None, text) };
    let base = offer.recurrence_base().map(|base| {
        let amount = if base.proportional_amount { "; who begins later in a period pays a part" } else { "" };
        format!("{}{amount}", dates::both(base.basetime, now))
    });
    let window = offer.recurrence_paywindow().map(payable);
    let limit = offer.recurrence_limit().map(|limit| format!("{limit}, where the first is 0"));
    [
        (Field::OFFER_RECURRENCE_COMPULSORY, compulsory),
        (Field::OFFER_RECURRENCE_OPTIONAL, optional),
        (Field::OFFER_RECURRENCE_BASE, base),
        (Field::OFFER_RECURRENCE_PAYWINDOW, window),
        (Field::OFFER_RECURRENCE_LIMIT, limit),
    ]
}

/// The rows of a request.
pub(crate) fn request_rows(request: &RequestFields, views: &Views<'_>) -> [Row; 3] {
    let counter = request.recurrence().map(|recurrence| {
        let number = ordinal(u64::from(recurrence.counter) + 1);
        let basetime = views.invoice.and_then(InvoiceFields::recurrence_basetime);
        let basetime = basetime.or_else(|| request.offer().recurrence_base().map(|base| base.basetime));
        // A proof may hide with which period it started.
        let period = basetime.filter(|_| views.proof.is_none()).and_then(|basetime| {
            let period = request.offer().recurrence()?.period_at(basetime, recurrence.period_index()).ok()?;
            Some(format!(", for the period from {} to {}", day(period.start), day(period.end)))
        });
        match recurrence.cancel {
            true => format!("{}: in place of the {number} payment", recurrence.counter),
            false => format!("{}: the {number} payment{}", recurrence.counter, period.unwrap_or_default()),
        }
    });
    let start = request.recurrence_start().map(|start| format!("{start}, where the first is 0"));
    let cancels = views.value(Field::INVREQ_RECURRENCE_CANCEL).map(|_| "the payer ends the subscription".to_owned());
    [
        (Field::INVREQ_RECURRENCE_COUNTER, counter),
        (Field::INVREQ_RECURRENCE_START, start),
        (Field::INVREQ_RECURRENCE_CANCEL, cancels),
    ]
}

/// The row of an invoice.
pub(crate) fn invoice_row(invoice: &InvoiceFields, now: UnixTime) -> Row {
    (Field::INVOICE_RECURRENCE_BASETIME, invoice.recurrence_basetime().map(|time| dates::both(time, now)))
}

/// For example "every month on the 31st (or the month's last day), from 31 March 2026, 12 times, payable from 3 days
/// before to 7 days after".
pub(crate) fn words(recurrence: &Recurrence) -> String {
    let mut words = every(recurrence);
    match recurrence.base {
        Some(base) => {
            words.push_str(&on_the_day(recurrence, base));
            words.push_str(&format!(", from {}", day(base.basetime)));
        }
        None => words.push_str(", from the first payment on"),
    }
    words.push_str(&match recurrence.limit {
        Some(limit) => format!(", {} times", u64::from(limit.get()) + 1),
        None => ", without end".to_owned(),
    });
    words.push_str(", payable ");
    words.push_str(&match recurrence.paywindow {
        Some(window) => payable(window),
        None => "while a period lasts and during the one before".to_owned(),
    });
    if recurrence.base.is_some_and(|base| base.proportional_amount) {
        words.push_str("; who begins later in a period pays a part");
    }
    if !recurrence.is_compulsory {
        words.push_str("; or paid once");
    }
    words
}

fn every(recurrence: &Recurrence) -> String {
    let count = recurrence.period.get();
    let (count, unit) = match recurrence.time_unit {
        TimeUnit::Months if count % 12 == 0 => (count / 12, "year"),
        TimeUnit::Months => (count, "month"),
        TimeUnit::Days => (count, "day"),
        _ => largest_unit(count),
    };
    if count == 1 { format!("every {unit}") } else { format!("every {count} {unit}s") }
}

/// On which day of the month periods start, if they are counted in months.
fn on_the_day(recurrence: &Recurrence, base: RecurrenceBase) -> String {
    let Some(date) = dates::civil(base.basetime).filter(|_| recurrence.time_unit == TimeUnit::Months) else {
        return String::new();
    };
    let is_yearly = recurrence.period.get() % 12 == 0;
    let number = u64::from(date.day().unsigned_abs());
    let shorter = match (number, is_yearly) {
        (29.., false) => " (or the month's last day)",
        (29, true) if date.month() == 2 => " (or the month's last day)",
        _ => "",
    };
    let month = if is_yearly { date.strftime(" of %B").to_string() } else { String::new() };
    format!(" on the {}{month}{shorter}", ordinal(number))
}

fn payable(window: PayWindow) -> String {
    let length = |seconds: u32| {
        let (count, unit) = largest_unit(seconds);
        format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
    };
    let PayWindow { seconds_before, seconds_after } = window;
    match (seconds_before, seconds_after) {
        (0, 0) => "in its first second".to_owned(),
        (0, after) => format!("from its start to {} after", length(after)),
        (before, 0) => format!("from {} before to its start", length(before)),
        (before, after) => format!("from {} before to {} after", length(before), length(after)),
    }
}

/// Seconds in the largest unit that leaves no rest.
fn largest_unit(seconds: u32) -> (u32, &'static str) {
    let units = [(DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")];
    match units.into_iter().find(|(unit, _)| seconds != 0 && seconds % unit == 0) {
        Some((unit, name)) => (seconds / unit, name),
        None => (seconds, "second"),
    }
}

/// For example `1 March 2026`, with the time of the day unless it is midnight.
fn day(time: UnixTime) -> String {
    match dates::civil(time) {
        Some(date) if time.0 % u64::from(DAY) == 0 => date.strftime("%-d %B %Y").to_string(),
        Some(date) => date.strftime("%-d %B %Y %H:%M:%S UTC").to_string(),
        None => dates::date(time),
    }
}

/// For example `1st`, `12th`, `23rd`.
fn ordinal(number: u64) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// `offer_recurrence` as Core Lightning has it.
pub(crate) fn offer_json(offer: &OfferFields) -> Option<Value> {
    let mut object = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            object.insert(name.to_owned(), value);
        }
    };
    let recurrence = offer.recurrence();
    put("compulsory_field", recurrence.map(|recurrence| recurrence.is_compulsory.into()));
    put("time_unit", recurrence.map(|recurrence| recurrence.time_unit.number().into()));
    put("time_unit_name", recurrence.map(|recurrence| recurrence.time_unit.name().into()));
    put("period", recurrence.map(|recurrence| recurrence.period.get().into()));
    // A proof may show these without the rest.
    let base = offer.recurrence_base();
    put("basetime", base.map(|base| base.basetime.0.into()));
    put("proportional_amount", base.filter(|base| base.proportional_amount).map(|_| true.into()));
    put("limit", offer.recurrence_limit().map(|limit| limit.get().into()));
    let window = offer.recurrence_paywindow().map(
        |window| serde_json::json!({ "seconds_before": window.seconds_before, "seconds_after": window.seconds_after }),
    );
    put("paywindow", window);
    (!object.is_empty()).then_some(Value::Object(object))
}

/// The fields of a request.
pub(crate) fn request_json(request: &RequestFields, views: &Views<'_>) -> [(Field, Option<Value>); 3] {
    let counter = request.recurrence().map(|recurrence| recurrence.counter.into());
    let cancel = views.value(Field::INVREQ_RECURRENCE_CANCEL).map(|_| true.into());
    [
        (Field::INVREQ_RECURRENCE_COUNTER, counter),
        (Field::INVREQ_RECURRENCE_START, request.recurrence_start().map(Into::into)),
        (Field::INVREQ_RECURRENCE_CANCEL, cancel),
    ]
}

/// What is said of a request that cancels.
pub(crate) fn cancelled(request: &RequestFields) -> Option<&'static str> {
    let cancels = request.recurrence().is_some_and(|recurrence| recurrence.cancel);
    cancels.then_some("Its signature is valid.\nIt ends a subscription: nothing more is paid, and it gets no answer.")
}

/// When the last period of an offer could be paid for the last time, if that is over.
pub(crate) fn ended(offer: &OfferFields, now: UnixTime) -> Option<UnixTime> {
    let recurrence = offer.recurrence()?;
    let (base, limit) = (recurrence.base?, recurrence.limit?);
    let window = recurrence.pay_window(base.basetime, limit.get().into()).ok()?;
    Some(*window.end()).filter(|end| now > *end)
}

/// What an offer is called.
pub(crate) fn heading(offer: &OfferFields) -> Option<&'static str> {
    offer.recurrence().filter(|recurrence| recurrence.is_compulsory).map(
        |_| "A SUBSCRIPTION: whoever has this offer can ask its issuer for an invoice in every period, and pay that.",
    )
}
