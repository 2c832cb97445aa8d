//! Whether a field that a proof does not show is hidden or was never there.

use super::PayerProof;
use super::leaves;
use crate::error::Field;

/// What a proof says about a field of the invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disclosure {
    /// The proof shows it.
    Disclosed,
    /// The invoice has it, and the proof does not show it.
    Hidden,
    /// The invoice does not have it.
    Absent,
    /// The proof cannot tell: some field is hidden where this one would stand.
    HiddenOrAbsent,
}

/// Fields that no invoice lacks (IVR-1), beside `invreq_metadata`.
const ALWAYS_PRESENT: [Field; 7] = [
    Field::INVREQ_PAYER_ID,
    Field::INVOICE_PATHS,
    Field::INVOICE_BLINDEDPAY,
    Field::INVOICE_CREATED_AT,
    Field::INVOICE_PAYMENT_HASH,
    Field::INVOICE_AMOUNT,
    Field::INVOICE_NODE_ID,
];

impl PayerProof {
    /// Whether a field of the invoice is disclosed, hidden, or absent.
    ///
    /// The proof says how many fields are hidden between two that are disclosed, but not which. So it can tell
    /// that a field is absent where nothing is hidden but what every invoice has, and that it is hidden where
    /// every invoice has it or where there is room for nothing else; otherwise it cannot tell.
    ///
    /// The payee's signature proves what is disclosed. Where something is hidden is what the payer says: the
    /// hash over two neighbours is the same whichever comes first (SIG-2), so a proof can show a hidden field on
    /// the other side of a disclosed one. [`verify`](Self::verify) does not fall for that.
    pub fn disclosure(&self, field: Field) -> Disclosure {
        let number = field.number();
        let tlvs = self.tlvs();
        if leaves::is_disclosable(number) && tlvs.contains(number) {
            return Disclosure::Disclosed;
        }
        if number == Field::INVREQ_METADATA.number() || ALWAYS_PRESENT.contains(&field) {
            return Disclosure::Hidden;
        }
        if !leaves::is_disclosable(number) {
            return Disclosure::Absent;
        }
        let disclosed = || leaves::disclosed(tlvs).map(|record| record.number());
        let before = disclosed().take_while(|disclosed| *disclosed < number).last().unwrap_or(0);
        let after = disclosed().find(|disclosed| *disclosed > number).unwrap_or(u64::MAX);
        let hidden = leaves::markers(tlvs).iter().filter(|marker| (before..after).contains(marker)).count() as u64;
        let known = always_present(before, after);
        match hidden.saturating_sub(known) {
            0 => Disclosure::Absent,
            others if others == room(before, after).saturating_sub(known) => Disclosure::Hidden,
            _ => Disclosure::HiddenOrAbsent,
        }
    }
}

/// How many fields every invoice has between two types.
pub(super) fn always_present(before: u64, after: u64) -> u64 {
    let between = |field: &&Field| before < field.number() && field.number() < after;
    ALWAYS_PRESENT.iter().filter(between).count() as u64
}

/// How many types of fields there are between two others.
fn room(before: u64, after: u64) -> u64 {
    let between = super::fields::DISCLOSABLE.iter().map(|range| {
        let (first, last) = (before.saturating_add(1).max(*range.start()), after.saturating_sub(1).min(*range.end()));
        if first > last { 0 } else { last.saturating_sub(first).saturating_add(1) }
    });
    between.fold(0, u64::saturating_add)
}
