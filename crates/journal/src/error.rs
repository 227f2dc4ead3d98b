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
    #[error("expected `{{\"casgate_journal\":2}}` as the first line of {}, found `{found}`", path.display())]
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
    /// A casgate from before the chain wrote it.
    #[error(
        "{} has format {found}, without the chain that shows whether it was changed; this casgate knows format {supported}",
        path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The one that is known here.
        supported: u64,
    },
    /// A line in the middle is damaged.
    #[error("{}:{line}: the line is damaged", path.display())]
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
    #[error(
        "{}:{line}: expected event {expected}, found event {found}: a line was taken out, put in or moved",
        path.display()
    )]
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
    /// A line does not bear the hash that follows from the line before it and from its own bytes.
    #[error("{}:{line}: the line's hash does not fit: it was changed after it was written", path.display())]
    Unlinked {
        /// The file.
        path: PathBuf,
        /// From 1, the header included.
        line: usize,
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
    /// What the operator can do.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Damaged { .. } | Self::OutOfOrder { .. } | Self::Unlinked { .. } => {
                "nothing goes by a journal that was changed: put back a copy of the file; where there is none, `casgate status` shows what each \
                 server enforces, its drains stand in the lines before this one, and `casgate apply` looks at every server anew"
            }
            Self::Older { .. } => {
                "go on with this run with the casgate that began it, or look at every server anew with `casgate apply`"
            }
            Self::Newer { .. } => "go on with this run with the casgate that wrote it",
            Self::Held { .. } => {
                "`casgate explain RUN SERVER` looks at a run that is under way; the lock goes with the process that holds it, however that ends"
            }
            Self::NoSuchRun { .. } | Self::ManyRuns { .. } | Self::NoJournal { .. } => {
                "`casgate runs` lists the runs; --state-dir says where they are"
            }
            Self::NotARun { .. } | Self::NotAJournal { .. } | Self::NoHeader { .. } => {
                "nothing can be resumed from it: `casgate apply` looks at every server anew"
            }
            Self::Io { .. } | Self::Exists { .. } | Self::Unwritable { .. } | Self::Poisoned { .. } => {
                return None;
            }
        })
    }

    /// For `map_err`: names what was being done with which path.
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }
}
