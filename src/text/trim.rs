//! What surrounds a text that somebody pasted.

/// The text without what comes along when people copy: white space, quotation marks and byte order marks around it.
pub(crate) fn trim(pasted: &str) -> &str {
    pasted.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\u{feff}'))
}

/// What stands behind a URI's scheme, which ends in a colon and is in either case, and behind `//`; `None` if the text
/// starts otherwise.
pub(crate) fn behind_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then(|| rest.strip_prefix("//").unwrap_or(rest))
}

/// How many characters of a text stand before a part of it.
pub(crate) fn characters_before(text: &str, part: &str) -> usize {
    let at = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    text.get(..at).map_or(0, |before| before.chars().count())
}
