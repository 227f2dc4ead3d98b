//! What can be wrong with a command line.

/// A command line that cannot be built or cannot be taken apart.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// cmd.exe takes no line as long as this.
    #[error("command line of {length} UTF-16 units, but cmd.exe takes {limit} at most")]
    TooLong {
        /// Length in UTF-16 units.
        length: usize,
        /// The limit in UTF-16 units.
        limit: usize,
    },
    /// A character that no command line can carry (a line break, NUL) or that has no place in it.
    #[error("character {character:?} at position {position} cannot stand in {place}")]
    Unspeakable {
        /// The character.
        character: char,
        /// Its position, counted in characters from 0.
        position: usize,
        /// Where it was found, e.g. `a command line`.
        place: &'static str,
    },
    /// No program, or a line without a command.
    #[error("expected a command, found nothing")]
    Empty,
    /// Something that the inverse of cmd.exe does not imitate: a pipe, a block, a redirection into a file.
    #[error("{feature} is not supported here: `{line}`")]
    Unsupported {
        /// What was found.
        feature: &'static str,
        /// The whole line.
        line: String,
    },
    /// What cmd.exe itself refuses.
    #[error("expected a command, found `{found}`: `{line}`")]
    Syntax {
        /// The token that is out of place.
        found: String,
        /// The whole line.
        line: String,
    },
    /// The text after `-EncodedCommand` is not base64.
    #[error("expected base64 of a UTF-16 script")]
    NotBase64 {
        /// Why.
        #[source]
        source: base64::DecodeError,
    },
    /// The text after `-EncodedCommand` is not UTF-16.
    #[error("expected base64 of a UTF-16 script, found {length} bytes that are not UTF-16")]
    NotUtf16 {
        /// Length of the decoded bytes.
        length: usize,
    },
    /// A script that came through standard input is not UTF-8.
    #[error("expected base64 of a UTF-8 script")]
    NotUtf8 {
        /// Why.
        #[source]
        source: std::str::Utf8Error,
    },
    /// The receiving side of an upload has other bytes than were sent.
    #[error("expected SHA-256 {expected} of {expected_length} bytes, found {found} of {found_length}")]
    UploadDiffers {
        /// SHA-256 of what was sent.
        expected: String,
        /// Length of what was sent.
        expected_length: u64,
        /// SHA-256 of what the server has.
        found: String,
        /// Length of what the server has.
        found_length: u64,
    },
    /// The receiving side of an upload failed.
    #[error("the upload failed with exit code {exit_code}: {}", .said.escape_debug())]
    UploadFailed {
        /// Its exit code.
        exit_code: u32,
        /// What it wrote, on one line.
        said: String,
    },
}
