//! What the core asks the driver to do. The driver answers every action with exactly one [`EventKind`](crate::EventKind), named beside it.

use inventory::ServerName;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::observation::Before;

/// One thing to do on one server. `step` is the index in [`Plan::steps`](crate::Plan).
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Log in and look which steps have work to do; where there is any, take the server's lease (told by `LeaseTaken`). Nothing else is changed.
    /// Answer: `Surveyed`.
    Survey {
        /// The server.
        server: ServerName,
    },
    /// Look at what the step would change. Answer: `StepProbed`, or `StepApplied` with `Failed`/`Unknown` never; a probe that cannot look
    /// answers `StepProbed { found: Found::Failed }`.
    Probe {
        /// The server.
        server: ServerName,
        /// Index of the step.
        step: usize,
        /// 1 for the first look; higher after a lost reply or a refused permit.
        attempt: u32,
    },
    /// Make the change. Answer: `StepApplied`.
    Apply {
        /// The server.
        server: ServerName,
        /// Index of the step.
        step: usize,
        /// What the probe saw: the ground on which the change was planned, and what undo goes back to.
        before: Before,
        /// Where the change was begun before and is begun again: what the probe saw the first time. Undo goes back to that then.
        first: Option<Box<Before>>,
    },
    /// Prove the change by looking again. Answer: `StepVerified`.
    Verify {
        /// The server.
        server: ServerName,
        /// Index of the step.
        step: usize,
        /// What the probe saw before the change.
        before: Before,
    },
    /// Watch the server's health for the whole span. Answer: `SoakFinished`.
    Soak {
        /// The server.
        server: ServerName,
        /// `min_healthy_time`.
        span: SignedDuration,
    },
    /// Look at the health pages of servers that the run has not touched, and compare with what they answered before. Answer: `ControlSeen`.
    LookAtControl {
        /// The server that failed.
        server: ServerName,
        /// The untouched servers of its pool.
        others: Vec<ServerName>,
    },
    /// Take a step back, and verify that it is back. Answer: `UndoFinished` or `UndoFailed`.
    Undo {
        /// The server.
        server: ServerName,
        /// Index of the step.
        step: usize,
        /// The state to go back to.
        before: Before,
    },
    /// Give back what the run took away. Answer: `DebtPaid` or `DebtUnpaid`.
    PayDebt {
        /// The server.
        server: ServerName,
        /// What is owed.
        debt: Debt,
        /// For a change that is not confirmed: the state to go back to first.
        restore: Option<Before>,
    },
}

impl Action {
    /// The server that the action is for.
    pub fn server(&self) -> &ServerName {
        match self {
            Self::Survey { server }
            | Self::Probe { server, .. }
            | Self::Apply { server, .. }
            | Self::Verify { server, .. }
            | Self::Soak { server, .. }
            | Self::LookAtControl { server, .. }
            | Self::Undo { server, .. }
            | Self::PayDebt { server, .. } => server,
        }
    }
}

/// Something that the run took away from a server and owes back in every outcome.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Debt {
    /// The server puts the former rules back by itself unless the change of the step with this index in the plan is confirmed: its dead man's
    /// switch has to be taken away, before anything else is paid.
    Confirmation {
        /// Index of the `restrict` step.
        step: usize,
    },
    /// The server was taken out of the load balancer's rotation by the step with this index in the plan.
    Rotation {
        /// Index of the `drain` step.
        step: usize,
    },
    /// The server bears the run's lease, which keeps other runs away from it. Paid last, when the run ends: another run that begins meanwhile
    /// would spoil its waves. It ends by itself as well, so that nobody is needed for one that cannot be paid.
    Lease,
}
