//! Invoice errors: why a request or an invoice was refused, told to its sender.

use alloc::string::ToString;
use alloc::vec::Vec;

use crate::builder::check_amount;
use crate::error::{Error, ErrorKind, Field, MessageKind, Rule};
use crate::field::{KnownFeatures, Points, Spec, Text, Value, find, named, path, point};
use crate::invoice::INVOICE_FIELDS;
use crate::invoice_request::REQUEST_FIELDS;
use crate::message::{SIGNATURE_FIELDS, Schema, Structure, byte_traits, own_rule};
use crate::offer::OFFER_FIELDS;
use crate::tlv::{TlvRecord, TlvStream, Writer, bigsize};
use crate::units::Msat;

/// The fields that an error can be about.
static ERRONEOUS: [&[Spec]; 6] = [
    INVOICE_FIELDS,
    REQUEST_FIELDS,
    OFFER_FIELDS,
    SIGNATURE_FIELDS,
    crate::recurrence::FIELDS,
    crate::contacts::FIELDS,
];

pub(crate) static SCHEMA: Schema = Schema {
    kind: MessageKind::InvoiceError,
    // ERR-1: no ranges.
    ranges: &[0..=u64::MAX],
    range_rule: Rule::Err1,
    fields: &[INVOICE_ERROR_FIELDS],
    rules: no_rules,
};

/// ERR-1: what a reader does not find, it tolerates.
fn no_rules(_: &TlvStream, _: &KnownFeatures) -> Result<(), Error> {
    Ok(())
}

crate::field::fields! {
    INVOICE_ERROR_FIELDS for InvoiceError {
        1 ERRONEOUS_FIELD "erroneous_field" "number of the refused field": u64;
        3 SUGGESTED_VALUE "suggested_value" "suggested value": crate::field::Bytes<'_>;
        5 ERROR "error" "error text": Text<'_> =>
            /// What is wrong, in the words of anyone who refuses: to be shown, and not to be acted on (ERR-1).
            error;
    }
}

/// Why a request or an invoice was refused. It is not signed, and proves nothing.
///
/// ```
/// use bolt12::{Field, InvoiceError};
///
/// let refused = InvoiceError::new("only three cups are left")?.suggest_quantity(3)?;
/// let read = InvoiceError::try_from(refused.as_bytes())?;
/// assert_eq!(read.error().unwrap().to_string(), "only three cups are left");
/// assert_eq!(read.erroneous_field(), Some(Field::INVREQ_QUANTITY));
/// assert_eq!(read.suggested_quantity(), Some(3));
/// # Ok::<(), bolt12::Error>(())
/// ```
#[derive(Clone)]
pub struct InvoiceError {
    structure: Structure,
}

