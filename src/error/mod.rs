//! One error type for the whole crate: what is wrong, where, which rule says so, and a sentence
//! for a person.

mod field;
mod kind;
mod link;
mod looks;
mod reason;
mod rule;
#[cfg(all(feature = "async_payments", feature = "onion"))]
mod serving;
mod stage;
mod words;

pub use field::Field;
pub use kind::ErrorKind;
pub use link::LinkFault;
pub use looks::{LooksLike, MessageKind};
pub use rule::Rule;
#[cfg(all(feature = "async_payments", feature = "onion"))]
pub use serving::ServingFault;
pub use stage::Stage;

use core::fmt;

/// Why something was refused.
///
/// `Display` gives a sentence that can be shown to a person. The alternate form (`{:#}`) adds what
/// a developer wants to know: the field, its TLV type, the byte offset or column, and the rule.
///
/// ```
/// use bolt12::{ErrorKind, Field, Offer, Rule};
///
/// // An offer for 10 msat that does not say what it is for.
/// let error = Offer::try_from(vec![8, 1, 10]).unwrap_err();
/// assert_eq!(error.kind(), &ErrorKind::Missing);
/// assert_eq!(error.field(), Some(Field::OFFER_DESCRIPTION));
/// assert_eq!(error.rule(), Rule::Ofr4);
/// assert_eq!(
///     error.to_string(),
///     "the description is missing: an offer with an amount says what it is for"
/// );
/// assert_eq!(
///     format!("{error:#}"),
///     "the description is missing: an offer with an amount says what it is for \
///      (offer_description, TLV 10, rule OFR-4)"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Error {
    kind: ErrorKind,
    rule: Rule,
    field: Option<Field>,
    offset: Option<usize>,
    column: Option<usize>,
}

impl Error {
    pub(crate) const fn new(kind: ErrorKind, rule: Rule) -> Self {
        Self { kind, rule, field: None, offset: None, column: None }
    }

    /// An error about a field as a whole.
    pub(crate) const fn of(field: Field, kind: ErrorKind, rule: Rule) -> Self {
        Self { kind, rule, field: Some(field), offset: None, column: None }
    }

    pub(crate) const fn missing(field: Field, rule: Rule) -> Self {
        Self::of(field, ErrorKind::Missing, rule)
    }

    #[must_use]
    pub(crate) fn at(mut self, offset: usize) -> Self {
        self.offset = Some(offset);
        self
    }

    #[must_use]
    pub(crate) fn against(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    /// Moves an offset that counts from the start of a value to where the value starts.
    #[must_use]
    pub(crate) fn within(self, start: usize) -> Self {
        let offset = start.saturating_add(self.offset.unwrap_or(0));
        self.at(offset)
    }

    #[must_use]
    pub(crate) fn in_column(mut self, column: usize) -> Self {
        self.column = Some(column);
        self
    }

    #[must_use]
    pub(crate) fn in_field(mut self, field: Field) -> Self {
        self.field = Some(field);
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The rule that was broken.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// The field that is to blame (the one that is absent, if one is missing).
    pub fn field(&self) -> Option<Field> {
        self.field
    }

    /// Where in the message's bytes, counted from 0, if the fault has a place.
    pub fn offset(&self) -> Option<usize> {
        self.offset
    }

    /// Where in the text that was read, in characters counted from 1, continuations (`+`) and
    /// white space included. Only set if text was read.
    pub fn column(&self) -> Option<usize> {
        self.column
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.sentence(self.field.as_ref(), self.column, f)?;
        if self.kind.wants_reason() {
            write!(f, ": {}", self.rule.reason())?;
        }
        // The text has no checksum: what does not even hold together was hardly meant so.
        if self.column.is_some() && matches!(self.rule, Rule::Tlv1 | Rule::Tlv2 | Rule::Tlv6) {
            f.write_str("; the text may be damaged")?;
        }
        if f.alternate() {
            f.write_str(" (")?;
            if let Some(field) = &self.field {
                match field.name() {
                    Some(name) => write!(f, "{name}, TLV {}, ", field.number())?,
                    None => write!(f, "TLV {}, ", field.number())?,
                }
            }
            if let Some(offset) = self.offset {
                write!(f, "byte {offset}, ")?;
            }
            if let Some(column) = self.column {
                write!(f, "column {column}, ")?;
            }
            write!(f, "rule {})", self.rule)?;
        }
        Ok(())
    }
}

impl core::error::Error for Error {}

/// For logs and for other languages: what is wrong as a [code](ErrorKind::code), the rule's [id](Rule::id), the field's
/// name (or number, if it has none), the offset, the column, and the sentence. What is not known is null. An error
/// cannot be read back: nobody but this crate finds one.
///
/// ```
/// let error = bolt12::Offer::try_from(vec![8, 1, 10]).unwrap_err();
/// assert_eq!(
///     serde_json::to_value(&error)?,
///     serde_json::json!({
///         "code": "missing",
///         "rule": "OFR-4",
///         "field": "offer_description",
///         "offset": null,
///         "column": null,
///         "sentence": "the description is missing: an offer with an amount says what it is for",
///     })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[cfg(feature = "serde")]
impl serde::Serialize for Error {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use alloc::string::ToString;
        use serde::ser::SerializeStruct;

        let mut object = serializer.serialize_struct("Error", 6)?;
        object.serialize_field("code", self.kind.code())?;
        object.serialize_field("rule", self.rule.id())?;
        object.serialize_field("field", &self.field.map(|field| field.to_string()))?;
        object.serialize_field("offset", &self.offset)?;
        object.serialize_field("column", &self.column)?;
        object.serialize_field("sentence", &self.to_string())?;
        object.end()
    }
}
