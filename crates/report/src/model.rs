//! What is true now, folded from events: enough to draw every row of the screen without asking anybody.

use std::collections::BTreeMap;

use inventory::{PoolName, ServerName, Step, StepKind};
use jiff::{SignedDuration, Timestamp};
use rollout::{
    Answer, Before, Debt, Event, EventKind, Found, Outcome, Outlook, Pause, Plan, Progress, Rollout, RunId,
    Shortage, SoakReport, StepError, Survey, Verdict,
};

use crate::witnesses::Witnesses;
use crate::wording;

/// What is true now.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The run's name, once it has one.
    pub run: Option<RunId>,
    /// The plan, once it is known.
    pub plan: Option<Plan>,
    /// When the run started.
    pub started: Option<Timestamp>,
    /// When the last event was committed.
    pub last: Option<Timestamp>,
    /// One row for each server of the plan.
    pub servers: BTreeMap<ServerName, Row>,
    /// The wave under way, from 0.
    pub wave: Option<usize>,
    /// Pools as their load balancers saw them last, and the least that was seen: (now, members, least).
    pub rotation: BTreeMap<PoolName, (u32, u32, u32)>,
    /// A soft or hard stop was asked for.
    pub stopping: Option<bool>,
    /// What a person is being asked.
    pub pause: Option<Pause>,
    /// The budget is spent.
    pub budget_spent: bool,
    /// How the run ended.
    pub verdict: Option<Verdict>,
    /// What the witnesses that ask all run long saw.
    pub witnesses: Witnesses,
    /// Debts that could not be paid, with the command that pays them.
    pub unpaid: Vec<(ServerName, Debt, String)>,
    /// The core's own state, which knows when the run will have ended.
    rollout: Option<Rollout>,
}

/// One server's row.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Where the server stands.
    pub state: RowState,
    /// The step under way.
    pub step: Option<usize>,
    /// Since when the step (or state) is under way.
    pub since: Option<Timestamp>,
    /// When the server's turn came, and when it ended.
    pub started: Option<Timestamp>,
    /// When it came to its end.
    pub ended: Option<Timestamp>,
    /// What it is doing right now, in the driver's words.
    pub detail: String,
    /// WinRM HTTP requests of the server's whole change.
    pub http_requests: u64,
    /// Why it failed.
    pub error: Option<(Option<usize>, StepError)>,
    /// Steps with work, as the survey saw them.
    pub work: Vec<usize>,
    /// What the survey told.
    pub told: Vec<String>,
    /// What the last change told, until it is verified.
    pub applied: Vec<String>,
    /// The wait for the pool to have a server to spare: since when, and who was out at the last look.
    pub waits: Option<(Timestamp, String)>,
}

/// A drain that a floor does not allow now.
pub(crate) struct Refusal<'a> {
    pub(crate) server: &'a ServerName,
    /// Which floor, and what was seen.
    pub(crate) shortage: Shortage<'a>,
    /// How long the wait may still take.
    pub(crate) left: SignedDuration,
}

/// A server's state, in one word for a row.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum RowState {
    /// Its turn has not come.
    #[default]
    Waiting,
    /// First look.
    Surveying,
    /// A step is under way.
    Running,
    /// Watched after its return.
    Soaking,
    /// A canary that is watched on.
    Held,
    /// As wanted, and changed by this run.
    Changed,
    /// As wanted from the beginning.
    Unchanged,
    /// Failed.
    Failed,
    /// Being put back.
    Undoing,
    /// Put back.
    Undone,
    /// A person is needed.
    Stuck,
    /// Never begun.
    Skipped,
}

impl RowState {
    /// The word on the screen: never colour alone.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Surveying => "survey",
            Self::Running => "running",
            Self::Soaking => "soak",
            Self::Held => "hold",
            Self::Changed => "healthy",
            Self::Unchanged => "unchanged",
            Self::Failed => "FAILED",
            Self::Undoing => "undoing",
            Self::Undone => "UNDONE",
            Self::Stuck => "STUCK",
            Self::Skipped => "skipped",
        }
    }

    /// Something is being done on the server right now.
    pub fn is_active(self) -> bool {
        matches!(
            self,
            Self::Surveying | Self::Running | Self::Soaking | Self::Held | Self::Undoing
        )
    }
}

