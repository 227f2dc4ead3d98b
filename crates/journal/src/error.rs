//! What can be wrong with a journal.

use std::io;
use std::path::PathBuf;

/// What can be wrong with a journal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused a file or folder.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was being done: `read`, `create`, …
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process writes this journal.
    #[error("the run is held by {holder}")]
    Held {
        /// Who: process id, and user and host where they are known.
        holder: String,
    },
    /// There is a run of this name already.
    #[error("expected no run in {}, found one", folder.display())]
    Exists {
        /// Its folder.
        folder: PathBuf,
    },
    /// There is no run of this name.
    #[error("expected a journal in {}, found none", folder.display())]
    NoJournal {
        /// The folder.
        folder: PathBuf,
    },
    /// No run's name begins or ends so.
    #[error("no run of {} is called `{name}`", root.display())]
    NoSuchRun {
        /// What was asked for.
        name: String,
        /// The state directory.
        root: PathBuf,
    },
    /// More than one run's name begins or ends so.
    #[error("`{name}` can mean {found}")]
    ManyRuns {
        /// What was asked for.
        name: String,
        /// The names.
        found: String,
    },
    /// The file ends before its header does: it was cut off while it was created, and nothing was begun.
    #[error("{} ends within its header: nothing was begun", path.display())]
    NoHeader {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("expected `{{\"casgate_journal\":1}}` as the first line of {}, found `{found}`", path.display())]
    NotAJournal {
        /// The file.
        path: PathBuf,
        /// The beginning of its first line.
        found: String,
    },
    /// A newer casgate wrote it.
    #[error("{} has format {found}, this casgate knows formats up to {supported}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The newest that is known here.
        supported: u64,
    },
    /// A line in the middle is damaged.
    #[error("line {line} of {} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// From 1, the header included.
        line: usize,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A line is missing or stands twice.
    #[error("line {line} of {}: expected event {expected}, found event {found}", path.display())]
    OutOfOrder {
        /// The file.
        path: PathBuf,
        /// From 1, the header included.
        line: usize,
        /// The `seq` that should have been there.
        expected: u64,
        /// The `seq` that was there.
        found: u64,
    },
    /// The events are readable, but are not those of a run.
    #[error("the events of {} are not those of a run", path.display())]
    NotARun {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rollout::Error,
    },
    /// A fact could not be written as JSON.
    #[error("event {seq} cannot be written as JSON")]
    Unwritable {
        /// Its position.
        seq: u64,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// An earlier write failed: what stands at the file's end is not known, so nothing may follow it before the journal is opened anew.
    #[error("an earlier event could not be written to {}; open the run again", path.display())]
    Poisoned {
        /// The file.
        path: PathBuf,
    },
}

impl Error {
    /// For `map_err`: names what was being done with which path.
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }
}
