//! `restores.jsonl` beside a run's journal: whole backups of that run that somebody had restored, before and after.
//!
//! Restoring a backup is no step of the run: it takes back what others did as well. So it has a record of its own, which no replay reads.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use crate::error::Error;

/// The file's name.
const FILE: &str = "restores.jsonl";

/// One line of the record.
#[derive(Clone, Debug, Serialize)]
pub struct RestoreNote {
    /// When.
    pub at: Timestamp,
    /// Who asked for it: `user@host`.
    pub operator: String,
    /// On which server.
    pub server: String,
    /// Which backup.
    pub backup: String,
    /// How far it is.
    #[serde(flatten)]
    pub state: RestoreState,
}

/// How far a restore is.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RestoreState {
    /// About to begin. A record that ends so was cut off: look at the server.
    Started,
    /// Done and looked at.
    Done {
        /// What was seen.
        facts: Vec<String>,
    },
    /// It failed, or nobody knows how it ended.
    Failed {
        /// In words.
        error: String,
    },
}

/// Appends a line, and returns when it is on disk.
///
/// # Errors
/// [`Error::Io`].
pub fn note_restore(folder: &Path, note: &RestoreNote) -> Result<(), Error> {
    let path = folder.join(FILE);
    let write = || {
        let mut line = serde_json::to_vec(note)?;
        line.push(b'\n');
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        file.write_all(&line)?;
        file.sync_all()
    };
    write().map_err(|source| Error::Io {
        doing: "append to",
        path: path.clone(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_appended() {
        let folder = tempfile::tempdir().unwrap();
        let note = |state| RestoreNote {
            at: Timestamp::UNIX_EPOCH,
            operator: "tester@bench".to_owned(),
            server: "cas01".to_owned(),
            backup: "casgate-1".to_owned(),
            state,
        };
        note_restore(folder.path(), &note(RestoreState::Started)).unwrap();
        let facts = vec!["W3SVC runs".to_owned()];
        note_restore(folder.path(), &note(RestoreState::Done { facts })).unwrap();
        let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert_eq!(
            text,
            "{\"at\":\"1970-01-01T00:00:00Z\",\"operator\":\"tester@bench\",\"server\":\"cas01\",\"backup\":\"casgate-1\",\"state\":\"started\"}\n\
             {\"at\":\"1970-01-01T00:00:00Z\",\"operator\":\"tester@bench\",\"server\":\"cas01\",\"backup\":\"casgate-1\",\"state\":\"done\",\
             \"facts\":[\"W3SVC runs\"]}\n"
        );
        let error = note_restore(&folder.path().join("nosuch"), &note(RestoreState::Started)).unwrap_err();
        assert!(matches!(error, Error::Io { .. }));
    }
}
