//! The rollout's decision core: what happens next, decided from what has happened.
//!
//! No clock, no disk, no network, no printing: [`Rollout::next`] is asked what to do at an instant that the caller names, and
//! [`Rollout::apply`] is told what happened. An [`Action`] exists only because an [`Event`] was committed, so nothing leaves the machine before
//! its intent is on disk. Replaying a journal through the same `apply` rebuilds the same state; the actions that come out are dropped then.
//!
//! Neighbours: `inventory` gives the farm and the playbook; `driver` performs actions and answers each with one event; `journal` keeps the
//! events; `report` shows them.

mod action;
mod error;
mod event;
mod observation;
mod pace;
mod pause;
mod plan;
mod ports;
mod rollout;
mod run_id;
mod server;
pub mod simulation;
mod verdict;

pub use action::{Action, Debt};
pub use error::{Error, IllegalTransition};
pub use event::{Event, EventKind, SoakReport, Survey};
pub use observation::{
    Before, Evidence, FailureKind, Found, LiveWeight, OutOfRotation, Outcome, Receipt, Rotation,
    ServiceObserved, Sight, StepError, Watched, WorkerProcessObserved,
};
pub use pace::{Estimate, Forecast, Pace};
pub use pause::{Answer, Condition, Pause};
pub use plan::{Accepted, Floor, Instant, Plan, PlanHash, PlannedPool, PlannedServer, Shortage};
pub use ports::{Commit, CommitError, Desk, Progress, Sink};
pub use rollout::{Counts, Next, OnStop, OpenDebt, Outlook, Rollout, Unpaid, Wait};
pub use run_id::RunId;
pub use server::{Phase, ServerState};
pub use verdict::Verdict;
