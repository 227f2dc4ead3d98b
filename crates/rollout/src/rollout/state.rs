//! What the core remembers of one server. Finer than [`ServerState`](crate::ServerState), which is what displays see.

use std::collections::{BTreeMap, BTreeSet};

use inventory::{PoolName, ServerName};
use jiff::Timestamp;
use serde::Serialize;

use crate::action::Debt;
use crate::observation::{Before, Evidence, FailureKind, StepError};
use crate::pause::Answer;
use crate::plan::{Floor, PlannedServer};
use crate::server::Phase;

/// How many servers stand where.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Counts {
    /// Not begun yet.
    pub waiting: u32,
    /// Under way: from the first look until healthy, or at an end with nothing left to undo or to pay.
    pub running: u32,
    /// Proven healthy, and nothing had to be changed.
    pub unchanged: u32,
    /// Proven healthy, and changed.
    pub changed: u32,
    /// Failed and left as it is.
    pub failed: u32,
    /// Failed or part of a failed wave, and put back.
    pub undone: u32,
    /// Needs a person.
    pub stuck: u32,
    /// Not begun, or let go before anything was changed.
    pub skipped: u32,
}

/// Something that the run owes.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenDebt {
    /// To which server.
    pub server: ServerName,
    /// What.
    pub debt: Debt,
    /// Why it could not be paid; `None` when that was not tried yet.
    pub unpaid: Option<Unpaid>,
}

/// Why a debt could not be paid.
#[derive(Clone, Debug, PartialEq)]
pub struct Unpaid {
    /// Why.
    pub error: StepError,
    /// The exact command with which a person can pay it.
    pub command: String,
}

/// One server.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    pub(super) name: ServerName,
    pub(super) pool: Option<PoolName>,
    pub(super) site: Option<String>,
    /// Its value of the label that `spread` names.
    pub(super) spread: Option<String>,
    pub(super) weight: u32,
    pub(super) wave: usize,
    pub(super) stand: Stand,
    /// The survey saw no work: only the steps that change nothing are run.
    pub(super) only_looks: bool,
    /// Steps that may have changed something, in the order in which their first `Apply` was emitted.
    pub(super) applied: Vec<Applied>,
    pub(super) debts: BTreeSet<Debt>,
    /// The run's lease stands on the server, or may stand there: owed like a debt, but only at the run's end.
    pub(super) leased: bool,
    /// Debts whose payment was tried in vain.
    pub(super) unpaid: BTreeMap<Debt, Unpaid>,
    /// The debt that a worker is paying now.
    pub(super) paying: Option<Debt>,
    /// Somebody else had taken the server out of rotation before we came: what showed it. We do not put it back in.
    pub(super) left_out: Option<Evidence>,
    /// Why it failed.
    pub(super) failure: Option<Failure>,
    /// What a witness saw of it that must never be, until it fails for it.
    pub(super) breach: Option<StepError>,
    /// It counts against the budget.
    pub(super) counted: bool,
    /// An `Apply` of a step that is not a mere look was emitted, in this life of the run or an earlier one.
    pub(super) changed: bool,
    /// It failed and was not proven healthy since: it may be out, whatever its stand.
    pub(super) suspect: bool,
    /// What is known of the untouched servers since it failed.
    pub(super) control: Control,
    /// What a person said about its failure.
    pub(super) answer: Option<Answer>,
    /// It was watched for `canary_hold`.
    pub(super) held: bool,
    /// It was seen in rotation and healthy, and has not failed since.
    pub(super) is_back: bool,
    /// Looks at the current step that were lost.
    pub(super) lost: u32,
    /// When the floor first refused the current step.
    pub(super) refused: Option<(Timestamp, Floor)>,
    /// What the last probe of the current step saw.
    pub(super) before: Option<Before>,
    /// When its turn came in this sitting, and whether something was changed on it since.
    pub(super) began: Option<(Timestamp, bool)>,
    /// When its way back began in this sitting.
    pub(super) undo_began: Option<Timestamp>,
}

/// What is known of the untouched servers since a server failed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Control {
    /// Nothing, and nothing is wanted.
    #[default]
    None,
    /// They are to be looked at.
    Due,
    /// A worker looks.
    Looking,
    /// They degraded with it: `ambient_incident` is due.
    Degraded {
        /// Who degraded.
        degraded: Vec<ServerName>,
        /// How many were healthy before.
        healthy_before: u32,
    },
    /// `ambient_incident` stands in the journal.
    Incident,
}

/// A step that may have changed something.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Applied {
    pub(super) step: usize,
    /// What the probe saw before the *first* `Apply`: a later probe may have seen a half-made change.
    pub(super) before: Before,
}

/// Why and where a server failed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failure {
    pub(super) step: Option<usize>,
    pub(super) error: StepError,
}

