//! Where one server stands, as displays see it.

use std::fmt;

use jiff::Timestamp;

use crate::action::Debt;

/// One server's state. Terminal: `Healthy` (unless its wave is undone), `Undone`, `Stuck`, `Skipped`, and `Failed` once nothing is owed.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerState {
    /// Its turn has not come.
    Waiting,
    /// The first look is under way.
    Surveying,
    /// A step is under way.
    Running {
        /// Index of the step.
        step: usize,
        /// From 1.
        attempt: u32,
        /// Where in the step.
        phase: Phase,
    },
    /// Watched for `min_healthy_time`.
    Soaking {
        /// Since when.
        since: Timestamp,
    },
    /// Healthy, and watched on for `canary_hold`.
    Held {
        /// Since when.
        since: Timestamp,
    },
    /// As wanted.
    Healthy {
        /// False when nothing had to be changed.
        changed: bool,
    },
    /// It failed; undo or debts may follow.
    Failed,
    /// A step is being taken back.
    Undoing {
        /// Index of the step.
        step: usize,
    },
    /// What the run took away from it is being given back outside the normal course of steps.
    PayingDebt {
        /// What is owed.
        debt: Debt,
    },
    /// All changes were taken back.
    Undone,
    /// A person is needed.
    Stuck,
    /// Never begun.
    Skipped,
}

/// Where in a step a server is.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// The previous step is over, or the run was resumed: this one can start.
    Due,
    /// Looking.
    Probing,
    /// The probe is back, but the pool's floor does not allow another server to leave now.
    AwaitingPermit {
        /// When to look again.
        retry_at: Timestamp,
    },
    /// The last look was lost or the last reply's outcome is unknown: the step is looked at again after a pause.
    AwaitingLook {
        /// When to look again.
        retry_at: Timestamp,
    },
    /// Changing.
    Applying,
    /// Looking again.
    Verifying,
}

impl Phase {
    /// Whether a worker has something to answer.
    pub fn is_with_worker(&self) -> bool {
        match self {
            Self::Probing | Self::Applying | Self::Verifying => true,
            Self::Due | Self::AwaitingPermit { .. } | Self::AwaitingLook { .. } => false,
        }
    }
}

impl ServerState {
    /// The state as one word, the same on the screen and in errors.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Surveying => "surveying",
            Self::Running { .. } => "running",
            Self::Soaking { .. } => "soaking",
            Self::Held { .. } => "held",
            Self::Healthy { .. } => "healthy",
            Self::Failed => "failed",
            Self::Undoing { .. } => "undoing",
            Self::PayingDebt { .. } => "paying_debt",
            Self::Undone => "undone",
            Self::Stuck => "stuck",
            Self::Skipped => "skipped",
        }
    }
}

impl fmt::Display for ServerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
