//! Facts, in the order in which they became true. What stands here is what the journal holds; the screen is fed by the same values.

use std::collections::BTreeMap;

use inventory::{PoolName, ServerName, VantageName};
use jiff::fmt::serde::duration::friendly::compact::required as friendly;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::action::Debt;
use crate::observation::{Evidence, Found, Outcome, Sight, StepError, Watched};
use crate::pause::{Answer, Condition, Pause};
use crate::plan::{Floor, Plan};
use crate::run_id::RunId;
use crate::verdict::Verdict;

/// A committed fact.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Event {
    /// Position in the journal, from 0, without gaps.
    pub seq: u64,
    /// When it was committed.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// Every kind of fact. The words are those of the screen and of the playbook.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// First event of every journal.
    RunStarted {
        /// The run's name.
        run: RunId,
        /// All that will be done, secrets apart.
        plan: Box<Plan>,
        /// Who started it: `user@host`.
        operator: String,
        /// Version of casgate.
        version: String,
        /// Path of the inventory, for `resume`.
        inventory: String,
    },
    /// The run goes on after it was interrupted: every server not proven done is looked at again.
    RunResumed {
        /// Who resumed it.
        operator: String,
        /// Version of casgate.
        version: String,
    },
    /// The operator takes the run back: every step that has a way back is undone, on every server, the last waves first.
    UndoRequested {
        /// Who asked for it.
        operator: String,
        /// Version of casgate.
        version: String,
    },
    /// The operator allowed to take over the leases of another run that still count.
    StealApproved {
        /// The other run.
        from: RunId,
        /// Who allowed it.
        operator: String,
    },
    /// This sitting is bounded: by the opening of the change window, or by what the operator wants to be finished by.
    WindowEntered {
        /// When everything has to have ended.
        until: Timestamp,
    },
    /// What would come next, with the way back of everything touched, may not end before the window does: nothing begins any more, what was begun
    /// is finished.
    WindowClosed {
        /// When the window ends.
        until: Timestamp,
        /// How long that still is.
        #[serde(serialize_with = "friendly")]
        left: SignedDuration,
        /// How long what would come next takes at worst.
        #[serde(serialize_with = "friendly")]
        next: SignedDuration,
        /// How long the way back of everything would take then.
        #[serde(serialize_with = "friendly")]
        undo: SignedDuration,
        /// How many changed servers of this run these numbers come from; 0 where they are assumed.
        measured: u32,
    },
    /// The run's lease stands on the server. Told beside the answer to the action that needed it.
    LeaseTaken {
        /// The server.
        server: ServerName,
        /// When it ends unless it is renewed, by the server's own clock.
        until: Timestamp,
        /// Whose lease stood there before, and why it did not count any more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        over: Option<String>,
    },
    /// The run's lease is gone: another run's stands there. Nothing more is changed on the server.
    LeaseLost {
        /// The server.
        server: ServerName,
        /// Whose lease stands there now.
        holder: String,
    },
    /// A wave begins.
    WaveStarted {
        /// From 0.
        wave: usize,
    },
    /// Every server of the wave has come to an end.
    WaveFinished {
        /// From 0.
        wave: usize,
    },
    /// A server's turn has come.
    ServerStarted {
        /// The server.
        server: ServerName,
    },
    /// The first look at a server.
    Surveyed {
        /// The server.
        server: ServerName,
        /// What was seen.
        survey: Survey,
    },
    /// A step begins (or is looked at again, `attempt` > 1).
    StepStarted {
        /// The server.
        server: ServerName,
        /// Index of the step.
        step: usize,
        /// From 1.
        attempt: u32,
    },
    /// What the probe of a step saw.
    StepProbed {
        /// The server.
        server: ServerName,
        /// Index of the step.
        step: usize,
        /// What was seen.
        found: Found,
    },
    /// How the change ended.
    StepApplied {
        /// The server.
        server: ServerName,
        /// Index of the step.
        step: usize,
        /// The outcome.
        outcome: Outcome,
    },
    /// What looking again showed.
    StepVerified {
        /// The server.
        server: ServerName,
        /// Index of the step.
        step: usize,
        /// The outcome.
        outcome: Outcome,
    },
    /// The server is back and is watched for `min_healthy_time`.
    ServerSoaking {
        /// The server.
        server: ServerName,
    },
    /// The watch ended.
    SoakFinished {
        /// The server.
        server: ServerName,
        /// How it ended.
        report: SoakReport,
    },
    /// The server is done. Terminal for this server, unless its wave is undone.
    ServerHealthy {
        /// The server.
        server: ServerName,
        /// False when nothing had to be changed.
        changed: bool,
    },
    /// A changed server of the first wave is watched on, for `canary_hold`, before the second wave may begin.
    CanaryHeld {
        /// The server.
        server: ServerName,
    },
    /// The server failed: it counts against the budget.
    ServerFailed {
        /// The server.
        server: ServerName,
        /// The step, where it was one.
        step: Option<usize>,
        /// Why.
        error: StepError,
    },
    /// Servers of the failed server's pool that the run has not touched are looked at: did they degrade as well?
    ControlLookStarted {
        /// The server that failed.
        server: ServerName,
    },
    /// How the untouched servers look.
    ControlSeen {
        /// The server that failed.
        server: ServerName,
        /// Each untouched server that was looked at.
        group: BTreeMap<ServerName, Condition>,
    },
    /// At least half of the untouched servers that were healthy degraded with the one that failed: the cause lies around the farm, not in the
    /// change, and nothing is undone.
    AmbientIncident {
        /// The server that failed.
        server: ServerName,
        /// Untouched servers that degraded.
        degraded: Vec<ServerName>,
        /// Untouched servers that were healthy before.
        healthy_before: u32,
    },
    /// Nothing begins and nothing is undone until a person has answered.
    RunPaused {
        /// Why.
        pause: Pause,
    },
    /// What the person said about the pause.
    PersonAnswered {
        /// One of the pause's answers.
        answer: Answer,
        /// `user@host`, or why nobody could be asked.
        by: String,
    },
    /// More servers failed than the policy allows: nothing new is started.
    BudgetSpent {
        /// Servers that count.
        failures: u32,
        /// `max_failures`.
        limit: u32,
        /// The pool, where its own `max_failures` is meant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pool: Option<PoolName>,
    },
    /// The way back of a step begins.
    UndoStarted {
        /// The server.
        server: ServerName,
        /// Index of the step.
        step: usize,
    },
    /// The step is taken back, and it was verified.
    UndoFinished {
        /// The server.
        server: ServerName,
        /// Index of the step.
        step: usize,
        /// What shows it.
        evidence: Evidence,
    },
    /// The step could not be taken back: the server is stuck and a person is needed.
    UndoFailed {
        /// The server.
        server: ServerName,
        /// Index of the step.
        step: usize,
        /// Why.
        error: StepError,
    },
    /// All changed steps of the server are taken back. Counts against the budget.
    ServerUndone {
        /// The server.
        server: ServerName,
    },
    /// A person has to look at this server.
    ServerStuck {
        /// The server.
        server: ServerName,
    },
    /// Nothing was changed on the server, and nothing will be in this run: it was never begun, or was let go when the budget was spent.
    ServerSkipped {
        /// The server.
        server: ServerName,
    },
    /// A debt is about to be paid outside the normal course of steps.
    DebtPaymentStarted {
        /// The server.
        server: ServerName,
        /// What is owed.
        debt: Debt,
    },
    /// A debt was paid.
    DebtPaid {
        /// The server.
        server: ServerName,
        /// What was owed.
        debt: Debt,
        /// What shows it.
        evidence: Evidence,
    },
    /// A debt could not be paid.
    DebtUnpaid {
        /// The server.
        server: ServerName,
        /// What is owed.
        debt: Debt,
        /// Why.
        error: StepError,
        /// The exact command with which a person can pay it.
        command: String,
    },
    /// A witness that asks all run long sees something else than before.
    WitnessChanged {
        /// Where it asks.
        watched: Watched,
        /// From where.
        vantage: VantageName,
        /// For which page.
        path: String,
        /// What it saw before; `None` for its first answer.
        was: Option<Sight>,
        /// What it sees now.
        sees: Sight,
        /// Milliseconds without service that this ends, for a vantage that must get in: from sending the first request that was not served
        /// to the first answer that was.
        unserved_ms: Option<u64>,
    },
    /// A witness saw what must never be: the server (or the pool, behind its virtual address) counts as failed.
    WitnessBreached {
        /// Where it asks.
        watched: Watched,
        /// From where.
        vantage: VantageName,
        /// What should have been there, and what was.
        error: StepError,
    },
    /// A pool or a site was seen below its floor while the run has servers of it out, at two looks one after the other: nobody new begins, and what
    /// was begun is finished.
    FloorBroken {
        /// Whose floor it is.
        floor: Floor,
        /// What should have been in rotation, and what was.
        error: StepError,
    },
    /// A hook that the playbook requires could not be told: nothing new is begun, unless the run is being taken back, which no hook holds up.
    HookFailed {
        /// The name of the event that it was to be told of.
        on: String,
        /// What became of it.
        found: String,
    },
    /// The operator asked to stop (Ctrl-C once: finish what runs; twice: abort the waits).
    StopRequested {
        /// Second request.
        hard: bool,
    },
    /// Last event of a finished run.
    RunFinished {
        /// How it ended.
        verdict: Verdict,
    },
}