impl InvoiceError {
    /// The part of the [text](Self::error) that is for a person. Core Lightning puts the message it is about in front
    /// of it, whole: `Failed invreq lnr1…: Amount vastly exceeds 7000msat`. Of other texts it is all.
    pub fn reason(&self) -> Option<Text<'_>> {
        let text = self.error()?;
        let names_message = |start: &str| {
            let last = start.rsplit(' ').next().unwrap_or_default();
            last.len() > 30 && ["lnr1", "lni1", "lno1"].iter().any(|prefix| last.starts_with(prefix))
        };
        let reason = text.as_raw().split_once(": ").filter(|(start, rest)| names_message(start) && !rest.is_empty());
        Some(reason.map_or(text, |(_, rest)| Text::new(rest)))
    }

    /// An error that says what is wrong.
    ///
    /// # Errors
    ///
    /// `EmptyValue` without a text (ERW-1), `TooLong` (D7).
    pub fn new(error: &str) -> Result<Self, Error> {
        Self::build(None, None, error)
    }

    /// The same text, naming the field that is to blame, and perhaps a value of it that would be accepted.
    ///
    /// # Errors
    ///
    /// Any fault in the suggested value (ERW-2), `TooLong` (D7).
    pub fn about(self, field: Field, suggested_value: Option<&[u8]>) -> Result<Self, Error> {
        let error = self.error();
        Self::build(Some(field), suggested_value, error.map_or("", |error| error.as_raw()))
    }

    /// What to tell the sender of a request or an invoice that was refused: the sentence for people, and the field.
    ///
    /// Nothing, if the error is about no field (a request for another offer, a message that came by the wrong route)
    /// or is not the sender's fault (a rate that is missing or too old, a rule for builders). Limits that were set here
    /// are not told: neither the most that would have been accepted, nor our rate, fees or delays.
    ///
    /// Only for errors of reading, accepting and checking what somebody sent: not for those of builders, and nobody
    /// waits for an answer about an offer. Whether to tell at all, or to keep silent before somebody who probes, is
    /// the caller's choice.
    #[must_use]
    pub fn answering(error: &Error) -> Option<Self> {
        let field = error.field()?;
        let text = match error.kind() {
            ErrorKind::LimitNeeded { .. }
            | ErrorKind::RateNeeded { .. }
            | ErrorKind::WrongCurrency { .. }
            | ErrorKind::StaleRate { .. }
            | ErrorKind::DeadlinePassed { .. } => return None,
            _ if error.rule().is_for_writers() => return None,
            ErrorKind::AmountTooHigh { .. } => "the amount is more than is accepted".to_string(),
            ErrorKind::OffPrice { .. } => "the amount is far from the price at the present rate".to_string(),
            ErrorKind::NoPathWithin { .. } => "every path costs more, or takes longer, than is accepted".to_string(),
            _ => error.to_string(),
        };
        // A sentence is neither empty nor too long.
        let told = Self::build(Some(field), None, &text).ok()?;
        let suggesting = match *error.kind() {
            ErrorKind::AmountTooLow { min } if field == Field::INVREQ_AMOUNT => told.clone().suggest_amount(min),
            ErrorKind::QuantityTooLarge { max } => told.clone().suggest_quantity(max),
            ErrorKind::Zero | ErrorKind::Missing if field == Field::INVREQ_QUANTITY => told.clone().suggest_quantity(1),
            _ => return Some(told),
        };
        Some(suggesting.unwrap_or(told))
    }

    /// The same text about the amount of a request, suggesting one that would be accepted, in millisatoshi (ERW-2).
    ///
    /// # Errors
    ///
    /// `Zero`, `AmountTooHigh` for more bitcoin than there is (D3), `TooLong` (D7).
    pub fn suggest_amount(self, amount: Msat) -> Result<Self, Error> {
        check_amount(amount, Field::INVREQ_AMOUNT, Rule::Erw2)?;
        self.suggest(Field::INVREQ_AMOUNT, amount.0)
    }

    /// The same text about the quantity of a request, suggesting one that would be accepted (ERW-2).
    ///
    /// # Errors
    ///
    /// `Zero` (D4), `TooLong` (D7).
    pub fn suggest_quantity(self, quantity: u64) -> Result<Self, Error> {
        self.suggest(Field::INVREQ_QUANTITY, quantity)
    }

    fn suggest(self, field: Field, number: u64) -> Result<Self, Error> {
        let mut value = Vec::new();
        bigsize::write_truncated(&mut value, number);
        self.about(field, Some(&value))
    }

    fn build(field: Option<Field>, suggested_value: Option<&[u8]>, error: &str) -> Result<Self, Error> {
        // ERW-1
        if error.is_empty() {
            return Err(Error::of(Field::ERROR, ErrorKind::EmptyValue, Rule::Erw1));
        }
        let mut writer = Writer::new(&[], error.len());
        if let Some(field) = field {
            writer.number(1, field.number());
            // ERW-2
            if let Some(value) = suggested_value {
                check_suggestion(field, value)?;
                writer.bytes(3, value);
            }
        }
        writer.bytes(5, error.as_bytes());
        Self::try_from(writer.finish())
    }

    /// `erroneous_field` (TLV 1)
    ///
    /// The field that is to blame.
    pub fn erroneous_field(&self) -> Option<Field> {
        let number = self.tlvs().value(1).and_then(|value| u64::decode(value).ok())?;
        Some(named(&ERRONEOUS, number))
    }

    /// `suggested_value` (TLV 3)
    ///
    /// A value of the erroneous field that would be accepted, as it would stand there. `None` if there is none, or if
    /// it could not stand there (ERW-2).
    pub fn suggested_value(&self) -> Option<&[u8]> {
        let value = self.tlvs().value(3)?;
        check_suggestion(self.erroneous_field()?, value).is_ok().then_some(value)
    }

    /// The amount in millisatoshi that is suggested, if the error is about that of a request or an invoice (ERR-2).
    /// `None` if what is suggested could not stand there.
    pub fn suggested_amount(&self) -> Option<Msat> {
        let fields = [Field::INVREQ_AMOUNT, Field::INVOICE_AMOUNT];
        self.erroneous_field().filter(|field| fields.contains(field))?;
        Msat::decode(self.suggested_value()?).ok()
    }

    /// The quantity that is suggested, if the error is about that (ERR-2). `None` if what is suggested could not stand
    /// there.
    pub fn suggested_quantity(&self) -> Option<u64> {
        self.erroneous_field().filter(|field| *field == Field::INVREQ_QUANTITY)?;
        u64::decode(self.suggested_value()?).ok()
    }

    /// The fields that this crate does not know, and keeps.
    pub fn unknown(&self) -> impl Iterator<Item = TlvRecord<'_>> + '_ {
        self.tlvs().records().filter(|record| find(SCHEMA.fields, record.number()).is_none())
    }

    /// The exact bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.structure.tlvs.as_bytes()
    }

    /// The exact bytes, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.structure.tlvs.into_bytes()
    }

    /// The records, whatever they mean.
    pub fn tlvs(&self) -> &TlvStream {
        &self.structure.tlvs
    }
}

