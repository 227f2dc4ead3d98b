//! The state machine of a run: asked by [`Rollout::next`], told by [`Rollout::apply`].
//!
//! # How a run goes
//! The caller commits `run_started`, applies it, and then repeats: ask `next`; commit and apply what it wants recorded; hand the [`Action`] that
//! `apply` returns to a worker; commit and apply the worker's answer. `next` never changes anything and `apply` never looks at a clock, so a
//! journal replayed through `apply` gives the same state again.
//!
//! # What holds
//! * An action exists only because its intent was committed, and each `Apply` follows a fresh probe of its own.
//! * A server counts as under way from `server_started` until it is healthy or at an end with nothing left to undo or to pay.
//! * Nothing new is begun once more than `max_failures` servers have failed or a stop was asked for.
//! * What was taken away is a debt from the moment its `Apply` is emitted; it is paid by the step that gives it back, by a payment of its own,
//!   or named by [`Rollout::debts`] and the verdict [`HumanNeeded`](Verdict::HumanNeeded).
//!
//! docs/design/001-rollout-core.md says why.

mod apply;
mod breach;
mod ending;
mod limits;
mod next;
mod pauses;
mod replay;
mod room;
mod rotation;
mod standing;
mod state;
mod steps;
mod taking_back;
mod undo;
mod window;

pub use next::Next;
pub use standing::{OnStop, Wait};
pub use state::{Counts, OpenDebt, Unpaid};
pub use window::Outlook;

use std::collections::{BTreeMap, BTreeSet};

use inventory::{PoolName, ServerName};
use jiff::{SignedDuration, Timestamp};

use crate::action::{Action, Debt};
use crate::observation::StepError;
use crate::pause::Pause;
use crate::plan::Plan;
use crate::run_id::RunId;
use crate::server::{Phase, ServerState};
use crate::verdict::Verdict;
use state::{Record, Stand};
use window::Measured;

/// How many times a step is looked at before a lost outcome counts as failed.
const LOOKS: u32 = 3;

/// The pause before another look: at the pool's floor, or after a lost reply. Long enough for a load balancer to see a change (HAProxy checks
/// every 2 s by default) and short beside the seconds that a restart takes.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// A run, as far as its events tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollout {
    plan: Plan,
    run: Option<RunId>,
    /// In the order of the waves.
    records: Vec<Record>,
    /// Positions in `records`.
    index: BTreeMap<ServerName, usize>,
    open_wave: Option<usize>,
    /// `BudgetSpent` stands in the journal.
    budget_spent: bool,
    /// The wave of the server whose failure was one too many.
    spent_in: Option<usize>,
    stop: Option<Stop>,
    /// A witness saw what must never be, in this life of the run.
    breached: bool,
    /// Pools whose clients a witness saw refused at the virtual address: each counts as one failure.
    breached_vips: BTreeSet<PoolName>,
    /// What a person is being asked.
    pause: Option<Pause>,
    /// The pause at which the run was told to end.
    ended_at: Option<Pause>,
    /// How many waves lay behind the last pause that a person has let pass.
    passed: usize,
    /// `UndoRequested` stands in the journal: the run goes backwards from there on.
    taking_back: bool,
    verdict: Option<Verdict>,
    /// When everything has to have ended, in this life of the run.
    until: Option<Timestamp>,
    /// `WindowClosed` stands in the journal, in this life of the run.
    window_closed: bool,
    /// Nothing was left of the window then.
    window_over: bool,
    /// How long servers took.
    measured: Measured,
}

/// What the operator asked for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Stop {
    /// Begin nothing new, finish what runs.
    Soft,
    /// End at once.
    Hard,
}

