//! The record of a run on disk: append, sync, replay, one writer.
//!
//! A run is a folder with a file of JSON lines: a header that names the format, then one [`rollout::Event`] a line, each linked to the one
//! before it by a hash. [`Journal`] appends and syncs each event before anybody acts upon it; [`read`] takes the same file without the lock, for
//! `explain`; [`verify`] checks it for itself; [`runs()`] lists a state directory. docs/journal-format.md describes the file for other programs.
//!
//! Neighbours: `rollout` defines the events, the trait [`Commit`](rollout::Commit) that is implemented here, and the state that they replay to;
//! `cli` says where the state directory is and hands the journal to the driver, which does not know this crate.

mod chain;
mod directory;
mod error;
mod line;
mod lock;
mod reader;
mod restores;
mod runs;
mod writer;

pub use chain::ChainHash;
pub use directory::StateDirectory;
pub use error::Error;
pub use line::FORMAT;
pub use lock::Holder;
pub use reader::{Verified, read, verify};
pub use restores::{RestoreNote, RestoreState, note_restore};
pub use runs::{RunContent, RunEnd, RunSummary, runs};
pub use writer::Journal;
