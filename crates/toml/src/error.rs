//! What is wrong with a text.

use std::fmt;
use std::ops::Range;

/// Why a text can't be read, or a value not be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    message: String,
    span: Option<Range<usize>>,
    key: Option<String>,
}

/// What numbers are called in Rust, and in words.
const TYPES: [(&str, &str); 5] = [
    ("expected u32", "expected a whole number, 0 or more"),
    ("expected u64", "expected a whole number, 0 or more"),
    ("expected usize", "expected a whole number, 0 or more"),
    ("expected f64", "expected a number"),
    ("expected a boolean", "expected true or false"),
];

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), span: None, key: None }
    }

    /// The same error at a place, unless it has one already.
    pub(crate) fn at(mut self, span: &Range<usize>) -> Self {
        // Tables that no text was read for lie nowhere.
        if self.span.is_none() && !span.is_empty() {
            self.span = Some(span.clone());
        }
        self
    }

    /// The same error in a key's value, unless one within that is known.
    pub(crate) fn of(mut self, key: String) -> Self {
        self.key.get_or_insert(key);
        self
    }

    /// What is wrong in words, on one line, with the key whose value is of a wrong kind.
    pub fn explanation(&self) -> String {
        let message = self.message.trim().replace('\n', " ");
        let message = TYPES.iter().fold(message, |message, (name, words)| match message.strip_suffix(name) {
            Some(start) => format!("{start}{words}"),
            None => message,
        });
        match &self.key {
            Some(key) if message.starts_with("invalid ") => format!("`{key}`: {message}"),
            _ => message,
        }
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The bytes of the text where it was noticed, where that is known.
    pub fn span(&self) -> Option<Range<usize>> {
        self.span.clone()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}

impl serde::ser::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}
