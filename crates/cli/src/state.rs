//! Where runs are recorded.

use std::path::PathBuf;

use journal::{Holder, Journal, StateDirectory};
use rollout::{Event, RunId};

use crate::args::Common;
use crate::error::Error;
use crate::people;

/// `--state-dir`, or the folder that the system keeps for a user's state.
#[expect(
    clippy::disallowed_methods,
    reason = "the command line is where the environment is read"
)]
pub(crate) fn folder(common: &Common) -> Result<PathBuf, Error> {
    if let Some(folder) = &common.state_dir {
        return Ok(folder.clone());
    }
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("XDG_STATE_HOME")
        .or_else(|| set("LOCALAPPDATA"))
        .or_else(|| set("HOME").map(|home| home.join(".local/state")))
        .map(|base| base.join("casgate"))
        .ok_or(Error::NoStateFolder)
}

/// A fresh journal, held by this process.
pub(crate) fn create(runs: &StateDirectory, run: &RunId) -> Result<Journal, Error> {
    let holder = Holder::this_process(people::operator());
    Journal::create(&runs.run(run), &holder).map_err(|source| Error::Journal { source })
}

/// A journal to go on with, and what it tells.
pub(crate) fn open(runs: &StateDirectory, run: &RunId) -> Result<(Vec<Event>, Journal), Error> {
    let holder = Holder::this_process(people::operator());
    Journal::open(&runs.run(run), &holder).map_err(|source| Error::Journal { source })
}
