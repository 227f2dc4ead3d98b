//! The list of runs.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rollout::{Counts, EventKind, Rollout, RunId, Verdict};

use crate::directory::StateDirectory;
use crate::error::Error;
use crate::lock::Lock;
use crate::reader::{self, FILE};

/// How long the part of a run's name is that tells date and minute: `20261124-0214`.
const MINUTE: usize = 13;

/// One run in a list.
#[derive(Debug)]
pub struct RunSummary {
    /// Its name.
    pub run: RunId,
    /// Its folder.
    pub folder: PathBuf,
    /// What its journal says, or why that cannot be told.
    pub content: Result<RunContent, Error>,
}

/// What a run's journal says.
#[derive(Clone, Debug, PartialEq)]
pub struct RunContent {
    /// When it was started.
    pub started: Timestamp,
    /// Its last event's instant.
    pub last: Timestamp,
    /// The playbook's title.
    pub title: String,
    /// Who started it.
    pub operator: String,
    /// How it ended.
    pub end: RunEnd,
    /// How many servers stand where.
    pub counts: Counts,
}

/// How a run ended, if it did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RunEnd {
    /// It came to an end of its own.
    Finished(Verdict),
    /// Another process is at it now.
    Running,
    /// It was cut off: `resume` goes on with it.
    Interrupted,
}

impl std::fmt::Display for RunEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Finished(verdict) => f.pad(verdict.as_str()),
            Self::Running => f.pad("running"),
            Self::Interrupted => f.pad("interrupted"),
        }
    }
}

/// All runs of a state directory, oldest first.
///
/// # Errors
/// As [`StateDirectory::runs`].
pub fn runs(state: &StateDirectory) -> Result<Vec<RunSummary>, Error> {
    state.runs()
}

/// Lists the folder of all runs. Names begin with date and minute, so that their order is the order of time, apart from runs of the same minute.
pub(crate) fn list(folder: &Path) -> Result<Vec<RunSummary>, Error> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => {
            return Err(Error::Io {
                doing: "list",
                path: folder.to_owned(),
                source,
            });
        }
    };
    let mut runs = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::io("list", folder))?.path();
        if !path.join(FILE).is_file() {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        runs.push(RunSummary {
            run: RunId::new(&name),
            content: summarise(&path),
            folder: path.clone(),
        });
    }
    runs.sort_by(|a, b| in_time(a).cmp(&in_time(b)));
    Ok(runs)
}

/// The minute of the name, then the instant of the first event where it can be read.
fn in_time(summary: &RunSummary) -> (&str, Option<Timestamp>, &str) {
    let name = summary.run.as_str();
    let started = summary.content.as_ref().ok().map(|content| content.started);
    (name.get(..MINUTE).unwrap_or(name), started, name)
}

/// How the run in this folder ended, or whether somebody is at it now.
pub(crate) fn end(folder: &Path) -> Result<RunEnd, Error> {
    end_of(folder, &reader::verify(folder)?.rollout)
}

fn end_of(folder: &Path, rollout: &Rollout) -> Result<RunEnd, Error> {
    Ok(match rollout.verdict() {
        _ if Lock::is_held(folder)? => RunEnd::Running,
        Some(verdict) => RunEnd::Finished(verdict),
        None => RunEnd::Interrupted,
    })
}

fn summarise(folder: &Path) -> Result<RunContent, Error> {
    let path = folder.join(FILE);
    let events = reader::read(folder)?;
    let rollout = Rollout::replay(&events).map_err(|source| Error::NotARun {
        path: path.clone(),
        source,
    })?;
    let (Some(first), Some(last)) = (events.first(), events.last()) else {
        return Err(Error::NotARun {
            path,
            source: rollout::Error::NoEvents,
        });
    };
    let operator = match &first.kind {
        EventKind::RunStarted { operator, .. } => operator.clone(),
        _ => String::new(),
    };
    let end = end_of(folder, &rollout)?;
    Ok(RunContent {
        started: first.at,
        last: last.at,
        title: rollout.plan().title.clone(),
        operator,
        end,
        counts: rollout.counts(),
    })
}
