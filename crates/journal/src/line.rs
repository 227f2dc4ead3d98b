//! The file's lines: a header, then events, each linked to the line before it. Pure; the tail that a crash may have torn is recognised here.

use std::path::Path;

use rollout::Event;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use crate::chain::ChainHash;
use crate::error::Error;

/// The format that is written, and the only one that is read. A reader ignores fields that it does not know; anything that it must not ignore
/// makes a new format. Format 1 had no chain.
pub const FORMAT: u64 = 2;

/// Longest beginning of a foreign first line that is shown in an error.
const SHOWN: usize = 60;

#[derive(Deserialize, Serialize)]
struct Header {
    casgate_journal: u64,
}

/// What a file holds.
pub(crate) struct Content {
    pub(crate) events: Vec<Event>,
    /// The hash of the last whole line.
    pub(crate) head: ChainHash,
    /// Length in bytes up to the end of the last whole line; what follows is a torn tail.
    pub(crate) sound: u64,
}

/// The first line with its newline, and the hash with which the chain begins.
pub(crate) fn header() -> Result<(Vec<u8>, ChainHash), serde_json::Error> {
    let mut line = serde_json::to_vec(&Header {
        casgate_journal: FORMAT,
    })?;
    let head = ChainHash::of_header(&line);
    line.push(b'\n');
    Ok((line, head))
}

/// An event's line with its newline, linked to the line before it, and its own hash.
pub(crate) fn write(before: &ChainHash, event: &Event) -> Result<(Vec<u8>, ChainHash), serde_json::Error> {
    let (mut line, head) = before.link(&serde_json::to_vec(event)?);
    line.push(b'\n');
    Ok((line, head))
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
        head: ChainHash::of_header(first),
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
        content.head = content
            .head
            .follow(line.trim_ascii_end())
            .ok_or_else(|| Error::Unlinked {
                path: path.to_owned(),
                line: number + 1,
            })?;
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
            0 => Err(not_a_journal(line, path)),
            found => Err(Error::Older {
                path: path.to_owned(),
                found,
                supported: FORMAT,
            }),
        };
    }
    let is_torn = header().is_ok_and(|(whole, _)| whole.starts_with(line));
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
