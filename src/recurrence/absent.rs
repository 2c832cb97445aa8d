//! What the rest of the crate asks of recurrence, where the feature is off: the fields are unknown (TLV-4), and no
//! rule is about them.

use crate::error::Error;
use crate::field::Spec;
use crate::tlv::TlvStream;

pub(crate) static FIELDS: &[Spec] = &[];

pub(crate) const fn check_offer(_: &TlvStream) -> Result<(), Error> {
    Ok(())
}

pub(crate) const fn check_request(_: &TlvStream) -> Result<(), Error> {
    Ok(())
}

pub(crate) const fn check_invoice(_: &TlvStream) -> Result<(), Error> {
    Ok(())
}

pub(crate) const fn check_none(_: &TlvStream) -> Result<(), Error> {
    Ok(())
}

pub(crate) const fn check_single(_: &TlvStream) -> Result<(), Error> {
    Ok(())
}

pub(crate) const fn check_paid_once(_: &TlvStream) -> Result<(), Error> {
    Ok(())
}

pub(crate) const fn cancels(_: &TlvStream) -> bool {
    false
}

pub(crate) const fn is_proportional(_: &TlvStream) -> bool {
    false
}
