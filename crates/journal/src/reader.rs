//! Reading without the lock.

use std::io;
use std::path::{Path, PathBuf};

use rollout::{Event, Rollout};

use crate::chain::ChainHash;
use crate::error::Error;
use crate::line;

/// The file in a run's folder.
pub(crate) const FILE: &str = "journal.jsonl";

/// All events of a run, for whoever only looks: without the lock, also while another process writes. A torn tail is left out and left alone.
///
/// # Errors
/// [`Error::NoJournal`] and [`Error::NoHeader`] where nothing was begun, [`Error::Newer`] and [`Error::Older`] for another casgate's file, and
/// [`Error::Damaged`], [`Error::OutOfOrder`] or [`Error::Unlinked`] with the number of the line that is wrong.
pub fn read(folder: &Path) -> Result<Vec<Event>, Error> {
    let (bytes, path) = bytes_of(folder)?;
    Ok(line::parse(&bytes, &path)?.events)
}

/// What a check of a journal found, where all is well.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The events, each linked to the one before it.
    pub events: Vec<Event>,
    /// The state that they replay to.
    pub rollout: Rollout,
    /// The hash of the last whole line: what to compare with a note that was taken when the run ended.
    pub head: ChainHash,
    /// Bytes of a torn tail, which is left out.
    pub torn: u64,
}

/// Checks a run's journal without anything else: every line, the chain, and that the events are those of a run.
///
/// # Errors
/// As [`read`], and [`Error::NotARun`].
pub fn verify(folder: &Path) -> Result<Verified, Error> {
    let (bytes, path) = bytes_of(folder)?;
    let content = line::parse(&bytes, &path)?;
    let rollout = Rollout::replay(&content.events).map_err(|source| Error::NotARun { path, source })?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    Ok(Verified {
        events: content.events,
        rollout,
        head: content.head,
        torn: length.saturating_sub(content.sound),
    })
}

pub(crate) fn bytes_of(folder: &Path) -> Result<(Vec<u8>, PathBuf), Error> {
    let path = folder.join(FILE);
    match std::fs::read(&path) {
        Ok(bytes) => Ok((bytes, path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::NoJournal {
            folder: folder.to_owned(),
        }),
        Err(source) => Err(Error::Io {
            doing: "read",
            path,
            source,
        }),
    }
}