impl Model {
    /// Takes in one fact.
    pub fn apply(&mut self, event: &Event) {
        self.last = Some(event.at);
        if let EventKind::RunStarted { plan, .. } = &event.kind {
            self.rollout = Some(Rollout::new(Plan::clone(plan)));
        }
        if let Some(rollout) = &mut self.rollout {
            // Whoever committed the event has applied it to a state of its own before it came here.
            let _ = rollout.apply(event);
        }
        match &event.kind {
            EventKind::RunStarted { run, plan, .. } => {
                self.run = Some(run.clone());
                self.started = Some(event.at);
                self.servers = plan
                    .servers
                    .keys()
                    .map(|name| (name.clone(), Row::default()))
                    .collect();
                self.plan = Some(Plan::clone(plan));
            }
            EventKind::RunResumed { .. } => {
                self.verdict = None;
                self.pause = None;
                self.stopping = None;
                self.budget_spent = false;
                self.witnesses.apply(event);
                // What is owed is paid in this sitting, or told once more.
                self.unpaid.clear();
            }
            EventKind::UndoRequested { .. } => {
                self.verdict = None;
                self.stopping = None;
                self.budget_spent = false;
            }
            EventKind::StealApproved { .. }
            | EventKind::HookFailed { .. }
            | EventKind::WindowEntered { .. }
            | EventKind::WindowClosed { .. } => {}
            EventKind::WaveStarted { wave } => self.wave = Some(*wave),
            EventKind::WaveFinished { .. } => {}
            EventKind::BudgetSpent { .. } => self.budget_spent = true,
            EventKind::WitnessChanged { .. } | EventKind::WitnessBreached { .. } => {
                self.witnesses.apply(event);
            }
            EventKind::FloorBroken { .. } => {
                self.stopping = self.stopping.or(Some(false));
                self.pause = None;
            }
            EventKind::StopRequested { hard } => {
                self.stopping = Some(*hard);
                self.pause = None;
            }
            EventKind::RunPaused { pause } => self.pause = Some(pause.clone()),
            EventKind::PersonAnswered { answer, .. } => {
                let server = self.pause.take().and_then(|pause| pause.server().cloned());
                if let (Answer::Retry, Some(row)) =
                    (answer, server.and_then(|server| self.servers.get_mut(&server)))
                {
                    // It is begun again, and does not count any more.
                    *row = Row::default();
                }
            }
            EventKind::RunFinished { verdict } => self.verdict = Some(*verdict),
            _ => self.apply_to_server(event),
        }
    }

    fn apply_to_server(&mut self, event: &Event) {
        let Some(server) = event.kind.server() else {
            return;
        };
        if let EventKind::DebtUnpaid { debt, command, .. } = &event.kind {
            self.unpaid.push((server.clone(), *debt, command.clone()));
        }
        if let EventKind::DebtPaid { debt, .. } = &event.kind {
            self.unpaid
                .retain(|(name, owed, _)| (name, owed) != (server, debt));
        }
        if let EventKind::StepProbed {
            found: Found::Ready(Before::Drain { rotation, .. } | Before::ReturnToRotation { rotation }),
            ..
        } = &event.kind
            && let (Some(seen), Some(pool)) = (rotation, self.plan.as_ref().and_then(|p| p.pool_of(server)))
        {
            self.saw_rotation(&pool.clone(), seen.in_rotation, seen.members);
        }
        let refused = self
            .refusal(event)
            .map(|refusal| refusal.shortage.seen.who_is_out());
        let detail = wording::waiting(self, event);
        let row = self.servers.entry(server.clone()).or_default();
        row.take(event);
        if let Some(out) = refused {
            let since = row.waits.take().map_or(event.at, |(since, _)| since);
            row.waits = Some((since, out));
        }
        if let Some(detail) = detail {
            row.detail = detail;
        }
    }

    /// What the event says of a drain that a floor does not allow now; `None` for any other event.
    pub(crate) fn refusal<'a>(&'a self, event: &'a Event) -> Option<Refusal<'a>> {
        let EventKind::StepProbed {
            server,
            found: Found::Ready(before),
            ..
        } = &event.kind
        else {
            return None;
        };
        let plan = self.plan.as_ref()?;
        let since = self
            .servers
            .get(server)
            .and_then(|row| row.waits.as_ref())
            .map_or(event.at, |(since, _)| *since);
        Some(Refusal {
            server,
            shortage: plan.shortage(server, before)?,
            left: plan
                .policy
                .progress_deadline
                .saturating_sub(event.at.duration_since(since)),
        })
    }

    /// Takes in progress, which may have been dropped before.
    pub fn progress(&mut self, progress: &Progress) {
        match progress {
            Progress::Doing { server, detail } => {
                if let Some(row) = self.servers.get_mut(server) {
                    row.detail.clone_from(detail);
                }
            }
            Progress::Rotation {
                pool,
                in_rotation,
                members,
            } => self.saw_rotation(pool, *in_rotation, *members),
            Progress::Asked { .. } => self.witnesses.progress(progress),
        }
    }

    /// A look at a pool: by the monitor, which looks every few seconds, or by a step, which looks when it matters.
    fn saw_rotation(&mut self, pool: &PoolName, in_rotation: u32, members: u32) {
        let seen = self
            .rotation
            .entry(pool.clone())
            .or_insert((in_rotation, members, in_rotation));
        *seen = (in_rotation, members, seen.2.min(in_rotation));
    }

    /// The number of the change that the run belongs to.
    pub fn change(&self) -> Option<&str> {
        self.plan.as_ref()?.change.as_deref()
    }

