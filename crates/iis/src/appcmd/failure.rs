//! How appcmd fails.

use std::fmt;

use command::Output;

use crate::error::{complaint, excerpt, one_line, shortened};

/// The most bytes of appcmd's words that are kept. The longest message on record has a tenth of them.
const LONGEST_MESSAGE: usize = 4000;

/// What went wrong, as far as it matters to what happens next.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AppcmdErrorKind {
    /// An entry with this key is there already (183), perhaps with the other decision.
    Duplicate,
    /// An entry to be removed is not there (4312).
    Missing,
    /// No site, application, pool or backup of this name (1168).
    UnknownObject,
    /// Somebody else wrote applicationHost.config meanwhile, or is writing it (32, a sharing violation): read again, plan again, try again. Which
    /// exit code comes with the sentence about the changed file is not on record.
    FileChangedOnDisk,
    /// Not an administrator, or not elevated (5, 740).
    AccessDenied,
    /// The section may not be written at this level (33, 0x80070021).
    Locked,
    /// The schema has no such attribute: an older IIS.
    UnknownAttribute,
    /// appcmd ended well, but what it wrote cannot be read.
    Unreadable,
    /// Anything else.
    Other,
}

impl AppcmdErrorKind {
    /// Whether the section may have been another one than a change was planned for, so that reading it again tells what to do. An error of which
    /// neither code nor words are known is among them: that the file has changed on disk is on record in English and without its exit code.
    pub fn is_settled_by_reading(self) -> bool {
        match self {
            Self::FileChangedOnDisk | Self::Duplicate | Self::Missing | Self::Other => true,
            Self::UnknownObject
            | Self::AccessDenied
            | Self::Locked
            | Self::UnknownAttribute
            | Self::Unreadable => false,
        }
    }
}

impl fmt::Display for AppcmdErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Duplicate => "duplicate entry",
            Self::Missing => "missing entry",
            Self::UnknownObject => "unknown object",
            Self::FileChangedOnDisk => "file changed on disk",
            Self::AccessDenied => "access denied",
            Self::Locked => "locked section",
            Self::UnknownAttribute => "unknown attribute",
            Self::Unreadable => "unreadable output",
            Self::Other => "error",
        })
    }
}

/// appcmd failed, or cannot be understood.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("appcmd ended with {exit_code} ({kind}): {message}")]
pub struct AppcmdError {
    /// Its exit code: the Win32 error, for most failures.
    pub exit_code: u32,
    /// The HRESULT, where the message names one.
    pub hresult: Option<u32>,
    /// Its words, in the language of the server; line breaks became blanks.
    pub message: String,
    /// What went wrong.
    pub kind: AppcmdErrorKind,
}

impl AppcmdError {
    /// The failure that an output tells of; `None` when the command succeeded: exit code 0 and no `ERROR (…)`.
    pub fn of(output: &Output) -> Option<Self> {
        let stdout = output.stdout_text();
        let said = ErrorText::read(&stdout);
        if output.exit_code == 0 && said.is_none() {
            return None;
        }
        let hresult = said.as_ref().and_then(|said| said.hresult);
        let message = said.map_or_else(|| complaint(output), |said| one_line(said.message));
        let kind = kind(output.exit_code, hresult, &message);
        Some(Self {
            exit_code: output.exit_code,
            hresult,
            message: match message.len() > LONGEST_MESSAGE {
                true => shortened(&message, LONGEST_MESSAGE),
                false => message,
            },
            kind,
        })
    }

    /// A well ended command whose output is not what was expected.
    pub(crate) fn unreadable(expected: &str, found: &str) -> Self {
        Self {
            exit_code: 0,
            hresult: None,
            message: format!("expected {expected}, found {}", excerpt(found)),
            kind: AppcmdErrorKind::Unreadable,
        }
    }
}

/// The parser of commands that only succeed or fail.
pub(crate) fn succeeded(output: &Output) -> Result<(), AppcmdError> {
    AppcmdError::of(output).map_or(Ok(()), Err)
}

