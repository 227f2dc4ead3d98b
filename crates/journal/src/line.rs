//! The file's lines: a header, then events. Pure; the tail that a crash may have torn is recognised here.

use std::path::Path;

use rollout::Event;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use crate::error::Error;

/// The format that is written, and the newest that can be read. A reader of format 1 ignores fields that it does not know; anything that it must
/// not ignore makes a new format.
pub const FORMAT: u64 = 1;

/// Longest beginning of a foreign first line that is shown in an error.
const SHOWN: usize = 60;

#[derive(Deserialize, Serialize)]
struct Header {
    casgate_journal: u64,
}

/// What a file holds.
pub(crate) struct Content {
    pub(crate) events: Vec<Event>,
    /// Length in bytes up to the end of the last whole line; what follows is a torn tail.
    pub(crate) sound: u64,
}

/// The first line.
pub(crate) fn header() -> Result<Vec<u8>, serde_json::Error> {
    write(&Header {
        casgate_journal: FORMAT,
    })
}

/// One line with its newline.
pub(crate) fn write<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// Reads a whole file. The last line is dropped when it has no newline or is no JSON: its event was never acknowledged, so nobody acted upon it.
pub(crate) fn parse(bytes: &[u8], path: &Path) -> Result<Content, Error> {
    let mut lines = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .enumerate()
        .peekable();
    let Some((_, first)) = lines.next() else {
        return Err(Error::NoHeader {
            path: path.to_owned(),
        });
    };
    check_header(first, path)?;

    let mut content = Content {
        events: Vec::new(),
        sound: length(first),
    };
    while let Some((number, line)) = lines.next() {
        let is_last = lines.peek().is_none();
        if is_last && !line.ends_with(b"\n") {
            break;
        }
        let event: Event = match serde_json::from_slice(line.trim_ascii_end()) {
            Ok(event) => event,
            // Half a line, or blocks that a crash left empty. JSON that is whole but means nothing here is another thing: somebody wrote it.
            Err(error) if is_last && error.classify() != Category::Data => break,
            Err(source) => {
                return Err(Error::Damaged {
                    path: path.to_owned(),
                    line: number + 1,
                    source,
                });
            }
        };
        let expected = u64::try_from(content.events.len()).unwrap_or(u64::MAX);
        if event.seq != expected {
            let found = event.seq;
            return Err(Error::OutOfOrder {
                path: path.to_owned(),
                line: number + 1,
                expected,
                found,
            });
        }
        content.events.push(event);
        content.sound += length(line);
    }
    Ok(content)
}

fn check_header(line: &[u8], path: &Path) -> Result<(), Error> {
    if let Ok(header) = serde_json::from_slice::<Header>(line)
        && line.ends_with(b"\n")
    {
        return match header.casgate_journal {
            FORMAT => Ok(()),
            found if found > FORMAT => Err(Error::Newer {
                path: path.to_owned(),
                found,
                supported: FORMAT,
            }),
            _ => Err(not_a_journal(line, path)),
        };
    }
    let is_torn = header().is_ok_and(|whole| whole.starts_with(line));
    if is_torn {
        return Err(Error::NoHeader {
            path: path.to_owned(),
        });
    }
    Err(not_a_journal(line, path))
}

fn not_a_journal(line: &[u8], path: &Path) -> Error {
    let found = String::from_utf8_lossy(line)
        .trim_end()
        .chars()
        .take(SHOWN)
        .collect();
    Error::NotAJournal {
        path: path.to_owned(),
        found,
    }
}

fn length(line: &[u8]) -> u64 {
    u64::try_from(line.len()).unwrap_or(u64::MAX)
}