/// Where a server stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stand {
    /// Its turn has not come.
    Waiting,
    /// The first look is with a worker.
    Surveying,
    /// At a step.
    Step { step: usize, attempt: u32, phase: Phase },
    /// All steps are over and something was changed: `server_soaking` is due, after what is still owed.
    Returned,
    /// Watched.
    Soaking { since: Timestamp },
    /// `server_healthy` is due.
    Proven,
    /// Healthy, and watched on for `canary_hold`.
    Held { since: Timestamp },
    /// As wanted.
    Healthy,
    /// `server_failed` is due.
    Failing,
    /// Failed and counted; undo and payment may follow.
    Failed,
    /// The operator takes the run back, and its turn has not come; `step` is the first to be undone.
    TakenBack { step: usize },
    /// Steps are being taken back; `step` is the last one begun, or the first to begin with.
    Unwinding { step: usize, progress: Unwind },
    /// Everything that can be undone is undone; payment may follow.
    Undone,
    /// An undo failed; payment may follow.
    Stuck,
    /// Let go.
    Skipped,
}

/// How far the way back is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unwind {
    /// The next `undo_started`, or `server_undone`, is due.
    Due,
    /// An undo is with a worker.
    Running,
    /// An undo failed: `server_stuck` is due.
    Failed,
}

impl Record {
    pub(super) fn new(name: ServerName, planned: &PlannedServer, wave: usize) -> Self {
        Self {
            name,
            pool: planned.pool.clone(),
            site: planned.site.clone(),
            spread: planned.spread.clone(),
            weight: planned.weight,
            wave,
            stand: Stand::Waiting,
            only_looks: false,
            applied: Vec::new(),
            debts: BTreeSet::new(),
            leased: false,
            unpaid: BTreeMap::new(),
            paying: None,
            left_out: None,
            failure: None,
            breach: None,
            counted: false,
            changed: false,
            suspect: false,
            control: Control::None,
            answer: None,
            held: false,
            is_back: false,
            lost: 0,
            refused: None,
            before: None,
            began: None,
            undo_began: None,
        }
    }

    /// The next debt whose payment was not tried yet.
    pub(super) fn payable(&self) -> Option<Debt> {
        self.debts
            .iter()
            .find(|debt| !self.unpaid.contains_key(debt))
            .copied()
    }

    /// The lease stands there, nobody is taking it away, and that was not tried in vain.
    pub(super) fn owes_lease(&self) -> bool {
        self.leased && self.paying.is_none() && !self.unpaid.contains_key(&Debt::Lease)
    }

    /// Nothing was changed on it, in this life of the run or an earlier one.
    pub(super) fn is_untouched(&self) -> bool {
        !self.changed && self.applied.is_empty() && self.debts.is_empty()
    }

    /// A gate could not look at it: it has failed, but nobody knows whether it is unhealthy.
    pub(super) fn is_inconclusive(&self) -> bool {
        self.failure
            .as_ref()
            .is_some_and(|failure| failure.error.kind == FailureKind::Inconclusive)
    }

    /// The stand in words, for errors.
    pub(super) fn describe(&self) -> String {
        let stand = match &self.stand {
            Stand::Waiting => "is waiting".to_owned(),
            Stand::Surveying => "is being surveyed".to_owned(),
            Stand::Step { step, attempt, phase } => {
                let phase = match phase {
                    Phase::Due => "due",
                    Phase::Probing => "probing",
                    Phase::AwaitingPermit { .. } => "awaiting its permit",
                    Phase::AwaitingLook { .. } => "awaiting another look",
                    Phase::Applying => "applying",
                    Phase::Verifying => "verifying",
                };
                format!("is at step {step}, attempt {attempt}, {phase}")
            }
            Stand::Returned => "has its steps behind it".to_owned(),
            Stand::Soaking { .. } => "is soaking".to_owned(),
            Stand::Proven => "is proven healthy".to_owned(),
            Stand::Held { .. } => "is held as a canary".to_owned(),
            Stand::Healthy => "is healthy".to_owned(),
            Stand::Failing => "is failing".to_owned(),
            Stand::Failed => "has failed".to_owned(),
            Stand::TakenBack { step } => format!("waits to undo step {step}"),
            Stand::Unwinding {
                step,
                progress: Unwind::Running,
            } => format!("is undoing step {step}"),
            Stand::Unwinding {
                step,
                progress: Unwind::Due,
            } => format!("is unwinding from step {step}"),
            Stand::Unwinding {
                step,
                progress: Unwind::Failed,
            } => format!("could not undo step {step}"),
            Stand::Undone => "is undone".to_owned(),
            Stand::Stuck => "is stuck".to_owned(),
            Stand::Skipped => "is skipped".to_owned(),
        };
        match self.paying {
            Some(_) => format!("{} {stand} and is being paid its debt", self.name),
            None => format!("{} {stand}", self.name),
        }
    }
}
