//! What builders share.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::tlv::CustomField;
use crate::units::Msat;

/// Fields that the caller adds by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct CustomFields(Vec<CustomField>);

impl CustomFields {
    pub(crate) fn add(&mut self, number: u64, value: Vec<u8>) {
        self.0.push((number, value));
    }

    /// Fields that stand for one thing together, in place of those of a table, in a range.
    #[cfg(any(feature = "recurrence", feature = "contacts"))]
    pub(crate) fn replace(
        &mut self,
        table: &'static [crate::field::Spec],
        range: &RangeInclusive<u64>,
        fields: impl IntoIterator<Item = CustomField>,
    ) {
        let is_known = |number| crate::field::find(&[table], number).is_some();
        self.0.retain(|(number, _)| !(range.contains(number) && is_known(*number)));
        self.0.extend(fields);
    }

    /// Whether a field was added.
    #[cfg(feature = "contacts")]
    pub(crate) fn contains(&self, number: u64) -> bool {
        self.0.iter().any(|(added, _)| *added == number)
    }

    /// The fields in ascending order, if all of them lie in the message's experimental range (TLV-5).
    pub(crate) fn sorted(&mut self, range: RangeInclusive<u64>) -> Result<&[CustomField], Error> {
        if let Some((number, _)) = self.0.iter().find(|(number, _)| !range.contains(number)) {
            return Err(Error::of(Field::numbered(*number), ErrorKind::OutOfRange, Rule::Tlv5));
        }
        self.0.sort_by_key(|(number, _)| *number);
        Ok(&self.0)
    }
}

/// Refuses an amount of zero, or of more bitcoin than there is (D3).
pub(crate) fn check_amount(amount: Msat, field: Field, rule: Rule) -> Result<(), Error> {
    if amount.0 == 0 {
        return Err(Error::of(field, ErrorKind::Zero, rule));
    }
    if amount > Msat::MAX_MONEY {
        return Err(Error::of(field, ErrorKind::AmountTooHigh { max: Msat::MAX_MONEY }, Rule::D3));
    }
    Ok(())
}

/// RQW-6: the metadata of a request cannot be guessed.
pub(crate) fn check_metadata(metadata: &[u8]) -> Result<(), Error> {
    if metadata.len() < 16 {
        return Err(Error::of(Field::INVREQ_METADATA, ErrorKind::TooShort { min: 16 }, Rule::Rqw6));
    }
    Ok(())
}

/// Completes metadata of 32 bytes, which stand at the start of a request that is not signed: the second half
/// becomes a MAC over every record that follows.
pub(crate) fn seal(bytes: &mut [u8], mac: impl FnOnce(&[u8]) -> [u8; 16]) {
    // Type and length take a byte each.
    let Some((start, records)) = bytes.split_at_mut_checked(2 + 32) else { return };
    if let Some(end) = start.last_chunk_mut() {
        *end = mac(records);
    }
}
