//! Words of which the sentences of errors are made.

use core::fmt;

use super::Field;

/// "the description", "field 33", or "it".
pub(super) struct Subject<'a>(pub(super) Option<&'a Field>);

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(field) => match field.label() {
                Some(label) => write!(f, "the {label}"),
                None => write!(f, "field {}", field.number()),
            },
            None => f.write_str("a field"),
        }
    }
}

/// "the character 'ü' (U+00FC)": one that looks like another, or like nothing, is told by its number.
pub(super) struct Letter(pub(super) char);

impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (letter, number) = (self.0, u32::from(self.0));
        match letter.is_ascii_graphic() || letter == ' ' {
            true => write!(f, "the character '{letter}'"),
            false if letter.escape_debug().count() == 1 => write!(f, "the character '{letter}' (U+{number:04X})"),
            false => write!(f, "the invisible character U+{number:04X}"),
        }
    }
}

/// " (column 7)" where the column is known.
pub(super) struct Column(pub(super) Option<usize>);

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |column| write!(f, " in column {column}"))
    }
}

/// " from column 7 on" where the column is known.
pub(super) struct FromColumn(pub(super) Option<usize>);

impl fmt::Display for FromColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |column| write!(f, " from column {column} on"))
    }
}
