//! Walking over the entries of a field that holds several.

use core::fmt;

use super::Cursor;
use crate::error::Error;

/// The entries of a field, in its order: what [`BlindedPaths`](crate::BlindedPaths), [`PayInfos`](crate::PayInfos),
/// [`Chains`](crate::Chains) and [`Fallbacks`](crate::Fallbacks) are iterated by. Each step reads one entry.
#[must_use]
pub struct Entries<'a, T> {
    cursor: Cursor<'a>,
    read: fn(&mut Cursor<'a>) -> Result<T, Error>,
}

impl<'a, T> Entries<'a, T> {
    /// The entries of a value that was checked before.
    pub(super) fn new(value: &'a [u8], read: fn(&mut Cursor<'a>) -> Result<T, Error>) -> Self {
        Self { cursor: Cursor::new(value), read }
    }
}

impl<T> Iterator for Entries<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if self.cursor.is_at_end() { None } else { (self.read)(&mut self.cursor).ok() }
    }
}

impl<T> core::iter::FusedIterator for Entries<'_, T> {}

impl<T> Clone for Entries<'_, T> {
    fn clone(&self) -> Self {
        Self { cursor: self.cursor.clone(), read: self.read }
    }
}

/// What is still to come.
impl<T: fmt::Debug> fmt::Debug for Entries<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// `for` loops over a list, and over a reference to one.
macro_rules! into_entries {
    ($list:ident, $entry:ty) => {
        impl<'a> IntoIterator for $list<'a> {
            type Item = $entry;
            type IntoIter = crate::field::Entries<'a, $entry>;

            fn into_iter(self) -> Self::IntoIter {
                self.iter()
            }
        }

        impl<'a> IntoIterator for &$list<'a> {
            type Item = $entry;
            type IntoIter = crate::field::Entries<'a, $entry>;

            fn into_iter(self) -> Self::IntoIter {
                self.iter()
            }
        }
    };
}
pub(crate) use into_entries;
