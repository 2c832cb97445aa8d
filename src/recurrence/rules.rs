//! The rules about the fields of recurrence alone, in the order of the page.

use super::fields::{base, basetime, value};
use super::{FIELDS, Recurrence, RecurrenceRequest};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::Spec;
use crate::tlv::TlvStream;
use crate::units::UnixTime;

fn unexpected(field: Field, rule: Rule) -> Error {
    Error::of(field, ErrorKind::Unexpected, rule)
}

/// What a reader refuses in an offer, and in what repeats one. That a period and a limit are more than zero and a
/// unit is known (REC-1) is refused where the fields are decoded.
pub(super) fn check_offer(tlvs: &TlvStream) -> Result<(), Error> {
    let there = |field: Field| tlvs.contains(field.number());
    // REC-1
    let refused = match (there(Field::OFFER_RECURRENCE_COMPULSORY), there(Field::OFFER_RECURRENCE_OPTIONAL)) {
        (true, true) => [Field::OFFER_RECURRENCE_OPTIONAL].as_slice(),
        (true, false) => &[],
        (false, true) => &[Field::OFFER_RECURRENCE_BASE],
        (false, false) => {
            &[Field::OFFER_RECURRENCE_BASE, Field::OFFER_RECURRENCE_PAYWINDOW, Field::OFFER_RECURRENCE_LIMIT]
        }
    };
    if let Some(field) = refused.iter().find(|field| there(**field)) {
        return Err(unexpected(*field, Rule::Rec1));
    }
    // REC-2
    if base(tlvs).is_some_and(|base| base.proportional_amount) && !there(Field::OFFER_AMOUNT) {
        return Err(Error::missing(Field::OFFER_AMOUNT, Rule::Rec2));
    }
    Ok(())
}

/// What a reader refuses in a request that answers an offer, and in what repeats one.
pub(super) fn check_request(tlvs: &TlvStream) -> Result<(), Error> {
    let offer = Recurrence::of(tlvs);
    let Some(request) = RecurrenceRequest::of(tlvs) else {
        // REC-3
        if offer.is_some_and(|offer| offer.is_compulsory) {
            return Err(Error::missing(Field::INVREQ_RECURRENCE_COUNTER, Rule::Rec3));
        }
        // Without a counter there is nothing to start (REC-4) or to cancel.
        let others = [(Field::INVREQ_RECURRENCE_START, Rule::Rec4), (Field::INVREQ_RECURRENCE_CANCEL, Rule::Rec3)];
        return match others.into_iter().find(|(field, _)| tlvs.contains(field.number())) {
            Some((field, rule)) => Err(unexpected(field, rule)),
            None => Ok(()),
        };
    };
    // REC-3
    let Some(offer) = offer else { return Err(unexpected(Field::INVREQ_RECURRENCE_COUNTER, Rule::Rec3)) };
    if request.cancel && request.counter == 0 {
        return Err(unexpected(Field::INVREQ_RECURRENCE_CANCEL, Rule::D13));
    }
    // REC-4
    match (offer.base, request.start) {
        (Some(_), None) => return Err(Error::missing(Field::INVREQ_RECURRENCE_START, Rule::Rec4)),
        (None, Some(_)) => return Err(unexpected(Field::INVREQ_RECURRENCE_START, Rule::Rec4)),
        _ => {}
    }
    // REC-5
    match offer.limit {
        Some(limit) if request.period_index() > limit.get().into() => {
            let kind = ErrorKind::NoSuchPeriod { max: limit.get() };
            Err(Error::of(Field::INVREQ_RECURRENCE_COUNTER, kind, Rule::Rec5))
        }
        _ => Ok(()),
    }
}

/// What a reader refuses in an invoice, beside what it refuses in the request in it.
pub(super) fn check_invoice(tlvs: &TlvStream) -> Result<(), Error> {
    // REC-11
    if cancels(tlvs) {
        return Err(Error::of(Field::INVREQ_RECURRENCE_CANCEL, ErrorKind::Cancelled, Rule::Rec11));
    }
    // REC-9
    let field = Field::INVOICE_RECURRENCE_BASETIME;
    let (request, basetime) = match (RecurrenceRequest::of(tlvs), basetime(tlvs)) {
        (None, None) => return Ok(()),
        (None, Some(_)) => return Err(unexpected(field, Rule::Rec9)),
        (Some(_), None) => return Err(Error::missing(field, Rule::Rec9)),
        (Some(request), Some(basetime)) => (request, basetime),
    };
    let base = base(tlvs).map(|base| base.basetime);
    let first = || value::<UnixTime>(tlvs, Field::INVOICE_CREATED_AT).filter(|_| request.counter == 0);
    match base.or_else(first) {
        Some(expected) if expected != basetime => {
            Err(Error::of(field, ErrorKind::TimeMismatch { expected }, Rule::Rec9))
        }
        _ => Ok(()),
    }
}

/// REC-1: what answers no offer does not recur.
pub(super) fn check_none(tlvs: &TlvStream) -> Result<(), Error> {
    match FIELDS.iter().map(|Spec { field, .. }| *field).find(|field| tlvs.contains(field.number())) {
        Some(field) => Err(unexpected(field, Rule::Rec1)),
        None => Ok(()),
    }
}

/// Whether a request pays nothing, because it cancels (REC-11).
pub(super) fn cancels(tlvs: &TlvStream) -> bool {
    tlvs.contains(Field::INVREQ_RECURRENCE_CANCEL.number())
}

/// REC-7: what belongs to a subscription is not accepted as a single payment, for which nobody asks about the
/// payment before.
pub(super) fn check_single(tlvs: &TlvStream) -> Result<(), Error> {
    let field = Field::INVREQ_RECURRENCE_COUNTER;
    if tlvs.contains(field.number()) { Err(Error::of(field, ErrorKind::IsRecurring, Rule::Rec7)) } else { Ok(()) }
}

/// REC-3: a subscription is not paid for once.
pub(super) fn check_paid_once(tlvs: &TlvStream) -> Result<(), Error> {
    match Recurrence::of(tlvs) {
        Some(offer) if offer.is_compulsory => {
            Err(Error::of(Field::OFFER_RECURRENCE_COMPULSORY, ErrorKind::IsRecurring, Rule::Rec3))
        }
        _ => Ok(()),
    }
}

/// Whether a request may be for less than the price, because part of its period has ended (REC-8).
pub(super) fn is_proportional(tlvs: &TlvStream) -> bool {
    tlvs.contains(Field::INVREQ_RECURRENCE_COUNTER.number()) && base(tlvs).is_some_and(|base| base.proportional_amount)
}
