//! How much is read, and what is said about more.

/// How much of everything a document may have. The default takes every message of WinRM, PowerShell and IIS that is on record, many times over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Bytes of text.
    pub bytes: usize,
    /// Elements, texts, comments: roughly 50 bytes of memory each.
    pub nodes: u32,
    /// Elements inside each other.
    pub depth: usize,
    /// Attributes of one element, namespace declarations included.
    pub attributes: usize,
    /// Namespace declarations that are in force at one place.
    pub namespaces: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 4 * 1024 * 1024,
            nodes: 200_000,
            depth: 64,
            attributes: 128,
            namespaces: 64,
        }
    }
}

/// A text that is not read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// More of something than the limits allow.
    #[error("expected at most {limit} {what}, found more")]
    Excess {
        /// The limit.
        limit: usize,
        /// What is limited, in the plural.
        what: &'static str,
    },
    /// Not well-formed XML, or XML with a document type.
    #[error("expected well-formed XML without a document type, found {reason}")]
    NotXml {
        /// What the parser says, shortened: it may quote the document.
        reason: String,
    },
}
