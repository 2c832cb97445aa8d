//! Why there is no invoice.

use bolt12::Error;

/// Why there is no invoice: in which of the cases it is, and a sentence.
#[derive(Debug)]
pub(crate) struct Failure {
    code: &'static str,
    text: String,
}

impl Failure {
    /// The case. `misuse` is a mistake in the command.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// The sentence.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    pub(crate) fn misuse(text: impl Into<String>) -> Self {
        Self::new("misuse", text)
    }

    pub(crate) fn of(error: &Error) -> Self {
        Self::new(error.kind().code(), error.to_string())
    }
}
