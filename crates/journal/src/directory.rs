//! Where runs are kept: `STATE/runs/RUN/journal.jsonl`.

use std::path::{Path, PathBuf};

use rollout::{Event, RunId};

use crate::error::Error;
use crate::lock::Holder;
use crate::reader::{self, FILE, Verified};
use crate::runs::{self, RunEnd, RunSummary};
use crate::writer::Journal;

/// The folder that holds all runs. Which one it is, `cli` decides.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StateDirectory {
    root: PathBuf,
}

impl StateDirectory {
    /// Names the folder; it is made when the first run is.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A run's folder.
    pub fn run(&self, run: &RunId) -> PathBuf {
        self.runs_folder().join(run.as_str())
    }

    /// Whether there is such a run.
    pub fn has(&self, run: &RunId) -> bool {
        self.run(run).join(FILE).is_file()
    }

    /// Makes a new run's journal: [`Journal::create`] in its folder.
    ///
    /// # Errors
    /// As [`Journal::create`].
    pub fn create(&self, run: &RunId, holder: &Holder) -> Result<Journal, Error> {
        Journal::create(&self.run(run), holder)
    }

    /// Opens a run to go on with it: [`Journal::open`] in its folder.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn open(&self, run: &RunId, holder: &Holder) -> Result<(Vec<Event>, Journal), Error> {
        Journal::open(&self.run(run), holder)
    }

    /// Reads a run without its lock: [`read`](crate::read) in its folder.
    ///
    /// # Errors
    /// As [`read`](crate::read).
    pub fn read(&self, run: &RunId) -> Result<Vec<Event>, Error> {
        reader::read(&self.run(run))
    }

    /// Checks a run's journal: [`verify`](crate::verify) in its folder.
    ///
    /// # Errors
    /// As [`verify`](crate::verify).
    pub fn verify(&self, run: &RunId) -> Result<Verified, Error> {
        reader::verify(&self.run(run))
    }

    /// How a run ended, or whether somebody is at it now.
    ///
    /// # Errors
    /// As [`verify`](crate::verify).
    pub fn end(&self, run: &RunId) -> Result<RunEnd, Error> {
        runs::end(&self.run(run))
    }

    /// All runs, oldest first; none where there is no such folder yet.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder cannot be listed. A single run that cannot be read is in the list, and says so.
    pub fn runs(&self) -> Result<Vec<RunSummary>, Error> {
        runs::list(&self.runs_folder())
    }

    /// The run that `text` names: its whole name, or the beginning or end of exactly one name (`7f3a` of `20261124-0214-7f3a`), or `latest`.
    ///
    /// # Errors
    /// [`Error::NoSuchRun`] and [`Error::ManyRuns`].
    pub fn find(&self, text: &str) -> Result<RunId, Error> {
        let mut names: Vec<RunId> = self.runs()?.into_iter().map(|summary| summary.run).collect();
        let unknown = || Error::NoSuchRun {
            name: text.to_owned(),
            root: self.root.clone(),
        };
        if text == "latest" {
            return names.pop().ok_or_else(unknown);
        }
        if let Some(exact) = names.iter().find(|name| name.as_str() == text) {
            return Ok(exact.clone());
        }
        names.retain(|name| {
            !text.is_empty() && (name.as_str().starts_with(text) || name.as_str().ends_with(text))
        });
        match names.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(unknown()),
            many => Err(Error::ManyRuns {
                name: text.to_owned(),
                found: many.iter().map(RunId::to_string).collect::<Vec<_>>().join(", "),
            }),
        }
    }

    fn runs_folder(&self) -> PathBuf {
        self.root.join("runs")
    }
}
