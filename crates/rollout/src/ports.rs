//! What the driver is handed from outside: where facts are committed, and who hears of them.

use inventory::{PoolName, ServerName, VantageName};
use jiff::Timestamp;

use crate::event::{Event, EventKind};
use crate::observation::Watched;
use crate::pause::{Answer, Pause};

/// Makes a fact durable. Returns only when it is on disk; after an error no new step may start.
pub trait Commit: Send {
    /// Appends and syncs.
    fn commit(&mut self, at: Timestamp, kind: EventKind) -> Result<Event, CommitError>;
}

/// The journal could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the journal could not be written")]
pub struct CommitError {
    /// Why.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Somebody who shows events: bars, lines, JSON lines, a summary.
pub trait Sink: Send {
    /// A committed fact.
    fn event(&mut self, event: &Event);
    /// Something worth showing that is never journalled and may be dropped.
    fn progress(&mut self, at: Timestamp, progress: &Progress);
    /// Called a few times a second of wall time, for elapsed times and heartbeats.
    fn tick(&mut self, at: Timestamp);
}

/// Where a person is asked. Off a terminal nobody is, and the answer is [`Answer::Stop`]: nothing is ever assumed to be yes.
pub trait Desk: Send + Sync {
    /// Asks, and waits for one of the pause's answers; who gave it, or why nobody did. Blocks for as long as the person takes.
    fn ask(&self, pause: &Pause) -> (Answer, String);
}

/// Progress: never journalled, may be dropped.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(tag = "progress", rename_all = "snake_case")]
pub enum Progress {
    /// What a step is waiting for or doing right now.
    Doing {
        /// The server.
        server: ServerName,
        /// E.g. `12 connections left`, `healthcheck.htm answers 503`.
        detail: String,
    },
    /// The pool as its load balancer sees it now.
    Rotation {
        /// The pool.
        pool: PoolName,
        /// Members that take new connections.
        in_rotation: u32,
        /// Members.
        members: u32,
    },
    /// How often a witness that asks all run long has had an answer, or none in time.
    Asked {
        /// Where it asks.
        watched: Watched,
        /// From where.
        vantage: VantageName,
        /// For which page.
        path: String,
        /// Requests so far in this sitting.
        times: u64,
    },
}