impl EventKind {
    /// The tag in the journal, e.g. `step_probed`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RunStarted { .. } => "run_started",
            Self::RunResumed { .. } => "run_resumed",
            Self::UndoRequested { .. } => "undo_requested",
            Self::StealApproved { .. } => "steal_approved",
            Self::WindowEntered { .. } => "window_entered",
            Self::WindowClosed { .. } => "window_closed",
            Self::LeaseTaken { .. } => "lease_taken",
            Self::LeaseLost { .. } => "lease_lost",
            Self::WaveStarted { .. } => "wave_started",
            Self::WaveFinished { .. } => "wave_finished",
            Self::ServerStarted { .. } => "server_started",
            Self::Surveyed { .. } => "surveyed",
            Self::StepStarted { .. } => "step_started",
            Self::StepProbed { .. } => "step_probed",
            Self::StepApplied { .. } => "step_applied",
            Self::StepVerified { .. } => "step_verified",
            Self::ServerSoaking { .. } => "server_soaking",
            Self::SoakFinished { .. } => "soak_finished",
            Self::ServerHealthy { .. } => "server_healthy",
            Self::CanaryHeld { .. } => "canary_held",
            Self::ServerFailed { .. } => "server_failed",
            Self::ControlLookStarted { .. } => "control_look_started",
            Self::ControlSeen { .. } => "control_seen",
            Self::AmbientIncident { .. } => "ambient_incident",
            Self::RunPaused { .. } => "run_paused",
            Self::PersonAnswered { .. } => "person_answered",
            Self::BudgetSpent { .. } => "budget_spent",
            Self::UndoStarted { .. } => "undo_started",
            Self::UndoFinished { .. } => "undo_finished",
            Self::UndoFailed { .. } => "undo_failed",
            Self::ServerUndone { .. } => "server_undone",
            Self::ServerStuck { .. } => "server_stuck",
            Self::ServerSkipped { .. } => "server_skipped",
            Self::DebtPaymentStarted { .. } => "debt_payment_started",
            Self::DebtPaid { .. } => "debt_paid",
            Self::DebtUnpaid { .. } => "debt_unpaid",
            Self::WitnessChanged { .. } => "witness_changed",
            Self::WitnessBreached { .. } => "witness_breached",
            Self::FloorBroken { .. } => "floor_broken",
            Self::HookFailed { .. } => "hook_failed",
            Self::StopRequested { .. } => "stop_requested",
            Self::RunFinished { .. } => "run_finished",
        }
    }

    /// The server that the event is about; `None` for events of the whole run.
    pub fn server(&self) -> Option<&ServerName> {
        match self {
            Self::RunStarted { .. }
            | Self::RunResumed { .. }
            | Self::UndoRequested { .. }
            | Self::StealApproved { .. }
            | Self::WindowEntered { .. }
            | Self::WindowClosed { .. }
            | Self::WaveStarted { .. }
            | Self::WaveFinished { .. }
            | Self::RunPaused { .. }
            | Self::PersonAnswered { .. }
            | Self::BudgetSpent { .. }
            | Self::FloorBroken { .. }
            | Self::HookFailed { .. }
            | Self::StopRequested { .. }
            | Self::RunFinished { .. } => None,
            Self::WitnessChanged { watched, .. } | Self::WitnessBreached { watched, .. } => watched.server(),
            Self::ServerStarted { server }
            | Self::LeaseTaken { server, .. }
            | Self::LeaseLost { server, .. }
            | Self::Surveyed { server, .. }
            | Self::StepStarted { server, .. }
            | Self::StepProbed { server, .. }
            | Self::StepApplied { server, .. }
            | Self::StepVerified { server, .. }
            | Self::ServerSoaking { server }
            | Self::SoakFinished { server, .. }
            | Self::ServerHealthy { server, .. }
            | Self::CanaryHeld { server }
            | Self::ServerFailed { server, .. }
            | Self::ControlLookStarted { server }
            | Self::ControlSeen { server, .. }
            | Self::AmbientIncident { server, .. }
            | Self::UndoStarted { server, .. }
            | Self::UndoFinished { server, .. }
            | Self::UndoFailed { server, .. }
            | Self::ServerUndone { server }
            | Self::ServerStuck { server }
            | Self::ServerSkipped { server }
            | Self::DebtPaymentStarted { server, .. }
            | Self::DebtPaid { server, .. }
            | Self::DebtUnpaid { server, .. } => Some(server),
        }
    }
}

/// What the first look at a server saw.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Survey {
    /// Indices of the steps that have work to do; empty when the server already is as wanted.
    Seen {
        /// Steps with work.
        work: Vec<usize>,
        /// One line a finding: what would change.
        facts: Vec<String>,
    },
    /// The look failed; nothing was changed.
    Failed(StepError),
}

/// How the watch over a returned server ended.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SoakReport {
    /// Healthy for the whole span.
    Healthy(Evidence),
    /// Not healthy.
    Failed(StepError),
    /// It could not be seen: neither a pass nor a failure of the server.
    Inconclusive(StepError),
}
