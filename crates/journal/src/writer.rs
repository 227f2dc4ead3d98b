//! The one writer: append, sync, and only then is it a fact.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rollout::{Commit, CommitError, Event, EventKind};

use crate::chain::ChainHash;
use crate::error::Error;
use crate::line;
use crate::lock::{Holder, Lock};
use crate::reader::{self, FILE};

/// A run's journal, open for writing. Holds the run's lock until it is dropped.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    next: u64,
    /// The hash of the last line.
    head: ChainHash,
    /// A write failed: the file may end in half a line.
    is_poisoned: bool,
    _lock: Lock,
}

impl Journal {
    /// Makes a new run's folder with an empty journal, on disk when this returns.
    ///
    /// # Errors
    /// [`Error::Exists`] when the folder has a journal already; [`Error::Held`] when another process is making it at this moment.
    pub fn create(folder: &Path, holder: &Holder) -> Result<Self, Error> {
        std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let lock = Lock::take(folder, holder)?;
        let path = folder.join(FILE);
        let mut file = match OpenOptions::new().append(true).create_new(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(Error::Exists {
                    folder: folder.to_owned(),
                });
            }
            Err(source) => {
                return Err(Error::Io {
                    doing: "create",
                    path,
                    source,
                });
            }
        };
        let (header, head) = line::header().map_err(|source| Error::Unwritable { seq: 0, source })?;
        file.write_all(&header)
            .and_then(|()| file.sync_all())
            .map_err(Error::io("write", &path))?;
        sync_folder(folder)?;
        if let Some(parent) = folder.parent() {
            sync_folder(parent)?;
        }
        Ok(Self {
            file,
            path,
            next: 0,
            head,
            is_poisoned: false,
            _lock: lock,
        })
    }

    /// Opens a run to go on with it: its events, and the journal behind the last of them. A torn tail is cut off on disk.
    ///
    /// # Errors
    /// [`Error::Held`] when another process writes it; otherwise as [`read`](crate::read).
    pub fn open(folder: &Path, holder: &Holder) -> Result<(Vec<Event>, Self), Error> {
        if !folder.join(FILE).is_file() {
            return Err(Error::NoJournal {
                folder: folder.to_owned(),
            });
        }
        let lock = Lock::take(folder, holder)?;
        let (bytes, path) = reader::bytes_of(folder)?;
        let content = line::parse(&bytes, &path)?;
        let file = OpenOptions::new()
            .append(true)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        if content.sound < u64::try_from(bytes.len()).unwrap_or(u64::MAX) {
            file.set_len(content.sound)
                .and_then(|()| file.sync_all())
                .map_err(Error::io("shorten", &path))?;
        }
        let next = u64::try_from(content.events.len()).unwrap_or(u64::MAX);
        Ok((
            content.events,
            Self {
                file,
                path,
                next,
                head: content.head,
                is_poisoned: false,
                _lock: lock,
            },
        ))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The hash of the last line, which stands for the whole file.
    pub fn head(&self) -> &ChainHash {
        &self.head
    }

    /// How many events it has.
    pub fn length(&self) -> u64 {
        self.next
    }

    fn append(&mut self, at: Timestamp, kind: EventKind) -> Result<Event, Error> {
        if self.is_poisoned {
            return Err(Error::Poisoned {
                path: self.path.clone(),
            });
        }
        let event = Event {
            seq: self.next,
            at,
            kind,
        };
        let (line, head) = line::write(&self.head, &event).map_err(|source| Error::Unwritable {
            seq: self.next,
            source,
        })?;
        // One write, so that a crash of this process alone leaves all of the line or nothing; a crash of the machine may still tear it.
        if let Err(source) = self.file.write_all(&line).and_then(|()| self.file.sync_data()) {
            self.is_poisoned = true;
            return Err(Error::Io {
                doing: "write",
                path: self.path.clone(),
                source,
            });
        }
        self.next += 1;
        self.head = head;
        Ok(event)
    }
}

impl Commit for Journal {
    fn commit(&mut self, at: Timestamp, kind: EventKind) -> Result<Event, CommitError> {
        self.append(at, kind).map_err(|error| CommitError {
            source: Box::new(error),
        })
    }
}

/// Makes a new name in a folder durable. Windows has no such call, and needs none: NTFS journals names.
fn sync_folder(folder: &Path) -> Result<(), Error> {
    if cfg!(unix) && !folder.as_os_str().is_empty() {
        let opened = File::open(folder).map_err(Error::io("open", folder))?;
        opened.sync_all().map_err(Error::io("sync", folder))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn after_a_failed_write_nothing_more_is_written() {
        let root = tempfile::tempdir().expect("a folder");
        let holder = Holder {
            operator: "ops@jump01".to_owned(),
            pid: 1,
        };
        let mut journal = Journal::create(root.path(), &holder).expect("a journal");
        let good = std::mem::replace(
            &mut journal.file,
            File::open(&journal.path).expect("a file that cannot be written"),
        );
        let stop = || EventKind::StopRequested { hard: false };
        let failed = journal
            .commit(Timestamp::UNIX_EPOCH, stop())
            .expect_err("no write");
        assert_eq!(failed.to_string(), "the journal could not be written");
        assert!(
            failed
                .source()
                .is_some_and(|cause| cause.to_string().starts_with("cannot write "))
        );

        // Even though the disk has room again.
        journal.file = good;
        let refused = journal
            .commit(Timestamp::UNIX_EPOCH, stop())
            .expect_err("poisoned");
        let cause = refused.source().map(ToString::to_string).unwrap_or_default();
        assert!(
            cause.starts_with("an earlier event could not be written to "),
            "{cause}"
        );
        assert!(reader::read(root.path()).expect("events").is_empty());
    }
}
