//! The chain that holds the lines together: each line begins with a hash over the hash of the line before it and over its own bytes, so that a
//! line that was changed, taken out, put in or moved is found by whoever reads.
//!
//! It guards against accident and against silent correction. Who can write the file can also compute the whole chain anew, or cut lines off its
//! end: the head, noted elsewhere when the run ended, is what shows that.

use std::fmt;

use sha2::{Digest, Sha256};

/// How a line of an event begins; the hash's 64 hexadecimal digits follow.
const OPENING: &[u8] = b"{\"hash\":\"";

/// What stands between the hash and the rest of the line.
const CLOSING: &[u8] = b"\",";

/// Hexadecimal digits of a hash.
const DIGITS: usize = 64;

/// The hash that a line begins with: SHA-256. Displayed as its first twelve hexadecimal digits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChainHash(String);

impl ChainHash {
    /// How many digits are shown, and how many are needed at least to name one: 48 bits.
    pub const SHOWN: usize = 12;

    /// The header's: it begins the chain.
    pub(crate) fn of_header(header: &[u8]) -> Self {
        Self(hex(Sha256::digest(header.trim_ascii_end())))
    }

    /// The hash of the line that follows the one with this hash; `rest` is that line behind its own hash, without the newline.
    fn of_next(&self, rest: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0.as_bytes());
        hash.update(rest);
        Self(hex(hash.finalize()))
    }

    /// All 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `text` names this hash: at least the digits that are shown, in either case.
    pub fn is_named_by(&self, text: &str) -> bool {
        text.len() >= Self::SHOWN && self.0.starts_with(&text.to_ascii_lowercase())
    }

    /// Puts the next hash in front of an object's JSON. Gives the line, without a newline, and its hash.
    pub(crate) fn link(&self, object: &[u8]) -> (Vec<u8>, Self) {
        let rest = object.strip_prefix(b"{").unwrap_or(object);
        let hash = self.of_next(rest);
        let line = [OPENING, hash.0.as_bytes(), CLOSING, rest].concat();
        (line, hash)
    }

    /// The line's own hash, if it is the one that follows.
    pub(crate) fn follow(&self, line: &[u8]) -> Option<Self> {
        let (found, rest) = line.strip_prefix(OPENING)?.split_at_checked(DIGITS)?;
        let due = self.of_next(rest.strip_prefix(CLOSING)?);
        (due.0.as_bytes() == found).then_some(due)
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.get(..Self::SHOWN).unwrap_or(&self.0))
    }
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_follows_only_the_line_that_it_was_made_for() {
        let header = ChainHash::of_header(b"{\"casgate_journal\":2}\n");
        let (first, after_first) = header.link(br#"{"seq":0}"#);
        let (second, after_second) = after_first.link(br#"{"seq":1}"#);
        assert_eq!(header.follow(&first), Some(after_first.clone()));
        assert_eq!(after_first.follow(&second), Some(after_second.clone()));
        assert_eq!(header.follow(&second), None);
        assert_eq!(after_second.follow(&first), None);
        for short in 0..first.len() {
            assert_eq!(header.follow(&first[..short]), None, "{short} bytes of the line");
        }
    }

    #[test]
    fn a_hash_is_what_any_sha256_gives() {
        // printf '{"casgate_journal":2}' | sha256sum
        let header = ChainHash::of_header(b"{\"casgate_journal\":2}\n");
        assert_eq!(header.as_str(), HEADER);
        assert_eq!(header.to_string(), HEADER[..12]);
        assert!(header.is_named_by(&HEADER.to_ascii_uppercase()) && header.is_named_by(&HEADER[..12]));
        assert!(!header.is_named_by(&HEADER[..11]) && !header.is_named_by("0123456789ab"));
    }

    const HEADER: &str = "0b8007ae2e37c4ae71a25d7107f4e1bb7efa09ef9692481d80bf902eb13efa40";
}