impl Rollout {
    /// A run of which nothing has happened yet; its first event is `run_started` with the same plan.
    pub fn new(plan: Plan) -> Self {
        let mut records: Vec<Record> = Vec::new();
        let mut index = BTreeMap::new();
        for (wave, servers) in plan.waves.iter().enumerate() {
            for name in servers {
                let planned = plan.servers.get(name).cloned().unwrap_or_default();
                // A plan never names a server twice; were it so, the first wave counts.
                index.entry(name.clone()).or_insert_with(|| {
                    records.push(Record::new(name.clone(), &planned, wave));
                    records.len() - 1
                });
            }
        }
        Self {
            plan,
            run: None,
            records,
            index,
            open_wave: None,
            budget_spent: false,
            spent_in: None,
            stop: None,
            breached: false,
            breached_vips: BTreeSet::new(),
            pause: None,
            ended_at: None,
            passed: 0,
            taking_back: false,
            verdict: None,
            until: None,
            window_closed: false,
            window_over: false,
            measured: Measured::default(),
        }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The run's name; `None` before `run_started`.
    pub fn run_id(&self) -> Option<&RunId> {
        self.run.as_ref()
    }

    /// The wave that is open, from 0.
    pub fn wave(&self) -> Option<usize> {
        self.open_wave
    }

    /// How many failures count against the budget: servers, and pools that a witness saw refuse their clients.
    pub fn failures(&self) -> u32 {
        let servers = self.records.iter().filter(|record| record.counted).count();
        u32::try_from(servers + self.breached_vips.len()).unwrap_or(u32::MAX)
    }

    /// Whether more servers failed than the policy allows, or more of a pool than the pool does.
    pub fn is_budget_spent(&self) -> bool {
        self.failures() > self.plan.policy.max_failures || self.spent_pool().is_some()
    }

    /// What a person is being asked; nothing begins until it is answered.
    pub fn pause(&self) -> Option<&Pause> {
        self.pause.as_ref()
    }

    /// Whether the operator asked to stop.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_some()
    }

    /// Whether the operator takes the run back.
    pub fn is_taken_back(&self) -> bool {
        self.taking_back
    }

    /// How the run ended; `None` while it goes on.
    pub fn verdict(&self) -> Option<Verdict> {
        self.verdict
    }

    /// Where a server stands; `None` when the plan does not have it.
    pub fn state_of(&self, server: &ServerName) -> Option<ServerState> {
        let record = self.record(server)?;
        if let Some(debt) = record.paying {
            return Some(ServerState::PayingDebt { debt });
        }
        Some(match &record.stand {
            Stand::Waiting => ServerState::Waiting,
            Stand::Surveying => ServerState::Surveying,
            Stand::Step { step, attempt, phase } => ServerState::Running {
                step: *step,
                attempt: *attempt,
                phase: phase.clone(),
            },
            // Every step is over and the next decision is due at once: shown as the last step.
            Stand::Returned | Stand::Proven => ServerState::Running {
                step: self.plan.steps.len().saturating_sub(1),
                attempt: 1,
                phase: Phase::Due,
            },
            Stand::Soaking { since } => ServerState::Soaking { since: *since },
            Stand::Held { since } => ServerState::Held { since: *since },
            Stand::Healthy => ServerState::Healthy {
                changed: record.changed,
            },
            Stand::Failing | Stand::Failed => ServerState::Failed,
            Stand::Unwinding { step, .. } | Stand::TakenBack { step } => ServerState::Undoing { step: *step },
            Stand::Undone => ServerState::Undone,
            Stand::Stuck => ServerState::Stuck,
            Stand::Skipped => ServerState::Skipped,
        })
    }

    /// Why a server failed or is stuck, and at which step, when it was one.
    pub fn failure_of(&self, server: &ServerName) -> Option<(Option<usize>, &StepError)> {
        let failure = self.record(server)?.failure.as_ref()?;
        Some((failure.step, &failure.error))
    }

    /// The servers that are under way, in the order of the waves.
    pub fn running(&self) -> impl Iterator<Item = &ServerName> {
        self.records
            .iter()
            .filter(|record| self.is_under_way(record))
            .map(|record| &record.name)
    }

    /// What the run took away and has not given back.
    pub fn debts(&self) -> Vec<OpenDebt> {
        let mut open = Vec::new();
        for record in &self.records {
            for debt in record.debts.iter().chain(record.leased.then_some(&Debt::Lease)) {
                open.push(OpenDebt {
                    server: record.name.clone(),
                    debt: *debt,
                    unpaid: record.unpaid.get(debt).cloned(),
                });
            }
        }
        open
    }

    /// How many servers stand where.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for record in &self.records {
            let column = match &record.stand {
                _ if self.is_under_way(record) => &mut counts.running,
                Stand::Healthy if record.changed => &mut counts.changed,
                Stand::Healthy => &mut counts.unchanged,
                Stand::Undone => &mut counts.undone,
                Stand::Stuck => &mut counts.stuck,
                Stand::Skipped => &mut counts.skipped,
                Stand::Failed => &mut counts.failed,
                _ => &mut counts.waiting,
            };
            *column += 1;
        }
        counts
    }

    fn record(&self, server: &ServerName) -> Option<&Record> {
        self.records.get(*self.index.get(server)?)
    }

    /// The action that undoes a step, from what the record remembers of it.
    fn undo_action(record: &Record, step: usize) -> Option<Action> {
        let applied = record.applied.iter().find(|applied| applied.step == step)?;
        Some(Action::Undo {
            server: record.name.clone(),
            step,
            before: applied.before.clone(),
        })
    }
}
