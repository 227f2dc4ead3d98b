//! Reading without the lock.

use std::io;
use std::path::{Path, PathBuf};

use rollout::Event;

use crate::error::Error;
use crate::line;

/// The file in a run's folder.
pub(crate) const FILE: &str = "journal.jsonl";

/// All events of a run, for whoever only looks: without the lock, also while another process writes. A torn tail is left out and left alone.
///
/// # Errors
/// [`Error::NoJournal`] and [`Error::NoHeader`] where nothing was begun, [`Error::Newer`] for a newer casgate's file, and [`Error::Damaged`] or
/// [`Error::OutOfOrder`] with the number of the line that is wrong.
pub fn read(folder: &Path) -> Result<Vec<Event>, Error> {
    let (bytes, path) = bytes_of(folder)?;
    Ok(line::parse(&bytes, &path)?.events)
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