/// What one implementation (LDK) writes into an onion message has a length in front, as no other message has. It is
/// left out where it says exactly how much follows, and only what follows has an error text: then the bytes mean
/// nothing otherwise.
#[cfg(feature = "onion")]
pub(crate) fn without_length(bytes: &[u8]) -> &[u8] {
    let has_text = |bytes: &[u8]| TlvStream::read(bytes.to_vec()).is_ok_and(|tlvs| tlvs.value(5).is_some());
    let Ok((len, start)) = bigsize::read(bytes, 0) else { return bytes };
    match bytes.get(start..) {
        Some(rest) if u64::try_from(rest.len()) == Ok(len) && has_text(rest) && !has_text(bytes) => rest,
        _ => bytes,
    }
}

/// ERW-2: a suggestion is a valid value of its field.
fn check_suggestion(field: Field, value: &[u8]) -> Result<(), Error> {
    // A price or a quantity of nothing is well formed, but never valid (OFR-5, D4).
    if value.is_empty() && [Field::OFFER_AMOUNT, Field::INVREQ_QUANTITY].contains(&field) {
        return Err(Error::of(field, ErrorKind::Zero, Rule::Erw2));
    }
    match find(&ERRONEOUS, field.number()) {
        Some(spec) => (spec.check)(value)
            .and_then(|()| check_points(spec.field, value))
            .map_err(|error| own_rule(error, spec.field).in_field(spec.field)),
        None => Ok(()),
    }
}

/// TLV-7: the keys in a suggestion are on the curve.
fn check_points(field: Field, value: &[u8]) -> Result<(), Error> {
    if [Field::OFFER_PATHS, Field::INVREQ_PATHS, Field::INVOICE_PATHS].contains(&field) {
        path::check_points(value, &mut Points::default())
    } else if [Field::OFFER_ISSUER_ID, Field::INVREQ_PAYER_ID, Field::INVOICE_NODE_ID].contains(&field) {
        point::check(value)
    } else {
        Ok(())
    }
}

impl TryFrom<Vec<u8>> for InvoiceError {
    type Error = Error;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Error> {
        Ok(Self { structure: Structure::read(&SCHEMA, bytes, KnownFeatures::default_ref())? })
    }
}

byte_traits!(InvoiceError, SCHEMA);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::UnixTime;

    /// Whatever the other side sends, what it is told holds no limit that was set here.
    #[test]
    fn limits_stay_with_whoever_set_them() {
        const SET: u32 = 987_654;
        let amount = Msat::from_sat(SET.into()).unwrap();
        let usd = "USD".parse().unwrap();
        for kind in [
            ErrorKind::AmountTooHigh { max: amount },
            ErrorKind::OffPrice { estimate: amount },
            ErrorKind::NoPathWithin { max_fee: amount, max_cltv_expiry_delta: SET },
            ErrorKind::StaleRate { max_age: SET.into() },
            ErrorKind::RateNeeded { currency: usd },
            ErrorKind::LimitNeeded { currency: usd },
            ErrorKind::WrongCurrency { expected: usd, found: usd },
            ErrorKind::DeadlinePassed { at: UnixTime(SET.into()) },
        ] {
            for field in [Field::INVREQ_AMOUNT, Field::INVOICE_AMOUNT, Field::INVOICE_PATHS, Field::OFFER_AMOUNT] {
                let error = Error::of(field, kind.clone(), Rule::Exc7);
                let Some(told) = InvoiceError::answering(&error) else { continue };
                let text = told.error().unwrap().to_string().replace([',', '.'], "");
                assert!(!text.contains("987") && !text.contains("USD"), "{text}");
                assert_eq!(told.suggested_value(), None);
            }
        }
        // What the price is, the offer says.
        let told = InvoiceError::answering(&Error::of(
            Field::INVREQ_AMOUNT,
            ErrorKind::AmountTooLow { min: amount },
            Rule::Rqr9,
        ));
        assert_eq!(told.unwrap().suggested_amount(), Some(amount));
    }
}
