//! What can be wrong with a message.

/// A message that could not be written or read. A SOAP fault is not an error here: it is a
/// [`Response::Fault`](crate::Response::Fault).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// XML 1.0 has no way to write this character, not even escaped: it must be kept out of the message.
    #[error("{place} holds the character U+{character:04X}, which XML cannot carry")]
    ForbiddenCharacter {
        /// Where it stands, e.g. `rsp:Command`.
        place: String,
        /// The code point.
        character: u32,
    },
    /// The writer failed.
    #[error("the message could not be written")]
    Write {
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// More bytes than a message may have.
    #[error("expected a message of at most {limit} bytes, found {found}")]
    TooLarge {
        /// The most that is read.
        limit: usize,
        /// The size of the message.
        found: usize,
    },
    /// Not text in UTF-8.
    #[error("expected text in UTF-8")]
    NotUtf8 {
        /// Where it went wrong.
        #[source]
        source: std::str::Utf8Error,
    },
    /// Not well-formed XML, XML with a document type, or more of something than a message has.
    #[error("expected a message in XML")]
    NotXml {
        /// Where it went wrong.
        #[source]
        source: markup::Error,
    },
    /// XML, but not the message that it should be.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The reply belongs to another request.
    #[error("expected a reply to message `{expected}`, found one to {}", quoted(.found.as_deref()))]
    OtherMessage {
        /// The message that was sent.
        expected: String,
        /// What `RelatesTo` says, if anything.
        found: Option<String>,
    },
}

/// A name in backquotes, or `nothing`.
fn quoted(text: Option<&str>) -> String {
    text.map_or_else(|| "no message at all".to_owned(), |text| format!("`{text}`"))
}

impl Error {
    /// Shorthand. Both may quote the peer, at any length.
    pub(crate) fn unexpected(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Unexpected {
            expected: shortened(expected.into()),
            found: shortened(found.into()),
        }
    }
}

/// What is shown of a text that the peer chose: its beginning, without characters that a terminal obeys or that XML cannot carry.
pub(crate) fn shortened(text: String) -> String {
    const LONGEST: usize = 300;
    let shown = |c: char| match c {
        '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    let end = text.floor_char_boundary(LONGEST);
    let (head, tail) = text.split_at(end);
    let mut short: String = head.chars().map(shown).collect();
    if !tail.is_empty() {
        short.push('…');
    }
    short
}
