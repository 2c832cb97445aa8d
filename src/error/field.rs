//! The name of a TLV field, for errors and for people.

use core::fmt;

/// A TLV field: its type number, and its name where it has one.
///
/// Known fields are constants, for example [`Field::OFFER_AMOUNT`]; they are defined where the
/// field is read.
///
/// ```
/// use bolt12::Field;
/// assert_eq!(Field::OFFER_AMOUNT.number(), 8);
/// assert_eq!(Field::OFFER_AMOUNT.to_string(), "offer_amount");
/// assert_eq!(Field::numbered(33).to_string(), "33");
/// ```
#[derive(Clone, Copy)]
pub struct Field {
    number: u64,
    names: Option<(&'static str, &'static str)>,
}

impl Field {
    pub(crate) const fn known(number: u64, name: &'static str, label: &'static str) -> Self {
        Self { number, names: Some((name, label)) }
    }

    /// A field by its number alone. It has no name, even if the number is known, but equals the field that has.
    pub const fn numbered(number: u64) -> Self {
        Self { number, names: None }
    }

    /// The TLV type.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The specification's name, for example `offer_description`, if the field is known.
    pub fn name(&self) -> Option<&'static str> {
        self.names.map(|(name, _)| name)
    }

    /// What a person would call it, for example `description`, if the field is known.
    pub fn label(&self) -> Option<&'static str> {
        self.names.map(|(_, label)| label)
    }
}

/// Two fields are equal if their numbers are.
impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Field {}

impl PartialOrd for Field {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Field {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.number.cmp(&other.number)
    }
}

impl core::hash::Hash for Field {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

/// The specification's name, or the number of a field that has none.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.names {
            Some((name, _)) => f.write_str(name),
            None => self.number.fmt(f),
        }
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