/// The exit code decides, then the HRESULT; words are asked last, and only for what has no code of its own on record.
fn kind(exit_code: u32, hresult: Option<u32>, message: &str) -> AppcmdErrorKind {
    [Some(exit_code), hresult]
        .into_iter()
        .flatten()
        .find_map(|code| of_code(code, message))
        .unwrap_or_else(|| of_words(message))
}

fn of_code(code: u32, message: &str) -> Option<AppcmdErrorKind> {
    // An HRESULT of FACILITY_WIN32 holds the Win32 error in its low word.
    let code = if code & 0xFFFF_0000 == 0x8007_0000 {
        code & 0xFFFF
    } else {
        code
    };
    Some(match code {
        183 => AppcmdErrorKind::Duplicate,
        4312 => AppcmdErrorKind::Missing,
        // The same code is on record for a token without rights, which cannot read redirection.config; the file's name is not translated.
        1168 if message.contains("redirection.config") => AppcmdErrorKind::AccessDenied,
        1168 => AppcmdErrorKind::UnknownObject,
        5 | 740 => AppcmdErrorKind::AccessDenied,
        32 => AppcmdErrorKind::FileChangedOnDisk,
        33 => AppcmdErrorKind::Locked,
        _ => return None,
    })
}

fn of_words(message: &str) -> AppcmdErrorKind {
    const HINTS: [(&str, AppcmdErrorKind); 10] = [
        ("file has changed on disk", AppcmdErrorKind::FileChangedOnDisk),
        ("redirection.config", AppcmdErrorKind::AccessDenied),
        ("insufficient permissions", AppcmdErrorKind::AccessDenied),
        (
            "Cannot add duplicate collection entry",
            AppcmdErrorKind::Duplicate,
        ),
        (
            "Failed to add duplicate collection element",
            AppcmdErrorKind::Duplicate,
        ),
        (
            "Cannot find requested collection element",
            AppcmdErrorKind::Missing,
        ),
        ("Unknown attribute", AppcmdErrorKind::UnknownAttribute),
        ("section is locked", AppcmdErrorKind::Locked),
        ("overrideMode", AppcmdErrorKind::Locked),
        ("object with identifier", AppcmdErrorKind::UnknownObject),
    ];
    HINTS
        .iter()
        .find(|(words, _)| message.contains(words))
        .map_or(AppcmdErrorKind::Other, |(_, kind)| *kind)
}

/// `ERROR ( message:… )`, perhaps with `hresult:8007000d, ` in front and with line breaks inside.
struct ErrorText<'a> {
    hresult: Option<u32>,
    message: &'a str,
}

impl<'a> ErrorText<'a> {
    fn read(stdout: &'a str) -> Option<Self> {
        // It may come after lines about what went well, always at the start of one.
        let starts_line = |at: usize| {
            stdout[..at]
                .trim_end_matches([' ', '\t'])
                .chars()
                .next_back()
                .is_none_or(|c| c == '\n')
        };
        let rest = stdout
            .match_indices("ERROR")
            .filter(|(at, _)| starts_line(*at))
            .find_map(|(at, word)| {
                let rest = stdout[at + word.len()..].trim_start();
                rest.strip_prefix('(')
            })?;
        let inner = rest.trim_end().strip_suffix(')').unwrap_or(rest).trim();
        let code = inner
            .strip_prefix("hresult:")
            .and_then(|text| text.split_at_checked(8));
        let code = code.and_then(|(digits, after)| Some((u32::from_str_radix(digits, 16).ok()?, after)));
        let (hresult, inner) = match code {
            Some((hresult, after)) => (Some(hresult), after.trim_start_matches([',', ' ', '\t'])),
            None => (None, inner),
        };
        Some(Self {
            hresult,
            message: inner.strip_prefix("message:").unwrap_or(inner),
        })
    }
}

#[cfg(test)]
mod tests;
