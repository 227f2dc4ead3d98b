//! One writer for each run: an operating system's lock, which dies with its process, and beside it a note that says who holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use crate::error::Error;

const LOCK: &str = "lock";

/// Apart from the locked file, because Windows lets nobody read that one.
const HOLDER: &str = "holder";

/// `runs` tries the lock for an instant to see whether somebody holds it; a writer that comes in this instant tries again.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Who writes a journal, for the message to whoever else wants to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Holder {
    /// `user@host`.
    pub operator: String,
    /// Process id.
    pub pid: u32,
}

impl Holder {
    /// This process.
    pub fn this_process(operator: impl Into<String>) -> Self {
        Self {
            operator: operator.into(),
            pid: std::process::id(),
        }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} of {}", self.pid, self.operator)
    }
}

/// The lock, held until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a run's folder, or says who has it.
    pub(crate) fn take(folder: &Path, holder: &Holder) -> Result<Self, Error> {
        let path = folder.join(LOCK);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        for attempt in 1..=TRIES {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if attempt < TRIES => std::thread::sleep(BETWEEN_TRIES),
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::Held {
                        holder: name_of_holder(folder),
                    });
                }
                Err(TryLockError::Error(source)) => {
                    return Err(Error::Io {
                        doing: "lock",
                        path,
                        source,
                    });
                }
            }
        }
        let note = folder.join(HOLDER);
        std::fs::write(&note, holder.to_string()).map_err(Error::io("write", &note))?;
        Ok(Self { _file: file })
    }

    /// Whether somebody holds the lock of a run's folder now.
    pub(crate) fn is_held(folder: &Path) -> Result<bool, Error> {
        let path = folder.join(LOCK);
        let Ok(file) = File::open(&path) else {
            return Ok(false);
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(source)) => Err(Error::Io {
                doing: "lock",
                path,
                source,
            }),
        }
    }
}

fn name_of_holder(folder: &Path) -> String {
    match std::fs::read_to_string(folder.join(HOLDER)) {
        Ok(note) if !note.trim().is_empty() => note.trim().to_owned(),
        _ => "another process".to_owned(),
    }
}