    /// When the run will have ended; `None` where it does not go on.
    pub fn outlook(&self, now: Timestamp) -> Option<Outlook> {
        self.rollout.as_ref()?.outlook(now)
    }

    /// When everything has to have ended in this sitting.
    pub fn until(&self) -> Option<Timestamp> {
        self.rollout.as_ref()?.until()
    }

    /// How many rows are in the state.
    pub fn count(&self, state: RowState) -> usize {
        self.servers.values().filter(|row| row.state == state).count()
    }

    /// Rows at their end.
    pub fn ended(&self) -> usize {
        self.servers.values().filter(|row| row.ended.is_some()).count()
    }

    /// The step's word as it stands in the playbook.
    pub fn step_word(&self, step: usize) -> String {
        self.plan
            .as_ref()
            .and_then(|p| p.steps.get(step))
            .map_or_else(|| format!("step {step}"), |s| s.kind().to_string())
    }

    /// What the change of a step told and nothing else tells: a restart that had to be helped, a commit that had to be repeated. What steps of
    /// other kinds did is told by looking again.
    pub(crate) fn remarks(&self, row: &Row, step: usize, verified: &[String]) -> Vec<String> {
        let kind = self.plan.as_ref().and_then(|p| p.steps.get(step)).map(Step::kind);
        let speaks = matches!(
            kind,
            Some(StepKind::Restrict | StepKind::RestartIis | StepKind::Command | StepKind::Powershell)
        );
        let is_new = |fact: &&String| speaks && !row.told.contains(fact) && !verified.contains(fact);
        row.applied.iter().filter(is_new).cloned().collect()
    }

    /// Failures that count against the budget: servers, and pools that a witness saw refuse their clients.
    pub fn failures(&self) -> usize {
        let servers = self.servers.values().filter(|row| row.error.is_some()).count();
        servers + self.witnesses.breached_vips()
    }
}

impl Row {
    fn enter(&mut self, state: RowState, step: Option<usize>, at: Timestamp) {
        if (self.state, self.step) != (state, step) {
            self.since = Some(at);
            self.detail.clear();
        }
        self.state = state;
        self.step = step;
    }

    fn end(&mut self, state: RowState, at: Timestamp) {
        self.enter(state, None, at);
        self.ended = Some(at);
    }

    fn take(&mut self, event: &Event) {
        let at = event.at;
        match &event.kind {
            EventKind::ServerStarted { .. } => {
                self.started = Some(at);
                self.ended = None;
                self.error = None;
                self.enter(RowState::Surveying, None, at);
            }
            EventKind::Surveyed {
                survey: Survey::Seen { work, facts },
                ..
            } => {
                self.work.clone_from(work);
                self.told.clone_from(facts);
            }
            EventKind::StepStarted { step, .. } => {
                self.applied.clear();
                self.enter(RowState::Running, Some(*step), at);
            }
            // Whether the wait goes on is judged by whoever knows the plan.
            EventKind::StepProbed {
                found: Found::Ready(Before::Drain { .. }) | Found::Failed(_),
                ..
            } => {}
            EventKind::StepProbed {
                found: Found::Ready(_) | Found::AlreadyDone(_),
                ..
            }
            | EventKind::StepApplied {
                outcome: Outcome::Failed(_) | Outcome::Unknown(_),
                ..
            } => self.waits = None,
            EventKind::StepApplied {
                outcome: Outcome::Done(receipt),
                ..
            } => {
                self.waits = None;
                self.http_requests = self.http_requests.max(receipt.http_requests);
                self.applied.clone_from(&receipt.facts);
            }
            EventKind::StepVerified {
                outcome: Outcome::Done(receipt),
                ..
            } => {
                self.http_requests = self.http_requests.max(receipt.http_requests);
            }
            EventKind::ServerSoaking { .. } => self.enter(RowState::Soaking, None, at),
            EventKind::SoakFinished {
                report: SoakReport::Healthy(_),
                ..
            } if self.state == RowState::Held => self.end(RowState::Changed, at),
            EventKind::SoakFinished { .. } => {}
            EventKind::CanaryHeld { .. } => {
                self.ended = None;
                self.enter(RowState::Held, None, at);
            }
            EventKind::ServerHealthy { changed, .. } => {
                self.end(
                    if *changed {
                        RowState::Changed
                    } else {
                        RowState::Unchanged
                    },
                    at,
                );
            }
            EventKind::ServerFailed { step, error, .. } => {
                self.error = Some((*step, error.clone()));
                self.end(RowState::Failed, at);
            }
            EventKind::UndoStarted { step, .. } => self.enter(RowState::Undoing, Some(*step), at),
            EventKind::ServerUndone { .. } => self.end(RowState::Undone, at),
            EventKind::ServerStuck { .. } => self.end(RowState::Stuck, at),
            EventKind::ServerSkipped { .. } => self.end(RowState::Skipped, at),
            _ => {}
        }
    }
}
