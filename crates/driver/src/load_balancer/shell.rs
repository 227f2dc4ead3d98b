//! Lines for a person's shell.

/// A word between quotation marks, so that a POSIX shell takes it as it is.
pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
